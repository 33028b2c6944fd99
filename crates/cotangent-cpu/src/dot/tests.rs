//! The product against its definition, written here once more for one element at a time.

use super::*;
use crate::reference::scalar;
use crate::{BLOCK, Op, lanes};
use half::{bf16, f16};

/// An element type with its arithmetic, as the definition has it.
trait Element: Copy + Send {
    const DT: Dt;
    type Acc: Copy;
    /// Bytes of an element of the accumulator, for the lanes of the tree.
    const ACC: usize;
    const ZERO: Self::Acc;
    const LANE: Self::Acc;
    fn random(bits: u64) -> Self;
    fn up(self) -> Self::Acc;
    fn down(acc: Self::Acc) -> Self;
    fn fma(a: Self::Acc, b: Self::Acc, sum: Self::Acc) -> Self::Acc;
    fn add(a: Self::Acc, b: Self::Acc) -> Self::Acc;
    /// The same number? All NaN are one.
    fn same(self, other: Self) -> bool;
}

/// A number between -2 and 2, now and then a special one.
fn number(bits: u64) -> f64 {
    match bits >> 54 {
        0 => -0.0,
        1 => 0.0,
        2 => 1e-30,
        _ => ((bits & 0xffff_ffff) as f64 / (1u64 << 30) as f64) - 2.0,
    }
}

macro_rules! float {
    ($t:ty, $acc:ty, $dt:ident, $from:expr, $up:expr, $down:expr) => {
        impl Element for $t {
            const DT: Dt = Dt::$dt;
            type Acc = $acc;
            const ACC: usize = size_of::<$acc>();
            const ZERO: $acc = 0.0;
            const LANE: $acc = -0.0;
            fn random(bits: u64) -> $t {
                $from(number(bits))
            }
            fn up(self) -> $acc {
                $up(self)
            }
            fn down(acc: $acc) -> $t {
                $down(acc)
            }
            fn fma(a: $acc, b: $acc, sum: $acc) -> $acc {
                a.mul_add(b, sum)
            }
            fn add(a: $acc, b: $acc) -> $acc {
                a + b
            }
            fn same(self, other: $t) -> bool {
                self.to_bits() == other.to_bits() || (self.is_nan() && other.is_nan())
            }
        }
    };
}
float!(f32, f32, F32, |x| x as f32, |x| x, |x| x);
float!(f64, f64, F64, |x| x, |x| x, |x| x);
float!(f16, f32, F16, f16::from_f64, f16::to_f32, f16::from_f32);
float!(bf16, f32, Bf16, bf16::from_f64, bf16::to_f32, bf16::from_f32);

macro_rules! complex {
    ($t:ty, $dt:ident) => {
        impl Element for [$t; 2] {
            const DT: Dt = Dt::$dt;
            type Acc = [$t; 2];
            const ACC: usize = size_of::<[$t; 2]>();
            const ZERO: [$t; 2] = [0.0; 2];
            const LANE: [$t; 2] = [-0.0; 2];
            fn random(bits: u64) -> [$t; 2] {
                [number(bits) as $t, number(bits.rotate_left(32)) as $t]
            }
            fn up(self) -> [$t; 2] {
                self
            }
            fn down(acc: [$t; 2]) -> [$t; 2] {
                acc
            }
            fn fma([ar, ai]: [$t; 2], [br, bi]: [$t; 2], [re, im]: [$t; 2]) -> [$t; 2] {
                [(-ai).mul_add(bi, ar.mul_add(br, re)), ai.mul_add(br, ar.mul_add(bi, im))]
            }
            fn add(a: [$t; 2], b: [$t; 2]) -> [$t; 2] {
                [a[0] + b[0], a[1] + b[1]]
            }
            fn same(self, other: [$t; 2]) -> bool {
                self[0].same(other[0]) && self[1].same(other[1])
            }
        }
    };
}
complex!(f32, C64);
complex!(f64, C128);

