//! Memory between pages that nobody may touch, for tests: a read or write beyond its ends is a crash, and the crash says which program it was.
//!
//! While [`within`] runs, everything that its thread allocates has pages of its own. It ends exactly where they end, or begins where they begin ([`Side`]); what
//! is given back is never touched again either, since no address is used twice.

use libc::{c_int, c_void, siginfo_t};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::*};

/// Which end of a block a page without access is next to. (The other one is as near as its alignment and its length allow.)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Behind the last byte.
    End,
    /// Before the first.
    Start,
}

const PAGE: usize = 4096;
/// Addresses in all. Memory is taken for those only that are in use.
const SPACE: usize = 1 << 42;
static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static ON: Cell<Option<Side>> = const { Cell::new(None) };
}

/// Where all guarded blocks lie.
fn space() -> usize {
    static START: OnceLock<usize> = OnceLock::new();
    *START.get_or_init(|| {
        // SAFETY: a new mapping anywhere.
        let at = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            libc::mmap(std::ptr::null_mut(), SPACE, libc::PROT_NONE, flags, -1, 0)
        };
        assert!(at != libc::MAP_FAILED, "addresses for guarded memory");
        at as usize
    })
}
fn pages(bytes: usize) -> usize {
    bytes.div_ceil(PAGE)
}
/// Is it in guarded memory?
fn is_here(at: usize) -> bool {
    // the space is there if anything was ever taken from it
    NEXT.load(Relaxed) > 0 && (space()..space() + SPACE).contains(&at)
}

/// A guarded block, if this thread wants such.
pub fn take(bytes: usize, align: usize) -> Option<NonNull<u8>> {
    let side = ON
        .try_with(|on| on.get())
        .ok()
        .flatten()
        .filter(|_| bytes > 0 && align <= PAGE && !std::thread::panicking())?;
    let size = pages(bytes) * PAGE;
    // one page between any two of them
    let at = space() + NEXT.fetch_add(size + PAGE, Relaxed) + PAGE;
    assert!(at + size < space() + SPACE, "addresses for guarded memory");
    // SAFETY: nobody else has these addresses.
    let done = unsafe { libc::mprotect(at as *mut c_void, size, libc::PROT_READ | libc::PROT_WRITE) };
    assert!(done == 0, "guarded memory");
    let from = match side {
        Side::End => (at + size - bytes) & !(align - 1),
        Side::Start => at,
    };
    NonNull::new(from as *mut u8)
}
/// Takes a block back, if it is a guarded one: whoever touches it from now on crashes.
pub fn give(at: NonNull<u8>, bytes: usize) -> bool {
    let at = at.as_ptr() as usize;
    if !is_here(at) {
        return false;
    }
    let (first, end) = (at / PAGE * PAGE, (at + bytes).next_multiple_of(PAGE));
    // SAFETY: these pages belong to the block, which is used no more.
    let done = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        libc::mmap(first as *mut c_void, end - first, libc::PROT_NONE, flags, -1, 0)
    };
    assert!(done != libc::MAP_FAILED, "guarded memory");
    true
}
/// Does this thread take guarded memory now?
pub fn is_on() -> bool {
    ON.get().is_some()
}

/// Runs `f` with guarded memory, and with a note that a crash prints.
pub fn within<R>(side: Side, note: &str, f: impl FnOnce() -> R) -> R {
    struct Back;
    impl Drop for Back {
        fn drop(&mut self) {
            ON.set(None)
        }
    }
    space();
    watch();
    for (to, b) in NOTE.iter().zip(note.bytes().chain([0])) {
        to.store(b, Relaxed)
    }
    let _back = Back;
    ON.set(Some(side));
    f()
}

static NOTE: [AtomicU8; 400] = [const { AtomicU8::new(0) }; 400];

/// From now on a crash says what ran.
fn watch() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // SAFETY: the handler calls only what a handler may.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = crashed as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESETHAND;
            libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut());
            libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut());
        }
    });
}
extern "C" fn crashed(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
    let mut text = [0u8; 600];
    let mut n = 0;
    let mut put = |b: u8| {
        if n < text.len() {
            text[n] = b;
            n += 1
        }
    };
    // SAFETY: the system passes it.
    let at = unsafe { (*info).si_addr() } as usize;
    b"\na crash at address 0x".iter().for_each(|b| put(*b));
    (0..16).rev().for_each(|k| put(b"0123456789abcdef"[at >> (4 * k) & 15]));
    let here = is_here(at);
    let what: &[u8] = if here { b", which is no memory of: " } else { b", which is none of: " };
    what.iter().for_each(|b| put(*b));
    NOTE.iter().map(|b| b.load(Relaxed)).take_while(|b| *b != 0).for_each(&mut put);
    put(b'\n');
    // SAFETY: the text lies here. When the handler is done the same instruction crashes again, and ends the process.
    unsafe { libc::write(2, text.as_ptr().cast(), n) };
}

/// The system's allocator, but for threads with guarded memory.
struct Guarded;
// SAFETY: blocks of guarded memory are as large and aligned as they should, and are told apart from others by their addresses.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match take(layout.size(), layout.align()) {
            Some(at) => at.as_ptr(),
            // SAFETY: the caller's.
            None => unsafe { System.alloc(layout) },
        }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        let there = NonNull::new(at).expect("a block");
        if !give(there, layout.size()) {
            // SAFETY: the caller's.
            unsafe { System.dealloc(at, layout) }
        }
    }
}
#[global_allocator]
static GUARDED: Guarded = Guarded;

#[test]
fn beyond_its_ends_is_no_memory() {
    // in a process of its own, which dies of it: the bytes just inside, then just outside
    if let Ok(which) = std::env::var("GUARD_CRASH") {
        let side = if which.ends_with("end") { Side::End } else { Side::Start };
        return within(side, "the note", || {
            let b = super::Buffer::uninit(1000);
            let v: Vec<u8> = Vec::with_capacity(1000);
            let at = if which.starts_with("vec") { v.as_ptr() } else { b.ptr().cast_const() };
            // SAFETY: there is memory, but for the last two reads, which are what is tested.
            unsafe {
                std::ptr::read_volatile(at);
                std::ptr::read_volatile(at.wrapping_add(999));
                println!("inside");
                match side {
                    Side::End => std::ptr::read_volatile(at.wrapping_add(1000)),
                    Side::Start => std::ptr::read_volatile(at.wrapping_sub(1)),
                }
            };
            println!("outside");
        });
    }
    for which in ["buffer end", "buffer start", "vec end", "vec start"] {
        let me = std::env::current_exe().expect("a test binary");
        let mut run = std::process::Command::new(me);
        run.args(["--exact", "buffer::guard::beyond_its_ends_is_no_memory", "--nocapture"]).env("GUARD_CRASH", which);
        let out = run.output().expect("it runs");
        let (text, err) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert!(!out.status.success() && text.contains("inside") && !text.contains("outside"), "{which}: {text}{err}");
        assert!(err.contains("a crash at address") && err.contains("no memory of: the note"), "{which}: {err}");
    }
}
