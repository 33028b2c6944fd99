//! Convolutions: windows of an array, multiplied by a filter and summed.
//!
//! Both derivatives are convolutions themselves. What a stride is to the convolution is a dilation to them, so nothing is ever spread out in memory.

use super::dot_general::{accumulator, product_type};
use super::*;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::{ConvOrder, ConvSpec, Kind, Slide, Ty, ValId, View, row_major};

/// Which dimensions of the operands of a convolution are what, as in JAX.
///
/// ```
/// use cotangent::prim::ConvDimensionNumbers;
/// let n = ConvDimensionNumbers::from_letters(("NHWC", "HWIO", "NHWC"))?;
/// // features of the filter, its channels, then height and width
/// assert_eq!((&n.lhs_spec[..], &n.rhs_spec[..]), (&[0, 3, 1, 2][..], &[3, 2, 0, 1][..]));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConvDimensionNumbers {
    /// Of the array: batch, channels, then the spatial dimensions.
    pub lhs_spec: Shape,
    /// Of the filter: features, channels, then the spatial dimensions.
    pub rhs_spec: Shape,
    /// Of the result: batch, features, then the spatial dimensions.
    pub out_spec: Shape,
}
/// Low and high padding of each spatial dimension; negative numbers cut off.
///
/// ```
/// use cotangent::{prelude::*, prim::{Pads, Windows, reduce_window_sum}};
/// let padding: Pads = [(1, 1)].into_iter().collect();
/// let three = Windows { padding, ..Windows::new(&[3]) };
/// assert_eq!(reduce_window_sum(&array![1, 2, 3], &three).to_string(), "[3 6 5]");
/// ```
pub type Pads = SmallVec<[(i64, i64); 2]>;

/// The parameters of [`conv_general_dilated`].
///
/// ```
/// use cotangent::{prelude::*, prim::{Conv, ConvDimensionNumbers, Precision, conv_general_dilated}};
/// let every_second = Conv {
///     window_strides: [2].into_iter().collect(),
///     padding: [(0, 0)].into_iter().collect(),
///     lhs_dilation: [1].into_iter().collect(),
///     rhs_dilation: [1].into_iter().collect(),
///     dimension_numbers: ConvDimensionNumbers::of_rank(3),
///     feature_group_count: 1,
///     batch_group_count: 1,
///     preferred: None,
///     precision: Precision::Default,
/// };
/// let y = conv_general_dilated(&array![[[1., 2., 3., 4.]]], &array![[[1., 10.]]], &every_second);
/// assert_eq!(y.to_string(), "[[[21. 43.]]]");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Conv {
    /// From a window to the next.
    pub window_strides: Shape,
    /// Zeros around the array.
    pub padding: Pads,
    /// From an element of the array to the next, with zeros between.
    pub lhs_dilation: Shape,
    /// From an element of a window to the next.
    pub rhs_dilation: Shape,
    /// Which dimensions are what.
    pub dimension_numbers: ConvDimensionNumbers,
    /// Channels are in so many groups, and features, too: those of a group see its channels only.
    pub feature_group_count: usize,
    /// The batch is in so many groups, and so are the features: those of a group see its part of the batch only.
    pub batch_group_count: usize,
    /// The result's type.
    pub preferred: Option<DType>,
    /// How sums are made.
    pub precision: Precision,
}

/// How the sums of a convolution are made. As `jax.lax.Precision`.
///
/// ```
/// use cotangent::{lax::ConvGeneralDilated, np, prelude::*, prim::Precision};
/// let x = np::linspace(-1.0, 1.0, 8 * 8 * 16).reshape(&[1, 8, 8, 16]);
/// let filter = np::linspace(-1.0, 1.0, 3 * 3 * 16 * 16).reshape(&[3, 3, 16, 16]);
/// let conv = ConvGeneralDilated::new(&[1, 1], "SAME").dimension_numbers(("NHWC", "HWIO", "NHWC"));
/// let (fast, exact) = (conv.run(&x, &filter), conv.clone().precision(Precision::Highest).run(&x, &filter));
/// assert!((&fast - &exact).abs().max().to_f64() < 1e-5 * exact.abs().max().to_f64());
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// What is fastest: filters of three by three elements over many channels go through tiles, which take less than half as many multiplications. Results are
    /// about as close to the exact ones as sums are, but what is not finite spreads to its neighbors.
    #[default]
    Default,
    /// As [`Highest`](Precision::Highest).
    High,
    /// Sums of products, one after the other.
    Highest,
}

