//! Norms and condition numbers.

use super::solve::squares;
use super::*;

/// Which norm: a number, infinite ones included, or the name of a norm of matrices.
///
/// ```
/// use cotangent::{np::linalg::{self, Order}, prelude::*};
/// let x = array![[3., 0.], [-4., 0.]];
/// let norm = |order: Order| linalg::matrix_norm(&x, order).to_f64();
/// assert_eq!([Order::Frobenius, Order::P(1.), Order::from(f64::INFINITY)].map(norm), [5., 7., 4.]);
/// assert!((norm(Order::Nuclear) - 5.).abs() < 1e-5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Of vectors: the root of the sum of powers with this exponent; the greatest and the least size for positive and negative infinity; how many are not zero for 0. Of matrices: the greatest (1) and least (-1) sum of
    /// sizes in a column, the same in a row for infinity, and the greatest (2) and least (-2) singular value.
    P(f64),
    /// The root of the sum of the squares of all elements.
    Frobenius,
    /// The sum of the singular values.
    Nuclear,
}
impl From<f64> for Order {
    fn from(p: f64) -> Order {
        Order::P(p)
    }
}
impl From<i32> for Order {
    fn from(p: i32) -> Order {
        Order::P(p as f64)
    }
}

/// The root of the sum of the squares of the sizes of all elements. [`Norm`] has other norms. As `jax.numpy.linalg.norm`.
///
/// The derivative at zero is NaN.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// assert_eq!(linalg::norm(&array![3., 4.]).to_f64(), 5.0);
/// ```
#[track_caller]
pub fn norm(x: &Array) -> Array {
    Norm::new().of(x)
}
/// Norms of vectors along one dimension, or of matrices in two.
///
/// ```
/// use cotangent::{prelude::*, np::linalg::{Norm, Order}};
/// let x = array![[3., -4.], [0., 1.]];
/// assert_eq!(Norm::new().axis(1).of(&x).to_string(), "[5. 1.]");
/// assert_eq!(Norm::new().order(1).axis(0).of(&x).to_string(), "[3. 5.]");
/// assert_eq!(Norm::new().order(f64::INFINITY).of(&x).to_f64(), 7.0);
/// assert_eq!(Norm::new().order(Order::Frobenius).of(&x).to_f64(), 26f32.sqrt() as f64);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Norm {
    order: Option<Order>,
    axes: Option<Vec<i32>>,
    keep: bool,
}
impl Norm {
    /// As [`norm`].
    ///
    /// ```
    /// use cotangent::{np::linalg::Norm, prelude::*};
    /// assert_eq!(Norm::new().of(&array![[6., 0.], [0., 8.]]).to_f64(), 10.0);
    /// ```
    pub fn new() -> Norm {
        Norm::default()
    }
    /// Another norm. Without an axis, that of a vector or of a matrix.
    ///
    /// ```
    /// use cotangent::{np::linalg::Norm, prelude::*};
    /// let x = array![1., -2., 3.];
    /// assert_eq!(Norm::new().order(1).of(&x).to_f64(), 6.0);
    /// assert_eq!(Norm::new().order(f64::NEG_INFINITY).of(&x).to_f64(), 1.0);
    /// ```
    pub fn order(mut self, order: impl Into<Order>) -> Norm {
        self.order = Some(order.into());
        self
    }
    /// Of the vectors along this dimension; negative ones count from the end.
    ///
    /// ```
    /// use cotangent::{np::linalg::Norm, prelude::*};
    /// assert_eq!(Norm::new().axis(0).of(&array![[5., 1.], [12., 0.]]).to_string(), "[13.  1.]");
    /// ```
    pub fn axis(mut self, axis: i32) -> Norm {
        self.axes = Some(vec![axis]);
        self
    }
    /// Of the matrices whose rows and columns are counted by these dimensions.
    ///
    /// ```
    /// use cotangent::{np::linalg::Norm, prelude::*};
    /// let x = array![[[3., 1.], [4., 0.]]];
    /// assert_eq!(Norm::new().axes(0, 1).of(&x).to_string(), "[5. 1.]");
    /// ```
    pub fn axes(mut self, row: i32, column: i32) -> Norm {
        self.axes = Some(vec![row, column]);
        self
    }
    /// The dimensions stay, with extent 1.
    ///
    /// ```
    /// use cotangent::{np::linalg::Norm, prelude::*};
    /// assert_eq!(Norm::new().axis(1).keepdims().of(&array![[3., 4.], [8., 6.]]).to_string(), "[[ 5.]\n [10.]]");
    /// ```
    pub fn keepdims(mut self) -> Norm {
        self.keep = true;
        self
    }
    /// The norms.
    ///
    /// ```
    /// use cotangent::{np::linalg::Norm, prelude::*};
    /// assert_eq!(Norm::new().order(0).of(&array![0., 7., -1.]).to_f64(), 2.0);
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension, if the dimensions are the same, or if matrices have no such norm; without an axis, also if an array with an order has neither one nor two dimensions.
    #[track_caller]
    pub fn of(&self, x: &Array) -> Array {
        let x = np::to_inexact("norm", x);
        let rank = x.ndim();
        let axes = match &self.axes {
            None => (0..rank).collect(),
            Some(given) => np::dims::axes_of("norm", given, rank, x.shape()),
        };
        let all_squares = self.axes.is_none() && self.order.is_none();
        let y = match (axes[..].len(), self.order) {
            _ if all_squares => root_of_squares(&x, &axes),
            (1, order) => of_vectors(&x, axes[0], order.unwrap_or(Order::P(2.0))),
            (2, order) => of_matrices(&x, [axes[0], axes[1]], order.unwrap_or(Order::Frobenius)),
            (n, _) => fail(ErrorKind::Shape, format!("norm: of an array with {n} dimensions; say along which")),
        };
        if !self.keep {
            return y;
        }
        let shape: Shape = (0..rank).map(|d| if axes.contains(&d) { 1 } else { x.shape()[d] }).collect();
        prim::reshape(&y, &shape)
    }
}
/// The norm of all elements of an array as of one vector: of the order 2 without another one. As `jax.numpy.linalg.vector_norm`, of which [`vector_norm_over`] has the axes.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// assert_eq!(linalg::vector_norm(&array![[3., 0.], [0., -4.]], 1).to_f64(), 7.0);
/// ```
///
/// # Panics
/// If `order` is a norm of matrices.
#[track_caller]
pub fn vector_norm(x: &Array, order: impl Into<Order>) -> Array {
    Norm::new().order(order).axis(0).of(&prim::reshape(x, &[x.size()]))
}
/// The norms of the vectors that elements along these axes make; with `keepdims` the axes stay, with extent 1. As `jax.numpy.linalg.vector_norm`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg};
/// let x = Array::from_slice(&[3f32, 4., 0., 0., 12., 0.], &[1, 3, 2]);
/// assert_eq!(linalg::vector_norm_over(&x, &[0, -1], 2, false).to_string(), "[ 5.  0. 12.]");
/// ```
///
/// # Panics
/// If an axis does not exist or is given twice, or if `order` is a norm of matrices.
#[track_caller]
pub fn vector_norm_over(x: &Array, axes: &[i32], order: impl Into<Order>, keepdims: bool) -> Array {
    let dims = np::dims::axes_of("vector_norm", axes, x.ndim(), x.shape());
    let others: Vec<usize> = (0..x.ndim()).filter(|d| !dims.contains(d)).collect();
    let mut shape: Shape = others.iter().map(|d| x.shape()[*d]).collect();
    shape.push(dims.iter().map(|d| x.shape()[*d]).product());
    let order_of: Vec<usize> = others.into_iter().chain(dims.iter().copied()).collect();
    let lines = prim::reshape(&prim::transpose(x, &order_of), &shape);
    let y = Norm::new().order(order).axis(-1).of(&lines);
    if keepdims {
        let mut dims = dims;
        dims.sort_unstable();
        return prim::expand_dims(&y, &dims);
    }
    y
}
/// The norms of the matrices in the last two dimensions: with [`Order::Frobenius`] the root of the sum of squares. [`Norm`] has other dimensions. As `jax.numpy.linalg.matrix_norm`.
///
/// ```
/// use cotangent::{prelude::*, np::linalg::{self, Order}};
/// assert_eq!(linalg::matrix_norm(&array![[3., 0.], [0., 4.]], Order::Frobenius).to_f64(), 5.0);
/// ```
///
/// # Panics
/// If there are fewer than two dimensions, or if matrices have no such norm.
#[track_caller]
pub fn matrix_norm(x: &Array, order: impl Into<Order>) -> Array {
    Norm::new().order(order).axes(-2, -1).of(x)
}
fn root_of_squares(x: &Array, axes: &[usize]) -> Array {
    prim::sqrt(&prim::reduce_sum(&squares(x), axes))
}
#[track_caller]
fn of_vectors(x: &Array, axis: usize, order: Order) -> Array {
    let Order::P(p) = order else {
        fail(ErrorKind::Value, format!("norm: {order:?} is a norm of matrices, not of vectors"))
    };
    let size = || prim::abs(x);
    match p {
        2.0 => root_of_squares(x, &[axis]),
        f64::INFINITY if x.shape()[axis] == 0 => prim::reduce_sum(&size(), &[axis]),
        f64::INFINITY => prim::reduce_max(&size(), &[axis]),
        f64::NEG_INFINITY => prim::reduce_min(&size(), &[axis]),
        0.0 => {
            let some = prim::ne(x, &prim::zeros_of(x.aval()));
            prim::reduce_sum(&matrix::to(&some, x.dtype().real_part()), &[axis])
        }
        1.0 => prim::reduce_sum(&size(), &[axis]),
        p => {
            let size = size();
            let sum = prim::reduce_sum(&prim::pow(&size, &prim::lit(&size, p)), &[axis]);
            prim::pow(&sum, &prim::lit(&sum, 1.0 / p))
        }
    }
}
#[track_caller]
fn of_matrices(x: &Array, [row, column]: [usize; 2], order: Order) -> Array {
    // sums along one of the dimensions, and their extremes along the other
    let sums = |along: usize, other: usize, greatest: bool| {
        let sums = prim::reduce_sum(&prim::abs(x), &[along]);
        let other = other - (other > along) as usize;
        match greatest {
            true if sums.shape()[other] == 0 => prim::reduce_sum(&sums, &[other]),
            true => prim::reduce_max(&sums, &[other]),
            false => prim::reduce_min(&sums, &[other]),
        }
    };
    let values = || {
        let mut order: Vec<usize> = (0..x.ndim()).filter(|d| *d != row && *d != column).collect();
        order.extend([row, column]);
        svdvals(&prim::transpose(x, &order))
    };
    match order {
        Order::Frobenius => root_of_squares(x, &[row, column]),
        Order::Nuclear => {
            let s = values();
            prim::reduce_sum(&s, &[s.ndim() - 1])
        }
        Order::P(p) => match p {
            1.0 => sums(row, column, true),
            -1.0 => sums(row, column, false),
            f64::INFINITY => sums(column, row, true),
            f64::NEG_INFINITY => sums(column, row, false),
            2.0 | -2.0 => {
                let s = values();
                let last = s.ndim() - 1;
                match (s.shape()[last], p) {
                    (0, 2.0) => prim::reduce_sum(&s, &[last]),
                    (_, 2.0) => prim::reduce_max(&s, &[last]),
                    _ => prim::reduce_min(&s, &[last]),
                }
            }
            p => fail(
                ErrorKind::Value,
                format!("norm: matrices have no norm of order {p}, but 1, 2, inf, -1, -2 and -inf"),
            ),
        },
    }
}

