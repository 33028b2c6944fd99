//! Adjacent pairs, level by level: the order in which the blocks of a sum are combined.

/// Results that come one by one and are combined in adjacent pairs, level by level, an odd one passing through. Only one of each level
/// is kept, in places that are counted from 0.
#[derive(Default)]
pub(crate) struct Pairs {
    come: usize,
    kept: usize,
}

impl Pairs {
    /// How many places `n` results need, at least 1.
    pub(crate) fn places(n: usize) -> usize {
        n.ilog2() as usize + 2
    }
    /// The place of the result that comes next.
    pub(crate) fn next(&self) -> usize {
        self.kept
    }
    /// The result has come to its place. `merge(k)` combines what is at `k` with what is behind it.
    pub(crate) fn push(&mut self, mut merge: impl FnMut(usize)) {
        self.kept += 1;
        for _ in 0..self.come.trailing_ones() {
            self.kept -= 1;
            merge(self.kept - 1);
        }
        self.come += 1;
    }
    /// No more come: everything is combined, at place 0.
    pub(crate) fn finish(mut self, mut merge: impl FnMut(usize)) {
        while self.kept > 1 {
            self.kept -= 1;
            merge(self.kept - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_adjacent_and_few_are_kept() {
        for n in 1..200usize {
            let mut want: Vec<String> = (0..n).map(|i| i.to_string()).collect();
            while want.len() > 1 {
                want = want
                    .chunks(2)
                    .map(|c| if c.len() == 2 { format!("({} {})", c[0], c[1]) } else { c[0].clone() })
                    .collect();
            }
            let mut places = vec![String::new(); Pairs::places(n)];
            let merge = |places: &mut Vec<String>, k: usize| places[k] = format!("({} {})", places[k], places[k + 1]);
            let mut pairs = Pairs::default();
            for i in 0..n {
                places[pairs.next()] = i.to_string();
                pairs.push(|k| merge(&mut places, k));
            }
            pairs.finish(|k| merge(&mut places, k));
            assert_eq!(places[0], want[0]);
        }
    }
}
