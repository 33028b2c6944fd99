//! Gather, scatter, dynamic slices and their relatives: against what JAX recorded for random dimension numbers, and against
//! themselves. The records are made by `data/indexing.py`.

use cotangent::prelude::*;
use cotangent::prim::*;
use cotangent::{jvp, make_jaxpr, np, vjp, vmap, vmap_axes};
use serde_json::Value;

/// One recorded operation with its arguments and results.
struct Record {
    json: Value,
    /// Array, indices, updates; a scalar where there are no updates.
    x: Array,
    i: Array,
    u: Array,
}

fn data(v: &Value) -> Vec<f64> {
    let number = |v: &Value| v.as_f64().unwrap_or(f64::NAN);
    v.as_array().expect("numbers").iter().map(number).collect()
}
fn list(v: &Value) -> Vec<usize> {
    v.as_array().expect("a list").iter().map(|n| n.as_u64().expect("a number") as usize).collect()
}
fn array_of(v: &Value) -> Array {
    let (x, shape) = (data(&v["data"]), list(&v["shape"]));
    match v["dtype"].as_str().expect("a type") {
        "float64" => Array::from_slice(&x, &shape),
        "int64" => Array::from_slice(&x.iter().map(|x| *x as i64).collect::<Vec<_>>(), &shape),
        "int32" => Array::from_slice(&x.iter().map(|x| *x as i32).collect::<Vec<_>>(), &shape),
        "int8" => Array::from_slice(&x.iter().map(|x| *x as i8).collect::<Vec<_>>(), &shape),
        "uint8" => Array::from_slice(&x.iter().map(|x| *x as u8).collect::<Vec<_>>(), &shape),
        "uint32" => Array::from_slice(&x.iter().map(|x| *x as u32).collect::<Vec<_>>(), &shape),
        t => panic!("a record of type {t}"),
    }
}
fn like(v: &Value, x: &Array) -> Array {
    Array::from_slice(&data(v), x.shape())
}

fn records() -> Vec<Record> {
    let all: Value = serde_json::from_str(include_str!("data/indexing.json")).expect("the records are JSON");
    let record = |json: &Value| Record {
        x: array_of(&json["x"]),
        i: array_of(&json["i"]),
        u: json.get("u").map_or(array(0.0), array_of),
        json: json.clone(),
    };
    all.as_array().expect("a list of records").iter().map(record).collect()
}

impl Record {
    fn has_updates(&self) -> bool {
        self.json.get("u").is_some()
    }
    /// The recorded operation.
    fn run(&self, x: &Array, i: &Array, u: &Array) -> Array {
        let r = &self.json;
        let dims = |k: usize| list(&r["dims"][k]);
        let mode = match r["mode"].as_str() {
            Some("clip") => GatherScatterMode::Clip,
            Some("fill") => GatherScatterMode::FillOrDrop,
            _ => GatherScatterMode::PromiseInBounds,
        };
        let starts =
            || -> Vec<Array> { (0..i.shape()[0]).map(|d| squeeze(&slice_in_dim(i, d, d + 1, 1, 0), &[0])).collect() };
        let op = match r["op"].as_str().expect("an operation") {
            "gather" => {
                let numbers = GatherDimensionNumbers::new(&dims(0), &dims(1), &dims(2)).batching(&dims(3), &dims(4));
                let fill_value = r["fill"].as_i64().map(FillValue::from);
                let options = GatherOptions { mode, fill_value, ..Default::default() };
                return gather(x, i, &numbers, &list(&r["sizes"]), &options);
            }
            "dynamic_slice" => return dynamic_slice(x, &starts().iter().collect::<Vec<_>>(), &list(&r["sizes"])),
            "dynamic_update_slice" => return dynamic_update_slice(x, u, &starts().iter().collect::<Vec<_>>()),
            "scatter" => scatter,
            "scatter_add" => scatter_add,
            "scatter_sub" => scatter_sub,
            "scatter_mul" => scatter_mul,
            "scatter_min" => scatter_min,
            "scatter_max" => scatter_max,
            op => panic!("a record of {op}"),
        };
        let numbers = ScatterDimensionNumbers::new(&dims(0), &dims(1), &dims(2)).batching(&dims(3), &dims(4));
        let unique_indices = r["unique"].as_bool().expect("a flag");
        let options = ScatterOptions { mode, unique_indices, ..Default::default() };
        let u = if r.get("by_updates").is_some() { stop_gradient(u) } else { u.clone() };
        op(x, i, &u, &numbers, &options)
    }
    /// The cotangents of array and updates for the recorded cotangent.
    fn back(&self, x: &Array, i: &Array, u: &Array) -> (Array, Array) {
        let (y, pull) = vjp(|x: &Array, u: &Array| self.run(x, i, u), (x, u));
        pull.call_once(&like(&self.json["ct"], &y))
    }
}

