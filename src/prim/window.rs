//! Windows that move over an array: their sums and extremes, and what belongs to the extreme of each.
//!
//! Where the extremes of windows have a derivative it is that of one element, the first of equal ones: its tangent is picked, and a cotangent is put there.

use super::conv::{Pads, dilated, pads_of_lhs, pads_text, strided};
use super::*;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::trace::batch::batch_jaxpr;
use crate::trace::bind1;
use cotangent_cpu::{Fold, Kind, Slide, Use, ValId};

/// How windows lie in an array: one number, or pair, for each dimension.
///
/// ```
/// use cotangent::{prelude::*, prim::{Windows, reduce_window_sum}};
/// let pairs = Windows { strides: [2].into_iter().collect(), ..Windows::new(&[2]) };
/// assert_eq!(reduce_window_sum(&array![1, 2, 3, 4, 5], &pairs).to_string(), "[3 7]");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Windows {
    /// Elements of a window.
    pub dimensions: Shape,
    /// From a window to the next.
    pub strides: Shape,
    /// Places around the array; negative numbers cut off.
    pub padding: Pads,
    /// From an element of the array to the next, with padding between.
    pub base_dilation: Shape,
    /// From an element of a window to the next.
    pub window_dilation: Shape,
}
impl Windows {
    /// Windows of these extents, one at each element, without padding.
    ///
    /// ```
    /// use cotangent::{prelude::*, prim::{Windows, reduce_window_sum}};
    /// let y = reduce_window_sum(&array![[1, 2], [3, 4], [5, 6]], &Windows::new(&[2, 1]));
    /// assert_eq!(y.to_string(), "[[ 4  6]\n [ 8 10]]");
    /// ```
    pub fn new(dimensions: &[usize]) -> Windows {
        let ones: Shape = SmallVec::from_elem(1, dimensions.len());
        Windows {
            dimensions: dimensions.into(),
            strides: ones.clone(),
            padding: SmallVec::from_elem((0, 0), dimensions.len()),
            base_dilation: ones.clone(),
            window_dilation: ones,
        }
    }
    /// How many there are in each dimension of an array, or why there are none.
    pub(crate) fn count(&self, x: &Aval) -> Result<Shape, String> {
        let n = x.ndim();
        let numbers = [
            (&self.dimensions, "window dimensions"),
            (&self.strides, "window strides"),
            (&self.base_dilation, "base dilation"),
            (&self.window_dilation, "window dilation"),
        ];
        for (numbers, what) in numbers {
            if numbers.len() != n || numbers.contains(&0) {
                return Err(format!("{what} {} must be {n} positive numbers, one for each dimension of {x}", tuple(numbers)));
            }
        }
        if self.padding.len() != n {
            return Err(format!("the padding {} must have {n} pairs, one for each dimension of {x}", pads_text(&self.padding)));
        }
        let along = |d: usize| {
            let places = dilated(x.shape[d], self.base_dilation[d]) as i64 + self.padding[d].0 + self.padding[d].1;
            let window = dilated(self.dimensions[d], self.window_dilation[d]);
            strided(places.max(0) as usize, window, self.strides[d])
        };
        Ok((0..n).map(along).collect())
    }
    /// With one more dimension, in which windows have one element.
    fn with_lanes(&self, at: usize) -> Windows {
        let mut w = self.clone();
        for numbers in [&mut w.dimensions, &mut w.strides, &mut w.base_dilation, &mut w.window_dilation] {
            numbers.insert(at, 1);
        }
        w.padding.insert(at, (0, 0));
        w
    }
    fn slides(&self) -> Arc<cotangent_cpu::WindowSpec> {
        let slide = |d: usize| Slide {
            size: self.dimensions[d],
            stride: self.strides[d],
            dilation: self.window_dilation[d],
            base: self.base_dilation[d],
            lo: self.padding[d].0,
        };
        Arc::new((0..self.dimensions.len()).map(slide).collect())
    }
    /// In alphabetical order, dilations only where `all` are wanted or one is none.
    fn params(&self, all: bool, select: Option<bool>) -> Vec<(&'static str, Param)> {
        let mut p: Vec<(&'static str, Param)> = vec![];
        let dilation = |d: &Shape| all || d.iter().any(|d| *d != 1);
        if dilation(&self.base_dilation) {
            p.push(("base_dilation", tuple(&self.base_dilation).into()));
        }
        p.push(("padding", pads_text(&self.padding).into()));
        if let Some(max) = select {
            p.push(("select_prim", if max { "ge" } else { "le" }.into()));
        }
        if dilation(&self.window_dilation) {
            p.push(("window_dilation", tuple(&self.window_dilation).into()));
        }
        p.push(("window_dimensions", tuple(&self.dimensions).into()));
        p.push(("window_strides", tuple(&self.strides).into()));
        p
    }
}

/// The sum of each window, in row-major order; padding counts as 0.
///
/// ```
/// use cotangent::{prelude::*, prim::{Windows, reduce_window_sum}};
/// assert_eq!(reduce_window_sum(&array![1, 2, 3, 4], &Windows::new(&[3])).to_string(), "[6 9]");
/// ```
///
/// # Panics
/// If the windows do not fit the dimensions of `x`, or if its elements are no numbers.
#[track_caller]
pub fn reduce_window_sum(x: &Array, windows: &Windows) -> Array {
    bind1(&ReduceWindow { op: WindowFold::Sum, windows: windows.clone() }, &[x])
}
/// The greatest element of each window; NaN if there is one. Of nothing but padding: the least number. Of equal elements the first has the derivative. Complex
/// numbers are compared by their real parts, and equal ones by their imaginary parts.
///
/// ```
/// use cotangent::{prelude::*, prim::{Windows, reduce_window_max}};
/// assert_eq!(reduce_window_max(&array![1, 9, 3, 4], &Windows::new(&[2])).to_string(), "[9 9 4]");
/// ```
///
/// # Panics
/// If the windows do not fit the dimensions of `x`.
#[track_caller]
pub fn reduce_window_max(x: &Array, windows: &Windows) -> Array {
    if x.dtype().is_complex() {
        return lexicographic(x, windows, f64::NEG_INFINITY, max);
    }
    bind1(&ReduceWindow { op: WindowFold::Max, windows: windows.clone() }, &[x])
}
/// The least element of each window: see [`reduce_window_max`].
///
/// ```
/// use cotangent::{prelude::*, prim::{Windows, reduce_window_min}};
/// assert_eq!(reduce_window_min(&array![1, 9, 3, 4], &Windows::new(&[2])).to_string(), "[1 3 3]");
/// ```
///
/// # Panics
/// As [`reduce_window_max`].
#[track_caller]
pub fn reduce_window_min(x: &Array, windows: &Windows) -> Array {
    if x.dtype().is_complex() {
        return lexicographic(x, windows, f64::INFINITY, min);
    }
    bind1(&ReduceWindow { op: WindowFold::Min, windows: windows.clone() }, &[x])
}
#[track_caller]
fn lexicographic(x: &Array, windows: &Windows, worst: f64, of: fn(&Array, &Array) -> Array) -> Array {
    let init = lit(x, worst);
    reduce_window(std::slice::from_ref(x), &[init], windows, &|a, b| vec![of(&a[0], &b[0])]).remove(0)
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum WindowFold {
    Sum,
    Max,
    Min,
}
/// See [`reduce_window_sum`] and [`reduce_window_max`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::reduce_window_sum(x, &prim::Windows::new(&[2])), (&array![1., 2.],));
/// assert!(program.to_string().contains("reduce_window_sum["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReduceWindow {
    op: WindowFold,
    windows: Windows,
}
impl Primitive for ReduceWindow {
    fn name(&self) -> &'static str {
        match self.op {
            WindowFold::Sum => "reduce_window_sum",
            WindowFold::Max => "reduce_window_max",
            WindowFold::Min => "reduce_window_min",
        }
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        self.windows.params(true, None)
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let takes = if self.op == WindowFold::Sum { Takes::Number } else { Takes::Ordered };
        takes.check(x[0].dtype)?;
        Ok(one(x[0].with_shape(self.windows.count(x[0])?)))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| match self.op {
            WindowFold::Sum => bind1(self, &[d]),
            op => select_and_gather_add(d, x[0], op == WindowFold::Max, &self.windows),
        }))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        self.op == WindowFold::Sum
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let (w, ct) = (&self.windows, ct[0].as_ref().expect("a cotangent"));
        let shape = &io.aval(0).shape;
        // an element is in the windows that a window as large, looking back, sees
        let dilations = (&w.base_dilation[..], &w.window_dilation[..]);
        let padding = pads_of_lhs(shape, &w.dimensions, ct.shape(), &w.strides, &w.padding, dilations);
        let back = Windows { strides: w.base_dilation.clone(), base_dilation: w.strides.clone(), padding, ..w.clone() };
        let c = reduce_window_sum(ct, &back);
        io.add(0, c)
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let b = dims[0].expect("a mapped operand");
        one((bind1(&ReduceWindow { windows: self.windows.with_lanes(b), ..self.clone() }, &[x[0]]), Some(b)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let op = match self.op {
            WindowFold::Sum => Fold::Sum,
            WindowFold::Max => Fold::Max,
            WindowFold::Min => Fold::Min,
        };
        let kind = Kind::Window { op, slides: self.windows.slides() };
        one(l.p.push(kind, &[Use::plain(x[0])], &[lower::ty(&outs[0])]))
    }
}

