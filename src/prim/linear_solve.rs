//! A solution of a linear equation, whose derivative follows from the equation and not from how it was solved.

use super::held::*;
use super::*;
use crate::error::{ErrorKind, fail};
use crate::trace::batch::batch_jaxpr;
use crate::trace::bind;
use crate::trace::linearize::zero_tangent;
use crate::trace::stage::stage_rule;

/// Four programs, the last two of which solve for the first two: a linear map, its transpose, a solution of an equation with the map, and one with the
/// transpose. Each takes constants of its own, and then what the map acts on. The operands are the constants of all four, then the right-hand
/// side; the results are the solution, and what else the program that solves gives. See
/// [`lax::custom_linear_solve`](crate::lax::custom_linear_solve).
///
/// ```
/// use cotangent::{make_jaxpr, prelude::*, lax};
/// let half = |b: &Array| lax::custom_linear_solve(|x: &Array| 2.0 * x, b, |_, b| b / 2.0, |_, b| b / 2.0);
/// let program = make_jaxpr(half, (&array![1., 2.],));
/// assert!(program.to_string().contains("custom_linear_solve["), "{program}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LinearSolve {
    matvec: Held,
    /// Not there if nobody said how to solve the transposed equation.
    vecmat: Option<Held>,
    solve: Held,
    transpose_solve: Option<Held>,
    /// `solve` as a program of all operands.
    whole: Arc<Jaxpr>,
}
impl LinearSolve {
    pub(crate) fn new(matvec: Held, vecmat: Option<Held>, solve: Held, transpose_solve: Option<Held>) -> LinearSolve {
        let mut one = LinearSolve { matvec, vecmat, whole: solve.jaxpr.clone(), solve, transpose_solve };
        // what is not its own it takes and ignores
        let mut operands: Vec<Result<usize, Aval>> = vec![];
        for (name, held) in one.held() {
            let place = |(i, a): (usize, &Aval)| if name == "solve" { Ok(i) } else { Err(a.clone()) };
            operands.extend(held.iter().flat_map(|h| h.const_avals()).enumerate().map(place))
        }
        operands.extend((one.solve.consts..one.solve.jaxpr.ins.len()).map(Ok));
        one.whole = among(&one.solve.jaxpr, operands);
        one
    }
    /// Do the programs agree about the unknowns?
    pub(crate) fn fits(&self) -> Result<(), String> {
        let types = |avals: &[Aval]| avals.iter().map(|a| (a.dtype, a.shape.clone())).collect::<Vec<_>>();
        let unknowns = types(&self.matvec.jaxpr.out_avals());
        for (name, held) in self.held() {
            let Some(held) = held else { continue };
            let ins: Vec<Aval> = held.jaxpr.in_avals().skip(held.consts).cloned().collect();
            let outs = types(&held.jaxpr.out_avals());
            if types(&ins) != unknowns || outs.get(..unknowns.len()) != Some(&unknowns[..]) {
                return Err(format!("{name} does not take and give what matvec gives"));
            }
        }
        Ok(())
    }
    fn held(&self) -> [(&'static str, Option<&Held>); 4] {
        [
            ("matvec", Some(&self.matvec)),
            ("vecmat", self.vecmat.as_ref()),
            ("solve", Some(&self.solve)),
            ("transpose_solve", self.transpose_solve.as_ref()),
        ]
    }
    /// The constants of each program, and the right-hand side.
    fn parts<'a, T>(&self, x: &'a [T]) -> ([&'a [T]; 4], &'a [T]) {
        let mut rest = x;
        let consts = self.held().map(|(_, held)| {
            let (own, others) = rest.split_at(held.map_or(0, |h| h.consts));
            rest = others;
            own
        });
        (consts, rest)
    }
    /// The number of leaves of the solution.
    fn unknowns(&self) -> usize {
        self.matvec.jaxpr.outs.len()
    }
    /// Does the solver give something beside the solution? Of that nothing is known; it is not linear.
    fn more(&self) -> bool {
        self.solve.jaxpr.outs.len() > self.unknowns()
    }
    /// The solution alone.
    fn alone(&self) -> LinearSolve {
        if !self.more() {
            return self.clone();
        }
        let first = |h: &Held| {
            let j = &h.jaxpr;
            let outs = j.outs[..self.unknowns()].to_vec();
            Held { jaxpr: j.memo("solution", &[], || j.rewire(j.ins.clone(), outs, &[])), consts: h.consts }
        };
        LinearSolve::new(
            self.matvec.clone(),
            self.vecmat.clone(),
            first(&self.solve),
            self.transpose_solve.as_ref().map(first),
        )
    }
    /// The solution of the transposed equation.
    fn transposed(&self) -> LinearSolve {
        let (Some(vecmat), Some(transpose_solve)) = (&self.vecmat, &self.transpose_solve) else {
            fail(
                ErrorKind::NotDifferentiable,
                "custom_linear_solve: reverse mode solves the transposed equation; give transpose_solve, or say that the map is \
                 symmetric",
            )
        };
        LinearSolve::new(
            vecmat.clone(),
            Some(self.matvec.clone()),
            transpose_solve.clone(),
            Some(self.solve.clone()),
        )
    }
}

impl Primitive for LinearSolve {
    fn name(&self) -> &'static str {
        "custom_linear_solve"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        let lengths = self.held().map(|(name, held)| format!("{name}={}", held.map_or(0, |h| h.consts)));
        let programs = self.held().map(|(name, held)| (name, held.map(|h| h.jaxpr.clone())));
        vec![
            ("const_lengths", format!("_LinearSolveTuple({})", lengths.join(", ")).into()),
            ("jaxprs", Param::Fields("_LinearSolveTuple", programs.to_vec())),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        call_types(&self.whole, x)
    }
    fn linear_in(&self, mask: &[bool]) -> bool {
        let (consts, b) = self.parts(mask);
        !self.more() && !consts.concat().contains(&true) && !b.contains(&false)
    }
    fn transpose(&self, ct: &[Tangent], io: &mut Cotangents) {
        let n = self.unknowns();
        let first = io.len() - n;
        let back = self.transposed();
        let known: Vec<Array> = (0..first).map(|i| io.known(i).clone()).collect();
        let ([matvec, vecmat, solve, transpose_solve], _) = self.parts(&known);
        let mut args = [vecmat, matvec, transpose_solve, solve].concat();
        args.extend((0..n).map(|i| ct[i].clone().unwrap_or_else(|| zeros_of(io.aval(first + i)))));
        for (i, c) in bind(&back, &args.iter().collect::<Vec<_>>()).into_iter().take(n).enumerate() {
            io.add(first + i, c)
        }
    }
    /// The equations of all lanes at once. An unknown has lanes if it has them in any of the four programs.
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mask = given(dims);
        let (own, b) = self.parts(&mask);
        let batched = |b: &[bool]| {
            let mut out = b.to_vec();
            let held = self.held();
            let made: Vec<Option<Held>> = (held.iter().zip(own))
                .map(|((_, held), own)| {
                    let held = (*held)?;
                    let force = [b, &vec![false; held.jaxpr.outs.len() - b.len()]].concat();
                    let made = batch_jaxpr(&held.jaxpr, lanes, &[own, b].concat(), &force);
                    out = joined(&out, &made.1[..b.len()]);
                    Some(Held { jaxpr: made.0.clone(), consts: held.consts })
                })
                .collect();
            (made, out)
        };
        let ((made, out), b) = grown(b, batched, |m| &m.1);
        debug_assert_eq!(out, b);
        let mut made = made.into_iter();
        let mut next = || made.next().flatten();
        let (matvec, vecmat, solve, back) = (next(), next(), next(), next());
        let (matvec, solve) = (matvec.expect("the map"), solve.expect("the solver"));
        let force = [&b[..], &vec![false; self.whole.outs.len() - b.len()]].concat();
        let at = batch_jaxpr(&self.solve.jaxpr, lanes, &[own[2], &b].concat(), &force).1.clone();
        let args = in_front(x, dims, &[&own.concat(), &b[..]].concat(), lanes);
        let y = bind(&LinearSolve::new(matvec, vecmat, solve, back), &args.iter().collect::<Vec<_>>());
        y.into_iter().zip(at).map(|(y, m)| (y, m.then_some(0))).collect()
    }
    inlined!();
    fn inline(&self) -> Option<&Arc<Jaxpr>> {
        Some(&self.whole)
    }
    fn named_axes(&self) -> AxisSet {
        self.held().iter().fold(0, |s, (_, held)| s | held.map_or(0, |h| h.jaxpr.axes))
    }
    fn effect(&self) -> bool {
        self.whole.effect
    }
}
impl HigherOrder for LinearSolve {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        crate::backend::run_jaxpr(&self.whole, x, loc)
    }
    /// From A x = b follows dA x + A dx = db: the tangent is the solution for db - dA x.
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let y = bind(self, x);
        let ([own, ..], _) = self.parts(x);
        let ([moving, ..], db) = self.parts(dx);
        let mut rhs: Vec<Tangent> = db.iter().map(|d| d.cloned()).collect();
        if moving.iter().any(|d| d.is_some()) {
            let moved = self.matvec.along_consts(own, &y[..rhs.len()], moving);
            rhs = rhs.into_iter().zip(moved).map(|(d, m)| add_tangents(d, m.map(|m| neg(&m)))).collect()
        }
        let mut tangents: Tangents = y.iter().map(|_| None).collect();
        if rhs.iter().any(|d| d.is_some()) {
            let (consts, b) = x.split_at(x.len() - rhs.len());
            let whole = |(d, b): (Tangent, &&Array)| d.unwrap_or_else(|| zero_tangent(b.aval()));
            let rhs: Vec<Array> = rhs.into_iter().zip(b).map(whole).collect();
            let solved = bind(&self.alone(), &consts.iter().copied().chain(&rhs).collect::<Vec<_>>());
            for (t, d) in tangents.iter_mut().zip(solved) {
                *t = Some(d)
            }
        }
        (y, tangents)
    }
    fn linearize(&self, _: &[&Array], _: &[bool]) -> Option<Linearized> {
        None // the rule runs on the tape
    }
}

