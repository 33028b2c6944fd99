//! A compiled function as what it consists of: straight parts, each a tensor program with the equations that it came from, and between them the operations
//! that run programs of their own.

use crate::aval::Aval;
use crate::backend::{self, Ready};
use crate::error::Loc;
use crate::jaxpr::print::{literal, name};
use crate::jaxpr::{Atom, Jaxpr};
use crate::prim::{Param, Runs};
use cotangent_cpu::Program;
use cotangent_cpu::report::Inspected;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// An equation as text, and the user's line that it came from.
#[derive(Clone)]
pub(crate) struct Line {
    pub text: String,
    /// The same without parameters.
    pub short: String,
    pub loc: Loc,
    /// Does it belong to a backward pass?
    pub back: bool,
}

/// What runs as one program of the engine.
pub(crate) struct Piece {
    pub jaxpr: Arc<Jaxpr>,
    /// Its equations, calls inlined.
    pub lines: Vec<Line>,
    pub program: Program,
    /// Of each node of the program: the equation that it came from.
    pub origin: Vec<usize>,
    inspected: OnceLock<Inspected>,
}
impl Piece {
    /// As the engine runs it.
    pub(crate) fn inspected(&self) -> &Inspected {
        self.inspected.get_or_init(|| Inspected::compile(&self.program).expect("a program that was lowered"))
    }
}

/// An operation that runs programs, as long and as often as it likes.
pub(crate) struct Driven {
    pub line: Line,
    pub name: &'static str,
    pub runs: Runs,
    /// The program that it stands in, and the number of its equation.
    pub place: (Arc<Jaxpr>, usize),
    /// Its programs with their names.
    pub programs: Vec<(String, Tree)>,
}

pub(crate) enum Work {
    Straight(Arc<Piece>),
    Driven(Driven),
}
pub(crate) struct Part {
    pub work: Work,
    /// Bytes of the values that it leaves to later parts, and of those that nobody reads after it.
    pub made: usize,
    pub freed: usize,
}
/// The parts of a program in order.
pub(crate) struct Tree {
    pub parts: Vec<Part>,
    /// Bytes of the arguments and of the results.
    pub arguments: usize,
    pub outputs: usize,
}

/// Bytes of a value. A list of a length that only a run knows has none that could be told.
fn bytes(a: &Aval) -> usize {
    if a.stack > 0 { 0 } else { a.size() * a.dtype.size() }
}

/// Names for variables, in the order in which they are met.
#[derive(Default)]
struct Names(u32);
impl Names {
    fn next(&mut self) -> String {
        self.0 += 1;
        name(self.0 - 1)
    }
    /// Names of the constants and the inputs of a program.
    fn of_ins(&mut self, j: &Jaxpr, ins: Vec<String>) -> Vec<String> {
        let mut env = vec![String::new(); j.avals.len()];
        for (v, n) in j.ins.iter().zip(ins) {
            env[*v as usize] = n
        }
        for (v, _) in &j.consts {
            env[*v as usize] = self.next()
        }
        env
    }
    fn fresh_ins(&mut self, j: &Jaxpr) -> Vec<String> {
        j.ins.iter().map(|_| self.next()).collect()
    }
}
fn atom(env: &[String], a: &Atom) -> String {
    match a {
        Atom::Var(v) => env[*v as usize].clone(),
        Atom::Lit(l) => literal(l),
    }
}
fn binder(n: &str, a: &Aval) -> String {
    let mut text = format!("{n}:{}", a.dtype.short());
    crate::aval::dims(&mut text, &a.shape).expect("a string takes all text");
    text + &"*".repeat(a.stack as usize)
}

/// Equation `k` as text; its results get names.
fn line(j: &Jaxpr, k: usize, env: &mut [String], names: &mut Names) -> Line {
    let e = &j.eqns[k];
    let operands: Vec<String> = j.args(k).iter().map(|a| atom(env, a)).collect();
    let mut results = vec![];
    for v in e.out..e.out + e.n_out {
        env[v as usize] = names.next();
        results.push(binder(&env[v as usize], &j.avals[v as usize]))
    }
    let texts = e.prim.params().into_iter().filter_map(|(key, p)| match p {
        Param::Text(t) => Some(format!("{key}={t}")),
        _ => None,
    });
    let params = texts.collect::<Vec<_>>().join(" ");
    let params = if params.is_empty() { params } else { format!("[{params}]") };
    let equals = if results.is_empty() { "" } else { " = " };
    let with = |params: &str| {
        let text = format!("{}{equals}{}{params} {}", results.join(" "), e.prim.name(), operands.join(" "));
        text.trim_end().to_string()
    };
    Line { text: with(&params), short: with(""), loc: e.loc, back: e.back }
}
/// Equation `k` with names of its own: what it does to its operands.
pub(crate) fn equation(j: &Jaxpr, k: usize) -> String {
    let mut names = Names::default();
    let ins = names.fresh_ins(j);
    let mut env = names.of_ins(j, ins);
    let mut text = String::new();
    for i in 0..=k {
        text = line(j, i, &mut env, &mut names).text
    }
    text.split_once(" = ").map_or(text.clone(), |(_, does)| does.into())
}
/// All equations of a program that is one for the engine, calls inlined, in the order in which they are lowered; and the names of its results.
fn lines(j: &Jaxpr, ins: Vec<String>, names: &mut Names, all: &mut Vec<Line>) -> Vec<String> {
    let mut env = names.of_ins(j, ins);
    for (k, e) in j.eqns.iter().enumerate() {
        match e.prim.inline() {
            None => all.push(line(j, k, &mut env, names)),
            Some(inner) => {
                let args = j.args(k).iter().map(|a| atom(&env, a)).collect();
                let outs = lines(inner, args, names, all);
                env[e.out as usize..(e.out + e.n_out) as usize].clone_from_slice(&outs)
            }
        }
    }
    j.outs.iter().map(|a| atom(&env, a)).collect()
}

