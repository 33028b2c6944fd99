//! Which axis of each leaf is mapped: `in_axes` and `out_axes`; how each lies over a mesh: `in_specs` and `out_specs`.
//!
//! A description of axes is a number or `None` for a whole tree, a structure that is a prefix of the tree, or a function of the
//! leaf's key path. The result is one `Option<i32>` for each leaf. A negative axis counts from the end, which only the leaf's
//! rank can resolve; that is left to the transformation.

use crate::devices::P;
use crate::tree::{Count, StructureWriter, Walker};
use crate::{Arguments, Pytree};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write};

/// Which axes of a tree are mapped: a number, `None`, a prefix of the tree's structure, or [`by_leaf`].
///
/// ```
/// # use cotangent::{Array, Axes, by_leaf};
/// fn describes<T: cotangent::Pytree>(_: impl Axes<T>) {}
/// describes::<Array>(0);
/// describes::<Vec<Array>>(-1);
/// describes::<(Array, Vec<Array>)>((0, None));
/// describes::<(Array, Vec<Array>)>((None, vec![Some(0), None]));
/// describes::<[Array; 2]>([0, 1]);
/// describes::<Vec<Array>>(by_leaf(|path| (path == "[0]").then_some(0)));
/// ```
///
/// ```compile_fail,E0277
/// # use cotangent::{Array, Axes};
/// fn describes<T: cotangent::Pytree>(_: impl Axes<T>) {}
/// describes::<(Array, Array)>((0, None, 0));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not describe the mapped axes of `{T}`",
    label = "not an axis, and not a prefix of the structure",
    note = "use an axis such as `0`, or `None`, for all of it; a tuple, array, Vec or BTreeMap with one entry per element; \
            or `by_leaf(|path| ..)`"
)]
pub trait Axes<T: Pytree>: Send + Sync {
    /// Appends one entry for each leaf of the tree.
    ///
    /// ```
    /// use cotangent::{Axes, AxisList, prelude::*};
    /// let mut list = AxisList::of_result("vmap", &0, &array(1)).unwrap();
    /// Axes::axes(&(None, 1), &(array(2), array(3)), &mut list);
    /// assert_eq!(list.axes[..], [Some(0), None, Some(1)]);
    /// ```
    fn axes(&self, tree: &T, out: &mut AxisList);
}

