//! Complex arithmetic and elementary functions, as builders of bodies.
//!
//! No complex value reaches a [`Body`]: a map reads real and imaginary parts, and writes them. Each function here appends the
//! instructions that compute one complex operation to a body. `dt` is the type of the parts, `F32` or `F64`; a complex value is
//! the pair of instructions that are its parts. There are no branches: where a formula serves only part of the plane, both are
//! computed and [`Op::Select`] chooses.
//!
//! Nothing overflows on the way to a result that does not, and what underflows is small beside |result|: the error of a result
//! is a few units in the last place of its absolute value. (The exception is `pow`: an error in the logarithm of its result is
//! an error relative to it.) A part much smaller than the other one may have fewer right digits, or none if it comes from
//! subnormal numbers. Branch cuts are those of C99; on a cut, the sign of a zero tells the side. Where JAX does something else,
//! the table of the tests has both.
//!
//! * this file: the notation in which the formulas are written, and what needs only arithmetic and square roots;
//! * `complex/exp.rs`: the exponential function, the hyperbolic and the circular ones;
//! * `complex/log.rs`: the logarithm, the inverse functions and the power.

mod exp;
mod log;

pub use exp::{cos, cosh, exp, exp2, expm1, logistic, sin, sinh, tan, tanh};
pub use log::{acos, acosh, asin, asinh, atan, atanh, log, log1p, pow};

use crate::{Body, Dt, M, Op};
use std::cell::RefCell;
use std::f64::consts::LN_2;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Where instructions go. It holds the body while a formula is written, so that formulas may nest.
struct Build {
    body: RefCell<Body>,
    dt: Dt,
}

/// A real number or a truth value of a body.
#[derive(Clone, Copy)]
struct V<'p> {
    at: &'p Build,
    id: u32,
}

/// A complex number of a body: its parts.
type Z<'p> = (V<'p>, V<'p>);

/// What may stand as an operand: a value, or a constant of the type at hand.
trait Operand<'p> {
    fn value(self, at: &'p Build) -> V<'p>;
}
impl<'p> Operand<'p> for V<'p> {
    fn value(self, _: &'p Build) -> V<'p> {
        self
    }
}
impl<'p> Operand<'p> for f64 {
    fn value(self, at: &'p Build) -> V<'p> {
        let mut b = at.body.borrow_mut();
        let id = b.num(at.dt, self);
        V { at, id: reuse_last(&mut b, id) }
    }
}

/// A constant that a body has already need not be made again.
fn reuse_last(b: &mut Body, id: u32) -> u32 {
    let last = b.ops[id as usize];
    match b.ops[..id as usize].iter().rposition(|op| *op == last) {
        Some(k) => {
            b.ops.pop();
            k as u32
        }
        None => id,
    }
}

impl Build {
    fn v(&self, id: u32) -> V<'_> {
        V { at: self, id }
    }
    fn push(&self, op: Op, dt: Dt, a: V, b: V, c: V) -> V<'_> {
        self.v(self.body.borrow_mut().push(op, dt, a.id, b.id, c.id))
    }
    /// A constant that depends on the type.
    fn by(&self, single: f64, double: f64) -> V<'_> {
        if self.dt == Dt::F32 { single } else { double }.value(self)
    }
    /// A power of two, by type.
    fn two_to(&self, single: i32, double: i32) -> V<'_> {
        self.by(2f64.powi(single), 2f64.powi(double))
    }
    /// The unsigned integers of the same size.
    fn word(&self) -> Dt {
        if self.dt == Dt::F32 { Dt::U32 } else { Dt::U64 }
    }
    /// An integer constant of that type.
    fn mask(&self, single: u32, double: u64) -> V<'_> {
        let mut b = self.body.borrow_mut();
        let id = b.bits(self.word(), if self.dt == Dt::F32 { single as u64 } else { double });
        self.v(reuse_last(&mut b, id))
    }
}