/// Sums of products of the elements of windows of `lhs` with those of the filter `rhs`. The order of the sums is part of the meaning (see the engine).
///
/// ```
/// use cotangent::{prelude::*, prim::{Conv, ConvDimensionNumbers, Precision, conv_general_dilated}};
/// let one = || [1].into_iter().collect();
/// let (padding, dimension_numbers) = ([(1, 0)].into_iter().collect(), ConvDimensionNumbers::of_rank(3));
/// let (feature_group_count, batch_group_count, preferred, precision) = (1, 1, None, Precision::Default);
/// let (window_strides, lhs_dilation, rhs_dilation) = (one(), one(), one());
/// let p = Conv {
///     window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers, feature_group_count, batch_group_count, preferred, precision,
/// };
/// let y = conv_general_dilated(&array![[[1., 2., 3.]]], &array![[[10., 1.]]], &p);
/// assert_eq!(y.to_string(), "[[[ 1. 12. 23.]]]");
/// ```
///
/// # Panics
/// If ranks, extents, groups or element types do not fit each other or the parameters.
#[track_caller]
pub fn conv_general_dilated(lhs: &Array, rhs: &Array, p: &Conv) -> Array {
    bind1(p, &[lhs, rhs])
}

/// The extent of `n` elements that are `dilation` apart.
pub(super) fn dilated(n: usize, dilation: usize) -> usize {
    if n == 0 { 0 } else { (n - 1) * dilation + 1 }
}
/// How many windows of extent `window` there are in `n` places.
pub(super) fn strided(n: usize, window: usize, stride: usize) -> usize {
    if n < window { 0 } else { (n - window) / stride + 1 }
}
/// The padding of a convolution of a cotangent that gives that of the array.
pub(super) fn pads_of_lhs(
    array: &[usize],
    window: &[usize],
    windows: &[usize],
    strides: &[usize],
    pads: &[(i64, i64)],
    dilation: (&[usize], &[usize]),
) -> Pads {
    (0..array.len())
        .map(|d| {
            let reach = |n: usize, by: usize| dilated(n, by) as i64;
            let kernel = reach(window[d], dilation.1[d]);
            let before = kernel - pads[d].0 - 1;
            (before, reach(array[d], dilation.0[d]) + kernel - 1 - reach(windows[d], strides[d]) - before)
        })
        .collect()
}

impl ConvDimensionNumbers {
    /// Batch and channels (features, channels) first: what JAX has where nothing is said.
    ///
    /// ```
    /// use cotangent::prim::ConvDimensionNumbers;
    /// assert_eq!(ConvDimensionNumbers::of_rank(4), ConvDimensionNumbers::from_letters(("NCHW", "OIHW", "NCHW"))?);
    /// # Ok::<(), String>(())
    /// ```
    pub fn of_rank(rank: usize) -> ConvDimensionNumbers {
        let all: Shape = (0..rank).collect();
        ConvDimensionNumbers { lhs_spec: all.clone(), rhs_spec: all.clone(), out_spec: all }
    }
    /// From the letters of each dimension, such as `("NHWC", "HWIO", "NHWC")`: `N` is the batch, `C` channels or features, `I` and `O` are the
    /// channels and features of a filter, all others spatial dimensions, which are counted in the order that the filter has.
    ///
    /// ```
    /// use cotangent::prim::ConvDimensionNumbers;
    /// let n = ConvDimensionNumbers::from_letters(("NWC", "WIO", "NCW"))?;
    /// assert_eq!((&n.lhs_spec[..], &n.rhs_spec[..], &n.out_spec[..]), (&[0, 2, 1][..], &[2, 1, 0][..], &[0, 1, 2][..]));
    /// assert!(ConvDimensionNumbers::from_letters(("NW", "WIO", "NCW")).is_err()); // no channels
    /// # Ok::<(), String>(())
    /// ```
    pub fn from_letters((lhs, rhs, out): (&str, &str, &str)) -> Result<ConvDimensionNumbers, String> {
        let [lhs, rhs, out] = [lhs, rhs, out].map(|s| s.chars().collect::<Vec<char>>());
        let spatial = |spec: &[char], own: [char; 2]| -> Result<Vec<char>, String> {
            let text: String = spec.iter().collect();
            if own.iter().any(|c| spec.iter().filter(|s| *s == c).count() != 1) {
                return Err(format!("the dimensions {text:?} must have {:?} and {:?} exactly once", own[0], own[1]));
            }
            if (1..spec.len()).any(|i| spec[..i].contains(&spec[i])) {
                return Err(format!("the dimensions {text:?} repeat a letter"));
            }
            Ok(spec.iter().copied().filter(|c| !own.contains(c)).collect())
        };
        let order = spatial(&rhs, ['O', 'I'])?;
        let numbers = |spec: &[char], own: [char; 2]| -> Result<Shape, String> {
            let letters = spatial(spec, own)?;
            if letters.len() != order.len() || !order.iter().all(|c| letters.contains(c)) {
                let (spec, rhs): (String, String) = (spec.iter().collect(), rhs.iter().collect());
                return Err(format!("the dimensions {spec:?} and {rhs:?} have different spatial letters"));
            }
            let at = |c: &char| spec.iter().position(|s| s == c).expect("a letter of the spec");
            Ok(own.iter().chain(&order).map(at).collect())
        };
        Ok(ConvDimensionNumbers {
            lhs_spec: numbers(&lhs, ['N', 'C'])?,
            rhs_spec: numbers(&rhs, ['O', 'I'])?,
            out_spec: numbers(&out, ['N', 'C'])?,
        })
    }
    fn all(&self) -> [&Shape; 3] {
        [&self.lhs_spec, &self.rhs_spec, &self.out_spec]
    }
}

