//! The value of a function and its gradient together: the English course page.

use super::cell;
use super::python::f;
use cotangent::prelude::*;
use std::f64::consts::PI;

const DOCUMENT: &str = "000_b8bd870e1d1e9753.txt";

fn polynomial(x: &Array) -> Array {
    x.powi(3) + 2.0 * x.powi(2) - 3.0 * x + 1.0
}

fn multi_arg_func(a: &Array, b: &Array) -> Array {
    a.powi(2) * b.sin()
}

pub fn run() {
    cell(DOCUMENT, "block1");
    let x_val = array(2.0);
    let value = polynomial(&x_val);
    let grad_fn = grad(polynomial);
    let gradient = grad_fn(&x_val);
    println!("Function value at x={}: {}", f(&x_val), f(&value));
    println!("Gradient at x={}: {}", f(&x_val), f(&gradient));

    cell(DOCUMENT, "block2");
    let value_and_grad_fn = value_and_grad(polynomial);
    let (value, gradient) = value_and_grad_fn(&x_val);
    println!("Using jax.value_and_grad:");
    println!(" Function value: {}", f(&value));
    println!(" Gradient: {}", f(&gradient));

    cell(DOCUMENT, "block3");
    let value_and_grad_a_fn = value_and_grad_argnums(multi_arg_func, ARG0);
    let (a_val, b_val) = (array(3.0), array(PI / 2.0));
    let (value, grad_a) = value_and_grad_a_fn(&a_val, &b_val);
    println!("Value: {}", f(&value));
    println!("Gradient w.r.t. 'a': {}", f(&grad_a));

    cell(DOCUMENT, "block4");
    let value_and_grad_ab_fn = value_and_grad_argnums(multi_arg_func, (ARG0, ARG1));
    let (value, (grad_a, grad_b)) = value_and_grad_ab_fn(&a_val, &b_val);
    println!("\nValue: {}", f(&value));
    println!("Gradient w.r.t. 'a': {}", f(&grad_a));
    println!("Gradient w.r.t. 'b': {}", f(&grad_b));
}
