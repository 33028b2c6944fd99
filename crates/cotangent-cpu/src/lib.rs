//! The CPU engine of Cotangent.
//!
//! It receives a [`Program`]: a small, flat tensor program that names no primitive and knows no derivative. It returns an
//! [`Executable`] that runs it on [`Buffer`]s. Three things live here, and all `unsafe` code of the array library:
//!
//! * [`program`]: what a tensor program is, and what every node computes, down to the order of every sum;
//! * [`mod@reference`]: the scalar evaluator, loops that *are* those definitions. Nothing is faster, nothing is shared with the
//!   engine but the elementary functions;
//! * [`exec`]: the block interpreter, with SIMD kernels chosen when the process starts (AVX-512, AVX2, portable), the matrix
//!   product, and buffers that are reused.
//!
//! **Order is part of the meaning.** Every operation whose rounding depends on order has one order, a function of its logical
//! shape. Layout, tiles, instruction set and threads may then do what they like: the bits are the same.

pub mod buffer;
pub mod check;
pub mod complex;
mod conv;
pub mod cost;
pub mod dlpack;
pub mod dot;
pub mod dt;
mod emit;
pub mod exec;
pub mod float;
#[doc(hidden)]
pub mod fuzz;
mod hoist;
pub mod isa;
mod lent;
pub mod math;
mod pairs;
pub mod pool;
pub mod pooled;
pub mod program;
pub mod reference;
pub mod routine;
mod scalars;
mod sort;
pub mod text;

pub use buffer::{Buffer, Element, bytes_of};
pub use cost::Cost;
pub use dt::Dt;
pub use exec::report;
pub use exec::{ArrayLoop, Executable, Operand, Output, Outputs, Rows, ScalarLoop, Turned};
pub use hoist::{Hoisted, hoist};
pub use lent::Lent;
pub use pooled::Pooled;
pub use program::*;
pub use routine::{Call, Lib, Plain, Routine, transpose};
pub use scalars::{elements, scalars};
