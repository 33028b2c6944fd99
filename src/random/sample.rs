//! Random numbers.

use super::Key;
use crate::array::{Array, ArrayLike, Operand};
use crate::aval::tuple;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::{self, shape::ranked};
use crate::prim::{self, convert_element_type, lit, scalar_of};

/// Parameters of a distribution fit the shape of what is drawn.
#[track_caller]
pub(super) fn fits(name: &str, shape: &[usize], parameters: &[&Array]) {
    if let Some(why) = misfit(shape, parameters) {
        fail(ErrorKind::Shape, format!("random::{name}: {why}"))
    }
}
/// Why they do not.
pub(super) fn misfit(shape: &[usize], parameters: &[&Array]) -> Option<String> {
    let fits = |p: &Array| crate::array::broadcast_shapes(&[p.shape(), shape]).as_deref() == Some(shape);
    let p = parameters.iter().find(|p| !fits(p))?;
    Some(format!("a parameter of shape {} does not broadcast to {}", tuple(p.shape()), tuple(shape)))
}
/// The parameter as an array of this type; a number is converted at once and loses nothing.
pub(super) fn parameter(x: impl Operand, dtype: DType) -> Array {
    let x = x.beside(&scalar_of(dtype, false, 0.0));
    if x.dtype() == dtype && !x.weak_type() { x } else { convert_element_type(&x, dtype, false) }
}
fn unsigned(bits: usize) -> DType {
    match bits {
        8 => DType::Uint8,
        16 => DType::Uint16,
        32 => DType::Uint32,
        _ => DType::Uint64,
    }
}

/// Random words of 32 bits. As `jax.random.bits`.
///
/// ```
/// use cotangent::random::{bits, key};
/// assert_eq!(bits(key(0), &[2]).to_string(), "[4070199207 4202968722]");
/// ```
#[track_caller]
pub fn bits(key: Key, shape: &[usize]) -> Array {
    bits_dtype(key, shape, DType::Uint32)
}
/// Random elements of an unsigned integer type. As `jax.random.bits`.
///
/// ```
/// use cotangent::{prelude::*, random};
/// assert_eq!(random::bits_dtype(random::key(0), &[3], DType::Uint8).dtype(), DType::Uint8);
/// ```
///
/// # Panics
/// If the type is no unsigned integer.
#[track_caller]
pub fn bits_dtype(key: Key, shape: &[usize], dtype: DType) -> Array {
    if !dtype.is_unsigned() {
        fail(ErrorKind::Type, format!("random::bits: bits come as unsigned integers, not as {dtype}"))
    }
    prim::random_bits(key.single("bits"), dtype.bits(), shape)
}

/// Numbers of [0, 1), evenly distributed, as float32. As `jax.random.uniform`.
///
/// ```
/// use cotangent::random::{key, uniform};
/// assert_eq!(uniform(key(0), &[2]).to_string(), "[0.947667  0.9785799]");
/// ```
#[track_caller]
pub fn uniform(key: Key, shape: &[usize]) -> Array {
    uniform_in(key, shape, DType::Float32, 0.0, 1.0)
}
/// Numbers of [`low`, `high`), evenly distributed, of a floating-point type. The limits are numbers, or arrays that broadcast to `shape`;
/// the numbers are differentiable functions of them. As `jax.random.uniform`.
///
/// ```
/// use cotangent::{prelude::*, random};
/// let x = random::uniform_in(random::key(0), &[9], DType::Float64, -1.0, 1.0);
/// assert!(x.abs().max().to_f64() <= 1.0);
/// ```
///
/// # Panics
/// If the type is no floating-point type, or if the limits do not broadcast to the shape.
#[track_caller]
pub fn uniform_in(key: Key, shape: &[usize], dtype: DType, low: impl Operand, high: impl Operand) -> Array {
    require_float("uniform", dtype);
    unit_to(key.single("uniform"), shape, dtype, &parameter(low, dtype), &parameter(high, dtype))
}
#[track_caller]
fn require_float(name: &str, dtype: DType) {
    if !dtype.is_float() {
        fail(ErrorKind::Type, format!("random::{name}: draws floating-point numbers, not {dtype}"))
    }
}
#[track_caller]
pub(super) fn unit_to(key: &Array, shape: &[usize], dtype: DType, low: &Array, high: &Array) -> Array {
    fits("uniform", shape, &[low, high]);
    let mantissa = dtype.float_info().expect("a floating-point type").mantissa_bits as usize;
    // random bits become the mantissa of a number of [1, 2)
    let drawn = if mantissa < 8 { 8 } else { dtype.bits() };
    let word = unsigned(dtype.bits());
    let bits = convert_element_type(&prim::random_bits(key, drawn, shape), word, false);
    let mantissas = prim::shift_right_logical(&bits, &scalar_of(word, false, (drawn - mantissa) as f64));
    let one = scalar_of(dtype, false, 1.0);
    let floats = prim::bitcast_convert_type(&prim::or(&mantissas, &prim::bitcast_convert_type(&one, word)), dtype);
    let unit = prim::sub(&floats, &one);
    let (low, high) = (ranked(low, shape.len()), ranked(high, shape.len()));
    let width = prim::sub(&high, &low);
    // rounded once, as the code that JAX compiles does; of bfloat16 it rounds the product, too
    let y = match dtype {
        DType::BFloat16 => prim::add(&prim::mul(&unit, &width), &low),
        _ => prim::mul_add(&unit, &width, &low),
    };
    // rounding may have gone below the least number
    prim::max(&low, &y)
}

