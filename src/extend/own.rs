//! Users' operations as primitives.

use super::{Lanes, Operand, Operation, Value};
use crate::array::{Array, Outs};
use crate::aval::{Aval, AxisSet};
use crate::error::{Error, ErrorKind, Loc, catch, fail};
use crate::jaxpr::Jaxpr;
use crate::prim::call::Call;
use crate::prim::custom::user;
use crate::prim::held::{Held, call_types, spread};
use crate::prim::lower::{Lower, Vals};
use crate::prim::*;
use crate::trace::axis::{Axis, bound, provide};
use crate::trace::eval::{Fx, type_hash};
use crate::trace::stage::stage_rule;
use crate::trace::transpose::transpose_jaxpr;
use crate::trace::{bind, bind_at, enter};
use cotangent_cpu::ValId;
use std::any::Any;
use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, Mutex};

/// An operation of which only the rules are known, so that the code below is compiled once.
pub(super) trait Erased: Any + Debug + Send + Sync {
    fn boxed(&self) -> Arc<dyn Erased>;
    fn same(&self, other: &dyn Erased) -> bool;
    fn hashed(&self, h: &mut dyn Hasher);
    fn name(&self) -> &'static str;
    fn params(&self) -> Vec<(&'static str, String)>;
    /// The results, if it is a composition.
    fn composed(&self, x: &[Array]) -> Option<Vec<Array>>;
    /// The results, if it runs on the host.
    fn host(&self, x: &[&Array]) -> Option<Vec<Array>>;
    fn is_host(&self) -> bool;
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String>;
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Vec<Tangent>;
    fn linear_in(&self, mask: &[bool]) -> bool;
    fn transpose(&self, x: &[Operand], ct: &[Tangent]) -> Vec<Tangent>;
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)>;
    fn effect(&self) -> bool;
}
impl<O: Operation> Erased for O {
    fn boxed(&self) -> Arc<dyn Erased> {
        Arc::new(self.clone())
    }
    fn same(&self, other: &dyn Erased) -> bool {
        (other as &dyn Any).downcast_ref::<O>() == Some(self)
    }
    fn hashed(&self, mut h: &mut dyn Hasher) {
        type_hash::<O>(h);
        self.hash(&mut h)
    }
    fn name(&self) -> &'static str {
        Operation::name(self)
    }
    fn params(&self) -> Vec<(&'static str, String)> {
        Operation::params(self)
    }
    fn composed(&self, x: &[Array]) -> Option<Vec<Array>> {
        match self.value() {
            Value::Composition(f) => Some(f(self, x)),
            Value::Host(_) => None,
        }
    }
    fn host(&self, x: &[&Array]) -> Option<Vec<Array>> {
        match self.value() {
            Value::Composition(_) => None,
            Value::Host(f) => Some(f(self, x)),
        }
    }
    fn is_host(&self) -> bool {
        matches!(self.value(), Value::Host(_))
    }
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        Operation::types(self, x)
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Vec<Tangent> {
        Operation::jvp(self, x, dx, y)
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        Operation::linear_in(self, mask)
    }
    fn transpose(&self, x: &[Operand], ct: &[Tangent]) -> Vec<Tangent> {
        Operation::transpose(self, x, ct)
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
        Operation::batch(self, lanes, x, dims)
    }
    fn effect(&self) -> bool {
        Operation::effect(self)
    }
}

/// The program that a composition is for operands of these types, under the named axes around here.
fn body(op: &dyn Erased, x: &[Aval]) -> Arc<Jaxpr> {
    type Known = HashMap<u64, Vec<(Arc<dyn Erased>, Vec<Aval>, Vec<Axis>, Arc<Jaxpr>)>>;
    static BODIES: LazyLock<Mutex<Known>> = LazyLock::new(Default::default);
    const LIMIT: usize = 1 << 10;
    let mut h = Fx::default();
    op.hashed(&mut h);
    let axes = bound();
    (x, &axes).hash(&mut h);
    let key = h.finish();
    // no lock while it is staged: a composition may contain itself, for operands of other types
    let lock = || BODIES.lock().unwrap_or_else(|e| e.into_inner());
    let hit = |all: &Known| {
        let same =
            all.get(&key)?.iter().find(|(o, types, around, _)| types == x && *around == axes && op.same(&**o))?;
        Some(same.3.clone())
    };
    if let Some(known) = hit(&lock()) {
        return known;
    }
    let _axes = provide(&axes);
    let made = stage_rule(x, |x| user(|| op.composed(x)).expect("a composition"));
    let mut all = lock();
    if all.len() >= LIMIT {
        all.clear()
    }
    all.entry(key).or_default().push((op.boxed(), x.to_vec(), axes, made.clone()));
    made
}
fn owned(x: &[&Aval]) -> Vec<Aval> {
    x.iter().map(|a| (*a).clone()).collect()
}
fn avals(x: &[&Array]) -> Vec<Aval> {
    x.iter().map(|a| a.aval().clone()).collect()
}

