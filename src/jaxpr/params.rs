//! Reading the parameters of a recorded equation, with errors that name the primitive and the parameter.
//!
//! [`EqnData::params`] gives a [`Params`]; its methods are named after what they expect. A method with `opt_` answers `None` where the
//! parameter is null or absent. A parameter that only hints (an accuracy, a sharding, an unrolling) may be left unread; a reader that has to know all of
//! them asks [`Params::only`].

use std::collections::BTreeMap;

use super::json::{ArrayData, AvalData, EqnData, JaxprData, JsonError, Param};

type Result<T> = std::result::Result<T, JsonError>;

impl EqnData {
    /// The parameters, for reading.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, Param};
    /// let params = [("axis", Param::Int(2))].map(|(n, p)| (n.to_string(), p)).into();
    /// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
    /// assert_eq!(eqn.params().usize("axis"), Ok(2));
    /// ```
    pub fn params(&self) -> Params<'_> {
        Params { prim: &self.prim, inside: None, map: &self.params }
    }
}

/// The parameters of one equation, or the fields of one of them.
///
/// ```
/// use cotangent::jaxpr::json::{EqnData, Param};
/// let params = [("axis", Param::Int(2)), ("name", Param::Null)].map(|(n, p)| (n.to_string(), p)).into();
/// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
/// let p = eqn.params();
/// assert_eq!((p.i64("axis"), p.opt_str("name"), p.opt_str("axes")), (Ok(2), Ok(None), Ok(None)));
/// assert_eq!(p.bool("axis").unwrap_err().to_string(), "parameter `axis` of pad: expected true or false, found 2");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Params<'a> {
    prim: &'a str,
    inside: Option<&'a str>,
    map: &'a BTreeMap<String, Param>,
}

/// A parameter that is a number or an array, such as the fill value of a gather.
///
/// ```
/// use cotangent::jaxpr::json::{EqnData, Param};
/// use cotangent::jaxpr::params::Scalar;
/// let params = [("fill", Param::Float(0.5)), ("mode", Param::Int(1))].map(|(n, p)| (n.to_string(), p)).into();
/// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
/// assert_eq!(eqn.params().scalar("fill"), Ok(Scalar::Float(0.5)));
/// assert_eq!(eqn.params().scalar("mode"), Ok(Scalar::Int(1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i128),
    /// A real number.
    Float(f64),
    /// Real and imaginary part.
    Complex(f64, f64),
    /// A typed value.
    Array(&'a ArrayData),
}

/// How the examples of readers begin: an equation with this parameter, of which something is read.
macro_rules! example {
    ($of:literal) => {
        concat!(
            "```\nuse cotangent::jaxpr::json::*;\nlet params = [(\"p\".to_string(), ",
            $of,
            ")].into();\n",
            "let eqn = EqnData { prim: \"f\".into(), params, ins: vec![], outs: vec![] };\nassert_eq!(eqn.params()"
        )
    };
}
/// Declares the methods for one kind of value: one that must be there, and one that may be null or absent. At the end a parameter
/// and what is read of it, for the documentation.
macro_rules! readers {
    ($($doc:literal $name:ident $opt:ident -> $t:ty = $read:expr, $of:literal => $gives:literal;)*) => {$(
        #[doc = concat!("The parameter `name`: ", $doc, ".\n\n", example!($of), ".", stringify!($name), "(\"p\"), Ok(", $gives, "));\nassert!(eqn.params().", stringify!($name), "(\"q\").is_err());\n```")]
        pub fn $name(self, name: &str) -> Result<$t> {
            self.read(name, self.get(name)?, $doc, $read)
        }

        #[doc = concat!("The parameter `name`: ", $doc, ", or nothing.\n\n", example!($of), ".", stringify!($opt), "(\"p\"), Ok(Some(", $gives, ")));\nassert_eq!(eqn.params().", stringify!($opt), "(\"q\"), Ok(None));\n```")]
        pub fn $opt(self, name: &str) -> Result<Option<$t>> {
            self.opt(name).map(|p| self.read(name, p, $doc, $read)).transpose()
        }
    )*};
}

