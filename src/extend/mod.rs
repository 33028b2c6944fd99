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
///
/// ```
/// use cotangent::extend::{Operation, Value, bind1};
/// use cotangent::prelude::*;
///
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct Cube;
/// impl Operation for Cube {
///     fn name(&self) -> &'static str {
///         "cube"
///     }
///     fn value(&self) -> Value<Cube> {
///         Value::Composition(|_, x| vec![&x[0] * &x[0] * &x[0]]) // differentiated, mapped and compiled as it stands
///     }
/// }
/// let f = |x: &Array| bind1(&Cube, &[x]);
/// assert_eq!(grad(f)(&array(2.0)).to_f64(), 12.0);
/// assert!(cotangent::make_jaxpr(f, (&array(2.0),)).to_string().contains("cube a"));
/// ```
pub trait Operation: Debug + Clone + Eq + Hash + Send + Sync + 'static {
    /// What programs and messages call it.
    fn name(&self) -> &'static str;
    /// Parameters as a program prints them, in alphabetical order of their names.
    ///
    /// ```
    /// use cotangent::extend::{Operation, Value, bind1};
    /// use cotangent::{make_jaxpr, prelude::*};
    /// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    /// struct Plus(i32);
    /// impl Operation for Plus {
    ///     fn name(&self) -> &'static str { "plus" }
    ///     fn params(&self) -> Vec<(&'static str, String)> { vec![("n", self.0.to_string())] }
    ///     fn value(&self) -> Value<Plus> { Value::Composition(|plus, x| vec![&x[0] + plus.0]) }
    /// }
    /// let program = make_jaxpr(|x: &Array| bind1(&Plus(5), &[x]), (&array![1, 2],));
    /// assert_eq!(program.to_string(), "{ lambda ; a:i32[2]. let b:i32[2] = plus[n=5] a in (b,) }");
    /// ```
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
    ///
    /// ```
    /// use cotangent::extend::{Operand, Operation, Value, bind1};
    /// use cotangent::{Aval, prelude::*};
    /// /// Three times a vector, by the host: linear, and its own transpose.
    /// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    /// struct Thrice;
    /// impl Operation for Thrice {
    ///     fn name(&self) -> &'static str { "thrice" }
    ///     fn value(&self) -> Value<Thrice> { Value::Host(|_, x| vec![x[0] * 3.0]) }
    ///     fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> { Ok(vec![x[0].clone()]) }
    ///     fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Vec<Option<Array>> {
    ///         vec![dx[0].map(|d| bind1(self, &[d]))]
    ///     }
    ///     fn linear_in(&self, _: &[bool]) -> bool { true }
    ///     fn transpose(&self, _: &[Operand], ct: &[Option<Array>]) -> Vec<Option<Array>> {
    ///         vec![ct[0].as_ref().map(|ct| bind1(self, &[ct]))]
    ///     }
    /// }
    /// let f = |x: &Array| bind1(&Thrice, &[&bind1(&Thrice, &[x])]).sum();
    /// assert_eq!(grad(f)(&array![1., 2.]).to_string(), "[9. 9.]");
    /// ```
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
///
/// ```
/// use cotangent::extend::{Operation, Value, bind1};
/// use cotangent::{Aval, prelude::*};
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct Bits;
/// impl Operation for Bits {
///     fn name(&self) -> &'static str { "bits" }
///     fn value(&self) -> Value<Bits> {
///         Value::Host(|_, x| vec![array(x[0].to_vec::<i32>().iter().map(|x| x.count_ones() as i32).collect::<Vec<_>>())])
///     }
///     fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> { Ok(vec![x[0].clone()]) }
/// }
/// assert_eq!(jit(|x: &Array| bind1(&Bits, &[x]) + 1)(&array![7, 8]).to_string(), "[4 2]");
/// ```
pub enum Value<O> {
    /// Operations of the library. They are staged once for operands of certain types, and compiled together with what stands around.
    Composition(fn(&O, &[Array]) -> Vec<Array>),
    /// Code that looks at values: [`Array::with_slice`] lends elements, [`Array::to_vec`] copies them, [`Array::from_slice`] makes arrays. It runs wherever the operation is computed, also in the
    /// middle of a compiled program, and on any thread.
    Host(fn(&O, &[&Array]) -> Vec<Array>),
}

