//! The innermost loops of the product, and their tables by element type and instruction set.
//!
//! A microkernel computes a few rows by one or two vectors of columns, over one chunk of k, with all sums in registers. Elements
//! of the left operand are broadcast from wherever they lie; the right operand comes in vectors along its columns.

#[cfg(target_arch = "x86_64")]
use super::simd::Square;
use super::simd::{Lanes, Num, Real, Simd};
use super::tree;
#[cfg(target_arch = "x86_64")]
use super::x86::*;
use crate::isa::Isa;

/// A call of a microkernel.
pub(crate) struct Job<E> {
    /// Length of the chunk.
    pub k: usize,
    /// Element (0, 0) of the rows.
    pub a: *const E,
    /// From a row to the next.
    pub a_row: isize,
    /// From an element of a row to the next.
    pub a_col: isize,
    /// The same for every element, if they are not equidistant; else null. Only what is called `micro` below looks at it.
    pub steps: *const isize,
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
pub(crate) type Micro<E> = unsafe fn(&Job<E>);

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

/// `R` rows by `V` vectors. Unless `EDGE`, whole vectors of columns are read, also if the job has fewer columns: a masked load takes a
/// slot of the multipliers.
///
/// # Safety
/// As for [`Micro`].
#[inline(always)]
unsafe fn micro<S: Simd, const R: usize, const V: usize, const EDGE: bool>(job: &Job<S::E>) {
    // SAFETY: all accesses lie inside the job. Pointers to rows beyond it, and to vectors that are masked out altogether, are made
    // with wrapping arithmetic and not followed.
    unsafe {
        let masks = masks::<S, V>(job.cols);
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
        let mut next = job.b.wrapping_offset(8 * job.b_row);
        let (mut step, more) = if job.steps.is_null() { (&raw const job.a_col, 0) } else { (job.steps, 1) };
        for _ in 0..job.k {
            for v in 0..V {
                prefetch(next.wrapping_add(v * S::W));
            }
            next = next.wrapping_offset(job.b_row);
            let mut x = [S::splat(S::E::ZERO); V];
            for v in 0..V {
                let b = b.wrapping_add(v * S::W);
                x[v] = if EDGE { S::load_m(b, masks[v]) } else { S::load(b) };
            }
            unrolled!(R, i, {
                let y = S::splat(*rows[i / 3].wrapping_offset((i % 3) as isize * job.a_row));
                for v in 0..V {
                    sums[i][v] = S::fma(y, x[v], sums[i][v]);
                }
            });
            for g in 0..R.div_ceil(3) {
                rows[g] = rows[g].wrapping_offset(*step);
            }
            step = step.wrapping_add(more);
            b = b.wrapping_offset(job.b_row);
        }
        if !EDGE && job.cols == V * S::W {
            for i in 0..R {
                for v in 0..V {
                    let c = job.c.add(i * job.c_row + v * S::W);
                    if job.add {
                        sums[i][v] = S::add(S::load(c), sums[i][v]);
                    }
                    sums[i][v].store(c);
                }
            }
            return;
        }
        for i in 0..R {
            for v in 0..V {
                let c = job.c.wrapping_add(i * job.c_row + v * S::W);
                if job.add {
                    sums[i][v] = S::add(S::load_m(c, masks[v]), sums[i][v]);
                }
                sums[i][v].store_m(c, masks[v]);
            }
        }
    }
}

/// `rows` rows of products with a `k` of 1, of any number of columns: a map, but that products are added to zero.
///
/// # Safety
/// As for [`Micro`], with so many rows and as many columns as the job says.
#[inline(always)]
unsafe fn outer<S: Simd>(job: &Job<S::E>, rows: usize) {
    // SAFETY: all accesses lie inside the job.
    unsafe {
        let zero = S::splat(S::E::ZERO);
        let whole = job.cols - job.cols % S::W;
        let mask = S::mask(job.cols - whole);
        for i in 0..rows {
            let y = S::splat(*job.a.wrapping_offset(i as isize * job.a_row));
            let c = job.c.add(i * job.c_row);
            for j in (0..whole).step_by(S::W) {
                S::fma(y, S::load(job.b.add(j)), zero).store(c.add(j))
            }
            if whole < job.cols {
                S::fma(y, S::load_m(job.b.add(whole), mask), zero).store_m(c.add(whole), mask)
            }
        }
    }
}

/// One row by one vector of columns, each of which is contiguous: `b_row` leads from a column to the next. Blocks of them are transposed in
/// registers, which takes less than to pack what is used only once.
///
/// # Safety
/// As for [`Micro`].
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn slanted<S: Square>(job: &Job<S::E>) {
    // SAFETY: all accesses lie inside the job: where there are fewer columns, the last is read again, and ends of columns are masked.
    unsafe {
        let mut columns = [job.b; 16];
        for j in 0..S::W {
            columns[j] = job.b.wrapping_offset(j.min(job.cols - 1) as isize * job.b_row)
        }
        let mut sum = S::splat(S::E::ZERO);
        let whole = job.k - job.k % S::W;
        for p in (0..whole).step_by(S::W) {
            let mut block = S::block(sum);
            for j in 0..S::W {
                block.as_mut()[j] = S::load(columns[j].add(p))
            }
            let block = S::transpose(block);
            for i in 0..S::W {
                let y = S::splat(*job.a.wrapping_offset((p + i) as isize * job.a_col));
                sum = S::fma(y, block.as_ref()[i], sum)
            }
        }
        let rest = job.k - whole;
        if rest > 0 {
            let (mask, mut block) = (S::mask(rest), S::block(sum));
            for j in 0..S::W {
                block.as_mut()[j] = S::load_m(columns[j].add(whole), mask)
            }
            let block = S::transpose(block);
            for i in 0..S::W {
                if i < rest {
                    let y = S::splat(*job.a.wrapping_offset((whole + i) as isize * job.a_col));
                    sum = S::fma(y, block.as_ref()[i], sum)
                }
            }
        }
        let mask = S::mask(job.cols);
        if job.add {
            sum = S::add(S::load_m(job.c, mask), sum)
        }
        sum.store_m(job.c, mask)
    }
}

/// Masks of the first `n` elements of `V` vectors.
///
/// # Safety
/// The processor must have the instruction set.
#[inline(always)]
pub(super) unsafe fn masks<S: Simd, const V: usize>(n: usize) -> [S::M; V] {
    // SAFETY: the caller has the instruction set.
    unsafe {
        let mut masks = [S::mask(0); V];
        for v in 0..V {
            masks[v] = S::mask(n.saturating_sub(v * S::W).min(S::W));
        }
        masks
    }
}

/// Brings a line close that will be read at the end of a chunk.
#[inline(always)]
pub(super) fn prefetch<E>(p: *const E) {
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
        let masks = masks::<S, V>(n);
        for _ in 0..count {
            // The next runs are far apart, where the processor does not expect them.
            prefetch(p.wrapping_offset(from.wrapping_mul(8)));
            prefetch(p.wrapping_offset(from.wrapping_mul(8)).wrapping_add(n - 1));
            for v in 0..V {
                let x = S::load_m(p.wrapping_add(v * S::W), masks[v]);
                if PAD { x.store(q.add(v * S::W)) } else { x.store_m(q.wrapping_add(v * S::W), masks[v]) }
            }
            p = p.wrapping_offset(from);
            q = q.wrapping_add(to);
        }
    }
}

