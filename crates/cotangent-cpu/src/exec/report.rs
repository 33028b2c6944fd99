//! What the engine makes of a program: which nodes became which steps, what each of them costs, what memory a run takes, and how long each step ran.
//!
//! [`Inspected`] is planned and built exactly as an [`Executable`](super::Executable) is, and keeps what that forgets.

pub use super::assembly::Assembly;
use super::build::{Built, Out, Place};
use super::map::Fill;
use super::plan::Plan;
use super::run::{Frame, Step, run};
use super::{Operand, Options, Outputs, Ready, When, frame_of, pointer, result_list, sizes_of};
use crate::cost::{bytes, fetched};
use crate::float::Arithmetic;
use crate::isa::Isa;
use crate::{Cost, Kind, Program, ValId};
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::{Duration, Instant};

/// Nodes that run together, and what that takes.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they do, in a word: that of their kind, or `scalars` for a program in registers.
    pub name: &'static str,
    /// The nodes, in the order of the program.
    pub nodes: Vec<u32>,
    /// What each of them computes: not always what the program says, for some maps compute their operands themselves.
    pub lines: Vec<String>,
    /// Values that are read from memory.
    pub reads: Vec<ValId>,
    /// Values that are written to memory. What else the nodes make stays in the cache or in registers.
    pub writes: Vec<ValId>,
    /// Operations of all nodes, and bytes as the group reads and writes them.
    pub cost: Cost,
    /// What the engine does for it, a line for each step.
    pub steps: Vec<String>,
    /// Bytes of all buffers of the run that are in use at one time while it runs.
    pub live: usize,
}

/// What a run takes, in bytes. Not counted is memory in which single steps work: products (which keep it for the next one), and all but folds, prefixes and
/// extremes. It belongs to no value, and what some of them take depends on the values.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Memory {
    /// The arguments.
    pub arguments: usize,
    /// The results that are no arguments.
    pub outputs: usize,
    /// Results that are arguments as they are: their memory is shared.
    pub aliased: usize,
    /// The most that values which are no results, and memory to work in, take at one time.
    pub temporary: usize,
    /// The most that all of it takes at one time, arguments included.
    pub peak: usize,
}

/// See [the module](self).
#[derive(Clone, Debug)]
pub struct Report {
    /// In the order in which they run.
    pub groups: Vec<Group>,
    /// What a run takes.
    pub memory: Memory,
}

/// A program that can be run, with a report about itself, and step by step with a clock.
pub struct Inspected {
    args: Box<[usize]>,
    pub(super) form: Ready,
    report: Report,
    pub(super) isa: Isa,
    pub(super) machine: When,
}

impl Inspected {
    /// Makes a program ready to run. The error says what is wrong with the program.
    pub fn compile(p: &Program) -> Result<Inspected, String> {
        Inspected::compile_with(p, Options::default())
    }
    /// The same with options.
    ///
    /// # Panics
    /// If the processor does not have the instruction set.
    #[doc(hidden)]
    pub fn compile_with(p: &Program, options: Options) -> Result<Inspected, String> {
        let (planned, plan, form) = Ready::new(p, &options)?;
        let report = report(&planned, &plan, &form);
        Ok(Inspected { args: sizes_of(p), form, report, isa: options.isa, machine: options.machine })
    }
    /// What there is to know before it runs.
    pub fn report(&self) -> &Report {
        &self.report
    }
    /// Runs the program, and says how long each group took. To read the clock takes some ten nanoseconds, which are counted, too.
    ///
    /// # Panics
    /// If the operands are not of the number, kinds and lengths of the program's arguments.
    pub fn run(&self, args: &[Operand]) -> (Outputs, Vec<Duration>) {
        super::check(&self.args, args, &[]);
        let _arithmetic = Arithmetic::enter();
        let built = match &self.form {
            Ready::Scalar(r) => {
                let start = Instant::now();
                // SAFETY: the operands fit the program, which was checked.
                let outs = unsafe { r.run(args) };
                return (outs, self.report.groups.iter().map(|_| start.elapsed()).collect());
            }
            Ready::Steps(built) => built,
        };
        let (slots, scratch) = frame_of(built);
        let args: Vec<*mut u8> = args.iter().map(|a| pointer(a, &[])).collect();
        let mut frame = Frame::new(&args, &built.consts, &slots, scratch.ptr());
        let (mut first, mut times) = (0, Vec::with_capacity(built.ends.len()));
        for end in &built.ends {
            let start = Instant::now();
            // SAFETY: as above; the groups' steps are all steps in their order.
            unsafe { run(&built.steps[first..*end], &mut frame, |_| None) };
            times.push(start.elapsed());
            first = *end;
        }
        (result_list(built, &mut frame), times)
    }
}

