//! The abstract value: what is known of a value before it is computed.

use crate::dtype::DType;
use smallvec::SmallVec;
use std::fmt;

/// Extents. Inline up to four.
///
/// ```
/// use cotangent::aval::Shape;
/// let shape = Shape::from_slice(&[2, 3]);
/// assert_eq!((shape.len(), shape.iter().product::<usize>()), (2, 6));
/// ```
pub type Shape = SmallVec<[usize; 4]>;

/// A set of named axes that are bound where a value lives, one bit for each (the bits are given out by
/// [`trace::axis`](crate::trace)).
pub(crate) type AxisSet = u32;

/// Element type, shape, weakness, and the named axes over which a value varies.
///
/// Inside of loops there are values of one more kind: a stack, a list as long as a loop took turns, which only the run knows. Its shape is that
/// of its elements. No function of the user's ever gets or returns one.
///
/// ```
/// use cotangent::{Aval, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(x.aval(), &Aval::new(DType::Float32, &[2, 2]));
/// assert_eq!(x.aval().to_string(), "float32[2,2]");
/// assert!(array(2.0).aval().weak);
/// ```
#[derive(Eq, Hash, Debug)]
#[allow(clippy::derived_hash_with_manual_eq, reason = "equality is by field, too, only faster")]
pub struct Aval {
    /// Element type.
    pub dtype: DType,
    /// Whether the type gives way in promotion, as that of a number does.
    pub weak: bool,
    /// 0 for an array, 1 for a stack of arrays, 2 for a stack of such stacks.
    pub(crate) stack: u8,
    /// Over which named axes the value differs.
    pub(crate) varying: AxisSet,
    /// Extents.
    pub shape: Shape,
}

impl PartialEq for Aval {
    #[inline]
    fn eq(&self, o: &Aval) -> bool {
        self.dtype == o.dtype
            && self.weak == o.weak
            && self.stack == o.stack
            && self.varying == o.varying
            && same_shape(&self.shape, &o.shape)
    }
}
/// Equality without a call of `memcmp` for the few extents that shapes have.
#[inline]
pub(crate) fn same_shape(a: &[usize], b: &[usize]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(m, n)| m == n)
}

/// `SmallVec::clone` goes element by element; the few extents that shapes have are copied without a call.
impl Clone for Aval {
    #[inline]
    fn clone(&self) -> Aval {
        let n = self.shape.len();
        let mut few = [0; 4];
        let shape = if n <= few.len() {
            few.iter_mut().zip(&self.shape).for_each(|(to, d)| *to = *d);
            Shape::from_buf_and_len(few, n)
        } else {
            Shape::from_slice(&self.shape)
        };
        Aval { shape, ..*self }
    }
}

impl Aval {
    /// A strong type that varies over nothing.
    ///
    /// ```
    /// use cotangent::{Aval, prelude::*};
    /// assert_eq!(Aval::new(DType::Int8, &[5]).to_string(), "int8[5]");
    /// ```
    pub fn new(dtype: DType, shape: &[usize]) -> Aval {
        Aval { dtype, weak: false, stack: 0, varying: 0, shape: Shape::from_slice(shape) }
    }
    /// Number of elements.
    ///
    /// ```
    /// use cotangent::{Aval, prelude::*};
    /// assert_eq!(Aval::new(DType::Float32, &[4, 5]).size(), 20);
    /// ```
    #[inline]
    pub fn size(&self) -> usize {
        self.shape.iter().product()
    }
    /// Number of dimensions.
    ///
    /// ```
    /// use cotangent::{Aval, prelude::*};
    /// assert_eq!(Aval::new(DType::Float32, &[4, 5]).ndim(), 2);
    /// ```
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }
    /// The same with another shape.
    pub(crate) fn with_shape(&self, shape: impl IntoIterator<Item = usize>) -> Aval {
        Aval { shape: shape.into_iter().collect(), ..*self }
    }
    /// The same with another element type, strong.
    pub(crate) fn with_dtype(&self, dtype: DType) -> Aval {
        Aval { dtype, weak: false, ..self.clone() }
    }
    /// The type of a stack of these.
    pub(crate) fn stacked(&self) -> Aval {
        Aval { stack: self.stack + 1, ..self.clone() }
    }
    pub(crate) fn with_weak(&self, weak: bool) -> Aval {
        Aval { weak, ..self.clone() }
    }
}

/// As in error messages and in JAX's: `float32[2,3]`.
impl fmt::Display for Aval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.dtype.name())?;
        dims(f, &self.shape)?;
        (0..self.stack).try_for_each(|_| f.write_str("*"))
    }
}

/// `[2,3]`
pub(crate) fn dims(f: &mut impl fmt::Write, shape: &[usize]) -> fmt::Result {
    f.write_char('[')?;
    for (i, n) in shape.iter().enumerate() {
        if i > 0 {
            f.write_char(',')?;
        }
        write!(f, "{n}")?;
    }
    f.write_char(']')
}

/// A shape as Python prints a tuple: `()`, `(3,)`, `(2, 3)`.
pub(crate) fn tuple(xs: &[impl fmt::Display]) -> String {
    match xs {
        [x] => format!("({x},)"),
        xs => format!("({})", xs.iter().map(|x| x.to_string()).collect::<Vec<_>>().join(", ")),
    }
}
