//! Functions that bring a derivative rule of their own: forward (`custom_jvp_call`) or reverse (`custom_vjp_call`).
//!
//! A rule is a closure with an identity. It is run again under whatever trace needs it, so derivatives of derivatives go through
//! what the rule does. The function itself is run where it is met, and becomes a program only where one is staged.

use super::call::Call;
use super::held::*;
use super::*;
use crate::error::{ErrorKind, Loc, fail, raise};
use crate::trace::axis::{Axis, bound, provide};
use crate::trace::batch::{batch_flat, batch_jaxpr, to_front};
use crate::trace::linearize::zero_tangent;
use crate::trace::stage::stage_rule;
use crate::trace::transpose::record_linear;
use crate::trace::{ambient, bind, enter};
use crate::transform::tangent_aval;
use std::panic::Location;
use std::sync::OnceLock;

/// A function of leaves.
pub(crate) type Function = Arc<dyn Fn(&[Array]) -> Vec<Array> + Send + Sync>;

/// A forward derivative rule. Its tangents are linear in the tangents that it gets, so it serves reverse mode too.
pub(crate) trait JvpRule: Send + Sync {
    /// Results and tangents.
    fn jvp(&self, x: &[Array], dx: &[Tangent]) -> (Vec<Array>, Vec<Tangent>);
    /// What a printed program calls it.
    fn name(&self) -> &str {
        "jvp"
    }
    /// Does the user's rule know which tangents are zero?
    fn symbolic(&self) -> bool {
        false
    }
}
/// A reverse derivative rule.
pub(crate) trait VjpRule: Send + Sync {
    /// The results, and what the way back needs. Cotangents are asked for of the arguments that move.
    fn fwd(&self, x: &[Array], moves: &[bool]) -> Forward;
    /// What a printed program calls its two halves.
    fn names(&self) -> [&str; 2] {
        ["fwd", "bwd"]
    }
    /// Does the user's rule know which arguments move and which cotangents are zero?
    fn symbolic(&self) -> bool {
        false
    }
}
/// What the first half of a reverse rule leaves.
pub(crate) struct Forward {
    pub outs: Vec<Array>,
    pub residuals: Vec<Array>,
    /// The second half. It knows how the residuals are packed, which differs from run to run.
    pub bwd: Arc<dyn Bwd>,
}
/// The second half of a reverse rule.
pub(crate) trait Bwd: Send + Sync {
    /// Cotangents of all inputs, for cotangents of all results. Those of types without derivatives have type `float0`. Unless it is
    /// symbolic, it gets zeros written out.
    fn bwd(&self, residuals: &[Array], ct: &[Tangent]) -> Vec<Tangent>;
    /// Does it take zeros as such?
    fn symbolic(&self) -> bool {
        false
    }
}

/// A function with a derivative rule of its own: see [`custom_jvp`](crate::custom_jvp) and [`custom_vjp`](crate::custom_vjp).
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, custom_jvp};
/// let program = make_jaxpr(custom_jvp(|x: &Array| x * x, |(x,), (dx,)| (&x * &x, 2.0 * x * dx)), (&array![1., 2.],));
/// assert!(program.to_string().contains("custom_jvp_call["), "{program}");
/// ```
#[derive(Clone)]
pub struct CustomCall {
    body: Code,
    /// So many operands, at the front, are arrays that the function captured. The rule does not know them.
    captured: usize,
    name: Arc<str>,
    rule: Rule,
    /// The named axes around the call, for a rule that runs where only the program is.
    axes: Arc<[Axis]>,
}
#[derive(Clone)]
enum Code {
    /// The user's function itself.
    Function(Function),
    Program(Arc<Jaxpr>),
}
#[derive(Clone)]
pub(crate) enum Rule {
    Jvp(Arc<dyn JvpRule>),
    Vjp(Arc<dyn VjpRule>),
}

