//! The Rust types that elements of arrays are made of.

use cotangent_cpu::{Buffer, Lent};
use half::{bf16, f16};
use num_complex::Complex;

use super::DType;

mod sealed {
    /// Keeps the list of element types to those of [`super::DType`].
    pub trait Sealed {}
}

/// A Rust type that is an element type of arrays.
///
/// In memory elements are little-endian, complex numbers real part first, `bool` one byte that is 0 or 1.
///
/// ```
/// use cotangent::{dtype::Element, prelude::*};
/// // a function for arrays of any one type
/// fn greatest<T: Element + PartialOrd>(x: &Array) -> Option<T> {
///     x.with_slice(|x: &[T]| x.iter().copied().reduce(|a, b| if b > a { b } else { a }))
/// }
/// assert_eq!((greatest(&array![3, 7, 5]), greatest(&array![0.5])), (Some(7i32), Some(0.5f32)));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an element type of arrays",
    note = "arrays hold bool, i8 to i64, u8 to u64, f32, f64, `f16` and `bf16` of the crate half, and `Complex` of f32 and f64"
)]
pub trait Element: Copy + PartialEq + Send + Sync + std::fmt::Debug + sealed::Sealed + 'static {
    /// The element type that this is.
    ///
    /// ```
    /// use cotangent::dtype::Element;
    /// assert_eq!((f32::DTYPE.name(), u8::DTYPE.name()), ("float32", "uint8"));
    /// ```
    const DTYPE: DType;

    /// Appends the bytes of the elements.
    ///
    /// ```
    /// use cotangent::dtype::Element;
    /// let mut bytes = vec![];
    /// i16::write_le(&[1, 258], &mut bytes);
    /// assert_eq!(bytes, [1, 0, 2, 1]);
    /// ```
    fn write_le(values: &[Self], out: &mut Vec<u8>);

    /// Reads elements from their bytes.
    ///
    /// ```
    /// use cotangent::dtype::Element;
    /// assert_eq!(u16::read_le(&[1, 0, 2, 1]), [1, 258]);
    /// ```
    ///
    /// # Panics
    /// If the number of bytes is not a multiple of the size of an element.
    fn read_le(bytes: &[u8]) -> Vec<Self>;

    /// The element nearest to a number: floats round to even, integers truncate and saturate, `bool` is `x != 0`.
    ///
    /// It is not called `from_f64` because the half floats have a method of that name, which does not round correctly.
    ///
    /// ```
    /// use cotangent::dtype::Element;
    /// assert_eq!((i8::from_double(-2.7), u8::from_double(1e3), bool::from_double(0.5)), (-2, 255, true));
    /// ```
    fn from_double(x: f64) -> Self;

    /// The number as a double: rounded for large integers, the real part of a complex number, 0 or 1 for `bool`.
    ///
    /// ```
    /// use cotangent::dtype::Element;
    /// assert_eq!((true.to_double(), 7i64.to_double()), (1.0, 7.0));
    /// ```
    fn to_double(self) -> f64;

    /// The elements of a buffer where they lie, if memory holds them as Rust does.
    #[doc(hidden)]
    fn in_place(_: &Buffer) -> Option<&[Self]> {
        None
    }
    /// A buffer of the elements.
    #[doc(hidden)]
    fn buffer(values: &[Self]) -> Buffer {
        Buffer::from_bytes(&Self::to_bytes(values))
    }
    /// The elements where they lie, if that is how arrays hold them; otherwise they come back.
    #[doc(hidden)]
    fn lend(values: Vec<Self>) -> Result<Lent, Vec<Self>> {
        Err(values)
    }

    /// The bytes of the elements.
    ///
    /// ```
    /// use cotangent::dtype::Element;
    /// assert_eq!(f32::to_bytes(&[1.0]), 1f32.to_le_bytes());
    /// ```
    fn to_bytes(values: &[Self]) -> Vec<u8> {
        let mut out = Vec::with_capacity(size_of_val(values));
        Self::write_le(values, &mut out);
        out
    }
}

/// Splits bytes into elements of `N`, checking that they come out even.
fn elements<const N: usize>(bytes: &[u8], dtype: DType) -> &[[u8; N]] {
    let (whole, rest) = bytes.as_chunks::<N>();
    assert!(rest.is_empty(), "{} bytes are not a whole number of {dtype} elements of {N} bytes", bytes.len());
    whole
}

