//! Sums of products by Einstein's notation: a string names the dimensions, and says which of them stay.

use crate::array::Array;
use crate::aval::tuple;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::np::Diagonal;
use crate::np::dims::{here, in_one_type};
use crate::prim;
use std::collections::BTreeMap;

/// The name of a dimension: a letter, or a number from the right among those of an ellipsis, which stand before all letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Label {
    /// The greater the number, the further on the left.
    Ellipsis(std::cmp::Reverse<usize>),
    Letter(char),
}
impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Label::Ellipsis(k) => write!(f, "dimension -{} of the ellipsis", k.0 + 1),
            Label::Letter(c) => write!(f, "{c}"),
        }
    }
}
type Labels = Vec<Label>;

/// One operand's, or the result's, names. `rank` of an ellipsis is known where that of the array is.
#[track_caller]
fn term(spec: &str, text: &str, ellipsis: usize) -> Labels {
    let bad = |why: &str| -> ! { fail(ErrorKind::Value, format!("einsum: {why} in {spec:?}")) };
    let mut labels = vec![];
    let mut rest = text.chars().filter(|c| !c.is_whitespace()).peekable();
    let mut seen = false;
    while let Some(c) = rest.next() {
        match c {
            '.' => {
                if seen || rest.next() != Some('.') || rest.next() != Some('.') {
                    bad("an ellipsis is three dots, once in a term; something else is")
                }
                seen = true;
                labels.extend((0..ellipsis).rev().map(|k| Label::Ellipsis(std::cmp::Reverse(k))))
            }
            c if c.is_alphabetic() => labels.push(Label::Letter(c)),
            c => bad(&format!("{c:?} is no letter")),
        }
    }
    labels
}