#[inline(never)]
pub(super) fn bind_erased(op: &dyn Erased, x: &[&Array], loc: Loc) -> Vec<Array> {
    bind_at(loc, &Own::of(op, || avals(x)), x).into_vec()
}
/// A default rule for what is not a composition.
#[cold]
fn missing(op: &dyn Erased, what: &str) -> ! {
    fail(
        ErrorKind::NotDifferentiable,
        format!("{} runs on the host and has no {what} rule, so that nothing is known of its derivative", op.name()),
    )
}
pub(super) fn types(op: &dyn Erased, x: &[&Aval]) -> Result<Vec<Aval>, String> {
    if op.is_host() {
        return Err("a host function has to say of which types its results are".into());
    }
    catch(|| body(op, &owned(x)).out_avals()).map_err(|e| e.message().to_string())
}
pub(super) fn jvp(op: &dyn Erased, x: &[&Array], dx: &[Option<&Array>]) -> Vec<Tangent> {
    if op.is_host() {
        missing(op, "jvp")
    }
    let held = Held { jaxpr: body(op, &avals(x)), consts: x.len() };
    held.along_consts(x, &[], dx).into_vec()
}
pub(super) fn transpose(op: &dyn Erased, x: &[Operand], ct: &[Tangent]) -> Vec<Tangent> {
    if op.is_host() {
        missing(op, "transpose")
    }
    let j = body(op, &x.iter().map(|x| x.aval().clone()).collect::<Vec<_>>());
    let linear: Vec<bool> = x.iter().map(|x| x.is_linear()).collect();
    let back = transpose_jaxpr(&j, &linear, &crate::trace::transpose::varied(ct), 0, false);
    let known = x.iter().filter(|x| !x.is_linear()).map(|x| x.known());
    let mut made = spread(&back.1, back.0.eval(&known.chain(ct.iter().flatten()).collect::<Vec<_>>())).into_iter();
    linear.iter().map(|m| if *m { made.next().flatten() } else { None }).collect()
}
pub(super) fn batch(
    op: &dyn Erased,
    lanes: &Lanes,
    x: &[&Array],
    dims: &[Option<usize>],
) -> Vec<(Array, Option<usize>)> {
    if !op.is_host() {
        let mut one = avals(x);
        for (a, d) in one.iter_mut().zip(dims) {
            if let Some(d) = d {
                a.shape.remove(*d);
                a.varying |= lanes.axis.as_ref().map_or(0, |a| a.bit)
            }
        }
        let call = Call { jaxpr: body(op, &one), name: op.name().into() };
        return Primitive::batch(&call, lanes, x, dims).into_vec();
    }
    // one lane after the other
    let mapped: Vec<Array> = (0..x.len()).filter_map(|i| Some(move_axis(x[i], dims[i]?, 0))).collect();
    let one = |lane: &Vec<Array>| {
        let mut lane = lane.iter();
        let args = x.iter().zip(dims).map(|(x, d)| if d.is_some() { lane.next().expect("a lane") } else { *x });
        let args: Vec<&Array> = args.collect();
        bind(&Own::of(op, || avals(&args)), &args).into_vec()
    };
    crate::lax::map(one, &mapped).into_iter().map(|y| (y, Some(0))).collect()
}

