//! How arrays print: the text that NumPy gives for `str`, and JAX for `repr`.
//!
//! Both come in two steps. First every element that is shown becomes a word, all of a common form (the module `float` decides
//! for numbers with a point); then the words are set in nested brackets and lines of at most 75 characters. Of arrays with
//! more than 1000 elements, only the corners are shown.

mod digits;
mod float;

use half::{bf16, f16};

use crate::aval::tuple;
use crate::dtype::{DType, Element};

/// The width of a line.
const LINE: usize = 75;
/// The most elements that are all shown.
const THRESHOLD: usize = 1000;
/// How many elements are shown at each end of an axis where others are left out.
const EDGE: usize = 3;

/// The text of an array as `str` gives it in NumPy and JAX. The elements come in row-major order, in little-endian bytes.
///
/// An array without axes prints as a number with all digits it needs: `0.070650816`, `3.0`, `1e-08`. In all other
/// arrays, floats have at most eight digits behind the point. Floats of the type `bfloat16` have six digits, as `%g` gives them.
///
/// ```
/// use cotangent::{DType, array::print};
/// assert_eq!(print::display(DType::Int16, &[3], &[1, 0, 2, 0, 255, 255]), "[ 1  2 -1]");
/// ```
///
/// # Panics
/// If the number of bytes is not that of an array of this type and shape.
pub fn display(dtype: DType, shape: &[usize], data: &[u8]) -> String {
    let size = check(dtype, shape, data);
    match (dtype, shape) {
        (DType::Key, _) => key_text(shape, data),
        (_, []) => scalar(dtype, data),
        _ if size == 0 => "[]".to_owned(),
        _ => nested(dtype, shape, data, &Page { width: LINE, indent: 1, separator: " " }),
    }
}

/// The text of an array as `repr` gives it in JAX: `Array([1., 2.], dtype=float32)`.
///
/// ```
/// use cotangent::{DType, array::print};
/// assert_eq!(print::repr(DType::Int8, false, &[2], &[1, 255]), "Array([ 1, -1], dtype=int8)");
/// ```
///
/// # Panics
/// If the number of bytes is not that of an array of this type and shape.
pub fn repr(dtype: DType, weak: bool, shape: &[usize], data: &[u8]) -> String {
    const PREFIX: &str = "Array(";
    let size = check(dtype, shape, data);
    if dtype == DType::Key {
        return key_text(shape, data);
    }
    let body = if size == 0 {
        format!("[], shape={}", tuple(shape))
    } else {
        // One character of each line is kept free for the comma behind the last bracket.
        nested(dtype, shape, data, &Page { width: LINE - 1, indent: PREFIX.len() + 1, separator: ", " })
    };
    let kind = format!("dtype={dtype}{}", if weak { ", weak_type=True" } else { "" });
    // If the type does not fit on the last line, JAX leaves a gap as wide as the prefix instead of a space. It counts two characters
    // more than the line has, and does not count the prefix of the first line.
    let last_line = body.len() - body.rfind('\n').map_or(0, |at| at + 1) + 2;
    let gap = if last_line + kind.len() + 2 > LINE { PREFIX.len() } else { 1 };
    format!("{PREFIX}{body},{:gap$}{kind})", "")
}

/// The text that Python's `format` gives for an array without axes: of the element converted to a Python number, so that a
/// `float32` of 0.1 becomes `0.10000000149011612`. Arrays with axes give what [`display`] gives.
///
/// ```
/// use cotangent::{DType, array::print};
/// assert_eq!(print::format_python(DType::Float32, &[], &0.1f32.to_le_bytes()), "0.10000000149011612");
/// ```
///
/// # Panics
/// If the number of bytes is not that of an array of this type and shape.
pub fn format_python(dtype: DType, shape: &[usize], data: &[u8]) -> String {
    check(dtype, shape, data);
    if !shape.is_empty() {
        return display(dtype, shape, data);
    }
    match Values::read(dtype, 1, data) {
        Values::Real(_, x) | Values::Brief(x) => format_python_float(x[0]),
        Values::Complex(_, re, im) => float::complex_scalar(re[0], im[0], DType::Float64),
        _ => display(dtype, shape, data),
    }
}

