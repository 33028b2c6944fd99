//! The logarithm, the inverse functions made of it, and the power.

use super::{Build, DOWN, Operand, Scaled, V, Z, build, is_infinite, modulus, turned, unary};
use crate::{Body, Dt, M};
use std::f64::consts::{FRAC_PI_2, LN_2};

unary! {
    /// The logarithm, with an imaginary part in [-pi, pi].
    log = logarithm;
    /// log(1 + z), accurate near 0.
    log1p = logarithm_of_one_plus;
    /// The arc sine; cuts on the real axis beyond -1 and 1.
    asin = arc_sine;
    /// The arc cosine; cuts as those of `asin`.
    acos = arc_cosine;
    /// The inverse hyperbolic sine; cuts on the imaginary axis beyond -i and i.
    asinh = |at, z| turned(z, |z| arc_sine(at, z));
    /// The inverse hyperbolic cosine, with a real part that is not negative; cut on the real axis below 1.
    acosh = inverse_hyperbolic_cosine;
    /// The inverse hyperbolic tangent; cuts on the real axis beyond -1 and 1.
    atanh = inverse_hyperbolic_tangent;
    /// The arc tangent; cuts on the imaginary axis beyond -i and i.
    atan = |at, z| turned(z, |z| inverse_hyperbolic_tangent(at, z));
}

/// z^w, the principal value. 0^w is 0 if w has a positive real part, z^0 and 1^w are 1.
pub fn pow(b: &mut Body, dt: Dt, z: (u32, u32), w: (u32, u32)) -> (u32, u32) {
    build(b, dt, [z, w], |at, [z, w]| power(at, z, w))
}

/// a + b, and what its rounding lost (D. E. Knuth, TAOCP 2, 4.2.2).
fn two_sum<'p>(a: V<'p>, b: V<'p>) -> (V<'p>, V<'p>) {
    let s = a + b;
    let t = s - a;
    (s, (a - (s - t)) + (b - t))
}

/// a + x^2 + y^2, where a and one of the squares may nearly cancel: the sum as if computed with twice the digits.
fn plus_squares<'p>(a: V<'p>, x: V<'p>, y: V<'p>) -> V<'p> {
    let (xx, yy) = (x * x, y * y);
    let lost = x.fma(x, -xx) + y.fma(y, -yy);
    let (s, e) = two_sum(a, xx);
    let (s, f) = two_sum(s, yy);
    s + (f + (e + lost))
}

/// log|z|, where `near` is |z|^2 - 1: from it if |z| is near 1, otherwise from the scaled square.
fn log_modulus<'p>(at: &'p Build, s: &Scaled<'p>, near: V<'p>) -> V<'p> {
    let far = s.norm.math(M::Log) * 0.5 + s.log_unscale(at);
    near.gt(-0.5).and(near.lt(1.0)).pick(near.math(M::Log1p) * 0.5, far)
}

fn logarithm<'p>(at: &'p Build, z: Z<'p>) -> Z<'p> {
    logarithm_of_scaled(at, z, &Scaled::new(at, z))
}

fn logarithm_of_scaled<'p>(at: &'p Build, (x, y): Z<'p>, s: &Scaled<'p>) -> Z<'p> {
    let (large, small) = (x.abs().max(y.abs()), x.abs().min(y.abs()));
    let near = plus_squares((-1.0).value(at), large, small);
    (log_modulus(at, s, near), y.atan2(x))
}

fn logarithm_of_one_plus<'p>(at: &'p Build, (x, y): Z<'p>) -> Z<'p> {
    let near = plus_squares(x + x, y, x);
    let one_plus = x + 1.0;
    (log_modulus(at, &Scaled::new(at, (one_plus, y)), near), y.atan2(one_plus))
}

/// What arc sine and arc cosine are made of, for |x| and |y|.
///
/// T. E. Hull, T. F. Fairgrieve and P. T. P. Tang, "Implementing the complex arcsine and arccosine functions using exception
/// handling" (1997): with the distances r and s from the points -1 and 1 and a = (r + s) / 2, the real part is the angle of
/// sqrt(a^2 - x^2) + ix and the imaginary part is log(a + sqrt(a^2 - 1)). Both a - x and a - 1 are sums of terms without sign,
///
/// a - x or a - 1 = (y^2 / (r + x + 1) + s + |x - 1|) / 2, the other one = (y^2 / (r + x + 1) + y^2 / (s + |x - 1|)) / 2
///
/// with a - x first if x < 1.
struct Arc<'p> {
    /// |x|.
    x: V<'p>,
    /// The side next to the angle whose opposite side is x, up to a common factor.
    adjacent: V<'p>,
    /// The imaginary part of the arc sine.
    log: V<'p>,
}

