//! Derivative rules by users: `custom_jvp`, `custom_vjp`, `custom_gradient`, `linear_call`.

use super::jit::function_name;
use super::{avals, given};
use crate::array::Array;
use crate::aval::Aval;
use crate::error::{ErrorKind, Loc, fail_at};
use crate::prim::custom::{Bwd, CustomCall, CustomLin, Forward, Function as Flat, JvpRule, Rule, VjpRule, user};
use crate::prim::{Tangent, convert_element_type, zeros_of};
use crate::trace::linearize::zero_tangent;
use crate::trace::stage::stage_flat;
use crate::trace::{bind_at, current, enter, evaluating};
use crate::transform::tangent_aval;
use crate::{Arguments, Function, Pytree, tree};
use std::panic::Location;
use std::sync::{Arc, OnceLock};

/// `f` with a forward derivative rule of yours instead of its own derivative.
///
/// The rule takes all arguments as a tuple, then their tangents as a tuple, and returns the value and its tangent. The tangent must be
/// linear in the given ones, because reverse mode transposes the rule; derivatives of higher order differentiate what the rule
/// does. Tangents of integers have type `float0`. An argument that does not move has a tangent of zeros.
///
/// The function and the rule own what they capture (`move`), for a staged program may ask for the rule long after this call. They
/// must not capture values that are being traced, if these can move: pass those in as arguments.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::custom_jvp;
/// // log(1 + exp(x)), whose own derivative would divide two infinities
/// let softplus = custom_jvp(
///     |x: &Array| (1.0 + x.exp()).log(),
///     |(x,), (dx,)| ((1.0 + x.exp()).log(), dx * (1.0 - 1.0 / (1.0 + x.exp()))),
/// );
/// assert_eq!(grad(&softplus)(&array(100.0)).to_f64(), 1.0);
/// assert_eq!(jit(grad(&softplus))(&array(0.0)).to_f64(), 0.5);
/// ```
///
/// # Panics
/// When it is differentiated: if value and tangent of the rule differ in structure, shapes or element types, if the value is not of
/// the type that the function has, if the tangent is not linear in the given ones, or if a captured value moves.
#[track_caller]
pub fn custom_jvp<S, F, R>(f: F, rule: R) -> F::With<'static, F::Out>
where
    S: 'static,
    F: Function<S, Out: Pytree> + 'static,
    R: Fn(F::Args, F::Args) -> (F::Out, F::Out) + Send + Sync + 'static,
{
    let at = Location::caller();
    let (f, rule) = (Arc::new(f), Arc::new(rule));
    with_rule(f, ("custom_jvp", at), move |shell| {
        let (rule, shell) = (rule.clone(), shell.clone());
        let jvp = move |x: &[Array], dx: &[Tangent]| {
            let whole = |(x, d): (&Array, &Tangent)| d.clone().unwrap_or_else(|| zero_of(x.aval()));
            let dx: Vec<Array> = x.iter().zip(dx).map(whole).collect();
            let (y, dy) = user(|| rule(shell.args(x), shell.args(&dx)));
            if let Some(m) = tree::difference(&y, &dy) {
                shell.fail(
                    ErrorKind::Structure,
                    format!("the rule's value and its tangent have different structures: {m}"),
                )
            }
            let y = shell.value("rule", y);
            let paths = shell.out().paths.clone();
            let dy = given(shell.who, "tangent", shell.at, &tree::leaves(&dy), &avals(&y), &paths);
            (y, dy)
        };
        Rule::Jvp(Arc::new(UserJvp { jvp, name: function_name::<R>() }))
    })
}

