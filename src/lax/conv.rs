//! Convolutions.

use super::window::{Padding, padtype_to_pads};
use crate::array::Array;
use crate::aval::Shape;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::prim::{self, Conv, ConvDimensionNumbers, Precision, eq, iota};

/// The convolution of `lhs`, with dimensions batch, channels and then spatial ones, with the filter `rhs`: features, channels, spatial ones. The result has
/// batch, features, spatial dimensions. [`ConvGeneralDilated`] has the options. As `jax.lax.conv_general_dilated`.
///
/// Windows move over `lhs`; an element of the result is the sum of the products of a window's elements and the filter's, which is not reversed. The order of that
/// sum is fixed.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// let x = array![[[1., 2., 4., 8.]]]; // one signal of one channel
/// let steps = array![[[-1., 1.]]];
/// assert_eq!(lax::conv_general_dilated(&x, &steps, &[1], "VALID").to_string(), "[[[1. 2. 4.]]]");
/// assert_eq!(lax::conv_general_dilated(&x, &steps, &[2], [(1, 0)]).to_string(), "[[[1. 2.]]]");
/// ```
///
/// # Panics
/// If ranks, extents or element types do not fit.
#[track_caller]
pub fn conv_general_dilated(lhs: &Array, rhs: &Array, window_strides: &[usize], padding: impl Into<Padding>) -> Array {
    ConvGeneralDilated::new(window_strides, padding).run(lhs, rhs)
}

/// [`conv_general_dilated`] with padding by name only. As `jax.lax.conv`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let x = array![[[1., 2., 4., 8.]]];
/// assert_eq!(lax::conv(&x, &array![[[-1., 1.]]], &[1], "VALID").to_string(), "[[[1. 2. 4.]]]");
/// ```
///
/// # Panics
/// As [`conv_general_dilated`].
#[track_caller]
pub fn conv(lhs: &Array, rhs: &Array, window_strides: &[usize], padding: &str) -> Array {
    conv_general_dilated(lhs, rhs, window_strides, padding)
}

/// [`conv_general_dilated`] with dilations. As `jax.lax.conv_with_general_padding`.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let (x, steps) = (array![[[1., 2., 4., 8.]]], array![[[-1., 1.]]]);
/// // the difference of elements that are two apart
/// assert_eq!(lax::conv_with_general_padding(&x, &steps, &[1], "VALID", &[1], &[2]).to_string(), "[[[3. 6.]]]");
/// ```
///
/// # Panics
/// As [`conv_general_dilated`].
#[track_caller]
pub fn conv_with_general_padding(
    lhs: &Array,
    rhs: &Array,
    window_strides: &[usize],
    padding: impl Into<Padding>,
    lhs_dilation: &[usize],
    rhs_dilation: &[usize],
) -> Array {
    let conv = ConvGeneralDilated::new(window_strides, padding).lhs_dilation(lhs_dilation).rhs_dilation(rhs_dilation);
    conv.run(lhs, rhs)
}

/// Letters for the dimensions of array, filter and result, such as `("NHWC", "HWIO", "NHWC")`, or their numbers.
impl From<(&str, &str, &str)> for ConvDimensionNumbers {
    /// # Panics
    /// If the letters do not fit each other.
    #[track_caller]
    fn from(letters: (&str, &str, &str)) -> ConvDimensionNumbers {
        let numbers = ConvDimensionNumbers::from_letters(letters);
        numbers.unwrap_or_else(|e| fail(ErrorKind::Shape, format!("dimension numbers of a convolution: {e}")))
    }
}

