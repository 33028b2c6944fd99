//! Functions of `f32` that give the bits that JAX gives.

use crate::M;
use crate::isa::isa;
use crate::math::kernel32;

/// Checksums of the results of jax 0.10.2 on a CPU: the output of `tools/jax_bits.py`.
const JAX: [(M, u64); 8] = [
    (M::Exp, 0xdaba7f0709466cbb),
    (M::Expm1, 0xa2753d5519e2ba42),
    (M::Log, 0x104dbfc72ed1d809),
    (M::Log1p, 0x9df15cdba7b933e0),
    (M::Tanh, 0x8fcafe6ebb8d2f74),
    (M::Logistic, 0xcaabfdaf6a830fff),
    (M::Erf, 0xbdca5428e8dc4b29),
    (M::ErfInv, 0xeb09387ff00cabae),
];

/// The arguments: a stride through all bit patterns, and magnitudes from 2^-10 to 2^7 of both signs.
fn arguments() -> Vec<f32> {
    let n = 1u32 << 20;
    let all = (0..n).map(|i| i.wrapping_mul(4093).wrapping_add(17));
    let middle = (0..n).map(|i| 0x3a80_0000 + 136 * i + ((i & 1) << 31));
    all.chain(middle).map(f32::from_bits).collect()
}

#[test]
fn two_million_results_have_the_bits_of_jax() {
    let x = arguments();
    for (m, want) in JAX {
        let mut y = vec![0.0; x.len()];
        // SAFETY: the instruction set is available, and all three have that many elements.
        unsafe { kernel32(m, isa())(y.as_mut_ptr(), x.as_ptr(), x.as_ptr(), x.len()) };
        let mut got = 0u64;
        for (i, (x, y)) in x.iter().zip(&y).enumerate() {
            // XLA flushes subnormal arguments and results to zero, and its exponential is inaccurate just before the overflow;
            // this crate does neither.
            let other = (*x > 88.37 && *x < 88.73) || x.is_subnormal();
            let bits = if other || y.abs() < f32::MIN_POSITIVE {
                0
            } else if y.is_nan() {
                0x7fc0_0000
            } else {
                y.to_bits()
            };
            got = got.wrapping_add((bits as u64).wrapping_mul(2 * i as u64 + 1));
        }
        assert_eq!(got, want, "{m:?}");
    }
}
