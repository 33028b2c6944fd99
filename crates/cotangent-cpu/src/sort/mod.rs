//! Sorting of lines, and their greatest elements: [`crate::Kind::Sort`] and [`crate::Kind::Top`].
//!
//! A line becomes words: its elements' keys, unsigned numbers that ascend as the elements do (`keys`), and in the lower half of each
//! word the index of the element, so that no two words are equal and equal elements keep their order however the words are sorted
//! (`words`). What goes along is gathered by those indices. Long lines are sorted digit by digit. That keeps the order of equal
//! words by itself, so a single operand that goes along can take the indices' place; and keys that go alone need none.

mod keys;
mod words;

use crate::isa::Isa;
use crate::{Buffer, Dt, multiversion};
use keys::Keys;
use words::{Word, gather, sort, stable};

/// Elements whose keys are made at once.
const CHUNK: usize = 1024;

/// A number that decides: an operand, or a part of a complex one.
struct Part {
    operand: usize,
    keys: Keys,
    /// Bytes to the part, and parts in an element.
    offset: usize,
    stride: usize,
}

/// Lines of several operands made ready to be sorted.
pub struct Sort {
    isa: Isa,
    n: usize,
    /// Bytes of an element of each operand.
    sizes: Vec<usize>,
    parts: Vec<Part>,
    /// Ends of the groups of parts that fit into one key.
    groups: Vec<usize>,
    /// Does a word have 16 bytes?
    wide: bool,
}

multiversion! {
    /// Words from keys and the indices from `first` on.
    fn numbered<W: Word>(words: *mut W, keys: *const u64, first: usize, n: usize) {
        for i in 0..n {
            // SAFETY: the caller's: both have `n` elements.
            unsafe { *words.add(i) = W::joined(*keys.add(i), (first + i) as u64) }
        }
    }
    /// Words from keys and what goes along.
    fn laden<W: Word, T: Load>(words: *mut W, keys: *const u64, load: *const u8, n: usize) {
        for i in 0..n {
            // SAFETY: as above.
            unsafe { *words.add(i) = W::joined(*keys.add(i), (*load.cast::<T>().add(i)).up()) }
        }
    }
    fn highs<W: Word>(keys: *mut u64, words: *const W, n: usize) {
        for i in 0..n {
            // SAFETY: as above.
            unsafe { *keys.add(i) = (*words.add(i)).high() }
        }
    }
    fn lows<W: Word, T: Load>(to: *mut u8, words: *const W, n: usize) {
        for i in 0..n {
            // SAFETY: as above.
            unsafe { *to.cast::<T>().add(i) = T::down((*words.add(i)).low()) }
        }
    }
    /// Is some key less than `limit`?
    fn any_below(keys: *const u64, n: usize, limit: u64) -> bool {
        let mut any = false;
        for i in 0..n {
            // SAFETY: as above.
            any |= unsafe { *keys.add(i) } < limit;
        }
        any
    }
}
/// What may lie in the lower half of a word.
trait Load: Copy {
    fn up(self) -> u64;
    fn down(x: u64) -> Self;
}
macro_rules! loads {
    ($($t:ty)*) => { $(
        impl Load for $t {
            #[inline(always)]
            fn up(self) -> u64 { self as u64 }
            #[inline(always)]
            fn down(x: u64) -> $t { x as $t }
        }
    )* };
}
loads!(u8 u16 u32 u64);

/// A result that is wanted.
#[derive(Clone, Copy)]
pub struct Wanted {
    /// Its number.
    pub operand: usize,
    /// Where it goes.
    pub to: *mut u8,
}

impl Sort {
    /// Lines of `n` elements of these types, of which the first `keys` decide.
    pub fn new(isa: Isa, types: &[Dt], keys: usize, n: usize) -> Sort {
        let mut parts = Vec::new();
        for (operand, dt) in types[..keys].iter().enumerate() {
            let stride = 1 + dt.is_complex() as usize;
            let keys = Keys::new(isa, dt.part());
            parts.extend((0..stride).map(|k| Part { operand, keys, offset: k * keys.size, stride }));
        }
        let (mut groups, mut bits, mut wide) = (Vec::new(), 0, n > u32::MAX as usize);
        for (k, part) in parts.iter().enumerate() {
            if bits + part.keys.bits > 64 {
                groups.push(k);
                bits = 0;
            }
            bits += part.keys.bits;
            wide |= bits > 32;
        }
        groups.push(parts.len());
        Sort { isa, n, sizes: types.iter().map(|dt| dt.size()).collect(), parts, groups, wide }
    }

