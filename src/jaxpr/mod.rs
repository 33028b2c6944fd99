//! The program as a value: closed, typed, flat. Variables are numbers, equations an array, nothing recursive but nesting.
//!
//! A [`Jaxpr`] is what `jit` stages, what `make_jaxpr` shows, and what [`json`] reads from a file. Every transformation of a program
//! is "run its equations under the traces": there is no second set of rules for it.

mod base64;
mod check;
pub mod json;
mod layout;
pub mod params;
pub(crate) mod print;
mod read;
mod rules;

pub use read::Loaded;
pub(crate) use read::{dtype_param, stage_nested};

use crate::array::*;
use crate::aval::{Aval, AxisSet};
use crate::dtype::DType;
use crate::error::Loc;
use crate::prim::Primitive;
use crate::trace::{Current, Pass, bind_in, current};
use std::any::Any;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, OnceLock};

/// An operand of an equation: a variable, or a scalar written in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Atom {
    Var(u32),
    Lit(Lit),
}
/// A scalar in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lit {
    pub bits: u64,
    pub dtype: DType,
    pub weak: bool,
}
impl Lit {
    pub(crate) fn array(self) -> Array {
        Array::scalar(self.dtype, self.weak, self.bits)
    }
}

pub(crate) struct Eqn {
    pub prim: Box<dyn Primitive>,
    /// The first of its operands in `Jaxpr::atoms`.
    pub first: u32,
    /// The first of its results.
    pub out: u32,
    pub n_out: u32,
    /// Does it belong to a backward pass? Only errors say.
    pub back: bool,
    pub loc: Loc,
}

/// A program: inputs, equations, outputs. Prints as JAX prints it.
///
/// ```
/// use cotangent::{Jaxpr, make_jaxpr, prelude::*};
/// let f: &Jaxpr = &make_jaxpr(|x: &Array| x.exp() * x, (&array![1., 2.],));
/// assert_eq!(f.to_string(), "{ lambda ; a:f32[2]. let b:f32[2] = exp a; c:f32[2] = mul b a in (c,) }");
/// // programs that do the same are equal
/// assert_eq!(f, &*make_jaxpr(|x: &Array| x.exp() * x, (&array![8., 9.],)));
/// ```
pub struct Jaxpr {
    pub(crate) ins: Vec<u32>,
    /// How many of `ins`, at the front, are captured arrays passed in as hidden arguments. Only printing asks.
    pub(crate) hidden: usize,
    /// Concrete arrays, only in programs derived from programs; a traced function's captures are hidden inputs.
    pub(crate) consts: Vec<(u32, Array)>,
    pub(crate) eqns: Vec<Eqn>,
    pub(crate) atoms: Vec<Atom>,
    pub(crate) outs: Vec<Atom>,
    pub(crate) avals: Vec<Aval>,
    /// The named axes over which some equation communicates.
    pub(crate) axes: AxisSet,
    /// Must it run even if nobody reads its results? Kept here, for programs that share programs would ask again and again.
    pub(crate) effect: bool,
    hash: OnceLock<u64>,
    driven: OnceLock<bool>,
    pub(crate) ready: OnceLock<crate::backend::Ready>,
    lifetimes: OnceLock<Lifetimes>,
    memo: Mutex<HashMap<(&'static str, Vec<bool>), Arc<dyn Any + Send + Sync>>>,
}

/// For each equation the variables that die after it.
struct Lifetimes {
    dead: Vec<u32>,
    first: Vec<u32>,
}

/// Two programs are equal if they do the same; where the user wrote them does not matter.
impl PartialEq for Jaxpr {
    fn eq(&self, o: &Jaxpr) -> bool {
        std::ptr::eq(self, o)
            || self.content_hash() == o.content_hash()
                && self.ins == o.ins
                && self.outs == o.outs
                && self.atoms == o.atoms
                && self.avals == o.avals
                && self.consts.len() == o.consts.len()
                && self.consts.iter().zip(&o.consts).all(|(a, b)| a.0 == b.0 && a.1.ptr() == b.1.ptr())
                && self.eqns.len() == o.eqns.len()
                && self
                    .eqns
                    .iter()
                    .zip(&o.eqns)
                    .all(|(a, b)| a.out == b.out && a.first == b.first && a.prim.eq_dyn(&*b.prim))
    }
}
impl Eq for Jaxpr {}
impl Hash for Jaxpr {
    fn hash<H: Hasher>(&self, h: &mut H) {
        self.content_hash().hash(h)
    }
}
impl std::fmt::Debug for Jaxpr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_string())
    }
}

