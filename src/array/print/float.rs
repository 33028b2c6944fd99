//! Floating-point numbers as text: single numbers, and columns of numbers in a common form.

use super::digits::{Digits, Stop, digits};
use crate::dtype::DType;

/// Most digits behind the point, or behind the first digit, in an array.
const PRECISION: usize = 8;

/// The parts of a number as text.
struct Parts {
    /// Sign and digits before the point.
    whole: String,
    /// Digits behind the point.
    fraction: String,
    /// The exponent of ten, if there is one.
    exponent: Option<i32>,
}

fn sign(x: f64, plus: bool) -> &'static str {
    match (x.is_sign_negative(), plus) {
        (true, _) => "-",
        (false, true) => "+",
        (false, false) => "",
    }
}

fn positional(x: f64, kind: DType, stop: Stop, plus: bool) -> Parts {
    let (whole, fraction) = digits(x, kind, stop).positional();
    Parts { whole: format!("{}{whole}", sign(x, plus)), fraction, exponent: None }
}

fn scientific(x: f64, kind: DType, stop: Stop, plus: bool) -> Parts {
    let found: Digits = digits(x, kind, stop);
    let (whole, fraction) = found.scientific();
    Parts { whole: format!("{}{whole}", sign(x, plus)), fraction, exponent: Some(found.exponent) }
}

/// Infinity or not a number. A sign is printed only where it means something, or where `plus` asks for one.
fn not_finite(x: f64, plus: bool) -> String {
    match x.is_nan() {
        true => format!("{}nan", if plus { "+" } else { "" }),
        false => format!("{}inf", sign(x, plus)),
    }
}

/// A single number: the shortest digits that read back as the same number of its type. Very large and very small numbers
/// are in scientific notation, where "large" depends on how many digits the type has.
pub fn scalar(x: f64, kind: DType, point: bool, plus: bool) -> String {
    if !x.is_finite() {
        return not_finite(x, plus);
    }
    let large = match kind {
        DType::Float16 => 1e3,
        DType::Float32 => 1e6,
        _ => 1e16,
    };
    if x == 0.0 || (1e-4..large).contains(&x.abs()) {
        let Parts { whole, fraction, .. } = positional(x, kind, Stop::Shortest, plus);
        return match (fraction.as_str(), point) {
            ("", false) => whole,
            ("", true) => whole + ".0",
            _ => format!("{whole}.{fraction}"),
        };
    }
    let Parts { whole, fraction, exponent } = scientific(x, kind, Stop::Shortest, plus);
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{whole}{point}{fraction}e{:+03}", exponent.unwrap_or(0))
}

/// A single complex number. A real part of plain zero is left out.
pub fn complex_scalar(re: f64, im: f64, kind: DType) -> String {
    if re == 0.0 && re.is_sign_positive() {
        return scalar(im, kind, false, false) + "j";
    }
    format!("({}{}j)", scalar(re, kind, false, false), scalar(im, kind, false, true))
}

/// Six significant digits without trailing zeros, as C's `%g` prints.
pub fn general(x: f64) -> String {
    const DIGITS: i32 = 6;
    if !x.is_finite() {
        return not_finite(x, false);
    }
    let text = format!("{:.*e}", DIGITS as usize - 1, x);
    let (mantissa, exponent) = text.split_once('e').expect("this format has an exponent");
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match exponent.parse::<i32>().expect("an exponent is an integer") {
        e if (-4..DIGITS).contains(&e) => trim(&format!("{:.*}", (DIGITS - 1 - e) as usize, x)),
        e => format!("{}e{e:+03}", trim(mantissa)),
    }
}

/// Should these numbers be printed in scientific notation? The comparisons are those of the type itself.
fn wants_exponent(finite: &[f64], kind: DType) -> bool {
    let sizes = || finite.iter().map(|x| x.abs()).filter(|&x| x != 0.0);
    let max = sizes().fold(0.0, f64::max);
    let min = sizes().fold(f64::INFINITY, f64::min);
    if max == 0.0 {
        return false;
    }
    let (large, small, ratio) = match kind {
        DType::Float16 => {
            let round = |x: f64| half::f16::from_f32(x as f32).to_f64();
            (1e3, round(1e-4), round((max as f32 / min as f32) as f64))
        }
        DType::Float32 => (1e6, 1e-4f32 as f64, (max as f32 / min as f32) as f64),
        _ => (1e8, 1e-4, max / min),
    };
    max >= large || min < small || ratio > 1000.0
}

/// The numbers of an array, all in the same form and as wide as the widest.
pub fn column(values: &[f64], kind: DType, plus: bool) -> Vec<String> {
    let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    let parts: Vec<Parts> = if wants_exponent(&finite, kind) {
        let lengths = finite.iter().map(|&x| scientific(x, kind, Stop::AtMost(PRECISION), plus).fraction.len());
        let length = lengths.max().unwrap_or(0);
        let full = |&x: &f64| {
            let mut parts = scientific(x, kind, Stop::Exactly(length), plus);
            let zeros = length - parts.fraction.len();
            parts.fraction.extend(std::iter::repeat_n('0', zeros));
            parts
        };
        finite.iter().map(full).collect()
    } else {
        finite.iter().map(|&x| positional(x, kind, Stop::Behind(PRECISION), plus)).collect()
    };
    let widest = |length: &dyn Fn(&Parts) -> usize| parts.iter().map(length).max().unwrap_or(0);
    let exponent_digits = widest(&|p| p.exponent.map_or(0, |e| e.unsigned_abs().to_string().len().max(2)));
    let mut left = widest(&|p| p.whole.len());
    // What stands behind the point: digits, and the exponent with its letter and its sign.
    let right = widest(&|p| p.fraction.len()) + if exponent_digits > 0 { exponent_digits + 2 } else { 0 };
    for &x in values.iter().filter(|x| !x.is_finite()) {
        // These words fill the whole column, point included; where it is too narrow for them it grows to the left.
        left = left.max(not_finite(x, plus).len().saturating_sub(right + 1));
    }
    let mut parts = parts.into_iter();
    let word = |&x: &f64| {
        if !x.is_finite() {
            return format!("{:>1$}", not_finite(x, plus), left + right + 1);
        }
        let Parts { whole, fraction, exponent } = parts.next().expect("one for each finite number");
        let exponent = exponent.map_or(String::new(), |e| {
            format!("e{}{:02$}", if e < 0 { '-' } else { '+' }, e.unsigned_abs(), exponent_digits)
        });
        format!("{whole:>left$}.{:<right$}", fraction + &exponent)
    };
    values.iter().map(word).collect()
}
