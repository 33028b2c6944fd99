//! Type promotion: the type in which values of several types meet.
//!
//! # The rule
//!
//! Types form a partial order, and the result of an operation on several values is the least type above all of them:
//!
//! ```text
//! bool -> i* -> u8, i8          i8 -> i16 -> i32 -> i64 -> f*
//! u8 -> u16, i16                u16 -> u32, i32         u32 -> u64, i64          u64 -> f*
//! f* -> f16, bf16, c*           f16, bf16 -> f32 -> f64, c64          f64 -> c128          c* -> c64 -> c128
//! ```
//!
//! `i*`, `f*` and `c*` are the *weak* types, those of literals such as `2`, `2.5`, `2j` and of what is computed from literals alone. A
//! weak value has a concrete type in memory, but yields to any typed value of its class or a higher one: `f16 * 2.5` is
//! `f16`. A comparison of weak values is a weak `bool`, which stands where `bool` stands: nothing is below that.
//!
//! The result is weak if the least upper bound is a weak type, or if all values are weak. In the second case the bound is that of
//! the concrete types.
//!
//! # Widths
//!
//! There is no global switch between 32 and 64 bits: a type of 64 bits is always what it says, so `u32 + i32` is `i64` as in JAX with
//! `jax_enable_x64`. Literals are `int32`, `float32` and `complex64` as in JAX without it. When the bound is a weak
//! type, its width comes from the weak values that led there:
//!
//! * `i*` is `int64` if one of the weak integers has 64 bits, else `int32`: `bool + 2` is a weak `int32`;
//! * `f*` and `c*` are `float64` and `complex128` if one of the weak floats or complex numbers has 64-bit parts, else `float32` and
//!   `complex64`: `i64 * 2.5` is a weak `float32`, because nobody asked for a double;
//! * `f*` without any weak float arises only where `uint64` meets a signed integer, which no integer type can hold. It is
//!   a weak `float64`, as in JAX.
//!
//! Hence the results are JAX's with 64-bit types enabled if literals are given as 64-bit weak values, and JAX's without them
//! if literals are 32-bit weak values and no 64-bit type is involved.
//!
//! `Float0` and `Key` meet nothing but themselves.

use super::DType;

/// The weak types stand behind the concrete ones in the numbering of the lattice.
const WEAK_INT: usize = DType::ALL.len();
const WEAK_FLOAT: usize = WEAK_INT + 1;
const WEAK_COMPLEX: usize = WEAK_INT + 2;
const NODES: usize = WEAK_INT + 3;

/// The types directly above a type.
const fn edges(node: usize) -> &'static [usize] {
    use DType::*;
    match node {
        WEAK_INT => &[Uint8 as usize, Int8 as usize],
        WEAK_FLOAT => &[Float16 as usize, BFloat16 as usize, WEAK_COMPLEX],
        WEAK_COMPLEX => &[Complex64 as usize],
        _ => match DType::ALL[node] {
            Bool => &[WEAK_INT],
            Int8 => &[Int16 as usize],
            Int16 => &[Int32 as usize],
            Int32 => &[Int64 as usize],
            Int64 | Uint64 => &[WEAK_FLOAT],
            Uint8 => &[Uint16 as usize, Int16 as usize],
            Uint16 => &[Uint32 as usize, Int32 as usize],
            Uint32 => &[Uint64 as usize, Int64 as usize],
            Float16 | BFloat16 => &[Float32 as usize],
            Float32 => &[Float64 as usize, Complex64 as usize],
            Float64 | Complex64 => &[Complex128 as usize],
            Complex128 | Float0 | Key => &[],
        },
    }
}

/// The set of everything at or above a type, one bit per node.
const fn upper_bounds(node: usize) -> u32 {
    let above = edges(node);
    let mut set = 1 << node;
    let mut i = 0;
    while i < above.len() {
        set |= upper_bounds(above[i]);
        i += 1;
    }
    set
}

const UPPER_BOUNDS: [u32; NODES] = {
    let mut table = [0; NODES];
    let mut node = 0;
    while node < NODES {
        table[node] = upper_bounds(node);
        node += 1;
    }
    table
};

