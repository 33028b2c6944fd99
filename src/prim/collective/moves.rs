//! Communication that moves values: gathering, scattering, exchanging and permuting those of all lanes.

use super::*;

/// Operations that move data between the lanes of one axis: parameters, type of the result, inverse, the move itself on a value
/// whose lanes are in front, which says where they are afterwards, and what a device has of it.
macro_rules! moves { ($(
    $(#[$doc:meta])*
    $Name:ident $name:literal { $($field:ident: $ty:ty),* } |$this:ident, $a:ident| $typed:expr, |$ct:ident| $back:expr, |$x:ident, $n:ident| $run:expr,
    |$y:ident, $link:ident, $site:ident| $exchange:expr;
)*) => { $(
    $(#[$doc])*
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct $Name { axis: Axis, $($field: $ty),* }
    impl Primitive for $Name {
        fn name(&self) -> &'static str { $name }
        fn params(&self) -> Vec<(&'static str, Param)> {
            let mut all = vec![("axis_name", Param::from(&*self.axis.name))];
            $(all.push((stringify!($field), format!("{:?}", self.$field).into()));)*
            all
        }
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
            let ($this, $a) = (self, x[0]);
            let shape: Result<Vec<usize>, String> = $typed;
            let mut out = $a.with_shape(shape?);
            if self.varies() { out.varying |= self.axis.bit } else { out.varying &= !self.axis.bit }
            Ok(one(out))
        }
        fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents { one(dx[0].map(|d| bind1(self, &[d]))) }
        fn linear_in(&self, _: &[bool]) -> bool { true }
        fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
            let ($this, $ct) = (self, ct[0].as_ref().expect("a cotangent"));
            let c = $back;
            io.add(0, c)
        }
        fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
            if lanes.axis.as_ref().is_none_or(|a| a.bit != self.axis.bit) {
                // another map's lanes: they ride along in front
                return one((bind1(&self.behind(), &[&to_front(x[0], dims[0], lanes.size)]), Some(0)));
            }
            let ($this, $n) = (self, lanes.size);
            let $x = to_front(x[0], dims[0], $n);
            one($run)
        }
        fn lower(&self, _: &mut Lower, _: &[ValId], _: &[&Aval], _: &[Aval]) -> Vals {
            unbound(self.name(), std::slice::from_ref(&self.axis))
        }
        fn driven(&self) -> bool { true }
        fn exchange(&self, x: &[&Array], loc: Loc) -> Option<Outs> {
            let ($this, $y, $link) = (self, x[0], link(&self.axis)?);
            let $site = Site { name: $name, at: loc };
            Some(one($exchange))
        }
        fn named_axes(&self) -> AxisSet { self.axis.bit }
    }
)* } }
moves! {
    /// See [`all_gather`].
    ///
    /// ```
    /// use cotangent::{Pmap, lax, make_jaxpr, prelude::*};
    /// let f = Pmap::new().axis_name("i").of(|x: &Array| lax::all_gather(x, "i", 0));
    /// let program = make_jaxpr(f, (&array![1., 2.],)).to_string();
    /// assert!(program.contains("all_gather["), "{program}");
    /// ```
    AllGather "all_gather" { dimension: usize } |this, a| {
            if this.dimension > a.shape.len() { return Err(format!("dimension {} is out of bounds for {a} gathered", this.dimension)) }
            let mut s = a.shape.to_vec();
            s.insert(this.dimension, this.axis.size);
            Ok(s)
        },
        |ct| bind1(&PsumScatter { axis: this.axis.clone(), dimension: this.dimension }, &[ct]),
        |x, _n| (move_axis(&x, 0, this.dimension), None),
        |x, link, site| move_axis(&link.all_gather(x, site), 0, this.dimension);
    /// See [`all_gather_invariant`].
    ///
    /// ```
    /// use cotangent::{Pmap, lax, make_jaxpr, prelude::*};
    /// let f = Pmap::new().axis_name("i").out_axes(None).of(|x: &Array| lax::all_gather_invariant(x, "i", 0));
    /// let program = make_jaxpr(f, (&array![1., 2.],)).to_string();
    /// assert!(program.contains("all_gather_invariant["), "{program}");
    /// ```
    AllGatherInvariant "all_gather_invariant" { dimension: usize } |this, a| {
            if this.dimension > a.shape.len() { return Err(format!("dimension {} is out of bounds for {a} gathered", this.dimension)) }
            let mut s = a.shape.to_vec();
            s.insert(this.dimension, this.axis.size);
            Ok(s)
        },
        |ct| this.own(&all_reduce(ct, Among::Back, vec![this.axis.clone()])),
        |x, _n| (move_axis(&x, 0, this.dimension), None),
        |x, link, site| move_axis(&link.all_gather(x, site), 0, this.dimension);
    /// See [`psum_scatter`].
    ///
    /// ```
    /// use cotangent::{Pmap, lax, make_jaxpr, prelude::*};
    /// let f = Pmap::new().axis_name("i").of(|x: &Array| lax::psum_scatter(x, "i", 0));
    /// let program = make_jaxpr(f, (&array![[1., 2.], [3., 4.]],)).to_string();
    /// assert!(program.contains("reduce_scatter["), "{program}"); // its name in programs
    /// ```
    PsumScatter "reduce_scatter" { dimension: usize } |this, a| {
            if a.shape.get(this.dimension) != Some(&this.axis.size) {
                return Err(format!("dimension {} of {a} must have an extent of {} lanes", this.dimension, this.axis.size));
            }
            let mut s = a.shape.to_vec();
            s.remove(this.dimension);
            Ok(s)
        },
        |ct| bind1(&AllGather { axis: this.axis.clone(), dimension: this.dimension }, &[ct]),
        |x, _n| (reduce_sum(&x, &[0]), Some(this.dimension)),
        |x, link, site| link.reduce_scatter(&move_axis(x, this.dimension, 0), site);
    /// See [`all_to_all`].
    ///
    /// ```
    /// use cotangent::{Pmap, lax, make_jaxpr, prelude::*};
    /// let f = Pmap::new().axis_name("i").of(|x: &Array| lax::all_to_all(x, "i", 0, 0));
    /// let program = make_jaxpr(f, (&array![[1., 2.], [3., 4.]],)).to_string();
    /// assert!(program.contains("all_to_all["), "{program}");
    /// ```
    AllToAll "all_to_all" { split: usize, concat: usize } |this, a| {
            if a.shape.get(this.split) != Some(&this.axis.size) {
                return Err(format!("dimension {} of {a} must have an extent of {} lanes", this.split, this.axis.size));
            }
            let mut s = a.shape.to_vec();
            s.remove(this.split);
            if this.concat > s.len() { return Err(format!("dimension {} is out of bounds for the result", this.concat)) }
            s.insert(this.concat, this.axis.size);
            Ok(s)
        },
        |ct| bind1(&AllToAll { axis: this.axis.clone(), split: this.concat, concat: this.split }, &[ct]),
        |x, _n| {
            // the split dimension becomes the lanes, and the lanes the dimension `concat`
            let mut rest: Vec<usize> = (1..x.ndim()).filter(|d| *d != this.split + 1).collect();
            rest.insert(this.concat, 0);
            let perm: Vec<usize> = [this.split + 1].into_iter().chain(rest).collect();
            (transpose(&x, &perm), Some(0))
        },
        |x, link, site| move_axis(&link.all_to_all(&move_axis(x, this.split, 0), site), 0, this.concat);
    /// See [`ppermute`].
    ///
    /// ```
    /// use cotangent::{Pmap, lax, make_jaxpr, prelude::*};
    /// let f = Pmap::new().axis_name("i").of(|x: &Array| lax::ppermute(x, "i", &[(0, 1)]));
    /// let program = make_jaxpr(f, (&array![1., 2.],)).to_string();
    /// assert!(program.contains("ppermute["), "{program}");
    /// ```
    Ppermute "ppermute" { perm: Vec<(usize, usize)> } |this, a| {
            let n = this.axis.size;
            let twice = |f: fn(&(usize, usize)) -> usize| this.perm.iter().enumerate().any(|(i, p)| this.perm[..i].iter().any(|q| f(q) == f(p)));
            if this.perm.iter().any(|(s, d)| *s >= n || *d >= n) || twice(|p| p.0) || twice(|p| p.1) {
                return Err(format!("{:?} is no permutation of {n} lanes", this.perm));
            }
            Ok(a.shape.to_vec())
        },
        |ct| bind1(&Ppermute { axis: this.axis.clone(), perm: this.perm.iter().map(|(s, d)| (*d, *s)).collect() }, &[ct]),
        |x, n| {
            let nothing = zeros_of(&x.aval().with_shape([1].into_iter().chain(x.shape()[1..].iter().copied())));
            let rows: Vec<Array> = (0..n)
                .map(|d| match this.perm.iter().find(|p| p.1 == d) {
                    Some((s, _)) => slice_in_dim(&x, *s, s + 1, 1, 0),
                    None => nothing.clone(),
                })
                .collect();
            (concatenate(&rows.iter().collect::<Vec<_>>(), 0), Some(0))
        },
        |x, link, site| link.permute(x, &this.perm, site);
}
impl AllGather {
    fn varies(&self) -> bool {
        true
    }
    fn behind(&self) -> AllGather {
        AllGather { axis: self.axis.clone(), dimension: self.dimension + 1 }
    }
}
impl AllGatherInvariant {
    fn varies(&self) -> bool {
        false
    }
    fn behind(&self) -> AllGatherInvariant {
        AllGatherInvariant { axis: self.axis.clone(), dimension: self.dimension + 1 }
    }
    /// Of what all lanes have, each lane's own entry.
    fn own(&self, x: &Array) -> Array {
        let here = bind1(&AxisIndex { axis: self.axis.clone() }, &[]);
        let zero = Array::scalar(DType::Int32, false, 0);
        let starts: Vec<&Array> = (0..x.ndim()).map(|d| if d == self.dimension { &here } else { &zero }).collect();
        let mut sizes = x.shape().to_vec();
        sizes[self.dimension] = 1;
        squeeze(&dynamic_slice(x, &starts, &sizes), &[self.dimension])
    }
}
impl PsumScatter {
    fn varies(&self) -> bool {
        true
    }
    fn behind(&self) -> PsumScatter {
        PsumScatter { axis: self.axis.clone(), dimension: self.dimension + 1 }
    }
}
impl AllToAll {
    fn varies(&self) -> bool {
        true
    }
    fn behind(&self) -> AllToAll {
        AllToAll { axis: self.axis.clone(), split: self.split + 1, concat: self.concat + 1 }
    }
}
impl Ppermute {
    fn varies(&self) -> bool {
        true
    }
    fn behind(&self) -> Ppermute {
        self.clone()
    }
}