fn report(p: &Program, plan: &Plan, form: &Ready) -> Report {
    let groups = match form {
        Ready::Scalar(_) if plan.members.is_empty() => vec![],
        Ready::Scalar(_) => vec![plan.members.clone()],
        Ready::Steps(_) => {
            let starts = std::iter::once(&0).chain(&plan.ends);
            starts.zip(&plan.ends).map(|(a, b)| plan.members[*a as usize..*b as usize].to_vec()).collect()
        }
    };
    let mut group_of = vec![usize::MAX; p.nodes.len()];
    for (g, nodes) in groups.iter().enumerate() {
        for i in nodes {
            group_of[*i as usize] = g;
        }
    }
    // what others read, or the caller
    let mut stored = vec![false; p.vals.len()];
    for (i, node) in p.nodes.iter().enumerate().filter(|(i, _)| group_of[*i] != usize::MAX) {
        for u in node.uses.0..node.uses.0 + node.uses.1 {
            let v = plan.sources[u as usize].val;
            stored[v as usize] |= group_of[p.vals[v as usize].node as usize] != group_of[i];
        }
    }
    for v in &plan.outs {
        stored[*v as usize] = true;
    }
    let (live, memory) = match form {
        Ready::Scalar(_) => (vec![0; groups.len()], fixed(p, &[])),
        Ready::Steps(built) => memory(p, built),
    };
    let steps = |g: usize| match form {
        Ready::Scalar(r) => vec![format!("{} kernels on {} registers", r.calls.len(), r.cells)],
        Ready::Steps(built) => {
            let first = if g == 0 { 0 } else { built.ends[g - 1] };
            built.steps[first..built.ends[g]].iter().map(describe).collect()
        }
    };
    let one = |(g, mut nodes): (usize, Vec<u32>)| {
        nodes.sort_unstable();
        let mut cost = Cost::default();
        let mut reads: BTreeMap<ValId, u64> = BTreeMap::new();
        for i in &nodes {
            let node = &p.nodes[*i as usize];
            for u in node.uses.0..node.uses.0 + node.uses.1 {
                let s = plan.sources[u as usize];
                let from = &p.nodes[p.vals[s.val as usize].node as usize];
                if group_of[p.vals[s.val as usize].node as usize] != g && !matches!(from.kind, Kind::Const(_)) {
                    let most = reads.entry(s.val).or_default();
                    *most = (*most).max(fetched(p.ty(s.val), s.view.map(|v| &plan.views[v as usize])));
                }
            }
            let (flops, transcendentals) = p.work(node);
            cost += Cost { flops, transcendentals, ..Cost::default() };
        }
        let results = |i: &u32| p.nodes[*i as usize].vals.0..p.nodes[*i as usize].vals.0 + p.nodes[*i as usize].vals.1;
        let writes: Vec<ValId> = nodes.iter().flat_map(results).filter(|v| stored[*v as usize]).collect();
        let node = &p.nodes[nodes[0] as usize];
        (cost.read, cost.written) = match node.kind {
            Kind::Map(_) => (reads.values().sum(), bytes(writes.iter().map(|v| p.ty(*v)))),
            _ => p.traffic(node, &|k| {
                let s = plan.sources[node.uses.0 as usize + k];
                fetched(p.ty(s.val), s.view.map(|v| &plan.views[v as usize]))
            }),
        };
        let name = if matches!(form, Ready::Scalar(_)) { "scalars" } else { node.kind.name() };
        let lines = nodes.iter().map(|i| p.line(&p.nodes[*i as usize])).collect();
        Group { name, reads: reads.into_keys().collect(), writes, cost, steps: steps(g), live: live[g], nodes, lines }
    };
    let groups = groups.into_iter().enumerate().map(one).collect();
    Report { groups, memory }
}

