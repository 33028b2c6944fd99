//! Programs as text, for error messages and golden tests.

use crate::{Dt, Kind, Ty};
use std::fmt::{self, Display, Formatter};

impl Dt {
    /// Its name: `f32`, `bf16`, `c64`, `bool`.
    pub const fn name(self) -> &'static str {
        match self {
            Dt::Bool => "bool",
            Dt::I8 => "i8",
            Dt::I16 => "i16",
            Dt::I32 => "i32",
            Dt::I64 => "i64",
            Dt::U8 => "u8",
            Dt::U16 => "u16",
            Dt::U32 => "u32",
            Dt::U64 => "u64",
            Dt::F16 => "f16",
            Dt::Bf16 => "bf16",
            Dt::F32 => "f32",
            Dt::F64 => "f64",
            Dt::C64 => "c64",
            Dt::C128 => "c128",
        }
    }
}

impl Display for Dt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Display for Ty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.dt, list(&self.dims))
    }
}

/// Numbers with commas between them.
fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(|x| x.to_string()).collect::<Vec<_>>().join(",")
}

impl Kind {
    /// What it does, in a word.
    pub const fn name(&self) -> &'static str {
        match self {
            Kind::Arg(_) => "arg",
            Kind::Const(_) => "const",
            Kind::Map(_) => "map",
            Kind::View => "view",
            Kind::Reduce { .. } => "reduce",
            Kind::ArgReduce { .. } => "argreduce",
            Kind::Prefix { .. } => "prefix",
            Kind::Gather(_) => "gather",
            Kind::Scatter(_) => "scatter",
            Kind::DynSlice => "dynslice",
            Kind::Update => "update",
            Kind::Concat { .. } => "concat",
            Kind::Dot(_) => "dot",
        }
    }
}
