//! Compiling a program by hand, step by step and whether or not the process has compiled the same before, for measurements; and forgetting what is
//! compiled.

use super::{PROGRAMS, Ready, compile, constants, program, ready};
use crate::Jaxpr;
use crate::array::Array;
use cotangent_cpu::Program;
use std::collections::HashSet;
use std::panic::Location;
use std::sync::Arc;

/// The tensor programs that have to be compiled for a program: its own, or those of its parts and of its loops and branches. What depends on
/// values (how many lanes go which way) is made when it runs.
#[doc(hidden)]
pub struct Lowered {
    jaxpr: Arc<Jaxpr>,
    pieces: Vec<(Arc<Jaxpr>, Program)>,
}
impl Lowered {
    /// Lowers a program.
    #[track_caller]
    pub fn new(jaxpr: &Arc<Jaxpr>) -> Lowered {
        let (mut pieces, mut seen, mut next) = (vec![], HashSet::new(), vec![jaxpr.clone()]);
        while let Some(j) = next.pop() {
            if !seen.insert(Arc::as_ptr(&j)) {
                continue;
            }
            if !j.driven() {
                let program = program(&j);
                pieces.push((j, program));
                continue;
            }
            if let Ready::Parts(parts) = ready(&j, Location::caller()) {
                let held = parts.driven().flat_map(|k| j.eqns[k].prim.params()).flat_map(|(_, p)| p.programs());
                next.extend(parts.straight().cloned().chain(held))
            }
        }
        Lowered { jaxpr: jaxpr.clone(), pieces }
    }
    /// Equations of the programs, each counted once.
    pub fn equations(&self) -> usize {
        self.pieces.iter().map(|(j, _)| j.len()).sum()
    }
    /// Compiles them.
    #[track_caller]
    pub fn compile(self) -> Compiled {
        for (j, program) in self.pieces {
            let c = Arc::new(compile(program, j.out_avals().into(), "jit", Location::caller()));
            j.ready.get_or_init(|| Ready::Whole(c, constants(&j)));
        }
        Compiled(self.jaxpr)
    }
}
/// A program that is ready to run.
#[doc(hidden)]
pub struct Compiled(Arc<Jaxpr>);
impl Compiled {
    /// The leaves of its results. Arrays that the function captured come before its arguments.
    #[track_caller]
    pub fn call(&self, args: &[&Array]) -> Vec<Array> {
        assert!(self.0.in_avals().eq(args.iter().map(|a| a.aval())), "arguments of {}", self.0);
        crate::prim::call::call(&self.0, "compiled", args).into_vec()
    }
}

/// Forgets all compiled programs that no function and no program of the process holds.
///
/// ```
/// use cotangent::prelude::*;
/// let f = jit(|x: &Array| x + 1);
/// f(&array![1.]);
/// cotangent::clear_caches();
/// assert_eq!(f(&array![1.]).to_vec::<f32>(), [2.]);
/// ```
pub fn clear_caches() {
    PROGRAMS.lock().unwrap_or_else(|e| e.into_inner()).clear();
    crate::trace::eval::forget()
}
