//! Functions on shapes, indices, products and polynomials: values are JAX's (tests/data/arrays.py), derivatives are checked against differences, staged results are the eager ones, and lanes are what a loop gives.

mod common;
#[path = "arrays/table.rs"]
mod table;

use common::{close, told};
use cotangent::np::{self, Mode, Pad, s};
use cotangent::prelude::*;
use cotangent::vmap;
use num_complex::Complex;
use serde_json::Value;
use table::{TABLE, VALUES};

struct Record {
    name: String,
    args: Vec<Array>,
    out: Vec<Array>,
}
fn array_of(json: &Value) -> Array {
    let number = |v: &Value| match v.as_str() {
        Some(text) => text.parse().expect("a number that is not finite"),
        None => v.as_f64().expect("a number, or the name of one"),
    };
    let data: Vec<f64> = match &json["data"] {
        Value::Array(all) => {
            all.iter().map(|v| if let Some(b) = v.as_bool() { b as u8 as f64 } else { number(v) }).collect()
        }
        other => panic!("data {other}"),
    };
    let shape: Vec<usize> =
        json["shape"].as_array().expect("a shape").iter().map(|n| n.as_u64().expect("an extent") as usize).collect();
    let dtype = DType::from_name(json["dtype"].as_str().expect("a type")).expect("a known type");
    if dtype.is_complex() {
        let pairs: Vec<Complex<f64>> = data.chunks(2).map(|z| Complex::new(z[0], z[1])).collect();
        return Array::from_slice(&pairs, &shape).astype(dtype);
    }
    Array::from_slice(&data, &shape).astype(dtype)
}
fn records() -> Vec<Record> {
    let all: Value = serde_json::from_str(include_str!("data/arrays.json")).expect("JSON");
    let list = |v: &Value| v.as_array().expect("a list").iter().map(array_of).collect();
    let record = |r: &Value| Record {
        name: r["name"].as_str().expect("a name").into(),
        args: list(&r["args"]),
        out: list(&r["out"]),
    };
    all.as_array().expect("a list of records").iter().map(record).collect()
}
type Run = fn(&[Array]) -> Vec<Array>;
fn run_of(name: &str) -> Run {
    TABLE.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no function for {name}")).1
}
/// Runs everything, and then says what failed.
fn each(wants: impl Fn(&str) -> bool, check: impl Fn(&Record, Run)) {
    let mut failed = vec![];
    let only = std::env::var("CASE").ok();
    for r in records().iter().filter(|r| wants(&r.name) && only.as_ref().is_none_or(|o| r.name.contains(o.as_str()))) {
        let f = run_of(&r.name);
        if let Err(e) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(r, f))) {
            let text = e.downcast_ref::<String>().cloned().unwrap_or_else(|| "panicked".into());
            failed.push(format!("{}: {text}", r.name))
        }
    }
    assert!(failed.is_empty(), "{} failed:\n{}", failed.len(), failed.join("\n"))
}

#[test]
fn values_are_those_of_jax() {
    let all = records();
    assert_eq!(all.len(), TABLE.len(), "a function for each record");
    each(
        |_| true,
        |r, f| {
            let y = f(&r.args);
            assert_eq!(y.len(), r.out.len(), "so many results");
            for (k, (y, wanted)) in y.iter().zip(&r.out).enumerate() {
                close(
                    &format!("result {k}"),
                    y,
                    wanted,
                    if r.name.contains("poly") || r.name.contains("roots") { 2e-4 } else { 3e-6 },
                )
            }
        },
    )
}

/// Names of functions that the test leaves out for a reason: the table has lists of them.
fn listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|n| name.starts_with(n))
}

#[test]
fn staged_results_are_eager_ones() {
    each(
        |name| !listed(VALUES, name),
        |r, f| {
            let staged = jit(move |x: &Vec<Array>| f(x))(&r.args);
            for (k, (a, b)) in staged.iter().zip(f(&r.args)).enumerate() {
                close(&format!("staged result {k}"), a, &b, 0.0)
            }
        },
    )
}

#[test]
fn lanes_are_what_a_loop_gives() {
    each(
        |name| !listed(VALUES, name),
        |r, f| {
            if r.args.is_empty() {
                return;
            }
            let other: Vec<Array> = r.args.iter().map(np::flip).collect();
            let lanes: Vec<Array> = r.args.iter().zip(&other).map(|(a, b)| np::stack(&[a, b, a], 0)).collect();
            let mapped = vmap(move |x: &Vec<Array>| f(x))(&lanes);
            let alone = [f(&r.args), f(&other)];
            for (k, y) in mapped.iter().enumerate() {
                for lane in 0..3 {
                    close(&format!("lane {lane} of result {k}"), &y.i(lane), &alone[lane % 2][k], 1e-6)
                }
            }
        },
    )
}

