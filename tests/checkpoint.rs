//! `checkpoint`: values, derivatives, what is kept, and when it is computed again.

use cotangent::prelude::*;
use cotangent::{
    Checkpoint, Policy, ResidualFrom, checkpoint, checkpoint_name, custom_vjp, hessian, jvp, lax, linearize, make_jaxpr, prim,
    saved_residuals, vjp, vmap,
};
use std::sync::atomic::{AtomicUsize, Ordering};

fn f(x: &Array, w: &Array) -> Array {
    (x.sin().dot(w).sin() * x).exp().sum()
}
fn args() -> (Array, Array) {
    (array![[0.5, -1.0], [0.25, 2.0]], array![[1.0, 0.5], [-0.5, 0.75]])
}

#[test]
fn smoke() {
    let (x, w) = args();
    let g = grad_argnums(f, (ARG0, ARG1));
    let c = checkpoint(f);
    let gc = grad_argnums(&c, (ARG0, ARG1));
    let (a, b) = (g(&x, &w), gc(&x, &w));
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
    let (a, b) = (jit(&g)(&x, &w), jit(&gc)(&x, &w));
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
    println!("{}", make_jaxpr(&gc, (&x, &w)));
    for r in saved_residuals(f, (&x, &w)) { println!("{r}") }
    for r in saved_residuals(&c, (&x, &w)) { println!("{r}") }
    let c = Checkpoint::new().policy(Policy::dots_saveable()).of(f);
    for r in saved_residuals(&c, (&x, &w)) { println!("{r}") }
    let gc = grad_argnums(&c, (ARG0, ARG1));
    println!("{}", make_jaxpr(&gc, (&x, &w)));
}
