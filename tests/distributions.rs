//! Distributions against what JAX draws, their derivatives, and how they behave under transformations.

mod common;

use common::{nth, numbers, same, told};
use cotangent::jaxpr::json::ArrayData;
use cotangent::prelude::*;
use cotangent::random::{self, Categorical, Choice, Draw, Key, Mode, Permutation, Root, key};
use cotangent::{jvp, lax, vmap};
use serde_json::Value;

/// An array: encoded, or as a number, a list of numbers, or a text such as `arange(12.).reshape(4,3)`.
fn decoded(case: &Value) -> Array {
    match case {
        Value::Object(_) => {}
        Value::String(s) => {
            let n: Vec<usize> = s.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
            return array((0..n[0]).map(|x| x as f32).collect::<Vec<_>>()).reshape(&n[1..]);
        }
        _ => return floats(case).map_or_else(|| array(case.as_f64().expect("a number")), array),
    }
    let data = ArrayData::from_json(case).expect("an array");
    let dtype = DType::from_name(&data.dtype).expect("a type");
    macro_rules! of { ($($d:ident $t:ty),*) => { match dtype {
        $(DType::$d => Array::from_slice(&<$t as cotangent::dtype::Element>::read_le(&data.bytes), &data.shape),)*
        t => panic!("elements of {t}"),
    } } }
    of!(Bool bool, Int32 i32, Uint8 u8, Float16 half::f16, BFloat16 half::bf16, Float32 f32, Float64 f64)
}
fn usizes(v: &Value) -> Vec<usize> {
    v.as_array().expect("a list").iter().map(|n| n.as_u64().expect("an extent") as usize).collect()
}
fn floats(v: &Value) -> Option<Vec<f32>> {
    Some(v.as_array()?.iter().map(|x| x.as_f64().expect("a number") as f32).collect())
}

