//! Owned, aligned memory that is reused.
//!
//! A [`Buffer`] is a number of bytes, aligned to 64 (from 4 MiB on: to 2 MiB, on huge pages where the system has them, as many as it fills). Its capacity
//! comes from a size class, four to each power of two, so that a freed block fits the next request of about its size. Blocks of up
//! to 1 MiB go to lists of the thread that frees them, larger ones to lists of the process. Both are bounded: a thread keeps at most
//! 16 MiB, and the process keeps at most as much as brings its total to twice the recent peak of what was in use.

use num_complex::Complex;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::UnsafeCell;
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard};

/// Least alignment of a buffer.
pub const ALIGN: usize = 64;
/// The largest block that a thread keeps on its own lists.
const LOCAL_MAX: usize = 1 << 20;
/// What a thread keeps on its own lists altogether, in bytes; more goes to the lists of the process.
const LOCAL_CAP: usize = 16 << 20;
/// Blocks of this size and more lie on huge pages, but for what does not fill one: that takes no more memory than it needs.
const HUGE: usize = 4 << 20;
const HUGE_ALIGN: usize = 2 << 20;
/// The process may keep this much whatever the peak was.
const SHARED_FLOOR: usize = 32 << 20;
/// Calls to the shared lists after which an old peak is forgotten.
const WINDOW: u32 = 256;
const LOCAL_CLASSES: usize = class_of(LOCAL_MAX) + 1;
const CLASSES: usize = class_of(1 << 62) + 1;

/// The size class of a request: class 0 is 64 bytes, then four classes to a power of two.
const fn class_of(len: usize) -> usize {
    if len <= 64 {
        return 0;
    }
    let e = 63 - (len - 1).leading_zeros() as usize;
    (e - 6) * 4 + ((len - 1 - (1 << e)) >> (e - 2)) + 1
}
/// Bytes of a block of this class.
const fn capacity(class: usize) -> usize {
    if class == 0 {
        return 64;
    }
    let (e, step) = ((class - 1) / 4 + 6, (class - 1) % 4);
    (1 << e) + ((step + 1) << (e - 2))
}

fn layout(class: usize) -> Layout {
    let size = capacity(class);
    let align = if size >= HUGE { HUGE_ALIGN } else { ALIGN };
    Layout::from_size_align(size, align).expect("a buffer larger than the address space")
}

/// A new block of the class of so many bytes.
#[cold]
fn system_alloc(bytes: usize) -> NonNull<u8> {
    let class = class_of(bytes);
    let layout = layout(class);
    // SAFETY: no class has size zero.
    let ptr = unsafe { alloc(layout) };
    let Some(ptr) = NonNull::new(ptr) else { handle_alloc_error(layout) };
    #[cfg(target_os = "linux")]
    if layout.size() >= HUGE {
        // SAFETY: the range is ours; the advice changes no contents, and its failure costs only speed.
        unsafe { libc::madvise(ptr.as_ptr().cast(), bytes / HUGE_ALIGN * HUGE_ALIGN, libc::MADV_HUGEPAGE) };
    }
    ptr
}

/// # Safety
/// `ptr` is from [`system_alloc`] for this class and is not used again.
unsafe fn system_free(ptr: NonNull<u8>, class: usize) {
    // SAFETY: as above.
    unsafe { dealloc(ptr.as_ptr(), layout(class)) }
}

/// Free blocks of one class, linked through their first word.
pub(crate) struct List(*mut u8);
impl List {
    pub(crate) const EMPTY: List = List(std::ptr::null_mut());
    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<NonNull<u8>> {
        let head = NonNull::new(self.0)?;
        // SAFETY: a listed block is at least a word large, aligned, and its first word is the link.
        self.0 = unsafe { *head.as_ptr().cast::<*mut u8>() };
        Some(head)
    }
    /// # Safety
    /// The block is free and at least a word large.
    #[inline(always)]
    pub(crate) unsafe fn push(&mut self, block: NonNull<u8>) {
        // SAFETY: as above.
        unsafe { *block.as_ptr().cast::<*mut u8>() = self.0 };
        self.0 = block.as_ptr();
    }
}

