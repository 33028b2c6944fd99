//! What counts as a function: any `Fn` of up to eight pytrees, each taken by value or by reference.
//!
//! A transformation sees the arguments three ways. The caller's view ([`Function::ArgsOf`]) holds what the caller passed: `T`
//! or `&T`. Lent ([`Arguments::Refs`]) it is a tuple of references, whatever the modes; from it the leaves are collected. Owned
//! ([`Function::Args`]) it is a tuple of `T`s; the transformed function is called with one that was rebuilt around tracers.
//! So a call costs one walk and one rebuild.

use crate::tree::{Node, Walker};
use crate::{Array, Pytree};
use smallvec::SmallVec;
use std::ops::Range;

/// A function the library can transform: a closure or a `fn` item of up to eight pytrees. `Sig` is inferred.
///
/// The trait is implemented for them all and not by users. Code that is generic over functions of one arity needs no trait of
/// ours, `impl Fn(&Params, &Array) -> Array + Send + Sync` will do; code that is generic over the arity writes
/// `F: Function<S>`:
///
/// ```
/// use cotangent::{Function, prelude::*};
/// fn twice<S, F: Function<S, Out = Array>>(f: F, args: F::Args) -> f64 { 2.0 * f.call(args).to_f64() }
/// assert_eq!(twice(|x: &Array| x + 1., (array(2.),)), 6.0);
/// assert_eq!(twice(|x: Array, y: &Array| x * y, (array(2.), array(5.))), 20.0);
/// ```
///
/// The type of every closure argument is written out:
///
/// ```compile_fail,E0282
/// # use cotangent::{Array, Function};
/// # fn transform<S, F: Function<S>>(f: F) {}
/// transform(|x| x.clone());
/// ```
///
/// A number is no argument, only an array or `Static`:
///
/// ```compile_fail,E0277
/// # use cotangent::{Array, Function};
/// # fn transform<S, F: Function<S>>(f: F) {}
/// transform(|x: &Array, n: f32| x.clone());
/// ```
///
/// Nothing that another thread could not see is captured:
///
/// ```compile_fail,E0277
/// # use cotangent::{Array, Function};
/// # fn transform<S, F: Function<S>>(f: F) {}
/// let count = std::cell::Cell::new(0);
/// transform(|x: &Array| { count.set(count.get() + 1); x.clone() });
/// ```
#[diagnostic::on_unimplemented(
    message = "this function cannot be transformed",
    label = "expected an `Fn` of pytrees, each by value (`T`) or by reference (`&T`)",
    note = "write the type of every closure argument: `grad(|x: &Array| ..)`, not `grad(|x| ..)`",
    note = "every argument is a pytree: arrays, containers of arrays, structs with #[derive(Pytree)]; not `&[Array]`, but `&Vec<Array>`",
    note = "a plain number or flag is captured by the closure, or is an argument of type `Static<_>`",
    note = "the function must be `Fn + Send + Sync`: capture arrays, numbers and atomics, not Cell, RefCell or Rc",
    note = "up to 4 arguments may mix `T` and `&T`; 5 to 8 arguments are all `T` or all `&T`"
)]
pub trait Function<Sig>: Send + Sync {
    /// All arguments, owned.
    type Args: Arguments;
    /// The same arguments as the caller passes them: a tuple of `T` and `&T`.
    type ArgsOf<'a>;
    /// The result.
    type Out;
    /// A function with this one's arguments and another result: `Box<dyn Fn(A, &B, ..) -> R + Send + Sync + 'env>`.
    type With<'env, R: 'env>;

