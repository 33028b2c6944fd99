//! Folds over dimensions: sums, products, extremes, logical folds, and where an extreme is.
//!
//! The order of a sum is part of its meaning (see the engine): runs of adjacent dimensions are folded innermost run first.

use super::testing::{components, in_types, undifferentiated};
use super::*;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::{Fold, Kind, Op, Ty, Use, ValId};

/// The result's type, or why not.
fn folded(axes: &[usize], takes: Takes, x: &Aval) -> Result<Avals, String> {
    takes.check(x.dtype)?;
    if let Some(a) = axes.iter().find(|a| **a >= x.shape.len()) {
        return Err(format!("axis {a} is out of bounds for {x}"));
    }
    if axes.iter().enumerate().any(|(i, a)| axes[..i].contains(a)) {
        return Err(format!("axes {} of {x} repeat", tuple(axes)));
    }
    Ok(one(x.with_shape((0..x.shape.len()).filter(|d| !axes.contains(d)).map(|d| x.shape[d]))))
}

/// Adds one engine fold for each run of adjacent dimensions, innermost first.
pub(crate) fn lower_fold(l: &mut Lower, x: ValId, axes: &[usize], op: Fold) -> ValId {
    let (mut axes, mut x) = (Shape::from_slice(axes), x);
    axes.sort_unstable();
    while let Some(last) = axes.pop() {
        let mut first = last;
        while axes.last().is_some_and(|a| *a + 1 == first) {
            first = axes.pop().expect("an axis")
        }
        let t = l.p.ty(x).clone();
        let dims: Vec<usize> = (0..t.dims.len()).filter(|d| !(first..=last).contains(d)).map(|d| t.dims[d]).collect();
        let kind = Kind::Reduce { op, first: first as u32, count: (last - first + 1) as u32 };
        x = l.p.push(kind, &[Use::plain(x)], &[Ty::new(t.dt, &dims)]);
    }
    x
}

/// The extreme of complex numbers is the one whose real part is extreme, and among equal ones the imaginary part.
fn lexicographic(l: &mut Lower, x: ValId, axes: &[usize], op: Fold, from: &Aval, to: &Aval) -> ValId {
    use lower::Num;
    let part = from.with_dtype(from.dtype.real_part());
    let dt = part.dtype.dt();
    let re = l.map(&part, &[x], |_, x| Num::Re(x[0].cx().0));
    let best = lower_fold(l, re, axes, op);
    // the extreme beside every element
    let mut v = cotangent_cpu::View::splat(&from.shape);
    let natural = cotangent_cpu::row_major(&to.shape);
    for (k, d) in (0..from.shape.len()).filter(|d| !axes.contains(d)).enumerate() {
        v.strides[d] = natural[k]
    }
    let beside = l.view(best, v);
    let worst = if op == Fold::Max { f64::NEG_INFINITY } else { f64::INFINITY };
    let im = l.map(&part, &[x, beside], |b, x| {
        let (re, im) = x[0].cx();
        let (same, none) = (b.cmp(Op::Eq, re, x[1].re()), b.num(dt, worst));
        Num::Re(b.select(dt, same, im, none))
    });
    let im = lower_fold(l, im, axes, op);
    l.map(to, &[best, im], |_, x| Num::Cx(x[0].re(), x[1].re()))
}

