//! Scalar operations on every type: integers, floats, conversions.

use crate::reference::scalar;
use crate::{Dt, M, Op};

/// The bits of a number as an element of this type.
fn bits(dt: Dt, x: f64) -> u64 {
    scalar(Op::Cast, dt, Dt::F64, x.to_bits(), 0, 0)
}
/// An operation on one type, on integers.
#[track_caller]
fn int(op: Op, dt: Dt, a: i128, b: i128, want: i128) {
    let m = |x: i128| (x as u64) & (u64::MAX >> (64 - 8 * dt.size()));
    let got = scalar(op, dt, dt, m(a), m(b), 0);
    assert_eq!(got, m(want), "{op:?} {dt} {a} {b}: {got:#x}");
}
/// An operation on every float type. The expected number is exact in all of them.
#[track_caller]
fn floats(op: Op, a: f64, b: f64, want: f64) {
    for dt in [Dt::F16, Dt::Bf16, Dt::F32, Dt::F64] {
        let got = scalar(op, dt, dt, bits(dt, a), bits(dt, b), 0);
        let value = f64::from_bits(scalar(Op::Cast, Dt::F64, dt, got, 0, 0));
        assert!(
            value.to_bits() == want.to_bits() || value.is_nan() && want.is_nan(),
            "{op:?} {dt} {a} {b}: {value}, not {want}"
        );
    }
}

const INTS: [Dt; 8] = [Dt::I8, Dt::I16, Dt::I32, Dt::I64, Dt::U8, Dt::U16, Dt::U32, Dt::U64];

#[test]
fn integers() {
    for dt in INTS {
        let width = 8 * dt.size() as i128;
        let (min, max) = match dt.is_signed() {
            true => (-(1 << (width - 1)), (1 << (width - 1)) - 1),
            false => (0, (1 << width) - 1),
        };
        let all_ones = if dt.is_signed() { -1 } else { max };
        for (op, a, b, want) in [
            (Op::Add, max, 1, min),
            (Op::Sub, min, 1, max),
            (Op::Mul, max, max, 1),
            (Op::Div, 7, 0, all_ones),
            (Op::Div, 0, 0, all_ones),
            (Op::Div, max, 2, max / 2),
            (Op::Rem, 7, 0, 7),
            (Op::Rem, max, 10, max % 10),
            (Op::Max, min, max, max),
            (Op::Min, min, max, min),
            (Op::Shl, 1, width - 1, 1 << (width - 1)),
            (Op::Shl, 1, width, 0),
            (Op::Shl, 1, -1, 0),
            (Op::Shr, max, width - 2, max >> (width - 2)),
            (Op::Shr, max, width, 0),
            (Op::ShrLogical, max, 1, max >> 1),
            (Op::ShrLogical, min, width, 0),
            (Op::And, 0b1100, 0b1010, 0b1000),
            (Op::Or, 0b1100, 0b1010, 0b1110),
            (Op::Xor, 0b1100, 0b1010, 0b0110),
        ] {
            int(op, dt, a, b, want);
        }
        for (op, a, want) in [
            (Op::Neg, min, if dt.is_signed() { min } else { 0 }),
            (Op::Neg, 5, -5),
            (Op::Abs, min, min),
            (Op::Sign, max, 1),
            (Op::Sign, 0, 0),
            (Op::Not, 0, -1),
            (Op::PopCount, -1, width),
            (Op::PopCount, 5, 2),
            (Op::Clz, 0, width),
            (Op::Clz, 1, width - 1),
            (Op::Clz, -1, 0),
        ] {
            int(op, dt, a, 0, want);
        }
        let m = |x: i128| x as u64 & (u64::MAX >> (64 - width));
        let compare = |op, a, b| scalar(op, Dt::Bool, dt, m(a), m(b), 0);
        assert_eq!([Op::Lt, Op::Le, Op::Eq, Op::Ne].map(|o| compare(o, min, max)), [1, 1, 0, 1]);
        assert_eq!([Op::Lt, Op::Le, Op::Eq, Op::Ne].map(|o| compare(o, max, max)), [0, 1, 1, 0]);
        assert_eq!(scalar(Op::MulAdd, dt, dt, 3, 5, 7), 22);
        assert_eq!(scalar(Op::MulAdd, dt, dt, m(max), 2, 2), 0);
    }
    for dt in [Dt::I8, Dt::I16, Dt::I32, Dt::I64] {
        let width = 8 * dt.size() as i128;
        let min = -(1i128 << (width - 1));
        for (op, a, b, want) in [
            (Op::Div, min, -1, min),
            (Op::Rem, min, -1, 0),
            (Op::Div, -7, 2, -3),
            (Op::Rem, -7, 2, -1),
            (Op::Rem, 7, -2, 1),
            (Op::Rem, -7, 0, -7),
            (Op::Shr, -8, 1, -4),
            (Op::Shr, -8, width, -1),
            (Op::Shr, -8, -1, -1),
            (Op::ShrLogical, -1, width - 1, 1),
            (Op::ShrLogical, -1, -1, 0),
        ] {
            int(op, dt, a, b, want);
        }
        int(Op::Sign, dt, -5, 0, -1);
        int(Op::Abs, dt, -5, 0, 5);
    }
}

