//! Distributions over all numbers, and the uniform distribution.

/// The normal distribution of mean `loc` and standard deviation `scale`.
///
/// ```
/// use cotangent::{prelude::*, stats::norm};
/// assert_eq!(norm::pdf(&array(0.0), 0.0, 1.0).to_string(), "0.3989423");
/// assert_eq!(norm::ppf(&array(0.975), 0.0, 1.0).to_string(), "1.9599644");
/// ```
pub mod norm {
    use super::super::common::*;
    functions! { norm:
        /// The logarithm of the density.
        logpdf(x, loc, scale) of "array(1.0), 0.0, 2.0" is "-1.7370857", {
            let square = scale * scale;
            (log(&(2.0 * PI * &square)) + mul(&(x - loc), &(x - loc)) / square) / -2.0
        };
        /// The density.
        pdf(x, loc, scale) of "array(1.0), 0.0, 2.0" is "0.17603266", exp(&logpdf(x, loc, scale));
        /// The probability of no more than x.
        cdf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.8413448", ndtr(&((x - loc) / scale));
        /// Its logarithm.
        logcdf(x, loc, scale) of "array(-1.0), 0.0, 1.0" is "-1.8410217", log_ndtr(&((x - loc) / scale));
        /// The probability of more than x.
        sf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.15865526", ndtr(&((loc - x) / scale));
        /// Its logarithm.
        logsf(x, loc, scale) of "array(1.0), 0.0, 1.0" is "-1.8410217", log_ndtr(&((loc - x) / scale));
        /// Where the distribution function is q.
        ppf(q, loc, scale) of "array(0.75), 1.0, 2.0" is "2.3489795", ndtri(q) * scale + loc;
        /// Where the probability of more is q.
        isf(q, loc, scale) of "array(0.25), 1.0, 2.0" is "2.3489795", ndtri(&(1.0 - q)) * scale + loc;
    }
}

/// The uniform distribution from `loc` to `loc + scale`.
///
/// ```
/// use cotangent::{prelude::*, stats::uniform};
/// assert_eq!(uniform::cdf(&array![-1., 0.5, 2.], 0.0, 1.0).to_string(), "[0.  0.5 1. ]");
/// ```
pub mod uniform {
    use super::super::common::*;
    fn outside(x: &Array, loc: &Array, scale: &Array) -> (Array, Array) {
        (crate::prim::lt(x, loc), crate::prim::gt(x, &(loc + scale)))
    }
    functions! { uniform:
        /// The logarithm of the density.
        logpdf(x, loc, scale) of "array(1.0), 0.0, 4.0" is "-1.3862944", {
            let (low, high) = outside(x, loc, scale);
            put(&(low | high), f64::NEG_INFINITY, &-log(scale))
        };
        /// The density.
        pdf(x, loc, scale) of "array(3.0), 2.0, 4.0" is "0.25", exp(&logpdf(x, loc, scale));
        /// The probability of no more than x.
        cdf(x, loc, scale) of "array(3.0), 2.0, 4.0" is "0.25", {
            let (low, high) = outside(x, loc, scale);
            put(&low, 0.0, &put(&high, 1.0, &((x - loc) / scale)))
        };
        /// Where the distribution function is q; NaN if q is no probability.
        ppf(q, loc, scale) of "array(0.25), 2.0, 4.0" is "3.0", put(&no_probability(q), f64::NAN, &(loc + scale * q));
    }
}

/// Student's t distribution of `df` degrees of freedom.
///
/// ```
/// use cotangent::{prelude::*, stats::t};
/// assert_eq!(t::pdf(&array(0.0), 1.0, 0.0, 1.0).to_string(), "0.3183099");
/// ```
pub mod t {
    use super::super::common::*;
    functions! { t:
        /// The logarithm of the density.
        logpdf(x, df, loc, scale) of "array(1.0), 3.0, 0.0, 1.0" is "-1.5762529", {
            let x = (x - loc) / scale;
            let (half, more) = (df / 2.0, (df + 1.0) / 2.0);
            let norm = gammaln(&half) + log(&(scale * scale * PI * df)) / 2.0 - gammaln(&more);
            -(norm + more * log1p(&(mul(&x, &x) / df)))
        };
        /// The density.
        pdf(x, df, loc, scale) of "array(1.0), 3.0, 0.0, 2.0" is "0.15659046", exp(&logpdf(x, df, loc, scale));
    }
}

