//! From a plan to steps: where every value lies, when its memory is taken and given back.

use super::access::Access;
use super::constants::Constants;
use super::kernels::Target;
use super::lower::{Lower, Made};
use super::map::{Code, LONG_ROW, MapStep};
use super::plan::{Plan, Source};
use super::register::Registers;
use super::run::{Copy, Step};
use super::strip::{Found, Strip};
use super::{Form, Options, When, fold, row};
use crate::isa::Isa;
use crate::{Body, Dt, Fold, Kind, Node, Op, Part, Program, Ty, Use, ValId, View};
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};

/// Where a value lies.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// An argument.
    Arg(u32),
    /// A constant of the executable.
    Const(u32),
    /// The buffer of a slot.
    Slot(u32),
    /// The eight bytes of a slot.
    Cell(u32),
    /// Memory that a group of maps may use until it is done.
    Scratch,
    /// Rows of a value that only one strip reads.
    Local(u32),
    /// The buffer of a slot, from this byte on.
    Piece(u32, u32),
}

/// What becomes of a result of the program.
pub enum Out {
    /// An argument as it is.
    Arg(u32),
    /// The buffer of a slot, which no later result needs.
    Take(u32),
    /// A copy of so many bytes.
    Copy(Place, usize),
    /// The bits of a scalar of so many bytes.
    Bits(Place, usize),
}

/// A program of one kernel over arrays that lie in memory as they are.
pub struct Single {
    pub code: Code,
    /// What the kernel reads, all arguments or constants, and the bytes to the first elements.
    pub args: [(Place, isize); 3],
    pub len: usize,
    pub bytes: usize,
    pub consts: Constants,
}

/// A value that is made where it is wanted as a part of a larger one.
#[derive(Clone, Copy)]
struct Piece {
    /// The larger one.
    whole: ValId,
    /// The byte of it where the piece begins.
    at: u32,
    /// Elements of its rows, and bytes from the end of one to the next.
    rows: (usize, usize),
}

/// What [`build`] makes of a program.
pub struct Built {
    pub steps: Vec<Step>,
    /// Ends of the plan's groups in `steps`.
    pub ends: Vec<usize>,
    pub slots: usize,
    /// Bytes of memory that groups of maps use one after another.
    pub scratch: usize,
    pub consts: Constants,
    pub outs: Vec<Out>,
    /// The arguments that are written over.
    pub written: Vec<u32>,
    /// The arguments whose memory is put to use if the caller gives it away.
    pub wants: Vec<u32>,
}
impl Built {
    /// How it runs: perhaps it is one kernel and nothing else.
    pub fn form(self) -> Form {
        let ([Step::Make(made, bytes, _), Step::Direct(d)], [Out::Take(taken)]) = (&self.steps[..], &self.outs[..])
        else {
            return Form::Steps(self);
        };
        let fixed = d.args.iter().all(|(place, _)| matches!(place, Place::Arg(_) | Place::Const(_)));
        if made != taken || d.out != (Place::Slot(*made), 0) || !fixed {
            return Form::Steps(self);
        }
        Form::Single(Single { code: d.code, args: d.args, len: d.len, bytes: *bytes, consts: self.consts })
    }
}

/// Does a value of this type travel as bits?
pub fn travels_as_bits(ty: &Ty) -> bool {
    ty.dims.is_empty() && ty.dt.size() <= 8
}

/// Where copies of operands lie, by value and view, and how they are read.
pub type Copies = HashMap<(ValId, u32), (Place, View)>;
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
pub fn registers(p: &Program, plan: &Plan, options: &Options) -> Option<Registers> {
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
    let target = Target { isa: options.isa, one: true };
    Some(Lower::new(p, plan, target, options.machine, &place, &HashMap::new()).registers(&nodes, &outs, &consts))
}

