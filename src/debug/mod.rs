//! Seeing inside: printing and calling host code from transformed functions, forwards and backwards; finding the operation that makes a NaN, and
//! tracers that leak.
//!
//! Inside a transformed function a value may have no number yet, or as many as there are lanes. What this module prints is printed when the number is
//! known: at once where operations are computed, every time that the program runs under [`jit`](crate::jit()), in every turn of a loop, in the branch that is
//! taken, for every lane of a map in order. It stays in the program whoever reads its results, and in the order in which it was written.
//!
//! ```
//! use cotangent::prelude::*;
//! use cotangent::{debug, vmap};
//! let f = |x: &Array| {
//!     let y = x.sin();
//!     debug::print!("sin {x} = {y:.3}");
//!     &y * &y
//! };
//! let (_, lines) = debug::capture(|| jit(vmap(grad(f)))(&array![0., 1.]));
//! assert_eq!(lines, ["sin 0.0 = 0.000", "sin 1.0 = 0.841"]);
//! ```

pub(crate) mod leaks;
pub(crate) mod misses;
pub(crate) mod text;
pub(crate) mod watch;

use crate::array::{Array, Outs};
use crate::aval::Aval;
use crate::error::Loc;
use crate::prim::callback::{DebugCallback, Host, PureCallback as HostValue, Seen, Work};
use crate::trace::bind_at;
use crate::transform::function_name;
use crate::{Pytree, tree};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex};
use text::Template;

pub use crate::debug_print as print;
pub use crate::prim::callback::VmapMethod;
pub use leaks::leaks;
pub use misses::{CacheMiss, cache_misses, explain_cache_misses};
pub use watch::{infs, nans};

/// Prints a line to the standard output as `println!` does, also from within transformed functions: `debug::print!("step {i}, loss {loss:.4}")`.
///
/// Whatever `println!` takes is taken. An array may have a width and, if it is a scalar, a number of digits; `{:?}` prints it with its element type. A struct with arrays prints with
/// `{:?}` if it derives `Debug`. What is no array is written down when the function is traced. See [the module](self) for when it is printed. A value that has a tangent is printed without it; a
/// tangent itself, in a derivative rule, in forward mode only, for in reverse mode there is none: see [`print_gradient`] for cotangents.
///
/// As `jax.debug.print` with `ordered=True`; under `vmap` with a condition for each lane, only the lanes that take a branch print from it.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{debug, lax};
/// let walk = |x: &Array| lax::fori_loop(0, 2, |i, x| { debug::print!("{i}: {x:>6.2}"); x * 2 }, x);
/// let (_, lines) = debug::capture(|| grad(walk)(&array(1.5)));
/// assert_eq!(lines, ["0:   1.50", "1:   3.00"]);
/// ```
#[macro_export]
macro_rules! debug_print {
    ($($text:tt)*) => { $crate::debug::print_args(::core::format_args!($($text)*)) };
}

/// What [`print!`](crate::debug_print) calls.
#[doc(hidden)]
#[track_caller]
pub fn print_args(text: fmt::Arguments<'_>) {
    let (template, values) = Template::record(text);
    show(Location::caller(), Work::Print(template), &values)
}

fn show(at: Loc, work: Work, x: &[Array]) {
    bind_at(at, &DebugCallback { work, lanes: vec![] }, &x.iter().collect::<Vec<_>>());
}

/// Calls `f` with the concrete value of `x`, whenever it is known: see [the module](self). Under `vmap` it is called for each lane, in order. As
/// `jax.debug.callback` with `ordered=True`.
///
/// What `f` does with arrays is computed, and no transformation sees it. A panic in it goes to whoever runs the program.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::debug;
/// use std::sync::{Arc, Mutex};
/// let seen = Arc::new(Mutex::new(vec![]));
/// let note = seen.clone();
/// let f = jit(move |x: &Array| {
///     let note = note.clone();
///     debug::callback(move |x: Array| note.lock().unwrap().push(x.to_f64()), x);
///     x * 2
/// });
/// (f(&array(1.0)), f(&array(2.0)));
/// assert_eq!(*seen.lock().unwrap(), [1.0, 2.0]);
/// ```
#[track_caller]
pub fn callback<T: Pytree, F: Fn(T) + Send + Sync + 'static>(f: F, x: &T) {
    let at = Location::caller();
    let like = tree::map(x, |_| crate::array(false));
    let host = Host::new(function_name::<F>(), move |x: &[Array]| f(like.rebuild(&mut x.iter().cloned())));
    show(at, Work::Call(host), &tree::leaves(x))
}

