//! Layers of networks that the baseline's models do not have.

use super::{normal, one, two};
use crate::measure::Bench;
use crate::models;
use cotangent::prelude::*;
use cotangent::random::Key;
use cotangent::{lax, nn, np, random};

fn conv(x: &Array, w: &Array, stride: usize, groups: usize) -> Array {
    let numbers = ("NHWC", "HWIO", "NHWC");
    lax::ConvGeneralDilated::new(&[stride, stride], "SAME")
        .dimension_numbers(numbers)
        .feature_group_count(groups)
        .run(x, w)
}
fn pool(x: &Array) -> Array {
    lax::ReduceWindow::new(&[1, 2, 2, 1]).window_strides(&[1, 2, 2, 1]).padding("VALID").max(x)
}
fn batch_norm(x: &Array) -> Array {
    let over = np::over([0, 1, 2]);
    (x - over.mean(x)) * (over.var(x) + 1e-5).rsqrt()
}
type Leaves = Vec<Array>;
fn adam(p: &Leaves, m: &Leaves, v: &Leaves, g: &Leaves) -> (Leaves, Leaves, Leaves) {
    let both = |a: &Leaves, b: &Leaves, f: &dyn Fn(&Array, &Array) -> Array| -> Leaves {
        a.iter().zip(b).map(|(a, b)| f(a, b)).collect()
    };
    let m = both(m, g, &|m, g| 0.9 * m + 0.1 * g);
    let v = both(v, g, &|v, g| 0.999 * v + 0.001 * g * g);
    let step = both(&m, &v, &|m, v| 1e-3 * (m / 0.1) / ((v / 0.001).sqrt() + 1e-8));
    (both(p, &step, &|p, s| p - s), m, v)
}

pub fn all(b: &mut Bench) {
    let x = normal(&[8, 56, 56, 32], 0);
    let d = models::normal(&[3, 3, 1, 32], 1, 0.3);
    two(b, "layers.depthwise", &x, &d, |x, w| conv(x, w, 1, 32));
    let both = cotangent::grad_argnums(|x: &Array, w: &Array| conv(x, w, 1, 32).powi(2).sum(), (ARG0, ARG1));
    two(b, "layers.depthwise.grad", &x, &d, both);
    two(b, "layers.pointwise", &x, &models::normal(&[1, 1, 32, 64], 2, 0.2), |x, w| conv(x, w, 1, 1));
    two(b, "layers.strided", &x, &models::normal(&[3, 3, 32, 64], 3, 0.1), |x, w| conv(x, w, 2, 1));
    let (sound, k) = (normal(&[8, 1, 8000], 4), models::normal(&[16, 1, 9], 5, 0.3));
    two(b, "layers.conv1d", &sound, &k, |x, w| lax::conv_general_dilated(x, w, &[1], "SAME"));
    two(b, "layers.conv_transpose", &x, &models::normal(&[2, 2, 32, 16], 6, 0.1), |x, w| {
        lax::conv_transpose(x, w, &[2, 2], "SAME", false)
    });
    one(b, "layers.max_pool", &x, pool);
    one(b, "layers.max_pool.grad", &x, grad(|x: &Array| pool(x).powi(2).sum()));
    one(b, "layers.batch_norm.grad", &x, grad(|x: &Array| batch_norm(x).powi(3).sum()));
    one(b, "layers.global_mean", &x, |x| np::over([1, 2]).mean(x));
    let drop = jit(|k: Key, x: &Array| np::where_(&random::bernoulli(k, 0.9, x.shape()), x / 0.9, 0.0));
    b.time("program.layers.dropout", || drop(random::key(0), &x));
    let leaves: Leaves = (0..20).map(|i| normal(&[100, 50 + i as usize], 20 + i)).collect();
    let squares: Leaves = leaves.iter().map(|l| l * l).collect();
    let step = jit(adam);
    b.time("program.layers.adam", || step(&leaves, &leaves, &squares, &leaves));
    one(b, "layers.nchw_bias_relu", &x, |x| {
        nn::relu(&(np::permute_dims(x, &[0, 3, 1, 2]) + np::arange(32.0).reshape(&[32, 1, 1])))
    });
}
