//! Convolutions by tiles: Winograd's minimal filtering. What is computed, and in which order, is said at
//! [`ConvOrder::Winograd`](crate::ConvOrder).
//!
//! A tile of four by four elements of the array becomes sixteen numbers, its *points*, and so do the elements of the filter that meet it. A point of the
//! result is the product of those of the array and the filter, summed over channels, so that there are sixteen products of matrices, one for each
//! point. Their results become elements of the result.
//!
//! Whatever lies how, tiles are read from dense copies of a few rows of the array, with their padding and channels (or what else is no
//! dimension of windows) inside. So each step is the same for all of a long run of numbers: [`pass`], one spatial dimension at a time.
//!
//! * [`Conv::run_windows`]: windows of three by three elements. The filter's points are packed once; some rows of tiles at a time go through all
//!   steps, in memory that stays in the second cache. Threads share these.
//! * [`Conv::run_few`]: three by three windows, in the gradient of such a filter. Some channels of a row of tiles at a time are a chunk of the sums.

use super::tabled::{Copied, copied};
use super::{Conv, Shared, Space};
use crate::dot::{CHUNK, Lanes, Mat, Simd, Table, add_sums, dot_onto};
#[cfg(target_arch = "x86_64")]
use crate::dot::{F32x8, F32x16};
use crate::isa::Isa;
use crate::pairs::Pairs;
use crate::{Buffer, ConvSpec, DotOrder, DotSpec, Dt, pool};
use std::ops::Range;

/// Points of a tile.
const POINTS: usize = 16;
/// Bytes of the points of some tiles, of the array and of the result, about.
const BLOCK: usize = 256 << 10;
/// Fewer tiles at a time do not pay for reading the filter's points.
const FEW: usize = 56;
/// So many sets make a sum.
const SETS: usize = 64;

/// What is done with neighbors in one dimension.
trait Map {
    /// How many there are, and how many they become.
    const COUNT: [usize; 2];
    /// # Safety
    /// The processor has the instruction set of the vector.
    unsafe fn of<S: Simd<E = f32>>(x: [S; 4]) -> [S; 4];
}
/// Elements of the array.
struct Data;
impl Map for Data {
    const COUNT: [usize; 2] = [4, 4];
    #[inline(always)]
    unsafe fn of<S: Simd<E = f32>>([a, b, c, d]: [S; 4]) -> [S; 4] {
        // SAFETY: the caller's.
        unsafe { [less(a, c), b.add(c), less(c, b), less(b, d)] }
    }
}
/// A filter of three elements.
struct Three;
impl Map for Three {
    const COUNT: [usize; 2] = [3, 4];
    #[inline(always)]
    unsafe fn of<S: Simd<E = f32>>([a, b, c, _]: [S; 4]) -> [S; 4] {
        // SAFETY: the caller's.
        unsafe {
            let outer = a.add(c);
            [a, half(outer.add(b)), half(less(outer, b)), c]
        }
    }
}
/// Two elements of a filter.
struct Two;
impl Map for Two {
    const COUNT: [usize; 2] = [2, 4];
    #[inline(always)]
    unsafe fn of<S: Simd<E = f32>>([a, b, ..]: [S; 4]) -> [S; 4] {
        // SAFETY: the caller's.
        unsafe { [a, half(a.add(b)), half(less(a, b)), b] }
    }
}
/// Products that become two results.
struct ToTwo;
impl Map for ToTwo {
    const COUNT: [usize; 2] = [4, 2];
    #[inline(always)]
    unsafe fn of<S: Simd<E = f32>>([a, b, c, d]: [S; 4]) -> [S; 4] {
        // SAFETY: the caller's.
        unsafe { [a.add(b).add(c), less(less(b, c), d), a, a] }
    }
}
/// Products that become three results.
struct ToThree;
impl Map for ToThree {
    const COUNT: [usize; 2] = [4, 3];
    #[inline(always)]
    unsafe fn of<S: Simd<E = f32>>([a, b, c, d]: [S; 4]) -> [S; 4] {
        // SAFETY: the caller's.
        unsafe { [a.add(b).add(c), less(b, c), less(b.add(c), d), a] }
    }
}

