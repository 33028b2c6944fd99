//! All partial folds along an axis. The order of a sum is part of its meaning (see the engine).

use super::testing::{components, in_types};
use super::*;
use crate::trace::bind1;
use cotangent_cpu::{Fold, Guard, Kind, Use, ValId, View};

/// The type of the partial folds along `axis`, or why there are none.
fn checked(x: &Aval, axis: usize, takes: Takes) -> Result<Avals, String> {
    if axis >= x.shape.len() {
        return Err(format!("axis {axis} is out of bounds for {x}"));
    }
    takes.check(x.dtype)?;
    Ok(one(x.clone()))
}

/// The partial folds of several arrays together along `axis`. Elements meet in the tree in which JAX's `associative_scan` lets them meet, which decides
/// how equal extremes share a derivative: neighbors first, then the folds of what came of them, and last those in between.
pub(crate) fn folds_in_tree(x: Vec<Array>, axis: usize, combine: &dyn Fn(&[Array], &[Array]) -> Vec<Array>) -> Vec<Array> {
    let Some(n) = x.first().map(|x| x.shape()[axis]).filter(|n| *n > 1) else { return x };
    let part = |x: &[Array], from: usize, to: usize, step: usize| -> Vec<Array> {
        x.iter().map(|x| slice_in_dim(x, from, to, step, axis)).collect()
    };
    let odd = folds_in_tree(combine(&part(&x, 0, n - 1, 2), &part(&x, 1, n, 2)), axis, combine);
    let mut even = part(&x, 0, 1, 1);
    if n > 2 {
        let rest = combine(&part(&odd, 0, (n - 1) / 2, 1), &part(&x, 2, n, 2));
        even = even.iter().zip(&rest).map(|(first, rest)| concatenate(&[first, rest], axis)).collect()
    }
    let joined = |(even, odd): (&Array, &Array)| {
        let pairs = stack(&[&slice_in_dim(even, 0, n / 2, 1, axis), odd], axis + 1);
        let mut shape = pairs.shape().to_vec();
        shape.splice(axis..axis + 2, [2 * (n / 2)]);
        let pairs = reshape(&pairs, &shape);
        if n.is_multiple_of(2) { pairs } else { concatenate(&[&pairs, &slice_in_dim(even, n / 2, n / 2 + 1, 1, axis)], axis) }
    };
    even.iter().zip(&odd).map(joined).collect()
}
/// A value with its tangent.
type Pair<'a> = (&'a Array, &'a Array);
/// The tangent of the partial folds: that of the fold of two, in each place of the tree where two meet.
fn tangent_by_scan(x: &Array, d: &Array, axis: usize, reverse: bool, combine: fn(Pair, Pair) -> (Array, Array)) -> Array {
    let turned = |x: &Array| if reverse { rev(x, &[axis]) } else { x.clone() };
    let two = |a: &[Array], b: &[Array]| <[Array; 2]>::from(combine((&a[0], &a[1]), (&b[0], &b[1]))).to_vec();
    turned(&folds_in_tree(vec![turned(x), turned(d)], axis, &two)[1])
}
/// The extreme of two with its tangent: half of each where both are equal.
fn extreme((v, t): Pair, (w, u): Pair, of: fn(&Array, &Array) -> Array) -> (Array, Array) {
    let y = of(v, w);
    let d = add_any(&mul(t, &binary::chosen(v, w, &y)), &mul(u, &binary::chosen(w, v, &y)));
    (y, d)
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

macro_rules! cumulative { ($($(#[$doc:meta])* $Name:ident $name:ident $fold:expr, $takes:ident, linear $linear:literal, |$this:ident, $x:ident, $d:ident, $y:ident| $tangent:expr, $of:literal => $gives:literal;)*) => { $(
    $(#[$doc])*
    ///
    /// With `reverse` from the end of the axis. Shape and element type are those of `x`.
    ///
    #[doc = example!($name, $of, $gives)]
    ///
    /// # Panics
    /// If there is no such axis, or if elements of this type are not taken.
    #[track_caller]
    pub fn $name(x: &Array, axis: usize, reverse: bool) -> Array { bind1(&$Name { axis, reverse }, &[x]) }
    #[doc = staged!($name, "array![1., 2.]", "0, true")]
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct $Name { axis: usize, reverse: bool }
    impl Primitive for $Name {
        fn name(&self) -> &'static str { stringify!($name) }
        fn params(&self) -> Vec<(&'static str, Param)> {
            vec![("axis", self.axis.to_string().into()), ("reverse", if self.reverse { "True" } else { "False" }.into())]
        }
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> { checked(x[0], self.axis, Takes::$takes) }
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
                let takes = |t: crate::dtype::DType| !t.is_complex() && Takes::$takes.accepts(t);
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
        }, Case {
            name: "extremes of complex numbers",
            args: vec![crate::array(vec![1.5f64, -0.5, 2.25]), crate::array(vec![0.75f64, -1.25, 3.0])],
            run: |x| {
                let z = complex(&x[0], &x[1]);
                [cummax(&z, 0, false), cummin(&z, 0, true)].iter().flat_map(components).collect()
            },
        }]
    }
} }
cumulative! {
    /// All partial sums along `axis`.
    Cumsum cumsum Fold::Sum, Number, linear true, |this, x, d, y| bind1(this, &[d]), "&array![1, 2, 3, 4], 0, false" => "[ 1  3  6 10]";
    /// All partial products along `axis`.
    Cumprod cumprod Fold::Prod, Number, linear false, |this, x, d, y|
        tangent_by_scan(x, d, this.axis, this.reverse, |(v, t), (w, u)| (mul(v, w), add_any(&mul(t, w), &mul(v, u)))),
        "&array![1, 2, 3, 4], 0, true" => "[24 24 12  4]";
    /// The greatest element so far along `axis`. Where two equal ones meet, each has half of the derivative.
    Cummax cummax Fold::Max, Number, linear false, |this, x, d, y|
        tangent_by_scan(x, d, this.axis, this.reverse, |p, q| extreme(p, q, max)), "&array![1, 5, 3, 7], 0, false" => "[1 5 5 7]";
    /// The least element so far along `axis`. Where two equal ones meet, each has half of the derivative.
    Cummin cummin Fold::Min, Number, linear false, |this, x, d, y|
        tangent_by_scan(x, d, this.axis, this.reverse, |p, q| extreme(p, q, min)), "&array![[5, 3], [7, 1]], 0, false" => "[[5 3]\\n [5 1]]";
    /// The logarithm of all partial sums of e^x along `axis`.
    Cumlogsumexp cumlogsumexp Fold::LogAddExp, Float, linear false, |this, x, d, y| {
        // the greater of two exponents is taken out of both, so that neither overflows
        tangent_by_scan(x, d, this.axis, this.reverse, |(v, t), (w, u)| {
            let top = stop_gradient(&max(v, w));
            let safe = select_n(&is_finite(&top), &[&full_of(top.aval(), 0.0), &top]);
            let (p, q) = (exp(&sub(v, &safe)), exp(&sub(w, &safe)));
            let s = add(&p, &q);
            let nothing = eq(&s, &lit(&s, 0.0));
            let divisor = select_n(&nothing, &[&s, &full_of(s.aval(), 1.0)]);
            (add(&safe, &log(&s)), div(&add_any(&mul(t, &p), &mul(u, &q)), &divisor))
        })
    }, "&array![0., 0., 0.], 0, false" => "[0.        0.6931472 1.0986123]";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are those that JAX gives.
    #[test]
    fn equal_extremes_share_the_derivative() {
        let x = crate::array(vec![1f32, 1., 1., 0., 1., 2., 2.]);
        let d = crate::array(vec![1f32, 2., 4., 8., 16., 32., 64.]);
        let tangent = |f: fn(&Array, usize, bool) -> Array, reverse: bool| {
            crate::jvp(|x: &Array| f(x, 0, reverse), (&x,), (&d,)).1.to_vec::<f32>()
        };
        assert_eq!(tangent(cummax, false), [1.0, 1.5, 2.75, 2.75, 9.375, 32.0, 48.0]);
        assert_eq!(tangent(cummax, true), [48.0, 48.0, 48.0, 48.0, 48.0, 48.0, 64.0]);
        assert_eq!(tangent(cummin, false), [1.0, 1.5, 2.75, 8.0, 8.0, 8.0, 8.0]);
        assert_eq!(tangent(cummin, true), [8.0, 8.0, 8.0, 8.0, 16.0, 48.0, 64.0]);
    }
}
