//! Executables against results worked out by hand or by plain loops.

use cotangent_cpu::*;

fn f32s(o: &Output) -> Vec<f32> {
    match o {
        Output::Buffer(b) => b.as_slice::<f32>().to_vec(),
        Output::Bits(b) => vec![f32::from_bits(*b as u32)],
        Output::Arg(i) => panic!("argument {i}"),
    }
}
fn ramp(n: usize) -> Buffer {
    Buffer::from_slice(&(0..n).map(|i| i as f32 * 0.37 - 3.0).collect::<Vec<_>>())
}

fn add_body() -> Body {
    let mut b = Body::default();
    let (x, y) = (b.input(0, Dt::F32), b.input(1, Dt::F32));
    let z = b.bin(Op::Add, Dt::F32, x, y);
    b.outs.push(z);
    b
}

#[test]
fn adds_arrays_and_scalars() {
    for n in [0, 1, 7, 512, 513, 5000] {
        let ty = Ty::new(Dt::F32, &[n]);
        let mut p = Program::default();
        let (x, y, s) = (p.arg(ty.clone()), p.arg(ty.clone()), p.arg(Ty::new(Dt::F32, &[])));
        let splat = p.through(s, View::splat(&[n]));
        let z = p.push(Kind::Map(add_body().into()), &[Use::plain(x), splat], &[ty.clone()]);
        let w = p.push(Kind::Map(add_body().into()), &[Use::plain(z), Use::plain(y)], &[ty]);
        p.outs = vec![w, z, x];
        let e = Executable::compile(&p).unwrap();
        let (a, b) = (ramp(n), ramp(n));
        let r = e.run(&[Operand::Buffer(&a), Operand::Buffer(&b), Operand::Bits(2.5f32.to_bits() as u64)]);
        for i in 0..n {
            let x = a.as_slice::<f32>()[i];
            assert_eq!(f32s(&r[1])[i], x + 2.5);
            assert_eq!(f32s(&r[0])[i], x + 2.5 + x);
        }
        assert!(matches!(r[2], Output::Arg(0)));
    }
}

/// The tree of `Reduce`, as it is defined.
fn tree(x: &[f32]) -> f32 {
    let mut blocks: Vec<f32> = x
        .chunks(BLOCK)
        .map(|b| {
            let mut lane = [-0.0f32; 64];
            for (k, v) in b.iter().enumerate() {
                lane[k % 64] += v;
            }
            let mut h = 32;
            while h > 0 {
                for i in 0..h {
                    lane[i] += lane[i + h];
                }
                h /= 2;
            }
            lane[0]
        })
        .collect();
    while blocks.len() > 1 {
        blocks = blocks.chunks(2).map(|c| if c.len() == 2 { c[0] + c[1] } else { c[0] }).collect();
    }
    blocks.first().copied().unwrap_or(0.0)
}

#[test]
fn sums_every_axis_by_the_tree() {
    for dims in [[3, 5, 4], [1, 300, 1], [2, 9000, 3], [40, 70, 1], [1, 5000, 33], [5, 1, 7], [2, 0, 3], [1, 100, 1500]]
    {
        let x = ramp(dims.iter().product());
        for (first, count) in [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (0, 3)] {
            let mut p = Program::default();
            let a = p.arg(Ty::new(Dt::F32, &dims));
            let rest: Vec<usize> =
                dims.iter().enumerate().filter(|(d, _)| *d < first || *d >= first + count).map(|d| *d.1).collect();
            let kind = Kind::Reduce { op: Fold::Sum, first: first as u32, count: count as u32 };
            let s = p.push(kind, &[Use::plain(a)], &[Ty::new(Dt::F32, &rest)]);
            p.outs = vec![s];
            let r = Executable::compile(&p).unwrap().run(&[Operand::Buffer(&x)]);
            let n: usize = dims[first..first + count].iter().product();
            let inner: usize = dims[first + count..].iter().product();
            let outer: usize = dims[..first].iter().product();
            let got = f32s(&r[0]);
            assert_eq!(got.len(), outer * inner);
            for o in 0..outer {
                for i in 0..inner {
                    let line: Vec<f32> = (0..n).map(|k| x.as_slice::<f32>()[(o * n + k) * inner + i]).collect();
                    assert_eq!(got[o * inner + i].to_bits(), tree(&line).to_bits(), "{dims:?} {first} {count}");
                }
            }
        }
    }
}
