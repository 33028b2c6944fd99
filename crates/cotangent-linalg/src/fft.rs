//! Fourier transforms over the last dimensions of an array: along one after the other, the last one first.

use crate::matrix::{Float, Number, part, part_mut};
use crate::{ensure, expect};
use cotangent_cpu::{Call, Dt, Routine, Ty};
use num_complex::Complex;
use rustfft::{Fft, FftNum, FftPlanner};
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Complex to complex: `y[k] = sum x[j] exp(-2 pi i j k / n)` along each dimension, or with the opposite sign and divided by the number of elements if the parameter is
/// not 0. Operand and result have the same type.
pub static FFT: Routine = Routine {
    name: "fft",
    check: |params, ins, outs| {
        ensure!(params.len() == 1 && ins.len() == 1, "{} parameters, {} operands", params.len(), ins.len());
        ensure!(ins[0].dt.is_complex(), "elements of type {}", ins[0].dt);
        expect(ins, outs, (ins, ins))
    },
    in_place: true,
    run: |call| match call.dt(0) {
        Dt::C64 => fft::<f32>(call),
        _ => fft::<f64>(call),
    },
};
/// Real to complex: the first `n / 2 + 1` elements along the last dimension, of n. No parameters.
pub static RFFT: Routine = Routine {
    name: "rfft",
    check: |_, ins, outs| half(ins, outs),
    in_place: false,
    run: |call| match call.dt(0) {
        Dt::F32 => rfft::<f32>(call),
        _ => rfft::<f64>(call),
    },
};
/// The inverse of [`RFFT`]: complex to real. The imaginary parts that a real array's transform does not have are not looked at. No parameters.
pub static IRFFT: Routine = Routine {
    name: "irfft",
    check: |_, ins, outs| half(outs, ins),
    in_place: false,
    run: |call| match call.dt(0) {
        Dt::C64 => irfft::<f32>(call),
        _ => irfft::<f64>(call),
    },
};
/// Checks the types of a real array and of its transform.
fn half(real: &[Ty], complex: &[Ty]) -> Result<(), String> {
    let ([r], [c]) = (real, complex) else { return Err("one operand and one result".into()) };
    let dt = match r.dt {
        Dt::F32 => Dt::C64,
        Dt::F64 => Dt::C128,
        dt => return Err(format!("elements of type {dt}")),
    };
    let mut dims = r.dims.clone();
    let last = dims.last_mut().ok_or("a transform over no dimension")?;
    *last = *last / 2 + 1;
    ensure!(c.dt == dt && c.dims == dims, "{r} has the transform {dt}{dims:?}, not {c}");
    Ok(())
}

/// A real type.
trait Real: FftNum + Float + cotangent_cpu::Plain
where
    Complex<Self>: Number,
{
}
impl Real for f32 {}
impl Real for f64 {}

/// Transforms that a thread remembers.
const REMEMBERED: usize = 64;
/// What a thread knows of transforms of one type.
struct Plans<T: FftNum> {
    planner: FftPlanner<T>,
    /// Forward and backward transforms, by length.
    made: HashMap<(usize, bool), Arc<dyn Fft<T>>>,
    /// `exp(-2 pi i k / n)` for k up to n / 2, by n.
    roots: HashMap<usize, Arc<[Complex<T>]>>,
}
thread_local! {
    static PLANS: RefCell<HashMap<TypeId, Box<dyn Any>>> = RefCell::default();
}
fn plans<T: Real, R>(f: impl FnOnce(&mut Plans<T>) -> R) -> R
where
    Complex<T>: Number,
{
    PLANS.with_borrow_mut(|all| {
        let fresh = || Plans { planner: FftPlanner::<T>::new(), made: HashMap::new(), roots: HashMap::new() };
        let plans = all.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(fresh()));
        let plans = plans.downcast_mut::<Plans<T>>().expect("plans are kept by type");
        if plans.made.len() > REMEMBERED {
            *plans = fresh();
        }
        f(plans)
    })
}
/// The transform of this length, forward or backward without its factor.
fn plan<T: Real>(n: usize, inverse: bool) -> Arc<dyn Fft<T>>
where
    Complex<T>: Number,
{
    plans::<T, _>(|p| {
        let make = || if inverse { p.planner.plan_fft_inverse(n) } else { p.planner.plan_fft_forward(n) };
        p.made.entry((n, inverse)).or_insert_with(make).clone()
    })
}
fn roots<T: Real>(n: usize) -> Arc<[Complex<T>]>
where
    Complex<T>: Number,
{
    plans::<T, _>(|p| {
        let root = |k: usize| {
            let (sin, cos) = (-2.0 * std::f64::consts::PI * k as f64 / n as f64).sin_cos();
            Complex::new(T::from_double(cos), T::from_double(sin))
        };
        p.roots.entry(n).or_insert_with(|| (0..=n / 2).map(root).collect()).clone()
    })
}

