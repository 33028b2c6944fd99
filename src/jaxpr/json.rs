//! Programs in JSON: the form in which programs recorded from JAX are stored.
//!
//! The types here are plain data that mirror the file format one to one; nothing is interpreted. [`ProgramData::parse`] reads,
//! [`ProgramData::to_json`] writes, and a value that is read and written again is the same JSON. Everything that can be
//! wrong with a text short of the meaning of its operations is told by the [`JsonError`], which names the place.
//!
//! In short: an array is `{"dtype","shape","weak","data"}` with base64 of its row-major little-endian bytes; a jaxpr is
//! `{"in","consts","eqns","out"}`; an equation is `{"prim","params","in","out"}` with JAX's own names; a program is a jaxpr
//! and the derivative rules of its custom functions, which equations name by number.

mod data;

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Number, Value, json};

use super::base64;
pub use data::*;

type Result<T> = std::result::Result<T, JsonError>;

impl ArrayData {
    /// The tangent or cotangent of something that has none: no bytes, only a shape.
    ///
    /// ```
    /// use cotangent::jaxpr::json::ArrayData;
    /// let none = ArrayData::float0(&[2, 3]);
    /// assert_eq!((none.len(), none.bytes.len()), (6, 0));
    /// ```
    pub fn float0(shape: &[usize]) -> ArrayData {
        ArrayData { dtype: "float0".into(), shape: shape.to_vec(), weak: false, bytes: Vec::new() }
    }

    /// Number of elements.
    ///
    /// ```
    /// use cotangent::{jaxpr::json::ArrayData, prelude::*};
    /// assert_eq!(ArrayData::from(&array![[1., 2.], [3., 4.]]).len(), 4);
    /// ```
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Is there no element?
    ///
    /// ```
    /// use cotangent::jaxpr::json::ArrayData;
    /// assert!(ArrayData::float0(&[2, 0]).is_empty() && !ArrayData::float0(&[]).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of this value.
    ///
    /// ```
    /// use cotangent::{jaxpr::json::ArrayData, prelude::*};
    /// let a = ArrayData::from(&array![1, 2, 3]).aval();
    /// assert_eq!((a.dtype.as_str(), a.shape, a.weak), ("int32", vec![3], false));
    /// ```
    pub fn aval(&self) -> AvalData {
        AvalData { dtype: self.dtype.clone(), shape: self.shape.clone(), weak: self.weak }
    }

    /// Reads an array.
    ///
    /// ```
    /// use cotangent::jaxpr::json::ArrayData;
    /// use serde_json::json;
    /// let x = ArrayData::from_json(&json!({"dtype": "int32", "shape": [], "weak": false, "data": "BwAAAA=="}))?;
    /// assert_eq!(x.bytes, [7, 0, 0, 0]);
    /// assert!(ArrayData::from_json(&json!({"dtype": "int32", "shape": [2], "weak": false, "data": "BwAAAA=="})).is_err());
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
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
    ///
    /// ```
    /// use cotangent::{jaxpr::json::ArrayData, prelude::*};
    /// assert_eq!(ArrayData::from(&array(7)).to_json()["data"], "BwAAAA==");
    /// ```
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
    ///
    /// ```
    /// use cotangent::jaxpr::json::AvalData;
    /// use serde_json::json;
    /// let a = AvalData::from_json(&json!({"dtype": "bool", "shape": [4], "weak": false}))?;
    /// assert_eq!((a.dtype.as_str(), a.shape), ("bool", vec![4]));
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
    pub fn from_json(value: &Value) -> Result<AvalData> {
        let object = Fields::of(value)?;
        Ok(AvalData {
            dtype: object.field("dtype", |v| Ok(string(v)?.to_owned()))?,
            shape: object.field("shape", |v| list(v, size))?,
            weak: object.field("weak", boolean)?,
        })
    }

    /// Writes a type.
    ///
    /// ```
    /// use cotangent::jaxpr::json::AvalData;
    /// let a = AvalData { dtype: "float64".into(), shape: vec![], weak: true };
    /// assert_eq!(a.to_json()["weak"], true);
    /// ```
    pub fn to_json(&self) -> Value {
        json!({"dtype": self.dtype, "shape": self.shape, "weak": self.weak})
    }
}

/// Bytes that one element of a type takes in a file, by the type's name. It is 0 for `float0`, whose arrays have no data, and
/// `None` for a name that the format does not know.
///
/// ```
/// use cotangent::jaxpr::json::element_bytes;
/// assert_eq!(["bfloat16", "complex128", "float0", "float33"].map(element_bytes), [Some(2), Some(16), Some(0), None]);
/// ```
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

