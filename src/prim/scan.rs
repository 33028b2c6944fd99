//! A program that runs a number of times, each time on what the last run left and on the next element of some arrays.

use super::held::*;
use super::spared::spared;
use super::*;
use crate::array::stack::Item;
use crate::backend::turns::{Shape, Turns};
use crate::dtype::DType;
use crate::jaxpr::Atom;
use crate::prim::call::Call;
use crate::trace::batch::batch_jaxpr;
use crate::trace::bind;
use crate::trace::jvp::jvp_jaxpr;
use crate::trace::linearize::{Residual, linearize_jaxpr};
use crate::trace::stage::stage_rule;
use crate::trace::axis::{bound, provide};
use crate::trace::transpose::{axes_key, record_linear, varied};
use cotangent_cpu::Buffer;
use std::panic::Location;

/// The body takes constants, a carry, and one element of each of the arrays xs; it gives the next carry and one element of each of the
/// arrays ys. The operands are constants, the first carry, and xs; the results the last carry, and ys. See
/// [`lax::scan`](crate::lax::scan).
///
/// Where the number of turns is one of the operands (the first), xs and ys are stacks. So are those whose elements are stacks themselves.
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, lax};
/// let program = make_jaxpr(|x: &Array| lax::scan(|c: &Array, x: &Array| (c + x, ()), &array(0.0), x).0, (&array![1., 2.],));
/// assert!(program.to_string().contains("scan["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scan {
    pub(crate) body: Arc<Jaxpr>,
    pub(crate) n_consts: usize,
    pub(crate) n_carry: usize,
    /// The number of turns. `None`: it is the first operand, an int32. Only the derivative of a [`While`] is such a loop.
    pub(crate) length: Option<usize>,
    /// Does it begin with the last element?
    pub(crate) reverse: bool,
    /// So many turns stand in one body when it runs; 0 means all. What it computes does not depend on it.
    pub(crate) unroll: usize,
    /// For an operation that linearisation or transposition made: the operands that are tangents. In all of them together it is linear, even where a
    /// result is a zero that depends on none. Empty for others.
    pub(crate) tangents: Vec<bool>,
}
impl Scan {
    pub(super) fn n_ys(&self) -> usize {
        self.body.outs.len() - self.n_carry
    }
    /// The number of operands before the constants.
    pub(super) fn base(&self) -> usize {
        self.length.is_none() as usize
    }
    /// Constants, carry, xs: of operands.
    pub(super) fn parts<'a, T>(&self, x: &'a [T]) -> (&'a [T], &'a [T], &'a [T]) {
        self.inner(&x[self.base()..])
    }
    /// The same of what the body takes.
    pub(super) fn inner<'a, T>(&self, x: &'a [T]) -> (&'a [T], &'a [T], &'a [T]) {
        let (consts, x) = x.split_at(self.n_consts);
        let (carry, xs) = x.split_at(self.n_carry);
        (consts, carry, xs)
    }
    /// The mask of the results: this of the carry, and none of ys.
    fn forced(&self, carry: &[bool]) -> Vec<bool> {
        [carry, &vec![false; self.n_ys()]].concat()
    }
    /// The type of what leaves one of `a` in each turn.
    pub(super) fn gathered(&self, a: &Aval) -> Aval {
        match self.length {
            Some(n) if a.stack == 0 => a.with_shape(std::iter::once(n).chain(a.shape.iter().copied())),
            _ => a.stacked(),
        }
    }
    fn with(&self, body: Arc<Jaxpr>, n_consts: usize, n_carry: usize) -> Scan {
        Scan { body, n_consts, n_carry, tangents: vec![], ..*self }
    }
}
/// The type of one element of a stack, or along axis 0.
fn element(a: &Aval) -> Aval {
    if a.stack > 0 { Aval { stack: a.stack - 1, ..a.clone() } } else { a.with_shape(a.shape[1..].iter().copied()) }
}
fn not(m: &[bool]) -> Vec<bool> {
    m.iter().map(|m| !m).collect()
}

