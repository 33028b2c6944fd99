//! Orders of sums: trees, prefixes and products against recursions that are written without lanes, blocks or options.

use super::*;
use crate::reference::scalar;
use crate::{DotOrder, DotSpec, Fold, M, Op};

const SIZES: [usize; 13] = [1, 2, 3, 31, 63, 64, 65, 4095, 4096, 4097, 8192, 10000, 12289];

fn reduce(op: Fold) -> Kind {
    Kind::Reduce { op, first: 0, count: 1 }
}

/// The partial result of the lanes `i, i + h, i + 2h, ..` of one block of `x`, where a lane starts at -0.
fn lanes(x: &[f32], add: &dyn Fn(f32, f32) -> f32, i: usize, h: usize, w: usize, identity: f32) -> f32 {
    if h == w {
        return (i..x.len()).step_by(w).fold(identity, |s, k| add(s, x[k]));
    }
    add(lanes(x, add, i, 2 * h, w, identity), lanes(x, add, i + h, 2 * h, w, identity))
}

/// Levels of a binary counter: a carry is `earlier + later`; what is left over is joined from the lowest level.
fn counter(blocks: impl Iterator<Item = f32>, add: &dyn Fn(f32, f32) -> f32) -> f32 {
    let mut levels: Vec<Option<f32>> = vec![];
    for mut b in blocks {
        let mut l = 0;
        loop {
            if l == levels.len() {
                levels.push(None);
            }
            match levels[l].take() {
                Some(earlier) => b = add(earlier, b),
                None => break levels[l] = Some(b),
            }
            l += 1;
        }
    }
    levels.into_iter().flatten().reduce(|low, high| add(high, low)).unwrap()
}

fn tree(x: &[f32], add: &dyn Fn(f32, f32) -> f32, w: usize, identity: f32) -> f32 {
    let few = |b: &[f32]| b.iter().copied().reduce(add).filter(|_| b.len() <= 8);
    counter(x.chunks(4096).map(|b| few(b).unwrap_or_else(|| lanes(b, add, 0, 1, w, identity))), add)
}

#[test]
fn a_sum_is_its_tree() {
    let mut differs = 0;
    for n in SIZES {
        let x = rough(n);
        let got: Vec<f32> = apply(reduce(Fold::Sum), &[n], &x, &[]);
        equal(&got, &[tree(&x, &|a, b| a + b, 64, -0.0)]);
        differs += (got[0] != x.iter().sum::<f32>()) as u32;
    }
    assert!(differs > 5, "the order cannot be seen in these numbers");
}

#[test]
fn a_product_is_its_tree() {
    for n in SIZES {
        let x: Vec<f32> = rough(n).iter().map(|x| 1.0 + x / 100.0).collect();
        let got: Vec<f32> = apply(reduce(Fold::Prod), &[n], &x, &[]);
        equal(&got, &[tree(&x, &|a, b| a * b, 64, 1.0)]);
    }
}

#[test]
fn few_elements_by_hand() {
    // From left to right.
    let x = [1.0f32, 1e8, -1e8];
    assert_eq!(apply::<f32, f32>(reduce(Fold::Sum), &[3], &x, &[]), [(1.0 + 1e8) - 1e8]);
    assert_ne!((1.0f32 + 1e8) - 1e8, 1.0);
    // Nine are too many: halving joins 0 with 8 (h = 8) first.
    let mut x = [0.0f32; 9];
    (x[0], x[1], x[8]) = (1e8, 1.0, -1e8);
    assert_eq!(apply::<f32, f32>(reduce(Fold::Sum), &[9], &x, &[]), [1.0]);
}

/// Sums a large number at 0, `small` at `mid` and the large number's negative at `2 mid`.
fn cancel<T: Data + Clone>(zero: T, large: T, small: T, minus: T, mid: usize) -> T {
    let mut x = vec![zero; 2 * mid + 1];
    (x[0], x[mid], x[2 * mid]) = (large, small, minus);
    apply::<T, T>(reduce(Fold::Sum), &[2 * mid + 1], &x, &[]).remove(0)
}

