//! Maps, views and the other nodes that only move elements.

use super::*;
use crate::{Body, Guard, Op, Part, View};
use smallvec::smallvec;
use std::sync::Arc;

fn view(dims: &[usize], offset: i64, strides: &[i64]) -> View {
    View { offset, strides: strides.into(), ..View::splat(dims) }
}

fn through<T: Data>(dims: &[usize], x: &[T], v: View) -> Vec<T> {
    let mut c = Case::default();
    let a = c.arg(dims, x);
    let r = c.p.view(a, v);
    c.p.outs = vec![r];
    c.run()
}

#[test]
fn views() {
    let x: Vec<i32> = (0..6).collect();
    assert_eq!(through(&[2, 3], &x, view(&[3, 2], 0, &[1, 3])), [0, 3, 1, 4, 2, 5]);
    assert_eq!(through(&[2, 3], &x, view(&[2, 3], 5, &[-3, -1])), [5, 4, 3, 2, 1, 0]);
    assert_eq!(through(&[2, 3], &x, view(&[2, 2], 1, &[3, 0])), [1, 1, 4, 4]);
    assert_eq!(through(&[2, 3], &x, view(&[3], 0, &[2])), [0, 2, 4]);
    assert_eq!(through(&[2, 3], &x, View::splat(&[])), [0]);
    assert_eq!(through::<i32>(&[0], &[], view(&[2, 0], 0, &[1, 1])), []);
    assert_eq!(through(&[2, 3], &x, View::identity(&[2, 3])), x);
    assert_eq!(through(&[2, 3], &x, View::identity(&[6])), x);
}

#[test]
fn guards() {
    let x = [10i32, 20, 30];
    let guarded = |n, offset, lo, hi, step| View {
        guards: smallvec![Guard { dim: 0, lo, hi, step }],
        fill: [7, 0],
        ..view(&[n], offset, &[1])
    };
    // Two in front, one behind.
    assert_eq!(through(&[3], &x, guarded(6, 0, 2, 5, 1)), [7, 7, 10, 20, 30, 7]);
    // Interior padding.
    assert_eq!(through(&[3], &x, guarded(7, 0, 1, 6, 2)), [7, 10, 7, 20, 7, 30, 7]);
    // A negative lower bound: the reader's 0 is two steps behind it. The upper one is beyond the extent.
    assert_eq!(through(&[3], &x, guarded(4, 0, -2, 100, 2)), [20, 7, 30, 7]);
    // Around, from some elements in front, and more than once.
    assert_eq!(through(&[3], &x, guarded(3, 0, 1, 4, Guard::AROUND)), [30, 10, 20]);
    assert_eq!(through(&[3], &x, guarded(7, 1, -5, -3, Guard::AROUND)), [30, 20, 30, 20, 30, 20, 30]);
    // Nothing inside at all, not even of an empty operand.
    assert_eq!(through::<i32>(&[0], &[], guarded(2, 0, 5, 5, 1)), [7, 7]);
    // Complex numbers have two words of fill.
    let v = View { fill: [1.0f32.to_bits() as u64, 2.0f32.to_bits() as u64], ..guarded(2, 0, 1, 2, 1) };
    assert_eq!(through(&[1], &[[5.0f32, 6.0]], v), [[1.0, 2.0], [5.0, 6.0]]);
    // Two guarded dimensions.
    let v = View {
        guards: smallvec![Guard { dim: 0, lo: 0, hi: 1, step: 1 }, Guard { dim: 1, lo: 1, hi: 2, step: 1 }],
        ..view(&[2, 3], 0, &[1, 1])
    };
    assert_eq!(through(&[1], &[9u8], v), [0, 9, 0, 0, 0, 0]);
}

#[test]
fn a_map_of_several_operands_and_results() {
    let mut c = Case::default();
    let a = c.arg(&[2, 3], &[1i32, 2, 3, 4, 5, 6]);
    let b = c.arg(&[3], &[10i32, 20, 30]);
    let mut body = Body::default();
    let (x, y) = (body.input(0, Dt::I32), body.input(1, Dt::I32));
    let s = body.bin(Op::Add, Dt::I32, x, y);
    let row = body.index(0, Dt::I32);
    let three = body.num(Dt::I32, 3.0);
    let less = body.cmp(Op::Lt, x, three);
    let picked = body.select(Dt::I32, less, s, row);
    body.outs = vec![picked, less];
    let by_column = c.p.through(b, view(&[2, 3], 0, &[0, 1]));
    let tys = [Ty::new(Dt::I32, &[2, 3]), Ty::new(Dt::Bool, &[2, 3])];
    let r = c.p.push(Kind::Map(Arc::new(body)), &[Use::plain(a), by_column], &tys);
    c.p.outs = vec![r];
    assert_eq!(c.run::<i32>(), [11, 22, 0, 1, 1, 1]);
    c.p.outs = vec![r + 1];
    assert_eq!(c.run::<bool>(), [true, true, false, false, false, false]);
    // A result may be named twice, and an argument may be one.
    c.p.outs = vec![b, r, r];
    let outs = evaluate(&c.p, &c.args).unwrap();
    assert_eq!(unpack::<i32>(&outs[0]), [10, 20, 30]);
    assert_eq!(outs[1], outs[2]);
}