/// `f` with a reverse derivative rule of yours instead of its own derivative.
///
/// `fwd` takes all arguments as a tuple and returns the value and whatever pytree the way back needs, the residuals. `bwd` takes
/// the residuals and a cotangent of the value, and returns cotangents of all arguments as a tuple. That of an integer is not looked at:
/// the argument itself will do. Derivatives of higher order differentiate what `fwd` and `bwd` do.
///
/// Forward mode transposes `bwd`, where that is linear in the cotangent. (JAX refuses it.) What is said of captured values at
/// [`custom_jvp`] holds here, too.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{custom_vjp, prim};
/// // the identity, whose gradient is kept between -1 and 1
/// let clipped = custom_vjp(
///     |x: &Array| x.clone(),
///     |(x,)| (x, ()),
///     |(), ct| (prim::clamp(&array(-1.0), &ct, &array(1.0)),),
/// );
/// assert_eq!(grad(|x: &Array| (5.0 * clipped(x)).sum())(&array![1., 2.]).to_string(), "[1. 1.]");
/// ```
///
/// # Panics
/// When it is differentiated: if the value of `fwd` is not of the type that the function has, if the cotangents that `bwd` returns
/// have not the structure, shapes and element types of the arguments, if a captured value moves; and in forward mode, if `bwd` is
/// not linear.
#[track_caller]
pub fn custom_vjp<S, F, Res, Fwd, Back>(f: F, fwd: Fwd, bwd: Back) -> F::With<'static, F::Out>
where
    S: 'static,
    F: Function<S, Out: Pytree> + 'static,
    Res: Pytree,
    Fwd: Fn(F::Args) -> (F::Out, Res) + Send + Sync + 'static,
    Back: Fn(Res, F::Out) -> F::Args + Send + Sync + 'static,
{
    let at = Location::caller();
    let (f, fwd, bwd) = (Arc::new(f), Arc::new(fwd), Arc::new(bwd));
    with_rule(f, ("custom_vjp", at), move |shell| {
        let (fwd, bwd, shell) = (fwd.clone(), bwd.clone(), shell.clone());
        let fwd = move |x: &[Array]| {
            let (y, res) = user(|| fwd(shell.args(x)));
            let outs = shell.value("forward rule", y);
            let residuals = tree::leaves(&res);
            let (res, bwd, shell, ins) = (template(&res), bwd.clone(), shell.clone(), avals(x));
            let bwd = move |r: &[Array], ct: &[Array]| {
                let (res, ct) = (res.rebuild(&mut r.iter().cloned()), shell.out().tree(ct));
                let back = user(|| bwd(res, ct));
                shell.cotangents(&back, &ins)
            };
            Forward { outs, residuals, bwd: Arc::new(UserBwd(bwd)) }
        };
        Rule::Vjp(Arc::new(UserVjp { fwd, names: [function_name::<Fwd>(), function_name::<Back>()] }))
    })
}

/// A function that returns its value and how to pull a cotangent of it back, as a function of the value that has this derivative.
///
/// What the returned closure captures are the residuals. Otherwise this is [`custom_vjp`].
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::custom_gradient;
/// let f = custom_gradient(|x: &Array| {
///     let x = x.clone();
///     (x.powi(2), move |ct: Array| (ct * 10.0 * &x,)) // a wrong derivative, to be seen
/// });
/// assert_eq!(grad(&f)(&array(3.0)).to_f64(), 30.0);
/// assert_eq!(grad(grad(&f))(&array(3.0)).to_f64(), 10.0);
/// ```
///
/// # Panics
/// As [`custom_vjp`].
#[track_caller]
pub fn custom_gradient<S, F, O, P>(f: F) -> F::With<'static, O>
where
    S: 'static,
    F: Function<S, Out = (O, P)> + 'static,
    O: Pytree,
    P: Fn(O) -> F::Args,
{
    let at = Location::caller();
    let f = Arc::new(f);
    let call = {
        let f = f.clone();
        move |args: F::Args| f.call(args).0
    };
    let make = move |shell: &Arc<Shell<F::Args, O>>| {
        let (f, shell) = (f.clone(), shell.clone());
        let fwd = move |x: &[Array]| {
            let (y, pull) = user(|| f.call(shell.args(x)));
            let outs = shell.value("function", y);
            // the closure as a program: what it captures comes out as residuals
            let (ins, types) = (avals(x), avals(&outs));
            let moving: Vec<Aval> = types.iter().filter(|a| a.dtype.is_inexact()).cloned().collect();
            let mut some = vec![];
            let mut run = |ct: &[Array]| {
                let mut ct = ct.iter().cloned();
                let whole = |a: &Aval| match a.dtype.is_inexact() {
                    true => ct.next().expect("a cotangent"),
                    false => zeros_of(&tangent_aval(a)),
                };
                let ct: Vec<Array> = types.iter().map(whole).collect();
                let back = shell.cotangents(&pull(shell.out().tree(&ct)), &ins);
                some = back.iter().map(|b| b.is_some()).collect();
                back.into_iter().flatten().collect()
            };
            let (jaxpr, residuals) = {
                let _g = enter(current(), None);
                stage_flat(&mut run, &moving, shell.at)
            };
            let bwd = move |r: &[Array], ct: &[Array]| {
                let ct = ct.iter().zip(&types).filter(|(_, a)| a.dtype.is_inexact()).map(|(c, _)| c);
                let mut back = jaxpr.eval(&r.iter().chain(ct).collect::<Vec<_>>()).into_iter();
                some.iter().map(|s| if *s { back.next() } else { None }).collect()
            };
            Forward { outs, residuals, bwd: Arc::new(UserBwd(bwd)) }
        };
        Rule::Vjp(Arc::new(UserVjp { fwd, names: ["fwd".into(), "bwd".into()] }))
    };
    with_rule_of::<S, F, O>(Arc::new(call), function_name::<F>(), ("custom_gradient", at), make)
}