/// The two dimensions in front change places.
fn swapped(spec: &Shape) -> Shape {
    let mut spec = spec.clone();
    spec.swap(0, 1);
    spec
}
/// The extents of these dimensions.
fn taken(shape: &[usize], dims: &[usize]) -> Shape {
    dims.iter().map(|d| shape[*d]).collect()
}
/// Dimension `src` as the outer part of what is dimension `dst` without it.
fn axis_into(x: &Array, src: usize, dst: usize) -> Array {
    let x = move_axis(x, src, dst);
    let mut shape = Shape::from_slice(x.shape());
    let lanes = shape.remove(dst);
    shape[dst] *= lanes;
    reshape(&x, &shape)
}
/// Dimension `src` as two, the outer of which has extent `outer`.
fn axis_out_of(x: &Array, src: usize, outer: usize) -> Array {
    let mut shape = Shape::from_slice(x.shape());
    shape[src] /= outer;
    shape.insert(src, outer);
    reshape(x, &shape)
}

/// Are products of the points of tiles so much fewer that making these is worth it? It depends on extents alone, and not on how many arrays share a filter, so that
/// a batch gives what its members give.
fn tiles_pay(filter: &[usize], windows: &[usize], [batch, channels, features]: [usize; 3]) -> bool {
    let enough = |extents: &[usize], depth: usize| depth >= 16 && features >= 16 && extents.iter().all(|n| *n >= 8);
    if filter == [3, 3] { enough(windows, channels) } else { enough(filter, batch) }
}

