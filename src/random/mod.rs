//! Random numbers from splittable keys: the same key gives the same numbers, everywhere, and they are JAX's.
//!
//! A [`Key`] is not copied and every function takes it by value, so no key is used twice by accident: that is an error of the
//! compiler. Whoever needs several streams splits the key first.
//!
//! ```
//! use cotangent::{prelude::*, random};
//! let [w_key, b_key] = random::key(0).split();
//! let w = random::normal(w_key, &[3]);
//! let b = random::uniform(b_key, &[]);
//! assert_eq!((w.shape(), b.shape()), (&[3][..], &[][..]));
//! ```
//!
//! ```compile_fail,E0382
//! use cotangent::random;
//! let key = random::key(0);
//! let x = random::normal(key, &[3]);
//! let y = random::normal(key, &[3]); // the same numbers again: the key was moved
//! ```
//!
//! It is not copied in passing, only by a function that says so, [`clone`]:
//!
//! ```compile_fail,E0599
//! cotangent::random::key(0).clone();
//! ```

mod choose;
mod count;
mod draw;
mod gammas;
mod key;
mod matrix;
mod sample;

pub use choose::{Categorical, Choice, Permutation, categorical, choice, permutation};
pub use draw::*;
pub(crate) use gammas::gammas;
pub use key::{Key, clone, fold_in, key, key_data, key_impl, prng_key, split, split_array, wrap_key_data};
pub use sample::{bernoulli, bits, bits_dtype, normal, normal_dtype, randint, randint_dtype, uniform, uniform_in};
