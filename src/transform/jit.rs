//! Staging: `jit`, `make_jaxpr`, `eval_shape`.

use super::on_leaves;
use super::signature::Signature;
use crate::array::Array;
use crate::aval::Aval;
use crate::debug::misses;
use crate::error::Loc;
use crate::jaxpr::Jaxpr;
use crate::prim::call::Call;
use crate::trace::axis::bound;
use crate::trace::stage::stage_flat;
use crate::{Arguments, Function, Pytree, tree};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::{Arc, Mutex};

/// `f`, staged into a program once for every structure, shape and element type of its arguments, and then run as that program.
///
/// The bits of the result are those of `f` itself. Arrays that `f` captures become hidden arguments. Inside `f` a value has no
/// number: host `if`s on values are errors that say what to do instead.
///
/// An argument that is taken by value (`Array`, not `&Array`) is given away, which JAX calls donation: if the caller kept no other handle to it, results may
/// lie in its memory. A training step `|p: Params, batch: &Array| ..` so needs no second copy of the parameters.
///
/// ```
/// use cotangent::prelude::*;
/// let f = jit(|x: &Array, n: Static<i32>| x.powi(n.0).sum());
/// assert_eq!(f(&array![1., 2.], Static(3)).to_f64(), 9.0);
/// ```
#[track_caller]
pub fn jit<'f, S, F>(f: F) -> F::With<'f, F::Out>
where
    F: Function<S, Out: Pytree> + 'f,
{
    Jit::new().of(f)
}

/// `jit` with options.
///
/// ```
/// use cotangent::{Jit, make_jaxpr, prelude::*};
/// let f = Jit::new().name("twice").of(|x: &Array| x + x);
/// assert!(make_jaxpr(&f, (&array(1.5),)).to_string().contains("name=twice"));
/// assert_eq!(f(&array(1.5)).to_f64(), 3.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Jit {
    name: Option<String>,
}
impl Jit {
    /// The options of [`jit`].
    ///
    /// ```
    /// use cotangent::{Jit, prelude::*};
    /// assert_eq!(Jit::new().of(|x: &Array| x.powi(2))(&array(5.0)).to_f64(), 25.0);
    /// ```
    pub fn new() -> Jit {
        Jit::default()
    }
    /// The name by which printed programs call the function. Without it, it is the name of a `fn` item.
    ///
    /// ```
    /// use cotangent::{Jit, debug, prelude::*};
    /// let f = Jit::new().name("norm").of(|x: &Array| x.dot(x).sqrt());
    /// let (_, misses) = debug::cache_misses(|| [f(&array![3., 4.]), f(&array![1., 2., 2.])]);
    /// assert_eq!(misses[0].function, "norm");
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Jit {
        self.name = Some(name.into());
        self
    }
    /// The staged function: see [`jit`].
    ///
    /// ```
    /// use cotangent::{Jit, prelude::*};
    /// let step = Jit::new().of(|x: Array, dx: &Array| x - 0.5 * dx);
    /// assert_eq!(step(array![4., 6.], &array![2., 4.]).to_string(), "[3. 4.]");
    /// ```
    #[track_caller]
    pub fn of<'f, S, F>(self, f: F) -> F::With<'f, F::Out>
    where
        F: Function<S, Out: Pytree> + 'f,
    {
        let at = Location::caller();
        let name: Arc<str> = self.name.unwrap_or_else(|| function_name::<F>()).into();
        let cache: Mutex<Vec<Arc<Staged<F::Out>>>> = Mutex::default();
        F::with(move |args| {
            let lent = F::lend(&args);
            let leaves = {
                let mut seen = tree::Borrowed::default();
                F::Args::walk_refs(lent, &mut seen);
                seen.0
            };
            let evaluating = crate::trace::evaluating();
            let axes = if evaluating { vec![] } else { bound() };
            let lock = || cache.lock().unwrap_or_else(|e| e.into_inner());
            // never locked while tracing: a function may call itself
            let hit = lock().iter().find(|s| s.signature.serves::<F::Args>(lent, &axes, &leaves)).cloned();
            let staged = hit.unwrap_or_else(|| {
                let signature = Signature::of::<F::Args>(lent, axes, &leaves);
                let made = Arc::new(stage::<S, F>(&f, lent, signature, &name, at));
                if misses::on() {
                    let before: Vec<Arc<Signature>> = lock().iter().map(|s| s.signature.clone()).collect();
                    misses::staged(&name, at, &made.signature, &before, &made.call.jaxpr)
                }
                let mut all = lock();
                match all.iter().find(|s| s.signature.serves::<F::Args>(lent, &made.signature.axes, &leaves)) {
                    Some(first) => first.clone(),
                    None => {
                        all.push(made.clone());
                        made
                    }
                }
            });
            if evaluating && staged.wants() {
                // What came by value is the function's: with `args` gone, it may be the only owner.
                let all = staged.captured.iter().chain(leaves.iter().copied()).cloned().collect();
                drop(leaves);
                drop(args);
                return staged.call_giving(all, at);
            }
            staged.call(&leaves, at)
        })
    }
}

