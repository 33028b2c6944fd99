//! What a file holds, as types, and what may be wrong with it.

use std::collections::BTreeMap;
use std::fmt;

/// What is wrong with a JSON text or with a parameter, and where.
///
/// ```
/// use cotangent::jaxpr::json::ProgramData;
/// let e = ProgramData::parse(r#"{"jaxpr": {"consts": [], "in": [], "eqns": 7, "out": []}}"#).unwrap_err();
/// assert_eq!((e.place.as_str(), e.what.as_str()), ("jaxpr.eqns", "expected a list, found 7"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The place, such as `jaxpr.eqns[3].params.axes` or ``parameter `axes` of reduce_sum``; empty for the whole text.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl JsonError {
    /// An error at the value being looked at; those who hold it add their part of the path.
    ///
    /// ```
    /// use cotangent::jaxpr::json::JsonError;
    /// assert_eq!(JsonError::new("too large").to_string(), "too large");
    /// ```
    pub fn new(what: impl Into<String>) -> JsonError {
        JsonError { place: String::new(), what: what.into() }
    }

    /// The same error, seen from the object of which the value is a field.
    ///
    /// ```
    /// use cotangent::jaxpr::json::JsonError;
    /// let e = JsonError::new("too large").in_field("axes").in_field("params");
    /// assert_eq!(e.to_string(), "params.axes: too large");
    /// ```
    pub fn in_field(mut self, name: &str) -> JsonError {
        let dot = if self.place.is_empty() || self.place.starts_with('[') { "" } else { "." };
        self.place = format!("{name}{dot}{}", self.place);
        self
    }

    /// The same error, seen from the list of which the value is an element.
    ///
    /// ```
    /// use cotangent::jaxpr::json::JsonError;
    /// let e = JsonError::new("too large").in_element(3).in_field("eqns");
    /// assert_eq!(e.to_string(), "eqns[3]: too large");
    /// ```
    pub fn in_element(mut self, index: usize) -> JsonError {
        let dot = if self.place.is_empty() || self.place.starts_with('[') { "" } else { "." };
        self.place = format!("[{index}]{dot}{}", self.place);
        self
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.what) } else { write!(f, "{}: {}", self.place, self.what) }
    }
}

impl std::error::Error for JsonError {}

/// The type of a value: element type by name, shape, and whether the type is weak.
///
/// ```
/// use cotangent::jaxpr::json::AvalData;
/// let a = AvalData { dtype: "float32".into(), shape: vec![2, 3], weak: false };
/// assert_eq!(a.to_json().to_string(), r#"{"dtype":"float32","shape":[2,3],"weak":false}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AvalData {
    /// The name of the element type, `float32` for instance; keys are `key<fry>`.
    pub dtype: String,
    /// The sizes of the axes.
    pub shape: Vec<usize>,
    /// Does the type give way to others in promotion?
    pub weak: bool,
}

/// A value. Elements lie row-major and little-endian; types below eight bits take a whole byte.
///
/// ```
/// use cotangent::{jaxpr::json::ArrayData, prelude::*};
/// let data = ArrayData::from(&array(vec![1i16, -2]));
/// assert_eq!((data.dtype.as_str(), data.bytes.as_slice()), ("int16", &[1, 0, 254, 255][..]));
/// assert_eq!(Array::try_from(&data)?.to_string(), "[ 1 -2]");
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArrayData {
    /// The name of the element type.
    pub dtype: String,
    /// The sizes of the axes. A key counts as one element of two 32-bit words.
    pub shape: Vec<usize>,
    /// Is the type weak?
    pub weak: bool,
    /// The elements; nothing for `float0`.
    pub bytes: Vec<u8>,
}

/// An operand: a variable by number, or a value written in place.
///
/// ```
/// use cotangent::{jaxpr::json::Atom, prelude::*};
/// assert_eq!(Atom::Var(3).to_json().to_string(), r#"{"var":3}"#);
/// assert_eq!(Atom::Lit((&array(7)).into()).to_json()["lit"]["dtype"], "int32");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::large_enum_variant)]
pub enum Atom {
    /// The variable with this number.
    Var(usize),
    /// A value.
    Lit(ArrayData),
}

/// The place where a variable gets its number and its type.
///
/// ```
/// use cotangent::jaxpr::json::{AvalData, Binder};
/// let aval = AvalData { dtype: "int32".into(), shape: vec![], weak: false };
/// assert_eq!(Binder { id: 4, aval, drop: true }.to_json()["drop"], true);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Binder {
    /// The number, unique in its jaxpr.
    pub id: usize,
    /// The type of the variable.
    pub aval: AvalData,
    /// Is this a result that nobody reads?
    pub drop: bool,
}

/// A constant of a jaxpr.
///
/// ```
/// use cotangent::jaxpr::json::ProgramData;
/// let program = ProgramData::parse(
///     r#"{"jaxpr": {"in": [], "eqns": [], "out": [{"var": 0}], "consts": [{"id": 0,
///         "array": {"dtype": "uint8", "shape": [2], "weak": false, "data": "BQY="}}]}}"#,
/// )?;
/// assert_eq!(program.jaxpr.consts[0].array.bytes, [5, 6]);
/// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ConstData {
    /// The number of its variable.
    pub id: usize,
    /// Its value.
    pub array: ArrayData,
}

