//! The structure of a pytree: everything about it but its leaves.
//!
//! A tree tells its structure as a stream of events, a [`Walker`] listens. The stream is a prefix code: a node says how many
//! children follow, so no event closes it, and two trees have the same structure exactly if their streams are equal. A
//! [`Structure`] is a stream that was written down. A cache of compiled functions asks for a hash and for a comparison with
//! structures written down before; both listen to the stream as it passes and allocate nothing.

use super::event::{Fixed, Node, Walker};
use crate::{Array, Pytree};
use std::fmt::{Debug, Display, Formatter};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

// ---- hashing -------------------------------------------------------------------------------------------------------------

/// One step of the hash: FxHash's multiply and rotate. Keys come from the program, not from an adversary.
const fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

pub(super) const fn mix_str(mut hash: u64, s: &str) -> u64 {
    let bytes = s.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        hash = mix(hash, bytes[i] as u64);
        i += 1;
    }
    mix(hash, bytes.len() as u64 | 1 << 32)
}

/// Hashes a structure as it passes. As a [`Hasher`] it takes more words, such as the types of the leaves.
///
/// ```
/// use cotangent::{prelude::*, tree::StructureHasher};
/// use std::hash::Hasher;
/// let hash = |t: &(Array, Static<i32>)| {
///     let mut h = StructureHasher::default();
///     t.walk(&mut h);
///     h.finish()
/// };
/// assert_eq!(hash(&(array(1.), Static(3))), hash(&(array(2.), Static(3))));
/// assert_ne!(hash(&(array(1.), Static(3))), hash(&(array(1.), Static(4))));
/// ```
#[derive(Clone, Default, Debug)]
pub struct StructureHasher {
    state: u64,
}

impl Hasher for StructureHasher {
    fn finish(&self) -> u64 {
        // Multiplication moves information upwards only; hash tables look at the low bits.
        let h = self.state;
        (h ^ (h >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26)
    }
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.write_u64(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }
    fn write_u8(&mut self, word: u8) {
        self.write_u64(word as u64)
    }
    fn write_u32(&mut self, word: u32) {
        self.write_u64(word as u64)
    }
    fn write_u64(&mut self, word: u64) {
        self.state = mix(self.state, word)
    }
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64)
    }
}

impl<'a> Walker<'a> for StructureHasher {
    fn leaf(&mut self, _: &'a Array) {
        self.write_u64(7)
    }
    fn node(&mut self, node: Node) {
        self.write_u64(node.fingerprint())
    }
    fn key(&mut self, key: &'a dyn Fixed) {
        key.hash_into(self)
    }
    fn fixed(&mut self, value: &'a dyn Fixed) {
        self.write_u64(8);
        value.hash_into(self)
    }
}

// ---- a structure, written down ---------------------------------------------------------------------------------------------

#[derive(Clone, Debug)]
enum Token {
    Leaf,
    Node(Node),
    Key(Arc<dyn Fixed>),
    Fixed(Arc<dyn Fixed>),
}

impl PartialEq for Token {
    fn eq(&self, other: &Token) -> bool {
        match (self, other) {
            (Token::Leaf, Token::Leaf) => true,
            (Token::Node(a), Token::Node(b)) => a == b,
            (Token::Key(a), Token::Key(b)) | (Token::Fixed(a), Token::Fixed(b)) => a.same(&**b),
            _ => false,
        }
    }
}

/// The structure of a tree: its containers, keys and static values, without its arrays.
///
/// Structures compare and hash; they print as the tree with `*` for each array.
///
/// ```
/// use cotangent::{Static, tree::Structure};
/// let seen = Structure::of(&(Static(1), [Static(2)]));
/// // A cache finds it again by hash and comparison, and writes nothing down to do so.
/// let now = (Static(1), [Static(2)]);
/// assert!(Structure::hash_of(&now) == seen.hash_value() && seen.matches(&now));
/// assert!(!seen.matches(&(Static(1), [Static(3)])));
/// assert_eq!(seen.to_string(), "(1, [2])");
/// ```
#[derive(Clone)]
pub struct Structure {
    tokens: Vec<Token>,
    hash: u64,
    leaves: usize,
}

