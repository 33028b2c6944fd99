//! The inverse trigonometric functions: all of them are the angle of a point.

use super::coeffs::{ATAN_1_4, ATAN_2_4, ATAN_3_4, ATAN_4_4, ATAN_F32, ATAN5, HALF_PI, PI, THIRD};
use super::dd::{Dd, fast_sum, two_prod, two_sum};
use super::lane::{Lane, poly};

/// The angle of (x, y) for x of either sign and y >= 0, each as a sum of two numbers. Not both are 0, none is infinite, and the
/// reciprocal of the greater one is a normal number.
#[inline(always)]
fn angle<L: Lane>(y: Dd<L>, x: Dd<L>) -> Dd<L> {
    let c = |k| y.hi.c(k);
    let left = x.hi.lt(c(0.0));
    let x = Dd { hi: x.hi.abs(), lo: x.lo.flipsign(x.hi) };
    let steep = x.hi.lt(y.hi);
    let (a, b) = (Dd::sel(steep, x, y), Dd::sel(steep, y, x));
    // The tangent a / b, in [0, 1], lies within 1/8 of one of 0, 1/4, .., 1, called k:
    // atan(a / b) = atan(k) + atan((a - k b) / (b + k a)).
    let mut k = c(0.0);
    let mut base = Dd { hi: c(0.0), lo: c(0.0) };
    for (i, angle) in [ATAN_1_4, ATAN_2_4, ATAN_3_4, ATAN_4_4].into_iter().enumerate() {
        let above = (b.hi * c(0.125 + 0.25 * i as f64)).lt(a.hi);
        k = L::sel(above, c(0.25 + 0.25 * i as f64), k);
        base = Dd::sel(above, Dd::c(y.hi, angle), base);
    }
    let (p, q) = (two_prod(k, b.hi), two_prod(k, a.hi));
    let (n, d) = (two_sum(a.hi, -p.hi), two_sum(b.hi, q.hi));
    let n = Dd { hi: n.hi, lo: n.lo + ((-k).fma(b.lo, a.lo) - p.lo) };
    let d = Dd { hi: d.hi, lo: d.lo + (k.fma(a.lo, b.lo) + q.lo) };
    let t = n.tidy().over(d.tidy());
    let z = t.times(t);
    let three = fast_sum(c(-THIRD[0]), z.hi * poly(z.hi, ATAN5));
    let three = Dd { hi: three.hi, lo: three.lo - c(THIRD[1]) };
    let t = t.plus_less(t.times(z.times(three)));
    let acute = base.plus_less(t);
    // Of the eight octants: where the triangle is steep the angle counts from the y axis, on the left from the negative x axis.
    let turned = L::sel(steep, c(-1.0), c(1.0));
    let turned = L::sel(left, -turned, turned);
    let right = Dd::sel(steep, Dd::c(y.hi, [HALF_PI[0], HALF_PI[1]]), Dd::c(y.hi, [0.0, 0.0]));
    let from = Dd::sel(left & !steep, Dd::c(y.hi, PI), right);
    from.plus_less(acute.scaled(turned))
}

/// The same for an `f32` result.
#[inline(always)]
fn angle_quick<L: Lane>(y: L, x: L) -> L {
    let c = |k| y.c(k);
    let left = x.lt(c(0.0));
    let x = x.abs();
    let steep = x.lt(y);
    let (a, b) = (L::sel(steep, x, y), L::sel(steep, y, x));
    let mut k = c(0.0);
    let mut base = c(0.0);
    for (i, angle) in [ATAN_1_4, ATAN_2_4, ATAN_3_4, ATAN_4_4].into_iter().enumerate() {
        let above = (b * c(0.125 + 0.25 * i as f64)).lt(a);
        k = L::sel(above, c(0.25 + 0.25 * i as f64), k);
        base = L::sel(above, c(angle[0]), base);
    }
    let t = (-k).fma(b, a) / k.fma(a, b);
    let acute = t.fma(poly(t * t, ATAN_F32), base);
    let turned = L::sel(steep, -acute, acute);
    let turned = L::sel(left, -turned, turned);
    L::sel(steep, c(HALF_PI[0]), L::sel(left, c(PI[0]), c(0.0))) + turned
}

/// The angle of the point (x, y) for `f32` arguments and results.
#[inline(always)]
pub fn atan2_quick<L: Lane>(y: L, x: L) -> L {
    at_edges(y, x, angle_quick)
}

