//! Products with logarithms, and what is made of them: entropies, divergences, Box and Cox's transformation.

use super::function::{Row, Slope, apply, together};
use super::*;
use crate::prim::{div, expm1, log, log1p, mul};

/// Where both are positive, and where the first is 0 and the second not negative.
fn cases(p: &Array, q: &Array) -> (Array, Array) {
    (above(p, 0.0) & above(q, 0.0), is(p, 0.0) & !below(q, 0.0))
}
fn relative(x: &[Array]) -> Array {
    let (p, q) = (&x[0], &x[1]);
    let (both, none) = cases(p, q);
    let (ps, qs) = (put(&!&both, 1.0, p), put(&!&both, 1.0, q));
    pick(&both, &(&ps * (log(&ps) - log(&qs))), &put(&none, 0.0, &full(p, f64::INFINITY)))
}

special! {
    /// x log(y), and 0 where x is 0 and y is no NaN. As `jax.scipy.special.xlogy`.
    xlogy(x, y), |x| put(&(is(&x[0], 0.0) & !is_nan(&x[1])), 0.0, &mul(&x[0], &log(&x[1]))),
        [Slope::Of(|x, _| log(x[1])), Slope::Of(|x, _| div(x[0], x[1]))], of ("0.0", "0.0") is "0.0";
    /// x log(1 + y), and 0 where x is 0 and y is no NaN. As `jax.scipy.special.xlog1py`.
    xlog1py(x, y), |x| put(&(is(&x[0], 0.0) & !is_nan(&x[1])), 0.0, &mul(&x[0], &log1p(&x[1]))),
        [Slope::Of(|x, _| log1p(x[1])), Slope::Of(|x, _| div(x[0], &(1.0 + x[1])))], of ("0.0", "-1.0") is "0.0";
    /// -x log(x): 0 at 0, and minus infinity below. As `jax.scipy.special.entr`.
    entr(x), |x| {
        let x = &x[0];
        let y = put(&is(x, 0.0), 0.0, &mul(x, &log(x)));
        put(&below(x, 0.0), f64::NEG_INFINITY, &-y)
    }, [Slope::Of(|x, _| put(&below(x[0], 0.0), 0.0, &-(log(x[0]) + 1.0)))], of ("0.5") is "0.3465736";
    /// p log(p / q): 0 where p is 0 and q is not negative, infinity where one is negative. As `jax.scipy.special.rel_entr`.
    rel_entr(p, q), relative, [
        Slope::Of(|x, _| {
            let both = cases(x[0], x[1]).0;
            put(&!&both, 0.0, &(log(&put(&!&both, 1.0, x[0])) - log(&put(&!&both, 1.0, x[1])) + 1.0))
        }),
        Slope::Of(|x, _| {
            let both = cases(x[0], x[1]).0;
            put(&!&both, 0.0, &-div(x[0], &put(&!&both, 1.0, x[1])))
        })
    ], of ("1.0", "0.5") is "0.6931472";
}
/// p log(p / q) - p + q, infinity where one is negative. As `jax.scipy.special.kl_div`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert_eq!(special::kl_div(&array(1.0), &array(1.0)).to_f64(), 0.0);
/// ```
#[track_caller]
pub fn kl_div(p: &Array, q: &Array) -> Array {
    rel_entr(p, q) - p + q
}
/// (x^l - 1) / l, and log(x) where l is 0. As `jax.scipy.special.boxcox`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert_eq!(special::boxcox(&array(4.0), &array(0.5)).to_string(), "2.0");
/// ```
#[track_caller]
pub fn boxcox(x: &Array, l: &Array) -> Array {
    let x = together("boxcox", &[x, l]);
    transformed(&log(&x[0]), &x[1])
}
/// ((1 + x)^l - 1) / l, and log(1 + x) where l is 0. As `jax.scipy.special.boxcox1p`.
///
/// ```
/// use cotangent::{prelude::*, special};
/// assert_eq!(special::boxcox1p(&array(3.0), &array(1.0)).to_f64(), 3.0);
/// ```
#[track_caller]
pub fn boxcox1p(x: &Array, l: &Array) -> Array {
    let x = together("boxcox1p", &[x, l]);
    transformed(&log1p(&x[0]), &x[1])
}
fn transformed(logarithm: &Array, l: &Array) -> Array {
    let zero = is(l, 0.0);
    let safe = put(&zero, 1.0, l);
    pick(&zero, logarithm, &(expm1(&(&safe * logarithm)) / safe))
}
