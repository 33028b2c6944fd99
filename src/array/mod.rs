//! The handle to a value: a small scalar held inline, a shared buffer, or a tracer. Cheap to clone, always `Send + Sync`.
//!
//! A tracer names its trace by a number and never points at it. That keeps traces on one thread without locks, makes reference
//! cycles impossible, and turns a leaked tracer into an error instead of a leak.

mod convert;
mod ops;
pub mod print;
pub(crate) mod stack;

pub use convert::{ArrayLike, array, from_literals};
pub(crate) use convert::{Given, Number};
pub use ops::{Operand, broadcast_shapes};
pub(crate) use ops::{binary, made_at, promote_pair};

use crate::aval::{Aval, Shape};
use crate::dtype::DType;
use crate::error::{ErrorKind, Loc, fail};
use cotangent_cpu::{Buffer, Lent, Pooled};
use smallvec::SmallVec;

/// The number of a trace; never used twice.
pub(crate) type TraceId = u64;
/// Results of an operation.
///
/// ```
/// use cotangent::{Array, array::Outs};
/// let outs: Outs = [Array::from(1.5), Array::from(2)].into_iter().collect();
/// assert_eq!(outs[1].to_f64(), 2.0);
/// ```
pub type Outs = SmallVec<[Array; 1]>;

/// An array: an element type, a shape, and elements, which may be abstract while a transformation runs.
///
/// ```
/// use cotangent::prelude::*;
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(x.shape(), [2, 2]);
/// assert_eq!((&x * 2.0).to_string(), "[[2. 4.]\n [6. 8.]]");
/// ```
#[derive(Clone)]
pub struct Array(pub(crate) Repr);

#[derive(Clone)]
pub(crate) enum Repr {
    /// Rank 0 and at most eight bytes: no allocation.
    Scalar(Scalar),
    Buf(Pooled<Buf>),
    Tracer(Pooled<Node>),
}

#[derive(Clone, Copy)]
pub(crate) struct Scalar {
    /// The element's bits, in the low bytes.
    pub bits: u64,
    pub dtype: DType,
    pub weak: bool,
}

pub(crate) struct Buf {
    pub aval: Aval,
    pub data: Data,
}
/// A reshaped array shares the memory of the one it came from.
pub(crate) enum Data {
    Own(Buffer),
    /// The memory of somebody else, which nobody here may write to or give away.
    Lent(Box<Lent>),
    Shared(Pooled<Buf>),
    Stack(stack::Stack),
}

/// A value of a running trace. Only the trace whose id it bears looks inside.
pub(crate) struct Node {
    pub trace: TraceId,
    pub loc: Loc,
    pub kind: Payload,
}

pub(crate) enum Payload {
    /// `Jvp`: a value and its tangent. The tangent is an outer value, or a `Tape` tracer when linearising.
    Dual { x: Array, dx: Array },
    /// `Tape`: a tangent that is not known yet.
    Tape { var: u32, aval: Aval },
    /// `Batch`: every lane's value side by side along `dim`.
    Batched { x: Array, dim: usize, aval: Aval },
    /// `Stage`: a variable of the jaxpr under construction. `argument` says which argument of the function it is, if it is one.
    Staged { var: u32, aval: Aval, argument: Option<u32>, value: Watched },
}

/// What a staged value is beside a variable.
pub(crate) enum Watched {
    /// Nothing.
    No,
    /// The function is run while it is written down, but a number is not known.
    Unknown,
    Value(Array),
}

const fn scalar_aval(dtype: DType, weak: bool) -> Aval {
    Aval { dtype, weak, stack: 0, varying: 0, shape: SmallVec::new_const() }
}
/// The types of scalars, strong and weak, by the number of their dtype.
static SCALARS: [[Aval; 2]; DType::ALL.len()] = {
    let mut table = [const { [scalar_aval(DType::Bool, false), scalar_aval(DType::Bool, true)] }; DType::ALL.len()];
    let mut i = 0;
    while i < table.len() {
        // assigning to a place inside the table would run a destructor, which a constant may not; its fields are plain
        table[i][0].dtype = DType::ALL[i];
        table[i][1].dtype = DType::ALL[i];
        i += 1;
    }
    table
};