/// `f(residuals, x)`, a function that is linear in `x`, with its transpose: a function of the residuals and a cotangent of the result
/// that returns a cotangent of `x`.
///
/// Reverse mode and [`linear_transpose`](crate::linear_transpose) use the given transpose, and its transpose is `f`. With respect to the
/// residuals the derivative is that of `f`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::linear_call;
/// let scaled = |r: &Array, x: &Array| linear_call(|r: &Array, x: &Array| x / r, |r, ct| ct / r, r, x);
/// assert_eq!(scaled(&array(2.0), &array(3.0)).to_f64(), 1.5);
/// let back = cotangent::linear_transpose(move |x: &Array| scaled(&array(2.0), x), (&array(0.0),));
/// assert_eq!(back(&array(1.0)).0.to_f64(), 0.5);
/// ```
///
/// # Panics
/// If a leaf of `x` or of the result is not of a type with derivatives. When it is transposed: if the transpose's result has not the
/// structure, shapes and element types of `x`.
#[track_caller]
pub fn linear_call<R: Pytree, A: Pytree, O: Pytree>(
    f: impl Fn(&R, &A) -> O + Send + Sync + 'static,
    transpose: impl Fn(&R, &O) -> A + Send + Sync + 'static,
    residuals: &R,
    x: &A,
) -> O {
    linear(Arc::new(f), Arc::new(transpose), residuals, x, Location::caller())
}

type Half<R, A, B> = Arc<dyn Fn(&R, &A) -> B + Send + Sync>;

