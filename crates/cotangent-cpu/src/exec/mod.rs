//! Executables: a tensor program made ready to run.
//!
//! [`Executable::compile`] validates a program, folds views, merges maps (`plan`), places values (`build`) and chooses kernels
//! (`kernels`, `lower`). [`Executable::run`] checks the operands and walks over a flat list of steps. It may be called from
//! several threads at once, and nothing of a run outlives it but results and reusable memory.

pub(crate) mod access;
mod again;
mod around;
mod assembly;
mod blocks;
mod build;
mod columns;
mod compose;
mod constants;
mod deep;
mod drive;
mod even;
mod fences;
mod few;
mod fold;
mod front;
mod index;
mod inline;
mod joined;
mod kernels;
mod known;
mod library;
mod line;
mod lower;
mod machine;
mod map;
mod narrow;
mod order;
mod outer;
mod padded;
#[cfg(target_arch = "x86_64")]
mod pick;
mod place;
mod plan;
mod register;
pub mod report;
mod rolled;
mod row;
mod rows;
mod run;
mod same;
pub(crate) mod scalar;
#[cfg(target_arch = "x86_64")]
mod scan;
mod strip;
mod swap;
#[cfg(target_arch = "x86_64")]
mod turn;
mod turns;
#[cfg(target_arch = "x86_64")]
mod weave;
pub(crate) mod what;
mod wide;
mod window;
mod wrapped;

pub use crate::emit::When;
use crate::float::Arithmetic;
use crate::isa::{Isa, isa};
use crate::{Buffer, Kind, Program};
use build::{Built, Out, Place, travels_as_bits};
pub(crate) use compose::compose;
pub use drive::{ArrayLoop, Rows, Turned};
use run::{Frame, Slot};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::OnceLock;
pub use strip::Sizes;
pub use turns::ScalarLoop;

/// An operand of a run.
///
/// A value of rank 0 and at most eight bytes travels as its bits, in the low bytes (`C64`: the real part in the low half); everything
/// else as a buffer of exactly its bytes. A `Bool` is a byte; any but 0 is true.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A scalar.
    Bits(u64),
    /// An array.
    Buffer(&'a Buffer),
    /// An array that the caller gives away, by its number in the list of those: see [`Executable::run_giving`].
    Given(usize),
}

/// A result of a run, by the same convention.
#[derive(Debug)]
pub enum Output {
    /// A scalar.
    Bits(u64),
    /// An array.
    Buffer(Buffer),
    /// An array: the memory of this argument as it is, which its owner still has.
    Arg(u32),
}

/// The results of a run.
pub type Outputs = SmallVec<[Output; 1]>;

/// How to compile.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Options {
    /// The instruction set, which must be available.
    pub isa: Isa,
    /// Merge maps and fold views? Results do not depend on it.
    pub fuse: bool,
    /// Results of at least so many bytes may lie over an operand that nobody reads afterwards. Results do not depend on it.
    pub in_place: usize,
    /// When machine code is made. Results do not depend on it.
    pub machine: When,
    /// When groups run in strips. Results do not depend on it.
    pub strips: Sizes,
    /// The arguments from the first number to before the second may be written over: for [`ArrayLoop`] alone.
    pub owned: (usize, usize),
}
impl Default for Options {
    fn default() -> Options {
        static FUSE: OnceLock<bool> = OnceLock::new();
        let fuse = *FUSE.get_or_init(|| std::env::var("COTANGENT_FUSE").as_deref() != Ok("0"));
        Options {
            isa: isa(),
            fuse,
            in_place: 1 << 18,
            machine: When::chosen(),
            strips: Sizes::default(),
            owned: (0, 0),
        }
    }
}

/// A program that can be run.
pub struct Executable {
    /// Bytes of the arguments; `BITS` more for those that travel as bits.
    args: Box<[usize]>,
    form: Form,
}
const BITS: usize = usize::MAX - 15;

/// How a program runs.
enum Form {
    /// All values are scalars.
    Scalar(register::Registers),
    /// One kernel.
    Single(build::Single),
    Steps(Built),
}

