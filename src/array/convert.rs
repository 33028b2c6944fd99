//! Arrays from Rust values, and back.

use super::*;
use crate::dtype::Element;
use num_complex::Complex;

/// Rust values that make arrays: numbers, slices, vectors, nested fixed-size arrays.
///
/// Numbers are *weakly typed*, as Python's are in JAX: a float is a weak float32, an integer a weak int32, and either gives way to
/// the type of what it is combined with. Typed data keep their type: a `Vec<f64>` is a float64 array, always.
///
/// ```
/// use cotangent::{ArrayLike, prelude::*};
/// fn total(x: impl ArrayLike) -> f64 { x.into_array().sum().to_f64() }
/// assert_eq!((total(2.5), total(vec![1u8, 2]), total([[1., 2.], [3., 4.]])), (2.5, 3.0, 10.0));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made into an `Array`",
    note = "numbers, slices, `Vec<T>` and nested `[T; N]` of bool, integers, floats and complex numbers can"
)]
pub trait ArrayLike {
    /// The array.
    ///
    /// ```
    /// use cotangent::{ArrayLike, prelude::*};
    /// assert_eq!([[1i64, 2], [3, 4]].into_array().to_string(), "[[1 2]\n [3 4]]");
    /// ```
    fn into_array(self) -> Array;
    /// The number, if it is one.
    #[doc(hidden)]
    fn number(&self) -> Option<Number> {
        None
    }
}
/// What a function was given whose type is known later: a number then takes that type at once, so that no digit is lost on the way to float64.
#[derive(Clone, Debug)]
pub struct Given {
    array: Array,
    number: Option<Number>,
}
impl Given {
    pub(crate) fn new(x: impl ArrayLike) -> Given {
        Given { number: x.number(), array: x.into_array() }
    }
    /// As it is without any type to take.
    pub(crate) fn array(&self) -> &Array {
        &self.array
    }
    /// A number in the type that it takes beside `other`; an array as it is.
    pub(crate) fn beside(&self, other: &Array) -> Array {
        self.number.map_or_else(|| self.array.clone(), |n| ops::number_beside(n, other))
    }
    /// In this type.
    #[track_caller]
    pub(crate) fn to(&self, dtype: DType, weak: bool) -> Array {
        match self.number {
            Some(n) => n.to_array(dtype, weak),
            None => crate::prim::convert_element_type(&self.array, dtype, weak),
        }
    }
}

/// An array from a number, a slice, a vector or nested fixed-size arrays: see [`ArrayLike`].
///
/// ```
/// use cotangent::prelude::*;
/// assert_eq!(format!("{:?}", array(2.0)), "Array(2., dtype=float32, weak_type=True)");
/// assert_eq!(array(vec![1f64, 2.0]).dtype(), DType::Float64);
/// assert_eq!(array([[1, 2], [3, 4]]).shape(), [2, 2]);
/// // a number may be of any type; one that int32 does not hold keeps its value
/// assert_eq!(format!("{:?} {:?}", array(7i8), array(u64::MAX)),
///     "Array(7, dtype=int32, weak_type=True) Array(18446744073709551615, dtype=uint64, weak_type=True)");
/// ```
pub fn array(x: impl ArrayLike) -> Array {
    x.into_array()
}

impl ArrayLike for Array {
    fn into_array(self) -> Array {
        self
    }
}
impl ArrayLike for &Array {
    fn into_array(self) -> Array {
        self.clone()
    }
}

/// Vectors of so many bytes become arrays as they are. A smaller one is copied sooner than it is looked after.
const LENT: usize = 1 << 20;

