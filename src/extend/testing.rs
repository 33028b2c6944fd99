//! What an operation promises, tried on samples: that it has the types that it says, computes the same compiled, has the derivatives that differences
//! have, transposes, and does to many lanes what it does to each.

use crate::array::Array;
use crate::error::{Error, ErrorKind, catch};
use crate::prim::{convert_element_type, slice_in_dim, squeeze, stack};
use crate::transform::check::{Random, inner, values};
use crate::{CheckGrads, jit, jvp, vjp, vmap_axes};

/// Tries every promise on `f` at these arguments: see [`Checks`].
///
/// ```
/// use cotangent::extend::testing::check;
/// use cotangent::prelude::*;
/// let args = [array(vec![0.5f64, -1.0]), array(vec![2.0f64, 3.0])];
/// check(|x| vec![x[0].sin() * &x[1], &x[0] + 1.0], &args)?;
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// If a promise is broken: the message has a line for each.
pub fn check(f: impl Fn(&[Array]) -> Vec<Array> + Send + Sync, args: &[Array]) -> Result<(), Error> {
    Checks::new().run(f, args)
}

/// [`check`] with options.
///
/// The function is built from the operation in question, and the arguments are such at which it is smooth. With float64 arguments derivatives are compared
/// most sharply. What is checked:
///
/// - types: those of the results are known without values;
/// - `jit` changes no bit, nor does it in derivatives and maps;
/// - derivatives are those of difference quotients, to the given order, in both modes;
/// - the reverse mode is the transpose of the forward mode, up to rounding;
/// - three lanes at once are what each is alone, for each argument mapped and for all, along the first axis and the last; also their derivatives.
///
/// ```
/// use cotangent::{custom_jvp, extend::testing::Checks, prelude::*};
/// let wrong = custom_jvp(|x: &Array| x * x, |(x,), (dx,)| (&x * &x, x * dx)); // not 2 x
/// let e = Checks::new().run(|x| vec![wrong(&x[0])], &[array(vec![1f64, 2.0])]).unwrap_err();
/// assert!(e.message().contains("derivatives"), "{e}");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    order: usize,
}
impl Default for Checks {
    fn default() -> Checks {
        Checks::new()
    }
}
impl Checks {
    /// Derivatives to the second order.
    ///
    /// ```
    /// use cotangent::{extend::testing::Checks, prelude::*};
    /// assert!(Checks::new().run(|x| vec![x[0].exp()], &[array(vec![0.5f64, 1.0])]).is_ok());
    /// ```
    pub fn new() -> Checks {
        Checks { order: 2 }
    }
    /// Derivatives to this order; 0 for an operation that has none.
    ///
    /// ```
    /// use cotangent::{debug, extend::testing::Checks, prelude::*};
    /// // host code without a derivative
    /// let f = |x: &[Array]| vec![debug::pure_callback(|x: Array| &x * 2.0, &x[0], &x[0])];
    /// let x = [array(vec![1f64, 2.0])];
    /// assert!(Checks::new().order(0).run(f, &x).is_ok() && Checks::new().order(1).run(f, &x).is_err());
    /// ```
    pub fn order(mut self, order: usize) -> Checks {
        self.order = order;
        self
    }
    /// Tries every promise on `f` at these arguments.
    ///
    /// ```
    /// use cotangent::{extend::testing::Checks, prelude::*};
    /// let args = [array(vec![0.5f64, 1.0]), array(vec![2f64, -1.0])];
    /// assert!(Checks::new().run(|x| vec![&x[0] * &x[1], x[0].sin()], &args).is_ok());
    /// ```
    ///
    /// # Errors
    /// If a promise is broken: the message has a line for each.
    pub fn run(self, f: impl Fn(&[Array]) -> Vec<Array> + Send + Sync, args: &[Array]) -> Result<(), Error> {
        let mut found = Found::default();
        self.all(&f, args, &mut found);
        if found.wrong.is_empty() {
            return Ok(());
        }
        let text = format!("{} of {} checks fail:\n  {}", found.wrong.len(), found.tried, found.wrong.join("\n  "));
        Err(Error::new(ErrorKind::Check, text))
    }

