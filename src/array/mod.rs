//! Arrays.

pub mod print;
