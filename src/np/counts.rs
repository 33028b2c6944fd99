//! Counts: of numbers, and of samples in bins, with NumPy's names.

use crate::array::Array;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np;
use crate::prim::{self, convert_element_type, lit};

/// How often each of the numbers 0, 1, 2, .. occurs.
///
/// ```
/// use cotangent::{np::Bincount, prelude::*};
/// let x = array![1, 3, 1];
/// assert_eq!(Bincount::new().weights(&array![0.5, 1., 2.]).of(&x).to_string(), "[0.  2.5 0.  1. ]");
/// // a program says how many numbers are counted; greater ones are left out
/// assert_eq!(jit(|x: &Array| Bincount::new().length(3).of(x))(&x).to_string(), "[0 2 0]");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Bincount {
    weights: Option<Array>,
    minlength: usize,
    length: Option<usize>,
}
impl Bincount {
    /// Up to the greatest number.
    ///
    /// ```
    /// use cotangent::{np::Bincount, prelude::*};
    /// assert_eq!(Bincount::new().of(&array![2, 0, 2]).to_string(), "[1 0 2]");
    /// ```
    pub fn new() -> Bincount {
        Bincount::default()
    }
    /// What each element counts instead of 1.
    ///
    /// ```
    /// use cotangent::{np::Bincount, prelude::*};
    /// assert_eq!(Bincount::new().weights(&array![2., 3.]).of(&array![1, 1]).to_string(), "[0. 5.]");
    /// ```
    pub fn weights(mut self, weights: &Array) -> Bincount {
        self.weights = Some(weights.clone());
        self
    }
    /// At least so many numbers.
    ///
    /// ```
    /// use cotangent::{np::Bincount, prelude::*};
    /// assert_eq!(Bincount::new().minlength(4).of(&array![1, 1]).to_string(), "[0 2 0 0]");
    /// ```
    pub fn minlength(mut self, n: usize) -> Bincount {
        self.minlength = n;
        self
    }
    /// Exactly so many numbers.
    ///
    /// ```
    /// use cotangent::{np::Bincount, prelude::*};
    /// assert_eq!(Bincount::new().length(2).of(&array![0, 1, 5, 1]).to_string(), "[1 2]");
    /// ```
    pub fn length(mut self, n: usize) -> Bincount {
        self.length = Some(n);
        self
    }
    /// The counts; negative numbers count as 0.
    ///
    /// ```
    /// use cotangent::{np::Bincount, prelude::*};
    /// assert_eq!(Bincount::new().of(&array![-3, 0, 1]).to_string(), "[2 1]");
    /// ```
    ///
    /// # Panics
    /// If `x` has another number of dimensions than one, if its elements are no integers, if weights have another shape, or if values are abstract and no length is given.
    #[track_caller]
    pub fn of(&self, x: &Array) -> Array {
        if x.ndim() != 1 || x.dtype().is_inexact() {
            fail(
                ErrorKind::Type,
                format!("bincount: needs one dimension and elements of an integer type, not {}", x.aval()),
            )
        }
        let x = if x.dtype().is_bool() { convert_element_type(x, DType::Int32, false) } else { x.clone() };
        let length = match (self.length, x.try_concrete()) {
            (Some(n), _) => n,
            (None, Ok(known)) => {
                let most = known.astype(DType::Int64).to_vec::<i64>().into_iter().max();
                most.map_or(0, |n| n.max(0) as usize + 1).max(self.minlength)
            }
            (None, Err(_)) => fail(
                ErrorKind::Concrete,
                "bincount: the greatest number is abstract here; say how many are counted with the option `length`",
            ),
        };
        let weights = match &self.weights {
            Some(w) if w.shape() != x.shape() => {
                fail(ErrorKind::Shape, format!("bincount: weights {} of elements {}", w.aval(), x.aval()))
            }
            Some(w) => convert_element_type(w, w.dtype(), false),
            None => prim::full_of(&x.aval().with_dtype(DType::Int32).with_weak(false), 1.0),
        };
        let at = if x.dtype().is_unsigned() { x } else { prim::max(&x, &lit(&x, 0.0)) };
        let none = prim::zeros_of(&weights.aval().with_shape([length]));
        add_at(&none, &at, &weights)
    }
}
/// `x` with values added at places in its one dimension; those beyond it are left out.
#[track_caller]
fn add_at(x: &Array, at: &Array, values: &Array) -> Array {
    let dims = prim::ScatterDimensionNumbers::new(&[], &[0], &[0]);
    prim::scatter_add(x, &prim::expand_dims(at, &[at.ndim()]), values, &dims, &Default::default())
}
/// How often each of the numbers 0, 1, 2, .. occurs, up to the greatest. [`Bincount`] has options. As `jax.numpy.bincount`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::bincount(&array![1, 3, 1]).to_string(), "[0 2 0 1]");
/// ```
///
/// # Panics
/// As [`Bincount::of`].
#[track_caller]
pub fn bincount(x: &Array) -> Array {
    Bincount::new().of(x)
}
/// In which bin each element of `x` lies: the number of edges that are not greater, or with `right` that are less. Edges ascend or descend. As `jax.numpy.digitize`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (x, edges) = (array![0.5, 1., 7.], array![0., 1., 2.]);
/// assert_eq!(np::digitize(&x, &edges, false).to_string(), "[1 2 3]");
/// assert_eq!(np::digitize(&x, &edges, true).to_string(), "[1 1 3]");
/// ```
///
/// # Panics
/// If edges have another number of dimensions than one.
#[track_caller]
pub fn digitize(x: &Array, edges: &Array, right: bool) -> Array {
    let &[n] = edges.shape() else {
        fail(ErrorKind::Shape, format!("digitize: edges in one dimension are needed, not {}", edges.aval()))
    };
    if n == 0 {
        return prim::zeros_of(&x.aval().with_dtype(DType::Int32).with_weak(false));
    }
    let side = if right { np::Side::Left } else { np::Side::Right };
    let up = np::searchsorted(edges, x, side);
    let down = np::searchsorted(&prim::rev(edges, &[0]), x, side);
    let down = prim::sub(&lit(&down, n as f64), &down);
    let end = |k: usize| prim::squeeze(&prim::slice_in_dim(edges, k, k + 1, 1, 0), &[0]);
    np::where_(&np::greater_equal(&end(n - 1), &end(0)), up, down)
}

