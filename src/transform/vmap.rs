//! `vmap`: a function over axes of its arguments.

use super::jvp::paths;
use super::on_leaves;
use crate::array::Array;
use crate::axes::AxisList;
use crate::error::{ErrorKind, Loc, fail_at};
use crate::trace::axis;
use crate::trace::batch::{Lanes, batch_flat, to_front};
use crate::{ArgAxes, Arguments, Axes, Function, Pytree, tree};
use std::panic::Location;

/// `f` over the leading axis of every argument, the results stacked along a new leading axis.
///
/// ```
/// use cotangent::prelude::*;
/// let dots = cotangent::vmap(|x: &Array, y: &Array| (x * y).sum());
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(dots(&x, &x).to_string(), "[ 5. 25.]");
/// ```
///
/// # Panics
/// When called: if the mapped axes have different extents; the message lists them all.
#[track_caller]
pub fn vmap<'f, S, F>(f: F) -> F::With<'f, F::Out>
where
    F: Function<S, Out: Pytree> + 'f,
{
    vmap_axes(f, 0, 0)
}

/// `f` over the axes that `in_axes` names, the results stacked along `out_axes`.
///
/// `in_axes` is one axis for all arguments, or one entry for each: an axis, `None` for an argument that all lanes share, a prefix
/// of the argument's structure, or `by_leaf(|path| ..)`. Negative axes count from the end.
///
/// ```
/// use cotangent::prelude::*;
/// let f = cotangent::vmap_axes(|x: &Array, y: &Array| x + y, (0, None), 1);
/// assert_eq!(f(&array![1., 2.], &array![10., 20., 30.]).shape(), [3, 2]);
/// ```
///
/// # Panics
/// When called: if nothing is mapped, if mapped axes have different extents, if an argument has too few dimensions, if a result is
/// mapped whose `out_axes` is `None`.
#[track_caller]
pub fn vmap_axes<'f, S, F, I, O>(f: F, in_axes: I, out_axes: O) -> F::With<'f, F::Out>
where
    F: Function<S, Out: Pytree> + 'f,
    I: ArgAxes<F::Args> + 'f,
    O: Axes<F::Out> + 'f,
{
    Vmap::new().in_axes(in_axes).out_axes(out_axes).of(f)
}

