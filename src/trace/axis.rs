//! Named axes: lanes of `vmap`, and axes of a mesh of devices. A map that names its axis gives it a bit, the lowest that no enclosing map uses, and
//! values say by these bits over which axes they vary. A name is resolved where an operation is bound: the innermost map with that name.

use super::*;
use crate::aval::AxisSet;
use std::sync::Arc;

/// A named axis that is bound: its name, its bit, the number of its lanes, and whether they are devices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Axis {
    pub(crate) name: Arc<str>,
    pub(crate) bit: AxisSet,
    pub(crate) size: usize,
    pub(crate) devices: bool,
}

thread_local! {
    /// Axes that are bound although no map of them is running here.
    static PROVIDED: RefCell<Vec<Axis>> = const { RefCell::new(vec![]) };
}
/// Takes the axes away again.
pub(crate) struct Provided(Vec<Axis>);
impl Drop for Provided {
    fn drop(&mut self) {
        PROVIDED.set(std::mem::take(&mut self.0))
    }
}
/// Binds axes for a rule that was staged inside maps of them, and runs where there is only the program.
pub(crate) fn provide(axes: &[Axis]) -> Provided {
    Provided(PROVIDED.replace(axes.to_vec()))
}

/// The axes bound around here, innermost first.
pub(crate) fn bound() -> Vec<Axis> {
    let mut axes: Vec<Axis> = vec![];
    let mut t = current();
    while let Some(now) = t {
        match &now.kind {
            Kind::Batch(lanes) => axes.extend(lanes.axis.clone()),
            Kind::Mesh(mesh) => axes.extend(mesh.iter().rev().cloned()),
            _ => {}
        }
        t = now.parent.clone();
    }
    PROVIDED.with_borrow(|more| {
        for a in more {
            if axes.iter().all(|b| a.bit != b.bit) {
                axes.push(a.clone())
            }
        }
    });
    axes
}

/// A new axis for a map inside the current trace.
pub(crate) fn fresh(name: &str, size: usize) -> Axis {
    new(name, size, bits(&bound()))
}
/// New axes for a mesh of devices inside the current trace, outermost first.
pub(crate) fn fresh_mesh<'a>(axes: impl Iterator<Item = (&'a str, usize)>) -> Vec<Axis> {
    let mut used = bits(&bound());
    axes.map(|(name, size)| {
        let axis = Axis { devices: true, ..new(name, size, used) };
        used |= axis.bit;
        axis
    })
    .collect()
}
fn new(name: &str, size: usize, used: AxisSet) -> Axis {
    let bit = !used & (!used).wrapping_neg();
    if bit == 0 {
        crate::error::fail(ErrorKind::Axis, format!("more than {} named axes are nested", AxisSet::BITS))
    }
    Axis { name: name.into(), bit, size, devices: false }
}
/// The set of these axes.
pub(crate) fn bits(axes: &[Axis]) -> AxisSet {
    axes.iter().fold(0, |s, a| s | a.bit)
}

/// The innermost axis of this name.
#[track_caller]
pub(crate) fn resolve(op: &str, name: &str) -> Axis {
    let axes = bound();
    match axes.iter().find(|a| &*a.name == name) {
        Some(a) => a.clone(),
        None => {
            let known = axes.iter().map(|a| &*a.name).collect::<Vec<_>>().join(", ");
            let known =
                if known.is_empty() { "no axis is bound here".to_string() } else { format!("bound here: {known}") };
            crate::error::fail(
                ErrorKind::Axis,
                format!(
                    "{op}: unbound axis name: {name} ({known}); name it with Vmap::new().axis_name(\"{name}\"), the same of Pmap, \
                     or a Mesh with this axis"
                ),
            )
        }
    }
}