/// The text that Python's `repr` gives for a float: `1.0`, `1e-07`, `1e+16`, `inf`, `nan`.
///
/// ```
/// use cotangent::array::print;
/// assert_eq!([1.0, 1e16, 1e-7].map(print::format_python_float), ["1.0", "1e+16", "1e-07"]);
/// ```
pub fn format_python_float(x: f64) -> String {
    float::scalar(x, DType::Float64, true, false)
}

/// The number of elements, after checking that the bytes are those of an array of this type and shape.
fn check(dtype: DType, shape: &[usize], data: &[u8]) -> usize {
    // Next to an empty axis, the others may be longer than any memory.
    let size = if shape.contains(&0) { 0 } else { shape.iter().product() };
    assert!(
        data.len() == size * dtype.size(),
        "an array of {dtype} and shape {} has {} bytes, not {}",
        tuple(shape),
        size * dtype.size(),
        data.len()
    );
    size
}

/// Keys have no value to show, so the words they consist of are.
fn key_text(shape: &[usize], data: &[u8]) -> String {
    let words = [shape, &[2]].concat();
    format!("Array({}, dtype={}) overlaying:\n{}", tuple(shape), DType::Key, display(DType::Uint32, &words, data))
}

/// Elements, sorted by how they print.
enum Values {
    Bool(Vec<bool>),
    /// Integers are text from the start.
    Integer(Vec<String>),
    /// Numbers of a type whose digits are to be told from others of that type.
    Real(DType, Vec<f64>),
    /// Numbers with six digits.
    Brief(Vec<f64>),
    /// Real parts and imaginary parts, and their type.
    Complex(DType, Vec<f64>, Vec<f64>),
    /// So many empty elements.
    Empty(usize),
}

impl Values {
    fn read(dtype: DType, count: usize, data: &[u8]) -> Values {
        fn integers<T: Element + ToString>(data: &[u8]) -> Values {
            Values::Integer(T::read_le(data).iter().map(T::to_string).collect())
        }
        fn floats<T: Element>(data: &[u8]) -> Vec<f64> {
            T::read_le(data).into_iter().map(T::to_double).collect()
        }
        // The parts of complex numbers lie in memory as twice as many floats.
        fn parts<T: Element>(data: &[u8]) -> Values {
            let (re, im) = floats::<T>(data).as_chunks::<2>().0.iter().map(|&[re, im]| (re, im)).unzip();
            Values::Complex(T::DTYPE, re, im)
        }
        match dtype {
            DType::Bool => Values::Bool(bool::read_le(data)),
            DType::Int8 => integers::<i8>(data),
            DType::Int16 => integers::<i16>(data),
            DType::Int32 => integers::<i32>(data),
            DType::Int64 => integers::<i64>(data),
            DType::Uint8 => integers::<u8>(data),
            DType::Uint16 => integers::<u16>(data),
            DType::Uint32 => integers::<u32>(data),
            DType::Uint64 | DType::Key => integers::<u64>(data),
            DType::Float16 => Values::Real(dtype, floats::<f16>(data)),
            DType::BFloat16 => Values::Brief(floats::<bf16>(data)),
            DType::Float32 => Values::Real(dtype, floats::<f32>(data)),
            DType::Float64 => Values::Real(dtype, floats::<f64>(data)),
            DType::Complex64 => parts::<f32>(data),
            DType::Complex128 => parts::<f64>(data),
            DType::Float0 => Values::Empty(count),
        }
    }

    /// The elements as words of an array.
    fn words(self) -> Vec<String> {
        match self {
            Values::Bool(x) => x.into_iter().map(|b| if b { " True" } else { "False" }.to_owned()).collect(),
            Values::Integer(x) => {
                let width = x.iter().map(String::len).max().unwrap_or(0);
                x.into_iter().map(|word| format!("{word:>width$}")).collect()
            }
            Values::Real(kind, x) => float::column(&x, kind, false),
            Values::Brief(x) => x.into_iter().map(float::general).collect(),
            Values::Complex(kind, re, im) => {
                let join = |(re, im): (String, String)| {
                    // The unit stands at the last digit, before what fills the column.
                    let digits = im.trim_end();
                    format!("{re}{digits}j{}", &im[digits.len()..])
                };
                float::column(&re, kind, false).into_iter().zip(float::column(&im, kind, true)).map(join).collect()
            }
            Values::Empty(n) => vec![EMPTY.to_owned(); n],
        }
    }
}

/// The only value of `Float0`, as NumPy shows it.
const EMPTY: &str = "(b'',)";

