//! Loops that take several turns at once: a shorter loop whose body is so many turns, and the turns that are left over.

use super::*;
use crate::jaxpr::key_of;
use crate::prim::scan::Scan;
use crate::trace::bind;
use crate::trace::stage::stage_rule;

impl Scan {
    /// The loop as a program in which `unroll` turns follow each other, 0 for all of them; none, if that is the loop itself. The turns
    /// that are left over come last, as in JAX.
    pub(crate) fn unrolled(&self) -> Option<Arc<Jaxpr>> {
        let length = self.length?;
        let n = if self.unroll == 0 { length } else { self.unroll.min(length) };
        // stacks are taken turn by turn
        if self.unroll == 1 || n == 0 || self.body.in_avals().chain(&self.body.out_avals()).any(|a| a.stack > 0) {
            return None;
        }
        let key = [key_of(self.n_consts), key_of(self.n_carry), key_of(length), key_of(n), vec![self.reverse]].concat();
        Some(self.body.memo("unroll", &[&key], || self.turns_at_once(length, n)))
    }
    fn turns_at_once(&self, length: usize, n: usize) -> Arc<Jaxpr> {
        // a single round would be a loop of one turn: it is no loop then
        let rounds = if n == length { 0 } else { length / n };
        let left = length - rounds * n;
        let fixed = self.n_consts + self.n_carry;
        let types = |lead: &[usize], i: usize, a: &Aval| match i < fixed {
            true => a.clone(),
            false => a.with_shape(lead.iter().copied().chain(a.shape.iter().copied())),
        };
        let ins = |lead: &[usize]| self.body.in_avals().enumerate().map(|(i, a)| types(lead, i, a)).collect::<Vec<_>>();
        stage_rule(&ins(&[length]), |x| {
            let (consts, rest) = x.split_at(self.n_consts);
            let (carry, xs) = rest.split_at(self.n_carry);
            let mut carry = carry.to_vec();
            let part = |from: usize, to: usize| xs.iter().map(|x| slice_in_dim(x, from, to, 1, 0)).collect::<Vec<_>>();
            let (turned, over) = if self.reverse {
                (part(left, length), part(0, left))
            } else {
                (part(0, rounds * n), part(rounds * n, length))
            };
            let mut ys: Vec<Vec<Array>> = vec![];
            if rounds > 0 {
                let body = stage_rule(&ins(&[n]), |a| {
                    let (carry, xs) = a[self.n_consts..].split_at(self.n_carry);
                    let (carry, ys) = self.turns_of(&a[..self.n_consts], carry.to_vec(), xs, n);
                    carry.into_iter().chain(ys).collect()
                });
                let split = |x: &Array| [&[rounds, n], &x.shape()[1..]].concat();
                let turned: Vec<Array> = turned.iter().map(|x| reshape(x, &split(x))).collect();
                let outer = Scan { body, length: Some(rounds), unroll: 1, ..self.clone() };
                carry = bind(&outer, &consts.iter().chain(&carry).chain(&turned).collect::<Vec<_>>()).into_vec();
                let whole = |y: &Array| reshape(y, &[&[rounds * n], &y.shape()[2..]].concat());
                ys.push(carry.split_off(self.n_carry).iter().map(whole).collect())
            }
            if left > 0 {
                let (last, y) = self.turns_of(consts, carry, &over, left);
                carry = last;
                ys.insert(if self.reverse { 0 } else { ys.len() }, y)
            }
            let joined = |i: usize| concatenate(&ys.iter().map(|y| &y[i]).collect::<Vec<_>>(), 0);
            carry.extend((0..ys[0].len()).map(joined));
            carry
        })
    }
    /// `n` turns one after the other, over xs of so many elements: the last carry, and ys.
    fn turns_of(&self, consts: &[Array], mut carry: Vec<Array>, xs: &[Array], n: usize) -> (Vec<Array>, Vec<Array>) {
        let mut ys = vec![vec![]; self.body.outs.len() - self.n_carry];
        for turn in 0..n {
            let i = if self.reverse { n - 1 - turn } else { turn };
            let now: Vec<Array> = xs.iter().map(|x| squeeze(&slice_in_dim(x, i, i + 1, 1, 0), &[0])).collect();
            let mut out = self.body.eval(&consts.iter().chain(&carry).chain(&now).collect::<Vec<_>>());
            for (all, y) in ys.iter_mut().zip(out.split_off(self.n_carry)) {
                all.push(y)
            }
            carry = out
        }
        let stacked = |mut all: Vec<Array>| {
            if self.reverse {
                all.reverse()
            }
            stack(&all.iter().collect::<Vec<_>>(), 0)
        };
        (carry, ys.into_iter().map(stacked).collect())
    }
}