/// A program that is planned and built.
enum Ready {
    Scalar(register::Registers),
    Steps(Built),
}
impl Ready {
    /// With the program as the passes left it, whose nodes have the numbers that they had, and its plan.
    fn new<'a>(given: &'a Program, options: &Options) -> Result<(Cow<'a, Program>, plan::Plan, Ready), String> {
        assert!(options.isa.available(), "this processor does not have {:?}", options.isa);
        given.check()?;
        let mut p = Cow::Borrowed(given);
        if options.fuse {
            let least = few::LEAST.min(options.strips.least);
            let large = again::LEAST.min(options.strips.least);
            let passes: [&dyn Fn(&Program) -> Option<Program>; 14] = [
                &fences::needless,
                &known::constants,
                &same::once,
                &wrapped::indices,
                &narrow::products,
                &swap::swapped,
                &|p| joined::joined(p, joined::LEAST.min(options.strips.least)),
                &padded::views,
                &rolled::views,
                &|p| around::maps(p, around::LEAST.min(options.strips.least)),
                &outer::maps,
                &|p| few::maps(p, least),
                &|p| front::moved(p, front::LEAST.min(options.strips.least)),
                &|p| again::maps(p, large),
            ];
            for pass in passes {
                if let Some(next) = pass(&p) {
                    p = Cow::Owned(next)
                }
            }
            // What runs reads memory as the program says. If a pass has made a mistake that can be seen, the program runs as it came.
            if let Cow::Owned(made) = &p
                && let Err(e) = made.check_live()
            {
                debug_assert!(false, "a pass has made a wrong program: {e}\n{made}");
                p = Cow::Borrowed(given)
            }
            // Products that add to what is there have an operand more than a program may say.
            if let Some(next) = swap::onto(&p, options.owned.0..options.owned.1) {
                p = Cow::Owned(next)
            }
        }
        let mut plan = plan::Plan::new(&p, options.fuse);
        let ready = match build::registers(&p, &plan, options) {
            Some(r) => Ready::Scalar(r),
            None => {
                let code = options.machine != When::Never && options.isa != Isa::Portable;
                let strips = strip::find(&p, &mut plan, options.strips, code);
                Ready::Steps(build::build(&p, &plan, strips, options))
            }
        };
        Ok((p, plan, ready))
    }
}

impl Executable {
    /// Makes a program ready to run. The error says what is wrong with the program.
    pub fn compile(p: &Program) -> Result<Executable, String> {
        Executable::compile_with(p, Options::default())
    }

    /// As [`Executable::compile`].
    ///
    /// # Panics
    /// If the processor does not have the instruction set.
    #[doc(hidden)]
    pub fn compile_with(p: &Program, options: Options) -> Result<Executable, String> {
        let form = match Ready::new(p, &options)?.2 {
            Ready::Scalar(r) => Form::Scalar(r),
            Ready::Steps(built) => built.form(),
        };
        Ok(Executable { args: sizes_of(p), form })
    }

    /// Makes the machine code that the first run would make, which else is part of what that takes.
    pub fn emit(&self) {
        let Form::Steps(built) = &self.form else { return };
        let map = |m: &map::MapStep| {
            if let Some(machine) = m.machine.as_ref().filter(|m| m.at_once()) {
                machine.code();
            }
        };
        for step in &built.steps {
            match step {
                run::Step::Map(m) => map(m),
                run::Step::Strip(s) => {
                    for k in s.kernels.iter().filter(|k| k.at_once()) {
                        k.code(&s.steps);
                    }
                    s.steps.iter().for_each(|s| {
                        if let run::Step::Map(m) = &s.step {
                            map(m)
                        }
                    })
                }
                _ => {}
            }
        }
    }

    /// How many arguments it takes.
    pub fn args(&self) -> usize {
        self.args.len()
    }
    /// The program as the body of an [`ArrayLoop`], which may write over these arguments: the carry. None, if that would be no better.
    pub fn body(p: &Program, carry: std::ops::Range<usize>) -> Option<Executable> {
        let of = |u: &crate::Use| match p.nodes[p.vals[u.val as usize].node as usize].kind {
            Kind::Arg(i) => carry.contains(&(i as usize)),
            _ => false,
        };
        let changes = |n: &crate::Node| match n.kind {
            Kind::Update | Kind::Scatter(_) => of(&p.uses_of(n)[0]),
            // perhaps a sum with a product
            Kind::Map(_) => n.uses.1 == 2 && p.uses_of(n).iter().any(of),
            _ => false,
        };
        if !p.nodes.iter().any(changes) {
            return None;
        }
        let made =
            Executable::compile_with(p, Options { owned: (carry.start, carry.end), ..Options::default() }).ok()?;
        (!made.written().is_empty()).then_some(made)
    }
    /// The arguments that are written over.
    fn written(&self) -> &[u32] {
        match &self.form {
            Form::Steps(b) => &b.written,
            _ => &[],
        }
    }