/// The condition number: the ratio of the greatest to the least singular value. [`cond_order`] has others. As `jax.numpy.linalg.cond`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// assert_eq!(linalg::cond(&array![[4., 0.], [0., 2.]]).to_f64(), 2.0);
/// ```
#[track_caller]
pub fn cond(x: &Array) -> Array {
    cond_order(x, 2)
}
/// The condition number in this norm: its product for a matrix and its inverse. Infinite for a singular matrix. As `jax.numpy.linalg.cond`.
///
/// ```
/// use cotangent::{np::linalg, prelude::*};
/// assert_eq!(linalg::cond_order(&array![[4., 0.], [0., 2.]], 1).to_f64(), 2.0);
/// ```
///
/// # Panics
/// If matrices are empty; for other orders than 2 and -2, if they are not square.
#[track_caller]
pub fn cond_order(x: &Array, order: impl Into<Order>) -> Array {
    let order = order.into();
    let x = matrices("cond", x);
    let (m, n) = extents(&x);
    if m == 0 || n == 0 {
        fail(ErrorKind::Shape, format!("cond: of empty matrices {}", x.aval()))
    }
    let r = if let Order::P(p @ (2.0 | -2.0)) = order {
        let s = svdvals(&x);
        let last = s.ndim() - 1;
        let at = |k: usize| prim::squeeze(&prim::slice_in_dim(&s, k, k + 1, 1, last), &[last]);
        let (greatest, least) = (at(0), at(s.shape()[last] - 1));
        if p == 2.0 {
            return prim::div(&greatest, &least);
        }
        prim::div(&least, &greatest)
    } else {
        square("cond", &x);
        let size = |x: &Array| Norm::new().order(order).axes(-2, -1).of(x);
        prim::mul(&size(&x), &size(&inv(&x)))
    };
    // a NaN that was made here means that a division by zero was
    let d = x.ndim();
    let nan = |x: &Array| prim::ne(x, x);
    let given = prim::reduce_or(&nan(&x), &[d - 2, d - 1]);
    let made = prim::and(&nan(&r), &prim::not(&given));
    prim::select_n(&made, &[&r, &prim::full_of(r.aval(), f64::INFINITY)])
}
