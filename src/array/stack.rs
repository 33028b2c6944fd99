//! Stacks: lists of arrays, as long as a loop took turns, which only the run knows. A `while` leaves its residuals in them, and the
//! loop that goes back over its turns takes them out again.
//!
//! Pushing moves a handle and copies nothing. Stacks nest (a `while` in a loop leaves a stack in each turn). **An empty stack is zeros of any
//! length**: so a zero cotangent, and a residual of a branch that did not run, need to know no length. Under `vmap` the lanes are the first
//! axis of the elements. Where lanes took different numbers of turns, the item of a turn has a row for each lane that took part in it, and
//! says which these are: memory is what the lanes did, not their number times the longest.
//!
//! Only the operations of `prim/stacks.rs` and loops ever see a stack.

use super::*;
use crate::dtype::DType;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

/// No lane: a row that is only there to fill up.
pub(crate) const NOBODY: u32 = u32::MAX;

/// What one turn left.
#[derive(Clone)]
pub(crate) struct Item {
    pub value: Array,
    /// The lane of each row, if not all lanes took part, in order.
    pub lanes: Option<Arc<[u32]>>,
}
impl Item {
    /// Of one value, or of all lanes.
    pub(crate) fn whole(value: Array) -> Item {
        Item { value, lanes: None }
    }
    /// The rows of both.
    fn together(self, other: Item) -> Item {
        let (Some(a), Some(b)) = (&self.lanes, &other.lanes) else {
            unreachable!("items that say whose rows they have")
        };
        Item { value: self.value.rows_and(&other.value), lanes: Some(a.iter().chain(b.iter()).copied().collect()) }
    }
    /// With a row for every one of `n` lanes: zeros for those that took no part.
    pub(crate) fn dense(&self, n: usize) -> Array {
        match &self.lanes {
            None => self.value.clone(),
            Some(lanes) => self.value.rows(&inverse(lanes, n)),
        }
    }
    /// The rows of these lanes: zeros for those that took no part.
    pub(crate) fn of(&self, wanted: &Arc<[u32]>) -> Array {
        match &self.lanes {
            Some(lanes) if Arc::ptr_eq(lanes, wanted) || lanes == wanted => self.value.clone(),
            Some(lanes) => {
                let most = lanes.iter().chain(wanted.iter()).filter(|l| **l != NOBODY).max();
                let row = inverse(lanes, most.map_or(0, |m| *m as usize + 1));
                let rows: Vec<u32> = wanted.iter().map(|l| row.get(*l as usize).copied().unwrap_or(NOBODY)).collect();
                self.value.rows(&rows)
            }
            None => self.value.rows(wanted),
        }
    }
}
/// Items of both, together where both have one.
fn longest(
    a: impl Iterator<Item = Item>,
    b: impl Iterator<Item = Item>,
    both: impl Fn(Item, Item) -> Item,
) -> Vec<Item> {
    let (mut a, mut b) = (a, b);
    std::iter::from_fn(|| match (a.next(), b.next()) {
        (Some(a), Some(b)) => Some(both(a, b)),
        (a, b) => a.or(b),
    })
    .collect()
}
/// The items, or the bytes of all elements one after the other, of which items are made when somebody asks for them.
pub(crate) struct Stack {
    items: OnceLock<Vec<Item>>,
    flat: Option<Buffer>,
}

/// For each of `n` lanes the row that it has in a list of lanes.
fn inverse(lanes: &[u32], n: usize) -> Vec<u32> {
    let mut row = vec![NOBODY; n];
    for (r, l) in lanes.iter().enumerate().filter(|(_, l)| **l != NOBODY) {
        row[*l as usize] = r as u32
    }
    row
}

