//! Random bits: the Threefry-2x32 hash of counters under a key (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
//! 1, 2, 3", 2011), and what is made of it for keys. The streams are JAX's (its partitionable mode): a bit depends on the key
//! and on its own place only, so any part of a stream can be computed alone.
//!
//! A key is one word of 64 bits whose low half is the first of its two words.

use super::lower::Num;
use super::*;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::trace::bind;
use cotangent_cpu::{Body, Dt, Op, ValId};

/// The hash of the counter (x0, x1) under the key (k0, k1), in two words. All are uint32 and broadcast as the operands of [`add`] do.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let [k, x] = [0u32, 0].map(|w| array(vec![w]));
/// let (y0, y1) = prim::threefry2x32(&k, &k, &x, &x);
/// assert_eq!((y0.to_string(), y1.to_string()), ("[1797259609]".into(), "[2579123966]".into()));
/// ```
#[track_caller]
pub fn threefry2x32(k0: &Array, k1: &Array, x0: &Array, x1: &Array) -> (Array, Array) {
    let mut outs = bind(&Threefry2x32, &[k0, k1, x0, x1]).into_iter();
    let mut next = || outs.next().expect("two words");
    (next(), next())
}
/// See [`threefry2x32`].
///
/// ```
/// use cotangent::prim::{Primitive, Threefry2x32};
/// assert_eq!(Threefry2x32.name(), "threefry2x32");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Threefry2x32;

/// Distances by which a word is rotated in four successive rounds, of the even and the odd groups.
const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
/// What makes a key of zeros no fixed point.
const PARITY: u32 = 0x1BD1_1BDA;

fn rounds(b: &mut Body, key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    let dt = Dt::U32;
    let parity = b.bits(dt, PARITY as u64);
    let both = b.bin(Op::Xor, dt, key[0], key[1]);
    let keys = [key[0], key[1], b.bin(Op::Xor, dt, both, parity)];
    let mut x = [b.bin(Op::Add, dt, counter[0], keys[0]), b.bin(Op::Add, dt, counter[1], keys[1])];
    for group in 0..5 {
        for r in ROTATIONS[group % 2] {
            x[0] = b.bin(Op::Add, dt, x[0], x[1]);
            let (up, down) = (b.bits(dt, r as u64), b.bits(dt, 32 - r as u64));
            let (high, low) = (b.bin(Op::Shl, dt, x[1], up), b.bin(Op::Shr, dt, x[1], down));
            let rotated = b.bin(Op::Or, dt, high, low);
            x[1] = b.bin(Op::Xor, dt, x[0], rotated);
        }
        x[0] = b.bin(Op::Add, dt, x[0], keys[(group + 1) % 3]);
        x[1] = b.bin(Op::Add, dt, x[1], keys[(group + 2) % 3]);
        let round = b.bits(dt, group as u64 + 1);
        x[1] = b.bin(Op::Add, dt, x[1], round);
    }
    x
}

impl Primitive for Threefry2x32 {
    fn name(&self) -> &'static str {
        "threefry2x32"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        if let Some(a) = x.iter().find(|a| a.dtype != DType::Uint32) {
            return Err(format!("takes elements of type (dtype) uint32, not {a}"));
        }
        let out = elementwise(DType::Uint32, x)?.with_weak(false);
        Ok([out.clone(), out].into_iter().collect())
    }
    fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
        [None, None].into_iter().collect()
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let (x, d) = align(x, dims);
        let (a, b) = threefry2x32(&x[0], &x[1], &x[2], &x[3]);
        [(a, Some(d)), (b, Some(d))].into_iter().collect()
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let first = l.map_n(outs, x, |b, x| {
            let x: Vec<u32> = x.iter().map(|x| x.re()).collect();
            rounds(b, [x[0], x[1]], [x[2], x[3]]).into_iter().map(Num::Re).collect()
        });
        [first, first + 1].into_iter().collect()
    }
}

