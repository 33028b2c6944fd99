//! Conversion of element types: by value, and by bits.

use super::lower::Num;
use super::testing::{in_types, odd_shapes};
use super::*;
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::{Dt, Op, ValId, View};

/// The elements converted to another type. To integers: towards zero, saturating, NaN gives 0. To booleans: whether not zero. From
/// complex to real: the real part. Between integers: wraps.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = array![-1.75, 2.5, f32::NAN, 1e20];
/// assert_eq!(prim::convert_element_type(&x, DType::Int32, false).to_string(), "[        -1          2          0 2147483647]");
/// assert!(prim::convert_element_type(&x, DType::Float64, true).weak_type());
/// ```
#[track_caller]
pub fn convert_element_type(x: &Array, dtype: DType, weak: bool) -> Array {
    if x.dtype() == dtype && x.weak_type() == weak {
        return x.clone();
    }
    if let Repr::Scalar(s) = &x.0
        && s.dtype == dtype
    {
        return Array::scalar(dtype, weak, s.bits);
    }
    bind1(&ConvertElementType { dtype, weak }, &[x])
}
/// See [`convert_element_type`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*};
/// let program = make_jaxpr(|x: &Array| x.astype(DType::Int32), (&array![1., 2.],));
/// assert!(program.to_string().contains("convert_element_type[new_dtype=int32 weak_type=False] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConvertElementType {
    dtype: DType,
    weak: bool,
}
impl Primitive for ConvertElementType {
    fn name(&self) -> &'static str {
        "convert_element_type"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("new_dtype", self.dtype.name().into()), ("weak_type", if self.weak { "True" } else { "False" }.into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let odd = |t: DType| t == DType::Key || t == DType::Float0;
        if x[0].dtype != self.dtype && (odd(x[0].dtype) || odd(self.dtype)) {
            return Err(format!("no conversion from type (dtype) {} to {}", x[0].dtype, self.dtype));
        }
        Ok(one(Aval { dtype: self.dtype, weak: self.weak, ..x[0].clone() }))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(match dx[0] {
            Some(d) if self.dtype.is_inexact() => Some(convert_element_type(d, self.dtype, self.weak)),
            _ => None,
        })
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let a = io.aval(0);
        let c = convert_element_type(ct[0].as_ref().expect("a cotangent"), a.dtype, a.weak);
        io.add(0, c)
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        one((bind1(self, &[x[0]]), dims[0]))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        if ins[0].dtype.dt() == self.dtype.dt() {
            return one(x[0]);
        }
        let dt = self.dtype.dt();
        one(l.map(&outs[0], x, |b, x| match (x[0], dt.is_complex()) {
            (Num::Re(x), false) => Num::Re(b.un(Op::Cast, dt, x)),
            (Num::Re(x), true) => {
                let re = b.un(Op::Cast, dt.part(), x);
                Num::Cx(re, b.num(dt.part(), 0.0))
            }
            (Num::Cx(re, im), true) => Num::Cx(b.un(Op::Cast, dt.part(), re), b.un(Op::Cast, dt.part(), im)),
            (Num::Cx(re, im), false) if dt == Dt::Bool => {
                let (p, q) = (b.un(Op::Cast, dt, re), b.un(Op::Cast, dt, im));
                Num::Re(b.bin(Op::Or, dt, p, q))
            }
            (Num::Cx(re, _), false) => Num::Re(b.un(Op::Cast, dt, re)),
        }))
    }
}