#[test]
fn truth_values() {
    let f = |op, a, b| scalar(op, Dt::Bool, Dt::Bool, a, b, 0);
    assert_eq!([f(Op::Not, 0, 0), f(Op::Not, 1, 0)], [1, 0]);
    let table = |op| [f(op, 0, 0), f(op, 0, 1), f(op, 1, 0), f(op, 1, 1)];
    assert_eq!(table(Op::And), [0, 0, 0, 1]);
    assert_eq!(table(Op::Min), [0, 0, 0, 1]);
    assert_eq!(table(Op::Or), [0, 1, 1, 1]);
    assert_eq!(table(Op::Max), [0, 1, 1, 1]);
    assert_eq!(table(Op::Xor), [0, 1, 1, 0]);
    assert_eq!(table(Op::Lt), [0, 1, 0, 0]);
    assert_eq!(table(Op::Eq), [1, 0, 0, 1]);
    assert_eq!(scalar(Op::Select, Dt::I8, Dt::Bool, 1, 5, 6), 5);
    assert_eq!(scalar(Op::Select, Dt::I8, Dt::Bool, 0, 5, 6), 6);
}

#[test]
fn float_operations() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for (op, a, b, want) in [
        (Op::Add, 1.5, 2.0, 3.5),
        (Op::Sub, inf, inf, nan),
        (Op::Mul, 0.0, -1.0, -0.0),
        (Op::Div, 1.0, -0.0, -inf),
        (Op::Div, 0.0, 0.0, nan),
        (Op::Rem, 5.5, 2.0, 1.5),
        (Op::Rem, -5.5, 2.0, -1.5),
        (Op::Rem, 5.5, -2.0, 1.5),
        (Op::Rem, -4.0, 2.0, -0.0),
        (Op::Rem, 5.0, 0.0, nan),
        (Op::Rem, inf, 2.0, nan),
        (Op::Rem, 5.0, inf, 5.0),
        // Max(-0, +0) is the first operand; NaN on either side wins.
        (Op::Max, -0.0, 0.0, -0.0),
        (Op::Max, 0.0, -0.0, 0.0),
        (Op::Min, 0.0, -0.0, 0.0),
        (Op::Min, -0.0, 0.0, -0.0),
        (Op::Max, nan, 1.0, nan),
        (Op::Max, 1.0, nan, nan),
        (Op::Min, nan, 1.0, nan),
        (Op::Min, 1.0, nan, nan),
        (Op::Max, 1.0, 2.0, 2.0),
        (Op::Min, 1.0, 2.0, 1.0),
    ] {
        floats(op, a, b, want);
    }
    for (op, a, want) in [
        (Op::Neg, 0.0, -0.0),
        (Op::Abs, -0.0, 0.0),
        (Op::Abs, -inf, inf),
        (Op::Sign, -3.0, -1.0),
        (Op::Sign, inf, 1.0),
        (Op::Sign, -0.0, -0.0),
        (Op::Sign, nan, nan),
        (Op::Floor, -0.5, -1.0),
        (Op::Floor, -0.0, -0.0),
        (Op::Ceil, -0.5, -0.0),
        (Op::RoundEven, 2.5, 2.0),
        (Op::RoundEven, -0.5, -0.0),
        (Op::RoundEven, 3.5, 4.0),
        (Op::RoundAway, 2.5, 3.0),
        (Op::RoundAway, -0.5, -1.0),
        (Op::RoundAway, -0.25, -0.0),
        (Op::Trunc, -1.75, -1.0),
        (Op::Sqrt, 2.25, 1.5),
        (Op::Sqrt, -0.0, -0.0),
        (Op::Sqrt, -1.0, nan),
    ] {
        floats(op, a, 0.0, want);
    }
    // The largest number below one half does not round up.
    let x = 0.5f32.next_down();
    assert_eq!(scalar(Op::RoundAway, Dt::F32, Dt::F32, x.to_bits() as u64, 0, 0), 0);
    for dt in [Dt::F16, Dt::Bf16, Dt::F32, Dt::F64] {
        let f = |op, a, b| scalar(op, Dt::Bool, dt, bits(dt, a), bits(dt, b), 0);
        let all = |a, b| [Op::Eq, Op::Ne, Op::Lt, Op::Le].map(|o| f(o, a, b));
        assert_eq!(all(nan, nan), [0, 1, 0, 0]);
        assert_eq!(all(1.0, nan), [0, 1, 0, 0]);
        assert_eq!(all(-0.0, 0.0), [1, 0, 0, 1]);
        assert_eq!(all(-inf, -1.0), [0, 1, 1, 1]);
    }
}