macro_rules! int {
    ($($t:ty, $dt:ident);*) => {$(
        impl Element for $t {
            const DT: Dt = Dt::$dt;
            type Acc = $t;
            const ACC: usize = size_of::<$t>();
            const ZERO: $t = 0;
            const LANE: $t = 0;
            fn random(bits: u64) -> $t {
                bits as $t
            }
            fn up(self) -> $t {
                self
            }
            fn down(acc: $t) -> $t {
                acc
            }
            fn fma(a: $t, b: $t, sum: $t) -> $t {
                sum.wrapping_add(a.wrapping_mul(b))
            }
            fn add(a: $t, b: $t) -> $t {
                a.wrapping_add(b)
            }
            fn same(self, other: $t) -> bool {
                self == other
            }
        }
    )*};
}
int!(i8, I8; i16, I16; i32, I32; i64, I64; u8, U8; u16, U16; u32, U32; u64, U64);

impl Element for bool {
    const DT: Dt = Dt::Bool;
    type Acc = bool;
    const ACC: usize = 1;
    const ZERO: bool = false;
    const LANE: bool = false;
    fn random(bits: u64) -> bool {
        bits.is_multiple_of(16)
    }
    fn up(self) -> bool {
        self
    }
    fn down(acc: bool) -> bool {
        acc
    }
    fn fma(a: bool, b: bool, sum: bool) -> bool {
        sum | (a & b)
    }
    fn add(a: bool, b: bool) -> bool {
        a | b
    }
    fn same(self, other: bool) -> bool {
        self == other
    }
}

fn pairs<T: Element>(mut v: Vec<T::Acc>) -> T::Acc {
    while v.len() > 1 {
        v = v.chunks(2).map(|c| if c.len() == 2 { T::add(c[0], c[1]) } else { c[0] }).collect();
    }
    v[0]
}

fn tree<T: Element>(x: &[(T, T)]) -> T::Acc {
    let block = |x: &[(T, T)]| {
        let mut lane = vec![T::LANE; lanes(T::ACC)];
        for (p, (a, b)) in x.iter().enumerate() {
            let l = p % lane.len();
            lane[l] = T::fma(a.up(), b.up(), lane[l]);
        }
        while lane.len() > 1 {
            let (lower, upper) = lane.split_at(lane.len() / 2);
            lane = lower.iter().zip(upper).map(|(a, b)| T::add(*a, *b)).collect();
        }
        lane[0]
    };
    pairs::<T>(x.chunks(BLOCK).map(block).collect())
}

fn chain<T: Element>(x: &[(T, T)]) -> T::Acc {
    let chunk = |x: &[(T, T)]| x.iter().fold(T::ZERO, |s, (a, b)| T::fma(a.up(), b.up(), s));
    let long = |x: &[(T, T)]| x.chunks(256).map(chunk).reduce(T::add).unwrap();
    pairs::<T>(x.chunks(64 * 256).map(long).collect())
}

/// A small generator of numbers (splitmix64).
struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
}

/// A matrix in a buffer that ends with its last element.
struct Operand<T> {
    data: Vec<T>,
    origin: usize,
    strides: [isize; 3],
}
impl<T: Element> Operand<T> {
    fn new(rng: &mut Rng, extents: [usize; 3], strides: [isize; 3]) -> Operand<T> {
        let (mut lo, mut hi) = (0, 0);
        for (n, s) in extents.iter().zip(strides) {
            let last = (*n as isize - 1).max(0) * s;
            lo += last.min(0);
            hi += last.max(0);
        }
        let data = (lo..=hi).map(|_| T::random(rng.next())).collect();
        Operand { data, origin: -lo as usize, strides }
    }
    fn at(&self, index: [usize; 3]) -> T {
        let offset: isize = index.iter().zip(self.strides).map(|(i, s)| *i as isize * s).sum();
        self.data[(self.origin as isize + offset) as usize]
    }
    fn mat(&self) -> Mat {
        let [batch, row, col] = self.strides;
        Mat { ptr: self.data[self.origin..].as_ptr().cast(), batch, row, col }
    }
}