impl Array {
    /// An array over these elements, in row-major order.
    ///
    /// # Panics
    /// If the shape does not hold as many elements.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = Array::from_slice(&[1f32, 2., 3., 4., 5., 6.], &[2, 3]);
    /// assert_eq!(x.to_string(), "[[1. 2. 3.]\n [4. 5. 6.]]");
    /// ```
    #[track_caller]
    pub fn from_slice<T: Element>(data: &[T], shape: &[usize]) -> Array {
        if shape.iter().product::<usize>() != data.len() {
            fail(
                ErrorKind::Shape,
                format!("from_slice: {} elements do not fill the shape {}", data.len(), crate::aval::tuple(shape)),
            )
        }
        if shape.is_empty() {
            return Array::from_bytes(Aval::new(T::DTYPE, shape), &T::to_bytes(data));
        }
        Array::from_buffer(Aval::new(T::DTYPE, shape), T::buffer(data))
    }
    /// An array of the elements of a vector, in row-major order, without a copy: from a mebibyte on it keeps the vector and reads the elements where they are. Fewer are copied, as are truth values, and
    /// elements in a vector with much room to spare.
    ///
    /// [`array`](crate::array()) copies the elements to memory of the engine, on huge pages, that results may be made in. What is read again and again may be worth that: a sum of 64 MiB took a fifth longer
    /// where a vector had them, and a copy as long as a few sums.
    ///
    /// # Panics
    /// If the shape does not hold as many elements.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = Array::from_vec(vec![0.5f32; 1 << 20], &[1 << 10, 1 << 10]);
    /// assert_eq!(x.sum().to_f64(), 524288.0);
    /// ```
    #[track_caller]
    pub fn from_vec<T: Element>(data: Vec<T>, shape: &[usize]) -> Array {
        let bytes = size_of_val(&data[..]);
        // A buffer of the engine has up to a quarter more than it needs, too.
        let spare = (data.capacity() - data.len()) * size_of::<T>() > bytes / 4;
        if bytes < LENT || spare || shape.is_empty() || shape.iter().product::<usize>() != data.len() {
            return Array::from_slice(&data, shape);
        }
        match T::lend(data) {
            Ok(lent) => Array::from_lent(Aval::new(T::DTYPE, shape), lent),
            Err(data) => Array::from_slice(&data, shape),
        }
    }
    /// Calls `f` with the elements in row-major order, in their own type, without a copy of those of an array of numbers.
    ///
    /// # Panics
    /// If `T` is not the array's element type, or the value is abstract.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1., 5., 2.].with_slice(|x: &[f32]| x.iter().position(|x| *x == 5.0)), Some(1));
    /// ```
    #[track_caller]
    pub fn with_slice<T: Element, R>(&self, f: impl FnOnce(&[T]) -> R) -> R {
        self.slice_for("with_slice", f)
    }
    #[track_caller]
    fn slice_for<T: Element, R>(&self, who: &str, f: impl FnOnce(&[T]) -> R) -> R {
        let a = self.concrete(who);
        if T::DTYPE != a.dtype() {
            fail(
                ErrorKind::Type,
                format!(
                    "{who}: the array has elements of type {}, not {}; convert it with astype first",
                    a.dtype(),
                    T::DTYPE
                ),
            )
        }
        if let Repr::Buf(b) = &a.0
            && let Some(elements) = T::in_place(b.buffer())
        {
            return f(elements);
        }
        f(&a.with_bytes(|b| T::read_le(b)))
    }
    /// The elements in row-major order, in their own type.
    ///
    /// # Panics
    /// If `T` is not the array's element type, or the value is abstract.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1., 2.].to_vec::<f32>(), [1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        self.slice_for("to_vec", |x: &[T]| x.to_vec())
    }
    /// The number that a one-element array holds, in its own type.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!((array![[7]].item::<i32>(), array(true).item::<bool>()), (7, true));
    /// ```
    ///
    /// # Panics
    /// If there is not exactly one element, if `T` is not its type, or if the value is abstract.
    #[track_caller]
    pub fn item<T: Element>(&self) -> T {
        if self.size() != 1 {
            fail(
                ErrorKind::Shape,
                format!("item: an array of shape {} is not one number", crate::aval::tuple(self.shape())),
            )
        }
        let a = self.concrete("item");
        if T::DTYPE != a.dtype() {
            fail(
                ErrorKind::Type,
                format!(
                    "item: the array's element has type {}, not {}; use to_f64, or convert it with astype",
                    a.dtype(),
                    T::DTYPE
                ),
            )
        }
        a.with_bytes(|b| T::read_le(b)[0])
    }
    /// The number that a one-element array of any real type holds, as an `f64`.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!((array![3].to_f64(), array(0.5).to_f64()), (3.0, 0.5));
    /// ```
    ///
    /// # Panics
    /// If there is not exactly one element, if it is complex, or if the value is abstract.
    #[track_caller]
    pub fn to_f64(&self) -> f64 {
        if self.size() != 1 {
            fail(
                ErrorKind::Shape,
                format!("to_f64: an array of shape {} is not one number", crate::aval::tuple(self.shape())),
            )
        }
        let a = self.concrete("to_f64");
        match a.with_bytes(|b| a.dtype().read_f64(b)) {
            Some(x) => x,
            None => fail(ErrorKind::Type, format!("to_f64: an element of type {} is not a real number", a.dtype())),
        }
    }
    /// Whether the one element is true, or not zero. A host `if` on a value works outside transformations and under `grad`, `jvp`,
    /// `vjp` and `linearize`.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let relu = |x: &Array| if x.gt(0.).to_bool() { x.clone() } else { 0. * x };
    /// assert_eq!((grad(relu)(&array(5.)).to_f64(), grad(relu)(&array(-5.)).to_f64()), (1.0, 0.0));
    /// ```
    ///
    /// # Panics
    /// As [`to_f64`](Array::to_f64).
    #[track_caller]
    pub fn to_bool(&self) -> bool {
        if self.size() != 1 {
            fail(
                ErrorKind::Shape,
                format!(
                    "to_bool: the truth value of an array of shape {} is ambiguous",
                    crate::aval::tuple(self.shape())
                ),
            )
        }
        let a = self.concrete("to_bool");
        !a.with_bytes(|b| a.dtype().all_zero(b))
    }
}

