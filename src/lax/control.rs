//! Control flow over containers: branches and loops whose bodies are ordinary functions.
//!
//! The functions are staged, here as in JAX, whatever runs around them: their programs have types, which are compared where they meet. Arrays
//! that they capture, tracers of surrounding transformations too, become operands.

use crate::array::{Array, Outs, Repr};
use crate::aval::Aval;
use crate::dtype::{DType, promote};
use crate::error::{ErrorKind, Loc, fail_at};
use crate::jaxpr::Jaxpr;
use crate::prim::bounded::{Bounded, Loop};
use crate::prim::convert_element_type;
use crate::trace::batch::{Lanes, batch_flat, to_front};
use crate::trace::bind_at;
use crate::trace::stage::stage_flat;
use crate::{Pytree, tree};
use std::panic::Location;
use std::sync::Arc;

/// `yes(x)` if `pred` holds, else `no(x)`. Only one of them runs. Under `vmap`, with a `pred` of its own for each lane, each runs for the lanes that
/// chose it (unless the lanes communicate inside, or [`Vmap::select`](crate::Vmap::select) says so: then both run for all, and each lane takes
/// its result).
///
/// `pred` is a scalar; a number counts as true if it is not 0. Both functions are staged, also the one that does not run, and must return the same
/// structure, shapes and element types (weak types give way). Differentiable in both modes, with respect to `x` and to what the functions
/// capture. As `jax.lax.cond`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// let f = |x: &Array| lax::cond(&x.gt(0), |x| x.sin(), |x| 2.0 * x, x);
/// assert_eq!(jit(f)(&array(-3.0)).to_f64(), -6.0);
/// assert_eq!(grad(jit(f))(&array(0.0)).to_f64(), 2.0);
/// ```
///
/// # Panics
/// If `pred` is not a scalar, or the results have different types.
#[track_caller]
pub fn cond<T: Pytree, R: Pytree>(pred: &Array, yes: impl Fn(&T) -> R, no: impl Fn(&T) -> R, x: &T) -> R {
    let at = Location::caller();
    if pred.ndim() != 0 {
        fail_at(at, ErrorKind::Shape, format!("cond: the predicate must be a scalar, it has type {}", pred.aval()))
    }
    if pred.dtype() == DType::Key {
        fail_at(at, ErrorKind::Type, "cond: a key is neither true nor false")
    }
    let holds =
        if pred.dtype() == DType::Bool { pred.clone() } else { crate::prim::ne(pred, &crate::prim::lit(pred, 0.0)) };
    choose("cond", &convert_element_type(&holds, DType::Int32, false), &[&no, &yes], x, at)
}

/// Branch number `index` of `x`. A number out of range is clamped. As `jax.lax.switch`; what is said of [`cond`] holds here.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// let f = |i: &Array, x: &Array| lax::switch(i, &[&|x: &Array| x + 1, &|x: &Array| x * 2, &|x: &Array| x.powi(2)], x);
/// assert_eq!(f(&array(1), &array(5.0)).to_f64(), 10.0);
/// assert_eq!(jit(f)(&array(7), &array(5.0)).to_f64(), 25.0);
/// ```
///
/// # Panics
/// If `index` is not a scalar integer, if there is no branch, or if the results have different types.
#[track_caller]
pub fn switch<T: Pytree, R: Pytree>(index: &Array, branches: &[&dyn Fn(&T) -> R], x: &T) -> R {
    let at = Location::caller();
    if index.ndim() != 0 || !index.dtype().is_integer() {
        let text = format!("switch: a branch is chosen by a scalar integer, not by a value of type {}", index.aval());
        fail_at(at, if index.ndim() != 0 { ErrorKind::Shape } else { ErrorKind::Type }, text)
    }
    let index = convert_element_type(index, DType::Int32, false);
    let last = branches.len().saturating_sub(1) as i32;
    let index = crate::prim::min(&crate::prim::max(&index, &number(0)), &number(last));
    choose("switch", &index, branches, x, at)
}

fn number(n: i32) -> Array {
    convert_element_type(&crate::array(n), DType::Int32, false)
}

