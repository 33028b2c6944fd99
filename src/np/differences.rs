//! Differences, derivatives and integrals of sampled functions, and functions between samples, with NumPy's names.

use crate::array::{Array, Operand};
use crate::aval::{Shape, tuple};
use crate::error::{ErrorKind, fail};
use crate::lax::ConvGeneralDilated;
use crate::np::{self, Side, dims::axes_of, loose, reduce::beside, search::rows, to_inexact};
use crate::prim::{self, convert_element_type, lit, slice_in_dim};

/// Differences of neighbors: how often, along which dimension, and with what before and behind. As `jax.numpy.diff`.
///
/// ```
/// use cotangent::{np::Diff, prelude::*};
/// let x = array![[1, 4, 9], [1, 8, 27]];
/// assert_eq!(Diff::new().n(2).of(&x).to_string(), "[[ 2]\n [12]]");
/// assert_eq!(Diff::new().axis(0).prepend(0).of(&x).to_string(), "[[ 1  4  9]\n [ 0  4 18]]");
/// ```
#[derive(Clone, Debug)]
pub struct Diff {
    n: usize,
    axis: i32,
    prepend: Option<Array>,
    append: Option<Array>,
}
impl Default for Diff {
    fn default() -> Self {
        Diff { n: 1, axis: -1, prepend: None, append: None }
    }
}
impl Diff {
    /// Once, along the last dimension.
    ///
    /// ```
    /// use cotangent::{np::Diff, prelude::*};
    /// assert_eq!(Diff::new().of(&array![[1, 4], [9, 2]]).to_string(), "[[ 3]\n [-7]]");
    /// ```
    pub fn new() -> Diff {
        Diff::default()
    }
    /// How often; 0 leaves everything as it is.
    ///
    /// ```
    /// use cotangent::{np::Diff, prelude::*};
    /// let x = array![1, 4, 9, 17];
    /// assert_eq!(Diff::new().n(3).of(&x).to_string(), "[1]");
    /// assert_eq!(Diff::new().n(0).of(&x).to_string(), "[ 1  4  9 17]");
    /// ```
    pub fn n(mut self, n: usize) -> Diff {
        self.n = n;
        self
    }
    /// Along this dimension; negative ones count from the end.
    ///
    /// ```
    /// use cotangent::{np::Diff, prelude::*};
    /// assert_eq!(Diff::new().axis(0).of(&array![[1, 4], [9, 2]]).to_string(), "[[ 8 -2]]");
    /// ```
    pub fn axis(mut self, axis: i32) -> Diff {
        self.axis = axis;
        self
    }
    /// What is put in front first: a number for every line, or an array.
    ///
    /// ```
    /// use cotangent::{np::Diff, prelude::*};
    /// assert_eq!(Diff::new().prepend(array![0, 0]).of(&array![5, 7]).to_string(), "[0 5 2]");
    /// ```
    pub fn prepend(mut self, x: impl Operand) -> Diff {
        self.prepend = Some(loose(x));
        self
    }
    /// What is put behind first: a number for every line, or an array.
    ///
    /// ```
    /// use cotangent::{np::Diff, prelude::*};
    /// assert_eq!(Diff::new().append(10).of(&array![5, 7]).to_string(), "[2 3]");
    /// ```
    pub fn append(mut self, x: impl Operand) -> Diff {
        self.append = Some(loose(x));
        self
    }
    /// The differences; of booleans, where neighbors differ.
    ///
    /// ```
    /// use cotangent::{np::Diff, prelude::*};
    /// assert_eq!(Diff::new().of(&array![true, true, false]).to_string(), "[False  True]");
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension, or if what is put in front or behind does not fit.
    #[track_caller]
    pub fn of(&self, x: &Array) -> Array {
        if self.n == 0 {
            return x.clone();
        }
        let d = np::dimension("diff", self.axis, x);
        let mut whole = x.clone();
        for (more, front) in [(&self.prepend, true), (&self.append, false)] {
            let Some(more) = more else { continue };
            let more = beside(more, x);
            let more = if more.ndim() == 0 {
                let shape: Shape = (0..x.ndim()).map(|k| if k == d { 1 } else { x.shape()[k] }).collect();
                np::broadcast_to(&more, &shape)
            } else {
                more
            };
            let (more, rest) = np::meet("diff", &more, &whole);
            whole = if front { prim::concatenate(&[&more, &rest], d) } else { prim::concatenate(&[&rest, &more], d) }
        }
        for _ in 0..self.n {
            let n = whole.shape()[d];
            let high = slice_in_dim(&whole, 1.min(n), n, 1, d);
            let low = slice_in_dim(&whole, 0, n.saturating_sub(1), 1, d);
            whole = if whole.dtype().is_bool() { prim::ne(&high, &low) } else { prim::sub(&high, &low) }
        }
        whole
    }
}
/// The differences of neighbors along the last dimension. [`Diff`] has options. As `jax.numpy.diff`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::diff(&array![1., 4., 9.]).to_string(), "[3. 5.]");
/// ```
///
/// # Panics
/// If there is no dimension.
#[track_caller]
pub fn diff(x: &Array) -> Array {
    Diff::new().of(x)
}
/// The differences of neighbors among all elements in row-major order, with other elements before and behind. As `jax.numpy.ediff1d`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1, 4], [9, 16]];
/// assert_eq!(np::ediff1d(&x, None, Some(&array![0, -1])).to_string(), "[ 3  5  7  0 -1]");
/// ```
///
/// # Panics
/// If elements are booleans.
#[track_caller]
pub fn ediff1d(x: &Array, to_begin: Option<&Array>, to_end: Option<&Array>) -> Array {
    let flat = prim::reshape(x, &[x.size()]);
    let n = flat.size();
    let inner = prim::sub(&slice_in_dim(&flat, 1.min(n), n, 1, 0), &slice_in_dim(&flat, 0, n.saturating_sub(1), 1, 0));
    let line = |y: &Array| prim::reshape(&convert_element_type(y, x.dtype(), false), &[y.size()]);
    let parts: Vec<Array> = [to_begin.map(line), Some(inner), to_end.map(line)].into_iter().flatten().collect();
    prim::concatenate(&parts.iter().collect::<Vec<_>>(), 0)
}

