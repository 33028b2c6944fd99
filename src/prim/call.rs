//! Calls of programs: what `jit` binds.

use super::held::*;
use super::*;
use crate::trace::batch::batch_jaxpr;
use crate::trace::jvp::jvp_jaxpr;
use crate::trace::linearize::{linear_operands, linearize_jaxpr};
use crate::trace::transpose::{transpose_jaxpr, varied};
use crate::stages::dump;
use crate::trace::bind;

/// The results of a program: what `jit` does once it has staged its function.
#[track_caller]
pub(crate) fn call(jaxpr: &Arc<Jaxpr>, name: &str, args: &[&Array]) -> Outs {
    bind(&Call { jaxpr: jaxpr.clone(), name: name.into() }, args)
}
/// See [`jit`](crate::jit).
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*};
/// let program = make_jaxpr(jit(|x: &Array| x.sin()), (&array![1., 2.],));
/// assert!(program.to_string().contains("jit["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Call {
    pub(crate) jaxpr: Arc<Jaxpr>,
    pub(crate) name: Arc<str>,
}

/// An operation that calls a program with its operands. What follows for it is the same for all of them.
pub(crate) trait Calls: Primitive + Sized {
    /// The program.
    fn program(&self) -> &Arc<Jaxpr>;
    /// The same operation with another program.
    fn of(&self, jaxpr: &Arc<Jaxpr>) -> Self;
    /// See [`Primitive::linear_in`].
    fn linear_call(&self, mask: &[bool]) -> bool {
        // a result that depends on no tangent would become one
        self.program().linear_outs(mask).is_some_and(|outs| outs.iter().all(|o| *o))
    }
    /// See [`Primitive::transpose`].
    fn transpose_call(&self, ct: &[Tangent], io: &mut Cotangents) {
        let linear: Vec<bool> = (0..io.len()).map(|i| io.is_linear(i)).collect();
        let back = transpose_jaxpr(self.program(), &linear, &varied(ct), io.reduce(), false);
        let known: Vec<Array> = (0..io.len()).filter(|i| !linear[*i]).map(|i| io.known(i).clone()).collect();
        // residuals that only a part which is not asked for would need are not passed, as in JAX
        let read = back.0.without_unread();
        let args = known.iter().chain(ct.iter().flatten()).zip(&read.1).filter(|(_, r)| **r);
        let args: Vec<&Array> = args.map(|(a, _)| a).collect();
        let mut outs = bind(&self.of(read.0.as_ref().unwrap_or(&back.0)), &args).into_iter();
        let wanted = (0..io.len()).filter(|i| linear[*i]).zip(&back.1).filter(|(_, m)| **m).map(|(i, _)| i);
        for i in wanted.collect::<Vec<_>>() {
            io.add(i, outs.next().expect("a cotangent"))
        }
    }
    /// See [`Primitive::batch`].
    fn batch_call(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mask = given(dims);
        let x = in_front(x, dims, &mask, lanes);
        let b = batch_jaxpr(self.program(), lanes, &mask, &vec![false; self.program().outs.len()]);
        let outs = bind(&self.of(&b.0), &x.iter().collect::<Vec<_>>());
        outs.into_iter().zip(&b.1).map(|(y, m)| (y, m.then_some(0))).collect()
    }
    /// See [`HigherOrder::jvp_call`].
    fn push_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let n = self.program().outs.len();
        let j = jvp_jaxpr(self.program(), &given(dx), &vec![false; n]);
        let args: Vec<&Array> = x.iter().copied().chain(dx.iter().copied().flatten()).collect();
        let mut outs = bind(&self.of(&j.0), &args);
        let tangents: Vec<Array> = outs.drain(n..).collect();
        (outs, spread(&j.1, tangents))
    }
}
/// What is the same for all that [`Calls`].
macro_rules! calls {
    () => {
        inlined!();
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
            call_types(self.program(), x)
        }
        fn linear_in(&self, mask: &[bool]) -> bool {
            self.linear_call(mask)
        }
        fn linear_outs(&self, mask: &[bool], zero: &[bool], _: usize) -> Option<Vec<bool>> {
            self.program().follow(mask, zero, true).map(|f| f.0)
        }
        fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
            self.transpose_call(ct, io)
        }
        fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
            self.batch_call(lanes, x, dims)
        }
        fn inline(&self) -> Option<&Arc<Jaxpr>> {
            Some(self.program())
        }
        fn named_axes(&self) -> AxisSet {
            self.program().axes
        }
        fn effect(&self) -> bool {
            self.program().effect
        }
        fn checked(&self, set: CheckSet, x: &[&Array], _: Loc) -> Option<(Errors, Outs)> {
            checked::call(self, set, x)
        }
    };
}
pub(crate) use calls;

