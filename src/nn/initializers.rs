//! The first parameters of a network, drawn or constant. The functions of `jax.nn.initializers`, which give the same numbers for the same keys.
//!
//! ```
//! use cotangent::{nn::initializers::*, prelude::*, random};
//! let w = glorot_uniform().init(random::key(0), &[3, 4]);
//! let b = zeros().dtype(DType::Float64).init(random::key(1), &[4]);
//! assert_eq!((w.shape(), b.dtype()), (&[3, 4][..], DType::Float64));
//! ```

use crate::array::Array;
use crate::aval::{Aval, tuple};
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::prim::{self, scalar_of};
use crate::random::{self, Draw, Key};

/// A way to draw parameters: see the functions of this module, which make them.
///
/// ```
/// use cotangent::{nn::initializers::{self, Initializer}, prelude::*, random::key};
/// // of any kind: a layer does not ask which
/// fn layer(weights: &Initializer) -> Array { weights.init(key(0), &[2, 3]) }
/// assert_eq!(layer(&initializers::ones()).sum().to_f64(), 6.0);
/// assert_eq!(layer(&initializers::glorot_normal()).shape(), [2, 3]);
/// ```
#[derive(Clone, Debug)]
pub struct Initializer {
    name: &'static str,
    kind: Kind,
    dtype: DType,
    inputs: Vec<i32>,
    outputs: Vec<i32>,
    batches: Vec<i32>,
}
#[derive(Clone, Debug)]
enum Kind {
    Constant(f64),
    Uniform(f64),
    Normal(f64),
    Truncated { stddev: f64, lower: f64, upper: f64 },
    Scaled { scale: f64, fan: Fan, distribution: Distribution },
    Orthogonal { scale: f64, column: i32, delta: bool },
}
/// What the variance is inversely proportional to: see [`variance_scaling`].
///
/// ```
/// use cotangent::{nn::initializers::{Distribution, Fan, variance_scaling}, prelude::*, random::key};
/// let size = |fan: Fan| variance_scaling(1.0, fan, Distribution::Uniform).init(key(0), &[9, 4]).std().to_f64();
/// // what the variance is divided by, for 9 inputs and 4 outputs
/// let n = |fan: Fan| ((size(Fan::Out) / size(fan)).powi(2) * 8.0).round() / 2.0;
/// assert_eq!([Fan::In, Fan::Out, Fan::Average, Fan::GeometricAverage].map(n), [9.0, 4.0, 6.5, 6.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// The number of inputs.
    In,
    /// The number of outputs.
    Out,
    /// The mean of both.
    Average,
    /// The geometric mean of both.
    GeometricAverage,
}
/// A distribution of mean 0: see [`variance_scaling`].
///
/// ```
/// use cotangent::{nn::initializers::{Distribution, Fan, variance_scaling}, prelude::*, random::key};
/// let most = |how: Distribution| variance_scaling(1.0, Fan::Out, how).init(key(0), &[1000, 1]).abs().max().to_f64();
/// // of variance 1: up to the root of 3, up to 2 and a stretch, without a bound
/// assert!(most(Distribution::Uniform) < 1.7321);
/// assert!(most(Distribution::TruncatedNormal) < 2.28 && most(Distribution::Normal) > 2.5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Normal between two standard deviations, stretched to the wanted variance.
    TruncatedNormal,
    /// Normal.
    Normal,
    /// Uniform.
    Uniform,
}

