//! What several families' rules share.

use super::*;
use crate::aval::Shape;
use crate::dtype::DType;
use crate::trace::batch::to_front;

/// Exactly this operand and no other?
pub(crate) fn only(mask: &[bool], i: usize) -> bool {
    mask.iter().enumerate().all(|(k, m)| *m == (k == i))
}
pub(crate) fn exactly_one(mask: &[bool]) -> bool {
    mask.iter().filter(|m| **m).count() == 1
}
#[inline]
pub(crate) fn one<T>(t: T) -> SmallVec<[T; 1]> {
    let mut v = SmallVec::new();
    v.push(t);
    v
}

/// Zeros of this type: one scalar, seen everywhere.
#[track_caller]
pub(crate) fn zeros_of(a: &Aval) -> Array {
    full_of(a, 0.0)
}
/// A number in every element of this type.
#[track_caller]
pub(crate) fn full_of(a: &Aval, v: f64) -> Array {
    if a.stack > 0 {
        debug_assert_eq!(v, 0.0, "an empty stack is zeros");
        return Array::stack(a.clone(), vec![]);
    }
    if a.dtype == DType::Float0 {
        return Array::from_bytes(a.clone(), &[]);
    }
    let scalar = scalar_of(a.dtype, a.weak, v);
    if a.shape.is_empty() { scalar } else { broadcast_in_dim(&scalar, &a.shape, &[]) }
}
/// The scalar `v` of this element type.
pub(crate) fn scalar_of(dtype: DType, weak: bool, v: f64) -> Array {
    crate::array::Number::Float(v).to_array(dtype, weak)
}
/// The scalar `v` of the type of `x`, to combine with it.
pub(crate) fn lit(x: &Array, v: f64) -> Array {
    scalar_of(x.dtype(), x.weak_type(), v)
}
pub(crate) fn materialize(d: Option<&Array>, like: &Array) -> Array {
    d.cloned().unwrap_or_else(|| zeros_of(like.aval()))
}
pub(crate) fn add_tangents(a: Tangent, b: Tangent) -> Tangent {
    match (a, b) {
        (Some(a), Some(b)) => Some(stacks::add_cotangents(&a, &b)),
        (a, b) => a.or(b),
    }
}

/// Which element types an operation takes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Takes {
    Float,
    Inexact,
    Int,
    Bits,
    Real,
    Ordered,
    Number,
    All,
}
impl Takes {
    pub(crate) fn accepts(self, t: DType) -> bool {
        match self {
            Takes::Float => t.is_float(),
            Takes::Inexact => t.is_inexact(),
            Takes::Int => t.is_integer(),
            Takes::Bits => t.is_integer() || t.is_bool(),
            Takes::Real => t.is_float() || t.is_integer(),
            Takes::Ordered => t.is_float() || t.is_integer() || t.is_bool(),
            Takes::Number => t.is_inexact() || t.is_integer(),
            Takes::All => t.is_number(),
        }
    }
    fn words(self) -> &'static str {
        match self {
            Takes::Float => "floating-point numbers",
            Takes::Inexact => "floating-point and complex numbers",
            Takes::Int => "integers",
            Takes::Bits => "integers and booleans",
            Takes::Real => "real numbers",
            Takes::Ordered => "real numbers and booleans",
            Takes::Number => "numbers",
            Takes::All => "numbers and booleans",
        }
    }
    /// Why elements of this type are not taken, if they are not.
    pub(crate) fn check(self, t: DType) -> Result<(), String> {
        if self.accepts(t) {
            return Ok(());
        }
        Err(format!("does not take elements of type (dtype) {t}, but {}", self.words()))
    }
}
/// The element type that operands of an elementwise operation share.
pub(crate) fn same_dtype(x: &[&Aval]) -> Result<DType, String> {
    if x.iter().any(|a| a.dtype != x[0].dtype) {
        return Err(format!("operands must have one element type (dtype), got {}", listed(x)));
    }
    Ok(x[0].dtype)
}
/// The types as an error lists them.
pub(crate) fn listed(x: &[&Aval]) -> String {
    x.iter().map(|a| a.to_string()).collect::<Vec<_>>().join(" and ")
}
/// The named axes over which some operand varies.
pub(crate) fn varying(x: &[&Aval]) -> AxisSet {
    x.iter().fold(0, |all, a| all | a.varying)
}
/// Result of an elementwise operation: operands are scalars, or have equal ranks and extents that are equal or 1.
pub(crate) fn elementwise(dtype: DType, x: &[&Aval]) -> Result<Aval, String> {
    let weak = x.iter().all(|a| a.weak);
    let mut out = Aval { dtype, weak, stack: 0, varying: varying(x), shape: Shape::new() };
    for a in x {
        if a.shape.is_empty() {
            continue;
        }
        if out.shape.is_empty() {
            out.shape = Shape::from_slice(&a.shape);
        } else if a.shape != out.shape {
            let fits = a.shape.len() == out.shape.len()
                && a.shape.iter().zip(&out.shape).all(|(m, n)| m == n || *m == 1 || *n == 1);
            if !fits {
                return Err(format!("shapes of {} differ", listed(x)));
            }
            for (o, n) in out.shape.iter_mut().zip(&a.shape) {
                if *o == 1 {
                    *o = *n
                }
            }
        }
    }
    Ok(out)
}

