//! What the backward pass of a function keeps.

use super::jvp::paths;
use super::on_leaves;
use crate::array::{Array, Repr};
use crate::error::Loc;
use crate::jaxpr::{Atom, Eqn, Jaxpr};
use crate::prim::bounded::Snapshots;
use crate::prim::tag::Name;
use crate::trace::linearize::{Linear, TapeArg, linearize_flat};
use crate::trace::stage::stage_flat;
use crate::{Arguments, DType, Function, Pytree};
use std::any::Any;
use std::collections::HashSet;
use std::fmt;
use std::panic::Location;

/// A value that the backward pass keeps: see [`saved_residuals`].
///
/// ```
/// use cotangent::{Residual, prelude::*, saved_residuals};
/// let kept: Vec<Residual> = saved_residuals(|x: &Array| x.exp(), (&array![1., 2., 3.],));
/// assert_eq!((kept.len(), kept[0].dtype, kept[0].bytes), (1, DType::Float32, 12));
/// assert_eq!(kept[0].shape, [3]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residual {
    /// Its element type.
    pub dtype: DType,
    /// Its extents.
    pub shape: Vec<usize>,
    /// Its size in memory, as [`size`](Residual::size) says: of all of it, or of what one turn of a loop leaves.
    pub bytes: usize,
    /// How `bytes` is to be read.
    pub size: ResidualSize,
    /// Where it comes from.
    pub from: ResidualFrom,
}
/// What [`Residual::bytes`] says. A loop of unknown length leaves a list of values of the residual's type, as long as it takes turns.
///
/// ```
/// use cotangent::{ResidualSize, lax, prelude::*, saved_residuals};
/// let up = |x: &Array| lax::while_loop(|x: &Array| x.lt(9.0), |x| x * x, x);
/// assert_eq!(saved_residuals(|x: &Array| x.exp(), (&array(2.0),))[0].size, ResidualSize::Whole);
/// assert!(saved_residuals(up, (&array(2.0),)).iter().any(|r| r.size == ResidualSize::PerTurn));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResidualSize {
    /// The size of the value.
    Whole,
    /// The size of all values in a list that has a bound, such as that of [`Scan::memory`](crate::lax::Scan::memory): there are no more.
    AtMost,
    /// The size of one value in a list. Only the run knows how many there are: one for each turn.
    PerTurn,
}
/// Where a [`Residual`] comes from.
///
/// ```
/// use cotangent::{ResidualFrom, prelude::*, saved_residuals};
/// let kept = saved_residuals(|x: &Array| (x * x).exp(), (&array(1.0),));
/// assert!(kept.iter().any(|r| r.from == ResidualFrom::Argument("[0]".into())));
/// assert!(kept.iter().any(|r| matches!(r.from, ResidualFrom::Operation { name: "exp", .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResidualFrom {
    /// It is an argument, or a part of one: the number of the argument and the path to it, such as `[0].layers[1]['w']`. It is in memory
    /// anyway, if the caller keeps it.
    Argument(String),
    /// It is an array that the function captured.
    Constant,
    /// It is the result of an operation.
    Operation {
        /// The primitive.
        name: &'static str,
        /// The name that [`checkpoint_name`](crate::checkpoint_name) gave it.
        label: Option<String>,
        /// The line for which it was computed.
        at: &'static Location<'static>,
    },
}
impl fmt::Display for Residual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let aval = crate::aval::Aval::new(self.dtype, &self.shape);
        let of = match self.size {
            ResidualSize::Whole => "",
            ResidualSize::AtMost => " at most",
            ResidualSize::PerTurn => " for each turn",
        };
        write!(f, "{aval}, {} bytes{of}, ", self.bytes)?;
        match &self.from {
            ResidualFrom::Argument(path) => write!(f, "argument {path}"),
            ResidualFrom::Constant => f.write_str("a captured array"),
            ResidualFrom::Operation { label: Some(label), at, .. } => write!(f, "named '{label}' at {at}"),
            ResidualFrom::Operation { name, at, .. } => write!(f, "{name} at {at}"),
        }
    }
}

