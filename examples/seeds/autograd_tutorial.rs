//! The autograd tutorial, video 2.

use super::cell;
use super::python::f as number;
use cotangent::prelude::*;

const DOCUMENT: &str = "004_d4bc45e7eba73c39.txt";

fn h(x: &Array, y: &Array) -> Array {
    x.powi(2) + 3.0 * x * y + y.powi(2)
}

/// The mean squared error of a line.
fn mse_loss(params: &(Array, Array), x_data: &Array, y_data: &Array) -> Array {
    let (w, b) = params;
    let predictions = w * x_data + b;
    (predictions - y_data).powi(2).mean()
}

pub fn run() {
    cell(DOCUMENT, "In[1]");
    println!("Cotangent version: {}", env!("CARGO_PKG_VERSION"));
    println!("Let's explore automatic differentiation in Cotangent!");

    cell(DOCUMENT, "In[2]");
    let f = |x: &Array| x.powi(2);
    let df_dx = grad(f);
    let x = array(3.0);
    let gradient_value = df_dx(&x);
    println!("f(x) = x^2");
    println!("f({}) = {}", number(&x), number(&f(&x)));
    println!("f'({}) = {}", number(&x), number(&gradient_value));
    println!("Expected: 2 * {} = {}", number(&x), number(&(2 * &x)));

    cell(DOCUMENT, "In[3]");
    let dh_dx = grad_argnums(h, ARG0);
    let dh_dy = grad_argnums(h, ARG1);
    let (x, y) = (array(2.0), array(1.0));
    println!("h(x,y) = x² + 3xy + y²");
    println!("∂h/∂x = 2x + 3y = {}", number(&dh_dx(&x, &y)));
    println!("∂h/∂y = 3x + 2y = {}", number(&dh_dy(&x, &y)));

    cell(DOCUMENT, "In[4]");
    let grad_h = grad_argnums(h, (ARG0, ARG1));
    let value_separate = h(&x, &y);
    let grad_separate = grad_h(&x, &y);
    let value_and_grad_h = value_and_grad_argnums(h, (ARG0, ARG1));
    let (value_together, grad_together) = value_and_grad_h(&x, &y);
    println!("Separate calls:");
    println!("  Value: {}", number(&value_separate));
    println!("  Grad: {grad_separate:?}");
    println!("value_and_grad:");
    println!("  Value: {}", number(&value_together));
    println!("  Grad: {grad_together:?}");
    println!("\nSame results, but value_and_grad is more efficient!");

    cell(DOCUMENT, "In[5]");
    let x_data = array![1.0, 2.0, 3.0, 4.0];
    let y_data = array![2.1, 3.9, 6.1, 7.9]; // a noisy y = 2x
    let params = (array(1.0), array(0.0)); // the initial guess: w = 1, b = 0
    let loss_and_grad = value_and_grad(mse_loss);
    let (current_loss, gradients) = loss_and_grad(&params, &x_data, &y_data);
    println!("Current parameters: w={}, b={}", number(&params.0), number(&params.1));
    println!("Loss: {current_loss:.4}");
    println!("Gradients: dL/dw={:.4}, dL/db={:.4}", gradients.0, gradients.1);
    println!("\nThis is exactly what you need for gradient descent!");

    cell(DOCUMENT, "In[6]");
    // a simple quadratic form: trace(W @ W.T)
    let matrix_function = |w: &Array| w.matmul(&w.t()).trace();
    let val_grad_matrix = value_and_grad(matrix_function);
    let w = array![[1.0, 2.0], [3.0, 4.0]];
    let (value, gradient_w) = val_grad_matrix(&w);
    println!("Input matrix W:\n{w}");
    println!("Function value: {}", number(&value));
    println!("Gradient matrix:\n{gradient_w}");
    println!("\nGradient has the same shape as input!");

    cell(DOCUMENT, "In[7]");
    let f = |x: &Array| x.powi(4) - 2.0 * x.powi(3) + x.powi(2);
    let f_val_grad = value_and_grad(f);
    let f_prime = grad(f);
    let f_double_prime = grad(f_prime);
    let x = array(2.0);
    let (value, first_deriv) = f_val_grad(&x);
    let second_deriv = f_double_prime(&x);
    println!("f(x) = x⁴ - 2x³ + x²");
    println!("At x={}:", number(&x));
    println!("f({}) = {}", number(&x), number(&value));
    println!("f'({}) = {}", number(&x), number(&first_deriv));
    println!("f''({}) = {}", number(&x), number(&second_deriv));
    let expected = 4.0 * x.powi(3) - 6.0 * x.powi(2) + 2.0 * &x;
    println!("\nExpected: f'(x) = 4x³ - 6x² + 2x = {}", number(&expected));

    cell(DOCUMENT, "In[8]");
    let x_data = array![1.0, 2.0, 3.0, 4.0];
    let y_data = array![2.0, 4.0, 6.0, 8.0]; // y = 2x
    let learning_rate = 0.1;
    let mut params = (array(1.5), array(0.5));
    println!("Gradient descent with value_and_grad:");
    for i in 0..5 {
        let (loss, grads) = loss_and_grad(&params, &x_data, &y_data);
        params = tree::map2(&params, &grads, |p, g| p - learning_rate * g);
        println!("Step {}: w={:.3}, b={:.3}, loss={loss:.4}", i + 1, params.0, params.1);
    }
    println!("\nTarget: w=2.0, b=0.0");
}
