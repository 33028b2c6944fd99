//! Boxes written over an array, or combined with what is there, at many computed positions at once: the mirror image of gather.
//!
//! Updates take effect in row-major order of the update array, so where boxes overlap the last one written stays.

use super::gather::{self, Numbers, further, numbers, truth, with_lanes};
use super::lower::Num;
use super::testing::{components, in_types, undifferentiated};
use super::*;
use crate::aval::Shape;
use crate::dtype::DType;
use crate::error::ErrorKind;
use crate::trace::batch::batch_jaxpr;
use crate::trace::bind1;
use crate::trace::stage::stage_rule;
use cotangent_cpu::{Bounds, Dims, Dt, Kind, Op, Put, ScatterSpec, Use, ValId};
use std::fmt;
use std::sync::Mutex;

/// How the dimensions of array, indices and updates of a scatter belong together.
///
/// ```
/// use cotangent::{prelude::*, prim::{ScatterDimensionNumbers, scatter}};
/// // an index vector has the row and the column of one element
/// let each = ScatterDimensionNumbers::new(&[], &[0, 1], &[0, 1]);
/// let y = scatter(&array![[1, 2], [3, 4]], &array![[0, 1], [1, 0]], &array![8, 9], &each, &Default::default());
/// assert_eq!(y.to_string(), "[[1 8]\n [9 4]]");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct ScatterDimensionNumbers {
    /// The dimensions of the updates that run inside a box, ascending. The others run over the boxes.
    pub update_window_dims: Shape,
    /// The dimensions of the array in which a box has extent 1 and the updates no dimension, ascending.
    pub inserted_window_dims: Shape,
    /// For each component of an index vector: the dimension of the array in which it counts.
    pub scatter_dims_to_operand_dims: Shape,
    /// The dimensions of the array that go along with `scatter_indices_batching_dims`, ascending.
    pub operand_batching_dims: Shape,
    /// The dimensions of the indices that go along with `operand_batching_dims`.
    pub scatter_indices_batching_dims: Shape,
}
impl ScatterDimensionNumbers {
    /// Without batching dimensions.
    ///
    /// ```
    /// use cotangent::{prelude::*, prim::{ScatterDimensionNumbers, scatter}};
    /// let rows = ScatterDimensionNumbers::new(&[1], &[0], &[0]);
    /// let y = scatter(&array![[1, 2], [3, 4]], &array![[1]], &array![[8, 9]], &rows, &Default::default());
    /// assert_eq!(y.to_string(), "[[1 2]\n [8 9]]");
    /// ```
    pub fn new(
        update_window_dims: &[usize],
        inserted_window_dims: &[usize],
        scatter_dims_to_operand_dims: &[usize],
    ) -> Self {
        ScatterDimensionNumbers {
            update_window_dims: update_window_dims.into(),
            inserted_window_dims: inserted_window_dims.into(),
            scatter_dims_to_operand_dims: scatter_dims_to_operand_dims.into(),
            ..Default::default()
        }
    }
    /// With these batching dimensions.
    ///
    /// ```
    /// use cotangent::{prelude::*, prim::{ScatterDimensionNumbers, scatter}};
    /// // in each row the element that its own index says
    /// let each = ScatterDimensionNumbers::new(&[], &[1], &[1]).batching(&[0], &[0]);
    /// let y = scatter(&array![[1, 2], [3, 4]], &array![[1], [0]], &array![8, 9], &each, &Default::default());
    /// assert_eq!(y.to_string(), "[[1 8]\n [9 4]]");
    /// ```
    pub fn batching(mut self, operand: &[usize], scatter_indices: &[usize]) -> Self {
        self.operand_batching_dims = operand.into();
        self.scatter_indices_batching_dims = scatter_indices.into();
        self
    }
    /// Those of the scatter that puts back what this gather takes.
    pub(super) fn inverse(g: &GatherDimensionNumbers) -> Self {
        ScatterDimensionNumbers {
            update_window_dims: g.offset_dims.clone(),
            inserted_window_dims: g.collapsed_slice_dims.clone(),
            scatter_dims_to_operand_dims: g.start_index_map.clone(),
            operand_batching_dims: g.operand_batching_dims.clone(),
            scatter_indices_batching_dims: g.start_indices_batching_dims.clone(),
        }
    }
    /// Those of the gather that takes back what this scatter puts.
    fn to_gather(&self) -> GatherDimensionNumbers {
        GatherDimensionNumbers {
            offset_dims: self.update_window_dims.clone(),
            collapsed_slice_dims: self.inserted_window_dims.clone(),
            start_index_map: self.scatter_dims_to_operand_dims.clone(),
            operand_batching_dims: self.operand_batching_dims.clone(),
            start_indices_batching_dims: self.scatter_indices_batching_dims.clone(),
        }
    }
    fn named(&self) -> Numbers<'_> {
        Numbers {
            window: ("update_window_dims", &self.update_window_dims),
            removed: ("inserted_window_dims", &self.inserted_window_dims),
            map: ("scatter_dims_to_operand_dims", &self.scatter_dims_to_operand_dims),
            batching: ("operand_batching_dims", &self.operand_batching_dims),
            indices_batching: ("scatter_indices_batching_dims", &self.scatter_indices_batching_dims),
        }
    }
    /// The extents of a box, in terms of the array.
    fn box_sizes(&self, rank: usize, updates: &[usize]) -> Shape {
        let mut sizes = Shape::from_elem(1, rank);
        for (d, w) in self.named().kept(rank).zip(&self.update_window_dims) {
            sizes[d] = updates.get(*w).copied().unwrap_or(1)
        }
        sizes
    }
}
impl fmt::Display for ScatterDimensionNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScatterDimensionNumbers({})", self.named())
    }
}