impl<'a> Params<'a> {
    /// The name of the primitive.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, Param};
    /// let params = [("axis", Param::Int(2))].map(|(n, p)| (n.to_string(), p)).into();
    /// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
    /// assert_eq!(eqn.params().prim(), "pad");
    /// ```
    pub fn prim(self) -> &'a str {
        self.prim
    }

    /// An error about a parameter, for readers that check more than its form.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, Param};
    /// let params = [("axis", Param::Int(9))].map(|(n, p)| (n.to_string(), p)).into();
    /// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
    /// assert_eq!(eqn.params().error("axis", "too large").to_string(), "parameter `axis` of pad: too large");
    /// ```
    pub fn error(self, name: &str, what: impl Into<String>) -> JsonError {
        let field = self.inside.map_or(String::new(), |field| format!("{field}."));
        JsonError { place: format!("parameter `{field}{name}` of {}", self.prim), what: what.into() }
    }

    /// A parameter that must be there, null included.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, Param};
    /// let params = [("name", Param::Null)].map(|(n, p)| (n.to_string(), p)).into();
    /// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
    /// assert_eq!(eqn.params().get("name"), Ok(&Param::Null));
    /// assert_eq!(eqn.params().get("axis").unwrap_err().what, "missing");
    /// ```
    pub fn get(self, name: &str) -> Result<&'a Param> {
        self.map.get(name).ok_or_else(|| self.error(name, "missing"))
    }

    /// A parameter unless it is null or absent.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, Param};
    /// let params = [("axis", Param::Int(2)), ("name", Param::Null)].map(|(n, p)| (n.to_string(), p)).into();
    /// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
    /// assert_eq!((eqn.params().opt("axis"), eqn.params().opt("name")), (Some(&Param::Int(2)), None));
    /// ```
    pub fn opt(self, name: &str) -> Option<&'a Param> {
        self.map.get(name).filter(|p| **p != Param::Null)
    }

    /// An error if there is a parameter that is not among `known` and not null.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, Param};
    /// let params = [("axis", Param::Int(2)), ("name", Param::Null)].map(|(n, p)| (n.to_string(), p)).into();
    /// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
    /// assert!(eqn.params().only(&["axis"]).is_ok()); // what is null does not count
    /// assert_eq!(eqn.params().only(&["axes"]).unwrap_err().place, "parameter `axis` of pad");
    /// ```
    pub fn only(self, known: &[&str]) -> Result<()> {
        match self.map.iter().find(|(name, p)| **p != Param::Null && !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(self.error(name, "not known to this reader")),
        }
    }

    /// An error if a parameter is set to anything but null.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, Param};
    /// let params = [("axis", Param::Int(2)), ("name", Param::Null)].map(|(n, p)| (n.to_string(), p)).into();
    /// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
    /// assert!(eqn.params().unset("name").is_ok());
    /// assert_eq!(eqn.params().unset("axis").unwrap_err().what, "2 is not supported");
    /// ```
    pub fn unset(self, name: &str) -> Result<()> {
        match self.opt(name) {
            None => Ok(()),
            Some(p) => Err(self.error(name, format!("{} is not supported", describe(p)))),
        }
    }

    readers! {
        "true or false" bool opt_bool -> bool = |p| match p { Param::Bool(b) => Some(*b), _ => None },
            "Param::Bool(true)" => "true";
        "a number that is not negative" usize opt_usize -> usize = int,
            "Param::Int(3)" => "3";
        "an integer" i64 opt_i64 -> i64 = int,
            "Param::Int(-3)" => "-3";
        "a number" f64 opt_f64 -> f64 = real,
            "Param::Float(0.5)" => "0.5";
        "a string" str opt_str -> &'a str = text,
            r#"Param::Str("x".into())"# => r#""x""#;
        "the name of an element type" dtype opt_dtype -> &'a str = text,
            r#"Param::Str("int8".into())"# => r#""int8""#;
        "a number or an array" scalar opt_scalar -> Scalar<'a> = scalar,
            "Param::Bool(true)" => "cotangent::jaxpr::params::Scalar::Bool(true)";
        "a list of numbers that are not negative" usizes opt_usizes -> Vec<usize> = |p| each(p, int),
            "Param::List(vec![Param::Int(0), Param::Int(2)])" => "vec![0, 2]";
        "a list of integers" i64s opt_i64s -> Vec<i64> = |p| each(p, int),
            "Param::List(vec![Param::Int(-1), Param::Int(2)])" => "vec![-1, 2]";
        "a list of truth values" bools opt_bools -> Vec<bool> = |p| each(p, |p| match p { Param::Bool(b) => Some(*b), _ => None }),
            "Param::List(vec![Param::Bool(false)])" => "vec![false]";
        "a list of strings" strs opt_strs -> Vec<&'a str> = |p| each(p, text),
            r#"Param::List(vec![Param::Str("x".into())])"# => r#"vec!["x"]"#;
        "a list of lists of numbers that are not negative" nested_usizes opt_nested_usizes -> Vec<Vec<usize>> =
            |p| each(p, |p| each(p, int)),
            "Param::List(vec![Param::List(vec![Param::Int(4)])])" => "vec![vec![4]]";
        "a list of pairs of integers" pairs opt_pairs -> Vec<(i64, i64)> =
            |p| each(p, |p| <[i64; 2]>::try_from(each(p, int)?).ok().map(|[low, high]| (low, high))),
            "Param::List(vec![Param::List(vec![Param::Int(-1), Param::Int(5)])])" => "vec![(-1, 5)]";
        "a list of triples of integers" triples opt_triples -> Vec<(i64, i64, i64)> =
            |p| each(p, |p| <[i64; 3]>::try_from(each(p, int)?).ok().map(|[low, high, inner]| (low, high, inner))),
            "Param::List(vec![Param::List([1, 2, 0].map(Param::Int).into())])" => "vec![(1, 2, 0)]";
        "[[lhs contracting, rhs contracting], [lhs batch, rhs batch]]" dot_dims opt_dot_dims -> [[Vec<usize>; 2]; 2] =
            |p| each(p, |p| each(p, |p| each(p, int))?.try_into().ok())?.try_into().ok(),
            "Param::List([[vec![1], vec![0]], [vec![], vec![]]].map(|two| Param::List(two.map(|d| Param::List(d.into_iter().map(Param::Int).collect())).into())).into())" => "[[vec![1], vec![0]], [vec![], vec![]]]";
        "a list of string lists or nulls" platforms opt_platforms -> Vec<Option<Vec<&'a str>>> =
            |p| each(p, |p| match p { Param::Null => Some(None), p => each(p, text).map(Some) }),
            r#"Param::List(vec![Param::Null, Param::List(vec![Param::Str("cpu".into())])])"# => r#"vec![None, Some(vec!["cpu"])]"#;
        "one or two precisions" precision opt_precision -> Vec<&'a str> = |p| match p {
            Param::Str(s) => Some(vec![s.as_str()]),
            p => each(p, text).filter(|both| both.len() == 2),
        },
            r#"Param::Str("HIGHEST".into())"# => r#"vec!["HIGHEST"]"#;
        "an array" array opt_array -> &'a ArrayData = |p| match p { Param::Array(a) => Some(a), _ => None },
            "Param::Array(ArrayData::float0(&[2]))" => "&ArrayData::float0(&[2])";
        "a type" aval opt_aval -> &'a AvalData = |p| match p { Param::Aval(a) => Some(a), _ => None },
            "Param::Aval(ArrayData::float0(&[3]).aval())" => "&ArrayData::float0(&[3]).aval()";
        "a program" jaxpr opt_jaxpr -> &'a JaxprData = program,
            "Param::Jaxpr(JaxprData { ins: vec![], consts: vec![], eqns: vec![], outs: vec![] })" => "&JaxprData { ins: vec![], consts: vec![], eqns: vec![], outs: vec![] }";
        "a list of programs" jaxprs opt_jaxprs -> Vec<&'a JaxprData> = |p| each(p, program),
            "Param::List(vec![])" => "vec![]";
    }

    /// The fields of the parameter `name`, such as those of dimension numbers.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, Param};
    /// let params = [("dims", Param::Object([("batch".into(), Param::Int(0))].into()))].map(|(n, p)| (n.to_string(), p)).into();
    /// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
    /// assert_eq!(eqn.params().object("dims")?.usize("batch")?, 0);
    /// let e = eqn.params().object("dims")?.str("batch").unwrap_err();
    /// assert_eq!(e.place, "parameter `dims.batch` of pad");
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
    pub fn object(self, name: &'a str) -> Result<Params<'a>> {
        match self.get(name)? {
            Param::Object(map) => Ok(Params { prim: self.prim, inside: Some(name), map }),
            p => Err(self.unexpected(name, "an object", p)),
        }
    }

    /// The fields of the parameter `name`, or nothing.
    ///
    /// ```
    /// use cotangent::jaxpr::json::{EqnData, Param};
    /// let params = [("dims", Param::Object([("batch".into(), Param::Int(0))].into()))].map(|(n, p)| (n.to_string(), p)).into();
    /// let eqn = EqnData { prim: "pad".into(), params, ins: vec![], outs: vec![] };
    /// assert_eq!(eqn.params().opt_object("dims")?.unwrap().usize("batch")?, 0);
    /// assert!(eqn.params().opt_object("numbers")?.is_none());
    /// # Ok::<(), cotangent::jaxpr::json::JsonError>(())
    /// ```
    pub fn opt_object(self, name: &'a str) -> Result<Option<Params<'a>>> {
        self.opt(name).map(|_| self.object(name)).transpose()
    }

    fn read<T>(self, name: &str, p: &'a Param, what: &str, read: impl FnOnce(&'a Param) -> Option<T>) -> Result<T> {
        read(p).ok_or_else(|| self.unexpected(name, what, p))
    }

    fn unexpected(self, name: &str, what: &str, found: &Param) -> JsonError {
        self.error(name, format!("expected {what}, found {}", describe(found)))
    }
}