/// Ways to lay out `r` rows and `c` columns.
fn layouts(r: usize, c: usize) -> Vec<[isize; 3]> {
    let (r, c) = (r as isize, c as isize);
    vec![
        [r * c, c, 1],         // dense
        [r * c, 1, r],         // transposed
        [r * c + 5, c + 3, 1], // rows with gaps
        [1, 2 * r + 1, 2],     // nothing contiguous, matrices interleaved
        [-r * c, -c, -1],      // everything reversed
        [0, 1, r + 2],         // one matrix for all, transposed
        [c, 0, 1],             // equal rows
        [0, 1, 0],             // equal columns
        [7, 0, 0],             // one element
    ]
}

fn isas() -> Vec<Isa> {
    Isa::ALL.into_iter().filter(|i| i.available()).collect()
}

/// Computes a product in all ways and compares each result with the definition.
fn check_operands<T: Element>(spec: DotSpec, sizes: [usize; 4], a: &Operand<T>, b: &Operand<T>, what: &str) {
    let [batch, m, n, k] = sizes;
    let mut want = Vec::with_capacity(batch * m * n);
    for t in 0..batch {
        for i in 0..m {
            for j in 0..n {
                let x: Vec<(T, T)> = (0..k).map(|p| (a.at([t, i, p]), b.at([t, p, j]))).collect();
                want.push(T::down(match spec.order {
                    _ if k == 0 => T::ZERO,
                    DotOrder::Tree => tree(&x),
                    DotOrder::Chain => chain(&x),
                }));
            }
        }
    }
    for isa in isas() {
        for parts in [0, 1, 7] {
            const GUARD: usize = 64;
            let bytes = want.len() * T::DT.size();
            let mut out = vec![0xa5a5_a5a5_a5a5_a5a5_u64; bytes.div_ceil(8) + 2 * GUARD / 8];
            let start = out.as_mut_ptr().cast::<u8>().wrapping_add(GUARD);
            let product = Product::with_isa(isa, spec, T::DT, T::DT, sizes, a.mat(), b.mat(), start, parts.max(1));
            // How often each element has been said to be finished, and what it was then.
            let told = std::sync::Mutex::new(vec![(0, T::random(0)); want.len()]);
            let tail = |block: Block| {
                let mut told = told.lock().expect("no tail panics");
                for i in block.rows.clone() {
                    for j in block.cols.clone() {
                        let at = (i - block.rows.start) * block.pitch + j - block.cols.start;
                        let slot = &mut told[i * n + j];
                        // SAFETY: an element of the block.
                        *slot = (slot.0 + 1, unsafe { block.ptr.cast::<T>().add(at).read() })
                    }
                }
            };
            // 0: as a tiny one, if it is
            let tiny = tiny::kernel(isa, spec, T::DT, T::DT, sizes).filter(|_| parts == 0);
            // SAFETY: the operands have all elements of their extents, and the buffer has room for the result.
            unsafe {
                if let Some(kernel) = tiny {
                    kernel(a.mat(), b.mat(), start, sizes)
                }
                for item in (0..product.items()).rev().filter(|_| tiny.is_none()) {
                    product.run(item..item + 1, if parts == 7 { Some(&tail) } else { None });
                }
            }
            for (q, (times, was)) in told.into_inner().expect("no tail panics").into_iter().enumerate() {
                let once = parts < 7 || (times == 1 && was.same(want[q]));
                assert!(once, "{what} {:?} {isa:?} {sizes:?}: element {q} is finished {times} times", T::DT);
            }
            for (q, want) in want.iter().enumerate() {
                // SAFETY: element q of the result.
                let got = unsafe { start.cast::<T>().add(q).read() };
                let at = (q / (m * n), q / n % m, q % n);
                assert!(got.same(*want), "{what} {:?} {isa:?} {sizes:?} in {parts} parts, element {at:?}", T::DT);
            }
            // SAFETY: the bytes before and behind the result are initialized parts of the buffer.
            let intact = |from: *const u8, n| unsafe { std::slice::from_raw_parts(from, n) }.iter().all(|x| *x == 0xa5);
            assert!(
                intact(start.wrapping_sub(GUARD), GUARD) && intact(start.wrapping_add(bytes), GUARD),
                "{what} {:?} {isa:?} {sizes:?}: written beyond the result",
                T::DT
            );
        }
    }
}

