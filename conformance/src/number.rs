//! The elements of recorded arrays as numbers.

use cotangent::jaxpr::json::ArrayData;

/// How the elements of a type are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing to compare but the shape.
    Float0,
    /// Truth values, integers and keys: equal or not.
    Exact,
    /// Real floating-point numbers.
    Real,
    /// Complex numbers.
    Complex,
}

/// The kind of an element type.
pub fn kind(dtype: &str) -> Kind {
    match dtype {
        "float0" => Kind::Float0,
        _ if dtype.starts_with("complex") => Kind::Complex,
        _ if format(dtype).is_some() => Kind::Real,
        _ => Kind::Exact,
    }
}

/// A binary floating-point format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Bits of one number.
    pub bits: u32,
    /// Bits of the fraction.
    pub mantissa: u32,
    /// What is subtracted from the stored exponent.
    pub bias: i32,
    special: Special,
}

/// Which codes are not numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Special {
    /// The greatest exponent: infinity and NaN.
    Ieee,
    /// Only the greatest code of either sign is NaN; there is no infinity.
    Finite,
    /// Only the code of the negative zero is NaN.
    Unsigned,
    /// Every code is a number.
    Nothing,
    /// A power of two, whose greatest code is NaN.
    Exponent,
}

impl Format {
    /// The distance of 1 to the next number.
    pub fn epsilon(self) -> f64 {
        (-f64::from(self.mantissa)).exp2()
    }

    /// The least positive normal number.
    pub fn least_normal(self) -> f64 {
        f64::from(1 - self.bias).exp2()
    }

    fn decode(self, code: u64) -> f64 {
        if self.special == Special::Exponent {
            return if code == 255 { f64::NAN } else { (code as f64 - f64::from(self.bias)).exp2() };
        }
        let top = 1 << (self.bits - 1);
        let sign = if code & top != 0 { -1.0 } else { 1.0 };
        let rest = code & (top - 1);
        let (exponent, fraction) = ((rest >> self.mantissa) as i32, rest & ((1 << self.mantissa) - 1));
        let greatest = (1 << (self.bits - 1 - self.mantissa)) - 1;
        match self.special {
            Special::Ieee if exponent == greatest => return if fraction == 0 { sign / 0.0 } else { f64::NAN },
            Special::Finite if rest == top - 1 => return f64::NAN,
            Special::Unsigned if code == top => return f64::NAN,
            _ => {}
        }
        let fraction = fraction as f64 * self.epsilon();
        let power = |e: i32| f64::from(e).exp2();
        sign * if exponent == 0 {
            fraction * power(1 - self.bias)
        } else {
            (1.0 + fraction) * power(exponent - self.bias)
        }
    }
}

/// The format of a real type, or of the parts of a complex one.
pub fn format(dtype: &str) -> Option<Format> {
    let (bits, mantissa, bias, special) = match dtype {
        "float64" | "complex128" => (64, 52, 1023, Special::Ieee),
        "float32" | "complex64" => (32, 23, 127, Special::Ieee),
        "float16" => (16, 10, 15, Special::Ieee),
        "bfloat16" => (16, 7, 127, Special::Ieee),
        "float8_e5m2" => (8, 2, 15, Special::Ieee),
        "float8_e4m3" => (8, 3, 7, Special::Ieee),
        "float8_e3m4" => (8, 4, 3, Special::Ieee),
        "float8_e4m3fn" => (8, 3, 7, Special::Finite),
        "float8_e4m3fnuz" => (8, 3, 8, Special::Unsigned),
        "float8_e5m2fnuz" => (8, 2, 16, Special::Unsigned),
        "float8_e4m3b11fnuz" => (8, 3, 11, Special::Unsigned),
        "float8_e8m0fnu" => (8, 0, 127, Special::Exponent),
        "float4_e2m1fn" => (4, 1, 1, Special::Nothing),
        _ => return None,
    };
    Some(Format { bits, mantissa, bias, special })
}

