//! Validation of a tensor program.
//!
//! [`Program::check`] is the one place where a program is doubted. What it accepts has the meaning that [`crate::program`] gives it,
//! and an engine may run it without looking at an index again: every operand exists, every view stays inside its value, every
//! extent fits, every scalar instruction has operands of the types it is defined for. The rules about types are functions of their
//! own ([`Op::takes`], [`Fold::takes`], [`Put::takes`]), so that whoever makes programs can ask first.

mod dims;
mod windows;

use crate::{Body, ConvOrder, Dt, Fold, Guard, Kind, Node, Op, Part, Program, Put, Ty, Use, View};

/// An operand as its node sees it: through its view and its part.
pub(crate) struct Operand<'a> {
    /// The element type; of one part where a part is read.
    pub(crate) dt: Dt,
    /// The extents once the view is applied.
    pub(crate) dims: &'a [usize],
}

impl Operand<'_> {
    /// As text.
    fn text(&self) -> String {
        Ty::new(self.dt, self.dims).to_string()
    }
}

/// What a check says.
pub(crate) type Checked = Result<(), String>;

/// Fails with a message unless a condition holds.
macro_rules! ensure {
    ($ok:expr, $($message:tt)*) => {
        if !$ok {
            return Err(format!($($message)*));
        }
    };
}
pub(crate) use ensure;

impl Op {
    /// Is this operation defined for operands of type `from` and a result of type `to`? For [`Op::Select`], `from` is the type of
    /// the two values.
    pub fn takes(self, from: Dt, to: Dt) -> bool {
        let number = from.is_int() || from.is_float();
        if from.is_complex() || to.is_complex() {
            return false;
        }
        let operands = match self {
            Op::In | Op::Const | Op::Select | Op::Max | Op::Min => true,
            Op::Index => from.is_int(),
            Op::Neg | Op::Abs | Op::Sign | Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Rem | Op::MulAdd => number,
            Op::Floor
            | Op::Ceil
            | Op::RoundEven
            | Op::RoundAway
            | Op::Trunc
            | Op::Sqrt
            | Op::NextAfter
            | Op::Math(_) => from.is_float(),
            Op::PopCount | Op::Clz | Op::Shl | Op::Shr | Op::ShrLogical => from.is_int(),
            Op::Not | Op::And | Op::Or | Op::Xor => from.is_int() || from == Dt::Bool,
            Op::Eq | Op::Ne | Op::Lt | Op::Le => return to == Dt::Bool,
            Op::Cast => return true,
            // A byte is not a truth value: only 0 and 1 are.
            Op::Bitcast => return from.size() == to.size() && (to != Dt::Bool || from == Dt::Bool),
        };
        operands && from == to
    }
}

impl Fold {
    /// Is this fold defined on elements of this type?
    pub fn takes(self, dt: Dt) -> bool {
        match self {
            Fold::Sum | Fold::Prod => dt != Dt::Bool,
            Fold::Max | Fold::Min => !dt.is_complex(),
            Fold::And | Fold::Or | Fold::Xor => dt.is_int() || dt == Dt::Bool,
            Fold::LogAddExp => dt.is_float(),
        }
    }
}

impl Put {
    /// Is this combination defined on elements of this type?
    pub fn takes(self, dt: Dt) -> bool {
        match self {
            Put::Set => true,
            Put::Add | Put::Sub | Put::Mul => dt != Dt::Bool,
            Put::Min | Put::Max => !dt.is_complex(),
        }
    }
}

/// Are these the bits of an element of this type, with nothing above them?
fn bits_fit(dt: Dt, bits: [u64; 2]) -> bool {
    let one = |b: u64, t: Dt| match t {
        Dt::Bool => b <= 1,
        t if t.size() == 8 => true,
        t => b >> (8 * t.size()) == 0,
    };
    one(bits[0], dt.part()) && if dt.is_complex() { one(bits[1], dt.part()) } else { bits[1] == 0 }
}