/// Derivatives from samples: differences of the neighbors on either side, at the ends of one. As `jax.numpy.gradient`.
///
/// ```
/// use cotangent::{np::Gradient, prelude::*};
/// let y = array![0., 1., 4., 9.];
/// assert_eq!(Gradient::new().spacing(0.5).along(&y, 0).to_string(), "[ 2.  4.  8. 10.]");
/// let x = array![0., 2., 4.];
/// assert_eq!(Gradient::new().spacing(&x).of(&x.square())[0].to_string(), "[2. 4. 6.]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gradient {
    axes: Option<Vec<i32>>,
    spacing: Vec<Array>,
}
impl Gradient {
    /// Along each dimension, samples being 1 apart.
    ///
    /// ```
    /// use cotangent::{np::Gradient, prelude::*};
    /// let slopes = Gradient::new().of(&array![[0., 3.], [1., 5.]]);
    /// assert_eq!((slopes[0].to_string(), slopes[1].to_string()), ("[[1. 2.]\n [1. 2.]]".into(), "[[3. 3.]\n [4. 4.]]".into()));
    /// ```
    pub fn new() -> Gradient {
        Gradient::default()
    }
    /// Along these dimensions only; negative ones count from the end.
    ///
    /// ```
    /// use cotangent::{np::Gradient, prelude::*};
    /// let slopes = Gradient::new().axis(-1).of(&array![[0., 3.], [1., 5.]]);
    /// assert_eq!((slopes.len(), slopes[0].to_string()), (1, "[[3. 3.]\n [4. 4.]]".into()));
    /// ```
    pub fn axis(mut self, axes: impl np::ReductionAxes) -> Gradient {
        self.axes = Some(axes.axes());
        self
    }
    /// How far samples are apart, or an array that says where they are. Once for all dimensions, or once for each in turn.
    ///
    /// ```
    /// use cotangent::{np::Gradient, prelude::*};
    /// // 2 along the first dimension, and along the second the places of its samples
    /// let slopes = Gradient::new().spacing(2.).spacing(&array![0., 3.]).of(&array![[0., 3.], [1., 6.]]);
    /// assert_eq!(slopes[0].to_string(), "[[0.5 1.5]\n [0.5 1.5]]");
    /// assert_eq!(slopes[1].i(0).to_string(), "[1. 1.]");
    /// ```
    pub fn spacing(mut self, spacing: impl Operand) -> Gradient {
        self.spacing.push(loose(spacing));
        self
    }
    /// The derivatives along one dimension.
    ///
    /// ```
    /// use cotangent::{np::Gradient, prelude::*};
    /// assert_eq!(Gradient::new().along(&array![[0., 3.], [1., 5.]], 0).to_string(), "[[1. 2.]\n [1. 2.]]");
    /// ```
    ///
    /// # Panics
    /// As [`of`](Gradient::of).
    #[track_caller]
    pub fn along(&self, y: &Array, axis: i32) -> Array {
        self.clone().axis(axis).of(y).swap_remove(0)
    }
    /// The derivatives along each of the dimensions.
    ///
    /// ```
    /// use cotangent::{np::Gradient, prelude::*};
    /// assert_eq!(Gradient::new().of(&array![1., 2., 4., 8.])[0].to_string(), "[1.  1.5 3.  4. ]");
    /// ```
    ///
    /// # Panics
    /// If there are fewer than two samples along a dimension, or if the spacing fits neither all dimensions nor each.
    #[track_caller]
    pub fn of(&self, y: &Array) -> Vec<Array> {
        let mut y = to_inexact("gradient", y);
        let mut spacing = self.spacing.clone();
        for h in &mut spacing {
            (y, *h) = np::inexact_types("gradient", &y, h)
        }
        let dims = match &self.axes {
            None => (0..y.ndim()).collect(),
            Some(axes) => axes_of("gradient", axes, y.ndim(), y.shape()),
        };
        if spacing.len() > 1 && spacing.len() != dims.len() {
            fail(
                ErrorKind::Shape,
                format!(
                    "gradient: {} spacings for {} dimensions; give one, or one for each",
                    spacing.len(),
                    dims.len()
                ),
            )
        }
        let mut all = vec![];
        for (k, d) in dims.iter().enumerate() {
            let h = spacing.get(if spacing.len() == 1 { 0 } else { k });
            all.push(derivative(&y, h, *d))
        }
        all
    }
}
#[track_caller]
fn derivative(y: &Array, h: Option<&Array>, d: usize) -> Array {
    let n = y.shape()[d];
    if n < 2 {
        fail(ErrorKind::Shape, format!("gradient: needs two samples along axis {d} of shape {}", tuple(y.shape())))
    }
    let part = |x: &Array, from: usize, to: usize| slice_in_dim(x, from, to, 1, d);
    let step = |x: &Array, from: usize, to: usize| prim::sub(&part(x, to, to + 1), &part(x, from, from + 1));
    let (first, last) = (step(y, 0, 1), step(y, n - 2, n - 1));
    let parts = match h {
        Some(x) if x.ndim() > 0 => {
            if x.shape() != [n] {
                let (x, y) = (tuple(x.shape()), tuple(y.shape()));
                fail(ErrorKind::Shape, format!("gradient: places of shape {x} for axis {d} of samples of shape {y}"))
            }
            let x = prim::broadcast_in_dim(x, y.shape(), &[d]);
            let before = prim::sub(&part(&x, 1, n - 1), &part(&x, 0, n - 2));
            let behind = prim::sub(&part(&x, 2, n), &part(&x, 1, n - 1));
            let both = &before + &behind;
            // the weights of the parabola through three samples
            let inner = part(y, 0, n - 2) * (-&behind / (&before * &both))
                + part(y, 1, n - 1) * ((&behind - &before) / (&before * &behind))
                + part(y, 2, n) * (&before / (&behind * &both));
            [first / step(&x, 0, 1), inner, last / step(&x, n - 2, n - 1)]
        }
        h => {
            let inner = prim::sub(&part(y, 2.min(n), n), &part(y, 0, n.saturating_sub(2)));
            let inner = prim::mul(&inner, &lit(&inner, 0.5));
            match h {
                Some(h) => [first / h, inner / h, last / h],
                None => [first, inner, last],
            }
        }
    };
    prim::concatenate(&[&parts[0], &parts[1], &parts[2]], d)
}
/// The derivatives along each dimension of samples that are 1 apart. [`Gradient`] has other distances. As `jax.numpy.gradient`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::gradient(&array![0., 1., 4., 9.])[0].to_string(), "[1. 2. 4. 5.]");
/// ```
///
/// # Panics
/// If there are fewer than two samples along a dimension.
#[track_caller]
pub fn gradient(y: &Array) -> Vec<Array> {
    Gradient::new().of(y)
}

