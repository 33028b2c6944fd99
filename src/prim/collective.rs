//! Communication over named axes, inside a map that names its axis.
//!
//! A name is resolved when an operation is bound, to the innermost map with that name. A type says over which axes a value varies:
//! `psum` takes its axes away and `pvary` adds them. A sum that all lanes share is one value, so its derivative is counted once.
//! Where a value that all lanes share meets one that differs, nothing is written, but the transpose knows: the cotangents of the lanes
//! are added before they go back through a `psum`. So inside a map the gradient of what the lanes share is that of this one value, and
//! the gradient of what differs from lane to lane is that of the sum over all lanes, as in JAX.

mod moves;

use super::*;
use crate::array::ArrayLike;
use crate::aval::tuple;
use crate::devices::team::{link, links};
use crate::devices::{Fold, Site};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::trace::axis::{Axis, bits, bound, resolve};
use crate::trace::batch::to_front;
use crate::trace::bind1;
use cotangent_cpu::ValId;
pub use moves::*;

/// One name, or several.
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let all = |x: &Array| lax::psum(x, ["i", "j"]) + 0.0 * lax::psum(x, "j");
/// let f = Vmap::new().axis_name("i").of(Vmap::new().axis_name("j").of(all));
/// assert_eq!(f(&array![[1., 2.], [3., 4.]]).to_string(), "[[10. 10.]\n [10. 10.]]");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name axes",
    label = "expected the name of an axis, or several",
    note = "an axis is called by the name that its map gives it, never by a number: `\"batch\"`, or `[\"rows\", \"columns\"]`; \
            a sum along a dimension of one array is `prim::reduce_sum`"
)]
pub trait AxisNames {
    #[doc(hidden)]
    fn names(&self) -> Vec<&str>;
}
impl AxisNames for &str {
    fn names(&self) -> Vec<&str> {
        vec![self]
    }
}
impl AxisNames for &[&str] {
    fn names(&self) -> Vec<&str> {
        self.to_vec()
    }
}
impl<const N: usize> AxisNames for [&str; N] {
    fn names(&self) -> Vec<&str> {
        self.to_vec()
    }
}
#[track_caller]
fn axes_of(op: &str, names: &impl AxisNames) -> Vec<Axis> {
    let mut axes: Vec<Axis> = vec![];
    for name in names.names() {
        let a = resolve(op, name);
        if axes.contains(&a) {
            fail(ErrorKind::Axis, format!("{op}: axis {name} is named twice"))
        }
        axes.push(a)
    }
    axes
}
fn quoted(axes: &[Axis]) -> String {
    tuple(&axes.iter().map(|a| format!("'{}'", a.name)).collect::<Vec<_>>())
}
/// The axes but the one of these lanes, if that is among them.
fn others(axes: &[Axis], lanes: &Lanes) -> Option<Vec<Axis>> {
    let mine = lanes.axis.as_ref().filter(|a| bits(axes) & a.bit != 0)?;
    Some(axes.iter().filter(|a| a.bit != mine.bit).cloned().collect())
}
#[cold]
fn unbound(op: &str, axes: &[Axis]) -> ! {
    fail(ErrorKind::Axis, format!("{op}: unbound axis name: {}: no map here has it", quoted(axes)))
}

/// What lanes are folded by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Among {
    Sum,
    Max,
    Min,
    /// What a sum of differing values transposes to: the sum of the cotangents if they differ, and if all lanes share one, this one.
    Back,
    /// The sum of what all members share: a multiple of it.
    Copies,
}
/// A fold over lanes: see [`psum`], [`pmax`], [`pmin`].
///
/// ```
/// use cotangent::{Pmap, lax, make_jaxpr, prelude::*};
/// let f = Pmap::new().axis_name("i").of(|x: &Array| lax::psum(x, "i"));
/// let program = make_jaxpr(f, (&array![[1., 2.], [3., 4.]],)).to_string();
/// assert!(program.contains("psum"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AllReduce {
    op: Among,
    axes: Vec<Axis>,
}