/// Checks that strides and byte counts of an array of these extents can be computed, also where an extent is 0.
fn check_extents(dt: Dt, dims: &[usize]) -> Checked {
    let bytes = dims.iter().try_fold(dt.size(), |n, d| n.checked_mul((*d).max(1)));
    ensure!(
        bytes.is_some_and(|n| n <= isize::MAX as usize),
        "an array {} is too large to be addressed",
        Ty::new(dt, dims)
    );
    Ok(())
}

/// Checks what can be said of a view without its operand: ranks, guards, and that no index arithmetic overflows.
fn check_view(v: &View) -> Checked {
    check_extents(Dt::Bool, &v.dims)?;
    ensure!(v.strides.len() == v.dims.len(), "{} strides for {} dimensions", v.strides.len(), v.dims.len());
    let mut seen = None;
    for g in &v.guards {
        ensure!((g.dim as usize) < v.dims.len(), "a guard on dimension {} of {}", g.dim, v.dims.len());
        ensure!(seen.is_none_or(|d| d < g.dim), "guards are not in ascending order of dimensions");
        ensure!(g.step >= 1 || g.step == Guard::AROUND && g.lo < g.hi, "a guard with step {}: {g:?}", g.step);
        let far = 1 << 61;
        ensure!(
            g.lo.abs_diff(0) <= far && g.hi.abs_diff(0) <= far && g.step as u64 <= far,
            "a guard out of all bounds: {g:?}"
        );
        seen = Some(g.dim);
    }
    // A bound on everything that the index arithmetic can meet on its way.
    let mut reach = (v.offset as i128).abs();
    for (d, (n, s)) in v.dims.iter().zip(&v.strides).enumerate() {
        let guard = v.guards.iter().find(|g| g.dim as usize == d);
        let shift = guard.map_or(0, |g| match g.step {
            Guard::AROUND => g.hi.abs() as i128 + 2 * g.lo.abs() as i128 + 1,
            _ => g.lo.abs() as i128 + 1,
        });
        reach += (*s as i128).abs() * (*n as i128 + shift);
        ensure!(reach <= i64::MAX as i128, "offset and strides reach beyond any address");
    }
    Ok(())
}

impl Program {
    /// Validates the program. After `Ok`, everything that [`crate::program`] says about its meaning holds, and no index, view,
    /// extent or type needs to be looked at again. The message of an error names the node, what it does, and the types.
    pub fn check(&self) -> Result<(), String> {
        self.check_nodes(&|_| true)
    }
    /// The same, of a program that passes have been over: what nobody asks for any more may be anything.
    pub(crate) fn check_live(&self) -> Result<(), String> {
        let readers = self.readers();
        self.check_nodes(&|n| n.lives(&readers))
    }
    fn check_nodes(&self, lives: &dyn Fn(&Node) -> bool) -> Result<(), String> {
        ensure!(
            [self.nodes.len(), self.vals.len(), self.uses.len(), self.views.len(), self.args.len()]
                .iter()
                .all(|n| *n < u32::MAX as usize),
            "the program has too many parts for 32-bit ids"
        );
        for (i, ty) in self.args.iter().enumerate() {
            check_extents(ty.dt, &ty.dims).map_err(|e| format!("argument {i}: {e}"))?;
        }
        for (i, v) in self.views.iter().enumerate() {
            check_view(v).map_err(|e| format!("view {i}: {e}: {v:?}"))?;
        }
        let mut made = 0;
        let mut args = vec![false; self.args.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            self.check_node(i, node, lives, &mut made, &mut args).map_err(|e| self.explain(i, node, &e))?;
        }
        ensure!(self.fences.is_sorted(), "the fences {:?} are not in order", self.fences);
        ensure!(made == self.vals.len(), "{} values, but the nodes make {made}", self.vals.len());
        for (i, v) in self.outs.iter().enumerate() {
            ensure!((*v as usize) < made, "result {i} is %{v}, but there are only {made} values");
        }
        Ok(())
    }

