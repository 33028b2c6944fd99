//! The random numbers of the baseline: NumPy's default generator, element for element, so that both sides work on the same inputs. The
//! generator is PCG64, seeded through a `SeedSequence`; normal numbers come by its ziggurat of 256 layers, whose tables are computed here.

use std::sync::LazyLock;

/// `numpy.random.default_rng(seed)`.
pub struct Random {
    state: u128,
    increment: u128,
    /// The upper half of a word of which the lower has been used.
    half: Option<u32>,
}

/// Stirs a word with a factor that changes from word to word.
fn stirred(x: u32, factor: &mut u32, by: u32) -> u32 {
    let x = x ^ *factor;
    *factor = factor.wrapping_mul(by);
    let x = x.wrapping_mul(*factor);
    x ^ x >> 16
}
/// The words with which a generator begins: a pool of four words, each mixed into each, and what is drawn from it.
fn seeded(seed: u32) -> [u64; 4] {
    let mut factor = 0x43b0_d7e5;
    let mut stir = |x| stirred(x, &mut factor, 0x931e_8875);
    let mut pool = [seed, 0, 0, 0].map(&mut stir);
    for from in 0..4 {
        for to in (0..4).filter(|to| *to != from) {
            let x = pool[to].wrapping_mul(0xca01_f9dd).wrapping_sub(stir(pool[from]).wrapping_mul(0x4973_f715));
            pool[to] = x ^ x >> 16
        }
    }
    let mut factor = 0x8b51_f9dd;
    let mut word = |k: usize| u64::from(stirred(pool[k % 4], &mut factor, 0x58f3_8ded));
    std::array::from_fn(|k| word(2 * k) | word(2 * k + 1) << 32)
}

impl Random {
    /// The generator of this seed.
    pub fn new(seed: u32) -> Random {
        let [a, b, c, d] = seeded(seed).map(u128::from);
        let mut new = Random { state: 0, increment: (c << 64 | d) << 1 | 1, half: None };
        new.step();
        new.state = new.state.wrapping_add(a << 64 | b);
        new.step();
        new
    }
    fn step(&mut self) {
        const FACTOR: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;
        self.state = self.state.wrapping_mul(FACTOR).wrapping_add(self.increment)
    }
    fn word(&mut self) -> u64 {
        self.step();
        ((self.state >> 64) as u64 ^ self.state as u64).rotate_right((self.state >> 122) as u32)
    }
    fn half_word(&mut self) -> u32 {
        self.half.take().unwrap_or_else(|| {
            let word = self.word();
            self.half = Some((word >> 32) as u32);
            word as u32
        })
    }
    /// Uniform, from 0 to below 1.
    fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }
    /// `standard_normal`.
    pub fn normal(&mut self) -> f64 {
        let layers = &*LAYERS;
        loop {
            let word = self.word();
            let (layer, negative, bits) =
                ((word & 0xff) as usize, word >> 8 & 1 == 1, word >> 9 & 0x000f_ffff_ffff_ffff);
            let x = bits as f64 * layers.width[layer] / (1u64 << 52) as f64;
            let x = if negative { -x } else { x };
            if bits < layers.inside[layer] {
                return x;
            }
            if layer == 0 {
                loop {
                    let (a, b) = (-(-self.unit()).ln_1p() / EDGE, -(-self.unit()).ln_1p());
                    if b + b > a * a {
                        return if bits >> 8 & 1 == 1 { -(EDGE + a) } else { EDGE + a };
                    }
                }
            }
            let (high, low) = (layers.height[layer - 1], layers.height[layer]);
            if (high - low) * self.unit() + low < (-0.5 * x * x).exp() {
                return x;
            }
        }
    }
    /// `integers(0, below)`.
    pub fn below(&mut self, below: u32) -> u32 {
        let refused = (u32::MAX - (below - 1)) % below;
        loop {
            let product = u64::from(self.half_word()) * u64::from(below);
            // so that each result has as many words
            if product as u32 >= refused {
                return (product >> 32) as u32;
            }
        }
    }
}

/// Where the tail begins, and the area of each layer.
const EDGE: f64 = 3.654_152_885_361_009;
const AREA: f64 = 0.004_928_673_233_974_658;

/// The ziggurat: for each layer its width, the height of the bell at it, and how much of its 2^52 parts lies inside the layer above.
struct Layers {
    width: [f64; 256],
    height: [f64; 256],
    inside: [u64; 256],
}
static LAYERS: LazyLock<Layers> = LazyLock::new(|| {
    let bell = |x: f64| (-0.5 * x * x).exp();
    let (mut width, mut height, mut inside) = ([0.0; 256], [1.0; 256], [0; 256]);
    // the layer at the bottom holds the tail: it is as wide as a box of its area
    width[0] = AREA / bell(EDGE);
    width[255] = EDGE;
    for k in (1..255).rev() {
        width[k] = (-2.0 * (AREA / width[k + 1] + bell(width[k + 1])).ln()).sqrt()
    }
    let parts = |ratio: f64| (ratio * (1u64 << 52) as f64) as u64;
    inside[0] = parts(EDGE / width[0]);
    for k in 1..256 {
        height[k] = bell(width[k]);
        inside[k] = if k == 1 { 0 } else { parts(width[k - 1] / width[k]) }
    }
    Layers { width, height, inside }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_numpy() {
        let mut r = Random::new(3);
        let first: [f64; 3] = std::array::from_fn(|_| r.normal());
        for (x, want) in first.iter().zip([0x4000_53cd_6781_0b16u64, 0xc004_7200_8208_33aa, 0x3fda_c221_aa4b_aeaf]) {
            // the tables are computed, so the last digits may differ
            assert!((x / f64::from_bits(want) - 1.0).abs() < 1e-13, "{x}");
        }
        // as float32 there is no difference in two million, tails and edges of layers among them
        let mut r = Random::new(7);
        let all: Vec<f32> = (0..2_000_000).map(|_| r.normal() as f32).collect();
        assert_eq!(all.iter().map(|x| u64::from(x.to_bits())).sum::<u64>(), 4_261_827_967_942_148);
        let extremes = all.iter().fold((0f32, 0f32), |(low, high), x| (low.min(*x), high.max(*x)));
        assert_eq!(extremes, (-4.788006, 5.5336018));

        // two draws from one generator go on with the half of a word that is left
        let mut r = Random::new(4);
        let thousand: [u32; 5] = std::array::from_fn(|_| r.below(1000));
        let ten: [u32; 6] = std::array::from_fn(|_| r.below(10));
        assert_eq!((thousand, ten), ([726, 943, 881, 511, 940], [9, 9, 0, 4, 6, 2]));
        // many words are refused
        let mut r = Random::new(4);
        assert_eq!((0..3000).map(|_| u64::from(r.below(3_000_000_000))).sum::<u64>(), 4_519_370_080_657);
    }
}
