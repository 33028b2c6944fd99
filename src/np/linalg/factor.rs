//! Factorizations.

use super::*;
use crate::dtype::DType;
use crate::prim::TriangularSolve;

/// The lower triangular L with `L L^H = a`, for Hermitian positive definite matrices: of another one, half of the sum with its conjugate transpose counts. Where that is not positive
/// definite, the lower triangle of the result is NaN. As `jax.numpy.linalg.cholesky`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// assert_eq!(linalg::cholesky(&array![[4., 2.], [2., 5.]]).to_string(), "[[2. 0.]\n [1. 2.]]");
/// ```
#[track_caller]
pub fn cholesky(a: &Array) -> Array {
    prim::cholesky(&matrix::symmetrized(&square("cholesky", a)))
}

/// Eigenvalues in ascending order, and the eigenvectors that belong to them as columns.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let linalg::Eigen { values, vectors } = linalg::eigh(&array![[2., 0.], [0., -3.]]);
/// assert_eq!(values.to_string(), "[-3.  2.]");
/// assert_eq!(vectors.abs().to_string(), "[[0. 1.]\n [1. 0.]]");
/// ```
pub struct Eigen {
    /// For [`eigh`] real, of the type of a part.
    pub values: Array,
    /// Columns of length 1.
    pub vectors: Array,
}
/// Eigenvalues and orthonormal eigenvectors of Hermitian matrices: of another one, half of the sum with its conjugate transpose counts. [`Eigh`] has the options. As `jax.numpy.linalg.eigh`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let e = linalg::eigh(&array![[2., 1.], [1., 2.]]);
/// assert!((e.values - array![1., 3.]).abs().sum().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn eigh(a: &Array) -> Eigen {
    Eigh::new().of(a)
}
/// The eigenvalues of Hermitian matrices in ascending order; they have a derivative also where some are equal. As `jax.numpy.linalg.eigvalsh`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// assert!((linalg::eigvalsh(&array![[2., 1.], [1., 2.]]) - array![1., 3.]).abs().max().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn eigvalsh(a: &Array) -> Array {
    eigh(a).values
}
/// [`eigh()`] with options.
///
/// ```
/// use cotangent::{prelude::*, np::linalg::{Degenerate, Eigh}};
/// // a function of the matrix, written with its eigenvectors: the exponential of the unit matrix
/// let e = array![[1., 0.], [0., 1.]];
/// let trace = |how: Degenerate| move |a: &Array| {
///     let e = Eigh::new().degenerate(how).of(a);
///     (&e.vectors * e.values.exp()).dot(&e.vectors.t()).trace()
/// };
/// assert!(grad(trace(Degenerate::NotANumber))(&e).sum().to_f64().is_nan());
/// assert!((grad(trace(Degenerate::Zero))(&e).sum().to_f64() - 2.0 * 1f64.exp()).abs() < 1e-5);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Eigh {
    triangle: Option<Triangle>,
    degenerate: Degenerate,
}
/// The part of a Hermitian matrix that counts.
///
/// ```
/// use cotangent::{np::linalg::{Eigh, Triangle}, prelude::*};
/// let a = array![[1., 9.], [0., 4.]];
/// let values = |which: Triangle| Eigh::new().triangle(which).of(&a).values;
/// assert_eq!(values(Triangle::Lower).to_string(), "[1. 4.]");
/// assert!((values(Triangle::Upper).sum() - 5.).abs().to_f64() < 1e-5 && values(Triangle::Upper).i(0).to_f64() < 0.);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triangle {
    /// What is on and below the diagonal.
    Lower,
    /// What is on and above the diagonal.
    Upper,
}
impl Eigh {
    /// As [`eigh()`].
    ///
    /// ```
    /// use cotangent::{np::linalg::Eigh, prelude::*};
    /// let e = Eigh::new().of(&array![[5., 0.], [0., 1.]]);
    /// assert_eq!(e.values.to_string(), "[1. 5.]");
    /// ```
    pub fn new() -> Eigh {
        Eigh::default()
    }
    /// Only this triangle counts. (The derivative is still that of half of the sum with the conjugate transpose, as in JAX.)
    ///
    /// ```
    /// use cotangent::{np::linalg::{Eigh, Triangle}, prelude::*};
    /// let lower = Eigh::new().triangle(Triangle::Lower);
    /// assert_eq!(lower.of(&array![[2., 7.], [0., 3.]]).values.to_string(), "[2. 3.]");
    /// ```
    pub fn triangle(mut self, which: Triangle) -> Eigh {
        self.triangle = Some(which);
        self
    }
    /// What the derivative of vectors is where eigenvalues are equal: NaN, as in JAX, unless it says otherwise.
    ///
    /// ```
    /// use cotangent::{np::linalg::{Degenerate, Eigh}, prelude::*};
    /// // the projector onto the space of the first two vectors, whose values are equal
    /// let spread = |how: Degenerate| move |a: &Array| {
    ///     let v = Eigh::new().degenerate(how).of(a).vectors.i((.., ..2));
    ///     v.dot(&v.t()).i((0, 2))
    /// };
    /// let a = array![[1., 0., 0.], [0., 1., 0.], [0., 0., 3.]];
    /// assert!(grad(spread(Degenerate::NotANumber))(&a).i((0, 2)).to_f64().is_nan());
    /// assert!((grad(spread(Degenerate::Zero))(&a).i((0, 2)).to_f64() + 0.25).abs() < 1e-5);
    /// ```
    pub fn degenerate(mut self, how: Degenerate) -> Eigh {
        self.degenerate = how;
        self
    }
    /// Eigenvalues and eigenvectors.
    ///
    /// ```
    /// use cotangent::{np::linalg::Eigh, prelude::*};
    /// let a = array![[0., 2.], [2., 3.]];
    /// let e = Eigh::new().of(&a);
    /// assert!((a.dot(&e.vectors) - &e.vectors * &e.values).abs().max().to_f64() < 1e-5);
    /// ```
    #[track_caller]
    pub fn of(&self, a: &Array) -> Eigen {
        let a = square("eigh", a);
        let (vectors, values) = match self.triangle {
            None => prim::eigh_symmetric(&matrix::symmetrized(&a), self.degenerate),
            Some(which) => prim::eigh(&a, which == Triangle::Lower, self.degenerate),
        };
        Eigen { values, vectors }
    }
}

