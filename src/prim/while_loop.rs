//! A program that runs as long as another one says so.

use super::callback::{apart, in_turn};
use super::held::*;
use super::*;
use crate::dtype::DType;
use crate::error::{ErrorKind, fail};
use crate::prim::scan::Scan;
use crate::trace::batch::batch_jaxpr;
use crate::trace::bind;
use crate::trace::jvp::jvp_jaxpr;
use crate::trace::stage::stage_rule;
use cotangent_cpu::ValId;

/// Runs `body` on the carry while `cond` of the carry holds. The operands are the constants of `cond`, those of `body`, and the first carry; the
/// results are the last carry. See [`lax::while_loop`](crate::lax::while_loop).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct While {
    pub(crate) cond: Arc<Jaxpr>,
    pub(crate) body: Arc<Jaxpr>,
    pub(crate) n_cond: usize,
    pub(crate) n_body: usize,
}
impl While {
    /// Constants of the condition, constants of the body, carry.
    fn parts<'a, T>(&self, x: &'a [T]) -> (&'a [T], &'a [T], &'a [T]) {
        let (cond, x) = x.split_at(self.n_cond);
        let (body, carry) = x.split_at(self.n_body);
        (cond, body, carry)
    }
    /// The turns on concrete operands: the last carry and their number.
    fn turns(&self, x: &[&Array], loc: Loc) -> (Vec<Array>, usize) {
        let (cc, cb, init) = self.parts(x);
        let mut carry: Vec<Array> = init.iter().map(|a| (*a).clone()).collect();
        let mut n = 0;
        loop {
            let args: Vec<&Array> = cc.iter().copied().chain(&carry).collect();
            let more = crate::backend::run_jaxpr(&self.cond, &args, loc).pop().expect("a predicate");
            if more.with_bytes(|b| b[0] == 0) {
                return (carry, n);
            }
            let args: Vec<&Array> = cb.iter().copied().chain(&carry).collect();
            carry = crate::backend::run_jaxpr(&self.body, &args, loc).into_vec();
            n += 1
        }
    }
    /// A loop over several values of which each has a truth value of its own, along the first axes of the carry: the turns go on until all have
    /// stopped, and one that has stopped keeps its carry. (JAX's `while` may be so; ours has one truth value.)
    pub(crate) fn until_all_stop(&self, x: &[&Array]) -> Outs {
        let avals = |j: &Jaxpr| j.in_avals().cloned().collect::<Vec<_>>();
        let (ic, ib) = (avals(&self.cond), avals(&self.body));
        let holds = |args: Vec<&Array>| self.cond.eval(&args).remove(0);
        let any = stage_rule(&ic, |a| {
            let more = holds(a.iter().collect());
            vec![reduce_or(&more, &(0..more.ndim()).collect::<Vec<_>>())]
        });
        // which of them go on is the condition's to say: its constants are the body's, too
        let step = stage_rule(&[&ic[..self.n_cond], &ib].concat(), |a| {
            let (cc, rest) = a.split_at(self.n_cond);
            let carry = &rest[self.n_body..];
            let more = holds(cc.iter().chain(carry).collect());
            let dims: Vec<usize> = (0..more.ndim()).collect();
            let next = self.body.eval(&rest.iter().collect::<Vec<_>>());
            let keep = |(next, now): (&Array, &Array)| {
                select_n(&broadcast_in_dim(&more, next.shape(), &dims), &[now, next])
            };
            next.iter().zip(carry).map(keep).collect()
        });
        let (cc, cb, carry) = self.parts(x);
        let n_body = self.n_cond + self.n_body;
        bind(&While { cond: any, body: step, n_cond: self.n_cond, n_body }, &[cc, cc, cb, carry].concat())
    }
    /// The loop with as many turns as it takes for these operands.
    fn counted(&self, length: usize) -> Scan {
        let n_carry = self.body.ins.len() - self.n_body;
        Scan { body: self.body.clone(), n_consts: self.n_body, n_carry, length, reverse: false, tangents: vec![] }
    }
}
impl Primitive for While {
    fn name(&self) -> &'static str {
        "while"
    }
    fn params(&self) -> Vec<(&'static str, Param)> {
        vec![
            ("body_jaxpr", Param::Jaxpr(self.body.clone())),
            ("body_nconsts", self.n_body.to_string().into()),
            ("cond_jaxpr", Param::Jaxpr(self.cond.clone())),
            ("cond_nconsts", self.n_cond.to_string().into()),
        ]
    }
    fn abstract_eval(&self, x: &[&Aval]) -> Result<Avals, String> {
        let (cc, cb, carry) = self.parts(x);
        let more = call_types(&self.cond, &[cc, carry].concat())?;
        if more.len() != 1 || more[0].dtype != DType::Bool || !more[0].shape.is_empty() {
            let types: Vec<String> = more.iter().map(|a| a.to_string()).collect();
            return Err(format!("the condition must return one truth value (dtype bool), it returns {}", types.join(", ")));
        }
        let mut out = call_types(&self.body, &[cb, carry].concat())?;
        for (a, c) in out.iter_mut().zip(carry) {
            if a.dtype != c.dtype || a.shape != c.shape {
                return Err(format!("a carry enters as {c} and leaves as {a}"));
            }
            // how often it changes depends on the condition
            a.varying |= more[0].varying
        }
        Ok(out)
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Tangents {
        self.jvp_call(x, dx).1
    }
    /// Lanes that stop at different times: all run until the last one stops, and one that has stopped keeps its carry. With effects, of which one that has
    /// stopped has none, they run one after the other.
    fn batch(&self, lanes: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Batched {
        let mask = given(dims);
        let (mc, mb, mk) = self.parts(&mask);
        let batched = |mk: &[bool]| {
            let cond = batch_jaxpr(&self.cond, lanes, &[mc, mk].concat(), &[false]);
            let all = vec![cond.1[0]; mk.len()];
            (cond, batch_jaxpr(&self.body, lanes, &[mb, mk].concat(), &joined(mk, &all)))
        };
        let ((cond, body), mk) = grown(mk, batched, |(_, body)| &body.1);
        let args = in_front(x, dims, &[mc, mb, &mk].concat(), lanes);
        let args: Vec<&Array> = args.iter().collect();
        if cond.1[0] && apart(self, lanes) {
            return in_turn(self, &[], lanes, x, dims);
        }
        let each = While { cond: cond.0.clone(), body: body.0.clone(), ..*self };
        let y = if cond.1[0] { each.until_all_stop(&args) } else { bind(&each, &args) };
        y.into_iter().zip(&mk).map(|(y, m)| (y, m.then_some(0))).collect()
    }
    fn lower(&self, _: &mut Lower, _: &[ValId], _: &[&Aval], _: &[Aval]) -> Vals {
        unreachable!("turns are taken when the program runs")
    }
    fn higher(&self) -> Option<&dyn HigherOrder> {
        Some(self)
    }
    fn driven(&self) -> bool {
        true
    }
    fn named_axes(&self) -> AxisSet {
        self.cond.axes | self.body.axes
    }
    fn effect(&self) -> bool {
        self.cond.effect || self.body.effect
    }
    fn checked(&self, set: CheckSet, x: &[&Array], _: Loc) -> Option<(Errors, Outs)> {
        checked::while_loop(self, set, x)
    }
}
impl HigherOrder for While {
    fn run(&self, x: &[&Array], loc: Loc) -> Outs {
        self.turns(x, loc).0.into()
    }
    fn jvp_call(&self, x: &[&Array], dx: &[Option<&Array>]) -> (Outs, Tangents) {
        let mask = given(dx);
        let (_, mb, mk) = self.parts(&mask);
        let moving = |mk: &[bool]| jvp_jaxpr(&self.body, &[mb, mk].concat(), mk);
        let (with, mk) = grown(mk, moving, |j| &j.1);
        let (nb, nk, db) = (self.n_body, mk.len(), count(mb));
        // constants, their tangents; carry, its tangents
        let t = nb + nk;
        let body = permuted(&with.0, (0..nb).chain(t..t + db).chain(nb..t).chain(t + db..with.0.ins.len()));
        // the condition looks at values alone
        let extra: Vec<Aval> = body.in_avals().skip(nb + db + nk).cloned().collect();
        let first = self.cond.avals.len() as u32;
        let ins = self.cond.ins.iter().copied().chain((0..extra.len() as u32).map(|i| first + i)).collect();
        let cond = self.cond.rewire(ins, self.cond.outs.clone(), &extra);
        let ((xc, xb, xk), (_, tb, tk)) = (self.parts(x), self.parts(dx));
        let moving: Vec<Array> = (0..nk).filter(|i| mk[*i]).map(|i| materialize(tk[i], xk[i])).collect();
        let args: Vec<&Array> = (xc.iter().copied())
            .chain(xb.iter().copied())
            .chain(tb.iter().copied().flatten())
            .chain(xk.iter().copied())
            .chain(&moving)
            .collect();
        let mut y = bind(&While { cond, body, n_cond: self.n_cond, n_body: nb + db }, &args);
        let dy: Vec<Array> = y.drain(nk..).collect();
        (y, spread(&mk, dy))
    }
    /// Where values are known the turns can be counted, and then it is a loop of so many. Counting them costs a run of the loop more, and saves
    /// residuals of a kind that grow with it.
    fn linearize(&self, x: &[&Array], mask: &[bool]) -> Option<Linearized> {
        let known: Result<Vec<&Array>, _> = x.iter().map(|x| x.try_concrete()).collect();
        let Ok(known) = known else {
            fail(
                ErrorKind::NotDifferentiable,
                "while_loop: in reverse mode the number of turns must be known, and under jit and vmap it is not; take the gradient \
                 outside of them, use fori_loop with fixed bounds or scan, or forward mode (jvp, jacfwd)",
            )
        };
        let n = crate::debug::quietly(|| self.turns(&known, std::panic::Location::caller()).1);
        let mut l = self.counted(n).linearize(&x[self.n_cond..], &mask[self.n_cond..])?;
        for o in &mut l.operands {
            if let LinArg::Tangent(i) = o {
                *i += self.n_cond
            }
        }
        Some(l)
    }
}

/// Loops are read by [`Loaded`](crate::jaxpr::Loaded), which knows the nested programs.
pub(super) const READ: &[Read] = &[];
pub(super) fn cases() -> Vec<Case> {
    // reverse mode does not work under every transformation, so that it has tests of its own
    let two = || vec![crate::array(vec![0.25f32, 0.5]), crate::array(vec![1.5f32, 1.25])];
    /// `body` of one constant and one carry, while the sum of the carry is below 20, but at most five times.
    fn run(x: &[Array], body: fn(&[Array]) -> Vec<Array>) -> Vec<Array> {
        let x = [x, &[convert_element_type(&crate::array(0), DType::Int32, false)]].concat();
        let types: Vec<Aval> = x.iter().map(|x| x.aval().clone()).collect();
        let cond = stage_rule(&types[1..], |a| {
            let sum = reduce_sum(&real_part(&a[0]), &[0]);
            vec![and(&lt(&sum, &lit(&sum, 20.0)), &lt(&a[1], &lit(&a[1], 5.0)))]
        });
        let body = stage_rule(&types, |a| {
            let mut next = body(&a[..2]);
            next.push(add(&a[2], &lit(&a[2], 1.0)));
            next
        });
        bind(&While { cond, body, n_cond: 0, n_body: 1 }, &x.iter().collect::<Vec<_>>()).into_vec()
    }
    fn real_part(x: &Array) -> Array {
        if x.dtype().is_complex() { real(x) } else { x.clone() }
    }
    vec![
        Case {
            name: "until it is large",
            args: two(),
            run: |x| run(x, |a| vec![add(&mul(&a[1], &exp(&a[0])), &sin(&a[1]))]),
        },
        Case {
            name: "no turn",
            args: vec![crate::array(vec![0.25f32]), crate::array(vec![30.0f32])],
            run: |x| run(x, |a| vec![mul(&a[1], &a[0])]),
        },
        Case {
            name: "complex numbers",
            args: two(),
            run: |x| {
                let z = [complex(&x[1], &x[0]), complex(&x[1], &x[1])];
                let all = run(&z, |a| vec![add(&mul(&a[0], &lit(&a[0], 2.0)), &a[1])]);
                all.iter().flat_map(testing::components).collect()
            },
        },
    ]
}