/// The function of a case, of its parameters.
fn draw(case: &Value, p: &[&Array]) -> Array {
    let args = &case["args"];
    let k = key(case["seed"].as_i64().unwrap());
    let shape = args.get("shape").filter(|s| s.is_array()).map(usizes);
    let to = shape.as_deref().unwrap_or(&[]);
    let int = |name: &str| args[name].as_i64().unwrap_or(0);
    let x = args.get("x").map(decoded);
    let mut d = args.get("dtype").map_or(Draw::new(), |t| Draw::of(DType::from_name(t.as_str().unwrap()).unwrap()));
    d = match args.get("mode").and_then(Value::as_str) {
        Some("high") => d.mode(Mode::High),
        Some("highest") => d.mode(Mode::Highest),
        _ => d,
    };
    macro_rules! table { ($($name:ident $n:tt),*) => { match case["fn"].as_str().unwrap() {
        $(stringify!($name) => table!(@ $name $n),)*
        "random_gamma_grad" => lax::random_gamma_grad(p[0], p[1]),
        "orthogonal" => d.orthogonal(k, int("n") as usize, int("m") as usize, to),
        "ball" => d.ball(k, int("d") as usize, args["p"].as_f64().unwrap(), to),
        "bernoulli" => d.bernoulli(k, args["p"].as_f64().unwrap(), to),
        "multivariate_normal" => {
            let cov: Vec<f32> = args["cov"].as_array().unwrap().iter().flat_map(|r| floats(r).unwrap()).collect();
            d.multivariate_normal(k, array(floats(&args["mean"]).unwrap()), Array::from_slice(&cov, &[2, 2]), to)
        }
        "permutation" if args.get("n").is_some() => random::permutation(k, int("n")),
        "permutation" => {
            let o = Permutation::new().axis(int("axis") as i32);
            if args["independent"] == true { o.independent() } else { o }.of(k, x.clone().unwrap_or_else(grid))
        }
        "choice" => {
            let mut o = Choice::new().axis(int("axis") as i32);
            if let Some(p) = floats(&args["p"]) { o = o.p(p) }
            if args["replace"] == false { o = o.without_replacement() }
            if args.get("n").is_some() { o.of(k, int("n"), to) } else { o.of(k, grid(), to) }
        }
        "categorical" => {
            let mut o = Categorical::new().axis(int("axis") as i32);
            if let Some(s) = &shape { o = o.shape(s) }
            if args["replace"] == false { o = o.without_replacement() }
            o.of(k, &decoded(&args["logits"]))
        }
        other => panic!("no function {other}"),
    } };
        (@ $name:ident 0) => { d.$name(k, to) };
        (@ $name:ident 1) => { d.$name(k, p[0], to) };
        (@ $name:ident 2) => { d.$name(k, p[0], p[1], to) };
        (@ $name:ident 3) => { d.$name(k, p[0], p[1], p[2], to) };
    }
    table!(exponential 0, gumbel 0, laplace 0, logistic 0, cauchy 0, maxwell 0, rademacher 0, pareto 1, rayleigh 1, lognormal 1, wald 1, gamma 1, loggamma 1, t 1,
        chisquare 1, generalized_normal 1, beta 2, f 2, weibull_min 2, truncated_normal 2, triangular 3, double_sided_maxwell 2, dirichlet 1, geometric 1,
        poisson 1, binomial 2, multinomial 2)
}
fn grid() -> Array {
    array((0..24).map(|x| x as f32).collect::<Vec<_>>()).reshape(&[4, 6])
}
fn cases() -> Vec<Value> {
    let json: Value = serde_json::from_str(include_str!("data/distributions.json")).expect("the cases are JSON");
    let streams: Value = serde_json::from_str(include_str!("data/random.json")).expect("the cases are JSON");
    let streams: Vec<Value> = streams["cases"].as_array().unwrap().iter().filter_map(named).collect();
    assert_eq!(streams.len(), 173);
    json["cases"].as_array().unwrap().iter().cloned().chain(streams).collect()
}
/// A case of the recorded streams, whose parameters have names, as one of these; `None` of those that tests/random.rs reads.
fn named(case: &Value) -> Option<Value> {
    const PARAMETERS: &[(&str, &[&str])] = &[
        ("truncated_normal", &["lower", "upper"]),
        ("gamma", &["a"]),
        ("beta", &["a", "b"]),
        ("dirichlet", &["alpha"]),
        ("poisson", &["lam"]),
        ("t", &["df"]),
        ("geometric", &["p"]),
        ("pareto", &["b"]),
        ("lognormal", &["sigma"]),
        ("triangular", &["left", "mode", "right"]),
        ("rayleigh", &["scale"]),
        ("weibull_min", &["scale", "concentration"]),
    ];
    const PLAIN: &[&str] = &[
        "gumbel",
        "exponential",
        "laplace",
        "logistic",
        "cauchy",
        "permutation",
        "choice",
        "categorical",
        "rademacher",
        "ball",
        "orthogonal",
        "multivariate_normal",
        "maxwell",
    ];
    let mut case = case.clone();
    let name = case["fn"].as_str().unwrap().to_string();
    let parameters = PARAMETERS.iter().find(|(n, _)| *n == name).map(|p| p.1);
    if parameters.is_none() && !PLAIN.contains(&name.as_str()) {
        return None;
    }
    let key = case["key"].as_str().unwrap();
    case["seed"] = key[4..key.len() - 1].parse::<i64>().unwrap().into();
    let args = case["args"].as_object_mut().unwrap();
    if let Some(parameters) = parameters {
        let list: Vec<Value> = parameters.iter().map(|p| args[*p].clone()).collect();
        args.insert("params".into(), list.into());
    }
    match name.as_str() {
        "categorical" => {
            args.entry("axis").or_insert((-1).into());
        }
        "choice" => {
            let n = args["a"].clone();
            args.insert("n".into(), n);
        }
        "orthogonal" => {
            let n = args["n"].clone();
            args.insert("m".into(), n);
        }
        "ball" => {
            args.insert("p".into(), 2.0.into());
        }
        _ => {}
    }
    Some(case)
}
fn parameters(case: &Value) -> Vec<Array> {
    case["args"].get("params").map_or(vec![], |p| p.as_array().unwrap().iter().map(decoded).collect())
}
/// By how many units in the last place of the greater one (or of 1/16, where terms cancel) they differ at most.
fn ulps(a: &Array, b: &Array) -> f64 {
    let Some(info) = a.dtype().float_info() else { return if numbers(a) == numbers(b) { 0.0 } else { f64::INFINITY } };
    let off = |(x, y): (f64, f64)| match x == y || x.is_nan() && y.is_nan() {
        true => 0.0,
        false if x.is_finite() && y.is_finite() => (x - y).abs() / (info.eps * x.abs().max(y.abs()).max(1.0 / 16.0)),
        false => f64::INFINITY,
    };
    numbers(a).into_iter().zip(numbers(b)).map(off).fold(0.0, f64::max)
}