fn choose<T: Pytree, R: Pytree>(who: &str, index: &Array, branches: &[&dyn Fn(&T) -> R], x: &T, at: Loc) -> R {
    let leaves = tree::leaves(x);
    let types: Vec<Aval> = leaves.iter().map(|a| a.aval().clone()).collect();
    let mut results: Vec<R> = vec![];
    let mut staged: Vec<(Arc<Jaxpr>, Vec<Array>)> = vec![];
    // what the branches have in common is known once all were seen; then those that differ by weakness are staged again
    let mut common: Option<Vec<(DType, bool)>> = None;
    loop {
        results.clear();
        staged.clear();
        for f in branches {
            let mut out = None;
            let mut run = |y: &[Array]| {
                let o = f(&x.rebuild(&mut y.iter().cloned()));
                let mut leaves = tree::leaves(out.insert(o));
                for (leaf, (dtype, weak)) in leaves.iter_mut().zip(common.iter().flatten()) {
                    *leaf = convert_element_type(leaf, *dtype, *weak)
                }
                leaves
            };
            staged.push(stage_flat(&mut run, &types, at));
            results.push(out.expect("the function was called"))
        }
        let Some(first) = results.first() else { fail_at(at, ErrorKind::Value, format!("{who}: there is no branch")) };
        let mut meet: Vec<(DType, bool)> = staged[0].0.out_avals().iter().map(|a| (a.dtype, a.weak)).collect();
        let mut differ = false;
        let branch = |k: usize| match who {
            "switch" => format!("branch {k}"),
            _ => ["the function for false", "the function for true"][k].to_string(),
        };
        for (k, other) in results.iter().enumerate().skip(1) {
            if let Some(d) = tree::structure(first).difference(&tree::structure(other)) {
                fail_at(
                    at,
                    ErrorKind::Structure,
                    format!("{who}: {} and {} return different structures: {d}", branch(0), branch(k)),
                )
            }
            for (i, (a, b)) in staged[0].0.out_avals().iter().zip(staged[k].0.out_avals()).enumerate() {
                let together = promote((meet[i].0, meet[i].1), (b.dtype, b.weak));
                let gives_way = (meet[i].1 || a.dtype == together.0) && (b.weak || b.dtype == together.0);
                if a.shape != b.shape || !(gives_way || a.dtype == b.dtype) {
                    let path = &tree::paths(first)[i];
                    fail_at(
                        at,
                        if a.shape != b.shape { ErrorKind::Shape } else { ErrorKind::Type },
                        format!(
                            "{who}: result{} has type {a} from {} and {b} from {}: all branches must return the same types",
                            of(path),
                            branch(0),
                            branch(k)
                        ),
                    )
                }
                differ |= together != (a.dtype, a.weak) || together != (b.dtype, b.weak);
                meet[i] = together
            }
        }
        if !differ || common.is_some() {
            break;
        }
        common = Some(meet)
    }
    // each branch takes what the others captured, too, and ignores it
    let captured: Vec<Array> = staged.iter().flat_map(|s| s.1.iter().cloned()).collect();
    let mut before = 0;
    let programs = staged
        .iter()
        .map(|(j, own)| {
            let first = before;
            before += own.len();
            let mut extra = vec![];
            let mut ins = vec![];
            for (i, c) in captured.iter().enumerate() {
                ins.push(if (first..before).contains(&i) {
                    j.ins[i - first]
                } else {
                    extra.push(c.aval().clone());
                    (j.avals.len() + extra.len() - 1) as u32
                })
            }
            ins.extend(&j.ins[own.len()..]);
            j.rewire(ins, j.outs.clone(), &extra)
        })
        .collect();
    let args: Vec<&Array> = captured.iter().chain(&leaves).collect();
    let outs = crate::prim::cond::cond_at(at, index, programs, &args);
    results[0].rebuild(&mut outs.into_iter())
}

/// The path of a leaf as part of a sentence.
pub(super) fn of(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" {path}") }
}