#[test]
fn one_rounding_of_multiply_add() {
    let e = f32::EPSILON;
    let f = |x: f32| x.to_bits() as u64;
    let got = scalar(Op::MulAdd, Dt::F32, Dt::F32, f(1.0 + e), f(1.0 + e), f(-1.0 - 2.0 * e));
    assert_eq!(f32::from_bits(got as u32), e * e);
    // In half precision the product is exact in f32, and the sum is rounded there before it is f16.
    let h = |x: f32| half::f16::from_f32(x).to_bits() as u64;
    let got = scalar(Op::MulAdd, Dt::F16, Dt::F16, h(300.0), h(300.0), h(-60000.0));
    assert_eq!(got, h(30000.0));
}

#[test]
fn neighbors() {
    let f = |x: f32| x.to_bits() as u64;
    let next = |a: f32, b: f32| f32::from_bits(scalar(Op::NextAfter, Dt::F32, Dt::F32, f(a), f(b), 0) as u32);
    let least = f32::from_bits(1);
    for (a, b, want) in [
        (1.0, 2.0, 1.0f32.next_up()),
        (1.0, 0.0, 1.0f32.next_down()),
        (-1.0, 0.0, (-1.0f32).next_up()),
        (-1.0, -2.0, (-1.0f32).next_down()),
        (0.0, 1.0, least),
        (-0.0, 1.0, least),
        (0.0, -1.0, -least),
        (least, -1.0, 0.0),
        (-least, 1.0, -0.0),
        (0.0, -0.0, -0.0),
        (-0.0, 0.0, 0.0),
        (f32::MAX, f32::INFINITY, f32::INFINITY),
        (f32::INFINITY, 0.0, f32::MAX),
    ] {
        assert_eq!(next(a, b).to_bits(), want.to_bits(), "{a} {b}");
    }
    assert!(next(f32::NAN, 1.0).is_nan() && next(1.0, f32::NAN).is_nan());
    // In its own type.
    assert_eq!(scalar(Op::NextAfter, Dt::F16, Dt::F16, 0, 0xbc00, 0), 0x8001);
    assert_eq!(scalar(Op::NextAfter, Dt::Bf16, Dt::Bf16, 0x3f80, 0x7f80, 0), 0x3f81);
    assert_eq!(scalar(Op::NextAfter, Dt::F64, Dt::F64, 1f64.to_bits(), 0, 0), 1f64.to_bits() - 1);
}

