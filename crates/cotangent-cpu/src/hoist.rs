//! What need not be computed in every turn of a loop: what follows from its constants alone, and products of a row with a constant, which are one
//! product for the rows of all turns. A constant that every turn would copy, because it is
//! transposed or repeated, is copied once.
//!
//! An element is computed as it was: nothing depends on how many rows a product has. Of what follows from the constants only what is work leaves the
//! loop, with what is made of it; a view, or a number that is repeated, is made where it is read.

use crate::exec::compose;
use crate::{Dims, DotSpec, Dt, Kind, Node, Op, Part, Program, Ty, Use, ValId, View};
use std::collections::HashMap;
use std::ops::Range;

/// The most elements of all rows of a product, and the least products of numbers in a sum, for which it pays.
const MOST: usize = 1 << 24;
const LEAST: usize = 8;
/// The least elements of what is copied, and the most of rows that are repeated, which are to stay in the cache. Longer rows are read where they are
/// at no cost, and shorter ones may become numbers of a fold.
const TURNED: usize = 1 << 10;
const REPEATED: usize = 1 << 14;
const ROW: Range<usize> = 64..512;

/// The body of a loop in two programs.
pub struct Hoisted {
    /// Runs once, before the loop: of the constants and, if there are products of rows, the arrays whose rows the turns get.
    pub before: Program,
    /// How many of its results are further constants of the body; the others are further arrays with rows.
    pub constants: usize,
    /// The body: of constants, further constants, carry, rows, further rows.
    pub body: Program,
}

/// What a value depends on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Of {
    Constants,
    Rows,
    Turn,
}