impl Primitive for Scan {
    fn name(&self) -> &'static str {
        "scan"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![
            ("jaxpr", Param::Jaxpr(self.body.clone())),
            ("length", self.length.map_or("None".into(), |n| n.to_string()).into()),
            ("num_carry", self.n_carry.to_string().into()),
            ("num_consts", self.n_consts.to_string().into()),
            ("reverse", if self.reverse { "True" } else { "False" }.into()),
            ("unroll", self.unroll.to_string().into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let first = self.n_consts + self.n_carry;
        if self.length.is_none() && (x[0].dtype != DType::Int32 || !x[0].shape.is_empty()) {
            return Err(format!("the number of turns is an int32, it has type {}", x[0]));
        }
        let varies = if self.length.is_none() { x[0].varying } else { 0 };
        let x = &x[self.base()..];
        for (i, a) in x.iter().enumerate().skip(first).filter(|(_, a)| a.stack == 0) {
            let Some(n) = self.length else { return Err(format!("operand {i} of type {a} is not a stack")) };
            if a.shape.first() != Some(&n) {
                return Err(format!("{n} turns over operand {i} of type {a}: axis 0 is to be as long"));
            }
        }
        let elements: Vec<Aval> =
            x.iter().enumerate().map(|(i, a)| if i < first { (*a).clone() } else { element(a) }).collect();
        let mut out = call_types(&self.body, &elements.iter().collect::<Vec<_>>())?;
        for (a, c) in out.iter().zip(&elements[self.n_consts..first]) {
            if a.dtype != c.dtype || a.shape != c.shape {
                return Err(format!("a carry enters as {c} and leaves as {a}"));
            }
        }
        out[self.n_carry..].iter_mut().for_each(|a| *a = self.gathered(a));
        out.iter_mut().for_each(|a| a.varying |= varies);
        Ok(out)
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        let (consts, carry, xs) = self.parts(mask);
        if mask[..self.base()].contains(&true) {
            return false;
        }
        let made = mask == self.tangents;
        let outs = self.body.linear_outs(&[consts, &vec![true; self.n_carry], xs].concat());
        outs.is_some_and(|outs| made || carry.iter().chain(&outs).all(|m| *m))
    }
    fn linear_outs(&self, mask: &[bool], zero: &[bool], n: usize) -> Option<Vec<bool>> {
        if self.linear_in(mask) {
            return Some(vec![true; n]);
        }
        let (mc, mk, mx) = self.parts(mask);
        let (outs, mk) = depending(&self.body, mk, self.parts(zero).1, |mk| [mc, mk, mx].concat())?;
        let known = !mask[..self.base()].contains(&true);
        known.then(|| [&mk, &outs[self.n_carry..]].concat())
    }
    fn tangents(&self) -> &[bool] {
        &self.tangents
    }
    /// Turns the other way round. Its carry is the cotangents of the constants, which grow, and of the carry.
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let linear: Vec<bool> = (0..io.len()).map(|i| io.is_linear(i)).collect();
        let (lc, _, lx) = self.parts(&linear);
        let cy = given(&ct[self.n_carry..]);
        // what a cotangent in the carry varies over may grow with the turns
        let mut carried = vec![0; count(lc)];
        carried.extend(ct[..self.n_carry].iter().map(|c| c.as_ref().map_or(0, |c| c.aval().varying)));
        let body = loop {
            let body = self.transposed(lc, lx, &carried, &varied(&ct[self.n_carry..]), io.reduce());
            let grown: Vec<AxisSet> = carried.iter().zip(body.out_avals()).map(|(s, a)| s | a.varying).collect();
            if grown == carried {
                break body;
            }
            carried = grown
        };
        let base = self.base();
        let (k0, x0) = (base + self.n_consts, base + self.n_consts + self.n_carry);
        let zeros = |io: &Cotangents, i: usize| zeros_of(io.aval(i));
        let mut args: Vec<Array> = (0..k0).filter(|i| !linear[*i]).map(|i| io.known(i).clone()).collect();
        let known = args.len();
        args.extend((base..k0).filter(|i| linear[*i]).map(|i| zeros(io, i)));
        let n_carry = args.len() - known + self.n_carry;
        args.extend((0..self.n_carry).map(|i| ct[i].clone().unwrap_or_else(|| zeros(io, k0 + i))));
        args.extend((0..lx.len()).filter(|i| !lx[*i]).map(|i| io.known(x0 + i).clone()));
        args.extend(ct[self.n_carry..].iter().flatten().cloned());
        // cotangents of what has none are zeros, and known
        let given = ct[..self.n_carry].iter().map(|c| c.is_some());
        let mut tangents = vec![false; known + n_carry - self.n_carry];
        tangents.extend(given);
        tangents.resize(args.len() - count(&cy), false);
        tangents.resize(args.len(), true);
        let back = Scan { reverse: !self.reverse, tangents, ..self.with(body, known - base, n_carry) };
        let out = bind(&back, &args.iter().collect::<Vec<_>>());
        let to = (base..k0).filter(|i| linear[*i]).chain(k0..x0).chain((x0..io.len()).filter(|i| linear[*i]));
        for (i, o) in to.zip(out) {
            io.add(i, o)
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let Some((scan, args, at)) = self.of_lanes(lanes, x, dims) else {
            return super::partition::apart(self, lanes, x, dims);
        };
        bind(&scan, &args.iter().collect::<Vec<_>>()).into_iter().zip(at).collect()
    }
    driven!();
    fn named_axes(&self) -> AxisSet {
        self.body.axes
    }
    fn effect(&self) -> bool {
        self.body.effect
    }
    fn checked(&self, set: CheckSet, x: &[&Array], _: Loc) -> Option<(Errors, Outs)> {
        checked::scan(self, set, x)
    }
}

impl Scan {
    /// The loop of all lanes, its operands, and where its results are mapped; none, if the lanes take different numbers of turns.
    pub(super) fn of_lanes(
        &self,
        lanes: &Lanes,
        x: &[&Array],
        dims: &[Option<usize>],
    ) -> Option<(Scan, Vec<Array>, Vec<Option<usize>>)> {
        let mask = given(dims);
        if mask[..self.base()].contains(&true) {
            return None;
        }
        let (mc, mk, mx) = self.parts(&mask);
        let batched = |mk: &[bool]| batch_jaxpr(&self.body, lanes, &[mc, mk, mx].concat(), &self.forced(mk));
        let (b, mk) = grown(mk, batched, |b| &b.1);
        let n = self.base() + self.n_consts + self.n_carry;
        let mut args = in_front(&x[..n], &dims[..n], &[&mask[..self.base()], mc, &mk].concat(), lanes);
        // the turns stay in front of the lanes; in a stack the lanes are in front in every element
        args.extend((n..x.len()).map(|i| match dims[i] {
            Some(d) if x[i].aval().stack == 0 => move_axis(x[i], d, 1),
            _ => x[i].clone(),
        }));
        let outs = b.0.out_avals();
        let at = |i: usize| {
            let axis = if i < self.n_carry { 0 } else { (self.gathered(&outs[i]).stack == 0) as usize };
            (if i < self.n_carry { mk[i] } else { b.1[i] }).then_some(axis)
        };
        Some((Scan { body: b.0.clone(), ..self.clone() }, args, (0..outs.len()).map(at).collect()))
    }
    /// The transposed body, for linear constants and xs in these masks and ys with cotangents: known constants; cotangents of linear constants
    /// so far, of the carry; known xs, cotangents of ys. It gives cotangents of linear constants, of the carry; of linear xs. Cotangents in the
    /// carry and those of ys vary over these axes, and are summed over the axes of `reduce` where they meet what does not.
    fn transposed(
        &self,
        lc: &[bool],
        lx: &[bool],
        carried: &[AxisSet],
        ys: &[Option<AxisSet>],
        reduce: AxisSet,
    ) -> Arc<Jaxpr> {
        let cy = &given(ys)[..];
        let sets: Vec<Option<AxisSet>> = carried.iter().copied().map(Some).chain(ys.iter().copied()).collect();
        self.body.memo("transpose loop", &[lc, lx, cy, &axes_key(&sets, reduce)], || {
            let loc = Location::caller();
            let _axes = (reduce != 0).then(|| provide(&bound()));
            let (ins, outs): (Vec<Aval>, Vec<Aval>) = (self.body.in_avals().cloned().collect(), self.body.out_avals());
            let (ic, ik, ix) = self.inner(&ins);
            let (kc, kx) = (not(lc), not(lx));
            let with = |(a, varying): (&Aval, AxisSet)| Aval { varying, ..a.clone() };
            let avals: Vec<Aval> = picked(ic, &kc)
                .cloned()
                .chain(picked(ic, lc).chain(ik).zip(carried.iter().copied()).map(with))
                .chain(picked(ix, &kx).cloned())
                .chain(picked(&outs[self.n_carry..], cy).zip(ys.iter().copied().flatten()).map(with))
                .collect();
            let wanted: Vec<Aval> = picked(ic, lc).chain(ik).chain(picked(ix, lx)).cloned().collect();
            let n = count(lc);
            stage_rule(&avals, |a| {
                let (known_c, a) = a.split_at(count(&kc));
                let (so_far, a) = a.split_at(n);
                let (ct_carry, a) = a.split_at(self.n_carry);
                let (known_x, ct_y) = a.split_at(count(&kx));
                let cts: Vec<Tangent> =
                    ct_carry.iter().cloned().map(Some).chain(spread(cy, ct_y.iter().cloned())).collect();
                let mut run = |l: &[Array]| {
                    let (mut known, mut lin) = (known_c.iter().chain(known_x), l.iter());
                    let all = [lc, &vec![true; self.n_carry], lx].concat();
                    let args: Vec<&Array> =
                        all.iter().map(|m| if *m { lin.next() } else { known.next() }.expect("an operand")).collect();
                    self.body.eval(&args)
                };
                let back = record_linear(&mut run, &wanted, loc, false).transpose_once(&cts, reduce, loc);
                let sum = |(i, b): (usize, Option<Array>)| match b {
                    Some(b) if i < n => stacks::add_cotangents(&so_far[i], &b),
                    None if i < n => so_far[i].clone(),
                    b => b.unwrap_or_else(|| zeros_of(&wanted[i])),
                };
                back.into_iter().enumerate().map(sum).collect()
            })
        })
    }
}

/// The element number `i`, of this type, of an array or a stack.
pub(super) fn element_at(x: &Array, i: usize, a: &Aval) -> Array {
    if x.aval().stack > 0 {
        return x.item_at(i, a);
    }
    let n = a.size() * a.dtype.size();
    x.with_bytes(|b| Array::from_bytes(a.clone(), &b[i * n..(i + 1) * n]))
}
impl Scan {
    /// The turns, if the engine runs the loop as a whole.
    fn run_as_one(&self, x: &[&Array], loc: Loc) -> Option<Outs> {
        let (consts, carry, xs) = self.parts(x);
        let length = Some(self.length.unwrap_or_else(|| x[0].to_f64() as usize));
        let (reverse, stacks) = (self.reverse, self.length.is_none());
        let turns = Turns { cond: None, body: &self.body, consts, carry, xs, length, reverse, stacks };
        let (last, _, ys) = turns.run(loc)?;
        let types = self.body.out_avals().split_off(self.n_carry);
        let gathered = ys.into_iter().zip(&types).map(|(y, a)| match self.length {
            Some(_) => Array::from_buffer(self.gathered(a), y),
            None => Array::stack_of_bytes(self.gathered(a), y),
        });
        Some(last.into_iter().chain(gathered).collect())
    }
    /// The turns one by one. `before` is told the carry before each.
    pub(super) fn run_noting(&self, x: &[&Array], loc: Loc, before: &mut dyn FnMut(&[Array])) -> Outs {
        let length = self.length.unwrap_or_else(|| x[0].to_f64() as usize);
        let (consts, init, xs) = self.parts(x);
        let outs = self.body.out_avals();
        let types: Vec<Aval> = self.body.in_avals().skip(self.n_consts + self.n_carry).cloned().collect();
        let mut carry: Vec<Array> = init.iter().map(|a| (*a).clone()).collect();
        let bytes = |a: &Aval| a.size() * a.dtype.size();
        let mut ys: Vec<Ys> = outs[self.n_carry..]
            .iter()
            .map(|a| match self.length {
                Some(_) if a.stack == 0 => Ys::Along(Buffer::zeroed(length * bytes(a))),
                _ => Ys::Stack(Vec::with_capacity(length)),
            })
            .collect();
        for turn in 0..length {
            let i = if self.reverse { length - 1 - turn } else { turn };
            before(&carry);
            let now: Vec<Array> = xs.iter().zip(&types).map(|(x, a)| element_at(x, i, a)).collect();
            let args: Vec<&Array> = consts.iter().copied().chain(&carry).chain(&now).collect();
            let mut out = crate::backend::run_jaxpr(&self.body, &args, loc);
            for (y, o) in ys.iter_mut().zip(out.drain(self.n_carry..)) {
                match y {
                    Ys::Along(y) => {
                        o.with_bytes(|b| y.as_bytes_mut()[i * b.len()..(i + 1) * b.len()].copy_from_slice(b))
                    }
                    Ys::Stack(y) => y.push(Item::whole(o)),
                }
            }
            carry = out.into_vec()
        }
        let gathered = ys.into_iter().zip(&outs[self.n_carry..]).map(|(y, a)| match y {
            Ys::Along(y) => Array::from_buffer(self.gathered(a), y),
            Ys::Stack(mut items) => {
                if self.reverse {
                    items.reverse()
                }
                Array::stack(self.gathered(a), items)
            }
        });
        carry.into_iter().chain(gathered).collect()
    }
}
impl HigherOrder for Scan {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        match self.unrolled() {
            Some(program) => crate::backend::run_jaxpr(&program, x, loc),
            None => self.run_as_one(x, loc).unwrap_or_else(|| self.run_noting(x, loc, &mut |_| ())),
        }
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let mask = given(dx);
        let (mc, mk, mx) = self.parts(&mask);
        let moving = |mk: &[bool]| jvp_jaxpr(&self.body, &[mc, mk, mx].concat(), &self.forced(mk));
        let (with, mk) = grown(mk, moving, |j| &j.1);
        let (nc, nk, nx, ny) = (self.n_consts, self.n_carry, mx.len(), self.n_ys());
        let (dc, dk) = (count(mc), count(&mk));
        // tangents beside the values that they belong to: constants, carry, xs; carry, ys
        let t = nc + nk + nx;
        let order = (0..nc).chain(t..t + dc).chain(nc..nc + nk).chain(t + dc..t + dc + dk).chain(nc + nk..t);
        let j = permuted(&with.0, order.chain(t + dc + dk..with.0.ins.len()));
        let o = &j.outs;
        let outs = [&o[..nk], &o[nk + ny..nk + ny + dk], &o[nk..nk + ny], &o[nk + ny + dk..]].concat();
        let body = j.rewire(j.ins.clone(), outs, &[]);
        let ((xc, xk, xs), (tc, tk, ts)) = (self.parts(x), self.parts(dx));
        let moving: Vec<Array> = (0..nk).filter(|i| mk[*i]).map(|i| materialize(tk[i], xk[i])).collect();
        let args: Vec<&Array> = (x[..self.base()].iter().chain(xc).copied())
            .chain(tc.iter().copied().flatten())
            .chain(xk.iter().copied())
            .chain(&moving)
            .chain(xs.iter().copied())
            .chain(ts.iter().copied().flatten())
            .collect();
        let mut out = bind(&self.with(body, nc + dc, nk + dk), &args).into_iter();
        let mut take = |n: usize| out.by_ref().take(n).collect::<Vec<_>>();
        let (yk, dyk, ys, dys) = (take(nk), take(dk), take(ny), take(usize::MAX));
        let dy = spread(&[&mk, &with.1[nk..]].concat(), dyk.into_iter().chain(dys));
        (yk.into_iter().chain(ys).collect(), dy)
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        let (mc, given, mx) = self.parts(mask);
        let (l, mk) = self.linear_loop(mc, given, mx);
        let mut outs = bind(&self.with(l.primal.clone(), self.n_consts, self.n_carry), x);
        let (prim, operands) = self.on_tape(&l, &mk, x, mask, &outs[self.n_carry..]);
        outs.truncate(self.body.outs.len());
        Some(Linearized { outs, out_mask: l.out_mask.clone(), prim, operands })
    }
    fn runs(&self) -> Runs {
        self.length.map_or(Runs::Unknown, Runs::Times)
    }
    fn machine_code(&self, loc: Loc) -> Option<Result<String, String>> {
        let (consts, carry, length, reverse) = (self.n_consts, self.n_carry, self.length, self.reverse);
        Shape { cond: None, body: &self.body, consts, carry, length, reverse }.assembly(loc)
    }
}
impl Scan {
    /// The linearised loop, for constants, carry and xs that move, and which of the carry do in the end.
    pub(super) fn linear_loop(&self, mc: &[bool], carry: &[bool], mx: &[bool]) -> (Arc<LinLoop>, Vec<bool>) {
        let linearized = |mk: &[bool]| LinLoop::new(self, &[mc, mk, mx].concat(), &self.forced(mk));
        grown(carry, linearized, |l| &l.out_mask)
    }
    /// The linear operation for the tape, and its operands: for operands `x` that move as `mask` says, and the residuals that the turns left, `ys`.
    pub(super) fn on_tape(
        &self,
        l: &LinLoop,
        mk: &[bool],
        x: &[&Array],
        mask: &[bool],
        ys: &[Array],
    ) -> (Option<Box<dyn Primitive>>, Vec<LinArg>) {
        let ((xc, xk, xs), (mc, given, mx), base) = (self.parts(x), self.parts(mask), self.base());
        let hoisted = l.hoisted.as_ref().map(|j| bind(&Call { jaxpr: j.clone(), name: "hoisted".into() }, xc));
        let find = |s: &Source| {
            LinArg::Known(match *s {
                Source::Const(i) => xc[i].clone(),
                Source::Hoisted(i) => hoisted.as_ref().expect("what was hoisted")[i].clone(),
                Source::Xs(i) => xs[i].clone(),
                Source::Ys(i) => ys[i].clone(),
            })
        };
        let (first, items) = (base + self.n_consts, base + self.n_consts + self.n_carry);
        let mut operands: Vec<LinArg> = x[..base].iter().map(|n| LinArg::Known((*n).clone())).collect();
        operands.extend(l.fixed.iter().map(find).chain(moving(mc, base)));
        operands.extend(moving_carry(mk, given, first, xk));
        operands.extend(l.stacked.iter().map(find).chain(moving(mx, items)));
        let tangents = tangents_in(&operands);
        let prim = Scan { tangents, ..self.with(l.linear.clone(), l.fixed.len() + count(mc), count(mk)) };
        let moves = l.out_mask.contains(&true);
        (moves.then(|| Box::new(prim) as Box<dyn Primitive>), operands)
    }
}
/// What leaves one element in each turn: an array of a known length, or a stack.
enum Ys {
    Along(Buffer),
    Stack(Vec<Item>),
}