fn bits(a: &Array) -> Vec<u64> {
    a.to_vec::<f64>().into_iter().map(f64::to_bits).collect()
}
fn same_bits(a: &Array, b: &Array, what: &str) {
    assert_eq!((a.dtype(), a.shape()), (b.dtype(), b.shape()), "{what}");
    if a.dtype() == DType::Float64 {
        assert_eq!(bits(a), bits(b), "{what}: {a:?} and {b:?}")
    }
}
/// Nearly all recorded numbers are exact; only shares of a derivative are thirds.
fn close(found: &Array, wanted: &[f64], what: &str) {
    let found = found.to_vec::<f64>();
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (f, w) in found.iter().zip(wanted) {
        assert!(
            f == w || (f - w).abs() < 1e-14 * (1.0 + w.abs()) || f.is_nan() && w.is_nan(),
            "{what}: {found:?} is not {wanted:?}"
        )
    }
}
fn dot(a: &Array, b: &Array) -> f64 {
    a.to_vec::<f64>().iter().zip(b.to_vec::<f64>()).map(|(a, b)| a * b).sum()
}

#[test]
fn values_and_derivatives_are_those_of_jax() {
    let all = records();
    assert_eq!(all.len(), 200);
    for (k, r) in all.iter().enumerate() {
        let what = |of: &str| format!("{of} of record {k}, {}", r.json["op"]);
        let y = r.run(&r.x, &r.i, &r.u);
        assert_eq!(y.shape(), &list(&r.json["y"]["shape"])[..], "{}", what("shape"));
        close(&y, &data(&r.json["y"]["data"]), &what("value"));
        let (tx, ct) = (like(&r.json["tx"], &r.x), like(&r.json["ct"], &y));
        let (dx, du) = r.back(&r.x, &r.i, &r.u);
        close(&dx, &data(&r.json["dx"]), &what("dx"));
        let mut pulled = dot(&dx, &tx);
        let dy = if r.has_updates() {
            let tu = like(&r.json["tu"], &r.u);
            close(&du, &data(&r.json["du"]), &what("du"));
            pulled += dot(&du, &tu);
            jvp(|x: &Array, u: &Array| r.run(x, &r.i, u), (&r.x, &r.u), (&tx, &tu)).1
        } else {
            jvp(|x: &Array| r.run(x, &r.i, &r.u), (&r.x,), (&tx,)).1
        };
        close(&dy, &data(&r.json["dy"]), &what("dy"));
        let pushed = dot(&dy, &ct);
        assert!(
            (pushed - pulled).abs() <= 1e-12 * (1.0 + pushed.abs()),
            "{}: {pushed} {pulled}",
            what("inner product")
        );
    }
}

#[test]
fn staged_bits_are_eager_bits() {
    for (k, r) in records().iter().enumerate() {
        let staged = jit(|x: &Array, i: &Array, u: &Array| r.run(x, i, u))(&r.x, &r.i, &r.u);
        let what = format!("record {k}, {}", r.json["op"]);
        same_bits(&staged, &r.run(&r.x, &r.i, &r.u), &what);
        let staged = jit(|x: &Array, i: &Array, u: &Array| r.back(x, i, u))(&r.x, &r.i, &r.u);
        let eager = r.back(&r.x, &r.i, &r.u);
        same_bits(&staged.0, &eager.0, &what);
        same_bits(&staged.1, &eager.1, &what);
    }
}

/// Another value for a second lane, which keeps promises: the order of everything but an index vector's components is turned around.
fn other(a: &Array, is_index: bool) -> Array {
    let n = if is_index && a.ndim() > 1 { a.ndim() - 1 } else { a.ndim() };
    rev(a, &(0..n).collect::<Vec<_>>())
}

