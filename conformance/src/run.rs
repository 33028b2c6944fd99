//! Runs the sections of a record through an engine and compares.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use cotangent::jaxpr::json::ArrayData;

use crate::compare::{Allowance, Part};
use crate::engine::{Answer, Engine, Mode, Pair, Program, Stop};
use crate::number::flushed;
use crate::phase::Phases;
use crate::profile::Profile;
use crate::record::Record;

/// The sections, in the order in which they are run and printed.
pub const SECTIONS: [&str; 10] =
    ["value", "value jit", "jvp", "jvp jit", "vjp", "vjp jit", "vmap", "vmap jit", "order2", "jit = eager"];

/// Records whose derivative rule returns another value than its function, because JAX's test looks only at derivatives: under
/// differentiation the value is the rule's, in JAX, too.
const OTHER_VALUES: &[&str] = &["custom_api_test/CustomVJPTest.test_symbolic_zeros_memoization_caching#1"];

/// How a section ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// As recorded.
    Passed,
    /// Otherwise, and how.
    Failed(String),
    /// The engine lacks something.
    Unsupported(String),
}

/// How a record ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The record.
    pub id: String,
    /// Where it comes from.
    pub source: String,
    /// The primitives of its program, nested ones included, each once.
    pub prims: Vec<String>,
    /// The sections that were run.
    pub sections: Vec<(&'static str, Verdict)>,
}

impl Outcome {
    /// Failed if any section failed, else skipped if any section is unsupported, else passed. The first text tells why.
    pub fn verdict(&self) -> Verdict {
        let text = |name: &str, what: &str| format!("{name}: {what}");
        let failed = self.sections.iter().find_map(|(name, v)| match v {
            Verdict::Failed(what) => Some(Verdict::Failed(text(name, what))),
            _ => None,
        });
        let unsupported =
            || self.sections.iter().map(|(_, v)| v).find(|v| matches!(v, Verdict::Unsupported(_))).cloned();
        failed.or_else(unsupported).unwrap_or(Verdict::Passed)
    }
}

/// Runs all sections of a record.
pub fn run(engine: &dyn Engine, record: &Record) -> Outcome {
    let mut prims: Vec<String> = Vec::new();
    record.program.jaxpr.visit(&mut |eqn| prims.push(eqn.prim.clone()));
    prims.sort();
    prims.dedup();
    let mut outcome = Outcome { id: record.id.clone(), source: record.source.clone(), prims, sections: vec![] };
    match guarded(|| engine.load(record)) {
        Ok(program) => {
            let mut run = Run { record, profile: Profile::of(&record.program), program: &*program, sections: vec![] };
            run.all();
            outcome.sections = run.sections;
        }
        // A program that does not load has no value.
        Err(stop) => outcome.sections.push(("value", verdict(stop))),
    }
    outcome
}

fn verdict(stop: Stop) -> Verdict {
    match stop {
        Stop::Unsupported(why) => Verdict::Unsupported(why),
        Stop::Failed(why) => Verdict::Failed(why),
    }
}

thread_local! {
    /// Is a panic of this thread somebody's answer? And where did the last one happen?
    static GUARD: RefCell<(bool, String)> = const { RefCell::new((false, String::new())) };
}

/// Makes panics under [`guarded`] silent: their messages become failures. All others are told as before.
pub fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let silent = GUARD.with_borrow_mut(|(on, place)| {
                *place = info.location().map_or_else(String::new, |at| format!(" ({}:{})", at.file(), at.line()));
                *on
            });
            if !silent {
                before(info);
            }
        }));
    });
}

fn guarded<T>(f: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
    GUARD.with_borrow_mut(|guard| *guard = (true, String::new()));
    let answer = catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => text.to_string(),
            (_, Some(text)) => text.clone(),
            _ => "no message".into(),
        };
        // The library may carry its errors as payloads that are no text; dropping one must not end the run either.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        Err(Stop::Failed(format!("panic: {text}{}", GUARD.with_borrow(|(_, place)| place.clone()))))
    });
    GUARD.with_borrow_mut(|(on, _)| *on = false);
    answer
}

/// One record on its way.
struct Run<'a> {
    record: &'a Record,
    profile: Profile,
    program: &'a dyn Program,
    sections: Vec<(&'static str, Verdict)>,
}

/// What went in, and what must come out.
struct Case<'a> {
    part: Part,
    operands: &'a [&'a [ArrayData]],
    expected: &'a [ArrayData],
    phases: &'a [Option<Phases>],
}