/// What is known of the memory before any step: arguments, and results, of which some are arguments.
fn fixed(p: &Program, outs: &[Out]) -> Memory {
    let arguments = bytes(&p.args) as usize;
    let aliased: usize = outs.iter().map(|o| if let Out::Arg(i) = o { p.args[*i as usize].bytes() } else { 0 }).sum();
    let all = bytes(p.outs.iter().map(|v| p.ty(*v))) as usize;
    Memory { arguments, outputs: all - aliased, aliased, temporary: 0, peak: arguments + all - aliased }
}
/// Plays the steps through: what each group has in hand, and what the run takes.
fn memory(p: &Program, built: &Built) -> (Vec<usize>, Memory) {
    // which buffers become results: the last one of a slot that is taken
    let mut made_last: Vec<Option<usize>> = vec![None; built.slots];
    for (k, step) in built.steps.iter().enumerate() {
        match step {
            Step::Make(slot, ..) => made_last[*slot as usize] = Some(k),
            Step::Free(slot) => made_last[*slot as usize] = None,
            _ => {}
        }
    }
    let mut result = vec![false; built.steps.len()];
    for out in &built.outs {
        if let Out::Take(s) = out
            && let Some(k) = made_last[*s as usize]
        {
            result[k] = true;
        }
    }
    let mut held = vec![(0, false); built.slots];
    let (mut outputs, mut temporary) = (0, built.scratch);
    let (mut most, mut most_temporary) = (temporary, temporary);
    let (mut first, mut live) = (0, Vec::new());
    for end in &built.ends {
        let mut here = outputs + temporary;
        for k in first..*end {
            let step = &built.steps[k];
            match step {
                Step::Make(slot, bytes, _) => {
                    held[*slot as usize] = (*bytes, result[k]);
                    *if result[k] { &mut outputs } else { &mut temporary } += bytes;
                }
                Step::Free(slot) => {
                    let (bytes, result) = std::mem::take(&mut held[*slot as usize]);
                    *if result { &mut outputs } else { &mut temporary } -= bytes;
                }
                _ => {}
            }
            let work = temporary + work(step);
            here = here.max(outputs + work);
            most_temporary = most_temporary.max(work);
        }
        most = most.max(here);
        live.push(here);
        first = *end;
    }
    // at the end, results that somebody else has, too, are copied
    let copies: usize = built.outs.iter().map(|o| if let Out::Copy(_, n) = o { *n } else { 0 }).sum();
    most = most.max(outputs + temporary + copies);
    let known = fixed(p, &built.outs);
    let scalars: usize = built.outs.iter().map(|o| if let Out::Bits(_, n) = o { *n } else { 0 }).sum();
    let peak = known.arguments + most + scalars;
    (live, Memory { temporary: most_temporary, peak, ..known })
}
/// Bytes that a step takes while it runs, and gives back.
fn work(step: &Step) -> usize {
    match step {
        Step::Reduce(r) => r.work(),
        Step::Prefix(w) => w.work(),
        Step::Extreme(w) => w.work(),
        Step::Strip(w) => w.work(),
        _ => 0,
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Place::Arg(i) => write!(f, "arg {i}"),
            Place::Const(_) => f.write_str("constant"),
            Place::Slot(s) | Place::Cell(s) => write!(f, "slot {s}"),
            Place::Scratch => f.write_str("scratch"),
            Place::Local(i) => write!(f, "local {i}"),
            Place::Piece(i, at) => write!(f, "slot {i} from byte {at}"),
        }
    }
}
/// A step in words.
pub fn describe(step: &Step) -> String {
    match step {
        Step::Make(slot, bytes, None) => format!("slot {slot}: {bytes} bytes"),
        Step::Make(slot, bytes, Some(i)) => format!("slot {slot}: {bytes} bytes, those of arg {i} if it is given away"),
        Step::Free(slot) => format!("free slot {slot}"),
        Step::Direct(d) => format!("one kernel on {} elements to {}", d.len, d.out.0),
        Step::Map(m) => {
            let columns = m.entries.iter().filter(|e| e.at.0 == Place::Scratch).count();
            let mut text =
                format!("{} kernels on {} elements, {} at a time, {columns} columns", m.calls.len(), m.len, m.block);
            let count = |what: fn(&Fill) -> bool| m.fills.iter().filter(|c| what(&c.fill)).count();
            for (n, what) in [
                (count(|f| matches!(f, Fill::Scalar(..))), "from scalars"),
                (count(|f| matches!(f, Fill::Strided(..))), "through views"),
                (count(|f| matches!(f, Fill::Index { .. })), "of indices"),
            ] {
                if n > 0 {
                    text += &format!(", {n} {what}");
                }
            }
            if let Some(code) = m.machine.as_ref().and_then(|m| m.made()) {
                text += &format!("; machine code: {} bytes, {} elements a round", code.text(), code.lanes)
            }
            text
        }
        Step::Copy(c) => format!("copy {} bytes from {} to {}", c.access.len * c.access.size, c.from, c.to),
        Step::Reduce(r) => format!("{} from {} to {}", r.text(), r.from, r.to),
        Step::Prefix(w) => format!("{} prefixes of {} slices of {} elements to {}", w.outer, w.n, w.inner, w.to),
        Step::Extreme(w) => format!("{} extremes of {} slices of {} elements to {}", w.outer, w.n, w.inner, w.to),
        Step::Sort(s) => format!("{} lines in order, {} columns", s.lines, s.from.len()),
        Step::Top(t) => format!("the greatest of {} lines to {} and {}", t.lines, t.values, t.indices),
        Step::Conv(_) => "convolution".into(),
        Step::Fold(_) => "folds of windows".into(),
        Step::Pick(_) => "elements at the extremes of windows".into(),
        Step::Put(_) => "sums at the extremes of windows".into(),
        Step::Lib(l) => format!("{} of {} matrices", l.lib.routine.name, l.count),
        Step::Slice(w) => format!("piece of {} elements from {} to {}", w.access.len, w.from, w.to),
        Step::Update(w) => format!("piece of {} elements from {} into {}", w.access.len, w.from, w.to),
        Step::Concat(w) => format!("{} pieces in {} rows to {}", w.pieces.len(), w.outer, w.to),
        Step::Gather(w) => format!("windows from {} to {}", w.windows.array.0, w.to),
        Step::Scatter(w) => format!("windows from {} into {}", w.updates.0, w.windows.array.0),
        Step::Strip(s) => {
            let steps: Vec<String> =
                s.kernels.iter().map(|k| k.describe()).chain(s.steps.iter().map(|s| s.text())).collect();
            let order = if s.columns.is_some() {
                "one by one in the order of lanes"
            } else {
                &format!("{} at a time", s.at_once)
            };
            format!("{:?}, {order}, {} bytes: {}", s.rows, s.work(), steps.join("; "))
        }
        Step::Dot(w) => {
            let [batch, m, n, k] = w.sizes;
            format!(
                "product {batch} x [{m},{k}] x [{k},{n}], {:?} in {}, from {} and {} to {}",
                w.spec.order, w.spec.acc, w.a.0, w.b.0, w.to
            )
        }
    }
}

