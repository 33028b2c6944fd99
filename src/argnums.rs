//! Which arguments a derivative is with respect to.
//!
//! `argnums` is a type, so that the result has one: `ARG1` picks the second argument's type, `(ARG0, ARG2)` a pair. Where all
//! arguments have one type, plain numbers will do. What a [`Selection`] then knows are numbers of arguments, and through the
//! [`Flat`] list of a call numbers of leaves, which is all that the core hears of it.

use crate::error::{ErrorKind, fail};
use crate::{Arguments, Array, Flat, Pytree};
use smallvec::SmallVec;

/// The position of an argument, known to the compiler: the type of [`ARG0`], [`ARG1`], ..
///
/// ```
/// use cotangent::{Nth, prelude::*};
/// let f = |x: &Array, y: &Array| x * x * y;
/// let g = grad_argnums(f, (Nth::<1>, Nth::<0>))(&array(3.), &array(5.));
/// assert_eq!((g.0.to_f64(), g.1.to_f64()), (9., 30.));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nth<const N: usize>;

/// The first argument.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |x: &Array, y: &Array| x * y.powi(2);
/// assert_eq!(grad_argnums(f, ARG0)(&array(2.), &array(3.)).to_f64(), 9.0);
/// ```
pub const ARG0: Nth<0> = Nth;
/// The second argument.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |x: &Array, y: &Array| x * y.powi(2);
/// assert_eq!(grad_argnums(f, ARG1)(&array(2.), &array(3.)).to_f64(), 12.0);
/// ```
pub const ARG1: Nth<1> = Nth;
/// The third argument.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |x: &Array, y: &Array, z: &Array| x + y * z;
/// assert_eq!(grad_argnums(f, ARG2)(&array(2.), &array(3.), &array(4.)).to_f64(), 3.0);
/// ```
pub const ARG2: Nth<2> = Nth;
/// The fourth argument.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |a: &Array, b: &Array, c: &Array, d: &Array| a + b + c * d;
/// assert_eq!(grad_argnums(f, ARG3)(&array(1.), &array(2.), &array(3.), &array(4.)).to_f64(), 3.0);
/// ```
pub const ARG3: Nth<3> = Nth;
/// The fifth argument.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |a: &Array, b: &Array, c: &Array, d: &Array, e: &Array| a + b + c + d * e;
/// assert_eq!(grad_argnums(f, ARG4)(&array(1.), &array(2.), &array(3.), &array(4.), &array(5.)).to_f64(), 4.0);
/// ```
pub const ARG4: Nth<4> = Nth;
/// The sixth argument.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |a: &Array, b: &Array, c: &Array, d: &Array, e: &Array, f: &Array| a + b + c + d + e * f;
/// assert_eq!(grad_argnums(f, ARG5)(&array(1.), &array(2.), &array(3.), &array(4.), &array(5.), &array(6.)).to_f64(), 5.0);
/// ```
pub const ARG5: Nth<5> = Nth;
/// The seventh argument.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |a: &Array, b: &Array, c: &Array, d: &Array, e: &Array, f: &Array, g: &Array| a + b + c + d + e + f * g;
/// assert_eq!(grad_argnums(f, ARG6)(&array(1.), &array(2.), &array(3.), &array(4.), &array(5.), &array(6.), &array(7.)).to_f64(), 6.0);
/// ```
pub const ARG6: Nth<6> = Nth;
/// The eighth argument.
///
/// ```
/// use cotangent::prelude::*;
/// let f = |a: &Array, b: &Array, c: &Array, d: &Array, e: &Array, f: &Array, g: &Array, h: &Array| a + b + c + d + e + f + g * h;
/// assert_eq!(grad_argnums(f, ARG7)(&array(1.), &array(2.), &array(3.), &array(4.), &array(5.), &array(6.), &array(7.), &array(8.)).to_f64(), 7.0);
/// ```
pub const ARG7: Nth<7> = Nth;

