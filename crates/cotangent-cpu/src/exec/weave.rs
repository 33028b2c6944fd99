//! Elements of a few arrays beside each other: coordinates that become points, as the other way round in [`pick`](super::pick). Each array is read by vectors, and each vector of the
//! result takes from every one of them what belongs there. Of two to four arrays of four bytes, in the first cache of a Zen 4, that takes about a third of the time of one element after the other;
//! with AVX2, on a Zen 3, a fifth for up to five arrays, of eight bytes a third for up to four.

use crate::isa::{Isa, isa};
use std::arch::x86_64::*;

/// The most arrays.
pub const MOST: usize = 8;

/// For `M` arrays and vectors of `L` lanes: element `l` of vector `k` of a result is of array `(k L + l) % M`.
struct Woven<const M: usize, const L: usize>;
impl<const M: usize, const L: usize> Woven<M, L> {
    /// The lane of an array's vector that it is.
    const LANE: [[u8; L]; M] = {
        let (mut lane, mut e) = ([[0; L]; M], 0);
        while e < M * L {
            lane[e / L][e % L] = (e / M) as u8;
            e += 1
        }
        lane
    };
    /// Which elements of a vector are of an array.
    const OF: [[u16; M]; M] = {
        let (mut of, mut e) = ([[0; M]; M], 0);
        while e < M * L {
            of[e / L][e % M] |= 1 << (e % L);
            e += 1
        }
        of
    };
}

macro_rules! weavers {
    ($($name:ident, $isa:literal: $t:ty, $lanes:literal of $mask:ty, $wide:path, $load:path, $place:path, $place_some:path, $store:path;)*) => { $(
        /// `dst[M i + m] = src[m][i]` for as many of `n` rows as are whole vectors; returns how many those are.
        ///
        /// # Safety
        /// The processor has the instruction set; the elements exist, and `dst` has room.
        #[target_feature(enable = $isa)]
        unsafe fn $name<const M: usize>(dst: *mut u8, src: &[*const u8], n: usize) -> usize {
            let dst = dst.cast::<$t>();
            let src: &[*const u8; M] = src.first_chunk().expect("so many arrays");
            let mut at = 0;
            // SAFETY: lanes and elements are there.
            unsafe {
                while at + $lanes <= n {
                    let read = |m: usize| $load(src[m].cast::<$t>().add(at));
                    let mut x = [read(0); M];
                    for m in 1..M {
                        x[m] = read(m)
                    }
                    for k in 0..M {
                        let lane = $wide(Woven::<M, $lanes>::LANE[k].as_ptr());
                        let mut all = $place(lane, x[0]);
                        for m in 1..M {
                            all = $place_some(all, Woven::<M, $lanes>::OF[k][m] as $mask, lane, x[m])
                        }
                        $store(dst.add(M * at + k * $lanes), all)
                    }
                    at += $lanes
                }
            }
            at
        }
    )* };
}
weavers! {
    singles, "avx512f": f32, 16 of u16, sixteen, _mm512_loadu_ps, _mm512_permutexvar_ps, _mm512_mask_permutexvar_ps, _mm512_storeu_ps;
    doubles, "avx512f": f64, 8 of u8, eight, _mm512_loadu_pd, _mm512_permutexvar_pd, _mm512_mask_permutexvar_pd, _mm512_storeu_pd;
    singles_256, "avx2": f32, 8 of u8, avx2::eight, _mm256_loadu_ps, avx2::place_ps, avx2::place_some_ps, _mm256_storeu_ps;
    doubles_256, "avx2": f64, 4 of u8, avx2::four, _mm256_loadu_pd, avx2::place_pd, avx2::place_some_pd, _mm256_storeu_pd;
}
use super::pick::{avx2, eight, sixteen};

/// Writes as many of `n` rows, with an element of each array, as it can do well, and says how many.
///
/// # Safety
/// The arrays have `n` elements of `size` bytes, and `dst` has room for as many rows.
pub unsafe fn weave(dst: *mut u8, src: &[*const u8], n: usize, size: usize) -> usize {
    macro_rules! of { ($weaver:ident, $($m:literal)*) => {
        // SAFETY: the caller's, and the processor has the instructions.
        match src.len() { $($m => unsafe { $weaver::<$m>(dst, src, n) },)* _ => 0 }
    } }
    match (isa(), size) {
        (Isa::Avx512, 4) => of!(singles, 2 3 4 5 6 7 8),
        (Isa::Avx512, 8) => of!(doubles, 2 3 4 5 6 7 8),
        (Isa::Avx2, 4) => of!(singles_256, 2 3 4 5 6 7 8),
        (Isa::Avx2, 8) => of!(doubles_256, 2 3 4),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Buffer;

    #[test]
    fn as_one_by_one() {
        for size in [2usize, 4, 8] {
            for arrays in 2..=MOST {
                for n in [0, 1, 7, 8, 15, 16, 17, 40] {
                    let made = |m: usize| (0..n * size).map(|i| (i * 7 + m * 31 + i / 256) as u8).collect::<Vec<u8>>();
                    let from: Vec<Buffer> = (0..arrays).map(|m| Buffer::from_bytes(&made(m))).collect();
                    let src: Vec<*const u8> = from.iter().map(|b| b.as_bytes().as_ptr()).collect();
                    let mut to = Buffer::zeroed(arrays * n * size + 64);
                    // SAFETY: the buffers are as large as that.
                    let done = unsafe { weave(to.as_bytes_mut().as_mut_ptr(), &src, n, size) };
                    let whole = match (isa(), size) {
                        (Isa::Avx512, 4) => n / 16 * 16,
                        (Isa::Avx512, 8) => n / 8 * 8,
                        (Isa::Avx2, 4) => n / 8 * 8,
                        (Isa::Avx2, 8) if arrays <= 4 => n / 4 * 4,
                        _ => 0,
                    };
                    assert_eq!(done, whole);
                    for i in 0..done {
                        for m in 0..arrays {
                            let is = &to.as_bytes()[(i * arrays + m) * size..][..size];
                            assert_eq!(
                                is,
                                &made(m)[i * size..][..size],
                                "{size} bytes, row {i} of {n}, array {m} of {arrays}"
                            );
                        }
                    }
                    assert!(to.as_bytes()[arrays * done * size..].iter().all(|b| *b == 0), "written behind the end");
                }
            }
        }
    }
}
