//! `safetensors`: arrays by name behind one header of JSON, as models are exchanged.

use super::*;
use serde_json::{Map, Value};

/// Element types and their names; there is none for complex128.
const TYPES: [(DType, &str); 14] = [
    (DType::Bool, "BOOL"),
    (DType::Int8, "I8"),
    (DType::Int16, "I16"),
    (DType::Int32, "I32"),
    (DType::Int64, "I64"),
    (DType::Uint8, "U8"),
    (DType::Uint16, "U16"),
    (DType::Uint32, "U32"),
    (DType::Uint64, "U64"),
    (DType::Float16, "F16"),
    (DType::BFloat16, "BF16"),
    (DType::Float32, "F32"),
    (DType::Float64, "F64"),
    (DType::Complex64, "C64"),
];
/// The most bytes of a header that the format allows.
const HEADER: u64 = 100_000_000;
/// The entry that is no array, but text by name.
const METADATA: &str = "__metadata__";

/// Text by name, which a file has beside its arrays.
///
/// ```
/// use cotangent::{io::safetensors::{self, Metadata}, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-meta-{}.safetensors", std::process::id()));
/// let text = Metadata::from([("epoch".into(), "7".into())]);
/// safetensors::save_with(&path, &vec![array(1.0)], &text)?;
/// assert_eq!(safetensors::load_all(&path)?.1, text);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub type Metadata = BTreeMap<String, String>;

/// Saves the arrays of a tree under their [names].
///
/// ```
/// use cotangent::{io::safetensors, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-{}.safetensors", std::process::id()));
/// safetensors::save(&path, &vec![array![1., 2.]])?;
/// assert_eq!(safetensors::load_all(&path)?.0["0"].to_string(), "[1. 2.]");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save<T: Pytree>(path: impl AsRef<Path>, tree: &T) -> Result<()> {
    save_with(path, tree, &Metadata::new())
}
/// The same with text beside the arrays.
///
/// ```
/// use cotangent::{io::safetensors::{self, Metadata}, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-with-{}.safetensors", std::process::id()));
/// let text = Metadata::from([("trained".into(), "yes".into())]);
/// safetensors::save_with(&path, &vec![array![1., 2.]], &text)?;
/// assert_eq!(safetensors::load_all(&path)?.1["trained"], "yes");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save_with<T: Pytree>(path: impl AsRef<Path>, tree: &T, metadata: &Metadata) -> Result<()> {
    let path = path.as_ref();
    let parts = about(path, named(tree).and_then(|all| parts(all, metadata)))?;
    replace(path, |out| write(&parts, out))
}
/// A tree with the structure of `template`: each leaf is the array of its [name](names), which has its shape and type. The leaves' values do not matter.
///
/// An array that is missing, of another type, or left over is an error.
///
/// ```
/// use cotangent::{io::safetensors, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-load-{}.safetensors", std::process::id()));
/// safetensors::save(&path, &vec![array![1., 2.]])?;
/// let w = safetensors::load(&path, &vec![array![0., 0.]])?;
/// assert_eq!(w[0].to_string(), "[1. 2.]");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load<T: Pytree>(path: impl AsRef<Path>, template: &T) -> Result<T> {
    let path = path.as_ref();
    load_all(path).and_then(|(arrays, _)| about(path, fitted(template, arrays)))
}
/// All arrays by name, and the text beside them.
///
/// ```
/// use cotangent::{io::safetensors, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-all-{}.safetensors", std::process::id()));
/// safetensors::save(&path, &vec![array![1., 2.]])?;
/// let (arrays, text) = safetensors::load_all(&path)?;
/// assert_eq!((arrays["0"].to_string(), text.len()), ("[1. 2.]".into(), 0));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load_all(path: impl AsRef<Path>) -> Result<(Named, Metadata)> {
    open(path.as_ref(), read)
}
/// The bytes of a file with these arrays and this text.
///
/// ```
/// use cotangent::{io::safetensors::{self, Metadata}, prelude::*};
/// let bytes = safetensors::encode(&vec![array![1., 2.]], &Metadata::new())?;
/// assert_eq!(safetensors::decode(&bytes)?.0["0"].to_string(), "[1. 2.]");
/// # Ok::<(), Error>(())
/// ```
pub fn encode<T: Pytree>(tree: &T, metadata: &Metadata) -> Result<Vec<u8>> {
    let mut out = vec![];
    let parts = parts(named(tree)?, metadata)?;
    told("writing", write(&parts, &mut out))?;
    Ok(out)
}
/// The arrays and the text of a file with these bytes.
///
/// ```
/// use cotangent::{io::safetensors::{self, Metadata}, prelude::*};
/// let bytes = safetensors::encode(&vec![array![1., 2.]], &Metadata::new())?;
/// assert_eq!(safetensors::decode(&bytes)?.0["0"].to_string(), "[1. 2.]");
/// assert!(safetensors::decode(&bytes[..bytes.len() - 1]).is_err());
/// # Ok::<(), Error>(())
/// ```
pub fn decode(bytes: &[u8]) -> Result<(Named, Metadata)> {
    read(&mut Reader::new(&mut std::io::Cursor::new(bytes))?)
}