/// Into which bins samples are counted: so many of equal width, or those between given edges, which ascend.
///
/// ```
/// use cotangent::{np::{Bins, Histogram}, prelude::*};
/// let x = array![1., 2., 6.];
/// assert_eq!(Histogram::new(Bins::Count(5)).edges(&x).to_string(), "[1. 2. 3. 4. 5. 6.]");
/// assert_eq!(Histogram::new(Bins::Edges(array![0., 2., 7.])).of(&x).0.to_string(), "[1. 2.]");
/// ```
#[derive(Clone, Debug)]
pub enum Bins {
    /// So many between the least and the greatest sample, or in a given range.
    Count(usize),
    /// Those between these edges.
    Edges(Array),
}
impl From<usize> for Bins {
    fn from(n: usize) -> Bins {
        Bins::Count(n)
    }
}
impl From<&Array> for Bins {
    fn from(edges: &Array) -> Bins {
        Bins::Edges(edges.clone())
    }
}
/// Counts of samples in bins, of one or more dimensions. A bin has its lower edge, and the last one both. As `jax.numpy.histogram`, `histogram2d` and `histogramdd`.
///
/// ```
/// use cotangent::{np::Histogram, prelude::*};
/// let x = array![0., 1., 1.5, 4.];
/// let (counts, edges) = Histogram::new(2).of(&x);
/// assert_eq!((counts.to_string(), edges.to_string()), ("[3. 1.]".into(), "[0. 2. 4.]".into()));
/// let (density, _) = Histogram::new(&array![0., 1., 2.]).density().of(&x);
/// assert_eq!(density.to_string(), "[0.33333334 0.6666667 ]");
/// ```
#[derive(Clone, Debug)]
pub struct Histogram {
    bins: Vec<Bins>,
    ranges: Vec<Option<(f64, f64)>>,
    weights: Option<Array>,
    density: bool,
}
impl Default for Histogram {
    /// Ten bins.
    fn default() -> Self {
        Histogram::new(10)
    }
}
impl Histogram {
    /// These bins, in each dimension.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// let (counts, _) = Histogram::new(&array![0., 1., 10.]).of(&array![0.5, 2., 3.]);
    /// assert_eq!(counts.to_string(), "[1. 2.]");
    /// ```
    pub fn new(bins: impl Into<Bins>) -> Histogram {
        Histogram { bins: vec![bins.into()], ranges: vec![], weights: None, density: false }
    }
    /// Bins for each dimension of the samples.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// let bins = [2.into(), (&array![0., 1., 2., 3.]).into()];
    /// let (counts, _) = Histogram::each(bins).of_rows(&array![[0., 0.5], [1., 2.5]]);
    /// assert_eq!(counts.to_string(), "[[1 0 0]\n [0 0 1]]");
    /// ```
    pub fn each(bins: impl IntoIterator<Item = Bins>) -> Histogram {
        Histogram { bins: bins.into_iter().collect(), ..Histogram::default() }
    }
    /// Between which numbers bins of equal width lie, given once for all dimensions, or for one after the other.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// let (counts, edges) = Histogram::new(2).range(0., 8.).of(&array![1., 5., 9.]);
    /// assert_eq!((counts.to_string(), edges.to_string()), ("[1. 1.]".into(), "[0. 4. 8.]".into()));
    /// ```
    pub fn range(mut self, low: f64, high: f64) -> Histogram {
        self.ranges.push(Some((low, high)));
        self
    }
    /// The next dimension has bins between its least and its greatest sample.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// let bins = Histogram::new(2).range(0., 8.).whole_range();
    /// let (_, edges) = bins.of_rows(&array![[1., 1.], [2., 3.]]);
    /// assert_eq!((edges[0].to_string(), edges[1].to_string()), ("[0. 4. 8.]".into(), "[1. 2. 3.]".into()));
    /// ```
    pub fn whole_range(mut self) -> Histogram {
        self.ranges.push(None);
        self
    }
    /// What each sample counts instead of 1.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// let (counts, _) = Histogram::new(2).weights(&array![1., 5., 0.5]).of(&array![0., 1., 4.]);
    /// assert_eq!(counts.to_string(), "[6.  0.5]");
    /// ```
    pub fn weights(mut self, weights: &Array) -> Histogram {
        self.weights = Some(weights.clone());
        self
    }
    /// Densities, whose integral is 1, instead of counts.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// let (density, _) = Histogram::new(&array![0., 1., 5.]).density().of(&array![0., 2., 3., 4.]);
    /// assert_eq!(density.to_string(), "[0.25   0.1875]");
    /// ```
    pub fn density(mut self) -> Histogram {
        self.density = true;
        self
    }
    #[track_caller]
    fn edges_in(&self, x: &Array, d: usize) -> Array {
        let t = x.dtype();
        let n = match &self.bins[if self.bins.len() == 1 { 0 } else { d }] {
            Bins::Edges(edges) => return convert_element_type(edges, t, false),
            Bins::Count(n) => *n,
        };
        let range = self.ranges.get(if self.ranges.len() == 1 { 0 } else { d }).copied().flatten();
        let (low, high) = match range {
            Some((low, high)) => (prim::scalar_of(t, false, low), prim::scalar_of(t, false, high)),
            None => (np::min(x), np::max(x)),
        };
        // all samples at one place are in the middle of a range of 1
        let one = np::equal(&low, &high);
        let (low, high) = (np::where_(&one, &low - 0.5, &low), np::where_(&one, &high + 0.5, &high));
        np::Spaced::new(n + 1).dtype(t).linspace(&low, &high)
    }
    /// The edges alone. As `jax.numpy.histogram_bin_edges`.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// assert_eq!(Histogram::new(4).edges(&array![1., 9., 2.]).to_string(), "[1. 3. 5. 7. 9.]");
    /// ```
    #[track_caller]
    pub fn edges(&self, x: &Array) -> Array {
        self.edges_in(&np::to_inexact("histogram", x), 0)
    }
    /// The samples with their weights.
    #[track_caller]
    fn weighted(&self, name: &str, x: &Array, samples: &[usize]) -> (Array, Array) {
        match &self.weights {
            None => {
                let x = np::to_inexact(name, x);
                let ones = prim::full_of(&x.aval().with_shape(samples.iter().copied()).with_weak(false), 1.0);
                (x, ones)
            }
            Some(w) if w.shape() != samples => {
                let (w, n) = (tuple(w.shape()), tuple(samples));
                fail(ErrorKind::Shape, format!("{name}: weights of shape {w} for samples of shape {n}"))
            }
            Some(w) => np::inexact_types(name, x, w),
        }
    }
    /// The counts and the edges of the bins. Samples outside are not counted.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// let (counts, _) = Histogram::new(&array![0., 2., 4.]).of(&array![-1., 0., 2., 4., 5.]);
    /// assert_eq!(counts.to_string(), "[1. 2.]");
    /// ```
    ///
    /// # Panics
    /// If weights have another shape than the samples, or if there is more than one list of bins.
    #[track_caller]
    pub fn of(&self, x: &Array) -> (Array, Array) {
        let (x, w) = self.weighted("histogram", x, x.shape());
        let edges = self.edges_in(&x, 0);
        let n = edges.size();
        let at = np::searchsorted(&edges, &x, np::Side::Right);
        let last = prim::squeeze(&prim::slice_in_dim(&edges, n - 1, n, 1, 0), &[0]);
        let at = np::where_(&np::equal(&x, &last), lit(&at, n as f64 - 1.0), &at);
        let all = add_at(&prim::zeros_of(&w.aval().with_shape([n]).with_weak(false)), &at, &w);
        let counts = prim::slice_in_dim(&all, 1, n, 1, 0);
        if !self.density {
            return (counts, edges);
        }
        let density = &counts / np::diff(&edges) / np::sum(&counts);
        (density, edges)
    }
    /// The counts of samples that are rows of coordinates, and the edges in each dimension. As `jax.numpy.histogramdd`.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// let (counts, edges) = Histogram::new(2).of_rows(&array![[0., 10.], [1., 10.], [1., 30.]]);
    /// assert_eq!((counts.to_string(), edges[1].to_string()), ("[[1 0]\n [1 1]]".into(), "[10. 20. 30.]".into()));
    /// ```
    ///
    /// # Panics
    /// If samples are no rows, if bins or ranges are neither one for all dimensions nor one for each, or if there is not a weight for each sample.
    #[track_caller]
    pub fn of_rows(&self, samples: &Array) -> (Array, Vec<Array>) {
        let &[n, rank] = samples.shape() else {
            fail(ErrorKind::Shape, format!("histogramdd: samples are rows of coordinates, not {}", samples.aval()))
        };
        let fits = |given: usize| given <= 1 || given == rank;
        if !fits(self.bins.len()) || !fits(self.ranges.len()) || self.bins.is_empty() {
            let (b, r) = (self.bins.len(), self.ranges.len());
            fail(ErrorKind::Shape, format!("histogramdd: {b} lists of bins and {r} ranges for {rank} dimensions"))
        }
        let (samples, w) = self.weighted("histogramdd", samples, &[n]);
        let (mut all_edges, mut extents) = (vec![], Shape::new());
        let mut place: Option<Array> = None;
        for d in 0..rank {
            let x = prim::squeeze(&prim::slice_in_dim(&samples, d, d + 1, 1, 1), &[1]);
            let edges = self.edges_in(&x, d);
            let k = edges.size();
            let at = np::searchsorted(&edges, &x, np::Side::Right);
            let last = prim::squeeze(&prim::slice_in_dim(&edges, k - 1, k, 1, 0), &[0]);
            let at = np::where_(&np::equal(&x, &last), prim::sub(&at, &lit(&at, 1.0)), &at);
            // one place more on either side for samples outside
            extents.push(k + 1);
            place = Some(match place {
                Some(p) => prim::add(&prim::mul(&p, &lit(&p, k as f64 + 1.0)), &at),
                None => at,
            });
            all_edges.push(edges)
        }
        let size: usize = extents.iter().product();
        let Some(place) = place else { fail(ErrorKind::Shape, "histogramdd: samples without coordinates") };
        // counts of samples without weights are floating-point numbers only where they are divided
        let w = if self.weights.is_none() && !self.density { convert_element_type(&w, DType::Int32, false) } else { w };
        let all = add_at(&prim::zeros_of(&w.aval().with_shape([size]).with_weak(false)), &place, &w);
        let inner: Vec<usize> = extents.iter().map(|n| n - 1).collect();
        let mut counts = prim::slice(&prim::reshape(&all, &extents), &vec![1; rank], &inner, None);
        if self.density {
            counts = &counts / np::sum(&counts);
            for (d, edges) in all_edges.iter().enumerate() {
                counts = prim::div(&counts, &prim::broadcast_in_dim(&np::diff(edges), counts.shape(), &[d]))
            }
        }
        (counts, all_edges)
    }
    /// The counts of points with these coordinates, and the edges in both dimensions. As `jax.numpy.histogram2d`.
    ///
    /// ```
    /// use cotangent::{np::Histogram, prelude::*};
    /// let (counts, x, y) = Histogram::new(2).of_points(&array![0., 4., 4.], &array![1., 1., 5.]);
    /// assert_eq!(counts.to_string(), "[[1 0]\n [1 1]]");
    /// assert_eq!((x.to_string(), y.to_string()), ("[0. 2. 4.]".into(), "[1. 3. 5.]".into()));
    /// ```
    ///
    /// # Panics
    /// As [`of_rows`](Histogram::of_rows); also if coordinates are not in one dimension, or not as many.
    #[track_caller]
    pub fn of_points(&self, x: &Array, y: &Array) -> (Array, Array, Array) {
        let (x, y) = np::meet("histogram2d", x, y);
        if x.ndim() != 1 || x.shape() != y.shape() {
            fail(ErrorKind::Shape, format!("histogram2d: coordinates {} and {}", x.aval(), y.aval()))
        }
        let (counts, mut edges) = self.of_rows(&prim::stack(&[&x, &y], 1));
        let second = edges.pop().expect("two dimensions");
        (counts, edges.swap_remove(0), second)
    }
}
/// Counts of samples in bins, and the edges of these: see [`Histogram`]. As `jax.numpy.histogram`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (counts, edges) = np::histogram(&array![0., 1., 1.5, 4.], 2);
/// assert_eq!((counts.to_string(), edges.to_string()), ("[3. 1.]".into(), "[0. 2. 4.]".into()));
/// ```
#[track_caller]
pub fn histogram(x: &Array, bins: impl Into<Bins>) -> (Array, Array) {
    Histogram::new(bins).of(x)
}
/// The edges of the bins that samples are counted in. As `jax.numpy.histogram_bin_edges`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::histogram_bin_edges(&array![0., 1., 1.5, 4.], 2).to_string(), "[0. 2. 4.]");
/// ```
#[track_caller]
pub fn histogram_bin_edges(x: &Array, bins: impl Into<Bins>) -> Array {
    Histogram::new(bins).edges(x)
}
/// Counts of points in boxes, and the edges in both dimensions: see [`Histogram::of_points`]. As `jax.numpy.histogram2d`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (counts, _, _) = np::histogram2d(&array![0., 1., 1.], &array![0., 0., 1.], 2);
/// assert_eq!(counts.to_string(), "[[1 0]\n [1 1]]");
/// ```
///
/// # Panics
/// As [`Histogram::of_points`].
#[track_caller]
pub fn histogram2d(x: &Array, y: &Array, bins: impl Into<Bins>) -> (Array, Array, Array) {
    Histogram::new(bins).of_points(x, y)
}
/// Counts of samples, which are rows of coordinates, in boxes: see [`Histogram::of_rows`]. As `jax.numpy.histogramdd`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let (counts, edges) = np::histogramdd(&array![[0., 0.], [1., 0.], [1., 1.]], 2);
/// assert_eq!((counts.to_string(), edges.len()), ("[[1 0]\n [1 1]]".into(), 2));
/// ```
///
/// # Panics
/// As [`Histogram::of_rows`].
#[track_caller]
pub fn histogramdd(samples: &Array, bins: impl Into<Bins>) -> (Array, Vec<Array>) {
    Histogram::new(bins).of_rows(samples)
}
