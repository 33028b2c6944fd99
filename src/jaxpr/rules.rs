//! Do recorded derivative rules fit the functions that name them? Asked when a program is read: rules run much later, in the middle of a derivative.

use super::json::{Atom, Binder, EqnData, JaxprData, ProgramData, RuleData};
use crate::dtype::DType;
use crate::error::{Error, ErrorKind};

type Shapes<'a> = Vec<&'a [usize]>;

impl ProgramData {
    /// Why the rule of some function does not fit it, if that is so.
    pub(super) fn rules_fit(&self) -> Result<(), Error> {
        let mut wrong = Ok(());
        for root in self.roots() {
            root.visit(&mut |e| {
                if wrong.is_ok() && matches!(e.prim.as_str(), "custom_jvp_call" | "custom_vjp_call") {
                    wrong = self.rule_fits(e)
                }
            })
        }
        wrong
    }

    fn rule_fits(&self, e: &EqnData) -> Result<(), Error> {
        let p = e.params();
        let (body, consts, number) = (p.jaxpr("call_jaxpr")?, p.usize("num_consts")?, p.usize("rule")?);
        let bad = |what: String| Error::new(ErrorKind::Program, format!("{}, rule {number}: {what}", e.prim));
        let same = |what: &str, found: &[&[usize]], wanted: &[&[usize]]| match found == wanted {
            true => Ok(()),
            false => Err(bad(format!("{what} have shapes {found:?}, those of the function ask for {wanted:?}"))),
        };
        let ins: Shapes =
            shapes(body.ins.get(consts..).ok_or_else(|| bad(format!("{consts} constants of {}", body.ins.len())))?);
        let outs: Shapes = shapes(&e.outs);
        let rule = self.rules.get(number).ok_or_else(|| bad(format!("there are {} rules", self.rules.len())))?;
        let forward = e.prim == "custom_jvp_call";
        match rule {
            RuleData::Missing { .. } => Ok(()), // an error for who asks for a derivative
            RuleData::Jvp { in_zeros, out_zeros, jaxpr } if forward => {
                if (in_zeros.len(), out_zeros.len()) != (ins.len(), outs.len()) {
                    let marked = (in_zeros.len(), out_zeros.len());
                    return Err(bad(format!(
                        "zeros are marked for {} inputs and {} results of {} and {}",
                        marked.0,
                        marked.1,
                        ins.len(),
                        outs.len()
                    )));
                }
                let with = |all: &Shapes<'_>, zeros: &[bool]| {
                    let moving = all.iter().zip(zeros).filter(|(_, zero)| !**zero).map(|(s, _)| *s);
                    all.iter().map(|s| s.to_vec()).chain(moving.map(|s| s.to_vec())).collect::<Vec<_>>()
                };
                let (wi, wo) = (with(&ins, in_zeros), with(&outs, out_zeros));
                same("its inputs", &shapes(&jaxpr.ins), &borrowed(&wi))?;
                // JAX batches function and rule apart, and lanes that only one of them knows are in the shapes of its results
                let made = jaxpr.out_shapes();
                if made.len() != wo.len() {
                    return Err(bad(format!(
                        "it has {} results, those of the function ask for {}",
                        made.len(),
                        wo.len()
                    )));
                }
                let (values, tangents) = made.split_at(outs.len());
                let moving = values.iter().zip(out_zeros).filter(|(_, zero)| !**zero).map(|(s, _)| *s);
                same("its tangents", tangents, &moving.collect::<Shapes>())
            }
            RuleData::Vjp { fwd, res_from_in, bwd, bwd_for } if !forward => {
                same("the inputs of fwd", &shapes(&fwd.ins), &ins)?;
                let saved = res_from_in.iter().filter(|r| r.is_none()).count();
                let made = fwd.out_shapes();
                if made.len() < saved {
                    return Err(bad(format!("fwd has {} results and {saved} residuals among them", made.len())));
                }
                let (saved, results) = made.split_at(saved);
                if results.len() != outs.len() {
                    return Err(bad(format!(
                        "fwd has {} results, those of the function are {}",
                        results.len(),
                        outs.len()
                    )));
                }
                let mut saved = saved.iter();
                let residual = |r: &Option<usize>| match r {
                    Some(i) => ins.get(*i).ok_or_else(|| bad(format!("a residual is input {i} of {}", ins.len()))),
                    None => Ok(saved.next().expect("they were counted")),
                };
                let residuals = res_from_in.iter().map(residual).collect::<Result<Vec<_>, _>>()?;
                let residuals: Shapes = residuals.into_iter().copied().collect();
                // results without derivatives have a cotangent or none
                let smooth = |b: &&Binder| DType::from_name(&b.aval.dtype).is_none_or(|t| t.is_inexact());
                let all = [&residuals[..], &outs].concat();
                let few: Shapes =
                    residuals.iter().copied().chain(e.outs.iter().filter(smooth).map(|b| &b.aval.shape[..])).collect();
                let takes = shapes(&bwd.ins);
                same("the inputs of bwd", &takes, if takes.len() == all.len() { &all } else { &few })?;
                if let Some(i) = bwd_for.iter().find(|i| **i >= ins.len()) {
                    return Err(bad(format!("bwd is for input {i} of {}", ins.len())));
                }
                // of which shapes they are JAX can be told not to check
                if bwd.outs.len() != bwd_for.len() {
                    return Err(bad(format!("bwd has {} results for {} inputs", bwd.outs.len(), bwd_for.len())));
                }
                Ok(())
            }
            _ => Err(bad("it is of the other kind".into())),
        }
    }
}

fn shapes(of: &[Binder]) -> Shapes<'_> {
    of.iter().map(|b| &b.aval.shape[..]).collect()
}
fn borrowed(all: &[Vec<usize>]) -> Shapes<'_> {
    all.iter().map(|s| &s[..]).collect()
}
impl JaxprData {
    /// The shapes of the results.
    fn out_shapes(&self) -> Shapes<'_> {
        let of_var = |v: usize| {
            let made = self.ins.iter().chain(self.eqns.iter().flat_map(|e| &e.outs)).find(|b| b.id == v);
            let held = || self.consts.iter().find(|c| c.id == v).map(|c| &c.array.shape[..]);
            made.map(|b| &b.aval.shape[..]).or_else(held).unwrap_or(&[])
        };
        let mut all = vec![];
        for a in &self.outs {
            all.push(match a {
                Atom::Var(v) => of_var(*v),
                Atom::Lit(l) => &l.shape,
            })
        }
        all
    }
}