/// The header, and the arrays in their order.
type Parts = (Vec<u8>, Vec<(String, Array)>);
fn parts(mut arrays: Vec<(String, Array)>, metadata: &Metadata) -> Result<Parts> {
    // the widest elements first, so that all are aligned
    arrays.sort_by(|(a, x), (b, y)| y.dtype().size().cmp(&x.dtype().size()).then_with(|| a.cmp(b)));
    let mut header = Map::new();
    if !metadata.is_empty() {
        header.insert(METADATA.into(), metadata.iter().map(|(k, v)| (k.clone(), Value::from(v.clone()))).collect());
    }
    let mut at = 0;
    for (name, x) in &arrays {
        let Some((_, dtype)) = TYPES.iter().find(|(t, _)| *t == x.dtype()) else {
            let text =
                format!("'{name}' has elements of type {}, which safetensors does not have; npz does", x.dtype());
            return Err(Error::new(ErrorKind::Type, text));
        };
        if name == METADATA {
            return Err(wrong(format!("no array can be called '{METADATA}'")));
        }
        let end = at + x.size() * x.dtype().size();
        let entry =
            [("dtype", Value::from(*dtype)), ("shape", x.shape().into()), ("data_offsets", vec![at, end].into())];
        header.insert(name.clone(), entry.into_iter().map(|(k, v)| (k.to_string(), v)).collect());
        at = end
    }
    let mut text = Value::from(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    Ok((text, arrays))
}
fn write((header, arrays): &Parts, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header)?;
    arrays.iter().try_for_each(|(_, x)| with_bytes(x, |b| out.write_all(b)))
}

/// An array as the header has it.
struct Entry {
    name: String,
    dtype: DType,
    shape: Shape,
    from: u64,
    to: u64,
}
fn entry(name: &str, v: &Value) -> Result<Entry> {
    let wrong = |what: &str| wrong(format!("the entry of '{name}' {what}"));
    let fields = v.as_object().ok_or_else(|| wrong("is no object"))?;
    if let Some(other) = fields.keys().find(|k| !["dtype", "shape", "data_offsets"].contains(&&k[..])) {
        return Err(wrong(&format!("has an unknown field '{other}'")));
    }
    let dtype = fields.get("dtype").and_then(Value::as_str).ok_or_else(|| wrong("has no dtype"))?;
    let (dtype, _) = TYPES
        .iter()
        .find(|(_, n)| *n == dtype)
        .ok_or_else(|| wrong(&format!("has elements of the type {dtype}, which there is not here")))?;
    let list = |field: &str| -> Option<Vec<u64>> { fields.get(field)?.as_array()?.iter().map(Value::as_u64).collect() };
    let shape = extents(&list("shape").ok_or_else(|| wrong("has no shape"))?)?;
    match list("data_offsets").as_deref() {
        Some(&[from, to]) if from <= to => Ok(Entry { name: name.into(), dtype: *dtype, shape, from, to }),
        _ => Err(wrong("has no data_offsets, the second of which is not before the first")),
    }
}
fn read(r: &mut Reader) -> Result<(Named, Metadata)> {
    let no = |e: Error| wrong(format!("this is no safetensors file: {}", e.message()));
    let length = r.bytes(0, 8, "the length of the header").map_err(no)?;
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    if length > HEADER {
        return Err(no(wrong(format!("its header would have {length} bytes"))));
    }
    let text = r.bytes(8, length, "the header").map_err(no)?;
    // the parser refuses what is nested deeply
    let header: Value = serde_json::from_slice(&text).map_err(|e| wrong(format!("the header is no JSON: {e}")))?;
    let header = header.as_object().ok_or_else(|| wrong("the header is no JSON object"))?;
    let mut metadata = Metadata::new();
    let mut all = vec![];
    for (name, v) in header {
        if name != METADATA {
            all.push(entry(name, v)?);
            continue;
        }
        for (k, v) in v.as_object().ok_or_else(|| wrong("the metadata are no object"))? {
            let text = v.as_str().ok_or_else(|| wrong(format!("the metadata '{k}' are no text")))?;
            metadata.insert(k.clone(), text.into());
        }
    }
    // arrays lie side by side: no byte belongs to two of them, or to none
    all.sort_by_key(|e| (e.from, e.to));
    let (start, mut at) = (8 + length, 0);
    for e in &all {
        if e.from != at {
            return Err(wrong(format!("'{}' begins at byte {} of the data, where {at} is expected", e.name, e.from)));
        }
        let n = size(e.dtype, &e.shape)? as u64;
        if e.to - e.from != n {
            let (has, shape) = (e.to - e.from, tuple(&e.shape));
            return Err(wrong(format!("'{}' has {has} bytes, but {} of shape {shape} takes {n}", e.name, e.dtype)));
        }
        at = e.to
    }
    // no sum below can overflow, because all arrays are in the file
    if r.length.checked_sub(start) != Some(at) {
        let has = r.length.saturating_sub(start);
        return Err(wrong(format!("the arrays have {at} bytes, but the file has {has} for them")));
    }
    let mut arrays = Named::new();
    for e in all {
        let x = r.array(start + e.from, e.dtype, &e.shape, &format!("the array '{}'", e.name))?;
        arrays.insert(e.name, x);
    }
    Ok((arrays, metadata))
}
