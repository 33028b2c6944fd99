//! Spherical harmonics, by recurrences over their degree.

use super::*;
use crate::error::{ErrorKind, fail};
use crate::np;
use crate::special::function::{real, together};
use std::f64::consts::PI;

/// The spherical harmonics of degree `n` and order `m` at the polar angle `theta` and the azimuth `phi`, which have the norm 1 on the sphere: complex. All broadcast; n and m are integers. `n_max`, the greatest degree,
/// can be left out (`None`) where n is known. As `jax.scipy.special.sph_harm_y`. Elements whose degree is not between |m| and `n_max` are NaN.
///
/// ```
/// use cotangent::{prelude::*, special};
/// let y = special::sph_harm_y(&array(2), &array(1), &array(0.5f64), &array(0.0f64), None);
/// assert!((y.real().to_f64() + 0.325_04).abs() < 1e-5);
/// ```
///
/// # Panics
/// If n or m are not of integers, if n is abstract and `n_max` not given, or if shapes do not broadcast.
#[track_caller]
pub fn sph_harm_y(n: &Array, m: &Array, theta: &Array, phi: &Array, n_max: impl Into<Option<usize>>) -> Array {
    let _line = np::here();
    for x in [n, m] {
        if !x.dtype().is_integer() {
            fail(ErrorKind::Type, format!("sph_harm_y: degree and order are integers, not {}", x.aval()))
        }
    }
    let n_max = n_max.into().unwrap_or_else(|| {
        if n.size() == 0 {
            return 0;
        }
        let most = np::max(n);
        if most.is_tracer() {
            fail(
                ErrorKind::Concrete,
                "sph_harm_y: the degree is abstract; say how great it may be by n_max".to_string(),
            )
        }
        most.to_f64().max(0.0) as usize
    });
    let angles = together("sph_harm_y", &[theta, phi]);
    let whole = |x: &Array| prim::convert_element_type(&real("sph_harm_y", x), angles[0].dtype(), false);
    let all = together("sph_harm_y", &[&whole(n), &whole(m), &angles[0], &angles[1]]);
    let [n, m, theta, phi] = &all[..] else { unreachable!("four operands") };
    let size = m.abs();
    let (x, sine) = (prim::cos(theta), prim::sin(theta));
    // that of degree and order m: m factors from that of degree 0
    let mut now = full(&x, (0.25 / PI).sqrt());
    for k in 1..=n_max {
        let k = k as f64;
        now = pick(&below(&size, k), &now, &(&now * &sine * -(1.0 + 0.5 / k).sqrt()))
    }
    // from degree to degree: both terms have roots of rational numbers of degree and order
    let mut before = full(&x, 0.0);
    let square = &size * &size;
    for l in 1..=n_max {
        let l = l as f64;
        let goes_on = below(&size, l) & !below(n, l);
        let apart = put(&!&goes_on, 1.0, &(l * l - &square));
        let first = prim::sqrt(&((4.0 * l * l - 1.0) / &apart));
        let last = (l - 1.0) * (l - 1.0);
        let second =
            prim::sqrt(&(put(&below(&size, l - 1.0), 1.0, &full(&x, 0.0)) * (last - &square) / (4.0 * last - 1.0)));
        let next = first * (&x * &now - second * &before);
        (before, now) = (pick(&goes_on, &now, &before), pick(&goes_on, &next, &now));
    }
    let angle = &size * phi;
    let (re, im) = (&now * prim::cos(&angle), &now * prim::sin(&angle));
    // of negative order the conjugate one, with the sign of its parity
    let odd = is(&prim::rem(&size, &lit(&size, 2.0)), 1.0);
    let negative = below(m, 0.0);
    let turned = |x: &Array, when: &Array| pick(when, &-x, x);
    let (re, im) = (turned(&re, &(&negative & &odd)), turned(&im, &(&negative & !&odd)));
    let wrong = prim::lt(n, &size) | above(n, n_max as f64);
    prim::complex(&put(&wrong, f64::NAN, &re), &put(&wrong, f64::NAN, &im))
}
