//! One of several programs, chosen by a number that only the run may know.

use super::held::*;
use super::*;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail_at};
use crate::prim::call::Call;
use crate::trace::batch::batch_jaxpr;
use crate::trace::{bind, bind_at};
use crate::trace::jvp::jvp_jaxpr;
use crate::trace::linearize::{LinJaxpr, Residual, linearize_jaxpr};
use crate::trace::stage::stage_rule;
use crate::trace::transpose::{transpose_jaxpr, varied};

/// Operand 0, an int32 within bounds, says which of the programs runs on the others. See [`lax::cond`](crate::lax::cond).
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, lax};
/// let program = make_jaxpr(|x: &Array| lax::cond(&x.gt(0), |x| x.sin(), |x| -x, x), (&array(1.0),));
/// assert!(program.to_string().contains("cond["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cond {
    pub(crate) branches: Vec<Arc<Jaxpr>>,
    /// For an operation that linearisation or transposition made: the operands that are tangents. In all of them together it is linear, even where a
    /// result is a zero that depends on none. Empty for others.
    pub(crate) tangents: Vec<bool>,
}
impl Cond {
    fn n_out(&self) -> usize {
        self.branches[0].outs.len()
    }
    fn none(&self) -> Vec<bool> {
        vec![false; self.n_out()]
    }
    /// The branch that runs, if that is known.
    fn taken(&self, index: &Array) -> Option<Call> {
        let index = index.try_concrete().ok()?.to_f64();
        let last = self.branches.len() - 1;
        Some(Call { jaxpr: self.branches[(index.max(0.0) as usize).min(last)].clone(), name: "branch".into() })
    }
    fn each(&self, f: impl Fn(&Arc<Jaxpr>) -> Arc<Jaxpr>) -> Cond {
        Cond { branches: self.branches.iter().map(f).collect(), tangents: vec![] }
    }
    /// The results that are true for some branch.
    fn any(&self, f: impl Fn(&Arc<Jaxpr>) -> Vec<bool>) -> Vec<bool> {
        self.branches.iter().fold(self.none(), |m, b| joined(&m, &f(b)))
    }
}
impl Primitive for Cond {
    fn name(&self) -> &'static str {
        "cond"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("branches", Param::Jaxprs(self.branches.clone()))]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        if !x[0].dtype.is_integer() || !x[0].shape.is_empty() {
            return Err(format!("a branch is chosen by an integer, not by a value of type {}", x[0]));
        }
        let mut out = call_types(&self.branches[0], &x[1..])?;
        for b in &self.branches[1..] {
            for (o, a) in out.iter_mut().zip(call_types(b, &x[1..])?) {
                o.varying |= a.varying
            }
        }
        out.iter_mut().for_each(|o| o.varying |= x[0].varying);
        Ok(out)
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        let made = mask == self.tangents;
        let linear = |b: &Arc<Jaxpr>| b.linear_outs(&mask[1..]).is_some_and(|outs| made || outs.iter().all(|o| *o));
        !mask[0] && self.branches.iter().all(linear)
    }
    /// A result that does not depend on them in some branch has to be zero there.
    fn linear_outs(&self, mask: &[bool], zero: &[bool], n: usize) -> Option<Vec<bool>> {
        if self.linear_in(mask) {
            return Some(vec![true; n]);
        }
        let of = |b: &Arc<Jaxpr>| b.follow(&mask[1..], &zero[1..], true);
        let each: Vec<(Vec<bool>, Vec<bool>)> = self.branches.iter().map(of).collect::<Option<_>>()?;
        let any = each.iter().fold(self.none(), |m, (dep, _)| joined(&m, dep));
        let linear = |k: usize| !any[k] || each.iter().all(|(dep, zero)| dep[k] || zero[k]);
        (!mask[0] && (0..any.len()).all(linear)).then_some(any)
    }
    fn dependent_outs(&self, mask: &[bool], zero: &[bool], n: usize) -> Vec<bool> {
        if mask[0] {
            return vec![true; n];
        }
        let of = |b: &Arc<Jaxpr>| b.follow(&mask[1..], &zero[1..], false).expect("an answer for each result").0;
        self.any(of)
    }
    fn tangents(&self) -> &[bool] {
        &self.tangents
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let linear: Vec<bool> = (1..io.len()).map(|i| io.is_linear(i)).collect();
        let mut back = self.each(|b| transpose_jaxpr(b, &linear, &varied(ct), io.reduce(), true).0.clone());
        let known = (0..io.len()).filter(|i| !io.is_linear(*i)).map(|i| io.known(i).clone());
        let mut args: Vec<Array> = known.collect();
        back.tangents = vec![false; args.len()];
        args.extend(ct.iter().flatten().cloned());
        back.tangents.resize(args.len(), true);
        let outs = bind(&back, &args.iter().collect::<Vec<_>>());
        for (i, o) in (0..linear.len()).filter(|i| linear[*i]).zip(outs) {
            io.add(i + 1, o)
        }
    }
    /// Lanes that choose for themselves run apart. Where they have to keep step every branch runs on all of them, and each lane takes the results of
    /// its own.
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mask = given(dims);
        let alone = mask[0];
        if alone && !super::partition::keep_step(self, lanes) {
            return super::partition::apart(self, lanes, x, dims);
        }
        let force = joined(
            &vec![alone; self.n_out()],
            &self.any(|b| batch_jaxpr(b, lanes, &mask[1..], &self.none()).1.clone()),
        );
        let mut branches = self.each(|b| batch_jaxpr(b, lanes, &mask[1..], &force).0.clone());
        branches.tangents = self.tangents.clone();
        let x = in_front(x, dims, &mask, lanes);
        let x: Vec<&Array> = x.iter().collect();
        if !alone {
            return bind(&branches, &x).into_iter().zip(&force).map(|(y, m)| (y, m.then_some(0))).collect();
        }
        let run = |jaxpr: &Arc<Jaxpr>| bind(&Call { jaxpr: jaxpr.clone(), name: "branch".into() }, &x[1..]);
        let results: Vec<Outs> = branches.branches.iter().map(run).collect();
        let choose = |k: usize| {
            let like = &results[0][k];
            let which = broadcast_in_dim(x[0], like.shape(), &[0]);
            let cases: Vec<&Array> = results.iter().map(|r| &r[k]).collect();
            select_n(&which, &cases)
        };
        (0..self.n_out()).map(|k| (choose(k), Some(0))).collect()
    }
    driven!();
    fn named_axes(&self) -> AxisSet {
        self.branches.iter().fold(0, |s, b| s | b.axes)
    }
    fn effect(&self) -> bool {
        self.branches.iter().any(|b| b.effect)
    }
    fn checked(&self, set: CheckSet, x: &[&Array], _: Loc) -> Option<(Errors, Outs)> {
        checked::cond(self, set, x)
    }
}
impl HigherOrder for Cond {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        self.taken(x[0]).expect("a number").run(&x[1..], loc)
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let mask = given(&dx[1..]);
        let force = self.any(|b| jvp_jaxpr(b, &mask, &self.none()).1.clone());
        let with = self.each(|b| jvp_jaxpr(b, &mask, &force).0.clone());
        let args: Vec<&Array> = x.iter().copied().chain(dx[1..].iter().copied().flatten()).collect();
        let mut y = bind(&with, &args);
        let dy: Vec<Array> = y.drain(self.n_out()..).collect();
        (y, spread(&force, dy))
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        if let Some(call) = self.taken(x[0]) {
            // the number is known now: only the branch that runs exists
            let mut l = call.linearize(&x[1..], &mask[1..])?;
            for o in &mut l.operands {
                if let LinArg::Tangent(i) = o {
                    *i += 1
                }
            }
            return Some(l);
        }
        let mask = &mask[1..];
        let force = self.any(|b| linearize_jaxpr(b, mask, &self.none()).out_mask.clone());
        let parts: Vec<Arc<LinJaxpr>> = self.branches.iter().map(|b| linearize_jaxpr(b, mask, &force)).collect();
        let l = LinCond::new(&parts, self.n_out(), &x[1..]);
        let mut outs = bind(&Cond { branches: l.primal, tangents: vec![] }, x);
        let slots: Vec<Array> = outs.drain(self.n_out()..).collect();
        let operands: Vec<LinArg> = std::iter::once(x[0].clone())
            .chain(picked(&x[1..], &l.used).map(|x| (*x).clone()))
            .chain(slots)
            .map(LinArg::Known)
            .chain(moving(mask, 1))
            .collect();
        let moves = force.contains(&true);
        let tangents = tangents_in(&operands);
        let prim = moves.then(|| Box::new(Cond { branches: l.linear, tangents }) as Box<dyn Primitive>);
        Some(Linearized { outs, out_mask: force, prim, operands })
    }
    fn runs(&self) -> Runs {
        Runs::OneOf
    }
}

