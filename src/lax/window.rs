//! Folds of windows that move over an array.

use crate::array::Array;
use crate::error::{ErrorKind, fail};
use crate::prim::{self, Windows};

/// How much is padded around each dimension: by name, or in numbers.
///
/// ```
/// use cotangent::lax::{Padding, padtype_to_pads};
/// assert_eq!(padtype_to_pads(&[5], &[2], &[2], &Padding::from("SAME")), [(0, 1)]);
/// assert_eq!(padtype_to_pads(&[5], &[2], &[2], &Padding::from("SAME_LOWER")), [(1, 0)]);
/// assert_eq!(padtype_to_pads(&[5], &[2], &[2], &Padding::from([(1, 2)])), [(1, 2)]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Padding {
    /// None.
    Valid,
    /// So much that there is a window for every stride; an odd number has more at the end.
    Same,
    /// The same with more at the beginning.
    SameLower,
    /// So much before and behind each dimension. Negative numbers cut off.
    Explicit(Vec<(i64, i64)>),
}
impl From<&str> for Padding {
    /// # Panics
    /// If it is none of `"VALID"`, `"SAME"` and `"SAME_LOWER"`, in small or capital letters.
    #[track_caller]
    fn from(name: &str) -> Padding {
        match name.to_ascii_uppercase().as_str() {
            "VALID" => Padding::Valid,
            "SAME" => Padding::Same,
            "SAME_LOWER" => Padding::SameLower,
            _ => fail(
                ErrorKind::Value,
                format!("the padding {name:?} is none of \"SAME\", \"SAME_LOWER\" and \"VALID\""),
            ),
        }
    }
}
impl From<&[(i64, i64)]> for Padding {
    fn from(pads: &[(i64, i64)]) -> Padding {
        Padding::Explicit(pads.to_vec())
    }
}
impl<const N: usize> From<[(i64, i64); N]> for Padding {
    fn from(pads: [(i64, i64); N]) -> Padding {
        Padding::Explicit(pads.to_vec())
    }
}
impl From<Vec<(i64, i64)>> for Padding {
    fn from(pads: Vec<(i64, i64)>) -> Padding {
        Padding::Explicit(pads)
    }
}

/// The padding before and behind each dimension: of an array of these extents, and windows of these extents and strides. As `jax.lax.padtype_to_pads`.
///
/// ```
/// use cotangent::lax;
/// assert_eq!(lax::padtype_to_pads(&[5, 6], &[3, 2], &[1, 2], &"SAME".into()), [(1, 1), (0, 0)]);
/// ```
///
/// # Panics
/// If the padding is one of the two that depend on windows, and the three lists have different lengths or a stride is 0.
#[track_caller]
pub fn padtype_to_pads(shape: &[usize], window: &[usize], strides: &[usize], padding: &Padding) -> Vec<(i64, i64)> {
    match padding {
        Padding::Explicit(pads) => return pads.clone(),
        Padding::Valid => return vec![(0, 0); shape.len()],
        Padding::Same | Padding::SameLower => {}
    }
    if window.len() != shape.len() || strides.len() != shape.len() || strides.contains(&0) {
        let lists = format!("{window:?} and strides {strides:?} for an array {shape:?}");
        fail(ErrorKind::Shape, format!("windows {lists}: one positive number is needed for each dimension"))
    }
    let pads = |d: usize| {
        let needed =
            (shape[d].div_ceil(strides[d]) as i64 - 1) * strides[d] as i64 + window[d] as i64 - shape[d] as i64;
        let (all, few) = (needed.max(0), needed.max(0) / 2);
        if *padding == Padding::Same { (few, all - few) } else { (all - few, few) }
    };
    (0..shape.len()).map(pads).collect()
}