    /// Runs the program.
    ///
    /// # Panics
    /// If the operands are not of the number, kinds and lengths of the program's arguments, or if it is the [body](Executable::body) of a loop.
    #[inline]
    pub fn run(&self, args: &[Operand]) -> Outputs {
        self.run_giving(args, &mut [])
    }
    /// The arguments whose memory results can lie in, if the caller gives it away.
    pub fn wants(&self) -> &[u32] {
        match &self.form {
            Form::Steps(b) => &b.wants,
            _ => &[],
        }
    }
    /// As [`Executable::run`], with arrays that the caller has no use for any more. What the program can do with their memory it does
    /// ([`Executable::wants`]); a buffer that it keeps is empty afterwards.
    ///
    /// # Panics
    /// As [`Executable::run`]; if an operand names no buffer, or two name one.
    pub fn run_giving(&self, args: &[Operand], given: &mut [Buffer]) -> Outputs {
        check(&self.args, args, given);
        assert!(self.written().is_empty(), "the body of a loop runs in the loop");
        let _arithmetic = Arithmetic::enter();
        // SAFETY: the operands are of the kinds and lengths of the program's arguments, and the program was checked.
        unsafe {
            match &self.form {
                Form::Scalar(r) => r.run(args),
                Form::Single(s) => s.run(args, given),
                Form::Steps(built) => steps(built, args, given),
            }
        }
    }

    /// The result's bits for the arguments' bits, if the program is a single operation on scalars: `None` for any other program, or
    /// another number of arguments. The same as [`run`](Executable::run), without lists.
    #[inline]
    pub fn scalar(&self, args: &[u64]) -> Option<u64> {
        match &self.form {
            Form::Scalar(register::Registers { one: Some(one), .. }) if args.len() == self.args.len() => {
                let _arithmetic = Arithmetic::enter();
                // SAFETY: the kernels were chosen for this processor.
                Some(unsafe { one.word(|i| args[i]) })
            }
            _ => None,
        }
    }
}

/// Bytes of a program's arguments.
fn sizes_of(p: &Program) -> Box<[usize]> {
    p.args.iter().map(|ty| if travels_as_bits(ty) { BITS + ty.bytes() } else { ty.bytes() }).collect()
}
/// Are these operands of the sizes that the program wants?
#[inline(always)]
fn check(sizes: &[usize], args: &[Operand], given: &[Buffer]) {
    let fits = |(a, want): (&Operand, &usize)| match a {
        Operand::Bits(_) => *want >= BITS,
        Operand::Buffer(b) => *want == b.len(),
        Operand::Given(k) => given.get(*k).is_some_and(|b| *want == b.len()),
    };
    if args.len() != sizes.len() || !args.iter().zip(sizes).all(fits) {
        refuse(sizes, args, given);
    }
    if !given.is_empty() {
        once(args)
    }
}
/// Memory that is given away is one operand's.
fn once(args: &[Operand]) {
    let number = |a: &Operand| if let Operand::Given(k) = a { Some(*k) } else { None };
    for (i, k) in args.iter().enumerate().filter_map(|(i, a)| Some((i, number(a)?))) {
        assert!(!args[..i].iter().any(|a| number(a) == Some(k)), "buffer {k} is given away twice")
    }
}
#[cold]
#[inline(never)]
fn refuse(sizes: &[usize], args: &[Operand], given: &[Buffer]) {
    assert!(args.len() == sizes.len(), "{} operands for a program of {} arguments", args.len(), sizes.len());
    for (i, (a, want)) in args.iter().zip(sizes).enumerate() {
        match (a, *want) {
            (Operand::Bits(_), BITS..) => {}
            (Operand::Bits(_), n) => panic!("operand {i} is bits, but argument {i} is a buffer of {n} bytes"),
            (Operand::Buffer(b), BITS..) => {
                panic!("operand {i} is a buffer of {} bytes, but argument {i} travels as bits", b.len())
            }
            (Operand::Buffer(b), n) => {
                assert!(b.len() == n, "operand {i} is a buffer of {} bytes, but argument {i} has {n}", b.len())
            }
            (Operand::Given(k), n) => match given.get(*k) {
                Some(b) if n < BITS => {
                    assert!(b.len() == n, "operand {i} is a buffer of {} bytes, but argument {i} has {n}", b.len())
                }
                Some(_) => panic!("operand {i} is a buffer, but argument {i} travels as bits"),
                None => panic!("operand {i} is buffer {k} of {} that are given away", given.len()),
            },
        }
    }
}

