//! Solutions whose derivatives follow from the equation that they solve, however they were found.

use super::control::of;
use crate::array::Array;
use crate::aval::Aval;
use crate::error::{ErrorKind, Loc, catch, fail_at, raise};
use crate::jaxpr::Jaxpr;
use crate::prim::custom::{CustomCall, JvpRule, Rule};
use crate::prim::held::{Held, among};
use crate::prim::{Tangent, convert_element_type, neg, zeros_of};
use crate::trace::linearize::{linearize_flat, zero_tangent};
use crate::trace::stage::stage_flat;
use crate::trace::transpose::transpose_jaxpr;
use crate::trace::{bind, bind_at};
use crate::transform::avals;
use crate::{Pytree, tree};
use std::panic::Location;
use std::sync::{Arc, Weak};

/// The solution x of `matvec(x) = b` for a linear `matvec`, which `solve(matvec, b)` finds and `transpose_solve(vecmat, b)` finds for the transposed map.
///
/// The derivative is that of the equation: it takes one solution more (of the transposed equation in reverse mode) and never looks into
/// `solve`, which need not be differentiable. Derivatives reach what `matvec` captures, and `b`; what only the solvers capture counts as a way to
/// the same solution. All functions are staged. That the solution is one is not checked. [`LinearSolve`] has the options; as
/// `jax.lax.custom_linear_solve`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// // Jacobi's iteration for a matrix with a large diagonal, and for its transpose
/// let jacobi = |a: &Array, b: &Array| {
///     let d = array![4.0, 5.0];
///     let step = |_: &Array, x: &Array| x + (b - a.dot(x)) / &d;
///     lax::fori_loop(0, 40, step, &(b * 0.0))
/// };
/// let solve = |a: &Array, b: &Array| {
///     lax::custom_linear_solve(|x: &Array| a.dot(x), b, |_, b| jacobi(a, b), |_, b| jacobi(&a.t(), b))
/// };
/// let (a, b) = (array![[4., 1.], [2., 5.]], array![6., 12.]);
/// assert_eq!(solve(&a, &b).to_string(), "[1. 2.]");
/// let (da, db) = grad_argnums(|a: &Array, b: &Array| solve(a, b).sum(), (ARG0, ARG1))(&a, &b);
/// assert!((&db - array![1. / 6., 1. / 6.]).abs().sum().to_f64() < 1e-6);
/// assert!((&da + array![[1. / 6., 2. / 6.], [1. / 6., 2. / 6.]]).abs().sum().to_f64() < 1e-6);
/// ```
///
/// # Panics
/// If `b` is not of real or complex numbers, if a function returns another structure, shape or element type than that of `b`, or if `matvec` is not linear.
#[track_caller]
pub fn custom_linear_solve<T: Pytree>(
    matvec: impl Fn(&T) -> T,
    b: &T,
    solve: impl Fn(&dyn Fn(&T) -> T, &T) -> T,
    transpose_solve: impl Fn(&dyn Fn(&T) -> T, &T) -> T,
) -> T {
    LinearSolve::new(matvec, solve).transpose_solve(transpose_solve).run(b)
}

/// [`custom_linear_solve`] with options.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax::LinearSolve;
/// let half = |b: &Array| LinearSolve::new(|x: &Array| 2.0 * x, |_, b: &Array| b / 2.0).symmetric().run(b);
/// assert_eq!(grad(half)(&array(3.0)).to_f64(), 0.5);
/// // with something beside the solution, which has no derivative
/// let solver = LinearSolve::with_aux(|x: &Array| 2.0 * x, |_, b: &Array| (b / 2.0, array(7)));
/// assert_eq!(solver.run_aux(&array(3.0)).1.to_f64(), 7.0);
/// ```
pub struct LinearSolve<'a, T, A = ()> {
    matvec: Box<dyn Fn(&T) -> T + 'a>,
    solve: Solver<'a, T, (T, A)>,
    transpose_solve: Option<Solver<'a, T, T>>,
    symmetric: bool,
}
/// Solves an equation with a linear map for a right-hand side.
type Solver<'a, T, R> = Box<dyn Fn(&dyn Fn(&T) -> T, &T) -> R + 'a>;

