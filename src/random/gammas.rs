//! The gamma distribution by Marsaglia and Tsang's method ("A simple method for generating gamma variables", 2000), each number in a loop of its own, and
//! the distributions that are made of it.

use super::Key;
use super::draw::{To, exponential_of, rademacher_of};
use super::sample::{normal_any, unit_to};
use crate::array::Array;
use crate::aval::tuple;
use crate::lax::while_loop;
use crate::np;
use crate::prim::{self, lit, scalar_of, select_n};
use crate::special::random_gamma_grad;
use crate::{custom_jvp, vmap};

/// Numbers, or their logarithms, as a function of the parameter, which has the whole shape.
fn of_key(key: Array, a: &Array, log: bool) -> Array {
    let f = move |key: Key, a: &Array| loops(&key.0, a, log);
    let rule = move |(key, a): (Key, Array), (_, da): (Key, Array)| {
        // from the same key once more as a function with this rule, so that there are second derivatives
        let y = of_key(key.0, &a, log);
        let slope = match log {
            // Where there is no such distribution the slope is NaN, and moves with nothing.
            false => {
                let full = |v: f64| np::broadcast_to(&lit(&a, v), a.shape());
                let good = prim::gt(&a, &full(0.0));
                let inside = |x: &Array| select_n(&good, &[&full(1.0), x]);
                select_n(&good, &[&full(f64::NAN), &random_gamma_grad(&inside(&a), &inside(&y))])
            }
            true => {
                let x = prim::exp(&y);
                let tiny = lit(&x, x.dtype().float_info().expect("a floating-point type").tiny);
                let x = select_n(&prim::eq(&x, &lit(&x, 0.0)), &[&x, &np::broadcast_to(&tiny, x.shape())]);
                random_gamma_grad(&a, &x) / x
            }
        };
        (y, da * slope)
    };
    custom_jvp(f, rule)(Key(key), a)
}

/// The same for each key of an array of them, whose dimensions the parameter has in front.
pub(crate) fn gammas(keys: &Array, a: &Array, log: bool) -> Array {
    let n = keys.size();
    let own: Vec<usize> = [n].into_iter().chain(a.shape()[keys.ndim().min(a.ndim())..].iter().copied()).collect();
    let keys = Key(prim::reshape(keys, &[n]));
    vmap(move |key: Key, a: &Array| of_key(key.0, a, log))(keys, &prim::reshape(a, &own)).reshape(a.shape())
}

/// Each element in a loop of its own, from a key of its own.
fn loops(key: &Array, a: &Array, log: bool) -> Array {
    let n = a.size();
    if n == 0 {
        return a.clone();
    }
    let keys = Key(prim::random_split(key, &[n]));
    vmap(move |key: Key, a: &Array| one(&key.0, a, log))(keys, &prim::reshape(a, &[n])).reshape(a.shape())
}

fn split<const N: usize>(key: &Array) -> [Array; N] {
    let keys = prim::random_split(key, &[N]);
    std::array::from_fn(|i| prim::squeeze(&prim::slice_in_dim(&keys, i, i + 1, 1, 0), &[0]))
}
fn unit(key: &Array, like: &Array) -> Array {
    unit_to(key, &[], like.dtype(), &scalar_of(like.dtype(), false, 0.0), &scalar_of(like.dtype(), false, 1.0))
}