/// All lanes' values side by side along a new dimension, in every lane. Over several axes, lanes are counted as by [`axis_index`].
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| lax::all_gather(x, "i", 0) * x);
/// assert_eq!(f(&array![1, 2, 3]).to_string(), "[[1 2 3]\n [2 4 6]\n [3 6 9]]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn all_gather(x: &Array, axes: impl AxisNames, dimension: usize) -> Array {
    gathered(x, axes_of("all_gather", &axes), dimension, |axis, dimension| Box::new(AllGather { axis, dimension }))
}
/// [`all_gather`] with a result that is typed as one value, which all lanes share: a map may return it as such. As
/// `jax.lax.all_gather_invariant`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{Pmap, lax};
/// let all = Pmap::new().axis_name("i").out_axes(None).of(|x: &Array| lax::all_gather_invariant(&(x * 2.0), "i", 0));
/// assert_eq!(all(&array![1., 2.]).to_string(), "[2. 4.]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn all_gather_invariant(x: &Array, axes: impl AxisNames, dimension: usize) -> Array {
    let axes = axes_of("all_gather_invariant", &axes);
    gathered(x, axes, dimension, |axis, dimension| Box::new(AllGatherInvariant { axis, dimension }))
}
/// One axis after the other, from the last, and one dimension for all.
#[track_caller]
fn gathered(x: &Array, axes: Vec<Axis>, dimension: usize, one: fn(Axis, usize) -> Box<dyn Primitive>) -> Array {
    let many = axes.len();
    let n: usize = axes.iter().map(|a| a.size).product();
    let mut y = x.clone();
    for axis in axes.into_iter().rev() {
        y = bind1(&*one(axis, dimension), &[&y])
    }
    if many == 1 { y } else { regrouped(&y, dimension, many, &[n]) }
}
/// The `many` dimensions from `first` on as these.
#[track_caller]
fn regrouped(x: &Array, first: usize, many: usize, extents: &[usize]) -> Array {
    let s = x.shape();
    let end = (first + many).min(s.len());
    reshape(x, &[&s[..first.min(end)], extents, &s[end..]].concat())
}
/// A dimension over several axes as one for each.
#[track_caller]
fn ungrouped(op: &str, x: &Array, axes: &[Axis], dimension: usize) -> Array {
    let extents: Vec<usize> = axes.iter().map(|a| a.size).collect();
    let n: usize = extents.iter().product();
    if x.shape().get(dimension) != Some(&n) {
        let text = format!("{op}: dimension {dimension} of {} must have an extent of {n} lanes", x.aval());
        fail(ErrorKind::Shape, text)
    }
    regrouped(x, dimension, 1, &extents)
}
/// The sum of all lanes' values, of which each lane gets its piece: lane i index i along `dimension`, whose extent is the number of
/// lanes and which disappears. Over several axes, lanes are counted as by [`axis_index`].
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| lax::psum_scatter(x, "i", 0));
/// assert_eq!(f(&array![[1, 2], [10, 20]]).to_string(), "[11 22]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn psum_scatter(x: &Array, axes: impl AxisNames, dimension: usize) -> Array {
    let axes = axes_of("psum_scatter", &axes);
    let mut x = if axes.len() == 1 { x.clone() } else { ungrouped("psum_scatter", x, &axes, dimension) };
    for axis in axes {
        x = bind1(&PsumScatter { axis, dimension }, &[&x])
    }
    x
}
/// Every lane sends index i along dimension `split` to lane i, and puts what it receives side by side along a new dimension
/// `concat`. The dimension `split`, whose extent is the number of lanes, disappears. Over several axes, lanes are counted as by
/// [`axis_index`].
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| lax::all_to_all(x, "i", 0, 0));
/// assert_eq!(f(&array![[1, 2], [3, 4]]).to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// If an axis is not bound here.
#[track_caller]
pub fn all_to_all(x: &Array, axes: impl AxisNames, split: usize, concat: usize) -> Array {
    let mut axes = axes_of("all_to_all", &axes);
    if axes.len() == 1 {
        return bind1(&AllToAll { axis: axes.remove(0), split, concat }, &[x]);
    }
    let (many, n) = (axes.len(), axes.iter().map(|a| a.size).product());
    let mut x = move_axis(&regrouped(&ungrouped("all_to_all", x, &axes, split), split, many, &[n]), split, 0);
    x = ungrouped("all_to_all", &x, &axes, 0);
    for (k, axis) in axes.into_iter().enumerate() {
        x = bind1(&AllToAll { axis, split: k, concat: k }, &[&x])
    }
    move_axis(&regrouped(&x, 0, many, &[n]), 0, concat)
}
/// Every lane's dimension, whose extent is the number of lanes, becomes the lanes, and the lanes become that dimension.
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| lax::pswapaxes(x, "i", 0));
/// assert_eq!(f(&array![[1, 2], [3, 4]]).to_string(), "[[1 3]\n [2 4]]");
/// ```
///
/// # Panics
/// As [`all_to_all`].
#[track_caller]
pub fn pswapaxes(x: &Array, axes: impl AxisNames, dimension: usize) -> Array {
    all_to_all(x, axes, dimension, dimension)
}
/// Lane `from` sends its value to lane `to`, for each pair; who receives nothing has zeros.
///
/// ```
/// use cotangent::{Vmap, lax, prelude::*};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| lax::ppermute(x, "i", &[(0, 1), (1, 2)]));
/// assert_eq!(f(&array![7, 8, 9]).to_string(), "[0 7 8]");
/// ```
///
/// # Panics
/// If the axis is not bound here, or if the pairs are no permutation.
#[track_caller]
pub fn ppermute(x: &Array, axis: &str, from_to: &[(usize, usize)]) -> Array {
    bind1(&Ppermute { axis: resolve("ppermute", axis), perm: from_to.to_vec() }, &[x])
}
/// Lane i has the value of lane `from[i]`.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{Vmap, lax};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| lax::pshuffle(x, "i", &[2, 0, 1]));
/// assert_eq!(f(&array![1., 2., 3.]).to_string(), "[3. 1. 2.]");
/// ```
///
/// # Panics
/// If the axis is not bound here, or if `from` does not name every lane once.
#[track_caller]
pub fn pshuffle(x: &Array, axis: &str, from: &[usize]) -> Array {
    let axis = resolve("pshuffle", axis);
    let mut sorted = from.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..axis.size) {
        fail(ErrorKind::Value, format!("pshuffle: {from:?} is no permutation of {} lanes", axis.size))
    }
    let perm = from.iter().copied().zip(0..).collect();
    bind1(&Ppermute { axis, perm }, &[x])
}
/// The value of lane `source`: the same in every lane, and typed so.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{Vmap, lax};
/// let f = Vmap::new().axis_name("i").of(|x: &Array| x - lax::pbroadcast(x, "i", 1));
/// assert_eq!(f(&array![1., 2., 5.]).to_string(), "[-1.  0.  3.]");
/// ```
///
/// # Panics
/// If the axis is not bound here, or if it has no such lane.
#[track_caller]
pub fn pbroadcast(x: &Array, axis: &str, source: usize) -> Array {
    let axis = resolve("pbroadcast", axis);
    if source >= axis.size {
        fail(ErrorKind::Value, format!("pbroadcast: there is no lane {source} among {}", axis.size))
    }
    let all = bind1(&AllGatherInvariant { axis, dimension: 0 }, &[x]);
    squeeze(&slice_in_dim(&all, source, source + 1, 1, 0), &[0])
}
