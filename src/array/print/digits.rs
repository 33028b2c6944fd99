//! The decimal digits of floating-point numbers.
//!
//! Everything here is exact integer arithmetic on fractions, in the manner of Steele and White: a number and its distances to
//! the middle of its neighbors are multiplied by ten again and again, each time yielding one digit. The shortest digits that read
//! back as the same number, rounding to a given place, and both at once then are one loop with different places to stop.

use std::cmp::Ordering;

use crate::dtype::DType;

/// A natural number of any size: 32 bits per word, the lowest first, the highest not zero.
#[derive(Clone, PartialEq, Eq)]
struct Natural(Vec<u32>);

impl Natural {
    fn shifted(x: u64, left: u32) -> Natural {
        let mut words = vec![0; (left / 32) as usize];
        let x = (x as u128) << (left % 32);
        words.extend((0..4).map(|i| (x >> (32 * i)) as u32));
        let mut n = Natural(words);
        n.trim();
        n
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn multiply(&mut self, by: u32) {
        let mut carry = 0;
        for word in &mut self.0 {
            let product = *word as u64 * by as u64 + carry;
            *word = product as u32;
            carry = product >> 32;
        }
        if carry != 0 {
            self.0.push(carry as u32);
        }
    }

    fn multiply_power_of_ten(&mut self, mut exponent: u32) {
        while exponent >= 9 {
            self.multiply(1_000_000_000);
            exponent -= 9;
        }
        self.multiply(10u32.pow(exponent));
    }

    fn plus(&self, other: &Natural) -> Natural {
        let mut carry = 0;
        let mut words = Vec::with_capacity(self.0.len().max(other.0.len()) + 1);
        for i in 0..self.0.len().max(other.0.len()) {
            let word = |n: &Natural| n.0.get(i).copied().unwrap_or(0) as u64;
            let sum = word(self) + word(other) + carry;
            words.push(sum as u32);
            carry = sum >> 32;
        }
        if carry != 0 {
            words.push(carry as u32);
        }
        Natural(words)
    }

    /// Subtracts a number that is not larger.
    fn subtract(&mut self, other: &Natural) {
        let mut borrow = false;
        for (i, word) in self.0.iter_mut().enumerate() {
            let (difference, b1) = word.overflowing_sub(other.0.get(i).copied().unwrap_or(0));
            let (difference, b2) = difference.overflowing_sub(borrow as u32);
            *word = difference;
            borrow = b1 || b2;
        }
        self.trim();
    }

    fn compare(&self, other: &Natural) -> Ordering {
        let by_length = self.0.len().cmp(&other.0.len());
        by_length.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }

    /// Divides by a number more than a tenth as large, keeps the remainder and returns the quotient.
    fn take_digit(&mut self, divisor: &Natural) -> u8 {
        let mut digit = 0;
        while self.compare(divisor) != Ordering::Less {
            self.subtract(divisor);
            digit += 1;
        }
        digit
    }
}

/// Digits from 0 to 9, of which the first has the value `10^exponent`. The first digit is zero only for the number zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Digits {
    pub digits: Vec<u8>,
    pub exponent: i32,
}

/// Where to stop making digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// As soon as the digits tell the number from all others of its type.
    Shortest,
    /// Likewise, but never further than so many digits behind the point.
    Behind(usize),
    /// Likewise, but never further than so many digits behind the first.
    AtMost(usize),
    /// After exactly so many digits behind the first, even if fewer would do.
    Exactly(usize),
}

