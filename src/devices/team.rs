//! Devices that are threads of this process: starting them, letting them meet, and ending them all when one fails.
//!
//! All threads of one outermost map share a [`Hub`], which knows who runs and who waits. A member that waits is woken when all members of its
//! group have come, or when some thread has failed. If nobody runs and somebody waits, nobody will ever come: that is an error which says where
//! each of them is.

use super::{Collectives, Fold, Site};
use crate::array::{Array, Outs};
use crate::aval::AxisSet;
use crate::error::{Error, ErrorKind, Loc, catch, raise};
use crate::prim::{self, zeros_of};
use crate::trace::axis::Axis;
use crate::trace::enter;
use cotangent_cpu::{Buffer, pool};
use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};

/// What all threads of a map know of each other.
#[derive(Debug, Default)]
struct Hub {
    state: Mutex<State>,
}
#[derive(Debug, Default)]
struct State {
    /// Threads that neither wait nor have finished.
    running: usize,
    /// Has some thread failed? Then nobody waits any more.
    failed: bool,
    failure: Option<Failure>,
    /// Who waits where.
    waiting: BTreeMap<Arc<str>, (Site, Arc<str>)>,
    groups: HashMap<u64, Group>,
    /// Channels by their group and color.
    channels: HashMap<(u64, usize), u64>,
    teams: HashMap<u64, Team>,
    last: u64,
}
/// Why a map ends early.
#[derive(Debug)]
enum Failure {
    Error(Error),
    Panic(Box<dyn Any + Send>),
}
/// The payload of a panic that only says that another thread has failed.
struct GivesUp;

/// Members that meet.
#[derive(Debug)]
struct Group {
    size: usize,
    /// The values of those who have come, and where they are.
    values: Vec<Option<(Array, Site, Arc<str>)>>,
    come: usize,
    /// How often they have met, and what came of it the last time.
    meetings: u64,
    met: Option<Arc<Met>>,
    /// Who has not taken it yet.
    to_come: usize,
    wake: Arc<Condvar>,
}
/// The members' values, and what all make of them.
#[derive(Debug)]
struct Met {
    values: Vec<Array>,
    shared: OnceLock<Array>,
}
/// The threads of one map, some of which still run.
#[derive(Debug)]
struct Team {
    left: usize,
    /// Does the thread that started them wait for the end?
    awaited: bool,
    finished: Vec<Arc<str>>,
    groups: Vec<u64>,
    wake: Arc<Condvar>,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}
