//! Programs in JSON: the form in which programs recorded from JAX are stored.
//!
//! The types here are plain data that mirror the file format one to one; nothing is interpreted. [`ProgramData::parse`] reads,
//! [`ProgramData::to_json`] writes, and a value that is read and written again is the same JSON. Everything that can be
//! wrong with a text short of the meaning of its operations is told by the [`JsonError`], which names the place.
//!
//! In short: an array is `{"dtype","shape","weak","data"}` with base64 of its row-major little-endian bytes; a jaxpr is
//! `{"in","consts","eqns","out"}`; an equation is `{"prim","params","in","out"}` with JAX's own names; a program is a jaxpr
//! and the derivative rules of its custom functions, which equations name by number.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde_json::{Map, Number, Value, json};

use super::base64;

/// What is wrong with a JSON text or with a parameter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// The place, such as `jaxpr.eqns[3].params.axes` or ``parameter `axes` of reduce_sum``; empty for the whole text.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

impl JsonError {
    /// An error at the value being looked at; those who hold it add their part of the path.
    pub fn new(what: impl Into<String>) -> JsonError {
        JsonError { place: String::new(), what: what.into() }
    }

    /// The same error, seen from the object of which the value is a field.
    pub fn in_field(mut self, name: &str) -> JsonError {
        let dot = if self.place.is_empty() || self.place.starts_with('[') { "" } else { "." };
        self.place = format!("{name}{dot}{}", self.place);
        self
    }

    /// The same error, seen from the list of which the value is an element.
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

type Result<T> = std::result::Result<T, JsonError>;

/// The type of a value: element type by name, shape, and whether the type is weak.
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

impl ArrayData {
    /// The tangent or cotangent of something that has none: no bytes, only a shape.
    pub fn float0(shape: &[usize]) -> ArrayData {
        ArrayData { dtype: "float0".into(), shape: shape.to_vec(), weak: false, bytes: Vec::new() }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Is there no element?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of this value.
    pub fn aval(&self) -> AvalData {
        AvalData { dtype: self.dtype.clone(), shape: self.shape.clone(), weak: self.weak }
    }

    /// Reads an array.
    pub fn from_json(value: &Value) -> Result<ArrayData> {
        let object = Fields::of(value)?;
        let aval = AvalData::from_json(value)?;
        let width = element_bytes(&aval.dtype)
            .ok_or_else(|| JsonError::new(format!("unknown element type `{}`", aval.dtype)).in_field("dtype"))?;
        let bytes = if width == 0 {
            Vec::new()
        } else {
            object.field("data", |v| base64::decode(string(v)?).map_err(JsonError::new))?
        };
        let expected = aval.shape.iter().try_fold(width, |n, &d| n.checked_mul(d));
        if expected != Some(bytes.len()) {
            let what = format!("{} bytes do not fill {}{:?}", bytes.len(), aval.dtype, aval.shape);
            return Err(JsonError::new(what).in_field("data"));
        }
        Ok(ArrayData { dtype: aval.dtype, shape: aval.shape, weak: aval.weak, bytes })
    }

    /// Writes an array.
    pub fn to_json(&self) -> Value {
        let mut out = json!({"dtype": self.dtype, "shape": self.shape, "weak": self.weak});
        if element_bytes(&self.dtype) != Some(0) {
            out["data"] = base64::encode(&self.bytes).into();
        }
        out
    }
}

impl AvalData {
    /// Reads a type. An array is accepted too, and gives its type.
    pub fn from_json(value: &Value) -> Result<AvalData> {
        let object = Fields::of(value)?;
        Ok(AvalData {
            dtype: object.field("dtype", |v| Ok(string(v)?.to_owned()))?,
            shape: object.field("shape", |v| list(v, size))?,
            weak: object.field("weak", boolean)?,
        })
    }

