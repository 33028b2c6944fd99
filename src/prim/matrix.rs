//! What the families of linear algebra share: matrices in the last two dimensions of an array, and the way to the routines that factorize them.

use super::*;
use crate::dtype::DType;
use cotangent_cpu::{Kind, Lib, Routine, Use, ValId};

/// A routine by its name. Without the feature `linalg` there is none.
macro_rules! routine {
    ($name:ident) => {{
        #[cfg(feature = "linalg")]
        let routine = &cotangent_linalg::$name;
        #[cfg(not(feature = "linalg"))]
        let routine = crate::prim::matrix::no_routine();
        routine
    }};
}
pub(crate) use routine;
#[cfg(not(feature = "linalg"))]
pub(crate) fn no_routine() -> &'static Routine {
    crate::error::fail(crate::error::ErrorKind::Unsupported, LEFT_OUT)
}
#[cfg(not(feature = "linalg"))]
const LEFT_OUT: &str =
    "this build has no factorizations and no Fourier transforms: the cargo feature `linalg` of `cotangent` is off";

/// Checks that the library has its routines.
pub(crate) fn present() -> Result<(), String> {
    #[cfg(not(feature = "linalg"))]
    return Err(LEFT_OUT.into());
    #[cfg(feature = "linalg")]
    Ok(())
}
/// The same, and that all operands have one type of elements that the routines take.
pub(crate) fn takes(x: &[&Aval]) -> Result<DType, String> {
    present()?;
    match same_dtype(x)? {
        t @ (DType::Float32 | DType::Float64 | DType::Complex64 | DType::Complex128) => Ok(t),
        t => Err(format!("does not take elements of type (dtype) {t}, but float32, float64, complex64 and complex128")),
    }
}
/// The batch dimensions and the extents of a matrix.
pub(crate) fn matrices(x: &Aval) -> Result<(&[usize], usize, usize), String> {
    match &x.shape[..] {
        [batch @ .., m, n] => Ok((batch, *m, *n)),
        _ => Err(format!("needs matrices, got {x}")),
    }
}
/// The batch dimensions and the extent of a square matrix.
pub(crate) fn square(x: &Aval) -> Result<(&[usize], usize), String> {
    match matrices(x)? {
        (batch, m, n) if m == n => Ok((batch, n)),
        _ => Err(format!("needs square matrices, got {x}")),
    }
}
/// A type with these batch dimensions and these behind them.
pub(crate) fn with_core(like: &Aval, batch: &[usize], core: &[usize]) -> Aval {
    like.with_shape(batch.iter().chain(core).copied())
}

/// The same type with other elements, as weak as it was.
pub(crate) fn typed(a: Aval, dtype: DType) -> Aval {
    Aval { dtype, ..a }
}

/// Calls a routine, whose operands have `batch` leading dimensions in common, and which has results of these types.
pub(crate) fn call(
    l: &mut Lower,
    routine: &'static Routine,
    params: &[bool],
    x: &[Use],
    batch: usize,
    outs: &[Aval],
) -> Vals {
    let lib = Lib { routine, params: params.iter().map(|p| *p as i64).collect(), batch: batch as u32 };
    let types: Vec<_> = outs.iter().map(lower::ty).collect();
    let first = l.p.push(Kind::Lib(Box::new(lib)), x, &types);
    (0..outs.len() as ValId).map(|k| first + k).collect()
}
/// The same for operands as they are.
pub(crate) fn call_plain(
    l: &mut Lower,
    routine: &'static Routine,
    params: &[bool],
    x: &[ValId],
    batch: usize,
    outs: &[Aval],
) -> Vals {
    let uses: Vec<Use> = x.iter().map(|x| Use::plain(*x)).collect();
    call(l, routine, params, &uses, batch, outs)
}
/// All lanes at once: they are one more batch dimension in front.
pub(crate) fn batch_in_front(prim: &dyn Primitive, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
    let x = all_front(lanes, x, dims);
    crate::trace::bind(prim, &x.iter().collect::<Vec<_>>()).into_iter().map(|y| (y, Some(0))).collect()
}

// Functions of matrices, for rules.