impl State {
    fn id(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
    fn group(&mut self, size: usize) -> u64 {
        let id = self.id();
        let values = (0..size).map(|_| None).collect();
        self.groups
            .insert(id, Group { size, values, come: 0, meetings: 0, met: None, to_come: 0, wake: Arc::default() });
        id
    }
    /// Forgets groups, and the channels that were made of them.
    fn forget(&mut self, mut groups: Vec<u64>) {
        while let Some(g) = groups.pop() {
            self.groups.remove(&g);
            groups.extend(self.channels.extract_if(|of, _| of.0 == g).map(|(_, made)| made))
        }
    }
    /// Ends everything; what was first is told.
    fn fail(&mut self, why: Failure) {
        if !std::mem::replace(&mut self.failed, true) {
            self.failure = Some(why)
        }
        self.groups.values().for_each(|g| g.wake.notify_all());
        self.teams.values().for_each(|t| t.wake.notify_all());
    }
    /// Somebody stopped running. If nobody else runs, those who wait do so in vain.
    fn rest(&mut self) {
        if self.failed {
            // who was woken to give up has stopped already
            return;
        }
        self.running -= 1;
        if self.running == 0 && !self.waiting.is_empty() {
            let e = self.apart();
            self.fail(Failure::Error(e))
        }
    }
    /// The error that says where everybody is.
    fn apart(&self) -> Error {
        let mut text = "the devices do not communicate in the same places in the same order:".to_string();
        for (who, (site, axis)) in &self.waiting {
            text.push_str(&format!(
                "\n  device {who} waits for the others of axis '{axis}' in {} at {}",
                site.name, site.at
            ))
        }
        for who in self.teams.values().flat_map(|t| &t.finished) {
            text.push_str(&format!("\n  device {who} has finished"))
        }
        text.push_str("\nall devices along an axis must take part in each of its collectives, in one order: a branch that only some of them take must not communicate");
        let at = self.waiting.values().next().map(|w| w.0.at);
        let e = Error::new(ErrorKind::Axis, text);
        match at {
            Some(at) => e.at(at),
            None => e,
        }
    }
}

/// One thread's place in a group.
#[derive(Debug, Clone)]
struct Member {
    hub: Arc<Hub>,
    group: u64,
    rank: usize,
    size: usize,
    axis: Arc<str>,
}
impl Member {
    /// Waits for the other members, and returns what each of them brought.
    fn meet(&self, x: &Array, site: Site) -> Arc<Met> {
        let mut s = self.hub.lock();
        if s.failed {
            drop(s);
            resume_unwind(Box::new(GivesUp))
        }
        let me = PLACE.with_borrow(|p| p.as_ref().map_or_else(|| "?".into(), |p| p.who.clone()));
        let g = s.groups.get_mut(&self.group).expect("a group of a running map");
        let here = (x.clone(), site, me.clone());
        let other = g.values.iter().flatten().find(|(y, there, _)| *there != site || !alike(x, y));
        if let Some((y, there, who)) = other {
            let text = format!(
                "the devices do not communicate in the same places in the same order: along axis '{}',\n  device {who} is in {} of {} at {}\n  \
                 device {me} is in {} of {} at {}",
                self.axis,
                there.name,
                y.aval(),
                there.at,
                site.name,
                x.aval(),
                site.at
            );
            drop(s);
            raise(Error::new(ErrorKind::Axis, text).at(site.at))
        }
        g.values[self.rank] = Some(here);
        g.come += 1;
        if g.come == g.size {
            g.come = 0;
            g.meetings += 1;
            let values = g.values.iter_mut().map(|v| v.take().expect("a value").0).collect();
            let met = Arc::new(Met { values, shared: OnceLock::new() });
            g.to_come = g.size - 1;
            g.met = (g.to_come > 0).then(|| met.clone());
            g.wake.notify_all();
            let woken = g.to_come;
            s.running += woken;
            return met;
        }
        let (before, wake) = (g.meetings, g.wake.clone());
        s.waiting.insert(me.clone(), (site, self.axis.clone()));
        s.rest();
        loop {
            if s.failed {
                drop(s);
                resume_unwind(Box::new(GivesUp))
            }
            let g = s.groups.get_mut(&self.group).expect("a group of a running map");
            if g.meetings != before {
                // nobody can meet again before all have taken this
                g.to_come -= 1;
                let met = if g.to_come == 0 { g.met.take() } else { g.met.clone() };
                s.waiting.remove(&me);
                return met.expect("what was brought");
            }
            s = pool::resting(|| wake.wait(s).unwrap_or_else(|e| e.into_inner()));
        }
    }
}
fn alike(x: &Array, y: &Array) -> bool {
    x.dtype() == y.dtype() && x.shape() == y.shape()
}
/// The values along a new first dimension.
fn stack<'a>(values: impl ExactSizeIterator<Item = (&'a Array, usize)>, shape: &[usize]) -> Array {
    let n = values.len();
    let (mut at, mut all, mut aval) = (0, None, None);
    for (x, part) in values {
        x.with_bytes(|b| {
            let aval = aval.get_or_insert_with(|| x.aval().with_shape([n].into_iter().chain(shape.iter().copied())));
            let bytes = shape.iter().product::<usize>() * aval.dtype.size();
            let all = all.get_or_insert_with(|| Buffer::zeroed(n * bytes)).as_bytes_mut();
            all[at..at + bytes].copy_from_slice(&b[part * bytes..(part + 1) * bytes]);
            at += bytes
        })
    }
    let mut aval = aval.expect("a member");
    aval.varying = 0;
    Array::from_buffer(aval, all.expect("a member"))
}
impl Met {
    fn all(&self) -> Array {
        stack(self.values.iter().map(|x| (x, 0)), self.values[0].shape())
    }
    /// Everybody's entry of this number.
    fn entries(&self, number: usize) -> Array {
        stack(self.values.iter().map(|x| (x, number)), &self.values[0].shape()[1..])
    }
}
impl Collectives for Member {
    fn rank(&self) -> usize {
        self.rank
    }
    fn size(&self) -> usize {
        self.size
    }
    fn all_reduce(&self, x: &Array, fold: Fold, site: Site) -> Array {
        let met = self.meet(x, site);
        let folded = met.shared.get_or_init(|| {
            let all = met.all();
            match fold {
                Fold::Sum => prim::reduce_sum(&all, &[0]),
                Fold::Max => prim::reduce_max(&all, &[0]),
                Fold::Min => prim::reduce_min(&all, &[0]),
            }
        });
        folded.clone()
    }
    fn all_gather(&self, x: &Array, site: Site) -> Array {
        let met = self.meet(x, site);
        met.shared.get_or_init(|| met.all()).clone()
    }
    fn reduce_scatter(&self, x: &Array, site: Site) -> Array {
        prim::reduce_sum(&self.meet(x, site).entries(self.rank), &[0])
    }
    fn all_to_all(&self, x: &Array, site: Site) -> Array {
        self.meet(x, site).entries(self.rank)
    }
    fn permute(&self, x: &Array, from_to: &[(usize, usize)], site: Site) -> Array {
        let met = self.meet(x, site);
        match from_to.iter().find(|p| p.1 == self.rank) {
            Some((from, _)) => met.values[*from].clone(),
            None => zeros_of(x.aval()),
        }
    }
    fn barrier(&self, site: Site) {
        self.meet(&crate::array(false), site);
    }
    fn channel(&self, color: usize) -> Arc<dyn Collectives> {
        let mut s = self.hub.lock();
        let group = match s.channels.get(&(self.group, color)) {
            Some(g) => *g,
            None => {
                let g = s.group(self.size);
                s.channels.insert((self.group, color), g);
                g
            }
        };
        Arc::new(Member { group, ..self.clone() })
    }
}

