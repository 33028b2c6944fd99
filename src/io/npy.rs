//! NumPy's `.npy`: one array, a short header before its bytes.
//!
//! All element types are written as JAX writes them; bfloat16, which NumPy does not know, is there a type of two bytes without a meaning (`V2`), and is read as
//! bfloat16, as JAX does. Read are the versions 1 to 3 of the format, both orders of bytes, and arrays in Fortran's order.

use super::*;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Element types and their names in headers, without the mark of the order of bytes.
const TYPES: [(DType, &str); 15] = [
    (DType::Bool, "b1"),
    (DType::Int8, "i1"),
    (DType::Int16, "i2"),
    (DType::Int32, "i4"),
    (DType::Int64, "i8"),
    (DType::Uint8, "u1"),
    (DType::Uint16, "u2"),
    (DType::Uint32, "u4"),
    (DType::Uint64, "u8"),
    (DType::Float16, "f2"),
    (DType::BFloat16, "V2"),
    (DType::Float32, "f4"),
    (DType::Float64, "f8"),
    (DType::Complex64, "c8"),
    (DType::Complex128, "c16"),
];

/// Saves an array. As `jax.numpy.save`, but the name is taken as it is.
///
/// ```
/// use cotangent::{io::npy, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-{}.npy", std::process::id()));
/// npy::save(&path, &array![[1., 2.], [3., 4.]])?;
/// assert_eq!(npy::load(&path)?.to_string(), "[[1. 2.]\n [3. 4.]]");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save(path: impl AsRef<Path>, x: &Array) -> Result<()> {
    let path = path.as_ref();
    let x = about(path, concrete(x, "the array"))?;
    replace(path, |out| write(x, out))
}
/// Loads an array. As `jax.numpy.load`.
///
/// ```
/// use cotangent::{io::npy, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-load-{}.npy", std::process::id()));
/// npy::save(&path, &array![1, 2])?;
/// assert_eq!(npy::load(&path)?.to_string(), "[1 2]");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load(path: impl AsRef<Path>) -> Result<Array> {
    open(path.as_ref(), read)
}
/// The bytes of a file with this array.
///
/// ```
/// use cotangent::{io::npy, prelude::*};
/// let bytes = npy::encode(&array![1., 2.])?;
/// assert_eq!(npy::decode(&bytes)?.to_string(), "[1. 2.]");
/// # Ok::<(), Error>(())
/// ```
pub fn encode(x: &Array) -> Result<Vec<u8>> {
    let x = concrete(x, "the array")?;
    let mut out = vec![];
    told("writing", write(x, &mut out))?;
    Ok(out)
}
/// The array of a file with these bytes.
///
/// ```
/// use cotangent::{io::npy, prelude::*};
/// let bytes = npy::encode(&array![1., 2.])?;
/// assert_eq!(npy::decode(&bytes)?.to_string(), "[1. 2.]");
/// assert!(npy::decode(&bytes[..bytes.len() - 1]).is_err());
/// # Ok::<(), Error>(())
/// ```
pub fn decode(bytes: &[u8]) -> Result<Array> {
    read(&mut Reader::new(&mut std::io::Cursor::new(bytes))?)
}

pub(super) fn write(x: &Array, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(&header(x))?;
    with_bytes(x, |b| out.write_all(b))
}
/// Everything before the elements.
pub(super) fn header(x: &Array) -> Vec<u8> {
    let (_, name) = TYPES.iter().find(|(t, _)| *t == x.dtype()).expect("a type that is saved");
    let order = if x.dtype().size() == 1 { '|' } else { '<' };
    let mut text =
        format!("{{'descr': '{order}{name}', 'fortran_order': False, 'shape': {}, }}", tuple(x.shape())).into_bytes();
    // a line whose end is at a multiple of 64
    let before = MAGIC.len() + 4;
    text.resize((before + text.len() + 1).next_multiple_of(64) - before - 1, b' ');
    text.push(b'\n');
    // 64 dimensions of 20 digits are far from what two bytes can count
    let length = u16::try_from(text.len()).expect("a short header").to_le_bytes();
    [MAGIC, &[1, 0], &length, &text].concat()
}

/// What a header says.
struct Header {
    dtype: DType,
    big: bool,
    fortran: bool,
    shape: Shape,
}

pub(super) fn read(r: &mut Reader) -> Result<Array> {
    let start = r.bytes(0, 8, "the header").map_err(|_| wrong("this is no .npy file: it is too short"))?;
    if !start.starts_with(MAGIC) {
        return Err(wrong("this is no .npy file: it does not begin with \\x93NUMPY"));
    }
    let width = match start[6] {
        1 => 2,
        2 | 3 => 4,
        v => return Err(wrong(format!("version {v} of .npy is unknown"))),
    };
    let mut word = r.bytes(8, width, "the header")?;
    word.resize(4, 0);
    let length = u32::from_le_bytes(word.try_into().expect("four bytes")) as u64;
    let text = r.bytes(8 + width, length, "the header")?;
    let h = parse(&String::from_utf8_lossy(&text))?;
    let at = 8 + width + length;
    if !h.big && !h.fortran {
        return r.array(at, h.dtype, &h.shape, "the array");
    }
    let bytes = r.bytes(at, size(h.dtype, &h.shape)? as u64, "the array")?;
    Ok(finished(h.dtype, &h.shape, rearranged(bytes, &h)))
}

