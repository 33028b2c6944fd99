//! Shared values whose memory is reused.
//!
//! An eager gradient makes and drops some ten small shared values for each operation, all at once and of few sizes. A thread keeps
//! the freed blocks of each size on a list of its own, so that the next value of that size costs a handful of instructions; the
//! general allocator leaves its fast path as soon as more than a few blocks come back together.

use crate::buffer::List;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// Sizes of blocks are multiples of this, which is also their alignment.
const STEP: usize = 16;
/// Number of lists: larger values are not kept.
const CLASSES: usize = 17;
/// How many blocks of a size a thread keeps.
const KEPT: usize = 4096;

/// A value with any number of owners, as [`std::sync::Arc`] without weak references. Its memory is reused by the thread that drops
/// the last owner.
pub struct Pooled<T> {
    ptr: NonNull<Inner<T>>,
    _owns: PhantomData<Inner<T>>,
}
struct Inner<T> {
    owners: AtomicUsize,
    value: T,
}

// SAFETY: as for `Arc`: owners on several threads share the value, and the last one may drop it on any of them.
unsafe impl<T: Send + Sync> Send for Pooled<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Pooled<T> {}

impl<T> Pooled<T> {
    const LAYOUT: Layout = {
        let layout = Layout::new::<Inner<T>>();
        assert!(layout.align() <= STEP, "a pooled value is not aligned more than a block");
        match Layout::from_size_align(layout.size().next_multiple_of(STEP), STEP) {
            Ok(layout) => layout,
            Err(_) => panic!("a value larger than the address space"),
        }
    };

    /// A value with one owner.
    #[inline]
    pub fn new(value: T) -> Pooled<T> {
        let ptr = take(Self::LAYOUT).cast::<Inner<T>>();
        // SAFETY: the block is new, and has the size and at least the alignment of the value.
        unsafe { ptr.write(Inner { owners: AtomicUsize::new(1), value }) };
        Pooled { ptr, _owns: PhantomData }
    }
    /// Where the value lies: its identity.
    #[inline]
    pub fn as_ptr(this: &Pooled<T>) -> *const T {
        &raw const this.inner().value
    }
    /// How many owners the value has. Other threads may change it at any time.
    #[inline]
    pub fn owners(this: &Pooled<T>) -> usize {
        this.inner().owners.load(Ordering::Acquire)
    }
    /// The value to write, if it has no other owner.
    #[inline]
    pub fn get_mut(this: &mut Pooled<T>) -> Option<&mut T> {
        // what former owners did with the value happens before
        if this.inner().owners.load(Ordering::Acquire) != 1 {
            return None;
        }
        // SAFETY: there is one owner, and it is borrowed exclusively: nobody else can make another.
        Some(unsafe { &mut this.ptr.as_mut().value })
    }
    #[inline]
    fn inner(&self) -> &Inner<T> {
        // SAFETY: the value lives as long as it has an owner.
        unsafe { self.ptr.as_ref() }
    }
    /// The last owner is gone.
    #[inline(never)]
    fn end(&mut self) {
        // SAFETY: nobody else can reach the value any more. If its destructor panics the block is lost, and no more.
        unsafe {
            self.ptr.drop_in_place();
            give(self.ptr.cast(), Self::LAYOUT);
        }
    }
}

impl<T> Deref for Pooled<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner().value
    }
}
impl<T> Clone for Pooled<T> {
    #[inline]
    fn clone(&self) -> Pooled<T> {
        let owners = self.inner().owners.fetch_add(1, Ordering::Relaxed);
        if owners > isize::MAX as usize {
            // only forgetting owners by the billions leads here, and then the count could wrap
            std::process::abort()
        }
        Pooled { ptr: self.ptr, _owns: PhantomData }
    }
}
impl<T> Drop for Pooled<T> {
    #[inline]
    fn drop(&mut self) {
        if self.inner().owners.fetch_sub(1, Ordering::Release) == 1 {
            // what other owners did with the value happens before its end
            fence(Ordering::Acquire);
            self.end()
        }
    }
}
impl<T: fmt::Debug> fmt::Debug for Pooled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

// ---- the blocks ------------------------------------------------------------------------------------------------------------