/// The product of matrices.
pub(crate) fn mm(a: &Array, b: &Array) -> Array {
    let r = a.ndim();
    let batch: Vec<usize> = (0..r - 2).collect();
    dot_general(a, b, (&[r - 1], &[r - 2]), (&batch, &batch), Some(a.dtype()))
}
/// The transpose of each matrix.
pub(crate) fn mt(x: &Array) -> Array {
    let mut order: Vec<usize> = (0..x.ndim()).collect();
    order.swap(x.ndim() - 2, x.ndim() - 1);
    transpose(x, &order)
}
/// The conjugate; a real number is its own.
pub(crate) fn bar(x: &Array) -> Array {
    if x.dtype().is_complex() { conj(x) } else { x.clone() }
}
/// The conjugate transpose of each matrix.
pub(crate) fn mh(x: &Array) -> Array {
    bar(&mt(x))
}
/// Half of the sum of each matrix and its conjugate transpose.
pub(crate) fn symmetrized(x: &Array) -> Array {
    let y = add(x, &mh(x));
    div(&y, &lit(&y, 2.0))
}
/// The real part in the type of `x`.
pub(crate) fn re(x: &Array) -> Array {
    if x.dtype().is_complex() { real(x) } else { x.clone() }
}
/// The same numbers in another type, as weak as they were.
pub(crate) fn to(x: &Array, dtype: DType) -> Array {
    convert_element_type(x, dtype, x.weak_type())
}
/// Where the column's number less `k` is at most that of the row.
fn on_or_below(shape: &[usize], k: i64) -> Array {
    let r = shape.len();
    let i = iota(DType::Int32, &shape[r - 2..], 0);
    let mask = ge(&add(&i, &lit(&i, k as f64)), &iota(DType::Int32, &shape[r - 2..], 1));
    broadcast_in_dim(&mask, shape, &[r - 2, r - 1])
}
/// What is on the diagonal number `k` or below it (to the right of the main one they count upwards).
pub(crate) fn tril(x: &Array, k: i64) -> Array {
    select_n(&on_or_below(x.shape(), k), &[&zeros_of(x.aval()), x])
}
/// What is on the diagonal number `k` or above it.
pub(crate) fn triu(x: &Array, k: i64) -> Array {
    select_n(&on_or_below(x.shape(), k - 1), &[x, &zeros_of(x.aval())])
}
/// Unit matrices, of the type and batch of `like`, with so many rows and columns.
pub(crate) fn eye(like: &Array, m: usize, n: usize) -> Array {
    let mut shape = like.shape().to_vec();
    let r = shape.len();
    (shape[r - 2], shape[r - 1]) = (m, n);
    let (i, j) = (iota(DType::Int32, &[m, n], 0), iota(DType::Int32, &[m, n], 1));
    broadcast_in_dim(&convert_element_type(&eq(&i, &j), like.dtype(), like.weak_type()), &shape, &[r - 2, r - 1])
}
/// The diagonal of each square matrix.
pub(crate) fn diagonal(x: &Array) -> Array {
    let (r, n) = (x.ndim(), x.shape()[x.ndim() - 1]);
    let (i, j) = (iota(DType::Int32, &[n, n], 0), iota(DType::Int32, &[n, n], 1));
    let on = broadcast_in_dim(&eq(&i, &j), x.shape(), &[r - 2, r - 1]);
    reduce_sum(&select_n(&on, &[&zeros_of(x.aval()), x]), &[r - 1])
}
/// Each vector in the columns of a matrix with `rows` rows: its elements along the rows.
pub(crate) fn along_rows(s: &Array, rows: usize) -> Array {
    let r = s.ndim();
    let mut shape = s.shape().to_vec();
    shape.insert(r - 1, rows);
    broadcast_in_dim(s, &shape, &(0..r - 1).chain([r]).collect::<Vec<_>>())
}
/// Each vector in the rows of a matrix with `columns` columns: its elements along the columns.
pub(crate) fn along_columns(s: &Array, columns: usize) -> Array {
    let mut shape = s.shape().to_vec();
    shape.push(columns);
    broadcast_in_dim(s, &shape, &(0..s.ndim()).collect::<Vec<_>>())
}
/// The part of each matrix in these rows and columns.
pub(crate) fn block(x: &Array, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Array {
    let r = x.ndim();
    let x = slice_in_dim(x, rows.start, rows.end, 1, r - 2);
    slice_in_dim(&x, columns.start, columns.end, 1, r - 1)
}
/// The rows (or, if it says so, the columns) of each matrix in the order that an array of the same batch says.
pub(crate) fn reorder(x: &Array, order: &Array, columns: bool) -> Array {
    let r = x.ndim();
    let batch: Vec<usize> = (0..r - 2).collect();
    let (moved, kept) = if columns { (r - 1, r - 2) } else { (r - 2, r - 1) };
    let mut sizes = vec![1; r];
    sizes[kept] = x.shape()[kept];
    let indices = expand_dims(order, &[r - 1]);
    let dims = GatherDimensionNumbers::new(&[kept], &[moved], &[moved]).batching(&batch, &batch);
    gather(x, &indices, &dims, &sizes, &Default::default())
}

/// For samples: a batch of well-conditioned matrices, real and not symmetric.
pub(crate) fn sample(shape: &[usize], seed: usize) -> Array {
    let n: usize = shape.iter().product();
    let data: Vec<f64> = (0..n).map(|i| ((i * 37 + i * i * 11 + seed * 13) % 29) as f64 * 0.0625 - 0.875).collect();
    Array::from_slice(&data, shape)
}
/// For samples: A A^H and three times the unit matrix.
pub(crate) fn positive(x: &Array) -> Array {
    let e = eye(x, x.shape()[x.ndim() - 2], x.shape()[x.ndim() - 2]);
    add(&mm(x, &mh(x)), &mul(&e, &lit(&e, 3.0)))
}