#[test]
fn wider_elements_have_fewer_lanes() {
    // With `w` lanes, elements 0, w, 2w meet in one lane in this order, and the small one is lost;
    // elements 0 and w meet before w / 2 does, and it survives.
    for (mid, want) in [(64, 0.0), (32, 1.0)] {
        assert_eq!(cancel(0.0f32, 1e9, 1.0, -1e9, mid), want);
    }
    for (mid, want) in [(32, 0.0), (16, 1.0)] {
        assert_eq!(cancel(0.0f64, 1e18, 1.0, -1e18, mid), want);
        assert_eq!(cancel([0.0f32; 2], [1e9, 0.0], [1.0, 2.0], [-1e9, 0.0], mid), [want as f32, 2.0]);
    }
    for (mid, want) in [(16, 0.0), (8, 1.0)] {
        assert_eq!(cancel([0.0f64; 2], [1e18, 0.0], [1.0, 2.0], [-1e18, 0.0], mid), [want, 2.0]);
    }
}

#[test]
fn folds_of_nothing() {
    let none: [f32; 0] = [];
    let f = |op| apply::<f32, f32>(reduce(op), &[0], &none, &[]);
    equal(&f(Fold::Sum), &[0.0]);
    equal(&f(Fold::Prod), &[1.0]);
    equal(&f(Fold::Max), &[f32::NEG_INFINITY]);
    equal(&f(Fold::Min), &[f32::INFINITY]);
    let none: [i16; 0] = [];
    let f = |op| apply::<i16, i16>(reduce(op), &[0], &none, &[])[0];
    assert_eq!([f(Fold::Sum), f(Fold::Prod), f(Fold::Max), f(Fold::Min)], [0, 1, i16::MIN, i16::MAX]);
    assert_eq!([f(Fold::And), f(Fold::Or), f(Fold::Xor)], [-1, 0, 0]);
    let none: [u64; 0] = [];
    let f = |op| apply::<u64, u64>(reduce(op), &[0], &none, &[])[0];
    assert_eq!([f(Fold::Max), f(Fold::Min), f(Fold::And)], [0, u64::MAX, u64::MAX]);
    let none: [bool; 0] = [];
    let f = |op| apply::<bool, bool>(reduce(op), &[0], &none, &[])[0];
    assert_eq!(
        [f(Fold::And), f(Fold::Or), f(Fold::Xor), f(Fold::Max), f(Fold::Min)],
        [true, false, false, false, true]
    );
    let none: [[f32; 2]; 0] = [];
    assert_eq!(apply::<_, [f32; 2]>(reduce(Fold::Prod), &[0], &none, &[]), [[1.0, 0.0]]);
    let none: [half::f16; 0] = [];
    assert_eq!(apply::<_, half::f16>(reduce(Fold::Max), &[0], &none, &[]), [half::f16::NEG_INFINITY]);
    // Nothing in each of three lines.
    assert_eq!(apply::<i16, i16>(Kind::Reduce { op: Fold::Prod, first: 1, count: 1 }, &[3, 0], &[], &[3]), [1, 1, 1]);
}

#[test]
fn zeros_and_nans_in_folds() {
    let f = |op, x: &[f32]| apply::<f32, f32>(reduce(op), &[x.len()], x, &[]);
    // Only elements that exist take part: a sum of negative zeros is one.
    equal(&f(Fold::Sum, &[-0.0]), &[-0.0]);
    equal(&f(Fold::Sum, &[-0.0, -0.0, -0.0]), &[-0.0]);
    equal(&f(Fold::Sum, &[-0.0, 0.0]), &[0.0]);
    equal(&f(Fold::Max, &[-0.0, 0.0]), &[-0.0]);
    equal(&f(Fold::Max, &[0.0, -0.0]), &[0.0]);
    equal(&f(Fold::Min, &[0.0, -0.0]), &[0.0]);
    equal(&f(Fold::Max, &[1.0, f32::NAN, 2.0]), &[f32::NAN]);
    equal(&f(Fold::Min, &[f32::NAN, 1.0, 2.0]), &[f32::NAN]);
    equal(&f(Fold::Max, &[f32::NEG_INFINITY; 3]), &[f32::NEG_INFINITY]);
    // No absent lane multiplies an infinity by a zero.
    let x = [[f32::INFINITY, 1.0]];
    assert_eq!(apply::<_, [f32; 2]>(reduce(Fold::Prod), &[1], &x, &[]), x);
    let x = [[1.0f32, 2.0], [3.0, 4.0]];
    assert_eq!(apply::<_, [f32; 2]>(reduce(Fold::Prod), &[2], &x, &[]), [[3.0 - 8.0, 4.0 + 6.0]]);
}