impl Array {
    /// A stack of these items. `aval` is its own type, not that of an element.
    pub(crate) fn stack(aval: Aval, items: Vec<Item>) -> Array {
        debug_assert!(aval.stack > 0, "the type of a stack");
        let data = Data::Stack(Stack { items: OnceLock::from(items), flat: None });
        Array(Repr::Buf(Pooled::new(Buf { aval, data })))
    }
    /// A stack of values that have bytes, which stand one after the other.
    pub(crate) fn stack_of_bytes(aval: Aval, bytes: Buffer) -> Array {
        debug_assert!(aval.stack == 1 && aval.size() > 0, "the type of a stack of values");
        let data = Data::Stack(Stack { items: OnceLock::new(), flat: Some(bytes) });
        Array(Repr::Buf(Pooled::new(Buf { aval, data })))
    }
    fn as_stack(&self) -> (&Aval, &Stack) {
        match &self.0 {
            Repr::Buf(b) => match &b.data {
                Data::Stack(s) => (&b.aval, s),
                Data::Shared(root) => match &root.data {
                    Data::Stack(s) => (&b.aval, s),
                    _ => unreachable!("a stack"),
                },
                Data::Own(_) | Data::Lent(_) => unreachable!("a stack"),
            },
            Repr::Tracer(n) => crate::trace::stray(n, None),
            Repr::Scalar(_) => unreachable!("a stack"),
        }
    }
    /// The bytes of the first `n` elements of a stack of values of this type, one after the other.
    pub(crate) fn bytes_of_stack(&self, one: &Aval, n: usize) -> Option<Cow<'_, [u8]>> {
        let (aval, s) = self.as_stack();
        let width = one.size() * one.dtype.size();
        if aval.stack != 1 || width == 0 {
            return None;
        }
        if let Some(b) = s.flat.as_ref().filter(|b| b.len() == n * width) {
            return Some(Cow::Borrowed(b.as_bytes()));
        }
        let mut bytes = vec![0; n * width];
        for (to, item) in bytes.chunks_exact_mut(width).zip(self.items()) {
            item.dense(one.shape.first().copied().unwrap_or(0)).with_bytes(|b| to.copy_from_slice(b))
        }
        Some(Cow::Owned(bytes))
    }
    /// The items of a concrete stack.
    pub(crate) fn items(&self) -> &[Item] {
        let (aval, s) = self.as_stack();
        s.items.get_or_init(|| {
            let one = Aval { stack: 0, ..aval.clone() };
            let bytes = s.flat.as_ref().map_or(&[][..], |b| b.as_bytes());
            bytes
                .chunks_exact((one.size() * one.dtype.size()).max(1))
                .map(|b| Item::whole(Array::from_bytes(one.clone(), b)))
                .collect()
        })
    }
    /// The item at `k` of a stack of elements of this type; zeros beyond its end. `n`: how many lanes the elements have, if they have.
    pub(crate) fn item_at(&self, k: usize, element: &Aval) -> Array {
        match self.items().get(k) {
            Some(i) => i.dense(element.shape.first().copied().unwrap_or(0)),
            None => concrete_zeros(element),
        }
    }

    /// The rows along axis 0 with these numbers; a row of zeros for [`NOBODY`]. Of a stack: those of all its elements.
    pub(crate) fn rows(&self, wanted: &[u32]) -> Array {
        let a = self.aval();
        let n = a.shape[0];
        let aval = a.with_shape(std::iter::once(wanted.len()).chain(a.shape[1..].iter().copied()));
        if a.stack == 0 {
            let row = a.size() / n.max(1) * a.dtype.size();
            let mut to = Buffer::zeroed(aval.size() * a.dtype.size());
            self.with_bytes(|from| {
                let rows = wanted.iter().map(|r| Some(*r as usize).filter(|_| *r != NOBODY)).enumerate();
                copy_rows(to.as_bytes_mut(), from, row, rows.filter_map(|(to, from)| Some((to, from?))))
            });
            return Array::from_buffer(aval, to);
        }
        // rows that are wanted once are only given other numbers
        let mut place = vec![NOBODY; n];
        let once = wanted
            .iter()
            .enumerate()
            .filter(|(_, r)| **r != NOBODY)
            .all(|(i, r)| std::mem::replace(&mut place[*r as usize], i as u32) == NOBODY);
        let item = |i: &Item| match &i.lanes {
            Some(lanes) if once => {
                let lanes = lanes.iter().map(|l| place.get(*l as usize).copied().unwrap_or(NOBODY)).collect();
                Item { value: i.value.clone(), lanes: Some(lanes) }
            }
            _ => Item::whole(i.dense(n).rows(wanted)),
        };
        Array::stack(aval, self.items().iter().map(item).collect())
    }
    /// Writes the rows of `from` over the rows with these numbers, but for those of [`NOBODY`].
    pub(crate) fn put_rows(&mut self, at: &[u32], from: &Array) {
        let aval = self.aval().clone();
        let n = aval.shape[0];
        if aval.stack == 0 {
            let row = aval.size() / n.max(1) * aval.dtype.size();
            let write = |to: &mut Buffer| {
                from.with_bytes(|from| {
                    let rows = at.iter().enumerate().filter(|(_, r)| **r != NOBODY);
                    copy_rows(to.as_bytes_mut(), from, row, rows.map(|(from, to)| (*to as usize, from)))
                })
            };
            if let Repr::Buf(b) = &mut self.0
                && let Some(Buf { data: Data::Own(buffer), .. }) = Pooled::get_mut(b)
            {
                return write(buffer);
            }
            let mut copy = self.with_bytes(Buffer::from_bytes);
            write(&mut copy);
            *self = Array::from_buffer(aval, copy);
            return;
        }
        // the items keep both, each with its rows
        let mut goes = vec![false; n];
        at.iter().filter(|l| **l != NOBODY).for_each(|l| goes[*l as usize] = true);
        let gone = |l: &u32| if *l == NOBODY || goes[*l as usize] { NOBODY } else { *l };
        let old = self.items().iter().map(|i| Item {
            value: i.value.clone(),
            lanes: Some(match &i.lanes {
                Some(lanes) => lanes.iter().map(gone).collect(),
                None => (0..n as u32).map(|l| gone(&l)).collect(),
            }),
        });
        let to = |l: &u32| at.get(*l as usize).copied().unwrap_or(NOBODY);
        let new = from.items().iter().map(|i| Item {
            value: i.value.clone(),
            lanes: Some(match &i.lanes {
                Some(lanes) => lanes.iter().map(to).collect(),
                None => at.into(),
            }),
        });
        let items = longest(old, new, Item::together);
        *self = Array::stack(aval, items)
    }
    /// Values of one type, each a lane.
    pub(crate) fn of_lanes(lanes: &[&Array]) -> Array {
        let a = lanes[0].aval();
        let aval = a.with_shape(std::iter::once(lanes.len()).chain(a.shape.iter().copied()));
        if a.stack == 0 {
            let mut bytes = Vec::with_capacity(aval.size() * aval.dtype.size());
            lanes.iter().for_each(|x| x.with_bytes(|b| bytes.extend_from_slice(b)));
            return Array::from_bytes(aval, &bytes);
        }
        let longest = lanes.iter().map(|x| x.items().len()).max().unwrap_or(0);
        let item = |k: usize| {
            let there: Vec<u32> = (0..lanes.len() as u32).filter(|l| k < lanes[*l as usize].items().len()).collect();
            let whole = |l: &u32| &lanes[*l as usize].items()[k].value;
            let value = Array::of_lanes(&there.iter().map(whole).collect::<Vec<_>>());
            Item { value, lanes: Some(there.into()) }
        };
        Array::stack(aval, (0..longest).map(item).collect())
    }
    /// The rows of both, one after the other.
    fn rows_and(&self, other: &Array) -> Array {
        let (a, b) = (self.aval(), other.aval());
        let (n, m) = (a.shape[0], b.shape[0]);
        let aval = a.with_shape(std::iter::once(n + m).chain(a.shape[1..].iter().copied()));
        if a.stack == 0 {
            return self.with_bytes(|x| other.with_bytes(|y| Array::from_bytes(aval, &[x, y].concat())));
        }
        let shifted = |i: &Item, by: usize, n: usize| {
            let of = |l: u32| if l == NOBODY { l } else { l + by as u32 };
            let all: Arc<[u32]> = (0..n as u32).collect();
            let lanes = i.lanes.as_ref().unwrap_or(&all).iter().map(|l| of(*l)).collect();
            Item { value: i.value.clone(), lanes: Some(lanes) }
        };
        let (x, y) = (self.items().iter().map(|i| shifted(i, 0, n)), other.items().iter().map(|i| shifted(i, n, m)));
        Array::stack(aval, longest(x, y, Item::together))
    }
    /// The lanes along the first `axes` axes as lanes along these: of an array, or of the elements of a stack.
    pub(crate) fn relaned(&self, axes: usize, lanes: &[usize]) -> Array {
        let a = self.aval();
        let aval = a.with_shape(lanes.iter().chain(&a.shape[axes..]).copied());
        if a.stack == 0 {
            return self.relabel(aval);
        }
        let n = a.shape[0];
        let items = self.items().iter().map(|i| Item::whole(i.dense(n).relaned(axes, lanes)));
        Array::stack(aval, items.collect())
    }
    /// The sum of two stacks of one type, element by element.
    pub(crate) fn add_stack(&self, other: &Array, add: &dyn Fn(&Array, &Array) -> Array) -> Array {
        let (a, b) = (self.items(), other.items());
        let aval = self.aval();
        if a.is_empty() || b.is_empty() {
            return if a.is_empty() { other.clone() } else { self.clone() };
        }
        let n = aval.shape.first().copied().unwrap_or(0);
        let both = |a: Item, b: Item| {
            let sum = |a: &Array, b: &Array| if aval.stack > 1 { a.add_stack(b, add) } else { add(a, b) };
            if a.lanes == b.lanes {
                Item { value: sum(&a.value, &b.value), lanes: a.lanes.clone() }
            } else {
                Item::whole(sum(&a.dense(n), &b.dense(n)))
            }
        };
        Array::stack(aval.clone(), longest(a.iter().cloned(), b.iter().cloned(), both))
    }
}

