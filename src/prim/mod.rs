//! Primitives: what a transformation needs to know of an operation.
//!
//! A primitive is a struct whose fields are its parameters and one `impl` with all its rules, in one order: public function and
//! doc, struct, `name`, `params`, `abstract_eval`, `jvp`, `linear_in`, `transpose`, `batch`, `lower`, then (with the PJRT backend)
//! `stablehlo`; below it `READ` (how a recorded JAX program spells it) and `cases` (samples that the harness runs every promise over).
//! This folder is the only place that names operations, and the list at the end of this file the only list.
//!
//! Rules are written with the public operations, so that each works under every trace. Only `lower` touches the tensor program.

pub(crate) mod checked;
pub(crate) mod held;
pub(crate) mod lower;
pub(crate) mod matrix;
mod policy;
mod polyphase;
pub(crate) mod rules;
mod spared;
#[doc(hidden)]
pub mod testing;
mod together;
mod unroll;

use crate::array::*;
use crate::aval::{Aval, AxisSet};
use crate::error::{Error, Loc};
use crate::jaxpr::Jaxpr;
use crate::jaxpr::params::Params;
use crate::trace::batch::Lanes;
use crate::trace::checkify::{CheckSet, Errors};
pub use crate::trace::transpose::Cotangents;
use lower::{Lower, Vals};
pub use policy::{Candidate, Policy};
pub(crate) use rules::*;
use smallvec::SmallVec;
use std::any::Any;
use std::cell::Cell;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::ops::{Index, RangeFrom};
use std::sync::Arc;

/// A tangent that may be a symbolic zero. Its type is that of its primal.
///
/// ```
/// use cotangent::{prelude::*, prim::{Primitive, Sin, Tangent}};
/// let x = array(0.0);
/// let still: Tangent = Sin.jvp(&[&x], &[None], &[x.sin()])[0].clone();
/// assert!(still.is_none());
/// ```
pub type Tangent = Option<Array>;
/// One for each result.
///
/// ```
/// use cotangent::{prelude::*, prim::{Primitive, Sin, Tangents}};
/// let x = array(0.0);
/// let d: Tangents = Sin.jvp(&[&x], &[Some(&array(3.0))], &[x.sin()]);
/// assert_eq!(d[0].as_ref().unwrap().to_f64(), 3.0);
/// ```
pub type Tangents = SmallVec<[Tangent; 1]>;
/// Types of results.
///
/// ```
/// use cotangent::{prelude::*, prim::{Add, Avals, Primitive}};
/// let (x, y) = (array![1., 2.], array![[1.], [2.]]);
/// let types: Avals = Add.abstract_eval(&[array![[1., 2.]].aval(), y.aval()])?;
/// assert_eq!(types[0].to_string(), "float32[2,2]");
/// # let _ = x; Ok::<(), String>(())
/// ```
pub type Avals = SmallVec<[Aval; 1]>;
/// Results and the axis on which each is mapped.
///
/// ```
/// use cotangent::extend::{Lanes, Operation, Value, bind1};
/// use cotangent::{prelude::*, prim::{Batched, Neg, Primitive}};
/// /// -x, mapped by the rule of `neg`.
/// #[derive(Debug, Clone, PartialEq, Eq, Hash)]
/// struct Minus;
/// impl Operation for Minus {
///     fn name(&self) -> &'static str { "minus" }
///     fn value(&self) -> Value<Minus> { Value::Composition(|_, x| vec![-&x[0]]) }
///     fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
///         let y: Batched = Neg.batch(lanes, x, dims);
///         assert_eq!(y[0].1, Some(0));
///         y.into_vec()
///     }
/// }
/// assert_eq!(cotangent::vmap(|x: &Array| bind1(&Minus, &[x]))(&array![1, 2]).to_string(), "[-1 -2]");
/// ```
pub type Batched = SmallVec<[(Array, Option<usize>); 1]>;

