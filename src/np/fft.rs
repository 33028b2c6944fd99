//! Fourier transforms, with the names and results of `numpy.fft`: functions for the usual case, and [`Options`] for lengths, axes and factors.
//!
//! Integers and booleans are converted to floating-point numbers first; elements are then float32, float64, complex64 or complex128.
//!
//! ```
//! use cotangent::{np::fft, prelude::*, prim};
//! let x = array![1., 2., 0., -1.];
//! assert_eq!(prim::real(&fft::ifft(&fft::fft(&x))).to_string(), "[ 1.  2.  0. -1.]");
//! assert_eq!(fft::rfft(&x).shape(), [3]);
//! let padded = fft::Options::new().lengths(&[8]).norm(fft::Norm::Ortho).rfft(&x);
//! assert_eq!(padded.shape(), [5]);
//! ```

use crate::array::{Array, Operand};
use crate::aval::tuple;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::{self, dims::axes_of};
use crate::prim::{self, FftType, matrix};

/// Which of a transform and its inverse is divided by the number of elements.
///
/// ```
/// use cotangent::{np::fft::{Norm, Options}, prelude::*};
/// let first = |norm: Norm| Options::new().norm(norm).fft(&array![1., 1., 1., 1.]).i(0).real().to_f64();
/// assert_eq!([Norm::Backward, Norm::Ortho, Norm::Forward].map(first), [4., 2., 1.]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Norm {
    /// The inverse.
    #[default]
    Backward,
    /// Each by the root of the number.
    Ortho,
    /// The transform.
    Forward,
}

/// Transforms with other lengths, axes or factors.
///
/// ```
/// use cotangent::{np::fft::Options, prelude::*};
/// // four samples and four zeros, of each column
/// let y = Options::new().lengths(&[8]).axes(&[0]).rfft(&array![[1.], [2.], [3.], [4.]]);
/// assert_eq!((y.shape(), y.i((0, 0)).real().to_f64()), (&[5, 1][..], 10.0));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    lengths: Option<Vec<usize>>,
    axes: Option<Vec<i32>>,
    norm: Norm,
}
impl Options {
    /// Those of the functions of this module.
    ///
    /// ```
    /// use cotangent::{np::fft::Options, prelude::*};
    /// assert_eq!(Options::new().fft(&array![5., 1.]).real().to_string(), "[6. 4.]");
    /// ```
    pub fn new() -> Options {
        Options::default()
    }
    /// How many elements along each axis are transformed: the first ones, with zeros behind if there are fewer. For `irfft` and its like: how many there are in the result.
    ///
    /// ```
    /// use cotangent::{np::fft::Options, prelude::*};
    /// assert_eq!(Options::new().lengths(&[4]).fft(&array![5., 1.]).real().to_string(), "[6. 5. 4. 5.]");
    /// ```
    pub fn lengths(mut self, lengths: &[usize]) -> Options {
        self.lengths = Some(lengths.to_vec());
        self
    }
    /// Along which dimensions; negative ones count from the end.
    ///
    /// ```
    /// use cotangent::{np::fft::Options, prelude::*};
    /// let y = Options::new().axes(&[-2]).fft(&array![[5., 1.], [2., 2.]]);
    /// assert_eq!(y.real().to_string(), "[[ 7.  3.]\n [ 3. -1.]]");
    /// ```
    pub fn axes(mut self, axes: &[i32]) -> Options {
        self.axes = Some(axes.to_vec());
        self
    }
    /// What is divided by.
    ///
    /// ```
    /// use cotangent::{np::fft::{Norm, Options}, prelude::*};
    /// assert_eq!(Options::new().norm(Norm::Forward).fft(&array![5., 1.]).real().to_string(), "[3. 2.]");
    /// ```
    pub fn norm(mut self, norm: Norm) -> Options {
        self.norm = norm;
        self
    }

