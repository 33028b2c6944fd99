//! The tensor program: what the front end lowers to, and what every node means.
//!
//! Values are dense arrays in row-major order. Node ids are topological by construction: a node uses only values made before it.
//! Everything is an index into flat vectors. [`Program::check`] validates a program once, after which the engine may run it
//! without looking at bounds again.
//!
//! # What a scalar operation computes
//!
//! Types in bodies are the storage types without the complex ones. Integers wrap. `F16` and `Bf16` are computed in `f32` **and
//! rounded back after every operation**, because an eager program stores each result. Nothing is contracted or reassociated;
//! [`Op::MulAdd`] alone rounds once. A complex operand of a map is read as two real ones ([`Part`]), and a complex result is
//! written from two.
//!
//! # The order of sums
//!
//! * `Reduce` of R elements (flat row-major index k over its run of dimensions): blocks of [`BLOCK`] = 4096 consecutive k; in a
//!   block, W lanes (256 bytes divided by the size of the accumulator type: 64 for `f32`, 32 for `f64` and `c64`, 16 for `c128`):
//!   element k goes to lane `k mod W`, in ascending k, by `lane = lane op x`; lanes are folded by halving,
//!   `lane[i] = lane[i] op lane[i + h]` for h = W/2, .., 1; block results are combined in adjacent pairs, level by level, an odd one
//!   passing through. A block of at most [`FEW`] = 8 elements is folded from left to right instead. Only elements that exist take
//!   part (lanes start at the identity: -0.0 for a sum of floats). R = 0 gives the identity (+0.0 for sums). `F16` and `Bf16`
//!   accumulate in `f32` and round once, at the end.
//! * `Prefix`: blocks of 1024 along the axis. In a block, groups of 16: inclusive scan by shifts 1, 2, 4, 8
//!   (`v[i] = v[i - s] op v[i]` for all i >= s at once), then `p = c op v` with c the last p of the previous group of the block
//!   (none for the first group); `y = off op p` with off the total of all earlier blocks, added block by block (none for the first
//!   block). Reverse is the same on the reversed axis. `F16` and `Bf16` accumulate in `f32` and round each result once.
//!   `LogAddExp` is sequential instead: `y[i] = logaddexp(y[i-1], x[i])`.
//! * `Dot`: see [`DotSpec`]. `Conv`: see [`ConvOrder`].

use crate::{Dt, Lib};
use smallvec::SmallVec;
use std::sync::Arc;

mod windows;
pub use windows::{ConvOrder, ConvSpec, Slide, WindowSpec};

/// Extents or permutations. Inline up to six.
pub type Dims = SmallVec<[usize; 6]>;
/// A value: the index into [`Program::vals`].
pub type ValId = u32;
/// The block of the reduction tree, in elements.
pub const BLOCK: usize = 4096;
/// A block of the reduction tree with at most this many elements is folded from left to right.
pub const FEW: usize = 8;
/// Lanes of the reduction tree for an accumulator of this many bytes.
pub const fn lanes(acc_size: usize) -> usize {
    256 / acc_size
}

/// Type and extents of a value.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ty {
    /// Element type.
    pub dt: Dt,
    /// Extents, outermost first.
    pub dims: Dims,
}
impl Ty {
    /// A type.
    pub fn new(dt: Dt, dims: &[usize]) -> Ty {
        Ty { dt, dims: Dims::from_slice(dims) }
    }
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }
    /// Has it no elements?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Bytes.
    pub fn bytes(&self) -> usize {
        self.len() * self.dt.size()
    }
}

/// A tensor program.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Program {
    /// Operations in order.
    pub nodes: Vec<Node>,
    /// Results of all nodes, contiguous per node.
    pub vals: Vec<Val>,
    /// Operands of all nodes, contiguous per node.
    pub uses: Vec<Use>,
    /// Types of the arguments; argument i is the value of a `Kind::Arg(i)` node.
    pub args: Vec<Ty>,
    /// The results of the program. The same value may occur twice, and an argument may be a result.
    pub outs: Vec<ValId>,
    /// Views that uses refer to.
    pub views: Vec<View>,
    /// Ascending numbers of nodes: all that come before one of them run before it, and are not merged with it or what follows. They
    /// say when, and nothing about values.
    pub fences: Vec<u32>,
}