/// A convolution with options.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax::ConvGeneralDilated;
/// let ones = |shape: &[usize]| Array::from_slice(&vec![1f32; shape.iter().product()], shape);
/// let (pictures, filter) = (ones(&[8, 28, 28, 3]), ones(&[3, 3, 3, 16]));
/// let conv = ConvGeneralDilated::new(&[2, 2], "SAME").dimension_numbers(("NHWC", "HWIO", "NHWC"));
/// assert_eq!(conv.run(&pictures, &filter).shape(), [8, 14, 14, 16]);
/// ```
#[derive(Clone, Debug)]
pub struct ConvGeneralDilated {
    strides: Shape,
    padding: Padding,
    lhs_dilation: Option<Shape>,
    rhs_dilation: Option<Shape>,
    numbers: Option<ConvDimensionNumbers>,
    groups: [usize; 2],
    preferred: Option<DType>,
    precision: Precision,
}
impl ConvGeneralDilated {
    /// With a step from a window to the next for each spatial dimension, and zeros around the array: `"SAME"`, `"SAME_LOWER"`, `"VALID"`, or numbers.
    ///
    /// ```
    /// use cotangent::{lax::ConvGeneralDilated, prelude::*};
    /// let (x, pair) = (array![[[1., 2., 4., 8.]]], array![[[1., 1.]]]);
    /// assert_eq!(ConvGeneralDilated::new(&[2], "VALID").run(&x, &pair).to_string(), "[[[ 3. 12.]]]");
    /// assert_eq!(ConvGeneralDilated::new(&[2], [(1, 1)]).run(&x, &pair).to_string(), "[[[1. 6. 8.]]]");
    /// ```
    #[track_caller]
    pub fn new(window_strides: &[usize], padding: impl Into<Padding>) -> ConvGeneralDilated {
        ConvGeneralDilated {
            strides: window_strides.into(),
            padding: padding.into(),
            lhs_dilation: None,
            rhs_dilation: None,
            numbers: None,
            groups: [1, 1],
            preferred: None,
            precision: Precision::Default,
        }
    }
    /// From an element of the array to the next, with zeros between: what is called a transposed convolution.
    ///
    /// ```
    /// use cotangent::{lax::ConvGeneralDilated, prelude::*};
    /// let y = ConvGeneralDilated::new(&[1], [(1, 1)]).lhs_dilation(&[2]).run(&array![[[1., 2.]]], &array![[[3., 5.]]]);
    /// assert_eq!(y.to_string(), "[[[ 5.  3. 10.  6.]]]");
    /// ```
    pub fn lhs_dilation(mut self, dilation: &[usize]) -> ConvGeneralDilated {
        self.lhs_dilation = Some(dilation.into());
        self
    }
    /// From an element of a window to the next.
    ///
    /// ```
    /// use cotangent::{lax::ConvGeneralDilated, prelude::*};
    /// let x = array![[[1., 2., 4., 8.]]];
    /// let y = ConvGeneralDilated::new(&[1], "VALID").rhs_dilation(&[3]).run(&x, &array![[[-1., 1.]]]);
    /// assert_eq!(y.to_string(), "[[[7.]]]");
    /// ```
    pub fn rhs_dilation(mut self, dilation: &[usize]) -> ConvGeneralDilated {
        self.rhs_dilation = Some(dilation.into());
        self
    }
    /// Which dimensions are what: letters of array, filter and result. `N` is the batch, `C` are channels or features, `I` and `O` channels and features of the
    /// filter; other letters are spatial dimensions, and strides, padding and dilations are in their order in the filter.
    ///
    /// ```
    /// use cotangent::{lax::ConvGeneralDilated, prelude::*};
    /// // one signal of three times and one channel, the channel last
    /// let conv = ConvGeneralDilated::new(&[1], "VALID").dimension_numbers(("NWC", "WIO", "NWC"));
    /// assert_eq!(conv.run(&array![[[1.], [2.], [4.]]], &array![[[1.]], [[10.]]]).to_string(), "[[[21.]\n  [42.]]]");
    /// ```
    #[track_caller]
    pub fn dimension_numbers(mut self, numbers: impl Into<ConvDimensionNumbers>) -> ConvGeneralDilated {
        self.numbers = Some(numbers.into());
        self
    }
    /// So many groups of channels; the features are in as many, and those of a group see its channels only.
    ///
    /// ```
    /// use cotangent::{lax::ConvGeneralDilated, prelude::*};
    /// // two channels, each with a filter of its own
    /// let conv = ConvGeneralDilated::new(&[1], "VALID").feature_group_count(2);
    /// let y = conv.run(&array![[[1., 2.], [3., 4.]]], &array![[[10.]], [[100.]]]);
    /// assert_eq!(y.to_string(), "[[[ 10.  20.]\n  [300. 400.]]]");
    /// ```
    pub fn feature_group_count(mut self, groups: usize) -> ConvGeneralDilated {
        self.groups[0] = groups;
        self
    }
    /// So many groups in the batch; the features are in as many, and those of a group see its part of the batch only.
    ///
    /// ```
    /// use cotangent::{lax::ConvGeneralDilated, prelude::*};
    /// // two examples, each with a filter of its own
    /// let conv = ConvGeneralDilated::new(&[1], "VALID").batch_group_count(2);
    /// let y = conv.run(&array![[[1., 2.]], [[3., 4.]]], &array![[[10.]], [[100.]]]);
    /// assert_eq!(y.to_string(), "[[[ 10.  20.]\n  [300. 400.]]]");
    /// ```
    pub fn batch_group_count(mut self, groups: usize) -> ConvGeneralDilated {
        self.groups[1] = groups;
        self
    }
    /// The element type of the result; sums are made in it, if it is the wider one.
    ///
    /// ```
    /// use cotangent::{lax::ConvGeneralDilated, prelude::*};
    /// let (x, pair) = (array(vec![100i8, 100]).reshape(&[1, 1, 2]), array(vec![1i8, 1]).reshape(&[1, 1, 2]));
    /// let y = ConvGeneralDilated::new(&[1], "VALID").preferred_element_type(DType::Int32).run(&x, &pair);
    /// assert_eq!(y.to_string(), "[[[200]]]");
    /// ```
    pub fn preferred_element_type(mut self, dtype: DType) -> ConvGeneralDilated {
        self.preferred = Some(dtype);
        self
    }
    /// How sums are made: see [`Precision`].
    ///
    /// ```
    /// use cotangent::{lax::{ConvGeneralDilated, Precision}, prelude::*};
    /// let conv = ConvGeneralDilated::new(&[1], "VALID").precision(Precision::Highest);
    /// assert_eq!(conv.run(&array![[[1., 2., 4.]]], &array![[[1., 10.]]]).to_string(), "[[[21. 42.]]]");
    /// ```
    pub fn precision(mut self, precision: Precision) -> ConvGeneralDilated {
        self.precision = precision;
        self
    }
    /// The convolution.
    ///
    /// ```
    /// use cotangent::{lax::ConvGeneralDilated, prelude::*};
    /// // two features of two channels
    /// let (x, filter) = (array![[[1., 2.], [10., 20.]]], array![[[1.], [1.]], [[0.], [-1.]]]);
    /// let y = ConvGeneralDilated::new(&[1], "SAME").run(&x, &filter);
    /// assert_eq!(y.to_string(), "[[[ 11.  22.]\n  [-10. -20.]]]");
    /// ```
    ///
    /// # Panics
    /// If ranks, extents, groups or element types do not fit each other, or if the padding has a name and the array is dilated.
    #[track_caller]
    pub fn run(&self, lhs: &Array, rhs: &Array) -> Array {
        let rank = lhs.ndim();
        let numbers = self.numbers.clone().unwrap_or_else(|| ConvDimensionNumbers::of_rank(rank));
        let ones = || Shape::from_elem(1, rank.saturating_sub(2));
        let lhs_dilation = self.lhs_dilation.clone().unwrap_or_else(ones);
        let rhs_dilation = self.rhs_dilation.clone().unwrap_or_else(ones);
        let padding = match &self.padding {
            Padding::Explicit(pads) => pads.clone(),
            named => {
                if lhs_dilation.iter().any(|d| *d != 1) {
                    let what = "the padding of an array with dilation is given in numbers; conv_transpose takes names";
                    fail(ErrorKind::Value, format!("conv_general_dilated: {what}"))
                }
                let (array, filter) = (spatial(lhs, &numbers.lhs_spec), spatial(rhs, &numbers.rhs_spec));
                let reach = |(n, d): (&usize, &usize)| n.saturating_sub(1) * d + n.min(&1);
                let reach: Vec<usize> = filter.iter().zip(&rhs_dilation).map(reach).collect();
                if reach.len() == array.len() && self.strides.len() == array.len() && !self.strides.contains(&0) {
                    padtype_to_pads(&array, &reach, &self.strides, named)
                } else {
                    // the operation says what does not fit
                    vec![(0, 0); array.len()]
                }
            }
        };
        let p = Conv {
            window_strides: self.strides.clone(),
            padding: padding.into(),
            lhs_dilation,
            rhs_dilation,
            dimension_numbers: numbers,
            feature_group_count: self.groups[0],
            batch_group_count: self.groups[1],
            preferred: self.preferred,
            precision: self.precision,
        };
        prim::conv_general_dilated(lhs, rhs, &p)
    }
}

