//! A random program as a user would write it with the library.

use crate::program::{Binary, Forward, Mapper, Node, Op, Reverse, Unary};
use cotangent::np::{broadcast_to, outer};
use cotangent::prelude::*;
use cotangent::prim::{concatenate, convert_element_type, cumsum, floor, reduce_sum, rev, slice_in_dim};
use cotangent::{
    Checkpoint, Pmap, Policy, Vmap, custom_jvp, custom_vjp, jacfwd, jacrev, jvp, lax, linear_transpose, linearize, vjp,
};
use std::sync::Arc;

/// A vector.
pub fn vector(x: &[f64]) -> Array {
    Array::from_slice(x, &[x.len()])
}

/// The value of a program where its variables have these values.
pub fn run(n: &Node, env: &[Array]) -> Array {
    let a: Vec<Array> = n.arguments.iter().map(|a| run(a, env)).collect();
    let body = |i: usize, parameters: &[&Array]| {
        let all: Vec<Array> = env.iter().chain(parameters.iter().copied()).cloned().collect();
        run(&n.bodies[i], &all)
    };
    let f = |x: &Array| body(0, &[x]);
    match &n.op {
        Op::Var(k) => env[*k].clone(),
        Op::Const(c) => vector(c),
        Op::Unary(u) => unary(*u, &a[0]),
        Op::Binary(b) => match b {
            Binary::Add => &a[0] + &a[1],
            Binary::Sub => &a[0] - &a[1],
            Binary::Mul => &a[0] * &a[1],
            Binary::Div => &a[0] / (2.5 + a[1].tanh()),
        },
        Op::Outer => outer(&a[0], &a[1]).matmul(&a[2]),
        Op::Let => f(&a[0]),
        Op::Jit => jit(f)(&a[0]),
        Op::Checkpoint { dots } => {
            let policy = if *dots { Policy::dots_saveable() } else { Policy::nothing_saveable() };
            Checkpoint::new().policy(policy).of(f)(&a[0])
        }
        Op::Map { by, lanes, weights, axes: [from, to] } => {
            let lanes = vector(lanes);
            let g = |x: &Array, shared: &Array| body(0, &[x, shared]);
            if let Mapper::Loop(at_once) = by {
                let ys = lax::Map::new().batch_size(*at_once).run(|x: &Array| g(x, &a[1]), &outer(&lanes, &a[0]));
                return weighted(&ys, weights, 0);
            }
            let xs = if *from == 0 { outer(&lanes, &a[0]) } else { outer(&a[0], &lanes) };
            let (ins, out) = ((*from, None), *to);
            let ys = match by {
                Mapper::Pmap => Pmap::new().in_axes(ins).out_axes(out).of(g)(&xs, &a[1]),
                _ => Vmap::new().in_axes(ins).out_axes(out).of(g)(&xs, &a[1]),
            };
            weighted(&ys, weights, if *to == 0 { 0 } else { 1 })
        }
        Op::Scan { elements, weights, reverse, unroll } => {
            let step = |(c, d): &(Array, Array), x: &Array| {
                let [next, other, y] = [0, 1, 2].map(|b| body(b, &[c, d, x]));
                ((next, other), y)
            };
            let xs = outer(&vector(elements), &a[2]);
            let scan = lax::Scan::new().reverse(*reverse).unroll(*unroll);
            let scan = room(n, &a[0]).map_or(scan, |bytes| scan.memory(bytes));
            let ((c, d), ys) = scan.run(step, &(a[0].clone(), a[1].clone()), &xs);
            c + d + weighted(&ys, weights, 0)
        }
        Op::Fori { lower, upper, late } => {
            let step = |i: &Array, (c, d): &(Array, Array)| {
                let i = broadcast_to(&(i.astype(DType::Float64) * 0.1), c.shape());
                (body(0, &[c, d, &i]), body(1, &[c, d, &i]))
            };
            let init = (a[0].clone(), a[1].clone());
            let turns = room(n, &a[0]).map_or(lax::ForiLoop::new(), |bytes| lax::ForiLoop::new().memory(bytes));
            let (c, d) = if *late {
                let zero = convert_element_type(&floor(&(0.0 * a[0].sum())), DType::Int32, false);
                turns.run(*lower + &zero, *upper + &zero, step, &init)
            } else {
                turns.run(*lower, *upper, step, &init)
            };
            c + d
        }
        Op::While { turns, above } => {
            let more = |(turn, c, _): &(Array, Array, Array)| turn.lt(*turns as i32) & (c * c).sum().gt(*above);
            let step = |(turn, c, d): &(Array, Array, Array)| (turn + 1, body(0, &[c, d]), body(1, &[c, d]));
            let turns = room(n, &a[0]).map_or(lax::WhileLoop::new(), |bytes| lax::WhileLoop::new().memory(bytes));
            let (_, c, d) = turns.run(more, step, &(array(0), a[0].clone(), a[1].clone()));
            c + d
        }
        Op::Cond { above } => {
            lax::cond(&a[0].sum().gt(*above), |x: &Array| body(0, &[x]), |x: &Array| body(1, &[x]), &a[1])
        }
        Op::Switch => {
            let index = convert_element_type(&floor(&(2.0 * a[0].sum())), DType::Int32, false);
            let branches: [&dyn Fn(&Array) -> Array; 3] = [&|x| body(0, &[x]), &|x| body(1, &[x]), &|x| body(2, &[x])];
            lax::switch(&index, &branches, &a[1])
        }
        Op::CustomJvp { factor } => with_jvp(&Arc::new(n.bodies[0].clone()), *factor, &a[0], &a[1]),
        Op::CustomVjp { factor } => with_vjp(&Arc::new(n.bodies[0].clone()), *factor, &a[0], &a[1]),
        Op::Forward(how) => match how {
            Forward::Jvp => jvp(f, (&a[0],), (&a[1],)).1,
            Forward::Linearize => linearize(f, (&a[0],)).1.call((&a[1],)),
            Forward::Jacobian => jacfwd(f)(&a[0]).matmul(&a[1]),
        },
        Op::Reverse(how) => match how {
            Reverse::Vjp => vjp(f, (&a[0],)).1.call_once(&a[1]).0,
            Reverse::Grad => grad(|x: &Array| (f(x) * &a[1]).sum())(&a[0]),
            Reverse::Jacobian => a[1].matmul(&jacrev(f)(&a[0])),
            Reverse::Transpose => {
                let (_, push) = linearize(f, (&a[0],));
                linear_transpose(|d: &Array| push.call((d,)), (&a[0],))(&a[1]).0
            }
        },
    }
}

