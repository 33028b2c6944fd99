//! The innermost loops of the product, and their tables by element type and instruction set.
//!
//! A microkernel computes a few rows by one or two vectors of columns, over one chunk of k, with all sums in registers. Elements
//! of the left operand are broadcast from wherever they lie; the right operand comes in vectors along its columns.

use super::simd::{Lanes, Num, Real, Simd};
use super::tree;
#[cfg(target_arch = "x86_64")]
use super::x86::*;
use crate::isa::Isa;

/// A call of a microkernel.
pub(super) struct Job<E> {
    /// Length of the chunk.
    pub k: usize,
    /// Element (0, 0) of the rows.
    pub a: *const E,
    /// From a row to the next.
    pub a_row: isize,
    /// From an element of a row to the next.
    pub a_col: isize,
    /// Element (0, 0) of the columns, which are adjacent.
    pub b: *const E,
    /// From a row of columns to the next.
    pub b_row: isize,
    /// Element (0, 0) of the result, whose columns are adjacent.
    pub c: *mut E,
    /// From a row of the result to the next.
    pub c_row: usize,
    /// How many columns there are, at most as many as the kernel has.
    pub cols: usize,
    /// Are the sums added to the result, or do they replace it?
    pub add: bool,
}

/// # Safety
/// The job's pointers must be valid for what it describes: reads of `k` by `rows` and `k` by `cols` elements, and writes (reads
/// too, if it adds) of `rows` by `cols`. The processor must have the instruction set of the kernel.
pub(super) type Micro<E> = unsafe fn(&Job<E>);

/// Repeats the body for i < R. The sums stay in registers only if no loop is left, and the compiler does not always see that.
macro_rules! unrolled {
    ($r:ident, $i:ident, $body:block) => {
        unrolled!(@ $r, $i, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12 13);
        const { assert!($r <= 14) }
    };
    (@ $r:ident, $i:ident, $body:block, $($n:literal)+) => {
        $(if $n < $r {
            let $i = $n;
            $body
        })+
    };
}

/// `R` rows by `V` vectors.
///
/// # Safety
/// As for [`Micro`].
#[inline(always)]
unsafe fn micro<S: Simd, const R: usize, const V: usize>(job: &Job<S::E>) {
    // SAFETY: all accesses lie inside the job. Pointers to rows beyond it, and to vectors that are masked out altogether, are made
    // with wrapping arithmetic and not followed.
    unsafe {
        let mut masks = [S::mask(0); V];
        for v in 0..V {
            masks[v] = S::mask(job.cols.saturating_sub(v * S::W).min(S::W));
        }
        if job.k > 16 {
            for i in 0..R {
                prefetch(job.c.wrapping_add(i * job.c_row));
                prefetch(job.c.wrapping_add(i * job.c_row + job.cols - 1));
            }
        }
        let mut sums = [[S::splat(S::E::ZERO); V]; R];
        // Every third row has a pointer of its own. The two rows behind it are one and two strides away, which is an addressing
        // mode; a pointer for every row would not fit into the registers.
        let mut rows = [job.a; 5];
        for g in 1..R.div_ceil(3) {
            rows[g] = job.a.wrapping_offset(3 * g as isize * job.a_row);
        }
        let mut b = job.b;
        let mut ahead = job.a.wrapping_offset(32 * job.a_col);
        let back = 16 * (job.a_col - job.a_row);
        for p in 0..job.k {
            prefetch(ahead);
            ahead = ahead.wrapping_offset(job.a_row);
            if p % 16 == 15 {
                ahead = ahead.wrapping_offset(back);
            }
            let mut x = [S::splat(S::E::ZERO); V];
            for v in 0..V {
                x[v] = S::load_m(b.wrapping_add(v * S::W), masks[v]);
            }
            unrolled!(R, i, {
                let y = S::splat(*rows[i / 3].wrapping_offset((i % 3) as isize * job.a_row));
                for v in 0..V {
                    sums[i][v] = S::fma(y, x[v], sums[i][v]);
                }
            });
            for g in 0..R.div_ceil(3) {
                rows[g] = rows[g].wrapping_offset(job.a_col);
            }
            b = b.wrapping_offset(job.b_row);
        }
        for i in 0..R {
            let c = job.c.wrapping_add(i * job.c_row);
            for v in 0..V {
                let c = c.wrapping_add(v * S::W);
                if job.add {
                    sums[i][v] = S::add(S::load_m(c, masks[v]), sums[i][v]);
                }
                sums[i][v].store_m(c, masks[v]);
            }
        }
    }
}

