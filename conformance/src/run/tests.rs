//! The runner is tested with an engine that answers from the record, and with one that answers wrongly in one place.

use cotangent::jaxpr::json::ArrayData;

use super::*;
use crate::engine::{Answer, Engine, Mode, Pair, Program, Stop};
use crate::number::{Kind, kind, numbers, with_numbers};
use crate::profile::PHASE_FREE;
use crate::report::{Counts, Report};
use crate::{Options, run_all, sample};

/// Answers what was recorded, except for one thing.
struct Mirror(Wrong);

/// What [`Mirror`] does wrongly.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Wrong {
    Nothing,
    /// Moves one element of the answers of a section.
    Element(&'static str),
    /// One unit in the last place, when compiled.
    LastPlace,
    /// Turns the weakness of the values around.
    Weak,
    /// One output too few.
    Output,
    Panic,
    Unsupported,
    /// Another element type.
    Type,
}

struct Echo<'r>(&'r Record, Wrong);

impl Engine for Mirror {
    fn load<'r>(&self, record: &'r Record) -> Result<Box<dyn Program + 'r>, Stop> {
        if self.0 == Wrong::Unsupported {
            return Err(Stop::Unsupported(format!("primitive {}", record.program.jaxpr.eqns[0].prim)));
        }
        Ok(Box::new(Echo(record, self.0)))
    }
}

/// The arrays with one element changed beyond any tolerance.
fn moved(arrays: &[ArrayData]) -> Vec<ArrayData> {
    let mut out = arrays.to_vec();
    let Some(array) = out.iter_mut().find(|a| !a.bytes.is_empty()) else { return vec![] };
    if kind(&array.dtype) == Kind::Exact {
        array.bytes[0] ^= 1;
        return out;
    }
    // The sign of the greatest element; a zero becomes 2, and NaN becomes 0.
    let values = numbers(array);
    let size = |z: &[f64; 2]| z[0].abs();
    let i = (0..values.len()).max_by(|&a, &b| size(&values[a]).total_cmp(&size(&values[b]))).unwrap();
    let element = array.bytes.len() / values.len();
    let part = if kind(&array.dtype) == Kind::Complex { element / 2 } else { element };
    let part = &mut array.bytes[i * element..][..part];
    match values[i][0] {
        x if x.is_nan() => part.fill(0),
        0.0 => *part.last_mut().unwrap() = 0x40,
        _ => *part.last_mut().unwrap() ^= 0x80,
    }
    out
}

/// The real numbers of 32 bits one unit in the last place further.
fn nudged(arrays: &[ArrayData]) -> Vec<ArrayData> {
    let mut out = arrays.to_vec();
    for array in out.iter_mut().filter(|a| a.dtype == "float32") {
        array.bytes.chunks_mut(4).for_each(|word| word[0] ^= 1);
    }
    out
}

impl Echo<'_> {
    fn say(&self, section: &str, mode: Mode, arrays: &[ArrayData]) -> Vec<ArrayData> {
        match self.1 {
            Wrong::Element(name) if name == section => moved(arrays),
            Wrong::LastPlace if mode == Mode::Jit => nudged(arrays),
            Wrong::Weak if section.starts_with("value") => {
                arrays.iter().map(|a| ArrayData { weak: !a.weak, ..a.clone() }).collect()
            }
            Wrong::Output => arrays[1..].to_vec(),
            Wrong::Type => arrays.iter().map(|a| ArrayData { dtype: format!("{}?", a.dtype), ..a.clone() }).collect(),
            Wrong::Panic => panic!("the engine broke"),
            _ => arrays.to_vec(),
        }
    }
}