/// What a scatter may be told besides its dimension numbers. The default is JAX's.
///
/// ```
/// use cotangent::{prelude::*, prim::{GatherScatterMode, ScatterDimensionNumbers, ScatterOptions, scatter}};
/// let each = ScatterDimensionNumbers::new(&[], &[0], &[0]);
/// let clip = ScatterOptions { mode: GatherScatterMode::Clip, ..Default::default() };
/// let put = |o: &ScatterOptions| scatter(&array![1, 2], &array![[7]], &array![9], &each, o).to_string();
/// assert_eq!((put(&clip), put(&Default::default())), ("[1 9]".into(), "[1 2]".into()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ScatterOptions {
    /// What happens to a box that is not inside the array.
    pub mode: GatherScatterMode,
    /// A promise that no two boxes overlap.
    pub unique_indices: bool,
    /// A promise that the index vectors ascend.
    pub indices_are_sorted: bool,
}
impl Default for ScatterOptions {
    fn default() -> Self {
        ScatterOptions { mode: GatherScatterMode::FillOrDrop, unique_indices: false, indices_are_sorted: false }
    }
}

/// See [`scatter`], [`scatter_add`], [`scatter_sub`], [`scatter_mul`], [`scatter_min`] and [`scatter_max`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*};
/// let program = make_jaxpr(|x: &Array| x.at(array![1, 1]).add(5.0), (&array![1., 2.],));
/// assert!(program.to_string().contains("scatter-add["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scatter {
    put: Put,
    dims: ScatterDimensionNumbers,
    options: ScatterOptions,
    /// The array's element type. A jaxpr prints the combination of two such elements.
    dtype: DType,
}