/// The digits of a finite number, sign left aside, as a number of the floating-point type `kind`.
///
/// If the digits end where they tell the number from others, they are the nearest to it of all digits as short. If they end at a
/// fixed place, the exact value is rounded there, ties to the even digit.
pub fn digits(x: f64, kind: DType, stop: Stop) -> Digits {
    let x = x.abs();
    if x == 0.0 {
        return Digits { digits: vec![0], exponent: 0 };
    }
    let (mantissa, exponent, narrow_below) = decompose(x, kind);
    let even = mantissa.is_multiple_of(2);

    // x is value / scale. The interval that rounds to x reaches down by below / scale and up by above / scale: half a unit
    // of the mantissa, or a quarter below where the spacing changes. Hence the factor of four.
    let (up, down) = (exponent.max(0) as u32, (-exponent).max(0) as u32);
    let mut value = Natural::shifted(mantissa, up + 2);
    let mut scale = Natural::shifted(1, down + 2);
    let mut above = Natural::shifted(1, up + 1);
    let mut below = Natural::shifted(1, if narrow_below { up } else { up + 1 });

    // The logarithm may be off by one next to a power of ten; the loops put that right.
    let mut first = x.log10().floor() as i32;
    if first > 0 {
        scale.multiply_power_of_ten(first as u32);
    } else {
        for n in [&mut value, &mut above, &mut below] {
            n.multiply_power_of_ten(-first as u32);
        }
    }
    while value.compare(&scale) == Ordering::Less {
        first -= 1;
        for n in [&mut value, &mut above, &mut below] {
            n.multiply(10);
        }
    }
    loop {
        let mut ten = scale.clone();
        ten.multiply(10);
        if value.compare(&ten) == Ordering::Less {
            break;
        }
        first += 1;
        scale = ten;
    }

    // Digits stop at the place `last` at the latest, and not before the place `least`.
    let (least, last) = match stop {
        Stop::Shortest => (i32::MAX, i32::MIN),
        Stop::Behind(n) => (i32::MAX, -(n as i32)),
        Stop::AtMost(n) => (i32::MAX, first - n as i32),
        Stop::Exactly(n) => (first - n as i32, first - n as i32),
    };
    let mut digits = Vec::new();
    let mut place = first;
    let round_down = loop {
        let digit = value.take_digit(&scale);
        digits.push(digit);
        // Do the digits so far, or with one more in the last, lie in the interval? Its ends count if the mantissa is even.
        let inside = |order: Ordering| order == Ordering::Less || (even && order == Ordering::Equal);
        let low = inside(value.compare(&below));
        let high = inside(scale.compare(&value.plus(&above)));
        if ((low || high) && place <= least) || place <= last {
            if low != high {
                break low;
            }
            value.multiply(2);
            break match value.compare(&scale) {
                Ordering::Less => true,
                Ordering::Equal => digit.is_multiple_of(2),
                Ordering::Greater => false,
            };
        }
        place -= 1;
        for n in [&mut value, &mut above, &mut below] {
            n.multiply(10);
        }
    };
    let mut out = Digits { digits, exponent: first };
    if !round_down {
        out.add_one_in_the_last();
    }
    out
}

impl Digits {
    fn add_one_in_the_last(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < 9 {
                *digit += 1;
                return;
            }
            *digit = 0;
        }
        // All were nines: a one and as many zeros, of which the last is one too many.
        self.digits[0] = 1;
        self.exponent += 1;
    }

    /// The digits before the point and those behind, without trailing zeros.
    pub fn positional(&self) -> (String, String) {
        let digit = |place: i32| {
            let i = self.exponent as i64 - place as i64;
            (b'0' + usize::try_from(i).ok().and_then(|i| self.digits.get(i).copied()).unwrap_or(0)) as char
        };
        let whole = (0..=self.exponent.max(0)).rev().map(digit).collect();
        let last = self.exponent - self.digits.len() as i32 + 1;
        let mut fraction: String = (last..0).rev().map(digit).collect();
        fraction.truncate(fraction.trim_end_matches('0').len());
        (whole, fraction)
    }

    /// The first digit and those behind it, without trailing zeros.
    pub fn scientific(&self) -> (String, String) {
        let mut text = self.digits.iter().map(|d| (b'0' + d) as char);
        let first = text.by_ref().take(1).collect();
        let mut rest: String = text.collect();
        rest.truncate(rest.trim_end_matches('0').len());
        (first, rest)
    }
}

