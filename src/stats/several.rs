//! Distributions of vectors.

/// The normal distribution of vectors.
///
/// ```
/// use cotangent::{prelude::*, stats::multivariate_normal};
/// let y = multivariate_normal::logpdf(&array![0., 0.], &array![0., 0.], &array![[1., 0.], [0., 1.]]);
/// assert_eq!(y.to_string(), "-1.837877");
/// ```
pub mod multivariate_normal {
    use crate::array::{Array, broadcast_shapes};
    use crate::aval::tuple;
    use crate::dtype::promote_all;
    use crate::error::{ErrorKind, fail};
    use crate::np::broadcast_to;
    use crate::prim::{self, TriangularSolve, convert_element_type, log, reshape, triangular_solve};
    use std::f64::consts::PI;

    /// The logarithm of the density at vectors along the last axis of `x`. The covariance is a matrix, or a number, the variance of each element; without an axis of `mean`
    /// it is that of numbers. Needs the feature `linalg` for a matrix. As `jax.scipy.stats.multivariate_normal.logpdf`.
    ///
    /// ```
    /// use cotangent::{prelude::*, stats::multivariate_normal};
    /// let (mean, cov) = (array![0., 0.], array![[1., 0.], [0., 4.]]);
    /// assert_eq!(multivariate_normal::logpdf(&array![1., 0.], &mean, &cov).to_string(), "-3.0310242");
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn logpdf(x: &Array, mean: &Array, cov: &Array) -> Array {
        let (dtype, weak) = promote_all([x, mean, cov].map(|x| (x.dtype(), x.weak_type())));
        let dtype = dtype.to_inexact();
        if !dtype.is_float() {
            fail(ErrorKind::Type, format!("stats::multivariate_normal::logpdf: takes real numbers, not {dtype}"))
        }
        let [x, mean, cov] = [x, mean, cov].map(|x| convert_element_type(x, dtype, weak));
        if mean.ndim() == 0 {
            return (&x - &mean).powi(2) / &cov * -0.5 - 0.5 * ((2.0 * PI).ln() + cov.log());
        }
        let n = mean.shape()[mean.ndim() - 1];
        let y = &x - &mean;
        let last = [y.ndim() - 1];
        if cov.ndim() == 0 {
            let squares = (&y * &y).sum_over(&last[..]);
            return squares / &cov * -0.5 - n as f64 / 2.0 * ((2.0 * PI).ln() + cov.log());
        }
        if cov.ndim() < 2 || cov.shape()[cov.ndim() - 2..] != [n, n] || y.shape()[y.ndim() - 1] != n {
            bad(&x, &mean, &cov)
        }
        let factor = prim::cholesky(&cov);
        let batch = &factor.shape()[..factor.ndim() - 2];
        let Some(shape) = broadcast_shapes(&[batch, &y.shape()[..y.ndim() - 1]]) else { bad(&x, &mean, &cov) };
        let all = |tail: &[usize]| -> Vec<usize> { shape.iter().copied().chain(tail.iter().copied()).collect() };
        let columns = reshape(&broadcast_to(&y, &all(&[n])), &all(&[n, 1]));
        let down = TriangularSolve { left_side: true, lower: true, ..Default::default() };
        let white = reshape(&triangular_solve(&broadcast_to(&factor, &all(&[n, n])), &columns, &down), &all(&[n]));
        let squares = (&white * &white).sum_over(shape.len() as i32);
        let (m, k) = (factor.ndim() - 2, factor.ndim() - 1);
        let index = |d| prim::iota(crate::DType::Int32, factor.shape(), d);
        let on = prim::eq(&index(m), &index(k));
        let diagonal = prim::select_n(&on, &[&prim::zeros_of(factor.aval()), &factor]);
        let size = log(&diagonal.sum_over(k as i32)).sum_over(m as i32);
        squares * -0.5 - n as f64 / 2.0 * (2.0 * PI).ln() - size
    }
    #[track_caller]
    fn bad(x: &Array, mean: &Array, cov: &Array) -> ! {
        let text = format!(
            "stats::multivariate_normal::logpdf: shapes {} of x, {} of the mean and {} of the covariance do not fit",
            tuple(x.shape()),
            tuple(mean.shape()),
            tuple(cov.shape())
        );
        fail(ErrorKind::Shape, text)
    }
    /// The density. As `jax.scipy.stats.multivariate_normal.pdf`.
    ///
    /// ```
    /// use cotangent::{prelude::*, stats::multivariate_normal};
    /// let points = array![[0., 0.], [1., 1.]];
    /// let y = multivariate_normal::pdf(&points, &array![0., 0.], &array(1.));
    /// assert!((y - array![0.15915494, 0.05854983]).abs().max().to_f64() < 1e-7);
    /// ```
    ///
    /// # Panics
    /// As [`logpdf`].
    #[track_caller]
    pub fn pdf(x: &Array, mean: &Array, cov: &Array) -> Array {
        logpdf(x, mean, cov).exp()
    }
}

