//! Vectors as the kernels of the product see them: one trait, and a portable implementation.
//!
//! The kernels are written once, generically over [`Simd`], and compiled once for every instruction set. All functions are
//! `#[inline(always)]`, so that they become part of a caller that has the instruction set.

/// What a product computes with: a number that can be multiplied and added.
pub(crate) trait Num: Copy + Send + Sync + 'static {
    const ZERO: Self;
    /// Where the lanes of the summation tree start: the identity of addition.
    const LANE: Self;
    fn add(self, other: Self) -> Self;
    fn neg(self) -> Self;
    /// `a * b + sum`, rounded once.
    fn fma(a: Self, b: Self, sum: Self) -> Self;
}

macro_rules! real {
    ($($t:ty),*) => {$(
        impl Num for $t {
            const ZERO: $t = 0.0;
            const LANE: $t = -0.0;
            #[inline(always)]
            fn add(self, other: $t) -> $t {
                self + other
            }
            #[inline(always)]
            fn neg(self) -> $t {
                -self
            }
            #[inline(always)]
            fn fma(a: $t, b: $t, sum: $t) -> $t {
                a.mul_add(b, sum)
            }
        }
    )*};
}
real!(f32, f64);

macro_rules! int {
    ($($t:ty),*) => {$(
        impl Num for $t {
            const ZERO: $t = 0;
            const LANE: $t = 0;
            #[inline(always)]
            fn add(self, other: $t) -> $t {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn neg(self) -> $t {
                self.wrapping_neg()
            }
            #[inline(always)]
            fn fma(a: $t, b: $t, sum: $t) -> $t {
                a.wrapping_mul(b).wrapping_add(sum)
            }
        }
    )*};
}
int!(u16, u32, u64);

/// A vector register.
///
/// # Safety
/// Every function requires that the processor has the instruction set of the type. `load` and `store` need [`Simd::W`] elements
/// at `p`, the masked ones only the first `n`, where the mask is `mask(n)`. No alignment is needed beyond that of an element.
pub(crate) trait Simd: Copy {
    type E: Num;
    /// Which leading elements take part.
    type M: Copy;
    /// Elements of a vector.
    const W: usize;
    unsafe fn splat(x: Self::E) -> Self;
    unsafe fn load(p: *const Self::E) -> Self;
    unsafe fn store(self, p: *mut Self::E);
    /// The first `n`, at most [`Simd::W`].
    unsafe fn mask(n: usize) -> Self::M;
    /// Zero beyond the mask.
    unsafe fn load_m(p: *const Self::E, m: Self::M) -> Self;
    /// Leaves memory beyond the mask alone.
    unsafe fn store_m(self, p: *mut Self::E, m: Self::M);
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn fma(a: Self, b: Self, sum: Self) -> Self;
}

/// A vector whose square blocks can be transposed in registers.
///
/// # Safety
/// As for [`Simd`].
#[cfg(target_arch = "x86_64")]
pub(super) trait Square: Simd {
    /// As many vectors as a vector has elements.
    type Block: Copy + AsRef<[Self]> + AsMut<[Self]>;
    /// Element i of vector j becomes element j of vector i.
    unsafe fn transpose(block: Self::Block) -> Self::Block;
    /// Nothing but `x`.
    fn block(x: Self) -> Self::Block;
}

/// A vector of floats: what the summation tree needs besides.
///
/// # Safety
/// As for [`Simd`].
pub(super) trait Real: Simd {
    /// `fma` inside the mask, `sum` beyond it.
    unsafe fn fma_m(a: Self, b: Self, sum: Self, m: Self::M) -> Self;
    /// Elements 0, 0, 2, 2, ..
    unsafe fn dup_even(self) -> Self;
    /// Elements 1, 1, 3, 3, ..
    unsafe fn dup_odd(self) -> Self;
    /// (-im, re) for every (re, im).
    unsafe fn turn(self) -> Self;
    /// The two elements at `p`, again and again.
    unsafe fn splat_pair(p: *const Self::E) -> Self;
    /// Adds the upper half to the lower one, again and again, down to one element.
    #[inline(always)]
    unsafe fn fold(self) -> Self::E {
        // SAFETY: the caller has the instruction set.
        unsafe { self.fold_to::<1>()[0] }
    }
    /// Four at once, which shares the work of bringing halves together.
    #[inline(always)]
    unsafe fn fold4(v: [Self; 4]) -> [Self::E; 4] {
        // SAFETY: the caller has the instruction set.
        unsafe { v.map(|x| x.fold()) }
    }
    /// The same, down to `K` elements.
    #[inline(always)]
    unsafe fn fold_to<const K: usize>(self) -> [Self::E; K] {
        let mut v = [Self::E::ZERO; 64];
        // SAFETY: no vector has more than 64 elements; the caller has the instruction set.
        unsafe { self.store(v.as_mut_ptr()) };
        let mut h = Self::W / 2;
        while h >= K {
            for i in 0..h {
                v[i] = v[i].add(v[i + h]);
            }
            h /= 2;
        }
        let mut r = [Self::E::ZERO; K];
        r.copy_from_slice(&v[..K]);
        r
    }
}

/// An array as a vector.
#[derive(Clone, Copy)]
pub(crate) struct Lanes<E, const N: usize>([E; N]);

impl<E: Num, const N: usize> Simd for Lanes<E, N> {
    type E = E;
    type M = usize;
    const W: usize = N;
    #[inline(always)]
    unsafe fn splat(x: E) -> Self {
        Lanes([x; N])
    }
    #[inline(always)]
    unsafe fn load(p: *const E) -> Self {
        // SAFETY: the caller has N elements there.
        Lanes(unsafe { *p.cast::<[E; N]>() })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut E) {
        // SAFETY: the caller has room for N elements there.
        unsafe { *p.cast::<[E; N]>() = self.0 }
    }
    #[inline(always)]
    unsafe fn mask(n: usize) -> usize {
        n
    }
    #[inline(always)]
    unsafe fn load_m(p: *const E, m: usize) -> Self {
        let mut v = [E::ZERO; N];
        for i in 0..N {
            if i < m {
                // SAFETY: element i lies inside the mask.
                v[i] = unsafe { *p.add(i) };
            }
        }
        Lanes(v)
    }
    #[inline(always)]
    unsafe fn store_m(self, p: *mut E, m: usize) {
        for i in 0..N {
            if i < m {
                // SAFETY: element i lies inside the mask.
                unsafe { *p.add(i) = self.0[i] };
            }
        }
    }
    #[inline(always)]
    unsafe fn add(mut self, other: Self) -> Self {
        for i in 0..N {
            self.0[i] = self.0[i].add(other.0[i]);
        }
        self
    }
    #[inline(always)]
    unsafe fn fma(a: Self, b: Self, mut sum: Self) -> Self {
        for i in 0..N {
            sum.0[i] = E::fma(a.0[i], b.0[i], sum.0[i]);
        }
        sum
    }
}

impl<E: Num, const N: usize> Real for Lanes<E, N> {
    #[inline(always)]
    unsafe fn fma_m(a: Self, b: Self, mut sum: Self, m: usize) -> Self {
        for i in 0..N {
            if i < m {
                sum.0[i] = E::fma(a.0[i], b.0[i], sum.0[i]);
            }
        }
        sum
    }
    #[inline(always)]
    unsafe fn dup_even(mut self) -> Self {
        for i in 0..N {
            self.0[i] = self.0[i & !1];
        }
        self
    }
    #[inline(always)]
    unsafe fn dup_odd(mut self) -> Self {
        for i in (0..N).rev() {
            self.0[i] = self.0[i | 1];
        }
        self
    }
    #[inline(always)]
    unsafe fn turn(mut self) -> Self {
        for i in (0..N).step_by(2) {
            (self.0[i], self.0[i + 1]) = (self.0[i + 1].neg(), self.0[i]);
        }
        self
    }
    #[inline(always)]
    unsafe fn splat_pair(p: *const E) -> Self {
        let mut v = [E::ZERO; N];
        for i in 0..N {
            // SAFETY: the caller has two elements there.
            v[i] = unsafe { *p.add(i % 2) };
        }
        Lanes(v)
    }
}
