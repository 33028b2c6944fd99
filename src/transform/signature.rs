//! For which arguments a function was staged, and how they differ from others.

use crate::Arguments;
use crate::array::Array;
use crate::aval::{Aval, tuple};
use crate::trace::axis::Axis;
use crate::tree::{Structure, StructureWriter};

/// Structure and types of the arguments, and the named axes that are bound around.
pub(crate) struct Signature {
    pub structure: Structure,
    pub axes: Vec<Axis>,
    pub avals: Vec<Aval>,
}
impl Signature {
    pub(crate) fn of<A: Arguments>(args: A::Refs<'_>, axes: Vec<Axis>, x: &[&Array]) -> Signature {
        let mut w = StructureWriter::default();
        A::walk_refs(args, &mut w);
        Signature { structure: w.finish(), axes, avals: x.iter().map(|a| a.aval().clone()).collect() }
    }
    /// Is it that of these arguments?
    pub(crate) fn serves<A: Arguments>(&self, args: A::Refs<'_>, axes: &[Axis], x: &[&Array]) -> bool {
        self.avals.len() == x.len() && self.avals.iter().zip(x).all(|(a, x)| a == x.aval()) && self.axes == axes && {
            let mut same = self.structure.matcher();
            A::walk_refs(args, &mut same);
            same.finish()
        }
    }
    /// How another one differs, with words for this one and for the other.
    pub(crate) fn differences(&self, other: &Signature, was: &str, is: &str) -> Vec<String> {
        let mut all = vec![];
        let mut differ = |what: String, a: String, b: String| all.push(format!("{what} {a} {was}, {b} {is}"));
        if let Some(m) = self.structure.difference(&other.structure) {
            let place = if m.path.is_empty() { "the arguments:".into() } else { format!("argument {}:", m.path) };
            differ(place, m.first, m.second)
        } else {
            let axes = |a: &Aval, s: &Signature| {
                let names: Vec<String> =
                    s.axes.iter().filter(|x| a.varying & x.bit != 0).map(|x| x.name.to_string()).collect();
                tuple(&names)
            };
            for ((path, a), b) in self.structure.paths().iter().zip(&self.avals).zip(&other.avals) {
                let mut what = |name: &str, a: String, b: String| {
                    if a != b {
                        differ(format!("argument {path}: {name}"), a, b)
                    }
                };
                what("element type", a.dtype.name().into(), b.dtype.name().into());
                what("shape", tuple(&a.shape), tuple(&b.shape));
                let weak = |a: &Aval| if a.weak { "weak, as that of a number," } else { "strong" };
                what("type", weak(a).into(), weak(b).into());
                what("varying over the axes", axes(a, self), axes(b, other));
                what("lists in it", a.stack.to_string(), b.stack.to_string())
            }
        }
        let axis = |a: &Axis| format!("{} of {} {}", a.name, a.size, if a.devices { "devices" } else { "lanes" });
        let axes = |s: &Signature| match &s.axes[..] {
            [] => "none".into(),
            axes => axes.iter().map(axis).collect::<Vec<_>>().join(", "),
        };
        if self.axes != other.axes {
            differ("named axes:".into(), axes(self), axes(other))
        }
        all
    }
}
