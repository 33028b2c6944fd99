//! The summation tree: products whose right operand is one column.
//!
//! A block of 4096 elements is summed in 256 bytes of lanes, by one of two kernels: along the rows where they are contiguous, or
//! across rows where the left operand is transposed. Block sums are combined in adjacent pairs as they arrive.

use super::cast::{self, Conversion};
use super::chain::offset;
use super::micro::{TreeElem, masks, prefetch};
use super::scratch::Scratch;
use super::simd::{Num, Real};
use super::{Product, Tail, merge, pack, pieces};
use crate::BLOCK;
use crate::pairs::Pairs;
use std::ops::Range;

/// A block: `k` elements (reals; of pairs twice as many) of each of `rows` rows against one column.
pub(super) struct Job<E> {
    /// Reals of a row, at most a block.
    pub k: usize,
    /// How many rows there are.
    pub rows: usize,
    /// Element (0, 0).
    pub a: *const E,
    /// From a row to the next; in [`Kit::across`] from a column to the next.
    pub pitch: isize,
    /// The column, contiguous.
    pub x: *const E,
    /// For complex numbers: (-im, re) for every (re, im) of the column.
    pub turned: *const E,
    /// A sum (a pair of them) for every row.
    pub sums: *mut E,
    /// For [`Kit::across`]: its lanes, [`Kit::columns`] each, from one part of a block to the next.
    pub lanes: *mut E,
    /// Is this the first part of the block?
    pub first: bool,
    /// Is it the last one?
    pub last: bool,
}

/// The kernels of an element type for an instruction set.
pub(super) struct Kit<E> {
    /// How many rows the first of `rows` takes at once.
    pub group: usize,
    /// Contiguous rows: `group` at once, and one.
    pub rows: [unsafe fn(&Job<E>); 2],
    /// A contiguous row of complex numbers.
    pub pairs: unsafe fn(&Job<E>),
    /// At most `columns` adjacent reals of the rows of a transposed matrix; the same for complex numbers. In parts of a block, of
    /// which all but the last fill all lanes evenly.
    pub across: [unsafe fn(&Job<E>); 2],
    /// See `across`.
    pub columns: usize,
}

/// `R` contiguous rows with `V` vectors of lanes.
///
/// # Safety
/// `job.rows` is not read. For `R` rows there must be `k` reals at `a + i * pitch`, as many at `x` (and at `turned`, with `PAIR`),
/// and room for the sums. The processor must have the instruction set.
#[inline(always)]
pub(super) unsafe fn rows<S: Real, const R: usize, const V: usize, const PAIR: bool>(job: &Job<S::E>) {
    // SAFETY: full steps and masked ones stay within k reals.
    unsafe {
        let mut s = [[S::splat(S::E::LANE); V]; R];
        let step = V * S::W;
        let full = job.k / step;
        for q in 0..full {
            for v in 0..V {
                let at = q * step + v * S::W;
                let x = S::load(job.x.add(at));
                for i in 0..R {
                    let a = S::load(job.a.wrapping_offset(i as isize * job.pitch).add(at));
                    s[i][v] = if PAIR {
                        S::fma(a.dup_odd(), S::load(job.turned.add(at)), S::fma(a.dup_even(), x, s[i][v]))
                    } else {
                        S::fma(a, x, s[i][v])
                    };
                }
            }
        }
        if full * step < job.k {
            for v in 0..V {
                let at = full * step + v * S::W;
                if at < job.k {
                    let m = S::mask((job.k - at).min(S::W));
                    let x = S::load_m(job.x.add(at), m);
                    for i in 0..R {
                        let a = S::load_m(job.a.wrapping_offset(i as isize * job.pitch).add(at), m);
                        s[i][v] = if PAIR {
                            let t = S::fma_m(a.dup_even(), x, s[i][v], m);
                            S::fma_m(a.dup_odd(), S::load_m(job.turned.add(at), m), t, m)
                        } else {
                            S::fma_m(a, x, s[i][v], m)
                        };
                    }
                }
            }
        }
        let mut h = V / 2;
        while h > 0 {
            for i in 0..R {
                for v in 0..h {
                    s[i][v] = S::add(s[i][v], s[i][v + h]);
                }
            }
            h /= 2;
        }
        if R == 4 && !PAIR {
            *job.sums.cast::<[S::E; 4]>() = S::fold4([s[0][0], s[1 % R][0], s[2 % R][0], s[3 % R][0]]);
            return;
        }
        for i in 0..R {
            if PAIR {
                *job.sums.add(2 * i).cast::<[S::E; 2]>() = s[i][0].fold_to::<2>();
            } else {
                *job.sums.add(i) = s[i][0].fold();
            }
        }
    }
}