struct Local {
    lists: [List; LOCAL_CLASSES],
    held: usize,
}
impl Drop for Local {
    fn drop(&mut self) {
        for class in 0..LOCAL_CLASSES {
            while let Some(block) = self.lists[class].pop() {
                // SAFETY: blocks on the list of a class are free blocks of that class.
                unsafe { system_free(block, class) };
            }
        }
    }
}

thread_local! {
    static LOCAL: UnsafeCell<Local> =
        const { UnsafeCell::new(Local { lists: [const { List::EMPTY }; LOCAL_CLASSES], held: 0 }) };
}

struct Shared {
    lists: [List; CLASSES],
    held: usize,
    /// Bytes in use by buffers larger than [`LOCAL_MAX`].
    live: usize,
    /// Peaks of `live` in the present window and the one before.
    peak: [usize; 2],
    calls: u32,
    /// Requests so far, and at which one a block of each class was asked for last.
    clock: u64,
    asked: [u64; CLASSES],
}
// SAFETY: the lists own their blocks; nothing in them belongs to a thread.
unsafe impl Send for Shared {}
static SHARED: Mutex<Shared> = Mutex::new(Shared::EMPTY);

fn shared() -> MutexGuard<'static, Shared> {
    // Nothing panics while the lock is held, but a poisoned list would still be a sound one.
    SHARED.lock().unwrap_or_else(|e| e.into_inner())
}
impl Shared {
    const EMPTY: Shared = Shared {
        lists: [const { List::EMPTY }; CLASSES],
        held: 0,
        live: 0,
        peak: [0; 2],
        calls: 0,
        clock: 0,
        asked: [0; CLASSES],
    };
    fn tick(&mut self) {
        self.calls += 1;
        if self.calls == WINDOW {
            self.calls = 0;
            self.peak = [self.live, self.peak[0]];
        }
    }
    fn take(&mut self, class: usize) -> Option<NonNull<u8>> {
        let size = capacity(class);
        self.clock += 1;
        self.asked[class] = self.clock;
        if size > LOCAL_MAX {
            self.live += size;
            self.peak[0] = self.peak[0].max(self.live);
            self.tick();
        }
        let block = self.lists[class].pop();
        if block.is_some() {
            self.held -= size;
        }
        block
    }
    /// # Safety
    /// A free block of this class.
    unsafe fn give(&mut self, block: NonNull<u8>, class: usize) {
        let size = capacity(class);
        if size > LOCAL_MAX {
            self.live -= size;
        }
        // SAFETY: as above.
        unsafe { self.lists[class].push(block) };
        self.held += size;
        let limit = (2 * self.peak[0].max(self.peak[1])).max(SHARED_FLOOR);
        if self.live + self.held > limit {
            self.shrink(limit.saturating_sub(self.live));
        }
    }
    /// Returns blocks to the system, those first that nobody has asked for the longest time, until at most `keep` bytes are held: a program that does something else than
    /// before would else get its memory anew each time, beside blocks that it has no use for.
    #[cold]
    fn shrink(&mut self, keep: usize) {
        while self.held > keep {
            let listed = (0..CLASSES).filter(|c| !self.lists[*c].0.is_null());
            let Some(class) = listed.min_by_key(|c| self.asked[*c]) else { break };
            while self.held > keep {
                let Some(block) = self.lists[class].pop() else { break };
                self.held -= capacity(class);
                // SAFETY: a free block of this class.
                unsafe { system_free(block, class) };
            }
        }
    }
}