/// The branches' linearisations with residuals in common slots: programs for values and slots, and linear programs of operands, slots and
/// tangents.
struct LinCond {
    primal: Vec<Arc<Jaxpr>>,
    linear: Vec<Arc<Jaxpr>>,
    /// The operands that some branch has among its residuals.
    used: Vec<bool>,
}
impl LinCond {
    fn new(parts: &[Arc<LinJaxpr>], n_out: usize, x: &[&Array]) -> LinCond {
        let ops: Vec<Aval> = x.iter().map(|a| a.aval().clone()).collect();
        // a branch uses a slot of the right type that it does not use yet, whoever made it, and leaves zeros in the others
        let mut slots: Vec<Aval> = vec![];
        let mut place = |l: &LinJaxpr| -> Vec<Option<usize>> {
            let mut taken = vec![false; slots.len()];
            let types: Vec<Aval> = l.linear.in_avals().cloned().collect();
            let slot = |(k, r): (usize, &Residual)| match r {
                Residual::In(_) => None,
                Residual::Out(_) => {
                    let free = (0..slots.len()).find(|s| !taken[*s] && slots[*s] == types[k]);
                    let s = free.unwrap_or_else(|| {
                        slots.push(types[k].clone());
                        taken.push(false);
                        slots.len() - 1
                    });
                    taken[s] = true;
                    Some(s)
                }
            };
            l.residuals.iter().enumerate().map(slot).collect()
        };
        let places: Vec<Vec<Option<usize>>> = parts.iter().map(|l| place(l)).collect();
        let primal = |(l, places): (&Arc<LinJaxpr>, &Vec<Option<usize>>)| {
            stage_rule(&ops, |x| {
                let outs = l.primal.eval(&x.iter().collect::<Vec<_>>());
                let mut full: Vec<Array> = slots.iter().map(zeros_of).collect();
                for (r, s) in l.residuals.iter().zip(places) {
                    if let (Residual::Out(k), Some(s)) = (r, s) {
                        full[*s] = outs[*k].clone()
                    }
                }
                outs[..n_out].iter().cloned().chain(full).collect()
            })
        };
        let is = |l: &LinJaxpr, i: usize| l.residuals.iter().position(|r| matches!(r, Residual::In(k) if *k == i));
        let used: Vec<bool> = (0..ops.len()).map(|i| parts.iter().any(|l| is(l, i).is_some())).collect();
        let linear = |(l, places): (&Arc<LinJaxpr>, &Vec<Option<usize>>)| {
            // an input that this branch does not read is a new variable
            let mut unread: Vec<Aval> = vec![];
            let mut input = |at: Option<usize>, a: &Aval| match at {
                Some(k) => l.linear.ins[k],
                None => {
                    unread.push(a.clone());
                    (l.linear.avals.len() + unread.len() - 1) as u32
                }
            };
            let mut ins: Vec<u32> =
                (0..ops.len()).filter(|i| used[*i]).map(|i| input(is(l, i), &ops[i])).collect();
            for (s, a) in slots.iter().enumerate() {
                ins.push(input(places.iter().position(|p| *p == Some(s)), a))
            }
            ins.extend(&l.linear.ins[l.residuals.len()..]);
            l.linear.rewire(ins, l.linear.outs.clone(), &unread)
        };
        let with = || parts.iter().zip(&places);
        LinCond { primal: with().map(primal).collect(), linear: with().map(linear).collect(), used: used.clone() }
    }
}

