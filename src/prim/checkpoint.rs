//! A function whose derivative computes its values again instead of keeping them: what [`checkpoint`](crate::checkpoint) binds.
//!
//! It is a call. Linearized, it gives its results now and leaves one more such call on the tape, a linear program of the arguments
//! (and of what the policy keeps) and of tangents that begins with computing the rest again. Transposed, that is the program of the
//! backward pass. When it is lowered a fence stands before it, so that nothing of it is computed earlier, beside the forward pass.

use super::call::Calls;
use super::held::*;
use super::policy::Policy;
use super::*;
use crate::error::Loc;
use crate::jaxpr::{Atom, Eqn};
use crate::trace::linearize::{LinJaxpr, Residual, linearize_jaxpr};
use crate::trace::stage::stage_rule;
use crate::trace::{bind, bind_in, current};

/// See [`checkpoint`](crate::checkpoint).
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*};
/// let program = make_jaxpr(cotangent::checkpoint(|x: &Array| x.sin()), (&array![1., 2.],));
/// assert!(program.to_string().contains("remat2["), "{program}");
/// ```
pub struct Remat {
    pub(crate) jaxpr: Arc<Jaxpr>,
    pub(crate) policy: Policy,
    pub(crate) prevent_cse: bool,
    /// Does it compute again what was computed before?
    pub(crate) differentiated: bool,
    /// Was the program written down outside of `jit`? Then it runs operation by operation, as the function did, and nothing is
    /// compiled.
    pub(crate) eager: bool,
    /// What the function gave when it was written down.
    pub(crate) known: Option<Known>,
}
/// Operands and results of a program that were there before it.
pub(crate) struct Known {
    pub x: Vec<Array>,
    pub y: Vec<Array>,
}
impl Known {
    fn of(&self, x: &[&Array]) -> bool {
        let same = |(a, b): (&Array, &&Array)| match (&a.0, &b.0) {
            (Repr::Scalar(a), Repr::Scalar(b)) => (a.bits, a.dtype, a.weak) == (b.bits, b.dtype, b.weak),
            (Repr::Buf(_), Repr::Buf(_)) => a.ptr() == b.ptr(),
            _ => false,
        };
        self.x.len() == x.len() && self.x.iter().zip(x).all(same)
    }
}
/// A copy does not know results: copies go into programs and onto tapes, and what is not to be kept would be kept there.
impl Clone for Remat {
    fn clone(&self) -> Remat {
        Remat { jaxpr: self.jaxpr.clone(), policy: self.policy.clone(), known: None, ..*self }
    }
}
impl PartialEq for Remat {
    fn eq(&self, o: &Remat) -> bool {
        (&self.jaxpr, &self.policy) == (&o.jaxpr, &o.policy)
            && (self.prevent_cse, self.differentiated, self.eager) == (o.prevent_cse, o.differentiated, o.eager)
    }
}
impl Eq for Remat {}
impl Hash for Remat {
    fn hash<H: Hasher>(&self, h: &mut H) {
        (&self.jaxpr, &self.policy, self.prevent_cse, self.differentiated, self.eager).hash(h)
    }
}
impl Debug for Remat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "remat2({}, {})", self.jaxpr, self.policy)
    }
}
impl Calls for Remat {
    fn program(&self) -> &Arc<Jaxpr> {
        &self.jaxpr
    }
    fn of(&self, jaxpr: &Arc<Jaxpr>) -> Remat {
        Remat { jaxpr: jaxpr.clone(), ..self.clone() }
    }
}

impl Remat {
    fn split(&self, mask: &[bool]) -> Arc<Split> {
        let mut key = crate::trace::eval::Fx::default();
        self.policy.hash(&mut key);
        let key: Vec<bool> = (0..u64::BITS).map(|b| key.finish() >> b & 1 == 1).collect();
        let made = self.jaxpr.memo("checkpoint", &[mask, &key], || Arc::new(Split::of(&self.jaxpr, &self.policy, mask)));
        if made.policy == self.policy { made } else { Arc::new(Split::of(&self.jaxpr, &self.policy, mask)) }
    }
}