/// A program, and for which arguments it was staged.
pub(crate) struct Staged<Out> {
    pub signature: Arc<Signature>,
    pub call: Call,
    captured: Vec<Array>,
    /// The structure of the result. Its leaves are abstract and nobody looks at them.
    out: Out,
}
impl<Out: Pytree> Staged<Out> {
    /// The results for these leaves of the arguments, of which the program was staged.
    #[inline]
    pub(crate) fn call(&self, leaves: &[&Array], at: Loc) -> Out {
        let outs = if self.captured.is_empty() {
            crate::trace::bind_at(at, &self.call, leaves)
        } else {
            let args: SmallVec<[&Array; 8]> = self.captured.iter().chain(leaves.iter().copied()).collect();
            crate::trace::bind_at(at, &self.call, &args)
        };
        self.out.rebuild(&mut outs.into_iter())
    }
    /// Could results lie in the memory of arguments?
    #[inline]
    fn wants(&self) -> bool {
        crate::backend::wants(&self.call.jaxpr)
    }
    /// As [`Staged::call`] outside of transformations, with all arguments, which the caller has no use for any more.
    fn call_giving(&self, args: SmallVec<[Array; 8]>, at: Loc) -> Out {
        self.out.rebuild(&mut crate::backend::run_giving(&self.call.jaxpr, args, at).into_iter())
    }
}

/// Runs the function on abstract values of the types that the signature says.
pub(crate) fn stage<S, F: Function<S, Out: Pytree>>(
    f: &F,
    args: <F::Args as Arguments>::Refs<'_>,
    signature: Signature,
    name: &Arc<str>,
    at: Loc,
) -> Staged<F::Out> {
    let mut out = None;
    let (jaxpr, captured) = stage_flat(&mut on_leaves(f, args, &mut out), &signature.avals, at);
    // tracers of the staging trace are not kept alive in the template
    let out = out.expect("the function was called");
    let out = tree::map(&out, |_| crate::array(false));
    Staged { signature: signature.into(), call: Call { jaxpr, name: name.clone() }, captured, out }
}

/// The name of a `fn` item; closures have none.
pub(crate) fn function_name<F>() -> String {
    let full = std::any::type_name::<F>();
    let last = full.rsplit("::").next().unwrap_or(full);
    if last.starts_with('{') || last.contains(['<', '>', ' ', '&', '(']) { "<lambda>".into() } else { last.into() }
}

/// The program that `f` stages for arguments of these types, printable as JAX prints it. Nothing is computed.
///
/// ```
/// use cotangent::prelude::*;
/// let j = cotangent::make_jaxpr(|x: &Array| x.sin() * 2.0, (&array![1., 2., 3.],));
/// assert_eq!(j.to_string(), "{ lambda ; a:f32[3]. let b:f32[3] = sin a; c:f32[3] = mul b 2.0:f32[] in (c,) }");
/// ```
#[track_caller]
pub fn make_jaxpr<S, F>(f: F, args: F::ArgsOf<'_>) -> Arc<Jaxpr>
where
    F: Function<S, Out: Pytree>,
{
    let at = Location::caller();
    let lent = F::lend(&args);
    let x = F::Args::flatten(lent).leaves;
    stage_flat(&mut on_leaves(&f, lent, &mut None), &super::avals(&x), at).0
}

/// Shape and element type of a value that was not computed.
///
/// ```
/// use cotangent::{ShapeDtype, prelude::*};
/// let out = eval_shape(|x: &Array| x.matmul(&x.t()), (&array![[1., 2., 3.], [4., 5., 6.]],));
/// assert_eq!(out[0], ShapeDtype { shape: vec![2, 2], dtype: DType::Float32, weak_type: false });
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShapeDtype {
    /// Extents.
    pub shape: Vec<usize>,
    /// Element type.
    pub dtype: crate::DType,
    /// Whether the element type gives way in promotion.
    pub weak_type: bool,
}
impl ShapeDtype {
    pub(crate) fn of(a: Aval) -> ShapeDtype {
        ShapeDtype { shape: a.shape.to_vec(), dtype: a.dtype, weak_type: a.weak }
    }
}

/// Shapes and element types of the leaves of `f`'s result, by staging it: nothing is computed.
///
/// ```
/// use cotangent::prelude::*;
/// let out = eval_shape(|x: &Array| (x.sum(), x.t()), (&array![[1., 2., 3.]],));
/// assert_eq!((out[0].shape.len(), &out[1].shape[..]), (0, &[3, 1][..]));
/// ```
#[track_caller]
pub fn eval_shape<S, F>(f: F, args: F::ArgsOf<'_>) -> Vec<ShapeDtype>
where
    F: Function<S, Out: Pytree>,
{
    make_jaxpr(f, args).out_avals().into_iter().map(ShapeDtype::of).collect()
}
