//! Which values a checkpointed function keeps for its backward pass.

use super::dot_general::DotGeneral;
use super::tag::Name;
use super::*;
use std::collections::BTreeSet;

/// Says of each operation inside a checkpointed function whether its results may be kept for the backward pass. What is not kept
/// is computed again.
///
/// A policy is asked about what the backward pass needs, from its end to its beginning: what lies behind a value that is kept is
/// computed again only if it is needed for another one. It is asked about the operations of derivative rules as well (the cosine
/// beside a sine). Inside a call it is asked about the operations of the called function; a loop, a branch and a function with a
/// derivative rule of its own are one operation, kept or computed again as a whole.
///
/// The constructors have the names of `jax.checkpoint_policies`; [`Policy::of`] makes one of any predicate.
///
/// ```
/// use cotangent::prelude::*;
/// use cotangent::{Checkpoint, Policy, checkpoint_name};
/// let layer = |w: &Array, x: &Array| checkpoint_name(&x.dot(w), "product").sin();
/// let layer = Checkpoint::new().policy(Policy::save_only_these_names(["product"])).of(layer);
/// let g = grad(|w: &Array, x: &Array| layer(w, x).sum());
/// assert_eq!(g(&array![[0.0]], &array![[2.0]]).to_string(), "[[2.]]");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Policy(Rule);

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
enum Rule {
    /// What JAX prints as `None`: nothing.
    #[default]
    Unset,
    Everything,
    Dots {
        no_batch: bool,
    },
    OnlyNames(BTreeSet<String>),
    NamesBut(BTreeSet<String>),
    AllBut(BTreeSet<String>),
    Either(Arc<(Policy, Policy)>),
    User(Predicate),
}
#[derive(Clone)]
struct Predicate(Arc<dyn Fn(&Candidate) -> bool + Send + Sync>);
impl PartialEq for Predicate {
    fn eq(&self, o: &Predicate) -> bool {
        Arc::ptr_eq(&self.0, &o.0)
    }
}
impl Eq for Predicate {}
impl Hash for Predicate {
    fn hash<H: Hasher>(&self, h: &mut H) {
        (Arc::as_ptr(&self.0) as *const () as usize).hash(h)
    }
}
impl Debug for Predicate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<function>")
    }
}

/// An operation, as a [`Policy`] sees it.
///
/// ```
/// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
/// let policy = Policy::of(|op| op.name() == "exp" && op.operands()[0].shape.len() == 1);
/// let f = Checkpoint::new().policy(policy).of(|x: &Array| x.sin().exp() * x.sum().exp());
/// assert_eq!(saved_residuals(f, (&array![1., 2.],)).iter().map(|r| r.bytes).collect::<Vec<_>>(), [8, 8]);
/// ```
pub struct Candidate<'a> {
    prim: &'a dyn Primitive,
    operands: &'a [&'a Aval],
}
impl Candidate<'_> {
    /// The primitive, by the name that programs print: `dot_general`, `name`.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let policy = Policy::of(|op| op.name() == "exp");
    /// let f = Checkpoint::new().policy(policy).of(|x: &Array| x.sin().exp());
    /// assert_eq!(saved_residuals(f, (&array![1., 2.],)).iter().map(|r| r.bytes).collect::<Vec<_>>(), [8, 8]);
    /// ```
    pub fn name(&self) -> &'static str {
        self.prim.name()
    }
    /// Types of the operands.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let policy = Policy::of(|op| op.name() == "sin" && op.operands()[0].dtype == DType::Float32);
    /// let f = Checkpoint::new().policy(policy).of(|x: &Array| x.sin().sin());
    /// assert_eq!(saved_residuals(f, (&array![1., 2.],)).iter().map(|r| r.bytes).collect::<Vec<_>>(), [8, 8]);
    /// ```
    pub fn operands(&self) -> &[&Aval] {
        self.operands
    }
    /// A parameter as a program prints it; nothing if there is none of this name, or if it is a program.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let policy = Policy::of(|op| op.name() == "reduce_sum" && op.param("axes").as_deref() == Some("(0,)"));
    /// let f = Checkpoint::new().policy(policy).of(|x: &Array| x.sum().exp());
    /// assert_eq!(saved_residuals(f, (&array![1., 2.],)).iter().map(|r| r.bytes).collect::<Vec<_>>(), [4]);
    /// ```
    pub fn param(&self, name: &str) -> Option<String> {
        self.prim.params().into_iter().find(|(n, _)| *n == name).and_then(|(_, p)| match p {
            Param::Text(t) => Some(t),
            _ => None,
        })
    }
    /// The name that [`checkpoint_name`] gave, if this is what gives it.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let policy = Policy::of(|op| op.label() == Some("y"));
    /// let f = Checkpoint::new().policy(policy).of(|x: &Array| checkpoint_name(&x.exp(), "y").sin());
    /// assert_eq!(saved_residuals(f, (&array![1., 2.],)).iter().map(|r| r.bytes).collect::<Vec<_>>(), [8, 8]);
    /// ```
    pub fn label(&self) -> Option<&str> {
        (self.prim as &dyn Any).downcast_ref::<Name>().map(|n| n.name.as_str())
    }
}

