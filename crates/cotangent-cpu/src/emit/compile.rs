//! Registers and loops.
//!
//! A program is straight-line and in single assignment, so one pass backwards finds who reads what last, and one pass forwards hands out registers;
//! when none is free, the value that is read latest goes to memory. Constants, and elements that are the same in every round, need no register of
//! their own: those used most are kept in what is left over, others are read where they are used.
//!
//! Four loops come out of it. A map runs over elements, as many at once as a register holds; with AVX-512 the last round is masked, with AVX2 what does
//! not fill a register is left to the caller. Turns run over one element after the other, and what goes from turn to turn stays in registers. A third one runs over
//! rows: a round has all of a row in it, vector by vector. A fourth runs over rows and over their elements, and what is folded stays in registers.
//!
//! Called as `fn(table, n, start)`, it works on indices from `start` on, with the pointers of the table, and returns how far it came and why it
//! stopped ([`Stop`]).

mod again;
mod frame;
mod operands;
mod turns;

use super::asm::{Asm, If, Rm, gp};
use super::ir::{I, Inst, Ir, Mem, Span, Store, Ty};
use super::select::{self, Far, Lanes};

/// Which loop.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Loop {
    /// Over elements.
    Map,
    /// Over elements, two registers of them at once; what is less than that is left over.
    Twice,
    /// Over rows: a round is all that is done with one. Nothing that is written is read.
    Rows,
    /// Over rows of so many elements, and over those: what is folded stays in registers. `carry` is the entry of the pointer to it.
    Folds { width: u32, carry: u32 },
    /// Turn after turn; streams are walked over backwards if `reverse`: their pointers are those of the last elements. `carry` is the entry of the pointer
    /// to the carried words.
    Turns { reverse: bool, carry: u32 },
}

impl Loop {
    /// Is a round one element?
    pub fn one(self) -> bool {
        matches!(self, Loop::Turns { .. })
    }
}

/// How far a loop came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Stop {
    /// The first index that is not done; it may lie beyond the last.
    pub at: u64,
    /// 0: at the end; 1: an element wants the interpreter; 2: a condition does not hold.
    pub why: u64,
}

const NONE: u8 = 255;
const NOWHERE: u32 = u32::MAX;
/// Registers that carried values leave to a body: those that find no other are in memory from turn to turn.
const SPARE: usize = 7;
/// The most strides that streams have.
const STRIDES: usize = 5;
/// General registers for pointers and strides.
const FREE: [u8; 9] = [8, 9, 10, 11, gp::RBX, 12, 13, 14, 15];

/// Where a value is.
#[derive(Clone, Copy)]
struct Loc {
    reg: u8,
    slot: u32,
    /// In this register for good.
    pinned: bool,
}

/// Where a value is between two turns.
#[derive(Clone, Copy, PartialEq)]
enum Home {
    Reg(u8),
    Slot(u32),
}

/// Machine code before it is where it can run.
pub struct Compiled {
    /// Instructions, then constants.
    pub bytes: Vec<u8>,
    /// Bytes of the instructions.
    pub text: usize,
    /// What the instructions from a byte on are for.
    pub marks: Vec<(u32, Mark)>,
    /// Of each constant: at which byte it lies, its bits, and how many bytes it has.
    #[cfg_attr(not(feature = "assembly"), allow(dead_code))] // for the text
    pub constants: Vec<(u32, u64, usize)>,
}
/// What machine code is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// The instruction with this number; behind those of the program are its stores.
    Inst(u32),
    /// The pointer at this entry of the table.
    Pointer(u32),
    /// The loop itself.
    Loop,
    /// What goes from turn to turn, at the end of one.
    Next,
}