fn check<T: Element>(rng: &mut Rng, order: DotOrder, sizes: [usize; 4], la: usize, lb: usize) {
    let [batch, m, n, k] = sizes;
    let (sa, sb) = (layouts(m, k)[la], layouts(k, n)[lb]);
    let a = Operand::<T>::new(rng, [batch, m, k], sa);
    let b = Operand::<T>::new(rng, [batch, k, n], sb);
    let spec = DotSpec { order, acc: T::DT };
    check_operands(spec, sizes, &a, &b, &format!("{order:?}, strides {sa:?} and {sb:?},"));
}

/// The order that belongs to the sizes, now and then the other one.
fn order(rng: &mut Rng, n: usize) -> DotOrder {
    let natural = DotSpec::for_sizes(n, 64, Dt::F32).order;
    match rng.next() % 8 {
        0 => DotOrder::Tree,
        1 => DotOrder::Chain,
        _ => natural,
    }
}

const SIZES: [usize; 18] = [0, 1, 2, 3, 4, 5, 7, 8, 13, 14, 15, 16, 17, 31, 32, 33, 64, 100];

/// All shapes up to a size, each in one layout and one order, which change from shape to shape.
fn shapes<T: Element>(most: usize) {
    let mut rng = Rng(most as u64);
    let count = layouts(1, 1).len() as u64;
    for m in SIZES.into_iter().filter(|x| *x <= most) {
        for n in SIZES.into_iter().filter(|x| *x <= most) {
            for k in SIZES.into_iter().filter(|x| *x <= most) {
                let order = order(&mut rng, n);
                let batch = if m * n * k < 1000 { (rng.next() % 4) as usize } else { 1 };
                let (la, lb) = ((rng.next() % count) as usize, (rng.next() % count) as usize);
                check::<T>(&mut rng, order, [batch, m, n, k], la, lb);
            }
        }
    }
}

#[test]
fn shapes_f32() {
    shapes::<f32>(100);
}
#[test]
fn shapes_f64() {
    shapes::<f64>(64);
}
#[test]
fn shapes_complex() {
    shapes::<[f32; 2]>(33);
    shapes::<[f64; 2]>(17);
}
#[test]
fn shapes_half() {
    shapes::<f16>(33);
    shapes::<bf16>(33);
}
#[test]
fn shapes_int() {
    shapes::<i8>(16);
    shapes::<u8>(17);
    shapes::<i16>(33);
    shapes::<u16>(17);
    shapes::<i32>(33);
    shapes::<u32>(17);
    shapes::<i64>(33);
    shapes::<u64>(17);
    shapes::<bool>(33);
}

/// All pairs of layouts.
fn all_layouts<T: Element>(sizes: &[[usize; 4]]) {
    let mut rng = Rng(17);
    let count = layouts(1, 1).len();
    for s in sizes {
        for la in 0..count {
            for lb in 0..count {
                for order in [DotOrder::Tree, DotOrder::Chain] {
                    check::<T>(&mut rng, order, *s, la, lb);
                }
            }
        }
    }
}

#[test]
fn layouts_of_floats() {
    let sizes = [[3, 5, 6, 7], [2, 1, 40, 9], [2, 33, 1, 300], [1, 30, 70, 20], [1, 65, 130, 12], [3, 2, 3, 1]];
    all_layouts::<f32>(&sizes);
    all_layouts::<f64>(&sizes);
    all_layouts::<[f32; 2]>(&sizes);
    all_layouts::<[f64; 2]>(&sizes);
}
/// Small ones together, and what is not quite that.
#[test]
fn many_small_ones() {
    let sizes = [
        [16, 3, 3, 3],
        [37, 4, 4, 4],
        [50, 3, 1, 3],
        [33, 1, 5, 6],
        [40, 1, 1, 7],
        [15, 4, 4, 4],
        [20, 8, 4, 4],
        [20, 2, 3, 20],
    ];
    all_layouts::<f32>(&sizes);
    all_layouts::<f64>(&sizes);
    all_layouts::<[f32; 2]>(&sizes[..2]);
    all_layouts::<i32>(&sizes[..2]);
}
#[test]
fn layouts_of_the_others() {
    let sizes = [[3, 5, 6, 7], [2, 1, 40, 9], [2, 33, 1, 300], [1, 30, 70, 20]];
    all_layouts::<f16>(&sizes);
    all_layouts::<bf16>(&sizes);
    all_layouts::<i8>(&sizes);
    all_layouts::<i16>(&sizes);
    all_layouts::<u32>(&sizes);
    all_layouts::<i64>(&sizes);
    all_layouts::<bool>(&sizes);
}

