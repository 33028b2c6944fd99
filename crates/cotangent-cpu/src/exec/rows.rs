//! Many short rows, which a copy row by row would spend its time between: coordinates beside each other, elements that are repeated a few times.

use super::access::copy;
use crate::isa::isa;
use crate::multiversion;

/// Rows of at most so many bytes are short.
pub const SHORT: usize = 64;
/// What is copied at once.
type Chunk = [u8; 16];

/// Writes `count` rows of `n` elements of `size` bytes one behind the other. Rows lie `apart` bytes apart, the elements of a row `step`.
///
/// # Safety
/// They exist and are aligned, and `dst` has room; rows are not empty, and no longer than [`SHORT`].
pub unsafe fn rows(
    dst: *mut u8,
    src: *const u8,
    (count, apart): (usize, isize),
    (n, step): (usize, isize),
    size: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        match (apart, step) {
            (0, _) => repeated(dst, src, count, (n, step), size),
            (_, 0) if n <= 4 && apart == size as isize && size <= 8 => match size {
                1 => twice::<u8>(isa())(dst, src, count, n),
                2 => twice::<u16>(isa())(dst, src, count, n),
                4 => twice::<u32>(isa())(dst, src, count, n),
                _ => twice::<u64>(isa())(dst, src, count, n),
            },
            (1.., s) if s == size as isize => beside(dst, src, count, apart, n * size),
            (_, 0) if n > 4 && size < size_of::<Chunk>() => match size {
                1 => spread::<u8, 16>(dst, src, count, apart, n),
                2 => spread::<u16, 8>(dst, src, count, apart, n),
                4 => spread::<u32, 4>(dst, src, count, apart, n),
                _ => spread::<u64, 2>(dst, src, count, apart, n),
            },
            _ => match size {
                1 => any::<u8>(dst, src, (count, apart), (n, step)),
                2 => any::<u16>(dst, src, (count, apart), (n, step)),
                4 => any::<u32>(dst, src, (count, apart), (n, step)),
                8 => any::<u64>(dst, src, (count, apart), (n, step)),
                _ => any::<[u64; 2]>(dst, src, (count, apart), (n, step)),
            },
        }
    }
}

/// The same, to rows that begin `far` bytes from each other: nothing is written between them.
///
/// # Safety
/// They exist here and there, and are aligned.
pub unsafe fn rows_apart(
    (dst, far): (*mut u8, usize),
    (src, apart): (*const u8, isize),
    count: usize,
    row: (usize, isize),
    size: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        match size {
            1 => scattered::<u8>((dst, far), (src, apart), count, row),
            2 => scattered::<u16>((dst, far), (src, apart), count, row),
            4 => scattered::<u32>((dst, far), (src, apart), count, row),
            8 => scattered::<u64>((dst, far), (src, apart), count, row),
            _ => scattered::<[u64; 2]>((dst, far), (src, apart), count, row),
        }
    }
}

#[inline(always)]
unsafe fn scattered<T: Copy>(
    (dst, far): (*mut u8, usize),
    (src, apart): (*const u8, isize),
    count: usize,
    (n, step): (usize, isize),
) {
    /// Rows whose length is known, if `N` is not 0.
    #[inline(always)]
    unsafe fn known<T: Copy, const N: usize>(
        (dst, far): (*mut u8, usize),
        (src, apart): (*const u8, isize),
        count: usize,
        (n, step): (usize, isize),
    ) {
        let n = if N > 0 { N } else { n };
        for k in 0..count {
            // SAFETY: the caller's.
            unsafe {
                let (to, from) = (dst.add(k * far).cast::<T>(), src.offset(k as isize * apart));
                for j in 0..n {
                    *to.add(j) = *from.offset(j as isize * step).cast::<T>();
                }
            }
        }
    }
    let known = match n {
        1 => known::<T, 1>,
        2 => known::<T, 2>,
        3 => known::<T, 3>,
        4 => known::<T, 4>,
        _ => known::<T, 0>,
    };
    // SAFETY: the caller's.
    unsafe { known((dst, far), (src, apart), count, (n, step)) }
}

/// One row again and again: what is written is copied, twice as much each time.
unsafe fn repeated(dst: *mut u8, src: *const u8, count: usize, (n, step): (usize, isize), size: usize) {
    let all = count * n * size;
    let mut there = n * size;
    // SAFETY: the caller's; what is copied is there, and ends before where it goes.
    unsafe {
        super::access::strided(dst, src, step, n, size);
        while there < all {
            let more = there.min(all - there);
            std::ptr::copy_nonoverlapping(dst, dst.add(there), more);
            there += more;
        }
    }
}

/// Rows of so many bytes each, whose elements are beside each other. Whole chunks are copied as long as that stays inside of both sides.
unsafe fn beside(dst: *mut u8, src: *const u8, count: usize, apart: isize, bytes: usize) {
    let (chunk, apart) = (size_of::<Chunk>(), apart as usize);
    let pieces = bytes.div_ceil(chunk);
    // the rows behind a row that its last chunk needs, here and there
    let over = pieces * chunk - bytes;
    let behind = over.div_ceil(bytes).max(over.div_ceil(apart));
    let quick = count.saturating_sub(behind);
    // SAFETY: the caller's; a chunk reaches over at most as many rows as come later.
    unsafe {
        for k in 0..quick {
            let (to, from) = (dst.add(k * bytes), src.add(k * apart));
            for c in 0..pieces {
                let x = from.add(c * chunk).cast::<Chunk>().read_unaligned();
                to.add(c * chunk).cast::<Chunk>().write_unaligned(x);
            }
        }
        for k in quick..count {
            copy(dst.add(k * bytes), src.add(k * apart), bytes)
        }
    }
}

