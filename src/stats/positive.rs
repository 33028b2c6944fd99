//! Distributions over positive numbers, and over an interval.

/// The exponential distribution from `loc` on, of mean `scale` above it.
///
/// ```
/// use cotangent::{prelude::*, stats::expon};
/// assert_eq!(expon::cdf(&array(1.0), 0.0, 1.0).to_string(), "0.63212055");
/// ```
pub mod expon {
    use super::super::common::*;
    functions! { expon:
        /// The logarithm of the density.
        logpdf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "-1.6931472", put(&crate::prim::lt(x, loc), f64::NEG_INFINITY, &-((x - loc) / scale + log(scale)));
        /// The density.
        pdf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.18393973", exp(&logpdf(x, loc, scale));
        /// The probability of no more than x.
        cdf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.63212055", put(&crate::prim::lt(x, loc), 0.0, &-((loc - x) / scale).expm1());
        /// Its logarithm.
        logcdf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "-0.45867515", log1p(&-sf(x, loc, scale));
        /// The probability of more than x.
        sf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.36787945", exp(&logsf(x, loc, scale));
        /// Its logarithm.
        logsf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "-1.0", put(&crate::prim::lt(x, loc), 0.0, &((loc - x) / scale));
        /// Where the distribution function is q; NaN if q is no probability.
        ppf(q, loc, scale) of "array(0.5), 1.0, 2.0" is "2.3862944", put(&no_probability(q), f64::NAN, &(loc - scale * log1p(&-q)));
    }
}

/// `x` limited to `low` and `high`; at both it does not move.
fn within(x: &crate::Array, low: f64, high: f64) -> crate::Array {
    crate::prim::clamp(&crate::prim::lit(x, low), x, &crate::prim::lit(x, high))
}

/// The gamma distribution of shape `a`.
///
/// ```
/// use cotangent::{prelude::*, stats::gamma};
/// assert_eq!(gamma::cdf(&array(1.0), 2.0, 0.0, 1.0).to_string(), "0.26424113");
/// ```
pub mod gamma {
    use super::super::common::*;
    functions! { gamma:
        /// The logarithm of the density.
        logpdf(x, a, loc, scale) of "array(2.0), 3.0, 0.0, 1.0" is "-1.3068528", {
            let there = !crate::prim::lt(x, loc) & !is_nan(x);
            let y = put(&!&there, 1.0, &((x - loc) / scale));
            let inside = xlogy(&(a - 1.0), &y) - y - (gammaln(a) + log(scale));
            put(&!there, f64::NEG_INFINITY, &inside)
        };
        /// The density.
        pdf(x, a, loc, scale) of "array(2.0), 3.0, 0.0, 1.0" is "0.27067056", exp(&logpdf(x, a, loc, scale));
        /// The probability of no more than x.
        cdf(x, a, loc, scale) of "array(2.0), 3.0, 0.0, 1.0" is "0.32332358", gammainc(a, &super::within(&((x - loc) / scale), 0.0, f64::INFINITY));
        /// Its logarithm.
        logcdf(x, a, loc, scale) of "array(2.0), 3.0, 0.0, 1.0" is "-1.1291016", log(&cdf(x, a, loc, scale));
        /// The probability of more than x.
        sf(x, a, loc, scale) of "array(4.0), 3.0, 0.0, 2.0" is "0.6766764", {
            let y = (x - loc) / scale;
            let low = below(&y, 0.0);
            put(&low, 1.0, &gammaincc(a, &put(&low, 0.0, &y)))
        };
        /// Its logarithm.
        logsf(x, a, loc, scale) of "array(4.0), 3.0, 0.0, 2.0" is "-0.39056212", log(&sf(x, a, loc, scale));
    }
}

