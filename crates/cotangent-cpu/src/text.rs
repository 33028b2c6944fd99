//! Programs as text: one line for each node that is no argument, for error messages and golden tests.
//!
//! ```text
//! program(%0: f32[64,10]) -> %3
//!   %1: f32[64] = reduce max dims=1..2 %0
//!   %2: f32[64,10] = map (%0, %1[i,0j]) { v2 = sub a b; v3 = exp v2; v3 }
//!   %3: f32[64] = reduce sum dims=1..2 %2
//! ```
//!
//! A view shows the terms of the element that the reader's index i, j, .. finds, one for each of the reader's dimensions, after an
//! offset if there is one: `%0[7+10i,-j]`. Where the reader's extents are not those of the result they are there too:
//! `%0[i<64,0j<10]`. A guard ends the view: `%0[3(i-1)/2 | 1<=i<9 else 0.0]`, and one that goes around has its extent in the index: `%0[((i-1)%8)]`. In the body of a map, a, b, .. are the operands and
//! `v3` is what instruction 3 gives. Types in a body follow from those of the operands; constants, indices and conversions name
//! theirs.
//!
//! Everything here also prints programs that [`Program::check`] refuses.

use crate::reference::scalar;
use crate::{Body, Bounds, ConvOrder, Dt, Guard, Kind, Node, Op, Part, Program, Slide, Sop, Ty, Use, View};
use std::fmt::{self, Display, Formatter};

impl Dt {
    /// Its name: `f32`, `bf16`, `c64`, `bool`.
    pub const fn name(self) -> &'static str {
        match self {
            Dt::Bool => "bool",
            Dt::I8 => "i8",
            Dt::I16 => "i16",
            Dt::I32 => "i32",
            Dt::I64 => "i64",
            Dt::U8 => "u8",
            Dt::U16 => "u16",
            Dt::U32 => "u32",
            Dt::U64 => "u64",
            Dt::F16 => "f16",
            Dt::Bf16 => "bf16",
            Dt::F32 => "f32",
            Dt::F64 => "f64",
            Dt::C64 => "c64",
            Dt::C128 => "c128",
        }
    }
}

impl Display for Dt {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Display for Ty {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.dt, list(&self.dims))
    }
}

/// Numbers with commas between them.
fn list<T: Display>(items: &[T]) -> String {
    items.iter().map(|x| x.to_string()).collect::<Vec<_>>().join(",")
}

impl Kind {
    /// What it does, in a word.
    pub const fn name(&self) -> &'static str {
        match self {
            Kind::Arg(_) => "arg",
            Kind::Const(_) => "const",
            Kind::Map(_) => "map",
            Kind::View => "view",
            Kind::Reduce { .. } => "reduce",
            Kind::ArgReduce { .. } => "argreduce",
            Kind::Prefix { .. } => "prefix",
            Kind::Gather(_) => "gather",
            Kind::Scatter(_) => "scatter",
            Kind::DynSlice => "dynslice",
            Kind::Update => "update",
            Kind::Concat { .. } => "concat",
            Kind::Sort { .. } => "sort",
            Kind::Top { .. } => "top",
            Kind::Dot(_) => "dot",
            Kind::Conv(_) => "conv",
            Kind::Window { .. } => "window",
            Kind::WindowPick { .. } => "windowpick",
            Kind::WindowPut { .. } => "windowput",
            Kind::Lib(_) => "lib",
        }
    }
}

/// The name of a variant: its spelling in lower case.
fn lower(x: &impl fmt::Debug) -> String {
    format!("{x:?}").to_lowercase()
}

/// An element from its bits.
pub(crate) fn number(dt: Dt, bits: [u64; 2]) -> String {
    let to = |t: Dt| scalar(Op::Cast, t, dt, bits[0], 0, 0);
    match dt {
        Dt::C64 | Dt::C128 => {
            let part = |x| number(dt.part(), [x, 0]);
            format!("({}, {})", part(bits[0]), part(bits[1]))
        }
        Dt::Bool => (bits[0] != 0).to_string(),
        Dt::F64 => format!("{:?}", f64::from_bits(bits[0])),
        Dt::F16 | Dt::Bf16 | Dt::F32 => format!("{:?}", f32::from_bits(to(Dt::F32) as u32)),
        _ if dt.is_signed() => (to(Dt::I64) as i64).to_string(),
        _ => to(Dt::U64).to_string(),
    }
}

/// How windows lie, a dimension after the other: `3/2-1` has three elements, two places further each time, from one place before the array. A
/// dilation follows as `*2`, that of the array as `:2`.
fn windows(slides: &[Slide]) -> String {
    let one = |s: &Slide| {
        let mut text = format!("{}/{}", s.size, s.stride);
        if s.lo != 0 {
            text += &format!("{:+}", -(s.lo as i128));
        }
        if s.dilation != 1 {
            text += &format!("*{}", s.dilation);
        }
        if s.base != 1 {
            text += &format!(":{}", s.base);
        }
        text
    };
    format!("[{}]", slides.iter().map(one).collect::<Vec<_>>().join(","))
}

