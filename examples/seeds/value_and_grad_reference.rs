//! The reference page of `value_and_grad`. It has no program; each parameter that it describes is shown at work here.

use super::cell;
use cotangent::prelude::*;
use cotangent::{Grad, Vmap};
use num_complex::Complex;

const DOCUMENT: &str = "001_eb1656e3c0dccf63.txt";

pub fn run() {
    cell(DOCUMENT, "fun");
    let (value, gradient) = value_and_grad(|x: &Array| x.sin().sum())(&array![0.0, 1.0]);
    println!("{value} {gradient}");

    cell(DOCUMENT, "argnums");
    let f = |x: &Array, y: &Array| x.powi(2) * y;
    let (value, dy) = value_and_grad_argnums(f, ARG1)(&array(3.0), &array(2.0));
    println!("{value} {dy}");
    let (value, (dx, dy)) = value_and_grad_argnums(f, (ARG0, ARG1))(&array(3.0), &array(2.0));
    println!("{value} ({dx}, {dy})");

    cell(DOCUMENT, "has_aux");
    let ((value, aux), gradient) = value_and_grad(|x: &Array| (x.powi(2), x + 1.0))(&array(3.0));
    println!("{value} {aux} {gradient}");

    cell(DOCUMENT, "holomorphic");
    let z = array(Complex::new(1.0, 2.0));
    let (value, gradient) = Grad::new().holomorphic(true).value_and_grad(|z: &Array| z * z)(&z);
    println!("{value} {gradient}");

    cell(DOCUMENT, "allow_int");
    let f = |n: &Array, x: &Array| (n * x).sum();
    let (value, gradient) = Grad::new().allow_int(true).value_and_grad(f)(&array![1, 2], &array![0.5, 0.25]);
    println!("{value} {} {:?}", gradient.dtype(), gradient.shape());

    cell(DOCUMENT, "reduce_axes");
    // w is shared by all examples, x differs from one to the next
    let f = |w: &Array, x: &Array| (w * x).sin();
    let (w, xs) = (array(2.0), array![0.0, 0.5, 1.0]);
    let over_the_batch = Vmap::new().axis_name("batch").in_axes((None, 0));
    let (_, per_example) = over_the_batch.clone().of(value_and_grad(f))(&w, &xs);
    let total = Grad::new().reduce_axes(["batch"]).value_and_grad(f);
    let (_, total) = over_the_batch.of(total)(&w, &xs);
    println!("per example {per_example}");
    println!("total       {total}");
}
