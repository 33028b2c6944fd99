//! Packing the right operand: panels of two vectors of columns, one row behind the other, filled up with zeros.

use super::micro::{Elem, Kit};
use super::simd::Num;
use crate::isa::Isa;
use std::ops::Range;

/// Packs `k` rows of `n` columns into a panel.
///
/// # Safety
/// Element (p, j) at `src + p * row + j * col` must be readable for all p < k, j < n; `n` is at most the width of a panel; `dst`
/// has room for `k` rows of that width. The processor must have the instruction set of the kit.
pub(super) unsafe fn panel<E: Elem>(
    kit: &Kit<E>,
    k: usize,
    n: usize,
    src: *const E,
    row: isize,
    col: isize,
    dst: *mut E,
) {
    let width = 2 * kit.width;
    // SAFETY: the caller's promise, passed on.
    unsafe {
        if col == 1 || n == 1 {
            (kit.pack_b)(k, src, row, n, dst, width)
        } else {
            let (p, j) = blocks::<E>(kit.isa, k, n, src, row, col, dst, width);
            // What the blocks left: the columns beyond them, and the ends of the columns in them.
            elements(0..k, j..n, src, row, col, dst, width);
            elements(p..k, 0..j, src, row, col, dst, width);
            for p in 0..k {
                for j in n..width {
                    *dst.add(p * width + j) = E::ZERO;
                }
            }
        }
    }
}

/// # Safety
/// As for [`panel`], for a part of it.
unsafe fn elements<E: Num>(
    rows: Range<usize>,
    cols: Range<usize>,
    src: *const E,
    row: isize,
    col: isize,
    dst: *mut E,
    width: usize,
) {
    for p in rows {
        for j in cols.clone() {
            // SAFETY: element (p, j) of both.
            unsafe { *dst.add(p * width + j) = *src.wrapping_offset(p as isize * row + j as isize * col) }
        }
    }
}

/// Packs whole blocks of contiguous columns, transposing them in registers, and says how many rows and columns it has packed.
///
/// # Safety
/// As for [`panel`].
#[cfg(target_arch = "x86_64")]
unsafe fn blocks<E: Num>(
    isa: Isa,
    k: usize,
    n: usize,
    src: *const E,
    row: isize,
    col: isize,
    dst: *mut E,
    width: usize,
) -> (usize, usize) {
    use super::x86::{transpose_4x8, transpose_8x8};
    macro_rules! blocks {
        ($columns:literal, $t:ty, $transpose:ident) => {{
            #[target_feature(enable = "avx2")]
            unsafe fn all(k: usize, n: usize, src: *const $t, col: isize, dst: *mut $t, width: usize) {
                for j in (0..n).step_by($columns) {
                    for p in (0..k).step_by(8) {
                        // SAFETY: a whole block of both; the processor has AVX2.
                        unsafe {
                            $transpose(src.wrapping_offset(j as isize * col).add(p), col, dst.add(p * width + j), width)
                        }
                    }
                }
            }
            let (k, n) = (k & !7, n & !($columns - 1));
            // SAFETY: these rows and columns are within the panel, and both greater instruction sets have AVX2. The elements are
            // moved as floats of their size, which keeps their bits.
            unsafe { all(k, n, src.cast(), col, dst.cast(), width) };
            (k, n)
        }};
    }
    match size_of::<E>() {
        4 if isa != Isa::Portable && row == 1 => blocks!(8, f32, transpose_8x8),
        8 if isa != Isa::Portable && row == 1 => blocks!(4, f64, transpose_4x8),
        _ => (0, 0),
    }
}

/// Elsewhere there are no blocks.
///
/// # Safety
/// None needed.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn blocks<E: Num>(
    _: Isa,
    _: usize,
    _: usize,
    _: *const E,
    _: isize,
    _: isize,
    _: *mut E,
    _: usize,
) -> (usize, usize) {
    (0, 0)
}

crate::multiversion! {
    /// Packs a panel of complex numbers as reals: (re, im) above (-im, re), so that the product of reals with a row of re, im, ..
    /// is the complex product. Strides count complex numbers, `n` does too.
    fn pairs<E: Num>(k: usize, n: usize, src: *const E, row: isize, col: isize, dst: *mut E, width: usize) {
        for p in 0..k {
            // SAFETY: two rows of the panel.
            let (above, below) = unsafe { (dst.add(2 * p * width), dst.add((2 * p + 1) * width)) };
            let s = src.wrapping_offset(2 * p as isize * row);
            for j in 0..n {
                // SAFETY: element (p, j), and its four places in the panel.
                unsafe {
                    let s = s.wrapping_offset(2 * j as isize * col);
                    let (re, im) = (*s, *s.add(1));
                    *above.add(2 * j) = re;
                    *above.add(2 * j + 1) = im;
                    *below.add(2 * j) = im.neg();
                    *below.add(2 * j + 1) = re;
                }
            }
            for c in 2 * n..width {
                // SAFETY: places of the panel.
                unsafe {
                    *above.add(c) = E::ZERO;
                    *below.add(c) = E::ZERO;
                }
            }
        }
    }
}

/// Packs complex numbers, see `pairs`.
///
/// # Safety
/// As for [`panel`], with complex elements, and `2 * k` rows of room.
pub(super) unsafe fn panel_of_pairs<E: Elem>(
    kit: &Kit<E>,
    k: usize,
    n: usize,
    src: *const E,
    row: isize,
    col: isize,
    dst: *mut E,
) {
    // SAFETY: the caller's promise.
    unsafe { pairs::<E>(kit.isa)(k, n, src, row, col, dst, 2 * kit.width) }
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
