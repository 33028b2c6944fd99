//! `checkpoint`: a function whose derivative computes its values again.

use super::on_leaves;
use crate::array::Array;
use crate::prim::Policy;
use crate::prim::checkpoint::{Known, Remat};
use crate::trace::stage::{abstractly, record_flat};
use crate::trace::{bind_at, evaluating};
use crate::{Arguments, Function, Pytree};
use std::panic::Location;

/// `f`, whose derivative keeps the arguments of `f` and computes what else it needs again, in the backward pass. `jax.checkpoint` or
/// `jax.remat`.
///
/// Values and derivatives are those of `f`, to the bit. The backward pass costs one more evaluation of `f`, and until then nothing is
/// in memory of what `f` computed: of a chain of n layers, wrapped in groups of √n, some 2√n layers instead of n. Under
/// [`jit`](crate::jit), too, the compiler does not merge what is computed again with what was, and one block's values
/// are gone before those of the next are computed. [`Checkpoint`] has options, [`saved_residuals`](crate::saved_residuals) tells what is kept.
///
/// Outside of `jit` the function runs once, and its host code may look at values wherever it could without `checkpoint` (not under
/// [`vmap`](crate::vmap)). What it did is written down, and that is what is computed again: the way that it went, not the
/// function. A value of an enclosing transformation that `f` captures is an argument like the others. An effect happens once.
/// (In forward mode, and with a policy that keeps values, what was computed for host code to look at is computed twice.)
///
/// Definition: [jax.checkpoint](https://docs.jax.dev/en/latest/_autosummary/jax.checkpoint.html).
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::checkpoint;
/// let layer = checkpoint(|x: &Array| if x.to_f64() > 0.0 { x.sin() } else { x.cos() });
/// let chain = |x: &Array| layer(&layer(x));
/// let plain = |x: &Array| x.sin().sin();
/// assert_eq!(grad(chain)(&array(0.5)).to_f64(), grad(plain)(&array(0.5)).to_f64());
/// ```
#[track_caller]
pub fn checkpoint<'f, S, F>(f: F) -> F::With<'f, F::Out>
where
    F: Function<S, Out: Pytree> + 'f,
{
    Checkpoint::new().of(f)
}

/// [`checkpoint`] with options.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{Checkpoint, Policy};
/// let f = Checkpoint::new().policy(Policy::dots_saveable()).of(|x: &Array, w: &Array| x.dot(w).tanh());
/// assert_eq!(grad(|x: &Array, w: &Array| f(x, w).sum())(&array![[0.0]], &array![[2.0]]).to_string(), "[[2.]]");
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    policy: Policy,
    prevent_cse: bool,
}
impl Default for Checkpoint {
    fn default() -> Checkpoint {
        Checkpoint { policy: Policy::nothing_saveable(), prevent_cse: true }
    }
}
impl Checkpoint {
    /// The options of [`checkpoint`].
    ///
    /// ```
    /// use cotangent::{Checkpoint, prelude::*, saved_residuals};
    /// let f = Checkpoint::new().of(|x: &Array| x.sin().exp());
    /// let kept = saved_residuals(f, (&array![1., 2.],));
    /// assert_eq!((kept.len(), kept[0].to_string().as_str()), (1, "float32[2], 8 bytes, argument [0]"));
    /// ```
    pub fn new() -> Checkpoint {
        Checkpoint::default()
    }
    /// What is kept beside the arguments; nothing, unless this says so.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, prelude::*, saved_residuals};
    /// let f = |x: &Array, w: &Array| x.dot(w).tanh();
    /// let (x, w) = (array![[1., 2.]], array![[3.], [4.]]);
    /// let kept = |p: Policy| saved_residuals(Checkpoint::new().policy(p).of(f), (&x, &w)).len();
    /// assert_eq!((kept(Policy::nothing_saveable()), kept(Policy::dots_saveable())), (2, 3));
    /// ```
    pub fn policy(mut self, policy: Policy) -> Checkpoint {
        self.policy = policy;
        self
    }
    /// Under [`jit`](crate::jit): whether what is computed again is kept apart from the rest of the program (true, the default). Without
    /// it the compiler may compute it early, beside what it is the same as, which is quicker and saves no memory.
    ///
    /// ```
    /// use cotangent::{Checkpoint, make_jaxpr, prelude::*};
    /// let program = |yes| make_jaxpr(Checkpoint::new().prevent_cse(yes).of(|x: &Array| x.sin()), (&array(1.0),)).to_string();
    /// assert!(program(true).contains("prevent_cse=True") && program(false).contains("prevent_cse=False"));
    /// ```
    pub fn prevent_cse(mut self, prevent_cse: bool) -> Checkpoint {
        self.prevent_cse = prevent_cse;
        self
    }
    /// The function with these options: see [`checkpoint`].
    ///
    /// ```
    /// use cotangent::{Checkpoint, prelude::*};
    /// let block = Checkpoint::new().of(|x: &Array, w: &Array| (x * w).tanh());
    /// let deep = |w: &Array| block(&block(&array(1.0), w), w);
    /// let plain = |w: &Array| ((array(1.0) * w).tanh() * w).tanh();
    /// assert_eq!(grad(deep)(&array(0.5)).to_f64(), grad(plain)(&array(0.5)).to_f64());
    /// ```
    #[track_caller]
    pub fn of<'f, S, F>(self, f: F) -> F::With<'f, F::Out>
    where
        F: Function<S, Out: Pytree> + 'f,
    {
        let at = Location::caller();
        F::with(move |args| {
            let lent = F::lend(&args);
            let leaves = F::Args::flatten(lent).leaves;
            if evaluating() {
                return f.call(F::Args::rebuild_refs(lent, &mut leaves.into_iter())); // nobody asks for a derivative
            }
            let mut out = None;
            let x: Vec<&Array> = leaves.iter().collect();
            let (jaxpr, captured, y) = record_flat(&mut on_leaves(&f, lent, &mut out), &x, at);
            let x: Vec<&Array> = captured.iter().chain(x).collect();
            let known = y.and_then(|y| {
                let x = x.iter().map(|x| x.try_concrete().ok().cloned()).collect::<Option<_>>()?;
                Some(Known { x, y })
            });
            let eager = !abstractly();
            let known = known.filter(|_| !jaxpr.effect); // effects were not had yet
            let Checkpoint { policy, prevent_cse } = self.clone();
            let call = Remat { jaxpr, policy, prevent_cse, differentiated: false, eager, known };
            let outs = bind_at(at, &call, &x);
            out.expect("the function was called").rebuild(&mut outs.into_iter())
        })
    }
}
