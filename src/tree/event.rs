//! What a tree tells a walker: the events of a walk, and the nodes that it consists of.

use super::structure::mix_str;
use crate::Array;
use std::any::Any;
use std::fmt::{Debug, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Listens to the events of a tree: its nodes before their children, a map's key before its value.
///
/// Every child of a node is one leaf, one static value or one node with its own children.
///
/// ```
/// use cotangent::{Array, Pytree, tree::{Fixed, Walker}};
/// /// The total size of all arrays.
/// struct Size(usize);
/// impl<'a> Walker<'a> for Size {
///     fn leaf(&mut self, leaf: &'a Array) { self.0 += leaf.size() }
/// }
/// let mut size = Size(0);
/// (Array::from(1.0), [Array::from([2., 3.])]).walk(&mut size);
/// assert_eq!(size.0, 3);
/// ```
pub trait Walker<'a> {
    /// An array.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::{Node, StructureWriter, Walker}};
    /// let (x, mut w) = (array(1), StructureWriter::default());
    /// w.leaf(&x);
    /// assert_eq!(w.finish().leaf_count(), 1);
    /// ```
    fn leaf(&mut self, leaf: &'a Array);
    /// A node, whose children follow.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::{Node, StructureWriter, Walker}};
    /// let (x, mut w) = (array(1), StructureWriter::default());
    /// w.node(Node::List("Vec", 2));
    /// (w.leaf(&x), w.leaf(&x));
    /// assert_eq!(w.finish().to_string(), "[*, *]");
    /// ```
    fn node(&mut self, _node: Node) {}
    /// The key of the child that follows, in a map.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::{Node, StructureWriter, Walker}};
    /// let (x, mut w) = (array(1), StructureWriter::default());
    /// w.node(Node::Map("BTreeMap", 1));
    /// (w.key(&"bias"), w.leaf(&x));
    /// assert_eq!(w.finish().to_string(), "{'bias': *}");
    /// ```
    fn key(&mut self, _key: &'a dyn Fixed) {}
    /// A value that is part of the structure and has no leaves.
    ///
    /// ```
    /// use cotangent::tree::{StructureWriter, Walker};
    /// let mut w = StructureWriter::default();
    /// w.fixed(&7);
    /// assert_eq!(w.finish().to_string(), "7");
    /// ```
    fn fixed(&mut self, _value: &'a dyn Fixed) {}
}

/// Two walkers that listen to one walk.
impl<'a, V: Walker<'a>, W: Walker<'a>> Walker<'a> for (V, W) {
    fn leaf(&mut self, leaf: &'a Array) {
        self.0.leaf(leaf);
        self.1.leaf(leaf)
    }
    fn node(&mut self, node: Node) {
        self.0.node(node);
        self.1.node(node)
    }
    fn key(&mut self, key: &'a dyn Fixed) {
        self.0.key(key);
        self.1.key(key)
    }
    fn fixed(&mut self, value: &'a dyn Fixed) {
        self.0.fixed(value);
        self.1.fixed(value)
    }
}

/// What a tree may hold beside arrays: keys of maps and static values. Every `T: Clone + Eq + Hash + Debug + Send + Sync` is one.
///
/// ```
/// use cotangent::tree::Fixed;
/// let (a, b): (&dyn Fixed, &dyn Fixed) = (&3, &"three");
/// assert!(a.same(&3) && !a.same(&4) && !a.same(b));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a structure",
    label = "not `Clone + Eq + Hash + Debug + Send + Sync`",
    note = "static values and keys of maps are compared to find what was compiled before",
    note = "a float belongs in an Array, or is skipped with #[pytree(skip)] if nothing is computed from it"
)]
pub trait Fixed: Debug + Send + Sync + 'static {
    /// Hashes the value.
    ///
    /// ```
    /// use cotangent::tree::Fixed;
    /// use std::hash::{DefaultHasher, Hasher};
    /// let hash = |x: &dyn Fixed| {
    ///     let mut h = DefaultHasher::new();
    ///     x.hash_into(&mut h);
    ///     h.finish()
    /// };
    /// assert!(hash(&"w") == hash(&"w") && hash(&"w") != hash(&"b"));
    /// ```
    fn hash_into(&self, state: &mut dyn Hasher);
    /// Whether the other is of the same type and equal.
    ///
    /// ```
    /// use cotangent::tree::Fixed;
    /// assert!(Fixed::same(&3, &3) && !Fixed::same(&3, &4) && !Fixed::same(&3, &3u8));
    /// ```
    fn same(&self, other: &dyn Fixed) -> bool;
    /// A copy to keep.
    ///
    /// ```
    /// use cotangent::tree::Fixed;
    /// let kept = Fixed::keep(&"w");
    /// assert!(kept.same(&"w"));
    /// ```
    fn keep(&self) -> Arc<dyn Fixed>;
    /// For the comparison.
    ///
    /// ```
    /// use cotangent::tree::Fixed;
    /// assert_eq!(Fixed::as_any(&7u8).downcast_ref::<u8>(), Some(&7));
    /// ```
    fn as_any(&self) -> &dyn Any;
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Eq + Hash + Debug + Send + Sync + 'static> Fixed for T {
    fn hash_into(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state)
    }
    fn same(&self, other: &dyn Fixed) -> bool {
        other.as_any().downcast_ref::<T>().is_some_and(|other| self == other)
    }
    fn keep(&self) -> Arc<dyn Fixed> {
        Arc::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A node of a tree and the number of its children.
///
/// ```
/// use cotangent::{prelude::*, tree::{Node, Walker}};
/// struct Nodes(Vec<String>);
/// impl<'a> Walker<'a> for Nodes {
///     fn leaf(&mut self, _: &'a Array) {}
///     fn node(&mut self, node: Node) { self.0.push(format!("{node:?}")) }
/// }
/// let mut nodes = Nodes(vec![]);
/// (vec![array(1)], None::<Array>).walk(&mut nodes);
/// assert_eq!(nodes.0, ["Tuple(2)", "List(\"Vec\", 1)", "None"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A tuple; `()` too.
    Tuple(usize),
    /// A sequence: the name of its container and its length.
    List(&'static str, usize),
    /// A map: the name of its container and its length. Each child is preceded by its key.
    Map(&'static str, usize),
    /// `None`: no children.
    None,
    /// `Some`: one child.
    Some,
    /// A struct, or a variant of an enum: one child for each field.
    Struct(&'static Definition),
}

impl Node {
    /// The number of children.
    ///
    /// ```
    /// use cotangent::tree::Node;
    /// assert_eq!([Node::Tuple(3), Node::None, Node::Some].map(|n| n.arity()), [3, 0, 1]);
    /// ```
    pub fn arity(&self) -> usize {
        match self {
            Node::Tuple(n) | Node::List(_, n) | Node::Map(_, n) => *n,
            Node::None => 0,
            Node::Some => 1,
            Node::Struct(d) => d.fields.len(),
        }
    }
    /// What tells this node from most others, cheaply: lengths and identities, no strings.
    pub(super) fn fingerprint(&self) -> u64 {
        match self {
            Node::Tuple(n) => 1 + 8 * *n as u64,
            Node::List(name, n) => 2 + 8 * (*n as u64) + ((name.len() as u64) << 48),
            Node::Map(name, n) => 3 + 8 * (*n as u64) + ((name.len() as u64) << 48),
            Node::None => 4,
            Node::Some => 5,
            Node::Struct(d) => d.id,
        }
    }
}

/// A struct, or a variant of an enum, that derives [`Pytree`](crate::Pytree). Made at compile time.
///
/// ```
/// use cotangent::{prelude::*, tree::{Definition, Node, Walker}};
/// // what the derive writes
/// struct Pair(Array, Array);
/// static PAIR: Definition = Definition::new(module_path!(), "Pair", None, &["0", "1"]);
/// impl Pytree for Pair {
///     fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
///         w.node(Node::Struct(&PAIR));
///         (self.0.walk(w), self.1.walk(w));
///     }
///     fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
///         Pair(self.0.rebuild(leaves), self.1.rebuild(leaves))
///     }
/// }
/// assert_eq!(tree::structure(&Pair(array(1), array(2))).to_string(), "Pair(*, *)");
/// ```
#[derive(Debug)]
pub struct Definition {
    id: u64,
    module: &'static str,
    name: &'static str,
    variant: Option<&'static str>,
    pub(super) fields: &'static [&'static str],
}

impl Definition {
    /// The definition of `name` in `module`. The fields of a tuple struct are called `"0"`, `"1"`, ..
    ///
    /// ```
    /// use cotangent::tree::{Definition, Node};
    /// static CIRCLE: Definition = Definition::new(module_path!(), "Shape", Some("Circle"), &["radius"]);
    /// assert_eq!((CIRCLE.to_string(), Node::Struct(&CIRCLE).arity()), ("Shape::Circle".into(), 1));
    /// ```
    pub const fn new(
        module: &'static str,
        name: &'static str,
        variant: Option<&'static str>,
        fields: &'static [&'static str],
    ) -> Definition {
        let mut id = mix_str(mix_str(6, module), name);
        if let Some(variant) = variant {
            id = mix_str(id, variant);
        }
        let mut i = 0;
        while i < fields.len() {
            id = mix_str(id, fields[i]);
            i += 1;
        }
        Definition { id, module, name, variant, fields }
    }
    pub(super) fn is_tuple(&self) -> bool {
        self.fields.first() == Some(&"0")
    }
}

impl PartialEq for Definition {
    fn eq(&self, other: &Definition) -> bool {
        let parts = |d: &Definition| (d.module, d.name, d.variant, d.fields);
        std::ptr::eq(self, other) || self.id == other.id && parts(self) == parts(other)
    }
}
impl Eq for Definition {}
impl Hash for Definition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.id)
    }
}
impl Display for Definition {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)?;
        match self.variant {
            Some(variant) => write!(f, "::{variant}"),
            None => Ok(()),
        }
    }
}
