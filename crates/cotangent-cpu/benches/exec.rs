//! Processor times of small and large programs, called through `Executable::run`: a busy machine changes them less than it does the clock's. `cargo bench -p cotangent-cpu --bench exec [-- words in the name]`

use cotangent_cpu::*;
use std::hint::black_box;

/// Seconds that this thread has run.
fn now() -> f64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the time is written to `t`.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut t) };
    t.tv_sec as f64 + t.tv_nsec as f64 * 1e-9
}

/// The least of several times, in nanoseconds a call.
fn time(name: &str, mut f: impl FnMut()) {
    if !std::env::args().skip(1).filter(|a| a != "--bench").all(|a| name.contains(&a)) {
        return;
    }
    let mut best = f64::MAX;
    let mut n = 1u32;
    for _ in 0..30 {
        let start = now();
        for _ in 0..n {
            f();
        }
        let t = (now() - start) / n as f64;
        best = best.min(t);
        n = ((0.01 / t) as u32).clamp(1, 10_000_000);
    }
    println!("{name:40} {:12.1} ns", best * 1e9);
}

fn map(ops: &[Op], n: Option<usize>, args: usize) -> Program {
    let dims: Vec<usize> = n.into_iter().collect();
    let ty = Ty::new(Dt::F32, &dims);
    let mut p = Program::default();
    let mut v: Vec<ValId> = (0..args).map(|_| p.arg(ty.clone())).collect();
    for op in ops {
        let mut b = Body::default();
        let x: Vec<u32> = (0..op.arity()).map(|k| b.input(k as u32, Dt::F32)).collect();
        let at = |k: usize| x.get(k).copied().unwrap_or(0);
        let y = b.push(*op, Dt::F32, at(0), at(1), at(2));
        b.outs.push(y);
        let uses: Vec<Use> = v.iter().rev().take(op.arity()).rev().map(|v| Use::plain(*v)).collect();
        v.push(p.push(Kind::Map(b.into()), &uses, std::slice::from_ref(&ty)));
    }
    p.outs = vec![*v.last().unwrap()];
    p
}

fn reduce(dims: &[usize], first: u32, count: u32) -> Program {
    let mut p = Program::default();
    let a = p.arg(Ty::new(Dt::F32, dims));
    let rest: Vec<usize> =
        (0..dims.len()).filter(|d| (*d as u32) < first || *d as u32 >= first + count).map(|d| dims[d]).collect();
    let s = p.push(Kind::Reduce { op: Fold::Sum, first, count }, &[Use::plain(a)], &[Ty::new(Dt::F32, &rest)]);
    p.outs = vec![s];
    p
}

fn ramp(n: usize) -> Buffer {
    Buffer::from_slice(&(0..n).map(|i| (i % 1000) as f32 * 0.01 - 3.0).collect::<Vec<_>>())
}

/// Numbers in no order.
fn noise(n: usize) -> Buffer {
    let mut s = 1u64;
    let mut next = || {
        s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (s >> 33) as f32 / (1u64 << 31) as f32
    };
    Buffer::from_slice(&(0..n).map(|_| next() + next() + next() + next() - 2.0).collect::<Vec<_>>())
}

