//! Derivatives where several answers could be defended (ties, kinks, poles, NaNs): what JAX says, recorded case by case.

mod common;

use common::numbers;
use cotangent::dtype::Element;
use cotangent::jaxpr::json::ArrayData;
use cotangent::np::{self, Mode};
use cotangent::prelude::*;
use cotangent::{Grad, lax, nn, prim, special};
use num_complex::Complex;
use serde_json::Value;
use std::collections::BTreeMap;

fn decoded(v: &Value) -> Array {
    let data = ArrayData::from_json(v).expect("an array");
    let x = match data.dtype.as_str() {
        "float32" => Array::from_slice(&f32::read_le(&data.bytes), &data.shape),
        "complex64" => Array::from_slice(&Complex::<f32>::read_le(&data.bytes), &data.shape),
        "complex128" => Array::from_slice(&Complex::<f64>::read_le(&data.bytes), &data.shape),
        t => panic!("elements of {t}"),
    };
    prim::convert_element_type(&x, x.dtype(), data.weak)
}
type F = fn(&[Array]) -> Array;

fn inf(order: f64) -> np::linalg::Norm {
    np::linalg::Norm::new().order(order)
}
fn one(x: &Array) -> Array {
    array(1.0).beside(x)
}
/// The functions of the cases.
#[rustfmt::skip]
fn functions() -> BTreeMap<&'static str, F> {
    macro_rules! table { ($($id:literal = |$($x:ident),*| $y:expr;)*) => { BTreeMap::from([$(($id, {
        let f: F = |v| { let [$($x),*] = v else { panic!("other operands") }; $y };
        f
    })),*]) } }
    table! {
        "abs(0)" = |x| np::abs(x);
        "abs(-0.)" = |x| np::abs(x);
        "sign(0)" = |x| np::sign(x);
        "floor(1)" = |x| np::floor(x);
        "ceil(1)" = |x| np::ceil(x);
        "round(0.5)" = |x| np::round(x, 0);
        "trunc(1)" = |x| np::trunc(x);
        "sqrt(0)" = |x| np::sqrt(x);
        "cbrt(0)" = |x| np::cbrt(x);
        "log(0)" = |x| np::log(x);
        "log1p(-1)" = |x| np::log1p(x);
        "rsqrt(0)" = |x| prim::rsqrt(x);
        "reciprocal(0)" = |x| np::reciprocal(x);
        "asin(1)" = |x| np::arcsin(x);
        "acos(1)" = |x| np::arccos(x);
        "acosh(1)" = |x| np::arccosh(x);
        "atanh(1)" = |x| np::arctanh(x);
        "erf_inv(1)" = |x| prim::erf_inv(x);
        "relu(0)" = |x| nn::relu(x);
        "relu6(0)" = |x| nn::relu6(x);
        "relu6(6)" = |x| nn::relu6(x);
        "elu(0)" = |x| nn::elu(x, 1.0);
        "celu(0)" = |x| nn::celu(x, 1.0);
        "selu(0)" = |x| nn::selu(x);
        "leaky_relu(0)" = |x| nn::leaky_relu(x, 0.01);
        "hard_tanh(1)" = |x| nn::hard_tanh(x);
        "hard_tanh(-1)" = |x| nn::hard_tanh(x);
        "hard_sigmoid(3)" = |x| nn::hard_sigmoid(x);
        "gelu(0)" = |x| nn::gelu(x, true);
        "softplus(0)" = |x| nn::softplus(x);
        "sinc(0)" = |x| np::sinc(x);
        "sinc(0) second" = |x| grad(np::sinc)(x);
        "x**0 (int) at 0" = |x| x.powi(0);
        "x**0. at 0" = |x| np::power(x, &array(0.0));
        "x**2. at 0" = |x| np::power(x, &array(2.0));
        "x**.5 at 0" = |x| np::power(x, &array(0.5));
        "x**1 (int) at 0" = |x| x.powi(1);
        "x**-1 (int) at 0" = |x| x.powi(-1);
        "pow(0,2)" = |x, y| np::power(x, y);
        "pow(0,0)" = |x, y| np::power(x, y);
        "pow(-2,2)" = |x, y| np::power(x, y);
        "max tie" = |x, y| np::maximum(x, y);
        "min tie" = |x, y| np::minimum(x, y);
        "fmax tie" = |x, y| np::fmax(x, y);
        "max(nan,1)" = |x, y| np::maximum(x, y);
        "clip edge" = |x| np::clip(x, 0.0, 1.0);
        "clip low edge" = |x| np::clip(x, 0.0, 1.0);
        "lax.clamp edge" = |x| prim::clamp(&(one(x) * 0.0), x, &one(x));
        "atan2(0,0)" = |y, x| np::arctan2(y, x);
        "atan2(0,-1)" = |y, x| np::arctan2(y, x);
        "hypot(0,0)" = |x, y| np::hypot(x, y);
        "logaddexp(1,1)" = |x, y| np::logaddexp(x, y);
        "logaddexp(-inf,-inf)" = |x, y| np::logaddexp(x, y);
        "logaddexp(inf,inf)" = |x, y| np::logaddexp(x, y);
        "logaddexp2(1,1)" = |x, y| np::logaddexp2(x, y);
        "rem(5.5,2)" = |x, y| prim::rem(x, y);
        "fmod(-5.5,2)" = |x, y| np::fmod(x, y);
        "mod(-5.5,2)" = |x, y| np::mod_(x, y);
        "mod(4,2)" = |x, y| np::mod_(x, y);
        "floor_divide(5,2)" = |x, y| np::floor_divide(x, y);
        "copysign(0,1)" = |x, y| np::copysign(x, y);
        "nextafter-free heaviside(0,.5)" = |x, y| np::heaviside(x, y);
        "xlogy(0,0)" = |x, y| special::xlogy(x, y);
        "xlog1py(0,-1)" = |x, y| special::xlog1py(x, y);
        "entr(0)" = |x| special::entr(x);
        "where(x>0,log x,0) at 0" = |x| np::where_(&x.gt(0.0), np::log(x), 0.0);
        "where(x>0,sqrt x,0) at -1" = |x| np::where_(&x.gt(0.0), np::sqrt(x), 0.0);
        "nan_to_num(nan)" = |x| np::nan_to_num(x);
        "nan_to_num(inf)" = |x| np::nan_to_num(x);
        "div(0,0)" = |x, y| np::divide(x, y);
        "reduce max tie" = |x| np::max(x);
        "reduce min tie" = |x| np::min(x);
        "max all equal" = |x| np::max(x);
        "max with nan" = |x| np::max(x);
        "nanmax" = |x| np::nanmax(x);
        "nansum" = |x| np::nansum(x);
        "norm(0)" = |x| np::linalg::norm(x);
        "norm1(0)" = |x| inf(1.0).of(x);
        "norminf tie" = |x| inf(f64::INFINITY).of(x);
        "std(const)" = |x| np::std(x);
        "var(const)" = |x| np::var(x);
        "prod one zero" = |x| np::prod(x);
        "prod two zeros" = |x| np::prod(x);
        "cumprod with zero" = |x| np::cumprod(x, None).sum();
        "cummax tie" = |x| prim::cummax(x, 0, false).sum();
        "cummin tie" = |x| prim::cummin(x, 0, false).sum();
        "median even" = |x| np::median(x);
        "median tie" = |x| np::median(x);
        "sort tie" = |x| np::sort(x, 0).i(0);
        "top_k tie" = |x| lax::top_k(x, 1, 0).0.i(0);
        "logsumexp([-inf,0])" = |x| nn::logsumexp(x);
        "logsumexp([inf,0])" = |x| nn::logsumexp(x);
        "logsumexp([-inf,-inf])" = |x| nn::logsumexp(x);
        "softmax inf" = |x| nn::softmax(x, -1).i(0);
        "max pool tie" = |x| lax::ReduceWindow::new(&[2]).window_strides(&[2]).max(x).sum();
        "gather clamp" = |x| x.at(array(vec![5])).mode(Mode::Clip).get().sum();
        "gather fill" = |x| x.at(array(vec![5])).mode(Mode::Fill).fill_value(0.0).get().sum();
        "at.max tie" = |x, u| x.at(0).max(u).sum();
        "at.min tie" = |x, u| x.at(0).min(u).sum();
        "scatter set duplicate" = |u| np::zeros(&[2]).at(array(vec![0, 0])).set(u).sum();
        "at.mul" = |x, u| x.at(array(vec![0, 1])).mul(u).sum();
        "det(0) 2x2" = |x| np::linalg::det(x);
        "eigvalsh(I)" = |x| np::linalg::eigvalsh(x).sum();
        "eigh vectors of I" = |x| np::linalg::eigh(x).vectors.i((0, 0));
        "svdvals(I)" = |x| np::linalg::svdvals(x).sum();
        "interp knot" = |x| np::interp(x, &array![0., 1., 2.], &array![0., 1., 5.]);
        "abs_sum norm ord 1" = |x| np::abs(x).sum();
        "argmax is flat" = |x| x.i(np::argmax(x));
        "ptp tie" = |x| np::ptp(x);
        "stop_gradient" = |x| stop_gradient(x) * x;
        "mean of empty" = |x| x.sum();
        "percentile" = |x| np::percentile(x, 50.0);
        "complex abs(0j)" = |z| np::abs(z);
        "complex abs(3+4j)" = |z| np::abs(z);
        "complex angle(0j)" = |z| np::angle(z);
        "complex real" = |z| np::real(z);
        "complex imag" = |z| np::imag(z);
        "complex abs2" = |z| np::real(&(z * np::conj(z)));
        "holomorphic square" = |z| z * z;
        "holomorphic exp" = |z| np::exp(z);
        "holomorphic log" = |z| np::log(z);
        "holomorphic sqrt" = |z| np::sqrt(z);
        "holomorphic sin" = |z| np::sin(z);
        "holomorphic div" = |z| 1 / z;
    }
}

