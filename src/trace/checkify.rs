//! `checkify`: what goes wrong becomes a value beside the results.
//!
//! The trace has no tracers: all operations pass through it on their way down, and it keeps the first error found so far. Operations that hold programs
//! are bound with programs that give their errors as results ([`checkify_jaxpr`]: the equations run under this trace); checks of the user's go no
//! further; after other operations it may look at operands and results.
//!
//! An error is a number, -1 for none, which counts in a table of messages; and slots with the values that messages show. A slot serves
//! any message that needs one of its type, for only one message is told.

use super::*;
use crate::debug::text::Template;
use crate::dtype::DType;
use crate::jaxpr::Jaxpr;
use crate::prim::{self, Pitfall, call::Call, zeros_of};
use std::sync::Arc;

/// What [`Checkify`](crate::checkify::Checkify) looks for. Sets are joined with `|`.
///
/// ```
/// use cotangent::checkify::{CheckSet, Checkify};
/// use cotangent::prelude::*;
/// let found = |set| Checkify::new().checks(set).of(|x: &Array| x / x)(&array(0.0)).0.get();
/// assert_eq!(found(CheckSet::DIV | CheckSet::NAN).unwrap(), "division by zero");
/// assert_eq!((found(CheckSet::NAN).unwrap().as_str(), found(CheckSet::INDEX)), ("div makes a NaN", None));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CheckSet(u8);
impl CheckSet {
    /// Checks that the function makes itself: [`check!`](crate::check).
    pub const USER: CheckSet = CheckSet(1);
    /// A NaN that an operation makes of operands without one.
    pub const NAN: CheckSet = CheckSet(2);
    /// A division or remainder by zero.
    pub const DIV: CheckSet = CheckSet(4);
    /// An index out of bounds, in gathers, scatters, dynamic slices and updates.
    pub const INDEX: CheckSet = CheckSet(8);
    /// NaNs and divisions by zero.
    pub const FLOAT: CheckSet = CheckSet(2 | 4);
    /// Everything but the user's own checks.
    pub const AUTOMATIC: CheckSet = CheckSet(2 | 4 | 8);
    /// Everything.
    pub const ALL: CheckSet = CheckSet(15);

    /// Are all of these in it?
    ///
    /// ```
    /// use cotangent::checkify::CheckSet;
    /// let set = CheckSet::NAN | CheckSet::INDEX;
    /// assert!(set.contains(CheckSet::NAN) && !set.contains(CheckSet::FLOAT)); // divisions are not in it
    /// ```
    pub fn contains(self, o: CheckSet) -> bool {
        self.0 & o.0 == o.0
    }
    fn bits(self) -> [bool; 4] {
        [0, 1, 2, 3].map(|b| self.0 >> b & 1 == 1)
    }
}
impl std::ops::BitOr for CheckSet {
    type Output = CheckSet;
    fn bitor(self, o: CheckSet) -> CheckSet {
        CheckSet(self.0 | o.0)
    }
}

/// What an error says.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Message {
    pub text: Template,
    /// The slots of the values in the text. Before them comes that of the lane's number, if there are lanes.
    pub slots: Vec<usize>,
    /// The maps inside the checked function that the check stands in, the outermost first.
    pub lanes: Vec<usize>,
    pub loc: Loc,
}
impl Message {
    /// The text for these slots, which are concrete.
    pub(crate) fn render(&self, slots: &[Array]) -> String {
        let mut values: Vec<Array> = self.slots.iter().map(|s| slots[*s].clone()).collect();
        if self.lanes.is_empty() {
            return self.text.render(&values);
        }
        let lane = crate::debug::watch::position(values.remove(0).to_f64() as usize, &self.lanes);
        format!("{}: {}", at_lane(&lane), self.text.render(&values))
    }
}
/// `at mapped index 1`, or of several maps `(1, 2)`.
pub(crate) fn at_lane(lane: &[usize]) -> String {
    match lane {
        [i] => format!("at mapped index {i}"),
        _ => format!("at mapped index {}", crate::aval::tuple(lane)),
    }
}

