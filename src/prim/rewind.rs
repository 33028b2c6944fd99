//! Going back over a loop of which only some carries were kept. Turns between them are computed again, from the nearest carry before; on the
//! way, as long as there is room, further carries are kept, where the binomial schedule of checkpoints wants them (A. Griewank,
//! A. Walther: Algorithm 799, revolve, ACM TOMS 26, 2000): with room for `c` carries, `C(c + r, c)` turns are undone while none is computed
//! more than `r` times.
//!
//! What these operations *mean* is the loop with all of its residuals, and that is what is differentiated, should somebody want the
//! derivative of a derivative: the bound holds for the first.

use super::bounded::spacing;
use super::call::Call;
use super::held::*;
use super::partition::{Apart, apart};
use super::scan::Scan;
use super::*;
use crate::array::stack::concrete_zeros;
use crate::jaxpr::key_of;
use crate::trace::batch::{batch_jaxpr, to_front};
use crate::trace::bind;
use crate::trace::linearize::linearize_flat;
use crate::trace::stage::stage_rule;
use crate::trace::transpose::record_linear;
use cotangent_cpu::Buffer;
use std::panic::Location;

/// The derivative of a loop as a linear operation. The operands are the number of turns; constants, first carry and xs of the loop; snapshots of the
/// carry; tangents of what moves.
///
/// ```
/// use cotangent::{lax, linearize, make_jaxpr, prelude::*};
/// let product = |x: &Array| lax::Scan::new().memory(64).run(|c: &Array, x: &Array| (c * x, ()), &array(1.0), x).0;
/// let along = |x: &Array| linearize(product, (x,)).1.call((x,));
/// let program = make_jaxpr(along, (&array![1., 2., 3.],));
/// assert_eq!(program.primitives().last(), Some("rewind"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rewind {
    /// The loop.
    pub(super) turns: Scan,
    /// Which of its constants, carry and xs move.
    pub(super) moves: Vec<bool>,
    /// Which of its results do.
    pub(super) outs: Vec<bool>,
    /// For how many carries there is room.
    pub(super) room: usize,
    pub(super) tangents: Vec<bool>,
}
impl Rewind {
    fn n_ins(&self) -> usize {
        self.turns.body.ins.len()
    }
    /// What the loop takes.
    fn loop_operands<'a>(&self, x: &'a [&'a Array]) -> Vec<&'a Array> {
        let from = if self.turns.base() == 1 { 0 } else { 1 };
        x[from..1 + self.n_ins()].to_vec()
    }
    /// Its mask, with the number of turns if that is an operand.
    fn mask(&self) -> Vec<bool> {
        [&vec![false; self.turns.base()], &self.moves[..]].concat()
    }
    /// The tangents of the results, without the snapshots.
    fn forwards(&self, x: &[&Array]) -> Vec<Array> {
        let mut given = x[1 + self.n_ins() + self.turns.n_carry..].iter().copied();
        let dx: Vec<Option<&Array>> = self.mask().iter().map(|m| if *m { given.next() } else { None }).collect();
        let (y, dy) = self.turns.jvp_call(&self.loop_operands(x), &dx);
        let moving = y.iter().zip(dy).zip(&self.outs).filter(|(_, m)| **m);
        moving.map(|((y, d), _)| d.unwrap_or_else(|| zeros_of(y.aval()))).collect()
    }
    fn meaning(&self, x: &[&Array]) -> Call {
        meaning(x, |x| self.forwards(x))
    }
}
/// A program of these operands.
fn meaning(x: &[&Array], f: impl FnOnce(&[&Array]) -> Vec<Array>) -> Call {
    let types: Vec<Aval> = x.iter().map(|x| x.aval().clone()).collect();
    Call { jaxpr: stage_rule(&types, |a| f(&a.iter().collect::<Vec<_>>())), name: "loop".into() }
}
impl Primitive for Rewind {
    fn name(&self) -> &'static str {
        "rewind"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("jaxpr", Param::Jaxpr(self.turns.body.clone())), ("room", self.room.to_string().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let from = if self.turns.base() == 1 { 0 } else { 1 };
        let out = self.turns.abstract_eval(&x[from..1 + self.n_ins()])?;
        Ok(picked(&out, &self.outs).cloned().collect())
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        mask == self.tangents
    }
    fn tangents(&self) -> &[bool] {
        &self.tangents
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let known = 1 + self.n_ins() + self.turns.n_carry;
        let mut args: Vec<Array> = (0..known).map(|i| io.known(i).clone()).collect();
        let (_, mk, _) = self.turns.inner(&self.moves);
        let moving: Vec<usize> = (0..mk.len()).filter(|i| mk[*i]).collect();
        let carry = |(i, ct): (&usize, &Tangent)| {
            ct.clone().unwrap_or_else(|| zeros_of(args[1 + self.turns.n_consts + i].aval()))
        };
        let cts: Vec<Array> = moving.iter().zip(ct).map(carry).collect();
        let mut of_ys = ct[moving.len()..].iter();
        let ys = self.outs[self.turns.n_carry..].iter().map(|m| *m && of_ys.next().is_some_and(|c| c.is_some()));
        let ys: Vec<bool> = ys.collect();
        args.extend(cts);
        args.extend(ct[moving.len()..].iter().flatten().cloned());
        let tangents = (0..args.len()).map(|i| i >= known).collect();
        let back = RewindBack { of: Rewind { tangents, ..self.clone() }, ys };
        let mut outs = bind(&back, &args.iter().collect::<Vec<_>>()).into_iter();
        for i in known..io.len() {
            io.add(i, outs.next().expect("a cotangent"))
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mut one: Vec<Aval> = x.iter().map(|x| x.aval().clone()).collect();
        for (a, d) in one.iter_mut().zip(dims) {
            if let Some(d) = d {
                a.shape.remove(*d);
            }
        }
        let jaxpr = stage_rule(&one, |a| self.forwards(&a.iter().collect::<Vec<_>>()));
        Call { jaxpr, name: "loop".into() }.batch(lanes, x, dims)
    }
    driven!();
    fn named_axes(&self) -> AxisSet {
        self.turns.body.axes
    }
}
impl HigherOrder for Rewind {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let _g = crate::trace::enter(None, Some(loc));
        crate::debug::quietly(|| self.forwards(x)).into()
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        self.meaning(x).jvp_call(x, dx)
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        self.meaning(x).linearize(x, mask)
    }
}

/// The transpose of [`Rewind`]: of cotangents of the carry in the place of tangents, and of ys. It gives those of the constants, carry and xs that move.
///
/// ```
/// use cotangent::{lax, make_jaxpr, prelude::*};
/// let product = |x: &Array| lax::Scan::new().memory(64).run(|c: &Array, x: &Array| (c * x, ()), &array(1.0), x).0;
/// let program = make_jaxpr(grad(product), (&array![1., 2., 3.],));
/// assert_eq!(program.primitives().last(), Some("rewind_transpose"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RewindBack {
    of: Rewind,
    /// Which ys have a cotangent.
    ys: Vec<bool>,
}
impl RewindBack {
    /// The cotangents, with all residuals of the loop at once.
    fn at_once(&self, x: &[&Array]) -> Vec<Array> {
        let (of, s) = (&self.of, &self.of.turns);
        let l = s.linearize(&of.loop_operands(x), &of.mask()).expect("a loop");
        let moving: Vec<usize> = (0..of.moves.len()).filter(|i| of.moves[*i]).collect();
        let wanted: Vec<Aval> = moving.iter().map(|i| x[1 + i].aval().clone()).collect();
        let Some(prim) = l.prim else { return wanted.iter().map(zeros_of).collect() };
        let mut run = |t: &[Array]| {
            let operand = |o: &LinArg| match o {
                LinArg::Known(a) => a.clone(),
                LinArg::Tangent(i) => {
                    t[moving.iter().position(|m| m + s.base() == *i).expect("what moves")].clone()
                }
            };
            let args: Vec<Array> = l.operands.iter().map(operand).collect();
            bind(&*prim, &args.iter().collect::<Vec<_>>()).into_vec()
        };
        let mut given = x[1 + of.n_ins() + s.n_carry..].iter().map(|c| (*c).clone());
        let (carry, ys) = of.outs.split_at(s.n_carry);
        let mut cts: Vec<Tangent> = picked(carry, carry).map(|_| given.next()).collect();
        cts.extend(picked(&self.ys, ys).map(|some| if *some { given.next() } else { None }));
        let back = record_linear(&mut run, &wanted, Location::caller(), false).transpose_once(&cts, 0, Location::caller());
        back.into_iter().zip(&wanted).map(|(b, a)| b.unwrap_or_else(|| zeros_of(a))).collect()
    }
    fn meaning(&self, x: &[&Array]) -> Call {
        meaning(x, |x| self.at_once(x))
    }
    /// The turn's carry alone.
    fn advance(&self) -> Arc<Jaxpr> {
        let s = &self.of.turns;
        s.body.memo("carry alone", &[&key_of(s.n_carry)], || s.body.rewire(s.body.ins.clone(), s.body.outs[..s.n_carry].to_vec(), &[]))
    }
    /// One turn back: of what the turn took, cotangents of the constants so far, of the carry and of ys after it. It gives cotangents of the
    /// constants, of the carry before, of xs.
    fn step(&self) -> Arc<Jaxpr> {
        let (of, s) = (&self.of, &self.of.turns);
        s.body.memo("rewind", &[&of.moves, &of.outs, &self.ys, &key_of(s.n_consts), &key_of(s.n_carry)], || {
            let loc = Location::caller();
            let (ins, outs): (Vec<Aval>, Vec<Aval>) = (s.body.in_avals().cloned().collect(), s.body.out_avals());
            let ((mc, mk, _), n) = (s.inner(&of.moves), ins.len());
            let consts = picked(&ins, mc);
            let types: Vec<Aval> = ins
                .iter()
                .chain(consts)
                .chain(picked(&outs, mk))
                .chain(picked(&outs[s.n_carry..], &self.ys))
                .cloned()
                .collect();
            stage_rule(&types, |a| {
                let (x, rest) = a.split_at(n);
                let (so_far, cts) = rest.split_at(count(mc));
                let mut eval = |x: &[Array]| s.body.eval(&x.iter().collect::<Vec<_>>());
                let (_, lin) = linearize_flat(&mut eval, x, &of.moves, loc, false);
                let (carry, ys) = cts.split_at(count(mk));
                let cts: Vec<Tangent> =
                    spread(mk, carry.iter().cloned()).into_iter().chain(spread(&self.ys, ys.iter().cloned())).collect();
                let back = lin.transpose_once(&cts, 0, loc);
                let wanted = picked(&ins, &of.moves);
                let sum = |(i, (b, a)): (usize, (Tangent, &Aval))| match b {
                    Some(b) if i < so_far.len() => stacks::add_cotangents(&so_far[i], &b),
                    None if i < so_far.len() => so_far[i].clone(),
                    b => b.unwrap_or_else(|| zeros_of(a)),
                };
                back.into_iter().zip(wanted).enumerate().map(sum).collect()
            })
        })
    }
}
/// How many turns ahead to keep the next carry, for `turns` to go back over from here with room for `free` more.
fn ahead(turns: usize, free: usize) -> usize {
    // C(c + r, c)
    let reach = |c: usize, r: usize| {
        (1..=c.min(r)).fold(1u128, |n, i| (n * (c.max(r) + i) as u128 / i as u128).min(u64::MAX as u128)) as usize
    };
    let r = (0..).find(|r| reach(free + 1, *r) >= turns).expect("a number of repetitions");
    turns.saturating_sub(reach(free, r)).max(1)
}
impl Primitive for RewindBack {
    fn name(&self) -> &'static str {
        "rewind_transpose"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        self.of.params()
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        // a device's own, whatever they are cotangents of: who adds them sums those of what all devices have
        let varying = varying(x);
        Ok(picked(&x[1..1 + self.of.n_ins()], &self.of.moves).map(|a| Aval { varying, ..(*a).clone() }).collect())
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        mask == self.of.tangents
    }
    fn tangents(&self) -> &[bool] {
        &self.of.tangents
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let types: Vec<Aval> = (0..io.len()).map(|i| io.aval(i).clone()).collect();
        let jaxpr = stage_rule(&types, |a| self.at_once(&a.iter().collect::<Vec<_>>()));
        Call { jaxpr, name: "loop".into() }.transpose(ct, io)
    }
    /// The loop of all lanes has the derivative of all lanes.
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        if dims[0].is_some() {
            return apart(self, lanes, x, dims);
        }
        let (of, s) = (&self.of, &self.of.turns);
        let n = 1 + of.n_ins();
        let mask = given(&dims[1..n]);
        let (bc, _, bx) = s.inner(&mask);
        // each lane has cotangents of its own, also for what all lanes share
        let (mc, _, mx) = s.inner(&of.moves);
        let mapped = [&joined(bc, mc), &vec![true; s.n_carry][..], &joined(bx, mx)].concat();
        let body = batch_jaxpr(&s.body, lanes, &mapped, &vec![true; s.body.outs.len()]).0.clone();
        // along the turns the lanes come second
        let behind = |x: &Array, d: Option<usize>| match d {
            Some(d) if x.aval().stack == 0 => move_axis(x, d, 1),
            None if x.aval().stack == 0 => move_axis(&to_front(x, None, lanes.size), 0, 1),
            d => to_front(x, d, lanes.size),
        };
        let (x0, carried) = (1 + s.n_consts + s.n_carry, n + s.n_carry + count(s.inner(&of.moves).1));
        let operand = |i: usize| match i {
            0 => x[0].clone(),
            _ if i < x0 => if mapped[i - 1] { to_front(x[i], dims[i], lanes.size) } else { x[i].clone() },
            _ if i < n => if mapped[i - 1] { behind(x[i], dims[i]) } else { x[i].clone() },
            _ if i < carried => to_front(x[i], dims[i], lanes.size),
            _ => behind(x[i], dims[i]),
        };
        let args: Vec<Array> = (0..x.len()).map(operand).collect();
        let all = RewindBack { of: Rewind { turns: Scan { body, ..s.clone() }, ..of.clone() }, ys: self.ys.clone() };
        let outs = bind(&all, &args.iter().collect::<Vec<_>>());
        let at = |i: usize| mapped[i].then_some((i + 1 >= x0 && x[i + 1].aval().stack == 0) as usize);
        outs.into_iter().zip((0..mapped.len()).filter(|i| of.moves[*i]).map(at)).collect()
    }
    driven!();
    fn named_axes(&self) -> AxisSet {
        self.of.turns.body.axes
    }
}
impl HigherOrder for RewindBack {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        crate::debug::quietly(|| self.back(x, loc))
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        self.meaning(x).jvp_call(x, dx)
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        self.meaning(x).linearize(x, mask)
    }
}
impl RewindBack {
    fn back(&self, x: &[&Array], loc: Loc) -> Outs {
        let (of, s) = (&self.of, &self.of.turns);
        let n = x[0].to_f64() as usize;
        let (ins, rest) = x[1..].split_at(of.n_ins());
        let (consts, init, xs) = s.inner(ins);
        let (mc, mk, mx) = s.inner(&of.moves);
        let types: Vec<Aval> = s.body.in_avals().cloned().collect();
        let (carry_types, x_types) = types[s.n_consts..].split_at(s.n_carry);
        let (snapshots, cts) = rest.split_at(s.n_carry);
        let (ct_carry, ct_ys) = cts.split_at(count(mk));
        // The carries that were kept: before turns 0, d, 2d, .. They stay until the end, whoever has passed them, and are counted with those that are
        // kept on the way.
        let (room, apart) = (of.room, spacing(n, of.room));
        let mut there = n.div_ceil(apart);
        let kept = |k: usize| snapshots.iter().zip(carry_types).map(|(s, a)| s.item_at(k, a)).collect::<Vec<_>>();
        let mut saved: Vec<(usize, Vec<Array>)> = (0..there).map(|k| (k * apart, kept(k))).collect();
        let (advance, step) = (self.advance(), self.step());
        let index = |turn: usize| if s.reverse { n - 1 - turn } else { turn };
        let elements = |turn: usize| -> Vec<Array> {
            xs.iter().zip(x_types).map(|(x, a)| super::scan::element_at(x, index(turn), a)).collect()
        };
        let mut so_far: Vec<Array> = picked(&types, mc).map(concrete_zeros).collect();
        let mut now: Vec<Array> = ct_carry.iter().map(|c| (*c).clone()).collect();
        let moving_x: Vec<&Aval> = picked(x_types, mx).collect();
        let mut ct_xs: Vec<Buffer> =
            moving_x.iter().map(|a| Buffer::zeroed(n * a.size() * a.dtype.size())).collect();
        let y_types: Vec<Aval> = picked(&s.body.out_avals()[s.n_carry..], &self.ys).cloned().collect();
        for turn in (0..n).rev() {
            let (mut at, mut carry) = saved.last().cloned().unwrap_or_else(|| (0, init.iter().map(|c| (*c).clone()).collect()));
            while at < turn {
                let free = room.saturating_sub(there);
                let steps = if free > 0 { ahead(turn - at + 1, free) } else { turn - at };
                for t in at..at + steps {
                    let e = elements(t);
                    let args: Vec<&Array> = consts.iter().copied().chain(&carry).chain(&e).collect();
                    carry = crate::backend::run_jaxpr(&advance, &args, loc).into_vec()
                }
                at += steps;
                if free > 0 {
                    saved.push((at, carry.clone()));
                    there += 1
                }
            }
            let e = elements(turn);
            let ys: Vec<Array> =
                ct_ys.iter().zip(&y_types).map(|(c, a)| super::scan::element_at(c, index(turn), a)).collect();
            let args: Vec<&Array> = (consts.iter().copied())
                .chain(&carry)
                .chain(&e)
                .chain(&so_far)
                .chain(&now)
                .chain(&ys)
                .collect();
            let mut out = crate::backend::run_jaxpr(&step, &args, loc).into_iter();
            so_far = out.by_ref().take(so_far.len()).collect();
            now = out.by_ref().take(now.len()).collect();
            for (all, c) in ct_xs.iter_mut().zip(out) {
                let i = index(turn);
                c.with_bytes(|b| all.as_bytes_mut()[i * b.len()..(i + 1) * b.len()].copy_from_slice(b))
            }
            if saved.last().is_some_and(|s| s.0 == turn) {
                saved.pop();
                there -= (turn % apart != 0) as usize
            }
        }
        let gathered = ct_xs.into_iter().zip(moving_x).map(|(b, a)| Array::from_buffer(s.gathered(a), b));
        // as weakly typed as what they are cotangents of
        let outs = so_far.into_iter().chain(now).chain(gathered).zip(picked(ins, &of.moves));
        outs.map(|(y, x)| y.relabel(y.aval().with_weak(x.weak_type()))).collect()
    }
}
impl Apart for RewindBack {}

