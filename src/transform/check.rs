//! `check_grads`: derivatives against numerical differences, to any order, in both modes.

use super::or_zeros;
use crate::array::Array;
use crate::aval::Aval;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Loc, raise};
use crate::prim::{add, mul, scalar_of, sub};
use crate::trace::jvp::jvp_flat;
use crate::trace::linearize::linearize_flat;
use crate::{Arguments, Function, Pytree, tree};
use std::panic::Location;

/// Checks the derivatives of `f` at `args` up to this order against numerical differences in one direction, in forward and in
/// reverse mode.
///
/// ```
/// use cotangent::prelude::*;
/// cotangent::check_grads(|x: &Array, y: &Array| x.sin() * y, (&array(0.5), &array(2.0)), 2);
/// ```
///
/// # Panics
/// If a derivative differs by more than the tolerance (see [`CheckGrads`]): the message says which one, such as "JVP of VJP".
#[track_caller]
pub fn check_grads<S, F>(f: F, args: F::ArgsOf<'_>, order: usize)
where
    F: Function<S, Out: Pytree>,
{
    if let Err(e) = CheckGrads::new().check(f, args, order) {
        raise(e)
    }
}

/// `check_grads` with options, and an answer instead of a panic.
///
/// ```
/// use cotangent::{CheckGrads, custom_jvp, prelude::*};
/// let wrong = custom_jvp(|x: &Array| x * x, |(x,), (dx,)| (&x * &x, x * dx)); // the factor 2 is missing
/// let e = CheckGrads::new().check(wrong, (&array(3.0),), 1).unwrap_err();
/// assert!(e.message().contains("JVP"));
/// ```
#[derive(Clone, Debug)]
pub struct CheckGrads {
    forward: bool,
    reverse: bool,
    atol: Option<f64>,
    rtol: Option<f64>,
    eps: f64,
}
impl Default for CheckGrads {
    fn default() -> CheckGrads {
        CheckGrads::new()
    }
}
impl CheckGrads {
    /// Both modes, steps of 1e-4, tolerances by element type: 2e-3 for float32, 1e-5 for float64 and complex128, 1e-3 for
    /// complex64, 1e-2 for float16, 1e-1 for bfloat16.
    ///
    /// ```
    /// use cotangent::{CheckGrads, prelude::*};
    /// assert!(CheckGrads::new().check(|x: &Array| x.sin() * x, (&array![0.5, 2.],), 2).is_ok());
    /// // no difference quotient with steps of 1e-4 sees the slope of a corner
    /// assert!(CheckGrads::new().check(|x: &Array| x.abs(), (&array(1e-6),), 1).is_err());
    /// ```
    pub fn new() -> CheckGrads {
        CheckGrads { forward: true, reverse: true, atol: None, rtol: None, eps: 1e-4 }
    }
    /// Only forward mode.
    ///
    /// ```
    /// use cotangent::{CheckGrads, custom_jvp, prelude::*};
    /// // the tangent is right, but no linear function of dx is there to be transposed
    /// let f = || custom_jvp(|x: &Array| x * x, |(x,), (dx,)| (&x * &x, 2.0 * x * (&dx * &dx / &dx)));
    /// assert!(CheckGrads::new().forward_only().check(f(), (&array(vec![3f64]),), 1).is_ok());
    /// assert!(catch(|| CheckGrads::new().check(f(), (&array(vec![3f64]),), 1).unwrap()).is_err());
    /// ```
    pub fn forward_only(mut self) -> CheckGrads {
        self.reverse = false;
        self
    }
    /// Only reverse mode.
    ///
    /// ```
    /// use cotangent::{CheckGrads, custom_vjp, prelude::*};
    /// // a function with a reverse rule has no forward mode
    /// let f = custom_vjp(|x: &Array| x.exp(), |(x,)| (x.exp(), x.exp()), |y, ct| (ct * y,));
    /// assert!(CheckGrads::new().reverse_only().check(f, (&array(vec![1f64]),), 1).is_ok());
    /// ```
    pub fn reverse_only(mut self) -> CheckGrads {
        self.forward = false;
        self
    }
    /// The absolute tolerance for one element; it grows with the number of elements.
    ///
    /// ```
    /// use cotangent::{CheckGrads, custom_jvp, prelude::*};
    /// let nearly = || custom_jvp(|x: &Array| x * x, |(x,), (dx,)| (&x * &x, 2.001 * x * dx));
    /// let check = |c: CheckGrads| c.rtol(0.0).check(nearly(), (&array(vec![1f64]),), 1).is_ok();
    /// assert_eq!((check(CheckGrads::new()), check(CheckGrads::new().atol(0.1))), (false, true));
    /// ```
    pub fn atol(mut self, atol: f64) -> CheckGrads {
        self.atol = Some(atol);
        self
    }
    /// The relative tolerance for one element; it grows with the number of elements.
    ///
    /// ```
    /// use cotangent::{CheckGrads, custom_jvp, prelude::*};
    /// let nearly = || custom_jvp(|x: &Array| x * x, |(x,), (dx,)| (&x * &x, 2.001 * x * dx));
    /// let check = |rtol| CheckGrads::new().rtol(rtol).check(nearly(), (&array(vec![1f64]),), 1).is_ok();
    /// assert_eq!((check(1e-6), check(0.01)), (false, true));
    /// ```
    pub fn rtol(mut self, rtol: f64) -> CheckGrads {
        self.rtol = Some(rtol);
        self
    }
    /// The step of the differences.
    ///
    /// ```
    /// use cotangent::{CheckGrads, prelude::*};
    /// // differences over 0.5 say little about a function that turns so fast
    /// let check = |eps| CheckGrads::new().eps(eps).check(|x: &Array| (20.0 * x).sin(), (&array(vec![1f64]),), 1).is_ok();
    /// assert_eq!((check(0.5), check(1e-5)), (false, true));
    /// ```
    pub fn eps(mut self, eps: f64) -> CheckGrads {
        self.eps = eps;
        self
    }
    /// See [`check_grads`].
    ///
    /// ```
    /// use cotangent::{CheckGrads, prelude::*};
    /// assert!(CheckGrads::new().check(|x: &Array, y: &Array| x * y, (&array(vec![2f64]), &array(vec![3f64])), 3).is_ok());
    /// let no_slope = |x: &Array| stop_gradient(x) * 2.0;
    /// assert!(CheckGrads::new().check(no_slope, (&array(vec![2f64]),), 1).is_err());
    /// ```
    ///
    /// # Errors
    /// If a derivative differs by more than the tolerance.
    #[track_caller]
    pub fn check<S, F>(&self, f: F, args: F::ArgsOf<'_>, order: usize) -> Result<(), Error>
    where
        F: Function<S, Out: Pytree>,
    {
        let at = Location::caller();
        let lent = F::lend(&args);
        let x = F::Args::flatten(lent).leaves;
        let run = |x: &[Array]| tree::leaves(&f.call(F::Args::rebuild_refs(lent, &mut x.iter().cloned())));
        self.flat(&run, &x, order, "", at)
    }

    fn flat(&self, f: Flat, x: &[Array], order: usize, chain: &str, at: Loc) -> Result<(), Error> {
        if order == 0 {
            return Ok(());
        }
        let name = |mode: &str| if chain.is_empty() { mode.to_string() } else { format!("{mode} of {chain}") };
        if self.forward {
            self.jvp(f, x, &name("JVP"), at)?;
            if order > 1 {
                let n = x.len();
                let both = |v: &[Array]| {
                    let (y, dy) = push(f, &v[..n], &v[n..], at);
                    y.into_iter().chain(dy).collect()
                };
                let twice: Vec<Array> = x.iter().chain(x).cloned().collect();
                self.flat(&both, &twice, order - 1, &name("JVP"), at)?
            }
        }
        if self.reverse {
            self.vjp(f, x, &name("VJP"), at)?;
            if order > 1 {
                let pulled = |v: &[Array]| {
                    let (y, back) = pull(f, v, at);
                    back(&y)
                };
                self.flat(&pulled, x, order - 1, &name("VJP"), at)?
            }
        }
        Ok(())
    }

    fn jvp(&self, f: Flat, x: &[Array], name: &str, at: Loc) -> Result<(), Error> {
        let mut random = Random::new();
        let t: Vec<Array> = x.iter().map(|x| random.like(x)).collect();
        let (y, dy) = push(f, x, &t, at);
        let plain = f(x);
        let numerical = self.difference(f, x, &t);
        self.close(&y, &plain, &format!("{name} primal"), at)?;
        self.close(&dy, &numerical, &format!("{name} tangent"), at)
    }

    fn vjp(&self, f: Flat, x: &[Array], name: &str, at: Loc) -> Result<(), Error> {
        let (y, back) = pull(f, x, at);
        self.close(&y, &f(x), &format!("{name} primal"), at)?;
        let mut random = Random::new();
        let t: Vec<Array> = x.iter().map(|x| random.like(x)).collect();
        let dy = self.difference(f, x, &t);
        let ct: Vec<Array> = y.iter().map(|y| random.like(y)).collect();
        let conj = |v: Vec<Array>| -> Vec<Array> {
            v.into_iter().map(|x| if x.dtype().is_complex() { crate::prim::conj(&x) } else { x }).collect()
        };
        let dx = conj(back(&conj(ct.clone())));
        let (a, b) = (inner(&t, &dx), inner(&dy, &ct));
        self.close(&[a], &[b], &format!("{name} cotangent projection"), at)
    }

    /// The central difference quotient along `t`.
    fn difference(&self, f: Flat, x: &[Array], t: &[Array]) -> Vec<Array> {
        let moved = |by: f64| {
            let x: Vec<Array> = x
                .iter()
                .zip(t)
                .map(|(x, t)| {
                    if !x.dtype().is_inexact() {
                        return x.clone();
                    }
                    add(x, &mul(t, &number(t, by)))
                })
                .collect();
            f(&x)
        };
        moved(self.eps)
            .iter()
            .zip(&moved(-self.eps))
            .map(|(p, q)| {
                if !p.dtype().is_inexact() {
                    return or_zeros(None, p.aval());
                }
                let d = sub(p, q);
                mul(&d, &number(&d, 0.5 / self.eps))
            })
            .collect()
    }

    fn close(&self, a: &[Array], b: &[Array], name: &str, at: Loc) -> Result<(), Error> {
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            let differ =
                |what: String| Err(Error::new(ErrorKind::Check, format!("check_grads: {name}: {what}")).at(at));
            if a.dtype() != b.dtype() || a.shape() != b.shape() {
                return differ(format!("result {i} has type {}, but {} is expected", a.aval(), b.aval()));
            }
            let tol = match a.dtype() {
                DType::Float16 => 1e-2,
                DType::BFloat16 => 1e-1,
                DType::Float32 => 2e-3,
                DType::Complex64 => 1e-3,
                DType::Float64 | DType::Complex128 => 1e-5,
                _ => 0.0,
            };
            // as JAX does, for the sum of so many roundings
            let n = a.size().max(1) as f64;
            let (atol, rtol) = (self.atol.unwrap_or(tol) * n, self.rtol.unwrap_or(tol) * n);
            let (va, vb) = (values(a), values(b));
            for (k, (p, q)) in va.iter().zip(&vb).enumerate() {
                let off = ((p.0 - q.0).powi(2) + (p.1 - q.1).powi(2)).sqrt();
                let size = (q.0 * q.0 + q.1 * q.1).sqrt();
                let same = p == q || p.0.is_nan() && q.0.is_nan();
                // a NaN on one side only is a difference, too
                if !same && (off.is_nan() || off > atol + rtol * size) {
                    return differ(format!(
                        "element {k} of result {i} is {} by differentiation and {} by differences: they differ by {off:e}, more than \
                         {atol:e} + {rtol:e} * {size:e}",
                        shown(*p),
                        shown(*q)
                    ));
                }
            }
        }
        Ok(())
    }
}

fn shown((re, im): (f64, f64)) -> String {
    if im == 0.0 { format!("{re}") } else { format!("{re}{im:+}i") }
}

/// A function of leaves.
type Flat<'a> = &'a dyn Fn(&[Array]) -> Vec<Array>;

fn push(f: Flat, x: &[Array], t: &[Array], at: Loc) -> (Vec<Array>, Vec<Array>) {
    let t: Vec<Option<Array>> = x.iter().zip(t).map(|(x, t)| x.dtype().is_inexact().then(|| t.clone())).collect();
    let (y, dy) = jvp_flat(&mut |x| f(x), x, &t, at, true);
    let dy = dy.into_iter().zip(&y).map(|(d, y)| or_zeros(d, y.aval())).collect();
    (y, dy)
}
fn pull<'a>(f: Flat, x: &'a [Array], at: Loc) -> (Vec<Array>, impl Fn(&[Array]) -> Vec<Array> + use<'a>) {
    let mask: Vec<bool> = x.iter().map(|x| x.dtype().is_inexact()).collect();
    let (y, linear) = linearize_flat(&mut |x| f(x), x, &mask, at, true);
    let back = move |ct: &[Array]| {
        let ct: Vec<Option<Array>> = ct.iter().map(|c| c.dtype().is_inexact().then(|| c.clone())).collect();
        let mut dx = linear.transpose(&ct, 0, at).into_iter();
        x.iter().zip(&mask).map(|(x, m)| or_zeros(if *m { dx.next().flatten() } else { None }, x.aval())).collect()
    };
    (y, back)
}

