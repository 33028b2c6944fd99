//! A program that runs on every device of a mesh, each on its piece of the arrays.
//!
//! The program's types are those of one device's pieces, and they say over which axes of the mesh a value varies. A transformation of the operation
//! transforms its program. What a transformed program needs of another one (a residual) is laid side by side if it varies, one device's piece after
//! the other's; a stack is one item in a stack of the devices' stacks. A cotangent of what every device has is the sum over the devices, where
//! it varies.

use super::held::*;
use super::*;
use crate::array::stack::Item;
use crate::devices::P;
use crate::devices::team::{Work, run};
use crate::trace::axis::{Axis, bits, bound, provide};
use crate::trace::batch::batch_jaxpr;
use crate::trace::bind;
use crate::trace::jvp::jvp_jaxpr;
use crate::trace::linearize::{Residual, linear_operands, linearize_jaxpr};
use crate::trace::stage::stage_rule;
use crate::trace::transpose::transpose_jaxpr;
use cotangent_cpu::Buffer;

/// How an array lies over a mesh: for each dimension the numbers of the axes along which it is split, the outermost first. Dimensions
/// that are missing are not split.
pub(crate) type Spec = Vec<Vec<usize>>;

/// See [`shard_map`](crate::shard_map()).
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, pmap};
/// let program = make_jaxpr(pmap(|x: &Array| x * 2.0), (&array![1., 2.],));
/// assert!(program.to_string().contains("shard_map["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShardMap {
    pub(crate) body: Arc<Jaxpr>,
    pub(crate) axes: Arc<[Axis]>,
    pub(crate) ins: Vec<Spec>,
    pub(crate) outs: Vec<Spec>,
}
/// The axes that a layout names.
pub(crate) fn named(spec: &Spec, axes: &[Axis]) -> AxisSet {
    spec.iter().flatten().fold(0, |s, k| s | axes[*k].bit)
}
/// Into how many pieces dimension `d` is split.
pub(crate) fn pieces(spec: &Spec, d: usize, axes: &[Axis]) -> usize {
    spec.get(d).map_or(1, |along| along.iter().map(|k| axes[*k].size).product())
}
/// The layout as the user writes it.
pub(crate) fn written(spec: &Spec, axes: &[Axis]) -> P {
    let name = |k: &usize| axes[*k].name.to_string();
    P { along: spec.iter().map(|along| along.iter().map(name).collect()).collect() }
}
/// The type of one device's piece.
pub(crate) fn piece(a: &Aval, spec: &Spec, axes: &[Axis]) -> Result<Aval, String> {
    if a.stack > 0 {
        return Ok(Aval { stack: a.stack - 1, varying: a.varying | bits(axes), ..a.clone() });
    }
    if spec.len() > a.ndim() {
        return Err(format!("{} splits {} dimensions, and type {a} has {}", written(spec, axes), spec.len(), a.ndim()));
    }
    let mut out = a.clone();
    for (d, n) in out.shape.iter_mut().enumerate() {
        let k = pieces(spec, d, axes);
        if *n % k != 0 {
            let along = written(&vec![spec[d].clone()], axes);
            return Err(format!("dimension {d} of {a}, of extent {n}, cannot be split into {k} equal pieces by {along}"));
        }
        *n /= k
    }
    out.varying |= named(spec, axes);
    Ok(out)
}

