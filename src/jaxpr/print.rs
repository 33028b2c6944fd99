//! Programs as text, character by character as JAX prints them.
//!
//! Variables are named a, b, .., z, ba, .. in the order in which the text mentions them first, nested programs included. A program
//! that an equation calls borrows the names of what is passed in and out. A nested program that occurs more than once, or is long,
//! comes first, under a name.

use super::layout::Document;
use super::*;
use crate::array::print::format_python;
use crate::prim::Param;
use std::collections::{HashSet, VecDeque};
use std::fmt::{self, Write};

/// The width of a line.
const WIDTH: usize = 80;
/// A nested program with more equations than this comes first even if it occurs once.
const LONG: usize = 10;

/// The names of a program's variables, as numbers.
type Names = Vec<u32>;
/// A variable that has no name yet.
const UNNAMED: u32 = u32::MAX;
/// A result that nobody reads.
const DROPPED: u32 = u32::MAX - 1;

impl fmt::Display for Jaxpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = shared(self);
        let taken = shared.iter().filter_map(|(_, name)| number(name)).collect();
        let names = shared.iter().map(|(j, name)| (Arc::as_ptr(j), name.clone())).collect();
        let mut p = Printer { doc: Document::default(), shared: names, taken, next: 0 };
        for (j, name) in &shared {
            p.doc.text("let ");
            p.doc.text(name);
            p.doc.text(" = ");
            p.program(j, unnamed(j), 0);
            p.doc.text(" in");
            p.doc.brk(" ");
        }
        p.program(self, dropped(self), self.hidden);
        p.doc.set(WIDTH, f)
    }
}

fn unnamed(j: &Jaxpr) -> Names {
    vec![UNNAMED; j.avals.len()]
}
/// No names but those of results that nobody reads.
fn dropped(j: &Jaxpr) -> Names {
    let mut names = vec![DROPPED; j.avals.len()];
    let bound = j.ins.iter().chain(j.consts.iter().map(|(v, _)| v));
    let read = j.atoms.iter().chain(&j.outs).filter_map(|a| match a {
        Atom::Var(v) => Some(v),
        Atom::Lit(_) => None,
    });
    for v in bound.chain(read) {
        names[*v as usize] = UNNAMED
    }
    names
}

/// a, b, .., z, ba, bb, ..: a number in base 26.
pub(crate) fn name(n: u32) -> String {
    let mut digits = vec![];
    let mut rest = n;
    loop {
        digits.push(b'a' + (rest % 26) as u8);
        rest /= 26;
        if rest == 0 {
            return digits.iter().rev().map(|d| *d as char).collect();
        }
    }
}
/// A scalar in place, with its type.
pub(crate) fn literal(l: &Lit) -> String {
    let bytes = l.bits.to_le_bytes();
    format!("{}:{}[]", format_python(l.dtype, &[], &bytes[..l.dtype.size()]), l.dtype.short())
}
/// The number whose name this is, if it is one that a variable may get.
fn number(text: &str) -> Option<u32> {
    let canonical = text.len() == 1 || !text.starts_with('a');
    if text.is_empty() || !canonical {
        return None;
    }
    text.bytes().try_fold(0u32, |n, c| match c {
        b'a'..=b'z' => n.checked_mul(26)?.checked_add(u32::from(c - b'a')),
        _ => None,
    })
}

