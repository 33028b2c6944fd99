//! What a call computes: the word that both back ends read. The interpreter looks up a compiled loop for it, the emitter writes instructions.

use super::kernels::{self, Target};
use super::map::Code;
use crate::{Dt, Op};
use std::fmt::{self, Display, Formatter};

/// An operation on columns.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum What {
    /// An operation on operands of a type (of `Select`: with a result of it). No half precision but in `Select` and `NextAfter`.
    Op(Op, Dt),
    /// `second(first(a, b), c)`, or `second(c, first(a, b))` if `after`: for single elements only.
    Pair {
        first: Op,
        second: Op,
        after: bool,
        dt: Dt,
    },
    /// A conversion between types other than half precision and complex.
    Cast(Dt, Dt),
    /// Half precision to `f32`, and back.
    Widen(Dt),
    Narrow(Dt),
    /// `f64` to `f32`, with an odd last bit where it is inexact.
    RoundToOdd,
    /// Integers of so many bytes to bools.
    Truth(usize),
    /// Elements of so many bytes as they are.
    Copy(usize),
    /// Two columns of parts of so many bytes into one of complex numbers.
    Interleave(usize),
}
impl What {
    /// The compiled loop.
    ///
    /// # Panics
    /// If there is none, which a checked program does not ask for.
    pub fn code(self, t: Target) -> Code {
        Code::Slice(match self {
            What::Op(Op::Math(m), Dt::F64) => return Code::F64(crate::math::kernel64(m, t.isa)),
            What::Op(Op::Math(m), _) => return Code::F32(crate::math::kernel32(m, t.isa)),
            What::Op(op, dt) => kernels::op(t, op, dt).expect("a checked operation has a kernel"),
            What::Pair { first, second, after, dt } => {
                kernels::pair(t.isa, first, second, after, dt).expect("a pair that has a kernel")
            }
            What::Cast(from, to) => kernels::cast(t, from, to),
            What::Widen(dt) => kernels::widen(t, dt),
            What::Narrow(dt) => kernels::narrow(t, dt),
            What::RoundToOdd => kernels::round_to_odd(t),
            What::Truth(size) => kernels::truth(t, size),
            What::Copy(size) => kernels::copy(t, size),
            What::Interleave(size) => kernels::interleave(t, size),
        })
    }
}
impl Display for What {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = |op: Op| match op {
            Op::Math(m) => format!("{m:?}").to_lowercase(),
            op => format!("{op:?}").to_lowercase(),
        };
        match *self {
            What::Op(op, dt) => write!(f, "{} {dt}", name(op)),
            What::Pair { first, second, dt, .. } => write!(f, "{} {} {dt}", name(first), name(second)),
            What::Cast(from, to) => write!(f, "cast {from} to {to}"),
            What::Widen(dt) => write!(f, "cast {dt} to f32"),
            What::Narrow(dt) => write!(f, "cast f32 to {dt}"),
            What::RoundToOdd => f.write_str("cast f64 to f32 for f16"),
            What::Truth(_) => f.write_str("cast to bool"),
            What::Copy(size) => write!(f, "copy of {size} bytes"),
            What::Interleave(_) => f.write_str("complex"),
        }
    }
}