/// Packs `count` runs of `n` reals, which are complex numbers: each fills two places, as (re, im) and as (-im, re).
///
/// # Safety
/// As for [`strip`] with `PAD`, with twice as many places.
#[inline(always)]
unsafe fn strip_pairs<S: Real, const V: usize>(
    count: usize,
    mut p: *const S::E,
    from: isize,
    n: usize,
    mut q: *mut S::E,
    to: usize,
) {
    // SAFETY: as in `strip`.
    unsafe {
        let masks = masks::<S, V>(n);
        for _ in 0..count {
            prefetch(p.wrapping_offset(from.wrapping_mul(8)));
            prefetch(p.wrapping_offset(from.wrapping_mul(8)).wrapping_add(n - 1));
            for v in 0..V {
                let x = S::load_m(p.wrapping_add(v * S::W), masks[v]);
                x.store(q.add(v * S::W));
                x.turn().store(q.add(to + v * S::W));
            }
            p = p.wrapping_offset(from);
            q = q.wrapping_add(2 * to);
        }
    }
}

/// # Safety
/// As for [`strip`]: count, first run, distance of runs, length of a run, first place, distance of places.
pub(crate) type Strip<E> = unsafe fn(usize, *const E, isize, usize, *mut E, usize);

/// The kernels of an element type for an instruction set.
pub(crate) struct Kit<E: 'static> {
    /// The instruction set.
    pub isa: Isa,
    /// Elements of a vector.
    pub width: usize,
    /// Entry v of the first has v + 1 vectors of columns, of which whole vectors are read; of the second, as many, of which no
    /// more is read than there are columns. In each, entry r has r + 1 rows.
    pub shapes: [&'static [&'static [Micro<E>]]; 2],
    /// For few rows: entry r has r + 1 rows and so many vectors; the first reads whole vectors, the second no more than there is.
    pub wide: &'static [(usize, [Micro<E>; 2])],
    /// For one row and one vector of contiguous columns, if there is something better than to pack them.
    pub slanted: Option<Micro<E>>,
    /// Products with a `k` of 1, for so many rows.
    pub outer: unsafe fn(&Job<E>, usize),
    /// Copies into panels of v + 1 vectors, filling up with zeros.
    pub pack_b: &'static [Strip<E>],
    /// The same for complex numbers.
    pub pack_pairs: Option<&'static [Strip<E>]>,
    /// Copies runs of at most as many elements as a kernel has rows.
    pub pack_a: Strip<E>,
}

