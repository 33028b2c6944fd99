//! Linearisation by evaluation. `Jvp` runs over a `Tape`: what touches only known values goes to the parent at once, what touches a
//! tangent is appended with its known operands by value. The tape is flat: no recursion, however long it is.

use super::*;
use crate::prim::LinArg;

/// A linear program: variables `0..avals.len()`, the first ones being the inputs.
#[derive(Default)]
pub(crate) struct Tape {
    pub eqns: Vec<TapeEqn>,
    pub operands: Vec<TapeArg>,
    pub avals: Vec<Aval>,
}
impl Tape {
    /// An empty tape with room for a small function.
    pub(crate) fn new() -> Tape {
        Tape { eqns: Vec::with_capacity(12), operands: Vec::with_capacity(24), avals: Vec::with_capacity(16) }
    }
    /// Is the variable known to be zero: made of [zeros](zero_tangent) only, in so many equations at most?
    fn is_zero(&self, var: u32, depth: usize) -> bool {
        let k = self.eqns.partition_point(|e| e.out <= var);
        let Some(e) = self.eqns[..k].last().filter(|e| depth > 0 && var < e.out + e.n_out) else { return false };
        let end = self.eqns.get(k).map_or(self.operands.len(), |e| e.first as usize);
        let zero = |a: &TapeArg| match a {
            TapeArg::Known(_) => true,
            TapeArg::Var(v) => self.is_zero(*v, depth - 1),
        };
        self.operands[e.first as usize..end].iter().all(zero)
    }
}

pub(crate) struct TapeEqn {
    pub prim: Box<dyn Primitive>,
    pub first: u32,
    pub out: u32,
    pub n_out: u32,
    pub loc: Loc,
}

pub(crate) enum TapeArg {
    Known(Array),
    Var(u32),
}

/// Not a variable of the tape.
const KNOWN: u32 = u32::MAX;