/// A loop over the elements of arrays: `f(carry, x) -> (carry, y)` for each element `x` of `xs` along axis 0, beginning with `init`. Returns the
/// last carry, and all `y` as arrays along axis 0.
///
/// The carry keeps its structure, shapes and element types from turn to turn (a weakly typed one takes the type that the function gives it). The
/// function is staged once, however long the loop; only what one turn needs is in memory beside the results, and in reverse mode the values
/// of each turn that the derivative needs. As `jax.lax.scan`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// let running = |xs: &Array| lax::scan(|sum: &Array, x: &Array| (sum + x, sum * x), &array(0.0), xs);
/// let (total, products) = running(&array![1., 2., 3.]);
/// assert_eq!((total.to_f64(), products.to_string()), (6.0, "[0. 2. 9.]".to_string()));
/// assert_eq!(grad(|xs: &Array| running(xs).1.sum())(&array![1., 2., 3.]).to_string(), "[5. 4. 3.]");
/// ```
///
/// # Panics
/// If the arrays of `xs` have different lengths or are scalars, if there are none (see [`Scan::length`]), or if a carry changes its type: the message
/// names the leaf.
#[track_caller]
pub fn scan<C: Pytree, X: Pytree, Y: Pytree>(f: impl Fn(&C, &X) -> (C, Y), init: &C, xs: &X) -> (C, Y) {
    Scan::new().run(f, init, xs)
}

/// [`scan`] with options.
///
/// ```
/// use cotangent::{lax::Scan, prelude::*};
/// let double = |x: &Array, _: &()| (2. * x, x.clone());
/// let (last, all) = Scan::new().length(3).run(double, &array(1.), &());
/// assert_eq!((last.to_f64(), all.to_string()), (8.0, "[1. 2. 4.]".into()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Scan {
    length: Option<usize>,
    reverse: bool,
    unroll: Option<usize>,
    memory: Option<usize>,
}
impl Default for Scan {
    fn default() -> Scan {
        Scan::new()
    }
}
impl Scan {
    /// The options of [`scan`].
    ///
    /// ```
    /// use cotangent::{lax::Scan, prelude::*};
    /// let (total, _) = Scan::new().run(|s: &Array, x: &Array| (s + x, ()), &array(0), &array![3, 4, 5]);
    /// assert_eq!(total.to_string(), "12");
    /// ```
    pub fn new() -> Scan {
        Scan { length: None, reverse: false, unroll: Some(1), memory: None }
    }
    /// The number of turns: needed where `xs` has no arrays, as `()`, checked where it has.
    ///
    /// ```
    /// use cotangent::{lax::Scan, prelude::*};
    /// let (x, ()) = Scan::new().length(10).run(|x: &Array, _: &()| (x + 3, ()), &array(0), &());
    /// assert_eq!(x.to_string(), "30");
    /// ```
    pub fn length(mut self, turns: usize) -> Scan {
        self.length = Some(turns);
        self
    }
    /// Begins with the last element. The results `y` stand where their elements did.
    ///
    /// ```
    /// use cotangent::{lax::Scan, prelude::*};
    /// let running = |s: &Array, x: &Array| (s + x, s + x);
    /// assert_eq!(Scan::new().reverse(true).run(running, &array(0), &array![1, 2, 3]).1.to_string(), "[6 5 3]");
    /// ```
    pub fn reverse(mut self, yes: bool) -> Scan {
        self.reverse = yes;
        self
    }
    /// So many turns stand in one body of the loop when it runs, and those that are left over follow it; 0 means all turns, and no loop. Neither
    /// results nor derivatives depend on it, not in a bit: it trades the size of the compiled program for what a turn costs beside its work.
    ///
    /// ```
    /// use cotangent::{lax::Scan, prelude::*};
    /// let power = |scan: Scan| scan.length(7).run(|y: &Array, _: &()| (y * 1.1, ()), &array(1.), &()).0.to_f64();
    /// assert_eq!(power(Scan::new().unroll(3)), power(Scan::new()));
    /// ```
    pub fn unroll(mut self, turns: usize) -> Scan {
        self.unroll = Some(turns);
        self
    }
    /// How many bytes reverse mode may keep of the turns. Without it, it keeps what the derivative needs of every turn. With it, it keeps the carry of as many
    /// turns as there is room for (of one at least), and computes the others again: each once, if there is room for all, and a few times more often
    /// the less there is, on the schedule that is best for the room (binomial checkpoints). Results are the same, bit for bit. In a derivative of a
    /// derivative the bound holds for the inner one. A loop of lanes has the room for all of them; where a gradient is mapped, and not the loop,
    /// as by `vmap(grad(f))` under `jit` and by `jacrev`, each lane may have it.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::lax;
    /// let f = |scan: lax::Scan| move |x: &Array| scan.length(1000).run(|c: &Array, _: &()| ((c * 0.999).sin(), ()), x, &()).0;
    /// let x = array(1.0f64);
    /// // the carry of twenty turns instead of a thousand
    /// let little = grad(f(lax::Scan::new().memory(160)))(&x);
    /// assert_eq!(little.to_f64(), grad(f(lax::Scan::new()))(&x).to_f64());
    /// ```
    pub fn memory(mut self, bytes: usize) -> Scan {
        self.memory = Some(bytes);
        self
    }
    /// No loop when it runs: JAX's `unroll=True`.
    ///
    /// ```
    /// use cotangent::{lax::Scan, prelude::*};
    /// let power = |x: &Array| Scan::new().unroll_all().length(3).run(|y: &Array, _: &()| (y * x, ()), &array(1.), &()).0;
    /// assert_eq!(grad(power)(&array(2.)).to_f64(), 12.0);
    /// ```
    pub fn unroll_all(mut self) -> Scan {
        self.unroll = None;
        self
    }
    /// The loop: see [`scan`].
    ///
    /// ```
    /// use cotangent::{lax::Scan, prelude::*};
    /// // the carry and the elements may be trees
    /// let step = |(a, b): &(Array, Array), x: &Array| ((b.clone(), a + b), a * x);
    /// let ((a, b), products) = Scan::new().run(step, &(array(0), array(1)), &array![10, 10, 10, 10]);
    /// assert_eq!((a.to_string(), b.to_string(), products.to_string()), ("3".into(), "5".into(), "[ 0 10 10 20]".into()));
    /// ```
    #[track_caller]
    pub fn run<C: Pytree, X: Pytree, Y: Pytree>(self, f: impl Fn(&C, &X) -> (C, Y), init: &C, xs: &X) -> (C, Y) {
        let at = Location::caller();
        let items = tree::leaves(xs);
        let length = self.turns(&items, || tree::paths(xs), at);
        let elements: Vec<Aval> = items.iter().map(|x| x.aval().with_shape(x.shape()[1..].iter().copied())).collect();
        let mut result = None;
        let n = tree::leaf_count(init);
        let turn = Turn::stage("scan", init, &elements, at, &mut |c, a| {
            let (next, y) = f(c, &xs.rebuild(&mut a[n..].iter().cloned()));
            let leaves = tree::leaves(result.insert(y));
            (next, leaves)
        });
        let prim = crate::prim::scan::Scan {
            body: turn.body,
            n_consts: turn.captured.len(),
            n_carry: n,
            length: Some(length),
            reverse: self.reverse,
            unroll: self.unroll.unwrap_or(length.max(1)),
            tangents: vec![],
        };
        let args: Vec<&Array> = turn.captured.iter().chain(&turn.first).chain(&items).collect();
        let mut outs = bind_bounded(at, Loop::Scan(prim), self.memory, &args).into_iter();
        (turn.next.rebuild(&mut outs), result.expect("the function was called").rebuild(&mut outs))
    }

