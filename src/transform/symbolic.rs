//! Derivative rules that know what is zero: which arguments move, which tangents and cotangents are there.

use super::custom::{Shell, template, with_rule, zero_of};
use super::jit::function_name;
use super::{avals, given};
use crate::argnums::{Argnums, Selection};
use crate::array::Array;
use crate::aval::Aval;
use crate::error::{ErrorKind, Loc};
use crate::prim::custom::{Bwd, Forward, JvpRule, Rule, VjpRule, user};
use crate::prim::{Tangent, add_any};
use crate::{Arguments, Function, Pytree, tree};
use std::panic::Location;
use std::sync::Arc;

/// Tangents or cotangents of a `T`, some of which are known to be zero. They are taken from it as values, or asked about.
///
/// ```
/// use cotangent::{Symbolic, prelude::*};
/// let d = Symbolic::from_leaves(&(array(1.0), array![1., 2.]), vec![Some(array(5.0)), None]);
/// let (dx, dy) = d.value();
/// assert_eq!((d.is_zero(), dx.to_f64(), dy.to_string()), (false, 5.0, "[0. 0.]".into()));
/// ```
pub struct Symbolic<T> {
    /// Its leaves mean nothing.
    tree: T,
    leaves: Vec<Tangent>,
    types: Vec<Aval>,
}
impl<T: Pytree> Symbolic<T> {
    /// Of which none is known to be zero.
    ///
    /// ```
    /// use cotangent::{Symbolic, prelude::*};
    /// let d = Symbolic::of((array(3.0), array(0.0)));
    /// assert!(d.leaves().iter().all(|d| d.is_some())); // a zero that is a value counts as any other
    /// ```
    pub fn of(tree: T) -> Symbolic<T> {
        let leaves = tree::leaves(&tree);
        Symbolic { tree: template(&tree), types: avals(&leaves), leaves: leaves.into_iter().map(Some).collect() }
    }
    /// All are zero; they are tangents of `like`.
    ///
    /// ```
    /// use cotangent::{Symbolic, prelude::*};
    /// let d = Symbolic::zero(&array![1., 2.]);
    /// assert_eq!((d.is_zero(), d.value().to_string()), (true, "[0. 0.]".into()));
    /// ```
    pub fn zero(like: &T) -> Symbolic<T> {
        Symbolic::from_leaves(like, vec![None; tree::leaf_count(like)])
    }
    /// Tangents of the leaves of `like`; `None` is zero.
    ///
    /// ```
    /// use cotangent::{Symbolic, prelude::*};
    /// let d = Symbolic::from_leaves(&[array(1.0), array(2.0)], vec![None, Some(array(7.0))]);
    /// assert_eq!(d.value().map(|d| d.to_f64()), [0.0, 7.0]);
    /// ```
    ///
    /// # Panics
    /// If there are not as many as `like` has leaves.
    #[track_caller]
    pub fn from_leaves(like: &T, leaves: Vec<Option<Array>>) -> Symbolic<T> {
        let types = avals(&tree::leaves(like));
        assert_eq!(types.len(), leaves.len(), "one tangent for each leaf");
        Symbolic { tree: template(like), leaves, types }
    }
    /// The leaves; `None` is zero.
    ///
    /// ```
    /// use cotangent::{Symbolic, prelude::*};
    /// let d = Symbolic::from_leaves(&(array(1.0), array(2.0)), vec![None, Some(array(4.0))]);
    /// assert!(d.leaves()[0].is_none());
    /// assert_eq!(d.leaves()[1].as_ref().unwrap().to_f64(), 4.0);
    /// ```
    pub fn leaves(&self) -> &[Option<Array>] {
        &self.leaves
    }
    /// Are all zero?
    ///
    /// ```
    /// use cotangent::{Symbolic, prelude::*};
    /// let like = (array(1.0), array(2.0));
    /// assert!(Symbolic::zero(&like).is_zero());
    /// assert!(!Symbolic::from_leaves(&like, vec![None, Some(array(4.0))]).is_zero());
    /// ```
    pub fn is_zero(&self) -> bool {
        self.leaves.iter().all(|d| d.is_none())
    }
    /// With zeros written out.
    ///
    /// ```
    /// use cotangent::{Symbolic, prelude::*};
    /// let d = Symbolic::from_leaves(&vec![array![1, 2], array![3, 4]], vec![None, None]);
    /// assert_eq!(d.value()[1].dtype(), DType::Float0); // integers have tangents without values
    /// assert_eq!(Symbolic::zero(&array![[1.], [2.]]).value().to_string(), "[[0.]\n [0.]]");
    /// ```
    pub fn value(&self) -> T {
        let whole = |(d, a): (&Tangent, &Aval)| d.clone().unwrap_or_else(|| zero_of(a));
        self.tree.rebuild(&mut self.leaves.iter().zip(&self.types).map(whole))
    }
    /// The same, unless all are zero. Of one array it is that array, if it is there.
    ///
    /// ```
    /// use cotangent::{Symbolic, prelude::*};
    /// assert!(Symbolic::zero(&array(1.0)).nonzero().is_none());
    /// assert_eq!(Symbolic::of(array(6.0)).nonzero().unwrap().to_f64(), 6.0);
    /// ```
    pub fn nonzero(&self) -> Option<T> {
        (!self.is_zero()).then(|| self.value())
    }
}
impl<A: Arguments> Symbolic<A> {
    /// Those of some arguments: `dx.arg(ARG0)`.
    ///
    /// ```
    /// use cotangent::{Symbolic, prelude::*};
    /// let d = Symbolic::from_leaves(&(array(1.0), array(2.0)), vec![None, Some(array(4.0))]);
    /// assert!(d.arg(ARG0).is_zero());
    /// assert_eq!(d.arg(ARG1).value().to_f64(), 4.0);
    /// ```
    #[track_caller]
    pub fn arg<N: Argnums<A>>(&self, n: N) -> Symbolic<N::Picked> {
        let at = selected::<A, N>(&self.tree, &n);
        let tree = n.picked(self.tree.refs(), &mut at.iter().map(|_| crate::array(false)));
        let pick = |i: &usize| (self.leaves[*i].clone(), self.types[*i].clone());
        let (leaves, types) = at.iter().map(pick).unzip();
        Symbolic { tree, leaves, types }
    }
}
/// The numbers of the leaves of some arguments.
#[track_caller]
fn selected<A: Arguments, N: Argnums<A>>(args: &A, n: &N) -> Vec<usize> {
    Selection::new::<A, N>("arg", n).leaves(&A::flatten(args.refs())).to_vec()
}

