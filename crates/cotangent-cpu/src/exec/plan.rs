//! What runs in which order: views folded into their readers, maps of one size merged, the rest node by node.
//!
//! Everything here is linear in the size of the program (but for the heap that orders the groups). Groups have ranks, and what a group reads
//! from elsewhere has a smaller one. A map joins the group of an operand if that group has the rank that the map needs, or can be given it, since
//! whatever else reads that group has a greater one. So groups never depend on each other in a circle, and nobody has to look for one.

use super::compose::{compose, compose_batch, compose_flat};
use super::map::LONG_ROW;
use crate::{Guard, Kind, Program, Use, ValId, View};
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// An operand after views are folded: a value in memory (or of the same group), and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// A value that is no view of another.
    pub val: ValId,
    /// Index into [`Plan::views`]; `None` reads as many elements in the same order.
    pub view: Option<u32>,
}

/// The order of work.
pub struct Plan {
    /// The program's views, then composed ones.
    pub views: Vec<View>,
    /// Parallel to [`Program::uses`].
    pub sources: Vec<Source>,
    /// What the results of the program are; they read as many elements in the same order.
    pub outs: Vec<ValId>,
    /// Nodes of all groups in order, each group's in program order.
    pub members: Vec<u32>,
    /// Ends of the groups in `members`.
    pub ends: Vec<u32>,
}

/// The most pieces of a concatenation whose maps are merged, and the most instructions that they have then.
const MOST: usize = 8;
const TOGETHER: usize = 256;
/// The most of a group's nodes that are asked what they read.
const MEMBERS: usize = 32;
/// The most instructions that a merged map may have.
const LIMIT: usize = 8192;
const NONE: u32 = u32::MAX;

/// What a value is to its readers.
#[derive(Clone, Copy)]
enum Seen {
    /// Itself.
    Own,
    /// Another one, element by element or through a view.
    As(Source),
}

/// Does a map read it run by run, between its guards?
pub fn in_runs(view: &View) -> bool {
    let last = view.dims.len().wrapping_sub(1);
    let steps = |g: &Guard| g.dim as usize != last || matches!(g.step, 1 | Guard::AROUND);
    view.dims.last().is_some_and(|n| *n >= LONG_ROW) && view.strides[last] == 1 && view.guards.iter().all(steps)
}

impl Plan {
    /// Plans a program that is valid. Without `fuse` every node is a group of its own, and only reshapes are folded.
    pub fn new(p: &Program, fuse: bool) -> Plan {
        let mut plan = Plan {
            views: p.views.clone(),
            sources: vec![Source { val: 0, view: None }; p.uses.len()],
            outs: Vec::with_capacity(p.outs.len()),
            members: Vec::new(),
            ends: Vec::new(),
        };
        let readers = p.readers();
        let seen = plan.fold_views(p, &readers, fuse);
        for v in &p.outs {
            plan.outs.push(match seen[*v as usize] {
                Seen::As(s) => s.val,
                Seen::Own => *v,
            });
        }
        plan.merge(p, &readers, &seen, fuse);
        plan
    }

    /// The nodes of a group.
    pub fn group(&self, g: usize) -> &[u32] {
        let first = if g == 0 { 0 } else { self.ends[g - 1] };
        &self.members[first as usize..self.ends[g] as usize]
    }
    /// Puts groups, from the first one on, into another order.
    pub fn reorder(&mut self, first: usize, order: &[usize]) {
        let groups: Vec<Vec<u32>> = order.iter().map(|g| self.group(*g).to_vec()).collect();
        let mut at = if first == 0 { 0 } else { self.ends[first - 1] as usize };
        for (k, group) in groups.iter().enumerate() {
            self.members[at..at + group.len()].copy_from_slice(group);
            at += group.len();
            self.ends[first + k] = at as u32
        }
    }
    /// The operands of a node.
    pub fn sources_of(&self, p: &Program, i: u32) -> &[Source] {
        let uses = p.nodes[i as usize].uses;
        &self.sources[uses.0 as usize..(uses.0 + uses.1) as usize]
    }