impl ShardMap {
    fn with(&self, body: Arc<Jaxpr>, ins: Vec<Spec>, outs: Vec<Spec>) -> ShardMap {
        ShardMap { body, axes: self.axes.clone(), ins, outs }
    }
    /// The bits of the mesh's axes.
    fn mesh(&self) -> AxisSet {
        bits(&self.axes)
    }
    /// The axes over which pieces of a value of this type differ.
    fn over(&self, whole: &Aval, spec: &Spec) -> AxisSet {
        if whole.stack > 0 { self.mesh() } else { named(spec, &self.axes) }
    }
    fn none(&self) -> Vec<bool> {
        vec![false; self.outs.len()]
    }
    /// The whole array that pieces of this type make.
    fn whole(&self, a: &Aval, spec: &Spec) -> Aval {
        let mut out = if a.stack > 0 { a.stacked() } else { a.clone() };
        out.shape.iter_mut().enumerate().for_each(|(d, n)| *n *= pieces(spec, d, &self.axes));
        out.varying &= !self.mesh();
        out
    }
    /// The axes of the mesh and those bound around: programs are derived where nothing is bound.
    fn provided(&self) -> crate::trace::axis::Provided {
        let mut all = self.axes.to_vec();
        all.extend(bound().into_iter().filter(|a| a.bit & self.mesh() == 0));
        provide(&all)
    }
    /// Where the piece of device `d` begins.
    fn corner(&self, spec: &Spec, piece: &[usize], d: usize) -> Vec<usize> {
        let place = |k: usize| d / self.axes[k + 1..].iter().map(|a| a.size).product::<usize>() % self.axes[k].size;
        let number = |along: &Vec<usize>| along.iter().fold(0, |i, k| i * self.axes[*k].size + place(*k));
        (0..piece.len()).map(|i| spec.get(i).map_or(0, number) * piece[i]).collect()
    }
    /// The piece of device `d`.
    fn take(&self, x: &Array, spec: &Spec, d: usize, piece: &Aval) -> Array {
        if x.aval().stack > 0 {
            // an empty stack is zeros, of every device
            let item = x.items().get(d).map(|i| i.value.clone());
            return item.unwrap_or_else(|| crate::array::stack::concrete_zeros(piece));
        }
        if named(spec, &self.axes) == 0 {
            return x.clone();
        }
        let shape: Vec<usize> = (0..x.ndim()).map(|i| x.shape()[i] / pieces(spec, i, &self.axes)).collect();
        let from = self.corner(spec, &shape, d);
        if spec[1..].iter().all(|along| along.is_empty()) {
            // rows lie together
            let row: usize = shape[1..].iter().product::<usize>() * x.dtype().size();
            let aval = Aval { varying: 0, ..x.aval().with_shape(shape.iter().copied()) };
            return x.with_bytes(|b| Array::from_bytes(aval, &b[from[0] * row..(from[0] + shape[0]) * row]));
        }
        let to: Vec<usize> = from.iter().zip(&shape).map(|(i, n)| i + n).collect();
        slice(x, &from, &to, None)
    }
    /// The array of which every device has a piece.
    fn put(&self, pieces: &[&Array], spec: &Spec, aval: Aval) -> Array {
        if aval.stack > 0 {
            return Array::stack(aval, pieces.iter().map(|p| Item::whole((*p).clone())).collect());
        }
        if named(spec, &self.axes) == 0 {
            debug_assert!(
                pieces.iter().all(|p| p.with_bytes(|a| pieces[0].with_bytes(|b| a == b))),
                "what every device has differs"
            );
            return pieces[0].relabel(aval);
        }
        let mut all = Array::from_buffer(aval.clone(), Buffer::zeroed(aval.size() * aval.dtype.size()));
        for (d, p) in pieces.iter().enumerate() {
            // devices along axes that are not named have the same
            let unnamed = |k: usize| !spec.iter().flatten().any(|s| *s == k);
            let place = |k: usize| d / self.axes[k + 1..].iter().map(|a| a.size).product::<usize>() % self.axes[k].size;
            if (0..self.axes.len()).all(|k| !unnamed(k) || place(k) == 0) {
                let done = all.write_box(p, &self.corner(spec, p.shape(), d));
                debug_assert!(done, "an array of our own")
            }
        }
        all
    }
}

