//! Identities that mean something to a transformation: a value that counts as constant, one with a name, a copy.

use super::testing::in_types;
use super::*;
use crate::trace::bind1;
use cotangent_cpu::ValId;

/// x, as a constant to differentiation.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |x: &Array| stop_gradient(x) * x;
/// assert_eq!(grad(f)(&array(3.0)).to_f64(), 3.0);
/// ```
#[track_caller]
pub fn stop_gradient(x: &Array) -> Array {
    if x.is_tracer() { bind1(&StopGradient, &[x]) } else { x.clone() }
}
/// See [`stop_gradient`].
///
/// ```
/// use cotangent::prim::{Primitive, StopGradient};
/// assert_eq!(StopGradient.name(), "stop_gradient");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StopGradient;

/// x itself, as an operation of its own.
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// assert_eq!(prim::copy(&array![1., 2.]).to_string(), "[1. 2.]");
/// let program = make_jaxpr(prim::copy, (&array(1.0),));
/// assert_eq!(program.primitives().collect::<Vec<_>>(), ["copy"]);
/// ```
#[track_caller]
pub fn copy(x: &Array) -> Array {
    bind1(&CopyOf, &[x])
}
/// See [`copy`].
///
/// ```
/// use cotangent::prim::{CopyOf, Primitive};
/// assert_eq!(CopyOf.name(), "copy");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CopyOf;

/// x, under a name that policies of checkpointing refer to.
///
/// ```
/// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
/// let f = Checkpoint::new().policy(Policy::save_only_these_names(["y"])).of(|x: &Array| checkpoint_name(&x.sin(), "y").exp());
/// let kept = saved_residuals(f, (&array(1.0),));
/// assert!(kept.iter().any(|r| r.to_string().contains("named 'y'")));
/// ```
#[track_caller]
pub fn checkpoint_name(x: &Array, name: &str) -> Array {
    bind1(&Name { name: name.to_string() }, &[x])
}
/// See [`checkpoint_name`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, checkpoint_name};
/// let program = make_jaxpr(|x: &Array| checkpoint_name(x, "y"), (&array![1., 2.],));
/// assert!(program.to_string().contains("name[name=y] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    pub(crate) name: String,
}

macro_rules! identity { ($($Name:ident $name:literal, |$this:ident| $params:expr, linear $linear:literal, tangent $tangent:expr;)*) => { $(
    impl Primitive for $Name {
        fn name(&self) -> &'static str { $name }
        fn params(&self) -> Vec<(&'static str, Param)> { let $this = self; $params }
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> { Ok(one(x[0].clone())) }
        fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
            one(dx[0].filter(|_| $linear).map(|d| ($tangent)(self, d)))
        }
        fn linear_in(&self, _: &[bool]) -> bool { $linear }
        fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) { io.add(0, ct[0].clone().expect("a cotangent")) }
        fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched { one((bind1(self, &[x[0]]), dims[0])) }
        fn lower(&self, _: &mut Lower, x: &[ValId], _: &[&Aval], _: &[Aval]) -> Vals { one(x[0]) }
    }
)* } }
identity! {
    StopGradient "stop_gradient", |_this| vec![], linear false, tangent |_: &Self, d: &Array| d.clone();
    CopyOf "copy", |_this| vec![], linear true, tangent |this: &Self, d: &Array| bind1(this, &[d]);
    Name "name", |this| vec![("name", this.name.as_str().into())], linear true,
        tangent |_: &Self, d: &Array| d.clone(); // the name is that of the value
}

/// Zeros without an operand: see [`zero_tangent`](crate::trace::linearize::zero_tangent).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ZeroTangent {
    pub dtype: crate::dtype::DType,
    pub weak: bool,
    pub shape: crate::aval::Shape,
}
impl Primitive for ZeroTangent {
    fn name(&self) -> &'static str {
        "zeros"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![
            ("dtype", self.dtype.name().into()),
            ("shape", crate::aval::tuple(&self.shape).into()),
            ("weak_type", if self.weak { "True" } else { "False" }.into()),
        ]
    }
    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals, String> {
        Ok(one(Aval::new(self.dtype, &self.shape).with_weak(self.weak)))
    }
    fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(None)
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, _: &[Tangent], _: &mut Cotangents) {}
    fn makes_tangent(&self) -> bool {
        true
    }
    fn batch(&self, _: &Lanes, _: &[&Array], _: &[Option<usize>]) -> Batched {
        unreachable!("it has no operand to be mapped")
    }
    fn lower(&self, l: &mut Lower, _: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = outs[0].dtype.dt();
        one(l.map(&outs[0], &[], |b, _| {
            let zero = b.num(dt.part(), 0.0);
            if dt.is_complex() { lower::Num::Cx(zero, zero) } else { lower::Num::Re(zero) }
        }))
    }
}

pub(super) const READ: &[Read] = &[
    ("stop_gradient", |_, x| Ok(one(stop_gradient(&x[0])))),
    ("copy", |_, x| Ok(one(copy(&x[0])))),
    ("copy_p", |_, x| Ok(one(copy(&x[0])))),
    ("name", |p, x| Ok(one(checkpoint_name(&x[0], p.str("name")?)))),
    // placement and scheduling mean nothing here
    ("device_put", |_, x| Ok(x.iter().cloned().collect())),
    ("optimization_barrier", |_, x| Ok(x.iter().cloned().collect())),
];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![crate::array(vec![1.5f64, -2.0])];
    vec![
        Case { name: "stop_gradient", args: vec![crate::array(vec![1.5f32, -2.0])], run: |x| vec![stop_gradient(&x[0])] },
        Case { name: "copy", args: x(), run: |x| vec![copy(&x[0])] },
        Case { name: "each type",
            args: vec![crate::array(vec![1.5f32, -2.0])],
            run: |x| in_types(&x[0], |_| true).iter().flat_map(|x| [copy(x), stop_gradient(x)]).collect() },
        Case { name: "of nothing, of a scalar",
            args: vec![Array::from_slice::<f64>(&[], &[2, 0]), Array::from_slice(&[2.0f64], &[])],
            run: |x| x.iter().map(copy).collect() },
        Case { name: "name", args: x(), run: |x| vec![checkpoint_name(&x[0], "here")] },
    ]
}
