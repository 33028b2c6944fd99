//! Host code between compiled parts: printing, calls that are made for their effect, calls that give values. The functions are in [`debug`](crate::debug).
//!
//! A closure is compared by identity. What is only for the eye ([`DebugCallback`], [`Seen`]) changes no value and is never dropped; a [`PureCallback`] is a value like any other.

use super::held::*;
use super::*;
use crate::debug::text::Template;
use crate::error::{ErrorKind, fail_at};
use crate::trace::batch::to_front;
use crate::trace::{bind, bind1, enter, stray};
use cotangent_cpu::ValId;

/// A closure with a name, equal only to itself.
pub(crate) struct Host<R> {
    f: Arc<dyn Fn(&[Array]) -> R + Send + Sync>,
    name: Arc<str>,
}
impl<R> Host<R> {
    pub(crate) fn new(name: String, f: impl Fn(&[Array]) -> R + Send + Sync + 'static) -> Host<R> {
        Host { f: Arc::new(f), name: name.into() }
    }
    /// Calls it where no transformation runs. A value of one that has ended is an error.
    fn call(&self, x: &[Array]) -> R {
        let _g = enter(None, None);
        (self.f)(x)
    }
    fn param(&self) -> (&'static str, Param) {
        ("callback", Param::Text(self.name.to_string()))
    }
}
impl<R> Clone for Host<R> {
    fn clone(&self) -> Self {
        Host { f: self.f.clone(), name: self.name.clone() }
    }
}
impl<R> PartialEq for Host<R> {
    fn eq(&self, o: &Self) -> bool {
        Arc::ptr_eq(&self.f, &o.f)
    }
}
impl<R> Eq for Host<R> {}
impl<R> Hash for Host<R> {
    fn hash<H: Hasher>(&self, h: &mut H) {
        (Arc::as_ptr(&self.f).cast::<()>() as usize).hash(h)
    }
}
impl<R> Debug for Host<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// What is done with values as they pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Work {
    Print(Template),
    Call(Host<()>),
}
impl Work {
    fn of(&self, x: &[Array]) {
        match self {
            Work::Print(text) => crate::debug::line(text.render(x)),
            Work::Call(host) => host.call(x),
        }
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        match self {
            Work::Print(text) => vec![("fmt", text.to_string().into())],
            Work::Call(host) => vec![host.param()],
        }
    }
}

/// The operands as values. One of a transformation that does not run any more is an error.
pub(crate) fn values(x: &[&Array], loc: Loc) -> Vec<Array> {
    let value = |x: &&Array| match &x.0 {
        Repr::Tracer(n) => stray(n, Some(loc)),
        _ => (*x).clone(),
    };
    x.iter().map(value).collect()
}

/// The lanes of a map around an effect, which happens for one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Level {
    pub size: usize,
    /// The operands that have an axis for the lanes, after those of the levels outside. The others are shared.
    pub mapped: Vec<bool>,
}
impl Level {
    /// These levels inside another one.
    pub(crate) fn around(inner: &[Level], lanes: &Lanes, mapped: &[bool]) -> Vec<Level> {
        let mut all = vec![Level { size: lanes.size, mapped: mapped.to_vec() }];
        all.extend(inner.iter().cloned());
        all
    }
}
/// `f` of the operands of each lane, the outermost map's number counting slowest.
pub(crate) fn each_lane(levels: &[Level], x: &[Array], f: &mut dyn FnMut(&[Array])) {
    let Some((level, inner)) = levels.split_first() else { return f(x) };
    for i in 0..level.size {
        let of = |(x, m): (&Array, &bool)| if *m { element(x, i) } else { x.clone() };
        each_lane(inner, &x.iter().zip(&level.mapped).map(of).collect::<Vec<_>>(), f)
    }
}
/// The element `i` of a concrete array along axis 0.
pub(crate) fn element(x: &Array, i: usize) -> Array {
    let a = x.aval().with_shape(x.shape()[1..].iter().copied());
    let n = a.size() * a.dtype.size();
    x.with_bytes(|b| Array::from_bytes(a.clone(), &b[i * n..(i + 1) * n]))
}

