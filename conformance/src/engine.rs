//! What is tested: something that loads a program and evaluates it under transformations.

use cotangent::jaxpr::json::ArrayData;

use crate::record::Record;

/// How a program is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Operation by operation.
    Eager,
    /// Compiled: the transformation is inside, `jit(jvp(f))`.
    Jit,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Something the engine does not have yet. Records are counted as skipped, by this reason: name the thing, not the record.
    Unsupported(String),
    /// Something went wrong.
    Failed(String),
}

/// Arrays, or why there are none.
pub type Answer = Result<Vec<ArrayData>, Stop>;

/// Results and what was derived from them, or why there are none.
pub type Pair = Result<(Vec<ArrayData>, Vec<ArrayData>), Stop>;

/// Loads programs.
pub trait Engine: Sync {
    /// Makes a recorded program ready. Only `record.program` describes what it does; the rest is there for engines that test the runner.
    fn load<'r>(&self, record: &'r Record) -> Result<Box<dyn Program + 'r>, Stop>;
}

/// A program that was loaded. A panic in any of these is a failure of the section that asked.
pub trait Program {
    /// The results.
    fn eval(&self, mode: Mode, ins: &[ArrayData]) -> Answer;

    /// Results and tangents, from inputs and tangents. Whatever is no floating-point or complex number has `float0` tangents.
    fn jvp(&self, mode: Mode, ins: &[ArrayData], t: &[ArrayData]) -> Pair;

    /// Results and the cotangents of the inputs, from inputs and the cotangents of the results. Again `float0` where there are none.
    fn vjp(&self, mode: Mode, ins: &[ArrayData], ct: &[ArrayData]) -> Pair;

    /// The results for `size` members stacked along `in_axes` of the inputs (none: shared by all), stacked along axis 0.
    fn vmap(&self, mode: Mode, size: usize, in_axes: &[Option<usize>], ins: &[ArrayData]) -> Answer;

    /// The derivative along `t` of the function from inputs to the cotangents that `vjp` gives for `ct`: forward over reverse.
    fn order2(&self, ins: &[ArrayData], t: &[ArrayData], ct: &[ArrayData]) -> Answer;
}

/// The library.
pub struct Cotangent;

impl Engine for Cotangent {
    fn load<'r>(&self, _: &'r Record) -> Result<Box<dyn Program + 'r>, Stop> {
        Err(Stop::Unsupported("the library does not evaluate programs yet".into()))
    }
}