impl<E> Kit<E> {
    /// Vectors of a panel for so many columns, and rows of the kernel for it.
    pub fn shape(&self, cols: usize) -> (usize, usize) {
        let vectors = self.vectors(cols);
        (vectors, self.shapes[0][vectors - 1].len())
    }
    /// Vectors that so many columns fill, at most those of the widest panel.
    pub fn vectors(&self, cols: usize) -> usize {
        let mut vectors = 1;
        while vectors < self.shapes[0].len() && cols > vectors * self.width {
            vectors += 1
        }
        vectors
    }
}

/// An element type that has kernels.
pub(crate) trait Elem: Num {
    /// The kernels for an instruction set.
    fn kit(isa: Isa) -> &'static Kit<Self>;
}

/// An element type that has the kernels of the summation tree.
pub(super) trait TreeElem: Elem {
    /// The kernels for an instruction set.
    fn tree(isa: Isa) -> &'static tree::Kit<Self>;
}

/// The kernels, compiled for an instruction set.
#[cfg(target_arch = "x86_64")]
macro_rules! compiled {
    ($module:ident, $features:literal) => {
        mod $module {
            use super::*;
            #[target_feature(enable = $features)]
            pub(super) unsafe fn micro<S: Simd, const R: usize, const V: usize, const EDGE: bool>(job: &Job<S::E>) {
                // SAFETY: the caller's promise.
                unsafe { super::micro::<S, R, V, EDGE>(job) }
            }
            #[target_feature(enable = $features)]
            #[allow(dead_code)]
            pub(super) unsafe fn slanted<S: Square>(job: &Job<S::E>) {
                // SAFETY: the caller's promise.
                unsafe { super::slanted::<S>(job) }
            }
            #[target_feature(enable = $features)]
            pub(super) unsafe fn outer<S: Simd>(job: &Job<S::E>, rows: usize) {
                // SAFETY: the caller's promise.
                unsafe { super::outer::<S>(job, rows) }
            }
            #[target_feature(enable = $features)]
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
            #[target_feature(enable = $features)]
            pub(super) unsafe fn strip_pairs<S: Real, const V: usize>(
                count: usize,
                p: *const S::E,
                from: isize,
                n: usize,
                q: *mut S::E,
                to: usize,
            ) {
                // SAFETY: the caller's promise.
                unsafe { super::strip_pairs::<S, V>(count, p, from, n, q, to) }
            }
            #[target_feature(enable = $features)]
            pub(super) unsafe fn rows<S: Real, const R: usize, const V: usize, const PAIR: bool>(
                job: &tree::Job<S::E>,
            ) {
                // SAFETY: the caller's promise.
                unsafe { tree::rows::<S, R, V, PAIR>(job) }
            }
            #[target_feature(enable = $features)]
            pub(super) unsafe fn across<S: Real, const L: usize, const V: usize, const PAIR: bool>(
                job: &tree::Job<S::E>,
            ) {
                // SAFETY: the caller's promise.
                unsafe { tree::across::<S, L, V, PAIR>(job) }
            }
        }
    };
}
#[cfg(target_arch = "x86_64")]
compiled!(avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt");
#[cfg(target_arch = "x86_64")]
compiled!(avx2, "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt");
mod portable {
    pub(super) use super::{micro, outer, strip, strip_pairs};
    pub(super) use crate::dot::tree::{across, rows};
}

/// Chooses for an instruction set: AVX-512, AVX2, or the portable one.
macro_rules! by_isa {
    ($isa:expr, $avx512:expr, $avx2:expr, $portable:expr) => {
        match $isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => $avx512,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => $avx2,
            _ => $portable,
        }
    };
}

