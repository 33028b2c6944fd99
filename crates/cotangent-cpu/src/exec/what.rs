//! What a call computes: the word that both back ends read. The interpreter looks up a compiled loop for it, the emitter writes instructions.

use super::kernels::{self, Target};
use super::map::Code;
use crate::{Dt, Op};

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