/// One operation.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Node {
    /// What it does.
    pub kind: Kind,
    /// First operand in [`Program::uses`], and how many.
    pub uses: (u32, u32),
    /// First result in [`Program::vals`], and how many.
    pub vals: (u32, u32),
}

/// One result of a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Val {
    /// The node that makes it.
    pub node: u32,
    /// Its type.
    pub ty: Ty,
}

/// An operand: a value, seen through a view.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Use {
    /// The value.
    pub val: ValId,
    /// Index into [`Program::views`]; `None` reads the value as it is.
    pub view: Option<u32>,
    /// Which part of a complex value a map reads. `Whole` for anything else.
    pub part: Part,
}

/// Which part of a complex number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Part {
    /// The element as it is.
    #[default]
    Whole,
    /// The real part, as a float.
    Re,
    /// The imaginary part, as a float.
    Im,
}

/// Where the reader's index finds its element, in the row-major index space of the operand:
/// `offset + sum strides[d] * j[d]`, where `j[d]` is the reader's index `i[d]`, or `(i[d] - lo) / step` in a guarded dimension.
/// Outside any guard the element is `fill`. Stride 0 broadcasts, a negative stride reverses.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct View {
    /// The reader's extents.
    pub dims: Dims,
    /// Element of the reader's origin.
    pub offset: i64,
    /// One for each of `dims`.
    pub strides: SmallVec<[i64; 6]>,
    /// At most one for each dimension, in ascending order of dimensions.
    pub guards: SmallVec<[Guard; 1]>,
    /// The bits of the element outside the guards (complex: real part, imaginary part; else the first word).
    pub fill: [u64; 2],
}

/// `i[dim]` is inside if `lo <= i < hi` and `(i - lo) % step == 0`. `lo` may be negative, `hi` beyond the extent. With [`AROUND`](Guard::AROUND) for a step every
/// index is inside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Guard {
    /// The dimension of the reader.
    pub dim: u32,
    /// First index inside.
    pub lo: i64,
    /// First index behind.
    pub hi: i64,
    /// At least 1, or [`AROUND`](Guard::AROUND).
    pub step: i64,
}
impl Guard {
    /// The step of a guard that goes around: `j` is `i - lo` modulo `hi - lo`, and nothing is outside.
    pub const AROUND: i64 = 0;
    /// What the operand's index is for that of the reader; none outside.
    #[inline]
    pub fn index(&self, i: i64) -> Option<i64> {
        let k = i - self.lo;
        match self.step {
            Guard::AROUND => Some(k.rem_euclid(self.hi - self.lo)),
            1 => (k >= 0 && i < self.hi).then_some(k),
            step => (k >= 0 && i < self.hi && k % step == 0).then(|| k / step),
        }
    }
}

