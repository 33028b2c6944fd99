//! Partial results of an associative function, in a number of steps that grows with the logarithm of the length.

use super::control::of;
use crate::array::Array;
use crate::error::{ErrorKind, Loc, fail_at};
use crate::prim::cumulative::folds_in_tree;
use crate::prim::rev;
use crate::{Pytree, tree};
use std::panic::Location;

/// `f` of the first elements, of the first two, of the first three, ..., along axis 0: the result has the structure and shapes of `elems`.
///
/// `f(a, b)` combines elements one by one along the axis: it gets many at once and is to be associative, and then these are
/// `a[0]`, `f(a[0], a[1])`, `f(f(a[0], a[1]), a[2])`, .. up to rounding. The elements may be a tree of arrays, which are then combined together. It takes some
/// 2n combinations in 2 log2(n) calls of `f`, each of which depends on the one before: that is what it has over [`scan`](super::scan), whose n steps
/// follow each other. As `jax.lax.associative_scan`, which combines in the same order.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// let x = array![1., 2., 3., 4., 5.];
/// assert_eq!(lax::associative_scan(|a: &Array, b: &Array| a * b, &x).to_string(), "[  1.   2.   6.  24. 120.]");
/// // the linear recurrence h = a h + b, as the composition of affine maps
/// let after = |f: &(Array, Array), g: &(Array, Array)| (&f.0 * &g.0, &g.0 * &f.1 + &g.1);
/// let (_, h) = lax::associative_scan(after, &(array![0.5, 0.5, 0.5], array![1., 1., 1.]));
/// assert_eq!(h.to_string(), "[1.   1.5  1.75]");
/// ```
///
/// # Panics
/// If an array has no axis 0, if the arrays differ in their length, or if `f` returns elements of another structure, shape or element type than it is given.
#[track_caller]
pub fn associative_scan<T: Pytree>(f: impl Fn(&T, &T) -> T, elems: &T) -> T {
    AssociativeScan::new().run(f, elems)
}

/// [`associative_scan`] with options.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax::AssociativeScan;
/// let x = array![[1., 2., 3.], [4., 5., 6.]];
/// let sums = AssociativeScan::new().axis(1).reverse(true).run(|a: &Array, b: &Array| a + b, &x);
/// assert_eq!(sums.to_string(), "[[ 6.  5.  3.]\n [15. 11.  6.]]");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AssociativeScan {
    reverse: bool,
    axis: i32,
}
impl AssociativeScan {
    /// The options of [`associative_scan`].
    ///
    /// ```
    /// use cotangent::{lax::AssociativeScan, prelude::*};
    /// let most = AssociativeScan::new().run(|a: &Array, b: &Array| a.maximum(b), &array![1, 5, 2, 7]);
    /// assert_eq!(most.to_string(), "[1 5 5 7]");
    /// ```
    pub fn new() -> AssociativeScan {
        AssociativeScan::default()
    }
    /// Begins with the last element: the results are those of the last elements, of the last two, and so on. `f` gets the later element first.
    ///
    /// ```
    /// use cotangent::{lax::AssociativeScan, prelude::*};
    /// let rest = AssociativeScan::new().reverse(true).run(|a: &Array, b: &Array| a + b, &array![1, 5, 2]);
    /// assert_eq!(rest.to_string(), "[8 7 2]");
    /// ```
    pub fn reverse(mut self, yes: bool) -> AssociativeScan {
        self.reverse = yes;
        self
    }
    /// The axis along which the elements lie. A negative one counts from the last axis of the first array.
    ///
    /// ```
    /// use cotangent::{lax::AssociativeScan, prelude::*};
    /// let x = array![[1, 2, 3], [2, 3, 4]];
    /// let products = AssociativeScan::new().axis(-1).run(|a: &Array, b: &Array| a * b, &x);
    /// assert_eq!(products.to_string(), "[[ 1  2  6]\n [ 2  6 24]]");
    /// ```
    pub fn axis(mut self, axis: i32) -> AssociativeScan {
        self.axis = axis;
        self
    }
    /// The results: see [`associative_scan`].
    ///
    /// ```
    /// use cotangent::{lax::AssociativeScan, prelude::*};
    /// // sums and products together
    /// let both = |a: &(Array, Array), b: &(Array, Array)| (&a.0 + &b.0, &a.1 * &b.1);
    /// let (sums, products) = AssociativeScan::new().run(both, &(array![1, 2, 3], array![1, 2, 3]));
    /// assert_eq!((sums.to_string(), products.to_string()), ("[1 3 6]".into(), "[1 2 6]".into()));
    /// ```
    #[track_caller]
    pub fn run<T: Pytree>(self, f: impl Fn(&T, &T) -> T, elems: &T) -> T {
        let at = Location::caller();
        let leaves = tree::leaves(elems);
        let Some(first) = leaves.first() else { return elems.share() };
        let axis = if self.axis < 0 { self.axis + first.ndim() as i32 } else { self.axis };
        let length = usize::try_from(axis).ok().and_then(|axis| first.shape().get(axis));
        if length.is_none() || leaves.iter().any(|x| x.shape().get(axis as usize) != length) {
            let mut text = format!("associative_scan: the arrays are to have one length along axis {}:", self.axis);
            for (path, x) in tree::paths(elems).iter().zip(&leaves) {
                text.push_str(&format!("\n  elems{path} has type {}", x.aval()))
            }
            fail_at(at, ErrorKind::Shape, text)
        }
        let axis = axis as usize;
        let turned = |x: &Array| if self.reverse { rev(x, &[axis]) } else { x.clone() };
        let combine = |a: &[Array], b: &[Array]| {
            let made = f(&elems.rebuild(&mut a.iter().cloned()), &elems.rebuild(&mut b.iter().cloned()));
            checked("associative_scan", elems, a, &made, at)
        };
        let all = folds_in_tree(leaves.iter().map(turned).collect(), axis, &combine);
        elems.rebuild(&mut all.iter().map(turned))
    }
}

/// What `f` made of these elements, if it is of their structure and types.
pub(super) fn checked<T: Pytree>(name: &str, like: &T, given: &[Array], made: &T, at: Loc) -> Vec<Array> {
    if let Some(d) = tree::structure(like).difference(&tree::structure(made)) {
        fail_at(at, ErrorKind::Structure, format!("{name}: f returns another structure than it is given: {d}"))
    }
    let made = tree::leaves(made);
    for (i, (x, y)) in given.iter().zip(&made).enumerate() {
        if x.shape() != y.shape() || x.dtype() != y.dtype() {
            let kind = if x.shape() != y.shape() { ErrorKind::Shape } else { ErrorKind::Type };
            let path = of(&tree::paths(like)[i]);
            let text = format!("{name}: f makes {} of elements{path} of type {}", y.aval(), x.aval());
            fail_at(at, kind, text)
        }
    }
    made
}
