//! The hypergeometric functions 1F1 and 2F1 of real numbers: their series, where that converges well, and transformations to it.

use super::function::{Row, Slope, apply};
use super::gamma::pushed;
use super::incomplete::converged;
use super::*;
use crate::DType;
use crate::prim::{exp, floor, ge, lgamma, log};

/// 0, -1, -2, ..
fn ends(x: &Array) -> Array {
    !above(x, 0.0) & prim::eq(x, &floor(x))
}
/// The sign of a product and quotient of values of the gamma function; a pole counts as 1, for there the logarithm says all.
fn sign(x: &[&Array]) -> Array {
    let of = |x: &Array| {
        let s = gammasgn(x);
        put(&is_nan(&s), 1.0, &s)
    };
    x[1..].iter().fold(of(x[0]), |s, x| s * of(x))
}
/// The logarithm of a gamma function's size and its derivative, also through what the operand is made of.
fn log_gammas(over: &[&Array], under: &[&Array]) -> Array {
    let sum = |x: &[&Array]| x[1..].iter().fold(lgamma(x[0]), |s, x| s + lgamma(x));
    sum(over) - sum(under)
}
/// e^weight times a series, and its derivative by `p`: of all elements that are `here`.
fn weighted(
    p: &Array,
    slope: bool,
    weight: impl Fn(&Array) -> Array + Send + Sync,
    (y, dy): (Array, Array),
) -> (Array, Array) {
    if !slope {
        return (exp(&weight(p)) * y, full(p, 0.0));
    }
    let (w, dw) = pushed(weight, p);
    let e = exp(&w);
    // where the weight is 0 its slope is endless
    let moved = put(&is(&e, 0.0), 0.0, &(&y * put(&is(&e, 0.0), 0.0, &dw)));
    (&e * &y, e * (dy + moved))
}

/// 1F1, or its derivative by a or b.
fn confluent(x: &[Array], by: Option<usize>) -> Array {
    let (a, b, x) = (&x[0], &x[1], &x[2]);
    let nan = is_nan(a) | is_nan(b) | is_nan(x);
    let finite = ends(a);
    let pole = ends(b) & !(&finite & ge(a, b));
    let inside = !(&nan | &pole | is(&x.abs(), f64::INFINITY));
    let safe = |x: &Array| put(&!&inside, 1.0, x);
    let (a, b, x) = (safe(a), safe(b), safe(x));
    // of a negative number the terms would cancel: e^x times the function of -x and b - a
    let flip = below(&x, 0.0) & !&finite;
    let z = pick(&flip, &-&x, &x);
    let p = if by == Some(1) { &b } else { &a };
    let sides = |p: &Array| {
        let (a, b) = (if by == Some(0) { p } else { &a }, if by == Some(1) { p } else { &b });
        (pick(&flip, &(b - a), a), b.clone())
    };
    let (a1, b1) = sides(p);
    let steep = (1.0 + (&b1 - &a1).abs()) * (1.0 + (1.0 - &a1).abs());
    let far = &inside & above(&z, 50.0) & prim::lt(&(2.0 * steep), &z) & !ends(&a1);
    let near = &inside & !&far;
    let start = |p: &Array| vec![full(p, 1.0), full(p, 1.0)];
    let series = converged(&near, p, by.is_some(), start, |at, n, p| {
        let (a, b) = sides(p);
        let term = &at[0] * (a + (n - 1.0)) / (b + (n - 1.0)) * &z / n;
        vec![term.clone(), &at[1] + term]
    });
    let series = weighted(p, by.is_some(), |p| pick(&flip, &x, &full(p, 0.0)), series);
    let zf = put(&!&far, 100.0, &z);
    let tail = converged(&far, p, by.is_some(), start, |at, n, p| {
        let (a, b) = sides(p);
        let term = &at[0] * (b - &a + (n - 1.0)) * (n - a) / n / &zf;
        vec![term.clone(), &at[1] + term]
    });
    let log_tail = |p: &Array| {
        let (a, b) = sides(p);
        log_gammas(&[&b], &[&a]) + (a - b) * log(&zf) + pick(&flip, &full(p, 0.0), &zf)
    };
    let tail = weighted(p, by.is_some(), log_tail, tail);
    let s = sign(&[&b1, &a1]);
    let y = match by {
        None => {
            let y = pick(&far, &(s * tail.0), &series.0);
            put(&is(&a, 0.0), 1.0, &pick(&prim::eq(&a, &b), &exp(&x), &y))
        }
        Some(_) => pick(&far, &(s * tail.1), &series.1),
    };
    let edge = if by.is_none() { f64::INFINITY } else { f64::NAN };
    put(&nan, f64::NAN, &put(&pole, edge, &put(&(!&inside & !&pole), f64::NAN, &y)))
}

