//! The NumPy-like surface: compositions of primitives, with promotion and broadcasting. Nothing here is known to a transformation.

mod arrange;
mod create;
mod dims;
mod elementwise;
pub mod fft;
mod index;
mod join;
pub mod linalg;
mod linear;
mod order;
mod pad;
pub(crate) mod shape;
mod take;

pub use arrange::*;
pub use create::*;
pub use elementwise::*;
pub use index::*;
pub use join::*;
use linear::dimension;
pub use linear::*;
pub use order::*;
pub use pad::*;
pub use shape::*;
pub use take::*;
