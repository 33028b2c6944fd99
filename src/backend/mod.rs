//! From programs to the CPU engine: lowering, the cache of compiled programs, and running them.

pub mod ahead;
pub(crate) mod parts;
pub(crate) mod turns;

use crate::array::*;
use crate::aval::Aval;
use crate::error::{Error, ErrorKind, Loc, raise};
use crate::jaxpr::{Atom, Jaxpr};
use crate::prim::lower::{Lower, split, ty};
use crate::prim::{Avals, Primitive};
use crate::stages::{clock, dump};
use cotangent_cpu::{Executable, Output, Outputs, Program, ValId};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// A program ready to run.
pub(crate) struct Compiled {
    exec: Executable,
    outs: Avals,
    /// What it is in loops.
    bodies: turns::Bodies,
}

impl Compiled {
    /// Results for concrete arguments of the types that it was made for.
    #[inline]
    pub(crate) fn run(&self, args: &[&Array]) -> Outs {
        if let Some(bits) = self.scalar(args) {
            let aval = &self.outs[0];
            return crate::prim::one(Array::scalar(aval.dtype, aval.weak, bits));
        }
        self.run_lists(args)
    }
    /// A single operation on one or two scalars: what eager programs of numbers consist of.
    #[inline]
    fn scalar(&self, args: &[&Array]) -> Option<u64> {
        let bits = |a: &Array| match &a.0 {
            Repr::Scalar(s) => Some(s.bits),
            _ => None,
        };
        match args {
            [x] => self.exec.scalar(&[bits(x)?]),
            [x, y] => self.exec.scalar(&[bits(x)?, bits(y)?]),
            _ => None,
        }
    }
    fn run_lists(&self, args: &[&Array]) -> Outs {
        let outs = match args {
            [x] => self.exec.run(&[operand(x)]),
            [x, y] => self.exec.run(&[operand(x), operand(y)]),
            // a `Vec`, which knows how long it gets, fills faster than a `SmallVec`
            _ => self.exec.run(&args.iter().map(|a| operand(a)).collect::<Vec<_>>()),
        };
        results(outs, &self.outs, args)
    }
}
impl Compiled {
    /// As [`Compiled::run`]; the memory of arguments that nobody else has is put to use.
    pub(crate) fn run_giving(&self, mut args: SmallVec<[Array; 8]>, consts: &[Array]) -> Outs {
        let mut given = vec![];
        let mut numbers: SmallVec<[(usize, usize); 4]> = SmallVec::new();
        for i in self.exec.wants() {
            if let Some(buffer) = args.get_mut(*i as usize).and_then(Array::give_up) {
                numbers.push((*i as usize, given.len()));
                given.push(buffer)
            }
        }
        let all: SmallVec<[&Array; 8]> = args.iter().chain(consts).collect();
        let mut operands: Vec<_> = all.iter().map(|a| operand(a)).collect();
        for (i, k) in numbers {
            operands[i] = cotangent_cpu::Operand::Given(k)
        }
        results(self.exec.run_giving(&operands, &mut given), &self.outs, &all)
    }
}
/// What the engine returned as arrays of these types.
#[inline]
pub(crate) fn results(mut outs: Outputs, avals: &[Aval], args: &[&Array]) -> Outs {
    if outs.len() == 1 {
        return crate::prim::one(result(outs.pop().expect("one result"), &avals[0], args));
    }
    Outs::from_vec(outs.into_vec().into_iter().zip(avals).map(|(o, aval)| result(o, aval, args)).collect())
}

#[inline]
pub(crate) fn operand(a: &Array) -> cotangent_cpu::Operand<'_> {
    match &a.0 {
        Repr::Scalar(s) => cotangent_cpu::Operand::Bits(s.bits),
        Repr::Buf(b) => cotangent_cpu::Operand::Buffer(b.buffer()),
        Repr::Tracer(n) => crate::trace::stray(n, None),
    }
}
#[inline]
fn result(o: Output, aval: &Aval, args: &[&Array]) -> Array {
    match o {
        Output::Bits(bits) => Array::scalar(aval.dtype, aval.weak, bits),
        Output::Buffer(b) => Array::from_buffer(aval.clone(), b),
        Output::Arg(i) => {
            let a = args[i as usize];
            if a.aval() == aval { a.clone() } else { a.relabel(aval.clone()) }
        }
    }
}

