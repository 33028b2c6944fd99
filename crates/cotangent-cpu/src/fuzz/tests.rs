//! The generator makes valid programs, of every kind, and not only trivial ones.

use super::*;
use crate::reference::evaluate;
use crate::{Bounds, ConvOrder, Dims, Executable, Guard, Op, Part, Slide};
use std::collections::HashMap;
use std::sync::Arc;

#[test]
fn programs_are_valid_and_of_every_kind() {
    let mut kinds: HashMap<&str, usize> = HashMap::new();
    let (mut elements, mut nans) = (0, 0);
    for seed in 0..2000 {
        let (p, args) = case(seed);
        if let Err(e) = p.check() {
            panic!("seed {seed}: {e}\n{p}");
        }
        let outs = evaluate(&p, &args).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{p}"));
        for node in &p.nodes {
            *kinds.entry(node.kind.name()).or_default() += 1;
        }
        for (o, bytes) in p.outs.iter().zip(&outs) {
            let ty = p.ty(*o);
            assert_eq!(bytes.len(), ty.bytes(), "seed {seed}");
            same(ty.dt, bytes, bytes).unwrap();
            if ty.dt == Dt::F32 {
                let floats = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
                elements += bytes.len() / 4;
                nans += floats.filter(|x| x.is_nan()).count();
            }
        }
    }
    for kind in [
        "arg",
        "const",
        "map",
        "view",
        "reduce",
        "argreduce",
        "prefix",
        "gather",
        "scatter",
        "dynslice",
        "update",
        "concat",
        "dot",
        "sort",
        "top",
        "conv",
        "window",
        "windowpick",
        "windowput",
        "lib",
    ] {
        assert!(kinds.get(kind).is_some_and(|n| *n >= 50), "{kind}: {kinds:?}");
    }
    assert!(nans > 1000 && nans < elements / 4, "{nans} NaNs of {elements}");
}

#[test]
fn a_seed_is_a_program() {
    for seed in [0, 1, 77] {
        assert_eq!(case(seed), case(seed));
    }
    assert_ne!(case(1), case(2));
}

#[test]
fn differences_are_told() {
    let bytes = |x: &[f32]| x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let a = bytes(&[1.0, f32::NAN, 0.0, 2.0]);
    assert_eq!(same(Dt::F32, &a, &bytes(&[1.0, -f32::NAN, 0.0, 2.0])), Ok(()));
    let e = same(Dt::F32, &a, &bytes(&[1.0, f32::NAN, -0.0, 3.0])).unwrap_err();
    assert_eq!(e, "element 2: 0.0 (0x0) against -0.0 (0x80000000); 2 of 4 numbers differ");
    let e = same(Dt::C64, &a, &bytes(&[1.0, 2.0, 0.0, 2.0])).unwrap_err();
    assert!(e.starts_with("element 0, imaginary part: NaN"), "{e}");
    assert!(same(Dt::F32, &a, &a[4..]).is_err());
    assert!(same(Dt::I32, &[1, 0, 0, 0], &[1, 0, 0, 1]).is_err());
}