/// The elements of a real or complex array, as real and imaginary part.
///
/// # Panics
/// If the elements are of another kind.
pub fn numbers(array: &ArrayData) -> Vec<[f64; 2]> {
    let format = format(&array.dtype).expect("a floating-point type");
    let word = |bytes: &[u8]| {
        let code = bytes.iter().rev().fold(0u64, |code, &byte| code << 8 | u64::from(byte));
        match format.bits {
            // What the machine knows is read by the machine: it keeps every bit and is quick.
            64 => f64::from_bits(code),
            32 => f64::from(f32::from_bits(code as u32)),
            4 => format.decode(code & 15),
            _ => format.decode(code),
        }
    };
    let width = (format.bits as usize).div_ceil(8);
    if kind(&array.dtype) == Kind::Complex {
        array.bytes.chunks(2 * width).map(|c| [word(&c[..width]), word(&c[width..])]).collect()
    } else {
        array.bytes.chunks(width).map(|c| [word(c), 0.0]).collect()
    }
}

/// The same array with other elements; only for the types of 32 and 64 bits.
pub fn with_numbers(array: &ArrayData, numbers: &[[f64; 2]]) -> Option<ArrayData> {
    let parts = if kind(&array.dtype) == Kind::Complex { 2 } else { 1 };
    let values = numbers.iter().flat_map(|z| &z[..parts]);
    let bytes = match format(&array.dtype)?.bits {
        64 => values.flat_map(|x| x.to_le_bytes()).collect(),
        32 => values.flat_map(|x| (*x as f32).to_le_bytes()).collect(),
        _ => return None,
    };
    Some(ArrayData { bytes, ..array.clone() })
}

/// The same array with zeros in the place of its subnormal numbers, or nothing if it has none. Only for `float32`, `bfloat16`, `float64` and
/// the complex types: processors that flush subnormals see those of narrower types as normal numbers of `float32`.
pub fn flushed(array: &ArrayData) -> Option<ArrayData> {
    let format = format(&array.dtype)?;
    if format.bits <= 16 && array.dtype != "bfloat16" {
        return None;
    }
    let width = format.bits as usize / 8;
    let exponent = u64::MAX >> (64 - (format.bits - 1 - format.mantissa)) << format.mantissa;
    let mut out = array.clone();
    let mut found = false;
    for word in out.bytes.chunks_mut(width) {
        let code = word.iter().rev().fold(0u64, |code, &byte| code << 8 | u64::from(byte));
        if code & exponent == 0 && code & ((1 << format.mantissa) - 1) != 0 {
            let sign = code & 1 << (format.bits - 1);
            word.copy_from_slice(&sign.to_le_bytes()[..width]);
            found = true;
        }
    }
    found.then_some(out)
}

/// One element as text.
pub fn show(array: &ArrayData, index: usize) -> String {
    let width = array.bytes.len() / array.len().max(1);
    let bytes = &array.bytes[index * width..(index + 1) * width];
    match kind(&array.dtype) {
        Kind::Float0 => "nothing".into(),
        Kind::Real | Kind::Complex => {
            let one = ArrayData { shape: vec![], bytes: bytes.to_vec(), ..array.clone() };
            let [re, im] = numbers(&one)[0];
            // A float32 is shown by its own shortest text, not by that of the float64 with the same value.
            let part = |x: f64| {
                if array.dtype == "float64" || array.dtype == "complex128" {
                    format!("{x:?}")
                } else {
                    format!("{:?}", x as f32)
                }
            };
            if kind(&array.dtype) == Kind::Real { part(re) } else { format!("({}, {})", part(re), part(im)) }
        }
        Kind::Exact => integer(&array.dtype, bytes),
    }
}

/// An integer, truth value or key as text.
fn integer(dtype: &str, bytes: &[u8]) -> String {
    let code = bytes.iter().rev().fold(0u64, |code, &byte| code << 8 | u64::from(byte));
    let bits = 8 * bytes.len() as u32;
    match dtype {
        "bool" => (code != 0).to_string(),
        "int4" => (((code << 60) as i64) >> 60).to_string(),
        "int2" => (((code << 62) as i64) >> 62).to_string(),
        "uint4" => (code & 15).to_string(),
        "uint2" => (code & 3).to_string(),
        _ if dtype.starts_with("uint") => code.to_string(),
        _ if dtype.starts_with("int") => ((code << (64 - bits)) as i64 >> (64 - bits)).to_string(),
        _ => format!("{code:#018x}"),
    }
}

