//! Our matrix product beside the crate `gemm`, shape by shape, on one thread: the least time of alternating samples, in the thread's
//! processor time, so that a busy machine disturbs neither.
//!
//!     cargo run --release --manifest-path bench/products/Cargo.toml [-- words in the name ..]
//!
//! A name is `type m x k x n`, with `tn`, `nt` or `tt` behind it if an operand is stored transposed, and a batch in front.

use cotangent_cpu::dot::{Mat, dot};
use cotangent_cpu::{DotSpec, Dt};
use half::{bf16, f16};

/// A product to be measured.
#[derive(Clone, Copy)]
struct Case {
    dt: Dt,
    batch: usize,
    m: usize,
    k: usize,
    n: usize,
    /// Which operands are stored transposed.
    turned: [bool; 2],
}

impl Case {
    fn name(&self) -> String {
        let Case { dt, batch, m, k, n, turned } = self;
        let front = if *batch > 1 { format!("{batch} of ") } else { String::new() };
        let ways = match turned {
            [false, false] => "",
            [true, false] => " tn",
            [false, true] => " nt",
            [true, true] => " tt",
        };
        format!("{dt:?} {front}{m}x{k}x{n}{ways}").to_lowercase()
    }
}

/// Everything that is measured, in the order of the table.
fn cases() -> Vec<Case> {
    let mut all = vec![];
    let mut add = |dt, batch, [m, k, n]: [usize; 3], turned| all.push(Case { dt, batch, m, k, n, turned });
    const WAYS: [[bool; 2]; 4] = [[false, false], [true, false], [false, true], [true, true]];
    for n in [2, 3, 4, 6, 8, 16, 32, 64, 128, 256, 512, 1024, 2048] {
        add(Dt::F32, 1, [n; 3], WAYS[0])
    }
    for n in [16, 64, 128, 256, 512, 1024, 2048] {
        add(Dt::F64, 1, [n; 3], WAYS[0])
    }
    for ways in WAYS {
        for shape in
            [[64; 3], [256; 3], [128, 784, 512], [1024, 128, 384], [1024, 512, 128], [512, 128, 784], [784, 128, 512]]
        {
            add(Dt::F32, 1, shape, ways)
        }
        add(Dt::F32, 128, [64; 3], ways);
        add(Dt::F32, 1, [1024; 3], ways)
    }
    for (batch, n) in [(64, 64), (1000, 4), (1000, 8), (256, 16), (128, 32)] {
        add(Dt::F32, batch, [n; 3], WAYS[0])
    }
    // Layers of few rows or columns, outer products, and the steps of a recurrent network backwards.
    for shape in [
        [128, 512, 10],
        [128, 10, 512],
        [512, 128, 10],
        [10, 128, 512],
        [64, 128, 1],
        [32, 128, 128],
        [32, 128, 512],
        [128, 32, 512],
        [4, 256, 256],
        [256, 4, 256],
        [256, 256, 4],
        [128, 1, 128],
        [512, 1, 512],
        [2, 64, 64],
        [64, 2, 64],
    ] {
        add(Dt::F32, 1, shape, WAYS[0])
    }
    for n in [64, 128, 256, 512, 1024, 2048] {
        for ways in [WAYS[0], WAYS[1]] {
            add(Dt::F32, 1, [n, n, 1], ways)
        }
        for ways in [WAYS[0], WAYS[2]] {
            add(Dt::F32, 1, [1, n, n], ways)
        }
    }
    for n in [64, 256, 1024] {
        add(Dt::Bf16, 1, [n; 3], WAYS[0]);
        add(Dt::F16, 1, [n; 3], WAYS[0])
    }
    all
}

/// Numbers as bytes.
fn numbers(dt: Dt, len: usize) -> Vec<u64> {
    let mut bytes = vec![];
    let mut state = 1u32;
    for _ in 0..len {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let x = (state >> 8) as f32 / (1 << 24) as f32 - 0.5;
        match dt {
            Dt::F32 => bytes.extend(x.to_ne_bytes()),
            Dt::F64 => bytes.extend((x as f64).to_ne_bytes()),
            Dt::F16 => bytes.extend(f16::from_f32(x).to_ne_bytes()),
            _ => bytes.extend(bf16::from_f32(x).to_ne_bytes()),
        }
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.chunks(8).map(|c| u64::from_ne_bytes(c.try_into().expect("eight bytes"))).collect()
}

/// Processor time of this thread, in seconds.
fn now() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `t` is a place for the time.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

/// Strides of a row and of a column of a matrix with these many rows and columns.
fn strides(rows: usize, cols: usize, turned: bool) -> [isize; 2] {
    if turned { [1, rows as isize] } else { [cols as isize, 1] }
}

/// A product by `gemm`, which knows no batches.
///
/// # Safety
/// The buffers hold the matrices of the case, as elements of type `T`.
unsafe fn theirs<T: Copy + 'static>(c: &Case, [zero, one]: [T; 2], a: *const u64, b: *const u64, out: *mut u64) {
    let ([ar, ac], [br, bc]) = (strides(c.m, c.k, c.turned[0]), strides(c.k, c.n, c.turned[1]));
    for t in 0..c.batch {
        let (a, b) = (a.cast::<T>().wrapping_add(t * c.m * c.k), b.cast::<T>().wrapping_add(t * c.k * c.n));
        let out = out.cast::<T>().wrapping_add(t * c.m * c.n);
        let (rows, by) = (c.n as isize, gemm::Parallelism::None);
        // SAFETY: matrix t of each buffer.
        unsafe {
            gemm::gemm(c.m, c.n, c.k, out, 1, rows, false, a, ac, ar, b, bc, br, zero, one, false, false, false, by)
        }
    }
}

