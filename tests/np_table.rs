//! Functions with NumPy's names against what JAX computed (`data/np_table.py` makes the records), and each of them against its promises: staged equal to eager, lanes equal to each alone, and
//! derivatives near differences.

mod common;
#[path = "np_table/elementwise.rs"]
mod elementwise;
#[path = "np_table/matrices.rs"]
mod matrices;
#[path = "np_table/reductions.rs"]
mod reductions;
#[path = "np_table/sets.rs"]
mod sets;
#[path = "np_table/statistics.rs"]
mod statistics;

use common::{equal, near};
use cotangent::prelude::*;
use cotangent::prim::{complex, rev, slice_in_dim, squeeze, stack};
use cotangent::{CheckGrads, vmap};
use serde_json::Value;
use std::collections::BTreeSet;

/// A function of the table, under the name that its records have.
type Row = (&'static str, fn(&[Array]) -> Vec<Array>);

fn rows() -> Vec<Row> {
    [elementwise::ROWS, reductions::ROWS, statistics::ROWS, matrices::ROWS, sets::ROWS].concat()
}

struct Record {
    name: String,
    args: Vec<Array>,
    /// None where JAX refuses the arguments.
    outs: Option<Vec<Array>>,
    grad: bool,
    host: bool,
}

fn array_of(v: &Value) -> Array {
    let number = |v: &Value| v.as_f64().unwrap_or_else(|| v.as_str().expect("a number").parse().expect("a number"));
    let list = |v: &Value| v.as_array().expect("a list").clone();
    let data: Vec<f64> = list(&v["data"]).iter().map(number).collect();
    let shape: Vec<usize> = list(&v["shape"]).iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let name = v["dtype"].as_str().expect("a type");
    let dtype = DType::from_name(name).unwrap_or_else(|| panic!("a type, not {name}"));
    if dtype.is_complex() {
        let (re, im) = data.split_at(data.len() / 2);
        let part = |x: &[f64]| Array::from_slice(x, &shape).astype(dtype.real_part());
        return complex(&part(re), &part(im));
    }
    Array::from_slice(&data, &shape).astype(dtype)
}

fn records() -> Vec<Record> {
    let all: Value = serde_json::from_str(include_str!("data/np_table.json")).expect("the records are JSON");
    let arrays = |v: &Value| -> Vec<Array> { v.as_array().expect("a list").iter().map(array_of).collect() };
    let record = |v: &Value| Record {
        name: v["name"].as_str().expect("a name").to_string(),
        args: arrays(&v["args"]),
        outs: v.get("outs").map(arrays),
        grad: v.get("grad").is_some(),
        host: v.get("host").is_some(),
    };
    all.as_array().expect("a list of records").iter().map(record).collect()
}

/// Within what results differ by that are rounded in another order.
fn tolerance(t: DType) -> f64 {
    match t.real_part() {
        DType::Float64 => 1e-12,
        DType::Float32 => 4e-6,
        DType::Float16 | DType::BFloat16 => 4e-3,
        _ => 0.0,
    }
}

/// What JAX has for it, in value, shape and type. Its integers have 64 bits wherever an argument has.
fn as_recorded(r: &Record, outs: &[Array], wanted: &[Array]) -> Result<(), String> {
    if outs.len() != wanted.len() {
        return Err(format!("{} results, not {}", outs.len(), wanted.len()));
    }
    let wide = r.args.iter().any(|x| x.dtype().real_part().size() == 8);
    for (y, w) in outs.iter().zip(wanted) {
        let both = wide && y.dtype().is_integer() && w.dtype().is_integer();
        let w = if both { w.astype(y.dtype()) } else { w.clone() };
        near(y, &w, tolerance(y.dtype()))?
    }
    Ok(())
}

/// Staged, in two lanes, and differentiated.
fn keeps_promises(r: &Record, f: fn(&[Array]) -> Vec<Array>, outs: &[Array]) -> Result<(), String> {
    let staged = jit(move |x: &Vec<Array>| f(x))(&r.args);
    for (y, s) in outs.iter().zip(&staged) {
        equal(y, s).map_err(|e| format!("staged: {e}"))?
    }
    // the second lane has the elements in reverse order
    let turned = |x: &Array| rev(x, &(0..x.ndim()).collect::<Vec<_>>());
    let second: Vec<Array> = r.args.iter().map(turned).collect();
    let lanes: Vec<Array> = r.args.iter().zip(&second).map(|(x, y)| stack(&[x, y], 0)).collect();
    let together = vmap(move |x: &Vec<Array>| f(x))(&lanes);
    for (k, alone) in [outs.to_vec(), f(&second)].iter().enumerate() {
        for (y, all) in alone.iter().zip(&together) {
            let lane = squeeze(&slice_in_dim(all, k, k + 1, 1, 0), &[0]);
            near(y, &lane, tolerance(y.dtype())).map_err(|e| format!("lane {k}: {e}"))?
        }
    }
    if r.grad {
        let args = r.args.clone();
        let moving: Vec<Array> = args.iter().filter(|x| x.dtype() == DType::Float64).cloned().collect();
        let of_moving = move |x: &Vec<Array>| {
            let mut next = x.iter();
            let whole = |a: &Array| {
                if a.dtype() == DType::Float64 { next.next().expect("an argument").clone() } else { a.clone() }
            };
            let all: Vec<Array> = args.iter().map(whole).collect();
            f(&all).into_iter().filter(|y| y.dtype().is_inexact()).collect::<Vec<_>>()
        };
        CheckGrads::new().check(of_moving, (&moving,), 2).map_err(|e| e.to_string())?
    }
    Ok(())
}

#[test]
fn every_function_is_that_of_jax_and_keeps_its_promises() {
    let (rows, records) = (rows(), records());
    let only = std::env::var("NAME").ok();
    let named: BTreeSet<&str> = rows.iter().map(|r| r.0).collect();
    assert_eq!(named.len(), rows.len(), "a name stands twice in the table");
    let recorded: BTreeSet<&str> = records.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(
        named.symmetric_difference(&recorded).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "table and records differ"
    );
    let mut wrong = vec![];
    for r in records.iter().filter(|r| only.as_ref().is_none_or(|n| r.name == *n)) {
        let f = rows.iter().find(|row| row.0 == r.name).expect("a row").1;
        let types: Vec<String> = r.args.iter().map(|x| x.aval().to_string()).collect();
        let check = || match (catch(|| f(&r.args)), &r.outs) {
            (Err(e), Some(_)) => Err(format!("fails: {e}")),
            (Ok(_), None) => Err("does not fail as JAX does".into()),
            (Err(_), None) => Ok(()),
            (Ok(outs), Some(wanted)) => {
                as_recorded(r, &outs, wanted)?;
                if r.host {
                    Ok(())
                } else {
                    catch(|| keeps_promises(r, f, &outs)).unwrap_or_else(|e| Err(e.to_string()))
                }
            }
        };
        if let Err(why) = check() {
            wrong.push(format!("{}({}): {why}", r.name, types.join(", ")))
        }
    }
    assert!(wrong.is_empty(), "{} of {} records:\n{}", wrong.len(), records.len(), wrong.join("\n"))
}
