//! Against values of high precision, and at the points where a formula breaks.

use crate::{Body, Dt, Kind, Part, Program, Ty, Use, reference};
use std::sync::Arc;

type Unary = fn(&mut Body, Dt, (u32, u32)) -> (u32, u32);
type Binary = fn(&mut Body, Dt, (u32, u32), (u32, u32)) -> (u32, u32);
enum Function {
    One(Unary),
    Two(Binary),
}
use Function::{One, Two};

/// Every function of this module. The absolute value has an imaginary part of zero here.
fn function(name: &str) -> Function {
    use super::*;
    match name {
        "abs" => One(|b, dt, z| {
            let r = abs(b, dt, z);
            (r, b.num(dt, 0.0))
        }),
        "sign" => One(sign),
        "sqrt" => One(sqrt),
        "rsqrt" => One(rsqrt),
        "exp" => One(exp),
        "exp2" => One(exp2),
        "expm1" => One(expm1),
        "logistic" => One(logistic),
        "sin" => One(sin),
        "cos" => One(cos),
        "tan" => One(tan),
        "sinh" => One(sinh),
        "cosh" => One(cosh),
        "tanh" => One(tanh),
        "log" => One(log),
        "log1p" => One(log1p),
        "asin" => One(asin),
        "acos" => One(acos),
        "atan" => One(atan),
        "asinh" => One(asinh),
        "acosh" => One(acosh),
        "atanh" => One(atanh),
        "mul" => Two(mul),
        "div" => Two(div),
        "pow" => Two(pow),
        _ => panic!("no function {name}"),
    }
}

/// A complex number in double precision; one of single precision is exact in it.
type Z = [f64; 2];

/// The function at each row of operands, by the reference evaluator.
fn apply(name: &str, dt: Dt, rows: &[Vec<Z>]) -> Vec<Z> {
    let (part, function) = (dt.part(), function(name));
    let operands = if matches!(function, One(_)) { 1 } else { 2 };
    let ty = Ty::new(dt, &[rows.len()]);
    let (mut p, mut body, mut uses, mut args) = (Program::default(), Body::default(), Vec::new(), Vec::new());
    let mut zs = Vec::new();
    for k in 0..operands {
        let val = p.arg(ty.clone());
        uses.extend([Part::Re, Part::Im].map(|part| Use { part, ..Use::plain(val) }));
        zs.push((body.input(2 * k, part), body.input(2 * k + 1, part)));
        let numbers = rows.iter().flat_map(|row| row[k as usize]);
        args.push(match part {
            Dt::F32 => numbers.flat_map(|x| (x as f32).to_le_bytes()).collect(),
            _ => numbers.flat_map(f64::to_le_bytes).collect::<Vec<u8>>(),
        });
    }
    let (re, im) = match function {
        One(f) => f(&mut body, part, zs[0]),
        Two(f) => f(&mut body, part, zs[0], zs[1]),
    };
    body.outs = vec![re, im];
    let out = p.push(Kind::Map(Arc::new(body)), &uses, &[ty]);
    p.outs.push(out);
    let bytes = reference::evaluate(&p, &args).unwrap().remove(0);
    let number = |b: &[u8]| match part {
        Dt::F32 => f32::from_le_bytes(b.try_into().unwrap()) as f64,
        _ => f64::from_le_bytes(b.try_into().unwrap()),
    };
    bytes.chunks(dt.size()).map(|z| [number(&z[..part.size()]), number(&z[part.size()..])]).collect()
}

/// A line of a table: function, type, operands, value; the numbers as bits.
fn parse(line: &str) -> (&str, Dt, Vec<Z>, Z) {
    let mut words = line.split(' ');
    let name = words.next().unwrap();
    let dt = if words.next() == Some("c64") { Dt::C64 } else { Dt::C128 };
    let number = |w: &str| match dt {
        Dt::C64 => f32::from_bits(u32::from_str_radix(w, 16).unwrap()) as f64,
        _ => f64::from_bits(u64::from_str_radix(w, 16).unwrap()),
    };
    let numbers: Vec<f64> = words.map(number).collect();
    let mut zs: Vec<Z> = numbers.chunks(2).map(|z| [z[0], z[1]]).collect();
    let value = zs.pop().unwrap();
    (name, dt, zs, value)
}

