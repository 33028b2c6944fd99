//! DLPack: arrays that libraries of other languages lend each other, as C structures with a function that gives them back (versions 1.0, and the older one without a
//! version). This is its only unsafe room: outside, a [`Tensor`] is an owner like any other.
//!
//! Names and layout are those of the header `dlpack.h`; devices are the processor's memory only.

use crate::buffer::Buffer;
use crate::dt::Dt;
use crate::lent::Lent;
use std::ffi::c_void;
use std::ptr::NonNull;

/// Where the elements are.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLDevice {
    /// 1 is the memory of the processor.
    pub device_type: i32,
    /// Which of several.
    pub device_id: i32,
}
/// What the elements are.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLDataType {
    /// 0 integers, 1 unsigned integers, 2 floats, 4 bfloat, 5 complex numbers, 6 truth values.
    pub code: u8,
    /// Bits of one element.
    pub bits: u8,
    /// Elements in one: 1.
    pub lanes: u16,
}
/// The array.
#[repr(C)]
#[derive(Debug)]
pub struct DLTensor {
    /// The memory.
    pub data: *mut c_void,
    /// Where it is.
    pub device: DLDevice,
    /// How many dimensions.
    pub ndim: i32,
    /// The type of the elements.
    pub dtype: DLDataType,
    /// As many extents.
    pub shape: *mut i64,
    /// As many distances, in elements; null for those of rows.
    pub strides: *mut i64,
    /// Where in the memory the first element is.
    pub byte_offset: u64,
}
/// An array and who gives it back, in the form without a version.
#[repr(C)]
#[derive(Debug)]
pub struct DLManagedTensor {
    /// The array.
    pub dl_tensor: DLTensor,
    /// The lender's own.
    pub manager_ctx: *mut c_void,
    /// Called once, when the array is not needed any more.
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensor)>,
}
/// The version of the structure.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DLPackVersion {
    /// Another one has another layout.
    pub major: u32,
    /// A greater one has more meanings of the same layout.
    pub minor: u32,
}
/// An array and who gives it back, since version 1.0.
#[repr(C)]
#[derive(Debug)]
pub struct DLManagedTensorVersioned {
    /// The version.
    pub version: DLPackVersion,
    /// The lender's own.
    pub manager_ctx: *mut c_void,
    /// Called once, when the array is not needed any more.
    pub deleter: Option<unsafe extern "C" fn(*mut DLManagedTensorVersioned)>,
    /// Bit 0: read only. Bit 1: a copy that nobody else has.
    pub flags: u64,
    /// The array.
    pub dl_tensor: DLTensor,
}

const CPU: i32 = 1;
/// Nobody may write.
pub const READ_ONLY: u64 = 1;
/// Nobody else has it.
pub const COPIED: u64 = 2;

/// Types with their codes; the bits are those of an element.
const CODES: [(Dt, u8); 15] = [
    (Dt::Bool, 6),
    (Dt::I8, 0),
    (Dt::I16, 0),
    (Dt::I32, 0),
    (Dt::I64, 0),
    (Dt::U8, 1),
    (Dt::U16, 1),
    (Dt::U32, 1),
    (Dt::U64, 1),
    (Dt::F16, 2),
    (Dt::Bf16, 4),
    (Dt::F32, 2),
    (Dt::F64, 2),
    (Dt::C64, 5),
    (Dt::C128, 5),
];

/// Which of the two structures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Raw {
    Versioned(NonNull<DLManagedTensorVersioned>),
    Unversioned(NonNull<DLManagedTensor>),
}

/// An array that somebody lends: given back when it is dropped.
#[derive(Debug)]
pub struct Tensor(Raw);

// SAFETY: whoever makes a tensor from a pointer promises that it may be used and given back on any thread; those made here own a `T: Send + Sync`.
unsafe impl Send for Tensor {}
// SAFETY: as above; by a shared reference the array is only read.
unsafe impl Sync for Tensor {}