/// The difference: a product with one is exact.
///
/// # Safety
/// The processor has the instruction set of the vector.
#[inline(always)]
unsafe fn less<S: Simd<E = f32>>(a: S, b: S) -> S {
    // SAFETY: the caller's.
    unsafe { S::fma(b, S::splat(-1.0), a) }
}
/// Half of it: a sum with -0 is what was there.
///
/// # Safety
/// As for [`less`].
#[inline(always)]
unsafe fn half<S: Simd<E = f32>>(x: S) -> S {
    // SAFETY: the caller's.
    unsafe { S::fma(x, S::splat(0.5), S::splat(-0.0)) }
}

/// One dimension of `n` tiles: their neighbors lie `step` apart, and what they become goes to the addresses `to`, from each on side by side.
///
/// # Safety
/// There are neighbors and places for all tiles. The processor has the instruction set of the vector.
#[inline(always)]
unsafe fn tiles<M: Map, S: Simd<E = f32>>(n: usize, from: *const f32, step: usize, to: [*mut f32; 4]) {
    let [ins, outs] = M::COUNT;
    // SAFETY: the caller's; beyond the mask nothing is read or written.
    unsafe {
        let mut x = [S::splat(0.0); 4];
        for i in (0..n / S::W).map(|v| v * S::W) {
            for k in 0..ins {
                x[k] = S::load(from.add(k * step + i));
            }
            let y = M::of(x);
            for k in 0..outs {
                y[k].store(to[k].add(i));
            }
        }
        let i = n / S::W * S::W;
        if i < n {
            let mask = S::mask(n - i);
            for k in 0..ins {
                x[k] = S::load_m(from.add(k * step + i), mask);
            }
            let y = M::of(x);
            for k in 0..outs {
                y[k].store_m(to[k].add(i), mask);
            }
        }
    }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn avx512<M: Map>(n: usize, from: *const f32, step: usize, to: [*mut f32; 4]) {
    // SAFETY: the caller's.
    unsafe { tiles::<M, F32x16>(n, from, step, to) }
}
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn avx2<M: Map>(n: usize, from: *const f32, step: usize, to: [*mut f32; 4]) {
    // SAFETY: the caller's.
    unsafe { tiles::<M, F32x8>(n, from, step, to) }
}
/// [`tiles`] for an instruction set.
fn pass<M: Map>(isa: Isa) -> Pass {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => avx512::<M>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => avx2::<M>,
        _ => tiles::<M, Lanes<f32, 8>>,
    }
}

/// [`tiles`], compiled for an instruction set.
type Pass = unsafe fn(usize, *const f32, usize, [*mut f32; 4]);

/// The distance of places for at least so many numbers each. Those that are a multiple of a page apart would compete for the same few lines of the first cache.
fn apart(numbers: usize) -> usize {
    numbers.next_multiple_of(256) + 80
}

/// Four places that are `apart`.
fn places(to: *mut f32, apart: usize) -> [*mut f32; 4] {
    [0, 1, 2, 3].map(|k| to.wrapping_add(k * apart))
}

/// Memory for so many numbers.
struct Area(Buffer);
impl Area {
    fn new(numbers: usize) -> Area {
        Area(Buffer::uninit(numbers * size_of::<f32>()))
    }
    fn at(&self, i: usize) -> *mut f32 {
        self.0.ptr().cast::<f32>().wrapping_add(i)
    }
}

