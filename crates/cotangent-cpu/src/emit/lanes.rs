//! The elementary functions as instructions: [`Lane`] for values of a program in the making.
//!
//! The functions of [`math`](crate::math) are written once, over that trait; here each operation of theirs is written down instead of done.

use super::ir::{Build, I, Ty};
use crate::math::lane::{Bits, Lane, Mask};
use std::marker::PhantomData;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

/// A value of the program that is being built, as a `T` in every lane.
pub struct Val<'a, T> {
    pub build: &'a Build,
    pub id: u32,
    of: PhantomData<T>,
}
impl<T> Clone for Val<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Val<'_, T> {}
impl<'a, T> Val<'a, T> {
    /// The value with this number.
    pub fn new(build: &'a Build, id: u32) -> Val<'a, T> {
        Val { build, id, of: PhantomData }
    }
    fn un<U>(self, i: I, ty: Ty) -> Val<'a, U> {
        Val::new(self.build, self.build.un(i, ty, self.id))
    }
    fn bin<U>(self, i: I, ty: Ty, b: Val<'a, T>) -> Val<'a, U> {
        Val::new(self.build, self.build.bin(i, ty, self.id, b.id))
    }
}

impl BitAnd for Val<'_, bool> {
    type Output = Self;
    fn bitand(self, b: Self) -> Self {
        self.bin(I::MAnd, Ty::Mask, b)
    }
}
impl BitOr for Val<'_, bool> {
    type Output = Self;
    fn bitor(self, b: Self) -> Self {
        self.bin(I::MOr, Ty::Mask, b)
    }
}
impl Not for Val<'_, bool> {
    type Output = Self;
    fn not(self) -> Self {
        self.un(I::MNot, Ty::Mask)
    }
}
impl Mask for Val<'_, bool> {}

macro_rules! lanes {
    ($f:ident $i:ident $w:ident fraction $fraction:literal bias $bias:literal wide $wide:ident narrow $narrow:ident) => {
        impl<'a> Bits for Val<'a, $i> {
            type Mask = Val<'a, bool>;
            fn plus(self, b: Self) -> Self {
                self.bin(I::IAdd, Ty::$w, b)
            }
            fn minus(self, b: Self) -> Self {
                self.bin(I::ISub, Ty::$w, b)
            }
            fn and(self, b: Self) -> Self {
                self.bin(I::And, Ty::$w, b)
            }
            fn or(self, b: Self) -> Self {
                self.bin(I::Or, Ty::$w, b)
            }
            fn xor(self, b: Self) -> Self {
                self.bin(I::Xor, Ty::$w, b)
            }
            fn shl(self, n: u32) -> Self {
                self.un(I::ShlBy(n as u8), Ty::$w)
            }
            fn sar(self, n: u32) -> Self {
                self.un(I::SarBy(n as u8), Ty::$w)
            }
            fn same(self, b: Self) -> Val<'a, bool> {
                self.bin(I::IEq, Ty::Mask, b)
            }
            fn pick(m: Val<'a, bool>, a: Self, b: Self) -> Self {
                Val::new(m.build, m.build.sel(m.id, Ty::$w, a.id, b.id))
            }
        }
        lanes!(@operators $f $w Add add, Sub sub, Mul mul, Div div);
        impl Neg for Val<'_, $f> {
            type Output = Self;
            fn neg(self) -> Self {
                let sign = self.build.constant(Ty::$w, (-0.0 as $f).to_bits() as u64);
                self.bin(I::Xor, Ty::$w, Val::new(self.build, sign))
            }
        }
        impl<'a> Lane for Val<'a, $f> {
            type Mask = Val<'a, bool>;
            type Bits = Val<'a, $i>;
            type Wide = Val<'a, f64>;
            const FRACTION: u32 = $fraction;
            const BIAS: i64 = $bias;
            fn c(self, x: f64) -> Self {
                Val::new(self.build, self.build.constant(Ty::$w, (x as $f).to_bits() as u64))
            }
            fn int(self, x: i64) -> Val<'a, $i> {
                // as many bits as the type has
                let bits = x as $i as u64 & u64::MAX >> (64 - 8 * size_of::<$i>());
                Val::new(self.build, self.build.constant(Ty::$w, bits))
            }
            fn fma(self, b: Self, c: Self) -> Self {
                Val::new(self.build, self.build.push(I::Fma, Ty::$w, self.id, b.id, c.id))
            }
            fn sqrt(self) -> Self {
                self.un(I::Sqrt, Ty::$w)
            }
            fn floor(self) -> Self {
                self.un(I::Round(1), Ty::$w)
            }
            fn abs(self) -> Self {
                let mask = self.build.constant(Ty::$w, (-0.0 as $f).to_bits() as u64 - 1);
                self.bin(I::And, Ty::$w, Val::new(self.build, mask))
            }
            fn lt(self, b: Self) -> Val<'a, bool> {
                self.bin(I::Cmp(1), Ty::Mask, b)
            }
            fn le(self, b: Self) -> Val<'a, bool> {
                self.bin(I::Cmp(2), Ty::Mask, b)
            }
            fn eq(self, b: Self) -> Val<'a, bool> {
                self.bin(I::Cmp(0), Ty::Mask, b)
            }
            fn sel(m: Val<'a, bool>, a: Self, b: Self) -> Self {
                Val::new(m.build, m.build.sel(m.id, Ty::$w, a.id, b.id))
            }
            // The instructions give their second operand unless the first is smaller, or greater.
            fn at_most(self, b: Self) -> Self {
                b.bin(I::Min, Ty::$w, self)
            }
            fn at_least(self, b: Self) -> Self {
                b.bin(I::Max, Ty::$w, self)
            }
            fn bits(self) -> Val<'a, $i> {
                Val::new(self.build, self.id)
            }
            fn of_bits(b: Val<'a, $i>) -> Self {
                Val::new(b.build, b.id)
            }
            fn wide(self) -> Val<'a, f64> {
                lanes!(@wide $wide self)
            }
            fn narrow(w: Val<'a, f64>) -> Self {
                lanes!(@narrow $narrow w)
            }
        }
    };
    (@operators $f:ident $w:ident $($Op:ident $op:ident),*) => { $(
        impl $Op for Val<'_, $f> {
            type Output = Self;
            fn $op(self, b: Self) -> Self {
                self.bin(I::$Op, Ty::$w, b)
            }
        }
    )* };
    (@wide yes $x:ident) => { $x.un(I::Wide, Ty::W64) };
    (@wide no $x:ident) => { $x };
    (@narrow yes $x:ident) => { $x.un(I::Narrow, Ty::W32) };
    (@narrow no $x:ident) => { $x };
}
lanes!(f32 i32 W32 fraction 23 bias 127 wide yes narrow yes);
lanes!(f64 i64 W64 fraction 52 bias 1023 wide no narrow no);