/// Cauchy's distribution.
///
/// ```
/// use cotangent::{prelude::*, stats::cauchy};
/// assert_eq!(cauchy::cdf(&array(1.0), 0.0, 1.0).to_string(), "0.75");
/// ```
pub mod cauchy {
    use super::super::common::*;
    functions! { cauchy:
        /// The logarithm of the density.
        logpdf(x, loc, scale) of "array(1.0), 0.0, 1.0" is "-1.837877", {
            let x = (x - loc) / scale;
            -(log(&(PI * scale)) + log1p(&mul(&x, &x)))
        };
        /// The density.
        pdf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.079577476", exp(&logpdf(x, loc, scale));
        /// The probability of no more than x.
        cdf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.75", 0.5 + FRAC_1_PI * crate::prim::atan(&((x - loc) / scale));
        /// Its logarithm.
        logcdf(x, loc, scale) of "array(0.0), 0.0, 2.0" is "-0.6931472", log(&cdf(x, loc, scale));
        /// The probability of more than x.
        sf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.25", 0.5 + FRAC_1_PI * crate::prim::atan(&((loc - x) / scale));
        /// Its logarithm.
        logsf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "-1.3862944", log(&sf(x, loc, scale));
        /// Where the distribution function is q.
        ppf(q, loc, scale) of "array(0.75), 1.0, 2.0" is "3.0", (PI * q - FRAC_PI_2).tan() * scale + loc;
        /// Where the probability of more is q.
        isf(q, loc, scale) of "array(0.25), 1.0, 2.0" is "3.0", (FRAC_PI_2 - PI * q).tan() * scale + loc;
    }
}

/// Laplace's distribution.
///
/// ```
/// use cotangent::{prelude::*, stats::laplace};
/// assert_eq!(laplace::pdf(&array(0.0), 0.0, 1.0).to_string(), "0.5");
/// ```
pub mod laplace {
    use super::super::common::*;
    functions! { laplace:
        /// The logarithm of the density.
        logpdf(x, loc, scale) of "array(1.0), 0.0, 2.0" is "-1.8862944", -((x - loc).abs() / scale + log(&(2.0 * scale)));
        /// The density.
        pdf(x, loc, scale) of "array(1.0), 1.0, 2.0" is "0.25", exp(&logpdf(x, loc, scale));
        /// The probability of no more than x.
        cdf(x, loc, scale) of "array(1.0), 0.0, 2.0" is "0.69673467", {
            let x = (x - loc) / scale;
            pick(&at_most(&x, 0.0), &(0.5 * exp(&x)), &(1.0 - 0.5 * exp(&-&x)))
        };
    }
}

/// The logistic distribution.
///
/// ```
/// use cotangent::{prelude::*, stats::logistic};
/// assert_eq!(logistic::pdf(&array(0.0), 0.0, 1.0).to_string(), "0.25");
/// ```
pub mod logistic {
    use super::super::common::*;
    functions! { logistic:
        /// The logarithm of the density.
        logpdf(x, loc, scale) of "array(0.0), 0.0, 1.0" is "-1.3862944", {
            let x = (x - loc) / scale;
            -2.0 * crate::nn::softplus(&-&x) - x - log(scale)
        };
        /// The density.
        pdf(x, loc, scale) of "array(2.0), 0.0, 2.0" is "0.098305956", exp(&logpdf(x, loc, scale));
        /// The probability of no more than x.
        cdf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.7310586", expit(&((x - loc) / scale));
        /// The probability of more than x.
        sf(x, loc, scale) of "array(3.0), 1.0, 2.0" is "0.26894143", expit(&((loc - x) / scale));
        /// Where the distribution function is q.
        ppf(q, loc, scale) of "array(0.75), 1.0, 2.0" is "3.1972246", logit(q) * scale + loc;
        /// Where the probability of more is q.
        isf(q, loc, scale) of "array(0.75), 1.0, 2.0" is "-1.1972246", -logit(q) * scale + loc;
    }
}
