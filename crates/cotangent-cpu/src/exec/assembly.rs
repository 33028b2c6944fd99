//! The machine code of a program's steps as text.

use super::Ready;
use super::map::MapStep;
use super::report::{Inspected, describe};
use super::run::Step;
use crate::emit::When;
use crate::isa::Isa;

/// A step of a group, and its machine code.
#[derive(Clone, Debug)]
pub struct Assembly {
    /// The step in words.
    pub step: String,
    /// Its machine code in Intel's syntax, with what it is for; else why it has none of its own.
    pub code: Result<String, String>,
}

/// Of what was compiled with the engine.
const KERNEL: &str = "no machine code of its own: its loops were compiled with the engine";

/// Why nothing has machine code here, if that is so.
pub fn why_none(machine: When, isa: Isa) -> Option<String> {
    match (machine, isa) {
        (When::Never, _) => Some("no machine code: it is switched off (COTANGENT_JIT=0)".into()),
        (_, Isa::Portable) => Some("no machine code: there is none for this processor".into()),
        _ => None,
    }
}

impl Inspected {
    /// The machine code of number `group` of the report's groups, step by step. It is made now if it was not yet.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn assembly(&self, group: usize) -> Vec<Assembly> {
        assert!(group < self.report().groups.len(), "there are {} groups", self.report().groups.len());
        let built = match &self.form {
            Ready::Scalar(_) => {
                let code = Err(
                    "no machine code: single scalars are computed by the engine's kernels (a loop of them has some)"
                        .into(),
                );
                return vec![Assembly { step: self.report().groups[group].steps.join("; "), code }];
            }
            Ready::Steps(built) => built,
        };
        let first = if group == 0 { 0 } else { built.ends[group - 1] };
        let mut all = vec![];
        for step in &built.steps[first..built.ends[group]] {
            match step {
                Step::Make(..) | Step::Free(_) => {}
                Step::Strip(s) => {
                    let kernels = s.kernels.iter();
                    all.extend(kernels.map(|k| Assembly { step: k.describe(), code: k.text(&s.steps) }));
                    all.extend(s.steps.iter().map(|s| self.one(&s.step)))
                }
                step => all.push(self.one(step)),
            }
        }
        all
    }
    fn one(&self, step: &Step) -> Assembly {
        let code = match step {
            Step::Map(m) => self.of_map(m),
            _ => Err(KERNEL.into()),
        };
        Assembly { step: describe(step), code }
    }
    fn of_map(&self, m: &MapStep) -> Result<String, String> {
        match &m.machine {
            Some(machine) if !machine.alone => machine.text(&|e| m.entries[e as usize].at.0.to_string()),
            _ => Err(why_none(self.machine, self.isa).unwrap_or_else(|| KERNEL.into())),
        }
    }
}
