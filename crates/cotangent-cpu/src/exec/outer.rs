//! Products of columns with rows: sums of one product each are a map, which merges with what reads it and needs no memory of its own.

use crate::{Body, Dt, Kind, Node, Op, Program, Use};

/// The program with such products as maps; none, if there are none.
///
/// Their sums begin with +0, as all do: what is computed is `fma(a, b, +0)`.
pub fn maps(p: &Program) -> Option<Program> {
    let mut to: Option<Program> = None;
    for (i, node) in p.nodes.iter().enumerate() {
        let (Kind::Dot(spec), &[a, b]) = (&node.kind, p.uses_of(node)) else { continue };
        let (ty, plain) = (p.ty(node.vals.0), |u: &Use| p.ty(u.val).dt == spec.acc);
        let dt = ty.dt;
        let known = matches!(dt, Dt::F32 | Dt::F64) && dt == spec.acc && plain(&a) && plain(&b);
        if !known || p.dims_of(&a)[2] != 1 {
            continue;
        }
        // The column along the result's rows, the row along its columns.
        let along = |u: &Use, d: usize| {
            let mut view = p.view_of(u);
            view.dims = ty.dims.clone();
            view.strides[d] = 0;
            view.guards.is_empty().then_some(view)
        };
        let (Some(column), Some(row)) = (along(&a, 2), along(&b, 1)) else { continue };
        let to = to.get_or_insert_with(|| p.clone());
        let mut body = Body::default();
        let [x, y, zero] = [body.input(0, dt), body.input(1, dt), body.num(dt, 0.0)];
        let product = body.push(Op::MulAdd, dt, x, y, zero);
        body.outs.push(product);
        let uses = [(a, column), (b, row)].map(|(u, view)| {
            to.views.push(view);
            Use { view: Some(to.views.len() as u32 - 1), ..u }
        });
        let first = to.uses.len() as u32;
        to.uses.extend(uses);
        to.nodes[i] = Node { kind: Kind::Map(body.into()), uses: (first, 2), vals: node.vals };
    }
    to
}