#[inline]
fn allocate(bytes: usize) -> NonNull<u8> {
    let class = class_of(bytes);
    if class < LOCAL_CLASSES {
        let found = LOCAL.try_with(|local| {
            // SAFETY: the cell belongs to this thread and no reference to it outlives this closure, which calls nothing.
            let local = unsafe { &mut *local.get() };
            let block = local.lists[class].pop()?;
            local.held -= capacity(class);
            Some(block)
        });
        if let Ok(Some(block)) = found {
            return block;
        }
        // Blocks reach the shared lists only when a thread has too many, so a small request does not ask for the lock.
        if capacity(class) < 1 << 16 {
            return system_alloc(bytes);
        }
    }
    allocate_shared(bytes)
}
#[cold]
fn allocate_shared(bytes: usize) -> NonNull<u8> {
    let block = shared().take(class_of(bytes));
    block.unwrap_or_else(|| system_alloc(bytes))
}

/// # Safety
/// `ptr` is from [`allocate`] for this class and is not used again.
#[inline]
unsafe fn release(ptr: NonNull<u8>, class: usize) {
    if class < LOCAL_CLASSES {
        let kept = LOCAL.try_with(|local| {
            // SAFETY: as in `allocate`.
            let local = unsafe { &mut *local.get() };
            if local.held + capacity(class) > LOCAL_CAP {
                return false;
            }
            local.held += capacity(class);
            // SAFETY: the block is free.
            unsafe { local.lists[class].push(ptr) };
            true
        });
        if kept == Ok(true) {
            return;
        }
    }
    // SAFETY: the block is free and of this class.
    unsafe { release_shared(ptr, class) }
}
/// # Safety
/// As for [`release`].
#[cold]
unsafe fn release_shared(ptr: NonNull<u8>, class: usize) {
    if capacity(class) < 1 << 16 {
        // SAFETY: as above. Small blocks are never looked for on the shared lists.
        unsafe { system_free(ptr, class) }
    } else {
        // SAFETY: as above.
        unsafe { shared().give(ptr, class) }
    }
}

/// Returns what this thread and the process keep for reuse to the system.
pub fn trim() {
    let _ = LOCAL.try_with(|local| {
        // SAFETY: as in `allocate`; dropping calls only the allocator.
        let local = unsafe { &mut *local.get() };
        *local = Local { lists: [const { List::EMPTY }; LOCAL_CLASSES], held: 0 };
    });
    crate::pooled::trim();
    shared().shrink(0);
}

/// Bytes kept for reuse by this thread and by the process.
pub fn held() -> (usize, usize) {
    // SAFETY: as in `allocate`.
    let local = LOCAL.try_with(|local| unsafe { (*local.get()).held });
    (local.unwrap_or(0), shared().held)
}

/// What a thread's buffers take, for tests.
#[cfg(test)]
pub(crate) mod count {
    use std::cell::Cell;
    thread_local! {
        /// Bytes of the buffers that live, of those made here less those dropped here, and the most that they were.
        static LIVE: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
    }
    pub fn taken(bytes: usize) {
        let (live, most) = LIVE.get();
        let live = live + bytes as isize;
        LIVE.set((live, most.max(live)))
    }
    pub fn given(bytes: usize) {
        let (live, most) = LIVE.get();
        LIVE.set((live - bytes as isize, most))
    }
    /// How much more is live at one time while `f` runs than before it, and what it returns.
    pub fn peak<R>(f: impl FnOnce() -> R) -> (usize, R) {
        let (live, _) = LIVE.get();
        LIVE.set((live, live));
        let r = f();
        ((LIVE.get().1 - live) as usize, r)
    }
}

#[cfg(all(test, target_os = "linux"))]
pub(crate) mod guard;

/// Owned bytes.
pub struct Buffer {
    ptr: NonNull<u8>,
    len: usize,
}
// SAFETY: a buffer owns its memory, and only `&mut` writes to it.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if self.len != 0 {
            #[cfg(test)]
            count::given(self.len);
            #[cfg(all(test, target_os = "linux"))]
            if guard::give(self.ptr, self.len) {
                return;
            }
            // SAFETY: a buffer that is not empty owns a block of the class of its length.
            unsafe { release(self.ptr, class_of(self.len)) }
        }
    }
}

