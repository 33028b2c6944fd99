//! The types of Jacobians.

use crate::tree::Fixed;
use crate::{Array, Pytree, Static};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

/// A result whose Jacobian has a type: the result's own structure with a copy of the input's structure for every array.
///
/// ```
/// # use cotangent::{Array, Differential};
/// fn jacobian<A: cotangent::Pytree, R: Differential>(of: R::Jac<A>) -> R::Jac<A> { of }
/// type Input = (Array, Vec<Array>);
/// // Of a function from `Input` to `[Array; 2]`:
/// fn example(j: [Input; 2]) -> [Input; 2] { jacobian::<Input, [Array; 2]>(j) }
/// ```
///
/// A struct of your own has no place for trees where it has arrays:
///
/// ```compile_fail,E0277
/// # use cotangent::{Array, Differential, Pytree};
/// #[derive(Pytree)]
/// struct State { x: Array }
/// fn jacobian<R: Differential>() {}
/// jacobian::<State>();
/// ```
#[diagnostic::on_unimplemented(
    message = "the Jacobian of a function that returns `{Self}` has no type",
    label = "not an array, and not a container of the standard library",
    note = "Array, tuples, Vec, [T; N], Option, Box and maps of them have one; for your own structs use `jvp` or `vjp`, or return \
            their fields as a tuple",
    note = "a Hessian is the Jacobian of a gradient, which has the type of the argument"
)]
pub trait Differential: Pytree {
    /// The structure with `A` in the place of every array.
    type Jac<A: Pytree>: Pytree;

    /// This structure with what `next` gives in the place of every array, in order.
    ///
    /// ```
    /// use cotangent::{Differential, prelude::*};
    /// // a row for each number
    /// let rows: Vec<[Array; 2]> = vec![array(1.), array(2.)].jacobian(&mut |x| [x.clone(), 10. * x]);
    /// assert_eq!(rows[1][1].to_f64(), 20.0);
    /// ```
    fn jacobian<A: Pytree>(&self, next: &mut dyn FnMut(&Array) -> A) -> Self::Jac<A>;
}

impl Differential for Array {
    type Jac<A: Pytree> = A;
    fn jacobian<A: Pytree>(&self, next: &mut dyn FnMut(&Array) -> A) -> A {
        next(self)
    }
}

impl<T: Fixed + Clone> Differential for Static<T> {
    type Jac<A: Pytree> = Static<T>;
    fn jacobian<A: Pytree>(&self, _: &mut dyn FnMut(&Array) -> A) -> Static<T> {
        Static(self.0.clone())
    }
}

macro_rules! containers {
    ($([$($g:tt)*] $Of:ty, $Jac:ty, |$this:ident, $each:ident| $build:expr;)*) => { $(
        impl<$($g)*> Differential for $Of {
            type Jac<A: Pytree> = $Jac;
            #[allow(unused_mut)]
            fn jacobian<A: Pytree>(&self, next: &mut dyn FnMut(&Array) -> A) -> $Jac {
                let ($this, mut $each) = (self, |x: &T| x.jacobian(next));
                $build
            }
        }
    )* };
}
containers! {
    [T: Differential] Box<T>, Box<T::Jac<A>>, |this, each| Box::new(each(this));
    [T: Differential] Option<T>, Option<T::Jac<A>>, |this, each| this.as_ref().map(each);
    [T: Differential] Vec<T>, Vec<T::Jac<A>>, |this, each| this.iter().map(each).collect();
    [T: Differential, const N: usize] [T; N], [T::Jac<A>; N], |this, each| std::array::from_fn(|i| each(&this[i]));
    [K: Fixed + Clone + Ord, T: Differential] BTreeMap<K, T>, BTreeMap<K, T::Jac<A>>,
        |this, each| this.iter().map(|(k, x)| (k.clone(), each(x))).collect();
}

/// In the order of the keys, as the leaves are.
impl<K, T, S> Differential for HashMap<K, T, S>
where
    K: Fixed + Clone + Ord + Hash,
    T: Differential,
    S: BuildHasher + Default + Send + Sync + 'static,
{
    type Jac<A: Pytree> = HashMap<K, T::Jac<A>, S>;
    fn jacobian<A: Pytree>(&self, next: &mut dyn FnMut(&Array) -> A) -> Self::Jac<A> {
        crate::tree::sorted(self).into_iter().map(|(k, x)| (k.clone(), x.jacobian(next))).collect()
    }
}

macro_rules! tuples {
    ($(($($T:ident $X:ident $x:ident $i:tt),*) $n:literal;)*) => { $(
        #[allow(unused_variables, clippy::unused_unit)]
        impl<$($T: Differential),*> Differential for ($($T,)*) {
            type Jac<In: Pytree> = ($($T::Jac<In>,)*);
            fn jacobian<In: Pytree>(&self, next: &mut dyn FnMut(&Array) -> In) -> Self::Jac<In> {
                ($(self.$i.jacobian(next),)*)
            }
        }
    )* };
}
tuples! { () 0; }
for_tuples! { tuples }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;
    use crate::tree::testing::{leaf, number, numbers};

    type Input = (Array, Option<Array>);

    /// Of output leaf `x`: `10 x` and `10 x + 1`.
    fn row(x: &Array) -> Input {
        (leaf(10 * number(x)), Some(leaf(10 * number(x) + 1)))
    }

    #[test]
    fn every_container() {
        let l = leaf;
        let j: Input = l(1).jacobian(&mut row);
        assert_eq!(numbers(&j), [10, 11]);
        let out = (l(1), vec![l(2), l(3)], [Some(l(4)), None], Box::new(l(5)), Static(6), ());
        let j: (Input, Vec<Input>, [Option<Input>; 2], Box<Input>, Static<i32>, ()) = out.jacobian(&mut row);
        assert_eq!(numbers(&j), [10, 11, 20, 21, 30, 31, 40, 41, 50, 51]);
        assert_eq!((j.2[1].is_none(), j.4), (true, Static(6)));
        let out = BTreeMap::from([("b", l(2)), ("a", l(1))]);
        let j: BTreeMap<&str, Input> = out.jacobian(&mut row);
        assert_eq!(numbers(&j["a"]), [10, 11]);
        let out: HashMap<usize, Array> = (1..20).map(|i| (i, l(i))).collect();
        let mut order = Vec::new();
        let j: HashMap<usize, Array> = out.jacobian(&mut |x| {
            order.push(number(x));
            l(number(x) + 100)
        });
        assert_eq!(order, (1..20).collect::<Vec<_>>());
        assert!(j.iter().all(|(k, x)| number(x) == k + 100));
    }

    #[test]
    fn twice() {
        // As for a Hessian: the Jacobian is differentiated again.
        let first: Vec<(Array, Array)> = vec![leaf(1)].jacobian(&mut |x| (leaf(number(x)), leaf(number(x) + 1)));
        let second: Vec<((Array, Array), (Array, Array))> =
            first.jacobian(&mut |x| (leaf(10 * number(x)), leaf(10 * number(x) + 1)));
        assert_eq!(numbers(&second), [10, 11, 20, 21]);
        assert_eq!(tree::paths(&second)[2], "[0][1][0]");
    }
}