    /// Calls the function.
    ///
    /// ```
    /// use cotangent::{Function, prelude::*};
    /// fn at_three<S, F: Function<S, Args = (Array,), Out = Array>>(f: F) -> f64 { f.call((array(3.),)).to_f64() }
    /// assert_eq!((at_three(|x: &Array| x * x), at_three(|x: Array| x + 1.)), (9., 4.));
    /// ```
    fn call(&self, args: Self::Args) -> Self::Out;
    /// References to the arguments.
    ///
    /// ```
    /// use cotangent::{Arguments, Function, prelude::*};
    /// fn count<S, F: Function<S>>(_: &F, args: &F::ArgsOf<'_>) -> usize { F::Args::flatten(F::lend(args)).leaves.len() }
    /// let f = |x: &[Array; 2], y: Array| &x[0] + y;
    /// assert_eq!(count(&f, &(&[array(1), array(2)], array(3))), 3);
    /// ```
    fn lend<'a>(args: &'a Self::ArgsOf<'_>) -> <Self::Args as Arguments>::Refs<'a>;
    /// The arguments owned: what came by reference is shared.
    ///
    /// ```
    /// use cotangent::{Function, prelude::*};
    /// fn apply<S, F: Function<S>>(f: &F, args: F::ArgsOf<'_>) -> F::Out { f.call(F::own(args)) }
    /// assert_eq!(apply(&|x: &Array, y: Array| x - y, (&array(5.), array(3.))).to_f64(), 2.0);
    /// ```
    fn own(args: Self::ArgsOf<'_>) -> Self::Args;
    /// The function with this one's arguments that `body` says.
    ///
    /// ```
    /// use cotangent::{Function, prelude::*};
    /// fn negative<S, F: Function<S, Out = Array> + 'static>(f: F) -> F::With<'static, Array> {
    ///     F::with(move |args| -f.call(F::own(args)))
    /// }
    /// assert_eq!(negative(|x: &Array, y: &Array| x * y)(&array(2.), &array(3.)).to_f64(), -6.0);
    /// ```
    fn with<'env, R: 'env>(body: impl for<'a> Fn(Self::ArgsOf<'a>) -> R + Send + Sync + 'env) -> Self::With<'env, R>;
}

/// In a signature: an argument taken by value.
///
/// ```
/// use cotangent::{Array, Function, Ref, Val};
/// // the signature of a function that takes an array by value and one by reference
/// fn is<S>(_: &impl Function<S>) -> &'static str { std::any::type_name::<S>() }
/// let f = |x: Array, y: &Array| x - y;
/// let name = is::<(Val<Array>, Ref<Array>, Array)>(&f);
/// assert!(name.contains("Val") && name.contains("Ref"));
/// ```
pub struct Val<T>(T);
/// In a signature: an argument taken by reference.
///
/// ```
/// use cotangent::{Array, Function, Ref};
/// fn call<F: Function<(Ref<Array>, Array)>>(f: F) -> f64 where F: Function<(Ref<Array>, Array), Args = (Array,), Out = Array> {
///     f.call((Array::from(3.0),)).to_f64()
/// }
/// assert_eq!(call(|x: &Array| x * 2.0), 6.0);
/// ```
pub struct Ref<T>(T);

/// The arguments of a function, owned: a tuple of up to eight pytrees.
///
/// ```
/// use cotangent::{Arguments, prelude::*};
/// fn sizes<A: Arguments>(args: &A) -> Vec<usize> {
///     let flat = A::flatten(args.refs());
///     (0..A::COUNT).map(|n| flat.range(n).len()).collect()
/// }
/// assert_eq!(sizes(&(array(1), vec![array(2), array(3)], ())), [1, 2, 0]);
/// ```
pub trait Arguments: Pytree {
    /// References to the same arguments.
    type Refs<'a>: Copy;
    /// Their number.
    ///
    /// ```
    /// use cotangent::{Arguments, Array};
    /// assert_eq!(<(Array, Vec<Array>) as Arguments>::COUNT, 2);
    /// ```
    const COUNT: usize;