struct Gen<'a> {
    asm: Asm,
    ir: &'a Ir,
    l: Lanes,
    kind: Loop,
    loc: Vec<Loc>,
    /// Positions of readers, each value's from `first[v]` to `first[v + 1]`, ascending.
    readers: Vec<u32>,
    first: Vec<u32>,
    /// Free registers, and what is in the others: vectors, then masks.
    free: [Vec<u8>; 2],
    holds: [[u32; 32]; 2],
    locked: Vec<u32>,
    slots: u32,
    /// A register that carried values change places through.
    spare: u8,
    /// The loop within a row that is being written.
    turning: Option<again::Turning>,
    /// General registers of the pointers.
    pointers: Vec<(u32, u8)>,
    /// General registers of the turn's number times a stride.
    strides: Vec<(u32, u8)>,
    /// Which masks are narrow, where a mask is a vector: those that say nothing about elements of 64 bits.
    narrow: Vec<bool>,
    stop: super::asm::Label,
    bail: super::asm::Label,
    marks: Vec<(u32, Mark)>,
}

/// Machine code for a program, which was made for this level. `None` if it has more strides than there are registers for, or too many values at once.
pub fn compile(ir: &Ir, l: Lanes, kind: Loop) -> Option<Compiled> {
    let vectors = if l.evex { 32 } else { 16 };
    // where an index goes over the elements of a row, each operand has a pointer to its row
    let inner = matches!(kind, Loop::Folds { .. }) || !ir.loops.is_empty();
    if !inner && strides(ir).len() > STRIDES
        || inner && (ir.carries.len() > vectors - SPARE || entries(ir).len() > FREE.len())
    {
        return None;
    }
    let mut asm = Asm::new(l.evex);
    asm.tail = if l.evex { 0 } else { ir.tail as usize };
    let (stop, bail) = (asm.label(), asm.label());
    let mut g = Gen {
        asm,
        ir,
        l,
        kind,
        loc: vec![Loc { reg: NONE, slot: NOWHERE, pinned: false }; ir.insts.len()],
        readers: vec![],
        first: vec![],
        free: [(0..vectors as u8).rev().collect(), if l.evex { (2..8).rev().collect() } else { vec![] }],
        holds: [[NOWHERE; 32]; 2],
        locked: vec![],
        slots: 0,
        spare: NONE,
        turning: None,
        pointers: vec![],
        strides: vec![],
        narrow: narrow(ir, l),
        stop,
        bail,
        marks: vec![],
    };
    g.find_readers();
    g.whole();
    if !g.fits() {
        return None;
    }
    let marks = g.marks;
    let (bytes, text, constants) = g.asm.finish();
    Some(Compiled { bytes, text, marks, constants })
}

/// The strides of a program's streams, each once.
fn strides(ir: &Ir) -> Vec<u32> {
    let mut all: Vec<u32> = ir.strides.iter().map(|s| s.1).collect();
    all.sort_unstable();
    all.dedup();
    all
}
/// The entries of the pointer table that a program uses, and how often.
fn entries(ir: &Ir) -> Vec<(u32, u32)> {
    let mut count: Vec<(u32, u32)> = vec![];
    let reads = |i: &&Inst| matches!(i.i, I::Load(_) | I::Pair(..) | I::Part(_) | I::One(_) | I::Splat(_) | I::Index);
    for e in ir.insts.iter().filter(reads).map(|i| i.a).chain(ir.stores.iter().map(|s| s.entry)) {
        match count.iter_mut().find(|c| c.0 == e) {
            Some(c) => c.1 += 1,
            None => count.push((e, 1)),
        }
    }
    count
}
/// Needs it no register of its own?
fn remote(i: &Inst) -> bool {
    matches!(i.i, I::Const | I::Splat(_))
}
/// Which values are narrow masks.
fn narrow(ir: &Ir, l: Lanes) -> Vec<bool> {
    let mut narrow: Vec<bool> = Vec::with_capacity(ir.insts.len());
    for i in &ir.insts {
        narrow.push(match i.i {
            I::Cmp(_) | I::IEq | I::ILt(_) => ir.insts[i.a as usize].ty == Ty::W32,
            I::MAnd | I::MOr | I::MXor => narrow[i.a as usize] && narrow[i.b as usize],
            I::MNot => narrow[i.a as usize],
            _ => !l.wide,
        })
    }
    narrow
}
/// As what it lies in memory, where an instruction can read it.
fn remote_as(i: &Inst) -> Option<Far> {
    match i.i {
        I::Const => Some(Far::Constant),
        I::Splat(Mem::B4 | Mem::B8) => Some(Far::Splat),
        _ => None,
    }
}