impl Conv {
    fn check(&self, x: &[&Aval]) -> Result<(), String> {
        let rank = x[0].ndim();
        if x[1].ndim() != rank || rank < 2 {
            return Err(format!("array and filter must have the same number of dimensions, at least 2, got {}", listed(x)));
        }
        let spatial = rank - 2;
        for spec in self.dimension_numbers.all() {
            if spec.len() != rank || (0..rank).any(|d| !spec.contains(&d)) {
                return Err(format!("the dimension numbers {} are not those of {rank} dimensions", tuple(spec)));
            }
        }
        let steps = [(&self.window_strides, "window strides"), (&self.lhs_dilation, "lhs dilation"), (&self.rhs_dilation, "rhs dilation")];
        for (numbers, what) in steps {
            if numbers.len() != spatial || numbers.contains(&0) {
                let of = format!("one for each spatial dimension of {}: all but batch and channels", x[0]);
                return Err(format!("{what} {} must be {spatial} positive numbers, {of}", tuple(numbers)));
            }
        }
        if self.padding.len() != spatial {
            return Err(format!("the padding has {} pairs for {spatial} spatial dimensions", self.padding.len()));
        }
        let (fg, bg) = (self.feature_group_count, self.batch_group_count);
        if fg == 0 || bg == 0 || fg > 1 && bg > 1 {
            return Err(format!("feature_group_count {fg} and batch_group_count {bg} must be positive, and one of them 1"));
        }
        let (l, r) = (&self.dimension_numbers.lhs_spec, &self.dimension_numbers.rhs_spec);
        let (batch, channels) = (x[0].shape[l[0]], x[0].shape[l[1]]);
        let (features, depth) = (x[1].shape[r[0]], x[1].shape[r[1]]);
        if channels % fg != 0 || channels / fg != depth {
            return Err(format!(
                "{channels} channels of {} in {fg} groups (feature_group_count) do not meet the {depth} channels of the filter {}",
                x[0], x[1]
            ));
        }
        if features % fg != 0 || features % bg != 0 || batch % bg != 0 {
            return Err(format!(
                "feature_group_count {fg} and batch_group_count {bg} must divide the {features} features of {} and the batch {batch} of {}",
                x[1], x[0]
            ));
        }
        Ok(())
    }
    /// The extents of the result's spatial dimensions.
    fn windows(&self, lhs: &[usize], rhs: &[usize]) -> Result<Shape, String> {
        let dims = &self.dimension_numbers;
        (0..self.window_strides.len())
            .map(|d| {
                let n = dilated(lhs[dims.lhs_spec[d + 2]], self.lhs_dilation[d]) as i64;
                let n = n + self.padding[d].0 + self.padding[d].1;
                let k = rhs[dims.rhs_spec[d + 2]];
                if n < 0 {
                    return Err(format!("the padding {:?} cuts off more than there is", self.padding[d]));
                }
                if k == 0 {
                    return Err("the filter has windows without elements".to_owned());
                }
                Ok(strided(n as usize, dilated(k, self.rhs_dilation[d]), self.window_strides[d]))
            })
            .collect()
    }
    /// The cotangent of the array.
    fn back_to_lhs(&self, ct: &Array, rhs: &Array, to: &Aval) -> Array {
        let ConvDimensionNumbers { lhs_spec, rhs_spec, out_spec } = &self.dimension_numbers;
        let groups = self.feature_group_count.max(self.batch_group_count);
        let mut filter = rhs.clone();
        if groups > 1 {
            // the groups move from the features to the channels, which are features now
            filter = axis_out_of(&filter, rhs_spec[0], groups);
            filter = axis_into(&filter, rhs_spec[0], rhs_spec[1]);
        }
        filter = rev(&filter, &rhs_spec[2..]);
        if filter.dtype() != ct.dtype() {
            filter = convert_element_type(&filter, ct.dtype(), filter.weak_type());
        }
        let back = Conv {
            window_strides: self.lhs_dilation.clone(),
            padding: pads_of_lhs(
                &taken(&to.shape, &lhs_spec[2..]),
                &taken(rhs.shape(), &rhs_spec[2..]),
                &taken(ct.shape(), &out_spec[2..]),
                &self.window_strides,
                &self.padding,
                (&self.lhs_dilation, &self.rhs_dilation),
            ),
            lhs_dilation: self.window_strides.clone(),
            rhs_dilation: self.rhs_dilation.clone(),
            dimension_numbers: ConvDimensionNumbers {
                lhs_spec: out_spec.clone(),
                rhs_spec: swapped(rhs_spec),
                out_spec: lhs_spec.clone(),
            },
            feature_group_count: groups,
            batch_group_count: 1,
            preferred: self.preferred,
            precision: self.precision,
        };
        let mut c = conv_general_dilated(ct, &filter, &back);
        if self.batch_group_count > 1 {
            c = axis_out_of(&c, lhs_spec[1], groups);
            c = axis_into(&c, lhs_spec[1], lhs_spec[0]);
        }
        c
    }
    /// The cotangent of the filter.
    fn back_to_rhs(&self, ct: &Array, lhs: &Array, to: &Aval) -> Array {
        if ct.aval().size() == 0 {
            // windows without elements would be asked for
            return zeros_of(to);
        }
        let ConvDimensionNumbers { lhs_spec, rhs_spec, out_spec } = &self.dimension_numbers;
        let padding = (0..self.padding.len()).map(|d| {
            let reach = |n: usize, by: usize| dilated(n, by) as i64;
            let array = reach(lhs.shape()[lhs_spec[d + 2]], self.lhs_dilation[d]);
            let kernel = reach(to.shape[rhs_spec[d + 2]], self.rhs_dilation[d]);
            let windows = reach(ct.shape()[out_spec[d + 2]], self.window_strides[d]);
            (self.padding[d].0, windows - array + kernel - self.padding[d].0 - 1)
        });
        let back = Conv {
            window_strides: self.rhs_dilation.clone(),
            padding: padding.collect(),
            lhs_dilation: self.lhs_dilation.clone(),
            rhs_dilation: self.window_strides.clone(),
            dimension_numbers: ConvDimensionNumbers {
                lhs_spec: swapped(lhs_spec),
                rhs_spec: swapped(out_spec),
                out_spec: swapped(rhs_spec),
            },
            feature_group_count: self.batch_group_count,
            batch_group_count: self.feature_group_count,
            preferred: self.preferred,
            precision: self.precision,
        };
        let lhs = if lhs.dtype() == ct.dtype() { lhs.clone() } else { convert_element_type(lhs, ct.dtype(), lhs.weak_type()) };
        conv_general_dilated(&lhs, ct, &back)
    }
    /// The result of lanes of which there are none.
    fn no_lanes(&self, x: &[&Array], dims: &[Option<usize>]) -> Array {
        let one_lane = |i: usize| {
            let mut a = x[i].aval().clone();
            if let Some(d) = dims[i] {
                a.shape.remove(d);
            }
            a
        };
        let (lhs, rhs) = (one_lane(0), one_lane(1));
        let out = self.abstract_eval(&[&lhs, &rhs]).unwrap_or_else(|e| crate::error::fail(crate::error::ErrorKind::Shape, e));
        zeros_of(&out[0].with_shape([0].into_iter().chain(out[0].shape.iter().copied())))
    }
}