#[test]
fn lanes_are_what_a_loop_gives() {
    for (k, r) in records().iter().enumerate() {
        let args = [&r.x, &r.i, &r.u];
        let others = [other(&r.x, false), other(&r.i, true), other(&r.u, false)];
        for mapped in 1..8usize {
            if mapped & 4 != 0 && !r.has_updates() {
                continue;
            }
            let is_mapped = |a: usize| mapped >> a & 1 == 1;
            // the lanes' axis is in front, behind or between
            let axis = |a: usize| is_mapped(a).then(|| ((k + a) % (args[a].ndim() + 1)) as i32);
            let stacked: Vec<Array> = (0..3)
                .map(|a| match axis(a) {
                    Some(d) => stack(&[args[a], &others[a], args[a]], d as usize),
                    None => args[a].clone(),
                })
                .collect();
            let second: Vec<&Array> = (0..3).map(|a| if is_mapped(a) { &others[a] } else { args[a] }).collect();
            let axes = (axis(0), axis(1), axis(2));
            let f = |x: &Array, i: &Array, u: &Array| (r.run(x, i, u), r.back(x, i, u));
            let loops = [f(args[0], args[1], args[2]), f(second[0], second[1], second[2])];
            let (y, (dx, du)) = vmap_axes(f, axes, 0)(&stacked[0], &stacked[1], &stacked[2]);
            for lane in 0..3 {
                let of = |a: &Array| squeeze(&slice_in_dim(a, lane, lane + 1, 1, 0), &[0]);
                let alone = &loops[lane % 2];
                let what = format!("lane {lane} of record {k}, {}, mapped {mapped:03b}", r.json["op"]);
                same_bits(&of(&y), &alone.0, &what);
                same_bits(&of(&dx), &alone.1.0, &what);
                same_bits(&of(&du), &alone.1.1, &what);
            }
        }
    }
}

#[test]
fn no_lanes() {
    let rows = GatherDimensionNumbers::new(&[1], &[0], &[0]);
    let f = |x: &Array, i: &Array| gather(x, i, &rows, &[1, 2], &Default::default());
    let (x, i) = (Array::from_slice::<f64>(&[], &[0, 3, 2]), Array::from_slice::<i32>(&[], &[0, 4, 1]));
    assert_eq!(vmap(f)(&x, &i).shape(), [0, 4, 2]);
    let each = ScatterDimensionNumbers::new(&[1], &[0], &[0]);
    let g = |x: &Array, i: &Array, u: &Array| scatter_add(x, i, u, &each, &Default::default());
    assert_eq!(vmap(g)(&x, &i, &Array::from_slice::<f64>(&[], &[0, 4, 2])).shape(), [0, 3, 2]);
}

/// Positions in a vector, one for each index.
fn each() -> (GatherDimensionNumbers, ScatterDimensionNumbers) {
    (GatherDimensionNumbers::new(&[], &[0], &[0]), ScatterDimensionNumbers::new(&[], &[0], &[0]))
}

#[test]
fn fill_values() {
    let (dims, _) = each();
    let i = array![[1], [5], [-1]];
    let run = |x: &Array, fill_value: Option<FillValue>| {
        let mode = GatherScatterMode::FillOrDrop;
        gather(x, &i, &dims, &[1], &GatherOptions { mode, fill_value, ..Default::default() })
    };
    let x = array(vec![1.0f32, 2.0]);
    assert_eq!(run(&x, None).to_string(), "[ 2. nan nan]");
    assert_eq!(run(&x, Some(7.into())).to_vec::<f32>(), [2., 7., 7.]);
    assert_eq!(run(&array(vec![1i8, 2]), None).to_vec::<i8>(), [2, i8::MIN, i8::MIN]);
    assert_eq!(run(&array(vec![1i64, 2]), None).to_vec::<i64>(), [2, i64::MIN, i64::MIN]);
    assert_eq!(run(&array(vec![1u16, 2]), None).to_vec::<u16>(), [2, u16::MAX, u16::MAX]);
    assert_eq!(run(&array(vec![1u64, 2]), None).to_vec::<u64>(), [2, u64::MAX, u64::MAX]);
    assert_eq!(run(&array(vec![true, false]), None).to_vec::<bool>(), [false, true, true]);
    assert_eq!(run(&array(vec![true, false]), Some(false.into())).to_vec::<bool>(), [false, false, false]);
    assert_eq!(run(&array(vec![1i32, 2]), Some((-1).into())).to_vec::<i32>(), [2, -1, -1]);
    let c = convert_element_type(&x, DType::Complex64, false);
    assert_eq!(run(&c, Some((-0.5).into())).to_string(), "[ 2. +0.j -0.5+0.j -0.5+0.j]");
}