fn name(section: &'static str, mode: Mode) -> &'static str {
    let compiled = format!("{section} jit");
    if mode == Mode::Eager { section } else { SECTIONS.into_iter().find(|s| *s == compiled).unwrap() }
}

impl Program for Echo<'_> {
    fn eval(&self, mode: Mode, _: &[ArrayData]) -> Answer {
        Ok(self.say(name("value", mode), mode, &self.0.y))
    }

    fn jvp(&self, mode: Mode, _: &[ArrayData], t: &[ArrayData]) -> Pair {
        let (expected, dy) = self.0.jvp.as_ref().unwrap();
        assert_eq!(t, expected);
        Ok((self.0.y.clone(), self.say(name("jvp", mode), mode, dy)))
    }

    fn vjp(&self, mode: Mode, _: &[ArrayData], ct: &[ArrayData]) -> Pair {
        let (expected, dx) = self.0.vjp.as_ref().unwrap();
        assert_eq!(ct, expected);
        Ok((self.0.y.clone(), self.say(name("vjp", mode), mode, dx)))
    }

    fn vmap(&self, mode: Mode, size: usize, in_axes: &[Option<usize>], _: &[ArrayData]) -> Answer {
        let v = self.0.vmap.as_ref().unwrap();
        assert_eq!((size, in_axes), (v.size, v.in_axes.as_slice()));
        Ok(self.say(name("vmap", mode), mode, &v.y))
    }

    fn order2(&self, _: &[ArrayData], _: &[ArrayData], _: &[ArrayData]) -> Answer {
        Ok(self.say("order2", Mode::Eager, self.0.order2.as_ref().unwrap()))
    }
}

fn options(jobs: usize) -> Options {
    Options { places: vec![sample()], only: None, json: None, jobs, show: 0 }
}

fn outcomes(wrong: Wrong) -> Vec<Outcome> {
    silence_panics();
    run_all(&Mirror(wrong), &options(2)).unwrap()
}

fn failures(outcomes: &[Outcome]) -> Vec<String> {
    let text = |o: &Outcome| match o.verdict() {
        Verdict::Failed(what) => Some(what),
        _ => None,
    };
    outcomes.iter().filter_map(text).collect()
}

/// Beside the sample, the folder that `COTANGENT_CONFORMANCE` names.
#[test]
fn an_engine_that_answers_what_was_recorded_passes() {
    let mut everything = options(2);
    everything.places.extend(std::env::var_os("COTANGENT_CONFORMANCE").map(Into::into));
    let outcomes = run_all(&Mirror(Wrong::Nothing), &everything).unwrap();
    assert!(!outcomes.is_empty());
    assert_eq!(failures(&outcomes), Vec::<String>::new());
    let report = Report::new(&outcomes, 20);
    assert_eq!(report.counts(), Counts { passed: outcomes.len(), failed: 0, skipped: 0 });
    let last = format!("conformance: {} passed, 0 failed, 0 skipped", outcomes.len());
    assert_eq!(report.to_string().lines().last(), Some(last.as_str()));
    // The order does not depend on the threads.
    let ids = |outcomes: &[Outcome]| outcomes.iter().map(|o| o.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&run_all(&Mirror(Wrong::Nothing), &Options { jobs: 5, ..everything }).unwrap()), ids(&outcomes));
}

fn phase_free(outcome: &Outcome) -> bool {
    outcome.prims.iter().any(|p| PHASE_FREE.contains(&p.as_str()))
}

#[test]
fn a_wrong_element_fails_in_its_section() {
    for section in SECTIONS.into_iter().filter(|s| *s != "jit = eager") {
        let outcomes = outcomes(Wrong::Element(section));
        let mut seen = 0;
        for outcome in outcomes.iter().filter(|o| !phase_free(o)) {
            for (name, verdict) in &outcome.sections {
                let wrong = *name == section || (*name == "jit = eager" && section != "order2");
                let failed = matches!(verdict, Verdict::Failed(_));
                assert!(failed == (*name == section) || (failed && wrong), "{}: {name} {verdict:?}", outcome.id);
                seen += usize::from(failed);
            }
        }
        assert!(seen > 0, "{section}");
    }
}

#[test]
fn compiled_results_must_have_the_same_bits() {
    let outcomes = outcomes(Wrong::LastPlace);
    let failed: Vec<_> =
        outcomes.iter().flat_map(|o| &o.sections).filter(|(_, v)| matches!(v, Verdict::Failed(_))).collect();
    let of = |section: &str| failed.iter().filter(|(name, _)| *name == section).count();
    assert!(of("jit = eager") > 0);
    // Where bits are asked for, the value itself is wrong as well; elsewhere the last place is within the tolerance.
    assert!(of("value jit") > 0 && of("value jit") < of("jit = eager"));
    assert_eq!(of("jvp jit"), 0);
    assert_eq!(of("value"), 0);
}