/// What a node does. Operands may be seen through views everywhere but where it says "plain".
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// An argument of the program. No operands.
    Arg(u32),
    /// One scalar's bits: rank 0 (complex: real part, imaginary part; else the first word, in the low bytes). No operands.
    Const([u64; 2]),
    /// Elementwise: each operand has the extents of the results once its view is applied. Several results, of one shape.
    Map(Arc<Body>),
    /// The operand through its view, as a value.
    View,
    /// Folds `count` adjacent dimensions, starting at `first`. One operand.
    Reduce {
        /// By what.
        op: Fold,
        /// First folded dimension.
        first: u32,
        /// How many.
        count: u32,
    },
    /// The index of the first extreme along dimension `dim`; the first NaN wins. The result's type is the index type.
    ArgReduce {
        /// Greatest or least.
        max: bool,
        /// Along which dimension.
        dim: u32,
    },
    /// All partial folds along `dim`.
    Prefix {
        /// By what.
        op: Fold,
        /// Along which dimension.
        dim: u32,
        /// From the end.
        reverse: bool,
    },
    /// Operands: array, indices (integers; the index vector is the last dimension).
    Gather(Arc<GatherSpec>),
    /// Operands: array, indices, updates. Updates are applied in row-major order of the update array.
    Scatter(Arc<ScatterSpec>),
    /// A piece of the first operand with the extents of the result. Further operands: one scalar integer start index for each
    /// dimension, clamped so that the piece fits.
    DynSlice,
    /// The first operand with the second written over it. Further operands: start indices as in `DynSlice`.
    Update,
    /// The operands one behind the other along `dim`.
    Concat {
        /// Along which dimension.
        dim: u32,
    },
    /// The lines along `dim` of all operands, which have one shape, reordered alike so that the first `keys` operands ascend
    /// lexicographically. Equal lines keep their order. Floats ascend to infinity, then NaN; zeros of either sign are equal, and so are
    /// all NaNs. A complex key is two: real part, then imaginary part. One result for each operand.
    Sort {
        /// Along which dimension.
        dim: u32,
        /// How many operands, from the first, decide.
        keys: u32,
    },
    /// The first elements of the lines along `dim`, as many as the results have, were each line to descend; and where they were, as
    /// integers, wrapped to their type. Of equal elements the first comes first. Floats descend from NaN, all of which are equal, to infinity,
    /// .., +0, -0 (they are not), .., -infinity. Results: elements, indices.
    Top {
        /// Along which dimension.
        dim: u32,
    },
    /// A batched matrix product. Operands: `[batch, m, k]` and `[batch, k, n]`, usually through views. Result `[batch, m, n]`.
    Dot(DotSpec),
    /// A convolution: see [`ConvSpec`].
    Conv(Arc<ConvSpec>),
    /// The folds of windows, padding left out: from left to right in row-major order of the window, from what the fold of nothing gives.
    /// Sum, Max or Min. Half precision accumulates in `f32` and is rounded once.
    Window {
        /// By what.
        op: Fold,
        /// How windows lie.
        slides: Arc<WindowSpec>,
    },
    /// Operands: an array, and another with the same extents that says which element of each window is chosen. It starts with the least
    /// (greatest) number, whose value is 0, and goes through the window in row-major order; padding is such a number, too. The chosen one
    /// stays as long as it is `>=` (`<=`) the next one.
    WindowPick {
        /// Greatest or least.
        max: bool,
        /// How windows lie.
        slides: Arc<WindowSpec>,
    },
    /// Operands: one element for each window, and the array that says which element of its window each is added to. The result has
    /// the extents of that array. It is chosen as in `WindowPick`, but the first place of the window is chosen to begin with. Where it is
    /// padding nothing is added. An element of the result is the sum from +0 of what comes to it, in row-major order of the windows. Half
    /// precision accumulates in `f32` and is rounded once; truth values are or-ed.
    WindowPut {
        /// Greatest or least.
        max: bool,
        /// How windows lie.
        slides: Arc<WindowSpec>,
    },
    /// A routine of a library, batched over leading dimensions: its results are what the routine computes of each matrix alone. Several results.
    Lib(Box<Lib>),
}

