//! Programs recorded from JAX, made into programs of ours: each recorded equation is staged through our own operations.
//!
//! How an operation is spelled stands with the operation (`READ` in each family of primitives); here are the calls, which hold
//! programs, and the walk over the equations.

use super::json::{self, ArrayData, EqnData, JaxprData, JsonError, ProgramData, RuleData};
use super::*;
use crate::dtype::promote;
use crate::error::{Error, ErrorKind, raise};
use crate::prim::call::Call;
use crate::prim::checkpoint::Remat;
use crate::prim::custom::{Bwd, CustomCall, Forward, JvpRule, Rule, VjpRule};
use crate::prim::held::Held;
use crate::prim::linear_solve::LinearSolve;
use crate::prim::scan::Scan;
use crate::prim::while_loop::While;
use crate::prim::{Operands, Policy, Read, Tangent, spellings};
use crate::trace::linearize::zero_tangent;
use crate::trace::stage::stage_rule;
use std::collections::BTreeSet;
use std::sync::LazyLock;

impl From<JsonError> for Error {
    fn from(e: JsonError) -> Error {
        Error::new(ErrorKind::Program, e.to_string())
    }
}

/// The element type named by a parameter.
pub(crate) fn dtype_param(p: &super::params::Params, name: &str) -> Result<DType, Error> {
    dtype(p.dtype(name)?)
}
fn dtype(name: &str) -> Result<DType, Error> {
    DType::from_name(name).ok_or_else(|| unsupported(format!("element type {name}")))
}
fn unsupported(what: String) -> Error {
    Error::new(ErrorKind::Unsupported, what)
}

static SPELLINGS: LazyLock<HashMap<&'static str, &'static Read>> =
    LazyLock::new(|| spellings().map(|r| (r.0, r)).collect());
/// Operations that hold programs.
const CALLS: &[&str] = &[
    "jit",
    "pjit",
    "closed_call",
    "call",
    "core_call",
    "remat2",
    "custom_jvp_call",
    "custom_vjp_call",
    "cond",
    "scan",
    "while",
    "custom_linear_solve",
];

/// An array from a file.
impl TryFrom<&ArrayData> for Array {
    type Error = Error;
    fn try_from(a: &ArrayData) -> Result<Array, Error> {
        let aval = Aval::new(dtype(&a.dtype)?, &a.shape).with_weak(a.weak);
        if aval.size() * aval.dtype.size() != a.bytes.len() {
            return Err(Error::new(ErrorKind::Program, format!("an array of type {aval} has {} bytes", a.bytes.len())));
        }
        Ok(Array::from_bytes(aval, &a.bytes))
    }
}
/// An array for a file.
impl From<&Array> for ArrayData {
    #[track_caller]
    fn from(x: &Array) -> ArrayData {
        let x = x.concrete("ArrayData::from");
        ArrayData {
            dtype: x.dtype().name().into(),
            shape: x.shape().to_vec(),
            weak: x.weak_type(),
            bytes: x.with_bytes(|b| b.to_vec()),
        }
    }
}

/// A program that was recorded from JAX, as a function of its flat list of arguments.
///
/// ```
/// use cotangent::prelude::*;
/// let text = r#"{"jaxpr": {
///     "in": [{"id": 0, "aval": {"dtype": "float32", "shape": [2], "weak": false}}],
///     "consts": [],
///     "eqns": [{"prim": "sin", "params": {}, "in": [{"var": 0}],
///               "out": [{"id": 1, "aval": {"dtype": "float32", "shape": [2], "weak": false}}]}],
///     "out": [{"var": 1}]}}"#;
/// let program = cotangent::jaxpr::Loaded::parse(text)?;
/// let f = |x: &Array| program.call(&[x.clone()]).remove(0);
/// assert_eq!(f(&array![0., 0.]).to_string(), "[0. 0.]");
/// assert_eq!(cotangent::jacrev(f)(&array![0., 0.]).to_string(), "[[1. 0.]\n [0. 1.]]");
/// # Ok::<(), Error>(())
/// ```
pub struct Loaded {
    jaxpr: Arc<Jaxpr>,
}