    /// Sorts `lines` lines, one behind the other in every operand.
    ///
    /// # Safety
    /// The operands have them, what is wanted has room for them and is no operand, and the instruction set is available.
    pub unsafe fn run(&self, lines: usize, from: &[*const u8], wanted: &[Wanted]) {
        if self.n * lines == 0 || wanted.is_empty() {
            return;
        }
        // SAFETY: the caller's.
        unsafe {
            match wanted {
                [w] if self.alone(w.operand) => self.run_alone(lines, from[w.operand], w.to),
                _ if self.wide => self.run_with::<u128>(lines, from, wanted),
                _ => self.run_with::<u64>(lines, from, wanted),
            }
        }
    }

    /// Is this operand all that decides, and can it be had back from its keys?
    fn alone(&self, operand: usize) -> bool {
        self.parts.len() == 1 && operand == 0
    }

    unsafe fn run_alone(&self, lines: usize, from: *const u8, to: *mut u8) {
        let (keys, n) = (self.parts[0].keys, self.n);
        let word = keys.size.max(4);
        let scratch = Buffer::uninit(2 * n * word);
        for line in 0..lines {
            let at = line * n * keys.size;
            // SAFETY: the caller's; there are two times `n` words of scratch. Where words are as large as elements they begin in the result.
            unsafe {
                let (x, to) = (from.add(at), to.add(at));
                let spare = scratch.ptr().add(n * word);
                let words = if word == keys.size { to } else { scratch.ptr() };
                let odd = (keys.alone)(words, x, n);
                let sorted: *mut u8 = match word {
                    4 => sort::<u32>(self.isa, words.cast(), spare.cast(), n, 0, keys.bits).cast(),
                    _ => sort::<u64>(self.isa, words.cast(), spare.cast(), n, 0, keys.bits).cast(),
                };
                (keys.back)(to, sorted, n);
                if odd {
                    (keys.mend)(to, x, n);
                }
            }
        }
    }

    unsafe fn run_with<W: Word>(&self, lines: usize, from: &[*const u8], wanted: &[Wanted]) {
        let n = self.n;
        let buffers = [0, 1].map(|_| Buffer::uninit(n * size_of::<W>()));
        let more = Buffer::uninit(if self.groups.len() > 1 { n * size_of::<W>() } else { 0 });
        let [words, spare] = buffers.each_ref().map(|b| b.ptr().cast::<W>());
        let others: Vec<Wanted> = wanted.iter().copied().filter(|w| !self.alone(w.operand)).collect();
        let key = wanted.iter().find(|w| self.alone(w.operand));
        let half = size_of::<W>() / 2;
        let load = match &others[..] {
            [w] if self.groups.len() == 1 && stable(n) && self.sizes[w.operand] <= half => Some(*w),
            _ => None,
        };
        for line in 0..lines {
            let x: Vec<*const u8> =
                // SAFETY: the line exists.
                from.iter().zip(&self.sizes).map(|(x, size)| unsafe { x.add(line * n * size) }).collect();
            let to = |w: &Wanted| w.to.wrapping_add(line * n * self.sizes[w.operand]);
            // SAFETY: the caller's; there are `n` words in each buffer.
            unsafe {
                let mut sorted = words;
                let mut odd = false;
                if let Some(w) = load {
                    odd = self.words(0..self.parts.len(), &x, words, Some((x[w.operand], self.sizes[w.operand])));
                }
                let laden = load.is_some() && !(odd && key.is_some());
                if laden {
                    sorted = sort(self.isa, words, spare, n, 8 * half as u32, self.bits(0..self.parts.len()));
                } else {
                    let mut end = self.parts.len();
                    for (g, start) in self.groups.iter().rev().skip(1).chain([&0]).enumerate() {
                        let group = *start..end;
                        end = *start;
                        if g > 0 {
                            // What came out so far is the order in which the operands are read.
                            std::ptr::copy_nonoverlapping(sorted, more.ptr().cast::<W>(), n);
                            self.words_after(group.clone(), &x, words, more.ptr().cast());
                        } else {
                            odd = self.words(group.clone(), &x, words, None);
                        }
                        sorted = sort(self.isa, words, spare, n, 8 * half as u32, self.bits(group));
                        if g > 0 {
                            for i in 0..n {
                                let w = sorted.add(i);
                                *w = W::joined(0, (*more.ptr().cast::<W>().add((*w).low() as usize)).low());
                            }
                        }
                    }
                }
                if let Some(k) = key {
                    if odd {
                        gather(self.isa, to(k), x[k.operand], sorted, n, self.sizes[k.operand]);
                    } else {
                        self.elements(to(k), sorted);
                    }
                }
                for w in &others {
                    match (laden, self.sizes[w.operand]) {
                        (true, 1) => lows::<W, u8>(self.isa)(to(w), sorted, n),
                        (true, 2) => lows::<W, u16>(self.isa)(to(w), sorted, n),
                        (true, 4) => lows::<W, u32>(self.isa)(to(w), sorted, n),
                        (true, _) => lows::<W, u64>(self.isa)(to(w), sorted, n),
                        (false, size) => gather(self.isa, to(w), x[w.operand], sorted, n, size),
                    }
                }
            }
        }
    }