/// Changes one number or tag somewhere.
fn mutate(r: &mut Rng, p: &mut Program) {
    fn number(r: &mut Rng, x: i64) -> i64 {
        let near = x.wrapping_add(r.range(-2, 2));
        r.pick(&[near, near, near, 0, 1, -1, 2, i64::MIN, i64::MAX, 1 << 62, 1 << 61, -(1 << 61), i32::MAX as i64])
    }
    fn id(r: &mut Rng, x: &mut u32) {
        *x = r.pick(&[x.wrapping_add(1), x.wrapping_sub(1), 0, 1, 2, u32::MAX]);
    }
    fn extents(r: &mut Rng, dims: &mut Dims) {
        match r.below(5) {
            0 => dims.push(r.below(4)),
            1 => drop(dims.pop()),
            2 => dims.reverse(),
            _ if dims.is_empty() => {}
            _ => {
                let d = r.below(dims.len());
                dims[d] = number(r, dims[d] as i64) as usize;
            }
        }
    }
    fn element(r: &mut Rng, dt: &mut Dt) {
        *dt = r.pick(&Dt::ALL);
    }
    fn windows(r: &mut Rng, slides: &mut [Slide]) {
        let Some(d) = slides.len().checked_sub(1).map(|last| r.below(last + 1)) else { return };
        let s = &mut slides[d];
        let steps = [&mut s.size, &mut s.stride, &mut s.dilation, &mut s.base];
        match r.below(5) {
            4 => s.lo = number(r, s.lo),
            k => {
                let step = steps.into_iter().nth(k).unwrap();
                *step = r.pick(&[0, 1, 2, 3, 7, 1 << 40, usize::MAX]);
            }
        }
    }
    let any = |r: &mut Rng, n: usize| r.below(n.max(1));
    let (n, v, u, w) = (any(r, p.nodes.len()), any(r, p.vals.len()), any(r, p.uses.len()), any(r, p.views.len()));
    match r.below(10) {
        0 => match r.below(3) {
            0 => element(r, &mut p.vals[v].ty.dt),
            1 => extents(r, &mut p.vals[v].ty.dims),
            _ => id(r, &mut p.vals[v].node),
        },
        1 if !p.uses.is_empty() => match r.below(3) {
            0 => id(r, &mut p.uses[u].val),
            1 => p.uses[u].part = r.pick(&[Part::Whole, Part::Re, Part::Im]),
            _ => p.uses[u].view = r.pick(&[None, Some(0), Some(w as u32), Some(u32::MAX)]),
        },
        2..4 if !p.views.is_empty() => {
            let view = &mut p.views[w];
            match r.below(6) {
                0 => view.offset = number(r, view.offset),
                1 => extents(r, &mut view.dims),
                2 => view.fill[r.below(2)] = r.next(),
                3 => view.guards.push(Guard {
                    dim: r.below(3) as u32,
                    lo: number(r, 0),
                    hi: number(r, 9),
                    step: number(r, 1),
                }),
                4 if !view.strides.is_empty() => {
                    let d = r.below(view.strides.len());
                    view.strides[d] = number(r, view.strides[d]);
                }
                _ => {
                    if let Some(g) = view.guards.first_mut() {
                        match r.below(4) {
                            0 => id(r, &mut g.dim),
                            1 => g.lo = number(r, g.lo),
                            2 => g.hi = number(r, g.hi),
                            _ => g.step = number(r, g.step),
                        }
                    }
                }
            }
        }
        4 => {
            let node = &mut p.nodes[n];
            let range = if r.once_in(2) { &mut node.uses } else { &mut node.vals };
            let end = if r.once_in(2) { &mut range.0 } else { &mut range.1 };
            id(r, end);
        }
        5 if !p.outs.is_empty() => id(r, &mut p.outs[0]),
        6 if !p.args.is_empty() => {
            let a = r.below(p.args.len());
            extents(r, &mut p.args[a].dims);
            element(r, &mut p.args[a].dt);
        }
        _ => match &mut p.nodes[n].kind {
            Kind::Arg(i) => id(r, i),
            Kind::Const(bits) => bits[r.below(2)] = r.next(),
            Kind::Map(body) => {
                let body = Arc::make_mut(body);
                let i = any(r, body.ops.len());
                match r.below(6) {
                    0 if !body.outs.is_empty() => id(r, &mut body.outs[0]),
                    1 => drop(body.outs.pop()),
                    _ if body.ops.is_empty() => {}
                    2 => element(r, &mut body.ops[i].dt),
                    3 => id(r, &mut body.ops[i].a),
                    4 => id(r, &mut body.ops[i].b),
                    _ => {
                        body.ops[i].op =
                            r.pick(&[Op::Add, Op::Select, Op::In, Op::Index, Op::Bitcast, Op::Cast, Op::Not])
                    }
                }
            }
            Kind::View | Kind::DynSlice | Kind::Update => p.nodes[n].kind = Kind::Concat { dim: 0 },
            Kind::Reduce { op, first, count } => match r.below(3) {
                0 => *op = r.pick(&[Fold::Sum, Fold::Max, Fold::And, Fold::LogAddExp]),
                1 => id(r, first),
                _ => id(r, count),
            },
            Kind::ArgReduce { dim, .. } | Kind::Concat { dim } | Kind::Top { dim } => id(r, dim),
            Kind::Sort { dim, keys } => match r.below(2) {
                0 => id(r, dim),
                _ => id(r, keys),
            },
            Kind::Prefix { op, dim, .. } => match r.below(2) {
                0 => *op = r.pick(&[Fold::Sum, Fold::Max, Fold::And, Fold::LogAddExp]),
                _ => id(r, dim),
            },
            Kind::Gather(s) => {
                let s = Arc::make_mut(s);
                match r.below(7) {
                    0 => extents(r, &mut s.offset_dims),
                    1 => extents(r, &mut s.collapsed_slice_dims),
                    2 => extents(r, &mut s.start_index_map),
                    3 => extents(r, &mut s.operand_batching_dims),
                    4 => extents(r, &mut s.start_indices_batching_dims),
                    5 => extents(r, &mut s.slice_sizes),
                    _ => s.bounds = r.pick(&[Bounds::Clip, Bounds::Fill]),
                }
            }
            Kind::Scatter(s) => {
                let s = Arc::make_mut(s);
                match r.below(5) {
                    0 => extents(r, &mut s.update_window_dims),
                    1 => extents(r, &mut s.inserted_window_dims),
                    2 => extents(r, &mut s.scatter_dims_to_operand_dims),
                    3 => extents(r, &mut s.operand_batching_dims),
                    _ => extents(r, &mut s.scatter_indices_batching_dims),
                }
            }
            Kind::Dot(s) => element(r, &mut s.acc),
            Kind::Conv(s) => {
                let s = Arc::make_mut(s);
                match r.below(5) {
                    0 => element(r, &mut s.acc),
                    1 => s.batch_last ^= true,
                    2 => s.order = r.pick(&[ConvOrder::Chain, ConvOrder::Winograd]),
                    _ => windows(r, &mut s.slides),
                }
            }
            Kind::Window { slides, .. } | Kind::WindowPick { slides, .. } | Kind::WindowPut { slides, .. } => {
                windows(r, &mut Arc::make_mut(slides)[..])
            }
            Kind::Lib(l) => match r.below(3) {
                0 => id(r, &mut l.batch),
                1 => drop(l.params.pop()),
                _ => l.params.push(r.next() as i64),
            },
        },
    }
}