    #[track_caller]
    fn run(&self, name: &str, kind: FftType, x: &Array, default: &[i32]) -> Array {
        let rank = x.ndim();
        let all: Vec<i32>;
        let axes: &[i32] = match (&self.axes, &self.lengths) {
            (Some(axes), _) => axes,
            (None, Some(s)) if default.is_empty() => {
                all = (0..s.len() as i32).map(|k| k - s.len() as i32).collect();
                &all
            }
            (None, None) if default.is_empty() => {
                all = (0..rank as i32).collect();
                &all
            }
            _ => default,
        };
        let places = axes_of(name, axes, rank, x.shape());
        if let Some(s) = &self.lengths {
            if s.len() != axes.len() {
                fail(ErrorKind::Shape, format!("{name}: {} lengths for {} axes", s.len(), axes.len()))
            }
            if s.contains(&0) {
                fail(ErrorKind::Value, format!("{name}: lengths {} must be at least 1", tuple(s)))
            }
        }
        let x = np::to_inexact(name, x);
        let x = match kind {
            FftType::Rfft if x.dtype().is_complex() => {
                fail(ErrorKind::Type, format!("{name}: takes real numbers, not elements of type {}", x.dtype()))
            }
            FftType::Rfft => x,
            _ if x.dtype().is_complex() => x,
            _ => matrix::to(&x, x.dtype().to_complex()),
        };
        // the axes last, in their order
        let mut order: Vec<usize> = (0..rank).filter(|d| !places.contains(d)).collect();
        order.extend(&places);
        let mut x = prim::transpose(&x, &order);
        let first = rank - places.len();
        let half = kind == FftType::Irfft;
        let lengths: Vec<usize> = match &self.lengths {
            Some(s) => s.clone(),
            None => {
                let there = &x.shape()[first..];
                let last = there.len().wrapping_sub(1);
                let real = |(k, n): (usize, &usize)| if half && k == last { (2 * n).saturating_sub(2) } else { *n };
                there.iter().enumerate().map(real).collect()
            }
        };
        let needed = |k: usize| if half && k + 1 == lengths.len() { lengths[k] / 2 + 1 } else { lengths[k] };
        let by = |d: usize| match d.checked_sub(first) {
            Some(k) => needed(k) as i64 - x.shape()[d] as i64,
            None => 0,
        };
        let config: Vec<(i64, i64, i64)> = (0..rank).map(|d| (0, by(d), 0)).collect();
        if config.iter().any(|c| c.1 != 0) {
            x = prim::pad(&x, &prim::lit(&x, 0.0), &config);
        }
        let mut y = prim::fft(&x, kind, &lengths);
        let inverse = matches!(kind, FftType::Ifft | FftType::Irfft);
        let count: f64 = lengths.iter().map(|n| *n as f64).product();
        let factor = match self.norm {
            Norm::Backward => 1.0,
            Norm::Ortho if inverse => count.sqrt(),
            Norm::Ortho => 1.0 / count.sqrt(),
            Norm::Forward if inverse => count,
            Norm::Forward => 1.0 / count,
        };
        if self.norm != Norm::Backward {
            y = prim::mul(&y, &prim::lit(&y, factor));
        }
        let mut back = vec![0; rank];
        for (i, d) in order.iter().enumerate() {
            back[*d] = i
        }
        prim::transpose(&y, &back)
    }
    /// The other direction.
    fn swapped(&self) -> Options {
        let norm = match self.norm {
            Norm::Backward => Norm::Forward,
            Norm::Ortho => Norm::Ortho,
            Norm::Forward => Norm::Backward,
        };
        Options { norm, ..self.clone() }
    }
}