/// Host code that sees values and gives none: see [`debug::print!`](crate::debug::print) and [`debug::callback`](crate::debug::callback).
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, debug};
/// let program = make_jaxpr(|x: &Array| { debug::print!("{x}"); x + 1.0 }, (&array![1., 2.],));
/// assert!(program.to_string().contains("debug_print["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DebugCallback {
    pub(crate) work: Work,
    /// The maps around it, the outermost first.
    pub(crate) lanes: Vec<Level>,
}
impl Primitive for DebugCallback {
    fn name(&self) -> &'static str {
        match self.work {
            Work::Print(_) => "debug_print",
            Work::Call(_) => "debug_callback",
        }
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let mut p = self.work.params();
        if !self.lanes.is_empty() {
            let sizes: Vec<usize> = self.lanes.iter().map(|l| l.size).collect();
            p.push(("lanes", crate::aval::tuple(&sizes).into()))
        }
        p
    }
    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals, String> {
        Ok(Avals::new())
    }
    /// On a tape it waits for the tangents, which only forward mode has.
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, _: &[Tangent], _: &mut Cotangents) {}
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mapped = given(dims);
        let x = in_front(x, dims, &mapped, lanes);
        let all = DebugCallback { work: self.work.clone(), lanes: Level::around(&self.lanes, lanes, &mapped) };
        bind(&all, &x.iter().collect::<Vec<_>>());
        Batched::new()
    }
    driven!();
    fn effect(&self) -> bool {
        true
    }
}
impl HigherOrder for DebugCallback {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let x = values(x, loc);
        if !crate::debug::is_quiet() {
            each_lane(&self.lanes, &x, &mut |x| self.work.of(x))
        }
        Outs::new()
    }
    fn jvp_call(&self, x: &[&Array], _: &[Option<&Array>]) -> (Outs, Tangents) {
        bind(self, x);
        (Outs::new(), Tangents::new())
    }
    fn linearize(&self, x: &[&Array], _: &[bool]) -> Option<Linearized> {
        bind(self, x);
        Some(Linearized { outs: Outs::new(), out_mask: vec![], prim: None, operands: vec![] })
    }
}

/// The identity, whose cotangent is shown: see [`debug::print_gradient`](crate::debug::print_gradient).
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, debug};
/// let program = make_jaxpr(|x: &Array| debug::print_gradient("dx", x), (&array![1., 2.],));
/// assert!(program.to_string().contains("on_gradient[fmt=dx: {}] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seen {
    pub(crate) work: Work,
}
impl Primitive for Seen {
    fn name(&self) -> &'static str {
        "on_gradient"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        self.work.params()
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        Ok(one(x[0].clone()))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| bind1(self, &[d])))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        bind(&DebugCallback { work: self.work.clone(), lanes: vec![] }, &[ct]);
        io.add(0, ct.clone())
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        one((bind1(&Seen { work: self.work.clone() }, &[x[0]]), dims[0]))
    }
    fn lower(&self, _: &mut Lower, x: &[ValId], _: &[&Aval], _: &[Aval]) -> Vals {
        one(x[0])
    }
}

/// What a map does with a callback that gives values.
///
/// ```
/// use cotangent::{debug::{PureCallback, VmapMethod}, prelude::*, vmap};
/// let rank = |how| move |x: &Array| PureCallback::new().vmap_method(how).run(|x: Array| &x * 0 + x.ndim() as i32, x, x);
/// assert_eq!(vmap(rank(VmapMethod::Sequential))(&array![7, 8]).to_string(), "[0 0]"); // each lane alone
/// assert_eq!(vmap(rank(VmapMethod::BroadcastAll))(&array![7, 8]).to_string(), "[1 1]"); // both at once
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum VmapMethod {
    /// It is called for each lane, in order.
    #[default]
    Sequential,
    /// It is called once. Mapped operands have one more axis, in front; the others have one of extent 1.
    ExpandDims,
    /// It is called once. All operands have one more axis, in front, as long as there are lanes.
    BroadcastAll,
}

