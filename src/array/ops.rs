//! Operators: promotion, broadcasting, then one primitive.

use super::convert::Number;
use super::*;
use crate::aval::Shape;
use crate::dtype::promote;
use crate::prim::{self, Primitive};
use crate::trace::bind1;

/// What may stand beside an array in arithmetic: an array, a reference to one, or a number, which takes the array's type.
///
/// ```
/// use cotangent::prelude::*;
/// fn twice(x: &Array, plus: impl Operand) -> Array { 2 * x + plus }
/// let x = array(vec![1i8, 2]);
/// assert_eq!((twice(&x, 5).dtype(), twice(&x, array![0.5, 1.5]).to_string()), (DType::Int8, "[2.5 5.5]".into()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an operand of array arithmetic",
    note = "operands are `Array`, `&Array`, bool, i8 to i64, u8 to u64, isize, usize, f32, f64, `f16` and `bf16` of the crate half, and \
            `Complex` of f32 and f64"
)]
pub trait Operand {
    #[doc(hidden)]
    fn beside(self, other: &Array) -> Array;
    /// The array, if it is no number.
    #[doc(hidden)]
    fn as_array(&self) -> Option<&Array> {
        None
    }
    /// The number, if it is an integer. As an exponent it means repeated multiplication, beside an array of floats too.
    #[doc(hidden)]
    fn integer(&self) -> Option<i32> {
        None
    }
}
impl Operand for Array {
    #[inline]
    fn beside(self, _: &Array) -> Array {
        self
    }
    fn as_array(&self) -> Option<&Array> {
        Some(self)
    }
}
impl Operand for &Array {
    #[inline]
    fn beside(self, _: &Array) -> Array {
        self.clone()
    }
    fn as_array(&self) -> Option<&Array> {
        Some(self)
    }
}
macro_rules! numbers { ($($t:ty)*) => { $(
    impl Operand for $t {
        #[inline]
        fn beside(self, other: &Array) -> Array { number_beside(Number::from(self), other) }
        fn integer(&self) -> Option<i32> {
            match Number::from(*self) {
                Number::Int(n) => n.try_into().ok(),
                _ => None,
            }
        }
    }
)* } }
numbers! { half::f16 half::bf16 f32 f64 i8 i16 i32 i64 isize u8 u16 u32 u64 usize bool num_complex::Complex<f32> num_complex::Complex<f64> }

/// The number in the type that it takes beside `other`: at once, so that no digit is lost on the way to float64.
pub(super) fn number_beside(n: Number, other: &Array) -> Array {
    let mine = n.dtype();
    // beside what is no number it stays what it is; the operation will refuse the other one
    if !other.dtype().is_number() {
        return n.to_array(mine.0, mine.1);
    }
    // beside a float, a real number takes its type
    if other.dtype().is_inexact() && !mine.0.is_complex() {
        return n.to_array(other.dtype(), mine.1);
    }
    let (dtype, _) = promote(mine, (other.dtype(), other.weak_type()));
    n.to_array(dtype, mine.1)
}

/// A binary primitive on two arrays of any types and shapes that promote and broadcast.
#[track_caller]
#[inline]
pub(crate) fn binary(prim: &dyn Primitive, x: &Array, y: &Array) -> Array {
    let (a, b) = (x.aval(), y.aval());
    if a.dtype == b.dtype
        && (a.shape.is_empty() || b.shape.is_empty() || crate::aval::same_shape(&a.shape, &b.shape))
        && { a.weak == b.weak || !(x.is_tracer() && a.weak || y.is_tracer() && b.weak) }
    {
        return bind1(prim, &[x, y]);
    }
    let (x, y) = promote_pair(prim.name(), x, y);
    bind1(prim, &[&x, &y])
}

/// Both in their common type, and of equal rank unless one is a scalar: what a binary primitive takes.
#[cold]
#[track_caller]
pub(crate) fn promote_pair(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    let (a, b) = (x.aval(), y.aval());
    if !a.dtype.is_number() || !b.dtype.is_number() {
        fail(ErrorKind::Type, format!("{name}: no arithmetic on values of type {a} and {b}"))
    }
    let (dtype, weak) = promote((a.dtype, a.weak), (b.dtype, b.weak));
    if broadcast_shapes(&[&a.shape, &b.shape]).is_none() {
        use crate::aval::tuple;
        fail(
            ErrorKind::Shape,
            format!(
                "{name}: shapes {} and {} do not broadcast{}{}",
                tuple(&a.shape),
                tuple(&b.shape),
                made_at("lhs", x),
                made_at("rhs", y)
            ),
        )
    }
    let rank = a.shape.len().max(b.shape.len());
    // no closure, which would not know the user's line
    #[track_caller]
    fn fit(x: &Array, dtype: DType, weak: bool, rank: usize) -> Array {
        let a = x.aval();
        // a concrete scalar needs no equation: it is a literal
        let x = if a.dtype != dtype || a.weak != weak && x.is_tracer() {
            prim::convert_element_type(x, dtype, weak)
        } else {
            x.clone()
        };
        let n = x.ndim();
        if n == 0 || n == rank {
            return x;
        }
        let shape: Shape = std::iter::repeat_n(1, rank - n).chain(x.shape().iter().copied()).collect();
        prim::broadcast_in_dim(&x, &shape, &(rank - n..rank).collect::<Vec<_>>())
    }
    (fit(x, dtype, weak, rank), fit(y, dtype, weak, rank))
}

