//! The functions of `nn`, `special` and `stats` against values and gradients recorded from JAX, and through every transformation.

mod common;

use common::{equal, near, nth, numbers};
use cotangent::optim::losses;
use cotangent::prelude::*;
use cotangent::{check_grads, nn, np, prim, special, stats, vmap};
use serde_json::Value;

fn decoded(v: &Value) -> Array {
    let number = |v: &Value| v.as_f64().unwrap_or_else(|| v.as_str().expect("a number").parse().expect("a number"));
    let data: Vec<f64> = v["data"].as_array().expect("a list").iter().map(number).collect();
    let shape = v["shape"].as_array().expect("a list").iter().map(|n| n.as_u64().expect("an extent") as usize);
    Array::from_slice(&data, &shape.collect::<Vec<_>>())
}

type F = Box<dyn Fn(&[Array]) -> Array + Send + Sync>;

/// The function of this name. Its arguments are arrays.
fn function(name: &str, case: &Value) -> F {
    macro_rules! of {
        ($f:expr; 1) => {
            Box::new(|x: &[Array]| $f(&x[0]))
        };
        ($f:expr; 2) => {
            Box::new(|x: &[Array]| $f(&x[0], &x[1]))
        };
        ($f:expr; 3) => {
            Box::new(|x: &[Array]| $f(&x[0], &x[1], &x[2]))
        };
        ($f:expr; 4) => {
            Box::new(|x: &[Array]| $f(&x[0], &x[1], &x[2], &x[3]))
        };
        ($f:expr; 5) => {
            Box::new(|x: &[Array]| $f(&x[0], &x[1], &x[2], &x[3], &x[4]))
        };
    }
    macro_rules! table { ($(= $n:tt $room:ident: $($f:ident)*;)* @ $($dist:ident $m:tt: $($g:ident)*;)* @ $($own:literal => $value:expr;)*) => {
        match name {
            $($(concat!(stringify!($room), ".", stringify!($f)) => of!($room::$f; $n),)*)*
            $($(concat!("stats.", stringify!($dist), ".", stringify!($g)) => of!(stats::$dist::$g; $m),)*)*
            $($own => Box::new($value),)*
            other => panic!("no function {other}"),
        }
    } }
    let mask = case.get("mask").map(|m| {
        let mask: Vec<bool> = m.as_array().expect("a list").iter().map(|b| b == 1).collect();
        Array::from_slice(&mask, &[2, 4, 3, 3])
    });
    let seen = array![[true, true, false, true], [false, true, true, true], [true, true, true, false]];
    let (s1, s2, s3, s4) = (seen.clone(), seen.clone(), seen.clone(), seen);
    let attention = nn::Attention::new;
    table! {
        = 1 nn: relu relu6 sigmoid softplus silu swish log_sigmoid hard_sigmoid hard_silu hard_swish hard_tanh tanh selu mish soft_sign sparse_plus sparse_sigmoid identity log1mexp
            logsumexp logmeanexp;
        = 1 special: gammaln digamma gamma factorial loggamma gammasgn erf erfc expit ndtr log_ndtr erfcx dawsn erfinv ndtri logit entr i0 i0e i1 i1e expi exp1 spence si ci fresnel_s fresnel_c;
        = 2 special: betaln beta comb poch zeta polygamma gammainc gammaincc gammainc_grad_a random_gamma_grad xlogy xlog1py rel_entr kl_div boxcox boxcox1p expn owens_t;
        = 3 special: betainc hyp1f1;
        = 2 losses: squared_error l2_loss absolute_error log_cosh hinge_loss perceptron_loss sigmoid_binary_cross_entropy softmax_cross_entropy safe_softmax_cross_entropy kl_divergence
            kl_divergence_with_log_targets convex_kl_divergence;
        @
        norm 3: logpdf pdf cdf logcdf sf logsf ppf isf;
        uniform 3: logpdf pdf cdf ppf;
        expon 3: logpdf pdf cdf logcdf sf logsf ppf;
        gamma 4: logpdf pdf cdf logcdf sf logsf;
        chi2 4: logpdf pdf cdf logcdf sf logsf;
        beta 5: logpdf pdf cdf logcdf sf logsf;
        t 4: logpdf pdf;
        cauchy 3: logpdf pdf cdf logcdf sf logsf ppf isf;
        laplace 3: logpdf pdf cdf;
        logistic 3: logpdf pdf cdf sf ppf isf;
        truncnorm 5: logpdf pdf cdf logcdf sf logsf;
        bernoulli 3: logpmf pmf;
        bernoulli 2: cdf ppf;
        poisson 3: logpmf pmf cdf;
        multivariate_normal 3: logpdf pdf;
        dirichlet 2: logpdf pdf;
        @
        "special.hyp2f1" => |x: &[Array]| special::hyp2f1(&x[0], &x[1], &x[2], &x[3]);
        "special.wofz_re" => |x: &[Array]| special::wofz(&prim::complex(&x[0], &x[1])).real();
        "special.wofz_im" => |x: &[Array]| special::wofz(&prim::complex(&x[0], &x[1])).imag();
        "special.sph_harm_y_re" => |x: &[Array]| harmonic(x).real();
        "special.sph_harm_y_im" => |x: &[Array]| harmonic(x).imag();
        "nn.elu" => |x: &[Array]| nn::elu(&x[0], 0.7);
        "nn.celu" => |x: &[Array]| nn::celu(&x[0], 1.7);
        "nn.leaky_relu" => |x: &[Array]| nn::leaky_relu(&x[0], 0.1);
        "nn.squareplus" => |x: &[Array]| nn::squareplus(&x[0], 3.0);
        "nn.gelu" => |x: &[Array]| nn::gelu(&x[0], true);
        "nn.gelu_exact" => |x: &[Array]| nn::gelu(&x[0], false);
        "nn.glu" => |x: &[Array]| nn::glu(&x[0], -1);
        "nn.softmax" => |x: &[Array]| nn::softmax(&x[0], -1);
        "nn.softmax_0" => |x: &[Array]| nn::softmax(&x[0], 0);
        "nn.softmax_both" => |x: &[Array]| nn::Softmax::new().axes(&[0, 1]).of(&x[0]);
        "nn.softmax_where" => move |x: &[Array]| nn::Softmax::new().where_(&s1).of(&x[0]);
        "nn.log_softmax" => |x: &[Array]| nn::log_softmax(&x[0], -1);
        "nn.log_softmax_0" => |x: &[Array]| nn::log_softmax(&x[0], 0);
        "nn.logsumexp_1" => |x: &[Array]| nn::LogSumExp::new().axis(1).keepdims().of(&x[0]);
        "nn.logsumexp_where" => move |x: &[Array]| nn::LogSumExp::new().axis(1).where_(&s2).of(&x[0]);
        "nn.logsumexp_weights" => |x: &[Array]| nn::LogSumExp::new().axis(1).weights(&x[1]).of(&x[0]);
        "nn.logsumexp_signed" => |x: &[Array]| nn::LogSumExp::new().axis(1).weights(&x[1]).with_sign(&x[0]).0;
        "nn.logmeanexp_where" => move |x: &[Array]| nn::LogSumExp::new().axis(0).where_(&s3).mean_of(&x[0]);
        "nn.standardize" => |x: &[Array]| nn::standardize(&x[0], -1);
        "nn.standardize_stable" => |x: &[Array]| nn::Standardize::new().axis(0).epsilon(0.1).stable().of(&x[0]);
        "nn.standardize_where" => move |x: &[Array]| nn::Standardize::new().axes(&[0, 1]).where_(&s4).of(&x[0]);
        "nn.attention" => |x: &[Array]| nn::dot_product_attention(&x[0], &x[1], &x[2]);
        "nn.attention_causal" => move |x: &[Array]| attention().causal().of(&x[0], &x[1], &x[2]);
        "nn.attention_bias" => move |x: &[Array]| {
            attention().bias(&x[3]).mask(mask.as_ref().expect("a mask")).of(&x[0], &x[1], &x[2])
        };
        "nn.attention_window" => move |x: &[Array]| attention().window(1, 0).of(&x[0], &x[1], &x[2]);
        "nn.attention_lengths" => move |x: &[Array]| attention().key_value_lengths(&array![2, 3]).of(&x[0], &x[1], &x[2]);
        "losses.huber_loss" => |x: &[Array]| losses::huber_loss(&x[0], &x[1], 0.8);
        "losses.cosine_similarity" => |x: &[Array]| losses::cosine_similarity(&x[0], &x[1], 0.5);
        "losses.cosine_distance" => |x: &[Array]| losses::cosine_distance(&x[0], &x[1], 0.5);
        "losses.sigmoid_focal_loss" => |x: &[Array]| losses::sigmoid_focal_loss(&x[0], &x[1], 1.7);
        "losses.poly_loss_cross_entropy" => |x: &[Array]| losses::poly_loss_cross_entropy(&x[0], &x[1], 1.5);
        "losses.smooth_labels" => |x: &[Array]| losses::smooth_labels(&x[0], 0.2);
        "losses.integer_labels" => |x: &[Array]| {
            losses::softmax_cross_entropy_with_integer_labels(&x[0], &x[1].astype(DType::Int32))
        };
        "special.multigammaln" => |x: &[Array]| special::multigammaln(&x[0], 3);
        "special.bessel_jn" => |x: &[Array]| special::bessel_jn(&x[0], 4, 50);
    }
}

