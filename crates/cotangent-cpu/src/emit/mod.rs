//! The emitter: machine code for maps and for loops over scalars.
//!
//! What the block interpreter does call by call, with columns in the cache between the calls, becomes one loop with its values in registers. The way:
//!
//! * [`translate`] spells out what every call means, in instructions on lanes ([`ir`]); quotients of integers are in [`divide`], elementary functions are those of [`math`](crate::math), written
//!   down by the same source ([`lanes`]); [`level`] has what AVX2 lacks;
//! * [`compile`] gives the values registers and makes the loop, [`select`] the instructions, [`asm`] their bytes;
//! * [`twice`] puts two rounds into one where results wait long for each other;
//! * [`memory`] puts them where they can run. Code is kept by structure for the life of the process.
//!
//! **The bits are the interpreter's.** Both do the same IEEE operations in the same order; nothing is contracted or approximated. What is rare and long
//! (a sine of a huge number) is not emitted: the loop stops before it, the interpreter does that round, and the loop goes on.
//!
//! There is code for AVX2 with FMA, and for AVX-512. On other processors, where memory for code cannot be had, and with `COTANGENT_JIT=0`, the
//! interpreter runs.

pub mod asm;
pub mod compile;
pub mod divide;
pub mod ir;
pub mod lanes;
pub mod level;
pub mod listing;
pub mod memory;
pub mod select;
pub mod translate;
pub mod twice;

#[cfg(test)]
mod tests;

use crate::isa::Isa;
pub use compile::{Loop, Stop};
use ir::{Ir, Quick};
pub use select::Lanes;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Mutex, OnceLock};

/// When machine code is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum When {
    /// When it pays.
    #[default]
    Pays,
    /// Wherever it can be made.
    Always,
    /// Not at all.
    Never,
}
impl When {
    /// As the environment says.
    pub fn chosen() -> When {
        static CHOSEN: OnceLock<When> = OnceLock::new();
        *CHOSEN.get_or_init(|| match std::env::var("COTANGENT_JIT").as_deref() {
            Ok("0") => When::Never,
            _ => When::Pays,
        })
    }
}

#[cfg(target_arch = "x86_64")]
type Entry = unsafe extern "sysv64" fn(*const *mut u8, u64, u64) -> Stop;
// Never called: there is no code for other processors.
#[cfg(not(target_arch = "x86_64"))]
type Entry = unsafe extern "C" fn(*const *mut u8, u64, u64) -> Stop;

/// A loop that can run.
#[derive(Clone, Copy)]
pub struct Code {
    one: Placed,
    /// The same for two rounds in one, as far as they go.
    two: Option<Placed>,
    /// Elements of a round.
    pub lanes: usize,
}
/// Instructions where they can run.
#[derive(Clone, Copy)]
struct Placed {
    at: Entry,
    /// Their bytes.
    text: usize,
}
impl Code {
    /// Runs the indices from `start` below `n`.
    ///
    /// # Safety
    /// The pointers of the table are good for what the program reads and writes at these indices, and the processor has the instruction set.
    #[inline(always)]
    pub unsafe fn run(&self, table: *const *mut u8, n: usize, start: usize) -> Stop {
        let (n, mut start) = (n as u64, start as u64);
        // SAFETY: the caller's.
        unsafe {
            if let Some(two) = self.two
                && n >= start + 2 * self.lanes as u64
            {
                let stop = (two.at)(table, n, start);
                if stop.why != 0 {
                    return stop;
                }
                start = stop.at
            }
            (self.one.at)(table, n, start)
        }
    }
    /// How many bytes its instructions have.
    pub fn text(&self) -> usize {
        self.bytes().map(<[u8]>::len).sum()
    }
    /// The instructions' bytes: of two rounds in one, if there is that, and of one.
    pub fn bytes(&self) -> impl Iterator<Item = &'static [u8]> {
        // SAFETY: code stays where it is for the life of the process, and its mapping can be read.
        let bytes = |p: Placed| unsafe { std::slice::from_raw_parts(p.at as *const u8, p.text) };
        self.two.into_iter().chain([self.one]).map(bytes)
    }
}

type Key = (Ir, Lanes, Loop);
type Known = HashMap<Key, Option<Code>, BuildHasherDefault<Quick>>;
static KNOWN: Mutex<Option<Known>> = Mutex::new(None);

/// The lanes of a program for an instruction set.
pub fn lanes(isa: Isa, ir: &Ir, one: bool) -> Option<Lanes> {
    let evex = match isa {
        Isa::Portable => return None,
        Isa::Avx2 => false,
        Isa::Avx512 => true,
    };
    let wide = ir.has_wide();
    let n = if one { 1 } else { (if evex { 16 } else { 8 }) >> wide as usize };
    Some(Lanes { evex, n, wide })
}

/// The machine code of a program; `None` where there is none.
pub fn code(ir: Ir, isa: Isa, kind: Loop) -> Option<Code> {
    let l = lanes(isa, &ir, kind.one())?;
    let key = (ir, l, kind);
    if let Some(code) = KNOWN.lock().unwrap_or_else(|e| e.into_inner()).as_ref().and_then(|k| k.get(&key)) {
        return *code;
    }
    let made = make(&key);
    let mut known = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
    *known.get_or_insert_default().entry(key).or_insert(made)
}
/// Machine code, and what it was made of.
struct Made {
    code: Code,
    /// For each of its [`Code::bytes`].
    parts: Vec<Part>,
}
/// A program as it was compiled.
struct Part {
    ir: Ir,
    /// Of each instruction, which one of the program that was asked for it is.
    origin: Vec<u32>,
    compiled: compile::Compiled,
    /// Elements of a round.
    lanes: usize,
}
/// The parts of a program: two rounds in one, if that pays, and one.
fn parts(ir: &Ir, l: Lanes, kind: Loop) -> Option<Vec<Part>> {
    let mut parts = vec![];
    if kind == Loop::Map && twice::pays(ir, l) {
        let (ir, origin) = twice::twice(ir, l.n);
        if let Some(compiled) = compile::compile(&ir, l, Loop::Twice) {
            parts.push(Part { ir, origin, compiled, lanes: 2 * l.n })
        }
    }
    let origin = (0..ir.insts.len() as u32).collect();
    parts.push(Part { ir: ir.clone(), origin, compiled: compile::compile(ir, l, kind)?, lanes: l.n });
    Some(parts)
}
/// The machine code of a program as it runs, and as it was compiled.
fn code_and_text(ir: &Ir, isa: Isa, kind: Loop) -> Option<Made> {
    let code = code(ir.clone(), isa, kind)?;
    let l = lanes(isa, ir, kind.one())?;
    Some(Made { code, parts: parts(ir, l, kind)? })
}
fn make((ir, l, kind): &Key) -> Option<Code> {
    let mut placed = vec![];
    for part in parts(ir, *l, *kind)? {
        let at = memory::install(&part.compiled.bytes)?;
        // SAFETY: a function of this type lies there.
        let at = unsafe { std::mem::transmute::<*const u8, Entry>(at) };
        placed.push(Placed { at, text: part.compiled.text })
    }
    let one = placed.pop()?;
    Some(Code { one, two: placed.pop(), lanes: l.n })
}