impl Primitive for ShardMap {
    fn name(&self) -> &'static str {
        "shard_map"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let specs = |s: &[Spec]| {
            let all: Vec<String> = s.iter().map(|s| written(s, &self.axes).to_string()).collect();
            crate::aval::tuple(&all)
        };
        let axes: Vec<String> = self.axes.iter().map(|a| format!("'{}': {}", a.name, a.size)).collect();
        let mut names: Vec<String> = self.axes.iter().map(|a| format!("'{}'", a.name)).collect();
        names.sort();
        let kinds = crate::aval::tuple(&vec!["Auto"; axes.len()]);
        vec![
            ("check_vma", "True".into()),
            ("in_specs", specs(&self.ins).into()),
            ("jaxpr", Param::Jaxpr(self.body.clone())),
            ("mesh", format!("Mesh({}, axis_types={kinds})", axes.join(", ")).into()),
            ("newly_manual_axes", format!("frozenset({{{}}})", names.join(", ")).into()),
            ("out_specs", specs(&self.outs).into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        if x.len() != self.ins.len() {
            return Err(format!("the program takes {} arguments, and is given {}", self.ins.len(), x.len()));
        }
        let pieces: Vec<Aval> = x.iter().zip(&self.ins).map(|(a, s)| piece(a, s, &self.axes)).collect::<Result<_, _>>()?;
        // an axis around that has the bit of one of ours has nothing to do with the program
        let around = varying(x) & self.mesh();
        let local: Vec<Aval> = (0..x.len()).map(|i| {
            let varying = x[i].varying & !self.mesh() | self.over(x[i], &self.ins[i]);
            Aval { varying, ..pieces[i].clone() }
        }).collect();
        let out = call_types(&self.body, &local.iter().collect::<Vec<_>>())?;
        Ok(out.iter().zip(&self.outs).map(|(a, s)| {
            let whole = self.whole(a, s);
            Aval { varying: whole.varying | around, ..whole }
        }).collect())
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        self.body.linear_outs(mask).is_some_and(|outs| outs.iter().all(|o| *o))
    }
    fn linear_outs(&self, mask: &[bool], zero: &[bool], _: usize) -> Option<Vec<bool>> {
        self.body.follow(mask, zero, true).map(|f| f.0)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let linear: Vec<bool> = (0..io.len()).map(|i| io.is_linear(i)).collect();
        // each device has its piece of a cotangent, or all have the whole
        let of = |(ct, s): (&Tangent, &Spec)| {
            ct.as_ref().map(|ct| ct.aval().varying & !self.mesh() | self.over(ct.aval(), s))
        };
        let sets: Vec<Option<AxisSet>> = ct.iter().zip(&self.outs).map(of).collect();
        let back = {
            let _axes = self.provided();
            transpose_jaxpr(&self.body, &linear, &sets, io.reduce() | self.mesh(), false)
        };
        let known: Vec<usize> = (0..io.len()).filter(|i| !linear[*i]).collect();
        let wanted: Vec<usize> = (0..io.len()).filter(|i| linear[*i]).collect();
        let wanted: Vec<usize> = picked(&wanted, &back.1).copied().collect();
        let cts = given(ct);
        let ins = known.iter().map(|i| &self.ins[*i]).chain(picked(&self.outs, &cts)).cloned().collect();
        let outs = wanted.iter().map(|i| self.ins[*i].clone()).collect();
        let args: Vec<Array> =
            known.iter().map(|i| io.known(*i)).chain(ct.iter().flatten()).cloned().collect();
        let y = bind(&self.with(back.0.clone(), ins, outs), &args.iter().collect::<Vec<_>>());
        for (i, y) in wanted.into_iter().zip(y) {
            io.add(i, y)
        }
    }
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mask = given(dims);
        let x = in_front(x, dims, &mask, lanes);
        // lanes whose axis has a bit of ours are none that the program could know
        let axis = lanes.axis.clone().filter(|a| a.bit & self.mesh() == 0);
        let lanes = Lanes { axis, ..lanes.clone() };
        let b = {
            let _axes = self.provided();
            batch_jaxpr(&self.body, &lanes, &mask, &self.none())
        };
        let behind = |specs: &[Spec], mask: &[bool]| -> Vec<Spec> {
            let one = |(s, m): (&Spec, &bool)| if *m { [vec![vec![]], s.clone()].concat() } else { s.clone() };
            specs.iter().zip(mask).map(one).collect()
        };
        let map = self.with(b.0.clone(), behind(&self.ins, &mask), behind(&self.outs, &b.1));
        let y = bind(&map, &x.iter().collect::<Vec<_>>());
        y.into_iter().zip(&b.1).map(|(y, m)| (y, m.then_some(0))).collect()
    }
    driven!();
    fn named_axes(&self) -> AxisSet {
        self.body.axes & !self.mesh()
    }
    fn effect(&self) -> bool {
        self.body.effect
    }
}
impl HigherOrder for ShardMap {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        let (map, x) = (self.clone(), x.iter().map(|x| (*x).clone()).collect::<Vec<_>>());
        let scope = crate::debug::Scope::here();
        let there = scope.clone();
        let work: Work = Arc::new(move |d| {
            let types = map.body.in_avals();
            let mine: Vec<Array> =
                x.iter().zip(&map.ins).zip(types).map(|((x, s), a)| map.take(x, s, d, a)).collect();
            there.run(d, || crate::backend::run_jaxpr(&map.body, &mine.iter().collect::<Vec<_>>(), loc))
        });
        let results = run(&self.axes, self.named_axes(), loc, work);
        scope.end();
        let whole = |(k, a): (usize, Aval)| {
            let pieces: Vec<&Array> = results.iter().map(|r| &r[k]).collect();
            let aval = Aval { varying: 0, ..self.whole(&a, &self.outs[k]) };
            self.put(&pieces, &self.outs[k], aval)
        };
        self.body.out_avals().into_iter().enumerate().map(whole).collect()
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let mask = given(dx);
        let j = {
            let _axes = self.provided();
            jvp_jaxpr(&self.body, &mask, &self.none())
        };
        let ins = self.ins.iter().chain(picked(&self.ins, &mask)).cloned().collect();
        let outs = self.outs.iter().chain(picked(&self.outs, &j.1)).cloned().collect();
        let args: Vec<&Array> = x.iter().copied().chain(dx.iter().copied().flatten()).collect();
        let mut y = bind(&self.with(j.0.clone(), ins, outs), &args);
        let dy: Vec<Array> = y.drain(self.outs.len()..).collect();
        (y, spread(&j.1, dy))
    }
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        let _axes = self.provided();
        let l = linearize_jaxpr(&self.body, mask, &self.none());
        // a residual that varies is laid side by side along dimension 0, which a number is given
        let made = &l.primal.out_avals()[self.outs.len()..];
        let beside = |a: &Aval| {
            let along: Vec<usize> = (0..self.axes.len()).filter(|k| a.varying & self.axes[*k].bit != 0).collect();
            if along.is_empty() || a.stack > 0 { vec![] } else { vec![along] }
        };
        let specs: Vec<Spec> = made.iter().map(beside).collect();
        let raised: Vec<bool> = made.iter().zip(&specs).map(|(a, s)| a.ndim() == 0 && !s.is_empty()).collect();
        let avals = |j: &Jaxpr| j.in_avals().cloned().collect::<Vec<_>>();
        let (primal, linear) = if raised.contains(&true) {
            let n = self.outs.len();
            let primal = stage_rule(&avals(&l.primal), |x| {
                let mut y = l.primal.eval(&x.iter().collect::<Vec<_>>());
                for (y, r) in y[n..].iter_mut().zip(&raised) {
                    if *r {
                        *y = reshape(y, &[1])
                    }
                }
                y
            });
            let is_raised = |k: usize| matches!(l.residuals.get(k), Some(Residual::Out(o)) if *o >= n && raised[*o - n]);
            let mut ins = avals(&l.linear);
            for (k, a) in ins.iter_mut().enumerate() {
                if is_raised(k) {
                    a.shape.push(1)
                }
            }
            let linear = stage_rule(&ins, |x| {
                let lowered = |(k, x): (usize, &Array)| if is_raised(k) { reshape(x, &[]) } else { x.clone() };
                let x: Vec<Array> = x.iter().enumerate().map(lowered).collect();
                l.linear.eval(&x.iter().collect::<Vec<_>>())
            });
            (primal, linear)
        } else {
            (l.primal.clone(), l.linear.clone())
        };
        let all: Vec<Spec> = self.outs.iter().chain(&specs).cloned().collect();
        let residual = |r: &Residual| match r {
            Residual::In(i) => self.ins[*i].clone(),
            Residual::Out(k) => all[*k].clone(),
        };
        let ins: Vec<Spec> = l.residuals.iter().map(residual).chain(picked(&self.ins, mask).cloned()).collect();
        let outs: Vec<Spec> = picked(&self.outs, &l.out_mask).cloned().collect();
        drop(_axes);
        let y = bind(&self.with(primal, self.ins.clone(), all), x);
        let operands = linear_operands(&l, x, &y, mask);
        let moves = l.out_mask.contains(&true);
        let prim = moves.then(|| Box::new(self.with(linear, ins, outs)) as Box<dyn Primitive>);
        let y = y.into_iter().take(self.outs.len()).collect();
        Some(Linearized { outs: y, out_mask: l.out_mask.clone(), prim, operands })
    }
    fn runs(&self) -> Runs {
        Runs::Times(self.axes.iter().map(|a| a.size).product())
    }
}