/// Of each window of `by` the place of its greatest element (or least, without `max`), and the element of `x` there: the tangent of
/// [`reduce_window_max`]. The first of equal ones; where everything is the least number, or padding, 0.
///
/// ```
/// use cotangent::{prelude::*, prim::{Windows, select_and_gather_add}};
/// // of each window the tangent of its greatest element
/// let (x, by) = (array![10., 20., 30.], array![1., 7., 3.]);
/// assert_eq!(select_and_gather_add(&x, &by, true, &Windows::new(&[2])).to_string(), "[20. 20.]");
/// ```
///
/// # Panics
/// If `x` has not the type of `by`, whose elements are real, or if the windows do not fit.
#[track_caller]
pub fn select_and_gather_add(x: &Array, by: &Array, max: bool, windows: &Windows) -> Array {
    bind1(&SelectAndGatherAdd { max, windows: windows.clone() }, &[x, by])
}
/// See [`select_and_gather_add`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::select_and_gather_add(x, x, true, &prim::Windows::new(&[2])), (&array![1., 2.],));
/// assert!(program.to_string().contains("select_and_gather_add["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SelectAndGatherAdd {
    max: bool,
    windows: Windows,
}
/// Zeros of the type of `by`, with each element of `x` added to the place of the greatest element (or least, without `max`) of its window of `by`: the cotangent of
/// [`reduce_window_max`]. The first of equal ones; nothing where that is padding.
///
/// ```
/// use cotangent::{prelude::*, prim::{Windows, select_and_scatter_add}};
/// let by = array![1., 7., 3.];
/// assert_eq!(select_and_scatter_add(&array![10., 20.], &by, true, &Windows::new(&[2])).to_string(), "[ 0. 30.  0.]");
/// ```
///
/// # Panics
/// If `x` has not one element for each window, or not the element type of `by`, whose elements are real, or if the windows do not fit.
#[track_caller]
pub fn select_and_scatter_add(x: &Array, by: &Array, max: bool, windows: &Windows) -> Array {
    bind1(&SelectAndScatterAdd { max, windows: windows.clone() }, &[x, by])
}
/// See [`select_and_scatter_add`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let back = |x: &Array| prim::select_and_scatter_add(&array![1.], x, true, &prim::Windows::new(&[2]));
/// let program = make_jaxpr(back, (&array![1., 2.],));
/// assert!(program.to_string().contains("select_and_scatter_add["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SelectAndScatterAdd {
    max: bool,
    windows: Windows,
}