    fn bits(&self, group: std::ops::Range<usize>) -> u32 {
        self.parts[group].iter().map(|p| p.keys.bits).sum()
    }

    /// Words of a group of parts, with the elements' indices or with `load`, the bytes of an element behind it. Is there an element whose key is not its own alone?
    unsafe fn words<W: Word>(
        &self,
        group: std::ops::Range<usize>,
        x: &[*const u8],
        words: *mut W,
        load: Option<(*const u8, usize)>,
    ) -> bool {
        let mut keys = [0u64; CHUNK];
        let mut odd = false;
        for first in (0..self.n).step_by(CHUNK) {
            let n = CHUNK.min(self.n - first);
            // SAFETY: the caller's: lines have `self.n` elements, and there are as many words.
            unsafe {
                for (k, p) in self.parts[group.clone()].iter().enumerate() {
                    let x = x[p.operand].add(first * p.stride * p.keys.size + p.offset);
                    odd |= (p.keys.add)(keys.as_mut_ptr(), x, p.stride, n, k > 0);
                }
                let (to, keys) = (words.add(first), keys.as_ptr());
                match load {
                    None => numbered::<W>(self.isa)(to, keys, first, n),
                    Some((x, 1)) => laden::<W, u8>(self.isa)(to, keys, x.add(first), n),
                    Some((x, 2)) => laden::<W, u16>(self.isa)(to, keys, x.add(2 * first), n),
                    Some((x, 4)) => laden::<W, u32>(self.isa)(to, keys, x.add(4 * first), n),
                    Some((x, _)) => laden::<W, u64>(self.isa)(to, keys, x.add(8 * first), n),
                }
            }
        }
        odd
    }

    /// Words of a group of parts of elements in the order of `before`, with their indices in it.
    unsafe fn words_after<W: Word>(
        &self,
        group: std::ops::Range<usize>,
        x: &[*const u8],
        words: *mut W,
        before: *const W,
    ) {
        let (mut keys, mut elements) = ([0u64; CHUNK], [[0u64; 2]; CHUNK]);
        for first in (0..self.n).step_by(CHUNK) {
            let n = CHUNK.min(self.n - first);
            // SAFETY: as above; `before` has indices of elements.
            unsafe {
                for (k, p) in self.parts[group.clone()].iter().enumerate() {
                    let some = elements.as_mut_ptr().cast::<u8>();
                    gather(self.isa, some, x[p.operand], before.add(first), n, p.keys.size * p.stride);
                    (p.keys.add)(keys.as_mut_ptr(), some.add(p.offset), p.stride, n, k > 0);
                }
                numbered::<W>(self.isa)(words.add(first), keys.as_ptr(), first, n);
            }
        }
    }

