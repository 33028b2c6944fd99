//! Taking gradients: the page of JAX's documentation on automatic differentiation.

use super::cell;
use cotangent::np;
use cotangent::prelude::*;
use cotangent::{check_grads, random};
use std::collections::BTreeMap;

const DOCUMENT: &str = "003_ffecf1f2919b1539.txt";

fn tanh(x: &Array) -> Array {
    x.tanh()
}

fn sigmoid(x: &Array) -> Array {
    0.5 * ((x / 2.0).tanh() + 1.0)
}

/// Outputs the probability of a label being true.
fn predict(w: &Array, b: &Array, inputs: &Array) -> Array {
    sigmoid(&(inputs.dot(w) + b))
}

pub fn run() {
    cell(DOCUMENT, "In[1]");
    let grad_tanh = grad(tanh);
    println!("{}", grad_tanh(&array(2.0)));

    cell(DOCUMENT, "In[2]");
    println!("{}", grad(grad(tanh))(&array(2.0)));
    println!("{}", grad(grad(grad(tanh)))(&array(2.0)));

    cell(DOCUMENT, "In[4]");
    let f = |x: &Array| x.powi(3) + 2.0 * x.powi(2) - 3.0 * x + 1.0;
    let dfdx = grad(f);

    cell(DOCUMENT, "In[6]");
    let d2fdx = grad(&dfdx);
    let d3fdx = grad(&d2fdx);
    let d4fdx = grad(&d3fdx);
    println!("{}", dfdx(&array(1.0)));
    println!("{}", d2fdx(&array(1.0)));
    println!("{}", d3fdx(&array(1.0)));
    println!("{}", d4fdx(&array(1.0)));

    cell(DOCUMENT, "In[8]");
    let key = random::key(0);
    // a toy dataset
    let inputs = array![[0.52, 1.12, 0.77], [0.88, -1.08, 0.15], [0.52, 0.06, -1.30], [0.74, -2.49, 1.39]];
    let targets = array![true, true, false, true];
    // the training loss is the negative log-likelihood of the training examples
    let loss = |w: &Array, b: &Array| {
        let preds = predict(w, b, &inputs);
        let label_probs = &preds * &targets + (1 - &preds) * (1 - &targets);
        -label_probs.log().sum()
    };
    // random model coefficients
    let [key, w_key, b_key] = key.split();
    let w = random::normal(w_key, &[3]);
    let b = random::normal(b_key, &[]);

    cell(DOCUMENT, "In[9]");
    let w_grad = grad_argnums(loss, ARG0)(&w, &b);
    println!("W_grad={w_grad:?}");
    let w_grad = grad(loss)(&w, &b);
    println!("W_grad={w_grad:?}");
    let b_grad = grad_argnums(loss, ARG1)(&w, &b);
    println!("b_grad={b_grad:?}");
    let (w_grad, b_grad) = grad_argnums(loss, (ARG0, ARG1))(&w, &b);
    println!("W_grad={w_grad:?}");
    println!("b_grad={b_grad:?}");

    cell(DOCUMENT, "In[10]");
    let loss2 = |params: &BTreeMap<&'static str, Array>| {
        let preds = predict(&params["W"], &params["b"], &inputs);
        let label_probs = &preds * &targets + (1 - &preds) * (1 - &targets);
        -label_probs.log().sum()
    };
    let g = grad(loss2)(&BTreeMap::from([("W", w.clone()), ("b", b.clone())]));
    println!("{{'W': {:?}, 'b': {:?}}}", g["W"], g["b"]);

    cell(DOCUMENT, "In[11]");
    let (loss_value, _wb_grad) = value_and_grad_argnums(loss, (ARG0, ARG1))(&w, &b);
    println!("loss value {loss_value}");
    println!("loss value {}", loss(&w, &b));

    cell(DOCUMENT, "In[12]");
    // a step size for finite differences
    let eps = 1e-4;
    let b_grad_numerical = (loss(&w, &(&b + eps / 2.0)) - loss(&w, &(&b - eps / 2.0))) / eps;
    println!("b_grad_numerical {b_grad_numerical}");
    println!("b_grad_autodiff {}", grad_argnums(loss, ARG1)(&w, &b));
    // and in a random direction
    let [_key, subkey] = key.split();
    let vec = random::normal(subkey, w.shape());
    let unitvec = &vec / np::vdot(&vec, &vec).sqrt();
    let plus = loss(&(&w + eps / 2.0 * &unitvec), &b);
    let minus = loss(&(&w - eps / 2.0 * &unitvec), &b);
    let w_grad_numerical = (plus - minus) / eps;
    println!("W_dirderiv_numerical {w_grad_numerical}");
    println!("W_dirderiv_autodiff {}", np::vdot(&grad(loss)(&w, &b), &unitvec));

    cell(DOCUMENT, "In[14]");
    check_grads(loss, (&w, &b), 2); // up to second order
}
