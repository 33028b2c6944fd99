//! Operations on stacks, the lists in which loops of unknown length leave their residuals. They occur only in programs that were made by
//! transformations: see [`array/stack.rs`](crate::array) for what a stack is.

use super::held::*;
use super::*;
use crate::array::stack::Item;
use crate::trace::batch::{batch_jaxpr, to_front};
use crate::trace::stage::stage_rule;
use crate::trace::transpose::{transpose_jaxpr, varied};
use crate::trace::{bind, bind1};
use crate::dtype::DType;

/// The sum of two cotangents, of arrays or of stacks.
pub(crate) fn add_cotangents(a: &Array, b: &Array) -> Array {
    if a.aval().stack == 0 { add_any(a, b) } else { bind1(&StackAdd, &[a, b]) }
}
/// A stack with lanes in front of the shape of its elements, the same for all.
pub(crate) fn stack_to_lanes(x: &Array, size: usize) -> Array {
    let element = Aval { stack: 0, ..x.aval().clone() };
    each(x, stage_rule(&[element], |a| vec![to_front(&a[0], None, size)]))
}
/// The sum over the lanes, which are the first axis: of an array or of the elements of a stack.
pub(crate) fn sum_lanes(x: &Array) -> Array {
    if x.aval().stack == 0 {
        return reduce_sum(x, &[0]);
    }
    let element = Aval { stack: 0, ..x.aval().clone() };
    each(x, stage_rule(&[element], |a| vec![reduce_sum(&a[0], &[0])]))
}
fn each(x: &Array, body: Arc<Jaxpr>) -> Array {
    bind1(&StackEach { body }, &[x])
}

/// Sums of the elements of two stacks. An empty one is zeros.
///
/// ```
/// use cotangent::prim::{Primitive, StackAdd};
/// assert_eq!((StackAdd.name(), StackAdd.linear_in(&[true, true])), ("stack_add", true));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackAdd;
impl Primitive for StackAdd {
    fn name(&self) -> &'static str {
        "stack_add"
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        if x[0].dtype != x[1].dtype || x[0].shape != x[1].shape || x[0].stack != x[1].stack || x[0].stack == 0 {
            return Err(format!("a sum of stacks of type {} and {}", x[0], x[1]));
        }
        Ok(one(Aval { varying: varying(x), weak: x[0].weak && x[1].weak, ..x[0].clone() }))
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(add_tangents(dx[0].cloned(), dx[1].cloned()))
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        mask.iter().all(|m| *m)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let ct = ct[0].as_ref().expect("a cotangent");
        io.add(0, ct.clone());
        io.add(1, ct.clone())
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let x = in_front(x, dims, &[true, true], lanes);
        one((bind1(self, &[&x[0], &x[1]]), Some(0)))
    }
    driven!(own jvp);
}
impl HigherOrder for StackAdd {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let add = |a: &Array, b: &Array| {
            let sum = AddAny;
            crate::trace::first(crate::trace::eval::process(&sum, &[a, b], loc))
        };
        one(x[0].add_stack(x[1], &add))
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        (bind(self, x), self.jvp(x, dx, &[]))
    }
    /// Its derivative is itself, on the tape as it is.
    fn linearize(&self, _: &[&Array], _: &[bool]) -> Option<Linearized> {
        None
    }
}