/// Cases in which JAX forgets that an argument's type is weak, and returns a gradient whose type is not. Here a gradient has the type of its argument.
const FORGOTTEN: &[&str] = &[
    "x**0. at 0",
    "x**2. at 0",
    "x**.5 at 0",
    "pow(0,2)",
    "pow(0,0)",
    "pow(-2,2)",
    "complex abs(0j)",
    "complex abs(3+4j)",
    "complex angle(0j)",
    "complex real",
    "complex imag",
    "complex abs2",
];

/// How two values differ: in type, in a bit of a number that is the result of exact operations, or by more than the last digits.
fn difference(found: &Array, want: &Array) -> Option<String> {
    let ((a, x), (b, y)) = ((found.aval(), numbers(found)), (want.aval(), numbers(want)));
    let near = |(x, y): (&f64, &f64)| {
        x.is_nan() && y.is_nan()
            || x == y && (*x != 0.0 || x.is_sign_negative() == y.is_sign_negative())
            || (x - y).abs() <= 2e-7 * x.abs().max(y.abs())
    };
    let same = a.to_string() == b.to_string() && a.weak == b.weak && x.iter().zip(&y).all(near);
    (!same).then(|| format!("{found:?} ({a}) instead of {want:?} ({b})"))
}

#[test]
fn every_recorded_case() {
    let json: Value = serde_json::from_str(include_str!("data/derivatives.json")).expect("the cases are JSON");
    let cases = json["cases"].as_array().unwrap();
    let mut functions = functions();
    assert_eq!((cases.len(), functions.len()), (124, 124));
    let mut wrong = vec![];
    for case in cases {
        let id = case["id"].as_str().unwrap();
        let f = functions.remove(id).unwrap_or_else(|| panic!("no function for {id}"));
        if case.get("error").is_some() {
            // the one case for which JAX has no derivative
            assert_eq!(id, "at.mul");
            let x = vec![array![1., 0.], array![0., 2.]];
            let told = catch(|| grad(|x: &Vec<Array>| f(x))(&x)).unwrap_err();
            assert_eq!(told.kind(), ErrorKind::NotDifferentiable, "{told}");
            continue;
        }
        let args: Vec<Array> = case["args"].as_array().unwrap().iter().map(decoded).collect();
        let holomorphic = id.starts_with("holomorphic");
        let of = |x: &Vec<Array>| f(x);
        let by =
            |of: &(dyn Fn(&Vec<Array>) -> Array + Sync)| Grad::new().holomorphic(holomorphic).value_and_grad(of)(&args);
        let (y, grads) = by(&of);
        let staged = jit(of);
        let (staged_y, staged_grads) = by(&|x: &Vec<Array>| staged(x));
        let mut want_y = decoded(&case["y"]);
        if want_y.dtype() == DType::Complex128 {
            // a number of Python's, whose type says nothing
            want_y = prim::convert_element_type(&want_y, DType::Complex64, true);
        }
        let mut off = vec![difference(&y, &want_y), difference(&staged_y, &want_y)];
        let want: Vec<Array> = case["grads"].as_array().unwrap().iter().map(decoded).collect();
        assert_eq!((grads.len(), staged_grads.len()), (want.len(), want.len()), "{id}");
        for (((g, s), w), x) in grads.iter().zip(&staged_grads).zip(&want).zip(&args) {
            assert!(
                !FORGOTTEN.contains(&id) || args.iter().zip(&want).any(|(x, w)| x.weak_type() && !w.weak_type()),
                "{id}"
            );
            let weak = if FORGOTTEN.contains(&id) { x.weak_type() } else { w.weak_type() };
            let w = prim::convert_element_type(w, w.dtype(), weak);
            off.extend([difference(g, &w), difference(s, &w)]);
        }
        wrong.extend(off.into_iter().flatten().map(|off| format!("{id}: {off}")));
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
