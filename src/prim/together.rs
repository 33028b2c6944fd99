//! Lanes that keep their places. Parting the lanes of a loop or a branch ([`partition`](super::partition)) copies what each of them has, in a loop each time that one
//! stops. Where the program of a lane is as short as those copies, it is cheaper to run for all lanes, and to throw away what was not wanted: of a branch
//! the results of the others, in a loop the turns after the last, until half of the lanes have stopped. Then the rest are parted from them, so that no more than
//! half of the work is thrown away, however long the last lane takes.
//!
//! What is thrown away is never looked at, here or in the derivative, which has lanes and selections of its own: the results are those of parted lanes, bit for bit.

use super::partition::{laned, part, pick, those_that_go_on, truths};
use super::*;
use crate::dtype::DType;
use crate::jaxpr::key_of;
use crate::prim::cond::Cond;
use crate::prim::while_loop::While;
use crate::trace::batch::batch_jaxpr;
use crate::trace::bind;
use crate::trace::stage::stage_rule;
use std::sync::Weak;

/// The most elements that a lane's program computes, for its lanes to stay together.
const LIGHT: usize = 256;

/// So many elements a program computes, if they are few and it is nothing but operations that run once. (It is asked in every run: long programs are not gone through.)
fn elements(j: &Jaxpr) -> Option<usize> {
    let few = |n: usize, more: Option<usize>| Some(n + more?).filter(|n| *n <= LIGHT);
    let own = j.avals.iter().map(|a| (a.stack == 0).then(|| a.size())).try_fold(0, few)?;
    let called = |e: &crate::jaxpr::Eqn| match e.prim.inline() {
        Some(called) => elements(called),
        None => (e.prim.higher().is_none() && !e.prim.effect()).then_some(0),
    };
    j.eqns.iter().map(called).try_fold(own, few)
}
/// Do these programs compute so little that all lanes may run all of them? While results are looked at, none does what the user's program does not.
fn light<'a>(all: impl IntoIterator<Item = &'a Arc<Jaxpr>>) -> bool {
    let sum = all.into_iter().map(|j| elements(j)).sum::<Option<usize>>();
    !crate::debug::watch::on() && sum.is_some_and(|n| n <= LIGHT)
}
/// Programs as a key of what was made of them, which has weak references to them, so that no others come to lie in their place.
fn key_of_programs(all: &[Arc<Jaxpr>]) -> Vec<bool> {
    all.iter().flat_map(|j| key_of(Arc::as_ptr(j) as usize)).collect()
}
/// A program, and those that it was made of.
type Made = (Arc<Jaxpr>, Vec<Weak<Jaxpr>>);
fn made(program: Arc<Jaxpr>, of: &[Arc<Jaxpr>]) -> Arc<Made> {
    Arc::new((program, of.iter().map(Arc::downgrade).collect()))
}