impl Gen<'_> {
    /// Does a round belong to a row?
    fn in_rows(&self) -> bool {
        matches!(self.kind, Loop::Rows | Loop::Folds { .. })
    }
    /// Does an index go over the elements of a row?
    fn inner(&self) -> bool {
        matches!(self.kind, Loop::Folds { .. }) || !self.ir.loops.is_empty()
    }
    /// What is stored at the end of a round; over rows it is as soon as it is there.
    fn stores(&self) -> &[Store] {
        if self.in_rows() { &[] } else { &self.ir.stores }
    }
    fn find_readers(&mut self) {
        let n = self.ir.insts.len();
        let mut all: Vec<(u32, u32)> = vec![];
        let mut live = vec![false; n];
        for s in self.stores().iter().flat_map(|s| s.vals()).chain(self.ir.carries.iter().map(|c| c.next)) {
            live[s as usize] = true;
        }
        for (p, i) in self.ir.insts.iter().enumerate().rev() {
            if !live[p] && !i.acts() {
                continue;
            }
            if i.i == I::Until {
                for (_, next) in &self.ir.loops[i.a as usize].carries {
                    live[*next as usize] = true;
                    all.push((*next, p as u32))
                }
            }
            let (ops, k) = i.operands();
            for v in &ops[..k] {
                live[*v as usize] = true;
                all.push((*v, p as u32));
            }
        }
        for (k, s) in self.stores().iter().enumerate() {
            all.extend(s.vals().map(|v| (v, (n + k) as u32)))
        }
        let end = (n + self.ir.stores.len()) as u32;
        for c in &self.ir.carries {
            all.push((c.next, end))
        }
        all.sort_unstable();
        self.first = vec![0; n + 1];
        for (v, _) in &all {
            self.first[*v as usize + 1] += 1
        }
        for v in 0..n {
            self.first[v + 1] += self.first[v]
        }
        self.readers = all.into_iter().map(|r| r.1).collect();
    }
    fn readers(&self, v: u32) -> &[u32] {
        &self.readers[self.first[v as usize] as usize..self.first[v as usize + 1] as usize]
    }
    /// The next reader after a position.
    fn next(&self, v: u32, p: u32) -> u32 {
        let r = self.readers(v);
        r.get(r.partition_point(|x| *x <= p)).copied().unwrap_or(u32::MAX)
    }
    fn ty(&self, v: u32) -> Ty {
        self.ir.insts[v as usize].ty
    }
    /// Vectors or masks?
    fn class(&self, ty: Ty) -> usize {
        (self.l.evex && ty == Ty::Mask) as usize
    }

    /// A register; what is read latest makes room.
    fn alloc(&mut self, class: usize, p: u32) -> u8 {
        if let Some(r) = self.free[class].pop() {
            return r;
        }
        let mut best = (0, NONE);
        for r in 0..32u8 {
            let v = self.holds[class][r as usize];
            if v == NOWHERE || self.locked.contains(&v) || self.loc[v as usize].pinned {
                continue;
            }
            // at p it may be an operand that is not locked yet
            let next = self.next(v, p.wrapping_sub(1));
            if best.1 == NONE || next > best.0 {
                best = (next, r)
            }
        }
        let r = best.1;
        assert!(r != NONE, "there are more registers than an instruction has operands");
        let v = self.holds[class][r as usize];
        self.keep(v, class, r);
        self.loc[v as usize].reg = NONE;
        self.holds[class][r as usize] = NOWHERE;
        r
    }
    /// Writes what is in a register to a place of its own, unless it is in memory anyway.
    fn keep(&mut self, v: u32, class: usize, r: u8) {
        if self.loc[v as usize].slot == NOWHERE && !self.lies(v) {
            self.loc[v as usize].slot = self.slots;
            let to = self.slot(self.slots);
            self.slots += 1;
            match class {
                0 => self.asm.spill(self.l.bytes(self.ty(v)), r, to),
                _ => self.asm.spill_mask(r, to),
            }
        }
    }
    fn put(&mut self, v: u32, r: u8) {
        let class = self.class(self.ty(v));
        self.loc[v as usize].reg = r;
        self.holds[class][r as usize] = v;
    }
    fn release(&mut self, v: u32) {
        let class = self.class(self.ty(v));
        let loc = &mut self.loc[v as usize];
        if loc.reg != NONE && !loc.pinned {
            self.free[class].push(loc.reg);
            self.holds[class][loc.reg as usize] = NOWHERE;
            loc.reg = NONE
        }
    }

    /// The address behind a pointer of the table; loads it if it has no register.
    fn pointer(&mut self, entry: u32) -> u8 {
        if let Some((_, r)) = self.pointers.iter().find(|p| p.0 == entry) {
            return *r;
        }
        self.asm.load(gp::RCX, gp::RDI, 8 * entry as i32);
        gp::RCX
    }
    /// Is a value in memory that nobody writes, to be read there again?
    fn lies(&self, v: u32) -> bool {
        self.in_rows() && matches!(self.ir.insts[v as usize].i, I::Load(_) | I::Part(_) | I::One(_))
    }
    /// What lies in memory to a register.
    fn read(&mut self, v: u32, r: u8) {
        let i = self.ir.insts[v as usize];
        match i.i {
            I::Load(mem) | I::Part(mem) => {
                let rm = self.stream(i.a, i.b, mem);
                self.asm.unmasked = self.in_rows() && i.i == I::Load(mem);
                self.asm.read(self.l, r, mem, rm)
            }
            I::One(mem) => {
                let mut rm = self.stream(i.a, i.b, mem);
                if let (Rm::Mem { index, .. }, true) = (&mut rm, self.inner()) {
                    *index = None
                }
                if let (Rm::Mem { base, index: Some((by, scale)), disp }, Mem::B1 | Mem::B2 | Mem::F16) = (rm, mem) {
                    self.asm.address(gp::RCX, base, by, scale);
                    rm = Rm::Mem { base: gp::RCX, index: None, disp }
                }
                self.asm.splat(self.l, r, mem, rm)
            }
            _ => unreachable!("only what lies in memory is read"),
        }
    }
    fn stream(&mut self, entry: u32, at: u32, mem: Mem) -> Rm {
        let stride = self.ir.strides.iter().find(|s| s.0 == entry);
        let known = stride.and_then(|s| self.strides.iter().find(|k| k.0 == s.1));
        let index = match (known, self.kind) {
            (Some(k), _) => Some((k.1, 1)),
            (None, Loop::Rows) => self.turning.is_some().then_some((gp::RDX, mem.size() as u8)),
            (None, Loop::Turns { .. } | Loop::Folds { .. }) => Some((gp::RDX, mem.size() as u8)),
            (None, Loop::Map | Loop::Twice) => Some((gp::RAX, mem.size() as u8)),
        };
        Rm::Mem { base: self.pointer(entry), index, disp: at as i32 }
    }
    fn mark(&mut self, m: Mark) {
        self.marks.push((self.asm.code.len() as u32, m))
    }
    fn instruction(&mut self, p: u32) {
        let i = self.ir.insts[p as usize];
        let leaves = matches!(i.i, I::Bail | I::While);
        match i.i {
            I::Again => return self.again(p, i.a),
            I::Until => return self.until(p, i.a),
            I::Carry | I::Over => return,
            _ if self.readers(p).is_empty() && !i.acts() || remote(&i) => return,
            _ => {}
        }
        self.mark(Mark::Inst(p));
        let mut borrowed = vec![];
        match i.i {
            I::Load(_) | I::Part(_) | I::One(_) => {
                let r = self.alloc(0, p);
                self.read(p, r);
                return self.put(p, r);
            }
            I::Pair(mem, part) => {
                let t = self.temps(1, p, &mut borrowed);
                let r = self.alloc(0, p);
                let rm = self.beside(i.a, i.b, mem);
                self.asm.read_pairs(self.l, r, mem, part, rm, t[0]);
                self.put(p, r);
                return self.done(&[], p, borrowed);
            }
            I::Tail => {
                let r = self.alloc(self.class(Ty::Mask), p);
                self.asm.tail_to(self.l, r);
                return self.put(p, r);
            }
            I::Put(span) => return self.store(self.ir.stores[i.b as usize], p, span),
            _ => {}
        }
        if i.i == I::Index {
            let r = self.alloc(0, p);
            let number = self.pointer(i.a);
            self.asm.sum(gp::RCX, number, gp::RAX);
            self.asm.indices(self.l, r, i.ty, gp::RCX);
            return self.put(p, r);
        }
        let (mut ops, n) = i.operands();
        if leaves {
            let m = self.want(ops[0], p, &mut borrowed);
            // the mask of a loop over rows is that of the tails
            self.asm.any(self.l, (m, self.narrow[ops[0] as usize]), self.in_rows());
            match i.i {
                I::Bail => self.asm.jump_if(If::NotZero, self.bail),
                _ => self.asm.jump_if(If::Zero, self.stop),
            }
            return self.done(&ops[..1], p, borrowed);
        }
        if select::commutes(i.i) && (self.far(ops[0], i.i, p).is_some() || self.lazy(ops[0])) && !self.lazy(ops[1]) {
            ops.swap(0, 1)
        }
        self.locked.extend(&ops[..n]);
        let of = self.ty(ops[0]);
        match i.i {
            I::Fma => self.fma(i.ty, ops, p, &mut borrowed),
            I::Sel => {
                let m = self.want(ops[0], p, &mut borrowed);
                let c = self.want(ops[2], p, &mut borrowed);
                let b = self.place(ops[1], i.i, p, &mut borrowed);
                let t = self.temps(select::temps(self.l, i.i, i.ty), p, &mut borrowed);
                let d = self.alloc(0, p);
                self.asm.select(self.l, i.ty, d, (m, self.narrow[ops[0] as usize]), b, c, t[0]);
                self.put(p, d)
            }
            _ => {
                let mut a = self.want(ops[0], p, &mut borrowed);
                let mut rm = if n == 2 { self.place(ops[1], i.i, p, &mut borrowed) } else { Rm::Reg(a) };
                if let I::MAnd | I::MOr | I::MXor = i.i {
                    self.as_wide([ops[0], ops[1]], (&mut a, &mut rm), p, &mut borrowed)
                }
                let t = self.temps(select::temps(self.l, i.i, i.ty), p, &mut borrowed);
                // An operand that nobody reads again may give its register.
                if select::simple(self.l, i.i) {
                    for v in &ops[..n] {
                        if self.next(*v, p) == u32::MAX {
                            self.release(*v)
                        }
                    }
                }
                let class = self.class(i.ty);
                let d = self.alloc(class, p);
                self.asm.operation(self.l, i.i, i.ty, of, d, a, rm, t);
                self.put(p, d)
            }
        }
        self.done(&ops[..n], p, borrowed)
    }
    /// The most vectors that are live at once, without what is remote or pinned.
    fn pressure(&self) -> usize {
        let n = self.ir.insts.len();
        let (mut live, mut peak) = (0usize, 0);
        let mut ends = vec![0usize; n + self.ir.stores.len() + 2];
        for (p, i) in self.ir.insts.iter().enumerate() {
            if remote(i)
                || matches!(i.i, I::Carry | I::Over)
                || self.class(i.ty) == 1
                || self.readers(p as u32).is_empty()
            {
                live -= std::mem::take(&mut ends[p]);
                continue;
            }
            live += 1;
            peak = peak.max(live);
            let last = *self.readers(p as u32).last().expect("somebody reads it") as usize;
            ends[last] += 1;
            live -= std::mem::take(&mut ends[p])
        }
        peak + self.ir.loops.iter().map(|l| l.carries.len()).max().unwrap_or(0)
    }

    fn whole(&mut self) {
        // Carried values have registers for good, as far as there are some, and so have the remote ones that are used most.
        if !self.ir.carries.is_empty() || !self.ir.loops.is_empty() {
            self.spare = self.free[0].remove(0)
        }
        let room = self.free[0].len() - (SPARE - 1);
        let mut carried = vec![];
        for k in 0..self.ir.carries.len() {
            if k < room {
                carried.push(Home::Reg(self.free[0].remove(0)))
            } else {
                carried.push(Home::Slot(self.slots));
                self.slots += 1
            }
        }
        for (p, i) in self.ir.insts.iter().enumerate() {
            if i.i == I::Carry && self.ir.loops.is_empty() {
                match carried[i.a as usize] {
                    Home::Reg(r) => {
                        self.loc[p] = Loc { reg: r, slot: NOWHERE, pinned: true };
                        self.holds[0][r as usize] = p as u32
                    }
                    Home::Slot(slot) => self.loc[p].slot = slot,
                }
            }
        }
        let mut uses: Vec<(usize, u32)> = vec![];
        for (p, i) in self.ir.insts.iter().enumerate() {
            let weight = |r: &u32| match (self.ir.insts.get(*r as usize), remote_as(i)) {
                (Some(x), Some(far)) if select::from_memory(self.l, x.i, far) => 1,
                _ => 4,
            };
            let n: usize = self.readers(p as u32).iter().map(weight).sum();
            if remote(i) && n > 0 {
                uses.push((n, p as u32))
            }
        }
        uses.sort_unstable_by_key(|u| (std::cmp::Reverse(u.0), u.1));
        let keep = (self.pressure() + 4).min(if self.l.evex { 30 } else { 14 });
        let mut hot = vec![];
        for (_, v) in uses {
            if self.free[0].len() > keep {
                let r = self.free[0].remove(0);
                hot.push((v, r))
            }
        }
        self.entries();
        // pushes, the frame, room for what has no register (the number is put in at the end)
        let taken = self.strides.iter().chain(&self.pointers).map(|p| p.1);
        let saved: Vec<u8> = taken.filter(|r| *r == gp::RBX || *r >= 12).collect();
        self.asm.push(gp::RBP);
        self.asm.mov(gp::RBP, gp::RSP);
        saved.iter().for_each(|r| self.asm.push(*r));
        self.asm.immediate(4, gp::RSP, -64);
        let size = self.frame();
        self.asm.mov(gp::RAX, gp::RDX);
        for (entry, r) in self.pointers.clone() {
            self.mark(Mark::Pointer(entry));
            self.asm.load(r, gp::RDI, 8 * entry as i32)
        }
        self.mark(Mark::Loop);
        if self.l.evex {
            let mask = match self.kind {
                Loop::Rows => (1 << self.ir.tail) - 1,
                _ if self.l.n == 1 => 1,
                _ => u32::MAX,
            };
            self.asm.set(gp::RCX, mask);
            self.asm.set_mask(1, gp::RCX)
        }
        for (v, r) in hot {
            self.mark(Mark::Inst(v));
            self.fetch(v, r);
            self.loc[v as usize] = Loc { reg: r, slot: NOWHERE, pinned: true };
            self.holds[0][r as usize] = v;
        }
        self.mark(Mark::Loop);
        let end = self.asm.label();
        match self.kind {
            Loop::Map => self.map(end, 1),
            Loop::Twice => self.map(end, 2),
            Loop::Rows => self.rows(end),
            Loop::Turns { reverse, carry } => self.turns(end, reverse, carry, &carried),
            Loop::Folds { width, carry } => self.folds(end, width, carry, &carried),
        }
        // The ways out.
        let out = self.asm.label();
        for (l, why) in [(self.stop, 2), (self.bail, 1), (end, 0)] {
            self.asm.here(l);
            self.asm.set(gp::RDX, why);
            if why != 0 {
                self.asm.jump(out)
            }
        }
        self.asm.here(out);
        if let Loop::Turns { carry, .. } | Loop::Folds { carry, .. } = self.kind {
            self.asm.load(gp::RCX, gp::RDI, 8 * carry as i32);
            let t = self.spare;
            // what is in registers first: then the lowest of them is free
            for in_memory in [false, true] {
                for (c, home) in self.ir.carries.iter().zip(&carried) {
                    let to = Rm::Mem { base: gp::RCX, index: None, disp: c.at as i32 };
                    match *home {
                        Home::Reg(r) if !in_memory => self.asm.write(self.l, r, c.mem, to, t),
                        Home::Slot(slot) if in_memory => {
                            let from = self.slot(slot);
                            self.asm.fill(self.carried(), 0, from);
                            self.asm.write(self.l, 0, c.mem, to, t)
                        }
                        _ => {}
                    }
                }
            }
        }
        self.asm.lea(gp::RSP, gp::RBP, -8 * saved.len() as i32);
        saved.iter().rev().for_each(|r| self.asm.pop(*r));
        self.asm.pop(gp::RBP);
        self.asm.ret();
        self.frame_is(size)
    }
    /// Registers for the pointers that are used most.
    fn entries(&mut self) {
        let mut count = entries(self.ir);
        count.sort_by_key(|c| std::cmp::Reverse(c.1));
        if !self.inner() {
            self.strides = strides(self.ir).into_iter().zip(FREE).collect()
        }
        self.pointers = count.iter().zip(&FREE[self.strides.len()..]).map(|(c, r)| (c.0, *r)).collect();
    }
    /// One round of the program.
    fn body(&mut self) {
        for p in 0..self.ir.insts.len() as u32 {
            self.instruction(p)
        }
        for k in 0..self.stores().len() {
            let p = (self.ir.insts.len() + k) as u32;
            self.mark(Mark::Inst(p));
            self.store(self.ir.stores[k], p, Span::Tail)
        }
        self.mark(Mark::Loop)
    }
    /// Writes a result; where the mask says, if it is that of a tail.
    fn store(&mut self, s: Store, p: u32, span: Span) {
        let mut borrowed = vec![];
        self.locked.extend(s.vals());
        let r = self.want(s.val, p, &mut borrowed);
        self.asm.unmasked = span != Span::Tail;
        if let Some(v) = s.beside {
            let both = [r, self.want(v, p, &mut borrowed)];
            let t = self.temps(1, p, &mut borrowed);
            let rm = self.beside(s.entry, s.at, s.mem);
            self.asm.write_pairs(self.l, both, s.mem, rm, t[0]);
            return self.done(&[s.val, v], p, borrowed);
        }
        let t = match s.mem {
            Mem::B4 | Mem::B8 if self.asm.tail == 0 => [0; 2],
            _ => self.temps(1, p, &mut borrowed),
        };
        let rm = self.stream(s.entry, s.at, s.mem);
        let l = if span == Span::One { Lanes { n: 1, ..self.l } } else { self.l };
        self.asm.write(l, r, s.mem, rm, t[0]);
        self.done(&[s.val], p, borrowed)
    }
}