impl<'p> Arc<'p> {
    fn new(at: &'p Build, z: Z<'p>) -> Arc<'p> {
        let (x0, y0) = (z.0.abs(), z.1.abs());
        let large = x0.max(y0).gt(at.two_to(40, 200));
        let (x, y) = (large.pick(0.5, x0), large.pick(0.5, y0));
        let (d, e) = (x - 1.0, x + 1.0);
        let r = (e * e + y * y).sqrt();
        // Only at x = 1 may y^2 matter and underflow.
        let s = d.eq(0.0).pick(y, (d * d + y * y).sqrt());
        let a = (r + s) * 0.5;
        let far = s + d.abs();
        let slopes = y / (r + e) + far.eq(0.0).pick(0.0, y / far);
        // Twice the two differences, and the square roots of a^2 - x^2 and a^2 - 1.
        let sum = y * (y / (r + e)) + far;
        let product = y * slopes;
        let of_sum = (sum * ((a + x.min(1.0)) * 0.5)).sqrt();
        let of_product = y.sqrt() * (slopes * ((a + x.max(1.0)) * 0.5)).sqrt();
        let inside = x.lt(1.0);
        let adjacent = inside.pick(of_sum, of_product);
        let log = inside.pick(product * 0.5 + of_product, sum * 0.5 + of_sum);
        // Far away: atan2(x, y) and log|2z| = log|z / 2| + 2 log 2.
        let (u, v) = (x0 * at.two_to(DOWN.0, DOWN.1), y0 * at.two_to(DOWN.0, DOWN.1));
        let half = (u * u + v * v).sqrt() * at.two_to(-DOWN.0 - 1, -DOWN.1 - 1);
        let log = large.pick(half, log).math(M::Log1p) + large.pick(2.0 * LN_2, 0.0);
        let log = is_infinite(z).pick(f64::INFINITY, log);
        Arc { x: x0, adjacent: large.pick(y0, adjacent), log }
    }
}

fn arc_sine<'p>(at: &'p Build, z: Z<'p>) -> Z<'p> {
    let arc = Arc::new(at, z);
    (arc.x.atan2(arc.adjacent).signed(z.0), arc.log.signed(z.1))
}

fn arc_cosine<'p>(at: &'p Build, z: Z<'p>) -> Z<'p> {
    let arc = Arc::new(at, z);
    (arc.adjacent.atan2(z.0), -arc.log.signed(z.1))
}

fn inverse_hyperbolic_cosine<'p>(at: &'p Build, z: Z<'p>) -> Z<'p> {
    let arc = Arc::new(at, z);
    (arc.log, arc.adjacent.atan2(z.0).signed(z.1))
}

/// log1p(4x / ((1 - x)^2 + y^2)) / 4 + i atan2(2y, (1 - x)(1 + x) - y^2) / 2.
fn inverse_hyperbolic_tangent<'p>(at: &'p Build, z: Z<'p>) -> Z<'p> {
    let (x0, y0) = (z.0.abs(), z.1.abs());
    let large = x0.max(y0).gt(at.two_to(60, 500));
    let one = large.pick(at.two_to(DOWN.0, DOWN.1), 1.0);
    let (x, y) = (x0 * one, y0 * one);
    let (d, e) = (one - x, one + x);
    let ratio = (x * 4.0 / (d * d + y * y)) * one;
    // Next to the pole y^2 underflows: log(2 / y) / 2.
    let pole = d.eq(0.0).and(y.lt(at.two_to(-60, -500)));
    let log = pole.pick(at.two_to(-23, -60) / y, ratio).math(M::Log1p);
    let re = pole.pick(log * 0.5 + at.by(12.0 * LN_2, 30.5 * LN_2), log * 0.25);
    let im = ((y + y) * one).atan2(d * e - y * y) * 0.5;
    let infinite = is_infinite(z);
    (infinite.pick(0.0, re).signed(z.0), infinite.pick(FRAC_PI_2, im).signed(z.1))
}

/// With z = r e^(i theta) and w = c + di: r^c e^(-d theta) at the angle c theta + d log r.
fn power<'p>(at: &'p Build, z: Z<'p>, (c, d): Z<'p>) -> Z<'p> {
    let s = Scaled::new(at, z);
    let r = modulus(at, z, &s);
    let (log_r, theta) = logarithm_of_scaled(at, z, &s);
    // The two factors may leave the range in opposite directions: then roots are multiplied, and the product squared.
    let (rise, fall) = (c * log_r, -(d * theta));
    // An r that is no normal number is taken apart, and its power of two becomes a part of the exponential.
    let least = at.by(f32::MIN_POSITIVE as f64, f64::MIN_POSITIVE);
    let odd = r.lt(least).or(r.is_inf().and(is_infinite(z).not()));
    let base = odd.pick(s.norm.sqrt(), r);
    let fall = fall + odd.pick(c * s.log_unscale(at), 0.0);
    let far = rise.abs().max(fall.abs()).gt(at.by(80.0, 700.0));
    let half = far.pick(0.5, 1.0);
    let size = base.pow(c * half) * (fall * half).math(M::Exp);
    let again = far.pick(size, 1.0);
    // A positive number to an infinite power has the angle zero.
    let turn = c.is_inf().and(theta.eq(0.0)).pick(theta, c * theta);
    let real = d.eq(0.0);
    let angle = turn + real.and(log_r.is_inf()).pick(0.0, d * log_r);
    let re = size * angle.math(M::Cos) * again;
    let im = angle.eq(0.0).pick(angle, size * angle.math(M::Sin) * again);
    let nothing = c.gt(0.0).and(d.eq(d)).pick(0.0, f64::NAN);
    let origin = r.eq(0.0);
    let (re, im) = (origin.pick(nothing, re), origin.pick(nothing, im));
    let one = real.and(c.eq(0.0)).or(z.0.eq(1.0).and(z.1.eq(0.0)));
    (one.pick(1.0, re), one.pick(0.0, im))
}
