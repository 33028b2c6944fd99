//! The containers of the standard library as pytrees, and [`Static`].

use super::{Fixed, Node, Pytree, Walker};
use crate::Array;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::marker::PhantomData;

/// A value that takes part in the structure of a tree, not in its leaves: JAX's static arguments, by type.
///
/// A compiled function is compiled anew for every different value, and may decide by it.
///
/// ```
/// use cotangent::{Static, tree};
/// assert_eq!(tree::leaf_count(&Static(3)), 0);
/// assert_ne!(tree::structure(&Static(3)), tree::structure(&Static(4)));
/// ```
///
/// A float is not `Eq`, so it does not go in; its bits do, and as an `Array` it needs no new compilation:
///
/// ```compile_fail,E0277
/// cotangent::tree::leaf_count(&cotangent::Static(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Static<T>(pub T);

impl<T> std::ops::Deref for Static<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Fixed + Clone> Pytree for Static<T> {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        w.fixed(&self.0)
    }
    fn rebuild(&self, _: &mut dyn Iterator<Item = Array>) -> Self {
        Static(self.0.clone())
    }
}

impl Pytree for Array {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        w.leaf(self)
    }
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
        leaves.next().expect("Pytree::rebuild: fewer leaves than the tree has arrays")
    }
    fn share(&self) -> Self {
        self.clone()
    }
}

impl<T: Send + Sync + 'static> Pytree for PhantomData<T> {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        w.node(Node::Tuple(0))
    }
    fn rebuild(&self, _: &mut dyn Iterator<Item = Array>) -> Self {
        PhantomData
    }
}

/// A box is not a node: it has the structure of what is in it.
impl<T: Pytree> Pytree for Box<T> {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        (**self).walk(w)
    }
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
        Box::new((**self).rebuild(leaves))
    }
}

/// `None` is a node without leaves.
impl<T: Pytree> Pytree for Option<T> {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        match self {
            None => w.node(Node::None),
            Some(x) => {
                w.node(Node::Some);
                x.walk(w)
            }
        }
    }
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
        self.as_ref().map(|x| x.rebuild(leaves))
    }
}

impl<T: Pytree> Pytree for Vec<T> {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        w.node(Node::List("Vec", self.len()));
        self.iter().for_each(|x| x.walk(w))
    }
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
        self.iter().map(|x| x.rebuild(leaves)).collect()
    }
}

impl<T: Pytree, const N: usize> Pytree for [T; N] {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        w.node(Node::List("array", N));
        self.iter().for_each(|x| x.walk(w))
    }
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
        std::array::from_fn(|i| self[i].rebuild(leaves))
    }
}

impl<K: Fixed + Clone + Ord, T: Pytree> Pytree for BTreeMap<K, T> {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        w.node(Node::Map("BTreeMap", self.len()));
        for (k, x) in self {
            w.key(k);
            x.walk(w)
        }
    }
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
        self.iter().map(|(k, x)| (k.clone(), x.rebuild(leaves))).collect()
    }
}

/// The leaves are in the order of the keys. Each walk sorts them: a `BTreeMap` is sorted already.
impl<K, T, S> Pytree for HashMap<K, T, S>
where
    K: Fixed + Clone + Ord + Hash,
    T: Pytree,
    S: BuildHasher + Default + Send + Sync + 'static,
{
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        w.node(Node::Map("HashMap", self.len()));
        for (k, x) in sorted(self) {
            w.key(k);
            x.walk(w)
        }
    }
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
        sorted(self).into_iter().map(|(k, x)| (k.clone(), x.rebuild(leaves))).collect()
    }
}

/// The entries in the order of their keys.
pub(crate) fn sorted<K: Ord, T, S>(map: &HashMap<K, T, S>) -> Vec<(&K, &T)> {
    let mut pairs: Vec<_> = map.iter().collect();
    pairs.sort_unstable_by_key(|(k, _)| *k);
    pairs
}

macro_rules! tuples {
    ($(($($T:ident $X:ident $x:ident $i:tt),*) $n:literal;)*) => { $(
        impl<$($T: Pytree),*> Pytree for ($($T,)*) {
            fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
                w.node(Node::Tuple($n));
                $(self.$i.walk(w);)*
            }
            #[allow(unused_variables, clippy::unused_unit)]
            fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
                ($(self.$i.rebuild(leaves),)*)
            }
        }
    )* };
}
tuples! { () 0; }
for_tuples! { tuples }