impl<'a, T: Pytree> LinearSolve<'a, T> {
    /// The equation `matvec(x) = b` and how to solve it. Without more there is forward mode, and no reverse mode.
    ///
    /// ```
    /// use cotangent::{lax::LinearSolve, prelude::*};
    /// let third = |b: &Array| LinearSolve::new(|x: &Array| 3. * x, |_, b: &Array| b / 3.).run(b);
    /// assert_eq!(cotangent::jvp(third, (&array(6.),), (&array(1.5),)).1.to_f64(), 0.5);
    /// ```
    pub fn new(matvec: impl Fn(&T) -> T + 'a, solve: impl Fn(&dyn Fn(&T) -> T, &T) -> T + 'a) -> LinearSolve<'a, T> {
        LinearSolve::with_aux(matvec, move |f, b| (solve(f, b), ()))
    }
    /// The solution for this right-hand side: see [`custom_linear_solve`].
    ///
    /// ```
    /// use cotangent::{lax::LinearSolve, prelude::*};
    /// // the factor is a variable, too: the derivative of 6 / a
    /// let solve = |a: &Array| LinearSolve::new(|x: &Array| a * x, |_, b: &Array| b / a).symmetric().run(&array(6.));
    /// assert_eq!((solve(&array(2.)).to_f64(), grad(solve)(&array(2.)).to_f64()), (3., -1.5));
    /// ```
    #[track_caller]
    pub fn run(&self, b: &T) -> T {
        self.run_aux(b).0
    }
}
impl<'a, T: Pytree, A: Pytree> LinearSolve<'a, T, A> {
    /// The same for a solver that returns something beside the solution, such as the number of its steps.
    ///
    /// ```
    /// use cotangent::{lax::LinearSolve, prelude::*};
    /// let solver = LinearSolve::with_aux(|x: &Array| 4. * x, |_, b: &Array| (b / 4., array(1)));
    /// let (x, steps) = solver.run_aux(&array(2.));
    /// assert_eq!((x.to_f64(), steps.to_f64()), (0.5, 1.));
    /// ```
    pub fn with_aux(
        matvec: impl Fn(&T) -> T + 'a,
        solve: impl Fn(&dyn Fn(&T) -> T, &T) -> (T, A) + 'a,
    ) -> LinearSolve<'a, T, A> {
        LinearSolve { matvec: Box::new(matvec), solve: Box::new(solve), transpose_solve: None, symmetric: false }
    }
    /// How to solve the equation with the transposed map, which is derived from `matvec`: for reverse mode.
    ///
    /// ```
    /// use cotangent::{lax::LinearSolve, prelude::*};
    /// let (a, inverse) = (array![[1., 0.], [1., 1.]], array![[1., 0.], [-1., 1.]]);
    /// let solve = |b: &Array| {
    ///     let solver = LinearSolve::new(|x: &Array| a.dot(x), |_, b: &Array| inverse.dot(b));
    ///     solver.transpose_solve(|_, b| inverse.t().dot(b)).run(b).i(1)
    /// };
    /// assert_eq!(grad(solve)(&array![5., 7.]).to_string(), "[-1.  1.]");
    /// ```
    pub fn transpose_solve(mut self, solve: impl Fn(&dyn Fn(&T) -> T, &T) -> T + 'a) -> LinearSolve<'a, T, A> {
        self.transpose_solve = Some(Box::new(solve));
        self
    }
    /// The map is its own transpose, and so the transposed equation is solved as the equation is, unless something else was given.
    ///
    /// ```
    /// use cotangent::{lax::LinearSolve, prelude::*};
    /// let solve = |b: &Array| LinearSolve::new(|x: &Array| 8. * x, |_, b: &Array| b / 8.).symmetric().run(b).sum();
    /// assert_eq!(grad(solve)(&array![1., 2.]).to_string(), "[0.125 0.125]");
    /// ```
    pub fn symmetric(mut self) -> LinearSolve<'a, T, A> {
        self.symmetric = true;
        self
    }
    /// The solution for this right-hand side, and what the solver returned beside it: see [`custom_linear_solve`].
    ///
    /// ```
    /// use cotangent::{lax::LinearSolve, prelude::*};
    /// let solve = |b: &Array| LinearSolve::with_aux(|x: &Array| 2. * x, |_, b: &Array| (b / 2., b.sum())).symmetric().run_aux(b);
    /// let (x, total) = solve(&array![2., 6.]);
    /// assert_eq!((x.to_string(), total.to_f64()), ("[1. 3.]".into(), 8.));
    /// ```
    #[track_caller]
    pub fn run_aux(&self, b: &T) -> (T, A) {
        let at = Location::caller();
        let like = Like::of("custom_linear_solve", b, at);
        like.inexact("b");
        let mut aux = None;
        let (matvec, own) = like.staged("matvec", &mut |x| ((self.matvec)(x), vec![]));
        let (solve, for_solve) = like.staged("solve", &mut |x| {
            let (y, more) = (self.solve)(&*self.matvec, x);
            (y, tree::leaves(aux.insert(more)))
        });
        let back = self.transpose_solve.as_deref();
        let by_solve = |f: &dyn Fn(&T) -> T, b: &T| (self.solve)(f, b).0;
        let symmetric: Option<SolverRef<'_, T, T>> = if self.symmetric { Some(&by_solve) } else { None };
        let back = back.or(symmetric);
        let mut args: Vec<Array> = own.clone();
        let (vecmat, transpose_solve) = match back {
            None => {
                args.extend(for_solve);
                (None, None)
            }
            Some(back) => {
                let vecmat = if self.symmetric { matvec.clone() } else { transposed(&matvec, at) };
                let map = |x: &T| like.of_program(&vecmat, &own, x);
                let f: &dyn Fn(&T) -> T = if self.symmetric { &*self.matvec } else { &map };
                let (solve, for_back) = like.staged("transpose_solve", &mut |x| (back(f, x), vec![]));
                args.extend(own.iter().cloned().chain(for_solve).chain(for_back));
                (Some(vecmat), Some(solve))
            }
        };
        let prim = crate::prim::linear_solve::LinearSolve::new(matvec, vecmat, solve, transpose_solve);
        let args: Vec<&Array> = args.iter().chain(&like.leaves).collect();
        let mut y = bind_at(at, &prim, &args).into_iter();
        let x = b.rebuild(&mut y);
        (x, aux.expect("the function was called").rebuild(&mut y))
    }
}