fn describe(p: &Param) -> String {
    match p {
        Param::Jaxpr(_) => "a program".into(),
        Param::Array(a) => format!("an array {}{:?}", a.dtype, a.shape),
        p => {
            let text = p.to_json().to_string();
            let shown: String = text.chars().take(60).collect();
            if shown.len() < text.len() { shown + "..." } else { shown }
        }
    }
}

fn int<T: TryFrom<i128>>(p: &Param) -> Option<T> {
    match p {
        Param::Int(i) => T::try_from(*i).ok(),
        _ => None,
    }
}

fn real(p: &Param) -> Option<f64> {
    match p {
        Param::Float(x) => Some(*x),
        Param::Int(i) => Some(*i as f64),
        _ => None,
    }
}

fn text(p: &Param) -> Option<&str> {
    match p {
        Param::Str(s) => Some(s),
        _ => None,
    }
}

fn program(p: &Param) -> Option<&JaxprData> {
    match p {
        Param::Jaxpr(jaxpr) => Some(jaxpr),
        _ => None,
    }
}

fn scalar(p: &Param) -> Option<Scalar<'_>> {
    Some(match p {
        Param::Bool(b) => Scalar::Bool(*b),
        Param::Int(i) => Scalar::Int(*i),
        Param::Float(x) => Scalar::Float(*x),
        Param::Complex(parts) => Scalar::Complex(real(&parts[0])?, real(&parts[1])?),
        Param::Array(a) => Scalar::Array(a),
        _ => return None,
    })
}

