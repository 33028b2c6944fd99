//! The scalar reference: loops that are the definitions of [`crate::program`].
//!
//! [`evaluate`] runs a program node by node on bytes. Each element is decoded into one or two words ([`Elem`]), each rule is one
//! plain loop, and nothing is shared with the engine but the elementary functions of `math`. It is what an engine is compared with,
//! bit for bit, so it is written to be read and not to be fast.
//!
//! Where the definition of a node leaves something to be said, it is said at the function that computes it.

mod fold;
mod index;
mod order;
mod scalar;
mod windows;
mod winograd;

pub use scalar::scalar;

use crate::{Body, ConvOrder, Dims, Dt, Kind, Lib, Op, Part, Program, Ty, Use};
use fold::{arg_extreme, dot, prefix, reduce};

/// The bits of an element: real and imaginary part of a complex number, else the first word, in the low bytes.
pub(crate) type Elem = [u64; 2];

/// A value, in row-major order.
pub(crate) struct Array {
    /// Its element type.
    pub(crate) dt: Dt,
    /// Its extents.
    pub(crate) dims: Dims,
    /// Its elements.
    pub(crate) data: Vec<Elem>,
}

/// Runs a program on arguments given as little-endian row-major bytes, and returns its results in the same form.
///
/// It checks the program and the arguments first; those are all the errors there are.
pub fn evaluate(p: &Program, args: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
    p.check()?;
    if args.len() != p.args.len() {
        return Err(format!("{} arguments for {}", args.len(), p.args.len()));
    }
    for (i, (bytes, ty)) in args.iter().zip(&p.args).enumerate() {
        if bytes.len() != ty.bytes() {
            return Err(format!("argument {i} has {} bytes, {ty} has {}", bytes.len(), ty.bytes()));
        }
        if ty.dt == Dt::Bool && bytes.iter().any(|b| *b > 1) {
            return Err(format!("argument {i}: a truth value is 0 or 1"));
        }
    }
    let _arithmetic = crate::float::Arithmetic::enter();
    let mut vals: Vec<Array> = Vec::with_capacity(p.vals.len());
    for node in &p.nodes {
        let uses: Vec<Array> = p.uses_of(node).iter().map(|u| read(p, &vals, u)).collect();
        let tys: Vec<&Ty> = (0..node.vals.1).map(|k| p.ty(node.vals.0 + k)).collect();
        let (ty, uses) = (tys[0], &uses[..]);
        let data = match &node.kind {
            Kind::Arg(i) => decode(ty.dt, &args[*i as usize]),
            Kind::Const(bits) => vec![*bits],
            Kind::Map(body) => {
                let arrays = map(body, uses, &tys);
                vals.extend(arrays);
                continue;
            }
            Kind::Lib(lib) => {
                vals.extend(library(lib, uses, &tys));
                continue;
            }
            Kind::View => uses[0].data.clone(),
            Kind::Reduce { op, first, count } => {
                let (first, end) = (*first as usize, (*first + *count) as usize);
                lines(&uses[0], first, end, |x| vec![reduce(*op, ty.dt, x)])
            }
            Kind::ArgReduce { max, dim } => {
                let d = *dim as usize;
                let dt = uses[0].dt;
                lines(&uses[0], d, d + 1, |x| vec![[scalar::wrap(ty.dt, arg_extreme(*max, dt, x) as u64), 0]])
            }
            Kind::Prefix { op, dim, reverse } => {
                let d = *dim as usize;
                lines(&uses[0], d, d + 1, |x| prefix(*op, ty.dt, *reverse, x))
            }
            Kind::Sort { dim, keys } => {
                vals.extend(order::sort(uses, *dim as usize, *keys as usize));
                continue;
            }
            Kind::Top { dim } => {
                vals.extend(order::top(&uses[0], *dim as usize, tys[0], tys[1]));
                continue;
            }
            Kind::Gather(spec) => index::gather(spec, &uses[0], &uses[1], ty),
            Kind::Scatter(spec) => index::scatter(spec, &uses[0], &uses[1], &uses[2]),
            Kind::DynSlice => index::dyn_slice(&uses[0], &uses[1..], ty),
            Kind::Update => index::update(&uses[0], &uses[1], &uses[2..]),
            Kind::Concat { dim } => index::concat(uses, ty, *dim as usize),
            Kind::Dot(spec) => dot(spec, &uses[0], &uses[1], ty.dt),
            Kind::Conv(spec) if spec.order == ConvOrder::Winograd => winograd::conv(spec, &uses[0], &uses[1], ty),
            Kind::Conv(spec) => windows::conv(spec, &uses[0], &uses[1], ty),
            Kind::Window { op, slides } => windows::fold(*op, slides, &uses[0], ty),
            Kind::WindowPick { max, slides } => windows::pick(*max, slides, &uses[0], &uses[1], ty),
            Kind::WindowPut { max, slides } => windows::put(*max, slides, &uses[0], &uses[1]),
        };
        vals.push(Array { dt: ty.dt, dims: ty.dims.clone(), data });
    }
    Ok(p.outs.iter().map(|v| encode(&vals[*v as usize])).collect())
}

/// Elements from bytes.
fn decode(dt: Dt, bytes: &[u8]) -> Vec<Elem> {
    let word = |b: &[u8]| b.iter().rev().fold(0, |w, x| w << 8 | *x as u64);
    let n = dt.part().size();
    bytes.chunks(dt.size()).map(|b| [word(&b[..n]), word(&b[n..])]).collect()
}