impl<'p> V<'p> {
    fn un(self, op: Op, dt: Dt) -> V<'p> {
        self.at.v(self.at.body.borrow_mut().un(op, dt, self.id))
    }
    fn bin(self, op: Op, dt: Dt, other: impl Operand<'p>) -> V<'p> {
        let other = other.value(self.at);
        self.at.v(self.at.body.borrow_mut().bin(op, dt, self.id, other.id))
    }
    fn math(self, m: M) -> V<'p> {
        self.un(Op::Math(m), self.at.dt)
    }
    fn atan2(self, x: impl Operand<'p>) -> V<'p> {
        self.bin(Op::Math(M::Atan2), self.at.dt, x)
    }
    fn pow(self, x: impl Operand<'p>) -> V<'p> {
        self.bin(Op::Math(M::Pow), self.at.dt, x)
    }
    fn abs(self) -> V<'p> {
        self.un(Op::Abs, self.at.dt)
    }
    fn sqrt(self) -> V<'p> {
        self.un(Op::Sqrt, self.at.dt)
    }
    fn max(self, other: impl Operand<'p>) -> V<'p> {
        self.bin(Op::Max, self.at.dt, other)
    }
    fn min(self, other: impl Operand<'p>) -> V<'p> {
        self.bin(Op::Min, self.at.dt, other)
    }
    fn lt(self, other: impl Operand<'p>) -> V<'p> {
        self.bin(Op::Lt, Dt::Bool, other)
    }
    fn gt(self, other: impl Operand<'p>) -> V<'p> {
        other.value(self.at).lt(self)
    }
    fn eq(self, other: impl Operand<'p>) -> V<'p> {
        self.bin(Op::Eq, Dt::Bool, other)
    }
    fn is_inf(self) -> V<'p> {
        self.abs().eq(f64::INFINITY)
    }
    fn is_finite(self) -> V<'p> {
        self.abs().lt(f64::INFINITY)
    }
    fn and(self, other: V<'p>) -> V<'p> {
        self.bin(Op::And, Dt::Bool, other)
    }
    fn or(self, other: V<'p>) -> V<'p> {
        self.bin(Op::Or, Dt::Bool, other)
    }
    fn not(self) -> V<'p> {
        self.un(Op::Not, Dt::Bool)
    }
    /// This truth value's choice.
    fn pick(self, yes: impl Operand<'p>, no: impl Operand<'p>) -> V<'p> {
        self.at.push(Op::Select, self.at.dt, self, yes.value(self.at), no.value(self.at))
    }
    /// `self * b + c`, rounded once.
    fn fma(self, b: impl Operand<'p>, c: V<'p>) -> V<'p> {
        self.at.push(Op::MulAdd, self.at.dt, self, b.value(self.at), c)
    }
    /// The bits, as an integer.
    fn bits(self) -> V<'p> {
        self.un(Op::Bitcast, self.at.word())
    }
    /// This number, which has no sign, with the sign of another, be it a zero.
    fn signed(self, like: V<'p>) -> V<'p> {
        let word = self.at.word();
        let sign = like.bits().bin(Op::And, word, self.at.mask(1 << 31, 1 << 63));
        self.bits().bin(Op::Or, word, sign).un(Op::Bitcast, self.at.dt)
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $op:ident;)*) => {$(
        impl<'p, T: Operand<'p>> $trait<T> for V<'p> {
            type Output = V<'p>;
            fn $method(self, other: T) -> V<'p> {
                self.bin(Op::$op, self.at.dt, other)
            }
        }
    )*};
}
operators! { Add add Add; Sub sub Sub; Mul mul Mul; Div div Div; }
impl<'p> Neg for V<'p> {
    type Output = V<'p>;
    fn neg(self) -> V<'p> {
        self.un(Op::Neg, self.at.dt)
    }
}

/// Takes the body into a [`Build`] while `f` writes a formula of `zs`.
fn build<const N: usize>(
    b: &mut Body,
    dt: Dt,
    zs: [(u32, u32); N],
    f: impl for<'p> FnOnce(&'p Build, [Z<'p>; N]) -> Z<'p>,
) -> (u32, u32) {
    assert!(matches!(dt, Dt::F32 | Dt::F64), "the parts of a complex number are f32 or f64, not {dt}");
    let at = Build { body: RefCell::new(std::mem::take(b)), dt };
    let (re, im) = f(&at, zs.map(|(re, im)| (at.v(re), at.v(im))));
    let ids = (re.id, im.id);
    *b = at.body.into_inner();
    ids
}

/// Builders of the functions of one number.
macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident = $formula:expr;)*) => {$(
        $(#[$doc])*
        pub fn $name(b: &mut crate::Body, dt: crate::Dt, z: (u32, u32)) -> (u32, u32) {
            super::build(b, dt, [z], |at, [z]| $formula(at, z))
        }
    )*};
}
use unary;

