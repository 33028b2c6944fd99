//! Indices, sorting, counting, prefixes.

use super::{integers, normal, one, two};
use crate::measure::Bench;
use cotangent::prelude::*;
use cotangent::{lax, np, prim};

pub fn all(b: &mut Bench) {
    let x = normal(&[1024, 1024], 0);
    let line = normal(&[1_000_000], 1);
    let table = normal(&[10_000], 2);
    let at = integers(&[1_000_000], 3, 10_000);
    let rows = integers(&[1024, 16], 4, 1024);
    two(b, "order.take", &table, &at, |t, i| t.i(i));
    two(b, "order.take.grad", &table, &at, grad(|t: &Array, i: &Array| t.i(i).powi(2).sum()));
    let f = jit(|t: &Array, i: &Array, x: &Array| (t.i(i) * 2.0 + x).sum());
    b.time("program.order.take_fused", || f(&table, &at, &line));
    two(b, "order.take_along_axis", &x, &rows, |x, i| np::take_along_axis(x, i, Some(1)));
    two(b, "order.segment_sum", &line, &at, |v, i| np::zeros(&[10_000]).at(i).add(v));
    two(b, "order.segment_max", &line, &at, |v, i| np::full(&[10_000], f32::NEG_INFINITY).at(i).max(v));
    one(b, "order.bincount", &at, |i| np::Bincount::new().length(10_000).of(i));
    one(b, "order.histogram", &line, |x| np::histogram(x, 50).0);
    two(b, "order.searchsorted", &table, &line, |t, x| np::searchsorted(&np::sort(t, -1), x, np::Side::Left));
    two(b, "order.interp", &table, &line, |t, x| np::interp(x, &np::linspace(-3.0, 3.0, 10_000), t));
    one(b, "order.sort.rows", &x, |x| np::sort(x, -1));
    one(b, "order.sort.columns", &x, |x| np::sort(x, 0));
    one(b, "order.argsort.rows", &x, |x| np::argsort(x, -1));
    one(b, "order.sort.integers", &at, |x| np::sort(x, -1));
    one(b, "order.top_k", &x, |x| prim::top_k(x, 10, 1));
    one(b, "order.median", &x, |x| np::over(-1).median(x));
    one(b, "order.cumsum.rows", &x, |x| np::cumsum(x, -1));
    one(b, "order.cumsum.columns", &x, |x| np::cumsum(x, 0));
    one(b, "order.cumsum.grad", &x, grad(|x: &Array| np::cumsum(x, -1).powi(2).sum()));
    one(b, "order.cumprod", &x, |x| np::cumprod(&(1.0 + 0.01 * x), -1));
    one(b, "order.cummax", &x, |x| lax::cummax(x, 1, false));
    two(b, "order.scatter_set", &x, &rows, |x, i| x.at(i.i((.., 0))).set(0.0));
}