/// Folds of windows, as `jax.lax.reduce_window`: which windows they are, and then what is done with them.
///
/// Windows have one extent for each dimension; those of a picture with channels are `[1, 2, 2, 1]`. Without options there is one at each element, as
/// far as they fit.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::lax::ReduceWindow;
/// let x = array![[1., 5., 2., 0.], [3., 4., 8., 7.]];
/// let pool = ReduceWindow::new(&[2, 2]).window_strides(&[2, 2]);
/// assert_eq!(pool.max(&x).to_string(), "[[5. 8.]]");
/// assert_eq!((pool.sum(&x) / 4.).to_string(), "[[3.25 4.25]]");
/// let slope = cotangent::grad(|x: &Array| pool.max(x).sum())(&x);
/// assert_eq!(slope.to_string(), "[[0. 1. 0. 0.]\n [0. 0. 1. 0.]]");
/// ```
#[derive(Clone, Debug)]
pub struct ReduceWindow {
    windows: Windows,
    padding: Padding,
}
impl ReduceWindow {
    /// Windows of these extents.
    ///
    /// ```
    /// use cotangent::{lax::ReduceWindow, prelude::*};
    /// assert_eq!(ReduceWindow::new(&[3]).sum(&array![1, 2, 3, 4]).to_string(), "[6 9]");
    /// ```
    pub fn new(window_dimensions: &[usize]) -> ReduceWindow {
        ReduceWindow { windows: Windows::new(window_dimensions), padding: Padding::Valid }
    }
    /// From a window to the next.
    ///
    /// ```
    /// use cotangent::{lax::ReduceWindow, prelude::*};
    /// assert_eq!(ReduceWindow::new(&[2]).window_strides(&[3]).sum(&array![1, 2, 3, 4, 5]).to_string(), "[3 9]");
    /// ```
    pub fn window_strides(mut self, strides: &[usize]) -> ReduceWindow {
        self.windows.strides = strides.into();
        self
    }
    /// Places around the array, which take no part: `"SAME"`, `"VALID"`, or numbers.
    ///
    /// ```
    /// use cotangent::{lax::ReduceWindow, prelude::*};
    /// let x = array![1, 2, 3];
    /// assert_eq!(ReduceWindow::new(&[2]).padding("SAME").sum(&x).to_string(), "[3 5 3]");
    /// assert_eq!(ReduceWindow::new(&[2]).padding([(1, 0)]).max(&x).to_string(), "[1 2 3]");
    /// ```
    pub fn padding(mut self, padding: impl Into<Padding>) -> ReduceWindow {
        self.padding = padding.into();
        self
    }
    /// From an element of the array to the next, with padding between.
    ///
    /// ```
    /// use cotangent::{lax::ReduceWindow, prelude::*};
    /// assert_eq!(ReduceWindow::new(&[2]).base_dilation(&[2]).sum(&array![1, 5, 7]).to_string(), "[1 5 5 7]");
    /// ```
    pub fn base_dilation(mut self, dilation: &[usize]) -> ReduceWindow {
        self.windows.base_dilation = dilation.into();
        self
    }
    /// From an element of a window to the next.
    ///
    /// ```
    /// use cotangent::{lax::ReduceWindow, prelude::*};
    /// assert_eq!(ReduceWindow::new(&[2]).window_dilation(&[2]).sum(&array![1, 2, 4, 8]).to_string(), "[ 5 10]");
    /// ```
    pub fn window_dilation(mut self, dilation: &[usize]) -> ReduceWindow {
        self.windows.window_dilation = dilation.into();
        self
    }
    #[track_caller]
    fn of(&self, x: &Array) -> Windows {
        let mut w = self.windows.clone();
        let reach: Vec<usize> =
            w.dimensions.iter().zip(&w.window_dilation).map(|(n, d)| n.saturating_sub(1) * d + n.min(&1)).collect();
        w.padding = padtype_to_pads(x.shape(), &reach, &w.strides, &self.padding).into();
        w
    }
    /// The sum of each window, in row-major order.
    ///
    /// ```
    /// use cotangent::{lax::ReduceWindow, prelude::*};
    /// let x = array![[1., 2.], [3., 4.], [5., 6.]];
    /// assert_eq!(ReduceWindow::new(&[2, 1]).sum(&x).to_string(), "[[ 4.  6.]\n [ 8. 10.]]");
    /// ```
    ///
    /// # Panics
    /// If the windows do not fit the dimensions of `x`, or if its elements are no numbers.
    #[track_caller]
    pub fn sum(&self, x: &Array) -> Array {
        prim::reduce_window_sum(x, &self.of(x))
    }
    /// The greatest element of each window; NaN if there is one, and the least number if there is none. The first of equal ones has the derivative.
    ///
    /// ```
    /// use cotangent::{lax::ReduceWindow, prelude::*};
    /// assert_eq!(ReduceWindow::new(&[2]).max(&array![3., 1., f32::NAN, 2.]).to_string(), "[ 3. nan nan]");
    /// ```
    ///
    /// # Panics
    /// If the windows do not fit the dimensions of `x`.
    #[track_caller]
    pub fn max(&self, x: &Array) -> Array {
        prim::reduce_window_max(x, &self.of(x))
    }
    /// The least element of each window: see [`max`](ReduceWindow::max).
    ///
    /// ```
    /// use cotangent::{lax::ReduceWindow, prelude::*};
    /// assert_eq!(ReduceWindow::new(&[2]).min(&array![3, 1, 5, 2]).to_string(), "[1 1 2]");
    /// ```
    ///
    /// # Panics
    /// As [`max`](ReduceWindow::max).
    #[track_caller]
    pub fn min(&self, x: &Array) -> Array {
        prim::reduce_window_min(x, &self.of(x))
    }
    /// The fold of each window by any function of arrays that goes element by element: from the scalar `init` on, `f` gets what is folded so far, and the next. It is as many operations as a window has
    /// elements.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::lax::ReduceWindow;
    /// let x = array![1., 2., 3., 4.];
    /// let pairs = ReduceWindow::new(&[2]).run(&x, &Array::from(1f32), |a: &Array, b: &Array| a * b);
    /// assert_eq!(pairs.to_string(), "[ 2.  6. 12.]");
    /// ```
    ///
    /// # Panics
    /// If the windows do not fit the dimensions of `x`, or if `init` is no scalar of its type.
    #[track_caller]
    pub fn run(&self, x: &Array, init: &Array, f: impl Fn(&Array, &Array) -> Array) -> Array {
        let combine = |a: &[Array], b: &[Array]| vec![f(&a[0], &b[0])];
        prim::reduce_window(std::slice::from_ref(x), std::slice::from_ref(init), &self.of(x), &combine).remove(0)
    }
}