/// How near to JAX's float64 values ours are. Where that is less than usual, it is JAX that is further from the truth.
fn tolerance(_name: &str) -> f64 {
    1e-11
}
/// Equal but for a small part of each number.
fn agree(found: &Array, want: &Array, tolerance: f64) -> Result<(), String> {
    if found.shape() != want.shape() {
        return Err(format!("shapes {:?} and {:?}", found.shape(), want.shape()));
    }
    for (i, (x, y)) in numbers(found).into_iter().zip(numbers(want)).enumerate() {
        if !((x - y).abs() <= tolerance * (y.abs() + 1e-3) || x == y || x.is_nan() && y.is_nan()) {
            return Err(format!(
                "element {i} is {x:e} and should be {y:e}, a difference of {:.1e}",
                (x / y - 1.0).abs()
            ));
        }
    }
    Ok(())
}
fn reversed(x: &Array) -> Array {
    let flat: Vec<f64> = x.to_vec::<f64>().into_iter().rev().collect();
    Array::from_slice(&flat, x.shape())
}

/// Degree and order come as numbers.
fn harmonic(x: &[Array]) -> Array {
    let whole = |x: &Array| x.astype(DType::Int32);
    special::sph_harm_y(&whole(&x[0]), &whole(&x[1]), &x[2], &x[3], 5)
}