/// Brings a line close that will be read at the end of a chunk.
#[inline(always)]
fn prefetch<E>(p: *const E) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64, and a prefetch never faults.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(p.cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

/// Copies `count` runs of `n` elements, `from` apart, to places `to` apart. With `PAD` every place is filled up to `V` vectors with
/// zeros.
///
/// # Safety
/// The runs must be valid for reads, the places (`V` vectors with `PAD`, else `n` elements) for writes; `n` is at most `V`
/// vectors. The processor must have the instruction set.
#[inline(always)]
unsafe fn strip<S: Simd, const V: usize, const PAD: bool>(
    count: usize,
    mut p: *const S::E,
    from: isize,
    n: usize,
    mut q: *mut S::E,
    to: usize,
) {
    // SAFETY: masked accesses lie inside runs and places, full ones inside places of V vectors.
    unsafe {
        let mut masks = [S::mask(0); V];
        for v in 0..V {
            masks[v] = S::mask(n.saturating_sub(v * S::W).min(S::W));
        }
        for _ in 0..count {
            for v in 0..V {
                let x = S::load_m(p.wrapping_add(v * S::W), masks[v]);
                if PAD { x.store(q.add(v * S::W)) } else { x.store_m(q.wrapping_add(v * S::W), masks[v]) }
            }
            p = p.wrapping_offset(from);
            q = q.wrapping_add(to);
        }
    }
}

/// # Safety
/// As for [`strip`]: count, first run, distance of runs, length of a run, first place, distance of places.
pub(super) type Strip<E> = unsafe fn(usize, *const E, isize, usize, *mut E, usize);

/// The kernels of an element type for an instruction set.
pub(super) struct Kit<E: 'static> {
    /// The instruction set.
    pub isa: Isa,
    /// Elements of a vector.
    pub width: usize,
    /// One row more in each: one vector of columns. The length is the greatest number of rows.
    pub one: &'static [Micro<E>],
    /// The same with two vectors of columns: a panel.
    pub two: &'static [Micro<E>],
    /// For few rows: entry i has i + 1 rows and as many vectors as it says.
    pub wide: &'static [(usize, Micro<E>)],
    /// Copies into panels of two vectors, filling up with zeros.
    pub pack_b: Strip<E>,
    /// Copies runs of at most `two.len()` elements.
    pub pack_a: Strip<E>,
}

/// An element type that has kernels.
pub(super) trait Elem: Num {
    /// The kernels for an instruction set.
    fn kit(isa: Isa) -> &'static Kit<Self>;
}

/// An element type that has the kernels of the summation tree.
pub(super) trait TreeElem: Elem {
    /// The kernels for an instruction set.
    fn tree(isa: Isa) -> &'static tree::Kit<Self>;
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use super::*;
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn micro<S: Simd, const R: usize, const V: usize>(job: &Job<S::E>) {
        // SAFETY: the caller's promise.
        unsafe { super::micro::<S, R, V>(job) }
    }
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn strip<S: Simd, const V: usize, const PAD: bool>(
        count: usize,
        p: *const S::E,
        from: isize,
        n: usize,
        q: *mut S::E,
        to: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe { super::strip::<S, V, PAD>(count, p, from, n, q, to) }
    }
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn rows<S: Real, const R: usize, const V: usize, const PAIR: bool>(job: &tree::Job<S::E>) {
        // SAFETY: the caller's promise.
        unsafe { tree::rows::<S, R, V, PAIR>(job) }
    }
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn across<S: Real, const L: usize>(job: &tree::Job<S::E>) {
        // SAFETY: the caller's promise.
        unsafe { tree::across::<S, L>(job) }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::*;
    #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn micro<S: Simd, const R: usize, const V: usize>(job: &Job<S::E>) {
        // SAFETY: the caller's promise.
        unsafe { super::micro::<S, R, V>(job) }
    }
    #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn strip<S: Simd, const V: usize, const PAD: bool>(
        count: usize,
        p: *const S::E,
        from: isize,
        n: usize,
        q: *mut S::E,
        to: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe { super::strip::<S, V, PAD>(count, p, from, n, q, to) }
    }
    #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn rows<S: Real, const R: usize, const V: usize, const PAIR: bool>(job: &tree::Job<S::E>) {
        // SAFETY: the caller's promise.
        unsafe { tree::rows::<S, R, V, PAIR>(job) }
    }
    #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn across<S: Real, const L: usize>(job: &tree::Job<S::E>) {
        // SAFETY: the caller's promise.
        unsafe { tree::across::<S, L>(job) }
    }
}

mod portable {
    pub(super) use super::{micro, strip};
    pub(super) use crate::dot::tree::{across, rows};
}