impl Run<'_> {
    fn all(&mut self) {
        let (record, program) = (self.record, self.program);
        let ins = &record.ins;
        let eager = guarded(|| program.eval(Mode::Eager, ins));
        let phases = self.alignment(&eager, &record.y);
        let jit = guarded(|| program.eval(Mode::Jit, ins));
        let mut equal = vec![("value", bits(&eager, &jit))];

        for (name, mode, answer) in [("value", Mode::Eager, eager), ("value jit", Mode::Jit, jit)] {
            let case = Case { part: Part::Value, operands: &[ins], expected: &record.y, phases: &phases };
            self.answer(name, answer, &case, &|flat| program.eval(mode, &flat[0]));
        }
        if let Some((t, dy)) = &record.jvp {
            let case = Case { part: Part::Derivative, operands: &[ins, t], expected: dy, phases: &phases };
            let run = |mode, flat: &[Vec<ArrayData>]| program.jvp(mode, &flat[0], &flat[1]);
            equal.extend(self.derivative(["jvp", "jvp jit"], &case, &run, false));
        }
        // Turned vectors need turned cotangents for the same cotangents of the inputs.
        let turn = |ct: &[ArrayData]| ct.iter().zip(&phases).map(|(ct, phases)| turned(ct, phases)).collect::<Vec<_>>();
        if let Some((ct, dx)) = &record.vjp {
            let ct = turn(ct);
            let case = Case { part: Part::Derivative, operands: &[ins, &ct], expected: dx, phases: &[] };
            let run = |mode, flat: &[Vec<ArrayData>]| program.vjp(mode, &flat[0], &flat[1]);
            equal.extend(self.derivative(["vjp", "vjp jit"], &case, &run, true));
        }
        if let Some(v) = &record.vmap {
            let [eager, jit] =
                [Mode::Eager, Mode::Jit].map(|mode| guarded(|| program.vmap(mode, v.size, &v.in_axes, &v.ins)));
            equal.push(("vmap", bits(&eager, &jit)));
            for (name, mode, answer) in [("vmap", Mode::Eager, eager), ("vmap jit", Mode::Jit, jit)] {
                let phases = self.alignment(&answer, &v.y);
                let case = Case { part: Part::Batched, operands: &[&v.ins], expected: &v.y, phases: &phases };
                self.answer(name, answer, &case, &|flat| program.vmap(mode, v.size, &v.in_axes, &flat[0]));
            }
        }
        if let (Some(ddx), Some((t, _)), Some((ct, _))) = (&record.order2, &record.jvp, &record.vjp) {
            let ct = turn(ct);
            let case = Case { part: Part::Derivative, operands: &[ins, t, &ct], expected: ddx, phases: &[] };
            let answer = guarded(|| program.order2(ins, t, &ct));
            self.answer("order2", answer, &case, &|flat| program.order2(&flat[0], &flat[1], &flat[2]));
        }
        // Where one side has no answer there is nothing to compare; its own section says why.
        let differing =
            equal.into_iter().find_map(|(name, difference)| difference.map(|what| format!("{name}: {what}")));
        self.sections.push(("jit = eager", differing.map_or(Verdict::Passed, Verdict::Failed)));
    }

    /// Both modes of a derivative. The results that come with it are compared as values. Answers how the modes differ.
    fn derivative(
        &mut self,
        names: [&'static str; 2],
        case: &Case,
        run: &dyn Fn(Mode, &[Vec<ArrayData>]) -> Pair,
        reverse: bool,
    ) -> [(&'static str, Option<String>); 2] {
        let operands: Vec<Vec<ArrayData>> = case.operands.iter().map(|list| list.to_vec()).collect();
        let pairs = [Mode::Eager, Mode::Jit].map(|mode| guarded(|| run(mode, &operands)));
        let half = |second: bool, mode: usize| pairs[mode].clone().map(|(y, d)| if second { d } else { y });
        let equal =
            [(names[0], bits(&half(true, 0), &half(true, 1))), (names[0], bits(&half(false, 0), &half(false, 1)))];
        for (i, mode) in [Mode::Eager, Mode::Jit].into_iter().enumerate() {
            self.answer(names[i], half(true, i), case, &|flat| run(mode, flat).map(|(_, d)| d));
            // The value of a program does not depend on what is derived from it, but a derivative rule may compute it in its own way.
            if let Some((_, Verdict::Passed)) = self.sections.last()
                && !OTHER_VALUES.contains(&self.record.id.as_str())
            {
                let phases = self.alignment(&half(false, i), &self.record.y);
                let case = Case {
                    part: Part::Value,
                    operands: &[&self.record.ins],
                    expected: &self.record.y,
                    phases: &phases,
                };
                let rerun: &dyn Fn(&[Vec<ArrayData>]) -> Answer =
                    &|flat| run(mode, &[flat[0].clone(), operands[1].clone()]).map(|(y, _)| y);
                let custom = self.profile.relaxed();
                let verdict = self.compare(half(false, i), &case, rerun, &custom);
                if let Verdict::Failed(what) = verdict {
                    let kind = if reverse { "vjp" } else { "jvp" };
                    self.sections.last_mut().expect("just pushed").1 =
                        Verdict::Failed(format!("value under {kind}: {what}"));
                }
            }
        }
        equal
    }

    fn answer(&mut self, name: &'static str, answer: Answer, case: &Case, rerun: &dyn Fn(&[Vec<ArrayData>]) -> Answer) {
        let mut verdict = self.compare(answer.clone(), case, rerun, &self.profile);
        if verdict == Verdict::Passed
            && matches!(name, "value" | "value jit")
            && let Ok(found) = answer
        {
            let weak = |list: &[ArrayData]| list.iter().map(|a| a.weak).collect::<Vec<_>>();
            let (found, expected) = (weak(&found), weak(case.expected));
            if let Some(i) = (0..found.len()).find(|&i| found[i] != expected[i]) {
                verdict = Verdict::Failed(format!("output {i}: weak is {} instead of {}", found[i], expected[i]));
            }
        }
        self.sections.push((name, verdict));
    }

    fn compare(
        &self,
        answer: Answer,
        case: &Case,
        rerun: &dyn Fn(&[Vec<ArrayData>]) -> Answer,
        profile: &Profile,
    ) -> Verdict {
        let found = match answer {
            Ok(found) => found,
            Err(stop) => return verdict(stop),
        };
        if found.len() != case.expected.len() {
            return Verdict::Failed(format!("{} outputs instead of {}", found.len(), case.expected.len()));
        }
        let operands: Vec<ArrayData> = case.operands.iter().flat_map(|list| list.iter().cloned()).collect();
        let mut flat = None;
        for (i, (expected, found)) in case.expected.iter().zip(&found).enumerate() {
            let allowance = Allowance::new(self.record, profile, case.part, i, case.expected, &operands);
            let phases = case.phases.get(i).unwrap_or(&None);
            let Err(difference) = allowance.check(expected, &turned(found, phases), &[]) else { continue };
            // The reference may have seen zeros in place of subnormal inputs; then either answer will do.
            let other =
                flat.get_or_insert_with(|| self.without_subnormals(case, rerun)).as_ref().and_then(|all| all.get(i));
            let others: Vec<ArrayData> = other.iter().map(|found| turned(found, phases)).collect();
            if others.is_empty() || allowance.check(expected, &turned(found, phases), &others).is_err() {
                return Verdict::Failed(format!("output {i}: {difference}"));
            }
        }
        Verdict::Passed
    }

    /// The answer for inputs whose subnormal numbers are zeros; nothing if there are none.
    fn without_subnormals(&self, case: &Case, rerun: &dyn Fn(&[Vec<ArrayData>]) -> Answer) -> Option<Vec<ArrayData>> {
        let mut any = false;
        let mut flush = |a: &ArrayData| {
            flushed(a).map_or_else(
                || a.clone(),
                |zeros| {
                    any = true;
                    zeros
                },
            )
        };
        let operands: Vec<Vec<ArrayData>> =
            case.operands.iter().map(|list| list.iter().map(&mut flush).collect()).collect();
        if any { guarded(|| rerun(&operands)).ok() } else { None }
    }

    /// By which phases the results of a decomposition differ from the recorded ones.
    fn alignment(&self, answer: &Answer, expected: &[ArrayData]) -> Vec<Option<Phases>> {
        match answer {
            Ok(found) if self.profile.phase_free => {
                let between = |(i, e)| found.get(i).and_then(|f| Phases::between(e, f));
                expected.iter().enumerate().map(between).collect()
            }
            _ => vec![None; expected.len()],
        }
    }
}

fn turned(array: &ArrayData, phases: &Option<Phases>) -> ArrayData {
    phases.as_ref().and_then(|phases| phases.remove(array)).unwrap_or_else(|| array.clone())
}

/// The array with one and the same NaN for all: which NaN it is depends on the order of operands that no sum depends on, and nobody promises it.
fn with_one_nan(array: &ArrayData) -> ArrayData {
    let (size, infinity) = match &array.dtype[..] {
        "float16" => (2, 0x7c00),
        "bfloat16" => (2, 0x7f80),
        "float32" | "complex64" => (4, 0x7f80_0000),
        "float64" | "complex128" => (8, 0x7ff0_0000_0000_0000),
        _ => return array.clone(),
    };
    let mut array = array.clone();
    for part in array.bytes.chunks_exact_mut(size) {
        let mut word = [0; 8];
        word[..size].copy_from_slice(part);
        let magnitude = u64::from_le_bytes(word) & !(1 << (8 * size - 1));
        if magnitude > infinity {
            part.copy_from_slice(&(infinity + 1u64).to_le_bytes()[..size])
        }
    }
    array
}

/// How two answers differ in any bit; nothing if they do not, or if there are no two answers.
fn bits(eager: &Answer, jit: &Answer) -> Option<String> {
    let (Ok(eager), Ok(jit)) = (eager, jit) else { return None };
    if eager.len() != jit.len() {
        return Some(format!("{} outputs instead of {}", jit.len(), eager.len()));
    }
    let differ = |(a, b): (&ArrayData, &ArrayData)| a != b && with_one_nan(a) != with_one_nan(b);
    let i = eager.iter().zip(jit).position(differ)?;
    let strict = Allowance { exact: true, ulps: 0.0, zero_sign: false, rtol: 0.0, atol: 0.0 };
    Some(match strict.check(&eager[i], &jit[i], &[]) {
        Err(difference) => format!("output {i}: {difference}"),
        Ok(()) => format!("output {i}: weakness or a subnormal differs"),
    })
}

#[cfg(test)]
mod tests;
