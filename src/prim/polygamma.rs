//! The derivatives of digamma.

use super::lower::Num;
use super::testing::{in_types, odd_shapes};
use super::*;
use crate::special;
use crate::trace::bind1;
use cotangent_cpu::{Body, Dt, M, Op, ValId};

/// The derivative of order n (at least 1) of digamma, by the Hurwitz zeta function: (-1)^(n+1) n! zeta(n + 1, x).
///
/// ```
/// use cotangent::{prelude::*, prim};
/// // the sum of 1 / n^2
/// assert!((prim::polygamma(1, &array(vec![1f64])).i(0).to_f64() - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-12);
/// ```
#[track_caller]
pub fn polygamma(n: u32, x: &Array) -> Array {
    bind1(&Polygamma { n }, &[x])
}
/// See [`polygamma`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// let program = make_jaxpr(|x: &Array| prim::polygamma(2, x), (&array![1., 2.],));
/// assert!(program.to_string().contains("polygamma"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Polygamma {
    n: u32,
}
impl Primitive for Polygamma {
    fn name(&self) -> &'static str {
        "polygamma"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("n", self.n.to_string().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        Takes::Float.check(x[0].dtype)?;
        if self.n == 0 {
            return Err("has an order of at least 1; order 0 is digamma".into());
        }
        Ok(one(x[0].clone()))
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| mul(d, &polygamma(self.n + 1, x[0]))))
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        one((polygamma(self.n, x[0]), dims[0]))
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
        let dt = outs[0].dtype.dt();
        one(l.map(&outs[0], x, |b, x| {
            let wide = if dt == Dt::F64 { x[0].re() } else { b.un(Op::Cast, Dt::F64, x[0].re()) };
            let z = zeta(b, self.n as i32 + 1, wide);
            let factorial: f64 = (1..=self.n).map(|k| k as f64).product();
            let scale = b.num(Dt::F64, if self.n % 2 == 1 { factorial } else { -factorial });
            let y = b.bin(Op::Mul, Dt::F64, scale, z);
            Num::Re(if dt == Dt::F64 { y } else { b.un(Op::Cast, dt, y) })
        }))
    }
}

/// (2j)! / B_2j for the Bernoulli numbers B_2, B_4, ..: the corrections of Euler and Maclaurin's formula.
pub(crate) const CORRECTIONS: [f64; 12] = [
    12.0,
    -720.0,
    30240.0,
    -1209600.0,
    47900160.0,
    -1_892_437_580.318_379,
    7.47242496e10,
    -2_950_130_727_918.164,
    1.164_678_281_435_006_8e14,
    -4.597_978_722_407_473e15,
    1.815_210_540_194_354_7e17,
    -7.166_165_256_175_667e18,
];

/// zeta(s, q) = sum over k of (q + k)^-s for an integer s > 1, by Euler and Maclaurin's formula (Whittaker and Watson, section 13.11):
/// ten terms of the sum, the integral of the rest, and twelve corrections. At the poles q = 0, -1, .. it is infinite.
fn zeta(b: &mut Body, s: i32, q: u32) -> u32 {
    const TERMS: usize = 10;
    const T: Dt = Dt::F64;
    let exponent = b.num(T, -s as f64);
    let power = |b: &mut Body, x: u32| b.bin(Op::Math(M::Pow), T, x, exponent);
    let mut sum = power(b, q);
    for k in 1..TERMS {
        let k = b.num(T, k as f64);
        let at = b.bin(Op::Add, T, q, k);
        let term = power(b, at);
        sum = b.bin(Op::Add, T, sum, term);
    }
    let n = b.num(T, TERMS as f64);
    let a = b.bin(Op::Add, T, q, n);
    let last = power(b, a);
    // the integral from a on, a^(1-s) / (s-1), and half of the first term left out
    let (tail, less) = (b.bin(Op::Mul, T, last, a), b.num(T, (s - 1) as f64));
    let tail = b.bin(Op::Div, T, tail, less);
    let half = b.num(T, 0.5);
    let half = b.bin(Op::Mul, T, half, last);
    sum = b.bin(Op::Add, T, sum, tail);
    sum = b.bin(Op::Add, T, sum, half);
    let mut rising = 1.0;
    let mut power_of_a = last;
    for (j, c) in CORRECTIONS.iter().enumerate() {
        // s (s+1) .. (s+2j) a^(-s-2j-1) B_2j+2 / (2j+2)!
        let k = 2.0 * j as f64;
        rising *= if j == 0 { s as f64 } else { (s as f64 + k - 1.0) * (s as f64 + k) };
        power_of_a = b.bin(Op::Div, T, power_of_a, a);
        let factor = b.num(T, rising / c);
        let term = b.bin(Op::Mul, T, factor, power_of_a);
        sum = b.bin(Op::Add, T, sum, term);
        power_of_a = b.bin(Op::Div, T, power_of_a, a);
    }
    sum
}

/// JAX's special functions of several numbers, which are compositions here.
pub(super) const READ: &[Read] = &[
    ("polygamma", |_, x| Ok(one(special::polygamma(&x[0], &x[1])))),
    ("zeta", |_, x| Ok(one(special::zeta(&x[0], &x[1])))),
    ("igamma", |_, x| Ok(one(special::gammainc(&x[0], &x[1])))),
    ("igammac", |_, x| Ok(one(special::gammaincc(&x[0], &x[1])))),
    ("igamma_grad_a", |_, x| Ok(one(special::gammainc_grad_a(&x[0], &x[1])))),
    ("random_gamma_grad", |_, x| Ok(one(special::random_gamma_grad(&x[0], &x[1])))),
    ("regularized_incomplete_beta", |_, x| Ok(one(special::betainc(&x[0], &x[1], &x[2])))),
];
pub(super) fn cases() -> Vec<Case> {
    vec![Case { name: "shapes", args: odd_shapes(), run: |x| x.iter().map(|x| polygamma(1, x)).collect() }, Case {
        name: "of each type",
        args: vec![crate::array(vec![0.75f32, 2.5])],
        run: |x| in_types(&x[0], |t| t.is_float()).iter().map(|x| polygamma(1, x)).collect(),
    }, Case { name: "trigamma and above", args: vec![crate::array(vec![0.3f64, 1.7, 5.5])], run: |x| {
        vec![polygamma(1, &x[0]), polygamma(2, &x[0]), digamma(&x[0])]
    } }]
}
