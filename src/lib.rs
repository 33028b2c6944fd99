//! Cotangent.

#![forbid(unsafe_code)]

pub mod dtype;
