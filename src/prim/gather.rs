//! Boxes of an array at many computed positions at once: what indexing by arrays becomes.
//!
//! The last dimension of the indices holds the components of one index vector; the other ones count the boxes. Dimension numbers
//! have JAX's names and meaning.

use super::testing::{components, in_types};
use super::*;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::jaxpr::params::Scalar;
use crate::trace::bind1;
use cotangent_cpu::{Bounds, Dims, GatherSpec, Kind, Use, ValId};
use std::fmt;
use std::sync::Arc;

/// How the dimensions of array, indices and result of a gather belong together.
///
/// ```
/// use cotangent::{prelude::*, prim::{GatherDimensionNumbers, gather}};
/// // an index vector has the row and the column of one element
/// let each = GatherDimensionNumbers::new(&[], &[0, 1], &[0, 1]);
/// let y = gather(&array![[1, 2], [3, 4]], &array![[0, 1], [1, 0]], &each, &[1, 1], &Default::default());
/// assert_eq!(y.to_string(), "[2 3]");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct GatherDimensionNumbers {
    /// The dimensions of the result that run inside a box, ascending. The others run over the boxes.
    pub offset_dims: Shape,
    /// The dimensions of the array in which a box has extent 1 and the result no dimension, ascending.
    pub collapsed_slice_dims: Shape,
    /// For each component of an index vector: the dimension of the array in which it counts.
    pub start_index_map: Shape,
    /// The dimensions of the array that go along with `start_indices_batching_dims`, ascending.
    pub operand_batching_dims: Shape,
    /// The dimensions of the indices that go along with `operand_batching_dims`.
    pub start_indices_batching_dims: Shape,
}
impl GatherDimensionNumbers {
    /// Without batching dimensions.
    ///
    /// ```
    /// use cotangent::{prelude::*, prim::{GatherDimensionNumbers, gather}};
    /// let columns = GatherDimensionNumbers::new(&[0], &[1], &[1]);
    /// let y = gather(&array![[1, 2, 3], [4, 5, 6]], &array![[2], [0]], &columns, &[2, 1], &Default::default());
    /// assert_eq!(y.to_string(), "[[3 1]\n [6 4]]");
    /// ```
    pub fn new(offset_dims: &[usize], collapsed_slice_dims: &[usize], start_index_map: &[usize]) -> Self {
        GatherDimensionNumbers {
            offset_dims: offset_dims.into(),
            collapsed_slice_dims: collapsed_slice_dims.into(),
            start_index_map: start_index_map.into(),
            ..Default::default()
        }
    }
    /// With these batching dimensions.
    ///
    /// ```
    /// use cotangent::{prelude::*, prim::{GatherDimensionNumbers, gather}};
    /// // of each row the element that its own index says
    /// let each = GatherDimensionNumbers::new(&[], &[1], &[1]).batching(&[0], &[0]);
    /// let y = gather(&array![[1, 2, 3], [4, 5, 6]], &array![[2], [0]], &each, &[1, 1], &Default::default());
    /// assert_eq!(y.to_string(), "[3 4]");
    /// ```
    pub fn batching(mut self, operand: &[usize], start_indices: &[usize]) -> Self {
        self.operand_batching_dims = operand.into();
        self.start_indices_batching_dims = start_indices.into();
        self
    }
    /// Numbers that show their names to whoever has to be told off, for the check that gather and scatter share.
    fn named(&self) -> Numbers<'_> {
        Numbers {
            window: ("offset_dims", &self.offset_dims),
            removed: ("collapsed_slice_dims", &self.collapsed_slice_dims),
            map: ("start_index_map", &self.start_index_map),
            batching: ("operand_batching_dims", &self.operand_batching_dims),
            indices_batching: ("start_indices_batching_dims", &self.start_indices_batching_dims),
        }
    }
}
impl fmt::Display for GatherDimensionNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GatherDimensionNumbers({})", self.named())
    }
}

