//! Files of arrays: those that NumPy and JAX wrote, ours, and damaged ones.

mod common;

use common::same;
use cotangent::dtype::Element;
use cotangent::io::{self, Named, npy, npz, safetensors};
use cotangent::prelude::*;
use half::{bf16, f16};
use num_complex::Complex;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/arrays").join(name)
}
/// A folder for a test, which goes with it.
struct Folder(PathBuf);
impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("cotangent-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(&self.0).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        names.collect()
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
fn of<T: Element>(x: &[T], shape: &[usize]) -> Array {
    Array::from_slice(x, shape)
}
/// An array of every element type, of several shapes.
fn all_types() -> Vec<Array> {
    let mut all = vec![
        of(&[true, false, true], &[3]),
        of(&[1i8, -2, 3, 4], &[2, 2]),
        of(&[1i16, -2], &[2]),
        of(&[i32::MIN, 7], &[1, 2, 1]),
        of(&[i64::MAX], &[]),
        of(&[255u8], &[1]),
        of(&[65535u16, 1], &[2]),
        of(&[u32::MAX], &[]),
        of(&[u64::MAX, 1], &[2]),
        of(&[f16::from_f32(0.1)], &[]),
        of(&[bf16::from_f32(0.1), bf16::from_f32(-3.0)], &[2]),
        of(&[0.1f32, f32::NAN, f32::INFINITY], &[3]),
        of(&[0.1f64, -0.0], &[2]),
        of(&[Complex::new(1.0f32, -2.0)], &[]),
        of(&[Complex::new(1.0f64, -2.0)], &[1, 1]),
    ];
    all.push(of::<f32>(&[], &[0, 3]));
    all
}
fn iota(n: usize) -> Vec<f64> {
    (0..n).map(|x| x as f64).collect()
}

#[test]
fn what_numpy_wrote_is_read() {
    let grid = of(&iota(6), &[2, 3]);
    for (name, want) in [
        ("f4", grid.astype(DType::Float32)),
        ("fortran", of(&iota(24), &[2, 3, 4])),
        ("big", grid.astype(DType::Int32)),
        ("big_complex", of(&iota(6).iter().map(|x| Complex::new(*x as f32, 1.0)).collect::<Vec<_>>(), &[2, 3])),
        ("bfloat16", of(&[bf16::from_f32(1.5), bf16::from_f32(-2.0)], &[2])),
        ("scalar", of(&[2.5f64], &[])),
        ("empty", of::<i8>(&[], &[0, 3])),
        ("bool", of(&[true, false, true], &[3])),
        ("version2", of(&[1u16, 2, 65535], &[3])),
        ("version3", of(&[1u16, 2, 65535], &[3])),
    ] {
        let path = data(&format!("{name}.npy"));
        same(name, &npy::load(&path).unwrap(), &want);
        // and it is written byte for byte as NumPy does
        if ["f4", "bfloat16", "scalar", "empty", "bool"].contains(&name) {
            assert_eq!(npy::encode(&want).unwrap(), std::fs::read(&path).unwrap(), "{name}");
        }
    }
    let text = npy::load(data("text.npy")).unwrap_err();
    assert!(text.message().contains("text.npy: the array has elements of the type '<U2' (text)"), "{text}");
    let stored = npz::load_all(data("stored.npz")).unwrap();
    same("a", &stored["a"], &grid);
    same("b", &stored["b"], &grid.astype(DType::Int16));
    let deflated = npz::load_all(data("deflated.npz")).unwrap();
    same("zeros", &deflated["zeros"], &of(&[0f32; 2000], &[40, 50]));
    same("z", &deflated["z"], &of(&[Complex::new(1.0f64, 2.0)], &[1]));
}

#[test]
fn every_type_comes_back() {
    for (i, x) in all_types().iter().enumerate() {
        same("npy", &npy::decode(&npy::encode(x).unwrap()).unwrap(), x);
        if x.dtype() != DType::Complex128 {
            let (back, _) = safetensors::decode(&safetensors::encode(x, &BTreeMap::new()).unwrap()).unwrap();
            same("safetensors", &back["value"], x);
        }
        let tree: Named = [(format!("x{i}"), x.clone())].into();
        for compressed in [false, true] {
            let back = npz::decode(&npz::encode(&tree, compressed).unwrap()).unwrap();
            same("npz", &back[&format!("x{i}")], x);
        }
    }
    let told = safetensors::encode(&of(&[Complex::new(1.0f64, -2.0)], &[]), &BTreeMap::new()).unwrap_err();
    assert!(told.message().contains("complex128, which safetensors does not have; npz does"), "{told}");
    let keys = cotangent::random::split_array(cotangent::random::key(0), &[2]);
    assert!(npz::encode(&keys, false).unwrap_err().message().contains("random::key_data"));
}

#[derive(Pytree)]
struct Layer {
    w: Array,
    b: Option<Array>,
}
fn model() -> (Layer, Vec<Layer>, BTreeMap<String, Array>) {
    let layer = |x: f32| Layer { w: of(&[x, 2.0], &[2]), b: (x > 1.0).then(|| of(&[1i32], &[])) };
    (layer(1.0), vec![layer(2.0), layer(3.0)], [("it's".to_string(), of(&[1u8], &[1]))].into())
}

#[test]
fn trees_by_name() {
    let folder = Folder::new("trees");
    let tree = model();
    assert_eq!(io::names(&tree), ["0.w", "1.0.w", "1.0.b", "1.1.w", "1.1.b", "2.it's"]);
    let (a, b) = (folder.0.join("a.safetensors"), folder.0.join("b.npz"));
    let about: BTreeMap<String, String> = [("made by".to_string(), "a test \u{1f600}".to_string())].into();
    safetensors::save_with(&a, &tree, &about).unwrap();
    npz::save_compressed(&b, &tree).unwrap();
    assert_eq!(safetensors::load_all(&a).unwrap().1, about);
    for back in [safetensors::load(&a, &tree).unwrap(), npz::load(&b, &tree).unwrap()] {
        for (x, y) in tree::leaves(&tree).iter().zip(tree::leaves(&back)) {
            same("leaf", x, &y)
        }
    }
    let mistake = |template: &(Layer, Vec<Layer>, BTreeMap<String, Array>)| {
        let (x, y) = (safetensors::load(&a, template).err().unwrap(), npz::load(&b, template).err().unwrap());
        assert_eq!(x.kind(), y.kind());
        (x.kind(), x.message().to_string())
    };
    let mut less = model();
    less.1.pop();
    assert!(mistake(&less).1.contains("a.safetensors: 2 arrays belong to no leaf of the template, '1.1.b' among them"));
    let mut more = model();
    more.0.b = Some(array![1]);
    assert!(mistake(&more).1.contains("there is no array '0.b'"));
    let mut other = model();
    other.0.w = array![1, 2];
    assert_eq!(mistake(&other).0, ErrorKind::Type);
    other.0.w = array![1., 2., 3.];
    assert_eq!(mistake(&other).0, ErrorKind::Shape);
    // names that meet
    let twice: BTreeMap<String, BTreeMap<String, Array>> = [
        ("a.b".to_string(), [("c".to_string(), array![1])].into()),
        ("a".to_string(), [("b.c".to_string(), array![1])].into()),
    ]
    .into();
    assert!(npz::encode(&twice, false).unwrap_err().message().contains("two arrays of the tree have the name 'a.b.c'"));
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let folder = Folder::new("failed");
    let path = folder.0.join("x.npy");
    npy::save(&path, &array![1., 2.]).unwrap();
    let before = std::fs::read(&path).unwrap();
    // in the middle of writing
    let told = io::replace(&path, |out| {
        out.write_all(&[7; 100_000])?;
        Err(std::io::Error::other("no space"))
    });
    assert!(told.unwrap_err().message().contains("x.npy: saving: no space"));
    // the writer panics
    assert!(std::panic::catch_unwind(|| io::replace(&path, |_| panic!("in the middle"))).is_err());
    // a value that is not known
    let traced = jit(|x: &Array| {
        let e = npy::save(&path, x).unwrap_err();
        assert!(e.message().contains("abstract"), "{e}");
        x * 1.0
    });
    traced(&array![1.]);
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(folder.files(), ["x.npy"]);
    // and a good one replaces it, as often as one likes, with the permissions that it had
    npy::save(&path, &array![3.]).unwrap();
    assert_eq!(npy::load(&path).unwrap().to_string(), "[3.]");
    assert_eq!(folder.files(), ["x.npy"]);
    assert!(npy::save(folder.0.join("none/x.npy"), &array![1.]).is_err());
    assert!(npy::load(folder.0.join("y.npy")).unwrap_err().message().contains("y.npy: opening"));
    assert_eq!(npy::load(&folder.0).unwrap_err().kind(), ErrorKind::File);
}

/// Small files of every kind, and how they are read.
type Read = fn(&[u8]) -> io::Result<usize>;
fn samples() -> Vec<(&'static str, Vec<u8>, Read)> {
    let tree: Named = [("a".to_string(), array![1., 2.]), ("b".to_string(), of(&[true, false], &[2, 1]))].into();
    let read_npy: Read = |b| npy::decode(b).map(|x| x.size());
    let read_npz: Read = |b| npz::decode(b).map(|x| x.len());
    let read_safe: Read = |b| safetensors::decode(b).map(|x| x.0.len());
    let metadata = [("k".to_string(), "v".to_string())].into();
    vec![
        ("npy", npy::encode(&tree["a"]).unwrap(), read_npy),
        ("fortran", std::fs::read(data("fortran.npy")).unwrap(), read_npy),
        ("big", std::fs::read(data("big_complex.npy")).unwrap(), read_npy),
        ("npz", npz::encode(&tree, false).unwrap(), read_npz),
        ("deflated", npz::encode(&tree, true).unwrap(), read_npz),
        ("numpy's", std::fs::read(data("deflated.npz")).unwrap(), read_npz),
        ("safetensors", safetensors::encode(&tree, &metadata).unwrap(), read_safe),
    ]
}

#[test]
fn cut_off_anywhere() {
    for (name, bytes, read) in samples() {
        assert!(read(&bytes).is_ok(), "{name}");
        for n in 0..bytes.len() {
            let e = read(&bytes[..n]).expect_err(&format!("{name}, the first {n} bytes"));
            assert_eq!(e.kind(), ErrorKind::File, "{name}, the first {n} bytes: {e}");
        }
    }
}

#[test]
fn damaged_anywhere() {
    // a generator of its own: what it gives is the same in every run
    let mut state = 1u64;
    let mut next = |n: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % n
    };
    let mut refused = 0;
    for (name, bytes, read) in samples() {
        // every byte, and several at once
        for i in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut b = bytes.clone();
                b[i] ^= flip;
                refused += read(&b).is_err() as usize;
            }
        }
        for _ in 0..500 {
            let mut b = bytes.clone();
            for _ in 0..1 + next(8) {
                let i = next(b.len());
                b[i] = next(256) as u8;
            }
            refused += read(&b).is_err() as usize;
        }
        // of the archives, every damage to the arrays is found
        if name == "npz" {
            let start = bytes.windows(6).position(|w| w == b"\x93NUMPY").unwrap();
            let mut b = bytes.clone();
            b[start + 128] ^= 1;
            assert!(read(&b).unwrap_err().message().contains("checksum"));
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn hostile_headers() {
    let npy = |descr: &str, shape: &str| {
        let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let b = [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes(), &[0; 64]].concat();
        npy::decode(&b).map(|x| x.shape().to_vec()).map_err(|e| e.message().to_string())
    };
    assert_eq!(npy("<f4", "(2, 2)"), Ok(vec![2, 2]));
    assert_eq!(npy("<f4", "(2L, 2L,)"), Ok(vec![2, 2]));
    for (descr, shape, words) in [
        ("<f4", "(1000000000000,)", "ends before byte"),
        ("<f4", "(9223372036854775807,)", "larger than memory can be"),
        ("<f4", "(4294967296, 4294967296, 4294967296)", "larger than memory can be"),
        ("<f4", "(0, 9223372036854775807, 9223372036854775807)", "larger than memory can be"),
        ("<f4", "(99999999999999999999,)", "no extent"),
        ("<f4", "(-1,)", "no extent"),
        ("<f4", "(1, 2", "no extent"),
        ("<f4", "(1 2)", "no ')'"),
        ("<f4", "3", "no '('"),
        ("<f3", "(1,)", "type '<f3'"),
        ("O", "(1,)", "Python objects"),
        ("<<f4", "(1,)", "type '<<f4'"),
        ("", "(1,)", "type ''"),
    ] {
        let told = npy(descr, shape).unwrap_err();
        assert!(told.contains(words), "{descr} {shape}: {told}");
    }
    let many = format!("({})", "1, ".repeat(65));
    assert!(npy("<f4", &many).unwrap_err().contains("65 dimensions"));
    let version = npy::decode(b"\x93NUMPY\x09\x00aaaaaaaa").unwrap_err();
    assert!(version.message().contains("version 9"), "{version}");
    let long = npy::decode(b"\x93NUMPY\x02\x00\xff\xff\xff\xffaa").unwrap_err();
    assert!(long.message().contains("the header ends before byte"), "{long}");

    let safe = |header: &str, data: usize| {
        let b = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat();
        safetensors::decode(&b).map(|x| x.0.len()).map_err(|e| e.message().to_string())
    };
    let one = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#"{{"x": {{"dtype": "{dtype}", "shape": {shape}, "data_offsets": {offsets}}}}}"#)
    };
    assert_eq!(safe(&one("F32", "[2, 2]", "[0, 16]"), 16), Ok(1));
    assert_eq!(safe("{}", 0), Ok(0));
    let deep = "[".repeat(100_000);
    let both = r#"{"x": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}, "y": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]}}"#;
    let hole = r#"{"x": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}, "y": {"dtype": "U8", "shape": [2], "data_offsets": [4, 6]}}"#;
    for (header, data, words) in [
        (one("F32", "[2, 2]", "[0, 16]"), 17, "the file has"),
        (one("F32", "[2, 2]", "[0, 16]"), 15, "the file has"),
        (one("F32", "[2, 2]", "[0, 8]"), 8, "takes 16"),
        (one("F32", "[2, 2]", "[16, 0]"), 16, "no data_offsets"),
        (one("F32", "[2, 2]", "[0, 16, 0]"), 16, "no data_offsets"),
        (one("F32", "[2, -2]", "[0, 16]"), 16, "no shape"),
        (one("F32", "[2, 2.5]", "[0, 16]"), 16, "no shape"),
        (one("F8", "[2]", "[0, 2]"), 2, "of the type F8"),
        (one("F32", "[18446744073709551615, 3]", "[0, 16]"), 16, "larger than memory can be"),
        (one("U8", "[1000000000000]", "[0, 1000000000000]"), 16, "the file has"),
        (one("U8", "[1]", "[18446744073709551614, 18446744073709551615]"), 16, "is expected"),
        (both.into(), 6, "is expected"),
        (hole.into(), 6, "is expected"),
        ("[]".into(), 0, "no JSON object"),
        (deep, 0, "no JSON"),
        (r#"{"x": 1}"#.into(), 0, "is no object"),
        (r#"{"__metadata__": {"a": 1}}"#.into(), 0, "no text"),
        ("{\"x\"".into(), 0, "no JSON"),
    ] {
        let told = safe(&header, data).unwrap_err();
        assert!(told.contains(words), "{}: {told}", &header[..header.len().min(200)]);
    }
    let long = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    assert!(safetensors::decode(&long).unwrap_err().message().contains("this is no safetensors file"));

    // an entry that unpacks to more than it says is refused before it is unpacked
    let zeros = npz::encode(&of(&vec![0u8; 1 << 20], &[1 << 20]), true).unwrap();
    let mut b = zeros.clone();
    let n = ((1u64 << 20) + 128).to_le_bytes();
    let at = b.windows(8).enumerate().filter(|(_, w)| *w == n).map(|(i, _)| i).collect::<Vec<_>>();
    assert_eq!(at.len(), 2, "in its own header and in the directory");
    at.iter().for_each(|i| b[*i..*i + 8].copy_from_slice(&1000u64.to_le_bytes()));
    assert!(npz::decode(&b).unwrap_err().message().contains("damaged"));
    // as many files as the directory likes
    let mut b = npz::encode(&Named::new(), false).unwrap();
    let end = b.len() - 22;
    b[end + 10..end + 12].copy_from_slice(&[0xfe, 0xff]);
    assert!(npz::decode(&b).unwrap_err().message().contains("damaged"));
}

#[test]
fn lent_to_others_and_back() {
    use cotangent::io::dlpack::{export, export_unversioned, import};
    for x in all_types() {
        same("version 1.0", &import(&export(&x).unwrap()).unwrap(), &x);
        same("without a version", &import(&export_unversioned(&x).unwrap()).unwrap(), &x);
    }
    // the memory lives as long as the loan
    let lent = export(&(array![1., 2.] * 2.0)).unwrap();
    let other = std::thread::spawn(move || import(&lent).unwrap()).join().unwrap();
    assert_eq!(other.to_string(), "[2. 4.]");
    assert!(export(&array![1., 2.]).unwrap().into_unversioned().is_none());
    assert!(export_unversioned(&array![1., 2.]).unwrap().into_versioned().is_none());
    // values under grad are known, under jit they are not
    grad(|x: &Array| {
        assert_eq!(import(&export(x).unwrap()).unwrap().to_f64(), 3.0);
        x * x
    })(&array(3.0));
    let kind = |x: &Array| {
        assert_eq!(export(x).unwrap_err().kind(), ErrorKind::Concrete);
        x * x
    };
    jit(kind)(&array(3.0));
}
