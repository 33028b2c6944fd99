//! Convolutions of many groups with a feature each, which lie side by side in memory: a group is a lane of a vector.
//!
//! As a product each group would have one column. Here elements of all groups are multiplied and added at once, each lane in the order
//! of its own chain. So are those that see each channel by itself, and their gradients.

use super::{CHUNK, Conv, SUPER, Side};
use crate::dot::add_sums;
use crate::exec::scalar::Num;
use crate::multiversion;
use crate::pairs::Pairs;
use crate::{Buffer, Dt};
use smallvec::SmallVec;

/// Fewer groups than this are no vector.
const FEW: usize = 8;
/// Lanes whose sums are in registers.
const TILE: usize = 32;

/// What a lane holds.
pub(super) trait Lane: Num + Default {}
impl Lane for f32 {}
impl Lane for f64 {}

impl Conv {
    /// Is it of this kind?
    pub(super) fn has_lanes(&self) -> bool {
        let float = matches!(self.acc, Dt::F32 | Dt::F64) && self.src == self.acc;
        float && self.features == 1 && self.groups >= FEW && self.x[0] == 1 && self.filter[0] == 1
    }

    /// Computes it.
    ///
    /// # Safety
    /// As for [`Conv::run`]; `T` is the type of operands and sums, and the processor has the instruction set.
    pub(super) unsafe fn run_lanes<T: Lane>(&self, (m, k): (usize, usize), x: *const T, filter: *const T, out: *mut T) {
        let (rows, columns) = (Side::rows(self), Side::columns(self));
        let (d, lanes, len) = (self.space.len(), self.groups, m * self.groups);
        let add = products::<T>(self.isa);
        let padding = vec![T::default(); lanes];
        let supers = if k > SUPER { Pairs::places(k.div_ceil(SUPER)) } else { 0 };
        let sums = Buffer::uninit(supers * len * size_of::<T>());
        let part = |i: usize| if supers == 0 { out } else { sums.ptr().cast::<T>().wrapping_add(i * len) };
        let mut start: SmallVec<[isize; 4]> = SmallVec::from_elem(0, d);
        let mut q = start.clone();
        let mut pairs = Pairs::default();
        // For each element of a chunk its places and offset, where it is in a row, and where its filter is.
        let (mut table, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
        for s in (0..k).step_by(SUPER) {
            let to = part(pairs.next());
            let end = k.min(s + SUPER);
            for at in (s..end).step_by(CHUNK) {
                (table.clear(), right.clear());
                for element in at..end.min(at + CHUNK) {
                    table.push(columns.place(element, &mut q));
                    table.extend_from_slice(&q);
                    right.push(filter.wrapping_offset(self.filter_offset(element)));
                }
                for row in 0..m {
                    let batch = rows.place(row, &mut start);
                    left.clear();
                    for entry in table.chunks_exact(d + 1) {
                        let mut offset = Some(batch + entry[0]);
                        for ((g, p), e) in self.space.iter().zip(&start).zip(&entry[1..]) {
                            let place = p + e - g.slide.lo as isize;
                            let base = g.slide.base as isize;
                            let element = if base == 1 { place } else { place.div_euclid(base) };
                            let inside = element >= 0 && element < g.n as isize && element * base == place;
                            offset = offset.filter(|_| inside).map(|o| o + element * g.x);
                        }
                        left.push(offset.map_or(padding.as_ptr(), |o| x.wrapping_offset(o)));
                    }
                    let to = to.wrapping_add(row * lanes);
                    // SAFETY: each pointer leads to an element of every lane, and so does that of the result.
                    unsafe { add(to, left.as_ptr(), right.as_ptr(), left.len(), lanes, at > s) }
                }
            }
            // SAFETY: two arrays of sums.
            pairs.push(|i| unsafe { add_sums(self.acc, len, part(i).cast()) });
        }
        // SAFETY: as above; the result has room for one of them.
        unsafe {
            pairs.finish(|i| add_sums(self.acc, len, part(i).cast()));
            if supers > 0 {
                out.copy_from_nonoverlapping(part(0), len);
            }
        }
    }
}

multiversion! {
    /// For each lane the chain of `k` products, stored or added to what is there.
    fn products<T: Lane>(to: *mut T, left: *const *const T, right: *const *const T, k: usize, lanes: usize, onto: bool) {
        let mut l = 0;
        // SAFETY: there are `k` pointers to `lanes` elements each.
        unsafe {
            while l + TILE <= lanes {
                let mut sums = [T::default(); TILE];
                for t in 0..k {
                    let (x, w) = ((*left.add(t)).add(l), (*right.add(t)).add(l));
                    for i in 0..TILE {
                        sums[i] = (*x.add(i)).mul_add(*w.add(i), sums[i]);
                    }
                }
                for i in 0..TILE {
                    let to = to.add(l + i);
                    *to = if onto { (*to).add(sums[i]) } else { sums[i] };
                }
                l += TILE;
            }
            for l in l..lanes {
                let mut sum = T::default();
                for t in 0..k {
                    sum = (*(*left.add(t)).add(l)).mul_add(*(*right.add(t)).add(l), sum);
                }
                let to = to.add(l);
                *to = if onto { (*to).add(sum) } else { sum };
            }
        }
    }
}