/// The order of summation of a product, fixed by its logical sizes, and the type of its sums.
///
/// `Tree` (chosen by [`DotSpec::for_sizes`] where n = 1 and k is at least the number of lanes): the tree of `Reduce` over k
/// with `lane = fma(a, b, lane)`, in lanes however few elements a block has.
/// `Chain` (otherwise): k is cut into chunks of 256; in a chunk `s = fma(a_k, b_k, s)` from +0 in ascending k; chunks are added in
/// order, `t = t + s` (the first: t = s); after 64 chunks a new super-chunk of 16 384 starts, and super-chunks are combined in
/// adjacent pairs, level by level, an odd one passing through. k = 0 gives +0. Integers wrap. Half precision is accumulated in `f32`
/// and rounded once. Complex: `re = fma(-ai, bi, fma(ar, br, re))`, `im = fma(ai, br, fma(ar, bi, im))`. Bool: or of ands.
/// The element type of the result may differ from the operands' (`acc` says in which type products and sums are made:
/// operands are converted to it first, the result from it).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DotSpec {
    /// The order.
    pub order: DotOrder,
    /// The type of products and sums.
    pub acc: Dt,
}
/// See [`DotSpec`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum DotOrder {
    Tree,
    Chain,
}
impl DotSpec {
    /// The order that belongs to these sizes.
    pub fn for_sizes(n: usize, k: usize, acc: Dt) -> DotSpec {
        let tree = n == 1 && k >= lanes(acc.size());
        DotSpec { order: if tree { DotOrder::Tree } else { DotOrder::Chain }, acc }
    }
}

/// An associative operation. Max and Min give NaN if any element is NaN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum Fold {
    Sum,
    Prod,
    Max,
    Min,
    And,
    Or,
    Xor,
    /// `log(exp a + exp b)`; only in `Prefix`.
    LogAddExp,
}
impl Fold {
    /// The operation that it repeats (of complex numbers: on their parts, but for products), if it is one.
    pub fn op(self) -> Option<Op> {
        Some(match self {
            Fold::Sum => Op::Add,
            Fold::Prod => Op::Mul,
            Fold::Max => Op::Max,
            Fold::Min => Op::Min,
            Fold::And => Op::And,
            Fold::Or => Op::Or,
            Fold::Xor => Op::Xor,
            Fold::LogAddExp => return None,
        })
    }
}

/// How a scatter combines what is there with an update.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum Put {
    Set,
    Add,
    Sub,
    Mul,
    Min,
    Max,
}

/// What happens to a slice whose index is out of bounds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bounds {
    /// Start indices are clamped so that the slice fits.
    Clip,
    /// A gather yields the fill value for the slice, a scatter drops the update.
    Fill,
}

/// XLA's gather, with the names of JAX's `GatherDimensionNumbers`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub struct GatherSpec {
    pub offset_dims: Dims,
    pub collapsed_slice_dims: Dims,
    pub start_index_map: Dims,
    pub operand_batching_dims: Dims,
    pub start_indices_batching_dims: Dims,
    pub slice_sizes: Dims,
    pub bounds: Bounds,
    /// What is added to an index below zero first: with an extent, such an index counts from the end. Not negative.
    pub below: i64,
    /// For `Bounds::Fill`: the bits of the element.
    pub fill: [u64; 2],
}

/// XLA's scatter, with the names of JAX's `ScatterDimensionNumbers`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub struct ScatterSpec {
    pub update_window_dims: Dims,
    pub inserted_window_dims: Dims,
    pub scatter_dims_to_operand_dims: Dims,
    pub operand_batching_dims: Dims,
    pub scatter_indices_batching_dims: Dims,
    pub put: Put,
    pub bounds: Bounds,
    /// As of a gather.
    pub below: i64,
}

/// A straight-line program over scalars, in single assignment.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Body {
    /// Instructions; an operand is the index of an earlier one.
    pub ops: Vec<Sop>,
    /// One for each result of the map; two (real, imaginary) for a complex one.
    pub outs: Vec<u32>,
}

/// A typed scalar instruction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sop {
    /// What.
    pub op: Op,
    /// The type of the result. Never complex. For operations on one type also the type of the operands.
    pub dt: Dt,
    /// First operand.
    pub a: u32,
    /// Second operand.
    pub b: u32,
    /// Third operand.
    pub c: u32,
}