impl Loaded {
    /// Reads a program from its JSON text.
    ///
    /// ```
    /// use cotangent::jaxpr::Loaded;
    /// let text = r#"{"jaxpr": {"in": [], "consts": [], "eqns": [], "out":
    ///     [{"lit": {"dtype": "int32", "shape": [], "weak": false, "data": "BwAAAA=="}}]}}"#;
    /// assert_eq!(Loaded::parse(text)?.call(&[])[0].to_string(), "7");
    /// let e = Loaded::parse(&text.replace("int32", "int33")).err().unwrap();
    /// assert_eq!(e.message(), "jaxpr.out[0].lit.dtype: unknown element type `int33`");
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the text is malformed, if its types do not fit, or if it uses an operation that this library does not have.
    pub fn parse(text: &str) -> Result<Loaded, Error> {
        Loaded::new(ProgramData::parse(text)?)
    }
    /// Makes a program from its parts.
    ///
    /// ```
    /// use cotangent::jaxpr::{Loaded, json::{Atom, JaxprData, ProgramData}};
    /// use cotangent::prelude::*;
    /// let outs = vec![Atom::Lit((&array![1, 2]).into())];
    /// let jaxpr = JaxprData { ins: vec![], consts: vec![], eqns: vec![], outs };
    /// let program = Loaded::new(ProgramData { jaxpr, rules: vec![] })?;
    /// assert_eq!(program.call(&[])[0].to_string(), "[1 2]");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// If its types do not fit, or if it uses an operation that this library does not have.
    pub fn new(data: ProgramData) -> Result<Loaded, Error> {
        let data = Arc::new(data);
        known(&data)?;
        data.rules_fit()?;
        let jaxpr = Reader { data: data.clone() }.stage(&data.jaxpr)?;
        jaxpr.check()?;
        Ok(Loaded { jaxpr })
    }
    /// The program.
    ///
    /// ```
    /// let text = r#"{"jaxpr": {"in": [{"id": 0, "aval": {"dtype": "int32", "shape": [3], "weak": false}}],
    ///     "consts": [], "eqns": [], "out": [{"var": 0}]}}"#;
    /// let program = cotangent::jaxpr::Loaded::parse(text)?;
    /// assert_eq!(program.jaxpr().to_string(), "{ lambda ; a:i32[3]. let  in (a,) }");
    /// # Ok::<(), cotangent::Error>(())
    /// ```
    pub fn jaxpr(&self) -> &Arc<Jaxpr> {
        &self.jaxpr
    }
    /// The results for these arguments, under whatever transformation is running.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// let text = r#"{"jaxpr": {"in": [{"id": 0, "aval": {"dtype": "int32", "shape": [2], "weak": false}}],
    ///     "consts": [], "eqns": [], "out": [{"var": 0}, {"var": 0}]}}"#;
    /// let program = cotangent::jaxpr::Loaded::parse(text)?;
    /// assert_eq!(program.call(&[array![4, 5]])[1].to_string(), "[4 5]");
    /// assert!(catch(|| program.call(&[array![4, 5, 6]])).is_err());
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Panics
    /// If the number, shapes or element types of the arguments are not the program's.
    #[track_caller]
    pub fn call(&self, args: &[Array]) -> Vec<Array> {
        let want: Vec<&Aval> = self.jaxpr.in_avals().collect();
        let fits = want.len() == args.len()
            && want.iter().zip(args).all(|(a, x)| a.dtype == x.dtype() && a.shape[..] == *x.shape());
        if !fits {
            let list = |avals: Vec<&Aval>| avals.iter().map(|a| a.to_string()).collect::<Vec<_>>().join(", ");
            crate::error::fail(
                ErrorKind::Shape,
                format!(
                    "a loaded program takes arguments of types ({}), and was given ({})",
                    list(want),
                    list(args.iter().map(|a| a.aval()).collect())
                ),
            )
        }
        self.jaxpr.eval(&args.iter().collect::<Vec<_>>())
    }
}