/// The angle whose tangent is x, for `f32` arguments and results.
#[inline(always)]
pub fn atan_quick<L: Lane>(x: L) -> L {
    let a = x.abs();
    let inf = a.eq(x.c(f64::INFINITY));
    L::sel(inf, x.c(HALF_PI[0]), angle_quick(a, x.c(1.0))).copysign(x)
}

/// The angle whose sine is x, for `f32` arguments and results.
#[inline(always)]
pub fn asin_quick<L: Lane>(x: L) -> L {
    let one = x.c(1.0);
    angle_quick(x.abs(), ((one - x) * (one + x)).sqrt()).copysign(x)
}

/// The angle whose cosine is x, for `f32` arguments and results.
#[inline(always)]
pub fn acos_quick<L: Lane>(x: L) -> L {
    let one = x.c(1.0);
    angle_quick(((one - x) * (one + x)).sqrt(), x)
}

/// The angle of the point (x, y), in [-pi, pi].
#[inline(always)]
pub fn atan2<L: Lane>(y: L, x: L) -> L {
    at_edges(y, x, |v, u| {
        let c = |k| v.c(k);
        // The greater one is brought to where its reciprocal, and the remainders of the division, are normal numbers.
        let big = L::sel(u.abs().lt(v), v, u.abs());
        let power = |e: u64| c(f64::from_bits((1023 + e) << 52));
        let factor = L::sel(big.lt(c(1e120)), power(500), c(1.0));
        let factor = L::sel(big.lt(c(1e-30)), power(1000), factor);
        let factor = L::sel(big.gt(c(1e270)), c(1.0 / (1u64 << 60) as f64 / (1u64 << 60) as f64), factor);
        angle(Dd::of(v * factor), Dd::of(u * factor)).round()
    })
}

/// The angle of a point, by `angle` for points of the upper half plane that are neither the origin nor infinite.
#[inline(always)]
fn at_edges<L: Lane>(y: L, x: L, angle: impl Fn(L, L) -> L) -> L {
    let c = |k| y.c(k);
    let (a, b) = (y.abs(), x.abs());
    let inf = c(f64::INFINITY);
    let zero = c(0.0);
    // Both infinite: the diagonal. One infinite or both zero: an axis, as good as (1, 0) or (0, 1).
    let wide = b.eq(inf);
    let tall = a.eq(inf);
    let origin = a.eq(zero) & b.eq(zero);
    let v = L::sel(tall, c(1.0), L::sel(wide, zero, a));
    let u = L::sel(wide, c(1.0), L::sel(tall, zero, L::sel(origin, c(1.0), b)));
    let r = angle(v, u.copysign(x));
    // -0 as an x is on the left as well, but only matters where y is 0 too; there the angle was taken of (-1, 0).
    let r = L::sel(a.nan() | b.nan(), c(f64::NAN), r);
    r.copysign(y)
}

/// The angle whose tangent is x.
#[inline(always)]
pub fn atan<L: Lane>(x: L) -> L {
    atan2(x, x.c(1.0))
}

/// sqrt(1 - x^2) as a sum of two numbers.
#[inline(always)]
fn other_leg<L: Lane>(x: L) -> Dd<L> {
    let one = x.c(1.0);
    let square = two_prod(x, x);
    let v = two_sum(one, -square.hi);
    let v = Dd { hi: v.hi, lo: v.lo - square.lo }.tidy();
    let s = v.hi.sqrt();
    let rest = (-s).fma(s, v.hi) + v.lo;
    let low = rest / (s + s);
    Dd { hi: s, lo: L::sel(s.eq(x.c(0.0)), x.c(0.0), low) }
}

/// The angle whose sine is x.
#[inline(always)]
pub fn asin<L: Lane>(x: L) -> L {
    let a = x.abs();
    // Below this x is its own arcsine, and its square vanishes.
    let tiny = a.lt(x.c(1e-9));
    let v = L::sel(tiny, x.c(0.5), a);
    let r = angle(Dd::of(v), other_leg(v)).round();
    L::sel(a.le(x.c(1.0)), L::sel(tiny, a, r), x.c(f64::NAN)).copysign(x)
}

/// The angle whose cosine is x.
#[inline(always)]
pub fn acos<L: Lane>(x: L) -> L {
    let r = angle(other_leg(x), Dd::of(x)).round();
    L::sel(x.abs().le(x.c(1.0)), r, x.c(f64::NAN))
}