/// The mantissa and the exponent of two of a positive number in its own type, and whether the next smaller number is nearer than
/// the next larger one.
fn decompose(x: f64, kind: DType) -> (u64, i32, bool) {
    let info = kind.float_info().unwrap_or_else(|| panic!("{kind} is not a floating-point type"));
    // As a double first.
    let bits = x.to_bits();
    let (field, fraction) = ((bits >> 52) as i32 & 0x7ff, bits & ((1 << 52) - 1));
    let (mut mantissa, mut exponent) = if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field - 1075) };
    // Then cut to the width of the type, which loses nothing: the number is one of that type.
    let smallest = info.smallest_subnormal.log2() as i32;
    let surplus = 63 - mantissa.leading_zeros() as i32 - info.mantissa_bits as i32;
    let shift = surplus.max(smallest - exponent);
    debug_assert_eq!(mantissa & ((1 << shift) - 1), 0, "{x} is not a number of the type {kind}");
    mantissa >>= shift;
    exponent += shift;
    (mantissa, exponent, mantissa == 1 << info.mantissa_bits && exponent > smallest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(d: &Digits) -> String {
        let (whole, fraction) = d.scientific();
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{whole}{point}{fraction}e{}", d.exponent)
    }

    /// Bit patterns without a pattern (the generator SplitMix64).
    fn patterns(n: usize) -> impl Iterator<Item = u64> {
        let mut state = 0u64;
        let next = move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        std::iter::repeat_with(next).take(n)
    }

    /// The library rounds ties upward, so a text that differs must be of the same length and the value rounded to that length.
    fn assert_shortest(x: f64, kind: DType, library: String) {
        let found = text(&digits(x, kind, Stop::Shortest));
        if found != library {
            assert_eq!(found.len(), library.len(), "{found} or {library}");
            let behind = found.split_once('e').map_or(0, |(mantissa, _)| mantissa.len() - 2);
            assert_eq!(found, format!("{x:.behind$e}"), "not {library}");
        }
    }

    #[test]
    fn shortest_agrees_with_the_standard_library() {
        for bits in patterns(20_000) {
            // Every other number near one, the rest anywhere.
            let exponent = if bits.is_multiple_of(2) { 0x3ff0_0000_0000_0000 } else { bits & 0x7ff0_0000_0000_0000 };
            let x = f64::from_bits(exponent | bits & 0x000f_ffff_ffff_ffff);
            if x.is_finite() {
                assert_shortest(x, DType::Float64, format!("{x:e}"));
            }
            let y = f32::from_bits((bits >> 32) as u32).abs();
            if y.is_finite() {
                assert_shortest(y as f64, DType::Float32, format!("{y:e}"));
            }
        }
        for x in (-1074..1024).map(|exponent| 2f64.powi(exponent)) {
            assert_shortest(x, DType::Float64, format!("{x:e}"));
        }
        // A tie: 437327.125 has both 437327.12 and 437327.13 as its shortest digits.
        assert_eq!(text(&digits(437327.125, DType::Float32, Stop::Shortest)), "4.3732712e5");
    }

    #[test]
    fn a_fixed_number_of_digits_agrees_with_the_standard_library() {
        for bits in patterns(5_000) {
            let x = f64::from_bits(bits & 0x7fff_ffff_ffff_ffff);
            let n = (bits % 30) as usize;
            if x.is_finite() {
                let found = digits(x, DType::Float64, Stop::Exactly(n.max(17)));
                let mut wanted = format!("{x:.*e}", n.max(17));
                if let Some((mantissa, exponent)) = wanted.clone().split_once('e') {
                    wanted = format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'));
                }
                assert_eq!(text(&found), wanted);
            }
        }
    }

    #[test]
    fn every_half_reads_back_and_none_shorter_does() {
        for bits in 1..0x7c00u16 {
            let x = half::f16::from_bits(bits);
            let found = digits(x.to_f64(), DType::Float16, Stop::Shortest);
            let back = |d: &Digits| half::f16::from_f32(text(d).parse::<f32>().unwrap());
            assert_eq!(back(&found), x);
            let n = found.digits.len();
            if n > 1 {
                // The two numbers of one digit less on either side.
                let mut below = found.clone();
                below.digits.pop();
                let mut above = below.clone();
                above.add_one_in_the_last();
                assert!(back(&below) != x && back(&above) != x, "{x} as {}", text(&found));
            }
        }
    }

    #[test]
    fn ties_go_to_the_even_digit() {
        let at = |x, n| text(&digits(x, DType::Float64, Stop::Behind(n)));
        assert_eq!((at(0.125, 2), at(0.375, 2), at(2.5, 0), at(3.5, 0)), tuple(["1.2e-1", "3.8e-1", "2e0", "4e0"]));
        assert_eq!(at(9.996, 2), "1e1");
        assert_eq!(digits(0.0, DType::Float32, Stop::Exactly(3)), Digits { digits: vec![0], exponent: 0 });
    }

    fn tuple(x: [&str; 4]) -> (String, String, String, String) {
        (x[0].into(), x[1].into(), x[2].into(), x[3].into())
    }
}