/// Takes out of a body what need not be there: a program of so many constants, a carry, and rows, whose number is `length` if it is known and the rows
/// lie one after the other. None, if there is nothing.
pub fn hoist(p: &Program, constants: usize, carry: usize, length: Option<usize>) -> Option<Hoisted> {
    let rows = constants + carry..p.args.len();
    let of = dependence(p, constants, &rows);
    let n = length.filter(|n| *n > 1);
    let readers = p.readers();
    let mut products: Vec<(ValId, View, View, ValId, DotSpec)> = vec![];
    for node in p.nodes.iter().filter(|n| n.lives(&readers)) {
        if let (Kind::Dot(spec), Some(n)) = (&node.kind, n)
            && let Some((a, b, with)) = row_product(p, node, &of, &rows, n)
        {
            products.push((node.vals.0, a, b, with, *spec))
        }
    }
    let mut turned: Vec<Turned> = vec![];
    for node in p.nodes.iter().filter(|n| n.lives(&readers) && of[n.vals.0 as usize] != Of::Constants) {
        if !products.iter().any(|x| x.0 == node.vals.0) {
            turned.extend((node.uses.0..node.uses.0 + node.uses.1).filter_map(|u| Turned::new(p, node, &of, u)))
        }
    }
    let instead = |u: u32| turned.iter().position(|t| t.operand == u);
    // what the turns read of what is the same in all of them
    let work = work(p, &of);
    let mut once: Vec<ValId> = vec![];
    let mut want = |v: ValId| {
        let node = &p.nodes[p.vals[v as usize].node as usize];
        if of[v as usize] == Of::Constants && work[v as usize] && node.vals.1 == 1 && !once.contains(&v) {
            once.push(v)
        }
    };
    for node in p.nodes.iter().filter(|n| n.lives(&readers) && of[n.vals.0 as usize] != Of::Constants) {
        let uses = node.uses.0..node.uses.0 + node.uses.1;
        uses.filter(|u| instead(*u).is_none()).for_each(|u| want(behind(p, p.uses[u as usize].val)))
    }
    products.iter().for_each(|x| want(x.3));
    p.outs.iter().for_each(|v| want(behind(p, *v)));
    if once.is_empty() && products.is_empty() && turned.is_empty() {
        return None;
    }

    // before the loop
    let all = |ty: &Ty| Ty { dt: ty.dt, dims: n.into_iter().chain(ty.dims.iter().copied()).collect() };
    let mut types = p.args[..constants].to_vec();
    if !products.is_empty() {
        types.extend(p.args[rows.clone()].iter().map(all))
    }
    let mut outside = Copying::new(p, types.len());
    for ty in &types {
        outside.to.arg(ty.clone());
    }
    for (i, v) in arguments(p).into_iter().enumerate().take(constants) {
        outside.known.extend(v.map(|v| (v, i as ValId)))
    }
    outside.copy(&once);
    let mut outs: Vec<ValId> = once.iter().map(|v| outside.known[v]).collect();
    for t in &turned {
        let with = outside.with(t.of);
        outs.push(outside.to.view(with, t.copy.clone()))
    }
    for (product, a, b, with, spec) in &products {
        let with = outside.with(*with);
        let row = argument_behind(p, *product).expect("a row") - constants - carry;
        let each = |x: &View, step: i64| View {
            dims: std::iter::once(n.unwrap_or(1)).chain(x.dims[1..].iter().copied()).collect(),
            strides: std::iter::once(step).chain(x.strides[1..].iter().copied()).collect(),
            ..x.clone()
        };
        let len = p.args[rows.start + row].len() as i64;
        let (a, b) = (each(a, len), each(b, 0));
        let dims: Dims = [a.dims[0], a.dims[1], b.dims[2]].into_iter().collect();
        let uses = [((constants + row) as ValId, a), (with, b)].map(|(val, view)| {
            outside.to.views.push(view);
            Use { view: Some(outside.to.views.len() as u32 - 1), ..Use::plain(val) }
        });
        outs.push(outside.to.push(Kind::Dot(*spec), &uses, &[Ty { dt: p.ty(*product).dt, dims }]))
    }
    outside.to.outs = outs;

    // in the loop
    let mut inside = Copying::new(p, 0);
    let args = arguments(p);
    let further: Vec<ValId> = products.iter().map(|x| x.0).collect();
    let given = |range: Range<usize>| range.map(|i| (p.args[i].clone(), args[i])).collect::<Vec<_>>();
    let made = |v: &ValId| (p.ty(*v).clone(), Some(*v));
    let copied = |t: &Turned| (Ty { dt: p.ty(t.of).dt, dims: t.copy.dims.clone() }, None);
    let order = given(0..constants)
        .into_iter()
        .chain(once.iter().map(made))
        .chain(turned.iter().map(copied))
        .chain(given(constants..p.args.len()))
        .chain(further.iter().map(made));
    for (ty, v) in order {
        let arg = inside.to.arg(ty);
        inside.known.extend(v.map(|v| (v, arg)))
    }
    let first = constants + once.len();
    inside.instead = turned.iter().enumerate().map(|(i, t)| (t.operand, ((first + i) as ValId, t.view()))).collect();
    inside.copy(&p.outs);
    inside.to.outs = p.outs.iter().map(|v| inside.known[v]).collect();
    Some(Hoisted { before: outside.to, constants: once.len() + turned.len(), body: inside.to })
}