#[test]
fn numbers_are_those_of_jax() {
    let (mut wrong, cases) = (vec![], cases());
    assert!(cases.len() > 150);
    let mut worst = std::collections::BTreeMap::<String, f64>::new();
    for case in &cases {
        let want = decoded(case);
        let p = parameters(case);
        let found = draw(case, &p.iter().collect::<Vec<_>>());
        let what = format!("{} from {} with {}", case["fn"], case["seed"], case["args"]);
        assert_eq!((found.dtype(), found.shape()), (want.dtype(), want.shape()), "{what}");
        assert!(!found.weak_type(), "{what}");
        // what is made of several functions, and what is cut off where logarithms differ by a unit
        let allowed = match case["fn"].as_str().unwrap() {
            "random_gamma_grad" => 400.0,
            _ => 40.0,
        };
        let off = ulps(&found, &want);
        let w = worst.entry(case["fn"].to_string()).or_default();
        *w = w.max(off);
        if off > allowed {
            wrong.push(format!("{what}: {off} ulp: {found} instead of {want}"))
        }
    }
    println!("{worst:?}");
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn derivatives_are_those_of_jax() {
    let (mut wrong, mut n) = (vec![], 0);
    for case in cases().iter().filter(|c| c.get("derivative").is_some()) {
        let want = decoded(&case["derivative"]);
        let p = parameters(case);
        let ones: Vec<Array> = p.iter().map(|p| p * 0.0 + 1.0).collect();
        let (_, found) = jvp(|p: &Vec<Array>| draw(case, &p.iter().collect::<Vec<_>>()), (&p,), (&ones,));
        n += 1;
        for (x, y) in numbers(&found).into_iter().zip(numbers(&want)) {
            // JAX computes the derivative of the gamma distribution in float32
            if (x - y).abs() > 2e-4 * (1.0 + y.abs()) {
                wrong.push(format!("{} with {}: {found} instead of {want}", case["fn"], case["args"]));
                break;
            }
        }
    }
    assert!(n > 30, "{n}");
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// One call of every function: of a key and one parameter.
type Call = fn(Key, &Array) -> Array;
const CALLS: &[(&str, bool, Call)] = &[
    ("exponential", true, |k, x| random::exponential(k, &[3]) * x),
    ("gumbel", true, |k, x| random::gumbel(k, &[3]) * x),
    ("laplace", true, |k, x| random::laplace(k, &[3]) * x),
    ("logistic", true, |k, x| random::logistic(k, &[3]) * x),
    ("cauchy", true, |k, x| random::cauchy(k, &[3]) * x),
    ("maxwell", true, |k, x| random::maxwell(k, &[3]) * x),
    ("rademacher", true, |k, x| Draw::of(DType::Float64).rademacher(k, &[3]) * x),
    ("pareto", true, |k, x| Draw::of(DType::Float64).pareto(k, x, &[3])),
    ("rayleigh", true, |k, x| Draw::of(DType::Float64).rayleigh(k, x, &[3])),
    ("lognormal", true, |k, x| Draw::of(DType::Float64).lognormal(k, x, &[3])),
    ("wald", true, |k, x| Draw::of(DType::Float64).wald(k, x, &[3])),
    ("weibull_min", true, |k, x| Draw::of(DType::Float64).weibull_min(k, x, x + 1.0, &[3])),
    ("triangular", true, |k, x| Draw::of(DType::Float64).triangular(k, -x, x * 0.5, x, &[3])),
    ("truncated_normal", true, |k, x| Draw::of(DType::Float64).truncated_normal(k, -x, x * 2.0, &[3])),
    ("double_sided_maxwell", true, |k, x| Draw::of(DType::Float64).double_sided_maxwell(k, x, x, &[3])),
    ("gamma", true, |k, x| Draw::of(DType::Float64).gamma(k, x, &[3])),
    ("loggamma", true, |k, x| Draw::of(DType::Float64).loggamma(k, x, &[3])),
    ("beta", true, |k, x| Draw::of(DType::Float64).beta(k, x, 2.0, &[3])),
    ("t", true, |k, x| Draw::of(DType::Float64).t(k, x, &[3])),
    ("chisquare", true, |k, x| Draw::of(DType::Float64).chisquare(k, x, &[3])),
    ("f", true, |k, x| Draw::of(DType::Float64).f(k, x, 3.0, &[3])),
    ("generalized_normal", true, |k, x| Draw::of(DType::Float64).generalized_normal(k, x, &[3])),
    ("ball", true, |k, x| Draw::of(DType::Float64).ball(k, 2, x, &[2])),
    ("dirichlet", true, |k, x| Draw::of(DType::Float64).dirichlet(k, prim_row(x), &[2])),
    ("multivariate_normal", true, |k, x| {
        Draw::of(DType::Float64).multivariate_normal(
            k,
            prim_row(x),
            cotangent::np::outer(&prim_row(x), &prim_row(x)) + eye() * x,
            &[],
        )
    }),
    ("random_gamma_grad", true, |k, x| {
        lax::random_gamma_grad(x, &(random::uniform(k, &[3]).astype(DType::Float64) * 3.0))
    }),
    ("geometric", false, |k, x| random::geometric(k, x / 4.0, &[3])),
    ("poisson", false, |k, x| random::poisson(k, (x * 9.0).astype(DType::Float32), &[3])),
    ("binomial", false, |k, x| random::binomial(k, 30, (x / 4.0).astype(DType::Float32), &[3])),
    ("multinomial", false, |k, x| random::multinomial(k, 30, (prim_row(x) / 6.0).astype(DType::Float32), &[3])),
    ("orthogonal", false, |k, _| random::orthogonal(k, 3, 2, &[2])),
    ("permutation", false, |k, x| Permutation::new().axis(1).of(k, cotangent::np::outer(&prim_row(x), &prim_row(x)))),
    ("choice", false, |k, x| Choice::new().p(prim_row(x)).of(k, 3, &[2, 2])),
    ("choice without replacement", false, |k, x| Choice::new().p(prim_row(x)).without_replacement().of(k, 3, &[2])),
    ("categorical", false, |k, x| Categorical::new().shape(&[4]).of(k, &prim_row(x))),
    ("bernoulli", false, |k, x| Draw::new().mode(Mode::High).bernoulli(k, x / 4.0, &[3])),
];
/// x, 2x, x/2.
fn prim_row(x: &Array) -> Array {
    x * Array::from_slice(&[1.0f64, 2.0, 0.5], &[3])
}
fn eye() -> Array {
    Array::from_slice(&[1.0f64, 0., 0., 0., 1., 0., 0., 0., 1.], &[3, 3])
}

#[test]
fn compiled_and_mapped_ones_are_the_same() {
    let at = [0.6f64, 1.3, 2.2];
    let xs = Array::from_slice(&at, &[3]);
    for (name, _, call) in CALLS {
        let one = |i: usize| call(random::fold_in(key(8), i as i32), &Array::from_slice(&[at[i]], &[]));
        let compiled = jit(*call)(random::fold_in(key(8), 1), &Array::from_slice(&[at[1]], &[]));
        same(&format!("{name} compiled"), &compiled, &one(1));
        let keys = vmap(|i: &Array| random::fold_in(key(8), i))(&array(vec![0i32, 1, 2]));
        let lanes = vmap(*call)(keys, &xs);
        for i in 0..3 {
            if *name == "orthogonal" || *name == "multivariate_normal" {
                // factorizations and products have no promise about single lanes
                common::close(&format!("{name}, lane {i}"), &nth(&lanes, i), &one(i), 1e-5)
            } else {
                same(&format!("{name}, lane {i}"), &nth(&lanes, i), &one(i))
            }
        }
    }
}

#[test]
fn derivatives_are_those_of_differences() {
    // those of the gamma family are differentiated at their quantile, not as the algorithm draws them
    let quantiles = ["gamma", "loggamma", "beta", "t", "chisquare", "f", "generalized_normal", "ball", "dirichlet"];
    for (name, _, call) in CALLS.iter().filter(|c| c.1) {
        let x = Array::from_slice(&[1.3f64], &[]);
        let f = |x: &Array| call(key(21), x).astype(DType::Float64);
        let (_, dy) = jvp(f, (&x,), (&Array::from_slice(&[1.0f64], &[]),));
        let h = 1e-5;
        let fixed = (f(&(&x + h)) - f(&(&x - h))) / (2.0 * h);
        if !quantiles.contains(name) {
            common::close(&format!("{name} forwards"), &dy, &fixed, 1e-4)
        }
        let back = grad(|x: &Array| f(x).sum())(&x);
        common::close(&format!("{name} backwards"), &back, &dy.sum(), 1e-9);
    }
    // a second derivative, through the derivative rule of the gamma distribution: x' = g(a, x), so x'' = g_a + g_x g
    let f = |a: &Array| Draw::of(DType::Float64).gamma(key(3), a, &[]);
    let a = Array::from_slice(&[2.5f64], &[]);
    let (x, second) = (f(&a), grad(grad(f))(&a));
    let slope = lax::random_gamma_grad(&a, &x);
    let (_, wanted) = jvp(lax::random_gamma_grad, (&a, &x), (&(&a * 0.0 + 1.0), &slope));
    common::close("the second derivative", &second, &wanted, 1e-10);
}

/// The derivative of a quantile, from the quantiles of two distributions that are a little apart.
#[test]
fn the_quantile_moves_as_the_derivative_says() {
    // P(a, x) by the series, in as many terms as it takes
    let below = |a: f64, x: f64| {
        let (mut term, mut sum) = (1.0, 1.0);
        for n in 1..2000 {
            term *= x / (a + n as f64);
            sum += term
        }
        let log_gamma = cotangent::prim::lgamma(&Array::from_slice(&[a + 1.0], &[])).to_f64();
        sum * (a * x.ln() - x - log_gamma).exp()
    };
    let quantile = |a: f64, u: f64| {
        let (mut low, mut high) = (0.0, 4.0 * a + 40.0);
        for _ in 0..200 {
            let middle = (low + high) / 2.0;
            if below(a, middle) < u { low = middle } else { high = middle }
        }
        low
    };
    for (a, x) in
        [(0.3, 0.05), (0.3, 1.5), (1.0, 0.7), (2.5, 2.0), (2.5, 5.0), (30.0, 24.0), (30.0, 38.0), (300.0, 310.0)]
    {
        let (u, h) = (below(a, x), 1e-4 * a);
        let wanted = (quantile(a + h, u) - quantile(a - h, u)) / (2.0 * h);
        let of = |x: f64| Array::from_slice(&[x], &[]);
        let found = lax::random_gamma_grad(&of(a), &of(x)).to_f64();
        assert!((found - wanted).abs() < 1e-6 * wanted.abs(), "{a} {x}: {found} and {wanted}");
    }
    assert!(
        lax::random_gamma_grad(&array![-1., 1., f32::NAN], &array![1., -1., 1.])
            .to_vec::<f32>()
            .iter()
            .all(|x| x.is_nan())
    );
    assert_eq!(lax::random_gamma_grad(&array(2.0), &array(0.0)).to_f64(), 0.0);
}

/// The greatest distance between the shares of the numbers and of the distribution with this density (which need not have the integral 1) that lie below a limit, in units in which 1.95 is
/// exceeded once in a thousand times: Kolmogorov's test.
fn distance(mut x: Vec<f64>, (low, high): (f64, f64), density: impl Fn(f64) -> f64) -> f64 {
    const CELLS: usize = 200_000;
    let width = (high - low) / CELLS as f64;
    let mut sums = vec![0.0];
    for i in 0..CELLS {
        sums.push(sums[i] + density(low + (i as f64 + 0.5) * width))
    }
    let below = |x: f64| {
        let at = ((x - low) / width).clamp(0.0, CELLS as f64);
        let i = (at as usize).min(CELLS - 1);
        (sums[i] + (at - i as f64) * (sums[i + 1] - sums[i])) / sums[CELLS]
    };
    x.sort_by(f64::total_cmp);
    let n = x.len() as f64;
    let far = |(i, x): (usize, &f64)| (below(*x) - i as f64 / n).abs().max((below(*x) - (i + 1) as f64 / n).abs());
    x.iter().enumerate().map(far).fold(0.0, f64::max) * n.sqrt()
}

#[test]
fn densities() {
    const N: usize = 4000;
    type Case = (&'static str, Array, (f64, f64), fn(f64) -> f64);
    let d = Draw::of(DType::Float64);
    let pi = std::f64::consts::PI;
    let cases: Vec<Case> = vec![
        ("exponential", random::exponential(key(1), &[N]), (0.0, 40.0), |x| (-x).exp()),
        ("gumbel", random::gumbel(key(1), &[N]), (-5.0, 40.0), |x| (-x - (-x).exp()).exp()),
        ("finest gumbel", Draw::new().mode(Mode::Highest).gumbel(key(1), &[N]), (-5.0, 40.0), |x| {
            (-x - (-x).exp()).exp()
        }),
        ("laplace", random::laplace(key(1), &[N]), (-30.0, 30.0), |x| (-x.abs()).exp()),
        ("logistic", random::logistic(key(1), &[N]), (-40.0, 40.0), |x| {
            (-x.abs()).exp() / (1.0 + (-x.abs()).exp()).powi(2)
        }),
        ("cauchy", prim_atan(&random::cauchy(key(1), &[N])), (-pi / 2.0, pi / 2.0), |_| 1.0),
        ("maxwell", random::maxwell(key(1), &[N]), (0.0, 10.0), |x| x * x * (-x * x / 2.0).exp()),
        ("pareto", d.pareto(key(1), 3.0, &[N]).log(), (0.0, 15.0), |x| (-3.0 * x).exp()),
        ("rayleigh", d.rayleigh(key(1), 2.0, &[N]), (0.0, 20.0), |x| x * (-x * x / 8.0).exp()),
        ("lognormal", d.lognormal(key(1), 0.5, &[N]).log(), (-5.0, 5.0), |x| (-x * x * 2.0).exp()),
        ("weibull_min", d.weibull_min(key(1), 2.0, 1.5, &[N]), (0.0, 30.0), |x| {
            x.sqrt() * (-(x / 2.0).powf(1.5)).exp()
        }),
        ("wald", d.wald(key(1), 1.5, &[N]), (1e-6, 60.0), |x| x.powf(-1.5) * (-(x - 1.5).powi(2) / (4.5 * x)).exp()),
        ("triangular", d.triangular(key(1), -1.0, 0.5, 1.0, &[N]), (-1.0, 1.0), |x| {
            if x < 0.5 { (x + 1.0) / 1.5 } else { (1.0 - x) / 0.5 }
        }),
        ("truncated_normal", d.truncated_normal(key(1), -0.5, 2.0, &[N]), (-0.5, 2.0), |x| (-x * x / 2.0).exp()),
        ("gamma", d.gamma(key(1), 3.5, &[N]), (0.0, 40.0), |x| x.powf(2.5) * (-x).exp()),
        // of the logarithm, whose density has no pole
        ("loggamma", d.loggamma(key(1), 0.3, &[N]), (-60.0, 4.0), |y| (0.3 * y - y.exp()).exp()),
        ("beta", d.beta(key(1), 2.0, 1.5, &[N]), (0.0, 1.0), |x| x * (1.0 - x).sqrt()),
        ("t", d.t(key(1), 4.0, &[N]), (-200.0, 200.0), |x| (1.0 + x * x / 4.0).powf(-2.5)),
        ("chisquare", d.chisquare(key(1), 3.0, &[N]), (0.0, 60.0), |x| x.sqrt() * (-x / 2.0).exp()),
        ("f", d.f(key(1), 3.0, 20.0, &[N]), (0.0, 60.0), |x| x.sqrt() * (1.0 + 3.0 * x / 20.0).powf(-11.5)),
        ("generalized_normal", d.generalized_normal(key(1), 1.5, &[N]), (-20.0, 20.0), |x| (-x.abs().powf(1.5)).exp()),
        ("dirichlet", d.dirichlet(key(1), array![1., 2., 3.], &[N]).t().reshape(&[3 * N]), (0.0, 1.0), |x| {
            (1.0 - x).powi(4)
        }),
        ("ball", d.ball(key(1), 3, 2.0, &[N]).pow(2).astype(DType::Float64), (0.0, 1.0), |_| 1.0),
    ];
    for (name, x, range, density) in cases {
        let mut x = numbers(&x);
        match name {
            // the first component alone: it has the beta distribution with 1 and the sum of the others
            "dirichlet" => x.truncate(N),
            // the cube of the length is evenly distributed
            "ball" => x = x.chunks(3).map(|p| p.iter().sum::<f64>().powf(1.5)).collect(),
            _ => {}
        }
        let off = distance(x, range, density);
        assert!(off < 1.95, "{name}: {off}");
    }
}
fn prim_atan(x: &Array) -> Array {
    cotangent::prim::atan(x)
}

#[test]
fn counts() {
    const N: usize = 4000;
    // the sum of squared deviations of what was counted from what is expected, each over what is expected, over its degrees of freedom
    let off = |x: &Array, weight: &dyn Fn(i32) -> f64| {
        let x: Vec<i32> = numbers(x).into_iter().map(|x| x as i32).collect();
        let weights: Vec<f64> = (0..400).map(weight).collect();
        let total: f64 = weights.iter().sum();
        let (mut chi, mut cells) = (0.0, 0);
        for (k, w) in weights.iter().enumerate() {
            let expected = w / total * N as f64;
            if expected > 5.0 {
                let seen = x.iter().filter(|x| **x == k as i32).count() as f64;
                (chi, cells) = (chi + (seen - expected).powi(2) / expected, cells + 1)
            }
        }
        assert!(cells > 4);
        // nearly normal, with a deviation of the root of twice the degrees of freedom
        (chi - cells as f64) / (2.0 * cells as f64).sqrt()
    };
    let factorial = |n: i32| (1..=n).map(|k| (k as f64).ln()).sum::<f64>();
    let poisson = |lam: f64| move |k: i32| (k as f64 * lam.ln() - lam - factorial(k)).exp();
    let binomial = |n: i32, p: f64| {
        move |k: i32| match k <= n {
            true => {
                (factorial(n) - factorial(k) - factorial(n - k) + k as f64 * p.ln() + (n - k) as f64 * (1.0 - p).ln())
                    .exp()
            }
            false => 0.0,
        }
    };
    for (name, found) in [
        ("few", off(&random::poisson(key(2), 4.0, &[N]), &poisson(4.0))),
        ("many", off(&random::poisson(key(2), 70.0, &[N]), &poisson(70.0))),
        ("geometric", off(&random::geometric(key(2), 0.25, &[N]), &|k| if k > 0 { 0.75f64.powi(k) } else { 0.0 })),
        ("waiting", off(&random::binomial(key(2), 20, 0.3, &[N]), &binomial(20, 0.3))),
        ("rejection", off(&random::binomial(key(2), 150, 0.6, &[N]), &binomial(150, 0.6))),
        (
            "one of several",
            off(&nth(&random::multinomial(key(2), 30, array![0.2, 0.5, 0.3], &[N, 3]).t(), 1), &binomial(30, 0.5)),
        ),
    ] {
        assert!(found < 3.5, "{name}: {found}");
    }
    let counts = random::multinomial(key(2), 30, array![0.2, 0.5, 0.3], &[N, 3]);
    assert!(counts.to_vec::<f32>().chunks(3).all(|c| c.iter().sum::<f32>() == 30.0 && c.iter().all(|c| *c >= 0.0)));
}

#[test]
fn matrices_and_orders() {
    let cov = array![[2., 0.5], [0.5, 1.]];
    for root in [Root::Cholesky, Root::Svd, Root::Eigh] {
        let x = Draw::new().root(root).multivariate_normal(key(3), array![1., -2.], &cov, &[20000]);
        let centered = &x - array![1., -2.];
        let found = centered.t().matmul(&centered) / 20000.0;
        assert!((&found - &cov).abs().sum().to_f64() < 0.15, "{root:?}: {found}");
    }
    for (n, m) in [(3, 3), (4, 2), (2, 5)] {
        let q = random::orthogonal(key(3), n, m, &[]);
        assert_eq!(q.shape(), [n, m]);
        let product = if n >= m { q.t().matmul(&q) } else { q.matmul(&q.t()) };
        let off = product - cotangent::np::linalg::matrix_power(&random::uniform(key(0), &[n.min(m), n.min(m)]), 0);
        assert!(off.abs().sum().to_f64() < 1e-5);
    }
    // every order of three equally often
    let keys = random::split_array(key(3), &[6000]);
    let orders = vmap(|k: Key| random::permutation(k, 3))(keys).to_vec::<i32>();
    let mut seen = std::collections::BTreeMap::new();
    orders.chunks(3).for_each(|o| *seen.entry(o.to_vec()).or_insert(0) += 1);
    assert_eq!(seen.len(), 6);
    assert!(seen.values().all(|n| (850..1150).contains(n)), "{seen:?}");
    assert_eq!(random::key_data(&random::clone(&key(5))).to_string(), "[0 5]");
    same("the older name", &random::key_data(&random::prng_key(7)), &random::key_data(&key(7)));
}

#[test]
fn mistakes_are_told() {
    use ErrorKind::{Shape, Type};
    let f64s = || Array::from_slice(&[1.0f64, 2.0], &[2]);
    told(Shape, &["random::gamma: a parameter of shape (2,) does not broadcast to (3,)"], || {
        random::gamma(key(0), f64s().astype(DType::Float32), &[3])
    });
    told(
        Type,
        &["random::beta: a parameter of type float64[2] for numbers of type float32", "random::Draw::of"],
        || random::beta(key(0), f64s(), 1.0, &[2]),
    );
    told(Type, &["random::exponential", "int32"], || Draw::of(DType::Int32).exponential(key(0), &[3]));
    told(Type, &["random::poisson", "float32"], || Draw::of(DType::Float32).poisson(key(0), 1.0, &[3]));
    told(Shape, &["random::cauchy: takes one key, not an array of keys"], || {
        random::cauchy(random::split_array(key(0), &[2]), &[])
    });
    told(Shape, &["random::dirichlet", "no dimension"], || random::dirichlet(key(0), 1.0, &[]));
    told(Shape, &["random::multinomial", "shape (3,)"], || random::multinomial(key(0), 3, array![0.5, 0.5], &[3]));
    told(Shape, &["random::multivariate_normal", "covariance matrix of shape (2, 2)"], || {
        random::multivariate_normal(key(0), array![1., 2.], array![[1.]], &[])
    });
    told(Shape, &["random::double_sided_maxwell", "do not broadcast"], || {
        random::double_sided_maxwell(key(0), array![1., 2.], array![1., 2., 3.], &[])
    });
    told(Shape, &["random::choice: there is nothing to draw from"], || random::choice(key(0), 0, &[1]));
    told(Shape, &["random::choice: 4 different elements of 3"], || {
        Choice::new().without_replacement().of(key(0), 3, &[4])
    });
    told(Shape, &["random::choice: p has type float32[2]"], || Choice::new().p(array![0.5, 0.5]).of(key(0), 3, &[4]));
    told(Shape, &["random::permutation: axis 2 is out of bounds"], || Permutation::new().axis(2).of(key(0), grid()));
    told(Type, &["random::permutation: takes an array or a whole number"], || random::permutation(key(0), 1.5));
    told(Shape, &["random::categorical: 4 different categories of 3"], || {
        Categorical::new().shape(&[4]).without_replacement().of(key(0), &array![1., 2., 3.])
    });
    told(Type, &["random::categorical", "int32"], || random::categorical(key(0), &array![1, 2, 3]));
    told(Shape, &["random_gamma_grad", "do not broadcast"], || {
        lax::random_gamma_grad(&array![1., 2.], &array![1., 2., 3.])
    });
}
