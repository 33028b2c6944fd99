//! Small cases computed by hand, and the orders of sums against formulas written another way.

mod folds;
mod indices;
mod nodes;
mod scalars;

use super::evaluate;
use crate::{Dt, Kind, Program, Ty, Use, ValId};

/// Numbers as an argument.
pub(super) trait Data {
    fn dt() -> Dt;
    fn bytes(&self) -> Vec<u8>;
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! data {
    ($($t:ty, $dt:ident;)*) => {$(
        impl Data for $t {
            fn dt() -> Dt {
                Dt::$dt
            }
            fn bytes(&self) -> Vec<u8> {
                self.to_le_bytes().to_vec()
            }
            fn read(bytes: &[u8]) -> Self {
                <$t>::from_le_bytes(bytes.try_into().unwrap())
            }
        }
    )*};
}
data! {
    i8, I8; i16, I16; i32, I32; i64, I64; u8, U8; u16, U16; u32, U32; u64, U64; f32, F32; f64, F64;
    half::f16, F16; half::bf16, Bf16;
}
impl Data for bool {
    fn dt() -> Dt {
        Dt::Bool
    }
    fn bytes(&self) -> Vec<u8> {
        vec![*self as u8]
    }
    fn read(bytes: &[u8]) -> Self {
        bytes[0] != 0
    }
}
/// A complex number: two floats.
macro_rules! complex {
    ($($t:ty, $dt:ident;)*) => {$(
        impl Data for [$t; 2] {
            fn dt() -> Dt {
                Dt::$dt
            }
            fn bytes(&self) -> Vec<u8> {
                pack(self)
            }
            fn read(bytes: &[u8]) -> Self {
                unpack(bytes).try_into().unwrap()
            }
        }
    )*};
}
complex! { f32, C64; f64, C128; }

pub(super) fn pack<T: Data>(x: &[T]) -> Vec<u8> {
    x.iter().flat_map(|x| x.bytes()).collect()
}
pub(super) fn unpack<T: Data>(bytes: &[u8]) -> Vec<T> {
    bytes.chunks(T::dt().size()).map(T::read).collect()
}

/// A program in the making, with its arguments.
#[derive(Default)]
pub(super) struct Case {
    pub(super) p: Program,
    pub(super) args: Vec<Vec<u8>>,
}

impl Case {
    pub(super) fn arg<T: Data>(&mut self, dims: &[usize], x: &[T]) -> ValId {
        self.args.push(pack(x));
        self.p.arg(Ty::new(T::dt(), dims))
    }
    /// Appends a node that reads values as they are, and makes its result the program's.
    pub(super) fn node(&mut self, kind: Kind, vals: &[ValId], ty: Ty) -> ValId {
        let uses: Vec<Use> = vals.iter().map(|v| Use::plain(*v)).collect();
        let v = self.p.push(kind, &uses, &[ty]);
        self.p.outs = vec![v];
        v
    }
    pub(super) fn run<T: Data>(&self) -> Vec<T> {
        let outs = evaluate(&self.p, &self.args).unwrap();
        assert_eq!(outs.len(), self.p.outs.len());
        assert_eq!(self.p.ty(self.p.outs[0]).dt, T::dt());
        unpack(&outs[0])
    }
}

/// One node on one array.
pub(super) fn apply<T: Data, R: Data>(kind: Kind, dims: &[usize], x: &[T], result: &[usize]) -> Vec<R> {
    let mut c = Case::default();
    let v = c.arg(dims, x);
    c.node(kind, &[v], Ty::new(R::dt(), result));
    c.run()
}

/// Numbers of mixed size and sign, so that different orders of a sum give different bits.
pub(super) fn rough(n: usize) -> Vec<f32> {
    let mut s = 0x9e37_79b9_7f4a_7c15u64;
    (0..n)
        .map(|_| {
            s = s.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let x = (s >> 40) as f32 / (1 << 24) as f32 - 0.5;
            x * [1.0, 100.0, 0.01][(s >> 20) as usize % 3]
        })
        .collect()
}

/// The same numbers, bit for bit; NaNs are alike.
#[track_caller]
pub(super) fn equal(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert!(g.to_bits() == w.to_bits() || g.is_nan() && w.is_nan(), "element {i}: {g:?} for {w:?}");
    }
}
