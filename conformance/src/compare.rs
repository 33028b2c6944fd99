//! Do results agree with the recorded ones?
//!
//! 1. Element type and shape agree exactly; weakness only in the plain value.
//! 2. Truth values, integers and keys are equal. So are, bit for bit, results made only of movement, selection, comparison and correctly rounded
//!    arithmetic ([`Profile::exact`]). NaN equals NaN whatever its payload, and where IEEE 754 leaves the sign of a zero open, so do we.
//! 3. Everything else lies within `atol + rtol * |expected|`, where `rtol` depends on the element type and `atol = rtol * max |expected|` over the
//!    array. Derivatives get twenty times that.
//! 4. The tolerance of the original test widens this, except for the checks against finite differences, whose tolerances mean something else.
//! 5. Documented allowances: see [`Allowance::new`].
//! 6. The reference flushes some subnormal numbers to zero: a subnormal agrees with a recorded zero.

use std::fmt;

use cotangent::jaxpr::json::ArrayData;

use crate::number::{Kind, format, kind, numbers, same, show};
use crate::profile::Profile;
use crate::record::Record;

/// What of a record is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The results of the program.
    Value,
    /// The results of the program on several inputs at once.
    Batched,
    /// Tangents, cotangents and second derivatives.
    Derivative,
}

/// How far results may be from the recorded ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Allowance {
    /// Must the bits agree?
    pub exact: bool,
    /// Where the bits must agree: by how many units in the last place they may differ all the same.
    pub ulps: f64,
    /// May a zero have either sign?
    pub zero_sign: bool,
    /// Relative to each expected element, and to the greatest.
    pub rtol: f64,
    /// Besides, an absolute tolerance.
    pub atol: f64,
}

/// A sum of more terms than this gets a wider tolerance.
const LONG_SUM: usize = 64;

/// The factor for programs that factorize matrices or solve systems.
const LINEAR_ALGEBRA: f64 = 30.0;

/// The factor for sums of half-precision numbers.
const HALF_SUM: f64 = 4.0;

/// However the factors multiply, a result of the wrong sign must fail.
const LOOSEST: f64 = 0.4;

/// Units in the last place of the greatest operand by which a sum may be off, however small it is itself.
const SUM_ULPS: f64 = 4.0;

/// Units in the last place of the greatest result of a derivative below which another one is taken for rounding errors.
const VANISHING_ULPS: f64 = 64.0;

/// Units in the last place by which a product with a rounded reciprocal may be off.
const RECIPROCAL_ULPS: f64 = 2.0;

fn base_rtol(dtype: &str) -> f64 {
    match dtype {
        "float64" | "complex128" => 1e-12,
        "float32" | "complex64" => 1e-5,
        "float16" => 2e-3,
        "bfloat16" => 2e-2,
        _ => 0.15,
    }
}

