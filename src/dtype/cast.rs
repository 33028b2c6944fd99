//! Which conversions lose nothing.

use super::DType;

/// How much a conversion may lose: see [`can_cast`].
///
/// ```
/// use cotangent::dtype::{Casting, DType, can_cast};
/// let all = [Casting::No, Casting::Safe, Casting::SameKind, Casting::Unsafe];
/// let may = |from, to| all.map(|how| can_cast(from, to, how));
/// assert_eq!(may(DType::Int16, DType::Int32), [false, true, true, true]);
/// assert_eq!(may(DType::Int32, DType::Int16), [false, false, true, true]);
/// assert_eq!(may(DType::Float32, DType::Int32), [false, false, false, true]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Casting {
    /// Nothing: the types are the same.
    No,
    /// No value of a narrower type. (As in NumPy, float64 counts as wide enough for 64-bit integers.)
    #[default]
    Safe,
    /// Digits and range, but no kind of number: neither a sign, nor a fraction, nor an imaginary part.
    SameKind,
    /// Anything.
    Unsafe,
}

/// May a value of the type `from` become one of the type `to`? As `numpy.can_cast`, which `jax.numpy.can_cast` is.
///
/// ```
/// use cotangent::dtype::{Casting, DType, can_cast};
/// assert!(can_cast(DType::Int16, DType::Float32, Casting::Safe));
/// assert!(!can_cast(DType::Float64, DType::Float32, Casting::Safe));
/// assert!(can_cast(DType::Float64, DType::Float32, Casting::SameKind));
/// ```
pub fn can_cast(from: DType, to: DType, casting: Casting) -> bool {
    if from == to || casting == Casting::Unsafe {
        return true;
    }
    if !from.is_number() || !to.is_number() {
        return false;
    }
    let kind = |t: DType| match t {
        _ if t.is_bool() => 0,
        _ if t.is_unsigned() => 1,
        _ if t.is_integer() => 2,
        _ if t.is_float() => 3,
        _ => 4,
    };
    let (low, high) = (kind(from), kind(to));
    let (part, width) = (from.real_part().size(), to.real_part().size());
    match casting {
        Casting::No => false,
        Casting::SameKind => low <= high,
        _ if low == 0 => true,
        _ if high <= 2 => low <= high && if low == high { part <= width } else { part < width },
        // integers among floats: twice as wide, and at most as wide as there are
        _ if low <= 2 => width >= (2 * part).min(8),
        _ => low <= high && (part < width || from.real_part() == to.real_part()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NumPy's answers: a row for each type, a column for each, in the order of the names.
    #[test]
    fn as_numpy() {
        const NAMES: &str = "bool uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128";
        const SAFE: &str = "111111111111111 .1111.111111111 ..111..11..1111 ...11...1...1.1 ....1.......1.1 .....1111111111 ......111..1111 .......11...1.1 \
            ........1...1.1 .........1.1111 ..........11111 ...........1111 ............1.1 .............11 ..............1";
        // float16 and the others to bfloat16, and back, and complex numbers to it: NumPy does not know of which kind this type is
        const KIND: &str = "111111111111111 .11111111111111 .11111111111111 .11111111111111 .11111111111111 .....1111111111 .....1111111111 .....1111111111 \
            .....1111111111 .........111111 .........111111 .........111111 .........111111 .............11 .............11";
        let types: Vec<DType> = NAMES.split(' ').map(|n| DType::from_name(n).expect("a type")).collect();
        for (table, casting) in [(SAFE, Casting::Safe), (KIND, Casting::SameKind)] {
            for (from, row) in types.iter().zip(table.split_whitespace()) {
                for (to, mark) in types.iter().zip(row.chars()) {
                    assert_eq!(can_cast(*from, *to, casting), mark == '1', "{from} to {to}, {casting:?}");
                }
            }
        }
        assert!(!can_cast(DType::Float32, DType::Float64, Casting::No));
        assert!(can_cast(DType::Complex64, DType::Bool, Casting::Unsafe));
    }
}