/// Bytes in the order of the machine and elements in that of rows.
fn rearranged(mut bytes: Vec<u8>, h: &Header) -> Buffer {
    if h.big {
        bytes.chunks_exact_mut(h.dtype.real_part().size()).for_each(|b| b.reverse())
    }
    let (rank, each) = (h.shape.len(), h.dtype.size());
    if !h.fortran || rank < 2 || bytes.is_empty() {
        return Buffer::from_bytes(&bytes);
    }
    let strides: Vec<usize> = h.shape.iter().scan(each, |s, n| Some(std::mem::replace(s, *s * n))).collect();
    let mut out = Buffer::zeroed(bytes.len());
    let mut index = vec![0; rank];
    let mut at = 0;
    for to in out.as_bytes_mut().chunks_exact_mut(each) {
        to.copy_from_slice(&bytes[at..at + each]);
        for d in (0..rank).rev() {
            index[d] += 1;
            at += strides[d];
            if index[d] < h.shape[d] {
                break;
            }
            at -= strides[d] * h.shape[d];
            index[d] = 0;
        }
    }
    out
}

/// The header is a Python dictionary of literals, of which there are three.
fn parse(text: &str) -> Result<Header> {
    let mut p = Parser { rest: text.trim_end_matches(['\n', '\0', ' ']) };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    p.expect('{')?;
    while !p.next_if('}') {
        let name = p.string()?;
        p.expect(':')?;
        let twice = match name {
            "descr" => descr.replace(p.descr()?).is_some(),
            "fortran_order" => fortran.replace(p.truth()?).is_some(),
            "shape" => shape.replace(p.numbers()?).is_some(),
            _ => return Err(p.wrong(&format!("an unknown entry '{name}'"))),
        };
        if twice {
            return Err(p.wrong(&format!("a second entry '{name}'")));
        }
        if !p.next_if(',') {
            p.expect('}')?;
            break;
        }
    }
    if !p.rest.trim().is_empty() {
        return Err(p.wrong("text behind its end"));
    }
    let (Some((dtype, big)), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
        return Err(wrong("the header lacks one of 'descr', 'fortran_order' and 'shape'"));
    };
    Ok(Header { dtype, big, fortran, shape: extents(&shape)? })
}
struct Parser<'a> {
    rest: &'a str,
}
impl<'a> Parser<'a> {
    fn wrong(&self, what: &str) -> Error {
        let near: String = self.rest.chars().take(24).collect();
        wrong(format!("the header has {what} before {near:?}"))
    }
    fn next_if(&mut self, c: char) -> bool {
        let rest = self.rest.trim_start();
        let found = rest.strip_prefix(c);
        self.rest = found.unwrap_or(rest);
        found.is_some()
    }
    fn expect(&mut self, c: char) -> Result<()> {
        if self.next_if(c) { Ok(()) } else { Err(self.wrong(&format!("no {c:?}"))) }
    }
    fn string(&mut self) -> Result<&'a str> {
        let quote = ['\'', '"'].into_iter().find(|q| self.next_if(*q));
        let Some((text, rest)) = quote.and_then(|q| self.rest.split_once(q)) else {
            return Err(self.wrong("no string"));
        };
        self.rest = rest;
        Ok(text)
    }
    fn truth(&mut self) -> Result<bool> {
        let rest = self.rest.trim_start();
        for (word, value) in [("True", true), ("False", false)] {
            if let Some(after) = rest.strip_prefix(word) {
                self.rest = after;
                return Ok(value);
            }
        }
        Err(self.wrong("neither True nor False"))
    }
    fn numbers(&mut self) -> Result<Vec<u64>> {
        self.expect('(')?;
        let mut all = vec![];
        while !self.next_if(')') {
            let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let Ok(n) = self.rest[..digits].parse() else { return Err(self.wrong("no extent")) };
            self.rest = &self.rest[digits..];
            // Python 2 wrote long numbers with a mark
            self.next_if('L');
            all.push(n);
            if !self.next_if(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(all)
    }
    /// An element type, and whether its bytes come in the other order.
    fn descr(&mut self) -> Result<(DType, bool)> {
        if self.next_if('[') {
            return Err(wrong(
                "the array has structured elements, which there are not here: save each field by itself",
            ));
        }
        let text = self.string()?;
        let unknown = || {
            let hint = match text.trim_start_matches(['<', '>', '|', '=']).chars().next() {
                Some('O') => " (Python objects)",
                Some('U' | 'S') => " (text)",
                _ => "",
            };
            wrong(format!("the array has elements of the type '{text}'{hint}, which there is not here"))
        };
        let name = text.trim_start_matches(['<', '>', '|', '=']);
        if text.len() > name.len() + 1 {
            return Err(unknown());
        }
        let (dtype, _) = TYPES.iter().find(|(_, n)| *n == name).ok_or_else(unknown)?;
        Ok((*dtype, text.starts_with('>') && dtype.size() > 1))
    }
}