/// Where a thread stands in the maps that run: along each axis its link to the others, outermost first.
#[derive(Clone)]
struct Place {
    hub: Arc<Hub>,
    who: Arc<str>,
    links: Vec<(AxisSet, Arc<dyn Collectives>)>,
}
thread_local! {
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}
/// Restores a thread's former place.
struct Restore(Option<Place>);
impl Drop for Restore {
    fn drop(&mut self) {
        PLACE.set(self.0.take())
    }
}

/// The links along these axes, innermost first, if this thread stands on all of them.
pub(crate) fn links(axes: &[Axis]) -> Option<Vec<Arc<dyn Collectives>>> {
    PLACE.with_borrow(|p| {
        let at = |a: &Axis| p.as_ref()?.links.iter().rposition(|l| l.0 == a.bit);
        let mut at: Vec<usize> = axes.iter().map(at).collect::<Option<_>>()?;
        at.sort_unstable();
        let links = &p.as_ref()?.links;
        Some(at.iter().rev().map(|i| links[*i].1.clone()).collect())
    })
}

/// The link along one axis.
pub(crate) fn link(axis: &Axis) -> Option<Arc<dyn Collectives>> {
    links(std::slice::from_ref(axis))?.pop()
}

/// What a device computes, by its number.
pub(crate) type Work = Arc<dyn Fn(usize) -> Outs + Send + Sync>;

/// Runs `work` on as many devices as these axes have places, device 0 on this thread. `outer` are axes of surrounding maps along which it
/// communicates, too. If a device fails, all end, and the first failure is passed on.
pub(crate) fn run(axes: &[Axis], outer: AxisSet, loc: Loc, work: Work) -> Vec<Outs> {
    let around = PLACE.with_borrow(|p| p.clone());
    let n: usize = axes.iter().map(|a| a.size).product();
    let hub = around.as_ref().map_or_else(Arc::default, |p| p.hub.clone());
    let (places, groups) = places(&hub, around.as_ref(), axes, outer);
    let (team, wake) = {
        let mut s = hub.lock();
        let (id, wake) = (s.id(), Arc::<Condvar>::default());
        s.teams.insert(id, Team { left: n, awaited: false, finished: vec![], groups, wake: wake.clone() });
        s.running += if around.is_some() { n - 1 } else { n };
        (id, wake)
    };
    let results: Arc<Vec<OnceLock<Outs>>> = Arc::new((0..n).map(|_| OnceLock::new()).collect());
    let mut first = None;
    for (d, place) in places.into_iter().enumerate() {
        let (work, results) = (work.clone(), results.clone());
        let job = move |release: &mut dyn FnMut()| {
            let (hub, who) = (place.hub.clone(), place.who.clone());
            let done = catch_unwind(AssertUnwindSafe(|| {
                let _place = Restore(PLACE.replace(Some(place)));
                // Devices are at work side by side: none needs help where there are as many as the machine runs.
                let _at_work = pool::occupy();
                let _trace = enter(None, Some(loc));
                catch(|| work(d))
            }));
            // what this thread held is gone before the map can end
            drop(work);
            let failure = match done {
                Ok(Ok(y)) => {
                    results[d].set(y).expect("one result");
                    None
                }
                Ok(Err(e)) => Some(Failure::Error(e)),
                Err(p) if p.is::<GivesUp>() => None,
                Err(p) => Some(Failure::Panic(p)),
            };
            drop(results);
            release();
            let mut s = hub.lock();
            if let Some(why) = failure {
                s.fail(why)
            }
            s.waiting.remove(&who);
            let t = s.teams.get_mut(&team).expect("a running team");
            t.left -= 1;
            t.finished.push(who);
            if t.left == 0 && t.awaited {
                // the one who waits runs on in its place
                t.wake.notify_all()
            } else if d > 0 {
                s.rest()
            }
        };
        if d == 0 { first = Some(job) } else { spawn(Box::new(job)) }
    }
    drop(work);
    first.expect("a device")(&mut || ());
    let mut s = hub.lock();
    // device 0 was this thread, which goes on as the one that waits
    if s.teams[&team].left > 0 {
        s.teams.get_mut(&team).expect("a running team").awaited = true;
        s.rest();
        while s.teams[&team].left > 0 {
            s = pool::resting(|| wake.wait(s).unwrap_or_else(|e| e.into_inner()));
        }
    }
    let ended = s.teams.remove(&team).expect("a team");
    s.forget(ended.groups);
    if s.failed {
        let why = if around.is_none() { s.failure.take() } else { None };
        drop(s);
        match why {
            Some(Failure::Error(e)) => raise(e),
            Some(Failure::Panic(p)) => resume_unwind(p),
            None => resume_unwind(Box::new(GivesUp)),
        }
    }
    drop(s);
    let results = Arc::into_inner(results).expect("all devices have ended");
    results.into_iter().map(|r| r.into_inner().expect("a result")).collect()
}

