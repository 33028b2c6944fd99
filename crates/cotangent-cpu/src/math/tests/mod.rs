//! Tests of the elementary functions.

mod bits;
mod edges;
mod jax;
mod reference;
mod sample;
mod ulp;