/// Integrals of samples by the trapezoidal rule. As `jax.numpy.trapezoid`.
///
/// ```
/// use cotangent::{np::Trapezoid, prelude::*};
/// let y = array![0., 1., 4.];
/// assert_eq!(Trapezoid::new().dx(0.5).of(&y).to_f64(), 1.5);
/// assert_eq!(Trapezoid::new().x(&array![0., 1., 3.]).of(&y).to_f64(), 5.5);
/// ```
#[derive(Clone, Debug)]
pub struct Trapezoid {
    x: Option<Array>,
    dx: Option<Array>,
    axis: i32,
}
impl Default for Trapezoid {
    fn default() -> Self {
        Trapezoid { x: None, dx: None, axis: -1 }
    }
}
impl Trapezoid {
    /// Samples along the last dimension that are 1 apart.
    ///
    /// ```
    /// use cotangent::{np::Trapezoid, prelude::*};
    /// assert_eq!(Trapezoid::new().of(&array![[1., 3., 1.], [0., 2., 0.]]).to_string(), "[4. 2.]");
    /// ```
    pub fn new() -> Trapezoid {
        Trapezoid::default()
    }
    /// Where the samples are: an array of one dimension, or of the samples' shape.
    ///
    /// ```
    /// use cotangent::{np::Trapezoid, prelude::*};
    /// assert_eq!(Trapezoid::new().x(&array![0., 0.5, 3.]).of(&array![2., 4., 4.]).to_f64(), 11.5);
    /// ```
    pub fn x(mut self, x: &Array) -> Trapezoid {
        self.x = Some(x.clone());
        self
    }
    /// How far samples are apart, where [`x`](Trapezoid::x) does not say it.
    ///
    /// ```
    /// use cotangent::{np::Trapezoid, prelude::*};
    /// assert_eq!(Trapezoid::new().dx(3.).of(&array![1., 3.]).to_f64(), 6.0);
    /// ```
    pub fn dx(mut self, dx: impl Operand) -> Trapezoid {
        self.dx = Some(loose(dx));
        self
    }
    /// The dimension of the samples; negative ones count from the end.
    ///
    /// ```
    /// use cotangent::{np::Trapezoid, prelude::*};
    /// assert_eq!(Trapezoid::new().axis(0).of(&array![[1., 3.], [0., 2.]]).to_string(), "[0.5 2.5]");
    /// ```
    pub fn axis(mut self, axis: i32) -> Trapezoid {
        self.axis = axis;
        self
    }
    /// The integrals.
    ///
    /// ```
    /// use cotangent::{np::Trapezoid, prelude::*};
    /// assert_eq!(Trapezoid::new().of(&array![1., 2., 5.]).to_f64(), 5.0);
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension or no sample, or if places or distances do not fit.
    #[track_caller]
    pub fn of(&self, y: &Array) -> Array {
        let d = np::dimension("trapezoid", self.axis, y);
        let (y, steps) = match &self.x {
            Some(x) => {
                let (y, x) = np::inexact_types("trapezoid", y, x);
                let along = if x.ndim() == 1 { -1 } else { self.axis };
                let steps = Diff::new().axis(along).of(&x);
                let steps = if x.ndim() == 1 { steps } else { prim::move_axis(&steps, d, x.ndim() - 1) };
                (y, Some(steps))
            }
            None => (to_inexact("trapezoid", y), None),
        };
        let n = y.shape()[d];
        if n == 0 {
            fail(ErrorKind::Shape, format!("trapezoid: no samples along axis {d} of shape {}", tuple(y.shape())))
        }
        let last = y.ndim() - 1;
        let y = prim::move_axis(&y, d, last);
        let at = |from: usize, to: usize| slice_in_dim(&y, from, to, 1, last);
        match (steps, &self.dx) {
            (Some(steps), _) => np::over(-1).sum(&((at(1, n) + at(0, n - 1)) * steps)) * 0.5,
            (None, dx) => {
                let ends = prim::squeeze(&(at(0, 1) + at(n - 1, n)), &[last]);
                let all = np::over(-1).sum(&y) - ends * 0.5;
                dx.iter().fold(all, |all, dx| dx * all)
            }
        }
    }
}
/// The integral by the trapezoidal rule of samples along the last dimension that are 1 apart. [`Trapezoid`] has options. As `jax.numpy.trapezoid`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::trapezoid(&array![0., 1., 4.]).to_f64(), 3.0);
/// ```
///
/// # Panics
/// If there is no dimension or no sample.
#[track_caller]
pub fn trapezoid(y: &Array) -> Array {
    Trapezoid::new().of(y)
}

