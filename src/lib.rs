//! Cotangent.

#![forbid(unsafe_code)]

pub mod array;
pub mod dtype;