/// What a structure says.
struct Seen<'a> {
    dt: Dt,
    shape: Vec<usize>,
    /// Distances in elements, unless they are those of rows.
    strides: Option<&'a [i64]>,
    /// Of all elements.
    bytes: usize,
    /// The first of them, if there are some.
    first: *const u8,
}

/// What a lent array of ours keeps: the owner of the bytes, and what the structure points to.
struct Kept<T, S> {
    owner: T,
    shape: Vec<i64>,
    strides: Vec<i64>,
    structure: S,
}

impl Tensor {
    /// Lends the bytes that `bytes` finds in `owner`: elements of type `dt`, row by row. `owner` is dropped when the borrower gives the array back. `flags` say whether the borrower may write:
    /// [`READ_ONLY`], or [`COPIED`].
    ///
    /// # Panics
    /// If there are not as many bytes as the shape and the type say.
    pub fn lend<T: Send + Sync + 'static>(
        dt: Dt,
        shape: &[usize],
        flags: u64,
        owner: T,
        bytes: fn(&T) -> &[u8],
    ) -> Tensor {
        unsafe extern "C" fn give_back<T>(t: *mut DLManagedTensorVersioned) {
            // SAFETY: the pointer is the one that was lent, whose context is the box that `kept` made; it is given back once.
            drop(unsafe { Box::from_raw((*t).manager_ctx.cast::<Kept<T, DLManagedTensorVersioned>>()) })
        }
        let empty = |dl_tensor| DLManagedTensorVersioned {
            version: DLPackVersion { major: 1, minor: 0 },
            manager_ctx: std::ptr::null_mut(),
            deleter: Some(give_back::<T>),
            flags,
            dl_tensor,
        };
        let kept = kept(dt, shape, owner, bytes, empty, |s| &mut s.dl_tensor);
        // SAFETY: `kept` is from `Box::into_raw` just now, and nobody else has it.
        let structure = unsafe {
            (*kept).structure.manager_ctx = kept.cast();
            NonNull::new_unchecked(&raw mut (*kept).structure)
        };
        Tensor(Raw::Versioned(structure))
    }
    /// The same in the structure without a version, for older libraries. It has no place to say that nobody may write, so the borrower may: the bytes belong to `owner` alone.
    ///
    /// # Panics
    /// If there are not as many bytes as the shape and the type say.
    pub fn lend_unversioned(dt: Dt, shape: &[usize], owner: Buffer) -> Tensor {
        type Mine = Kept<Buffer, DLManagedTensor>;
        unsafe extern "C" fn give_back(t: *mut DLManagedTensor) {
            // SAFETY: as in `lend`.
            drop(unsafe { Box::from_raw((*t).manager_ctx.cast::<Mine>()) })
        }
        let empty =
            |dl_tensor| DLManagedTensor { dl_tensor, manager_ctx: std::ptr::null_mut(), deleter: Some(give_back) };
        let kept: *mut Mine = kept(dt, shape, owner, Buffer::as_bytes, empty, |s| &mut s.dl_tensor);
        // SAFETY: as in `lend`.
        let structure = unsafe {
            (*kept).structure.manager_ctx = kept.cast();
            NonNull::new_unchecked(&raw mut (*kept).structure)
        };
        Tensor(Raw::Unversioned(structure))
    }
    /// Takes over what another library lent.
    ///
    /// # Safety
    /// The pointer is to a structure as `dlpack.h` describes it, whose memory holds every element that shape and strides say, and which may be read and given back on any thread. It is given back by
    /// this tensor, and by nobody else. **Until then nobody writes to the memory**, the lender included: an array that is made of it without a copy keeps the tensor as long as there is a handle to it,
    /// and arrays never change.
    pub unsafe fn from_versioned(t: NonNull<DLManagedTensorVersioned>) -> Tensor {
        Tensor(Raw::Versioned(t))
    }
    /// The same for the structure without a version.
    ///
    /// # Safety
    /// As for [`Tensor::from_versioned`].
    pub unsafe fn from_unversioned(t: NonNull<DLManagedTensor>) -> Tensor {
        Tensor(Raw::Unversioned(t))
    }
    /// The pointer to hand to another library, which calls its `deleter` once. `None`, with the tensor given back, if it has no version.
    pub fn into_versioned(self) -> Option<NonNull<DLManagedTensorVersioned>> {
        let Raw::Versioned(t) = self.0 else { return None };
        std::mem::forget(self);
        Some(t)
    }
    /// The same for the structure without a version. `None` if it has one.
    pub fn into_unversioned(self) -> Option<NonNull<DLManagedTensor>> {
        let Raw::Unversioned(t) = self.0 else { return None };
        std::mem::forget(self);
        Some(t)
    }

    /// What the structure says, if that can be read here.
    fn see(&self) -> Result<Seen<'_>, String> {
        let t = match self.0 {
            Raw::Versioned(t) => {
                // SAFETY: the version is at the front whatever it says, and the pointer is valid.
                let version = unsafe { (*t.as_ptr()).version };
                if version.major != 1 {
                    return Err(format!("version {}.{} is unknown; this is 1.0", version.major, version.minor));
                }
                // SAFETY: the structure is valid as long as the tensor has it, and of this layout.
                unsafe { &(*t.as_ptr()).dl_tensor }
            }
            // SAFETY: as above.
            Raw::Unversioned(t) => unsafe { &(*t.as_ptr()).dl_tensor },
        };
        if t.device.device_type != CPU {
            let text =
                format!("elements on a device of type {}, not in the processor's memory (1)", t.device.device_type);
            return Err(text);
        }
        let DLDataType { code, bits, lanes } = t.dtype;
        let matches = |(dt, c): &&(Dt, u8)| *c == code && 8 * dt.size() == bits as usize && lanes == 1;
        let (dt, _) = CODES.iter().find(matches).ok_or_else(|| {
            format!("elements of the type with code {code}, {bits} bits and {lanes} lanes, which there is not here")
        })?;
        let rank = usize::try_from(t.ndim).ok().filter(|n| *n <= 64).ok_or_else(|| format!("{} dimensions", t.ndim))?;
        if rank > 0 && t.shape.is_null() {
            return Err("no extents".into());
        }
        // SAFETY: as many extents as there are dimensions; for none the pointer is not used.
        let extents = |p: *const i64| if rank == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(p, rank) } };
        let shape: Option<Vec<usize>> = extents(t.shape).iter().map(|n| usize::try_from(*n).ok()).collect();
        let shape = shape.ok_or_else(|| format!("the shape {:?}", extents(t.shape)))?;
        let large = || format!("an array of shape {shape:?} is larger than memory can be");
        let all = shape.iter().try_fold(dt.size(), |a, n| a.checked_mul((*n).max(1)));
        let all = all.filter(|n| *n <= isize::MAX as usize / 4).ok_or_else(large)?;
        if shape.contains(&0) {
            return Ok(Seen { dt: *dt, shape, strides: None, bytes: 0, first: std::ptr::null() });
        }
        if t.data.is_null() {
            return Err("no memory".into());
        }
        let offset = usize::try_from(t.byte_offset).map_err(|_| large())?;
        // SAFETY: the first element is there.
        let first = unsafe { t.data.cast::<u8>().add(offset) }.cast_const();
        // along a dimension of one element nobody takes a step
        let by_rows = crate::row_major(&shape);
        let strides = (!t.strides.is_null()).then(|| extents(t.strides));
        let strides = strides.filter(|s| (0..rank).any(|d| shape[d] > 1 && s[d] != by_rows[d]));
        Ok(Seen { dt: *dt, shape, strides, bytes: all, first })
    }
    /// A copy of the elements, row by row, with their type and their shape, or why there is none.
    pub fn read(&self) -> Result<(Dt, Vec<usize>, Buffer), String> {
        let Seen { dt, shape, strides, bytes: all, first } = self.see()?;
        if all == 0 {
            return Ok((dt, shape, Buffer::zeroed(0)));
        }
        // elements that lie row by row are copied at once
        let (lines, piece) = if strides.is_none() { (0, all) } else { (shape.len(), dt.size()) };
        let strides = strides.unwrap_or_default();
        let mut out = Buffer::zeroed(all);
        let (mut index, mut at) = (vec![0usize; lines], 0isize);
        for to in out.as_bytes_mut().chunks_exact_mut(piece) {
            // SAFETY: `at` is the place of an element of the array in bytes, or of all of them side by side, and those are in its memory; `to` has as many bytes and is ours.
            unsafe { std::ptr::copy_nonoverlapping(first.offset(at), to.as_mut_ptr(), piece) }
            for d in (0..lines).rev() {
                let step = strides[d].wrapping_mul(dt.size() as i64) as isize;
                index[d] += 1;
                at = at.wrapping_add(step);
                if index[d] < shape[d] {
                    break;
                }
                at = at.wrapping_sub(step.wrapping_mul(shape[d] as isize));
                index[d] = 0;
            }
        }
        Ok((dt, shape, out))
    }
    /// The elements where they lie, with their type and their shape, if they lie row by row and are aligned as the engine's are (to 8 bytes), or as a copy; or why there are none. The tensor is given
    /// back when the memory is not needed any more; after a copy at once.
    pub fn take(self) -> Result<(Dt, Vec<usize>, Result<Lent, Buffer>), String> {
        let Seen { dt, shape, strides, bytes, .. } = self.see()?;
        // SAFETY: elements that lie row by row begin at the first one, and whoever made the tensor promises that they are there, and that nobody writes to them while it lives.
        let dense = |t: &Tensor| match t.see() {
            Ok(s) if s.bytes > 0 => unsafe { std::slice::from_raw_parts(s.first, s.bytes) },
            _ => &[],
        };
        let tensor = if strides.is_none() && bytes > 0 {
            match Lent::new(self, dense) {
                Ok(lent) => return Ok((dt, shape, Ok(lent))),
                Err(tensor) => tensor,
            }
        } else {
            self
        };
        let (dt, shape, copy) = tensor.read()?;
        Ok((dt, shape, Err(copy)))
    }
}
impl Drop for Tensor {
    fn drop(&mut self) {
        // SAFETY: the tensor owns the structure, gives it back here only, and does not look at it afterwards. The deleter has the same place in all versions.
        unsafe {
            match self.0 {
                Raw::Versioned(t) => {
                    if let Some(f) = (*t.as_ptr()).deleter {
                        f(t.as_ptr())
                    }
                }
                Raw::Unversioned(t) => {
                    if let Some(f) = (*t.as_ptr()).deleter {
                        f(t.as_ptr())
                    }
                }
            }
        }
    }
}