impl Primitive for Conv {
    fn name(&self) -> &'static str {
        "conv_general_dilated"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let d = &self.dimension_numbers;
        let specs = [&d.lhs_spec, &d.rhs_spec, &d.out_spec].map(|s| tuple(s));
        let dims = format!("ConvDimensionNumbers(lhs_spec={}, rhs_spec={}, out_spec={})", specs[0], specs[1], specs[2]);
        let mut params = vec![
            ("batch_group_count", self.batch_group_count.to_string().into()),
            ("dimension_numbers", dims.into()),
            ("feature_group_count", self.feature_group_count.to_string().into()),
            ("lhs_dilation", tuple(&self.lhs_dilation).into()),
            ("padding", pads_text(&self.padding).into()),
        ];
        if self.precision != Precision::Default {
            params.push(("precision", format!("{:?}", self.precision).to_uppercase().into()))
        }
        if let Some(t) = self.preferred {
            params.push(("preferred_element_type", t.name().into()))
        }
        params.push(("rhs_dilation", tuple(&self.rhs_dilation).into()));
        params.push(("window_strides", tuple(&self.window_strides).into()));
        params
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let dtype = product_type(self.preferred, x)?;
        self.check(x)?;
        let windows = self.windows(&x[0].shape, &x[1].shape)?;
        let ConvDimensionNumbers { lhs_spec, rhs_spec, out_spec } = &self.dimension_numbers;
        let mut shape: Shape = SmallVec::from_elem(0, x[0].ndim());
        shape[out_spec[0]] = x[0].shape[lhs_spec[0]] / self.batch_group_count;
        shape[out_spec[1]] = x[1].shape[rhs_spec[0]];
        for (d, n) in windows.iter().enumerate() {
            shape[out_spec[d + 2]] = *n
        }
        let (weak, varying) = (x[0].weak && x[1].weak, x[0].varying | x[1].varying);
        Ok(one(Aval { dtype, weak, stack: 0, varying, shape }))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        let of = |x: &Array, y: &Array| bind1(self, &[x, y]);
        one(add_tangents(dx[0].map(|d| of(d, x[1])), dx[1].map(|d| of(x[0], d))))
    }
    fn linear_in(&self, m: &[bool]) -> bool {
        exactly_one(m)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        let side = if io.is_linear(0) { 0 } else { 1 };
        let to = io.aval(side).clone();
        let c = match side {
            0 => self.back_to_lhs(ct, io.known(1), &to),
            _ => self.back_to_rhs(ct, io.known(0), &to),
        };
        io.add(side, if c.dtype() == to.dtype { c } else { convert_element_type(&c, to.dtype, to.weak) })
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let size = lanes.size;
        if size == 0 {
            return one((self.no_lanes(x, dims), Some(0)));
        }
        let mut p = self.clone();
        let ConvDimensionNumbers { lhs_spec, rhs_spec, out_spec } = &self.dimension_numbers;
        let (fg, bg) = (self.feature_group_count, self.batch_group_count);
        // groups are outermost; the lanes come behind them: dimension `at` of one lane is groups, lanes and the rest of it
        let behind_groups = |x: &Array, lane: usize, at: usize, groups: usize| {
            let x = axis_out_of(x, at + (lane <= at) as usize, groups);
            let x = axis_into(&x, lane + (at < lane) as usize, at + 1);
            axis_into(&x, at, at)
        };
        match (dims[0], dims[1]) {
            (Some(l), Some(r)) => {
                // every lane is a group of its own
                let (into, count) = if bg > 1 { (lhs_spec[0], &mut p.batch_group_count) } else { (lhs_spec[1], &mut p.feature_group_count) };
                *count *= size;
                let y = conv_general_dilated(&axis_into(x[0], l, into), &axis_into(x[1], r, rhs_spec[0]), &p);
                one((axis_out_of(&y, out_spec[1], size), Some(out_spec[1])))
            }
            (Some(l), None) => {
                let at = lhs_spec[0];
                let lhs = if bg == 1 { axis_into(x[0], l, at) } else { behind_groups(x[0], l, at, bg) };
                let y = conv_general_dilated(&lhs, x[1], &p);
                one((axis_out_of(&y, out_spec[0], size), Some(out_spec[0])))
            }
            (_, r) => {
                let (r, at, groups) = (r.expect("a mapped operand"), rhs_spec[0], fg.max(bg));
                if groups == 1 {
                    let y = conv_general_dilated(x[0], &axis_into(x[1], r, at), &p);
                    return one((axis_out_of(&y, out_spec[1], size), Some(out_spec[1])));
                }
                let y = conv_general_dilated(x[0], &behind_groups(x[1], r, at, groups), &p);
                let y = axis_out_of(&y, out_spec[1], groups);
                let y = axis_out_of(&y, out_spec[1] + 1, size);
                one((axis_into(&y, out_spec[1], out_spec[1] + 1), Some(out_spec[1])))
            }
        }
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let ConvDimensionNumbers { lhs_spec, rhs_spec, out_spec } = &self.dimension_numbers;
        let (fg, bg) = (self.feature_group_count, self.batch_group_count);
        let groups = fg.max(bg);
        let [lhs, rhs, out] = [&ins[0].shape, &ins[1].shape, &outs[0].shape];
        // batch, channels and spatial dimensions as the engine has them: groups in front
        let viewed = |shape: &[usize], dims: &[(usize, usize, i64)]| {
            let natural = row_major(shape);
            let mut v = View::splat(&dims.iter().map(|d| d.1).collect::<Vec<_>>());
            for (to, (d, _, times)) in v.strides.iter_mut().zip(dims) {
                *to = natural[*d] * times
            }
            v
        };
        let (batch, channels, features) = (lhs[lhs_spec[0]] / bg, lhs[lhs_spec[1]] / fg, rhs[rhs_spec[0]] / groups);
        let group = if bg > 1 { (lhs_spec[0], groups, batch as i64) } else { (lhs_spec[1], groups, channels as i64) };
        let space = lhs_spec[2..].iter().map(|d| (*d, lhs[*d], 1));
        let array: Vec<_> = [group, (lhs_spec[0], batch, 1)].into_iter().chain(space).chain([(lhs_spec[1], channels, 1)]).collect();
        let space = rhs_spec[2..].iter().map(|d| (*d, rhs[*d], 1));
        let ends = [(rhs_spec[1], channels, 1), (rhs_spec[0], features, 1)];
        let filter: Vec<_> = [(rhs_spec[0], groups, features as i64)].into_iter().chain(space).chain(ends).collect();
        let (a, f) = (viewed(lhs, &array), viewed(rhs, &filter));
        let slides = (0..self.padding.len()).map(|d| Slide {
            size: rhs[rhs_spec[d + 2]],
            stride: self.window_strides[d],
            dilation: self.rhs_dilation[d],
            base: self.lhs_dilation[d],
            lo: self.padding[d].0,
        });
        // the result's dimensions in the engine's order, which is one of two: the one that is nearer to ours
        let batch_last = out_spec.get(2).is_some_and(|s| *s < out_spec[0]);
        let mut order: Shape = out_spec[2..].iter().copied().collect();
        order.insert(if batch_last { order.len() } else { 0 }, out_spec[0]);
        let mut dims: Vec<usize> = order.iter().map(|d| out[*d]).collect();
        dims.extend([groups, features]);
        let acc = accumulator(self.preferred, ins[0].dtype);
        let mut spec = ConvSpec { slides: slides.collect(), batch_last, acc, order: ConvOrder::Chain };
        let windows = taken(out, &out_spec[2..]);
        let allowed = self.precision == Precision::Default && ins[0].dtype == DType::Float32 && spec.has_tiles(&windows, channels);
        if allowed && tiles_pay(&taken(rhs, &rhs_spec[2..]), &windows, [batch, channels, features]) {
            spec.order = ConvOrder::Winograd
        }
        let ty = Ty::new(outs[0].dtype.dt(), &dims);
        let y = super::polyphase::convolution(l, (x[0], &a), (x[1], &f), &spec, &ty).unwrap_or_else(|| {
            let (a, f) = (l.p.through(x[0], a), l.p.through(x[1], f));
            l.p.push(Kind::Conv(Arc::new(spec)), &[a, f], &[ty])
        });
        let natural = row_major(&dims);
        let mut v = View::splat(out);
        for (d, s) in order.iter().zip(&natural) {
            v.strides[*d] = *s
        }
        v.strides[out_spec[1]] = 1;
        one(l.view(y, v))
    }
}