fn names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> BTreeSet<String> {
    names.into_iter().map(Into::into).collect()
}
impl Policy {
    /// Nothing is kept but the arguments: the default.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let f = |x: &Array| x.sin().exp().sum();
    /// let kept = saved_residuals(Checkpoint::new().policy(Policy::nothing_saveable()).of(f), (&array![1., 2.],));
    /// assert_eq!(kept.len(), 1);
    /// ```
    pub fn nothing_saveable() -> Policy {
        Policy(Rule::Unset)
    }
    /// Whatever the backward pass needs is kept, as without [`checkpoint`](crate::checkpoint).
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let f = |x: &Array| x.sin().exp().sum();
    /// let kept = saved_residuals(Checkpoint::new().policy(Policy::everything_saveable()).of(f), (&array![1., 2.],));
    /// assert_eq!(kept.len(), saved_residuals(f, (&array![1., 2.],)).len());
    /// ```
    pub fn everything_saveable() -> Policy {
        Policy(Rule::Everything)
    }
    /// Results of products (`dot_general`) are kept.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let f = |x: &Array| x.dot(x).sin();
    /// let kept = saved_residuals(Checkpoint::new().policy(Policy::dots_saveable()).of(f), (&array![1., 2.],));
    /// assert_eq!(kept.last().unwrap().shape.len(), 0);
    /// ```
    pub fn dots_saveable() -> Policy {
        Policy(Rule::Dots { no_batch: false })
    }
    /// Results of products without batch dimensions are kept.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, prelude::*, saved_residuals};
    /// let kept = |p: Policy, x: Array| saved_residuals(Checkpoint::new().policy(p).of(|x: &Array| x.matmul(x).sin()), (&x,)).len();
    /// let (one, many) = (array![[1.]], array![[[1.]], [[2.]]]);
    /// assert_eq!((kept(Policy::dots_saveable(), one.clone()), kept(Policy::dots_saveable(), many.clone())), (2, 2));
    /// let policy = Policy::dots_with_no_batch_dims_saveable;
    /// assert_eq!((kept(policy(), one), kept(policy(), many)), (2, 1));
    /// ```
    pub fn dots_with_no_batch_dims_saveable() -> Policy {
        Policy(Rule::Dots { no_batch: true })
    }
    /// Values with one of these names are kept: see [`checkpoint_name`].
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let f = |x: &Array| checkpoint_name(&checkpoint_name(&x.sin(), "s").exp(), "e").cos();
    /// let kept = saved_residuals(Checkpoint::new().policy(Policy::save_only_these_names(["s"])).of(f), (&array(1.0),));
    /// let named = |name: &str| kept.iter().any(|r| r.to_string().contains(&format!("named '{name}'")));
    /// assert_eq!((named("s"), named("e")), (true, false));
    /// ```
    pub fn save_only_these_names<S: Into<String>>(these: impl IntoIterator<Item = S>) -> Policy {
        Policy(Rule::OnlyNames(names(these)))
    }
    /// Values with a name are kept, but not those with one of these.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let f = |x: &Array| checkpoint_name(&checkpoint_name(&x.sin(), "s").exp(), "e").cos();
    /// let kept = saved_residuals(Checkpoint::new().policy(Policy::save_any_names_but_these(["s"])).of(f), (&array(1.0),));
    /// let named = |name: &str| kept.iter().any(|r| r.to_string().contains(&format!("named '{name}'")));
    /// assert_eq!((named("s"), named("e")), (false, true));
    /// ```
    pub fn save_any_names_but_these<S: Into<String>>(these: impl IntoIterator<Item = S>) -> Policy {
        Policy(Rule::NamesBut(names(these)))
    }
    /// All values are kept but those with one of these names.
    ///
    /// As in JAX this says less than it seems to: what is given a name was a value before, and that may be kept.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let f = |x: &Array| checkpoint_name(&checkpoint_name(&x.sin(), "s").exp(), "e").cos();
    /// let kept = saved_residuals(Checkpoint::new().policy(Policy::save_anything_except_these_names(["s", "e"])).of(f), (&array(1.0),));
    /// let named = |name: &str| kept.iter().any(|r| r.to_string().contains(&format!("named '{name}'")));
    /// assert_eq!((named("s"), named("e")), (false, false));
    /// ```
    pub fn save_anything_except_these_names<S: Into<String>>(these: impl IntoIterator<Item = S>) -> Policy {
        Policy(Rule::AllBut(names(these)))
    }
    /// What either of the two keeps is kept.
    ///
    /// ```
    /// use cotangent::{Checkpoint, Policy, checkpoint_name, prelude::*, saved_residuals};
    /// let f = |x: &Array| checkpoint_name(&checkpoint_name(&x.sin(), "s").exp(), "e").cos();
    /// let [s, e] = ["s", "e"].map(|name| Policy::save_only_these_names([name]));
    /// let kept = saved_residuals(Checkpoint::new().policy(Policy::save_from_both_policies(s, e)).of(f), (&array(1.0),));
    /// let named = |name: &str| kept.iter().any(|r| r.to_string().contains(&format!("named '{name}'")));
    /// assert_eq!((named("s"), named("e")), (true, true));
    /// ```
    pub fn save_from_both_policies(a: Policy, b: Policy) -> Policy {
        Policy(Rule::Either(Arc::new((a, b))))
    }
    /// What this predicate says is kept. It must say the same whenever it is asked.
    ///
    /// ```
    /// use cotangent::prelude::*;
    /// use cotangent::{Checkpoint, Policy, saved_residuals};
    /// let small = Policy::of(|op| op.name() == "exp" && op.operands()[0].size() < 100);
    /// let f = Checkpoint::new().policy(small).of(|x: &Array| x.sin().exp());
    /// assert_eq!(saved_residuals(f, (&array![1., 2.],)).len(), 2); // the argument and the exponential
    /// ```
    pub fn of(keep: impl Fn(&Candidate) -> bool + Send + Sync + 'static) -> Policy {
        Policy(Rule::User(Predicate(Arc::new(keep))))
    }

