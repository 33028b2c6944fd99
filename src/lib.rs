//! Cotangent.

pub mod jaxpr;