/// `y` repeated over the folded axes again.
fn back(y: &Array, axes: &[usize], shape: &[usize]) -> Array {
    let kept: Vec<usize> = (0..shape.len()).filter(|d| !axes.contains(d)).collect();
    broadcast_in_dim(y, shape, &kept)
}
/// Each extreme has an equal share of the derivative. Where there is no element that is 0 / 0, as in JAX.
fn extreme(x: &Array, d: &Array, y: &Array, axes: &[usize]) -> Array {
    let at = convert_element_type(&eq(x, &back(y, axes, x.shape())), x.dtype(), x.weak_type());
    div(&reduce_sum(&mul(d, &at), axes), &reduce_sum(&at, axes))
}
/// The product of all other elements, from the products on either side: right where some are zero.
fn others(x: &Array, d: &Array, axes: &[usize]) -> Array {
    let kept: Vec<usize> = (0..x.ndim()).filter(|a| !axes.contains(a)).collect();
    let n: usize = axes.iter().map(|a| x.shape()[*a]).product();
    let perm: Vec<usize> = kept.iter().chain(axes).copied().collect();
    let shape: Vec<usize> = kept.iter().map(|a| x.shape()[*a]).chain([n]).collect();
    let flat = |x: &Array| reshape(&transpose(x, &perm), &shape);
    let (x, d) = (flat(x), flat(d));
    if n == 0 {
        return reduce_sum(&d, &[kept.len()]);
    }
    let last = kept.len();
    // the products before and behind each element
    let shifted = |reverse: bool| {
        let all = cumprod(&x, last, reverse);
        let mut low = vec![0; shape.len()];
        let mut high = shape.clone();
        if reverse { low[last] = 1 } else { high[last] = n - 1 }
        let part = slice(&all, &low, &high, None);
        let mut config = vec![(0, 0, 0); shape.len()];
        config[last] = if reverse { (0, 1, 0) } else { (1, 0, 0) };
        pad(&part, &lit(&x, 1.0), &config)
    };
    reduce_sum(&mul(&d, &mul(&shifted(false), &shifted(true))), &[last])
}

macro_rules! reduce { ($($(#[$doc:meta])* $Name:ident $name:ident $takes:ident $fold:expr, |$x:ident, $d:ident, $y:ident, $axes:ident| $tangent:expr, linear $linear:literal, $of:literal => $gives:literal;)*) => { $(
    $(#[$doc])*
    ///
    /// The element type is that of `x`, the shape that of `x` without `axes`; without any axis it is `x` itself.
    ///
    #[doc = example!($name, $of, $gives)]
    ///
    /// # Panics
    /// If an axis repeats or does not exist, or if elements of this type are not taken.
    #[track_caller]
    pub fn $name(x: &Array, axes: &[usize]) -> Array {
        if axes.is_empty() { return x.clone() }
        let mut axes = Shape::from_slice(axes);
        axes.sort_unstable();
        bind1(&$Name { axes }, &[x])
    }
    #[doc = staged!($name, "array![1, 2]", "&[0]")]
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct $Name { axes: Shape }
    impl Primitive for $Name {
        fn name(&self) -> &'static str { stringify!($name) }
        fn params(&self) -> Vec<(&'static str, Param)> {
            let mut p = vec![("axes", tuple(&self.axes).into())];
            if $linear { p.push(("out_sharding", "None".into())) }
            p
        }
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
            let mut y = folded(&self.axes, Takes::$takes, x[0])?;
            // as in JAX, what is made of bits has a type of its own
            y[0].weak &= !matches!($fold, Fold::And | Fold::Or | Fold::Xor);
            Ok(y)
        }
        #[allow(unused_variables)]
        fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
            one(dx[0].and_then(|$d| { let ($x, $y, $axes) = (x[0], &y[0], &self.axes[..]); let t: Tangent = $tangent; t }))
        }
        fn linear_in(&self, _: &[bool]) -> bool { $linear }
        fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
            let c = back(ct[0].as_ref().expect("a cotangent"), &self.axes, &io.aval(0).shape);
            io.add(0, c)
        }
        fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
            let b = dims[0].expect("a mapped operand");
            let axes = shifted(&self.axes, b);
            // the lanes go in front, so that runs of folded dimensions stay runs and every lane has the bits that it has alone
            let inside = axes.iter().any(|a| *a < b) && axes.iter().any(|a| *a > b);
            if inside {
                let x = move_axis(x[0], b, 0);
                let axes: Vec<usize> = self.axes.iter().map(|a| a + 1).collect();
                return one(($name(&x, &axes), Some(0)));
            }
            let out = b - axes.iter().filter(|a| **a < b).count();
            one(($name(x[0], &axes), Some(out)))
        }
        fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
            if ins[0].dtype.is_complex() && matches!($fold, Fold::Max | Fold::Min) {
                return one(lexicographic(l, x[0], &self.axes, $fold, ins[0], &outs[0]));
            }
            one(lower_fold(l, x[0], &self.axes, $fold))
        }
    }
)*
    pub(super) const READ: &[Read] = &[
        $((stringify!($name), |p, x| Ok(one($name(&x[0], &p.usizes("axes")?))))),*,
        ("argmax", |p, x| Ok(one(arg(p, &x[0], true)?))),
        ("argmin", |p, x| Ok(one(arg(p, &x[0], false)?))),
    ];
    fn fold_cases() -> Vec<Case> {
        vec![$(Case {
            name: stringify!($name),
            args: vec![sample(Takes::$takes)],
            run: |x| vec![$name(&x[0], &[0]), $name(&x[0], &[1]), $name(&x[0], &[0, 2]), $name(&x[0], &[0, 1, 2])],
        }, Case {
            name: concat!(stringify!($name), " of nothing and of one"),
            args: vec![sample(Takes::$takes)],
            run: |x| {
                let part = |to: &[usize]| slice(&x[0], &[0, 0, 0], to, None);
                let (none, unit) = (part(&[2, 0, 2]), part(&[1, 1, 2]));
                // an extreme of nothing has no derivative
                let none = if matches!($fold, Fold::Max | Fold::Min) { stop_gradient(&none) } else { none };
                vec![$name(&none, &[1]), $name(&none, &[0]), $name(&none, &[0, 1, 2]), $name(&unit, &[0, 1]), $name(&x[0], &[])]
            },
        }, Case {
            name: concat!(stringify!($name), " of each type"),
            args: vec![undifferentiated(sample(Takes::$takes))],
            run: |x| in_types(&x[0], |t| Takes::$takes.accepts(t)).iter().flat_map(|x| [$name(x, &[1]), $name(x, &[0, 2])]).collect(),
        }),*]
    }
} }