/// The elements as keys: the last dimension, of extent 2, holds the words of one. Or keys as they are.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let keys = prim::random_wrap(&array(vec![0u32, 7]));
/// assert_eq!((keys.dtype(), keys.ndim()), (DType::Key, 0));
/// assert_eq!(prim::random_unwrap(&keys).to_string(), "[0 7]");
/// ```
#[track_caller]
pub fn random_wrap(words: &Array) -> Array {
    bitcast_convert_type(words, DType::Key)
}
/// The two words of each key, in a new last dimension.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::random_unwrap(&prim::random_seed(&array![1, 2])).to_string(), "[[0 1]\n [0 2]]");
/// ```
#[track_caller]
pub fn random_unwrap(keys: &Array) -> Array {
    require_keys("random_unwrap", keys);
    bitcast_convert_type(keys, DType::Uint32)
}
#[track_caller]
fn require_keys(name: &str, keys: &Array) {
    if keys.dtype() != DType::Key {
        fail(ErrorKind::Type, format!("{name}: takes random keys, not a value of type {}", keys.aval()))
    }
}
/// The first and the second word of each key.
fn words(keys: &Array) -> (Array, Array) {
    halves(&bitcast_convert_type(keys, DType::Uint64))
}
/// The low and the high half.
fn halves(x: &Array) -> (Array, Array) {
    let narrow = |x: &Array| convert_element_type(x, DType::Uint32, false);
    (narrow(x), narrow(&shift_right_logical(x, &lit(x, 32.0))))
}
/// A word of 64 bits from its low and high halves.
fn joined(low: &Array, high: &Array) -> Array {
    let wide = |x: &Array| convert_element_type(x, DType::Uint64, false);
    let high = wide(high);
    or(&shift_left(&high, &lit(&high, 32.0)), &wide(low))
}
/// Keys from their words.
fn keys_of((first, second): (Array, Array)) -> Array {
    bitcast_convert_type(&joined(&first, &second), DType::Key)
}

/// A key for each integer: its bits, with the high half first.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::random_unwrap(&prim::random_seed(&array(vec![-1i64]))).to_string(), "[[4294967295 4294967295]]");
/// ```
#[track_caller]
pub fn random_seed(seeds: &Array) -> Array {
    if !seeds.dtype().is_integer() {
        fail(ErrorKind::Type, format!("random_seed: a seed is an integer, not a value of type {}", seeds.aval()))
    }
    let narrow = |x: &Array| convert_element_type(x, DType::Uint32, false);
    keys_of((narrow(&shift_right_logical(seeds, &lit(seeds, 32.0))), narrow(seeds)))
}

/// `n` counters: high and low words. The high one is a scalar where no counter needs it.
fn counters(n: usize) -> (Array, Array) {
    if n as u64 <= 1 << 32 {
        return (scalar_of(DType::Uint32, false, 0.0), iota(DType::Uint32, &[n], 0));
    }
    let (low, high) = halves(&iota(DType::Uint64, &[n], 0));
    (high, low)
}
/// The hashes of the counters of `shape` under each key: two arrays with the keys' dimensions, then those of `shape`.
fn hashes(keys: &Array, shape: &[usize], f: impl FnOnce((Array, Array)) -> Array) -> Array {
    let n = shape.iter().product();
    let (mut k0, mut k1) = words(keys);
    let (mut high, mut low) = counters(n);
    if keys.ndim() > 0 {
        (k0, k1) = (reshape(&k0, &[keys.size(), 1]), reshape(&k1, &[keys.size(), 1]));
        let row = |x: &Array| if x.ndim() == 0 { x.clone() } else { reshape(x, &[1, n]) };
        (high, low) = (row(&high), row(&low));
    }
    let out = f(threefry2x32(&k0, &k1, &high, &low));
    reshape(&out, &keys.shape().iter().chain(shape).copied().collect::<crate::aval::Shape>())
}

/// An array of new keys for each key.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let keys = prim::random_split(&prim::random_seed(&array![1, 2]), &[3]);
/// assert_eq!(keys.shape(), [2, 3]);
/// assert_eq!(prim::random_unwrap(&keys.i((0, 0))).to_string(), "[ 507451445 1853169794]");
/// ```
#[track_caller]
pub fn random_split(keys: &Array, shape: &[usize]) -> Array {
    require_keys("random_split", keys);
    hashes(keys, shape, keys_of)
}
/// A new key from each key and integer.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let key = prim::random_fold_in(&prim::random_seed(&array(0)), &array(2u32));
/// assert_eq!(prim::random_unwrap(&key).to_string(), "[4146024105 2718843009]");
/// ```
#[track_caller]
pub fn random_fold_in(keys: &Array, data: &Array) -> Array {
    require_keys("random_fold_in", keys);
    if !data.dtype().is_integer() {
        fail(ErrorKind::Type, format!("random_fold_in: an integer is folded in, not a value of type {}", data.aval()))
    }
    let (k0, k1) = words(keys);
    let data = convert_element_type(data, DType::Uint32, false);
    keys_of(threefry2x32(&k0, &k1, &scalar_of(DType::Uint32, false, 0.0), &data))
}
/// An array of random unsigned integers of 8, 16, 32 or 64 bits for each key.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::random_bits(&prim::random_seed(&array(0)), 8, &[3]).to_string(), "[167 146  40]");
/// ```
#[track_caller]
pub fn random_bits(keys: &Array, bit_width: usize, shape: &[usize]) -> Array {
    require_keys("random_bits", keys);
    let narrow = |t: DType| move |(a, b): (Array, Array)| convert_element_type(&xor(&a, &b), t, false);
    match bit_width {
        8 => hashes(keys, shape, narrow(DType::Uint8)),
        16 => hashes(keys, shape, narrow(DType::Uint16)),
        32 => hashes(keys, shape, narrow(DType::Uint32)),
        64 => hashes(keys, shape, |(a, b)| joined(&b, &a)),
        n => fail(ErrorKind::Value, format!("random_bits: words of {n} bits; there are words of 8, 16, 32 and 64")),
    }
}

