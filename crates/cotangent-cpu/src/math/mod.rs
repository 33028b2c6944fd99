//! The elementary functions of the engine.
//!
//! Each is written once, over [`lane::Lane`], as straight-line code in which every operation is one that IEEE 754 defines. A kernel
//! applies one of them to a run of elements; it is compiled for every instruction set and gives the same bits on all of them. So
//! does [`eval32`], which is the kernel on one element. What is rare and long (huge arguments of a sine) is done element by
//! element behind the loop: the value of an element depends on that element alone.
//!
//! Functions of `f32` compute in `f32` where speed matters (see [`single`], and those with that word in their names), otherwise in `f64` and round once.

mod atan;
mod bessel;
mod coeffs;
mod dd;
mod erf;
mod exp;
mod gamma;
pub mod lane;
mod log;
mod payne;
mod power;
pub mod single;
mod trig;

#[cfg(test)]
mod tests;

use crate::M;
use crate::emit::lanes::Val;
use crate::isa::{Isa, isa};
use lane::Lane;

/// A function as a kernel applies it.
trait Fun<T> {
    /// The value, unless [`Fun::rare`] says otherwise.
    fn eval(a: T, b: T) -> T;
    /// Is `eval` wrong here?
    #[inline(always)]
    fn rare(_: T) -> bool {
        false
    }
    /// The value where `eval` is wrong.
    fn slow(a: T) -> T {
        a
    }
}

/// Elements that are computed together.
const RUN32: usize = 16;
/// Elements that are computed together.
const RUN64: usize = 8;

macro_rules! run {
    ($name:ident $t:ident $n:ident) => {
        crate::multiversion! {
            /// Applies a function to `n` elements. The operands of a run are read before its results are written, so that `out` may be one of them. What
            /// is less than a run goes through arrays of its own: only so do whole ones stay in registers.
            fn $name<F: Fun<$t>>(out: *mut $t, a: *const $t, b: *const $t, n: usize) {
                if n == 1 {
                    // A program of scalars calls so: no lanes.
                    // SAFETY: the caller says that there is an element.
                    unsafe {
                        let (x, y) = (*a, *b);
                        *out = if F::rare(x) { F::slow(x) } else { F::eval(x, y) };
                    }
                    return;
                }
                let (whole, rest) = (n / $n, n % $n);
                let mut last = [[1.0; $n]; 3];
                let (mut at, mut runs) = ([a, b, out.cast_const()], whole);
                loop {
                    for i in 0..runs {
                        // SAFETY: the caller says that all three point to `n` elements, and those of the last run are arrays.
                        let (x, y) = unsafe {
                            let run = |p: *const $t| p.add(i * $n).cast::<[$t; $n]>().read_unaligned();
                            (run(at[0]), run(at[1]))
                        };
                        let mut r = [0.0; $n];
                        for k in 0..$n {
                            r[k] = F::eval(x[k], y[k]);
                        }
                        let mut rare = false;
                        for k in 0..$n {
                            rare |= F::rare(x[k]);
                        }
                        if rare {
                            for k in 0..$n {
                                if F::rare(x[k]) {
                                    r[k] = F::slow(x[k]);
                                }
                            }
                        }
                        // SAFETY: as above.
                        unsafe { at[2].cast_mut().add(i * $n).cast::<[$t; $n]>().write_unaligned(r) }
                    }
                    if rest == 0 || at[2] == last[2].as_ptr() {
                        break;
                    }
                    for (k, from) in [a, b].into_iter().enumerate() {
                        // SAFETY: the caller's elements behind the whole runs.
                        unsafe { last[k].as_mut_ptr().copy_from_nonoverlapping(from.add(whole * $n), rest) }
                    }
                    (at, runs) = ([last[0].as_ptr(), last[1].as_ptr(), last[2].as_mut_ptr().cast_const()], 1)
                }
                if rest > 0 {
                    // SAFETY: as above; the arrays are nobody else's.
                    unsafe { out.add(whole * $n).copy_from_nonoverlapping(last[2].as_ptr(), rest) }
                }
            }
        }
    };
}
run!(run32 f32 RUN32);
run!(run64 f64 RUN64);

/// The sine, cosine or tangent of a huge number, one at a time.
#[cold]
#[inline(never)]
fn far(x: f64, f: fn(i64, dd::Dd<f64>) -> f64) -> f64 {
    let (q, r) = payne::reduce(x);
    f(q, r)
}

