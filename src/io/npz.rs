//! NumPy's `.npz`: a zip archive of `.npy` files, arrays by name.

use super::zip::{Writer, content, entries};
use super::*;

/// Saves the arrays of a tree under their [names]. As `jax.numpy.savez`.
///
/// ```
/// use cotangent::{io::npz, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-{}.npz", std::process::id()));
/// let params = (array![1., 2.], vec![array![3]]);
/// npz::save(&path, &params)?; // under "0" and "1.0"
/// let (w, rest) = npz::load(&path, &params)?;
/// assert_eq!((w.to_string(), rest[0].to_string()), ("[1. 2.]".into(), "[3]".into()));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save<T: Pytree>(path: impl AsRef<Path>, tree: &T) -> Result<()> {
    saved(path.as_ref(), named(tree), false)
}
/// The same in less space. As `numpy.savez_compressed`.
///
/// ```
/// use cotangent::{io::npz, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-compressed-{}.npz", std::process::id()));
/// npz::save_compressed(&path, &vec![array![1., 2.]])?;
/// assert_eq!(npz::load_all(&path)?["0"].to_string(), "[1. 2.]");
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn save_compressed<T: Pytree>(path: impl AsRef<Path>, tree: &T) -> Result<()> {
    saved(path.as_ref(), named(tree), true)
}
fn saved(path: &Path, arrays: Result<Vec<(String, Array)>>, deflate: bool) -> Result<()> {
    let arrays = about(path, arrays)?;
    replace(path, |out| write(&arrays, out, deflate))
}
fn write(arrays: &[(String, Array)], out: &mut dyn Write, deflate: bool) -> std::io::Result<()> {
    let mut zip = Writer::new(out);
    for (name, x) in arrays {
        with_bytes(x, |b| zip.add(&format!("{name}.npy"), &[&npy::header(x), b], deflate))?
    }
    zip.finish()
}

/// A tree with the structure of `template`: each leaf is the array of its [name](names), which has its shape and type. The leaves' values do not matter.
///
/// An array that is missing, of another type, or left over is an error.
///
/// ```
/// use cotangent::{io::npz, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-load-{}.npz", std::process::id()));
/// npz::save(&path, &(array![1., 2.], array![3]))?;
/// let (w, b) = npz::load(&path, &(array![0., 0.], array![0]))?;
/// assert_eq!((w.to_string(), b.to_string()), ("[1. 2.]".into(), "[3]".into()));
/// assert!(npz::load(&path, &(array![0.], array![0])).is_err()); // of another shape
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load<T: Pytree>(path: impl AsRef<Path>, template: &T) -> Result<T> {
    let path = path.as_ref();
    load_all(path).and_then(|arrays| about(path, fitted(template, arrays)))
}
/// All arrays by name. As `jax.numpy.load`.
///
/// ```
/// use cotangent::{io::npz, prelude::*};
/// # let path = std::env::temp_dir().join(format!("cotangent-all-{}.npz", std::process::id()));
/// npz::save(&path, &vec![array![1., 2.], array![3.]])?;
/// let all = npz::load_all(&path)?;
/// assert_eq!((all.len(), all["1"].to_string()), (2, "[3.]".into()));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn load_all(path: impl AsRef<Path>) -> Result<Named> {
    open(path.as_ref(), read)
}
/// The bytes of a file with these arrays, compressed or not.
///
/// ```
/// use cotangent::{io::npz, prelude::*};
/// let bytes = npz::encode(&vec![array![1., 2.]], true)?;
/// assert_eq!(npz::decode(&bytes)?["0"].to_string(), "[1. 2.]");
/// # Ok::<(), Error>(())
/// ```
pub fn encode<T: Pytree>(tree: &T, compressed: bool) -> Result<Vec<u8>> {
    let mut out = vec![];
    let arrays = named(tree)?;
    told("writing", write(&arrays, &mut out, compressed))?;
    Ok(out)
}
/// The arrays of a file with these bytes.
///
/// ```
/// use cotangent::{io::npz, prelude::*};
/// let bytes = npz::encode(&vec![array![1., 2.]], false)?;
/// assert_eq!(npz::decode(&bytes)?["0"].to_string(), "[1. 2.]");
/// assert!(npz::decode(&bytes[..50]).is_err());
/// # Ok::<(), Error>(())
/// ```
pub fn decode(bytes: &[u8]) -> Result<Named> {
    read(&mut Reader::new(&mut std::io::Cursor::new(bytes))?)
}

fn read(r: &mut Reader) -> Result<Named> {
    let mut all = Named::new();
    for e in entries(r)? {
        let name = e.name.strip_suffix(".npy").unwrap_or(&e.name).to_string();
        let x = npy::decode(&content(r, &e)?);
        let x = x.map_err(|e| Error::new(e.kind(), format!("the array '{name}': {}", e.message())))?;
        if all.insert(name.clone(), x).is_some() {
            return Err(wrong(format!("there are two arrays '{name}'")));
        }
    }
    Ok(all)
}