/// Ends of chunks, blocks and super-chunks.
fn long<T: Element>(most: usize) {
    let mut rng = Rng(5);
    for k in [255, 256, 257, 511, 512, 513, 1000, 4095, 4096, 4097, 16383, 16384, 16385, 33000, 81923] {
        for (m, n) in [(1, 1), (2, 1), (5, 1), (1, 2), (3, 2), (17, 3), (1, 35), (4, 33)] {
            if m * n * k <= most {
                let order = order(&mut rng, n);
                for la in [0, 1, 3] {
                    check::<T>(&mut rng, order, [1, m, n, k], la, (la + k) % 3);
                }
            }
        }
    }
}

#[test]
fn long_sums() {
    long::<f32>(600_000);
    long::<f64>(300_000);
}
#[test]
fn long_sums_of_the_others() {
    long::<[f32; 2]>(90_000);
    long::<[f64; 2]>(90_000);
    long::<f16>(90_000);
    long::<bf16>(90_000);
    long::<i8>(40_000);
    long::<u64>(40_000);
    long::<bool>(40_000);
}

/// More rows and columns than a tile has, and several blocks of rows.
#[test]
fn tiles() {
    let mut rng = Rng(3);
    check::<f32>(&mut rng, DotOrder::Chain, [1, 1100, 40, 3], 0, 0);
    check::<f32>(&mut rng, DotOrder::Chain, [1, 20, 2100, 5], 1, 1);
    check::<f32>(&mut rng, DotOrder::Chain, [1, 520, 130, 300], 0, 1);
    check::<f32>(&mut rng, DotOrder::Tree, [1, 2100, 1, 70], 0, 0);
    check::<f64>(&mut rng, DotOrder::Chain, [2, 300, 600, 10], 1, 0);
    check::<bf16>(&mut rng, DotOrder::Chain, [1, 300, 1100, 9], 0, 1);
    check::<[f32; 2]>(&mut rng, DotOrder::Chain, [1, 140, 600, 20], 0, 1);
}

/// The number of threads changes no bit, and a tail meets every element in its block.
#[test]
fn threads() {
    let mut rng = Rng(29);
    for [batch, m, n, k] in
        [[1, 200, 300, 270], [1, 50, 700, 40], [1, 999, 1, 130], [7, 60, 65, 33], [300, 4, 4, 4], [1, 1, 900, 77]]
    {
        let a = Operand::<f32>::new(&mut rng, [batch, m, k], layouts(m, k)[0]);
        let b = Operand::<f32>::new(&mut rng, [batch, k, n], layouts(k, n)[1]);
        let spec = DotSpec::for_sizes(n, k, Dt::F32);
        let mut first: Option<Vec<u32>> = None;
        pool::tests::alone(&[1, 2, 3, 7], |threads| {
            let mut out = vec![0f32; batch * m * n];
            let to = out.as_mut_ptr().cast();
            let twice = |block: Block| {
                for i in 0..block.rows.len() {
                    for j in 0..block.cols.len() {
                        // SAFETY: an element of the block, which nobody else touches.
                        unsafe { *block.ptr.cast::<f32>().add(i * block.pitch + j) *= 2.0 }
                    }
                }
            };
            let [plain, parts] = [1, 4 * threads]
                .map(|parts| Product::new(spec, Dt::F32, Dt::F32, [batch, m, n, k], a.mat(), b.mat(), to, parts));
            // SAFETY: the operands have all elements of their extents, and the result has room.
            unsafe {
                plain.run_all(1e9, parts.items(), None);
                let bits: Vec<u32> = out.iter().map(|x| x.to_bits()).collect();
                assert_eq!(first.get_or_insert(bits.clone()), &bits, "{threads} threads");
                parts.run_all(1e9, 4 * threads, Some(&twice));
                for (x, y) in out.iter().zip(&bits) {
                    let want = 2.0 * f32::from_bits(*y);
                    assert!(x.same(want), "{threads} threads, {batch} of {m} x {k} x {n}: {x} is not {want}")
                }
            }
        })
    }
}

