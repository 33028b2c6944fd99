//! Many small products at once: rotations of points, blocks of four by four. A lane of a vector is a product, so that an element of a
//! result is the chain of its definition as everywhere else, and what a kernel for large ones does before it starts is done once for all.

use super::scratch::Scratch;
use super::simd::Num;
use super::{Mat, Product, Tail};
use crate::exec::access;
use crate::multiversion;
use std::ops::Range;

/// Products that are computed together.
const LANES: usize = 16;
/// Elements of the largest matrix of a small product.
const SMALL: usize = 32;

/// Is that a product of small matrices, and are there enough of them?
pub(super) fn fits(p: &Product) -> bool {
    let most = (p.m * p.k).max(p.k * p.n).max(p.m * p.n);
    p.batch >= LANES && most <= SMALL && p.items() == p.batch && p.plain_reals() && p.in_place() && !p.onto
}

/// Computes some of the products.
///
/// # Safety
/// As for [`Product::run`]; it fits, and `E` is the type of its elements.
pub(super) unsafe fn run<E: Num>(p: &Product, items: Range<usize>, tail: Tail) {
    let size = size_of::<E>();
    let room = |rows, cols| rows * cols * LANES * size;
    let mut scratch = Scratch::new([room(p.m, p.k), room(p.k, p.n), room(p.m, p.n)]);
    let (a, b, c) = (scratch.area::<E>(0), scratch.area::<E>(1), scratch.area::<E>(2));
    let kernel = kernel::<E>(p.isa);
    for t in items.clone().step_by(LANES) {
        let count = LANES.min(items.end - t);
        // SAFETY: these matrices are there, and the areas have room for them.
        unsafe {
            if count < LANES {
                // the lanes without a product
                a.write_bytes(0, p.m * p.k * LANES);
                b.write_bytes(0, p.k * p.n * LANES)
            }
            let left = lanes(a, &p.a, t, count, (p.m, p.k));
            let right = lanes(b, &p.b, t, count, (p.k, p.n));
            kernel(a, left, b, right, c, [p.m, p.n, p.k]);
            let each = p.m * p.n;
            let out = p.out.cast::<E>().add(t * each);
            access::transpose(out.cast(), each * size, c.cast(), (LANES * size) as isize, count, each, size);
        }
        let (rows, cols) = if p.turned { (p.m, count * p.n) } else { (count * p.m, p.n) };
        p.finished(tail, t, 0..rows, 0..cols)
    }
}

/// Brings matrices into lanes, and says how many lanes' places lie between rows and between columns.
///
/// # Safety
/// The matrices are there, and `dst` has room.
unsafe fn lanes<E: Num>(dst: *mut E, x: &Mat, t: usize, count: usize, (rows, cols): (usize, usize)) -> [usize; 2] {
    let size = size_of::<E>();
    let bytes = |elements: isize| elements * size as isize;
    let src = x.ptr.wrapping_offset(bytes(t as isize * x.batch));
    let by_rows = x.col == 1 && (rows == 1 || x.row == cols as isize);
    let by_columns = x.row == 1 && (cols == 1 || x.col == rows as isize);
    // SAFETY: the caller's.
    unsafe {
        if (by_rows || by_columns) && x.batch != 0 {
            let stride = bytes(x.batch);
            access::transpose(dst.cast(), LANES * size, src, stride, rows * cols, count, size);
            return if by_rows { [cols, 1] } else { [1, rows] };
        }
        for i in 0..rows {
            for j in 0..cols {
                let from = src.wrapping_offset(bytes(i as isize * x.row + j as isize * x.col));
                access::strided(dst.add((i * cols + j) * LANES).cast(), from, bytes(x.batch), count, size)
            }
        }
        [cols, 1]
    }
}

multiversion! {
    /// The products in all lanes. What comes out in lanes without one is read by nobody.
    fn kernel<E: Num>(a: *const E, left: [usize; 2], b: *const E, right: [usize; 2], c: *mut E, sizes: [usize; 3]) {
        let [m, n, k] = sizes;
        for i in 0..m {
            for j in 0..n {
                let mut sum = [E::ZERO; LANES];
                for p in 0..k {
                    // SAFETY: these elements of all lanes.
                    unsafe {
                        let x = &*a.add((i * left[0] + p * left[1]) * LANES).cast::<[E; LANES]>();
                        let y = &*b.add((p * right[0] + j * right[1]) * LANES).cast::<[E; LANES]>();
                        for l in 0..LANES {
                            sum[l] = E::fma(x[l], y[l], sum[l])
                        }
                    }
                }
                // SAFETY: as above.
                unsafe { *c.add((i * n + j) * LANES).cast::<[E; LANES]>() = sum }
            }
        }
    }
}