impl Array {
    /// An array of this type over these elements, which must be as many as the shape says.
    pub(crate) fn from_buffer(aval: Aval, data: Buffer) -> Array {
        debug_assert_eq!(aval.size() * aval.dtype.size(), data.len());
        Array(Repr::Buf(Pooled::new(Buf { aval, data: Data::Own(data) })))
    }
    /// An array of this type, which is not that of a scalar, over somebody else's elements.
    pub(crate) fn from_lent(aval: Aval, data: Lent) -> Array {
        debug_assert_eq!(aval.size() * aval.dtype.size(), data.buffer().len());
        Array(Repr::Buf(Pooled::new(Buf { aval, data: Data::Lent(Box::new(data)) })))
    }
    #[inline]
    pub(crate) fn scalar(dtype: DType, weak: bool, bits: u64) -> Array {
        Array(Repr::Scalar(Scalar { bits, dtype, weak }))
    }
    pub(crate) fn tracer(trace: TraceId, loc: Loc, kind: Payload) -> Array {
        crate::debug::leaks::made(Array(Repr::Tracer(Pooled::new(Node { trace, loc, kind }))))
    }
    /// A concrete array of this type from its row-major little-endian bytes.
    pub(crate) fn from_bytes(aval: Aval, bytes: &[u8]) -> Array {
        assert_eq!(aval.size() * aval.dtype.size(), bytes.len(), "bytes of {aval}");
        if aval.shape.is_empty() && aval.dtype.size() <= 8 && aval.dtype != DType::Float0 {
            let mut b = [0; 8];
            b[..bytes.len()].copy_from_slice(bytes);
            return Array::scalar(aval.dtype, aval.weak, u64::from_le_bytes(b));
        }
        Array::from_buffer(aval, Buffer::from_bytes(bytes))
    }

    /// What is known of the value without computing it.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[1, 2, 3]].aval().to_string(), "int32[1,3]");
    /// ```
    #[inline]
    pub fn aval(&self) -> &Aval {
        match &self.0 {
            Repr::Scalar(s) => &SCALARS[s.dtype as usize][s.weak as usize],
            Repr::Buf(b) => &b.aval,
            Repr::Tracer(n) => match &n.kind {
                Payload::Dual { x, .. } => x.aval(),
                Payload::Tape { aval, .. } | Payload::Batched { aval, .. } | Payload::Staged { aval, .. } => aval,
            },
        }
    }
    /// Extents, outermost first. Of a mapped value under `vmap`: the extents of one lane.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!(array![[1, 2, 3], [4, 5, 6]].shape(), [2, 3]);
    /// // one lane
    /// assert_eq!(cotangent::vmap(|x: &Array| array(x.shape()[0]))(&array![[1, 2, 3], [4, 5, 6]]).to_string(), "[3 3]");
    /// ```
    #[inline]
    pub fn shape(&self) -> &[usize] {
        &self.aval().shape
    }
    /// Number of dimensions.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!((array(5.0).ndim(), array![[1, 2]].ndim()), (0, 2));
    /// ```
    pub fn ndim(&self) -> usize {
        self.aval().shape.len()
    }
    /// Number of elements.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!((array(5.0).size(), array![[1, 2], [3, 4], [5, 6]].size()), (1, 6));
    /// ```
    pub fn size(&self) -> usize {
        self.aval().size()
    }
    /// The element type.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert_eq!((array![1.5].dtype(), array(vec![1u8]).dtype()), (DType::Float32, DType::Uint8));
    /// ```
    #[inline]
    pub fn dtype(&self) -> DType {
        self.aval().dtype
    }
    /// Whether the element type gives way in promotion, as that of a number does.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// assert!(array(2.0).weak_type() && !array![2.0].weak_type());
    /// ```
    pub fn weak_type(&self) -> bool {
        self.aval().weak
    }
    /// Does it stand for a value that is not known yet, or for one that a transformation follows?
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let x = array(2.0);
    /// assert!(!x.is_tracer());
    /// assert_eq!(grad(|x: &Array| if x.is_tracer() { 3.0 * x } else { x.clone() })(&x).to_f64(), 3.0);
    /// ```
    pub fn is_tracer(&self) -> bool {
        matches!(self.0, Repr::Tracer(_))
    }
    #[inline]
    pub(crate) fn node(&self, trace: TraceId) -> Option<&Node> {
        match &self.0 {
            Repr::Tracer(n) if n.trace == trace => Some(n),
            _ => None,
        }
    }
    /// An identity for arrays that share memory; scalars have none.
    pub(crate) fn ptr(&self) -> usize {
        match &self.0 {
            Repr::Scalar(_) => 0,
            Repr::Buf(b) => Pooled::as_ptr(b) as usize,
            Repr::Tracer(n) => Pooled::as_ptr(n) as usize,
        }
    }