/// Seconds of a call of each, at best.
fn measure(calls: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut best = vec![f64::MAX; calls.len()];
    let mut counts = vec![];
    for call in calls.iter_mut() {
        call();
        let (mut n, mut t) = (1usize, 0.0);
        while t < 5e-4 {
            n *= if t < 5e-5 { 8 } else { 2 };
            let start = now();
            (0..n).for_each(|_| call());
            t = now() - start;
        }
        counts.push(n.div_ceil(2))
    }
    let start = now();
    let mut round = 0;
    while round < 12 || (now() - start < 0.15 && round < 400) {
        for (i, call) in calls.iter_mut().enumerate() {
            let start = now();
            (0..counts[i]).for_each(|_| call());
            best[i] = best[i].min((now() - start) / counts[i] as f64)
        }
        round += 1;
        if now() - start > 4.0 {
            break;
        }
    }
    best
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    println!("| product | ours us | gemm us | ours GFLOP/s | gemm GFLOP/s | gemm / ours |\n|---|---|---|---|---|---|");
    let (mut sum, mut count) = (0.0, 0);
    for c in cases().into_iter().filter(|c| words.is_empty() || words.iter().any(|w| c.name().contains(w.as_str()))) {
        let a = numbers(c.dt, c.batch * c.m * c.k);
        let b = numbers(c.dt, c.batch * c.k * c.n);
        let (mut out, mut other) = (numbers(c.dt, c.batch * c.m * c.n), numbers(c.dt, c.batch * c.m * c.n));
        let acc = if c.dt == Dt::F64 { Dt::F64 } else { Dt::F32 };
        let spec = DotSpec::for_sizes(c.n, c.k, acc);
        let mat = |data: &[u64], rows: usize, cols: usize, turned| {
            let [row, col] = strides(rows, cols, turned);
            Mat { ptr: data.as_ptr().cast(), batch: (rows * cols) as isize, row, col }
        };
        let (ma, mb) = (mat(&a, c.m, c.k, c.turned[0]), mat(&b, c.k, c.n, c.turned[1]));
        let (to, at) = (out.as_mut_ptr(), other.as_mut_ptr());
        let sizes = [c.batch, c.m, c.n, c.k];
        // SAFETY: the buffers hold the matrices.
        let mut ours = || unsafe { dot(spec, c.dt, c.dt, sizes, ma, mb, to.cast()) };
        // SAFETY: the same.
        let mut theirs = || unsafe {
            match c.dt {
                Dt::F32 => theirs(&c, [0f32, 1.0], a.as_ptr(), b.as_ptr(), at),
                Dt::F64 => theirs(&c, [0f64, 1.0], a.as_ptr(), b.as_ptr(), at),
                _ => theirs(&c, [f16::ZERO, f16::ONE], a.as_ptr(), b.as_ptr(), at),
            }
        };
        let flops = 2e-9 * (c.batch * c.m * c.n * c.k) as f64;
        // It has no bfloat16.
        if c.dt == Dt::Bf16 {
            let t = measure(&mut [&mut ours]);
            println!("| {} | {:.3} | | {:.1} | | |", c.name(), t[0] * 1e6, flops / t[0]);
            continue;
        }
        let t = measure(&mut [&mut ours, &mut theirs]);
        let ratio = t[1] / t[0];
        println!(
            "| {} | {:.3} | {:.3} | {:.1} | {:.1} | {ratio:.2} |",
            c.name(),
            t[0] * 1e6,
            t[1] * 1e6,
            flops / t[0],
            flops / t[1]
        );
        (sum, count) = (sum + ratio.ln(), count + 1)
    }
    println!("\nGeometric mean of {count}: {:.3}", (sum / count.max(1) as f64).exp())
}
