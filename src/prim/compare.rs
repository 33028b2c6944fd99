//! Comparisons: a table. Results are booleans. The total order also orders NaNs and zeros, as sorting needs.

use super::lower::Num;
use super::testing::in_types;
use super::*;
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::{Body, Dt, Op, ValId};

/// Floating-point numbers as integers that compare as the total order does: -NaN < -inf < .. < -0 < 0 < .. < inf < NaN.
fn total(b: &mut Body, dt: Dt, x: u32) -> (Dt, u32) {
    let int = match dt {
        Dt::F16 | Dt::Bf16 => Dt::I16,
        Dt::F32 => Dt::I32,
        Dt::F64 => Dt::I64,
        t => return (t, x),
    };
    let bits = b.un(Op::Bitcast, int, x);
    let (zero, magnitude) = (b.num(int, 0.0), (1u64 << (8 * int.size() - 1)) - 1);
    let mask = b.bits(int, magnitude);
    let flipped = b.bin(Op::Xor, int, bits, mask);
    let negative = b.cmp(Op::Lt, bits, zero);
    (int, b.select(int, negative, flipped, bits))
}

/// The comparison of two real numbers: `swap` exchanges the operands.
fn real(b: &mut Body, op: Op, swap: bool, ordered: bool, dt: Dt, x: u32, y: u32) -> u32 {
    let (x, y) = if swap { (y, x) } else { (x, y) };
    if ordered && dt.is_float() {
        let (x, y) = (total(b, dt, x).1, total(b, dt, y).1);
        return b.cmp(op, x, y);
    }
    b.cmp(op, x, y)
}

macro_rules! compare { ($($(#[$doc:meta])* $Name:ident $name:ident $op:expr, $swap:literal, $total:literal, $of:literal => $gives:literal;)*) => { $(
    $(#[$doc])*
    ///
    #[doc = example!($name, $of, $gives)]
    ///
    /// # Panics
    /// If the operands differ in element type, or in shape (scalars and extents of 1 are repeated), or if such elements have no order.
    #[track_caller]
    #[inline]
    pub fn $name(x: &Array, y: &Array) -> Array { bind1(&$Name, &[x, y]) }
    #[doc = named!($Name $name)]
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct $Name;
    impl Primitive for $Name {
        fn name(&self) -> &'static str { stringify!($name) }
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
            let t = same_dtype(x)?;
            let equality = matches!($op, Op::Eq | Op::Ne);
            if t == DType::Float0 || (t == DType::Key || t.is_complex()) && !equality {
                return Err(format!("elements of type (dtype) {t} have no order"));
            }
            Ok(one(elementwise(DType::Bool, x)?))
        }
        fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents { one(None) }
        fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
            let (x, d) = align(x, dims);
            one(($name(&x[0], &x[1]), Some(d)))
        }
        fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
            let dt = ins[0].dtype.dt();
            one(l.map(&outs[0], x, |b, x| Num::Re(match (x[0], x[1]) {
                (Num::Re(x), Num::Re(y)) => real(b, $op, $swap, $total, dt, x, y),
                (z, w) => {
                    let (z, w) = (z.cx(), w.cx());
                    let (re, im) = (b.cmp($op, z.0, w.0), b.cmp($op, z.1, w.1));
                    b.bin(if $op == Op::Ne { Op::Or } else { Op::And }, Dt::Bool, re, im)
                }
            })))
        }
    }
)*
    pub(super) const READ: &[Read] = &[
        $((stringify!($name), |_, x| Ok(one($name(&x[0], &x[1]))))),*,
        ("is_finite", |_, x| Ok(one(is_finite(&x[0])))),
    ];
    pub(super) fn cases() -> Vec<Case> {
        vec![$(Case {
            name: stringify!($name),
            args: vec![crate::array(vec![1.5f64, -2.0, 0.0, f64::NAN]), crate::array(vec![1.5f64, 3.0, -0.0, 1.0])],
            run: |x| vec![$name(&x[0], &x[1])],
        }, Case {
            name: concat!(stringify!($name), " of each type"),
            args: vec![crate::array(vec![1.5f32, -2.0, 0.0, 1.0]), crate::array(vec![1.5f32, 3.0, -0.0, -1.0])],
            run: |x| {
                let takes = |t: DType| if $total { t.is_float() } else { !t.is_complex() || matches!($op, Op::Eq | Op::Ne) };
                let (a, b) = (in_types(&x[0], takes), in_types(&x[1], takes));
                a.iter().zip(&b).map(|(a, b)| $name(a, b)).collect()
            },
        }),*,
        Case {
            name: "shapes",
            args: vec![Array::from_slice(&[1.5f64], &[]), Array::from_slice(&[1.5f64, -2.0], &[2, 1]), Array::from_slice::<f64>(&[], &[1, 0])],
            run: |x| [(0, 0), (0, 1), (1, 0), (1, 2), (2, 2)].map(|(i, j)| lt(&x[i], &x[j])).to_vec(),
        }]
    }
} }
compare! {
    /// Where x = y. NaN equals nothing.
    CompareEq eq Op::Eq, false, false, "&array![1., f32::NAN], &array![1., f32::NAN]" => "[ True False]";
    /// Where x and y differ.
    CompareNe ne Op::Ne, false, false, "&array![1., 2.], &array(1.0)" => "[False  True]";
    /// Where x < y.
    CompareLt lt Op::Lt, false, false, "&array![1., 2., 3.], &array(2.0)" => "[ True False False]";
    /// Where x <= y.
    CompareLe le Op::Le, false, false, "&array![1., 2., 3.], &array(2.0)" => "[ True  True False]";
    /// Where x > y.
    CompareGt gt Op::Lt, true, false, "&array![1., 2., 3.], &array(2.0)" => "[False False  True]";
    /// Where x >= y.
    CompareGe ge Op::Le, true, false, "&array![1., 2., 3.], &array(2.0)" => "[False  True  True]";
    /// Where x = y in the total order, in which NaN equals itself and -0 differs from 0.
    EqTo eq_to Op::Eq, false, true, "&array![0., f32::NAN], &array![-0., f32::NAN]" => "[False  True]";
    /// Where x < y in the total order.
    LtTo lt_to Op::Lt, false, true, "&array![-0., 1.], &array![0., f32::NAN]" => "[ True  True]";
    /// Where x <= y in the total order.
    LeTo le_to Op::Le, false, true, "&array![0., 1.], &array![-0., 1.]" => "[False  True]";
}

/// Where x, which is floating-point, is neither infinite nor NaN.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// assert_eq!(prim::is_finite(&array![1., f32::NAN, f32::INFINITY]).to_string(), "[ True False False]");
/// ```
///
/// # Panics
/// If the elements are of another type.
#[track_caller]
pub fn is_finite(x: &Array) -> Array {
    if let Err(why) = Takes::Float.check(x.dtype()) {
        crate::error::fail(crate::error::ErrorKind::Type, format!("is_finite: {why}"))
    }
    lt(&abs(x), &scalar_of(x.dtype(), x.weak_type(), f64::INFINITY))
}
