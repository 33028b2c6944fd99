//! What several test files share: the promises that every primitive keeps, run over its samples.
#![allow(dead_code)]

use cotangent::prelude::*;
use cotangent::prim::Case;
use cotangent::{jvp, vjp, vmap_axes};

/// Runs every sample of a family of primitives through every promise.
pub fn check_family(family: &str) {
    let all = cotangent::prim::cases();
    let (_, cases) = all.into_iter().find(|(f, _)| *f == family).expect("a family of this name");
    assert!(!cases.is_empty(), "{family} has samples");
    for case in &cases {
        check_case(family, case)
    }
}

/// The elements as numbers; of complex ones both parts.
pub fn numbers(x: &Array) -> Vec<f64> {
    match x.dtype() {
        DType::Complex64 | DType::Complex128 => {
            let (re, im) = (cotangent::prim::real(x), cotangent::prim::imag(x));
            numbers(&re).into_iter().chain(numbers(&im)).collect()
        }
        DType::Key => numbers(&cotangent::prim::bitcast_convert_type(x, DType::Uint32)),
        DType::Float0 => vec![],
        _ => x.astype(DType::Float64).to_vec::<f64>(),
    }
}
/// Equal in type, shape and every bit but those of NaNs.
pub fn same(what: &str, a: &Array, b: &Array) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{what}");
    let bits = |x: &Array| numbers(x).into_iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect();
    let (p, q): (Vec<u64>, Vec<u64>) = (bits(a), bits(b));
    assert!(p == q, "{what}:\n{a:?}\n{b:?}");
}
/// Equal in type and shape, and nearly in value.
pub fn close(what: &str, a: &Array, b: &Array, tolerance: f64) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{what}");
    for (x, y) in numbers(a).into_iter().zip(numbers(b)) {
        let near = (x - y).abs() <= tolerance * (1.0 + x.abs().max(y.abs()));
        assert!(near || x == y || x.is_nan() && y.is_nan(), "{what}: {x} against {y}\n{a:?}\n{b:?}");
    }
}

fn check_case(family: &str, case: &Case) {
    let what = format!("{family}, {}", case.name);
    let f = |x: &Vec<Array>| (case.run)(x);
    let y = f(&case.args);
    let again = jit(f)(&case.args);
    for (a, b) in y.iter().zip(&again) {
        same(&format!("{what}: jit"), a, b)
    }
    lanes(&what, case, &y);
    derivatives(&what, case);
}

