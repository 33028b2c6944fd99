#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

/// Gives a macro the tuples of one to eight elements. Of each element: its type, a second type, a variable and the position; after each
/// tuple, its length.
macro_rules! for_tuples {
    ($m:ident) => {
        $m! {
            (A X0 a 0) 1;
            (A X0 a 0, B X1 b 1) 2;
            (A X0 a 0, B X1 b 1, C X2 c 2) 3;
            (A X0 a 0, B X1 b 1, C X2 c 2, D X3 d 3) 4;
            (A X0 a 0, B X1 b 1, C X2 c 2, D X3 d 3, E X4 e 4) 5;
            (A X0 a 0, B X1 b 1, C X2 c 2, D X3 d 3, E X4 e 4, F X5 f 5) 6;
            (A X0 a 0, B X1 b 1, C X2 c 2, D X3 d 3, E X4 e 4, F X5 f 5, G X6 g 6) 7;
            (A X0 a 0, B X1 b 1, C X2 c 2, D X3 d 3, E X4 e 4, F X5 f 5, G X6 g 6, H X7 h 7) 8;
        }
    };
}

// The derive writes `::cotangent::..`, and this crate derives too.
extern crate self as cotangent;

mod argnums;
pub mod array;
pub mod aval;
mod axes;
mod backend;
pub mod checkify;
pub mod data;
pub mod debug;
pub mod devices;
mod differential;
pub mod dtype;
pub mod error;
pub mod extend;
mod function;
pub mod io;
pub mod jaxpr;
pub mod lax;
mod loss;
pub mod nn;
pub mod np;
pub mod ode;
pub mod optim;
pub mod prim;
pub mod random;
pub mod special;
pub mod stages;
pub mod stats;
mod trace;
mod transform;
pub mod tree;

pub use argnums::{ARG0, ARG1, ARG2, ARG3, ARG4, ARG5, ARG6, ARG7, Argnums, Nth, Selection};
#[doc(hidden)]
pub use array::from_literals;
pub use array::{Array, ArrayLike, Operand, array};
pub use aval::Aval;
pub use axes::{ArgAxes, Axes, AxisList, ByLeaf, by_leaf};
#[doc(hidden)]
pub use backend::ahead;
pub use backend::ahead::clear_caches;
pub use checkify::checkify;
/// A struct or an enum with arrays as an argument, a captured value and a result of transformed functions.
///
/// ```
/// use cotangent::prelude::*;
/// #[derive(Pytree)]
/// struct Layer { w: Array, #[pytree(static)] squared: bool }
/// let f = |l: &Layer| if l.squared { l.w.powi(2) } else { l.w.sin() };
/// let g = grad(f)(&Layer { w: array(3.0), squared: true });
/// assert_eq!((g.w.to_f64(), g.squared), (6.0, true));
/// ```
///
pub use cotangent_derive::Pytree;
pub use differential::Differential;
pub use dtype::DType;
pub use error::{Error, ErrorKind, catch};
pub use function::{Arguments, Flat, Function, Ref, Val};
pub use jaxpr::Jaxpr;
pub use loss::Loss;
pub use prim::{Candidate, Policy, checkpoint_name, stop_gradient};
pub use stages::lower;
pub use transform::*;
pub use tree::{Pytree, Static};

/// What most programs need: `use cotangent::prelude::*;`.
pub mod prelude {
    pub use crate::array;
    pub use crate::np::{Ellipsis, NewAxis, s};
    pub use crate::{
        ARG0, ARG1, ARG2, ARG3, ARG4, ARG5, ARG6, ARG7, Array, DType, Error, ErrorKind, Operand, Pytree, Static,
        by_leaf, catch, stop_gradient, tree,
    };
    pub use crate::{eval_shape, grad, grad_argnums, jit, value_and_grad, value_and_grad_argnums};
}