/// What selects some of a function's arguments: `ARG1`, `(ARG0, ARG2)`, and where all arguments have one type also `1` and
/// `[0, 2]`.
///
/// ```
/// # use cotangent::{ARG0, ARG1, Argnums, Array, Static};
/// fn picks<P, A: cotangent::Arguments, N: Argnums<A, Picked = P>>(_: N) {}
/// picks::<Array, (Vec<Array>, Array), _>(ARG1);
/// picks::<(Array, Vec<Array>), (Vec<Array>, Array), _>((ARG1, ARG0));
/// picks::<[Array; 2], (Array, Array, Array), _>([0, 2]);
/// ```
///
/// There is no third argument here, nothing in an empty tuple, and a number has no type where the arguments have two:
///
/// ```compile_fail,E0277
/// # use cotangent::*;
/// fn picks<A: Arguments, N: Argnums<A>>(_: N) {}
/// picks::<(Array, Array), _>(ARG2);
/// ```
/// ```compile_fail,E0277
/// # use cotangent::*;
/// fn picks<A: Arguments, N: Argnums<A>>(_: N) {}
/// picks::<(Array, Array), _>(());
/// ```
/// ```compile_fail,E0277
/// # use cotangent::*;
/// fn picks<A: Arguments, N: Argnums<A>>(_: N) {}
/// picks::<(Array, Vec<Array>), _>(1);
/// ```
///
/// An empty array selects nothing either. (Its length is looked at when the program is built, after `cargo check`.)
///
/// ```
/// # use cotangent::*;
/// Selection::new::<(Array,), _>("grad", &[0]);
/// ```
/// ```compile_fail,E0080
/// # use cotangent::*;
/// Selection::new::<(Array,), _>("grad", &[]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not select arguments of `{Args}`",
    label = "not among the arguments",
    note = "use `ARG0`, `ARG1`, .. or a tuple of them, such as `(ARG0, ARG2)`; an empty tuple selects nothing",
    note = "a plain `1` or `[0, 2]` works when all arguments have one type"
)]
pub trait Argnums<Args: Arguments>: Send + Sync {
    /// The selected arguments: the type of one, or a tuple or an array of them.
    type Picked: Pytree;

    /// Appends the numbers of the selected arguments, in the order in which they are picked.
    ///
    /// ```
    /// use cotangent::{Argnums, prelude::*};
    /// let mut numbers = Default::default();
    /// Argnums::<(Array, Array)>::numbers(&(ARG1, ARG0), &mut numbers);
    /// assert_eq!(numbers[..], [1, 0]);
    /// ```
    fn numbers(&self, out: &mut SmallVec<[usize; 8]>);

    /// The selected arguments with other leaves, taken in the order in which they are picked.
    ///
    /// ```
    /// use cotangent::{Argnums, prelude::*};
    /// let args = (&array(1.), &[array(2.), array(3.)]);
    /// let [a, b] = Argnums::<(Array, [Array; 2])>::picked(&ARG1, args, &mut [array(7.), array(8.)].into_iter());
    /// assert_eq!((a.to_f64(), b.to_f64()), (7., 8.));
    /// ```
    fn picked(&self, args: Args::Refs<'_>, leaves: &mut dyn Iterator<Item = Array>) -> Self::Picked;
}

/// The numbers of the selected arguments: at least one, all different, all within the function's arguments.
///
/// ```
/// use cotangent::{Selection, prelude::*};
/// let chosen = Selection::new::<(Array, Array, Array), _>("grad", &(ARG2, ARG0));
/// assert_eq!(chosen.arguments(), [2, 0]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(SmallVec<[usize; 8]>);

impl Selection {
    /// What `argnums` selects, for the transformation `who`.
    ///
    /// ```
    /// use cotangent::{Selection, prelude::*};
    /// let e = catch(|| Selection::new::<(Array, Array), _>("grad", &[1, 1])).unwrap_err();
    /// assert_eq!(e.message(), "grad: argnums [1, 1] selects argument 1 twice");
    /// ```
    ///
    /// # Panics
    /// If an argument does not exist or is selected twice.
    #[track_caller]
    pub fn new<Args: Arguments, N: Argnums<Args>>(who: &str, argnums: &N) -> Selection {
        let mut numbers = SmallVec::new();
        argnums.numbers(&mut numbers);
        Selection(numbers).checked(who, Args::COUNT)
    }

    #[track_caller]
    fn checked(self, who: &str, count: usize) -> Selection {
        for (i, n) in self.0.iter().enumerate() {
            if *n >= count {
                let s = if count == 1 { "" } else { "s" };
                let needed = n + 1;
                let text = format!(
                    "{who}: argnums {n} needs a function of at least {needed} arguments, this one has {count} argument{s}"
                );
                fail(ErrorKind::Argnums, text)
            }
            if self.0[..i].contains(n) {
                let all = self.0.as_slice();
                fail(ErrorKind::Argnums, format!("{who}: argnums {all:?} selects argument {n} twice"))
            }
        }
        self
    }