/// How much of a convolution is wanted. The names are NumPy's.
///
/// ```
/// use cotangent::np::{self, Overlap};
/// use cotangent::prelude::*;
/// let lengths = |how: Overlap| np::convolve(&np::ones(&[5]), &np::ones(&[2]), how).size();
/// assert_eq!([Overlap::Full, Overlap::Same, Overlap::Valid].map(lengths), [6, 5, 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Overlap {
    /// Wherever the two overlap.
    Full,
    /// As long as the longer one.
    Same,
    /// Where they overlap completely.
    Valid,
}
/// The convolution of two sequences. As `jax.numpy.convolve`.
///
/// ```
/// use cotangent::np::{self, Overlap};
/// use cotangent::prelude::*;
/// let (x, y) = (array![1., 2., 3.], array![0., 1., 0.5]);
/// assert_eq!(np::convolve(&x, &y, Overlap::Full).to_string(), "[0.  1.  2.5 4.  1.5]");
/// assert_eq!(np::convolve(&x, &y, Overlap::Same).to_string(), "[1.  2.5 4. ]");
/// ```
///
/// # Panics
/// If one has another number of dimensions than one, or no element.
#[track_caller]
pub fn convolve(x: &Array, y: &Array, overlap: Overlap) -> Array {
    let (x, y) = sequences("convolve", x, y);
    let (x, y) = if x.size() < y.size() { (y, x) } else { (x, y) };
    slide(&x, &prim::rev(&y, &[0]), overlap)
}
/// The correlation of two sequences: sums of the products of elements of `x` with conjugated ones of `y`, shifted against each other. As `jax.numpy.correlate`.
///
/// ```
/// use cotangent::np::{self, Overlap};
/// use cotangent::prelude::*;
/// let (x, y) = (array![1., 2., 3.], array![0., 1., 0.5]);
/// assert_eq!(np::correlate(&x, &y, Overlap::Valid).to_string(), "[3.5]");
/// assert_eq!(np::correlate(&x, &y, Overlap::Full).to_string(), "[0.5 2.  3.5 3.  0. ]");
/// ```
///
/// # Panics
/// If one has another number of dimensions than one, or no element.
#[track_caller]
pub fn correlate(x: &Array, y: &Array, overlap: Overlap) -> Array {
    let (x, y) = sequences("correlate", x, y);
    let y = np::conj(&y);
    if x.size() < y.size() {
        return prim::rev(&slide(&y, &x, overlap), &[0]);
    }
    slide(&x, &y, overlap)
}
#[track_caller]
fn sequences(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    for a in [x, y] {
        if a.ndim() != 1 || a.size() == 0 {
            fail(ErrorKind::Shape, format!("{name}: needs sequences of at least one element, not {}", a.aval()))
        }
    }
    np::inexact_types(name, x, y)
}
/// The sums of products of windows of `x` with `y`, which is not longer.
#[track_caller]
fn slide(x: &Array, y: &Array, overlap: Overlap) -> Array {
    let n = y.size() as i64;
    let pads = match overlap {
        Overlap::Full => (n - 1, n - 1),
        Overlap::Same => (n / 2, n - n / 2 - 1),
        Overlap::Valid => (0, 0),
    };
    let signal = |a: &Array| prim::reshape(a, &[1, 1, a.size()]);
    let all = ConvGeneralDilated::new(&[1], [pads]).run(&signal(x), &signal(y));
    prim::reshape(&all, &[all.size()])
}