/// The places of the devices of these axes, and the groups that were made for them.
fn places(hub: &Arc<Hub>, around: Option<&Place>, axes: &[Axis], outer: AxisSet) -> (Vec<Place>, Vec<u64>) {
    let n: usize = axes.iter().map(|a| a.size).product();
    let mut s = hub.lock();
    let mut groups: HashMap<(usize, usize), u64> = HashMap::new();
    let mut members: Vec<Vec<(Axis, u64, usize)>> = vec![];
    for d in 0..n {
        let (mut stride, mut mine) = (n, vec![]);
        for (k, a) in axes.iter().enumerate() {
            stride /= a.size;
            let rank = d / stride % a.size;
            // the members of a group differ in this place alone
            let id = *groups.entry((k, d - rank * stride)).or_insert_with(|| s.group(a.size));
            mine.push((a.clone(), id, rank))
        }
        members.push(mine)
    }
    drop(s);
    let place = |(d, mine): (usize, Vec<(Axis, u64, usize)>)| {
        let here = mine.iter().map(|(a, _, rank)| format!("{}={rank}", a.name));
        let names: Vec<String> = around.map(|p| p.who.to_string()).into_iter().chain(here).collect();
        let who: Arc<str> = names.join(", ").into();
        let mut links: Vec<(AxisSet, Arc<dyn Collectives>)> = vec![];
        for (bit, link) in around.iter().flat_map(|p| &p.links) {
            let link = if bit & outer != 0 { link.channel(d) } else { link.clone() };
            links.push((*bit, link))
        }
        links.extend(mine.into_iter().map(|(a, group, rank)| {
            let member = Member { hub: hub.clone(), group, rank, size: a.size, axis: a.name.clone() };
            (a.bit, Arc::new(member) as Arc<dyn Collectives>)
        }));
        Place { hub: hub.clone(), who, links }
    };
    (members.into_iter().enumerate().map(place).collect(), groups.into_values().collect())
}

/// Threads without work, each by the way to give it some. More than this many are not kept.
static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(vec![]);
const KEPT: usize = 64;
/// Something to do. It says when it is about to end, so that whoever waits for the end finds the thread free.
type Job = Box<dyn FnOnce(&mut dyn FnMut()) + Send>;

