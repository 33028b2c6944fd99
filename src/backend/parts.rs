//! Programs with control flow, in parts. What stands between two operations that hold programs (a branch, a loop) is compiled as one
//! program; the operation itself decides at run time which of its own programs run, and how often.

use super::run_jaxpr;
use crate::array::*;
use crate::error::Loc;
use crate::jaxpr::{Atom, Eqn, Jaxpr};
use crate::stages::clock;
use std::collections::HashMap;
use std::sync::Arc;

/// A program in parts, which run one after the other over one table of variables.
pub(crate) struct Parts {
    steps: Vec<Step>,
}
struct Step {
    work: Work,
    /// The variables that nobody reads after this step.
    dead: Vec<u32>,
}
enum Work {
    /// Equations without control flow: a program of these variables.
    Straight { jaxpr: Arc<Jaxpr>, ins: Vec<u32>, outs: Vec<u32> },
    /// An equation that is driven.
    Driven(usize),
}

/// A part, for who looks at it.
pub(crate) struct Part<'a> {
    /// The compiled program with the variables that go in and come out, or the number of the driven equation.
    pub work: Result<(&'a Arc<Jaxpr>, &'a [u32], &'a [u32]), usize>,
    /// The variables that nobody reads any more.
    pub dead: &'a [u32],
}

impl Parts {
    /// The parts in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Part<'_>> {
        self.steps.iter().map(|s| {
            let work = match &s.work {
                Work::Straight { jaxpr, ins, outs } => Ok((jaxpr, &ins[..], &outs[..])),
                Work::Driven(k) => Err(*k),
            };
            Part { work, dead: &s.dead }
        })
    }
    pub(crate) fn of(j: &Jaxpr) -> Parts {
        let n = j.eqns.len();
        // the last equation that reads a variable; results are read after all of them
        let mut last = vec![None; j.avals.len()];
        for k in 0..n {
            for a in j.args(k) {
                if let Atom::Var(v) = a {
                    last[*v as usize] = Some(k)
                }
            }
        }
        for a in &j.outs {
            if let Atom::Var(v) = a {
                last[*v as usize] = Some(n)
            }
        }
        let (mut steps, mut k) = (vec![], 0);
        while k < n {
            let end =
                if j.eqns[k].prim.driven() { k + 1 } else { (k..n).find(|i| j.eqns[*i].prim.driven()).unwrap_or(n) };
            let work = if j.eqns[k].prim.driven() { Work::Driven(k) } else { straight(j, k..end, &last) };
            let read = (k..end).flat_map(|k| j.args(k)).filter_map(|a| match a {
                Atom::Var(v) => Some(*v),
                Atom::Lit(_) => None,
            });
            let made = (k..end).flat_map(|k| j.eqns[k].out..j.eqns[k].out + j.eqns[k].n_out);
            let mut dead: Vec<u32> = read.chain(made).filter(|v| last[*v as usize].is_none_or(|l| l < end)).collect();
            dead.sort_unstable();
            dead.dedup();
            steps.push(Step { work, dead });
            k = end
        }
        Parts { steps }
    }

    /// The programs between what decides for itself.
    pub(crate) fn straight(&self) -> impl Iterator<Item = &Arc<Jaxpr>> {
        self.steps.iter().filter_map(|s| match &s.work {
            Work::Straight { jaxpr, .. } => Some(jaxpr),
            Work::Driven(_) => None,
        })
    }
    /// The equations that decide for themselves.
    pub(crate) fn driven(&self) -> impl Iterator<Item = usize> {
        self.steps.iter().filter_map(|s| match s.work {
            Work::Driven(k) => Some(k),
            Work::Straight { .. } => None,
        })
    }

    /// Results for concrete arguments of the types that the program `j` takes.
    pub(crate) fn run(&self, j: &Jaxpr, args: &[&Array], loc: Loc) -> Outs {
        let mut env: Vec<Option<Array>> = vec![None; j.avals.len()];
        for (v, a) in j.ins.iter().zip(args) {
            env[*v as usize] = Some((*a).clone())
        }
        for (v, a) in &j.consts {
            env[*v as usize] = Some(a.clone())
        }
        for step in &self.steps {
            match &step.work {
                Work::Straight { jaxpr, ins, outs } => {
                    let made = {
                        let x: Vec<&Array> = ins.iter().map(|v| bound(&env, *v)).collect();
                        run_jaxpr(jaxpr, &x, loc)
                    };
                    for (v, y) in outs.iter().zip(made) {
                        env[*v as usize] = Some(y)
                    }
                }
                Work::Driven(k) => {
                    let e = &j.eqns[*k];
                    let start = clock::start();
                    let made = {
                        let x: Vec<Array> = j.args(*k).iter().map(|a| value(&env, a)).collect();
                        crate::trace::eval::process(&*e.prim, &x.iter().collect::<Vec<_>>(), e.loc)
                    };
                    clock::stop(start, j, *k);
                    for (v, y) in (e.out as usize..).zip(made) {
                        env[v] = Some(y)
                    }
                }
            }
            for v in &step.dead {
                env[*v as usize] = None
            }
        }
        j.outs.iter().map(|a| value(&env, a)).collect()
    }
}

fn bound(env: &[Option<Array>], v: u32) -> &Array {
    env[v as usize].as_ref().expect("a value made before")
}
fn value(env: &[Option<Array>], a: &Atom) -> Array {
    match a {
        Atom::Var(v) => bound(env, *v).clone(),
        Atom::Lit(l) => l.array(),
    }
}

/// The equations in `range` as a program of what they read from outside, giving what others read.
fn straight(j: &Jaxpr, range: std::ops::Range<usize>, last: &[Option<usize>]) -> Work {
    let first = j.eqns[range.start].first;
    let (mut ins, mut outs, mut results, mut atoms, mut eqns) = (vec![], vec![], vec![], vec![], vec![]);
    // variables are numbered anew, so that each part costs as much as it is long
    let (mut local, mut avals) = (HashMap::new(), vec![]);
    for k in range.clone() {
        let e = &j.eqns[k];
        for a in j.args(k) {
            atoms.push(match a {
                Atom::Var(v) => Atom::Var(*local.entry(*v).or_insert_with(|| {
                    ins.push(*v);
                    avals.push(j.avals[*v as usize].clone());
                    avals.len() as u32 - 1
                })),
                lit => *lit,
            })
        }
        eqns.push(Eqn { prim: e.prim.boxed(), first: e.first - first, out: avals.len() as u32, ..*e });
        for v in e.out..e.out + e.n_out {
            let here = avals.len() as u32;
            local.insert(v, here);
            avals.push(j.avals[v as usize].clone());
            if last[v as usize].is_some_and(|l| l >= range.end) {
                outs.push(v);
                results.push(Atom::Var(here))
            }
        }
    }
    let inputs = ins.iter().map(|v| local[v]).collect();
    let jaxpr = Arc::new(Jaxpr::new(inputs, 0, vec![], eqns, atoms, results, avals));
    // else its only part would be itself, and so on
    assert!(!jaxpr.driven(), "an operation that the engine computes is given a stack: {jaxpr}");
    Work::Straight { jaxpr, ins, outs }
}