/// The first error of several operations.
#[derive(Clone)]
pub struct Errors {
    pub(crate) code: Array,
    pub(crate) slots: Vec<Array>,
    pub(crate) table: Vec<Message>,
}
fn number(n: i32) -> Array {
    Array::scalar(DType::Int32, false, n as u32 as u64)
}
impl Errors {
    pub(crate) fn none() -> Errors {
        Errors { code: number(-1), slots: vec![], table: vec![] }
    }
    /// This error, if the condition does not hold.
    pub(crate) fn unless(ok: &Array, text: Template, values: Vec<Array>, lanes: Vec<usize>, loc: Loc) -> Errors {
        let strong = |x: Array| if x.weak_type() { prim::convert_element_type(&x, x.dtype(), false) } else { x };
        let slots: Vec<Array> = values.into_iter().map(strong).collect();
        let message = Message { text, slots: (0..slots.len()).collect(), lanes, loc };
        Errors { code: prim::select_n(ok, &[&number(0), &number(-1)]), slots, table: vec![message] }
    }
    /// No error, in a form that these may take.
    pub(crate) fn blank(table: &[Message], slots: &[Aval]) -> Errors {
        Errors { code: number(-1), slots: slots.iter().map(zeros_of).collect(), table: table.to_vec() }
    }
    /// As values: nothing, if no error can be.
    pub(crate) fn values(self) -> Vec<Array> {
        if self.table.is_empty() { vec![] } else { [self.code].into_iter().chain(self.slots).collect() }
    }
    /// From such values.
    pub(crate) fn of(mut values: Vec<Array>, table: &[Message]) -> Errors {
        if values.is_empty() {
            return Errors::none();
        }
        Errors { code: values.remove(0), slots: values, table: table.to_vec() }
    }
    /// Then these follow.
    pub(crate) fn then(&mut self, next: Errors) {
        if next.table.is_empty() {
            return;
        }
        if self.table.is_empty() {
            *self = next;
            return;
        }
        let mut types: Vec<Aval> = self.slots.iter().map(|s| s.aval().clone()).collect();
        let own = types.len();
        let next_types: Vec<Aval> = next.slots.iter().map(|s| s.aval().clone()).collect();
        let map = joined_slots(&mut types, &next_types);
        self.slots.extend(types[own..].iter().map(zeros_of));
        let offset = self.table.len();
        self.table.extend(moved(&next.table, &map));
        self.take(next, offset, &map)
    }
    /// Errors of the same table follow.
    pub(crate) fn again(&mut self, next: Errors) {
        let same: Vec<usize> = (0..self.slots.len()).collect();
        self.take(next, 0, &same)
    }
    fn take(&mut self, next: Errors, offset: usize, map: &[usize]) {
        let none_yet = prim::lt(&self.code, &number(0));
        let code = if offset == 0 { next.code } else { numbered(&next.code, offset) };
        self.code = prim::select_n(&none_yet, &[&self.code, &code]);
        for (slot, value) in map.iter().zip(next.slots) {
            let here = &self.slots[*slot];
            let which = prim::broadcast_in_dim(&none_yet, here.shape(), &[]);
            self.slots[*slot] = prim::select_n(&which, &[here, &value])
        }
    }
}
/// The number of an error in a table in which so many messages come before.
pub(crate) fn numbered(code: &Array, offset: usize) -> Array {
    let moved = prim::add(code, &number(offset as i32));
    prim::select_n(&prim::lt(code, &number(0)), &[&moved, code])
}
/// The slots in which these values are kept: each in one of its type, made where there is none.
pub(crate) fn joined_slots(slots: &mut Vec<Aval>, more: &[Aval]) -> Vec<usize> {
    let mut taken = vec![false; slots.len()];
    let place = |a: &Aval| {
        let same = |s: &Aval| s.dtype == a.dtype && s.shape == a.shape;
        let at = (0..slots.len()).find(|s| !taken[*s] && same(&slots[*s])).unwrap_or_else(|| {
            slots.push(Aval { varying: 0, ..a.clone() });
            taken.push(false);
            slots.len() - 1
        });
        taken[at] = true;
        at
    };
    more.iter().map(place).collect()
}
/// Messages with their slots elsewhere.
pub(crate) fn moved(table: &[Message], map: &[usize]) -> Vec<Message> {
    let one = |m: &Message| Message { slots: m.slots.iter().map(|s| map[*s]).collect(), ..m.clone() };
    table.iter().map(one).collect()
}

/// What a checkify trace has found.
pub(crate) struct Found {
    set: CheckSet,
    errors: Errors,
}