/// Transforms an array along all dimensions but, if it says so, the last.
fn along<T: Real>(x: &mut [Complex<T>], dims: &[usize], inverse: bool, last: bool)
where
    Complex<T>: Number,
{
    if x.is_empty() {
        return;
    }
    let mut scratch = Vec::new();
    for (d, n) in dims.iter().copied().enumerate().rev() {
        let inner: usize = dims[d + 1..].iter().product();
        if n <= 1 || (d + 1 == dims.len() && !last) {
            continue;
        }
        let plan = plan::<T>(n, inverse);
        let zero = Complex::new(<T as Float>::zero(), <T as Float>::zero());
        scratch.resize(scratch.len().max(plan.get_inplace_scratch_len()), zero);
        if inner == 1 {
            plan.process_with_scratch(x, &mut scratch);
            continue;
        }
        // some neighboring columns at once
        let wide = WIDE.min(inner);
        let mut lines = vec![zero; wide * n];
        for block in x.chunks_mut(n * inner) {
            for j0 in (0..inner).step_by(wide) {
                let w = wide.min(inner - j0);
                for (i, row) in block.chunks(inner).enumerate() {
                    for (j, x) in row[j0..j0 + w].iter().enumerate() {
                        lines[j * n + i] = *x;
                    }
                }
                plan.process_with_scratch(&mut lines[..w * n], &mut scratch);
                for (i, row) in block.chunks_mut(inner).enumerate() {
                    for (j, x) in row[j0..j0 + w].iter_mut().enumerate() {
                        *x = lines[j * n + i];
                    }
                }
            }
        }
    }
}
/// Columns that are transformed together.
const WIDE: usize = 16;