    /// References to the arguments.
    ///
    /// ```
    /// use cotangent::{Arguments, prelude::*};
    /// let args = (array(1.), array(2.));
    /// assert_eq!(args.refs().1.to_f64(), 2.0);
    /// ```
    fn refs(&self) -> Self::Refs<'_>;
    /// As [`Pytree::walk`] of the tuple.
    ///
    /// ```
    /// use cotangent::{Arguments, prelude::*};
    /// let mut w = tree::StructureWriter::default();
    /// <(Array, [Array; 2])>::walk_refs((&array(1), &[array(2), array(3)]), &mut w);
    /// assert_eq!(w.finish().to_string(), "(*, [*, *])");
    /// ```
    fn walk_refs<'a>(args: Self::Refs<'a>, w: &mut dyn Walker<'a>);
    /// As [`Pytree::rebuild`] of the tuple.
    ///
    /// ```
    /// use cotangent::{Arguments, prelude::*};
    /// let like = (array(0), [array(0)]);
    /// let (a, [b]) = <(Array, [Array; 1])>::rebuild_refs(like.refs(), &mut [array(7), array(8)].into_iter());
    /// assert_eq!((a.to_f64(), b.to_f64()), (7., 8.));
    /// ```
    fn rebuild_refs(args: Self::Refs<'_>, leaves: &mut dyn Iterator<Item = Array>) -> Self;
    /// All leaves, and which of them belong to which argument.
    ///
    /// ```
    /// use cotangent::{Arguments, prelude::*};
    /// let flat = <(Array, [Array; 2])>::flatten((&array(1), &[array(2), array(3)]));
    /// assert_eq!((flat.leaves.len(), flat.leaves[2].to_f64()), (3, 3.));
    /// ```
    fn flatten(args: Self::Refs<'_>) -> Flat;
}

/// The leaves of all arguments.
///
/// ```
/// use cotangent::{Arguments, prelude::*};
/// let flat = <([Array; 2], Array)>::flatten((&[array(1), array(2)], &array(3)));
/// assert_eq!((flat.leaves.len(), flat.range(1)), (3, 2..3));
/// ```
#[derive(Default, Clone, Debug)]
pub struct Flat {
    /// The leaves of the first argument, of the second, and so on.
    pub leaves: SmallVec<[Array; 8]>,
    /// Where the leaves of each argument end.
    ends: SmallVec<[usize; 8]>,
}

impl Flat {
    /// Which leaves belong to argument `n`.
    ///
    /// ```
    /// use cotangent::{Arguments, prelude::*};
    /// let flat = <(Array, Vec<Array>)>::flatten((&array(1), &vec![array(2), array(3)]));
    /// assert_eq!((flat.range(0), flat.range(1)), (0..1, 1..3));
    /// ```
    pub fn range(&self, n: usize) -> Range<usize> {
        let start = if n == 0 { 0 } else { self.ends[n - 1] };
        start..self.ends[n]
    }
    /// Closes an argument.
    fn end(&mut self) {
        self.ends.push(self.leaves.len())
    }
}

impl<'a> Walker<'a> for Flat {
    fn leaf(&mut self, leaf: &'a Array) {
        self.leaves.push(leaf.clone())
    }
    fn node(&mut self, node: Node) {
        self.leaves.reserve(node.arity())
    }
}

macro_rules! arguments {
    ($(($($T:ident $X:ident $x:ident $i:tt),*) $n:literal;)*) => { $(
        #[allow(unused_variables, unused_mut, clippy::unused_unit)]
        impl<$($T: Pytree),*> Arguments for ($($T,)*) {
            type Refs<'a> = ($(&'a $T,)*);
            const COUNT: usize = $n;

            fn refs(&self) -> Self::Refs<'_> {
                let ($($x,)*) = self;
                ($($x,)*)
            }
            fn walk_refs<'a>(($($x,)*): Self::Refs<'a>, w: &mut dyn Walker<'a>) {
                w.node(Node::Tuple($n));
                $($x.walk(w);)*
            }
            fn rebuild_refs(($($x,)*): Self::Refs<'_>, leaves: &mut dyn Iterator<Item = Array>) -> Self {
                ($($x.rebuild(leaves),)*)
            }
            fn flatten(($($x,)*): Self::Refs<'_>) -> Flat {
                let mut flat = Flat::default();
                $($x.walk(&mut flat); flat.end();)*
                flat
            }
        }
    )* };
}
arguments! { () 0; }
for_tuples! { arguments }

