//! A box of an array at a position known only at run time.

use super::testing::{components, in_types};
use super::*;
use crate::aval::{Shape, tuple};
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::{Kind, Use, ValId};

/// The elements of a box of extents `sizes` whose first corner is at `starts`: one scalar integer for each dimension, all of one
/// type. A start is clamped so that the box lies inside `x`.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = array![10, 20, 30, 40];
/// let at = |i: i32| prim::dynamic_slice(&x, &[&array(i)], &[2]).to_string();
/// assert_eq!((at(1), at(9)), ("[20 30]".into(), "[30 40]".into()));
/// ```
///
/// # Panics
/// If the box is greater than `x`, or if the starts are not one scalar integer for each dimension, all of one type.
#[track_caller]
pub fn dynamic_slice(x: &Array, starts: &[&Array], sizes: &[usize]) -> Array {
    let args: SmallVec<[&Array; 8]> = std::iter::once(x).chain(starts.iter().copied()).collect();
    bind1(&DynamicSlice { sizes: sizes.into() }, &args)
}
/// See [`dynamic_slice`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array, i: &Array| prim::dynamic_slice(x, &[i], &[1]), (&array![1., 2.], &array(1),));
/// assert!(program.to_string().contains("dynamic_slice[slice_sizes=(1,)] a b"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DynamicSlice {
    sizes: Shape,
}

/// Are these start indices of `x` for a box of this shape? What dynamic slices and updates check.
pub(super) fn check_box(x: &Aval, starts: &[&Aval], sizes: &[usize]) -> Result<(), String> {
    if sizes.len() != x.shape.len() || sizes.iter().zip(&x.shape).any(|(s, n)| s > n) {
        return Err(format!("a box of extents {} does not fit into {x}", tuple(sizes)));
    }
    if starts.len() != x.shape.len() {
        return Err(format!("{} start indices for the {} dimensions of {x}", starts.len(), x.shape.len()));
    }
    for s in starts {
        if !s.dtype.is_integer() || s.dtype != starts[0].dtype {
            return Err(format!("start indices must be integers of one type (dtype), got {}", listed(starts)));
        }
        if !s.shape.is_empty() {
            return Err(format!("a start index must be a scalar, got {s}"));
        }
    }
    Ok(())
}
/// The start index 0 along the lanes' dimension, of the same type as the others. It is weak, so that they decide whether a result is.
pub(super) fn lane_start(starts: &[&Array]) -> Array {
    scalar_of(starts.first().map_or(DType::Int32, |s| s.dtype()), true, 0.0)
}
/// Start indices, some of them mapped, as index vectors: one row for each lane.
pub(super) fn index_vectors(lanes: &Lanes, starts: &[&Array], dims: &[Option<usize>]) -> Array {
    let columns = all_front(lanes, starts, dims);
    stack(&columns.iter().collect::<Vec<_>>(), 1)
}

impl Primitive for DynamicSlice {
    fn name(&self) -> &'static str {
        "dynamic_slice"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("slice_sizes", tuple(&self.sizes).into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        check_box(x[0], &x[1..], &self.sizes)?;
        let mut out = x[0].with_shape(self.sizes.iter().copied());
        out.varying = varying(x);
        Ok(one(out))
    }
    fn pitfalls(&self, x: &[&Array]) -> Vec<Pitfall> {
        Pitfall::outside_box("dynamic_slice", x[0].aval(), &x[1..], &self.sizes)
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| dynamic_slice(d, &x[1..], &self.sizes)))
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        only(mask, 0)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        let starts: SmallVec<[Array; 6]> = (1..io.len()).map(|i| io.known(i).clone()).collect();
        let starts: SmallVec<[&Array; 6]> = starts.iter().collect();
        let x = io.aval(0).clone();
        io.add_box(0, ct.clone(), &starts, |ct| dynamic_update_slice(&zeros_of(&x), ct, &starts))
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        if dims[1..].iter().all(|d| d.is_none()) {
            let b = dims[0].expect("a mapped operand");
            let (zero, mut sizes) = (lane_start(&x[1..]), self.sizes.clone());
            let mut starts: SmallVec<[&Array; 6]> = x[1..].iter().copied().collect();
            starts.insert(b, &zero);
            sizes.insert(b, lanes.size);
            return one((dynamic_slice(x[0], &starts, &sizes), Some(b)));
        }
        // a position for each lane: a gather, of which this is a special case
        let all: Vec<usize> = (0..self.sizes.len()).collect();
        let options = GatherOptions {
            mode: GatherScatterMode::Clip,
            unique_indices: true,
            indices_are_sorted: true,
            ..Default::default()
        };
        let each = Gather::new(&GatherDimensionNumbers::new(&all, &[], &all), &self.sizes, &options, x[0].dtype());
        each.batch(lanes, &[x[0], &index_vectors(lanes, &x[1..], &dims[1..])], &[dims[0], Some(0)])
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let uses: Vec<Use> = x.iter().map(|x| Use::plain(*x)).collect();
        one(l.p.push(Kind::DynSlice, &uses, &[lower::ty(&outs[0])]))
    }
}

pub(super) const READ: &[Read] = &[("dynamic_slice", |p, x| {
    Ok(one(dynamic_slice(&x[0], &x[1..].iter().collect::<Vec<_>>(), &p.usizes("slice_sizes")?)))
})];
pub(super) fn cases() -> Vec<Case> {
    let x = Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0], &[3, 4]);
    let at = |i: i32, j: i32| vec![x.clone(), Array::from_slice(&[i], &[]), Array::from_slice(&[j], &[])];
    let run: fn(&[Array]) -> Vec<Array> = |x| vec![dynamic_slice(&x[0], &[&x[1], &x[2]], &[2, 3])];
    vec![
        Case { name: "inside", args: at(1, 0), run },
        Case { name: "clamped", args: at(-5, 7), run },
        Case {
            name: "complex numbers",
            args: at(0, 1),
            run: |x| components(&dynamic_slice(&complex(&x[0], &mul(&x[0], &x[0])), &[&x[1], &x[2]], &[3, 2])),
        },
        Case {
            name: "a scalar, and each type",
            args: vec![Array::from_slice(&[2.0f64], &[]), crate::array(vec![1.5f32, -2.0, 0.0]), crate::array(1i64)],
            run: |x| {
                let each = in_types(&x[1], |_| true);
                let all = each.iter().map(|y| dynamic_slice(y, &[&x[2]], &[2]));
                all.chain([mul(&dynamic_slice(&x[0], &[], &[]), &x[0])]).collect()
            },
        },
        Case { name: "empty", args: at(1, 2), run: |x| vec![dynamic_slice(&x[0], &[&x[1], &x[2]], &[0, 4])] },
        Case {
            name: "indices of 8 bits without sign",
            args: vec![x.clone(), crate::array(vec![200u8, 1])],
            run: |x| {
                let at = |i: usize| squeeze(&slice_in_dim(&x[1], i, i + 1, 1, 0), &[0]);
                vec![dynamic_slice(&x[0], &[&at(0), &at(1)], &[1, 2])]
            },
        },
    ]
}