/// The lines of a table but for its comments, by function and type.
fn groups(text: &str) -> Vec<(&str, Dt, Vec<(Vec<Z>, Z)>)> {
    let mut groups: Vec<(&str, Dt, Vec<(Vec<Z>, Z)>)> = Vec::new();
    for (name, dt, zs, value) in text.lines().filter(|l| !l.starts_with('#')).map(parse) {
        match groups.last_mut() {
            Some((n, t, rows)) if *n == name && *t == dt => rows.push((zs, value)),
            _ => groups.push((name, dt, vec![(zs, value)])),
        }
    }
    groups
}

/// |a - b| / |b| in units of the last place, and that number's largest value; numbers near the ends of the range are scaled.
/// Below the normal numbers the error is measured by the least of these.
fn error(dt: Dt, a: Z, b: Z) -> f64 {
    let (eps, least) = match dt {
        Dt::C64 => (f32::EPSILON as f64, f32::MIN_POSITIVE as f64),
        _ => (f64::EPSILON, f64::MIN_POSITIVE),
    };
    let m = b[0].abs().max(b[1].abs()).max(least);
    (a[0] / m - b[0] / m).hypot(a[1] / m - b[1] / m) / (b[0] / m).hypot(b[1] / m).max(least / m) / eps
}

#[test]
fn values_of_high_precision() {
    let mut functions = 0;
    for (name, dt, rows) in groups(include_str!("../../tests/data/complex_values.txt")) {
        functions += 1;
        let operands: Vec<_> = rows.iter().map(|r| r.0.clone()).collect();
        let lost = |x: &f64| {
            let least = if dt == Dt::C64 { f32::MIN_POSITIVE as f64 } else { f64::MIN_POSITIVE };
            *x != 0.0 && x.abs() < least
        };
        for (got, (zs, want)) in apply(name, dt, &operands).into_iter().zip(&rows) {
            // Subnormal operands are zeros: see `crate::float`. What the function is there is another row.
            if zs.iter().flatten().any(lost) {
                continue;
            }
            let bound = match (name, &zs[..]) {
                // A relative error of z times w, and one of w log z, are relative errors of the result.
                ("pow", [z, w]) => {
                    let log = z[0].hypot(z[1]).ln().hypot(std::f64::consts::PI);
                    4.0 + 2.0 * w[0].hypot(w[1]) * (1.0 + log)
                }
                _ => 4.0,
            };
            let e = error(dt, got, *want);
            assert!(e <= bound, "{name} {dt} {zs:?}: {got:?}, not {want:?}: {e} units");
        }
    }
    assert_eq!(functions, 50, "every function in both types");
}

/// Equal but for rounding: the same zeros with their signs, infinities and NaNs.
fn alike(dt: Dt, got: Z, want: Z) -> bool {
    let part = |g: f64, w: f64| match w {
        w if w.is_nan() => g.is_nan(),
        w if w == 0.0 || w.is_infinite() => g.to_bits() == w.to_bits(),
        _ => g.is_finite() && g != 0.0,
    };
    let finite = |z: Z| z.map(|x| if x.is_finite() { x } else { 0.0 });
    part(got[0], want[0]) && part(got[1], want[1]) && error(dt, finite(got), finite(want)) <= 4.0
}

/// Each line: function, operands, the value; if JAX gives another one, "jax" and that.
#[test]
fn zeros_infinities_and_nans() {
    let text = include_str!("../../tests/data/complex_special.txt");
    let mut lines = 0;
    for group in text.lines().filter(|l| !l.starts_with('#')).collect::<Vec<_>>().chunk_by(|a, b| {
        let name = |l: &str| l.split(' ').next().map(str::to_string);
        name(a) == name(b)
    }) {
        let name = group[0].split(' ').next().unwrap();
        let rows: Vec<Vec<Z>> = group
            .iter()
            .map(|l| {
                let ours = l.split(" jax ").next().unwrap();
                let numbers: Vec<f64> = ours.split(' ').skip(1).map(|w| w.parse().unwrap()).collect();
                numbers.chunks(2).map(|z| [z[0], z[1]]).collect()
            })
            .collect();
        let operands: Vec<_> = rows.iter().map(|r| r[..r.len() - 1].to_vec()).collect();
        for dt in [Dt::C64, Dt::C128] {
            for (got, row) in apply(name, dt, &operands).into_iter().zip(&rows) {
                let want = row[row.len() - 1];
                // The sign of a power that vanishes may hang on the rounding of its angle.
                let (got, want) =
                    if name == "pow" { (got.map(|x| x + 0.0), want.map(|x| x + 0.0)) } else { (got, want) };
                assert!(alike(dt, got, want), "{name} {dt} {row:?}: {got:?}");
                lines += 1;
            }
        }
    }
    assert!(lines > 1000, "{lines} lines");
}