/// A real or complex number, not yet of any width.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A truth value.
    Bool(bool),
    /// An integer of any type.
    Int(i128),
    /// A real number.
    Float(f64),
    /// Real and imaginary part.
    Complex(f64, f64),
}
impl Number {
    /// The weak type of such a number.
    pub(crate) fn dtype(self) -> (DType, bool) {
        match self {
            Number::Bool(_) => (DType::Bool, false),
            // an integer that no int32 holds keeps its value
            Number::Int(i) if i32::try_from(i).is_ok() => (DType::Int32, true),
            Number::Int(i) if i64::try_from(i).is_ok() => (DType::Int64, true),
            Number::Int(_) => (DType::Uint64, true),
            Number::Float(_) => (DType::Float32, true),
            Number::Complex(..) => (DType::Complex64, true),
        }
    }
    /// The scalar of this element type.
    pub(crate) fn to_array(self, dtype: DType, weak: bool) -> Array {
        fn scalar<T: Element>(x: T, weak: bool) -> Array {
            Array::from_bytes(Aval::new(T::DTYPE, &[]).with_weak(weak), &T::to_bytes(&[x]))
        }
        let (re, im) = match self {
            Number::Bool(b) => (b as u8 as f64, 0.0),
            Number::Int(i) => (i as f64, 0.0),
            Number::Float(x) => (x, 0.0),
            Number::Complex(re, im) => (re, im),
        };
        macro_rules! integer { ($t:ty) => { match self {
            // an integer in an integer type wraps, as NumPy's conversion of an array does; all else goes through f64 and saturates
            Number::Int(i) => scalar(i as $t, weak),
            _ => scalar(<$t>::from_double(re), weak),
        } } }
        match dtype {
            DType::Bool => scalar(re != 0.0, weak),
            DType::Int8 => integer!(i8),
            DType::Int16 => integer!(i16),
            DType::Int32 => integer!(i32),
            DType::Int64 => integer!(i64),
            DType::Uint8 => integer!(u8),
            DType::Uint16 => integer!(u16),
            DType::Uint32 => integer!(u32),
            DType::Uint64 => integer!(u64),
            DType::Float16 => scalar(half::f16::from_double(re), weak),
            DType::BFloat16 => scalar(half::bf16::from_double(re), weak),
            DType::Float32 => Array::scalar(dtype, weak, (re as f32).to_bits() as u64),
            DType::Float64 => Array::scalar(dtype, weak, re.to_bits()),
            DType::Complex64 => scalar(Complex::new(re as f32, im as f32), weak),
            DType::Complex128 => scalar(Complex::new(re, im), weak),
            DType::Float0 | DType::Key => unreachable!("a number of type {dtype}"),
        }
    }
}

macro_rules! numbers { ($($t:ty => |$x:ident| $number:expr;)*) => { $(
    impl From<$t> for Number {
        fn from($x: $t) -> Number { $number }
    }
    impl ArrayLike for $t {
        fn into_array(self) -> Array {
            let n = Number::from(self);
            let (dtype, weak) = n.dtype();
            n.to_array(dtype, weak)
        }
        fn number(&self) -> Option<Number> {
            Some(Number::from(*self))
        }
    }
    impl From<$t> for Array {
        fn from(x: $t) -> Array { x.into_array() }
    }
)* } }
numbers! {
    bool => |x| Number::Bool(x);
    i8 => |x| Number::Int(x as i128);
    i16 => |x| Number::Int(x as i128);
    i32 => |x| Number::Int(x as i128);
    i64 => |x| Number::Int(x as i128);
    isize => |x| Number::Int(x as i128);
    u8 => |x| Number::Int(x as i128);
    u16 => |x| Number::Int(x as i128);
    u32 => |x| Number::Int(x as i128);
    u64 => |x| Number::Int(x as i128);
    usize => |x| Number::Int(x as i128);
    half::f16 => |x| Number::Float(x.to_f64());
    half::bf16 => |x| Number::Float(x.to_f64());
    f32 => |x| Number::Float(x as f64);
    f64 => |x| Number::Float(x);
    Complex<f32> => |x| Number::Complex(x.re as f64, x.im as f64);
    Complex<f64> => |x| Number::Complex(x.re, x.im);
}