#[test]
fn a_broken_promise() {
    // JAX on the CPU: a gather clamps, and what would flow back to the place that does not exist is dropped
    let (dims, _) = each();
    let f = |x: &Array| gather(x, &array![[1], [7], [-4]], &dims, &[1], &Default::default());
    let x = array(vec![0.0f64, 1., 2., 3., 4.]);
    assert_eq!(f(&x).to_vec::<f64>(), [1., 4., 0.]);
    let g = grad(|x: &Array| (f(x) * array(vec![1.0f64, 10., 100.])).sum())(&x);
    assert_eq!(g.to_vec::<f64>(), [0., 1., 0., 0., 0.]);
}

#[test]
fn element_types_of_scatters() {
    let (_, dims) = each();
    let (i, o) = (array(vec![1u8, 1, 0]).reshape(&[3, 1]), ScatterOptions::default());
    let x = array(vec![100i8, 100]);
    let u = array(vec![100i8, 2, -3]);
    assert_eq!(scatter_add(&x, &i, &u, &dims, &o).to_vec::<i8>(), [97, -54]);
    assert_eq!(scatter_mul(&x, &i, &u, &dims, &o).to_vec::<i8>(), [-44, 32]);
    assert_eq!(scatter_min(&x, &i, &u, &dims, &o).to_vec::<i8>(), [-3, 2]);
    assert_eq!(scatter(&x, &i, &u, &dims, &o).to_vec::<i8>(), [-3, 2]);
    let b = array(vec![false, true]);
    let t = array(vec![false, false, true]);
    assert_eq!(scatter_max(&b, &i, &t, &dims, &o).to_vec::<bool>(), [true, true]);
    assert_eq!(scatter_min(&b, &i, &t, &dims, &o).to_vec::<bool>(), [false, false]);
    assert_eq!(scatter(&b, &i, &t, &dims, &o).to_vec::<bool>(), [true, false]);
    let c = |x: &Array| convert_element_type(&x.clone(), DType::Complex128, false);
    let z = scatter_mul(&c(&x), &i, &c(&u), &dims, &o);
    assert_eq!(z.to_string(), "[ -300.+0.j 20000.+0.j]");
    let e = catch(|| scatter_add(&b, &i, &t, &dims, &o)).unwrap_err();
    assert_eq!(e.message(), "scatter-add: is not defined on elements of type (dtype) bool");
    assert_eq!(e.kind(), ErrorKind::Type);
}

#[test]
fn extremes_share_what_ties() {
    // numbers from JAX
    let (_, dims) = each();
    let i = array![[0], [0], [1], [2]];
    let f = |x: &Array, u: &Array| scatter_max(x, &i, u, &dims, &Default::default());
    let (x, u) = (array(vec![3.0f64, 1., 5., f64::NAN]), array(vec![3.0f64, 3., 2., 4.]));
    let (y, pull) = vjp(f, (&x, &u));
    assert_eq!(y.to_string(), "[ 3.  2.  5. nan]");
    let (dx, du) = pull.call(&array(vec![6.0f64, 10., 100., 1000.]));
    assert_eq!((dx.to_vec::<f64>(), du.to_vec::<f64>()), (vec![2., 0., 100., 1000.], vec![2., 2., 10., 0.]));
}

#[test]
fn the_last_of_equal_indices_wins_at_every_order() {
    let (_, dims) = each();
    let i = array![[1], [3], [1], [1], [9]];
    let f = |x: &Array, u: &Array| scatter(x, &i, u, &dims, &Default::default()).powi(3).sum();
    let x = array(vec![1.0f64, 2., 3., 4.]);
    let u = array(vec![5.0f64, 6., 7., 8., 9.]);
    let du = cotangent::grad_argnums(f, ARG1)(&x, &u);
    assert_eq!(du.to_vec::<f64>(), [0., 108., 0., 192., 0.]);
    let h = cotangent::hessian(|u: &Array| f(&x, u))(&u);
    let mut wanted = vec![0.0; 25];
    wanted[6] = 36.0;
    wanted[18] = 48.0;
    assert_eq!(h.to_vec::<f64>(), wanted);
    let h = cotangent::hessian(|x: &Array| f(x, &u))(&x);
    let mut wanted = vec![0.0; 16];
    wanted[0] = 6.0;
    wanted[10] = 18.0;
    assert_eq!(h.to_vec::<f64>(), wanted);
}