/// Rows of tiles that have the same points: what a part of an array becomes.
struct Rows {
    /// Rows of elements that a row of tiles has, and from one tile to the next.
    tall: usize,
    step: usize,
    /// Tiles of a row.
    tiles: usize,
    /// Numbers of an element, and elements of a row.
    depth: usize,
    width: usize,
    pass: Pass,
}
impl Rows {
    /// Of an array: tiles have four rows, two of which the next one has, too.
    fn data(isa: Isa, tiles: usize, depth: usize) -> Rows {
        Rows { tall: 4, step: 2, tiles, depth, width: 2 * tiles + 2, pass: pass::<Data>(isa) }
    }
    /// Of a filter: tiles are side by side.
    fn filter(isa: Isa, tiles: usize, depth: usize) -> Rows {
        Rows { tall: 2, step: 2, tiles, depth, width: 2 * tiles, pass: pass::<Two>(isa) }
    }
    /// From a row to the next in a copy.
    fn line(&self) -> usize {
        apart(self.width * self.depth)
    }
    /// Numbers that a copy of the rows has, and so many when one dimension is done.
    fn room(&self) -> usize {
        (self.tall + 4) * self.line()
    }
    /// The points of a row of tiles of an array that begins at `x`. In each of both dimensions its first element is `first` places in, it has so many elements in
    /// all, at such a distance, and numbers of an element are `apart`. A point of the tiles goes to `to`, the next point lies `plane` further.
    ///
    /// # Safety
    /// The array has these elements; there is room in `area` and at `to`.
    unsafe fn points(
        &self,
        x: *const f32,
        [first, n, distance]: [[isize; 2]; 3],
        apart: isize,
        area: *mut f32,
        (to, plane): (*mut f32, usize),
    ) {
        let (depth, line) = (self.depth, self.line());
        let dense = apart == 1 || depth == 1;
        let place = |d: usize, len: usize, to: usize, whole: bool| Copied {
            first: first[d],
            len,
            n: n[d],
            base: 1,
            from: distance[d],
            to,
            whole,
            some: false,
        };
        let numbers =
            Copied { first: 0, len: depth, n: depth as isize, base: 1, from: apart, to: 1, whole: dense, some: false };
        let side_by_side = dense && distance[1] == depth as isize;
        let dims = [place(0, self.tall, line, false), place(1, self.width, depth, side_by_side), numbers];
        let half = area.wrapping_add(self.tall * line);
        // SAFETY: the caller's; rows, then what one dimension makes of them, then points.
        unsafe {
            copied(&dims, x, area);
            (self.pass)(self.width * depth, area, line, places(half, line));
            for u in 0..4 {
                for tile in 0..self.tiles {
                    let from = half.add(u * line + tile * self.step * depth);
                    (self.pass)(depth, from, depth, places(to.add(4 * u * plane + tile * depth), plane));
                }
            }
        }
    }
}

/// How far an array has elements that windows see.
fn seen(s: &Space) -> isize {
    (s.n as isize).min((s.windows + s.slide.size - 1) as isize - s.slide.lo as isize)
}

impl Conv {
    /// # Safety
    /// As for [`Conv::run`]; operands and sums are in `f32`, and the spec may have this order. The processor has the instruction set.
    pub(super) unsafe fn run_tiles(&self, x: *const f32, filter: *const f32, out: *mut f32) {
        // SAFETY: the caller's.
        unsafe {
            match self.space.iter().all(|s| s.slide.size == 3) {
                true => self.run_windows(x, filter, out),
                false => self.run_few(x, filter, out),
            }
        }
    }
    /// From a member of the batch to the next in the result, and from a window to the next in both dimensions.
    fn result_strides(&self) -> [usize; 3] {
        let row = self.groups * self.features;
        let (w, n) = (self.space[1].windows, self.space[0].windows);
        if self.batch_last { [row, self.batch * row * w, self.batch * row] } else { [n * w * row, w * row, row] }
    }