impl<T: Element> ArrayLike for &[T] {
    fn into_array(self) -> Array {
        Array::from_slice(self, &[self.len()])
    }
}
impl<T: Element> ArrayLike for Vec<T> {
    fn into_array(self) -> Array {
        Array::from_slice(&self, &[self.len()])
    }
}
impl<T: Element> ArrayLike for &Vec<T> {
    fn into_array(self) -> Array {
        Array::from_slice(self, &[self.len()])
    }
}
impl<T: Element> From<Vec<T>> for Array {
    fn from(x: Vec<T>) -> Array {
        x.into_array()
    }
}

/// Nested fixed-size arrays of one element type.
pub trait Nested {
    /// The element.
    type Elem: Element;
    /// Appends the extents.
    fn extents(shape: &mut Vec<usize>);
    /// Appends the elements.
    fn elements(self, out: &mut Vec<Self::Elem>);
}
macro_rules! leaf { ($($t:ty)*) => { $(
    impl Nested for $t {
        type Elem = $t;
        fn extents(_: &mut Vec<usize>) {}
        fn elements(self, out: &mut Vec<$t>) { out.push(self) }
    }
)* } }
leaf! { bool i8 i16 i32 i64 u8 u16 u32 u64 half::f16 half::bf16 f32 f64 Complex<f32> Complex<f64> }
impl<T: Nested, const N: usize> Nested for [T; N] {
    type Elem = T::Elem;
    fn extents(shape: &mut Vec<usize>) {
        shape.push(N);
        T::extents(shape)
    }
    fn elements(self, out: &mut Vec<T::Elem>) {
        self.into_iter().for_each(|x| x.elements(out))
    }
}
impl<T: Nested, const N: usize> ArrayLike for [T; N] {
    fn into_array(self) -> Array {
        let (mut shape, mut data) = (vec![], vec![]);
        <[T; N]>::extents(&mut shape);
        self.elements(&mut data);
        Array::from_slice(&data, &shape)
    }
}
impl<T: Nested, const N: usize> From<[T; N]> for Array {
    fn from(x: [T; N]) -> Array {
        x.into_array()
    }
}

/// What the `array!` macro makes of its literals: floats become float32, integers int32, as in JAX.
#[doc(hidden)]
pub trait Literal: Copy {
    #[doc(hidden)]
    type Stored: Element;
    #[doc(hidden)]
    fn stored(self) -> Self::Stored;
}
macro_rules! literals { ($($t:ty => $s:ty;)*) => { $(
    impl Literal for $t { type Stored = $s; fn stored(self) -> $s { self as $s } }
)* } }
literals! {
    f64 => f32; f32 => f32; i8 => i8; i16 => i16; i32 => i32; i64 => i64; u8 => u8; u16 => u16; u32 => u32; u64 => u64; bool => bool;
    half::f16 => half::f16; half::bf16 => half::bf16;
}
impl Literal for Complex<f64> {
    type Stored = Complex<f32>;
    fn stored(self) -> Complex<f32> {
        Complex::new(self.re as f32, self.im as f32)
    }
}
impl Literal for Complex<f32> {
    type Stored = Complex<f32>;
    fn stored(self) -> Complex<f32> {
        self
    }
}

