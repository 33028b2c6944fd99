//! Choice by a predicate, element by element.

use super::lower::Num;
use super::testing::{components, in_types};
use super::*;
use crate::dtype::DType;
use crate::trace::bind1;
use crate::trace::batch::to_front;
use cotangent_cpu::{Op, ValId};

/// Where `which` is false (or 0) the element of the first case, where it is true (or 1) of the second, and so on. `which` is boolean
/// with two cases, or int32; it is a scalar, or has the cases' shape. The cases have one type.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let which = array![false, true, true];
/// assert_eq!(prim::select_n(&which, &[&array![1, 2, 3], &array![7, 8, 9]]).to_string(), "[1 8 9]");
/// ```
///
/// # Panics
/// If this is not so.
#[track_caller]
pub fn select_n(which: &Array, cases: &[&Array]) -> Array {
    let args: SmallVec<[&Array; 4]> = std::iter::once(which).chain(cases.iter().copied()).collect();
    bind1(&SelectN, &args)
}
/// See [`select_n`].
///
/// ```
/// use cotangent::prim::{Primitive, SelectN};
/// assert_eq!(SelectN.name(), "select_n");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SelectN;
impl Primitive for SelectN {
    fn name(&self) -> &'static str {
        "select_n"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let (which, cases) = (x[0], &x[1..]);
        let Some(first) = cases.first() else { return Err("needs at least one case".into()) };
        let dtype = same_dtype(cases)?;
        match which.dtype {
            DType::Bool if cases.len() <= 2 => {}
            DType::Int32 => {}
            t => return Err(format!("chooses among {} cases by a predicate of type (dtype) {t}", cases.len())),
        }
        if cases.iter().any(|c| c.shape != first.shape) || !(which.shape.is_empty() || which.shape == first.shape) {
            return Err(format!("shapes of {} differ", listed(x)));
        }
        Ok(one(Aval {
            dtype,
            weak: cases.iter().all(|c| c.weak),
            stack: 0,
            varying: varying(x),
            shape: first.shape.clone(),
        }))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        if dx[1..].iter().all(|d| d.is_none()) {
            return one(None);
        }
        let d: Vec<Array> = x[1..].iter().zip(&dx[1..]).map(|(x, d)| materialize(*d, x)).collect();
        one(Some(select_n(x[0], &d.iter().collect::<Vec<_>>())))
    }
    fn linear_in(&self, m: &[bool]) -> bool {
        !m[0]
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let (ct, which) = (ct[0].as_ref().expect("a cotangent"), io.known(0).clone());
        let zero = zeros_of(ct.aval());
        for i in 1..io.len() {
            if io.is_linear(i) {
                let cases: Vec<&Array> = (1..io.len()).map(|k| if k == i { ct } else { &zero }).collect();
                io.add(i, select_n(&which, &cases))
            }
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        // a scalar predicate that no lane changes stays one
        if dims[0].is_none() && x[0].ndim() == 0 {
            let cases = all_front(lanes, &x[1..], &dims[1..]);
            return one((select_n(x[0], &cases.iter().collect::<Vec<_>>()), Some(0)));
        }
        let cases = all_front(lanes, &x[1..], &dims[1..]);
        let mut which = to_front(x[0], dims[0], lanes.size);
        if which.ndim() < cases[0].ndim() {
            which = broadcast_in_dim(&which, cases[0].shape(), &[0])
        }
        one((select_n(&which, &cases.iter().collect::<Vec<_>>()), Some(0)))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = outs[0].dtype.dt().part();
        one(l.map(&outs[0], x, |b, v| {
            let which = v[0].re();
            let n = v.len() - 1;
            // the last case, then each earlier one where the predicate says so; an index out of range takes the nearest case
            let mut acc = v[n];
            for k in (0..n - 1).rev() {
                let p = if ins[0].dtype == DType::Bool {
                    b.un(Op::Not, cotangent_cpu::Dt::Bool, which)
                } else {
                    let k = b.num(cotangent_cpu::Dt::I32, k as f64);
                    b.cmp(Op::Le, which, k)
                };
                acc = match (v[k + 1], acc) {
                    (Num::Re(x), Num::Re(y)) => Num::Re(b.select(dt, p, x, y)),
                    (x, y) => {
                        let (x, y) = (x.cx(), y.cx());
                        Num::Cx(b.select(dt, p, x.0, y.0), b.select(dt, p, x.1, y.1))
                    }
                }
            }
            acc
        }))
    }
}