macro_rules! transforms { ($($(#[$doc:meta])* $name:ident $kind:ident $axes:expr, of $of:literal is $is:literal, $options:literal of $from:literal is $to:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("\n```\nuse cotangent::{np::fft, prelude::*};\nassert_eq!(fft::", stringify!($name), "(&array!", $of, ")", $is, ");\n```")]
    #[track_caller]
    pub fn $name(x: &Array) -> Array { Options::new().$name(x) }
)*
    impl Options {
        $($(#[$doc])*
        #[doc = concat!("\n```\nuse cotangent::{np::fft, prelude::*};\nlet y = fft::Options::new().", $options, ".", stringify!($name), "(&array!", $from, ");\nassert_eq!(y", $to, ");\n```")]
        #[track_caller]
        pub fn $name(&self, x: &Array) -> Array { self.run(stringify!($name), FftType::$kind, x, &$axes) })*
    }
} }
transforms! {
    /// The discrete Fourier transform along the last dimension: `y[k] = sum x[j] exp(-2 pi i j k / n)`.
    fft Fft [-1], of "[1., 2., 3., 4.]" is ".to_string(), \"[10.+0.j -2.+2.j -2.+0.j -2.-2.j]\"",
        "lengths(&[2])" of "[1., 2., 9., 9.]" is ".to_string(), \"[ 3.+0.j -1.+0.j]\"";
    /// The inverse of [`fft()`].
    ifft Ifft [-1], of "[4., 0., 8., 0.]" is ".real().to_string(), \"[ 3. -1.  3. -1.]\"",
        "norm(fft::Norm::Forward)" of "[4., 0., 8., 0.]" is ".real().to_string(), \"[12. -4. 12. -4.]\"";
    /// The first half of [`fft()`] of real numbers: `n / 2 + 1` elements.
    rfft Rfft [-1], of "[1., 2., 3., 4.]" is ".to_string(), \"[10.+0.j -2.+2.j -2.+0.j]\"",
        "axes(&[0])" of "[[1., 2.], [3., 4.]]" is ".real().to_string(), \"[[ 4.  6.]\\n [-2. -2.]]\"";
    /// The inverse of [`rfft`]: `2 (n - 1)` real numbers from n, unless a length says otherwise.
    irfft Irfft [-1], of "[6., 0., 2.]" is ".to_string(), \"[2. 1. 2. 1.]\"",
        "lengths(&[3])" of "[6., 0.]" is ".to_string(), \"[2. 2. 2.]\"";
    /// [`fft()`] along the last two dimensions.
    fft2 Fft [-2, -1], of "[[1., 2.], [3., 4.]]" is ".real().to_string(), \"[[10. -2.]\\n [-4.  0.]]\"",
        "norm(fft::Norm::Ortho)" of "[[1., 2.], [3., 4.]]" is ".real().to_string(), \"[[ 5. -1.]\\n [-2.  0.]]\"";
    /// The inverse of [`fft2`].
    ifft2 Ifft [-2, -1], of "[[4., 0.], [0., 8.]]" is ".real().to_string(), \"[[ 3. -1.]\\n [-1.  3.]]\"",
        "lengths(&[1, 2])" of "[[4., 2.], [9., 9.]]" is ".real().to_string(), \"[[3. 1.]]\"";
    /// [`fft2`] of real numbers: half of the last dimension.
    rfft2 Rfft [-2, -1], of "[[1., 2., 3., 4.]]" is ".to_string(), \"[[10.+0.j -2.+2.j -2.+0.j]]\"",
        "axes(&[1, 0])" of "[[1.], [2.], [3.], [4.]]" is ".shape(), [3, 1]";
    /// The inverse of [`rfft2`].
    irfft2 Irfft [-2, -1], of "[[6., 0., 2.]]" is ".to_string(), \"[[2. 1. 2. 1.]]\"",
        "norm(fft::Norm::Forward)" of "[[6., 0., 2.]]" is ".to_string(), \"[[8. 4. 8. 4.]]\"";
    /// [`fft()`] along all dimensions, or along as many of the last as there are lengths.
    fftn Fft [], of "[[[1., 2.]], [[3., 4.]]]" is ".real().to_string(), \"[[[10. -2.]]\\n\\n [[-4.  0.]]]\"",
        "axes(&[0])" of "[[1., 2.], [3., 4.]]" is ".real().to_string(), \"[[ 4.  6.]\\n [-2. -2.]]\"";
    /// The inverse of [`fftn`].
    ifftn Ifft [], of "[[[4., 8.]]]" is ".real().to_string(), \"[[[ 6. -2.]]]\"",
        "lengths(&[4])" of "[4., 8.]" is ".i(0).real().to_f64(), 3.0";
    /// [`fftn`] of real numbers: half of the last dimension.
    rfftn Rfft [], of "[[[1., 2., 3., 4.]]]" is ".to_string(), \"[[[10.+0.j -2.+2.j -2.+0.j]]]\"",
        "norm(fft::Norm::Forward)" of "[1., 2., 3., 4.]" is ".real().to_string(), \"[ 2.5 -0.5 -0.5]\"";
    /// The inverse of [`rfftn`].
    irfftn Irfft [], of "[[[6., 0., 2.]]]" is ".to_string(), \"[[[2. 1. 2. 1.]]]\"",
        "axes(&[0])" of "[[6.], [0.], [2.]]" is ".to_string(), \"[[2.]\\n [1.]\\n [2.]\\n [1.]]\"";
}
impl Options {
    /// See [`hfft`].
    ///
    /// ```
    /// use cotangent::{np::fft::{Norm, Options}, prelude::*};
    /// assert_eq!(Options::new().norm(Norm::Forward).hfft(&array![1., 2.]).to_string(), "[ 1.5 -0.5]");
    /// ```
    #[track_caller]
    pub fn hfft(&self, x: &Array) -> Array {
        self.swapped().run("hfft", FftType::Irfft, &matrix::bar(x), &[-1])
    }
    /// See [`ihfft`].
    ///
    /// ```
    /// use cotangent::{np::fft::{Norm, Options}, prelude::*};
    /// assert_eq!(Options::new().norm(Norm::Forward).ihfft(&array![3., 1.]).real().to_string(), "[4. 2.]");
    /// ```
    #[track_caller]
    pub fn ihfft(&self, x: &Array) -> Array {
        matrix::bar(&self.swapped().run("ihfft", FftType::Rfft, x, &[-1]))
    }
}
/// The transform of the first half of numbers that a real array transforms back to: real. As `jax.numpy.fft.hfft`.
///
/// ```
/// use cotangent::{np::fft, prelude::*};
/// assert_eq!(fft::hfft(&array![1., 2.]).to_string(), "[ 3. -1.]");
/// ```
#[track_caller]
pub fn hfft(x: &Array) -> Array {
    Options::new().hfft(x)
}
/// The inverse of [`hfft`]. As `jax.numpy.fft.ihfft`.
///
/// ```
/// use cotangent::{np::fft, prelude::*};
/// assert_eq!(fft::ihfft(&array![3., -1.]).real().to_string(), "[1. 2.]");
/// ```
#[track_caller]
pub fn ihfft(x: &Array) -> Array {
    Options::new().ihfft(x)
}

/// The frequencies to which the elements of [`fft()`] of `n` samples at distances `d` belong: 0, 1, .. and then the negative ones, divided by `n d`. Of the type of `d`. As `jax.numpy.fft.fftfreq`.
///
/// ```
/// use cotangent::np::fft;
/// assert_eq!(fft::fftfreq(4, 0.5).to_string(), "[ 0.   0.5 -1.  -0.5]");
/// ```
#[track_caller]
pub fn fftfreq(n: usize, d: impl Operand) -> Array {
    let k = prim::iota(DType::Int32, &[n], 0);
    let high = prim::ge(&k, &prim::lit(&k, n.div_ceil(2) as f64));
    frequencies(&prim::select_n(&high, &[&k, &prim::sub(&k, &prim::lit(&k, n as f64))]), n, d)
}
/// The frequencies to which the elements of [`rfft`] of `n` samples at distances `d` belong. As `jax.numpy.fft.rfftfreq`.
///
/// ```
/// use cotangent::np::fft;
/// assert_eq!(fft::rfftfreq(4, 1.0).to_string(), "[0.   0.25 0.5 ]");
/// ```
#[track_caller]
pub fn rfftfreq(n: usize, d: impl Operand) -> Array {
    frequencies(&prim::iota(DType::Int32, &[n / 2 + 1], 0), n, d)
}
#[track_caller]
fn frequencies(k: &Array, n: usize, d: impl Operand) -> Array {
    if n == 0 {
        fail(ErrorKind::Value, "fftfreq: of no samples")
    }
    let k = np::to_inexact("fftfreq", k);
    let d = d.beside(&k);
    np::divide(&k, &np::multiply(&d, &prim::lit(&d, n as f64)))
}

/// The halves of these dimensions exchanged, so that what belongs to frequency 0 is in the middle; of all dimensions without a list. As `jax.numpy.fft.fftshift`.
///
/// ```
/// use cotangent::{prelude::*, np::fft};
/// assert_eq!(fft::fftshift(&array![0., 1., 2., -2., -1.], None).to_string(), "[-2. -1.  0.  1.  2.]");
/// ```
#[track_caller]
pub fn fftshift(x: &Array, axes: Option<&[i32]>) -> Array {
    shifted("fftshift", x, axes, |n| n - n / 2)
}
/// The inverse of [`fftshift`]. As `jax.numpy.fft.ifftshift`.
///
/// ```
/// use cotangent::{np::fft, prelude::*};
/// assert_eq!(fft::ifftshift(&array![1, 2, 3], None).to_string(), "[2 3 1]");
/// ```
#[track_caller]
pub fn ifftshift(x: &Array, axes: Option<&[i32]>) -> Array {
    shifted("ifftshift", x, axes, |n| n / 2)
}
/// Along each dimension, what begins at a place comes first.
#[track_caller]
fn shifted(name: &str, x: &Array, axes: Option<&[i32]>, from: fn(usize) -> usize) -> Array {
    let all: Vec<i32> = (0..x.ndim() as i32).collect();
    let mut y = x.clone();
    for a in axes.unwrap_or(&all) {
        let d = np::dimension(name, *a, x);
        let n = x.shape()[d];
        let k = from(n);
        let part = |a: usize, b: usize| prim::slice_in_dim(&y, a, b, 1, d);
        y = prim::concatenate(&[&part(k, n), &part(0, k)], d)
    }
    y
}