/// The rules that the two share: both are linear in the first operand, and constant in the second between ties.
macro_rules! selecting {
    ($Name:ident $name:literal $kind:ident all $all:literal, |$x:ident, $windows:ident| $fits:expr, back $back:ident) => {
        impl Primitive for $Name {
            fn name(&self) -> &'static str {
                $name
            }
            fn params(&self) -> Vec<(&'static str, Param)> {
                self.windows.params($all, Some(self.max))
            }
            fn abstract_eval(&self, $x: &[&Aval]) -> Result<Avals, String> {
                Takes::Ordered.check(same_dtype($x)?)?;
                let $windows = self.windows.count($x[1])?;
                let shape: Shape = $fits?;
                let a = Aval { weak: $x[0].weak && $x[1].weak, varying: $x[0].varying | $x[1].varying, ..$x[0].clone() };
                Ok(one(a.with_shape(shape)))
            }
            fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
                one(dx[0].map(|d| bind1(self, &[d, x[1]])))
            }
            fn linear_in(&self, m: &[bool]) -> bool {
                only(m, 0)
            }
            fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
                let c = $back(ct[0].as_ref().expect("a cotangent"), io.known(1), self.max, &self.windows);
                io.add(0, c)
            }
            fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
                let x = all_front(lanes, x, dims);
                let p = $Name { windows: self.windows.with_lanes(0), ..self.clone() };
                one((bind1(&p, &[&x[0], &x[1]]), Some(0)))
            }
            fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
                let kind = Kind::$kind { max: self.max, slides: self.windows.slides() };
                one(l.p.push(kind, &[Use::plain(x[0]), Use::plain(x[1])], &[lower::ty(&outs[0])]))
            }
        }
    };
}
selecting!(SelectAndGatherAdd "select_and_gather_add" WindowPick all true, |x, windows| {
    if x[0].shape == x[1].shape { Ok(windows) } else { Err(format!("operands must have one shape, got {}", listed(x))) }
}, back select_and_scatter_add);
selecting!(SelectAndScatterAdd "select_and_scatter_add" WindowPut all false, |x, windows| {
    if x[0].shape == windows {
        Ok(x[1].shape.clone())
    } else {
        Err(format!("{} has not one element for each of {} windows of {}", x[0], tuple(&windows), x[1]))
    }
}, back select_and_gather_add);