#[test]
fn derivatives_are_numerical_ones() {
    each(
        |_| true,
        |r, f| {
            // in double precision, by what has derivatives
            let wide: Vec<Array> = r
                .args
                .iter()
                .map(|x| if x.dtype() == DType::Float32 { x.astype(DType::Float64) } else { x.clone() })
                .collect();
            let at: Vec<usize> = (0..wide.len()).filter(|i| wide[*i].dtype() == DType::Float64).collect();
            if at.is_empty() || listed(table::ROUGH, &r.name) {
                return;
            }
            let (all, places) = (wide.clone(), at.clone());
            let smooth = move |x: &Vec<Array>| -> Vec<Array> {
                let mut args = all.clone();
                for (i, x) in places.iter().zip(x) {
                    args[*i] = x.clone()
                }
                f(&args).into_iter().filter(|y| y.dtype().is_inexact()).collect()
            };
            let x: Vec<Array> = at.iter().map(|i| wide[*i].clone()).collect();
            cotangent::CheckGrads::new().check(smooth, (&x,), 1).unwrap_or_else(|e| panic!("{e}"))
        },
    )
}

#[test]
fn indices_outside_are_told() {
    let x = np::reshape(&np::arange(12.), &[3, 4]);
    let far = |what: &str| format!("index {what} is out of bounds for axis");
    told(ErrorKind::Value, &["i: ", &far("3"), "(3, 4)"], || x.i(3));
    told(ErrorKind::Value, &["i: ", &far("-5"), "axis 1"], || x.i((.., -5)));
    told(ErrorKind::Value, &["i: ", &far("7")], || x.i([0, 7]));
    told(ErrorKind::Value, &["at.set: ", &far("7")], || x.at([0, 7]).set(0.));
    told(ErrorKind::Value, &["at.add: ", &far("-4")], || x.at(-4).add(1.));
    told(ErrorKind::Shape, &["i: 3 dimensions are indexed", "(3, 4)"], || x.i((0, 0, 0)));
    told(ErrorKind::Shape, &["one Ellipsis"], || x.i((Ellipsis, Ellipsis)));
    told(ErrorKind::Type, &["i: an index of type float32[2]", "astype"], || x.i(array![0., 1.]));
    told(ErrorKind::Shape, &["i: index arrays of shapes (2,), (3,) do not broadcast"], || x.i(([0, 1], [0, 1, 2])));
    told(ErrorKind::Shape, &["i: a mask of shape (2,)"], || x.i([true, false]));
    told(ErrorKind::Shape, &["at.set: values of shape (3,) do not broadcast to the place, of shape (4,)"], || {
        x.at(0).set(array![1., 2., 3.])
    });
    told(ErrorKind::Value, &["step of 0"], || x.i(s(..).step(0)));
    told(ErrorKind::Concrete, &["a mask bool[3,4] whose values are abstract", "where_"], || {
        jit(|x: &Array| x.i(x.gt(3.)))(&x)
    });
    // under grad values are known, under jit they are not
    told(ErrorKind::Value, &[&far("9")], || grad(|x: &Array| x.i((&array![9], 0)).sum())(&x));
    let y = jit(|x: &Array, i: &Array| (x.i(i), x.at(i).set(-1.), x.at(i).mode(Mode::Clip).get()))(&x, &array![0, 9]);
    assert_eq!(y.0.i(1).to_string(), "[nan nan nan nan]");
    assert_eq!(y.1.i(..,).to_string(), x.at(0).set(-1.).to_string());
    assert_eq!(y.2.i(1).to_string(), "[ 8.  9. 10. 11.]");
}