/// The product `(ac - bd, ad + bc)`, each operation rounded.
pub fn mul(b: &mut Body, dt: Dt, z: (u32, u32), w: (u32, u32)) -> (u32, u32) {
    build(b, dt, [z, w], |_, [z, w]| times(z, w))
}

/// The quotient.
pub fn div(b: &mut Body, dt: Dt, z: (u32, u32), w: (u32, u32)) -> (u32, u32) {
    build(b, dt, [z, w], |at, [z, w]| quotient(at, z, w))
}

/// The absolute value. It is infinite if a part is, whatever the other.
pub fn abs(b: &mut Body, dt: Dt, z: (u32, u32)) -> u32 {
    let both = build(b, dt, [z], |at, [z]| {
        let r = modulus(at, z, &Scaled::new(at, z));
        (r, r)
    });
    both.0
}

/// z / |z|; 0 of 0.
pub fn sign(b: &mut Body, dt: Dt, z: (u32, u32)) -> (u32, u32) {
    build(b, dt, [z], |at, [z]| {
        let s = Scaled::new(at, z);
        let h = s.norm.sqrt();
        let zero = h.eq(0.0);
        (zero.pick(z.0, s.z.0 / h), zero.pick(z.1, s.z.1 / h))
    })
}

/// The square root with a real part that is not negative.
pub fn sqrt(b: &mut Body, dt: Dt, z: (u32, u32)) -> (u32, u32) {
    build(b, dt, [z], |at, [z]| {
        let (x, y) = root(at, z, &Scaled::new(at, z));
        // An infinite imaginary part wins over everything, an infinite real part over a finite one.
        let (tall, wide) = (z.1.is_inf(), z.0.is_inf().and(z.1.is_finite()));
        let (inf, nothing) = (f64::INFINITY.value(at), 0.0.value(at));
        let right = z.0.gt(0.0);
        let re = tall.pick(inf, wide.pick(right.pick(inf, nothing), x));
        let im = tall.pick(z.1, wide.pick(right.pick(nothing, inf).signed(z.1), y));
        (re, im)
    })
}

/// 1 / sqrt(z). Of zero, it is infinite in no direction: `(inf, nan)`.
pub fn rsqrt(b: &mut Body, dt: Dt, z: (u32, u32)) -> (u32, u32) {
    build(b, dt, [z], |at, [z]| {
        // With w the root, 1 / w = conj(w) / |w|^2, and |w|^2 = |z|.
        let s = Scaled::new(at, z);
        let (w, h) = (root(at, z, &s), s.norm.sqrt());
        let (zero, infinite) = (h.eq(0.0), is_infinite(z));
        let re = infinite.pick(0.0, zero.pick(f64::INFINITY, w.0 / h * s.by));
        let im = infinite.pick(0.0.value(at).signed(-z.1), -(w.1 / h * s.by));
        (re, im)
    })
}

fn times<'p>((a, b): Z<'p>, (c, d): Z<'p>) -> Z<'p> {
    (a * c - b * d, a * d + b * c)
}

/// A number times a power of two, so that the squares of its parts add up without overflow, and without underflow that matters.
struct Scaled<'p> {
    /// The scaled number.
    z: Z<'p>,
    /// The square of its modulus.
    norm: V<'p>,
    /// The power of two.
    by: V<'p>,
    /// Which case: far too large, far too small.
    large: V<'p>,
    small: V<'p>,
}
/// The exponents of the powers of two by which [`Scaled`] multiplies: `(single, double)`. They are even, so that roots are exact.
const DOWN: (i32, i32) = (-66, -540);
const UP: (i32, i32) = (86, 600);

