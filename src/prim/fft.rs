//! Fourier transforms: linear.

use super::matrix::*;
use super::*;
use crate::aval::{Shape, tuple};
use crate::trace::bind1;
use cotangent_cpu::ValId;

/// The kinds of [`fft`].
///
/// ```
/// use cotangent::{prelude::*, prim::{FftType, fft}};
/// # #[cfg(feature = "linalg")] {
/// let spectrum = fft(&array![1., 2., 3., 4.], FftType::Rfft, &[4]);
/// assert_eq!(spectrum.to_string(), "[10.+0.j -2.+2.j -2.+0.j]");
/// assert_eq!(fft(&spectrum, FftType::Irfft, &[4]).to_string(), "[1. 2. 3. 4.]");
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FftType {
    /// `y[k] = sum x[j] exp(-2 pi i j k / n)` along each dimension; complex.
    Fft,
    /// The inverse, divided by the number of elements; complex.
    Ifft,
    /// Of real numbers: the first `n / 2 + 1` elements along the last dimension, of n.
    Rfft,
    /// The inverse of that, to real numbers. Imaginary parts that a transform of real numbers does not have are not looked at.
    Irfft,
}
impl FftType {
    fn name(self) -> &'static str {
        match self {
            FftType::Fft => "FFT",
            FftType::Ifft => "IFFT",
            FftType::Rfft => "RFFT",
            FftType::Irfft => "IRFFT",
        }
    }
}

/// The Fourier transform of this kind over the last dimensions, whose extents are `lengths` (for the kinds with real numbers: those of the real array). Without
/// lengths, `x` itself.
///
/// ```
/// use cotangent::{prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let x = prim::complex(&array![1., 0., 0., 0.], &array![0., 0., 0., 0.]);
/// assert_eq!(prim::real(&prim::fft(&x, prim::FftType::Fft, &[4])).to_string(), "[1. 1. 1. 1.]");
/// # }
/// ```
///
/// # Panics
/// If the extents are others, or the elements are not float32, float64 (`Rfft`), complex64 or complex128 (the other kinds).
#[track_caller]
pub fn fft(x: &Array, kind: FftType, lengths: &[usize]) -> Array {
    if lengths.is_empty() {
        return x.clone();
    }
    bind1(&Fft { kind, lengths: lengths.into() }, &[x])
}
/// See [`fft`].
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// # #[cfg(feature = "linalg")] {
/// let program = make_jaxpr(|x: &Array| prim::fft(x, prim::FftType::Rfft, &[2]), (&array![1., 2.],));
/// assert!(program.to_string().contains("fft[fft_lengths=(2,) fft_type="), "{program}");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fft {
    kind: FftType,
    lengths: Shape,
}
impl Fft {
    fn count(&self) -> f64 {
        self.lengths.iter().map(|n| *n as f64).product()
    }
    /// How often each element of a half transform stands for two of a whole one: 1 at both ends, 2 between.
    fn weights(&self, like: &Array) -> Array {
        let n = *self.lengths.last().expect("a length");
        let h = n / 2 + 1;
        let k = iota(crate::DType::Int32, &[h], 0);
        let ends = eq(&k, &lit(&k, 0.0));
        let ends = if n.is_multiple_of(2) { or(&ends, &eq(&k, &lit(&k, (h - 1) as f64))) } else { ends };
        let of = |v| full_of(&like.aval().with_shape([h]), v);
        let row = select_n(&ends, &[&of(2.0), &of(1.0)]);
        broadcast_in_dim(&row, like.shape(), &[like.ndim() - 1])
    }
}
impl Primitive for Fft {
    fn name(&self) -> &'static str {
        "fft"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("fft_lengths", tuple(&self.lengths).into()), ("fft_type", (self.kind as u8).to_string().into())]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let t = takes(x)?;
        let real_in = self.kind == FftType::Rfft;
        if t.is_complex() == real_in {
            let wanted = if real_in { "real" } else { "complex" };
            return Err(format!("{} does not take elements of type (dtype) {t}, but {wanted} ones", self.kind.name()));
        }
        let Some(first) = x[0].ndim().checked_sub(self.lengths.len()) else {
            return Err(format!("a transform over {} dimensions of {}", self.lengths.len(), x[0]));
        };
        let last = self.lengths.len() - 1;
        let n = self.lengths[last];
        let mut shape = x[0].shape.clone();
        let there = &mut shape[first..];
        let fits = match self.kind {
            FftType::Irfft => there[..last] == self.lengths[..last] && there[last] == n / 2 + 1,
            _ => *there == self.lengths[..],
        };
        if !fits || (n == 0 && matches!(self.kind, FftType::Irfft | FftType::Rfft)) {
            return Err(format!("lengths {} do not fit {}", tuple(&self.lengths), x[0]));
        }
        let t = match self.kind {
            FftType::Rfft => {
                there[last] = n / 2 + 1;
                t.to_complex()
            }
            FftType::Irfft => {
                there[last] = n;
                t.real_part()
            }
            _ => t,
        };
        Ok(one(typed(x[0].with_shape(shape), t)))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| bind1(self, &[d])))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        let c = match self.kind {
            FftType::Rfft => {
                let y = fft(&div(&conj(ct), &self.weights(ct)), FftType::Irfft, &self.lengths);
                mul(&y, &lit(&y, self.count()))
            }
            FftType::Irfft => {
                let y = fft(ct, FftType::Rfft, &self.lengths);
                let y = mul(&y, &self.weights(&y));
                conj(&mul(&y, &lit(&y, 1.0 / self.count())))
            }
            kind => fft(ct, kind, &self.lengths),
        };
        io.add(0, c)
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        batch_in_front(self, lanes, x, dims)
    }
    fn lower(&self, l: &mut Lower, x: &[ValId], ins: &[&Aval], outs: &[Aval]) -> Vals {
        let (routine, params): (_, &[bool]) = match self.kind {
            FftType::Fft => (routine!(FFT), &[false]),
            FftType::Ifft => (routine!(FFT), &[true]),
            FftType::Rfft => (routine!(RFFT), &[]),
            FftType::Irfft => (routine!(IRFFT), &[]),
        };
        call_plain(l, routine, params, x, ins[0].ndim() - self.lengths.len(), outs)
    }
}

