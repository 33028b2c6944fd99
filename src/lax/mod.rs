//! Operations that users call directly, with the names they have in JAX's `lax`: control flow that transformations follow, solutions of equations,
//! sorting, convolutions and windows, and communication over named axes; and the primitives that JAX has there, which neither promote nor broadcast.
//!
//! ```
//! use cotangent::prelude::*;
//! use cotangent::{Vmap, lax};
//! let centered = Vmap::new().axis_name("batch").of(|x: &Array| x - lax::pmean(x, "batch"));
//! assert_eq!(centered(&array![1., 2., 6.]).to_string(), "[-2. -1.  3.]");
//! ```

mod arrays;
mod associative;
mod control;
mod conv;
mod map;
mod names;
mod solve;
mod window;

pub use crate::prim::{
    AxisNames, ConvDimensionNumbers, Precision, all_gather, all_gather_invariant, all_to_all, axis_index, axis_size,
    pbroadcast, pmax, pmean, pmin, ppermute, pshuffle, psum, psum_scatter, pswapaxes, pvary, sort, sort_key_val, top_k,
};
pub use arrays::*;
pub use associative::{AssociativeScan, associative_scan};
pub use control::{Bound, ForiLoop, Scan, WhileLoop, cond, fori_loop, scan, select_fn, switch, while_loop};
pub use conv::{ConvGeneralDilated, conv, conv_general_dilated, conv_transpose, conv_with_general_padding};
pub use map::{Map, map};
pub use names::*;
pub use solve::{LinearSolve, custom_linear_solve, custom_root, custom_root_aux};
pub use window::{Padding, ReduceWindow, padtype_to_pads};