/// Infinities and NaN reach the elements of their row and column, and no others.
#[test]
fn specials() {
    let mut rng = Rng(11);
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -f32::MAX, f32::MIN_POSITIVE / 8.0];
    for (m, n, k) in [(4, 4, 4), (17, 1, 33), (15, 20, 70), (30, 40, 300), (1, 70, 17)] {
        for layout in [0, 1] {
            let (sa, sb) = (layouts(m, k)[layout], layouts(k, n)[layout]);
            let mut a = Operand::<f32>::new(&mut rng, [1, m, k], sa);
            let mut b = Operand::<f32>::new(&mut rng, [1, k, n], sb);
            for (q, x) in special.iter().enumerate() {
                let (la, lb) = (a.data.len(), b.data.len());
                a.data[(q * 37 + 1) % la] = *x;
                b.data[(q * 41 + 2) % lb] = *x;
            }
            check_operands(DotSpec::for_sizes(n, k, Dt::F32), [1, m, n, k], &a, &b, "specials");
        }
    }
}

/// A sum of negative zeros is one in a tree, whose lanes start at the identity, and none in a chain.
#[test]
fn zeros() {
    for k in [1, 5, 64, 300, 5000] {
        for (order, want) in [(DotOrder::Tree, -0.0f32), (DotOrder::Chain, 0.0)] {
            let (a, b) = (vec![-0.0f32; 3 * k], vec![1.0f32; k]);
            let mut out = [1.0f32; 3];
            let mat = |x: &[f32], row, col| Mat { ptr: x.as_ptr().cast(), batch: 0, row, col };
            let (a, b) = (mat(&a, k as isize, 1), mat(&b, 1, 1));
            let spec = DotSpec { order, acc: Dt::F32 };
            // SAFETY: a has 3 x k elements, b has k, and the result 3.
            unsafe { dot(spec, Dt::F32, Dt::F32, [1, 3, 1, k], a, b, out.as_mut_ptr().cast()) };
            assert_eq!(out.map(f32::to_bits), [want.to_bits(); 3], "{order:?} {k}");
        }
    }
}

/// One row at a time, transposed operands, and a batch give the bits of the whole.
#[test]
fn rows_one_by_one() {
    let mut rng = Rng(1);
    for (m, n, k) in [(4, 4, 4), (16, 16, 16), (19, 10, 512), (100, 3, 1000), (33, 100, 784), (40, 1, 5000)] {
        let a: Vec<f32> = (0..m * k).map(|_| f32::random(rng.next())).collect();
        let b: Vec<f32> = (0..k * n).map(|_| f32::random(rng.next())).collect();
        let at: Vec<f32> = (0..m * k).map(|q| a[q % m * k + q / m]).collect();
        let bt: Vec<f32> = (0..k * n).map(|q| b[q % k * n + q / k]).collect();
        let mut whole = vec![0.0; m * n];
        matmul_f32(m, n, k, &a, false, &b, false, &mut whole);
        let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let mut other = vec![0.0; m * n];
        for (ta, tb) in [(false, true), (true, false), (true, true)] {
            matmul_f32(m, n, k, if ta { &at } else { &a }, ta, if tb { &bt } else { &b }, tb, &mut other);
            assert_eq!(bits(&whole), bits(&other));
        }
        for i in 0..m {
            matmul_f32(1, n, k, &a[i * k..(i + 1) * k], false, &b, false, &mut other[i * n..(i + 1) * n]);
        }
        assert_eq!(bits(&whole), bits(&other));
    }
}