/// `vmap` with JAX's rarer options.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{Vmap, lax};
/// let share = Vmap::new().axis_name("i").of(|x: &Array| x / lax::psum(x, "i"));
/// assert_eq!(share(&array![1., 3.]).to_string(), "[0.25 0.75]");
/// ```
#[derive(Clone, Debug)]
pub struct Vmap<I = i32, O = i32> {
    in_axes: I,
    out_axes: O,
    axis_name: Option<String>,
    axis_size: Option<usize>,
    select: bool,
}
impl Default for Vmap {
    fn default() -> Vmap {
        Vmap::new()
    }
}
impl Vmap {
    /// Every argument on axis 0, every result on axis 0.
    ///
    /// ```
    /// use cotangent::{Vmap, prelude::*};
    /// assert_eq!(Vmap::new().of(|x: &Array| x.max())(&array![[1., 5.], [7., 2.]]).to_string(), "[5. 7.]");
    /// ```
    pub fn new() -> Vmap {
        Vmap { in_axes: 0, out_axes: 0, axis_name: None, axis_size: None, select: false }
    }
}
impl<I, O> Vmap<I, O> {
    /// Which axes of the arguments are mapped: see [`vmap_axes`].
    ///
    /// ```
    /// use cotangent::{Vmap, prelude::*};
    /// let columns = Vmap::new().in_axes((1, None)).of(|x: &Array, y: &Array| x.dot(y));
    /// assert_eq!(columns(&array![[1., 2.], [3., 4.]], &array![1., 10.]).to_string(), "[31. 42.]");
    /// ```
    pub fn in_axes<J>(self, in_axes: J) -> Vmap<J, O> {
        let Vmap { out_axes, axis_name, axis_size, select, .. } = self;
        Vmap { in_axes, out_axes, axis_name, axis_size, select }
    }
    /// Along which axes results are stacked: see [`vmap_axes`].
    ///
    /// ```
    /// use cotangent::{Vmap, prelude::*};
    /// let f = Vmap::new().out_axes(1).of(|x: &Array| x * array![1., 10., 100.]);
    /// assert_eq!(f(&array![1., 2.]).to_string(), "[[  1.   2.]\n [ 10.  20.]\n [100. 200.]]");
    /// ```
    pub fn out_axes<P>(self, out_axes: P) -> Vmap<I, P> {
        let Vmap { in_axes, axis_name, axis_size, select, .. } = self;
        Vmap { in_axes, out_axes, axis_name, axis_size, select }
    }
    /// A name for the axis, by which collectives inside refer to it.
    ///
    /// ```
    /// use cotangent::{Vmap, lax, prelude::*};
    /// let above = Vmap::new().axis_name("batch").of(|x: &Array| x - lax::pmax(x, "batch"));
    /// assert_eq!(above(&array![1., 2., 6.]).to_string(), "[-5. -4.  0.]");
    /// ```
    pub fn axis_name(mut self, name: impl Into<String>) -> Vmap<I, O> {
        self.axis_name = Some(name.into());
        self
    }
    /// The number of lanes: needed where no argument is mapped, checked where one is.
    ///
    /// ```
    /// use cotangent::{Vmap, lax, prelude::*};
    /// let numbered = Vmap::new().in_axes(None).axis_name("i").axis_size(4);
    /// assert_eq!(numbered.of(|x: &Array| x * lax::axis_index("i"))(&array(3)).to_string(), "[0 3 6 9]");
    /// ```
    pub fn axis_size(mut self, size: usize) -> Vmap<I, O> {
        self.axis_size = Some(size);
        self
    }
    /// Do lanes that choose for themselves keep step? Without it a branch whose predicate differs from lane to lane runs for the lanes that chose it,
    /// and a loop that lanes leave at different times goes on with those that have not left. With it, as in JAX, all lanes run every branch,
    /// and all turns of the slowest, and select: more work, and derivatives may have NaN from where a lane did not want to go; but one
    /// program for any values, which devices without branches need. Where lanes communicate inside (see [`lax::psum`](crate::lax::psum))
    /// they keep step anyway.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::{Vmap, lax, vmap};
    /// let f = |x: &Array| lax::cond(&x.gt(0.), |x| x.sqrt(), |x| x * 0., x);
    /// let x = array![-1., 4.];
    /// assert_eq!(vmap(grad(f))(&x).to_string(), Vmap::new().select(true).of(grad(f))(&x).to_string());
    /// ```
    pub fn select(mut self, yes: bool) -> Vmap<I, O> {
        self.select = yes;
        self
    }
    /// The mapped function.
    ///
    /// ```
    /// use cotangent::{Vmap, prelude::*};
    /// let slopes = Vmap::new().of(grad(|x: &Array| x.powi(3)));
    /// assert_eq!(slopes(&array![1., 2., 3.]).to_string(), "[ 3. 12. 27.]");
    /// ```
    #[track_caller]
    pub fn of<'f, S, F>(self, f: F) -> F::With<'f, F::Out>
    where
        F: Function<S, Out: Pytree> + 'f,
        I: ArgAxes<F::Args> + 'f,
        O: Axes<F::Out> + 'f,
    {
        let at = Location::caller();
        F::with(move |args| {
            let lent = F::lend(&args);
            let x = F::Args::flatten(lent).leaves;
            let axes = described(AxisList::of_args::<F::Args>("vmap", &self.in_axes, lent), at).axes;
            let dims: Vec<Option<usize>> = (0..x.len())
                .map(|i| axes[i].map(|a| resolve(("vmap", at), a, &x[i], i, || paths::<F::Args>(lent))))
                .collect();
            let size = size(("vmap", at), &x, &dims, self.axis_size, || paths::<F::Args>(lent));
            let axis = self.axis_name.as_ref().map(|n| axis::fresh(n, size));
            let lanes = Lanes { size, axis, select: self.select };
            let mut out = None;
            let outs = batch_flat(&mut on_leaves(&f, lent, &mut out), lanes, &x, &dims, at, true);
            let out = out.expect("the function was called");
            let out_axes = described(AxisList::of_result("vmap", &self.out_axes, &out), at).axes;
            let _g = crate::trace::enter(crate::trace::current(), Some(at));
            let leaves: Vec<Array> = outs
                .into_iter()
                .enumerate()
                .map(|(i, o)| place(o, out_axes[i], size, i, || tree::paths(&out), at))
                .collect();
            out.rebuild(&mut leaves.into_iter())
        })
    }
}