/// One number. A proposal is the cube of a normal number, moved and scaled; most are accepted.
fn one(key: &Array, a: &Array, log: bool) -> Array {
    let num = |x: f64| scalar_of(a.dtype(), false, x);
    // where a is less than 1 the number for a + 1 is drawn, and then made smaller
    let large = prim::ge(a, &num(1.0));
    let shape = select_n(&large, &[&prim::add(a, &num(1.0)), a]);
    let d = prim::sub(&shape, &num(1.0 / 3.0));
    let c = prim::div(&num(1.0 / 3.0), &prim::sqrt(&d));
    let [key, last] = split(key);

    type State = (Array, Array, Array, Array);
    let rejected = |(_, x, v, u): &State| {
        // a bound that costs no logarithm decides most cases
        let outside = prim::ge(u, &prim::sub(&num(1.0), &prim::mul(&num(0.0331), &prim::mul(x, x))));
        let bound = prim::add(&prim::sub(&num(1.0), v), &prim::log(v));
        let bound = prim::add(&prim::mul(x, &num(0.5)), &prim::mul(&d, &bound));
        prim::and(&outside, &prim::ge(&prim::log(u), &bound))
    };
    let propose = |(key, ..): &State| {
        let [key, x_key, u_key] = split(key);
        let again = |(key, ..): &(Array, Array, Array)| {
            let [key, now] = split(key);
            let x = normal_any(&now, &[], a.dtype());
            let v = prim::add(&num(1.0), &prim::mul(&x, &c));
            (key, x, v)
        };
        let (_, x, v) = while_loop(|(_, _, v)| prim::le(v, &num(0.0)), again, &(x_key, num(0.0), num(-1.0)));
        let cube = prim::mul(&prim::mul(&v, &v), &v);
        (key, prim::mul(&x, &x), cube, unit(&u_key, a))
    };
    let (_, _, v, _) = while_loop(rejected, propose, &(key, num(0.0), num(1.0), num(2.0)));
    if log {
        let e = prim::log1p(&prim::neg(&unit(&last, a)));
        let none = prim::or(&large, &prim::eq(&e, &num(0.0)));
        let less = select_n(&none, &[&prim::mul(&e, &prim::div(&num(1.0), a)), &num(0.0)]);
        prim::add(&prim::add(&prim::log(&d), &prim::log(&v)), &less)
    } else {
        let u = prim::sub(&num(1.0), &unit(&last, a));
        let less = select_n(&large, &[&prim::pow(&u, &prim::div(&num(1.0), a)), &num(1.0)]);
        prim::mul(&prim::mul(&d, &v), &less)
    }
}

pub(super) fn draw(to: &To, [a]: [Array; 1], log: bool) -> Array {
    of_key(to.key.clone(), &to.whole(&a), log)
}

pub(super) fn beta(to: &To, [a, b]: [Array; 2]) -> Array {
    let [one, two] = to.split();
    let (x, y) = (draw(&one, [a], true), draw(&two, [b], true));
    let greater = prim::max(&x, &y);
    let [x, y] = [x, y].map(|x| prim::exp(&prim::sub(&x, &greater)));
    &x / (&x + y)
}
pub(super) fn t(to: &To, [df]: [Array; 1]) -> Array {
    let [n, g] = to.split();
    let half = df / 2.0;
    n.normal() * prim::sqrt(&(&half / draw(&g, [half.clone()], false)))
}
pub(super) fn chisquare(to: &To, [df]: [Array; 1]) -> Array {
    prim::exp(&draw(to, [df / 2.0], true)) * 2.0
}
pub(super) fn f(to: &To, [numerator, denominator]: [Array; 2]) -> Array {
    let [below, above] = to.split();
    let above = chisquare(&above, [numerator.clone()]) / numerator;
    above / (chisquare(&below, [denominator.clone()]) / denominator)
}
pub(super) fn generalized_normal(to: &To, [p]: [Array; 1]) -> Array {
    let [g, side] = to.split();
    let inverse = to.whole(&(1.0 / p));
    rademacher_of(&side) * prim::pow(&draw(&g, [inverse.clone()], false), &inverse)
}
pub(super) fn ball(to: &To, d: usize, p: &Array) -> Array {
    let [p] = to.fit([p.clone()]);
    let longer = to.longer(&[d]);
    let [inside, length] = to.split();
    let beside = |x: &Array| if x.ndim() == 0 { x.clone() } else { prim::expand_dims(x, &[x.ndim()]) };
    let g = generalized_normal(&inside.shaped(&longer), [beside(&p)]);
    let powers = prim::pow(&prim::abs(&g), &np::broadcast_to(&beside(&p), g.shape()));
    let total = prim::reduce_sum(&powers, &[to.shape.len()]) + exponential_of(&length);
    g / prim::expand_dims(&prim::pow(&total, &to.whole(&(1.0 / p))), &[to.shape.len()])
}

pub(super) fn dirichlet(to: &To, alpha: &Array) -> Array {
    let Some((&n, others)) = alpha.shape().split_last() else {
        to.wrong("alpha has the parameters in its last dimension, but it has no dimension".into())
    };
    let whole = to.longer(&[n]);
    if crate::array::broadcast_shapes(&[others, to.shape]).as_deref() != Some(to.shape) {
        let (has, wants) = (tuple(alpha.shape()), tuple(&whole));
        to.wrong(format!("alpha of shape {has} does not broadcast to {wants}"))
    }
    let logs = of_key(to.key.clone(), &np::broadcast_to(alpha, &whole), true);
    if n == 0 {
        return logs;
    }
    let last = [to.shape.len()];
    let most = prim::expand_dims(&prim::stop_gradient(&prim::reduce_max(&logs, &last)), &last);
    let e = prim::exp(&(logs - most));
    &e / prim::expand_dims(&prim::reduce_sum(&e, &last), &last)
}
