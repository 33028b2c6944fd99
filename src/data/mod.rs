//! Data in batches: rows of a tree of arrays, in order or shuffled, made ready ahead on a thread.
//!
//! The arrays of the tree have one first extent, the number of examples. An epoch is an iterator:
//!
//! ```
//! use cotangent::{data::Batches, prelude::*, random};
//! let (x, y) = (array![1., 2., 3., 4., 5.], array![2., 4., 6., 8., 10.]);
//! let loss = |w: &Array, x: &Array, y: &Array| { let e = w * x - y; (&e * &e).mean() };
//! let step = jit(move |w: &Array, x: &Array, y: &Array| w - 0.02 * grad(loss)(w, x, y));
//! let mut w = array![0.].reshape(&[]);
//! for epoch in 0..20 {
//!     let key = random::fold_in(random::key(0), epoch);
//!     for (x, y) in Batches::new(2).shuffle(key).prefetch(2).of(&(x.clone(), y.clone())) {
//!         w = step(&w, &x, &y);
//!     }
//! }
//! assert!((w.to_f64() - 2.0).abs() < 0.01);
//! ```

use crate::array::Array;
use crate::aval::Shape;
use crate::error::{ErrorKind, fail};
use crate::random::{self, Key};
use crate::{Pytree, tree};
use cotangent_cpu::Buffer;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// How examples become batches: see the [module](self).
///
/// ```
/// use cotangent::{data::Batches, prelude::*};
/// let rows = Batches::new(2).drop_last().of(&array![[1, 2], [3, 4], [5, 6]]);
/// assert_eq!(rows.map(|b| b.to_string()).collect::<Vec<_>>(), ["[[1 2]\n [3 4]]"]);
/// ```
#[derive(Debug)]
pub struct Batches {
    size: usize,
    order: Option<Key>,
    drop_last: bool,
    ahead: usize,
}
impl Batches {
    /// Batches of so many examples, in order; the last one has those that are left.
    ///
    /// ```
    /// use cotangent::{data::Batches, prelude::*};
    /// let batches: Vec<Array> = Batches::new(2).of(&array![1, 2, 3]).collect();
    /// assert_eq!((batches[0].to_string(), batches[1].to_string()), ("[1 2]".into(), "[3]".into()));
    /// ```
    ///
    /// # Panics
    /// If the number is 0.
    #[track_caller]
    pub fn new(size: usize) -> Batches {
        if size == 0 {
            fail(ErrorKind::Value, "data: a batch has at least one example")
        }
        Batches { size, order: None, drop_last: false, ahead: 0 }
    }
    /// In the random order that [`random::permutation`] makes of this key. Each epoch has a key of its own.
    ///
    /// ```
    /// use cotangent::{data::Batches, prelude::*, random::{key, permutation}};
    /// let x = array![10, 20, 30, 40];
    /// let batch = Batches::new(4).shuffle(key(7)).of(&x).next().unwrap();
    /// assert_eq!(batch.to_string(), permutation(key(7), &x).to_string());
    /// ```
    pub fn shuffle(mut self, key: Key) -> Batches {
        self.order = Some(key);
        self
    }
    /// Without a last batch that is smaller than the others, so that a compiled function sees one shape only.
    ///
    /// ```
    /// use cotangent::{data::Batches, prelude::*};
    /// let sizes = |b: Batches| b.of(&array![1, 2, 3, 4, 5]).map(|x| x.size()).collect::<Vec<_>>();
    /// assert_eq!(sizes(Batches::new(2)), [2, 2, 1]);
    /// assert_eq!(sizes(Batches::new(2).drop_last()), [2, 2]);
    /// ```
    pub fn drop_last(mut self) -> Batches {
        self.drop_last = true;
        self
    }
    /// So many batches are made ahead, on a thread of their own, while the last one is computed with.
    ///
    /// ```
    /// use cotangent::{data::Batches, prelude::*};
    /// let sums = Batches::new(2).prefetch(3).of(&array![1, 2, 3, 4, 5]).map(|x| x.sum().to_f64());
    /// assert_eq!(sums.collect::<Vec<_>>(), [3.0, 7.0, 5.0]); // the same batches in the same order
    /// ```
    pub fn prefetch(mut self, batches: usize) -> Batches {
        self.ahead = batches;
        self
    }
    /// The batches of these examples: trees of the same structure.
    ///
    /// ```
    /// use cotangent::{data::Batches, prelude::*};
    /// let examples = (array![[1, 2], [3, 4], [5, 6]], array![7, 8, 9]);
    /// let (x, y) = Batches::new(2).of(&examples).last().unwrap();
    /// assert_eq!((x.to_string(), y.to_string()), ("[[5 6]]".into(), "[9]".into()));
    /// ```
    ///
    /// # Panics
    /// If there is no array, if the arrays differ in their first extent, or if values are abstract.
    #[track_caller]
    pub fn of<T: Pytree>(self, examples: &T) -> Epoch<T> {
        let leaves = concrete(examples);
        let n = count(examples, &leaves);
        let order = self.order.map(|key| {
            let all = random::permutation(key, n as i64).to_vec::<i32>();
            all.into_iter().map(|i| i as usize).collect::<Vec<_>>()
        });
        let batches = if self.drop_last { n / self.size } else { n.div_ceil(self.size) };
        let source = Source { leaves, order, size: self.size, n };
        Epoch { template: examples.share(), left: batches, from: Supply::new(source, batches, self.ahead) }
    }
}