/// The kernels of one element type. For AVX-512, AVX2 and portable code: the vector; how many rows its kernels have, for one vector of
/// columns, for two, and so on; its wide kernels; and how many vectors hold as many elements as there are rows.
macro_rules! kit {
    ($e:ty, $pairs:tt: $avx512:tt $avx2:tt $portable:tt) => {
        impl Elem for $e {
            fn kit(isa: Isa) -> &'static Kit<$e> {
                by_isa!(
                    isa,
                    kit!(@one $e, $pairs, Avx512 avx512 $avx512),
                    kit!(@one $e, $pairs, Avx2 avx2 $avx2),
                    kit!(@one $e, $pairs, Portable portable $portable)
                )
            }
        }
    };
    (@one $e:ty, $pairs:tt, $isa:ident $module:ident
        ($s:ty, [$($v:literal: $rows:tt)+], [$($wr:literal x $wv:literal)*], $run:literal)
    ) => {{
        static KIT: Kit<$e> = Kit {
            isa: Isa::$isa,
            width: <$s as Simd>::W,
            shapes: [
                &[$(kit!(@rows $module $s, $v, false, $rows)),+],
                &[$(kit!(@rows $module $s, $v, true, $rows)),+],
            ],
            wide: &[$(($wv, [$module::micro::<$s, $wr, $wv, false>, $module::micro::<$s, $wr, $wv, true>])),*],
            slanted: kit!(@slanted $pairs $module $s),
            outer: $module::outer::<$s>,
            pack_b: &[$($module::strip::<$s, $v, true>),+],
            pack_pairs: kit!(@$pairs $module $s, $($v)+),
            pack_a: $module::strip::<$s, $run, false>,
        };
        &KIT
    }};
    (@slanted pairs avx512 $s:ty) => {
        Some(avx512::slanted::<$s>)
    };
    (@slanted $pairs:tt $module:ident $s:ty) => {
        None
    };
    (@rows $module:ident $s:ty, $v:literal, $edge:literal, [$($r:literal)+]) => {
        &[$($module::micro::<$s, $r, $v, $edge>),+]
    };
    (@pairs $module:ident $s:ty, $($v:literal)+) => {
        Some(&[$($module::strip_pairs::<$s, $v>),+])
    };
    (@none $module:ident $s:ty, $($v:literal)+) => {
        None
    };
}

