//! Is a program well formed and well typed? Whoever makes programs promises it; this is how the promise is tested.

use super::*;
use crate::error::{Error, ErrorKind};
use crate::prim::Param;
use std::collections::HashSet;

impl Jaxpr {
    /// Derives the type of every result again from the operation and its operands, and compares it with the one recorded. Also,
    /// every variable must be bound once and before it is read. Nested programs are checked in the same way.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn check(&self) -> Result<(), Error> {
        let mut seen = HashSet::new();
        let mut nested = vec![];
        self.check_flat(&mut nested).map_err(|what| wrong("the program", what))?;
        while let Some((owner, j)) = nested.pop() {
            if seen.insert(Arc::as_ptr(&j)) {
                j.check_flat(&mut nested).map_err(|what| wrong(&format!("a program of {owner}"), what))?;
            }
        }
        Ok(())
    }

    /// Checks the equations, and gathers the programs that they hold with the names of those that hold them.
    fn check_flat(&self, nested: &mut Vec<(&'static str, Arc<Jaxpr>)>) -> Result<(), String> {
        if self.hidden > self.ins.len() {
            return Err(format!("{} of {} inputs are captured", self.hidden, self.ins.len()));
        }
        let mut bound = Bound(vec![false; self.avals.len()]);
        for v in &self.ins {
            bound.bind(*v)?
        }
        for (v, a) in &self.consts {
            bound.bind(*v)?;
            let recorded = &self.avals[*v as usize];
            if a.aval() != recorded {
                return Err(format!("type {recorded} is recorded for a constant of type {}", a.aval()));
            }
        }
        let mut end = 0;
        for (k, e) in self.eqns.iter().enumerate() {
            let next = self.eqns.get(k + 1).map_or(self.atoms.len(), |e| e.first as usize);
            if e.first as usize != end || next < end || next > self.atoms.len() {
                return Err(format!("equation {k}: its operands {}..{next} do not begin at {end}", e.first));
            }
            let operands = &self.atoms[end..next];
            end = next;
            self.check_equation(e, operands, &mut bound)
                .map_err(|what| format!("equation {k}, {}: {what}", e.prim.name()))?;
            for (_, p) in e.prim.params() {
                match p {
                    Param::Text(_) => {}
                    Param::Jaxpr(j) | Param::Called(j, _) => nested.push((e.prim.name(), j)),
                    Param::Jaxprs(js) => nested.extend(js.into_iter().map(|j| (e.prim.name(), j))),
                }
            }
        }
        if end != self.atoms.len() {
            return Err(format!("{} operands belong to no equation", self.atoms.len() - end));
        }
        bound.read(&self.outs)
    }

    fn check_equation(&self, e: &Eqn, operands: &[Atom], bound: &mut Bound) -> Result<(), String> {
        bound.read(operands)?;
        let literals: Vec<Aval> = operands.iter().filter_map(literal_type).collect();
        let mut literal = literals.iter();
        let types: Vec<&Aval> = operands
            .iter()
            .map(|a| match a {
                Atom::Var(v) => &self.avals[*v as usize],
                Atom::Lit(_) => literal.next().expect("a type for each literal"),
            })
            .collect();
        let results = e.prim.abstract_eval(&types)?;
        if results.len() != e.n_out as usize {
            return Err(format!("{} results are recorded, {} follow", e.n_out, results.len()));
        }
        for (v, follows) in (e.out..).zip(&results) {
            bound.bind(v)?;
            let recorded = &self.avals[v as usize];
            if recorded != follows {
                return Err(format!("type {recorded:?} is recorded for a result, {follows:?} follows"));
            }
        }
        Ok(())
    }
}

fn literal_type(a: &Atom) -> Option<Aval> {
    match a {
        Atom::Var(_) => None,
        Atom::Lit(l) => Some(Aval::new(l.dtype, &[]).with_weak(l.weak)),
    }
}

/// Which variables are bound so far.
struct Bound(Vec<bool>);

