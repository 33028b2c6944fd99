//! What moves windows over an array: convolutions, folds of windows, and the extremes of windows.

use crate::Dt;
use smallvec::SmallVec;

/// How windows lie along one dimension.
///
/// Element `j` of window `i` lies at `q = i * stride + j * dilation - lo` of the operand whose elements are `base` apart: it is element
/// `q / base` if that division has no rest and the operand has such an element, else *padding*. How many windows there are is the extent of
/// the result, so that padding at the end needs no number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Slide {
    /// Elements of a window, at least 1.
    pub size: usize,
    /// From a window to the next, at least 1.
    pub stride: usize,
    /// From an element of a window to the next, at least 1.
    pub dilation: usize,
    /// From an element of the operand to the next, at least 1.
    pub base: usize,
    /// Places before the first element of the operand. Negative: so many places are left out.
    pub lo: i64,
}
impl Slide {
    /// Windows of one element, one for each element.
    pub const UNIT: Slide = Slide { size: 1, stride: 1, dilation: 1, base: 1, lo: 0 };
    /// The operand's element, of `n`, that is element `j` of window `i`.
    pub fn at(&self, i: usize, j: usize, n: usize) -> Option<usize> {
        let q = (i * self.stride + j * self.dilation) as i64 - self.lo;
        let base = self.base as i64;
        (q >= 0 && q % base == 0 && q / base < n as i64).then(|| (q / base) as usize)
    }
}

/// A convolution. Operands: the array `[groups, batch, spatial.., channels]` and the filter `[groups, spatial.., channels, features]`, of one
/// element type and usually through views. The result is `[batch, windows.., groups, features]`, or `[windows.., batch, groups, features]`:
/// for each window the sum of the products of its elements and the filter's.
///
/// The sum is the `Chain` of [`DotSpec`](crate::DotSpec) over the filter's dimensions and then its channels, in row-major order.
/// Padding takes part in it: it is zero. Types as there: operands are converted to `acc`, and the sums from it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ConvSpec {
    /// One for each spatial dimension; the sizes are those of the filter.
    pub slides: SmallVec<[Slide; 2]>,
    /// Do the batch's elements of a window lie side by side in the result?
    pub batch_last: bool,
    /// The type of products and sums.
    pub acc: Dt,
}

/// One for each dimension of the operand.
pub type WindowSpec = SmallVec<[Slide; 4]>;
