//! Functions of single elements: of many types, and the special ones.

use super::{integers, normal, one, two};
use crate::measure::Bench;
use cotangent::prelude::*;
use cotangent::{nn, np, prim, special};

fn xorshift(x: &Array) -> Array {
    let x = x ^ (x << 13);
    let x = &x ^ (&x >> 17);
    &x ^ (&x << 5)
}
fn gelu(x: &Array) -> Array {
    nn::gelu(x, true)
}
fn complex(seed: u32) -> Array {
    prim::complex(&normal(&[256, 256], seed), &normal(&[256, 256], seed + 1))
}

/// Elements that are no float32.
pub fn types(b: &mut Bench) {
    let x = normal(&[1_000_000], 0);
    let bits = integers(&[1_000_000], 1, 1 << 30).astype(DType::Uint32);
    let image = integers(&[256, 256, 48], 2, 256).astype(DType::Uint8);
    let z = prim::complex(&x.i(..500_000), &x.i(500_000..));
    let half = x.astype(DType::BFloat16);
    one(b, "types.image", &image, |i| (i.astype(DType::Float32) / 255.0 - 0.45) / 0.22);
    one(b, "types.image_back", &x, |x| np::clip(&np::round(&(x * 255.0), 0), 0.0, 255.0).astype(DType::Uint8));
    one(b, "types.bfloat16.gelu", &half, gelu);
    one(b, "types.float16.gelu", &x.astype(DType::Float16), gelu);
    one(b, "types.bfloat16.sum", &half, Array::sum);
    one(b, "types.bfloat16.softmax", &half.reshape(&[1000, 1000]), |x| nn::softmax(x, -1));
    let halves = |seed| normal(&[512, 512], seed).astype(DType::BFloat16);
    two(b, "types.bfloat16.matmul", &halves(3), &halves(4), np::matmul);
    two(b, "types.int32.matmul", &integers(&[256, 256], 5, 100), &integers(&[256, 256], 6, 100), np::matmul);
    one(b, "types.xorshift", &bits, xorshift);
    one(b, "types.int32.mod", &bits.astype(DType::Int32), |x| x % 7 + np::floor_divide(x, &array(3)));
    one(b, "types.popcount", &bits, prim::population_count);
    one(b, "types.complex.exp", &z, |z| (z * 0.1).exp() * z);
    one(b, "types.complex.abs", &z, Array::abs);
    two(b, "types.complex.matmul", &complex(7), &complex(9), np::matmul);
    one(b, "types.bool.logic", &x, |x| (x.gt(0.0) & !x.gt(1.0)).sum());
    one(b, "types.isfinite", &x, |x| np::all(&np::isfinite(x)));
    one(b, "types.where_nan", &x, |x| np::nan_to_num(&x.log()));
}

/// Functions of float32, and chains of them.
pub fn functions(b: &mut Bench) {
    type Fun = fn(&Array) -> Array;
    let x = normal(&[1_000_000], 0);
    let y = normal(&[1_000_000], 1);
    let p = x.abs() + 0.1;
    let of_one: [(&str, Fun, &Array); 23] = [
        ("gelu", gelu, &x),
        ("gelu_exact", |x| nn::gelu(x, false), &x),
        ("silu", nn::silu, &x),
        ("softplus", nn::softplus, &x),
        ("elu", |x| nn::elu(x, 1.0), &x),
        ("cos", Array::cos, &x),
        ("tan", Array::tan, &x),
        ("arctan", np::arctan, &x),
        ("arcsin", |x| np::arcsin(&x.tanh()), &x),
        ("sinh", np::sinh, &x),
        ("expm1", np::expm1, &x),
        ("exp2", np::exp2, &x),
        ("cbrt", np::cbrt, &x),
        ("log2", np::log2, &p),
        ("lgamma", special::gammaln, &p),
        ("digamma", special::digamma, &p),
        ("erfinv", |x| special::erfinv(&x.tanh()), &x),
        ("ndtr", special::ndtr, &x),
        ("i0e", special::i0e, &x),
        ("power3", |x| x.powi(3), &x),
        ("floor", np::floor, &x),
        ("sign", np::sign, &x),
        ("logit", |x| special::logit(&nn::sigmoid(x)), &x),
    ];
    for (name, f, x) in of_one {
        one(b, &format!("functions.{name}"), x, f);
    }
    two(b, "functions.arctan2", &x, &y, |x, y| np::arctan2(x, y));
    two(b, "functions.hypot", &x, &y, |x, y| np::hypot(x, y));
    two(b, "functions.pow", &p, &y, |x, y| np::power(x, y));
    two(b, "functions.fmod", &x, &p, |x, y| np::fmod(x, y));
    two(b, "functions.logaddexp", &x, &y, |x, y| np::logaddexp(x, y));
    one(b, "functions.where", &x, |x| np::where_(&x.gt(0.0), x.abs().sqrt(), x.exp()));
    one(b, "functions.gelu.grad", &x, grad(|x: &Array| gelu(x).sum()));
    one(b, "functions.horner", &x, |x| [0.3, 0.4, 0.5, 0.6].iter().fold(x * 0.1 + 0.2, |value, c| value * x + *c));
}