/// Folds of windows by any function: from the initial values on, `combine` meets the elements of all windows that have one place in them, in
/// row-major order of the places. Padding takes no part, as on JAX's CPU. Several arrays are folded together.
///
/// # Panics
/// If the windows do not fit the arrays, or the initial values are no scalars of their types.
#[track_caller]
pub(crate) fn reduce_window(
    xs: &[Array],
    init: &[Array],
    w: &Windows,
    combine: &dyn Fn(&[Array], &[Array]) -> Vec<Array>,
) -> Vec<Array> {
    #[track_caller]
    fn fail(kind: crate::error::ErrorKind, text: String) -> ! {
        crate::error::fail(kind, format!("reduce_window: {text}"))
    }
    for (x, v) in xs.iter().zip(init) {
        if x.dtype() != v.dtype() || v.ndim() > 0 {
            fail(crate::error::ErrorKind::Type, format!("the initial value {} is no scalar of the type (dtype) of {}", v.aval(), x.aval()))
        }
        if x.shape() != xs[0].shape() {
            fail(crate::error::ErrorKind::Shape, format!("{} and {} have different shapes", xs[0].aval(), x.aval()))
        }
    }
    let windows = w.count(xs[0].aval()).unwrap_or_else(|e| fail(crate::error::ErrorKind::Shape, e));
    let mut y: Vec<Array> = init.iter().map(|v| broadcast_in_dim(v, &windows, &[])).collect();
    if windows.contains(&0) {
        return y;
    }
    let config: Vec<_> = w.padding.iter().zip(&w.base_dilation).map(|((lo, hi), d)| (*lo, *hi, *d as i64 - 1)).collect();
    let padded: Vec<Array> = xs.iter().zip(init).map(|(x, v)| pad(x, v, &config)).collect();
    // which places are elements
    let there = config.iter().any(|c| c.0 > 0 || c.1 > 0 || c.2 > 0).then(|| {
        let yes = full_of(&xs[0].aval().with_dtype(DType::Bool), 1.0);
        pad(&yes, &lit(&yes, 0.0), &config)
    });
    for k in 0..w.dimensions.iter().product() {
        let (mut rest, mut start, mut limit) = (k, w.dimensions.clone(), w.dimensions.clone());
        for d in (0..windows.len()).rev() {
            start[d] = rest % w.dimensions[d] * w.window_dilation[d];
            limit[d] = start[d] + (windows[d] - 1) * w.strides[d] + 1;
            rest /= w.dimensions[d];
        }
        let place = |x: &Array| slice(x, &start, &limit, Some(&w.strides));
        let combined = combine(&y, &padded.iter().map(place).collect::<Vec<_>>());
        y = match &there {
            None => combined,
            Some(there) => {
                let there = place(there);
                y.iter().zip(&combined).map(|(y, z)| select_n(&there, &[y, z])).collect()
            }
        }
    }
    y
}