/// Free blocks of each size, and how many more may be kept.
struct Local([(List, usize); CLASSES]);
impl Local {
    const EMPTY: Local = Local([const { (List::EMPTY, KEPT) }; CLASSES]);
}
impl Drop for Local {
    fn drop(&mut self) {
        for (class, (list, _)) in self.0.iter_mut().enumerate() {
            while let Some(block) = list.pop() {
                let layout = Layout::from_size_align(class * STEP, STEP).expect("the layout of a block");
                // SAFETY: what is on the list of a class was allocated with its layout.
                unsafe { dealloc(block.as_ptr(), layout) };
            }
        }
    }
}
thread_local! {
    static LOCAL: UnsafeCell<Local> = const { UnsafeCell::new(Local::EMPTY) };
}

/// A block of this layout, whose size is a multiple of [`STEP`].
#[inline(always)]
fn take(layout: Layout) -> NonNull<u8> {
    let class = layout.size() / STEP;
    if class < CLASSES {
        let found = LOCAL.try_with(|local| {
            // SAFETY: the cell belongs to this thread and no reference to it outlives this closure, which calls nothing.
            let (list, room) = unsafe { &mut (&mut (*local.get()).0)[class] };
            let block = list.pop()?;
            *room += 1;
            Some(block)
        });
        if let Ok(Some(block)) = found {
            return block;
        }
    }
    fresh(layout)
}
#[cold]
#[inline(never)]
fn fresh(layout: Layout) -> NonNull<u8> {
    // SAFETY: a value and its count are not empty.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

/// # Safety
/// `block` is from [`take`] of the same layout and is not used again.
#[inline(always)]
unsafe fn give(block: NonNull<u8>, layout: Layout) {
    let class = layout.size() / STEP;
    if class < CLASSES {
        let kept = LOCAL.try_with(|local| {
            // SAFETY: as in `take`.
            let (list, room) = unsafe { &mut (&mut (*local.get()).0)[class] };
            if *room == 0 {
                return false;
            }
            *room -= 1;
            // SAFETY: the block is free and at least a word large.
            unsafe { list.push(block) };
            true
        });
        if kept == Ok(true) {
            return;
        }
    }
    // SAFETY: the caller's.
    unsafe { dealloc(block.as_ptr(), layout) }
}

/// Returns what this thread keeps to the system.
pub(crate) fn trim() {
    let _ = LOCAL.try_with(|local| {
        // SAFETY: as in `take`; dropping calls only the allocator.
        unsafe { *local.get() = Local::EMPTY };
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_value_lives_as_long_as_its_owners() {
        let token = Arc::new(());
        let a = Pooled::new((token.clone(), 7));
        let mut b = a.clone();
        assert_eq!(Pooled::owners(&a), 2);
        assert!(Pooled::get_mut(&mut b).is_none());
        assert!(std::ptr::eq(Pooled::as_ptr(&a), Pooled::as_ptr(&b)));
        drop(a);
        assert_eq!(Pooled::get_mut(&mut b).map(|v| v.1), Some(7));
        assert_eq!((b.1, Arc::strong_count(&token)), (7, 2));
        drop(b);
        assert_eq!(Arc::strong_count(&token), 1);
    }

    #[test]
    fn memory_is_used_again() {
        let first = Pooled::new([1u64; 5]);
        let place = Pooled::as_ptr(&first);
        drop(first);
        let second = Pooled::new([2u64; 5]);
        assert_eq!((Pooled::as_ptr(&second), second[4]), (place, 2));
    }

    #[test]
    fn values_of_any_size() {
        let (small, large) = (Pooled::new(3u8), Pooled::new([5u64; 1000]));
        assert_eq!((*small, large[999]), (3, 5));
        drop((small, large));
        assert_eq!(*Pooled::new(()), ());
    }

    #[test]
    fn the_last_owner_may_be_on_another_thread() {
        let token = Arc::new(());
        let shared: Vec<_> = (0..3 * KEPT).map(|i| Pooled::new((token.clone(), i))).collect();
        let sum = std::thread::scope(|s| {
            let workers: Vec<_> = (0..4)
                .map(|_| {
                    let mine = shared.clone();
                    s.spawn(move || mine.iter().map(|p| p.1).sum::<usize>())
                })
                .collect();
            drop(shared);
            workers.into_iter().map(|w| w.join().unwrap()).sum::<usize>()
        });
        let n = 3 * KEPT;
        assert_eq!((sum, Arc::strong_count(&token)), (4 * n * (n - 1) / 2, 1));
    }

    #[test]
    fn a_panic_in_a_destructor_ends_the_value() {
        struct Bad;
        impl Drop for Bad {
            fn drop(&mut self) {
                panic!("on purpose")
            }
        }
        let bad = Pooled::new(Bad);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(bad))).is_err());
        assert_eq!(*Pooled::new(1), 1);
    }
}