    /// The points of a filter of three by three elements, packed for products.
    ///
    /// # Safety
    /// The filter has its elements, and `to` has room for all points.
    unsafe fn filter_points(&self, table: &Table<f32>, filter: *const f32, to: *mut f32) {
        let (channels, features, [_, from_channel, from_feature]) = (self.channels, self.features, self.filter);
        let three = pass::<Three>(self.isa);
        let room = table.room(channels);
        // A few channels at a time stay in the first cache.
        let some = (1024 / features).clamp(1, channels);
        let (sets, ns) = (channels.div_ceil(some), (channels * features) as f64 * 8.0);
        let parts = pool::chunks(ns).min(sets);
        let shared = Shared((self, table, filter, to));
        pool::parallel(parts, ns, &|part| {
            let (c, table, filter, to) = shared.get();
            let n = some * features;
            let area = Area::new((9 + 12 + POINTS) * n);
            for set in sets * part / parts..sets * (part + 1) / parts {
                let rows = set * some..channels.min((set + 1) * some);
                // SAFETY: the caller's; these channels of all elements, and their rows of all points.
                unsafe {
                    for tap in 0..9 {
                        let at = (tap / 3) as isize * c.space[0].filter + (tap % 3) as isize * c.space[1].filter;
                        for (i, channel) in rows.clone().enumerate() {
                            let from = filter.wrapping_offset(at + channel as isize * from_channel);
                            super::copy(area.at(tap * n + i * features), from, from_feature, features);
                        }
                    }
                    let (half, points) = (area.at(9 * n), area.at(21 * n));
                    three(3 * n, area.at(0), 3 * n, places(half, 3 * n));
                    for u in 0..4 {
                        three(n, half.add(3 * u * n), n, places(points.add(4 * u * n), n));
                    }
                    for p in 0..POINTS {
                        let row = features as isize;
                        let from = Mat { ptr: points.add(p * n).cast(), batch: 0, row, col: 1 };
                        table.pack(to.add(p * room), rows.start, rows.len(), from);
                    }
                }
            }
        });
    }

    /// Windows of three by three elements.
    ///
    /// # Safety
    /// As for [`Conv::run_tiles`].
    unsafe fn run_windows(&self, x: *const f32, filter: *const f32, out: *mut f32) {
        let (channels, features) = (self.channels, self.features);
        let [tall, wide] = [0, 1].map(|d: usize| self.space[d].windows.div_ceil(2));
        let lines = self.batch * tall;
        let bytes = POINTS * (channels + features) * size_of::<f32>();
        let some = ((BLOCK / bytes).max(FEW) / wide).clamp(1, lines);
        let mut table = Table::new(self.isa, features, some * wide);
        table.set(&(0..channels as isize).collect::<Vec<_>>());
        let packed = Area::new(POINTS * table.room(channels));
        let ns = (lines * wide * POINTS * channels * features) as f64 / 40.0;
        // As many blocks as there are threads to share them.
        let blocks = lines.div_ceil(some).max(pool::chunks(ns).min(lines));
        for group in 0..self.groups {
            let (x, filter) = (
                x.wrapping_offset(group as isize * self.x[0]),
                filter.wrapping_offset(group as isize * self.filter[0]),
            );
            // SAFETY: the caller's.
            unsafe { self.filter_points(&table, filter, packed.at(0)) }
            let block = Block { c: self, table: &table, packed: packed.at(0), tiles: [tall, wide], lines: some };
            let chunks = pool::chunks(ns).min(blocks);
            let shared = Shared((&block, x, out.wrapping_add(group * features)));
            pool::parallel(chunks, ns, &|chunk| {
                let (block, x, out) = shared.get();
                let area = Area::new(block.room());
                for b in blocks * chunk / chunks..blocks * (chunk + 1) / chunks {
                    // SAFETY: the caller's; blocks write different windows.
                    unsafe { block.run(lines * b / blocks..lines * (b + 1) / blocks, x, out, &area) }
                }
            });
        }
    }