    fn all(self, f: Function, args: &[Array], found: &mut Found) {
        let mut y = vec![];
        found.part("evaluation", || {
            y = f(args);
            Ok(())
        });
        if y.is_empty() {
            return;
        }
        found.part("types", || {
            let avals = args.iter().map(|a| a.aval().clone()).collect::<Vec<_>>();
            let (j, _) = crate::trace::stage::stage_flat(&mut |x| f(x), &avals, std::panic::Location::caller());
            let (staged, made) = (j.out_avals(), y.iter().map(|y| y.aval().clone()).collect::<Vec<_>>());
            if staged == made { Ok(()) } else { Err(format!("{staged:?} are staged, {made:?} are computed")) }
        });
        found.part("jit", || all(&compiled(f, args), &y, same));
        if self.order > 0 {
            self.derivatives(f, args, &y, found)
        }
        lanes("", f, args, found);
        if self.order > 0 {
            let smooth = smooth(args);
            let slopes = |x: &[Array]| {
                let (_, pull) = vjp(|s: &Vec<Array>| sines(&f(&with(x, &smooth, s))), (&pick(x, &smooth),));
                pull.call(&pull_of(&sines(&y))).0
            };
            lanes("derivatives of ", &slopes, args, found)
        }
    }

    fn derivatives(self, f: Function, args: &[Array], y: &[Array], found: &mut Found) {
        let at = smooth(args);
        let (x, moving) = (pick(args, &at), smooth(y));
        if x.is_empty() || moving.is_empty() {
            return;
        }
        let g = |s: &Vec<Array>| pick(&f(&with(args, &at, s)), &moving);
        let exact = x.iter().chain(&pick(y, &moving)).all(|x| x.dtype().real_part().size() == 8);
        let grads = CheckGrads::new().eps(if exact { 1e-4 } else { 1e-2 });
        found.part("derivatives", || grads.check(g, (&x,), self.order).map_err(|e| e.message().to_string()));
        let mut random = Random::new();
        let t: Vec<Array> = x.iter().map(|x| random.like(x)).collect();
        let ct: Vec<Array> = pick(y, &moving).iter().map(|y| random.like(y)).collect();
        let forward = |x: &[Array]| jvp(g, (&x.to_vec(),), (&t,)).1;
        let reverse = |x: &[Array]| vjp(g, (&x.to_vec(),)).1.call(&ct).0;
        found.part("transposition", || {
            // without conjugation, as transposes are
            let conj = |v: &[Array]| -> Vec<Array> {
                v.iter().map(|x| if x.dtype().is_complex() { crate::prim::conj(x) } else { x.clone() }).collect()
            };
            let (a, b) = (inner(&conj(&ct), &forward(&x)), inner(&conj(&reverse(&x)), &t));
            near(&a, &b).map_err(|why| format!("the reverse mode is not the transpose of the forward mode: {why}"))
        });
        found.part("forward mode, jit", || all(&compiled(&forward, &x), &forward(&x), same));
        found.part("reverse mode, jit", || all(&compiled(&reverse, &x), &reverse(&x), same));
    }
}

type Function<'a> = &'a (dyn Fn(&[Array]) -> Vec<Array> + Send + Sync);

#[derive(Default)]
struct Found {
    tried: usize,
    wrong: Vec<String>,
}
impl Found {
    fn part(&mut self, what: &str, f: impl FnOnce() -> Result<(), String>) {
        self.tried += 1;
        match catch(f) {
            Ok(Ok(())) => {}
            Ok(Err(why)) => self.wrong.push(format!("{what}: {why}")),
            Err(e) => self.wrong.push(format!("{what}: {e}")),
        }
    }
}

/// Which have derivatives.
fn smooth(x: &[Array]) -> Vec<usize> {
    (0..x.len()).filter(|i| x[*i].dtype().is_inexact()).collect()
}
fn pick(x: &[Array], at: &[usize]) -> Vec<Array> {
    at.iter().map(|i| x[*i].clone()).collect()
}
fn with(x: &[Array], at: &[usize], new: &[Array]) -> Vec<Array> {
    let mut x = x.to_vec();
    for (i, n) in at.iter().zip(new) {
        x[*i] = n.clone()
    }
    x
}
/// A function of results with a derivative that is not constant.
fn sines(y: &[Array]) -> Vec<Array> {
    pick(y, &smooth(y)).iter().map(crate::prim::sin).collect()
}
fn pull_of(y: &[Array]) -> Vec<Array> {
    y.iter().map(|y| crate::prim::full_of(y.aval(), 1.0)).collect()
}
fn compiled(f: Function, x: &[Array]) -> Vec<Array> {
    jit(|x: &Vec<Array>| f(x))(&x.to_vec())
}

