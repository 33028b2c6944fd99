//! Instruction sets: which one this process uses, and [`multiversion!`](crate::multiversion), which compiles one loop for all of them.
//!
//! A kernel is written once, as an ordinary loop over slices or pointers. The macro compiles it three times, and LLVM vectorizes
//! each copy for its instruction set. The choice is made once per process, so a result never depends on which call came first.

use std::sync::OnceLock;

/// An instruction set that kernels are compiled for. On other architectures than x86-64 there is only `Portable`: the baseline
/// of the target.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Isa {
    /// What the compilation target guarantees.
    Portable,
    /// AVX2 with FMA, F16C and the bit manipulation instructions.
    Avx2,
    /// AVX-512 F, BW, DQ, VL and CD, besides all of `Avx2`.
    Avx512,
}

impl Isa {
    /// Every instruction set, ascending.
    pub const ALL: [Isa; 3] = [Isa::Portable, Isa::Avx2, Isa::Avx512];

    /// Does this processor have it?
    pub fn available(self) -> bool {
        self <= detected()
    }
}

/// The greatest instruction set of this processor.
fn detected() -> Isa {
    static DETECTED: OnceLock<Isa> = OnceLock::new();
    *DETECTED.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            macro_rules! has {
                ($($f:tt)*) => { $(is_x86_feature_detected!($f))&&* };
            }
            if has!("avx2" "fma" "f16c" "bmi1" "bmi2" "lzcnt" "popcnt") {
                if has!("avx512f" "avx512bw" "avx512dq" "avx512vl" "avx512cd") {
                    return Isa::Avx512;
                }
                return Isa::Avx2;
            }
        }
        Isa::Portable
    })
}

/// The instruction set that kernels of this process use: the greatest that the processor has, or a smaller one if the environment
/// variable `COTANGENT_ISA` names it (`portable`, `avx2`, `avx512`). Read once.
pub fn isa() -> Isa {
    static CHOSEN: OnceLock<Isa> = OnceLock::new();
    *CHOSEN.get_or_init(|| match std::env::var("COTANGENT_ISA").as_deref() {
        Ok("portable") => Isa::Portable,
        Ok("avx2") => detected().min(Isa::Avx2),
        Ok("avx512") | Ok("") | Err(_) => detected(),
        Ok(other) => panic!("COTANGENT_ISA is {other:?}; it may be portable, avx2 or avx512"),
    })
}

/// Compiles one function for every instruction set.
///
/// ```
/// use cotangent_cpu::isa::{isa, Isa};
/// cotangent_cpu::multiversion! {
///     /// Doubles `n` elements.
///     pub fn double(x: *mut f32, n: usize) {
///         for i in 0..n {
///             // SAFETY: the caller says that `x` points to `n` elements.
///             unsafe { *x.add(i) *= 2.0 }
///         }
///     }
/// }
/// let mut x = [1.0, 2.0];
/// // SAFETY: `isa()` is available, and the pointer and the length belong to one array.
/// unsafe { double(isa())(x.as_mut_ptr(), x.len()) };
/// assert_eq!(x, [2.0, 4.0]);
/// ```
///
/// `double` is then a function from an [`Isa`] to an `unsafe fn` pointer, which the caller may keep. Calling it requires what the
/// body requires, **and that the processor has the instruction set**. Type parameters may be given as `<T: Bound, U: Bound>`, each
/// with exactly one path as its bound. Whatever the body calls must be `#[inline(always)]` to be compiled for the instruction set
/// as well; the body cannot use type parameters or `self` of an enclosing item.
#[macro_export]
macro_rules! multiversion {
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident $(<$($g:ident : $bound:path),+ $(,)?>)? ($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    )+) => { $(
        $(#[$meta])*
        $vis fn $name $(<$($g: $bound),+>)? (isa: $crate::isa::Isa) -> unsafe fn($($ty),*) $(-> $ret)? {
            #[inline(always)]
            unsafe fn body $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt")]
            unsafe fn avx2 $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: the obligations of the body are the caller's.
                unsafe { body $(::<$($g),+>)? ($($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(
                enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,f16c,bmi1,bmi2,lzcnt,popcnt"
            )]
            unsafe fn avx512 $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: the obligations of the body are the caller's.
                unsafe { body $(::<$($g),+>)? ($($arg),*) }
            }
            unsafe fn portable $(<$($g: $bound),+>)? ($($arg: $ty),*) $(-> $ret)? {
                // SAFETY: the obligations of the body are the caller's.
                unsafe { body $(::<$($g),+>)? ($($arg),*) }
            }
            match isa {
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Isa::Avx512 => avx512 $(::<$($g),+>)?,
                #[cfg(target_arch = "x86_64")]
                $crate::isa::Isa::Avx2 => avx2 $(::<$($g),+>)?,
                _ => portable $(::<$($g),+>)?,
            }
        }
    )+ };
}

#[cfg(test)]
mod tests {
    use super::*;

    trait Number: Copy + std::ops::AddAssign {}
    impl Number for f32 {}
    impl Number for i64 {}

    multiversion! {
        /// The sum of `n` elements added to `to`.
        fn add_all<T: Number>(to: T, x: *const T, n: usize) -> T {
            let mut sum = to;
            for i in 0..n {
                // SAFETY: the caller says that `x` points to `n` elements.
                sum += unsafe { *x.add(i) };
            }
            sum
        }
    }

    #[test]
    fn every_version_computes_the_same() {
        assert!(Isa::Portable.available() && isa().available());
        for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
            // SAFETY: the instruction set is available, pointers and lengths belong together.
            unsafe {
                assert_eq!(add_all::<f32>(isa)(0.5, [1.0, 2.0].as_ptr(), 2), 3.5);
                assert_eq!(add_all::<i64>(isa)(1, [10, 20, 30].as_ptr(), 3), 61);
            }
        }
    }
}