fn fft<T: Real>(call: &mut Call)
where
    Complex<T>: Number,
{
    let dims = call.dims(0);
    let inverse = call.params[0] != 0;
    let x = call.output::<Complex<T>>(0);
    along(x, dims, inverse, true);
    if inverse {
        scale(x, dims)
    }
}
/// Divides by the number of elements.
fn scale<T: Real>(x: &mut [Complex<T>], dims: &[usize])
where
    Complex<T>: Number,
{
    let f = T::from_double(1.0 / dims.iter().product::<usize>() as f64);
    for x in x {
        *x = Complex::new(x.re * f, x.im * f);
    }
}
fn rfft<T: Real>(call: &mut Call)
where
    Complex<T>: Number,
{
    let (dims, out_dims) = (call.dims(0), call.out_dims(0));
    let (n, h) = (dims[dims.len() - 1], out_dims[dims.len() - 1]);
    let (x, y) = (call.input::<T>(0), call.output::<Complex<T>>(0));
    if x.is_empty() {
        return;
    }
    let rows = x.len() / n;
    if n % 2 == 1 {
        let plan = plan::<T>(n, false);
        let zero = Complex::new(<T as Float>::zero(), <T as Float>::zero());
        let (mut line, mut scratch) = (vec![zero; n], vec![zero; plan.get_inplace_scratch_len()]);
        for r in 0..rows {
            for (z, x) in line.iter_mut().zip(part(x, r, n)) {
                *z = Complex::new(*x, <T as Float>::zero());
            }
            plan.process_with_scratch(&mut line, &mut scratch);
            part_mut(y, r, h).copy_from_slice(&line[..h]);
            y[r * h].im = <T as Float>::zero();
        }
    } else {
        // a complex transform of half the length, of even and odd elements side by side
        let m = n / 2;
        let plan = plan::<T>(m, false);
        let w = roots::<T>(n);
        let zero = Complex::new(<T as Float>::zero(), <T as Float>::zero());
        let mut scratch = vec![zero; plan.get_inplace_scratch_len()];
        let two = T::from_double(0.5);
        for r in 0..rows {
            let row = part_mut(y, r, h);
            for (z, x) in row.iter_mut().zip(part(x, r, n).chunks_exact(2)) {
                *z = Complex::new(x[0], x[1]);
            }
            plan.process_with_scratch(&mut row[..m], &mut scratch);
            let first = row[0];
            row[0] = Complex::new(first.re + first.im, <T as Float>::zero());
            row[m] = Complex::new(first.re - first.im, <T as Float>::zero());
            for k in 1..=m / 2 {
                let (a, b) = (row[k], row[m - k].conj());
                let (even, odd) = ((a + b) * two, (a - b) * two);
                let turned = odd * w[k];
                // -i times it
                let t = Complex::new(turned.im, -turned.re);
                row[k] = even + t;
                if m - k != k {
                    row[m - k] = (even - t).conj();
                }
            }
        }
    }
    along(y, out_dims, false, false);
}
fn irfft<T: Real>(call: &mut Call)
where
    Complex<T>: Number,
{
    let (dims, out_dims) = (call.dims(0), call.out_dims(0));
    let (h, n) = (dims[dims.len() - 1], out_dims[dims.len() - 1]);
    let (x, y) = (call.input::<Complex<T>>(0), call.output::<T>(0));
    if y.is_empty() {
        return;
    }
    let mut x = x.to_vec();
    along(&mut x, dims, true, false);
    let f = T::from_double(1.0 / out_dims.iter().product::<usize>() as f64);
    let zero = Complex::new(<T as Float>::zero(), <T as Float>::zero());
    let odd = n % 2 == 1;
    let m = if odd { n } else { n / 2 };
    let plan = plan::<T>(m, true);
    let w = if odd { Arc::from([]) } else { roots::<T>(n) };
    let (mut line, mut scratch) = (vec![zero; m], vec![zero; plan.get_inplace_scratch_len()]);
    for r in 0..y.len() / n {
        let (row, out) = (part(&x, r, h), part_mut(y, r, n));
        if odd {
            line[0] = Complex::new(row[0].re, <T as Float>::zero());
            for k in 1..h {
                (line[k], line[n - k]) = (row[k], row[k].conj());
            }
            plan.process_with_scratch(&mut line, &mut scratch);
            for (o, z) in out.iter_mut().zip(&line) {
                *o = z.re * f;
            }
            continue;
        }
        let (first, last) = (row[0].re, row[m].re);
        line[0] = Complex::new(first + last, first - last);
        for k in 1..m {
            let (a, b) = (row[k], row[m - k].conj());
            let (even, turned) = (a + b, a - b);
            let odd = turned * w[k].conj();
            // i times it
            line[k] = Complex::new(even.re - odd.im, even.im + odd.re);
        }
        plan.process_with_scratch(&mut line, &mut scratch);
        for (o, z) in out.chunks_exact_mut(2).zip(&line) {
            (o[0], o[1]) = (z.re * f, z.im * f);
        }
    }
}