impl ProgramData {
    /// Reads a program from a JSON text: an object with the field `jaxpr` and, optionally, `rules`. Other fields are ignored, so that a
    /// record with inputs and results is a program too.
    ///
    /// ```
    /// use cotangent::jaxpr::json::ProgramData;
    /// let text = r#"{"jaxpr":{"consts":[],"eqns":[],"in":[],"out":[]}}"#;
    /// assert_eq!(ProgramData::parse(text)?.to_json().to_string(), text);
    /// assert!(ProgramData::parse(&text[1..]).unwrap_err().to_string().starts_with("not JSON"));
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
    pub fn parse(text: &str) -> Result<ProgramData> {
        let value = serde_json::from_str(text).map_err(|e| JsonError::new(format!("not JSON: {e}")))?;
        ProgramData::from_json(&value)
    }

    /// Reads a program; see [`ProgramData::parse`].
    ///
    /// ```
    /// use cotangent::jaxpr::json::ProgramData;
    /// use serde_json::json;
    /// let nothing = json!({"consts": [], "eqns": [], "in": [], "out": []});
    /// assert!(ProgramData::from_json(&json!({"jaxpr": nothing, "name": "other fields are ignored"})).is_ok());
    /// let e = ProgramData::from_json(&json!({})).unwrap_err();
    /// assert_eq!(e.to_string(), "the field `jaxpr` is missing");
    /// ```
    pub fn from_json(value: &Value) -> Result<ProgramData> {
        let object = Fields::of(value)?;
        let jaxpr = object.field("jaxpr", JaxprData::from_json)?;
        let rules = object.optional("rules", |v| list(v, RuleData::from_json))?.unwrap_or_default();
        let program = ProgramData { jaxpr, rules };
        program.check_rules()?;
        Ok(program)
    }

    /// Writes a program. `rules` is left out where there are none.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{JaxprData, ProgramData, RuleData};
    /// let jaxpr = JaxprData { ins: vec![], consts: vec![], eqns: vec![], outs: vec![] };
    /// let rules = vec![RuleData::Missing { why: "lost".into() }];
    /// assert_eq!(ProgramData { jaxpr, rules }.to_json()["rules"][0]["why"], "lost");
    /// ```
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
    ///
    /// ```
    /// use cotangent::jaxpr::json::JaxprData;
    /// use serde_json::json;
    /// let jaxpr = |id: usize| JaxprData::from_json(&json!({
    ///     "consts": [], "eqns": [], "out": [{"var": id}],
    ///     "in": [{"id": 0, "aval": {"dtype": "bool", "shape": [], "weak": false}}]
    /// }));
    /// assert_eq!(jaxpr(0)?.ins.len(), 1);
    /// assert_eq!(jaxpr(1).unwrap_err().to_string(), "out[0]: variable 1 is read before it is bound");
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
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
    ///
    /// ```
    /// use cotangent::jaxpr::json::{Atom, JaxprData};
    /// let jaxpr = JaxprData { ins: vec![], consts: vec![], eqns: vec![], outs: vec![Atom::Var(5)] };
    /// assert_eq!(jaxpr.to_json()["out"][0]["var"], 5);
    /// ```
    pub fn to_json(&self) -> Value {
        json!({
            "in": self.ins.iter().map(Binder::to_json).collect::<Value>(),
            "consts": self.consts.iter().map(|c| json!({"id": c.id, "array": c.array.to_json()})).collect::<Value>(),
            "eqns": self.eqns.iter().map(EqnData::to_json).collect::<Value>(),
            "out": self.outs.iter().map(Atom::to_json).collect::<Value>(),
        })
    }