    /// Elements from the keys of words.
    unsafe fn elements<W: Word>(&self, to: *mut u8, words: *const W) {
        let k = self.parts[0].keys;
        let mut keys = [0u64; CHUNK];
        for first in (0..self.n).step_by(CHUNK) {
            let n = CHUNK.min(self.n - first);
            // SAFETY: as above.
            unsafe {
                highs::<W>(self.isa)(keys.as_mut_ptr(), words.add(first), n);
                (k.unkeyed)(to.add(first * k.size), keys.as_ptr(), n);
            }
        }
    }
}

/// The greatest elements of lines, made ready.
pub struct Top {
    isa: Isa,
    keys: Keys,
    /// Elements of a line, and how many of them are taken.
    n: usize,
    k: usize,
    /// Bytes of an index.
    index: usize,
}

impl Top {
    /// The `k` greatest elements of lines of `n` of this type, with their indices in `index` bytes.
    pub fn new(isa: Isa, dt: Dt, n: usize, k: usize, index: usize) -> Top {
        Top { isa, keys: Keys::new(isa, dt), n, k, index }
    }
    /// # Safety
    /// The operand has `lines` lines, the results have room, and the instruction set is available.
    pub unsafe fn run(&self, lines: usize, from: *const u8, values: *mut u8, indices: *mut u8) {
        // SAFETY: the caller's.
        unsafe {
            match self.keys.bits <= 32 && self.n <= u32::MAX as usize {
                true => self.run_with::<u64>(lines, from, values, indices),
                false => self.run_with::<u128>(lines, from, values, indices),
            }
        }
    }
    unsafe fn run_with<W: Word>(&self, lines: usize, from: *const u8, values: *mut u8, indices: *mut u8) {
        let (n, k) = (self.n, self.k);
        if k == 0 {
            return;
        }
        let mut best: Vec<W> = Vec::with_capacity(n.min(2 * k + 2 * CHUNK));
        let mut keys = vec![0u64; k.max(CHUNK)];
        for line in 0..lines {
            best.clear();
            // No element with a greater key than this is among the first.
            let mut limit = None;
            for first in (0..n).step_by(CHUNK) {
                let m = CHUNK.min(n - first);
                // SAFETY: the caller's: the line has these elements.
                unsafe {
                    (self.keys.descending)(keys.as_mut_ptr(), from.add((line * n + first) * self.keys.size), m)
                };
                match limit {
                    None => best.extend((0..m).map(|i| W::joined(keys[i], (first + i) as u64))),
                    Some(limit) => {
                        for (p, piece) in keys[..m].chunks(32).enumerate() {
                            // SAFETY: the piece has these keys, and the instruction set is available. An equal key comes too late.
                            if unsafe { any_below(self.isa)(piece.as_ptr(), piece.len(), limit) } {
                                let at = |i: usize| (first + p * 32 + i) as u64;
                                let below = piece.iter().enumerate().filter(|(_, key)| **key < limit);
                                best.extend(below.map(|(i, key)| W::joined(*key, at(i))));
                            }
                        }
                    }
                }
                if best.len() >= 2 * k + CHUNK {
                    let (_, last, _) = best.select_nth_unstable(k - 1);
                    limit = Some(last.high());
                    best.truncate(k);
                }
            }
            if best.len() > k {
                best.select_nth_unstable(k - 1);
                best.truncate(k);
            }
            best.sort_unstable();
            for (key, w) in keys.iter_mut().zip(&best) {
                *key = w.high();
            }
            // SAFETY: the caller's: the results have room for `k` elements of every line. The machine is little-endian.
            unsafe {
                (self.keys.risen)(values.add(line * k * self.keys.size), keys.as_ptr(), k);
                for (i, w) in best.iter().enumerate() {
                    let (at, index) = (indices.add((line * k + i) * self.index), w.low());
                    std::ptr::copy_nonoverlapping((&raw const index).cast::<u8>(), at, self.index);
                }
            }
        }
    }
}
