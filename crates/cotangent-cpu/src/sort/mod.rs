//! Sorting of lines, and their greatest elements: [`crate::Kind::Sort`] and [`crate::Kind::Top`].
//!
//! A line becomes words: its elements' keys, unsigned numbers that ascend as the elements do (`keys`), and in the lower half of each
//! word the index of the element, so that no two words are equal and equal elements keep their order however the words are sorted
//! (`words`). What goes along is gathered by those indices. AVX-512 sorts words by comparing vectors of them (`x86`). Otherwise long lines
//! are sorted digit by digit, which keeps the order of equal words by itself, so that a single operand that goes along can take the
//! indices' place. Keys that go alone need no indices.

mod keys;
mod words;
#[cfg(target_arch = "x86_64")]
mod x86;

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
    fn narrowed(to: *mut u32, keys: *const u64, n: usize) {
        for i in 0..n {
            // SAFETY: as above.
            unsafe { *to.add(i) = *keys.add(i) as u32 }
        }
    }
    /// Is there the greatest word?
    fn has_greatest(words: *const u32, n: usize) -> bool {
        let mut any = false;
        for i in 0..n {
            // SAFETY: as above.
            any |= unsafe { *words.add(i) } == u32::MAX;
        }
        any
    }
    /// Is a word equal to the one behind it? There are `n` and one more.
    fn has_equal(words: *const u32, n: usize) -> bool {
        let mut any = false;
        for i in 0..n {
            // SAFETY: as above.
            any |= unsafe { *words.add(i) == *words.add(i + 1) };
        }
        any
    }
    /// Are these the numbers from `first` on?
    fn counts(words: *const u32, first: u32, n: usize) -> bool {
        let mut wrong = 0;
        for i in 0..n {
            // SAFETY: as above.
            wrong |= unsafe { *words.add(i) } ^ (first + i as u32);
        }
        wrong == 0
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
                #[cfg(target_arch = "x86_64")]
                _ if self.isa == Isa::Avx512 && !self.wide => self.run_pairs(lines, from, wanted),
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
            [w] if self.groups.len() == 1 && stable::<W>(self.isa, n) && self.sizes[w.operand] <= half => Some(*w),
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

    /// With keys of up to 32 bits in one array and indices in another.
    #[cfg(target_arch = "x86_64")]
    unsafe fn run_pairs(&self, lines: usize, from: &[*const u8], wanted: &[Wanted]) {
        let n = self.n;
        let scratch = Buffer::uninit(8 * n);
        let keys = scratch.ptr().cast::<u32>();
        let bits = self.bits(0..self.parts.len());
        let mut x = from.to_vec();
        for line in 0..lines {
            let at = |k: usize| line * n * self.sizes[k];
            // SAFETY: the caller's: AVX-512 is there, and the lines; the scratch has room for two times `n` words.
            unsafe {
                let order = keys.add(n);
                for (k, x) in x.iter_mut().enumerate() {
                    *x = from[k].wrapping_add(at(k));
                }
                let odd = self.keys32(&x, keys);
                if bits == 32 && has_greatest(self.isa)(keys, n) {
                    // The vectors fill up with these.
                    let to: Vec<Wanted> = wanted.iter().map(|w| Wanted { to: w.to.add(at(w.operand)), ..*w }).collect();
                    self.run_with::<u64>(1, &x, &to);
                    continue;
                }
                for i in 0..n {
                    *order.add(i) = i as u32;
                }
                x86::pairs32((keys, order), n);
                self.settle(keys, order);
                for w in wanted {
                    let (to, size) = (w.to.add(at(w.operand)), self.sizes[w.operand]);
                    if self.alone(w.operand) && !odd {
                        let k = self.parts[0].keys;
                        (k.back)(to, keys.cast(), n);
                    } else if size == 4 && self.counting(x[w.operand].cast()) {
                        std::ptr::copy_nonoverlapping(order.cast::<u8>(), to, 4 * n);
                    } else {
                        gather(self.isa, to, x[w.operand], order.cast_const(), n, size);
                    }
                }
            }
        }
    }
    /// The keys of a line as words of four bytes. Is there an element whose key is not its own alone?
    #[cfg(target_arch = "x86_64")]
    unsafe fn keys32(&self, x: &[*const u8], words: *mut u32) -> bool {
        if let [p] = &self.parts[..]
            && p.stride == 1
        {
            // SAFETY: the caller's: the line, and room for it.
            return unsafe { (p.keys.alone)(words.cast(), x[p.operand], self.n) };
        }
        let (mut keys, mut odd) = ([0u64; CHUNK], false);
        for first in (0..self.n).step_by(CHUNK) {
            let n = CHUNK.min(self.n - first);
            // SAFETY: as above.
            unsafe {
                odd |= self.chunk(0..self.parts.len(), x, keys.as_mut_ptr(), first, n);
                narrowed(self.isa)(words.add(first), keys.as_ptr(), n);
            }
        }
        odd
    }
    /// Puts the indices of equal keys in order.
    #[cfg(target_arch = "x86_64")]
    unsafe fn settle(&self, keys: *const u32, order: *mut u32) {
        let mut i = 0;
        while i + 1 < self.n {
            let m = (self.n - 1 - i).min(64);
            // SAFETY: the caller's: `self.n` keys and indices, and AVX-512.
            unsafe {
                if !has_equal(self.isa)(keys.add(i), m) {
                    i += m;
                    continue;
                }
                while *keys.add(i) != *keys.add(i + 1) {
                    i += 1;
                }
                let start = i;
                while i < self.n && *keys.add(i) == *keys.add(start) {
                    i += 1;
                }
                x86::words32(order.add(start), i - start);
            }
        }
    }
    /// Are the elements of this line the numbers from 0 on?
    #[cfg(target_arch = "x86_64")]
    unsafe fn counting(&self, x: *const u32) -> bool {
        (0..self.n).step_by(CHUNK).all(|first| {
            // SAFETY: the caller's: the line.
            unsafe { counts(self.isa)(x.add(first), first as u32, CHUNK.min(self.n - first)) }
        })
    }

    /// The keys of a group of parts of `n` elements from `first` on.
    unsafe fn chunk(
        &self,
        group: std::ops::Range<usize>,
        x: &[*const u8],
        keys: *mut u64,
        first: usize,
        n: usize,
    ) -> bool {
        let mut odd = false;
        for (k, p) in self.parts[group].iter().enumerate() {
            // SAFETY: the caller's: they exist.
            unsafe {
                let x = x[p.operand].add(first * p.stride * p.keys.size + p.offset);
                odd |= (p.keys.add)(keys, x, p.stride, n, k > 0);
            }
        }
        odd
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
                odd |= self.chunk(group.clone(), x, keys.as_mut_ptr(), first, n);
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
                unsafe { (self.keys.descending)(keys.as_mut_ptr(), from.add((line * n + first) * self.keys.size), m) };
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