/// The `n`th letter from `first` on, while the alphabet lasts.
fn letter(first: u8, n: usize) -> String {
    match u8::try_from(n).ok().and_then(|n| first.checked_add(n)) {
        Some(c) if c < b'u' => (c as char).to_string(),
        _ => format!("{}{n}", first as char),
    }
}

/// An operand through a view. `extents`: does the reader's shape have to be told?
fn view(v: &View, dt: Dt, extents: bool) -> String {
    let mut terms = Vec::new();
    for (d, n) in v.dims.iter().enumerate() {
        let i = letter(b'i', d);
        let guard = v.guards.iter().find(|g| g.dim as usize == d);
        let index = match guard {
            Some(g) if g.step == Guard::AROUND => {
                format!("(({i}{:+})%{})", -(g.lo as i128), g.hi as i128 - g.lo as i128)
            }
            Some(g) if g.step != 1 => format!("({i}{:+})/{}", -(g.lo as i128), g.step),
            Some(g) if g.lo != 0 => format!("({i}{:+})", -(g.lo as i128)),
            _ => i,
        };
        let stride = match v.strides.get(d) {
            Some(1) => String::new(),
            Some(-1) => "-".to_owned(),
            Some(s) => s.to_string(),
            None => "?".to_owned(),
        };
        let extent = if extents { format!("<{n}") } else { String::new() };
        terms.push(format!("{stride}{index}{extent}"));
    }
    let mut text = terms.join(",");
    if v.offset != 0 {
        let plus = if text.is_empty() || text.starts_with('-') { "" } else { "+" };
        text = format!("{}{plus}{text}", v.offset);
    }
    let mut guards = v.guards.iter().filter(|g| g.step != Guard::AROUND).peekable();
    if guards.peek().is_some() {
        let guards: Vec<String> =
            guards.map(|g| format!("{}<={}<{}", g.lo, letter(b'i', g.dim as usize), g.hi)).collect();
        text = format!("{text} | {} else {}", guards.join(" "), number(dt, v.fill));
    }
    format!("[{text}]")
}

/// The operand of an instruction: what is short is written in place.
fn operand(body: &Body, id: u32) -> String {
    match body.ops.get(id as usize) {
        Some(Sop { op: Op::In, a, .. }) => letter(b'a', *a as usize),
        Some(Sop { op: Op::Index, dt, a, .. }) => format!("index{a}:{dt}"),
        Some(Sop { op: Op::Const, dt, a, b, .. }) => {
            format!("{}:{dt}", number(*dt, [*a as u64 | (*b as u64) << 32, 0]))
        }
        _ => format!("v{id}"),
    }
}

/// An instruction with its operands.
fn instruction(body: &Body, s: &Sop) -> String {
    let mut text = match s.op {
        Op::Math(m) => lower(&m),
        Op::Cast | Op::Bitcast => format!("{}:{}", lower(&s.op), s.dt),
        op => lower(&op),
    };
    for id in &[s.a, s.b, s.c][..s.op.arity()] {
        text = format!("{text} {}", operand(body, *id));
    }
    text
}

impl Display for Body {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let long: Vec<(usize, &Sop)> = self.ops.iter().enumerate().filter(|(_, s)| s.op.arity() > 0).collect();
        if let ([(i, s)], [out]) = (&long[..], &self.outs[..])
            && *i == *out as usize
        {
            return write!(f, "{{ {} }}", instruction(self, s));
        }
        write!(f, "{{ ")?;
        for (i, s) in long {
            write!(f, "v{i} = {}; ", instruction(self, s))?;
        }
        let outs: Vec<String> = self.outs.iter().map(|o| operand(self, *o)).collect();
        write!(f, "{} }}", outs.join(", "))
    }
}