/// Which axes of a function's arguments are mapped: one description for all of them, or a tuple or an array with one for each.
///
/// ```
/// # use cotangent::{ArgAxes, Array};
/// fn describes<A: cotangent::Arguments>(_: impl ArgAxes<A>) {}
/// describes::<(Array, Vec<Array>)>(0);
/// describes::<(Array, Vec<Array>)>((0, None));
/// describes::<(Array, (Array, Array))>((0, (None, 1)));
/// describes::<(Array, Array)>([0, 1]);
/// ```
///
/// ```compile_fail,E0277
/// # use cotangent::{ArgAxes, Array};
/// fn describes<A: cotangent::Arguments>(_: impl ArgAxes<A>) {}
/// describes::<(Array, Array)>((0, None, 0));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not describe the mapped axes of the arguments `{Args}`",
    label = "not one axis for all, and not one entry per argument",
    note = "use an axis such as `0` for all arguments; or a tuple or array with one entry per argument: an axis, `None`, a prefix of \
            the argument's structure, or `by_leaf(|path| ..)`"
)]
pub trait ArgAxes<Args: Arguments>: Send + Sync {
    /// Appends one entry for each leaf of the arguments.
    ///
    /// ```
    /// use cotangent::{ArgAxes, AxisList, prelude::*};
    /// let mut list = AxisList::of_result("vmap", &0, &array(1)).unwrap();
    /// ArgAxes::<(Array, Array)>::axes(&[2, 3], (&array(2), &array(3)), &mut list);
    /// assert_eq!(list.axes[..], [Some(0), Some(2), Some(3)]);
    /// ```
    fn axes(&self, args: Args::Refs<'_>, out: &mut AxisList);
}

/// One axis for each leaf, as it is written.
///
/// ```
/// use cotangent::{AxisList, prelude::*};
/// let pair = (array![1, 2], array(3));
/// assert_eq!(AxisList::of_result("vmap", &(0, None), &pair).unwrap().axes[..], [Some(0), None]);
/// ```
#[derive(Clone, Debug)]
pub struct AxisList {
    /// The mapped axis of each leaf; `None` if the leaf is not mapped.
    pub axes: SmallVec<[Option<i32>; 8]>,
    /// The layout of each leaf over a mesh, where the description is one of layouts; none of the leaves behind the last has one.
    specs: Vec<Option<P>>,
    /// `in_axes` or `out_axes`, and the way to the place that is being written.
    place: String,
    /// What does not fit, the first of it.
    fault: Option<String>,
}

impl AxisList {
    /// The axes of the arguments, described by `in_axes`. The error is a message: a `Vec` or a map in `in_axes` has other entries
    /// than its counterpart.
    ///
    /// ```
    /// use cotangent::{AxisList, prelude::*};
    /// let list = AxisList::of_args::<(Array, [Array; 2])>("vmap", &(-1, [0, 1]), (&array(1), &[array(2), array(3)]));
    /// assert_eq!(list.unwrap().axes[..], [Some(-1), Some(0), Some(1)]);
    /// ```
    pub fn of_args<Args: Arguments>(
        who: &str,
        in_axes: &impl ArgAxes<Args>,
        args: Args::Refs<'_>,
    ) -> Result<AxisList, String> {
        AxisList::written(format!("{who}: in_axes"), |out| in_axes.axes(args, out))?.numbers()
    }
    /// The axes of a result, described by `out_axes`; the error as for [`AxisList::of_args`].
    ///
    /// ```
    /// use cotangent::{AxisList, prelude::*};
    /// let two = vec![array(1), array(2)];
    /// assert_eq!(AxisList::of_result("vmap", &1, &two).unwrap().axes[..], [Some(1), Some(1)]);
    /// assert!(AxisList::of_result("vmap", &vec![0], &two).unwrap_err().contains("out_axes"));
    /// ```
    pub fn of_result<T: Pytree>(who: &str, out_axes: &impl Axes<T>, result: &T) -> Result<AxisList, String> {
        AxisList::written(format!("{who}: out_axes"), |out| out_axes.axes(result, out))?.numbers()
    }
    /// The layouts of the arguments over a mesh, one for each leaf.
    pub(crate) fn specs_of_args<Args: Arguments>(
        who: &str,
        in_specs: &impl ArgAxes<Args>,
        args: Args::Refs<'_>,
    ) -> Result<Vec<P>, String> {
        AxisList::written(format!("{who}: in_specs"), |out| in_specs.axes(args, out))?.layouts()
    }
    /// The layouts of a result over a mesh, one for each leaf.
    pub(crate) fn specs_of_result<T: Pytree>(
        who: &str,
        out_specs: &impl Axes<T>,
        result: &T,
    ) -> Result<Vec<P>, String> {
        AxisList::written(format!("{who}: out_specs"), |out| out_specs.axes(result, out))?.layouts()
    }
    fn numbers(self) -> Result<AxisList, String> {
        match self.specs.iter().flatten().next() {
            None => Ok(self),
            Some(p) => {
                Err(format!("{} takes numbers and None; {p} is a layout over a mesh, for shard_map", self.place))
            }
        }
    }
    fn layouts(mut self) -> Result<Vec<P>, String> {
        self.specs.resize(self.axes.len(), None);
        let found = |(p, axis): (Option<P>, &Option<i32>)| {
            let axis = axis.map_or("None".into(), |a| a.to_string());
            p.ok_or_else(|| format!("{} takes layouts such as P(\"data\"), or P(()) for what every device has; {axis} is for vmap and pmap", self.place))
        };
        self.specs.into_iter().zip(&self.axes).map(found).collect()
    }
    fn written(place: String, write: impl FnOnce(&mut AxisList)) -> Result<AxisList, String> {
        let mut out = AxisList { axes: SmallVec::new(), specs: vec![], place, fault: None };
        write(&mut out);
        out.fault.take().map_or(Ok(out), Err)
    }
    /// One entry for each leaf that is walked.
    fn repeat<'a>(&mut self, axis: Option<i32>, walk: impl FnOnce(&mut dyn Walker<'a>)) {
        let mut count = Count::default();
        walk(&mut count);
        self.axes.extend(std::iter::repeat_n(axis, count.0))
    }
    /// One layout for each leaf that is walked.
    fn lay<'a>(&mut self, spec: &P, walk: impl FnOnce(&mut dyn Walker<'a>)) {
        self.specs.resize(self.axes.len(), None);
        self.repeat(None, walk);
        self.specs.resize(self.axes.len(), Some(spec.clone()))
    }
    /// The entries that `choose` gives for the key paths of the leaves.
    fn by_path<'a>(&mut self, choose: &dyn Fn(&str) -> Option<i32>, walk: impl FnOnce(&mut dyn Walker<'a>)) {
        let mut w = StructureWriter::default();
        walk(&mut w);
        self.axes.extend(w.finish().paths().iter().map(|path| choose(path)))
    }
    /// Writes the entries of one child.
    fn child(&mut self, key: impl Debug, write: impl FnOnce(&mut AxisList)) {
        let here = self.place.len();
        write!(self.place, "[{key:?}]").expect("a string takes all");
        write(self);
        self.place.truncate(here);
    }
    fn mismatch(&mut self, found: impl Debug, wanted: impl Debug, what: &str) {
        let place = &self.place;
        let text = || format!("{place} has {what} {found:?}, but the value there has {what} {wanted:?}");
        self.fault.get_or_insert_with(text);
    }
}