/// Pairs of paddings as JAX prints them.
pub(super) fn pads_text(pads: &[(i64, i64)]) -> String {
    let comma = if pads.len() == 1 { "," } else { "" };
    let pairs: Vec<String> = pads.iter().map(|(lo, hi)| format!("({lo}, {hi})")).collect();
    format!("({}{comma})", pairs.join(", "))
}

pub(super) const READ: &[Read] = &[("conv_general_dilated", |p, x| {
    let d = p.object("dimension_numbers")?;
    let spec = |name| d.usizes(name).map(Shape::from_vec);
    let preferred = p.opt("preferred_element_type").map(|_| crate::jaxpr::dtype_param(p, "preferred_element_type"));
    // that of both operands; other names than those of the faster ways mean that of the type
    let fast = |names: &Vec<&str>| names.iter().all(|n| ["DEFAULT", "default", "fastest", "bfloat16"].contains(n));
    let precision = if p.opt_precision("precision")?.is_none_or(|names| fast(&names)) { Precision::Default } else { Precision::Highest };
    let conv = Conv {
        window_strides: p.usizes("window_strides")?.into(),
        padding: p.pairs("padding")?.into(),
        lhs_dilation: p.usizes("lhs_dilation")?.into(),
        rhs_dilation: p.usizes("rhs_dilation")?.into(),
        dimension_numbers: ConvDimensionNumbers {
            lhs_spec: spec("lhs_spec")?,
            rhs_spec: spec("rhs_spec")?,
            out_spec: spec("out_spec")?,
        },
        feature_group_count: p.usize("feature_group_count")?,
        batch_group_count: p.usize("batch_group_count")?,
        preferred: preferred.transpose()?,
        precision,
    };
    Ok(one(conv_general_dilated(&x[0], &x[1], &conv)))
})];