/// Bytes from elements.
fn encode(a: &Array) -> Vec<u8> {
    let n = a.dt.part().size();
    let mut bytes = Vec::with_capacity(a.data.len() * a.dt.size());
    for x in &a.data {
        for word in &x[..a.dt.size() / n] {
            bytes.extend_from_slice(&word.to_le_bytes()[..n]);
        }
    }
    bytes
}

/// Calls `f` with every index of an array of these extents, in row-major order.
pub(crate) fn each_index(dims: &[usize], mut f: impl FnMut(&[usize])) {
    if dims.contains(&0) {
        return;
    }
    let mut i = vec![0; dims.len()];
    loop {
        f(&i);
        let Some(d) = (0..dims.len()).rev().find(|d| i[*d] + 1 < dims[*d]) else { return };
        i[d] += 1;
        i[d + 1..].fill(0);
    }
}

/// The position of an element in row-major order.
pub(crate) fn flat(dims: &[usize], i: &[usize]) -> usize {
    dims.iter().zip(i).fold(0, |at, (n, i)| at * n + i)
}

/// An operand as its node sees it.
fn read(p: &Program, vals: &[Array], u: &Use) -> Array {
    let value = &vals[u.val as usize];
    let (dims, mut data) = match u.view {
        None => (value.dims.clone(), value.data.clone()),
        Some(v) => {
            let v = &p.views[v as usize];
            let mut data = Vec::new();
            each_index(&v.dims, |i| {
                data.push(v.at(i).map_or(v.fill, |at| value.data[at]));
            });
            (v.dims.clone(), data)
        }
    };
    let dt = match u.part {
        Part::Whole => value.dt,
        Part::Re | Part::Im => {
            for x in &mut data {
                *x = [x[(u.part == Part::Im) as usize], 0];
            }
            value.dt.part()
        }
    };
    Array { dt, dims, data }
}

/// A map: the body, once for each element.
fn map(body: &Body, uses: &[Array], tys: &[&Ty]) -> Vec<Array> {
    let mut arrays: Vec<Array> =
        tys.iter().map(|ty| Array { dt: ty.dt, dims: ty.dims.clone(), data: Vec::new() }).collect();
    let mut regs = vec![0; body.ops.len()];
    let mut k = 0;
    each_index(&tys[0].dims, |i| {
        for (r, s) in body.ops.iter().enumerate() {
            regs[r] = match s.op {
                Op::In => uses[s.a as usize].data[k][0],
                Op::Index => scalar::wrap(s.dt, i[s.a as usize] as u64),
                Op::Const => s.a as u64 | (s.b as u64) << 32,
                op => {
                    let of = |n: usize, id: u32| if n < op.arity() { regs[id as usize] } else { 0 };
                    scalar(op, s.dt, body.dt(s.a), of(0, s.a), of(1, s.b), of(2, s.c))
                }
            };
        }
        let mut outs = body.outs.iter().map(|o| regs[*o as usize]);
        for a in &mut arrays {
            let mut next = || outs.next().expect("one for each part of each result");
            let re = next();
            a.data.push([re, if a.dt.is_complex() { next() } else { 0 }]);
        }
        k += 1;
    });
    arrays
}

/// A routine of a library, which is its own definition: called for one matrix after the other.
fn library(lib: &Lib, uses: &[Array], tys: &[&Ty]) -> Vec<Array> {
    let batch = lib.batch as usize;
    let count: usize = tys[0].dims[..batch].iter().product();
    let mut arrays: Vec<Array> =
        tys.iter().map(|ty| Array { dt: ty.dt, dims: ty.dims.clone(), data: Vec::new() }).collect();
    for i in 0..count {
        let one = |a: &Array| {
            let n = a.data.len() / count;
            let data = a.data[i * n..(i + 1) * n].to_vec();
            let ty = Ty::new(a.dt, &a.dims[batch..]);
            (ty, encode(&Array { dt: a.dt, dims: a.dims.clone(), data }))
        };
        let operands: Vec<(Ty, Vec<u8>)> = uses.iter().map(one).collect();
        let cores: Vec<Ty> = tys.iter().map(|ty| Ty::new(ty.dt, &ty.dims[batch..])).collect();
        for (a, bytes) in arrays.iter_mut().zip(lib.matrix(&operands, &cores)) {
            a.data.extend(decode(a.dt, &bytes));
        }
    }
    arrays
}

/// Takes the array apart into lines, the elements of the run of dimensions `first..end` in row-major order, and puts together what
/// `f` makes of each line.
fn lines(a: &Array, first: usize, end: usize, f: impl Fn(&[Elem]) -> Vec<Elem>) -> Vec<Elem> {
    let size = |d: &[usize]| d.iter().product::<usize>();
    let (outer, run, inner) = (size(&a.dims[..first]), size(&a.dims[first..end]), size(&a.dims[end..]));
    let mut data = Vec::new();
    for o in 0..outer {
        let results: Vec<Vec<Elem>> =
            (0..inner).map(|i| f(&(0..run).map(|k| a.data[(o * run + k) * inner + i]).collect::<Vec<_>>())).collect();
        // All lines have results of one length.
        for k in 0..results.first().map_or(0, Vec::len) {
            data.extend(results.iter().map(|r| r[k]));
        }
    }
    data
}

#[cfg(test)]
mod tests;