fn each<'a, T>(p: &'a Param, read: impl Fn(&'a Param) -> Option<T>) -> Option<Vec<T>> {
    match p {
        Param::List(list) => list.iter().map(read).collect(),
        _ => None,
    }
}

/// Declares how Rust values become parameters.
macro_rules! into_param {
    ($($t:ty: $x:ident => $p:expr;)*) => {$(
        impl From<$t> for Param {
            fn from($x: $t) -> Param {
                $p
            }
        }
    )*};
}

into_param! {
    bool: x => Param::Bool(x);
    i32: x => Param::Int(x.into());
    i64: x => Param::Int(x.into());
    u64: x => Param::Int(x.into());
    usize: x => Param::Int(x as i128);
    f64: x => Param::Float(x);
    &str: x => Param::Str(x.to_owned());
    String: x => Param::Str(x);
    ArrayData: x => Param::Array(x);
    AvalData: x => Param::Aval(x);
    JaxprData: x => Param::Jaxpr(x);
    (i64, i64): x => Param::from(vec![x.0, x.1]);
    (i64, i64, i64): x => Param::from(vec![x.0, x.1, x.2]);
    BTreeMap<String, Param>: x => Param::Object(x);
}

impl<T: Into<Param>> From<Option<T>> for Param {
    fn from(x: Option<T>) -> Param {
        x.map_or(Param::Null, Into::into)
    }
}

impl<T: Into<Param>> From<Vec<T>> for Param {
    fn from(list: Vec<T>) -> Param {
        Param::List(list.into_iter().map(Into::into).collect())
    }
}