/// Writes a [`Structure`] down.
///
/// ```
/// use cotangent::{prelude::*, tree::StructureWriter};
/// let mut writer = StructureWriter::default();
/// (array(1), vec![array(2), array(3)]).walk(&mut writer);
/// assert_eq!(writer.finish().to_string(), "(*, [*, *])");
/// ```
#[derive(Default)]
pub struct StructureWriter {
    tokens: Vec<Token>,
    hasher: StructureHasher,
    leaves: usize,
}

impl<'a> Walker<'a> for StructureWriter {
    fn leaf(&mut self, leaf: &'a Array) {
        self.leaves += 1;
        self.tokens.push(Token::Leaf);
        self.hasher.leaf(leaf)
    }
    fn node(&mut self, node: Node) {
        self.tokens.push(Token::Node(node));
        self.hasher.node(node)
    }
    fn key(&mut self, key: &'a dyn Fixed) {
        self.tokens.push(Token::Key(key.keep()));
        self.hasher.key(key)
    }
    fn fixed(&mut self, value: &'a dyn Fixed) {
        self.tokens.push(Token::Fixed(value.keep()));
        self.hasher.fixed(value)
    }
}

impl StructureWriter {
    /// The structure of the tree that was walked.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::StructureWriter};
    /// let mut writer = StructureWriter::default();
    /// Some(array(1)).walk(&mut writer);
    /// assert_eq!(writer.finish(), tree::structure(&Some(array(2))));
    /// ```
    pub fn finish(self) -> Structure {
        // A hand-written `walk` that announces other children than it walks is caught here, once, and not trusted later.
        let mut wanted = 1usize;
        for (i, token) in self.tokens.iter().enumerate() {
            let node = match token {
                Token::Key(_) => continue,
                Token::Node(node) => node.arity(),
                Token::Leaf | Token::Fixed(_) => 0,
            };
            assert!(wanted > 0, "Pytree::walk: {} child events too many", self.tokens.len() - i);
            wanted = wanted + node - 1;
        }
        assert!(wanted == 0, "Pytree::walk: a node announced {wanted} children that did not follow");
        Structure { tokens: self.tokens, hash: self.hasher.finish(), leaves: self.leaves }
    }
}

/// Compares a structure with a tree as it passes.
///
/// ```
/// use cotangent::prelude::*;
/// let structure = tree::structure(&vec![array(1), array(2)]);
/// let mut matcher = structure.matcher();
/// vec![array(5), array(6)].walk(&mut matcher);
/// assert!(matcher.finish());
/// ```
pub struct StructureMatcher<'s> {
    rest: &'s [Token],
    same: bool,
}

impl<'s> StructureMatcher<'s> {
    fn next(&mut self, same: impl FnOnce(&Token) -> bool) {
        if let (true, [token, rest @ ..]) = (self.same, self.rest) {
            (self.same, self.rest) = (same(token), rest);
        } else {
            self.same = false;
        }
    }
    /// Whether the tree that was walked had the structure.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let structure = tree::structure(&vec![array(1), array(2)]);
    /// let mut matcher = structure.matcher();
    /// vec![array(5)].walk(&mut matcher);
    /// assert!(!matcher.finish());
    /// ```
    pub fn finish(self) -> bool {
        self.same && self.rest.is_empty()
    }
}

impl<'a> Walker<'a> for StructureMatcher<'_> {
    fn leaf(&mut self, _: &'a Array) {
        self.next(|t| matches!(t, Token::Leaf))
    }
    fn node(&mut self, node: Node) {
        self.next(|t| matches!(t, Token::Node(n) if *n == node))
    }
    fn key(&mut self, key: &'a dyn Fixed) {
        self.next(|t| matches!(t, Token::Key(k) if k.same(key)))
    }
    fn fixed(&mut self, value: &'a dyn Fixed) {
        self.next(|t| matches!(t, Token::Fixed(v) if v.same(value)))
    }
}