    /// Writes a type.
    pub fn to_json(&self) -> Value {
        json!({"dtype": self.dtype, "shape": self.shape, "weak": self.weak})
    }
}

/// Bytes that one element of a type takes in a file, by the type's name. It is 0 for `float0`, whose arrays have no data, and
/// `None` for a name that the format does not know.
pub fn element_bytes(dtype: &str) -> Option<usize> {
    Some(match dtype {
        "float0" => 0,
        "bool" | "int8" | "uint8" | "int4" | "uint4" | "int2" | "uint2" => 1,
        "int16" | "uint16" | "float16" | "bfloat16" => 2,
        "int32" | "uint32" | "float32" => 4,
        "int64" | "uint64" | "float64" | "complex64" | "key<fry>" => 8,
        "complex128" => 16,
        _ if dtype.starts_with("float8_") || dtype.starts_with("float4_") => 1,
        _ => return None,
    })
}

/// An operand: a variable by number, or a value written in place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::large_enum_variant)]
pub enum Atom {
    /// The variable with this number.
    Var(usize),
    /// A value.
    Lit(ArrayData),
}

/// The place where a variable gets its number and its type.
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
#[derive(Clone, Debug, PartialEq)]
pub struct ConstData {
    /// The number of its variable.
    pub id: usize,
    /// Its value.
    pub array: ArrayData,
}

/// One operation.
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
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramData {
    /// What it computes.
    pub jaxpr: JaxprData,
    /// The derivative rules; they may refer to each other and to themselves.
    pub rules: Vec<RuleData>,
}

/// The value of a parameter.
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

impl ProgramData {
    /// Reads a program from a JSON text: an object with the field `jaxpr` and, optionally, `rules`. Other fields are ignored, so that a
    /// record with inputs and results is a program too.
    pub fn parse(text: &str) -> Result<ProgramData> {
        let value = serde_json::from_str(text).map_err(|e| JsonError::new(format!("not JSON: {e}")))?;
        ProgramData::from_json(&value)
    }

    /// Reads a program; see [`ProgramData::parse`].
    pub fn from_json(value: &Value) -> Result<ProgramData> {
        let object = Fields::of(value)?;
        let jaxpr = object.field("jaxpr", JaxprData::from_json)?;
        let rules = object.optional("rules", |v| list(v, RuleData::from_json))?.unwrap_or_default();
        let program = ProgramData { jaxpr, rules };
        program.check_rules()?;
        Ok(program)
    }

    /// Writes a program. `rules` is left out where there are none.
    pub fn to_json(&self) -> Value {
        let mut out = json!({"jaxpr": self.jaxpr.to_json()});
        if !self.rules.is_empty() {
            out["rules"] = self.rules.iter().map(RuleData::to_json).collect();
        }
        out
    }

    /// All jaxprs that lie at the top of the program: itself and those of its rules.
    pub(super) fn roots(&self) -> impl Iterator<Item = &JaxprData> {
        let rules = self.rules.iter().flat_map(|rule| match rule {
            RuleData::Jvp { jaxpr, .. } => [Some(jaxpr), None],
            RuleData::Vjp { fwd, bwd, .. } => [Some(fwd), Some(bwd)],
            RuleData::Missing { .. } => [None, None],
        });
        std::iter::once(&self.jaxpr).chain(rules.flatten())
    }

    /// A rule that is named must be there, whatever program names it.
    fn check_rules(&self) -> Result<()> {
        let mut wrong = None;
        for root in self.roots() {
            root.visit(&mut |eqn| {
                if let Some(Param::Int(rule)) = eqn.params.get("rule")
                    && !usize::try_from(*rule).is_ok_and(|rule| rule < self.rules.len())
                {
                    wrong = Some(format!("{} names rule {rule} of {}", eqn.prim, self.rules.len()));
                }
            });
        }
        wrong.map_or(Ok(()), |what| Err(JsonError::new(what).in_field("rules")))
    }
}

impl JaxprData {
    /// Reads a jaxpr and checks that its variables are bound once and before they are used.
    pub fn from_json(value: &Value) -> Result<JaxprData> {
        let object = Fields::of(value)?;
        let mut bound = HashSet::new();
        let mut bind = |id: usize| {
            if bound.insert(id) { Ok(()) } else { Err(JsonError::new(format!("variable {id} is bound twice"))) }
        };
        let consts = object.field("consts", |v| {
            list(v, |v| {
                let object = Fields::of(v)?;
                let id = object.field("id", size)?;
                bind(id)?;
                Ok(ConstData { id, array: object.field("array", ArrayData::from_json)? })
            })
        })?;
        let mut binder = |v: &Value| {
            let binder = Binder::from_json(v)?;
            bind(binder.id)?;
            Ok(binder)
        };
        let ins = object.field("in", |v| list(v, &mut binder))?;
        let mut eqns: Vec<EqnData> = object.field("eqns", |v| list(v, |v| EqnData::from_json_with(v, &mut binder)))?;
        eqns.shrink_to_fit();
        let jaxpr = JaxprData { ins, consts, eqns, outs: object.field("out", |v| list(v, Atom::from_json))? };
        jaxpr.check_order()?;
        Ok(jaxpr)
    }

