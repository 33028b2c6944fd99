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
mod ravel;
mod structure;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use containers::Static;
pub(crate) use containers::sorted;
pub use ravel::{ravel, unravel};
pub use structure::{
    Definition, Fixed, Mismatch, Node, Structure, StructureHasher, StructureMatcher, StructureWriter, Walker,
};

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
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>);

    /// The same structure with other leaves. Takes as many from `leaves` as the tree has, in the order of [`walk`](Pytree::walk).
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self;

    /// A second handle to the same arrays. For keys this is the library's own business, so it is not called `clone`.
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
pub fn leaves<T: Pytree>(tree: &T) -> Vec<Array> {
    borrowed(tree).into_iter().cloned().collect()
}

/// The number of arrays of a tree.
pub fn leaf_count<T: Pytree>(tree: &T) -> usize {
    let mut w = Count::default();
    tree.walk(&mut w);
    w.0
}

/// The structure of a tree.
pub fn structure<T: Pytree>(tree: &T) -> Structure {
    Structure::of(tree)
}

/// The key path of every leaf, as in `.layers[0]['w']`.
pub fn paths<T: Pytree>(tree: &T) -> Vec<String> {
    Structure::of(tree).paths()
}

/// The arrays of a tree and its structure.
pub fn flatten<T: Pytree>(tree: &T) -> (Vec<Array>, Structure) {
    (leaves(tree), Structure::of(tree))
}

/// A tree with the structure of `template` and these leaves.
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
pub fn map<T: Pytree>(tree: &T, mut f: impl FnMut(&Array) -> Array) -> T {
    tree.rebuild(&mut borrowed(tree).into_iter().map(&mut f as &mut dyn FnMut(&Array) -> Array))
}

/// `f` of every leaf and its key path.
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
pub fn zip<'a, T: Pytree, U: Pytree>(first: &'a T, second: &'a U) -> Result<Vec<(&'a Array, &'a Array)>, Mismatch> {
    match difference(first, second) {
        None => Ok(borrowed(first).into_iter().zip(borrowed(second)).collect()),
        Some(mismatch) => Err(mismatch),
    }
}

/// Where the structures of two trees first differ; `None` if they are equal.
pub fn difference<T: Pytree, U: Pytree>(first: &T, second: &U) -> Option<Mismatch> {
    let structure = Structure::of(first);
    if structure.matches(second) { None } else { structure.difference(&Structure::of(second)) }
}

/// The leaves combined from left to right.
pub fn reduce<T: Pytree, R>(tree: &T, init: R, f: impl FnMut(R, &Array) -> R) -> R {
    borrowed(tree).into_iter().fold(init, f)
}

/// Whether `f` holds for every leaf.
pub fn all<T: Pytree>(tree: &T, f: impl FnMut(&Array) -> bool) -> bool {
    borrowed(tree).into_iter().all(f)
}

#[track_caller]
fn require_same<T: Pytree>(who: &str, first: &T, second: &T) {
    if let Some(mismatch) = difference(first, second) {
        fail(ErrorKind::Structure, format!("{who}: {mismatch}"))
    }
}