/// Elements of a type that a fold takes, with ties and zeros for integers and none for floats.
fn sample(takes: Takes) -> Array {
    let x = [1.5f64, -0.5, 2.25, 0.75, -1.25, 3.0, 0.25, -2.0, 1.0, 4.5, -3.5, 0.125];
    if takes.accepts(DType::Float64) {
        Array::from_slice(&x, &[2, 3, 2])
    } else {
        Array::from_slice(&x.map(|x| (x * 4.0) as i32), &[2, 3, 2])
    }
}

reduce! {
    /// The sum over `axes`. Of nothing: 0.
    ReduceSum reduce_sum Number Fold::Sum, |x, d, y, axes| Some(reduce_sum(d, axes)), linear true, "&array![[1, 2, 3], [4, 5, 6]], &[1]" => "[ 6 15]";
    /// The product over `axes`. Of nothing: 1.
    ReduceProd reduce_prod Number Fold::Prod, |x, d, y, axes| Some(others(x, d, axes)), linear false,
        "&array![[1, 2, 3], [4, 5, 6]], &[0, 1]" => "720";
    /// The greatest element over `axes`; NaN if there is one. Of nothing: the least number.
    ReduceMax reduce_max All Fold::Max, |x, d, y, axes| Some(extreme(x, d, y, axes)), linear false,
        "&array![[1, 2, 3], [4, 5, 6]], &[0]" => "[4 5 6]";
    /// The least element over `axes`; NaN if there is one. Of nothing: the greatest number.
    ReduceMin reduce_min All Fold::Min, |x, d, y, axes| Some(extreme(x, d, y, axes)), linear false, "&array![[1, 2, 3], [4, 5, 6]], &[1]" => "[1 4]";
    /// Whether all are true, or the bits that all have.
    ReduceAnd reduce_and Bits Fold::And, |x, d, y, axes| None, linear false, "&array![[true, false], [true, true]], &[1]" => "[False  True]";
    /// Whether some is true, or the bits that some have.
    ReduceOr reduce_or Bits Fold::Or, |x, d, y, axes| None, linear false, "&array![[5, 6], [8, 1]], &[1]" => "[7 9]";
    /// The exclusive or of all.
    ReduceXor reduce_xor Bits Fold::Xor, |x, d, y, axes| None, linear false, "&array![5, 6, 1], &[0]" => "2";
}