#[test]
fn half_precision_is_summed_in_f32() {
    // 2049 and 120 000 are no f16, but the sum is rounded only at the end.
    let x = vec![half::f16::ONE; 4097];
    assert_eq!(apply::<_, half::f16>(reduce(Fold::Sum), &[4097], &x, &[])[0].to_f32(), 4096.0);
    let x = [60000.0, 60000.0, -60000.0, -59008.0].map(half::f16::from_f32);
    assert_eq!(apply::<_, half::f16>(reduce(Fold::Sum), &[4], &x, &[])[0].to_f32(), 992.0);
    // The lanes are those of f32.
    let y: Vec<half::bf16> = rough(5000).iter().map(|x| half::bf16::from_f32(*x)).collect();
    let wide: Vec<f32> = y.iter().map(|y| y.to_f32()).collect();
    let got: Vec<half::bf16> = apply(reduce(Fold::Sum), &[5000], &y, &[]);
    assert_eq!(got[0], half::bf16::from_f32(tree(&wide, &|a, b| a + b, 64, -0.0)));
}

#[test]
fn a_run_of_dimensions_is_folded_flat() {
    // [2, 3, 2, 2]: folding the middle pair leaves [2, 2].
    let x: Vec<i32> = (0..24).collect();
    let got: Vec<i32> = apply(Kind::Reduce { op: Fold::Sum, first: 1, count: 2 }, &[2, 3, 2, 2], &x, &[2, 2]);
    assert_eq!(got, [30, 36, 102, 108]);
    let x = rough(70 * 5 * 3);
    let got: Vec<f32> = apply(Kind::Reduce { op: Fold::Sum, first: 0, count: 2 }, &[70, 5, 3], &x, &[3]);
    for i in 0..3 {
        let column: Vec<f32> = x.iter().skip(i).step_by(3).copied().collect();
        equal(&got[i..i + 1], &[tree(&column, &|a, b| a + b, 64, -0.0)]);
    }
    let x = [-3i8, 100, 100];
    assert_eq!(apply::<i8, i8>(reduce(Fold::Sum), &[3], &x, &[]), [-59]);
    assert_eq!(apply::<i8, i8>(reduce(Fold::Xor), &[3], &x, &[]), [-3]);
    assert_eq!(apply::<i8, i8>(reduce(Fold::And), &[3], &x, &[]), [100]);
}

/// The first extreme.
#[test]
fn arg_reduce() {
    let f = |max, x: &[f32]| apply::<f32, i32>(Kind::ArgReduce { max, dim: 0 }, &[x.len()], x, &[])[0];
    assert_eq!(f(true, &[1.0, 3.0, 3.0, 2.0]), 1);
    assert_eq!(f(false, &[1.0, 3.0, 0.5, 0.5]), 2);
    assert_eq!(f(true, &[-0.0, 0.0]), 0);
    assert_eq!(f(false, &[0.0, -0.0]), 0);
    assert_eq!(f(true, &[f32::INFINITY, f32::NAN, f32::NAN]), 1);
    assert_eq!(f(false, &[f32::NEG_INFINITY, 0.0, f32::NAN]), 2);
    assert_eq!(f(true, &[f32::NEG_INFINITY; 2]), 0);
    // Columns; indices of another type, which wrap.
    let got: Vec<u8> = apply(Kind::ArgReduce { max: true, dim: 0 }, &[3, 2], &[1i64, 9, 5, 8, 5, 10], &[2]);
    assert_eq!(got, [1, 2]);
    let mut x = vec![0u32; 300];
    x[299] = 1;
    assert_eq!(apply::<_, i8>(Kind::ArgReduce { max: true, dim: 0 }, &[300], &x, &[]), [43]);
    assert_eq!(apply::<_, u64>(Kind::ArgReduce { max: true, dim: 0 }, &[3], &[false, true, true], &[]), [1]);
}