/// Which arguments move: derivatives are asked for along these, and along no others.
///
/// ```
/// use cotangent::{Moving, custom_vjp_symbolic, prelude::*};
/// let f = custom_vjp_symbolic(
///     |x: &Array, y: &Array| x * y,
///     |(x, y), moving: Moving<(Array, Array)>| {
///         assert_eq!(moving.leaves(), [true, false]); // as the gradient below asks
///         (x * &y, y)
///     },
///     |y, ct| (ct.value() * &y, y.share()),
/// );
/// assert_eq!(grad(&f)(&array(2.0), &array(7.0)).to_f64(), 7.0);
/// ```
pub struct Moving<A> {
    args: A,
    leaves: Vec<bool>,
}
impl<A: Arguments> Moving<A> {
    /// Does some leaf of these arguments move? `moving.arg(ARG0)`.
    ///
    /// ```
    /// use cotangent::{Moving, custom_vjp_symbolic, prelude::*};
    /// let f = custom_vjp_symbolic(
    ///     |x: &Array, y: &Array| x + y,
    ///     |(x, y), moving: Moving<(Array, Array)>| {
    ///         assert!(moving.arg(ARG1) && !moving.arg(ARG0));
    ///         (x + y, ())
    ///     },
    ///     |_, ct| (ct.value(), ct.value()),
    /// );
    /// assert_eq!(grad_argnums(&f, ARG1)(&array(2.0), &array(7.0)).to_f64(), 1.0);
    /// ```
    #[track_caller]
    pub fn arg<N: Argnums<A>>(&self, n: N) -> bool {
        selected::<A, N>(&self.args, &n).iter().any(|i| self.leaves[*i])
    }
    /// For each leaf of the arguments.
    ///
    /// ```
    /// use cotangent::{Moving, custom_vjp_symbolic, prelude::*};
    /// let f = custom_vjp_symbolic(
    ///     |x: &(Array, Array)| &x.0 * 3.0 + &x.1,
    ///     |(x,), moving: Moving<((Array, Array),)>| {
    ///         assert_eq!(moving.leaves().len(), 2); // those of the pair
    ///         (&x.0 * 3.0 + &x.1, ())
    ///     },
    ///     |_, ct| ((ct.value() * 3.0, ct.value()),),
    /// );
    /// assert_eq!(grad(&f)(&(array(1.0), array(1.0))).0.to_f64(), 3.0);
    /// ```
    pub fn leaves(&self) -> &[bool] {
        &self.leaves
    }
}