/// Where along `axis` the greatest element is, as an integer of the type `index`: the first of equal ones, the first NaN if there is one. The
/// axis disappears.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = array![[1., 9., 3.], [7., 2., 7.]];
/// assert_eq!(prim::argmax(&x, 1, DType::Int32).to_string(), "[1 0]");
/// ```
///
/// # Panics
/// If there is no such axis, or no element along it; if elements are complex, or `index` is no integer type.
#[track_caller]
pub fn argmax(x: &Array, axis: usize, index: DType) -> Array {
    bind1(&ArgReduce { max: true, axis, index }, &[x])
}
/// Where along `axis` the least element is: see [`argmax`].
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = array![[1., 9., 3.], [7., 2., 7.]];
/// assert_eq!(prim::argmin(&x, 0, DType::Int32).to_string(), "[0 1 0]");
/// ```
///
/// # Panics
/// As [`argmax`].
#[track_caller]
pub fn argmin(x: &Array, axis: usize, index: DType) -> Array {
    bind1(&ArgReduce { max: false, axis, index }, &[x])
}
fn arg(p: &Params, x: &Array, max: bool) -> Result<Array, Error> {
    let index = crate::jaxpr::dtype_param(p, "index_dtype")?;
    match p.usizes("axes")?[..] {
        [axis] => Ok(if max { argmax(x, axis, index) } else { argmin(x, axis, index) }),
        _ => Err(p.error("axes", "one axis is expected").into()),
    }
}
/// See [`argmax`] and [`argmin`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::argmax(x, 0, DType::Int32), (&array![1., 2.],));
/// assert!(program.to_string().contains("argmax[axes=(0,) index_dtype=int32] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArgReduce {
    max: bool,
    axis: usize,
    index: DType,
}
impl Primitive for ArgReduce {
    fn name(&self) -> &'static str {
        if self.max { "argmax" } else { "argmin" }
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("axes", tuple(&[self.axis]).into()), ("index_dtype", self.index.name().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        if !self.index.is_integer() {
            return Err(format!("an index of type (dtype) {} is no integer", self.index));
        }
        let out = folded(&[self.axis], Takes::Ordered, x[0])?;
        if x[0].shape[self.axis] == 0 {
            return Err(format!("{} has no element along axis {}", x[0], self.axis));
        }
        Ok(one(out[0].with_dtype(self.index)))
    }
    fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(None)
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let b = dims[0].expect("a mapped operand");
        let axis = self.axis + (self.axis >= b) as usize;
        one((bind1(&ArgReduce { axis, ..self.clone() }, &[x[0]]), Some(b - (axis < b) as usize)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let mut x = x[0];
        if ins[0].dtype == DType::Bool {
            x = l.op(Op::Cast, &ins[0].with_dtype(DType::Uint8), &[x])
        }
        let kind = Kind::ArgReduce { max: self.max, dim: self.axis as u32 };
        one(l.p.push(kind, &[Use::plain(x)], &[lower::ty(&outs[0])]))
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut all = fold_cases();
    all.push(Case { name: "argmax and argmin", args: vec![sample(Takes::Number)], run: |x| {
        vec![argmax(&x[0], 1, DType::Int32), argmin(&x[0], 2, DType::Int64)]
    } });
    all.push(Case { name: "product with a zero", args: vec![crate::array(vec![2.0f64, 0.0, 3.0])], run: |x| vec![reduce_prod(&x[0], &[0])] });
    let two = || vec![sample(Takes::Number), rev(&sample(Takes::Number), &[0, 1, 2])];
    all.push(Case { name: "sums and products of complex numbers", args: two(), run: |x| {
        let z = complex(&x[0], &x[1]);
        [reduce_sum(&z, &[1]), reduce_prod(&z, &[0, 2]), reduce_prod(&z, &[1])].iter().flat_map(components).collect()
    } });
    all.push(Case { name: "argmax of ties, and of each type", args: vec![Array::from_slice(&[3i32, 1, 3, 1, 1, 2], &[2, 3])], run: |x| {
        let ordered = in_types(&x[0], |t| Takes::Ordered.accepts(t));
        ordered.iter().flat_map(|x| [argmax(x, 1, DType::Int32), argmin(x, 0, DType::Uint8)]).collect()
    } });
    all.push(Case { name: "long sum", args: vec![crate::array((0..5000).map(|i| (i as f64).sin()).collect::<Vec<_>>())], run: |x| vec![reduce_sum(&x[0], &[0])] });
    all
}