    pub(super) fn turns(self, items: &[Array], paths: impl FnOnce() -> Vec<String>, at: Loc) -> usize {
        let first = items.first().and_then(|x| x.shape().first().copied());
        let Some(length) = self.length.or(first) else {
            let text = match items.first() {
                Some(x) => format!("scan: an array of type {} has no axis 0 to walk along", x.aval()),
                None => "scan: xs has no arrays, so the number of turns is to be given: Scan::new().length(n)".into(),
            };
            fail_at(at, ErrorKind::Shape, text)
        };
        if items.iter().any(|x| x.shape().first() != Some(&length)) {
            let mut text = "scan: the arrays of xs have different lengths along axis 0:".to_string();
            if let Some(n) = self.length {
                text.push_str(&format!("\n  length is {n}"))
            }
            for (path, x) in paths().iter().zip(items) {
                text.push_str(&format!("\n  xs{path} has type {}", x.aval()))
            }
            fail_at(at, ErrorKind::Shape, text)
        }
        length
    }
}

/// One turn of a loop as a program.
struct Turn<C> {
    body: Arc<Jaxpr>,
    captured: Vec<Array>,
    /// The first carry, of the types that the carry has in all turns.
    first: Vec<Array>,
    /// The next carry, for its structure.
    next: C,
}
impl<C: Pytree> Turn<C> {
    /// Stages a turn. `f` gets the carry and all leaves, the carry's first, and gives the next carry and further results. A weakly typed carry
    /// takes the type that the turn gives it, and then the turn is staged again.
    fn stage(
        who: &str,
        init: &C,
        elements: &[Aval],
        at: Loc,
        f: &mut dyn FnMut(&C, &[Array]) -> (C, Vec<Array>),
    ) -> Turn<C> {
        let carry = tree::leaves(init);
        let mut types: Vec<Aval> = carry.iter().map(|a| a.aval().clone()).collect();
        loop {
            let (mut made, mut last) = (vec![], None);
            let mut run = |a: &[Array]| {
                let (next, more) = f(&init.rebuild(&mut a[..carry.len()].iter().cloned()), a);
                if let Some(d) = tree::structure(init).difference(&tree::structure(&next)) {
                    fail_at(at, ErrorKind::Structure, format!("{who}: the carry does not keep its structure: {d}"))
                }
                let mut leaves = tree::leaves(last.insert(next));
                made = leaves.iter().map(line).collect();
                for (leaf, t) in leaves.iter_mut().zip(&types) {
                    // the carry is as strong as it was at the beginning
                    if leaf.dtype() == t.dtype && leaf.weak_type() && !t.weak {
                        *leaf = convert_element_type(leaf, t.dtype, false)
                    }
                }
                leaves.extend(more);
                leaves
            };
            let all: Vec<Aval> = types.iter().chain(elements).cloned().collect();
            let (body, captured) = stage_flat(&mut run, &all, at);
            let mut again = false;
            for (i, (now, next)) in types.iter_mut().zip(body.out_avals()).enumerate() {
                let wider = promote((now.dtype, now.weak), (next.dtype, next.weak));
                let grows = now.weak && wider == (next.dtype, next.weak);
                if now.shape != next.shape || now.dtype != next.dtype && !grows {
                    let path = &tree::paths(init)[i];
                    let made = made[i].map_or(String::new(), |l| format!(", made at {l}"));
                    fail_at(
                        at,
                        if now.shape != next.shape { ErrorKind::Shape } else { ErrorKind::Type },
                        format!(
                            "{who}: the carry{} enters as {now} and leaves as {next}{made}: it has one shape and one element \
                             type (dtype) in all turns",
                            of(path)
                        ),
                    )
                }
                let varying = now.varying | next.varying;
                again |= (now.dtype, now.weak, now.varying) != (next.dtype, next.weak, varying);
                (now.dtype, now.weak, now.varying) = (next.dtype, next.weak, varying)
            }
            if !again {
                let meet = |(x, t): (&Array, &Aval)| convert_element_type(x, t.dtype, t.weak);
                let first = carry.iter().zip(&types).map(meet).collect();
                return Turn { body, captured, first, next: last.expect("the function was called") };
            }
        }
    }
}

