//! Trees of arrays: what a transformation takes and returns.
//!
//! A [`Pytree`] is an array or a container of pytrees: a tuple, a `Vec`, a map, your own struct with `#[derive(Pytree)]`. Its
//! arrays are its *leaves*; all else about it is its [`Structure`]. Functions of this module work on the leaves of whole trees:
//!
//! ```
//! use cotangent::{Array, Pytree, tree};
//!
//! #[derive(Pytree)]
//! struct Params { w: Array, b: Array }
//!
//! fn sum(terms: &[Params], add: impl Fn(&Array, &Array) -> Array) -> Option<Params> {
//!     let (first, rest) = terms.split_first()?;
//!     Some(rest.iter().fold(first.share(), |p, q| tree::map2(&p, q, &add)))
//! }
//! ```

mod containers;
mod event;
mod ravel;
mod structure;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use containers::Static;
pub(crate) use containers::sorted;
pub use event::{Definition, Fixed, Node, Walker};
pub use ravel::{ravel, unravel};
pub use structure::{Mismatch, Structure, StructureHasher, StructureMatcher, StructureWriter};

use crate::Array;
use crate::error::{ErrorKind, fail};

/// Arrays, and containers of arrays.
///
/// Derive it for your own structs and enums: every field is a pytree, or says what it is ([the derive](macro@crate::Pytree)).
///
/// ```
/// use cotangent::{Array, Pytree, tree};
///
/// #[derive(Pytree)]
/// struct Layer { w: Array, b: Option<Array> }
///
/// #[derive(Pytree)]
/// struct Net<T> {
///     layers: Vec<T>,
///     #[pytree(static)] activation: Activation, // part of the structure: compiled anew for each
///     #[pytree(skip)] name: String,             // carried along, looked at by nothing
/// }
///
/// #[derive(Clone, PartialEq, Eq, Hash, Debug)]
/// enum Activation { Relu, Tanh }
///
/// let net = Net::<Layer> { layers: vec![], activation: Activation::Relu, name: "mlp".into() };
/// assert_eq!(tree::structure(&net).to_string(), "Net { layers: [], activation: Relu }");
/// ```
///
/// There is no `Clone` among the requirements: a random key is a pytree and must not be copied. A reference is never a pytree,
/// which is how a function's `&T` arguments are told from its `T` arguments.
///
/// A container written by hand tells its node and then its children, and rebuilds itself from the leaves in the same order:
///
/// ```
/// use cotangent::{Array, Pytree, tree::{Node, Walker}};
///
/// struct Stack<T>(Vec<T>);
///
/// impl<T: Pytree> Pytree for Stack<T> {
///     fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
///         w.node(Node::List("Stack", self.0.len()));
///         self.0.iter().for_each(|x| x.walk(w));
///     }
///     fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
///         Stack(self.0.iter().map(|x| x.rebuild(leaves)).collect())
///     }
/// }
/// ```
///
/// A number is not a pytree:
///
/// ```compile_fail,E0277
/// cotangent::tree::leaves(&1.0f32);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pytree",
    label = "expected arrays, or containers of arrays",
    note = "pytrees are Array, (), tuples, Vec<T>, [T; N], Option<T>, Box<T>, BTreeMap<K, T>, HashMap<K, T>,\n\
            and your own structs and enums with #[derive(Pytree)]",
    note = "a value that is not an array and decides what is computed goes in as Static<{Self}>, \
            or with #[pytree(static)] on the field"
)]
pub trait Pytree: Sized + Send + Sync + 'static {
    /// Tells the walker of every node and every leaf, in order: exactly one event, or one node and its children.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::StructureWriter};
    /// let mut w = StructureWriter::default();
    /// [(array(1), Static(5))].walk(&mut w);
    /// assert_eq!(w.finish().to_string(), "[(*, 5)]");
    /// ```
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>);

    /// The same structure with other leaves. Takes as many from `leaves` as the tree has, in the order of [`walk`](Pytree::walk).
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let like = (array(0), vec![array(0)]);
    /// let (a, b) = like.rebuild(&mut [array(7), array(8)].into_iter());
    /// assert_eq!((a.to_f64(), b[0].to_f64()), (7., 8.));
    /// ```
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self;

    /// A second handle to the same arrays. For keys this is the library's own business, so it is not called `clone`.
    ///
    /// ```
    /// use cotangent::{Array, Pytree, prelude::array, tree};
    /// let params = (array(1.0), vec![array(2.0)]);
    /// let again = params.share();
    /// assert_eq!(tree::leaves(&again).len(), 2);
    /// ```
    fn share(&self) -> Self {
        let mut leaves = Leaves::default();
        self.walk(&mut leaves);
        self.rebuild(&mut leaves.0.into_iter())
    }
}

/// A walker that collects handles to the leaves.
#[derive(Default)]
pub(crate) struct Leaves(pub(crate) smallvec::SmallVec<[Array; 8]>);