/// Operands, accumulator and result of three types.
#[test]
fn conversions() {
    fn run<S, D: Copy + Default>(src: Dt, acc: Dt, out_dt: Dt, sizes: [usize; 4], a: &[S], b: &[S]) -> Vec<D> {
        let [_, m, n, k] = sizes;
        assert!(a.len() == m * k && b.len() == k * n);
        let mut out = vec![D::default(); m * n];
        let a = Mat { ptr: a.as_ptr().cast(), batch: 0, row: k as isize, col: 1 };
        let b = Mat { ptr: b.as_ptr().cast(), batch: 0, row: n as isize, col: 1 };
        // SAFETY: the lengths are checked, and the types are those named.
        unsafe { dot(DotSpec::for_sizes(n, k, acc), src, out_dt, sizes, a, b, out.as_mut_ptr().cast()) };
        out
    }
    // Bytes whose sum does not fit into a byte.
    let out: Vec<i32> = run(Dt::I8, Dt::I32, Dt::I32, [1, 1, 2, 2], &[100i8, -100], &[100, -128, 100, 127]);
    assert_eq!(out, [0, -25500]);
    // Halves summed in f32 and kept there.
    let (x, y) = ([f16::from_f32(1.0 / 3.0); 3], [f16::from_f32(3.0); 3]);
    let third = x[0].to_f32();
    let exact = third.mul_add(3.0, third.mul_add(3.0, third * 3.0));
    assert_eq!(run::<f16, f32>(Dt::F16, Dt::F32, Dt::F32, [1, 1, 1, 3], &x, &y), [exact]);
    assert_eq!(run::<f16, f16>(Dt::F16, Dt::F32, Dt::F16, [1, 1, 1, 3], &x, &y), [f16::from_f32(exact)]);
    assert_eq!(run::<f16, f16>(Dt::F16, Dt::F16, Dt::F16, [1, 1, 1, 3], &x, &y), [f16::from_f32(exact)]);
    // A half as accumulator rounds operands first and the sum once more.
    let out: Vec<f32> = run(Dt::F32, Dt::Bf16, Dt::F32, [1, 1, 1, 1], &[1.01f32], &[1.0f32]);
    assert_eq!(out, [bf16::from_f32(1.01).to_f32()]);
    // Floats truncate and saturate on their way to integers.
    let out: Vec<i32> = run(Dt::F32, Dt::I32, Dt::I32, [1, 1, 2, 2], &[-1.9f32, 1.0], &[3e9f32, 2.5, 0.5, f32::NAN]);
    assert_eq!(out, [-i32::MAX, -2]);
    let out: Vec<f64> = run(Dt::F32, Dt::F64, Dt::F64, [1, 1, 2, 1], &[0.1f32], &[0.1f32, 0.2]);
    assert_eq!(out, [0.1f32 as f64 * 0.1f32 as f64, 0.1f32 as f64 * 0.2f32 as f64]);
    // A real number is a complex one, and any number but zero is true.
    let out: Vec<[f32; 2]> = run(Dt::F32, Dt::C64, Dt::C64, [1, 1, 2, 1], &[2.0f32], &[3.0f32, -1.0]);
    assert_eq!(out, [[6.0, 0.0], [-2.0, 0.0]]);
    let out: Vec<u8> = run(Dt::F32, Dt::Bool, Dt::Bool, [1, 1, 2, 2], &[0.5f32, 0.0], &[-3.0f32, 0.0, 1.0, 1.0]);
    assert_eq!(out, [1, 0]);
    let out: Vec<u8> = run(Dt::I32, Dt::I32, Dt::U8, [1, 1, 2, 1], &[-1i32], &[1, 257]);
    assert_eq!(out, [255, 255]);
}

