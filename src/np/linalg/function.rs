//! Functions of matrices: determinants, powers, the exponential, the pseudoinverse.

use super::solve::epsilon;
use super::*;
use crate::custom_jvp;
use crate::dtype::DType;
use crate::prim::TriangularSolve;

/// The element of each matrix in this row and column.
fn element(x: &Array, i: usize, j: usize) -> Array {
    let r = x.ndim();
    prim::squeeze(&matrix::block(x, i..i + 1, j..j + 1), &[r - 2, r - 1])
}
/// -1 or 1, in the type of `like`, for odd and even numbers.
fn sign_of(parity: &Array, like: DType) -> Array {
    let odd = prim::and(parity, &prim::lit(parity, 1.0));
    let sign = prim::sub(&prim::lit(parity, 1.0), &prim::mul(&odd, &prim::lit(parity, 2.0)));
    matrix::to(&sign, like)
}
/// How many rows were swapped with another one.
fn swaps(pivots: &Array) -> Array {
    let last = pivots.ndim() - 1;
    let own = prim::iota(DType::Int32, pivots.shape(), last);
    prim::reduce_sum(&matrix::to(&prim::ne(pivots, &own), DType::Int32), &[last])
}
/// The sum of the diagonal.
fn trace(x: &Array) -> Array {
    let d = matrix::diagonal(x);
    prim::reduce_sum(&d, &[d.ndim() - 1])
}

/// The sign of the determinant (of complex matrices: a number of size 1) and the logarithm of its size. Of a singular matrix: 0 and -inf. As `jax.numpy.linalg.slogdet`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let (sign, log) = linalg::slogdet(&array![[0., 2.], [3., 0.]]);
/// assert_eq!(sign.to_f64(), -1.0);
/// assert!((log.to_f64() - 6f64.ln()).abs() < 1e-6);
/// ```
#[track_caller]
pub fn slogdet(a: &Array) -> (Array, Array) {
    let a = square("slogdet", a);
    custom_jvp(|x: &Array| sign_and_log(x), |(x,), (dx,)| sign_and_log_rule(&x, &dx))(&a)
}
fn sign_and_log(x: &Array) -> (Array, Array) {
    let n = extents(x).0;
    if n == 1 || n == 2 {
        let d = if n == 1 { element(x, 0, 0) } else { two(x) };
        return (prim::sign(&d), prim::log(&prim::abs(&d)));
    }
    let (lu, pivots, _) = prim::lu(x);
    let d = matrix::diagonal(&lu);
    let last = d.ndim() - 1;
    let zero = prim::eq(&d, &prim::zeros_of(d.aval()));
    let singular = prim::reduce_or(&zero, &[last]);
    let mut parity = swaps(&pivots);
    let size = prim::abs(&d);
    let phase = if d.dtype().is_complex() {
        prim::reduce_prod(&prim::div(&d, &matrix::to(&size, d.dtype())), &[last])
    } else {
        let negative = matrix::to(&prim::lt(&d, &prim::zeros_of(d.aval())), DType::Int32);
        parity = prim::add(&parity, &prim::reduce_sum(&negative, &[last]));
        prim::full_of(&parity.aval().with_dtype(d.dtype()), 1.0)
    };
    let sign = prim::mul(&phase, &sign_of(&parity, d.dtype()));
    let log = prim::reduce_sum(&prim::log(&size), &[last]);
    let none = |x: &Array, v: f64| prim::select_n(&singular, &[x, &prim::full_of(x.aval(), v)]);
    (none(&sign, 0.0), none(&log, f64::NEG_INFINITY))
}
/// The tangent of the logarithm is the trace of `x^-1 dx`; a real sign does not move.
fn sign_and_log_rule(x: &Array, dx: &Array) -> ((Array, Array), (Array, Array)) {
    let (sign, log) = slogdet(x);
    let d = trace(&solve(x, dx));
    if !d.dtype().is_complex() {
        let still = prim::zeros_of(sign.aval());
        return ((sign, log), (still, d));
    }
    let real = prim::real(&d);
    let turn = prim::mul(&prim::sub(&d, &matrix::to(&real, d.dtype())), &sign);
    ((sign, log), (turn, real))
}