fn piece(j: &Arc<Jaxpr>, ins: Vec<String>, names: &mut Names) -> (Arc<Piece>, Vec<String>) {
    let mut all = vec![];
    let outs = lines(j, ins, names, &mut all);
    let (program, ends) = backend::program_of(j);
    assert_eq!(all.len(), ends.len(), "as many equations as were lowered");
    let origin = (0..program.nodes.len()).map(|i| ends.partition_point(|end| *end as usize <= i)).collect();
    let piece = Piece { jaxpr: j.clone(), lines: all, program, origin, inspected: OnceLock::new() };
    (Arc::new(piece), outs)
}

impl Tree {
    /// What this program consists of.
    pub(crate) fn of(j: &Arc<Jaxpr>, loc: Loc) -> Tree {
        let mut names = Names::default();
        let ins = names.fresh_ins(j);
        tree(j, ins, &mut names, loc).0
    }
    /// The programs that operations run.
    pub(crate) fn programs(&self) -> impl Iterator<Item = Arc<Jaxpr>> {
        let all = self.parts.iter().filter_map(|p| match &p.work {
            Work::Driven(d) => {
                Some(d.place.0.eqns[d.place.1].prim.params().into_iter().flat_map(|(_, p)| p.programs()))
            }
            Work::Straight(_) => None,
        });
        all.flatten()
    }
    /// The pieces, also those of programs that operations run.
    pub(crate) fn pieces(&self) -> Vec<&Arc<Piece>> {
        let mut all = vec![];
        for p in &self.parts {
            match &p.work {
                Work::Straight(piece) => all.push(piece),
                Work::Driven(d) => d.programs.iter().for_each(|(_, t)| all.extend(t.pieces())),
            }
        }
        all
    }
}
fn tree(j: &Arc<Jaxpr>, ins: Vec<String>, names: &mut Names, loc: Loc) -> (Tree, Vec<String>) {
    let arguments = j.in_avals().map(bytes).sum();
    let outputs = j.out_avals().iter().map(bytes).sum();
    if !j.driven() {
        let (piece, outs) = piece(j, ins, names);
        let part = Part { work: Work::Straight(piece), made: outputs, freed: 0 };
        return (Tree { parts: vec![part], arguments, outputs }, outs);
    }
    let Ready::Parts(parts) = backend::ready(j, loc) else { unreachable!("a program with driven operations") };
    let mut env = names.of_ins(j, ins);
    let mut inside: HashMap<u32, usize> = HashMap::new();
    let mut all = vec![];
    for part in parts.iter() {
        let (work, made) = match part.work {
            Ok((jaxpr, ins, outs)) => {
                let (piece, names) = piece(jaxpr, ins.iter().map(|v| env[*v as usize].clone()).collect(), names);
                for (v, n) in outs.iter().zip(names) {
                    env[*v as usize] = n
                }
                (Work::Straight(piece), outs.to_vec())
            }
            Err(k) => {
                let e = &j.eqns[k];
                let line = line(j, k, &mut env, names);
                let mut programs = vec![];
                for (key, p) in e.prim.params() {
                    let one = |name: String, j: &Arc<Jaxpr>, names: &mut Names| {
                        let ins = names.fresh_ins(j);
                        (name, tree(j, ins, names, e.loc).0)
                    };
                    match p {
                        Param::Text(_) => {}
                        Param::Jaxpr(j) | Param::Called(j, _) => programs.push(one(key.into(), &j, names)),
                        Param::Jaxprs(js) => {
                            let numbered = js.iter().enumerate();
                            programs.extend(numbered.map(|(i, j)| one(format!("{key}[{i}]"), j, names)))
                        }
                        Param::Fields(_, fields) => {
                            let there = fields.iter().filter_map(|(f, j)| Some((f, j.as_ref()?)));
                            programs.extend(there.map(|(f, j)| one(format!("{key}.{f}"), j, names)))
                        }
                    }
                }
                let runs = match (e.prim.inline(), e.prim.higher()) {
                    (Some(_), _) => Runs::Times(1),
                    (None, Some(programs)) => programs.runs(),
                    (None, None) => Runs::Unknown,
                };
                let (name, place) = (e.prim.name(), (j.clone(), k));
                (Work::Driven(Driven { line, name, runs, place, programs }), (e.out..e.out + e.n_out).collect())
            }
        };
        let mut sum = 0;
        for v in made {
            let n = bytes(&j.avals[v as usize]);
            inside.insert(v, n);
            sum += n
        }
        // the arguments are the caller's
        let freed = part.dead.iter().filter_map(|v| inside.remove(v)).sum();
        all.push(Part { work, made: sum, freed })
    }
    let outs = j.outs.iter().map(|a| atom(&env, a)).collect();
    (Tree { parts: all, arguments, outputs }, outs)
}