#[test]
fn other_mistakes() {
    let all = outcomes(Wrong::Nothing).len();
    for (wrong, text) in [
        (Wrong::Weak, "value: output 0: weak is "),
        (Wrong::Output, " outputs instead of "),
        (Wrong::Panic, "value: panic: the engine broke ("),
        (Wrong::Type, " instead of "),
    ] {
        let failures = failures(&outcomes(wrong));
        assert_eq!(failures.len(), all, "{wrong:?}");
        assert_eq!(failures.iter().find(|f| !f.contains(text)), None, "{wrong:?}");
    }
    let outcomes = outcomes(Wrong::Unsupported);
    let report = Report::new(&outcomes, 20);
    assert_eq!(report.counts(), Counts { passed: 0, failed: 0, skipped: all });
    assert!(report.to_string().contains("primitive "));
}

#[test]
fn results_as_json() {
    let outcomes = outcomes(Wrong::Element("vmap"));
    let value = Report::new(&outcomes, 0).to_json();
    let list = value.as_array().unwrap();
    assert_eq!(list.len(), outcomes.len());
    let failed = list.iter().find(|r| r["status"] == "failed").unwrap();
    assert!(failed["failure"].as_str().unwrap().starts_with("vmap: output"));
    assert_eq!(failed["sections"]["value"], "passed");
    assert!(failed["sections"]["vmap"]["failed"].is_string());
}

/// Turns the sign of a column of a decomposition's vectors, and answers accordingly to the cotangents it is given.
struct Turned;

struct TurnedEcho<'r>(Echo<'r>);

impl Engine for Turned {
    fn load<'r>(&self, record: &'r Record) -> Result<Box<dyn Program + 'r>, Stop> {
        Ok(Box::new(TurnedEcho(Echo(record, Wrong::Nothing))))
    }
}

/// The first column of every matrix with its sign turned.
fn turn_first_column(arrays: &[ArrayData]) -> Vec<ArrayData> {
    let turn = |a: &ArrayData| {
        if a.shape.len() < 2 || !matches!(kind(&a.dtype), Kind::Real | Kind::Complex) {
            return a.clone();
        }
        let columns = a.shape[a.shape.len() - 1];
        let values: Vec<[f64; 2]> =
            numbers(a).iter().enumerate().map(|(i, z)| if i % columns == 0 { [-z[0], -z[1]] } else { *z }).collect();
        with_numbers(a, &values).unwrap()
    };
    arrays.iter().map(turn).collect()
}

impl Program for TurnedEcho<'_> {
    fn eval(&self, mode: Mode, ins: &[ArrayData]) -> Answer {
        self.0.eval(mode, ins).map(|y| turn_first_column(&y))
    }

    fn jvp(&self, mode: Mode, ins: &[ArrayData], t: &[ArrayData]) -> Pair {
        self.0.jvp(mode, ins, t).map(|(y, dy)| (turn_first_column(&y), turn_first_column(&dy)))
    }

    fn vjp(&self, mode: Mode, ins: &[ArrayData], ct: &[ArrayData]) -> Pair {
        self.0.vjp(mode, ins, &turn_first_column(ct)).map(|(y, dx)| (turn_first_column(&y), dx))
    }

    fn vmap(&self, mode: Mode, size: usize, in_axes: &[Option<usize>], ins: &[ArrayData]) -> Answer {
        self.0.vmap(mode, size, in_axes, ins).map(|y| turn_first_column(&y))
    }

    fn order2(&self, ins: &[ArrayData], t: &[ArrayData], ct: &[ArrayData]) -> Answer {
        self.0.order2(ins, t, &turn_first_column(ct))
    }
}

#[test]
fn vectors_may_have_another_sign_and_nothing_else_may() {
    let outcomes = run_all(&Turned, &options(2)).unwrap();
    let (free, fixed): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| phase_free(o));
    assert!(free.len() > 5);
    for outcome in free {
        assert_eq!(outcome.verdict(), Verdict::Passed, "{}", outcome.id);
    }
    let failed = fixed.iter().filter(|o| matches!(o.verdict(), Verdict::Failed(_))).count();
    assert!(failed > fixed.len() / 4, "{failed} of {}", fixed.len());
}
