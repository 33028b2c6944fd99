//! All partial folds along an axis. The order of a sum is part of its meaning (see the engine).

use super::testing::{components, in_types};
use super::*;
use crate::trace::bind1;
use cotangent_cpu::{Fold, Guard, Kind, Use, ValId, View};

/// The tangent of a partial fold, as a partial sum over pairs: the value before an element enters the derivative of what comes.
fn checked(x: &Aval, axis: usize, floats: bool) -> Result<Avals, String> {
    if axis >= x.shape.len() {
        return Err(format!("axis {axis} is out of bounds for {x}"));
    }
    if !(x.dtype.is_inexact() || !floats && x.dtype.is_integer()) {
        return Err(format!("does not take elements of type (dtype) {}", x.dtype));
    }
    Ok(one(x.clone()))
}

/// x moved by `by` places along `axis`, away from where the fold starts, with `fill` entering there.
fn moved(x: &Array, by: usize, fill: &Array, axis: usize, reverse: bool) -> Array {
    let n = x.shape()[axis];
    let mut config = vec![(0, 0, 0); x.ndim()];
    config[axis] = if reverse { (0, by as i64, 0) } else { (by as i64, 0, 0) };
    let piece = if reverse { slice_in_dim(x, by, n, 1, axis) } else { slice_in_dim(x, 0, n - by, 1, axis) };
    pad(&piece, fill, &config)
}
/// The partial folds of pairs (value, tangent) by doubling steps, with the derivative of `combine` in each.
fn tangent_by_doubling(
    x: &Array,
    d: &Array,
    axis: usize,
    reverse: bool,
    identity: f64,
    combine: fn(&Array, &Array, &Array, &Array) -> (Array, Array),
) -> Array {
    let (mut v, mut t, mut by) = (x.clone(), d.clone(), 1);
    while by < x.shape()[axis] {
        let (w, u) = (moved(&v, by, &lit(x, identity), axis, reverse), moved(&t, by, &lit(x, 0.0), axis, reverse));
        (v, t) = combine(&w, &u, &v, &t);
        by *= 2
    }
    t
}
/// Where w is at least as great as v (or, with `least`, as small), lexicographically for complex numbers.
fn before(w: &Array, v: &Array, least: bool) -> Array {
    let (w, v) = if least { (v, w) } else { (w, v) };
    if !w.dtype().is_complex() {
        return ge(w, v);
    }
    let (p, q) = (real(w), real(v));
    or(&gt(&p, &q), &and(&eq(&p, &q), &ge(&imag(w), &imag(v))))
}
/// The earlier of two equal extremes keeps the derivative.
fn extreme(w: &Array, u: &Array, v: &Array, t: &Array, earlier: &Array) -> (Array, Array) {
    (select_n(earlier, &[v, w]), select_n(earlier, &[t, u]))
}

/// The extreme complex number so far, in lexicographic order: by doubling steps, since an extreme does not depend on the order.
fn lexicographic(l: &mut Lower, x: ValId, axis: usize, reverse: bool, least: bool, out: &Aval) -> ValId {
    let (n, dt) = (out.shape[axis] as i64, out.dtype.dt().part());
    let worst = scalar_of(out.dtype.real_part(), false, if least { f64::INFINITY } else { f64::NEG_INFINITY });
    let worst = worst.with_bytes(|b| b.iter().rev().fold(0u64, |w, b| w << 8 | *b as u64));
    let natural = cotangent_cpu::row_major(&out.shape);
    let (mut x, mut by) = (x, 1);
    while by < n {
        let mut v = View::identity(&out.shape);
        let (lo, hi) = if reverse { (0, n - by) } else { (by, n) };
        // a guarded dimension counts from the guard's lower end
        v.offset = if reverse { by * natural[axis] } else { 0 };
        v.guards.push(Guard { dim: axis as u32, lo, hi, step: 1 });
        v.fill = [worst; 2];
        let earlier = l.view(x, v);
        x = l.map(out, &[earlier, x], |b, x| {
            let (re, im) = binary::lexicographic(least)(b, dt, x[0].cx(), x[1].cx());
            lower::Num::Cx(re, im)
        });
        by *= 2
    }
    x
}