/// The transposed map, of the same constants.
fn transposed(matvec: &Held, at: Loc) -> Held {
    let varying: Vec<_> = matvec.jaxpr.out_avals().iter().map(|a| Some(a.varying)).collect();
    let linear: Vec<bool> = (0..matvec.jaxpr.ins.len()).map(|i| i >= matvec.consts).collect();
    match catch(|| transpose_jaxpr(&matvec.jaxpr, &linear, &varying, 0, true)) {
        Ok(back) => Held { jaxpr: back.0.clone(), consts: matvec.consts },
        Err(e) if e.kind() == ErrorKind::NotLinear => {
            fail_at(at, ErrorKind::NotLinear, format!("custom_linear_solve: matvec is not linear\n  {e}"))
        }
        Err(e) => raise(e),
    }
}

/// What unknowns look like: their structure and types, and for whom that is said.
struct Like<'a, T> {
    who: &'static str,
    tree: &'a T,
    leaves: Vec<Array>,
    types: Vec<Aval>,
    at: Loc,
}
impl<'a, T: Pytree> Like<'a, T> {
    fn of(who: &'static str, tree: &'a T, at: Loc) -> Like<'a, T> {
        let leaves = tree::leaves(tree);
        Like { who, tree, types: avals(&leaves), leaves, at }
    }
    /// Refuses types without derivatives.
    fn inexact(&self, what: &str) {
        if let Some(i) = self.types.iter().position(|a| !a.dtype.is_inexact()) {
            let path = &tree::paths(self.tree)[i];
            let text = format!(
                "{}: {what}{path} has type {}, and is to be of real or complex numbers",
                self.who, self.types[i]
            );
            fail_at(self.at, ErrorKind::Type, text)
        }
    }
    fn tree(&self, leaves: &[Array]) -> T {
        self.tree.rebuild(&mut leaves.iter().cloned())
    }
    /// The leaves of what the function `name` returned, if they are of these types.
    fn leaves(&self, name: &str, y: &T) -> Vec<Array> {
        if let Some(d) = tree::difference(self.tree, y) {
            let text = format!("{}: {name} returns another structure than it is given: {d}", self.who);
            fail_at(self.at, ErrorKind::Structure, text)
        }
        let meet = |(i, (y, a)): (usize, (Array, &Aval))| {
            if y.shape() != &a.shape[..] || y.dtype() != a.dtype {
                let kind = if y.shape() != &a.shape[..] { ErrorKind::Shape } else { ErrorKind::Type };
                let path = of(&tree::paths(self.tree)[i]);
                fail_at(self.at, kind, format!("{}: {name} returns {} for{path} {a}", self.who, y.aval()))
            }
            convert_element_type(&y, a.dtype, a.weak)
        };
        tree::leaves(y).into_iter().zip(&self.types).enumerate().map(meet).collect()
    }
    /// A function of the unknowns that returns such and more, as a program, and what it captured.
    fn staged(&self, name: &str, f: &mut dyn FnMut(&T) -> (T, Vec<Array>)) -> (Held, Vec<Array>) {
        let mut run = |x: &[Array]| {
            let (y, more) = f(&self.tree(x));
            self.leaves(name, &y).into_iter().chain(more).collect()
        };
        let (jaxpr, captured) = stage_flat(&mut run, &self.types, self.at);
        (Held { jaxpr, consts: captured.len() }, captured)
    }
    fn of_program(&self, f: &Held, consts: &[Array], x: &T) -> T {
        self.tree(&f.jaxpr.eval(&consts.iter().chain(&tree::leaves(x)).collect::<Vec<_>>()))
    }
}

