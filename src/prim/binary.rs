//! Elementwise functions of two arrays: a table. Operands have one element type; they are scalars, or of equal rank with extents
//! that are equal or 1.

use super::lower::Num;
use super::testing::{components, in_types, undifferentiated};
use super::*;
use crate::dtype::DType;
use crate::trace::bind1;
use cotangent_cpu::complex as cx;
use cotangent_cpu::{Body, Dt, M, Op};

/// The real body of one engine operation.
fn op(op: Op) -> impl Fn(&mut Body, Dt, u32, u32) -> u32 {
    move |b, dt, x, y| b.bin(op, dt, x, y)
}
fn parts(op: Op) -> impl Fn(&mut Body, Dt, (u32, u32), (u32, u32)) -> (u32, u32) {
    move |b, dt, z, w| (b.bin(op, dt, z.0, w.0), b.bin(op, dt, z.1, w.1))
}
fn real_only(_: &mut Body, _: Dt, _: (u32, u32), _: (u32, u32)) -> (u32, u32) {
    unreachable!("an operation on real numbers")
}
/// The greater complex number is the one with the greater real part, then imaginary part, as in NumPy.
pub(super) fn lexicographic(less: bool) -> impl Fn(&mut Body, Dt, (u32, u32), (u32, u32)) -> (u32, u32) {
    move |b, dt, z, w| {
        let (high, low) = if less { (w, z) } else { (z, w) };
        let (gt, eq) = (b.cmp(Op::Lt, low.0, high.0), b.cmp(Op::Eq, z.0, w.0));
        let im = b.cmp(Op::Lt, low.1, high.1);
        let tie = b.bin(Op::And, Dt::Bool, eq, im);
        let p = b.bin(Op::Or, Dt::Bool, gt, tie);
        (b.select(dt, p, z.0, w.0), b.select(dt, p, z.1, w.1))
    }
}
/// Integer powers by squaring; a negative exponent gives 0, but for a base of 1 or -1.
fn pow_real(b: &mut Body, dt: Dt, x: u32, y: u32) -> u32 {
    if dt.is_float() {
        return b.bin(Op::Math(M::Pow), dt, x, y);
    }
    let (one, zero) = (b.num(dt, 1.0), b.num(dt, 0.0));
    let (mut acc, mut base) = (one, x);
    for bit in 0..8 * dt.size() as u32 - dt.is_signed() as u32 {
        let mask = b.bits(dt, 1 << bit);
        let masked = b.bin(Op::And, dt, y, mask);
        let set = b.cmp(Op::Ne, masked, zero);
        let times = b.bin(Op::Mul, dt, acc, base);
        acc = b.select(dt, set, times, acc);
        base = b.bin(Op::Mul, dt, base, base);
    }
    if dt.is_signed() {
        let negative = b.cmp(Op::Lt, y, zero);
        let inverse = b.bin(Op::Div, dt, one, x);
        let (is_unit, nonzero) = (b.cmp(Op::Ne, inverse, zero), b.cmp(Op::Ne, x, zero));
        let unit = b.bin(Op::And, Dt::Bool, is_unit, nonzero);
        // (-1)^y depends on the last bit of y alone, which the product above has seen
        let of_unit = b.select(dt, unit, acc, zero);
        acc = b.select(dt, negative, of_unit, acc);
    }
    acc
}

