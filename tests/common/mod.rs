//! What several test files share: comparing arrays, bit for bit or nearly, and the words of errors.
#![allow(dead_code)]

use cotangent::prelude::*;
use cotangent::prim::testing::bytes;
use cotangent_cpu::buffer;

/// The elements as numbers; of complex ones first the real parts, then the imaginary ones.
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
fn types(a: &Array, b: &Array) -> Result<(), String> {
    let fits = (a.dtype(), a.shape()) == (b.dtype(), b.shape());
    if fits { Ok(()) } else { Err(format!("types {} and {}", a.aval(), b.aval())) }
}
/// The arrays as a message shows them.
fn shown(a: &Array, b: &Array) -> String {
    let text = |x: &Array| {
        let text = format!("{x:?}").split_whitespace().collect::<Vec<_>>().join(" ");
        if text.chars().count() > 300 { text.chars().take(300).chain("..".chars()).collect() } else { text }
    };
    format!("{} and {}", text(a), text(b))
}

/// Equal in element type, shape and every bit but those of NaNs.
pub fn equal(a: &Array, b: &Array) -> Result<(), String> {
    types(a, b)?;
    if bytes(a) == bytes(b) {
        return Ok(());
    }
    if a.dtype().is_inexact() {
        // wider floats hold narrower ones exactly
        let different = |(x, y): &(f64, f64)| x.to_bits() != y.to_bits() && !(x.is_nan() && y.is_nan());
        match numbers(a).into_iter().zip(numbers(b)).find(different) {
            Some((x, y)) => return Err(format!("not the same bits: {x:e} and {y:e} in {}", shown(a, b))),
            None => return Ok(()),
        }
    }
    Err(format!("not the same bits: {}", shown(a, b)))
}
/// Equal in element type and shape, and nearly in value: within `tolerance`, relative for numbers above 1.
pub fn near(a: &Array, b: &Array, tolerance: f64) -> Result<(), String> {
    types(a, b)?;
    for (x, y) in numbers(a).into_iter().zip(numbers(b)) {
        let near = (x - y).abs() <= tolerance * (1.0 + x.abs().max(y.abs()));
        if !(near || x == y || x.is_nan() && y.is_nan()) {
            return Err(format!("{x:e} and {y:e} differ by {:e} in {}", (x - y).abs(), shown(a, b)));
        }
    }
    Ok(())
}
/// Fails if they are not [`equal`].
#[track_caller]
pub fn same(what: &str, a: &Array, b: &Array) {
    equal(a, b).unwrap_or_else(|why| panic!("{what}: {why}"))
}
/// Fails if they are not [`near`].
#[track_caller]
pub fn close(what: &str, a: &Array, b: &Array, tolerance: f64) {
    near(a, b, tolerance).unwrap_or_else(|why| panic!("{what}: {why}"))
}

/// How near two results of this element type come that differ in the order of a few operations.
pub fn tolerance(t: DType) -> f64 {
    t.real_part().float_info().map_or(0.0, |f| (f.eps * 64.0).max(1e-12))
}
/// The sum of the products of the elements (of complex ones its real part), and of the products' absolute values.
pub fn inner(a: &Array, b: &Array) -> (f64, f64) {
    let (x, y) = (numbers(a), numbers(b));
    assert_eq!(x.len(), y.len(), "sizes of {} and {}", a.aval(), b.aval());
    let real = if a.dtype().is_complex() { x.len() / 2 } else { x.len() };
    x.iter().zip(&y).enumerate().fold((0.0, 0.0), |(sum, size), (k, (x, y))| {
        let product = if k < real { x * y } else { -x * y };
        (sum + product, size + product.abs())
    })
}

/// The element `i` of the first dimension.
pub fn nth(x: &Array, i: usize) -> Array {
    let (mut low, mut high) = (vec![0; x.ndim()], x.shape().to_vec());
    (low[0], high[0]) = (i, i + 1);
    cotangent::prim::squeeze(&cotangent::prim::slice(x, &low, &high, None), &[0])
}

/// `f` is told off: an error of this kind, which names the file of this call and contains these words. Afterwards everything works as before.
#[track_caller]
pub fn told<R>(kind: ErrorKind, words: &[&str], f: impl FnOnce() -> R) {
    let e = match catch(f) {
        Err(e) => e,
        Ok(_) => panic!("an error was expected"),
    };
    let text = e.to_string();
    assert_eq!(e.kind(), kind, "{text}");
    let file = std::panic::Location::caller().file();
    assert!(text.contains(&format!("{file}:")), "no line of the user's: {text}");
    for w in words {
        assert!(text.contains(w), "`{w}` is missing in: {text}");
    }
    assert_eq!(grad(|x: &Array| x * x)(&array(3.0)).to_f64(), 6.0);
}

/// Bytes that a run takes at its peak, as what is kept for reuse after it. What other tests of the same binary keep counts as well, where it is
/// in blocks of more than a megabyte: they should have none.
pub fn peak(run: impl Fn() -> Array + Sync) -> usize {
    std::thread::scope(|s| {
        let measured = s.spawn(|| {
            drop(run());
            buffer::trim();
            drop(run());
            let (thread, process) = buffer::held();
            thread + process
        });
        measured.join().expect("the run")
    })
}
