//! Folds and normalizations of rows of many widths.

use super::{integers, kept, normal, one, two};
use crate::measure::Bench;
use cotangent::prelude::*;
use cotangent::{nn, np};

fn softmax(x: &Array) -> Array {
    nn::softmax(x, -1)
}
fn standardize(x: &Array) -> Array {
    let centred = x - kept(&x.mean_over(-1));
    &centred * (kept(&centred.powi(2).mean_over(-1)) + 1e-5).rsqrt()
}
fn rms(x: &Array, g: &Array) -> Array {
    x / (kept(&x.powi(2).mean_over(-1)) + 1e-6).sqrt() * g
}

pub fn all(b: &mut Bench) {
    let x = normal(&[1024, 1024], 0);
    let wide = normal(&[1024, 2048], 1);
    let gain = normal(&[1024], 2);
    let labels = integers(&[1024], 3, 1024);
    one(b, "rows.softmax.2048", &wide, softmax);
    one(b, "rows.softmax.4096", &wide.reshape(&[512, 4096]), softmax);
    one(b, "rows.softmax.32768", &x.reshape(&[32, 32768]), softmax);
    one(b, "rows.softmax.all", &x.reshape(&[1, 1 << 20]), softmax);
    one(b, "rows.softmax.32", &x.reshape(&[1 << 15, 32]), softmax);
    one(b, "rows.softmax.8", &x.reshape(&[1 << 17, 8]), softmax);
    let odd = wide.i(..700).ravel().i(..1_431_000).reshape(&[477, 3000]);
    one(b, "rows.log_softmax.3000", &odd, |x| nn::log_softmax(x, -1));
    one(b, "rows.standardize.2048", &wide, standardize);
    one(b, "rows.standardize.32768", &x.reshape(&[32, 32768]), standardize);
    one(b, "rows.standardize.grad", &x, grad(|x: &Array| standardize(x).powi(3).sum()));
    two(b, "rows.rms.grad", &x, &gain, grad(|x: &Array, g: &Array| rms(x, g).powi(2).sum()));
    one(b, "rows.batch_norm", &x, |x| (x - x.mean_over(0)) / (np::over(0).var(x) + 1e-5).sqrt());
    one(b, "rows.causal_softmax", &x, |x| {
        softmax(&np::where_(&np::tril(&np::ones(&[1024, 1024]), 0).gt(0.0), x, -1e9))
    });
    let of_labels =
        grad(|x: &Array, l: &Array| -np::take_along_axis(&nn::log_softmax(x, -1), &kept(l), Some(-1)).mean());
    two(b, "rows.cross_entropy.grad", &x, &labels, of_labels);
    let one_hot = grad(|x: &Array, l: &Array| -(nn::one_hot(l, 1024) * nn::log_softmax(x, -1)).sum_over(-1).mean());
    two(b, "rows.cross_entropy_one_hot.grad", &x, &labels, one_hot);
    one(b, "rows.max.1024", &x, |x| x.max_over(-1));
    one(b, "rows.max.64", &x.reshape(&[1 << 14, 64]), |x| x.max_over(-1));
    one(b, "rows.max.8", &x.reshape(&[1 << 17, 8]), |x| x.max_over(-1));
    one(b, "rows.argmax", &x, |x| np::over(-1).argmax(x));
    one(b, "rows.argmax.first", &x, |x| np::over(0).argmax(x));
    one(b, "rows.sum.16", &x.reshape(&[1 << 16, 16]), |x| x.sum_over(-1));
    one(b, "rows.sum.4", &x.reshape(&[1 << 18, 4]), |x| x.sum_over(-1));
    one(b, "rows.variance", &x, |x| np::over(-1).var(x));
    one(b, "rows.norm", &x.reshape(&[1 << 16, 16]), |x| (x * x).sum_over(-1).sqrt());
    one(b, "rows.any", &x, |x| np::over(-1).any(&x.gt(3.0)));
    one(b, "rows.count", &x, |x| x.gt(0.0).sum());
}