/// Builds the steps of a plan.
pub fn build(p: &Program, plan: &Plan, strips: Vec<Found>, options: &Options) -> Built {
    let n = p.vals.len();
    let mut b = Builder {
        p,
        plan,
        isa: options.isa,
        in_place: options.in_place,
        machine: options.machine,
        owned: options.owned.0..options.owned.1,
        written: Vec::new(),
        wants: Vec::new(),
        place: Vec::new(),
        last: vec![NONE; n],
        free: Vec::new(),
        slots: 0,
        scratch: 0,
        steps: Vec::new(),
        ends: Vec::new(),
        consts: Constants::default(),
        temps: SmallVec::new(),
        strip: None,
        after: Vec::new(),
        pieces: HashMap::new(),
        wholes: HashMap::new(),
    };
    let values;
    (b.place, values) = fixed(p);
    for place in b.place.iter_mut().flatten() {
        if let Place::Const(k) = place {
            *k = b.consts.value(values[*k as usize]);
        }
    }
    b.run(strips, options);
    // From the last to the first: whoever reads a buffer last takes it.
    let mut taken = HashSet::new();
    let out = |(v, o): (&ValId, &ValId)| {
        let ty = p.ty(*o);
        match b.place[*v as usize].expect("a result is made") {
            place if travels_as_bits(ty) => {
                // it may be the one element of an array that is a result, too
                if let Place::Slot(s) = place {
                    taken.insert(s);
                }
                Out::Bits(place, ty.bytes())
            }
            Place::Arg(i) if !travels_as_bits(&p.args[i as usize]) => Out::Arg(i),
            Place::Slot(s) if taken.insert(s) => Out::Take(s),
            place => Out::Copy(place, ty.bytes()),
        }
    };
    let mut outs: Vec<Out> = plan.outs.iter().zip(&p.outs).rev().map(out).collect();
    outs.reverse();
    let slots = b.slots as usize;
    Built {
        steps: b.steps,
        ends: b.ends,
        slots,
        scratch: b.scratch,
        consts: b.consts,
        outs,
        written: b.written,
        wants: b.wants,
    }
}

/// Steps in the making.
pub struct Builder<'a> {
    pub p: &'a Program,
    pub plan: &'a Plan,
    pub isa: Isa,
    /// See [`Options`].
    in_place: usize,
    machine: When,
    /// Arguments that may be written over, and those that are.
    pub owned: std::ops::Range<usize>,
    pub written: Vec<u32>,
    /// See [`Built`].
    wants: Vec<u32>,
    /// Where values lie that are made already.
    pub place: Vec<Option<Place>>,
    /// The last group that reads a value; `NONE - 1` for a result.
    pub last: Vec<u32>,
    free: Vec<u32>,
    slots: u32,
    scratch: usize,
    steps: Vec<Step>,
    ends: Vec<usize>,
    consts: Constants,
    /// Slots of the present group that nobody needs after it.
    temps: SmallVec<[u32; 4]>,
    /// The strip that the present group belongs to, and the last of its groups.
    strip: Option<(Strip, u32)>,
    /// Slots that nobody needs after the strip.
    after: Vec<u32>,
    /// Values that are made where a concatenation wants them: its result, and the byte there.
    pieces: HashMap<ValId, Piece>,
    /// The memory of such a concatenation, if one of its pieces was made.
    wholes: HashMap<ValId, Place>,
}