    /// Folds views into the uses of their results where one view says it; the rest stay nodes.
    fn fold_views(&mut self, p: &Program, readers: &[u32], fuse: bool) -> Vec<Seen> {
        let mut seen = vec![Seen::Own; p.vals.len()];
        let mut is_out = vec![false; p.vals.len()];
        for v in &p.outs {
            is_out[*v as usize] = true;
        }
        // Products read across rows as well as along them, and maps between guards.
        let mut products = vec![true; p.vals.len()];
        let mut maps = vec![true; p.vals.len()];
        for node in p.nodes.iter().filter(|n| n.lives(readers)) {
            p.uses_of(node).iter().for_each(|u| {
                products[u.val as usize] &= matches!(node.kind, Kind::Dot(_));
                maps[u.val as usize] &= matches!(node.kind, Kind::Map(_))
            })
        }
        for node in &p.nodes {
            let made = node.vals.0 as usize;
            if !node.lives(readers) {
                continue;
            }
            for u in node.uses.0..node.uses.0 + node.uses.1 {
                self.sources[u as usize] = self.resolve(p, &p.uses[u as usize], &mut seen, (&node.kind, is_out[made]));
            }
            if node.kind != Kind::View {
                continue;
            }
            let s = self.sources[node.uses.0 as usize];
            match s.view {
                None => seen[made] = Seen::As(s),
                // what fell apart has other extents
                Some(v) if fuse && !is_out[made] && self.views[v as usize].dims == p.ty(made as ValId).dims => {
                    // One reader can do what the copy would do. Several would do it again and again, unless it is easy to read.
                    let view = &self.views[v as usize];
                    let easy = match view.guards.is_empty() {
                        true => view.along() || products[made],
                        false => maps[made] && in_runs(view),
                    };
                    if easy || readers[made] == 1 {
                        seen[made] = Seen::As(s);
                    }
                }
                Some(_) => {}
            }
        }
        seen
    }

    fn resolve(&mut self, p: &Program, u: &Use, seen: &mut [Seen], (reader, out): (&Kind, bool)) -> Source {
        let dims = p.dims_of(u);
        let len = |v: ValId| p.ty(v).len();
        // As many elements in the same order?
        let flat = |v: ValId, view: &View| view.is_identity() && len(v) == dims.iter().product();
        match (seen[u.val as usize], u.view) {
            (Seen::Own, None) => Source { val: u.val, view: None },
            (Seen::As(s), None) => s,
            (Seen::Own, Some(v)) if flat(u.val, &self.views[v as usize]) => Source { val: u.val, view: None },
            (Seen::Own, Some(v)) => Source { val: u.val, view: Some(v) },
            (Seen::As(s), Some(v)) if flat(u.val, &self.views[v as usize]) => {
                let Some(w) = s.view else { return s };
                // a concatenation asks for elements in their order, whatever the extents
                if self.views[w as usize].dims == *dims || matches!(reader, Kind::Concat { .. }) {
                    return s;
                }
                self.through(p, (s, w), v, u.val, seen, (reader, out))
            }
            (Seen::As(Source { val, view: None }), Some(v)) => Source { val, view: Some(v) },
            (Seen::As(s @ Source { view: Some(w), .. }), Some(v)) => {
                self.through(p, (s, w), v, u.val, seen, (reader, out))
            }
        }
    }

    fn through(
        &mut self,
        p: &Program,
        (s, inner): (Source, u32),
        outer: u32,
        val: ValId,
        seen: &mut [Seen],
        (reader, out): (&Kind, bool),
    ) -> Source {
        let compose = match reader {
            Kind::Dot(_) => compose_batch,
            // What is written anyway is read where it lies, whatever its extents.
            Kind::View if out => compose_flat,
            _ => compose,
        };
        match compose(&self.views[outer as usize], &self.views[inner as usize]) {
            Some(view) => {
                self.views.push(view);
                Source { val: s.val, view: Some(self.views.len() as u32 - 1) }
            }
            None => {
                // From here on the view is a node like any other, and who wants its elements in their order has them as they lie.
                seen[val as usize] = Seen::Own;
                let view = &self.views[outer as usize];
                let flat = view.is_identity() && p.ty(val).len() == view.dims.iter().product();
                Source { val, view: (!flat).then_some(outer) }
            }
        }
    }

