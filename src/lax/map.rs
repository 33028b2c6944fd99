//! A function of one element for all elements, one after the other or some at a time.

use super::Scan;
use crate::array::Array;
use crate::prim::{concatenate, reshape, slice_in_dim};
use crate::trace::batch::{Lanes, batch_flat, to_front};
use crate::{Pytree, tree};
use std::panic::Location;

/// `f(x)` for each element `x` of `xs` along axis 0, one after the other; the results stand along axis 0. [`vmap`](crate::vmap()) runs all at once
/// instead, and [`Map::batch_size`] some. As `jax.lax.map`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// assert_eq!(lax::map(|x: &Array| x.powi(2).sum(), &array![[1., 2.], [3., 4.]]).to_string(), "[ 5. 25.]");
/// ```
///
/// # Panics
/// As [`scan`](super::scan).
#[track_caller]
pub fn map<X: Pytree, Y: Pytree>(f: impl Fn(&X) -> Y, xs: &X) -> Y {
    Map::new().run(f, xs)
}

/// [`map`] with options.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax::Map;
/// let squares = Map::new().batch_size(2).run(|x: &Array| x * x, &array![1., 2., 3., 4., 5.]);
/// assert_eq!(squares.to_string(), "[ 1.  4.  9. 16. 25.]");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Map {
    batch: Option<usize>,
}
impl Map {
    /// The options of [`map`].
    ///
    /// ```
    /// use cotangent::{lax::Map, prelude::*};
    /// assert_eq!(Map::new().run(|x: &Array| x.max(), &array![[1, 7], [5, 3]]).to_string(), "[7 5]");
    /// ```
    pub fn new() -> Map {
        Map::default()
    }
    /// So many elements at once, as [`vmap`](crate::vmap()) runs them, and the rest of them at once in the end; 0, or more than there are, means all. It
    /// bounds the memory that a map needs by that of so many elements.
    ///
    /// ```
    /// use cotangent::{lax::Map, prelude::*};
    /// let y = Map::new().batch_size(3).run(|x: &Array| x + 10, &array![1, 2, 3, 4]);
    /// assert_eq!(y.to_string(), "[11 12 13 14]");
    /// ```
    pub fn batch_size(mut self, elements: usize) -> Map {
        self.batch = Some(elements);
        self
    }
    /// The results: see [`map`].
    ///
    /// ```
    /// use cotangent::{lax::Map, prelude::*};
    /// let pairs = (array![1., 2.], array![[1., 1.], [2., 3.]]);
    /// let y = Map::new().run(|(a, b): &(Array, Array)| a * b.sum(), &pairs);
    /// assert_eq!(y.to_string(), "[ 2. 10.]");
    /// ```
    #[track_caller]
    pub fn run<X: Pytree, Y: Pytree>(self, f: impl Fn(&X) -> Y, xs: &X) -> Y {
        let at = Location::caller();
        let each = |_: &(), x: &X| ((), f(x));
        let Some(size) = self.batch else { return Scan::new().run(each, &(), xs).1 };
        let items = tree::leaves(xs);
        let length = Scan::new().turns(&items, || tree::paths(xs), at);
        // all elements of a batch at once
        let batch = |x: &[Array]| -> Y {
            let lanes = Lanes::unnamed(x[0].shape()[0]);
            let mut out = None;
            let mut run = |a: &[Array]| tree::leaves(out.insert(f(&xs.rebuild(&mut a.iter().cloned()))));
            let y = batch_flat(&mut run, lanes.clone(), x, &vec![Some(0); x.len()], at, true);
            let y = y.into_iter().map(|(y, d)| to_front(&y, d, lanes.size)).collect::<Vec<_>>();
            out.expect("the function was called").rebuild(&mut y.into_iter())
        };
        let rounds = length.checked_div(size).unwrap_or(0);
        if rounds == 0 {
            return batch(&items);
        }
        let part = |from: usize, to: usize| items.iter().map(|x| slice_in_dim(x, from, to, 1, 0)).collect::<Vec<_>>();
        let split = |x: &Array| reshape(x, &[&[rounds, size], &x.shape()[1..]].concat());
        let turned = xs.rebuild(&mut part(0, rounds * size).iter().map(split));
        let rest = (rounds * size < length).then(|| part(rounds * size, length));
        let ys = Scan::new().run(|_: &(), x: &X| ((), batch(&tree::leaves(x))), &(), &turned).1;
        let rest = rest.map(|rest| batch(&rest));
        let ys = tree::map(&ys, |y| reshape(y, &[&[rounds * size], &y.shape()[2..]].concat()));
        match rest {
            Some(rest) => tree::map2(&ys, &rest, |y, rest| concatenate(&[y, rest], 0)),
            None => ys,
        }
    }
}