#[test]
fn a_product_is_rounded_at_each_operation() {
    let (z, w) = ([0.1f32, 0.7], [1.3f32, -0.9]);
    let expected = [z[0] * w[0] - z[1] * w[1], z[0] * w[1] + z[1] * w[0]];
    let wide = |z: [f32; 2]| z.map(f64::from);
    assert_eq!(apply("mul", Dt::C64, &[vec![wide(z), wide(w)]]), [wide(expected)]);
}

#[test]
fn a_quotient_by_a_real_number_is_rounded_once() {
    let rows: Vec<Vec<Z>> = (1..40).map(|k| vec![[0.1 * k as f64, -7.3], [-3.7 / k as f64, 0.0]]).collect();
    for (got, row) in apply("div", Dt::C128, &rows).into_iter().zip(&rows) {
        assert_eq!(got, row[0].map(|x| x / row[1][0]));
    }
}

/// At the ends of the range: results that can be represented are found.
#[test]
fn nothing_overflows_on_the_way() {
    let (max, least, h) = (f64::MAX, f64::MIN_POSITIVE, (709.9f64 / 2.0).exp());
    let cases: &[(&str, Vec<Z>, Z)] = &[
        ("abs", vec![[3e307, 4e307]], [5e307, 0.0]),
        ("abs", vec![[3.0 * least, 4.0 * least]], [5.0 * least, 0.0]),
        ("sign", vec![[max, -max]], [0.5f64.sqrt(), -0.5f64.sqrt()]),
        ("sign", vec![[0.0, -least]], [0.0, -1.0]),
        ("sqrt", vec![[0.0, max]], [(max / 2.0).sqrt(), (max / 2.0).sqrt()]),
        ("div", vec![[max, max], [max, max]], [1.0, 0.0]),
        ("div", vec![[least, least], [0.0, least]], [1.0, -1.0]),
        ("div", vec![[max, 0.0], [2.0, 2.0]], [max / 4.0, -max / 4.0]),
        ("log", vec![[0.0, least]], [least.ln(), std::f64::consts::FRAC_PI_2]),
        ("exp", vec![[709.9, std::f64::consts::FRAC_PI_3]], [0.5 * h * h, 0.75f64.sqrt() * h * h]),
        ("atanh", vec![[1.0, least]], [0.5 * ((2f64).ln() - least.ln()), std::f64::consts::FRAC_PI_4]),
        ("acos", vec![[1.0, least]], [least.sqrt(), -least.sqrt()]),
        ("tanh", vec![[max, 1.0]], [1.0, 0.0]),
        ("logistic", vec![[-800.0, 1.0]], [0.0, 0.0]),
        ("logistic", vec![[800.0, 1.0]], [1.0, 0.0]),
        ("pow", vec![[max, max], [0.5, 0.0]], [max.sqrt() * 1.0986841134678098, max.sqrt() * 0.45508986056222733]),
    ];
    for (name, zs, want) in cases {
        let got = apply(name, Dt::C128, std::slice::from_ref(zs))[0];
        let e = error(Dt::C128, got, *want);
        let bound = if *name == "pow" || *name == "exp" { 1000.0 } else { 4.0 };
        assert!(e <= bound, "{name} {zs:?}: {got:?}, not {want:?}: {e} units");
    }
}

#[test]
#[should_panic(expected = "f32 or f64, not i32")]
fn the_parts_are_floats() {
    let mut b = Body::default();
    let x = b.input(0, Dt::I32);
    super::exp(&mut b, Dt::I32, (x, x));
}
