//! Distributions over integers.

/// Bernoulli's distribution: 1 with probability p, else 0; both shifted by `loc`.
///
/// ```
/// use cotangent::{prelude::*, stats::bernoulli};
/// assert_eq!(bernoulli::pmf(&array![0, 1, 2], 0.25, 0.0).to_string(), "[0.75 0.25 0.  ]");
/// ```
pub mod bernoulli {
    use super::super::common::*;
    functions! { bernoulli:
        /// The logarithm of the probability of k.
        logpmf(k, p, loc) of "array(1), 0.25, 0.0" is "-1.3862944", {
            let x = k - loc;
            let inside = xlogy(&x, p) + xlog1py(&(1.0 - &x), &-p);
            put(&(below(&x, 0.0) | above(&x, 1.0)), f64::NEG_INFINITY, &inside)
        };
        /// The probability of k.
        pmf(k, p, loc) of "array(3), 0.25, 2.0" is "0.25", exp(&logpmf(k, p, loc));
        /// The probability of no more than k; NaN if p is no probability.
        cdf(k, p) of "array(0), 0.25" is "0.75", {
            let wrong = is_nan(k) | no_probability(p);
            let y = put(&below(k, 0.0), 0.0, &put(&!below(k, 1.0), 1.0, &(1.0 - p)));
            put(&wrong, f64::NAN, &y)
        };
        /// The least number of which the distribution function is not less than q; NaN if p or q is no probability.
        ppf(q, p) of "array(0.5), 0.25" is "0.0", {
            let wrong = no_probability(p) | no_probability(q);
            let zero = crate::prim::le(q, &(1.0 - p));
            put(&wrong, f64::NAN, &put(&zero, 0.0, &full(q, 1.0)))
        };
    }
}

/// Poisson's distribution of mean `mu`, shifted by `loc`.
///
/// ```
/// use cotangent::{prelude::*, stats::poisson};
/// assert_eq!(poisson::cdf(&array(1), 2.0, 0.0).to_string(), "0.40600586");
/// ```
pub mod poisson {
    use super::super::common::*;
    functions! { poisson:
        /// The logarithm of the probability of k.
        logpmf(k, mu, loc) of "array(1), 2.0, 0.0" is "-1.3068528", {
            let x = k - loc;
            let inside = xlogy(&x, mu) - gammaln(&(&x + 1.0)) - mu;
            put(&(below(&x, 0.0) | crate::prim::ne(&crate::prim::round_even(k), k)), f64::NEG_INFINITY, &inside)
        };
        /// The probability of k.
        pmf(k, mu, loc) of "array(3), 2.0, 1.0" is "0.27067056", exp(&logpmf(k, mu, loc));
        /// The probability of no more than k.
        cdf(k, mu, loc) of "array(2), 2.0, 0.0" is "0.6766764", {
            let x = k - loc;
            let low = below(&x, 0.0);
            put(&low, 0.0, &gammaincc(&crate::prim::floor(&put(&low, 1.0, &(1.0 + &x))), mu))
        };
    }
}
