//! Which operation makes a NaN, or an infinity: looking at every result.
//!
//! While something is looked for, compiled programs run equation by equation, as the operations that they consist of. The bits are the same,
//! and each result can be looked at, inside of loops, branches and calls too.

use crate::array::{Array, Payload, Repr};
use crate::aval::tuple;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Loc, catch, raise};
use crate::prim::Primitive;
use crate::trace::{enter, in_backward};
use std::cell::Cell;

const NANS: u8 = 1;
const INFS: u8 = 2;
thread_local! {
    /// What is looked for.
    static WATCH: Cell<u8> = const { Cell::new(0) };
}
struct Back(u8);
impl Drop for Back {
    fn drop(&mut self) {
        WATCH.set(self.0)
    }
}
/// What is looked for.
pub(crate) type Watch = u8;
pub(crate) fn now() -> Watch {
    WATCH.get()
}
pub(crate) fn with<R>(what: Watch, f: impl FnOnce() -> R) -> R {
    let _back = Back(WATCH.replace(what));
    f()
}
/// Is anything looked for?
#[inline]
pub(crate) fn on() -> bool {
    WATCH.get() != 0
}

/// `f()`, in which every operation that makes a NaN of operands without one is an error: it names the operation and your line, says whether it ran
/// in the forward or in the backward pass, where the first NaN is, in which lane of an eager map, and in what range the operands are.
///
/// It holds for operations on this thread and on devices that work for it, for compiled programs too: they run equation by equation meanwhile, with the same bits, at a fraction of
/// their speed. A NaN that comes from the data passes: operations only hand it on. (`jax.debug_nans` stops at any NaN.)
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::debug;
/// let f = jit(grad(|x: &Array| x.sqrt().sum()));
/// let e = catch(|| debug::nans(|| f(&array![4., -1.]))).unwrap_err();
/// assert_eq!(e.kind(), ErrorKind::NotFinite);
/// assert!(e.to_string().contains("sqrt: makes a NaN of operands without one, in the forward pass: 1 of 2 elements, the first at index (1,)"));
/// assert!(e.to_string().contains("operand 0, float32[2]: from -1 to 4"));
/// ```
///
/// # Panics
/// With that error. A value from [`pure_callback`](crate::debug::pure_callback) counts as one that an operation makes.
pub fn nans<R>(f: impl FnOnce() -> R) -> R {
    with(WATCH.get() | NANS, f)
}

/// As [`nans`], of infinities: an operation that makes one of finite operands is an error. Inside of each other, both are looked for.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::debug;
/// let e = catch(|| debug::infs(|| 1.0 / array![2., 0.])).unwrap_err();
/// assert!(e.to_string().contains("div: makes an infinity of finite operands"));
/// ```
pub fn infs<R>(f: impl FnOnce() -> R) -> R {
    with(WATCH.get() | INFS, f)
}

/// What a type's numbers look like: their bytes, and the bits of infinity.
fn layout(t: DType) -> Option<(usize, u64)> {
    Some(match t {
        DType::Float16 => (2, 0x7c00),
        DType::BFloat16 => (2, 0x7f80),
        DType::Float32 | DType::Complex64 => (4, 0x7f80_0000),
        DType::Float64 | DType::Complex128 => (8, 0x7ff0_0000_0000_0000),
        _ => return None,
    })
}
/// Of the elements that are NaN, or that are infinite: the first, and how many.
fn found(x: &Array, what: u8) -> Option<(usize, usize)> {
    // stacks are not looked into, only what is put there
    let (size, inf) = layout(x.dtype()).filter(|_| x.aval().stack == 0)?;
    let bad = |c: &[u8]| {
        let mut bits = [0; 8];
        bits[..size].copy_from_slice(c);
        let magnitude = u64::from_le_bytes(bits) & !(1 << (8 * size - 1));
        if what == NANS { magnitude > inf } else { magnitude == inf }
    };
    x.with_bytes(|b| {
        let mut bad = b.chunks_exact(x.dtype().size()).enumerate().filter(|(_, e)| e.chunks_exact(size).any(bad));
        bad.next().map(|(first, _)| (first, 1 + bad.count()))
    })
}
/// The number of an element as its position.
pub(crate) fn position(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, n) in index.iter_mut().zip(shape).rev() {
        *i = at % n;
        at /= n
    }
    index
}
/// The numbers of a concrete array; of complex ones both parts.
fn numbers(x: &Array) -> Vec<f64> {
    let _g = enter(None, None);
    let reals = if x.dtype().is_complex() { vec![crate::prim::real(x), crate::prim::imag(x)] } else { vec![x.clone()] };
    let as_f64 = |x: &Array| crate::prim::convert_element_type(x, DType::Float64, false).to_vec::<f64>();
    reals.iter().flat_map(as_f64).collect()
}

