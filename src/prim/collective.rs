//! Communication over named axes, inside a map that names its axis.
use super::*;
use crate::trace::axis::Axis;
use crate::trace::bind1;
use cotangent_cpu::ValId;

/// temporary
pub(crate) fn psum_bits(ct: &Array, _bits: AxisSet) -> Array { ct.clone() }
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> { vec![] }