macro_rules! cumulative { ($($(#[$doc:meta])* $Name:ident $name:ident $fold:expr, floats $floats:literal, linear $linear:literal, |$this:ident, $x:ident, $d:ident, $y:ident| $tangent:expr;)*) => { $(
    $(#[$doc])*
    ///
    /// With `reverse` from the end of the axis.
    #[track_caller]
    pub fn $name(x: &Array, axis: usize, reverse: bool) -> Array { bind1(&$Name { axis, reverse }, &[x]) }
    #[doc = concat!("See [`", stringify!($name), "`].")]
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct $Name { axis: usize, reverse: bool }
    impl Primitive for $Name {
        fn name(&self) -> &'static str { stringify!($name) }
        fn params(&self) -> Vec<(&'static str, Param)> {
            vec![("axis", self.axis.to_string().into()), ("reverse", if self.reverse { "True" } else { "False" }.into())]
        }
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> { checked(x[0], self.axis, $floats) }
        #[allow(unused_variables)]
        fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents {
            one(dx[0].map(|$d| { let ($this, $x, $y) = (self, x[0], &y[0]); $tangent }))
        }
        fn linear_in(&self, _: &[bool]) -> bool { $linear }
        fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
            let back = $Name { axis: self.axis, reverse: !self.reverse };
            io.add(0, bind1(&back, &[ct[0].as_ref().expect("a cotangent")]))
        }
        fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
            let b = dims[0].expect("a mapped operand");
            one(($name(x[0], self.axis + (self.axis >= b) as usize, self.reverse), Some(b)))
        }
        fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
            if outs[0].dtype.is_complex() && matches!($fold, Fold::Max | Fold::Min) {
                return one(lexicographic(l, x[0], self.axis, self.reverse, $fold == Fold::Min, &outs[0]));
            }
            let kind = Kind::Prefix { op: $fold, dim: self.axis as u32, reverse: self.reverse };
            one(l.p.push(kind, &[Use::plain(x[0])], &[lower::ty(&outs[0])]))
        }
    }
)*
    pub(super) const READ: &[Read] = &[
        $((stringify!($name), |p, x| Ok(one($name(&x[0], p.usize("axis")?, p.bool("reverse")?))))),*
    ];
    pub(super) fn cases() -> Vec<Case> {
        vec![$(Case {
            name: stringify!($name),
            args: vec![Array::from_slice(&[1.5f64, -0.5, 2.25, 0.75, -1.25, 3.0], &[2, 3])],
            run: |x| vec![$name(&x[0], 1, false), $name(&x[0], 0, true), $name(&x[0], 1, true)],
        }, Case {
            name: concat!(stringify!($name), " of nothing and of one"),
            args: vec![Array::from_slice::<f64>(&[], &[2, 0]), Array::from_slice(&[0.5f64, -1.5], &[1, 2])],
            run: |x| vec![$name(&x[0], 0, false), $name(&x[0], 1, true), $name(&x[1], 0, true), $name(&x[1], 0, false)],
        }, Case {
            name: concat!(stringify!($name), " of each type"),
            args: vec![Array::from_slice(&[1.5f32, -0.5, 2.25, 0.75, -1.25, 3.0], &[6])],
            run: |x| {
                let takes = |t: crate::dtype::DType| if $floats { t.is_float() } else { t.is_float() || t.is_integer() };
                in_types(&x[0], takes).iter().map(|x| $name(x, 0, false)).collect()
            },
        }),*,
        Case {
            name: "sums and products of complex numbers",
            args: vec![crate::array(vec![1.5f64, -0.5, 2.25]), crate::array(vec![0.75f64, -1.25, 3.0])],
            run: |x| {
                let z = complex(&x[0], &x[1]);
                [cumsum(&z, 0, false), cumprod(&z, 0, true)].iter().flat_map(components).collect()
            },
        }]
    }
} }
cumulative! {
    /// All partial sums along `axis`.
    Cumsum cumsum Fold::Sum, floats false, linear true, |this, x, d, y| bind1(this, &[d]);
    /// All partial products along `axis`.
    Cumprod cumprod Fold::Prod, floats false, linear false, |this, x, d, y|
        tangent_by_doubling(x, d, this.axis, this.reverse, 1.0, |w, u, v, t| (mul(w, v), add_any(&mul(u, v), &mul(w, t))));
    /// The greatest element so far along `axis`. The first of equal ones has the derivative.
    Cummax cummax Fold::Max, floats false, linear false, |this, x, d, y|
        tangent_by_doubling(x, d, this.axis, this.reverse, f64::NEG_INFINITY, |w, u, v, t| extreme(w, u, v, t, &before(w, v, false)));
    /// The least element so far along `axis`. The first of equal ones has the derivative.
    Cummin cummin Fold::Min, floats false, linear false, |this, x, d, y|
        tangent_by_doubling(x, d, this.axis, this.reverse, f64::INFINITY, |w, u, v, t| extreme(w, u, v, t, &before(w, v, true)));
    /// The logarithm of all partial sums of e^x along `axis`.
    Cumlogsumexp cumlogsumexp Fold::LogAddExp, floats true, linear false, |this, x, d, y| {
        // sum of e^(x_k - y_i) dx_k over k up to i: the factors never overflow in pairs
        tangent_by_doubling(x, d, this.axis, this.reverse, f64::NEG_INFINITY, |w, u, v, t| {
            let top = stop_gradient(&max(w, v));
            let safe = select_n(&is_finite(&top), &[&full_of(top.aval(), 0.0), &top]);
            let (p, q) = (exp(&sub(w, &safe)), exp(&sub(v, &safe)));
            let s = add(&p, &q);
            let nothing = eq(&s, &lit(&s, 0.0));
            let divisor = select_n(&nothing, &[&s, &full_of(s.aval(), 1.0)]);
            (add(&safe, &log(&s)), div(&add_any(&mul(u, &p), &mul(t, &q)), &divisor))
        })
    };
}