/// The sum of the products of all pairs of elements, the first conjugated, in double precision.
pub(crate) fn inner(a: &[Array], b: &[Array]) -> Array {
    let (mut sum, mut complex, mut exact) = ((0.0, 0.0), false, false);
    for (a, b) in a.iter().zip(b) {
        complex |= a.dtype().is_complex() || b.dtype().is_complex();
        exact |= matches!(a.dtype(), DType::Float64 | DType::Complex128);
        for (p, q) in values(a).iter().zip(values(b)) {
            sum.0 += p.0 * q.0 + p.1 * q.1;
            sum.1 += p.0 * q.1 - p.1 * q.0;
        }
    }
    let half = a.iter().chain(b).find(|x| matches!(x.dtype(), DType::Float16 | DType::BFloat16)).map(|x| x.dtype());
    match (complex, exact) {
        (true, _) => crate::array::Number::Complex(sum.0, sum.1)
            .to_array(if exact { DType::Complex128 } else { DType::Complex64 }, false),
        (false, true) => scalar_of(DType::Float64, false, sum.0),
        (false, false) => scalar_of(half.unwrap_or(DType::Float32), false, sum.0),
    }
}

/// All elements as pairs of doubles. Tracers of an enclosing differentiation show their primal.
pub(crate) fn values(x: &Array) -> Vec<(f64, f64)> {
    let x = x.concrete("check_grads");
    let t = x.dtype();
    if t == DType::Float0 {
        return vec![];
    }
    let part = t.real_part();
    let parts: Vec<f64> =
        x.with_bytes(|b| b.chunks(part.size()).map(|c| part.read_f64(c).unwrap_or(f64::NAN)).collect());
    match t.is_complex() {
        true => parts.chunks(2).map(|c| (c[0], c[1])).collect(),
        false => parts.into_iter().map(|x| (x, 0.0)).collect(),
    }
}
fn number(like: &Array, v: f64) -> Array {
    scalar_of(like.dtype(), like.weak_type(), v)
}

/// Directions: standard normal numbers from a fixed seed, by splitmix64 and the polar method.
pub(crate) struct Random(u64);
impl Random {
    pub(crate) fn new() -> Random {
        Random(0x9e37_79b9_7f4a_7c15)
    }
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64) / (1u64 << 53) as f64
    }
    fn normal(&mut self) -> f64 {
        loop {
            let (u, v) = (2.0 * self.unit() - 1.0, 2.0 * self.unit() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                return u * (-2.0 * s.ln() / s).sqrt();
            }
        }
    }
    /// A direction of the type of `x`; `float0` for types without derivatives.
    pub(crate) fn like(&mut self, x: &Array) -> Array {
        let a = x.aval();
        if !a.dtype.is_inexact() {
            return or_zeros(None, a);
        }
        let part = Aval::new(a.dtype.real_part(), &a.shape);
        let mut real = || {
            let data: Vec<f64> = (0..a.size()).map(|_| self.normal()).collect();
            crate::prim::convert_element_type(&Array::from_slice(&data, &a.shape), part.dtype, false)
        };
        let d = if a.dtype.is_complex() { crate::prim::complex(&real(), &real()) } else { real() };
        crate::prim::convert_element_type(&d, a.dtype, a.weak)
    }
}