#[test]
fn modes_are_for_known_indices_too() {
    let x = array![1., 2., 3.];
    let of = |m: Mode| x.at(5).mode(m).get().to_string();
    assert_eq!(
        (of(Mode::Clip), of(Mode::Wrap), of(Mode::Fill), of(Mode::Drop)),
        ("3.0".into(), "3.0".into(), "nan".into(), "nan".into())
    );
    assert_eq!(x.at(5).fill_value(7.).get().to_string(), "7.0");
    let set = |m: Mode| x.at(-5).mode(m).set(0.).to_string();
    assert_eq!(
        (set(Mode::Clip), set(Mode::Wrap), set(Mode::Drop)),
        ("[0. 2. 3.]".into(), "[1. 0. 3.]".into(), "[1. 2. 3.]".into())
    );
    assert_eq!(x.at([4, -4]).mode(Mode::Wrap).add(10.).to_string(), "[ 1. 12. 13.]");
    let traced = jit(|x: &Array, i: &Array| x.at(i).mode(Mode::Wrap).get())(&x, &array![4, -4]);
    assert_eq!(traced.to_string(), "[2. 3.]");
}

#[test]
fn a_box_is_written_in_place() {
    let x = Array::from_slice(&vec![1f32; 1000], &[10, 100]);
    let before = x.with_slice(|v: &[f32]| v.as_ptr() as usize);
    let x = x.into_at((2..4, 5)).set(array![7., 8.]);
    assert_eq!(x.with_slice(|v: &[f32]| v.as_ptr() as usize), before, "the memory is reused");
    let x = x.into_at(0).add(1.);
    assert_eq!(x.with_slice(|v: &[f32]| v.as_ptr() as usize), before);
    assert_eq!(
        (x.i((2, 5)).to_f64(), x.i((3, 5)).to_f64(), x.i((0, 0)).to_f64(), x.sum().to_f64()),
        (7., 8., 2., 1113.)
    );
    // somebody else has it
    let y = x.clone().into_at(0).set(0.);
    assert_eq!((x.i((0, 0)).to_f64(), y.i((0, 0)).to_f64()), (2., 0.));
    // and by a derivative it is followed
    let g = grad(|x: &Array| x.clone().into_at(0).set(0.).sum())(&array![1., 2.]);
    assert_eq!(g.to_string(), "[0. 1.]");
}

#[test]
fn indices_of_any_kind() {
    let x = np::arange(10);
    assert_eq!(x.i(vec![1usize, 2]).to_string(), "[1 2]");
    assert_eq!(x.i(&[1i64, -1][..]).to_string(), "[1 9]");
    assert_eq!(x.i(2..=4).to_string(), "[2 3 4]");
    assert_eq!(x.i(..=-8).to_string(), "[0 1 2]");
    assert_eq!(x.i(-3..).to_string(), "[7 8 9]");
    assert_eq!(x.i(3usize..5).to_string(), "[3 4]");
    assert_eq!(x.i(8..100).to_string(), "[8 9]");
    assert_eq!(x.i(array![3u8, 200].astype(DType::Uint8).i(..1)).to_string(), "[3]");
    assert_eq!(x.i(()).shape(), [10]);
    // a narrow type counts beyond what it holds
    let long = np::arange(300);
    assert_eq!(jit(|x: &Array, i: &Array| x.i(i))(&long, &array(vec![-1i8, 100])).to_string(), "[299 100]");
    assert_eq!(np::zeros(&[0, 3]).i(np::zeros_dtype(&[0], DType::Int32)).shape(), [0, 3]);
    told(ErrorKind::Value, &["index 0 is out of bounds for axis 0 of an array of shape (0, 3)"], || {
        np::zeros(&[0, 3]).i([0])
    });
}

#[test]
fn orders_of_products() {
    // a chain: from the small end on
    let n = |k: usize| -> Vec<usize> { vec![k, k] };
    assert_eq!(np::einsum_path("ab,bc,cd,d->a", &[&n(50), &n(50), &n(50), &[50]]), [(2, 3), (1, 4), (0, 5)]);
    let spec: String =
        (0..11).map(|k| format!("{}{}", (b'a' + k) as char, (b'b' + k) as char)).collect::<Vec<_>>().join(",");
    let shapes: Vec<Vec<usize>> = (0..11).map(|_| n(3)).collect();
    let path = np::einsum_path(&format!("{spec}->al"), &shapes.iter().map(|s| &s[..]).collect::<Vec<_>>());
    assert_eq!(path.len(), 10);
    // each operand and each product but the last is used once
    let mut used: Vec<usize> = path.iter().flat_map(|(a, b)| [*a, *b]).collect();
    used.sort_unstable();
    assert_eq!(used, (0..20).collect::<Vec<_>>());
    told(ErrorKind::Shape, &["einsum: j has extents 3 and 2", "(2, 3), (2, 2)"], || {
        np::einsum("ij,jk", &[&np::ones(&[2, 3]), &np::ones(&[2, 2])])
    });
    told(ErrorKind::Value, &["einsum: the result's k"], || np::einsum("ij->k", &[&np::ones(&[2, 3])]));
    told(ErrorKind::Value, &["about 2 operands, but there are 1"], || np::einsum("i,i", &[&np::ones(&[2])]));
    told(ErrorKind::Shape, &["names 1 dimensions of an array of shape (2, 3)"], || {
        np::einsum("i", &[&np::ones(&[2, 3])])
    });
    told(ErrorKind::Value, &["no letter"], || np::einsum("i1", &[&np::ones(&[2, 3])]));
}

