//! Texts as they are expected.

use crate::*;
use smallvec::smallvec;
use std::sync::Arc;

#[test]
fn softmax() {
    let mut p = Program::default();
    let x = p.arg(Ty::new(Dt::F32, &[64, 10]));
    let reduce = |op| Kind::Reduce { op, first: 1, count: 1 };
    let rows = Ty::new(Dt::F32, &[64]);
    let whole = Ty::new(Dt::F32, &[64, 10]);
    let m = p.push(reduce(Fold::Max), &[Use::plain(x)], std::slice::from_ref(&rows));
    let column = View { strides: smallvec![1, 0], ..View::splat(&[64, 10]) };
    let mut body = Body::default();
    let (a, b) = (body.input(0, Dt::F32), body.input(1, Dt::F32));
    let d = body.bin(Op::Sub, Dt::F32, a, b);
    let e = body.un(Op::Math(M::Exp), Dt::F32, d);
    body.outs = vec![e];
    let u = p.through(m, column.clone());
    let e = p.push(Kind::Map(Arc::new(body)), &[Use::plain(x), u], std::slice::from_ref(&whole));
    let s = p.push(reduce(Fold::Sum), &[Use::plain(e)], &[rows]);
    let mut body = Body::default();
    let (a, b) = (body.input(0, Dt::F32), body.input(1, Dt::F32));
    let q = body.bin(Op::Div, Dt::F32, a, b);
    body.outs = vec![q];
    let u = p.through(s, column);
    let q = p.push(Kind::Map(Arc::new(body)), &[Use::plain(e), u], &[whole]);
    p.outs = vec![q];
    p.check().unwrap();
    let want = "\
program(%0: f32[64,10]) -> %4
  %1: f32[64] = reduce max dims=1..2 %0
  %2: f32[64,10] = map (%0, %1[i,0j]) { v2 = sub a b; v3 = exp v2; v3 }
  %3: f32[64] = reduce sum dims=1..2 %2
  %4: f32[64,10] = map (%2, %3[i,0j]) { div a b }
";
    assert_eq!(p.to_string(), want);
}