/// The extents of the spatial dimensions, as far as there are such dimensions: what is wrong is told by the operation.
fn spatial(x: &Array, spec: &[usize]) -> Vec<usize> {
    spec.iter().skip(2).filter_map(|d| x.shape().get(*d).copied()).collect()
}

/// The convolution in which `strides` lie between the elements of the array: as large as what a convolution with these strides started from. Without
/// `transpose_kernel` the filter is used as it is; with it, it is that of the convolution whose gradient this is. Dimensions are
/// batch, spatial ones, channels, and of the filter spatial ones, channels, features. As `jax.lax.conv_transpose`.
///
/// Padding by name is that of the convolution; in numbers it is what is put around the array.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// let x = array![[[1.], [2.]]];
/// let filter = array![[[1.]], [[1.]], [[1.]]];
/// let y = lax::conv_transpose(&x, &filter, &[2], "VALID", false);
/// assert_eq!(y.reshape(&[5]).to_string(), "[1. 1. 3. 2. 2.]");
/// ```
///
/// # Panics
/// As [`conv_general_dilated`].
#[track_caller]
pub fn conv_transpose(
    lhs: &Array,
    rhs: &Array,
    strides: &[usize],
    padding: impl Into<Padding>,
    transpose_kernel: bool,
) -> Array {
    let rank = lhs.ndim();
    if rank < 2 || rhs.ndim() != rank || strides.len() != rank - 2 {
        let what = format!("{} and {} with {} strides", lhs.aval(), rhs.aval(), strides.len());
        fail(
            ErrorKind::Shape,
            format!("conv_transpose: {what}: the same number of dimensions, and a stride for each spatial one"),
        )
    }
    let with_ends = |first: usize, second: usize| -> Shape { [first, second].into_iter().chain(1..rank - 1).collect() };
    let mut rhs_spec: Shape = [rank - 1, rank - 2].into_iter().chain(0..rank - 2).collect();
    let numbers = |rhs_spec: Shape| ConvDimensionNumbers {
        lhs_spec: with_ends(0, rank - 1),
        rhs_spec,
        out_spec: with_ends(0, rank - 1),
    };
    let pads = |k: i64, s: i64, named: &Padding| {
        let (all, before) = match named {
            Padding::Valid => (k + s - 2 + (k - s).max(0), k - 1),
            _ => (k + s - 2, if s > k - 1 { k - 1 } else { (k + s - 1) / 2 }),
        };
        (before, all - before)
    };
    let padding = match padding.into() {
        Padding::Explicit(pads) => pads,
        Padding::SameLower => {
            fail(ErrorKind::Value, "conv_transpose: the padding is \"SAME\", \"VALID\" or given in numbers")
        }
        named => (0..rank - 2).map(|d| pads(rhs.shape()[d] as i64, strides[d] as i64, &named)).collect(),
    };
    let mut filter = rhs.clone();
    if transpose_kernel {
        filter = prim::rev(&filter, &(0..rank - 2).collect::<Vec<_>>());
        rhs_spec.swap(0, 1);
    }
    let conv = ConvGeneralDilated::new(&vec![1; rank - 2], padding).lhs_dilation(strides);
    conv.dimension_numbers(numbers(rhs_spec)).run(lhs, &filter)
}

