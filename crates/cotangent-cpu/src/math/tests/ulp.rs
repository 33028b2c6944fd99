//! The table of errors, which is `docs/ulp.md`: measured, gated, and compared with the document.

use super::reference::points;
use super::sample::{Rng, argument, error32, error64, exact};
use crate::M;
use crate::isa::isa;
use crate::math::{eval64, kernel32, kernel64};
use std::fmt::Write;
use std::path::Path;

/// A function, the greatest error of `f32` and `f64` here, and in XLA's CPU back end (jax 0.10.2).
struct Row(M, f64, f64, f64, f64);

/// Errors in units in the last place, rounded up to three digits.
const TABLE: &[Row] = &[
    Row(M::Exp, 3.62, 0.883, 3.62, 1.515),
    Row(M::Exp2, 1.294, 1.019, 67.864, 706.369),
    Row(M::Expm1, 5.248, 1.779, 5.248, 3.813),
    Row(M::Log, 1.144, 0.501, 1.144, 0.511),
    Row(M::Log1p, 2.381, 0.5, 2.381, 127.283),
    Row(M::Sin, 0.501, 0.501, 0.561, 0.513),
    Row(M::Cos, 0.501, 0.501, 0.561, 0.511),
    Row(M::Tan, 0.501, 0.501, 1.148, 0.546),
    Row(M::Asin, 0.5, 0.501, 2.148, 1.55),
    Row(M::Acos, 0.5, 0.501, 1.96, 1.095),
    Row(M::Atan, 0.5, 0.501, 0.836, 1.367),
    Row(M::Atan2, 0.501, 0.501, 1.404, 0.511),
    Row(M::Sinh, 0.5, 1.596, 24.464, 494.777),
    Row(M::Cosh, 0.5, 1.167, 24.464, 494.777),
    Row(M::Tanh, 4.462, 2.461, 4.462, 6.924),
    Row(M::Asinh, 0.5, 1.254, 3.025, 2.516),
    Row(M::Acosh, 0.5, 2.126, 3.831, 3.055),
    Row(M::Atanh, 0.5, 1.746, 2.801, 128.333),
    Row(M::Logistic, 2.464, 1.973, 2.464, 1.994),
    Row(M::Cbrt, 0.5, 0.502, 0.95, 3.024),
    Row(M::Pow, 0.501, 0.505, 0.558, 0.506),
    Row(M::Erf, 5.922, 0.687, 5.922, 0.884),
    Row(M::Erfc, 2.159, 3.689, 64.541, 63.134),
    Row(M::ErfInv, 64.733, 4.575, 64.733, 130224.268),
    Row(M::Lgamma, 0.5, 2.349, 2293555.907, 240661.102),
    Row(M::Digamma, 0.5, 2.819, 4383796.344, 1158569.683),
    Row(M::BesselI0e, 2.823, 2.247, 5.991, 6.174),
    Row(M::BesselI1e, 0.501, 1.853, 10.075, 6.609),
];

/// The greatest distance of an `f64` from the correctly rounded one that is allowed in the dense sample.
fn allowed(row: &Row) -> f64 {
    // An error of e may round to a distance of e + 1/2.
    (row.2 + 0.5).floor()
}

/// Sampled arguments.
fn arguments(m: M, n: usize, double: bool) -> (Vec<f64>, Vec<f64>) {
    let mut r = Rng(0x9e37_79b9_7f4a_7c15);
    (0..n).map(|k| argument(m, k, double, &mut r)).unzip()
}

/// The greatest error of an `f32` function in a dense sample.
fn measure32(m: M) -> f64 {
    let n = if m.arity() == 1 { 1_000_000 } else { 500_000 };
    let (a, b) = arguments(m, n, false);
    let a: Vec<f32> = a.into_iter().map(|x| x as f32).collect();
    let b: Vec<f32> = b.into_iter().map(|x| x as f32).collect();
    let mut y = vec![0.0; n];
    // SAFETY: the instruction set is available, and all three have n elements.
    unsafe { kernel32(m, isa())(y.as_mut_ptr(), a.as_ptr(), b.as_ptr(), n) };
    // Where core-math has no function, ours of `f64` is the reference; `measure64` compares that one with true values.
    let (wide_a, wide_b): (Vec<f64>, Vec<f64>) = a.iter().zip(&b).map(|(a, b)| (*a as f64, *b as f64)).unzip();
    let mut own = vec![0.0; n];
    // SAFETY: as above.
    unsafe { kernel64(m, isa())(own.as_mut_ptr(), wide_a.as_ptr(), wide_b.as_ptr(), n) };
    (0..n).map(|i| error32(y[i], exact(m, wide_a[i], wide_b[i]).unwrap_or(own[i]))).fold(0.0, f64::max)
}

/// The greatest error of an `f64` function at the reference points.
fn measure64(m: M) -> f64 {
    points().iter().filter(|p| p.m == m).map(|p| p.error(eval64(p.m, p.a, p.b))).fold(0.0, f64::max)
}

/// Three digits, upwards.
fn up(x: f64) -> f64 {
    (x * 1000.0).ceil() / 1000.0
}

