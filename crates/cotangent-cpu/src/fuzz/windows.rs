//! Random windows.

use super::Fuzz;
use crate::{ConvOrder, ConvSpec, Dt, Fold, Kind, Slide};
use std::sync::Arc;

impl Fuzz {
    /// How windows of at most `most` elements lie along `n` elements, and how many there are.
    fn slide(&mut self, n: usize, most: usize) -> (Slide, usize) {
        let r = &mut self.r;
        let size = 1 + r.below(most.clamp(1, 4));
        let step = |r: &mut super::Rng| r.pick(&[1, 1, 1, 2, 3]);
        let slide = Slide { size, stride: step(r), dilation: step(r), base: step(r), lo: r.range(-1, 2) };
        // Often as many as fit, sometimes more or fewer.
        let extent = n.saturating_sub(1) * slide.base + 1;
        let reach = (slide.size - 1) * slide.dilation + 1;
        let fit = (extent + 2).saturating_sub(reach) / slide.stride + 1;
        let windows = if r.once_in(4) { r.below(fit + 3) } else { fit };
        (slide, windows)
    }

    /// Windows of all dimensions: small ones if the array is large. `None` if there would be too many.
    fn slides(&mut self, dims: &[usize]) -> Option<(Vec<Slide>, Vec<usize>)> {
        let (mut slides, mut windows) = (vec![Slide::UNIT; dims.len()], dims.to_vec());
        for d in 0..dims.len() {
            // The inner dimensions often have windows of one element.
            if self.r.once_in(if d + 1 == dims.len() { 2 } else { 4 }) {
                continue;
            }
            (slides[d], windows[d]) = self.slide(dims[d], 4);
        }
        let work = windows.iter().chain(slides.iter().map(|s| &s.size)).product::<usize>();
        (work <= self.left.max(1)).then_some((slides, windows))
    }

    pub(super) fn window(&mut self) {
        let which = self.r.below(4);
        let op = self.r.pick(&[Fold::Sum, Fold::Max, Fold::Min]);
        let (u, dt, dims, _) = self.array(|dt| which > 0 || op.takes(dt));
        let Some((slides, windows)) = self.slides(&dims) else { return };
        self.spend(windows.iter().chain(slides.iter().map(|s| &s.size)).product());
        let (max, slides) = (self.r.once_in(2), Arc::new(slides.into()));
        if which == 0 || which == 1 && op.takes(dt) {
            return self.push(Kind::Window { op, slides }, &[u], dt, &windows);
        }
        let key = if dt.is_complex() || self.r.once_in(3) { self.dt_where(|dt| !dt.is_complex()) } else { dt };
        let by = self.operand(key, &dims);
        if which < 3 {
            self.push(Kind::WindowPick { max, slides }, &[u, by], dt, &windows);
        } else {
            let put = self.operand(dt, &windows);
            self.push(Kind::WindowPut { max, slides }, &[put, by], dt, &dims);
        }
    }

    pub(super) fn conv(&mut self) {
        let dt = self.dt();
        let out = if self.r.once_in(6) { self.dt_where(|o| o.is_complex() == dt.is_complex()) } else { dt };
        let acc = if self.r.once_in(6) { out.acc() } else { dt.acc() };
        let d = self.r.pick(&[0, 1, 1, 2, 2, 3]);
        // Seldom a sum of several chunks, with few others, or many sums.
        let long = self.r.once_in(5);
        let many = !long && d > 0 && self.r.once_in(3);
        let small = |f: &mut Fuzz, most: usize| 1 + f.r.below(most);
        let (g, n) =
            if long { (1, small(self, 2)) } else { (self.r.pick(&[1, 1, 2, 3]), self.r.pick(&[0, 1, 1, 2, 5])) };
        let c = if long { self.r.pick(&[130, 257, 300]) } else { small(self, 5) };
        let o = if long { small(self, 3) } else { self.r.pick(&[1, 2, 3, 17]) };
        let mut space: Vec<usize> = (0..d).map(|_| if long { small(self, 3) } else { self.r.below(7) }).collect();
        if many {
            space[d - 1] = self.r.pick(&[12, 20, 30, 60]);
        }
        let (mut slides, mut windows) = (vec![], vec![]);
        // Now and then what tiles are for: three elements, or three windows.
        let tiles = d == 2 && dt == Dt::F32 && self.r.once_in(2);
        let three = self.r.once_in(2);
        for n in &space {
            if tiles {
                let lo = self.r.range(-1, 2);
                let seen = (*n as i64 + lo + self.r.range(0, 2)).max(0) as usize;
                let (size, count) =
                    if three { (3, seen.saturating_sub(2)) } else { (seen.saturating_sub(2).max(1), 3) };
                slides.push(Slide { size, lo, ..Slide::UNIT });
                windows.push(count);
                continue;
            }
            let (s, w) = self.slide(*n, 3);
            slides.push(s);
            windows.push(w);
        }
        let batch_last = self.r.once_in(3);
        let sizes: Vec<usize> = slides.iter().map(|s| s.size).collect();
        let array = [&[g, n][..], &space, &[c]].concat();
        let filter = [&[g][..], &sizes, &[c, o]].concat();
        let result =
            if batch_last { [&windows[..], &[n, g, o]].concat() } else { [&[n][..], &windows, &[g, o]].concat() };
        let len = |dims: &[usize]| dims.iter().product::<usize>();
        let mut spec = ConvSpec { slides: slides.into(), batch_last, acc, order: ConvOrder::Chain };
        if dt == Dt::F32 && spec.has_tiles(&windows, c) {
            spec.order = self.r.pick(&[ConvOrder::Winograd, ConvOrder::Winograd, ConvOrder::Chain]);
        }
        let work = len(&result) * len(&sizes) * c;
        if work > 40 * self.left.max(1) || len(&array) + len(&filter) > super::LARGEST {
            return;
        }
        self.spend(work / 8 + len(&result));
        let (x, filter) = (self.operand(dt, &array), self.operand(dt, &filter));
        self.push(Kind::Conv(Arc::new(spec)), &[x, filter], out, &result);
    }
}
