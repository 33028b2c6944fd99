//! Convolutions of arrays that are spread out: transposed convolutions, and the derivative of one with strides by its array.
//!
//! Between the elements of the array there are zeros then, and most of what a window multiplies are these. A window's elements that are not are every second (third, ..) one, and which, depends
//! on the window's place modulo the dilation only. So the windows are parted by that: each phase is a convolution of the array as it is with every second (third, ..) element
//! of the filter, and the results lie between each other (P. P. Vaidyanathan, Multirate Systems and Filter Banks, 1993, polyphase decomposition).
//!
//! The sum of a window is that of its products in their order, without those with the zeros between.

use super::lower::Lower;
use crate::aval::Shape;
use cotangent_cpu::{ConvOrder, ConvSpec, Kind, Slide, Ty, Use, ValId, View, row_major};
use std::sync::Arc;

/// The most phases, and how many windows times their places are worth it at least. (How many arrays and filters there are does not matter: a lane has the bits that it has alone.)
const MOST: usize = 16;
const LEAST: usize = 256;

/// The result of a convolution, with these dimensions, if its array is spread out and that is worth it. The operands' views are as the engine wants them.
pub(super) fn convolution(
    l: &mut Lower,
    (array, a): (ValId, &View),
    (filter, f): (ValId, &View),
    spec: &ConvSpec,
    ty: &Ty,
) -> Option<ValId> {
    let bases: Shape = spec.slides.iter().map(|s| s.base).collect();
    let simple = |s: &Slide| s.base == 1 || s.stride == 1 && s.dilation == 1;
    let phases = bases.iter().try_fold(1usize, |n, b| n.checked_mul(*b)).filter(|n| (2..=MOST).contains(n))?;
    // where the windows' dimensions are among those of the result
    let first = if spec.batch_last { 0 } else { 1 };
    let places = spec.slides.iter().map(|s| s.size).chain(ty.dims[first..first + bases.len()].iter().copied());
    let work = places.into_iter().try_fold(1usize, |n, m| n.checked_mul(m));
    if spec.order != ConvOrder::Chain || !spec.slides.iter().all(simple) || work.is_some_and(|n| n < LEAST) {
        return None;
    }
    // how many windows there are in each phase
    let mut dims = ty.dims.clone();
    for (n, b) in dims[first..].iter_mut().zip(&bases) {
        *n = n.div_ceil(*b)
    }
    let mut parts: Vec<ValId> = vec![];
    for phase in 0..phases {
        let mut rest = phase;
        let (mut one, mut f) = (ConvSpec { slides: spec.slides.clone(), ..*spec }, f.clone());
        for (d, slide) in one.slides.iter_mut().enumerate().rev() {
            let b = slide.base;
            let r = (rest % b) as i64;
            rest /= b;
            if b == 1 {
                continue;
            }
            // the first element of a window that meets one of the array, and which that is
            let element = (slide.lo - r).rem_euclid(b as i64);
            let lo = (slide.lo - r - element) / b as i64;
            f.offset += element * f.strides[d + 1];
            f.strides[d + 1] *= b as i64;
            f.dims[d + 1] = slide.size.saturating_sub(element as usize).div_ceil(b);
            *slide = Slide { size: f.dims[d + 1], lo, base: 1, ..*slide }
        }
        let ty = Ty::new(ty.dt, &dims);
        parts.push(if f.dims.contains(&0) {
            let zero = l.p.constant(ty.dt, [0; 2]);
            l.p.view(zero, View::splat(&dims))
        } else {
            let uses = [l.p.through(array, a.clone()), l.p.through(filter, f)];
            l.p.push(Kind::Conv(Arc::new(one)), &uses, &[ty])
        })
    }
    // from the last dimension on, windows of its phases between each other
    for (d, b) in bases.iter().enumerate().rev().filter(|(_, b)| **b > 1) {
        let at = first + d;
        let mut beside = dims.clone();
        beside.insert(at + 1, 1);
        let mut all = beside.clone();
        all[at + 1] = *b;
        let mut merged = dims.clone();
        merged[at] *= b;
        let mut some = View { strides: row_major(&merged), ..View::splat(&merged) };
        some.dims[at] = ty.dims[at];
        dims = some.dims.clone();
        let join = |parts: &[ValId]| {
            let uses: Vec<Use> = parts.iter().map(|v| l.p.through(*v, View::identity(&beside))).collect();
            let y = l.p.push(Kind::Concat { dim: at as u32 + 1 }, &uses, &[Ty::new(ty.dt, &all)]);
            l.p.view(y, some.clone())
        };
        parts = parts.chunks(*b).map(join).collect()
    }
    parts.pop()
}