/// The names in a subscript string, and the extents that they stand for.
struct Names {
    inputs: Vec<Labels>,
    output: Labels,
    extents: BTreeMap<Label, usize>,
}
#[track_caller]
fn names(spec: &str, shapes: &[&[usize]]) -> Names {
    let _line = here();
    let (left, right) = match spec.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (spec, None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != shapes.len() {
        fail(
            ErrorKind::Value,
            format!("einsum: {spec:?} is about {} operands, but there are {}", terms.len(), shapes.len()),
        )
    }
    let (mut inputs, mut extents, mut widest) = (vec![], BTreeMap::new(), 0);
    for (text, shape) in terms.iter().zip(shapes) {
        let named = term(spec, text, 0).len();
        let ellipsis = text.contains('.');
        if named > shape.len() || !ellipsis && named != shape.len() {
            fail(
                ErrorKind::Shape,
                format!(
                    "einsum: {:?} names {named} dimensions of an array of shape {} in {spec:?}",
                    text.trim(),
                    tuple(shape)
                ),
            )
        }
        let hidden = if ellipsis { shape.len() - named } else { 0 };
        widest = widest.max(hidden);
        let labels = term(spec, text, hidden);
        for (l, n) in labels.iter().zip(*shape) {
            let known = extents.entry(*l).or_insert(*n);
            if *known == 1 {
                *known = *n
            } else if *n != 1 && n != known {
                let all: Vec<String> = shapes.iter().map(|s| tuple(s)).collect();
                fail(
                    ErrorKind::Shape,
                    format!(
                        "einsum: {l} has extents {known} and {n} in {spec:?} for arrays of shapes {}",
                        all.join(", ")
                    ),
                )
            }
        }
        inputs.push(labels)
    }
    let output = match right {
        Some(text) => term(spec, text, if text.contains('.') { widest } else { 0 }),
        None => {
            let count = |l: &Label| inputs.iter().flatten().filter(|k| *k == l).count();
            extents.keys().copied().filter(|l| matches!(l, Label::Ellipsis(_)) || count(l) == 1).collect()
        }
    };
    for (i, l) in output.iter().enumerate() {
        if output[..i].contains(l) || !extents.contains_key(l) {
            fail(ErrorKind::Value, format!("einsum: the result's {l} in {spec:?} is named twice, or in no operand"))
        }
    }
    Names { inputs, output, extents }
}

/// In which order operands meet: pairs of numbers, the result of each taking the next number behind the operands.
fn order(inputs: &[Labels], output: &[Label], extents: &BTreeMap<Label, usize>) -> Vec<(usize, usize)> {
    let bit = |l: &Label| 1u128 << extents.keys().position(|k| k == l).expect("a known name").min(127);
    let set = |labels: &[Label]| labels.iter().fold(0u128, |s, l| s | bit(l));
    let sizes: Vec<f64> = extents.values().map(|n| *n as f64).collect();
    let size = |s: u128| (0..sizes.len()).filter(|i| s >> (*i).min(127) & 1 == 1).map(|i| sizes[i]).product::<f64>();
    let (sets, out) = (inputs.iter().map(|l| set(l)).collect::<Vec<_>>(), set(output));
    let n = sets.len();
    // few operands: the cheapest of all orders, from the cheapest ones of all parts
    if n <= 8 {
        let whole = (1usize << n) - 1;
        let union = |part: usize| (0..n).filter(|i| part >> i & 1 == 1).fold(0, |s, i| s | sets[i]);
        let kept = |part: usize| union(part) & (out | union(whole & !part));
        let mut best: Vec<(f64, usize)> = vec![(0.0, 0); whole + 1];
        for part in 1..=whole {
            if part.is_power_of_two() {
                continue;
            }
            let mut found = (f64::INFINITY, 0);
            let mut left = (part - 1) & part;
            while left > 0 {
                let right = part & !left;
                // each pair once
                if left > right {
                    let cost = best[left].0 + best[right].0 + size(kept(left) | kept(right));
                    if cost < found.0 {
                        found = (cost, left)
                    }
                }
                left = (left - 1) & part
            }
            best[part] = found
        }
        fn walk(part: usize, best: &[(f64, usize)], n: usize, path: &mut Vec<(usize, usize)>) -> usize {
            if part.is_power_of_two() {
                return part.trailing_zeros() as usize;
            }
            let left = best[part].1;
            let (a, b) = (walk(left, best, n, path), walk(part & !left, best, n, path));
            path.push((a.min(b), a.max(b)));
            n + path.len() - 1
        }
        let mut path = vec![];
        if n > 0 {
            walk(whole, &best, n, &mut path);
        }
        return path;
    }
    // many: always the pair whose product needs least room beyond its factors
    let mut there: Vec<(usize, u128)> = sets.into_iter().enumerate().collect();
    let mut path = vec![];
    while there.len() > 1 {
        let (mut found, mut least) = ((0, 1, 0), (f64::INFINITY, f64::INFINITY));
        for i in 0..there.len() {
            for j in i + 1..there.len() {
                let others =
                    there.iter().enumerate().filter(|(k, _)| *k != i && *k != j).fold(out, |s, (_, (_, o))| s | o);
                let both = there[i].1 | there[j].1;
                let more = size(both & others) - size(there[i].1) - size(there[j].1);
                if (more, size(both)) < least {
                    (found, least) = ((i, j, both & others), (more, size(both)))
                }
            }
        }
        let (i, j, kept) = found;
        let (b, a) = (there.remove(j).0, there.remove(i).0);
        path.push((a, b));
        there.push((n + path.len() - 1, kept))
    }
    path
}
/// In which order [`einsum`] multiplies arrays of these shapes: pairs of numbers of operands, the result of each pair taking the next number behind them. That of least work for up to eight operands; for more
/// it grows from pairs whose product needs least room. As `jax.numpy.einsum_path`.
///
/// ```
/// use cotangent::np;
/// // the vector first: two products of a matrix and a vector
/// assert_eq!(np::einsum_path("ij,jk,k->i", &[&[9, 9], &[9, 9], &[9]]), [(1, 2), (0, 3)]);
/// ```
///
/// # Panics
/// As [`einsum`] does.
#[track_caller]
pub fn einsum_path(spec: &str, shapes: &[&[usize]]) -> Vec<(usize, usize)> {
    let n = names(spec, shapes);
    order(&n.inputs, &n.output, &n.extents)
}

/// An array whose dimensions have names.
struct Named {
    x: Array,
    labels: Labels,
}
impl Named {
    fn dims(&self, which: &[Label]) -> Vec<usize> {
        which.iter().map(|l| self.labels.iter().position(|k| k == l).expect("a name of the array")).collect()
    }
    /// Without dimensions of extent 1 that are greater elsewhere, with one dimension for each name, and summed over what nobody else names.
    #[track_caller]
    fn prepared(mut self, extents: &BTreeMap<Label, usize>, elsewhere: &[Label]) -> Named {
        let one = |d: &usize| self.x.shape()[*d] == 1 && extents[&self.labels[*d]] > 1;
        let gone: Vec<usize> = (0..self.labels.len()).filter(one).collect();
        self.x = prim::squeeze(&self.x, &gone);
        let mut d = 0;
        self.labels.retain(|_| {
            d += 1;
            !gone.contains(&(d - 1))
        });
        while let Some((i, j)) = (0..self.labels.len())
            .find_map(|j| self.labels[..j].iter().position(|l| *l == self.labels[j]).map(|i| (i, j)))
        {
            let l = self.labels[j];
            self.x = Diagonal::new().axes(i as i32, j as i32).of(&self.x);
            self.labels.retain(|k| *k != l);
            self.labels.push(l)
        }
        let alone: Vec<usize> = (0..self.labels.len()).filter(|d| !elsewhere.contains(&self.labels[*d])).collect();
        if !alone.is_empty() {
            let float = self.x.dtype().is_float();
            let x = if float { self.x.sum_over(&alone[..]) } else { prim::reduce_sum(&self.x, &alone) };
            self.x = x;
            self.labels.retain(|l| elsewhere.contains(l))
        }
        self
    }
    /// The product with another one, summed over what both have and nobody else wants.
    #[track_caller]
    fn times(&self, other: &Named, wanted: &[Label]) -> Named {
        let (shared, mine): (Labels, Labels) = self.labels.iter().partition(|l| other.labels.contains(l));
        let theirs = other.labels.iter().copied().filter(|l| !self.labels.contains(l));
        let (batch, summed): (Labels, Labels) = shared.into_iter().partition(|l| wanted.contains(l));
        let labels: Labels = batch.iter().copied().chain(mine.iter().copied()).chain(theirs).collect();
        let x = if summed.is_empty() {
            // nothing to sum over: side by side, and multiplied
            let spread = |n: &Named| {
                let inside: Labels = labels.iter().copied().filter(|l| n.labels.contains(l)).collect();
                let x = prim::transpose(&n.x, &n.dims(&inside));
                let new: Vec<usize> = (0..labels.len()).filter(|d| !inside.contains(&labels[*d])).collect();
                if new.is_empty() || x.ndim() == 0 { x } else { prim::expand_dims(&x, &new) }
            };
            prim::mul(&spread(self), &spread(other))
        } else {
            let (contract, batch) =
                ((self.dims(&summed), other.dims(&summed)), (self.dims(&batch), other.dims(&batch)));
            let (a, b) = (&self.x, &other.x);
            prim::dot_general(a, b, (&contract.0, &contract.1), (&batch.0, &batch.1), Some(a.dtype()))
        };
        Named { x, labels }
    }
}

/// The sum of products of elements of all operands that the subscripts describe: each operand's dimensions have letters, those that the result lacks are summed over. `...` stands for further dimensions, which broadcast. Without
/// `->` the result has what is named once, in alphabetical order, behind the dimensions of ellipses. Pairs are multiplied in the order of [`einsum_path`]. As `jax.numpy.einsum`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![[1., 2.], [3., 4.]];
/// assert_eq!(np::einsum("ij,jk->ik", &[&x, &x]).to_string(), "[[ 7. 10.]\n [15. 22.]]");
/// assert_eq!(np::einsum("ii", &[&x]).to_string(), "5.0");
/// assert_eq!(np::einsum("...j->...", &[&x]).to_string(), "[3. 7.]");
/// ```
///
/// # Panics
/// If the subscripts are malformed, if they do not fit the operands, or if a letter has two extents neither of which is 1.
#[track_caller]
pub fn einsum(spec: &str, operands: &[&Array]) -> Array {
    einsum_of(spec, operands, None)
}
/// [`einsum`] whose sums are made in this type, and whose result is of it: `preferred_element_type` in JAX. As `jax.numpy.einsum`.
///
/// ```
/// use cotangent::{np, prelude::*};
/// let x = array![1, 2];
/// assert_eq!(np::einsum_dtype("i,i->", &[&x, &x], DType::Float64).dtype(), DType::Float64);
/// ```
///
/// # Panics
/// As [`einsum`].
#[track_caller]
pub fn einsum_dtype(spec: &str, operands: &[&Array], dtype: DType) -> Array {
    einsum_of(spec, operands, Some(dtype))
}
#[track_caller]
fn einsum_of(spec: &str, operands: &[&Array], dtype: Option<DType>) -> Array {
    let _line = here();
    let names = names(spec, &operands.iter().map(|x| x.shape()).collect::<Vec<_>>());
    let path = order(&names.inputs, &names.output, &names.extents);
    let mut operands = in_one_type("einsum", operands);
    if let Some(t) = dtype {
        operands = operands.iter().map(|x| prim::convert_element_type(x, t, false)).collect()
    }
    let mut all: Vec<Option<Named>> = vec![];
    for (i, (x, labels)) in operands.into_iter().zip(&names.inputs).enumerate() {
        let others = names.inputs.iter().enumerate().filter(|(k, _)| *k != i).flat_map(|(_, l)| l);
        let elsewhere: Labels = others.chain(&names.output).copied().collect();
        all.push(Some(Named { x, labels: labels.clone() }.prepared(&names.extents, &elsewhere)))
    }
    for (i, j) in path {
        let (a, b) = (all[i].take().expect("an operand is used once"), all[j].take().expect("an operand is used once"));
        let wanted: Labels = all.iter().flatten().flat_map(|n| &n.labels).chain(&names.output).copied().collect();
        let product = a.times(&b, &wanted).prepared(&names.extents, &wanted);
        all.push(Some(product))
    }
    let last = all.pop().flatten().expect("a result");
    let y = prim::transpose(
        &last.x,
        &last.dims(&names.output.iter().copied().filter(|l| last.labels.contains(l)).collect::<Labels>()),
    );
    debug_assert_eq!(last.labels.len(), names.output.len(), "every name of the result");
    y
}