/// Scalar operations.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum Op {
    /// The element of operand `a` of the map.
    In,
    /// The index along dimension `a` of the result, wrapped to `dt`.
    Index,
    /// A constant: `a` and `b` are the low and high halves of its bits.
    Const,

    Neg,
    /// Of the most negative integer: itself.
    Abs,
    /// -1, 0 or 1; of a zero, that zero; of NaN, NaN.
    Sign,
    Floor,
    Ceil,
    /// Halves to even.
    RoundEven,
    /// Halves away from zero.
    RoundAway,
    Trunc,
    Sqrt,
    /// Bitwise, or logical on `Bool`.
    Not,
    PopCount,
    /// Leading zeros.
    Clz,

    Add,
    Sub,
    Mul,
    /// Integers: truncates; x / 0 = -1 (all ones), MIN / -1 = MIN.
    Div,
    /// C's remainder, with the sign of the dividend. Integers: x % 0 = x.
    Rem,
    /// `b` if b > a or b is NaN, else `a`: so NaN if either is. Of two zeros it is the first operand.
    Max,
    /// The mirror image.
    Min,
    And,
    Or,
    Xor,
    /// By the width or more: 0.
    Shl,
    /// Arithmetic on signed types (by the width or more: the sign), logical on unsigned ones (0).
    Shr,
    /// Logical also on signed types.
    ShrLogical,
    /// The next float from `a` towards `b`.
    NextAfter,
    /// `a * b + c` with one rounding. Integers wrap.
    MulAdd,

    /// Comparisons: the result is `Bool`, the operands have one type. NaN compares false but in `Ne`.
    Eq,
    Ne,
    Lt,
    Le,
    /// `a ? b : c`.
    Select,
    /// Converts to `dt`: to an integer it truncates and saturates, NaN gives 0; to `Bool` it asks for non-zero; integers wrap.
    Cast,
    /// The same bits as another type of equal size.
    Bitcast,
    /// An elementary function of `a` (and `b`).
    Math(M),
}

/// Elementary functions. Their errors are tabulated in `docs/ulp.md` and gated by tests.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum M {
    Exp,
    Exp2,
    Expm1,
    Log,
    Log1p,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Atan2,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Logistic,
    Cbrt,
    Pow,
    Erf,
    Erfc,
    ErfInv,
    Lgamma,
    Digamma,
    BesselI0e,
    BesselI1e,
}
impl M {
    /// Every function.
    pub const ALL: [M; 28] = [
        M::Exp,
        M::Exp2,
        M::Expm1,
        M::Log,
        M::Log1p,
        M::Sin,
        M::Cos,
        M::Tan,
        M::Asin,
        M::Acos,
        M::Atan,
        M::Atan2,
        M::Sinh,
        M::Cosh,
        M::Tanh,
        M::Asinh,
        M::Acosh,
        M::Atanh,
        M::Logistic,
        M::Cbrt,
        M::Pow,
        M::Erf,
        M::Erfc,
        M::ErfInv,
        M::Lgamma,
        M::Digamma,
        M::BesselI0e,
        M::BesselI1e,
    ];
    /// Number of operands.
    pub const fn arity(self) -> usize {
        if matches!(self, M::Atan2 | M::Pow) { 2 } else { 1 }
    }
}
impl Op {
    /// How many of `a`, `b`, `c` are instructions.
    pub const fn arity(self) -> usize {
        match self {
            Op::In | Op::Index | Op::Const => 0,
            Op::Neg
            | Op::Abs
            | Op::Sign
            | Op::Floor
            | Op::Ceil
            | Op::RoundEven
            | Op::RoundAway
            | Op::Trunc
            | Op::Sqrt
            | Op::Not
            | Op::PopCount
            | Op::Clz
            | Op::Cast
            | Op::Bitcast => 1,
            Op::MulAdd | Op::Select => 3,
            Op::Math(m) => m.arity(),
            _ => 2,
        }
    }
}