/// Axes chosen leaf by leaf: see [`by_leaf`].
///
/// ```
/// use cotangent::{AxisList, ByLeaf, prelude::*};
/// // one rule for several functions
/// fn weights() -> ByLeaf<impl Fn(&str) -> Option<i32>> { by_leaf(|path: &str| path.ends_with(".w").then_some(0)) }
/// #[derive(Pytree)]
/// struct Layer { w: Array, b: Array }
/// let list = AxisList::of_result("vmap", &weights(), &Layer { w: array(1), b: array(2) });
/// assert_eq!(list.unwrap().axes[..], [Some(0), None]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByLeaf<F>(F);

/// Axes chosen leaf by leaf, by the key path of the leaf within the described tree: `.w`, `.layers[0].b`, `['key']`. For all
/// arguments together the path begins with the number of the argument, as in `[0].w`.
///
/// ```
/// use cotangent::{AxisList, prelude::*};
/// let rows = by_leaf(|path: &str| (path != "[1]").then_some(0));
/// let list = AxisList::of_result("vmap", &rows, &[array(1), array(2), array(3)]);
/// assert_eq!(list.unwrap().axes[..], [Some(0), None, Some(0)]);
/// ```
pub fn by_leaf<F: Fn(&str) -> Option<i32> + Send + Sync>(choose: F) -> ByLeaf<F> {
    ByLeaf(choose)
}

// One description for all leaves: of a tree, and of the arguments.
macro_rules! whole {
    ($([$($g:tt)*] $ty:ty, |$this:ident| $write:ident($how:expr);)*) => { $(
        impl<T: Pytree, $($g)*> Axes<T> for $ty {
            fn axes(&self, tree: &T, out: &mut AxisList) {
                let $this = self;
                out.$write($how, |w| tree.walk(w))
            }
        }
        impl<Args: Arguments, $($g)*> ArgAxes<Args> for $ty {
            fn axes(&self, args: Args::Refs<'_>, out: &mut AxisList) {
                let $this = self;
                out.$write($how, |w| Args::walk_refs(args, w))
            }
        }
    )* };
}
whole! {
    [] i32, |axis| repeat(Some(*axis));
    [] Option<i32>, |axis| repeat(*axis);
    [] P, |spec| lay(spec);
    [F: Fn(&str) -> Option<i32> + Send + Sync] ByLeaf<F>, |this| by_path(&this.0);
}

/// A tree of which `X`, a container of descriptions, describes the children one by one.
///
/// The roles are turned around, here and in [`OneByOne`], so that no impl's header ties the structure of the description to that
/// of the tree: a wrong one would otherwise be reported as a mismatch of types in the mapped function.
pub trait Prefixed<X>: Pytree {
    /// Appends one entry for each leaf of the tree.
    fn axes(&self, by: &X, out: &mut AxisList);
}