/// [`custom_jvp`](crate::custom_jvp()) with a rule that is told which tangents are zero, and may say so of its own: JAX's `symbolic_zeros=True`.
///
/// A tangent is zero if its argument does not move, or has no derivative.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{Symbolic, custom_jvp_symbolic};
/// // x^n, whose derivative along n is computed only where n moves
/// let power = custom_jvp_symbolic(
///     |x: &Array, n: &Array| x.pow(n),
///     |(x, n), d| {
///         let y = x.pow(&n);
///         let along = |d: Symbolic<Array>, f: &dyn Fn(Array) -> Array| d.nonzero().map(f);
///         let dx = along(d.arg(ARG0), &|dx| dx * &n * x.pow(&n - 1.0));
///         let dn = along(d.arg(ARG1), &|dn| dn * x.log() * &y);
///         let dy = match (dx, dn) {
///             (Some(a), Some(b)) => Some(a + b),
///             (a, b) => a.or(b),
///         };
///         let dy = Symbolic::from_leaves(&y, vec![dy]);
///         (y, dy)
///     },
/// );
/// // the logarithm of -2 is not asked for
/// assert_eq!(grad(&power)(&array(-2.0), &array(3.0)).to_f64(), 12.0);
/// ```
///
/// # Panics
/// As [`custom_jvp`](crate::custom_jvp()).
#[track_caller]
pub fn custom_jvp_symbolic<S, F, R>(f: F, rule: R) -> F::With<'static, F::Out>
where
    S: 'static,
    F: Function<S, Out: Pytree> + 'static,
    R: Fn(F::Args, Symbolic<F::Args>) -> (F::Out, Symbolic<F::Out>) + Send + Sync + 'static,
{
    forward(f, rule, Location::caller())
}
fn forward<S, F, R>(f: F, rule: R, at: Loc) -> F::With<'static, F::Out>
where
    S: 'static,
    F: Function<S, Out: Pytree> + 'static,
    R: Fn(F::Args, Symbolic<F::Args>) -> (F::Out, Symbolic<F::Out>) + Send + Sync + 'static,
{
    let (f, rule) = (Arc::new(f), Arc::new(rule));
    with_rule(f, ("custom_jvp", at), move |shell| {
        let (rule, shell) = (rule.clone(), shell.clone());
        let jvp = move |x: &[Array], dx: &[Tangent]| {
            let dx = Symbolic { tree: template(&shell.args), leaves: dx.to_vec(), types: avals(x) };
            let (y, dy) = user(|| rule(shell.args(x), dx));
            if let Some(m) = tree::difference(&y, &dy.tree) {
                shell.fail(
                    ErrorKind::Structure,
                    format!("the rule's value and its tangent have different structures: {m}"),
                )
            }
            let y = shell.value("rule", y);
            let checked = |(i, d): (usize, &Tangent)| {
                let (d, like) = (std::slice::from_ref(d.as_ref()?), std::slice::from_ref(y[i].aval()));
                given(shell.who, "tangent", shell.at, d, like, &shell.out().paths[i..=i]).pop().flatten()
            };
            let dy = dy.leaves.iter().enumerate().map(checked).collect();
            (y, dy)
        };
        Rule::Jvp(Arc::new(SymbolicJvp { jvp, name: function_name::<R>() }))
    })
}
struct SymbolicJvp<J> {
    jvp: J,
    name: String,
}
impl<J: Fn(&[Array], &[Tangent]) -> (Vec<Array>, Vec<Tangent>) + Send + Sync> JvpRule for SymbolicJvp<J> {
    fn jvp(&self, x: &[Array], dx: &[Tangent]) -> (Vec<Array>, Vec<Tangent>) {
        (self.jvp)(x, dx)
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn symbolic(&self) -> bool {
        true
    }
}

/// [`custom_vjp`](crate::custom_vjp()) with rules that are told what is zero: JAX's `symbolic_zeros=True`.
///
/// `fwd` gets the arguments, and which of them move. `bwd` gets cotangents of which some may be known to be zero; what it returns for an argument that
/// does not move is not looked at, so that the argument itself will do.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::custom_vjp_symbolic;
/// // x y, which keeps of its arguments only what the way back needs
/// let product = custom_vjp_symbolic(
///     |x: &Array, y: &Array| x * y,
///     |(x, y), moving| {
///         let kept = (moving.arg(ARG1).then(|| x.share()), moving.arg(ARG0).then(|| y.share()));
///         (x * y, kept)
///     },
///     |(x, y), ct| {
///         let ct = ct.value();
///         let times = |z: Option<Array>| z.map_or(array(0.0), |z| &ct * z);
///         (times(y), times(x))
///     },
/// );
/// assert_eq!(grad(&product)(&array(2.0), &array(5.0)).to_f64(), 5.0);
/// ```
///
/// # Panics
/// As [`custom_vjp`](crate::custom_vjp()).
#[track_caller]
pub fn custom_vjp_symbolic<S, F, Res, Fwd, Back>(f: F, fwd: Fwd, bwd: Back) -> F::With<'static, F::Out>
where
    S: 'static,
    F: Function<S, Out: Pytree> + 'static,
    Res: Pytree,
    Fwd: Fn(F::Args, Moving<F::Args>) -> (F::Out, Res) + Send + Sync + 'static,
    Back: Fn(Res, Symbolic<F::Out>) -> F::Args + Send + Sync + 'static,
{
    let at = Location::caller();
    let (f, fwd, bwd) = (Arc::new(f), Arc::new(fwd), Arc::new(bwd));
    with_rule(f, ("custom_vjp", at), move |shell| {
        let (fwd, bwd, shell) = (fwd.clone(), bwd.clone(), shell.clone());
        let fwd = move |x: &[Array], moves: &[bool]| {
            let moving = Moving { args: template(&shell.args), leaves: moves.to_vec() };
            let (y, res) = user(|| fwd(shell.args(x), moving));
            let outs = shell.value("forward rule", y);
            let residuals = tree::leaves(&res);
            let (res, bwd, shell) = (template(&res), bwd.clone(), shell.clone());
            let (ins, types, moves) = (avals(x), avals(&outs), moves.to_vec());
            let bwd = move |r: &[Array], ct: &[Tangent]| {
                let res = res.rebuild(&mut r.iter().cloned());
                let ct = Symbolic { tree: template(&shell.out().tree), leaves: ct.to_vec(), types: types.clone() };
                let back = user(|| bwd(res, ct));
                answered(&shell, &back, &ins, &moves)
            };
            Forward { outs, residuals, bwd: Arc::new(SymbolicBwd(bwd)) }
        };
        Rule::Vjp(Arc::new(SymbolicVjp { fwd, names: [function_name::<Fwd>(), function_name::<Back>()] }))
    })
}
/// Cotangents that a rule returned for the arguments that move.
fn answered<A: Pytree, O: Pytree>(shell: &Shell<A, O>, back: &A, ins: &[Aval], moves: &[bool]) -> Vec<Tangent> {
    if let Some(m) = tree::difference(&shell.args, back) {
        let text = format!("the backward rule's result has another structure than the tuple of arguments: {m}");
        shell.fail(ErrorKind::Structure, text)
    }
    let (back, paths) = (tree::leaves(back), tree::paths(&shell.args));
    let one = |i: usize| {
        if !moves[i] {
            return None;
        }
        given(shell.who, "cotangent", shell.at, &back[i..=i], &ins[i..=i], &paths[i..=i]).pop().flatten()
    };
    (0..ins.len()).map(one).collect()
}
struct SymbolicVjp<F> {
    fwd: F,
    names: [String; 2],
}
impl<F: Fn(&[Array], &[bool]) -> Forward + Send + Sync> VjpRule for SymbolicVjp<F> {
    fn fwd(&self, x: &[Array], moves: &[bool]) -> Forward {
        (self.fwd)(x, moves)
    }
    fn names(&self) -> [&str; 2] {
        [&self.names[0], &self.names[1]]
    }
    fn symbolic(&self) -> bool {
        true
    }
}
struct SymbolicBwd<B>(B);
impl<B: Fn(&[Array], &[Tangent]) -> Vec<Tangent> + Send + Sync> Bwd for SymbolicBwd<B> {
    fn bwd(&self, residuals: &[Array], ct: &[Tangent]) -> Vec<Tangent> {
        (self.0)(residuals, ct)
    }
    fn symbolic(&self) -> bool {
        true
    }
}

/// `f` with a forward rule for each argument, which add up: JAX's `defjvps`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::custom_jvps;
/// let f = custom_jvps(|x: &Array, y: &Array| x.sin() * y)
///     .along(ARG0, |dx, _, (x, y)| dx * x.cos() * y)
///     .along(ARG1, |dy, _, (x, _)| dy * x.sin())
///     .done();
/// assert_eq!(grad(&f)(&array(0.0), &array(3.0)).to_f64(), 3.0);
/// ```
pub fn custom_jvps<S: 'static, F: Function<S, Out: Pytree> + 'static>(f: F) -> CustomJvps<S, F> {
    CustomJvps { f: Arc::new(f), rules: vec![] }
}
/// A function that is being given rules: see [`custom_jvps`].
///
/// ```
/// use cotangent::{custom_jvps, prelude::*};
/// // the slope at 0, where the root has none, is said to be 0
/// let safe = custom_jvps(|x: &Array| x.sqrt()).along(ARG0, |dx, y, _| dx * cotangent::np::where_(&y.gt(0.0), 0.5 / y, 0.0));
/// assert_eq!(grad(safe.done())(&array(0.0)).to_f64(), 0.0);
/// ```
pub struct CustomJvps<S, F: Function<S>> {
    f: Arc<F>,
    rules: Vec<ArgRule<F::Args, F::Out>>,
}
/// The part of the tangent that comes from some arguments, if they move.
type ArgRule<A, O> = Arc<dyn Fn(&Symbolic<A>, &O, &A) -> Option<O> + Send + Sync>;

impl<S: 'static, F: Function<S, Out: Pytree> + 'static> CustomJvps<S, F> {
    /// The part of the tangent that comes from the argument `n`: of its tangent, of the value of the function, and of the arguments. It runs only if the
    /// argument moves. An argument without a rule counts as constant.
    ///
    /// ```
    /// use cotangent::{custom_jvps, prelude::*};
    /// // without a rule the second argument counts as constant
    /// let f = custom_jvps(|x: &Array, y: &Array| x * y).along(ARG0, |dx, _, (_, y)| dx * y).done();
    /// let (dx, dy) = grad_argnums(&f, (ARG0, ARG1))(&array(2.0), &array(5.0));
    /// assert_eq!((dx.to_f64(), dy.to_f64()), (5.0, 0.0));
    /// ```
    pub fn along<N, R>(mut self, n: N, rule: R) -> CustomJvps<S, F>
    where
        N: Argnums<F::Args> + Copy + 'static,
        R: Fn(N::Picked, &F::Out, &F::Args) -> F::Out + Send + Sync + 'static,
    {
        self.rules.push(Arc::new(move |d, y, args| d.arg(n).nonzero().map(|d| rule(d, y, args))));
        self
    }
    /// The function with these rules.
    ///
    /// ```
    /// use cotangent::{custom_jvps, prelude::*};
    /// let cube = custom_jvps(|x: &Array| x.powi(3)).along(ARG0, |dx, _, (x,)| 3.0 * x * x * dx).done();
    /// assert_eq!((cube(&array(2.0)).to_f64(), grad(grad(&cube))(&array(2.0)).to_f64()), (8.0, 12.0));
    /// ```
    ///
    /// # Panics
    /// As [`custom_jvp`](crate::custom_jvp()).
    #[track_caller]
    pub fn done(self) -> F::With<'static, F::Out> {
        let at = Location::caller();
        let CustomJvps { f, rules } = self;
        let f = ruled(Arc::new(move |args| f.call(args)), rules.into(), at);
        F::with(move |args| f(F::own(args)))
    }
}
type Whole<A, O> = dyn Fn(A) -> O + Send + Sync;
fn ruled<A: Arguments, O: Pytree>(f: Arc<Whole<A, O>>, rules: Arc<[ArgRule<A, O>]>, at: Loc) -> Box<Whole<A, O>> {
    let g = f.clone();
    let rule = move |(args,): (A,), dx: Symbolic<(A,)>| {
        // the value follows the rules, too, or derivatives of higher order would not
        let y = ruled(f.clone(), rules.clone(), at)(args.share());
        let dx = Symbolic { tree: dx.tree.0, leaves: dx.leaves, types: dx.types };
        let add = |a: &Array, b: &Array| if a.dtype().is_inexact() { add_any(a, b) } else { a.clone() };
        let parts = rules.iter().filter_map(|rule| rule(&dx, &y, &args));
        let sum = parts.reduce(|sum, part| tree::map2(&sum, &part, add));
        let dy = sum.map_or_else(|| Symbolic::zero(&y), Symbolic::of);
        (y, dy)
    };
    forward(move |args: A| g(args), rule, at)
}