pub(crate) fn process(t: &Rc<Trace>, tape: &RefCell<Tape>, prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Outs {
    // Most operations have one or two operands: no list is made of what is found out about them.
    match args {
        [x] => append(t, tape, prim, args, &mut [KNOWN], &mut [false], &[x.aval()], loc),
        [x, y] => append(t, tape, prim, args, &mut [KNOWN; 2], &mut [false; 2], &[x.aval(), y.aval()], loc),
        _ => {
            let avals: Vec<&Aval> = args.iter().map(|a| a.aval()).collect();
            append(t, tape, prim, args, &mut vec![KNOWN; args.len()], &mut vec![false; args.len()], &avals, loc)
        }
    }
}

fn append(
    t: &Rc<Trace>,
    tape: &RefCell<Tape>,
    prim: &dyn Primitive,
    args: &[&Array],
    vars: &mut [u32],
    mask: &mut [bool],
    avals: &[&Aval],
    loc: Loc,
) -> Outs {
    let mut any = args.is_empty() && prim.makes_tangent();
    for ((a, var), m) in args.iter().zip(&mut *vars).zip(&mut *mask) {
        if let Some(v) = t.tape_var(a) {
            (*var, *m, any) = (v, true, true)
        }
    }
    if !any {
        return bind_in(&t.parent, prim, args, loc);
    }
    if !prim.linear_in(mask) {
        if let Some(f) = prim.live() {
            let _g = enter(Some(t.clone()), Some(loc));
            return f.run(args).into();
        }
        if let Some(body) = prim.inline() {
            return body.eval_in(&Some(t.clone()), args, Some(loc)).into();
        }
        return split(t, prim, args, mask, avals, loc)
            .or_else(|| without_zeros(t, tape, prim, args, vars, avals, loc))
            .unwrap_or_else(|| nonlinear(prim, loc));
    }
    let outs = result_types(prim, avals, args, loc);
    let mut tape = tape.borrow_mut();
    let (first, out) = (tape.operands.len() as u32, tape.avals.len() as u32);
    for (a, var) in args.iter().zip(vars) {
        tape.operands.push(if *var == KNOWN { TapeArg::Known((*a).clone()) } else { TapeArg::Var(*var) })
    }
    tape.eqns.push(TapeEqn { prim: prim.boxed(), first, out, n_out: outs.len() as u32, loc });
    t.results(outs, out, &mut tape.avals, |var, aval| Array::tracer(t.id, loc, Payload::Tape { var, aval }))
}

/// An operation that holds programs, linear in operands of which only some are on the tape, or linear with further results that are not.
#[cold]
fn split(
    t: &Rc<Trace>,
    prim: &dyn Primitive,
    args: &[&Array],
    mask: &[bool],
    avals: &[&Aval],
    loc: Loc,
) -> Option<Outs> {
    let zero: Vec<bool> = args.iter().map(|a| t.is_zero(a, 16)).collect();
    let mut all: Vec<bool> = mask.iter().zip(&zero).map(|(m, z)| *m || *z).collect();
    let made = prim.tangents();
    if made != mask && made.len() == mask.len() && mask.iter().zip(made).all(|(m, t)| !m || *t) {
        // the tangents that are not on the tape are zeros, whether that can be seen or not
        if (0..args.len()).any(|i| made[i] && !all[i] && args[i].try_concrete().is_ok()) {
            return None;
        }
        all = made.to_vec()
    }
    if all != mask && prim.linear_in(&all) {
        let _g = enter(Some(t.clone()), Some(loc));
        let on_tape = |i: usize| if all[i] && !mask[i] { zero_tangent(avals[i]) } else { args[i].clone() };
        let args: Vec<Array> = (0..args.len()).map(on_tape).collect();
        return Some(bind_in(&Some(t.clone()), prim, &args.iter().collect::<Vec<_>>(), loc));
    }
    let programs = prim.higher()?;
    prim.linear_outs(mask, &zero, 0)?;
    // it is its value where these operands are zero, and its derivative times them
    let l = {
        let _g = enter(t.parent.clone(), Some(loc));
        let at: Vec<Array> =
            (0..args.len()).map(|i| if mask[i] { crate::prim::zeros_of(avals[i]) } else { args[i].clone() }).collect();
        programs.linearize(&at.iter().collect::<Vec<_>>(), mask)?
    };
    let Some(linear) = l.prim else { return Some(l.outs) };
    let operand = |o: &LinArg| match o {
        LinArg::Known(a) => a.clone(),
        LinArg::Tangent(i) => args[*i].clone(),
    };
    let operands: Vec<Array> = l.operands.iter().map(operand).collect();
    let mut moved = bind_in(&Some(t.clone()), &*linear, &operands.iter().collect::<Vec<_>>(), loc).into_iter();
    Some(
        l.outs
            .into_iter()
            .zip(&l.out_mask)
            .map(|(y, m)| if *m { moved.next().expect("a result") } else { y })
            .collect(),
    )
}
/// An operation that is not linear in what is on the tape, but in the part of it that is not [zero](zero_tangent). A rule that differentiates a function of known values makes
/// such zeros, too, and they may be anywhere in it.
#[cold]
fn without_zeros(
    t: &Rc<Trace>,
    tape: &RefCell<Tape>,
    prim: &dyn Primitive,
    args: &[&Array],
    vars: &[u32],
    avals: &[&Aval],
    loc: Loc,
) -> Option<Outs> {
    let zero: Vec<bool> = vars.iter().map(|v| *v != KNOWN && tape.borrow().is_zero(*v, 16)).collect();
    if !zero.contains(&true) {
        return None;
    }
    let args: Vec<Array> = {
        let _g = enter(t.parent.clone(), Some(loc));
        (0..args.len()).map(|i| if zero[i] { crate::prim::zeros_of(avals[i]) } else { args[i].clone() }).collect()
    };
    Some(bind_in(&Some(t.clone()), prim, &args.iter().collect::<Vec<_>>(), loc))
}
#[cold]
fn nonlinear(prim: &dyn Primitive, loc: Loc) -> ! {
    crate::error::fail_at(
        loc,
        ErrorKind::NotLinear,
        format!("{}: this operation is not linear in the values that have to be followed linearly here", prim.name()),
    )
}

/// A tangent that is zero, for a rule that takes every tangent as a value. Under a tape it is a variable like the other tangents, so
/// that sums with it stay linear; its cotangent goes nowhere.
pub(crate) fn zero_tangent(like: &Aval) -> Array {
    // a map above the tape has no part in it: all its lanes share this zero. Nothing goes wrong with it, either
    let mut below = current();
    while let Some(t) = &below
        && matches!(t.kind, Kind::Batch(_) | Kind::Checkify(_))
    {
        below = t.parent.clone()
    }
    match &below {
        Some(t) if matches!(t.kind, Kind::Tape(_)) => {
            let prim = crate::prim::tag::ZeroTangent { dtype: like.dtype, weak: like.weak, shape: like.shape.clone() };
            first(bind_in(&below, &prim, &[], ambient().unwrap_or(t.loc)))
        }
        _ => crate::prim::zeros_of(like),
    }
}

/// The linear map from tangents of some inputs to tangents of the outputs: what `linearize` and `vjp` return.
pub(crate) struct Linear {
    pub tape: Tape,
    pub n_in: usize,
    pub outs: OutVars,
}
/// The variable of each output's tangent; `None` where it is zero.
pub(crate) type OutVars = SmallVec<[Option<u32>; 2]>;

/// Runs `f` at `x`; with respect to which arguments, `mask` says.
pub(crate) fn linearize_flat(
    f: &mut dyn FnMut(&[Array]) -> Vec<Array>,
    x: &[Array],
    mask: &[bool],
    loc: Loc,
    user: bool,
) -> (Vec<Array>, Linear) {
    let tape = Trace::new(current(), Kind::Tape(RefCell::new(Tape::new())), loc);
    let jvp = Trace::new(Some(tape.clone()), Kind::Jvp { linear: true }, loc);
    let mut n_in = 0;
    let ins: SmallVec<[Array; 4]> = x
        .iter()
        .zip(mask)
        .map(|(x, m)| {
            if !m {
                return x.clone();
            }
            n_in += 1;
            jvp.dual(x.clone(), tape.tape_input(x.aval().clone(), loc), loc)
        })
        .collect();
    let outs = {
        let _g = enter(Some(jvp.clone()), if user { None } else { Some(loc) });
        f(&ins)
    };
    let mut vars = OutVars::new();
    let vals = outs
        .into_iter()
        .map(|o| {
            let (y, dy) = jvp.undual(o);
            vars.push(dy.and_then(|d| tape.tape_output(&d, loc)));
            y
        })
        .collect();
    (vals, Linear { tape: tape.take_tape(), n_in, outs: vars })
}

impl Trace {
    #[inline]
    fn tape_var(&self, a: &Array) -> Option<u32> {
        match a.node(self.id) {
            Some(Node { kind: Payload::Tape { var, .. }, .. }) => Some(*var),
            _ => None,
        }
    }
    /// New variables of these types, and a tracer for each.
    #[inline]
    pub(crate) fn results(
        &self,
        mut types: Avals,
        first: u32,
        avals: &mut Vec<Aval>,
        mut tracer: impl FnMut(u32, Aval) -> Array,
    ) -> Outs {
        if types.len() == 1 {
            let aval = types.pop().expect("one result");
            avals.push(aval.clone());
            return crate::prim::one(tracer(first, aval));
        }
        avals.extend(types.iter().cloned());
        types.into_iter().zip(first..).map(|(aval, var)| tracer(var, aval)).collect()
    }
    pub(crate) fn tape_input(&self, aval: Aval, loc: Loc) -> Array {
        let Kind::Tape(tape) = &self.kind else { unreachable!("a tape") };
        let mut tape = tape.borrow_mut();
        tape.avals.push(aval.clone());
        Array::tracer(self.id, loc, Payload::Tape { var: tape.avals.len() as u32 - 1, aval })
    }
    pub(crate) fn tape_output(&self, d: &Array, loc: Loc) -> Option<u32> {
        match d.node(self.id) {
            Some(Node { kind: Payload::Tape { var, .. }, .. }) => Some(*var),
            // a known tangent can only be zero: a constant is affine, not linear
            _ => {
                // (only our own rules know of stacks)
                if let Ok(d) = d.try_concrete()
                    && d.aval().stack == 0
                    && !d.with_bytes(|b| d.dtype().all_zero(b))
                {
                    crate::error::fail_at(
                        loc,
                        ErrorKind::NotLinear,
                        "a derivative rule gives a tangent that does not depend on the tangents it was given: it is not linear",
                    )
                }
                None
            }
        }
    }
    pub(crate) fn take_tape(&self) -> Tape {
        let Kind::Tape(tape) = &self.kind else { unreachable!("a tape") };
        tape.take()
    }
}

impl Linear {
    /// The tangents of the outputs: walks the tape forwards. What is not reached is `None`.
    pub(crate) fn apply(&self, dx: &[Array]) -> Vec<Option<Array>> {
        assert_eq!(dx.len(), self.n_in, "one tangent for each linear input");
        let mut env: Vec<Option<Array>> = vec![None; self.tape.avals.len()];
        for (e, d) in env.iter_mut().zip(dx) {
            *e = Some(d.clone())
        }
        let now = current();
        for (k, e) in self.tape.eqns.iter().enumerate() {
            let outs = {
                let args: Args = self
                    .tape
                    .operands_of(k)
                    .iter()
                    .map(|o| match o {
                        TapeArg::Known(a) => a,
                        TapeArg::Var(v) => env[*v as usize].as_ref().expect("a tangent made before"),
                    })
                    .collect();
                bind_in(&now, &*e.prim, &args, e.loc)
            };
            for (v, o) in (e.out as usize..).zip(outs) {
                env[v] = Some(o)
            }
        }
        self.outs.iter().map(|v| v.map(|v| env[v as usize].clone().expect("an output's tangent"))).collect()
    }
}

impl Tape {
    #[inline]
    pub(crate) fn operands_of(&self, k: usize) -> &[TapeArg] {
        let end = self.eqns.get(k + 1).map_or(self.operands.len(), |e| e.first as usize);
        &self.operands[self.eqns[k].first as usize..end]
    }
}

/// A jaxpr linearised: a program for values and residuals, and a linear program from residuals and tangents.
pub(crate) struct LinJaxpr {
    /// Results, then one more for each residual that is neither an input nor a result.
    pub primal: std::sync::Arc<crate::jaxpr::Jaxpr>,
    pub residuals: Vec<Residual>,
    /// Residuals, then tangents, to the tangents of the results in `out_mask`.
    pub linear: std::sync::Arc<crate::jaxpr::Jaxpr>,
    pub out_mask: Vec<bool>,
}
/// Where the caller of a linearised program finds a residual.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Residual {
    In(usize),
    Out(usize),
}