/// Does the library have every operation of the program and of its rules?
fn known(data: &ProgramData) -> Result<(), Error> {
    let mut missing: BTreeSet<&str> = BTreeSet::new();
    for j in data.roots() {
        j.visit(&mut |e| {
            if !SPELLINGS.contains_key(e.prim.as_str()) && !CALLS.contains(&e.prim.as_str()) {
                missing.insert(&e.prim);
            }
        })
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(unsupported(format!("primitive {}", missing.into_iter().collect::<Vec<_>>().join(", "))))
}

/// A program that is a parameter of an operation. It cannot have derivative rules of its own.
pub(crate) fn stage_nested(j: &JaxprData) -> Result<Arc<Jaxpr>, Error> {
    Reader { data: Arc::new(ProgramData { jaxpr: j.clone(), rules: vec![] }) }.stage(j)
}

/// Reads the programs of one file.
struct Reader {
    data: Arc<ProgramData>,
}
impl Reader {
    fn stage(&self, j: &JaxprData) -> Result<Arc<Jaxpr>, Error> {
        let aval = |b: &json::Binder| Ok(Aval::new(dtype(&b.aval.dtype)?, &b.aval.shape).with_weak(b.aval.weak));
        let ins: Vec<Aval> = j.ins.iter().map(aval).collect::<Result<_, Error>>()?;
        let mut failed = None;
        let jaxpr = stage_rule(&ins, |x| match self.run(j, x) {
            Ok(y) => y,
            Err(e) => {
                failed = Some(e);
                vec![]
            }
        });
        match failed {
            Some(e) => Err(e),
            None => Ok(jaxpr),
        }
    }
    /// The equations under the current trace.
    fn run(&self, j: &JaxprData, args: &[Array]) -> Result<Vec<Array>, Error> {
        let mut env: HashMap<usize, Array> = HashMap::new();
        for (b, a) in j.ins.iter().zip(args) {
            env.insert(b.id, a.clone());
        }
        for c in &j.consts {
            env.insert(c.id, Array::try_from(&c.array)?);
        }
        let value = |env: &HashMap<usize, Array>, a: &json::Atom| match a {
            json::Atom::Var(v) => {
                env.get(v).cloned().ok_or_else(|| Error::new(ErrorKind::Program, format!("variable {v} is not bound")))
            }
            json::Atom::Lit(l) => Array::try_from(l),
        };
        for (k, e) in j.eqns.iter().enumerate() {
            let x: Vec<Array> = e.ins.iter().map(|a| value(&env, a)).collect::<Result<_, _>>()?;
            // an operation may refuse its operands; what is lacking is lacking anywhere
            let refused = |why: Error| match why.kind() {
                ErrorKind::Unsupported => why,
                kind => Error::new(kind, format!("equation {k}, {}: {}", e.prim, why.message())),
            };
            let y = crate::error::catch(|| self.equation(e, &x)).and_then(|y| y).map_err(refused)?;
            if y.len() != e.outs.len() {
                let text = format!("equation {k}, {}: {} results, {} recorded", e.prim, y.len(), e.outs.len());
                return Err(Error::new(ErrorKind::Program, text));
            }
            for (y, b) in y.into_iter().zip(&e.outs) {
                let want = Aval::new(dtype(&b.aval.dtype)?, &b.aval.shape);
                // JAX without 64-bit types cuts a parameter that names one
                let cut = y.dtype() != want.dtype && y.dtype().size() == 2 * want.dtype.size();
                let y = if cut && promote((y.dtype(), false), (want.dtype, false)).0 == y.dtype() {
                    crate::prim::convert_element_type(&y, want.dtype, false)
                } else {
                    y
                };
                if y.dtype() != want.dtype || y.shape() != &want.shape[..] {
                    let text = format!("equation {k}, {}: a result has type {}, {want} is recorded", e.prim, y.aval());
                    return Err(Error::new(ErrorKind::Program, text));
                }
                // JAX's weak types are not always those that follow from the operands
                let y = crate::prim::convert_element_type(&y, y.dtype(), b.aval.weak);
                env.insert(b.id, y);
            }
        }
        j.outs.iter().map(|a| value(&env, a)).collect()
    }
    fn equation(&self, e: &EqnData, x: &[Array]) -> Result<Outs, Error> {
        let p = e.params();
        let name = || p.opt_str("name").map(|n| n.unwrap_or("call"));
        let args: Vec<&Array> = x.iter().collect();
        match e.prim.as_str() {
            "jit" | "pjit" => {
                let call = Call { jaxpr: self.stage(p.jaxpr("jaxpr")?)?, name: name()?.into() };
                Ok(crate::trace::bind(&call, &args))
            }
            "closed_call" | "call" | "core_call" => {
                let call = Call { jaxpr: self.stage(p.jaxpr("call_jaxpr")?)?, name: name()?.into() };
                Ok(crate::trace::bind(&call, &args))
            }
            "remat2" => {
                let policy = match p.opt_object("policy")? {
                    // a predicate of the user's was not recorded; it would not change a value
                    Some(p) => Policy::recorded(p.str("name")?, p.strs("names")?).unwrap_or_default(),
                    None => Policy::default(),
                };
                let call = Remat {
                    jaxpr: self.stage(p.jaxpr("jaxpr")?)?,
                    policy,
                    prevent_cse: p.bool("prevent_cse")?,
                    differentiated: p.bool("differentiated")?,
                    eager: false,
                    known: None,
                };
                Ok(crate::trace::bind(&call, &args))
            }
            "cond" => {
                let branches = p.jaxprs("branches")?.into_iter().map(|j| self.stage(j)).collect::<Result<_, _>>()?;
                let index = crate::prim::convert_element_type(&x[0], DType::Int32, false);
                Ok(crate::prim::cond::cond(&index, branches, &args[1..]))
            }
            "while" => {
                let turns = While {
                    cond: self.stage(p.jaxpr("cond_jaxpr")?)?,
                    body: self.stage(p.jaxpr("body_jaxpr")?)?,
                    n_cond: p.usize("cond_nconsts")?,
                    n_body: p.usize("body_nconsts")?,
                    record: false,
                };
                let one = turns.cond.out_avals().iter().all(|a| a.shape.is_empty());
                Ok(if one { crate::trace::bind(&turns, &args) } else { turns.until_all_stop(&args) })
            }
            "scan" => {
                let scan = Scan {
                    body: self.stage(p.jaxpr("jaxpr")?)?,
                    n_consts: p.usize("num_consts")?,
                    n_carry: p.usize("num_carry")?,
                    length: Some(p.usize("length")?),
                    reverse: p.bool("reverse")?,
                    unroll: p.opt_usize("unroll")?.unwrap_or(1),
                    tangents: vec![],
                };
                Ok(crate::trace::bind(&scan, &args))
            }
            "custom_linear_solve" => {
                let (programs, consts) = (p.object("jaxprs")?, p.object("const_lengths")?);
                let held = |name: &str| -> Result<Option<Held>, Error> {
                    let jaxpr = programs.opt_jaxpr(name)?.map(|j| self.stage(j)).transpose()?;
                    let consts = consts.usize(name)?;
                    match &jaxpr {
                        Some(j) if j.ins.len() < consts => Err(p.error(name, "fewer inputs than constants").into()),
                        _ => Ok(jaxpr.map(|jaxpr| Held { jaxpr, consts })),
                    }
                };
                let needed = |name: &str| -> Result<Held, Error> {
                    held(name)?.ok_or_else(|| p.error(name, "the program is missing").into())
                };
                let (matvec, solve) = (needed("matvec")?, needed("solve")?);
                let solve = LinearSolve::new(matvec, held("vecmat")?, solve, held("transpose_solve")?);
                solve.fits().map_err(|why| Error::new(ErrorKind::Program, why))?;
                Ok(crate::trace::bind(&solve, &args))
            }
            kind @ ("custom_jvp_call" | "custom_vjp_call") => {
                let file = (self.data.clone(), p.usize("rule")?);
                let rule = match kind {
                    "custom_jvp_call" => Rule::Jvp(Arc::new(RecordedJvp { file, program: OnceLock::new() })),
                    _ => Rule::Vjp(Arc::new(RecordedVjp { file, program: OnceLock::new() })),
                };
                let jaxpr = self.stage(p.jaxpr("call_jaxpr")?)?;
                let call = CustomCall::program(jaxpr, p.usize("num_consts")?, name()?.into(), rule);
                Ok(crate::trace::bind(&call, &args))
            }
            prim => match SPELLINGS.get(prim) {
                Some((_, read)) => {
                    let operands = Operands::new(x);
                    let y = read(&p, &operands)?;
                    match operands.taken_of_more() {
                        None => Ok(y),
                        Some(n) => {
                            let what = format!("{} operands are recorded, it takes {n}", x.len());
                            Err(Error::new(ErrorKind::Program, what))
                        }
                    }
                }
                None => Err(unsupported(format!("primitive {prim}"))),
            },
        }
    }
}

/// The file that a derivative rule is in, and its number there. A rule is staged when it is first asked for: rules may refer to
/// themselves.
type File = (Arc<ProgramData>, usize);

fn rule_data(file: &File) -> Result<&RuleData, Error> {
    file.0.rules.get(file.1).ok_or_else(|| unsupported(format!("derivative rule {}, which is not there", file.1)))
}
/// What `make` makes of the rule, once; nothing, if the rule is of another kind.
fn staged<'a, T>(
    slot: &'a OnceLock<T>,
    file: &File,
    make: impl FnOnce(&Reader, &RuleData) -> Result<Option<T>, Error>,
) -> &'a T {
    // no lock while it is made: a rule may lead to itself
    if slot.get().is_none() {
        let made = rule_data(file).and_then(|rule| match make(&Reader { data: file.0.clone() }, rule)? {
            Some(made) => Ok(made),
            None => Err(match rule {
                RuleData::Missing { why } => unsupported(format!("a derivative rule that was not recorded: {why}")),
                _ => unsupported("a rule of one kind for a call of the other".into()),
            }),
        });
        match made {
            Ok(made) => drop(slot.set(made)),
            Err(e) => raise(e),
        }
    }
    slot.get().expect("a staged rule")
}

