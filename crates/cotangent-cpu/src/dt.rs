//! Element types as the engine sees them.

/// The type of an element in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Dt {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    Bf16,
    F32,
    F64,
    /// Two `f32`, real part first.
    C64,
    /// Two `f64`, real part first.
    C128,
}

impl Dt {
    /// Every type, in the order of the enumeration.
    pub const ALL: [Dt; 15] = [
        Dt::Bool,
        Dt::I8,
        Dt::I16,
        Dt::I32,
        Dt::I64,
        Dt::U8,
        Dt::U16,
        Dt::U32,
        Dt::U64,
        Dt::F16,
        Dt::Bf16,
        Dt::F32,
        Dt::F64,
        Dt::C64,
        Dt::C128,
    ];

    /// Bytes of one element.
    #[inline]
    pub const fn size(self) -> usize {
        match self {
            Dt::Bool | Dt::I8 | Dt::U8 => 1,
            Dt::I16 | Dt::U16 | Dt::F16 | Dt::Bf16 => 2,
            Dt::I32 | Dt::U32 | Dt::F32 => 4,
            Dt::I64 | Dt::U64 | Dt::F64 | Dt::C64 => 8,
            Dt::C128 => 16,
        }
    }
    /// Is it a real floating-point type?
    pub const fn is_float(self) -> bool {
        matches!(self, Dt::F16 | Dt::Bf16 | Dt::F32 | Dt::F64)
    }
    /// Is it a pair of floats?
    pub const fn is_complex(self) -> bool {
        matches!(self, Dt::C64 | Dt::C128)
    }
    /// Is it an integer type with a sign?
    pub const fn is_signed(self) -> bool {
        matches!(self, Dt::I8 | Dt::I16 | Dt::I32 | Dt::I64)
    }
    /// Is it an integer type without a sign (`Bool` is not)?
    pub const fn is_unsigned(self) -> bool {
        matches!(self, Dt::U8 | Dt::U16 | Dt::U32 | Dt::U64)
    }
    /// Is it an integer type?
    pub const fn is_int(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }
    /// The type of one part of a complex number; any other type is its own.
    pub const fn part(self) -> Dt {
        match self {
            Dt::C64 => Dt::F32,
            Dt::C128 => Dt::F64,
            t => t,
        }
    }
    /// The type in which sums of this type are accumulated: half precision in `F32`.
    pub const fn acc(self) -> Dt {
        match self {
            Dt::F16 | Dt::Bf16 => Dt::F32,
            t => t,
        }
    }
}
