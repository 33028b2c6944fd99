//! Linear equations.

use super::*;
use crate::dtype::DType;
use crate::lax::LinearSolve;
use crate::prim::TriangularSolve;

/// The X with `a X = b`. `b` is one vector if it has one dimension, else matrices; batches broadcast. Of a singular matrix, divisions by zero. As `jax.numpy.linalg.solve`.
///
/// The derivative takes one solution more, with the same factors.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// assert!((linalg::solve(&array![[4., 1.], [1., 3.]], &array![6., 7.]) - array![1., 2.]).abs().max().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn solve(a: &Array, b: &Array) -> Array {
    let a = square("solve", a);
    let vector = b.ndim() == 1;
    let (a, b) = sides("solve", &a, b, vector);
    let (lu, _, order) = prim::lu(&crate::stop_gradient(&a));
    let solver =
        LinearSolve::new(|x: &Array| matrix::mm(&a, x), |_, b: &Array| prim::lu_solved(&lu, &order, b, false, false));
    let x = solver.transpose_solve(|_, b: &Array| prim::lu_solved(&lu, &order, b, true, false)).run(&b);
    if vector { first_column(&x) } else { x }
}
/// The inverse of square matrices. As `jax.numpy.linalg.inv`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// assert_eq!(linalg::inv(&array![[2., 0.], [0., 4.]]).to_string(), "[[0.5  0.  ]\n [0.   0.25]]");
/// ```
#[track_caller]
pub fn inv(a: &Array) -> Array {
    let a = square("inv", a);
    let n = extents(&a).0;
    solve(&a, &matrix::eye(&a, n, n))
}
/// The inverse of an array as a linear map: from arrays of the shape of its dimensions behind the first `ind` to those of the shape of these. As `jax.numpy.linalg.tensorinv`, which has `ind` 2
/// by default.
///
/// ```
/// use cotangent::{prelude::*, np, np::linalg};
/// let a = np::eye(6, 6, 0).reshape(&[2, 3, 6]) * 2.0;
/// assert_eq!(linalg::tensorinv(&a, 2).shape(), [6, 2, 3]);
/// ```
///
/// # Panics
/// If there are not more than `ind` dimensions, or not as many elements in both parts.
#[track_caller]
pub fn tensorinv(a: &Array, ind: usize) -> Array {
    let rank = a.ndim();
    let sizes = |d: std::ops::Range<usize>| a.shape()[d].iter().product::<usize>();
    if ind == 0 || ind >= rank || sizes(0..ind) != sizes(ind..rank) {
        let text =
            format!("tensorinv: the first {ind} dimensions of {} make no square matrix with the others", a.aval());
        fail(ErrorKind::Shape, text)
    }
    let n = sizes(0..ind);
    let shape: Shape = a.shape()[ind..].iter().chain(&a.shape()[..ind]).copied().collect();
    prim::reshape(&inv(&prim::reshape(a, &[n, n])), &shape)
}
/// The X whose product with `a`, over all dimensions of X, is `b`: [`tensordot`](np::tensordot) of `a` and X. The dimensions of X are the last ones of `a`; `axes` are moved behind them first. As
/// `jax.numpy.linalg.tensorsolve`.
///
/// ```
/// use cotangent::{prelude::*, np, np::linalg};
/// let a = np::eye(6, 6, 0).reshape(&[2, 3, 6]) * 2.0;
/// assert_eq!(linalg::tensorsolve(&a, &np::ones(&[2, 3]), &[]).to_string(), "[0.5 0.5 0.5 0.5 0.5 0.5]");
/// ```
///
/// # Panics
/// If an axis does not exist or is given twice, or if `a` is no square matrix between arrays of the two shapes.
#[track_caller]
pub fn tensorsolve(a: &Array, b: &Array, axes: &[i32]) -> Array {
    let moved = np::dims::axes_of("tensorsolve", axes, a.ndim(), a.shape());
    let order: Vec<usize> = (0..a.ndim()).filter(|d| !moved.contains(d)).chain(moved.iter().copied()).collect();
    let a = prim::transpose(a, &order);
    let shape = match a.shape().split_at_checked(b.ndim()) {
        Some((rows, shape)) if rows == b.shape() && shape.iter().product::<usize>() == b.size() => shape,
        _ => fail(
            ErrorKind::Shape,
            format!("tensorsolve: {} is no square matrix that makes arrays like {}", a.aval(), b.aval()),
        ),
    };
    let n = b.size();
    let x = solve(&prim::reshape(&a, &[n, n]), &prim::reshape(b, &[n]));
    prim::reshape(&x, shape)
}