/// What is read for a product and written behind it is what the scalar conversion makes of it, also where two roundings would not be
/// one: halfway between two numbers of half precision, but for a bit that `f32` does not hold.
#[test]
fn conversions_are_those_of_scalars() {
    let reals = Dt::ALL.into_iter().filter(|t| !t.is_complex());
    let sums = [Dt::F32, Dt::F64, Dt::I16, Dt::U16, Dt::I32, Dt::U32, Dt::I64, Dt::U64];
    let near = |bits: i32| 1.0 + 2f64.powi(-bits);
    let mut floats = vec![0.0, -0.0, 1.5, -3.0, 65519.99, 1e30, -1e300, 1e-7, f64::INFINITY, f64::NAN, 200.7];
    for tie in [near(11), near(8), -near(11), 3.0 * 2f64.powi(-26)] {
        floats.extend([tie, tie * near(40), tie * (2.0 - near(40))]);
    }
    let integers = [0, 1, -1, 127, 2049, 4097, 0x0101_0001, (1 << 25) + 1, (1 << 54) + 1, i64::MIN, i64::MAX];
    let check = |c: cast::Conversion, from: Dt, to: Dt, via: Dt| {
        let wanted = |x| scalar(Op::Cast, to, via, scalar(Op::Cast, via, from, x, 0, 0), 0, 0);
        let elements: Vec<u64> = match from {
            Dt::Bool => vec![0, 1],
            t if t.is_float() => {
                let floats = floats.iter().map(|x| scalar(Op::Cast, t, Dt::F64, x.to_bits(), 0, 0));
                // and subnormal numbers, of both signs
                floats.chain([1, 5 | 1 << (8 * t.size() - 1)]).collect()
            }
            t => integers.iter().map(|x| scalar(Op::Cast, t, Dt::I64, *x as u64, 0, 0)).collect(),
        };
        let n = elements.len();
        let given: Vec<u8> = elements.iter().flat_map(|x| x.to_le_bytes()[..from.size()].to_vec()).collect();
        let (given, mut got) = (crate::Buffer::from_bytes(&given), crate::Buffer::zeroed(n * to.size()));
        // SAFETY: both have n elements, and the instruction set is available.
        unsafe { c.run(n, given.as_bytes().as_ptr(), 1, got.as_bytes_mut().as_mut_ptr()) };
        let want: Vec<u8> = elements.iter().flat_map(|x| wanted(*x).to_le_bytes()[..to.size()].to_vec()).collect();
        crate::fuzz::same(to, got.as_bytes(), &want).unwrap_or_else(|e| panic!("from {from} to {to}: {e}"));
    };
    let _arithmetic = crate::float::Arithmetic::enter();
    for isa in isas() {
        for t in reals.clone() {
            // truth values are summed as numbers
            check(cast::Conversion::reading(isa, t, Dt::Bool), t, Dt::F32, Dt::Bool);
            for sum in sums {
                check(cast::Conversion::reading(isa, t, sum), t, sum, sum);
                check(cast::Conversion::writing(isa, sum, t), sum, t, t);
            }
        }
    }
}

/// Strides of extents of one may be anything.
#[test]
fn strides_that_lead_nowhere() {
    const ANY: isize = isize::MIN + 3;
    for (m, n, k) in [(1, 1, 1), (5, 7, 1), (1, 7, 3), (5, 1, 3), (1, 1, 9), (1, 9, 1), (9, 1, 1)] {
        let (a, b): (Vec<f32>, Vec<f32>) = ((0..m * k).map(|x| x as f32).collect(), vec![1.0; k * n]);
        let or_any = |extent: usize, stride: usize| if extent == 1 { ANY } else { stride as isize };
        let ma = Mat { ptr: a.as_ptr().cast(), batch: ANY, row: or_any(m, k), col: or_any(k, 1) };
        let mb = Mat { ptr: b.as_ptr().cast(), batch: ANY, row: or_any(k, n), col: or_any(n, 1) };
        for order in [DotOrder::Tree, DotOrder::Chain] {
            for isa in isas() {
                let mut out = vec![-1.0f32; m * n];
                let spec = DotSpec { order, acc: Dt::F32 };
                let to = out.as_mut_ptr().cast();
                let product = Product::with_isa(isa, spec, Dt::F32, Dt::F32, [1, m, n, k], ma, mb, to, 1);
                // SAFETY: the strides that matter are those of dense matrices.
                unsafe { product.run(0..product.items(), None) };
                for (q, x) in out.iter().enumerate() {
                    let want: f32 = a[q / n * k..(q / n + 1) * k].iter().sum();
                    assert_eq!(*x, want, "{order:?} {isa:?} {m} {n} {k}");
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "left operand")]
fn lengths_are_checked() {
    matmul_f32(2, 2, 2, &[0.0; 3], false, &[0.0; 4], false, &mut [0.0; 4]);
}