#[test]
fn second_derivatives_of_products() {
    let (_, dims) = each();
    let unique = ScatterOptions { unique_indices: true, ..Default::default() };
    let i = array![[2], [0]];
    let x = array(vec![2.0f64, 3., 5.]);
    let u = array(vec![7.0f64, 11.]);
    // of (x2 u0)^2 + (x0 u1)^2 + x1^2
    let f = |x: &Array, u: &Array| scatter_mul(x, &i, u, &dims, &unique).powi(2).sum();
    let h = cotangent::hessian(|u: &Array| f(&x, u))(&u);
    assert_eq!(h.to_vec::<f64>(), [50., 0., 0., 8.]);
    let mixed = cotangent::jacfwd(|u: &Array| grad(|x: &Array| f(x, u))(&x))(&u);
    assert_eq!(mixed.to_vec::<f64>(), [0., 88., 0., 0., 140., 0.]);
    let e = catch(|| {
        grad(|u: &Array| scatter_mul(&x, &i, u, &dims, &Default::default()).sum())(&u);
    });
    let e = e.unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NotDifferentiable);
    assert!(e.message().starts_with("scatter-mul: the derivative with respect to the updates needs"), "{e}");
}

#[test]
fn empty_dimensions() {
    let (g, s) = each();
    let (nothing, i) = (Array::from_slice::<f64>(&[], &[0]), array![[0], [1]]);
    let u = array(vec![1.0f64, 2.]);
    let f = |x: &Array, u: &Array| scatter_add(x, &i, u, &s, &Default::default());
    let (y, pull) = vjp(f, (&nothing, &u));
    assert_eq!(y.shape(), [0]);
    assert_eq!(pull.call(&nothing).1.to_vec::<f64>(), [0., 0.]);
    let none = Array::from_slice::<i32>(&[], &[0, 1]);
    assert_eq!(gather(&u, &none, &g, &[1], &Default::default()).shape(), [0]);
    assert_eq!(gather(&nothing, &none, &g, &[1], &Default::default()).shape(), [0]);
    let kept = scatter(&u, &none, &nothing, &s, &Default::default());
    assert_eq!(kept.to_vec::<f64>(), [1., 2.]);
    let at = array(3);
    assert_eq!(dynamic_slice(&u, &[&at], &[0]).shape(), [0]);
    assert_eq!(dynamic_update_slice(&u, &nothing, &[&at]).to_vec::<f64>(), [1., 2.]);
}

#[test]
fn batching_keeps_pieces_that_all_lanes_share() {
    let x = array![[1., 2., 3.], [4., 5., 6.]];
    let (i, j) = (array![0, 2], array(1));
    let u = array![[7.], [8.]];
    let cut = |x: &Array, i: &Array| dynamic_slice(x, &[i], &[1]);
    let put = |x: &Array, u: &Array, i: &Array| dynamic_update_slice(x, u, &[i]);
    let names = |j: std::sync::Arc<cotangent::Jaxpr>| j.primitives().collect::<Vec<_>>().join(" ");
    assert_eq!(names(make_jaxpr(vmap_axes(cut, (0, None), 0), (&x, &j))), "dynamic_slice");
    assert!(names(make_jaxpr(vmap(cut), (&x, &i))).ends_with("gather"));
    assert_eq!(names(make_jaxpr(vmap_axes(put, (0, 0, None), 0), (&x, &u, &j))), "dynamic_update_slice");
    assert!(names(make_jaxpr(vmap(put), (&x, &u, &i))).ends_with("scatter"));
}

