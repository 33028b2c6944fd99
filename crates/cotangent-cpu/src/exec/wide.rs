//! Rows that are too long for a straight line: as machine code with loops over their vectors.
//!
//! A row's steps are in groups: a group begins where somebody wants the result of a fold of the group before. For each group there is one loop over the vectors of the row, some in a turn,
//! as many as the lanes of a fold's tree are, so that what is folded stays in registers; what is left over follows in a straight line. What a group makes and a later one reads lies in memory between
//! them, which is the same for every row and stays in the first cache. Rows are at most as long as a block of a fold's tree.

use super::build::Place;
use super::row::{Finder, Kernel, Read, Unrolled, joins, neutral};
use super::run::Step;
use super::strip::StripStep;
use crate::emit::ir::{Again, I, Ty};
use std::collections::HashMap;

/// What a kernel keeps of a row.
#[derive(Default)]
pub struct Wide {
    /// Where in its memory values lie from which later groups read.
    places: HashMap<Place, u32>,
    /// Bytes of all.
    pub bytes: usize,
}
impl Wide {
    /// About how many vectors of a row are written down for each group.
    pub const VECTORS: usize = 8;
}

impl Finder<'_> {
    /// Finds room for what a group makes and a later one reads, if the rows are long.
    pub fn keep(&mut self) {
        let Some(mut wide) = self.k.wide.take() else { return };
        let mut makers: HashMap<Place, usize> = HashMap::new();
        for (g, group) in self.k.groups(self.steps, false).iter().enumerate() {
            for k in group {
                let mut read: Vec<Place> = (self.k.reads.iter())
                    .filter_map(|((step, _), r)| match r.read {
                        Read::Made(place) if step == k => Some(place),
                        _ => None,
                    })
                    .collect();
                read.sort_unstable();
                for place in read {
                    let (_, width, size) = self.made[&place];
                    let there = width == 1 || self.k.stored.contains_key(&place) || makers.get(&place) == Some(&g);
                    if !there && !wide.places.contains_key(&place) {
                        wide.places.insert(place, wide.bytes as u32);
                        // not a multiple of a page, where values would compete for the same cache lines
                        wide.bytes += (width * size).next_multiple_of(64) + 64
                    }
                }
                match &self.steps[*k].step {
                    Step::Map(m) => {
                        let outs = m.machine.iter().flat_map(|machine| &machine.outs);
                        makers.extend(outs.map(|(_, e)| (m.entries[*e as usize].at.0, g)))
                    }
                    Step::Reduce(r) => {
                        makers.insert(r.to, g);
                    }
                    _ => {}
                }
            }
        }
        self.k.wide = Some(wide)
    }
}

impl Kernel {
    /// Does it keep a value for later groups, which nobody else reads?
    pub fn keeps(&self, place: Place) -> bool {
        self.wide.as_ref().is_some_and(|w| w.places.contains_key(&place))
    }
    /// The entry of the pointer, and the byte behind it, where a row of a value lies that was made.
    pub fn kept(&self, place: Place) -> (u32, u32) {
        match (self.stored.get(&place), &self.wide) {
            (None, Some(wide)) => (self.pointers.len() as u32, wide.places[&place]),
            (at, _) => (*at.expect("what was made is somewhere"), 0),
        }
    }
}

impl Unrolled<'_> {
    /// A group of steps: what is one for a row, then a loop over its vectors, then those that are left.
    pub fn turns(&mut self, now: &[usize], steps: &[StripStep]) -> Option<()> {
        let width = self.k.width;
        let along: Vec<usize> = now.iter().copied().filter(|k| self.shape(&steps[*k].step).1 > 1).collect();
        self.forget();
        for k in now.iter().filter(|k| !along.contains(k)) {
            self.vector(*k, &steps[*k].step, (0, 0))?
        }
        // as many as the lanes of the widest tree
        let lanes = |k: &usize| match &steps[*k].step {
            Step::Reduce(r) => crate::lanes(r.what.1.size()),
            _ => 4 * self.lanes,
        };
        let each = along.iter().map(lanes).max().unwrap_or(self.lanes) / self.lanes;
        let turns = width / self.lanes / each;
        let number = self.loops.len() as u32;
        let step = each * self.lanes;
        if turns == 0 || along.is_empty() {
            self.vectors_of(&along, steps, 0, self.vectors(width))?;
            self.forget();
            return self.all_joined(now, steps);
        }
        self.loops.push(Again { turns: turns as u32, step: step as u32, carries: vec![] });
        self.t.build.push(I::Again, Ty::Mask, number, 0, 0);
        let mut carried: Vec<(usize, Ty, usize)> = vec![];
        for k in &along {
            let Step::Reduce(r) = &steps[*k].step else { continue };
            let ((fold, dt), size) = (r.what, r.what.1.size());
            joins(fold, dt)?;
            let ty = if size == 8 { Ty::W64 } else { Ty::W32 };
            let start = self.t.build.constant(ty, neutral(fold, dt));
            let carries = &mut self.loops[number as usize].carries;
            let mut parts = vec![];
            for _ in 0..crate::lanes(size) / self.lanes {
                carries.push((start, 0));
                parts.push(self.t.build.push(I::Carry, ty, carries.len() as u32 - 1, number, 0))
            }
            carried.push((*k, ty, parts.len()));
            self.parts.insert((*k, 0), parts);
        }
        self.vectors_of(&along, steps, 0, each)?;
        self.t.build.push(I::Until, Ty::Mask, number, 0, 0);
        let mut at = 0;
        for (k, ty, n) in carried {
            for i in 0..n {
                let part = &mut self.parts.get_mut(&(k, 0))?[i];
                self.loops[number as usize].carries[at].1 = *part;
                *part = self.t.build.push(I::Over, ty, at as u32, number, 0);
                at += 1
            }
        }
        self.vectors_of(&along, steps, turns * each, self.vectors(width))?;
        self.forget();
        self.all_joined(now, steps)
    }
    /// Vectors of some steps, from `first` on.
    fn vectors_of(&mut self, along: &[usize], steps: &[StripStep], first: usize, end: usize) -> Option<()> {
        self.forget();
        self.first = first;
        for v in first..end {
            for k in along {
                self.vector(*k, &steps[*k].step, (0, v))?
            }
        }
        Some(())
    }
    /// What was made of vectors is not what the next ones are made of.
    fn forget(&mut self) {
        self.t.build.forget();
        self.first = 0;
        let ones = &self.ones;
        self.made.retain(|(place, _), _| ones.contains(place))
    }
}