/// Eigenvalues, in no order, and right eigenvectors of general matrices: complex, also where the matrix is real. The vectors have no derivative; [`prim::eig`](crate::prim::eig()) has one on
/// request. As `jax.numpy.linalg.eig`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let e = linalg::eig(&array![[2., 0.], [0., 3.]]);
/// assert_eq!(e.values.dtype(), DType::Complex64);
/// ```
#[track_caller]
pub fn eig(a: &Array) -> Eigen {
    let mut all = prim::eig(&square("eig", a), &prim::Eig { right: true, ..Default::default() }).into_iter();
    let mut next = || all.next().expect("two results");
    Eigen { values: next(), vectors: next() }
}
/// The eigenvalues of general matrices, in no order: complex. As `jax.numpy.linalg.eigvals`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let w = linalg::eigvals(&array![[0., -1.], [1., 0.]]);
/// assert!((w.abs() - array![1., 1.]).abs().sum().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn eigvals(a: &Array) -> Array {
    prim::eig(&square("eigvals", a), &prim::Eig::default()).remove(0)
}

/// Singular vectors and values: `u diag(s) vh`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let linalg::SingularValues { u, s, vh } = linalg::svd(&array![[0., 2.], [5., 0.]]);
/// assert_eq!(s.to_string(), "[5. 2.]");
/// assert_eq!((u.abs().to_string(), vh.abs().to_string()), ("[[0. 1.]\n [1. 0.]]".into(), "[[1. 0.]\n [0. 1.]]".into()));
/// ```
pub struct SingularValues {
    /// Left vectors, as columns.
    pub u: Array,
    /// Values in descending order, of the type of a part.
    pub s: Array,
    /// Right vectors, as conjugated rows.
    pub vh: Array,
}
/// The singular value decomposition with all singular vectors, as NumPy has it. [`Svd`] has the options; without the vectors that belong to no value there
/// is a derivative. As `jax.numpy.linalg.svd`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let f = linalg::svd(&array![[3., 0.], [4., 5.]]);
/// assert!(((&f.u * &f.s).dot(&f.vh) - array![[3., 0.], [4., 5.]]).abs().max().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn svd(a: &Array) -> SingularValues {
    Svd::new().of(a)
}
/// The singular values in descending order; they have a derivative also where some are equal. As `jax.numpy.linalg.svdvals`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let s = linalg::svdvals(&array![[3., 0.], [4., 5.]]);
/// assert!((s - array![45f32.sqrt(), 5f32.sqrt()]).abs().sum().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn svdvals(a: &Array) -> Array {
    prim::singular_values(&matrices("svdvals", a))
}
/// [`svd()`] with options.
///
/// ```
/// use cotangent::{np::linalg::Svd, prelude::*};
/// let f = Svd::new().thin().of(&array![[3.], [4.]]);
/// assert_eq!((f.u.shape(), f.vh.shape()), (&[2, 1][..], &[1, 1][..]));
/// assert!((f.s.to_f64() - 5.).abs() < 1e-5);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Svd {
    thin: bool,
    degenerate: Degenerate,
}
impl Svd {
    /// As [`svd()`].
    ///
    /// ```
    /// use cotangent::{np::linalg::Svd, prelude::*};
    /// assert_eq!(Svd::new().of(&array![[3.], [4.]]).u.shape(), [2, 2]);
    /// ```
    pub fn new() -> Svd {
        Svd::default()
    }
    /// Only as many vectors as there are values: NumPy's `full_matrices=False`.
    ///
    /// ```
    /// use cotangent::{np::linalg::Svd, prelude::*};
    /// let f = Svd::new().thin().of(&array![[1., 0., 0.], [0., 2., 0.]]);
    /// assert_eq!((f.u.shape(), f.vh.shape()), (&[2, 2][..], &[2, 3][..]));
    /// ```
    pub fn thin(mut self) -> Svd {
        self.thin = true;
        self
    }
    /// What the derivative of vectors is where singular values are equal: NaN, as in JAX, unless it says otherwise.
    ///
    /// ```
    /// use cotangent::{np::linalg::{Degenerate, Svd}, prelude::*};
    /// // the rotation that is nearest to a matrix
    /// let turned = |how: Degenerate| move |a: &Array| {
    ///     let f = Svd::new().degenerate(how).of(a);
    ///     f.u.dot(&f.vh).i((0, 1))
    /// };
    /// let a = array![[2., 0.], [0., 2.]];
    /// assert!(grad(turned(Degenerate::NotANumber))(&a).i((0, 1)).to_f64().is_nan());
    /// assert!((grad(turned(Degenerate::Zero))(&a).i((0, 1)).to_f64() - 0.25).abs() < 1e-5);
    /// ```
    pub fn degenerate(mut self, how: Degenerate) -> Svd {
        self.degenerate = how;
        self
    }
    /// Singular vectors and values.
    ///
    /// ```
    /// use cotangent::{np::linalg::Svd, prelude::*};
    /// let a = array![[1., 2.], [3., 4.], [5., 6.]];
    /// let f = Svd::new().thin().of(&a);
    /// assert!(((&f.u * &f.s).dot(&f.vh) - a).abs().max().to_f64() < 1e-5);
    /// ```
    #[track_caller]
    pub fn of(&self, a: &Array) -> SingularValues {
        let (u, s, vh) = prim::svd(&matrices("svd", a), !self.thin, self.degenerate);
        SingularValues { u, s, vh }
    }
}