#[doc(hidden)]
pub trait Literals {
    #[doc(hidden)]
    type Stored: Element;
    #[doc(hidden)]
    fn extents(shape: &mut Vec<usize>);
    #[doc(hidden)]
    fn gather(self, out: &mut Vec<Self::Stored>);
}
impl<T: Literal> Literals for T {
    type Stored = T::Stored;
    fn extents(_: &mut Vec<usize>) {}
    fn gather(self, out: &mut Vec<T::Stored>) {
        out.push(self.stored())
    }
}
impl<T: Literals, const N: usize> Literals for [T; N] {
    type Stored = T::Stored;
    fn extents(shape: &mut Vec<usize>) {
        shape.push(N);
        T::extents(shape)
    }
    fn gather(self, out: &mut Vec<T::Stored>) {
        self.into_iter().for_each(|x| x.gather(out))
    }
}
#[doc(hidden)]
pub fn from_literals<L: Literals>(x: L) -> Array {
    let (mut shape, mut data) = (vec![], vec![]);
    L::extents(&mut shape);
    x.gather(&mut data);
    Array::from_slice(&data, &shape)
}

/// An array from nested lists of literals. Floats make float32, integers int32, as `jnp.array` does; for other types use
/// [`array`](crate::array()) with typed data or [`astype`](Array::astype).
///
/// ```
/// use cotangent::prelude::*;
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(format!("{x:?}"), "Array([[1., 2.],\n       [3., 4.]], dtype=float32)");
/// assert_eq!(array![1, 2].dtype(), DType::Int32);
/// ```
#[macro_export]
macro_rules! array {
    ($($x:expr),* $(,)?) => { $crate::from_literals([$($x),*]) };
}

#[cfg(feature = "ndarray")]
mod ndarray_impls {
    //! Conversions from and to the `ndarray` crate.
    use super::*;
    use crate::error::Error;
    /// Of an array with any layout. Without a copy if its elements lie row by row, where [`Array::from_vec`] makes none.
    impl<T: Element, D: ndarray::Dimension> From<ndarray::Array<T, D>> for Array {
        fn from(x: ndarray::Array<T, D>) -> Array {
            if !x.is_standard_layout() {
                return Array::from(&x);
            }
            let (shape, n) = (x.shape().to_vec(), x.len());
            let (mut data, from) = x.into_raw_vec_and_offset();
            // a part of an array keeps the memory of the whole
            data.truncate(from.unwrap_or(0) + n);
            data.drain(..from.unwrap_or(0));
            Array::from_vec(data, &shape)
        }
    }
    /// Of an array or a view with any layout. Elements that lie row by row are copied as one piece.
    impl<T: Element, S: ndarray::Data<Elem = T>, D: ndarray::Dimension> From<&ndarray::ArrayBase<S, D>> for Array {
        fn from(x: &ndarray::ArrayBase<S, D>) -> Array {
            match x.as_slice() {
                Some(data) => Array::from_slice(data, x.shape()),
                None => Array::from_slice(&x.iter().copied().collect::<Vec<T>>(), x.shape()),
            }
        }
    }
    impl Array {
        /// Calls `f` with the elements as a view of the crate `ndarray`, in their own type, without a copy of those of an array of numbers.
        ///
        /// ```
        /// use cotangent::prelude::*;
        /// let corner = |x: ndarray::ArrayViewD<f32>| x[[1, 0]];
        /// assert_eq!(array![[1., 2.], [3., 4.]].with_ndarray(corner), 3.0);
        /// ```
        ///
        /// # Panics
        /// If `T` is not the array's element type, or the value is abstract.
        #[track_caller]
        pub fn with_ndarray<T: Element, R>(&self, f: impl FnOnce(ndarray::ArrayViewD<T>) -> R) -> R {
            self.slice_for("with_ndarray", |x: &[T]| {
                f(ndarray::ArrayViewD::from_shape(self.shape(), x).expect("as many elements as the shape says"))
            })
        }
    }
    impl<T: Element> TryFrom<&Array> for ndarray::ArrayD<T> {
        type Error = Error;
        fn try_from(x: &Array) -> Result<Self, Error> {
            let data = crate::catch(|| x.to_vec::<T>())?;
            ndarray::ArrayD::from_shape_vec(x.shape().to_vec(), data)
                .map_err(|e| Error::new(ErrorKind::Shape, e.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_types_that_do_not_hold_them() {
        let of = |n: Number, t: DType| n.to_array(t, false).to_string();
        assert_eq!(of(Number::Int(300), DType::Uint8), "44");
        assert_eq!(of(Number::Int(-1), DType::Uint64), u64::MAX.to_string());
        // as conversions of arrays do
        for (x, t) in [(1e19, DType::Uint64), (3e9, DType::Int32), (-1.5, DType::Uint8), (f64::NAN, DType::Int8)] {
            assert_eq!(of(Number::Float(x), t), array(vec![x]).astype(t).reshape(&[]).to_string(), "{x} as {t}");
        }
    }
}
