//! A program that runs as long as another one says so.

use super::held::*;
use super::*;
use crate::array::stack::Item;
use crate::backend::turns::{Shape, Turns};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::prim::scan::Scan;
use crate::trace::batch::batch_jaxpr;
use crate::trace::bind;
use crate::trace::jvp::jvp_jaxpr;
use crate::trace::stage::stage_rule;

/// Runs `body` on the carry while `cond` of the carry holds. The operands are the constants of `cond`, those of `body`, and the first carry; the
/// results are the last carry. See [`lax::while_loop`](crate::lax::while_loop).
///
/// One that records gives the number of turns, too, and stacks of the body's further results: what reverse mode goes back over.
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, lax};
/// let program = make_jaxpr(|x: &Array| lax::while_loop(|x: &Array| x.lt(9), |x| x * x, x), (&array(2.0),));
/// assert!(program.to_string().contains("while["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct While {
    pub(crate) cond: Arc<Jaxpr>,
    pub(crate) body: Arc<Jaxpr>,
    pub(crate) n_cond: usize,
    pub(crate) n_body: usize,
    /// Are the turns counted, and the body's further results kept?
    pub(crate) record: bool,
}
impl While {
    pub(crate) fn n_carry(&self) -> usize {
        self.body.ins.len() - self.n_body
    }
    fn n_ys(&self) -> usize {
        self.body.outs.len() - self.n_carry()
    }
    /// The mask of the body's results: this of the carry, and none of what is kept.
    fn forced(&self, carry: &[bool]) -> Vec<bool> {
        [carry, &vec![false; self.n_ys()]].concat()
    }
    /// The mask of the results, from that of the body's.
    fn results(&self, body: &[bool]) -> Vec<bool> {
        let (carry, ys) = body.split_at(self.n_carry());
        if self.record { [carry, &[false], ys].concat() } else { carry.to_vec() }
    }
    /// Constants of the condition, constants of the body, carry.
    pub(super) fn parts<'a, T>(&self, x: &'a [T]) -> (&'a [T], &'a [T], &'a [T]) {
        let (cond, x) = x.split_at(self.n_cond);
        let (body, carry) = x.split_at(self.n_body);
        (cond, body, carry)
    }
    /// A loop over several values of which each has a truth value of its own, along the first axes of the carry: the turns go on until all have
    /// stopped, and one that has stopped keeps its carry. (JAX's `while` may be so; ours has one truth value.)
    pub(crate) fn until_all_stop(&self, x: &[&Array]) -> Outs {
        let avals = |j: &Jaxpr| j.in_avals().cloned().collect::<Vec<_>>();
        let (ic, ib) = (avals(&self.cond), avals(&self.body));
        let holds = |args: Vec<&Array>| self.cond.eval(&args).remove(0);
        let any = stage_rule(&ic, |a| {
            let more = holds(a.iter().collect());
            vec![reduce_or(&more, &(0..more.ndim()).collect::<Vec<_>>())]
        });
        // which of them go on is the condition's to say: its constants are the body's, too
        let step = stage_rule(&[&ic[..self.n_cond], &ib].concat(), |a| {
            let (cc, rest) = a.split_at(self.n_cond);
            let carry = &rest[self.n_body..];
            let more = holds(cc.iter().chain(carry).collect());
            let dims: Vec<usize> = (0..more.ndim()).collect();
            let next = self.body.eval(&rest.iter().collect::<Vec<_>>());
            let keep = |(next, now): (&Array, &Array)| {
                select_n(&broadcast_in_dim(&more, next.shape(), &dims), &[now, next])
            };
            next.iter().zip(carry).map(keep).collect()
        });
        let (cc, cb, carry) = self.parts(x);
        let n_body = self.n_cond + self.n_body;
        bind(&While { cond: any, body: step, n_cond: self.n_cond, n_body, record: false }, &[cc, cc, cb, carry].concat())
    }
    /// The loop of all lanes, its operands, and where its results are mapped; none, if lanes stop at different times.
    pub(super) fn of_lanes(
        &self,
        lanes: &Lanes,
        x: &[&Array],
        dims: &[Option<usize>],
    ) -> Option<(While, Vec<Array>, Vec<Option<usize>>)> {
        let mask = given(dims);
        let (mc, mb, mk) = self.parts(&mask);
        let batched = |mk: &[bool]| batch_jaxpr(&self.body, lanes, &[mb, mk].concat(), &self.forced(mk));
        let (body, mk) = grown(mk, batched, |body| &body.1);
        let cond = batch_jaxpr(&self.cond, lanes, &[mc, &mk].concat(), &[false]);
        if cond.1[0] {
            return None;
        }
        let args = in_front(x, dims, &[mc, mb, &mk].concat(), lanes);
        let at = self.results(&[&mk, &body.1[mk.len()..]].concat()).iter().map(|m| m.then_some(0)).collect();
        Some((While { cond: cond.0.clone(), body: body.0.clone(), ..*self }, args, at))
    }
    /// The loop over its turns, whose number is known when it has run.
    pub(super) fn counted(&self) -> Scan {
        let (n_consts, n_carry) = (self.n_body, self.n_carry());
        Scan { body: self.body.clone(), n_consts, n_carry, length: None, reverse: false, unroll: 1, tangents: vec![] }
    }
}
impl Primitive for While {
    fn name(&self) -> &'static str {
        "while"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![
            ("body_jaxpr", Param::Jaxpr(self.body.clone())),
            ("body_nconsts", self.n_body.to_string().into()),
            ("cond_jaxpr", Param::Jaxpr(self.cond.clone())),
            ("cond_nconsts", self.n_cond.to_string().into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let (cc, cb, carry) = self.parts(x);
        let more = call_types(&self.cond, &[cc, carry].concat())?;
        if more.len() != 1 || more[0].dtype != DType::Bool || !more[0].shape.is_empty() {
            let types: Vec<String> = more.iter().map(|a| a.to_string()).collect();
            return Err(format!("the condition must return one truth value (dtype bool), it returns {}", types.join(", ")));
        }
        let mut out = call_types(&self.body, &[cb, carry].concat())?;
        for (a, c) in out.iter().zip(carry) {
            if a.dtype != c.dtype || a.shape != c.shape {
                return Err(format!("a carry enters as {c} and leaves as {a}"));
            }
        }
        let n = carry.len();
        out[n..].iter_mut().for_each(|a| *a = a.stacked());
        if self.record {
            out.insert(n, Aval::new(DType::Int32, &[]))
        }
        // how often it changes depends on the condition
        out.iter_mut().for_each(|a| a.varying |= more[0].varying);
        Ok(out)
    }
    /// Of the body, if the condition looks at no other than known values.
    fn linear_outs(&self, mask: &[bool], zero: &[bool], _: usize) -> Option<Vec<bool>> {
        let (mc, mb, mk) = self.parts(mask);
        let (outs, mk) = depending(&self.body, mk, self.parts(zero).2, |mk| [mb, mk].concat())?;
        let known = ![mc, &mk].concat().iter().zip(self.cond.read()).any(|(m, read)| *m && read);
        known.then(|| self.results(&[&mk, &outs[self.n_carry()..]].concat()))
    }
    /// Lanes that stop at different times run apart, but where they have to keep step.
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        if let Some((each, args, at)) = self.of_lanes(lanes, x, dims) {
            return bind(&each, &args.iter().collect::<Vec<_>>()).into_iter().zip(at).collect();
        }
        // what is recorded for reverse mode has no select form; lanes that do not communicate need none
        let communicate = super::partition::keep_step(self, &Lanes { select: false, ..lanes.clone() });
        if !communicate && (self.record || !lanes.select) {
            return super::partition::apart(self, lanes, x, dims);
        }
        if self.record {
            fail(
                ErrorKind::NotDifferentiable,
                "while_loop: reverse mode where lanes of a map stop at different times and communicate with one another is not supported; \
                 use scan or fori_loop, or forward mode",
            )
        }
        // all run until the last one stops, and one that has stopped keeps its carry
        let mask = given(dims);
        let (mc, mb, mk) = self.parts(&mask);
        let all = vec![true; mk.len()];
        let body = batch_jaxpr(&self.body, lanes, &[mb, &all].concat(), &self.forced(&all));
        let cond = batch_jaxpr(&self.cond, lanes, &[mc, &all].concat(), &[true]);
        let args = in_front(x, dims, &[mc, mb, &all].concat(), lanes);
        let each = While { cond: cond.0.clone(), body: body.0.clone(), ..*self };
        let y = each.until_all_stop(&args.iter().collect::<Vec<_>>());
        y.into_iter().map(|y| (y, Some(0))).collect()
    }
    driven!();
    fn named_axes(&self) -> AxisSet {
        self.cond.axes | self.body.axes
    }
    fn effect(&self) -> bool {
        self.cond.effect || self.body.effect
    }
    fn checked(&self, set: CheckSet, x: &[&Array], _: Loc) -> Option<(Errors, Outs)> {
        checked::while_loop(self, set, x)
    }
}
impl While {
    /// The turns, if the engine runs the loop as a whole.
    fn run_as_one(&self, x: &[&Array], loc: Loc) -> Option<Outs> {
        let (cc, consts, carry) = self.parts(x);
        let cond = Some((&self.cond, cc));
        let turns = Turns { cond, body: &self.body, consts, carry, xs: &[], length: None, reverse: false, stacks: true };
        let (last, n, ys) = turns.run(loc)?;
        let types = self.body.out_avals().split_off(carry.len());
        let count = self.record.then(|| Array::scalar(DType::Int32, false, n as u64));
        let stacks = ys.into_iter().zip(&types).map(|(y, a)| Array::stack_of_bytes(a.stacked(), y));
        Some(last.into_iter().chain(count).chain(stacks).collect())
    }
    /// The turns one by one. `before` is told the carry before each.
    pub(super) fn run_noting(&self, x: &[&Array], loc: Loc, before: &mut dyn FnMut(&[Array])) -> Outs {
        let (cc, cb, init) = self.parts(x);
        let mut carry: Vec<Array> = init.iter().map(|a| (*a).clone()).collect();
        let mut ys: Vec<Vec<Item>> = vec![vec![]; self.n_ys()];
        let mut n = 0;
        loop {
            let args: Vec<&Array> = cc.iter().copied().chain(&carry).collect();
            let more = crate::backend::run_jaxpr(&self.cond, &args, loc).pop().expect("a predicate");
            if more.with_bytes(|b| b[0] == 0) {
                break;
            }
            before(&carry);
            let args: Vec<&Array> = cb.iter().copied().chain(&carry).collect();
            let mut out = crate::backend::run_jaxpr(&self.body, &args, loc);
            for (items, y) in ys.iter_mut().zip(out.drain(carry.len()..)) {
                items.push(Item::whole(y))
            }
            carry = out.into_vec();
            n += 1
        }
        let kept = self.body.out_avals().split_off(carry.len());
        let kept = ys.into_iter().zip(kept).map(|(items, a)| Array::stack(a.stacked(), items));
        let count = self.record.then(|| Array::scalar(DType::Int32, false, n));
        carry.into_iter().chain(count).chain(kept).collect()
    }
}
impl HigherOrder for While {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        self.run_as_one(x, loc).unwrap_or_else(|| self.run_noting(x, loc, &mut |_| ()))
    }
    fn machine_code(&self, loc: Loc) -> Option<Result<String, String>> {
        let cond = Some((&self.cond, self.n_cond));
        let (consts, carry) = (self.n_body, self.n_carry());
        Shape { cond, body: &self.body, consts, carry, length: None, reverse: false }.assembly(loc)
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let mask = given(dx);
        let (_, mb, mk) = self.parts(&mask);
        let moving = |mk: &[bool]| jvp_jaxpr(&self.body, &[mb, mk].concat(), &self.forced(mk));
        let (with, mk) = grown(mk, moving, |j| &j.1);
        let (nb, nk, ny, db, dk) = (self.n_body, mk.len(), self.n_ys(), count(mb), count(&mk));
        // constants, their tangents; carry, its tangents
        let t = nb + nk;
        let j = permuted(&with.0, (0..nb).chain(t..t + db).chain(nb..t).chain(t + db..with.0.ins.len()));
        let o = &j.outs;
        let outs = [&o[..nk], &o[nk + ny..nk + ny + dk], &o[nk..nk + ny], &o[nk + ny + dk..]].concat();
        let body = j.rewire(j.ins.clone(), outs, &[]);
        // the condition looks at values alone
        let extra: Vec<Aval> = body.in_avals().skip(nb + db + nk).cloned().collect();
        let first = self.cond.avals.len() as u32;
        let ins = self.cond.ins.iter().copied().chain((0..extra.len() as u32).map(|i| first + i)).collect();
        let cond = self.cond.rewire(ins, self.cond.outs.clone(), &extra);
        let ((xc, xb, xk), (_, tb, tk)) = (self.parts(x), self.parts(dx));
        let moving: Vec<Array> = (0..nk).filter(|i| mk[*i]).map(|i| materialize(tk[i], xk[i])).collect();
        let args: Vec<&Array> = (xc.iter().copied())
            .chain(xb.iter().copied())
            .chain(tb.iter().copied().flatten())
            .chain(xk.iter().copied())
            .chain(&moving)
            .collect();
        let prim = While { cond, body, n_body: nb + db, ..*self };
        let mut out = bind(&prim, &args).into_iter();
        let mut take = |n: usize| out.by_ref().take(n).collect::<Vec<_>>();
        let (yk, dyk) = (take(nk), take(dk));
        let (ys, dys) = (take(self.record as usize + ny), take(usize::MAX));
        let moves = self.results(&[&mk, &with.1[nk..]].concat());
        (yk.into_iter().chain(ys).collect(), spread(&moves, dyk.into_iter().chain(dys)))
    }
    /// The loop again, recording, and for the tape a loop over the turns that it took.
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        let (_, mb, mk) = self.parts(mask);
        let (turns, n) = (self.counted(), self.n_carry());
        let (l, mk) = turns.linear_loop(mb, mk, &[]);
        let mut outs = bind(&While { body: l.primal.clone(), record: true, cond: self.cond.clone(), ..*self }, x);
        // the number of turns stands before what the body takes, in the place of the condition's constants
        let (x, mask) = (&x[self.n_cond..], &mask[self.n_cond..]);
        let args: Vec<&Array> = std::iter::once(&outs[n]).chain(x.iter().copied()).collect();
        let moving = [&[false], mask].concat();
        let (prim, mut operands) = turns.on_tape(&l, &mk, &args, &moving, &outs[n + 1..]);
        for o in &mut operands {
            if let LinArg::Tangent(i) = o {
                *i = *i - 1 + self.n_cond
            }
        }
        outs.truncate(if self.record { self.body.outs.len() + 1 } else { n });
        Some(Linearized { outs, out_mask: self.results(&l.out_mask), prim, operands })
    }
}

