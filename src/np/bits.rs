//! Truth values as bits of bytes, and back.

use crate::array::Array;
use crate::aval::Shape;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::broadcast_to;
use crate::np::dims::{along, here};
use crate::prim;

/// How the bits of a byte are counted.
///
/// ```
/// use cotangent::{np::{self, BitOrder}, prelude::*};
/// let byte = |order: BitOrder| np::packbits(&array![1, 1, 0, 0, 0, 0, 0, 0], None, order).to_string();
/// assert_eq!((byte(BitOrder::Big), byte(BitOrder::Little)), ("[192]".into(), "[3]".into()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BitOrder {
    /// The highest one first.
    #[default]
    Big,
    /// The lowest one first.
    Little,
}
impl BitOrder {
    /// The place of each bit, from the first on, along dimension `d` of `rank`.
    fn places(self, d: usize, rank: usize) -> Array {
        let mut shape = Shape::from_elem(1, rank);
        shape[d] = 8;
        let up = prim::iota(DType::Uint8, &shape, d);
        if self == BitOrder::Little { up } else { prim::sub(&prim::lit(&up, 7.0), &up) }
    }
}
/// Eight truth values (integers: whether they are positive) to a byte, along an axis or, without one, in a row; missing ones are 0. As `jax.numpy.packbits`.
///
/// ```
/// use cotangent::{np, np::BitOrder, prelude::*};
/// let bits = array![1, 0, 0, 0, 0, 0, 1, 1, 1];
/// assert_eq!(np::packbits(&bits, None, BitOrder::Big).to_string(), "[131 128]");
/// assert_eq!(np::unpackbits(&array![5u8], None, Some(3), BitOrder::Little).to_string(), "[1 0 1]");
/// ```
///
/// # Panics
/// If there is no such axis, or if these are neither integers nor booleans.
#[track_caller]
pub fn packbits(x: &Array, axis: Option<i32>, order: BitOrder) -> Array {
    let _line = here();
    if !x.dtype().is_integer() && !x.dtype().is_bool() {
        fail(ErrorKind::Type, format!("packbits: integers or booleans are needed, got {}", x.aval()))
    }
    let (x, d) = along("packbits", x, axis);
    let x = if x.dtype().is_bool() { x } else { prim::gt(&x, &prim::lit(&x, 0.0)) };
    let n = x.shape()[d];
    let mut padding = vec![(0, 0, 0); x.ndim()];
    padding[d].1 = (n.next_multiple_of(8) - n) as i64;
    let x = prim::pad(
        &prim::convert_element_type(&x, DType::Uint8, false),
        &prim::scalar_of(DType::Uint8, false, 0.0),
        &padding,
    );
    let mut shape = Shape::from_slice(x.shape());
    shape[d] /= 8;
    shape.insert(d + 1, 8);
    let x = prim::reshape(&x, &shape);
    prim::reduce_sum(&prim::shift_left(&x, &broadcast_to(&order.places(d + 1, x.ndim()), x.shape())), &[d + 1])
}
/// The eight bits of each byte, along an axis or, without one, in a row; of these the first `count`, or more with zeros behind, or all but the last `-count`. As `jax.numpy.unpackbits`.
///
/// ```
/// use cotangent::{np, np::BitOrder, prelude::*};
/// let x = array![2].astype(DType::Uint8);
/// assert_eq!(np::unpackbits(&x, None, None, BitOrder::Big).to_string(), "[0 0 0 0 0 0 1 0]");
/// ```
///
/// # Panics
/// If there is no such axis, or if these are not of type uint8.
#[track_caller]
pub fn unpackbits(x: &Array, axis: Option<i32>, count: Option<i64>, order: BitOrder) -> Array {
    let _line = here();
    if x.dtype() != DType::Uint8 {
        fail(ErrorKind::Type, format!("unpackbits: bytes of type uint8 are needed, got {}", x.aval()))
    }
    let (x, d) = along("unpackbits", x, axis);
    let mut shape = Shape::from_slice(x.shape());
    shape.insert(d + 1, 8);
    let x = prim::broadcast_in_dim(&x, &shape, &(0..x.ndim()).map(|e| e + (e > d) as usize).collect::<Vec<_>>());
    let places = broadcast_to(&order.places(d + 1, x.ndim()), &shape);
    let bits = prim::and(&prim::shift_right_logical(&x, &places), &prim::scalar_of(DType::Uint8, false, 1.0));
    shape.remove(d + 1);
    shape[d] *= 8;
    let bits = prim::reshape(&bits, &shape);
    let Some(count) = count else { return bits };
    let n = shape[d] as i64;
    let wanted = if count < 0 { (n + count).max(0) } else { count };
    let mut padding = vec![(0, 0, 0); bits.ndim()];
    padding[d].1 = wanted - n;
    prim::pad(&bits, &prim::scalar_of(DType::Uint8, false, 0.0), &padding)
}