/// The sum of all lanes' values over these axes: the same in every lane. Of a value that all lanes share, such as a number: times
/// the number of lanes.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{Vmap, lax};
/// let f = |x: &Array| x / lax::psum(x, "i") * lax::psum(1, "i");
/// assert_eq!(Vmap::new().axis_name("i").of(f)(&array![1., 3.]).to_string(), "[0.5 1.5]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn psum(x: impl ArrayLike, axes: impl AxisNames) -> Array {
    all_reduce(&x.into_array(), Among::Sum, axes_of("psum", &axes))
}
/// The greatest of all lanes' values. It has no derivative.
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| x / lax::pmax(x, "i"));
/// assert_eq!(f(&array![1., 2., 4.]).to_string(), "[0.25 0.5  1.  ]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn pmax(x: impl ArrayLike, axes: impl AxisNames) -> Array {
    all_reduce(&x.into_array(), Among::Max, axes_of("pmax", &axes))
}
/// The least of all lanes' values. It has no derivative.
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| x - lax::pmin(x, "i"));
/// assert_eq!(f(&array![5., 2., 4.]).to_string(), "[3. 0. 2.]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn pmin(x: impl ArrayLike, axes: impl AxisNames) -> Array {
    all_reduce(&x.into_array(), Among::Min, axes_of("pmin", &axes))
}
/// The mean of all lanes' values.
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| x - lax::pmean(x, "i"));
/// assert_eq!(f(&array![1., 2., 6.]).to_string(), "[-2. -1.  3.]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn pmean(x: impl ArrayLike, axes: impl AxisNames) -> Array {
    let axes = axes_of("pmean", &axes);
    let n: usize = axes.iter().map(|a| a.size).product();
    let s = crate::np::to_inexact("pmean", &all_reduce(&x.into_array(), Among::Sum, axes));
    div(&s, &lit(&s, n as f64))
}
/// The number of lanes of an axis; of several, the product.
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| x * lax::axis_size("i") as i32);
/// assert_eq!(f(&array![1, 2, 3]).to_string(), "[3 6 9]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn axis_size(axes: impl AxisNames) -> usize {
    axes_of("axis_size", &axes).iter().map(|a| a.size).product()
}
#[track_caller]
fn all_reduce(x: &Array, op: Among, axes: Vec<Axis>) -> Array {
    let count = x.dtype().is_bool() && op == Among::Sum;
    let x = if count { convert_element_type(x, DType::Int32, false) } else { x.clone() };
    // for devices the types are exact where this is called, and what follows from them is decided here
    let set = x.aval().varying;
    let differs = |a: &Axis| set & a.bit != 0;
    let plain = match op {
        Among::Sum => axes.iter().all(|a| !a.devices || differs(a)),
        Among::Back => axes.iter().all(|a| !a.devices),
        _ => true,
    };
    if plain {
        return reduced(x, op, axes);
    }
    let devices: Vec<Axis> = axes.iter().filter(|a| a.devices).cloned().collect();
    // in the order of the nesting, from inside
    let mut axes = axes;
    axes.sort_by_key(|a| std::cmp::Reverse(a.bit));
    let mut y = x;
    for a in axes {
        y = match (a.devices, differs(&a), op) {
            (false, _, _) => reduced(y, op, vec![a]),
            (true, true, _) => reduced(y, Among::Sum, vec![a]),
            (true, false, Among::Sum) => reduced(y, Among::Copies, vec![a]),
            (true, false, _) => y,
        }
    }
    if op == Among::Back { bind1(&Pvary { axes: devices }, &[&y]) } else { y }
}
#[track_caller]
fn reduced(x: Array, op: Among, axes: Vec<Axis>) -> Array {
    if axes.is_empty() { x } else { bind1(&AllReduce { op, axes }, &[&x]) }
}
/// A cotangent summed over the bound axes with these bits.
pub(crate) fn psum_bits(ct: &Array, set: AxisSet) -> Array {
    let axes = bound().into_iter().filter(|a| a.bit & set != 0).collect();
    all_reduce(ct, Among::Sum, axes)
}