/// At most `V` vectors of adjacent rows, which are columns in memory, `pitch` apart, with `L` lanes for each of them. `rows` counts
/// reals, as `k` does.
///
/// # Safety
/// There must be `rows` reals at each of the columns, `k` reals at `x` (and `turned`), room for `L` times `V` vectors of lanes, and
/// room for the sums. The processor must have the instruction set.
#[inline(always)]
pub(super) unsafe fn across<S: Real, const L: usize, const V: usize, const PAIR: bool>(job: &Job<S::E>) {
    // SAFETY: the caller's promise.
    unsafe { if job.rows == V * S::W { lanes::<S, L, V, PAIR, true>(job) } else { lanes::<S, L, V, PAIR, false>(job) } }
}

/// The same, where there are `V` vectors of rows if they are `FULL`.
///
/// # Safety
/// As for [`across`].
#[inline(always)]
unsafe fn lanes<S: Real, const L: usize, const V: usize, const PAIR: bool, const FULL: bool>(job: &Job<S::E>) {
    /// So many lanes are in registers at once.
    const GROUP: usize = 4;
    // SAFETY: accesses of a strip that is not full are masked, and vectors may be masked out altogether. Lanes lie in their area.
    unsafe {
        let masks = masks::<S, V>(job.rows);
        let lane = |l: usize, v: usize| job.lanes.add((V * l + v) * S::W);
        let unit = if PAIR { 2 } else { 1 };
        let k = job.k / unit;
        let known = |p: usize| {
            let at = p * unit;
            if PAIR {
                (S::splat_pair(job.x.add(at)), S::splat_pair(job.turned.add(at)))
            } else {
                (S::splat(*job.x.add(at)), S::splat(S::E::ZERO))
            }
        };
        let step = |s: S, a: *const S::E, v: usize, (x, turned): (S, S)| {
            let a = a.wrapping_add(v * S::W);
            let y = if FULL { S::load(a) } else { S::load_m(a, masks[v]) };
            if PAIR { S::fma(y.dup_odd(), turned, S::fma(y.dup_even(), x, s)) } else { S::fma(y, x, s) }
        };
        // Lanes that the first two levels of the tree bring together are in registers at the same time.
        let apart = L / GROUP;
        let full = k / L;
        for g in 0..apart {
            let mut s = [[S::splat(S::E::LANE); V]; GROUP];
            if !job.first {
                for l in 0..GROUP {
                    for v in 0..V {
                        s[l][v] = S::load(lane(g + l * apart, v))
                    }
                }
            }
            let column = |p: usize| job.a.wrapping_offset(p as isize * job.pitch);
            for q in 0..full {
                for l in 0..GROUP {
                    let p = q * L + g + l * apart;
                    let (a, x) = (column(p), known(p));
                    if q + 1 < full {
                        let next = column(p + L);
                        for v in 0..V {
                            prefetch(next.wrapping_add(v * S::W))
                        }
                    }
                    for v in 0..V {
                        s[l][v] = step(s[l][v], a, v, x)
                    }
                }
            }
            for l in 0..GROUP {
                let p = full * L + g + l * apart;
                if p < k {
                    for v in 0..V {
                        s[l][v] = step(s[l][v], column(p), v, known(p))
                    }
                }
            }
            for v in 0..V {
                if job.last {
                    S::add(S::add(s[0][v], s[2][v]), S::add(s[1][v], s[3][v])).store(lane(g, v));
                    continue;
                }
                for l in 0..GROUP {
                    s[l][v].store(lane(g + l * apart, v))
                }
            }
        }
        if !job.last {
            return;
        }
        for v in 0..V {
            let mut h = apart / 2;
            while h > 0 {
                for l in 0..h {
                    S::add(S::load(lane(l, v)), S::load(lane(l + h, v))).store(lane(l, v));
                }
                h /= 2;
            }
            S::load(lane(0, v)).store_m(job.sums.wrapping_add(v * S::W), masks[v]);
        }
    }
}

/// Elements of a part of a block, where columns are converted; a multiple of every number of lanes.
const PART: usize = 256;