/// The chi-square distribution of `df` degrees of freedom.
///
/// ```
/// use cotangent::{prelude::*, stats::chi2};
/// assert_eq!(chi2::sf(&array(2.0), 2.0, 0.0, 1.0).to_string(), "0.36787945");
/// ```
pub mod chi2 {
    use super::super::common::*;
    use std::f64::consts::LN_2;
    functions! { chi2:
        /// The logarithm of the density.
        logpdf(x, df, loc, scale) of "array(2.0), 4.0, 0.0, 1.0" is "-1.6931472", {
            let (y, half) = ((x - loc) / scale, df / 2.0);
            let kernel = (&half - 1.0) * log(&y) - y / 2.0;
            put(&crate::prim::lt(x, loc), f64::NEG_INFINITY, &(kernel - log(scale) - gammaln(&half) - half * LN_2))
        };
        /// The density.
        pdf(x, df, loc, scale) of "array(2.0), 4.0, 0.0, 1.0" is "0.18393973", exp(&logpdf(x, df, loc, scale));
        /// The probability of no more than x.
        cdf(x, df, loc, scale) of "array(2.0), 4.0, 0.0, 1.0" is "0.26424113", gammainc(&(df / 2.0), &super::within(&((x - loc) / (scale * 2.0)), 0.0, f64::INFINITY));
        /// Its logarithm.
        logcdf(x, df, loc, scale) of "array(2.0), 4.0, 0.0, 1.0" is "-1.3308933", log(&cdf(x, df, loc, scale));
        /// The probability of more than x.
        sf(x, df, loc, scale) of "array(4.0), 4.0, 0.0, 2.0" is "0.7357589", gammaincc(&(df / 2.0), &super::within(&((x - loc) / (scale * 2.0)), 0.0, f64::INFINITY));
        /// Its logarithm.
        logsf(x, df, loc, scale) of "array(4.0), 4.0, 0.0, 2.0" is "-0.30685282", log(&sf(x, df, loc, scale));
    }
}

/// The beta distribution of shapes `a` and `b`, over the interval from `loc` to `loc + scale`.
///
/// ```
/// use cotangent::{prelude::*, stats::beta};
/// assert_eq!(beta::cdf(&array(0.5), 2.0, 3.0, 0.0, 1.0).to_string(), "0.6875");
/// ```
pub mod beta {
    use super::super::common::*;
    functions! { beta:
        /// The logarithm of the density; NaN if a parameter is not positive.
        logpdf(x, a, b, loc, scale) of "array(0.5), 2.0, 3.0, 0.0, 1.0" is "0.40546513", {
            let y = (x - loc) / scale;
            let inside = xlogy(&(a - 1.0), &y) + xlog1py(&(b - 1.0), &-y) - betaln(a, b) - log(scale);
            let outside = crate::prim::gt(x, &(loc + scale)) | crate::prim::lt(x, loc);
            let wrong = at_most(a, 0.0) | at_most(b, 0.0) | at_most(scale, 0.0);
            put(&wrong, f64::NAN, &put(&outside, f64::NEG_INFINITY, &inside))
        };
        /// The density.
        pdf(x, a, b, loc, scale) of "array(0.5), 2.0, 3.0, 0.0, 1.0" is "1.5", exp(&logpdf(x, a, b, loc, scale));
        /// The probability of no more than x.
        cdf(x, a, b, loc, scale) of "array(0.25), 2.0, 3.0, 0.0, 1.0" is "0.26171875", betainc(a, b, &super::within(&((x - loc) / scale), 0.0, 1.0));
        /// Its logarithm.
        logcdf(x, a, b, loc, scale) of "array(0.5), 2.0, 3.0, 0.0, 2.0" is "-1.3404849", log(&cdf(x, a, b, loc, scale));
        /// The probability of more than x.
        sf(x, a, b, loc, scale) of "array(0.25), 2.0, 3.0, 0.0, 1.0" is "0.73828125", betainc(b, a, &(1.0 - super::within(&((x - loc) / scale), 0.0, 1.0)));
        /// Its logarithm.
        logsf(x, a, b, loc, scale) of "array(0.5), 2.0, 3.0, 0.0, 2.0" is "-0.30343044", log(&sf(x, a, b, loc, scale));
    }
}