    /// The numbers of the arguments, in the order in which they are picked.
    ///
    /// ```
    /// use cotangent::{Selection, prelude::*};
    /// assert_eq!(Selection::new::<(Array, Array), _>("grad", &1).arguments(), [1]);
    /// ```
    pub fn arguments(&self) -> &[usize] {
        &self.0
    }

    /// The numbers of their leaves among the leaves of a call, in the order in which [`Argnums::picked`] takes them.
    ///
    /// ```
    /// use cotangent::{Arguments, Selection, prelude::*};
    /// type Args = (Array, [Array; 2], Array);
    /// let flat = Args::flatten((&array(1), &[array(2), array(3)], &array(4)));
    /// assert_eq!(Selection::new::<Args, _>("grad", &(ARG2, ARG1)).leaves(&flat)[..], [3, 1, 2]);
    /// ```
    pub fn leaves(&self, flat: &Flat) -> SmallVec<[usize; 8]> {
        self.0.iter().flat_map(|n| flat.range(*n)).collect()
    }
}

macro_rules! nth {
    ($($all:tt $n:literal;)*) => { $( nth! { @each $all $all } )* };
    (@each $all:tt ($($P:ident $X:ident $p:ident $n:tt),*)) => { $( nth! { @one $all $n $P $p } )* };
    (@one ($($T:ident $X:ident $x:ident $i:tt),*) $n:tt $P:ident $p:ident) => {
        #[allow(unused_variables)]
        impl<$($T: Pytree),*> Argnums<($($T,)*)> for Nth<$n> {
            type Picked = $P;
            fn numbers(&self, out: &mut SmallVec<[usize; 8]>) {
                out.push($n)
            }
            fn picked(&self, ($($x,)*): ($(&$T,)*), leaves: &mut dyn Iterator<Item = Array>) -> $P {
                $p.rebuild(leaves)
            }
        }
    };
}
for_tuples! { nth }

macro_rules! tuples {
    ($(($($S:ident $X:ident $x:ident $i:tt),*) $n:literal;)*) => { $(
        impl<Args: Arguments, $($S: Argnums<Args>),*> Argnums<Args> for ($($S,)*) {
            type Picked = ($($S::Picked,)*);
            fn numbers(&self, out: &mut SmallVec<[usize; 8]>) {
                $(self.$i.numbers(out);)*
            }
            fn picked(&self, args: Args::Refs<'_>, leaves: &mut dyn Iterator<Item = Array>) -> Self::Picked {
                ($(self.$i.picked(args, leaves),)*)
            }
        }
    )* };
}
for_tuples! { tuples }

/// `Self` is `T`. Asked as a bound, not unified in an impl's header, so that rustc can say in our words that it is not.
#[diagnostic::on_unimplemented(
    message = "a plain number selects among arguments of one type, but these are of types `{T}` and `{Self}`",
    label = "the arguments differ in type, so the result of a number would have none",
    note = "use `ARG0`, `ARG1`, .. or a tuple of them, such as `(ARG0, ARG2)`"
)]
pub trait Same<T> {
    /// The same, with the type that it has.
    fn same(&self) -> &T;
}
impl<T> Same<T> for T {
    fn same(&self) -> &T {
        self
    }
}

macro_rules! uniform {
    ($((A $X0:ident $first:ident 0 $(, $T:ident $X:ident $x:ident $i:tt)*) $n:literal;)*) => { $(
        impl<A: Pytree, $($T: Pytree + Same<A>),*> Argnums<(A, $($T,)*)> for usize {
            type Picked = A;
            fn numbers(&self, out: &mut SmallVec<[usize; 8]>) {
                out.push(*self)
            }
            fn picked(&self, ($first, $($x,)*): (&A, $(&$T,)*), leaves: &mut dyn Iterator<Item = Array>) -> A {
                [$first, $($x.same()),*][*self].rebuild(leaves)
            }
        }
    )* };
}
for_tuples! { uniform }

