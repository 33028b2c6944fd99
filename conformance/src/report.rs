//! Tables of what passed, failed and is unsupported, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde_json::{Value, json};

use crate::run::{Outcome, SECTIONS, Verdict};

/// Numbers of records or sections by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// As recorded.
    pub passed: usize,
    /// Otherwise.
    pub failed: usize,
    /// Unsupported.
    pub skipped: usize,
}

impl Counts {
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::Unsupported(_) => self.skipped += 1,
        }
    }
}

/// Everything that is told about a run.
pub struct Report<'a> {
    outcomes: &'a [Outcome],
    /// How many failures are told in full.
    show: usize,
}

impl<'a> Report<'a> {
    /// A report on some records, in their order, that tells at most `show` failures in full.
    pub fn new(outcomes: &'a [Outcome], show: usize) -> Report<'a> {
        Report { outcomes, show }
    }

    /// How many records passed, failed and were skipped.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.outcomes.iter().for_each(|o| counts.add(&o.verdict()));
        counts
    }

    /// One object per record.
    pub fn to_json(&self) -> Value {
        let section = |verdict: &Verdict| match verdict {
            Verdict::Passed => json!("passed"),
            Verdict::Failed(what) => json!({"failed": what}),
            Verdict::Unsupported(why) => json!({"unsupported": why}),
        };
        let record = |o: &Outcome| {
            let sections: serde_json::Map<String, Value> =
                o.sections.iter().map(|(name, v)| (name.to_string(), section(v))).collect();
            let mut out = json!({"id": o.id, "source": o.source, "sections": sections});
            let (status, detail) = match o.verdict() {
                Verdict::Passed => ("passed", None),
                Verdict::Failed(what) => ("failed", Some(("failure", what))),
                Verdict::Unsupported(why) => ("skipped", Some(("reason", why))),
            };
            out["status"] = status.into();
            if let Some((name, text)) = detail {
                out[name] = text.into();
            }
            out
        };
        self.outcomes.iter().map(record).collect()
    }

    /// Records grouped by whatever `keys` says about them.
    fn grouped<'k>(&'k self, keys: impl Fn(&'k Outcome) -> Vec<&'k str>) -> BTreeMap<&'k str, Counts> {
        let mut groups: BTreeMap<&str, Counts> = BTreeMap::new();
        for outcome in self.outcomes {
            let verdict = outcome.verdict();
            keys(outcome).into_iter().for_each(|key| groups.entry(key).or_default().add(&verdict));
        }
        groups
    }
}

fn table<'k>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    rows: impl IntoIterator<Item = (&'k str, Counts)>,
) -> fmt::Result {
    let rows: Vec<_> = rows.into_iter().collect();
    let width = rows.iter().map(|(name, _)| name.len()).chain([title.len()]).max().unwrap_or(0);
    writeln!(f, "{title:width$}  {:>6} {:>6} {:>7}", "passed", "failed", "skipped")?;
    for (name, c) in rows {
        writeln!(f, "{name:width$}  {:>6} {:>6} {:>7}", c.passed, c.failed, c.skipped)?;
    }
    f.write_char('\n')
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failures = self.outcomes.iter().filter_map(|o| match o.verdict() {
            Verdict::Failed(what) => Some((o, what)),
            _ => None,
        });
        for (outcome, what) in failures.take(self.show) {
            writeln!(f, "FAILED {}\n    {what}", outcome.id)?;
        }
        let counts = self.counts();
        if counts.failed > self.show {
            writeln!(f, "... and {} more", counts.failed - self.show)?;
        }
        if counts.failed > 0 {
            f.write_char('\n')?;
        }
        table(f, "source", self.grouped(|o| vec![&o.source]))?;
        table(f, "primitive", self.grouped(|o| o.prims.iter().map(String::as_str).collect()))?;
        let mut sections = SECTIONS.map(|name| (name, Counts::default()));
        for (name, verdict) in self.outcomes.iter().flat_map(|o| &o.sections) {
            if let Some((_, counts)) = sections.iter_mut().find(|(n, _)| n == name) {
                counts.add(verdict);
            }
        }
        table(f, "section", sections)?;

        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        for outcome in self.outcomes {
            if let Verdict::Unsupported(why) = outcome.verdict() {
                *reasons.entry(why).or_default() += 1;
            }
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by_key(|(why, count)| (std::cmp::Reverse(*count), why.clone()));
        for (why, count) in &reasons {
            writeln!(f, "skipped {count:>6}: {why}")?;
        }
        if !reasons.is_empty() {
            f.write_char('\n')?;
        }
        write!(f, "conformance: {} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.skipped)
    }
}
