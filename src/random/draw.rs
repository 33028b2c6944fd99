//! Distributions that are made of uniform and normal numbers and elementary functions, and what all distributions share.

use super::sample::{misfit, normal_any, parameter, unit_to};
use super::{Key, count, gammas, matrix};
use crate::array::{Array, Operand};
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, Loc, fail, fail_at};
use crate::np::{self, shape::ranked};
use crate::prim::{self, Takes, scalar_of, stop_gradient};

/// How near to its limits a sampler comes that transforms uniform numbers.
///
/// ```
/// use cotangent::random::{Draw, Mode, key};
/// let [low, highest] = [Mode::Low, Mode::Highest].map(|m| Draw::new().mode(m).gumbel(key(0), &[]));
/// assert_eq!((low.to_string(), highest.to_string()), ("2.9233725".into(), "-1.0818492".into()));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One uniform number each.
    #[default]
    Low,
    /// Two uniform numbers each, the second of which fills the bits that the first one lacks near 0.
    High,
    /// For `gumbel` of float32: 64 random bits as a floating-point number. Else as [`Mode::High`].
    Highest,
}

/// Which square root of the covariance matrix [`multivariate_normal`] takes: another one gives other numbers of the same distribution.
///
/// ```
/// use cotangent::{prelude::*, random::{Draw, Root, key}};
/// # #[cfg(feature = "linalg")] {
/// // a singular covariance matrix: both numbers are the same, for which Cholesky's factor has no use
/// let x = Draw::new().root(Root::Eigh).multivariate_normal(key(0), array![0., 0.], array![[1., 1.], [1., 1.]], &[]);
/// assert!((x.i(0) - x.i(1)).to_f64().abs() < 1e-5);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Root {
    /// Cholesky's factor; the matrix is positive definite.
    #[default]
    Cholesky,
    /// By the singular value decomposition; the matrix may be singular.
    Svd,
    /// By eigenvalues and eigenvectors; the matrix may be singular.
    Eigh,
}

/// The samplers with options, which are methods of it. Of the functions with the same names these are the defaults.
///
/// ```
/// use cotangent::{prelude::*, random::{Draw, Mode, key}};
/// assert_eq!(Draw::of(DType::Float64).exponential(key(0), &[3]).dtype(), DType::Float64);
/// assert_eq!(Draw::new().mode(Mode::High).gumbel(key(0), &[3]).dtype(), DType::Float32);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Draw {
    dtype: Option<DType>,
    mode: Mode,
    root: Root,
}
impl Draw {
    /// The defaults: elements as JAX has them without 64 bits, float32 or int32.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Draw, key}};
    /// assert_eq!(Draw::new().rademacher(key(0), &[4]).dtype(), DType::Int32);
    /// ```
    pub fn new() -> Draw {
        Draw::default()
    }
    /// Elements of this type.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Draw, key}};
    /// assert_eq!(Draw::of(DType::Float16).rademacher(key(0), &[4]).to_string(), "[-1. -1.  1.  1.]");
    /// ```
    pub fn of(dtype: DType) -> Draw {
        Draw { dtype: Some(dtype), ..Draw::default() }
    }
    /// How near to their limits `gumbel` and `bernoulli` come.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Draw, Mode, key}};
    /// let rare = Draw::new().mode(Mode::High).bernoulli(key(0), array(0.25f32), &[8]);
    /// assert_eq!(rare.to_string(), "[False False False False False  True False False]");
    /// ```
    pub fn mode(mut self, mode: Mode) -> Draw {
        self.mode = mode;
        self
    }
    /// Which square root `multivariate_normal` takes.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Draw, Root, key}};
    /// # #[cfg(feature = "linalg")] {
    /// let cov = array![[4., 0.], [0., 0.]]; // the second number is always the mean
    /// let x = Draw::new().root(Root::Svd).multivariate_normal(key(0), array![1., 7.], cov, &[]);
    /// assert_eq!(x.i(1).to_f64(), 7.0);
    /// # }
    /// ```
    pub fn root(mut self, root: Root) -> Draw {
        self.root = root;
        self
    }
    #[track_caller]
    pub(super) fn to<'a>(
        &self,
        name: &'static str,
        key: &Key,
        shape: &'a [usize],
        takes: Takes,
        default: DType,
    ) -> To<'a> {
        let dtype = self.dtype.unwrap_or(default);
        if let Err(why) = takes.check(dtype) {
            fail(ErrorKind::Type, format!("random::{name}: {why}"))
        }
        let at = std::panic::Location::caller();
        To { name, key: key.single(name).clone(), shape, dtype, mode: self.mode, root: self.root, at }
    }
}