/// The same bits as elements of another type. A wider type takes its bits from a last dimension, which disappears; a narrower one
/// adds a last dimension.
///
/// Keys are two uint32. Booleans go to booleans only, and complex numbers to their own type only.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::bitcast_convert_type(&array![1., -0.], DType::Uint32).to_string(), "[1065353216 2147483648]");
/// assert_eq!(prim::bitcast_convert_type(&array(vec![258u16]), DType::Uint8).to_string(), "[[2 1]]");
/// ```
///
/// # Panics
/// If the types have no common bits, or if the last dimension does not hold the pieces of one wider element.
#[track_caller]
pub fn bitcast_convert_type(x: &Array, dtype: DType) -> Array {
    bind1(&BitcastConvertType { dtype }, &[x]) // also to its own type: bits have no derivative
}
/// See [`bitcast_convert_type`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::bitcast_convert_type(x, DType::Int32), (&array![1., 2.],));
/// assert!(program.to_string().contains("bitcast_convert_type[new_dtype=int32] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BitcastConvertType {
    dtype: DType,
}
impl Primitive for BitcastConvertType {
    fn name(&self) -> &'static str {
        "bitcast_convert_type"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("new_dtype", self.dtype.name().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let (from, to) = (x[0].dtype, self.dtype);
        if from == to {
            return Ok(one(x[0].clone()));
        }
        if from.is_complex() || to.is_complex() || from == DType::Float0 || to == DType::Float0 || from.is_bool() != to.is_bool() {
            return Err(format!("no reinterpretation of elements of type (dtype) {from} as {to}"));
        }
        let mut out = x[0].with_dtype(to);
        let (m, n) = (from.size(), to.size());
        if m > n {
            out.shape.push(m / n)
        } else if m < n && out.shape.pop() != Some(n / m) {
            return Err(format!("elements of {} cannot be joined to {to}: the last dimension must have extent {}", x[0], n / m));
        }
        Ok(one(out))
    }
    fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(None)
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let x = crate::trace::batch::to_front(x[0], dims[0], lanes.size);
        one((bitcast_convert_type(&x, self.dtype), Some(0)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let (from, to) = (ins[0].dtype.dt(), self.dtype.dt());
        if from == to {
            return one(x[0]);
        }
        if from.size() == to.size() {
            return one(l.op(Op::Bitcast, &outs[0], x));
        }
        let unsigned = |n: usize| [Dt::U8, Dt::U16, Dt::U32, Dt::U64][n.trailing_zeros() as usize];
        let (narrow, wide) = (unsigned(from.size().min(to.size())), unsigned(from.size().max(to.size())));
        let bits = 8 * narrow.size() as u64;
        if from.size() > to.size() {
            // piece j of an element is its bits from j * width up
            let last = outs[0].shape.len() as u32 - 1;
            let mut v = View::identity(&ins[0].shape);
            v.dims.push(outs[0].shape[last as usize]);
            v.strides.push(0);
            let spread = l.view(x[0], v);
            return one(l.map(&outs[0], &[spread], |b, x| {
                let w = b.un(Op::Bitcast, wide, x[0].re());
                let (j, width) = (b.index(last, wide), b.bits(wide, bits));
                let by = b.bin(Op::Mul, wide, j, width);
                let piece = b.bin(Op::Shr, wide, w, by);
                let piece = b.un(Op::Cast, narrow, piece);
                Num::Re(if narrow == to { piece } else { b.un(Op::Bitcast, to, piece) })
            }));
        }
        let n = to.size() / from.size();
        let pieces: Vec<ValId> = (0..n)
            .map(|j| {
                let mut v = View::identity(&ins[0].shape);
                v.dims.pop();
                v.strides.pop();
                v.offset = j as i64;
                l.view(x[0], v)
            })
            .collect();
        one(l.map(&outs[0], &pieces, |b, x| {
            let mut acc = None;
            for (j, x) in x.iter().enumerate() {
                let p = if from == narrow { x.re() } else { b.un(Op::Bitcast, narrow, x.re()) };
                let p = b.un(Op::Cast, wide, p);
                let by = b.bits(wide, j as u64 * bits);
                let p = b.bin(Op::Shl, wide, p, by);
                acc = Some(match acc {
                    None => p,
                    Some(a) => b.bin(Op::Or, wide, a, p),
                })
            }
            let w = acc.expect("at least two pieces");
            Num::Re(if wide == to { w } else { b.un(Op::Bitcast, to, w) })
        }))
    }
}

pub(super) const READ: &[Read] = &[
    ("convert_element_type", |p, x| {
        let dtype = crate::jaxpr::dtype_param(p, "new_dtype")?;
        Ok(one(convert_element_type(&x[0], dtype, p.opt_bool("weak_type")?.unwrap_or(false))))
    }),
    ("bitcast_convert_type", |p, x| {
        Ok(one(bitcast_convert_type(&x[0], crate::jaxpr::dtype_param(p, "new_dtype")?)))
    }),
];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![crate::array(vec![1.5f64, -2.7, 300.0])];
    vec![
        Case { name: "to float32", args: x(), run: |x| vec![convert_element_type(&x[0], DType::Float32, false)] },
        Case { name: "to complex", args: x(), run: |x| vec![real(&convert_element_type(&x[0], DType::Complex128, false))] },
        Case { name: "from complex", args: vec![x().remove(0), crate::array(vec![0.5f64, 1.0, -2.0])], run: |x| {
            let z = complex(&x[0], &x[1]);
            let narrow = convert_element_type(&z, DType::Complex64, false);
            vec![convert_element_type(&z, DType::Float64, false), real(&narrow), imag(&narrow)]
        } },
        Case { name: "shapes",
            args: odd_shapes(),
            run: |x| {
            x.iter().flat_map(|x| [DType::Float32, DType::Int8].map(|t| convert_element_type(x, t, false))).collect()
        } },
        Case { name: "each type to each", args: vec![crate::array(vec![0.0f32, 1.5, 42.0])], run: |x| {
            let all = in_types(&x[0], |_| true);
            all.iter().flat_map(|x| in_types(x, |t| t != x.dtype())).collect()
        } },
        Case { name: "to int32", args: x(), run: |x| vec![convert_element_type(&x[0], DType::Int32, false)] },
        Case { name: "to uint8", args: x(), run: |x| vec![convert_element_type(&x[0], DType::Uint8, false)] },
        Case { name: "to bool", args: x(), run: |x| vec![convert_element_type(&x[0], DType::Bool, false)] },
        Case { name: "bits", args: x(), run: |x| vec![bitcast_convert_type(&x[0], DType::Uint64)] },
        Case { name: "pieces and back", args: vec![crate::array(vec![1.5f32, -2.7, 300.0])], run: |x| {
            let pieces = bitcast_convert_type(&x[0], DType::Uint16);
            let back = bitcast_convert_type(&pieces, DType::Float32);
            vec![pieces, back]
        } },
    ]
}
