//! Distributions of counts: Poisson, binomial, multinomial. Small counts are counted; large ones are found by Hörmann's rejection ("The transformed
//! rejection method for generating Poisson random variables", 1993, and "The generation of binomial random variates", 1993), all elements in step.

use super::Key;
use super::draw::To;
use crate::array::Array;
use crate::aval::tuple;
use crate::dtype::DType;
use crate::lax::{scan, while_loop};
use crate::np;
use crate::prim::{self, convert_element_type, lit, scalar_of, select_n};

/// What a loop of trials carries: the turn, a number for each element, what decides whether it is done, and the key.
type State = (Array, Array, Array, Key);

fn any(x: &Array) -> Array {
    prim::reduce_or(x, &(0..x.ndim()).collect::<Vec<_>>())
}
fn full(x: &Array, v: f64) -> Array {
    np::broadcast_to(&lit(x, v), x.shape())
}
/// An array of `v` in the places that the mask has, else `x`.
fn filled(mask: &Array, v: f64, x: &Array) -> Array {
    select_n(mask, &[x, &full(x, v)])
}
fn turn_zero() -> Array {
    scalar_of(DType::Int32, false, 0.0)
}
fn next(n: &Array) -> Array {
    prim::add(n, &lit(n, 1.0))
}
fn uniform(to: &To, key: Array, like: &Array) -> Array {
    To { dtype: like.dtype(), ..to.with(key) }.shaped(like.shape()).unit()
}

pub(super) fn poisson(to: &To, [lam]: [Array; 1]) -> Array {
    let lam = convert_element_type(&to.whole(&lam), DType::Float32, false);
    let counted = prim::or(&prim::ne(&lam, &lam), &prim::lt(&lam, &full(&lam, 10.0)));
    // each method sees rates that are meant for it, so that no loop waits for the others
    let few = count_products(to, &select_n(&counted, &[&full(&lam, 0.0), &lam]));
    let many = rejection(to, &filled(&counted, 1e5, &lam));
    let y = select_n(&counted, &[&many, &few]);
    filled(&prim::eq(&lam, &full(&lam, 0.0)), 0.0, &y)
}
/// How many turns there may be: as many as the type can count.
fn most(dtype: DType) -> Array {
    let (_, greatest) = dtype.int_range().expect("an integer type");
    scalar_of(DType::Int32, false, greatest.min(i32::MAX as i128) as f64)
}
/// Knuth's method: how many uniform numbers have a product above e^-lam.
fn count_products(to: &To, lam: &Array) -> Array {
    let bound = prim::neg(lam);
    let on = |(n, _, product, _): &State| prim::and(&any(&prim::gt(product, &bound)), &prim::lt(n, &most(to.dtype)));
    let step = |(n, k, product, key): &State| {
        let [key, now] = to.with(key.0.clone()).split().map(|t| t.key);
        let k = select_n(&prim::gt(product, &bound), &[k, &next(k)]);
        (next(n), k, product + prim::log(&uniform(to, now, lam)), Key(key))
    };
    let none = convert_element_type(&full(lam, 0.0), to.dtype, false);
    let (_, k, ..) = while_loop(on, step, &(turn_zero(), none, full(lam, 0.0), Key(to.key.clone())));
    prim::sub(&k, &lit(&k, 1.0))
}
fn rejection(to: &To, lam: &Array) -> Array {
    let log = prim::log(lam);
    let b = 0.931 + 2.53 * prim::sqrt(lam);
    let a = -0.059 + 0.02483 * &b;
    let inverse_alpha = 1.1239 + 1.1328 / (&b - 3.4);
    let sure = 0.9277 - 3.6224 / (&b - 2.0);
    let on = |(n, _, done, _): &State| prim::and(&any(&prim::not(done)), &prim::lt(n, &most(to.dtype)));
    let step = |(n, found, done, key): &State| {
        let [key, u, v] = to.with(key.0.clone()).split().map(|t| t.key);
        let (u, v) = (uniform(to, u, lam) - 0.5, uniform(to, v, lam));
        let edge = 0.5 - prim::abs(&u);
        let k = prim::floor(&((2.0 * &a / &edge + &b) * &u + lam + 0.43));
        let s = prim::log(&(&v * &inverse_alpha / (&a / (&edge * &edge) + &b)));
        let t = &k * &log - lam - prim::lgamma(&(&k + 1.0));
        let at_once = prim::and(&prim::ge(&edge, &full(lam, 0.07)), &prim::le(&v, &sure));
        let narrow = prim::and(&prim::lt(&edge, &full(lam, 0.013)), &prim::gt(&v, &edge));
        let out = prim::or(&prim::lt(&k, &full(lam, 0.0)), &narrow);
        let good = prim::or(&at_once, &prim::and(&prim::not(&out), &prim::le(&s, &t)));
        (next(n), select_n(&good, &[found, &k]), prim::or(done, &good), Key(key))
    };
    let never = prim::lt(&full(lam, 1.0), &full(lam, 0.0));
    let (_, k, ..) = while_loop(on, step, &(turn_zero(), full(lam, -1.0), never, Key(to.key.clone())));
    convert_element_type(&k, to.dtype, false)
}