/// Copies rows of so many bytes: each pair says which one to write over, and with which.
fn copy_rows(to: &mut [u8], from: &[u8], row: usize, pairs: impl Iterator<Item = (usize, usize)>) {
    // a row of a few bytes is one instruction if its length is known
    fn of<const N: usize>(to: &mut [u8], from: &[u8], pairs: impl Iterator<Item = (usize, usize)>) {
        let ((to, _), (from, _)) = (to.as_chunks_mut::<N>(), from.as_chunks::<N>());
        pairs.for_each(|(i, j)| to[i] = from[j])
    }
    match row {
        0 => {}
        1 => of::<1>(to, from, pairs),
        2 => of::<2>(to, from, pairs),
        4 => of::<4>(to, from, pairs),
        8 => of::<8>(to, from, pairs),
        16 => of::<16>(to, from, pairs),
        _ => pairs.for_each(|(i, j)| to[i * row..][..row].copy_from_slice(&from[j * row..][..row])),
    }
}

/// Concrete zeros, whatever trace is running.
pub(crate) fn concrete_zeros(a: &Aval) -> Array {
    if a.stack > 0 {
        return Array::stack(a.clone(), vec![]);
    }
    let bytes = if a.dtype == DType::Float0 { 0 } else { a.size() * a.dtype.size() };
    if a.shape.is_empty() && a.dtype.size() <= 8 && a.dtype != DType::Float0 {
        return Array::scalar(a.dtype, a.weak, 0);
    }
    Array::from_buffer(a.clone(), Buffer::zeroed(bytes))
}
