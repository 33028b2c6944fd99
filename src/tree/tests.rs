//! Containers, derives, structures and the functions on them.

use super::testing::{leaf, number, numbers, panic_text};
use super::*;
use crate::{Pytree, Static};
use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;

/// Flattening and rebuilding give the tree back; the three ways to a structure agree.
#[track_caller]
fn check<T: Pytree>(tree: &T, wanted: &[usize], printed: &str, paths: &[&str]) {
    let structure = Structure::of(tree);
    let agree = structure.hash_value() == Structure::hash_of(tree) && structure.matches(tree);
    let counts = [structure.leaf_count(), leaf_count(tree)];
    let mut other = wanted.iter().map(|n| leaf(n + 100)).chain([leaf(0)]).collect::<Vec<_>>().into_iter();
    let rebuilt = tree.rebuild(&mut other);
    let shared = tree.share();
    let same = [Structure::of(&rebuilt), Structure::of(&shared)].iter().all(|s| *s == structure);
    let found = (numbers(tree), numbers(&rebuilt), numbers(&shared));
    compare((structure, agree, counts, same, other.len()), found, wanted, printed, paths);
}

/// The part of `check` that is the same for all types.
#[track_caller]
fn compare(
    (structure, agree, counts, same, rest): (Structure, bool, [usize; 2], bool, usize),
    (before, rebuilt, shared): (Vec<usize>, Vec<usize>, Vec<usize>),
    wanted: &[usize],
    printed: &str,
    paths: &[&str],
) {
    assert_eq!(before, wanted);
    assert_eq!(structure.to_string(), printed);
    assert_eq!(structure.paths(), paths);
    assert_eq!(counts, [wanted.len(); 2]);
    assert!(agree, "hash and matcher agree with the structure");
    assert_eq!(rebuilt, wanted.iter().map(|n| n + 100).collect::<Vec<_>>());
    assert_eq!(rest, 1, "rebuild takes as many leaves as there are");
    assert_eq!(shared, wanted);
    assert!(same, "rebuilt and shared trees have the structure");
}

#[test]
fn containers() {
    let l = leaf;
    check(&l(3), &[3], "*", &[""]);
    check(&(), &[], "()", &[]);
    check(&(l(1),), &[1], "(*,)", &["[0]"]);
    check(&(l(1), (l(2), l(3))), &[1, 2, 3], "(*, (*, *))", &["[0]", "[1][0]", "[1][1]"]);
    check(
        &(l(1), l(2), l(3), l(4), l(5), l(6), l(7), l(8)),
        &[1, 2, 3, 4, 5, 6, 7, 8],
        "(*, *, *, *, *, *, *, *)",
        &["[0]", "[1]", "[2]", "[3]", "[4]", "[5]", "[6]", "[7]"],
    );
    check(&vec![l(1), l(2)], &[1, 2], "[*, *]", &["[0]", "[1]"]);
    check(&Vec::<Array>::new(), &[], "[]", &[]);
    check(&[l(1), l(2)], &[1, 2], "[*, *]", &["[0]", "[1]"]);
    check(&vec![(), ()], &[], "[(), ()]", &[]);
    check(&(Some(vec![l(1)]), None::<Array>, l(2)), &[1, 2], "(Some([*]), None, *)", &["[0][0]", "[2]"]);
    check(&Box::new((l(1), Box::new(l(2)))), &[1, 2], "(*, *)", &["[0]", "[1]"]);
    check(&BTreeMap::from([("w", l(1)), ("b", l(2))]), &[2, 1], "{'b': *, 'w': *}", &["['b']", "['w']"]);
    check(&BTreeMap::from([(2, vec![l(1)]), (-1, vec![])]), &[1], "{-1: [], 2: [*]}", &["[2][0]"]);
    let map: HashMap<String, Array> = (0..20).map(|i| (format!("k{:02}", 19 - i), l(i))).collect();
    assert_eq!(numbers(&map), (0..20).rev().collect::<Vec<_>>());
    assert_eq!(paths(&map)[3], "['k03']");
    check(&HashMap::from([('x', l(1)), ('a', l(2))]), &[2, 1], "{'a': *, 'x': *}", &["['a']", "['x']"]);
    check(&(Static("mode"), l(1)), &[1], "(\"mode\", *)", &["[1]"]);
    check(&(PhantomData::<f32>, l(1)), &[1], "((), *)", &["[1]"]);
}

#[test]
fn maps_keep_their_values_beside_their_keys() {
    let map: HashMap<u32, Array> = (0..50).map(|i| (i * 7 % 50, leaf(i as usize * 7 % 50))).collect();
    let doubled = super::map(&map, |x| leaf(2 * number(x)));
    assert!(doubled.iter().all(|(k, x)| number(x) == 2 * *k as usize));
}