/// A linear program on every element of a stack.
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, prim};
/// // the sample of this operation that has lanes
/// let samples = prim::cases().into_iter().find(|(family, _)| *family == "stacks").unwrap().1;
/// let lanes = samples.iter().find(|s| s.name == "lanes").unwrap();
/// let program = make_jaxpr(|x: &Vec<Array>| (lanes.run)(x), (&lanes.args,));
/// assert!(program.primitives().any(|p| p == "stack_each"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackEach {
    body: Arc<Jaxpr>,
}
impl StackEach {
    fn on(&self, x: &Array, aval: &Aval, loc: Loc) -> Array {
        if x.aval().stack == 0 {
            return crate::trace::first(crate::backend::run_jaxpr(&self.body, &[x], loc));
        }
        let element = Aval { stack: x.aval().stack - 1, ..x.aval().clone() };
        let inner = Aval { stack: aval.stack - 1, ..aval.clone() };
        let items = (0..x.items().len()).map(|k| Item::whole(self.on(&x.item_at(k, &element), &inner, loc)));
        Array::stack(aval.clone(), items.collect())
    }
}
impl Primitive for StackEach {
    fn name(&self) -> &'static str {
        "stack_each"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![("jaxpr", Param::Jaxpr(self.body.clone()))]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let out = call_types(&self.body, &[&Aval { stack: 0, ..x[0].clone() }])?;
        Ok(out.into_iter().map(|a| Aval { stack: x[0].stack, ..a }).collect())
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        one(dx[0].map(|d| bind1(self, &[d])))
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let body = transpose_jaxpr(&self.body, &[true], &varied(ct), io.reduce(), true).0.clone();
        io.add(0, each(ct[0].as_ref().expect("a cotangent"), body))
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], _: &[Option<usize>]) -> Batched {
        let body = batch_jaxpr(&self.body, lanes, &[true], &[true]).0.clone();
        one((each(x[0], body), Some(0)))
    }
    driven!(own jvp);
}
impl HigherOrder for StackEach {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let aval = self.abstract_eval(&[x[0].aval()]).expect("a type that fits").remove(0);
        one(self.on(x[0], &aval, loc))
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        (bind(self, x), self.jvp(x, dx, &[]))
    }
    fn linearize(&self, _: &[&Array], _: &[bool]) -> Option<Linearized> {
        None
    }
}

pub(super) const READ: &[Read] = &[];
/// Loops that leave stacks, and a loop that takes their elements again.
pub(super) fn cases() -> Vec<Case> {
    use super::scan::Scan;
    use super::while_loop::While;
    let two = || vec![crate::array(vec![0.25f64, 0.5]), crate::array(vec![1.5f64, 1.25])];
    /// Two stacks from some turns, what `f` makes of them, and the sum of its elements.
    fn run(x: &[Array], turns: f64, f: fn(&[Array]) -> Array) -> Vec<Array> {
        let count = convert_element_type(&crate::array(0), DType::Int32, false);
        let types: Vec<Aval> = x.iter().chain([&count]).map(|x| x.aval().clone()).collect();
        let cond = stage_rule(&types[1..], |a| vec![lt(&a[1], &lit(&a[1], turns))]);
        let body = stage_rule(&types, |a| {
            vec![mul(&a[1], &sin(&a[0])), add(&a[2], &lit(&a[2], 1.0)), exp(&a[1]), mul(&a[0], &a[1])]
        });
        let outs = bind(&While { cond, body, n_cond: 0, n_body: 1, record: true }, &[&x[0], &x[1], &count]);
        let elements = f(&outs[3..]);
        let body = stage_rule(&[types[1].clone(), types[1].clone()], |a| vec![add(&a[0], &a[1])]);
        let sum = Scan { body, n_consts: 0, n_carry: 1, length: None, reverse: false, unroll: 1, tangents: vec![] };
        vec![outs[0].clone(), bind1(&sum, &[&outs[2], &zeros_of(&types[1]), &elements])]
    }
    vec![
        Case { name: "sums", args: two(), run: |x| run(x, 3.0, |s| add_cotangents(&s[0], &s[1])) },
        Case { name: "of no turn", args: two(), run: |x| run(x, 0.0, |s| add_cotangents(&s[0], &s[1])) },
        Case {
            name: "lanes",
            args: two(),
            run: |x| run(x, 3.0, |s| sum_lanes(&stack_to_lanes(&add_cotangents(&s[0], &zeros_of(s[1].aval())), 2))),
        },
    ]
}
