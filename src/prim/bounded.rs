//! Loops whose reverse mode has a bound on its memory. Instead of what the derivative needs of every turn it keeps the carry of some turns, and
//! computes the others again when it goes back: see [`rewind`](super::rewind).
//!
//! How many turns there will be is not known when the loop starts. So the carry is kept before every turn; when there is no more room, every
//! other one is dropped, and from then on only every second is kept, then every fourth: at the end they lie `d` turns apart, `d` a power
//! of two, and take half of the room at the most, since those that going back keeps come to them. A loop with room for all of its turns drops
//! none, and computes no turn more than once again.

use super::held::*;
use super::partition::{Apart, apart, keep_step};
use super::rewind::Rewind;
use super::scan::Scan;
use super::while_loop::While;
use super::*;
use crate::array::stack::Item;
use crate::dtype::DType;
use crate::trace::bind;
use crate::trace::stage::stage_rule;

/// A loop of either kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Loop {
    While(While),
    Scan(Scan),
}
impl Loop {
    fn prim(&self) -> &dyn Primitive {
        match self {
            Loop::While(w) => w,
            Loop::Scan(s) => s,
        }
    }
    fn higher(&self) -> &dyn HigherOrder {
        self.prim().higher().expect("a loop")
    }
    /// Its parameters and one more.
    fn params(&self, name: &'static str, value: usize) -> Vec<(&'static str, Param)> {
        let mut all = self.prim().params();
        all.push((name, value.to_string().into()));
        all.sort_by_key(|p| p.0);
        all
    }
    /// As a loop over its turns, and how many operands come before those of that.
    fn turns(&self) -> (Scan, usize) {
        match self {
            Loop::While(w) => (w.counted(), w.n_cond),
            Loop::Scan(s) => (s.clone(), 0),
        }
    }
    fn of_lanes(
        &self,
        lanes: &Lanes,
        x: &[&Array],
        dims: &[Option<usize>],
    ) -> Option<(Loop, Vec<Array>, Vec<Option<usize>>)> {
        match self {
            Loop::While(w) => w.of_lanes(lanes, x, dims).map(|(w, x, at)| (Loop::While(w), x, at)),
            Loop::Scan(s) => s.of_lanes(lanes, x, dims).map(|(s, x, at)| (Loop::Scan(s), x, at)),
        }
    }
}

/// A loop that is to keep no more than so many bytes for reverse mode.
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, lax};
/// let product = |x: &Array| lax::Scan::new().memory(1000).run(|c: &Array, x: &Array| (c * x, ()), &array(1.0), x).0;
/// let program = make_jaxpr(product, (&array![1., 2.],));
/// assert!(program.to_string().contains("memory=1000"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bounded {
    pub(crate) turns: Loop,
    pub(crate) bytes: usize,
}
impl Primitive for Bounded {
    fn name(&self) -> &'static str {
        self.turns.prim().name()
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        self.turns.params("memory", self.bytes)
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        self.turns.prim().abstract_eval(x)
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        self.turns.prim().linear_in(mask)
    }
    fn linear_outs(&self, mask: &[bool], zero: &[bool], n: usize) -> Option<Vec<bool>> {
        self.turns.prim().linear_outs(mask, zero, n)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        self.turns.prim().transpose(ct, io)
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        match self.turns.of_lanes(lanes, x, dims) {
            Some((turns, x, at)) => {
                let each = Bounded { turns, bytes: self.bytes };
                bind(&each, &x.iter().collect::<Vec<_>>()).into_iter().zip(at).collect()
            }
            None if keep_step(self, lanes) => self.turns.prim().batch(lanes, x, dims),
            None => apart(self, lanes, x, dims),
        }
    }
    driven!();
    fn named_axes(&self) -> AxisSet {
        self.turns.prim().named_axes()
    }
    fn effect(&self) -> bool {
        self.turns.prim().effect()
    }
    fn checked(&self, set: CheckSet, x: &[&Array], loc: Loc) -> Option<(Errors, Outs)> {
        self.turns.prim().checked(set, x, loc)
    }
}
impl HigherOrder for Bounded {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        self.turns.higher().run(x, loc)
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        self.turns.higher().jvp_call(x, dx)
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        let mut l = Snapshots { room: room(self.bytes, &self.turns.turns().0), turns: self.turns.clone() }.linearized(x, mask);
        let n = self.turns.turns().0.body.outs.len();
        l.outs.truncate(n);
        l.out_mask.truncate(n);
        Some(l)
    }
    fn runs(&self) -> Runs {
        self.turns.higher().runs()
    }
}
impl Apart for Bounded {
    fn run_apart(&self, n: usize, x: &[&Array], mapped: &[bool], loc: Loc) -> Vec<Array> {
        match &self.turns {
            Loop::While(w) => w.run_apart(n, x, mapped, loc),
            Loop::Scan(s) => s.run_apart(n, x, mapped, loc),
        }
    }
}