fn two(a: &Array) -> Array {
    let x = |i, j| element(a, i, j);
    prim::sub(&prim::mul(&x(0, 0), &x(1, 1)), &prim::mul(&x(0, 1), &x(1, 0)))
}
fn three(a: &Array) -> Array {
    let x = |i, j| element(a, i, j);
    let term = |p: [usize; 3]| prim::mul(&prim::mul(&x(0, p[0]), &x(1, p[1])), &x(2, p[2]));
    let plus = [[0, 1, 2], [1, 2, 0], [2, 0, 1]].map(term);
    let minus = [[2, 1, 0], [0, 2, 1], [1, 0, 2]].map(term);
    let sum = prim::add(&prim::add(&plus[0], &plus[1]), &plus[2]);
    minus.iter().fold(sum, |s, t| prim::sub(&s, t))
}
/// The determinant. Its derivative exists for singular matrices, too. As `jax.numpy.linalg.det`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// assert_eq!(linalg::det(&array![[1., 2.], [3., 4.]]).to_f64(), -2.0);
/// ```
#[track_caller]
pub fn det(a: &Array) -> Array {
    let a = square("det", a);
    match extents(&a).0 {
        2 => two(&a),
        3 => three(&a),
        _ => custom_jvp(
            |x: &Array| {
                let (sign, log) = slogdet(x);
                prim::mul(&sign, &matrix::to(&prim::exp(&log), sign.dtype()))
            },
            |(x,), (dx,)| {
                let (det, adjugate) = adjugate_product(&x, &dx);
                (det, trace(&adjugate))
            },
        )(&a),
    }
}
/// The determinant, and its product with the solution of `a x = b`, which exists for singular matrices, too: the last pivot is left out of the solution, as long as no other one vanishes; then the
/// product is zero.
fn adjugate_product(a: &Array, b: &Array) -> (Array, Array) {
    let n = extents(a).0;
    if n == 0 {
        return (det(a), b.clone());
    }
    if n == 1 {
        return (element(a, 0, 0), b.clone());
    }
    let (lu, pivots, order) = prim::lu(a);
    let d = matrix::diagonal(&lu);
    let last = d.ndim() - 1;
    let products = prim::cumprod(&d, last, false);
    let sign = sign_of(&swaps(&pivots), d.dtype());
    let at = |k: usize| prim::mul(&prim::squeeze(&prim::slice_in_dim(&products, k, k + 1, 1, last), &[last]), &sign);
    let (det, others) = (at(n - 1), at(n - 2));
    // U with the reciprocal of the product of the other pivots for a last one
    let (i, j) = (prim::iota(DType::Int32, lu.shape(), last), prim::iota(DType::Int32, lu.shape(), last + 1));
    let end = prim::lit(&i, (n - 1) as f64);
    let corner = prim::and(&prim::eq(&i, &end), &prim::eq(&j, &end));
    let whole = |x: &Array, shape: &[usize]| prim::broadcast_in_dim(x, shape, &(0..x.ndim()).collect::<Vec<_>>());
    let reciprocal = prim::div(&prim::full_of(others.aval(), 1.0), &others);
    let lu = prim::select_n(&corner, &[&lu, &whole(&reciprocal, lu.shape())]);
    let upper = TriangularSolve { left_side: true, ..Default::default() };
    let lower = TriangularSolve { left_side: true, lower: true, unit_diagonal: true, ..Default::default() };
    let ones = prim::full_of(matrix::block(b, 0..n, 0..1).aval(), 1.0);
    let tried = prim::triangular_solve(&lu, &ones, &upper);
    let bad = prim::reduce_or(&prim::not(&prim::is_finite(&tried)), &[last, last + 1]);
    let bad = whole(&bad, b.shape());
    let nothing = prim::zeros_of(b.aval());
    let x = prim::select_n(&bad, &[b, &nothing]);
    let x = prim::triangular_solve(&lu, &matrix::reorder(&x, &order, false), &lower);
    let columns = extents(b).1;
    let top = matrix::block(&x, 0..n - 1, 0..columns);
    let top = prim::mul(&top, &whole(&det, top.shape()));
    let x = prim::concatenate(&[&top, &matrix::block(&x, n - 1..n, 0..columns)], last);
    let x = prim::triangular_solve(&lu, &x, &upper);
    (det, prim::select_n(&bad, &[&x, &nothing]))
}

