//! What neural networks are made of: activations, normalizations, attention, and [initializers]. The functions of `jax.nn`.
//!
//! ```
//! use cotangent::{nn, prelude::*, random};
//! let [k1, k2] = random::key(0).split();
//! let layers = [nn::initializers::he_normal().init(k1, &[4, 8]), nn::initializers::glorot_uniform().init(k2, &[8, 3])];
//! let logits = nn::relu(&random::normal(random::key(1), &[2, 4]).dot(&layers[0])).dot(&layers[1]);
//! assert_eq!(nn::softmax(&logits, -1).shape(), [2, 3]);
//! ```

mod activation;
mod attention;
pub mod initializers;
mod normalize;
mod scaled;

pub use activation::*;
pub use attention::{Attention, dot_product_attention};
pub use normalize::{
    LogSumExp, Softmax, Standardize, log_softmax, logmeanexp, logsumexp, one_hot, one_hot_dtype, softmax, standardize,
};
pub use scaled::{scaled_matmul, scaled_matmul_dtype};