/// The text of an array without axes.
fn scalar(dtype: DType, data: &[u8]) -> String {
    match Values::read(dtype, 1, data) {
        Values::Bool(x) => if x[0] { "True" } else { "False" }.to_owned(),
        Values::Integer(mut x) => x.remove(0),
        Values::Real(kind, x) => float::scalar(x[0], kind, true, false),
        Values::Brief(x) => float::general(x[0]),
        Values::Complex(kind, re, im) => float::complex_scalar(re[0], im[0], kind),
        Values::Empty(_) => EMPTY.to_owned(),
    }
}

/// Where the text stands and what separates its words.
struct Page {
    /// The width of a line.
    width: usize,
    /// How far elements of the outermost axis are indented: the text before the array, and its bracket.
    indent: usize,
    separator: &'static str,
}

/// The text of an array that has elements, its words in nested brackets.
fn nested(dtype: DType, shape: &[usize], data: &[u8], page: &Page) -> String {
    let size: usize = shape.iter().product();
    let axes: Vec<Axis> = shape.iter().map(|&n| Axis { n, cut: size > THRESHOLD && n > 2 * EDGE }).collect();
    // Only what is shown has a say in the form of the words.
    let mut shown = vec![0];
    for axis in &axes {
        shown = shown.iter().flat_map(|&at| axis.shown().map(move |i| at * axis.n + i)).collect();
    }
    let bytes: Vec<u8>;
    let data = if shown.len() == size {
        data
    } else {
        bytes = shown.iter().flat_map(|at| &data[at * dtype.size()..][..dtype.size()]).copied().collect();
        &bytes
    };
    let mut words = match (axes.as_slice(), Values::read(dtype, shown.len(), data)) {
        // There is no other word to be as wide as.
        ([], Values::Bool(_)) => return scalar(dtype, data),
        (_, values) => values.words().into_iter(),
    };
    let mut text = String::new();
    set(&axes, &mut words, page, 0, &mut text);
    text
}

/// One axis of an array.
struct Axis {
    n: usize,
    /// Are only the ends shown?
    cut: bool,
}

impl Axis {
    /// How many positions are shown before and after those left out, if any are.
    fn ends(&self) -> (usize, usize) {
        if self.cut { (EDGE, EDGE) } else { (0, self.n) }
    }

    /// The positions that are shown.
    fn shown(&self) -> impl Iterator<Item = usize> + use<> {
        let (head, tail) = self.ends();
        (0..head).chain(self.n - tail..self.n)
    }

    /// One item per position that is shown, which is `true`, and one for those left out, which is `false`.
    fn items(&self) -> impl Iterator<Item = bool> + use<> {
        let (head, tail) = self.ends();
        let gap = self.cut.then_some(false);
        std::iter::repeat_n(true, head).chain(gap).chain(std::iter::repeat_n(true, tail))
    }
}

/// Sets the words of an array, or of a part of one that is `depth` brackets deep.
fn set(axes: &[Axis], words: &mut std::vec::IntoIter<String>, page: &Page, depth: usize, out: &mut String) {
    const GAP: &str = "...";
    let mut next =
        |shown| if shown { words.next().expect("there is a word for each element shown") } else { GAP.to_owned() };
    let indent = page.indent + depth;
    let new_line = |out: &mut String, end: &str, breaks: usize| {
        out.push_str(end);
        out.extend(std::iter::repeat_n('\n', breaks));
        out.extend(std::iter::repeat_n(' ', indent));
    };
    match axes {
        [] => out.push_str(&next(true)),
        [axis] => {
            // Behind a word there is room for its separator or bracket, and for a bracket of every axis outside.
            let width = page.width.saturating_sub(depth + 1);
            let mut line = String::new();
            out.push('[');
            for (i, shown) in axis.items().enumerate() {
                let word = next(shown);
                if i > 0 {
                    line.push_str(page.separator);
                    if indent + line.len() + word.len() > width {
                        new_line(out, line.trim_end(), 1);
                        line.clear();
                    }
                }
                line.push_str(&word);
            }
            out.push_str(&line);
            out.push(']');
        }
        [axis, inner @ ..] => {
            out.push('[');
            for (i, shown) in axis.items().enumerate() {
                if i > 0 {
                    new_line(out, page.separator.trim_end(), inner.len());
                }
                match shown {
                    true => set(inner, words, page, depth + 1, out),
                    false => out.push_str(GAP),
                }
            }
            out.push(']');
        }
    }
}