/// `body(..body(body(init)))`, as long as `cond` of the carry holds. The number of turns may depend on values; a loop whose condition always holds
/// does not end.
///
/// The carry keeps its structure, shapes and element types, as in [`scan`]. Under `vmap` a lane that has stopped takes no part in further turns (unless
/// the lanes communicate inside, or [`Vmap::select`](crate::Vmap::select) says so: then it keeps its carry until the last one stops).
///
/// Differentiable in both modes, everywhere. Reverse mode keeps what the derivative needs of each turn, in lists that grow as the loop runs
/// (JAX refuses it). As `jax.lax.while_loop`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// // Newton's method for a square root
/// let root = |a: &Array| lax::while_loop(|x: &Array| (x * x - a).abs().gt(1e-4), |x| 0.5 * (x + a / x), &(a * 1.0));
/// assert!((jit(root)(&array(2.0)).to_f64() - 1.41421).abs() < 1e-4);
/// assert!((grad(root)(&array(2.0)).to_f64() - 0.35355).abs() < 1e-4);
/// ```
///
/// # Panics
/// If the condition does not return one truth value, or if a carry changes its type.
#[track_caller]
pub fn while_loop<C: Pytree>(cond: impl Fn(&C) -> Array, body: impl Fn(&C) -> C, init: &C) -> C {
    WhileLoop::new().run(cond, body, init)
}

