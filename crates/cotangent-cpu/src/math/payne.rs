//! The reduction of huge arguments modulo pi / 2, in integers.
//!
//! M. Payne and R. Hanek, "Radian reduction for trigonometric functions" (1983): of 2 / pi only those bits are multiplied that
//! contribute to the quadrant and to the fraction behind it.

use super::coeffs::{HALF_PI, TWO_OVER_PI};
use super::dd::Dd;

/// 64 bits of 2 / pi behind the first `skip` bits of its binary fraction; in front of the fraction there are zeros.
fn window(skip: i64) -> u64 {
    let word = |i: i64| usize::try_from(i).ok().and_then(|i| TWO_OVER_PI.get(i)).copied().unwrap_or(0);
    let (i, s) = (skip.div_euclid(64), skip.rem_euclid(64));
    if s == 0 { word(i) } else { word(i) << s | word(i + 1) >> (64 - s) }
}

/// x = q pi / 2 + r (mod 2 pi) with |r| <= pi / 4, for a finite x of magnitude 1 or more.
pub fn reduce(x: f64) -> (i64, Dd<f64>) {
    let bits = x.to_bits();
    let mantissa = (bits & ((1 << 52) - 1)) | 1 << 52;
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1075;
    // x 2/pi = mantissa 2^exponent 2/pi. Bits of 2/pi of weight 2^(2 - exponent) or more give multiples of 4 and are skipped;
    // the next 192 bits, times the mantissa and modulo 2^192, are the rest in units of 2^-190.
    let skip = exponent - 2;
    let w = [window(skip), window(skip + 64), window(skip + 128)];
    let m = mantissa as u128;
    let low = m * w[2] as u128;
    let mid = m * w[1] as u128 + (low >> 64);
    let high = (m as u64).wrapping_mul(w[0]).wrapping_add((mid >> 64) as u64);
    let mut quadrant = (high >> 62) as i64;
    // The fraction of a quadrant, as 128 bits.
    let mut fraction = ((high as u128) << 64 | mid as u64 as u128) << 2 | (low as u64 >> 62) as u128;
    // The 62 bits behind them matter where the fraction is close to 0 or 1.
    let mut rest = (low as u64) << 2;
    let mut sign = 1.0;
    if fraction >> 127 == 1 {
        quadrant += 1;
        sign = -1.0;
        rest = rest.wrapping_neg();
        fraction = (!fraction).wrapping_add((rest == 0) as u128);
    }
    let zeros = fraction.leading_zeros().min(127);
    let top = if zeros == 0 { fraction } else { fraction << zeros | (rest as u128) << 64 >> (128 - zeros) };
    // 53 bits and the next 53 bits.
    let scale = f64::from_bits(((1023 - zeros as i64 - 53) as u64) << 52);
    let hi = (top >> 75) as f64 * scale;
    let lo = (top >> 22 & ((1 << 53) - 1)) as f64 * scale * f64::from_bits((1023 - 53) << 52);
    let r = Dd { hi, lo }.tidy().times(Dd { hi: HALF_PI[0], lo: HALF_PI[1] });
    if x < 0.0 {
        (-quadrant & 3, Dd { hi: -sign * r.hi, lo: -sign * r.lo })
    } else {
        (quadrant & 3, Dd { hi: sign * r.hi, lo: sign * r.lo })
    }
}
