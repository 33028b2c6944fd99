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
/// The order of the sum is that of [`ConvOrder`]. Padding takes part in it: it is zero. Types as in [`DotSpec`](crate::DotSpec): operands are
/// converted to `acc`, and the sums from it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ConvSpec {
    /// One for each spatial dimension; the sizes are those of the filter.
    pub slides: SmallVec<[Slide; 2]>,
    /// Do the batch's elements of a window lie side by side in the result?
    pub batch_last: bool,
    /// The type of products and sums.
    pub acc: Dt,
    /// How the sums are made.
    pub order: ConvOrder,
}

/// How the sums of a convolution are made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConvOrder {
    /// The `Chain` of [`DotSpec`](crate::DotSpec) over the filter's dimensions and then its channels, in row-major order.
    Chain,
    /// Winograd's minimal filtering (S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin and S. Gray, Fast Algorithms for
    /// Convolutional Neural Networks, 2016), of two spatial dimensions, in `f32`, without strides and dilations. Four neighbors are enough for four
    /// numbers that take six multiplications otherwise; in two dimensions 16 instead of 36.
    ///
    /// In one dimension four elements `d` of the array become `(d0 - d2, d1 + d2, d2 - d1, d1 - d3)`, and either
    ///
    /// * windows have three elements: two results at a time. The filter `g` becomes `(g0, ((g0 + g2) + g1) / 2, ((g0 + g2) - g1) / 2, g2)`, and the
    ///   products `m` become the results `((m0 + m1) + m2, (m1 - m2) - m3)`;
    /// * or there are three windows, of any size, as in the gradient of such a filter: two elements of the filter at a time. They become
    ///   `(g0, (g0 + g1) / 2, (g0 - g1) / 2, g1)`, and the products become `((m0 + m1) + m2, m1 - m2, (m1 + m2) - m3)`.
    ///
    /// All that is done for the first spatial dimension and then for the second, from the first window (or element of the filter) on. Of a tile
    /// that goes further than the windows (or the filter) the rest counts as zero, and so do elements that no window sees.
    ///
    /// In the first case the products of a tile are added over the channels, as the `Chain` of them. In the second they are added over all tiles
    /// and channels: for each row of tiles (those along the last dimension) and each set of channels, chains of the tiles of one channel after the
    /// other, of at most 256 elements, each added to the ones before. A set has so many channels that they have about 128 tiles, at least one; sets
    /// are equally large but for the last. 64 sets at a time make a sum, and these are combined in adjacent pairs, level by level, an odd one passing
    /// through.
    ///
    /// What is not finite spreads to all results of its tiles, and a difference of very large numbers may overflow where the chain does not.
    Winograd,
}

impl ConvSpec {
    /// The tiles of a row that are taken together, about, if there are three windows.
    const SET: usize = 128;

    /// May the sums be made as [`ConvOrder::Winograd`] says, with so many windows and channels?
    pub fn has_tiles(&self, windows: &[usize], channels: usize) -> bool {
        // What is copied of a row must be countable, also where an array is one number again and again.
        let plain = |s: &Slide| s.stride == 1 && s.dilation == 1 && s.base == 1 && s.size <= 1 << 16;
        let two = self.slides.len() == 2 && windows.len() == 2;
        let three = self.slides.iter().all(|s| s.size == 3) || windows.iter().all(|n| *n == 3);
        two && three && self.acc == Dt::F32 && self.slides.iter().all(plain) && channels <= 64 * 256
    }
    /// How many channels are a set, if there are so many and so many tiles in a row.
    pub(crate) fn set(channels: usize, tiles: usize) -> usize {
        let most = (Self::SET / tiles.max(1)).max(1);
        channels.div_ceil(channels.div_ceil(most).max(1)).max(1)
    }
}

/// One for each dimension of the operand.
pub type WindowSpec = SmallVec<[Slide; 4]>;
