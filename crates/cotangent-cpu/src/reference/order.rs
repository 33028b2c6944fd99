//! Lines in order: sorting, and the greatest elements.

use super::{Array, Elem, lines, scalar::scalar, scalar::wrap};
use crate::{Dt, Op, Ty};
use std::cmp::Ordering;

fn is(op: Op, dt: Dt, a: u64, b: u64) -> bool {
    scalar(op, Dt::Bool, dt, a, b, 0) != 0
}

/// Which of two numbers comes first: NaN is the last, and equal to NaN. Only bits are looked at, so that subnormal numbers have their places, too.
fn ascending(dt: Dt, a: u64, b: u64) -> Ordering {
    let sign = 1u64 << (8 * dt.size() - 1);
    let place = |x: u64| if x & sign != 0 { -((x & !sign) as i64) } else { x as i64 };
    match (is(Op::Ne, dt, a, a), is(Op::Ne, dt, b, b)) {
        (false, false) if dt.is_float() => place(a).cmp(&place(b)),
        (false, false) if is(Op::Lt, dt, a, b) => Ordering::Less,
        (false, false) if is(Op::Lt, dt, b, a) => Ordering::Greater,
        (false, false) => Ordering::Equal,
        (a, b) => a.cmp(&b),
    }
}

/// Every operand, with its lines along `d` in the order of the first `keys`.
pub(super) fn sort(operands: &[Array], d: usize, keys: usize) -> Vec<Array> {
    let compare = |a: &[Elem], b: &[Elem]| {
        let one = |k: usize| {
            let (dt, parts) = (operands[k].dt.part(), 1 + operands[k].dt.is_complex() as usize);
            (0..parts).fold(Ordering::Equal, |o, part| o.then_with(|| ascending(dt, a[k][part], b[k][part])))
        };
        (0..keys).fold(Ordering::Equal, |o, k| o.then_with(|| one(k)))
    };
    let dims = &operands[0].dims;
    let (n, inner) = (dims[d], dims[d + 1..].iter().product::<usize>());
    let mut sorted: Vec<Vec<Elem>> = operands.iter().map(|o| o.data.clone()).collect();
    for line in 0..sorted[0].len() / n.max(1) {
        let at = |i: usize| (line / inner * n + i) * inner + line % inner;
        let mut rows: Vec<Vec<Elem>> = (0..n).map(|i| operands.iter().map(|o| o.data[at(i)]).collect()).collect();
        rows.sort_by(|a, b| compare(a, b));
        for (i, row) in rows.iter().enumerate() {
            for (k, x) in row.iter().enumerate() {
                sorted[k][at(i)] = *x;
            }
        }
    }
    operands.iter().zip(sorted).map(|(o, data)| Array { dt: o.dt, dims: o.dims.clone(), data }).collect()
}

/// The greatest elements of the lines along `d`, and where they are.
pub(super) fn top(x: &Array, d: usize, values: &Ty, indices: &Ty) -> [Array; 2] {
    let k = values.dims[d];
    let dt = x.dt;
    let sign = |a: u64| a >> (8 * dt.size() - 1);
    let compare = |a: u64, b: u64| {
        // Of two zeros the one without a sign is greater.
        let zeros = x.dt.is_float() && [a, b].iter().all(|x| wrap(dt, x << 1) == 0);
        ascending(x.dt, b, a).then_with(|| if zeros { sign(a).cmp(&sign(b)) } else { Ordering::Equal })
    };
    let chosen = |line: &[Elem]| {
        let mut order: Vec<usize> = (0..line.len()).collect();
        order.sort_by(|a, b| compare(line[*a][0], line[*b][0]));
        order.truncate(k);
        order
    };
    let found = lines(x, d, d + 1, |line| chosen(line).iter().map(|i| line[*i]).collect());
    let at = lines(x, d, d + 1, |line| chosen(line).iter().map(|i| [wrap(indices.dt, *i as u64), 0]).collect());
    [(values, found), (indices, at)].map(|(ty, data)| Array { dt: ty.dt, dims: ty.dims.clone(), data })
}