/// What is wrong with the function of a case.
fn faults(case: &Value) -> Vec<String> {
    let name = case["name"].as_str().expect("a name");
    let mut wrong = vec![];
    let mut note = |what: &str, r: Result<(), String>| {
        if let Err(why) = r {
            wrong.push(format!("{name}: {what}: {why}"))
        }
    };
    let f = function(name, case);
    let args: Vec<Array> = case["args"].as_array().expect("a list").iter().map(decoded).collect();
    let y = f(&args);
    note("value", agree(&y, &decoded(&case["y"]), tolerance(name)));
    // the gradient of the sum of the elements times weights
    let places = |which: &str| -> Vec<usize> {
        case[which].as_array().expect("a list").iter().map(|n| n.as_u64().expect("a place") as usize).collect()
    };
    let by = places("by");
    let n = y.size();
    let weight = |i: usize| if n == 1 { 0.5 } else { 0.5 + i as f64 / (n - 1) as f64 };
    let weights = Array::from_slice(&(0..n).map(weight).collect::<Vec<_>>(), y.shape());
    let all = |moving: &Vec<Array>| {
        let mut x = args.clone();
        by.iter().zip(moving).for_each(|(i, m)| x[*i] = m.clone());
        x
    };
    let moving: Vec<Array> = by.iter().map(|i| args[*i].clone()).collect();
    let loss = |moving: &Vec<Array>| (f(&all(moving)) * &weights).sum();
    if !by.is_empty() {
        let found = grad(loss)(&moving);
        for ((i, found), want) in by.iter().zip(&found).zip(case["dx"].as_array().expect("a list")) {
            note(&format!("gradient {i}"), agree(found, &decoded(want), tolerance(name) * 30.0))
        }
        let staged = jit(grad(loss))(&moving);
        found.iter().zip(&staged).for_each(|(a, b)| note("gradient, staged", equal(a, b)));
    }
    if case["smooth"] == true {
        // by all that it is a smooth function of, also where JAX has no gradient
        let by = places("checked");
        let moving: Vec<Array> = by.iter().map(|i| args[*i].clone()).collect();
        let f = |moving: &Vec<Array>| {
            let mut x = args.clone();
            by.iter().zip(moving).for_each(|(i, m)| x[*i] = m.clone());
            f(&x)
        };
        let checked = if by.is_empty() { Ok(()) } else { catch(|| check_grads(f, (&moving,), 1)) };
        note("derivatives", checked.map_err(|e| e.to_string()))
    }
    note("staged", equal(&y, &jit(|x: &Vec<Array>| f(x))(&args)));
    // the arguments, and the same backwards, as two lanes
    let other: Vec<Array> = args.iter().map(reversed).collect();
    let lanes: Vec<Array> = args.iter().zip(&other).map(|(a, b)| prim::stack(&[a, b], 0)).collect();
    let both = vmap(|x: &Vec<Array>| f(x))(&lanes);
    note("the first lane", equal(&nth(&both, 0), &y));
    note("the second lane", equal(&nth(&both, 1), &f(&other)));
    // float32 stays what it is
    let small: Vec<Array> = args.iter().map(|x| x.astype(DType::Float32)).collect();
    let single = f(&small);
    let rough = if single.dtype() == DType::Float32 {
        near(&single, &y.astype(DType::Float32), 2e-4)
    } else {
        Err(single.dtype().to_string())
    };
    if case["smooth"] == true {
        note("float32", rough)
    }
    wrong
}