/// Is a matrix transposed?
///
/// ```
/// use cotangent::{np::linalg::{self, Transpose}, prelude::*};
/// let f = linalg::lu_factor(&array![[2., 1.], [0., 4.]]);
/// let solve = |how: Transpose| linalg::lu_solve(&f, &array![4., 8.], how).to_string();
/// assert_eq!(solve(Transpose::No), "[1. 2.]");
/// assert_eq!(solve(Transpose::Yes), "[2.  1.5]");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Transpose {
    /// As it is.
    #[default]
    No,
    /// Transposed.
    Yes,
    /// Transposed and conjugated.
    Conjugate,
}
/// The X with `A X = b`, or with A transposed, of what [`lu_factor`] gives for A. `b` is a vector if it has one dimension less than A. As `jax.scipy.linalg.lu_solve`.
///
/// ```
/// use cotangent::{np::linalg::{self, Transpose}, prelude::*};
/// let f = linalg::lu_factor(&array![[4., 1.], [1., 3.]]);
/// assert!((linalg::lu_solve(&f, &array![6., 7.], Transpose::No) - array![1., 2.]).abs().max().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn lu_solve(factors: &LuFactors, b: &Array, transpose: Transpose) -> Array {
    let lu = &factors.lu;
    let vectors = b.ndim() + 1 == lu.ndim();
    let order = prim::lu_pivots_to_permutation(&factors.pivots, extents(lu).0);
    let (lu, b) = sides("lu_solve", lu, b, vectors);
    let order = np::broadcast_to(&order, &lu.shape()[..lu.ndim() - 1]);
    let x = prim::lu_solved(&lu, &order, &b, transpose != Transpose::No, transpose == Transpose::Conjugate);
    if vectors { first_column(&x) } else { x }
}

