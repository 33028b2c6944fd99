//! Element types: their names, their classes, and what they turn into under promotion and differentiation.
//!
//! The table [`DType::ALL`] lists them. How two types meet is in [`promote`]; how Rust's own types map to them is in
//! [`Element`].

mod cast;
mod element;
mod promotion;

use std::fmt;

pub use cast::{Casting, can_cast};
pub use element::Element;
pub use promotion::{promote, promote_all, try_promote_all};

/// The type of the elements of an array.
///
/// ```
/// use cotangent::dtype::DType;
/// use cotangent::prelude::*;
/// assert_eq!(array![1, 2].dtype(), DType::Int32);
/// assert_eq!((array![1, 2] * 0.5).astype(DType::Float16).dtype().to_string(), "float16");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum DType {
    /// True or false, one byte.
    Bool,
    /// Signed integer of 8 bits.
    Int8,
    /// Signed integer of 16 bits.
    Int16,
    /// Signed integer of 32 bits, the type of an integer literal.
    Int32,
    /// Signed integer of 64 bits.
    Int64,
    /// Unsigned integer of 8 bits.
    Uint8,
    /// Unsigned integer of 16 bits.
    Uint16,
    /// Unsigned integer of 32 bits.
    Uint32,
    /// Unsigned integer of 64 bits.
    Uint64,
    /// IEEE half precision.
    Float16,
    /// The upper half of an IEEE single: 8 bits of exponent, 8 of precision.
    BFloat16,
    /// IEEE single precision, the type of a float literal.
    Float32,
    /// IEEE double precision.
    Float64,
    /// Two `Float32`, real part first.
    Complex64,
    /// Two `Float64`, real part first.
    Complex128,
    /// The tangent type of everything that has no derivative. It holds nothing: an element takes no memory.
    Float0,
    /// An opaque random key of the threefry generator: two words of 32 bits.
    Key,
}

/// What kind of value a type holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Bool,
    Signed,
    Unsigned,
    Float,
    Complex,
    Opaque,
}

/// The facts about a type that are plain data.
struct Row {
    name: &'static str,
    short: &'static str,
    size: usize,
    class: Class,
}

const fn row(name: &'static str, short: &'static str, size: usize, class: Class) -> Row {
    Row { name, short, size, class }
}

/// One row per type, in the order of the enumeration.
static ROWS: [Row; DType::ALL.len()] = [
    row("bool", "bool", 1, Class::Bool),
    row("int8", "i8", 1, Class::Signed),
    row("int16", "i16", 2, Class::Signed),
    row("int32", "i32", 4, Class::Signed),
    row("int64", "i64", 8, Class::Signed),
    row("uint8", "u8", 1, Class::Unsigned),
    row("uint16", "u16", 2, Class::Unsigned),
    row("uint32", "u32", 4, Class::Unsigned),
    row("uint64", "u64", 8, Class::Unsigned),
    row("float16", "f16", 2, Class::Float),
    row("bfloat16", "bf16", 2, Class::Float),
    row("float32", "f32", 4, Class::Float),
    row("float64", "f64", 8, Class::Float),
    row("complex64", "c64", 8, Class::Complex),
    row("complex128", "c128", 16, Class::Complex),
    row("float0", "float0", 0, Class::Opaque),
    row("key<fry>", "key<fry>", 8, Class::Opaque),
];

/// The limits of a floating-point type. All values are exact in `f64`.
///
/// ```
/// use cotangent::dtype::DType;
/// let half = DType::Float16.float_info().unwrap();
/// assert_eq!((half.bits, half.mantissa_bits, half.max, half.eps), (16, 10, 65504., 2f64.powi(-10)));
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct FloatInfo {
    /// Bits of one element.
    pub bits: u32,
    /// Bits of the stored mantissa, without the implicit leading one.
    pub mantissa_bits: u32,
    /// Distance from 1 to the next larger number.
    pub eps: f64,
    /// The largest finite number. The smallest is its negative.
    pub max: f64,
    /// The smallest positive normal number.
    pub tiny: f64,
    /// The smallest positive number.
    pub smallest_subnormal: f64,
}