macro_rules! functions {
    ($($m:ident: $single:ident $f:path, $double:ident $g:path $(, far $slow:path)?;)*) => {
        $(
            struct $m;
            impl Fun<f32> for $m {
                #[inline(always)]
                fn eval(a: f32, b: f32) -> f32 {
                    functions!(@$single f32, $f, a, b)
                }
                functions!(@far f32 $($slow)?);
            }
            impl Fun<f64> for $m {
                #[inline(always)]
                fn eval(a: f64, b: f64) -> f64 {
                    functions!(@$double f64, $g, a, b)
                }
                functions!(@far f64 $($slow)?);
            }
        )*
        /// The kernel of a function of `f32`: it writes `m(a[i], b[i])` to `out[i]` for all i below n. `out` may equal `a` or `b`; a
        /// function of one operand may be given `a` for `b`. It is safe to call if the pointers are good for `n` elements and
        /// the instruction set is [available](Isa::available).
        pub fn kernel32(m: M, isa: Isa) -> unsafe fn(out: *mut f32, a: *const f32, b: *const f32, n: usize) {
            match m {
                $(M::$m => run32::<$m>(isa),)*
            }
        }
        /// The kernel of a function of `f64`; see [`kernel32`].
        pub fn kernel64(m: M, isa: Isa) -> unsafe fn(out: *mut f64, a: *const f64, b: *const f64, n: usize) {
            match m {
                $(M::$m => run64::<$m>(isa),)*
            }
        }
        /// A function of `f32` written down, and where it is wrong.
        pub(crate) fn expand32<'a>(m: M, a: Val<'a, f32>, b: Val<'a, f32>) -> (Val<'a, f32>, Option<Val<'a, bool>>) {
            match m {
                $(M::$m => (functions!(@$single Val<f32>, $f, a, b), functions!(@where a $($slow)?)),)*
            }
        }
        /// A function of `f64` written down, and where it is wrong.
        pub(crate) fn expand64<'a>(m: M, a: Val<'a, f64>, b: Val<'a, f64>) -> (Val<'a, f64>, Option<Val<'a, bool>>) {
            match m {
                $(M::$m => (functions!(@$double Val<f64>, $g, a, b), functions!(@where a $($slow)?)),)*
            }
        }
    };
    (@far $t:ident) => {};
    (@far $t:ident $slow:path) => {
        #[inline(always)]
        fn rare(a: $t) -> bool {
            far_away(a)
        }
        fn slow(a: $t) -> $t {
            far(a as f64, $slow) as $t
        }
    };
    (@where $a:ident) => { None };
    (@where $a:ident $slow:path) => { Some(far_away($a)) };
    (@unary $t:ty, $f:path, $a:ident, $b:ident) => {{
        let _ = $b;
        $f($a)
    }};
    (@binary $t:ty, $f:path, $a:ident, $b:ident) => { $f($a, $b) };
    // of `f32` through `f64`
    (@through $t:ty, $f:path, $a:ident, $b:ident) => {{
        let _ = $b;
        <$t>::narrow($f($a.wide()))
    }};
    (@both_through $t:ty, $f:path, $a:ident, $b:ident) => { <$t>::narrow($f($a.wide(), $b.wide())) };
}

/// Is the argument of a sine so large that it is computed one by one?
#[inline(always)]
fn far_away<L: Lane>(a: L) -> L::Mask {
    a.abs().gt(a.c(trig::FAR)) & a.abs().lt(a.c(f64::INFINITY))
}

functions! {
    Exp: unary single::exp, unary exp::exp;
    Exp2: unary exp::exp2_single, unary exp::exp2;
    Expm1: unary single::expm1, unary exp::expm1;
    Log: unary single::log, unary log::log;
    Log1p: unary single::log1p, unary log::log1p;
    Sin: through trig::sin_quick, unary trig::sin, far trig::sin_at;
    Cos: through trig::cos_quick, unary trig::cos, far trig::cos_at;
    Tan: through trig::tan_quick, unary trig::tan, far trig::tan_at;
    Asin: through atan::asin_quick, unary atan::asin;
    Acos: through atan::acos_quick, unary atan::acos;
    Atan: through atan::atan_quick, unary atan::atan;
    Atan2: both_through atan::atan2_quick, binary atan::atan2;
    Sinh: through exp::sinh, unary exp::sinh;
    Cosh: through exp::cosh, unary exp::cosh;
    Tanh: unary single::tanh, unary exp::tanh;
    Asinh: through log::asinh_quick, unary log::asinh;
    Acosh: through log::acosh_quick, unary log::acosh;
    Atanh: through log::atanh_quick, unary log::atanh;
    Logistic: unary single::logistic, unary exp::logistic;
    Cbrt: through power::cbrt_normal, unary power::cbrt;
    Pow: binary power::pow_quick, binary power::pow;
    Erf: unary single::erf, unary erf::erf;
    Erfc: unary erf::erfc_single, unary erf::erfc;
    ErfInv: unary single::erf_inv, unary erf::erf_inv;
    Lgamma: through gamma::lgamma::<_, false>, unary gamma::lgamma::<_, true>;
    Digamma: through gamma::digamma::<_, false>, unary gamma::digamma::<_, true>;
    BesselI0e: unary bessel::i0e_single, unary bessel::i0e;
    BesselI1e: through bessel::i1e_quick, unary bessel::i1e;
}

/// The value of a function of `f32`. `b` is ignored by functions of one operand.
pub fn eval32(m: M, a: f32, b: f32) -> f32 {
    let mut out = 0.0;
    // SAFETY: the chosen instruction set is available, and all pointers are good for one element.
    unsafe { kernel32(m, isa())(&mut out, &a, &b, 1) };
    out
}

/// The value of a function of `f64`. `b` is ignored by functions of one operand.
pub fn eval64(m: M, a: f64, b: f64) -> f64 {
    let mut out = 0.0;
    // SAFETY: as in `eval32`.
    unsafe { kernel64(m, isa())(&mut out, &a, &b, 1) };
    out
}
