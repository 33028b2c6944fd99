//! Products of which only a part is read: that part alone is computed.
//!
//! A layer that multiplies two arrays beside each other has a gradient for both, and often one of them is an argument that nobody differentiates. An
//! element of a product is a function of its row and its column, so the others need not be there.

use super::compose::compose;
use crate::{Kind, Node, Part, Program, Ty, Use, View};

/// The program with such products for the rows and columns that are read; none, if there are none.
pub fn products(p: &Program) -> Option<Program> {
    let dots = || p.nodes.iter().filter(|n| matches!(n.kind, Kind::Dot(_)));
    dots().next()?;
    let readers = p.readers();
    // the last operand that shows a value, which is the only one where there is one
    let mut shown = vec![None; p.vals.len()];
    for node in p.nodes.iter().filter(|n| n.lives(&readers)) {
        for u in node.uses.0..node.uses.0 + node.uses.1 {
            shown[p.uses[u as usize].val as usize] = Some((u as usize, node))
        }
    }
    let mut to: Option<Program> = None;
    for dot in dots() {
        let product = dot.vals.0;
        let sole = |v: u32| shown[v as usize].filter(|_| readers[v as usize] == 1);
        // An operand may be a product, too, of which there is a part only by now.
        let now = to.as_ref().unwrap_or(p);
        if let Some((u, view)) = slice(p, product, &sole)
            && let Some(part) = Shown::new(&p.ty(product).dims, &view)
            && let Some(operands) = part.operands(now, dot)
        {
            let to = to.get_or_insert_with(|| p.clone());
            let first = sole(product).expect("a reader").0;
            let mut put = |u: usize, val: u32, view: View| {
                to.views.push(view);
                to.uses[u] = Use { val, view: Some(to.views.len() as u32 - 1), part: p.uses[u].part }
            };
            if first != u {
                // nobody reads this view any more; what it shows must still be there
                put(first, product, View::splat(p.dims_of(&p.uses[first])))
            }
            put(u, product, part.view);
            for (u, view) in (dot.uses.0 as usize..).zip(operands) {
                put(u, p.uses[u].val, view)
            }
            to.vals[product as usize].ty = Ty::new(p.ty(product).dt, &part.dims)
        }
    }
    to
}

/// The only operand that shows something of a product, behind views of all of it, and what it shows.
fn slice<'a>(p: &Program, product: u32, sole: &dyn Fn(u32) -> Option<(usize, &'a Node)>) -> Option<(usize, View)> {
    let len = p.ty(product).len();
    let (mut v, mut seen) = (product, None::<View>);
    loop {
        let (u, node) = sole(v)?;
        let view = p.view_of(&p.uses[u]);
        let all = seen.as_ref().map_or(Some(view.clone()), |seen| compose(&view, seen))?;
        if all.dims.iter().product::<usize>() != len || !all.is_identity() {
            return Some((u, all));
        }
        if node.kind != Kind::View || p.uses[u].part != Part::Whole {
            return None;
        }
        (v, seen) = (node.vals.0, Some(all))
    }
}