impl DType {
    /// Every type, in the order of the enumeration.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!(DType::ALL.iter().filter(|t| t.is_float()).count(), 4);
    /// ```
    pub const ALL: [DType; 17] = [
        DType::Bool,
        DType::Int8,
        DType::Int16,
        DType::Int32,
        DType::Int64,
        DType::Uint8,
        DType::Uint16,
        DType::Uint32,
        DType::Uint64,
        DType::Float16,
        DType::BFloat16,
        DType::Float32,
        DType::Float64,
        DType::Complex64,
        DType::Complex128,
        DType::Float0,
        DType::Key,
    ];

    #[inline]
    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The full name: `float32`, `bfloat16`, `key<fry>`.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!(DType::BFloat16.name(), "bfloat16");
    /// ```
    #[inline]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The name in printed programs: `f32`, `bf16`, `bool`.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!(DType::Uint8.short(), "u8");
    /// ```
    #[inline]
    pub fn short(self) -> &'static str {
        self.row().short
    }

    /// The type of that full name.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!((DType::from_name("complex64"), DType::from_name("float")), (Some(DType::Complex64), None));
    /// ```
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Bytes of one element.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!((DType::Float16.size(), DType::Complex64.size(), DType::Bool.size()), (2, 8, 1));
    /// ```
    #[inline]
    pub fn size(self) -> usize {
        self.row().size
    }

    /// Bits of one element.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!(DType::Int16.bits(), 16);
    /// ```
    #[inline]
    pub fn bits(self) -> usize {
        8 * self.size()
    }

    /// Is it a real floating-point type?
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert!(DType::BFloat16.is_float() && !DType::Complex64.is_float() && !DType::Int32.is_float());
    /// ```
    #[inline]
    pub fn is_float(self) -> bool {
        self.row().class == Class::Float
    }

    /// Is it complex?
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert!(DType::Complex128.is_complex() && !DType::Float64.is_complex());
    /// ```
    #[inline]
    pub fn is_complex(self) -> bool {
        self.row().class == Class::Complex
    }

    /// Is it a floating-point or complex type, one that has derivatives?
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert!(DType::Float32.is_inexact() && DType::Complex64.is_inexact() && !DType::Int64.is_inexact());
    /// ```
    #[inline]
    pub fn is_inexact(self) -> bool {
        self.is_float() || self.is_complex()
    }

    /// Is it an integer type, with or without a sign? `Bool` is not.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert!(DType::Uint8.is_integer() && !DType::Bool.is_integer() && !DType::Float32.is_integer());
    /// ```
    #[inline]
    pub fn is_integer(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }

    /// Is it an integer type with a sign?
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert!(DType::Int8.is_signed() && !DType::Uint8.is_signed() && !DType::Float32.is_signed());
    /// ```
    #[inline]
    pub fn is_signed(self) -> bool {
        self.row().class == Class::Signed
    }

    /// Is it an integer type without a sign?
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert!(DType::Uint64.is_unsigned() && !DType::Int64.is_unsigned() && !DType::Bool.is_unsigned());
    /// ```
    #[inline]
    pub fn is_unsigned(self) -> bool {
        self.row().class == Class::Unsigned
    }

    /// Is it `Bool`?
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert!(DType::Bool.is_bool() && !DType::Uint8.is_bool());
    /// ```
    #[inline]
    pub fn is_bool(self) -> bool {
        self == DType::Bool
    }

    /// Is it a type to calculate with: anything but `Float0` and `Key`?
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert!(DType::Bool.is_number() && !DType::Key.is_number() && !DType::Float0.is_number());
    /// ```
    #[inline]
    pub fn is_number(self) -> bool {
        self.row().class != Class::Opaque
    }

    /// The type of the real part; a type that is not complex is its own.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!((DType::Complex128.real_part(), DType::Int32.real_part()), (DType::Float64, DType::Int32));
    /// ```
    pub fn real_part(self) -> DType {
        match self {
            DType::Complex64 => DType::Float32,
            DType::Complex128 => DType::Float64,
            t => t,
        }
    }

    /// The complex type that holds numbers of this type: `Complex128` for the types of 64 bits, else `Complex64`.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!((DType::Float16.to_complex(), DType::Int64.to_complex()), (DType::Complex64, DType::Complex128));
    /// ```
    ///
    /// # Panics
    /// For `Float0` and `Key`, which are no numbers.
    pub fn to_complex(self) -> DType {
        match self.to_inexact() {
            DType::Float64 | DType::Complex128 => DType::Complex128,
            _ => DType::Complex64,
        }
    }

    /// The type of a quotient or a mean: inexact types are their own, integers of 64 bits give `Float64`, the other
    /// integers and `Bool` give `Float32`.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!((DType::Int16.to_inexact(), DType::Int64.to_inexact()), (DType::Float32, DType::Float64));
    /// assert_eq!(DType::Float16.to_inexact(), DType::Float16);
    /// ```
    ///
    /// # Panics
    /// For `Float0` and `Key`, which are no numbers.
    pub fn to_inexact(self) -> DType {
        match self.row().class {
            Class::Float | Class::Complex => self,
            Class::Opaque => panic!("{self} is not a type of numbers"),
            _ if self.size() == 8 => DType::Float64,
            _ => DType::Float32,
        }
    }

    /// The type of a derivative along a value of this type, or `None` where there is none and tangents are `Float0`.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!((DType::Float64.tangent(), DType::Int32.tangent()), (Some(DType::Float64), None));
    /// ```
    pub fn tangent(self) -> Option<DType> {
        self.is_inexact().then_some(self)
    }

    /// The type under which the engine stores such elements. A key is one word of 64 bits, its first half the low one. `Float0` has
    /// no elements in memory, so whatever type stands for it is never read.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!(format!("{:?} {:?}", DType::Float32.dt(), DType::Key.dt()), "F32 U64");
    /// ```
    pub fn dt(self) -> cotangent_cpu::Dt {
        use cotangent_cpu::Dt;
        match self {
            DType::Bool | DType::Float0 => Dt::Bool,
            DType::Int8 => Dt::I8,
            DType::Int16 => Dt::I16,
            DType::Int32 => Dt::I32,
            DType::Int64 => Dt::I64,
            DType::Uint8 => Dt::U8,
            DType::Uint16 => Dt::U16,
            DType::Uint32 => Dt::U32,
            DType::Uint64 | DType::Key => Dt::U64,
            DType::Float16 => Dt::F16,
            DType::BFloat16 => Dt::Bf16,
            DType::Float32 => Dt::F32,
            DType::Float64 => Dt::F64,
            DType::Complex64 => Dt::C64,
            DType::Complex128 => Dt::C128,
        }
    }

    /// The limits of a floating-point type, those of the parts for a complex type, and `None` for all others.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!(DType::Float32.float_info().map(|f| f.eps), Some(f32::EPSILON as f64));
    /// assert_eq!(DType::Int32.float_info(), None);
    /// ```
    pub fn float_info(self) -> Option<FloatInfo> {
        // Bits in memory, of the mantissa, and the exponent of the smallest normal number determine the rest.
        let (bits, mantissa_bits, min_exp) = match self.real_part() {
            DType::Float16 => (16, 10, -14),
            DType::BFloat16 => (16, 7, -126),
            DType::Float32 => (32, 23, -126),
            DType::Float64 => (64, 52, -1022),
            _ => return None,
        };
        let eps = 2f64.powi(-(mantissa_bits as i32));
        let tiny = 2f64.powi(min_exp);
        // The largest exponent is 1 - min_exp, written as a product because 2^1024 is not a double.
        let max = (2.0 - eps) * 2f64.powi(1 - min_exp);
        Some(FloatInfo { bits, mantissa_bits, eps, max, tiny, smallest_subnormal: tiny * eps })
    }

    /// The smallest and the largest value of an integer type, and `None` for all others.
    ///
    /// ```
    /// use cotangent::dtype::DType;
    /// assert_eq!((DType::Int8.int_range(), DType::Float32.int_range()), (Some((-128, 127)), None));
    /// ```
    pub fn int_range(self) -> Option<(i128, i128)> {
        let bits = self.bits() as u32;
        match self.row().class {
            Class::Signed => Some((-(1 << (bits - 1)), (1 << (bits - 1)) - 1)),
            Class::Unsigned => Some((0, (1 << bits) - 1)),
            _ => None,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_agrees_with_engine() {
        for (i, t) in DType::ALL.into_iter().enumerate() {
            assert_eq!(t as usize, i);
            assert_eq!(DType::from_name(t.name()), Some(t));
            assert_eq!(t.to_string(), t.name());
            if t == DType::Float0 {
                continue;
            }
            let dt = t.dt();
            assert_eq!(t.size(), dt.size(), "{t}");
            if t != DType::Key {
                assert_eq!(
                    (t.is_float(), t.is_complex(), t.is_signed(), t.is_unsigned()),
                    (dt.is_float(), dt.is_complex(), dt.is_signed(), dt.is_unsigned()),
                    "{t}"
                );
                assert_eq!(t.real_part().dt(), dt.part());
            }
        }
        assert_eq!(DType::from_name("f32"), None);
    }

    #[test]
    fn limits() {
        let info = |t: DType| t.float_info().unwrap();
        let f32s = info(DType::Complex64);
        assert_eq!(f32s.eps, f32::EPSILON as f64);
        assert_eq!(f32s.max, f32::MAX as f64);
        assert_eq!(f32s.tiny, f32::MIN_POSITIVE as f64);
        assert_eq!(f32s.smallest_subnormal, f32::from_bits(1) as f64);
        let f64s = info(DType::Float64);
        assert_eq!((f64s.eps, f64s.max, f64s.tiny), (f64::EPSILON, f64::MAX, f64::MIN_POSITIVE));
        assert_eq!(f64s.smallest_subnormal, f64::from_bits(1));
        let f16s = info(DType::Float16);
        assert_eq!((f16s.eps, f16s.max), (half::f16::EPSILON.to_f64(), half::f16::MAX.to_f64()));
        assert_eq!((f16s.tiny, f16s.smallest_subnormal), (half::f16::MIN_POSITIVE.to_f64(), 2f64.powi(-24)));
        let bf16s = info(DType::BFloat16);
        assert_eq!((bf16s.eps, bf16s.max), (half::bf16::EPSILON.to_f64(), half::bf16::MAX.to_f64()));
        assert_eq!(DType::Int32.float_info(), None);
        assert_eq!(DType::Int64.int_range(), Some((i64::MIN as i128, i64::MAX as i128)));
        assert_eq!(DType::Uint64.int_range(), Some((0, u64::MAX as i128)));
        assert_eq!(DType::Int8.int_range(), Some((-128, 127)));
        assert_eq!(DType::Bool.int_range(), None);
    }

    #[test]
    fn neighbors() {
        assert_eq!(DType::Int32.to_complex(), DType::Complex64);
        assert_eq!(DType::Float64.to_complex(), DType::Complex128);
        assert_eq!(DType::BFloat16.to_complex(), DType::Complex64);
        assert_eq!(DType::Bool.to_inexact(), DType::Float32);
        assert_eq!(DType::Uint64.to_inexact(), DType::Float64);
        assert_eq!(DType::Float16.to_inexact(), DType::Float16);
        assert_eq!(DType::Key.tangent(), None);
        assert_eq!(DType::Complex64.tangent(), Some(DType::Complex64));
    }
}