/// The loop, and then the number of its turns, and the carry before some of them in stacks.
///
/// ```
/// use cotangent::{lax, make_jaxpr, prelude::*};
/// let product = |x: &Array| lax::Scan::new().memory(64).run(|c: &Array, x: &Array| (c * x, ()), &array(1.0), x).0;
/// let program = make_jaxpr(grad(product), (&array![1., 2., 3.],));
/// assert_eq!(program.primitives().next(), Some("loop_with_snapshots"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Snapshots {
    turns: Loop,
    /// For how many carries there is room: what goes back agrees, and so it stays what it was when the loop was linearized, whatever lanes come.
    room: usize,
}
/// For how many carries of this loop there is room: one at least.
fn room(bytes: usize, turns: &Scan) -> usize {
    let carry = turns.body.in_avals().skip(turns.n_consts).take(turns.n_carry);
    let one: usize = carry.map(|a| a.size() * a.dtype.size()).sum();
    (bytes / one.max(1)).max(1)
}
/// How many turns the carries lie apart that are left of `n` turns, where there is room for so many. Half of the room is for those that going back
/// computes again, unless there is room for all.
pub(super) fn spacing(n: usize, room: usize) -> usize {
    let mut apart = 1;
    while n.div_ceil(apart) > room {
        apart *= 2
    }
    if apart > 1 && n.div_ceil(apart) > room.div_ceil(2) { apart * 2 } else { apart }
}
/// Every other one goes.
fn halve(kept: &mut [Vec<Item>]) {
    for items in kept {
        let mut k = 0;
        items.retain(|_| {
            k += 1;
            k % 2 == 1
        })
    }
}
impl Snapshots {
    /// How many carries it keeps at the most.
    pub(crate) fn most(&self) -> usize {
        let (s, _) = self.turns.turns();
        s.length.map_or(self.room, |n| n.div_ceil(spacing(n, self.room)))
    }
    /// Nothing follows from the snapshots but what follows from the first carry: they have no tangent.
    fn linearized(&self, x: &[&Array], mask: &[bool]) -> Linearized {
        let (s, front) = self.turns.turns();
        let (mc, given, mx) = s.inner(&mask[front..]);
        let (l, mk) = s.linear_loop(mc, given, mx);
        let outs = bind(self, x);
        let n = s.body.outs.len();
        let (xc, xk, _) = s.inner(&x[front..]);
        let first = front + xc.len();
        let known = std::iter::once(&outs[n]).chain(x[front..].iter().copied()).chain(&outs[n + 1..]);
        let mut operands: Vec<LinArg> = known.map(|a| LinArg::Known(a.clone())).collect();
        operands.extend(moving(mc, front).chain(moving_carry(&mk, given, first, xk)));
        operands.extend(moving(mx, first + mk.len()));
        let moves = [mc, &mk, mx].concat();
        let tangents = tangents_in(&operands);
        let rewind = Rewind { turns: s, moves, outs: l.out_mask.clone(), room: self.room, tangents };
        let prim = l.out_mask.contains(&true).then(|| Box::new(rewind) as Box<dyn Primitive>);
        let mut out_mask = l.out_mask.clone();
        out_mask.resize(outs.len(), false);
        Linearized { outs, out_mask, prim, operands }
    }
}
impl Primitive for Snapshots {
    fn name(&self) -> &'static str {
        "loop_with_snapshots"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        self.turns.params("room", self.room)
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let mut out = self.turns.prim().abstract_eval(x)?;
        let n = self.turns.turns().0.n_carry;
        let varying = out.iter().fold(0, |s, a| s | a.varying);
        out.push(Aval { varying, ..Aval::new(DType::Int32, &[]) });
        for i in 0..n {
            out.push(out[i].stacked())
        }
        Ok(out)
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let Some((turns, x, mut at)) = self.turns.of_lanes(lanes, x, dims) else {
            return apart(self, lanes, x, dims);
        };
        let carry = at[..turns.turns().0.n_carry].to_vec();
        at.push(None);
        at.extend(carry);
        let each = Snapshots { turns, room: self.room };
        bind(&each, &x.iter().collect::<Vec<_>>()).into_iter().zip(at).collect()
    }
    driven!();
    fn named_axes(&self) -> AxisSet {
        self.turns.prim().named_axes()
    }
    fn effect(&self) -> bool {
        self.turns.prim().effect()
    }
}
impl HigherOrder for Snapshots {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let (s, _) = self.turns.turns();
        let carry: Vec<Aval> = s.body.in_avals().skip(s.n_consts).take(s.n_carry).cloned().collect();
        let room = self.room;
        let (mut kept, mut apart, mut n) = (vec![vec![]; carry.len()], 1, 0);
        let mut before = |carry: &[Array]| {
            if n % apart == 0 {
                if n / apart == room {
                    // no more room
                    halve(&mut kept);
                    apart *= 2
                }
                if n % apart == 0 {
                    for (items, c) in kept.iter_mut().zip(carry) {
                        items.push(Item::whole(c.clone()))
                    }
                }
            }
            n += 1
        };
        let mut out = match &self.turns {
            Loop::While(w) => w.run_noting(x, loc, &mut before),
            Loop::Scan(s) => s.run_noting(x, loc, &mut before),
        };
        if spacing(n, room) > apart {
            halve(&mut kept)
        }
        out.push(Array::scalar(DType::Int32, false, n as u64));
        out.extend(kept.into_iter().zip(&carry).map(|(items, a)| Array::stack(a.stacked(), items)));
        out
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let outs = bind(self, x);
        let (_, mut dy) = self.turns.higher().jvp_call(x, dx);
        dy.resize(outs.len(), None);
        (outs, dy)
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        Some(self.linearized(x, mask))
    }
    fn runs(&self) -> Runs {
        self.turns.higher().runs()
    }
}
impl Apart for Snapshots {}

