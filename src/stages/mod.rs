//! The stages of a function on its way to the machine, to look at: what it was staged to, what that was lowered to, what the engine makes of it, what it
//! costs, and how long each step takes. With the names of `jax.stages`.
//!
//! ```
//! use cotangent::prelude::*;
//! use cotangent::stages::{Text, lower};
//! let lowered = lower(grad(|x: &Array| x.sin().sum()), (&array![0., 1., 2.],));
//! assert!(lowered.as_text(Text::Jaxpr).contains("cos a"));
//! assert!(lowered.as_text(Text::Program).starts_with("program(%0: f32[3]) -> "));
//! let compiled = lowered.compile();
//! assert_eq!(compiled.call((&array![0., 0., 0.],)).to_vec::<f32>(), [1.0, 1.0, 1.0]);
//! assert_eq!(compiled.cost_analysis().transcendentals, 3);
//! assert_eq!(compiled.memory_analysis().output_bytes, 12);
//! println!("{}", compiled.as_text());
//! ```
//!
//! `COTANGENT_DUMP=folder` writes all of it down for every function that a process compiles: `0001-name.jaxpr.txt`, `.program.txt`, `.steps.txt`, `.assembly.txt` and `.html`.
//! The guide is `docs/looking-inside.md`. See also [`debug::cache_misses`](crate::debug::cache_misses()), for why a function is compiled again.

/// The code in the guide is run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/looking-inside.md")]
struct Guide;

mod analysis;
pub(crate) mod clock;
pub(crate) mod dump;
mod page;
mod text;
mod tree;

pub use analysis::{CostAnalysis, MemoryAnalysis};
pub(crate) use tree::equation;

use crate::array::Array;
use crate::error::{ErrorKind, Loc, fail_at};
use crate::jaxpr::Jaxpr;
use crate::trace::axis::bound;
use crate::transform::ShapeDtype;
use crate::transform::jit::{Staged, function_name, stage};
use crate::transform::signature::Signature;
use crate::{Arguments, Function, Pytree};
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tree::Tree;

/// Which text of a [`Lowered`].
///
/// ```
/// use cotangent::{prelude::*, stages::{Text, lower}};
/// let lowered = lower(|x: &Array| -x, (&array(1.0),));
/// assert_eq!(lowered.as_text(Text::Jaxpr), "{ lambda ; a:f32[]. let b:f32[] = neg a in (b,) }");
/// assert!(lowered.as_text(Text::Program).starts_with("program(%0: f32[]) -> "));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Text {
    /// The program that the function was staged to, as JAX prints it.
    Jaxpr,
    /// The tensor programs that it was lowered to. A function with control flow has several, with the operations between them that run them.
    Program,
}

/// A function with all that was made of it.
pub(crate) struct Inside {
    name: Arc<str>,
    at: Loc,
    jaxpr: Arc<Jaxpr>,
    tree: Tree,
}
impl Inside {
    fn new(name: Arc<str>, at: Loc, jaxpr: &Arc<Jaxpr>) -> Arc<Inside> {
        Arc::new(Inside { name, at, jaxpr: jaxpr.clone(), tree: Tree::of(jaxpr, at) })
    }
}

/// A function, staged and lowered for arguments of certain types: see [`lower`].
///
/// ```
/// use cotangent::{prelude::*, stages::{Lowered, lower}};
/// let lowered: Lowered<(Array,), Array> = lower(|x: &Array| x.dot(x), (&array![1., 2.],));
/// assert_eq!(lowered.compile().call((&array![3., 4.],)).to_f64(), 25.0);
/// ```
pub struct Lowered<Args, Out> {
    staged: Arc<Staged<Out>>,
    inside: Arc<Inside>,
    _args: PhantomData<fn(&Args)>,
}