/// 2F1, or its derivative by a, b or c.
fn gauss(x: &[Array], by: Option<usize>) -> Array {
    let (a, b, c, x) = (&x[0], &x[1], &x[2], &x[3]);
    let slope = by.is_some();
    let nan = is_nan(a) | is_nan(b) | is_nan(c) | is_nan(x);
    let finite = ends(a) | ends(b);
    // how many terms a polynomial has, which a pole may precede
    let last = pick(&ends(a), &pick(&ends(b), &prim::max(a, b), a), b);
    let pole = ends(c) & !(&finite & ge(&last, c));
    let one = is(x, 1.0);
    let beyond = !&finite & (above(x, 1.0) | (&one & !above(&(c - a - b), 0.0)));
    let inside = !(&nan | &pole | &beyond | is(&x.abs(), f64::INFINITY));
    let safe = |v: f64, x: &Array| put(&!&inside, v, x);
    let (a, b, c, x) = (safe(1.0, a), safe(1.0, b), safe(2.0, c), safe(0.5, x));
    let (finite, one) = (&finite & &inside, &one & &inside & !&finite);
    // a negative number is moved to between 0 and 1: (1 - x)^-a times the function of x / (x - 1) and c - b
    let flip = below(&x, 0.0) & !&finite;
    let off = put(&one, 0.5, &(1.0 - &x));
    let z = pick(&flip, &(&x / (&x - 1.0)), &put(&one, 0.5, &x));
    let rest = pick(&flip, &(1.0 / &off), &off);
    let p = match by {
        Some(1) => &b,
        Some(2) => &c,
        _ => &a,
    };
    let sides = |p: &Array| {
        let of = |k: usize, x: &Array| if by == Some(k) { p.clone() } else { x.clone() };
        let (a, b, c) = (of(0, &a), of(1, &b), of(2, &c));
        let b = pick(&flip, &(&c - &b), &b);
        (a, b, c)
    };
    let (a1, b1, c1) = sides(p);
    let d = &c1 - &a1 - &b1;
    // near 1 two series of what is left to 1, unless their gamma functions have poles
    let apart = above(&(&d - prim::round_even(&d)).abs(), 0.01);
    let far = &inside & !&finite & !&one & above(&z, 0.9) & apart & !ends(&a1) & !ends(&b1);
    let near = &inside & !&far & !&one;
    let start = |p: &Array| vec![full(p, 1.0), full(p, 1.0)];
    let step = |at: &[Array], n: &Array, [a, b, c]: [&Array; 3], z: &Array| {
        let k = n - 1.0;
        let term = &at[0] * (a + &k) * (b + &k) / (c + &k) * z / n;
        vec![term.clone(), &at[1] + term]
    };
    let power = |p: &Array| pick(&flip, &-(sides(p).0 * log(&pick(&flip, &off, &full(p, 1.0)))), &full(p, 0.0));
    let direct = converged(&near, p, slope, start, |at, n, p| {
        let (a, b, c) = sides(p);
        step(at, n, [&a, &b, &c], &z)
    });
    let direct = weighted(p, slope, power, direct);

    let small = put(&!&far, 0.05, &rest);
    let within = |x: &Array, v: f64| put(&!&far, v, x);
    let parts = |p: &Array| {
        let (a, b, c) = sides(p);
        let d = within(&(&c - &a - &b), 0.5);
        (within(&a, 1.0), within(&b, 1.0), within(&c, 2.5), d)
    };
    let first = converged(&far, p, slope, start, |at, n, p| {
        let (a, b, _, d) = parts(p);
        step(at, n, [&a, &b, &(1.0 - d)], &small)
    });
    let log_first = |p: &Array| {
        let (a, b, c, d) = parts(p);
        log_gammas(&[&c, &d], &[&(&c - a), &(&c - b)]) + power(p)
    };
    let first = weighted(p, slope, log_first, first);
    let second = converged(&far, p, slope, start, |at, n, p| {
        let (a, b, c, d) = parts(p);
        step(at, n, [&(&c - a), &(&c - b), &(1.0 + d)], &small)
    });
    let log_second = |p: &Array| {
        let (a, b, c, d) = parts(p);
        log_gammas(&[&c, &-&d], &[&a, &b]) + d * log(&small) + power(p)
    };
    let second = weighted(p, slope, log_second, second);
    let (a2, b2, c2, d2) = parts(p);
    let s1 = sign(&[&c2, &d2, &(&c2 - &a2), &(&c2 - &b2)]);
    let s2 = sign(&[&c2, &-&d2, &a2, &b2]);

    // at 1: a quotient of gamma functions
    let at_one = |p: &Array| {
        let of = |k: usize, x: &Array, v: f64| put(&!&one, v, &if by == Some(k) { p.clone() } else { x.clone() });
        let (a, b, c) = (of(0, &a, 0.5), of(1, &b, 0.5), of(2, &c, 2.5));
        log_gammas(&[&c, &(&c - &a - &b)], &[&(&c - &a), &(&c - &b)])
    };
    let sum = weighted(p, slope, at_one, (full(p, 1.0), full(p, 0.0)));
    let s3 = sign(&[&c, &(&c - &a - &b), &(&c - &a), &(&c - &b)]);
    let choose = |direct: &Array, first: &Array, second: &Array, sum: &Array| {
        let both = &s1 * first + &s2 * second;
        pick(&one, &(&s3 * sum), &pick(&far, &both, direct))
    };
    let (y, edge) = match by {
        None => (choose(&direct.0, &first.0, &second.0, &sum.0), f64::INFINITY),
        Some(_) => (choose(&direct.1, &first.1, &second.1, &sum.1), f64::NAN),
    };
    put(&nan, f64::NAN, &put(&(pole | beyond), edge, &put(&!inside, edge, &y)))
}

