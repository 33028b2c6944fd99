//! A view of a view as one view.

use crate::{Guard, View};
use smallvec::SmallVec;

/// One dimension of the value between two views.
struct Digit {
    n: i64,
    /// Elements of the value from one index to the next.
    radix: i64,
    /// What `inner` makes of an index.
    stride: i64,
    guard: Option<Guard>,
}

/// The view of a reader that sees, through `outer`, the value that `inner` makes. `None` if no single view says it.
pub fn compose(outer: &View, inner: &View) -> Option<View> {
    if inner.is_identity() {
        return Some(outer.clone());
    }
    // The dimensions of the value between, neighbors that `inner` walks over evenly taken together.
    let mut digits: SmallVec<[Digit; 6]> = SmallVec::new();
    let mut radix = 1;
    for d in (0..inner.dims.len()).rev() {
        let (n, stride) = (inner.dims[d] as i64, inner.strides[d]);
        let guard = inner.guards.iter().find(|g| g.dim as usize == d).copied();
        if n == 0 {
            return None;
        }
        if n == 1 && guard.is_none() {
            continue;
        }
        match digits.last_mut() {
            Some(last)
                if guard.is_none() && last.guard.is_none() && last.stride.checked_mul(last.n) == Some(stride) =>
            {
                last.n *= n
            }
            _ => digits.push(Digit { n, radix, stride, guard }),
        }
        radix *= n;
    }
    digits.reverse();
    outer.range()?;
    let guard_of = |k: usize| outer.guards.iter().find(|g| g.dim as usize == k);
    let rank = outer.dims.len();
    let mut at = outer.offset;
    let mut view = View {
        dims: outer.dims.clone(),
        offset: inner.offset,
        strides: SmallVec::from_elem(0, rank),
        guards: outer.guards.clone(),
        fill: outer.fill,
    };
    let mut rest: SmallVec<[i64; 6]> = outer.strides.clone();
    // A dimension of one index (or none inside its guard) moves nothing.
    for k in 0..rank {
        if outer.dims[k] == 1 && guard_of(k).is_none() {
            rest[k] = 0;
        }
    }
    for digit in &digits {
        let start = at / digit.radix;
        at %= digit.radix;
        let (mut lo, mut hi) = (start, start);
        let mut steps: SmallVec<[(usize, i64); 6]> = SmallVec::new();
        for k in 0..rank {
            let step = rest[k] / digit.radix;
            rest[k] %= digit.radix;
            if step == 0 {
                continue;
            }
            // The greatest index, counted as the stride counts it.
            let last = match guard_of(k) {
                Some(Guard { lo, hi, step: Guard::AROUND, .. }) => hi - lo - 1,
                None => outer.dims[k] as i64 - 1,
                Some(g) => (g.hi.min(outer.dims[k] as i64) - 1 - g.lo) / g.step,
            };
            let way = step.checked_mul(last)?;
            lo = lo.checked_add(way.min(0))?;
            hi = hi.checked_add(way.max(0))?;
            steps.push((k, step));
        }
        if lo < 0 || hi >= digit.n {
            return None;
        }
        match digit.guard {
            None => {
                view.offset = view.offset.checked_add(start.checked_mul(digit.stride)?)?;
                for (k, step) in steps {
                    view.strides[k] = view.strides[k].checked_add(step.checked_mul(digit.stride)?)?;
                }
            }
            Some(g) => match steps[..] {
                // Always at one index: inside or not.
                [] => {
                    let index = g.index(start)?;
                    view.offset = view.offset.checked_add(index.checked_mul(digit.stride)?)?;
                }
                // One dimension of the reader moves it, and moves nothing else.
                [(k, 1)] if guard_of(k).is_none() && outer.strides[k] == digit.radix => {
                    if g.step != Guard::AROUND {
                        if outer.guards.iter().any(|g| g.step != Guard::AROUND) && outer.fill != inner.fill {
                            return None;
                        }
                        view.fill = inner.fill;
                    }
                    view.strides[k] = digit.stride;
                    let guard = Guard { dim: k as u32, lo: g.lo - start, hi: g.hi - start, step: g.step };
                    let place = view.guards.iter().position(|h| h.dim > guard.dim).unwrap_or(view.guards.len());
                    view.guards.insert(place, guard);
                }
                _ => return None,
            },
        }
    }
    if at != 0 || rest.iter().any(|r| *r != 0) {
        return None;
    }
    Some(view)
}

/// As [`compose`], for a reader that sees a batch of matrices. They may lie evenly only so many at a time: then the batch is two dimensions.
pub fn compose_batch(outer: &View, inner: &View) -> Option<View> {
    if let Some(view) = compose(outer, inner) {
        return Some(view);
    }
    let (&[batch, _, _], &[stride, ..]) = (&outer.dims[..], &outer.strides[..]) else { return None };
    if !outer.guards.is_empty() || stride <= 0 {
        return None;
    }
    let mut radix = 1;
    inner.dims.iter().rev().find_map(|n| {
        radix *= *n as i64;
        let each = (radix / stride) as usize;
        if radix % stride != 0 || !(2..batch).contains(&each) || !batch.is_multiple_of(each) {
            return None;
        }
        let mut two = outer.clone();
        two.dims[0] = batch / each;
        two.dims.insert(1, each);
        two.strides.insert(0, radix);
        compose(&two, inner).filter(|v| v.guards.is_empty())
    })
}