/// Operands of an elementwise operation with their mapped axes in one place, still broadcasting as before.
pub(crate) fn align(x: &[&Array], dims: &[Option<usize>]) -> (SmallVec<[Array; 3]>, usize) {
    let logical = |i: usize| x[i].ndim() - dims[i].is_some() as usize;
    let rank = (0..x.len()).map(logical).max().unwrap_or(0);
    let d = dims.iter().flatten().next().copied().expect("a mapped operand");
    // the common case: nothing has to move
    if (0..x.len()).all(|i| match dims[i] {
        Some(e) => e == d && logical(i) == rank,
        None => x[i].ndim() == 0,
    }) {
        return (x.iter().map(|x| (*x).clone()).collect(), d);
    }
    let fit = |i: usize| -> Array {
        let ones = std::iter::repeat_n(1, rank - logical(i));
        match dims[i] {
            Some(e) => {
                let x = move_axis(x[i], e, 0);
                let shape: Shape =
                    [x.shape()[0]].into_iter().chain(ones).chain(x.shape()[1..].iter().copied()).collect();
                reshape(&x, &shape)
            }
            None if x[i].ndim() == 0 => x[i].clone(),
            None => reshape(x[i], &[1].into_iter().chain(ones).chain(x[i].shape().iter().copied()).collect::<Shape>()),
        }
    };
    ((0..x.len()).map(fit).collect(), 0)
}

/// A cotangent of a broadcast operand: summed over what was repeated.
#[inline]
pub(crate) fn unbroadcast(ct: Array, to: &Aval) -> Array {
    if crate::aval::same_shape(ct.shape(), &to.shape) { ct } else { sum_repeated(&ct, to) }
}
fn sum_repeated(ct: &Array, to: &Aval) -> Array {
    if to.shape.is_empty() {
        return reduce_sum(ct, &(0..ct.ndim()).collect::<Vec<_>>());
    }
    let dims: Vec<usize> = (0..ct.ndim()).filter(|d| ct.shape()[*d] != to.shape[*d]).collect();
    reshape(&reduce_sum(ct, &dims), &to.shape)
}
/// A tangent of a broadcast operand, as large as the result.
#[inline]
pub(crate) fn broadcast_tangent(d: Array, y: &Array) -> Array {
    if crate::aval::same_shape(d.shape(), y.shape()) {
        return d;
    }
    let dims: Vec<usize> = if d.ndim() == 0 { vec![] } else { (0..y.ndim()).collect() };
    broadcast_in_dim(&d, y.shape(), &dims)
}

/// `x` with axis `from` moved to `to`.
#[track_caller]
pub(crate) fn move_axis(x: &Array, from: usize, to: usize) -> Array {
    if from == to {
        return x.clone();
    }
    let mut perm: Vec<usize> = (0..x.ndim()).collect();
    let d = perm.remove(from);
    perm.insert(to, d);
    transpose(x, &perm)
}

/// Where the mapped axis `b` and the others go when an operation on axes runs with lanes: each axis after `b` is one further.
pub(crate) fn shifted(axes: &[usize], b: usize) -> Vec<usize> {
    axes.iter().map(|a| a + (*a >= b) as usize).collect()
}

/// All operands with their lanes in front.
pub(crate) fn all_front(lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<Array> {
    x.iter().zip(dims).map(|(x, d)| to_front(x, *d, lanes.size)).collect()
}

/// A derivative that does not exist: an error that names the operation.
#[cold]
pub(crate) fn not_differentiable(name: &str) -> ! {
    crate::error::fail(
        crate::error::ErrorKind::NotDifferentiable,
        format!("{name} has no derivative; if it should count as constant, wrap its operand in stop_gradient"),
    )
}