/// All lanes at once are each lane alone.
fn lanes(what: &str, case: &Case, y: &[Array]) {
    let n = case.args.len();
    let masks: Vec<Vec<bool>> =
        (0..n).map(|i| (0..n).map(|k| k == i).collect()).chain((n > 1).then(|| vec![true; n])).collect();
    for mask in masks {
        // lanes lie last, so that a rule that forgets to move them is found
        let lane = |x: &Array, l: usize| {
            if x.dtype().is_inexact() { x * (1.0 + l as f64 * 0.5) } else { x.clone() }
        };
        let x: Vec<Array> = case
            .args
            .iter()
            .zip(&mask)
            .map(|(x, m)| {
                if !*m {
                    return x.clone();
                }
                let mut shape = x.shape().to_vec();
                shape.push(1);
                let each: Vec<Array> = (0..3).map(|l| lane(x, l).reshape(&shape)).collect();
                joined(&each)
            })
            .collect();
        let axes: Vec<Option<i32>> = mask.iter().map(|m| m.then_some(-1)).collect();
        let all = vmap_axes(
            |x: &Vec<Array>| (case.run)(x),
            (by_leaf(move |path| {
                let i: usize = path.chars().filter(|c| c.is_ascii_digit()).collect::<String>().parse().unwrap_or(0);
                axes[i]
            }),),
            0,
        )(&x);
        assert_eq!(all.len(), y.len(), "{what}");
        for l in 0..3 {
            let args: Vec<Array> =
                case.args.iter().zip(&mask).map(|(x, m)| if *m { lane(x, l) } else { x.clone() }).collect();
            for (k, alone) in (case.run)(&args).iter().enumerate() {
                close(&format!("{what}: lane {l} of {mask:?}, result {k}"), &nth(&all[k], l), alone, 1e-12)
            }
        }
    }
}
/// The arrays side by side along their last dimension, of extent 1.
pub fn joined(each: &[Array]) -> Array {
    let mut shape = each[0].shape().to_vec();
    *shape.last_mut().expect("a dimension") = each.len();
    let size = each[0].size();
    let index: Vec<usize> = (0..size * each.len()).collect();
    macro_rules! of { ($($d:ident $t:ty),*) => { match each[0].dtype() {
        $(DType::$d => {
            let data: Vec<Vec<$t>> = each.iter().map(|x| x.to_vec::<$t>()).collect();
            let all: Vec<$t> = index.iter().map(|i| data[i % each.len()][i / each.len()]).collect();
            Array::from_slice(&all, &shape)
        })*
        t => panic!("lanes of {t}"),
    } } }
    of!(Bool bool, Int8 i8, Int32 i32, Int64 i64, Uint8 u8, Uint32 u32, Uint64 u64, Float32 f32, Float64 f64)
}
/// The element `i` of the first dimension.
pub fn nth(x: &Array, i: usize) -> Array {
    let (mut low, mut high) = (vec![0; x.ndim()], x.shape().to_vec());
    (low[0], high[0]) = (i, i + 1);
    cotangent::prim::squeeze(&cotangent::prim::slice(x, &low, &high, None), &[0])
}

/// The derivative is that of differences, and backwards it is the transpose of that forwards.
fn derivatives(what: &str, case: &Case) {
    let at: Vec<usize> = (0..case.args.len()).filter(|i| case.args[*i].dtype() == DType::Float64).collect();
    if at.is_empty() {
        return;
    }
    // only results that are float64 move smoothly
    let f = |x: &Vec<Array>| -> Vec<Array> {
        let mut args = case.args.clone();
        for (i, x) in at.iter().zip(x) {
            args[*i] = x.clone()
        }
        (case.run)(&args).into_iter().filter(|y| y.dtype() == DType::Float64).collect()
    };
    let x: Vec<Array> = at.iter().map(|i| case.args[*i].clone()).collect();
    let direction = |x: &Array, seed: usize| {
        let data: Vec<f64> = (0..x.size()).map(|i| ((i * 5 + seed * 3 + 1) % 7) as f64 * 0.5 - 1.25).collect();
        Array::from_slice(&data, x.shape())
    };
    let t: Vec<Array> = x.iter().enumerate().map(|(i, x)| direction(x, i)).collect();
    let (y, dy) = jvp(f, (&x,), (&t,));
    let h = 1e-6;
    let moved = |s: f64| f(&x.iter().zip(&t).map(|(x, t)| x + t * s).collect());
    let (up, down) = (moved(h), moved(-h));
    for k in 0..y.len() {
        let slope = (&up[k] - &down[k]) / (2.0 * h);
        close(&format!("{what}: derivative of result {k}"), &dy[k], &slope, 1e-7)
    }
    let ct: Vec<Array> = y.iter().enumerate().map(|(i, y)| direction(y, i + 2)).collect();
    let (_, back) = vjp(f, (&x,));
    let (dx,) = back.call(&ct);
    let dot = |a: &[Array], b: &[Array]| a.iter().zip(b).map(|(a, b)| (a * b).sum().to_f64()).sum::<f64>();
    let (forwards, backwards) = (dot(&dy, &ct), dot(&t, &dx));
    assert!((forwards - backwards).abs() <= 1e-10 * (1.0 + forwards.abs()), "{what}: {forwards} against {backwards}");
}