#[test]
fn programs_print_as_those_of_jax() {
    let f = |x: &Array, i: &Array, u: &Array, at: &Array| {
        let mode = GatherScatterMode::FillOrDrop;
        let rows = GatherDimensionNumbers::new(&[1], &[0], &[0]);
        let a = gather(x, i, &rows, &[1, 2], &GatherOptions { mode, ..Default::default() });
        let rows = ScatterDimensionNumbers::new(&[1], &[0], &[0]);
        let b = scatter_add(x, i, u, &rows, &Default::default());
        let options = ScatterOptions { mode: GatherScatterMode::Clip, unique_indices: true, ..Default::default() };
        let c = scatter(&b, i, &a, &rows, &options);
        let e = dynamic_update_slice(&c, &dynamic_slice(&c, &[at, at], &[2, 1]), &[at, at]);
        concatenate(&[&rev(&e, &[0, 1]), &c], 1)
    };
    let x = array![[1., 2.], [3., 4.], [5., 6.]];
    let (i, u) = (array![[0], [1], [2], [3]], array![[1., 2.], [3., 4.], [5., 6.], [7., 8.]]);
    let wanted = "\
{ lambda ; a:f32[3,2] b:i32[4,1] c:f32[4,2] d:i32[]. let
    e:f32[4,2] = gather[
      dimension_numbers=GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,), operand_batching_dims=(), start_indices_batching_dims=())
      fill_value=nan
      indices_are_sorted=False
      mode=GatherScatterMode.FILL_OR_DROP
      slice_sizes=(1, 2)
      unique_indices=False
    ] a b
    f:f32[3,2] = scatter-add[
      dimension_numbers=ScatterDimensionNumbers(update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), operand_batching_dims=(), scatter_indices_batching_dims=())
      indices_are_sorted=False
      mode=GatherScatterMode.FILL_OR_DROP
      unique_indices=False
      update_consts=()
      update_jaxpr={ lambda ; g:f32[] h:f32[]. let i:f32[] = add g h in (i,) }
    ] a b c
    j:f32[3,2] = scatter[
      dimension_numbers=ScatterDimensionNumbers(update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,), operand_batching_dims=(), scatter_indices_batching_dims=())
      indices_are_sorted=False
      mode=GatherScatterMode.CLIP
      unique_indices=True
      update_consts=()
      update_jaxpr=None
    ] f b e
    k:f32[2,1] = dynamic_slice[slice_sizes=(2, 1)] j d d
    l:f32[3,2] = dynamic_update_slice j k d d
    m:f32[3,2] = rev[dimensions=(0, 1)] l
    n:f32[3,4] = concatenate[dimension=1] m j
  in (n,) }";
    assert_eq!(make_jaxpr(f, (&x, &i, &u, &Array::from_slice(&[1i32], &[]))).to_string(), wanted);
}

#[test]
fn extremes_of_complex_numbers() {
    // ordered by real parts, then by imaginary parts; numbers from JAX
    let (_, dims) = each();
    let z = |re: Vec<f64>, im: Vec<f64>| complex(&array(re), &array(im));
    let x = z(vec![1., 2., f64::NAN, 3.], vec![5., -1., 4., 0.5]);
    let u = z(vec![1., 1., 2., 2., 3.], vec![7., -2., -3., 1., 9.]);
    let i = array![[0], [0], [1], [1], [8]];
    let y = scatter_max(&x, &i, &u, &dims, &Default::default());
    assert_eq!(real(&y).to_string(), "[ 1.  2. nan  3.]");
    assert_eq!(imag(&y).to_vec::<f64>(), [7., 1., 4., 0.5]);
    let y = scatter_min(&x, &i, &u, &dims, &Default::default());
    assert_eq!(real(&y).to_string(), "[ 1.  2. nan  3.]");
    assert_eq!(imag(&y).to_vec::<f64>(), [-2., -3., 4., 0.5]);
    let none = z(vec![], vec![]);
    assert_eq!(scatter_max(&none, &i, &u, &dims, &Default::default()).shape(), [0]);
}