impl<T: Clone + Into<Param>> From<&[T]> for Param {
    fn from(list: &[T]) -> Param {
        list.to_vec().into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn eqn(prim: &str, params: serde_json::Value) -> EqnData {
        let Param::Object(params) = Param::from_json(&params).unwrap() else { panic!("parameters are an object") };
        EqnData { prim: prim.into(), params, ins: vec![], outs: vec![] }
    }

    #[test]
    fn each_form() {
        let e = eqn(
            "p",
            json!({
                "b": true, "n": 3, "z": -2, "x": 0.5, "nan": {"float": "nan"}, "s": "float32", "none": null,
                "ns": [1, 2], "zs": [-1, 2], "empty": [], "conf": [[0, 1], [-2, 3]], "pad": [[0, 0, 1]],
                "dot": [[[1], [0]], [[], []]], "c": {"complex": [1.0, {"float": "inf"}]}, "hi": ["HIGHEST", "DEFAULT"],
                "plat": [["mosaic"], null],
            }),
        );
        let p = e.params();
        assert!(p.bool("b").unwrap());
        assert_eq!(p.usize("n"), Ok(3));
        assert_eq!(p.i64("z"), Ok(-2));
        assert_eq!(p.f64("x"), Ok(0.5));
        assert_eq!(p.f64("n"), Ok(3.0));
        assert!(p.f64("nan").unwrap().is_nan());
        assert_eq!(p.dtype("s"), Ok("float32"));
        assert_eq!(p.opt_dtype("none"), Ok(None));
        assert_eq!(p.opt_usizes("absent"), Ok(None));
        assert_eq!(p.opt_usizes("ns"), Ok(Some(vec![1, 2])));
        assert_eq!(p.i64s("zs"), Ok(vec![-1, 2]));
        assert_eq!(p.usizes("empty"), Ok(vec![]));
        assert_eq!(p.pairs("conf"), Ok(vec![(0, 1), (-2, 3)]));
        assert_eq!(p.triples("pad"), Ok(vec![(0, 0, 1)]));
        assert_eq!(p.dot_dims("dot"), Ok([[vec![1], vec![0]], [vec![], vec![]]]));
        assert_eq!(p.scalar("c"), Ok(Scalar::Complex(1.0, f64::INFINITY)));
        assert_eq!(p.scalar("b"), Ok(Scalar::Bool(true)));
        assert_eq!(p.precision("hi"), Ok(vec!["HIGHEST", "DEFAULT"]));
        assert_eq!(p.precision("s"), Ok(vec!["float32"]));
        assert_eq!(p.opt_precision("none"), Ok(None));
        assert_eq!(p.platforms("plat"), Ok(vec![Some(vec!["mosaic"]), None]));
        p.unset("none").unwrap();
    }

    #[test]
    fn errors_name_the_primitive_and_the_parameter() {
        let e = eqn("gather", json!({"mode": 3, "dimension_numbers": {"offset_dims": [-1]}, "k": 1}));
        let p = e.params();
        let text = |e: JsonError| e.to_string();
        assert_eq!(text(p.str("mode").unwrap_err()), "parameter `mode` of gather: expected a string, found 3");
        assert_eq!(text(p.usize("axis").unwrap_err()), "parameter `axis` of gather: missing");
        assert_eq!(
            text(p.object("dimension_numbers").unwrap().usizes("offset_dims").unwrap_err()),
            "parameter `dimension_numbers.offset_dims` of gather: expected a list of numbers that are not negative, found [-1]"
        );
        assert_eq!(
            text(p.only(&["mode", "k"]).unwrap_err()),
            "parameter `dimension_numbers` of gather: not known to this reader"
        );
        p.only(&["mode", "k", "dimension_numbers", "other"]).unwrap();
        assert_eq!(text(p.unset("k").unwrap_err()), "parameter `k` of gather: 1 is not supported");
    }

    #[test]
    fn values_become_parameters() {
        let p: Param = vec![(0i64, 1i64, 2i64)].into();
        assert_eq!(p.to_json(), json!([[0, 1, 2]]));
        assert_eq!(Param::from(None::<usize>).to_json(), json!(null));
        assert_eq!(Param::from(Some("x")).to_json(), json!("x"));
        assert_eq!(Param::from(vec![1.0, f64::NEG_INFINITY]).to_json(), json!([1.0, {"float": "-inf"}]));
    }
}