/// `v` after the shifts below `s`, at `j` of a group of 16 that begins at `g`.
fn shifted(x: &[f32], g: usize, j: usize, s: usize) -> f32 {
    if s == 1 {
        return x[g + j];
    }
    let h = s / 2;
    let v = shifted(x, g, j, h);
    if j >= h { shifted(x, g, j - h, h) + v } else { v }
}

#[test]
fn a_prefix_is_its_groups_and_blocks() {
    let mut differs = 0;
    for n in [1, 2, 3, 15, 16, 17, 100, 1023, 1024, 1025, 3000, 4097] {
        let x = rough(n);
        let mut want = vec![0.0f32; n];
        let mut off = -0.0;
        for block in (0..n).step_by(1024) {
            let end = n.min(block + 1024);
            let mut c = -0.0;
            for i in block..end {
                let (g, j) = (i / 16 * 16, i % 16);
                let p = c + shifted(&x, g, j, 16);
                want[i] = off + p;
                if j == 15 {
                    c = p;
                }
                if i + 1 == end {
                    off = want[i];
                }
            }
        }
        let kind = |reverse| Kind::Prefix { op: Fold::Sum, dim: 0, reverse };
        let got: Vec<f32> = apply(kind(false), &[n], &x, &[n]);
        equal(&got, &want);
        let mut s = -0.0;
        differs += x
            .iter()
            .zip(&got)
            .filter(|(x, g)| {
                s += **x;
                s != **g
            })
            .count();
        // From the end: the same on the reversed line.
        let back: Vec<f32> = x.iter().rev().copied().collect();
        let mut got: Vec<f32> = apply(kind(true), &[n], &back, &[n]);
        got.reverse();
        equal(&got, &want);
    }
    assert!(differs > 1000, "the order cannot be seen in these numbers");
}

#[test]
fn prefixes_by_hand() {
    let kind = |op, dim, reverse| Kind::Prefix { op, dim, reverse };
    let x = [1i32, 2, 3, 4, 5, 6];
    assert_eq!(apply::<i32, i32>(kind(Fold::Sum, 1, false), &[2, 3], &x, &[2, 3]), [1, 3, 6, 4, 9, 15]);
    assert_eq!(apply::<i32, i32>(kind(Fold::Sum, 0, true), &[2, 3], &x, &[2, 3]), [5, 7, 9, 4, 5, 6]);
    assert_eq!(apply::<i32, i32>(kind(Fold::Prod, 0, false), &[6], &x, &[6]), [1, 2, 6, 24, 120, 720]);
    let y = [2.0f32, 1.0, f32::NAN, 5.0];
    equal(&apply::<f32, f32>(kind(Fold::Max, 0, false), &[4], &y, &[4]), &[2.0, 2.0, f32::NAN, f32::NAN]);
    equal(&apply::<f32, f32>(kind(Fold::Min, 0, true), &[4], &y, &[4]), &[f32::NAN, f32::NAN, f32::NAN, 5.0]);
    equal(&apply::<f32, f32>(kind(Fold::Sum, 0, false), &[2], &[-0.0f32, -0.0], &[2]), &[-0.0, -0.0]);
    assert_eq!(apply::<f32, f32>(kind(Fold::Sum, 0, false), &[3, 0], &[], &[3, 0]), []);
    // Half precision: 2048 + 1 + 1 is kept in f32.
    let h = [2048.0, 1.0, 1.0].map(half::f16::from_f32);
    let got: Vec<half::f16> = apply(kind(Fold::Sum, 0, false), &[3], &h, &[3]);
    assert_eq!(got.iter().map(|x| x.to_f32()).collect::<Vec<_>>(), [2048.0, 2048.0, 2050.0]);
    let z = [[0.0f32, 1.0], [0.0, 1.0], [2.0, 0.0]];
    let got: Vec<[f32; 2]> = apply(kind(Fold::Prod, 0, false), &[3], &z, &[3]);
    assert_eq!(got, [[0.0, 1.0], [-1.0, 0.0], [-2.0, 0.0]]);
}