    /// Three by three windows.
    ///
    /// # Safety
    /// As for [`Conv::run_tiles`].
    unsafe fn run_few(&self, x: *const f32, filter: *const f32, out: *mut f32) {
        let (rows, features) = (self.batch, self.features);
        let [tall, wide] = [0, 1].map(|d: usize| self.space[d].slide.size.div_ceil(2));
        let set = ConvSpec::set(self.channels, wide);
        let sets = self.channels.div_ceil(set);
        let (left, right) = (Rows::data(self.isa, wide, rows), Rows::filter(self.isa, wide, features));
        let few = Few { c: self, left, right, channels: set };
        let len = POINTS * rows * features;
        let sums = Area::new(Pairs::places((tall * sets).div_ceil(SETS)) * len);
        let points = Area::new(few.room());
        let spec = DotSpec { order: DotOrder::Chain, acc: Dt::F32 };
        let join = |k: usize| {
            // SAFETY: two arrays of sums.
            unsafe { add_sums(Dt::F32, len, sums.at(k * len).cast()) }
        };
        for group in 0..self.groups {
            let x = x.wrapping_offset(group as isize * self.x[0]);
            let filter = filter.wrapping_offset(group as isize * self.filter[0]);
            let mut pairs = Pairs::default();
            for s in 0..tall * sets {
                let first = s % sets * set;
                let channels = first..self.channels.min(first + set);
                let k = channels.len() * wide;
                let to = sums.at(pairs.next() * len);
                // SAFETY: the caller's; there is room for the points of a set.
                unsafe {
                    few.points(s / sets, channels, x, filter, points.at(0));
                    let (left, right) = (apart(k * rows), apart(k * features));
                    let a = Mat { ptr: points.at(0).cast(), batch: left as isize, row: 1, col: rows as isize };
                    let ptr = points.at(POINTS * left).cast();
                    let b = Mat { ptr, batch: right as isize, row: features as isize, col: 1 };
                    dot_onto(spec, Dt::F32, [POINTS, rows, features, k], a, b, to.cast(), s % SETS > 0);
                }
                if s % SETS == SETS - 1 || s + 1 == tall * sets {
                    pairs.push(join);
                }
            }
            pairs.finish(join);
            // SAFETY: the sums are there, and so is room for the group's results.
            unsafe { self.results(sums.at(0), out.wrapping_add(group * features)) }
        }
    }

    /// What the sums of all points become: three by three windows of a group.
    ///
    /// # Safety
    /// There are sums and room for the results.
    unsafe fn results(&self, sums: *const f32, out: *mut f32) {
        let [to_batch, to_first, to_second] = self.result_strides();
        let n = self.batch * self.features;
        let three = pass::<ToThree>(self.isa);
        let area = Area::new((12 + 9) * n);
        let last = area.at(12 * n);
        // SAFETY: sixteen matrices become twelve and then nine, whose rows go to where they belong.
        unsafe {
            three(4 * n, sums, 4 * n, places(area.at(0), 4 * n));
            for first in 0..3 {
                three(n, area.at(4 * first * n), n, places(last.add(3 * first * n), n));
                for (second, row) in (0..3).flat_map(|w| (0..self.batch).map(move |b| (w, b))) {
                    let to = out.add(row * to_batch + first * to_first + second * to_second);
                    to.copy_from_nonoverlapping(
                        last.add((3 * first + second) * n + row * self.features),
                        self.features,
                    );
                }
            }
        }
    }
}