impl CustomCall {
    /// A call of a function of which no program has been made.
    pub(crate) fn live(f: Function, name: Arc<str>, rule: Rule) -> CustomCall {
        CustomCall { body: Code::Function(f), captured: 0, name, rule, axes: bound().into() }
    }
    /// A call of a program.
    pub(crate) fn program(jaxpr: Arc<Jaxpr>, captured: usize, name: Arc<str>, rule: Rule) -> CustomCall {
        CustomCall { body: Code::Program(jaxpr), captured, name, rule, axes: bound().into() }
    }
    /// The same rule for another program of the same function.
    pub(crate) fn with_program(&self, jaxpr: Arc<Jaxpr>) -> CustomCall {
        CustomCall { body: Code::Program(jaxpr), ..self.clone() }
    }
    fn who(&self) -> &'static str {
        match self.rule {
            Rule::Jvp(_) => "custom_jvp",
            Rule::Vjp(_) => "custom_vjp",
        }
    }
    /// The operands that the rule knows. Nothing is known of derivatives with respect to the others.
    fn known<'a, T>(&self, x: &'a [T], moves: &[bool]) -> &'a [T] {
        if moves[..self.captured].contains(&true) {
            fail(
                ErrorKind::NotDifferentiable,
                format!(
                    "{}: `{}` is differentiated with respect to a value that it captures, and its rule speaks only of its \
                     arguments; pass the value in as an argument",
                    self.who(),
                    self.name
                ),
            )
        }
        &x[self.captured..]
    }
    /// Runs the function or a part of the rule. A value of a transformation that is not running there gets a message of its own.
    fn guarded<R>(&self, f: impl FnOnce() -> R) -> R {
        let _axes = provide(&self.axes);
        match crate::error::catch(f) {
            Ok(r) => r,
            Err(e) if e.kind() == ErrorKind::Leak => fail(
                ErrorKind::Leak,
                format!(
                    "{}: `{}` or its rule captures a traced value and runs outside of the transformation that traces it; \
                     pass the value in as an argument\n  {e}",
                    self.who(),
                    self.name
                ),
            ),
            Err(e) => raise(e),
        }
    }
    /// Results, residuals, and the linear map that the rule describes from its far side.
    fn forward(&self, rule: &Arc<dyn VjpRule>, x: &[&Array], mask: &[bool]) -> (Vec<Array>, Vec<Array>, CustomLin) {
        let x = owned(self.known(x, mask));
        let mask = &mask[self.captured..];
        let Forward { outs, residuals, bwd } = self.guarded(|| rule.fwd(&x, mask));
        let wanted: Vec<usize> = (0..x.len()).filter(|i| mask[*i]).collect();
        let lin = CustomLin {
            name: self.name.clone(),
            bwd,
            ins: residuals.iter().chain(wanted.iter().map(|i| &x[*i])).map(|a| a.aval().clone()).collect(),
            residuals: residuals.len(),
            wanted,
            outs: outs.iter().map(|y| y.aval().clone()).collect(),
            axes: self.axes.clone(),
            program: Arc::default(),
        };
        (outs, residuals, lin)
    }
}
fn owned(x: &[&Array]) -> Vec<Array> {
    x.iter().map(|a| (*a).clone()).collect()
}

