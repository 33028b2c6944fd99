//! What the members of one axis of a mesh can do together.

use crate::array::Array;
use crate::error::Loc;
use std::fmt::Debug;
use std::sync::Arc;

/// How values are folded into one.
///
/// ```
/// use cotangent::{devices::Fold, prelude::*};
/// let all = array![1, 2, 4]; // of each member one
/// let folded = |fold| match fold { Fold::Sum => all.sum(), Fold::Max => all.max(), Fold::Min => all.min() };
/// assert_eq!([Fold::Sum, Fold::Max, Fold::Min].map(|f| folded(f).to_f64()), [7.0, 4.0, 1.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fold {
    /// Their sum.
    Sum,
    /// The greatest.
    Max,
    /// The least.
    Min,
}

/// The operation for which members communicate, and the user's line: they must agree about both.
///
/// ```
/// use cotangent::devices::Site;
/// let here = |name| Site { name, at: std::panic::Location::caller() };
/// assert_eq!(here("psum"), here("psum"));
/// assert_ne!(here("psum"), here("pmax")); // members at these two would wait for each other in vain
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// The operation's name.
    pub name: &'static str,
    /// Where it was written.
    pub at: Loc,
}

/// One member's view of the members along one axis of a mesh. Each calls the same methods in the same order, with values of one type; each
/// call returns when all have made it. Values are concrete.
///
/// Whatever carries the values, the result of a fold has the bits that the same fold along an axis of an array has: values are folded in the order
/// of ranks, as `reduce_sum` folds that many elements. So a program gives the same numbers on threads and on anything else.
///
/// ```
/// use cotangent::devices::{Collectives, Fold, Site};
/// use cotangent::{prelude::*, prim};
/// use std::sync::Arc;
///
/// /// The only member of its axis.
/// #[derive(Debug)]
/// struct Alone;
/// impl Collectives for Alone {
///     fn rank(&self) -> usize { 0 }
///     fn size(&self) -> usize { 1 }
///     fn all_reduce(&self, x: &Array, _: Fold, _: Site) -> Array { x.clone() }
///     fn all_gather(&self, x: &Array, _: Site) -> Array { prim::expand_dims(x, &[0]) }
///     fn reduce_scatter(&self, x: &Array, _: Site) -> Array { prim::squeeze(x, &[0]) }
///     fn all_to_all(&self, x: &Array, _: Site) -> Array { x.clone() }
///     fn permute(&self, x: &Array, pairs: &[(usize, usize)], _: Site) -> Array { if pairs.is_empty() { x * 0 } else { x.clone() } }
///     fn barrier(&self, _: Site) {}
///     fn channel(&self, _: usize) -> Arc<dyn Collectives> { Arc::new(Alone) }
/// }
/// let site = Site { name: "all_gather", at: std::panic::Location::caller() };
/// assert_eq!(Alone.channel(1).all_gather(&array![1, 2], site).to_string(), "[[1 2]]");
/// ```
///
/// # Panics
/// A member that finds that the others do not make the same call, or that one of them has failed, panics instead of waiting.
pub trait Collectives: Send + Sync + Debug {
    /// The number of this member.
    fn rank(&self) -> usize;
    /// The number of members.
    fn size(&self) -> usize;
    /// All members' values folded into one, for every member.
    fn all_reduce(&self, x: &Array, fold: Fold, site: Site) -> Array;
    /// All members' values along a new first dimension, for every member.
    fn all_gather(&self, x: &Array, site: Site) -> Array;
    /// The first dimension has one entry for each member: the sum of all members' values, of which each gets its entry.
    fn reduce_scatter(&self, x: &Array, site: Site) -> Array;
    /// The first dimension has one entry for each member, who gets it: it comes to lie where the sender's number says.
    fn all_to_all(&self, x: &Array, site: Site) -> Array;
    /// For each pair, the value of the first goes to the second; who receives nothing has zeros.
    fn permute(&self, x: &Array, from_to: &[(usize, usize)], site: Site) -> Array;
    /// Waits for all members.
    fn barrier(&self, site: Site);
    /// The same members once more, on a channel of its own: for members of an inner mesh, who are told apart by their `color`.
    fn channel(&self, color: usize) -> Arc<dyn Collectives>;
}
