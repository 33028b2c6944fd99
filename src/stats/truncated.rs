//! The normal distribution between limits.

/// The normal distribution of mean `loc` and standard deviation `scale` before it was cut off below `a` and above `b`, which are limits of (x - loc) / scale.
///
/// ```
/// use cotangent::{prelude::*, stats::truncnorm};
/// assert_eq!(truncnorm::pdf(&array(0.0), -1.0, 1.0, 0.0, 1.0).to_string(), "0.5843686");
/// ```
pub mod truncnorm {
    use super::super::common::*;
    use crate::prim::{ge, gt, le, lt};

    /// The logarithm of the mass of the standard normal distribution between `a` and `b`, of which the first is the lesser.
    fn log_mass(a: &Array, b: &Array) -> Array {
        let (left, right) = (at_most(b, 0.0), above(a, 0.0));
        let tail = &left | &right;
        // in a tail the difference of logarithms; a right one is looked at from the other side
        let (low, high) = (pick(&right, &-b, a), pick(&right, &-a, b));
        let (low, high) = (put(&!&tail, -2.0, &low), put(&!&tail, -1.0, &high));
        let (low, high) = (log_ndtr(&low), log_ndtr(&high));
        let difference = put(&is(&low, f64::NEG_INFINITY), f64::NEG_INFINITY, &(&low - &high));
        let tails = high + log(&-difference.expm1());
        let middle = log1p(&(-ndtr(&put(&tail, -1.0, a)) - ndtr(&put(&tail, -1.0, &-b))));
        pick(&tail, &tails, &middle)
    }
    functions! { truncnorm:
        /// The logarithm of the density; NaN where a is not less than b.
        logpdf(x, a, b, loc, scale) of "array(0.0), 0.0, 1.0, 0.0, 1.0" is "0.15592396", {
            let wrong = ge(a, b);
            let y = (x - loc) / scale;
            let (low, high) = (put(&wrong, -1.0, a), put(&wrong, 1.0, b));
            let inside = crate::stats::norm::logpdf(x, loc, scale) - log_mass(&low, &high);
            put(&wrong, f64::NAN, &put(&(lt(&y, a) | gt(&y, b)), f64::NEG_INFINITY, &inside))
        };
        /// The density.
        pdf(x, a, b, loc, scale) of "array(1.0), 0.0, 2.0, 0.0, 1.0" is "0.5070106", exp(&logpdf(x, a, b, loc, scale));
        /// The logarithm of the probability of no more than x.
        logcdf(x, a, b, loc, scale) of "array(0.5), 0.0, 1.0, 0.0, 1.0" is "-0.5782008", {
            let y = (x - loc) / scale;
            let wrong = ge(a, b);
            let inside = gt(&y, a) & lt(&y, b) & !&wrong;
            let (a0, b0, y0) = (put(&!&inside, -1.0, a), put(&!&inside, 1.0, b), put(&!&inside, 0.0, &y));
            let all = log_mass(&a0, &b0);
            let (low, high) = (log_mass(&a0, &y0) - &all, log_mass(&y0, &b0) - &all);
            // near 1 the rest is what is known well
            let near = above(&low, -0.1);
            let rest = log1p(&-exp(&put(&!&near, -1.0, &high)));
            let value = pick(&near, &rest, &low);
            let edge = put(&le(&y, a), f64::NEG_INFINITY, &full(&y, 0.0));
            put(&(wrong | is_nan(&y)), f64::NAN, &pick(&inside, &value, &edge))
        };
        /// The probability of no more than x.
        cdf(x, a, b, loc, scale) of "array(0.5), 0.0, 1.0, 0.0, 1.0" is "0.56090665", exp(&logcdf(x, a, b, loc, scale));
        /// The logarithm of the probability of more than x.
        logsf(x, a, b, loc, scale) of "array(0.5), 0.0, 1.0, 0.0, 1.0" is "-0.82304275", logcdf(&-x, &-b, &-a, &-loc, scale);
        /// The probability of more than x.
        sf(x, a, b, loc, scale) of "array(0.5), 0.0, 1.0, 0.0, 1.0" is "0.43909356", exp(&logsf(x, a, b, loc, scale));
    }
}
