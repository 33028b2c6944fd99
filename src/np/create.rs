//! Arrays from nothing: constants, unit matrices, triangles, grids of indices.

use crate::array::{Array, ArrayLike, Given, Operand};
use crate::aval::{Aval, Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::dims::{here, in_one_type, refs};
use crate::np::index::{index_array, index_type, places};
use crate::np::{broadcast_to, to_inexact};
use crate::prim::{self, convert_element_type, full_of, iota, lit};

macro_rules! constants { ($($(#[$doc:meta])* $name:ident $dtype_name:ident $like:ident $value:literal $digit:literal;)*) => { $(
    $(#[$doc])*
    /// Of type float32. As in `jax.numpy`.
    #[doc = concat!("\n```\nuse cotangent::np;\nassert_eq!(np::", stringify!($name), "(&[2]).to_string(), \"[", $digit, ". ", $digit, ".]\");\n```")]
    #[track_caller]
    pub fn $name(shape: &[usize]) -> Array {
        $dtype_name(shape, DType::Float32)
    }
    #[doc = concat!("[`", stringify!($name), "`] of an element type.")]
    #[doc = concat!("\n```\nuse cotangent::{np, prelude::*};\nassert_eq!(np::", stringify!($dtype_name), "(&[1, 3], DType::Int32).to_string(), \"[[", $digit, " ", $digit, " ", $digit, "]]\");\n```")]
    ///
    /// # Panics
    /// If it is no type of numbers.
    #[track_caller]
    pub fn $dtype_name(shape: &[usize], dtype: DType) -> Array {
        numbers(stringify!($name), dtype);
        full_of(&Aval::new(dtype, shape), $value)
    }
    #[doc = concat!("[`", stringify!($name), "`] of the shape and type of `x`.")]
    #[doc = concat!("\n```\nuse cotangent::{np, prelude::*};\nassert_eq!(np::", stringify!($like), "(&array![[5], [7]]).to_string(), \"[[", $digit, "]\\n [", $digit, "]]\");\n```")]
    ///
    /// # Panics
    /// If its elements are no numbers.
    #[track_caller]
    pub fn $like(x: &Array) -> Array {
        numbers(stringify!($like), x.dtype());
        full_of(x.aval(), $value)
    }
)* } }
#[track_caller]
fn numbers(name: &str, dtype: DType) {
    if !dtype.is_number() {
        fail(ErrorKind::Type, format!("{name}: there are no numbers of type {dtype}"))
    }
}
constants! {
    /// An array of zeros.
    zeros zeros_dtype zeros_like 0.0 "0";
    /// An array of ones.
    ones ones_dtype ones_like 1.0 "1";
    /// An array of whatever: zeros, as in JAX.
    empty empty_dtype empty_like 0.0 "0";
}
/// `value`, a number or an array that broadcasts, everywhere in an array of this shape. As `jax.numpy.full`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::full(&[2, 2], array![1, 2]).to_string(), "[[1 2]\n [1 2]]");
/// ```
///
/// # Panics
/// If it does not broadcast.
#[track_caller]
pub fn full(shape: &[usize], value: impl ArrayLike) -> Array {
    broadcast_to(&value.into_array(), shape)
}
/// [`full`] in this type, which a number takes at once: of float64 no digit is lost. As `jax.numpy.full`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let tenth = np::full_dtype(&[], 0.1, DType::Float64);
/// assert_eq!((tenth.ndim(), tenth.to_f64()), (0, 0.1));
/// ```
///
/// # Panics
/// As [`full`].
#[track_caller]
pub fn full_dtype(shape: &[usize], value: impl ArrayLike, dtype: DType) -> Array {
    let _line = here();
    broadcast_to(&Given::new(value).to(dtype, false), shape)
}
/// `value` everywhere in an array of the shape and type of `x`. As `jax.numpy.full_like`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::full_like(&array![1, 2], 7).to_string(), "[7 7]");
/// ```
///
/// # Panics
/// If it does not broadcast.
#[track_caller]
pub fn full_like(x: &Array, value: impl Operand) -> Array {
    let _line = here();
    broadcast_to(&convert_element_type(&value.beside(x), x.dtype(), x.weak_type()), x.shape())
}

/// Ones where the column is `k` behind the row, zeros elsewhere. As `jax.numpy.eye`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::eye(2, 3, 1).to_string(), "[[0. 1. 0.]\n [0. 0. 1.]]");
/// ```
pub fn eye(n: usize, m: usize, k: i64) -> Array {
    eye_dtype(n, m, k, DType::Float32)
}
/// [`eye`] of an element type. As `jax.numpy.eye`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::eye_dtype(2, 2, 0, DType::Int32).to_string(), "[[1 0]\n [0 1]]");
/// ```
///
/// # Panics
/// If it is no type of numbers.
#[track_caller]
pub fn eye_dtype(n: usize, m: usize, k: i64, dtype: DType) -> Array {
    numbers("eye", dtype);
    convert_element_type(&compared(n, m, k, prim::eq), dtype, false)
}
/// The unit matrix. As `jax.numpy.identity`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::identity(2).to_string(), "[[1. 0.]\n [0. 1.]]");
/// ```
pub fn identity(n: usize) -> Array {
    eye(n, n, 0)
}
/// How `row + k` compares to the column.
fn compared(n: usize, m: usize, k: i64, with: fn(&Array, &Array) -> Array) -> Array {
    let t = if n.max(m) as i64 + k.abs() > i32::MAX as i64 { DType::Int64 } else { DType::Int32 };
    let (i, j) = (iota(t, &[n, m], 0), iota(t, &[n, m], 1));
    with(&if k == 0 { i.clone() } else { prim::add(&i, &lit(&i, k as f64)) }, &j)
}
/// Ones on and below the k-th diagonal, zeros above. As `jax.numpy.tri`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::tri(2, 3, 0).to_string(), "[[1. 0. 0.]\n [1. 1. 0.]]");
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(np::triu(&x, 0).to_string(), "[[1. 2.]\n [0. 4.]]");
/// assert_eq!(np::tril(&x, -1).to_string(), "[[0. 0.]\n [3. 0.]]");
/// ```
pub fn tri(n: usize, m: usize, k: i64) -> Array {
    convert_element_type(&compared(n, m, k, prim::ge), DType::Float32, false)
}
/// The elements of each matrix for which `row + k` compares so to the column, zeros elsewhere.
#[track_caller]
fn part(name: &str, x: &Array, k: i64, with: fn(&Array, &Array) -> Array) -> Array {
    let [.., n, m] = x.shape() else { fail(ErrorKind::Shape, format!("{name}: needs matrices, got {}", x.aval())) };
    let kept = broadcast_to(&compared(*n, *m, k, with), x.shape());
    prim::select_n(&kept, &[&prim::zeros_of(x.aval()), x])
}
/// The matrices in the last two dimensions with zeros above the k-th diagonal. As `jax.numpy.tril`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::tril(&array![[1, 2], [3, 4]], 0).to_string(), "[[1 0]\n [3 4]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn tril(x: &Array, k: i64) -> Array {
    part("tril", x, k, prim::ge)
}
/// The matrices in the last two dimensions with zeros below the k-th diagonal. As `jax.numpy.triu`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::triu(&array![[1, 2], [3, 4]], 0).to_string(), "[[1 2]\n [0 4]]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions.
#[track_caller]
pub fn triu(x: &Array, k: i64) -> Array {
    part("triu", x, k, prim::le)
}
/// The rows and the columns of the elements on and below the k-th diagonal of a matrix of `n` rows and `m` columns. As `jax.numpy.tril_indices`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(x.i(np::tril_indices(2, 2, 0)).to_string(), "[1. 3. 4.]");
/// ```
pub fn tril_indices(n: usize, m: usize, k: i64) -> (Array, Array) {
    listed(n, m, |i, j| i + k >= j)
}
/// The rows and the columns of the elements on and above the k-th diagonal of a matrix of `n` rows and `m` columns. As `jax.numpy.triu_indices`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(x.i(np::triu_indices(2, 2, 1)).to_string(), "[2.]");
/// ```
pub fn triu_indices(n: usize, m: usize, k: i64) -> (Array, Array) {
    listed(n, m, |i, j| i + k <= j)
}
/// Rows and columns of a matrix as those of [`tril_indices`] and [`triu_indices`].
macro_rules! from_matrix { ($($name:ident $of:ident $example:literal;)*) => { $(
    #[doc = concat!("[`", stringify!($of), "`] of this matrix. As `jax.numpy.", stringify!($name), "`.")]
    #[doc = concat!("\n```\nuse cotangent::{np, prelude::*};\nlet x = array![[1., 2.], [3., 4.]];\nassert_eq!(x.i(np::", stringify!($name), "(&x, 0)).to_string(), \"", $example, "\");\n```")]
    ///
    /// # Panics
    /// If it is no matrix.
    #[track_caller]
    pub fn $name(x: &Array, k: i64) -> (Array, Array) {
        let &[n, m] = x.shape() else {
            fail(ErrorKind::Shape, format!(concat!(stringify!($name), ": needs a matrix, got {}"), x.aval()))
        };
        $of(n, m, k)
    }
)* } }
from_matrix! {
    tril_indices_from tril_indices "[1. 3. 4.]";
    triu_indices_from triu_indices "[1. 2. 4.]";
}
/// The indices of the main diagonal of an array of `ndim` dimensions of extent `n`: the numbers from 0 on, for each dimension. As `jax.numpy.diag_indices`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::diag_indices(3, 2)[1].to_string(), "[0 1 2]");
/// ```
pub fn diag_indices(n: usize, ndim: usize) -> Vec<Array> {
    vec![prim::iota(index_type(&[n]), &[n], 0); ndim]
}
/// The indices of the main diagonal of an array whose extents are equal. As `jax.numpy.diag_indices_from`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(x.i(np::diag_indices_from(&x)).to_string(), "[1. 4.]");
/// ```
///
/// # Panics
/// If there are fewer than two dimensions, or if extents differ.
#[track_caller]
pub fn diag_indices_from(x: &Array) -> Vec<Array> {
    match x.shape() {
        [n, rest @ ..] if !rest.is_empty() && rest.iter().all(|m| m == n) => diag_indices(*n, x.ndim()),
        _ => fail(
            ErrorKind::Shape,
            format!("diag_indices_from: needs two dimensions or more, all of one extent, got {}", x.aval()),
        ),
    }
}
/// The rows and the columns of what `mask` leaves of a matrix of ones with `n` rows and columns: `np::triu` for example, which it is given `k` with. As `jax.numpy.mask_indices`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(x.i(np::mask_indices(2, np::triu, 0)).to_string(), "[1. 2. 4.]");
/// ```
///
/// # Panics
/// If the result is no matrix, or abstract.
#[track_caller]
pub fn mask_indices(n: usize, mask: impl Fn(&Array, i64) -> Array, k: i64) -> (Array, Array) {
    let m = mask(&ones(&[n, n]), k);
    if m.ndim() != 2 {
        fail(ErrorKind::Shape, format!("mask_indices: the mask is {}, no matrix", m.aval()))
    }
    pair(places(&prim::ne(&m, &lit(&m, 0.0))))
}
/// The rows and the columns of such elements. They are known wherever the extents are, so that nothing is computed by arrays.
fn listed(n: usize, m: usize, wanted: impl Fn(i64, i64) -> bool) -> (Array, Array) {
    let all = (0..n as i64).flat_map(|i| (0..m as i64).map(move |j| (i, j))).filter(|(i, j)| wanted(*i, *j));
    let (i, j): (Vec<i64>, Vec<i64>) = all.unzip();
    let t = index_type(&[n, m]);
    let of = |x: Vec<i64>| {
        let len = x.len();
        index_array(x, &[len], t)
    };
    (of(i), of(j))
}
fn pair(mut both: Vec<Array>) -> (Array, Array) {
    let columns = both.pop().expect("two dimensions");
    (both.pop().expect("two dimensions"), columns)
}
/// The powers of each element of a vector in a row, `n` of them: from the (n - 1)th down to 1, or the other way round. As `jax.numpy.vander`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::vander(&array![2., 3.], 3, false).to_string(), "[[4. 2. 1.]\n [9. 3. 1.]]");
/// ```
///
/// # Panics
/// If it is no vector.
#[track_caller]
pub fn vander(x: &Array, n: usize, increasing: bool) -> Array {
    let _line = here();
    if x.ndim() != 1 {
        fail(ErrorKind::Shape, format!("vander: needs a vector, got {}", x.aval()))
    }
    let powers: Vec<i32> = (0..n as i32).map(|k| if increasing { k } else { n as i32 - 1 - k }).collect();
    crate::np::power(&prim::expand_dims(x, &[1]), &Array::from_slice(&powers, &[1, n]))
}

/// For each dimension of this shape an array of it that holds the index there: int32, one behind the other along a first dimension. As `jax.numpy.indices`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::indices(&[2, 2]).to_string(), "[[[0 0]\n  [1 1]]\n\n [[0 1]\n  [0 1]]]");
/// ```
pub fn indices(shape: &[usize]) -> Array {
    let all: Vec<Array> = (0..shape.len()).map(|d| iota(DType::Int32, shape, d)).collect();
    if all.is_empty() {
        return zeros_dtype(&[0], DType::Int32);
    }
    prim::stack(&refs(&all), 0)
}
/// The same with extent 1 in all other dimensions, to be broadcast. As `jax.numpy.indices` with `sparse`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::indices_sparse(&[2, 3])[1].to_string(), "[[0 1 2]]");
/// ```
pub fn indices_sparse(shape: &[usize]) -> Vec<Array> {
    (0..shape.len()).map(|d| upright(&iota(DType::Int32, &[shape[d]], 0), d, shape.len())).collect()
}
/// A vector along dimension `d` of `rank`.
fn upright(x: &Array, d: usize, rank: usize) -> Array {
    let mut shape = Shape::from_elem(1, rank);
    shape[d] = x.size();
    prim::reshape(x, &shape)
}
/// Vectors that index an array as a grid: the i-th along dimension i. Masks become the places where they hold. As `jax.numpy.ix_`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2., 3.], [4., 5., 6.]];
/// let grid = np::ix_(&[&array![1, 0], &array![true, false, true]]);
/// assert_eq!(x.i((&grid[0], &grid[1])).to_string(), "[[4. 6.]\n [1. 3.]]");
/// ```
///
/// # Panics
/// If one is no vector, or an abstract mask.
#[track_caller]
pub fn ix_(vectors: &[&Array]) -> Vec<Array> {
    let _line = here();
    let mut out = vec![];
    for (d, x) in vectors.iter().enumerate() {
        if x.ndim() != 1 {
            fail(ErrorKind::Shape, format!("ix_: needs vectors, got {}", x.aval()))
        }
        let x = if x.dtype().is_bool() { places(x).remove(0) } else { (*x).clone() };
        out.push(upright(&x, d, vectors.len()))
    }
    out
}
/// Grids of coordinates, `jax.numpy.meshgrid` with options.
///
/// ```
/// use cotangent::{np::Meshgrid, prelude::*};
/// let (x, y) = (array![1, 2, 3], array![10, 20]);
/// assert_eq!(Meshgrid::new().of(&[&x, &y])[0].shape(), [2, 3]);
/// assert_eq!(Meshgrid::new().ij().sparse().of(&[&x, &y])[1].shape(), [1, 2]);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Meshgrid {
    matrix: bool,
    sparse: bool,
}
impl Meshgrid {
    /// The first vector along the second dimension and the second along the first, as pictures are drawn.
    ///
    /// ```
    /// use cotangent::{np::Meshgrid, prelude::*};
    /// assert_eq!(Meshgrid::new().of(&[&array![1, 2], &array![5, 6]])[0].to_string(), "[[1 2]\n [1 2]]");
    /// ```
    pub fn new() -> Meshgrid {
        Meshgrid::default()
    }
    /// The i-th vector along dimension i: `indexing="ij"`.
    ///
    /// ```
    /// use cotangent::{np::Meshgrid, prelude::*};
    /// assert_eq!(Meshgrid::new().ij().of(&[&array![1, 2], &array![5, 6]])[0].to_string(), "[[1 1]\n [2 2]]");
    /// ```
    pub fn ij(mut self) -> Meshgrid {
        self.matrix = true;
        self
    }
    /// With extent 1 in all other dimensions, to be broadcast.
    ///
    /// ```
    /// use cotangent::{np::Meshgrid, prelude::*};
    /// let grid = Meshgrid::new().sparse().of(&[&array![1, 2, 3], &array![5, 6]]);
    /// assert_eq!((grid[0].to_string(), grid[1].to_string()), ("[[1 2 3]]".into(), "[[5]\n [6]]".into()));
    /// ```
    pub fn sparse(mut self) -> Meshgrid {
        self.sparse = true;
        self
    }
    /// One array for each vector; a number is a vector of one.
    ///
    /// ```
    /// use cotangent::{np::Meshgrid, prelude::*};
    /// let grid = Meshgrid::new().of(&[&array![1, 2], &array(7)]);
    /// assert_eq!((grid[0].to_string(), grid[1].to_string()), ("[[1 2]]".into(), "[[7 7]]".into()));
    /// ```
    ///
    /// # Panics
    /// If one has more than one dimension.
    #[track_caller]
    pub fn of(&self, vectors: &[&Array]) -> Vec<Array> {
        let _line = here();
        let rank = vectors.len();
        let place = |d: usize| if self.matrix || rank < 2 || d > 1 { d } else { 1 - d };
        let mut shape = Shape::from_elem(1, rank);
        for (d, x) in vectors.iter().enumerate() {
            if x.ndim() > 1 {
                fail(ErrorKind::Shape, format!("meshgrid: needs vectors, got {}", x.aval()))
            }
            shape[place(d)] = x.size()
        }
        let vectors = vectors.iter().enumerate().map(|(d, x)| upright(x, place(d), rank));
        vectors.map(|x| if self.sparse { x } else { broadcast_to(&x, &shape) }).collect()
    }
}
/// For each vector an array over the grid of all of them that holds its coordinate. Options: [`Meshgrid`]. As `jax.numpy.meshgrid`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let grid = np::meshgrid(&[&array![1, 2, 3], &array![10, 20]]);
/// assert_eq!((&grid[0] + &grid[1]).to_string(), "[[11 12 13]\n [21 22 23]]");
/// ```
///
/// # Panics
/// If one has more than one dimension.
#[track_caller]
pub fn meshgrid(vectors: &[&Array]) -> Vec<Array> {
    Meshgrid::new().of(vectors)
}

/// Bartlett's window of `m` points: a triangle. As `jax.numpy.bartlett`.
///
/// ```
/// assert_eq!(cotangent::np::bartlett(5).to_string(), "[0.  0.5 1.  0.5 0. ]");
/// ```
pub fn bartlett(m: usize) -> Array {
    window(m, |n, m| {
        let up = prim::sub(&prim::add(&prim::mul(n, &lit(n, 2.0)), &lit(n, 1.0)), &lit(n, m));
        prim::sub(&lit(n, 1.0), &prim::div(&prim::abs(&up), &lit(n, m - 1.0)))
    })
}
/// A sum of cosines of so many turns over the window, with these weights.
fn cosines(m: usize, weights: &'static [f64]) -> Array {
    window(m, |n, m| {
        let turn =
            |k: usize| prim::div(&prim::mul(n, &lit(n, 2.0 * k as f64 * std::f64::consts::PI)), &lit(n, m - 1.0));
        let term = |k: usize| prim::mul(&prim::cos(&turn(k)), &lit(n, weights[k]));
        (1..weights.len()).fold(lit(n, weights[0]), |sum, k| prim::add(&sum, &term(k)))
    })
}
/// Blackman's window of `m` points. As `jax.numpy.blackman`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::blackman(5).shape(), [5]);
/// ```
pub fn blackman(m: usize) -> Array {
    cosines(m, &[0.42, -0.5, 0.08])
}
/// Hamming's window of `m` points. As `jax.numpy.hamming`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::hamming(3).shape(), [3]);
/// ```
pub fn hamming(m: usize) -> Array {
    cosines(m, &[0.54, -0.46])
}
/// Von Hann's window of `m` points. As `jax.numpy.hanning`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::hanning(3).to_string(), "[0. 1. 0.]");
/// ```
pub fn hanning(m: usize) -> Array {
    cosines(m, &[0.5, -0.5])
}
/// Kaiser's window of `m` points with the parameter `beta`, which may be traced. As `jax.numpy.kaiser`.
///
/// ```
/// use cotangent::np;
/// assert_eq!(np::kaiser(3, 0.).to_string(), "[1. 1. 1.]");
/// ```
///
/// # Panics
/// If `beta` is no scalar.
#[track_caller]
pub fn kaiser(m: usize, beta: impl ArrayLike) -> Array {
    let _line = here();
    let beta = to_inexact("kaiser", &beta.into_array());
    if beta.ndim() != 0 {
        fail(ErrorKind::Shape, format!("kaiser: beta has the shape {}, it has to be a scalar", tuple(beta.shape())))
    }
    let t = beta.dtype();
    if m < 2 {
        return ones_dtype(&[m], t);
    }
    let n = iota(t, &[m], 0);
    let middle = (m - 1) as f64 / 2.0;
    let x = prim::div(&prim::sub(&n, &lit(&n, middle)), &lit(&n, middle));
    let inside = prim::sqrt(&prim::sub(&lit(&x, 1.0), &prim::mul(&x, &x)));
    let x = crate::np::multiply(&beta, &inside);
    let both = in_one_type("kaiser", &[&x, &beta]);
    // i0(x) = exp(|x|) i0e(x)
    let i0 = |x: &Array| prim::mul(&prim::exp(&prim::abs(x)), &prim::bessel_i0e(x));
    crate::np::divide(&i0(&both[0]), &i0(&both[1]))
}
fn window(m: usize, f: impl Fn(&Array, f64) -> Array) -> Array {
    if m < 2 { ones(&[m]) } else { f(&iota(DType::Float32, &[m], 0), m as f64) }
}