#[test]
fn recorded_programs_that_apply_a_function() {
    // x.at[i].apply(f) as JAX records it: the update program is f of its first argument
    let program = |prim: &str, f: &str, unique: bool| {
        let scalar = r#"{"dtype": "float64", "shape": [], "weak": false}"#;
        let x = r#"{"dtype": "float64", "shape": [3], "weak": false}"#;
        let i = r#"{"dtype": "int32", "shape": [4, 1], "weak": false}"#;
        let u = r#"{"dtype": "float64", "shape": [4], "weak": false}"#;
        let update = format!(
            r#"{{"jaxpr": {{"in": [{{"id": 0, "aval": {scalar}}}, {{"id": 1, "aval": {scalar}}}], "consts": [],
            "eqns": [{{"prim": "{f}", "params": {{}}, "in": [{{"var": 0}}], "out": [{{"id": 2, "aval": {scalar}}}]}}],
            "out": [{{"var": 2}}]}}}}"#
        );
        let dims = r#"{"update_window_dims": [], "inserted_window_dims": [0], "scatter_dims_to_operand_dims": [0],
            "operand_batching_dims": [], "scatter_indices_batching_dims": []}"#;
        let params = format!(
            r#"{{"dimension_numbers": {dims}, "indices_are_sorted": false, "unique_indices": {unique},
            "mode": "FILL_OR_DROP", "update_jaxpr": {update}, "update_consts": []}}"#
        );
        let ins = format!(r#"[{{"id": 0, "aval": {x}}}, {{"id": 1, "aval": {i}}}, {{"id": 2, "aval": {u}}}]"#);
        cotangent::jaxpr::Loaded::parse(&format!(
            r#"{{"jaxpr": {{"in": {ins}, "consts": [], "eqns": [{{"prim": "{prim}", "params": {params},
            "in": [{{"var": 0}}, {{"var": 1}}, {{"var": 2}}], "out": [{{"id": 3, "aval": {x}}}]}}], "out": [{{"var": 3}}]}}}}"#
        ))
    };
    let (x, u) = (array(vec![2.0f64, 3., 5.]), array(vec![0.0f64; 4]));
    let twice = program("scatter", "square", false).expect("a program");
    // once at 0, twice at 2, dropped at 7: an index that is there twice applies the function twice
    let f = |x: &Array| twice.call(&[x.clone(), array![[2], [0], [2], [7]], u.clone()]).remove(0);
    assert_eq!(f(&x).to_vec::<f64>(), [4., 3., 625.]);
    assert_eq!(grad(|x: &Array| f(x).sum())(&x).to_vec::<f64>(), [4., 1., 500.]);
    let once = program("scatter", "neg", true).expect("a program");
    assert_eq!(once.call(&[x, array![[2], [0], [-1], [7]], u]).remove(0).to_vec::<f64>(), [-2., 3., -5.]);
    let e = program("scatter-add", "neg", false).err().expect("an addition that does not add");
    assert_eq!(e.kind(), ErrorKind::Unsupported);
}

#[test]
fn reversal_and_concatenation() {
    let x = array![[1., 2., 3.], [4., 5., 6.]];
    assert_eq!(rev(&x, &[1]).to_vec::<f32>(), [3., 2., 1., 6., 5., 4.]);
    assert_eq!(rev(&x, &[0, 1]).to_vec::<f32>(), [6., 5., 4., 3., 2., 1.]);
    assert_eq!(vmap_axes(|x: &Array| rev(x, &[0]), 1, 1)(&x).to_vec::<f32>(), [4., 5., 6., 1., 2., 3.]);
    let y = array![[7.], [8.]];
    assert_eq!(concatenate(&[&x, &y, &x], 1).to_vec::<f32>(), [1., 2., 3., 7., 1., 2., 3., 4., 5., 6., 8., 4., 5., 6.]);
    let f = |x: &Array, y: &Array| concatenate(&[x, y, x], 0);
    let each = vmap_axes(f, (1, None), 0)(&x, &array![7.]);
    assert_eq!(each.to_vec::<f32>(), [1., 4., 7., 1., 4., 2., 5., 7., 2., 5., 3., 6., 7., 3., 6.]);
    let (_, pull) = vjp(f, (&array![1., 2.], &array![3.]));
    let (dx, dy) = pull.call(&array![1., 2., 3., 4., 5.]);
    assert_eq!((dx.to_vec::<f32>(), dy.to_vec::<f32>()), (vec![5., 7.], vec![3.]));
    assert_eq!(stack(&[&array![1., 2.], &array![3., 4.]], 1).to_vec::<f32>(), [1., 3., 2., 4.]);
    assert_eq!(tile(&array![[1., 2.]], &[2, 2]).to_vec::<f32>(), [1., 2., 1., 2., 1., 2., 1., 2.]);
    assert_eq!(tile(&x, &[0, 1]).shape(), [0, 3]);
    let g = grad(|x: &Array| (tile(x, &[3]) * array![1., 2., 3., 4., 5., 6.]).sum())(&array![1., 2.]);
    assert_eq!(g.to_vec::<f32>(), [9., 12.]);
}