/// Dimension numbers under the names that gather or scatter has for them.
pub(super) struct Numbers<'a> {
    pub window: (&'static str, &'a [usize]),
    pub removed: (&'static str, &'a [usize]),
    pub map: (&'static str, &'a [usize]),
    pub batching: (&'static str, &'a [usize]),
    pub indices_batching: (&'static str, &'a [usize]),
}
impl Numbers<'_> {
    fn all(&self) -> [(&'static str, &[usize]); 5] {
        [self.window, self.removed, self.map, self.batching, self.indices_batching]
    }
    /// The extents of all boxes together, each of extents `sizes` in terms of the array: those of a gather's result, or of a
    /// scatter's updates.
    pub fn shape(&self, x: &Aval, indices: &Aval, sizes: &[usize]) -> Result<Shape, String> {
        let Some((parts, counts)) = indices.shape.split_last() else {
            return Err(format!("indices {indices} lack the dimension of the index vector"));
        };
        if !indices.dtype.is_integer() {
            return Err(format!("indices {indices} are not of an integer type (dtype)"));
        }
        if *parts != self.map.1.len() {
            return Err(format!(
                "index vectors of {parts} components ({indices}) for {} {}",
                self.map.0,
                tuple(self.map.1)
            ));
        }
        let rank = x.shape.len();
        let out = self.window.1.len() + counts.len();
        for ((name, dims), (limit, ascending)) in
            self.all().into_iter().zip([(out, true), (rank, true), (rank, false), (rank, true), (counts.len(), false)])
        {
            if dims.iter().enumerate().any(|(i, d)| *d >= limit || dims[..i].contains(d)) {
                return Err(format!("{name} {} are not distinct dimensions below {limit}", tuple(dims)));
            }
            if ascending && !dims.is_sorted() {
                return Err(format!("{name} {} do not ascend", tuple(dims)));
            }
        }
        for (name, dims) in [self.removed, self.map] {
            if dims.iter().any(|d| self.batching.1.contains(d)) {
                return Err(format!(
                    "{name} {} and {} {} overlap",
                    tuple(dims),
                    self.batching.0,
                    tuple(self.batching.1)
                ));
            }
        }
        let paired = self.batching.1.len() == self.indices_batching.1.len()
            && self.batching.1.iter().zip(self.indices_batching.1).all(|(a, i)| x.shape[*a] == counts[*i]);
        if !paired {
            return Err(format!(
                "{} {} of {x} do not match {} {} of {indices}",
                self.batching.0,
                tuple(self.batching.1),
                self.indices_batching.0,
                tuple(self.indices_batching.1)
            ));
        }
        let inside: Shape = self.kept(rank).map(|d| sizes[d]).collect();
        if inside.len() != self.window.1.len() {
            return Err(format!(
                "{} {} for {} dimensions of {x} that are neither in {} nor in {}",
                self.window.0,
                tuple(self.window.1),
                inside.len(),
                self.removed.0,
                self.batching.0
            ));
        }
        let (mut inside, mut counts) = (inside.into_iter(), counts.iter().copied());
        let mut next = |d| if self.window.1.contains(&d) { inside.next() } else { counts.next() };
        Ok((0..out).map(|d| next(d).expect("as many extents as dimensions")).collect())
    }
    /// The dimensions of the array in which the result of a gather, or the updates of a scatter, have one too.
    pub fn kept(&self, rank: usize) -> impl Iterator<Item = usize> {
        (0..rank).filter(|d| !self.removed.1.contains(d) && !self.batching.1.contains(d))
    }
}
/// As JAX prints the fields.
impl fmt::Display for Numbers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, dims)) in self.all().into_iter().enumerate() {
            write!(f, "{}{name}={}", if i == 0 { "" } else { ", " }, tuple(dims))?
        }
        Ok(())
    }
}
/// Each dimension one further, as when the lanes come in front.
pub(super) fn further(dims: &[usize]) -> Shape {
    dims.iter().map(|d| d + 1).collect()
}
/// The same, with the lanes' dimension first.
pub(super) fn with_lanes(dims: &[usize]) -> Shape {
    std::iter::once(0).chain(dims.iter().map(|d| d + 1)).collect()
}