/// An operation of the library. Those of a program that uses it implement [`extend::Operation`](crate::extend::Operation), which is smaller.
///
/// ```
/// use cotangent::{prelude::*, prim::{Mul, Primitive}};
/// let (x, y) = (array(3.0), array(5.0));
/// assert_eq!((Mul.name(), Mul.linear_in(&[true, false]), Mul.linear_in(&[true, true])), ("mul", true, false));
/// let d = Mul.jvp(&[&x, &y], &[Some(&array(1.0)), None], &[&x * &y]);
/// assert_eq!(d[0].as_ref().unwrap().to_f64(), 5.0);
/// assert!(Mul.abstract_eval(&[x.aval(), array(1).aval()]).is_err()); // float32 and int32
/// ```
pub trait Primitive: Parameters {
    /// JAX's name.
    fn name(&self) -> &'static str;
    /// Parameters as a jaxpr prints them, in alphabetical order of their names.
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![]
    }
    /// Types of the results, or why the operands do not fit.
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String>;
    /// Tangents of the results `y`, written with the public operations. Linear in `dx`: that is all it takes for reverse mode.
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Tangents;
    /// Is it linear in these operands, taken together?
    fn linear_in(&self, _mask: &[bool]) -> bool {
        false
    }
    /// Which of the `n` results depend on these operands, if they do so linearly. An operation that holds programs may have others, too. Operands
    /// in `zero` are known to be zero.
    fn linear_outs(&self, mask: &[bool], _zero: &[bool], n: usize) -> Option<Vec<bool>> {
        self.linear_in(mask).then(|| vec![true; n])
    }
    /// Which of the `n` results depend on these operands, of which there are some, linearly or not; more than do, where nothing better is known.
    fn dependent_outs(&self, mask: &[bool], zero: &[bool], n: usize) -> Vec<bool> {
        self.linear_outs(mask, zero, n).unwrap_or_else(|| vec![true; n])
    }
    /// For an operation that linearisation or transposition made: the operands that are tangents. In all of them together it is linear.
    fn tangents(&self) -> &[bool] {
        &[]
    }
    /// Pushes the cotangents of the linear operands. Asked only of what says that it is linear.
    fn transpose(&self, _ct: &[Tangent], _io: &mut Cotangents) {
        unreachable!("{} is linear in nothing", self.name())
    }
    /// All lanes at once. Runs if some operand is mapped, or if the operation communicates over the lanes' axis.
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched;
    /// Adds its computation to the tensor program.
    fn lower(&self, l: &mut Lower, x: &[cotangent_cpu::ValId], ins: &[&Aval], outs: &[Aval]) -> Vals;
    /// An operation that holds programs, and has rules of its own instead of `jvp`.
    fn higher(&self) -> Option<&dyn HigherOrder> {
        None
    }
    /// The program that this merely calls.
    fn inline(&self) -> Option<&Arc<Jaxpr>> {
        None
    }
    /// The user's function that this merely calls, as long as no program has been made of it.
    fn live(&self) -> Option<&dyn Live> {
        None
    }
    /// Named axes over which it communicates.
    fn named_axes(&self) -> AxisSet {
        0
    }
    /// What this device gets, for an operation that communicates: asked where values are concrete. `None` if no device of a mesh runs here.
    fn exchange(&self, _x: &[&Array], _loc: Loc) -> Option<Outs> {
        None
    }
    /// Does it make a tangent from nothing, which a tape has to follow like the others?
    fn makes_tangent(&self) -> bool {
        false
    }
    /// Does it decide at run time which programs run, or how often? Such an operation is not lowered, but [run](HigherOrder::run).
    fn driven(&self) -> bool {
        false
    }
    /// Does it compute values again, which must not be there earlier than they are needed?
    fn again(&self) -> bool {
        false
    }
    /// Must it run even if nobody reads its results?
    fn effect(&self) -> bool {
        false
    }
    /// The results and, as a value, what goes wrong in it: for [`checkify`](crate::checkify()). Asked of what holds programs or is a check; a mere call needs no rule.
    fn checked(&self, _set: CheckSet, _x: &[&Array], _loc: Loc) -> Option<(Errors, Outs)> {
        None
    }
    /// Does it compute by itself, and not by the operations of a program, which would be looked at one by one?
    fn opaque(&self) -> bool {
        self.higher().is_none()
    }
    /// What these operands may run into.
    fn pitfalls(&self, _x: &[&Array]) -> Vec<Pitfall> {
        vec![]
    }
}