/// Q with orthonormal columns, as many as the lesser extent, and an upper triangular R: `Q R = a`. The signs are those of LAPACK. As `jax.numpy.linalg.qr`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let a = array![[3., 1.], [4., 2.], [0., 2.]];
/// let (q, r) = linalg::qr(&a);
/// assert_eq!(q.shape(), [3, 2]);
/// assert!((q.dot(&r) - a).abs().sum().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn qr(a: &Array) -> (Array, Array) {
    prim::qr(&matrices("qr", a), false)
}
/// The same with as many columns of Q as `a` has rows: NumPy's mode `complete`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let (q, r) = linalg::qr_complete(&array![[3.], [4.]]);
/// assert_eq!((q.shape(), r.shape()), (&[2, 2][..], &[2, 1][..]));
/// ```
#[track_caller]
pub fn qr_complete(a: &Array) -> (Array, Array) {
    prim::qr(&matrices("qr_complete", a), true)
}
/// Q, R and for each column of `Q R` its number in `a`: each step takes what is the longest column by then. SciPy's `pivoting`, with as many columns of Q as the lesser extent.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let (_, r, order) = linalg::qr_pivoting(&array![[1., 3.], [0., 4.]]);
/// assert_eq!((order.to_string(), r.shape()), ("[1 0]".into(), &[2, 2][..]));
/// ```
#[track_caller]
pub fn qr_pivoting(a: &Array) -> (Array, Array, Array) {
    prim::qr_pivoting(&matrices("qr_pivoting", a), false)
}

