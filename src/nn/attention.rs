//! Attention by scaled products of queries and keys.

use crate::array::Array;
use crate::aval::tuple;
use crate::dtype::{DType, promote};
use crate::error::{ErrorKind, fail};
use crate::np;
use crate::prim::{self, convert_element_type, dot_general, iota, select_n};

/// For each query the mean of the values, weighted by the [`softmax`](super::softmax) of the scaled products with the keys. As `jax.nn.dot_product_attention`; [`Attention`] has its options.
///
/// ```
/// use cotangent::{nn, prelude::*, random};
/// let [q, k, v] = random::key(0).split().map(|k| random::normal(k, &[2, 5, 4, 8])); // batch, time, heads, features
/// assert_eq!(nn::dot_product_attention(&q, &k, &v).shape(), [2, 5, 4, 8]);
/// ```
///
/// # Panics
/// See [`Attention::of`].
#[track_caller]
pub fn dot_product_attention(query: &Array, key: &Array, value: &Array) -> Array {
    Attention::new().of(query, key, value)
}

/// [`dot_product_attention`] with options.
///
/// ```
/// use cotangent::{nn::Attention, prelude::*, random};
/// let [q, k, v] = random::key(0).split().map(|k| random::normal(k, &[5, 4, 8]));
/// // each time sees itself and the two before it
/// assert_eq!(Attention::new().causal().window(2, 0).of(&q, &k, &v).shape(), [5, 4, 8]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Attention {
    bias: Option<Array>,
    mask: Option<Array>,
    scale: Option<f64>,
    causal: bool,
    queries: Option<Array>,
    keys: Option<Array>,
    window: Option<(usize, usize)>,
}
impl Attention {
    /// Without options.
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// // a query that is 0 sees both keys alike: one time, one head, one feature
    /// let (keys, values) = (array![[[1.]], [[2.]]], array![[[10.]], [[30.]]]);
    /// assert_eq!(Attention::new().of(&array![[[0.]]], &keys, &values).to_f64(), 20.0);
    /// ```
    pub fn new() -> Attention {
        Attention::default()
    }
    /// What is added to the scaled products: `[batch, heads, queries, keys]`, each extent that of the products or 1.
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// let (zero, values) = (array![[[0.]], [[0.]]], array![[[10.]], [[30.]]]);
    /// // log 3 more for the second key: its weight is 3 / 4
    /// let bias = array![[[[0., 3f32.ln()]]]];
    /// assert!((Attention::new().bias(&bias).of(&zero.i(..1), &zero, &values).to_f64() - 25.).abs() < 1e-5);
    /// ```
    pub fn bias(mut self, bias: &Array) -> Attention {
        self.bias = Some(bias.clone());
        self
    }
    /// Where a query sees a key: booleans of the shape of [`bias`](Attention::bias).
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// let (zero, values) = (array![[[0.]], [[0.]]], array![[[10.]], [[30.]]]);
    /// let mask = array![[[[true, true], [false, true]]]];
    /// assert_eq!(Attention::new().mask(&mask).of(&zero, &zero, &values).to_vec::<f32>(), [20., 30.]);
    /// ```
    pub fn mask(mut self, mask: &Array) -> Attention {
        self.mask = Some(mask.clone());
        self
    }
    /// The factor of the products: 1 / sqrt(features), unless it is said here.
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// let (query, keys, values) = (array![[[1.]]], array![[[0.]], [[100.]]], array![[[10.]], [[30.]]]);
    /// assert_eq!(Attention::new().of(&query, &keys, &values).to_f64(), 30.0);
    /// assert_eq!(Attention::new().scale(0.).of(&query, &keys, &values).to_f64(), 20.0);
    /// ```
    pub fn scale(mut self, scale: f64) -> Attention {
        self.scale = Some(scale);
        self
    }
    /// A query sees no key of a later time.
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// let (zero, values) = (array![[[0.]], [[0.]], [[0.]]], array![[[3.]], [[5.]], [[10.]]]);
    /// assert_eq!(Attention::new().causal().of(&zero, &zero, &values).to_vec::<f32>(), [3., 4., 6.]);
    /// ```
    pub fn causal(mut self) -> Attention {
        self.causal = true;
        self
    }
    /// How many queries each element of the batch has: int32. The results of those that follow are 0.
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// let (zero, values) = (array![[[[0.]], [[0.]]]], array![[[[10.]], [[30.]]]]); // a batch of one
    /// let y = Attention::new().query_lengths(&array![1]).of(&zero, &zero, &values);
    /// assert_eq!(y.to_vec::<f32>(), [20., 0.]);
    /// ```
    pub fn query_lengths(mut self, lengths: &Array) -> Attention {
        self.queries = Some(lengths.clone());
        self
    }
    /// How many keys each element of the batch has: int32. Those that follow are not seen.
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// let (zero, values) = (array![[[[0.]], [[0.]]]], array![[[[10.]], [[30.]]]]); // a batch of one
    /// let y = Attention::new().key_value_lengths(&array![1]).of(&zero, &zero, &values);
    /// assert_eq!(y.to_vec::<f32>(), [10., 10.]);
    /// ```
    pub fn key_value_lengths(mut self, lengths: &Array) -> Attention {
        self.keys = Some(lengths.clone());
        self
    }
    /// A query sees keys of at most so many times before its own and behind it.
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// let (zero, values) = (array![[[0.]], [[0.]], [[0.]]], array![[[3.]], [[5.]], [[10.]]]);
    /// // itself and the one before
    /// assert_eq!(Attention::new().window(1, 0).of(&zero, &zero, &values).to_vec::<f32>(), [3., 4., 7.5]);
    /// ```
    pub fn window(mut self, before: usize, behind: usize) -> Attention {
        self.window = Some((before, behind));
        self
    }
    /// The attention: `[batch, queries, heads, features]` for queries of this shape, and keys and values of `[batch, keys, heads, features]`. The batch may
    /// be left out of all three. Several heads of queries may share one of keys and values: there are a multiple of them.
    ///
    /// Products are accumulated in float32 at least, and the softmax is computed so.
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// // the key that fits the query has nearly all of the weight
    /// let (query, keys) = (array![[[0., 9.]]], array![[[9., 0.]], [[0., 9.]]]);
    /// let y = Attention::new().of(&query, &keys, &array![[[1., 2.]], [[3., 4.]]]);
    /// assert_eq!(y.to_string(), "[[[3. 4.]]]");
    /// ```
    ///
    /// # Panics
    /// If shapes or element types do not fit.
    #[track_caller]
    pub fn of(&self, query: &Array, key: &Array, value: &Array) -> Array {
        self.parts(query, key, value).0
    }
    /// The attention, and for each query and head the logarithm of the sum of e^(scaled product), as a constant to differentiation.
    ///
    /// ```
    /// use cotangent::{nn::Attention, prelude::*};
    /// let zero = array![[[0.]], [[0.]]];
    /// let (y, log) = Attention::new().with_residual(&zero.i(..1), &zero, &array![[[1.]], [[2.]]]);
    /// assert_eq!((y.to_f64(), log.to_string()), (1.5, "[[0.6931472]]".into()));
    /// ```
    ///
    /// # Panics
    /// As [`of`](Attention::of).
    #[track_caller]
    pub fn with_residual(&self, query: &Array, key: &Array, value: &Array) -> (Array, Array) {
        let (y, logits) = self.parts(query, key, value);
        let sums = super::LogSumExp::new().axis(-1).of(&logits).astype(key.dtype());
        let sums = prim::transpose(&sums, &[0, 2, 1]);
        (y, prim::stop_gradient(&prim::reshape(&sums, &query.shape()[..query.ndim() - 1])))
    }