/// A function of the user's as an operation. It is run where it is met, on values that host code may look at if the trace has them.
///
/// ```
/// use cotangent::{Jaxpr, prelude::*, prim::{Live, Primitive, Sin}};
/// use std::sync::Arc;
/// struct Calls;
/// impl Live for Calls {
///     fn run(&self, x: &[&Array]) -> Vec<Array> { vec![x[0].sin()] }
///     fn staged(&self, _: Arc<Jaxpr>, _: usize) -> Box<dyn Primitive> { Box::new(Sin) }
/// }
/// assert_eq!(Calls.run(&[&array(0.0)])[0].to_f64(), 0.0);
/// assert!(Sin.live().is_none()); // no function of the user's
/// ```
pub trait Live: Send + Sync {
    /// Runs it in the current trace.
    fn run(&self, x: &[&Array]) -> Vec<Array>;
    /// The operation that stands in a program for it: what was staged, and how many captured arrays come before its inputs.
    fn staged(&self, jaxpr: Arc<Jaxpr>, captured: usize) -> Box<dyn Primitive>;
}

/// An operation that holds programs.
///
/// ```
/// use cotangent::{lax, make_jaxpr, prelude::*};
/// let sum = |x: &Array| lax::scan(|c: &Array, x: &Array| (c + x, ()), &array(0.0), x).0;
/// let program = make_jaxpr(sum, (&array![1., 2.],));
/// assert_eq!(program.primitives().collect::<Vec<_>>(), ["scan"]); // which holds the program of a turn
/// assert!(program.to_string().contains("jaxpr={ lambda"), "{program}");
/// ```
pub trait HigherOrder {
    /// The results for concrete operands.
    fn run(&self, x: &[&Array], loc: Loc) -> Outs;
    /// Results and tangents at once, by one call of the transformed program.
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents);
    /// Results and residuals now, and one linear operation for the tape. `None`: run `jvp_call` on the tape instead.
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized>;
    /// How often it runs the programs among its parameters.
    fn runs(&self) -> Runs {
        Runs::Unknown
    }
    /// The machine code, as text, of a loop that the engine runs in registers as a whole, or why it has none; nothing for what is no such loop.
    fn machine_code(&self, _loc: Loc) -> Option<Result<String, String>> {
        None
    }
}
/// How often an operation runs its programs.
///
/// ```
/// use cotangent::{lax, prelude::*, stages::lower};
/// let sum = |x: &Array| lax::scan(|c: &Array, x: &Array| (c + x, ()), &array(0.0), x).0;
/// let cost = lower(sum, (&array![1., 2., 3.],)).cost_analysis();
/// assert_eq!((cost.flops, cost.complete), (3, true)); // `Runs::Times(3)`
/// let up = |x: &Array| lax::while_loop(|x: &Array| x.lt(9), |x| x * x, x);
/// assert!(!lower(up, (&array(2.0),)).cost_analysis().complete); // `Runs::Unknown`
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runs {
    /// All of them so many times.
    Times(usize),
    /// One of them, once.
    OneOf,
    /// Only a run knows.
    Unknown,
}

/// What `HigherOrder::linearize` returns.
///
/// ```
/// use cotangent::{prelude::*, prim::{LinArg, Linearized, Neg}};
/// // -x, whose tangent is minus that of x
/// let l = Linearized {
///     outs: [array(-2.0)].into_iter().collect(),
///     out_mask: vec![true],
///     prim: Some(Box::new(Neg)),
///     operands: vec![LinArg::Tangent(0)],
/// };
/// assert_eq!((l.outs[0].to_f64(), l.prim.unwrap().name()), (-2.0, "neg"));
/// ```
pub struct Linearized {
    /// The results.
    pub outs: Outs,
    /// Which results move. `prim` gives a tangent for each of those, in order.
    pub out_mask: Vec<bool>,
    /// The linear operation, if anything moves.
    pub prim: Option<Box<dyn Primitive>>,
    /// Its operands.
    pub operands: Vec<LinArg>,
}
/// An operand of a linear operation.
///
/// ```
/// use cotangent::{prelude::*, prim::{LinArg, Mul, Primitive}};
/// let product = [LinArg::Tangent(0), LinArg::Known(array(5.0))];
/// assert!(Mul.linear_in(&product.map(|a| matches!(a, LinArg::Tangent(_)))));
/// ```
pub enum LinArg {
    /// A value.
    Known(Array),
    /// The tangent of input i.
    Tangent(usize),
}

