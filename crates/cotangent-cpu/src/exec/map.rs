//! The block interpreter: a group of maps as slice kernels over columns of [`BLOCK`] elements that stay in the cache.

use super::access::{Access, splat, strided};
use super::build::Place;
use super::kernels::Kernel;
use super::run::Frame;
use crate::Buffer;
use smallvec::SmallVec;

/// Elements of a column.
pub const BLOCK: usize = 512;
/// Rows at least this long are not crossed by a block, so that what is contiguous in a row can be read in place.
const LONG_ROW: usize = 128;

/// The loop of a call.
#[derive(Clone, Copy)]
pub enum Code {
    Slice(Kernel),
    F32(unsafe fn(*mut f32, *const f32, *const f32, usize)),
    F64(unsafe fn(*mut f64, *const f64, *const f64, usize)),
}
impl Code {
    /// # Safety
    /// The contract of [`Kernel`].
    #[inline(always)]
    pub unsafe fn call(self, out: *mut u8, a: *const u8, b: *const u8, c: *const u8, n: usize) {
        // SAFETY: the caller's.
        unsafe {
            match self {
                Code::Slice(f) => f(out, a, b, c, n),
                Code::F32(f) => f(out.cast(), a.cast(), b.cast(), n),
                Code::F64(f) => f(out.cast(), a.cast(), b.cast(), n),
            }
        }
    }
}

/// One kernel and the entries of the pointer table that it works on.
#[derive(Clone, Copy)]
pub struct Call {
    pub code: Code,
    pub out: u32,
    pub args: [u32; 3],
}

/// An entry that points into an operand or a result and moves with the block.
#[derive(Clone, Copy)]
pub struct Moving {
    pub place: Place,
    pub offset: isize,
    pub size: usize,
}

/// What a column is filled with.
#[derive(Clone)]
pub enum Fill {
    /// These bits, once.
    Bits(u64),
    /// One element of memory, once.
    Scalar { place: Place, offset: isize },
    /// The elements of the block, through a view.
    Strided { place: Place, access: Box<Access> },
    /// The index `i / radix % n` as a 64-bit integer.
    Index { radix: usize, n: usize },
}
/// A filled column.
pub struct Column {
    pub entry: u32,
    pub size: usize,
    pub fill: Fill,
}

/// A group of maps. The pointer table has the columns first, then the moving entries.
#[derive(Default)]
pub struct MapStep {
    pub len: usize,
    /// Blocks do not cross multiples of this.
    pub row: usize,
    pub columns: usize,
    /// Bytes of the largest element of a column.
    pub width: usize,
    pub fills: Vec<Column>,
    pub moving: Vec<Moving>,
    pub calls: Vec<Call>,
}

impl MapStep {
    /// Chooses the rows: if all operands that are walked over have long innermost axes of one length, blocks stay inside those.
    pub fn choose_rows(&mut self) {
        self.row = self.len.max(1);
        let mut rows = self.fills.iter().filter_map(|c| match &c.fill {
            Fill::Strided { access, .. } => Some(access.row().map(|r| r.0)),
            _ => None,
        });
        if let Some(Some(first)) = rows.next()
            && first >= LONG_ROW
            && rows.all(|r| r == Some(first))
        {
            self.row = first;
        }
    }

    /// Bytes from one column to the next. Not a multiple of a page, where columns would compete for the same cache lines.
    fn column_bytes(&self, block: usize) -> usize {
        (block * self.width).next_multiple_of(64) + 64
    }

    /// # Safety
    /// The frame belongs to the program that this step was lowered from.
    pub unsafe fn run(&self, frame: &Frame) {
        if self.len == 0 {
            return;
        }
        let block = if self.columns == 0 && self.calls.len() == 1 { self.len } else { self.len.min(BLOCK) };
        let bytes = self.column_bytes(block);
        let scratch = Buffer::uninit(if self.columns == 0 { 0 } else { self.columns * bytes });
        let mut table: SmallVec<[*mut u8; 24]> = SmallVec::with_capacity(self.columns + self.moving.len());
        // SAFETY: columns lie in the scratch buffer; places have the sizes that the program says.
        unsafe {
            for k in 0..self.columns {
                table.push(scratch.ptr().add(k * bytes));
            }
            for m in &self.moving {
                table.push(frame.at(m.place).wrapping_offset(m.offset));
            }
            for c in &self.fills {
                let to = table[c.entry as usize];
                match &c.fill {
                    Fill::Bits(bits) => splat(to, [*bits, 0], block, c.size),
                    Fill::Scalar { place, offset } => {
                        strided(to, frame.at(*place).wrapping_offset(*offset), 0, block, c.size)
                    }
                    _ => {}
                }
            }
            let mut start = 0;
            while start < self.len {
                let n = block.min(self.row - start % self.row).min(self.len - start);
                for c in &self.fills {
                    match &c.fill {
                        Fill::Strided { place, access } => {
                            let to = scratch.ptr().add(c.entry as usize * bytes);
                            let base = frame.at(*place);
                            if self.row < self.len
                                && let Some(at) = access.contiguous_at(start)
                            {
                                table[c.entry as usize] = base.wrapping_offset(at);
                            } else {
                                access.read(to, base, start, n);
                            }
                        }
                        Fill::Index { radix, n: extent } => indices(table[c.entry as usize], *radix, *extent, start, n),
                        _ => {}
                    }
                }
                for c in &self.calls {
                    let at = |e: u32| *table.get_unchecked(e as usize);
                    c.code.call(at(c.out), at(c.args[0]), at(c.args[1]), at(c.args[2]), n);
                }
                for (p, m) in table[self.columns..].iter_mut().zip(&self.moving) {
                    *p = p.add(n * m.size);
                }
                start += n;
            }
        }
    }
}

/// Writes `(start + i) / radix % extent` for `n` values of `i`.
///
/// # Safety
/// `to` has room for `n` words.
unsafe fn indices(to: *mut u8, radix: usize, extent: usize, start: usize, n: usize) {
    let to = to.cast::<u64>();
    let mut k = start / radix % extent;
    let mut left = radix - start % radix;
    let mut i = 0;
    while i < n {
        if radix == 1 {
            let m = (n - i).min(extent - k);
            for j in 0..m {
                // SAFETY: the caller's.
                unsafe { *to.add(i + j) = (k + j) as u64 };
            }
            i += m;
            k = 0;
            continue;
        }
        let m = (n - i).min(left);
        for j in 0..m {
            // SAFETY: the caller's.
            unsafe { *to.add(i + j) = k as u64 };
        }
        i += m;
        left = radix;
        k = if k + 1 == extent { 0 } else { k + 1 };
    }
}