/// One operation as a program.
pub(crate) fn compile_one(prim: &dyn Primitive, avals: &[&Aval], outs: &Avals, loc: Loc) -> Compiled {
    let mut l = Lower::new();
    let args: Vec<ValId> = avals.iter().map(|a| l.p.arg(ty(a))).collect();
    let vals = prim.lower(&mut l, &args, avals, outs);
    l.p.outs = vals.to_vec();
    compile(l.p, outs.clone(), prim.name(), loc)
}

fn compile(p: Program, outs: Avals, what: &str, loc: Loc) -> Compiled {
    for (v, a) in p.outs.iter().zip(&outs) {
        debug_assert_eq!(*p.ty(*v), ty(a), "{what}: lowered type");
    }
    match Executable::compile(&p) {
        Ok(exec) => Compiled { exec, outs, bodies: Default::default() },
        Err(why) => {
            raise(Error::new(ErrorKind::Program, format!("{what}: the engine refuses this program: {why}")).at(loc))
        }
    }
}

/// The whole program, calls inlined.
pub(crate) fn lower_jaxpr(l: &mut Lower, j: &Jaxpr, args: &[ValId]) -> Vec<ValId> {
    let mut env: Vec<ValId> = vec![ValId::MAX; j.avals.len()];
    for (v, a) in j.ins.iter().chain(j.consts.iter().map(|c| &c.0)).zip(args) {
        env[*v as usize] = *a
    }
    for (k, e) in j.eqns.iter().enumerate() {
        let mut lits = SmallVec::<[Aval; 2]>::new();
        let mut x = SmallVec::<[ValId; 4]>::new();
        let mut ins = SmallVec::<[&Aval; 4]>::new();
        for a in j.args(k) {
            if let Atom::Lit(s) = a {
                lits.push(Aval::new(s.dtype, &[]).with_weak(s.weak))
            }
        }
        let mut lit = lits.iter();
        for a in j.args(k) {
            match a {
                Atom::Var(v) => {
                    x.push(env[*v as usize]);
                    ins.push(&j.avals[*v as usize])
                }
                Atom::Lit(s) => {
                    x.push(l.p.constant(s.dtype.dt(), split(s.dtype, [s.bits, 0])));
                    ins.push(lit.next().expect("a literal's type"))
                }
            }
        }
        if e.prim.again() {
            l.p.fence()
        }
        let (first, last) = (e.out as usize, (e.out + e.n_out) as usize);
        let vals = match e.prim.inline() {
            Some(inner) => lower_call(l, inner, &x),
            None => {
                let made = e.prim.lower(l, &x, &ins, &j.avals[first..last]).to_vec();
                l.ends.push(l.p.nodes.len() as u32);
                made
            }
        };
        env[first..last].copy_from_slice(&vals);
    }
    j.outs
        .iter()
        .map(|a| match a {
            Atom::Var(v) => env[*v as usize],
            Atom::Lit(s) => l.p.constant(s.dtype.dt(), split(s.dtype, [s.bits, 0])),
        })
        .collect()
}

/// A nested program. Its own constants become arguments of the whole: they are collected as they are met.
fn lower_call(l: &mut Lower, j: &Jaxpr, args: &[ValId]) -> Vec<ValId> {
    let mut all = args.to_vec();
    for (v, _) in &j.consts {
        all.push(l.p.arg(ty(&j.avals[*v as usize])))
    }
    lower_jaxpr(l, j, &all)
}

/// Every constant of the program and of the programs that it calls, in the order in which `lower_call` makes arguments of them.
fn gather_consts<'a>(j: &'a Jaxpr, out: &mut Vec<&'a Array>) {
    out.extend(j.consts.iter().map(|c| &c.1));
    for e in &j.eqns {
        if let Some(inner) = e.prim.inline() {
            gather_consts(inner, out)
        }
    }
}