fn linear<R: Pytree, A: Pytree, O: Pytree>(
    f: Half<R, A, O>,
    transpose: Half<R, O, A>,
    residuals: &R,
    x: &A,
    at: Loc,
) -> O {
    let (r, dx) = (tree::leaves(residuals), tree::leaves(x));
    let mut out = None;
    let n = r.len();
    let mut run = |a: &[Array]| {
        let (r, x) = (residuals.rebuild(&mut a[..n].iter().cloned()), x.rebuild(&mut a[n..].iter().cloned()));
        tree::leaves(out.insert(f(&r, &x)))
    };
    let all: Vec<Array> = r.iter().chain(&dx).cloned().collect();
    let (jaxpr, captured) = stage_flat(&mut run, &avals(&all), at);
    let out = template(&out.expect("the function was called"));
    let outs = jaxpr.out_avals();
    for (what, types, paths) in [("argument", avals(&dx), tree::paths(x)), ("result", outs.clone(), tree::paths(&out))]
    {
        if let Some((a, path)) = types.iter().zip(paths).find(|(a, _)| !a.dtype.is_inexact()) {
            let text = format!(
                "linear_call: the {what}{path} has type {a}, and a linear function is one of real or complex numbers"
            );
            fail_at(at, ErrorKind::Type, text)
        }
    }
    let hidden = captured.len();
    let (ins, from, packed, result) = (avals(&dx), template(x), template(residuals), template(&out));
    let bwd = move |r: &[Array], ct: &[Array]| {
        let (r, ct) = (packed.rebuild(&mut r[hidden..].iter().cloned()), result.rebuild(&mut ct.iter().cloned()));
        let back = user(|| linear(transpose.clone(), f.clone(), &r, &ct, at));
        if let Some(m) = tree::difference(&from, &back) {
            let text =
                format!("linear_call: the transpose's result has another structure than the linear argument: {m}");
            fail_at(at, ErrorKind::Structure, text)
        }
        given("linear_call", "cotangent", at, &tree::leaves(&back), &ins, &tree::paths(&back))
    };
    let prim = CustomLin::given("linear_call".into(), Arc::new(UserBwd(bwd)), hidden + n, jaxpr, outs);
    let args: Vec<&Array> = captured.iter().chain(&all).collect();
    out.rebuild(&mut bind_at(at, &prim, &args).into_iter())
}

/// Two closures as a rule.
struct UserJvp<J> {
    jvp: J,
    name: String,
}
impl<J: Fn(&[Array], &[Tangent]) -> (Vec<Array>, Vec<Tangent>) + Send + Sync> JvpRule for UserJvp<J> {
    fn jvp(&self, x: &[Array], dx: &[Tangent]) -> (Vec<Array>, Vec<Tangent>) {
        (self.jvp)(x, dx)
    }
    fn name(&self) -> &str {
        &self.name
    }
}
struct UserVjp<F> {
    fwd: F,
    names: [String; 2],
}
impl<F: Fn(&[Array]) -> Forward + Send + Sync> VjpRule for UserVjp<F> {
    fn fwd(&self, x: &[Array], _: &[bool]) -> Forward {
        (self.fwd)(x)
    }
    fn names(&self) -> [&str; 2] {
        [&self.names[0], &self.names[1]]
    }
}
/// Cotangents in which zeros are written out.
pub(crate) fn written(ct: &[Tangent]) -> Vec<Array> {
    ct.iter().map(|c| c.clone().expect("zeros are written out")).collect()
}
struct UserBwd<B>(B);
impl<B: Fn(&[Array], &[Array]) -> Vec<Tangent> + Send + Sync> Bwd for UserBwd<B> {
    fn bwd(&self, residuals: &[Array], ct: &[Tangent]) -> Vec<Tangent> {
        (self.0)(residuals, &written(ct))
    }
}