/// Computes tiles of the product.
///
/// # Safety
/// As for [`Product::run`]; `E` is the (part of the) type that computes `spec.acc`.
pub(super) unsafe fn run<E: TreeElem>(product: &Product, items: Range<usize>, tail: Tail) {
    let p = product;
    let kit = E::tree(p.isa);
    let compute = cast::compute(p.spec.acc);
    let unit = if compute.is_complex() { 2 } else { 1 };
    let size = size_of::<E>();
    let plain = p.src == p.spec.acc && cast::same_bits(p.src, compute);
    let direct_column = plain && p.b.row == 1;
    let contiguous = plain && p.a.col == 1;
    let across = !contiguous && p.a.row == 1 && p.a.col != 1;
    let reading = Conversion::reading(p.isa, p.src, p.spec.acc);
    let writing = Conversion::writing(p.isa, p.spec.acc, p.out_dt);
    let block = BLOCK.min(p.k) * unit;
    let blocks = pieces(p.k, BLOCK);
    let slots = Pairs::places(blocks);
    let mut scratch = Scratch::new([
        if direct_column { 0 } else { block * size },
        if unit == 2 { block * size } else { 0 },
        match across {
            true if plain => 0,
            true => PART * kit.columns * size,
            false if contiguous => 0,
            false => block * size,
        },
        if across { BLOCK / 64 * kit.columns * size } else { 0 },
        slots * p.tile_m * unit * size,
    ]);
    let column: *mut E = scratch.area(0);
    let turned: *mut E = scratch.area(1);
    let row: *mut E = scratch.area(2);
    let lanes: *mut E = scratch.area(3);
    let sums: *mut E = scratch.area(4);

    for item in items {
        let (t, i, j) = p.place(item);
        let a = p.a.ptr.wrapping_offset(offset(p.src, t, p.a.batch, i.start, p.a.row));
        for j in j {
            let b = p.b.ptr.wrapping_offset(offset(p.src, t, p.b.batch, j, p.b.col));
            let (rows, len) = (i.len(), i.len() * unit);
            let mut pairs = Pairs::default();
            // SAFETY: blocks lie within rows and columns, and the areas are as large as their greatest use.
            unsafe {
                for q in 0..blocks {
                    let k = BLOCK.min(p.k - q * BLOCK);
                    let mut x = b.wrapping_offset(offset(p.src, 0, 0, q * BLOCK, p.b.row)).cast::<E>();
                    if !direct_column {
                        reading.run(k, x.cast(), p.b.row, column.cast());
                        x = column;
                    }
                    if unit == 2 {
                        pack::turn(k, x, turned);
                    }
                    let a = a.wrapping_offset(offset(p.src, 0, 0, q * BLOCK, p.a.col));
                    let here = sums.add(pairs.next() * len);
                    let mut job = Job {
                        k: k * unit,
                        rows: 0,
                        a: row,
                        pitch: 0,
                        x,
                        turned,
                        sums: here,
                        lanes,
                        first: true,
                        last: true,
                    };
                    let mut r = 0;
                    while r < rows {
                        let at = a.wrapping_offset(offset(p.src, 0, 0, r, p.a.row));
                        job.sums = here.add(r * unit);
                        job.a = at.cast();
                        if across {
                            let some = (kit.columns / unit).min(rows - r);
                            job.rows = some * unit;
                            let kernel = kit.across[unit - 1];
                            if plain {
                                job.pitch = p.a.col * unit as isize;
                                kernel(&job);
                            } else {
                                (job.a, job.pitch) = (row, job.rows as isize);
                                for from in (0..k).step_by(PART) {
                                    let part = PART.min(k - from);
                                    for c in 0..part {
                                        let at = at.wrapping_offset(offset(p.src, 0, 0, from + c, p.a.col));
                                        reading.run(some, at, 1, row.add(c * job.rows).cast());
                                    }
                                    job.k = part * unit;
                                    job.x = x.add(from * unit);
                                    job.turned = turned.wrapping_add(from * unit);
                                    (job.first, job.last) = (from == 0, from + part == k);
                                    kernel(&job);
                                }
                                job.k = k * unit;
                            }
                            r += some;
                            continue;
                        }
                        if !contiguous {
                            reading.run(k, at, p.a.col, row.cast());
                            job.a = row;
                        }
                        if unit == 2 {
                            (kit.pairs)(&job);
                        } else if contiguous && rows - r >= kit.group {
                            job.pitch = p.a.row;
                            (kit.rows[0])(&job);
                            r += kit.group;
                            continue;
                        } else {
                            (kit.rows[1])(&job);
                        }
                        r += 1;
                    }
                    pairs.push(|k| merge(len, sums.add(k * len)));
                }
                pairs.finish(|k| merge(len, sums.add(k * len)));
                // Of one column the results are adjacent.
                let run = if p.n == 1 { rows } else { 1 };
                for r in (0..rows).step_by(run) {
                    let to = p.out.add(((t * p.m + i.start + r) * p.n + j) * p.out_dt.size());
                    writing.run(run, sums.add(r * unit).cast(), 1, to);
                }
                p.finished(tail, t, i.clone(), j..j + 1);
            }
        }
    }
}