#[test]
fn conversions_to_integers_saturate() {
    let f = |to, x: f64| scalar(Op::Cast, to, Dt::F64, x.to_bits(), 0, 0);
    for to in INTS {
        let width = 8 * to.size() as u32;
        let (min, max) = match to.is_signed() {
            true => (1u64 << (width - 1), (1u64 << (width - 1)) - 1),
            false => (0, u64::MAX >> (64 - width)),
        };
        for x in [f64::INFINITY, 1e300, 2f64.powi(64)] {
            assert_eq!(f(to, x), max, "{to} {x}");
        }
        for x in [f64::NEG_INFINITY, -1e300] {
            assert_eq!(f(to, x), min, "{to} {x}");
        }
        assert_eq!(f(to, f64::NAN), 0);
        assert_eq!(f(to, 3.99), 3);
        assert_eq!(f(to, -0.99), 0);
        assert_eq!(scalar(Op::Cast, to, Dt::F16, half::f16::from_f32(-0.99).to_bits() as u64, 0, 0), 0);
        assert_eq!(scalar(Op::Cast, to, Dt::F32, f32::INFINITY.to_bits() as u64, 0, 0), max);
        assert_eq!(scalar(Op::Cast, to, Dt::Bool, 1, 0, 0), 1);
    }
    assert_eq!(f(Dt::I8, -3.99), 0xfd);
    assert_eq!(f(Dt::U8, -3.99), 0);
    assert_eq!(f(Dt::I64, -(2f64.powi(63))), 1 << 63);
}

#[test]
fn conversions_between_integers_and_truth_values() {
    let f = |to, from, x| scalar(Op::Cast, to, from, x, 0, 0);
    assert_eq!(f(Dt::I32, Dt::I8, 0xff), 0xffff_ffff);
    assert_eq!(f(Dt::I32, Dt::U8, 0xff), 0xff);
    assert_eq!(f(Dt::U64, Dt::I16, 0x8000), 0xffff_ffff_ffff_8000);
    assert_eq!(f(Dt::I8, Dt::U64, 0x1234), 0x34);
    assert_eq!(f(Dt::Bool, Dt::I32, 0x100), 1);
    assert_eq!(f(Dt::Bool, Dt::U64, 0), 0);
    for (x, want) in [(0.0, 0), (-0.0, 0), (f64::NAN, 1), (1e-310, 1), (f64::INFINITY, 1)] {
        assert_eq!(f(Dt::Bool, Dt::F64, x.to_bits()), want);
    }
    assert_eq!(f(Dt::F32, Dt::Bool, 1), 1.0f32.to_bits() as u64);
    // An odd integer beyond the significand is rounded to even, from either side.
    assert_eq!(f(Dt::F32, Dt::I32, (1 << 24) + 1), (16777216.0f32).to_bits() as u64);
    assert_eq!(f(Dt::F32, Dt::U64, (1 << 24) + 3), (16777220.0f32).to_bits() as u64);
    assert_eq!(f(Dt::F64, Dt::U64, u64::MAX), (2f64.powi(64)).to_bits());
    assert_eq!(f(Dt::F64, Dt::I64, u64::MAX), (-1f64).to_bits());
    assert_eq!(f(Dt::F16, Dt::I32, 70000), half::f16::INFINITY.to_bits() as u64);
    assert_eq!(scalar(Op::Bitcast, Dt::U32, Dt::F32, 0x3f80_0000, 0, 0), 0x3f80_0000);
    assert_eq!(scalar(Op::Index, Dt::I8, Dt::I8, 0x1ff, 0, 0), 0xff);
}