/// Arguments of which `X`, a tuple or an array of descriptions, describes each.
pub trait OneByOne<X>: Arguments {
    /// Appends one entry for each leaf of the arguments.
    fn axes(args: Self::Refs<'_>, by: &X, out: &mut AxisList);
}

macro_rules! containers {
    ($([$($g:tt)*] $ty:ty;)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<T: Prefixed<$ty>, $($g)*> Axes<T> for $ty {
            fn axes(&self, tree: &T, out: &mut AxisList) {
                tree.axes(self, out)
            }
        }
    )* };
}
containers! {
    [X: Send + Sync, const N: usize] [X; N];
    [X: Send + Sync] Vec<X>;
    [K: Send + Sync, X: Send + Sync] BTreeMap<K, X>;
}

impl<T: Pytree, X: Axes<T>, const N: usize> Prefixed<[X; N]> for [T; N] {
    fn axes(&self, by: &[X; N], out: &mut AxisList) {
        for (i, (x, t)) in by.iter().zip(self).enumerate() {
            out.child(i, |out| x.axes(t, out))
        }
    }
}

impl<T: Pytree, X: Axes<T>> Prefixed<Vec<X>> for Vec<T> {
    fn axes(&self, by: &Vec<X>, out: &mut AxisList) {
        if by.len() != self.len() {
            out.mismatch(by.len(), self.len(), "length")
        }
        for (i, (x, t)) in by.iter().zip(self).enumerate() {
            out.child(i, |out| x.axes(t, out))
        }
    }
}

impl<K, T: Pytree, X: Axes<T>> Prefixed<BTreeMap<K, X>> for BTreeMap<K, T>
where
    BTreeMap<K, T>: Pytree,
    K: Ord + Debug,
{
    fn axes(&self, by: &BTreeMap<K, X>, out: &mut AxisList) {
        if !by.keys().eq(self.keys()) {
            out.mismatch(by.keys(), self.keys(), "keys")
        }
        for ((k, x), t) in by.iter().zip(self.values()) {
            out.child(k, |out| x.axes(t, out))
        }
    }
}

#[diagnostic::do_not_recommend]
impl<Args: OneByOne<[X; N]>, X: Send + Sync, const N: usize> ArgAxes<Args> for [X; N] {
    fn axes(&self, args: Args::Refs<'_>, out: &mut AxisList) {
        Args::axes(args, self, out)
    }
}