/// What a function between samples is beyond them.
#[derive(Clone, Debug, Default)]
enum Beyond {
    #[default]
    Edge,
    Line,
    Number(Array),
}
/// Functions between samples, on lines from one to the next. As `jax.numpy.interp`.
///
/// ```
/// use cotangent::{np::Interp, prelude::*};
/// let (x, y) = (array![0., 1., 2.], array![0., 10., 40.]);
/// let at = array![-1., 1.5, 3.];
/// assert_eq!(Interp::new().left(-1.).extrapolate_right().of(&at, &x, &y).to_string(), "[-1. 25. 70.]");
/// assert_eq!(Interp::new().period(3.).of(&at, &x, &y).to_string(), "[40. 25.  0.]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Interp {
    left: Beyond,
    right: Beyond,
    period: Option<f64>,
}
impl Interp {
    /// Beyond the samples, the first and the last.
    ///
    /// ```
    /// use cotangent::{np::Interp, prelude::*};
    /// let y = Interp::new().of(&array![-5., 0.5, 5.], &array![0., 1.], &array![3., 5.]);
    /// assert_eq!(y.to_string(), "[3. 4. 5.]");
    /// ```
    pub fn new() -> Interp {
        Interp::default()
    }
    /// Before the first sample.
    ///
    /// ```
    /// use cotangent::{np::Interp, prelude::*};
    /// let y = Interp::new().left(0.).of(&array![-5., 0.], &array![0., 1.], &array![3., 5.]);
    /// assert_eq!(y.to_string(), "[0. 3.]");
    /// ```
    pub fn left(mut self, value: impl Operand) -> Interp {
        self.left = Beyond::Number(loose(value));
        self
    }
    /// Behind the last sample.
    ///
    /// ```
    /// use cotangent::{np::Interp, prelude::*};
    /// let y = Interp::new().right(9.).of(&array![1., 1.5], &array![0., 1.], &array![3., 5.]);
    /// assert_eq!(y.to_string(), "[5. 9.]");
    /// ```
    pub fn right(mut self, value: impl Operand) -> Interp {
        self.right = Beyond::Number(loose(value));
        self
    }
    /// Before the first sample, the line through the first two.
    ///
    /// ```
    /// use cotangent::{np::Interp, prelude::*};
    /// let y = Interp::new().extrapolate_left().of(&array![-1., 7.], &array![0., 1.], &array![3., 5.]);
    /// assert_eq!(y.to_string(), "[1. 5.]");
    /// ```
    pub fn extrapolate_left(mut self) -> Interp {
        self.left = Beyond::Line;
        self
    }
    /// Behind the last sample, the line through the last two.
    ///
    /// ```
    /// use cotangent::{np::Interp, prelude::*};
    /// let y = Interp::new().extrapolate_right().of(&array![-1., 3.], &array![0., 1.], &array![3., 5.]);
    /// assert_eq!(y.to_string(), "[3. 9.]");
    /// ```
    pub fn extrapolate_right(mut self) -> Interp {
        self.right = Beyond::Line;
        self
    }
    /// The function repeats after this: there is nothing beyond, and samples need not ascend.
    ///
    /// ```
    /// use cotangent::{np::Interp, prelude::*};
    /// // from 20 to 4 o'clock it falls from 8 to 0
    /// let y = Interp::new().period(24.).of(&array![24., 26.], &array![4., 20.], &array![0., 8.]);
    /// assert_eq!(y.to_string(), "[4. 2.]");
    /// ```
    pub fn period(mut self, period: f64) -> Interp {
        self.period = Some(period);
        self
    }
    /// The function with the values `fp` at `xp`, which ascend, at `x`.
    ///
    /// ```
    /// use cotangent::{np::Interp, prelude::*};
    /// let y = Interp::new().of(&array![[0.25, 1.5]], &array![0., 1., 2.], &array![4., 8., 0.]);
    /// assert_eq!(y.to_string(), "[[5. 4.]]");
    /// ```
    ///
    /// # Panics
    /// If `xp` and `fp` are not sequences of equal, positive length, or if places are complex.
    #[track_caller]
    pub fn of(&self, x: &Array, xp: &Array, fp: &Array) -> Array {
        if xp.ndim() != 1 || xp.shape() != fp.shape() || xp.size() == 0 {
            let (xp, fp) = (tuple(xp.shape()), tuple(fp.shape()));
            fail(ErrorKind::Shape, format!("interp: samples of shapes {xp} and {fp}, not two sequences of one length"))
        }
        np::unary::real_only("interp", x);
        np::unary::real_only("interp", xp);
        let (mut x, mut xp) = np::inexact_types("interp", x, xp);
        let mut fp = to_inexact("interp", fp);
        if let Some(period) = self.period {
            let turn = period.abs();
            let once = |x: &Array| np::remainder(x, &lit(x, turn));
            x = once(&x);
            (xp, fp) = prim::sort_key_val(&once(&xp), &fp, 0);
            let n = xp.size();
            let (first, last) = (slice_in_dim(&xp, 0, 1, 1, 0), slice_in_dim(&xp, n - 1, n, 1, 0));
            xp = prim::concatenate(&[&(last - turn), &xp, &(first + turn)], 0);
            let (first, last) = (slice_in_dim(&fp, 0, 1, 1, 0), slice_in_dim(&fp, n - 1, n, 1, 0));
            fp = prim::concatenate(&[&last, &fp, &first], 0)
        }
        let n = xp.size();
        let high = np::clip(&np::searchsorted(&xp, &x, Side::Right), 1, n as i32 - 1);
        let low = prim::sub(&high, &lit(&high, 1.0));
        // of a single sample there is no line, and both ends of it are that sample
        let (x0, y0) = (rows(&xp, &low), rows(&fp, &low));
        let (run, rise) = (prim::sub(&rows(&xp, &high), &x0), prim::sub(&rows(&fp, &high), &y0));
        let eps = xp.dtype().float_info().expect("a floating-point type");
        let flat = prim::le(&prim::abs(&run), &lit(&run, eps.eps * eps.eps));
        let share = prim::div(&prim::sub(&x, &x0), &np::where_(&flat, 1.0, &run));
        let mut y = np::where_(&flat, &y0, np::add(&y0, &np::multiply(&share, &rise)));
        if self.period.is_some() {
            return y;
        }
        let end = |x: &Array, k: usize| prim::squeeze(&slice_in_dim(x, k, k + 1, 1, 0), &[0]);
        for (beyond, k, first) in [(&self.left, 0, true), (&self.right, n - 1, false)] {
            let edge = end(&xp, k);
            let out = if first { prim::lt(&x, &edge) } else { prim::gt(&x, &edge) };
            y = match beyond {
                Beyond::Line => y,
                Beyond::Edge => np::where_(&out, end(&fp, k), y),
                Beyond::Number(v) => np::where_(&out, v, y),
            }
        }
        y
    }
}
/// The function with the values `fp` at `xp`, which ascend, at `x`: on lines from sample to sample, beyond them the first and the last. [`Interp`] has options. As `jax.numpy.interp`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let y = np::interp(&array![0.5, 1.5, 9.], &array![0., 1., 2.], &array![0., 10., 40.]);
/// assert_eq!(y.to_string(), "[ 5. 25. 40.]");
/// ```
///
/// # Panics
/// As [`Interp::of`].
#[track_caller]
pub fn interp(x: &Array, xp: &Array, fp: &Array) -> Array {
    Interp::new().of(x, xp, fp)
}