    /// The concrete value: of a tracer under `grad`, `vjp`, `jvp` or `linearize` the primal, under `checkpoint` what was computed on the
    /// way. Others are abstract.
    pub(crate) fn try_concrete(&self) -> Result<&Array, &Node> {
        let mut a = self;
        loop {
            match &a.0 {
                Repr::Tracer(n) => match &n.kind {
                    Payload::Dual { x, .. } | Payload::Staged { value: Watched::Value(x), .. } => a = x,
                    _ => return Err(n),
                },
                _ => return Ok(a),
            }
        }
    }
    #[track_caller]
    pub(crate) fn concrete(&self, what: &str) -> &Array {
        match self.try_concrete() {
            Ok(a) => a,
            Err(n) => {
                let from = match n.kind {
                    Payload::Staged { argument: Some(i), .. } => format!("it is argument {i} of the function"),
                    _ => format!("it was made at {}", n.loc),
                };
                let advice = match n.kind {
                    Payload::Batched { .. } => {
                        "under vmap a value stands for all lanes at once: choose with select or where, or call the function once for each lane"
                    }
                    _ => {
                        "use select or where to choose between values, pass the number in as a Static argument, or take the decision outside the transformed function"
                    }
                };
                fail(
                    ErrorKind::Concrete,
                    format!(
                        "{what}: the value of type {} is abstract under {} ({from}), so it has no number; {advice}",
                        self.aval(),
                        n.under()
                    ),
                )
            }
        }
    }
    /// The row-major bytes of a concrete array.
    pub(crate) fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        match &self.0 {
            Repr::Scalar(s) => f(&s.bits.to_le_bytes()[..s.dtype.size()]),
            Repr::Buf(b) => f(b.buffer().as_bytes()),
            Repr::Tracer(n) => crate::trace::stray(n, None),
        }
    }
    /// The memory of a concrete array that is more than a number of eight bytes.
    pub(crate) fn buffer(&self) -> Option<&Buffer> {
        match &self.0 {
            Repr::Buf(b) => Some(b.buffer()),
            _ => None,
        }
    }
    /// The memory of an array that nobody else has a handle to. The array is of no use afterwards.
    pub(crate) fn give_up(&mut self) -> Option<Buffer> {
        let Repr::Buf(b) = &mut self.0 else { return None };
        match Pooled::get_mut(b) {
            Some(Buf { data: Data::Own(buffer), .. }) => Some(std::mem::replace(buffer, Buffer::zeroed(0))),
            _ => None,
        }
    }
    /// Writes `piece` over the box whose first corner is at `start`, if nobody else has a handle to this array. Says whether it did.
    pub(crate) fn write_box(&mut self, piece: &Array, start: &[usize]) -> bool {
        let Repr::Buf(b) = &mut self.0 else { return false };
        let Some(Buf { aval, data: Data::Own(buffer) }) = Pooled::get_mut(b) else { return false };
        let shape = &aval.shape;
        debug_assert!((0..shape.len()).all(|d| start[d] + piece.shape()[d] <= shape[d]), "a box inside the array");
        // rows: the innermost dimensions that the box fills, and the next one
        let mut inner = shape.len();
        let mut row = aval.dtype.size();
        while inner > 0 {
            inner -= 1;
            row *= piece.shape()[inner];
            if piece.shape()[inner] != shape[inner] {
                break;
            }
        }
        let to = buffer.as_bytes_mut();
        let mut index: Shape = Shape::from_elem(0, inner);
        piece.with_bytes(|from| {
            for source in from.chunks_exact(row.max(1)) {
                let mut at = 0;
                for d in 0..shape.len() {
                    at = at * shape[d] + start[d] + index.get(d).copied().unwrap_or(0);
                }
                at *= aval.dtype.size();
                to[at..at + row].copy_from_slice(source);
                for d in (0..inner).rev() {
                    index[d] += 1;
                    if index[d] < piece.shape()[d] {
                        break;
                    }
                    index[d] = 0;
                }
            }
        });
        true
    }
    /// The same elements under another type of equal size: shares the memory.
    pub(crate) fn relabel(&self, aval: Aval) -> Array {
        match &self.0 {
            Repr::Scalar(s) if aval.shape.is_empty() => Array::scalar(aval.dtype, aval.weak, s.bits),
            Repr::Scalar(s) => Array::from_bytes(aval, &s.bits.to_le_bytes()[..s.dtype.size()]),
            Repr::Buf(b) if aval.shape.is_empty() && aval.dtype.size() <= 8 => {
                Array::from_bytes(aval, b.buffer().as_bytes())
            }
            Repr::Buf(b) => {
                let root = match &b.data {
                    Data::Shared(root) => root.clone(),
                    Data::Own(_) | Data::Lent(_) | Data::Stack(_) => b.clone(),
                };
                Array(Repr::Buf(Pooled::new(Buf { aval, data: Data::Shared(root) })))
            }
            Repr::Tracer(n) => crate::trace::stray(n, None),
        }
    }
}

