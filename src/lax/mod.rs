//! Operations that users call directly, with the names they have in JAX's `lax`: control flow that transformations follow, and
//! communication over named axes.
//!
//! ```
//! use cotangent::prelude::*;
//! use cotangent::{Vmap, lax};
//! let centered = Vmap::new().axis_name("batch").of(|x: &Array| x - lax::pmean(x, "batch"));
//! assert_eq!(centered(&array![1., 2., 6.]).to_string(), "[-2. -1.  3.]");
//! ```

mod control;

pub use crate::prim::{
    AxisNames, all_gather, all_gather_invariant, all_to_all, axis_index, axis_size, pbroadcast, pmax, pmean, pmin,
    ppermute, pshuffle, psum, psum_scatter, pswapaxes, pvary,
};
pub use control::{Scan, cond, fori_loop, map, scan, switch, while_loop};