/// What is to be drawn.
#[derive(Clone)]
pub(super) struct To<'a> {
    pub name: &'static str,
    pub key: Array,
    pub shape: &'a [usize],
    pub dtype: DType,
    pub mode: Mode,
    pub root: Root,
    /// The user's line, which closures do not know.
    pub at: Loc,
}
impl To<'_> {
    /// An error about shapes.
    pub fn wrong(&self, why: String) -> ! {
        fail_at(self.at, ErrorKind::Shape, format!("random::{}: {why}", self.name))
    }
    /// New keys.
    pub fn split<const N: usize>(&self) -> [To<'_>; N] {
        let keys = prim::random_split(&self.key, &[N]);
        std::array::from_fn(|i| self.with(prim::squeeze(&prim::slice_in_dim(&keys, i, i + 1, 1, 0), &[0])))
    }
    /// The same from another key.
    pub fn with(&self, key: Array) -> To<'_> {
        To { key, ..self.clone() }
    }
    /// A parameter in the type in which it is computed with: that of the elements, or, if they are integers, its own.
    pub fn parameter(&self, x: impl Operand) -> Array {
        let of = if self.dtype.is_inexact() { self.dtype } else { DType::Float32 };
        self.converted(x.beside(&scalar_of(of, false, 0.0)), of)
    }
    fn converted(&self, x: Array, of: DType) -> Array {
        let t = x.dtype();
        let of = if self.dtype.is_inexact() || x.weak_type() || !t.is_inexact() { of } else { t };
        // whoever has typed data does not want to lose digits in silence
        if !t.is_number()
            || t.is_complex() && !of.is_complex()
            || t.is_inexact() && !x.weak_type() && t.size() > of.size()
        {
            let how = if t.is_number() { "; ask for numbers of that type with random::Draw::of" } else { "" };
            fail_at(
                self.at,
                ErrorKind::Type,
                format!("random::{}: a parameter of type {} for numbers of type {of}{how}", self.name, x.aval()),
            )
        }
        parameter(x, of)
    }
    /// Parameters that broadcast to the shape, of its rank.
    pub fn fit<const N: usize>(&self, parameters: [Array; N]) -> [Array; N] {
        if let Some(why) = misfit(self.shape, &parameters.each_ref()) {
            self.wrong(why)
        }
        parameters.map(|p| ranked(&p, self.shape.len()))
    }
    /// The parameter repeated to the whole shape.
    pub fn whole(&self, x: &Array) -> Array {
        np::broadcast_to(x, self.shape)
    }
    /// Evenly distributed numbers.
    pub fn uniform(&self, low: f64, high: f64) -> Array {
        let limit = |x: f64| scalar_of(self.dtype, false, x);
        unit_to(&self.key, self.shape, self.dtype, &limit(low), &limit(high))
    }
    /// Numbers of [0, 1).
    pub fn unit(&self) -> Array {
        self.uniform(0.0, 1.0)
    }
    /// Normally distributed numbers.
    pub fn normal(&self) -> Array {
        normal_any(&self.key, self.shape, self.dtype)
    }
    /// The type's least positive normal number, and the distance from 1 to the next number.
    fn limits(&self) -> (f64, f64) {
        let info = self.dtype.float_info().expect("a floating-point type");
        (info.tiny, info.eps)
    }
    /// A shape that is longer by these extents.
    pub fn longer(&self, more: &[usize]) -> Shape {
        self.shape.iter().chain(more).copied().collect()
    }
    /// The same of another shape.
    pub fn shaped<'b>(&self, shape: &'b [usize]) -> To<'b> {
        To {
            name: self.name,
            key: self.key.clone(),
            shape,
            dtype: self.dtype,
            mode: self.mode,
            root: self.root,
            at: self.at,
        }
    }
}

