//! The reductions that pass over NaNs.

use super::{Fold, Reduce};
use crate::array::Array;
use crate::np;
use crate::prim;

impl Reduce {
    /// `x` with what changes nothing in the place of NaNs.
    #[track_caller]
    fn without_nans(x: &Array, fold: Fold) -> Array {
        np::where_(&prim::ne(x, x), fold.identity(x.dtype()), x)
    }
    /// The sum without NaNs, whose derivative is 0. Options as for [`sum`](Reduce::sum). As `jax.numpy.nansum`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).nansum(&array![[1., f32::NAN], [2., 3.]]).to_string(), "[3. 3.]");
    /// ```
    #[track_caller]
    pub fn nansum(&self, x: &Array) -> Array {
        self.takes("nansum", &["where_", "initial", "dtype"]);
        let x = if x.dtype().is_inexact() { Self::without_nans(x, Fold::Sum) } else { x.clone() };
        self.total("nansum", Fold::Sum, &x)
    }
    /// The product without NaNs. Options as for [`prod`](Reduce::prod). As `jax.numpy.nanprod`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).nanprod(&array![[4., f32::NAN], [2., 3.]]).to_string(), "[4. 6.]");
    /// ```
    #[track_caller]
    pub fn nanprod(&self, x: &Array) -> Array {
        self.takes("nanprod", &["where_", "initial", "dtype"]);
        let x = if x.dtype().is_inexact() { Self::without_nans(x, Fold::Prod) } else { x.clone() };
        self.total("nanprod", Fold::Prod, &x)
    }
    #[track_caller]
    fn nan_extreme(&self, name: &str, fold: Fold, x: &Array) -> Array {
        if !x.dtype().is_inexact() {
            return self.extreme(name, fold, x);
        }
        let y = self.extreme(name, fold, &Self::without_nans(x, fold));
        if self.initial.is_some() {
            return y;
        }
        let nothing = Reduce { mask: None, ..self.bare(self.keep) }.fold(name, Fold::And, &prim::ne(x, x));
        np::where_(&nothing, prim::scalar_of(y.dtype(), false, f64::NAN), &y)
    }
    /// The greatest element that is not NaN; NaN if there is none. Options as for [`max`](Reduce::max). As `jax.numpy.nanmax`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// let x = array![[1., f32::NAN], [f32::NAN, f32::NAN]];
    /// assert_eq!(np::over(1).nanmax(&x).to_string(), "[ 1. nan]");
    /// ```
    #[track_caller]
    pub fn nanmax(&self, x: &Array) -> Array {
        self.takes("nanmax", &["where_", "initial"]);
        self.nan_extreme("nanmax", Fold::Max, x)
    }
    /// The least element that is not NaN: see [`nanmax`](Reduce::nanmax).
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).nanmin(&array![[1., f32::NAN], [-2., 3.]]).to_string(), "[-2.  3.]");
    /// ```
    #[track_caller]
    pub fn nanmin(&self, x: &Array) -> Array {
        self.takes("nanmin", &["where_", "initial"]);
        self.nan_extreme("nanmin", Fold::Min, x)
    }
    /// The same reduction of the elements that are not NaN only.
    #[track_caller]
    fn passing_over_nans(&self, name: &str, x: &Array) -> Reduce {
        let there = prim::eq(x, x);
        let mask = match self.mask_for(name, x) {
            Some(mask) => prim::and(&mask, &there),
            None => there,
        };
        Reduce { mask: Some(mask), ..self.clone() }
    }
    /// The mean of the elements that are not NaN; NaN if there is none. Options as for [`mean`](Reduce::mean). As `jax.numpy.nanmean`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).nanmean(&array![[1., f32::NAN], [2., 3.]]).to_string(), "[1.5 3. ]");
    /// ```
    #[track_caller]
    pub fn nanmean(&self, x: &Array) -> Array {
        self.takes("nanmean", &["where_", "dtype"]);
        if !x.dtype().is_inexact() {
            return self.mean_of("nanmean", x);
        }
        self.passing_over_nans("nanmean", x).mean_of("nanmean", x)
    }
    #[track_caller]
    fn nan_variance(&self, name: &str, x: &Array) -> Array {
        if !x.dtype().is_inexact() {
            return self.variance(name, x);
        }
        // a NaN would reach the derivatives of the others through the squares, so zeros stand in the places of NaNs
        self.passing_over_nans(name, x).variance(name, &Self::without_nans(x, Fold::Sum))
    }
    /// The variance of the elements that are not NaN. Options as for [`var`](Reduce::var). As `jax.numpy.nanvar`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).nanvar(&array![[1., f32::NAN], [5., 3.]]).to_string(), "[4. 0.]");
    /// ```
    #[track_caller]
    pub fn nanvar(&self, x: &Array) -> Array {
        self.takes("nanvar", &["where_", "dtype", "ddof", "mean_is"]);
        self.nan_variance("nanvar", x)
    }
    /// The root of the [`nanvar`](Reduce::nanvar). As `jax.numpy.nanstd`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(0).nanstd(&array![[1., f32::NAN], [5., 3.]]).to_string(), "[2. 0.]");
    /// ```
    #[track_caller]
    pub fn nanstd(&self, x: &Array) -> Array {
        self.takes("nanstd", &["where_", "dtype", "ddof", "mean_is"]);
        prim::sqrt(&self.nan_variance("nanstd", x))
    }
    #[track_caller]
    fn nan_place(&self, name: &str, x: &Array, max: bool) -> Array {
        if !x.dtype().is_inexact() {
            return self.place(name, x, max);
        }
        let y = self.place(name, &Self::without_nans(x, if max { Fold::Max } else { Fold::Min }), max);
        let nothing = self.bare(self.keep).fold(name, Fold::And, &prim::ne(x, x));
        np::where_(&nothing, prim::lit(&y, -1.0), &y)
    }
    /// Where the greatest element is that is not NaN; -1 if there is none. As `jax.numpy.nanargmax`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// let x = array![[f32::NAN, 4.], [f32::NAN, f32::NAN]];
    /// assert_eq!(np::over(1).nanargmax(&x).to_string(), "[ 1 -1]");
    /// ```
    #[track_caller]
    pub fn nanargmax(&self, x: &Array) -> Array {
        self.takes("nanargmax", &[]);
        self.nan_place("nanargmax", x, true)
    }
    /// Where the least element is that is not NaN; -1 if there is none. As `jax.numpy.nanargmin`.
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    /// assert_eq!(np::over(1).nanargmin(&array![[3., f32::NAN, 2.]]).to_string(), "[2]");
    /// ```
    #[track_caller]
    pub fn nanargmin(&self, x: &Array) -> Array {
        self.takes("nanargmin", &[]);
        self.nan_place("nanargmin", x, false)
    }
}
