//! Jacobians and Hessians: derivatives along a whole basis at once.

use super::or_zeros;
use crate::array::Array;
use crate::aval::Aval;
use crate::error::{ErrorKind, Loc, fail_at};
use crate::trace::batch::{Lanes, batch_flat, to_front};
use crate::trace::jvp::jvp_flat;
use crate::trace::linearize::linearize_flat;
use crate::{Argnums, Arguments, Differential, Function, Nth, Selection, tree};
use std::panic::Location;

type JacOf<F, S> =
    <<F as Function<S>>::Out as Differential>::Jac<<Nth<0> as Argnums<<F as Function<S>>::Args>>::Picked>;

/// The Jacobian of `f` with respect to its first argument, column by column in forward mode: for each array of the result the
/// structure of the argument, with leaves of shape `result.shape + argument.shape`.
///
/// Efficient where the argument has no more elements than the result.
///
/// ```
/// use cotangent::prelude::*;
/// let j = cotangent::jacfwd(|x: &Array| x.powi(2))(&array![1., 2.]);
/// assert_eq!(j.to_string(), "[[2. 0.]\n [0. 4.]]");
/// ```
///
/// # Panics
/// When called: if a leaf of the argument is not of a real floating-point type.
#[track_caller]
pub fn jacfwd<'f, S, F>(f: F) -> F::With<'f, JacOf<F, S>>
where
    F: Function<S, Out: Differential> + 'f,
    Nth<0>: Argnums<F::Args>,
    JacOf<F, S>: 'f,
{
    let at = Location::caller();
    jacobian::<S, F>(f, "jacfwd", at, forward)
}

/// The Jacobian of `f` with respect to its first argument, row by row in reverse mode: see [`jacfwd`] for its structure.
///
/// Efficient where the result has no more elements than the argument.
///
/// ```
/// use cotangent::prelude::*;
/// let j = cotangent::jacrev(|x: &Array| (x.sum(), x.powi(2)))(&array![1., 2.]);
/// assert_eq!(j.0.to_string(), "[1. 1.]");
/// ```
///
/// # Panics
/// When called: if a leaf of the argument or of the result is not of a real floating-point type.
#[track_caller]
pub fn jacrev<'f, S, F>(f: F) -> F::With<'f, JacOf<F, S>>
where
    F: Function<S, Out: Differential> + 'f,
    Nth<0>: Argnums<F::Args>,
    JacOf<F, S>: 'f,
{
    let at = Location::caller();
    jacobian::<S, F>(f, "jacrev", at, reverse)
}

/// What a function that returns `O` has for its Jacobian's Jacobian, with respect to `P`.
type HessOf<F, S> = <<<F as Function<S>>::Out as Differential>::Jac<
    <Nth<0> as Argnums<<F as Function<S>>::Args>>::Picked,
> as Differential>::Jac<<Nth<0> as Argnums<<F as Function<S>>::Args>>::Picked>;

