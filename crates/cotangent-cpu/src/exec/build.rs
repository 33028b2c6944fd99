//! From a plan to steps: where every value lies, when its memory is taken and given back.

use super::access::Access;
use super::kernels::Target;
use super::lower::{Lower, Made};
use super::map::{Code, MapStep};
use super::plan::{Plan, Source};
use super::register::Registers;
use super::{Options, fold, index, line, place};
use crate::isa::Isa;
use crate::{Body, Dt, Fold, Kind, Node, Op, Part, Program, Ty, Use, ValId, View};
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;

/// Where a value lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// An argument.
    Arg(u32),
    /// A constant of the executable.
    Const(u32),
    /// The buffer of a slot.
    Slot(u32),
    /// The eight bytes of a slot.
    Cell(u32),
}

/// One step of a run.
pub struct Step {
    pub work: Work,
    /// Slots that get a buffer of so many bytes before.
    pub makes: SmallVec<[(u32, usize); 1]>,
    /// Slots whose eight bytes are cleared before.
    pub cells: SmallVec<[u32; 2]>,
    /// Slots whose buffers are given back after.
    pub frees: SmallVec<[u32; 2]>,
}

/// What a step does.
pub enum Work {
    Map(Box<MapStep>),
    Copy(Box<Copy>),
    Reduce(Box<fold::Reduce>),
    Prefix(Box<line::Prefix>),
    Extreme(Box<line::Extreme>),
    Slice(Box<index::Slice>),
    Update(Box<index::Update>),
    Concat(Box<index::Concat>),
    Gather(Box<index::Gather>),
    Scatter(Box<index::Scatter>),
    Dot(Box<place::Product>),
}

/// A dense copy of an operand.
pub struct Copy {
    pub from: Place,
    pub to: Place,
    pub access: Access,
}

/// A result of the program.
pub struct Out {
    pub place: Place,
    pub bytes: usize,
    /// Does it travel as bits?
    pub bits: bool,
    /// May its slot's buffer be taken: does no later result lie there?
    pub takes: bool,
}

/// A program of one kernel over arrays that lie in memory as they are.
pub struct Single {
    pub code: Code,
    /// The arguments that the kernel reads, and the bytes to their first elements.
    pub args: [(u32, isize); 3],
    pub len: usize,
    pub bytes: usize,
}
impl Built {
    /// Is this one kernel and nothing else?
    pub fn single(&self) -> Option<Single> {
        let ([step], [out]) = (&self.steps[..], &self.outs[..]) else { return None };
        let Work::Map(m) = &step.work else { return None };
        let [call] = m.calls[..] else { return None };
        if m.columns > 0 || !out.takes {
            return None;
        }
        let mut args = [(0, 0); 3];
        for (to, e) in args.iter_mut().zip(call.args) {
            let from = &m.moving[e as usize];
            let Place::Arg(i) = from.place else { return None };
            *to = (i, from.offset);
        }
        Some(Single { code: call.code, args, len: m.len, bytes: out.bytes })
    }
}

/// What [`build`] makes of a program.
pub struct Built {
    pub steps: Vec<Step>,
    pub slots: usize,
    pub consts: Vec<[u64; 2]>,
    pub outs: Vec<Out>,
}

/// Does a value of this type travel as bits?
pub fn travels_as_bits(ty: &Ty) -> bool {
    ty.dims.is_empty() && ty.dt.size() <= 8
}

/// An operand of a map that is read across its rows is copied first if it is larger than this.
const TRANSPOSED: usize = 1 << 14;
const NONE: u32 = u32::MAX;

/// The places of arguments and constants, and the constants.
fn fixed(p: &Program) -> (Vec<Option<Place>>, Vec<[u64; 2]>) {
    let (mut place, mut consts) = (vec![None; p.vals.len()], Vec::new());
    for node in &p.nodes {
        let v = node.vals.0 as usize;
        match &node.kind {
            Kind::Arg(i) => place[v] = Some(Place::Arg(*i)),
            Kind::Const(bits) => {
                let mut bits = *bits;
                if p.vals[v].ty.dt == Dt::C64 {
                    bits[0] |= bits[1] << 32;
                }
                place[v] = Some(Place::Const(consts.len() as u32));
                consts.push(bits);
            }
            _ => {}
        }
    }
    (place, consts)
}

