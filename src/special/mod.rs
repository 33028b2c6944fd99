//! Special functions, with the names of `scipy.special` and `jax.scipy.special`.

pub(crate) mod function;
