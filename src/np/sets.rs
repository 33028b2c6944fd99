//! Arrays as sets: which values there are, how often, and what two arrays have in common, with NumPy's names. Results are in ascending order.

use crate::array::{Array, Operand};
use crate::error::{ErrorKind, fail};
use crate::np::search::{positions, rows};
use crate::np::{self, Side, loose, order::index_type};
use crate::prim::{self, convert_element_type, lit};

/// The different values of an array, for programs as well: these have to say how many there are.
///
/// ```
/// use cotangent::{np::Unique, prelude::*};
/// let x = array![3., 1., 3., 2.];
/// let values = jit(|x: &Array| Unique::new().size(4).fill_value(0.).values(x))(&x);
/// assert_eq!(values.to_string(), "[1. 2. 3. 0.]");
/// assert_eq!(Unique::new().axis(0).values(&array![[1, 2], [0, 5], [1, 2]]).to_string(), "[[0 5]\n [1 2]]");
/// ```
#[derive(Clone, Debug)]
pub struct Unique {
    axis: Option<i32>,
    size: Option<usize>,
    fill: Option<Array>,
    equal_nan: bool,
}
impl Default for Unique {
    fn default() -> Self {
        Unique { axis: None, size: None, fill: None, equal_nan: true }
    }
}
/// The different values of an array, and where they come from: what [`unique_all`] gives.
///
/// ```
/// use cotangent::{np::Unique, prelude::*};
/// let found = Unique::new().all(&array![7, 5, 7, 7]);
/// assert_eq!((found.values.to_string(), found.counts.to_string()), ("[5 7]".into(), "[1 3]".into()));
/// // the array again, from its values
/// assert_eq!(found.values.i(&found.inverse_indices).to_string(), "[7 5 7 7]");
/// ```
#[derive(Clone, Debug)]
pub struct UniqueAll {
    /// The values, ascending.
    pub values: Array,
    /// Where each value is first.
    pub indices: Array,
    /// For each element of the array, the place of its value among the values.
    pub inverse_indices: Array,
    /// How often each value occurs.
    pub counts: Array,
}
impl Unique {
    /// As many as there are. NaNs count as equal.
    ///
    /// ```
    /// use cotangent::{np::Unique, prelude::*};
    /// assert_eq!(Unique::new().values(&array![2., f32::NAN, 2., f32::NAN]).to_string(), "[ 2. nan]");
    /// ```
    pub fn new() -> Unique {
        Unique::default()
    }
    /// Of slices along this dimension instead of elements; negative ones count from the end.
    ///
    /// ```
    /// use cotangent::{np::Unique, prelude::*};
    /// assert_eq!(Unique::new().axis(1).values(&array![[3, 1, 3], [4, 2, 4]]).to_string(), "[[1 3]\n [2 4]]");
    /// ```
    pub fn axis(mut self, axis: i32) -> Unique {
        self.axis = Some(axis);
        self
    }
    /// So many: what is too much is left out, what is missing filled in.
    ///
    /// ```
    /// use cotangent::{np::Unique, prelude::*};
    /// let x = array![9, 4, 9, 6];
    /// assert_eq!(Unique::new().size(2).values(&x).to_string(), "[4 6]");
    /// assert_eq!(Unique::new().size(5).values(&x).to_string(), "[4 6 9 4 4]");
    /// ```
    pub fn size(mut self, size: usize) -> Unique {
        self.size = Some(size);
        self
    }
    /// What is filled in; the least value without this.
    ///
    /// ```
    /// use cotangent::{np::Unique, prelude::*};
    /// assert_eq!(Unique::new().size(4).fill_value(-1).values(&array![9, 4, 9]).to_string(), "[ 4  9 -1 -1]");
    /// ```
    pub fn fill_value(mut self, fill: impl Operand) -> Unique {
        self.fill = Some(loose(fill));
        self
    }
    /// Whether NaNs count as equal.
    ///
    /// ```
    /// use cotangent::{np::Unique, prelude::*};
    /// let x = array![2., f32::NAN, f32::NAN];
    /// assert_eq!(Unique::new().equal_nan(false).values(&x).to_string(), "[ 2. nan nan]");
    /// ```
    pub fn equal_nan(mut self, equal: bool) -> Unique {
        self.equal_nan = equal;
        self
    }
    /// The values: see [`unique`].
    ///
    /// ```
    /// use cotangent::{np::Unique, prelude::*};
    /// assert_eq!(Unique::new().values(&array![[3, 1], [1, 2]]).to_string(), "[1 2 3]");
    /// ```
    ///
    /// # Panics
    /// If there is no such dimension, if values are abstract and no size is given, or if there is nothing to fill a size with.
    #[track_caller]
    pub fn values(&self, x: &Array) -> Array {
        self.found(x).values
    }
    /// The values, where they are first, the place of each element's value, and how often values occur.
    ///
    /// ```
    /// use cotangent::{np::Unique, prelude::*};
    /// let found = Unique::new().all(&array![8, 6, 8]);
    /// assert_eq!((found.indices.to_string(), found.inverse_indices.to_string()), ("[1 0]".into(), "[1 0 1]".into()));
    /// ```
    ///
    /// # Panics
    /// As [`values`](Unique::values).
    #[track_caller]
    pub fn all(&self, x: &Array) -> UniqueAll {
        let Found { values, places, inside, sorted } = self.found(x);
        let n = sorted.first.size();
        let index = places.dtype();
        // a value's elements end where the next value begins, or at the end
        let more = positions("unique", &sorted.first, self.size.map(|s| s + 1));
        let end = np::broadcast_to(&prim::scalar_of(index, false, n as f64), &[1]);
        let more = if self.size.is_some() { more } else { prim::concatenate(&[&more, &end], 0) };
        let ends = prim::slice_in_dim(&more, 1, more.size(), 1, 0);
        // sorting the order sorts what is in it back
        let rank = prim::cumsum(&convert_element_type(&sorted.first, index, false), 0, false);
        let inverse = prim::sort_key_val(&sorted.order, &prim::sub(&rank, &lit(&rank, 1.0)), 0).1;
        UniqueAll {
            values,
            indices: if n == 0 { inside } else { rows(&sorted.order, &inside) },
            inverse_indices: if self.axis.is_none() { prim::reshape(&inverse, x.shape()) } else { inverse },
            counts: prim::sub(&ends, &places),
        }
    }
    #[track_caller]
    fn found(&self, x: &Array) -> Found {
        let (moved, d) = match self.axis {
            None => (prim::reshape(x, &[x.size()]), 0),
            Some(axis) => {
                let d = np::dimension("unique", axis, x);
                (prim::move_axis(x, d, 0), d)
            }
        };
        let n = moved.shape()[0];
        if n == 0 && self.size.unwrap_or(0) > 0 && self.fill.is_none() {
            fail(
                ErrorKind::Value,
                "unique: there is no value to fill the size with; give one with the option `fill_value`",
            )
        }
        let sorted = Sorted::of(&moved, self.equal_nan);
        let places = positions("unique", &sorted.first, self.size);
        let there = prim::lt(&places, &lit(&places, n as f64));
        let inside = if self.size.is_some() { np::where_(&there, &places, lit(&places, 0.0)) } else { places.clone() };
        let mut values = if n == 0 {
            prim::zeros_of(&moved.aval().with_shape(places.shape().iter().chain(&moved.shape()[1..]).copied()))
        } else {
            rows(&sorted.values, &inside)
        };
        if let (Some(_), Some(fill)) = (self.size, &self.fill) {
            let fill = convert_element_type(fill, x.dtype(), false);
            let mask = prim::broadcast_in_dim(&there, values.shape(), &[0]);
            values = np::where_(&mask, &values, &fill)
        }
        Found { values: prim::move_axis(&values, 0, d), places, inside, sorted }
    }
}
/// The values, and where among the sorted elements they begin: as found, and with the least element in the place of what is missing.
struct Found {
    values: Array,
    places: Array,
    inside: Array,
    sorted: Sorted,
}

