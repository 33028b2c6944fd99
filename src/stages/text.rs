//! What a function was lowered and compiled to, and what a run took, as text.

use super::clock::Times;
use super::tree::{Driven, Piece, Tree, Work};
use super::{Inside, Profile};
use crate::prim::Runs;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

/// How often an operation runs its programs, in words.
pub(super) fn times(d: &Driven) -> String {
    match (d.programs.is_empty(), d.runs) {
        (true, _) => "by itself".into(),
        (_, Runs::Times(1)) => "once".into(),
        (_, Runs::Times(n)) => format!("{n} times"),
        (_, Runs::OneOf) => "one of them".into(),
        (_, Runs::Unknown) => "as often as the run says".into(),
    }
}

/// Goes through all parts, each indented as deep as it lies.
fn walk(
    tree: &Tree,
    depth: usize,
    t: &mut String,
    straight: &dyn Fn(&Piece) -> String,
    driven: &dyn Fn(&Driven) -> Option<String>,
) {
    let pad = "  ".repeat(depth);
    let numbered = tree.parts.len() > 1;
    for (i, part) in tree.parts.iter().enumerate() {
        match &part.work {
            Work::Straight(p) => {
                let text = straight(p);
                if numbered {
                    let _ = writeln!(t, "{pad}part {i}: compiled");
                }
                let pad = if numbered { format!("{pad}  ") } else { pad.clone() };
                text.lines().for_each(|l| t.push_str(&format!("{pad}{l}\n")))
            }
            Work::Driven(d) => {
                let _ = writeln!(t, "{pad}part {i}: {}, {}  # {}", d.line.text, times(d), d.line.loc);
                let more = driven(d).unwrap_or_default();
                more.lines().for_each(|l| t.push_str(&format!("{pad}  {l}\n")));
                for (name, inner) in &d.programs {
                    let _ = writeln!(t, "{pad}  {name}:");
                    walk(inner, depth + 2, t, straight, driven)
                }
            }
        }
    }
}

/// The tensor programs.
pub(super) fn program(f: &Inside) -> String {
    let mut t = String::new();
    walk(&f.tree, 0, &mut t, &|p| p.program.to_string(), &|_| None);
    t
}
/// The steps, with the equations that they came from.
pub(super) fn steps(f: &Inside) -> String {
    let mut t = format!("{}, compiled for {}\n", f.name, f.at);
    let groups = |p: &Piece| {
        let report = p.inspected().report();
        let mut t = format!("{} groups; {}\n", report.groups.len(), report.memory);
        for (k, g) in report.groups.iter().enumerate() {
            t.push_str(&g.text(k));
            for e in equations(p, &g.nodes) {
                let l = &p.lines[e];
                let _ = writeln!(t, "    for {}  # {}", l.text, l.loc);
            }
        }
        t
    };
    walk(&f.tree, 0, &mut t, &groups, &|_| None);
    t
}
/// The machine code of one group: what it reads and writes, its nodes, and each step with its code, or why it has none.
pub(super) fn assembly_of(p: &Piece, k: usize) -> String {
    let g = &p.inspected().report().groups[k];
    let names = |v: &[u32]| v.iter().map(|v| format!("%{v}")).collect::<Vec<_>>().join(" ");
    let mut t = format!("{k} {}: {} -> {}\n", g.name, names(&g.reads), names(&g.writes));
    for i in &g.nodes {
        let _ = writeln!(t, "    {}", p.program.line(&p.program.nodes[*i as usize]));
    }
    for a in p.inspected().assembly(k) {
        let _ = writeln!(t, "    | {}", a.step);
        match a.code {
            Ok(code) => code.lines().for_each(|l| _ = writeln!(t, "      {l}")),
            Err(why) => _ = writeln!(t, "      {why}"),
        }
    }
    t
}
/// The machine code of a loop that runs in registers as a whole, or why it has none.
pub(super) fn of_turns(d: &Driven) -> Option<String> {
    let code = d.place.0.eqns[d.place.1].prim.higher()?.machine_code(d.line.loc)?;
    let text = code.unwrap_or_else(|why| why);
    Some(text.lines().map(|l| format!("  {l}\n")).collect())
}
/// The machine code of all groups, and of loops.
pub(super) fn assembly(f: &Inside) -> String {
    let mut t = format!("{}, compiled for {}\n", f.name, f.at);
    let groups = |p: &Piece| (0..p.inspected().report().groups.len()).map(|k| assembly_of(p, k)).collect();
    let turns = |d: &Driven| Some(format!("all turns:\n{}", of_turns(d)?));
    walk(&f.tree, 0, &mut t, &groups, &turns);
    t
}
/// The equations that these nodes came from.
pub(super) fn equations(p: &Piece, nodes: &[u32]) -> Vec<usize> {
    let mut all: Vec<usize> = nodes.iter().map(|i| p.origin[*i as usize]).filter(|e| *e < p.lines.len()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// A time as people read it.
pub(super) fn time(d: Duration) -> String {
    let ns = d.as_nanos() as f64;
    match ns {
        _ if ns < 1e3 => format!("{ns:.0} ns"),
        _ if ns < 1e6 => format!("{:.1} us", ns / 1e3),
        _ if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.2} s", ns / 1e9),
    }
}
/// How often and how long group `k` of a piece ran.
pub(super) fn group_time(t: &Times, p: &Piece, k: usize) -> Option<(usize, Duration)> {
    let (runs, groups) = t.groups.get(&Arc::as_ptr(&p.jaxpr))?;
    Some((*runs, *groups.get(k)?))
}
pub(super) fn driven_time(t: &Times, d: &Driven) -> Option<(usize, Duration)> {
    t.driven.get(&(Arc::as_ptr(&d.place.0), d.place.1)).copied()
}

impl fmt::Display for Profile {
    /// A line for each group and for each operation that runs programs, which takes the time of what it runs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} in all", time(self.total))?;
        self.rows(&self.inside.tree, 0, f)
    }
}
impl Profile {
    fn rows(&self, tree: &Tree, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pad = "  ".repeat(depth);
        let mut row = |found: Option<(usize, Duration)>, what: String| match found {
            Some((runs, d)) => writeln!(f, "{:>10} {:>6}x {pad}{what}", time(d), runs),
            None => writeln!(f, "{:>10} {:>6}  {pad}{what}", "-", ""),
        };
        for part in &tree.parts {
            match &part.work {
                Work::Straight(p) => {
                    for (k, g) in p.inspected().report().groups.iter().enumerate() {
                        let at = equations(p, &g.nodes)
                            .first()
                            .map_or(String::new(), |e| format!("  # {}", p.lines[*e].loc));
                        let ops = equations(p, &g.nodes).len();
                        row(group_time(&self.times, p, k), format!("{} of {ops} equations{at}", g.name))?
                    }
                }
                Work::Driven(d) => {
                    row(driven_time(&self.times, d), format!("{}, {}  # {}", d.name, times(d), d.line.loc))?
                }
            }
        }
        for part in &tree.parts {
            if let Work::Driven(d) = &part.work {
                for (name, t) in &d.programs {
                    writeln!(f, "{:>18} {pad}{} of {}", "", name, d.name)?;
                    self.rows(t, depth + 1, f)?
                }
            }
        }
        Ok(())
    }
}