/// Dirichlet's distribution of vectors of positive numbers whose sum is 1.
///
/// ```
/// use cotangent::{prelude::*, stats::dirichlet};
/// assert_eq!(dirichlet::pdf(&array![0.2, 0.8], &array![2., 1.]).to_string(), "0.39999998");
/// ```
pub mod dirichlet {
    use crate::array::Array;
    use crate::aval::tuple;
    use crate::dtype::promote_all;
    use crate::error::{ErrorKind, fail};
    use crate::prim::{self, concatenate, convert_element_type};
    use crate::special::{above, below, gammaln, put, xlogy};

    /// The logarithm of the density at vectors along the first axis of `x`; minus infinity where they are none of this distribution. The last of their elements may be left
    /// out. As `jax.scipy.stats.dirichlet.logpdf`.
    ///
    /// ```
    /// use cotangent::{prelude::*, stats::dirichlet};
    /// assert_eq!(dirichlet::logpdf(&array![0.2, 0.9], &array![2., 1.]).to_f64(), f64::NEG_INFINITY);
    /// assert_eq!(dirichlet::logpdf(&array![0.25, 0.75], &array![1., 1.]).to_f64(), 0.0);
    /// ```
    ///
    /// # Panics
    /// If `alpha` is no vector, or if the shapes do not fit.
    #[track_caller]
    pub fn logpdf(x: &Array, alpha: &Array) -> Array {
        let (dtype, weak) = promote_all([x, alpha].map(|x| (x.dtype(), x.weak_type())));
        let [x, alpha] = [x, alpha].map(|x| convert_element_type(x, dtype.to_inexact(), weak));
        let fits = alpha.ndim() == 1 && x.ndim() > 0 && {
            let (n, m) = (alpha.shape()[0], x.shape()[0]);
            m == n || m + 1 == n
        };
        if !fits {
            let text = format!(
                "stats::dirichlet::logpdf: shapes {} of x and {} of alpha do not fit: alpha is a vector, and x has as many elements along its \
                 first axis, or one less",
                tuple(x.shape()),
                tuple(alpha.shape())
            );
            fail(ErrorKind::Shape, text)
        }
        let x = match x.shape()[0] == alpha.shape()[0] {
            true => x,
            false => concatenate(&[&x, &prim::expand_dims(&(1.0 - x.sum_over(0)), &[0])], 0),
        };
        let norm = gammaln(&alpha).sum_over(0) - gammaln(&alpha.sum_over(0));
        let column = prim::broadcast_in_dim(&alpha, x.shape(), &[0]);
        let value = xlogy(&(column - 1.0), &x).sum_over(0) - norm;
        let whole = below(&(x.sum_over(0) - 1.0).abs(), 1e-6);
        put(&!(prim::reduce_and(&above(&x, 0.0), &[0]) & whole), f64::NEG_INFINITY, &value)
    }
    /// The density. As `jax.scipy.stats.dirichlet.pdf`.
    ///
    /// ```
    /// use cotangent::{prelude::*, stats::dirichlet};
    /// assert!((dirichlet::pdf(&array![0.25, 0.75], &array![2., 3.]).to_f64() - 1.6875).abs() < 1e-6);
    /// ```
    ///
    /// # Panics
    /// As [`logpdf`].
    #[track_caller]
    pub fn pdf(x: &Array, alpha: &Array) -> Array {
        logpdf(x, alpha).exp()
    }
}
