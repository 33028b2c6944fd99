//! Operations of your own, outside of this crate: a type, what it computes, and what transformations need to know of it.
//!
//! A function that can be written with existing operations needs none of this, and one with a derivative of its own only
//! [`custom_jvp`](crate::custom_jvp()) or [`custom_vjp`](crate::custom_vjp()). An [`Operation`] is right where the work is done by code of your own (a solver, a
//! library), which no transformation can look into, or where transformations must know more: how it is mapped, how it is transposed, what it is
//! called in a program.
//!
//! ```
//! use cotangent::extend::{Operation, Value, bind1};
//! use cotangent::prelude::*;
//! use cotangent::{Aval, vmap};
//!
//! /// x to the power n, by a loop of the host
//! #[derive(Debug, Clone, PartialEq, Eq, Hash)]
//! struct Power(u32);
//! impl Operation for Power {
//!     fn name(&self) -> &'static str {
//!         "my_power"
//!     }
//!     fn value(&self) -> Value<Power> {
//!         Value::Host(|this, x| {
//!             let y: Vec<f32> = x[0].to_vec::<f32>().iter().map(|x| (0..this.0).map(|_| x).product()).collect();
//!             vec![Array::from_slice(&y, x[0].shape())]
//!         })
//!     }
//!     fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
//!         if x[0].dtype != DType::Float32 {
//!             return Err(format!("takes elements of type float32, got {}", x[0]));
//!         }
//!         Ok(vec![Aval::new(DType::Float32, &x[0].shape)])
//!     }
//!     fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Vec<Option<Array>> {
//!         vec![dx[0].map(|dx| self.0 as f64 * power(x[0], self.0 - 1) * dx)]
//!     }
//! }
//! fn power(x: &Array, n: u32) -> Array {
//!     bind1(&Power(n), &[x])
//! }
//!
//! let cube = |x: &Array| power(x, 3);
//! assert_eq!(cube(&array![1., 2.]).to_string(), "[1. 8.]");
//! assert_eq!(jit(vmap(grad(grad(cube))))(&array![1., 2.]).to_string(), "[ 6. 12.]");
//! ```

mod own;
pub mod testing;

use crate::array::Array;
use crate::aval::Aval;
pub use crate::trace::batch::Lanes;

use std::fmt::Debug;
use std::hash::Hash;
use std::panic::Location;

/// An operation. Its fields are its parameters: operations that are equal compute the same.
///
/// Rules are written with operations of the library (and with [`bind`]), so that each works under every transformation. [`testing::check`] tries them all.
pub trait Operation: Debug + Clone + Eq + Hash + Send + Sync + 'static {
    /// What programs and messages call it.
    fn name(&self) -> &'static str;
    /// Parameters as a program prints them, in alphabetical order of their names.
    fn params(&self) -> Vec<(&'static str, String)> {
        vec![]
    }
    /// What it computes.
    fn value(&self) -> Value<Self>;
    /// Types of the results for operands of these types, or why they do not fit: a clause that follows the name, in lower case. If it is about element types it
    /// contains the word "type". What a composition computes says for itself of which types it is; a host function has to say it here.
    ///
    /// # Errors
    /// If the operands do not fit.
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        own::types(self, x)
    }
    /// Tangents of the results `y`, one for each and `None` for zero, at the operands `x` along the tangents `dx`. It is linear in `dx`: reverse mode transposes it. A
    /// composition is differentiated, a host function without this rule has no derivative.
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Vec<Option<Array>> {
        let _ = y;
        own::jvp(self, x, dx)
    }
    /// Is it linear in these operands, taken together? Only operations that some `jvp` rule applies to a tangent need to be, and those have `transpose`. Of a
    /// composition it is known.
    fn linear_in(&self, mask: &[bool]) -> bool {
        let _ = mask;
        false
    }
    /// Cotangents of the linear operands, `None` for zero and for the others. Of the results' cotangents those that are zero are `None`, but not all. A
    /// composition is transposed.
    fn transpose(&self, x: &[Operand], ct: &[Option<Array>]) -> Vec<Option<Array>> {
        own::transpose(self, x, ct)
    }
    /// All lanes of a map at once. Operand i has its lanes along dimension `dims[i]`, if it has any; so say the results where theirs lie. A composition is
    /// mapped; a host function without this rule runs for one lane after the other.
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
        own::batch(self, lanes, x, dims)
    }
    /// Must it run even if nobody reads its results?
    fn effect(&self) -> bool {
        false
    }
}

/// What an operation computes.
pub enum Value<O> {
    /// Operations of the library. They are staged once for operands of certain types, and compiled together with what stands around.
    Composition(fn(&O, &[Array]) -> Vec<Array>),
    /// Code that looks at values: [`Array::with_slice`] lends elements, [`Array::to_vec`] copies them, [`Array::from_slice`] makes arrays. It runs wherever the operation is computed, also in the
    /// middle of a compiled program, and on any thread.
    Host(fn(&O, &[&Array]) -> Vec<Array>),
}

/// An operand as a transpose rule sees it.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A value.
    Known(&'a Array),
    /// It wants a cotangent. Its value is not known, only its type.
    Linear(&'a Aval),
}
impl<'a> Operand<'a> {
    /// The value.
    ///
    /// # Panics
    /// If it is not known.
    #[track_caller]
    pub fn known(self) -> &'a Array {
        match self {
            Operand::Known(x) => x,
            Operand::Linear(a) => panic!("the operand of type {a} is linear: a transpose rule does not know it"),
        }
    }
    /// The type.
    pub fn aval(self) -> &'a Aval {
        match self {
            Operand::Known(x) => x.aval(),
            Operand::Linear(a) => a,
        }
    }
    /// Does it want a cotangent?
    pub fn is_linear(self) -> bool {
        matches!(self, Operand::Linear(_))
    }
}

/// The results of an operation, under whatever transformation is running.
///
/// # Panics
/// If the operands do not fit.
#[track_caller]
pub fn bind<O: Operation>(op: &O, x: &[&Array]) -> Vec<Array> {
    own::bind_erased(op, x, Location::caller())
}
/// The result of an operation that has one.
///
/// # Panics
/// If the operands do not fit, or if there is not exactly one result.
#[track_caller]
pub fn bind1<O: Operation>(op: &O, x: &[&Array]) -> Array {
    let y = bind(op, x);
    assert_eq!(y.len(), 1, "{} has {} results", Operation::name(op), y.len());
    y.into_iter().next().expect("one result")
}

/// For `batch` rules: operands with their lanes in front. What all lanes share is repeated.
pub fn all_front(lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<Array> {
    crate::prim::all_front(lanes, x, dims)
}
/// For `batch` rules: an operand with its lanes in front, if it has any.
pub fn front(x: &Array, dim: Option<usize>) -> Array {
    dim.map_or_else(|| x.clone(), |d| crate::prim::move_axis(x, d, 0))
}
/// For rules: zeros of this type.
pub fn zeros(a: &Aval) -> Array {
    crate::prim::zeros_of(a)
}