impl Structure {
    /// The structure of a tree.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::Structure};
    /// assert_eq!(Structure::of(&[Some(array(1)), None]).to_string(), "[Some(*), None]");
    /// ```
    pub fn of<T: Pytree>(tree: &T) -> Structure {
        let mut w = StructureWriter::default();
        tree.walk(&mut w);
        w.finish()
    }
    /// The hash that the structure of this tree has, without writing it down.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::Structure};
    /// let (x, y) = ((array(1), array(2)), (array(3), array(4)));
    /// assert!(Structure::hash_of(&x) == Structure::hash_of(&y) && Structure::hash_of(&x) != Structure::hash_of(&x.0));
    /// ```
    pub fn hash_of<T: Pytree>(tree: &T) -> u64 {
        let mut w = StructureHasher::default();
        tree.walk(&mut w);
        w.finish()
    }
    /// Whether the tree has this structure. Allocates nothing.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::Structure};
    /// let pair = Structure::of(&(array(1), array(2)));
    /// assert!(pair.matches(&(array(3), array(4))) && !pair.matches(&[array(3), array(4)]));
    /// ```
    pub fn matches<T: Pytree>(&self, tree: &T) -> bool {
        let mut w = self.matcher();
        tree.walk(&mut w);
        w.finish()
    }
    /// A walker that compares what it hears with this structure.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::Structure};
    /// let structure = Structure::of(&array(1));
    /// let mut matcher = structure.matcher();
    /// array(2).walk(&mut matcher);
    /// assert!(matcher.finish());
    /// ```
    pub fn matcher(&self) -> StructureMatcher<'_> {
        StructureMatcher { rest: &self.tokens, same: true }
    }
    /// The number of arrays.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::Structure};
    /// assert_eq!(Structure::of(&(array(1), [array(2), array(3)])).leaf_count(), 3);
    /// ```
    pub fn leaf_count(&self) -> usize {
        self.leaves
    }
    /// The hash, computed once: the same as [`Structure::hash_of`] the tree.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::Structure};
    /// let x = vec![array(1), array(2)];
    /// assert_eq!(Structure::of(&x).hash_value(), Structure::hash_of(&x));
    /// ```
    pub fn hash_value(&self) -> u64 {
        self.hash
    }

    /// The key path of every leaf, as JAX prints it: `.layers[0]['w']`. The path of a lone array is empty.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::Structure};
    /// let nested = std::collections::BTreeMap::from([("w", vec![array(1)])]);
    /// assert_eq!(Structure::of(&nested).paths(), ["['w'][0]"]);
    /// ```
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::with_capacity(self.leaves);
        self.replay(|i, place| {
            if let Token::Leaf = self.tokens[i] {
                paths.push(path(place));
            }
        });
        paths
    }

    /// The name of every leaf: the steps to it with dots between, as in `layers.0.w`. That of a lone array is empty.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.leaves);
        self.replay(|i, place| {
            if let Token::Leaf = self.tokens[i] {
                names.push(place.iter().filter_map(Step::name).collect::<Vec<_>>().join("."));
            }
        });
        names
    }

    /// Calls `visit` with each token but keys, and the way that leads to it.
    fn replay<'s>(&'s self, mut visit: impl FnMut(usize, &[Step<'s>])) {
        let mut place: Vec<Step> = Vec::new();
        for (i, token) in self.tokens.iter().enumerate() {
            match token {
                Token::Key(key) => {
                    if let Some(step) = place.last_mut() {
                        step.key = Some(&**key);
                    }
                    continue;
                }
                _ => visit(i, &place),
            }
            match token {
                Token::Node(node) if node.arity() > 0 => place.push(Step { node: *node, child: 0, key: None }),
                _ => {
                    while let Some(step) = place.last_mut() {
                        step.child += 1;
                        if step.child < step.node.arity() {
                            break;
                        }
                        place.pop();
                    }
                }
            }
        }
    }

    /// Where the two structures first differ; `None` if they are equal.
    ///
    /// ```
    /// use cotangent::{prelude::*, tree::Structure};
    /// let (x, y) = (Structure::of(&Some(array(1))), Structure::of(&None::<Array>));
    /// assert_eq!((x.difference(&x), x.difference(&y).is_some()), (None, true));
    /// ```
    pub fn difference(&self, other: &Structure) -> Option<Mismatch> {
        let n = self.tokens.iter().zip(&other.tokens).take_while(|(a, b)| a == b).count();
        if n == self.tokens.len() && n == other.tokens.len() {
            return None;
        }
        // Keys differ: what differs is the map whose keys they are. The streams agree up to here, so it is at one place in both.
        let at = match self.tokens.get(n) {
            Some(Token::Key(_)) => self.map_of_key(n),
            _ => n,
        };
        let mut place = String::new();
        self.replay(|i, steps| {
            if i == at {
                place = path(steps);
            }
        });
        Some(Mismatch { path: place, first: self.describe(at), second: other.describe(at) })
    }

    /// The map that the key at `n` belongs to.
    fn map_of_key(&self, n: usize) -> usize {
        let is_map = |i: &usize| matches!(self.tokens[*i], Token::Node(Node::Map(..)));
        (0..n).rev().filter(is_map).find(|i| self.keys(*i).any(|k| k == n)).expect("a key follows its map")
    }

    /// The positions of the keys of the map at `at`.
    fn keys(&self, at: usize) -> impl Iterator<Item = usize> {
        let n = match self.tokens[at] {
            Token::Node(node) => node.arity(),
            _ => 0,
        };
        let mut next = at + 1;
        (0..n).map(move |_| {
            let key = next;
            next = self.after(key + 1);
            key
        })
    }

    /// The position after the subtree that begins at `at`.
    fn after(&self, mut at: usize) -> usize {
        let mut wanted = 1;
        while wanted > 0 {
            match &self.tokens[at] {
                Token::Key(_) => {}
                Token::Node(node) => wanted = wanted + node.arity() - 1,
                Token::Leaf | Token::Fixed(_) => wanted -= 1,
            }
            at += 1;
        }
        at
    }

    /// What is at this position, in words.
    fn describe(&self, at: usize) -> String {
        let name = |n: &str| if n == "array" { "an array".to_string() } else { format!("a {n}") };
        match self.tokens.get(at) {
            None => "nothing".into(),
            Some(Token::Leaf) => "an Array".into(),
            Some(Token::Key(key)) => format!("the key {}", Key(&**key)),
            Some(Token::Fixed(value)) => format!("the static value {value:?}"),
            Some(Token::Node(node)) => match node {
                Node::Tuple(n) => format!("a tuple of length {n}"),
                Node::List(container, n) => format!("{} of length {n}", name(container)),
                Node::Map(container, _) => {
                    let keys: Vec<String> = self.keys(at).map(|k| self.key_text(k)).collect();
                    format!("{} with keys [{}]", name(container), keys.join(", "))
                }
                Node::None => "None".into(),
                Node::Some => "Some".into(),
                Node::Struct(d) => format!("`{d}`"),
            },
        }
    }

    fn key_text(&self, at: usize) -> String {
        match &self.tokens[at] {
            Token::Key(key) => Key(&**key).to_string(),
            _ => String::new(),
        }
    }

    /// Prints the subtree at `at` and returns the position after it.
    fn print(&self, at: usize, f: &mut Formatter<'_>) -> Result<usize, std::fmt::Error> {
        let node = match &self.tokens[at] {
            Token::Leaf => return f.write_str("*").map(|()| at + 1),
            Token::Fixed(value) => return write!(f, "{value:?}").map(|()| at + 1),
            Token::Key(key) => {
                write!(f, "{}: ", Key(&**key))?;
                return self.print(at + 1, f);
            }
            Token::Node(node) => node,
        };
        let n = node.arity();
        let (open, close) = match node {
            Node::Tuple(1) => ("(".into(), ",)"),
            Node::Tuple(_) => ("(".into(), ")"),
            Node::List(..) => ("[".into(), "]"),
            Node::Map(..) => ("{".into(), "}"),
            Node::None => ("None".into(), ""),
            Node::Some => ("Some(".into(), ")"),
            Node::Struct(d) if n == 0 => (d.to_string(), ""),
            Node::Struct(d) if d.is_tuple() => (format!("{d}("), ")"),
            Node::Struct(d) => (format!("{d} {{ "), " }"),
        };
        f.write_str(&open)?;
        let mut next = at + 1;
        for i in 0..n {
            if i > 0 {
                f.write_str(", ")?;
            }
            if let Node::Struct(d) = node
                && !d.is_tuple()
            {
                write!(f, "{}: ", d.fields[i])?;
            }
            next = self.print(next, f)?;
        }
        f.write_str(close)?;
        Ok(next)
    }
}

