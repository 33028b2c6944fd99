//! Is a program well formed and well typed? Whoever makes programs promises it; this is how the promise is tested.

use super::*;
use crate::error::{Error, ErrorKind};

impl Jaxpr {
    /// Derives the type of every result again from the operation and its operands, and compares it with the one recorded. Also,
    /// every variable must be bound once and before it is read. Nested programs are checked in the same way.
    ///
    /// ```
    /// use cotangent::{make_jaxpr, prelude::*};
    /// let program = make_jaxpr(grad(|x: &Array| x.sin().sum()), (&array![1., 2.],));
    /// assert!(program.check().is_ok());
    /// ```
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn check(&self) -> Result<(), Error> {
        self.check_in(&mut HashMap::new()).map_err(|what| Error::new(ErrorKind::Program, what))
    }

    /// The same, passing over the nested programs that were seen. They are kept, so that none takes the place of another in memory.
    fn check_in(&self, seen: &mut HashMap<*const Jaxpr, Arc<Jaxpr>>) -> Result<(), String> {
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
            let at = |what: String| format!("equation {k}, {}: {what}", e.prim.name());
            for (_, p) in e.prim.params() {
                for j in p.programs() {
                    if seen.insert(Arc::as_ptr(&j), j.clone()).is_none() {
                        j.check_in(seen).map_err(at)?
                    }
                }
            }
            self.check_equation(e, operands, &mut bound).map_err(at)?
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::{Add, Sin};

    /// What is wrong with a program after this change. It was: a, b -> c = sin a; d = add c b; d.
    fn broken(change: impl FnOnce(&mut Jaxpr)) -> String {
        let t = Aval::new(DType::Float32, &[2]);
        let loc = std::panic::Location::caller();
        let eqns = vec![
            Eqn { prim: Box::new(Sin), first: 0, out: 2, n_out: 1, back: false, loc },
            Eqn { prim: Box::new(Add), first: 1, out: 3, n_out: 1, back: false, loc },
        ];
        let atoms = vec![Atom::Var(0), Atom::Var(2), Atom::Var(1)];
        let mut j = Jaxpr::new(vec![0, 1], 0, vec![], eqns, atoms, vec![Atom::Var(3)], vec![t; 4]);
        j.check().unwrap();
        change(&mut j);
        j.check().unwrap_err().to_string()
    }

    #[test]
    fn every_fault_is_told() {
        let long = || Aval::new(DType::Float32, &[3]);
        let one = Lit { bits: 0, dtype: DType::Int32, weak: false };
        assert_eq!(broken(|j| j.hidden = 3), "3 of 2 inputs are captured");
        assert_eq!(broken(|j| j.ins[1] = 0), "variable 0 is bound twice");
        assert_eq!(broken(|j| j.outs[0] = Atom::Var(4)), "variable 4 is read before it is bound");
        assert_eq!(broken(|j| j.atoms[0] = Atom::Var(3)), "equation 0, sin: variable 3 is read before it is bound");
        assert_eq!(broken(|j| j.eqns[1].out = 2), "equation 1, add: variable 2 is bound twice");
        assert_eq!(broken(|j| j.eqns[1].out = 4), "equation 1, add: variable 4 has no type");
        assert_eq!(broken(|j| j.eqns[1].n_out = 2), "equation 1, add: 2 results are recorded, 1 follow");
        assert_eq!(broken(|j| j.eqns[1].first = 4), "equation 0: its operands 0..4 do not begin at 0");
        assert_eq!(broken(|j| j.eqns.truncate(1)), "equation 0, sin: variable 2 is read before it is bound");
        let told = broken(|j| j.avals[3] = long());
        assert!(told.starts_with("equation 1, add: type Aval { dtype: Float32, weak: false"), "{told}");
        let told = broken(|j| j.atoms[2] = Atom::Lit(one));
        assert!(told.starts_with("equation 1, add: ") && told.contains("type"), "{told}");
        let constant = Array::scalar(DType::Int32, false, 0);
        assert_eq!(
            broken(|j| j.consts.push((j.ins.pop().unwrap(), constant))),
            "type float32[2] is recorded for a constant of type int32[]"
        );
    }

    #[test]
    fn nested_programs_are_checked_against_their_calls() {
        let (t, loc) = (Aval::new(DType::Float32, &[2]), std::panic::Location::caller());
        let eqn = Eqn { prim: Box::new(Sin), first: 0, out: 1, n_out: 1, back: false, loc };
        let mut inner =
            Jaxpr::new(vec![0], 0, vec![], vec![eqn], vec![Atom::Var(0)], vec![Atom::Var(1)], vec![t.clone(); 2]);
        let outer = |inner: Jaxpr, operands: usize| {
            let prim = Box::new(crate::prim::Call { jaxpr: Arc::new(inner), name: "f".into() });
            let eqn = Eqn { prim, first: 0, out: 1, n_out: 1, back: false, loc };
            let atoms = vec![Atom::Var(0); operands];
            let j = Jaxpr::new(vec![0], 0, vec![], vec![eqn], atoms, vec![Atom::Var(1)], vec![t.clone(); 2]);
            j.check().unwrap_err().to_string()
        };
        let copy = inner.rewire(inner.ins.clone(), inner.outs.clone(), &[]);
        let copy = Arc::into_inner(copy).unwrap();
        assert_eq!(outer(copy, 2), "equation 0, jit: the program takes 1 arguments, and is given 2");
        inner.atoms[0] = Atom::Var(1);
        assert_eq!(outer(inner, 1), "equation 0, jit: equation 0, sin: variable 1 is read before it is bound");
    }
}