impl Buffer {
    /// Memory of unknown contents. The caller writes every byte before safe code can see the buffer.
    #[inline]
    pub(crate) fn uninit(bytes: usize) -> Buffer {
        if bytes == 0 {
            return Buffer { ptr: NonNull::new(ALIGN as *mut u8).unwrap(), len: 0 };
        }
        assert!(bytes <= isize::MAX as usize / 2, "a buffer of {bytes} bytes is larger than the address space");
        #[cfg(test)]
        count::taken(bytes);
        #[cfg(all(test, target_os = "linux"))]
        if let Some(ptr) = guard::take(bytes, 1) {
            return Buffer { ptr, len: bytes };
        }
        Buffer { ptr: allocate(bytes), len: bytes }
    }
    /// Zeroes.
    pub fn zeroed(bytes: usize) -> Buffer {
        let b = Buffer::uninit(bytes);
        // SAFETY: the block has at least `bytes` bytes.
        unsafe { b.ptr.as_ptr().write_bytes(0, bytes) };
        b
    }
    /// A copy of these bytes.
    pub fn from_bytes(bytes: &[u8]) -> Buffer {
        let b = Buffer::uninit(bytes.len());
        // SAFETY: the block has that many bytes and is new.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), b.ptr.as_ptr(), bytes.len()) };
        b
    }
    /// A copy of these elements.
    pub fn from_slice<T: Element>(elements: &[T]) -> Buffer {
        Buffer::from_bytes(bytes_of(elements))
    }
    /// Memory of somebody else, for [`Lent`](crate::Lent).
    ///
    /// # Safety
    /// The bytes are initialized, nobody writes to them while the buffer is in reach, and they are aligned as [the widest element](crate::lent::LEAST). The buffer is neither dropped nor
    /// borrowed mutably.
    pub(crate) unsafe fn of_others(ptr: NonNull<u8>, len: usize) -> Buffer {
        debug_assert!(ptr.as_ptr().addr().is_multiple_of(crate::lent::LEAST), "lent memory is aligned");
        Buffer { ptr, len }
    }
    /// Number of bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }
    /// Has it no bytes?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// The bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: every buffer that safe code can see is initialised.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr(), self.len) }
    }
    /// The bytes, to write.
    #[inline]
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr(), self.len) }
    }
    /// The elements. Panics if the length is not a multiple of their size.
    #[inline]
    #[track_caller]
    pub fn as_slice<T: Element>(&self) -> &[T] {
        let n = self.count::<T>();
        // SAFETY: initialised, aligned for any element, long enough, and every bit pattern is an element.
        unsafe { std::slice::from_raw_parts(self.ptr.as_ptr().cast(), n) }
    }
    /// The elements, to write. Panics if the length is not a multiple of their size.
    #[inline]
    #[track_caller]
    pub fn as_mut_slice<T: Element>(&mut self) -> &mut [T] {
        let n = self.count::<T>();
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.as_ptr().cast(), n) }
    }
    #[inline]
    #[track_caller]
    fn count<T: Element>(&self) -> usize {
        let size = std::mem::size_of::<T>();
        assert!(
            self.len.is_multiple_of(size),
            "a buffer of {} bytes is no slice of elements of {size} bytes",
            self.len
        );
        self.len / size
    }
    /// Start of the memory.
    #[inline]
    pub(crate) fn ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }
}
impl Clone for Buffer {
    fn clone(&self) -> Buffer {
        Buffer::from_bytes(self.as_bytes())
    }
}
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

/// A number that may have any bits, real or complex: what a buffer can be read as.
///
/// # Safety
/// No padding, no invalid bit patterns, alignment of at most 8.
pub unsafe trait Element: Copy + Send + Sync + 'static + sealed::Sealed {}
mod sealed {
    pub trait Sealed {}
}
macro_rules! elements {
    ($($t:ty)*) => { $(
        impl sealed::Sealed for $t {}
        // SAFETY: a plain number, or two of them (`Complex` is `repr(C)`), whose alignment is checked here.
        unsafe impl Element for $t {}
        const _: () = assert!(align_of::<$t>() <= crate::lent::LEAST);
    )* };
}
elements!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 half::f16 half::bf16 Complex<f32> Complex<f64>);