impl Calls for Call {
    fn program(&self) -> &Arc<Jaxpr> {
        &self.jaxpr
    }
    fn of(&self, jaxpr: &Arc<Jaxpr>) -> Call {
        Call { jaxpr: jaxpr.clone(), name: self.name.clone() }
    }
}
impl Primitive for Call {
    fn name(&self) -> &'static str {
        "jit"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("name", (*self.name).into()), ("jaxpr", Param::Called(self.jaxpr.clone(), self.name.clone()))]
    }
    calls!();
}
impl HigherOrder for Call {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        if dump::on() {
            dump::function(&self.jaxpr, &self.name, loc)
        }
        crate::backend::run_jaxpr(&self.jaxpr, x, loc)
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        self.push_call(x, dx)
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        let l = linearize_jaxpr(&self.jaxpr, mask, &vec![false; self.jaxpr.outs.len()]);
        let outs = bind(&self.of(&l.primal), x);
        let operands = linear_operands(&l, x, &outs, mask);
        let moves = l.out_mask.contains(&true);
        let prim = moves.then(|| Box::new(self.of(&l.linear)) as Box<dyn Primitive>);
        let outs = outs.into_iter().take(self.jaxpr.outs.len()).collect();
        Some(Linearized { outs, out_mask: l.out_mask.clone(), prim, operands })
    }
}

/// Calls are read by [`Loaded`](crate::jaxpr::Loaded), which knows the nested programs.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    let two = || vec![crate::array(vec![1.5f64, -2.0]), crate::array(vec![0.5f64, 3.0])];
    fn called(x: &[Array], f: impl FnOnce(&[Array]) -> Vec<Array>) -> Vec<Array> {
        let avals: Vec<Aval> = x.iter().map(|x| x.aval().clone()).collect();
        call(&crate::trace::stage::stage_rule(&avals, f), "f", &x.iter().collect::<Vec<_>>()).into_vec()
    }
    vec![
        Case {
            name: "jit",
            args: two(),
            run: |x| called(x, |x| vec![mul(&sin(&x[0]), &x[1]), x[0].clone()]),
        },
        Case {
            name: "linear in one, in both, in none",
            args: two(),
            run: |x| called(x, |x| vec![add(&x[0], &neg(&x[1])), mul(&x[0], &lit(&x[0], 2.0)), full_of(x[0].aval(), 3.0)]),
        },
        Case {
            name: "a call in a call",
            args: two(),
            run: |x| {
                called(x, |x| {
                    let y = called(x, |x| vec![mul(&x[0], &x[1]), exp(&x[1]), gt(&x[0], &x[1])]);
                    vec![mul(&y[0], &y[0]), select_n(&y[2], &[&y[1], &x[0]]), y[2].clone()]
                })
            },
        },
        Case {
            name: "complex numbers",
            args: two(),
            run: |x| called(&[complex(&x[0], &x[1])], |z| vec![mul(&z[0], &z[0])]).iter().flat_map(testing::components).collect(),
        },
        Case {
            name: "of nothing, of a scalar",
            args: vec![Array::from_slice::<f64>(&[], &[0, 2]), Array::from_slice(&[1.5f64], &[])],
            run: |x| called(x, |x| vec![mul(&x[0], &x[1]), reduce_sum(&x[0], &[0, 1]), x[1].clone()]),
        },
    ]
}