fn dependence(p: &Program, constants: usize, rows: &Range<usize>) -> Vec<Of> {
    let mut of = vec![Of::Constants; p.vals.len()];
    for node in &p.nodes {
        let on = match node.kind {
            Kind::Arg(i) if (i as usize) < constants => Of::Constants,
            Kind::Arg(i) if rows.contains(&(i as usize)) => Of::Rows,
            Kind::Arg(_) => Of::Turn,
            _ => p.uses_of(node).iter().map(|u| of[u.val as usize]).max().unwrap_or(Of::Constants),
        };
        of[node.vals.0 as usize..(node.vals.0 + node.vals.1) as usize].fill(on)
    }
    of
}
/// Is it made by work, or of what is?
fn work(p: &Program, of: &[Of]) -> Vec<bool> {
    let mut work = vec![false; p.vals.len()];
    for node in p.nodes.iter().filter(|n| of[n.vals.0 as usize] == Of::Constants) {
        let heavy = match &node.kind {
            Kind::Arg(_) | Kind::Const(_) | Kind::View => false,
            Kind::Map(body) => body.ops.iter().any(|o| matches!(o.op, Op::Math(_) | Op::Div | Op::Sqrt | Op::Rem)),
            _ => true,
        };
        let made = heavy || p.uses_of(node).iter().any(|u| work[u.val as usize]);
        work[node.vals.0 as usize..(node.vals.0 + node.vals.1) as usize].fill(made)
    }
    work
}
/// The value that views show.
fn behind(p: &Program, mut v: ValId) -> ValId {
    loop {
        let node = &p.nodes[p.vals[v as usize].node as usize];
        if node.kind != Kind::View {
            return v;
        }
        v = p.uses_of(node)[0].val
    }
}
/// The value that an operand shows and how, as one view.
fn seen(p: &Program, u: &Use) -> Option<(ValId, View)> {
    let view = |u: &Use| u.view.map_or_else(|| View::identity(p.dims_of(u)), |v| p.views[v as usize].clone());
    let (mut val, mut all) = (u.val, view(u));
    if u.part != Part::Whole {
        return None;
    }
    loop {
        let node = &p.nodes[p.vals[val as usize].node as usize];
        if node.kind != Kind::View {
            return Some((val, all));
        }
        let inner = p.uses_of(node)[0];
        if inner.part != Part::Whole {
            return None;
        }
        all = compose(&all, &view(&inner))?;
        val = inner.val
    }
}
/// The views of both operands of a product of a row, on the left, and something that is the same in all turns; and what that is.
fn row_product(p: &Program, node: &Node, of: &[Of], rows: &Range<usize>, n: usize) -> Option<(View, View, ValId)> {
    let [a, b] = p.uses_of(node) else { return None };
    let ((from, a), (with, b)) = (seen(p, a)?, seen(p, b)?);
    let row = matches!(p.nodes[p.vals[from as usize].node as usize].kind, Kind::Arg(i) if rows.contains(&(i as usize)));
    let plain = a.guards.is_empty() && a.dims[0] == 1 && a.dims[2] >= LEAST && p.ty(from).dt != Dt::Bool;
    let size = p.ty(node.vals.0).len();
    // The product of all turns repeats the other operand, which a guard would not let it do.
    let plain = plain && b.guards.iter().all(|g| g.dim != 0);
    (row && plain && of[with as usize] == Of::Constants && size > 0 && size <= MOST / n).then_some((a, b, with))
}
/// The number of the argument that the left operand of a product shows.
fn argument_behind(p: &Program, product: ValId) -> Option<usize> {
    let node = &p.nodes[p.vals[product as usize].node as usize];
    match p.nodes[p.vals[behind(p, p.uses_of(node)[0].val) as usize].node as usize].kind {
        Kind::Arg(i) => Some(i as usize),
        _ => None,
    }
}
/// The values of the arguments, where there are such.
fn arguments(p: &Program) -> Vec<Option<ValId>> {
    let mut args = vec![None; p.args.len()];
    for node in &p.nodes {
        if let Kind::Arg(i) = node.kind {
            args[i as usize] = Some(node.vals.0)
        }
    }
    args
}