#[test]
fn log_add_exp_is_sequential() {
    let kind = Kind::Prefix { op: Fold::LogAddExp, dim: 0, reverse: false };
    let inf = f64::INFINITY;
    let f = |x: &[f64]| apply::<f64, f64>(kind.clone(), &[x.len()], x, &[x.len()]);
    assert_eq!(f(&[-inf, -inf, 1.0]), [-inf, -inf, 1.0]);
    assert_eq!(f(&[inf, inf, -inf]), [inf, inf, inf]);
    let got = f(&[1.0, f64::NAN, 1.0]);
    assert!(got[0] == 1.0 && got[1].is_nan() && got[2].is_nan());
    let got = f(&[0.0; 50]);
    for (i, y) in got.iter().enumerate() {
        assert!((y - ((i + 1) as f64).ln()).abs() < 1e-14, "{i}: {y}");
    }
    // One step is the formula.
    let (a, b) = (0.3f64, -1.7f64);
    let math = |m, x: f64| f64::from_bits(scalar(Op::Math(m), Dt::F64, Dt::F64, x.to_bits(), 0, 0));
    let want = a + math(M::Log1p, math(M::Exp, -(a - b)));
    assert_eq!(f(&[a, b])[1].to_bits(), want.to_bits());
}

fn dot<T: Data, R: Data>(acc: Dt, a: (&[usize], &[T]), b: (&[usize], &[T])) -> Vec<R> {
    let mut c = Case::default();
    let (x, y) = (c.arg(a.0, a.1), c.arg(b.0, b.1));
    let (k, n) = (b.0[1], b.0[2]);
    c.node(Kind::Dot(DotSpec::for_sizes(n, k, acc)), &[x, y], Ty::new(R::dt(), &[a.0[0], a.0[1], n]));
    c.run()
}

#[test]
fn a_long_product_with_one_column_is_a_tree_of_fmas() {
    for k in SIZES.into_iter().filter(|k| *k >= 64) {
        let (a, b) = (rough(2 * k), rough(3 * k));
        let b = &b[2 * k..];
        let got: Vec<f32> = dot(Dt::F32, (&[1, 2, k], &a), (&[1, k, 1], b));
        for i in 0..2 {
            let row = &a[i * k..(i + 1) * k];
            // The recursion over positions: a lane adds products, a join adds sums.
            fn lane(a: &[f32], b: &[f32], i: usize, h: usize) -> f32 {
                if h == 64 {
                    return (i..a.len()).step_by(64).fold(-0.0, |s, k| a[k].mul_add(b[k], s));
                }
                lane(a, b, i, 2 * h) + lane(a, b, i + h, 2 * h)
            }
            let blocks = row.chunks(4096).zip(b.chunks(4096)).map(|(a, b)| lane(a, b, 0, 1));
            equal(&got[i..i + 1], &[counter(blocks, &|a, b| a + b)]);
        }
    }
}

#[test]
fn a_product_is_its_chain() {
    for k in [1, 2, 255, 256, 257, 600, 16384, 16385, 50000] {
        let (a, b) = (rough(k), rough(3 * k));
        let b = &b[k..];
        let got: Vec<f32> = dot(Dt::F32, (&[1, 1, k], &a), (&[1, k, 2], b));
        for j in 0..2 {
            let chunk = |c: usize| (c * 256..k.min(c * 256 + 256)).fold(0.0f32, |s, q| a[q].mul_add(b[2 * q + j], s));
            let chunks: Vec<f32> = (0..k.div_ceil(256)).map(chunk).collect();
            let supers = chunks.chunks(64).map(|c| c[1..].iter().fold(c[0], |t, s| t + s));
            equal(&got[j..j + 1], &[counter(supers, &|a, b| a + b)]);
        }
    }
}