pub(super) fn described(axes: Result<AxisList, String>, at: Loc) -> AxisList {
    axes.unwrap_or_else(|why| fail_at(at, ErrorKind::Structure, why))
}

/// The dimension of leaf `i` that `in_axes` means.
pub(super) fn resolve(
    (who, at): (&str, Loc),
    axis: i32,
    x: &Array,
    i: usize,
    paths: impl FnOnce() -> Vec<String>,
) -> usize {
    let n = x.ndim() as i32;
    let a = if axis < 0 { axis + n } else { axis };
    if a < 0 || a >= n {
        let path = &paths()[i];
        fail_at(
            at,
            ErrorKind::Shape,
            format!(
                "{who}: in_axes says axis {axis} of argument {path}, which has type {}: at least {} dimensions are needed",
                x.aval(),
                if axis < 0 { -axis } else { axis + 1 }
            ),
        )
    }
    a as usize
}

/// The extent that all mapped axes have.
pub(super) fn size(
    (who, at): (&str, Loc),
    x: &[Array],
    dims: &[Option<usize>],
    given: Option<usize>,
    paths: impl FnOnce() -> Vec<String>,
) -> usize {
    let sizes: Vec<(usize, usize)> =
        dims.iter().enumerate().filter_map(|(i, d)| d.map(|d| (i, x[i].shape()[d]))).collect();
    let first = given.or(sizes.first().map(|s| s.1));
    let Some(size) = first else {
        fail_at(
            at,
            ErrorKind::Axis,
            format!("{who}: no argument is mapped; map one, or say how many lanes there are with axis_size"),
        )
    };
    if sizes.iter().any(|s| s.1 != size) {
        let paths = paths();
        let mut text = format!("{who}: the mapped axes have different extents:");
        if let Some(n) = given {
            text.push_str(&format!("\n  axis_size is {n}"))
        }
        for (i, n) in sizes {
            text.push_str(&format!(
                "\n  axis {} of argument {}, which has type {}, has extent {n}",
                dims[i].expect("a mapped axis"),
                paths[i],
                x[i].aval()
            ))
        }
        fail_at(at, ErrorKind::Shape, text)
    }
    size
}

/// A result with its lanes where `out_axes` wants them.
fn place(
    (y, dim): (Array, Option<usize>),
    axis: Option<i32>,
    size: usize,
    i: usize,
    paths: impl FnOnce() -> Vec<String>,
    at: Loc,
) -> Array {
    let Some(axis) = axis else {
        if dim.is_some() {
            let path = &paths()[i];
            fail_at(
                at,
                ErrorKind::Axis,
                format!(
                    "vmap: out_axes says None for result {path}, but it differs from lane to lane; give it an axis"
                ),
            )
        }
        return y;
    };
    let to = stacked(("vmap", at), axis, y.ndim() + dim.is_none() as usize, i, paths);
    match dim {
        Some(d) => crate::prim::move_axis(&y, d, to),
        None => crate::prim::move_axis(&to_front(&y, None, size), 0, to),
    }
}
/// The dimension of result `i`, which has so many with its lanes, that `out_axes` means.
pub(super) fn stacked(
    (who, at): (&str, Loc),
    axis: i32,
    rank: usize,
    i: usize,
    paths: impl FnOnce() -> Vec<String>,
) -> usize {
    let to = if axis < 0 { axis + rank as i32 } else { axis };
    if to < 0 || to >= rank as i32 {
        let path = &paths()[i];
        fail_at(
            at,
            ErrorKind::Shape,
            format!("{who}: out_axes says axis {axis} for result {path}, which has {rank} dimensions with its lanes"),
        )
    }
    to as usize
}