kit! { f32, pairs:
    (F32x16,
        [1: [1 2 3 4 5 6 7 8 9 10 11 12 13 14] 2: [1 2 3 4 5 6 7 8 9 10 11 12 13 14] 3: [1 2 3 4 5 6 7 8] 4: [1 2 3 4 5 6]],
        [1 x 8 2 x 8 3 x 8], 1)
    (F32x8, [1: [1 2 3 4 5 6] 2: [1 2 3 4 5 6]], [1 x 4 2 x 4], 1)
    (Lanes<f32, 4>, [1: [1 2 3 4] 2: [1 2 3 4]], [1 x 4], 1)
}
kit! { f64, pairs:
    (F64x8,
        [1: [1 2 3 4 5 6 7 8 9 10 11 12 13 14] 2: [1 2 3 4 5 6 7 8 9 10 11 12 13 14] 3: [1 2 3 4 5 6 7 8] 4: [1 2 3 4 5 6]],
        [1 x 8 2 x 8 3 x 8], 2)
    (F64x4, [1: [1 2 3 4 5 6] 2: [1 2 3 4 5 6]], [1 x 4 2 x 4], 2)
    (Lanes<f64, 2>, [1: [1 2 3 4] 2: [1 2 3 4]], [1 x 4], 2)
}
kit! { u16, none:
    (U16x32, [1: [1 2 3 4 5 6 7 8] 2: [1 2 3 4 5 6 7 8]], [], 1)
    (U16x16, [1: [1 2 3 4] 2: [1 2 3 4]], [], 1)
    (Lanes<u16, 8>, [1: [1 2 3 4] 2: [1 2 3 4]], [], 1)
}
kit! { u32, none:
    (U32x16, [1: [1 2 3 4 5 6 7 8] 2: [1 2 3 4 5 6 7 8]], [], 1)
    (U32x8, [1: [1 2 3 4] 2: [1 2 3 4]], [], 1)
    (Lanes<u32, 4>, [1: [1 2 3 4] 2: [1 2 3 4]], [], 1)
}
kit! { u64, none:
    (U64x8, [1: [1 2 3 4 5 6 7 8] 2: [1 2 3 4 5 6 7 8]], [], 1)
    (U64x4, [1: [1 2 3 4] 2: [1 2 3 4]], [], 1)
    (Lanes<u64, 2>, [1: [1 2 3 4] 2: [1 2 3 4]], [], 2)
}

/// The tree of one element type: its lanes and those of pairs, and for AVX-512, AVX2 and portable code the vector, vectors of 256
/// bytes, rows at once, and vectors of rows of a transposed matrix at once.
macro_rules! tree {
    ($e:ty, $lanes:literal, $pairs:literal: $avx512:tt $avx2:tt $portable:tt) => {
        impl TreeElem for $e {
            fn tree(isa: Isa) -> &'static tree::Kit<$e> {
                by_isa!(
                    isa,
                    tree!(@one $e, $lanes, $pairs, avx512 $avx512),
                    tree!(@one $e, $lanes, $pairs, avx2 $avx2),
                    tree!(@one $e, $lanes, $pairs, portable $portable)
                )
            }
        }
    };
    (@one $e:ty, $lanes:literal, $pairs:literal, $module:ident ($s:ty, $v:literal, $r:literal, $a:literal)) => {{
        static KIT: tree::Kit<$e> = tree::Kit {
            group: $r,
            rows: [$module::rows::<$s, $r, $v, false>, $module::rows::<$s, 1, $v, false>],
            pairs: $module::rows::<$s, 1, $v, true>,
            across: [$module::across::<$s, $lanes, $a, false>, $module::across::<$s, $pairs, $a, true>],
            columns: $a * <$s as Simd>::W,
        };
        &KIT
    }};
}

tree! { f32, 64, 32: (F32x16, 4, 4, 4) (F32x8, 8, 1, 2) (Lanes<f32, 4>, 16, 1, 2) }
tree! { f64, 32, 16: (F64x8, 4, 4, 4) (F64x4, 8, 1, 2) (Lanes<f64, 2>, 16, 1, 2) }