/// The X with `a X = b` for an upper triangular `a`: [`SolveTriangular`] has the options. As `jax.scipy.linalg.solve_triangular`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// assert_eq!(linalg::solve_triangular(&array![[2., 1.], [0., 4.]], &array![4., 8.]).to_string(), "[1. 2.]");
/// ```
#[track_caller]
pub fn solve_triangular(a: &Array, b: &Array) -> Array {
    SolveTriangular::new().of(a, b)
}
/// [`solve_triangular`] with options.
///
/// ```
/// use cotangent::{prelude::*, np::linalg::SolveTriangular};
/// let x = SolveTriangular::new().lower().of(&array![[2., 0.], [1., 4.]], &array![2., 9.]);
/// assert_eq!(x.to_string(), "[1. 2.]");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SolveTriangular {
    lower: bool,
    unit_diagonal: bool,
    transpose: Transpose,
}
impl SolveTriangular {
    /// As [`solve_triangular`].
    ///
    /// ```
    /// use cotangent::{np::linalg::SolveTriangular, prelude::*};
    /// // what is below the diagonal does not count
    /// let x = SolveTriangular::new().of(&array![[1., 3.], [9., 2.]], &array![5., 2.]);
    /// assert_eq!(x.to_string(), "[2. 1.]");
    /// ```
    pub fn new() -> SolveTriangular {
        SolveTriangular::default()
    }
    /// The lower triangle counts.
    ///
    /// ```
    /// use cotangent::{np::linalg::SolveTriangular, prelude::*};
    /// let x = SolveTriangular::new().lower().of(&array![[1., 9.], [3., 2.]], &array![5., 17.]);
    /// assert_eq!(x.to_string(), "[5. 1.]");
    /// ```
    pub fn lower(mut self) -> SolveTriangular {
        self.lower = true;
        self
    }
    /// The diagonal counts as ones.
    ///
    /// ```
    /// use cotangent::{np::linalg::SolveTriangular, prelude::*};
    /// let x = SolveTriangular::new().unit_diagonal().of(&array![[8., 3.], [0., 8.]], &array![5., 1.]);
    /// assert_eq!(x.to_string(), "[2. 1.]");
    /// ```
    pub fn unit_diagonal(mut self) -> SolveTriangular {
        self.unit_diagonal = true;
        self
    }
    /// The triangle is transposed.
    ///
    /// ```
    /// use cotangent::{np::linalg::{SolveTriangular, Transpose}, prelude::*};
    /// let x = SolveTriangular::new().transpose(Transpose::Yes).of(&array![[1., 3.], [0., 2.]], &array![2., 8.]);
    /// assert_eq!(x.to_string(), "[2. 1.]");
    /// ```
    pub fn transpose(mut self, how: Transpose) -> SolveTriangular {
        self.transpose = how;
        self
    }
    /// The solution. `b` is a vector if it has one dimension less than `a`.
    ///
    /// ```
    /// use cotangent::{np::linalg::SolveTriangular, prelude::*};
    /// let b = array![[5., 2.], [2., 0.]]; // two right-hand sides
    /// let x = SolveTriangular::new().of(&array![[1., 3.], [0., 2.]], &b);
    /// assert_eq!(x.to_string(), "[[2. 2.]\n [1. 0.]]");
    /// ```
    #[track_caller]
    pub fn of(&self, a: &Array, b: &Array) -> Array {
        let a = square("solve_triangular", a);
        let vectors = b.ndim() + 1 == a.ndim();
        let (a, b) = sides("solve_triangular", &a, b, vectors);
        let how = TriangularSolve {
            left_side: true,
            lower: self.lower,
            transpose_a: self.transpose != Transpose::No,
            conjugate_a: self.transpose == Transpose::Conjugate,
            unit_diagonal: self.unit_diagonal,
        };
        let x = prim::triangular_solve(&a, &b, &how);
        if vectors { first_column(&x) } else { x }
    }
}