/// `f` for arguments like these, staged and lowered, and neither compiled nor run. JAX says `jit(f).lower(..)`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::stages::lower;
/// let lowered = lower(|x: &Array, w: &Array| x.matmul(w), (&array![[1., 2.], [3., 4.]], &array![[1.], [1.]]));
/// assert_eq!(lowered.cost_analysis().flops, 8);
/// assert_eq!(lowered.out_info()[0].shape, [2, 1]);
/// ```
#[track_caller]
pub fn lower<S, F>(f: F, args: F::ArgsOf<'_>) -> Lowered<F::Args, F::Out>
where
    F: Function<S, Out: Pytree>,
{
    let at = Location::caller();
    let lent = F::lend(&args);
    let x = F::Args::flatten(lent).leaves;
    let axes = if crate::trace::evaluating() { vec![] } else { bound() };
    let signature = Signature::of::<F::Args>(lent, axes, &x.iter().collect::<Vec<_>>());
    let name: Arc<str> = function_name::<F>().into();
    let staged = Arc::new(stage::<S, F>(&f, lent, signature, &name, at));
    let inside = Inside::new(name, at, &staged.call.jaxpr);
    Lowered { staged, inside, _args: PhantomData }
}

impl<Args: Arguments, Out: Pytree> Lowered<Args, Out> {
    /// The program that the function was staged to.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let lowered = lower(|x: &Array| x.sin().cos(), (&array(1.0),));
    /// assert_eq!(lowered.jaxpr().primitives().collect::<Vec<_>>(), ["sin", "cos"]);
    /// ```
    pub fn jaxpr(&self) -> &Arc<Jaxpr> {
        &self.inside.jaxpr
    }
    /// What it was staged or lowered to, as text.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::{Text, lower}};
    /// let text = lower(|x: &Array| x + x, (&array![1, 2],)).as_text(Text::Jaxpr);
    /// assert_eq!(text, "{ lambda ; a:i32[2]. let b:i32[2] = add a a in (b,) }");
    /// ```
    pub fn as_text(&self, kind: Text) -> String {
        match kind {
            Text::Jaxpr => self.inside.jaxpr.to_string(),
            Text::Program => text::program(&self.inside),
        }
    }
    /// Shapes and element types of the leaves of the result.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let info = lower(|x: &Array| (x.sum(), x.gt(1)), (&array![1, 2],)).out_info();
    /// assert_eq!((info[0].dtype, info[1].dtype), (DType::Int32, DType::Bool));
    /// assert_eq!(info[1].shape, [2]);
    /// ```
    pub fn out_info(&self) -> Vec<ShapeDtype> {
        self.inside.jaxpr.out_avals().into_iter().map(ShapeDtype::of).collect()
    }
    /// What the function costs, operation by operation.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let cost = lower(|x: &Array| x.sin() + 1.0, (&array![1., 2.],)).cost_analysis();
    /// assert_eq!((cost.flops, cost.transcendentals), (2, 2));
    /// ```
    pub fn cost_analysis(&self) -> CostAnalysis {
        analysis::cost(&self.inside.tree, false)
    }
    /// Makes it ready to run, with the machine code that its first run would make.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let compiled = lower(|x: &Array, y: &Array| x - y, (&array(0.0), &array(0.0))).compile();
    /// assert_eq!(compiled.call((&array(7.0), &array(4.0))).to_f64(), 3.0);
    /// ```
    pub fn compile(&self) -> Compiled<Args, Out> {
        for p in self.inside.tree.pieces() {
            crate::backend::emit(&p.jaxpr, self.inside.at);
        }
        Compiled { staged: self.staged.clone(), inside: self.inside.clone(), _args: PhantomData }
    }
}

/// A function that is ready to run on arguments of the types that it was lowered for.
///
/// ```
/// use cotangent::{prelude::*, stages::{Compiled, lower}};
/// let f: Compiled<(Array,), Array> = lower(grad(|x: &Array| x.powi(3)), (&array(1.0),)).compile();
/// assert_eq!(f.call((&array(2.0),)).to_f64(), 12.0);
/// ```
pub struct Compiled<Args, Out> {
    staged: Arc<Staged<Out>>,
    inside: Arc<Inside>,
    _args: PhantomData<fn(&Args)>,
}
impl<Args: Arguments, Out: Pytree> Compiled<Args, Out> {
    /// The results for these arguments, a tuple of references. Unlike JAX's it may be called inside of other transformations.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let f = lower(|x: &Array| x * 2, (&array![1, 2],)).compile();
    /// assert_eq!(f.call((&array![5, 6],)).to_string(), "[10 12]");
    /// assert!(catch(|| f.call((&array![5, 6, 7],))).is_err()); // it is not compiled again
    /// ```
    ///
    /// # Panics
    /// If structure, shapes or element types are not those of the arguments that the function was lowered for: it is not compiled again.
    pub fn call(&self, args: Args::Refs<'_>) -> Out {
        let mut seen = crate::tree::Borrowed::default();
        Args::walk_refs(args, &mut seen);
        self.run(args, &seen.0)
    }
    fn run(&self, args: Args::Refs<'_>, leaves: &[&Array]) -> Out {
        let want = &self.staged.signature;
        // a function that was lowered where no axes are named uses none
        let axes = if want.axes.is_empty() { vec![] } else { bound() };
        if !want.serves::<Args>(args, &axes, leaves) {
            let given = Signature::of::<Args>(args, axes, leaves);
            let differences = want.differences(&given, "when it was lowered", "now").join("\n  ");
            fail_at(
                self.inside.at,
                ErrorKind::Structure,
                format!("compiled {}: it is given other arguments\n  {differences}", self.inside.name),
            )
        }
        self.staged.call(leaves, self.inside.at)
    }
    /// What the engine does: for each part of the program that runs as one its groups of operations, with what they read and write, their cost, their nodes, the engine's steps, and
    /// the equations and lines of yours that they came from.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let text = lower(|x: &Array| x.sin() * 2.0, (&array![1., 2., 3.],)).compile().as_text();
    /// assert!(text.contains("sin") && text.contains("mul"), "{text}");
    /// ```
    pub fn as_text(&self) -> String {
        text::steps(&self.inside)
    }
    /// The machine code of each group in Intel's syntax, with what its instructions are for. What the engine would compile only when it has run some times is compiled now. The engine's own
    /// kernels, compiled with it, are not shown; where there is no machine code the text says why. Without the feature `assembly` it says only how long the code is.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::stages::lower;
    /// let compiled = lower(|x: &Array| x * x + 1.0, (&array![1., 2., 3.],)).compile();
    /// let text = compiled.as_assembly();
    /// assert!(text.contains("machine code") || text.contains("elements a round"));
    /// ```
    pub fn as_assembly(&self) -> String {
        text::assembly(&self.inside)
    }
    /// What the function costs as it is compiled.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let lowered = lower(|x: &Array| x.sin() * 2.0, (&array![1., 2., 3., 4.],));
    /// // the two operations run as one group, so that what lies between them is not written
    /// assert_eq!(lowered.compile().cost_analysis().bytes_accessed, 32);
    /// assert_eq!(lowered.cost_analysis().bytes_accessed, 68);
    /// ```
    pub fn cost_analysis(&self) -> CostAnalysis {
        analysis::cost(&self.inside.tree, true)
    }
    /// What memory a run takes.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let memory = lower(|x: &Array| (x.clone(), x * 2.0), (&array![1., 2.],)).compile().memory_analysis();
    /// assert_eq!((memory.alias_bytes, memory.output_bytes), (8, 8)); // one result is the argument
    /// ```
    pub fn memory_analysis(&self) -> MemoryAnalysis {
        analysis::memory(&self.inside.tree)
    }
    /// Runs the function once with a clock that is read between any two steps. A first run also warms memory up: run it twice, and look at the second.
    ///
    /// Timed are the programs that [`as_text`](Compiled::as_text) shows. What an operation derives from them when it runs (lanes that part, the way back of a loop with a bound), what
    /// loops of scalars do in registers, and what other threads do counts as time of the operation. Under a transformation nothing is timed.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let f = lower(|x: &Array| x.sin().sum(), (&array![0., 0.],)).compile();
    /// let (y, profile) = f.profile((&array![0., 0.],));
    /// assert!(y.to_f64() == 0.0 && profile.total() >= profile.in_steps());
    /// println!("{profile}");
    /// ```
    ///
    /// # Panics
    /// As [`call`](Compiled::call).
    pub fn profile(&self, args: Args::Refs<'_>) -> (Out, Profile) {
        let mut seen = crate::tree::Borrowed::default();
        Args::walk_refs(args, &mut seen);
        let pieces = self.inside.tree.pieces();
        pieces.iter().for_each(|p| _ = p.inspected());
        let ((out, total), times) = clock::timed(&pieces, || {
            let start = Instant::now();
            let out = self.run(args, &seen.0);
            (out, start.elapsed())
        });
        (out, Profile { inside: self.inside.clone(), total, times })
    }
    /// A page that shows what became of the function: its equations with your lines, the groups that they run in, bytes and operations of each, and memory in use. It is one file that needs nothing
    /// else. [`Profile::to_html`] is the same with times.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let page = lower(|x: &Array| x.sin(), (&array(1.0),)).compile().to_html();
    /// assert!(page.starts_with("<!DOCTYPE html>") && page.contains("sin"));
    /// ```
    pub fn to_html(&self) -> String {
        page::page(&self.inside, None)
    }
}

/// How long each step of a run took: see [`Compiled::profile`]. It prints as a table.
///
/// ```
/// use cotangent::{prelude::*, stages::{Profile, lower}};
/// let f = lower(|x: &Array| x.matmul(x), (&array![[1., 0.], [0., 1.]],)).compile();
/// let profile: Profile = f.profile((&array![[1., 2.], [3., 4.]],)).1;
/// assert!(profile.to_string().contains("dot"), "{profile}");
/// ```
pub struct Profile {
    inside: Arc<Inside>,
    total: Duration,
    times: clock::Times,
}
impl Profile {
    /// The time of the whole run.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let (_, profile) = lower(|x: &Array| x.exp(), (&array(1.0),)).compile().profile((&array(1.0),));
    /// assert!(!profile.total().is_zero());
    /// ```
    pub fn total(&self) -> Duration {
        self.total
    }
    /// The time of all steps that were timed by themselves.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let (_, profile) = lower(|x: &Array| x.exp(), (&array(1.0),)).compile().profile((&array(1.0),));
    /// assert!(profile.in_steps() <= profile.total()); // the rest is what the call itself costs
    /// ```
    pub fn in_steps(&self) -> Duration {
        self.times.groups.values().flat_map(|(_, groups)| groups).sum()
    }
    /// [`Compiled::to_html`] with the time of each group.
    ///
    /// ```
    /// use cotangent::{prelude::*, stages::lower};
    /// let compiled = lower(|x: &Array| x.exp(), (&array(1.0),)).compile();
    /// let page = compiled.profile((&array(1.0),)).1.to_html();
    /// assert!(page.contains("exp") && page.len() > compiled.to_html().len());
    /// ```
    pub fn to_html(&self) -> String {
        page::page(&self.inside, Some(self))
    }
}