const NO_SECOND: &str =
    "there is no rule for the second derivative of a hypergeometric function with respect to its parameters";

special! {
    /// Kummer's function 1F1(a; b; x), the sum of (a)_k / (b)_k x^k / k!, where (a)_k is [`poch`]. Infinite where b is 0 or a negative integer, unless the sum ends before. As `jax.scipy.special.hyp1f1`, here also of negative
    /// numbers.
    hyp1f1(a, b, x) in Float64, |x| confluent(x, None), [
        Slope::Of(|x, _| hyp1f1_grad_a(x[0], x[1], x[2])),
        Slope::Of(|x, _| hyp1f1_grad_b(x[0], x[1], x[2])),
        Slope::Of(|x, _| x[0] / x[1] * hyp1f1(&(x[0] + 1.0), &(x[1] + 1.0), x[2]))
    ], of ("1.0", "2.0", "1.0") is "1.7182819";
    /// The derivative of [`hyp1f1`] with respect to a.
    hyp1f1_grad_a(a, b, x) in Float64, |x| confluent(x, Some(0)), [
        Slope::Missing(NO_SECOND), Slope::Missing(NO_SECOND),
        Slope::Of(|x, _| (hyp1f1(&(x[0] + 1.0), &(x[1] + 1.0), x[2]) + x[0] * hyp1f1_grad_a(&(x[0] + 1.0), &(x[1] + 1.0), x[2])) / x[1])
    ], of ("1.0", "2.0", "1.0") is "0.84748006";
    /// The derivative of [`hyp1f1`] with respect to b.
    hyp1f1_grad_b(a, b, x) in Float64, |x| confluent(x, Some(1)), [
        Slope::Missing(NO_SECOND), Slope::Missing(NO_SECOND),
        Slope::Of(|x, _| x[0] / x[1] * (hyp1f1_grad_b(&(x[0] + 1.0), &(x[1] + 1.0), x[2]) - hyp1f1(&(x[0] + 1.0), &(x[1] + 1.0), x[2]) / x[1]))
    ], of ("1.0", "2.0", "1.0") is "-0.4471004";
    /// Gauss's function 2F1(a, b; c; x), the sum of (a)_k (b)_k / (c)_k x^k / k!, where (a)_k is [`poch`], for x up to 1; infinite beyond, unless the sum ends. Where c - a - b (for negative x, b - a) is an integer or nearly one,
    /// digits are lost for x above 0.998 (below -500). As `jax.scipy.special.hyp2f1`, here also of negative numbers.
    hyp2f1(a, b, c, x) in Float64, |x| gauss(x, None), [
        Slope::Of(|x, _| hyp2f1_grad_a(x[0], x[1], x[2], x[3])),
        Slope::Of(|x, _| hyp2f1_grad_a(x[1], x[0], x[2], x[3])),
        Slope::Of(|x, _| hyp2f1_grad_c(x[0], x[1], x[2], x[3])),
        Slope::Of(|x, _| x[0] * x[1] / x[2] * hyp2f1(&(x[0] + 1.0), &(x[1] + 1.0), &(x[2] + 1.0), x[3]))
    ], of ("1.0", "1.0", "2.0", "0.5") is "1.3862944";
    /// The derivative of [`hyp2f1`] with respect to a; that with respect to b is that of exchanged operands.
    hyp2f1_grad_a(a, b, c, x) in Float64, |x| gauss(x, Some(0)), [
        Slope::Missing(NO_SECOND), Slope::Missing(NO_SECOND), Slope::Missing(NO_SECOND),
        Slope::Of(|x, _| {
            let next = [0, 1, 2].map(|k| x[k] + 1.0);
            let (y, d) = (hyp2f1(&next[0], &next[1], &next[2], x[3]), hyp2f1_grad_a(&next[0], &next[1], &next[2], x[3]));
            x[1] / x[2] * (y + x[0] * d)
        })
    ], of ("1.0", "1.0", "2.0", "0.5") is "0.480453";
    /// The derivative of [`hyp2f1`] with respect to c.
    hyp2f1_grad_c(a, b, c, x) in Float64, |x| gauss(x, Some(2)), [
        Slope::Missing(NO_SECOND), Slope::Missing(NO_SECOND), Slope::Missing(NO_SECOND),
        Slope::Of(|x, _| {
            let next = [0, 1, 2].map(|k| x[k] + 1.0);
            let (y, d) = (hyp2f1(&next[0], &next[1], &next[2], x[3]), hyp2f1_grad_c(&next[0], &next[1], &next[2], x[3]));
            x[0] * x[1] / x[2] * (d - y / x[2])
        })
    ], of ("1.0", "1.0", "2.0", "0.5") is "-0.2586397";
}
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn elementary_ones() {
        let at = |x: f64| Array::from_slice(&[x], &[]);
        let near = |what: &str, y: Array, want: f64| {
            let y = y.to_f64();
            assert!((y - want).abs() <= 1e-12 * want.abs(), "{what}: {y:e} and {want:e}");
        };
        for x in [-300.0, -3.0, -0.2, 0.4, 0.95, 3.0, 80.0, 600.0] {
            // (e^x - 1) / x, and polynomials
            near("1F1(1; 2)", hyp1f1(&at(1.0), &at(2.0), &at(x)), f64::exp_m1(x) / x);
            near("1F1(-2; 3)", hyp1f1(&at(-2.0), &at(3.0), &at(x)), 1.0 - 2.0 * x / 3.0 + x * x / 12.0);
        }
        for x in [-1e6, -300.0, -3.0, -0.9, 0.3, 0.97, 0.999_9] {
            near("2F1(1/2; 1/2)", hyp2f1(&at(0.5), &at(0.3), &at(0.3), &at(x)), (1.0 - x).powf(-0.5));
            near("2F1(-1)", hyp2f1(&at(-1.0), &at(0.7), &at(0.2), &at(x)), 1.0 - 3.5 * x);
        }
        for x in [0.3, 0.9, 0.97, 0.9999, 1.0] {
            // the inverse sine
            let x: f64 = x;
            near("2F1(1/2, 1/2; 3/2)", hyp2f1(&at(0.5), &at(0.5), &at(1.5), &at(x * x)), x.asin() / x);
        }
        near("2F1(1, 1; 2)", hyp2f1(&at(1.0), &at(1.0), &at(2.0), &at(0.99)), -(0.01f64).ln() / 0.99);
        near("2F1(1, 1; 2)", hyp2f1(&at(1.0), &at(1.0), &at(2.0), &at(-200.0)), 201f64.ln() / 200.0);
    }
}