/// A body's linearisation with its residuals sorted for a loop. What does not change from turn to turn is not stacked: a constant is passed
/// again, what follows from constants alone is computed once outside; an array of xs or ys is its own stack.
pub(super) struct LinLoop {
    pub(super) primal: Arc<Jaxpr>,
    /// Residuals that are the same in every turn, tangents of constants; tangents of the carry; residuals of the turn, tangents of xs.
    linear: Arc<Jaxpr>,
    /// What follows from the constants alone.
    hoisted: Option<Arc<Jaxpr>>,
    fixed: Vec<Source>,
    stacked: Vec<Source>,
    pub(super) out_mask: Vec<bool>,
}
/// Where a residual is found: among the constants, the results of `hoisted`, xs, or ys.
#[derive(Clone, Copy)]
enum Source {
    Const(usize),
    Hoisted(usize),
    Xs(usize),
    Ys(usize),
}
impl LinLoop {
    fn new(scan: &Scan, mask: &[bool], force: &[bool]) -> Arc<LinLoop> {
        let (n_consts, n_carry) = (scan.n_consts, scan.n_carry);
        let inputs: Vec<bool> = (0..scan.body.ins.len()).map(|i| i < n_consts).collect();
        scan.body.memo("linearize loop", &[&inputs, mask, force], || {
            let l = linearize_jaxpr(&scan.body, mask, force);
            let p = &l.primal;
            let mut same = vec![false; p.avals.len()];
            for v in p.ins[..n_consts].iter().chain(p.consts.iter().map(|c| &c.0)) {
                same[*v as usize] = true
            }
            let is_same = |same: &[bool], a: &Atom| match a {
                Atom::Var(v) => same[*v as usize],
                Atom::Lit(_) => true,
            };
            for (k, e) in p.eqns.iter().enumerate() {
                let all = !e.prim.effect() && p.args(k).iter().all(|a| is_same(&same, a));
                same[e.out as usize..(e.out + e.n_out) as usize].fill(all)
            }
            let n_out = scan.body.outs.len();
            // what it costs nothing to keep: inputs, but for the carry, results, and what is the same in every turn
            let costs = |r: &Residual, atom: Atom| {
                !is_same(&same, &atom) && matches!(r, Residual::Out(j) if !(n_carry..n_out).contains(j))
            };
            let (linear, kept) = spared(&l, costs).unwrap_or_else(|| (l.linear.clone(), (0..l.residuals.len()).collect()));
            let (mut outs, mut hoisted, mut fixed, mut stacked) = (p.outs[..n_out].to_vec(), vec![], vec![], vec![]);
            for (k, r) in kept.iter().map(|k| &l.residuals[*k]).enumerate() {
                let atom = match r {
                    Residual::In(i) => Atom::Var(p.ins[*i]),
                    Residual::Out(j) => p.outs[*j],
                };
                let source = match r {
                    Residual::In(i) if *i < n_consts => Source::Const(*i),
                    _ if is_same(&same, &atom) => {
                        hoisted.push(atom);
                        Source::Hoisted(hoisted.len() - 1)
                    }
                    Residual::In(i) if *i >= n_consts + n_carry => Source::Xs(i - n_consts - n_carry),
                    Residual::Out(j) if (n_carry..n_out).contains(j) => Source::Ys(j - n_carry),
                    _ => {
                        outs.push(atom);
                        Source::Ys(outs.len() - 1 - n_carry)
                    }
                };
                let list = if matches!(source, Source::Const(_) | Source::Hoisted(_)) { &mut fixed } else { &mut stacked };
                list.push((k, source))
            }
            let (n, moving) = (kept.len(), count(&mask[..n_consts]));
            let carried = count(&mask[n_consts..n_consts + n_carry]);
            let at = |list: &[(usize, Source)]| list.iter().map(|(k, _)| *k).collect::<Vec<_>>();
            let order = at(&fixed).into_iter().chain(n..n + moving + carried).chain(at(&stacked));
            let linear = permuted(&linear, order.chain(n + moving + carried..linear.ins.len()));
            let outside = || p.part(p.ins[..n_consts].to_vec(), hoisted.clone());
            Arc::new(LinLoop {
                primal: p.rewire(p.ins.clone(), outs, &[]),
                linear,
                hoisted: (!hoisted.is_empty()).then(outside),
                fixed: fixed.into_iter().map(|f| f.1).collect(),
                stacked: stacked.into_iter().map(|s| s.1).collect(),
                out_mask: l.out_mask.clone(),
            })
        })
    }
}