macro_rules! family { ($($(#[$doc:meta])* $name:ident $Put:ident $jax:literal $combine:expr;)*) => {
    $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(
            x: &Array,
            indices: &Array,
            updates: &Array,
            dims: &ScatterDimensionNumbers,
            options: &ScatterOptions,
        ) -> Array {
            bind1(&Scatter::new(Put::$Put, dims, options, x.dtype()), &[x, indices, updates])
        }
    )*
    /// JAX's name, and how two elements are combined: by which operation, which a jaxpr shows.
    fn facts(put: Put) -> (&'static str, Option<fn(&Array, &Array) -> Array>) {
        match put { $(Put::$Put => ($jax, $combine)),* }
    }
    pub(super) const READ: &[Read] = &[$(($jax, |p, x| Ok(one(read(p, x, Put::$Put)?)))),*];
} }
family! {
    /// `x` with the boxes `updates` written over it at the positions `indices`. Of boxes that overlap the last one stays.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::prim::{ScatterDimensionNumbers, scatter};
    /// let each = ScatterDimensionNumbers::new(&[], &[0], &[0]);
    /// let y = scatter(&array![1., 2., 3.], &array![[2], [0]], &array![8., 9.], &each, &Default::default());
    /// assert_eq!(y.to_vec::<f32>(), [9., 2., 8.]);
    /// ```
    scatter Set "scatter" None;
    /// `x` with the boxes `updates` added to it at the positions `indices`.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::prim::{ScatterDimensionNumbers, scatter_add};
    /// let each = ScatterDimensionNumbers::new(&[], &[0], &[0]);
    /// let y = scatter_add(&array![1, 2, 3], &array![[2], [2]], &array![10, 20], &each, &Default::default());
    /// assert_eq!(y.to_string(), "[ 1  2 33]");
    /// ```
    scatter_add Add "scatter-add" Some(add);
    /// `x` with the boxes `updates` subtracted from it at the positions `indices`.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::prim::{ScatterDimensionNumbers, scatter_sub};
    /// let each = ScatterDimensionNumbers::new(&[], &[0], &[0]);
    /// let y = scatter_sub(&array![1, 2, 3], &array![[0], [2]], &array![10, 20], &each, &Default::default());
    /// assert_eq!(y.to_string(), "[ -9   2 -17]");
    /// ```
    scatter_sub Sub "scatter-sub" Some(sub);
    /// `x` with the boxes at the positions `indices` multiplied by `updates`. Differentiable with respect to the updates if
    /// `unique_indices` is promised.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::prim::{ScatterDimensionNumbers, scatter_mul};
    /// let each = ScatterDimensionNumbers::new(&[], &[0], &[0]);
    /// let y = scatter_mul(&array![1, 2, 3], &array![[1], [2]], &array![10, 20], &each, &Default::default());
    /// assert_eq!(y.to_string(), "[ 1 20 60]");
    /// ```
    scatter_mul Mul "scatter-mul" Some(mul);
    /// `x` with the lesser of what is there and `updates` at the positions `indices`. Equal ones share the derivative.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::prim::{ScatterDimensionNumbers, scatter_min};
    /// let each = ScatterDimensionNumbers::new(&[], &[0], &[0]);
    /// let y = scatter_min(&array![1, 8, 9], &array![[1], [2]], &array![5, 20], &each, &Default::default());
    /// assert_eq!(y.to_string(), "[1 5 9]");
    /// ```
    scatter_min Min "scatter-min" Some(min);
    /// `x` with the greater of what is there and `updates` at the positions `indices`. Equal ones share the derivative.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::prim::{ScatterDimensionNumbers, scatter_max};
    /// let each = ScatterDimensionNumbers::new(&[], &[0], &[0]);
    /// let y = scatter_max(&array![1, 8, 9], &array![[1], [2]], &array![5, 20], &each, &Default::default());
    /// assert_eq!(y.to_string(), "[ 1  8 20]");
    /// ```
    scatter_max Max "scatter-max" Some(max);
}

impl Scatter {
    pub(super) fn new(put: Put, dims: &ScatterDimensionNumbers, options: &ScatterOptions, dtype: DType) -> Scatter {
        Scatter { put, dims: dims.clone(), options: *options, dtype }
    }
    /// The same with another combination.
    fn by(&self, put: Put, x: &Array, indices: &Array, updates: &Array) -> Array {
        bind1(&Scatter { put, dtype: x.dtype(), ..self.clone() }, &[x, indices, updates])
    }
    /// What the array `x` has where updates of this type go; 0 for an update that is dropped.
    fn take(&self, x: &Array, indices: &Array, updates: &Aval) -> Array {
        let sizes = self.dims.box_sizes(x.ndim(), &updates.shape);
        // along an empty dimension every update is dropped, and there is nothing to take
        if x.shape().contains(&0) {
            return zeros_of(&updates.with_dtype(x.dtype()));
        }
        let o = &self.options;
        let options = GatherOptions {
            mode: o.mode,
            fill_value: Some(FillValue::Int(0)),
            unique_indices: o.unique_indices,
            indices_are_sorted: o.indices_are_sorted,
        };
        gather(x, indices, &self.dims.to_gather(), &sizes, &options)
    }
    /// Which elements of the updates are still there when all have been written: numbers are written in their place, and read
    /// back.
    fn last(&self, x: &Aval, indices: &Array, updates: &Aval) -> Array {
        let shape = &updates.shape;
        let window = |d: &usize| self.dims.update_window_dims.contains(d);
        let boxes: Shape = (0..shape.len()).map(|d| if window(&d) { 1 } else { shape[d] }).collect();
        let n: usize = boxes.iter().product();
        let number = if u32::try_from(n).is_ok_and(|n| n < u32::MAX) { DType::Uint32 } else { DType::Uint64 };
        let counted = iota(number, &[n], 0);
        let counted = reshape(&add(&counted, &lit(&counted, 1.0)), &boxes);
        let counted = broadcast_in_dim(&counted, shape, &(0..shape.len()).collect::<Vec<_>>());
        let written = self.by(Put::Set, &zeros_of(&x.with_dtype(number)), indices, &counted);
        eq(&counted, &self.take(&written, indices, updates))
    }
    /// The program that combines two elements. Scatters of one kind share it, so that it prints once.
    fn combination(&self) -> Option<Arc<Jaxpr>> {
        type Made = Vec<((&'static str, DType), Arc<Jaxpr>)>;
        static MADE: Mutex<Made> = Mutex::new(vec![]);
        let (name, combine) = facts(self.put);
        let (key, combine) = ((name, self.dtype), combine?);
        let lock = || MADE.lock().unwrap_or_else(|e| e.into_inner());
        let find = |made: &Made| made.iter().find(|(k, _)| *k == key).map(|(_, j)| j.clone());
        if let Some(j) = find(&lock()) {
            return Some(j);
        }
        let scalar = Aval::new(self.dtype, &[]);
        let j = stage_rule(&[scalar.clone(), scalar], |x| vec![combine(&x[0], &x[1])]);
        let mut made = lock();
        Some(find(&made).unwrap_or_else(|| {
            made.push((key, j.clone()));
            j
        }))
    }
    /// So many boxes may cover one element.
    fn most_boxes(&self, indices: &[usize]) -> usize {
        let counts = 0..indices.len().saturating_sub(1);
        let n = counts.filter(|d| !self.dims.scatter_indices_batching_dims.contains(d)).map(|d| indices[d]).product();
        if self.options.unique_indices { 1.min(n) } else { n }
    }
    /// The tangent of an extreme: of all that contend for a place, those that equal the result share the derivative.
    fn extreme(&self, x: &[&Array], dx: &[Option<&Array>], y: &Array) -> Array {
        let (x, indices, u) = (x[0], x[1], x[2]);
        let masked = |mask: &Array, d: &Array| select_n(mask, &[&zeros_of(d.aval()), d]);
        // what is NaN from the start stays as it is
        let kept = or(&eq(x, y), &ne(x, x));
        let won = eq(u, &self.take(y, indices, u.aval()));
        let ones = |like: &Array| full_of(like.aval(), 1.0);
        let sharing = self.by(Put::Add, &masked(&kept, &ones(x)), indices, &masked(&won, &ones(u)));
        let moved =
            self.by(Put::Add, &masked(&kept, &materialize(dx[0], x)), indices, &masked(&won, &materialize(dx[2], u)));
        div(&moved, &max(&sharing, &lit(&sharing, 1.0)))
    }
}
impl Primitive for Scatter {
    fn name(&self) -> &'static str {
        facts(self.put).0
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![
            ("dimension_numbers", self.dims.to_string().into()),
            ("indices_are_sorted", truth(self.options.indices_are_sorted)),
            ("mode", self.options.mode.text().into()),
            ("unique_indices", truth(self.options.unique_indices)),
            ("update_consts", "()".into()),
            ("update_jaxpr", self.combination().map_or("None".into(), Param::Jaxpr)),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let (x, indices, updates) = (x[0], x[1], x[2]);
        same_dtype(&[x, updates])?;
        let takes = self.put.takes(x.dtype.dt()) || self.is_lexicographic();
        if !takes || x.dtype == DType::Key && self.put != Put::Set {
            return Err(format!("is not defined on elements of type (dtype) {}", x.dtype));
        }
        let sizes = self.dims.box_sizes(x.shape.len(), &updates.shape);
        let shape = self.dims.named().shape(x, indices, &sizes)?;
        if shape != updates.shape {
            return Err(format!(
                "updates {updates} for indices {indices} into {x}, where update_window_dims are {}",
                crate::aval::tuple(&self.dims.update_window_dims)
            ));
        }
        if self.dims.named().kept(x.shape.len()).any(|d| sizes[d] > x.shape[d]) {
            return Err(format!("updates {updates} with a box that does not fit into {x}"));
        }
        let mut out = x.clone();
        out.varying |= indices.varying | updates.varying;
        Ok(one(out))
    }
    fn pitfalls(&self, x: &[&Array]) -> Vec<Pitfall> {
        let sizes = self.dims.box_sizes(x[0].ndim(), x[2].shape());
        Pitfall::outside_all(self.name(), x[0].aval(), x[1], &self.dims.scatter_dims_to_operand_dims, &sizes)
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
        let (dx0, du) = (dx[0], dx[2]);
        if dx0.is_none() && du.is_none() {
            return one(None);
        }
        one(match self.put {
            // a tangent goes where its value goes
            Put::Set | Put::Add | Put::Sub => {
                Some(self.by(self.put, &materialize(dx0, x[0]), x[1], &materialize(du, x[2])))
            }
            Put::Mul => {
                let by_x = dx0.map(|d| self.by(Put::Mul, d, x[1], x[2]));
                let by_u = du.map(|d| {
                    if !self.options.unique_indices {
                        crate::error::fail(
                            ErrorKind::NotDifferentiable,
                            "scatter-mul: the derivative with respect to the updates needs the promise that no two of them meet: \
                             unique_indices",
                        )
                    }
                    mul(x[0], &self.by(Put::Add, &zeros_of(x[0].aval()), x[1], d))
                });
                add_tangents(by_x, by_u)
            }
            Put::Min | Put::Max => Some(self.extreme(x, dx, &y[0])),
        })
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        match self.put {
            Put::Set | Put::Add | Put::Sub => !mask[1],
            Put::Mul => only(mask, 0),
            Put::Min | Put::Max => false,
        }
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        let (indices, u) = (io.known(1).clone(), io.aval(2).clone());
        if io.is_linear(0) {
            let c = match self.put {
                // what was written over has no part in the result
                Put::Set => self.by(Put::Set, ct, &indices, &zeros_of(&u)),
                Put::Mul => self.by(Put::Mul, ct, &indices, io.known(2)),
                _ => ct.clone(),
            };
            io.add(0, c)
        }
        if io.is_linear(2) {
            let c = self.take(ct, &indices, &u);
            let c = match self.put {
                Put::Sub => neg(&c),
                Put::Set if !self.options.unique_indices => {
                    select_n(&self.last(io.aval(0), &indices, &u), &[&zeros_of(c.aval()), &c])
                }
                _ => c,
            };
            io.add(2, c)
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let (mut s, d) = (self.clone(), &self.dims);
        let all = all_front(lanes, &[x[0], x[2]], &[dims[0], dims[2]]);
        s.dims.inserted_window_dims = further(&d.inserted_window_dims);
        s.dims.scatter_dims_to_operand_dims = further(&d.scatter_dims_to_operand_dims);
        let y = match dims[1] {
            // every box has all lanes
            None => {
                s.dims.update_window_dims = with_lanes(&d.update_window_dims);
                s.dims.operand_batching_dims = further(&d.operand_batching_dims);
                bind1(&s, &[&all[0], x[1], &all[1]])
            }
            Some(b) => {
                s.dims.update_window_dims = further(&d.update_window_dims);
                s.dims.operand_batching_dims = with_lanes(&d.operand_batching_dims);
                s.dims.scatter_indices_batching_dims = with_lanes(&d.scatter_indices_batching_dims);
                bind1(&s, &[&all[0], &move_axis(x[1], b, 0), &all[1]])
            }
        };
        one((y, Some(0)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let [array, indices, updates] = [0, 1, 2].map(|i| x[i]);
        if self.is_lexicographic() {
            return one(self.lower_lexicographic(l, array, indices, updates, &outs[0]));
        }
        one(self.lower_as(l, self.put, array, indices, updates))
    }
}

/// Complex numbers are ordered by their real parts, and where those are equal by their imaginary parts. The engine knows extremes of
/// real numbers: first the real parts contend, then the imaginary parts of those that won.
impl Scatter {
    fn is_lexicographic(&self) -> bool {
        self.dtype.is_complex() && matches!(self.put, Put::Min | Put::Max)
    }
    fn lower_as(&self, l: &mut Lower, put: Put, array: ValId, indices: ValId, updates: ValId) -> ValId {
        let d = &self.dims;
        let spec = ScatterSpec { below: 0,
            update_window_dims: Dims::from_slice(&d.update_window_dims),
            inserted_window_dims: Dims::from_slice(&d.inserted_window_dims),
            scatter_dims_to_operand_dims: Dims::from_slice(&d.scatter_dims_to_operand_dims),
            operand_batching_dims: Dims::from_slice(&d.operand_batching_dims),
            scatter_indices_batching_dims: Dims::from_slice(&d.scatter_indices_batching_dims),
            put,
            bounds: if self.options.mode == GatherScatterMode::Clip { Bounds::Clip } else { Bounds::Fill },
        };
        let ty = l.p.ty(array).clone();
        l.p.push(Kind::Scatter(Arc::new(spec)), &[array, indices, updates].map(Use::plain), &[ty])
    }
    fn lower_lexicographic(&self, l: &mut Lower, array: ValId, indices: ValId, updates: ValId, out: &Aval) -> ValId {
        if out.size() == 0 {
            return array;
        }
        let part = out.with_dtype(self.dtype.real_part());
        let shape = l.p.ty(updates).dims.clone();
        let few = part.with_shape(shape.iter().copied());
        let re = |l: &mut Lower, a: &Aval, x: ValId| l.map(a, &[x], |_, x| Num::Re(x[0].cx().0));
        let (x, u) = (re(l, &part, array), re(l, &few, updates));
        let won = self.lower_as(l, self.put, x, indices, u);
        let sizes = self.dims.box_sizes(out.ndim(), &shape);
        let there =
            gather::lower_gather(l, &self.dims.to_gather(), &sizes, self.options.mode, [0; 2], won, indices, &few);
        // imaginary parts of what lost cannot win
        let dt = part.dtype.dt();
        let last = if self.put == Put::Max { f64::NEG_INFINITY } else { f64::INFINITY };
        let contender = |l: &mut Lower, a: &Aval, z: ValId, best: ValId| {
            l.map(a, &[z, best], |b, x| {
                let (re, im) = x[0].cx();
                // what is NaN from the start stays as it is
                let (wins, nan) = (b.cmp(Op::Eq, re, x[1].re()), b.cmp(Op::Ne, re, re));
                let (stays, never) = (b.bin(Op::Or, Dt::Bool, wins, nan), b.num(dt, last));
                Num::Re(b.select(dt, stays, im, never))
            })
        };
        let (x, u) = (contender(l, &part, array, won), contender(l, &few, updates, there));
        let im = self.lower_as(l, self.put, x, indices, u);
        l.map(out, &[won, im], |_, x| Num::Cx(x[0].re(), x[1].re()))
    }
}

/// `x` with a function applied to every element that a box covers, once for each box: what JAX has for `x.at[i].apply(f)`. The
/// function is a program of two scalars, of which it reads the first.
fn apply(s: &Scatter, x: &Array, indices: &Array, updates: &Array, f: &Arc<Jaxpr>) -> Array {
    let ones = full_of(&updates.aval().with_dtype(DType::Int32), 1.0);
    let count = s.by(Put::Add, &zeros_of(&x.aval().with_dtype(DType::Int32)), indices, &ones);
    let lanes = Lanes::unnamed(x.size());
    let (f, _) = &*batch_jaxpr(f, &lanes, &[true, false], &[true]);
    let unread = lit(x, 0.0);
    let mut y = x.clone();
    for k in 0..s.most_boxes(indices.shape()) {
        let next = f.eval(&[&reshape(&y, &[x.size()]), &unread]).remove(0);
        let more = gt(&count, &lit(&count, k as f64));
        y = select_n(&more, &[&y, &reshape(&next, x.shape())])
    }
    y
}

fn read(p: &Params, x: &Operands, put: Put) -> Result<Array, Error> {
    let dims = ScatterDimensionNumbers {
        update_window_dims: numbers(p, "update_window_dims")?,
        inserted_window_dims: numbers(p, "inserted_window_dims")?,
        scatter_dims_to_operand_dims: numbers(p, "scatter_dims_to_operand_dims")?,
        operand_batching_dims: numbers(p, "operand_batching_dims")?,
        scatter_indices_batching_dims: numbers(p, "scatter_indices_batching_dims")?,
    };
    let options = ScatterOptions {
        mode: GatherScatterMode::read(p)?,
        unique_indices: p.bool("unique_indices")?,
        indices_are_sorted: p.bool("indices_are_sorted")?,
    };
    let s = Scatter::new(put, &dims, &options, x[0].dtype());
    // the program that combines two elements has to be the one that the name promises
    let named = facts(put).0.strip_prefix("scatter-");
    match p.opt_jaxpr("update_jaxpr")? {
        Some(j) if put == Put::Set => {
            let n = s.most_boxes(x[1].shape());
            if n > MOST {
                let what = format!("a function applied at {n} positions that may be one is not supported");
                return Err(Error::new(ErrorKind::Unsupported, p.error("update_jaxpr", what).to_string()));
            }
            Ok(apply(&s, &x[0], &x[1], &x[2], &crate::jaxpr::stage_nested(j)?))
        }
        Some(j) if !(j.eqns.len() == 1 && Some(&*j.eqns[0].prim) == named) => {
            let what = "only an update by the operation in the name is supported";
            Err(Error::new(ErrorKind::Unsupported, p.error("update_jaxpr", what).to_string()))
        }
        _ => Ok(bind1(&s, &[&x[0], &x[1], &x[2]])),
    }
}
/// A function is applied at most so many times to one element: each time is written out.
const MOST: usize = 256;

pub(super) fn cases() -> Vec<Case> {
    let x = Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0], &[3, 4]);
    let u = |shape: &[usize]| {
        let n: usize = shape.iter().product();
        Array::from_slice(&(0..n).map(|i| (i * 7 % 5) as f64 * 2.5 + 0.25).collect::<Vec<_>>(), shape)
    };
    let with = |i: &[i32], shape: &[usize], updates: &[usize]| vec![x.clone(), Array::from_slice(i, shape), u(updates)];
    // boxes of 2 by 2, one of them at an edge and one outside, two of them overlapping
    let boxes = || with(&[0, 0, 1, 1, 1, 3, -4, 0], &[4, 2], &[4, 2, 2]);
    const ALL: [fn(&Array, &Array, &Array, &ScatterDimensionNumbers, &ScatterOptions) -> Array; 5] =
        [scatter, scatter_add, scatter_sub, scatter_min, scatter_max];
    vec![
        Case {
            name: "boxes dropped",
            args: boxes(),
            run: |x| {
                let d = ScatterDimensionNumbers::new(&[1, 2], &[], &[0, 1]);
                ALL.iter().map(|f| f(&x[0], &x[1], &x[2], &d, &ScatterOptions::default())).collect()
            },
        },
        Case {
            name: "boxes moved inside",
            args: boxes(),
            run: |x| {
                let d = ScatterDimensionNumbers::new(&[1, 2], &[], &[0, 1]);
                let clip = ScatterOptions { mode: GatherScatterMode::Clip, ..Default::default() };
                ALL.iter().map(|f| f(&x[0], &x[1], &x[2], &d, &clip)).collect()
            },
        },
        Case {
            name: "complex numbers",
            args: vec![x.clone(), Array::from_slice(&[2i32, 0, 2, 7], &[4, 1]), u(&[4, 4])],
            run: |x| {
                let d = ScatterDimensionNumbers::new(&[1], &[0], &[0]);
                let (z, w) = (complex(&x[0], &neg(&x[0])), complex(&x[2], &mul(&x[2], &lit(&x[2], 0.5))));
                let all = [scatter, scatter_add, scatter_sub].map(|f| f(&z, &x[1], &w, &d, &ScatterOptions::default()));
                all.iter().flat_map(components).collect()
            },
        },
        Case {
            name: "each type",
            args: vec![
                undifferentiated(x.clone()),
                Array::from_slice(&[2i32, 0, 2, 1], &[4, 1]),
                undifferentiated(u(&[4, 4])),
            ],
            run: |x| {
                let d = ScatterDimensionNumbers::new(&[1], &[0], &[0]);
                let takes = |t: DType| !t.is_bool() && !t.is_complex();
                let pairs = in_types(&x[0], takes).into_iter().zip(in_types(&x[2], takes));
                pairs.flat_map(|(x0, x2)| ALL.map(|f| f(&x0, &x[1], &x2, &d, &ScatterOptions::default()))).collect()
            },
        },
        Case {
            name: "nothing",
            args: with(&[], &[0, 1], &[0, 4]),
            run: |x| {
                let d = ScatterDimensionNumbers::new(&[1], &[0], &[0]);
                ALL.iter().map(|f| f(&x[0], &x[1], &x[2], &d, &ScatterOptions::default())).collect()
            },
        },
        Case {
            name: "into a vector of one",
            args: vec![crate::array(vec![1.5f64]), Array::from_slice(&[0i32], &[1]), Array::from_slice(&[2.0f64], &[])],
            run: |x| {
                let d = ScatterDimensionNumbers::new(&[], &[0], &[0]);
                ALL.iter().map(|f| f(&x[0], &x[1], &x[2], &d, &ScatterOptions::default())).collect()
            },
        },
        Case {
            name: "unique",
            args: with(&[2, 0], &[2, 1], &[2, 4]),
            run: |x| {
                let d = ScatterDimensionNumbers::new(&[1], &[0], &[0]);
                let unique = ScatterOptions { unique_indices: true, ..Default::default() };
                vec![scatter(&x[0], &x[1], &x[2], &d, &unique), scatter_mul(&x[0], &x[1], &x[2], &d, &unique)]
            },
        },
        Case {
            name: "multiplied twice",
            args: vec![x.clone(), Array::from_slice(&[2i32, 0, 2, 5], &[4, 1]), undifferentiated(u(&[4, 4]))],
            run: |x| {
                // by the factors it has a derivative only where their positions are unique
                let (d, factors) = (
                    ScatterDimensionNumbers::new(&[1], &[0], &[0]),
                    convert_element_type(&x[2], DType::Float64, false),
                );
                vec![scatter_mul(&x[0], &x[1], &factors, &d, &ScatterOptions::default())]
            },
        },
        Case {
            name: "a position in each row",
            args: with(&[3, 0, 3, 1, 1, 2], &[2, 3, 1], &[2, 3]),
            run: |x| {
                let d = ScatterDimensionNumbers::new(&[], &[1], &[1]).batching(&[0], &[1]);
                ALL.iter().map(|f| f(&x[0], &x[1], &x[2], &d, &ScatterOptions::default())).collect()
            },
        },
    ]
}