impl Builder<'_> {
    fn run(&mut self, strips: Vec<Found>, options: &Options) {
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
        self.find_pieces();
        let mut strips = strips.into_iter().peekable();
        let plan = self.plan;
        for g in 0..plan.ends.len() {
            if let Some(found) = strips.next_if(|s| s.groups.start == g) {
                self.strip = Some((Strip::new(found.rows, found.columns), found.groups.end as u32 - 1));
            }
            let nodes = plan.group(g);
            if let Kind::Map(_) = self.p.nodes[nodes[0] as usize].kind {
                self.maps(nodes, g as u32);
            } else {
                self.other(&self.p.nodes[nodes[0] as usize], g as u32);
            }
            self.give_back(nodes, g as u32);
            if let Some((mut strip, _)) = self.strip.take_if(|s| s.1 == g as u32) {
                strip.choose(options.strips.strip);
                strip.kernels = row::find(
                    &strip.steps,
                    (strip.rows, strip.columns),
                    options.strips.line,
                    self.isa,
                    options.machine,
                );
                self.emit(Step::Strip(Box::new(strip)));
                for s in std::mem::take(&mut self.after) {
                    self.free(s)
                }
            }
            self.ends.push(self.steps.len());
        }
    }

    /// Nobody needs a slot any more.
    fn free(&mut self, slot: u32) {
        match self.strip {
            Some(_) => self.after.push(slot),
            None => {
                self.emit(Step::Free(slot));
                self.free.push(slot);
            }
        }
    }
    /// New memory for a value that the present group makes: for some rows of it, if nobody reads it but the present strip.
    pub fn make(&mut self, v: usize) -> Place {
        let ty = &self.p.vals[v].ty;
        match &mut self.strip {
            Some((strip, last)) if self.last[v] <= *last => Place::Local(strip.local(ty.len(), ty.dt.size())),
            _ => match self.pieces.get(&(v as u32)).copied().filter(|p| p.rows.1 == 0) {
                Some(piece) => self.piece(piece),
                None => self.take(ty),
            },
        }
    }
    /// Where a piece of a concatenation lies.
    fn piece(&mut self, piece: Piece) -> Place {
        match self.whole(piece.whole) {
            Place::Slot(s) => Place::Piece(s, piece.at),
            _ => unreachable!("an array lies in a buffer"),
        }
    }
    /// Memory for what a concatenation makes, which its pieces may have asked for already.
    pub fn whole(&mut self, v: ValId) -> Place {
        if let Some(place) = self.wholes.get(&v) {
            return *place;
        }
        let place = self.take(&self.p.vals[v as usize].ty);
        self.wholes.insert(v, place);
        place
    }
    /// Finds the operands of concatenations that can be made where they are wanted: a concatenation is the last to read them, and they lie there in one piece; or it alone reads them, and they
    /// are maps with long rows.
    fn find_pieces(&mut self) {
        let mut readers: Option<Vec<u32>> = None;
        for g in 0..self.plan.ends.len() {
            let i = self.plan.group(g)[0];
            let node = &self.p.nodes[i as usize];
            let Kind::Concat { dim } = node.kind else { continue };
            let (whole, dim) = (node.vals.0, dim as usize);
            let ty = self.p.ty(whole);
            let (outer, size): (usize, _) = (ty.dims[..dim].iter().product(), ty.dt.size());
            let all = ty.dims[dim..].iter().product::<usize>() * size;
            let mut at = 0;
            for u in self.uses(node) {
                let s = self.plan.sources[u];
                let (from, ty) = (self.p.vals[s.val as usize].node, self.p.ty(s.val));
                let row = self.p.dims_of(&self.p.uses[u])[dim..].iter().product::<usize>();
                let made = &self.p.nodes[from as usize].kind;
                let makes = match made {
                    Kind::Map(_) if outer > 1 => {
                        let n = readers.get_or_insert_with(|| self.readers())[s.val as usize];
                        n == 1 && row >= LONG_ROW
                    }
                    Kind::Map(_) | Kind::Reduce { .. } | Kind::Dot(_) => outer == 1,
                    _ => false,
                };
                let alone = makes && s.view.is_none() && self.last[s.val as usize] == g as u32;
                let same = self.p.stage(from) == self.p.stage(i);
                if let (true, Ok(at)) = (alone && same && ty.bytes() > 0 && !travels_as_bits(ty), u32::try_from(at)) {
                    let rows = if outer == 1 { (ty.len(), 0) } else { (row, all - row * size) };
                    self.pieces.entry(s.val).or_insert(Piece { whole, at, rows });
                }
                at += row * size;
            }
        }
    }
    /// How often groups read each value that they did not make themselves.
    fn readers(&self) -> Vec<u32> {
        let mut readers = vec![0; self.p.vals.len()];
        for nodes in (0..self.plan.ends.len()).map(|g| self.plan.group(g)) {
            for s in nodes.iter().flat_map(|i| self.plan.sources_of(self.p, *i)) {
                let own = nodes.contains(&self.p.vals[s.val as usize].node);
                readers[s.val as usize] += !own as u32
            }
        }
        readers
    }
    /// A step that does all of the present group, of which so many pieces make it whole.
    pub fn main(&mut self, step: Step, pieces: usize) {
        match &mut self.strip {
            Some((strip, _)) => strip.push(step, pieces),
            None => self.emit(step),
        }
    }

    fn slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        })
    }
    /// New memory for a value.
    pub fn take(&mut self, ty: &Ty) -> Place {
        let slot = self.slot();
        if travels_as_bits(ty) {
            return Place::Cell(slot);
        }
        self.emit(Step::Make(slot, ty.bytes(), None));
        Place::Slot(slot)
    }
    /// The memory of this argument, if the caller gives it away, else new memory.
    pub fn take_over(&mut self, arg: u32) -> Place {
        let slot = self.slot();
        self.emit(Step::Make(slot, self.p.args[arg as usize].bytes(), Some(arg)));
        self.wants.push(arg);
        Place::Slot(slot)
    }
    /// The argument that a value is, if its memory is worth having.
    pub fn given(&self, v: ValId) -> Option<u32> {
        match self.place[v as usize] {
            Some(Place::Arg(i)) if self.owned.is_empty() && self.machine != When::Never => {
                let ty = &self.p.args[i as usize];
                (ty.bytes() >= self.in_place && !travels_as_bits(ty) && !self.wants.contains(&i)).then_some(i)
            }
            _ => None,
        }
    }
    /// New memory for this group only.
    pub fn temp(&mut self, ty: &Ty) -> Place {
        let slot = self.slot();
        self.emit(Step::Make(slot, ty.bytes(), None));
        self.temps.push(slot);
        Place::Slot(slot)
    }
    /// A slot is of no use after this group.
    pub fn drop_after(&mut self, slot: u32) {
        self.temps.push(slot);
    }
    pub fn emit(&mut self, step: Step) {
        self.steps.push(step);
    }
    /// Maps, as they are lowered.
    fn emit_maps(&mut self, step: MapStep) {
        if step.len == 0 {
            return;
        }
        self.scratch = self.scratch.max(step.scratch);
        match step.direct() {
            Some(d) => self.emit(Step::Direct(Box::new(d))),
            None => self.emit(Step::Map(Box::new(step))),
        }
    }
    pub fn uses(&self, node: &Node) -> std::ops::Range<usize> {
        node.uses.0 as usize..(node.uses.0 + node.uses.1) as usize
    }

    /// Frees what this group read last.
    fn give_back(&mut self, nodes: &[u32], g: u32) {
        for s in std::mem::take(&mut self.temps) {
            self.free(s)
        }
        for i in nodes {
            for u in self.uses(&self.p.nodes[*i as usize]) {
                let v = self.plan.sources[u].val as usize;
                if self.last[v] != g {
                    continue;
                }
                self.last[v] = NONE;
                match self.place[v] {
                    Some(Place::Slot(s)) => self.free(s),
                    Some(Place::Cell(s)) => self.free.push(s),
                    _ => {}
                }
            }
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
                let there = match self.place[s.val as usize] {
                    Some(Place::Slot(_)) => p.ty(s.val).bytes() >= self.in_place,
                    _ => self.given(s.val).is_some(),
                };
                if there && self.strip.is_none() && self.last[s.val as usize] == g {
                    *dying.entry(s.val).or_insert(true) &= s.view.is_none() && p.uses[u].part == Part::Whole;
                }
            }
        }
        let mut dying: Vec<ValId> = dying.into_iter().filter(|d| d.1).map(|d| d.0).collect();
        // What is a slot's is there for certain, an argument's if the caller gives it away.
        dying.sort_unstable_by_key(|d| (matches!(self.place[*d as usize], Some(Place::Arg(_))), *d));
        let mut stored = Vec::new();
        for i in nodes {
            let node = &p.nodes[*i as usize];
            for v in node.vals.0..node.vals.0 + node.vals.1 {
                if self.last[v as usize] == NONE {
                    continue;
                }
                let ty = p.ty(v);
                // What is a piece of something is made there, with the rows of the first one.
                let piece = self.pieces.get(&v).copied().filter(|p| {
                    let apart = stored.iter().map(|m: &Made| m.rows).find(|r| r.1 > 0);
                    self.strip.is_none() && (p.rows.1 == 0 || apart.is_none_or(|r| r.0 == p.rows.0))
                });
                let over =
                    dying.iter().position(|d| p.ty(*d).dt.size() == ty.dt.size() && p.ty(*d).bytes() == ty.bytes());
                let place = match (piece, over) {
                    (Some(piece), _) => self.piece(piece),
                    (None, Some(k)) => {
                        let d = dying.remove(k) as usize;
                        self.last[d] = NONE;
                        match self.place[d].expect("an operand has a place") {
                            Place::Arg(i) => self.take_over(i),
                            place => place,
                        }
                    }
                    (None, None) => self.make(v as usize),
                };
                let in_place = piece.is_none() && over.is_some();
                stored.push(Made { val: v, place, in_place, rows: piece.map_or((ty.len(), 0), |p| p.rows) });
            }
        }
        let copies = self.copies(nodes);
        let place = |v: ValId| self.place[v as usize].expect("an operand has a place");
        let target = Target { isa: self.isa, one: false };
        let step =
            Lower::new(p, self.plan, target, self.machine, &place, &copies).group(nodes, &stored, &mut self.consts);
        for m in &stored {
            self.place[m.val as usize] = Some(m.place);
        }
        match &mut self.strip {
            Some((strip, _)) => {
                let len = step.len;
                strip.push(Step::Map(Box::new(step)), len)
            }
            None => self.emit_maps(step),
        }
    }

    /// Copies of operands that the group would otherwise read across their rows, block after block, and how it reads those: an element that
    /// is read many times is there once.
    fn copies(&mut self, nodes: &[u32]) -> Copies {
        let mut copies = Copies::new();
        let mut made: Vec<(ValId, Access, Place)> = vec![];
        for i in nodes {
            for u in self.uses(&self.p.nodes[*i as usize]) {
                let s = self.plan.sources[u];
                let (Some(v), Some(from)) = (s.view, self.place[s.val as usize]) else { continue };
                let dt = self.p.ty(s.val).dt;
                let view = &self.plan.views[v as usize];
                let access = Access::new(view, dt, Part::Whole);
                let across = access.row().is_some_and(|(n, s)| s != 0 && s.unsigned_abs() != access.size && n > 1);
                // what is read once, in the order in which it lies, is read as well by the group itself
                let step = access.row().map_or(0, |r| r.1.unsigned_abs());
                let across = across && access.axes.iter().any(|a| a.stride.unsigned_abs() < step);
                if !across || access.len * access.size < TRANSPOSED || copies.contains_key(&(s.val, v)) {
                    continue;
                }
                let still = |d: usize| view.strides[d] == 0 && !view.guards.iter().any(|g| g.dim as usize == d);
                let mut once = view.clone();
                (0..once.dims.len()).filter(|d| still(*d)).for_each(|d| once.dims[d] = 1);
                let mut read = View { dims: view.dims.clone(), ..View::identity(&once.dims) };
                (0..read.dims.len()).filter(|d| still(*d)).for_each(|d| read.strides[d] = 0);
                // several views may show the same
                let known = made.iter().find(|(val, a, _)| *val == s.val && *a == access).map(|m| m.2);
                let place = known.unwrap_or_else(|| self.dense_copy((from, once), dt));
                made.push((s.val, access, place));
                copies.insert((s.val, v), (place, read));
            }
        }
        copies
    }

    /// A dense copy of an operand for this group.
    pub fn copy(&mut self, s: Source, dt: Dt) -> Place {
        let view = self.plan.views[s.view.expect("a view") as usize].clone();
        let from = self.place[s.val as usize].expect("an operand has a place");
        self.dense_copy((from, view), dt)
    }
    /// A dense copy of what a view shows, for this group.
    pub fn dense_copy(&mut self, from: (Place, View), dt: Dt) -> Place {
        let to = self.temp(&Ty { dt, dims: from.1.dims.clone() });
        self.copy_to(from, dt, to);
        to
    }
    /// Copies what a view shows to new memory.
    pub fn copy_to(&mut self, (from, view): (Place, View), dt: Dt, to: Place) {
        self.emit(Step::Copy(Box::new(Copy { from, to, access: Access::new(&view, dt, Part::Whole) })));
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

    /// What a view shows as elements of another type, for this group.
    pub fn converted(&mut self, from: (Place, View), src: Dt, dst: Dt) -> Place {
        let to = self.temp(&Ty { dt: dst, dims: from.1.dims.clone() });
        self.convert(from, src, dst, to);
        to
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
        let stored = [Made { val: made, place: to, in_place: false, rows: (0, 0) }];
        let target = Target { isa: self.isa, one: false };
        let copies = HashMap::new();
        let lower = Lower::new(&p, &plan, target, self.machine, &place, &copies);
        let mut step = lower.group(&[1], &stored, &mut self.consts);
        if let Some(m) = &mut step.machine {
            // its values are not those of the program
            m.names.clear()
        }
        self.emit_maps(step);
    }

    pub fn reduce(&mut self, u: usize, v: usize, op: Fold, first: usize, count: usize) -> Place {
        let ty = &self.p.vals[v].ty;
        let (mut from, mut view) = self.viewed(u);
        let acc = ty.dt.acc();
        if acc != ty.dt {
            let dense = View::identity(&view.dims);
            (from, view) = (self.converted((from, view), ty.dt, acc), dense);
        }
        let mut reduce = match fold::Reduce::new(self.isa, op, acc, &view, first, count) {
            Some(r) => r,
            None => {
                let dense = View::identity(&view.dims);
                from = self.dense_copy((from, view), acc);
                fold::Reduce::new(self.isa, op, acc, &dense, first, count).expect("a dense operand")
            }
        };
        let to = self.make(v);
        let sums = if acc == ty.dt { to } else { self.temp(&Ty { dt: acc, dims: ty.dims.clone() }) };
        (reduce.from, reduce.to) = (from, sums);
        let folds = reduce.folds();
        self.main(Step::Reduce(Box::new(reduce)), folds);
        if acc != ty.dt {
            self.convert((sums, View::identity(&ty.dims)), acc, ty.dt, to);
        }
        to
    }
}