/// `f(x)`, computed by host code, as a value of the transformed function. `like` has the structure, shapes and element types of the result; its values are not looked at.
///
/// `f` is to depend on nothing but `x`: it is not called where nobody reads the result, and under `vmap` as [`PureCallback::vmap_method`] says. It has no derivative; give it one with
/// [`custom_jvp`](crate::custom_jvp) or [`custom_vjp`](crate::custom_vjp). As `jax.pure_callback`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{debug, vmap};
/// let parity = |x: &Array| debug::pure_callback(|x: Array| array(x.to_f64().to_bits().count_ones() as f64).astype(x.dtype()), x, x);
/// assert_eq!(jit(vmap(parity))(&array![1., 2., 3.]).to_string(), "[10.  1.  2.]");
/// ```
///
/// # Panics
/// If the result is not of the types of `like`, and when it is differentiated.
#[track_caller]
pub fn pure_callback<T: Pytree, R: Pytree, F: Fn(T) -> R + Send + Sync + 'static>(f: F, like: &R, x: &T) -> R {
    PureCallback::new().run(f, like, x)
}

/// [`pure_callback`] with options.
///
/// ```
/// use cotangent::{debug::{PureCallback, VmapMethod}, prelude::*, vmap};
/// let once = PureCallback::new().vmap_method(VmapMethod::ExpandDims);
/// let shapes = |x: &Array| once.run(|x: Array| &x * 0.0 + x.ndim() as f64, x, x);
/// assert_eq!(vmap(shapes)(&array![[5., 5.], [5., 5.]]).to_string(), "[[2. 2.]\n [2. 2.]]");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct PureCallback {
    method: VmapMethod,
}
impl PureCallback {
    /// The options of [`pure_callback`].
    ///
    /// ```
    /// use cotangent::{debug::PureCallback, prelude::*};
    /// let f = |x: &Array| PureCallback::new().run(|x: Array| array(x.to_f64() as f32 + 0.5), &array(0f32), x);
    /// assert_eq!(jit(f)(&array(1f32)).to_f64(), 1.5);
    /// ```
    pub fn new() -> PureCallback {
        PureCallback::default()
    }
    /// What happens under `vmap`. The default is [`VmapMethod::Sequential`]. (JAX has none: a map without a method is an error there.)
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::debug::{PureCallback, VmapMethod};
    /// use cotangent::vmap;
    /// // host code that takes any number of axes in front is called once for all lanes
    /// let double = |x: &Array| PureCallback::new().vmap_method(VmapMethod::BroadcastAll).run(|x: Array| x * 2.0, x, x);
    /// assert_eq!(vmap(double)(&array![1., 2.]).to_string(), "[2. 4.]");
    /// ```
    pub fn vmap_method(mut self, method: VmapMethod) -> PureCallback {
        self.method = method;
        self
    }
    /// The value: see [`pure_callback`].
    ///
    /// ```
    /// use cotangent::{debug::PureCallback, prelude::*};
    /// let digits = |x: &Array| PureCallback::new().run(|x: Array| array(x.to_string().len() as i32), &array(0), x);
    /// assert_eq!(jit(digits)(&array(12345)).to_string(), "5");
    /// ```
    #[track_caller]
    pub fn run<T: Pytree, R: Pytree, F: Fn(T) -> R + Send + Sync + 'static>(self, f: F, like: &R, x: &T) -> R {
        let at = Location::caller();
        let args = tree::map(x, |_| crate::array(false));
        let host =
            Host::new(function_name::<F>(), move |x: &[Array]| tree::leaves(&f(args.rebuild(&mut x.iter().cloned()))));
        let outs: Vec<Aval> = tree::leaves(like).iter().map(|a| a.aval().clone()).collect();
        let x = tree::leaves(x);
        let made: Outs = bind_at(at, &HostValue { host, outs, method: self.method }, &x.iter().collect::<Vec<_>>());
        like.rebuild(&mut made.into_iter())
    }
}