/// Each element `n` times. Chunks of `C` of it are written as long as they stay inside; what they write behind their row the next rows write over.
#[inline(always)]
unsafe fn spread<T: Copy, const C: usize>(dst: *mut u8, src: *const u8, count: usize, apart: isize, n: usize) {
    let pieces = n.div_ceil(C);
    // the rows behind a row that its last chunk reaches into
    let quick = count.saturating_sub((pieces * C - n).div_ceil(n));
    // SAFETY: the caller's; a chunk reaches over at most as many rows as come later.
    unsafe {
        for k in 0..count {
            let x = *src.offset(k as isize * apart).cast::<T>();
            let to = dst.cast::<T>().add(k * n);
            if k < quick {
                for c in 0..pieces {
                    to.add(c * C).cast::<[T; C]>().write_unaligned([x; C])
                }
            } else {
                for j in 0..n {
                    *to.add(j) = x
                }
            }
        }
    }
}

multiversion! {
    /// Elements that lie beside each other, each two to four times: lanes change places.
    fn twice<T: Copy>(dst: *mut u8, src: *const u8, count: usize, n: usize) {
        let (dst, src) = (dst.cast::<T>(), src.cast::<T>());
        // SAFETY: the caller's.
        unsafe {
            match n {
                2 => (0..count).for_each(|k| *dst.cast::<[T; 2]>().add(k) = [*src.add(k); 2]),
                3 => (0..count).for_each(|k| *dst.cast::<[T; 3]>().add(k) = [*src.add(k); 3]),
                4 => (0..count).for_each(|k| *dst.cast::<[T; 4]>().add(k) = [*src.add(k); 4]),
                _ => (0..count).for_each(|k| *dst.add(k) = *src.add(k)),
            }
        }
    }
}

#[inline(always)]
unsafe fn any<T: Copy>(dst: *mut u8, src: *const u8, rows: (usize, isize), (n, step): (usize, isize)) {
    // SAFETY: the caller's.
    unsafe {
        match n {
            2 => fixed::<T, 2>(dst, src, rows, step),
            3 => fixed::<T, 3>(dst, src, rows, step),
            4 => fixed::<T, 4>(dst, src, rows, step),
            _ => {
                let mut dst = dst.cast::<T>();
                for k in 0..rows.0 {
                    let from = src.offset(k as isize * rows.1);
                    for j in 0..n {
                        *dst = *from.offset(j as isize * step).cast::<T>();
                        dst = dst.add(1);
                    }
                }
            }
        }
    }
}
/// Rows whose length is known.
#[inline(always)]
unsafe fn fixed<T: Copy, const N: usize>(dst: *mut u8, src: *const u8, (count, apart): (usize, isize), step: isize) {
    let dst = dst.cast::<[T; N]>();
    // SAFETY: the caller's.
    unsafe {
        if step == 0 {
            for k in 0..count {
                *dst.add(k) = [*src.offset(k as isize * apart).cast::<T>(); N];
            }
        } else {
            for k in 0..count {
                let from = src.offset(k as isize * apart);
                *dst.add(k) = std::array::from_fn(|j| *from.offset(j as isize * step).cast::<T>());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of every length and step, with nothing behind them: not a byte more is read or written.
    #[test]
    fn as_element_by_element() {
        for size in [1usize, 2, 4, 8, 16] {
            for n in 1..=SHORT / size {
                for count in [1, 2, 3, 7, 20] {
                    for (apart, step) in
                        [(0, 1), (0, 0), (1, 1), (n, 1), (n + 2, 1), (1, 0), (2, 3), (5, 0), (1, count)]
                    {
                        let end = (count - 1) * apart + (n - 1) * step + 1;
                        let src: Vec<u128> = (0..end as u128)
                            .map(|i| (i + 1).wrapping_mul(0x0103_0507_0b0d_1113_1719_1d1f_2329_2b2f))
                            .collect();
                        // each element's low bytes, at the end of a block of their own
                        let from: Vec<u8> = src.iter().flat_map(|x| x.to_le_bytes()[..size].to_vec()).collect();
                        let held = crate::Buffer::from_bytes(&from);
                        let mut to = crate::Buffer::zeroed(count * n * size + 64);
                        let (apart, step) = ((apart * size) as isize, (step * size) as isize);
                        // SAFETY: the buffers are as large as that.
                        unsafe {
                            rows(
                                to.as_bytes_mut().as_mut_ptr(),
                                held.as_bytes().as_ptr(),
                                (count, apart),
                                (n, step),
                                size,
                            )
                        };
                        for k in 0..count {
                            for j in 0..n {
                                let at = (k as isize * apart + j as isize * step) as usize;
                                let is = &to.as_bytes()[(k * n + j) * size..][..size];
                                assert_eq!(is, &from[at..at + size], "{size} bytes, {n} of {count}, {apart} {step}");
                            }
                        }
                        assert!(to.as_bytes()[count * n * size..].iter().all(|b| *b == 0), "written behind the end");
                        let far = (n + 2) * size;
                        let mut to = crate::Buffer::zeroed(count * far);
                        let dst = to.as_bytes_mut().as_mut_ptr();
                        // SAFETY: as above.
                        unsafe { rows_apart((dst, far), (held.as_bytes().as_ptr(), apart), count, (n, step), size) };
                        for k in 0..count {
                            let row = &to.as_bytes()[k * far..(k + 1) * far];
                            for j in 0..n {
                                let at = (k as isize * apart + j as isize * step) as usize;
                                assert_eq!(
                                    row[j * size..(j + 1) * size],
                                    from[at..at + size],
                                    "{size} bytes, {n} of {count}, {apart} {step}"
                                );
                            }
                            assert!(row[n * size..].iter().all(|b| *b == 0), "written between rows");
                        }
                    }
                }
            }
        }
    }
}