impl Primitive for AllReduce {
    fn name(&self) -> &'static str {
        match self.op {
            Among::Sum | Among::Copies => "psum",
            Among::Max => "pmax",
            Among::Min => "pmin",
            Among::Back => "psum_transpose",
        }
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("axes", quoted(&self.axes).into()), ("axis_index_groups", "None".into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let t = x[0].dtype;
        let takes = t.is_integer() || if matches!(self.op, Among::Sum | Among::Copies) { t.is_inexact() } else { t.is_number() };
        if !takes || t.is_complex() && matches!(self.op, Among::Max | Among::Min) {
            return Err(format!("does not take elements of type (dtype) {t}"));
        }
        let varying = match self.op {
            // a cotangent of a value that differs has its type
            Among::Back => x[0].varying | bits(&self.axes),
            _ => x[0].varying & !bits(&self.axes),
        };
        Ok(one(Aval { varying, ..x[0].clone() }))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| match self.op {
            Among::Sum | Among::Back => bind1(self, &[d]),
            // a tangent may differ where its value does not
            Among::Copies => bind1(&AllReduce { op: Among::Sum, axes: self.axes.clone() }, &[d]),
            _ => not_differentiable(self.name()),
        }))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        matches!(self.op, Among::Sum | Among::Back)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        let differs = |a: &&Axis| io.aval(0).varying & a.bit != 0;
        let (differ, shared): (Vec<&Axis>, Vec<&Axis>) = self.axes.iter().partition(differs);
        let c = all_reduce(ct, Among::Back, differ.into_iter().cloned().collect());
        // the sum of what all lanes share is a multiple of it
        let n: usize = shared.iter().map(|a| a.size).product();
        io.add(0, if n == 1 || self.op == Among::Back { c } else { mul(&c, &lit(&c, n as f64)) })
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let Some(rest) = others(&self.axes, lanes) else { return one((bind1(self, &[x[0]]), dims[0])) };
        // devices inside the map come before its lanes: the order of a sum is that of the nesting
        let mine = lanes.axis.as_ref().map_or(0, |a| a.bit);
        let (inside, rest) = rest.into_iter().partition(|a| a.bit > mine);
        let x = reduced(x[0].clone(), self.op, inside);
        let y = match (dims[0], self.op) {
            (Some(d), Among::Sum | Among::Back | Among::Copies) => reduce_sum(&x, &[d]),
            (Some(d), Among::Max) => reduce_max(&x, &[d]),
            (Some(d), Among::Min) => reduce_min(&x, &[d]),
            (None, Among::Sum | Among::Copies) => mul(&x, &lit(&x, lanes.size as f64)),
            (None, _) => x,
        };
        one((reduced(y, self.op, rest), None))
    }
    fn lower(&self, _: &mut Lower, _: &[ValId], _: &[&Aval], _: &[Aval]) -> Vals {
        unbound(self.name(), &self.axes)
    }
    fn driven(&self) -> bool {
        true
    }
    fn exchange(&self, x: &[&Array], loc: Loc) -> Option<Outs> {
        let site = Site { name: self.name(), at: loc };
        let mut y = x[0].clone();
        for link in links(&self.axes)? {
            y = match self.op {
                Among::Sum => link.all_reduce(&y, Fold::Sum, site),
                Among::Max => link.all_reduce(&y, Fold::Max, site),
                Among::Min => link.all_reduce(&y, Fold::Min, site),
                Among::Copies => mul(&y, &lit(&y, link.size() as f64)),
                Among::Back => unreachable!("decided when the program was made"),
            }
        }
        Some(one(y))
    }
    fn named_axes(&self) -> AxisSet {
        bits(&self.axes)
    }
}

