//! An operation of one's own: the solution of tridiagonal equations by a loop of the host, with its derivative, its transpose and its rule for many
//! equations at once. Every transformation works on it.
//!
//! ```text
//! cargo run --release --example own_primitive
//! ```

use cotangent::extend::{Lanes, Operand, Operation, Value, all_front, bind1, testing};
use cotangent::prelude::*;
use cotangent::{Aval, make_jaxpr, prim, vmap};

/// The solution x of `lower[i] x[i-1] + diagonal[i] x[i] + upper[i] x[i+1] = b[i]` along the last axis. The first element of `lower` and the last of `upper`
/// belong to nothing.
fn solve(lower: &Array, diagonal: &Array, upper: &Array, b: &Array) -> Array {
    bind1(&Tridiagonal, &[lower, diagonal, upper, b])
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Tridiagonal;

impl Operation for Tridiagonal {
    fn name(&self) -> &'static str {
        "tridiagonal_solve"
    }
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        let [_, _, _, b] = x else { return Err(format!("takes four operands, got {}", x.len())) };
        if x.iter().any(|a| a.dtype != DType::Float64 || a.shape != b.shape || a.shape.is_empty()) {
            let all: Vec<String> = x.iter().map(|a| a.to_string()).collect();
            return Err(format!("takes arrays of one shape and of type float64, got {}", all.join(", ")));
        }
        Ok(vec![Aval::new(DType::Float64, &b.shape)])
    }
    /// Elimination downwards, substitution upwards.
    fn value(&self) -> Value<Tridiagonal> {
        Value::Host(|_, x| {
            let [lower, diagonal, upper, mut b] = [0, 1, 2, 3].map(|i| x[i].to_vec::<f64>());
            let n = *x[3].shape().last().expect("a last axis");
            for start in (0..b.len()).step_by(n.max(1)) {
                let row = start..start + n;
                let (lower, diagonal, upper) = (&lower[row.clone()], &diagonal[row.clone()], &upper[row.clone()]);
                let x = &mut b[row];
                let mut above = vec![0.0; n];
                for i in 0..n {
                    let (up, before) = if i > 0 { (above[i - 1], x[i - 1]) } else { (0.0, 0.0) };
                    let pivot = diagonal[i] - lower[i] * up;
                    above[i] = upper[i] / pivot;
                    x[i] = (x[i] - lower[i] * before) / pivot
                }
                for i in (1..n).rev() {
                    x[i - 1] -= above[i - 1] * x[i]
                }
            }
            vec![Array::from_slice(&b, x[3].shape())]
        })
    }
    /// From A x = b follows A dx = db - dA x.
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Vec<Option<Array>> {
        let y = &y[0];
        let parts = [
            dx[0].map(|dl| -(dl * shifted(y, 1))),
            dx[1].map(|dd| -(dd * y)),
            dx[2].map(|du| -(du * shifted(y, -1))),
            dx[3].cloned(),
        ];
        let b = parts.into_iter().flatten().reduce(|a, b| a + b);
        vec![b.map(|b| solve(x[0], x[1], x[2], &b))]
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        mask == [false, false, false, true]
    }
    /// The equations with the transposed matrix.
    fn transpose(&self, x: &[Operand], ct: &[Option<Array>]) -> Vec<Option<Array>> {
        let [lower, diagonal, upper] = [0, 1, 2].map(|i| x[i].known());
        let back = ct[0].as_ref().map(|ct| solve(&shifted(upper, 1), diagonal, &shifted(lower, -1), ct));
        vec![None, None, None, back]
    }
    /// The loop takes any number of equations, one after the other in memory.
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
        let x = all_front(lanes, x, dims);
        vec![(solve(&x[0], &x[1], &x[2], &x[3]), Some(0))]
    }
}

/// The element before (1) or after (-1) along the last axis, and zero where there is none.
fn shifted(x: &Array, by: i64) -> Array {
    let mut config = vec![(0, 0, 0); x.ndim()];
    config[x.ndim() - 1] = (by, -by, 0);
    prim::pad(x, &Array::from_slice(&[0.0f64], &[]), &config)
}

/// A step of the heat equation, implicit in time: the temperature after it.
fn step(conductivity: &Array, temperature: &Array) -> Array {
    let c = conductivity;
    solve(&-c, &(2.0 * c + 1.0), &-c, temperature)
}

fn main() {
    let conductivity = array(vec![0.5, 0.5, 1.0, 1.0, 0.5]);
    let temperature = array(vec![0.0, 0.0, 1.0, 0.0, 0.0]);
    println!("after a step     {}", step(&conductivity, &temperature));

    // how the temperature at the left end after ten steps depends on the conductivity
    let left = |c: &Array| {
        let end = cotangent::lax::fori_loop(0, 10, |_, t: &Array| step(c, t), &temperature);
        (end * array(vec![1.0, 0.0, 0.0, 0.0, 0.0])).sum()
    };
    println!("at the left end  {}", left(&conductivity));
    println!("its gradient     {}", jit(grad(left))(&conductivity));

    // many rods at once: one call of the loop
    let rods = vmap(|c: &Array| step(c, &temperature));
    let many = prim::stack(&[&conductivity, &(&conductivity * 2.0)], 0);
    println!("two rods\n{}", rods(&many));
    println!("{}", make_jaxpr(&rods, (&many,)));

    // everything that an operation promises
    let args = [conductivity.clone(), &conductivity + 3.0, &conductivity * 0.5, temperature.clone()];
    testing::check(|x| vec![solve(&x[0], &x[1], &x[2], &x[3])], &args).expect("a correct operation");
    println!("all promises hold");
}