fn made(name: &'static str, kind: Kind) -> Initializer {
    Initializer { name, kind, dtype: DType::Float32, inputs: vec![-2], outputs: vec![-1], batches: vec![] }
}
/// All elements are 0. As `jax.nn.initializers.zeros`.
///
/// ```
/// use cotangent::{nn::initializers, prelude::*, random::key};
/// assert_eq!(initializers::zeros().init(key(0), &[3, 4]).to_vec::<f32>(), [0.0; 12]);
/// ```
pub fn zeros() -> Initializer {
    constant(0.0)
}
/// All elements are 1. As `jax.nn.initializers.ones`.
///
/// ```
/// use cotangent::{nn::initializers, prelude::*, random::key};
/// assert_eq!(initializers::ones().init(key(0), &[3, 4]).to_vec::<f32>(), [1.0; 12]);
/// ```
pub fn ones() -> Initializer {
    constant(1.0)
}
/// All elements are `value`. As `jax.nn.initializers.constant`.
///
/// ```
/// use cotangent::{nn::initializers, prelude::*, random::key};
/// assert_eq!(initializers::constant(2.5).init(key(0), &[3, 4]).to_vec::<f32>(), [2.5; 12]);
/// ```
pub fn constant(value: f64) -> Initializer {
    made("constant", Kind::Constant(value))
}
/// Uniform in [0, `scale`). JAX's scale is 0.01 by default. As `jax.nn.initializers.uniform`.
///
/// ```
/// use cotangent::{nn::initializers, prelude::*, random::key};
/// assert_eq!(initializers::uniform(0.01).init(key(0), &[3, 4]).shape(), [3, 4]);
/// ```
pub fn uniform(scale: f64) -> Initializer {
    made("uniform", Kind::Uniform(scale))
}
/// Normal with this standard deviation. JAX's is 0.01 by default. As `jax.nn.initializers.normal`.
///
/// ```
/// use cotangent::{nn::initializers, prelude::*, random::key};
/// assert_eq!(initializers::normal(0.01).init(key(0), &[3, 4]).shape(), [3, 4]);
/// ```
pub fn normal(stddev: f64) -> Initializer {
    made("normal", Kind::Normal(stddev))
}
/// `stddev` times numbers of the standard normal distribution between `lower` and `upper`. JAX has 0.01, -2 and 2 by default. As `jax.nn.initializers.truncated_normal`.
///
/// ```
/// use cotangent::{nn::initializers, prelude::*, random::key};
/// assert_eq!(initializers::truncated_normal(0.01, -2.0, 2.0).init(key(0), &[3, 4]).shape(), [3, 4]);
/// ```
pub fn truncated_normal(stddev: f64, lower: f64, upper: f64) -> Initializer {
    made("truncated_normal", Kind::Truncated { stddev, lower, upper })
}
/// Numbers with the variance `scale` / n, where n is the number of inputs of an output, or of outputs of an input. Inputs lie along the last axis but one, outputs along the
/// last, unless [`Initializer::in_axis`] and its like say otherwise; the other axes are the window of a convolution. As `jax.nn.initializers.variance_scaling`.
///
/// ```
/// use cotangent::{nn::initializers::{Distribution, Fan, variance_scaling}, prelude::*, random::key};
/// let draw = variance_scaling(2.0, Fan::In, Distribution::Normal);
/// assert_eq!(draw.init(key(0), &[3, 4]).shape(), [3, 4]);
/// ```
pub fn variance_scaling(scale: f64, fan: Fan, distribution: Distribution) -> Initializer {
    made("variance_scaling", Kind::Scaled { scale, fan, distribution })
}
macro_rules! scaled { ($($(#[$doc:meta])* $name:ident $also:ident? $scale:literal $fan:ident $distribution:ident, of 300 by 100 $variance:literal;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("\n```\nuse cotangent::{nn::initializers, prelude::*, random::key};\nlet w = initializers::", stringify!($name), "().init(key(0), &[300, 100]);\nassert!((w.var().to_f64() / (", $variance, ") - 1.0).abs() < 0.05);\n```")]
    pub fn $name() -> Initializer {
        made(stringify!($name), Kind::Scaled { scale: $scale, fan: Fan::$fan, distribution: Distribution::$distribution })
    }
    scaled!(@$also $name);
)* };
(@none $name:ident) => {};
(@$also:ident $name:ident) => {
    #[doc = concat!("[`", stringify!($name), "`] by its other name.")]
    #[doc = concat!("\n```\nuse cotangent::{nn::initializers, prelude::*, random::key};\nlet [w, v] = [initializers::", stringify!($also), "(), initializers::", stringify!($name), "()].map(|i| i.init(key(0), &[3, 4]));\nassert_eq!(w.to_vec::<f32>(), v.to_vec::<f32>());\n```")]
    pub fn $also() -> Initializer { $name() }
} }
scaled! {
    /// Uniform, with the variance 2 / (inputs + outputs) (Glorot and Bengio, 2010).
    glorot_uniform xavier_uniform? 1.0 Average Uniform, of 300 by 100 "2.0 / 400.0";
    /// Truncated normal, with the variance 2 / (inputs + outputs) (Glorot and Bengio, 2010).
    glorot_normal xavier_normal? 1.0 Average TruncatedNormal, of 300 by 100 "2.0 / 400.0";
    /// Uniform, with the variance 1 / inputs (LeCun et al., 1998).
    lecun_uniform none? 1.0 In Uniform, of 300 by 100 "1.0 / 300.0";
    /// Truncated normal, with the variance 1 / inputs (LeCun et al., 1998).
    lecun_normal none? 1.0 In TruncatedNormal, of 300 by 100 "1.0 / 300.0";
    /// Uniform, with the variance 2 / inputs (He et al., 2015).
    he_uniform kaiming_uniform? 2.0 In Uniform, of 300 by 100 "2.0 / 300.0";
    /// Truncated normal, with the variance 2 / inputs (He et al., 2015).
    he_normal kaiming_normal? 2.0 In TruncatedNormal, of 300 by 100 "2.0 / 300.0";
}
/// `scale` times a matrix with orthonormal rows or columns, whichever are fewer. The columns lie along axis `column_axis`; all other axes together are the
/// rows. (JAX has 1 and -1 by default.) Needs the feature `linalg`. As `jax.nn.initializers.orthogonal`.
///
/// ```
/// use cotangent::{nn::initializers, prelude::*, random::key};
/// assert_eq!(initializers::orthogonal(1.0, -1).init(key(0), &[3, 4]).shape(), [3, 4]);
/// ```
pub fn orthogonal(scale: f64, column_axis: i32) -> Initializer {
    made("orthogonal", Kind::Orthogonal { scale, column: column_axis, delta: false })
}
/// A filter of a convolution over one to three dimensions that is an [`orthogonal`] matrix in the middle of its window and 0 elsewhere (Xiao et al., 2018). As `jax.nn.initializers.delta_orthogonal`.
///
/// ```
/// use cotangent::{nn::initializers, prelude::*, random::key};
/// assert_eq!(initializers::delta_orthogonal(1.0, -1).init(key(0), &[3, 2, 2]).shape(), [3, 2, 2]);
/// ```
pub fn delta_orthogonal(scale: f64, column_axis: i32) -> Initializer {
    made("delta_orthogonal", Kind::Orthogonal { scale, column: column_axis, delta: true })
}

impl Initializer {
    /// Of this element type: floating-point or complex. Without it: float32.
    ///
    /// ```
    /// use cotangent::{nn::initializers, prelude::*, random::key};
    /// let x = initializers::constant(0.1).dtype(DType::Float64).init(key(0), &[1]);
    /// assert_eq!(x.to_vec::<f64>(), [0.1]);
    /// ```
    pub fn dtype(mut self, dtype: DType) -> Initializer {
        self.dtype = dtype;
        self
    }
    /// The axes along which inputs lie.
    ///
    /// ```
    /// use cotangent::{nn::initializers::{Distribution, Fan, Initializer, variance_scaling}, prelude::*, random::key};
    /// let size = |init: &Initializer| init.init(key(0), &[3, 4, 2]).std().to_f64();
    /// // a window of 3 places, of which each input has 2 outputs, or 3 times 4 inputs with 2 outputs each
    /// let window = variance_scaling(1.0, Fan::Out, Distribution::Uniform);
    /// assert!(((size(&window.clone().in_axis(&[0, 1])) / size(&window)).powi(2) - 3.0).abs() < 1e-4);
    /// ```
    pub fn in_axis(mut self, axes: &[i32]) -> Initializer {
        self.inputs = axes.to_vec();
        self
    }
    /// The axes along which outputs lie.
    ///
    /// ```
    /// use cotangent::{nn::initializers::{Initializer, lecun_uniform}, prelude::*, random::key};
    /// let size = |init: &Initializer| init.init(key(0), &[6, 2]).std().to_f64();
    /// // 2 inputs, and not 6
    /// let transposed = lecun_uniform().in_axis(&[1]).out_axis(&[0]);
    /// assert!(((size(&transposed) / size(&lecun_uniform())).powi(2) - 3.0).abs() < 1e-4);
    /// ```
    pub fn out_axis(mut self, axes: &[i32]) -> Initializer {
        self.outputs = axes.to_vec();
        self
    }
    /// Axes along which independent parameters lie.
    ///
    /// ```
    /// use cotangent::{nn::initializers::{Initializer, lecun_uniform}, prelude::*, random::key};
    /// let size = |init: &Initializer| init.init(key(0), &[5, 3, 2]).std().to_f64();
    /// // 5 matrices with 3 inputs each, and not a window of 5 places with 15 inputs
    /// assert!(((size(&lecun_uniform().batch_axis(&[0])) / size(&lecun_uniform())).powi(2) - 5.0).abs() < 1e-4);
    /// ```
    pub fn batch_axis(mut self, axes: &[i32]) -> Initializer {
        self.batches = axes.to_vec();
        self
    }
    /// Parameters of this shape.
    ///
    /// ```
    /// use cotangent::{nn::initializers, prelude::*, random::key};
    /// assert_eq!(initializers::constant(7.).init(key(0), &[2, 1]).to_string(), "[[7.]\n [7.]]");
    /// ```
    ///
    /// # Panics
    /// If the element type is neither floating-point nor complex, if the shape has not the axes, or if it has not enough of them.
    #[track_caller]
    pub fn init(&self, key: Key, shape: &[usize]) -> Array {
        let _line = crate::np::here();
        let t = self.dtype;
        if !t.is_inexact() {
            fail(ErrorKind::Type, format!("{}: parameters are floating-point or complex numbers, not {t}", self.name))
        }
        match self.kind {
            Kind::Constant(value) => prim::full_of(&Aval::new(t, shape), value),
            Kind::Uniform(scale) => random::uniform_in(key, shape, t, 0.0, 1.0) * self.number(scale),
            Kind::Normal(stddev) => random::normal_dtype(key, shape, t) * self.number(stddev),
            Kind::Truncated { stddev, lower, upper } => {
                Draw::of(t).truncated_normal(key, lower, upper, shape) * self.number(stddev)
            }
            Kind::Scaled { scale, fan, distribution } => self.scaled(key, shape, scale, fan, distribution),
            Kind::Orthogonal { scale, column, delta: false } => self.orthogonal(key, shape, scale, column),
            Kind::Orthogonal { scale, column, delta: true } => self.delta(key, shape, scale, column),
        }
    }
    fn number(&self, v: f64) -> Array {
        scalar_of(self.dtype, false, v)
    }
    #[track_caller]
    fn dimension(&self, axis: i32, shape: &[usize]) -> usize {
        let rank = shape.len() as i32;
        let d = if axis < 0 { axis + rank } else { axis };
        if !(0..rank).contains(&d) {
            let text = format!(
                "{}: a shape of {} has no axis {axis}: say where inputs and outputs lie",
                self.name,
                tuple(shape)
            );
            fail(ErrorKind::Shape, text)
        }
        d as usize
    }
    #[track_caller]
    fn extent(&self, axes: &[i32], shape: &[usize]) -> f64 {
        let mut n = 1.0;
        for a in axes {
            n *= shape[self.dimension(*a, shape)] as f64
        }
        n
    }
    #[track_caller]
    fn scaled(&self, key: Key, shape: &[usize], scale: f64, fan: Fan, distribution: Distribution) -> Array {
        let [i, o, b] = [&self.inputs, &self.outputs, &self.batches].map(|a| self.extent(a, shape));
        let window = shape.iter().map(|n| *n as f64).product::<f64>() / i / o / b;
        let (i, o) = (i * window, o * window);
        let n = match fan {
            Fan::In => i,
            Fan::Out => o,
            Fan::Average => (i + o) / 2.0,
            Fan::GeometricAverage => (i * o).sqrt(),
        };
        let (t, variance) = (self.dtype, self.number(scale / n));
        match (distribution, t.is_complex()) {
            // the standard deviation of what is left between -2 and 2
            (Distribution::TruncatedNormal, false) => {
                Draw::of(t).truncated_normal(key, -2.0, 2.0, shape)
                    * (variance.sqrt() / self.number(0.8796256610342398))
            }
            (Distribution::TruncatedNormal, true) => {
                let within = 1.0 - (-4f64).exp();
                polar(key, shape, t, |u| (-(1.0 - u * within).log()).sqrt())
                    * (variance.sqrt() / self.number(0.9531116438049121))
            }
            (Distribution::Normal, _) => random::normal_dtype(key, shape, t) * variance.sqrt(),
            (Distribution::Uniform, false) => random::uniform_in(key, shape, t, -1.0, 1.0) * (variance * 3.0).sqrt(),
            (Distribution::Uniform, true) => polar(key, shape, t, |u| (u * 2.0).sqrt()) * variance.sqrt(),
        }
    }
    #[track_caller]
    fn orthogonal(&self, key: Key, shape: &[usize], scale: f64, column: i32) -> Array {
        if shape.len() < 2 {
            let text =
                format!("{}: an orthogonal matrix has at least two dimensions, not shape {}", self.name, tuple(shape));
            fail(ErrorKind::Shape, text)
        }
        if shape.contains(&0) {
            return prim::zeros_of(&Aval::new(self.dtype, shape));
        }
        let d = self.dimension(column, shape);
        let columns = shape[d];
        let rows = shape.iter().product::<usize>() / columns;
        let q = Draw::of(self.dtype).orthogonal(key, rows, columns, &[]);
        let mut last: Vec<usize> = shape.to_vec();
        last.remove(d);
        last.push(columns);
        self.number(scale) * prim::move_axis(&prim::reshape(&q, &last), shape.len() - 1, d)
    }
    #[track_caller]
    fn delta(&self, key: Key, shape: &[usize], scale: f64, column: i32) -> Array {
        let [window @ .., inputs, outputs] = shape else { self.no_filter(shape) };
        if !(1..=3).contains(&window.len()) || window.contains(&0) || outputs < inputs {
            self.no_filter(shape)
        }
        let matrix = self.orthogonal(key, &[*inputs, *outputs], scale, column);
        let one: Vec<usize> = window.iter().map(|_| 1).chain([*inputs, *outputs]).collect();
        let mut around: Vec<(i64, i64, i64)> = window
            .iter()
            .map(|n| {
                let before = (n - 1) / 2;
                (before as i64, (n - 1 - before) as i64, 0)
            })
            .collect();
        around.extend([(0, 0, 0); 2]);
        prim::pad(&prim::reshape(&matrix, &one), &self.number(0.0), &around)
    }
    #[track_caller]
    fn no_filter(&self, shape: &[usize]) -> ! {
        let text = format!(
            "{}: a filter has one to three dimensions of its window, then inputs, then outputs, which are not fewer; its shape is not {}",
            self.name,
            tuple(shape)
        );
        fail(ErrorKind::Shape, text)
    }
}

/// Complex numbers of any direction, whose modulus is a function of a uniform number.
#[track_caller]
fn polar(key: Key, shape: &[usize], t: DType, modulus: impl Fn(Array) -> Array) -> Array {
    let part = t.real_part();
    let [r, angle] = key.split().map(|k| random::uniform_in(k, shape, part, 0.0, 1.0));
    let (r, angle) = (modulus(r), angle * std::f64::consts::TAU);
    prim::complex(&(&r * angle.cos()), &(&r * angle.sin()))
}