// One impl per combination of modes. The modes are spelled in the impl, not computed by an associated type of the argument,
// because rustc cannot normalize a projection under the binder of `dyn for<'a> Fn(..)`: a compact encoding type-checks, and then
// crashes the compiler when a returned function is captured by another closure.
macro_rules! function {
    ($(($T:ident $x:ident $mode:ident))*) => {
        #[allow(clippy::unused_unit)]
        impl<Func, Out, $($T: Pytree),*> Function<($(function!(@sig $mode $T),)* Out,)> for Func
        where
            Func: Fn($(function!(@ty $mode $T)),*) -> Out + Send + Sync,
        {
            type Args = ($($T,)*);
            type ArgsOf<'a> = ($(function!(@of $mode $T),)*);
            type Out = Out;
            type With<'env, R: 'env> = Box<dyn Fn($(function!(@ty $mode $T)),*) -> R + Send + Sync + 'env>;

            fn call(&self, ($($x,)*): Self::Args) -> Out {
                self($(function!(@pass $mode $x)),*)
            }
            fn lend<'a>(($($x,)*): &'a Self::ArgsOf<'_>) -> <Self::Args as Arguments>::Refs<'a> {
                ($($x,)*)
            }
            fn own(($($x,)*): Self::ArgsOf<'_>) -> Self::Args {
                ($(function!(@own $mode $x),)*)
            }
            fn with<'env, R: 'env>(
                body: impl for<'a> Fn(Self::ArgsOf<'a>) -> R + Send + Sync + 'env,
            ) -> Self::With<'env, R> {
                Box::new(move |$($x: function!(@ty $mode $T)),*| body(($($x,)*)))
            }
        }
    };
    (@sig v $T:ident) => { Val<$T> };   (@sig r $T:ident) => { Ref<$T> };
    (@ty v $T:ident) => { $T };         (@ty r $T:ident) => { &$T };
    (@of v $T:ident) => { $T };         (@of r $T:ident) => { &'a $T };
    (@pass v $x:ident) => { $x };       (@pass r $x:ident) => { &$x };
    (@own v $x:ident) => { $x };        (@own r $x:ident) => { $x.share() };
}
// All combinations, by choosing a mode for one argument after the other.
macro_rules! mixed {
    ([$($done:tt)*]) => { function! { $($done)* } };
    ([$($done:tt)*] $T:ident $x:ident $($rest:ident)*) => {
        mixed! { [$($done)* ($T $x v)] $($rest)* }
        mixed! { [$($done)* ($T $x r)] $($rest)* }
    };
}
macro_rules! uniform {
    ($($T:ident $x:ident)*) => {
        function! { $(($T $x v))* }
        function! { $(($T $x r))* }
    };
}
function! {}
mixed! { [] A a }
mixed! { [] A a B b }
mixed! { [] A a B b C c }
mixed! { [] A a B b C c D d }
uniform! { A a B b C c D d E e }
uniform! { A a B b C c D d E e F f }
uniform! { A a B b C c D d E e F f G g }
uniform! { A a B b C c D d E e F f G g H h }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use crate::tree::testing::{leaf, number, numbers};
    use crate::tree::{Structure, StructureWriter};

    /// A stand-in for a transformation: every leaf plus one.
    fn raised<'f, S, F: Function<S, Out: 'f> + 'f>(f: F) -> F::With<'f, F::Out> {
        F::with(move |args| {
            let lent = F::lend(&args);
            let flat = F::Args::flatten(lent);
            let mut leaves = flat.leaves.iter().map(|x| leaf(number(x) + 1));
            f.call(F::Args::rebuild_refs(lent, &mut leaves))
        })
    }

    #[test]
    fn by_value_by_reference_mixed_and_eight() {
        assert_eq!(raised(|| 7)(), 7);
        assert_eq!(raised(|x: Array| number(&x))(leaf(1)), 2);
        assert_eq!(raised(|x: &Array| number(x))(&leaf(1)), 2);
        let f = |p: &(Array, Vec<Array>), k: Option<Array>, x: &Array, y: Array| {
            (numbers(p), numbers(&k), number(x), number(&y))
        };
        let got = raised(f)(&(leaf(0), vec![leaf(1)]), Some(leaf(2)), &leaf(3), leaf(4));
        assert_eq!(got, (vec![1, 2], vec![3], 4, 5));
        fn eight(a: &Array, b: &Array, c: &Array, d: &Array, e: &Array, f: &Array, g: &Array, h: &Array) -> Vec<usize> {
            [a, b, c, d, e, f, g, h].map(number).to_vec()
        }
        let o = &leaf(0);
        assert_eq!(raised(eight)(o, o, o, o, o, o, &leaf(3), &leaf(6)), [1, 1, 1, 1, 1, 1, 4, 7]);
        let eight =
            |a: Array, b: Array, _: Array, _: Array, _: Array, _: Array, _: Array, h: Array| numbers(&(a, b, h));
        let o = || leaf(0);
        assert_eq!(raised(eight)(leaf(1), o(), o(), o(), o(), o(), o(), leaf(2)), [2, 1, 3]);
    }

    #[test]
    fn returned_functions_nest_and_travel() {
        let twice = raised(raised(|x: &Array| number(x)));
        assert_eq!(twice(&leaf(1)), 3);
        // Captured by another closure, sent to a thread, kept in a struct, passed by reference, mapped.
        let other = || twice(&leaf(5));
        assert_eq!(other(), 7);
        assert_eq!(std::thread::scope(|s| s.spawn(|| twice(&leaf(2))).join().unwrap()), 4);
        struct Step<'f> {
            run: Box<dyn Fn(&Array, Array) -> usize + Send + Sync + 'f>,
        }
        let offset = leaf(10);
        let step = Step { run: raised(|x: &Array, y: Array| number(x) + number(&y) + number(&offset)) };
        assert_eq!((step.run)(&leaf(1), leaf(2)), 15);
        assert_eq!(raised(&step.run)(&leaf(1), leaf(2)), 17);
        assert_eq!([1, 2].map(leaf).iter().map(raised(|x: &Array| number(x))).sum::<usize>(), 5);
        let borrowed: &(dyn Fn(&Array) -> usize + Send + Sync) = &number;
        assert_eq!(raised(borrowed)(&leaf(1)), 2);
        // One lifetime per argument and call: the loop may reassign what it lent.
        let mut w = leaf(0);
        for _ in 0..3 {
            w = leaf(twice(&w));
        }
        assert_eq!(number(&w), 6);
        // Returned from functions, and in a static.
        fn nth(n: usize) -> Box<dyn Fn(&Array) -> usize + Send + Sync> {
            (0..n).fold(Box::new(number), |f, _| raised(f))
        }
        static FIVE: std::sync::LazyLock<Box<dyn Fn(&Array) -> usize + Send + Sync>> =
            std::sync::LazyLock::new(|| nth(5));
        assert_eq!(FIVE(&leaf(1)), 6);
    }

    #[derive(Pytree)]
    struct Model {
        #[pytree(skip)]
        factor: usize,
    }

    impl Model {
        fn energy(&self, x: &Array) -> usize {
            self.factor * number(x)
        }
    }

    #[test]
    fn methods_and_functions_of_any_arity() {
        assert_eq!(raised(Model::energy)(&Model { factor: 3 }, &leaf(1)), 6);
        fn generic<S, F: Function<S>>(_: &F, args: F::ArgsOf<'_>) -> usize {
            tree::leaf_count(&F::own(args))
        }
        assert_eq!(generic(&|_: &Array, _: Vec<Array>| (), (&leaf(1), vec![leaf(2); 3])), 4);
        fn of_one_arity<P: Pytree>(f: impl Fn(&P, &Array) -> usize + Send + Sync, p: &P) -> usize {
            raised(f)(p, &leaf(1))
        }
        assert_eq!(of_one_arity(|m: &Model, x| m.energy(x), &Model { factor: 4 }), 8);
    }

    fn flat_of<S, F: Function<S>>(_: &F, args: F::ArgsOf<'_>) -> (Flat, Structure, Structure) {
        let lent = F::lend(&args);
        let mut w = StructureWriter::default();
        F::Args::walk_refs(lent, &mut w);
        let flat = F::Args::flatten(lent);
        (flat, w.finish(), Structure::of(&F::own(args)))
    }

    #[test]
    fn leaves_by_argument() {
        let f = |_: &Vec<Array>, _: (), _: Array| ();
        let (flat, lent, owned) = flat_of(&f, (&vec![leaf(1), leaf(2)], (), leaf(3)));
        assert_eq!([0, 1, 2].map(|n| flat.range(n)), [0..2, 2..2, 2..3]);
        assert_eq!(flat.leaves.iter().map(number).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(lent, owned);
        assert_eq!(lent.paths(), ["[0][0]", "[0][1]", "[2]"]);
    }
}