#[test]
fn every_kind() {
    let mut p = Program::default();
    let f = |dims: &[usize]| Ty::new(Dt::F32, dims);
    let x = p.arg(f(&[4, 3]));
    let i = p.arg(Ty::new(Dt::I32, &[2, 1]));
    let z = p.arg(Ty::new(Dt::C64, &[3]));
    p.args.push(Ty::new(Dt::Bool, &[]));
    let k = p.constant(Dt::I8, [0xff, 0]);
    p.constant(Dt::C64, [1.5f32.to_bits() as u64, 0]);
    p.constant(Dt::Bf16, [0x3fc0, 0]);
    let (ux, ui, uk) = (Use::plain(x), Use::plain(i), Use::plain(k));
    let padded = View {
        dims: smallvec![9, 3],
        offset: 2,
        strides: smallvec![3, -1],
        guards: smallvec![Guard { dim: 0, lo: 1, hi: 8, step: 2 }],
        fill: [(-0.5f32).to_bits() as u64, 0],
    };
    let up = p.through(x, padded);
    p.push(Kind::View, &[up], &[f(&[9, 3])]);
    p.push(Kind::Prefix { op: Fold::LogAddExp, dim: 1, reverse: true }, &[up], &[f(&[9, 3])]);
    p.push(Kind::ArgReduce { max: false, dim: 0 }, &[ux], &[Ty::new(Dt::I64, &[3])]);
    p.push(Kind::DynSlice, &[ux, uk, uk], &[f(&[2, 2])]);
    let corner = View { offset: 11, ..View::splat(&[]) };
    let corner = p.through(x, corner);
    let c = p.push(Kind::View, &[corner], &[f(&[])]);
    let one = p.through(c, View::splat(&[1, 1]));
    p.push(Kind::Update, &[ux, one, uk, uk], &[f(&[4, 3])]);
    p.push(Kind::Concat { dim: 0 }, &[ux, ux], &[f(&[8, 3])]);
    let left = p.through(x, View { strides: smallvec![0, 3, 1], ..View::splat(&[1, 4, 3]) });
    let right = p.through(x, View { strides: smallvec![0, 1, 3], ..View::splat(&[1, 3, 4]) });
    p.push(Kind::Dot(DotSpec::for_sizes(4, 64, Dt::F32)), &[left, right], &[f(&[1, 4, 4])]);
    let none = Dims::new;
    let gather = GatherSpec {
        below: 0,
        offset_dims: smallvec![1],
        collapsed_slice_dims: smallvec![0],
        start_index_map: smallvec![0],
        operand_batching_dims: none(),
        start_indices_batching_dims: none(),
        slice_sizes: smallvec![1, 3],
        bounds: Bounds::Fill,
        fill: [f32::NAN.to_bits() as u64, 0],
    };
    let g = p.push(Kind::Gather(Arc::new(gather)), &[ux, ui], &[f(&[2, 3])]);
    let scatter = ScatterSpec {
        below: 0,
        update_window_dims: smallvec![1],
        inserted_window_dims: smallvec![0],
        scatter_dims_to_operand_dims: smallvec![0],
        operand_batching_dims: none(),
        scatter_indices_batching_dims: none(),
        put: Put::Add,
        bounds: Bounds::Fill,
    };
    let s = p.push(Kind::Scatter(Arc::new(scatter)), &[ux, ui, Use::plain(g)], &[f(&[4, 3])]);
    let mut body = Body::default();
    let (re, im) = (body.input(0, Dt::F32), body.input(1, Dt::F32));
    let row = body.index(0, Dt::I32);
    let row = body.un(Op::Cast, Dt::F32, row);
    let half = body.num(Dt::F32, 0.5);
    let y = body.push(Op::MulAdd, Dt::F32, re, half, row);
    body.outs = vec![y, im, half];
    let part = |part| Use { part, ..Use::plain(z) };
    p.push(Kind::Map(Arc::new(body)), &[part(Part::Re), part(Part::Im)], &[Ty::new(Dt::C64, &[3]), f(&[3])]);
    static HALVES: Routine =
        Routine { name: "halves", check: |_, _, _| Ok(()), in_place: false, run: |_| unreachable!("never run") };
    let lib = Lib { routine: &HALVES, params: smallvec![1, -2], batch: 1 };
    p.push(Kind::Lib(Box::new(lib)), &[ux, ux], &[f(&[4]), f(&[4, 2])]);
    p.outs = vec![s, x];
    p.check().unwrap();
    let want = "\
program(%0: f32[4,3], %1: i32[2,1], %2: c64[3], _: bool[]) -> (%15, %0)
  %3: i8[] = const -1
  %4: c64[] = const (1.5, 0.0)
  %5: bf16[] = const 1.5
  %6: f32[9,3] = view %0[2+3(i-1)/2,-j | 1<=i<8 else -0.5]
  %7: f32[9,3] = prefix logaddexp dim=1 reverse %0[2+3(i-1)/2<9,-j<3 | 1<=i<8 else -0.5]
  %8: i64[3] = argmin dim=0 %0
  %9: f32[2,2] = dynslice %0 at (%3 %3)
  %10: f32[] = view %0[11]
  %11: f32[4,3] = update %0 with %10[0i<1,0j<1] at (%3 %3)
  %12: f32[8,3] = concat dim=0 %0 %0
  %13: f32[1,4,4] = dot chain f32 %0[0i<1,3j<4,k<3] %0[0i<1,j<3,3k<4]
  %14: f32[2,3] = gather offset=[1] collapsed=[0] map=[0] batching=[]x[] slices=[1,3] fill=NaN %0 %1
  %15: f32[4,3] = scatter add window=[1] inserted=[0] map=[0] batching=[]x[] drop %0 %1 %14
  %16: c64[3], %17: f32[3] = map (%2.re, %2.im) { v3 = cast:f32 index0:i32; v5 = muladd a 0.5:f32 v3; v5, b, 0.5:f32 }
  %18: f32[4], %19: f32[4,2] = lib halves [1,-2] batch=1 (%0, %0)
";
    assert_eq!(p.to_string(), want);
}

#[test]
fn a_broken_program_prints_too() {
    let mut p = Program::default();
    p.nodes.push(Node { kind: Kind::Update, uses: (7, u32::MAX), vals: (u32::MAX, u32::MAX) });
    let body = Body { ops: vec![Sop { op: Op::Add, dt: Dt::F32, a: 9, b: 0, c: 0 }], outs: vec![5] };
    p.uses.push(Use { val: 77, view: Some(3), part: Part::Im });
    p.nodes.push(Node { kind: Kind::Map(Arc::new(body)), uses: (0, 1), vals: (0, 0) });
    p.outs = vec![4];
    let want = "program() -> %4\n   = update  at ()\n   = map (%77[view 3?].im) { v0 = add v9 v0; v5 }\n";
    assert_eq!(p.to_string(), want);
    assert!(p.check().is_err());
}
