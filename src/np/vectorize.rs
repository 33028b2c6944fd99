//! Functions of arrays with few dimensions on arrays with more.

use crate::array::Array;
use crate::aval::{Shape, tuple};
use crate::error::{ErrorKind, Loc, fail};
use crate::prim;
use std::collections::BTreeMap;

/// The names of the dimensions of operands and results: `(n,m),(m)->(n)`.
#[derive(Clone, Debug)]
struct Signature {
    text: String,
    inputs: Vec<Vec<String>>,
    outputs: Option<Vec<Vec<String>>>,
}
impl Signature {
    #[track_caller]
    fn new(text: &str) -> Signature {
        let _line = crate::np::dims::here();
        let bad = || -> ! {
            fail(
                ErrorKind::Value,
                format!("vectorize: {text:?} is no signature such as \"(n,m),(m)->(n)\" or \"(),()->()\""),
            )
        };
        let clean: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let terms = |s: &str| -> Vec<Vec<String>> {
            let Some(inner) = s.strip_prefix('(').and_then(|s| s.strip_suffix(')')) else { bad() };
            let term = |t: &str| -> Vec<String> {
                let names: Vec<String> = if t.is_empty() { vec![] } else { t.split(',').map(String::from).collect() };
                if names.iter().any(|n| n.is_empty() || !n.chars().all(|c| c.is_alphanumeric() || c == '_')) {
                    bad()
                }
                names
            };
            inner.split("),(").map(term).collect()
        };
        let Some((left, right)) = clean.split_once("->") else { bad() };
        Signature { text: text.into(), inputs: terms(left), outputs: Some(terms(right)) }
    }
}

/// A function of arrays with the dimensions that `signature` names, as a function of arrays with more dimensions in front, which broadcast: it is mapped over them. An empty signature is that of a function of
/// numbers. Operands that are not to be mapped are captured. As `jax.numpy.vectorize`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let last = np::vectorize("(n),()->()", |x: &[Array]| vec![x[0].i(-1) + &x[1]]);
/// let y = last(&[&array![[1., 2.], [3., 4.]], &array![10., 20.]]);
/// assert_eq!(y[0].to_string(), "[12. 24.]");
/// ```
///
/// # Panics
/// If the signature is malformed; the function that is returned, if operands or results do not fit it.
#[track_caller]
pub fn vectorize(
    signature: &str,
    f: impl Fn(&[Array]) -> Vec<Array> + Send + Sync,
) -> impl Fn(&[&Array]) -> Vec<Array> {
    let signature = if signature.is_empty() {
        Signature { text: String::new(), inputs: vec![], outputs: None }
    } else {
        Signature::new(signature)
    };
    let line = crate::trace::ambient().unwrap_or(std::panic::Location::caller());
    move |args| apply(&signature, &f, args, line)
}
type Inner<'a> = &'a (dyn Fn(&[Array]) -> Vec<Array> + Send + Sync);

fn apply(s: &Signature, f: Inner, args: &[&Array], line: Loc) -> Vec<Array> {
    // checks are for the line where the function was made, what the user's function does for its own
    let checks = || crate::trace::enter(crate::trace::current(), Some(line));
    let checking = checks();
    let named = !s.text.is_empty();
    if named && s.inputs.len() != args.len() {
        fail(ErrorKind::Value, format!("vectorize: {:?} has {} operands, not {}", s.text, s.inputs.len(), args.len()))
    }
    let mut extents: BTreeMap<&str, usize> = BTreeMap::new();
    let mut fronts = vec![];
    for (i, x) in args.iter().enumerate() {
        let core: &[String] = if named { &s.inputs[i] } else { &[] };
        if x.ndim() < core.len() {
            fail(
                ErrorKind::Shape,
                format!("vectorize: operand {i} of shape {} does not fit {:?}", tuple(x.shape()), s.text),
            )
        }
        let (front, inner) = x.shape().split_at(x.ndim() - core.len());
        sized(s, core, inner, &mut extents, &format!("operand {i}"));
        fronts.push(front)
    }
    let shape = crate::np::broadcast_shapes(&fronts);
    // all with as many dimensions in front
    let whole = |(x, front): (&&Array, &&[usize])| {
        let missing = shape.len() - front.len();
        prim::reshape(x, &std::iter::repeat_n(1, missing).chain(x.shape().iter().copied()).collect::<Shape>())
    };
    let args: Vec<Array> = args.iter().zip(&fronts).map(whole).collect();
    drop(checking);
    let out = mapped(f, args, &shape);
    let _checking = checks();
    if let Some(outputs) = &s.outputs {
        if outputs.len() != out.len() {
            fail(ErrorKind::Value, format!("vectorize: {:?} has {} results, not {}", s.text, outputs.len(), out.len()))
        }
        for (k, (core, y)) in outputs.iter().zip(&out).enumerate() {
            sized(s, core, &y.shape()[shape.len()..], &mut extents, &format!("result {k}"))
        }
    }
    out
}
/// Checks that names have one extent each.
#[track_caller]
fn sized<'a>(s: &Signature, core: &'a [String], shape: &[usize], extents: &mut BTreeMap<&'a str, usize>, who: &str) {
    if core.len() != shape.len() {
        fail(
            ErrorKind::Shape,
            format!("vectorize: {who} has the dimensions {}, which do not fit {:?}", tuple(shape), s.text),
        )
    }
    for (name, n) in core.iter().zip(shape) {
        let known = *extents.entry(name).or_insert(*n);
        // a number stands for itself
        let wanted = name.parse().unwrap_or(known);
        if wanted != *n {
            fail(ErrorKind::Shape, format!("vectorize: {who} has {n} as {name} of {:?}, not {wanted}", s.text))
        }
    }
}
/// The function mapped over each of the first dimensions, over which operands of extent 1 do not vary.
#[track_caller]
fn mapped(f: Inner, args: Vec<Array>, shape: &[usize]) -> Vec<Array> {
    let Some((n, rest)) = shape.split_first() else { return f(&args) };
    if *n == 1 {
        let args = args.iter().map(|x| prim::squeeze(x, &[0])).collect();
        return mapped(f, args, rest).iter().map(|y| prim::expand_dims(y, &[0])).collect();
    }
    let lanes: Vec<Array> = args.iter().filter(|x| x.shape()[0] == *n).cloned().collect();
    crate::vmap(|lane: &Vec<Array>| {
        let mut lane = lane.iter();
        let of = |x: &Array| {
            if x.shape()[0] == *n { lane.next().expect("a lane of each").clone() } else { prim::squeeze(x, &[0]) }
        };
        mapped(f, args.iter().map(of).collect(), rest)
    })(&lanes)
}