    /// The message of an error in a node. It must not itself trust the node.
    fn explain(&self, i: usize, node: &Node, e: &str) -> String {
        let part = |(first, n): (u32, u32)| first as usize..first as usize + n as usize;
        let uses = self.uses.get(part(node.uses)).unwrap_or_default();
        let vals = self.vals.get(part(node.vals)).unwrap_or_default();
        let uses: Vec<String> = uses.iter().map(|u| self.use_text(u)).collect();
        let vals: Vec<String> = vals.iter().map(|v| v.ty.to_string()).collect();
        format!("node {i}: {} ({}) -> {}: {e}", node.kind.name(), uses.join(", "), vals.join(", "))
    }

    /// The type of an operand as text, even if it makes no sense.
    fn use_text(&self, u: &Use) -> String {
        let ty = self.vals.get(u.val as usize).map_or("?".to_owned(), |v| v.ty.to_string());
        match u.view {
            None => ty,
            Some(v) => {
                let dims = self.views.get(v as usize).map_or("?".to_owned(), |v| format!("{:?}", &v.dims[..]));
                format!("{ty} as {dims}")
            }
        }
    }

    fn check_node(
        &self,
        i: usize,
        node: &Node,
        lives: &dyn Fn(&Node) -> bool,
        made: &mut usize,
        args: &mut [bool],
    ) -> Checked {
        let end = node.uses.0 as usize + node.uses.1 as usize;
        ensure!(end <= self.uses.len(), "operands {:?} of {}", node.uses, self.uses.len());
        ensure!(node.vals.0 as usize == *made, "its results begin at %{}, not at %{made}", node.vals.0);
        *made += node.vals.1 as usize;
        ensure!(*made <= self.vals.len(), "results {:?} of {}", node.vals, self.vals.len());
        let vals = &self.vals[node.vals.0 as usize..*made];
        for v in vals {
            ensure!(v.node as usize == i, "a result says that node {} makes it", v.node);
            check_extents(v.ty.dt, &v.ty.dims)?;
        }
        if !lives(node) {
            return Ok(());
        }
        let mut operands = Vec::with_capacity(node.uses.1 as usize);
        for (k, u) in self.uses[node.uses.0 as usize..end].iter().enumerate() {
            let o = self.check_use(node, u).map_err(|e| format!("operand {k}: {e}"))?;
            operands.push(o);
        }
        if let Kind::Map(body) = &node.kind {
            let tys: Vec<&Ty> = vals.iter().map(|v| &v.ty).collect();
            return check_map(body, &operands, &tys);
        }
        if let Kind::Lib(lib) = &node.kind {
            let operands: Vec<Ty> = operands.iter().map(|o| Ty::new(o.dt, o.dims)).collect();
            return lib.check(&operands, &vals.iter().map(|v| v.ty.clone()).collect::<Vec<_>>());
        }
        let want = match node.kind {
            Kind::Sort { .. } => operands.len().max(1),
            Kind::Top { .. } => 2,
            _ => 1,
        };
        ensure!(
            vals.len() == want,
            "{} results, not {}",
            vals.len(),
            if want == 1 { "one".to_owned() } else { want.to_string() }
        );
        let ty = &vals[0].ty;
        let fixed = |n: usize| {
            ensure!(operands.len() == n, "{} operands, not {n}", operands.len());
            Ok(())
        };
        let same_type = |ty: &Ty| {
            ensure!(operands[0].dt == ty.dt, "the result {ty} has another element type than {}", operands[0].text());
            Ok(())
        };
        match &node.kind {
            Kind::Map(_) | Kind::Lib(_) => Ok(()),
            Kind::Arg(a) => {
                fixed(0)?;
                let a = *a as usize;
                ensure!(a < self.args.len(), "argument {a} of {}", self.args.len());
                ensure!(!args[a], "a second node for argument {a}");
                args[a] = true;
                ensure!(*ty == self.args[a], "argument {a} is {}", self.args[a]);
                Ok(())
            }
            Kind::Const(bits) => {
                fixed(0)?;
                ensure!(ty.dims.is_empty(), "a constant is a scalar");
                ensure!(bits_fit(ty.dt, *bits), "{bits:#x?} are not the bits of a {}", ty.dt);
                Ok(())
            }
            Kind::View => {
                fixed(1)?;
                same_type(ty)?;
                dims::same(&ty.dims, operands[0].dims)
            }
            Kind::Reduce { op, first, count } => {
                fixed(1)?;
                same_type(ty)?;
                ensure!(*op != Fold::LogAddExp, "LogAddExp is a fold of Prefix only");
                ensure!(op.takes(ty.dt), "{op:?} is not defined on {}", ty.dt);
                dims::without(&ty.dims, operands[0].dims, *first as usize, *count as usize)
            }
            Kind::ArgReduce { dim, .. } => {
                fixed(1)?;
                ensure!(ty.dt.is_int(), "an index of type {}", ty.dt);
                ensure!(!operands[0].dt.is_complex(), "complex numbers have no order");
                dims::without(&ty.dims, operands[0].dims, *dim as usize, 1)?;
                ensure!(operands[0].dims[*dim as usize] > 0, "dimension {dim} has no elements to choose from");
                Ok(())
            }
            Kind::Prefix { op, dim, .. } => {
                fixed(1)?;
                same_type(ty)?;
                ensure!(op.takes(ty.dt), "{op:?} is not defined on {}", ty.dt);
                ensure!((*dim as usize) < ty.dims.len(), "dimension {dim} of {}", ty.dims.len());
                dims::same(&ty.dims, operands[0].dims)
            }
            Kind::Gather(spec) => {
                fixed(2)?;
                same_type(ty)?;
                ensure!(bits_fit(ty.dt, spec.fill), "the fill {:#x?} are not the bits of a {}", spec.fill, ty.dt);
                check_indices(&operands[1], spec.below)?;
                dims::gather(spec, operands[0].dims, operands[1].dims, &ty.dims)
            }
            Kind::Scatter(spec) => {
                fixed(3)?;
                same_type(ty)?;
                ensure!(operands[2].dt == ty.dt, "updates {} of another element type", operands[2].text());
                ensure!(spec.put.takes(ty.dt), "{:?} is not defined on {}", spec.put, ty.dt);
                check_indices(&operands[1], spec.below)?;
                dims::same(&ty.dims, operands[0].dims)?;
                dims::scatter(spec, operands[0].dims, operands[1].dims, operands[2].dims)
            }
            Kind::DynSlice => {
                ensure!(!operands.is_empty(), "no operand");
                same_type(ty)?;
                dims::fits(&ty.dims, operands[0].dims)?;
                check_starts(&operands[1..], ty.dims.len())
            }
            Kind::Update => {
                ensure!(operands.len() >= 2, "{} operands", operands.len());
                same_type(ty)?;
                ensure!(operands[1].dt == ty.dt, "a piece {} of another element type", operands[1].text());
                dims::same(&ty.dims, operands[0].dims)?;
                dims::fits(operands[1].dims, &ty.dims)?;
                check_starts(&operands[2..], ty.dims.len())
            }
            Kind::Concat { dim } => {
                ensure!(!operands.is_empty(), "no operands");
                for o in &operands {
                    ensure!(o.dt == ty.dt, "a piece {} of another element type", o.text());
                }
                let pieces: Vec<&[usize]> = operands.iter().map(|o| o.dims).collect();
                dims::concat(&ty.dims, &pieces, *dim as usize)
            }
            Kind::Sort { dim, keys } => {
                ensure!((1..=operands.len()).contains(&(*keys as usize)), "{keys} keys of {} operands", operands.len());
                ensure!((*dim as usize) < ty.dims.len(), "dimension {dim} of {}", ty.dims.len());
                for (v, o) in vals.iter().zip(&operands) {
                    ensure!(o.dt == v.ty.dt, "the result {} has another element type than {}", v.ty, o.text());
                    dims::same(&ty.dims, &v.ty.dims)?;
                    dims::same(&ty.dims, o.dims)?;
                }
                Ok(())
            }
            Kind::Top { dim } => {
                fixed(1)?;
                same_type(ty)?;
                let (d, index) = (*dim as usize, &vals[1].ty);
                ensure!(!ty.dt.is_complex(), "complex numbers have no order");
                ensure!(index.dt.is_int(), "an index of type {}", index.dt);
                dims::same(&ty.dims, &index.dims)?;
                ensure!(d < ty.dims.len(), "dimension {d} of {}", ty.dims.len());
                dims::fits(&ty.dims, operands[0].dims)?;
                let mut whole = ty.dims.clone();
                whole[d] = operands[0].dims[d];
                dims::same(&whole, operands[0].dims)
            }
            Kind::Dot(spec) => {
                fixed(2)?;
                ensure!(
                    !matches!(spec.acc, Dt::F16 | Dt::Bf16),
                    "half precision is accumulated in f32, not in {}",
                    spec.acc
                );
                for dt in [operands[0].dt, operands[1].dt, ty.dt] {
                    ensure!(dt.is_complex() == spec.acc.is_complex(), "{dt} and sums of {} do not mix", spec.acc);
                }
                dims::dot(spec, operands[0].dims, operands[1].dims, &ty.dims)
            }
            Kind::Conv(spec) => {
                fixed(2)?;
                ensure!(operands[0].dt == operands[1].dt, "operands of two element types");
                ensure!(
                    !matches!(spec.acc, Dt::F16 | Dt::Bf16),
                    "half precision is accumulated in f32, not in {}",
                    spec.acc
                );
                ensure!(
                    spec.order == ConvOrder::Chain || operands[0].dt == spec.acc,
                    "tiles of {} whose sums are of {}",
                    operands[0].dt,
                    spec.acc
                );
                for dt in [operands[0].dt, ty.dt] {
                    ensure!(dt.is_complex() == spec.acc.is_complex(), "{dt} and sums of {} do not mix", spec.acc);
                }
                windows::conv(spec, operands[0].dims, operands[1].dims, &ty.dims)
            }
            Kind::Window { op, slides } => {
                fixed(1)?;
                same_type(ty)?;
                ensure!(matches!(op, Fold::Sum | Fold::Max | Fold::Min), "{op:?} is no fold of windows");
                ensure!(op.takes(ty.dt), "{op:?} is not defined on {}", ty.dt);
                windows::fit(slides, operands[0].dims, &ty.dims)
            }
            Kind::WindowPick { slides, .. } | Kind::WindowPut { slides, .. } => {
                fixed(2)?;
                same_type(ty)?;
                ensure!(!operands[1].dt.is_complex(), "complex numbers have no order");
                let array = operands[1].dims;
                if let Kind::WindowPick { .. } = node.kind {
                    dims::same(array, operands[0].dims)?;
                    return windows::fit(slides, array, &ty.dims);
                }
                dims::same(array, &ty.dims)?;
                windows::fit(slides, array, operands[0].dims)
            }
        }
    }

