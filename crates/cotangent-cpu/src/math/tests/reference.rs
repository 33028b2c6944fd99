//! Values to more than double precision: the arguments at which `f64` results were found to be worst, and some others.

use super::sample::unit;
use crate::M;

/// `function a b value rest`, all numbers as the bits of an `f64`; the true value is `value + rest`. Written by `tools/ulp.py`.
const FILE: &str = include_str!("reference.txt");

/// One line of the file.
pub struct Point {
    pub m: M,
    pub a: f64,
    pub b: f64,
    value: f64,
    rest: f64,
}

impl Point {
    /// The error of a result in units in the last place of the true value.
    pub fn error(&self, got: f64) -> f64 {
        let unit = unit(self.value, 52, -1022);
        ((got - self.value) / unit - self.rest / unit).abs()
    }
}

/// All of them.
pub fn points() -> Vec<Point> {
    let number = |s: &str| f64::from_bits(u64::from_str_radix(s, 16).unwrap());
    let line = |l: &str| {
        let f: Vec<&str> = l.split(' ').collect();
        let m = M::ALL.into_iter().find(|m| format!("{m:?}") == f[0]).unwrap();
        Point { m, a: number(f[1]), b: number(f[2]), value: number(f[3]), rest: number(f[4]) }
    };
    FILE.lines().map(line).collect()
}