/// What happens to a box that is not inside the array.
///
/// ```
/// use cotangent::{prelude::*, prim::{GatherDimensionNumbers, GatherOptions, GatherScatterMode, gather}};
/// let each = GatherDimensionNumbers::new(&[], &[0], &[0]);
/// let far = |mode| gather(&array![1., 2.], &array![[0], [9]], &each, &[1], &GatherOptions { mode, ..Default::default() }).to_string();
/// assert_eq!(far(GatherScatterMode::Clip), "[1. 2.]");
/// assert_eq!(far(GatherScatterMode::FillOrDrop), "[ 1. nan]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GatherScatterMode {
    /// It is moved inside.
    Clip,
    /// A gather gives the fill value for it, a scatter drops its update.
    FillOrDrop,
    /// There is none. If there is one all the same, a gather moves it inside, and a scatter drops its update.
    PromiseInBounds,
}
impl GatherScatterMode {
    /// The parameter as JAX prints it.
    pub(super) fn text(self) -> String {
        format!("GatherScatterMode.{}", self.jax())
    }
    fn jax(self) -> &'static str {
        match self {
            GatherScatterMode::Clip => "CLIP",
            GatherScatterMode::FillOrDrop => "FILL_OR_DROP",
            GatherScatterMode::PromiseInBounds => "PROMISE_IN_BOUNDS",
        }
    }
    pub(super) fn read(p: &Params) -> Result<Self, Error> {
        let text = p.str("mode")?;
        [GatherScatterMode::Clip, GatherScatterMode::FillOrDrop, GatherScatterMode::PromiseInBounds]
            .into_iter()
            .find(|m| m.jax() == text)
            .ok_or_else(|| p.error("mode", format!("the mode {text} is not supported")).into())
    }
}

/// What a gather gives for a box that is not inside the array. It is converted to the array's type.
///
/// ```
/// use cotangent::prim::FillValue;
/// assert_eq!(FillValue::from(7), FillValue::Int(7));
/// assert_eq!([FillValue::from(true).to_string(), FillValue::from(0.5).to_string()], ["True", "0.5"]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FillValue {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// The bits of a real number.
    Float(u64),
    /// The bits of real and imaginary part.
    Complex(u64, u64),
}
macro_rules! fills { ($($t:ty: $x:ident => $fill:expr;)*) => { $(
    impl From<$t> for FillValue {
        fn from($x: $t) -> FillValue { $fill }
    }
)* } }
fills! {
    bool: x => FillValue::Bool(x);
    i32: x => FillValue::Int(x as i128);
    i64: x => FillValue::Int(x as i128);
    u64: x => FillValue::Int(x as i128);
    f64: x => FillValue::Float(x.to_bits());
}
impl FillValue {
    /// NaN, the least signed or the greatest unsigned integer, true.
    fn default_of(t: DType) -> FillValue {
        match t.int_range() {
            Some((low, _)) if t.is_signed() => FillValue::Int(low),
            Some((_, high)) => FillValue::Int(high),
            None if t.is_bool() => FillValue::Bool(true),
            None if t == DType::Key => FillValue::Int(u32::MAX as i128),
            None => f64::NAN.into(),
        }
    }
    fn read(p: &Params) -> Result<Option<FillValue>, Error> {
        Ok(match p.opt_scalar("fill_value")? {
            None => None,
            Some(Scalar::Bool(b)) => Some(b.into()),
            Some(Scalar::Int(i)) => Some(FillValue::Int(i)),
            Some(Scalar::Float(x)) => Some(x.into()),
            Some(Scalar::Complex(re, im)) => Some(FillValue::Complex(re.to_bits(), im.to_bits())),
            Some(Scalar::Array(_)) => return Err(p.error("fill_value", "an array is not supported").into()),
        })
    }
    /// The element's bits, as the engine wants them.
    fn bits(self, t: DType) -> [u64; 2] {
        use crate::array::Number;
        let x = match self {
            // both words of a key
            FillValue::Int(i) if t == DType::Key => return [(i as u32 as u64) << 32 | i as u32 as u64, 0],
            // integers wrap
            FillValue::Int(i) if t.is_integer() => Number::Int(i),
            FillValue::Int(i) => Number::Float(i as f64),
            FillValue::Bool(b) => Number::Bool(b),
            FillValue::Float(x) => Number::Float(f64::from_bits(x)),
            FillValue::Complex(re, im) => Number::Complex(f64::from_bits(re), f64::from_bits(im)),
        };
        lower::bits_of(&x.to_array(t, false))
    }
}
/// As Python prints it.
impl fmt::Display for FillValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FillValue::Bool(b) => f.write_str(if *b { "True" } else { "False" }),
            FillValue::Int(i) => write!(f, "{i}"),
            FillValue::Float(x) => f.write_str(&format!("{:?}", f64::from_bits(*x)).to_lowercase()),
            FillValue::Complex(re, im) => write!(f, "({}{:+}j)", f64::from_bits(*re), f64::from_bits(*im)),
        }
    }
}