/// Are two elements of a kind that is compared exactly equal? The unused bits of narrow types do not count.
pub fn same(dtype: &str, a: &[u8], b: &[u8]) -> bool {
    match dtype {
        "int4" | "uint4" => a[0] & 15 == b[0] & 15,
        "int2" | "uint2" => a[0] & 3 == b[0] & 3,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(dtype: &str, bytes: &[u8], len: usize) -> ArrayData {
        ArrayData { dtype: dtype.into(), shape: vec![len], weak: false, bytes: bytes.to_vec() }
    }

    #[test]
    fn narrow_formats_are_read() {
        let real = |dtype, bytes: &[u8]| -> Vec<f64> {
            let width = element_width(dtype);
            numbers(&array(dtype, bytes, bytes.len() / width)).iter().map(|z| z[0]).collect()
        };
        // 1, -2, the greatest, the least subnormal, infinity.
        let half = [0x00, 0x3c, 0x00, 0xc0, 0xff, 0x7b, 0x01, 0x00, 0x00, 0x7c];
        assert_eq!(real("float16", &half), [1.0, -2.0, 65504.0, 5.960464477539063e-8, f64::INFINITY]);
        assert_eq!(real("bfloat16", &[0x80, 0x3f, 0x49, 0x40, 0x80, 0xff]), [1.0, 3.140625, f64::NEG_INFINITY]);
        assert_eq!(real("float8_e4m3fn", &[0x38, 0x7e, 0x01]), [1.0, 448.0, 0.001953125]);
        assert!(real("float8_e4m3fn", &[0x7f])[0].is_nan());
        assert_eq!(real("float8_e5m2", &[0x3c, 0x7b, 0x7c]), [1.0, 57344.0, f64::INFINITY]);
        assert_eq!(real("float8_e4m3fnuz", &[0x40, 0x7f]), [1.0, 240.0]);
        assert!(real("float8_e4m3fnuz", &[0x80])[0].is_nan());
        assert_eq!(real("float4_e2m1fn", &[0, 1, 2, 7, 0xf]), [0.0, 0.5, 1.0, 6.0, -6.0]);
        assert_eq!(real("float8_e8m0fnu", &[127, 128]), [1.0, 2.0]);
    }

    fn element_width(dtype: &str) -> usize {
        cotangent::jaxpr::json::element_bytes(dtype).unwrap()
    }

    #[test]
    fn elements_as_text() {
        assert_eq!(show(&array("int8", &[0xff, 3], 2), 0), "-1");
        assert_eq!(show(&array("uint16", &[1, 2], 1), 0), "513");
        assert_eq!(show(&array("int4", &[0x0f], 1), 0), "-1");
        assert_eq!(show(&array("bool", &[1], 1), 0), "true");
        assert_eq!(show(&array("float32", &0.1f32.to_le_bytes(), 1), 0), "0.1");
        assert_eq!(show(&array("complex64", &[0, 0, 128, 63, 0, 0, 0, 0], 1), 0), "(1.0, 0.0)");
    }

    #[test]
    fn subnormals_are_flushed_and_nothing_else() {
        let bytes: Vec<u8> = [1.0f32, -1e-40, 0.0, f32::MIN_POSITIVE].iter().flat_map(|x| x.to_le_bytes()).collect();
        let out = flushed(&array("float32", &bytes, 4)).unwrap();
        let expected: Vec<u8> = [1.0f32, -0.0, 0.0, f32::MIN_POSITIVE].iter().flat_map(|x| x.to_le_bytes()).collect();
        assert_eq!(out.bytes, expected);
        assert!(flushed(&out).is_none());
        assert!(flushed(&array("float16", &[1, 0], 1)).is_none());
        assert!(flushed(&array("int32", &[1, 0, 0, 0], 1)).is_none());
    }
}