impl Cond {
    /// All branches for all lanes, if that is cheap.
    pub(super) fn run_together(&self, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Option<Outs> {
        if n == 0 || !light(&self.branches) {
            return None;
        }
        let index = x[0].aval().with_shape([]);
        let key = [key_of(n), key_of(index.dtype as usize), key_of_programs(&self.branches)];
        let all = self.branches[0].memo("together", &[mapped, &key[0], &key[1], &key[2]], || {
            let types: Vec<Aval> = std::iter::once(index).chain(self.branches[0].in_avals().cloned()).collect();
            let one = stage_rule(&types, |a| bind(self, &a.iter().collect::<Vec<_>>()).into_vec());
            let lanes = Lanes { select: true, ..Lanes::unnamed(n) };
            let all = batch_jaxpr(&one, &lanes, mapped, &vec![true; one.outs.len()]).0.clone();
            made(all, &self.branches)
        });
        Some(crate::backend::run_jaxpr(&all.0, x, loc))
    }
}

impl While {
    /// The lanes' last carries, if a turn is so cheap that lanes which have stopped may keep their places.
    pub(super) fn run_together(&self, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Option<Vec<Array>> {
        if n == 0 || self.record || !light([&self.cond, &self.body]) {
            return None;
        }
        let ((cc, cb, init), (mc, mb, mk)) = (self.parts(x), self.parts(mapped));
        let mut carry: Vec<Array> = init.iter().zip(mk).map(|(x, m)| laned(x, *m, n)).collect();
        let (mut cc, mut cb) = (pick(cc, mc, &None), pick(cb, mb, &None));
        let mut last: Option<Vec<Array>> = None;
        let mut at: Option<Arc<[u32]>> = None;
        loop {
            let size = at.as_ref().map_or(n, |p| p.len());
            let args: Vec<&Array> = cc.iter().chain(&cb).chain(&carry).collect();
            let mut out = crate::backend::run_jaxpr(&self.halved(size, mc, mb).0, &args, loc).into_vec();
            let goes_on = truths(&out.pop().expect("who goes on"));
            carry = out;
            match (&mut last, &at) {
                (Some(last), Some(at)) => last.iter_mut().zip(&carry).for_each(|(last, now)| last.put_rows(at, now)),
                _ => last = Some(carry.clone()),
            }
            let Some((rows, to)) = those_that_go_on(&goes_on, &at, n) else { return last };
            part(&mut cc, mc.iter().copied(), &rows);
            part(&mut cb, mb.iter().copied(), &rows);
            part(&mut carry, mk.iter().map(|_| true), &rows);
            at = Some(to)
        }
    }
    /// Turns of so many lanes until at most half of them go on; its results are the carries, and which lanes go on.
    fn halved(&self, size: usize, mc: &[bool], mb: &[bool]) -> Arc<Made> {
        let of = std::slice::from_ref(&self.cond);
        self.body.memo("halved", &[mc, mb, &key_of(size), &key_of_programs(of)], || {
            let lanes = Lanes::unnamed(size);
            let (n_carry, n_consts) = (self.body.outs.len(), self.n_cond + self.n_body);
            let all = vec![true; n_carry];
            let body = batch_jaxpr(&self.body, &lanes, &[mb, &all].concat(), &all).0.clone();
            let holds = batch_jaxpr(&self.cond, &lanes, &[mc, &all].concat(), &[true]).0.clone();
            let types: Vec<Aval> = holds.in_avals().take(self.n_cond).chain(body.in_avals()).cloned().collect();
            let going = |a: &[Array]| {
                let args = a[..self.n_cond].iter().chain(&a[n_consts..]);
                holds.eval(&args.collect::<Vec<_>>()).remove(0)
            };
            let each = Aval::new(DType::Bool, &[size]);
            let cond = stage_rule(&[&types[n_consts..], std::slice::from_ref(&each)].concat(), |a| {
                let count = reduce_sum(&convert_element_type(&a[n_carry], DType::Int32, false), &[0]);
                vec![gt(&count, &scalar_of(DType::Int32, false, (size / 2) as f64))]
            });
            let step = stage_rule(&[&types[..], &[each]].concat(), |a| {
                let (a, more) = a.split_at(a.len() - 1);
                let next = body.eval(&a[self.n_cond..].iter().collect::<Vec<_>>());
                let keep = |(next, now): (&Array, &Array)| {
                    select_n(&broadcast_in_dim(&more[0], next.shape(), &[0]), &[now, next])
                };
                let now: Vec<Array> = next.iter().zip(&a[n_consts..]).map(keep).collect();
                let all: Vec<Array> = a[..n_consts].iter().chain(&now).cloned().collect();
                let more = and(&more[0], &going(&all));
                now.into_iter().chain([more]).collect()
            });
            let turns = While { cond, body: step, n_cond: 0, n_body: n_consts, record: false };
            let program = stage_rule(&types, |a| {
                let more = going(a);
                bind(&turns, &a.iter().chain([&more]).collect::<Vec<_>>()).into_vec()
            });
            made(program, of)
        })
    }
}