pub(super) fn binomial(to: &To, [n, p]: [Array; 2]) -> Array {
    let (n, p) = (to.whole(&n), to.whole(&p));
    let below_half = prim::lt(&p, &full(&p, 0.5));
    let q = select_n(&below_half, &[&(1.0 - &p), &p]);
    let zero = full(&p, 0.0);
    let bad_n = prim::or(&prim::ne(&n, &n), &prim::lt(&n, &zero));
    let infinite = prim::eq(&prim::abs(&n), &full(&n, f64::INFINITY));
    let (unknown, negative) = (prim::ne(&q, &q), prim::lt(&q, &zero));
    let q = filled(&prim::or(&unknown, &negative), 0.01, &q);
    let few = prim::or(&bad_n, &prim::le(&(&n * &q), &full(&n, 10.0)));
    let n = prim::floor(&n);
    let by_waiting = waiting(to, &select_n(&few, &[&zero, &n]), &q);
    let by_rejection = transformed_rejection(to, &filled(&few, 1e4, &n), &filled(&few, 0.5, &q));
    let y = select_n(&few, &[&by_rejection, &by_waiting]);
    let invalid = prim::or(&prim::or(&negative, &unknown), &bad_n);
    let y = filled(&invalid, f64::NAN, &y);
    let y = filled(&prim::and(&infinite, &prim::not(&invalid)), f64::INFINITY, &y);
    // successes are the failures of the other probability
    let kept = prim::or(&prim::or(&below_half, &bad_n), &prim::or(&unknown, &infinite));
    select_n(&kept, &[&(n - &y), &y])
}
/// How many waiting times until a success, which have the geometric distribution, go into `n` trials.
fn waiting(to: &To, n: &Array, p: &Array) -> Array {
    let log = prim::log1p(&prim::neg(p));
    let on = |(_, _, sum, _): &State| any(&prim::le(sum, n));
    let step = |(turn, k, sum, key): &State| {
        let [now, key] = to.with(key.0.clone()).split().map(|t| t.key);
        let k = select_n(&prim::le(sum, n), &[k, &next(k)]);
        let sum = sum + prim::ceil(&(prim::log(&uniform(to, now, p)) / &log));
        (turn.clone(), k, sum, Key(key))
    };
    let (_, k, ..) = while_loop(on, step, &(turn_zero(), full(p, 0.0), full(p, 0.0), Key(to.key.clone())));
    k - 1.0
}
fn transformed_rejection(to: &To, n: &Array, p: &Array) -> Array {
    let deviation = prim::sqrt(&(n * p * (1.0 - p)));
    let b = 1.15 + 2.53 * &deviation;
    let a = -0.0873 + 0.0248 * &b + 0.01 * p;
    let c = n * p + 0.5;
    let sure = 0.92 - 4.2 / &b;
    let odds = p / (1.0 - p);
    let alpha = (2.83 + 5.1 / &b) * deviation;
    let mode = prim::floor(&((n + 1.0) * p));
    let on = |(_, _, done, _): &State| any(&prim::not(done));
    let step = |(turn, found, done, key): &State| {
        let [key, u, v] = to.with(key.0.clone()).split().map(|t| t.key);
        let (u, v) = (uniform(to, u, p) - 0.5, uniform(to, v, p));
        let edge = 0.5 - prim::abs(&u);
        let at_once = prim::and(&prim::ge(&edge, &full(p, 0.07)), &prim::le(&v, &sure));
        let k = prim::floor(&((2.0 * &a / &edge + &b) * &u + &c));
        let out = prim::or(&prim::lt(&k, &full(p, 0.0)), &prim::gt(&k, n));
        let v = prim::log(&(v * &alpha / (&a / (&edge * &edge) + &b)));
        let (rest, others) = (n - &mode + 1.0, n - &k + 1.0);
        let bound = (&mode + 0.5) * prim::log(&((&mode + 1.0) / (&odds * &rest)))
            + (n + 1.0) * prim::log(&(&rest / &others))
            + (&k + 0.5) * prim::log(&(&odds * &others / (&k + 1.0)))
            + stirling_rest(&mode)
            + stirling_rest(&(n - &mode))
            - stirling_rest(&k)
            - stirling_rest(&(n - &k));
        let good = prim::or(&at_once, &prim::and(&prim::not(&out), &prim::le(&v, &bound)));
        (turn.clone(), select_n(&good, &[found, &k]), prim::or(done, &good), Key(key))
    };
    let never = prim::lt(&full(p, 1.0), &full(p, 0.0));
    let (_, k, ..) = while_loop(on, step, &(turn_zero(), full(p, -1.0), never, Key(to.key.clone())));
    k
}
/// What Stirling's formula for the logarithm of k! leaves: from a table up to 9, above from the asymptotic series.
fn stirling_rest(k: &Array) -> Array {
    let small = prim::le(k, &full(k, 9.0));
    let square = (k + 1.0) * (k + 1.0);
    let series = (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / 1260.0 / &square) / &square) / (k + 1.0);
    let mut table = full(k, 0.0);
    let mut log_factorial = 0.0;
    for n in 0..10 {
        let x = n as f64 + 1.0;
        log_factorial += (n as f64).max(1.0).ln();
        let rest = log_factorial - ((x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln());
        table = filled(&prim::ge(k, &full(k, n as f64)), rest, &table)
    }
    select_n(&small, &[&series, &table])
}