impl Buf {
    #[inline]
    pub(crate) fn buffer(&self) -> &Buffer {
        match &self.data {
            Data::Own(b) => b,
            Data::Lent(l) => l.buffer(),
            Data::Shared(root) => match &root.data {
                Data::Own(b) => b,
                Data::Lent(l) => l.buffer(),
                Data::Shared(_) | Data::Stack(_) => unreachable!("a shared buffer's root owns it"),
            },
            Data::Stack(_) => unreachable!("a stack has no bytes of its own"),
        }
    }
}

impl Node {
    /// The transformation that made it, in the user's words.
    pub(crate) fn under(&self) -> &'static str {
        match self.kind {
            Payload::Dual { .. } => "grad, vjp, jvp or linearize",
            Payload::Tape { .. } => "a derivative rule",
            Payload::Batched { .. } => "vmap",
            Payload::Staged { value: Watched::No, .. } => "jit, make_jaxpr, a loop, a branch or a map over devices",
            Payload::Staged { value: Watched::Unknown, .. } => "checkpoint within jit or vmap",
            Payload::Staged { value: Watched::Value(_), .. } => "checkpoint",
        }
    }
    pub(crate) fn aval(&self) -> &Aval {
        match &self.kind {
            Payload::Dual { x, .. } => x.aval(),
            Payload::Tape { aval, .. } | Payload::Batched { aval, .. } | Payload::Staged { aval, .. } => aval,
        }
    }
}

/// Prints as NumPy does: `[[2. 4.]\n [6. 8.]]`. A tracer prints its type.
impl std::fmt::Display for Array {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Repr::Tracer(n) => crate::debug::text::met(self, f, false)
                .unwrap_or_else(|| write!(f, "Traced<{}> under {}", self.aval(), n.under())),
            // `{:.4}` of a scalar is that of its number, as Python's format is
            _ if f.precision().is_some() && self.ndim() == 0 && !self.dtype().is_complex() => {
                std::fmt::Display::fmt(&self.to_f64(), f)
            }
            _ => f.pad(&self.with_bytes(|b| print::display(self.dtype(), self.shape(), b))),
        }
    }
}
/// Prints as JAX does: `Array([1., 2.], dtype=float32)`. A tracer prints its type.
impl std::fmt::Debug for Array {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Repr::Tracer(n) => crate::debug::text::met(self, f, true)
                .unwrap_or_else(|| write!(f, "Traced<{}> under {}", self.aval(), n.under())),
            _ => f.write_str(&self.with_bytes(|b| print::repr(self.dtype(), self.weak_type(), self.shape(), b))),
        }
    }
}