/// A program linearized, with what the policy does not keep moved into the linear program.
struct Split {
    policy: Policy,
    /// The results, and what is kept; nothing if only operands are.
    primal: Option<Arc<Jaxpr>>,
    /// Where the first operands of `linear` are found.
    sources: Vec<Residual>,
    /// What is kept, then tangents, to the tangents of the results in `out_mask`.
    linear: Arc<Jaxpr>,
    out_mask: Vec<bool>,
}
impl Split {
    fn of(j: &Arc<Jaxpr>, policy: &Policy, mask: &[bool]) -> Split {
        let n = j.outs.len();
        let l = linearize_jaxpr(j, mask, &vec![false; n]);
        let flat = if policy.saves_nothing() { None } else { without_calls(&l.primal) };
        let p = flat.as_ref().unwrap_or(&l.primal);
        let wanted = l.residuals.iter().map(|r| match r {
            Residual::In(i) => Atom::Var(p.ins[*i]),
            Residual::Out(k) => p.outs[*k],
        });
        let wanted = wanted.collect();
        let (again, sources, kept) = recomputation(p, wanted, policy);
        let mut outs = p.outs[..n].to_vec();
        let sources = sources.into_iter().map(Residual::In).chain(kept.iter().map(|v| {
            let v = Atom::Var(*v);
            Residual::Out(outs.iter().position(|o| *o == v).unwrap_or_else(|| {
                outs.push(v);
                outs.len() - 1
            }))
        }));
        let sources = sources.collect();
        let primal = (!kept.is_empty()).then(|| p.rewire(p.ins.clone(), outs, &[]));
        let linear = replayed(&again, &l);
        Split { policy: policy.clone(), primal, sources, linear, out_mask: l.out_mask.clone() }
    }
}

/// The part of a program that computes these values from its inputs and from what the policy keeps; which inputs it takes, and,
/// after them, which variables.
fn recomputation(p: &Jaxpr, wanted: Vec<Atom>, policy: &Policy) -> (Jaxpr, Vec<usize>, Vec<u32>) {
    let mut needed = vec![false; p.avals.len()];
    let need = |needed: &mut Vec<bool>, atoms: &[Atom]| {
        for a in atoms {
            if let Atom::Var(v) = a {
                needed[*v as usize] = true
            }
        }
    };
    need(&mut needed, &wanted);
    let (mut again, mut kept) = (vec![], vec![]);
    for (k, e) in p.eqns.iter().enumerate().rev() {
        let made: Vec<u32> = (e.out..e.out + e.n_out).filter(|v| needed[*v as usize]).collect();
        if made.is_empty() {
            continue;
        }
        let literals: Vec<Aval> = p.args(k).iter().filter_map(literal_type).collect();
        let mut literal = literals.iter();
        let operand = |a: &Atom| match a {
            Atom::Var(v) => &p.avals[*v as usize],
            Atom::Lit(_) => literal.next().expect("a literal's type"),
        };
        let operands: Vec<&Aval> = p.args(k).iter().map(operand).collect();
        // an effect is not had twice
        if e.prim.effect() || policy.saves(&*e.prim, &operands) {
            kept.extend(made.into_iter().rev())
        } else {
            again.push(k);
            need(&mut needed, p.args(k))
        }
    }
    again.reverse();
    kept.reverse();
    let taken: Vec<usize> = (0..p.ins.len()).filter(|i| needed[p.ins[*i] as usize]).collect();
    let ins = taken.iter().map(|i| p.ins[*i]).chain(kept.iter().copied()).collect();
    let mut atoms = vec![];
    let eqns = again.into_iter().map(|k| {
        let first = atoms.len() as u32;
        atoms.extend_from_slice(p.args(k));
        Eqn { prim: p.eqns[k].prim.boxed(), first, ..p.eqns[k] }
    });
    let eqns = eqns.collect();
    (Jaxpr::new(ins, 0, p.consts.clone(), eqns, atoms, wanted, p.avals.clone()), taken, kept)
}
fn literal_type(a: &Atom) -> Option<Aval> {
    match a {
        Atom::Var(_) => None,
        Atom::Lit(l) => Some(Aval::new(l.dtype, &[]).with_weak(l.weak)),
    }
}