/// A root of `f`, which `solve(f, initial_guess)` finds.
///
/// The derivative with respect to what `f` captures is that of the implicit function theorem: `tangent_solve(g, y)` solves `g(x) = y`, where `g` is the linear map that
/// is the derivative of `f` at the root. It never looks into `solve`, which need not be differentiable; nor do derivatives reach the initial guess. For
/// reverse mode `tangent_solve` is transposed, so it is to be linear in `y`: `y / g(1)` for scalars,
/// [`custom_linear_solve`] for more. All functions are staged. That the root is one is not checked. As `jax.lax.custom_root`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// // Newton's method for the cube root of a
/// let root = |a: &Array| {
///     lax::custom_root(
///         |x: &Array| x.powi(3) - a,
///         &array(1.0),
///         |f, x| lax::while_loop(|x: &Array| f(x).abs().gt(1e-5), |x| x - f(x) / (3.0 * x.powi(2)), x),
///         |g, y| y / g(&array(1.0)),
///     )
/// };
/// assert!((root(&array(8.0)).to_f64() - 2.0).abs() < 1e-5);
/// assert!((jit(grad(root))(&array(8.0)).to_f64() - 1.0 / 12.0).abs() < 1e-5);
/// assert!((grad(grad(root))(&array(8.0)).to_f64() + 1.0 / 144.0).abs() < 1e-5);
/// ```
///
/// # Panics
/// If a function returns another structure, shape or element type than that of the initial guess.
#[track_caller]
pub fn custom_root<T: Pytree>(
    f: impl Fn(&T) -> T,
    initial_guess: &T,
    solve: impl Fn(&dyn Fn(&T) -> T, &T) -> T,
    tangent_solve: impl Fn(&dyn Fn(&T) -> T, &T) -> T,
) -> T {
    root(&f, initial_guess, &|f, x| (solve(f, x), ()), &tangent_solve, Location::caller()).0
}

/// [`custom_root`] with a solver that returns something beside the root, such as the number of its steps. That has no derivative.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let newton = |f: &dyn Fn(&Array) -> Array, x: &Array| {
///     let more = |(x, k): &(Array, Array)| f(x).abs().gt(1e-5) & k.lt(20);
///     lax::while_loop(more, |(x, k): &(Array, Array)| (x - f(x) / (3.0 * x * x), k + 1), &(x.clone(), array(0)))
/// };
/// let linear = |g: &dyn Fn(&Array) -> Array, y: &Array| y / g(&array(1.0));
/// let (root, turns) = lax::custom_root_aux(|x: &Array| x.powi(3) - 8.0, &array(1.0), newton, linear);
/// assert!((root.to_f64() - 2.0).abs() < 1e-5 && turns.to_f64() > 2.0);
/// ```
///
/// # Panics
/// As [`custom_root`].
#[track_caller]
pub fn custom_root_aux<T: Pytree, A: Pytree>(
    f: impl Fn(&T) -> T,
    initial_guess: &T,
    solve: impl Fn(&dyn Fn(&T) -> T, &T) -> (T, A),
    tangent_solve: impl Fn(&dyn Fn(&T) -> T, &T) -> T,
) -> (T, A) {
    root(&f, initial_guess, &solve, &tangent_solve, Location::caller())
}

type SolverRef<'a, T, R> = &'a dyn Fn(&dyn Fn(&T) -> T, &T) -> R;