/// [`while_loop`] with options.
///
/// ```
/// use cotangent::{lax::WhileLoop, prelude::*};
/// let halves = |x: &Array| WhileLoop::new().memory(8).run(|x: &Array| x.gt(1.), |x| x / 2., x);
/// assert_eq!(halves(&array(24.)).to_f64(), 0.75);
/// assert_eq!(grad(halves)(&array(24.)).to_f64(), 1. / 32.);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct WhileLoop {
    memory: Option<usize>,
}
impl WhileLoop {
    /// The options of [`while_loop`].
    ///
    /// ```
    /// use cotangent::{lax::WhileLoop, prelude::*};
    /// assert_eq!(WhileLoop::new().run(|n: &Array| n.lt(50), |n| n * 3, &array(1)).to_string(), "81");
    /// ```
    pub fn new() -> WhileLoop {
        WhileLoop::default()
    }
    /// How many bytes reverse mode may keep of the turns, however many there will be: see [`Scan::memory`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::lax;
    /// let doubled = |x: &Array| lax::WhileLoop::new().memory(64).run(|c: &Array| c.lt(1e6), |c| c * 2.0, x);
    /// assert_eq!(jit(grad(doubled))(&array(1.0)).to_f64(), 1048576.0);
    /// ```
    pub fn memory(mut self, bytes: usize) -> WhileLoop {
        self.memory = Some(bytes);
        self
    }
    /// The loop: see [`while_loop`].
    ///
    /// ```
    /// use cotangent::{lax::WhileLoop, prelude::*};
    /// // how often 100 is halved until it is not above 1
    /// let more = |(x, _): &(Array, Array)| x.gt(1.);
    /// let (_, n) = WhileLoop::new().run(more, |(x, n)| (x / 2., n + 1), &(array(100.), array(0)));
    /// assert_eq!(n.to_string(), "7");
    /// ```
    #[track_caller]
    pub fn run<C: Pytree>(self, cond: impl Fn(&C) -> Array, body: impl Fn(&C) -> C, init: &C) -> C {
        let at = Location::caller();
        let turn = Turn::stage("while_loop", init, &[], at, &mut |c, _| (body(c), vec![]));
        let types: Vec<Aval> = turn.first.iter().map(|a| a.aval().clone()).collect();
        let mut more = |a: &[Array]| vec![cond(&init.rebuild(&mut a.iter().cloned()))];
        let (holds, read) = stage_flat(&mut more, &types, at);
        let told = &holds.out_avals()[0];
        if told.dtype != DType::Bool || !told.shape.is_empty() {
            let kind = if told.shape.is_empty() { ErrorKind::Type } else { ErrorKind::Shape };
            let text = format!("while_loop: the condition must return one truth value (dtype bool), it returns {told}");
            fail_at(at, kind, text)
        }
        let prim = crate::prim::while_loop::While {
            cond: holds,
            body: turn.body,
            n_cond: read.len(),
            n_body: turn.captured.len(),
            record: false,
        };
        let args: Vec<&Array> = read.iter().chain(&turn.captured).chain(&turn.first).collect();
        turn.next.rebuild(&mut bind_bounded(at, Loop::While(prim), self.memory, &args).into_iter())
    }
}
/// The loop, within a bound on what reverse mode keeps.
fn bind_bounded(at: Loc, turns: Loop, memory: Option<usize>, args: &[&Array]) -> Outs {
    match (turns, memory) {
        (turns, Some(bytes)) => bind_at(at, &Bounded { turns, bytes }, args),
        (Loop::While(w), None) => bind_at(at, &w, args),
        (Loop::Scan(s), None) => bind_at(at, &s, args),
    }
}

/// Where a traced value was made.
fn line(x: &Array) -> Option<Loc> {
    match &x.0 {
        Repr::Tracer(n) => Some(n.loc),
        _ => None,
    }
}