/// The nested programs that come first, in the order in which a search in breadth meets them, with their names. Programs are told
/// apart by where they lie: those that merely do the same are different.
fn shared(root: &Jaxpr) -> Vec<(Arc<Jaxpr>, String)> {
    struct Nested {
        jaxpr: Arc<Jaxpr>,
        name: Option<Arc<str>>,
        /// Does the program, written out, hold it more than once?
        often: bool,
        holds: Vec<usize>,
    }
    let mut all: Vec<Nested> = vec![];
    let mut index: HashMap<*const Jaxpr, usize> = HashMap::new();
    let mut often: Vec<usize> = vec![];
    let mut queue = VecDeque::from([None]);
    while let Some(at) = queue.pop_front() {
        let jaxpr = at.map(|i: usize| all[i].jaxpr.clone());
        let mut holds = vec![];
        for e in &jaxpr.as_deref().unwrap_or(root).eqns {
            for (_, p) in e.prim.params() {
                let programs = p.programs();
                let called = match p {
                    Param::Called(_, name) => Some(name),
                    _ => None,
                };
                for j in programs {
                    let i = match index.get(&Arc::as_ptr(&j)) {
                        Some(&i) => {
                            often.push(i);
                            i
                        }
                        None => {
                            index.insert(Arc::as_ptr(&j), all.len());
                            queue.push_back(Some(all.len()));
                            all.push(Nested { jaxpr: j, name: None, often: false, holds: vec![] });
                            all.len() - 1
                        }
                    };
                    holds.push(i);
                    if all[i].name.is_none() {
                        all[i].name = called.clone()
                    }
                }
            }
        }
        if let Some(i) = at {
            all[i].holds = holds
        }
    }
    // what is held by something that occurs more than once does so, too
    while let Some(i) = often.pop() {
        if !std::mem::replace(&mut all[i].often, true) {
            often.extend(&all[i].holds)
        }
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    let first = all.into_iter().filter(|n| n.often || n.jaxpr.len() > LONG);
    first
        .map(|n| {
            let mut name = n.name.as_deref().unwrap_or("jaxpr").trim_matches(['<', '>']).to_string();
            let count = seen.entry(name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                write!(name, "{}", *count - 1).expect("a string takes all text");
                *seen.entry(name.clone()).or_default() += 1;
            }
            (n.jaxpr, name)
        })
        .collect()
}

struct Printer {
    doc: Document,
    /// The names of the programs that come first.
    shared: HashMap<*const Jaxpr, String>,
    /// The variables' names, as numbers, that belong to such programs.
    taken: HashSet<u32>,
    /// The next name.
    next: u32,
}

impl Printer {
    fn named(&mut self, names: &mut Names, v: u32) -> u32 {
        let n = &mut names[v as usize];
        if *n == UNNAMED {
            while self.taken.contains(&self.next) {
                self.next += 1
            }
            *n = self.next;
            self.next += 1;
        }
        *n
    }
    fn var(&mut self, names: &mut Names, v: u32) {
        match self.named(names, v) {
            DROPPED => self.doc.text("_"),
            n => self.doc.text(&name(n)),
        }
    }
    fn aval(&mut self, dtype: DType, shape: &[usize]) {
        let mut text = format!(":{}", dtype.short());
        crate::aval::dims(&mut text, shape).expect("a string takes all text");
        self.doc.text(&text)
    }
    fn atom(&mut self, names: &mut Names, a: &Atom) {
        match a {
            Atom::Var(v) => self.var(names, *v),
            Atom::Lit(l) => self.doc.text(&literal(l)),
        }
    }
    /// A list of which lines are broken where they are full.
    fn list<T>(&mut self, items: impl IntoIterator<Item = T>, separator: &str, mut item: impl FnMut(&mut Printer, T)) {
        let mut items = items.into_iter().peekable();
        self.doc.indent(2);
        while let Some(i) = items.next() {
            item(self, i);
            if items.peek().is_some() {
                self.doc.text(separator);
                self.doc.space()
            }
        }
        self.doc.indent(-2)
    }
    /// Variables with their types, where they are bound.
    fn binders(&mut self, j: &Jaxpr, names: &mut Names, vars: impl IntoIterator<Item = u32>) {
        self.list(vars, "", |p, v| {
            p.var(names, v);
            let aval = &j.avals[v as usize];
            p.aval(aval.dtype, &aval.shape)
        })
    }

    /// A program. The first inputs, `captured` in number, were not passed in by the user.
    fn program(&mut self, j: &Jaxpr, mut names: Names, captured: usize) {
        let names = &mut names;
        self.doc.open();
        self.doc.indent(2);
        self.doc.text("{ lambda ");
        let (hidden, ins) = j.ins.split_at(captured);
        self.binders(j, names, j.consts.iter().map(|(v, _)| *v).chain(hidden.iter().copied()));
        self.doc.text("; ");
        self.binders(j, names, ins.iter().copied());
        self.doc.text(". let");
        self.doc.indent(2);
        self.doc.brk(" ");
        for k in 0..j.eqns.len() {
            if k > 0 {
                self.doc.brk("; ")
            }
            self.equation(j, k, names)
        }
        self.doc.indent(-2);
        self.doc.brk(" ");
        self.doc.text("in (");
        self.list(&j.outs, ",", |p, a| p.atom(names, a));
        self.doc.text(if j.outs.len() == 1 { ",)" } else { ")" });
        self.doc.indent(-2);
        self.doc.text(" }");
        self.doc.close();
    }
    fn equation(&mut self, j: &Jaxpr, k: usize, names: &mut Names) {
        let e = &j.eqns[k];
        let params = e.prim.params();
        let mut inner = None;
        for (_, p) in &params {
            if let Param::Called(called, _) = p
                && !self.shared.contains_key(&Arc::as_ptr(called))
            {
                inner = Some(self.borrowed(called, names, j.args(k), e))
            }
        }
        if e.n_out > 0 {
            self.binders(j, names, e.out..e.out + e.n_out);
            self.doc.text(" = ")
        }
        self.doc.text(e.prim.name());
        if !params.is_empty() {
            self.params(params, inner)
        }
        self.doc.text(" ");
        self.list(j.args(k), "", |p, a| p.atom(names, a))
    }
    /// The names that a called program takes from the equation: those of its operands for the inputs, those of its results for
    /// the outputs that are not inputs. No two variables get the same.
    fn borrowed(&mut self, called: &Jaxpr, names: &mut Names, args: &[Atom], e: &Eqn) -> Names {
        let mut inner = unnamed(called);
        let mut used: HashSet<u32> = HashSet::new();
        if called.ins.len() == args.len() {
            for (v, a) in called.ins.iter().zip(args) {
                if let Atom::Var(a) = a
                    && inner[*v as usize] == UNNAMED
                    && used.insert(*a)
                {
                    inner[*v as usize] = self.named(names, *a)
                }
            }
        }
        if called.outs.len() == e.n_out as usize {
            for (o, a) in called.outs.iter().zip(e.out..) {
                if let Atom::Var(v) = o
                    && inner[*v as usize] == UNNAMED
                {
                    inner[*v as usize] = self.named(names, a)
                }
            }
        }
        inner
    }
    fn params(&mut self, params: Vec<(&'static str, Param)>, mut inner: Option<Names>) {
        self.doc.open();
        self.doc.indent(2);
        self.doc.text("[");
        for (i, (key, p)) in params.into_iter().enumerate() {
            self.doc.brk(if i == 0 { "" } else { " " });
            self.doc.text(key);
            self.doc.text("=");
            match p {
                Param::Text(t) => self.doc.text(&t),
                Param::Jaxpr(j) => self.nested(&j, None),
                Param::Called(j, _) => self.nested(&j, inner.take()),
                Param::Jaxprs(js) => self.tuple("", js.into_iter().map(|j| ("", Some(j))).collect()),
                Param::Fields(name, fields) => self.tuple(name, fields),
            }
        }
        self.doc.indent(-2);
        self.doc.brk("");
        self.doc.text("]");
        self.doc.close()
    }
    fn tuple(&mut self, name: &str, programs: Vec<(&'static str, Option<Arc<Jaxpr>>)>) {
        self.doc.open();
        self.doc.indent(2);
        self.doc.text(name);
        self.doc.text("(");
        for (i, (name, j)) in programs.iter().enumerate() {
            self.doc.brk(if i == 0 { "" } else { " " });
            if !name.is_empty() {
                self.doc.text(name);
                self.doc.text("=")
            }
            match j {
                Some(j) => self.nested(j, None),
                None => self.doc.text("None"),
            }
        }
        self.doc.indent(-2);
        self.doc.brk("");
        self.doc.text(")");
        self.doc.close()
    }
    /// A nested program, or its name. What it captured is passed to it, so that its inputs are all alike.
    fn nested(&mut self, j: &Arc<Jaxpr>, names: Option<Names>) {
        match self.shared.get(&Arc::as_ptr(j)) {
            Some(name) => self.doc.text(name),
            None => self.program(j, names.unwrap_or_else(|| unnamed(j)), 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prim::{self, Avals, Batched, Primitive, Tangents, lower};
    use crate::trace::batch::Lanes;
    use crate::trace::stage::stage_rule;

    /// An operation without results, which only prints.
    #[derive(Debug, Clone, PartialEq, Eq, Hash)]
    struct Show;
    impl Primitive for Show {
        fn name(&self) -> &'static str {
            "show"
        }
        fn abstract_eval(&self, _: &[&Aval]) -> Result<Avals, String> {
            Ok(Avals::new())
        }
        fn jvp(&self, _: &[&Array], _: &[Option<&Array>], _: &[Array]) -> Tangents {
            Tangents::new()
        }
        fn batch(&self, _: &Lanes, _: &[&Array], _: &[Option<usize>]) -> Batched {
            unreachable!("only printed")
        }
        fn lower(&self, _: &mut lower::Lower, _: &[cotangent_cpu::ValId], _: &[&Aval], _: &[Aval]) -> lower::Vals {
            unreachable!("only printed")
        }
        fn effect(&self) -> bool {
            true
        }
    }
    fn f32s(shape: &[usize]) -> Aval {
        Aval::new(DType::Float32, shape)
    }
    fn i32s(shape: &[usize]) -> Aval {
        Aval::new(DType::Int32, shape)
    }
    fn sines(n: usize) -> Arc<Jaxpr> {
        stage_rule(&[f32s(&[])], |x| vec![(0..n).fold(x[0].clone(), |x, _| prim::sin(&x))])
    }

    /// The texts in this test are JAX's for programs of these operations.
    #[test]
    fn branches_loops_and_results_that_nobody_reads() {
        let cond = |x: &Array, branches: Vec<Arc<Jaxpr>>| {
            let positive = prim::gt(x, &prim::lit(x, 0.0));
            let index = prim::convert_element_type(&positive, DType::Int32, false);
            prim::cond::cond(&index, branches, &[x]).into_vec()
        };
        let cosine = stage_rule(&[f32s(&[])], |x| vec![prim::cos(&x[0])]);
        let j = stage_rule(&[f32s(&[])], |x| cond(&x[0], vec![cosine, sines(1)]));
        assert_eq!(
            j.to_string(),
            "\
{ lambda ; a:f32[]. let
    b:bool[] = gt a 0.0:f32[]
    c:i32[] = convert_element_type[new_dtype=int32 weak_type=False] b
    d:f32[] = cond[
      branches=(
        { lambda ; e:f32[]. let f:f32[] = cos e in (f,) }
        { lambda ; g:f32[]. let h:f32[] = sin g in (h,) }
      )
    ] c a
  in (d,) }"
        );
        let same = stage_rule(&[f32s(&[])], |x| vec![x[0].clone()]);
        let j = stage_rule(&[f32s(&[])], |x| cond(&x[0], vec![same, sines(11)]));
        assert_eq!(
            j.to_string(),
            "\
let jaxpr = { lambda ; a:f32[]. let
    b:f32[] = sin a
    c:f32[] = sin b
    d:f32[] = sin c
    e:f32[] = sin d
    f:f32[] = sin e
    g:f32[] = sin f
    h:f32[] = sin g
    i:f32[] = sin h
    j:f32[] = sin i
    k:f32[] = sin j
    l:f32[] = sin k
  in (l,) } in
{ lambda ; m:f32[]. let
    n:bool[] = gt m 0.0:f32[]
    o:i32[] = convert_element_type[new_dtype=int32 weak_type=False] n
    p:f32[] = cond[branches=({ lambda ; q:f32[]. let  in (q,) } jaxpr)] o m
  in (p,) }"
        );
        let body = stage_rule(&[i32s(&[]), f32s(&[])], |x| {
            let next = prim::add(&x[0], &prim::lit(&x[0], 1.0));
            vec![next, prim::add(&x[1], &prim::convert_element_type(&x[0], DType::Float32, true))]
        });
        let j = stage_rule(&[f32s(&[])], |x| {
            let zero = Array::scalar(DType::Int32, false, 0);
            let tangents = vec![];
            let scan = prim::scan::Scan {
                body,
                n_consts: 0,
                n_carry: 2,
                length: Some(5),
                reverse: false,
                unroll: 1,
                tangents,
            };
            vec![crate::trace::bind(&scan, &[&zero, &x[0]]).remove(1)]
        });
        assert_eq!(
            j.to_string(),
            "\
{ lambda ; a:f32[]. let
    _:i32[] b:f32[] = scan[
      jaxpr={ lambda ; c:i32[] d:f32[]. let
          e:i32[] = add c 1:i32[]
          f:f32[] = convert_element_type[new_dtype=float32 weak_type=True] c
          g:f32[] = add d f
        in (e, g) }
      length=5
      num_carry=2
      num_consts=0
      reverse=False
      unroll=1
    ] 0:i32[] a
  in (b,) }"
        );
    }

    #[test]
    fn an_operation_without_results() {
        let j = stage_rule(&[f32s(&[3])], |x| {
            crate::trace::bind(&Show, &[&x[0]]);
            vec![]
        });
        assert_eq!(j.to_string(), "{ lambda ; a:f32[3]. let show a in () }");
    }

    /// Written out, the innermost program would occur 2^60 times.
    #[test]
    fn programs_that_share_programs_are_searched_once() {
        let twice = |inner: Arc<Jaxpr>| {
            stage_rule(&[f32s(&[])], |x| {
                let y = prim::call::call(&inner, "f", &[&x[0]]);
                prim::call::call(&inner, "f", &[&y[0]]).into_vec()
            })
        };
        let text = (0..60).fold(sines(1), |j, _| twice(j)).to_string();
        assert_eq!(text.matches("let f").count(), 60);
        assert!(text.contains("let f59 = { lambda ; "), "{text}");
    }

    #[test]
    fn names_count_in_letters() {
        for (n, text) in [(0, "a"), (25, "z"), (26, "ba"), (27, "bb"), (675, "zz"), (676, "baa")] {
            assert_eq!((name(n).as_str(), number(text)), (text, Some(n)));
        }
        for text in ["", "aa", "ab", "A", "f1", "_", "zzzzzzzzzzzzz"] {
            assert_eq!(number(text), None);
        }
    }
}
