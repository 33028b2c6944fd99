//! Lanes that decide for themselves. Under `vmap`, a branch whose number differs from lane to lane, and a loop that lanes leave at different
//! times, are not run for all lanes with most results thrown away: the lanes are parted. Each branch runs for those that chose it, and a lane
//! that has left a loop takes no part in further turns. So the cost is the sum of what the lanes do; no lane waits for one that would never
//! end; and no operation is tried on values for which the user's program does not do it, so that derivatives have no NaN from there.
//!
//! Where that is so little that parting lanes costs more, they keep their places for a while ([`together`](super::together)).
//!
//! What runs in parts is the batched program of a smaller number of lanes. The numbers are rounded up to a few sizes (1, 2, 3, 4, 6, 8, 12, 16,
//! ..), so that few programs are made; places that are left over repeat one of the lanes, and what they compute is not looked at.
//!
//! Where lanes communicate within the branch or the loop they have to keep step ([`keep_step`]): then every lane does everything, and selects.

use super::held::*;
use super::*;
use crate::array::stack::{Item, NOBODY, concrete_zeros};
use crate::dtype::DType;
use crate::prim::cond::Cond;
use crate::prim::scan::Scan;
use crate::prim::while_loop::While;
use crate::trace::batch::batch_jaxpr;
use crate::trace::jvp::jvp_jaxpr;
use crate::trace::linearize::{Residual, linearize_jaxpr};
use crate::trace::stage::stage_rule;
use crate::trace::transpose::{transpose_jaxpr, varied};
use crate::trace::{ambient, bind, evaluating};

/// Must the lanes do the same things at the same time?
pub(super) fn keep_step(prim: &dyn Primitive, lanes: &Lanes) -> bool {
    lanes.select || lanes.axis.as_ref().is_some_and(|a| prim.named_axes() & a.bit != 0)
}