    /// The policy that a recorded program names.
    pub(crate) fn recorded(name: &str, these: Vec<&str>) -> Option<Policy> {
        Some(match name {
            "nothing_saveable" => Policy::nothing_saveable(),
            "everything_saveable" => Policy::everything_saveable(),
            "dots_saveable" | "checkpoint_dots" => Policy::dots_saveable(),
            "dots_with_no_batch_dims_saveable" => Policy::dots_with_no_batch_dims_saveable(),
            "save_only_these_names" => Policy::save_only_these_names(these),
            "save_any_names_but_these" => Policy::save_any_names_but_these(these),
            "save_anything_except_these_names" => Policy::save_anything_except_these_names(these),
            _ => return None,
        })
    }
    pub(crate) fn saves_nothing(&self) -> bool {
        self.0 == Rule::Unset
    }
    /// Is what this operation gives kept?
    pub(crate) fn saves(&self, prim: &dyn Primitive, operands: &[&Aval]) -> bool {
        let op = Candidate { prim, operands };
        match &self.0 {
            Rule::Unset => false,
            Rule::Everything => true,
            Rule::Dots { no_batch } => {
                let dot = (prim as &dyn Any).downcast_ref::<DotGeneral>();
                dot.is_some_and(|d| !no_batch || d.batch.iter().all(|b| b.is_empty()))
            }
            Rule::OnlyNames(these) => op.label().is_some_and(|n| these.contains(n)),
            Rule::NamesBut(these) => op.label().is_some_and(|n| !these.contains(n)),
            Rule::AllBut(these) => op.label().is_none_or(|n| !these.contains(n)),
            Rule::Either(two) => two.0.saves(prim, operands) || two.1.saves(prim, operands),
            Rule::User(keep) => (keep.0)(&op),
        }
    }
}
/// As JAX prints it, with the addresses of functions left out.
impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set = |these: &BTreeSet<String>| match these.is_empty() {
            true => "frozenset()".to_string(),
            false => format!("frozenset({{'{}'}})", these.iter().map(|s| &**s).collect::<Vec<_>>().join("', '")),
        };
        let function = |name: &str| format!("<function {name}>");
        f.write_str(&match &self.0 {
            Rule::Unset => "None".into(),
            Rule::Everything => function("everything_saveable"),
            Rule::Dots { no_batch } => {
                format!("DotsSaveable(only_if_no_batch_dims={})", if *no_batch { "True" } else { "False" })
            }
            Rule::OnlyNames(these) => format!("SaveOnlyTheseNames(saveable_names={})", set(these)),
            Rule::NamesBut(these) => format!("SaveAnyNamesButThese(names={})", set(these)),
            Rule::AllBut(_) => function("save_anything_except_these_names.<locals>.<lambda>"),
            Rule::Either(_) => function("save_from_both_policies.<locals>.policy"),
            Rule::User(_) => function("<lambda>"),
        })
    }
}