    #[track_caller]
    fn parts(&self, query: &Array, key: &Array, value: &Array) -> (Array, Array) {
        let _line = np::here();
        let wrong = |kind, text: String| -> ! { fail(kind, format!("dot_product_attention: {text}")) };
        for (name, x) in [("query", query), ("key", key), ("value", value)] {
            if x.ndim() != 3 && x.ndim() != 4 {
                wrong(
                    ErrorKind::Shape,
                    format!("{name} has shape {} and needs three or four dimensions", tuple(x.shape())),
                )
            }
            if !x.dtype().is_float() || x.dtype() != key.dtype() {
                let text = format!("query, key and value have one floating-point type, and {name} has {}", x.dtype());
                wrong(ErrorKind::Type, text)
            }
        }
        let four = |x: &Array| if x.ndim() == 4 { x.clone() } else { prim::expand_dims(x, &[0]) };
        let (q, k, v) = (four(query), four(key), four(value));
        let ([b, t, n, h], [_, s, groups, _]) = (extents(&q), extents(&k));
        if v.shape() != k.shape() || k.shape()[0] != b || k.shape()[3] != h || groups == 0 || n % groups != 0 {
            let text = format!(
                "shapes {} of query, {} of key and {} of value do not fit: key and value have one shape, batch and features are equal, and \
                 the heads of the query a multiple of the others",
                tuple(query.shape()),
                tuple(key.shape()),
                tuple(value.shape())
            );
            wrong(ErrorKind::Shape, text)
        }
        let wide = promote((q.dtype(), false), (DType::Float32, false)).0;
        // [batch, heads of keys, queries, heads of queries that share one, keys]
        let q5 = prim::reshape(&q, &[b, t, groups, n / groups, h]);
        let logits = dot_general(&q5, &k, (&[4], &[3]), (&[0, 2], &[0, 2]), Some(wide));
        let logits = prim::reshape(&prim::transpose(&logits, &[0, 1, 3, 2, 4]), &[b, n, t, s]);
        let mut logits = logits * self.scale.unwrap_or(1.0 / (h as f64).sqrt());
        let shape = [b, n, t, s];
        let fit = |name: &str, x: &Array| {
            let x = prim::expand_dims(x, &(0..4usize.saturating_sub(x.ndim())).collect::<Vec<_>>());
            if x.ndim() != 4 || crate::array::broadcast_shapes(&[x.shape(), &shape]).as_deref() != Some(&shape[..]) {
                wrong(
                    ErrorKind::Shape,
                    format!("{name} has shape {} and does not broadcast to {}", tuple(x.shape()), tuple(&shape)),
                )
            }
            np::broadcast_to(&x, &shape)
        };
        if let Some(bias) = &self.bias {
            logits = (&logits + fit("bias", bias)).astype(wide)
        }
        if let Some(seen) = self.seen(&shape, &fit) {
            // a great number and not infinity: a query that sees nothing weighs all keys alike
            let info = logits.dtype().float_info().expect("a floating-point type");
            let least = -0.7 * info.max.min(f32::MAX as f64);
            logits = select_n(&np::broadcast_to(&seen, &shape), &[&prim::full_of(logits.aval(), least), &logits])
        }
        let weights = prim::reshape(&super::softmax(&logits, -1).astype(key.dtype()), &[b, groups, n / groups, t, s]);
        let y = dot_general(&weights, &v, (&[4], &[1]), (&[0, 1], &[0, 2]), Some(key.dtype()));
        let mut y = prim::reshape(&prim::transpose(&y, &[0, 3, 1, 2, 4]), &[b, t, n, h]);
        if let Some(lengths) = &self.queries {
            let there =
                prim::lt(&iota(DType::Int32, &[b, t, 1, 1], 1), &prim::reshape(&counts(lengths, b), &[b, 1, 1, 1]));
            y *= there.astype(key.dtype())
        }
        (prim::reshape(&y, query.shape()), logits)
    }
    /// Which keys a query sees, where that is not all of them.
    #[track_caller]
    fn seen(&self, shape: &[usize; 4], fit: &dyn Fn(&str, &Array) -> Array) -> Option<Array> {
        let [b, _, t, s] = *shape;
        let mut all = None;
        let mut also = |m: Array| all = Some(all.take().map_or(m.clone(), |a: Array| a & &m));
        let (row, column) = (iota(DType::Int32, &[1, 1, t, s], 2), iota(DType::Int32, &[1, 1, t, s], 3));
        if let Some(m) = &self.mask {
            if m.dtype() != DType::Bool {
                let text = format!(
                    "dot_product_attention: the mask consists of booleans, not of elements of type {}",
                    m.dtype()
                );
                fail(ErrorKind::Type, text)
            }
            also(fit("mask", m))
        }
        if self.causal {
            also(prim::le(&column, &row))
        }
        if let Some((before, behind)) = self.window {
            also(prim::le(&row, &(&column + before as i32)) & prim::ge(&row, &(&column - behind as i32)))
        }
        for (lengths, at) in [(&self.queries, &row), (&self.keys, &column)] {
            if let Some(n) = lengths {
                also(prim::lt(at, &prim::reshape(&counts(n, b), &[b, 1, 1, 1])))
            }
        }
        all
    }
}
fn extents(x: &Array) -> [usize; 4] {
    x.shape().try_into().expect("four dimensions")
}
/// Lengths, one for each element of the batch.
#[track_caller]
fn counts(lengths: &Array, batch: usize) -> Array {
    if lengths.shape() != [batch] || !lengths.dtype().is_integer() {
        let text = format!("dot_product_attention: lengths are integers of shape ({batch},), not {}", lengths.aval());
        fail(ErrorKind::Shape, text)
    }
    convert_element_type(lengths, DType::Int32, false)
}
