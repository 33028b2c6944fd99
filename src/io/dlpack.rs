//! DLPack: arrays lent to libraries of other languages, and taken from them, within one process.
//!
//! A [`Tensor`] owns what was lent and gives it back when it is dropped. [`Tensor::into_versioned`] and [`Tensor::into_unversioned`] make the pointer that the other library
//! takes (in Python: what a capsule holds); its own pointers come in by [`Tensor::from_versioned`] and [`Tensor::from_unversioned`], which are unsafe, because nobody can check
//! a pointer.
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
/// An array of the elements that somebody lent, of which it is a copy: an array here never changes, and lies where the engine wants it. Elements in any order of strides are taken.
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
    let (dt, shape, buffer) = tensor.read().map_err(|why| wrong(format!("dlpack: {why}")))?;
    let of = |t: &DType| *t != DType::Float0 && *t != DType::Key && t.dt() == dt;
    let dtype = DType::ALL.into_iter().find(of).expect("every type of the engine is one of arrays");
    Ok(finished(dtype, &shape, buffer))
}
