//! Cotangent.
#![forbid(unsafe_code)]

extern crate self as cotangent;

pub mod array;
pub mod aval;
mod backend;
pub mod dtype;
pub mod error;
pub mod jaxpr;
pub mod np;
pub mod prim;
mod trace;
pub mod transform;

pub use array::{Array, ArrayLike, Operand, array, from_literals};
pub use aval::Aval;
pub use dtype::DType;
pub use error::{Error, ErrorKind, catch};
pub use jaxpr::Jaxpr;

/// What most programs need: `use cotangent::prelude::*;`.
pub mod prelude {
    pub use crate::array;
    pub use crate::{Array, DType, Error, ErrorKind, Operand, catch};
}