/// What stands along the first dimension in ascending order, from where it came, and which is the first of equal ones.
struct Sorted {
    values: Array,
    order: Array,
    first: Array,
}
impl Sorted {
    #[track_caller]
    fn of(x: &Array, equal_nan: bool) -> Sorted {
        let n = x.shape()[0];
        let columns: usize = x.shape()[1..].iter().product();
        // all NaNs alike, as far as their order goes
        let plain = if x.dtype().is_complex() {
            np::where_(&prim::ne(x, x), prim::scalar_of(x.dtype(), false, f64::NAN), x)
        } else {
            x.clone()
        };
        let table = prim::reshape(&plain, &[n, columns]);
        let index = prim::iota(index_type(n), &[n], 0);
        let keys: Vec<Array> =
            (0..columns).map(|k| prim::squeeze(&prim::slice_in_dim(&table, k, k + 1, 1, 1), &[1])).collect();
        let order = if keys.is_empty() || n == 0 {
            index
        } else {
            let operands: Vec<&Array> = keys.iter().chain([&index]).collect();
            prim::sort(&operands, 0, columns).pop().expect("the order")
        };
        if n == 0 {
            let first = prim::full_of(&order.aval().with_dtype(crate::DType::Bool), 0.0);
            return Sorted { values: plain, order, first };
        }
        let sorted = rows(&table, &order);
        let (high, low) = (prim::slice_in_dim(&sorted, 1, n, 1, 0), prim::slice_in_dim(&sorted, 0, n - 1, 1, 0));
        let mut differ = prim::ne(&high, &low);
        if equal_nan && x.dtype().is_inexact() {
            let nans = prim::and(&prim::ne(&high, &high), &prim::ne(&low, &low));
            differ = prim::and(&differ, &prim::not(&nans))
        }
        let differ = np::over(1).any(&differ);
        let first = prim::pad(&differ, &crate::array(true), &[(1, 0, 0)]);
        Sorted { values: rows(&plain, &order), order, first }
    }
}
/// The different values of `x`, ascending. NaNs count as equal. [`Unique`] has options. As `jax.numpy.unique`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::unique(&array![3., 1., 3., 2.]).to_string(), "[1. 2. 3.]");
/// ```
///
/// # Panics
/// If values are abstract.
#[track_caller]
pub fn unique(x: &Array) -> Array {
    Unique::new().values(x)
}
/// The different values, where each is first, the place of each element's value, and how often values occur. NaNs count as different. As `jax.numpy.unique_all`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let u = np::unique_all(&array![3., 1., 3.]);
/// assert_eq!((u.values.to_string(), u.indices.to_string()), ("[1. 3.]".into(), "[1 0]".into()));
/// assert_eq!((u.inverse_indices.to_string(), u.counts.to_string()), ("[1 0 1]".into(), "[1 2]".into()));
/// ```
///
/// # Panics
/// If values are abstract.
#[track_caller]
pub fn unique_all(x: &Array) -> UniqueAll {
    Unique::new().equal_nan(false).all(x)
}
/// The different values and how often they occur. NaNs count as different. As `jax.numpy.unique_counts`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (values, counts) = np::unique_counts(&array![3, 1, 3]);
/// assert_eq!((values.to_string(), counts.to_string()), ("[1 3]".into(), "[1 2]".into()));
/// ```
///
/// # Panics
/// If values are abstract.
#[track_caller]
pub fn unique_counts(x: &Array) -> (Array, Array) {
    let u = unique_all(x);
    (u.values, u.counts)
}
/// The different values and the place of each element's value among them. NaNs count as different. As `jax.numpy.unique_inverse`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (values, at) = np::unique_inverse(&array![3, 1, 3]);
/// assert_eq!((values.to_string(), at.to_string()), ("[1 3]".into(), "[1 0 1]".into()));
/// ```
///
/// # Panics
/// If values are abstract.
#[track_caller]
pub fn unique_inverse(x: &Array) -> (Array, Array) {
    let u = unique_all(x);
    (u.values, u.inverse_indices)
}
/// The different values. NaNs count as different. As `jax.numpy.unique_values`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::unique_values(&array![3, 1, 3]).to_string(), "[1 3]");
/// ```
///
/// # Panics
/// If values are abstract.
#[track_caller]
pub fn unique_values(x: &Array) -> Array {
    Unique::new().equal_nan(false).values(x)
}

