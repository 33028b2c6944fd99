//! A tree as one vector.

use super::{Pytree, leaves};
use crate::Array;
use crate::aval::tuple;
use crate::dtype::promote_all;
use crate::error::{ErrorKind, fail};
use crate::prim;

/// All elements of all leaves in one vector, in the type in which they meet. With [`unravel`] this is `jax.flatten_util.ravel_pytree`.
///
/// ```
/// use cotangent::{prelude::*, tree};
/// let params = (array![[1., 2.]], array(3.0));
/// let v = tree::ravel(&params);
/// assert_eq!(v.to_string(), "[1. 2. 3.]");
/// let (w, b) = tree::unravel(&params, &(v * 10.0));
/// assert_eq!((w.to_string(), b.to_f64()), ("[[10. 20.]]".to_string(), 30.0));
/// ```
///
/// # Panics
/// If a leaf is not of numbers.
#[track_caller]
pub fn ravel<T: Pytree>(tree: &T) -> Array {
    flat(&leaves(tree))
}
#[track_caller]
fn flat(leaves: &[Array]) -> Array {
    if let Some(x) = leaves.iter().find(|x| !x.dtype().is_number()) {
        fail(ErrorKind::Type, format!("ravel: a leaf is of type {}, which has no numbers", x.aval()))
    }
    let (dtype, _) = promote_all(leaves.iter().map(|x| (x.dtype(), x.weak_type())));
    let one = |x: &Array| prim::reshape(&prim::convert_element_type(x, dtype, false), &[x.size()]);
    let parts: Vec<Array> = leaves.iter().map(one).collect();
    match &parts[..] {
        [] => Array::from_slice::<f32>(&[], &[0]),
        [one] => one.clone(),
        _ => prim::concatenate(&parts.iter().collect::<Vec<_>>(), 0),
    }
}

/// A tree like this one, with leaves of its shapes and types, from the elements of a vector: the inverse of [`ravel`].
///
/// ```
/// use cotangent::{prelude::*, tree};
/// let like = (array![0., 0.], array(0.0));
/// let (a, b) = tree::unravel(&like, &array![1., 2., 3.]);
/// assert_eq!((a.to_string(), b.to_f64()), ("[1. 2.]".into(), 3.0));
/// ```
///
/// # Panics
/// If the vector has not as many elements as the tree.
#[track_caller]
pub fn unravel<T: Pytree>(like: &T, vector: &Array) -> T {
    let made = pieces(&leaves(like), vector);
    like.rebuild(&mut made.into_iter())
}
#[track_caller]
fn pieces(like: &[Array], vector: &Array) -> Vec<Array> {
    let n: usize = like.iter().map(|x| x.size()).sum();
    if vector.shape() != [n] {
        let text = format!("unravel: the tree has {n} elements, and the vector is of shape {}", tuple(vector.shape()));
        fail(ErrorKind::Shape, text)
    }
    let mut at = 0;
    let mut take = |x: &Array| {
        let piece = prim::slice_in_dim(vector, at, at + x.size(), 1, 0);
        at += x.size();
        prim::convert_element_type(&prim::reshape(&piece, x.shape()), x.dtype(), false)
    };
    like.iter().map(&mut take).collect()
}
