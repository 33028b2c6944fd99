//! `x.i(index)` and `x.at(index)`: what is read and written, and what happens outside.

use super::items::{Indexer, Items};
use super::plan::{Entry, Parsed, gather_mode};
use crate::array::{Array, Operand};
use crate::aval::tuple;
use crate::error::{ErrorKind, fail};
use crate::np::dims::here;
use crate::np::{self, broadcast_to};
use crate::prim::{self, FillValue, GatherOptions, ScatterDimensionNumbers, ScatterOptions};

/// What an index outside of its dimension means.
///
/// ```
/// use cotangent::{np::Mode, prelude::*};
/// let x = array![1., 2., 3.];
/// let read = |mode: Mode| x.at([1, 4]).mode(mode).get().to_string();
/// assert_eq!(read(Mode::Clip), "[2. 3.]");
/// assert_eq!(read(Mode::Wrap), "[2. 2.]");
/// assert_eq!(read(Mode::Fill), "[ 2. nan]");
/// assert_eq!(x.at([1, 4]).mode(Mode::Drop).add(10.).to_string(), "[ 1. 12.  3.]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The nearest one inside.
    Clip,
    /// Its write is dropped. A read gives the fill value.
    Drop,
    /// A read gives the fill value. Its write is dropped.
    Fill,
    /// There is none: nothing is checked. If there is one all the same, it reads the nearest element, and its write is dropped.
    PromiseInBounds,
    /// The one that is as much further, starting again at the other end.
    Wrap,
}

impl Array {
    /// What `index` names, as `x[index]` in Python: see [`Indexer`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = array![[1., 2.], [3., 4.], [5., 6.]];
    /// assert_eq!(x.i((1..3, -1)).to_string(), "[4. 6.]");
    /// assert_eq!(x.i([2, 0]).to_string(), "[[5. 6.]\n [1. 2.]]");
    /// let e = catch(|| x.i(3)).unwrap_err();
    /// assert!(e.message().contains("index 3 is out of bounds for axis 0 of an array of shape (3, 2)"));
    /// ```
    ///
    /// # Panics
    /// If the index names more dimensions than there are, if index arrays do not broadcast or hold no integers, if a mask has another shape than its dimensions or is abstract,
    /// or if an index that is known lies outside.
    #[track_caller]
    pub fn i(&self, index: impl Indexer) -> Array {
        self.at_named("i", index).get()
    }
    /// The place that `index` names, to be read or written with options; a write gives a new array. As `x.at[index]` in JAX.
    ///
    /// ```
    /// use cotangent::{np::Mode, prelude::*};
    /// let x = array![1., 2., 3.];
    /// assert_eq!(x.at(0).set(9.).to_string(), "[9. 2. 3.]");
    /// // where an index repeats, everything is added
    /// assert_eq!(x.at([1, 1]).add(array![10., 20.]).to_string(), "[ 1. 32.  3.]");
    /// assert_eq!(x.at([0, 7]).mode(Mode::Fill).fill_value(-1.).get().to_string(), "[ 1. -1.]");
    /// ```
    pub fn at(&self, index: impl Indexer) -> At {
        self.at_named("at", index)
    }
    /// As [`at`](Array::at) of an array that is given up: what is written is written into its memory, if nobody else has a handle to it and nothing is traced. (By positions only
    /// from 256 KiB on: smaller arrays are faster copied.)
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = array![1., 2., 3.];
    /// assert_eq!(x.into_at(1..).set(array![7., 8.]).to_string(), "[1. 7. 8.]");
    /// let large = array(vec![0f32; 100_000]);
    /// let there = large.with_slice(|x: &[f32]| x.as_ptr());
    /// let large = large.into_at([7, 7]).add(1.);
    /// assert_eq!(large.with_slice(|x: &[f32]| (x.as_ptr() == there, x[7])), (true, 2.));
    /// ```
    pub fn into_at(self, index: impl Indexer) -> At {
        let mut items = Items::new();
        index.items(&mut items);
        At { x: self, items, name: "at", mode: None, fill: None, sorted: false, unique: false }
    }
    fn at_named(&self, name: &'static str, index: impl Indexer) -> At {
        At { name, ..self.clone().into_at(index) }
    }
}

/// A place in an array: see [`Array::at`].
///
/// Values that are written broadcast to the place, are combined with what is there in the type in which both meet, and are converted to the array's type.
///
/// ```
/// use cotangent::{np::Mode, prelude::*};
/// let x = array![[1, 2], [3, 4]];
/// let column = x.at((.., 1));
/// assert_eq!(column.get().to_string(), "[2 4]");
/// assert_eq!(column.set(0).to_string(), "[[1 0]\n [3 0]]");
/// ```
#[derive(Clone, Debug)]
#[must_use = "a place in an array does nothing by itself"]
pub struct At {
    x: Array,
    items: Items,
    name: &'static str,
    mode: Option<Mode>,
    fill: Option<FillValue>,
    sorted: bool,
    unique: bool,
}