/// The extents of the windows that a node moves.
fn window(kind: &Kind) -> Vec<usize> {
    let sizes = |slides: &[Slide]| slides.iter().map(|s| s.size).collect();
    match kind {
        Kind::Conv(s) => sizes(&s.slides),
        Kind::Window { slides, .. } | Kind::WindowPick { slides, .. } | Kind::WindowPut { slides, .. } => sizes(slides),
        _ => vec![],
    }
}

/// The check never panics, and what it accepts can be printed and run: no index of the reference is out of bounds, no arithmetic
/// overflows.
#[test]
fn what_the_check_accepts_can_be_run() {
    let mut accepted = 0;
    let mut r = Rng(5);
    for seed in 0..6000 {
        let (original, _) = case(seed);
        for _ in 0..4 {
            let mut p = original.clone();
            for _ in 0..1 + r.below(2) {
                mutate(&mut r, &mut p);
            }
            let text = p.to_string();
            let small =
                |dims: &[usize]| dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).is_some_and(|n| n < 50_000);
            match p.check() {
                Err(e) => assert!(!e.is_empty()),
                // A mutation may make arrays that are large, and right.
                Ok(())
                    if p.vals.iter().all(|v| small(&v.ty.dims))
                        && p.views.iter().all(|v| small(&v.dims))
                        && p.nodes.iter().all(|n| small(&window(&n.kind)))
                        && p != original =>
                {
                    let args: Vec<Vec<u8>> =
                        p.args.iter().map(|ty| values::array(&mut r, ty.dt, ty.len(), Mood::Wild)).collect();
                    accepted += 1;
                    let want = std::panic::catch_unwind(|| evaluate(&p, &args))
                        .unwrap_or_else(|_| panic!("the reference panics\n{text}"))
                        .unwrap_or_else(|e| panic!("{e}\n{text}"));
                    let got = run(&Executable::compile(&p).unwrap(), &p, &args);
                    for (v, (got, want)) in p.outs.iter().zip(got.iter().zip(&want)) {
                        same(p.ty(*v).dt, got, want).unwrap_or_else(|e| panic!("{e}\n{text}"));
                    }
                }
                Ok(()) => {}
            }
        }
    }
    assert!(accepted > 500, "only {accepted} of the mutated programs are valid");
}