/// The matrix of second derivatives of `f` with respect to its first argument: forward over reverse mode.
///
/// ```
/// use cotangent::prelude::*;
/// let h = cotangent::hessian(|x: &Array| x.powi(3).sum())(&array![1., 2.]);
/// assert_eq!(h.to_string(), "[[ 6.  0.]\n [ 0. 12.]]");
/// ```
///
/// # Panics
/// As [`jacfwd`] and [`jacrev`].
#[track_caller]
pub fn hessian<'f, S, F>(f: F) -> F::With<'f, HessOf<F, S>>
where
    F: Function<S, Out: Differential> + 'f,
    Nth<0>: Argnums<F::Args>,
    JacOf<F, S>: Differential + 'f,
    HessOf<F, S>: 'f,
{
    let at = Location::caller();
    let selection = Selection::new::<F::Args, Nth<0>>("hessian", &crate::ARG0);
    F::with(move |args| {
        let lent = F::lend(&args);
        let flat = F::Args::flatten(lent);
        let wrt = selection.leaves(&flat);
        let mut inner_out = None;
        // the inner Jacobian, as a flat function of the selected leaves
        let mut inner = |x: &[Array]| {
            let mut out = None;
            let rows = reverse(
                &mut |y| {
                    let mut all = x.to_vec();
                    for (i, y) in wrt.iter().zip(y) {
                        all[*i] = y.clone()
                    }
                    let o = f.call(F::Args::rebuild_refs(lent, &mut all.into_iter()));
                    let leaves = tree::leaves(&o);
                    out = Some(o);
                    leaves
                },
                &wrt.iter().map(|i| x[*i].clone()).collect::<Vec<_>>(),
                "hessian",
                at,
            );
            let out = out.expect("the function was called");
            let mut leaves = rows.iter().flatten();
            let j = out.jacobian(&mut |_: &Array| {
                crate::ARG0.picked(lent, &mut (0..wrt.len()).map(|_| leaves.next().expect("a block").clone()))
            });
            let flat = tree::leaves(&j);
            inner_out = Some(j);
            flat
        };
        let x = flat.leaves.clone();
        let blocks = forward(
            &mut |y| {
                let mut all = x.to_vec();
                for (i, y) in wrt.iter().zip(y) {
                    all[*i] = y.clone()
                }
                inner(&all)
            },
            &wrt.iter().map(|i| x[*i].clone()).collect::<Vec<_>>(),
            "hessian",
            at,
        );
        let j = inner_out.expect("the function was called");
        let mut leaves = blocks.iter().flatten();
        j.jacobian(&mut |_: &Array| {
            crate::ARG0.picked(lent, &mut (0..wrt.len()).map(|_| leaves.next().expect("a block").clone()))
        })
    })
}

type Flat<'a> = &'a mut dyn FnMut(&[Array]) -> Vec<Array>;
/// For each leaf of the result, for each leaf of the argument, the block of the Jacobian.
type Blocks = fn(Flat, &[Array], &str, Loc) -> Vec<Vec<Array>>;

fn jacobian<'f, S, F>(f: F, who: &'static str, at: Loc, blocks: Blocks) -> F::With<'f, JacOf<F, S>>
where
    F: Function<S, Out: Differential> + 'f,
    Nth<0>: Argnums<F::Args>,
    JacOf<F, S>: 'f,
{
    let selection = Selection::new::<F::Args, Nth<0>>(who, &crate::ARG0);
    F::with(move |args| {
        let lent = F::lend(&args);
        let flat = F::Args::flatten(lent);
        let wrt = selection.leaves(&flat);
        let mut out = None;
        let rows = blocks(
            &mut |x| {
                let mut all = flat.leaves.clone();
                for (i, x) in wrt.iter().zip(x) {
                    all[*i] = x.clone()
                }
                let o = f.call(F::Args::rebuild_refs(lent, &mut all.into_iter()));
                let leaves = tree::leaves(&o);
                out = Some(o);
                leaves
            },
            &wrt.iter().map(|i| flat.leaves[*i].clone()).collect::<Vec<_>>(),
            who,
            at,
        );
        let out = out.expect("the function was called");
        let mut rows = rows.into_iter();
        out.jacobian(&mut |_: &Array| crate::ARG0.picked(lent, &mut rows.next().expect("a row of blocks").into_iter()))
    })
}

fn check(who: &str, what: &str, x: &[Array], at: Loc) {
    for a in x {
        if !a.dtype().is_float() {
            fail_at(
                at,
                ErrorKind::Type,
                format!("{who}: {what} must be real floating-point arrays, but one has type {}", a.aval()),
            )
        }
    }
}