#[derive(Pytree)]
struct Linear {
    w: Array,
    b: Array,
}

#[derive(Pytree)]
struct Net<T, const N: usize = 2> {
    layers: [T; N],
    pub scale: Option<Array>,
    #[pytree(static)]
    activation: &'static str,
    #[pytree(skip)]
    steps: f32,
    r#type: (Array, Static<u8>),
}

#[derive(Pytree)]
struct Pair<A, B: Clone = Array>(A, pub(crate) B)
where
    A: Send;

#[derive(Pytree)]
struct Unit;

#[derive(Pytree)]
struct Empty {}

/// What each field needs is what is asked of `T`, no more.
#[derive(Pytree)]
struct Modes<T, U, V, W> {
    #[pytree(static)]
    fixed: Vec<T>,
    #[pytree(skip)]
    carried: Option<U>,
    mark: PhantomData<V>,
    inner: Static<W>,
}

#[derive(Pytree)]
struct Tree<T> {
    value: T,
    children: Vec<Tree<T>>,
}

#[derive(Pytree)]
enum Layer<T> {
    Dense { w: Array, b: Option<Array> },
    Scale(T, #[pytree(static)] usize),
    Identity,
}

#[derive(Pytree)]
enum Never {}

macro_rules! declared {
    ($vis:vis $Name:ident { $($field:ident : $ty:ty),* }) => {
        #[derive(Pytree)]
        $vis struct $Name { $($vis $field: $ty),* }
    };
}
declared! { pub(crate) Declared { first: Vec<Array>, second: Array } }

#[test]
fn structs() {
    let l = leaf;
    check(&Linear { w: l(1), b: l(2) }, &[1, 2], "Linear { w: *, b: * }", &[".w", ".b"]);
    let net = Net {
        layers: [Linear { w: l(1), b: l(2) }, Linear { w: l(3), b: l(4) }],
        scale: Some(l(5)),
        activation: "tanh",
        steps: 0.5,
        r#type: (l(6), Static(7)),
    };
    check(
        &net,
        &[1, 2, 3, 4, 5, 6],
        "Net { layers: [Linear { w: *, b: * }, Linear { w: *, b: * }], scale: Some(*), activation: \"tanh\", type: (*, 7) }",
        &[".layers[0].w", ".layers[0].b", ".layers[1].w", ".layers[1].b", ".scale", ".type[0]"],
    );
    let other = map(&net, |x| leaf(number(x) + 1));
    assert_eq!(
        (other.activation, other.steps, number(&other.layers[1].b), other.r#type.1),
        ("tanh", 0.5, 5, Static(7))
    );
    check(&Pair((l(1), l(2)), l(3)), &[1, 2, 3], "Pair((*, *), *)", &[".0[0]", ".0[1]", ".1"]);
    check(&Unit, &[], "Unit", &[]);
    check(&Empty {}, &[], "Empty", &[]);
    check(
        &Declared { first: vec![l(1)], second: l(2) },
        &[1, 2],
        "Declared { first: [*], second: * }",
        &[".first[0]", ".second"],
    );
    let node = |n, children| Tree { value: leaf(n), children };
    let tree = node(1, vec![node(2, vec![]), node(3, vec![node(4, vec![])])]);
    assert_eq!(paths(&tree)[3], ".children[1].children[0].value");
    assert_eq!(numbers(&tree), [1, 2, 3, 4]);
}

#[test]
fn bounds_follow_the_modes_of_the_fields() {
    struct NotClone;
    // A float is no static value and no pytree, but may be carried; a marker needs nothing.
    let modes = Modes { fixed: vec![1], carried: Some(0.5), mark: PhantomData::<NotClone>, inner: Static('c') };
    check(&modes, &[], "Modes { fixed: [1], mark: (), inner: 'c' }", &[]);
    assert_eq!(modes.share().carried, Some(0.5));
}

#[test]
fn enums() {
    let l = leaf;
    let dense = Layer::<Array>::Dense { w: l(1), b: None };
    check(&dense, &[1], "Layer::Dense { w: *, b: None }", &[".w"]);
    let scale = Layer::Scale(vec![l(1), l(2)], 3);
    check(&scale, &[1, 2], "Layer::Scale([*, *], 3)", &[".0[0]", ".0[1]"]);
    check(&Layer::<Array>::Identity, &[], "Layer::Identity", &[]);
    assert!(matches!(dense.share(), Layer::Dense { b: None, .. }));
    assert!(matches!(scale.share(), Layer::Scale(v, 3) if v.len() == 2));
    assert_eq!(leaf_count(&Vec::<Never>::new()), 0);
}

/// A key is a pytree that nobody can copy.
struct Key(Array);

impl Pytree for Key {
    fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
        w.leaf(&self.0)
    }
    fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self {
        Key(self.0.rebuild(leaves))
    }
}

#[derive(Pytree)]
struct Sampler {
    key: Key,
    mean: Array,
}

#[test]
fn without_clone() {
    check(&Sampler { key: Key(leaf(1)), mean: leaf(2) }, &[1, 2], "Sampler { key: *, mean: * }", &[".key", ".mean"]);
}

/// Pairs of trees whose structures differ; every other pair of this list has equal ones.
#[test]
fn structures_differ() {
    fn s<T: Pytree>(t: T) -> Structure {
        Structure::of(&t)
    }
    mod elsewhere {
        use super::{Array, Pytree};
        #[derive(Pytree)]
        pub(super) struct Linear {
            pub w: Array,
            pub b: Array,
        }
    }
    let l = leaf;
    let all = [
        s(l(1)),
        s(()),
        s((l(1),)),
        s((l(1), l(2))),
        s([l(1)]),
        s([l(1), l(2)]),
        s(vec![l(1)]),
        s(vec![l(1), l(2)]),
        s((vec![l(1)], vec![l(2), l(3)])),
        s((vec![l(1), l(2)], vec![l(3)])),
        s(Some(l(1))),
        s(None::<Array>),
        s(Static(1u8)),
        s(Static(1u16)),
        s(Static(2u8)),
        s(Static("1")),
        s((Static(1u8), l(1))),
        s(BTreeMap::from([("a", l(1))])),
        s(BTreeMap::from([("b", l(1))])),
        s(BTreeMap::from([("a", l(1)), ("b", l(1))])),
        s(HashMap::from([("a", l(1))])),
        s(Linear { w: l(1), b: l(2) }),
        s(elsewhere::Linear { w: l(1), b: l(2) }),
        s(Pair(l(1), l(2))),
        s(Unit),
        s(Layer::<Array>::Identity),
        s(Layer::Scale(l(1), 1)),
        s(Layer::Scale(l(1), 2)),
        s(Layer::<Array>::Dense { w: l(1), b: None }),
        s(Layer::<Array>::Dense { w: l(1), b: Some(l(1)) }),
    ];
    for (i, a) in all.iter().enumerate() {
        for (j, b) in all.iter().enumerate() {
            assert_eq!(a == b, i == j, "{a} and {b}");
            assert_eq!(a.hash_value() == b.hash_value(), i == j, "{a} and {b}");
            assert_eq!(a.difference(b).is_some(), i != j);
        }
    }
    assert_eq!(s(vec![l(1)]), s(vec![l(9)]), "the arrays do not matter");
    assert_eq!(s(Box::new(l(1))), s(l(2)), "a box is not a node");
}

#[test]
fn a_structure_matches_only_its_own() {
    let three = Structure::of(&vec![leaf(1); 3]);
    assert!(three.matches(&vec![leaf(2); 3]));
    assert!(!three.matches(&vec![leaf(2); 2]));
    assert!(!three.matches(&vec![leaf(2); 4]));
    assert!(!three.matches(&(leaf(1), leaf(2), leaf(3))));
    let mut both = (three.matcher(), StructureHasher::default());
    vec![leaf(2); 3].walk(&mut both);
    assert_eq!((both.0.finish(), std::hash::Hasher::finish(&both.1)), (true, three.hash_value()));
    // What follows the end, and what is missing there.
    let one = Structure::of(&leaf(1));
    let mut w = one.matcher();
    w.leaf(&leaf(1));
    w.leaf(&leaf(2));
    assert!(!w.finish());
    assert!(!one.matcher().finish());
}

#[test]
fn differences_name_the_place_and_both_sides() {
    #[track_caller]
    fn d<T: Pytree>(a: T, b: T, wanted: &str) {
        assert_eq!(difference(&a, &b).unwrap().to_string(), format!("the structures differ {wanted}"));
        assert_eq!(difference(&a, &a.share()), None);
    }
    let l = leaf;
    d(vec![l(1)], vec![], "at the root: the first tree has a Vec of length 1, the second a Vec of length 0");
    d(
        (l(0), BTreeMap::from([("w", vec![l(1), l(2)])])),
        (l(0), BTreeMap::from([("w", vec![l(1)])])),
        "at [1]['w']: the first tree has a Vec of length 2, the second a Vec of length 1",
    );
    d(
        vec![BTreeMap::from([("a", vec![l(1)]), ("w", vec![])])],
        vec![BTreeMap::from([("a", vec![l(1)]), ("x", vec![])])],
        "at [0]: the first tree has a BTreeMap with keys ['a', 'w'], the second a BTreeMap with keys ['a', 'x']",
    );
    d(
        HashMap::from([(1, l(1)), (2, l(1))]),
        HashMap::from([(1, l(1))]),
        "at the root: the first tree has a HashMap with keys [1, 2], the second a HashMap with keys [1]",
    );
    // The inner map agrees and is passed over: the key that differs belongs to the outer one.
    let inner = || BTreeMap::from([("i", l(1))]);
    d(
        BTreeMap::from([("a", inner()), ("w", inner())]),
        BTreeMap::from([("a", inner()), ("x", inner())]),
        "at the root: the first tree has a BTreeMap with keys ['a', 'w'], the second a BTreeMap with keys ['a', 'x']",
    );
    d(Pair(Some(l(1)), l(2)), Pair(None, l(2)), "at .0: the first tree has Some, the second None");
    d(
        vec![Layer::Identity, Layer::Scale(l(1), 2)],
        vec![Layer::Identity, Layer::Dense { w: l(1), b: None }],
        "at [1]: the first tree has `Layer::Scale`, the second `Layer::Dense`",
    );
    d(
        vec![Layer::Scale(l(1), 2)],
        vec![Layer::Scale(l(1), 3)],
        "at [0].1: the first tree has the static value 2, the second the static value 3",
    );
    let mixed = zip(&(l(1), [l(2)]), &(l(1), l(2))).unwrap_err();
    assert_eq!((&*mixed.path, &*mixed.first, &*mixed.second), ("[1]", "an array of length 1", "an Array"));
}

#[test]
fn map_and_its_kin() {
    let t = (leaf(1), vec![leaf(2), leaf(3)]);
    let u = (leaf(10), vec![leaf(20), leaf(30)]);
    let v = (leaf(100), vec![leaf(200), leaf(300)]);
    assert_eq!(numbers(&map(&t, |x| leaf(number(x) * 2))), [2, 4, 6]);
    assert_eq!(numbers(&map2(&t, &u, |x, y| leaf(number(x) + number(y)))), [11, 22, 33]);
    assert_eq!(numbers(&map3(&t, &u, &v, |x, y, z| leaf(number(x) + number(y) + number(z)))), [111, 222, 333]);
    let mut seen = Vec::new();
    map_with_path(&t, |path, x| {
        seen.push((path.to_string(), number(x)));
        x.clone()
    });
    assert_eq!(seen, [("[0]".into(), 1), ("[1][0]".into(), 2), ("[1][1]".into(), 3)]);
    assert_eq!(reduce(&t, String::new(), |s, x| s + &number(x).to_string()), "123");
    assert!(all(&t, |x| number(x) < 4) && !all(&t, |x| number(x) < 3));
    assert_eq!(zip(&t, &u).unwrap().iter().map(|(x, y)| number(x) * number(y)).sum::<usize>(), 10 + 40 + 90);
    let (leaves, structure) = flatten(&t);
    assert_eq!((leaves.len(), structure.to_string()), (3, "(*, [*, *])".into()));
    assert_eq!(numbers(&unflatten(&t, leaves.into_iter().rev())), [3, 2, 1]);
}

#[test]
fn mistakes_are_told() {
    let (t, u) = (vec![(leaf(1), vec![leaf(2)])], vec![(leaf(1), vec![])]);
    let add = |x: &Array, _: &Array| x.clone();
    let place = "the structures differ at [0][1]: the first tree has a Vec of length 1, the second a Vec of length 0";
    let text = panic_text(|| map2(&t, &u, add));
    assert!(text.contains(&format!("tree::map2: {place}")), "{text}");
    let text = panic_text(|| map3(&t, &t, &u, |x, _, _| x.clone()));
    assert!(text.contains("tree::map3 (third tree)") && text.contains(place), "{text}");
    let text = panic_text(|| unflatten(&t, [leaf(1)]));
    assert!(text.contains("tree::unflatten: 1 leaves for a structure of 2\n  structure: [(*, [*])]"), "{text}");
    let text = panic_text(|| unflatten(&t, vec![leaf(1); 3]));
    assert!(text.contains("3 leaves for a structure of 2"), "{text}");
    let text = panic_text(|| t.rebuild(&mut std::iter::empty()));
    assert!(text.contains("fewer leaves"), "{text}");
}

#[test]
fn a_walk_that_miscounts_is_caught() {
    struct Wrong(usize);
    impl Pytree for Wrong {
        fn walk<'a>(&'a self, w: &mut dyn Walker<'a>) {
            w.node(Node::List("Wrong", self.0));
            w.node(Node::Tuple(0));
        }
        fn rebuild(&self, _: &mut dyn Iterator<Item = Array>) -> Self {
            Wrong(self.0)
        }
    }
    assert_eq!(structure(&Wrong(1)).to_string(), "[()]");
    assert!(panic_text(|| structure(&Wrong(0))).contains("1 child events too many"));
    assert!(panic_text(|| structure(&Wrong(3))).contains("announced 2 children that did not follow"));
}