/// A number as a mask, for the key of [`Jaxpr::memo`].
pub(crate) fn key_of(n: usize) -> Vec<bool> {
    (0..usize::BITS).map(|b| n >> b & 1 == 1).collect()
}
impl Jaxpr {
    /// Drops dead equations and numbers the variables in order.
    pub(crate) fn new(
        ins: Vec<u32>,
        hidden: usize,
        consts: Vec<(u32, Array)>,
        mut eqns: Vec<Eqn>,
        atoms: Vec<Atom>,
        outs: Vec<Atom>,
        mut avals: Vec<Aval>,
    ) -> Jaxpr {
        const NONE: u32 = u32::MAX;
        let n = avals.len();
        let mut live = vec![false; n];
        let mark = |live: &mut Vec<bool>, a: &Atom| {
            if let Atom::Var(v) = a {
                live[*v as usize] = true
            }
        };
        for a in &outs {
            mark(&mut live, a)
        }
        let mut keep = vec![false; eqns.len()];
        let mut end = atoms.len();
        for (k, e) in eqns.iter().enumerate().rev() {
            let args = &atoms[e.first as usize..end];
            end = e.first as usize;
            keep[k] = e.prim.effect() || (e.out..e.out + e.n_out).any(|v| live[v as usize]);
            if keep[k] {
                for a in args {
                    mark(&mut live, a)
                }
            }
        }
        let mut name = vec![NONE; n];
        let mut new_avals = Vec::with_capacity(n);
        let mut rename = |v: u32, name: &mut Vec<u32>| {
            if name[v as usize] == NONE {
                name[v as usize] = new_avals.len() as u32;
                new_avals.push(std::mem::replace(&mut avals[v as usize], Aval::new(DType::Bool, &[])))
            }
            name[v as usize]
        };
        let consts: Vec<(u32, Array)> =
            consts.into_iter().filter(|(v, _)| live[*v as usize]).map(|(v, a)| (rename(v, &mut name), a)).collect();
        let ins: Vec<u32> = ins.into_iter().map(|v| rename(v, &mut name)).collect();
        let (mut new_atoms, mut k) = (Vec::with_capacity(atoms.len()), 0);
        let ends: Vec<u32> = eqns.iter().skip(1).map(|e| e.first).chain([atoms.len() as u32]).collect();
        eqns.retain_mut(|e| {
            let i = k;
            k += 1;
            if !keep[i] {
                return false;
            }
            let args = &atoms[e.first as usize..ends[i] as usize];
            e.first = new_atoms.len() as u32;
            new_atoms.extend(args.iter().map(|a| match a {
                Atom::Var(v) => Atom::Var(name[*v as usize]),
                l => *l,
            }));
            let mut out = None;
            for v in e.out..e.out + e.n_out {
                let n = rename(v, &mut name);
                out.get_or_insert(n);
            }
            e.out = out.unwrap_or(0);
            true
        });
        let outs = outs
            .into_iter()
            .map(|a| match a {
                Atom::Var(v) => Atom::Var(name[v as usize]),
                l => l,
            })
            .collect();
        let axes = eqns.iter().fold(0, |s, e| s | e.prim.named_axes());
        let effect = eqns.iter().any(|e| e.prim.effect());
        Jaxpr {
            ins,
            hidden,
            consts,
            eqns,
            atoms: new_atoms,
            outs,
            avals: new_avals,
            axes,
            effect,
            hash: OnceLock::new(),
            driven: OnceLock::new(),
            ready: OnceLock::new(),
            lifetimes: OnceLock::new(),
            memo: Mutex::default(),
        }
    }