/// Host code that gives values: see [`debug::pure_callback`](crate::debug::pure_callback).
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, debug};
/// let program = make_jaxpr(|x: &Array| debug::pure_callback(|x: Array| x, x, x), (&array![1., 2.],));
/// assert!(program.to_string().contains("pure_callback["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PureCallback {
    pub(crate) host: Host<Vec<Array>>,
    /// Types of the results.
    pub(crate) outs: Vec<Aval>,
    pub(crate) method: VmapMethod,
}
impl PureCallback {
    /// What has no derivative is asked for one.
    fn refuse(&self, loc: Loc) {
        if self.outs.iter().any(|a| a.dtype.is_inexact()) {
            let text = format!(
                "pure_callback: `{}` is host code, of which no derivative is known; give it one with custom_jvp or custom_vjp",
                self.host.name
            );
            fail_at(loc, ErrorKind::NotDifferentiable, text)
        }
    }
    /// The results are of the types that were promised.
    fn checked(&self, made: Vec<Array>, loc: Loc) -> Outs {
        if made.len() != self.outs.len() {
            let text = format!("pure_callback: {} results are promised, the function gives {}", self.outs.len(), made.len());
            fail_at(loc, ErrorKind::Structure, text)
        }
        let check = |(i, (y, a)): (usize, (Array, &Aval))| {
            if let Repr::Tracer(n) = &y.0 {
                stray(n, Some(loc))
            }
            if y.dtype() != a.dtype || y.shape() != &a.shape[..] {
                let kind = if y.dtype() != a.dtype { ErrorKind::Type } else { ErrorKind::Shape };
                let text = format!("pure_callback: result {i} has type {}, but {a} is promised", y.aval());
                fail_at(loc, kind, text)
            }
            if y.aval() == a { y } else { y.relabel(a.clone()) }
        };
        made.into_iter().zip(&self.outs).enumerate().map(check).collect()
    }
}
impl Primitive for PureCallback {
    fn name(&self) -> &'static str {
        "pure_callback"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let types: Vec<String> = self.outs.iter().map(|a| format!("ShapedArray({a})")).collect();
        let comma = if types.len() == 1 { "," } else { "" };
        let method = match self.method {
            VmapMethod::Sequential => "sequential",
            VmapMethod::ExpandDims => "expand_dims",
            VmapMethod::BroadcastAll => "broadcast_all",
        };
        vec![
            self.host.param(),
            ("result_avals", format!("({}{comma})", types.join(", ")).into()),
            ("sharding", "None".into()),
            ("vmap_method", method.into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let varying = varying(x);
        Ok(self.outs.iter().map(|a| Aval { varying, ..a.clone() }).collect())
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let x: Vec<Array> = match self.method {
            VmapMethod::Sequential => return super::partition::apart(self, lanes, x, dims),
            VmapMethod::BroadcastAll => all_front(lanes, x, dims),
            VmapMethod::ExpandDims => {
                let front = |(x, d): (&&Array, &Option<usize>)| to_front(x, *d, if d.is_some() { lanes.size } else { 1 });
                x.iter().zip(dims).map(front).collect()
            }
        };
        let outs = self.outs.iter().map(|a| a.with_shape([lanes.size].into_iter().chain(a.shape.iter().copied())));
        let all = PureCallback { outs: outs.collect(), ..self.clone() };
        bind(&all, &x.iter().collect::<Vec<_>>()).into_iter().map(|y| (y, Some(0))).collect()
    }
    driven!();
    fn opaque(&self) -> bool {
        true
    }
}
impl super::partition::Apart for PureCallback {}
impl HigherOrder for PureCallback {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let x = values(x, loc);
        self.checked(self.host.call(&x), loc)
    }
    fn jvp_call(&self, x: &[&Array], _: &[Option<&Array>]) -> (Outs, Tangents) {
        self.refuse(crate::trace::ambient().unwrap_or_else(std::panic::Location::caller));
        (bind(self, x), smallvec::smallvec![None; self.outs.len()])
    }
    fn linearize(&self, x: &[&Array], _: &[bool]) -> Option<Linearized> {
        self.refuse(crate::trace::ambient().unwrap_or_else(std::panic::Location::caller));
        Some(Linearized { outs: bind(self, x), out_mask: vec![false; self.outs.len()], prim: None, operands: vec![] })
    }
}

/// Recorded programs cannot hold host code.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    // closures are compared by identity, so that samples which are run again and again need lasting ones
    static SEE: std::sync::LazyLock<Host<()>> = std::sync::LazyLock::new(|| Host::new("see".into(), |_| ()));
    static NEXT: std::sync::LazyLock<Host<Vec<Array>>> = std::sync::LazyLock::new(|| {
        Host::new("next".into(), |x| vec![convert_element_type(&add(&x[0], &lit(&x[0], 1.0)), x[0].dtype(), false)])
    });
    fn see(x: &Array) {
        bind(&DebugCallback { work: Work::Call(SEE.clone()), lanes: vec![] }, &[x]);
    }
    fn next(x: &Array, method: VmapMethod) -> Array {
        let outs = vec![Aval::new(x.dtype(), x.shape())];
        bind1(&PureCallback { host: NEXT.clone(), outs, method }, &[x])
    }
    let x = || vec![crate::array(vec![1.5f64, -2.0])];
    let n = || vec![crate::array(vec![3i32, -2])];
    vec![
        Case {
            name: "an effect between two operations",
            args: x(),
            run: |x| {
                let y = sin(&x[0]);
                see(&y);
                vec![mul(&y, &x[0])]
            },
        },
        Case {
            name: "a line",
            args: x(),
            run: |x| {
                let work = Work::Print(Template::of(&["x is ", ""]));
                bind(&DebugCallback { work, lanes: vec![] }, &[&x[0]]);
                vec![exp(&x[0])]
            },
        },
        Case {
            name: "a cotangent that is seen",
            args: x(),
            run: |x| vec![bind1(&Seen { work: Work::Call(SEE.clone()) }, &[&mul(&x[0], &x[0])])],
        },
        Case { name: "lane by lane", args: n(), run: |x| vec![next(&x[0], VmapMethod::Sequential)] },
        Case { name: "all lanes at once", args: n(), run: |x| vec![next(&x[0], VmapMethod::BroadcastAll)] },
        Case { name: "lanes and an axis for them", args: n(), run: |x| vec![next(&x[0], VmapMethod::ExpandDims)] },
    ]
}