impl Body {
    /// The element of operand `k` of the map.
    pub fn input(&mut self, k: u32, dt: Dt) -> u32 {
        self.push(Op::In, dt, k, 0, 0)
    }
    /// The index along dimension `d`.
    pub fn index(&mut self, d: u32, dt: Dt) -> u32 {
        self.push(Op::Index, dt, d, 0, 0)
    }
    /// A constant from its bits, in the low bytes.
    pub fn bits(&mut self, dt: Dt, bits: u64) -> u32 {
        self.push(Op::Const, dt, bits as u32, (bits >> 32) as u32, 0)
    }
    /// A constant from a number, converted to `dt`.
    pub fn num(&mut self, dt: Dt, x: f64) -> u32 {
        let bits = match dt {
            Dt::Bool => (x != 0.0) as u64,
            Dt::F16 => half::f16::from_f64(x).to_bits() as u64,
            Dt::Bf16 => half::bf16::from_f64(x).to_bits() as u64,
            Dt::F32 => (x as f32).to_bits() as u64,
            Dt::F64 => x.to_bits(),
            Dt::C64 | Dt::C128 => unreachable!("no complex value in a body"),
            t if t.size() == 8 => {
                if t.is_signed() {
                    x as i64 as u64
                } else {
                    x as u64
                }
            }
            t => (x as i64 as u64) & ((1 << (8 * t.size())) - 1),
        };
        self.bits(dt, bits)
    }
    /// One operand.
    pub fn un(&mut self, op: Op, dt: Dt, a: u32) -> u32 {
        self.push(op, dt, a, 0, 0)
    }
    /// Two operands.
    pub fn bin(&mut self, op: Op, dt: Dt, a: u32, b: u32) -> u32 {
        self.push(op, dt, a, b, 0)
    }
    /// `p ? a : b`.
    pub fn select(&mut self, dt: Dt, p: u32, a: u32, b: u32) -> u32 {
        self.push(Op::Select, dt, p, a, b)
    }
    /// A comparison.
    pub fn cmp(&mut self, op: Op, a: u32, b: u32) -> u32 {
        self.push(op, Dt::Bool, a, b, 0)
    }
    /// Any instruction.
    pub fn push(&mut self, op: Op, dt: Dt, a: u32, b: u32, c: u32) -> u32 {
        self.ops.push(Sop { op, dt, a, b, c });
        self.ops.len() as u32 - 1
    }
    /// The type of an instruction's result.
    pub fn dt(&self, id: u32) -> Dt {
        self.ops[id as usize].dt
    }
}

impl View {
    /// Which element of its operand a view shows at an index; `None` where a guard leaves the fill value.
    pub(crate) fn at(&self, index: &[usize]) -> Option<usize> {
        let mut at = self.offset;
        for (d, (i, stride)) in index.iter().zip(&self.strides).enumerate() {
            let guard = self.guards.iter().find(|g| g.dim as usize == d);
            at += stride * guard.map_or(Some(*i as i64), |g| g.index(*i as i64))?;
        }
        Some(at as usize)
    }
    /// Reads an operand of these extents as it is.
    pub fn identity(dims: &[usize]) -> View {
        View {
            dims: Dims::from_slice(dims),
            offset: 0,
            strides: row_major(dims),
            guards: SmallVec::new(),
            fill: [0; 2],
        }
    }
    /// Every reader's element is the operand's element 0.
    pub fn splat(dims: &[usize]) -> View {
        View {
            dims: Dims::from_slice(dims),
            offset: 0,
            strides: SmallVec::from_elem(0, dims.len()),
            guards: SmallVec::new(),
            fill: [0; 2],
        }
    }
    /// Does it read an operand of the same number of elements in row-major order?
    pub fn is_identity(&self) -> bool {
        let natural = row_major(&self.dims);
        self.offset == 0
            && self.guards.is_empty()
            && self.dims.iter().zip(&self.strides).zip(&natural).all(|((n, s), r)| *n <= 1 || s == r)
    }
    /// The least and the greatest element that it may read, if it reads any.
    pub fn range(&self) -> Option<(i64, i64)> {
        let (mut lo, mut hi) = (self.offset, self.offset);
        for (d, (n, s)) in self.dims.iter().zip(&self.strides).enumerate() {
            let (mut first, mut last) = (0, *n as i64 - 1);
            let guard = self.guards.iter().find(|g| g.dim as usize == d);
            if let Some(g) = guard.filter(|g| g.step == Guard::AROUND && *n > 0) {
                last = g.hi - g.lo - 1
            } else if let Some(g) = guard.filter(|_| *n > 0) {
                // indices inside: lo + j * step, at least 0 and below min(hi, n)
                let end = g.hi.min(*n as i64);
                first = if g.lo >= 0 { 0 } else { (-g.lo + g.step - 1) / g.step };
                last = if end <= g.lo { -1 } else { (end - 1 - g.lo) / g.step };
            }
            if last < first {
                return None;
            }
            let (a, b) = (s * first, s * last);
            lo += a.min(b);
            hi += a.max(b);
        }
        Some((lo, hi))
    }
}

