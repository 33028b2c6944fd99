//! From a group of maps to one flat list of slice kernels over columns.

use super::When;
use super::access::{Access, Form};
use super::build::{Copies, Place};
use super::constants::Constants;
use super::kernels::{self, Target};
use super::machine::Machine;
use super::map::{BLOCK, Call, Column, Entry, Fill, MapStep};
use super::plan::Plan;
use super::register::{Flat, FlatWord, Registers};
use super::what::What;
use crate::emit::translate::{Line, Source};
use crate::isa::Isa;
use crate::{Body, Dt, Kind, M, Op, Part, Program, Sop, ValId, View};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const NONE: u32 = u32::MAX;
/// A column that is the same for all blocks costs more than a loop that keeps it in a register, from so many elements on.
const LONG: usize = 1 << 14;

/// A value of a body: the column with the element as it is stored and, of half precision, the one with it as `f32`. Either may be
/// missing until it is wanted.
#[derive(Clone, Copy)]
struct Real {
    dt: Dt,
    stored: u32,
    wide: u32,
}

/// A column in single assignment: filled from somewhere, or the result of a call.
struct Ssa {
    size: usize,
    def: Def,
}
enum Def {
    /// These bits in every element.
    Const(u64),
    Fill(Fill),
    Dense {
        place: Place,
        offset: isize,
    },
    Call {
        what: What,
        args: [u32; 3],
    },
}

/// What a group makes that others read.
pub struct Made {
    /// The value.
    pub val: ValId,
    /// Where it goes.
    pub place: Place,
    /// Does it lie over an operand of the same group that nobody reads afterwards?
    pub in_place: bool,
    /// Elements of its rows, and bytes between the end of a row and the beginning of the next.
    pub rows: (usize, usize),
}

pub struct Lower<'a> {
    pub p: &'a Program,
    pub plan: &'a Plan,
    /// What kernels are chosen for.
    pub target: Target,
    /// When machine code is made.
    pub when: When,
    /// Where values lie that the group does not make.
    pub place: &'a dyn Fn(ValId) -> Place,
    /// Dense copies of operands seen through views.
    pub copies: &'a Copies,
    reals: Vec<Real>,
    ssa: Vec<Ssa>,
    /// Real values of the group by value and part.
    made: HashMap<(ValId, bool), u32>,
    inputs: HashMap<(ValId, u32, Part), u32>,
    consts: HashMap<(u64, usize), u32>,
    /// What is computed already: maps of a group may say the same.
    calls: HashMap<(What, [u32; 3]), u32>,
    len: usize,
}