impl PartialEq for Structure {
    fn eq(&self, other: &Structure) -> bool {
        self.hash == other.hash && self.tokens == other.tokens
    }
}
impl Eq for Structure {}
impl Hash for Structure {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash)
    }
}
impl Display for Structure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.print(0, f).map(|_| ())
    }
}
impl Debug for Structure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "Structure({self})")
    }
}

// ---- paths -----------------------------------------------------------------------------------------------------------------

/// One step of the way to a leaf: a node and which of its children.
struct Step<'s> {
    node: Node,
    child: usize,
    key: Option<&'s dyn Fixed>,
}

fn path(steps: &[Step]) -> String {
    steps.iter().map(Step::to_string).collect()
}

impl Step<'_> {
    /// Without brackets and quotes; of an option there is nothing to say.
    fn name(&self) -> Option<String> {
        match (&self.node, self.key) {
            (Node::Some | Node::None, _) => None,
            (Node::Struct(d), _) => Some(d.fields[self.child].to_string()),
            (Node::Map(..), Some(key)) => {
                let text = key.as_any().downcast_ref::<String>().map(|s| &s[..]);
                let text = text.or_else(|| key.as_any().downcast_ref::<&str>().copied());
                Some(text.map_or_else(|| format!("{key:?}"), |t| t.to_string()))
            }
            _ => Some(self.child.to_string()),
        }
    }
}