pub(super) const READ: &[Read] = &[];
/// With room for two carries, and one of them as what its linearisation leaves.
pub(super) fn cases() -> Vec<Case> {
    let two = || vec![crate::array(vec![0.25f64, 0.5]), crate::array(vec![1.5f64, 1.25])];
    fn turned(x: &[Array], turns: Loop, more: &[Array]) -> Vec<Array> {
        bind(&Bounded { turns, bytes: 40 }, &x.iter().chain(more).collect::<Vec<_>>()).into_vec()
    }
    fn scan(x: &[Array]) -> (Loop, Array) {
        let item = Aval::new(DType::Float64, &[2]);
        let items = Array::from_slice(&[0.5f64, 1.5, 0.25, -0.5, 0.75, 1.25, -0.25, 0.5, 1.0, 0.125], &[5, 2]);
        let types: Vec<Aval> = x.iter().map(|x| x.aval().clone()).chain([item]).collect();
        let body = stage_rule(&types, |a| {
            vec![add(&mul(&sin(&a[1]), &a[0]), &a[2]), mul(&a[1], &mul(&a[2], &a[0]))]
        });
        let scan = Scan { body, n_consts: 1, n_carry: 1, length: Some(5), reverse: true, unroll: 1, tangents: vec![] };
        (Loop::Scan(scan), mul(&items, &broadcast_in_dim(&x[1], &[5, 2], &[1])))
    }
    vec![
        Case {
            name: "while",
            args: two(),
            run: |x| {
                let types: Vec<Aval> = x.iter().map(|x| x.aval().clone()).collect();
                let most = |a: &[Array]| vec![lt(&reduce_sum(&a[0], &[0]), &scalar_of(DType::Float64, false, 40.0))];
                let cond = stage_rule(&types[1..], most);
                let body = stage_rule(&types, |a| vec![add(&mul(&a[1], &exp(&a[0])), &sin(&a[1]))]);
                turned(x, Loop::While(While { cond, body, n_cond: 0, n_body: 1, record: false }), &[])
            },
        },
        Case {
            name: "scan",
            args: two(),
            run: |x| {
                let (turns, items) = scan(x);
                turned(x, turns, &[items])
            },
        },
        Case {
            name: "snapshots",
            args: two(),
            run: |x| {
                let (turns, items) = scan(x);
                let all = bind(&Snapshots { turns, room: 2 }, &[&x[0], &x[1], &items]);
                all.into_iter().take(2).collect()
            },
        },
    ]
}
