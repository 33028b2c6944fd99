//! What the modules of distributions use.

pub(crate) use crate::array::{Array, Operand};
pub(crate) use crate::prim::{exp, log, log1p, mul};
pub(crate) use crate::special::{
    above, at_most, below, betainc, betaln, expit, full, function::together, gammainc, gammaincc, gammaln, is, is_nan,
    log_ndtr, logit, ndtr, ndtri, pick, put, xlog1py, xlogy,
};
pub(crate) use std::f64::consts::{FRAC_1_PI, FRAC_PI_2, PI};

/// Where it is none of [0, 1].
pub(crate) fn no_probability(q: &Array) -> Array {
    // a NaN is neither of the two
    !(!below(q, 0.0) & at_most(q, 1.0))
}
