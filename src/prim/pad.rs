//! Padding: before, behind and between the elements of each dimension; a negative amount cuts off.

use super::testing::{components, in_types};
use super::*;
use crate::trace::bind1;
use cotangent_cpu::{Guard, ValId, View};

/// `x` with copies of the scalar `value` around and between its elements: for each dimension how many before (or cut off, if
/// negative), behind, and between neighbors.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// let x = array![1, 2, 3];
/// assert_eq!(prim::pad(&x, &array(0), &[(2, 1, 0)]).to_string(), "[0 0 1 2 3 0]");
/// assert_eq!(prim::pad(&x, &array(9), &[(-1, 0, 1)]).to_string(), "[9 2 9 3]");
/// ```
///
/// # Panics
/// If `config` does not have one entry for each dimension, if `value` is no scalar of the type of `x`, if more is cut off than there is, or if
/// a number between neighbors is negative.
#[track_caller]
pub fn pad(x: &Array, value: &Array, config: &[(i64, i64, i64)]) -> Array {
    if config.iter().all(|c| *c == (0, 0, 0)) && config.len() == x.ndim() {
        return x.clone();
    }
    bind1(&Pad { config: config.into() }, &[x, value])
}
/// See [`pad`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::pad(x, &array(0.0), &[(1, 2, 0)]), (&array![1., 2.],));
/// assert!(program.to_string().contains("pad[padding_config=((1, 2, 0),)] a"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pad {
    config: Vec<(i64, i64, i64)>,
}
/// The extent between the outermost elements.
fn spread(n: usize, inner: i64) -> i64 {
    if n == 0 { 0 } else { n as i64 + (n as i64 - 1) * inner }
}
impl Primitive for Pad {
    fn name(&self) -> &'static str {
        "pad"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let each: Vec<String> = self.config.iter().map(|(l, h, i)| format!("({l}, {h}, {i})")).collect();
        vec![("padding_config", crate::aval::tuple(&each).into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        same_dtype(x)?;
        let bad = self.config.len() != x[0].shape.len() || !x[1].shape.is_empty();
        let extent = |d: usize| {
            let (l, h, i) = self.config[d];
            if i < 0 { -1 } else { spread(x[0].shape[d], i) + l + h }
        };
        if bad || (0..x[0].shape.len()).any(|d| extent(d) < 0) {
            return Err(format!("{} cannot be padded by {:?} with {}", x[0], self.config, x[1]));
        }
        let mut out = x[0].with_shape((0..x[0].shape.len()).map(|d| extent(d) as usize));
        out.weak &= x[1].weak;
        out.varying |= x[1].varying;
        Ok(one(out))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        if dx[0].is_none() && dx[1].is_none() {
            return one(None);
        }
        one(Some(bind1(self, &[&materialize(dx[0], x[0]), &materialize(dx[1], x[1])])))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        let shape = io.aval(0).shape.clone();
        // undo the outer padding (and give back what was cut off), then step over the inner
        let outer: Vec<_> = self.config.iter().map(|(l, h, _)| (-l, -h, 0)).collect();
        let inside = pad(ct, &lit(ct, 0.0), &outer);
        let steps: Vec<usize> = self.config.iter().map(|c| c.2 as usize + 1).collect();
        let piece = slice(&inside, &vec![0; shape.len()], inside.shape(), Some(&steps));
        if io.is_linear(1) {
            let all: Vec<usize> = (0..ct.ndim()).collect();
            let kept = reduce_sum(&piece, &all);
            io.add(1, sub(&reduce_sum(ct, &all), &kept))
        }
        if io.is_linear(0) {
            io.add(0, piece)
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        match (dims[0], dims[1]) {
            (Some(b), None) => {
                let mut config = self.config.clone();
                config.insert(b, (0, 0, 0));
                one((bind1(&Pad { config }, &[x[0], x[1]]), Some(b)))
            }
            // a value for each lane: where the padding is, it is selected
            _ => {
                let all = all_front(lanes, x, dims);
                let mut config = self.config.clone();
                config.insert(0, (0, 0, 0));
                let padded = bind1(&Pad { config: config.clone() }, &[&all[0], &lit(&all[0], 0.0)]);
                let (yes, no) = (crate::array(true), crate::array(false));
                let inside = bind1(&Pad { config }, &[&broadcast_in_dim(&yes, all[0].shape(), &[]), &no]);
                let value = broadcast_in_dim(&all[1], padded.shape(), &[0]);
                one((select_n(&inside, &[&value, &padded]), Some(0)))
            }
        }
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let natural = cotangent_cpu::row_major(&ins[0].shape);
        let mut v = View::splat(&outs[0].shape);
        for (d, (low, _, inner)) in self.config.iter().enumerate() {
            v.strides[d] = natural[d];
            if outs[0].shape[d] != ins[0].shape[d] || *low != 0 || *inner != 0 {
                v.guards.push(Guard { dim: d as u32, lo: *low, hi: low + spread(ins[0].shape[d], *inner), step: inner + 1 })
            }
        }
        // the value is an operand: a mask, which is true inside, chooses between it and the array
        let yes = l.p.constant(cotangent_cpu::Dt::Bool, [1, 0]);
        let mut m = v.clone();
        m.strides.iter_mut().for_each(|s| *s = 0);
        let mask = l.view(yes, m);
        let inside = l.view(x[0], v);
        let dt = outs[0].dtype.dt().part();
        one(l.map(&outs[0], &[mask, inside, x[1]], |b, x| match (x[1], x[2]) {
            (lower::Num::Re(y), lower::Num::Re(z)) => lower::Num::Re(b.select(dt, x[0].re(), y, z)),
            (y, z) => {
                let (p, y, z) = (x[0].re(), y.cx(), z.cx());
                lower::Num::Cx(b.select(dt, p, y.0, z.0), b.select(dt, p, y.1, z.1))
            }
        }))
    }
}

pub(super) const READ: &[Read] = &[("pad", |p, x| Ok(one(pad(&x[0], &x[1], &p.triples("padding_config")?))))];
pub(super) fn cases() -> Vec<Case> {
    let x = || vec![Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3]), Array::from_slice(&[0.5f64], &[])];
    vec![
        Case { name: "around", args: x(), run: |x| vec![pad(&x[0], &x[1], &[(1, 0, 0), (2, 1, 0)])] },
        Case { name: "between", args: x(), run: |x| vec![pad(&x[0], &x[1], &[(0, 0, 1), (1, 0, 2)])] },
        Case { name: "complex numbers", args: x(), run: |x| {
            let z = complex(&x[0], &mul(&x[0], &x[0]));
            components(&pad(&z, &complex(&x[1], &neg(&x[1])), &[(1, 0, 1), (-1, 2, 0)]))
        } },
        Case { name: "of nothing, to nothing, of a scalar", args: x(), run: |x| {
            let none = slice(&x[0], &[0, 0], &[2, 0], None);
            vec![
                pad(&none, &x[1], &[(0, 1, 0), (1, 2, 3)]),
                pad(&x[0], &x[1], &[(-1, -1, 0), (0, 0, 2)]),
                mul(&pad(&x[1], &x[1], &[]), &x[1]),
            ]
        } },
        Case { name: "each type", args: vec![crate::array(vec![1.5f32, -2.0]), crate::array(1.0f32)], run: |x| {
            let (a, b) = (in_types(&x[0], |_| true), in_types(&x[1], |_| true));
            a.iter().zip(&b).map(|(a, b)| pad(a, b, &[(1, 0, 1)])).collect()
        } },
        Case { name: "cut off", args: x(), run: |x| vec![pad(&x[0], &x[1], &[(-1, 2, 0), (1, -2, 1)])] },
    ]
}