/// What stands in an example before a function that needs factorizations.
macro_rules! linalg {
    (multivariate_normal) => {
        "# #[cfg(feature = \"linalg\")]\n"
    };
    ($other:ident) => {
        ""
    };
}
/// A line each: function, parameters, types of the elements and which is the default, for the documentation a type with arguments and what comes of them,
/// and the body, which gets parameters that have the elements' type.
macro_rules! draws { ($(
    $(#[$doc:meta])*
    $name:ident($($arg:ident),*) $takes:ident $default:ident [$of:ident: $given:literal => $gives:literal], $body:expr;
)*) => {
    $($(#[$doc])*
    ///
    /// Parameters are numbers, or arrays that broadcast to `shape`. [`Draw`] has the same for other types of elements.
    ///
    /// # Panics
    /// If parameters do not broadcast to the shape.
    #[track_caller]
    pub fn $name(key: Key, $($arg: impl Operand,)* shape: &[usize]) -> Array {
        Draw::new().$name(key, $($arg,)* shape)
    })*
    impl Draw { $(
        #[doc = concat!(
            "See [`", stringify!($name), "`](fn@", stringify!($name), ").\n\n```\nuse cotangent::{prelude::*, random::{Draw, key}};\n",
            linalg!($name), "assert_eq!(Draw::of(DType::", stringify!($of), ").", stringify!($name), "(", $given, ").to_string(), \"", $gives, "\");\n```"
        )]
        #[track_caller]
        pub fn $name(&self, key: Key, $($arg: impl Operand,)* shape: &[usize]) -> Array {
            let to = self.to(stringify!($name), &key, shape, Takes::$takes, DType::$default);
            // in sequence, so that an error names the first one
            $(let $arg = to.parameter($arg);)*
            drawn(&to, [$($arg),*], $body)
        })*
    }
} }
fn drawn<const N: usize>(to: &To, parameters: [Array; N], body: fn(&To, [Array; N]) -> Array) -> Array {
    body(to, parameters)
}
draws! {
    /// Numbers of the exponential distribution with mean 1: density e^-x for positive x. As `jax.random.exponential`.
    ///
    /// ```
    /// use cotangent::random::{exponential, key};
    /// assert_eq!(exponential(key(0), &[2]).to_string(), "[2.950128  3.8434246]");
    /// ```
    exponential() Float Float32 [Float64: "key(1), &[2]" => "[0.12573359 0.60469454]"], |to: &To, []| exponential_of(to);
    /// Numbers of the standard Gumbel distribution: cumulative distribution e^(-e^-x). As `jax.random.gumbel`; see [`Mode`].
    ///
    /// ```
    /// use cotangent::random::{gumbel, key};
    /// assert_eq!(gumbel(key(0), &[2]).to_string(), "[2.9233725 3.8326178]");
    /// ```
    gumbel() Float Float32 [Float64: "key(1), &[2]" => "[-0.75884044  0.23548233]"], |to: &To, []| gumbel_of(to);
    /// Numbers of the standard Laplace distribution: density e^-|x| / 2. As `jax.random.laplace`.
    ///
    /// ```
    /// use cotangent::random::{key, laplace};
    /// assert_eq!(laplace(key(0), &[2]).to_string(), "[-2.2569816 -3.1502788]");
    /// ```
    laplace() Float Float32 [Float64: "key(1), &[2]" => "[1.44265101 0.09704244]"], |to: &To, []| {
        let u = to.uniform(to.limits().1 / 2.0 - 1.0, 1.0);
        prim::mul(&prim::sign(&u), &prim::log1p(&prim::neg(&prim::abs(&u))))
    };
    /// Numbers of the standard logistic distribution: cumulative distribution 1 / (1 + e^-x). As `jax.random.logistic`.
    ///
    /// ```
    /// use cotangent::random::{key, logistic};
    /// assert_eq!(logistic(key(0), &[2]).to_string(), "[2.896376  3.8217716]");
    /// ```
    logistic() Float Float32 [Float64: "key(1), &[2]" => "[-2.0100646  -0.18549508]"], |to: &To, []| {
        let u = to.uniform(to.limits().0, 1.0);
        prim::sub(&prim::log(&u), &prim::log1p(&prim::neg(&u)))
    };
    /// Numbers of the standard Cauchy distribution: density 1 / (pi (1 + x^2)). As `jax.random.cauchy`.
    ///
    /// ```
    /// use cotangent::random::{cauchy, key};
    /// assert_eq!(cauchy(key(0), &[2]).to_string(), "[ 6.0274944 14.837895 ]");
    /// ```
    cauchy() Float Float32 [Float64: "key(1), &[2]" => "[-2.56923286 -0.14630181]"],
        |to: &To, []| prim::tan(&((to.uniform(to.limits().1, 1.0) - 0.5) * std::f64::consts::PI));
    /// Numbers of the standard Maxwell distribution, that of the length of a vector of three standard normal numbers. As `jax.random.maxwell`.
    ///
    /// ```
    /// use cotangent::random::{key, maxwell};
    /// assert_eq!(maxwell(key(0), &[2]).to_string(), "[2.6310966 0.9910329]");
    /// ```
    maxwell() Float Float32 [Float64: "key(1), &[2]" => "[1.20243382 1.44480498]"], |to: &To, []| maxwell_of(to);
    /// -1 or 1, each with probability 1/2, as int32; [`Draw`] has them of any type of numbers. As `jax.random.rademacher`.
    ///
    /// ```
    /// use cotangent::random::{key, rademacher};
    /// assert_eq!(rademacher(key(0), &[4]).to_string(), "[-1 -1  1  1]");
    /// ```
    rademacher() Number Int32 [Int8: "key(1), &[4]" => "[ 1 -1  1  1]"], |to: &To, []| rademacher_of(to);
    /// Numbers of the Pareto distribution: density b / x^(b + 1) for x above 1. As `jax.random.pareto`.
    ///
    /// ```
    /// use cotangent::random::{key, pareto};
    /// assert_eq!(pareto(key(0), 2.0, &[2]).to_string(), "[4.371316 6.832648]");
    /// ```
    pareto(b) Float Float32 [Float64: "key(1), 3.0, &[2]" => "[1.04280187 1.22331556]"], |to: &To, p| {
        let [b] = to.fit(p);
        prim::exp(&(exponential_of(to) / b))
    };
    /// Numbers of the Rayleigh distribution: density x e^(-x^2 / (2 scale^2)) / scale^2 for positive x. As `jax.random.rayleigh`.
    ///
    /// ```
    /// use cotangent::random::{key, rayleigh};
    /// assert_eq!(rayleigh(key(0), 2.0, &[2]).to_string(), "[0.65575665 0.41620055]");
    /// ```
    rayleigh(scale) Float Float32 [Float64: "key(1), 0.5, &[2]" => "[1.03339203 0.62856568]"], |to: &To, p| {
        let [scale] = to.fit(p);
        to.whole(&scale) * prim::sqrt(&(prim::log(&to.unit()) * -2.0))
    };
    /// Numbers whose logarithm is normally distributed with mean 0 and standard deviation `sigma`. As `jax.random.lognormal`.
    ///
    /// ```
    /// use cotangent::random::{key, lognormal};
    /// assert_eq!(lognormal(key(0), 0.5, &[2]).to_string(), "[2.2508795 2.752838 ]");
    /// ```
    lognormal(sigma) Inexact Float32 [Float64: "key(1), 1.0, &[2]" => "[0.30596504 0.89032349]"], |to: &To, p| {
        let [sigma] = to.fit(p);
        prim::exp(&(to.normal() * sigma))
    };
    /// Numbers of the Weibull distribution: density concentration/scale (x/scale)^(concentration-1) e^(-(x/scale)^concentration)
    /// for positive x. As `jax.random.weibull_min`, whose shape here includes that of the parameters.
    ///
    /// ```
    /// use cotangent::random::{key, weibull_min};
    /// assert_eq!(weibull_min(key(0), 1.0, 2.0, &[2]).to_string(), "[1.7175937 1.9604654]");
    /// ```
    weibull_min(scale, concentration) Float Float32 [Float64: "key(1), 2.0, 3.0, &[2]" => "[1.00195241 1.69125338]"], |to: &To, p| {
        let [scale, concentration] = to.fit(p);
        prim::pow(&exponential_of(to), &to.whole(&(1.0 / concentration))) * scale
    };
    /// Numbers of the Wald distribution, the inverse Gaussian one with scale 1: density (2 pi x^3)^(-1/2) e^(-(x - mean)^2 / (2 mean^2 x)) for
    /// positive x. As `jax.random.wald`.
    ///
    /// ```
    /// use cotangent::random::{key, wald};
    /// assert_eq!(wald(key(0), 3.0, &[2]).to_string(), "[0.6228571 0.7095866]");
    /// ```
    wald(mean) Float Float32 [Float64: "key(1), 1.0, &[2]" => "[2.84094851 0.71862426]"], |to: &To, p| {
        let [mean] = to.fit(p).map(|m| to.whole(&m));
        let [v, z] = to.split();
        let (y, z) = (v.normal().powi(2), z.unit());
        let squared = mean.powi(2);
        let root = prim::sqrt(&(&mean * 4.0 * &y + &squared * y.powi(2)));
        let x = &mean + &squared * &y / 2.0 - &mean / 2.0 * root;
        let first = prim::le(&z, &(&mean / (&mean + &x)));
        prim::select_n(&first, &[&(&squared / &x), &x])
    };
    /// Numbers of the triangular distribution, whose density rises from 0 at `left` to `mode` and falls to 0 at `right`. As `jax.random.triangular`.
    ///
    /// ```
    /// use cotangent::random::{key, triangular};
    /// assert_eq!(triangular(key(0), -1.0, 0.0, 3.0, &[2]).to_string(), "[2.2075381 2.4930074]");
    /// ```
    triangular(left, mode, right) Float Float32 [Float64: "key(1), 0.0, 1.0, 2.0, &[2]" => "[0.48610749 0.95263712]"], |to: &To, p| {
        let [left, mode, right] = to.fit(p).map(|x| to.whole(&x));
        let (width, u) = (&right - &left, to.unit());
        let rising = &left + prim::sqrt(&(&u * &width * (&mode - &left)));
        let falling = &right - prim::sqrt(&((1.0 - &u) * &width * (&right - &mode)));
        prim::select_n(&prim::lt(&u, &((&mode - &left) / &width)), &[&falling, &rising])
    };
    /// Numbers of the standard normal distribution cut off below `lower` and above `upper`. As `jax.random.truncated_normal`.
    ///
    /// ```
    /// use cotangent::random::{key, truncated_normal};
    /// assert_eq!(truncated_normal(key(0), 0.0, 0.5, &[2]).to_string(), "[0.47173676 0.48838478]");
    /// ```
    truncated_normal(lower, upper) Float Float32 [Float64: "key(1), -1.0, 1.0, &[2]" => "[-0.70850715 -0.07921305]"], |to: &To, p| {
        let [lower, upper] = to.fit(p);
        let root = scalar_of(to.dtype, false, std::f64::consts::SQRT_2);
        let at = |x: &Array| prim::erf(&prim::div(x, &root));
        let u = unit_to(&to.key, to.shape, to.dtype, &at(&lower), &at(&upper));
        let y = prim::mul(&root, &prim::erf_inv(&u));
        // strictly within the limits, whatever was rounded
        let inside = |x: &Array, to: f64| prim::nextafter(&stop_gradient(x), &prim::lit(x, to));
        prim::min(&prim::max(&y, &inside(&lower, f64::INFINITY)), &inside(&upper, f64::NEG_INFINITY))
    };
    /// How many trials it takes until the first success, each of which succeeds with probability `p`: 1, 2, .., as int32. As `jax.random.geometric`.
    ///
    /// ```
    /// use cotangent::random::{geometric, key};
    /// assert_eq!(geometric(key(0), 0.25, &[6]).to_string(), "[1 1 4 3 2 7]");
    /// ```
    geometric(p) Int Int32 [Int16: "key(1), 0.5, &[4]" => "[2 1 2 2]"], |to: &To, p| {
        let [p] = to.fit(p);
        let u = To { dtype: p.dtype(), ..to.clone() }.unit();
        let u = np::where_(&prim::eq(&u, &prim::lit(&u, 0.0)), 1.0, &u);
        let turns = prim::floor(&prim::div(&prim::log(&u), &to.whole(&prim::log1p(&prim::neg(&p))))) + 1.0;
        prim::convert_element_type(&turns, to.dtype, false)
    };
    /// Numbers of the gamma distribution with scale 1: density x^(a-1) e^-x / Gamma(a) for positive x. Differentiable in `a` (each number as a
    /// function of `a` at its own quantile; see [`random_gamma_grad`](crate::lax::random_gamma_grad)). As `jax.random.gamma`.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{gamma, key}};
    /// let x = gamma(key(0), array![0.5, 3., 100.], &[3]);
    /// assert_eq!(x.shape(), [3]);
    /// ```
    gamma(a) Float Float32 [Float64: "key(1), 3.0, &[2]" => "[3.82311077 2.28574754]"], |to: &To, p| gammas::draw(to, to.fit(p), false);
    /// The logarithms of numbers of the gamma distribution, which do not underflow where `a` is small. As `jax.random.loggamma`.
    ///
    /// ```
    /// use cotangent::random::{key, loggamma};
    /// assert_eq!(loggamma(key(0), 1e-3, &[2]).to_string(), "[-110.61791  -95.54807]");
    /// ```
    loggamma(a) Float Float32 [Float64: "key(1), 0.5, &[2]" => "[-0.00741753 -0.11383469]"], |to: &To, p| gammas::draw(to, to.fit(p), true);
    /// Numbers of the beta distribution: density proportional to x^(a-1) (1-x)^(b-1) between 0 and 1. As `jax.random.beta`.
    ///
    /// ```
    /// use cotangent::random::{beta, key};
    /// assert_eq!(beta(key(0), 2.0, 3.0, &[2]).to_string(), "[0.23627362 0.49045965]");
    /// ```
    beta(a, b) Float Float32 [Float64: "key(1), 0.5, 0.5, &[2]" => "[0.78200817 0.8716552 ]"], |to: &To, p| gammas::beta(to, to.fit(p));
    /// Numbers of Student's t distribution with `df` degrees of freedom. As `jax.random.t`.
    ///
    /// ```
    /// use cotangent::random::{key, t};
    /// assert_eq!(t(key(0), 5.0, &[2]).to_string(), "[ 0.7589499 -2.055917 ]");
    /// ```
    t(df) Float Float32 [Float64: "key(1), 3.0, &[2]" => "[1.07827583 0.37454385]"], |to: &To, p| gammas::t(to, to.fit(p));
    /// Numbers of the chi-square distribution with `df` degrees of freedom. As `jax.random.chisquare`.
    ///
    /// ```
    /// use cotangent::random::{chisquare, key};
    /// assert_eq!(chisquare(key(0), 4.0, &[2]).to_string(), "[3.1795757 3.5198827]");
    /// ```
    chisquare(df) Float Float32 [Float64: "key(1), 2.0, &[2]" => "[2.63661604 0.9714743 ]"], |to: &To, p| gammas::chisquare(to, to.fit(p));
    /// Numbers of the F distribution with `dfnum` degrees of freedom in the numerator and `dfden` in the denominator. As `jax.random.f`.
    ///
    /// ```
    /// use cotangent::random::{f, key};
    /// assert_eq!(f(key(0), 4.0, 8.0, &[2]).to_string(), "[2.2376485  0.26919943]");
    /// ```
    f(dfnum, dfden) Float Float32 [Float64: "key(1), 3.0, 5.0, &[2]" => "[0.68688002 1.13435148]"], |to: &To, p| gammas::f(to, to.fit(p));
    /// Numbers of the generalized normal distribution: density proportional to e^(-|x|^p). As `jax.random.generalized_normal`.
    ///
    /// ```
    /// use cotangent::random::{generalized_normal, key};
    /// assert_eq!(generalized_normal(key(0), 3.0, &[2]).to_string(), "[0.89282674 0.09650236]");
    /// ```
    generalized_normal(p) Float Float32 [Float64: "key(1), 1.0, &[2]" => "[-1.67217371 -0.43895986]"],
        |to: &To, p| gammas::generalized_normal(to, to.fit(p));
    /// Numbers of the Poisson distribution with mean `lam`, as int32; [`Draw`] has other integers. Rates are float32. As `jax.random.poisson`.
    ///
    /// ```
    /// use cotangent::random::{key, poisson};
    /// assert_eq!(poisson(key(0), 4., &[3]).shape(), [3]);
    /// ```
    poisson(lam) Int Int32 [Int64: "key(1), 100.0, &[3]" => "[ 97 101  91]"], |to: &To, p| count::poisson(to, to.fit(p));
    /// How many of `n` trials succeed, each with probability `p`, as float32. `n` may be an array; it is rounded down. NaN where it is negative or
    /// NaN, and where `p` is. As `jax.random.binomial`.
    ///
    /// ```
    /// use cotangent::random::{binomial, key};
    /// assert_eq!(binomial(key(0), 10, 0.5, &[4]).to_string(), "[6. 7. 5. 6.]");
    /// ```
    binomial(n, p) Float Float32 [Float64: "key(1), 100, 0.25, &[3]" => "[22. 24. 28.]"], |to: &To, p| count::binomial(to, to.fit(p));
    /// Points of the balls of Dirichlet's distribution: vectors of positive numbers of sum 1. `alpha` has the parameters in its last dimension, which the result has behind
    /// `shape`; its other dimensions broadcast to `shape`. As `jax.random.dirichlet`.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{dirichlet, key}};
    /// assert_eq!(dirichlet(key(0), array![1., 2., 3.], &[4]).shape(), [4, 3]);
    /// ```
    dirichlet(alpha) Float Float32 [Float64: "key(1), array(vec![1f64, 2.0]), &[]" => "[0.49046478 0.50953522]"],
        |to: &To, [alpha]: [Array; 1]| gammas::dirichlet(to, &alpha);
    /// Numbers of Maxwell's distribution with a random sign, times `scale` plus `loc`. The result has the dimensions of the parameters (together) behind
    /// `shape`; an empty shape stands for theirs. As `jax.random.double_sided_maxwell`.
    ///
    /// ```
    /// use cotangent::random::{double_sided_maxwell, key};
    /// assert_eq!(double_sided_maxwell(key(0), 1.0, 2.0, &[2]).to_string(), "[4.091442  4.1482553]");
    /// ```
    double_sided_maxwell(loc, scale) Float Float32 [Float64: "key(1), 0.0, 1.0, &[2]" => "[-1.45479711 -2.16021816]"],
        |to: &To, [loc, scale]: [Array; 2]| {
        let Some(own) = crate::array::broadcast_shapes(&[loc.shape(), scale.shape()]) else {
            let text = format!("shapes {} and {} do not broadcast", tuple(loc.shape()), tuple(scale.shape()));
            to.wrong(text)
        };
        let front = if to.shape.is_empty() { to.shaped(&own).longer(&own) } else { to.longer(&own) };
        let to = to.shaped(&front);
        let [length, side] = to.split();
        rademacher_of(&side) * maxwell_of(&length) * scale + loc
    };
    /// How often each of several outcomes happens in `n` trials, as float32. `p` has the probabilities in its last dimension, which is the last of `shape`; `n` broadcasts to
    /// the others. As `jax.random.multinomial`.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{key, multinomial}};
    /// let counts = multinomial(key(0), 10, array![0.2, 0.3, 0.5], &[3]);
    /// assert_eq!(counts.sum().to_f64(), 10.0);
    /// ```
    multinomial(n, p) Number Float32 [Float64: "key(1), 10, array(vec![0.5f64, 0.5]), &[2]" => "[6. 4.]"],
        |to: &To, [n, p]: [Array; 2]| count::multinomial(to, &n, &p);
    /// Vectors of the normal distribution with these means and covariance matrices. `mean` has the vector in its last dimension and `cov` the matrix in its last two; all
    /// others broadcast to `shape`, behind which the result has the vector. As `jax.random.multivariate_normal`; see [`Root`].
    ///
    /// ```
    /// # #[cfg(feature = "linalg")] {
    /// use cotangent::{prelude::*, random::{key, multivariate_normal}};
    /// let x = multivariate_normal(key(0), array![1., 2.], array![[2., 1.], [1., 2.]], &[5]);
    /// assert_eq!(x.shape(), [5, 2]);
    /// # }
    /// ```
    multivariate_normal(mean, cov) Float Float32 [Float64: "key(1), array(vec![1f64, 2.0]), array![[1f64, 0.0], [0.0, 4.0]], &[]" => "[-0.18428442  1.76765918]"],
        |to: &To, [mean, cov]: [Array; 2]| matrix::multivariate_normal(to, &mean, &cov);
}

