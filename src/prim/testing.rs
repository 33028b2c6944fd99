//! What the harness in `tests/harness.rs` sees of the inside: staged programs, their tensor programs, and their equations one by one.

use super::*;
use crate::dtype::DType;
use crate::jaxpr::Atom;
use crate::trace::{bind, stage::stage_flat};

/// A function's program.
pub struct Staged {
    /// The program.
    pub jaxpr: Arc<Jaxpr>,
    /// The arrays that it takes before its arguments.
    pub captured: Vec<Array>,
}

/// The program of `f` for arguments of these types.
#[track_caller]
pub fn stage(f: &dyn Fn(&[Array]) -> Vec<Array>, args: &[Array]) -> Staged {
    let avals: Vec<Aval> = args.iter().map(|a| a.aval().clone()).collect();
    let (jaxpr, captured) = stage_flat(&mut |x| f(x), &avals, std::panic::Location::caller());
    Staged { jaxpr, captured }
}

/// The tensor program that the engine compiles, and the constants that it takes after the inputs. Nothing if the program has control flow, which
/// runs in parts.
pub fn program(j: &Jaxpr) -> Option<(cotangent_cpu::Program, Vec<Array>)> {
    (!j.driven()).then(|| (crate::backend::program(j), crate::backend::constants(j)))
}

/// Does a value of this type differ over some named axis?
pub fn varies(a: &Aval) -> bool {
    a.varying != 0
}

/// Is it a list of arrays, as long as a loop took turns?
pub fn is_stack(a: &Array) -> bool {
    a.aval().stack > 0
}
/// The row-major little-endian bytes of a concrete array.
pub fn bytes(a: &Array) -> Vec<u8> {
    a.with_bytes(|b| b.to_vec())
}
/// An array of this type from its row-major little-endian bytes.
pub fn from_bytes(aval: &Aval, bytes: &[u8]) -> Array {
    Array::from_bytes(aval.clone(), bytes)
}

/// For samples: x in each of some element types that are accepted.
pub(crate) fn in_types(x: &Array, takes: impl Fn(DType) -> bool) -> Vec<Array> {
    use DType::*;
    let to = |t: DType| {
        if t.is_complex() && !x.dtype().is_complex() {
            let re = convert_element_type(x, t.real_part(), false);
            return complex(&re, &mul(&re, &lit(&re, 0.5)));
        }
        convert_element_type(x, t, false)
    };
    let all = [Bool, Int8, Int16, Int64, Uint8, Uint32, Uint64, Float16, BFloat16, Float32, Complex64];
    all.into_iter().filter(|t| takes(*t)).map(to).collect()
}
/// For samples: a scalar, nothing, and one element in two dimensions.
pub(crate) fn odd_shapes() -> Vec<Array> {
    vec![
        Array::from_slice(&[1.5f64], &[]),
        Array::from_slice::<f64>(&[], &[0, 2]),
        Array::from_slice(&[2.0f64], &[1, 1]),
    ]
}
/// For samples: real and imaginary parts, if it has them.
pub(crate) fn components(x: &Array) -> Vec<Array> {
    if x.dtype().is_complex() { vec![real(x), imag(x)] } else { vec![x.clone()] }
}
/// For samples: numbers of a type that is not differentiated, if they were of one that is.
pub(crate) fn undifferentiated(x: Array) -> Array {
    if x.dtype() == DType::Float64 { convert_element_type(&x, DType::Float32, false) } else { x }
}

/// An operation on certain values.
pub struct Equation {
    prim: Box<dyn Primitive>,
    /// Its operands.
    pub args: Vec<Array>,
}

/// The operations that the program does on these inputs, those of the programs that it calls included.
pub fn equations(j: &Jaxpr, inputs: &[Array]) -> Vec<Equation> {
    let mut all = vec![];
    walk(j, inputs, &mut all);
    all
}
fn walk(j: &Jaxpr, inputs: &[Array], all: &mut Vec<Equation>) {
    let mut env: Vec<Option<Array>> = vec![None; j.avals.len()];
    for (v, a) in j.ins.iter().zip(inputs).chain(j.consts.iter().map(|(v, a)| (v, a))) {
        env[*v as usize] = Some(a.clone())
    }
    for (k, e) in j.eqns.iter().enumerate() {
        let value = |a: &Atom| match a {
            Atom::Var(v) => env[*v as usize].clone().expect("a value made before"),
            Atom::Lit(l) => l.array(),
        };
        let equation = Equation { prim: e.prim.boxed(), args: j.args(k).iter().map(value).collect() };
        for (v, y) in (e.out as usize..).zip(equation.run(&equation.args)) {
            env[v] = Some(y)
        }
        if let Some(inner) = e.prim.inline() {
            walk(inner, &equation.args, all)
        }
        all.push(equation)
    }
}

impl Equation {
    /// JAX's name of the operation.
    pub fn name(&self) -> &'static str {
        self.prim.name()
    }
    /// A parameter as it prints, if it has one of this name and that is text.
    pub fn param(&self, name: &str) -> Option<String> {
        self.prim.params().into_iter().find(|(n, _)| *n == name).and_then(|(_, p)| match p {
            Param::Text(t) => Some(t),
            _ => None,
        })
    }
    /// The operation with its parameters and the types of its operands.
    pub fn text(&self) -> String {
        let types: Vec<_> = self.args.iter().map(|a| a.aval().to_string()).collect();
        format!("{:?} of {}", self.prim, types.join(", "))
    }
    /// The operations of the program that it calls, if it calls one, and of those that this calls.
    pub fn called(&self) -> Vec<&'static str> {
        fn held(prim: &dyn Primitive, all: &mut Vec<&'static str>) {
            for e in prim.inline().iter().flat_map(|j| &j.eqns) {
                all.push(e.prim.name());
                held(&*e.prim, all)
            }
        }
        let mut all = vec![];
        held(&*self.prim, &mut all);
        all
    }
    /// Does it claim to be linear in these operands, taken together?
    pub fn linear_in(&self, mask: &[bool]) -> bool {
        self.prim.linear_in(mask)
    }
    /// The operation on other operands.
    pub fn run(&self, args: &[Array]) -> Vec<Array> {
        bind(&*self.prim, &args.iter().collect::<Vec<_>>()).into_vec()
    }
}