    /// Types of the inputs. Those of captured arrays come first.
    ///
    /// ```
    /// use cotangent::{make_jaxpr, prelude::*};
    /// let program = make_jaxpr(|x: &Array, n: &Array| x * n, (&array![1., 2.], &array(3)));
    /// assert_eq!(program.in_avals().map(|a| a.to_string()).collect::<Vec<_>>(), ["float32[2]", "int32[]"]);
    /// ```
    pub fn in_avals(&self) -> impl Iterator<Item = &Aval> {
        self.ins.iter().map(|v| &self.avals[*v as usize])
    }
    /// Types of the results.
    ///
    /// ```
    /// use cotangent::{make_jaxpr, prelude::*};
    /// let program = make_jaxpr(|x: &Array| (x.sum(), x.gt(1.5)), (&array![1., 2.],));
    /// assert_eq!(program.out_avals().iter().map(|a| a.to_string()).collect::<Vec<_>>(), ["float32[]", "bool[2]"]);
    /// ```
    pub fn out_avals(&self) -> Vec<Aval> {
        self.outs
            .iter()
            .map(|a| match a {
                Atom::Var(v) => self.avals[*v as usize].clone(),
                Atom::Lit(l) => Aval::new(l.dtype, &[]).with_weak(l.weak),
            })
            .collect()
    }
    /// Does some equation decide at run time which programs run, or is there a stack, which the engine does not know? Asked only when it runs: some
    /// programs are made when they are asked for.
    pub(crate) fn driven(&self) -> bool {
        let driven = || self.avals.iter().any(|a| a.stack > 0) || self.eqns.iter().any(|e| e.prim.driven());
        *self.driven.get_or_init(driven)
    }
    /// Number of equations.
    ///
    /// ```
    /// use cotangent::{make_jaxpr, prelude::*};
    /// let program = make_jaxpr(|x: &Array| x.sin().cos() + 1.0, (&array(1.0),));
    /// assert_eq!(program.len(), 3);
    /// ```
    pub fn len(&self) -> usize {
        self.eqns.len()
    }
    /// Has it no equations?
    ///
    /// ```
    /// use cotangent::{make_jaxpr, prelude::*};
    /// // what nobody reads is dropped
    /// let unread = |x: &Array| { let _ = x.sin(); x.clone() };
    /// assert!(make_jaxpr(unread, (&array(1.0),)).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.eqns.is_empty()
    }
    /// The equations' names in order: for tests of what a transformation produces.
    ///
    /// ```
    /// use cotangent::{make_jaxpr, prelude::*};
    /// let program = make_jaxpr(grad(|x: &Array| x.sin()), (&array(1.0),));
    /// assert_eq!(program.primitives().collect::<Vec<_>>(), ["cos", "mul"]);
    /// ```
    pub fn primitives(&self) -> impl Iterator<Item = &'static str> {
        self.eqns.iter().map(|e| e.prim.name())
    }
    #[inline]
    pub(crate) fn args(&self, k: usize) -> &[Atom] {
        let end = self.eqns.get(k + 1).map_or(self.atoms.len(), |e| e.first as usize);
        &self.atoms[self.eqns[k].first as usize..end]
    }

    /// Runs the equations under the current trace: how every transformation of a program is done.
    pub(crate) fn eval(&self, args: &[&Array]) -> Vec<Array> {
        self.eval_in(&current(), args, None)
    }

    pub(crate) fn eval_in(&self, trace: &Current, args: &[&Array], loc: Option<Loc>) -> Vec<Array> {
        assert_eq!(args.len(), self.ins.len(), "arguments of {self}");
        let lifetimes = self.lifetimes();
        let mut env: Vec<Option<Array>> = vec![None; self.avals.len()];
        for (v, a) in self.ins.iter().zip(args) {
            env[*v as usize] = Some((*a).clone())
        }
        for (v, a) in &self.consts {
            env[*v as usize] = Some(a.clone())
        }
        let mut lits: Vec<Array> = vec![];
        let pass = Pass::begin(false);
        for (k, e) in self.eqns.iter().enumerate() {
            pass.now(e.back);
            let outs = {
                let atoms = self.args(k);
                lits.clear();
                lits.extend(atoms.iter().filter_map(|a| match a {
                    Atom::Lit(l) => Some(l.array()),
                    _ => None,
                }));
                let mut lit = lits.iter();
                let ops: crate::trace::Args = atoms
                    .iter()
                    .map(|a| match a {
                        Atom::Var(v) => env[*v as usize].as_ref().expect("a value made before"),
                        Atom::Lit(_) => lit.next().expect("a literal"),
                    })
                    .collect();
                bind_in(trace, &*e.prim, &ops, loc.unwrap_or(e.loc))
            };
            for (v, o) in (e.out as usize..).zip(outs) {
                env[v] = Some(o)
            }
            for v in &lifetimes.dead[lifetimes.first[k] as usize..lifetimes.first[k + 1] as usize] {
                env[*v as usize] = None
            }
        }
        self.outs
            .iter()
            .map(|a| match a {
                Atom::Var(v) => env[*v as usize].clone().expect("a result"),
                Atom::Lit(l) => l.array(),
            })
            .collect()
    }

    fn lifetimes(&self) -> &Lifetimes {
        self.lifetimes.get_or_init(|| {
            let mut seen = vec![false; self.avals.len()];
            for a in &self.outs {
                if let Atom::Var(v) = a {
                    seen[*v as usize] = true
                }
            }
            let mut deaths: Vec<(u32, u32)> = vec![];
            for k in (0..self.eqns.len()).rev() {
                let e = &self.eqns[k];
                for v in e.out..e.out + e.n_out {
                    if !std::mem::replace(&mut seen[v as usize], true) {
                        deaths.push((k as u32, v)) // a result that nobody reads
                    }
                }
                for a in self.args(k) {
                    if let Atom::Var(v) = a
                        && !std::mem::replace(&mut seen[*v as usize], true)
                    {
                        deaths.push((k as u32, *v))
                    }
                }
            }
            deaths.reverse();
            let mut first = vec![0u32; self.eqns.len() + 1];
            for (k, _) in &deaths {
                first[*k as usize + 1] += 1
            }
            for k in 0..self.eqns.len() {
                first[k + 1] += first[k]
            }
            Lifetimes { dead: deaths.into_iter().map(|d| d.1).collect(), first }
        })
    }

    /// A derived program, made once for each key of masks, and of numbers as [`key_of`] writes them. The lock is not held while making it: rules re-enter.
    pub(crate) fn memo<T: Any + Send + Sync>(
        &self,
        what: &'static str,
        masks: &[&[bool]],
        make: impl FnOnce() -> Arc<T>,
    ) -> Arc<T> {
        // each mask is followed by its own end, so that different lists never make the same key
        let key =
            (what, masks.iter().flat_map(|m| m.iter().flat_map(|b| [true, *b]).chain([false])).collect::<Vec<_>>());
        let lock = || self.memo.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(hit) = lock().get(&key) {
            return hit.clone().downcast().expect("one type for each kind of memo");
        }
        let made = make();
        let kept: Arc<dyn Any + Send + Sync> = lock().entry(key).or_insert(made).clone();
        kept.downcast().expect("one type for each kind of memo")
    }

    /// A hash of what the program does: equal programs have equal hashes.
    ///
    /// ```
    /// use cotangent::{make_jaxpr, prelude::*};
    /// let hash = |by: f64| make_jaxpr(move |x: &Array| x * by, (&array(1.0),)).content_hash();
    /// assert_eq!(hash(2.0), hash(2.0));
    /// assert_ne!(hash(2.0), hash(3.0));
    /// ```
    pub fn content_hash(&self) -> u64 {
        *self.hash.get_or_init(|| {
            let mut h = crate::trace::eval::Fx::default();
            (&self.ins, &self.outs, &self.atoms, &self.avals).hash(&mut h);
            for e in &self.eqns {
                e.prim.name().hash(&mut h);
                e.prim.hash_dyn(&mut h)
            }
            h.finish()
        })
    }

    /// Which inputs somebody reads.
    pub(crate) fn read(&self) -> Vec<bool> {
        let mut read = vec![false; self.avals.len()];
        for a in self.atoms.iter().chain(&self.outs) {
            if let Atom::Var(v) = a {
                read[*v as usize] = true
            }
        }
        self.ins.iter().map(|v| read[*v as usize]).collect()
    }
    /// The same program without the inputs that nobody reads (nothing, if there are none), and which inputs are left.
    pub(crate) fn without_unread(&self) -> Arc<(Option<Arc<Jaxpr>>, Vec<bool>)> {
        self.memo("without unread", &[], || {
            let left = self.read();
            // the program itself must not be kept in its own memory
            let some = left.contains(&false).then(|| {
                let ins = self.ins.iter().zip(&left).filter(|(_, r)| **r).map(|(v, _)| *v).collect();
                self.rewire(ins, self.outs.clone(), &[])
            });
            Arc::new((some, left))
        })
    }

    /// A copy with these inputs and outputs, and with further variables.
    pub(crate) fn rewire(&self, ins: Vec<u32>, outs: Vec<Atom>, extra: &[Aval]) -> Arc<Jaxpr> {
        let eqns = self.eqns.iter().map(|e| Eqn { prim: e.prim.boxed(), ..*e }).collect();
        let avals = self.avals.iter().chain(extra).cloned().collect();
        Arc::new(Jaxpr::new(ins, 0, self.consts.clone(), eqns, self.atoms.clone(), outs, avals))
    }

    /// What makes these results of these inputs, and nothing that is done for its effect alone.
    pub(crate) fn part(&self, ins: Vec<u32>, outs: Vec<Atom>) -> Arc<Jaxpr> {
        let mut live = vec![false; self.avals.len()];
        let mark = |live: &mut Vec<bool>, atoms: &[Atom]| {
            for a in atoms {
                if let Atom::Var(v) = a {
                    live[*v as usize] = true
                }
            }
        };
        mark(&mut live, &outs);
        let mut keep = vec![false; self.eqns.len()];
        for (k, e) in self.eqns.iter().enumerate().rev() {
            keep[k] = (e.out..e.out + e.n_out).any(|v| live[v as usize]);
            if keep[k] {
                mark(&mut live, self.args(k))
            }
        }
        let (mut eqns, mut atoms) = (vec![], vec![]);
        for (k, e) in self.eqns.iter().enumerate().filter(|(k, _)| keep[*k]) {
            eqns.push(Eqn { prim: e.prim.boxed(), first: atoms.len() as u32, ..*e });
            atoms.extend_from_slice(self.args(k))
        }
        Arc::new(Jaxpr::new(ins, 0, self.consts.clone(), eqns, atoms, outs, self.avals.clone()))
    }

    /// Which outputs depend on the inputs in `mask`, if they do so linearly.
    pub(crate) fn linear_outs(&self, mask: &[bool]) -> Option<Vec<bool>> {
        self.follow(mask, &[], true).map(|f| f.0)
    }
    /// Which outputs depend on the inputs in `mask`, and which are zero where those in `zero` are. `None`: not linearly, if that is asked for.
    pub(crate) fn follow(&self, mask: &[bool], zero: &[bool], linear: bool) -> Option<(Vec<bool>, Vec<bool>)> {
        let mut dep = vec![false; self.avals.len()];
        // what is linear in zeros is zero, and may be added to what depends on the inputs
        let mut none = dep.clone();
        for (v, m) in self.ins.iter().zip(mask) {
            dep[*v as usize] = *m
        }
        for (v, z) in self.ins.iter().zip(zero) {
            none[*v as usize] = *z
        }
        let depends = |dep: &Vec<bool>, a: &Atom| matches!(a, Atom::Var(v) if dep[*v as usize]);
        let is_zero = |none: &Vec<bool>, a: &Atom| match a {
            Atom::Lit(l) => l.dtype.all_zero(&l.bits.to_le_bytes()[..l.dtype.size()]),
            Atom::Var(v) => none[*v as usize],
        };
        for (k, e) in self.eqns.iter().enumerate() {
            let m: Vec<bool> = self.args(k).iter().map(|a| depends(&dep, a)).collect();
            let z: Vec<bool> = self.args(k).iter().map(|a| is_zero(&none, a)).collect();
            let outs = e.out as usize..(e.out + e.n_out) as usize;
            if m.contains(&true) || e.prim.makes_tangent() {
                let n = outs.len();
                let with_zeros = || {
                    let all: Vec<bool> = m.iter().zip(&z).map(|(m, z)| *m || *z).collect();
                    (all != m && e.prim.linear_in(&all)).then(|| vec![true; n])
                };
                let follows = if linear {
                    e.prim.linear_outs(&m, &z, n).or_else(with_zeros)?
                } else {
                    e.prim.dependent_outs(&m, &z, n)
                };
                dep[outs].copy_from_slice(&follows)
            } else if z.contains(&true) && e.prim.linear_in(&z) {
                none[outs].fill(true)
            }
        }
        let of = |a: &Atom| (depends(&dep, a), is_zero(&none, a));
        Some(self.outs.iter().map(of).unzip())
    }
}