pub(super) const READ: &[Read] = &[("fft", |p, x| {
    let kind = match p.str("fft_type")? {
        "FFT" => FftType::Fft,
        "IFFT" => FftType::Ifft,
        "RFFT" => FftType::Rfft,
        "IRFFT" => FftType::Irfft,
        other => return Err(p.error("fft_type", format!("{other} is not known")).into()),
    };
    Ok(one(bind1(&Fft { kind, lengths: p.usizes("fft_lengths")?.into() }, &[&x[0]])))
})];
pub(super) fn cases() -> Vec<Case> {
    if cfg!(not(feature = "linalg")) {
        return vec![];
    }
    fn parts(y: &Array) -> [Array; 2] {
        [real(y), imag(y)]
    }
    vec![
        Case {
            name: "of complex numbers",
            args: vec![sample(&[2, 6], 1), sample(&[2, 6], 2)],
            run: |x| {
                let z = complex(&x[0], &x[1]);
                let ys = [fft(&z, FftType::Fft, &[6]), fft(&z, FftType::Ifft, &[2, 6]), fft(&z, FftType::Fft, &[])];
                ys.iter().flat_map(parts).collect()
            },
        },
        Case {
            name: "of real numbers",
            args: vec![sample(&[3, 5], 3), sample(&[3, 4], 4), sample(&[2, 1], 5)],
            run: |x| {
                let ys = [
                    fft(&x[0], FftType::Rfft, &[5]),
                    fft(&x[0], FftType::Rfft, &[3, 5]),
                    fft(&x[1], FftType::Rfft, &[3, 4]),
                    fft(&x[2], FftType::Rfft, &[1]),
                ];
                ys.iter().flat_map(parts).collect()
            },
        },
        Case {
            name: "to real numbers",
            args: vec![sample(&[4, 3], 6), sample(&[4, 3], 7), sample(&[2, 1], 8)],
            run: |x| {
                let z = complex(&x[0], &x[1]);
                vec![
                    fft(&z, FftType::Irfft, &[4]),
                    fft(&z, FftType::Irfft, &[5]),
                    fft(&z, FftType::Irfft, &[4, 4]),
                    fft(&complex(&x[2], &neg(&x[2])), FftType::Irfft, &[1]),
                ]
            },
        },
        Case {
            name: "of three dimensions, and in 32 bits",
            args: vec![sample(&[2, 3, 4], 9), to(&sample(&[2, 3, 2], 10), crate::DType::Float32)],
            run: |x| {
                let z = complex(&x[1], &neg(&x[1]));
                let ys = [fft(&x[0], FftType::Rfft, &[2, 3, 4]), fft(&z, FftType::Fft, &[2, 3, 2]), fft(&z, FftType::Ifft, &[3, 2])];
                ys.iter().flat_map(parts).chain([fft(&z, FftType::Irfft, &[2, 3, 3])]).collect()
            },
        },
    ]
}