    /// Every variable must be bound before the equation that reads it.
    fn check_order(&self) -> Result<()> {
        let mut known: HashSet<usize> = self.ins.iter().map(|b| b.id).chain(self.consts.iter().map(|c| c.id)).collect();
        fn check(atoms: &[Atom], known: &HashSet<usize>) -> Result<()> {
            for (i, atom) in atoms.iter().enumerate() {
                match atom {
                    Atom::Var(id) if !known.contains(id) => {
                        return Err(JsonError::new(format!("variable {id} is read before it is bound")).in_element(i));
                    }
                    _ => {}
                }
            }
            Ok(())
        }
        for (i, eqn) in self.eqns.iter().enumerate() {
            check(&eqn.ins, &known).map_err(|e| e.in_field("in").in_element(i).in_field("eqns"))?;
            known.extend(eqn.outs.iter().map(|b| b.id));
        }
        check(&self.outs, &known).map_err(|e| e.in_field("out"))
    }

    /// Writes a jaxpr.
    pub fn to_json(&self) -> Value {
        json!({
            "in": self.ins.iter().map(Binder::to_json).collect::<Value>(),
            "consts": self.consts.iter().map(|c| json!({"id": c.id, "array": c.array.to_json()})).collect::<Value>(),
            "eqns": self.eqns.iter().map(EqnData::to_json).collect::<Value>(),
            "out": self.outs.iter().map(Atom::to_json).collect::<Value>(),
        })
    }

    /// Shows every equation, those of nested programs included, in order; an equation comes before what it holds.
    pub fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a EqnData)) {
        for eqn in &self.eqns {
            see(eqn);
            for nested in eqn.nested() {
                nested.visit(see);
            }
        }
    }
}

impl EqnData {
    /// The programs that lie directly in the parameters.
    pub fn nested(&self) -> Vec<&JaxprData> {
        fn walk<'a>(param: &'a Param, out: &mut Vec<&'a JaxprData>) {
            match param {
                Param::Jaxpr(jaxpr) => out.push(jaxpr),
                Param::List(list) => list.iter().for_each(|p| walk(p, out)),
                Param::Object(object) => object.values().for_each(|p| walk(p, out)),
                _ => {}
            }
        }
        let mut out = Vec::new();
        self.params.values().for_each(|p| walk(p, &mut out));
        out
    }

    fn from_json_with(value: &Value, binder: &mut dyn FnMut(&Value) -> Result<Binder>) -> Result<EqnData> {
        let object = Fields::of(value)?;
        Ok(EqnData {
            prim: object.field("prim", |v| Ok(string(v)?.to_owned()))?,
            params: object.field("params", params)?,
            ins: object.field("in", |v| list(v, Atom::from_json))?,
            outs: object.field("out", |v| list(v, binder))?,
        })
    }

    /// Writes an equation.
    pub fn to_json(&self) -> Value {
        json!({
            "prim": self.prim,
            "params": params_to_json(&self.params),
            "in": self.ins.iter().map(Atom::to_json).collect::<Value>(),
            "out": self.outs.iter().map(Binder::to_json).collect::<Value>(),
        })
    }
}

impl Binder {
    /// Reads the place that binds a variable.
    pub fn from_json(value: &Value) -> Result<Binder> {
        let object = Fields::of(value)?;
        Ok(Binder {
            id: object.field("id", size)?,
            aval: object.field("aval", AvalData::from_json)?,
            drop: object.optional("drop", boolean)?.unwrap_or(false),
        })
    }

    /// Writes the place that binds a variable.
    pub fn to_json(&self) -> Value {
        let mut out = json!({"id": self.id, "aval": self.aval.to_json()});
        if self.drop {
            out["drop"] = true.into();
        }
        out
    }
}

impl Atom {
    /// Reads an operand.
    pub fn from_json(value: &Value) -> Result<Atom> {
        let object = Fields::of(value)?;
        match object.optional("var", size)? {
            Some(id) => Ok(Atom::Var(id)),
            None => Ok(Atom::Lit(object.field("lit", ArrayData::from_json)?)),
        }
    }