/// What a gather may be told besides its dimension numbers. The default is JAX's.
///
/// ```
/// use cotangent::{prelude::*, prim::{GatherDimensionNumbers, GatherOptions, GatherScatterMode, gather}};
/// let each = GatherDimensionNumbers::new(&[], &[0], &[0]);
/// let mode = GatherScatterMode::FillOrDrop;
/// let minus = GatherOptions { mode, fill_value: Some((-1).into()), ..Default::default() };
/// assert_eq!(gather(&array![5, 6], &array![[1], [2]], &each, &[1], &minus).to_string(), "[ 6 -1]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct GatherOptions {
    /// What happens to a box that is not inside the array.
    pub mode: GatherScatterMode,
    /// With `FillOrDrop`: what it gives. By default NaN, the least signed or the greatest unsigned integer, true.
    pub fill_value: Option<FillValue>,
    /// A promise that no two boxes overlap.
    pub unique_indices: bool,
    /// A promise that the index vectors ascend.
    pub indices_are_sorted: bool,
}
impl Default for GatherOptions {
    fn default() -> Self {
        GatherOptions {
            mode: GatherScatterMode::PromiseInBounds,
            fill_value: None,
            unique_indices: false,
            indices_are_sorted: false,
        }
    }
}

/// Boxes of `x`, each of extents `slice_sizes`, at the positions `indices`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::prim::{GatherDimensionNumbers, gather};
/// // rows 2 and 0 of a matrix
/// let x = array![[1., 2.], [3., 4.], [5., 6.]];
/// let rows = GatherDimensionNumbers::new(&[1], &[0], &[0]);
/// let y = gather(&x, &array![[2], [0]], &rows, &[1, 2], &Default::default());
/// assert_eq!(y.to_vec::<f32>(), [5., 6., 1., 2.]);
/// ```
#[track_caller]
pub fn gather(
    x: &Array,
    indices: &Array,
    dims: &GatherDimensionNumbers,
    slice_sizes: &[usize],
    options: &GatherOptions,
) -> Array {
    bind1(&Gather::new(dims, slice_sizes, options, x.dtype()), &[x, indices])
}
/// See [`gather`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*};
/// let program = make_jaxpr(|x: &Array, i: &Array| x.i(i), (&array![1., 2.], &array![1, 0],));
/// assert!(program.to_string().contains("gather["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gather {
    dims: GatherDimensionNumbers,
    sizes: Shape,
    options: GatherOptions,
}
impl Gather {
    /// A gather from arrays of this element type, on which the default fill value depends.
    pub(super) fn new(dims: &GatherDimensionNumbers, sizes: &[usize], options: &GatherOptions, dtype: DType) -> Gather {
        let fills = options.mode == GatherScatterMode::FillOrDrop;
        let fill_value = fills.then(|| options.fill_value.unwrap_or_else(|| FillValue::default_of(dtype)));
        Gather { dims: dims.clone(), sizes: sizes.into(), options: GatherOptions { fill_value, ..*options } }
    }
    /// The same of tangents, which are 0 where nothing is gathered.
    fn of_tangents(&self) -> Gather {
        let mut g = self.clone();
        g.options.fill_value = g.options.fill_value.map(|_| FillValue::Int(0));
        g
    }
}
impl Primitive for Gather {
    fn name(&self) -> &'static str {
        "gather"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let o = &self.options;
        vec![
            ("dimension_numbers", self.dims.to_string().into()),
            ("fill_value", o.fill_value.map_or("None".to_string(), |v| v.to_string()).into()),
            ("indices_are_sorted", truth(o.indices_are_sorted)),
            ("mode", o.mode.text().into()),
            ("slice_sizes", tuple(&self.sizes).into()),
            ("unique_indices", truth(o.unique_indices)),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let (x, indices) = (x[0], x[1]);
        if self.sizes.len() != x.shape.len() {
            return Err(format!("slice_sizes {} for {x}", tuple(&self.sizes)));
        }
        let shape = self.dims.named().shape(x, indices, &self.sizes)?;
        for d in &self.dims.collapsed_slice_dims {
            if self.sizes[*d] != 1 {
                return Err(format!("slice_sizes {}: dimension {d} is collapsed, so it must be 1", tuple(&self.sizes)));
            }
        }
        for d in &self.dims.operand_batching_dims {
            if self.sizes[*d] > 1 {
                return Err(format!("slice_sizes {}: dimension {d} is a batching dimension", tuple(&self.sizes)));
            }
        }
        // where there are no indices nothing is read
        if !indices.shape.contains(&0) && self.sizes.iter().zip(&x.shape).any(|(s, n)| s > n) {
            return Err(format!("slice_sizes {} do not fit into {x}", tuple(&self.sizes)));
        }
        let mut out = x.with_shape(shape);
        out.varying |= indices.varying;
        Ok(one(out))
    }
    fn pitfalls(&self, x: &[&Array]) -> Vec<Pitfall> {
        Pitfall::outside_all("gather", x[0].aval(), x[1], &self.dims.start_index_map, &self.sizes)
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| bind1(&self.of_tangents(), &[d, x[1]])))
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        only(mask, 0)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let o = &self.options;
        let options =
            ScatterOptions { mode: o.mode, unique_indices: o.unique_indices, indices_are_sorted: o.indices_are_sorted };
        let back = ScatterDimensionNumbers::inverse(&self.dims);
        let zeros = zeros_of(io.aval(0));
        io.add(0, scatter_add(&zeros, io.known(1), ct[0].as_ref().expect("a cotangent"), &back, &options))
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let (mut g, d) = (self.clone(), &self.dims);
        let front = |i: usize| dims[i].map(|b| move_axis(x[i], b, 0));
        g.dims.offset_dims = further(&d.offset_dims);
        if dims[0].is_some() {
            g.dims.collapsed_slice_dims = further(&d.collapsed_slice_dims);
            g.dims.start_index_map = further(&d.start_index_map);
            g.dims.operand_batching_dims = further(&d.operand_batching_dims);
        }
        if dims[1].is_some() {
            g.dims.start_indices_batching_dims = further(&d.start_indices_batching_dims);
        }
        let y = match (front(0), front(1)) {
            // every box has all lanes
            (Some(a), None) => {
                g.dims.offset_dims = with_lanes(&d.offset_dims);
                g.sizes.insert(0, lanes.size);
                bind1(&g, &[&a, x[1]])
            }
            // lanes are more boxes of one array: what was unique and sorted for each is not for all
            (None, Some(i)) => {
                g.options.unique_indices = false;
                g.options.indices_are_sorted = false;
                bind1(&g, &[x[0], &i])
            }
            (Some(a), Some(i)) => {
                g.dims.operand_batching_dims = with_lanes(&d.operand_batching_dims);
                g.dims.start_indices_batching_dims = with_lanes(&d.start_indices_batching_dims);
                g.sizes.insert(0, lanes.size.min(1));
                bind1(&g, &[&a, &i])
            }
            (None, None) => unreachable!("a mapped operand"),
        };
        one((y, Some(0)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let fill = self.options.fill_value.map_or([0; 2], |v| v.bits(ins[0].dtype));
        one(lower_gather(l, &self.dims, &self.sizes, self.options.mode, fill, x[0], x[1], &outs[0]))
    }
}
/// Adds a gather to the tensor program.
pub(super) fn lower_gather(
    l: &mut Lower,
    d: &GatherDimensionNumbers,
    sizes: &[usize],
    mode: GatherScatterMode,
    fill: [u64; 2],
    x: ValId,
    indices: ValId,
    out: &Aval,
) -> ValId {
    let spec = GatherSpec { below: 0,
        offset_dims: Dims::from_slice(&d.offset_dims),
        collapsed_slice_dims: Dims::from_slice(&d.collapsed_slice_dims),
        start_index_map: Dims::from_slice(&d.start_index_map),
        operand_batching_dims: Dims::from_slice(&d.operand_batching_dims),
        start_indices_batching_dims: Dims::from_slice(&d.start_indices_batching_dims),
        slice_sizes: Dims::from_slice(sizes),
        bounds: if mode == GatherScatterMode::FillOrDrop { Bounds::Fill } else { Bounds::Clip },
        fill,
    };
    l.p.push(Kind::Gather(Arc::new(spec)), &[x, indices].map(Use::plain), &[lower::ty(out)])
}

