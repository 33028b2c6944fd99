//! Cotangent: JAX's composable function transformations as a Rust library.

// The derive writes `::cotangent::..`, and this crate derives too.
extern crate self as cotangent;

mod argnums;
mod array;
mod axes;
mod differential;
mod error;
mod function;
mod loss;
pub mod tree;

pub use argnums::{ARG0, ARG1, ARG2, ARG3, ARG4, ARG5, ARG6, ARG7, Argnums, Nth, Selection};
pub use array::Array;
pub use axes::{ArgAxes, Axes, AxisList, ByLeaf, by_leaf};
pub use cotangent_derive::Pytree;
pub use differential::Differential;
pub use function::{Arguments, Flat, Function, Ref, Val};
pub use loss::Loss;
pub use tree::{Pytree, Static};