    fn merge(&mut self, p: &Program, readers: &[u32], seen: &[Seen], fuse: bool) {
        let runs = |i: usize| {
            let node = &p.nodes[i];
            let made = node.vals.0 as usize..(node.vals.0 + node.vals.1) as usize;
            match node.kind {
                Kind::Arg(_) | Kind::Const(_) => false,
                Kind::View => readers[made.start] > 0 && matches!(seen[made.start], Seen::Own),
                _ => made.into_iter().any(|v| readers[v] > 0),
            }
        };
        if !fuse {
            self.members = (0..p.nodes.len()).filter(|i| runs(*i)).map(|i| i as u32).collect();
            self.ends = (1..=self.members.len() as u32).collect();
            return;
        }
        // Groups as a forest over nodes; what is said of a group counts at its root: its rank, the least rank of those that read it from elsewhere,
        // and its size.
        let mut parent = vec![NONE; p.nodes.len()];
        let mut rank = vec![0u32; p.nodes.len()];
        let mut above = vec![u32::MAX; p.nodes.len()];
        let mut size = vec![0usize; p.nodes.len()];
        let (mut joins, mut apart): (Vec<u32>, Vec<u32>) = Default::default();
        for i in 0..p.nodes.len() {
            if !runs(i) {
                continue;
            }
            let node = &p.nodes[i];
            let mut need = 1;
            joins.clear();
            apart.clear();
            for u in node.uses.0..node.uses.0 + node.uses.1 {
                let s = self.sources[u as usize];
                let from = p.vals[s.val as usize].node;
                if parent[from as usize] == NONE {
                    continue;
                }
                let root = find(&mut parent, from);
                if p.stage(from) == p.stage(i as u32) && self.merges(p, node, s) {
                    need = need.max(rank[root as usize]);
                    joins.push(root);
                } else {
                    need = need.max(rank[root as usize] + 1);
                    apart.push(root);
                }
            }
            joins.sort_unstable();
            joins.dedup();
            let own = match &node.kind {
                Kind::Map(body) => body.ops.len() + 1,
                _ => 1,
            };
            // Those of the rank that is needed all come in, or there is no room and the map comes after them.
            let there = |rank: &[u32], need| {
                joins.iter().filter(|r| rank[**r as usize] == need).map(|r| size[*r as usize]).sum::<usize>()
            };
            let mut total = own + there(&rank, need);
            if total > LIMIT {
                (need, total) = (need + 1, own)
            }
            let mut root = i as u32;
            parent[i] = root;
            joins.retain(|r| {
                let from = *r as usize;
                if rank[from] < need {
                    if need >= above[from] || total + size[from] > LIMIT || apart.contains(r) {
                        return true;
                    }
                    total += size[from]
                }
                // The first member is the root, so that a group's place is that of its first node.
                let (first, other) = (root.min(*r), root.max(*r));
                above[first as usize] = above[first as usize].min(above[other as usize]);
                parent[other as usize] = first;
                root = first;
                false
            });
            (size[root as usize], rank[root as usize]) = (total, need);
            for r in joins.iter().chain(&apart) {
                above[*r as usize] = above[*r as usize].min(need)
            }
        }
        self.beside(p, &mut parent, &mut size, &rank);
        self.order(p, &mut parent);
    }

    /// Merges groups of maps that make the pieces of one concatenation with short rows, and read the same: coordinates of points, of which each piece wants all. Groups of
    /// one rank never depend on each other.
    fn beside(&self, p: &Program, parent: &mut [u32], size: &mut [usize], rank: &[u32]) {
        for (i, node) in p.nodes.iter().enumerate() {
            let Kind::Concat { dim } = node.kind else { continue };
            if parent[i] == NONE || node.uses.1 > MOST as u32 {
                continue;
            }
            let mut one: Option<(u32, u32)> = None;
            for u in node.uses.0..node.uses.0 + node.uses.1 {
                let s = self.sources[u as usize];
                let from = p.vals[s.val as usize].node;
                let row: usize = p.dims_of(&p.uses[u as usize])[dim as usize..].iter().product();
                let map = matches!(p.nodes[from as usize].kind, Kind::Map(_));
                let plain = map && s.view.is_none() && row < LONG_ROW && p.stage(from) == p.stage(i as u32);
                if !plain || parent[from as usize] == NONE {
                    continue;
                }
                let root = find(parent, from);
                let Some((first, before)) = one else {
                    one = Some((root, from));
                    continue;
                };
                let all = size[first as usize] + size[root as usize];
                let len = |r: u32| p.ty(p.nodes[r as usize].vals.0).len();
                if root == first
                    || rank[root as usize] != rank[first as usize]
                    || len(root) != len(first)
                    || all > TOGETHER
                {
                    continue;
                }
                let (of_first, of_root) = (self.reads(p, parent, before), self.reads(p, parent, from));
                if !of_first.iter().any(|v| of_root.contains(v)) {
                    continue;
                }
                let (first, other) = (first.min(root), first.max(root));
                parent[other as usize] = first;
                size[first as usize] = all;
                one = Some((first, before))
            }
        }
    }
    /// What a node of a group, and those of the group that it reads, read from elsewhere: of the last few of them.
    fn reads(&self, p: &Program, parent: &mut [u32], from: u32) -> SmallVec<[ValId; 16]> {
        let group = find(parent, from);
        let mut of: SmallVec<[ValId; 16]> = SmallVec::new();
        let mut nodes: SmallVec<[u32; 16]> = SmallVec::from_elem(from, 1);
        let mut k = 0;
        while k < nodes.len() && k < MEMBERS {
            for s in self.sources_of(p, nodes[k]) {
                let made = p.vals[s.val as usize].node;
                match parent[made as usize] != NONE && find(parent, made) == group {
                    true if !nodes.contains(&made) => nodes.push(made),
                    false if p.ty(s.val).len() > 1 => of.push(s.val),
                    _ => (),
                }
            }
            k += 1
        }
        of
    }
    /// May this map be merged with the map that makes its operand?
    fn merges(&self, p: &Program, node: &crate::Node, s: Source) -> bool {
        let from = &p.nodes[p.vals[s.val as usize].node as usize];
        s.view.is_none() && matches!(node.kind, Kind::Map(_)) && matches!(from.kind, Kind::Map(_))
    }