fn read(p: &Params, dilated: bool) -> Result<Windows, Error> {
    let dimensions = p.usizes("window_dimensions")?;
    let mut w = Windows::new(&dimensions);
    w.strides = p.usizes("window_strides")?.into();
    w.padding = p.pairs("padding")?.into();
    if dilated {
        w.base_dilation = p.usizes("base_dilation")?.into();
        w.window_dilation = p.usizes("window_dilation")?.into();
    }
    Ok(w)
}
fn greatest(p: &Params) -> Result<bool, Error> {
    match p.str("select_prim")? {
        "ge" => Ok(true),
        "le" => Ok(false),
        other => Err(p.error("select_prim", format!("{other} is neither ge nor le")).into()),
    }
}
/// JAX's `reduce_window` holds the program of two scalars.
fn read_fold(p: &Params, x: &Operands) -> Result<Outs, Error> {
    let all: Vec<Array> = x.iter().cloned().collect();
    let (xs, init) = all.split_at(all.len() / 2);
    let f = crate::jaxpr::stage_nested(p.jaxpr("jaxpr")?)?;
    let combine = |a: &[Array], b: &[Array]| {
        let shape = a[0].shape();
        let lanes = Lanes::unnamed(a[0].size());
        let (f, _) = &*batch_jaxpr(&f, &lanes, &vec![true; 2 * a.len()], &vec![true; a.len()]);
        let flat: Vec<Array> = a.iter().chain(b).map(|x| reshape(x, &[x.size()])).collect();
        f.eval(&flat.iter().collect::<Vec<_>>()).iter().map(|y| reshape(y, shape)).collect()
    };
    Ok(reduce_window(xs, init, &read(p, true)?, &combine).into_iter().collect())
}

pub(super) const READ: &[Read] = &[
    ("reduce_window_sum", |p, x| Ok(one(reduce_window_sum(&x[0], &read(p, true)?)))),
    ("reduce_window_max", |p, x| Ok(one(reduce_window_max(&x[0], &read(p, true)?)))),
    ("reduce_window_min", |p, x| Ok(one(reduce_window_min(&x[0], &read(p, true)?)))),
    ("reduce_window", read_fold),
    ("select_and_gather_add", |p, x| Ok(one(select_and_gather_add(&x[0], &x[1], greatest(p)?, &read(p, true)?)))),
    ("select_and_scatter_add", |p, x| Ok(one(select_and_scatter_add(&x[0], &x[1], greatest(p)?, &read(p, false)?)))),
];

