//! Arrays in files, NumPy's `.npy` and `.npz`, and `safetensors`; and in the memory of others: `dlpack`, and with the feature of that name `faer`. (Conversions from and to the crate `ndarray`
//! are those of [`Array`] itself, with the feature `ndarray`.)
//!
//! Whole trees of parameters are saved under names, and loaded into a tree of the same structure:
//!
//! ```
//! use cotangent::{prelude::*, io::safetensors};
//! # let folder = std::env::temp_dir().join(format!("cotangent-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let path = folder.join("model.safetensors");
//! #[derive(Pytree)]
//! struct Model { w: Array, layers: Vec<Array> }
//! let model = Model { w: array![1., 2.], layers: vec![array![3], array![4]] };
//! safetensors::save(&path, &model)?; // under "w", "layers.0" and "layers.1"
//! let again = safetensors::load(&path, &model)?;
//! assert_eq!(again.w.to_string(), "[1. 2.]");
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A file that is cut off, damaged or of another kind is an error that says what is wrong with it; whatever a file claims, no more memory is taken than
//! it has bytes (of a compressed one: than it unpacks to). A save that fails leaves the previous file as it was.

pub mod dlpack;
#[cfg(feature = "faer")]
pub mod faer;
pub mod npy;
pub mod npz;
pub mod safetensors;
mod zip;

use crate::array::Array;
use crate::aval::{Aval, Shape, tuple};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind};
use crate::{Pytree, tree};
use cotangent_cpu::Buffer;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Arrays by name: itself a tree, which can be saved.
///
/// ```
/// use cotangent::{io::{Named, safetensors}, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-named-{}.safetensors", std::process::id()));
/// let arrays = Named::from([("w".into(), array![1, 2]), ("b".into(), array![3])]);
/// safetensors::save(&path, &arrays)?;
/// assert_eq!(safetensors::load_all(&path)?.0["b"].to_string(), "[3]");
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub type Named = BTreeMap<String, Array>;

/// What saving and loading return.
///
/// ```
/// use cotangent::{io::{self, npy}, prelude::*};
/// let nothing: io::Result<Array> = npy::load("/nowhere/x.npy");
/// assert_eq!(nothing.unwrap_err().kind(), ErrorKind::File);
/// ```
pub type Result<T> = std::result::Result<T, Error>;

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::File, message)
}
/// What went wrong with which file.
fn about<T>(path: &Path, result: Result<T>) -> Result<T> {
    result.map_err(|e| Error::new(e.kind(), format!("{}: {}", path.display(), e.message())))
}
/// What the system says.
fn told<T>(doing: &str, result: std::io::Result<T>) -> Result<T> {
    result.map_err(|e| wrong(format!("{doing}: {e}")))
}

/// What is read from: a file, or bytes.
trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// Something to read, and how long it is.
struct Reader<'a> {
    from: &'a mut dyn Source,
    length: u64,
}
impl Reader<'_> {
    fn new(from: &mut dyn Source) -> Result<Reader<'_>> {
        let length = told("finding the length", from.seek(SeekFrom::End(0)))?;
        Ok(Reader { from, length })
    }
    /// Exactly these bytes. Nothing is allocated before it is known that they are there.
    fn bytes(&mut self, at: u64, n: u64, what: &str) -> Result<Vec<u8>> {
        self.check(at, n, what)?;
        let mut out = vec![0; n as usize];
        told(what, self.from.seek(SeekFrom::Start(at)).and_then(|_| self.from.read_exact(&mut out)))?;
        Ok(out)
    }
    fn check(&self, at: u64, n: u64, what: &str) -> Result<()> {
        match at.checked_add(n) {
            Some(end) if end <= self.length => Ok(()),
            _ => Err(wrong(format!("{what} ends before byte {}, with {n} bytes wanted from byte {at}", self.length))),
        }
    }
    /// The array of this type whose row-major little-endian elements are there.
    fn array(&mut self, at: u64, dtype: DType, shape: &[usize], what: &str) -> Result<Array> {
        let n = size(dtype, shape)?;
        self.check(at, n as u64, what)?;
        let mut buffer = Buffer::zeroed(n);
        let to = buffer.as_bytes_mut();
        told(what, self.from.seek(SeekFrom::Start(at)).and_then(|_| self.from.read_exact(to)))?;
        Ok(finished(dtype, shape, buffer))
    }
}

/// The most dimensions, as in NumPy.
const RANK: usize = 64;

/// The bytes of an array, if there can be such an array.
fn size(dtype: DType, shape: &[usize]) -> Result<usize> {
    let large = || wrong(format!("an array of {dtype} of shape {} is larger than memory can be", tuple(shape)));
    if shape.len() > RANK {
        return Err(wrong(format!("an array of {} dimensions; {RANK} are the most", shape.len())));
    }
    // a zero among the extents makes no other of them harmless: strides are products of some of them
    let all = shape.iter().map(|n| (*n).max(1)).try_fold(dtype.size(), |a, n| a.checked_mul(n));
    let all = all.filter(|n| *n <= isize::MAX as usize / 4).ok_or_else(large)?;
    Ok(if shape.contains(&0) { 0 } else { all })
}
/// The array over these little-endian elements.
fn finished(dtype: DType, shape: &[usize], mut buffer: Buffer) -> Array {
    if dtype == DType::Bool {
        // a truth value is 0 or 1, whatever a file has
        buffer.as_bytes_mut().iter_mut().for_each(|b| *b = (*b != 0) as u8)
    }
    let aval = Aval::new(dtype, shape);
    if shape.is_empty() { Array::from_bytes(aval, buffer.as_bytes()) } else { Array::from_buffer(aval, buffer) }
}
/// The array whose value is to be saved.
fn concrete<'a>(x: &'a Array, what: &str) -> Result<&'a Array> {
    let Ok(x) = x.try_concrete() else {
        let text = format!("{what} is abstract ({}): save outside of the transformed function", x.aval());
        return Err(Error::new(ErrorKind::Concrete, text));
    };
    if !x.dtype().is_number() {
        let hint = if x.dtype() == DType::Key { "; save the words of keys (random::key_data)" } else { "" };
        return Err(Error::new(ErrorKind::Type, format!("{what} has elements of type {}{hint}", x.dtype())));
    }
    Ok(x)
}