    /// Writes an operand.
    pub fn to_json(&self) -> Value {
        match self {
            Atom::Var(id) => json!({"var": id}),
            Atom::Lit(array) => json!({"lit": array.to_json()}),
        }
    }
}

impl RuleData {
    /// Reads the derivative rule of a custom function.
    pub fn from_json(value: &Value) -> Result<RuleData> {
        let object = Fields::of(value)?;
        match object.field("kind", string)? {
            "jvp" => Ok(RuleData::Jvp {
                in_zeros: object.field("in_zeros", |v| list(v, boolean))?,
                out_zeros: object.field("out_zeros", |v| list(v, boolean))?,
                jaxpr: object.field("jaxpr", JaxprData::from_json)?,
            }),
            "vjp" => Ok(RuleData::Vjp {
                fwd: object.field("fwd", JaxprData::from_json)?,
                res_from_in: object
                    .field("res_from_in", |v| list(v, |v| if v.is_null() { Ok(None) } else { size(v).map(Some) }))?,
                bwd: object.field("bwd", JaxprData::from_json)?,
                bwd_for: object.field("bwd_for", |v| list(v, size))?,
            }),
            "missing" => Ok(RuleData::Missing { why: object.field("why", |v| Ok(string(v)?.to_owned()))? }),
            other => Err(JsonError::new(format!("unknown kind of rule `{other}`")).in_field("kind")),
        }
    }

    /// Writes the derivative rule of a custom function.
    pub fn to_json(&self) -> Value {
        match self {
            RuleData::Jvp { in_zeros, out_zeros, jaxpr } => {
                json!({"kind": "jvp", "in_zeros": in_zeros, "out_zeros": out_zeros, "jaxpr": jaxpr.to_json()})
            }
            RuleData::Vjp { fwd, res_from_in, bwd, bwd_for } => json!({
                "kind": "vjp", "fwd": fwd.to_json(), "res_from_in": res_from_in,
                "bwd": bwd.to_json(), "bwd_for": bwd_for,
            }),
            RuleData::Missing { why } => json!({"kind": "missing", "why": why}),
        }
    }
}

impl Param {
    /// Reads the value of a parameter. An object whose only field is `float`, `complex`, `array`, `aval` or `jaxpr` is that kind of value;
    /// any other has named fields.
    pub fn from_json(value: &Value) -> Result<Param> {
        Ok(match value {
            Value::Null => Param::Null,
            Value::Bool(b) => Param::Bool(*b),
            Value::Number(n) => match n.as_i128() {
                Some(i) => Param::Int(i),
                None => Param::Float(n.as_f64().ok_or_else(|| JsonError::new(format!("{n} is out of range")))?),
            },
            Value::String(s) => Param::Str(s.clone()),
            Value::Array(_) => Param::List(list(value, Param::from_json)?),
            Value::Object(map) => {
                let only = if map.len() == 1 { map.keys().next().map(String::as_str) } else { None };
                let object = Fields { map };
                match only {
                    Some("float") => Param::Float(object.field("float", special_float)?),
                    Some("complex") => object.field("complex", complex)?,
                    Some("array") => Param::Array(object.field("array", ArrayData::from_json)?),
                    Some("aval") => Param::Aval(object.field("aval", AvalData::from_json)?),
                    Some("jaxpr") => Param::Jaxpr(object.field("jaxpr", JaxprData::from_json)?),
                    _ => Param::Object(params(value)?),
                }
            }
        })
    }

    /// Writes the value of a parameter.
    ///
    /// # Panics
    /// If an integer fits neither 64-bit type, which no parameter that was read does.
    pub fn to_json(&self) -> Value {
        match self {
            Param::Null => Value::Null,
            Param::Bool(b) => (*b).into(),
            Param::Int(i) => Value::Number(Number::from_i128(*i).expect("parameters have at most 64 bits")),
            Param::Float(x) => match Number::from_f64(*x) {
                Some(n) => Value::Number(n),
                None if x.is_nan() => json!({"float": "nan"}),
                None if *x > 0.0 => json!({"float": "inf"}),
                None => json!({"float": "-inf"}),
            },
            Param::Complex(parts) => json!({"complex": [parts[0].to_json(), parts[1].to_json()]}),
            Param::Str(s) => s.clone().into(),
            Param::List(list) => list.iter().map(Param::to_json).collect(),
            Param::Object(fields) => params_to_json(fields),
            Param::Array(array) => json!({"array": array.to_json()}),
            Param::Aval(aval) => json!({"aval": aval.to_json()}),
            Param::Jaxpr(jaxpr) => json!({"jaxpr": jaxpr.to_json()}),
        }
    }
}