/// Where elements of `x` are among those of `test`. NaN is nowhere. As `jax.numpy.isin`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let among = np::isin(&array![[1, 2], [3, 4]], &array![4, 1]);
/// assert_eq!(among.to_string(), "[[ True False]\n [False  True]]");
/// ```
///
/// # Panics
/// If there is no arithmetic on the elements.
#[track_caller]
pub fn isin(x: &Array, test: &Array) -> Array {
    let (x, test) = np::meet("isin", x, test);
    let n = test.size();
    if n == 0 {
        return prim::full_of(&x.aval().with_dtype(crate::DType::Bool).with_weak(false), 0.0);
    }
    let sorted = prim::sort(&[&prim::reshape(&test, &[n])], 0, 1).swap_remove(0);
    // a place behind the last is moved inside, where something else stands
    prim::eq(&rows(&sorted, &np::searchsorted(&sorted, &x, Side::Left)), &x)
}

/// Arrays as sets, with options: programs have to say how many elements there are.
///
/// ```
/// use cotangent::{np::Sets, prelude::*};
/// let f = |x: &Array, y: &Array| Sets::new().size(3).fill_value(-1).intersect1d(x, y);
/// assert_eq!(jit(f)(&array![5, 1, 3, 3], &array![3, 4, 5]).to_string(), "[ 3  5 -1]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Sets {
    size: Option<usize>,
    fill: Option<Array>,
    unique: bool,
}
impl Sets {
    /// As many elements as there are.
    ///
    /// ```
    /// use cotangent::{np::Sets, prelude::*};
    /// assert_eq!(Sets::new().union1d(&array![5, 1], &array![1, 2]).to_string(), "[1 2 5]");
    /// ```
    pub fn new() -> Sets {
        Sets::default()
    }
    /// So many: what is too much is left out, what is missing filled in.
    ///
    /// ```
    /// use cotangent::{np::Sets, prelude::*};
    /// let (x, y) = (array![5, 1], array![1, 2]);
    /// assert_eq!(Sets::new().size(2).union1d(&x, &y).to_string(), "[1 2]");
    /// assert_eq!(Sets::new().size(4).union1d(&x, &y).to_string(), "[1 2 5 1]");
    /// ```
    pub fn size(mut self, size: usize) -> Sets {
        self.size = Some(size);
        self
    }
    /// What is filled in. Without this the least element of the result, and for [`setdiff1d`](Sets::setdiff1d) 0.
    ///
    /// ```
    /// use cotangent::{np::Sets, prelude::*};
    /// let sets = Sets::new().size(3).fill_value(-9);
    /// assert_eq!(sets.setdiff1d(&array![5, 1, 7], &array![1]).to_string(), "[ 5  7 -9]");
    /// ```
    pub fn fill_value(mut self, fill: impl Operand) -> Sets {
        self.fill = Some(loose(fill));
        self
    }
    /// A promise that no array has equal elements. Differences keep their order then.
    ///
    /// ```
    /// use cotangent::{np::Sets, prelude::*};
    /// let (x, y) = (array![7, 1, 5], array![1]);
    /// assert_eq!(Sets::new().setdiff1d(&x, &y).to_string(), "[5 7]");
    /// assert_eq!(Sets::new().assume_unique().setdiff1d(&x, &y).to_string(), "[7 5]");
    /// ```
    pub fn assume_unique(mut self) -> Sets {
        self.unique = true;
        self
    }
    /// The elements of `x` where the mask is true, as far as they go and filled up; and their places.
    #[track_caller]
    fn taken(&self, name: &str, x: &Array, mask: &Array, least: bool) -> (Array, Array) {
        let n = x.size();
        let at = positions(name, mask, self.size);
        if n == 0 {
            let fill = self.fill.as_ref().map_or_else(|| prim::scalar_of(x.dtype(), false, 0.0), |f| f.clone());
            return (np::broadcast_to(&convert_element_type(&fill, x.dtype(), false), at.shape()), at);
        }
        let values = rows(x, &at);
        if self.size.is_none() || at.size() == 0 {
            return (values, at);
        }
        let there = prim::lt(&at, &lit(&at, n as f64));
        let zero = prim::scalar_of(x.dtype(), false, 0.0);
        let first = |x: &Array| prim::reshape(&prim::slice_in_dim(x, 0, 1, 1, 0), &[]);
        let fill = match &self.fill {
            Some(fill) => convert_element_type(fill, x.dtype(), false),
            None if least => np::where_(&first(&there), first(&values), &zero),
            None => zero,
        };
        (np::where_(&there, values, fill), at)
    }
    /// What is in one of them, or both: see [`union1d`].
    ///
    /// ```
    /// use cotangent::{np::Sets, prelude::*};
    /// assert_eq!(Sets::new().union1d(&array![[3, 3]], &array![0, 9]).to_string(), "[0 3 9]");
    /// ```
    ///
    /// # Panics
    /// If values are abstract and no size is given.
    #[track_caller]
    pub fn union1d(&self, x: &Array, y: &Array) -> Array {
        let (x, y) = lines("union1d", x, y);
        Unique { size: self.size, fill: self.fill.clone(), ..Unique::new() }.values(&prim::concatenate(&[&x, &y], 0))
    }
    /// What is in both: see [`intersect1d`].
    ///
    /// ```
    /// use cotangent::{np::Sets, prelude::*};
    /// assert_eq!(Sets::new().intersect1d(&array![4, 2, 4], &array![4, 7, 2]).to_string(), "[2 4]");
    /// ```
    ///
    /// # Panics
    /// If values are abstract and no size is given.
    #[track_caller]
    pub fn intersect1d(&self, x: &Array, y: &Array) -> Array {
        let (x, y) = lines("intersect1d", x, y);
        self.common(&Sorted::of(&x, true), &y).0
    }
    /// The sorted elements that `y` has as well, and their places.
    #[track_caller]
    fn common(&self, a: &Sorted, y: &Array) -> (Array, Array) {
        self.taken("intersect1d", &a.values, &prim::and(&a.first, &isin(&a.values, y)), true)
    }
    /// What is in both, and where it is first in each. Places that are filled in are the numbers of elements.
    ///
    /// ```
    /// use cotangent::{np::Sets, prelude::*};
    /// let (both, i, j) = Sets::new().intersect1d_indices(&array![4, 2, 4], &array![7, 4]);
    /// assert_eq!((both.to_string(), i.to_string(), j.to_string()), ("[4]".into(), "[0]".into(), "[1]".into()));
    /// ```
    ///
    /// # Panics
    /// If values are abstract and no size is given.
    #[track_caller]
    pub fn intersect1d_indices(&self, x: &Array, y: &Array) -> (Array, Array, Array) {
        let (x, y) = lines("intersect1d", x, y);
        let (a, b) = (Sorted::of(&x, true), Sorted::of(&y, true));
        let (values, at) = self.common(&a, &y);
        if x.size() == 0 || y.size() == 0 {
            let none = |n: usize| np::broadcast_to(&lit(&at, n as f64), at.shape());
            return (values, none(x.size()), none(y.size()));
        }
        let there = prim::lt(&at, &lit(&at, x.size() as f64));
        let in_x = rows(&a.order, &at);
        let in_y = rows(&b.order, &np::searchsorted(&b.values, &rows(&a.values, &at), Side::Left));
        let or_end = |i: Array, n: usize| np::where_(&there, &i, lit(&i, n as f64));
        (values, or_end(in_x, x.size()), or_end(in_y, y.size()))
    }
    /// What is in `x` and not in `y`: see [`setdiff1d`].
    ///
    /// ```
    /// use cotangent::{np::Sets, prelude::*};
    /// assert_eq!(Sets::new().setdiff1d(&array![4, 2, 4, 0], &array![7, 2]).to_string(), "[0 4]");
    /// ```
    ///
    /// # Panics
    /// If values are abstract and no size is given.
    #[track_caller]
    pub fn setdiff1d(&self, x: &Array, y: &Array) -> Array {
        let (x, y) = (prim::reshape(x, &[x.size()]), prim::reshape(y, &[y.size()]));
        if self.unique {
            return self.taken("setdiff1d", &x, &prim::not(&isin(&x, &y)), false).0;
        }
        let a = Sorted::of(&x, true);
        let left = prim::and(&a.first, &prim::not(&isin(&a.values, &y)));
        self.taken("setdiff1d", &a.values, &left, false).0
    }
    /// What is in one of them only: see [`setxor1d`].
    ///
    /// ```
    /// use cotangent::{np::Sets, prelude::*};
    /// assert_eq!(Sets::new().setxor1d(&array![4, 2, 4], &array![7, 2]).to_string(), "[4 7]");
    /// ```
    ///
    /// # Panics
    /// If values are abstract and no size is given.
    #[track_caller]
    pub fn setxor1d(&self, x: &Array, y: &Array) -> Array {
        let (x, y) = lines("setxor1d", x, y);
        let (a, b) = (Sorted::of(&x, true), Sorted::of(&y, true));
        let left = |a: &Sorted, y: &Array| prim::or(&prim::not(&a.first), &isin(&a.values, y));
        let dropped = prim::concatenate(&[&left(&a, &y), &left(&b, &x)], 0);
        let values = prim::concatenate(&[&a.values, &b.values], 0);
        // those that are dropped come last
        let sorted = prim::sort(&[&dropped, &values], 0, 2);
        self.taken("setxor1d", &sorted[1], &prim::not(&sorted[0]), true).0
    }
}
/// Both in one dimension and one type.
#[track_caller]
fn lines(name: &str, x: &Array, y: &Array) -> (Array, Array) {
    let (x, y) = np::meet(name, x, y);
    (prim::reshape(&x, &[x.size()]), prim::reshape(&y, &[y.size()]))
}
macro_rules! sets { ($($(#[$doc:meta])* $name:ident $example:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("[`Sets::", stringify!($name), "`] has options. As `jax.numpy.", stringify!($name), "`.")]
    ///
    /// ```
    /// use cotangent::{np, prelude::*};
    #[doc = $example]
    /// ```
    ///
    /// # Panics
    /// If values are abstract.
    #[track_caller]
    pub fn $name(x: &Array, y: &Array) -> Array { Sets::new().$name(x, y) }
)* } }
sets! {
    /// The different values of both arrays.
    union1d r#"assert_eq!(np::union1d(&array![3, 1, 3], &array![2, 1]).to_string(), "[1 2 3]");"#;
    /// The different values that both arrays have.
    intersect1d r#"assert_eq!(np::intersect1d(&array![3, 1, 3], &array![2, 3]).to_string(), "[3]");"#;
    /// The different values of `x` that `y` does not have.
    setdiff1d r#"assert_eq!(np::setdiff1d(&array![3, 1, 3, 0], &array![2, 3]).to_string(), "[0 1]");"#;
    /// The different values that one of the arrays has, and not both.
    setxor1d r#"assert_eq!(np::setxor1d(&array![3, 1, 3], &array![2, 3]).to_string(), "[1 2]");"#;
}
