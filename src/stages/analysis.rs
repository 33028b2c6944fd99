//! What a function costs: operations, bytes, memory.

use super::tree::{Tree, Work};
use crate::prim::Runs;
use cotangent_cpu::Cost;

/// What a function asks for: counted on tensor programs, whatever machine runs them.
///
/// For a function with control flow it is the sum over its parts. A loop of a known number of turns counts as often as it turns, a loop of an unknown number as one
/// turn, of several branches the one with most operations. [`complete`](CostAnalysis::complete) says whether anything had to be guessed in this way.
///
/// ```
/// use cotangent::{prelude::*, stages::lower};
/// let cost = lower(|x: &Array| (x * 2.0).exp(), (&array![1., 2., 3.],)).compile().cost_analysis();
/// assert_eq!((cost.flops, cost.transcendentals), (3, 3));
/// assert_eq!((cost.bytes_accessed, cost.complete), (24, true)); // both in one group
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CostAnalysis {
    /// Arithmetic on floating-point numbers: one for each number that a sum, a product, a quotient, a root, a maximum, a sign or a rounding gives; two for a
    /// multiplication with addition; two for each term of a real product of matrices, eight of a complex one. Comparisons, selections, conversions, and arithmetic on
    /// integers are none.
    pub flops: u64,
    /// Evaluations of elementary functions, such as `exp`, `sin` or `pow`. They are not flops as well.
    pub transcendentals: u64,
    /// Bytes read and written. [`Lowered`](super::Lowered) counts as if each operation read its operands from memory and wrote its results there;
    /// [`Compiled`](super::Compiled) what operations that run together read and write together. What is broadcast is read once, and who takes a piece reads a piece.
    pub bytes_accessed: u64,
    /// Is nothing guessed: no loop of an unknown number of turns, no branches, nothing done by the host?
    pub complete: bool,
}
impl CostAnalysis {
    fn of(c: Cost) -> CostAnalysis {
        let Cost { flops, transcendentals, read, written } = c;
        CostAnalysis { flops, transcendentals, bytes_accessed: read + written, complete: true }
    }
    fn plus(self, o: CostAnalysis) -> CostAnalysis {
        CostAnalysis {
            flops: self.flops.saturating_add(o.flops),
            transcendentals: self.transcendentals.saturating_add(o.transcendentals),
            bytes_accessed: self.bytes_accessed.saturating_add(o.bytes_accessed),
            complete: self.complete && o.complete,
        }
    }
    fn times(self, n: u64) -> CostAnalysis {
        CostAnalysis {
            flops: self.flops.saturating_mul(n),
            transcendentals: self.transcendentals.saturating_mul(n),
            bytes_accessed: self.bytes_accessed.saturating_mul(n),
            complete: self.complete,
        }
    }
}

/// Of the tensor programs as they are, or of the groups that the engine makes.
pub(super) fn cost(tree: &Tree, grouped: bool) -> CostAnalysis {
    let none = CostAnalysis { complete: true, ..CostAnalysis::default() };
    let one = |work: &Work| match work {
        Work::Straight(p) if grouped => {
            let groups = p.inspected().report().groups.iter();
            groups.map(|g| CostAnalysis::of(g.cost)).fold(none, CostAnalysis::plus)
        }
        Work::Straight(p) => CostAnalysis::of(p.program.cost()),
        Work::Driven(d) => {
            let all = d.programs.iter().map(|(_, t)| cost(t, grouped));
            match d.runs {
                Runs::Times(n) => all.fold(none, CostAnalysis::plus).times(n as u64),
                Runs::OneOf => {
                    let dearest = all.max_by_key(|c| c.flops.saturating_add(c.transcendentals)).unwrap_or(none);
                    CostAnalysis { complete: false, ..dearest }
                }
                Runs::Unknown => CostAnalysis { complete: false, ..all.fold(none, CostAnalysis::plus) },
            }
        }
    };
    tree.parts.iter().map(|p| one(&p.work)).fold(none, CostAnalysis::plus)
}

/// What memory a run takes, in bytes, after the engine's own plan: exactly what its values take, if [`complete`](MemoryAnalysis::complete) says so.
///
/// Not counted: memory in which single steps work that are no folds, such as products of matrices, and what the memory's blocks are larger than
/// what they are taken for (at most a quarter). An array that the function captures counts among the arguments.
///
/// ```
/// use cotangent::{prelude::*, stages::lower};
/// let memory = lower(|x: &Array| x.exp().sum(), (&array![1., 2., 3.],)).compile().memory_analysis();
/// assert_eq!((memory.argument_bytes, memory.output_bytes, memory.alias_bytes), (12, 4, 0));
/// assert!(memory.peak_bytes >= 16 && memory.complete);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryAnalysis {
    /// The arguments.
    pub argument_bytes: usize,
    /// The results that are no arguments.
    pub output_bytes: usize,
    /// Results that are arguments as they are, and share their memory.
    pub alias_bytes: usize,
    /// The most that all else takes at one time.
    pub temporary_bytes: usize,
    /// The most that arguments, results and all else take at one time.
    pub peak_bytes: usize,
    /// Is it exact? With control flow it is not: an operation that runs programs counts as the one of them that takes most, once, beside its own results, and lists whose
    /// length only a run knows count nothing.
    pub complete: bool,
}

pub(super) fn memory(tree: &Tree) -> MemoryAnalysis {
    if let [p] = &tree.parts[..]
        && let Work::Straight(p) = &p.work
    {
        let m = p.inspected().report().memory;
        return MemoryAnalysis {
            argument_bytes: m.arguments,
            output_bytes: m.outputs,
            alias_bytes: m.aliased,
            temporary_bytes: m.temporary,
            peak_bytes: m.peak,
            complete: true,
        };
    }
    let (mut held, mut most) = (0, 0);
    for p in &tree.parts {
        let inside = match &p.work {
            Work::Straight(p) => p.inspected().report().memory.temporary,
            Work::Driven(d) => {
                let one = |t: &Tree| {
                    let m = memory(t);
                    m.peak_bytes.saturating_sub(m.argument_bytes)
                };
                d.programs.iter().map(|(_, t)| one(t)).max().unwrap_or(0)
            }
        };
        most = most.max(held + p.made + inside);
        held = held + p.made - p.freed
    }
    most = most.max(tree.outputs);
    MemoryAnalysis {
        argument_bytes: tree.arguments,
        output_bytes: tree.outputs,
        alias_bytes: 0,
        temporary_bytes: most - tree.outputs,
        peak_bytes: tree.arguments + most,
        complete: false,
    }
}