/// The `n`th power of square matrices; of their inverses for a negative `n`. By repeated squaring. As `jax.numpy.linalg.matrix_power`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// assert_eq!(linalg::matrix_power(&array![[1., 1.], [1., 0.]], 10).to_string(), "[[89. 55.]\n [55. 34.]]");
/// ```
#[track_caller]
pub fn matrix_power(a: &Array, n: i32) -> Array {
    if n < 0 || !a.dtype().is_integer() {
        square("matrix_power", a);
    }
    let (r, size) = (a.ndim(), a.shape().last().copied().unwrap_or(0));
    if r < 2 || a.shape()[r - 2] != size {
        fail(ErrorKind::Shape, format!("matrix_power: needs square matrices, got {}", a.aval()))
    }
    let mut z = if n < 0 { inv(a) } else { a.clone() };
    let mut left = n.unsigned_abs();
    if left == 0 {
        return matrix::eye(a, size, size);
    }
    if left == 3 {
        return matrix::mm(&matrix::mm(&z, &z), &z);
    }
    let mut product: Option<Array> = None;
    loop {
        if left & 1 == 1 {
            product = Some(product.map_or(z.clone(), |p| matrix::mm(&p, &z)));
        }
        left >>= 1;
        if left == 0 {
            return product.expect("a power that is not 0");
        }
        z = matrix::mm(&z, &z);
    }
}

/// The product of several matrices, of which the first and the last may be vectors, in the order that takes the fewest multiplications. As `jax.numpy.linalg.multi_dot`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// let (x, y) = (array![[1., 2.]], array![[3.], [4.]]);
/// assert_eq!(linalg::multi_dot(&[&x, &y, &x]).to_string(), "[[11. 22.]]");
/// ```
///
/// # Panics
/// If there are fewer than two, or if extents do not fit.
#[track_caller]
pub fn multi_dot(arrays: &[&Array]) -> Array {
    let n = arrays.len();
    if n < 2 {
        fail(ErrorKind::Shape, format!("multi_dot: needs at least two arrays, got {n}"))
    }
    for (i, x) in arrays.iter().enumerate() {
        let end = i == 0 || i + 1 == n;
        if x.ndim() != 2 && !(end && x.ndim() == 1) {
            fail(ErrorKind::Shape, format!("multi_dot: operand {i} is {}, and not a matrix", x.aval()))
        }
    }
    // extents between the factors
    let first = if arrays[0].ndim() == 1 { 1 } else { arrays[0].shape()[0] };
    let mut sizes = vec![first];
    for (i, x) in arrays.iter().enumerate() {
        let at_end = x.ndim() == 1 && i + 1 == n;
        if i > 0 && x.shape()[0] != sizes[i] {
            let (a, b) = (arrays[i - 1].aval(), x.aval());
            fail(ErrorKind::Shape, format!("multi_dot: operands {} and {i}, {a} and {b}, do not fit", i - 1))
        }
        sizes.push(if at_end { 1 } else { x.shape()[x.ndim() - 1] });
    }
    // the least cost of the product of factors i to j, and where its last multiplication is
    let mut best = vec![vec![(0.0f64, 0); n]; n];
    for length in 1..n {
        for i in 0..n - length {
            let j = i + length;
            let cost = |k: usize| best[i][k].0 + best[k + 1][j].0 + (sizes[i] * sizes[k + 1] * sizes[j + 1]) as f64;
            let at = (i..j).fold(i, |a, k| if cost(k) < cost(a) { k } else { a });
            best[i][j] = (cost(at), at);
        }
    }
    fn multiply(x: &[&Array], best: &[Vec<(f64, usize)>], i: usize, j: usize) -> Array {
        if i == j {
            return x[i].clone();
        }
        let k = best[i][j].1;
        np::dot(&multiply(x, best, i, k), &multiply(x, best, k + 1, j))
    }
    multiply(arrays, &best, 0, n - 1)
}