/// Numbers of the standard normal distribution, as float32. As `jax.random.normal`.
///
/// ```
/// use cotangent::random::{key, normal};
/// assert_eq!(normal(key(0), &[3]).shape(), [3]);
/// ```
#[track_caller]
pub fn normal(key: Key, shape: &[usize]) -> Array {
    normal_dtype(key, shape, DType::Float32)
}
/// Numbers of the standard normal distribution, of a floating-point or complex type; of a complex one both parts have variance 1/2. As `jax.random.normal`.
///
/// ```
/// use cotangent::{prelude::*, random};
/// assert_eq!(random::normal_dtype(random::key(0), &[3], DType::Float64).dtype(), DType::Float64);
/// ```
///
/// # Panics
/// If the type is neither.
#[track_caller]
pub fn normal_dtype(key: Key, shape: &[usize], dtype: DType) -> Array {
    if !dtype.is_complex() {
        require_float("normal", dtype)
    }
    normal_any(key.single("normal"), shape, dtype)
}
/// Normally distributed numbers of a floating-point or complex type.
#[track_caller]
pub(super) fn normal_any(key: &Array, shape: &[usize], dtype: DType) -> Array {
    if !dtype.is_complex() {
        return normal_real(key, shape, dtype);
    }
    let part = dtype.real_part();
    // divided by the root of 2 as JAX's compiler divides by a constant: through its reciprocal
    let half = prim::div(&scalar_of(part, false, 1.0), &scalar_of(part, false, std::f64::consts::SQRT_2));
    let keys = prim::random_split(key, &[2]);
    let [re, im] = [0, 1].map(|i| {
        let key = prim::squeeze(&prim::slice_in_dim(&keys, i, i + 1, 1, 0), &[0]);
        prim::mul(&normal_real(&key, shape, part), &half)
    });
    prim::complex(&re, &im)
}
#[track_caller]
fn normal_real(key: &Array, shape: &[usize], dtype: DType) -> Array {
    // from the number after -1, so that the inverse of the error function is finite
    let below_one = 1.0 - dtype.float_info().expect("a floating-point type").eps / 2.0;
    let u = unit_to(key, shape, dtype, &scalar_of(dtype, false, -below_one), &scalar_of(dtype, false, 1.0));
    prim::mul(&scalar_of(dtype, false, std::f64::consts::SQRT_2), &prim::erf_inv(&u))
}

/// Integers of [`low`, `high`), evenly distributed, as int32; `low` where `high` is not greater. As `jax.random.randint`.
///
/// ```
/// use cotangent::random::{key, randint};
/// assert_eq!(randint(key(0), &[4], 0, 10).shape(), [4]);
/// ```
///
/// # Panics
/// If limits do not broadcast to the shape, or are no integers.
#[track_caller]
pub fn randint(key: Key, shape: &[usize], low: impl ArrayLike, high: impl ArrayLike) -> Array {
    randint_dtype(key, shape, DType::Int32, low, high)
}
/// Integers of [`low`, `high`), evenly distributed, of an integer type; `low` where `high` is not greater. The limits are numbers, or arrays
/// that broadcast to `shape`. `high` may be one more than the greatest number of the type. As `jax.random.randint`.
///
/// The remainder of more random bits than the type has is taken, so that the bias is small.
///
/// ```
/// use cotangent::{prelude::*, random};
/// let x = random::randint_dtype(random::key(0), &[9], DType::Uint8, 0, 256);
/// assert_eq!(x.dtype(), DType::Uint8);
/// ```
///
/// # Panics
/// If the type is no integer, or if limits do not broadcast to the shape, or are no integers.
#[track_caller]
pub fn randint_dtype(key: Key, shape: &[usize], dtype: DType, low: impl ArrayLike, high: impl ArrayLike) -> Array {
    integers(key, shape, dtype, low.into_array(), high.into_array())
}

