//! Assertions about values: [`check!`](crate::check).

use super::callback::{Level, values};
use super::held::*;
use super::*;
use crate::debug::text::Template;
use crate::dtype::DType;
use crate::error::{ErrorKind, raise};
use crate::trace::bind;
use crate::trace::checkify::{CheckSet, Errors, at_lane};

/// Operand 0 is to hold; the others are the values in the message.
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, check};
/// let program = make_jaxpr(|x: &Array| { check!(x.sum().gt(0), "too small"); x + 1.0 }, (&array![1., 2.],));
/// assert!(program.to_string().contains("check[fmt=too small] c"), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Check {
    pub(crate) text: Template,
    /// The maps around it, the outermost first.
    pub(crate) lanes: Vec<Level>,
}
impl Check {
    fn sizes(&self) -> Vec<usize> {
        self.lanes.iter().map(|l| l.size).collect()
    }
    /// The axes of operand i for lanes: the level of each, in order.
    fn levels(&self, i: usize) -> Vec<usize> {
        (0..self.lanes.len()).filter(|l| self.lanes[*l].mapped[i]).collect()
    }
    /// Does it hold in all lanes? And of the first lane in which it does not its number, if there are lanes, and its values.
    fn first(&self, x: &[&Array]) -> (Array, Vec<Array>) {
        let owned = |x: &[&Array]| x.iter().map(|a| (*a).clone()).collect();
        if self.lanes.is_empty() {
            return (x[0].clone(), owned(&x[1..]));
        }
        let sizes = self.sizes();
        let each = reshape(&broadcast_in_dim(x[0], &sizes, &self.levels(0)), &[sizes.iter().product()]);
        let lane = argmin(&convert_element_type(&each, DType::Int32, false), 0, DType::Int32);
        let int = |n: usize| scalar_of(DType::Int32, false, n as f64);
        let at = |l: usize| {
            let inside: usize = sizes[l + 1..].iter().product();
            rem(&div(&lane, &int(inside.max(1))), &int(sizes[l].max(1)))
        };
        let mut all = vec![lane.clone()];
        for (i, x) in x.iter().enumerate().skip(1) {
            let levels = self.levels(i);
            let mut starts: Vec<Array> = levels.iter().map(|l| at(*l)).collect();
            starts.resize(x.ndim(), int(0));
            let mut box_sizes = x.shape().to_vec();
            box_sizes[..levels.len()].fill(1);
            let one = dynamic_slice(x, &starts.iter().collect::<Vec<_>>(), &box_sizes);
            all.push(reshape(&one, &x.shape()[levels.len()..]))
        }
        (reduce_and(&each, &[0]), all)
    }
}
impl Primitive for Check {
    fn name(&self) -> &'static str {
        "check"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let mut p: Vec<(&'static str, Param)> = vec![("fmt", self.text.to_string().into())];
        if !self.lanes.is_empty() {
            p.push(("lanes", crate::aval::tuple(&self.sizes()).into()))
        }
        p
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        if x[0].dtype != DType::Bool || x[0].shape.len() != self.levels(0).len() {
            return Err(format!("the condition must be one truth value (dtype bool), it has type {}", x[0]));
        }
        Ok(Avals::new())
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, _: &[Tangent], _: &mut Cotangents) {}
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mapped = given(dims);
        let x = in_front(x, dims, &mapped, lanes);
        let all = Check { text: self.text.clone(), lanes: Level::around(&self.lanes, lanes, &mapped) };
        bind(&all, &x.iter().collect::<Vec<_>>());
        Batched::new()
    }
    driven!();
    fn effect(&self) -> bool {
        true
    }
    fn checked(&self, set: CheckSet, x: &[&Array], loc: Loc) -> Option<(Errors, Outs)> {
        // of no lanes, none fails
        if !set.contains(CheckSet::USER) || self.sizes().contains(&0) {
            return Some((Errors::none(), Outs::new()));
        }
        let (ok, values) = self.first(x);
        Some((Errors::unless(&ok, self.text.clone(), values, self.sizes(), loc), Outs::new()))
    }
}
impl HigherOrder for Check {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let x = values(x, loc);
        let mut lane = 0;
        super::callback::each_lane(&self.lanes, &x, &mut |x| {
            if x[0].with_bytes(|b| b[0] == 0) {
                let mut text = self.text.render(&x[1..]);
                if !self.lanes.is_empty() {
                    text = format!("{}: {text}", at_lane(&crate::debug::watch::position(lane, &self.sizes())))
                }
                raise(Error::new(ErrorKind::Failed, text).at(loc))
            }
            lane += 1
        });
        Outs::new()
    }
    fn jvp_call(&self, x: &[&Array], _: &[Option<&Array>]) -> (Outs, Tangents) {
        bind(self, x);
        (Outs::new(), Tangents::new())
    }
    fn linearize(&self, x: &[&Array], _: &[bool]) -> Option<Linearized> {
        bind(self, x);
        Some(Linearized { outs: Outs::new(), out_mask: vec![], prim: None, operands: vec![] })
    }
}