fn root<T: Pytree, A: Pytree>(
    f: &dyn Fn(&T) -> T,
    guess: &T,
    solve: SolverRef<T, (T, A)>,
    tangent_solve: SolverRef<T, T>,
    at: Loc,
) -> (T, A) {
    let like = Like::of("custom_root", guess, at);
    like.inexact("the initial guess");
    let n = like.types.len();
    let mut aux = None;
    let (at_root, own) = like.staged("f", &mut |x| (f(x), vec![]));
    let (solver, for_solver) = like.staged("solve", &mut |x| {
        let (y, more) = solve(f, x);
        (y, tree::leaves(aux.insert(more)))
    });
    // of the root and of what the linearised function is to give there
    let twice: Vec<Aval> = like.types.iter().chain(&like.types).cloned().collect();
    let mut linear = |a: &[Array]| {
        let mut run = |x: &[Array]| like.leaves("f", &f(&like.tree(x)));
        let (_, g) = linearize_flat(&mut run, &a[..n], &vec![true; n], at, true);
        let g = |x: &T| {
            let dy = g.apply(&like.leaves("tangent_solve", x)).into_iter().zip(&like.types);
            like.tree(&dy.map(|(d, a)| d.unwrap_or_else(|| zeros_of(a))).collect::<Vec<_>>())
        };
        like.leaves("tangent_solve", &tangent_solve(&g, &like.tree(&a[n..])))
    };
    let (jaxpr, for_tangent) = stage_flat(&mut linear, &twice, at);
    let tangent = Held { jaxpr, consts: for_tangent.len() };
    let ignored = |h: &Held| h.const_avals().cloned().map(Err).collect::<Vec<_>>();
    let operands = ignored(&at_root).into_iter().chain((0..solver.consts).map(Ok)).chain(ignored(&tangent));
    let whole = among(&solver.jaxpr, operands.chain((solver.consts..solver.jaxpr.ins.len()).map(Ok)));
    let skipped = solver.consts;
    let rule = Arc::new_cyclic(|me| RootRule { me: me.clone(), f: at_root, tangent, whole, skipped, unknowns: n });
    let args: Vec<&Array> = own.iter().chain(&for_solver).chain(&for_tangent).chain(&like.leaves).collect();
    let mut y = bind_at(at, &rule.call(), &args).into_iter();
    let x = guess.rebuild(&mut y);
    (x, aux.expect("the function was called").rebuild(&mut y))
}

/// From f(p, x(p)) = 0 follows d_p f + d_x f dx = 0: the tangent of the root solves the linearised equation. The operands are the constants of `f`, of the solver,
/// and of the solution of the linearised equation, and the initial guess.
struct RootRule {
    /// The rule of a root is that of its derivatives, too.
    me: Weak<RootRule>,
    f: Held,
    tangent: Held,
    whole: Arc<Jaxpr>,
    /// The constants of the solver.
    skipped: usize,
    unknowns: usize,
}
impl RootRule {
    fn call(&self) -> CustomCall {
        let rule = Rule::Jvp(self.me.upgrade().expect("it is alive"));
        CustomCall::program(self.whole.clone(), 0, "_custom_root".into(), rule)
    }
}
impl JvpRule for RootRule {
    fn jvp(&self, x: &[Array], dx: &[Tangent]) -> (Vec<Array>, Vec<Tangent>) {
        let y = bind(&self.call(), &x.iter().collect::<Vec<_>>()).into_vec();
        let n = self.f.consts;
        let (roots, moving) = (&y[..self.unknowns], dx[..n].iter().map(|d| d.as_ref()).collect::<Vec<_>>());
        let rhs = self.f.along_consts(&x[..n].iter().collect::<Vec<_>>(), roots, &moving);
        let mut dy = vec![None; y.len()];
        if rhs.iter().any(|d| d.is_some()) {
            let whole = |(d, y): (Tangent, &Array)| d.unwrap_or_else(|| zero_tangent(y.aval()));
            let rhs: Vec<Array> = rhs.into_iter().zip(roots).map(whole).collect();
            let consts = &x[n + self.skipped..][..self.tangent.consts];
            let solved = self.tangent.jaxpr.eval(&consts.iter().chain(roots).chain(&rhs).collect::<Vec<_>>());
            for (d, s) in dy.iter_mut().zip(&solved) {
                *d = Some(neg(s))
            }
        }
        (y, dy)
    }
    fn name(&self) -> &str {
        "_root_jvp"
    }
}