    /// Checks one operand: it exists already, and its view stays inside it.
    fn check_use(&self, node: &Node, u: &Use) -> Result<Operand<'_>, String> {
        ensure!(u.val < node.vals.0, "%{} is not made before", u.val);
        let ty = &self.vals[u.val as usize].ty;
        let map = matches!(node.kind, Kind::Map(_));
        let dt = match u.part {
            Part::Whole => {
                ensure!(!map || !ty.dt.is_complex(), "a map reads {ty} by parts");
                ty.dt
            }
            Part::Re | Part::Im => {
                ensure!(ty.dt.is_complex(), "{ty} has no parts");
                ensure!(map, "only a map reads parts");
                ty.dt.part()
            }
        };
        let Some(view) = u.view else { return Ok(Operand { dt, dims: &ty.dims }) };
        ensure!((view as usize) < self.views.len(), "view {view} of {}", self.views.len());
        let v = &self.views[view as usize];
        if let Some((lo, hi)) = v.range() {
            ensure!(lo >= 0 && (hi as u64) < ty.len() as u64, "it reads elements {lo} to {hi} of {ty} through {v:?}");
        }
        if !v.guards.is_empty() {
            ensure!(bits_fit(ty.dt, v.fill), "the fill {:#x?} are not the bits of a {}", v.fill, ty.dt);
        }
        Ok(Operand { dt, dims: &v.dims })
    }
}