/// A parameter as it prints.
///
/// ```
/// use cotangent::prim::{Param, Primitive, RoundEven};
/// let (name, value) = RoundEven.params().remove(0);
/// assert!(name == "rounding_method" && matches!(value, Param::Text(t) if t == "1"));
/// ```
pub enum Param {
    /// As JAX spells it.
    Text(String),
    /// A nested program.
    Jaxpr(Arc<Jaxpr>),
    /// Several of them, such as the branches of a conditional.
    Jaxprs(Vec<Arc<Jaxpr>>),
    /// A tuple of this name with named programs, some of which may not be there.
    Fields(&'static str, Vec<(&'static str, Option<Arc<Jaxpr>>)>),
    /// The program that the operation calls with its operands, and what the user calls it. Its variables print with the names of
    /// what is passed.
    Called(Arc<Jaxpr>, Arc<str>),
}
impl Param {
    /// The programs in it.
    pub(crate) fn programs(&self) -> Vec<Arc<Jaxpr>> {
        match self {
            Param::Text(_) => vec![],
            Param::Jaxpr(j) | Param::Called(j, _) => vec![j.clone()],
            Param::Jaxprs(all) => all.clone(),
            Param::Fields(_, fields) => fields.iter().filter_map(|f| f.1.clone()).collect(),
        }
    }
}
impl<T: Into<String>> From<T> for Param {
    fn from(t: T) -> Param {
        Param::Text(t.into())
    }
}

/// What every parameter struct has: comparing, hashing and boxing. A box of a struct without fields is free.
///
/// ```
/// use cotangent::prim::{Cos, Parameters, Sin};
/// let all: [&dyn Parameters; 2] = [&Sin, &Cos];
/// assert_eq!(format!("{all:?}"), "[Sin, Cos]");
/// ```
pub trait Parameters: Any + Debug + Send + Sync {
    #[doc(hidden)]
    fn boxed(&self) -> Box<dyn Primitive>;
    #[doc(hidden)]
    fn eq_dyn(&self, other: &dyn Primitive) -> bool;
    #[doc(hidden)]
    fn hash_dyn(&self, h: &mut dyn Hasher);
}
impl<P: Primitive + Clone + Eq + Hash> Parameters for P {
    fn boxed(&self) -> Box<dyn Primitive> {
        Box::new(self.clone())
    }
    fn eq_dyn(&self, other: &dyn Primitive) -> bool {
        (other as &dyn Any).downcast_ref::<P>() == Some(self)
    }
    fn hash_dyn(&self, mut h: &mut dyn Hasher) {
        crate::trace::eval::type_hash::<P>(h);
        self.hash(&mut h)
    }
}

/// How a recorded JAX program spells an operation: its name there, and what to do with its parameters and operands.
pub(crate) type Read = (&'static str, fn(&Params, &Operands) -> Result<Outs, Error>);

/// The operands of a recorded equation, which a reader takes by position. One that is not there is an error, and so is one that nobody
/// took: none is dropped in silence.
pub(crate) struct Operands<'a> {
    all: &'a [Array],
    taken: Cell<usize>,
}
impl<'a> Operands<'a> {
    pub(crate) fn new(all: &'a [Array]) -> Self {
        Operands { all, taken: Cell::new(0) }
    }
    /// All of them.
    pub(crate) fn iter(&self) -> std::slice::Iter<'a, Array> {
        self.taken.set(self.all.len());
        self.all.iter()
    }
    /// How many were taken, if that is not all.
    pub(crate) fn taken_of_more(&self) -> Option<usize> {
        Some(self.taken.get()).filter(|n| *n < self.all.len())
    }
}
impl Index<usize> for Operands<'_> {
    type Output = Array;
    fn index(&self, i: usize) -> &Array {
        self.taken.set(self.taken.get().max(i + 1));
        self.all.get(i).unwrap_or_else(|| missing_operand(i))
    }
}
impl Index<RangeFrom<usize>> for Operands<'_> {
    type Output = [Array];
    fn index(&self, from: RangeFrom<usize>) -> &[Array] {
        self.taken.set(self.all.len());
        self.all.get(from.clone()).unwrap_or_else(|| missing_operand(from.start - 1))
    }
}
#[cold]
fn missing_operand(i: usize) -> ! {
    crate::error::fail(crate::error::ErrorKind::Program, format!("operand {i} is missing"))
}