/// The coefficients of the Padé approximation of e^x with numerator and denominator of degree `m`: `(2m - j)! / ((m - j)! j!)`.
fn pade(m: u128) -> Vec<f64> {
    let mut b = vec![1u128];
    for j in (1..=m).rev() {
        b.push(b[b.len() - 1] * (2 * m - j + 1) * j / (m - j + 1));
    }
    b.iter().rev().map(|b| *b as f64).collect()
}
/// Odd and even part of the numerator.
fn parts(a: &Array, m: usize) -> (Array, Array) {
    let b = pade(m as u128);
    let n = extents(a).0;
    let scaled = |x: &Array, v: f64| prim::mul(x, &prim::lit(x, v));
    let mut even = vec![matrix::eye(a, n, n), matrix::mm(a, a)];
    while even.len() * 2 < if m == 13 { 8 } else { m } {
        even.push(matrix::mm(even.last().expect("a power"), &even[1]));
    }
    // sum of b[2k + from] a^2k
    let sum = |from: usize| {
        let terms = even.iter().enumerate().rev().map(|(k, p)| scaled(p, b[2 * k + from]));
        terms.reduce(|s, t| prim::add(&s, &t)).expect("a term")
    };
    let whole = |from: usize| {
        if m < 13 {
            return sum(from);
        }
        // the powers from 8 on are the sixth times those from the second on
        let upper = [&even[1], &even[2], &even[3]];
        let upper = upper.iter().zip([8, 10, 12]).rev().map(|(p, k)| scaled(p, b[k + from]));
        let upper = upper.reduce(|s, t| prim::add(&s, &t)).expect("a term");
        prim::add(&matrix::mm(&even[3], &upper), &sum(from))
    };
    (matrix::mm(a, &whole(1)), whole(0))
}
/// The exponential of square matrices, by scaling and squaring (N. Higham, "The scaling and squaring method for the matrix exponential revisited", 2005). NaN where a matrix is so large that it
/// would be squared more than 16 times. As `jax.scipy.linalg.expm`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let turn = linalg::expm(&array![[0., -1.], [1., 0.]]);
/// assert!((turn - array![[1f32.cos(), -1f32.sin()], [1f32.sin(), 1f32.cos()]]).abs().sum().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn expm(a: &Array) -> Array {
    let a = square("expm", a);
    let (m, n) = extents(&a);
    if a.ndim() == 2 {
        return expm_of_one(&a);
    }
    let all = prim::reshape(&a, &[a.size() / (m * n).max(1), m, n]);
    prim::reshape(&crate::vmap(|x: &Array| expm_of_one(x))(&all), a.shape())
}
fn expm_of_one(a: &Array) -> Array {
    const MOST: i32 = 16;
    if a.size() == 0 {
        return a.clone();
    }
    let wide = matches!(a.dtype(), DType::Float64 | DType::Complex128);
    // the greatest norms at which the approximations are exact to the last place
    let (limits, degrees, greatest): (&[f64], &[usize], f64) = if wide {
        (
            &[1.495585217958292e-2, 2.53939833006323e-1, 9.504178996162932e-1, 2.097847961257068],
            &[3, 5, 7, 9, 13],
            5.371920351148152,
        )
    } else {
        (&[4.258730016922831e-1, 1.880152677804762], &[3, 5, 7], 3.92572478313866)
    };
    let size = prim::reduce_max(&prim::reduce_sum(&prim::abs(a), &[0]), &[0]);
    let ratio = prim::div(&size, &prim::lit(&size, greatest));
    let squarings = prim::floor(&prim::div(&prim::log(&ratio), &prim::lit(&ratio, std::f64::consts::LN_2)));
    let squarings = crate::stop_gradient(&prim::max(&squarings, &prim::zeros_of(squarings.aval())));
    let divisor = matrix::to(&prim::exp2(&squarings), a.dtype());
    let scaled = prim::div(a, &divisor);
    let number = limits.iter().fold(crate::array(0i32), |k, l| {
        prim::add(&k, &matrix::to(&prim::ge(&crate::stop_gradient(&size), &prim::lit(&size, *l)), DType::Int32))
    });
    let branch = |m: usize| move |x: &Array| parts(x, m);
    let branches: Vec<_> = degrees.iter().map(|m| branch(*m)).collect();
    let branches: Vec<&dyn Fn(&Array) -> (Array, Array)> = branches.iter().map(|f| f as _).collect();
    let (odd, even) = crate::lax::switch(&number, &branches, &scaled);
    let r = solve(&prim::sub(&even, &odd), &prim::add(&even, &odd));
    let count = matrix::to(&prim::min(&squarings, &prim::lit(&squarings, MOST as f64)), DType::Int32);
    let turn = |i: &Array, x: &Array| {
        crate::lax::cond(&prim::lt(i, &count), |x: &Array| matrix::mm(x, x), |x: &Array| x.clone(), x)
    };
    let r = crate::lax::fori_loop(0, MOST, turn, &r);
    let far = prim::broadcast_in_dim(&prim::gt(&squarings, &prim::lit(&squarings, MOST as f64)), a.shape(), &[]);
    prim::select_n(&far, &[&r, &prim::full_of(r.aval(), f64::NAN)])
}