/// One operation.
///
/// ```
/// use cotangent::jaxpr::json::{EqnData, ProgramData};
/// let program = ProgramData::parse(
///     r#"{"jaxpr": {"consts": [], "in": [{"id": 0, "aval": {"dtype": "float32", "shape": [], "weak": false}}],
///         "eqns": [{"prim": "sin", "params": {"accuracy": null}, "in": [{"var": 0}],
///                   "out": [{"id": 1, "aval": {"dtype": "float32", "shape": [], "weak": false}}]}],
///         "out": [{"var": 1}]}}"#,
/// )?;
/// let sin: &EqnData = &program.jaxpr.eqns[0];
/// assert_eq!((sin.prim.as_str(), sin.ins.len(), sin.outs[0].id), ("sin", 1, 1));
/// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EqnData {
    /// The name of the primitive.
    pub prim: String,
    /// Its parameters; [`EqnData::params`] reads them.
    pub params: BTreeMap<String, Param>,
    /// The operands.
    pub ins: Vec<Atom>,
    /// The results.
    pub outs: Vec<Binder>,
}

/// A list of operations with inputs, constants and outputs. Every variable is bound once, before it is used; nested
/// programs are closed and count from 0 again.
///
/// ```
/// use cotangent::jaxpr::json::{Atom, JaxprData, ProgramData};
/// let program = ProgramData::parse(
///     r#"{"jaxpr": {"consts": [], "in": [{"id": 0, "aval": {"dtype": "float32", "shape": [], "weak": false}}],
///         "eqns": [{"prim": "sin", "params": {"accuracy": null}, "in": [{"var": 0}],
///                   "out": [{"id": 1, "aval": {"dtype": "float32", "shape": [], "weak": false}}]}],
///         "out": [{"var": 1}]}}"#,
/// )?;
/// let jaxpr: JaxprData = program.jaxpr;
/// assert_eq!((jaxpr.ins[0].id, &jaxpr.outs[..]), (0, &[Atom::Var(1)][..]));
/// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct JaxprData {
    /// The inputs.
    pub ins: Vec<Binder>,
    /// Values that are part of the program.
    pub consts: Vec<ConstData>,
    /// The operations in order.
    pub eqns: Vec<EqnData>,
    /// The results.
    pub outs: Vec<Atom>,
}

/// The derivative rule of a custom function.
///
/// ```
/// use cotangent::jaxpr::json::RuleData;
/// let rule = RuleData::Missing { why: "not recorded".into() };
/// assert_eq!(rule.to_json().to_string(), r#"{"kind":"missing","why":"not recorded"}"#);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum RuleData {
    /// A forward rule.
    Jvp {
        /// For each primal input: has its tangent no place among the rule's inputs?
        in_zeros: Vec<bool>,
        /// For each result: has its tangent no place among the rule's outputs?
        out_zeros: Vec<bool>,
        /// Primals and the tangents that have a place, to results and the tangents that have one.
        jaxpr: JaxprData,
    },
    /// A reverse rule.
    Vjp {
        /// Primals to residuals followed by results.
        fwd: JaxprData,
        /// For each residual of `bwd`: the primal input that it is, or none for the next one that `fwd` returns.
        res_from_in: Vec<Option<usize>>,
        /// All residuals and the cotangents of the results, to the cotangents of the inputs `bwd_for`.
        bwd: JaxprData,
        /// The inputs to which `bwd` answers; the others get nothing.
        bwd_for: Vec<usize>,
    },
    /// A rule that could not be written down.
    Missing {
        /// The reason.
        why: String,
    },
}

/// A program: a jaxpr and the rules that its custom functions name by number.
///
/// ```
/// use cotangent::jaxpr::json::ProgramData;
/// let program = ProgramData::parse(
///     r#"{"jaxpr": {"consts": [], "in": [{"id": 0, "aval": {"dtype": "float32", "shape": [], "weak": false}}],
///         "eqns": [{"prim": "sin", "params": {"accuracy": null}, "in": [{"var": 0}],
///                   "out": [{"id": 1, "aval": {"dtype": "float32", "shape": [], "weak": false}}]}],
///         "out": [{"var": 1}]}}"#,
/// )?;
/// assert_eq!((program.jaxpr.eqns.len(), program.rules.len()), (1, 0));
/// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramData {
    /// What it computes.
    pub jaxpr: JaxprData,
    /// The derivative rules; they may refer to each other and to themselves.
    pub rules: Vec<RuleData>,
}

/// The value of a parameter.
///
/// ```
/// use cotangent::jaxpr::json::Param;
/// use serde_json::json;
/// let axes = Param::List(vec![Param::Int(0), Param::Int(2)]);
/// assert_eq!((axes.to_json(), Param::Float(f64::INFINITY).to_json()), (json!([0, 2]), json!({"float": "inf"})));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum Param {
    /// Unset.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number written without a fraction.
    Int(i128),
    /// A number written with a fraction, or one that is not finite.
    Float(f64),
    /// A complex number: real and imaginary part, each `Int` or `Float`.
    Complex(Box<[Param; 2]>),
    /// A text: also element types, enumerations and primitives by name.
    Str(String),
    /// A list or tuple.
    List(Vec<Param>),
    /// Named fields, such as dimension numbers.
    Object(BTreeMap<String, Param>),
    /// An array.
    Array(ArrayData),
    /// A type.
    Aval(AvalData),
    /// A nested program.
    Jaxpr(JaxprData),
}