/// Strides of a dense array.
pub fn row_major(dims: &[usize]) -> SmallVec<[i64; 6]> {
    let mut s = SmallVec::from_elem(1, dims.len());
    for d in (1..dims.len()).rev() {
        s[d - 1] = s[d] * dims[d] as i64;
    }
    s
}

impl Use {
    /// The value as it is.
    pub fn plain(val: ValId) -> Use {
        Use { val, view: None, part: Part::Whole }
    }
}

impl Program {
    /// The next argument.
    pub fn arg(&mut self, ty: Ty) -> ValId {
        let i = self.args.len() as u32;
        self.args.push(ty.clone());
        self.push(Kind::Arg(i), &[], &[ty])
    }
    /// A scalar constant.
    pub fn constant(&mut self, dt: Dt, bits: [u64; 2]) -> ValId {
        self.push(Kind::Const(bits), &[], &[Ty::new(dt, &[])])
    }
    /// Appends a node; the result is its first value.
    pub fn push(&mut self, kind: Kind, uses: &[Use], results: &[Ty]) -> ValId {
        let node = self.nodes.len() as u32;
        let (u, v) = (self.uses.len() as u32, self.vals.len() as u32);
        self.uses.extend_from_slice(uses);
        self.vals.extend(results.iter().map(|ty| Val { node, ty: ty.clone() }));
        self.nodes.push(Node { kind, uses: (u, uses.len() as u32), vals: (v, results.len() as u32) });
        v
    }
    /// What is appended from here on runs after all that is there: values that are computed again, to be in memory for a short time
    /// only, must not be computed early, beside what they are the same as.
    pub fn fence(&mut self) {
        let here = self.nodes.len() as u32;
        if self.fences.last() != Some(&here) {
            self.fences.push(here)
        }
    }
    /// How many fences come before a node or at it.
    pub(crate) fn stage(&self, node: u32) -> usize {
        self.fences.partition_point(|f| *f <= node)
    }
    /// The value seen through `view`, as an operand. An identity view is left out.
    pub fn through(&mut self, val: ValId, view: View) -> Use {
        if view.dims == self.ty(val).dims && view.is_identity() {
            return Use::plain(val);
        }
        self.views.push(view);
        Use { val, view: Some(self.views.len() as u32 - 1), part: Part::Whole }
    }
    /// The value through `view`, as a value: a `View` node.
    pub fn view(&mut self, val: ValId, view: View) -> ValId {
        let ty = Ty { dt: self.ty(val).dt, dims: view.dims.clone() };
        let u = self.through(val, view);
        if u.view.is_none() {
            return val;
        }
        self.push(Kind::View, &[u], &[ty])
    }
    /// The type of a value.
    pub fn ty(&self, val: ValId) -> &Ty {
        &self.vals[val as usize].ty
    }
    /// The operands of a node.
    pub fn uses_of(&self, node: &Node) -> &[Use] {
        &self.uses[node.uses.0 as usize..(node.uses.0 + node.uses.1) as usize]
    }
    /// The extents of an operand once its view is applied.
    pub fn dims_of(&self, u: &Use) -> &Dims {
        match u.view {
            Some(v) => &self.views[v as usize].dims,
            None => &self.ty(u.val).dims,
        }
    }
}