#[test]
fn mistakes_are_told() {
    let x = np::ones(&[3, 4]);
    told(ErrorKind::Shape, &["concatenate: arrays of shapes (3, 4) and (3,)"], || {
        np::concatenate(&[&x, &np::ones(&[3])], 0)
    });
    told(ErrorKind::Shape, &["split: axis 1", "3 equal parts"], || np::split(&x, 3, 1));
    told(ErrorKind::Shape, &["moveaxis: axis 2 is out of bounds"], || np::moveaxis(&x, &[2], &[0]));
    told(ErrorKind::Shape, &["expand_dims: axes (0, 0)"], || np::expand_dims(&x, &[0, 0]));
    told(ErrorKind::Shape, &["reshape: an array of shape (3, 4) does not fill (5, -1)"], || np::reshape(&x, &[5, -1]));
    told(ErrorKind::Shape, &["pad: 3 pairs"], || np::pad(&x, &[(1, 1), (0, 0), (0, 0)][..]).i(0));
    told(ErrorKind::Value, &["insert: index 9"], || np::insert(&x, 9, 0., Some(0)));
    told(ErrorKind::Value, &["choose: 2 is not one of 0 to 1"], || {
        np::choose(&array![0, 2], &[&array![1., 1.], &array![2., 2.]], None)
    });
    told(ErrorKind::Concrete, &["repeat: the counts", "total"], || {
        jit(|k: &Array| np::repeat_each(&array![1., 2.], k, None, None))(&array![1, 2])
    });
    told(ErrorKind::Shape, &["cross: vectors of 4"], || np::cross(&x, &x));
    told(ErrorKind::Value, &["arange: the range has no end"], || np::arange((0, 5, 0)));
    told(ErrorKind::Value, &["vectorize:", "is no signature"], || {
        np::vectorize("(n->()", |x: &[Array]| x.to_vec())(&[&x])
    });
    told(ErrorKind::Shape, &["vectorize: operand 1 has 4 as n"], || {
        np::vectorize("(n),(n)->()", |x: &[Array]| x.to_vec())(&[&np::ones(&[3]), &np::ones(&[4])])
    });
}

#[test]
fn functions_of_users() {
    let ends = |v: &Array, (before, behind): (usize, usize), d: usize| {
        let n = v.size() - behind;
        v.at(..before).set(9. + d as f64).at(n..).set(7.)
    };
    assert_eq!(Pad::with(&array![1., 2., 3.], (2, 1), ends).to_string(), "[9. 9. 1. 2. 3. 7.]");
    assert_eq!(Pad::with(&array![[1., 2.]], [(1, 0), (0, 1)], ends).to_string(), "[[9. 9. 7.]\n [1. 2. 7.]]");
    // numbers broadcast, and so do derivatives
    let product = np::vectorize("", |x: &[Array]| vec![&x[0] * &x[1], x[0].sin()]);
    let y = product(&[&array![[1.], [2.]], &array![10., 20.]]);
    assert_eq!((y[0].to_string(), y[1].shape()), ("[[10. 20.]\n [20. 40.]]".to_string(), &[2, 2][..]));
    let g = grad(|x: &Array| np::apply_along_axis(|v: &Array| v * v.sum(), 0, x).sum())(&array![[1., 2.], [3., 4.]]);
    assert_eq!(g.to_string(), "[[ 8. 12.]\n [ 8. 12.]]");
    told(ErrorKind::Shape, &["at.apply: the function makes float32[]"], || array![1., 2.].at(..).apply(|x| x.sum()));
    told(ErrorKind::Shape, &["apply_over_axes: the function makes float32[]"], || {
        np::apply_over_axes(|x, _| x.sum(), &np::ones(&[2, 3, 4]), &[0])
    });
}