/// Points in the ball of radius 1 in `d` dimensions, evenly distributed, in the norm of order `p`: the result has the point behind `shape`. As `jax.random.ball`, where
/// `p` is 2 by default.
///
/// ```
/// use cotangent::random::{ball, key};
/// let x = ball(key(0), 3, 2.0, &[]);
/// assert!((&x * &x).sum().to_f64() <= 1.0);
/// ```
#[track_caller]
pub fn ball(key: Key, d: usize, p: impl Operand, shape: &[usize]) -> Array {
    Draw::new().ball(key, d, p, shape)
}
/// Random orthogonal matrices, evenly distributed (by Haar's measure), of `n` rows and `m` columns: where the numbers differ, the rows or columns that are fewer are orthonormal. The result has the
/// matrix behind `shape`. As `jax.random.orthogonal`, where `m` is `n` by default.
///
/// ```
/// # #[cfg(feature = "linalg")] {
/// use cotangent::random::{key, orthogonal};
/// let q = orthogonal(key(0), 2, 2, &[]);
/// assert!((q.matmul(&q.t()).trace().to_f64() - 2.0).abs() < 1e-5);
/// # }
/// ```
#[track_caller]
pub fn orthogonal(key: Key, n: usize, m: usize, shape: &[usize]) -> Array {
    Draw::new().orthogonal(key, n, m, shape)
}
impl Draw {
    /// See [`uniform`](super::uniform): numbers of [0, 1).
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Draw, key}};
    /// assert_eq!(Draw::of(DType::Float64).uniform(key(0), &[2]).dtype(), DType::Float64);
    /// ```
    #[track_caller]
    pub fn uniform(&self, key: Key, shape: &[usize]) -> Array {
        super::uniform_in(key, shape, self.dtype.unwrap_or(DType::Float32), 0.0, 1.0)
    }
    /// See [`normal`](super::normal).
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Draw, key, normal_dtype}};
    /// let x = Draw::of(DType::Float64).normal(key(0), &[2]);
    /// assert_eq!(x.to_vec::<f64>(), normal_dtype(key(0), &[2], DType::Float64).to_vec::<f64>());
    /// ```
    #[track_caller]
    pub fn normal(&self, key: Key, shape: &[usize]) -> Array {
        super::normal_dtype(key, shape, self.dtype.unwrap_or(DType::Float32))
    }
    /// See [`ball`].
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Draw, key}};
    /// let x = Draw::of(DType::Float64).ball(key(0), 2, 1.0, &[3]);
    /// assert_eq!((x.dtype(), x.shape()), (DType::Float64, &[3, 2][..]));
    /// assert!(cotangent::np::Reduce::new().axis(-1).sum(&x.abs()).max().to_f64() <= 1.0);
    /// ```
    #[track_caller]
    pub fn ball(&self, key: Key, d: usize, p: impl Operand, shape: &[usize]) -> Array {
        let to = self.to("ball", &key, shape, Takes::Float, DType::Float32);
        let p = to.parameter(p);
        gammas::ball(&to, d, &p)
    }
    /// See [`orthogonal`].
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Draw, key}};
    /// # #[cfg(feature = "linalg")] {
    /// let q = Draw::of(DType::Float64).orthogonal(key(0), 3, 2, &[]);
    /// assert!((q.t().matmul(&q) - array![[1., 0.], [0., 1.]]).abs().max().to_f64() < 1e-12);
    /// # }
    /// ```
    #[track_caller]
    pub fn orthogonal(&self, key: Key, n: usize, m: usize, shape: &[usize]) -> Array {
        matrix::orthogonal(&self.to("orthogonal", &key, shape, Takes::Inexact, DType::Float32), n, m)
    }
    /// See [`bernoulli`](fn@super::bernoulli): of the type of `p`, and with [`Mode::High`] right for probabilities that uniform numbers cannot tell from 0.
    ///
    /// ```
    /// use cotangent::{prelude::*, random::{Draw, Mode, key}};
    /// assert_eq!(Draw::new().bernoulli(key(0), array(0.5f32), &[4]).to_string(), "[False False  True  True]");
    /// // uniform numbers of float32 are multiples of 2^-23
    /// let p = array(1e-9f32);
    /// let fine = Draw::new().mode(Mode::High).bernoulli(key(0), &p, &[1000]);
    /// assert_eq!(fine.to_vec::<bool>().iter().filter(|x| **x).count(), 0);
    /// ```
    #[track_caller]
    pub fn bernoulli(&self, key: Key, p: impl crate::ArrayLike, shape: &[usize]) -> Array {
        if self.mode == Mode::Low {
            return super::bernoulli(key, p, shape);
        }
        let p = p.into_array();
        let to = Draw { dtype: Some(p.dtype()), ..*self }.to("bernoulli", &key, shape, Takes::Float, p.dtype());
        let [p] = to.fit([parameter(&p, p.dtype())]);
        let [u, v] = two_units(&to);
        let digits = to.dtype.float_info().expect("a floating-point type").mantissa_bits;
        prim::lt(&(v * 2f64.powi(-(digits as i32))), &(p - u))
    }
}