/// As [`compose`], for a reader that wants the elements in their order, whatever the extents: its dimensions may fall apart where those of the value between begin.
pub fn compose_flat(outer: &View, inner: &View) -> Option<View> {
    if let Some(view) = compose(outer, inner) {
        return Some(view);
    }
    if !outer.guards.is_empty() {
        return None;
    }
    let mut apart = View { dims: SmallVec::new(), strides: SmallVec::new(), ..outer.clone() };
    for (n, stride) in outer.dims.iter().zip(&outer.strides).rev() {
        let (mut n, mut stride) = (*n, *stride);
        let mut radix = 1;
        for inner in inner.dims.iter().rev() {
            radix *= *inner as i64;
            let each = if stride > 0 && radix % stride == 0 { (radix / stride) as usize } else { 1 };
            if (2..n).contains(&each) && n.is_multiple_of(each) {
                apart.dims.push(each);
                apart.strides.push(stride);
                (n, stride) = (n / each, radix)
            }
        }
        apart.dims.push(n);
        apart.strides.push(stride)
    }
    apart.dims.reverse();
    apart.strides.reverse();
    compose(&apart, inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row_major;

    /// The elements that a view reads, `None` outside a guard.
    fn elements(v: &View) -> Vec<Option<i64>> {
        let n: usize = v.dims.iter().product();
        let radix = row_major(&v.dims);
        (0..n as i64)
            .map(|e| {
                let mut at = v.offset;
                for d in 0..v.dims.len() {
                    let mut i = e / radix[d] % v.dims[d] as i64;
                    if let Some(g) = v.guards.iter().find(|g| g.dim as usize == d) {
                        i = g.index(i)?;
                    }
                    at += i * v.strides[d];
                }
                Some(at)
            })
            .collect()
    }

    struct Random(u64);
    impl Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 33) as usize % n
        }
        /// A view of a value of these extents: a permutation, a slice, a reversal, a broadcast, a reshape, a rotation, or padding.
        fn view(&mut self, dims: &[usize]) -> View {
            let mut v = View::identity(dims);
            match self.below(7) {
                0 if dims.len() >= 2 => {
                    let (a, b) = (self.below(dims.len()), self.below(dims.len()));
                    v.dims.swap(a, b);
                    v.strides.swap(a, b);
                }
                1 => {
                    for d in 0..dims.len() {
                        let first = self.below(dims[d]);
                        let step = 1 + self.below(2);
                        v.offset += first as i64 * v.strides[d];
                        v.dims[d] = (dims[d] - first).div_ceil(step);
                        v.strides[d] *= step as i64;
                    }
                }
                2 if !dims.is_empty() => {
                    let d = self.below(dims.len());
                    v.offset += v.strides[d] * (dims[d] as i64 - 1);
                    v.strides[d] = -v.strides[d];
                }
                3 => {
                    let d = self.below(dims.len() + 1);
                    v.dims.insert(d, 1 + self.below(3));
                    v.strides.insert(d, 0);
                }
                4 => {
                    let n: usize = dims.iter().product();
                    let a = (1..=n).filter(|a| n.is_multiple_of(*a)).nth(self.below(2)).unwrap_or(1);
                    return View::identity(&[n / a, a]);
                }
                5 if !dims.is_empty() => {
                    let d = self.below(dims.len());
                    let lo = self.below(2 * dims[d]) as i64 - dims[d] as i64;
                    v.dims[d] = dims[d] + self.below(3);
                    v.guards.push(Guard { dim: d as u32, lo, hi: lo + dims[d] as i64, step: Guard::AROUND });
                }
                _ if !dims.is_empty() => {
                    let d = self.below(dims.len());
                    let (lo, step) = (self.below(3), 1 + self.below(2));
                    let hi = lo + (dims[d] - 1) * step + 1;
                    v.dims[d] = hi + self.below(2);
                    v.guards.push(Guard { dim: d as u32, lo: lo as i64, hi: hi as i64, step: step as i64 });
                }
                _ => {}
            }
            v
        }
    }

    #[test]
    fn batches_of_batches_are_read_where_they_lie() {
        // heads of some rows, whose columns lie beside each other in them
        let mut inner = View::identity(&[3, 5, 2, 4]);
        inner.dims.swap(1, 2);
        inner.strides.swap(1, 2);
        let outer = View::identity(&[6, 5, 4]);
        assert!(compose(&outer, &inner).is_none());
        let both = compose_batch(&outer, &inner).unwrap();
        assert_eq!(both.dims[..], [3, 2, 5, 4]);
        assert_eq!(elements(&both), elements(&inner));
        // matrices that are parts of two of them
        assert!(compose_batch(&View::identity(&[10, 3, 4]), &inner).is_none());
    }
    #[test]
    fn composition_reads_what_the_two_read() {
        let mut r = Random(1);
        let (mut composed, mut apart) = (0, 0);
        for _ in 0..50_000 {
            let dims: Vec<usize> = (0..1 + r.below(3)).map(|_| 1 + r.below(4)).collect();
            let inner = r.view(&dims);
            let outer = r.view(&inner.dims);
            let Some(both) = compose_flat(&outer, &inner) else { continue };
            match compose(&outer, &inner) {
                Some(_) => assert_eq!(both.dims, outer.dims),
                None => apart += 1,
            }
            composed += 1;
            let between = elements(&inner);
            let want: Vec<Option<i64>> =
                elements(&outer).into_iter().map(|e| e.and_then(|e| between[e as usize])).collect();
            assert_eq!(elements(&both), want, "{outer:?} of {inner:?}");
        }
        assert!(composed > 35_000 && apart > 1000, "{composed} {apart}");
    }
}
