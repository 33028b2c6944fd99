//! The NumPy-like surface: compositions of primitives, with promotion and broadcasting. Nothing here is known to a transformation.

mod elementwise;
pub mod fft;
pub mod linalg;
mod linear;
mod order;
pub(crate) mod shape;

pub use elementwise::*;
pub(crate) use linear::dimension;
pub use linear::*;
pub use order::*;
pub use shape::*;