    /// Shows every equation, those of nested programs included, in order; an equation comes before what it holds.
    ///
    /// ```
    /// use cotangent::jaxpr::json::ProgramData;
    /// let program = ProgramData::parse(
    ///     r#"{"jaxpr": {"consts": [], "in": [{"id": 0, "aval": {"dtype": "float32", "shape": [], "weak": false}}],
    ///         "eqns": [{"prim": "sin", "params": {"accuracy": null}, "in": [{"var": 0}],
    ///                   "out": [{"id": 1, "aval": {"dtype": "float32", "shape": [], "weak": false}}]}],
    ///         "out": [{"var": 1}]}}"#,
    /// )?;
    /// let mut names = vec![];
    /// program.jaxpr.visit(&mut |eqn| names.push(&eqn.prim));
    /// assert_eq!(names, ["sin"]);
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
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
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, JaxprData, Param};
    /// let body = JaxprData { ins: vec![], consts: vec![], eqns: vec![], outs: vec![] };
    /// let params = [("body".into(), Param::Jaxpr(body)), ("unroll".into(), Param::Int(1))].into();
    /// assert_eq!(EqnData { prim: "loop".into(), params, ins: vec![], outs: vec![] }.nested().len(), 1);
    /// ```
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
    ///
    /// ```
    /// use cotangent::jaxpr::json::{Atom, EqnData};
    /// let eqn = EqnData { prim: "neg".into(), params: Default::default(), ins: vec![Atom::Var(0)], outs: vec![] };
    /// assert_eq!(eqn.to_json().to_string(), r#"{"in":[{"var":0}],"out":[],"params":{},"prim":"neg"}"#);
    /// ```
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
    ///
    /// ```
    /// use cotangent::jaxpr::json::Binder;
    /// use serde_json::json;
    /// let b = Binder::from_json(&json!({"id": 2, "aval": {"dtype": "int8", "shape": [], "weak": false}}))?;
    /// assert_eq!((b.id, b.aval.dtype.as_str(), b.drop), (2, "int8", false));
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
    pub fn from_json(value: &Value) -> Result<Binder> {
        let object = Fields::of(value)?;
        Ok(Binder {
            id: object.field("id", size)?,
            aval: object.field("aval", AvalData::from_json)?,
            drop: object.optional("drop", boolean)?.unwrap_or(false),
        })
    }

    /// Writes the place that binds a variable.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{AvalData, Binder};
    /// let aval = AvalData { dtype: "bool".into(), shape: vec![7], weak: false };
    /// assert_eq!(Binder { id: 1, aval, drop: false }.to_json()["aval"]["shape"][0], 7);
    /// ```
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
    ///
    /// ```
    /// use cotangent::jaxpr::json::Atom;
    /// assert_eq!(Atom::from_json(&serde_json::json!({"var": 9}))?, Atom::Var(9));
    /// assert!(Atom::from_json(&serde_json::json!({})).is_err());
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
    pub fn from_json(value: &Value) -> Result<Atom> {
        let object = Fields::of(value)?;
        match object.optional("var", size)? {
            Some(id) => Ok(Atom::Var(id)),
            None => Ok(Atom::Lit(object.field("lit", ArrayData::from_json)?)),
        }
    }

    /// Writes an operand.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{ArrayData, Atom};
    /// assert_eq!(Atom::Lit(ArrayData::float0(&[2])).to_json()["lit"]["dtype"], "float0");
    /// ```
    pub fn to_json(&self) -> Value {
        match self {
            Atom::Var(id) => json!({"var": id}),
            Atom::Lit(array) => json!({"lit": array.to_json()}),
        }
    }
}

impl RuleData {
    /// Reads the derivative rule of a custom function.
    ///
    /// ```
    /// use cotangent::jaxpr::json::RuleData;
    /// use serde_json::json;
    /// let rule = RuleData::from_json(&json!({"kind": "missing", "why": "host code"}))?;
    /// assert_eq!(rule, RuleData::Missing { why: "host code".into() });
    /// assert_eq!(RuleData::from_json(&json!({"kind": "odd"})).unwrap_err().to_string(), "kind: unknown kind of rule `odd`");
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
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
    ///
    /// ```
    /// use cotangent::jaxpr::json::{JaxprData, RuleData};
    /// let jaxpr = JaxprData { ins: vec![], consts: vec![], eqns: vec![], outs: vec![] };
    /// let rule = RuleData::Jvp { in_zeros: vec![true], out_zeros: vec![], jaxpr };
    /// assert_eq!(rule.to_json()["in_zeros"][0], true);
    /// ```
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
    ///
    /// ```
    /// use cotangent::jaxpr::json::Param;
    /// use serde_json::json;
    /// assert_eq!(Param::from_json(&json!([1, "x"]))?, Param::List(vec![Param::Int(1), Param::Str("x".into())]));
    /// assert_eq!(Param::from_json(&json!({"float": "-inf"}))?, Param::Float(f64::NEG_INFINITY));
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
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
    /// ```
    /// use cotangent::jaxpr::json::Param;
    /// let z = Param::Complex(Box::new([Param::Int(1), Param::Float(0.5)]));
    /// assert_eq!(z.to_json().to_string(), r#"{"complex":[1,0.5]}"#);
    /// ```
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