#[track_caller]
fn integers(key: Key, shape: &[usize], dtype: DType, low: Array, high: Array) -> Array {
    if !dtype.is_integer() {
        fail(ErrorKind::Type, format!("random::randint: draws integers, not {dtype}"))
    }
    for x in [&low, &high] {
        if !x.dtype().is_integer() {
            fail(ErrorKind::Type, format!("random::randint: a limit is an integer, not a value of type {}", x.aval()))
        }
    }
    fits("randint", shape, &[&low, &high]);
    key.single("randint");
    if dtype.bits() < 32 {
        // drawn with more bits than the type has, for a smaller bias
        let (least, greatest) = dtype.int_range().expect("an integer type");
        let clip = |x: &Array, most: i128| clamped(&convert_element_type(x, DType::Int32, false), least, most);
        let (low, high) = (clip(&low, greatest), clip(&high, greatest + 1));
        return convert_element_type(&remainders(key, shape, DType::Int32, &low, &high), dtype, false);
    }
    remainders(key, shape, dtype, &low, &high)
}
/// The integer nearest to `v` that the type of `like` holds, in that type.
fn nearest(v: i128, like: &Array) -> Array {
    let (least, greatest) = like.dtype().int_range().expect("an integer type");
    let v = v.clamp(least, greatest);
    let wide = match i64::try_from(v) {
        Ok(v) => Array::from_slice(&[v], &[]),
        Err(_) => Array::from_slice(&[v as u64], &[]),
    };
    convert_element_type(&wide, like.dtype(), like.weak_type())
}
/// Limited to these integers, as far as the type holds them.
fn clamped(x: &Array, least: i128, greatest: i128) -> Array {
    prim::min(&prim::max(x, &nearest(least, x)), &nearest(greatest, x))
}

#[track_caller]
fn remainders(key: Key, shape: &[usize], dtype: DType, low: &Array, high: &Array) -> Array {
    let (least, greatest) = dtype.int_range().expect("an integer type");
    // is the limit behind the greatest number of the type?
    let over = prim::gt(high, &nearest(greatest, high));
    let fit = |x: &Array| ranked(&convert_element_type(&clamped(x, least, greatest), dtype, false), shape.len());
    let (low, high, over) = (fit(low), fit(high), ranked(&over, shape.len()));
    let [k1, k2] = key.split();
    let word = unsigned(dtype.bits());
    let bits = |k: Key| prim::random_bits(k.single("randint"), dtype.bits(), shape);
    let (upper, lower) = (bits(k1), bits(k2));
    let span = convert_element_type(&prim::sub(&high, &low), word, false);
    let one = lit(&span, 1.0);
    let span = np::where_(&prim::le(&high, &low), &one, &span);
    let (more, proper) = (prim::add(&span, &one), prim::gt(&high, &low));
    // of all numbers of the type the span is 0, and the remainder by 0 is the number itself
    let span = np::where_(&np::bitwise_and(&over, &proper), &more, &span);
    // (upper * 2^bits + lower) mod span, with 2^bits mod span from its root
    let root = scalar_of(word, false, 2f64.powi(dtype.bits() as i32 / 2));
    let half = prim::rem(&root, &span);
    let multiplier = prim::rem(&prim::mul(&half, &half), &span);
    let offset = prim::add(&prim::mul(&prim::rem(&upper, &span), &multiplier), &prim::rem(&lower, &span));
    let offset = prim::rem(&offset, &span);
    prim::add(&low, &convert_element_type(&offset, dtype, false))
}

/// True with probability `p`, which is a number or an array that broadcasts to `shape`. As `jax.random.bernoulli`.
///
/// ```
/// use cotangent::random::{bernoulli, key};
/// assert_eq!(bernoulli(key(0), 1.0, &[2]).to_string(), "[ True  True]");
/// ```
///
/// # Panics
/// If `p` is not of a floating-point type, or does not broadcast to the shape.
#[track_caller]
pub fn bernoulli(key: Key, p: impl ArrayLike, shape: &[usize]) -> Array {
    let p = p.into_array();
    require_float("bernoulli", p.dtype());
    fits("bernoulli", shape, &[&p]);
    let p = convert_element_type(&p, p.dtype(), false);
    let (low, high) = (scalar_of(p.dtype(), false, 0.0), scalar_of(p.dtype(), false, 1.0));
    prim::lt(&unit_to(key.single("bernoulli"), shape, p.dtype(), &low, &high), &ranked(&p, shape.len()))
}