pub(super) const READ: &[Read] = &[];
/// Derivatives of a loop with a bound, forwards and backwards.
pub(super) fn cases() -> Vec<Case> {
    use super::bounded::{Bounded, Loop};
    let args = || {
        let items = Array::from_slice(&[0.5f64, 1.5, 0.25, -0.5, 0.75, 1.25, -0.25, 0.5, 1.0, 0.125], &[5, 2]);
        vec![crate::array(vec![0.25f64, 0.5]), crate::array(vec![1.5f64, 1.25]), items]
    };
    /// The loop, linearised.
    fn linearized(x: &[Array]) -> (Vec<Array>, crate::trace::linearize::Linear) {
        let mut turned = |x: &[Array]| {
            let types: Vec<Aval> = x[..2].iter().map(|x| x.aval().clone()).chain([x[0].aval().clone()]).collect();
            let body = stage_rule(&types, |a| vec![add(&mul(&sin(&a[1]), &a[0]), &a[2]), mul(&a[1], &mul(&a[2], &a[0]))]);
            let length = Some(x[2].shape()[0]);
            let scan = Scan { body, n_consts: 1, n_carry: 1, length, reverse: false, unroll: 1, tangents: vec![] };
            bind(&Bounded { turns: Loop::Scan(scan), bytes: 40 }, &x.iter().collect::<Vec<_>>()).into_vec()
        };
        linearize_flat(&mut turned, x, &[true; 3], Location::caller(), false)
    }
    vec![
        Case {
            name: "forwards",
            args: args(),
            run: |x| {
                let (y, lin) = linearized(x);
                y.into_iter().chain(lin.apply(x).into_iter().flatten()).collect()
            },
        },
        Case {
            name: "backwards",
            args: args(),
            run: |x| {
                let (y, lin) = linearized(x);
                let cts: Vec<Tangent> = y.into_iter().map(Some).collect();
                lin.transpose_once(&cts, 0, Location::caller()).into_iter().flatten().collect()
            },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Undoes `turns` turns with room for `room` carries as `back` does; how often the most frequent turn is computed again.
    fn repeated(turns: usize, room: usize) -> usize {
        let (mut saved, mut times) = (vec![0], vec![0; turns]);
        for turn in (0..turns).rev() {
            let mut at = *saved.last().expect("the first carry");
            while at < turn {
                let free = room - saved.len();
                let steps = if free > 0 { ahead(turn - at + 1, free) } else { turn - at };
                times[at..at + steps].iter_mut().for_each(|t| *t += 1);
                at += steps;
                if free > 0 {
                    saved.push(at);
                    assert!(saved.len() <= room)
                }
            }
            if *saved.last().expect("a carry") == turn && turn > 0 {
                saved.pop();
            }
        }
        times.into_iter().max().unwrap_or(0)
    }

    #[test]
    fn checkpoints_lie_where_the_binomial_schedule_wants_them() {
        // with room for c carries, C(c + r, c) turns are undone while none is computed more than r times
        for (room, most, times) in [(1, 4, 3), (2, 10, 3), (3, 20, 3), (3, 35, 4), (5, 252, 5), (10, 66, 2), (100, 5151, 2)] {
            assert!(repeated(most, room) <= times, "{most} turns, room for {room}");
            assert!(repeated(most + 1, room) > times, "{} turns, room for {room}", most + 1);
        }
        assert_eq!(repeated(50, 50), 1);
    }
}
