//! The value of a function and its gradient together: the Chinese course page.

use super::cell;
use super::python::f;
use cotangent::prelude::*;
use std::f64::consts::PI;

const DOCUMENT: &str = "002_2b08c8d78063edfb.txt";

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
    println!("函数在 x={} 处的值:{}", f(&x_val), f(&value));
    println!("函数在 x={} 处的梯度:{}", f(&x_val), f(&gradient));

    cell(DOCUMENT, "block2");
    let value_and_grad_fn = value_and_grad(polynomial);
    let (value, gradient) = value_and_grad_fn(&x_val);
    println!("使用 jax.value_and_grad:");
    println!(" 函数值:{}", f(&value));
    println!(" 梯度:{}", f(&gradient));

    cell(DOCUMENT, "block3");
    let value_and_grad_a_fn = value_and_grad_argnums(multi_arg_func, ARG0);
    let (a_val, b_val) = (array(3.0), array(PI / 2.0));
    let (value, grad_a) = value_and_grad_a_fn(&a_val, &b_val);
    println!("值:{}", f(&value));
    println!("相对于 'a' 的梯度:{}", f(&grad_a));

    cell(DOCUMENT, "block4");
    let value_and_grad_ab_fn = value_and_grad_argnums(multi_arg_func, (ARG0, ARG1));
    let (value, (grad_a, grad_b)) = value_and_grad_ab_fn(&a_val, &b_val);
    println!("\n值:{}", f(&value));
    println!("相对于 'a' 的梯度:{}", f(&grad_a));
    println!("相对于 'b' 的梯度:{}", f(&grad_b));
}