/// The program linearised with respect to the inputs in `mask`; outputs in `force` get a tangent even if it is zero.
pub(crate) fn linearize_jaxpr(
    j: &std::sync::Arc<crate::jaxpr::Jaxpr>,
    mask: &[bool],
    force: &[bool],
) -> std::sync::Arc<LinJaxpr> {
    use std::collections::HashMap;
    j.memo("linearize", &[mask, force], || {
        let loc = Location::caller();
        let s = Trace::new(None, Kind::Stage(RefCell::default()), loc);
        let ins: Vec<Array> = j.in_avals().map(|a| s.stage_input(a.clone(), loc, None)).collect();
        let (outs, mut lin) = {
            let _g = enter(Some(s.clone()), Some(loc));
            linearize_flat(&mut |x| j.eval(&x.iter().collect::<Vec<_>>()), &ins, mask, loc, false)
        };
        let out_mask: Vec<bool> = lin.outs.iter().zip(force).map(|(v, f)| v.is_some() || *f).collect();
        // residuals by staged variable, each once; inputs and results are not saved again
        let mut slots: HashMap<u32, usize> = HashMap::new();
        let mut res: Vec<Array> = vec![];
        for o in &lin.tape.operands {
            if let TapeArg::Known(a) = o
                && let Some(v) = s.staged_var(a)
            {
                slots.entry(v).or_insert_with(|| {
                    res.push(a.clone());
                    res.len() - 1
                });
            }
        }
        let at_in: HashMap<u32, usize> =
            ins.iter().enumerate().filter_map(|(i, a)| s.staged_var(a).map(|v| (v, i))).collect();
        let mut all = outs.clone();
        let mut at_out: HashMap<u32, usize> = HashMap::new();
        for (k, o) in outs.iter().enumerate() {
            if let Some(v) = s.staged_var(o) {
                at_out.entry(v).or_insert(k);
            }
        }
        let residuals: Vec<Residual> = res
            .iter()
            .map(|r| {
                let v = s.staged_var(r).expect("a staged residual");
                if let Some(i) = at_in.get(&v) {
                    return Residual::In(*i);
                }
                Residual::Out(at_out.get(&v).copied().unwrap_or_else(|| {
                    all.push(r.clone());
                    all.len() - 1
                }))
            })
            .collect();
        let primal = s.finish_closed(&ins, &all);
        // the tape, replayed under a second stage, is the linear jaxpr
        let s2 = Trace::new(None, Kind::Stage(RefCell::default()), loc);
        let rin: Vec<Array> = res.iter().map(|r| s2.stage_input(r.aval().clone(), loc, None)).collect();
        let tin: Vec<Array> = lin.tape.avals[..lin.n_in].iter().map(|a| s2.stage_input(a.clone(), loc, None)).collect();
        for o in &mut lin.tape.operands {
            if let TapeArg::Known(a) = o
                && let Some(v) = s.staged_var(a)
            {
                *a = rin[slots[&v]].clone()
            }
        }
        let touts: Vec<Array> = {
            let _g = enter(Some(s2.clone()), Some(loc));
            lin.apply(&tin)
                .into_iter()
                .zip(&outs)
                .zip(&out_mask)
                .filter(|(_, m)| **m)
                .map(|((d, y), _)| d.unwrap_or_else(|| crate::prim::zeros_of(y.aval())))
                .collect()
        };
        let ins: Vec<Array> = rin.into_iter().chain(tin).collect();
        let linear = s2.finish_closed(&ins, &touts);
        std::sync::Arc::new(LinJaxpr { primal, residuals, linear, out_mask })
    })
}

/// The operands of the linear program: residuals, then the tangents in `mask`.
pub(crate) fn linear_operands(l: &LinJaxpr, x: &[&Array], outs: &[Array], mask: &[bool]) -> Vec<LinArg> {
    let residuals = l.residuals.iter().map(|r| match r {
        Residual::In(i) => LinArg::Known(x[*i].clone()),
        Residual::Out(k) => LinArg::Known(outs[*k].clone()),
    });
    residuals.chain(mask.iter().enumerate().filter(|(_, m)| **m).map(|(i, _)| LinArg::Tangent(i))).collect()
}