impl build::Single {
    /// # Safety
    /// The operands fit the program, and the processor has the kernel's instruction set.
    #[inline]
    unsafe fn run(&self, args: &[Operand], given: &[Buffer]) -> Outputs {
        let at = |i: usize| match &args[i] {
            Operand::Buffer(b) => b.ptr().cast_const(),
            Operand::Given(k) => given[*k].ptr().cast_const(),
            // A scalar would be read through a column.
            Operand::Bits(_) => std::ptr::null(),
        };
        let out = Buffer::uninit(self.bytes);
        // SAFETY: the caller's.
        unsafe { self.call(at, out.ptr()) };
        Outputs::from_buf([Output::Buffer(out)])
    }
    /// # Safety
    /// The operands lie where `arg` says, the result has its bytes, and the processor has the kernel's instruction set.
    #[inline(always)]
    unsafe fn call(&self, arg: impl Fn(usize) -> *const u8, out: *mut u8) {
        let at = |k: usize| {
            let (place, offset) = self.args[k];
            let start = match place {
                Place::Const(i) => self.consts.ptr(i),
                Place::Arg(i) => arg(i as usize),
                _ => unreachable!("a single kernel reads arguments and constants"),
            };
            start.wrapping_offset(offset)
        };
        // SAFETY: the caller's.
        unsafe { self.code.call(out, at(0), at(1), at(2), self.len) }
    }
}

/// # Safety
/// The operands fit the program.
unsafe fn steps(built: &Built, args: &[Operand], given: &mut [Buffer]) -> Outputs {
    let (slots, scratch) = frame_of(built);
    let places: SmallVec<[*mut u8; 8]> = args.iter().map(|a| pointer(a, given)).collect();
    let mut frame = Frame::new(&places, &built.consts, &slots, scratch.ptr());
    let give = |i: u32| match args[i as usize] {
        Operand::Given(k) => Some(std::mem::replace(&mut given[k], Buffer::uninit(0))),
        _ => None,
    };
    // SAFETY: the caller's. What is given away stays where it is, in a slot.
    unsafe { run::run(&built.steps, &mut frame, give) };
    result_list(built, &mut frame)
}
/// Where an operand lies.
#[inline(always)]
fn pointer(a: &Operand, given: &[Buffer]) -> *mut u8 {
    match a {
        Operand::Bits(b) => std::ptr::from_ref(b).cast::<u8>().cast_mut(),
        Operand::Buffer(b) => b.ptr(),
        Operand::Given(k) => given[*k].ptr(),
    }
}
/// Slots without buffers, and memory for groups of maps.
#[inline(always)]
fn frame_of(built: &Built) -> (SmallVec<[Slot; 8]>, Buffer) {
    let mut slots = SmallVec::new();
    slots.resize_with(built.slots, Slot::new);
    (slots, Buffer::uninit(built.scratch))
}
/// The results, when all steps are done.
#[inline(always)]
fn result_list(built: &Built, frame: &mut Frame) -> Outputs {
    match &built.outs[..] {
        [out] => Outputs::from_buf([result(frame, out)]),
        outs => Outputs::from_vec(outs.iter().map(|out| result(frame, out)).collect()),
    }
}

/// Takes a result out of the frame.
#[inline]
fn result(frame: &mut Frame, out: &Out) -> Output {
    match *out {
        Out::Arg(i) => Output::Arg(i),
        Out::Take(s) => Output::Buffer(frame.take(s)),
        Out::Copy(place, bytes) => {
            // SAFETY: the place has the bytes of the result.
            Output::Buffer(Buffer::from_bytes(unsafe { std::slice::from_raw_parts(frame.at(place), bytes) }))
        }
        Out::Bits(place, bytes) => {
            let mut word = 0u64;
            // SAFETY: as above, and they are at most eight; the machine is little-endian.
            unsafe { std::ptr::copy_nonoverlapping(frame.at(place), (&raw mut word).cast(), bytes) };
            Output::Bits(word)
        }
    }
}

#[cfg(target_endian = "big")]
compile_error!(
    "the engine keeps scalars in the low bytes of words, and has only been thought through for little-endian machines"
);