/// Checks the indices of a gather or scatter, and what is added to those below zero.
fn check_indices(indices: &Operand<'_>, below: i64) -> Checked {
    ensure!(indices.dt.is_int(), "indices {} are not integers", indices.text());
    ensure!(below >= 0, "{below} is added to indices below zero");
    Ok(())
}

/// Checks start indices: one scalar integer for each dimension.
fn check_starts(starts: &[Operand<'_>], rank: usize) -> Checked {
    ensure!(starts.len() == rank, "{} start indices for {rank} dimensions", starts.len());
    for s in starts {
        ensure!(s.dims.is_empty() && s.dt.is_int(), "the start index {} is not a scalar integer", s.text());
    }
    Ok(())
}

/// Checks a map: extents, and every instruction of its body.
fn check_map(body: &Body, operands: &[Operand<'_>], results: &[&Ty]) -> Checked {
    ensure!(!results.is_empty(), "no results");
    let shape = &results[0].dims;
    for ty in results {
        dims::same(shape, &ty.dims)?;
    }
    for (k, o) in operands.iter().enumerate() {
        dims::same(shape, o.dims).map_err(|e| format!("operand {k}: {e}"))?;
    }
    for (i, s) in body.ops.iter().enumerate() {
        check_instruction(body, i, operands, shape.len())
            .map_err(|e| format!("instruction {i} ({:?} {}): {e}", s.op, s.dt))?;
    }
    let mut outs = body.outs.iter();
    for ty in results {
        for _ in 0..if ty.dt.is_complex() { 2 } else { 1 } {
            let o = *outs.next().ok_or_else(|| format!("the body has only {} results", body.outs.len()))? as usize;
            ensure!(o < body.ops.len(), "result {o} of a body of {} instructions", body.ops.len());
            let dt = body.ops[o].dt;
            ensure!(dt == ty.dt.part(), "the body gives {dt} for a result {ty}");
        }
    }
    ensure!(outs.len() == 0, "the body has {} results too many", outs.len());
    Ok(())
}

/// Checks one scalar instruction.
fn check_instruction(body: &Body, i: usize, operands: &[Operand<'_>], rank: usize) -> Checked {
    let s = body.ops[i];
    ensure!(!s.dt.is_complex(), "no complex value in a body");
    let ids = [s.a, s.b, s.c];
    let ids = &ids[..s.op.arity()];
    for id in ids {
        ensure!((*id as usize) < i, "it uses {id}, which is not before it");
    }
    let from: Vec<Dt> = ids.iter().map(|id| body.ops[*id as usize].dt).collect();
    match s.op {
        Op::In => {
            ensure!((s.a as usize) < operands.len(), "operand {} of {}", s.a, operands.len());
            let dt = operands[s.a as usize].dt;
            ensure!(dt == s.dt, "operand {} is {dt}", s.a);
            return Ok(());
        }
        Op::Index => {
            ensure!((s.a as usize) < rank, "dimension {} of {rank}", s.a);
            ensure!(s.op.takes(s.dt, s.dt), "an index is an integer");
            return Ok(());
        }
        Op::Const => {
            let bits = s.a as u64 | (s.b as u64) << 32;
            ensure!(bits_fit(s.dt, [bits, 0]), "{bits:#x} are not the bits of a {}", s.dt);
            return Ok(());
        }
        _ => {}
    }
    let mut values = &from[..];
    if s.op == Op::Select {
        ensure!(from[0] == Dt::Bool, "the predicate is {}", from[0]);
        values = &from[1..];
    }
    for dt in values {
        ensure!(*dt == values[0], "operands of types {} and {dt}", values[0]);
    }
    ensure!(s.op.takes(values[0], s.dt), "not defined for operands {}", values[0]);
    Ok(())
}

#[cfg(test)]
mod tests;