/// Gathers and scatters: rows of a table, and scalars.
fn indexed() {
    use std::sync::Arc;
    let ids = |n: usize, below: f32| {
        let x = noise(n);
        Buffer::from_slice(&x.as_slice::<f32>().iter().map(|x| ((x + 2.0) * below / 4.0) as i32).collect::<Vec<_>>())
    };
    let dims = |d: &[usize]| Dims::from_slice(d);
    for (name, whole, n, width) in
        [("rows of 64", vec![50_000, 64], 8192, 64), ("scalars", vec![1_000_000], 100_000, 1)]
    {
        let row = whole.len() == 2;
        let out: Vec<usize> = if row { vec![n, width] } else { vec![n] };
        let gather = GatherSpec {
            below: 0,
            offset_dims: dims(if row { &[1] } else { &[] }),
            collapsed_slice_dims: dims(&[0]),
            start_index_map: dims(&[0]),
            operand_batching_dims: dims(&[]),
            start_indices_batching_dims: dims(&[]),
            slice_sizes: dims(if row { &[1, 64] } else { &[1] }),
            bounds: Bounds::Clip,
            fill: [0; 2],
        };
        let scatter = ScatterSpec {
            below: 0,
            update_window_dims: gather.offset_dims.clone(),
            inserted_window_dims: dims(&[0]),
            scatter_dims_to_operand_dims: dims(&[0]),
            operand_batching_dims: dims(&[]),
            scatter_indices_batching_dims: dims(&[]),
            put: Put::Add,
            bounds: Bounds::Fill,
        };
        let (x, at, u) = (noise(whole.iter().product()), ids(n, whole[0] as f32), noise(n * width));
        let mut p = Program::default();
        let (a, i) = (p.arg(Ty::new(Dt::F32, &whole)), p.arg(Ty::new(Dt::I32, &[n, 1])));
        let v = p.push(Kind::Gather(Arc::new(gather)), &[Use::plain(a), Use::plain(i)], &[Ty::new(Dt::F32, &out)]);
        p.outs = vec![v];
        let e = Executable::compile(&p).unwrap();
        time(&format!("gather of {n} {name}"), || {
            drop(black_box(e.run(black_box(&[Operand::Buffer(&x), Operand::Buffer(&at)]))))
        });
        let mut p = Program::default();
        let (i, u_) = (p.arg(Ty::new(Dt::I32, &[n, 1])), p.arg(Ty::new(Dt::F32, &out)));
        let zero = p.constant(Dt::F32, [0; 2]);
        let zeros = p.view(zero, View::splat(&whole));
        let uses = [Use::plain(zeros), Use::plain(i), Use::plain(u_)];
        let v = p.push(Kind::Scatter(Arc::new(scatter)), &uses, &[Ty::new(Dt::F32, &whole)]);
        p.outs = vec![v];
        let e = Executable::compile(&p).unwrap();
        time(&format!("scatter-add of {n} {name} into zeros"), || {
            drop(black_box(e.run(black_box(&[Operand::Buffer(&at), Operand::Buffer(&u)]))))
        });
    }
}