fn all(a: &[Array], b: &[Array], check: fn(&Array, &Array) -> Result<(), String>) -> Result<(), String> {
    if a.len() != b.len() {
        return Err(format!("{} results instead of {}", a.len(), b.len()));
    }
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        if a.dtype() != b.dtype() || a.shape() != b.shape() {
            return Err(format!("result {i} has type {} instead of {}", a.aval(), b.aval()));
        }
        check(a, b).map_err(|why| format!("result {i}: {why}"))?
    }
    Ok(())
}
/// Bit for bit, but for the payload of NaNs.
fn same(a: &Array, b: &Array) -> Result<(), String> {
    let bits = |(x, y): &(f64, f64)| {
        let one = |x: &f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
        (one(x), one(y))
    };
    let equal = if a.dtype().is_inexact() {
        values(a).iter().map(bits).eq(values(b).iter().map(bits))
    } else {
        a.with_bytes(|a| b.with_bytes(|b| a == b))
    };
    if equal { Ok(()) } else { Err(format!("{a} instead of {b}, and not a bit should differ")) }
}
fn near(a: &Array, b: &Array) -> Result<(), String> {
    if !a.dtype().is_inexact() {
        return same(a, b);
    }
    let tolerance = a.dtype().float_info().map_or(1e-9, |f| (f.eps * 1e3).max(1e-9));
    let far = |((p, q), (r, s)): &((f64, f64), (f64, f64))| {
        let off = (p - r).hypot(q - s);
        let both_nan = (p.is_nan() || q.is_nan()) && (r.is_nan() || s.is_nan());
        // a difference that is not a number is one
        !(off <= tolerance * (1.0 + r.hypot(*s)) || p == r && q == s || both_nan)
    };
    if values(a).into_iter().zip(values(b)).any(|p| far(&p)) { Err(format!("{a} instead of {b}")) } else { Ok(()) }
}

/// Three lanes at once are what each is alone.
fn lanes(what: &str, f: Function, args: &[Array], found: &mut Found) {
    const LANES: usize = 3;
    let n = args.len();
    let masks = (0..n).map(|i| (0..n).map(|k| k == i).collect::<Vec<bool>>()).chain((n > 1).then(|| vec![true; n]));
    for mask in masks {
        for last in [false, true] {
            let axis = |x: &Array| if last { x.ndim() } else { 0 };
            let name = format!("{what}lanes of {mask:?}, along the {} axis", if last { "last" } else { "first" });
            let lane = |x: &Array, l: usize| {
                let by = crate::prim::scalar_of(x.dtype(), x.weak_type(), 1.0 - 0.125 * l as f64);
                if x.dtype().is_inexact() { crate::prim::mul(x, &by) } else { x.clone() }
            };
            let of = |l: usize| {
                args.iter().zip(&mask).map(|(x, m)| if *m { lane(x, l) } else { x.clone() }).collect::<Vec<_>>()
            };
            let each: Vec<Vec<Array>> = (0..LANES).map(of).collect();
            let many: Vec<Array> = (0..n)
                .map(|i| match mask[i] {
                    true => stack(&each.iter().map(|x| &x[i]).collect::<Vec<_>>(), axis(&args[i])),
                    false => args[i].clone(),
                })
                .collect();
            let axes: Vec<Option<i32>> = (0..n).map(|i| mask[i].then_some(axis(&args[i]) as i32)).collect();
            let mapped = |x: &[Array]| vmap_axes(|x: &Vec<Array>| f(x), (axes.clone(),), 0)(&x.to_vec());
            found.part(&name, || {
                let y = mapped(&many);
                for (l, x) in each.iter().enumerate() {
                    let one: Vec<Array> = y.iter().map(|y| squeeze(&slice_in_dim(y, l, l + 1, 1, 0), &[0])).collect();
                    let alone = f(x);
                    // a number is weakly typed where it is alone
                    let alone: Vec<Array> = alone.iter().map(|y| convert_element_type(y, y.dtype(), false)).collect();
                    all(&one, &alone, near).map_err(|why| format!("lane {l}, {why}"))?
                }
                all(&compiled(&mapped, &many), &y, same).map_err(|why| format!("jit, {why}"))
            })
        }
    }
}