impl<'a> Walker<'a> for Leaves {
    fn leaf(&mut self, leaf: &'a Array) {
        self.0.push(leaf.clone())
    }
    fn node(&mut self, node: Node) {
        self.0.reserve(node.arity())
    }
}

/// A walker that counts the leaves.
#[derive(Default)]
pub(crate) struct Count(pub(crate) usize);

impl<'a> Walker<'a> for Count {
    fn leaf(&mut self, _: &'a Array) {
        self.0 += 1
    }
}

/// A walker that collects references to the leaves.
#[derive(Default)]
pub(crate) struct Borrowed<'a>(pub(crate) smallvec::SmallVec<[&'a Array; 8]>);

impl<'a> Walker<'a> for Borrowed<'a> {
    fn leaf(&mut self, leaf: &'a Array) {
        self.0.push(leaf)
    }
    fn node(&mut self, node: Node) {
        self.0.reserve(node.arity())
    }
}

fn borrowed<T: Pytree>(tree: &T) -> smallvec::SmallVec<[&Array; 8]> {
    let mut w = Borrowed::default();
    tree.walk(&mut w);
    w.0
}

// The generic functions below are thin: what they do per leaf is behind `dyn`, so a tree type costs one instance of `walk` and
// `rebuild`, and each function a few instructions more.

/// The arrays of a tree, in order.
///
/// ```
/// use cotangent::prelude::*;
/// let all = tree::leaves(&(array(1.5), vec![array(2.), array(3.)]));
/// assert_eq!(all.iter().map(Array::to_f64).collect::<Vec<_>>(), [1.5, 2., 3.]);
/// ```
pub fn leaves<T: Pytree>(tree: &T) -> Vec<Array> {
    borrowed(tree).into_iter().cloned().collect()
}

/// The number of arrays of a tree.
///
/// ```
/// use cotangent::prelude::*;
/// assert_eq!(tree::leaf_count(&(array(1), [array(2), array(3)], None::<Array>)), 3);
/// ```
pub fn leaf_count<T: Pytree>(tree: &T) -> usize {
    let mut w = Count::default();
    tree.walk(&mut w);
    w.0
}

/// The structure of a tree.
///
/// ```
/// use cotangent::prelude::*;
/// assert_eq!(tree::structure(&(array(1), vec![array(2)])).to_string(), "(*, [*])");
/// ```
pub fn structure<T: Pytree>(tree: &T) -> Structure {
    Structure::of(tree)
}

/// The key path of every leaf, as in `.layers[0]['w']`.
///
/// ```
/// use cotangent::prelude::*;
/// assert_eq!(tree::paths(&(array(1), vec![array(2), array(3)])), ["[0]", "[1][0]", "[1][1]"]);
/// ```
pub fn paths<T: Pytree>(tree: &T) -> Vec<String> {
    Structure::of(tree).paths()
}

/// The arrays of a tree and its structure.
///
/// ```
/// use cotangent::prelude::*;
/// let (leaves, structure) = tree::flatten(&[Some(array(7)), None]);
/// assert_eq!((leaves.len(), structure.to_string()), (1, "[Some(*), None]".into()));
/// ```
pub fn flatten<T: Pytree>(tree: &T) -> (Vec<Array>, Structure) {
    (leaves(tree), Structure::of(tree))
}

/// A tree with the structure of `template` and these leaves.
///
/// ```
/// use cotangent::prelude::*;
/// let like = (array(0), [array(0), array(0)]);
/// let (a, [b, c]) = tree::unflatten(&like, [array(1), array(2), array(3)]);
/// assert_eq!((a.to_f64(), b.to_f64(), c.to_f64()), (1., 2., 3.));
/// ```
///
/// # Panics
/// If there are more or fewer leaves than the structure has.
#[track_caller]
pub fn unflatten<T: Pytree>(template: &T, leaves: impl IntoIterator<Item = Array>) -> T {
    let leaves: Vec<Array> = leaves.into_iter().collect();
    let wanted = leaf_count(template);
    if leaves.len() != wanted {
        let structure = Structure::of(template);
        let found = leaves.len();
        fail(
            ErrorKind::Structure,
            format!("tree::unflatten: {found} leaves for a structure of {wanted}\n  structure: {structure}"),
        )
    }
    template.rebuild(&mut leaves.into_iter())
}

/// `f` of every leaf.
///
/// ```
/// use cotangent::prelude::*;
/// let (a, b) = tree::map(&(array(1.), array![2., 3.]), |x| x * 10.);
/// assert_eq!((a.to_f64(), b.to_string()), (10., "[20. 30.]".into()));
/// ```
pub fn map<T: Pytree>(tree: &T, mut f: impl FnMut(&Array) -> Array) -> T {
    tree.rebuild(&mut borrowed(tree).into_iter().map(&mut f as &mut dyn FnMut(&Array) -> Array))
}

