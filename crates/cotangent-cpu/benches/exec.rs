//! Times of small and large programs, called through `Executable::run`. `cargo bench -p cotangent-cpu --bench exec [-- words in the name]`

use cotangent_cpu::*;
use std::hint::black_box;
use std::time::Instant;

/// The least of several times, in nanoseconds a call.
fn time(name: &str, mut f: impl FnMut()) {
    if !std::env::args().skip(1).filter(|a| a != "--bench").all(|a| name.contains(&a)) {
        return;
    }
    let mut best = f64::MAX;
    let mut n = 1u32;
    for _ in 0..30 {
        let start = Instant::now();
        for _ in 0..n {
            f();
        }
        let t = start.elapsed().as_secs_f64() / n as f64;
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
    let sums: [(&str, &[usize], u32, u32); 9] = [
        ("sum of 1e3", &[1000], 0, 1),
        ("sum of 1e5", &[100_000], 0, 1),
        ("sum of 1000x1000", &[1000, 1000], 0, 2),
        ("sum of 1000x1000 along rows", &[1000, 1000], 1, 1),
        ("sum of 1000x1000 down columns", &[1000, 1000], 0, 1),
        ("sum of 100000x10 along rows", &[100_000, 10], 1, 1),
        ("sum of 100000x10 down columns", &[100_000, 10], 0, 1),
        ("sum of 100000x100 down columns", &[100_000, 100], 0, 1),
        ("sum of 100x100x100, middle", &[100, 100, 100], 1, 1),
    ];
    for (name, dims, first, count) in sums {
        let e = Executable::compile(&reduce(dims, first, count)).unwrap();
        let x = ramp(dims.iter().product());
        time(name, || drop(black_box(e.run(black_box(&[Operand::Buffer(&x)])))));
    }
    let mut p = Program::default();
    let a = p.arg(Ty::new(Dt::F32, &[1000, 1000]));
    let mut t = View::identity(&[1000, 1000]);
    t.strides.swap(0, 1);
    let v = p.view(a, t);
    p.outs = vec![v];
    let e = Executable::compile(&p).unwrap();
    let x = ramp(1_000_000);
    time("transpose of 1000x1000", || drop(black_box(e.run(black_box(&[Operand::Buffer(&x)])))));
    for (name, dims) in [("cumsum of 1e5", &[100_000][..]), ("cumsum of 1000x1000 down columns", &[1000, 1000])] {
        let mut p = Program::default();
        let a = p.arg(Ty::new(Dt::F32, dims));
        let kind = Kind::Prefix { op: Fold::Sum, dim: 0, reverse: false };
        let v = p.push(kind, &[Use::plain(a)], &[Ty::new(Dt::F32, dims)]);
        p.outs = vec![v];
        let e = Executable::compile(&p).unwrap();
        let x = ramp(dims.iter().product());
        time(name, || drop(black_box(e.run(black_box(&[Operand::Buffer(&x)])))));
    }
    time("a buffer of 32 bytes, made and freed", || drop(black_box(Buffer::from_slice(&[1.0f32; 8]))));
}