/// A bound of [`fori_loop`]: an `i32`, a `usize` that fits into one, or a scalar array of integers, which may be traced.
///
/// ```
/// use cotangent::{lax, prelude::*};
/// let count = |to: &Array| lax::fori_loop(2, to, |_, n: &Array| n + 1, &array(0));
/// assert_eq!(jit(count)(&array(9)).to_string(), "7");
/// assert_eq!(lax::fori_loop(0, 5usize, |i, s: &Array| s + i, &array(0)).to_string(), "10");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no bound of a loop",
    note = "bounds are `i32`, `usize`, `Array` and `&Array`; a loop over another integer type has arrays of that type for bounds"
)]
pub trait Bound {
    #[doc(hidden)]
    fn to_array(&self) -> Array;
}
impl Bound for i32 {
    fn to_array(&self) -> Array {
        number(*self)
    }
}
impl Bound for usize {
    #[track_caller]
    fn to_array(&self) -> Array {
        match i32::try_from(*self) {
            Ok(n) => number(n),
            Err(_) => fail_at(
                Location::caller(),
                ErrorKind::Value,
                format!(
                    "fori_loop: a number of turns is an int32, which {self} is not; give the bounds as arrays of int64"
                ),
            ),
        }
    }
}
impl Bound for Array {
    fn to_array(&self) -> Array {
        self.clone()
    }
}
impl Bound for &Array {
    fn to_array(&self) -> Array {
        (*self).clone()
    }
}

/// `f(i, carry)` for `i` from `lower` to before `upper`. The bounds are numbers or scalar arrays of one integer type, which is that of `i`.
/// Differentiable in both modes, also where the run alone knows the bounds (JAX refuses reverse mode then). As `jax.lax.fori_loop`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// let power = |x: &Array, n: &Array| lax::fori_loop(0, n, |_, y: &Array| y * x, &array(1.0));
/// assert_eq!(jit(power)(&array(2.0), &array(5)).to_f64(), 32.0);
/// assert_eq!(jit(grad(power))(&array(2.0), &array(5)).to_f64(), 80.0);
/// ```
///
/// # Panics
/// If a bound is not a scalar integer, if the bounds have different element types, and as [`scan`], if the carry changes its type.
#[track_caller]
pub fn fori_loop<C: Pytree>(lower: impl Bound, upper: impl Bound, f: impl Fn(&Array, &C) -> C, init: &C) -> C {
    fori(None, lower.to_array(), upper.to_array(), f, init)
}

/// [`fori_loop`] with options.
///
/// ```
/// use cotangent::{lax::ForiLoop, prelude::*};
/// let power = |x: &Array| ForiLoop::new().memory(16).run(0, 5, |_, y: &Array| y * x, &array(1.));
/// assert_eq!((power(&array(2.)).to_f64(), grad(power)(&array(2.)).to_f64()), (32., 80.));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ForiLoop {
    memory: Option<usize>,
}
impl ForiLoop {
    /// The options of [`fori_loop`].
    ///
    /// ```
    /// use cotangent::{lax::ForiLoop, prelude::*};
    /// assert_eq!(ForiLoop::new().run(1, 5, |i, y: &Array| y * i, &array(1)).to_string(), "24");
    /// ```
    pub fn new() -> ForiLoop {
        ForiLoop::default()
    }
    /// How many bytes reverse mode may keep of the turns: see [`Scan::memory`].
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::lax;
    /// let f = |x: &Array| lax::ForiLoop::new().memory(100).run(0, 1000, |_, c: &Array| c * 1.001, x);
    /// assert!((grad(f)(&array(1.0)).to_f64() - 1.001f64.powi(1000)).abs() < 1e-3);
    /// ```
    pub fn memory(mut self, bytes: usize) -> ForiLoop {
        self.memory = Some(bytes);
        self
    }
    /// The loop: see [`fori_loop`].
    ///
    /// ```
    /// use cotangent::{lax::ForiLoop, prelude::*};
    /// // Fibonacci's numbers
    /// let (a, _) = ForiLoop::new().run(0, 10, |_, (a, b): &(Array, Array)| (b.clone(), a + b), &(array(0), array(1)));
    /// assert_eq!(a.to_string(), "55");
    /// ```
    #[track_caller]
    pub fn run<C: Pytree>(self, lower: impl Bound, upper: impl Bound, f: impl Fn(&Array, &C) -> C, init: &C) -> C {
        fori(self.memory, lower.to_array(), upper.to_array(), f, init)
    }
}
#[track_caller]
fn fori<C: Pytree>(memory: Option<usize>, lower: Array, upper: Array, f: impl Fn(&Array, &C) -> C, init: &C) -> C {
    let at = Location::caller();
    for b in [&lower, &upper] {
        if b.ndim() != 0 || !b.dtype().is_integer() {
            let text = format!("fori_loop: a bound is a scalar integer, not a value of type {}", b.aval());
            fail_at(at, if b.ndim() != 0 { ErrorKind::Shape } else { ErrorKind::Type }, text)
        }
    }
    // a number that gives way takes the other bound's type
    let (dtype, _) = promote((lower.dtype(), lower.weak_type()), (upper.dtype(), upper.weak_type()));
    let meet = |b: &Array| {
        if b.dtype() != dtype && !b.weak_type() && b.is_tracer() {
            let text = format!(
                "fori_loop: the bounds have different element types (dtype), {} and {}",
                lower.aval(),
                upper.aval()
            );
            fail_at(at, ErrorKind::Type, text)
        }
        convert_element_type(b, dtype, false)
    };
    let (lower, upper) = (meet(&lower), meet(&upper));
    let init = (lower.clone(), init.share());
    if let (false, false) = (lower.is_tracer(), upper.is_tracer()) {
        let turns = (upper.to_f64() - lower.to_f64()).max(0.0) as usize;
        let step = |c: &(Array, C), _: &()| ((&c.0 + 1, f(&c.0, &c.1)), ());
        return Scan { memory, ..Scan::new() }.length(turns).run(step, &init, &()).0.1;
    }
    let more = |c: &(Array, C)| crate::prim::lt(&c.0, &upper);
    WhileLoop { memory }.run(more, |c| (&c.0 + 1, f(&c.0, &c.1)), &init).1
}