/// Two uniform numbers for each element, from one stream.
fn two_units(to: &To) -> [Array; 2] {
    let both: Shape = [2].into_iter().chain(to.shape.iter().copied()).collect();
    let u = to.shaped(&both).unit();
    [0, 1].map(|i| prim::squeeze(&prim::slice_in_dim(&u, i, i + 1, 1, 0), &[0]))
}
pub(super) fn exponential_of(to: &To) -> Array {
    prim::neg(&prim::log1p(&prim::neg(&to.unit())))
}
pub(super) fn gumbel_of(to: &To) -> Array {
    let log_of_log = |x: &Array| prim::neg(&prim::log(&prim::neg(x)));
    let (tiny, eps) = to.limits();
    match to.mode {
        Mode::Low => log_of_log(&prim::log(&to.uniform(tiny, 1.0))),
        Mode::Highest if to.dtype == DType::Float32 => gumbel_of_bits(to),
        _ => {
            let [high, low] = two_units(to);
            let finer = &high + low * eps + tiny;
            let x = prim::select_n(&prim::ge(&high, &prim::lit(&high, 0.5)), &[&finer, &high]);
            log_of_log(&prim::log1p(&prim::neg(&x)))
        }
    }
}
/// From 64 random bits each: the number of [0, 1/2) that they or their complement are, and from which side it is meant.
fn gumbel_of_bits(to: &To) -> Array {
    let both: Shape = [2].into_iter().chain(to.shape.iter().copied()).collect();
    let bits = prim::random_bits(&to.key, 32, &both);
    let half = |i: usize| prim::squeeze(&prim::slice_in_dim(&bits, i, i + 1, 1, 0), &[0]);
    let wide = |x: &Array| prim::convert_element_type(x, DType::Uint64, false);
    let (high, low) = (wide(&half(0)), wide(&half(1)));
    let word = prim::or(&prim::shift_left(&high, &prim::lit(&high, 32.0)), &low);
    let below = prim::lt(&half(0), &scalar_of(DType::Uint32, false, 2f64.powi(31)));
    // the number of 64 bits below 1 whose leading bits these are; those behind the mantissa are cut off
    let x = prim::select_n(&below, &[&prim::neg(&word), &word]);
    let zeros = prim::clz(&x);
    let led = prim::shift_left(&x, &zeros);
    let mantissa =
        prim::convert_element_type(&prim::shift_right_logical(&led, &prim::lit(&led, 40.0)), DType::Uint32, false);
    let mantissa = prim::and(&mantissa, &scalar_of(DType::Uint32, false, (1 << 23) as f64 - 1.0));
    let exponent = prim::sub(&prim::lit(&mantissa, 126.0), &prim::convert_element_type(&zeros, DType::Uint32, false));
    let bits = prim::or(&prim::shift_left(&exponent, &prim::lit(&exponent, 23.0)), &mantissa);
    let x = prim::bitcast_convert_type(&bits, DType::Float32);
    let log = prim::select_n(&below, &[&prim::log(&x), &prim::log1p(&prim::neg(&x))]);
    prim::neg(&prim::log(&prim::neg(&log)))
}
fn maxwell_of(to: &To) -> Array {
    let longer = to.longer(&[3]);
    let n = to.shaped(&longer).normal();
    prim::sqrt(&prim::reduce_sum(&prim::mul(&n, &n), &[to.shape.len()]))
}
pub(super) fn rademacher_of(to: &To) -> Array {
    // with the uniform numbers that JAX has where there are elements of 64 bits
    let wide = to.dtype.real_part().bits() == 64;
    let uniform = To { dtype: if wide { DType::Float64 } else { DType::Float32 }, ..to.clone() };
    let up = prim::lt(&uniform.unit(), &scalar_of(uniform.dtype, false, 0.5));
    let up = prim::convert_element_type(&up, to.dtype, false);
    let two = prim::lit(&up, 2.0);
    prim::sub(&prim::mul(&two, &up), &prim::lit(&up, 1.0))
}
