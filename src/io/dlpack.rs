//! DLPack: arrays lent to libraries of other languages, and taken from them, within one process.
//!
//! A [`Tensor`] owns what was lent and gives it back when it is dropped. [`Tensor::into_versioned`] and [`Tensor::into_unversioned`] make the pointer that the other library
//! takes (in Python: what a capsule holds); its own pointers come in by [`Tensor::from_versioned`] and [`Tensor::from_unversioned`], which are unsafe, because nobody can check
//! a pointer. [`import`] copies the elements; [`import_owned`] keeps the loan and reads them where they are.
//!
//! ```
//! use cotangent::{io::dlpack, prelude::*};
//! let lent = dlpack::export(&array![1., 2.])?;
//! assert_eq!(dlpack::import(&lent)?.to_string(), "[1. 2.]");
//! # Ok::<(), Error>(())
//! ```

use super::*;
use cotangent_cpu::dlpack::{COPIED, READ_ONLY};
pub use cotangent_cpu::dlpack::{
    DLDataType, DLDevice, DLManagedTensor, DLManagedTensorVersioned, DLPackVersion, DLTensor, Tensor,
};

/// Lends an array, in the structure of version 1.0. Without a copy, unless it is a scalar or its elements are no more than eight bytes: the borrower reads the array's own memory, and is told not to write.
///
/// An array that has no value yet, or elements that DLPack does not have, are errors.
///
/// ```
/// use cotangent::{io::dlpack, prelude::*};
/// let lent = dlpack::export(&array![1., 2.])?;
/// assert_eq!(dlpack::import(&lent)?.to_string(), "[1. 2.]");
/// # Ok::<(), Error>(())
/// ```
pub fn export(x: &Array) -> Result<Tensor> {
    let x = concrete(x, "the array to export")?;
    let (dt, shape) = (x.dtype().dt(), x.shape());
    Ok(match x.buffer() {
        Some(_) => Tensor::lend(dt, shape, READ_ONLY, x.clone(), |x| x.buffer().map_or(&[], |b| b.as_bytes())),
        None => Tensor::lend(dt, shape, COPIED, with_bytes(x, Buffer::from_bytes), Buffer::as_bytes),
    })
}
/// Lends a copy of an array, in the older structure without a version. That one cannot say that nobody may write.
///
/// ```
/// use cotangent::{io::dlpack, prelude::*};
/// let lent = dlpack::export_unversioned(&array![1., 2.])?;
/// assert_eq!(dlpack::import(&lent)?.to_string(), "[1. 2.]");
/// # Ok::<(), Error>(())
/// ```
pub fn export_unversioned(x: &Array) -> Result<Tensor> {
    let x = concrete(x, "the array to export")?;
    Ok(Tensor::lend_unversioned(x.dtype().dt(), x.shape(), with_bytes(x, Buffer::from_bytes)))
}
/// An array of the elements that somebody lent, of which it is a copy: the loan may then be given back. Elements in any order of strides are taken.
///
/// Elements on another device, of a type that there is not here, or in a structure of another version are errors.
///
/// ```
/// use cotangent::{io::dlpack, prelude::*};
/// let x = dlpack::import(&dlpack::export(&array![[1, 2], [3, 4]])?)?;
/// assert_eq!(x.to_string(), "[[1 2]\n [3 4]]");
/// # Ok::<(), Error>(())
/// ```
pub fn import(tensor: &Tensor) -> Result<Array> {
    let (dt, shape, buffer) = tensor.read().map_err(refused)?;
    Ok(finished(dtype(dt), &shape, buffer))
}
/// An array of the elements that somebody lent, where they are: it keeps the loan, which is given back when the last handle to the elements is dropped, on whatever thread that is.
///
/// Elements that do not lie row by row, or are not aligned to eight bytes, are copied as by [`import`], and so are a scalar and truth values with other bytes than 0 and 1; then the loan is given
/// back at once, as it is after an error. Whether elements were copied can be seen by their address ([`Array::with_slice`]).
///
/// As long as there is the array, nobody may write to the memory: that is what whoever made the tensor has promised ([`Tensor::from_versioned`]). Here nobody does: operations that reuse the memory of an
/// argument that they own take memory of their own instead.
///
/// ```
/// use cotangent::{io::dlpack, prelude::*};
/// let x = array![1., 2., 3.];
/// let y = dlpack::import_owned(dlpack::export(&x)?)?;
/// assert!(x.with_slice(|x: &[f32]| y.with_slice(|y: &[f32]| x.as_ptr() == y.as_ptr())));
/// assert_eq!((y * 2.0).to_string(), "[2. 4. 6.]");
/// # Ok::<(), Error>(())
/// ```
pub fn import_owned(tensor: Tensor) -> Result<Array> {
    let (dt, shape, elements) = tensor.take().map_err(refused)?;
    let dtype = dtype(dt);
    Ok(match elements {
        Ok(lent) if shape.is_empty() || dtype == DType::Bool && lent.buffer().as_bytes().iter().any(|b| *b > 1) => {
            finished(dtype, &shape, lent.buffer().clone())
        }
        Ok(lent) => Array::from_lent(Aval::new(dtype, &shape), lent),
        Err(copy) => finished(dtype, &shape, copy),
    })
}
fn refused(why: String) -> Error {
    wrong(format!("dlpack: {why}"))
}
/// The type of arrays with such elements.
fn dtype(dt: cotangent_cpu::Dt) -> DType {
    let of = |t: &DType| *t != DType::Float0 && *t != DType::Key && t.dt() == dt;
    DType::ALL.into_iter().find(of).expect("every type of the engine is one of arrays")
}
