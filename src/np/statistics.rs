//! Covariances and correlations, with NumPy's names.

use crate::array::Array;
use crate::error::{ErrorKind, fail};
use crate::np::{self, to_inexact};
use crate::prim::{self, convert_element_type};

/// Covariances of variables from observations. A row is a variable, a column an observation. As `jax.numpy.cov` and `jax.numpy.corrcoef`.
///
/// ```
/// use cotangent::{np::Cov, prelude::*};
/// let x = array![[0., 1., 2.], [2., 1., 0.]];
/// assert_eq!(Cov::new().of(&x).to_string(), "[[ 1. -1.]\n [-1.  1.]]");
/// assert_eq!(Cov::new().columns().ddof(0.0).of(&array![[1., 2.], [3., 6.]]).to_string(), "[[1. 2.]\n [2. 4.]]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Cov {
    columns: bool,
    ddof: Option<f64>,
    bias: bool,
    fweights: Option<Array>,
    aweights: Option<Array>,
}
impl Cov {
    /// As [`cov`].
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// assert_eq!(Cov::new().of(&array![[0., 2.], [1., 5.]]).to_string(), "[[2. 4.]\n [4. 8.]]");
    /// ```
    pub fn new() -> Cov {
        Cov::default()
    }
    /// A column is a variable, a row an observation: `rowvar=False`.
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// assert_eq!(Cov::new().columns().of(&array![[0., 1.], [2., 5.]]).to_string(), "[[2. 4.]\n [4. 8.]]");
    /// ```
    pub fn columns(mut self) -> Cov {
        self.columns = true;
        self
    }
    /// The divisor is the number of observations, not one less.
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// assert_eq!(Cov::new().bias().of(&array![1., 3., 5., 7.]).to_f64(), 5.0);
    /// ```
    pub fn bias(mut self) -> Cov {
        self.bias = true;
        self
    }
    /// What is subtracted from the number of observations in the divisor.
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// assert_eq!(Cov::new().ddof(2.).of(&array![1., 3., 5., 7.]).to_f64(), 10.0);
    /// ```
    pub fn ddof(mut self, ddof: f64) -> Cov {
        self.ddof = Some(ddof);
        self
    }
    /// How often each observation was made, integers.
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// // as of 1, 1, 1, 5
    /// assert_eq!(Cov::new().fweights(&array![3, 1]).of(&array![1., 5.]).to_f64(), 4.0);
    /// ```
    pub fn fweights(mut self, w: &Array) -> Cov {
        self.fweights = Some(w.clone());
        self
    }
    /// How much each observation counts.
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// assert_eq!(Cov::new().bias().aweights(&array![3., 1.]).of(&array![1., 5.]).to_f64(), 3.0);
    /// ```
    pub fn aweights(mut self, w: &Array) -> Cov {
        self.aweights = Some(w.clone());
        self
    }
    #[track_caller]
    fn variables(&self, name: &str, m: &Array) -> Array {
        match m.ndim() {
            0 | 1 => prim::reshape(m, &[1, m.size()]),
            2 if self.columns => prim::transpose(m, &[1, 0]),
            2 => m.clone(),
            _ => fail(ErrorKind::Shape, format!("{name}: of variables in rows, not of {}", m.aval())),
        }
    }
    /// The covariances of all pairs of variables; a scalar if there is one variable.
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// assert_eq!(Cov::new().of(&array![2., 4., 6.]).to_string(), "4.0");
    /// ```
    ///
    /// # Panics
    /// If there are more than two dimensions, or if weights are not one for each observation.
    #[track_caller]
    pub fn of(&self, m: &Array) -> Array {
        self.covariances("cov", &self.variables("cov", &to_inexact("cov", m)))
    }
    /// The covariances of the variables of both arrays.
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// let c = Cov::new().of_both(&array![0., 2.], &array![5., 1.]);
    /// assert_eq!(c.to_string(), "[[ 2. -4.]\n [-4.  8.]]");
    /// ```
    ///
    /// # Panics
    /// As [`of`](Cov::of); also if they have different numbers of observations.
    #[track_caller]
    pub fn of_both(&self, m: &Array, y: &Array) -> Array {
        self.covariances("cov", &self.both("cov", m, y))
    }
    #[track_caller]
    fn both(&self, name: &str, m: &Array, y: &Array) -> Array {
        let (m, y) = np::inexact_types(name, m, y);
        prim::concatenate(&[&self.variables(name, &m), &self.variables(name, &y)], 0)
    }
    /// The correlations of all pairs of variables: covariances divided by both standard deviations. Weights and divisors say nothing here.
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// let c = Cov::new().columns().corrcoef(&array![[0., 0.], [1., -2.], [2., -4.]]);
    /// assert_eq!(c.i((0, 1)).to_f64().round(), -1.0);
    /// ```
    ///
    /// # Panics
    /// As [`of`](Cov::of).
    #[track_caller]
    pub fn corrcoef(&self, m: &Array) -> Array {
        self.correlations(&self.variables("corrcoef", &to_inexact("corrcoef", m)))
    }
    /// The correlations of the variables of both arrays.
    ///
    /// ```
    /// use cotangent::{np::Cov, prelude::*};
    /// let c = Cov::new().corrcoef_both(&array![0., 1., 2.], &array![5., 7., 5.]);
    /// assert_eq!(c.to_string(), "[[1. 0.]\n [0. 1.]]");
    /// ```
    ///
    /// # Panics
    /// As [`of_both`](Cov::of_both).
    #[track_caller]
    pub fn corrcoef_both(&self, m: &Array, y: &Array) -> Array {
        self.correlations(&self.both("corrcoef", m, y))
    }
    #[track_caller]
    fn correlations(&self, x: &Array) -> Array {
        let c = Cov::new().covariances("corrcoef", x);
        if c.ndim() == 0 {
            return prim::div(&c, &c);
        }
        let n = c.shape()[0];
        // the diagonal, each of its elements beside its row
        let (i, j) = (prim::iota(crate::DType::Int32, &[n, n], 0), prim::iota(crate::DType::Int32, &[n, n], 1));
        let diagonal = np::over(1).where_(&prim::eq(&i, &j)).sum(&np::real(&c));
        let deviation = convert_element_type(&prim::sqrt(&diagonal), c.dtype(), false);
        let beside = |d: usize| prim::broadcast_in_dim(&deviation, &[n, n], &[d]);
        let c = prim::div(&prim::div(&c, &beside(0)), &beside(1));
        if !c.dtype().is_complex() {
            return np::clip(&c, -1, 1);
        }
        prim::complex(&np::clip(&prim::real(&c), -1, 1), &np::clip(&prim::imag(&c), -1, 1))
    }
    #[track_caller]
    fn covariances(&self, name: &str, x: &Array) -> Array {
        let (m, n) = (x.shape()[0], x.shape()[1]);
        if m == 0 {
            return prim::zeros_of(&x.aval().with_shape([0, 0]));
        }
        if n == 0 {
            let shape = if m == 1 { vec![] } else { vec![m, m] };
            return prim::full_of(&x.aval().with_shape(shape), f64::NAN);
        }
        let mut weights: Option<Array> = None;
        for (what, w, whole) in [("fweights", &self.fweights, true), ("aweights", &self.aweights, false)] {
            let Some(w) = w else { continue };
            if w.shape() != [n] {
                fail(ErrorKind::Shape, format!("{name}: {what} {} for {n} observations", w.aval()))
            }
            if whole && !w.dtype().is_integer() {
                fail(ErrorKind::Type, format!("{name}: {what} count observations, so their type is no {}", w.dtype()))
            }
            let w = np::abs(w);
            weights = Some(match weights {
                Some(v) => np::multiply(&v, &w),
                None => w,
            })
        }
        let over = np::over(1).keepdims();
        let over = match &weights {
            Some(w) => over.weights(w),
            None => over,
        };
        let (mean, total) = over.average_and_weight(x);
        let ddof = self.ddof.unwrap_or(if self.bias { 0.0 } else { 1.0 });
        let divisor = match &weights {
            None => prim::scalar_of(x.dtype(), false, n as f64 - ddof),
            Some(w) => {
                let total = prim::reshape(&prim::slice_in_dim(&total, 0, 1, 1, 0), &[]);
                match &self.aweights {
                    None => total - ddof,
                    Some(a) => &total - np::sum(&np::multiply(w, &np::abs(a))) * ddof / &total,
                }
            }
        };
        let x = np::subtract(x, &mean);
        let weighted = match &weights {
            None => x.clone(),
            Some(w) => np::multiply(&x, w),
        };
        let c = np::divide(&np::dot(&x, &np::conj(&weighted).t()), &divisor);
        if m == 1 { prim::reshape(&c, &[]) } else { c }
    }
}
/// The covariances of variables in rows, from observations in columns. [`Cov`] has options. As `jax.numpy.cov`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::cov(&array![[0., 1., 2.], [2., 1., 0.]]).to_string(), "[[ 1. -1.]\n [-1.  1.]]");
/// assert_eq!(np::cov(&array![1., 2., 3.]).to_f64(), 1.0);
/// ```
///
/// # Panics
/// As [`Cov::of`].
#[track_caller]
pub fn cov(m: &Array) -> Array {
    Cov::new().of(m)
}
/// The correlations of variables in rows, from observations in columns. As `jax.numpy.corrcoef`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::corrcoef(&array![[0., 1., 2.], [4., 2., 0.]]).to_string(), "[[ 1. -1.]\n [-1.  1.]]");
/// ```
///
/// # Panics
/// As [`Cov::of`].
#[track_caller]
pub fn corrcoef(m: &Array) -> Array {
    Cov::new().corrcoef(m)
}