/// Compiled programs by content, for the whole process: a fresh closure costs a trace, not a compile. Bounded: it is emptied when it
/// grows large, and an executable lives as long as the program that uses it.
static PROGRAMS: LazyLock<Mutex<HashMap<u64, Vec<(Arc<Jaxpr>, Arc<Compiled>)>>>> = LazyLock::new(Default::default);
const LIMIT: usize = 1 << 10;

/// The tensor program. Its arguments are the inputs, then the constants.
pub(crate) fn program(j: &Jaxpr) -> Program {
    program_of(j).0
}
/// The same, and how many nodes there are after each equation, calls inlined.
pub(crate) fn program_of(j: &Jaxpr) -> (Program, Vec<u32>) {
    let mut l = Lower::new();
    let args: Vec<ValId> = j.in_avals().map(|a| l.p.arg(ty(a))).collect();
    l.p.outs = lower_call(&mut l, j, &args);
    (l.p, l.ends)
}
/// The constants of the program and of the programs that it calls.
pub(crate) fn constants(j: &Jaxpr) -> Vec<Array> {
    let mut consts = vec![];
    gather_consts(j, &mut consts);
    consts.into_iter().cloned().collect()
}

fn compiled(j: &Arc<Jaxpr>, loc: Loc) -> Arc<Compiled> {
    let key = j.content_hash();
    let lock = || PROGRAMS.lock().unwrap_or_else(|e| e.into_inner());
    if let Some((_, hit)) = lock().get(&key).and_then(|v| v.iter().find(|(k, _)| **k == **j)) {
        return hit.clone();
    }
    let c = Arc::new(compile(program(j), j.out_avals().into(), "jit", loc));
    let mut all = lock();
    if all.len() >= LIMIT {
        all.clear()
    }
    all.entry(key).or_default().push((j.clone(), c.clone()));
    c
}

/// How a program runs.
pub(crate) enum Ready {
    /// As one program of the engine, and the constants that it takes after the inputs.
    Whole(Arc<Compiled>, Vec<Array>),
    /// With control flow.
    Parts(parts::Parts),
}

pub(crate) fn ready(j: &Arc<Jaxpr>, loc: Loc) -> &Ready {
    j.ready.get_or_init(|| {
        if j.driven() { Ready::Parts(parts::Parts::of(j)) } else { Ready::Whole(compiled(j, loc), constants(j)) }
    })
}

/// Makes a program ready, with the machine code of its first run.
pub(crate) fn emit(j: &Arc<Jaxpr>, loc: Loc) {
    if let Ready::Whole(c, _) = ready(j, loc) {
        c.exec.emit()
    }
}

/// Is the memory of some arguments of this program, which has run before, worth giving away?
#[inline]
pub(crate) fn wants(j: &Arc<Jaxpr>) -> bool {
    let looked_at = || crate::debug::watch::on() || clock::on() || dump::on();
    matches!(j.ready.get(), Some(Ready::Whole(c, _)) if !c.exec.wants().is_empty()) && !looked_at()
}
/// As [`run_jaxpr`], with arguments that the caller has no use for any more: results may lie in the memory of those that nobody else has.
pub(crate) fn run_giving(j: &Arc<Jaxpr>, args: SmallVec<[Array; 8]>, loc: Loc) -> Outs {
    match ready(j, loc) {
        Ready::Whole(c, consts) => c.run_giving(args, consts),
        Ready::Parts(_) => run_jaxpr(j, &args.iter().collect::<Vec<_>>(), loc),
    }
}

/// Runs a whole program on concrete arguments.
pub(crate) fn run_jaxpr(j: &Arc<Jaxpr>, args: &[&Array], loc: Loc) -> Outs {
    if crate::debug::watch::on() {
        // every result is looked at
        return j.eval_in(&None, args, None).into();
    }
    match ready(j, loc) {
        Ready::Parts(parts) => parts.run(j, args, loc),
        Ready::Whole(_, consts) if clock::on() && clock::knows(j) => clock::run(j, args, consts),
        Ready::Whole(c, consts) if consts.is_empty() => c.run(args),
        Ready::Whole(c, consts) => {
            let all: SmallVec<[&Array; 8]> = args.iter().copied().chain(consts).collect();
            c.run(&all)
        }
    }
}