impl Debug for CustomCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}({})", self.name(), self.name)
    }
}
impl PartialEq for CustomCall {
    fn eq(&self, o: &CustomCall) -> bool {
        let body = match (&self.body, &o.body) {
            (Code::Program(a), Code::Program(b)) => a == b,
            (Code::Function(a), Code::Function(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        let rule = match (&self.rule, &o.rule) {
            (Rule::Jvp(a), Rule::Jvp(b)) => Arc::ptr_eq(a, b),
            (Rule::Vjp(a), Rule::Vjp(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        body && rule && (self.captured, &self.name, &self.axes) == (o.captured, &o.name, &o.axes)
    }
}
impl Eq for CustomCall {}
impl Hash for CustomCall {
    fn hash<H: Hasher>(&self, h: &mut H) {
        (self.captured, &self.name).hash(h);
        if let Code::Program(j) = &self.body {
            j.hash(h)
        }
    }
}

impl Primitive for CustomCall {
    fn name(&self) -> &'static str {
        match self.rule {
            Rule::Jvp(_) => "custom_jvp_call",
            Rule::Vjp(_) => "custom_vjp_call",
        }
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        // in the order in which JAX prints them
        let mut p: Vec<(&'static str, Param)> = vec![("name", (*self.name).into())];
        let program = || match &self.body {
            Code::Program(j) => ("call_jaxpr", Param::Jaxpr(j.clone())),
            Code::Function(_) => ("call_jaxpr", "None".into()),
        };
        match &self.rule {
            Rule::Jvp(r) => p.extend([program(), ("jvp", r.name().into())]),
            Rule::Vjp(r) => p.extend([("bwd", r.names()[1].into()), program(), ("fwd", r.names()[0].into())]),
        }
        if self.captured > 0 {
            p.push(("num_consts", self.captured.to_string().into()))
        }
        let symbolic = match &self.rule {
            Rule::Jvp(r) => r.symbolic(),
            Rule::Vjp(r) => r.symbolic(),
        };
        p.push(("symbolic_zeros", if symbolic { "True" } else { "False" }.into()));
        p
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        match &self.body {
            Code::Program(j) => call_types(j, x),
            // nobody knows before it has run, and then it finds its own mistakes
            Code::Function(_) => Ok(Avals::new()),
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mask = given(dims);
        let x = in_front(x, dims, &mask, lanes);
        let known = mask[self.captured..].to_vec();
        // The function and its rule must agree on which results have lanes, and run at different times: all have. Only where
        // nothing is mapped, and lanes can come from a named axis alone, whatever runs first decides.
        let front = Arc::new(OnceLock::new());
        let many = mask.contains(&true) || matches!(self.body, Code::Program(_));
        let of = OfLanes { lanes: lanes.clone(), mask, many, front };
        let rule = match self.rule.clone() {
            Rule::Jvp(rule) => Rule::Jvp(Arc::new(BatchedJvp { rule, of: of.with(known) })),
            Rule::Vjp(rule) => Rule::Vjp(Arc::new(BatchedVjp { rule, of: of.with(known) })),
        };
        let body = match &self.body {
            Code::Program(j) => Code::Program(batch_jaxpr(j, lanes, &of.mask, &vec![true; j.outs.len()]).0.clone()),
            Code::Function(f) => {
                let (f, of) = (f.clone(), of.clone());
                Code::Function(Arc::new(move |x| {
                    let y = of.run(x, &of.mask, &mut |x| f(x));
                    of.results(y)
                }))
            }
        };
        let call = CustomCall { body, rule, ..self.clone() };
        let outs = bind(&call, &x.iter().collect::<Vec<_>>());
        let n = outs.len();
        outs.into_iter().zip(of.fronts(n)).map(|(y, f)| (y, f.then_some(0))).collect()
    }
    inlined!();
    fn inline(&self) -> Option<&Arc<Jaxpr>> {
        match &self.body {
            Code::Program(j) => Some(j),
            Code::Function(_) => None,
        }
    }
    fn live(&self) -> Option<&dyn Live> {
        match self.body {
            Code::Program(_) => None,
            Code::Function(_) => Some(self),
        }
    }
    fn named_axes(&self) -> AxisSet {
        match &self.body {
            Code::Program(j) => j.axes,
            Code::Function(_) => AxisSet::MAX, // whichever it likes
        }
    }
    fn effect(&self) -> bool {
        matches!(&self.body, Code::Program(j) if j.effect)
    }
    fn checked(&self, set: CheckSet, x: &[&Array], loc: Loc) -> Option<(Errors, Outs)> {
        checked::custom(self, set, x, loc)
    }
}
impl Live for CustomCall {
    fn run(&self, x: &[&Array]) -> Vec<Array> {
        let Code::Function(f) = &self.body else { unreachable!("a function") };
        let x = owned(x);
        self.guarded(|| f(&x))
    }
    fn staged(&self, jaxpr: Arc<Jaxpr>, captured: usize) -> Box<dyn Primitive> {
        Box::new(CustomCall { body: Code::Program(jaxpr), captured, ..self.clone() })
    }
}
impl HigherOrder for CustomCall {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        match &self.body {
            Code::Program(j) => crate::backend::run_jaxpr(j, x, loc),
            Code::Function(_) => {
                let _g = enter(None, Some(loc));
                Live::run(self, x).into()
            }
        }
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let mask = given(dx);
        match &self.rule {
            Rule::Jvp(rule) => {
                let x = owned(self.known(x, &mask));
                let dx: Vec<Tangent> = dx[self.captured..].iter().map(|d| d.cloned()).collect();
                let (y, dy) = self.guarded(|| rule.jvp(&x, &dx));
                (y.into(), dy.into())
            }
            Rule::Vjp(rule) => {
                let (y, residuals, lin) = self.forward(rule, x, &mask);
                let dx: Vec<Tangent> = dx[self.captured..].iter().flatten().map(|d| Some((*d).clone())).collect();
                let dy = self.guarded(|| lin.push(&residuals, &dx));
                (y.into(), dy.into())
            }
        }
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        let Rule::Vjp(rule) = &self.rule else { return None }; // a forward rule runs on the tape like any other
        let (outs, residuals, lin) = self.forward(rule, x, mask);
        let out_mask: Vec<bool> = outs.iter().map(|y| y.dtype().is_inexact()).collect();
        let operands = residuals.into_iter().map(LinArg::Known);
        let operands = operands.chain(lin.wanted.iter().map(|i| LinArg::Tangent(self.captured + i))).collect();
        let prim = out_mask.contains(&true).then(|| Box::new(lin) as Box<dyn Primitive>);
        Some(Linearized { outs: outs.into(), out_mask, prim, operands })
    }
}

/// The lanes of a batched function, and where they lie.
#[derive(Clone)]
struct OfLanes {
    lanes: Lanes,
    /// Which operands have lanes in front.
    mask: Vec<bool>,
    /// Have all results lanes?
    many: bool,
    /// If not: which have.
    front: Arc<OnceLock<Vec<bool>>>,
}
impl OfLanes {
    fn with(&self, mask: Vec<bool>) -> OfLanes {
        OfLanes { mask, ..self.clone() }
    }
    /// `f` on all lanes.
    fn run(
        &self,
        x: &[Array],
        mask: &[bool],
        f: &mut dyn FnMut(&[Array]) -> Vec<Array>,
    ) -> Vec<(Array, Option<usize>)> {
        let dims: Vec<Option<usize>> = mask.iter().map(|m| m.then_some(0)).collect();
        let at = ambient().unwrap_or_else(Location::caller);
        batch_flat(f, self.lanes.clone(), x, &dims, at, false)
    }
    /// Results of the function: with lanes in front, where results have them.
    fn results(&self, y: Vec<(Array, Option<usize>)>) -> Vec<Array> {
        if !self.many {
            self.front.get_or_init(|| y.iter().map(|(_, d)| d.is_some()).collect());
        }
        let front = self.fronts(y.len());
        y.into_iter().zip(front).map(|((y, d), f)| self.placed(y, d, f)).collect()
    }
    fn fronts(&self, n: usize) -> Vec<bool> {
        if self.many { vec![true; n] } else { self.front.get().expect("it has run").clone() }
    }
    fn placed(&self, y: Array, dim: Option<usize>, front: bool) -> Array {
        match (dim, front) {
            (_, true) => to_front(&y, dim, self.lanes.size),
            (None, false) => y,
            (Some(_), false) => fail(
                ErrorKind::Axis,
                "a derivative rule gives results that differ between lanes where those of its function do not",
            ),
        }
    }
}

/// A forward rule for all lanes at once.
struct BatchedJvp {
    rule: Arc<dyn JvpRule>,
    of: OfLanes,
}
impl JvpRule for BatchedJvp {
    fn jvp(&self, x: &[Array], dx: &[Tangent]) -> (Vec<Array>, Vec<Tangent>) {
        let args: Vec<Array> = x.iter().chain(dx.iter().flatten()).cloned().collect();
        let moving = dx.iter().zip(&self.of.mask).filter(|(d, _)| d.is_some()).map(|(_, m)| *m);
        let mask: Vec<bool> = self.of.mask.iter().copied().chain(moving).collect();
        let mut moves = vec![];
        let mut y = self.of.run(&args, &mask, &mut |a| {
            let mut given = a[x.len()..].iter().cloned();
            let dx: Vec<Tangent> = dx.iter().map(|d| d.as_ref().and_then(|_| given.next())).collect();
            let (y, dy) = self.rule.jvp(&a[..x.len()], &dx);
            moves = dy.iter().map(|d| d.is_some()).collect();
            y.into_iter().chain(dy.into_iter().flatten()).collect()
        });
        let dy = y.split_off(moves.len());
        let y = self.of.results(y);
        let front = self.of.fronts(y.len());
        let mut dy = dy.into_iter();
        let place = |(moves, front): (&bool, bool)| {
            if !moves {
                return None;
            }
            let (d, dim) = dy.next().expect("a tangent");
            Some(self.of.placed(d, dim, front))
        };
        let dy = moves.iter().zip(front).map(place).collect();
        (y, dy)
    }
    fn name(&self) -> &str {
        self.rule.name()
    }
    fn symbolic(&self) -> bool {
        self.rule.symbolic()
    }
}

/// A reverse rule for all lanes at once.
struct BatchedVjp {
    rule: Arc<dyn VjpRule>,
    of: OfLanes,
}
impl VjpRule for BatchedVjp {
    fn fwd(&self, x: &[Array], moves: &[bool]) -> Forward {
        let mut inner = None;
        let mut y = self.of.run(x, &self.of.mask, &mut |x| {
            let Forward { outs, residuals, bwd } = self.rule.fwd(x, moves);
            inner = Some((outs.len(), bwd));
            outs.into_iter().chain(residuals).collect()
        });
        let (n, bwd) = inner.expect("the rule was run");
        let residuals = y.split_off(n);
        // a residual that all lanes share stays one
        let mapped: Vec<bool> = residuals.iter().map(|(_, d)| d.is_some()).collect();
        let residuals = residuals.into_iter().map(|(r, d)| self.of.placed(r, d, d.is_some())).collect();
        let outs = self.of.results(y);
        let given = mapped.iter().copied().chain(self.of.fronts(n)).collect();
        Forward { outs, residuals, bwd: Arc::new(BatchedBwd { bwd, of: self.of.clone(), given }) }
    }
    fn names(&self) -> [&str; 2] {
        self.rule.names()
    }
    fn symbolic(&self) -> bool {
        self.rule.symbolic()
    }
}
struct BatchedBwd {
    bwd: Arc<dyn Bwd>,
    of: OfLanes,
    /// Which residuals and which cotangents have lanes in front.
    given: Vec<bool>,
}
impl Bwd for BatchedBwd {
    fn symbolic(&self) -> bool {
        self.bwd.symbolic()
    }
    fn bwd(&self, residuals: &[Array], ct: &[Tangent]) -> Vec<Tangent> {
        let args: Vec<Array> = residuals.iter().chain(ct.iter().flatten()).cloned().collect();
        let there = residuals.iter().map(|_| true).chain(ct.iter().map(|c| c.is_some()));
        let given: Vec<bool> = self.given.iter().zip(there).filter(|(_, t)| *t).map(|(g, _)| *g).collect();
        let mut some = vec![];
        let back = self.of.run(&args, &given, &mut |a| {
            let mut lanes = a[residuals.len()..].iter().cloned();
            let ct: Vec<Tangent> = ct.iter().map(|c| c.as_ref().and_then(|_| lanes.next())).collect();
            let back = self.bwd.bwd(&a[..residuals.len()], &ct);
            some = back.iter().map(|b| b.is_some()).collect();
            back.into_iter().flatten().collect()
        });
        let mut back = back.into_iter();
        let place = |(some, mapped): (&bool, &bool)| {
            if !some {
                return None;
            }
            let (b, dim) = back.next().expect("a cotangent");
            Some(match (mapped, dim) {
                (true, _) => to_front(&b, dim, self.of.lanes.size),
                // the lanes share this input: its cotangent is the sum of theirs
                (false, Some(d)) => reduce_sum(&b, &[d]),
                (false, None) => b,
            })
        };
        some.iter().zip(&self.of.mask).map(place).collect()
    }
}

/// The linear map from tangents of inputs to tangents of results that is known by its transpose.
#[derive(Clone)]
pub(crate) struct CustomLin {
    name: Arc<str>,
    bwd: Arc<dyn Bwd>,
    /// Types of the operands: residuals, then tangents.
    ins: Vec<Aval>,
    residuals: usize,
    /// Which inputs of the function the tangents belong to.
    wanted: Vec<usize>,
    /// Types of the function's results. Those with derivatives have tangents.
    outs: Vec<Aval>,
    axes: Arc<[Axis]>,
    /// What it does to tangents. Unless it was given, it is the transpose of `bwd`, made when it is asked for.
    program: Arc<OnceLock<Arc<Jaxpr>>>,
}
impl CustomLin {
    /// A linear function given together with its transpose: of residuals and linear inputs.
    pub(crate) fn given(
        name: Arc<str>,
        bwd: Arc<dyn Bwd>,
        residuals: usize,
        program: Arc<Jaxpr>,
        outs: Vec<Aval>,
    ) -> CustomLin {
        let ins: Vec<Aval> = program.in_avals().cloned().collect();
        let wanted = (0..ins.len() - residuals).collect();
        let program = Arc::new(OnceLock::from(program));
        CustomLin { name, bwd, ins, residuals, wanted, outs, axes: bound().into(), program }
    }
    fn moving(&self) -> impl Iterator<Item = &Aval> {
        self.outs.iter().filter(|a| a.dtype.is_inexact())
    }
    /// Cotangents of the wanted inputs.
    fn pull(&self, residuals: &[Array], ct: &[Tangent]) -> Vec<Tangent> {
        let _axes = provide(&self.axes);
        let mut ct = ct.iter();
        let written = !self.bwd.symbolic();
        let all = |a: &Aval| match a.dtype.is_inexact() {
            true => ct.next().expect("a cotangent").clone().or_else(|| written.then(|| zero_tangent(a))),
            false => written.then(|| zeros_of(&tangent_aval(a))),
        };
        let ct: Vec<Tangent> = self.outs.iter().map(all).collect();
        let back = self.bwd.bwd(residuals, &ct);
        self.wanted.iter().map(|i| back[*i].clone()).collect()
    }
    /// Tangents of all results, by transposing `bwd` in the current trace.
    fn push(&self, residuals: &[Array], dx: &[Tangent]) -> Vec<Tangent> {
        let moving: Vec<Aval> = self.moving().cloned().collect();
        let at: Loc = ambient().unwrap_or_else(Location::caller);
        let back = |ct: &[Array]| {
            let ct: Vec<Tangent> = ct.iter().cloned().map(Some).collect();
            let back = self.pull(residuals, &ct).into_iter().zip(&self.ins[self.residuals..]);
            back.map(|(b, a)| b.unwrap_or_else(|| zeros_of(a))).collect::<Vec<_>>()
        };
        let linear = crate::error::catch(|| record_linear(&mut { back }, &moving, at, false));
        let linear = linear.unwrap_or_else(|e| match e.kind() {
            ErrorKind::NotLinear => fail(
                ErrorKind::NotLinear,
                format!(
                    "custom_vjp: forward mode through `{}` transposes its backward rule, and that is not linear in the \
                     cotangents; use reverse mode, or write a forward rule with custom_jvp\n  {e}",
                    self.name
                ),
            ),
            _ => raise(e),
        });
        let mut dy = linear.transpose_once(dx, 0, at).into_iter();
        self.outs.iter().map(|a| if a.dtype.is_inexact() { dy.next().flatten() } else { None }).collect()
    }
    fn program(&self) -> &Arc<Jaxpr> {
        self.program.get_or_init(|| {
            stage_rule(&self.ins, |x| {
                let dx: Vec<Tangent> = x[self.residuals..].iter().cloned().map(Some).collect();
                let dy = self.push(&x[..self.residuals], &dx).into_iter().zip(&self.outs);
                let dy = dy.filter(|(_, a)| a.dtype.is_inexact());
                dy.map(|(d, a)| d.unwrap_or_else(|| zeros_of(a))).collect()
            })
        })
    }
    /// As an ordinary call: for all that has nothing to do with its transpose.
    fn call(&self) -> Call {
        Call { jaxpr: self.program().clone(), name: self.name.clone() }
    }
}
impl Debug for CustomLin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "custom_lin({})", self.name)
    }
}
impl PartialEq for CustomLin {
    fn eq(&self, o: &CustomLin) -> bool {
        Arc::ptr_eq(&self.bwd, &o.bwd)
            && (&self.ins, self.residuals, &self.wanted, &self.outs) == (&o.ins, o.residuals, &o.wanted, &o.outs)
            && (&self.name, &self.axes) == (&o.name, &o.axes)
    }
}
impl Eq for CustomLin {}
impl Hash for CustomLin {
    fn hash<H: Hasher>(&self, h: &mut H) {
        (&self.name, &self.ins, &self.wanted).hash(h)
    }
}
impl Primitive for CustomLin {
    fn name(&self) -> &'static str {
        "custom_lin"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("bwd", (*self.name).into()), ("num_res", self.residuals.to_string().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let varying = x.iter().fold(0, |s, a| s | a.varying);
        Ok(self.moving().map(|a| Aval { varying: a.varying | varying, ..a.clone() }).collect())
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        let (residuals, tangents) = mask.split_at(self.residuals);
        !residuals.contains(&true) && !tangents.contains(&false)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let residuals: Vec<Array> = (0..self.residuals).map(|i| io.known(i).clone()).collect();
        for (i, b) in (self.residuals..).zip(self.pull(&residuals, ct)) {
            if let Some(b) = b {
                io.add(i, b)
            }
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        self.call().batch(lanes, x, dims)
    }
    inlined!();
    fn inline(&self) -> Option<&Arc<Jaxpr>> {
        Some(self.program())
    }
    fn named_axes(&self) -> AxisSet {
        self.axes.iter().fold(0, |s, a| s | a.bit)
    }
}
impl HigherOrder for CustomLin {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        crate::backend::run_jaxpr(self.program(), x, loc)
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        self.call().jvp_call(x, dx)
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        if !self.linear_in(mask) {
            return self.call().linearize(x, mask);
        }
        let operand = |(i, x): (usize, &&Array)| match mask[i] {
            true => LinArg::Tangent(i),
            false => LinArg::Known((*x).clone()),
        };
        let operands = x.iter().enumerate().map(operand).collect();
        let outs = bind(self, x);
        let out_mask = vec![true; outs.len()];
        Some(Linearized { outs, out_mask, prim: Some(Box::new(self.clone())), operands })
    }
}

/// Runs the user's code in the current trace, at the lines where it was written.
pub(crate) fn user<R>(f: impl FnOnce() -> R) -> R {
    let _g = enter(crate::trace::current(), None);
    f()
}

/// Calls are read by [`Loaded`](crate::jaxpr::Loaded), which knows the nested programs and the rules.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    let two = || vec![crate::array(vec![1.5f64, -2.0]), crate::array(vec![0.5f64, 3.0])];
    fn product(x: &Array, y: &Array) -> Array {
        mul(&sin(x), y)
    }
    fn forward(x: &Array, y: &Array) -> Array {
        let rule = |(x, y): (Array, Array), (dx, dy): (Array, Array)| {
            (product(&x, &y), add(&mul(&mul(&cos(&x), &y), &dx), &mul(&sin(&x), &dy)))
        };
        crate::custom_jvp(product, rule)(x, y)
    }
    fn reverse(x: &Array, y: &Array) -> Array {
        let fwd = |(x, y): (Array, Array)| (product(&x, &y), (x, y));
        let bwd = |(x, y): (Array, Array), ct: Array| (mul(&mul(&cos(&x), &y), &ct), mul(&sin(&x), &ct));
        crate::custom_vjp(product, fwd, bwd)(x, y)
    }
    vec![
        Case { name: "a forward rule", args: two(), run: |x| vec![forward(&x[0], &x[1])] },
        Case { name: "a reverse rule", args: two(), run: |x| vec![reverse(&x[0], &x[1])] },
        Case {
            name: "one in the other, of one argument twice",
            args: two()[..1].to_vec(),
            run: |x| vec![forward(&reverse(&x[0], &x[0]), &x[0]), reverse(&forward(&x[0], &x[0]), &x[0])],
        },
        Case {
            name: "a linear function and its transpose",
            args: two(),
            run: |x| {
                let (f, t) = (|r: &Array, x: &Array| mul(&exp(r), x), |r: &Array, ct: &Array| mul(ct, &exp(r)));
                vec![crate::linear_call(f, t, &x[0], &x[1])]
            },
        },
        Case {
            name: "of integers, in a call",
            args: vec![crate::array(vec![1.5f64, -2.0]), crate::array(vec![2i32, 3])],
            run: |x| {
                let f = |x: &Array, n: &Array| (mul(x, &convert_element_type(n, x.dtype(), false)), n.clone());
                let fwd = move |(x, n): (Array, Array)| (f(&x, &n), n);
                let bwd = |n: Array, (ct, _): (Array, Array)| {
                    (mul(&ct, &convert_element_type(&n, ct.dtype(), false)), n)
                };
                let (y, n) = crate::jit(crate::custom_vjp(f, fwd, bwd))(&x[0], &x[1]);
                vec![y, n]
            },
        },
    ]
}
