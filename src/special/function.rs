//! Functions of numbers, element by element, whose derivative is known in closed form: each is a row of a table, with its value as a composition and its slopes.
//!
//! They are operations of one kind, made with the trait that users have, [`extend::Operation`](crate::extend::Operation). So a loop in a value is never differentiated, and the
//! lanes of a map run through it together.

use crate::array::{Array, broadcast_shapes};
use crate::aval::{Aval, tuple};
use crate::dtype::{DType, promote_all};
use crate::error::{ErrorKind, fail};
use crate::extend::{Lanes, Operation, Value, bind1};
use crate::prim::{self, convert_element_type, mul};

/// A function of one or more numbers.
pub(crate) struct Row {
    /// As a printed program and errors call it.
    pub name: &'static str,
    /// The value. Operands have one shape and one type.
    pub value: fn(&[Array]) -> Array,
    /// The derivatives with respect to each operand.
    pub slopes: &'static [Slope],
    /// The type that it computes with, if it is not that of the operands.
    pub wide: Option<DType>,
}
/// A derivative.
pub(crate) enum Slope {
    /// From the operands and the result.
    Of(fn(&[&Array], &Array) -> Array),
    /// There is none, and why.
    Missing(&'static str),
    /// It is not differentiated: the operand chooses among functions.
    Zero,
}

#[derive(Clone, Copy)]
struct Fun(&'static Row);
impl std::fmt::Debug for Fun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name)
    }
}
impl PartialEq for Fun {
    fn eq(&self, o: &Fun) -> bool {
        self.0.name == o.0.name
    }
}
impl Eq for Fun {}
impl std::hash::Hash for Fun {
    fn hash<H: std::hash::Hasher>(&self, h: &mut H) {
        self.0.name.hash(h)
    }
}
impl Operation for Fun {
    fn name(&self) -> &'static str {
        self.0.name
    }
    fn value(&self) -> Value<Fun> {
        Value::Composition(|f, x| {
            let shapes: Vec<&[usize]> = x.iter().map(|x| x.shape()).collect();
            let shape = broadcast_shapes(&shapes).expect("operands of one shape");
            let own = x[0].aval().clone();
            let spread = |x: &Array| {
                let x = crate::np::broadcast_to(x, &shape);
                f.0.wide.map_or_else(|| x.clone(), |t| convert_element_type(&x, t, x.weak_type()))
            };
            let y = (f.0.value)(&x.iter().map(spread).collect::<Vec<_>>());
            vec![convert_element_type(&y, own.dtype, x.iter().all(|x| x.weak_type()))]
        })
    }
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        let dtype = prim::same_dtype(x)?;
        prim::Takes::Float.check(dtype)?;
        Ok(vec![prim::elementwise(dtype, x)?])
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], y: &[Array]) -> Vec<Option<Array>> {
        let mut total = None;
        for (slope, d) in self.0.slopes.iter().zip(dx) {
            let Some(d) = d else { continue };
            let term = match slope {
                Slope::Of(slope) => mul(d, &slope(x, &y[0])),
                Slope::Zero => continue,
                Slope::Missing(why) => fail(
                    ErrorKind::NotDifferentiable,
                    format!("{}: {why}; stop_gradient says that it is constant", self.0.name),
                ),
            };
            total = prim::add_tangents(total, Some(term));
        }
        vec![total]
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
        let (x, d) = prim::align(x, dims);
        vec![(bind1(self, &x.iter().collect::<Vec<_>>()), Some(d))]
    }
}

/// The operands as floating-point numbers of one type and one shape.
#[track_caller]
pub(crate) fn together(name: &str, x: &[&Array]) -> Vec<Array> {
    for x in x {
        if !x.dtype().is_number() || x.dtype().is_complex() {
            fail(ErrorKind::Type, format!("{name}: takes real numbers, not elements of type {}", x.dtype()))
        }
    }
    let (dtype, weak) = promote_all(x.iter().map(|x| (x.dtype(), x.weak_type())));
    let dtype = dtype.to_inexact();
    let shapes: Vec<&[usize]> = x.iter().map(|x| x.shape()).collect();
    let Some(shape) = broadcast_shapes(&shapes) else {
        let list: Vec<String> = shapes.iter().map(|s| tuple(s)).collect();
        fail(ErrorKind::Shape, format!("{name}: shapes {} do not broadcast", list.join(", ")))
    };
    let mut all = vec![];
    for x in x {
        let x = crate::np::broadcast_to(x, &shape);
        let fits = x.dtype() == dtype && (x.weak_type() == weak || !x.is_tracer());
        all.push(if fits { x } else { convert_element_type(&x, dtype, weak) })
    }
    all
}
/// One operand as a floating-point number.
#[track_caller]
pub(crate) fn real(name: &str, x: &Array) -> Array {
    together(name, &[x]).remove(0)
}

/// The function of these operands, which promote and broadcast.
#[track_caller]
pub(crate) fn apply(row: &'static Row, x: &[&Array]) -> Array {
    let x = together(row.name, x);
    bind1(&Fun(row), &x.iter().collect::<Vec<_>>())
}