/// A unit vector for each element of all leaves together, leaf by leaf: `[n, leaf.shape..]` each.
fn basis(x: &[Aval]) -> (usize, Vec<Array>) {
    let n: usize = x.iter().map(|a| a.size()).sum();
    let mut before = 0;
    let vectors = x
        .iter()
        .map(|a| {
            let m = a.size();
            // row k of the leaf's piece is the unit vector of element k - before
            let (row, col) = (
                crate::prim::iota(crate::DType::Int32, &[n, m], 0),
                crate::prim::iota(crate::DType::Int32, &[n, m], 1),
            );
            let at = crate::prim::eq(&row, &crate::prim::add(&col, &crate::prim::lit(&col, before as f64)));
            before += m;
            let ones = crate::prim::convert_element_type(&at, a.dtype, a.weak);
            let shape: Vec<usize> = [n].into_iter().chain(a.shape.iter().copied()).collect();
            crate::prim::reshape(&ones, &shape)
        })
        .collect();
    (n, vectors)
}

/// The derivative along every unit vector, mapped. Results have the lanes in front.
fn along(n: usize, vectors: &[Array], at: Loc, f: Flat) -> Vec<Array> {
    let dims = vec![Some(0); vectors.len()];
    let lanes = Lanes::unnamed(n);
    batch_flat(f, lanes, vectors, &dims, at, false).into_iter().map(|(y, d)| to_front(&y, d, n)).collect()
}
/// The piece of lanes that belongs to each leaf.
fn pieces(y: &Array, x: &[Aval]) -> Vec<Array> {
    let mut before = 0;
    x.iter()
        .map(|a| {
            before += a.size();
            crate::prim::slice_in_dim(y, before - a.size(), before, 1, 0)
        })
        .collect()
}

fn forward(f: Flat, x: &[Array], who: &str, at: Loc) -> Vec<Vec<Array>> {
    check(who, "the argument's leaves", x, at);
    let _g = crate::trace::enter(crate::trace::current(), Some(at));
    let ins = super::avals(x);
    let (n, vectors) = basis(&ins);
    let mut outs = vec![];
    let columns = along(n, &vectors, at, &mut |dx| {
        let dx: Vec<Option<Array>> = dx.iter().cloned().map(Some).collect();
        let (y, dy) = jvp_flat(f, x, &dx, at, true);
        outs = super::avals(&y);
        dy.into_iter().zip(&outs).map(|(d, a)| or_zeros(d, a)).collect()
    });
    let block = |piece: &Array, out: &Aval, a: &Aval| {
        let last = crate::prim::move_axis(piece, 0, piece.ndim() - 1);
        let shape: Vec<usize> = out.shape.iter().chain(&a.shape).copied().collect();
        crate::prim::reshape(&last, &shape)
    };
    columns
        .iter()
        .zip(&outs)
        .map(|(c, out)| pieces(c, &ins).iter().zip(&ins).map(|(p, a)| block(p, out, a)).collect())
        .collect()
}

fn reverse(f: Flat, x: &[Array], who: &str, at: Loc) -> Vec<Vec<Array>> {
    check(who, "the argument's leaves", x, at);
    let ins = super::avals(x);
    let (y, linear) = linearize_flat(f, x, &vec![true; x.len()], at, true);
    check(who, "the results", &y, at);
    let _g = crate::trace::enter(crate::trace::current(), Some(at));
    let outs = super::avals(&y);
    let (n, vectors) = basis(&outs);
    let rows = along(n, &vectors, at, &mut |ct| {
        let ct: Vec<Option<Array>> = ct.iter().cloned().map(Some).collect();
        linear.transpose(&ct, 0, at).into_iter().zip(&ins).map(|(d, a)| or_zeros(d, a)).collect()
    });
    let mut blocks: Vec<Vec<Array>> = outs.iter().map(|_| vec![]).collect();
    for (row, a) in rows.iter().zip(&ins) {
        for ((piece, out), block) in pieces(row, &outs).iter().zip(&outs).zip(&mut blocks) {
            let shape: Vec<usize> = out.shape.iter().chain(&a.shape).copied().collect();
            block.push(crate::prim::reshape(piece, &shape))
        }
    }
    blocks
}
