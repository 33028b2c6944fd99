//! `vmap`: every lane's value side by side along one axis of an ordinary array.

use super::axis::Axis;
use super::*;
use crate::debug::watch;
use crate::jaxpr::{Jaxpr, key_of};
use crate::prim::{broadcast_in_dim, move_axis};
use std::sync::Arc;

/// The lanes of a map: how many, and the axis' name if it has one.
///
/// ```
/// use cotangent::extend::{Lanes, Operation, Value, bind1};
/// use cotangent::prelude::*;
/// /// The number of lanes that it finds itself in.
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct Count;
/// impl Operation for Count {
///     fn name(&self) -> &'static str { "count" }
///     fn value(&self) -> Value<Count> { Value::Composition(|_, x| vec![&x[0] * 0 + 1]) }
///     fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
///         vec![(x[0] * 0 + lanes.size as i32, dims[0])]
///     }
/// }
/// assert_eq!(cotangent::vmap(|x: &Array| bind1(&Count, &[x]))(&array![7, 8, 9]).to_string(), "[3 3 3]");
/// ```
#[derive(Clone)]
pub struct Lanes {
    /// Number of lanes.
    pub size: usize,
    pub(crate) axis: Option<Axis>,
    /// Do lanes that choose for themselves keep step, every one doing what any of them does?
    pub(crate) select: bool,
}
impl Lanes {
    /// Lanes along an axis without a name.
    pub(crate) fn unnamed(size: usize) -> Lanes {
        Lanes { size, axis: None, select: false }
    }
}

pub(crate) fn process(t: &Rc<Trace>, lanes: &Lanes, prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Outs {
    let mut x = Args::new();
    let mut dims: SmallVec<[Option<usize>; 4]> = SmallVec::new();
    for &a in args {
        match a.node(t.id) {
            Some(Node { kind: Payload::Batched { x: v, dim, .. }, .. }) => {
                x.push(v);
                dims.push(Some(*dim))
            }
            _ => {
                x.push(a);
                dims.push(None)
            }
        }
    }
    // an operation that communicates over this axis is ours even if no operand is mapped
    let ours = lanes.axis.as_ref().is_some_and(|a| prim.named_axes() & a.bit != 0);
    if !ours && dims.iter().all(|d| d.is_none()) {
        return bind_in(&t.parent, prim, &x, loc);
    }
    let rule = || {
        let _g = enter(t.parent.clone(), Some(loc));
        let avals: SmallVec<[&Aval; 4]> = args.iter().map(|a| a.aval()).collect();
        if let Err(why) = prim.abstract_eval(&avals) {
            bad_operands(prim, &why, args, loc) // in terms of one lane
        }
        prim.batch(lanes, &x, &dims)
    };
    let outs = if watch::on() { watch::lanes(lanes.size, t.loc, rule, |y| y.to_vec()) } else { rule() };
    outs.into_iter()
        .map(|(y, d)| match d {
            None => y,
            Some(d) => t.batched(y, d, loc),
        })
        .collect()
}

impl Trace {
    pub(crate) fn batched(&self, x: Array, dim: usize, loc: Loc) -> Array {
        let Kind::Batch(lanes) = &self.kind else { unreachable!("a batch trace") };
        let mut aval = x.aval().clone();
        aval.shape.remove(dim);
        aval.varying |= lanes.axis.as_ref().map_or(0, |a| a.bit);
        Array::tracer(self.id, loc, Payload::Batched { x, dim, aval })
    }
}

/// Runs `f` on all lanes at once. `dims` says which axis of each argument is mapped; results come with the axis on which they are
/// mapped, `None` where all lanes agree.
pub(crate) fn batch_flat(
    f: &mut dyn FnMut(&[Array]) -> Vec<Array>,
    lanes: Lanes,
    x: &[Array],
    dims: &[Option<usize>],
    loc: Loc,
    user: bool,
) -> Vec<(Array, Option<usize>)> {
    let t = Trace::new(current(), Kind::Batch(lanes), loc);
    let ins: Vec<Array> = x
        .iter()
        .zip(dims)
        .map(|(x, d)| match d {
            Some(d) => t.batched(x.clone(), *d, loc),
            None => x.clone(),
        })
        .collect();
    let outs = {
        let _g = enter(Some(t.clone()), if user { None } else { Some(loc) });
        f(&ins)
    };
    outs.into_iter()
        .map(|o| match o.node(t.id) {
            Some(Node { kind: Payload::Batched { x, dim, .. }, .. }) => (x.clone(), Some(*dim)),
            _ => (o, None),
        })
        .collect()
}

/// `x` with its mapped axis in front, made if there is none.
pub(crate) fn to_front(x: &Array, dim: Option<usize>, size: usize) -> Array {
    match dim {
        Some(0) => x.clone(),
        Some(d) => move_axis(x, d, 0),
        None if x.aval().stack > 0 => crate::prim::stacks::stack_to_lanes(x, size),
        None => {
            let shape: Vec<usize> = std::iter::once(size).chain(x.shape().iter().copied()).collect();
            broadcast_in_dim(x, &shape, &(1..shape.len()).collect::<Vec<_>>())
        }
    }
}

/// The batched program: inputs in `mask` have the mapped axis in front, so have results in the returned mask.
pub(crate) fn batch_jaxpr(
    j: &Arc<Jaxpr>,
    lanes: &Lanes,
    mask: &[bool],
    force: &[bool],
) -> Arc<(Arc<Jaxpr>, Vec<bool>)> {
    let axis = key_of(lanes.axis.as_ref().map_or(0, |a| a.bit as usize));
    j.memo("batch", &[mask, force, &key_of(lanes.size), &axis, &[lanes.select]], || {
        let loc = Location::caller();
        let s = Trace::new(None, Kind::Stage(RefCell::default()), loc);
        let bit = lanes.axis.as_ref().map_or(0, |a| a.bit);
        let ins: Vec<Array> = j
            .in_avals()
            .zip(mask)
            .map(|(a, m)| {
                let mut a = a.clone();
                if *m {
                    a.shape.insert(0, lanes.size);
                    a.varying &= !bit
                }
                s.stage_input(a, loc, None)
            })
            .collect();
        let _g = enter(Some(s.clone()), Some(loc));
        let dims: Vec<Option<usize>> = mask.iter().map(|m| m.then_some(0)).collect();
        let inner = lanes.clone();
        let outs = batch_flat(&mut |x| j.eval(&x.iter().collect::<Vec<_>>()), inner, &ins, &dims, loc, false);
        let out_mask: Vec<bool> = outs.iter().zip(force).map(|((_, d), f)| d.is_some() || *f).collect();
        let outs: Vec<Array> = outs
            .into_iter()
            .zip(&out_mask)
            .map(|((y, d), m)| if *m { to_front(&y, d, lanes.size) } else { y })
            .collect();
        drop(_g);
        Arc::new((s.finish_closed(&ins, &outs), out_mask))
    })
}
