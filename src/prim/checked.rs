//! Branches and loops whose programs give their errors as results: what [`checkify`](crate::checkify()) makes of them.

use super::cond::Cond;
use super::custom::CustomCall;
use super::held::refs;
use super::scan::Scan;
use super::while_loop::While;
use super::*;
use crate::trace::bind;
use crate::trace::checkify::{CheckSet, Checked, Errors, checkify_jaxpr, joined_slots, moved, numbered};
use crate::trace::stage::stage_rule;

/// The error's values, then the results.
fn together(e: Errors, outs: Outs) -> Vec<Array> {
    e.values().into_iter().chain(outs).collect()
}

/// The branches' errors in one table.
pub(super) fn cond(c: &Cond, set: CheckSet, x: &[&Array]) -> Option<(Errors, Outs)> {
    let parts: Vec<Arc<Checked>> = c.branches.iter().map(|b| checkify_jaxpr(b, set)).collect();
    if parts.iter().zip(&c.branches).all(|(p, b)| p.nothing(b)) {
        return None;
    }
    let (mut table, mut slots, mut places) = (vec![], vec![], vec![]);
    for p in &parts {
        let map = joined_slots(&mut slots, &p.slots);
        places.push((table.len(), map.clone()));
        table.extend(moved(&p.table, &map))
    }
    let blank = Checked { jaxpr: parts[0].jaxpr.clone(), table, slots };
    let branch = |(p, (offset, map)): (&Arc<Checked>, &(usize, Vec<usize>))| {
        let types: Vec<Aval> = p.jaxpr.in_avals().cloned().collect();
        stage_rule(&types, |a| {
            let (own, outs) = p.eval(&refs(a));
            let mut all = Errors::blank(&blank.table, &blank.slots);
            all.code = numbered(&own.code, *offset);
            for (s, value) in map.iter().zip(own.slots) {
                all.slots[*s] = value
            }
            together(all, outs)
        })
    };
    let branches = parts.iter().zip(&places).map(branch).collect();
    Some(blank.split(bind(&Cond { branches, tangents: vec![] }, x)))
}

/// The error is carried from turn to turn.
pub(super) fn scan(s: &Scan, set: CheckSet, x: &[&Array]) -> Option<(Errors, Outs)> {
    let c = checkify_jaxpr(&s.body, set);
    if c.nothing(&s.body) {
        return None;
    }
    let types: Vec<Aval> = c.jaxpr.in_avals().cloned().collect();
    let first = Errors::blank(&c.table, &c.slots).values();
    let (consts, rest) = types.split_at(s.n_consts);
    let carried: Vec<Aval> = first.iter().map(|a| a.aval().clone()).collect();
    let body = stage_rule(&[consts, &carried, rest].concat(), |a| {
        let (consts, a) = a.split_at(consts.len());
        let (so_far, rest) = a.split_at(carried.len());
        let (next, outs) = c.eval(&refs(&[consts, rest].concat()));
        let mut e = Errors::of(so_far.to_vec(), &c.table);
        e.again(next);
        together(e, outs)
    });
    let (consts, rest) = x.split_at(s.length.is_none() as usize + s.n_consts);
    let args = [consts, &refs(&first), rest].concat();
    let all = Scan { body, n_carry: first.len() + s.n_carry, tangents: vec![], ..s.clone() };
    Some(c.split(bind(&all, &args)))
}