fn require_threefry(p: &Params) -> Result<(), Error> {
    match p.opt_str("impl")? {
        None | Some("threefry2x32" | "fry") => Ok(()),
        Some(other) => Err(p.error("impl", format!("the generator {other} is not supported")).into()),
    }
}
pub(super) const READ: &[Read] = &[
    ("threefry2x32", |_, x| {
        let (a, b) = threefry2x32(&x[0], &x[1], &x[2], &x[3]);
        Ok([a, b].into_iter().collect())
    }),
    ("random_bits", |p, x| Ok(one(random_bits(&x[0], p.usize("bit_width")?, &p.usizes("shape")?)))),
    ("random_seed", |p, x| {
        require_threefry(p)?;
        Ok(one(random_seed(&x[0])))
    }),
    ("random_split", |p, x| Ok(one(random_split(&x[0], &p.usizes("shape")?)))),
    ("random_fold_in", |_, x| Ok(one(random_fold_in(&x[0], &x[1])))),
    ("random_wrap", |p, x| {
        require_threefry(p)?;
        Ok(one(random_wrap(&x[0])))
    }),
    ("random_unwrap", |_, x| Ok(one(random_unwrap(&x[0])))),
    ("random_clone", |_, x| Ok(one(x[0].clone()))),
    ("random_gamma", |p, x| Ok(one(crate::random::gammas(&x[0], &x[1], p.bool("log_space")?)))),
    ("iota_2x32_shape", |p, _| {
        let shape = p.usizes("shape")?;
        let (high, low) = counters(shape.iter().product());
        let fit = |x: &Array| if x.ndim() == 0 { broadcast_in_dim(x, &shape, &[]) } else { reshape(x, &shape) };
        Ok([fit(&high), fit(&low)].into_iter().collect())
    }),
];

pub(super) fn cases() -> Vec<Case> {
    let pair = |a: u32, b: u32| Array::from_slice(&[a, b], &[2]);
    vec![
        Case {
            name: "hash",
            args: vec![pair(0x13198a2e, 0), pair(0x03707344, 1), pair(0x243f6a88, 2), pair(0x85a308d3, u32::MAX)],
            run: |x| {
                let (a, b) = threefry2x32(&x[0], &x[1], &x[2], &x[3]);
                vec![a, b]
            },
        },
        Case {
            name: "hash of a row and a column",
            args: vec![Array::from_slice(&[3u32], &[]), pair(1, 2), pair(5, 6)],
            run: |x| {
                let (row, column) = (reshape(&x[1], &[1, 2]), reshape(&x[2], &[2, 1]));
                let (a, b) = threefry2x32(&x[0], &row, &column, &x[0]);
                vec![a, b]
            },
        },
        Case {
            name: "keys",
            args: vec![Array::from_slice(&[7i64, -1, 1 << 40], &[3]), Array::from_slice(&[5i32, -5, 0], &[3])],
            run: |x| {
                let keys = random_seed(&x[0]);
                let split = random_split(&keys, &[2, 2]);
                let words = [&keys, &split, &random_fold_in(&keys, &x[1])].map(random_unwrap);
                let again = random_unwrap(&random_wrap(&words[0]));
                let bits = [8, 16, 32, 64].map(|n| random_bits(&keys, n, &[2, 3]));
                words.into_iter().chain([again]).chain(bits).collect()
            },
        },
    ]
}