fn params(value: &Value) -> Result<BTreeMap<String, Param>> {
    let fields = Fields::of(value)?;
    let read = |(name, v): (&String, &Value)| {
        Ok((name.clone(), Param::from_json(v).map_err(|e: JsonError| e.in_field(name))?))
    };
    fields.map.iter().map(read).collect()
}

fn params_to_json(params: &BTreeMap<String, Param>) -> Value {
    Value::Object(params.iter().map(|(name, p)| (name.clone(), p.to_json())).collect())
}

fn special_float(value: &Value) -> Result<f64> {
    match string(value)? {
        "nan" => Ok(f64::NAN),
        "inf" => Ok(f64::INFINITY),
        "-inf" => Ok(f64::NEG_INFINITY),
        other => Err(JsonError::new(format!("`{other}` is none of `nan`, `inf`, `-inf`"))),
    }
}

fn complex(value: &Value) -> Result<Param> {
    let parts = list(value, Param::from_json)?;
    let number = |p: &Param| matches!(p, Param::Int(_) | Param::Float(_));
    match <[Param; 2]>::try_from(parts) {
        Ok(parts) if parts.iter().all(number) => Ok(Param::Complex(Box::new(parts))),
        _ => Err(JsonError::new("expected a real and an imaginary part")),
    }
}