/// Loops are read by [`Loaded`](crate::jaxpr::Loaded), which knows the nested programs.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    let two = || vec![crate::array(vec![0.25f64, 0.5]), crate::array(vec![1.5f64, 1.25])];
    /// `body` of one constant and one carry, while the sum of the carry is below 20, but at most five times.
    fn run(x: &[Array], body: fn(&[Array]) -> Vec<Array>) -> Vec<Array> {
        let x = [x, &[convert_element_type(&crate::array(0), DType::Int32, false)]].concat();
        let types: Vec<Aval> = x.iter().map(|x| x.aval().clone()).collect();
        let cond = stage_rule(&types[1..], |a| {
            let sum = reduce_sum(&real_part(&a[0]), &[0]);
            vec![and(&lt(&sum, &lit(&sum, 20.0)), &lt(&a[1], &lit(&a[1], 5.0)))]
        });
        let body = stage_rule(&types, |a| {
            let mut next = body(&a[..2]);
            next.push(add(&a[2], &lit(&a[2], 1.0)));
            next
        });
        bind(&While { cond, body, n_cond: 0, n_body: 1, record: false }, &x.iter().collect::<Vec<_>>()).into_vec()
    }
    fn real_part(x: &Array) -> Array {
        if x.dtype().is_complex() { real(x) } else { x.clone() }
    }
    vec![
        Case {
            name: "until it is large",
            args: two(),
            run: |x| run(x, |a| vec![add(&mul(&a[1], &exp(&a[0])), &sin(&a[1]))]),
        },
        Case {
            name: "no turn",
            args: vec![crate::array(vec![0.25f64]), crate::array(vec![30.0f64])],
            run: |x| run(x, |a| vec![mul(&a[1], &a[0])]),
        },
        Case {
            name: "complex numbers",
            args: two(),
            run: |x| {
                let z = [complex(&x[1], &x[0]), complex(&x[1], &x[1])];
                let all = run(&z, |a| vec![add(&mul(&a[0], &lit(&a[0], 2.0)), &a[1])]);
                all.iter().flat_map(testing::components).collect()
            },
        },
    ]
}