/// The register machine of a program that has nothing but scalars of at most eight bytes.
pub fn registers(p: &Program, plan: &Plan, isa: Isa) -> Option<Registers> {
    let scalar = p.vals.iter().all(|v| travels_as_bits(&v.ty)) && p.args.iter().all(travels_as_bits);
    let maps = plan.members.iter().all(|i| matches!(p.nodes[*i as usize].kind, Kind::Map(_)));
    if !scalar || !maps {
        return None;
    }
    let (places, consts) = fixed(p);
    let place = |v: ValId| places[v as usize].expect("only arguments and constants are read from outside");
    let outs: Vec<(ValId, usize)> = plan.outs.iter().zip(&p.outs).map(|(v, o)| (*v, p.ty(*o).bytes())).collect();
    let mut nodes = plan.members.clone();
    nodes.sort_unstable();
    Some(Lower::new(p, plan, Target { isa, one: true }, &place, &HashMap::new()).registers(&nodes, &outs, &consts))
}

/// Builds the steps of a plan.
pub fn build(p: &Program, plan: &Plan, options: &Options) -> Built {
    let n = p.vals.len();
    let mut b = Builder {
        p,
        plan,
        isa: options.isa,
        in_place: options.in_place,
        place: Vec::new(),
        last: vec![NONE; n],
        free: Vec::new(),
        slots: 0,
        steps: Vec::new(),
        consts: Vec::new(),
        makes: SmallVec::new(),
        cells: SmallVec::new(),
        temps: SmallVec::new(),
    };
    (b.place, b.consts) = fixed(p);
    b.run();
    let mut outs: Vec<Out> = Vec::with_capacity(p.outs.len());
    for (v, o) in plan.outs.iter().zip(&p.outs) {
        let ty = p.ty(*o);
        let place = b.place[*v as usize].expect("a result is made");
        outs.push(Out { place, bytes: ty.bytes(), bits: travels_as_bits(ty), takes: false });
    }
    let mut taken = std::collections::HashSet::new();
    for o in outs.iter_mut().rev() {
        if let Place::Slot(s) = o.place {
            o.takes = !o.bits && taken.insert(s);
        }
    }
    Built { steps: b.steps, slots: b.slots as usize, consts: b.consts, outs }
}

/// Steps in the making.
pub struct Builder<'a> {
    pub p: &'a Program,
    pub plan: &'a Plan,
    pub isa: Isa,
    /// See [`Options`].
    in_place: usize,
    /// Where values lie that are made already.
    pub place: Vec<Option<Place>>,
    /// The last group that reads a value; `NONE - 1` for a result.
    pub last: Vec<u32>,
    free: Vec<u32>,
    slots: u32,
    steps: Vec<Step>,
    consts: Vec<[u64; 2]>,
    /// For the next step.
    makes: SmallVec<[(u32, usize); 1]>,
    cells: SmallVec<[u32; 2]>,
    /// Slots of the present group that nobody needs after it.
    temps: SmallVec<[u32; 4]>,
}