/// What is kept, then tangents: the residuals are computed again, and the linear program is run.
fn replayed(again: &Jaxpr, l: &LinJaxpr) -> Arc<Jaxpr> {
    let n = again.ins.len();
    let tangents = l.linear.in_avals().skip(l.residuals.len());
    let avals: Vec<Aval> = again.in_avals().chain(tangents).cloned().collect();
    stage_rule(&avals, |x| {
        let residuals = again.eval(&x[..n].iter().collect::<Vec<_>>());
        l.linear.eval(&residuals.iter().chain(&x[n..]).collect::<Vec<_>>())
    })
}

/// The program with what it calls written out; nothing if it calls nothing.
fn without_calls(j: &Arc<Jaxpr>) -> Option<Arc<Jaxpr>> {
    let called = |e: &Eqn| (&*e.prim as &dyn Any).is::<super::call::Call>();
    fn run(j: &Jaxpr, x: &[Array], called: &dyn Fn(&Eqn) -> bool) -> Vec<Array> {
        let mut env: Vec<Option<Array>> = vec![None; j.avals.len()];
        for (v, a) in j.ins.iter().zip(x).chain(j.consts.iter().map(|(v, a)| (v, a))) {
            env[*v as usize] = Some(a.clone())
        }
        let value = |env: &[Option<Array>], a: &Atom| match a {
            Atom::Var(v) => env[*v as usize].clone().expect("a value made before"),
            Atom::Lit(l) => l.array(),
        };
        for (k, e) in j.eqns.iter().enumerate() {
            let x: Vec<Array> = j.args(k).iter().map(|a| value(&env, a)).collect();
            let outs = match e.prim.inline().filter(|_| called(e)) {
                Some(inner) => run(inner, &x, called),
                None => bind_in(&current(), &*e.prim, &x.iter().collect::<Vec<_>>(), e.loc).into_vec(),
            };
            for (v, y) in (e.out as usize..).zip(outs) {
                env[v] = Some(y)
            }
        }
        j.outs.iter().map(|a| value(&env, a)).collect()
    }
    let avals: Vec<Aval> = j.in_avals().cloned().collect();
    j.eqns.iter().any(called).then(|| stage_rule(&avals, |x| run(j, x, &called)))
}

impl Primitive for Remat {
    fn name(&self) -> &'static str {
        "remat2"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let flag = |b: bool| Param::from(if b { "True" } else { "False" });
        vec![
            ("differentiated", flag(self.differentiated)),
            ("jaxpr", Param::Jaxpr(self.jaxpr.clone())),
            ("policy", self.policy.to_string().into()),
            ("prevent_cse", flag(self.prevent_cse)),
        ]
    }
    fn again(&self) -> bool {
        self.differentiated && self.prevent_cse
    }
    calls!();
}
impl HigherOrder for Remat {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        match &self.known {
            Some(known) if known.of(x) => known.y.iter().cloned().collect(),
            _ if self.eager => self.jaxpr.eval_in(&None, x, None).into(),
            _ => crate::backend::run_jaxpr(&self.jaxpr, x, loc),
        }
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        self.push_call(x, dx)
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        let s = self.split(mask);
        let mut outs = match &s.primal {
            None => bind(self, x),
            Some(primal) => bind(&self.of(primal), x),
        };
        let source = |r: &Residual| match r {
            Residual::In(i) => x[*i].clone(),
            Residual::Out(k) => outs[*k].clone(),
        };
        let known = s.sources.iter().map(source).map(LinArg::Known);
        let operands = known.chain((0..x.len()).filter(|i| mask[*i]).map(LinArg::Tangent)).collect();
        outs.truncate(self.jaxpr.outs.len());
        let moves = s.out_mask.contains(&true);
        let prim =
            moves.then(|| Box::new(Remat { differentiated: true, ..self.of(&s.linear) }) as Box<dyn Primitive>);
        Some(Linearized { outs, out_mask: s.out_mask.clone(), prim, operands })
    }
}