/// What the backward pass of `f` at these arguments keeps in memory until it runs, in the order in which it was computed. Nothing is
/// computed for it: the function is staged. `jax.ad_checkpoint.saved_residuals`.
///
/// The derivative is that with respect to all arguments of types with derivatives. Scalars that are written in the program take no
/// memory and are not listed. Under `jit` the compiler may keep less, where it computes a value at the place where it is used.
///
/// Of a loop of unknown length the size of one turn is listed, see [`ResidualSize`]:
///
/// ```
/// # use cotangent::prelude::*;
/// # use cotangent::{lax, saved_residuals};
/// let root = |a: &Array| lax::while_loop(|x: &Array| (x * x - a).abs().gt(1e-4), |x| 0.5 * (x + a / x), &(0.0 * a + 2.0));
/// let kept = saved_residuals(root, (&array(9.0),));
/// assert!(kept.iter().any(|r| r.to_string().starts_with("float32[], 4 bytes for each turn, while at ")));
/// ```
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{checkpoint, saved_residuals};
/// let f = |x: &Array| x.sin().sin().sum();
/// let x = array![1., 2., 3.];
/// let bytes = |kept: Vec<cotangent::Residual>| kept.iter().map(|r| r.bytes).sum::<usize>();
/// assert_eq!(bytes(saved_residuals(f, (&x,))), 24); // two cosines
/// let kept = saved_residuals(checkpoint(f), (&x,));
/// assert_eq!(kept[0].to_string(), "float32[3], 12 bytes, argument [0]");
/// assert_eq!(bytes(kept), 12);
/// ```
#[track_caller]
pub fn saved_residuals<S, F>(f: F, args: F::ArgsOf<'_>) -> Vec<Residual>
where
    F: Function<S, Out: Pytree>,
{
    let at = Location::caller();
    let lent = F::lend(&args);
    let x = F::Args::flatten(lent).leaves;
    residuals(&mut on_leaves(&f, lent, &mut None), &x, &paths::<F::Args>(lent), at)
}

/// Prints what [`saved_residuals`] lists, a line for each value, and the sum.
///
/// ```
/// use cotangent::{prelude::*, print_saved_residuals, saved_residuals};
/// let (f, x, y) = (|x: &Array, y: &Array| x.sin() * y, array![1., 2.], array![3., 4.]);
/// print_saved_residuals(f, (&x, &y)); // at last "3 values, 24 bytes"
/// assert_eq!(saved_residuals(f, (&x, &y)).iter().map(|r| r.bytes).sum::<usize>(), 24);
/// ```
#[track_caller]
pub fn print_saved_residuals<S, F>(f: F, args: F::ArgsOf<'_>)
where
    F: Function<S, Out: Pytree>,
{
    let kept = saved_residuals(f, args);
    for r in &kept {
        println!("{r}")
    }
    let sum =
        |each: bool| kept.iter().filter(|r| (r.size == ResidualSize::PerTurn) == each).map(|r| r.bytes).sum::<usize>();
    let lists = match sum(true) {
        0 => String::new(),
        n => format!(", and {n} bytes for each turn of a loop"),
    };
    println!("{} values, {} bytes{lists}", kept.len(), sum(false))
}

fn residuals(f: &mut dyn FnMut(&[Array]) -> Vec<Array>, x: &[Array], paths: &[String], at: Loc) -> Vec<Residual> {
    let mask: Vec<bool> = x.iter().map(|a| a.dtype().is_inexact()).collect();
    // the values that the tape keeps are the results of the program
    let mut run = |x: &[Array]| {
        let (_, linear) = linearize_flat(f, x, &mask, at, true);
        let mut kept = kept(&linear);
        let mut seen = HashSet::new();
        kept.retain(|a| !matches!(a.0, Repr::Scalar(_)) && seen.insert(a.ptr()));
        kept
    };
    let (jaxpr, captured) = stage_flat(&mut run, &super::avals(x), at);
    let mut all: Vec<(usize, Residual)> = vec![];
    let mut seen = HashSet::new();
    for a in &jaxpr.outs {
        let Atom::Var(v) = a else { continue };
        if !seen.insert(*v) {
            continue;
        }
        let aval = &jaxpr.avals[*v as usize];
        let (mut bytes, mut size) = (aval.size() * aval.dtype.size(), ResidualSize::Whole);
        let source = source(&jaxpr, *v);
        if aval.stack > 0 {
            size = ResidualSize::PerTurn;
            if let Source::Made(e) = &source
                && let Some(loops) = (&*e.prim as &dyn Any).downcast_ref::<Snapshots>()
            {
                (bytes, size) = (bytes * loops.most(), ResidualSize::AtMost)
            }
        }
        let from = match source {
            Source::Made(e) => ResidualFrom::Operation {
                name: e.prim.name(),
                label: (&*e.prim as &dyn Any).downcast_ref::<Name>().map(|n| n.name.clone()),
                at: e.loc,
            },
            Source::In(i) if i < captured.len() => ResidualFrom::Constant,
            Source::In(i) => ResidualFrom::Argument(paths[i - captured.len()].clone()),
            Source::Const => ResidualFrom::Constant,
        };
        all.push((*v as usize, Residual { dtype: aval.dtype, shape: aval.shape.to_vec(), bytes, size, from }))
    }
    // variables are numbered in the order in which they are made, inputs first
    all.sort_by_key(|(v, _)| *v);
    all.into_iter().map(|(_, r)| r).collect()
}

/// The known operands of the equations that matter for some result.
fn kept(linear: &Linear) -> Vec<Array> {
    let tape = &linear.tape;
    let mut wanted = vec![false; tape.avals.len()];
    for v in linear.outs.iter().flatten() {
        wanted[*v as usize] = true
    }
    let mut kept = vec![];
    for (k, e) in tape.eqns.iter().enumerate().rev() {
        if !(e.out..e.out + e.n_out).any(|v| wanted[v as usize]) {
            continue;
        }
        for o in tape.operands_of(k) {
            match o {
                TapeArg::Known(a) => kept.push(a.clone()),
                TapeArg::Var(v) => wanted[*v as usize] = true,
            }
        }
    }
    kept
}

/// Where a variable of a program comes from.
enum Source<'a> {
    In(usize),
    Const,
    Made(&'a Eqn),
}
/// Follows a result of a call into the program that is called.
fn source(j: &Jaxpr, v: u32) -> Source<'_> {
    if let Some(i) = j.ins.iter().position(|i| *i == v) {
        return Source::In(i);
    }
    let Some(k) = j.eqns.iter().rposition(|e| (e.out..e.out + e.n_out).contains(&v)) else { return Source::Const };
    let e = &j.eqns[k];
    let Some(inner) = e.prim.inline() else { return Source::Made(e) };
    match inner.outs[(v - e.out) as usize] {
        Atom::Lit(_) => Source::Const,
        Atom::Var(w) => match source(inner, w) {
            Source::In(i) => match j.args(k)[i] {
                Atom::Var(v) => source(j, v),
                Atom::Lit(_) => Source::Const,
            },
            found => found,
        },
    }
}