fn weighted(ys: &Array, weights: &[f64], axis: usize) -> Array {
    let shape = if axis == 0 { [weights.len(), 1] } else { [1, weights.len()] };
    reduce_sum(&(ys * vector(weights).reshape(&shape)), &[axis])
}
fn unary(u: Unary, x: &Array) -> Array {
    let n = x.shape()[0];
    match u {
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tanh => x.tanh(),
        Unary::Sum => broadcast_to(&x.sum(), &[n]),
        Unary::Roll => concatenate(&[&slice_in_dim(x, 1, n, 1, 0), &slice_in_dim(x, 0, 1, 1, 0)], 0),
        Unary::Rev => rev(x, &[0]),
        Unary::Cumsum => cumsum(x, 0, false),
    }
}

fn both(body: &Arc<Node>) -> impl Fn(&Array, &Array) -> Array + Send + Sync + use<> {
    let body = body.clone();
    move |x, y| run(&body, &[x.clone(), y.clone()])
}
fn with_jvp(body: &Arc<Node>, factor: f64, x: &Array, y: &Array) -> Array {
    let (f, again) = (both(body), body.clone());
    let rule = move |(x, y): (Array, Array), (dx, dy): (Array, Array)| {
        let slope = jvp(both(&again), (&x, &y), (&dx, &dy)).1;
        // the value has the same rule for whoever differentiates the rule
        (with_jvp(&again, factor, &x, &y), slope * factor)
    };
    custom_jvp(f, rule)(x, y)
}

/// A bound on what a loop keeps, with room for one carry to three of two vectors and a number. It changes no result; every second loop has one.
fn room(n: &Node, x: &Array) -> Option<usize> {
    let k = n.size() % 6;
    (k < 3).then(|| (k + 1) * (2 * 8 * x.size() + 8))
}
fn with_vjp(body: &Arc<Node>, factor: f64, x: &Array, y: &Array) -> Array {
    let (f, again, back) = (both(body), body.clone(), body.clone());
    let fwd = move |(x, y): (Array, Array)| (with_vjp(&again, factor, &x, &y), (x, y));
    let bwd = move |(x, y): (Array, Array), ct: Array| {
        let (dx, dy) = vjp(both(&back), (&x, &y)).1.call(&ct);
        (dx * factor, dy * factor)
    };
    custom_vjp(f, fwd, bwd)(x, y)
}