/// What blocks of rows of tiles have in common.
struct Block<'a> {
    c: &'a Conv,
    table: &'a Table<f32>,
    packed: *const f32,
    /// Tiles of an array.
    tiles: [usize; 2],
    /// Rows of tiles of the largest block.
    lines: usize,
}
impl Block<'_> {
    fn rows(&self) -> Rows {
        Rows::data(self.c.isa, self.tiles[1], self.c.channels)
    }
    /// Numbers of the memory for a block: rows, points of the array, points of the result, half of them, and a place for what no window is for.
    fn room(&self) -> usize {
        let (tiles, c) = (self.lines * self.tiles[1], self.c);
        let planes = POINTS * apart(tiles * c.channels) + (POINTS + 8) * apart(tiles * c.features);
        self.rows().room() + planes + c.features
    }
    /// These rows of tiles, counted through all arrays.
    ///
    /// # Safety
    /// As for [`Conv::run_tiles`]; there is room in the area.
    unsafe fn run(&self, lines: Range<usize>, x: *const f32, out: *mut f32, area: &Area) {
        let (c, [tall, wide]) = (self.c, self.tiles);
        let (channels, features, n) = (c.channels, c.features, lines.len() * wide);
        let rows = self.rows();
        let points = area.at(rows.room());
        let (plane, other) = (apart(n * channels), apart(n * features));
        let products = points.wrapping_add(POINTS * plane);
        let half = products.wrapping_add(POINTS * other);
        let nowhere = half.wrapping_add(8 * other);
        let [s, t] = [&c.space[0], &c.space[1]];
        // SAFETY: the caller's; one step after the other.
        unsafe {
            for (i, line) in lines.clone().enumerate() {
                let x = x.wrapping_offset((line / tall) as isize * c.x[1]);
                let first = [(2 * (line % tall)) as isize - s.slide.lo as isize, -t.slide.lo as isize];
                let array = [first, [seen(s), seen(t)], [s.x, t.x]];
                rows.points(x, array, c.x[2], area.at(0), (points.add(i * wide * channels), plane));
            }
            // So that no call has a few rows only.
            let calls = n.div_ceil(self.table.height());
            let chunks = channels.div_ceil(CHUNK);
            for p in 0..POINTS {
                let b = self.packed.add(p * self.table.room(channels));
                for call in 0..calls {
                    let (at, end) = (n * call / calls, n * (call + 1) / calls);
                    let a = (points.add(p * plane + at * channels).cast_const(), channels as isize);
                    let to = (products.add(p * other + at * features), features);
                    self.table.multiply(end - at, a, b, to, 0..chunks, false);
                }
            }
            let two = pass::<ToTwo>(c.isa);
            for v in 0..4 {
                let from = products.add(v * other);
                two(n * features, from, 4 * other, places(half.add(v * other), 4 * other));
            }
            let [to_batch, to_first, to_second] = c.result_strides();
            for (i, line) in lines.enumerate() {
                let to = out.add(line / tall * to_batch);
                for y in 0..2 {
                    let row = 2 * (line % tall) + y;
                    if row == s.windows {
                        break;
                    }
                    for tile in 0..wide {
                        let to = to.add(row * to_first + 2 * tile * to_second);
                        let next = if 2 * tile + 1 < t.windows { to.add(to_second) } else { nowhere };
                        let from = half.add(4 * y * other + (i * wide + tile) * features);
                        two(features, from, other, [to, next, nowhere, nowhere]);
                    }
                }
            }
        }
    }
}

/// Three by three windows: how the points of a set of channels are made.
struct Few<'a> {
    c: &'a Conv,
    left: Rows,
    right: Rows,
    /// How many channels are a set.
    channels: usize,
}
impl Few<'_> {
    /// Numbers that the points of a set take.
    fn room(&self) -> usize {
        let k = self.channels * self.left.tiles;
        POINTS * (apart(k * self.c.batch) + apart(k * self.c.features))
    }
    /// The points of these channels of a row of tiles, of the array and behind them of the filter.
    ///
    /// # Safety
    /// As for [`Conv::run_tiles`]; there is room for them.
    unsafe fn points(&self, line: usize, channels: Range<usize>, x: *const f32, filter: *const f32, to: *mut f32) {
        let (c, tiles) = (self.c, self.left.tiles);
        let all = channels.len() * tiles;
        let (plane, other) = (apart(all * c.batch), apart(all * c.features));
        let ns = (POINTS * (plane + other)) as f64 / 8.0;
        let parts = pool::chunks(ns).min(channels.len());
        let from = |part: usize| channels.len() * part / parts;
        let [s, t] = [&c.space[0], &c.space[1]];
        let at = 2 * line as isize;
        let array = [[at - s.slide.lo as isize, -t.slide.lo as isize], [seen(s), seen(t)], [s.x, t.x]];
        let taps = [[at, 0], [s, t].map(|s| s.slide.size as isize), [s.filter, t.filter]];
        let shared = Shared((self, x, filter, to));
        pool::parallel(parts, ns, &|part| {
            let (few, x, filter, to) = shared.get();
            let area = Area::new(few.left.room().max(few.right.room()));
            for i in from(part)..from(part + 1) {
                let channel = (channels.start + i) as isize;
                let x = x.wrapping_offset(channel * c.x[2]);
                let filter = filter.wrapping_offset(channel * c.filter[1]);
                // SAFETY: the caller's; the points of a channel lie side by side.
                unsafe {
                    let left = to.add(i * tiles * c.batch);
                    let right = to.add(POINTS * plane + i * tiles * c.features);
                    few.left.points(x, array, c.x[1], area.at(0), (left, plane));
                    few.right.points(filter, taps, c.filter[2], area.at(0), (right, other));
                }
            }
        });
    }
}
