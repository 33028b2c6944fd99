//! The arithmetic that results are computed in: round to nearest, and **subnormal numbers are zero**, as operands and as results.
//!
//! This is what JAX computes on a CPU (XLA sets the same two bits), and it is not a detail: on x86 each subnormal operand or result costs some
//! hundred cycles, so that a gradient that vanishes over many steps would take ten times as long as one that does not. What only moves bits (views, copies, sorting,
//! selections, negation) keeps subnormal numbers as they are, and routines of libraries compute in IEEE's arithmetic.
//!
//! Processors other than x86-64 keep them so far.

/// Rounds to nearest, masks all exceptions.
#[cfg(target_arch = "x86_64")]
const DEFAULT: u32 = 0x1f80;
/// The same, and takes subnormal operands for zeros and gives zeros for subnormal results.
#[cfg(target_arch = "x86_64")]
const WANTED: u32 = DEFAULT | 0x8040;
/// Flags of what has happened.
#[cfg(target_arch = "x86_64")]
const HAPPENED: u32 = 0x3f;

/// While it lives, this thread computes in the arithmetic of this module, whatever the caller's was; then in the caller's again.
pub(crate) struct Arithmetic {
    #[cfg(target_arch = "x86_64")]
    before: Option<u32>,
    /// It belongs to its thread.
    _thread: std::marker::PhantomData<*const ()>,
}

#[cfg(target_arch = "x86_64")]
impl Arithmetic {
    #[inline(always)]
    pub(crate) fn enter() -> Arithmetic {
        Arithmetic::of(WANTED)
    }
    /// That of Rust, with subnormal numbers, for the code of others: it may take any bits for numbers, such as those of an index.
    pub(crate) fn ieee() -> Arithmetic {
        Arithmetic::of(DEFAULT)
    }
    #[inline(always)]
    fn of(wanted: u32) -> Arithmetic {
        let now = control();
        let before = (now & !HAPPENED != wanted).then_some(now);
        if before.is_some() {
            set_control(wanted)
        }
        Arithmetic { before, _thread: std::marker::PhantomData }
    }
}
#[cfg(target_arch = "x86_64")]
impl Drop for Arithmetic {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(before) = self.before {
            set_control(before)
        }
    }
}
#[cfg(not(target_arch = "x86_64"))]
impl Arithmetic {
    #[inline(always)]
    pub(crate) fn enter() -> Arithmetic {
        Arithmetic { _thread: std::marker::PhantomData }
    }
    pub(crate) fn ieee() -> Arithmetic {
        Arithmetic::enter()
    }
}

/// Is this the arithmetic here?
pub(crate) const FLUSHES: bool = cfg!(target_arch = "x86_64");

/// The same by hand, for what is no instruction of its own everywhere (a maximum may be a comparison and a selection, `fmod` is a function).
pub(crate) trait Flush {
    /// A zero of the same sign for a subnormal number.
    fn flush(self) -> Self;
}
macro_rules! flush { ($($t:ident)*) => { $(
    impl Flush for $t {
        #[inline(always)]
        fn flush(self) -> $t {
            if FLUSHES && self.abs() < $t::MIN_POSITIVE { (0.0 as $t).copysign(self) } else { self }
        }
    }
)* } }
flush!(f32 f64);

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn control() -> u32 {
    let mut word = 0u32;
    // SAFETY: it writes four bytes behind the pointer.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut word, options(nostack, preserves_flags)) };
    word
}

// Rust's compiler assumes the default arithmetic wherever it evaluates or moves an operation on numbers itself. What runs under another one is reached through pointers
// to functions and reads its numbers from memory, so there is nothing to evaluate beforehand but constants, none of which is subnormal, and nothing
// can be moved across these instructions, which the compiler takes to read and write any memory.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn set_control(word: u32) {
    // SAFETY: it reads four bytes behind the pointer, which are valid control bits: they are this module's, or they came from the register.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const word, options(nostack)) };
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn the_callers_arithmetic_comes_back() {
        let before = control();
        let rounding_up = before & !HAPPENED | 0x4000;
        set_control(rounding_up);
        {
            let _outer = Arithmetic::enter();
            assert_eq!(control() & !HAPPENED, WANTED);
            let _inner = Arithmetic::enter();
            assert_eq!(control() & !HAPPENED, WANTED);
        }
        let after = control();
        set_control(before);
        assert_eq!(after & !HAPPENED, rounding_up & !HAPPENED);
    }
}