/// The table of one element type: for each instruction set the vector, the rows of its kernels, its wide kernels, and how many
/// vectors hold a run of as many elements as there are rows.
macro_rules! kit {
    ($e:ty: $($(#[$cfg:meta])? $isa:ident $module:ident $s:ty, [$($r:literal)+], [$($wr:literal x $wv:literal)*], $run:literal;)+) => {
        impl Elem for $e {
            fn kit(isa: Isa) -> &'static Kit<$e> {
                match isa {
                    $($(#[$cfg])? Isa::$isa => {
                        static KIT: Kit<$e> = Kit {
                            isa: Isa::$isa,
                            width: <$s as Simd>::W,
                            one: &[$($module::micro::<$s, $r, 1>),+],
                            two: &[$($module::micro::<$s, $r, 2>),+],
                            wide: &[$(($wv, $module::micro::<$s, $wr, $wv>)),*],
                            pack_b: $module::strip::<$s, 2, true>,
                            pack_a: $module::strip::<$s, $run, false>,
                        };
                        &KIT
                    })+
                    #[cfg(not(target_arch = "x86_64"))]
                    _ => unreachable!("this architecture has no other instruction set"),
                }
            }
        }
    };
}

kit! { f32:
    #[cfg(target_arch = "x86_64")]
    Avx512 avx512 F32x16, [1 2 3 4 5 6 7 8 9 10 11 12 13 14], [1 x 8 2 x 8 3 x 8 4 x 4 5 x 4 6 x 4], 1;
    #[cfg(target_arch = "x86_64")]
    Avx2 avx2 F32x8, [1 2 3 4 5 6], [1 x 8 2 x 4], 1;
    Portable portable Lanes<f32, 4>, [1 2 3 4], [1 x 4], 1;
}
kit! { f64:
    #[cfg(target_arch = "x86_64")]
    Avx512 avx512 F64x8, [1 2 3 4 5 6 7 8 9 10 11 12 13 14], [1 x 8 2 x 8 3 x 8 4 x 4 5 x 4 6 x 4], 2;
    #[cfg(target_arch = "x86_64")]
    Avx2 avx2 F64x4, [1 2 3 4 5 6], [1 x 8 2 x 4], 2;
    Portable portable Lanes<f64, 2>, [1 2 3 4], [1 x 4], 2;
}
kit! { u16:
    #[cfg(target_arch = "x86_64")]
    Avx512 avx512 U16x32, [1 2 3 4 5 6 7 8], [], 1;
    #[cfg(target_arch = "x86_64")]
    Avx2 avx2 U16x16, [1 2 3 4], [], 1;
    Portable portable Lanes<u16, 8>, [1 2 3 4], [], 1;
}
kit! { u32:
    #[cfg(target_arch = "x86_64")]
    Avx512 avx512 U32x16, [1 2 3 4 5 6 7 8], [], 1;
    #[cfg(target_arch = "x86_64")]
    Avx2 avx2 U32x8, [1 2 3 4], [], 1;
    Portable portable Lanes<u32, 4>, [1 2 3 4], [], 1;
}
kit! { u64:
    #[cfg(target_arch = "x86_64")]
    Avx512 avx512 U64x8, [1 2 3 4 5 6 7 8], [], 1;
    #[cfg(target_arch = "x86_64")]
    Avx2 avx2 U64x4, [1 2 3 4], [], 1;
    Portable portable Lanes<u64, 2>, [1 2 3 4], [], 2;
}

/// The tree of one element type: its lanes, and for each instruction set the vector, vectors of 256 bytes, and rows at once.
macro_rules! tree {
    ($e:ty, $lanes:literal: $($(#[$cfg:meta])? $isa:ident $module:ident $s:ty, $v:literal, $r:literal;)+) => {
        impl TreeElem for $e {
            fn tree(isa: Isa) -> &'static tree::Kit<$e> {
                match isa {
                    $($(#[$cfg])? Isa::$isa => {
                        static KIT: tree::Kit<$e> = tree::Kit {
                            group: $r,
                            rows: [$module::rows::<$s, $r, $v, false>, $module::rows::<$s, 1, $v, false>],
                            pairs: $module::rows::<$s, 1, $v, true>,
                            across: $module::across::<$s, $lanes>,
                            columns: 2 * <$s as Simd>::W,
                        };
                        &KIT
                    })+
                    #[cfg(not(target_arch = "x86_64"))]
                    _ => unreachable!("this architecture has no other instruction set"),
                }
            }
        }
    };
}

tree! { f32, 64:
    #[cfg(target_arch = "x86_64")]
    Avx512 avx512 F32x16, 4, 4;
    #[cfg(target_arch = "x86_64")]
    Avx2 avx2 F32x8, 8, 1;
    Portable portable Lanes<f32, 4>, 16, 1;
}
tree! { f64, 32:
    #[cfg(target_arch = "x86_64")]
    Avx512 avx512 F64x8, 4, 4;
    #[cfg(target_arch = "x86_64")]
    Avx2 avx2 F64x4, 8, 1;
    Portable portable Lanes<f64, 2>, 16, 1;
}