impl<'p> Scaled<'p> {
    fn new(at: &'p Build, z: Z<'p>) -> Scaled<'p> {
        let m = z.0.abs().max(z.1.abs());
        let (large, small) = (m.gt(at.two_to(60, 500)), m.lt(at.two_to(-60, -500)));
        let s = large.pick(at.two_to(DOWN.0, DOWN.1), small.pick(at.two_to(UP.0, UP.1), 1.0));
        let (x, y) = (z.0 * s, z.1 * s);
        Scaled { z: (x, y), norm: x * x + y * y, by: s, large, small }
    }
    /// What undoes the scale for the `root`-th root of the number.
    fn unscale(&self, at: &'p Build, root: i32) -> V<'p> {
        let large = at.two_to(-DOWN.0 / root, -DOWN.1 / root);
        self.large.pick(large, self.small.pick(at.two_to(-UP.0 / root, -UP.1 / root), 1.0))
    }
    /// The logarithm of what undoes the scale.
    fn log_unscale(&self, at: &'p Build) -> V<'p> {
        let log = |(single, double): (i32, i32)| at.by(-single as f64 * LN_2, -double as f64 * LN_2);
        self.large.pick(log(DOWN), self.small.pick(log(UP), 0.0))
    }
}

/// |z|, given z scaled.
fn modulus<'p>(at: &'p Build, z: Z<'p>, s: &Scaled<'p>) -> V<'p> {
    is_infinite(z).pick(f64::INFINITY, s.norm.sqrt() * s.unscale(at, 1))
}

/// Is a part infinite?
fn is_infinite<'p>(z: Z<'p>) -> V<'p> {
    z.0.is_inf().or(z.1.is_inf())
}

/// -i f(iz): so sin comes from sinh, tan from tanh, asinh from asin and atan from atanh.
fn turned<'p>((x, y): Z<'p>, f: impl FnOnce(Z<'p>) -> Z<'p>) -> Z<'p> {
    let (p, q) = f((-y, x));
    (q, -p)
}

/// The square root of a number with finite parts, given it scaled.
///
/// W. Kahan, "Branch cuts for complex elementary functions" (1987): the larger part t = sqrt((|z| + |x|) / 2) has no
/// cancellation, and the other one is y / 2t.
fn root<'p>(at: &'p Build, z: Z<'p>, s: &Scaled<'p>) -> Z<'p> {
    let t = ((s.norm.sqrt() + s.z.0.abs()) * 0.5).sqrt() * s.unscale(at, 2);
    let y = z.1.abs();
    let other = t.eq(0.0).pick(y, y / (t + t));
    let left = z.0.lt(0.0);
    (left.pick(other, t), left.pick(t, other).signed(z.1))
}

/// R. L. Smith, "Algorithm 116: Complex division" (1962): with w = p + iq, |p| >= |q| and the ratio t = q / p,
/// z / w = ((a + bt) + i (b - at)) / (p + qt); otherwise the parts of both change places, and the result is conjugated.
/// A divisor with one part gives the quotients of the parts, rounded once. Numbers at the ends of the range are scaled.
///
/// As in C99 (annex G), an infinite number stands for its direction: its infinite parts are replaced by 1, the others by 0, and
/// the result is multiplied by infinity or zero.
fn quotient<'p>(at: &'p Build, z: Z<'p>, w: Z<'p>) -> Z<'p> {
    let direction = |(x, y): Z<'p>, infinite: V<'p>| {
        let part = |x: V<'p>| infinite.pick(x.is_inf().pick(1.0, 0.0).signed(x), x);
        (part(x), part(y))
    };
    let middle = |(x, y): Z<'p>| {
        let m = x.abs().max(y.abs());
        let small = m.lt(at.two_to(-100, -900)).pick(at.two_to(60, 500), 1.0);
        let scale = m.gt(at.two_to(126, 1022)).pick(0.5, small);
        ((x * scale, y * scale), scale, m)
    };
    let (z_inf, w_inf) = (is_infinite(z), is_infinite(w));
    let ((a, b), z_scale, _) = middle(direction(z, z_inf));
    let ((c, d), w_scale, size) = middle(direction(w, w_inf));

    let swap = c.abs().lt(d.abs());
    let (p, q) = (swap.pick(d, c), swap.pick(c, d));
    let (u, v) = (swap.pick(b, a), swap.pick(a, b));
    let t = q / p;
    let norm = p + q * t;
    let ut = u * t;
    let (re, im) = ((u + v * t) / norm, (swap.pick(ut, v) - swap.pick(v, ut)) / norm);

    let scale = w_scale / z_scale * z_inf.pick(f64::INFINITY, 1.0) * w_inf.pick(0.0, 1.0);
    // z / 0 is infinite in the direction of z, as far as it has one.
    let zero = size.eq(0.0);
    let scale = zero.pick(f64::INFINITY.value(at).signed(w.0), scale);
    (zero.pick(z.0, re) * scale, zero.pick(z.1, im) * scale)
}

#[cfg(test)]
mod tests;