/// The single-precision number next to a double whose last bit is one, unless the double itself is in single precision.
///
/// Rounding the outcome to a shorter type is then the same as rounding the double at once. The direct conversions of
/// `half` are no replacement: they drop the lower half of the double, so numbers just above the middle of two
/// neighbors round as if they were the middle.
fn round_to_odd(x: f64) -> f32 {
    let near = x as f32;
    if near as f64 == x || x.is_nan() {
        return near;
    }
    let toward_zero = if (near as f64).abs() > x.abs() { near.to_bits() - 1 } else { near.to_bits() };
    f32::from_bits(toward_zero | 1)
}

/// What elements have that lie in memory as Rust holds them.
macro_rules! in_place {
    () => {
        fn in_place(b: &Buffer) -> Option<&[Self]> {
            Some(b.as_slice())
        }
        fn buffer(values: &[Self]) -> Buffer {
            Buffer::from_slice(values)
        }
        fn lend(values: Vec<Self>) -> Result<Lent, Vec<Self>> {
            Lent::new(values, |v| cotangent_cpu::bytes_of(v))
        }
    };
}

/// Number types that know their own little-endian bytes.
macro_rules! plain {
    ($($t:ty, $name:ident, $from:expr, $to:expr;)*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$name;
            fn write_le(values: &[Self], out: &mut Vec<u8>) {
                out.extend(values.iter().flat_map(|x| x.to_le_bytes()));
            }
            fn read_le(bytes: &[u8]) -> Vec<Self> {
                elements(bytes, Self::DTYPE).iter().map(|b| <$t>::from_le_bytes(*b)).collect()
            }
            in_place!();
            fn from_double(x: f64) -> Self {
                $from(x)
            }
            fn to_double(self) -> f64 {
                $to(self)
            }
        }
    )*};
}

plain! {
    i8, Int8, |x| x as i8, |x| x as f64;
    i16, Int16, |x| x as i16, |x| x as f64;
    i32, Int32, |x| x as i32, |x| x as f64;
    i64, Int64, |x| x as i64, |x| x as f64;
    u8, Uint8, |x| x as u8, |x| x as f64;
    u16, Uint16, |x| x as u16, |x| x as f64;
    u32, Uint32, |x| x as u32, |x| x as f64;
    u64, Uint64, |x| x as u64, |x| x as f64;
    f16, Float16, |x| f16::from_f32(round_to_odd(x)), |x: f16| x.to_f64();
    bf16, BFloat16, |x| bf16::from_f32(round_to_odd(x)), |x: bf16| x.to_f64();
    f32, Float32, |x| x as f32, |x| x as f64;
    f64, Float64, |x| x, |x| x;
}

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn write_le(values: &[Self], out: &mut Vec<u8>) {
        out.extend(values.iter().map(|&b| b as u8));
    }
    fn read_le(bytes: &[u8]) -> Vec<Self> {
        bytes.iter().map(|&b| b != 0).collect()
    }
    fn from_double(x: f64) -> Self {
        x != 0.0
    }
    fn to_double(self) -> f64 {
        self as u8 as f64
    }
}

/// Pairs of a number type, with the bytes of one part and of both.
macro_rules! complex {
    ($($t:ty, $name:ident, $part:literal, $size:literal;)*) => {$(
        impl sealed::Sealed for Complex<$t> {}
        impl Element for Complex<$t> {
            const DTYPE: DType = DType::$name;
            fn write_le(values: &[Self], out: &mut Vec<u8>) {
                out.extend(values.iter().flat_map(|z| [z.re, z.im]).flat_map(|x| x.to_le_bytes()));
            }
            fn read_le(bytes: &[u8]) -> Vec<Self> {
                let parts = |b: &[u8; $size]| {
                    let (p, _) = b.as_chunks::<$part>();
                    Complex::new(<$t>::from_le_bytes(p[0]), <$t>::from_le_bytes(p[1]))
                };
                elements::<$size>(bytes, Self::DTYPE).iter().map(parts).collect()
            }
            in_place!();
            fn from_double(x: f64) -> Self {
                Complex::new(x as $t, 0.0)
            }
            fn to_double(self) -> f64 {
                self.re as f64
            }
        }
    )*};
}

complex! {
    f32, Complex64, 4, 8;
    f64, Complex128, 8, 16;
}

