//! Polynomials as vectors of coefficients, that of the highest power first.

use crate::array::{Array, ArrayLike, Given};
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::dims::{flat, here, in_one_type, refs};
use crate::np::{self, atleast_1d, linalg, multiply, to_inexact};
use crate::prim::{self, convert_element_type, lit, slice_in_dim};

#[track_caller]
fn vectors(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    let _line = here();
    let mut both = in_one_type(name, &[&atleast_1d(x), &atleast_1d(y)]);
    for x in &both {
        if x.ndim() != 1 || x.size() == 0 {
            fail(
                ErrorKind::Shape,
                format!("{name}: coefficients of shape {}; a vector of at least one is needed", tuple(x.shape())),
            )
        }
    }
    let y = both.pop().expect("two");
    (both.pop().expect("two"), y)
}
/// The value of the polynomial with coefficients `p` at each `x`, by Horner's rule. Further dimensions of `p` behind the first broadcast with `x`. As `jax.numpy.polyval`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// // 2 x^2 + 3 x + 5
/// assert_eq!(np::polyval(&array![2., 3., 5.], &array![1., 2.]).to_string(), "[10. 19.]");
/// ```
///
/// # Panics
/// If `p` is a scalar, or if shapes do not broadcast.
#[track_caller]
pub fn polyval(p: &Array, x: &Array) -> Array {
    let _line = here();
    if p.ndim() == 0 {
        fail(ErrorKind::Shape, "polyval: the coefficients are a scalar; a vector is needed")
    }
    let both = in_one_type("polyval", &[p, x]);
    let (p, x) = (&both[0], &both[1]);
    let shape = np::broadcast_shapes(&[&p.shape()[1..], x.shape()]);
    let zero = prim::zeros_of(&x.aval().with_shape(shape.iter().copied()));
    let x = np::broadcast_to(x, &shape);
    let step = |y: &Array, c: &Array| prim::add(&prim::mul(y, &x), &np::broadcast_to(c, &shape));
    // few coefficients are written out
    if p.shape()[0] <= 32 {
        return np::unstack(p, 0).iter().fold(zero, |y, c| step(&y, c));
    }
    crate::lax::scan(|y: &Array, c: &Array| (step(y, c), ()), &zero, p).0
}
#[track_caller]
fn sum(name: &str, x: &Array, y: &Array) -> Array {
    let _line = here();
    let (x, y) = vectors(name, x, y);
    let n = x.size().max(y.size());
    let whole = |x: &Array| prim::pad(x, &lit(x, 0.0), &[((n - x.size()) as i64, 0, 0)]);
    prim::add(&whole(&x), &whole(&y))
}
/// The sum of two polynomials. As `jax.numpy.polyadd`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::polyadd(&array![1., 2.], &array![1., 0., 0.]).to_string(), "[1. 1. 2.]");
/// ```
///
/// # Panics
/// If they are no vectors.
#[track_caller]
pub fn polyadd(x: &Array, y: &Array) -> Array {
    sum("polyadd", x, y)
}
/// The difference of two polynomials. As `jax.numpy.polysub`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::polysub(&array![1., 2.], &array![1., 0., 0.]).to_string(), "[-1.  1.  2.]");
/// ```
///
/// # Panics
/// If they are no vectors.
#[track_caller]
pub fn polysub(x: &Array, y: &Array) -> Array {
    sum("polysub", x, &prim::neg(y))
}
/// The product of two polynomials. As `jax.numpy.polymul`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::polymul(&array![1., 1.], &array![1., -1.]).to_string(), "[ 1.  0. -1.]");
/// ```
///
/// # Panics
/// If they are no vectors.
#[track_caller]
pub fn polymul(x: &Array, y: &Array) -> Array {
    let _line = here();
    let (x, y) = vectors("polymul", x, y);
    let (m, n) = (x.size(), y.size());
    // every row of the products is moved on by one: they are one element longer than what they are read as
    let products = multiply(&prim::expand_dims(&x, &[1]), &prim::expand_dims(&y, &[0]));
    let longer = flat(&prim::pad(&products, &lit(&products, 0.0), &[(0, 0, 0), (0, m as i64, 0)]));
    let moved = prim::reshape(&slice_in_dim(&longer, 0, m * (n + m - 1), 1, 0), &[m, n + m - 1]);
    prim::reduce_sum(&moved, &[0])
}
/// Quotient and remainder of two polynomials. The remainder is as long as `x`; without [`trim_zeros`](crate::np::trim_zeros) its first coefficients are 0. As `jax.numpy.polydiv`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (q, r) = np::polydiv(&array![1., 0., -1.], &array![1., 1.]);
/// assert_eq!((q.to_string(), r.to_string()), ("[ 1. -1.]".into(), "[0. 0. 0.]".into()));
/// ```
///
/// # Panics
/// If they are no vectors.
#[track_caller]
pub fn polydiv(x: &Array, y: &Array) -> (Array, Array) {
    let _line = here();
    let (x, y) = vectors("polydiv", x, y);
    let (mut rest, y) = (to_inexact("polydiv", &x), to_inexact("polydiv", &y));
    let (m, n) = (x.size(), y.size());
    if m < n {
        return (prim::zeros_of(&rest.aval().with_shape([1])), rest);
    }
    let scale = np::divide(&lit(&y, 1.0), &y.i(0));
    let mut quotient = vec![];
    for k in 0..m - n + 1 {
        let d = prim::mul(&scale, &rest.i(k));
        rest = rest.at(k..k + n).sub(prim::mul(&d, &y));
        quotient.push(d)
    }
    (prim::stack(&refs(&quotient), 0), rest)
}
/// The product of the m numbers from n down.
fn falling(n: usize, m: usize) -> f64 {
    (0..m).map(|k| n as f64 - k as f64).product()
}
#[track_caller]
fn one_dimension(name: &str, p: &Array) -> Array {
    let p = to_inexact(name, p);
    if p.ndim() != 1 {
        fail(ErrorKind::Shape, format!("{name}: coefficients of shape {}; a vector is needed", tuple(p.shape())))
    }
    p
}
fn factors(p: &Array, x: Vec<f64>) -> Array {
    convert_element_type(&Array::from_slice(&x, &[x.len()]), p.dtype(), p.weak_type())
}
/// The m-th derivative of a polynomial. As `jax.numpy.polyder`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::polyder(&array![1., 1., 1.], 1).to_string(), "[2. 1.]");
/// assert_eq!(np::polyint(&array![2., 1.], 1, 7.).to_string(), "[1. 1. 7.]");
/// ```
///
/// # Panics
/// If it is no vector.
#[track_caller]
pub fn polyder(p: &Array, m: usize) -> Array {
    let _line = here();
    let p = one_dimension("polyder", p);
    if m == 0 {
        return p;
    }
    let n = p.size().saturating_sub(m);
    let by = (0..n).map(|i| falling(p.size() - 1 - i, m)).collect();
    prim::mul(&slice_in_dim(&p, 0, n, 1, 0), &factors(&p, by))
}
/// The polynomial whose m-th derivative this is. `k`, a number or a vector of m, has the constants of the m integrations. As `jax.numpy.polyint`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::polyint(&array![2., 1.], 1, 0.).to_string(), "[1. 1. 0.]");
/// // a number has the type of the coefficients
/// assert_eq!(np::polyint(&array(vec![1f64]), 1, 0.1).to_vec::<f64>(), [1.0, 0.1]);
/// ```
///
/// # Panics
/// If `p` is no vector, or if there are other numbers of constants.
#[track_caller]
pub fn polyint(p: &Array, m: usize, k: impl ArrayLike) -> Array {
    let _line = here();
    let p = one_dimension("polyint", p);
    let k = to_inexact("polyint", &atleast_1d(&Given::new(k).beside(&p)));
    if k.ndim() != 1 || k.size() != 1 && k.size() != m {
        fail(ErrorKind::Shape, format!("polyint: constants of shape {} for {m} integrations", tuple(k.shape())))
    }
    if m == 0 {
        return p;
    }
    let both = in_one_type("polyint", &[&p, &np::broadcast_to(&k, &[m])]);
    let all = prim::concatenate(&refs(&both), 0);
    let n = all.size();
    // what comes from a constant has been integrated less often
    let by = (0..n).map(|i| falling(n - 1 - i, m.min(n - 1 - i))).collect();
    prim::div(&all, &factors(&all, by))
}
/// The coefficients of the polynomial with these zeros, or with the eigenvalues of a square matrix (complex, then) as zeros, and 1 before the highest power. As `jax.numpy.poly`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::poly(&array![1., 2.]).to_string(), "[ 1. -3.  2.]");
/// ```
///
/// # Panics
/// If it is neither vector nor square matrix.
#[track_caller]
pub fn poly(zeros: &Array) -> Array {
    let _line = here();
    let mut zeros = atleast_1d(&to_inexact("poly", zeros));
    if let [m, n] = *zeros.shape()
        && m == n
        && n > 0
    {
        zeros = linalg::eigvals(&zeros)
    }
    if zeros.ndim() != 1 {
        fail(
            ErrorKind::Shape,
            format!("poly: zeros of shape {}; a vector or a square matrix is needed", tuple(zeros.shape())),
        )
    }
    let one = lit(&zeros, 1.0);
    if zeros.size() == 0 {
        return one;
    }
    np::unstack(&zeros, 0).iter().fold(prim::reshape(&one, &[1]), |p, z| {
        // p times (x - z)
        let ahead = prim::pad(&p, &lit(&p, 0.0), &[(0, 1, 0)]);
        let behind = prim::pad(&prim::mul(z, &p), &lit(&p, 0.0), &[(1, 0, 0)]);
        prim::sub(&ahead, &behind)
    })
}
/// The zeros of a polynomial, complex: the eigenvalues of its companion matrix. How many there are depends on how many of the first coefficients are 0, so the coefficients have to be known: see [`roots_padded`]. As
/// `jax.numpy.roots`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let z = np::roots(&array![1., -3., 2.]);
/// assert_eq!(z.shape(), [2]);
/// assert!(np::polyval(&array![1., -3., 2.].astype(DType::Complex64), &z).abs().sum().to_f64() < 1e-5);
/// ```
///
/// # Panics
/// If it is no vector, or abstract.
#[track_caller]
pub fn roots(p: &Array) -> Array {
    let _line = here();
    let p = one_dimension("roots", &atleast_1d(p));
    let zero = prim::eq(&p, &lit(&p, 0.0));
    let zero = zero.concrete("roots (see roots_padded)").with_slice(|z: &[bool]| z.to_vec());
    let first = zero.iter().position(|z| !z).unwrap_or(p.size());
    companion(&slice_in_dim(&p, first, p.size(), 1, 0))
}
#[track_caller]
fn companion(p: &Array) -> Array {
    let n = p.size();
    if n < 2 {
        return np::zeros_dtype(&[0], p.dtype().to_complex());
    }
    let below = np::eye_dtype(n - 1, n - 1, -1, p.dtype());
    let row = np::divide(&prim::neg(&p.i(1..)), &p.i(0));
    linalg::eigvals(&below.at(0).set(row))
}
/// The zeros of a polynomial that may be traced, one fewer than it has coefficients: the last ones are NaN, as many as there are zeros in front. As `jax.numpy.roots` with `strip_zeros=False`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let z = jit(|p: &Array| np::roots_padded(p))(&array![0., 1., -2.]);
/// assert_eq!((z.i(0).astype(DType::Float32).to_f64(), z.shape()), (2., &[2][..]));
/// ```
///
/// # Panics
/// If it is no vector.
#[track_caller]
pub fn roots_padded(p: &Array) -> Array {
    let _line = here();
    let p = one_dimension("roots", &atleast_1d(p));
    let n = p.size();
    if n < 2 {
        return companion(&p);
    }
    let zero = convert_element_type(&prim::eq(&p, &lit(&p, 0.0)), DType::Int32, false);
    let leading = prim::reduce_sum(&prim::cumprod(&zero, 0, false), &[0]);
    // where all are 0 anything else will do
    let none = prim::eq(&leading, &lit(&leading, n as f64));
    let p = prim::select_n(&none, &[&p, &prim::full_of(p.aval(), 1.0)]);
    let z = companion(&np::roll_by(&p, &prim::neg(&leading), 0));
    // zeros at 0, among them those of the coefficients that were moved behind, come last
    let at_zero = convert_element_type(&prim::eq(&z, &lit(&z, 0.0)), DType::Int32, false);
    let z = prim::sort(&[&at_zero, &z], 0, 1).swap_remove(1);
    let there = prim::lt(&prim::iota(DType::Int32, &[n - 1], 0), &prim::sub(&lit(&leading, n as f64 - 1.0), &leading));
    let nan = crate::array(num_complex::Complex::new(f64::NAN, f64::NAN)).astype(z.dtype());
    prim::select_n(&there, &[&np::broadcast_to(&nan, z.shape()), &z])
}

