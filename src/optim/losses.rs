//! Loss functions, with the names and the meaning of `optax.losses`: what there is to be minimized, as compositions.
//!
//! None of them is a mean: there is a loss for each element or, where a whole row belongs together (classes, the components of a vector), for each row along the last axis. What the second argument is, targets or labels,
//! may be a number.
//!
//! ```
//! use cotangent::{optim::losses, prelude::*};
//! let logits = array![[2., 0., -1.], [0., 3., 0.]];
//! let loss = |logits: &Array| losses::softmax_cross_entropy_with_integer_labels(logits, &array![0, 2]).mean();
//! assert_eq!(loss(&logits).to_string(), "1.6323845");
//! let slopes = grad(loss)(&logits);
//! assert!(slopes.i((0, 0)).to_f64() < 0.0 && slopes.sum().abs().to_f64() < 1e-6);
//! ```

use crate::array::{Array, Operand};
use crate::aval::tuple;
use crate::error::{ErrorKind, fail};
use crate::nn::{LogSumExp, log_sigmoid, log_softmax, sigmoid, softmax};
use crate::np::{logaddexp, take_along_axis, to_inexact, where_};
use crate::prim;
use std::f64::consts::LN_2;

/// One line each: the function of predictions and targets as floating-point numbers, and an example of what it makes.
macro_rules! losses { ($($(#[$doc:meta])* $name:ident |$x:ident, $y:ident $(, $more:ident)*| $value:expr, of $of:literal is $is:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("As `optax.losses.", stringify!($name), "`.\n\n```\nuse cotangent::{optim::losses, prelude::*};\nassert_eq!(losses::", stringify!($name), "(", $of, ").to_string(), \"", $is, "\");\n```")]
    #[track_caller]
    pub fn $name($x: &Array, $y: impl Operand $(, $more: f64)*) -> Array {
        #[track_caller]
        fn of($x: &Array, $y: &Array $(, $more: f64)*) -> Array { $value }
        let x = to_inexact(stringify!($name), $x);
        of(&x, &to_inexact(stringify!($name), &$y.beside(&x)) $(, $more)*)
    }
)* } }
losses! {
    /// The square of the difference.
    squared_error |predictions, targets| (predictions - targets).powi(2),
        of "&array![1., 2., 4.], &array![1., 0., 7.]" is "[0. 4. 9.]";
    /// Half of the square of the difference, so that the derivative is the difference.
    l2_loss |predictions, targets| 0.5 * squared_error(predictions, targets), of "&array![1., 2., 4.], 1.0" is "[0.  0.5 4.5]";
    /// The size of the difference.
    absolute_error |predictions, targets| (predictions - targets).abs(), of "&array![1., 2., 4.], &array![1., 0., 7.]" is "[0. 2. 3.]";
    /// [`l2_loss`] of differences up to `delta`, and a straight line for greater ones, so that outliers count less (Huber, 1964). optax has a `delta` of 1 by default.
    huber_loss |predictions, targets, delta| {
        let size = (predictions - targets).abs();
        let near = size.minimum(delta);
        0.5 * near.powi(2) + delta * (&size - &near)
    }, of "&array![0., 0.5, 3.], 0.0, 1.0" is "[0.    0.125 2.5  ]";
    /// The logarithm of the hyperbolic cosine of the difference: about [`l2_loss`] of small differences, and the size of large ones.
    log_cosh |predictions, targets| {
        let difference = predictions - targets;
        logaddexp(&difference, &-&difference) - LN_2
    }, of "&array![0., 1., 100.], 0.0" is "[ 0.         0.4337808 99.306854 ]";
    /// The cosine of the angle between vectors along the last axis. A length that is less than `epsilon` counts as `epsilon`, which is 0 in optax by default; then the cosine with a zero vector is NaN.
    cosine_similarity |predictions, targets, epsilon| {
        let length = |x: &Array| (x * x).sum_over(-1).maximum(epsilon * epsilon).sqrt();
        (predictions * targets).sum_over(-1) / (length(predictions) * length(targets))
    }, of "&array![[3., 4.], [0., 0.]], &array![1., 0.], 1e-6" is "[0.6 0. ]";
    /// 1 less [`cosine_similarity`]: from 0 in the same direction to 2 in opposite ones.
    cosine_distance |predictions, targets, epsilon| 1.0 - cosine_similarity(predictions, targets, epsilon),
        of "&array![[4., 0.], [0., 2.]], &array![1., 0.], 0.0" is "[0. 1.]";
    /// What an output lacks to be 1 on the right side, where `targets` are -1 or 1.
    hinge_loss |outputs, targets| (1.0 - outputs * targets).maximum(0.0), of "&array![2., 0.5, 0.5], &array![1., 1., -1.]" is "[0.  0.5 1.5]";
    /// How far an output is on the wrong side, where `targets` are -1 or 1.
    perceptron_loss |outputs, targets| (-outputs * targets).maximum(0.0), of "&array![2., 0.5, 0.5], &array![1., 1., -1.]" is "[0.  0.  0.5]";
    /// Minus the logarithm of the probability that independent labels from 0 to 1 have, if [`sigmoid`](crate::nn::sigmoid) of the logits are the probabilities of 1.
    sigmoid_binary_cross_entropy |logits, labels| -labels * log_sigmoid(logits) - (1.0 - labels) * log_sigmoid(&-logits),
        of "&array![0., 2., -100.], &array![1., 1., 0.]" is "[0.6931472 0.126928  0.       ]";
    /// [`sigmoid_binary_cross_entropy`] times (1 - p)^`gamma`, where p is the probability of the label, so that what is known well counts little (Lin et al., 2017). optax has a `gamma` of 2 by default.
    sigmoid_focal_loss |logits, labels, gamma| {
        let p = sigmoid(logits);
        let p = &p * labels + (1.0 - &p) * (1.0 - labels);
        sigmoid_binary_cross_entropy(logits, labels) * (1.0 - p).pow(gamma)
    }, of "&array![0., 2.], 1.0, 2.0" is "[0.1732868  0.00180356]";
    /// Minus the logarithm of the probability that `labels`, a distribution over the classes along the last axis, have, if [`softmax`](crate::nn::softmax) of the logits are the probabilities.
    softmax_cross_entropy |logits, labels| -(labels * log_softmax(logits, -1)).sum_over(-1),
        of "&array![[1., 1.], [0., 10.]], &array![[1., 0.], [0.5, 0.5]]" is "[0.6931472 5.000046 ]";
    /// [`softmax_cross_entropy`] for logits of minus infinity, classes that cannot be, if their labels are 0.
    safe_softmax_cross_entropy |logits, labels| {
        let none = prim::eq(labels, &prim::lit(labels, 0.0));
        -where_(&none, 0.0, labels * where_(&none, 0.0, log_softmax(logits, -1))).sum_over(-1)
    }, of "&array![[1., 1., f64::NEG_INFINITY]], &array![[1., 0., 0.]]" is "[0.6931472]";
    /// [`softmax_cross_entropy`] and `epsilon` times what the labels' probabilities lack to be 1: the first two terms of the series in that (Leng et al., 2022). optax has an `epsilon` of 2 by default.
    poly_loss_cross_entropy |logits, labels, epsilon| {
        softmax_cross_entropy(logits, labels) + epsilon * (labels * (1.0 - softmax(logits, -1))).sum_over(-1)
    }, of "&array![[1., 1.], [0., 10.]], &array![[1., 0.], [0.5, 0.5]], 2.0" is "[1.6931472 6.000046 ]";
    /// Kullback's and Leibler's divergence of distributions along the last axis: that of `targets` from those whose logarithms are the first argument. What has the probability 0 in `targets` counts nothing.
    kl_divergence |log_predictions, targets| {
        let none = prim::eq(targets, &prim::lit(targets, 0.0));
        let log = where_(&none, 0.0, where_(&none, 1.0, targets).log());
        (targets * (log - log_predictions)).sum_over(-1)
    }, of "&array![[0.5, 0.5], [0.25, 0.75]].log(), &array![[0.5, 0.5], [1., 0.]]" is "[0.        1.3862944]";
    /// [`kl_divergence`] of targets whose logarithms are given.
    kl_divergence_with_log_targets |log_predictions, log_targets| (log_targets.exp() * (log_targets - log_predictions)).sum_over(-1),
        of "&array![0.5, 0.5].log(), &array![0.25, 0.75].log()" is "0.13081202";
    /// [`kl_divergence`] of what need not sum to 1: with the sum of the predictions less that of the targets, it is convex in both.
    convex_kl_divergence |log_predictions, targets| {
        kl_divergence(log_predictions, targets) + (log_predictions.exp() - targets).sum_over(-1)
    }, of "&array![1., 1.].log(), &array![0.5, 0.5]" is "0.30685282";
    /// Labels over classes along the last axis, mixed with `alpha` of the uniform distribution (Müller et al., 2019). The first argument are the labels, the second is `alpha`.
    smooth_labels |labels, alpha| {
        let Some(classes) = labels.shape().last() else {
            fail(ErrorKind::Shape, "smooth_labels: the labels of classes lie along the last axis, and a scalar has none")
        };
        (1.0 - alpha) * labels + alpha / *classes as f64
    }, of "&array![[1., 0.], [0., 1.]], 0.1" is "[[0.95 0.05]\\n [0.05 0.95]]";
}

/// [`softmax_cross_entropy`] of labels that are the numbers of classes: integers, one for each row of logits. A label of run time that is outside of the classes makes a NaN. As
/// `optax.losses.softmax_cross_entropy_with_integer_labels`.
///
/// ```
/// use cotangent::{optim::losses, prelude::*};
/// let logits = array![[1., 1.], [0., 10.]];
/// assert_eq!(losses::softmax_cross_entropy_with_integer_labels(&logits, &array![0, 1]).to_string(), "[6.9314718e-01 4.5776367e-05]");
/// ```
///
/// # Panics
/// If the labels are no integers, if their shape is not that of the logits without the last axis, or if a known one is outside of the classes.
#[track_caller]
pub fn softmax_cross_entropy_with_integer_labels(logits: &Array, labels: &Array) -> Array {
    let name = "softmax_cross_entropy_with_integer_labels";
    if !labels.dtype().is_integer() {
        fail(
            ErrorKind::Type,
            format!("{name}: labels are the numbers of classes, integers, not of type {}", labels.dtype()),
        )
    }
    if logits.ndim() == 0 || logits.shape()[..logits.ndim() - 1] != *labels.shape() {
        let (logits, labels) = (tuple(logits.shape()), tuple(labels.shape()));
        fail(
            ErrorKind::Shape,
            format!(
                "{name}: logits of shape {logits} and labels of shape {labels}: there is one label for each row of logits"
            ),
        )
    }
    let logits = to_inexact(name, logits);
    let own = take_along_axis(&logits, &prim::expand_dims(labels, &[labels.ndim()]), Some(-1));
    LogSumExp::new().axis(-1).of(&logits) - prim::squeeze(&own, &[labels.ndim()])
}
