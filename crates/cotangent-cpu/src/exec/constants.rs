//! The constants of an executable, in memory that kernels read as it is.

use std::collections::HashMap;

/// Bytes of constants, aligned to a line of the cache.
#[derive(Clone)]
#[repr(C, align(64))]
struct Line([u8; 64]);
const LINE: usize = size_of::<Line>();

/// Constants, each from the beginning of a line on: values of a program, and columns for maps.
#[derive(Default)]
pub struct Constants {
    lines: Vec<Line>,
    /// Where columns begin and how many elements they have, by the bits and the size of the element.
    columns: HashMap<(u64, usize), (u32, usize)>,
}

impl Constants {
    fn push(&mut self, bytes: impl Iterator<Item = u8>, len: usize) -> u32 {
        let first = self.lines.len();
        // An odd number of lines: columns a multiple of a page apart would compete for the same lines of the cache.
        self.lines.resize(first + (len.div_ceil(LINE) | 1), Line([0; LINE]));
        for (to, b) in self.lines[first..].iter_mut().flat_map(|l| &mut l.0).zip(bytes) {
            *to = b;
        }
        first as u32
    }
    /// A value of at most 16 bytes.
    pub fn value(&mut self, bits: [u64; 2]) -> u32 {
        self.push(bits.into_iter().flat_map(u64::to_le_bytes), 16)
    }
    /// At least `n` elements of `size` bytes (1, 2, 4 or 8), all with these bits.
    pub fn column(&mut self, bits: u64, size: usize, n: usize) -> u32 {
        if let Some((at, have)) = self.columns.get(&(bits, size))
            && *have >= n
        {
            return *at;
        }
        let element = bits.to_le_bytes();
        let at = self.push(element[..size].iter().copied().cycle(), n * size);
        self.columns.insert((bits, size), (at, n));
        at
    }
    /// The memory from constant `at` on.
    #[inline]
    pub fn ptr(&self, at: u32) -> *const u8 {
        self.lines[at as usize..].as_ptr().cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_shared() {
        let mut c = Constants::default();
        let value = c.value([1, 2]);
        let short = c.column(0x0102_0304, 4, 3);
        assert_eq!(c.column(0x0102_0304, 4, 2), short);
        // One too short is made again; the other stays where it is, because steps read it.
        let long = c.column(0x0102_0304, 4, 100);
        assert_ne!(long, short);
        assert_eq!(c.column(0x0102_0304, 4, 100), long);
        let bytes = c.column(7, 1, 65);
        for at in [value, short, long, bytes] {
            assert_eq!(c.ptr(at) as usize % LINE, 0);
        }
        // SAFETY: these are the elements that were asked for.
        unsafe {
            assert_eq!(std::slice::from_raw_parts(c.ptr(value).cast::<u64>(), 2), [1, 2]);
            assert_eq!(std::slice::from_raw_parts(c.ptr(short).cast::<u32>(), 3), [0x0102_0304; 3]);
            assert_eq!(std::slice::from_raw_parts(c.ptr(long).cast::<u32>(), 100), [0x0102_0304; 100]);
            assert_eq!(std::slice::from_raw_parts(c.ptr(bytes), 65), [7; 65]);
        }
    }
}
