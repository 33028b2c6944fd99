//! Indexing: `x.i(index)` reads what an index names, `x.at(index)` gives an array in which that is replaced or combined with something. Indices are those of
//! NumPy: numbers, ranges, ranges with steps, arrays of integers, masks, and tuples of these.
//!
//! ```
//! use cotangent::prelude::*;
//! let x = array![[1., 2., 3.], [4., 5., 6.]];
//! assert_eq!(x.i(-1).to_string(), "[4. 5. 6.]");
//! assert_eq!(x.i((.., 1..)).to_string(), "[[2. 3.]\n [5. 6.]]");
//! assert_eq!(x.i((&array![1, 0], 0)).to_string(), "[4. 1.]");
//! assert_eq!(x.i(&x.gt(2.5)).to_string(), "[3. 4. 5. 6.]");
//! assert_eq!(x.i((Ellipsis, NewAxis, s(..).step(-2))).shape(), [2, 1, 2]);
//! assert_eq!(x.at((.., 0)).add(10.).to_string(), "[[11.  2.  3.]\n [14.  5.  6.]]");
//! ```
//!
//! # Where the dimensions go
//!
//! A number takes its dimension away, a range keeps it. Arrays (and numbers beside them) broadcast together, and their common shape takes the place of their dimensions if they stand side by
//! side in the index; otherwise it comes first.
//!
//! # Indices outside
//!
//! An index that is known and lies outside is an error, and so is one in an array whose values are known. Of those that only a compiled program knows, reads give NaN
//! (integers: the least or, unsigned, the greatest number; booleans: true), one scalar index reads the nearest element, and writes are dropped: all as in JAX. A [`Mode`] says otherwise, for known indices
//! too. Ranges are cut off, as Python's are.

mod at;
mod items;
mod plan;

pub use at::{At, Mode};
pub use items::{Ellipsis, IndexElement, Indexer, Item, Items, NewAxis, Slice, s};
pub(in crate::np) use plan::{counted, index_type, indices as index_array, integers, places};