/// See [`pvary`].
///
/// ```
/// use cotangent::{Pmap, lax, make_jaxpr, prelude::*};
/// let f = Pmap::new().axis_name("i").of(|x: &Array| lax::pvary(x, "i") + lax::pvary(&array(1.0), "i"));
/// let program = make_jaxpr(f, (&array![[1., 2.], [3., 4.]],)).to_string();
/// assert!(program.contains("pvary"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pvary {
    axes: Vec<Axis>,
}
/// The same value in every lane, typed as one that differs from lane to lane.
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| lax::pvary(&array(5), &["i"][..]) + x);
/// assert_eq!(f(&array![1, 2]).to_string(), "[6 7]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn pvary(x: &Array, axes: impl AxisNames) -> Array {
    bind1(&Pvary { axes: axes_of("pvary", &axes) }, &[x])
}
impl Primitive for Pvary {
    fn name(&self) -> &'static str {
        "pvary"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("axes", quoted(&self.axes).into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        Ok(one(Aval { varying: x[0].varying | bits(&self.axes), ..x[0].clone() }))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| bind1(self, &[d])))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        // over an axis over which the operand varies already it does nothing
        let new = self.axes.iter().filter(|a| io.aval(0).varying & a.bit == 0).cloned().collect();
        let c = all_reduce(ct[0].as_ref().expect("a cotangent"), Among::Sum, new);
        io.add(0, c)
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let Some(rest) = others(&self.axes, lanes) else { return one((bind1(self, &[x[0]]), dims[0])) };
        let y = to_front(x[0], dims[0], lanes.size);
        one((if rest.is_empty() { y } else { bind1(&Pvary { axes: rest }, &[&y]) }, Some(0)))
    }
    fn lower(&self, _: &mut Lower, x: &[ValId], _: &[&Aval], _: &[Aval]) -> Vals {
        // a device has its value already
        one(x[0])
    }
    fn named_axes(&self) -> AxisSet {
        bits(&self.axes)
    }
}

/// The number of the lane: int32. Over several axes the last one counts fastest.
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| x * lax::axis_index("i"));
/// assert_eq!(f(&array![5, 5, 5]).to_string(), "[ 0  5 10]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn axis_index(axes: impl AxisNames) -> Array {
    let mut y = None;
    for axis in axes_of("axis_index", &axes) {
        let n = axis.size;
        let here = bind1(&AxisIndex { axis }, &[]);
        y = Some(match y {
            None => here,
            Some(y) => add(&mul(&y, &lit(&y, n as f64)), &here),
        })
    }
    y.unwrap_or_else(|| Array::scalar(DType::Int32, false, 0))
}
/// See [`axis_index`].
///
/// ```
/// use cotangent::{Pmap, lax, make_jaxpr, prelude::*};
/// let f = Pmap::new().axis_name("i").of(|x: &Array| x * lax::axis_index("i"));
/// let program = make_jaxpr(f, (&array![[1., 2.], [3., 4.]],)).to_string();
/// assert!(program.contains("axis_index[axis_name=i]"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AxisIndex {
    axis: Axis,
}
impl Primitive for AxisIndex {
    fn name(&self) -> &'static str {
        "axis_index"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("axis_name", (*self.axis.name).into())]
    }
    fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals, String> {
        Ok(one(Aval { varying: self.axis.bit, ..Aval::new(DType::Int32, &[]) }))
    }
    fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(None)
    }
    fn batch(&self, lanes: &Lanes, _: &[&Array], _: &[Option<usize>]) -> Batched {
        one((iota(DType::Int32, &[lanes.size], 0), Some(0)))
    }
    fn lower(&self, _: &mut Lower, _: &[ValId], _: &[&Aval], _: &[Aval]) -> Vals {
        unbound(self.name(), std::slice::from_ref(&self.axis))
    }
    fn driven(&self) -> bool {
        true
    }
    fn exchange(&self, _: &[&Array], _: Loc) -> Option<Outs> {
        let rank = link(&self.axis)?.rank();
        Some(one(Array::scalar(DType::Int32, false, rank as u64)))
    }
    fn named_axes(&self) -> AxisSet {
        self.axis.bit
    }
}


