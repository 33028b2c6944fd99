//! The exponential function and those made of it.

use super::{Build, Operand, V, Z, turned, unary};
use crate::M;
use std::f64::consts::LN_2;

unary! {
    /// e^z. A zero imaginary part stays what it is, also where the real part overflows.
    exp = exponential;
    /// 2^z.
    exp2 = exponential2;
    /// e^z - 1, accurate near 0.
    expm1 = exponential_minus_one;
    /// 1 / (1 + e^-z).
    logistic = sigmoid;
    /// The hyperbolic sine.
    sinh = hyperbolic_sine;
    /// The hyperbolic cosine.
    cosh = hyperbolic_cosine;
    /// The hyperbolic tangent.
    tanh = hyperbolic_tangent;
    /// The sine.
    sin = |at, z| turned(z, |z| hyperbolic_sine(at, z));
    /// The cosine.
    cos = cosine;
    /// The tangent.
    tan = |at, z| turned(z, |z| hyperbolic_tangent(at, z));
}

/// A number near the logarithm of the greatest one. Beyond it, e^x is computed as e^(x - LIMIT) e^LIMIT, and the second factor
/// is applied last, because a sine or cosine may bring the product back into range.
const LIMIT: (f64, f64) = (88.0, 709.0);
/// e^LIMIT / 2.
const HALF_EXP_LIMIT: (f64, f64) = (8.258_181_274_970_01e37, 4.109_203_730_777_486e307);

/// The number below which an exponential does not overflow, whether that was below x, and the factor that is then missing.
fn reduced<'p>(at: &'p Build, x: V<'p>) -> (V<'p>, V<'p>, V<'p>) {
    let limit = at.by(LIMIT.0, LIMIT.1);
    let large = x.gt(limit);
    let factor = large.pick(at.by(2.0 * HALF_EXP_LIMIT.0, 2.0 * HALF_EXP_LIMIT.1), 1.0);
    (x - large.pick(limit, 0.0), large, factor)
}

/// r (c + is) times a factor, where (c, s) are cosine and sine of y. The sine of a zero angle is that zero, even if r is infinite.
fn polar<'p>(r: V<'p>, y: V<'p>, (c, s): Z<'p>, factor: V<'p>) -> Z<'p> {
    (r * c * factor, y.eq(0.0).pick(y, r * s * factor))
}

fn cos_sin(y: V) -> Z {
    (y.math(M::Cos), y.math(M::Sin))
}

fn exponential<'p>(at: &'p Build, (x, y): Z<'p>) -> Z<'p> {
    let (r, _, factor) = reduced(at, x);
    polar(r.math(M::Exp), y, cos_sin(y), factor)
}

fn exponential2<'p>(at: &'p Build, (x, y): Z<'p>) -> Z<'p> {
    let limit = at.by(127.0, 1023.0);
    let large = x.gt(limit);
    let r = (x - large.pick(limit, 0.0)).math(M::Exp2);
    let factor = large.pick(at.two_to(127, 1023), 1.0);
    // The angle y log 2 in two parts; the second one turns the result a little.
    let ln2 = LN_2.value(at);
    let angle = y * ln2;
    let rest = y.fma(ln2, -angle) + y * at.by(LN_2 - LN_2 as f32 as f64, 2.319_046_813_846_299_6e-17);
    let (c, s) = cos_sin(angle);
    polar(r, y, (c - rest * s, s + rest * c), factor)
}

/// e^z - 1 = (e^x - 1) cos y - 2 sin^2(y / 2) + i e^x sin y.
fn exponential_minus_one<'p>(at: &'p Build, (x, y): Z<'p>) -> Z<'p> {
    let (r, large, factor) = reduced(at, x);
    let (c, s) = cos_sin(y);
    let (re, im) = polar(r.math(M::Exp), y, (c, s), factor);
    let half = (y * 0.5).math(M::Sin);
    let near = r.math(M::Expm1) * c - half * half * 2.0;
    (large.pick(re, near), im)
}

/// With e = e^-|x|: (1 + e cos y, e sin y) / |1 + e^(-|x| - iy)|^2 on the right, (e (cos y + e), e sin y) over the same on the left.
/// Near a pole, e cos y is near -1: 1 + cos y is written as 2 cos^2(y / 2).
fn sigmoid<'p>(_: &'p Build, (x, y): Z<'p>) -> Z<'p> {
    let fall = -x.abs();
    let (e, em1) = (fall.math(M::Exp), fall.math(M::Expm1));
    let c = (y * 0.5).math(M::Cos);
    let cc = c * c * 2.0;
    let right = e * cc - em1;
    let im = e * y.math(M::Sin);
    let norm = right * right + im * im;
    let re = x.lt(0.0).pick(e * (cc + em1), right);
    (re / norm, im / norm)
}

/// sinh |x| and cosh |x|, up to a common factor.
fn hyperbolic<'p>(at: &'p Build, x: V<'p>) -> (V<'p>, V<'p>, V<'p>) {
    let limit = at.by(LIMIT.0, LIMIT.1);
    let large = x.gt(limit);
    let factor = large.pick(at.by(HALF_EXP_LIMIT.0, HALF_EXP_LIMIT.1), 1.0);
    let em1 = (x - large.pick(limit, 0.0)).math(M::Expm1);
    let e = em1 + 1.0;
    let sinh = large.pick(e, (em1 + em1 / e) * 0.5);
    let cosh = large.pick(e, (e + 1.0.value(at) / e) * 0.5);
    (sinh, cosh, factor)
}

/// sinh x cos y + i cosh x sin y.
fn hyperbolic_sine<'p>(at: &'p Build, (x, y): Z<'p>) -> Z<'p> {
    let (sinh, cosh, factor) = hyperbolic(at, x.abs());
    let re = (sinh * y.math(M::Cos) * factor) * 1.0.value(at).signed(x);
    // Where the sine is zero, the part vanishes even if the other factor is infinite.
    let im = cosh * y.math(M::Sin) * factor;
    (re, y.eq(0.0).pick(y, im))
}

/// cosh x cos y + i sinh x sin y.
fn hyperbolic_cosine<'p>(at: &'p Build, (x, y): Z<'p>) -> Z<'p> {
    let (sinh, cosh, factor) = hyperbolic(at, x.abs());
    let sign = 1.0.value(at).signed(x);
    let im = (sinh * y.math(M::Sin) * factor) * sign;
    (cosh * y.math(M::Cos) * factor, y.eq(0.0).pick(y * sign, im))
}

/// cos z = cosh iz.
fn cosine<'p>(at: &'p Build, (x, y): Z<'p>) -> Z<'p> {
    hyperbolic_cosine(at, (-y, x))
}

/// (sinh x cosh x + i sin y cos y) / (sinh^2 x + cos^2 y): there is no cancellation.
fn hyperbolic_tangent<'p>(at: &'p Build, (x, y): Z<'p>) -> Z<'p> {
    // From here on the imaginary part is below the normal numbers.
    let limit = at.by(44.0, 354.5);
    let m = x.abs();
    let (sinh, cosh, _) = hyperbolic(at, m.min(limit));
    let (c, s) = cos_sin(y);
    let norm = sinh * sinh + c * c;
    let re = (sinh * cosh / norm) * 1.0.value(at).signed(x);
    let im = (s * c / norm) * m.gt(limit).pick(0.0, 1.0);
    // At an infinite real part the angle does not matter, even if there is none.
    let end = x.is_inf();
    let re = end.pick(1.0.value(at).signed(x), re);
    let im = end.and(y.is_finite().not()).pick(0.0, y.eq(0.0).pick(y, im));
    (re, im)
}