impl ConvGeneralDilated {
    /// The windows themselves, with these extents: each element of a window, of each channel, is a feature, and the elements of a channel come one behind the
    /// other. As `jax.lax.conv_general_dilated_patches`.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::lax::ConvGeneralDilated;
    /// let x = array![[[1., 2., 3.]]];
    /// let pairs = ConvGeneralDilated::new(&[1], "VALID").patches(&x, &[2]);
    /// assert_eq!(pairs.to_string(), "[[[1. 2.]\n  [2. 3.]]]");
    /// ```
    ///
    /// # Panics
    /// As [`run`](ConvGeneralDilated::run).
    #[track_caller]
    pub fn patches(&self, lhs: &Array, filter_shape: &[usize]) -> Array {
        let rank = lhs.ndim();
        let numbers = self.numbers.clone().unwrap_or_else(|| ConvDimensionNumbers::of_rank(rank));
        if numbers.rhs_spec.len() != rank || rank != filter_shape.len() + 2 {
            let what = format!("windows {filter_shape:?} for {}", lhs.aval());
            fail(
                ErrorKind::Shape,
                format!("conv_general_dilated_patches: {what}: an extent for each spatial dimension"),
            )
        }
        let (size, channels) = (filter_shape.iter().product::<usize>(), lhs.shape()[numbers.lhs_spec[1]]);
        // one feature for each place of a window, and that in each channel
        let places = [size, size];
        let one = eq(&iota(DType::Int32, &places, 0), &iota(DType::Int32, &places, 1));
        let one = prim::convert_element_type(&one, lhs.dtype(), false);
        let all = prim::broadcast_in_dim(&one, &[channels, size, size], &[1, 2]);
        let filter = prim::reshape(&all, &[&[channels * size, 1], filter_shape].concat());
        let mut order = numbers.rhs_spec.clone();
        for (k, d) in numbers.rhs_spec.iter().enumerate() {
            order[*d] = k;
        }
        let conv = ConvGeneralDilated { numbers: Some(numbers), groups: [channels, 1], ..self.clone() };
        conv.run(lhs, &prim::transpose(&filter, &order))
    }
}
