//! Packing the right operand: panels of a few vectors of columns, one row behind the other, filled up with zeros.

use super::micro::{Elem, Kit};
use super::simd::Num;
use crate::isa::Isa;
use std::ops::Range;

/// Packs `k` rows of `n` columns into a panel of so many vectors.
///
/// # Safety
/// Element (p, j) at `src + p * row + j * col` must be readable for all p < k, j < n; `n` is at most the width of a panel; `dst`
/// has room for `k` rows of that width. The processor must have the instruction set of the kit.
pub(super) unsafe fn panel<E: Elem>(
    kit: &Kit<E>,
    vectors: usize,
    k: usize,
    n: usize,
    src: *const E,
    row: isize,
    col: isize,
    dst: *mut E,
) {
    let width = vectors * kit.width;
    // SAFETY: the caller's promise, passed on.
    unsafe {
        if col == 1 || n == 1 {
            return kit.pack_b[vectors - 1](k, src, row, n, dst, width);
        }
        gather(kit.isa, k, n, src, row, col, dst, width);
        if n < width {
            for p in 0..k {
                for j in n..width {
                    *dst.add(p * width + j) = E::ZERO;
                }
            }
        }
    }
}

/// Packs a panel of complex numbers as reals: (re, im) above (-im, re), so that the product of reals with a row of re, im, ..
/// is the complex product. Strides count complex numbers, `n` does too.
///
/// # Safety
/// As for [`panel`], with complex elements and `2 * k` rows of room; `area` has room for `k` by `n` complex numbers, unless columns
/// are adjacent. The kit must have the kernel.
pub(super) unsafe fn panel_of_pairs<E: Elem>(
    kit: &Kit<E>,
    vectors: usize,
    k: usize,
    n: usize,
    src: *const E,
    row: isize,
    col: isize,
    area: *mut E,
    dst: *mut E,
) {
    let strip = kit.pack_pairs.expect("complex numbers are made of floats")[vectors - 1];
    let width = vectors * kit.width;
    // SAFETY: the caller's promise, passed on.
    unsafe {
        if col == 1 || n == 1 {
            strip(k, src, 2 * row, 2 * n, dst, width)
        } else {
            gather::<[E; 2]>(kit.isa, k, n, src.cast(), row, col, area.cast(), n);
            strip(k, area, 2 * n as isize, 2 * n, dst, width)
        }
    }
}

/// Copies `k` rows of `n` columns to rows that are `width` apart. Contiguous columns are transposed in registers.
///
/// # Safety
/// As for [`panel`]; nothing is written beyond `n` columns.
unsafe fn gather<T: Copy>(
    isa: Isa,
    k: usize,
    n: usize,
    src: *const T,
    row: isize,
    col: isize,
    dst: *mut T,
    width: usize,
) {
    // SAFETY: the caller's promise, passed on.
    unsafe {
        let (p, j) = if row == 1 { blocks(isa, k, n, src, col, dst, width) } else { (0, 0) };
        // What the blocks left: the columns beyond them, and the ends of the columns in them.
        elements(0..k, j..n, src, row, col, dst, width);
        elements(p..k, 0..j, src, row, col, dst, width);
    }
}

/// # Safety
/// As for [`gather`], for a part of it.
unsafe fn elements<T: Copy>(
    rows: Range<usize>,
    cols: Range<usize>,
    src: *const T,
    row: isize,
    col: isize,
    dst: *mut T,
    width: usize,
) {
    for p in rows {
        for j in cols.clone() {
            // SAFETY: element (p, j) of both.
            unsafe { *dst.add(p * width + j) = *src.wrapping_offset(p as isize * row + j as isize * col) }
        }
    }
}

/// Packs whole blocks of contiguous columns and says how many rows and columns it has packed.
///
/// # Safety
/// As for [`gather`].
#[cfg(target_arch = "x86_64")]
unsafe fn blocks<T: Copy>(
    isa: Isa,
    k: usize,
    n: usize,
    src: *const T,
    col: isize,
    dst: *mut T,
    width: usize,
) -> (usize, usize) {
    use super::micro::prefetch;
    use super::x86::{transpose_4x8, transpose_8x8, transpose_8x8_short};
    macro_rules! blocks {
        ($columns:literal, $t:ty, $transpose:ident) => {{
            #[target_feature(enable = "avx2")]
            unsafe fn all(k: usize, n: usize, src: *const $t, col: isize, dst: *mut $t, width: usize) {
                // A line of every column at a time, and the one that comes two lines later is asked for: the runs are too short for
                // the processor to see them coming.
                let line = 64 / size_of::<$t>();
                for first in (0..k).step_by(line) {
                    for j in (0..n).step_by($columns) {
                        let from = src.wrapping_offset(j as isize * col).wrapping_add(first);
                        for c in 0..$columns {
                            prefetch(from.wrapping_offset(c * col).wrapping_add(2 * line));
                        }
                        for p in (0..line.min(k - first)).step_by(8) {
                            // SAFETY: a whole block of both; the processor has AVX2.
                            unsafe { $transpose(from.add(p), col, dst.add((first + p) * width + j), width) }
                        }
                    }
                }
            }
            let (k, n) = (k & !7, n & !($columns as usize - 1));
            // SAFETY: these rows and columns are within the caller's, and both greater instruction sets have AVX2. The elements
            // are moved as what has their size, which keeps their bits.
            unsafe { all(k, n, src.cast(), col, dst.cast(), width) };
            (k, n)
        }};
    }
    match size_of::<T>() {
        _ if isa == Isa::Portable => (0, 0),
        2 => blocks!(8, u16, transpose_8x8_short),
        4 => blocks!(8, f32, transpose_8x8),
        8 => blocks!(4, f64, transpose_4x8),
        _ => (0, 0),
    }
}

/// Elsewhere there are no blocks.
///
/// # Safety
/// None needed.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn blocks<T: Copy>(_: Isa, _: usize, _: usize, _: *const T, _: isize, _: *mut T, _: usize) -> (usize, usize) {
    (0, 0)
}

/// For every (re, im) of `n` of them: (-im, re).
///
/// # Safety
/// `src` must have `n` pairs, and `dst` room for them.
pub(super) unsafe fn turn<E: Num>(n: usize, src: *const E, dst: *mut E) {
    for i in 0..n {
        // SAFETY: pair i of both.
        unsafe {
            *dst.add(2 * i) = (*src.add(2 * i + 1)).neg();
            *dst.add(2 * i + 1) = *src.add(2 * i);
        }
    }
}
