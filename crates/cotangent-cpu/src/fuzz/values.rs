//! Random elements, and the comparison of results.

use super::Rng;
use crate::Dt;
use crate::reference::scalar;
use crate::{Op, text};

/// What numbers are like.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Mood {
    /// Around 1, of both signs, with all bits of the significand: what shows the order of a sum.
    Tame,
    /// Small integers: what gives ties.
    Small,
    /// Tame ones with special ones between them.
    Sprinkled,
    /// Special ones only.
    Special,
    /// Any bits.
    Wild,
}

impl Mood {
    pub(super) fn any(r: &mut Rng) -> Mood {
        r.pick(&[
            Mood::Tame,
            Mood::Tame,
            Mood::Tame,
            Mood::Tame,
            Mood::Small,
            Mood::Sprinkled,
            Mood::Special,
            Mood::Wild,
        ])
    }
}

/// The bits of a number as one of this type.
fn from_f64(dt: Dt, x: f64) -> u64 {
    scalar(Op::Cast, dt, Dt::F64, x.to_bits(), 0, 0)
}

/// One word of an element.
fn word(r: &mut Rng, dt: Dt, mood: Mood) -> u64 {
    let bits = r.next();
    let low = |x: u64| x & u64::MAX >> (64 - 8 * dt.size());
    match (dt, mood) {
        (Dt::Bool, _) => bits & 1,
        (_, Mood::Sprinkled) => {
            let mood = if r.once_in(12) { Mood::Special } else { Mood::Tame };
            word(r, dt, mood)
        }
        (_, Mood::Wild) => low(bits),
        (_, Mood::Small) => from_f64(dt, r.range(-4, 4) as f64),
        _ if dt.is_float() && mood == Mood::Tame => {
            let x = (bits >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
            let scale = r.pick(&[1.0, 1.0, 1.0, 4.0, 0.25, 100.0, 0.001]);
            from_f64(dt, x * scale)
        }
        _ if dt.is_float() => {
            let least = |dt: Dt| f64::from_bits(scalar(Op::Cast, Dt::F64, dt, 1, 0, 0));
            let infinity = from_f64(dt, f64::INFINITY);
            match r.below(14) {
                0 => from_f64(dt, f64::NAN),
                1 => infinity,
                2 => from_f64(dt, f64::NEG_INFINITY),
                3 => from_f64(dt, 0.0),
                4 => from_f64(dt, -0.0),
                5 => from_f64(dt, least(dt)),
                6 => from_f64(dt, -least(dt) * (1.0 + (bits & 7) as f64)),
                // The greatest number.
                7 => infinity - 1,
                8 => (infinity - 1) | (1 << (8 * dt.size() - 1)),
                9 => from_f64(dt, 1.0),
                10 => from_f64(dt, -1.0),
                11 => from_f64(dt, 0.5),
                12 => from_f64(dt, r.range(-300, 300) as f64 + 0.5),
                // Around the ends of integer types.
                _ => from_f64(
                    dt,
                    r.pick(&[127.0, 128.0, -129.0, 255.0, 65536.0, -2147483649.0, 4294967295.0, 9.3e18, 1.9e19]),
                ),
            }
        }
        _ if mood == Mood::Tame => low(r.range(-100, 100) as u64),
        // Integers: the extremes, all ones, and what shifts and divisions stumble over.
        _ => {
            let top = 1u64 << (8 * dt.size() - 1);
            low(r.pick(&[0, 1, 2, top, top - 1, top + 1, u64::MAX, u64::MAX - 1, 7, 8, 31, 32, 63, 64, bits]))
        }
    }
}

/// An element.
pub(super) fn element(r: &mut Rng, dt: Dt, mood: Mood) -> [u64; 2] {
    let first = word(r, dt.part(), mood);
    [first, if dt.is_complex() { word(r, dt.part(), mood) } else { 0 }]
}

/// The bytes of `n` elements.
pub(super) fn array(r: &mut Rng, dt: Dt, n: usize, mood: Mood) -> Vec<u8> {
    let size = dt.part().size();
    let mut bytes = Vec::with_capacity(n * dt.size());
    for _ in 0..n * dt.size() / size {
        bytes.extend_from_slice(&word(r, dt.part(), mood).to_le_bytes()[..size]);
    }
    bytes
}

/// Are two arrays of this type equal, bit for bit, a NaN being equal to every NaN? If not: where they first differ.
pub fn same(dt: Dt, a: &[u8], b: &[u8]) -> Result<(), String> {
    if a.len() != b.len() {
        return Err(format!("{} bytes against {}", a.len(), b.len()));
    }
    let (part, size) = (dt.part(), dt.part().size());
    let word = |b: &[u8]| b.iter().rev().fold(0, |w, x| w << 8 | *x as u64);
    let nan = |x: u64| scalar(Op::Ne, Dt::Bool, part, x, x, 0) != 0;
    let different: Vec<usize> = (0..a.len() / size)
        .filter(|i| {
            let (x, y) = (&a[i * size..(i + 1) * size], &b[i * size..(i + 1) * size]);
            x != y && !(nan(word(x)) && nan(word(y)))
        })
        .collect();
    let Some(first) = different.first() else { return Ok(()) };
    let show = |bytes: &[u8]| {
        let x = word(&bytes[first * size..(first + 1) * size]);
        format!("{} ({x:#x})", text::number(part, [x, 0]))
    };
    let what = match (dt.is_complex(), first % 2) {
        (false, _) => "",
        (true, 0) => ", real part",
        (true, _) => ", imaginary part",
    };
    Err(format!(
        "element {}{what}: {} against {}; {} of {} numbers differ",
        first * size / dt.size(),
        show(a),
        show(b),
        different.len(),
        a.len() / size
    ))
}