/// `x` itself, whose cotangent is printed on its way back, after `label` (and the path, if `x` is a container).
///
/// Where several cotangents meet, it is their sum that passes here. If none passes, nothing is printed. Forward mode has no cotangents.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::debug;
/// let f = |x: &Array| { let y = debug::print_gradient("dy", &x.sin()); &y * &y };
/// let (_, lines) = debug::capture(|| jit(grad(f))(&array(0.5)));
/// assert_eq!(lines, ["dy: 0.9588511"]);
/// ```
#[track_caller]
pub fn print_gradient<T: Pytree>(label: &str, x: &T) -> T {
    let at = Location::caller();
    tree::map_with_path(x, |path, x| pass(at, Work::Print(Template::of(&[&format!("{label}{path}: "), ""])), x))
}

/// `x` itself; `f` is called with its cotangent on its way back. What is said of [`print_gradient`] holds.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::debug;
/// let f = |x: &Array| debug::on_gradient(|ct| assert_eq!(ct.to_f64(), 3.0), &x.sin()) * 3.0;
/// jit(grad(f))(&array(0.5));
/// ```
#[track_caller]
pub fn on_gradient<F: Fn(&Array) + Send + Sync + 'static>(f: F, x: &Array) -> Array {
    pass(Location::caller(), Work::Call(Host::new(function_name::<F>(), move |x: &[Array]| f(&x[0]))), x)
}

fn pass(at: Loc, work: Work, x: &Array) -> Array {
    if x.is_tracer() { crate::trace::first(bind_at(at, &Seen { work }, &[x])) } else { x.clone() }
}

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
    /// Does a program run only to find something out, and will run again?
    static QUIET: Cell<bool> = const { Cell::new(false) };
}
struct Restore<T: 'static>(&'static std::thread::LocalKey<RefCell<T>>, Option<T>);
impl<T> Drop for Restore<T> {
    fn drop(&mut self) {
        if let Some(old) = self.1.take() {
            self.0.replace(old);
        }
    }
}

/// What `f` returns, and the lines that were printed meanwhile on this thread, instead of printing them. A line is what one [`print!`](crate::debug_print) of one lane
/// gives; it may have line breaks. What the devices of a [`shard_map`](crate::shard_map()) print comes one device after the other.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::debug;
/// let f = jit(|x: &Array| { debug::print!("x is {x}"); x * 2 });
/// let (y, lines) = debug::capture(|| f(&array(1.5)));
/// assert_eq!((y.to_f64(), &lines[0][..]), (3.0, "x is 1.5"));
/// ```
pub fn capture<R>(f: impl FnOnce() -> R) -> (R, Vec<String>) {
    let _restore = Restore(&LINES, Some(LINES.replace(Some(vec![]))));
    let r = f();
    (r, LINES.take().unwrap_or_default())
}

pub(crate) fn line(text: String) {
    let kept = LINES.with_borrow_mut(|lines| match lines {
        Some(lines) => {
            lines.push(text);
            None
        }
        None => Some(text),
    });
    if let Some(text) = kept {
        println!("{text}")
    }
}

/// What is set on this thread, for others that do its work.
#[derive(Clone)]
pub(crate) struct Scope {
    watch: watch::Watch,
    quiet: bool,
    backward: bool,
    /// What each of them prints, if it is not to be printed.
    lines: Option<Arc<Mutex<BTreeMap<usize, Vec<String>>>>>,
}
impl Scope {
    pub(crate) fn here() -> Scope {
        let lines = LINES.with_borrow(|l| l.is_some()).then(Default::default);
        Scope { watch: watch::now(), quiet: is_quiet(), backward: crate::trace::in_backward(), lines }
    }
    /// Runs the work of number `who` with it.
    pub(crate) fn run<R>(&self, who: usize, f: impl FnOnce() -> R) -> R {
        let _pass = crate::trace::Pass::begin(self.backward);
        let run = || watch::with(self.watch, || if self.quiet { quietly(f) } else { f() });
        let Some(all) = &self.lines else { return run() };
        let (r, lines) = capture(run);
        all.lock().unwrap_or_else(|e| e.into_inner()).insert(who, lines);
        r
    }
    /// Afterwards: what was printed, in the order of the numbers.
    pub(crate) fn end(&self) {
        let all = self.lines.iter().flat_map(|all| std::mem::take(&mut *all.lock().unwrap_or_else(|e| e.into_inner())));
        all.flat_map(|(_, lines)| lines).for_each(line)
    }
}

/// Runs a program whose effects are not to be seen: it will run again.
pub(crate) fn quietly<R>(f: impl FnOnce() -> R) -> R {
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            QUIET.set(self.0)
        }
    }
    let _back = Back(QUIET.replace(true));
    f()
}
pub(crate) fn is_quiet() -> bool {
    QUIET.get()
}