impl<Args: Arguments, const N: usize> Argnums<Args> for [usize; N]
where
    usize: Argnums<Args>,
{
    type Picked = [<usize as Argnums<Args>>::Picked; N];
    fn numbers(&self, out: &mut SmallVec<[usize; 8]>) {
        const { assert!(N > 0, "argnums: an empty array selects no argument") };
        out.extend_from_slice(self)
    }
    fn picked(&self, args: Args::Refs<'_>, leaves: &mut dyn Iterator<Item = Array>) -> Self::Picked {
        self.map(|n| n.picked(args, leaves))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Static;
    use crate::tree::testing::{leaf, number, numbers, panic_text};

    /// Selects, and rebuilds the picked structure from the leaves that are selected.
    #[track_caller]
    fn pick<Args: Arguments, N: Argnums<Args>>(args: &Args, argnums: N) -> (Vec<usize>, N::Picked) {
        let selection = Selection::new::<Args, N>("grad", &argnums);
        let flat = Args::flatten(args.refs());
        let chosen = selection.leaves(&flat);
        let mut leaves = chosen.iter().map(|i| leaf(number(&flat.leaves[*i]) + 100));
        let picked = argnums.picked(args.refs(), &mut leaves);
        assert!(leaves.next().is_none());
        (chosen.to_vec(), picked)
    }

    #[test]
    fn typed_positions() {
        let args = (vec![leaf(1), leaf(2)], leaf(3), (leaf(4), Static(1)));
        let (chosen, g): (_, Vec<Array>) = pick(&args, ARG0);
        assert_eq!((chosen, numbers(&g)), (vec![0, 1], vec![101, 102]));
        let (chosen, (g, h)): (_, (Array, Vec<Array>)) = pick(&args, (ARG1, ARG0));
        assert_eq!((chosen, number(&g), numbers(&h)), (vec![2, 0, 1], 103, vec![101, 102]));
        let (chosen, (g,)) = pick(&args, (ARG2,));
        assert_eq!((chosen, numbers(&g), g.1), (vec![3], vec![104], Static(1)));
        let (chosen, g) = pick(&args, ((ARG0, ARG1), ARG2));
        assert_eq!((chosen, numbers(&g)), (vec![0, 1, 2, 3], vec![101, 102, 103, 104]));
        let l = leaf;
        let eight = (l(1), l(2), l(3), l(4), l(5), l(6), l(7), vec![l(8), l(9)]);
        let (chosen, g): (_, (Vec<Array>, Array)) = pick(&eight, (ARG7, ARG6));
        assert_eq!((chosen, numbers(&g)), (vec![7, 8, 6], vec![108, 109, 107]));
        let (_, g) = pick(&eight, (ARG0, ARG1, ARG2, ARG3, ARG4, ARG5, ARG6, ARG7));
        assert_eq!(numbers(&g), (101..110).collect::<Vec<_>>());
    }

    #[test]
    fn plain_numbers() {
        let args = (vec![leaf(1)], vec![leaf(2), leaf(3)], vec![]);
        let (chosen, g): (_, Vec<Array>) = pick(&args, 1);
        assert_eq!((chosen, numbers(&g)), (vec![1, 2], vec![102, 103]));
        let (chosen, g): (_, [Vec<Array>; 3]) = pick(&args, [1, 2, 0]);
        assert_eq!((chosen, numbers(&g)), (vec![1, 2, 0], vec![102, 103, 101]));
        let (_, (g, [h])) = pick(&args, (ARG0, [1]));
        assert_eq!((numbers(&g), numbers(&h)), (vec![101], vec![102, 103]));
    }

    #[test]
    fn mistakes_are_told() {
        let args = (leaf(1), leaf(2));
        let text = panic_text(|| pick(&args, 2));
        assert!(
            text.contains("grad: argnums 2 needs a function of at least 3 arguments, this one has 2 arguments"),
            "{text}"
        );
        let text = panic_text(|| pick(&(leaf(1),), [0, 5]));
        assert!(text.contains("argnums 5 needs a function of at least 6 arguments, this one has 1 argument"), "{text}");
        let text = panic_text(|| pick(&args, [1, 0, 1]));
        assert!(text.contains("grad: argnums [1, 0, 1] selects argument 1 twice"), "{text}");
        let text = panic_text(|| pick(&args, (ARG0, ARG0)));
        assert!(text.contains("argnums [0, 0] selects argument 0 twice"), "{text}");
    }
}