/// A forward rule from a file.
struct RecordedJvp {
    file: File,
    program: OnceLock<JvpProgram>,
}
/// Primals, then the tangents that have a place, to results, then the tangents that have one.
struct JvpProgram {
    jaxpr: Arc<Jaxpr>,
    in_zeros: Vec<bool>,
    out_zeros: Vec<bool>,
}
impl JvpRule for RecordedJvp {
    fn jvp(&self, x: &[Array], dx: &[Tangent]) -> (Vec<Array>, Vec<Tangent>) {
        let p = staged(&self.program, &self.file, |reader, rule| match rule {
            RuleData::Jvp { in_zeros, out_zeros, jaxpr } => Ok(Some(JvpProgram {
                jaxpr: reader.stage(jaxpr)?,
                in_zeros: in_zeros.clone(),
                out_zeros: out_zeros.clone(),
            })),
            _ => Ok(None),
        });
        if p.in_zeros.iter().zip(dx).any(|(z, d)| *z && d.is_some()) {
            raise(unsupported("a recorded derivative rule along an input that it was not recorded for".into()))
        }
        let d: Vec<Array> = (0..dx.len())
            .filter(|i| !p.in_zeros[*i])
            .map(|i| dx[i].clone().unwrap_or_else(|| zero_tangent(x[i].aval())))
            .collect();
        let args: Vec<Array> = x.iter().chain(&d).cloned().collect();
        let mut outs = met(&p.jaxpr, &args);
        let mut dy = outs.split_off(p.out_zeros.len()).into_iter();
        let dy = p.out_zeros.iter().map(|z| if *z { None } else { dy.next() }).collect();
        (outs, dy)
    }
}