macro_rules! tuples {
    ($(($($T:ident $X:ident $x:ident $i:tt),*) $n:literal;)*) => { $(
        containers! { [$($X: Send + Sync),*] ($($X,)*); }
        impl<$($T: Pytree, $X: Axes<$T>),*> Prefixed<($($X,)*)> for ($($T,)*) {
            fn axes(&self, by: &($($X,)*), out: &mut AxisList) {
                <Self as OneByOne<_>>::axes(self.refs(), by, out)
            }
        }
        #[diagnostic::do_not_recommend]
        impl<Args: OneByOne<($($X,)*)>, $($X: Send + Sync),*> ArgAxes<Args> for ($($X,)*) {
            fn axes(&self, args: Args::Refs<'_>, out: &mut AxisList) {
                Args::axes(args, self, out)
            }
        }
        impl<$($T: Pytree, $X: Axes<$T>),*> OneByOne<($($X,)*)> for ($($T,)*) {
            fn axes(args: ($(&$T,)*), by: &($($X,)*), out: &mut AxisList) {
                $(out.child($i, |out| by.$i.axes(args.$i, out));)*
            }
        }
        impl<$($T: Pytree,)* X> OneByOne<[X; $n]> for ($($T,)*)
        where
            $(X: Axes<$T>,)*
        {
            fn axes(args: ($(&$T,)*), by: &[X; $n], out: &mut AxisList) {
                $(out.child($i, |out| Axes::<$T>::axes(&by[$i], args.$i, out));)*
            }
        }
    )* };
}
for_tuples! { tuples }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::testing::{leaf, panic_text};
    use crate::{Array, Pytree, Static};

    #[derive(Pytree)]
    struct Params {
        w: Array,
        layers: Vec<Array>,
    }

    #[track_caller]
    fn result<T: Pytree>(axes: impl Axes<T>, tree: T) -> Vec<Option<i32>> {
        AxisList::of_result("vmap", &axes, &tree).unwrap_or_else(|e| panic!("{e}")).axes.to_vec()
    }
    #[track_caller]
    fn args<A: Arguments>(axes: impl ArgAxes<A>, args: A) -> Vec<Option<i32>> {
        AxisList::of_args("vmap", &axes, args.refs()).unwrap_or_else(|e| panic!("{e}")).axes.to_vec()
    }
    fn params() -> Params {
        Params { w: leaf(1), layers: vec![leaf(2), leaf(3)] }
    }
    const N: Option<i32> = None;
    const Z: Option<i32> = Some(0);

    #[test]
    fn one_for_all() {
        assert_eq!(result(0, leaf(1)), [Z]);
        assert_eq!(result(-1, params()), [Some(-1); 3]);
        assert_eq!(result(None, params()), [N; 3]);
        assert_eq!(result(0, ()), []);
        assert_eq!(args(0, (leaf(1), params())), [Z; 4]);
        assert_eq!(args(None, (leaf(1),)), [N]);
        assert_eq!(args(0, ()), []);
    }

    #[test]
    fn prefixes() {
        let l = leaf;
        assert_eq!(args((0, None), (l(1), params())), [Z, N, N, N]);
        assert_eq!(args((None, Some(0), Static(1).0), (l(1), l(2), l(3))), [N, Z, Some(1)]);
        assert_eq!(args(((0, None), 2), ((l(1), vec![l(2); 2]), l(3))), [Z, N, N, Some(2)]);
        assert_eq!(args((vec![Some(0), None],), (vec![(l(1), l(2)), (l(3), l(4))],)), [Z, Z, N, N]);
        assert_eq!(args(([0, 1],), ([l(1), l(2)],)), [Z, Some(1)]);
        assert_eq!(args([0, 1], (l(1), vec![l(2); 2])), [Z, Some(1), Some(1)]);
        assert_eq!(args((0, 0), (Static(1), l(1))), [Z], "a static argument has no leaves");
        let map = BTreeMap::from([("w", vec![l(1), l(2)]), ("b", vec![l(3)])]);
        assert_eq!(result(BTreeMap::from([("w", Some(0)), ("b", None)]), map), [N, Z, Z]);
        assert_eq!(result((0, (None, 1)), (l(1), (Some(l(2)), None::<Array>))), [Z, N]);
        assert_eq!(args((0, 1, 2, 3, 4, 5, 6, N), (l(1), l(1), l(1), l(1), l(1), l(1), l(1), l(1))).len(), 8);
    }

    #[test]
    fn leaf_by_leaf() {
        let choose = by_leaf(|path| path.starts_with(".layers").then_some(1));
        assert_eq!(args((choose, 0), (params(), leaf(1))), [N, Some(1), Some(1), Z]);
        assert_eq!(result(by_leaf(|path| (path == ".w").then_some(-1)), params()), [Some(-1), N, N]);
        assert_eq!(
            args(by_leaf(|path| (path == "[1].layers[1]").then_some(3)), (leaf(1), params())),
            [N, N, N, Some(3)]
        );
    }

    #[test]
    fn mistakes_are_told() {
        let l = leaf;
        let text = panic_text(|| args((0, (None, vec![0, 1])), (l(1), (l(1), vec![l(1); 3]))));
        assert!(text.contains("vmap: in_axes[1][1] has length 2, but the value there has length 3"), "{text}");
        let map = || BTreeMap::from([("w", vec![l(1)]), ("b", vec![l(3)])]);
        let text = panic_text(|| result(BTreeMap::from([("w", 0)]), map()));
        assert!(text.contains(r#"vmap: out_axes has keys ["w"], but the value there has keys ["b", "w"]"#), "{text}");
        let text = panic_text(|| result(BTreeMap::from([("w", vec![0]), ("b", vec![])]), map()));
        assert!(text.contains(r#"vmap: out_axes["b"] has length 0, but the value there has length 1"#), "{text}");
    }
}
