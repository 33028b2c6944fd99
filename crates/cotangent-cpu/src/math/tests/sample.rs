//! Where functions are sampled, and how errors are counted.

use crate::M;

/// A generator of pseudo-random numbers (xorshift64*), so that every run sees the same ones.
pub struct Rng(pub u64);
impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
    pub fn between(&mut self, lo: f64, hi: f64) -> f64 {
        lo + (hi - lo) * self.unit()
    }
    /// Uniform in the logarithm, between two powers of two.
    pub fn power(&mut self, lo: f64, hi: f64) -> f64 {
        core_math::exp2(self.between(lo, hi))
    }
    /// The same with a random sign.
    pub fn either(&mut self, lo: f64, hi: f64) -> f64 {
        let x = self.power(lo, hi);
        if self.next() & 1 == 0 { x } else { -x }
    }
}

/// The k-th argument at which the error of a function is measured: arguments spread evenly over the interesting range, others spread
/// over all magnitudes. Results are normal numbers, because below them XLA flushes to zero.
pub fn argument(m: M, k: usize, double: bool, r: &mut Rng) -> (f64, f64) {
    let even = k.is_multiple_of(2);
    let x = match m {
        M::Exp | M::Sinh | M::Cosh if k.is_multiple_of(4) => {
            if double {
                r.between(-708.0, 709.7)
            } else {
                r.between(-87.3, 88.7)
            }
        }
        M::Exp2 if even => {
            if double {
                r.between(-1021.0, 1023.9)
            } else {
                r.between(-125.9, 127.9)
            }
        }
        M::Exp | M::Expm1 | M::Sinh | M::Cosh | M::Tanh | M::Logistic if even => r.between(-20.0, 20.0),
        M::Exp | M::Exp2 | M::Expm1 | M::Sinh | M::Cosh | M::Tanh | M::Logistic => r.either(-60.0, 6.4),
        M::Log if even => r.between(0.0, 4.0),
        M::Log => r.power(-120.0, 120.0),
        M::Log1p if even => r.between(-1.0, 4.0),
        M::Log1p => {
            let x = r.either(-60.0, 60.0);
            if x < -1.0 { 1.0 / x } else { x }
        }
        M::Sin | M::Cos | M::Tan if even => r.between(-100.0, 100.0),
        M::Sin | M::Cos | M::Tan => r.either(-60.0, 100.0),
        M::ErfInv if k.is_multiple_of(4) => 1.0 - r.power(-24.0, -1.0),
        M::Asin | M::Acos | M::Atanh | M::ErfInv if even => r.between(-1.0, 1.0),
        M::Asin | M::Acos | M::Atanh | M::ErfInv => r.either(-60.0, 0.0),
        M::Atan | M::Asinh if even => r.between(-2.0, 2.0),
        M::Acosh if even => r.between(1.0, 4.0),
        M::Acosh => 1.0 + r.power(-23.0, 100.0),
        M::Atan | M::Asinh | M::Cbrt => r.either(-100.0, 100.0),
        M::Atan2 => return (r.either(-40.0, 40.0), r.either(-40.0, 40.0)),
        M::Pow if even => return (r.power(-6.0, 6.0), r.between(-15.0, 15.0)),
        M::Pow => return (r.between(0.9, 1.1), r.between(-300.0, 300.0)),
        M::Erf if even => r.between(-6.0, 6.0),
        M::Erfc if even => r.between(-6.0, 9.0),
        M::Erf | M::Erfc => r.either(-60.0, 2.5),
        M::Lgamma | M::Digamma if even => r.between(0.0, 10.0),
        M::Lgamma | M::Digamma => r.power(-60.0, 100.0),
        M::BesselI0e | M::BesselI1e if even => r.between(-20.0, 20.0),
        M::BesselI0e | M::BesselI1e => r.either(-60.0, 100.0),
    };
    (x, 0.0)
}

/// The function of `f64`, correctly rounded by the core-math library; `None` where it has none.
pub fn exact(m: M, a: f64, b: f64) -> Option<f64> {
    use core_math as cm;
    Some(match m {
        M::Exp => cm::exp(a),
        M::Exp2 => cm::exp2(a),
        M::Expm1 => cm::expm1(a),
        M::Log => cm::log(a),
        M::Log1p => cm::log1p(a),
        M::Sin => cm::sin(a),
        M::Cos => cm::cos(a),
        M::Tan => cm::tan(a),
        M::Asin => cm::asin(a),
        M::Acos => cm::acos(a),
        M::Atan => cm::atan(a),
        M::Atan2 => cm::atan2(a, b),
        M::Sinh => cm::sinh(a),
        M::Cosh => cm::cosh(a),
        M::Tanh => cm::tanh(a),
        M::Asinh => cm::asinh(a),
        M::Acosh => cm::acosh(a),
        M::Atanh => cm::atanh(a),
        M::Cbrt => cm::cbrt(a),
        M::Pow => cm::pow(a, b),
        M::Erf => cm::erf(a),
        M::Erfc => cm::erfc(a),
        M::Lgamma => cm::lgamma(a),
        M::Logistic | M::ErfInv | M::Digamma | M::BesselI0e | M::BesselI1e => return None,
    })
}

/// The unit in the last place of a number, for a type with so many fraction bits and this least exponent.
pub fn unit(x: f64, fraction: i32, least: i32) -> f64 {
    let exponent = ((x.abs().to_bits() >> 52) as i32 - 1023).max(least);
    // In two steps, as the unit may be below the normal numbers.
    2f64.powi(exponent) * 2f64.powi(-fraction)
}

/// The error of an `f32` in units in the last place of the true value.
pub fn error32(got: f32, want: f64) -> f64 {
    let (got, rounded) = (got as f64, want as f32 as f64);
    if got.is_nan() || want.is_nan() || rounded.is_infinite() || got.is_infinite() {
        return if got == rounded || (got.is_nan() && want.is_nan()) { 0.0 } else { f64::INFINITY };
    }
    (got - want).abs() / unit(want, 23, -126)
}

/// The distance of an `f64` from the correctly rounded one, in units in the last place.
pub fn error64(got: f64, want: f64) -> f64 {
    if got.is_nan() || want.is_nan() || got.is_infinite() || want.is_infinite() {
        return if got == want || (got.is_nan() && want.is_nan()) { 0.0 } else { f64::INFINITY };
    }
    (got - want).abs() / unit(want, 52, -1022)
}