fn main() {
    let math = |m| Op::Math(m);
    let bits = |x: f32| Operand::Bits(x.to_bits() as u64);
    for (name, ops, args) in [
        ("scalar add", vec![Op::Add], 2),
        ("scalar sin", vec![math(M::Sin)], 1),
        ("scalar chain of 10 multiplications", vec![Op::Mul; 10], 2),
    ] {
        let e = Executable::compile(&map(&ops, None, args)).unwrap();
        let operands: Vec<Operand> = (0..args).map(|i| bits(0.5 + i as f32)).collect();
        time(name, || drop(black_box(e.run(black_box(&operands)))));
    }
    for (name, ops, args, n) in [
        ("8-element add", vec![Op::Add], 2, 8),
        ("1000-element add", vec![Op::Add], 2, 1000),
        ("1e5-element add", vec![Op::Add], 2, 100_000),
        ("1e5-element tanh", vec![math(M::Tanh)], 1, 100_000),
        ("1e5-element logistic", vec![math(M::Logistic)], 1, 100_000),
        ("1e5-element tanh-logistic chain", vec![math(M::Tanh), math(M::Logistic)], 1, 100_000),
        ("1e5-element chain of 15 additions", vec![Op::Add; 15], 2, 100_000),
        ("1e7-element add", vec![Op::Add], 2, 10_000_000),
    ] {
        let e = Executable::compile(&map(&ops, Some(n), args)).unwrap();
        let x: Vec<Buffer> = (0..args).map(|_| ramp(n)).collect();
        let operands: Vec<Operand> = x.iter().map(Operand::Buffer).collect();
        time(name, || drop(black_box(e.run(black_box(&operands)))));
    }
    let sums: [(&[usize], u32, u32); 16] = [
        (&[1000], 0, 1),
        (&[100_000], 0, 1),
        (&[10_000_000], 0, 1),
        (&[1000, 1000], 0, 2),
        (&[1024, 1024], 0, 1),
        (&[1024, 1024], 1, 1),
        (&[512, 512], 0, 1),
        (&[512, 512], 1, 1),
        (&[1000, 1000], 0, 1),
        (&[1000, 1000], 1, 1),
        (&[100_000, 10], 0, 1),
        (&[100_000, 10], 1, 1),
        (&[100_000, 100], 0, 1),
        (&[100_000, 100], 1, 1),
        (&[100, 100, 100], 1, 1),
        (&[100, 100, 100], 0, 1),
    ];
    for (dims, first, count) in sums {
        let e = Executable::compile(&reduce(dims, first, count)).unwrap();
        let x = ramp(dims.iter().product());
        let name = format!("sum of {dims:?} over {count} from {first}");
        time(&name, || drop(black_box(e.run(black_box(&[Operand::Buffer(&x)])))));
    }
    let views: [(&[usize], &[usize]); 6] = [
        (&[512, 512], &[1, 0]),
        (&[1000, 1000], &[1, 0]),
        (&[1024, 1024], &[1, 0]),
        (&[2048, 2048], &[1, 0]),
        (&[100, 100, 100], &[2, 0, 1]),
        (&[64, 64, 64, 64], &[0, 2, 1, 3]),
    ];
    for (dims, order) in views {
        for dt in [Dt::F32, Dt::F64, Dt::I16] {
            let mut p = Program::default();
            let a = p.arg(Ty::new(dt, dims));
            let mut t = View::identity(dims);
            t.dims = order.iter().map(|d| dims[*d]).collect();
            t.strides = order.iter().map(|d| row_major(dims)[*d]).collect();
            let v = p.view(a, t);
            p.outs = vec![v];
            let e = Executable::compile(&p).unwrap();
            let x = Buffer::from_bytes(&vec![1; p.args[0].bytes()]);
            time(&format!("transpose {dims:?} {order:?} {dt}"), || {
                drop(black_box(e.run(black_box(&[Operand::Buffer(&x)]))))
            });
        }
    }
    let sum = |op, dim| Kind::Prefix { op, dim, reverse: false };
    let lines: [(&str, Kind, &[usize], &[Dt], &[usize]); 17] = [
        ("cumsum", sum(Fold::Sum, 0), &[100_000], &[Dt::F32], &[100_000]),
        ("cumsum", sum(Fold::Sum, 0), &[1_000_000], &[Dt::F32], &[1_000_000]),
        ("cumsum", sum(Fold::Sum, 0), &[1000, 1000], &[Dt::F32], &[1000, 1000]),
        ("cumsum", sum(Fold::Sum, 1), &[1000, 1000], &[Dt::F32], &[1000, 1000]),
        ("cumsum f64", sum(Fold::Sum, 0), &[1_000_000], &[Dt::F64], &[1_000_000]),
        ("cumprod", sum(Fold::Prod, 0), &[1_000_000], &[Dt::F32], &[1_000_000]),
        ("cummax", sum(Fold::Max, 0), &[1_000_000], &[Dt::F32], &[1_000_000]),
        ("cumlogsumexp", sum(Fold::LogAddExp, 0), &[1_000_000], &[Dt::F32], &[1_000_000]),
        ("argmax", Kind::ArgReduce { max: true, dim: 1 }, &[1024, 1024], &[Dt::I32], &[1024]),
        ("argmax", Kind::ArgReduce { max: true, dim: 0 }, &[1024, 1024], &[Dt::I32], &[1024]),
        ("argmax", Kind::ArgReduce { max: true, dim: 0 }, &[1_000_000], &[Dt::I32], &[]),
        ("sort", Kind::Sort { dim: 0, keys: 1 }, &[1_000_000], &[Dt::F32], &[1_000_000]),
        ("sort", Kind::Sort { dim: 1, keys: 1 }, &[1000, 100], &[Dt::F32], &[1000, 100]),
        ("sort", Kind::Sort { dim: 0, keys: 1 }, &[1000, 100], &[Dt::F32], &[1000, 100]),
        ("sort", Kind::Sort { dim: 1, keys: 1 }, &[10_000, 10], &[Dt::F32], &[10_000, 10]),
        ("top", Kind::Top { dim: 0 }, &[1_000_000], &[Dt::F32, Dt::I32], &[100]),
        ("top", Kind::Top { dim: 1 }, &[1000, 100], &[Dt::F32, Dt::I32], &[1000, 10]),
    ];
    for (name, kind, dims, types, out) in lines {
        let mut p = Program::default();
        let of = if name.ends_with("f64") { Dt::F64 } else { Dt::F32 };
        let a = p.arg(Ty::new(of, dims));
        let types: Vec<Ty> = types.iter().map(|dt| Ty::new(if *dt == Dt::F32 { of } else { *dt }, out)).collect();
        let v = p.push(kind.clone(), &[Use::plain(a)], &types);
        p.outs = (v..v + types.len() as u32).collect();
        let e = Executable::compile(&p).unwrap();
        let n: usize = dims.iter().product();
        let x = if of == Dt::F64 { Buffer::from_slice(&vec![0.5f64; n]) } else { noise(n) };
        time(&format!("{name} {dims:?}, {kind:?}"), || drop(black_box(e.run(black_box(&[Operand::Buffer(&x)])))));
    }
    indexed();
    time("a buffer of 32 bytes, made and freed", || drop(black_box(Buffer::from_slice(&[1.0f32; 8]))));
}