/// How a written value meets what is there.
struct Write {
    name: &'static str,
    scatter: fn(&Array, &Array, &Array, &ScatterDimensionNumbers, &ScatterOptions) -> Array,
    /// The same of a box; `None` writes over it.
    combine: Option<fn(&Array, &Array) -> Array>,
}

macro_rules! writes { ($($(#[$doc:meta])* $name:ident $scatter:ident $combine:expr;)*) => { $(
    $(#[$doc])*
    ///
    /// # Panics
    /// As [`Array::i`] does, and if the values do not broadcast to the place.
    #[track_caller]
    #[allow(clippy::should_implement_trait, reason = "the operation at a place, by the name that it has in JAX")]
    pub fn $name(self, values: impl Operand) -> Array {
        let values = self.value(values);
        self.write(&values, &Write { name: concat!("at.", stringify!($name)), scatter: prim::$scatter, combine: $combine })
    }
)* } }

impl At {
    /// What an index outside means, of known ones too.
    ///
    /// ```
    /// use cotangent::{np::Mode, prelude::*};
    /// assert_eq!(array![1, 2, 3].at(5).mode(Mode::Clip).set(9).to_string(), "[1 2 9]");
    /// ```
    pub fn mode(mut self, mode: Mode) -> At {
        self.mode = Some(mode);
        self
    }
    /// What a read outside gives with [`Mode::Fill`], which this implies if no mode is given. Otherwise it is NaN, the least signed or the greatest unsigned integer, true.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1, 2, 3].at([0, 3]).fill_value(-7).get().to_string(), "[ 1 -7]");
    /// ```
    pub fn fill_value(mut self, value: impl Into<FillValue>) -> At {
        self.fill = Some(value.into());
        self.mode.get_or_insert(Mode::Fill);
        self
    }
    /// A promise that the indices ascend.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let y = array![1, 2, 3].at([0, 2]).indices_are_sorted().set(array![8, 9]);
    /// assert_eq!(y.to_string(), "[8 2 9]");
    /// ```
    pub fn indices_are_sorted(mut self) -> At {
        self.sorted = true;
        self
    }
    /// A promise that no element is named twice. [`mul`](At::mul) and [`div`](At::div) by index arrays have derivatives with respect to the values only with it.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// // the derivative with respect to the factors
    /// let f = |v: &Array| array![5., 2., 3.].at([2, 0]).unique_indices().mul(v).sum();
    /// assert_eq!(grad(f)(&array![1., 1.]).to_string(), "[3. 5.]");
    /// ```
    pub fn unique_indices(mut self) -> At {
        self.unique = true;
        self
    }
    fn options(&self) -> GatherOptions {
        GatherOptions {
            mode: gather_mode(self.mode),
            fill_value: self.fill,
            unique_indices: self.unique,
            indices_are_sorted: self.sorted,
        }
    }
    fn value(&self, v: impl Operand) -> Array {
        v.beside(&self.x)
    }

    /// What is there.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[1, 2], [3, 4]].at((1, ..)).get().to_string(), "[3 4]");
    /// ```
    ///
    /// # Panics
    /// As [`Array::i`] does.
    #[track_caller]
    pub fn get(&self) -> Array {
        let _line = here();
        let x = &self.x;
        let p = Parsed::new(self.name, x.shape(), &self.items, self.mode);
        if p.is_static() {
            return p.shown(&boxed(x, &p));
        }
        let clips = matches!(self.mode, None | Some(Mode::Clip | Mode::PromiseInBounds | Mode::Wrap));
        if clips && p.is_box() {
            let sizes: Vec<usize> = p.stretches().iter().map(|s| s.len).collect();
            return p.shown(&prim::dynamic_slice(x, &p.starts().iter().collect::<Vec<_>>(), &sizes));
        }
        p.plan().get(x, &self.options())
    }
    writes! {
        /// The array with `values` there. Where an index repeats, the last one stays.
        ///
        /// ```
        /// use cotangent::prelude::*;
        /// assert_eq!(array![1, 2, 3].at([0, 0, 1]).set(array![7, 8, 9]).to_string(), "[8 9 3]");
        /// ```
        set scatter None;
        /// The array with `values` added there.
        ///
        /// ```
        /// use cotangent::prelude::*;
        /// assert_eq!(array![1, 2, 3].at([0, 0, 1]).add(array![10, 20, 30]).to_string(), "[31 32  3]");
        /// ```
        add scatter_add Some(np::add);
        /// The array with `values` subtracted there.
        ///
        /// ```
        /// use cotangent::prelude::*;
        /// assert_eq!(array![1, 2, 3].at(1..).sub(5).to_string(), "[ 1 -3 -2]");
        /// ```
        sub scatter_sub Some(np::subtract);
        /// The array multiplied by `values` there.
        ///
        /// ```
        /// use cotangent::prelude::*;
        /// assert_eq!(array![1, 2, 3].at([2, 2]).mul(10).to_string(), "[  1   2 300]");
        /// ```
        mul scatter_mul Some(np::multiply);
        /// The array with the lesser of what is there and `values`.
        ///
        /// ```
        /// use cotangent::prelude::*;
        /// assert_eq!(array![1, 5, 3].at(..).min(array![2, 2, 9]).to_string(), "[1 2 3]");
        /// ```
        min scatter_min Some(np::minimum);
        /// The array with the greater of what is there and `values`.
        ///
        /// ```
        /// use cotangent::prelude::*;
        /// assert_eq!(array![1, 5, 3].at(..).max(array![2, 2, 9]).to_string(), "[2 5 9]");
        /// ```
        max scatter_max Some(np::maximum);
    }
    /// The array divided by `values` there.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1., 8., 3.].at([1, 1]).div(2.).to_string(), "[1. 2. 3.]");
    /// ```
    ///
    /// # Panics
    /// As [`Array::i`] does, and if the values do not broadcast to the place.
    #[track_caller]
    #[allow(clippy::should_implement_trait, reason = "the operation at a place, by the name that it has in JAX")]
    pub fn div(self, values: impl Operand) -> Array {
        self.by_factors(values, np::divide)
    }
    /// The array to the power of `values` there.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![1., 3., 5.].at([1, -1]).pow(2.).to_string(), "[ 1.  9. 25.]");
    /// ```
    ///
    /// # Panics
    /// As [`Array::i`] does, and if the values do not broadcast to the place.
    #[track_caller]
    pub fn pow(self, values: impl Operand) -> Array {
        self.by_factors(values, np::power)
    }
    /// What repeated values do together is the product of them, beside everything else a 1.
    #[track_caller]
    fn by_factors(self, values: impl Operand, f: fn(&Array, &Array) -> Array) -> Array {
        let _line = here();
        let x = self.x.clone();
        let v = self.value(values);
        let ones = prim::full_of(x.aval(), 1.0);
        f(&x, &At { x: ones, ..self }.mul(&v))
    }
    /// The array with a function of elements applied there: as often to an element as the index names it.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = array![1., 4., 9.];
    /// assert_eq!(x.at(1..).apply(|x| x.sqrt()).to_string(), "[1. 2. 3.]");
    /// assert_eq!(x.at([0, 0]).apply(|x| x + 1.).to_string(), "[3. 4. 9.]");
    /// ```
    ///
    /// # Panics
    /// As [`Array::i`] does; if the function changes the shape; and if abstract indices without the promise [`unique_indices`](At::unique_indices) may name one element more than 256 times, because each time is
    /// written out.
    #[track_caller]
    pub fn apply(self, f: impl Fn(&Array) -> Array) -> Array {
        self.applied(&f)
    }
    #[track_caller]
    fn applied(self, f: &dyn Fn(&Array) -> Array) -> Array {
        let x = self.x.clone();
        let p = Parsed::new("at.apply", x.shape(), &self.items, self.mode);
        if p.is_static() || self.unique || p.is_box() {
            let there = At { mode: self.mode.or(Some(Mode::Fill)), ..self.clone() }.get();
            return self.set(elementwise(f(&there), &there, &x));
        }
        // how often each element is named
        let zeros = prim::zeros_of(&x.aval().with_dtype(crate::DType::Int32));
        let times = At { x: zeros, ..self.clone() }.add(1);
        let most = match np::index::integers(&times) {
            Some(times) => times.into_iter().max().unwrap_or(0),
            None => {
                p.entries.iter().map(|e| if let Entry::Array(a) = e { a.size() } else { 1 }).product::<usize>() as i64
            }
        };
        if most > 256 {
            fail(
                ErrorKind::Unsupported,
                format!(
                    "at.apply: {most} indices that may be one; promise unique_indices, or apply the function to x.i(index)"
                ),
            )
        }
        let mut y = x.clone();
        for k in 0..most {
            let next = elementwise(f(&y), &y, &x);
            y = prim::select_n(&prim::gt(&times, &prim::lit(&times, k as f64)), &[&y, &next])
        }
        y
    }

    #[track_caller]
    fn write(self, v: &Array, w: &Write) -> Array {
        let _line = here();
        let (dtype, weak) = (self.x.dtype(), self.x.weak_type());
        let shape = self.x.shape().to_vec();
        let p = Parsed::new(w.name, &shape, &self.items, self.mode);
        let same = v.dtype() == dtype;
        let (wide, v) = if same || dtype == crate::DType::Key {
            (None, v.clone())
        } else {
            // both in their common type, whatever their shapes
            let t = crate::dtype::promote((dtype, weak), (v.dtype(), v.weak_type())).0;
            let to = |x: &Array| prim::convert_element_type(x, t, false);
            ((t != dtype).then(|| to(&self.x)), to(v))
        };
        let back = |y: Array| prim::convert_element_type(&y, dtype, weak);
        if p.is_static() && p.is_box() {
            return match wide {
                None => back(write_box(self.x, &p, &v, w)),
                Some(x) => back(write_box(x, &p, &v, w)),
            };
        }
        let x = wide.unwrap_or(self.x);
        let plan = p.plan();
        fits(w.name, &v, &plan.shape);
        let Some(indices) = plan.indices.as_ref().filter(|_| !plan.shape.contains(&0)) else {
            // a truth value alone names everything, or nothing
            if plan.shape.contains(&0) {
                return back(x);
            }
            let v = broadcast_to(&v, &plan.shape).reshape(&shape);
            return back(w.combine.map_or(v.clone(), |f| f(&x, &v)));
        };
        let dims = ScatterDimensionNumbers {
            update_window_dims: plan.dims.offset_dims.clone(),
            inserted_window_dims: plan.dims.collapsed_slice_dims.clone(),
            scatter_dims_to_operand_dims: plan.dims.start_index_map.clone(),
            ..Default::default()
        };
        let options = ScatterOptions {
            mode: gather_mode(self.mode),
            unique_indices: self.unique || plan.unique,
            indices_are_sorted: self.sorted || plan.unique,
        };
        let (seen, updates) = (plan.seen(&x), plan.updates(&v));
        drop((x, v));
        let y = crate::trace::eval::giving(seen, |x| (w.scatter)(x, indices, &updates, &dims, &options));
        back(prim::squeeze(&y, &plan.flags))
    }
}

/// What a function makes of elements, in the type of the array that they are from.
#[track_caller]
fn elementwise(y: Array, of: &Array, x: &Array) -> Array {
    if y.shape() != of.shape() {
        fail(
            ErrorKind::Shape,
            format!("at.apply: the function makes {} of {}; it has to go element by element", y.aval(), of.aval()),
        )
    }
    prim::convert_element_type(&y, x.dtype(), x.weak_type())
}
/// A box with steps.
#[track_caller]
fn boxed(x: &Array, p: &Parsed) -> Array {
    let all = p.stretches();
    let of = |f: fn(&super::items::Stretch) -> usize| all.iter().map(f).collect::<Vec<_>>();
    let steps = of(|s| s.step);
    prim::slice(x, &of(|s| s.low), &of(|s| s.limit()), steps.iter().any(|s| *s != 1).then_some(&steps[..]))
}
/// Writes one box of neighbors whose place is known: into the memory of `x` if it is the only handle.
#[track_caller]
fn write_box(mut x: Array, p: &Parsed, v: &Array, w: &Write) -> Array {
    let (reversed, gone, new) = p.dims();
    let all = p.stretches();
    let sizes: Vec<usize> = all.iter().map(|s| s.len).collect();
    let shown = (0..sizes.len()).filter(|d| !gone.contains(d)).map(|d| sizes[d]);
    let mut shape: Vec<usize> = shown.collect();
    for d in &new {
        shape.insert(*d, 1)
    }
    fits(w.name, v, &shape);
    if sizes.contains(&0) {
        return x;
    }
    let v = prim::squeeze(&broadcast_to(v, &shape), &new);
    let v = prim::rev(&if gone.is_empty() { v } else { prim::expand_dims(&v, &gone) }, &reversed);
    let v = w.combine.map_or(v.clone(), |f| f(&boxed(&x, p), &v));
    if sizes == x.shape() {
        return v;
    }
    let starts: Vec<usize> = all.iter().map(|s| s.low).collect();
    if crate::trace::evaluating() && !v.is_tracer() && x.write_box(&v, &starts) {
        return x;
    }
    prim::dynamic_update_slice(&x, &v, &p.starts().iter().collect::<Vec<_>>())
}
#[track_caller]
fn fits(name: &str, v: &Array, shape: &[usize]) {
    if v.ndim() > shape.len() || crate::array::broadcast_shapes(&[v.shape(), shape]).as_deref() != Some(shape) {
        fail(
            ErrorKind::Shape,
            format!(
                "{name}: values of shape {} do not broadcast to the place, of shape {}",
                tuple(v.shape()),
                tuple(shape)
            ),
        )
    }
}