/// Calls are read by [`Loaded`](crate::jaxpr::Loaded), which knows the nested programs.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    use crate::{Checkpoint, checkpoint};
    let two = || vec![crate::array(vec![1.5f64, -2.0]), crate::array(vec![0.5f64, 3.0])];
    fn f(x: &Array, y: &Array) -> (Array, Array) {
        let z = checkpoint_name(&mul(&sin(x), y), "z");
        (exp(&sin(&z)), add(&z, x))
    }
    fn pair((x, y): (Array, Array)) -> Vec<Array> {
        vec![x, y]
    }
    vec![
        Case { name: "nothing is kept", args: two(), run: |x| pair(checkpoint(f)(&x[0], &x[1])) },
        Case {
            name: "a named value is kept",
            args: two(),
            run: |x| {
                let f = Checkpoint::new().policy(Policy::save_only_these_names(["z"])).of(f);
                pair(f(&x[0], &x[1]))
            },
        },
        Case {
            name: "everything is kept",
            args: two(),
            run: |x| {
                let f = Checkpoint::new().policy(Policy::everything_saveable()).prevent_cse(false).of(f);
                pair(f(&x[0], &x[1]))
            },
        },
        Case {
            name: "one in the other, with a captured value",
            args: two(),
            run: |x| {
                let inner = |y: &Array| mul(&cos(y), &x[0]);
                vec![checkpoint(|y: &Array| mul(&sin(&checkpoint(inner)(y)), y))(&x[1])]
            },
        },
        Case {
            name: "of an integer, of nothing",
            args: vec![crate::array(vec![2i32, 3]), Array::from_slice::<f64>(&[], &[0])],
            run: |x| {
                let f = |n: &Array, x: &Array| (mul(n, n), sin(x));
                pair(checkpoint(f)(&x[0], &x[1]))
            },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checkpoint, checkpoint, grad, jit};
    use std::sync::atomic::{AtomicUsize, Ordering};

    static SHOUTS: AtomicUsize = AtomicUsize::new(0);
    /// Its operand, and somebody hears of it.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Shout;
    impl Primitive for Shout {
        fn name(&self) -> &'static str {
            "shout"
        }
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
            Ok(one(x[0].clone()))
        }
        fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
            self.jvp_call(x, dx).1
        }
        fn batch(&self, _: &Lanes, _: &[&Array], _: &[Option<usize>]) -> Batched {
            unreachable!("nothing is mapped")
        }
        fn lower(&self, _: &mut Lower, _: &[cotangent_cpu::ValId], _: &[&Aval], _: &[Aval]) -> Vals {
            unreachable!("it is driven")
        }
        fn higher(&self) -> Option<&dyn HigherOrder> {
            Some(self)
        }
        fn driven(&self) -> bool {
            true
        }
        fn effect(&self) -> bool {
            true
        }
    }
    impl HigherOrder for Shout {
        fn run(&self, x: &[&Array], _: Loc) -> Outs {
            SHOUTS.fetch_add(1, Ordering::Relaxed);
            one(x[0].clone())
        }
        fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
            (bind(self, x), one(dx[0].cloned()))
        }
        fn linearize(&self, _: &[&Array], _: &[bool]) -> Option<Linearized> {
            None
        }
    }

    #[test]
    fn an_effect_happens_once() {
        let shout = |x: &Array| crate::trace::bind1(&Shout, &[x]);
        // one whose result is needed again, and one whose result nobody reads
        let f = move |x: &Array| {
            drop(shout(x));
            cos(&shout(&sin(x)))
        };
        let x = crate::array(0.5);
        let want = grad(|x: &Array| cos(&sin(x)))(&x).to_f64();
        for policy in [Policy::nothing_saveable(), Policy::everything_saveable()] {
            let g = grad(Checkpoint::new().policy(policy).of(f));
            for g in [&g, &jit(&g)] {
                SHOUTS.store(0, Ordering::Relaxed);
                assert_eq!(g(&x).to_f64(), want);
                assert_eq!(SHOUTS.load(Ordering::Relaxed), 2);
            }
        }
    }

    #[test]
    fn a_fence_stands_before_what_is_computed_again() {
        let block = |x: &Array| sin(&sin(x));
        let fences = |c: Checkpoint| {
            let c = c.of(block);
            let j = crate::make_jaxpr(grad(|x: &Array| reduce_sum(&c(&c(x)), &[0])), (&crate::array(vec![1.0, 2.0]),));
            crate::backend::program(&j).fences.len()
        };
        assert_eq!(fences(Checkpoint::new()), 2);
        assert_eq!(fences(Checkpoint::new().prevent_cse(false)), 0);
        // what is not a backward pass has none
        let j = crate::make_jaxpr(checkpoint(block), (&crate::array(vec![1.0, 2.0]),));
        assert!(crate::backend::program(&j).fences.is_empty());
    }
}
