//! The value of a function and its gradient together: a course page, in English and in Chinese. Only the words differ.

use super::cell;
use super::python::f;
use cotangent::prelude::*;
use std::f64::consts::PI;

/// What a page prints around its numbers.
struct Page {
    document: &'static str,
    /// Before x, between x and the number, for the value and for the gradient.
    at: [[&'static str; 2]; 2],
    /// The line about `value_and_grad`, then the value and the gradient below it.
    both: [&'static str; 3],
    value: &'static str,
    /// Before and behind the name of the argument.
    with_respect_to: [&'static str; 2],
}
const ENGLISH: Page = Page {
    document: "000_b8bd870e1d1e9753.txt",
    at: [["Function value at x=", ": "], ["Gradient at x=", ": "]],
    both: ["Using jax.value_and_grad:", " Function value: ", " Gradient: "],
    value: "Value: ",
    with_respect_to: ["Gradient w.r.t. ", ": "],
};
const CHINESE: Page = Page {
    document: "002_2b08c8d78063edfb.txt",
    at: [["函数在 x=", " 处的值:"], ["函数在 x=", " 处的梯度:"]],
    both: ["使用 jax.value_and_grad:", " 函数值:", " 梯度:"],
    value: "值:",
    with_respect_to: ["相对于 ", " 的梯度:"],
};

fn polynomial(x: &Array) -> Array {
    x.powi(3) + 2.0 * x.powi(2) - 3.0 * x + 1.0
}

fn multi_arg_func(a: &Array, b: &Array) -> Array {
    a.powi(2) * b.sin()
}

pub fn run() {
    page(&ENGLISH)
}
pub fn run_zh() {
    page(&CHINESE)
}

fn page(words: &Page) {
    let cell = |name: &str| cell(words.document, name);
    let [value_at, gradient_at] = words.at;
    let [both, value_of_both, gradient_of_both] = words.both;
    let [wrt, colon] = words.with_respect_to;

    cell("block1");
    let x_val = array(2.0);
    let value = polynomial(&x_val);
    let grad_fn = grad(polynomial);
    let gradient = grad_fn(&x_val);
    println!("{}{}{}{}", value_at[0], f(&x_val), value_at[1], f(&value));
    println!("{}{}{}{}", gradient_at[0], f(&x_val), gradient_at[1], f(&gradient));

    cell("block2");
    let value_and_grad_fn = value_and_grad(polynomial);
    let (value, gradient) = value_and_grad_fn(&x_val);
    println!("{both}");
    println!("{value_of_both}{}", f(&value));
    println!("{gradient_of_both}{}", f(&gradient));

    cell("block3");
    let value_and_grad_a_fn = value_and_grad_argnums(multi_arg_func, ARG0);
    let (a_val, b_val) = (array(3.0), array(PI / 2.0));
    let (value, grad_a) = value_and_grad_a_fn(&a_val, &b_val);
    println!("{}{}", words.value, f(&value));
    println!("{wrt}'a'{colon}{}", f(&grad_a));

    cell("block4");
    let value_and_grad_ab_fn = value_and_grad_argnums(multi_arg_func, (ARG0, ARG1));
    let (value, (grad_a, grad_b)) = value_and_grad_ab_fn(&a_val, &b_val);
    println!("\n{}{}", words.value, f(&value));
    println!("{wrt}'a'{colon}{}", f(&grad_a));
    println!("{wrt}'b'{colon}{}", f(&grad_b));
}