/// `f` of every leaf and its key path.
///
/// ```
/// use cotangent::prelude::*;
/// #[derive(Pytree)]
/// struct Layer { w: Array, b: Array }
/// let decay = |path: &str, x: &Array| if path == ".w" { 0.5 * x } else { x.clone() };
/// let p = tree::map_with_path(&Layer { w: array(4.), b: array(4.) }, decay);
/// assert_eq!((p.w.to_f64(), p.b.to_f64()), (2., 4.));
/// ```
pub fn map_with_path<T: Pytree>(tree: &T, mut f: impl FnMut(&str, &Array) -> Array) -> T {
    let paths = paths(tree);
    tree.rebuild(&mut paths.iter().zip(borrowed(tree)).map(|(path, x)| f(path, x)))
}

/// `f` of every leaf of the first tree and its counterpart in the second.
///
/// ```
/// # use cotangent::{Array, Pytree, tree};
/// fn descend<P: Pytree>(p: &P, g: &P, step: impl Fn(&Array, &Array) -> Array) -> P {
///     tree::map2(p, g, |p, g| step(p, g))
/// }
/// ```
///
/// # Panics
/// If the structures differ: a `Vec` of another length, another key, another variant. The message names the place.
#[track_caller]
pub fn map2<T: Pytree>(first: &T, second: &T, mut f: impl FnMut(&Array, &Array) -> Array) -> T {
    require_same("tree::map2", first, second);
    let pairs = borrowed(first).into_iter().zip(borrowed(second));
    first.rebuild(&mut pairs.map(|(x, y)| f(x, y)))
}

/// `f` of every leaf of the first tree and its counterparts in the second and the third.
///
/// ```
/// use cotangent::prelude::*;
/// let mix = |x: &Array, y: &Array, t: &Array| x + t * (y - x);
/// let [a, b] = tree::map3(&[array(0.), array(1.)], &[array(4.), array(5.)], &[array(0.5), array(1.)], mix);
/// assert_eq!((a.to_f64(), b.to_f64()), (2., 5.));
/// ```
///
/// # Panics
/// If the structures differ.
#[track_caller]
pub fn map3<T: Pytree>(first: &T, second: &T, third: &T, mut f: impl FnMut(&Array, &Array, &Array) -> Array) -> T {
    require_same("tree::map3", first, second);
    require_same("tree::map3 (third tree)", first, third);
    let triples = borrowed(first).into_iter().zip(borrowed(second)).zip(borrowed(third));
    first.rebuild(&mut triples.map(|((x, y), z)| f(x, y, z)))
}

/// The pairs of corresponding leaves, or where the structures differ. The trees may be of different types.
///
/// ```
/// use cotangent::prelude::*;
/// let (x, y) = (vec![array(1.), array(2.)], vec![array(3.), array(5.)]);
/// let products: f64 = tree::zip(&x, &y).unwrap().iter().map(|(x, y)| (*x * *y).to_f64()).sum();
/// assert_eq!(products, 13.0);
/// assert!(tree::zip(&x, &vec![array(1.)]).is_err());
/// ```
pub fn zip<'a, T: Pytree, U: Pytree>(first: &'a T, second: &'a U) -> Result<Vec<(&'a Array, &'a Array)>, Mismatch> {
    match difference(first, second) {
        None => Ok(borrowed(first).into_iter().zip(borrowed(second)).collect()),
        Some(mismatch) => Err(mismatch),
    }
}

/// Where the structures of two trees first differ; `None` if they are equal.
///
/// ```
/// use cotangent::prelude::*;
/// let (x, y) = ((array(1), vec![array(2)]), (array(1), vec![array(2), array(3)]));
/// assert!(tree::difference(&x, &x).is_none());
/// assert_eq!(tree::difference(&x, &y).unwrap().path, "[1]");
/// ```
pub fn difference<T: Pytree, U: Pytree>(first: &T, second: &U) -> Option<Mismatch> {
    let structure = Structure::of(first);
    if structure.matches(second) { None } else { structure.difference(&Structure::of(second)) }
}

/// The leaves combined from left to right.
///
/// ```
/// use cotangent::prelude::*;
/// let most = tree::reduce(&(array(3.), [array(9.), array(5.)]), 0.0, |most: f64, x| most.max(x.to_f64()));
/// assert_eq!(most, 9.0);
/// ```
pub fn reduce<T: Pytree, R>(tree: &T, init: R, f: impl FnMut(R, &Array) -> R) -> R {
    borrowed(tree).into_iter().fold(init, f)
}

/// Whether `f` holds for every leaf.
///
/// ```
/// use cotangent::prelude::*;
/// let params = (array![1., 2.], array(f32::NAN));
/// assert!(!tree::all(&params, |x| cotangent::np::isfinite(x).all().to_bool()));
/// ```
pub fn all<T: Pytree>(tree: &T, f: impl FnMut(&Array) -> bool) -> bool {
    borrowed(tree).into_iter().all(f)
}

#[track_caller]
fn require_same<T: Pytree>(who: &str, first: &T, second: &T) {
    if let Some(mismatch) = difference(first, second) {
        fail(ErrorKind::Structure, format!("{who}: {mismatch}"))
    }
}