/// The names of a tree's leaves: the ways to them with dots between, as in `layers.0.w`. A lone array is called `value`.
///
/// ```
/// use cotangent::{io, prelude::*};
/// assert_eq!(io::names(&(array(1), vec![array(2)])), ["0", "1.0"]);
/// ```
pub fn names<T: Pytree>(tree: &T) -> Vec<String> {
    let mut names = tree::structure(tree).names();
    names.iter_mut().filter(|n| n.is_empty()).for_each(|n| n.push_str("value"));
    names
}
/// The arrays of a tree by name, all of them concrete.
fn named<T: Pytree>(tree: &T) -> Result<Vec<(String, Array)>> {
    let mut all: Vec<(String, Array)> = vec![];
    for (name, leaf) in names(tree).into_iter().zip(tree::leaves(tree)) {
        let x = concrete(&leaf, &format!("the array '{name}'"))?.clone();
        all.push((name, x))
    }
    let mut sorted: Vec<&str> = all.iter().map(|(n, _)| &n[..]).collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|w| w[0] == w[1]) {
        Some(w) => Err(wrong(format!("two arrays of the tree have the name '{}'", w[0]))),
        None => Ok(all),
    }
}
/// The tree with the structure of `template` and these arrays: every leaf has one, of its type, and every one belongs to a leaf.
fn fitted<T: Pytree>(template: &T, mut arrays: Named) -> Result<T> {
    let mut leaves = vec![];
    for (name, like) in names(template).into_iter().zip(tree::leaves(template)) {
        let Some(x) = arrays.remove(&name) else {
            let has: Vec<&str> = arrays.keys().map(|k| &k[..]).take(8).collect();
            return Err(Error::new(
                ErrorKind::Structure,
                format!("there is no array '{name}'; among those that are not yet taken are {has:?}"),
            ));
        };
        if x.dtype() != like.dtype() || x.shape() != like.shape() {
            let kind = if x.dtype() == like.dtype() { ErrorKind::Shape } else { ErrorKind::Type };
            let text = format!("the array '{name}' has type {}, but the template wants {}", x.aval(), like.aval());
            return Err(Error::new(kind, text));
        }
        leaves.push(x)
    }
    if let Some(name) = arrays.keys().next() {
        let text = format!("{} arrays belong to no leaf of the template, '{name}' among them", arrays.len());
        return Err(Error::new(ErrorKind::Structure, text));
    }
    Ok(tree::unflatten(template, leaves))
}

/// Opens a file and reads it.
fn open<T>(path: &Path, read: impl FnOnce(&mut Reader) -> Result<T>) -> Result<T> {
    let run = || {
        let mut file = told("opening", File::open(path))?;
        if told("opening", file.metadata())?.is_dir() {
            return Err(wrong("this is a folder"));
        }
        read(&mut Reader::new(&mut file)?)
    };
    about(path, run())
}

/// Writes a file anew: beside the old one under another name, and when everything is on the disk, in its place. If `write` fails, or anything else, the old one stays and
/// nothing is left behind.
///
/// ```
/// use cotangent::io::replace;
/// use std::io::Write;
/// # let path = std::env::temp_dir().join(format!("cotangent-replace-{}", std::process::id()));
/// replace(&path, |file| Ok(file.write_all(b"all")?))?;
/// assert!(replace(&path, |file| { file.write_all(b"half")?; Err(std::io::Error::other("no more")) }).is_err());
/// assert_eq!(std::fs::read(&path)?, b"all");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn replace(path: impl AsRef<Path>, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let path = path.as_ref();
    about(path, told("saving", replaced(path, write)))
}
fn replaced(path: &Path, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    // a link stays a link to the file that is written
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let name = path.file_name().ok_or_else(|| std::io::Error::other("the path has no name of a file"))?;
    let folder = match path.parent() {
        Some(p) if p != Path::new("") => p,
        _ => Path::new("."),
    };
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.{n}.tmp", std::process::id()));
    let beside = Beside(folder.join(hidden));
    let file = File::create_new(&beside.0)?;
    if let Ok(old) = fs::metadata(path) {
        file.set_permissions(old.permissions())?
    }
    let mut out = BufWriter::with_capacity(1 << 16, file);
    write(&mut out)?;
    let file = out.into_inner().map_err(|e| e.into_error())?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside.0, path)?;
    // the new name is on the disk as well, where a folder can be synchronized
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}
/// A file that is not yet in its place, and goes if it does not get there.
struct Beside(PathBuf);
impl Drop for Beside {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The elements of a concrete array as bytes.
fn with_bytes<R>(x: &Array, f: impl FnOnce(&[u8]) -> R) -> R {
    x.with_bytes(f)
}
/// Extents from numbers of a file.
fn extents(all: &[u64]) -> Result<Shape> {
    let one = |n: &u64| usize::try_from(*n).map_err(|_| wrong(format!("an extent of {n} is too large")));
    all.iter().map(one).collect()
}
