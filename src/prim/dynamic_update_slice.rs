//! An array with a box of it overwritten, at a position known only at run time.

use super::dynamic_slice::{check_box, index_vectors, lane_start};
use super::testing::{components, in_types};
use super::*;
use crate::trace::bind1;
use cotangent_cpu::{Kind, Use, ValId};

/// `x` with `update` written over it, the first corner at `starts`: one scalar integer for each dimension, all of one type. A start
/// is clamped so that `update` lies inside `x`.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = array![1, 2, 3, 4];
/// assert_eq!(prim::dynamic_update_slice(&x, &array![8, 9], &[&array(1)]).to_string(), "[1 8 9 4]");
/// ```
///
/// # Panics
/// If `update` is of another element type or greater than `x`, or if the starts are not one scalar integer for each dimension, all of one type.
#[track_caller]
pub fn dynamic_update_slice(x: &Array, update: &Array, starts: &[&Array]) -> Array {
    let args: SmallVec<[&Array; 8]> = [x, update].into_iter().chain(starts.iter().copied()).collect();
    bind1(&DynamicUpdateSlice, &args)
}
/// See [`dynamic_update_slice`].
///
/// ```
/// use cotangent::prim::{DynamicUpdateSlice, Primitive};
/// assert_eq!(DynamicUpdateSlice.name(), "dynamic_update_slice");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DynamicUpdateSlice;

impl Primitive for DynamicUpdateSlice {
    fn name(&self) -> &'static str {
        "dynamic_update_slice"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        same_dtype(&x[..2])?;
        check_box(x[0], &x[2..], &x[1].shape)?;
        let mut out = x[0].clone();
        out.weak = x.iter().all(|a| a.weak);
        out.varying = varying(x);
        Ok(one(out))
    }
    fn pitfalls(&self, x: &[&Array]) -> Vec<Pitfall> {
        Pitfall::outside_box("dynamic_update_slice", x[0].aval(), &x[2..], x[1].shape())
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        if dx[0].is_none() && dx[1].is_none() {
            return one(None);
        }
        one(Some(dynamic_update_slice(&materialize(dx[0], x[0]), &materialize(dx[1], x[1]), &x[2..])))
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        mask[2..].iter().all(|m| !m)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        let starts: Vec<&Array> = (2..io.len()).map(|i| io.known(i)).collect();
        let update = io.aval(1);
        // what was overwritten has no part in the result
        let x = io.is_linear(0).then(|| dynamic_update_slice(ct, &zeros_of(update), &starts));
        let u = io.is_linear(1).then(|| dynamic_slice(ct, &starts, &update.shape));
        for (i, c) in [x, u].into_iter().enumerate() {
            if let Some(c) = c {
                io.add(i, c)
            }
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        if dims[2..].iter().all(|d| d.is_none()) {
            let all = all_front(lanes, &x[..2], &dims[..2]);
            let zero = lane_start(&x[2..]);
            let starts: SmallVec<[&Array; 6]> = std::iter::once(&zero).chain(x[2..].iter().copied()).collect();
            return one((dynamic_update_slice(&all[0], &all[1], &starts), Some(0)));
        }
        // a position for each lane: a scatter, of which this is a special case
        let window: Vec<usize> = (0..x.len() - 2).collect();
        let options = ScatterOptions { mode: GatherScatterMode::Clip, unique_indices: true, indices_are_sorted: true };
        let each = Scatter::new(
            cotangent_cpu::Put::Set,
            &ScatterDimensionNumbers::new(&window, &[], &window),
            &options,
            x[0].dtype(),
        );
        let indices = index_vectors(lanes, &x[2..], &dims[2..]);
        each.batch(lanes, &[x[0], &indices, x[1]], &[dims[0], Some(0), dims[1]])
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let uses: Vec<Use> = x.iter().map(|x| Use::plain(*x)).collect();
        one(l.p.push(Kind::Update, &uses, &[lower::ty(&outs[0])]))
    }
}

pub(super) const READ: &[Read] =
    &[("dynamic_update_slice", |_, x| Ok(one(dynamic_update_slice(&x[0], &x[1], &x[2..].iter().collect::<Vec<_>>()))))];
pub(super) fn cases() -> Vec<Case> {
    let x = Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0], &[3, 4]);
    let u = Array::from_slice(&[-1.0f64, 0.5, 7.0, -2.5], &[2, 2]);
    let none = Array::from_slice::<f64>(&[], &[3, 0]);
    let at = |u: &Array, i: i64, j: i64| {
        vec![x.clone(), u.clone(), Array::from_slice(&[i], &[]), Array::from_slice(&[j], &[])]
    };
    let run: fn(&[Array]) -> Vec<Array> = |x| vec![dynamic_update_slice(&x[0], &x[1], &[&x[2], &x[3]])];
    vec![
        Case { name: "inside", args: at(&u, 0, 1), run },
        Case { name: "clamped", args: at(&u, 9, -3), run },
        Case { name: "empty", args: at(&none, 1, 1), run },
        Case {
            name: "complex numbers",
            args: at(&u, 1, 2),
            run: |x| {
                let (z, w) = (complex(&x[0], &mul(&x[0], &x[0])), complex(&x[1], &neg(&x[1])));
                components(&dynamic_update_slice(&z, &w, &[&x[2], &x[3]]))
            },
        },
        Case {
            name: "scalars, and each type",
            args: vec![
                Array::from_slice(&[2.0f64], &[]),
                Array::from_slice(&[3.0f64], &[]),
                crate::array(vec![1.5f32, -2.0, 0.0]),
                crate::array(1u8),
            ],
            run: |x| {
                let each = in_types(&x[2], |_| true);
                let all = each.iter().map(|y| dynamic_update_slice(y, &slice(y, &[0], &[2], None), &[&x[3]]));
                all.chain([mul(&dynamic_update_slice(&x[0], &x[1], &[]), &x[0])]).collect()
            },
        },
    ]
}
