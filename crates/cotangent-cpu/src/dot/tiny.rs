//! A product of a few elements: a step of a filter, a rotation. It is done before the driver of large ones has looked at it.

use super::simd::Num;
use super::{DotOrder, DotSpec, Dt, Mat};
use crate::isa::Isa;
use crate::multiversion;

/// Multiplications of the largest such product.
const MOST: usize = 1024;
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
            let (a_, b_) = (a.ptr.cast::<E>().wrapping_offset(t.wrapping_mul(a.batch)), b.ptr.cast::<E>().wrapping_offset(t.wrapping_mul(b.batch)));
            for i in 0..m {
                let row = a_.wrapping_offset((i as isize).wrapping_mul(a.row));
                let to = out.cast::<E>().wrapping_add((t as usize * m + i) * n);
                // SAFETY: the elements of the operands and of a row of the result.
                unsafe {
                    // columns that lie beside each other are one vector
                    match b.col {
                        1 => one_row(row, a.col, b_, b.row, 1, to, n, k),
                        _ => one_row(row, a.col, b_, b.row, b.col, to, n, k),
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn one_row<E: Num>(
    row: *const E,
    next: isize,
    b: *const E,
    down: isize,
    across: isize,
    to: *mut E,
    n: usize,
    k: usize,
) {
    // SAFETY: the caller's; sums from `j` on are there as long as `j` and so many more do not exceed `n`.
    unsafe {
        let mut j = 0;
        while j + 8 <= n {
            sums::<E, 8>(row, next, b, down, across, to, j, k);
            j += 8
        }
        if j + 4 <= n {
            sums::<E, 4>(row, next, b, down, across, to, j, k);
            j += 4
        }
        match n - j {
            1 => sums::<E, 1>(row, next, b, down, across, to, j, k),
            2 => sums::<E, 2>(row, next, b, down, across, to, j, k),
            3 => sums::<E, 3>(row, next, b, down, across, to, j, k),
            _ => (),
        }
    }
}
#[inline(always)]
unsafe fn sums<E: Num, const N: usize>(
    row: *const E,
    next: isize,
    b: *const E,
    down: isize,
    across: isize,
    to: *mut E,
    j: usize,
    k: usize,
) {
    let mut sum = [E::ZERO; N];
    for p in 0..k as isize {
        // SAFETY: the caller's.
        unsafe {
            let x = *row.wrapping_offset(p.wrapping_mul(next));
            let y = b.wrapping_offset(p.wrapping_mul(down));
            for (l, s) in sum.iter_mut().enumerate() {
                *s = E::fma(x, *y.wrapping_offset(((j + l) as isize).wrapping_mul(across)), *s)
            }
        }
    }
    // SAFETY: the caller's.
    unsafe { to.add(j).cast::<[E; N]>().write_unaligned(sum) }
}