/// An operand that is the same in all turns, and that every turn would copy: columns of a product that lie one behind the other, where kernels want
/// rows, and rows that are repeated for a map.
struct Turned {
    /// The operand's number.
    operand: u32,
    of: ValId,
    /// What the copy shows.
    copy: View,
    /// How many matrices of a product it is.
    batch: Option<usize>,
}
impl Turned {
    fn new(p: &Program, node: &Node, of: &[Of], operand: u32) -> Option<Turned> {
        let right = operand == node.uses.0 + 1;
        let (product, most) = match node.kind {
            Kind::Dot(_) if right => (true, MOST),
            Kind::Map(_) => (false, REPEATED),
            _ => return None,
        };
        let (of_what, mut copy) = seen(p, &p.uses[operand as usize])?;
        let mut batch = None;
        if of[of_what as usize] != Of::Constants || !copy.guards.is_empty() {
            return None;
        } else if product {
            let [matrices, k, n] = copy.dims[..] else { return None };
            if copy.strides[1].abs() != 1 || copy.strides[2].abs() < 2 || k.min(n) < LEAST {
                return None;
            }
            // one matrix may be that of all products
            copy.dims[0] = if copy.strides[0] == 0 { 1 } else { matrices };
            batch = Some(matrices)
        } else {
            let dense = View { offset: 0, ..copy.clone() }.is_identity();
            let row = copy.dims.last().filter(|n| ROW.contains(n) && copy.strides.last() == Some(&1));
            if dense || row.is_none() {
                return None;
            }
        }
        let size = copy.dims.iter().product::<usize>();
        (TURNED..=most).contains(&size).then_some(Turned { operand, of: of_what, copy, batch })
    }
    /// How the copy is seen.
    fn view(&self) -> View {
        let mut view = View::identity(&self.copy.dims);
        if let Some(n) = self.batch.filter(|n| *n != view.dims[0]) {
            (view.dims[0], view.strides[0]) = (n, 0)
        }
        view
    }
}

/// Parts of a program copied to another.
struct Copying<'a> {
    p: &'a Program,
    to: Program,
    /// What values are there.
    known: HashMap<ValId, ValId>,
    /// What stands for an operand, by its number, and how it is seen.
    instead: HashMap<u32, (ValId, View)>,
}
impl<'a> Copying<'a> {
    fn new(p: &'a Program, args: usize) -> Copying<'a> {
        Copying { p, to: Program::default(), known: HashMap::with_capacity(args), instead: HashMap::new() }
    }
    /// Copies what these values are made of, as far as it is not there.
    fn copy(&mut self, outs: &[ValId]) {
        let p = self.p;
        let mut live = vec![false; p.nodes.len()];
        let mark = |live: &mut Vec<bool>, v: ValId, known: &HashMap<ValId, ValId>| {
            if !known.contains_key(&v) {
                live[p.vals[v as usize].node as usize] = true
            }
        };
        outs.iter().for_each(|v| mark(&mut live, *v, &self.known));
        for i in (0..p.nodes.len()).rev().filter(|i| !matches!(p.nodes[*i].kind, Kind::Arg(_))) {
            if live[i] {
                let uses = p.nodes[i].uses.0..p.nodes[i].uses.0 + p.nodes[i].uses.1;
                let uses = uses.filter(|u| !self.instead.contains_key(u));
                uses.for_each(|u| mark(&mut live, p.uses[u as usize].val, &self.known))
            }
        }
        for (i, node) in p.nodes.iter().enumerate() {
            if p.fences.contains(&(i as u32)) {
                self.to.fence()
            }
            if !live[i] {
                continue;
            }
            let uses: Vec<Use> = (node.uses.0..)
                .zip(p.uses_of(node))
                .map(|(number, u)| {
                    if let Some((val, view)) = self.instead.get(&number) {
                        return self.to.through(*val, view.clone());
                    }
                    let view = u.view.map(|v| {
                        self.to.views.push(p.views[v as usize].clone());
                        self.to.views.len() as u32 - 1
                    });
                    Use { val: self.known[&u.val], view, part: u.part }
                })
                .collect();
            let results: Vec<Ty> = (0..node.vals.1).map(|k| p.ty(node.vals.0 + k).clone()).collect();
            let first = self.to.push(node.kind.clone(), &uses, &results);
            self.known.extend((0..node.vals.1).map(|k| (node.vals.0 + k, first + k)))
        }
    }
    fn with(&mut self, v: ValId) -> ValId {
        self.copy(&[v]);
        self.known[&v]
    }
}
