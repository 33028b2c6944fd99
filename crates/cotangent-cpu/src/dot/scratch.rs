//! Scratch memory of a thread, kept for its next product.

use std::cell::Cell;
use std::mem::MaybeUninit;

/// A cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[allow(dead_code)] [u8; 64]);

thread_local! {
    static KEPT: Cell<Vec<MaybeUninit<Line>>> = const { Cell::new(Vec::new()) };
}

/// Areas of scratch memory that do not overlap. Each is aligned to 64 bytes; what is in it is undefined.
pub(super) struct Scratch<const N: usize> {
    lines: Vec<MaybeUninit<Line>>,
    starts: [usize; N],
}

impl<const N: usize> Scratch<N> {
    /// Areas of these many bytes.
    pub(super) fn new(bytes: [usize; N]) -> Scratch<N> {
        let mut starts = [0; N];
        let mut total = 0;
        for i in 0..N {
            starts[i] = total;
            total += bytes[i].div_ceil(64);
        }
        if total == 0 {
            return Scratch { lines: Vec::new(), starts };
        }
        // Whoever comes while this one is in use finds nothing there and makes his own.
        let mut lines = KEPT.take();
        #[cfg(all(test, target_os = "linux"))]
        if crate::buffer::guard::is_on() {
            lines = Vec::new()
        }
        if lines.len() < total {
            lines = vec![MaybeUninit::uninit(); total];
        }
        Scratch { lines, starts }
    }
    /// Where area `i` starts.
    pub(super) fn area<T>(&mut self, i: usize) -> *mut T {
        self.lines.as_mut_ptr().wrapping_add(self.starts[i]).cast()
    }
}

impl<const N: usize> Drop for Scratch<N> {
    fn drop(&mut self) {
        if !self.lines.is_empty() {
            KEPT.set(std::mem::take(&mut self.lines));
        }
    }
}
