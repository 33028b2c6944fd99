//! Memory for machine code: never writable and executable through one address.
//!
//! A chunk is a nameless file that is mapped twice, once for writing and once for running (`memfd_create`, Linux). Where the system does not
//! allow that there is no machine code, and the interpreter runs. Code is never given back: it is shared by structure, so there is little of it.

use std::sync::Mutex;

/// Bytes of a chunk.
const CHUNK: usize = 1 << 20;
/// Beyond so many bytes nothing more is compiled.
const LIMIT: usize = 64 << 20;

struct Chunk {
    write: *mut u8,
    run: *const u8,
    used: usize,
}
// SAFETY: the pointers are of mappings that nobody ever removes; the mutex below guards them.
unsafe impl Send for Chunk {}

struct Arena {
    chunk: Option<Chunk>,
    total: usize,
    refused: bool,
}
static ARENA: Mutex<Arena> = Mutex::new(Arena { chunk: None, total: 0, refused: false });

/// Puts code where it can run. `None` if the system has no such memory, or too much code is there already.
pub fn install(code: &[u8]) -> Option<*const u8> {
    let mut a = ARENA.lock().unwrap_or_else(|e| e.into_inner());
    if a.refused || code.len() > CHUNK || a.total + code.len() > LIMIT {
        return None;
    }
    if a.chunk.as_ref().is_none_or(|c| c.used + code.len() > CHUNK) {
        a.chunk = chunk();
        a.refused = a.chunk.is_none();
    }
    let c = a.chunk.as_mut()?;
    // SAFETY: the chunk has room for the code behind what is used; nobody runs anything there yet.
    let at = unsafe {
        std::ptr::copy_nonoverlapping(code.as_ptr(), c.write.add(c.used), code.len());
        c.run.add(c.used)
    };
    c.used = (c.used + code.len()).next_multiple_of(64);
    a.total += code.len();
    Some(at)
}

/// Did the system, or the limit, refuse memory for code?
pub fn is_refused() -> bool {
    let a = ARENA.lock().unwrap_or_else(|e| e.into_inner());
    a.refused || a.total + CHUNK > LIMIT
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn chunk() -> Option<Chunk> {
    // SAFETY: plain system calls on a file descriptor of our own; what fails is given back.
    unsafe {
        let fd = libc::memfd_create(c"cotangent".as_ptr(), libc::MFD_CLOEXEC);
        if fd < 0 {
            return None;
        }
        let map = |prot| match libc::ftruncate(fd, CHUNK as i64) {
            0 => libc::mmap(std::ptr::null_mut(), CHUNK, prot, libc::MAP_SHARED, fd, 0),
            _ => libc::MAP_FAILED,
        };
        let write = map(libc::PROT_READ | libc::PROT_WRITE);
        let run = map(libc::PROT_READ | libc::PROT_EXEC);
        libc::close(fd);
        match (write == libc::MAP_FAILED, run == libc::MAP_FAILED) {
            (false, false) => Some(Chunk { write: write.cast(), run: run.cast_const().cast(), used: 0 }),
            (no_write, no_run) => {
                for p in [(no_write, write), (no_run, run)].into_iter().filter(|p| !p.0) {
                    libc::munmap(p.1, CHUNK);
                }
                None
            }
        }
    }
}
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn chunk() -> Option<Chunk> {
    None
}