/// Puts the owner where it stays, and the structure beside it.
fn kept<T: 'static, S>(
    dt: Dt,
    shape: &[usize],
    owner: T,
    bytes: fn(&T) -> &[u8],
    structure: impl FnOnce(DLTensor) -> S,
    tensor: fn(&mut S) -> &mut DLTensor,
) -> *mut Kept<T, S> {
    let (_, code) = CODES.iter().find(|(t, _)| *t == dt).expect("every type has a code");
    let dtype = DLDataType { code: *code, bits: 8 * dt.size() as u8, lanes: 1 };
    let empty = DLTensor {
        data: std::ptr::null_mut(),
        device: DLDevice { device_type: CPU, device_id: 0 },
        ndim: shape.len() as i32,
        dtype,
        shape: std::ptr::null_mut(),
        strides: std::ptr::null_mut(),
        byte_offset: 0,
    };
    let n: usize = shape.iter().product();
    assert_eq!(bytes(&owner).len(), n * dt.size(), "bytes of an array of shape {shape:?} of {dt:?}");
    let kept = Box::into_raw(Box::new(Kept {
        owner,
        shape: shape.iter().map(|n| *n as i64).collect(),
        strides: crate::row_major(shape).to_vec(),
        structure: structure(empty),
    }));
    // SAFETY: the box is new and ours. Nothing in it moves or is borrowed mutably from here on, so that what its owner lends stays where it is until the owner is dropped.
    unsafe {
        let data = bytes(&(*kept).owner).as_ptr().cast_mut().cast();
        let (shape, strides) = ((*kept).shape.as_mut_ptr(), (*kept).strides.as_mut_ptr());
        let t = tensor(&mut (*kept).structure);
        (t.data, t.shape, t.strides) = (data, shape, strides);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    struct Owner(Buffer, #[allow(dead_code)] Arc<()>);
    fn lent(alive: &Arc<()>) -> Tensor {
        let b = Buffer::from_slice(&[1f32, 2., 3., 4., 5., 6.]);
        Tensor::lend(Dt::F32, &[2, 3], READ_ONLY, Owner(b, alive.clone()), |o| o.0.as_bytes())
    }
    #[test]
    fn lent_and_given_back() {
        let alive = Arc::new(());
        let t = lent(&alive);
        assert_eq!(Arc::strong_count(&alive), 2);
        let (dt, shape, b) = t.read().unwrap();
        assert_eq!((dt, &shape[..], b.as_slice::<f32>()), (Dt::F32, &[2, 3][..], &[1f32, 2., 3., 4., 5., 6.][..]));
        drop(t);
        assert_eq!(Arc::strong_count(&alive), 1);
        // through C, on another thread
        let p = lent(&alive).into_versioned().unwrap();
        // SAFETY: the pointer is the one that was lent.
        let t = unsafe { Tensor::from_versioned(p) };
        std::thread::spawn(move || assert!(t.read().is_ok())).join().unwrap();
        assert_eq!(Arc::strong_count(&alive), 1);
        assert!(lent(&alive).into_unversioned().is_none());
        assert_eq!(Arc::strong_count(&alive), 1);
        let t = Tensor::lend_unversioned(Dt::I64, &[], Buffer::from_slice(&[7i64]));
        // SAFETY: as above.
        let t = unsafe { Tensor::from_unversioned(t.into_unversioned().unwrap()) };
        assert_eq!(t.read().unwrap().2.as_slice::<i64>(), [7]);
    }
    #[test]
    fn taken_where_it_is() {
        let alive = Arc::new(());
        let taken = |change: fn(&mut DLManagedTensorVersioned)| {
            let p = lent(&alive).into_versioned().unwrap();
            // SAFETY: as in the test below.
            let (at, t) = unsafe {
                change(&mut *p.as_ptr());
                ((*p.as_ptr()).dl_tensor.data as usize, Tensor::from_versioned(p))
            };
            let (_, shape, elements) = t.take().unwrap();
            let left = Arc::strong_count(&alive) - 1;
            match elements {
                Ok(l) => {
                    assert_eq!((l.buffer().as_bytes().as_ptr() as usize, left), (at, 1));
                    (true, shape, l.buffer().as_slice::<f32>().to_vec())
                }
                Err(b) => {
                    assert_eq!(left, 0);
                    (false, shape, b.as_slice::<f32>().to_vec())
                }
            }
        };
        let all = vec![1f32, 2., 3., 4., 5., 6.];
        assert_eq!(taken(|_| {}), (true, vec![2, 3], all.clone()));
        assert_eq!(taken(|t| t.dl_tensor.strides = std::ptr::null_mut()), (true, vec![2, 3], all.clone()));
        // nobody takes a step along a dimension of one element
        assert_eq!(taken(|t| layout(&mut t.dl_tensor, [1, 3], [77, 1])), (true, vec![1, 3], all[..3].to_vec()));
        assert_eq!(taken(|t| layout(&mut t.dl_tensor, [3, 1], [1, -9])), (true, vec![3, 1], all[..3].to_vec()));
        assert!(!taken(|t| layout(&mut t.dl_tensor, [3, 2], [1, 3])).0);
        assert_eq!(taken(|t| layout(&mut t.dl_tensor, [2, 2], [3, 1])), (false, vec![2, 2], vec![1., 2., 4., 5.]));
        assert_eq!(taken(|t| layout(&mut t.dl_tensor, [0, 2], [2, 1])), (false, vec![0, 2], vec![]));
        let behind = |t: &mut DLManagedTensorVersioned| {
            t.dl_tensor.byte_offset = 4;
            layout(&mut t.dl_tensor, [1, 2], [2, 1])
        };
        assert_eq!(taken(behind), (false, vec![1, 2], vec![2., 3.]));
        assert_eq!(Arc::strong_count(&alive), 1);
        let p = lent(&alive).into_versioned().unwrap();
        // SAFETY: as above.
        let t = unsafe {
            (*p.as_ptr()).version.major = 7;
            Tensor::from_versioned(p)
        };
        assert!(t.take().err().is_some_and(|e| e.contains("version 7.0")));
        assert_eq!(Arc::strong_count(&alive), 1);
    }
    /// SAFETY: the arrays are those of `lent`, of two extents and six elements, which the changes keep within.
    fn layout(t: &mut DLTensor, shape: [i64; 2], strides: [i64; 2]) {
        unsafe {
            t.shape.cast::<[i64; 2]>().write(shape);
            t.strides.cast::<[i64; 2]>().write(strides)
        }
    }
    #[test]
    fn strides_and_what_is_refused() {
        let alive = Arc::new(());
        let read = |change: fn(&mut DLManagedTensorVersioned)| {
            let p = lent(&alive).into_versioned().unwrap();
            // SAFETY: the structure is ours until it is given back, and the changes keep within its memory.
            let t = unsafe {
                change(&mut *p.as_ptr());
                Tensor::from_versioned(p)
            };
            t.read().map(|(_, shape, b)| (shape, b.as_slice::<f32>().to_vec()))
        };
        assert_eq!(read(|t| layout(&mut t.dl_tensor, [3, 2], [1, 3])), Ok((vec![3, 2], vec![1., 4., 2., 5., 3., 6.])));
        assert_eq!(read(|t| layout(&mut t.dl_tensor, [2, 2], [0, 2])), Ok((vec![2, 2], vec![1., 3., 1., 3.])));
        let backwards = |t: &mut DLManagedTensorVersioned| {
            t.dl_tensor.byte_offset = 20;
            layout(&mut t.dl_tensor, [2, 3], [-3, -1])
        };
        assert_eq!(read(backwards), Ok((vec![2, 3], vec![6., 5., 4., 3., 2., 1.])));
        assert_eq!(read(|t| t.dl_tensor.strides = std::ptr::null_mut()).unwrap().1, [1., 2., 3., 4., 5., 6.]);
        assert_eq!(read(|t| layout(&mut t.dl_tensor, [0, 3], [1, 1])), Ok((vec![0, 3], vec![])));
        let told = |change| read(change).unwrap_err();
        assert!(told(|t| t.version.major = 2).contains("version 2.0"));
        assert!(told(|t| t.dl_tensor.device.device_type = 2).contains("device of type 2"));
        assert!(told(|t| t.dl_tensor.dtype.bits = 24).contains("24 bits"));
        assert!(told(|t| t.dl_tensor.dtype.lanes = 4).contains("4 lanes"));
        assert!(told(|t| t.dl_tensor.ndim = -1).contains("-1 dimensions"));
        assert!(told(|t| t.dl_tensor.data = std::ptr::null_mut()).contains("no memory"));
        assert!(told(|t| layout(&mut t.dl_tensor, [-2, 3], [1, 1])).contains("[-2, 3]"));
        assert!(told(|t| layout(&mut t.dl_tensor, [1 << 40, 1 << 40], [1, 1])).contains("larger than memory"));
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