impl Display for Step<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match (&self.node, self.key) {
            (Node::Some | Node::None, _) => Ok(()),
            (Node::Struct(d), _) => write!(f, ".{}", d.fields[self.child]),
            (Node::Map(..), Some(key)) => write!(f, "[{}]", Key(key)),
            _ => write!(f, "[{}]", self.child),
        }
    }
}

/// A key as JAX prints it: strings in single quotes.
struct Key<'s>(&'s dyn Fixed);

impl Display for Key<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:?}", self.0);
        match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
            Some(inner) => write!(f, "'{inner}'"),
            None => f.write_str(&text),
        }
    }
}

/// Where two trees differ first.
///
/// ```
/// use cotangent::prelude::*;
/// let found = tree::difference(&vec![array(1)], &vec![array(1), array(2)]).unwrap();
/// assert!(found.path.is_empty() && found.to_string().starts_with("the structures differ at the root"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The key path of the place; empty for the whole tree.
    pub path: String,
    /// What the first tree has there.
    pub first: String,
    /// What the second tree has there.
    pub second: String,
}

impl Display for Mismatch {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Mismatch { path, first, second } = self;
        let place = if path.is_empty() { "at the root" } else { &format!("at {path}") };
        write!(f, "the structures differ {place}: the first tree has {first}, the second {second}")
    }
}
impl std::error::Error for Mismatch {}