/// A condition under which an operation does something that is rarely meant.
///
/// ```
/// use cotangent::{prelude::*, prim::{Div, Primitive, Sin}};
/// let (x, zero) = (array![1., 2.], array![1., 0.]);
/// assert_eq!((Div.pitfalls(&[&x, &zero]).len(), Sin.pitfalls(&[&x]).len()), (1, 0));
/// ```
pub struct Pitfall {
    pub(crate) what: CheckSet,
    /// It holds if all is well.
    pub(crate) ok: Array,
    pub(crate) text: Template,
    /// The values in the text.
    pub(crate) values: Vec<Array>,
}
impl Pitfall {
    /// A divisor that is zero somewhere.
    pub(super) fn by_zero(y: &Array) -> Pitfall {
        let ok = reduce_and(&ne(y, &lit(y, 0.0)), &(0..y.ndim()).collect::<Vec<_>>());
        Pitfall { what: CheckSet::DIV, ok, text: Template::of(&["division by zero"]), values: vec![] }
    }
    /// Indices along `axis` of an array of this type, of boxes that have this extent there. There is nothing to say of no index.
    pub(super) fn outside(who: &str, x: &Aval, axis: usize, extent: usize, index: &Array) -> Option<Pitfall> {
        if index.size() == 0 {
            return None;
        }
        let wide = convert_element_type(&reshape(index, &[index.size()]), DType::Int64, false);
        let last = x.shape[axis] as f64 - extent as f64;
        let inside = and(&ge(&wide, &lit(&wide, 0.0)), &le(&wide, &lit(&wide, last)));
        let first = argmin(&convert_element_type(&inside, DType::Int32, false), 0, DType::Int32);
        let bad = reshape(&dynamic_slice(&wide, &[&first], &[1]), &[]);
        let text = [
            &format!("{who}: index ")[..],
            &format!(" is out of bounds for axis {axis} of {x}: from 0 to {last} is inside"),
        ];
        let (what, ok) = (CheckSet::INDEX, reduce_and(&inside, &[0]));
        Some(Pitfall { what, ok, text: Template::of(&text), values: vec![bad] })
    }
    /// Start indices of a box, one for each dimension.
    pub(super) fn outside_box(who: &str, x: &Aval, starts: &[&Array], sizes: &[usize]) -> Vec<Pitfall> {
        (0..sizes.len()).filter_map(|d| Pitfall::outside(who, x, d, sizes[d], starts[d])).collect()
    }
    /// Index vectors, along the last dimension, whose components count along the dimensions in `map`.
    pub(super) fn outside_all(who: &str, x: &Aval, indices: &Array, map: &[usize], sizes: &[usize]) -> Vec<Pitfall> {
        let rank = indices.ndim() - 1;
        let component = |k: usize| {
            let (mut low, mut high) = (vec![0; rank + 1], indices.shape().to_vec());
            (low[rank], high[rank]) = (k, k + 1);
            slice(indices, &low, &high, None)
        };
        map.iter().enumerate().filter_map(|(k, d)| Pitfall::outside(who, x, *d, sizes[*d], &component(k))).collect()
    }
}

/// Recorded checks have been made values, or cannot be told.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    vec![Case {
        name: "one that holds",
        args: vec![crate::array(vec![1.5f64, -2.0])],
        run: |x| {
            let ok = reduce_and(&gt(&x[0], &lit(&x[0], -1e6)), &[0]);
            bind(&Check { text: Template::of(&["so small: ", ""]), lanes: vec![] }, &[&ok, &x[0]]);
            vec![sin(&x[0])]
        },
    }]
}