impl Builder<'_> {
    fn run(&mut self) {
        let mut group_of = vec![NONE; self.p.nodes.len()];
        let mut first = 0;
        for (g, end) in self.plan.ends.iter().enumerate() {
            for i in first..*end {
                group_of[self.plan.members[i as usize] as usize] = g as u32;
            }
            first = *end;
        }
        for (i, g) in group_of.iter().enumerate() {
            if *g == NONE {
                continue;
            }
            let node = &self.p.nodes[i];
            for s in &self.plan.sources[node.uses.0 as usize..(node.uses.0 + node.uses.1) as usize] {
                if group_of[self.p.vals[s.val as usize].node as usize] != *g {
                    let last = &mut self.last[s.val as usize];
                    *last = if *last == NONE { *g } else { (*last).max(*g) };
                }
            }
        }
        for v in &self.plan.outs {
            self.last[*v as usize] = NONE - 1;
        }
        let mut first = 0;
        for (g, end) in self.plan.ends.iter().enumerate() {
            let nodes = &self.plan.members[first as usize..*end as usize];
            first = *end;
            let steps = self.steps.len();
            if let Kind::Map(_) = self.p.nodes[nodes[0] as usize].kind {
                self.maps(nodes, g as u32);
            } else {
                self.other(&self.p.nodes[nodes[0] as usize], g as u32);
            }
            self.give_back(nodes, g as u32, steps);
        }
    }

    fn slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        })
    }
    /// New memory for a value, made before the next step.
    pub fn take(&mut self, ty: &Ty) -> Place {
        let slot = self.slot();
        if travels_as_bits(ty) {
            self.cells.push(slot);
            Place::Cell(slot)
        } else {
            self.makes.push((slot, ty.bytes()));
            Place::Slot(slot)
        }
    }
    /// New memory for this group only.
    pub fn temp(&mut self, ty: &Ty) -> Place {
        let slot = self.slot();
        self.makes.push((slot, ty.bytes()));
        self.temps.push(slot);
        Place::Slot(slot)
    }
    pub fn emit(&mut self, work: Work) {
        let (makes, cells) = (std::mem::take(&mut self.makes), std::mem::take(&mut self.cells));
        self.steps.push(Step { work, makes, cells, frees: smallvec![] });
    }
    pub fn uses(&self, node: &Node) -> std::ops::Range<usize> {
        node.uses.0 as usize..(node.uses.0 + node.uses.1) as usize
    }

    /// Frees what this group read last. `steps`: how many steps there were before it.
    fn give_back(&mut self, nodes: &[u32], g: u32, steps: usize) {
        let mut frees: SmallVec<[u32; 2]> = self.temps.drain(..).collect();
        self.free.extend_from_slice(&frees);
        for i in nodes {
            for u in self.uses(&self.p.nodes[*i as usize]) {
                let v = self.plan.sources[u].val as usize;
                if self.last[v] != g {
                    continue;
                }
                self.last[v] = NONE;
                match self.place[v] {
                    Some(Place::Slot(s)) => {
                        frees.push(s);
                        self.free.push(s);
                    }
                    Some(Place::Cell(s)) => self.free.push(s),
                    _ => {}
                }
            }
        }
        if self.steps.len() > steps {
            self.steps.last_mut().expect("a step").frees = frees;
        }
    }

    /// A group of maps.
    fn maps(&mut self, nodes: &[u32], g: u32) {
        let p = self.p;
        // Operands that may be written over: nobody reads them later, and the group reads them only element by element.
        let mut dying: HashMap<ValId, bool> = HashMap::new();
        for i in nodes {
            for u in self.uses(&p.nodes[*i as usize]) {
                let s = self.plan.sources[u];
                if self.last[s.val as usize] == g
                    && matches!(self.place[s.val as usize], Some(Place::Slot(_)))
                    && p.ty(s.val).bytes() >= self.in_place
                {
                    *dying.entry(s.val).or_insert(true) &= s.view.is_none() && p.uses[u].part == Part::Whole;
                }
            }
        }
        let mut dying: Vec<ValId> = dying.into_iter().filter(|d| d.1).map(|d| d.0).collect();
        dying.sort_unstable();
        let mut stored = Vec::new();
        for i in nodes {
            let node = &p.nodes[*i as usize];
            for v in node.vals.0..node.vals.0 + node.vals.1 {
                if self.last[v as usize] == NONE {
                    continue;
                }
                let ty = p.ty(v);
                let over =
                    dying.iter().position(|d| p.ty(*d).dt.size() == ty.dt.size() && p.ty(*d).bytes() == ty.bytes());
                let place = match over {
                    Some(k) => {
                        let d = dying.swap_remove(k) as usize;
                        self.last[d] = NONE;
                        self.place[d].expect("an operand has a place")
                    }
                    None => self.take(ty),
                };
                stored.push(Made { val: v, place, in_place: over.is_some() });
            }
        }
        let copies = self.copies(nodes);
        let place = |v: ValId| self.place[v as usize].expect("an operand has a place");
        let target = Target { isa: self.isa, one: false };
        let step = Lower::new(p, self.plan, target, &place, &copies).group(nodes, &stored);
        for m in &stored {
            self.place[m.val as usize] = Some(m.place);
        }
        self.emit(Work::Map(Box::new(step)));
    }

    /// Dense copies of operands that the group would otherwise read across their rows, block after block.
    fn copies(&mut self, nodes: &[u32]) -> HashMap<(ValId, u32), Place> {
        let mut copies = HashMap::new();
        for i in nodes {
            for u in self.uses(&self.p.nodes[*i as usize]) {
                let s = self.plan.sources[u];
                let (Some(v), Some(_)) = (s.view, self.place[s.val as usize]) else { continue };
                let dt = self.p.ty(s.val).dt;
                let access = Access::new(&self.plan.views[v as usize], dt, Part::Whole);
                let across = access.row().is_some_and(|(n, s)| s != 0 && s.unsigned_abs() != access.size && n > 1);
                if !across || access.len * access.size < TRANSPOSED || copies.contains_key(&(s.val, v)) {
                    continue;
                }
                let place = self.copy(s, dt);
                copies.insert((s.val, v), place);
            }
        }
        copies
    }

    /// A dense copy of an operand for this group.
    pub fn copy(&mut self, s: Source, dt: Dt) -> Place {
        let view = &self.plan.views[s.view.expect("a view") as usize];
        let access = Access::new(view, dt, Part::Whole);
        let from = self.place[s.val as usize].expect("an operand has a place");
        let to = self.temp(&Ty { dt, dims: view.dims.clone() });
        self.emit(Work::Copy(Box::new(Copy { from, to, access })));
        to
    }

    /// Where an operand lies.
    pub fn place_of(&self, u: usize) -> Place {
        self.place[self.plan.sources[u].val as usize].expect("an operand has a place")
    }
    /// How an operand is read, and its view (the identity of its extents if it has none).
    pub fn viewed(&self, u: usize) -> (Place, View) {
        let s = self.plan.sources[u];
        let place = self.place_of(u);
        let view = match s.view {
            Some(v) => self.plan.views[v as usize].clone(),
            None => View::identity(self.p.dims_of(&self.p.uses[u])),
        };
        (place, view)
    }

    /// Converts elements, through a view, to new memory. It is a program of one map.
    pub fn convert(&mut self, from: (Place, View), src: Dt, dst: Dt, to: Place) {
        let mut p = Program::default();
        let end = from.1.range().map_or(0, |r| r.1 + 1) as usize;
        let a = p.arg(Ty::new(src, &[end]));
        let dims = from.1.dims.clone();
        p.views.push(from.1);
        let parts: &[Part] = if src.is_complex() { &[Part::Re, Part::Im] } else { &[Part::Whole] };
        let mut body = Body::default();
        for k in 0..parts.len() {
            let x = body.input(k as u32, src.part());
            let y = body.un(Op::Cast, dst.part(), x);
            body.outs.push(y);
        }
        let uses: SmallVec<[Use; 2]> = parts.iter().map(|part| Use { val: a, view: Some(0), part: *part }).collect();
        let made = p.push(Kind::Map(body.into()), &uses, &[Ty { dt: dst, dims }]);
        p.outs.push(made);
        let plan = Plan::new(&p, false);
        let place = |_| from.0;
        let stored = [Made { val: made, place: to, in_place: false }];
        let target = Target { isa: self.isa, one: false };
        let step = Lower::new(&p, &plan, target, &place, &HashMap::new()).group(&[1], &stored);
        self.emit(Work::Map(Box::new(step)));
    }

    pub fn reduce(&mut self, u: usize, ty: &Ty, op: Fold, first: usize, count: usize) -> Place {
        let (mut from, mut view) = self.viewed(u);
        let acc = ty.dt.acc();
        if acc != ty.dt || ty.dt == Dt::Bool && matches!(from, Place::Arg(_)) {
            let wide = Ty { dt: acc, dims: view.dims.clone() };
            let to = self.temp(&wide);
            self.convert((from, view), ty.dt, acc, to);
            (from, view) = (to, View::identity(&wide.dims));
        }
        let mut reduce = match fold::Reduce::new(self.isa, op, acc, &view, first, count) {
            Some(r) => r,
            None => {
                let access = Access::new(&view, acc, Part::Whole);
                let dense = self.temp(&Ty { dt: acc, dims: view.dims.clone() });
                self.emit(Work::Copy(Box::new(Copy { from, to: dense, access })));
                from = dense;
                fold::Reduce::new(self.isa, op, acc, &View::identity(&view.dims), first, count)
                    .expect("a dense operand")
            }
        };
        let to = self.take(ty);
        let sums = if acc == ty.dt { to } else { self.temp(&Ty { dt: acc, dims: ty.dims.clone() }) };
        (reduce.from, reduce.to) = (from, sums);
        self.emit(Work::Reduce(Box::new(reduce)));
        if acc != ty.dt {
            self.convert((sums, View::identity(&ty.dims)), acc, ty.dt, to);
        }
        to
    }
}
