//! What the members of one axis of a mesh can do together.

use crate::array::Array;
use crate::error::Loc;
use std::fmt::Debug;
use std::sync::Arc;

/// How values are folded into one.
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