impl Allowance {
    /// The allowance for result number `index` of a part of a record, whose recorded `results` are all given. `operands` are the arrays that went in.
    ///
    /// Beyond the tolerance of the type there are these allowances, each for programs that do the thing anywhere:
    /// - sums of more than 64 terms: times the root of the number of terms over 64, since rounding errors add up like a random walk;
    /// - sums of half-precision numbers: times 4, since back ends accumulate in different types (derivatives have room enough);
    /// - programs that only move and add: 4 units in the last place of the greatest operand, since terms may cancel and the order of summation
    ///   is open;
    /// - derivatives that vanish, but not exactly: where every recorded element is within 64 units in the last place of the greatest among all
    ///   results of the section, what was recorded is the rounding of terms that cancel, and ours may be another within as much;
    /// - divisions on several inputs at once of which some are shared: 2 units in the last place, since XLA multiplies by the reciprocal of a divisor
    ///   that is repeated (the quotients here are correctly rounded);
    /// - factorizations and solvers: times 30, for the condition of the matrix; and their derivatives also vanish where every recorded element is within 30 units
    ///   in the last place of the greatest among the program's results.
    pub fn new(
        record: &Record,
        profile: &Profile,
        part: Part,
        index: usize,
        results: &[ArrayData],
        operands: &[ArrayData],
    ) -> Allowance {
        let expected = &results[index];
        let dtype = expected.dtype.as_str();
        let exact = part != Part::Derivative && profile.exact.get(index).copied().unwrap_or(false);
        let Some(format) = format(dtype) else {
            return Allowance { exact: true, ulps: 0.0, zero_sign: false, rtol: 0.0, atol: 0.0 };
        };
        let shared = record.vmap.as_ref().is_some_and(|v| v.in_axes.contains(&None));
        let ulps = if part == Part::Batched && profile.divides && shared { RECIPROCAL_ULPS } else { 0.0 };
        let sums = profile.terms > 1;
        let mut factor = if part == Part::Derivative { 20.0 } else { 1.0 };
        if profile.linear_algebra {
            factor *= LINEAR_ALGEBRA;
        }
        if profile.terms > LONG_SUM {
            factor *= (profile.terms as f64 / LONG_SUM as f64).sqrt();
        }
        if sums && format.bits <= 16 && part != Part::Derivative {
            factor *= HALF_SUM;
        }
        let mut rtol = (factor * base_rtol(dtype)).min(LOOSEST);
        let mut atol = 0.0;
        let ulps_of =
            |ulps: f64, all: &[ArrayData]| ulps * format.epsilon() * all.iter().map(greatest).fold(0.0, f64::max);
        if sums && profile.additive {
            atol = ulps_of(SUM_ULPS, operands);
        }
        // what cancels in the derivative of a factorization is as large as the results
        let noise = if profile.linear_algebra { ulps_of(LINEAR_ALGEBRA, &record.y) } else { 0.0 };
        let rounding = ulps_of(VANISHING_ULPS, results).max(noise);
        if part == Part::Derivative && (f64::MIN_POSITIVE..=rounding).contains(&greatest(expected)) {
            atol = atol.max(rounding);
        }
        if !matches!(record.hook.as_str(), "check_grads" | "check_jvp" | "check_vjp")
            && let Some(asked) = record.tol.get(dtype).or_else(|| record.tol.get("*"))
        {
            rtol = rtol.max(asked.rtol);
            atol = f64::max(atol, asked.atol);
        }
        Allowance { exact, ulps, zero_sign: profile.zero_sign, rtol, atol }
    }

    /// Compares an array with the recorded one. `others` are further results that would do as well, element by element.
    pub fn check(&self, expected: &ArrayData, found: &ArrayData, others: &[ArrayData]) -> Result<(), Box<Difference>> {
        let tuple = |a: &ArrayData| format!("{}{:?}", a.dtype, a.shape);
        for found in std::iter::once(found).chain(others) {
            if expected.dtype != found.dtype || expected.shape != found.shape {
                return Err(Box::new(Difference::Type { expected: tuple(expected), found: tuple(found) }));
            }
            if expected.bytes.len() != found.bytes.len() {
                return Err(Box::new(Difference::Type {
                    expected: format!("{} bytes", expected.bytes.len()),
                    found: format!("{} bytes", found.bytes.len()),
                }));
            }
        }
        let errors = std::iter::once(found).chain(others).map(|found| self.errors(expected, found)).reduce(|a, b| {
            // Each element takes the best of its answers.
            a.into_iter().zip(b).map(|(a, b)| a.min(b)).collect()
        });
        let errors = errors.expect("there is one answer at least");
        let wrong = |e: &f64| *e > 1.0;
        let Some(first) = errors.iter().position(wrong) else { return Ok(()) };
        let worst = (0..errors.len()).max_by(|&a, &b| errors[a].total_cmp(&errors[b])).unwrap_or(first);
        let at = |i| Element {
            index: position(i, &expected.shape),
            found: show(found, i),
            expected: show(expected, i),
            error: errors[i],
        };
        Err(Box::new(Difference::Elements {
            first: at(first),
            worst: (errors[worst] > errors[first]).then(|| at(worst)),
            wrong: errors.iter().filter(|e| wrong(e)).count(),
            of: errors.len(),
            unit: if kind(&expected.dtype) == Kind::Exact {
                None
            } else {
                Some(if self.exact { "units in the last place" } else { "times the tolerance" })
            },
        }))
    }