fn all_of(room: &str, count: usize) {
    let read = |text| serde_json::from_str::<Vec<Value>>(text).expect("the cases are JSON");
    let cases: Vec<Value> = [include_str!("data/functions.json"), include_str!("data/losses.json")].map(read).concat();
    let only = std::env::var("FUNCTION").unwrap_or_default();
    let mine: Vec<&Value> = cases.iter().filter(|c| c["name"].as_str().expect("a name").starts_with(room)).collect();
    assert_eq!(mine.len(), count, "cases of {room}");
    let wrong: Vec<String> = mine
        .iter()
        .filter(|c| c["name"].as_str().expect("a name").contains(&only))
        .flat_map(|c| catch(|| faults(c)).unwrap_or_else(|e| vec![format!("{}: {e}", c["name"])]))
        .collect();
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}
#[test]
fn of_networks() {
    all_of("nn.", 72)
}
#[test]
fn losses_of_optax() {
    all_of("losses.", 25);
    // extremes, and labels outside
    let wide = np::full(&[1, 2], f32::MAX);
    assert_eq!(losses::softmax_cross_entropy(&wide, array![[0., 1.]]).to_string(), "[0.6931472]");
    let of = |labels: &Array| losses::softmax_cross_entropy_with_integer_labels(&array![[1., 2.]], labels);
    assert!(jit(of)(&array![5]).i(0).to_f64().is_nan());
    assert!(catch(|| of(&array![5])).unwrap_err().to_string().contains("index 5 is out of bounds"));
    let told = catch(|| losses::softmax_cross_entropy_with_integer_labels(&array![[1., 2.]], &array![0.])).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Type);
}
#[test]
fn special_ones() {
    all_of("special.", 80)
}
/// What JAX has no number for, or another one than what the functions are.
#[test]
fn where_jax_has_nothing() {
    use std::f64::consts::LN_2;
    let of = |f: fn(&Array) -> Array, x: f64| f(&Array::from_slice(&[x], &[])).to_f64();
    assert_eq!(of(special::expi, 0.0), f64::NEG_INFINITY);
    assert_eq!((of(special::expi, f64::INFINITY), of(special::expi, f64::NEG_INFINITY)), (f64::INFINITY, 0.0));
    // E_2(0) is 1, the slope of the entropy of what is none 0
    assert_eq!(of(|x| special::expn(&array(2), x), 0.0), 1.0);
    assert_eq!(of(|x| grad(special::entr)(x), -1.0), 0.0);
    // I_x(a, 1) is x^a, and I_x(1, b) is 1 - (1 - x)^b
    let half = Array::from_slice(&[0.5f64], &[]);
    let by_a = grad(|a: &Array| special::betainc(a, &array(1.0), &half))(&Array::from_slice(&[2f64], &[])).to_f64();
    assert!((by_a + 0.25 * LN_2).abs() < 1e-14, "{by_a}");
    let by_b = grad(|b: &Array| special::betainc(&array(1.0), b, &half))(&Array::from_slice(&[2f64], &[])).to_f64();
    assert!((by_b - 0.25 * LN_2).abs() < 1e-14, "{by_b}");
    // what JAX has no second derivative of
    let by_a = |a: &Array| special::gammainc_grad_a(a, &half);
    let (second, h) = (grad(grad(|a: &Array| special::gammainc(a, &half)))(&half), 1e-5);
    let difference = (by_a(&(&half + h)) - by_a(&(&half - h))).to_f64() / (2.0 * h);
    assert!((second.to_f64() - difference).abs() < 1e-8, "{second} {difference}");
    let told = catch(|| grad(grad(|a: &Array| special::betainc(a, &half, &half)))(&half)).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::NotDifferentiable);
    let numbers = [1.0, -0.5, 1.0 / 6.0, 0.0, -1.0 / 30.0, 0.0, 1.0 / 42.0, 0.0, -1.0 / 30.0];
    assert_eq!(special::bernoulli(8).to_vec::<f32>(), numbers.map(|b: f64| b as f32));
}
#[test]
fn of_distributions() {
    all_of("stats.", 94)
}