impl Program {
    /// An operand as text.
    fn operand_text(&self, node: &Node, u: &Use) -> String {
        let mut text = format!("%{}", u.val);
        if let Some(v) = u.view {
            let dt = self.vals.get(u.val as usize).map_or(Dt::U64, |v| v.ty.dt);
            let extents = !matches!(node.kind, Kind::Map(_) | Kind::View);
            text += &self.views.get(v as usize).map_or(format!("[view {v}?]"), |v| view(v, dt, extents));
        }
        text + match u.part {
            Part::Whole => "",
            Part::Re => ".re",
            Part::Im => ".im",
        }
    }
    /// A node with its results: a line of the program.
    pub fn line(&self, node: &Node) -> String {
        let results: Vec<String> = (0..node.vals.1)
            .map(|k| node.vals.0.saturating_add(k))
            .map_while(|v| self.vals.get(v as usize).map(|val| format!("%{v}: {}", val.ty)))
            .collect();
        format!("{} = {}", results.join(", "), self.node_text(node))
    }
    /// What a node does, without its results.
    fn node_text(&self, node: &Node) -> String {
        let end = node.uses.0 as usize + node.uses.1 as usize;
        let uses = self.uses.get(node.uses.0 as usize..end).unwrap_or_default();
        let operands: Vec<String> = uses.iter().map(|u| self.operand_text(node, u)).collect();
        let name = node.kind.name();
        let after = |n: usize| operands.get(n..).unwrap_or_default().join(" ");
        let all = after(0);
        let bounds = |b: Bounds, dt: Option<Dt>, fill: [u64; 2]| match (b, dt) {
            (Bounds::Clip, _) => "clip".to_owned(),
            (Bounds::Fill, Some(dt)) => format!("fill={}", number(dt, fill)),
            (Bounds::Fill, None) => "drop".to_owned(),
        };
        let below = |n: i64| if n == 0 { String::new() } else { format!(" below={n}") };
        match &node.kind {
            Kind::Arg(i) => format!("{name} {i}"),
            Kind::Const(bits) => {
                let dt = self.vals.get(node.vals.0 as usize).map_or(Dt::U64, |v| v.ty.dt);
                format!("{name} {}", number(dt, *bits))
            }
            Kind::Map(body) => format!("{name} ({}) {body}", operands.join(", ")),
            Kind::View => format!("{name} {all}"),
            Kind::Reduce { op, first, count } => {
                format!("{name} {} dims={first}..{} {all}", lower(op), *first as u64 + *count as u64)
            }
            Kind::ArgReduce { max, dim } => format!("arg{} dim={dim} {all}", if *max { "max" } else { "min" }),
            Kind::Prefix { op, dim, reverse } => {
                format!("{name} {} dim={dim}{} {all}", lower(op), if *reverse { " reverse" } else { "" })
            }
            Kind::Sort { dim, keys } => format!("{name} dim={dim} keys={keys} {all}"),
            Kind::Top { dim } => format!("{name} dim={dim} {all}"),
            Kind::Gather(s) => {
                let dt = uses.first().and_then(|u| self.vals.get(u.val as usize)).map_or(Dt::U64, |v| v.ty.dt);
                format!(
                    "{name} offset=[{}] collapsed=[{}] map=[{}] batching=[{}]x[{}] slices=[{}] {}{} {all}",
                    list(&s.offset_dims),
                    list(&s.collapsed_slice_dims),
                    list(&s.start_index_map),
                    list(&s.operand_batching_dims),
                    list(&s.start_indices_batching_dims),
                    list(&s.slice_sizes),
                    bounds(s.bounds, Some(dt), s.fill),
                    below(s.below)
                )
            }
            Kind::Scatter(s) => format!(
                "{name} {} window=[{}] inserted=[{}] map=[{}] batching=[{}]x[{}] {}{} {all}",
                lower(&s.put),
                list(&s.update_window_dims),
                list(&s.inserted_window_dims),
                list(&s.scatter_dims_to_operand_dims),
                list(&s.operand_batching_dims),
                list(&s.scatter_indices_batching_dims),
                bounds(s.bounds, None, [0; 2]),
                below(s.below)
            ),
            Kind::DynSlice => format!("{name} {} at ({})", operands.first().map_or("", |s| s), after(1)),
            Kind::Update => {
                format!("{name} {} at ({})", operands.get(..2).unwrap_or_default().join(" with "), after(2))
            }
            Kind::Concat { dim } => format!("{name} dim={dim} {all}"),
            Kind::Dot(s) => format!("{name} {} {} {all}", lower(&s.order), s.acc),
            Kind::Conv(s) => {
                let last = if s.batch_last { " batch_last" } else { "" };
                let order = if s.order == ConvOrder::Winograd { " winograd" } else { "" };
                format!("{name} {}{order}{last} {} {all}", s.acc, windows(&s.slides))
            }
            Kind::Window { op, slides } => format!("{name} {} {} {all}", lower(op), windows(slides)),
            Kind::WindowPick { max, slides } | Kind::WindowPut { max, slides } => {
                format!("{name} {} {} {all}", if *max { "max" } else { "min" }, windows(slides))
            }
            Kind::Lib(l) => {
                format!("{name} {} [{}] batch={} ({})", l.routine.name, list(&l.params), l.batch, operands.join(", "))
            }
        }
    }
}

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let args: Vec<String> = self
            .args
            .iter()
            .enumerate()
            .map(|(i, ty)| match self.nodes.iter().find(|n| n.kind == Kind::Arg(i as u32)) {
                Some(n) => format!("%{}: {ty}", n.vals.0),
                None => format!("_: {ty}"),
            })
            .collect();
        let outs: Vec<String> = self.outs.iter().map(|o| format!("%{o}")).collect();
        let outs = if outs.len() == 1 { outs[0].clone() } else { format!("({})", outs.join(", ")) };
        writeln!(f, "program({}) -> {outs}", args.join(", "))?;
        for (i, node) in self.nodes.iter().enumerate().filter(|(_, n)| !matches!(n.kind, Kind::Arg(_))) {
            if self.fences.contains(&(i as u32)) {
                writeln!(f, "  fence")?;
            }
            writeln!(f, "  {}", self.line(node))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