/// `yes` of the elements of `x` where `mask` holds, `no` of the others, each evaluated on its own elements only: so it has no NaN in its derivative from
/// elements for which the function was not meant, which `select` and `where` have.
///
/// The arrays in `x` begin with the axes of `mask`; the functions get one element, without them, and their results stand where the elements did.
/// (JAX has no such function. It is `vmap` of [`cond`] over all axes of `mask`.)
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax;
/// let f = |x: &Array| lax::select_fn(&x.gt(0.), |x: &Array| x.log(), |x| 0. * x, x).sum();
/// assert_eq!(grad(f)(&array![-1., 0., 2.]).to_string(), "[0.  0.  0.5]");
/// ```
///
/// # Panics
/// If an array in `x` does not begin with the axes of `mask`, and as [`cond`].
#[track_caller]
pub fn select_fn<T: Pytree, R: Pytree>(mask: &Array, yes: impl Fn(&T) -> R, no: impl Fn(&T) -> R, x: &T) -> R {
    let at = Location::caller();
    let (axes, n) = (mask.ndim(), mask.size());
    let mut leaves = tree::leaves(x);
    for (i, leaf) in leaves.iter_mut().enumerate() {
        if leaf.ndim() < axes || leaf.shape()[..axes] != *mask.shape() {
            let (path, has) = (&tree::paths(x)[i], leaf.aval());
            let text = format!(
                "select_fn: x{path} has type {has}, which does not begin with the axes of the mask, of type {}",
                mask.aval()
            );
            fail_at(at, ErrorKind::Shape, text)
        }
        let shape: Vec<usize> = std::iter::once(n).chain(leaf.shape()[axes..].iter().copied()).collect();
        *leaf = crate::prim::reshape(leaf, &shape)
    }
    leaves.insert(0, crate::prim::reshape(mask, &[n]));
    let mut result = None;
    let mut each = |a: &[Array]| {
        let one = x.rebuild(&mut a[1..].iter().cloned());
        tree::leaves(result.insert(cond(&a[0], &yes, &no, &one)))
    };
    let dims = vec![Some(0); leaves.len()];
    let outs = batch_flat(&mut each, Lanes::unnamed(n), &leaves, &dims, at, true);
    let mut back = outs.into_iter().map(|(y, d)| {
        let y = to_front(&y, d, n);
        let shape: Vec<usize> = mask.shape().iter().chain(&y.shape()[1..]).copied().collect();
        crate::prim::reshape(&y, &shape)
    });
    let outs: Vec<Array> = back.by_ref().collect();
    result.expect("the function was called").rebuild(&mut outs.into_iter())
}