/// The rows of a tree of arrays with these indices, in this order: an index for each example, as [`Batches`] chooses them.
///
/// ```
/// use cotangent::{data, prelude::*};
/// let (x, y) = data::rows(&(array![[1., 2.], [3., 4.]], array![5, 6]), &[1, 1, 0]);
/// assert_eq!((x.to_string(), y.to_string()), ("[[3. 4.]\n [3. 4.]\n [1. 2.]]".into(), "[6 6 5]".into()));
/// ```
///
/// # Panics
/// If there is no such row, and as [`Batches::of`].
#[track_caller]
pub fn rows<T: Pytree>(examples: &T, indices: &[usize]) -> T {
    let leaves = concrete(examples);
    let n = count(examples, &leaves);
    if let Some(i) = indices.iter().find(|i| **i >= n) {
        fail(ErrorKind::Value, format!("data: there is no example {i}, but {n}"))
    }
    tree::unflatten(examples, leaves.iter().map(|x| picked(x, indices.iter().copied())))
}

/// The leaves, without what transformations follow.
#[track_caller]
fn concrete<T: Pytree>(examples: &T) -> Vec<Array> {
    let mut leaves = tree::leaves(examples);
    // no closure, which would not know the user's line
    for x in &mut leaves {
        *x = x.concrete("data").clone()
    }
    leaves
}
/// How many examples there are.
#[track_caller]
fn count<T: Pytree>(examples: &T, leaves: &[Array]) -> usize {
    let first = leaves.first().and_then(|x| x.shape().first().copied());
    for (i, x) in leaves.iter().enumerate() {
        if x.shape().first().copied() != first || first.is_none() {
            let (path, wanted) = (&tree::paths(examples)[i], first.map_or("at least one".into(), |n| n.to_string()));
            let text = format!("data: the examples{path} have type {}; their first extent is {wanted}", x.aval());
            fail(ErrorKind::Shape, text)
        }
    }
    match first {
        Some(n) => n,
        None => fail(ErrorKind::Structure, "data: there is no array among the examples"),
    }
}
/// Rows of an array, one behind the other.
fn picked(x: &Array, indices: impl ExactSizeIterator<Item = usize>) -> Array {
    let mut shape = Shape::from_slice(x.shape());
    let row = shape[1..].iter().product::<usize>() * x.dtype().size();
    shape[0] = indices.len();
    let mut out = Buffer::zeroed(row * indices.len());
    x.with_bytes(|from| {
        for (to, i) in out.as_bytes_mut().chunks_exact_mut(row.max(1)).zip(indices) {
            to.copy_from_slice(&from[i * row..(i + 1) * row])
        }
    });
    Array::from_buffer(x.aval().with_shape(shape), out)
}

/// Where batches are made.
struct Source {
    leaves: Vec<Array>,
    order: Option<Vec<usize>>,
    size: usize,
    n: usize,
}
impl Source {
    fn batch(&self, i: usize) -> Vec<Array> {
        let (from, to) = (i * self.size, ((i + 1) * self.size).min(self.n));
        let pick = |x: &Array| match &self.order {
            Some(order) => picked(x, order[from..to].iter().copied()),
            None => picked(x, from..to),
        };
        self.leaves.iter().map(pick).collect()
    }
}
/// From here, or from a thread that is ahead.
enum Supply {
    Here(Source, usize),
    Thread(Option<Receiver<Vec<Array>>>, Option<JoinHandle<()>>),
}
impl Supply {
    fn new(source: Source, batches: usize, ahead: usize) -> Supply {
        if ahead == 0 {
            return Supply::Here(source, 0);
        }
        // one batch is in the hands of the thread, which waits until there is room for it
        let (to, from) = sync_channel(ahead - 1);
        // nobody receives any more once the epoch is dropped
        let run = move || (0..batches).map(|i| source.batch(i)).try_for_each(|b| to.send(b)).unwrap_or(());
        let thread = std::thread::Builder::new().name("batches".into()).spawn(run);
        Supply::Thread(Some(from), Some(thread.expect("the system starts a thread")))
    }
    fn next(&mut self) -> Vec<Array> {
        match self {
            Supply::Here(source, i) => {
                *i += 1;
                source.batch(*i - 1)
            }
            Supply::Thread(from, thread) => {
                let found = from.as_ref().and_then(|f| f.recv().ok());
                found.unwrap_or_else(|| match thread.take().map(JoinHandle::join) {
                    Some(Err(panic)) => std::panic::resume_unwind(panic),
                    _ => unreachable!("the thread makes all batches"),
                })
            }
        }
    }
}
impl Drop for Supply {
    fn drop(&mut self) {
        if let Supply::Thread(from, thread) = self {
            // without a receiver the thread ends
            drop(from.take());
            if let Some(t) = thread.take() {
                let _ = t.join();
            }
        }
    }
}

/// The batches of one epoch: what [`Batches::of`] returns. Its length is known.
///
/// ```
/// use cotangent::{data::{Batches, Epoch}, prelude::*};
/// let mut epoch: Epoch<Array> = Batches::new(3).of(&array![1, 2, 3, 4, 5, 6, 7]);
/// assert_eq!(epoch.len(), 3);
/// assert_eq!((epoch.next().unwrap().to_string(), epoch.len()), ("[1 2 3]".into(), 2));
/// ```
pub struct Epoch<T> {
    template: T,
    left: usize,
    from: Supply,
}
impl<T: Pytree> Iterator for Epoch<T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        Some(tree::unflatten(&self.template, self.from.next()))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
impl<T: Pytree> ExactSizeIterator for Epoch<T> {}
