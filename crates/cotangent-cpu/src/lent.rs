//! Memory that somebody else made: seen as a [`Buffer`], and given back by dropping its owner.
//!
//! A [`Lent`] lends its buffer by `&` only. So the rules that the engine has for buffers which several handles share are enough: nobody writes to it, it is never given away, and
//! its memory never reaches the lists of free blocks. Buffers themselves know nothing of this.

use crate::buffer::Buffer;
use std::any::Any;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// How lent memory must be aligned: as the widest number, so that it may be read as elements of any type. Nothing in the engine asks for more of an operand.
pub const LEAST: usize = 8;

/// Bytes that belong to somebody else, and their owner.
pub struct Lent {
    /// Never dropped: it owns nothing.
    seen: ManuallyDrop<Buffer>,
    /// From `Box::into_raw`. A box that moves would claim that nobody else looks into it.
    owner: NonNull<dyn Any + Send + Sync>,
}
// SAFETY: the owner may be sent, and the bytes are only read.
unsafe impl Send for Lent {}
// SAFETY: as above; the owner is not looked at before it is dropped.
unsafe impl Sync for Lent {}

impl Lent {
    /// The bytes that `bytes` finds in `owner`, which is dropped with it. The owner comes back if they are not aligned as all elements are.
    pub fn new<T: Send + Sync + 'static>(owner: T, bytes: fn(&T) -> &[u8]) -> Result<Lent, T> {
        let owner = Box::into_raw(Box::new(owner));
        // SAFETY: the box is new; from here on nobody has its contents mutably until they are dropped, so that the bytes stay what they are.
        let (at, len) = unsafe {
            let all = bytes(&*owner);
            (NonNull::from(all).cast::<u8>(), all.len())
        };
        if !at.as_ptr().cast::<u64>().is_aligned() {
            // SAFETY: as it was made.
            return Err(*unsafe { Box::from_raw(owner) });
        }
        // SAFETY: `into_raw` returns no null. The bytes are initialized, and there as long as the owner, which is dropped when the buffer is out of reach.
        let (seen, owner) = unsafe { (Buffer::of_others(at, len), NonNull::new_unchecked(owner as *mut _)) };
        Ok(Lent { seen: ManuallyDrop::new(seen), owner })
    }
    /// The bytes, to read.
    #[inline]
    pub fn buffer(&self) -> &Buffer {
        &self.seen
    }
}
impl Drop for Lent {
    fn drop(&mut self) {
        // SAFETY: it is from `Box::into_raw`, is dropped here only, and nobody borrows the bytes any more.
        drop(unsafe { Box::from_raw(self.owner.as_ptr()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::bytes_of;
    use std::sync::Arc;

    struct Owner(Vec<u64>, usize, #[allow(dead_code)] Arc<()>);
    fn some(from: usize, alive: &Arc<()>) -> Result<Lent, Owner> {
        Lent::new(Owner((0..10).collect(), from, alive.clone()), |o| &bytes_of(&o.0)[o.1..])
    }

    #[test]
    fn memory_stays_where_it_is_until_its_owner_is_dropped() {
        let alive = Arc::new(());
        let lent = some(16, &alive).ok().expect("aligned");
        let at = lent.buffer().as_bytes().as_ptr();
        let moved = Box::new(lent);
        assert_eq!(moved.buffer().as_slice::<u64>(), [2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(moved.buffer().as_bytes().as_ptr(), at);
        // a copy is a buffer like any other
        let mut copy = moved.buffer().clone();
        copy.as_mut_slice::<u64>()[0] = 7;
        assert_eq!(moved.buffer().as_slice::<u64>()[0], 2);
        assert_eq!(Arc::strong_count(&alive), 2);
        std::thread::spawn(move || drop(moved)).join().unwrap();
        assert_eq!((Arc::strong_count(&alive), copy.as_slice::<u64>()[0]), (1, 7));
    }
    #[test]
    fn the_owner_comes_back_if_its_memory_is_not_aligned() {
        let alive = Arc::new(());
        for from in [1, 4, 7] {
            let owner = some(from, &alive).err().expect("not aligned");
            assert_eq!((owner.0.len(), Arc::strong_count(&alive)), (10, 2));
        }
        assert!(some(80, &alive).is_ok_and(|l| l.buffer().is_empty()));
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}