#[test]
fn products_by_hand() {
    // Two batches of [2, 3] by [3, 2].
    let a: Vec<i32> = (1..=12).collect();
    let b: Vec<i32> = (1..=12).map(|x| x - 6).collect();
    let got: Vec<i32> = dot(Dt::I32, (&[2, 2, 3], &a), (&[2, 3, 2], &b));
    assert_eq!(
        got,
        [-5 - 6 - 3, -4 - 4, -20 - 15 - 6, -16 - 10, 7 + 24 + 45, 14 + 32 + 54, 10 + 33 + 60, 20 + 44 + 72]
    );
    // Nothing to sum, of either order.
    equal(&dot::<f32, f32>(Dt::F32, (&[1, 2, 0], &[]), (&[1, 0, 1], &[])), &[0.0, 0.0]);
    equal(&dot::<f32, f32>(Dt::F32, (&[1, 1, 0], &[]), (&[1, 0, 2], &[])), &[0.0, 0.0]);
    // A chain begins at +0, a tree at the identity.
    equal(&dot::<f32, f32>(Dt::F32, (&[1, 1, 64], &[-0.0; 64]), (&[1, 64, 1], &[1.0; 64])), &[-0.0]);
    equal(&dot::<f32, f32>(Dt::F32, (&[1, 1, 1], &[-0.0]), (&[1, 1, 1], &[1.0])), &[0.0]);
    equal(&dot::<f32, f32>(Dt::F32, (&[1, 1, 1], &[-0.0]), (&[1, 1, 2], &[1.0, 1.0])), &[0.0, 0.0]);
    // Integers wrap; types may differ.
    assert_eq!(dot::<i8, i8>(Dt::I8, (&[1, 1, 2], &[100, 100]), (&[1, 2, 1], &[2, 1])), [44]);
    assert_eq!(dot::<i8, i32>(Dt::I32, (&[1, 1, 2], &[100, 100]), (&[1, 2, 1], &[2, 1])), [300]);
    assert_eq!(
        dot::<bool, bool>(Dt::Bool, (&[1, 2, 2], &[true, false, false, true]), (&[1, 2, 1], &[false, true])),
        [false, true]
    );
    // Half precision rounds once.
    let h = |x: &[f32]| x.iter().map(|x| half::f16::from_f32(*x)).collect::<Vec<_>>();
    let got: Vec<half::f16> =
        dot(Dt::F32, (&[1, 1, 3], &h(&[300.0, 300.0, 1.0])), (&[1, 3, 1], &h(&[300.0, -300.0, 7.0])));
    assert_eq!(got[0].to_f32(), 7.0);
    // Complex numbers: (1 + 2i)(3 + 4i) + (0 + i)(0 + i).
    let a = [[1.0f32, 2.0], [0.0, 1.0]];
    let b = [[3.0f32, 4.0], [0.0, 1.0]];
    assert_eq!(dot::<_, [f32; 2]>(Dt::C64, (&[1, 1, 2], &a), (&[1, 2, 1], &b)), [[3.0 - 8.0 - 1.0, 10.0]]);
    // The order of the four products.
    let e = f32::EPSILON;
    let a = [[1.0 + e, 1.0f32]];
    let got: Vec<[f32; 2]> = dot(Dt::C64, (&[1, 1, 1], &a), (&[1, 1, 2], &[[1.0 + e, 1.0 + e], [1.0 + e, 1.0]]));
    let re = (-1.0f32).mul_add(1.0 + e, (1.0 + e).mul_add(1.0 + e, 0.0));
    let im = 1.0f32.mul_add(1.0 + e, (1.0 + e).mul_add(1.0 + e, 0.0));
    assert_eq!(got[0], [re, im]);
    assert_eq!(DotSpec::for_sizes(1, 64, Dt::F32).order, DotOrder::Tree);
    assert_eq!(DotSpec::for_sizes(1, 63, Dt::F32).order, DotOrder::Chain);
}
