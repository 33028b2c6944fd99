//! What one scalar operation computes.

use crate::float::Flush;
use crate::{Dt, Op, math};
use half::{bf16, f16};

/// The bits of `op` on operands given as bits, in the low bytes; all above is zero.
///
/// `dt` is the type of the result, `src` that of the first operand: the two differ in comparisons, conversions and
/// [`Op::Select`]. [`Op::In`] and [`Op::Const`] give `a`, [`Op::Index`] wraps it.
///
/// What `program` leaves open is decided here:
/// * the second operand of a shift is read as unsigned, so a negative one shifts by the width or more;
/// * [`Op::NextAfter`] of equal operands is the second; in half precision it is the next number *of that type*;
/// * [`Op::Max`] and [`Op::Min`] on truth values are or and and; false is less than true;
/// * [`Op::MulAdd`] in half precision is one rounding to `f32`, then one to the type;
/// * what computes (all but [`Op::Neg`], [`Op::Abs`] and what gives its operands as they are) takes and gives zeros for subnormal
///   numbers, as [`crate::float`] says; so do comparisons and conversions from or to `F64`;
/// * a conversion to half precision goes through `f32`, but for `F64` to `F16`, which rounds once (as XLA does).
///
/// # Panics
///
/// If the operation is not defined on the types: see [`Op::takes`].
pub fn scalar(op: Op, dt: Dt, src: Dt, a: u64, b: u64, c: u64) -> u64 {
    match op {
        Op::In | Op::Const | Op::Bitcast => a,
        Op::Index => wrap(dt, a),
        Op::Select => {
            if a != 0 {
                b
            } else {
                c
            }
        }
        Op::Cast => cast(dt, src, a),
        Op::Eq | Op::Ne | Op::Lt | Op::Le => compare(op, src, a, b) as u64,
        Op::NextAfter => next_after(dt, a, b),
        _ => match dt {
            Dt::Bool => truth(op, a, b),
            Dt::F64 => f64_op(op, f64::from_bits(a), f64::from_bits(b), f64::from_bits(c)).to_bits(),
            Dt::F16 | Dt::Bf16 | Dt::F32 => from_f32(dt, f32_op(op, to_f32(dt, a), to_f32(dt, b), to_f32(dt, c))),
            _ => integer(op, dt, a, b, c),
        },
    }
}

/// The low bytes that an element of this type has.
pub(crate) fn wrap(dt: Dt, bits: u64) -> u64 {
    match dt.size() {
        8 => bits,
        n => bits & ((1 << (8 * n)) - 1),
    }
}

/// An integer or truth value, as a number.
pub(crate) fn wide(dt: Dt, bits: u64) -> i128 {
    let unused = 64 - 8 * dt.size();
    match dt.is_signed() {
        true => ((bits << unused) as i64 >> unused) as i128,
        false => wrap(dt, bits) as i128,
    }
}

/// A float of at most 32 bits, exactly.
fn to_f32(dt: Dt, bits: u64) -> f32 {
    match dt {
        Dt::F16 => f16::from_bits(bits as u16).to_f32(),
        Dt::Bf16 => bf16::from_bits(bits as u16).to_f32(),
        _ => f32::from_bits(bits as u32),
    }
}

/// Rounds to a float type of at most 32 bits, to nearest, halves to even.
fn from_f32(dt: Dt, x: f32) -> u64 {
    match dt {
        Dt::F16 => f16::from_f32(x).to_bits() as u64,
        Dt::Bf16 => bf16::from_f32(x).to_bits() as u64,
        _ => x.to_bits() as u64,
    }
}

/// A float of any type, exactly.
fn to_f64(dt: Dt, bits: u64) -> f64 {
    match dt {
        Dt::F64 => f64::from_bits(bits),
        _ => to_f32(dt, bits) as f64,
    }
}

fn truth(op: Op, a: u64, b: u64) -> u64 {
    match op {
        Op::Not => a ^ 1,
        Op::And | Op::Min => a & b,
        Op::Or | Op::Max => a | b,
        Op::Xor => a ^ b,
        _ => panic!("{op:?} is not defined on bool"),
    }
}

/// Integers of every width: computed in 128 bits, then wrapped.
fn integer(op: Op, dt: Dt, a: u64, b: u64, c: u64) -> u64 {
    let (x, y, z) = (wide(dt, a), wide(dt, b), wide(dt, c));
    let width = 8 * dt.size() as u64;
    let (low, shift) = (wrap(dt, a), wrap(dt, b));
    let r = match op {
        Op::Neg => -x,
        Op::Abs => x.abs(),
        Op::Sign => x.signum(),
        Op::Not => !x,
        Op::PopCount => low.count_ones() as i128,
        Op::Clz => low.leading_zeros() as i128 - (64 - width as i128),
        Op::Add => x + y,
        Op::Sub => x - y,
        // The low bits of a product are right even if it overflows.
        Op::Mul => x.wrapping_mul(y),
        Op::MulAdd => x.wrapping_mul(y).wrapping_add(z),
        Op::Div if y == 0 => -1,
        Op::Div => x / y,
        Op::Rem if y == 0 => x,
        Op::Rem => x % y,
        Op::Max => x.max(y),
        Op::Min => x.min(y),
        Op::And => x & y,
        Op::Or => x | y,
        Op::Xor => x ^ y,
        Op::Shl if shift >= width => 0,
        Op::Shl => x << shift,
        Op::Shr => x >> shift.min(width),
        Op::ShrLogical if shift >= width => 0,
        Op::ShrLogical => (low >> shift) as i128,
        _ => panic!("{op:?} is not defined on {dt}"),
    };
    wrap(dt, r as u64)
}