/// What [`lu_factor`] gives and [`lu_solve`] takes.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let linalg::LuFactors { lu, pivots } = linalg::lu_factor(&array![[2., 1.], [4., 8.]]);
/// assert_eq!(lu.to_string(), "[[ 4.   8. ]\n [ 0.5 -3. ]]");
/// assert_eq!(pivots.to_string(), "[1 1]");
/// ```
pub struct LuFactors {
    /// L below the diagonal (on which it has ones), and U.
    pub lu: Array,
    /// For each row in turn the row with which it was swapped.
    pub pivots: Array,
}
/// The LU factorization of square matrices, with rows swapped for the greatest pivots. As `jax.scipy.linalg.lu_factor`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let f = linalg::lu_factor(&array![[4., 1.], [1., 3.]]);
/// assert_eq!(f.pivots.to_string(), "[0 1]");
/// ```
#[track_caller]
pub fn lu_factor(a: &Array) -> LuFactors {
    let (lu, pivots, _) = prim::lu(&square("lu_factor", a));
    LuFactors { lu, pivots }
}
/// P, L and U with `P L U = a`, as SciPy's `lu`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let (p, l, u) = linalg::lu(&array![[0., 2.], [1., 3.]]);
/// assert_eq!(p.dot(&l).dot(&u).to_string(), "[[0. 2.]\n [1. 3.]]");
/// ```
#[track_caller]
pub fn lu(a: &Array) -> (Array, Array, Array) {
    let a = matrices("lu", a);
    let (m, n) = extents(&a);
    let k = m.min(n);
    let (lu, _, order) = prim::lu(&a);
    let places = prim::iota(
        DType::Int32,
        &{
            let mut shape = order.shape().to_vec();
            shape.push(m);
            shape
        },
        order.ndim() - 1,
    );
    // row i of P A is row order[i] of A, so column i of P has its one there
    let p = matrix::to(&prim::eq(&places, &matrix::along_rows(&order, m)), a.dtype());
    let l = matrix::tril(&matrix::block(&lu, 0..m, 0..k), -1);
    let l = prim::add(&l, &matrix::eye(&l, m, k));
    let u = matrix::triu(&matrix::block(&lu, 0..k, 0..n), 0);
    (p, l, u)
}

/// What [`cho_factor`] gives and [`cho_solve`] takes: Cholesky's L. What is above its diagonal does not count.
///
/// ```
/// use cotangent::{np::{self, linalg}, prelude::*};
/// let linalg::CholeskyFactor(l) = linalg::cho_factor(&array![[4., 2.], [2., 10.]]);
/// assert_eq!(np::tril(&l, 0).to_string(), "[[2. 0.]\n [1. 3.]]");
/// ```
pub struct CholeskyFactor(pub Array);
/// Cholesky's factorization of Hermitian positive definite matrices.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let f = linalg::cho_factor(&array![[4., 1.], [1., 3.]]);
/// assert!((linalg::cho_solve(&f, &array![6., 7.]) - array![1., 2.]).abs().max().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn cho_factor(a: &Array) -> CholeskyFactor {
    CholeskyFactor(cholesky(a))
}
/// The X with `A X = b`, of what [`cho_factor`] gives for A. `b` is a vector if it has one dimension less than A. As `jax.scipy.linalg.cho_solve`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let f = linalg::cho_factor(&array![[4., 0.], [0., 9.]]);
/// assert!((linalg::cho_solve(&f, &array![4., 18.]) - array![1., 2.]).abs().max().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn cho_solve(factor: &CholeskyFactor, b: &Array) -> Array {
    let l = &factor.0;
    let vectors = b.ndim() + 1 == l.ndim();
    let (l, b) = sides("cho_solve", l, b, vectors);
    let lower = TriangularSolve { left_side: true, lower: true, ..Default::default() };
    let back = TriangularSolve { transpose_a: true, conjugate_a: true, ..lower.clone() };
    let x = prim::triangular_solve(&l, &prim::triangular_solve(&l, &b, &lower), &back);
    if vectors { first_column(&x) } else { x }
}