impl<'a> Lower<'a> {
    pub fn new(
        p: &'a Program,
        plan: &'a Plan,
        target: Target,
        when: When,
        place: &'a dyn Fn(ValId) -> Place,
        copies: &'a Copies,
    ) -> Lower<'a> {
        Lower {
            p,
            plan,
            target,
            when,
            place,
            copies,
            reals: Vec::new(),
            ssa: Vec::new(),
            made: HashMap::new(),
            inputs: HashMap::new(),
            consts: HashMap::new(),
            calls: HashMap::new(),
            len: 0,
        }
    }

    /// Lowers a group of maps.
    pub fn group(mut self, nodes: &[u32], stored: &[Made], consts: &mut Constants) -> MapStep {
        for i in nodes {
            let node = &self.p.nodes[*i as usize];
            let Kind::Map(body) = &node.kind else { unreachable!("a group of several nodes has only maps") };
            self.len = self.p.vals[node.vals.0 as usize].ty.len();
            self.body(node, body);
        }
        self.finish(stored, consts)
    }

    fn body(&mut self, node: &crate::Node, body: &Body) {
        let mut real: Vec<u32> = Vec::with_capacity(body.ops.len());
        for s in &body.ops {
            let id = match s.op {
                Op::In => self.input(node.uses.0 + s.a, s.dt),
                Op::Index => self.index(&self.p.vals[node.vals.0 as usize].ty.dims, s.a as usize, s.dt),
                Op::Const => {
                    let id = self.constant(s.a as u64 | (s.b as u64) << 32, s.dt.size());
                    self.real(s.dt, id)
                }
                _ => self.compute(s, &real),
            };
            real.push(id);
        }
        let mut outs = body.outs.iter();
        for v in node.vals.0..node.vals.0 + node.vals.1 {
            let parts = if self.p.vals[v as usize].ty.dt.is_complex() { 2 } else { 1 };
            for part in 0..parts {
                let out = *outs.next().expect("a checked body has an output for every part");
                self.made.insert((v, part == 1), real[out as usize]);
            }
        }
    }

    fn real(&mut self, dt: Dt, stored: u32) -> u32 {
        self.reals.push(Real { dt, stored, wide: NONE });
        self.reals.len() as u32 - 1
    }
    fn def(&mut self, size: usize, def: Def) -> u32 {
        self.ssa.push(Ssa { size, def });
        self.ssa.len() as u32 - 1
    }
    fn call(&mut self, what: What, size: usize, mut args: [u32; 3]) -> u32 {
        if let What::Op(Op::Add | Op::Mul, _) = what {
            args[..2].sort_unstable()
        }
        // A copy goes to a place of its own.
        let moves = matches!(what, What::Copy(_) | What::Interleave(_));
        if let Some(id) = self.calls.get(&(what, args)).filter(|_| !moves) {
            return *id;
        }
        let id = self.def(size, Def::Call { what, args });
        self.calls.insert((what, args), id);
        id
    }
    fn constant(&mut self, bits: u64, size: usize) -> u32 {
        if let Some(id) = self.consts.get(&(bits, size)) {
            return *id;
        }
        let id = self.def(size, Def::Const(bits));
        self.consts.insert((bits, size), id);
        id
    }
    fn index(&mut self, dims: &[usize], d: usize, dt: Dt) -> u32 {
        let fill = Fill::Index { radix: dims[d + 1..].iter().product(), n: dims[d] };
        let mut id = self.def(8, Def::Fill(fill));
        if dt.size() != 8 {
            id = self.call(What::Cast(Dt::I64, dt), dt.size(), [id, NONE, NONE]);
        }
        self.real(dt, id)
    }

    /// An operand of a map: a value of the group, or a column that is read.
    fn input(&mut self, u: u32, dt: Dt) -> u32 {
        let s = self.plan.sources[u as usize];
        let part = self.p.uses[u as usize].part;
        if s.view.is_none()
            && let Some(id) = self.made.get(&(s.val, part == Part::Im))
        {
            return *id;
        }
        let key = (s.val, s.view.unwrap_or(NONE), part);
        if let Some(id) = self.inputs.get(&key) {
            return *id;
        }
        let from = self.p.ty(s.val).dt;
        let flat;
        let copy = s.view.and_then(|v| self.copies.get(&(s.val, v)));
        let view = match s.view {
            Some(v) => copy.map_or(&self.plan.views[v as usize], |c| &c.1),
            None => {
                flat = View::identity(&[self.len]);
                &flat
            }
        };
        let mut access = Access::new(view, from, part);
        let place = copy.map_or_else(|| (self.place)(s.val), |c| c.0);
        if part == Part::Whole && copy.is_none() && matches!(place, Place::Arg(_) | Place::Slot(_)) {
            access.seen_in(view, self.p.ty(s.val).len())
        }
        let (size, offset) = (access.size, access.offset);
        // several views may show the same
        let same = |s: &Ssa| matches!(&s.def, Def::Fill(Fill::Strided(p, a)) if *p == place && **a == access);
        let known = self.ssa.iter().position(same).map(|i| i as u32);
        let kind = &self.p.nodes[self.p.vals[s.val as usize].node as usize].kind;
        let mut id = match (access.form(), kind) {
            (Form::Splat | Form::Dense, Kind::Const(bits)) => self.constant(bits[(part == Part::Im) as usize], size),
            (Form::Splat, _) => self.def(size, Def::Fill(Fill::Scalar(place, offset))),
            (Form::Dense, _) => self.def(size, Def::Dense { place, offset }),
            (Form::Strided, _) => {
                known.unwrap_or_else(|| self.def(size, Def::Fill(Fill::Strided(place, Box::new(access)))))
            }
        };
        if dt == Dt::Bool && matches!(place, Place::Arg(_)) {
            // Whoever passes an argument may have put anything into its bytes.
            id = self.call(What::Truth(1), 1, [id, NONE, NONE]);
        }
        let real = self.real(dt, id);
        self.inputs.insert(key, real);
        real
    }

    fn stored(&self, real: u32) -> u32 {
        self.reals[real as usize].stored
    }
    /// The column to compute with: half precision as `f32`.
    fn wide(&mut self, real: u32) -> u32 {
        let r = self.reals[real as usize];
        if !matches!(r.dt, Dt::F16 | Dt::Bf16) {
            return r.stored;
        }
        if r.wide == NONE {
            let id = self.call(What::Widen(r.dt), 4, [r.stored, NONE, NONE]);
            self.reals[real as usize].wide = id;
        }
        self.reals[real as usize].wide
    }
    /// A column computed with, as a value of type `dt`: half precision is rounded.
    fn rounded(&mut self, dt: Dt, wide: u32) -> u32 {
        let stored = match dt {
            Dt::F16 | Dt::Bf16 => self.call(What::Narrow(dt), 2, [wide, NONE, NONE]),
            _ => wide,
        };
        self.real(dt, stored)
    }

    fn compute(&mut self, s: &Sop, real: &[u32]) -> u32 {
        let ids = [s.a, s.b, s.c];
        let arity = s.op.arity();
        let from = self.reals[real[s.a as usize] as usize].dt;
        let dt = s.dt;
        match s.op {
            Op::Cast => return self.cast(real[s.a as usize], from, dt),
            Op::Bitcast => {
                let id = self.stored(real[s.a as usize]);
                return self.real(dt, id);
            }
            _ => {}
        }
        // What half precision can do as it is.
        let as_stored = matches!(s.op, Op::Select | Op::NextAfter);
        let mut args = [NONE; 3];
        for k in 0..arity {
            let r = real[ids[k] as usize];
            args[k] = if as_stored { self.stored(r) } else { self.wide(r) };
        }
        let with = |dt: Dt| if as_stored { dt } else { dt.acc() };
        let of = if s.op == Op::Select { dt } else { from };
        let out = if matches!(s.op, Op::Eq | Op::Ne | Op::Lt | Op::Le) { Dt::Bool } else { with(dt) };
        let id = self.call(What::Op(s.op, with(of)), out.size(), args);
        if as_stored { self.real(dt, id) } else { self.rounded(dt, id) }
    }

    fn cast(&mut self, a: u32, from: Dt, to: Dt) -> u32 {
        if from == to {
            return a;
        }
        let x = self.wide(a);
        let from = from.acc();
        let y = match (from, to) {
            // Rounded once, through a float whose last bit remembers what was lost.
            (Dt::F64, Dt::F16) => self.call(What::RoundToOdd, 4, [x, NONE, NONE]),
            // Integers of one size have the same bits; a truth value is a byte.
            _ if from == to.acc()
                || to != Dt::Bool && !from.is_float() && !to.is_float() && from.size() == to.size() =>
            {
                x
            }
            _ => self.call(What::Cast(from, to.acc()), to.acc().size(), [x, NONE, NONE]),
        };
        self.rounded(to, y)
    }

    /// Lowers maps of scalars to a register machine. `outs` are values that the program gives back, with their bytes.
    pub fn registers(mut self, nodes: &[u32], outs: &[(ValId, usize)], consts: &[[u64; 2]]) -> Registers {
        self.len = 1;
        for i in nodes {
            let node = &self.p.nodes[*i as usize];
            if let Kind::Map(body) = &node.kind {
                self.body(node, body);
            }
        }
        // What becomes of each result: a register, or an argument or a constant as it is.
        let results: Vec<(u32, usize)> = outs
            .iter()
            .map(|(v, bytes)| {
                let id = match self.made.get(&(*v, false)) {
                    Some(re) if self.p.ty(*v).dt.is_complex() => {
                        let (re, im) = (self.stored(*re), self.stored(self.made[&(*v, true)]));
                        self.call(What::Interleave(4), 8, [re, im, NONE])
                    }
                    Some(re) => self.stored(*re),
                    None => self.def(*bytes, Def::Fill(Fill::Scalar((self.place)(*v), 0))),
                };
                (id, *bytes)
            })
            .collect();
        self.pairs(&results);
        let ends = self.ends(results.iter().map(|r| r.0));
        let mut r = Registers { args: self.p.args.len(), ..Registers::default() };
        r.fixed.extend(consts.iter().map(|c| c[0]));
        // Constants of bodies behind those of the program, then what is computed.
        let mut at = vec![NONE; self.ssa.len()];
        for (i, s) in self.ssa.iter().enumerate() {
            at[i] = match &s.def {
                Def::Const(bits) => {
                    r.fixed.push(*bits);
                    8 * (r.args + r.fixed.len() - 1) as u32
                }
                Def::Fill(Fill::Scalar(place, offset)) => {
                    let cell = match place {
                        Place::Arg(i) => *i as usize,
                        Place::Const(i) => r.args + *i as usize,
                        _ => unreachable!("scalars are arguments, constants or made here"),
                    };
                    8 * cell as u32 + *offset as u32
                }
                _ => NONE,
            };
        }
        let mut next = 8 * (r.args + r.fixed.len()) as u32;
        let mut free: Vec<u32> = Vec::new();
        for i in 0..self.ssa.len() {
            let Def::Call { what, args } = &self.ssa[i].def else { continue };
            if ends[i] == 0 {
                continue;
            }
            at[i] = free.pop().unwrap_or_else(|| {
                next += 8;
                next - 8
            });
            r.calls.push(Call { code: what.code(self.target), out: at[i], args: places(args, &at) });
            free.extend(self.read_last(i, args, &ends).map(|a| at[a]));
        }
        r.flat = self.flat(&r, &ends, &at, results.iter().map(|r| r.0));
        r.cells = next as usize / 8;
        r.outs = results.iter().map(|(id, bytes)| (at[*id as usize], *bytes)).collect();
        r.simplify();
        r
    }

    fn flat(&self, r: &Registers, ends: &[usize], at: &[u32], outs: impl Iterator<Item = u32>) -> Flat {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let word = |(i, s): (usize, &Ssa)| match (&s.def, (at[i] / 8) as usize) {
            _ if ends[i] == 0 => None,
            (Def::Call { .. }, _) => None,
            (_, cell) if cell < r.args => Some(FlatWord::Arg(cell as u32, at[i] % 8)),
            (_, cell) => Some(FlatWord::Const(r.fixed[cell - r.args] >> (8 * (at[i] % 8)))),
        };
        Flat {
            isa: Some(self.target.isa),
            when: self.when,
            lines: self.lines(ends),
            words: self.ssa.iter().enumerate().map(word).collect(),
            outs: outs.collect(),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            turns: Mutex::default(),
        }
    }

    /// Merges an operation into the only one that reads it, where there is a kernel for both: single elements cost as much as the call.
    fn pairs(&mut self, results: &[(u32, usize)]) {
        let mut readers = vec![0u32; self.ssa.len()];
        for (id, _) in results {
            readers[*id as usize] += 2
        }
        for s in &self.ssa {
            if let Def::Call { args, .. } = &s.def {
                args.iter().filter(|a| **a != NONE).for_each(|a| readers[*a as usize] += 1)
            }
        }
        for i in 0..self.ssa.len() {
            self.without_neg(i, &readers);
            let Def::Call { args: [a, b, NONE], what: What::Op(second, dt) } = self.ssa[i].def else { continue };
            for (from, other, after) in [(a, b, false), (b, a, true)] {
                if from == NONE || other == NONE || readers[from as usize] != 1 {
                    continue;
                }
                let Def::Call { args: [x, y, NONE], what: What::Op(first, of) } = self.ssa[from as usize].def else {
                    continue;
                };
                if of == dt && kernels::pair(self.target.isa, first, second, after, dt).is_some() {
                    let what = What::Pair { first, second, after, dt };
                    self.ssa[i].def = Def::Call { what, args: [x, y, other] };
                    break;
                }
            }
        }
    }
    /// A sum with a negative is a difference, and the other way round, to the last bit: what transposed programs are full of.
    fn without_neg(&mut self, i: usize, readers: &[u32]) {
        let Def::Call { args: [a, b, NONE], what: What::Op(op @ (Op::Add | Op::Sub), dt) } = self.ssa[i].def else {
            return;
        };
        let negated = |id: u32| match self.ssa.get(id as usize).map(|s| &s.def) {
            Some(Def::Call { args: [x, NONE, NONE], what: What::Op(Op::Neg, of) })
                if *of == dt && readers[id as usize] == 1 =>
            {
                Some(*x)
            }
            _ => None,
        };
        let (op, args) = match (op, negated(a), negated(b)) {
            (Op::Add, _, Some(y)) => (Op::Sub, [a, y, NONE]),
            (Op::Add, Some(x), None) => (Op::Sub, [b, x, NONE]),
            (Op::Sub, _, Some(y)) => (Op::Add, [a, y, NONE]),
            _ => return,
        };
        if !matches!(dt, Dt::F32 | Dt::F64) {
            return;
        }
        self.ssa[i].def = Def::Call { what: What::Op(op, dt), args }
    }
    /// The last reader of everything: 0 for what nobody reads, and the greatest number for the results.
    fn ends(&self, results: impl Iterator<Item = u32>) -> Vec<usize> {
        let mut ends = vec![0; self.ssa.len()];
        for id in results {
            ends[id as usize] = usize::MAX;
        }
        for i in (0..self.ssa.len()).rev() {
            if let Def::Call { args, .. } = &self.ssa[i].def
                && ends[i] > 0
            {
                for a in args.iter().filter(|a| **a != NONE) {
                    ends[*a as usize] = ends[*a as usize].max(i);
                }
            }
        }
        ends
    }
    /// The results of calls that call `i` is the last one to read. (What is filled must survive the block.)
    fn read_last(&self, i: usize, args: &[u32; 3], ends: &[usize]) -> impl Iterator<Item = usize> {
        let read = args.iter().enumerate().filter(|(k, a)| **a != NONE && !args[..*k].contains(a));
        read.map(|(_, a)| *a as usize).filter(move |a| ends[*a] == i && matches!(self.ssa[*a].def, Def::Call { .. }))
    }

    /// Assigns columns and puts the calls in order.
    fn finish(mut self, stored: &[Made], consts: &mut Constants) -> MapStep {
        // Every stored value is the result of a call of its own, which writes to the result: `direct` says which. A result that lies
        // over an operand is written from a column when all else of the block is done.
        let mut direct: HashMap<u32, u32> = HashMap::new();
        let mut tail: Vec<(u32, u32)> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        let mut apart: Option<usize> = None;
        for m in stored {
            let re = self.stored(self.made[&(m.val, false)]);
            let size = self.ssa[re as usize].size;
            let id = if self.p.ty(m.val).dt.is_complex() {
                let im = self.stored(self.made[&(m.val, true)]);
                self.call(What::Interleave(size), 2 * size, [re, im, NONE])
            } else if direct.contains_key(&re) || !matches!(self.ssa[re as usize].def, Def::Call { .. }) {
                self.call(What::Copy(size), size, [re, NONE, NONE])
            } else {
                re
            };
            let entry = entries.len() as u32;
            let skip = m.rows.1;
            if skip > 0 {
                apart = Some(m.rows.0)
            }
            entries.push(Entry { at: (m.place, 0), step: self.p.ty(m.val).dt.size(), skip });
            if m.in_place {
                tail.push((entry, id));
            } else {
                direct.insert(id, entry);
            }
        }
        let ends = self.ends(direct.keys().copied().chain(tail.iter().map(|t| t.1)));
        let live = |i: &usize| ends[*i] > 0;
        let mut at = vec![NONE; self.ssa.len()];
        for i in (0..self.ssa.len()).filter(live) {
            let size = self.ssa[i].size;
            let entry = match self.ssa[i].def {
                Def::Const(bits) => {
                    let place = Place::Const(consts.column(bits, size, self.len.min(BLOCK)));
                    Entry { at: (place, 0), step: 0, skip: 0 }
                }
                Def::Dense { place, offset } => Entry { at: (place, offset), step: size, skip: 0 },
                _ => continue,
            };
            at[i] = entries.len() as u32;
            entries.push(entry);
        }
        // All other entries are columns.
        let apart = apart.unwrap_or(self.len.max(1));
        let mut step = MapStep { len: self.len, entries, apart, ..MapStep::default() };
        let (first, mut width) = (step.entries.len(), 1);
        let mut free: Vec<u32> = Vec::new();
        let mut column = |step: &mut MapStep, free: &mut Vec<u32>, size: usize| {
            width = width.max(size);
            free.pop().unwrap_or_else(|| {
                step.entries.push(Entry { at: (Place::Scratch, 0), step: 0, skip: 0 });
                step.entries.len() as u32 - 1
            })
        };
        // Fills happen before all calls, so their columns are taken first.
        for i in (0..self.ssa.len()).filter(live) {
            let size = self.ssa[i].size;
            if let Def::Fill(fill) = &self.ssa[i].def {
                at[i] = column(&mut step, &mut free, size);
                step.fills.push(Column { entry: at[i], size, fill: fill.clone() });
            }
        }
        for i in (0..self.ssa.len()).filter(live) {
            let Def::Call { what, args } = &self.ssa[i].def else { continue };
            at[i] = match direct.get(&(i as u32)) {
                Some(entry) => *entry,
                None => column(&mut step, &mut free, self.ssa[i].size),
            };
            step.calls.push(Call { code: what.code(self.target), out: at[i], args: places(args, &at) });
            free.extend(self.read_last(i, args, &ends).map(|a| at[a]));
        }
        step.choose_row();
        step.machine = self.machine(&at, (step.row, &step.fills), &ends, &direct, &tail, stored);
        for (entry, id) in &tail {
            let code = What::Copy(self.ssa[*id as usize].size).code(self.target);
            step.calls.push(Call { code, out: *entry, args: [at[*id as usize]; 3] });
        }
        step.choose_blocks(first, width);
        step.ns = step.estimate();
        step
    }

    /// The calls of the group for the emitter. `at`: the entries of what is read, in these rows, `direct` and `tail`: of what is written.
    fn machine(
        &self,
        at: &[u32],
        (row, fills): (usize, &[Column]),
        ends: &[usize],
        direct: &HashMap<u32, u32>,
        tail: &[(u32, u32)],
        stored: &[Made],
    ) -> Option<Box<Machine>> {
        let live = || self.ssa.iter().zip(ends).filter(|(_, e)| **e > 0).map(|(s, _)| &s.def);
        let calls = live().filter(|d| matches!(d, Def::Call { .. })).count();
        // One call is a loop in registers as it is, unless a column has to be filled for each of its blocks, or is read again and again beside what comes from memory, or its result lies
        // over an operand, and so in a column first.
        let column = |d: &Def| match d {
            Def::Fill(Fill::Strided(..) | Fill::Index { .. }) => true,
            Def::Fill(Fill::Scalar(..)) | Def::Const(_) => self.len >= LONG,
            _ => false,
        };
        // A function, as the compiler vectorizes it for AVX2, takes longer than what is emitted: a tenth more or thrice as much, and eight times where it does not vectorize it at all.
        // Only powers of `f32`, half of which is in `f64`, are faster.
        let function = |d: &Def| match d {
            Def::Call { what: What::Op(Op::Math(m), dt), .. } => (*m, *dt) != (M::Pow, Dt::F32),
            _ => false,
        };
        let slow = self.target.isa == Isa::Avx2 && live().any(function);
        let alone = calls < 2 && tail.is_empty() && !live().any(column) && !slow;
        if self.target.isa == Isa::Portable || self.when == When::Never {
            return None;
        }
        let alone = alone && self.when == When::Pays;
        // As the step has them, whose rows may be shorter.
        let fill = |i: usize| fills.iter().find(|c| c.entry == at[i]).map(|c| &c.fill);
        let source = |(i, s): (usize, &Ssa)| match &s.def {
            _ if ends[i] == 0 => None,
            Def::Const(bits) => Some(Source::Const(*bits)),
            Def::Fill(Fill::Scalar(..)) => Some(Source::Splat(at[i], 0)),
            Def::Fill(_) => Some(match fill(i)? {
                f if f.still(row, self.len) => Source::Splat(at[i], 0),
                f if f.counts(row, self.len) => Source::Index(at[i]),
                f if let Some(part) = f.paired(row, self.len) => Source::Pair(at[i], part),
                _ => Source::Stream(at[i], 0),
            }),
            Def::Dense { .. } => Some(Source::Stream(at[i], 0)),
            Def::Call { .. } => None,
        };
        let mut outs: Vec<(u32, u32)> =
            direct.iter().map(|(id, e)| (*id, *e)).chain(tail.iter().map(|(e, id)| (*id, *e))).collect();
        outs.sort_unstable_by_key(|o| o.1);
        let sources = self.ssa.iter().enumerate().map(source).collect();
        // What is read lies at the entry of its column, or, of a bool, of the column behind it.
        let mut names: Vec<(u32, ValId)> = (self.inputs.iter())
            .map(|((v, ..), real)| match &self.ssa[self.stored(*real) as usize].def {
                Def::Call { args, .. } => (at[args[0] as usize], *v),
                _ => (at[self.stored(*real) as usize], *v),
            })
            .chain(stored.iter().zip(0..).map(|(m, entry)| (entry, m.val)))
            .collect();
        names.sort_unstable();
        let (lines, work) = (self.lines(ends), calls * self.len);
        Some(Box::new(Machine::new(self.target.isa, self.when, lines, sources, outs, alone, work, names)))
    }
    /// The columns for the emitter; the dead ones are empty.
    fn lines(&self, ends: &[usize]) -> Vec<Line> {
        let line = |(s, end): (&Ssa, &usize)| match &s.def {
            Def::Call { what, args } if *end > 0 => Line { size: s.size, call: Some((*what, *args)) },
            _ => Line { size: s.size, call: None },
        };
        self.ssa.iter().zip(ends).map(line).collect()
    }
}

/// Where the operands of a call are. One that the kernel does not take is at the place of its first.
fn places(args: &[u32; 3], at: &[u32]) -> [u32; 3] {
    args.map(|a| at[if a == NONE { args[0] } else { a } as usize])
}