/// A user's operation.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    op: Arc<dyn Erased>,
    /// What it computes for operands of certain types. Nothing if it runs on the host.
    body: Option<Arc<Jaxpr>>,
    /// The named axes around it, for a rule that runs where only the program is.
    axes: Arc<[Axis]>,
}
impl Own {
    fn of(op: &dyn Erased, types: impl FnOnce() -> Vec<Aval>) -> Own {
        Own { op: op.boxed(), body: (!op.is_host()).then(|| body(op, &types())), axes: bound().into() }
    }
    /// What a rule returned, if it is of these types.
    fn checked(&self, rule: &str, made: Vec<Tangent>, wanted: &[Option<&Aval>]) -> Vec<Tangent> {
        let who = self.op.name();
        if made.len() != wanted.len() {
            let text =
                format!("{who}: the {rule} rule returns {} values and should return {}", made.len(), wanted.len());
            fail(ErrorKind::Structure, text)
        }
        for (i, (d, a)) in made.iter().zip(wanted).enumerate() {
            let (Some(d), Some(a)) = (d, a) else { continue };
            if a.dtype.is_inexact() && (d.dtype() != a.dtype || d.shape() != &a.shape[..]) {
                let kind = if d.dtype() != a.dtype { ErrorKind::Type } else { ErrorKind::Shape };
                fail(
                    kind,
                    format!("{who}: value {i} of the {rule} rule has type {} and should have type {a}", d.aval()),
                )
            }
        }
        let meet = |(d, a): (Tangent, &Option<&Aval>)| match (d, a) {
            (Some(d), Some(a)) if d.dtype() == a.dtype => Some(convert_element_type(&d, a.dtype, a.weak)),
            (Some(d), Some(_)) => Some(d),
            _ => None,
        };
        made.into_iter().zip(wanted).map(meet).collect()
    }
}
impl PartialEq for Own {
    fn eq(&self, o: &Own) -> bool {
        self.op.same(&*o.op) && self.body == o.body && self.axes == o.axes
    }
}
impl Eq for Own {}
impl Hash for Own {
    fn hash<H: Hasher>(&self, mut h: &mut H) {
        self.op.hashed(&mut h);
        self.body.hash(h)
    }
}
impl Primitive for Own {
    fn name(&self) -> &'static str {
        self.op.name()
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        self.op.params().into_iter().map(|(name, text)| (name, text.into())).collect()
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let Some(body) = &self.body else {
            let varying = varying(x);
            let said = self.op.types(x)?;
            return Ok(said.into_iter().map(|a| Aval { varying: a.varying | varying, ..a }).collect());
        };
        let made = call_types(body, x)?;
        let said = {
            let _axes = provide(&self.axes);
            self.op.types(x)?
        };
        let same = |(a, b): (&Aval, &Aval)| a.dtype == b.dtype && a.shape == b.shape;
        if said.len() != made.len() || !said.iter().zip(&made).all(same) {
            let list = |a: &[Aval]| listed(&a.iter().collect::<Vec<_>>());
            return Err(format!("its results have types {} by its type rule, and are {}", list(&said), list(&made)));
        }
        Ok(made)
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        self.jvp_call(x, dx).1
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        let by_body = |j: &Arc<Jaxpr>| j.linear_outs(mask).is_some_and(|outs| outs.iter().all(|o| *o));
        self.op.linear_in(mask) || self.body.as_ref().is_some_and(by_body)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let _axes = provide(&self.axes);
        let n = io.len();
        let back = {
            let x: Vec<Operand> = (0..n)
                .map(|i| if io.is_linear(i) { Operand::Linear(io.aval(i)) } else { Operand::Known(io.known(i)) })
                .collect();
            let wanted: Vec<Option<&Aval>> = (0..n).map(|i| io.is_linear(i).then(|| io.aval(i))).collect();
            self.checked("transpose", self.op.transpose(&x, ct), &wanted)
        };
        for (i, b) in back.into_iter().enumerate() {
            if let Some(b) = b {
                io.add(i, b)
            }
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let _axes = provide(&self.axes);
        let y = self.op.batch(lanes, x, dims);
        let wrong = |(y, d): &(Array, Option<usize>)| d.is_some_and(|d| y.shape().get(d) != Some(&lanes.size));
        if let Some((y, d)) = y.iter().find(|y| wrong(y)) {
            let (name, n, d) = (self.op.name(), lanes.size, d.expect("a dimension"));
            let text = format!(
                "{name}: the batch rule says that {n} lanes lie along dimension {d} of a result of type {}",
                y.aval()
            );
            fail(ErrorKind::Shape, text)
        }
        y.into()
    }
    fn lower(&self, _: &mut Lower, _: &[ValId], _: &[&Aval], _: &[Aval]) -> Vals {
        unreachable!("a composition is inlined when a program is lowered, and the host runs between parts of it")
    }
    fn higher(&self) -> Option<&dyn HigherOrder> {
        Some(self)
    }
    fn inline(&self) -> Option<&Arc<Jaxpr>> {
        self.body.as_ref()
    }
    fn driven(&self) -> bool {
        self.body.as_ref().is_none_or(|j| j.driven())
    }
    fn named_axes(&self) -> AxisSet {
        self.body.as_ref().map_or(0, |j| j.axes)
    }
    fn effect(&self) -> bool {
        self.op.effect() || self.body.as_ref().is_some_and(|j| j.effect)
    }
    fn opaque(&self) -> bool {
        self.body.is_none()
    }
}
impl HigherOrder for Own {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let types: Vec<&Aval> = x.iter().map(|a| a.aval()).collect();
        let want = crate::trace::result_types(self, &types, x, loc);
        if let Some(body) = &self.body {
            return crate::backend::run_jaxpr(body, x, loc);
        }
        let y = {
            let _g = enter(None, None);
            self.op.host(x).expect("a host function")
        };
        let fits = |(y, a): (&Array, &Aval)| y.dtype() == a.dtype && y.shape() == &a.shape[..];
        if y.len() != want.len() || !y.iter().zip(&want).all(fits) {
            let (made, want): (Vec<&Aval>, Vec<&Aval>) = (y.iter().map(|y| y.aval()).collect(), want.iter().collect());
            let text = format!(
                "{}: the host function returns {}, and by the type rule it should return {}",
                self.op.name(),
                listed(&made),
                listed(&want)
            );
            crate::error::raise(Error::new(ErrorKind::Type, text).at(loc))
        }
        let meet = |(y, a): (Array, &Aval)| if y.aval() == a { y } else { y.relabel(a.clone()) };
        y.into_iter().zip(&want).map(meet).collect()
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let _axes = provide(&self.axes);
        let y = bind(self, x);
        let dy = self.op.jvp(x, dx, &y);
        let types: Vec<Option<&Aval>> = y.iter().map(|y| Some(y.aval())).collect();
        let dy = self.checked("jvp", dy, &types).into();
        (y, dy)
    }
    fn linearize(&self, _: &[&Array], _: &[bool]) -> Option<Linearized> {
        None // the rule runs on the tape
    }
}
