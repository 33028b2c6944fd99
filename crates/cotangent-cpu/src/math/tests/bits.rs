//! One value of an element: on every instruction set, at every place of a run, and for one element alone.

use super::sample::{Rng, argument};
use crate::M;
use crate::isa::Isa;
use crate::math::{eval32, eval64, kernel32, kernel64};

/// Random bit patterns, arguments from where the function varies, and the edges of the type.
macro_rules! inputs {
    ($t:ident, $u:ident, $double:literal, $m:expr) => {{
        let mut r = Rng(7);
        let mut v: Vec<($t, $t)> = Vec::new();
        let edges = [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.5,
            2.0,
            $t::INFINITY,
            $t::NEG_INFINITY,
            $t::NAN,
            $t::MIN_POSITIVE,
            -$t::MIN_POSITIVE,
            $t::from_bits(1),
            $t::MAX,
            $t::MIN,
            8.0,
            -3.0,
        ];
        for a in edges {
            for b in edges {
                v.push((a, b));
            }
        }
        for k in 0..6000 {
            v.push(($t::from_bits(r.next() as $u), $t::from_bits(r.next() as $u)));
            let (a, b) = argument($m, k, $double, &mut r);
            v.push((a as $t, b as $t));
        }
        v
    }};
}

macro_rules! same_bits {
    ($name:ident $t:ident $u:ident $double:literal $kernel:ident $eval:ident) => {
        #[test]
        fn $name() {
            // NaNs are only asked to be NaNs.
            let bits = |x: $t| if x.is_nan() { $t::NAN.to_bits() } else { x.to_bits() };
            for m in M::ALL {
                let v = inputs!($t, $u, $double, m);
                let (a, b): (Vec<$t>, Vec<$t>) = v.iter().copied().unzip();
                let run = |isa: Isa, from: usize, n: usize| {
                    let mut out = vec![0.0; n];
                    // SAFETY: the instruction set is available; all three have n elements from there.
                    unsafe { $kernel(m, isa)(out.as_mut_ptr(), a[from..].as_ptr(), b[from..].as_ptr(), n) };
                    out
                };
                let all = run(Isa::Portable, 0, a.len());
                for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
                    for (from, n) in [(0, a.len()), (1, 501), (3, 8), (5, 1)] {
                        for (i, y) in run(isa, from, n).into_iter().enumerate() {
                            let x = v[from + i];
                            assert_eq!(bits(y), bits(all[from + i]), "{m:?}{x:?} on {isa:?} and portable");
                        }
                    }
                    // In place.
                    let mut x = a.clone();
                    // SAFETY: as above; results may be written over an operand.
                    unsafe { $kernel(m, isa)(x.as_mut_ptr(), x.as_ptr(), b.as_ptr(), b.len()) };
                    assert!(x.iter().zip(&all).all(|(x, y)| bits(*x) == bits(*y)), "{m:?} in place on {isa:?}");
                }
                for (i, (a, b)) in v.iter().enumerate() {
                    assert_eq!(bits($eval(m, *a, *b)), bits(all[i]), "{m:?}({a:?}, {b:?}) alone");
                }
            }
        }
    };
}
same_bits!(same_bits_everywhere_f32 f32 u32 false kernel32 eval32);
same_bits!(same_bits_everywhere_f64 f64 u64 true kernel64 eval64);