fn idle() -> MutexGuard<'static, Vec<Sender<Job>>> {
    IDLE.lock().unwrap_or_else(|e| e.into_inner())
}
fn spawn(mut job: Job) {
    loop {
        let Some(free) = idle().pop() else { break };
        match free.send(job) {
            Ok(()) => return,
            Err(back) => job = back.0,
        }
    }
    let thread = std::thread::Builder::new().name("cotangent device".into()).stack_size(8 << 20);
    let run = move || {
        let (tell, jobs) = channel::<Job>();
        let mut next = job;
        loop {
            let mut kept = false;
            next(&mut || {
                let mut idle = idle();
                kept = idle.len() < KEPT;
                if kept {
                    idle.push(tell.clone())
                }
            });
            if !kept {
                return;
            }
            next = match jobs.recv() {
                Ok(job) => job,
                Err(_) => return,
            }
        }
    };
    thread.spawn(run).unwrap_or_else(|e| panic!("a thread for a device cannot be started: {e}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::axis::fresh_mesh;
    use std::panic::Location;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn site() -> Site {
        Site { name: "a test", at: Location::caller() }
    }
    fn numbers(y: &[Outs]) -> Vec<f64> {
        y.iter().map(|y| y[0].to_f64()).collect()
    }
    /// `work` of a device and its link along axis i, on `n` devices.
    fn on(n: usize, work: impl Fn(usize, &dyn Collectives) -> Array + Send + Sync + 'static) -> Vec<Outs> {
        let axes = fresh_mesh([("i", n)].into_iter());
        let axis = axes[0].clone();
        let work: Work = Arc::new(move |d| prim::one(work(d, &*link(&axis).expect("a device"))));
        run(&axes, 0, Location::caller(), work)
    }
    fn array(x: f64) -> Array {
        crate::array(x)
    }

    #[test]
    fn members_meet() {
        let y = on(5, |d, link| {
            assert_eq!((link.rank(), link.size()), (d, 5));
            link.barrier(site());
            let sum = link.all_reduce(&array(d as f64), Fold::Sum, site());
            let next = link.permute(&array(d as f64), &[(0, 1), (4, 0)], site());
            crate::prim::add(&crate::prim::mul(&sum, &array(100.0)), &next)
        });
        assert_eq!(numbers(&y), [1004., 1000., 1000., 1000., 1000.]);
        assert!(PLACE.with_borrow(|p| p.is_none()));
    }

    /// The first failure ends all devices, whatever they wait for, and is passed on as it was.
    #[test]
    fn the_first_failure_ends_all() {
        for round in 0..200 {
            let who = round % 4;
            let at = Location::caller();
            let started = Arc::new(AtomicUsize::new(0));
            let all = started.clone();
            let failed = catch(|| {
                on(4, move |d, link| {
                    all.fetch_add(1, Ordering::Relaxed);
                    if d == who {
                        crate::error::fail_at(at, ErrorKind::Value, format!("device {d} is broken"))
                    }
                    for _ in 0..3 {
                        link.barrier(site())
                    }
                    array(0.0)
                })
            });
            let e = failed.expect_err("a failure");
            assert_eq!((e.kind(), e.message()), (ErrorKind::Value, format!("device {who} is broken").as_str()));
            assert_eq!(e.location(), Some(at));
            assert_eq!(started.load(Ordering::Relaxed), 4);
            // the others go on as before
            assert_eq!(numbers(&on(4, |_, link| link.all_reduce(&array(1.0), Fold::Sum, site()))), [4.; 4]);
        }
    }

    /// A panic that is none of ours comes out as it went in.
    #[test]
    fn panics_of_others_pass() {
        for who in [0, 2] {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                on(3, move |d, link| {
                    if d == who {
                        resume_unwind(Box::new(17u8))
                    }
                    link.barrier(site());
                    array(0.0)
                })
            }));
            let payload = panicked.expect_err("a panic");
            assert_eq!(payload.downcast_ref::<u8>(), Some(&17));
        }
        assert!(PLACE.with_borrow(|p| p.is_none()));
    }

    /// A failure in an inner map ends the outer one, too.
    #[test]
    fn failures_in_inner_maps() {
        let e = catch(|| {
            on(3, |d, link| {
                let inner = on(2, move |k, link| {
                    if (d, k) == (1, 1) {
                        crate::error::fail(ErrorKind::Value, "an inner device is broken")
                    }
                    link.barrier(site());
                    array(1.0)
                });
                link.barrier(site());
                inner[0][0].clone()
            })
        });
        assert_eq!(e.expect_err("a failure").message(), "an inner device is broken");
    }

    #[test]
    fn who_leaves_is_not_waited_for() {
        for leaves in 0..3 {
            let e = catch(|| {
                on(3, move |d, link| {
                    if d != leaves {
                        link.barrier(site())
                    }
                    array(0.0)
                })
            });
            let e = e.expect_err("nobody comes");
            assert!(e.message().contains(&format!("device i={leaves} has finished")), "{e}");
            assert!(e.message().contains("waits for the others of axis 'i' in a test"), "{e}");
        }
        let e = catch(|| on(2, |d, link| link.all_gather(&crate::array(vec![0.0; d + 1]), site())));
        let e = e.expect_err("values of two types");
        assert!(e.message().contains("in a test of float64[1]") && e.message().contains("of float64[2]"), "{e}");
    }
}