/// A sample for the harness: a function of arrays built from one primitive, and arguments to try it on.
///
/// ```
/// use cotangent::{prelude::*, prim::Case};
/// let case = Case { name: "doubling", args: vec![array(vec![1f64, 2.0])], run: |x| vec![&x[0] * 2.0] };
/// assert_eq!((case.run)(&case.args)[0].to_string(), "[2. 4.]");
/// ```
pub struct Case {
    /// What it shows.
    pub name: &'static str,
    /// Arguments. Those of type float64 are differentiated.
    pub args: Vec<Array>,
    /// The function.
    pub run: fn(&[Array]) -> Vec<Array>,
}

/// The example of a function in a table, for its documentation: arguments, and how the result prints.
macro_rules! example {
    ($name:ident, $of:literal, $gives:literal) => {
        concat!(
            "```\nuse cotangent::{prelude::*, prim};\nassert_eq!(prim::",
            stringify!($name),
            "(",
            $of,
            ").to_string(), \"",
            $gives,
            "\");\n```"
        )
    };
}
/// The documentation of an operation in a table that has no parameters: which function it belongs to, and what programs call it.
macro_rules! named {
    ($Name:ident $name:ident) => {
        named!(@ $Name $name stringify!($name))
    };
    ($Name:ident $name:ident $spelled:literal) => {
        named!(@ $Name $name $spelled)
    };
    (@ $Name:ident $name:ident $($spelled:tt)*) => {
        concat!(
            "See [`", stringify!($name), "`].\n\n```\nuse cotangent::prim::{", stringify!($Name), ", Primitive};\nassert_eq!(",
            stringify!($Name), ".name(), \"", $($spelled)*, "\");\n```"
        )
    };
}
/// The same of one that has parameters, which its function is given behind an argument.
macro_rules! staged {
    ($name:ident, $x:literal, $parameters:literal) => {
        concat!(
            "See [`",
            stringify!($name),
            "`].\n\n```\nuse cotangent::{make_jaxpr, prelude::*, prim};\nlet program = make_jaxpr(|x: &Array| prim::",
            stringify!($name),
            "(x, ",
            $parameters,
            "), (&",
            $x,
            ",));\nassert!(program.primitives().eq([\"",
            stringify!($name),
            "\"]));\n```"
        )
    };
}

/// One list: modules, public functions, spellings in JAX programs and samples come from it.
macro_rules! primitives { ($($family:ident)*) => {
    $(pub mod $family; #[allow(unused_imports)] pub use $family::*;)*
    /// Every JAX spelling of every family.
    pub(crate) fn spellings() -> impl Iterator<Item = &'static Read> {
        [$($family::READ),*].into_iter().flatten()
    }
    /// Every family's samples, by family.
    #[doc(hidden)]
    pub fn cases() -> Vec<(&'static str, Vec<Case>)> {
        vec![$((stringify!($family), $family::cases())),*]
    }
} }
primitives! {
    iota unary polygamma neg complex power binary mul_add compare select convert broadcast_in_dim reshape transpose slice pad rev roll
    concatenate dynamic_slice dynamic_update_slice gather scatter reduce cumulative sort dot_general conv window threefry collective tag call checkpoint
    custom
    linear_solve cond scan while_loop stacks partition bounded rewind callback check shard_map
    cholesky triangular_solve lu qr eigh svd eig fft
}
