//! Probability distributions, with the names of `scipy.stats` and `jax.scipy.stats`: a module each, with densities (`pdf`, of integers `pmf`), distribution functions (`cdf`), what is left above
//! (`sf`), their logarithms, and inverses (`ppf`, `isf`).
//!
//! ```
//! use cotangent::{prelude::*, stats::{norm, poisson}};
//! let x = array![0., 1.];
//! assert_eq!(norm::cdf(&x, 0.0, 1.0).to_string(), "[0.5       0.8413448]");
//! assert_eq!(poisson::pmf(&array![0, 2], 2.0, 0.0).to_string(), "[0.13533528 0.27067056]");
//! // the likelihood of a sample is a function to differentiate
//! let slope = grad(|loc: &Array| norm::logpdf(&array![1., 2., 6.], loc, 2.0).sum());
//! assert_eq!(slope(&array(3.0)).to_f64(), 0.0);
//! ```
//!
//! The parameters come in SciPy's order, those of the shape first, then `loc` and `scale`, which shift and stretch: numbers or arrays, which broadcast. JAX has 0 and 1 for
//! them by default.

/// The functions of a distribution, one line each: what is given first, the parameters, an example, the value.
macro_rules! functions { ($dist:ident: $($(#[$doc:meta])* $f:ident($x:ident $(, $p:ident)*) of $of:literal is $is:literal, $value:expr;)*) => { $(
    $(#[$doc])*
    #[doc = concat!("As `jax.scipy.stats.", stringify!($dist), ".", stringify!($f), "`.")]
    #[doc = concat!("\n```\nuse cotangent::{prelude::*, stats::", stringify!($dist), "};\nassert_eq!(", stringify!($dist), "::", stringify!($f), "(&", $of, ").to_string(), \"", $is, "\");\n```")]
    #[track_caller]
    pub fn $f($x: &Array $(, $p: impl Operand)*) -> Array {
        fn value(all: &[Array]) -> Array {
            let [$x $(, $p)*] = all else { unreachable!("as many as were given") };
            $value
        }
        let name = concat!("stats::", stringify!($dist), "::", stringify!($f));
        value(&together(name, &[$x $(, &$p.beside($x))*]))
    }
)* } }

mod common;
mod continuous;
mod discrete;
mod positive;
mod several;
mod truncated;

pub use continuous::{cauchy, laplace, logistic, norm, t, uniform};
pub use discrete::{bernoulli, poisson};
pub use positive::{beta, chi2, expon, gamma};
pub use several::{dirichlet, multivariate_normal};
pub use truncated::truncnorm;
