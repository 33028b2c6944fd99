//! The NumPy-like surface: compositions of primitives, with promotion and broadcasting. Nothing here is known to a transformation.

mod arrange;
mod bits;
mod create;
mod diagonal;
mod dims;
mod einsum;
mod elementwise;
pub mod fft;
mod index;
mod join;
pub mod linalg;
mod linear;
mod order;
mod pad;
mod poly;
mod products;
pub(crate) mod shape;
mod take;
mod vectorize;

pub use arrange::*;
pub use bits::*;
pub use create::*;
pub use diagonal::*;
pub use einsum::*;
pub use elementwise::*;
pub use index::*;
pub use join::*;
use linear::dimension;
pub use linear::*;
pub use order::*;
pub use pad::*;
pub use poly::*;
pub use products::*;
pub use shape::*;
pub use take::*;
pub use vectorize::*;