pub(super) fn cases() -> Vec<Case> {
    // no two elements are equal
    let sample = |shape: &[usize]| {
        let n: usize = shape.iter().product();
        let data: Vec<f64> = (0..n).map(|i| ((i * 17 + 5) % 61) as f64 * 0.25 - 6.125).collect();
        Array::from_slice(&data, shape)
    };
    fn windows() -> [Windows; 4] {
        let plain = Windows::new(&[2, 2]);
        let strides = |s: &[usize]| Shape::from_slice(s);
        [
            Windows { strides: strides(&[2, 2]), ..plain.clone() },
            Windows { padding: [(1, 0), (2, 1)].into_iter().collect(), strides: strides(&[1, 3]), ..plain.clone() },
            Windows { window_dilation: strides(&[2, 1]), padding: [(0, -1), (0, 0)].into_iter().collect(), ..plain.clone() },
            Windows { base_dilation: strides(&[1, 2]), window_dilation: strides(&[1, 3]), ..plain },
        ]
    }
    fn folds(x: &Array) -> Vec<Array> {
        let all = [reduce_window_sum, reduce_window_max, reduce_window_min];
        all.iter().flat_map(|f| windows().map(|w| f(x, &w))).collect()
    }
    vec![
        Case { name: "sums and extremes", args: vec![sample(&[4, 5])], run: |x| folds(&x[0]) },
        Case { name: "channels last", args: vec![sample(&[1, 4, 3, 2])], run: |x| {
            let w = Windows { strides: Shape::from_slice(&[1, 2, 1, 1]), ..Windows::new(&[1, 2, 2, 1]) };
            vec![reduce_window_sum(&x[0], &w), reduce_window_max(&x[0], &w)]
        } },
        Case { name: "picked and put", args: vec![sample(&[4, 5]), sample(&[5, 4])], run: |x| {
            let by = stop_gradient(&transpose(&x[1], &[1, 0]));
            windows().iter().flat_map(|w| {
                let y = select_and_gather_add(&x[0], &by, true, w);
                [select_and_scatter_add(&y, &by, false, w), y]
            }).collect()
        } },
        Case { name: "each type", args: vec![convert_element_type(&sample(&[4, 5]), DType::Float32, false)], run: |x| {
            let ordered = testing::in_types(&x[0], |t| Takes::Ordered.accepts(t));
            let picked = |x: &Array| {
                let y = select_and_gather_add(x, x, true, &windows()[1]);
                [select_and_scatter_add(&y, x, true, &windows()[1]), y]
            };
            let numbers = testing::in_types(&x[0], |t| Takes::Number.accepts(t));
            let sums = numbers.iter().map(|x| reduce_window_sum(x, &windows()[1]));
            let extremes = ordered.iter().flat_map(|x| windows().map(|w| reduce_window_max(x, &w)));
            sums.chain(extremes).chain(ordered.iter().flat_map(picked)).collect()
        } },
        Case { name: "no windows, and no elements", args: vec![sample(&[1, 2]), sample(&[0, 2])], run: |x| {
            let around = Windows { padding: [(1, 1), (0, 0)].into_iter().collect(), ..Windows::new(&[2, 1]) };
            vec![reduce_window_sum(&x[0], &Windows::new(&[2, 1])), reduce_window_sum(&x[1], &around)]
        } },
        Case { name: "any function", args: vec![sample(&[3, 4])], run: |x| {
            let init = lit(&x[0], 0.5);
            windows().iter().flat_map(|w| reduce_window(&x[..1], std::slice::from_ref(&init), w, &|a, b| vec![mul(&a[0], &b[0])])).collect()
        } },
        Case { name: "complex extremes", args: vec![sample(&[3, 4])], run: |x| {
            let z = complex(&x[0], &neg(&x[0]));
            [reduce_window_max(&z, &windows()[0]), reduce_window_min(&z, &windows()[1])].iter().flat_map(|y| [real(y), imag(y)]).collect()
        } },
    ]
}