/// The fields of a JSON object.
struct Fields<'a> {
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    fn of(value: &'a Value) -> Result<Fields<'a>> {
        value.as_object().map(|map| Fields { map }).ok_or_else(|| expected("an object", value))
    }

    /// A field that must be there, as `read` makes it.
    fn field<T>(&self, name: &str, read: impl FnOnce(&'a Value) -> Result<T>) -> Result<T> {
        self.optional(name, read)?.ok_or_else(|| JsonError::new(format!("the field `{name}` is missing")))
    }

    /// A field that may be missing, as `read` makes it.
    fn optional<T>(&self, name: &str, read: impl FnOnce(&'a Value) -> Result<T>) -> Result<Option<T>> {
        self.map.get(name).map(|v| read(v).map_err(|e| e.in_field(name))).transpose()
    }
}

fn expected(what: &str, found: &Value) -> JsonError {
    let text = found.to_string();
    let shown: String = text.chars().take(60).collect();
    let dots = if shown.len() < text.len() { "..." } else { "" };
    JsonError::new(format!("expected {what}, found {shown}{dots}"))
}

fn list<'a, T>(value: &'a Value, mut read: impl FnMut(&'a Value) -> Result<T>) -> Result<Vec<T>> {
    let items = value.as_array().ok_or_else(|| expected("a list", value))?;
    items.iter().enumerate().map(|(i, v)| read(v).map_err(|e| e.in_element(i))).collect()
}

fn string(value: &Value) -> Result<&str> {
    value.as_str().ok_or_else(|| expected("a string", value))
}

fn boolean(value: &Value) -> Result<bool> {
    value.as_bool().ok_or_else(|| expected("true or false", value))
}

fn size(value: &Value) -> Result<usize> {
    value.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| expected("a number that is not negative", value))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{ lambda ; a:f32[2]. let b = mul a 2.0:f32[]; c = cond[..] ..; in (b) }` with a constant and one of each kind of atom.
    fn example() -> Value {
        let f32_2 = json!({"dtype": "float32", "shape": [2], "weak": false});
        let scalar = json!({"dtype": "float32", "shape": [], "weak": true, "data": "AAAAQA=="});
        let inner = json!({
            "in": [{"id": 0, "aval": f32_2}], "consts": [], "eqns": [], "out": [{"var": 0}],
        });
        json!({
            "jaxpr": {
                "in": [{"id": 1, "aval": f32_2}],
                "consts": [{"id": 0, "array": {"dtype": "int32", "shape": [2], "weak": false, "data": "AQAAAAIAAAA="}}],
                "eqns": [
                    {"prim": "mul", "params": {"out_dtype": null}, "in": [{"var": 1}, {"lit": scalar}],
                     "out": [{"id": 2, "aval": f32_2}]},
                    {"prim": "custom_jvp_call", "params": {"call_jaxpr": {"jaxpr": inner}, "rule": 0, "num_consts": 0},
                     "in": [{"var": 2}], "out": [{"id": 3, "aval": f32_2, "drop": true}]},
                    {"prim": "p", "params": {
                        "fill": {"float": "-inf"}, "one": 1, "float": 1.0, "big": 18446744073709551615u64, "least": i64::MIN,
                        "c": {"complex": [1, {"float": "nan"}]}, "a": {"array": scalar}, "t": {"aval": f32_2},
                        "names": {"lhs_spec": [0, 1], "float": 2}},
                     "in": [], "out": []},
                ],
                "out": [{"var": 2}, {"var": 0}, {"lit": {"dtype": "float0", "shape": [3], "weak": false}}],
            },
            "rules": [
                {"kind": "jvp", "in_zeros": [false], "out_zeros": [true], "jaxpr": inner},
                {"kind": "vjp", "fwd": inner, "res_from_in": [null, 0], "bwd": inner, "bwd_for": [0]},
                {"kind": "missing", "why": "TypeError"},
            ],
        })
    }

    #[test]
    fn what_is_read_is_written() {
        let value = example();
        let program = ProgramData::from_json(&value).unwrap();
        assert_eq!(program.to_json(), value);
        assert_eq!(ProgramData::parse(&value.to_string()).unwrap().to_json(), value);
        let mut prims = vec![];
        program.jaxpr.visit(&mut |e| prims.push(e.prim.as_str()));
        assert_eq!(prims, ["mul", "custom_jvp_call", "p"]);
    }

    #[test]
    fn errors_name_the_place() {
        let check = |pointer: &str, new: Value, message: &str| {
            let mut value = example();
            *value.pointer_mut(pointer).expect(pointer) = new;
            assert_eq!(ProgramData::from_json(&value).unwrap_err().to_string(), message);
        };
        check("/jaxpr/out/0", json!({"var": 9}), "jaxpr.out[0]: variable 9 is read before it is bound");
        check("/jaxpr/eqns/0/in/0", json!({"var": 2}), "jaxpr.eqns[0].in[0]: variable 2 is read before it is bound");
        check("/jaxpr/eqns/0/out/0/id", json!(1), "jaxpr.eqns[0].out[0]: variable 1 is bound twice");
        check("/jaxpr/eqns/0/prim", json!(null), "jaxpr.eqns[0].prim: expected a string, found null");
        check("/jaxpr/eqns/0/in/1", json!({}), "jaxpr.eqns[0].in[1]: the field `lit` is missing");
        check(
            "/jaxpr/eqns/1/params/call_jaxpr/jaxpr/in/0/aval/shape/0",
            json!(-1),
            "jaxpr.eqns[1].params.call_jaxpr.jaxpr.in[0].aval.shape[0]: expected a number that is not negative, found -1",
        );
        check(
            "/jaxpr/consts/0/array/dtype",
            json!("int23"),
            "jaxpr.consts[0].array.dtype: unknown element type `int23`",
        );
        check("/jaxpr/consts/0/array/shape/0", json!(3), "jaxpr.consts[0].array.data: 8 bytes do not fill int32[3]");
        check(
            "/jaxpr/consts/0/array/shape/0",
            json!(u64::MAX),
            &format!("jaxpr.consts[0].array.data: 8 bytes do not fill int32[{}]", u64::MAX),
        );
        check("/rules/0/kind", json!("fwd"), "rules[0].kind: unknown kind of rule `fwd`");
        check("/jaxpr/eqns/1/params/rule", json!(3), "rules: custom_jvp_call names rule 3 of 3");
        check(
            "/jaxpr/eqns/2/params/fill",
            json!({"float": "x"}),
            "jaxpr.eqns[2].params.fill.float: `x` is none of `nan`, `inf`, `-inf`",
        );
        assert!(ProgramData::parse("{").unwrap_err().to_string().starts_with("not JSON: "));
        assert_eq!(ProgramData::parse("[]").unwrap_err().to_string(), "expected an object, found []");
    }
}