/// What a typed function and its rule share in one call: how arguments are packed and, once either has run, the result.
pub(super) struct Shell<A, O> {
    pub(super) args: A,
    out: OnceLock<Packed<O>>,
    pub(super) who: &'static str,
    pub(super) at: Loc,
}
pub(super) struct Packed<O> {
    pub(super) tree: O,
    avals: Vec<Aval>,
    pub(super) paths: Vec<String>,
}
impl<O: Pytree> Packed<O> {
    fn tree(&self, leaves: &[Array]) -> O {
        self.tree.rebuild(&mut leaves.iter().cloned())
    }
}
impl<A: Pytree, O: Pytree> Shell<A, O> {
    pub(super) fn args(&self, x: &[Array]) -> A {
        self.args.rebuild(&mut x.iter().cloned())
    }
    pub(super) fn out(&self) -> &Packed<O> {
        self.out.get().expect("the function or its rule has run")
    }
    pub(super) fn fail(&self, kind: ErrorKind, text: String) -> ! {
        fail_at(self.at, kind, format!("{}: {text}", self.who))
    }
    /// The leaves of a value. What runs first, the function or its rule, says of which type it is.
    pub(super) fn value(&self, what: &str, y: O) -> Vec<Array> {
        let leaves = tree::leaves(&y);
        let Some(first) = self.out.get() else {
            let _ = self.out.set(Packed { tree: template(&y), avals: avals(&leaves), paths: tree::paths(&y) });
            return leaves;
        };
        if let Some(m) = tree::difference(&first.tree, &y) {
            self.fail(
                ErrorKind::Structure,
                format!("the {what}'s value has another structure than the function's: {m}"),
            )
        }
        let same = |((y, a), path): ((Array, &Aval), &String)| {
            if y.dtype() != a.dtype || y.shape() != &a.shape[..] {
                let kind = if y.dtype() == a.dtype { ErrorKind::Shape } else { ErrorKind::Type };
                let text = format!("the {what}'s value{path} has type {}, but the function's has type {a}", y.aval());
                self.fail(kind, text)
            }
            if y.weak_type() == a.weak { y } else { convert_element_type(&y, a.dtype, a.weak) }
        };
        leaves.into_iter().zip(&first.avals).zip(&first.paths).map(same).collect()
    }
    /// Cotangents that a backward rule returned for inputs of these types.
    fn cotangents(&self, back: &A, ins: &[Aval]) -> Vec<Tangent> {
        if let Some(m) = tree::difference(&self.args, back) {
            let text = format!("the backward rule's result has another structure than the tuple of arguments: {m}");
            self.fail(ErrorKind::Structure, text)
        }
        // for a type without derivatives there is nothing to say, whatever was returned
        let said = |(b, a): (Array, &Aval)| if a.dtype.is_inexact() { b } else { zeros_of(&tangent_aval(a)) };
        let back: Vec<Array> = tree::leaves(back).into_iter().zip(ins).map(said).collect();
        given(self.who, "cotangent", self.at, &back, ins, &tree::paths(&self.args))
    }
}
/// The same tree with leaves that nobody looks at, so that no tracer is kept.
pub(super) fn template<T: Pytree>(x: &T) -> T {
    tree::map(x, |_| crate::array(false))
}
/// The tangent of what does not move, as a value.
pub(super) fn zero_of(a: &Aval) -> Array {
    if a.dtype.is_inexact() { zero_tangent(a) } else { zeros_of(&tangent_aval(a)) }
}

pub(super) fn with_rule<S: 'static, F: Function<S, Out: Pytree> + 'static>(
    f: Arc<F>,
    who: (&'static str, Loc),
    rule: impl Fn(&Arc<Shell<F::Args, F::Out>>) -> Rule + Send + Sync + 'static,
) -> F::With<'static, F::Out> {
    with_rule_of::<S, F, F::Out>(Arc::new(move |args| f.call(args)), function_name::<F>(), who, rule)
}
/// A function with the arguments of `F` that calls `f`, and has the rule that `rule` makes for each call of it.
fn with_rule_of<S: 'static, F: Function<S> + 'static, O: Pytree>(
    f: Arc<dyn Fn(F::Args) -> O + Send + Sync>,
    name: String,
    (who, at): (&'static str, Loc),
    rule: impl Fn(&Arc<Shell<F::Args, O>>) -> Rule + Send + Sync + 'static,
) -> F::With<'static, O> {
    let name: Arc<str> = name.into();
    F::with(move |args| {
        let lent = F::lend(&args);
        let leaves = F::Args::flatten(lent).leaves;
        if evaluating() {
            return f(F::Args::rebuild_refs(lent, &mut leaves.into_iter())); // nobody asks for a derivative
        }
        let args = F::Args::rebuild_refs(lent, &mut leaves.iter().map(|_| crate::array(false)));
        let shell = Arc::new(Shell { args, out: OnceLock::new(), who, at });
        let flat: Flat = {
            let (shell, f) = (shell.clone(), f.clone());
            Arc::new(move |x| {
                let y = user(|| f(shell.args(x)));
                shell.value("function", y)
            })
        };
        let call = CustomCall::live(flat, name.clone(), rule(&shell));
        let outs = bind_at(at, &call, &leaves.iter().collect::<Vec<_>>());
        shell.out().tree(&outs)
    })
}
