//! Cotangent: JAX's composable function transformations as a Rust library.

// The derive writes `::cotangent::..`, and this crate derives too.
extern crate self as cotangent;

mod array;
mod error;
mod function;
pub mod tree;

pub use array::Array;
pub use cotangent_derive::Pytree;
pub use function::{Arguments, Flat, Function, Ref, Val};
pub use tree::{Pytree, Static};