/// The bytes of these elements.
pub fn bytes_of<T: Element>(elements: &[T]) -> &[u8] {
    // SAFETY: elements have neither padding nor invalid bytes.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), std::mem::size_of_val(elements)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_cover_and_ascend() {
        let mut last = 0;
        for class in 0..CLASSES {
            let cap = capacity(class);
            assert!(cap > last);
            assert_eq!(class_of(cap), class);
            assert_eq!(class_of(last + 1), class);
            last = cap;
        }
        for n in 1..100_000usize {
            let cap = capacity(class_of(n));
            assert!(cap >= n && (n <= 64 || cap * 4 <= n * 5 + 4), "{n} {cap}");
        }
    }

    #[test]
    fn a_freed_block_is_taken_again() {
        for bytes in [1usize, 64, 65, 1000, 70_000, 1 << 20] {
            let first = Buffer::zeroed(bytes);
            let at = first.ptr();
            assert_eq!(at as usize % ALIGN, 0);
            drop(first);
            let second = Buffer::uninit(bytes);
            assert_eq!(second.ptr(), at);
        }
    }

    #[test]
    fn large_blocks_are_aligned_to_huge_pages() {
        let b = Buffer::zeroed(5 << 20);
        assert_eq!(b.ptr() as usize % HUGE_ALIGN, 0);
        assert!(b.as_bytes().iter().all(|&x| x == 0));
    }

    #[test]
    fn what_a_thread_keeps_is_bounded() {
        std::thread::spawn(|| {
            let many: Vec<Buffer> = (0..100_000).map(|_| Buffer::uninit(1000)).collect();
            drop(many);
            assert!(held().0 <= LOCAL_CAP && held().0 > LOCAL_CAP / 2);
            trim();
            assert_eq!(held().0, 0);
        })
        .join()
        .unwrap();
    }

    /// What a program needs now is kept, and not what another one has needed.
    #[test]
    fn the_oldest_blocks_go_first() {
        let mut s = Shared::EMPTY;
        let mut made = 0;
        let mut get = |s: &mut Shared, class: usize| {
            s.take(class).unwrap_or_else(|| {
                made += 1;
                system_alloc(capacity(class))
            })
        };
        let (small, large) = (class_of(4 << 20), class_of(40 << 20));
        let many: Vec<_> = (0..20).map(|_| get(&mut s, small)).collect();
        // SAFETY: each block is given once, to the list of its class.
        many.into_iter().for_each(|b| unsafe { s.give(b, small) });
        for _ in 0..3 * WINDOW {
            let b = get(&mut s, large);
            // SAFETY: the same.
            unsafe { s.give(b, large) };
        }
        assert_eq!(made, 21);
        assert!(s.held <= 2 * capacity(large), "{} bytes are held", s.held);
        s.shrink(0);
        assert_eq!(s.held, 0);
    }

    #[test]
    fn empty_and_odd_lengths() {
        let empty = Buffer::zeroed(0);
        assert!(empty.is_empty() && empty.as_slice::<f64>().is_empty());
        let mut b = Buffer::from_slice(&[1.0f32, 2.0]);
        b.as_mut_slice::<f32>()[1] = 3.0;
        assert_eq!(b.clone().as_slice::<f32>(), [1.0, 3.0]);
        let odd = Buffer::zeroed(7);
        assert!(std::panic::catch_unwind(|| odd.as_slice::<u16>().len()).is_err());
    }

    #[test]
    fn buffers_outlive_threads_and_their_lists() {
        struct Late(std::cell::RefCell<Vec<Buffer>>);
        thread_local!(static LATE: Late = const { Late(std::cell::RefCell::new(Vec::new())) });
        let b = std::thread::spawn(|| {
            // Registered before the lists are first used, so it is dropped after them: its buffers find no list.
            LATE.with(|l| l.0.borrow_mut().push(Buffer::zeroed(100)));
            Buffer::from_slice(&[7u32; 10])
        })
        .join()
        .unwrap();
        assert_eq!(b.as_slice::<u32>(), [7; 10]);
    }
}