    /// For each element its error in units of what is allowed; up to 1 is right.
    fn errors(&self, expected: &ArrayData, found: &ArrayData) -> Vec<f64> {
        match kind(&expected.dtype) {
            Kind::Float0 => vec![],
            Kind::Exact => {
                let width = expected.bytes.len() / expected.len().max(1);
                let pairs = expected.bytes.chunks(width.max(1)).zip(found.bytes.chunks(width.max(1)));
                pairs.map(|(e, f)| if same(&expected.dtype, e, f) { 0.0 } else { f64::INFINITY }).collect()
            }
            Kind::Real | Kind::Complex => {
                let format = format(&expected.dtype).expect("a floating-point type");
                let (want, got) = (numbers(expected), numbers(found));
                let atol = self.atol + self.rtol * greatest(expected);
                let pairs = want.iter().zip(&got);
                if self.exact {
                    // One unit counts as wrong; the equal ones have an error of 0.
                    let part = |w: f64, g: f64| {
                        if self.bits_agree(w, g, format.least_normal()) {
                            return 0.0;
                        }
                        let ulp = (w.abs().max(format.least_normal()).log2().floor()).exp2() * format.epsilon();
                        let ulps = (w - g).abs() / ulp;
                        if w != g && ulps <= self.ulps {
                            return 0.0;
                        }
                        if ulps > 1.0 { ulps } else { 1.0 + f64::EPSILON }
                    };
                    pairs.map(|(w, g)| part(w[0], g[0]).max(part(w[1], g[1]))).collect()
                } else {
                    pairs.map(|(w, g)| self.distance(*w, *g, atol, format.least_normal())).collect()
                }
            }
        }
    }

    /// Are two numbers the same, as far as the same bits are asked for?
    fn bits_agree(&self, want: f64, got: f64, least_normal: f64) -> bool {
        want.to_bits() == got.to_bits()
            || (want.is_nan() && got.is_nan())
            || (want == 0.0 && got == 0.0 && self.zero_sign)
            || (want == 0.0 && got != 0.0 && got.abs() < least_normal)
    }

    /// The error of one element in units of its tolerance.
    fn distance(&self, want: [f64; 2], got: [f64; 2], atol: f64, least_normal: f64) -> f64 {
        let finite = |z: [f64; 2]| z[0].is_finite() && z[1].is_finite();
        let nan = |z: [f64; 2]| z[0].is_nan() || z[1].is_nan();
        if finite(want) && finite(got) {
            let difference = (want[0] - got[0]).hypot(want[1] - got[1]);
            let flushed = |w: f64, g: f64| w == g || (w == 0.0 && g.abs() < least_normal);
            if difference == 0.0 || (flushed(want[0], got[0]) && flushed(want[1], got[1])) {
                return 0.0;
            }
            return difference / (atol + self.rtol * want[0].hypot(want[1]));
        }
        if nan(want) && nan(got) {
            return 0.0;
        }
        // An infinite part agrees with itself; the other part of a complex number is compared as a number.
        let part = |w: f64, g: f64| {
            if w == g {
                0.0
            } else if w.is_finite() && g.is_finite() {
                (w - g).abs() / (atol + self.rtol * w.abs())
            } else {
                f64::INFINITY
            }
        };
        part(want[0], got[0]).max(part(want[1], got[1]))
    }
}

/// The greatest finite modulus in an array; 0 for integers.
fn greatest(array: &ArrayData) -> f64 {
    if !matches!(kind(&array.dtype), Kind::Real | Kind::Complex) {
        return 0.0;
    }
    numbers(array).iter().map(|z| z[0].hypot(z[1])).filter(|x| x.is_finite()).fold(0.0, f64::max)
}

/// The position of an element along each axis.
fn position(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut out = vec![0; shape.len()];
    for (place, &size) in out.iter_mut().zip(shape).rev() {
        *place = index % size;
        index /= size;
    }
    out
}