/// The number of this half precision type nearest to `x`, by search among all of them; of two, the one with even bits.
fn nearest(dt: Dt, x: f64) -> u64 {
    let value = |b: u64| f64::from_bits(scalar(Op::Cast, Dt::F64, dt, b, 0, 0));
    let infinity = bits(dt, f64::INFINITY);
    // An infinity is rounded to as if it were the next number of the type.
    let top = value(infinity - 1) + (value(infinity - 1) - value(infinity - 2));
    let of = |b: u64| if b == infinity { top } else { value(b) };
    let m = x.abs();
    let (mut lo, mut hi) = (0, infinity);
    while hi - lo > 1 {
        let mid = (lo + hi) / 2;
        if of(mid) <= m { lo = mid } else { hi = mid }
    }
    let (down, up) = (m - of(lo), of(hi) - m);
    let near = if m >= top || up < down || up == down && hi % 2 == 0 { hi } else { lo };
    near | if x.is_sign_negative() { 1 << 15 } else { 0 }
}

#[test]
fn conversions_to_half_precision_round_to_nearest() {
    let mut s = 1u64;
    let mut double = 0;
    for k in 0..200_000 {
        s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        // Near the middle between two numbers, in every third case by less than f32 can see.
        let h = half::f16::from_bits((s >> 33) as u16 & 0x7fff);
        if !h.is_finite() {
            continue;
        }
        let (a, b) = (h.to_f64(), half::f16::from_bits(h.to_bits() + 1).to_f64());
        let b = if b.is_finite() { b } else { 65536.0 };
        let x = match k % 3 {
            0 => a + (b - a) * ((s >> 20) as u16 as f64 / 65535.0),
            1 => ((a + b) / 2.0).next_up(),
            _ => -((a + b) / 2.0).next_down(),
        };
        let got = scalar(Op::Cast, Dt::F16, Dt::F64, x.to_bits(), 0, 0);
        assert_eq!(got, nearest(Dt::F16, x), "{x:e}");
        double += (got != half::f16::from_f32(x as f32).to_bits() as u64) as u32;
        // All others go through f32, and there nearest means nearest.
        let y = x as f32;
        for dt in [Dt::F16, Dt::Bf16] {
            let got = scalar(Op::Cast, dt, Dt::F32, y.to_bits() as u64, 0, 0);
            assert_eq!(got, nearest(dt, y as f64), "{dt} {y:e}");
        }
        assert_eq!(
            scalar(Op::Cast, Dt::Bf16, Dt::F64, x.to_bits(), 0, 0),
            scalar(Op::Cast, Dt::Bf16, Dt::F32, y.to_bits() as u64, 0, 0)
        );
    }
    assert!(double > 10_000, "rounding twice makes no difference in these numbers");
    for (x, want) in [(65519.0, 0x7bff), (65520.0, 0x7c00), (-1e300, 0xfc00), (2f64.powi(-25), 0), (1e-300, 0)] {
        assert_eq!(scalar(Op::Cast, Dt::F16, Dt::F64, f64::to_bits(x), 0, 0), want);
    }
    assert_eq!(scalar(Op::Cast, Dt::F16, Dt::F64, 2f64.powi(-25).next_up().to_bits(), 0, 0), 1);
    assert_eq!(scalar(Op::Cast, Dt::F64, Dt::F16, 1, 0, 0), 2f64.powi(-24).to_bits());
    assert_eq!(scalar(Op::Cast, Dt::F32, Dt::Bf16, 0xff80, 0, 0), f32::NEG_INFINITY.to_bits() as u64);
}

#[test]
fn elementary_functions_round_to_the_type() {
    let f = |dt, x| scalar(Op::Math(M::Exp), dt, dt, bits(dt, x), 0, 0);
    assert_eq!(f(Dt::F64, 0.0), 1f64.to_bits());
    assert_eq!(f(Dt::F16, 20.0), bits(Dt::F16, f64::INFINITY));
    assert_eq!(f(Dt::Bf16, 1.0), half::bf16::from_f32(std::f32::consts::E).to_bits() as u64);
    assert_eq!(
        scalar(Op::Math(M::Atan2), Dt::F64, Dt::F64, 1f64.to_bits(), 0, 0),
        std::f64::consts::FRAC_PI_2.to_bits()
    );
}