/// A map over devices that was recorded names devices of its own; it is not read.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    use crate::devices::{Mesh, P, cpu};
    let args = || {
        let x = Array::from_slice(&[0.5f64, -1.25, 0.75, 1.5], &[2, 2]);
        vec![x, crate::array(vec![1.5f64, -0.5])]
    };
    fn mesh() -> Mesh {
        Mesh::new(cpu(2), [("i", 2)])
    }
    vec![
        Case {
            name: "rows, and what both have",
            args: args(),
            run: |x| {
                let f = |x: &Array, w: &Array| mul(&sin(x), &broadcast_in_dim(w, x.shape(), &[1]));
                vec![crate::shard_map(f, &mesh(), (P("i"), P(())), P((None, "i")))(&x[0], &x[1])]
            },
        },
        Case {
            name: "sums",
            args: args(),
            run: |x| {
                let f = |x: &Array, w: &Array| {
                    let s = psum(reduce_sum(&mul(x, x), &[0, 1]), "i");
                    (mul(w, &exp(&s)), s)
                };
                let (y, s) = crate::shard_map(f, &mesh(), (P("i"), P("i")), (P("i"), P(())))(&x[0], &x[1]);
                vec![y, s]
            },
        },
        Case {
            name: "linear",
            args: args(),
            run: |x| {
                let f = |x: &Array, w: &Array| (neg(x), add(&psum(x, "i"), &broadcast_in_dim(w, x.shape(), &[1])));
                let (y, s) = crate::shard_map(f, &mesh(), (P("i"), P(())), (P("i"), P(())))(&x[0], &x[1]);
                vec![y, s]
            },
        },
        Case {
            name: "of one lane each",
            args: args(),
            run: |x| {
                let f = |x: &Array, w: &Array| mul(&ppermute(x, "i", &[(0, 1)]), w);
                vec![crate::Pmap::new().axis_name("i").in_axes((1, None)).of(f)(&x[0], &x[1])]
            },
        },
        Case {
            name: "a number for each",
            args: args()[1..].to_vec(),
            run: |x| vec![crate::pmap(|x: &Array| mul(&sin(x), &exp(x)))(&x[0])],
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What varies stays known: the checks of `out_specs` and the transposes of sums rest on it.
    #[test]
    fn results_vary_where_operands_do() {
        const BIT: AxisSet = 1 << 31;
        let (mut tried, mut wrong) = (0, vec![]);
        for (family, cases) in crate::prim::cases() {
            for case in cases {
                for k in 0..case.args.len() {
                    let varying = |(i, x): (usize, &Array)| Aval { varying: if i == k { BIT } else { 0 }, ..x.aval().clone() };
                    let avals: Vec<Aval> = case.args.iter().enumerate().map(varying).collect();
                    let j = stage_rule(&avals, |x| (case.run)(x));
                    for (n, e) in j.eqns.iter().enumerate() {
                        let vary = |a: &crate::jaxpr::Atom| match a {
                            crate::jaxpr::Atom::Var(v) => j.avals[*v as usize].varying & BIT != 0,
                            crate::jaxpr::Atom::Lit(_) => false,
                        };
                        if !j.args(n).iter().any(vary) {
                            continue;
                        }
                        tried += 1;
                        let mut outs = (e.out..e.out + e.n_out).map(|v| j.avals[v as usize].varying & BIT != 0);
                        // a program says for each of its results on what it depends
                        let all = e.prim.higher().is_none();
                        if all && !outs.all(|v| v) || !all && e.n_out == 1 && !outs.any(|v| v) {
                            wrong.push(format!("{family}, {}: {} of operand {k}", case.name, e.prim.name()))
                        }
                    }
                }
            }
        }
        assert!(tried > 500, "{tried}");
        wrong.dedup();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"))
    }
}