/// Where a value stands in the lattice.
fn node(dtype: DType, weak: bool) -> usize {
    match dtype {
        t if weak && t.is_integer() => WEAK_INT,
        t if weak && t.is_float() => WEAK_FLOAT,
        t if weak && t.is_complex() => WEAK_COMPLEX,
        t => t as usize,
    }
}

/// The type in which two values meet, each given as its type and whether it is weak, and whether the result is weak.
///
/// ```
/// use cotangent::dtype::{DType::*, promote};
/// assert_eq!(promote((Int8, false), (Uint8, false)), (Int16, false));
/// // a weak float, such as 2.5, takes the width of what it meets
/// assert_eq!(promote((Float16, false), (Float32, true)), (Float16, false));
/// ```
///
/// # Panics
/// If there is none: `Float0` and `Key` meet only themselves.
#[track_caller]
pub fn promote(a: (DType, bool), b: (DType, bool)) -> (DType, bool) {
    common(&[a, b])
}

/// The type in which several values meet, each given as its type and whether it is weak, and whether the result is weak.
///
/// This is the bound of the whole set, which does not depend on the order of its members.
///
/// ```
/// use cotangent::dtype::{DType::*, promote, promote_all};
/// let strong = [Int8, Uint8, Float16].map(|t| (t, false));
/// assert_eq!(promote_all(strong), (Float16, false));
/// ```
///
/// # Panics
/// If there are no values, or no common type: `Float0` and `Key` meet only themselves.
#[track_caller]
pub fn promote_all(values: impl IntoIterator<Item = (DType, bool)>) -> (DType, bool) {
    common(&values.into_iter().collect::<Vec<_>>())
}

#[track_caller]
fn common(values: &[(DType, bool)]) -> (DType, bool) {
    use crate::error::{ErrorKind, fail};
    if let Some(t) = meet(values) {
        return t;
    }
    if values.is_empty() {
        fail(ErrorKind::Type, "promote: no values to find a common type for")
    }
    let names: Vec<_> = values.iter().map(|v| v.0.name()).collect();
    fail(
        ErrorKind::Type,
        format!("promote: the types {} have no common type; convert them explicitly", names.join(", ")),
    )
}

/// Like [`promote_all`], but `None` where that has no answer.
///
/// ```
/// use cotangent::dtype::{DType::*, try_promote_all};
/// assert_eq!(try_promote_all([(Bool, false), (Int32, true)]), Some((Int32, true)));
/// assert_eq!(try_promote_all([(Key, false), (Int32, false)]), None);
/// ```
pub fn try_promote_all(values: impl IntoIterator<Item = (DType, bool)>) -> Option<(DType, bool)> {
    meet(&values.into_iter().collect::<Vec<_>>())
}

fn meet(values: &[(DType, bool)]) -> Option<(DType, bool)> {
    let all_weak = !values.is_empty() && values.iter().all(|v| v.1);
    let bounds = values.iter().map(|&(t, weak)| UPPER_BOUNDS[node(t, weak && !all_weak)]);
    let bounds = bounds.reduce(|a, b| a & b)?;
    // The least bound is the one below all others.
    let least = (0..NODES).find(|&n| bounds >> n & 1 == 1 && bounds & !UPPER_BOUNDS[n] == 0)?;
    let wide = |class: fn(DType) -> bool| {
        let mut weak = values.iter().filter(|v| v.1 && class(v.0)).map(|v| v.0.real_part().size()).peekable();
        // No weak value of the class: only 64-bit integers lead here.
        weak.peek().is_none() || weak.any(|size| size == 8)
    };
    let choose = |wide, narrow_type, wide_type| if wide { wide_type } else { narrow_type };
    let dtype = match least {
        WEAK_INT => choose(wide(DType::is_integer), DType::Int32, DType::Int64),
        WEAK_FLOAT => choose(wide(DType::is_inexact), DType::Float32, DType::Float64),
        WEAK_COMPLEX => choose(wide(DType::is_inexact), DType::Complex64, DType::Complex128),
        n => DType::ALL[n],
    };
    Some((dtype, (all_weak || least >= WEAK_INT) && dtype.is_number() && !dtype.is_bool()))
}