/// What [`lstsq`] finds.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let linalg::LeastSquares { x, residuals, rank, singular_values } =
///     linalg::lstsq(&array![[1.], [1.]], &array![[1.], [3.]], None);
/// assert!((x.sum().to_f64() - 2.).abs() < 1e-5 && (residuals.sum().to_f64() - 2.).abs() < 1e-5);
/// assert_eq!((rank.to_f64(), singular_values.shape()), (1., &[1][..]));
/// ```
pub struct LeastSquares {
    /// The shortest of all X for which `a X - b` is shortest, column by column.
    pub x: Array,
    /// The squares of these lengths.
    pub residuals: Array,
    /// How many singular values count (int32).
    pub rank: Array,
    /// The singular values of `a`.
    pub singular_values: Array,
}
/// The X for which `a X - b` is shortest, for one matrix `a`; `b` is a vector or a matrix. Singular values of less than `rcond` times the greatest count as zero; without it, the
/// precision of the type times the greater extent. As `jax.numpy.linalg.lstsq`.
///
/// The derivative holds the rank, and is that of the pseudoinverse. (JAX's goes through singular vectors, and is NaN or of no meaning where singular values are equal.)
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let found = linalg::lstsq(&array![[1., 0.], [1., 1.], [1., 2.]], &array![1., 3., 5.], None);
/// assert!((found.x - array![1., 2.]).abs().sum().to_f64() < 1e-5);
/// assert_eq!(found.rank.to_string(), "2");
/// ```
#[track_caller]
pub fn lstsq(a: &Array, b: &Array, rcond: Option<f64>) -> LeastSquares {
    let a = matrices("lstsq", a);
    let vector = b.ndim() == 1;
    if a.ndim() != 2 || b.ndim() > 2 {
        fail(
            ErrorKind::Shape,
            format!("lstsq: takes one matrix and a vector or a matrix, not {} and {}", a.aval(), b.aval()),
        )
    }
    let (a, b) = sides("lstsq", &a, b, vector);
    let (m, n) = extents(&a);
    let (x, rank, s) = if m == 0 || n == 0 {
        let s = prim::zeros_of(&crate::Aval::new(a.dtype().real_part(), &[0]));
        let x = prim::zeros_of(&crate::Aval::new(a.dtype(), &[n, extents(&b).1]));
        (x, crate::array(0i32), s)
    } else {
        let epsilon = epsilon(a.dtype());
        let rcond = match rcond {
            None => epsilon * m.max(n) as f64,
            Some(r) if r < 0.0 => epsilon,
            Some(r) => r,
        };
        let (x, s) = shortest(&a, &b, rcond);
        let rank = prim::reduce_sum(&matrix::to(&counting(&s, rcond), DType::Int32), &[0]);
        (x, rank, s)
    };
    let off = prim::sub(&b, &matrix::mm(&a, &x));
    let residuals = prim::reduce_sum(&squares(&off), &[0]);
    let (x, residuals) = if vector { (first_column(&x), prim::squeeze(&residuals, &[])) } else { (x, residuals) };
    LeastSquares { x, residuals, rank, singular_values: s }
}
/// Which singular values count.
fn counting(s: &Array, rcond: f64) -> Array {
    let least = prim::mul(&prim::slice_in_dim(s, 0, 1, 1, 0), &prim::lit(s, rcond));
    let least = np::broadcast_to(&least, s.shape());
    prim::and(&prim::gt(s, &prim::zeros_of(s.aval())), &prim::ge(s, &least))
}
/// The solution and the singular values. The derivative is that of the pseudoinverse applied to b (Golub and Pereyra, 1973), which knows nothing of singular vectors: it is right where singular values are equal.
#[track_caller]
fn shortest(a: &Array, b: &Array, rcond: f64) -> (Array, Array) {
    let found = move |a: &Array, b: &Array| {
        let (u, s, vh) = prim::svd(a, false, Degenerate::default());
        let counts = counting(&s, rcond);
        let safe = prim::select_n(&counts, &[&prim::full_of(s.aval(), 1.0), &s]);
        let inverse =
            prim::select_n(&counts, &[&prim::zeros_of(s.aval()), &prim::div(&prim::full_of(s.aval(), 1.0), &safe)]);
        let ub = matrix::mm(&matrix::mh(&u), b);
        let scaled = prim::mul(&matrix::to(&matrix::along_columns(&inverse, extents(b).1), a.dtype()), &ub);
        (matrix::mm(&matrix::mh(&vh), &scaled), s)
    };
    let rule = move |(a, b): (Array, Array), (da, db): (Array, Array)| {
        let (mm, mh) = (matrix::mm, matrix::mh);
        let (x, s) = shortest(&a, &b, rcond);
        let (_, ds) = crate::jvp(|a: &Array| prim::singular_values(a), (&a,), (&da,));
        let p = pinv(&a, Some(rcond));
        let off = prim::sub(&b, &mm(&a, &x));
        let direct = mm(&p, &prim::sub(&db, &mm(&da, &x)));
        let turned = mm(&p, &mm(&mh(&p), &mm(&mh(&da), &off)));
        let outside = mm(&mh(&da), &mm(&mh(&p), &x));
        let outside = prim::sub(&outside, &mm(&p, &mm(&a, &outside)));
        ((x, s), (prim::add(&direct, &prim::add(&turned, &outside)), ds))
    };
    crate::custom_jvp(found, rule)(a, b)
}
/// The squares of the sizes of numbers: real.
pub(super) fn squares(x: &Array) -> Array {
    if x.dtype().is_complex() { prim::real(&prim::mul(x, &prim::conj(x))) } else { prim::mul(x, x) }
}
/// The precision of a type.
pub(super) fn epsilon(dtype: DType) -> f64 {
    dtype.real_part().float_info().expect("a floating-point type").eps
}