/// For an error: where a traced operand was made.
pub(crate) fn made_at(which: &str, x: &Array) -> String {
    match &x.0 {
        Repr::Tracer(n) => format!("\n  {which} made at {}", n.loc),
        _ => String::new(),
    }
}

/// NumPy's broadcasting. `None` if the shapes do not fit.
///
/// ```
/// use cotangent::array::broadcast_shapes;
/// assert_eq!(broadcast_shapes(&[&[2, 1], &[3]]).as_deref(), Some(&[2, 3][..]));
/// assert_eq!(broadcast_shapes(&[&[2], &[3]]), None);
/// ```
pub fn broadcast_shapes(shapes: &[&[usize]]) -> Option<Shape> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut out = Shape::from_elem(1, rank);
    for s in shapes {
        for (o, n) in out[rank - s.len()..].iter_mut().zip(*s) {
            if *o == 1 {
                *o = *n;
            } else if *n != 1 && *o != *n {
                return None;
            }
        }
    }
    Some(out)
}

// One generic impl per operator for the right-hand side keeps `Output = Array` known at once, so a literal's type never blocks a
// method call. On the left only one float and one integer: with f32 as well, `(2.0 * &x).sin()` would have two candidates for its literal.
macro_rules! operators { ($($Op:ident $op:ident $f:path;)*) => { $(
    impl<R: Operand> std::ops::$Op<R> for Array {
        type Output = Array;
        #[track_caller]
        #[inline]
        fn $op(self, r: R) -> Array { let r = r.beside(&self); $f(&self, &r) }
    }
    impl<R: Operand> std::ops::$Op<R> for &Array {
        type Output = Array;
        #[track_caller]
        #[inline]
        fn $op(self, r: R) -> Array { let r = r.beside(self); $f(self, &r) }
    }
    operators!(@left $Op $op $f; f64 i32 bool half::f16 half::bf16 num_complex::Complex<f32> num_complex::Complex<f64>);
)* };
(@left $Op:ident $op:ident $f:path; $($t:ty)*) => { $(
    impl std::ops::$Op<Array> for $t {
        type Output = Array;
        #[track_caller]
        #[inline]
        fn $op(self, r: Array) -> Array { $f(&self.beside(&r), &r) }
    }
    impl std::ops::$Op<&Array> for $t {
        type Output = Array;
        #[track_caller]
        #[inline]
        fn $op(self, r: &Array) -> Array { $f(&self.beside(r), r) }
    }
)* } }
operators! {
    Add add crate::np::add;
    Sub sub crate::np::subtract;
    Mul mul crate::np::multiply;
    Div div crate::np::divide;
    Rem rem crate::np::remainder;
    BitAnd bitand crate::np::bitwise_and;
    BitOr bitor crate::np::bitwise_or;
    BitXor bitxor crate::np::bitwise_xor;
    Shl shl crate::np::left_shift;
    Shr shr crate::np::right_shift;
}

impl std::ops::Neg for Array {
    type Output = Array;
    #[track_caller]
    fn neg(self) -> Array {
        prim::neg(&self)
    }
}
impl std::ops::Neg for &Array {
    type Output = Array;
    #[track_caller]
    fn neg(self) -> Array {
        prim::neg(self)
    }
}
impl std::ops::Not for &Array {
    type Output = Array;
    #[track_caller]
    fn not(self) -> Array {
        prim::not(self)
    }
}
impl std::ops::Not for Array {
    type Output = Array;
    #[track_caller]
    fn not(self) -> Array {
        prim::not(&self)
    }
}
macro_rules! assign { ($($Op:ident $op:ident $f:path;)*) => { $(
    impl<R: Operand> std::ops::$Op<R> for Array {
        #[track_caller]
        fn $op(&mut self, r: R) { let r = r.beside(self); *self = $f(self, &r) }
    }
)* } }
assign! {
    AddAssign add_assign crate::np::add;
    SubAssign sub_assign crate::np::subtract;
    MulAssign mul_assign crate::np::multiply;
    DivAssign div_assign crate::np::divide;
    RemAssign rem_assign crate::np::remainder;
    BitAndAssign bitand_assign crate::np::bitwise_and;
    BitOrAssign bitor_assign crate::np::bitwise_or;
    BitXorAssign bitxor_assign crate::np::bitwise_xor;
    ShlAssign shl_assign crate::np::left_shift;
    ShrAssign shr_assign crate::np::right_shift;
}