impl Display for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Memory { arguments, outputs, aliased, temporary, peak } = self;
        write!(
            f,
            "bytes: arguments {arguments}, outputs {outputs}, aliased {aliased}, temporary {temporary}, peak {peak}"
        )
    }
}
impl Group {
    /// What number `k` of a program's groups is: what it reads and writes, what it costs, its nodes, and its steps. (The machine code of a step belongs behind its line.)
    pub fn text(&self, k: usize) -> String {
        use std::fmt::Write;
        let names = |v: &[ValId]| v.iter().map(|v| format!("%{v}")).collect::<Vec<_>>().join(" ");
        let Cost { flops, transcendentals, read, written } = self.cost;
        let mut t = format!("{k} {}: {} -> {}\n", self.name, names(&self.reads), names(&self.writes));
        let _ = writeln!(
            t,
            "    {flops} flops, {transcendentals} transcendentals, {read} bytes read, {written} written, {} in use",
            self.live
        );
        for line in &self.lines {
            let _ = writeln!(t, "    {line}");
        }
        for s in &self.steps {
            let _ = writeln!(t, "    | {s}");
        }
        t
    }
}
impl Report {
    /// All of it as text.
    pub fn text(&self) -> String {
        let groups = self.groups.iter().enumerate().map(|(k, g)| g.text(k));
        format!("{} groups; {}\n{}", self.groups.len(), self.memory, groups.collect::<String>())
    }
}

#[cfg(test)]
mod tests;