pub(crate) fn process(t: &Rc<Trace>, found: &RefCell<Found>, prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Outs {
    let set = found.borrow().set;
    // no borrow is held while rules run
    let note = |e: Errors| {
        let mut all = std::mem::replace(&mut found.borrow_mut().errors, Errors::none());
        all.then(e);
        found.borrow_mut().errors = all
    };
    if t.parent.is_none()
        && let Some(f) = prim.live()
    {
        // nobody below asks for a derivative
        let _g = enter(Some(t.clone()), Some(loc));
        return f.run(args).into();
    }
    let _g = enter(t.parent.clone(), Some(loc));
    if let Some((errors, outs)) = prim.checked(set, args, loc).or_else(|| beside(prim, set, args)) {
        note(errors);
        return outs;
    }
    if set.contains(CheckSet::DIV) || set.contains(CheckSet::INDEX) {
        for Pitfall { what, ok, text, values } in prim.pitfalls(args) {
            if set.contains(what) {
                note(Errors::unless(&ok, text, values, vec![], loc))
            }
        }
    }
    let outs = bind_in(&t.parent, prim, args, loc);
    // the operations of a program are looked at one by one
    if prim.opaque() {
        note(nans(prim, set, args, &outs, loc))
    }
    outs
}
/// The NaNs that an operation makes of operands without one.
fn nans(prim: &dyn Primitive, set: CheckSet, x: &[&Array], y: &[Array], loc: Loc) -> Errors {
    let mut all = Errors::none();
    if set.contains(CheckSet::NAN) {
        for y in y.iter().filter(|y| inexact(y)) {
            let given = x.iter().filter(|x| inexact(x));
            let fine = given.fold(not(&has_nan(y)), |ok, x| prim::or(&ok, &has_nan(x)));
            let text = Template::of(&[&format!("{} makes a NaN", prim.name())]);
            all.then(Errors::unless(&fine, text, vec![], vec![], loc))
        }
    }
    all
}
/// Numbers that may be NaN. Stacks are not looked into, only what is put there.
fn inexact(x: &Array) -> bool {
    x.dtype().is_inexact() && x.aval().stack == 0
}
fn not(x: &Array) -> Array {
    prim::ne(x, &prim::lit(x, 1.0))
}
fn has_nan(x: &Array) -> Array {
    prim::reduce_or(&prim::ne(x, x), &(0..x.ndim()).collect::<Vec<_>>())
}
/// An operation that runs a program and has rules of its own, which nobody else knows. It stays as it is, and the errors are found beside it; a check of
/// the user's in it is none of them, and ends the run.
fn beside(prim: &dyn Primitive, set: CheckSet, args: &[&Array]) -> Option<(Errors, Outs)> {
    let j = prim.inline()?;
    let c = checkify_jaxpr(j, set);
    if c.nothing(j) || j.effect {
        return None;
    }
    Some((c.alone(args), bind(prim, args)))
}

/// Runs `f`, and what goes wrong in it by this set.
pub(crate) fn checkify_flat<R>(set: CheckSet, loc: Loc, user: bool, f: impl FnOnce() -> R) -> (R, Errors) {
    let t = Trace::new(current(), Kind::Checkify(RefCell::new(Found { set, errors: Errors::none() })), loc);
    let r = {
        let _g = enter(Some(t.clone()), if user { None } else { Some(loc) });
        f()
    };
    let Kind::Checkify(found) = &t.kind else { unreachable!("a checkify trace") };
    let errors = std::mem::replace(&mut found.borrow_mut().errors, Errors::none());
    (r, errors)
}

/// A program that gives the first error in it, and then its results.
pub(crate) struct Checked {
    /// The error's values come first, unless there can be none.
    pub jaxpr: Arc<Jaxpr>,
    pub table: Vec<Message>,
    /// Types of the slots.
    pub slots: Vec<Aval>,
}
impl Checked {
    /// Is it the program that it was made of?
    pub(crate) fn nothing(&self, j: &Jaxpr) -> bool {
        self.table.is_empty() && !j.effect
    }
    /// How many results belong to the error.
    pub(crate) fn width(&self) -> usize {
        if self.table.is_empty() { 0 } else { 1 + self.slots.len() }
    }
    /// The errors without the results, as constants to derivatives.
    pub(crate) fn alone(&self, args: &[&Array]) -> Errors {
        if self.table.is_empty() {
            return Errors::none();
        }
        let errors = self.jaxpr.part(self.jaxpr.ins.clone(), self.jaxpr.outs[..self.width()].to_vec());
        let fixed: Vec<Array> = args.iter().map(|x| prim::stop_gradient(x)).collect();
        let found = bind(&Call { jaxpr: errors, name: "errors".into() }, &fixed.iter().collect::<Vec<_>>());
        Errors::of(found.into_vec(), &self.table)
    }
    /// Results taken apart.
    pub(crate) fn split(&self, mut outs: Outs) -> (Errors, Outs) {
        let errors: Vec<Array> = outs.drain(..self.width()).collect();
        (Errors::of(errors, &self.table), outs)
    }
    /// Runs the equations under the current trace.
    pub(crate) fn eval(&self, args: &[&Array]) -> (Errors, Outs) {
        self.split(self.jaxpr.eval(args).into())
    }
}
pub(crate) fn checkify_jaxpr(j: &Arc<Jaxpr>, set: CheckSet) -> Arc<Checked> {
    j.memo("checkify", &[&set.bits()], || {
        let loc = Location::caller();
        let s = Trace::new(None, Kind::Stage(RefCell::default()), loc);
        let ins: Vec<Array> = j.in_avals().map(|a| s.stage_input(a.clone(), loc, None)).collect();
        let (outs, errors) = {
            let _g = enter(Some(s.clone()), Some(loc));
            checkify_flat(set, loc, false, || j.eval(&ins.iter().collect::<Vec<_>>()))
        };
        let (table, slots) = (errors.table.clone(), errors.slots.iter().map(|a| a.aval().clone()).collect());
        let all: Vec<Array> = errors.values().into_iter().chain(outs).collect();
        Arc::new(Checked { jaxpr: s.finish_closed(&ins, &all), table, slots })
    })
}