impl DType {
    /// The first element in these bytes as a double, unless the type is complex or no number.
    pub(crate) fn read_f64(self, bytes: &[u8]) -> Option<f64> {
        macro_rules! of { ($($Name:ident $t:ty),*) => { match self {
            $(DType::$Name => <$t>::read_le(&bytes[..self.size()]).first().map(|x| x.to_double()),)*
            DType::Complex64 | DType::Complex128 | DType::Float0 | DType::Key => None,
        } } }
        of!(Bool bool, Int8 i8, Int16 i16, Int32 i32, Int64 i64, Uint8 u8, Uint16 u16, Uint32 u32, Uint64 u64,
            Float16 f16, BFloat16 bf16, Float32 f32, Float64 f64)
    }
    /// Are all elements zero? Negative zeros are.
    pub(crate) fn all_zero(self, bytes: &[u8]) -> bool {
        // only the sign bit of a floating-point number may be set
        let mut mask = [0xffu8; 8];
        let part = self.real_part().size();
        if self.is_inexact() {
            mask[part - 1] = 0x7f
        }
        match part {
            0 => true,
            part => bytes.chunks(part).all(|c| c.iter().zip(&mask).all(|(b, m)| b & m == 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: Element>(values: &[T]) {
        let bytes = T::to_bytes(values);
        assert_eq!(bytes.len(), values.len() * T::DTYPE.size(), "{}", T::DTYPE);
        assert_eq!(T::read_le(&bytes), values);
        assert_eq!(T::from_double(1.0).to_double(), 1.0);
    }

    #[test]
    fn bytes_round_trip() {
        round_trip(&[true, false]);
        round_trip(&[i8::MIN, -1, 5]);
        round_trip(&[i16::MIN, -1, 5]);
        round_trip(&[i32::MIN, -1, 5]);
        round_trip(&[i64::MIN, -1, 5]);
        round_trip(&[u8::MAX, 5]);
        round_trip(&[u16::MAX, 5]);
        round_trip(&[u32::MAX, 5]);
        round_trip(&[u64::MAX, 5]);
        round_trip(&[f16::MAX, f16::from_f32(-0.1)]);
        round_trip(&[bf16::MAX, bf16::from_f32(-0.1)]);
        round_trip(&[f32::MAX, -0.1]);
        round_trip(&[f64::MAX, -0.1]);
        round_trip(&[Complex::new(1.5f32, -2.0), Complex::new(0.0, 1.0)]);
        round_trip(&[Complex::new(1.5f64, -2.0), Complex::new(0.0, 1.0)]);
        assert_eq!(i16::to_bytes(&[0x0102, -2]), [2, 1, 0xfe, 0xff]);
        assert_eq!(Complex::<f32>::to_bytes(&[Complex::new(0.0, 1.0)]), [0, 0, 0, 0, 0, 0, 0x80, 0x3f]);
    }

    #[test]
    fn conversions_round_once() {
        // Just above the middle of two half floats: through `f32` it would become the middle and round to even, down.
        assert_eq!(f16::from_double(1.0 + 2f64.powi(-11) + 2f64.powi(-40)).to_double(), 1.0 + 2f64.powi(-10));
        assert_eq!(bf16::from_double(1.0 + 2f64.powi(-8) + 2f64.powi(-40)).to_double(), 1.0 + 2f64.powi(-7));
        assert_eq!(f16::from_double(-1.0 + 2f64.powi(-12) - 2f64.powi(-50)).to_double(), -1.0);
        assert_eq!(f16::from_double(65519.999999).to_double(), 65504.0);
        assert_eq!(f16::from_double(65520.0).to_double(), f64::INFINITY);
        assert_eq!(bf16::from_double(-1e300).to_double(), f64::NEG_INFINITY);
        assert!(f16::from_double(f64::NAN).is_nan());
        assert_eq!(f16::from_double(2f64.powi(-25) + 2f64.powi(-60)).to_double(), 2f64.powi(-24));
        assert_eq!((i8::from_double(300.7), u8::from_double(-3.0), i32::from_double(-2.9)), (127, 0, -2));
    }

    #[test]
    #[should_panic(expected = "7 bytes are not a whole number of float32 elements of 4 bytes")]
    fn uneven_bytes() {
        f32::read_le(&[0; 7]);
    }
}
