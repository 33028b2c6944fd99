//! A product of a few elements: a step of a filter, a rotation. It is done before the driver of large ones has looked at it.

use super::simd::Num;
use super::{DotOrder, DotSpec, Dt, Mat};
use crate::isa::Isa;
use crate::multiversion;

/// Multiplications of the largest such product. On a Zen 4 one of four by four takes half as long so, of six by six three quarters; from seven by seven on the driver is faster.
const MOST: usize = 240;
/// Elements of its longest sum: far less than a chunk.
const LONG: usize = 64;

/// A kernel: operands, result, sizes.
pub(super) type Kernel = unsafe fn(Mat, Mat, *mut u8, [usize; 4]);

/// The kernel for a product of so few elements that this is worth it.
pub(super) fn kernel(isa: Isa, spec: DotSpec, src: Dt, out: Dt, [batch, m, n, k]: [usize; 4]) -> Option<Kernel> {
    let few = (1..=LONG).contains(&k) && m.max(n).max(batch) <= MOST && m * n <= MOST && batch * m * n * k <= MOST;
    if !few || spec.order != DotOrder::Chain || src != spec.acc || out != spec.acc {
        return None;
    }
    match src {
        Dt::F32 => Some(products::<f32>(isa)),
        Dt::F64 => Some(products::<f64>(isa)),
        _ => None,
    }
}

multiversion! {
    /// Each sum is the chain of its definition.
    fn products<E: Num>(a: Mat, b: Mat, out: *mut u8, sizes: [usize; 4]) {
        let [batch, m, n, k] = sizes;
        for t in 0..batch as isize {
            let of = |x: &Mat| x.ptr.cast::<E>().wrapping_offset(t.wrapping_mul(x.batch));
            for i in 0..m {
                let row = of(&a).wrapping_offset((i as isize).wrapping_mul(a.row));
                let line = Line { row, next: a.col, b: of(&b), down: b.row, across: b.col, k };
                let to = out.cast::<E>().wrapping_add((t as usize * m + i) * n);
                // SAFETY: the elements of the operands and of a row of the result.
                unsafe {
                    // columns that lie beside each other are one vector
                    match b.col {
                        1 => Line { across: 1, ..line }.run(to, n),
                        _ => line.run(to, n),
                    }
                }
            }
        }
    }
}

/// A row and all columns: where they begin, and from an element to the next.
#[derive(Clone, Copy)]
struct Line<E> {
    row: *const E,
    next: isize,
    b: *const E,
    down: isize,
    across: isize,
    /// Elements of a sum.
    k: usize,
}
impl<E: Num> Line<E> {
    /// All sums.
    ///
    /// # Safety
    /// The elements are there, and `to` has room for `n`.
    #[inline(always)]
    unsafe fn run(self, to: *mut E, n: usize) {
        // SAFETY: the caller's; sums from `j` on are there as long as `j` and so many more do not exceed `n`.
        unsafe {
            let mut j = 0;
            while j + 8 <= n {
                self.sums::<8>(to, j);
                j += 8
            }
            if j + 4 <= n {
                self.sums::<4>(to, j);
                j += 4
            }
            match n - j {
                1 => self.sums::<1>(to, j),
                2 => self.sums::<2>(to, j),
                3 => self.sums::<3>(to, j),
                _ => (),
            }
        }
    }
    /// Those of `N` columns from `j` on.
    ///
    /// # Safety
    /// As above.
    #[inline(always)]
    unsafe fn sums<const N: usize>(self, to: *mut E, j: usize) {
        let mut sum = [E::ZERO; N];
        for p in 0..self.k as isize {
            // SAFETY: the caller's.
            unsafe {
                let x = *self.row.wrapping_offset(p.wrapping_mul(self.next));
                let y = self.b.wrapping_offset(p.wrapping_mul(self.down));
                for (l, s) in sum.iter_mut().enumerate() {
                    *s = E::fma(x, *y.wrapping_offset(((j + l) as isize).wrapping_mul(self.across)), *s)
                }
            }
        }
        // SAFETY: the caller's.
        unsafe { to.add(j).cast::<[E; N]>().write_unaligned(sum) }
    }
}
