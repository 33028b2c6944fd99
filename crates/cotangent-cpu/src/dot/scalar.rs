//! The product as its definition says it, element by element.

use super::{Mat, cast};
use crate::{BLOCK, DotOrder, DotSpec, Dt, lanes};

/// What a product computes with.
trait Num: Copy {
    const ZERO: Self;
    /// The identity of addition, where lanes of the tree start.
    const LANE: Self;
    fn add(self, other: Self) -> Self;
    fn fma(a: Self, b: Self, sum: Self) -> Self;
}

macro_rules! real {
    ($($t:ty),*) => {$(
        impl Num for $t {
            const ZERO: $t = 0.0;
            const LANE: $t = -0.0;
            fn add(self, other: $t) -> $t {
                self + other
            }
            fn fma(a: $t, b: $t, sum: $t) -> $t {
                a.mul_add(b, sum)
            }
        }
        impl Num for [$t; 2] {
            const ZERO: [$t; 2] = [0.0; 2];
            const LANE: [$t; 2] = [-0.0; 2];
            fn add(self, other: Self) -> Self {
                [self[0] + other[0], self[1] + other[1]]
            }
            fn fma([ar, ai]: Self, [br, bi]: Self, [re, im]: Self) -> Self {
                [(-ai).mul_add(bi, ar.mul_add(br, re)), ai.mul_add(br, ar.mul_add(bi, im))]
            }
        }
    )*};
}
real!(f32, f64);

macro_rules! int {
    ($($t:ty),*) => {$(
        impl Num for $t {
            const ZERO: $t = 0;
            const LANE: $t = 0;
            fn add(self, other: $t) -> $t {
                self.wrapping_add(other)
            }
            fn fma(a: $t, b: $t, sum: $t) -> $t {
                a.wrapping_mul(b).wrapping_add(sum)
            }
        }
    )*};
}
int!(u16, u32, u64);

/// Combines in adjacent pairs, level by level.
fn pairs<T: Num>(mut v: Vec<T>) -> T {
    while v.len() > 1 {
        v = v.chunks(2).map(|c| if c.len() == 2 { c[0].add(c[1]) } else { c[0] }).collect();
    }
    v.first().copied().unwrap_or(T::ZERO)
}

fn tree<T: Num>(a: &[T], b: &[T]) -> T {
    let block = |a: &[T], b: &[T]| {
        let w = lanes(size_of::<T>());
        let mut lane = vec![T::LANE; w];
        for (p, (x, y)) in a.iter().zip(b).enumerate() {
            lane[p % w] = T::fma(*x, *y, lane[p % w]);
        }
        let mut h = w / 2;
        while h > 0 {
            for i in 0..h {
                lane[i] = lane[i].add(lane[i + h]);
            }
            h /= 2;
        }
        lane[0]
    };
    pairs(a.chunks(BLOCK).zip(b.chunks(BLOCK)).map(|(a, b)| block(a, b)).collect())
}

fn chain<T: Num>(a: &[T], b: &[T]) -> T {
    let run = |a: &[T], b: &[T]| a.iter().zip(b).fold(T::ZERO, |s, (x, y)| T::fma(*x, *y, s));
    let chunks: Vec<T> = a.chunks(256).zip(b.chunks(256)).map(|(a, b)| run(a, b)).collect();
    pairs(chunks.chunks(64).map(|c| c[1..].iter().fold(c[0], |t, s| t.add(*s))).collect())
}

/// # Safety
/// As for [`super::dot`].
pub(super) unsafe fn dot(spec: DotSpec, src: Dt, out_dt: Dt, sizes: [usize; 4], a: Mat, b: Mat, out: *mut u8) {
    // SAFETY: the caller's promise; the element types are those of `compute`.
    unsafe {
        match cast::compute(spec.acc) {
            Dt::F32 => each::<f32>(spec, src, out_dt, sizes, a, b, out),
            Dt::F64 => each::<f64>(spec, src, out_dt, sizes, a, b, out),
            Dt::C64 => each::<[f32; 2]>(spec, src, out_dt, sizes, a, b, out),
            Dt::C128 => each::<[f64; 2]>(spec, src, out_dt, sizes, a, b, out),
            Dt::U16 => each::<u16>(spec, src, out_dt, sizes, a, b, out),
            Dt::U32 => each::<u32>(spec, src, out_dt, sizes, a, b, out),
            _ => each::<u64>(spec, src, out_dt, sizes, a, b, out),
        }
    }
}

/// # Safety
/// As for [`super::dot`]; `T` is the type of `compute(spec.acc)`.
unsafe fn each<T: Num>(spec: DotSpec, src: Dt, out_dt: Dt, sizes: [usize; 4], a: Mat, b: Mat, out: *mut u8) {
    let [batch, m, n, k] = sizes;
    let read = |x: Mat, outer: isize, inner: isize, count: usize, t: usize| -> Vec<T> {
        let mut v = vec![T::ZERO; count * k];
        for i in 0..count {
            let at = (t as isize * x.batch + i as isize * outer) * src.size() as isize;
            // SAFETY: the caller vouches for the k elements of a row or column, and the vector has room for all.
            unsafe { cast::read(src, spec.acc, k, x.ptr.wrapping_offset(at), inner, v[i * k..].as_mut_ptr().cast()) }
        }
        v
    };
    for t in 0..batch {
        let rows = read(a, a.row, a.col, m, t);
        let cols = read(b, b.col, b.row, n, t);
        for i in 0..m {
            for j in 0..n {
                let (x, y) = (&rows[i * k..(i + 1) * k], &cols[j * k..(j + 1) * k]);
                let s = if spec.order == DotOrder::Tree { tree(x, y) } else { chain(x, y) };
                let at = ((t * m + i) * n + j) * out_dt.size();
                // SAFETY: element (t, i, j) of the result.
                unsafe { cast::write(spec.acc, out_dt, 1, (&raw const s).cast(), out.add(at)) }
            }
        }
    }
}
