//! The stages of `jit`, one by one: a program is staged ([`make_jaxpr`](crate::make_jaxpr)), lowered to the engine's own programs, compiled, and
//! run; and what is compiled can be forgotten. For those who want to measure, to look, or to compile before the first call.

use crate::Jaxpr;
use crate::array::Array;
use crate::error::{Error, ErrorKind, raise};
use crate::{aval::Aval, backend};
use std::panic::Location;
use std::sync::Arc;

/// What the engine is to compile: from [`Jaxpr::lower`].
///
/// Its text shows the tensor programs: one, if the program has no control flow; otherwise what stands between branches and loops, and
/// what stands in them.
pub struct Lowered {
    jaxpr: Arc<Jaxpr>,
    programs: Vec<backend::Piece>,
}
/// A compiled program: from [`Lowered::compile`].
#[derive(Debug)]
pub struct Compiled {
    jaxpr: Arc<Jaxpr>,
}

impl Jaxpr {
    /// Lowers the program for the engine, and those of its branches and loops. What depends on values (how many lanes go which way) is made
    /// when it runs.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let j = cotangent::make_jaxpr(grad(|x: &Array| x.sin().sum()), (&array![1., 2.],));
    /// let compiled = j.lower().compile();
    /// assert_eq!(compiled.call(&[&array![0., 0.]])[0].to_vec::<f32>(), [1., 1.]);
    /// ```
    pub fn lower(self: &Arc<Jaxpr>) -> Lowered {
        Lowered { jaxpr: self.clone(), programs: backend::pieces(self) }
    }
}
impl Lowered {
    /// Compiles it, whether or not the process has compiled the same before.
    #[track_caller]
    pub fn compile(self) -> Compiled {
        backend::compile_pieces(self.programs, Location::caller());
        Compiled { jaxpr: self.jaxpr }
    }
}
impl std::fmt::Display for Lowered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.programs.iter().try_for_each(|p| write!(f, "{p}"))
    }
}
impl std::fmt::Debug for Lowered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}
impl Compiled {
    /// The leaves of the results for these leaves of arguments. Arrays that the staged function captured come before them.
    ///
    /// # Panics
    /// If the arguments are not of the types for which the program was staged.
    #[track_caller]
    pub fn call(&self, args: &[&Array]) -> Vec<Array> {
        let at = Location::caller();
        let (want, given): (Vec<&Aval>, Vec<&Aval>) =
            (self.jaxpr.in_avals().collect(), args.iter().map(|a| a.aval()).collect());
        if want != given {
            let list = |all: &[&Aval]| all.iter().map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
            let text = format!(
                "the program was compiled for arguments ({}) and is called with ({})",
                list(&want),
                list(&given)
            );
            raise(Error::new(ErrorKind::Type, text).at(at))
        }
        crate::prim::call::call(&self.jaxpr, "compiled", args).into_vec()
    }
}

/// Forgets all compiled programs that no function or program of the process holds.
///
/// ```
/// use cotangent::prelude::*;
/// let f = jit(|x: &Array| x + 1);
/// f(&array![1.]);
/// cotangent::clear_caches();
/// assert_eq!(f(&array![1.]).to_vec::<f32>(), [2.]);
/// ```
pub fn clear_caches() {
    backend::forget();
    crate::trace::eval::forget()
}