/// One of these programs on these operands; the number is clamped.
#[track_caller]
pub(crate) fn cond(index: &Array, branches: Vec<Arc<Jaxpr>>, x: &[&Array]) -> Outs {
    cond_at(std::panic::Location::caller(), index, branches, x)
}
/// The same for a line of the user's.
pub(crate) fn cond_at(at: Loc, index: &Array, branches: Vec<Arc<Jaxpr>>, x: &[&Array]) -> Outs {
    if branches.is_empty() {
        fail_at(at, ErrorKind::Value, "cond: there is no branch to choose")
    }
    let args: Vec<&Array> = std::iter::once(index).chain(x.iter().copied()).collect();
    bind_at(at, &Cond { branches, tangents: vec![] }, &args)
}

/// Branches are read by [`Loaded`](crate::jaxpr::Loaded), which knows the nested programs.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    let two = || vec![crate::array(vec![1.5f64, -2.0]), crate::array(vec![0.5f64, 3.0])];
    fn chosen(index: &Array, x: &[Array], branches: &[fn(&[Array]) -> Vec<Array>]) -> Vec<Array> {
        let types: Vec<Aval> = x.iter().map(|x| x.aval().clone()).collect();
        let staged = branches.iter().map(|f| stage_rule(&types, f)).collect();
        cond(index, staged, &x.iter().collect::<Vec<_>>()).into_vec()
    }
    fn number(p: &Array) -> Array {
        convert_element_type(p, DType::Int32, false)
    }
    vec![
        Case {
            name: "by a value",
            args: two(),
            run: |x| {
                let first = reshape(&slice_in_dim(&x[0], 0, 1, 1, 0), &[]);
                let yes: fn(&[Array]) -> Vec<Array> = |x| vec![mul(&sin(&x[0]), &x[1]), x[1].clone()];
                chosen(&number(&gt(&first, &lit(&first, 0.0))), x, &[|x| vec![exp(&x[0]), neg(&x[0])], yes])
            },
        },
        Case {
            name: "by a number, linear, beyond the last",
            args: two(),
            run: |x| {
                let index = convert_element_type(&crate::array(5), DType::Int32, false);
                let twice: fn(&[Array]) -> Vec<Array> = |x| vec![add(&x[0], &x[0]), zeros_of(x[1].aval())];
                chosen(&index, x, &[|x| vec![x[0].clone(), x[1].clone()], |x| vec![x[1].clone(), neg(&x[0])], twice])
            },
        },
        Case {
            name: "complex numbers",
            args: two(),
            run: |x| {
                let index = number(&gt(&reduce_sum(&x[1], &[0]), &scalar_of(x[1].dtype(), false, 0.0)));
                let square: fn(&[Array]) -> Vec<Array> = |z| vec![mul(&z[0], &z[0])];
                let z = complex(&x[0], &x[1]);
                chosen(&index, &[z], &[|z| vec![z[0].clone()], square]).iter().flat_map(testing::components).collect()
            },
        },
    ]
}