/// The error is part of the carry. The condition is checked before the first turn and after each.
pub(super) fn while_loop(w: &While, set: CheckSet, x: &[&Array]) -> Option<(Errors, Outs)> {
    let (more, body) = (checkify_jaxpr(&w.cond, set), checkify_jaxpr(&w.body, set));
    if more.nothing(&w.cond) && body.nothing(&w.body) {
        return None;
    }
    let (cc, rest) = x.split_at(w.n_cond);
    let (cb, carry) = rest.split_at(w.n_body);
    // what the condition finds at the beginning, with room for what the body may find
    let (mut first, _) =
        more.split(bind(&call::Call { jaxpr: more.jaxpr.clone(), name: "cond".into() }, &[cc, carry].concat()));
    let base = first.table.len();
    first.then(Errors::blank(&body.table, &body.slots));
    let all = Checked {
        jaxpr: body.jaxpr.clone(),
        table: first.table.clone(),
        slots: first.slots.iter().map(|a| a.aval().clone()).collect(),
    };
    let first = first.values();
    let carried: Vec<Aval> = first.iter().map(|a| a.aval().clone()).collect();
    let types = |x: &[&Array]| x.iter().map(|a| a.aval().clone()).collect::<Vec<_>>();
    let (tc, tb) = (types(cc), types(cb));
    // the types in the loop are those that the programs have, whatever enters
    let tk: Vec<Aval> = w.body.in_avals().skip(w.n_body).cloned().collect();
    let cond = stage_rule(&[&tc[..], &carried, &tk].concat(), |a| {
        let args = [&a[..tc.len()], &a[tc.len() + carried.len()..]].concat();
        more.eval(&refs(&args)).1.into_vec()
    });
    let step = stage_rule(&[&tc[..], &tb, &carried, &tk].concat(), |a| {
        let (cc, a) = a.split_at(tc.len());
        let (cb, a) = a.split_at(tb.len());
        let (so_far, carry) = a.split_at(carried.len());
        let mut e = Errors::of(so_far.to_vec(), &all.table);
        let (found, next) = body.eval(&refs(&[cb, carry].concat()));
        e.again(in_table(found, &all, base));
        let (found, _) = more.eval(&refs(&[cc, &next[..tk.len()]].concat()));
        e.again(in_table(found, &all, 0));
        together(e, next)
    });
    let n_body = w.n_cond + w.n_body;
    let args = [cc, cc, cb, &refs(&first), carry].concat();
    Some(all.split(bind(&While { cond, body: step, n_body, ..*w }, &args)))
}
/// Errors whose messages stand in the table from `offset` on, in the form of that table.
fn in_table(e: Errors, all: &Checked, offset: usize) -> Errors {
    let mut out = Errors::blank(&all.table, &all.slots);
    if e.table.is_empty() {
        return out;
    }
    out.code = if offset == 0 { e.code } else { numbered(&e.code, offset) };
    for (own, there) in e.table.iter().zip(&all.table[offset..]) {
        for (s, t) in own.slots.iter().zip(&there.slots) {
            out.slots[*t] = e.slots[*s].clone()
        }
    }
    out
}

/// The errors of a function with a derivative rule are found beside it, so that the rule stays one of this function and no other: its results without
/// checks, and the errors without derivatives.
pub(super) fn custom(c: &CustomCall, set: CheckSet, x: &[&Array], loc: Loc) -> Option<(Errors, Outs)> {
    if let Some(f) = c.live() {
        let types: Vec<Aval> = x.iter().map(|a| a.aval().clone()).collect();
        let (jaxpr, captured) = crate::trace::stage::stage_flat(&mut |x| f.run(&refs(x)), &types, loc);
        let all: Vec<&Array> = captured.iter().chain(x.iter().copied()).collect();
        let staged = f.staged(jaxpr, captured.len());
        return staged.checked(set, &all, loc).or_else(|| Some((Errors::none(), bind(&*staged, &all))));
    }
    let j = c.inline()?;
    let p = checkify_jaxpr(j, set);
    if p.nothing(j) {
        return None;
    }
    let plain = p.jaxpr.rewire(p.jaxpr.ins.clone(), p.jaxpr.outs[p.width()..].to_vec(), &[]);
    Some((p.alone(x), bind(&c.with_program(plain), x)))
}

/// A call, of the program that gives its errors.
pub(super) fn call<C: call::Calls>(c: &C, set: CheckSet, x: &[&Array]) -> Option<(Errors, Outs)> {
    let p = checkify_jaxpr(c.program(), set);
    if p.nothing(c.program()) {
        return None;
    }
    Some(p.split(bind(&c.of(&p.jaxpr), x)))
}