/// In a recorded program the axes of a map that was applied have become dimensions.
fn over_dimensions(p: &Params, x: &Operands, fold: fn(&Array, &[usize]) -> Array) -> Result<Outs, Error> {
    p.unset("axis_index_groups")?;
    let axes = p.usizes("axes")?;
    Ok(x.iter().map(|x| fold(x, &axes)).collect())
}
pub(super) const READ: &[Read] = &[
    ("psum", |p, x| over_dimensions(p, x, reduce_sum)),
    ("pmax", |p, x| over_dimensions(p, x, reduce_max)),
    ("pmin", |p, x| over_dimensions(p, x, reduce_min)),
];
pub(super) fn cases() -> Vec<Case> {
    // under a map that binds the axis; other tests bind several
    fn mapped(x: &Array, f: fn(&Array) -> Array) -> Vec<Array> {
        vec![crate::Vmap::new().axis_name("i").of(f)(x)]
    }
    fn slope(x: &Array, f: fn(&Array) -> Array) -> Array {
        crate::grad(move |x: &Array| {
            let y = sin(&f(x));
            reduce_sum(&y, &(0..y.ndim()).collect::<Vec<_>>())
        })(x)
    }
    let x = || vec![Array::from_slice(&[1.5f64, -2.0, 0.25, 3.0], &[2, 2])];
    vec![
        Case { name: "psum", args: x(), run: |x| mapped(&x[0], |x| mul(x, &psum(x, "i"))) },
        Case { name: "pmean", args: x(), run: |x| mapped(&x[0], |x| mul(x, &pmean(x, "i"))) },
        Case {
            name: "all_gather",
            args: x(),
            run: |x| mapped(&x[0], |x| mul(&all_gather(x, "i", 1), &expand_dims(x, &[1]))),
        },
        Case {
            name: "all_gather_invariant",
            args: x(),
            run: |x| mapped(&x[0], |x| mul(&all_gather_invariant(x, "i", 1), &expand_dims(x, &[1]))),
        },
        Case { name: "pbroadcast", args: x(), run: |x| mapped(&x[0], |x| mul(x, &pbroadcast(x, "i", 1))) },
        Case { name: "pshuffle", args: x(), run: |x| mapped(&x[0], |x| mul(x, &pshuffle(x, "i", &[1, 0]))) },
        Case { name: "psum_scatter", args: x(), run: |x| mapped(&x[0], |x| psum_scatter(&mul(x, x), "i", 0)) },
        Case { name: "all_to_all", args: x(), run: |x| mapped(&x[0], |x| all_to_all(&mul(x, x), "i", 0, 0)) },
        Case { name: "ppermute", args: x(), run: |x| mapped(&x[0], |x| mul(x, &ppermute(x, "i", &[(0, 1)]))) },
        // derivatives taken within a lane: those of the collectives themselves
        Case { name: "derivative of psum", args: x(), run: |x| mapped(&x[0], |x| slope(x, |x| psum(mul(x, x), "i"))) },
        Case { name: "derivative of pmean", args: x(), run: |x| mapped(&x[0], |x| slope(x, |x| pmean(mul(x, x), "i"))) },
        Case { name: "derivative of all_gather", args: x(), run: |x| mapped(&x[0], |x| slope(x, |x| all_gather(&mul(x, x), "i", 0))) },
        Case {
            name: "derivative of all_gather_invariant",
            args: x(),
            run: |x| mapped(&x[0], |x| slope(x, |x| all_gather_invariant(&mul(x, x), "i", 0))),
        },
        Case { name: "derivative of psum_scatter",
            args: x(),
            run: |x| mapped(&x[0], |x| slope(x, |x| psum_scatter(&mul(x, x), "i", 0))) },
        Case { name: "derivative of all_to_all",
            args: x(),
            run: |x| mapped(&x[0], |x| slope(x, |x| all_to_all(&mul(x, x), "i", 0, 0))) },
        Case { name: "derivative of ppermute",
            args: x(),
            run: |x| mapped(&x[0], |x| slope(x, |x| ppermute(&mul(x, x), "i", &[(0, 1)]))) },
        Case { name: "axis_index",
            args: x(),
            run: |x| mapped(&x[0], |x| mul(x, &convert_element_type(&axis_index("i"), DType::Float64, false))) },
    ]
}