/// Operations of two operands: which are linear, how, and the derivative.
macro_rules! binary { ($(
    $(#[$doc:meta])*
    $Name:ident $name:ident $spelled:literal $takes:ident, $real:expr, $complex:expr,
        |$x:ident, $dx:ident, $y:ident| $tangent:expr,
        linear |$m:ident| $linear:expr, |$ct:ident, $io:ident| $back:expr,
        on $a:expr, $b:expr, $of:literal => $gives:literal;
)*) => { $(
    $(#[$doc])*
    ///
    #[doc = example!($name, $of, $gives)]
    ///
    /// # Panics
    /// If the operands differ in element type, or in shape (scalars and extents of 1 are repeated).
    #[track_caller]
    #[inline]
    pub fn $name(x: &Array, y: &Array) -> Array { bind1(&$Name, &[x, y]) }
    #[doc = named!($Name $name $spelled)]
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    pub struct $Name;
    impl Primitive for $Name {
        fn name(&self) -> &'static str { $spelled }
        fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> { checked(Takes::$takes, x) }
        #[allow(unused_variables, unreachable_code)]
        fn jvp(&self, $x: &[&Array], $dx: &[Option<&Array>], y: &[Array]) -> Tangents {
            let $y = &y[0];
            let tangent = || -> Tangent { $tangent };
            one(tangent().map(|t| broadcast_tangent(t, $y)))
        }
        fn linear_in(&self, $m: &[bool]) -> bool { $linear }
        #[allow(unused_variables)]
        fn transpose(&self, ct: &[Tangent], $io: &mut Cotangents) { let $ct = ct[0].as_ref().expect("a cotangent"); $back }
        fn pitfalls(&self, x: &[&Array]) -> Vec<Pitfall> {
            if matches!($spelled, "div" | "rem") { vec![Pitfall::by_zero(x[1])] } else { vec![] }
        }
        fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
            let (x, d) = align(x, dims);
            one(($name(&x[0], &x[1]), Some(d)))
        }
        fn lower(&self, l: &mut Lower, x: &[cotangent_cpu::ValId], _: &[&Aval], outs: &[Aval]) -> Vals {
            lower_binary(l, x, &outs[0], &$real, &$complex)
        }
    }
)*
    pub(super) const READ: &[Read] = &[$(($spelled, |p, x| {
        // JAX's pow takes an integer exponent of a real base too
        if $spelled == "pow" && x[0].dtype() != x[1].dtype() {
            return Ok(one(pow_int(&x[0], &x[1])));
        }
        // and its mul converts to another type first
        let wanted = p.opt_dtype("out_dtype")?.map(|_| crate::jaxpr::dtype_param(p, "out_dtype")).transpose()?;
        let [a, b] = [0, 1].map(|i| wanted.map_or(x[i].clone(), |t| convert_element_type(&x[i], t, x[i].weak_type())));
        Ok(one($name(&a, &b)))
    })),*];
    pub(super) fn cases() -> Vec<Case> {
        let mut all = vec![$(Case {
            name: stringify!($name),
            args: vec![crate::array(vec![$a[0], $a[1]]), crate::array(vec![$b[0], $b[1]])],
            run: |x| vec![$name(&x[0], &x[1])],
        }, Case {
            name: concat!(stringify!($name), " of each type"),
            args: vec![undifferentiated(crate::array(vec![$a[0], $a[1]])), undifferentiated(crate::array(vec![$b[0], $b[1]]))],
            run: |x| {
                let (a, b) = (in_types(&x[0], |t| Takes::$takes.accepts(t)), in_types(&x[1], |t| Takes::$takes.accepts(t)));
                a.iter().zip(&b).map(|(a, b)| $name(a, b)).collect()
            },
        }, Case {
            name: concat!(stringify!($name), " with a scalar"),
            args: vec![crate::array(vec![$a[0], $a[1]]), Array::from_slice(&[$b[1]], &[])],
            run: |x| vec![$name(&x[0], &x[1]), $name(&x[1], &x[0])],
        }, Case {
            name: concat!(stringify!($name), " of a column and a row"),
            args: vec![Array::from_slice(&$a, &[2, 1]), Array::from_slice(&$b, &[1, 2])],
            run: |x| vec![$name(&x[0], &x[1])],
        }),*];
        $(if Takes::$takes.accepts(DType::Complex128) {
            all.push(Case {
                name: concat!(stringify!($name), " of complex numbers"),
                args: vec![crate::array(vec![1.5f64, -2.0]), crate::array(vec![0.25f64, 3.0])],
                run: |x| {
                    let (z, w) = (complex(&x[0], &x[1]), complex(&x[1], &mul(&x[0], &lit(&x[0], 0.5))));
                    let scalar = complex(&lit(&x[0], 0.5), &lit(&x[0], 1.25));
                    [$name(&z, &w), $name(&z, &scalar), $name(&scalar, &w)].iter().flat_map(components).collect()
                },
            })
        })*
        let ones = |shape: &[usize]| Array::from_slice(&vec![1.5f64; shape.iter().product()], shape);
        all.push(Case {
            name: "shapes",
            args: vec![ones(&[]), ones(&[2, 0]), ones(&[1, 1]), ones(&[1, 0]), ones(&[3, 1, 2]), ones(&[1, 4, 1])],
            run: |x| {
                let pairs = [(0, 0), (0, 1), (1, 1), (2, 0), (1, 2), (3, 1), (4, 5), (5, 4), (4, 0)];
                pairs.into_iter().flat_map(|(i, j)| [mul(&x[i], &x[j]), sub(&x[i], &x[j])]).collect()
            },
        });
        all
    }
} }

fn checked(takes: Takes, x: &[&Aval]) -> Result<Avals, String> {
    let dtype = same_dtype(x)?;
    takes.check(dtype)?;
    Ok(one(elementwise(dtype, x)?))
}

fn lower_binary(
    l: &mut Lower,
    x: &[cotangent_cpu::ValId],
    out: &Aval,
    real: &dyn Fn(&mut Body, Dt, u32, u32) -> u32,
    complex: &dyn Fn(&mut Body, Dt, (u32, u32), (u32, u32)) -> (u32, u32),
) -> Vals {
    let dt = out.dtype.dt();
    one(l.map(out, x, |b, x| match (x[0], x[1]) {
        (Num::Re(x), Num::Re(y)) => Num::Re(real(b, dt, x, y)),
        (x, y) => {
            let (re, im) = complex(b, dt.part(), x.cx(), y.cx());
            Num::Cx(re, im)
        }
    }))
}

fn add_back(ct: &Array, io: &mut Cotangents) {
    for i in 0..2 {
        if io.is_linear(i) {
            let c = unbroadcast(ct.clone(), io.aval(i));
            io.add(i, c)
        }
    }
}
/// Where the extreme is taken from: 1, or a half if both are equal.
pub(super) fn chosen(x: &Array, other: &Array, y: &Array) -> Array {
    let (one, half, zero) = (full_of(y.aval(), 1.0), full_of(y.aval(), 0.5), full_of(y.aval(), 0.0));
    let (mine, tie) = (eq(x, y), eq(x, other));
    let full = |m: Array| broadcast_tangent(m, y);
    select_n(&full(mine), &[&zero, &select_n(&full(tie), &[&one, &half])])
}

binary! {
    /// The sum.
    Add add "add" All, |b: &mut Body, dt, x, y| b.bin(if dt == Dt::Bool { Op::Or } else { Op::Add }, dt, x, y), parts(Op::Add),
        |x, dx, y| match (dx[0], dx[1]) {
            (Some(a), Some(b)) => Some(add_any(a, b)),
            (a, b) => a.or(b).cloned(),
        },
        linear |m| m[0] && m[1], |ct, io| add_back(ct, io), on [1.5f64, -2.0], [0.25f64, 3.0], "&array![1., 2.], &array(10.0)" => "[11. 12.]";
    /// The sum of two cotangents or tangents: `add`, under the name that JAX's programs give it.
    AddAny add_any "add_any" Number, op(Op::Add), parts(Op::Add),
        |x, dx, y| match (dx[0], dx[1]) {
            (Some(a), Some(b)) => Some(add_any(a, b)),
            (a, b) => a.or(b).cloned(),
        },
        linear |m| m[0] && m[1], |ct, io| add_back(ct, io), on [1.5f64, -2.0], [0.25f64, 3.0], "&array![1., 2.], &array![3., 4.]" => "[4. 6.]";
    /// The difference.
    Sub sub "sub" Number, op(Op::Sub), parts(Op::Sub),
        |x, dx, y| match (dx[0], dx[1]) {
            (Some(a), Some(b)) => Some(sub(a, b)),
            (a, None) => a.cloned(),
            (None, Some(b)) => Some(neg(b)),
        },
        linear |m| m[0] && m[1],
        |ct, io| {
            if io.is_linear(0) { let c = unbroadcast(ct.clone(), io.aval(0)); io.add(0, c) }
            if io.is_linear(1) { let c = unbroadcast(neg(ct), io.aval(1)); io.add(1, c) }
        }, on [1.5f64, -2.0], [0.25f64, 3.0], "&array![1., 2.], &array(10.0)" => "[-9. -8.]";
    /// The product.
    Mul mul "mul" All, |b: &mut Body, dt, x, y| b.bin(if dt == Dt::Bool { Op::And } else { Op::Mul }, dt, x, y), cx::mul,
        |x, dx, y| {
            add_tangents(dx[0].map(|d| mul(d, x[1])), dx[1].map(|d| mul(x[0], d)))
        },
        linear |m| exactly_one(m),
        |ct, io| {
            let (i, c) = if io.is_linear(0) { (0, mul(ct, io.known(1))) } else { (1, mul(io.known(0), ct)) };
            let c = unbroadcast(c, io.aval(i));
            io.add(i, c)
        }, on [1.5f64, -2.0], [0.25f64, 3.0], "&array![[1., 2.]], &array![[10.], [20.]]" => "[[10. 20.]\\n [20. 40.]]";
    /// The quotient. Of integers: truncated, and -1 for a divisor of 0.
    Div div "div" Number, op(Op::Div), cx::div,
        |x, dx, y| {
            let full = |d: Option<Array>| d.map(|d| broadcast_tangent(d, y));
            add_tangents(
                full(dx[0].map(|d| div(d, x[1]))),
                full(dx[1].map(|d| mul(&mul(&neg(d), x[0]), &integer_pow(x[1], -2)))),
            )
        },
        linear |m| only(m, 0),
        |ct, io| { let c = unbroadcast(div(ct, io.known(1)), io.aval(0)); io.add(0, c) }, on [1.5f64, -2.0], [0.25f64, 3.0],
        "&array![7, -7, 7], &array![2, 2, 0]" => "[ 3 -3 -1]";
    /// The remainder of truncated division, with the sign of the dividend, as C's fmod. Of integers by 0: the dividend.
    Rem rem "rem" Real, op(Op::Rem), real_only,
        |x, dx, y| {
            let trunc = |q: &Array| mul(&sign(q), &floor(&abs(q)));
            add_tangents(
                dx[0].map(|d| broadcast_tangent(d.clone(), y)),
                dx[1].map(|d| mul(&neg(&broadcast_tangent(d.clone(), y)), &trunc(&div(x[0], x[1])))),
            )
        },
        linear |_m| false, |ct, io| (), on [5.5f64, -2.2], [2.0f64, 3.0], "&array![7., -7.], &array(3.0)" => "[ 1. -1.]";
    /// x to the power of y.
    Pow pow "pow" Number, pow_real, cx::pow,
        |x, dx, y| {
            let full = |d: Option<Array>| d.map(|d| broadcast_tangent(d, y));
            let by_base = dx[0].map(|d| {
                let one_less = sub(x[1], &lit(x[1], 1.0));
                mul(d, &mul(x[1], &pow(x[0], &one_less)))
            });
            let by_exponent = dx[1].map(|d| {
                // log 0 would make 0 * inf of a derivative that is 0
                let zero = eq(x[0], &lit(x[0], 0.0));
                let safe = select_n(&zero, &[x[0], &full_of(x[0].aval(), 1.0)]);
                mul(d, &mul(&log(&safe), y))
            });
            add_tangents(full(by_base), full(by_exponent))
        },
        linear |_m| false, |ct, io| (), on [1.5f64, 2.0], [0.25f64, 3.0], "&array![2., 9.], &array![3., 0.5]" => "[8. 3.]";
    /// The angle of the point (y, x): the first operand is its ordinate.
    Atan2 atan2 "atan2" Float, op(Op::Math(M::Atan2)), real_only,
        |x, dx, y| {
            let norm = add(&mul(x[0], x[0]), &mul(x[1], x[1]));
            let full = |d: Option<Array>| d.map(|d| broadcast_tangent(d, y));
            add_tangents(
                full(dx[0].map(|d| mul(d, &div(x[1], &norm)))),
                full(dx[1].map(|d| mul(d, &div(&neg(x[0]), &norm)))),
            )
        },
        linear |_m| false, |ct, io| (), on [1.5f64, -2.0], [0.25f64, 3.0], "&array![0., 1.], &array![1., 0.]" => "[0.        1.5707964]";
    /// The greater of the two; NaN if one is NaN. Where both are equal, each has half of the derivative.
    Max max "max" All, |b: &mut Body, dt, x, y| b.bin(if dt == Dt::Bool { Op::Or } else { Op::Max }, dt, x, y), lexicographic(false),
        |x, dx, y| add_tangents(
            dx[0].map(|d| mul(&broadcast_tangent(d.clone(), y), &chosen(x[0], x[1], y))),
            dx[1].map(|d| mul(&broadcast_tangent(d.clone(), y), &chosen(x[1], x[0], y))),
        ),
        linear |_m| false, |ct, io| (), on [1.5f64, -2.0], [0.25f64, 3.0], "&array![1., 5.], &array![2., f32::NAN]" => "[ 2. nan]";
    /// The lesser of the two; NaN if one is NaN. Where both are equal, each has half of the derivative.
    Min min "min" All, |b: &mut Body, dt, x, y| b.bin(if dt == Dt::Bool { Op::And } else { Op::Min }, dt, x, y), lexicographic(true),
        |x, dx, y| add_tangents(
            dx[0].map(|d| mul(&broadcast_tangent(d.clone(), y), &chosen(x[0], x[1], y))),
            dx[1].map(|d| mul(&broadcast_tangent(d.clone(), y), &chosen(x[1], x[0], y))),
        ),
        linear |_m| false, |ct, io| (), on [1.5f64, -2.0], [0.25f64, 3.0], "&array![1., 5.], &array![2., 4.]" => "[1. 4.]";
    /// The next floating-point number from x towards y.
    NextAfter nextafter "nextafter" Float, op(Op::NextAfter), real_only,
        |x, dx, y| not_differentiable("nextafter"),
        linear |_m| false, |ct, io| (), on [1.5f32, -2.0], [0.25f32, 3.0], "&array(0f32), &array(1f32)" => "1e-45";
    /// Bitwise and; of truth values: and.
    And and "and" Bits, op(Op::And), real_only, |x, dx, y| None, linear |_m| false, |ct, io| (), on [5i32, -7], [3i32, 6],
        "&array![5, 12], &array![3, 10]" => "[1 8]";
    /// Bitwise or; of truth values: or.
    Or or "or" Bits, op(Op::Or), real_only, |x, dx, y| None, linear |_m| false, |ct, io| (), on [5i32, -7], [3i32, 6],
        "&array![5, 12], &array![3, 10]" => "[ 7 14]";
    /// Bitwise exclusive or; of truth values: whether they differ.
    Xor xor "xor" Bits, op(Op::Xor), real_only, |x, dx, y| None, linear |_m| false, |ct, io| (), on [5i32, -7], [3i32, 6],
        "&array![5, 12], &array![3, 10]" => "[6 6]";
    /// Bits moved up by y places; 0 if y is the width or more.
    ShiftLeft shift_left "shift_left" Int, op(Op::Shl), real_only, |x, dx, y| None, linear |_m| false, |ct, io| (), on [5i32, -7], [3i32, 40],
        "&array![1, 5], &array![3, 32]" => "[8 0]";
    /// Bits moved down by y places, zeros entering.
    ShiftRightLogical shift_right_logical "shift_right_logical" Int, op(Op::ShrLogical), real_only,
        |x, dx, y| None, linear |_m| false, |ct, io| (), on [5i32, -7], [1i32, 40], "&array![16, -1], &array![2, 28]" => "[ 4 15]";
    /// Bits moved down by y places, the sign entering.
    ShiftRightArithmetic shift_right_arithmetic "shift_right_arithmetic" Int, |b: &mut Body, dt, x, y| arithmetic(b, dt, x, y), real_only,
        |x, dx, y| None, linear |_m| false, |ct, io| (), on [5i32, -7], [1i32, 40], "&array![16, -16], &array(2)" => "[ 4 -4]";
}

/// Arithmetic also on unsigned types: the highest bit counts as the sign.
fn arithmetic(b: &mut Body, dt: Dt, x: u32, y: u32) -> u32 {
    let signed = match dt {
        Dt::U8 => Dt::I8,
        Dt::U16 => Dt::I16,
        Dt::U32 => Dt::I32,
        Dt::U64 => Dt::I64,
        t => return b.bin(Op::Shr, t, x, y),
    };
    let (x, y) = (b.un(Op::Bitcast, signed, x), b.un(Op::Bitcast, signed, y));
    let z = b.bin(Op::Shr, signed, x, y);
    b.un(Op::Bitcast, dt, z)
}
