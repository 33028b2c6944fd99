//! What is tested: something that loads a program and evaluates it under transformations.

use cotangent::jaxpr::Loaded;
use cotangent::jaxpr::json::ArrayData;
use cotangent::{Array, Error, ErrorKind, Vmap, catch, jit, jvp, vjp};

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
    fn load<'r>(&self, record: &'r Record) -> Result<Box<dyn Program + 'r>, Stop> {
        Ok(Box::new(Loaded::new(record.program.clone()).map_err(stop)?))
    }
}

fn stop(e: Error) -> Stop {
    match e.kind() {
        ErrorKind::Unsupported => Stop::Unsupported(e.message().into()),
        _ => Stop::Failed(e.to_string()),
    }
}
/// Runs `f`; what the library says it does not have is unsupported, everything else that it says is a failure.
fn asked<R>(f: impl FnOnce() -> R) -> Result<R, Stop> {
    catch(f).map_err(stop)
}
fn arrays(x: &[ArrayData]) -> Result<Vec<Array>, Stop> {
    x.iter().map(|a| Array::try_from(a).map_err(stop)).collect()
}
fn data(x: &[Array]) -> Vec<ArrayData> {
    x.iter().map(ArrayData::from).collect()
}

impl Program for Loaded {
    fn eval(&self, mode: Mode, ins: &[ArrayData]) -> Answer {
        let x = arrays(ins)?;
        let f = |x: &Vec<Array>| self.call(x);
        asked(|| {
            data(&match mode {
                Mode::Eager => f(&x),
                Mode::Jit => jit(f)(&x),
            })
        })
    }
    fn jvp(&self, mode: Mode, ins: &[ArrayData], t: &[ArrayData]) -> Pair {
        let (x, t) = (arrays(ins)?, arrays(t)?);
        let push = |x: &Vec<Array>, t: &Vec<Array>| jvp(|x: &Vec<Array>| self.call(x), (x,), (t,));
        let (y, dy) = asked(|| match mode {
            Mode::Eager => push(&x, &t),
            Mode::Jit => jit(push)(&x, &t),
        })?;
        Ok((data(&y), data(&dy)))
    }
    fn vjp(&self, mode: Mode, ins: &[ArrayData], ct: &[ArrayData]) -> Pair {
        let (x, ct) = (arrays(ins)?, arrays(ct)?);
        let pull = |x: &Vec<Array>, ct: &Vec<Array>| {
            let (y, pull) = vjp(|x: &Vec<Array>| self.call(x), (x,));
            (y, pull.call_once(ct).0)
        };
        let (y, dx) = asked(|| match mode {
            Mode::Eager => pull(&x, &ct),
            Mode::Jit => jit(pull)(&x, &ct),
        })?;
        Ok((data(&y), data(&dx)))
    }
    fn vmap(&self, mode: Mode, size: usize, in_axes: &[Option<usize>], ins: &[ArrayData]) -> Answer {
        let x = arrays(ins)?;
        let axes: Vec<Option<i32>> = in_axes.iter().map(|a| a.map(|a| a as i32)).collect();
        let f = Vmap::new().axis_size(size).in_axes((axes,)).of(|x: &Vec<Array>| self.call(x));
        asked(|| {
            data(&match mode {
                Mode::Eager => f(&x),
                Mode::Jit => jit(f)(&x),
            })
        })
    }
    fn order2(&self, ins: &[ArrayData], t: &[ArrayData], ct: &[ArrayData]) -> Answer {
        let (x, t, ct) = (arrays(ins)?, arrays(t)?, arrays(ct)?);
        let p = |x: &Vec<Array>| vjp(|x: &Vec<Array>| self.call(x), (x,)).1.call_once(&ct).0;
        asked(|| data(&jvp(p, (&x,), (&t,)).1))
    }
}