pub(super) fn multinomial(to: &To, n: &Array, p: &Array) -> Array {
    let wrong = |why: &str| -> ! {
        let (n, p, shape) = (tuple(n.shape()), tuple(p.shape()), tuple(to.shape));
        to.wrong(format!("n of shape {n} and p of shape {p} for the shape {shape}: {why}"))
    };
    let Some((&outcomes, others)) = to.shape.split_last() else {
        wrong("its last dimension has the outcomes, but there is none")
    };
    let fits =
        |x: &Array, shape: &[usize]| crate::array::broadcast_shapes(&[x.shape(), shape]).as_deref() == Some(shape);
    if !fits(n, others) || !fits(p, to.shape) {
        wrong("p broadcasts to the shape, and n to the shape without its last dimension")
    }
    let n = np::broadcast_to(n, others);
    let p = prim::move_axis(&np::broadcast_to(p, to.shape), others.len(), 0);
    if outcomes == 0 {
        return convert_element_type(&prim::move_axis(&p, 0, others.len()), to.dtype, false);
    }
    let remaining = prim::cumsum(&p, 0, true);
    // of what is left after the outcomes before, so many belong to this one
    let share = &p / filled(&prim::eq(&remaining, &full(&p, 0.0)), 1.0, &remaining);
    let keys = Key(prim::random_split(&to.key, &[outcomes]));
    let each = |rest: &Array, (share, key): &(Array, Key)| {
        let to = To { dtype: rest.dtype(), ..to.with(key.0.clone()) };
        let share = prim::clamp(&lit(share, 0.0), share, &lit(share, 1.0));
        let count = binomial(&to.shaped(others), [rest.clone(), share]);
        (rest - &count, count)
    };
    let (_, counts) = scan(each, &n, &(share, keys));
    convert_element_type(&prim::move_axis(&counts, 0, others.len()), to.dtype, false)
}