/// The polynomial of a degree that fits best: `jax.numpy.polyfit` with options.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let p = np::polyfit(&array![0., 1., 2.], &array![1., 3., 5.], 1);
/// assert!((p - array![2., 1.]).abs().sum().to_f64() < 1e-5);
/// ```
#[derive(Clone, Debug)]
pub struct Polyfit {
    degree: usize,
    rcond: Option<f64>,
    weights: Option<Array>,
}
/// What [`Polyfit::full`] finds.
///
/// ```
/// use cotangent::{np::Polyfit, prelude::*};
/// let fit = Polyfit::new(1).full(&array![0., 1., 2.], &array![0., 3., 0.]);
/// assert!((fit.p - array![0., 1.]).abs().max().to_f64() < 1e-5);
/// assert!((fit.residuals.sum().to_f64() - 6.).abs() < 1e-5);
/// assert_eq!((fit.rank.to_f64(), fit.singular_values.shape()), (2., &[2][..]));
/// ```
pub struct Fit {
    /// The coefficients.
    pub p: Array,
    /// The sums of the squares of what is left.
    pub residuals: Array,
    /// How many singular values count.
    pub rank: Array,
    /// The singular values of the matrix of scaled powers.
    pub singular_values: Array,
    /// What part of the greatest singular value counts.
    pub rcond: f64,
}
impl Polyfit {
    /// Of this degree.
    ///
    /// ```
    /// use cotangent::{np::Polyfit, prelude::*};
    /// let p = Polyfit::new(2).of(&array![0., 1., 2.], &array![1., 2., 5.]);
    /// assert!((p - array![1., 0., 1.]).abs().max().to_f64() < 1e-4);
    /// ```
    pub fn new(degree: usize) -> Polyfit {
        Polyfit { degree, rcond: None, weights: None }
    }
    /// Singular values of less than this part of the greatest do not count; otherwise the number of points times the precision of the type.
    ///
    /// ```
    /// use cotangent::{np::Polyfit, prelude::*};
    /// // next to the powers of numbers about 100, 1 hardly counts
    /// let (x, y) = (array![100., 101.], array![100., 101.]);
    /// assert_eq!(Polyfit::new(1).rcond(0.1).full(&x, &y).rank.to_f64(), 1.0);
    /// assert_eq!(Polyfit::new(1).rcond(1e-5).full(&x, &y).rank.to_f64(), 2.0);
    /// ```
    pub fn rcond(mut self, rcond: f64) -> Polyfit {
        self.rcond = Some(rcond);
        self
    }
    /// What the distance at each point is multiplied by.
    ///
    /// ```
    /// use cotangent::{np::Polyfit, prelude::*};
    /// // the last point does not count
    /// let p = Polyfit::new(1).weights(&array![1., 1., 0.]).of(&array![0., 1., 2.], &array![1., 4., 99.]);
    /// assert!((p - array![3., 1.]).abs().max().to_f64() < 1e-4);
    /// ```
    pub fn weights(mut self, weights: &Array) -> Polyfit {
        self.weights = Some(weights.clone());
        self
    }
    /// The matrix of powers, divided by its columns' lengths, these lengths, and what was found.
    #[track_caller]
    fn fit(&self, x: &Array, y: &Array) -> (Array, Array, Fit) {
        let _line = here();
        let (x, y) = (to_inexact("polyfit", x), to_inexact("polyfit", y));
        let n = x.size();
        if x.ndim() != 1 || n == 0 || ![1, 2].contains(&y.ndim()) || y.shape()[0] != n {
            fail(
                ErrorKind::Shape,
                format!(
                    "polyfit: points of shape {} and values of shape {}: a vector, and one or more of its length, are needed",
                    tuple(x.shape()),
                    tuple(y.shape())
                ),
            )
        }
        let epsilon = x.dtype().real_part().float_info().map_or(0.0, |f| f.eps);
        let rcond = self.rcond.unwrap_or(n as f64 * epsilon);
        let (mut powers, mut values) = (np::vander(&x, self.degree + 1, false), y);
        if let Some(w) = &self.weights {
            let w = to_inexact("polyfit", w);
            if w.shape() != [n] {
                fail(ErrorKind::Shape, format!("polyfit: weights of shape {} for {n} points", tuple(w.shape())))
            }
            let column = prim::expand_dims(&w, &[1]);
            powers = multiply(&powers, &column);
            values = multiply(&values, if values.ndim() == 2 { &column } else { &w })
        }
        let scale = prim::sqrt(&prim::reduce_sum(&prim::mul(&powers, &powers), &[0]));
        let powers = np::divide(&powers, &prim::expand_dims(&scale, &[0]));
        let found = linalg::lstsq(&powers, &values, Some(rcond));
        let by = if found.x.ndim() == 2 { prim::expand_dims(&scale, &[1]) } else { scale.clone() };
        let fit = Fit {
            p: np::divide(&found.x, &by),
            residuals: found.residuals,
            rank: found.rank,
            singular_values: found.singular_values,
            rcond,
        };
        (powers, scale, fit)
    }
    /// The coefficients for values `y` at the points `x`; of a matrix of values those for each column.
    ///
    /// ```
    /// use cotangent::{np::Polyfit, prelude::*};
    /// let y = array![[1., 0.], [2., 5.]]; // two columns of values
    /// let p = Polyfit::new(1).of(&array![0., 1.], &y);
    /// assert!((p - array![[1., 5.], [1., 0.]]).abs().max().to_f64() < 1e-5);
    /// ```
    ///
    /// # Panics
    /// If `x` is no vector, or if `y` has other lengths.
    #[track_caller]
    pub fn of(&self, x: &Array, y: &Array) -> Array {
        self.fit(x, y).2.p
    }
    /// The coefficients, and how they were found.
    ///
    /// ```
    /// use cotangent::{np::Polyfit, prelude::*};
    /// let fit = Polyfit::new(0).full(&array![0., 1., 2.], &array![1., 2., 6.]);
    /// assert!((fit.p.sum().to_f64() - 3.).abs() < 1e-5 && (fit.residuals.sum().to_f64() - 14.).abs() < 1e-4);
    /// ```
    ///
    /// # Panics
    /// As [`of`](Polyfit::of) does.
    #[track_caller]
    pub fn full(&self, x: &Array, y: &Array) -> Fit {
        self.fit(x, y).2
    }
    /// The coefficients and their covariances, which the residuals scale (`cov=True` in JAX).
    ///
    /// ```
    /// use cotangent::{np::Polyfit, prelude::*};
    /// // of a mean: the variance of three values, 1, divided by 3
    /// let (p, c) = Polyfit::new(0).covariance(&array![0., 1., 2.], &array![1., 2., 3.]);
    /// assert!((p.sum().to_f64() - 2.).abs() < 1e-5 && (c.sum().to_f64() - 1. / 3.).abs() < 1e-5);
    /// ```
    ///
    /// # Panics
    /// As [`of`](Polyfit::of) does, and if there are not more points than coefficients.
    #[track_caller]
    pub fn covariance(&self, x: &Array, y: &Array) -> (Array, Array) {
        let _line = here();
        let (powers, scale, fit) = self.fit(x, y);
        let (n, k) = (powers.shape()[0], powers.shape()[1]);
        if n <= k {
            fail(ErrorKind::Value, format!("polyfit: {n} points for {k} coefficients; covariances need more"))
        }
        let base = unscaled(&powers, &scale);
        let by = prim::div(&fit.residuals, &lit(&fit.residuals, (n - k) as f64));
        let shape: Shape =
            std::iter::repeat_n(1, 2).chain(if y.ndim() == 2 { vec![by.size()] } else { vec![] }).collect();
        let base = if y.ndim() == 2 { prim::expand_dims(&base, &[2]) } else { base };
        (fit.p, multiply(&base, &prim::reshape(&by, &shape)))
    }
    /// The coefficients and their covariances where values vary as the weights say (`cov="unscaled"` in JAX).
    ///
    /// ```
    /// use cotangent::{np::Polyfit, prelude::*};
    /// // of a mean of four values of variance 1
    /// let (_, c) = Polyfit::new(0).covariance_unscaled(&array![0., 1., 2., 3.], &array![5., 0., 7., 2.]);
    /// assert!((c.sum().to_f64() - 0.25).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// As [`of`](Polyfit::of) does.
    #[track_caller]
    pub fn covariance_unscaled(&self, x: &Array, y: &Array) -> (Array, Array) {
        let _line = here();
        let (powers, scale, fit) = self.fit(x, y);
        let base = unscaled(&powers, &scale);
        (fit.p, if y.ndim() == 2 { prim::expand_dims(&base, &[2]) } else { base })
    }
}
#[track_caller]
fn unscaled(powers: &Array, scale: &Array) -> Array {
    np::divide(&linalg::inv(&np::dot(&powers.t(), powers)), &np::outer(scale, scale))
}
/// The coefficients of the polynomial of this degree that is nearest to `y` at the points `x`. Options: [`Polyfit`]. As `jax.numpy.polyfit`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let p = np::polyfit(&array![0., 1., 2.], &array![1., 3., 5.], 1);
/// assert!((p - array![2., 1.]).abs().sum().to_f64() < 1e-5);
/// ```
///
/// # Panics
/// If `x` is no vector, or if `y` has other lengths.
#[track_caller]
pub fn polyfit(x: &Array, y: &Array, degree: usize) -> Array {
    Polyfit::new(degree).of(x, y)
}
