//! How the rows of operands lie: evenly apart, as loops of machine code over rows want them to, and row for row where a strip makes them.

use super::access::Access;
use super::row::PIECES;
use super::strip::Rows;
use crate::View;

/// Rows that lie evenly apart, at least: for each stretch of them the loop starts anew.
const STRETCH: usize = 8;

/// How the elements of an access lie.
pub(super) struct Evenly {
    /// Bytes between those of a piece.
    pub within: isize,
    /// Bytes between the pieces of a row.
    pub apart: usize,
    /// How many rows lie evenly apart, and how far.
    pub even: usize,
    pub stride: usize,
}

/// How the elements of an access lie, of which so many rows have so many pieces of so many elements.
pub(super) fn evenly(access: &Access, rows: usize, (pieces, width): (usize, usize)) -> Option<Evenly> {
    if !access.is_plain() || access.len != rows * pieces * width {
        return None;
    }
    let mut axes = access.axes.clone();
    // the last so many elements (or what they have become), evenly apart
    let mut peel = |mut left: usize| {
        let mut within = None;
        while left > 1 {
            let a = axes.last_mut()?;
            let n = a.n.min(left);
            if !left.is_multiple_of(n) || !a.n.is_multiple_of(n) {
                return None;
            }
            match within {
                None => within = Some((a.stride, n as isize)),
                Some((stride, so_far)) if a.stride == stride * so_far => within = Some((stride, so_far * n as isize)),
                _ => return None,
            }
            (a.n, a.stride) = (a.n / n, a.stride.wrapping_mul(n as isize));
            if a.n == 1 {
                axes.pop();
            }
            left /= n
        }
        Some(within.map_or(0, |w| w.0))
    };
    let (within, apart) = (peel(width)?, peel(pieces)?);
    let (even, stride) = axes.last().map_or((rows, 0), |a| (a.n, a.stride));
    // pieces are told apart by an instruction's displacement, rows by a product with a number of 32 bits
    let bytes = |stride: isize, most: usize| usize::try_from(stride).ok().filter(|s| *s < most);
    let (apart, stride) = (bytes(apart, (1 << 30) / PIECES)?, bytes(stride, 1 << 31)?);
    (rows.is_multiple_of(even) && (even == rows || even >= STRETCH)).then_some(Evenly { within, apart, even, stride })
}
/// The greatest common divisor.
pub(super) fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
/// The least common multiple.
pub(super) fn lcm(a: usize, b: usize) -> usize {
    a / gcd(a, b) * b
}
/// Does row `i` of what a view shows lie in row `i` of a value of `len` elements? For a map it must also be read along its rows, since copies of it cannot be made beforehand.
pub(super) fn aligned(view: Option<&View>, len: usize, rows: Rows, map: bool) -> bool {
    let rows = match rows {
        Rows::Blocks(folds, n) => return view.is_none() && len == folds * n,
        Rows::Parts(n) if !len.is_multiple_of(n) => return false,
        Rows::Parts(n) => n,
    };
    let Some(view) = view else { return true };
    let each = (len / rows) as i64;
    let (mut d, mut n) = (0, 1);
    while n < rows && d < view.dims.len() {
        n *= view.dims[d];
        d += 1;
    }
    if n != rows || !view.guards.is_empty() {
        return false;
    }
    let mut stride = each;
    for k in (0..d).rev() {
        if view.dims[k] > 1 && view.strides[k] != stride {
            return false;
        }
        stride *= view.dims[k] as i64;
    }
    let (mut low, mut high) = (view.offset, view.offset);
    for k in d..view.dims.len() {
        let span = view.strides[k] * (view.dims[k] as i64 - 1).max(0);
        if span < 0 { low += span } else { high += span }
    }
    low >= 0 && high < each && (view.along() || !map)
}