/// A truth value as Python prints it.
pub(super) fn truth(b: bool) -> Param {
    if b { "True" } else { "False" }.into()
}
/// A field of the recorded dimension numbers.
pub(super) fn numbers(p: &Params, name: &str) -> Result<Shape, Error> {
    Ok(p.object("dimension_numbers")?.usizes(name)?.into())
}

pub(super) const READ: &[Read] = &[("gather", |p, x| {
    let dims = GatherDimensionNumbers {
        offset_dims: numbers(p, "offset_dims")?,
        collapsed_slice_dims: numbers(p, "collapsed_slice_dims")?,
        start_index_map: numbers(p, "start_index_map")?,
        operand_batching_dims: numbers(p, "operand_batching_dims")?,
        start_indices_batching_dims: numbers(p, "start_indices_batching_dims")?,
    };
    let options = GatherOptions {
        mode: GatherScatterMode::read(p)?,
        fill_value: FillValue::read(p)?,
        unique_indices: p.bool("unique_indices")?,
        indices_are_sorted: p.bool("indices_are_sorted")?,
    };
    Ok(one(gather(&x[0], &x[1], &dims, &p.usizes("slice_sizes")?, &options)))
})];

pub(super) fn cases() -> Vec<Case> {
    let x = Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0], &[3, 4]);
    let at = |i: &[i32], shape: &[usize]| vec![x.clone(), Array::from_slice(i, shape)];
    let outside = || at(&[1, -2, 0, 2, 9, 1], &[3, 2]);
    const CLIP: GatherOptions = GatherOptions {
        mode: GatherScatterMode::Clip,
        fill_value: None,
        unique_indices: false,
        indices_are_sorted: false,
    };
    const FILL: GatherOptions = GatherOptions { mode: GatherScatterMode::FillOrDrop, ..CLIP };
    const FILL_ZERO: GatherOptions = GatherOptions { fill_value: Some(FillValue::Int(0)), ..FILL };
    vec![
        Case {
            name: "rows",
            args: at(&[2, 0, 2, 1], &[2, 2, 1]),
            run: |x| {
                let d = GatherDimensionNumbers::new(&[2], &[0], &[0]);
                vec![gather(&x[0], &x[1], &d, &[1, 4], &Default::default())]
            },
        },
        Case {
            name: "boxes moved inside",
            args: outside(),
            run: |x| {
                let d = GatherDimensionNumbers::new(&[0, 2], &[], &[0, 1]);
                vec![gather(&x[0], &x[1], &d, &[2, 2], &CLIP)]
            },
        },
        Case {
            name: "boxes filled",
            args: outside(),
            run: |x| {
                let d = GatherDimensionNumbers::new(&[1], &[0], &[1, 0]);
                vec![gather(&x[0], &x[1], &d, &[1, 3], &FILL_ZERO), gather(&x[1], &x[1], &d, &[1, 1], &FILL)]
            },
        },
        Case {
            name: "a position in each row",
            args: at(&[3, 0, 2, 1, 1, 0], &[3, 2, 1]),
            run: |x| {
                let d = GatherDimensionNumbers::new(&[], &[1], &[1]).batching(&[0], &[0]);
                vec![gather(&x[0], &x[1], &d, &[1, 1], &CLIP)]
            },
        },
        Case {
            name: "complex numbers",
            args: outside(),
            run: |x| {
                let d = GatherDimensionNumbers::new(&[1], &[0], &[1, 0]);
                components(&gather(&complex(&x[0], &mul(&x[0], &x[0])), &x[1], &d, &[1, 3], &FILL_ZERO))
            },
        },
        Case {
            name: "each type",
            args: vec![crate::array(vec![1.5f32, -2.0, 0.0]), Array::from_slice(&[2i32, 5, 0], &[3, 1])],
            run: |x| {
                let d = GatherDimensionNumbers::new(&[], &[0], &[0]);
                in_types(&x[0], |_| true).iter().map(|y| gather(y, &x[1], &d, &[1], &FILL)).collect()
            },
        },
        Case {
            name: "from a vector of one",
            args: vec![crate::array(vec![1.5f64]), Array::from_slice(&[0i32], &[1])],
            run: |x| {
                let d = GatherDimensionNumbers::new(&[], &[0], &[0]);
                vec![gather(&x[0], &x[1], &d, &[1], &CLIP), gather(&x[0], &x[1], &d, &[1], &FILL_ZERO)]
            },
        },
        Case {
            name: "no index",
            args: at(&[], &[0, 1]),
            run: |x| {
                let d = GatherDimensionNumbers::new(&[1], &[0], &[0]);
                vec![gather(&x[0], &x[1], &d, &[1, 4], &CLIP)]
            },
        },
    ]
}