/// An operand as a transpose rule sees it.
///
/// ```
/// use cotangent::{extend::Operand, prelude::*};
/// let x = array![1., 2.];
/// let operands = [Operand::Known(&x), Operand::Linear(x.aval())];
/// assert_eq!(operands.map(|o| o.is_linear()), [false, true]);
/// ```
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
    /// ```
    /// use cotangent::{extend::Operand, prelude::*};
    /// let x = array![3., 4.];
    /// assert_eq!(Operand::Known(&x).known().to_string(), "[3. 4.]");
    /// ```
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
    ///
    /// ```
    /// use cotangent::{Aval, extend::Operand, prelude::*};
    /// let a = Aval::new(DType::Float64, &[2, 3]);
    /// assert_eq!(Operand::Linear(&a).aval().to_string(), "float64[2,3]");
    /// ```
    pub fn aval(self) -> &'a Aval {
        match self {
            Operand::Known(x) => x.aval(),
            Operand::Linear(a) => a,
        }
    }
    /// Does it want a cotangent?
    ///
    /// ```
    /// use cotangent::{Aval, extend::Operand, prelude::*};
    /// assert!(Operand::Linear(&Aval::new(DType::Float32, &[])).is_linear());
    /// assert!(!Operand::Known(&array(1.0)).is_linear());
    /// ```
    pub fn is_linear(self) -> bool {
        matches!(self, Operand::Linear(_))
    }
}

/// The results of an operation, under whatever transformation is running.
///
/// ```
/// use cotangent::extend::{Operation, Value, bind};
/// use cotangent::prelude::*;
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct SinCos;
/// impl Operation for SinCos {
///     fn name(&self) -> &'static str { "sincos" }
///     fn value(&self) -> Value<SinCos> { Value::Composition(|_, x| vec![x[0].sin(), x[0].cos()]) }
/// }
/// let y = bind(&SinCos, &[&array(0.0)]);
/// assert_eq!((y[0].to_f64(), y[1].to_f64()), (0.0, 1.0));
/// ```
///
/// # Panics
/// If the operands do not fit.
#[track_caller]
pub fn bind<O: Operation>(op: &O, x: &[&Array]) -> Vec<Array> {
    own::bind_erased(op, x, Location::caller())
}
/// The result of an operation that has one.
///
/// ```
/// use cotangent::extend::{Operation, Value, bind1};
/// use cotangent::prelude::*;
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct Plus(i32);
/// impl Operation for Plus {
///     fn name(&self) -> &'static str { "plus" }
///     fn value(&self) -> Value<Plus> { Value::Composition(|plus, x| vec![&x[0] + plus.0]) }
/// }
/// assert_eq!(cotangent::vmap(|x: &Array| bind1(&Plus(5), &[x]))(&array![1, 2]).to_string(), "[6 7]");
/// ```
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
///
/// ```
/// use cotangent::extend::{Lanes, Operation, Value, all_front, bind1};
/// use cotangent::prelude::*;
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct Minus;
/// impl Operation for Minus {
///     fn name(&self) -> &'static str { "minus" }
///     fn value(&self) -> Value<Minus> { Value::Composition(|_, x| vec![&x[0] - &x[1]]) }
///     fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
///         let x = all_front(lanes, x, dims);
///         vec![(bind1(self, &[&x[0], &x[1]]), Some(0))]
///     }
/// }
/// let f = |x: &Array, y: &Array| bind1(&Minus, &[x, y]);
/// assert_eq!(cotangent::vmap_axes(f, (0, None), 0)(&array![5, 7], &array(4)).to_string(), "[1 3]");
/// ```
pub fn all_front(lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<Array> {
    crate::prim::all_front(lanes, x, dims)
}
/// For `batch` rules: an operand with its lanes in front, if it has any.
///
/// ```
/// use cotangent::{extend::front, prelude::*};
/// let x = array![[1, 2, 3], [4, 5, 6]]; // three lanes, along dimension 1
/// assert_eq!(front(&x, Some(1)).to_string(), "[[1 4]\n [2 5]\n [3 6]]");
/// assert_eq!(front(&x, None).shape(), [2, 3]); // no lanes
/// ```
pub fn front(x: &Array, dim: Option<usize>) -> Array {
    dim.map_or_else(|| x.clone(), |d| crate::prim::move_axis(x, d, 0))
}
/// For rules: zeros of this type.
///
/// ```
/// use cotangent::{Aval, extend::zeros, prelude::*};
/// assert_eq!(zeros(&Aval::new(DType::Int32, &[3])).to_string(), "[0 0 0]");
/// ```
pub fn zeros(a: &Aval) -> Array {
    crate::prim::zeros_of(a)
}