pub(super) const READ: &[Read] = &[
    ("select_n", |_, x| Ok(one(select_n(&x[0], &x[1..].iter().collect::<Vec<_>>())))),
    ("clamp", |_, x| Ok(one(clamp(&x[0], &x[1], &x[2])))),
];

/// x limited to at least `low` and at most `high`, which are scalars or have x's shape. The derivative is 1 strictly between them
/// and 0 at the limits and beyond; that of a limit is 1 where x is beyond it.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = array![-1., 0.5, 7.];
/// assert_eq!(prim::clamp(&array(0.0), &x, &array(1.0)).to_string(), "[0.  0.5 1. ]");
/// ```
///
/// # Panics
/// If the three differ in element type, or a limit is neither a scalar nor of x's shape.
#[track_caller]
pub fn clamp(low: &Array, x: &Array, high: &Array) -> Array {
    let fit = |b: &Array| if b.shape() == x.shape() { b.clone() } else { broadcast_in_dim(b, x.shape(), &[]) };
    let (low, high) = (fit(low), fit(high));
    // the value where none of the three moves it; the derivative of min and max at a tie would be a half
    let still = stop_gradient(&min(&max(x, &low), &high));
    let inside = and(&lt(&low, x), &lt(x, &high));
    let y = select_n(&inside, &[&still, x]);
    let y = select_n(&and(&lt(x, &low), &lt(&low, &high)), &[&y, &low]);
    select_n(&lt(&high, x), &[&y, &high])
}

pub(super) fn cases() -> Vec<Case> {
    let args = |p: Array| vec![p, crate::array(vec![1.5f64, -2.0, 3.0]), crate::array(vec![0.5f64, 5.0, -3.0])];
    vec![
        Case { name: "mask", args: args(crate::array(vec![true, false, true])), run: |x| vec![select_n(&x[0], &[&x[1], &x[2]])] },
        Case { name: "scalar", args: args(crate::array(true)), run: |x| vec![select_n(&x[0], &[&x[1], &x[2]])] },
        Case { name: "three cases",
            args: args(crate::array(vec![2i32, 0, 1])),
            run: |x| vec![select_n(&x[0], &[&x[1], &x[2], &neg(&x[1])])] },
        Case { name: "complex numbers", args: args(crate::array(vec![true, false, true])), run: |x| {
            components(&select_n(&x[0], &[&complex(&x[1], &x[2]), &complex(&x[2], &x[1])]))
        } },
        Case { name: "each type",
            args: vec![crate::array(vec![true, false]), crate::array(vec![1.5f32, -2.0]), crate::array(vec![3.0f32, 4.0])],
            run: |x| {
            let (a, b) = (in_types(&x[1], |_| true), in_types(&x[2], |_| true));
            a.iter().zip(&b).map(|(a, b)| select_n(&x[0], &[a, b])).collect()
        } },
        Case { name: "of nothing, of one, of a scalar",
            args: vec![crate::array(true), Array::from_slice::<f64>(&[], &[0, 2]), Array::from_slice(&[2.0f64], &[1, 1]), Array::from_slice(&[3.0f64], &[])],
            run: |x| {
            x[1..].iter().map(|a| select_n(&x[0], &[a, &neg(a)])).collect()
        } },
        Case { name: "clamp", args: vec![crate::array(vec![1.5f64, -2.0, 3.0])], run: |x| {
            vec![clamp(&lit(&x[0], -1.0), &x[0], &lit(&x[0], 2.0))]
        } },
    ]
}
