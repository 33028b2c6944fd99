//! Arrays from bytes and from text.

use crate::array::Array;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::{Aval, prim};

/// The vector whose elements these bytes are, one behind the other and the least significant byte first. As `jax.numpy.frombuffer`, whose offset and count are a slice here.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::frombuffer(&[1, 0, 2, 0, 3], DType::Uint8).to_string(), "[1 0 2 0 3]");
/// assert_eq!(np::frombuffer(&[1, 0, 2, 1], DType::Int16).to_string(), "[  1 258]");
/// ```
///
/// # Panics
/// If the bytes are no whole number of elements, or the type is none of numbers, or if a truth value is neither 0 nor 1.
#[track_caller]
pub fn frombuffer(bytes: &[u8], dtype: DType) -> Array {
    if !dtype.is_number() {
        fail(ErrorKind::Type, format!("frombuffer: there are no bytes of elements of type {dtype}"))
    }
    let n = bytes.len() / dtype.size();
    if n * dtype.size() != bytes.len() {
        let text = format!("frombuffer: {} bytes are no elements of {} bytes each", bytes.len(), dtype.size());
        fail(ErrorKind::Value, text)
    }
    if dtype.is_bool() && bytes.iter().any(|b| *b > 1) {
        fail(ErrorKind::Value, "frombuffer: a truth value is a byte of 0 or 1")
    }
    Array::from_bytes(Aval::new(dtype, &[n]), bytes)
}
/// The vector of the numbers in a text, between which `sep` stands; if that is blank, any white space. As `jax.numpy.fromstring`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// assert_eq!(np::fromstring("1, 2,3.5", DType::Float32, ",").to_string(), "[1.  2.  3.5]");
/// assert_eq!(np::fromstring("4 5\n6", DType::Int32, " ").to_string(), "[4 5 6]");
/// ```
///
/// # Panics
/// If something else than such a number stands there, or if the type is none of integers or floating-point numbers.
#[track_caller]
pub fn fromstring(text: &str, dtype: DType, sep: &str) -> Array {
    let blank = sep.trim().is_empty();
    let parts: Vec<&str> = match blank {
        true => text.split_whitespace().collect(),
        false if text.trim().is_empty() => vec![],
        false => text.split(sep.trim()).map(str::trim).collect(),
    };
    let wrong =
        |part: &str| -> ! { fail(ErrorKind::Value, format!("fromstring: `{part}` is no number of type {dtype}")) };
    let n = parts.len();
    if dtype.is_integer() {
        let Some((low, high)) = dtype.int_range() else {
            fail(ErrorKind::Type, format!("fromstring: no numbers of type {dtype}"))
        };
        let mut bytes = vec![];
        for part in parts {
            match part.parse::<i128>() {
                Ok(x) if (low..=high).contains(&x) => bytes.extend(&x.to_le_bytes()[..dtype.size()]),
                _ => wrong(part),
            }
        }
        return Array::from_bytes(Aval::new(dtype, &[n]), &bytes);
    }
    if !dtype.is_float() {
        fail(
            ErrorKind::Type,
            format!("fromstring: a text has integers or floating-point numbers, not elements of type {dtype}"),
        )
    }
    let mut numbers = vec![];
    for part in parts {
        match part.parse::<f64>() {
            Ok(x) => numbers.push(x),
            Err(_) => wrong(part),
        }
    }
    prim::convert_element_type(&Array::from_slice(&numbers, &[n]), dtype, false)
}