/// Looks at the results of an operation.
#[cold]
pub(crate) fn look(prim: &dyn Primitive, x: &[&Array], y: &[Array], loc: Loc) {
    let watch = WATCH.get();
    for what in [NANS, INFS] {
        if watch & what == 0 || x.iter().any(|x| found(x, NANS).or_else(|| found(x, what)).is_some()) {
            continue;
        }
        if let Some((y, (first, count))) = y.iter().find_map(|y| Some((y, found(y, what)?))) {
            with(0, || report(prim, x, y, first, count, what, loc))
        }
    }
}
fn report(prim: &dyn Primitive, x: &[&Array], y: &Array, first: usize, count: usize, what: u8, loc: Loc) -> ! {
    let made = if what == NANS { "a NaN of operands without one" } else { "an infinity of finite operands" };
    let pass = if in_backward() { "backward" } else { "forward" };
    let mut text = format!("{}: makes {made}, in the {pass} pass: ", prim.name());
    match y.ndim() {
        0 => text.push_str(&format!("the result {}", y.aval())),
        _ => text.push_str(&format!(
            "{count} of {} elements, the first at index {} of the result {}",
            y.size(),
            tuple(&position(first, y.shape())),
            y.aval()
        )),
    }
    for (i, x) in x.iter().enumerate() {
        text.push_str(&format!("\n  operand {i}, {}: ", x.aval()));
        if !x.dtype().is_number() || x.size() == 0 || x.aval().stack > 0 {
            text.push_str("no numbers");
            continue;
        }
        let all = numbers(x);
        let low = all.iter().copied().fold(f64::INFINITY, f64::min);
        let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        text.push_str(&format!("from {low} to {high}"))
    }
    raise(Error::new(ErrorKind::NotFinite, text).at(loc))
}

/// The position of the first element that is not finite, in terms of one lane of the maps around.
fn place(y: &Array) -> Option<Vec<usize>> {
    match &y.0 {
        Repr::Tracer(n) => match &n.kind {
            Payload::Dual { x, .. } => place(x),
            Payload::Batched { x, dim, .. } => {
                let mut index = place(x)?;
                index.remove(*dim);
                Some(index)
            }
            _ => None,
        },
        _ => {
            let first = [NANS, INFS].into_iter().find_map(|what| found(y, what))?.0;
            Some(position(first, y.shape()))
        }
    }
}
/// Runs the rule of a map of so many lanes. If an operation of it makes what is looked for, the rule runs again without looking, to learn which lane it is.
pub(crate) fn lanes<R>(
    size: usize,
    at: Loc,
    rule: impl Fn() -> R,
    dims: impl Fn(&R) -> Vec<(Array, Option<usize>)>,
) -> R {
    let e = match catch(&rule) {
        Ok(r) => return r,
        Err(e) if e.kind() == ErrorKind::NotFinite => e,
        Err(e) => raise(e),
    };
    let again = with(0, || crate::debug::quietly(|| dims(&rule())));
    let lane = again.iter().find_map(|(y, d)| Some(place(y)?[(*d)?]));
    raise(match lane {
        Some(i) => e.adding(&format!("\n  in lane {i} of the map of {size} lanes at {at}")),
        None => e,
    })
}