#[test]
fn mistakes_are_told() {
    let (g, s) = each();
    let x = array![1., 2., 3.];
    let i = array![[0], [1]];
    let message = |f: &dyn Fn() -> Array| catch(std::panic::AssertUnwindSafe(f)).unwrap_err().message().to_string();
    let o = ScatterOptions::default();
    let expect = [
        (
            message(&|| gather(&x, &x, &g, &[1], &Default::default())),
            "gather: indices float32[3] are not of an integer type (dtype)",
        ),
        (
            message(&|| gather(&x, &i, &g, &[4], &Default::default())),
            "gather: slice_sizes (4,): dimension 0 is collapsed, so it must be 1",
        ),
        (
            message(&|| gather(&x, &i, &GatherDimensionNumbers::new(&[1], &[], &[0]), &[4], &Default::default())),
            "gather: slice_sizes (4,) do not fit into float32[3]",
        ),
        (
            message(&|| gather(&x, &i, &GatherDimensionNumbers::new(&[], &[0], &[0, 1]), &[1], &Default::default())),
            "gather: index vectors of 1 components (int32[2,1]) for start_index_map (0, 1)",
        ),
        (
            message(&|| scatter(&x, &i, &x, &s, &o)),
            "scatter: updates float32[3] for indices int32[2,1] into float32[3], where update_window_dims are ()",
        ),
        (
            message(&|| scatter_add(&x, &i, &i, &s, &o)),
            "scatter-add: operands must have one element type (dtype), got float32[3] and int32[2,1]",
        ),
        (
            message(&|| dynamic_slice(&x, &[&array(0)], &[4])),
            "dynamic_slice: a box of extents (4,) does not fit into float32[3]",
        ),
        (
            message(&|| dynamic_slice(&expand_dims(&x, &[0]), &[&array(0), &Array::from_slice(&[0u8], &[])], &[1, 1])),
            "dynamic_slice: start indices must be integers of one type (dtype), got int32[] and uint8[]",
        ),
        (
            message(&|| dynamic_slice(&x, &[], &[1])),
            "dynamic_slice: 0 start indices for the 1 dimensions of float32[3]",
        ),
        (message(&|| rev(&x, &[1])), "rev: (1,) are not distinct dimensions of float32[3]"),
        (
            message(&|| concatenate(&[&x, &expand_dims(&x, &[0])], 0)),
            "concatenate: float32[3] and float32[1,3] cannot be joined along dimension 0",
        ),
        (message(&|| concatenate(&[], 0)), "concatenate: there is nothing to concatenate"),
    ];
    for (found, wanted) in &expect {
        assert_eq!(found, wanted)
    }
}

/// What is written by positions into an array that is given up lies in its memory, and is what it is otherwise; whoever has another handle sees nothing of it.
#[test]
fn given_up_arrays_are_written_in_place() {
    let address = |x: &Array| x.with_slice(|x: &[f32]| x.as_ptr() as usize);
    let positions = array![5, 70_000, 5];
    type Write = fn(np::At, Array) -> Array;
    let all: [(&str, Write); 5] = [
        ("set", |x, v| x.set(v)),
        ("add", |x, v| x.add(v)),
        ("mul", |x, v| x.mul(v)),
        ("min", |x, v| x.min(v)),
        ("max", |x, v| x.max(v)),
    ];
    for n in [80_000, 80_001] {
        let x = np::arange(n).astype(DType::Float32) * 0.5;
        for (name, write) in all {
            let v = array![2., -3., 4.];
            let want = write(x.at(&positions), v.clone());
            let own = &x + 0.;
            let there = address(&own);
            let got = write(own.into_at(&positions), v.clone());
            assert_eq!(address(&got), there, "{name}");
            same_bits(&got, &want, name);
            // with another handle
            let own = &x + 0.;
            let other = own.clone();
            same_bits(&write(own.into_at(&positions), v.clone()), &want, name);
            same_bits(&other, &x, name);
            // a mistake leaves nothing behind
            let own = &x + 0.;
            assert!(catch(|| write(own.into_at(array![5, 90_000]), v.i(..2))).is_err(), "{name}");
            let own = &x + 0.;
            assert!(catch(|| write(own.into_at(&positions), array![1., 2.])).is_err(), "{name}");
            same_bits(&write((&x + 0.).into_at(&positions), v.clone()), &want, name);
            // of another type, inside of a program, and under a derivative
            same_bits(&write((&x + 0.).into_at(&positions), v.astype(DType::Int32)), &want, name);
            let staged = jit(move |x: Array, p: &Array, v: &Array| write(x.into_at(p), v.clone()));
            same_bits(&staged(&x + 0., &positions, &v), &want, name);
        }
    }
    let slope = grad(|x: &Array| (x * 2.).into_at([0, 0]).add(array![1., 2.]).sum())(&array![1., 2.]);
    assert_eq!(slope.to_string(), "[2. 2.]");
}
