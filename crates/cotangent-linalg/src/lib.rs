//! Library kernels of Cotangent: factorizations of matrices (with `faer`) and Fourier transforms (with `rustfft`), as
//! [routines](cotangent_cpu::Routine) of the CPU engine.
//!
//! The engine knows no linear algebra: it is handed these tables. Each routine computes one matrix after the other in memory of its own, which is
//! aligned and laid out by the extents alone; so a result depends on the matrix and its extents, and not on the batch that it is part of. Conventions are
//! those of LAPACK, which JAX calls: rows are swapped for the first pivot of greatest size, Householder vectors have the signs of `geqrf`, and a factorization that
//! fails gives NaN.
//!
//! Matrices of 32-bit numbers are factorized in their own type, but for eigenvalues of general matrices, which are found in 64 bits.

#![forbid(unsafe_code)]

mod bidiagonal;
mod cholesky;
mod conquer;
mod eig;
mod fft;
mod lu;
mod matrix;
mod qr;
mod secular;
mod sides;
mod spectral;
mod svd;
mod tridiagonal;

pub use cholesky::{CHOLESKY, TRIANGULAR_SOLVE};
pub use eig::EIG;
pub use fft::{FFT, IRFFT, RFFT};
pub use lu::{LU, PIVOTS_TO_PERMUTATION};
pub use qr::{GEQP3, GEQRF, HOUSEHOLDER_PRODUCT};
pub use spectral::EIGH;
pub use svd::SVD;
pub use tridiagonal::TRIDIAGONAL_SOLVE;

// The tests of the routines are generic over the element type as the routines are.
#[doc(hidden)]
pub use matrix::{Float, Number};

use cotangent_cpu::{Dt, Ty};

/// What a check says.
type Checked = Result<(), String>;

/// Fails with a message unless a condition holds.
macro_rules! ensure {
    ($ok:expr, $($message:tt)*) => {
        if !$ok {
            return Err(format!($($message)*));
        }
    };
}
pub(crate) use ensure;

/// Calls a generic function for the element type of a value: of numbers with 32 or 64 bits in each part.
macro_rules! by_type {
    ($dt:expr, $f:ident($($arg:expr),*)) => {
        match $dt {
            cotangent_cpu::Dt::F32 => $f::<f32>($($arg),*),
            cotangent_cpu::Dt::F64 => $f::<f64>($($arg),*),
            cotangent_cpu::Dt::C64 => $f::<num_complex::Complex<f32>>($($arg),*),
            cotangent_cpu::Dt::C128 => $f::<num_complex::Complex<f64>>($($arg),*),
            other => unreachable!("the check takes no {other}"),
        }
    };
}
pub(crate) use by_type;

/// Are these exactly the types that a routine has? It says which are wanted.
fn expect(operands: &[Ty], results: &[Ty], want: (&[Ty], &[Ty])) -> Checked {
    ensure!(operands == want.0, "operands {operands:?}, not {:?}", want.0);
    ensure!(results == want.1, "results {results:?}, not {:?}", want.1);
    Ok(())
}

/// The element type and the extents of the first operand, which is a matrix of numbers with 32 or 64 bits in each part.
fn matrix_of(operands: &[Ty]) -> Result<(Dt, usize, usize), String> {
    let Some(ty) = operands.first() else { return Err("no operand".into()) };
    ensure!(matches!(ty.dt, Dt::F32 | Dt::F64 | Dt::C64 | Dt::C128), "elements of type {}", ty.dt);
    ensure!(ty.dims.len() == 2, "{ty} is no matrix");
    Ok((ty.dt, ty.dims[0], ty.dims[1]))
}