/// The pseudoinverse (Moore and Penrose). Singular values of at most `rtol` times the greatest count as zero; without it, ten times the precision of the type times the greater extent. As `jax.numpy.linalg.pinv`.
///
/// The derivative takes the rank to be constant.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let p = linalg::pinv(&array![[1., 0.], [0., 2.], [0., 0.]], None);
/// assert!((p - array![[1., 0., 0.], [0., 0.5, 0.]]).abs().sum().to_f64() < 1e-5);
/// ```
#[track_caller]
pub fn pinv(a: &Array, rtol: Option<f64>) -> Array {
    let a = matrices("pinv", a);
    let (m, n) = extents(&a);
    let rtol = rtol.unwrap_or(10.0 * m.max(n) as f64 * epsilon(a.dtype()));
    custom_jvp(
        move |x: &Array| pseudoinverse(x, rtol),
        move |(x,), (dx,)| {
            let p = pinv(&x, Some(rtol));
            let (mm, mh) = (matrix::mm, matrix::mh);
            let (ph, dh) = (mh(&p), mh(&dx));
            let (s, t) = if m >= n {
                (mm(&mm(&p, &ph), &dh), mm(&mm(&dh, &ph), &p))
            } else {
                (mm(&p, &mm(&ph, &dh)), mm(&dh, &mm(&ph, &p)))
            };
            let moved = prim::neg(&mm(&mm(&p, &dx), &p));
            let of_s = prim::sub(&s, &mm(&mm(&s, &x), &p));
            let of_t = prim::sub(&t, &mm(&p, &mm(&x, &t)));
            (p, prim::add(&prim::add(&moved, &of_s), &of_t))
        },
    )(&a)
}
fn pseudoinverse(a: &Array, rtol: f64) -> Array {
    let (m, n) = extents(a);
    let mut shape = a.shape().to_vec();
    let r = shape.len();
    shape.swap(r - 2, r - 1);
    if m == 0 || n == 0 {
        return prim::zeros_of(&crate::Aval::new(a.dtype(), &shape));
    }
    let (u, s, vh) = prim::svd(a, false, Degenerate::default());
    let greatest = prim::slice_in_dim(&s, 0, 1, 1, s.ndim() - 1);
    let least = np::broadcast_to(&prim::mul(&greatest, &prim::lit(&s, rtol)), s.shape());
    let counts = prim::gt(&s, &least);
    let s = prim::select_n(&counts, &[&prim::full_of(s.aval(), f64::INFINITY), &s]);
    let over = matrix::to(&matrix::along_columns(&s, m), a.dtype());
    matrix::mm(&matrix::mh(&vh), &prim::div(&matrix::mh(&u), &over))
}

/// How many singular values are greater than `rtol` times the greatest (int32); without it, the precision of the type times the greater extent. Of a vector or a number: is anything not zero? As `jax.numpy.linalg.matrix_rank`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// assert_eq!(linalg::matrix_rank(&array![[1., 2.], [2., 4.]], None).to_string(), "1");
/// ```
#[track_caller]
pub fn matrix_rank(a: &Array, rtol: Option<f64>) -> Array {
    if a.ndim() < 2 {
        let a = np::to_inexact("matrix_rank", a);
        let some = prim::ne(&a, &prim::zeros_of(a.aval()));
        return matrix::to(&prim::reduce_or(&some, &(0..a.ndim()).collect::<Vec<_>>()), DType::Int32);
    }
    let a = matrices("matrix_rank", a);
    let (m, n) = extents(&a);
    let s = svdvals(&a);
    let last = s.ndim() - 1;
    if s.shape()[last] == 0 {
        return prim::zeros_of(&crate::Aval::new(DType::Int32, &s.shape()[..last]));
    }
    let rtol = rtol.unwrap_or(m.max(n) as f64 * epsilon(a.dtype()));
    let greatest = prim::slice_in_dim(&s, 0, 1, 1, last);
    let least = np::broadcast_to(&prim::mul(&greatest, &prim::lit(&s, rtol)), s.shape());
    prim::reduce_sum(&matrix::to(&prim::gt(&s, &least), DType::Int32), &[last])
}