/// How one array differs from another.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// Not of the same type and shape.
    Type {
        /// What was recorded.
        expected: String,
        /// What was computed.
        found: String,
    },
    /// Not the same elements.
    Elements {
        /// The first one that is wrong.
        first: Element,
        /// The one that is most wrong, if that is another.
        worst: Option<Element>,
        /// How many are wrong.
        wrong: usize,
        /// How many there are.
        of: usize,
        /// What the errors are counted in; nothing where elements are equal or not.
        unit: Option<&'static str>,
    },
}

/// An element that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Where it is.
    pub index: Vec<usize>,
    /// What was computed.
    pub found: String,
    /// What was recorded.
    pub expected: String,
    /// How wrong it is.
    pub error: f64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Type { expected, found } => write!(f, "{found} instead of {expected}"),
            Difference::Elements { first, worst, wrong, of, unit } => {
                let one = |f: &mut fmt::Formatter<'_>, e: &Element| {
                    write!(f, "{} instead of {} at {:?}", e.found, e.expected, e.index)?;
                    unit.map_or(Ok(()), |unit| write!(f, ", {:.3} {unit}", e.error))
                };
                one(f, first)?;
                if let Some(worst) = worst {
                    f.write_str("; worst ")?;
                    one(f, worst)?;
                }
                write!(f, "; {wrong} of {of} wrong")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f32s(values: &[f32]) -> ArrayData {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        ArrayData { dtype: "float32".into(), shape: vec![values.len()], weak: false, bytes }
    }

    fn near(rtol: f64) -> Allowance {
        Allowance { exact: false, ulps: 0.0, zero_sign: false, rtol, atol: 0.0 }
    }

    const BITS: Allowance = Allowance { exact: true, ulps: 0.0, zero_sign: false, rtol: 0.0, atol: 0.0 };

    #[test]
    fn tolerance_is_relative_to_the_element_and_to_the_greatest() {
        let want = f32s(&[100.0, 0.0]);
        near(1e-3).check(&want, &f32s(&[100.15, 0.09]), &[]).unwrap();
        let text = near(1e-3).check(&want, &f32s(&[100.0, 0.2]), &[]).unwrap_err().to_string();
        assert_eq!(text, "0.2 instead of 0.0 at [1], 2.000 times the tolerance; 1 of 2 wrong");
        // Another answer that would do as well for the wrong element.
        near(1e-3).check(&want, &f32s(&[100.0, 0.2]), &[f32s(&[7.0, 0.0])]).unwrap();
    }

    #[test]
    fn special_values() {
        let inf = f32::INFINITY;
        let want = f32s(&[f32::NAN, inf, -inf, 0.0]);
        near(1e-5).check(&want, &f32s(&[-f32::NAN, inf, -inf, 1e-40]), &[]).unwrap();
        for got in [
            [0.0, inf, -inf, 0.0],
            [f32::NAN, f32::MAX, -inf, 0.0],
            [f32::NAN, inf, inf, 0.0],
            [f32::NAN, inf, -inf, 1e-30],
        ] {
            near(1e-5).check(&want, &f32s(&got), &[]).unwrap_err();
            BITS.check(&want, &f32s(&got), &[]).unwrap_err();
        }
        BITS.check(&want, &f32s(&[f32::NAN, inf, -inf, 1e-40]), &[]).unwrap();
        BITS.check(&f32s(&[1e-40]), &f32s(&[0.0]), &[]).unwrap_err();
    }

    #[test]
    fn bits_mean_bits() {
        let above = f32::from_bits(1.0f32.to_bits() + 1);
        BITS.check(&f32s(&[1.0]), &f32s(&[1.0]), &[]).unwrap();
        let text = BITS.check(&f32s(&[1.0]), &f32s(&[above]), &[]).unwrap_err().to_string();
        assert_eq!(text, "1.0000001 instead of 1.0 at [0], 1.000 units in the last place; 1 of 1 wrong");
        BITS.check(&f32s(&[0.0]), &f32s(&[-0.0]), &[]).unwrap_err();
        Allowance { zero_sign: true, ..BITS }.check(&f32s(&[0.0]), &f32s(&[-0.0]), &[]).unwrap();
    }

    /// Any record in which some input is shared by the members of the batch.
    fn record() -> Record {
        let shares = |r: &Record| r.vmap.as_ref().is_some_and(|v| v.in_axes.contains(&None)) && r.tol.is_empty();
        let files = crate::record::files(&[crate::sample()]).unwrap();
        let lines = files.iter().flat_map(|f| crate::record::lines(f).unwrap());
        lines.map(|l| Record::parse(&l).unwrap()).find(shares).expect("a sample with a shared input")
    }

    #[test]
    fn quotients_of_a_batch_may_be_products_with_reciprocals() {
        let (record, want) = (record(), f32s(&[1.0]));
        let moved = |ulps: u32| f32s(&[f32::from_bits(1.0f32.to_bits() + ulps)]);
        let divides = Profile { exact: vec![true], divides: true, ..Profile::default() };
        let check = |profile: &Profile, part, got: &ArrayData| {
            Allowance::new(&record, profile, part, 0, std::slice::from_ref(&want), &[]).check(&want, got, &[]).is_ok()
        };
        assert!(check(&divides, Part::Batched, &moved(2)) && !check(&divides, Part::Batched, &moved(3)));
        assert!(!check(&divides, Part::Value, &moved(1)));
        assert!(!check(&Profile { divides: false, ..divides.clone() }, Part::Batched, &moved(1)));
    }

    #[test]
    fn what_cancels_leaves_the_rounding_of_its_terms() {
        let (record, unit) = (record(), f32::EPSILON);
        let check = |part, want: f32, got: f32| {
            let all = [f32s(&[2.0, 0.5]), f32s(&[want])];
            let allowance = Allowance::new(&record, &Profile::default(), part, 1, &all, &[]);
            allowance.check(&all[1], &f32s(&[got]), &[]).is_ok()
        };
        assert!(check(Part::Derivative, unit, -2.0 * unit));
        assert!(!check(Part::Derivative, unit, -200.0 * unit));
        // neither a value, nor what vanishes exactly, nor what is no rounding
        assert!(!check(Part::Value, unit, -2.0 * unit));
        assert!(!check(Part::Derivative, 0.0, unit));
        assert!(!check(Part::Derivative, 150.0 * unit, 160.0 * unit));
    }

    #[test]
    fn types_and_integers() {
        let int = |dtype: &str, bytes: &[u8]| ArrayData {
            dtype: dtype.into(),
            shape: vec![bytes.len()],
            weak: false,
            bytes: bytes.to_vec(),
        };
        let text = BITS.check(&int("int8", &[1, 2]), &int("uint8", &[1, 2]), &[]).unwrap_err().to_string();
        assert_eq!(text, "uint8[2] instead of int8[2]");
        let text = near(0.5).check(&int("int8", &[1, 2, 3]), &int("int8", &[1, 255, 2]), &[]).unwrap_err().to_string();
        assert_eq!(text, "-1 instead of 2 at [1]; 2 of 3 wrong");
        BITS.check(&int("int4", &[0x0f]), &int("int4", &[0xff]), &[]).unwrap();
        BITS.check(&ArrayData::float0(&[3]), &ArrayData::float0(&[3]), &[]).unwrap();
        BITS.check(&ArrayData::float0(&[3]), &ArrayData::float0(&[2]), &[]).unwrap_err();
    }

    #[test]
    fn complex_numbers_are_compared_by_their_distance() {
        let complex = |re: f64, im: f64| {
            let bytes = [re, im].iter().flat_map(|x| x.to_le_bytes()).collect();
            ArrayData { dtype: "complex128".into(), shape: vec![], weak: false, bytes }
        };
        near(1e-3).check(&complex(1.0, 0.0), &complex(1.0, 1.9e-3), &[]).unwrap();
        near(1e-3).check(&complex(1.0, 0.0), &complex(1.0, 2.1e-3), &[]).unwrap_err();
        near(1e-3).check(&complex(f64::INFINITY, 1.0), &complex(f64::INFINITY, 1.0001), &[]).unwrap();
        near(1e-3).check(&complex(f64::INFINITY, 1.0), &complex(f64::INFINITY, 2.0), &[]).unwrap_err();
    }
}