/// The parameters of a sample: letters of the dimensions, and windows side by side without padding.
fn plain(letters: (&str, &str, &str)) -> Conv {
    let dimension_numbers = ConvDimensionNumbers::from_letters(letters).expect("letters");
    let ones: Shape = SmallVec::from_elem(1, dimension_numbers.lhs_spec.len() - 2);
    Conv {
        padding: SmallVec::from_elem((0, 0), ones.len()),
        window_strides: ones.clone(),
        lhs_dilation: ones.clone(),
        rhs_dilation: ones,
        dimension_numbers,
        feature_group_count: 1,
        batch_group_count: 1,
        preferred: None,
        precision: Precision::Default,
    }
}

pub(super) fn cases() -> Vec<Case> {
    let sample = |shape: &[usize], seed: usize| {
        let n: usize = shape.iter().product();
        let data: Vec<f64> = (0..n).map(|i| ((i * 7 + seed * 3) % 11) as f64 * 0.25 - 1.25).collect();
        Array::from_slice(&data, shape)
    };
    let pair = |x: &[usize], y: &[usize]| vec![sample(x, 1), sample(y, 2)];
    fn run(x: &[Array], p: &Conv) -> Vec<Array> {
        vec![conv_general_dilated(&x[0], &x[1], p)]
    }
    const NHWC: (&str, &str, &str) = ("NHWC", "HWIO", "NHWC");
    vec![
        Case { name: "two dimensions", args: pair(&[2, 2, 3, 4], &[3, 2, 2, 2]), run: |x| run(x, &plain(("NCHW", "OIHW", "NCHW"))) },
        Case {
            name: "channels last, padding",
            args: pair(&[1, 3, 4, 2], &[3, 2, 2, 3]),
            run: |x| run(x, &Conv { padding: [(1, 1), (0, 1)].into_iter().collect(), ..plain(NHWC) }),
        },
        Case {
            name: "strides and dilations",
            args: pair(&[1, 4, 3, 1], &[2, 2, 1, 2]),
            run: |x| {
                let two = || Shape::from_slice(&[2, 1]);
                let padding: Pads = [(1, 2), (2, 0)].into_iter().collect();
                let strided = Conv { window_strides: two(), padding: padding.clone(), ..plain(NHWC) };
                let dilated = Conv { rhs_dilation: two(), padding: padding.clone(), ..plain(NHWC) };
                let spread = Conv { lhs_dilation: two(), padding, ..plain(NHWC) };
                [strided, dilated, spread].iter().flat_map(|p| run(x, p)).collect()
            },
        },
        Case {
            name: "negative padding",
            args: pair(&[1, 5, 1], &[2, 1, 2]),
            run: |x| run(x, &Conv { padding: [(-1, 0)].into_iter().collect(), ..plain(("NHC", "HIO", "NHC")) }),
        },
        Case {
            name: "groups of features",
            args: pair(&[1, 4, 4], &[4, 2, 2]),
            run: |x| run(x, &Conv { feature_group_count: 2, ..plain(("NCH", "OIH", "NCH")) }),
        },
        Case {
            name: "groups of the batch",
            args: pair(&[4, 1, 3], &[2, 1, 2]),
            run: |x| run(x, &Conv { batch_group_count: 2, ..plain(("NCH", "OIH", "HNC")) }),
        },
        Case { name: "no spatial dimension", args: pair(&[2, 3], &[3, 2]), run: |x| run(x, &plain(("NC", "IO", "NC"))) },
        Case {
            name: "types",
            args: vec![Array::from_slice(&[1.5f32, -2.0, 0.5, 1.0, 3.0, -1.0], &[1, 2, 3]), Array::from_slice(&[1.0f32, 2.0, -0.5, 1.0], &[1, 2, 2])],
            run: |x| {
                let to = |x: &Array, t| convert_element_type(x, t, false);
                let of = |t, preferred| {
                    let p = Conv { preferred, ..plain(("NCH", "OIH", "NCH")) };
                    conv_general_dilated(&to(&x[0], t), &to(&x[1], t), &p)
                };
                vec![of(DType::Float16, None), of(DType::BFloat16, Some(DType::Float32)), of(DType::Int8, Some(DType::Int32)), of(DType::Bool, None)]
            },
        },
        Case {
            name: "complex",
            args: pair(&[1, 3, 2], &[2, 2, 1]),
            run: |x| {
                let z = [complex(&x[0], &neg(&x[0])), complex(&lit(&x[1], 0.5), &x[1])];
                let y = conv_general_dilated(&z[0], &z[1], &plain(("NHC", "HIO", "NHC")));
                vec![real(&y), imag(&y)]
            },
        },
        Case { name: "no window, and no channel", args: pair(&[1, 2, 2], &[3, 2, 1]), run: |x| {
            let none = |a: &Array, d: usize| {
                let mut to = a.shape().to_vec();
                to[d] = 0;
                slice(a, &[0; 3], &to, None)
            };
            let p = plain(("NHC", "HIO", "NHC"));
            let wide = Conv { padding: [(1, 1)].into_iter().collect(), ..p.clone() };
            vec![conv_general_dilated(&x[0], &x[1], &p), conv_general_dilated(&none(&x[0], 2), &none(&x[1], 1), &wide)]
        } },
    ]
}