/// Runs `f` on several threads for all functions, and returns the results in their order.
fn for_all<T: Send>(f: impl Fn(M) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get()).min(8);
    let mut out: Vec<(usize, T)> = std::thread::scope(|s| {
        let workers: Vec<_> = (0..threads)
            .map(|t| {
                let f = &f;
                s.spawn(move || (t..M::ALL.len()).step_by(threads).map(|i| (i, f(M::ALL[i]))).collect::<Vec<_>>())
            })
            .collect();
        workers.into_iter().flat_map(|w| w.join().unwrap()).collect()
    });
    out.sort_by_key(|(i, _)| *i);
    out.into_iter().map(|(_, x)| x).collect()
}

/// Writes the samples that `tools/ulp.py` reads into this folder: arguments, results and correctly rounded results of `f64`, at first
/// all, then only where the two differ; arguments and true values of `f32`.
fn dump(folder: &Path) {
    let write = |name: String, rows: Vec<Vec<f64>>| {
        let bytes: Vec<u8> = rows.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(folder.join(name + ".bin"), bytes).unwrap();
    };
    let n = 1_000_000;
    for_all(|m| {
        let (a, b) = arguments(m, n, true);
        let row = |k: usize| {
            let want = exact(m, a[k], b[k]);
            let y = eval64(m, a[k], b[k]);
            (k < 200_000 || want.is_some_and(|want| want != y)).then(|| vec![a[k], b[k], y, want.unwrap_or(y)])
        };
        write(format!("f64_{m:?}"), (0..n).filter_map(row).collect());
        let (a, b) = arguments(m, n, false);
        let row = |k: usize| {
            let (a, b) = (a[k] as f32 as f64, b[k] as f32 as f64);
            vec![a, b, exact(m, a, b).unwrap_or_else(|| eval64(m, a, b))]
        };
        write(format!("f32_{m:?}"), (0..n).map(row).collect());
    });
}

#[test]
fn the_table_is_what_is_measured() {
    if let Some(folder) = std::env::var_os("COTANGENT_DUMP") {
        dump(folder.as_ref());
    }
    let measured = for_all(|m| (up(measure32(m)), up(measure64(m))));
    let mut wrong = String::new();
    for (i, m) in M::ALL.into_iter().enumerate() {
        let (single, double) = measured[i];
        match TABLE.iter().find(|r| r.0 == m) {
            Some(r) if r.1 == single && r.2 == double => {}
            _ => writeln!(wrong, "    Row(M::{m:?}, {single:?}, {double:?}, ..),").unwrap(),
        }
    }
    assert!(wrong.is_empty(), "measured otherwise:\n{wrong}");
}

#[test]
fn f64_stays_near_the_correctly_rounded_result() {
    for_all(|m| {
        let row = TABLE.iter().find(|r| r.0 == m).unwrap();
        let n = 100_000;
        let (a, b) = arguments(m, n, true);
        for k in 0..n {
            if let Some(want) = exact(m, a[k], b[k]) {
                let e = error64(eval64(m, a[k], b[k]), want);
                assert!(
                    e <= allowed(row),
                    "{m:?}({:e}, {:e}) is {e} ulp from the correctly rounded result",
                    a[k],
                    b[k]
                );
            }
        }
    });
}

#[test]
fn nothing_is_worse_than_in_xla() {
    for Row(m, single, double, xla32, xla64) in TABLE {
        assert!(single <= xla32 && double <= xla64, "{m:?}");
    }
}

/// The document.
fn document() -> String {
    let mut s = String::from(
        "# Errors of the elementary functions\n\n\
         The greatest error found, in units in the last place of the true value, in a dense sample of arguments (0.5 is correct \
         rounding). A test\nmeasures the numbers of Cotangent in every run and compares them with this table. Those of XLA are of \
         jax 0.10.2 on a CPU with AVX-512,\nat the same arguments.\n\n\
         | function | f32 | XLA f32 | f64 | XLA f64 |\n|---|---|---|---|---|\n",
    );
    for Row(m, single, double, xla32, xla64) in TABLE {
        let name = format!("{m:?}").to_lowercase();
        let show = |x: &f64| if *x < 100.0 { format!("{x:.3}") } else { format!("{x:.0}") };
        let cells = [single, xla32, double, xla64].map(show).join(" | ");
        writeln!(s, "| {name} | {cells} |").unwrap();
    }
    s.push_str(
        "\nFor `f32`, exp, expm1, log, log1p, tanh, logistic, erf and erf_inv give the bits of XLA, so their errors are XLA's. \
         Those of exp beyond 1.0 are of arguments\nabove 88.37, where the result is about to overflow. Subnormal numbers, as \
         arguments and as results, are zero in programs, as in XLA, and not in the table.\n\n\
         Arguments of sin, cos and tan may be of any size. The table covers lgamma and digamma for positive arguments; for \
         negative ones, near\ntheir zeros, no relative error is promised. All functions give the same bits on every instruction \
         set, for one element and for many.\n",
    );
    s
}

#[test]
fn the_document_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ulp.md");
    if std::env::var_os("COTANGENT_BLESS").is_some() {
        std::fs::write(path, document()).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == document(), "docs/ulp.md is not the table; run this test once with COTANGENT_BLESS=1");
}
