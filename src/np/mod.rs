//! The NumPy-like surface: compositions of primitives, with promotion and broadcasting. Nothing here is known to a transformation.

mod cumulative;
mod elementwise;
pub mod fft;
mod floats;
pub mod linalg;
mod linear;
mod order;
mod pairs;
mod quantile;
mod reduce;
mod reductions;
pub(crate) mod shape;
mod unary;

pub use cumulative::*;
use elementwise::numeric;
pub use elementwise::*;
pub use floats::*;
pub use linear::*;
use linear::{dimension, meet};
pub use order::*;
use pairs::inexact_types;
pub use pairs::*;
pub use quantile::*;
use reduce::loose;
pub use reduce::*;
pub use reductions::*;
pub use shape::*;
pub use unary::*;
use unary::{not_zero, squared_size};