#[test]
fn a_map_on_the_parts_of_complex_numbers() {
    // Multiplication by i, and the real part of what is outside a guard.
    let mut c = Case::default();
    let z = c.arg(&[2], &[[1.0f32, 2.0], [3.0, 4.0]]);
    let v = View {
        guards: smallvec![Guard { dim: 0, lo: 0, hi: 2, step: 1 }],
        fill: [8.0f32.to_bits() as u64, 9.0f32.to_bits() as u64],
        ..view(&[3], 0, &[1])
    };
    let u = c.p.through(z, v);
    let mut body = Body::default();
    let (re, im) = (body.input(0, Dt::F32), body.input(1, Dt::F32));
    let minus = body.un(Op::Neg, Dt::F32, im);
    body.outs = vec![minus, re];
    let uses = [Use { part: Part::Re, ..u }, Use { part: Part::Im, ..u }];
    let r = c.p.push(Kind::Map(Arc::new(body)), &uses, &[Ty::new(Dt::C64, &[3])]);
    c.p.outs = vec![r];
    assert_eq!(c.run::<[f32; 2]>(), [[-2.0, 1.0], [-4.0, 3.0], [-9.0, 8.0]]);
}

#[test]
fn half_precision_is_rounded_after_every_operation() {
    // (2048 + 1) + 1: each sum falls back to 2048 in f16, where f32 would reach 2050.
    let mut c = Case::default();
    let a = c.arg(&[1], &[half::f16::from_f32(2048.0)]);
    let mut body = Body::default();
    let x = body.input(0, Dt::F16);
    let one = body.num(Dt::F16, 1.0);
    let s = body.bin(Op::Add, Dt::F16, x, one);
    let s = body.bin(Op::Add, Dt::F16, s, one);
    body.outs = vec![s];
    c.node(Kind::Map(Arc::new(body)), &[a], Ty::new(Dt::F16, &[1]));
    assert_eq!(c.run::<half::f16>()[0].to_f32(), 2048.0);
}

#[test]
fn constants_and_indices() {
    let mut c = Case::default();
    let k = c.p.constant(Dt::C64, [1.0f32.to_bits() as u64, 2.0f32.to_bits() as u64]);
    c.p.outs = vec![k];
    assert_eq!(c.run::<[f32; 2]>(), [[1.0, 2.0]]);
    // An index wraps to its type.
    let mut body = Body::default();
    let i = body.index(1, Dt::I8);
    body.outs = vec![i];
    c.node(Kind::Map(Arc::new(body)), &[], Ty::new(Dt::I8, &[1, 130]));
    assert_eq!(c.run::<i8>()[126..], [126, 127, -128, -127]);
}

#[test]
fn concatenation() {
    let mut c = Case::default();
    let a = c.arg(&[2, 1], &[1u8, 2]);
    let b = c.arg(&[2, 2], &[3u8, 4, 5, 6]);
    let e = c.arg::<u8>(&[2, 0], &[]);
    c.node(Kind::Concat { dim: 1 }, &[a, e, b, a], Ty::new(Dt::U8, &[2, 4]));
    assert_eq!(c.run::<u8>(), [1, 3, 4, 1, 2, 5, 6, 2]);
    c.node(Kind::Concat { dim: 0 }, &[b, b], Ty::new(Dt::U8, &[4, 2]));
    assert_eq!(c.run::<u8>(), [3, 4, 5, 6, 3, 4, 5, 6]);
}

#[test]
fn pieces_at_positions_are_clamped() {
    let mut c = Case::default();
    let a = c.arg(&[2, 4], &[0i16, 1, 2, 3, 10, 11, 12, 13]);
    let (zero, far, minus) = (c.arg(&[], &[0i64]), c.arg(&[], &[u64::MAX]), c.arg(&[], &[-1i8]));
    let ty = Ty::new(Dt::I16, &[1, 2]);
    c.node(Kind::DynSlice, &[a, far, minus], ty.clone());
    assert_eq!(c.run::<i16>(), [10, 11]);
    c.node(Kind::DynSlice, &[a, zero, far], ty);
    assert_eq!(c.run::<i16>(), [2, 3]);
    let piece = c.arg(&[2, 1], &[77i16, 88]);
    c.node(Kind::Update, &[a, piece, far, far], Ty::new(Dt::I16, &[2, 4]));
    assert_eq!(c.run::<i16>(), [0, 1, 2, 77, 10, 11, 12, 88]);
    let nothing = c.arg::<i16>(&[0, 4], &[]);
    c.node(Kind::Update, &[a, nothing, far, far], Ty::new(Dt::I16, &[2, 4]));
    assert_eq!(c.run::<i16>(), [0, 1, 2, 3, 10, 11, 12, 13]);
}

#[test]
fn arguments_are_checked() {
    let mut c = Case::default();
    c.arg(&[2], &[1.0f32, 2.0]);
    assert!(evaluate(&c.p, &[]).unwrap_err().contains("0 arguments for 1"));
    assert!(evaluate(&c.p, &[vec![0; 7]]).unwrap_err().contains("7 bytes, f32[2] has 8"));
    let mut c = Case::default();
    c.arg(&[1], &[true]);
    assert!(evaluate(&c.p, &[vec![2]]).unwrap_err().contains("truth value"));
}
