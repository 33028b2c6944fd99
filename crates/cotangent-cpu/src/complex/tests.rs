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

#[test]
fn explore() {
    let Ok(path) = std::env::var("COMPLEX_TABLE") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let show = std::env::var("COMPLEX_SHOW").ok();
    let lines: Vec<_> = text.lines().map(parse).collect();
    for group in lines.chunk_by(|a, b| a.0 == b.0 && a.1 == b.1) {
        let (name, dt) = (group[0].0, group[0].1);
        let rows: Vec<_> = group.iter().map(|l| l.2.clone()).collect();
        let got = apply(name, dt, &rows);
        let (eps, tiny) =
            if dt == Dt::C64 { (2f64.powi(-23), 2f64.powi(-126)) } else { (2f64.powi(-52), 2f64.powi(-1022)) };
        let mut worst = [(0.0, 0); 3];
        for (k, (g, l)) in got.iter().zip(group).enumerate() {
            let w = l.3;
            let m = w[0].abs().max(w[1].abs());
            let (gs, ws, ms) = if m > 1e300 {
                ([g[0] / 1e10, g[1] / 1e10], [w[0] / 1e10, w[1] / 1e10], m / 1e10)
            } else if m < 1e-250 {
                ([g[0] * 1e50, g[1] * 1e50], [w[0] * 1e50, w[1] * 1e50], m * 1e50)
            } else {
                (*g, w, m)
            };
            let norm = ws[0].hypot(ws[1]);
            let floor = if ms == m {
                tiny
            } else if m < 1.0 {
                tiny * 1e50
            } else {
                tiny
            };
            let e = (gs[0] - ws[0]).hypot(gs[1] - ws[1]) / norm.max(floor) / eps;
            let c = |i: usize| (gs[i] - ws[i]).abs() / ws[i].abs().max(floor) / eps;
            for (j, e) in [e, c(0), c(1)].into_iter().enumerate() {
                let e = if e.is_nan() { f64::INFINITY } else { e };
                if e > worst[j].0 {
                    worst[j] = (e, k)
                }
            }
        }
        print!("{name:9} {dt} norm {:.3e} re {:.3e} im {:.3e}", worst[0].0, worst[1].0, worst[2].0);
        println!();
        if show.as_deref() == Some(name) {
            for w in worst {
                println!("   {:?} got {:?} want {:?}", rows[w.1], got[w.1], group[w.1].3);
            }
        }
    }
}

#[test]
fn grid() {
    let Ok(path) = std::env::var("COMPLEX_GRID") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<_> = text.lines().map(parse).collect();
    for group in lines.chunk_by(|a, b| a.0 == b.0 && a.1 == b.1) {
        let (name, dt) = (group[0].0, group[0].1);
        let rows: Vec<_> = group.iter().map(|l| l.2.clone()).collect();
        let got = apply(name, dt, &rows);
        for (g, l) in got.iter().zip(group) {
            let same = |a: f64, b: f64| {
                (a.is_nan() && b.is_nan())
                    || a == b && (a != 0.0 || a.is_sign_negative() == b.is_sign_negative())
                    || (a != 0.0 || b != 0.0) && (a - b).abs() <= 1e-5 * b.abs()
            };
            let w = l.3;
            let kind = |a: f64, b: f64| {
                if same(a, b) {
                    "="
                } else if a.is_nan() || b.is_nan() {
                    "nan"
                } else if a == 0.0 && b == 0.0 {
                    "zero"
                } else {
                    "value"
                }
            };
            let (p, q) = (kind(g[0], w[0]), kind(g[1], w[1]));
            if p != "=" || q != "=" {
                println!("{name} {dt} {p}/{q} {:?} got {:?} jax {:?}", l.2, g, w);
            }
        }
    }
}