/// Read by [`Loaded`](crate::jaxpr::Loaded), which knows the nested programs.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    /// The equation with the diagonal matrix of exp(x[0]), solved by dividing, for the right-hand sides `b`.
    fn diagonal(x: &Array, b: &[Array], aux: bool) -> Vec<Array> {
        let types: Vec<Aval> = std::iter::once(x).chain(b).map(|x| x.aval().clone()).collect();
        let map = Held { jaxpr: stage_rule(&types, |a| a[1..].iter().map(|b| mul(&exp(&a[0]), b)).collect()), consts: 1 };
        let solve = |aux: bool| {
            let run = |a: &[Array]| {
                let y: Vec<Array> = a[1..].iter().map(|b| div(b, &exp(&a[0]))).collect();
                let more = aux.then(|| gt(&a[0], &lit(&a[0], 0.0)));
                y.into_iter().chain(more).collect()
            };
            Held { jaxpr: stage_rule(&types, run), consts: 1 }
        };
        let prim = LinearSolve::new(map.clone(), Some(map), solve(aux), Some(solve(false)));
        bind(&prim, &[x; 4].into_iter().chain(b).collect::<Vec<_>>()).into_vec()
    }
    let two = || vec![crate::array(vec![0.5f64, -1.0]), crate::array(vec![1.5f64, 2.0])];
    vec![
        Case { name: "one unknown", args: two(), run: |x| diagonal(&x[0], &x[1..], false) },
        Case {
            name: "two unknowns and another result",
            args: two(),
            run: |x| diagonal(&x[0], &[x[1].clone(), mul(&x[1], &x[0])], true),
        },
        Case {
            name: "two unknowns of which one moves",
            args: two(),
            run: |x| diagonal(&full_of(x[0].aval(), 0.5), &[x[1].clone(), full_of(x[0].aval(), 2.0)], false),
        },
        Case {
            name: "complex numbers",
            args: two(),
            run: |x| {
                let z = complex(&x[0], &x[1]);
                diagonal(&z, &[complex(&x[1], &x[0])], false).iter().flat_map(testing::components).collect()
            },
        },
    ]
}
