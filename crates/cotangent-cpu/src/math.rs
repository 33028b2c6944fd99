//! Elementary functions, for now those of the standard library.

use crate::M;
use crate::isa::Isa;

macro_rules! shim {
    ($name:ident, $t:ident) => {
        /// The loop of a function.
        pub fn $name(m: M, _isa: Isa) -> unsafe fn(*mut $t, *const $t, *const $t, usize) {
            macro_rules! each {
                ($x:ident, $y:ident => $body:expr) => {{
                    unsafe fn f(out: *mut $t, a: *const $t, b: *const $t, n: usize) {
                        for i in 0..n {
                            // SAFETY: the caller's.
                            unsafe {
                                let ($x, $y) = (*a.add(i), *b.add(i));
                                let _ = $y;
                                *out.add(i) = $body;
                            }
                        }
                    }
                    f
                }};
            }
            match m {
                M::Exp => each!(x, y => x.exp()),
                M::Exp2 => each!(x, y => x.exp2()),
                M::Expm1 => each!(x, y => x.exp_m1()),
                M::Log => each!(x, y => x.ln()),
                M::Log1p => each!(x, y => x.ln_1p()),
                M::Sin => each!(x, y => x.sin()),
                M::Cos => each!(x, y => x.cos()),
                M::Tan => each!(x, y => x.tan()),
                M::Asin => each!(x, y => x.asin()),
                M::Acos => each!(x, y => x.acos()),
                M::Atan => each!(x, y => x.atan()),
                M::Atan2 => each!(x, y => x.atan2(y)),
                M::Sinh => each!(x, y => x.sinh()),
                M::Cosh => each!(x, y => x.cosh()),
                M::Tanh => each!(x, y => x.tanh()),
                M::Asinh => each!(x, y => x.asinh()),
                M::Acosh => each!(x, y => x.acosh()),
                M::Atanh => each!(x, y => x.atanh()),
                M::Logistic => each!(x, y => 1.0 / (1.0 + (-x).exp())),
                M::Cbrt => each!(x, y => x.cbrt()),
                M::Pow => each!(x, y => x.powf(y)),
                _ => each!(x, y => x * 0.0 / 0.0),
            }
        }
    };
}
shim!(kernel32, f32);
shim!(kernel64, f64);