/// The rows and columns of a product that a view shows.
struct Shown {
    first: [i64; 2],
    dims: [usize; 3],
    /// What is shown, of the part.
    view: View,
}
impl Shown {
    /// If it is a box that is worth it.
    fn new(dims: &[usize], view: &View) -> Option<Shown> {
        let &[batch, m, n] = dims else { return None };
        if !view.guards.is_empty() || view.dims.contains(&0) || batch * m * n == 0 {
            return None;
        }
        let (rows, cols) = (m as i64, n as i64);
        let (mut first, offset) = ([view.offset / cols % rows, view.offset % cols], view.offset / (rows * cols));
        let mut last = first;
        // of each dimension: matrices, rows and columns from an index to the next
        let mut steps = vec![];
        for (len, stride) in view.dims.iter().zip(&view.strides) {
            let (len, stride) = (*len as i64 - 1, if *len > 1 { *stride } else { 0 });
            let step = match stride {
                s if s < 0 => return None,
                s if s < cols => [0, 0, s],
                s if s < rows * cols && s % cols == 0 => [0, s / cols, 0],
                s if s % (rows * cols) == 0 => [s / (rows * cols), 0, 0],
                _ => return None,
            };
            last[0] += step[1] * len;
            last[1] += step[2] * len;
            steps.push(step)
        }
        if last[0] >= rows || last[1] >= cols {
            return None;
        }
        // One column is another order of summation, and needs another kernel.
        let one = last[1] == first[1] && cols > 1;
        let column = if one { std::mem::take(&mut first[1]) } else { 0 };
        let (some, few) = (last[0] - first[0] + 1, if one { cols } else { last[1] - first[1] + 1 });
        if 4 * some * few > 3 * rows * cols {
            return None;
        }
        let view = View {
            offset: offset * some * few + column,
            strides: steps.iter().map(|s| s[0] * some * few + s[1] * few + s[2]).collect(),
            ..view.clone()
        };
        Some(Shown { first, dims: [batch, some as usize, few as usize], view })
    }
    /// The operands' views, of these rows and these columns.
    fn operands(&self, p: &Program, dot: &Node) -> Option<[View; 2]> {
        let of = |u: &Use, dim: usize| {
            let mut view = p.view_of(u);
            if view.dims[dim] != self.dims[dim] {
                if view.guards.iter().any(|g| g.dim as usize == dim) {
                    return None;
                }
                view.dims[dim] = self.dims[dim];
                view.offset += self.first[dim - 1] * view.strides[dim]
            }
            Some(view)
        };
        let [a, b] = p.uses_of(dot) else { return None };
        Some([of(a, 1)?, of(b, 2)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Rng, same};
    use crate::reference::evaluate;
    use crate::{Buffer, DotSpec, Dt, Executable, Operand, Output};

    /// A view of something of `[batch, m, n]`: most often a box with steps, sometimes all, turned round or repeated.
    fn shown(r: &mut Rng, dims: [usize; 3]) -> View {
        let mut view = View::splat(&[]);
        let mut stride = 1;
        for n in dims.into_iter().rev() {
            let (first, step) = (if r.below(3) == 0 { 0 } else { r.below(n) }, 1 + r.below(6) / 5);
            let len = 1 + r.below((n - first).div_ceil(step)).max((n - first).div_ceil(step) / 2 * r.below(2));
            let len = len.min((n - first).div_ceil(step));
            let back = r.below(12) == 0;
            let at = if back { first + (len - 1) * step } else { first };
            view.offset += (at * stride) as i64;
            // a dimension of one index may be missing
            if len > 1 || r.below(2) == 0 {
                view.dims.insert(0, len);
                view.strides.insert(0, (step * stride) as i64 * if back { -1 } else { 1 })
            }
            stride *= n
        }
        if r.below(8) == 0 {
            view.dims.push(2);
            view.strides.push(0)
        }
        view
    }

    #[test]
    fn a_part_is_the_part_of_the_whole() {
        let (mut narrowed, mut saved) = (0, 0);
        for seed in 0..3000 {
            let mut r = Rng(seed);
            let [batch, m, n, k] = [1 + r.below(2), 1 + r.below(9), 1 + r.below(40), 1 + r.below(20)];
            let dt = [Dt::F32, Dt::F64, Dt::C64][r.below(3)];
            let mut p = Program::default();
            let (a, b) = (p.arg(Ty::new(dt, &[batch, m, k])), p.arg(Ty::new(dt, &[batch, n, k])));
            let turned = [(n * k) as i64, 1, k as i64].into_iter().collect();
            let uses = [Use::plain(a), p.through(b, View { strides: turned, ..View::splat(&[batch, k, n]) })];
            let spec = DotSpec::for_sizes(n, k, dt);
            let mut x = p.push(Kind::Dot(spec), &uses, &[Ty::new(dt, &[batch, m, n])]);
            if r.below(2) == 0 {
                x = p.view(x, View::identity(&[batch * m, n]))
            }
            let view = shown(&mut r, [batch, m, n]);
            let part = p.view(x, view);
            p.outs = vec![part];
            if r.below(10) == 0 {
                p.outs.push(x)
            }
            if let Some(q) = products(&p) {
                assert_eq!(p.outs.len(), 1, "seed {seed}: all is wanted\n{p}");
                let size =
                    |p: &Program| p.nodes.iter().find(|n| matches!(n.kind, Kind::Dot(_))).map(|n| p.ty(n.vals.0).len());
                assert!(size(&q) < size(&p), "seed {seed}\n{q}");
                (narrowed, saved) = (narrowed + 1, saved + size(&p).unwrap() - size(&q).unwrap())
            }
            let args: Vec<Vec<u8>> = (p.args.iter())
                .map(|ty| {
                    let reals = ty.len() * if dt == Dt::C64 { 2 } else { 1 };
                    let x = (0..reals).map(|_| r.below(2001) as f64 / 1000.0 - 1.0);
                    if dt == Dt::F64 {
                        x.flat_map(f64::to_ne_bytes).collect()
                    } else {
                        x.flat_map(|x| (x as f32).to_ne_bytes()).collect()
                    }
                })
                .collect();
            let want = evaluate(&p, &args).unwrap();
            let buffers: Vec<Buffer> = args.iter().map(|x| Buffer::from_bytes(x)).collect();
            let operands: Vec<Operand> = buffers.iter().map(Operand::Buffer).collect();
            let got = Executable::compile(&p).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{p}")).run(&operands);
            for (got, want) in got.iter().zip(&want) {
                let bits;
                let got = match got {
                    Output::Buffer(b) => b.as_bytes(),
                    Output::Bits(b) => {
                        bits = b.to_ne_bytes();
                        &bits[..want.len()]
                    }
                    Output::Arg(i) => buffers[*i as usize].as_bytes(),
                };
                same(dt, got, want).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{p}"))
            }
        }
        assert!(narrowed > 1000 && saved > 50_000, "{narrowed} {saved}")
    }

    /// A part of a product of a part of a product.
    #[test]
    fn parts_of_parts() {
        let (m, n) = (6, 8);
        let mut p = Program::default();
        let (a, b) = (p.arg(Ty::new(Dt::F32, &[1, m, 3])), p.arg(Ty::new(Dt::F32, &[1, 3, n])));
        let c = p.arg(Ty::new(Dt::F32, &[1, 4, n]));
        let (spec, more) = (DotSpec::for_sizes(n, 3, Dt::F32), DotSpec::for_sizes(n, 4, Dt::F32));
        let first = p.push(Kind::Dot(spec), &[Use::plain(a), Use::plain(b)], &[Ty::new(Dt::F32, &[1, m, n])]);
        // four columns of all rows
        let some = View { offset: 2, strides: [0, n as i64, 1].into_iter().collect(), ..View::splat(&[1, m, 4]) };
        let uses = [p.through(first, some), Use::plain(c)];
        let second = p.push(Kind::Dot(more), &uses, &[Ty::new(Dt::F32, &[1, m, n])]);
        let part = View { offset: 9, strides: [n as i64, 1].into_iter().collect(), ..View::splat(&[4, 3]) };
        let part = p.view(second, part);
        p.outs = vec![part];
        let q = products(&p).expect("parts");
        q.check().unwrap();
        assert_eq!([q.ty(first).len(), q.ty(second).len()], [m * 4, 4 * 3]);
        let numbers = |n: usize| (0..n).flat_map(|i| ((i * 7 % 11) as f32).to_ne_bytes()).collect::<Vec<u8>>();
        let args = [numbers(m * 3), numbers(3 * n), numbers(4 * n)];
        assert_eq!(evaluate(&q, &args).unwrap(), evaluate(&p, &args).unwrap());
    }
}