/// Loops are read by [`Loaded`](crate::jaxpr::Loaded), which knows the nested programs.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    let args = || {
        let x = Array::from_slice(&[0.5f64, -1.25, 0.75, 1.5, -0.5, 0.25], &[3, 2]);
        vec![crate::array(vec![1.5f64, -0.5]), crate::array(vec![0.5f64, 0.25]), x]
    };
    /// Of one constant, one carry, and xs.
    fn scanned(x: &[Array], reverse: bool, body: fn(&[Array]) -> Vec<Array>) -> Vec<Array> {
        let types: Vec<Aval> =
            x.iter().enumerate().map(|(i, x)| if i < 2 { x.aval().clone() } else { element(x.aval()) }).collect();
        let length = x.get(2).map_or(4, |x| x.shape()[0]);
        let scan = Scan { body: stage_rule(&types, body), n_consts: 1, n_carry: 1, length: Some(length), reverse, unroll: 1, tangents: vec![] };
        bind(&scan, &x.iter().collect::<Vec<_>>()).into_vec()
    }
    vec![
        Case {
            name: "forwards",
            args: args(),
            run: |x| scanned(x, false, |a| vec![add(&mul(&sin(&a[1]), &a[0]), &a[2]), mul(&a[1], &a[2])]),
        },
        Case {
            name: "backwards, with residuals of the constants alone",
            args: args(),
            run: |x| scanned(x, true, |a| vec![mul(&a[1], &exp(&sin(&a[0]))), mul(&a[2], &exp(&a[0]))]),
        },
        Case {
            name: "linear",
            args: args(),
            run: |x| scanned(x, false, |a| vec![add(&neg(&a[1]), &a[2]), add(&a[0], &a[1])]),
        },
        Case {
            name: "a carry that does not move at first, and no elements",
            args: args()[..2].to_vec(),
            run: |x| {
                let still = [x[0].clone(), full_of(x[1].aval(), 0.5)];
                scanned(&still, false, |a| vec![tanh(&add(&a[1], &a[0])), a[1].clone(), lit(&a[0], 2.0)])
            },
        },
        Case {
            name: "complex numbers",
            args: args(),
            run: |x| {
                let z = [complex(&x[0], &x[1]), complex(&x[1], &x[0]), complex(&x[2], &mul(&x[2], &x[2]))];
                let all = scanned(&z, false, |a| vec![add(&mul(&a[1], &a[0]), &a[2]), a[1].clone()]);
                all.iter().flat_map(testing::components).collect()
            },
        },
        Case {
            name: "no turn",
            args: vec![crate::array(vec![1.5f64]), crate::array(vec![0.5f64]), Array::from_slice::<f64>(&[], &[0, 1])],
            run: |x| scanned(x, false, |a| vec![mul(&a[1], &a[0]), a[2].clone()]),
        },
    ]
}
