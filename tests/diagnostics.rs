//! What the compiler says when the typed surface is misused.
//!
//! A compile-fail doctest shows that something is refused; here the words are tested, because the words are what a user gets. Each
//! snippet is compiled against the library that this very test was built with: `cargo build` of the test profile is fresh and only
//! tells where the library lies.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

/// Where the compiled library is, and the folder of its dependencies.
static LIBRARY: LazyLock<(PathBuf, PathBuf)> = LazyLock::new(|| {
    let profile = if cfg!(debug_assertions) { "test" } else { "release" };
    let out = Command::new(env!("CARGO"))
        // not of this package alone, whose dependencies would have other features and be built again
        .args(["build", "--offline", "--profile", profile, "--lib", "--message-format=json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let artifact = String::from_utf8(out.stdout)
        .expect("cargo speaks UTF-8")
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .find(|m| m["reason"] == "compiler-artifact" && m["target"]["name"] == "cotangent")
        .expect("cargo names the library");
    let files = artifact["filenames"].as_array().expect("a list of files").iter().filter_map(|f| f.as_str());
    let files: Vec<PathBuf> = files.map(PathBuf::from).collect();
    let deps = files.iter().filter_map(|f| f.parent()).find(|d| d.ends_with("deps")).expect("a folder of dependencies");
    let library = files.iter().find(|f| f.extension().is_some_and(|e| e == "rlib")).expect("a library");
    (library.clone(), deps.to_path_buf())
});

/// What a user's file begins with. Nothing is declared here: the words are those for the functions that users call.
const PRELUDE: &str = "
    #![allow(unused)]
    use cotangent::*;
    use std::collections::*;
";

/// What rustc says about a snippet, without the name of this crate before every type; empty if nothing.
fn rustc(name: &str, code: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("{name}.rs"));
    std::fs::write(&file, format!("{PRELUDE}\n{code}")).expect("a snippet is written");
    let (library, deps) = &*LIBRARY;
    let out = Command::new(std::env::var("RUSTC").unwrap_or("rustc".into()))
        .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--error-format", "human"])
        .arg("--extern")
        .arg(format!("cotangent={}", library.display()))
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("--out-dir")
        .arg(folder)
        .arg(&file)
        .output()
        .expect("rustc runs");
    String::from_utf8(out.stderr).expect("rustc speaks UTF-8").replace("cotangent::", "")
}

/// The snippet is refused in these words.
#[track_caller]
fn refused(name: &str, code: &str, words: &[&str]) {
    let text = rustc(name, code);
    for word in words {
        assert!(text.contains(word), "{name}: {word:?} is not in what rustc says:\n{text}");
    }
}

#[test]
fn what_is_right_compiles() {
    let code = "
        #[derive(Pytree)] struct P { w: Array, #[pytree(static)] n: usize }
        fn all(p: P, x: Array) {
            let g: P = grad(|p: &P, x: &Array| x.clone())(&p, &x);
            let (a, b): (Array, P) = grad_argnums(|p: &P, x: Array| x, (ARG1, ARG0))(&p, x.clone());
            let [a, b] = grad_argnums(|x: &Array, y: &Array| x.clone(), [0, 1])(&x, &x);
            let y: Array = vmap_axes(|p: &P, x: &Array| x.clone(), (by_leaf(|path| Some(0)), None), 0)(&p, &x);
            let y: Array = vmap_axes(|x: &Array, y: &Array| x.clone(), (0, None), 0)(&x, &x);
            let y: Array = vmap_axes(|x: &Array, y: &Array| x.clone(), [0, 1], -1)(&x, &x);
            let y: (Array, Vec<Array>) = vmap_axes(|p: &(Array, Array), y: &Array| (y.clone(), vec![]), ((0, None), 0), (0, None))(
                &(x.clone(), x.clone()), &x);
            let j: (P, Vec<P>) = jacrev(|p: &P| (p.w.clone(), vec![p.w.clone()]))(&p);
        }";
    assert_eq!(rustc("right", code), "");
}

#[test]
fn every_form_of_item_derives_without_a_warning() {
    let code = "
        struct Private<T>(T);
        impl<T: Pytree> Pytree for Private<T> {
            fn walk<'a>(&'a self, w: &mut dyn tree::Walker<'a>) { self.0.walk(w) }
            fn rebuild(&self, leaves: &mut dyn Iterator<Item = Array>) -> Self { Private(self.0.rebuild(leaves)) }
        }
        #[derive(Pytree)] pub struct Public<T> { inner: Private<T>, /** Doc. */ pub(crate) all: Vec<Option<T>> }
        fn generic<T: Pytree>(p: &Public<T>) -> usize { tree::leaf_count(p) }
        trait Layer: Send + Sync + 'static { type State: Pytree; }
        #[derive(Pytree)] struct Associated<L: Layer> { state: L::State, boxed: Box<<L as Layer>::State> }
        #[derive(Pytree)] struct Tuple<T = Array, const N: usize = { 1 + 2 }>(pub (Array, T), pub(crate) [T; N],) where T: Clone;
        #[derive(Pytree)] struct Functions<F: Fn(Array) -> Vec<Array> + Clone + Send + Sync + 'static> {
            #[pytree(skip)] f: F, #[pytree(skip)] g: fn(&Array, usize) -> Array, #[pytree(static)] h: Option<(u8, char)>,
        }
        #[derive(Pytree)] struct Where<T> where T: Iterator<Item = Vec<u8>>, Vec<T>: Pytree { v: Vec<T> }
        #[derive(Pytree)] #[repr(u8)] enum Numbered { A = 1 << 2, B(Array) = { 7 }, C { r#fn: Array, w: Array, leaves: Array } }
        #[derive(Pytree)] struct Shadow { w: Array, f0: Array, leaves: Static<u8> }
        #[allow(non_upper_case_globals)] const f0: usize = 0;
        macro_rules! item {
            ($(#[$m:meta])* $v:vis $n:ident<$t:ident> $f:ident: $ty:ty, $k:literal) => {
                #[derive(Pytree)] $(#[$m])* $v struct $n<$t> { $v $f: $ty, other: [$t; $k] }
            };
            ($v:vis $n:ident ($($ty:ty),*)) => { #[derive(Pytree)] $v struct $n($($v $ty),*); };
        }
        item! { pub(crate) Tu(Array, (Array, Vec<Array>)) }
        item! { Priv(Array, Array) }
        item! { #[allow(missing_docs)] pub Named<T> state: Vec<T>, 2 }
        fn all<P: Pytree>() {}
        fn check() { all::<Tuple>(); all::<Tu>(); all::<Priv>(); all::<Named<Array>>(); all::<Numbered>(); all::<Shadow>(); all::<Public<Array>>(); }";
    assert_eq!(rustc("forms", code), "");
}

#[test]
fn functions() {
    let not_a_function = "this function cannot be transformed";
    let ways = "each by value (`T`) or by reference (`&T`)";
    refused("number_argument", "fn f() { grad(|x: &Array, n: f32| x.clone()); }", &[not_a_function, ways, "Static<_>"]);
    refused(
        "underived",
        "struct P; fn f() { grad(|p: &P, x: &Array| x.clone()); }",
        &[not_a_function, "structs with #[derive(Pytree)]"],
    );
    refused(
        "slice",
        "fn f() { grad(|x: &[Array]| x[0].clone()); }",
        &[not_a_function, "not `&[Array]`, but `&Vec<Array>`"],
    );
    refused(
        "five_mixed",
        "fn f() { grad(|a: &Array, b: Array, c: &Array, d: &Array, e: &Array| b); }",
        &[not_a_function, "5 to 8 arguments are all `T` or all `&T`"],
    );
    refused(
        "untyped",
        "fn f() { grad(|x| x); }",
        &["type annotations needed", "giving this closure parameter an explicit type"],
    );
    refused(
        "cell",
        "fn f() { let n = std::cell::Cell::new(1); grad(|x: &Array| { n.set(2); x.clone() }); }",
        &["`Cell<i32>` cannot be shared between threads safely"],
    );
    refused(
        "counter",
        "fn f() { let mut n = 0; grad(|x: &Array| { n += 1; x.clone() }); }",
        &["closure", "only implements `FnMut`"],
    );
    refused(
        "by_value_instead_of_by_reference",
        "fn f(x: Array) { grad(|x: &Array| x.clone())(x); }",
        &["E0308", "consider borrowing here"],
    );
    refused(
        "moved",
        "#[derive(Pytree)] struct Key(Array); fn f(k: Key) { let g = jacrev(|k: Key| k.0.share()); g(k); g(k); }",
        &["E0382", "use of moved value: `k`"],
    );
}

#[test]
fn results_and_selections() {
    refused(
        "vector_loss",
        "fn f() { grad(|x: &Array| vec![x.clone()]); }",
        &[
            "`grad` needs a function that returns a scalar `Array`, or `(Array, Aux)`; this one returns `Vec<Array>`",
            "for other results use `vjp`, `jvp`, `jacfwd` or `jacrev`",
        ],
    );
    refused("bad_aux", "fn f() { grad(|x: &Array| (x.clone(), 1.5f32)); }", &["`f32` is not a pytree", "Static<f32>"]);
    refused(
        "third_of_two",
        "fn f() { grad_argnums(|x: &Array, y: &Array| x.clone(), ARG2); }",
        &["`Nth<2>` does not select arguments of `(Array, Array)`", "use `ARG0`, `ARG1`, .. or a tuple of them"],
    );
    refused(
        "nothing_selected",
        "fn f() { grad_argnums(|x: &Array, y: &Array| x.clone(), ()); }",
        &["`()` does not select arguments of", "an empty tuple selects nothing"],
    );
    refused(
        "number_of_different",
        "fn f() { grad_argnums(|x: &Array, y: &Vec<Array>| x.clone(), 1); }",
        &[
            "a plain number selects among arguments of one type, but these are of types `Array` and `Vec<Array>`",
            "use `ARG0`, `ARG1`, .. or a tuple of them",
        ],
    );
    refused(
        "numbers_of_different",
        "fn l(x: &Array, y: &Vec<Array>) -> Array { x.clone() } fn f() { grad_argnums(l, [0, 1]); }",
        &["a plain number selects among arguments of one type, but these are of types `Array` and `Vec<Array>`"],
    );
    refused("no_arguments", "fn f(x: Array) { grad(|| x.clone()); }", &["`Nth<0>` does not select arguments of `()`"]);
    refused(
        "axes_of_wrong_length",
        "fn f() { vmap_axes(|x: &Array, y: &Array| x.clone(), (0, None, 0), 0); }",
        &["does not describe the mapped axes of the arguments `(Array, Array)`", "one entry per argument"],
    );
    refused(
        "axes_of_wrong_structure",
        "fn f() { vmap_axes(|x: &Array| x.clone(), 0, (0, 1)); }",
        &["does not describe the mapped axes of `Array`", "by_leaf(|path| ..)"],
    );
    refused(
        "jacobian_of_a_struct",
        "#[derive(Pytree)] struct P(Array); fn f() { jacrev(|x: &Array| P(x.clone())); }",
        &["the Jacobian of a function that returns `P` has no type", "for your own structs use `jvp` or `vjp`"],
    );
    refused(
        "number_result",
        "fn f() { jit(|x: &Array| 1.0f32); }",
        &["`f32` is not a pytree", "goes in as Static<f32>"],
    );
    refused("number_leaf", "fn f() { tree::leaves(&1.0f32); }", &["`f32` is not a pytree", "goes in as Static<f32>"]);
}

/// The builders say what the plain functions say.
#[test]
fn rarer_options() {
    refused(
        "vector_loss_of_a_builder",
        "fn f() { Grad::new().holomorphic(true).grad(|x: &Array| [x.clone()]); }",
        &["`grad` needs a function that returns a scalar `Array`, or `(Array, Aux)`; this one returns `[Array; 1]`"],
    );
    refused(
        "third_of_two_by_a_builder",
        "fn f() { Grad::new().value_argnums(|x: &Array, y: &Vec<Array>| x.clone(), (ARG0, ARG2)); }",
        &["`Nth<2>` does not select arguments of `(Array, Vec<Array>)`"],
    );
    refused(
        "axes_of_a_builder",
        "fn f() { Vmap::new().in_axes((0, None, 0)).of(|x: &Array, y: &Array| x.clone()); }",
        &["does not describe the mapped axes of the arguments `(Array, Array)`"],
    );
    refused(
        "results_of_a_builder",
        "fn f() { Vmap::new().out_axes((0, 1)).of(|x: &Array| x.clone()); }",
        &["does not describe the mapped axes of `Array`"],
    );
    refused(
        "named_builder",
        "fn f() { Jit::new().name(\"g\").of(|x: &Array, n: usize| x.clone()); }",
        &["this function cannot be transformed", "an argument of type `Static<_>`"],
    );
}

/// Functions that take the arguments at once take them as a tuple, each as the function takes it.
#[test]
fn arguments_at_once() {
    refused(
        "no_tuple",
        "fn f(x: Array) { vjp(|x: &Array| x.sin(), &x); }",
        &["E0271", "expected `&Array`, found `(&Array,)`"],
    );
    refused(
        "too_many_tangents",
        "fn f(x: Array) { jvp(|x: &Array| x.sin(), (&x,), (&x, &x)); }",
        &["E0271", "expected a tuple with 2 elements, found one with 1 element"],
    );
    refused(
        "pulled_back_twice",
        "fn f(x: Array) { let pull = vjp(|x: &Array| x.sin(), (&x,)).1; pull.call_once(&x); pull.call_once(&x); }",
        &["E0382", "use of moved value: `pull`"],
    );
    refused(
        "hessian_of_a_struct",
        "#[derive(Pytree)] struct P(Array); fn f() { hessian(|p: &P| p.0.clone()); }",
        &["returns `P` has no type", "a Hessian is the Jacobian of a gradient"],
    );
    refused(
        "gone",
        "fn f(x: Array) { let g = { let y = x.clone(); jit(|x: &Array| x + &y) }; }",
        &["`y` does not live long enough"],
    );
}

#[test]
fn operands() {
    refused("axis_by_number", "fn f(x: Array) { lax::psum(&x, 0); }", &["does not name axes", "never by a number"]);
    refused("text", "fn f() { array(\"1\"); }", &["`&str` cannot be made into an `Array`"]);
    refused(
        "text_beside",
        "fn f(x: Array) { &x + \"1\"; }",
        &["`&str` cannot be an operand of array arithmetic", "u8 to u64"],
    );
    refused("elements", "fn f() { Array::from_slice(&[\"1\"], &[1]); }", &["`&str` is not an element type of arrays"]);
    refused(
        "contraction",
        "fn f(x: Array) { np::tensordot(&x, &x, \"ij\"); }",
        &["does not say over which dimensions `tensordot` sums", "a number of dimensions"],
    );
}

#[test]
fn derives() {
    // The field is underlined, not the derive.
    refused(
        "number_field",
        "#[derive(Pytree)]\nstruct P {\n    w: Array,\n    n: usize,\n}",
        &["`usize` is not a pytree", "    n: usize,\n", "^^^^^ expected arrays", "#[pytree(static)]"],
    );
    refused(
        "float_static",
        "#[derive(Pytree)] struct P { #[pytree(static)] x: f32 }",
        &["`f32` cannot be part of a structure", "#[pytree(skip)]"],
    );
    refused("union", "#[derive(Pytree)] union U { a: u8, b: u8 }", &["a union is not a pytree", "use an enum"]);
    refused(
        "unknown",
        "#[derive(Pytree)] struct P { #[pytree(ignore)] x: f32 }",
        &["#[derive(Pytree)]: unknown attribute `ignore`: expected `#[pytree(static)]` or `#[pytree(skip)]`"],
    );
    refused(
        "bare",
        "#[derive(Pytree)] struct P { #[pytree] x: f32 }",
        &["expected `#[pytree(static)]` or `#[pytree(skip)]`"],
    );
    refused(
        "both",
        "#[derive(Pytree)] struct P { #[pytree(static)] #[pytree(skip)] x: u8 }",
        &["a field is static, or skipped"],
    );
    refused(
        "on_type",
        "#[derive(Pytree)] #[pytree(skip)] struct P { x: Array }",
        &["stands on a field, not on a type"],
    );
    refused("on_variant", "#[derive(Pytree)] enum E { #[pytree(skip)] A }", &["stands on a field, not on a variant"]);
    refused(
        "lifetime",
        "#[derive(Pytree)] struct P<'a> { x: &'a Array }",
        &["a pytree owns its arrays: it has no lifetime parameters"],
    );
}