/// A reverse rule from a file.
struct RecordedVjp {
    file: File,
    program: OnceLock<VjpProgram>,
}
struct VjpProgram {
    /// Primals to residuals, then results.
    fwd: Arc<Jaxpr>,
    /// Of each residual: the primal that it is, or none for the next that `fwd` returns.
    res_from_in: Vec<Option<usize>>,
    bwd: Arc<RecordedBwd>,
}
/// Residuals, then cotangents, to the cotangents of some inputs.
struct RecordedBwd {
    jaxpr: Arc<Jaxpr>,
    bwd_for: Vec<usize>,
    inputs: usize,
}
impl VjpRule for RecordedVjp {
    fn fwd(&self, x: &[Array], _: &[bool]) -> Forward {
        let p = staged(&self.program, &self.file, |reader, rule| match rule {
            RuleData::Vjp { fwd, res_from_in, bwd, bwd_for } => {
                let bwd = RecordedBwd { jaxpr: reader.stage(bwd)?, bwd_for: bwd_for.clone(), inputs: fwd.ins.len() };
                Ok(Some(VjpProgram { fwd: reader.stage(fwd)?, res_from_in: res_from_in.clone(), bwd: Arc::new(bwd) }))
            }
            _ => Ok(None),
        });
        let saved = p.res_from_in.iter().filter(|r| r.is_none()).count();
        let mut saved_and_outs = met(&p.fwd, x);
        let outs = saved_and_outs.split_off(saved);
        let mut saved = saved_and_outs.into_iter();
        let residual = |r: &Option<usize>| r.map_or_else(|| saved.next().expect("a residual"), |i| x[i].clone());
        Forward { outs, residuals: p.res_from_in.iter().map(residual).collect(), bwd: p.bwd.clone() }
    }
}
impl Bwd for RecordedBwd {
    fn bwd(&self, residuals: &[Array], ct: &[Tangent]) -> Vec<Tangent> {
        let ct = crate::transform::written(ct);
        // types without derivatives have no cotangents in the file
        let ct = ct.iter().filter(|c| c.dtype() != DType::Float0 || self.jaxpr.ins.len() == residuals.len() + ct.len());
        let args: Vec<Array> = residuals.iter().chain(ct).cloned().collect();
        let mut back = vec![None; self.inputs];
        for (i, b) in self.bwd_for.iter().zip(met(&self.jaxpr, &args)) {
            back[*i] = Some(b)
        }
        back
    }
}

/// The results of a rule's program, which has the types for which it was recorded.
fn met(j: &Arc<Jaxpr>, args: &[Array]) -> Vec<Array> {
    let meet = |(x, t): (&Array, &Aval)| crate::prim::convert_element_type(x, t.dtype, t.weak);
    let args: Vec<Array> = args.iter().zip(j.in_avals()).map(meet).collect();
    j.eval(&args.iter().collect::<Vec<_>>())
}