impl Bound {
    fn bind(&mut self, v: u32) -> Result<(), String> {
        match self.0.get_mut(v as usize) {
            None => Err(format!("variable {v} has no type")),
            Some(true) => Err(format!("variable {v} is bound twice")),
            Some(free) => {
                *free = true;
                Ok(())
            }
        }
    }
    fn read(&self, atoms: &[Atom]) -> Result<(), String> {
        for a in atoms {
            if let Atom::Var(v) = a
                && !self.0.get(*v as usize).is_some_and(|b| *b)
            {
                return Err(format!("variable {v} is read before it is bound"));
            }
        }
        Ok(())
    }
}

#[cold]
fn wrong(place: &str, what: String) -> Error {
    Error::new(ErrorKind::Program, format!("{place} is wrong: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::{Add, Sin};

    /// a, b: f32[2] -> c = sin a; d = add c b, changed by the test.
    fn broken(change: impl FnOnce(&mut Jaxpr)) -> String {
        let t = Aval::new(DType::Float32, &[2]);
        let loc = std::panic::Location::caller();
        let eqns = vec![
            Eqn { prim: Box::new(Sin), first: 0, out: 2, n_out: 1, loc },
            Eqn { prim: Box::new(Add), first: 1, out: 3, n_out: 1, loc },
        ];
        let atoms = vec![Atom::Var(0), Atom::Var(2), Atom::Var(1)];
        let mut j = Jaxpr::new(vec![0, 1], 0, vec![], eqns, atoms, vec![Atom::Var(3)], vec![t; 4]);
        j.check().unwrap();
        change(&mut j);
        let caller = crate::prim::Call { jaxpr: Arc::new(j), name: "f".into() };
        let t = Aval::new(DType::Float32, &[2]);
        let eqn = Eqn { prim: Box::new(caller), first: 0, out: 1, n_out: 1, loc };
        let atoms = vec![Atom::Var(0), Atom::Var(0)];
        let outer = Jaxpr::new(vec![0], 0, vec![], vec![eqn], atoms, vec![Atom::Var(1)], vec![t; 2]);
        outer.check().unwrap_err().to_string()
    }

    #[test]
    fn every_fault_is_told() {
        let long = Aval::new(DType::Float32, &[3]);
        let one = Lit { bits: 0, dtype: DType::Int32, weak: false };
        let inner = |what: &str| format!("a program of jit is wrong: {what}");
        assert_eq!(broken(|j| j.outs[0] = Atom::Var(4)), inner("variable 4 is read before it is bound"));
        assert_eq!(
            broken(|j| j.atoms[0] = Atom::Var(3)),
            inner("equation 0, sin: variable 3 is read before it is bound")
        );
        assert_eq!(broken(|j| j.eqns[1].out = 2), inner("equation 1, add: variable 2 is bound twice"));
        assert_eq!(broken(|j| j.eqns[1].out = 4), inner("equation 1, add: variable 4 has no type"));
        assert_eq!(broken(|j| j.eqns[1].n_out = 2), inner("equation 1, add: 2 results are recorded, 1 follow"));
        assert_eq!(broken(|j| j.eqns[1].first = 4), inner("equation 0: its operands 0..4 do not begin at 0"));
        assert_eq!(broken(|j| j.atoms.truncate(1)), inner("equation 1, add: 0 operands"));
        assert_eq!(broken(|j| j.hidden = 3), inner("3 of 2 inputs are captured"));
        let told = broken(|j| j.avals[3] = long.with_weak(true));
        assert!(told.starts_with(&inner("equation 1, add: type Aval { dtype: Float32, weak: true")), "{told}");
        let told = broken(|j| j.atoms[2] = Atom::Lit(one));
        assert!(told.starts_with(&inner("equation 1, add: ")), "{told}");
        let told = broken(|j| j.avals[1] = long);
        assert!(told.starts_with("the program is wrong: equation 0, jit: argument 1 has type"), "{told}");
    }
}
