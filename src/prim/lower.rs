//! From primitives to the tensor program: what the `lower` rules share.

use super::*;
use cotangent_cpu::{Body, Kind, Op, Part, Program, Ty, Use, ValId, View};

/// Results of a `lower` rule.
pub type Vals = SmallVec<[ValId; 1]>;

/// A tensor program under construction.
pub struct Lower {
    /// The program.
    pub p: Program,
    /// How many nodes there are after each equation that was lowered, calls inlined.
    pub(crate) ends: Vec<u32>,
}

/// A number in a body: real, or the two parts of a complex one.
#[derive(Clone, Copy, Debug)]
pub enum Num {
    /// A real number, integer or truth value.
    Re(u32),
    /// Real and imaginary part.
    Cx(u32, u32),
}
impl Num {
    /// The instruction of a real number.
    pub fn re(self) -> u32 {
        match self {
            Num::Re(x) => x,
            Num::Cx(..) => unreachable!("a real number"),
        }
    }
    /// The parts of a complex number.
    pub fn cx(self) -> (u32, u32) {
        match self {
            Num::Cx(re, im) => (re, im),
            Num::Re(_) => unreachable!("a complex number"),
        }
    }
}

/// The engine's type of a value.
pub(crate) fn ty(a: &Aval) -> Ty {
    if a.dtype == crate::dtype::DType::Float0 {
        return Ty::new(a.dtype.dt(), &[0]); // nothing is stored
    }
    Ty::new(a.dtype.dt(), &a.shape)
}

impl Lower {
    /// With an empty program.
    pub(crate) fn new() -> Lower {
        Lower { p: Program::default(), ends: vec![] }
    }
    /// An elementwise computation with one result. Operands broadcast: scalars, and extents of 1.
    pub fn map(&mut self, out: &Aval, xs: &[ValId], f: impl FnOnce(&mut Body, &[Num]) -> Num) -> ValId {
        self.map_n(std::slice::from_ref(out), xs, |b, x| one(f(b, x)))
    }
    /// An elementwise computation with several results of one shape.
    pub fn map_n(
        &mut self,
        outs: &[Aval],
        xs: &[ValId],
        f: impl FnOnce(&mut Body, &[Num]) -> SmallVec<[Num; 1]>,
    ) -> ValId {
        let (mut body, mut uses, mut nums) = (Body::default(), Vec::<Use>::new(), Vec::new());
        for x in xs {
            let view = self.broadcast(*x, &outs[0].shape);
            let dt = self.p.ty(*x).dt;
            let mut part = |part: Part| {
                uses.push(Use { part, ..view });
                body.input(uses.len() as u32 - 1, dt.part())
            };
            nums.push(if dt.is_complex() {
                Num::Cx(part(Part::Re), part(Part::Im))
            } else {
                Num::Re(part(Part::Whole))
            })
        }
        for n in f(&mut body, &nums) {
            match n {
                Num::Re(x) => body.outs.push(x),
                Num::Cx(re, im) => body.outs.extend([re, im]),
            }
        }
        let types: Vec<Ty> = outs.iter().map(ty).collect();
        self.p.push(Kind::Map(Arc::new(body)), &uses, &types)
    }
    /// The value as an operand of these extents: scalars and extents of 1 are repeated.
    pub fn broadcast(&mut self, x: ValId, shape: &[usize]) -> Use {
        let dims = self.p.ty(x).dims.clone();
        if dims[..] == *shape {
            return Use::plain(x);
        }
        let mut v = View::splat(shape);
        if !dims.is_empty() {
            let natural = cotangent_cpu::row_major(&dims);
            for d in 0..dims.len() {
                v.strides[d] = if dims[d] == shape[d] { natural[d] } else { 0 }
            }
        }
        self.p.through(x, v)
    }
    /// A map of one real operation.
    pub fn op(&mut self, op: Op, out: &Aval, xs: &[ValId]) -> ValId {
        let dt = out.dtype.dt();
        self.map(out, xs, |b, x| {
            let at = |i: usize| x.get(i).map_or(0, |n| n.re());
            Num::Re(b.push(op, dt, at(0), at(1), at(2)))
        })
    }
    /// The value under another view.
    pub fn view(&mut self, x: ValId, view: View) -> ValId {
        self.p.view(x, view)
    }
    /// A scalar constant of this type.
    pub fn scalar(&mut self, dtype: crate::dtype::DType, v: f64) -> ValId {
        self.p.constant(dtype.dt(), bits_of(&scalar_of(dtype, false, v)))
    }
}

/// The bits of a concrete scalar, as the engine wants them.
pub(crate) fn bits_of(scalar: &Array) -> [u64; 2] {
    let mut w = [0u8; 16];
    scalar.with_bytes(|b| w[..b.len()].copy_from_slice(b));
    let word = |at: usize| u64::from_le_bytes(w[at..at + 8].try_into().expect("eight bytes"));
    split(scalar.dtype(), [word(0), word(8)])
}

/// The engine keeps the parts of a complex constant in two words; in memory a `c64` is one.
pub(crate) fn split(dtype: crate::dtype::DType, bits: [u64; 2]) -> [u64; 2] {
    match dtype {
        crate::dtype::DType::Complex64 => [bits[0] & 0xffff_ffff, bits[0] >> 32],
        _ => bits,
    }
}