    /// Puts the groups into an order in which every value is made before it is read, close to the program's own. Among those that
    /// could come next it is the one that begins first; no group reaches across a fence, so what stands before one comes before it.
    fn order(&mut self, p: &Program, parent: &mut [u32]) {
        let n = p.nodes.len();
        let mut waits = vec![0u32; n];
        let mut first = vec![0u32; n + 1];
        let edge = |sources: &[Source], parent: &mut [u32], i: usize, f: &mut dyn FnMut(u32, u32)| {
            if parent[i] == NONE {
                return;
            }
            let to = find(parent, i as u32);
            for u in p.nodes[i].uses.0..p.nodes[i].uses.0 + p.nodes[i].uses.1 {
                let from = p.vals[sources[u as usize].val as usize].node;
                if parent[from as usize] != NONE {
                    let from = find(parent, from);
                    if from != to {
                        f(from, to);
                    }
                }
            }
        };
        for i in 0..n {
            edge(&self.sources, parent, i, &mut |from, to| {
                waits[to as usize] += 1;
                first[from as usize + 1] += 1;
            });
        }
        for i in 0..n {
            first[i + 1] += first[i];
        }
        let mut targets = vec![0u32; first[n] as usize];
        let mut fill = first.clone();
        for i in 0..n {
            edge(&self.sources, parent, i, &mut |from, to| {
                targets[fill[from as usize] as usize] = to;
                fill[from as usize] += 1;
            });
        }
        // Members of each group, in program order, as chains.
        let mut next = vec![NONE; n];
        let mut last = vec![NONE; n];
        let mut ready = BinaryHeap::new();
        for i in 0..n as u32 {
            if parent[i as usize] == NONE {
                continue;
            }
            let root = find(parent, i);
            if last[root as usize] != NONE {
                next[last[root as usize] as usize] = i;
            } else if waits[root as usize] == 0 {
                ready.push(Reverse(root));
            }
            last[root as usize] = i;
        }
        // A fold of what was just made comes at once: it makes much into little, perhaps without storing it (see `strip`).
        let mut at_once: Vec<u32> = vec![];
        let folds = |i: u32| matches!(p.nodes[i as usize].kind, Kind::Reduce { .. });
        while let Some(root) = at_once.pop().or_else(|| ready.pop().map(|r| r.0)) {
            let mut i = root;
            while i != NONE {
                self.members.push(i);
                i = next[i as usize];
            }
            self.ends.push(self.members.len() as u32);
            for t in &targets[first[root as usize] as usize..first[root as usize + 1] as usize] {
                waits[*t as usize] -= 1;
                match waits[*t as usize] {
                    0 if folds(*t) && p.stage(*t) == p.stage(root) => at_once.push(*t),
                    0 => ready.push(Reverse(*t)),
                    _ => {}
                }
            }
        }
    }
}

/// The root of a group, with the path to it shortened.
fn find(parent: &mut [u32], mut i: u32) -> u32 {
    while parent[i as usize] != i {
        let up = parent[parent[i as usize] as usize];
        parent[i as usize] = up;
        i = up;
    }
    i
}