/// What can run lane by lane: on concrete operands, of which those in `mapped` have `n` lanes in front. So have all results.
pub(super) trait Apart: Primitive + Sized {
    fn run_apart(&self, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Vec<Array> {
        one_by_one(self, n, x, mapped, loc)
    }
}

/// Types of one lane's operands.
fn of_a_lane(x: &[&Array], mapped: &[bool]) -> Vec<Aval> {
    let lane = |(x, m): (&&Array, &bool)| x.aval().with_shape(x.shape()[*m as usize..].iter().copied());
    x.iter().zip(mapped).map(lane).collect()
}
/// The results of no lanes of an operation.
fn of_no_lanes(prim: &dyn Primitive, x: &[&Array], mapped: &[bool]) -> Vec<Array> {
    let types = of_a_lane(x, mapped);
    let outs = prim.abstract_eval(&types.iter().collect::<Vec<_>>()).expect("types that fit");
    outs.iter().map(|a| concrete_zeros(&a.with_shape(std::iter::once(0).chain(a.shape.iter().copied())))).collect()
}

/// An operation whose lanes decide for themselves, as its `batch` rule.
pub(super) fn apart<P: Apart>(prim: &P, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
    let mapped = given(dims);
    let x = in_front(x, dims, &mapped, lanes);
    let x: Vec<&Array> = x.iter().collect();
    let outs = if evaluating() {
        let loc = ambient().unwrap_or(std::panic::Location::caller());
        if prim.effect() {
            one_by_one(prim, lanes.size, &x, &mapped, loc)
        } else {
            prim.run_apart(lanes.size, &x, &mapped, loc)
        }
    } else {
        let bit = lanes.axis.as_ref().map_or(0, |a| a.bit);
        let mut types = of_a_lane(&x, &mapped);
        types.iter_mut().zip(&mapped).filter(|(_, m)| **m).for_each(|(a, _)| a.varying |= bit);
        let jaxpr = stage_rule(&types, |a| bind(prim, &a.iter().collect::<Vec<_>>()).into_vec());
        bind(&Partition { jaxpr, size: lanes.size, mapped, bit, tangents: vec![] }, &x).into_vec()
    };
    outs.into_iter().map(|y| (y, Some(0))).collect()
}

/// Each lane by itself, in order: so its effects are together, and what it does besides nobody sees.
fn one_by_one(prim: &dyn Primitive, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Vec<Array> {
    if n == 0 {
        return of_no_lanes(prim, x, mapped);
    }
    let lane = |l: u32| {
        let of = |(x, m): (&&Array, &bool)| if *m { x.rows(&[l]).relaned(1, &[]) } else { (*x).clone() };
        let x: Vec<Array> = x.iter().zip(mapped).map(of).collect();
        crate::trace::eval::process(prim, &refs(&x), loc)
    };
    let lanes: Vec<Outs> = (0..n as u32).map(lane).collect();
    (0..lanes[0].len()).map(|k| Array::of_lanes(&lanes.iter().map(|y| &y[k]).collect::<Vec<_>>())).collect()
}

/// A program for several lanes, by itself for each as far as they differ in what they do.
///
/// ```
/// use cotangent::{lax, make_jaxpr, prelude::*, vmap};
/// let up = |x: &Array| lax::while_loop(|x: &Array| x.lt(9), |x| x * x, x);
/// let program = make_jaxpr(vmap(up), (&array![2., 3.],));
/// assert!(program.primitives().eq(["partitioned_vmap"])); // each lane as many turns as it needs
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Partition {
    jaxpr: Arc<Jaxpr>,
    size: usize,
    /// The operands that have the lanes in front. All results have.
    mapped: Vec<bool>,
    /// The name of the lanes' axis.
    bit: AxisSet,
    /// For an operation that linearisation or transposition made: the operands that are tangents.
    tangents: Vec<bool>,
}
impl Partition {
    fn of(&self, jaxpr: &Arc<Jaxpr>, mapped: Vec<bool>) -> Partition {
        Partition { jaxpr: jaxpr.clone(), mapped, tangents: vec![], ..*self }
    }
    fn none(&self) -> Vec<bool> {
        vec![false; self.jaxpr.outs.len()]
    }
}
impl Primitive for Partition {
    fn name(&self) -> &'static str {
        "partitioned_vmap"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let axes: Vec<&str> = self.mapped.iter().map(|m| if *m { "0" } else { "None" }).collect();
        vec![
            ("in_axes", format!("({})", axes.join(", ")).into()),
            ("jaxpr", Param::Jaxpr(self.jaxpr.clone())),
            ("size", self.size.to_string().into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let mut lane: Vec<Aval> = vec![];
        for (i, (a, m)) in x.iter().zip(&self.mapped).enumerate() {
            let mut a = (*a).clone();
            if *m {
                if a.shape.first() != Some(&self.size) {
                    return Err(format!("operand {i} of type {a} has not {} lanes", self.size));
                }
                a.shape.remove(0);
            }
            lane.push(a)
        }
        let mut out = call_types(&self.jaxpr, &lane.iter().collect::<Vec<_>>())?;
        for a in &mut out {
            a.shape.insert(0, self.size);
            a.varying &= !self.bit
        }
        Ok(out)
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        self.jaxpr.linear_outs(mask).is_some_and(|outs| mask == self.tangents || outs.iter().all(|o| *o))
    }
    fn linear_outs(&self, mask: &[bool], zero: &[bool], n: usize) -> Option<Vec<bool>> {
        if self.linear_in(mask) { Some(vec![true; n]) } else { self.jaxpr.follow(mask, zero, true).map(|f| f.0) }
    }
    fn tangents(&self) -> &[bool] {
        &self.tangents
    }
    /// An operand that is the same for all lanes gets the sum of what each of them contributes.
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let linear: Vec<bool> = (0..io.len()).map(|i| io.is_linear(i)).collect();
        let within: Vec<Option<AxisSet>> = varied(ct).into_iter().map(|c| c.map(|s| s | self.bit)).collect();
        let body = transpose_jaxpr(&self.jaxpr, &linear, &within, io.reduce(), true).0.clone();
        let known: Vec<usize> = (0..io.len()).filter(|i| !linear[*i]).collect();
        let args: Vec<Array> =
            known.iter().map(|i| io.known(*i).clone()).chain(ct.iter().flatten().cloned()).collect();
        let mut mapped: Vec<bool> = known.iter().map(|i| self.mapped[*i]).collect();
        mapped.resize(args.len(), true);
        let mut back = self.of(&body, mapped);
        back.tangents = (0..args.len()).map(|i| i >= known.len()).collect();
        let outs = bind(&back, &args.iter().collect::<Vec<_>>());
        for (i, o) in (0..linear.len()).filter(|i| linear[*i]).zip(outs) {
            io.add(i, if self.mapped[i] { o } else { stacks::sum_lanes(&o) })
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        if !keep_step(self, lanes) {
            return apart(self, lanes, x, dims);
        }
        // lanes of the outer map that have to keep step take the inner ones along
        let inner = Lanes { select: true, ..Lanes::unnamed(self.size) };
        let jaxpr = batch_jaxpr(&self.jaxpr, &inner, &self.mapped, &vec![true; self.jaxpr.outs.len()]).0.clone();
        crate::prim::call::Call { jaxpr, name: "vmap".into() }.batch(lanes, x, dims)
    }
    driven!();
    fn named_axes(&self) -> AxisSet {
        self.jaxpr.axes
    }
    fn effect(&self) -> bool {
        self.jaxpr.effect
    }
    /// Checked one lane after the other.
    fn checked(&self, set: CheckSet, x: &[&Array], loc: Loc) -> Option<(Errors, Outs)> {
        let stacks = x.iter().any(|x| x.aval().stack > 0) || self.jaxpr.out_avals().iter().any(|a| a.stack > 0);
        let order = || (0..x.len()).filter(|i| !self.mapped[*i]).chain((0..x.len()).filter(|i| self.mapped[*i]));
        let n_consts = x.len() - count(&self.mapped);
        let in_turn = Scan {
            body: permuted(&self.jaxpr, order()),
            n_consts,
            n_carry: 0,
            length: Some(self.size),
            reverse: false,
            unroll: 1,
            tangents: vec![],
        };
        let args: Vec<&Array> = order().map(|i| x[i]).collect();
        if stacks { None } else { in_turn.checked(set, &args, loc) }
    }
}
impl HigherOrder for Partition {
    /// Evaluates the program's equations by their batching rules: those that part lanes do so here, where values are known.
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let _g = crate::trace::enter(None, Some(loc));
        let lanes = Lanes::unnamed(self.size);
        let dims: Vec<Option<usize>> = self.mapped.iter().map(|m| m.then_some(0)).collect();
        let x: Vec<Array> = x.iter().map(|x| (*x).clone()).collect();
        let mut eval = |x: &[Array]| self.jaxpr.eval(&x.iter().collect::<Vec<_>>());
        let outs = crate::trace::batch::batch_flat(&mut eval, lanes, &x, &dims, loc, false);
        outs.into_iter().map(|(y, d)| crate::trace::batch::to_front(&y, d, self.size)).collect()
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let mask = given(dx);
        let j = jvp_jaxpr(&self.jaxpr, &mask, &self.none());
        let args: Vec<&Array> = x.iter().copied().chain(dx.iter().copied().flatten()).collect();
        let mapped = self.mapped.iter().chain(picked(&self.mapped, &mask)).copied().collect();
        let mut y = bind(&self.of(&j.0, mapped), &args);
        let dy: Vec<Array> = y.drain(self.jaxpr.outs.len()..).collect();
        (y, spread(&j.1, dy))
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        let l = linearize_jaxpr(&self.jaxpr, mask, &self.none());
        let mut outs = bind(&self.of(&l.primal, self.mapped.clone()), x);
        let residual = |r: &Residual| match *r {
            Residual::In(i) => (x[i].clone(), self.mapped[i]),
            Residual::Out(k) => (outs[k].clone(), true),
        };
        let (known, mut mapped): (Vec<Array>, Vec<bool>) = l.residuals.iter().map(residual).unzip();
        mapped.extend(picked(&self.mapped, mask));
        let mut tangents = vec![false; known.len()];
        tangents.resize(mapped.len(), true);
        let moving = (0..mask.len()).filter(|i| mask[*i]).map(LinArg::Tangent);
        let operands = known.into_iter().map(LinArg::Known).chain(moving).collect();
        let prim = Partition { tangents, ..self.of(&l.linear, mapped) };
        let prim = l.out_mask.contains(&true).then(|| Box::new(prim) as Box<dyn Primitive>);
        outs.truncate(self.jaxpr.outs.len());
        Some(Linearized { outs, out_mask: l.out_mask.clone(), prim, operands })
    }
    fn runs(&self) -> Runs {
        Runs::Times(self.size)
    }
}

/// The least of the sizes in use that has room for `k` of `n` lanes.
fn room(k: usize, n: usize) -> usize {
    let power = k.next_power_of_two();
    let size = if k <= power / 4 * 3 { power / 4 * 3 } else { power };
    size.min(n)
}
/// Some of the lanes, in ascending order, with places left over up to a size in use. `None`: all of them.
fn places(lanes: &[u32], n: usize) -> Option<Arc<[u32]>> {
    let left = room(lanes.len(), n) - lanes.len();
    (lanes.len() < n).then(|| lanes.iter().copied().chain(std::iter::repeat_n(NOBODY, left)).collect())
}
/// The rows for those places, where lane i has row i: the places left over repeat the first.
fn filled(places: &[u32]) -> Vec<u32> {
    places.iter().map(|l| if *l == NOBODY { places[0] } else { *l }).collect()
}
/// The operands' rows for these lanes.
pub(super) fn pick(x: &[&Array], mapped: &[bool], places: &Option<Arc<[u32]>>) -> Vec<Array> {
    let rows = places.as_ref().map(|p| filled(p));
    let one = |(x, m): (&&Array, &bool)| match &rows {
        Some(rows) if *m => x.rows(rows),
        _ => (*x).clone(),
    };
    x.iter().zip(mapped).map(one).collect()
}
/// The results of the program of as many lanes as there are places.
fn run_lanes(j: &Arc<Jaxpr>, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Outs {
    let batched = batch_jaxpr(j, &Lanes::unnamed(n), mapped, &vec![true; j.outs.len()]);
    crate::backend::run_jaxpr(&batched.0, x, loc)
}
/// With lanes in front, concretely.
pub(super) fn laned(x: &Array, mapped: bool, n: usize) -> Array {
    if mapped { x.clone() } else { x.relaned(0, &[1]).rows(&vec![0; n]) }
}
/// Of the rows at these places those that go on, and again the first of them where places are left over; and the places that they come to. None: nobody goes on.
pub(super) fn those_that_go_on(goes_on: &[bool], at: &Option<Arc<[u32]>>, n: usize) -> Option<(Vec<u32>, Arc<[u32]>)> {
    let rows: Vec<u32> =
        (0..goes_on.len()).filter(|r| goes_on[*r] && lane(at, *r) != NOBODY).map(|r| r as u32).collect();
    let first = *rows.first()?;
    let lanes: Vec<u32> = rows.iter().map(|r| lane(at, *r as usize)).collect();
    let to = places(&lanes, n).expect("fewer lanes");
    Some((rows.into_iter().chain(std::iter::repeat(first)).take(to.len()).collect(), to))
}
/// The lane whose row this is.
fn lane(at: &Option<Arc<[u32]>>, row: usize) -> u32 {
    at.as_ref().map_or(row as u32, |p| p[row])
}
/// Only these rows of what has lanes.
pub(super) fn part(x: &mut [Array], mapped: impl IntoIterator<Item = bool>, rows: &[u32]) {
    x.iter_mut().zip(mapped).filter(|(_, m)| *m).for_each(|(x, _)| *x = x.rows(rows))
}
/// The truth values of an array.
pub(super) fn truths(x: &Array) -> Vec<bool> {
    x.with_bytes(|b| b.iter().map(|b| *b != 0).collect())
}
fn numbers(x: &Array) -> Vec<i32> {
    x.with_bytes(|b| b.chunks_exact(4).map(|c| i32::from_le_bytes(c.try_into().expect("four bytes"))).collect())
}

impl Apart for Cond {
    fn run_apart(&self, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Vec<Array> {
        if let Some(outs) = self.run_together(n, x, mapped, loc) {
            return outs.into_vec();
        }
        let last = self.branches.len() as i32 - 1;
        let chosen: Vec<i32> = numbers(&convert_element_type(x[0], DType::Int32, false)).iter().map(|i| *i.min(&last).max(&0)).collect();
        let mut results: Option<Vec<Array>> = None;
        for (k, branch) in self.branches.iter().enumerate() {
            let lanes: Vec<u32> = (0..n as u32).filter(|l| chosen[*l as usize] == k as i32).collect();
            if lanes.is_empty() {
                continue;
            }
            let at = places(&lanes, n);
            let args = pick(&x[1..], &mapped[1..], &at);
            let size = at.as_ref().map_or(n, |p| p.len());
            let outs = run_lanes(branch, size, &refs(&args), &mapped[1..], loc);
            let Some(at) = at else { return outs.into_vec() };
            let all = results.get_or_insert_with(|| {
                let whole = |y: &Array| {
                    concrete_zeros(&y.aval().with_shape(std::iter::once(n).chain(y.shape()[1..].iter().copied())))
                };
                outs.iter().map(whole).collect()
            });
            for (all, y) in all.iter_mut().zip(&outs) {
                all.put_rows(&at, y)
            }
        }
        results.unwrap_or_else(|| {
            run_lanes(&self.branches[0], n, &x[1..], &mapped[1..], loc).into_vec() // no lanes at all
        })
    }
}

impl Apart for While {
    fn run_apart(&self, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Vec<Array> {
        if let Some(last) = self.run_together(n, x, mapped, loc) {
            return last;
        }
        let ((cc, cb, init), (mc, mb, mk)) = (self.parts(x), self.parts(mapped));
        let all = vec![true; init.len()];
        let mut last: Vec<Array> = init.iter().zip(mk).map(|(x, m)| laned(x, *m, n)).collect();
        let (mut cc, mut cb) = (pick(cc, mc, &None), pick(cb, mb, &None));
        let mut carry = last.clone();
        let mut turns = vec![0i32; n];
        let mut at: Option<Arc<[u32]>> = None;
        let kept = self.body.out_avals().split_off(init.len());
        let mut ys: Vec<Vec<Item>> = vec![vec![]; kept.len()];
        loop {
            let size = at.as_ref().map_or(n, |p| p.len());
            if size == 0 {
                break; // no lanes at all
            }
            let args: Vec<&Array> = cc.iter().chain(&carry).collect();
            let more = run_lanes(&self.cond, size, &args, &[mc, &all].concat(), loc).remove(0);
            let goes_on = truths(&more);
            if (0..size).any(|r| !goes_on[r] && lane(&at, r) != NOBODY) {
                let stopped: Vec<u32> = (0..size).map(|r| if goes_on[r] { NOBODY } else { lane(&at, r) }).collect();
                for (last, now) in last.iter_mut().zip(&carry) {
                    last.put_rows(&stopped, now)
                }
                let Some((rows, to)) = those_that_go_on(&goes_on, &at, n) else { break };
                part(&mut cc, mc.iter().copied(), &rows);
                part(&mut cb, mb.iter().copied(), &rows);
                part(&mut carry, all.iter().copied(), &rows);
                at = Some(to)
            }
            let size = at.as_ref().map_or(n, |p| p.len());
            let args: Vec<&Array> = cb.iter().chain(&carry).collect();
            let mut out = run_lanes(&self.body, size, &args, &[mb, &all].concat(), loc);
            for (items, value) in ys.iter_mut().zip(out.drain(all.len()..)) {
                items.push(Item { value, lanes: at.clone() })
            }
            carry = out.into_vec();
            match &at {
                None => turns.iter_mut().for_each(|t| *t += 1),
                Some(p) => p.iter().filter(|l| **l != NOBODY).for_each(|l| turns[*l as usize] += 1),
            }
        }
        let count = self.record.then(|| Array::from_slice(&turns, &[n]));
        let stacks = ys.into_iter().zip(kept).map(|(items, a)| {
            Array::stack(a.with_shape(std::iter::once(n).chain(a.shape.iter().copied())).stacked(), items)
        });
        last.into_iter().chain(count).chain(stacks).collect()
    }
}

/// Only one with a number of turns for each lane: another takes the same turns in all.
impl Apart for Scan {
    fn run_apart(&self, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Vec<Array> {
        let turns: Vec<i32> = numbers(&laned(x[0], mapped[0], n));
        let ((consts, init, xs), (mc, mk, mx)) = (self.parts(x), self.parts(mapped));
        let in_avals: Vec<Aval> = self.body.in_avals().cloned().collect();
        let elements = &in_avals[self.n_consts + self.n_carry..];
        let of = [mc, &vec![true; mk.len()], mx].concat();
        let mut all: Vec<Array> = init.iter().zip(mk).map(|(x, m)| laned(x, *m, n)).collect();
        let mut carry = all.clone();
        let mut now = pick(consts, mc, &None);
        let mut at: Option<Arc<[u32]>> = None;
        let kept = self.body.out_avals().split_off(init.len());
        let mut ys: Vec<Vec<Item>> = vec![vec![]; kept.len()];
        let longest = turns.iter().copied().max().unwrap_or(0);
        let mut active = n;
        for turn in 0..longest {
            let i = if self.reverse { longest - 1 - turn } else { turn };
            let lanes: Vec<u32> = (0..n as u32).filter(|l| turns[*l as usize] > i).collect();
            if lanes.len() != active {
                active = lanes.len();
                put_back(&mut all, &at, &carry);
                at = places(&lanes, n);
                carry = pick(&refs(&all), &vec![true; all.len()], &at);
                now = pick(consts, mc, &at)
            }
            let size = at.as_ref().map_or(n, |p| p.len());
            let element = |((x, a), m): ((&&Array, &Aval), &bool)| {
                if !*m {
                    return x.item_at(i as usize, a);
                }
                match (x.items().get(i as usize), &at) {
                    (Some(item), Some(p)) => item.of(p),
                    (Some(item), None) => item.dense(n),
                    (None, _) => concrete_zeros(&a.with_shape(std::iter::once(size).chain(a.shape.iter().copied()))),
                }
            };
            let xs: Vec<Array> = xs.iter().zip(elements).zip(mx).map(element).collect();
            let args: Vec<&Array> = now.iter().chain(&carry).chain(&xs).collect();
            let mut out = run_lanes(&self.body, size, &args, &of, loc);
            for (items, value) in ys.iter_mut().zip(out.drain(self.n_carry..)) {
                items.push(Item { value, lanes: at.clone() })
            }
            carry = out.into_vec()
        }
        put_back(&mut all, &at, &carry);
        let stacks = ys.into_iter().zip(kept).map(|(mut items, a)| {
            if self.reverse {
                items.reverse()
            }
            Array::stack(a.with_shape(std::iter::once(n).chain(a.shape.iter().copied())).stacked(), items)
        });
        all.into_iter().chain(stacks).collect()
    }
}
/// The carry of the lanes that took part, among that of all.
fn put_back(all: &mut Vec<Array>, at: &Option<Arc<[u32]>>, carry: &[Array]) {
    match at {
        None => *all = carry.to_vec(),
        Some(at) => all.iter_mut().zip(carry).for_each(|(all, now)| all.put_rows(at, now)),
    }
}

/// Lanes of lanes are so many more lanes.
impl Apart for Partition {
    fn run_apart(&self, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Vec<Array> {
        let m = self.size;
        let numbers = |f: &dyn Fn(usize) -> usize| (0..n * m).map(|i| f(i) as u32).collect::<Vec<u32>>();
        let one = |(i, x): (usize, &&Array)| match (mapped[i], self.mapped[i]) {
            (true, true) => x.relaned(2, &[n * m]),
            (true, false) => x.rows(&numbers(&|i| i / m)),
            (false, true) => x.rows(&numbers(&|i| i % m)),
            (false, false) => (*x).clone(),
        };
        let args: Vec<Array> = x.iter().enumerate().map(one).collect();
        let either = joined(mapped, &self.mapped);
        let all = Partition { size: n * m, ..self.of(&self.jaxpr, either) };
        all.run(&refs(&args), loc).into_iter().map(|y| y.relaned(1, &[n, m])).collect()
    }
}

pub(super) const READ: &[Read] = &[];
/// The batched form of other operations.
pub(super) fn cases() -> Vec<Case> {
    let args = || {
        let x = Array::from_slice(&[0.5f64, -1.25, 0.75, 1.5, -0.5, 0.25], &[3, 2]);
        vec![x, crate::array(vec![1.5f64, -0.5])]
    };
    /// `f` of the rows of the first argument and all of the second.
    fn mapped(x: &[Array], f: fn(&[Array]) -> Vec<Array>) -> Vec<Array> {
        let (lanes, loc) = (Lanes::unnamed(x[0].shape()[0]), std::panic::Location::caller());
        let outs = crate::trace::batch::batch_flat(&mut |x| f(x), lanes, x, &[Some(0), None], loc, false);
        outs.into_iter().map(|(y, d)| crate::trace::batch::to_front(&y, d, x[0].shape()[0])).collect()
    }
    /// With so much beside it that lanes are parted: a row that is one of many.
    fn much(x: &Array) -> Array {
        let rows = broadcast_in_dim(x, &[200, x.shape()[0]], &[1]);
        reshape(&slice(&rows, &[7, 0], &[8, x.shape()[0]], None), x.shape())
    }
    fn branches(x: &[Array], with: fn(&Array) -> Array) -> Vec<Array> {
        let types: Vec<Aval> = x.iter().map(|x| x.aval().clone()).collect();
        let index = convert_element_type(&gt(&reduce_sum(&x[0], &[0]), &scalar_of(DType::Float64, false, 0.0)), DType::Int32, false);
        let no = stage_rule(&types, |x| vec![mul(&sin(&with(&x[0])), &x[1]), x[1].clone()]);
        let yes = stage_rule(&types, |x| vec![exp(&x[1]), mul(&x[0], &x[0])]);
        super::cond::cond(&index, vec![no, yes], &x.iter().collect::<Vec<_>>()).into_vec()
    }
    fn turns(x: &[Array], with: fn(&Array) -> Array) -> Vec<Array> {
        let types = [x[1].aval().clone(), x[0].aval().clone()];
        let small = scalar_of(DType::Float64, false, 1.0);
        let cond = stage_rule(&types[1..], |a| vec![lt(&reduce_sum(&mul(&a[0], &a[0]), &[0]), &small)]);
        let body = stage_rule(&types, |a| {
            vec![add(&mul(&with(&a[1]), &lit(&a[1], 1.5)), &mul(&sin(&a[0]), &a[1]))]
        });
        bind(&While { cond, body, n_cond: 0, n_body: 1, record: false }, &[&x[1], &x[0]]).into_vec()
    }
    fn short_turns(x: &[Array]) -> Vec<Array> {
        turns(x, Array::clone)
    }
    vec![
        Case { name: "branches", args: args(), run: |x| mapped(x, |x| branches(x, Array::clone)) },
        Case { name: "long branches", args: args(), run: |x| mapped(x, |x| branches(x, much)) },
        Case { name: "loops", args: args(), run: |x| mapped(x, short_turns) },
        Case { name: "long loops", args: args(), run: |x| mapped(x, |x| turns(x, much)) },
        Case {
            name: "lanes of lanes",
            args: vec![Array::from_slice(&[0.5f64, -1.25, 0.75, 1.5, -0.5, 0.25, 0.125, 0.5], &[2, 2, 2]), args().remove(1)],
            run: |x| mapped(x, |x| mapped(x, short_turns)),
        },
        Case {
            name: "no lanes",
            args: vec![Array::from_slice::<f64>(&[], &[0, 2]), args().remove(1)],
            run: |x| mapped(x, |x| branches(x, Array::clone).into_iter().chain(short_turns(x)).collect()),
        },
    ]
}