/// The operations of one float type.
macro_rules! float_ops {
    ($name:ident, $t:ty, $math:path) => {
        fn $name(op: Op, a: $t, b: $t, c: $t) -> $t {
            match op {
                // These only move bits.
                Op::Neg => return -a,
                Op::Abs => return a.abs(),
                // One source for everybody, made of the operations below.
                Op::Math(m) => return $math(m, a, b),
                _ => {}
            }
            let (a, b, c) = (a.flush(), b.flush(), c.flush());
            let found = match op {
                Op::Sign if a > 0.0 => 1.0,
                Op::Sign if a < 0.0 => -1.0,
                Op::Sign => a,
                Op::Floor => a.floor(),
                Op::Ceil => a.ceil(),
                Op::RoundEven => a.round_ties_even(),
                Op::RoundAway => a.round(),
                Op::Trunc => a.trunc(),
                Op::Sqrt => a.sqrt(),
                Op::Add => a + b,
                Op::Sub => a - b,
                Op::Mul => a * b,
                Op::Div => a / b,
                Op::Rem => a % b,
                Op::Max if b > a || b.is_nan() => b,
                Op::Min if b < a || b.is_nan() => b,
                Op::Max | Op::Min => a,
                Op::MulAdd => a.mul_add(b, c),
                _ => panic!("{op:?} is not defined on floats"),
            };
            found.flush()
        }
    };
}
float_ops!(f32_op, f32, math::eval32);
float_ops!(f64_op, f64, math::eval64);

fn compare(op: Op, dt: Dt, a: u64, b: u64) -> bool {
    let order = match dt.is_float() {
        true => to_f64(dt, a).partial_cmp(&to_f64(dt, b)),
        false => Some(wide(dt, a).cmp(&wide(dt, b))),
    };
    match op {
        Op::Eq => order.is_some_and(|o| o.is_eq()),
        Op::Ne => !order.is_some_and(|o| o.is_eq()),
        Op::Lt => order.is_some_and(|o| o.is_lt()),
        _ => order.is_some_and(|o| o.is_le()),
    }
}

fn cast(to: Dt, from: Dt, a: u64) -> u64 {
    if to == from {
        return a;
    }
    if !from.is_float() {
        let x = wide(from, a);
        return match to {
            Dt::Bool => (x != 0) as u64,
            Dt::F64 => (x as f64).to_bits(),
            Dt::F16 | Dt::Bf16 | Dt::F32 => from_f32(to, x as f32),
            _ => wrap(to, x as u64),
        };
    }
    if from.size() <= 4 && to.is_float() && to.size() <= 4 {
        return from_f32(to, to_f32(from, a));
    }
    let x = to_f64(from, a);
    match to {
        Dt::Bool => (x != 0.0) as u64,
        Dt::F64 => x.to_bits(),
        Dt::F16 => from_f32(to, round_to_odd(x)),
        Dt::Bf16 | Dt::F32 => from_f32(to, x as f32),
        _ => {
            let width = 8 * to.size() as u32;
            let (least, greatest) = match to.is_signed() {
                true => (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1),
                false => (0, (1i128 << width) - 1),
            };
            // `as` truncates, saturates and makes NaN 0.
            wrap(to, (x as i128).clamp(least, greatest) as u64)
        }
    }
}

/// To `f32`, an inexact result with an odd last bit: what is then rounded to fewer bits is rounded as if once.
fn round_to_odd(x: f64) -> f32 {
    let y = x as f32;
    if y.is_nan() || y as f64 == x {
        return y;
    }
    let toward_zero = if (y as f64).abs() > x.abs() { y.to_bits() - 1 } else { y.to_bits() };
    f32::from_bits(toward_zero | 1)
}

fn next_after(dt: Dt, a: u64, b: u64) -> u64 {
    let nan = |x: u64| to_f64(dt, x).is_nan();
    let sign = 1u64 << (8 * dt.size() - 1);
    // In the order of the numbers, the subnormal ones between the others.
    let place = |x: u64| if x & sign != 0 { -((x & !sign) as i64) } else { x as i64 };
    let (x, y) = (place(a), place(b));
    if nan(a) {
        a
    } else if nan(b) || x == y {
        b
    } else if x == 0 {
        b & sign | 1
    } else if (x < y) == (x > 0) {
        a + 1
    } else {
        a - 1
    }
}
