//! The report against runs: memory to the byte, the same bits under the clock, groups, and the text.

use super::*;
use crate::buffer::count;
use crate::{Buffer, Executable, Output, fuzz};

fn held(p: &Program, args: &[Vec<u8>]) -> Vec<Buffer> {
    assert_eq!(p.args.len(), args.len());
    args.iter().map(|a| Buffer::from_bytes(a)).collect()
}
fn operands<'a>(p: &Program, args: &[Vec<u8>], held: &'a [Buffer]) -> Vec<Operand<'a>> {
    let bits = |i: usize| p.args[i].dims.is_empty() && p.args[i].bytes() <= 8;
    let one = |i: usize| match bits(i) {
        true => Operand::Bits(args[i].iter().rev().fold(0, |w, b| w << 8 | *b as u64)),
        false => Operand::Buffer(&held[i]),
    };
    (0..args.len()).map(one).collect()
}

/// Does the report count the memory that it works in, if any?
fn counted(kind: &Kind) -> bool {
    let moves = matches!(
        kind,
        Kind::View | Kind::Gather(_) | Kind::Scatter(_) | Kind::DynSlice | Kind::Update | Kind::Concat { .. }
    );
    let folds = matches!(kind, Kind::Reduce { .. } | Kind::ArgReduce { .. } | Kind::Prefix { .. });
    // products have memory of their thread, which is no buffer
    moves || folds || matches!(kind, Kind::Arg(_) | Kind::Const(_) | Kind::Map(_) | Kind::Dot(_))
}

/// Random programs: what the report says of memory is what a run takes, to the byte, and a run with a clock gives the same bits.
#[test]
fn memory_is_what_a_run_takes() {
    let mut temporary = 0;
    for seed in 0..600 {
        let (p, args) = fuzz::case(seed);
        let exact = p.nodes.iter().all(|n| counted(&n.kind));
        for (fuse, smallest) in [(true, 1 << 18), (false, 1 << 18), (true, 0)] {
            let options = Options { fuse, in_place: smallest, ..Options::default() };
            let inspected = Inspected::compile_with(&p, options).expect("a valid program");
            let exec = Executable::compile_with(&p, options).expect("a valid program");
            let held = held(&p, &args);
            let x = operands(&p, &args, &held);
            let (peak, outs) = count::peak(|| exec.run(&x));
            let m = inspected.report().memory;
            // scalars that are results are no buffers
            let words: usize =
                outs.iter().zip(&p.outs).map(|(o, v)| if let Output::Bits(_) = o { p.ty(*v).bytes() } else { 0 }).sum();
            let takes = m.arguments + peak + words;
            let why = || format!("seed {seed}, fuse {fuse}\n{p}\n{}", inspected.report().text());
            if exact {
                assert_eq!(m.peak, takes, "{}", why());
            }
            assert!(m.peak <= takes, "{}", why());
            let made: usize = outs.iter().map(|o| if let Output::Buffer(b) = o { b.len() } else { 0 }).sum();
            assert_eq!(m.outputs, made + words, "seed {seed}\n{p}");
            assert!(m.temporary <= peak && (!exact || m.temporary + made >= peak), "{}", why());
            temporary += (exact && m.temporary > 0) as usize;
            let (again, times) = inspected.run(&x);
            assert_eq!(times.len(), inspected.report().groups.len());
            for (a, b) in outs.iter().zip(&again) {
                match (a, b) {
                    (Output::Bits(a), Output::Bits(b)) => assert_eq!(a, b, "seed {seed}"),
                    (Output::Buffer(a), Output::Buffer(b)) => assert_eq!(a.as_bytes(), b.as_bytes(), "seed {seed}"),
                    (Output::Arg(a), Output::Arg(b)) => assert_eq!(a, b, "seed {seed}"),
                    _ => panic!("another kind of result, seed {seed}"),
                }
            }
        }
    }
    assert!(temporary > 300, "{temporary}");
}

/// Each node that runs is in one group; a group writes what others read, and reads what others wrote.
#[test]
fn groups_are_a_partition_of_what_runs() {
    for (seed, fuse) in (0..300).flat_map(|seed| [(seed, false), (seed, true)]) {
        let (p, _) = fuzz::case(seed);
        let options = Options { fuse, ..Options::default() };
        let inspected = Inspected::compile_with(&p, options).expect("a valid program");
        let mut seen = vec![0; p.nodes.len()];
        let mut written: Vec<bool> =
            p.vals.iter().map(|v| matches!(p.nodes[v.node as usize].kind, Kind::Arg(_))).collect();
        let (mut flops, mut transcendentals) = (0, 0);
        for g in &inspected.report().groups {
            g.nodes.iter().for_each(|i| seen[*i as usize] += 1);
            assert!(g.reads.iter().all(|v| written[*v as usize]), "seed {seed}\n{p}\n{}", inspected.report().text());
            g.writes.iter().for_each(|v| written[*v as usize] = true);
            flops += g.cost.flops;
            transcendentals += g.cost.transcendentals;
        }
        assert!(seen.iter().all(|n| *n < 2), "seed {seed}");
        // What is known already costs nothing, and some maps compute their operands again; else operations are those of the program.
        let all = p.cost();
        if !fuse {
            assert_eq!((flops, transcendentals), (all.flops, all.transcendentals), "seed {seed}\n{p}");
        }
    }
}

/// The rows of a softmax run in strips, and so do the blocks of a sum; the bits are those of whole steps.
#[test]
fn rows_in_strips() {
    use crate::isa::Isa;
    use crate::{Dt, Fold, Op, Ty, Use, View};
    let (b, n) = (37, 130);
    let (whole, one) = (Ty::new(Dt::F32, &[b, n]), Ty::new(Dt::F32, &[b]));
    let mut p = Program::default();
    let x = p.arg(whole.clone());
    let wide = || View { strides: [1, 0].into_iter().collect(), ..View::identity(&[b, n]) };
    let fold = |op: Fold| Kind::Reduce { op, first: 1, count: 1 };
    let m = p.push(fold(Fold::Max), &[Use::plain(x)], std::slice::from_ref(&one));
    let m = p.through(m, wide());
    let d = p.push(map(Op::Sub, 2), &[Use::plain(x), m], std::slice::from_ref(&whole));
    let e = p.push(map(Op::Math(crate::M::Exp), 1), &[Use::plain(d)], std::slice::from_ref(&whole));
    let s = p.push(fold(Fold::Sum), &[Use::plain(e)], std::slice::from_ref(&one));
    let s = p.through(s, wide());
    let y = p.push(map(Op::Div, 2), &[Use::plain(e), s], std::slice::from_ref(&whole));
    p.outs = vec![y];
    // 2 rows of 130 elements, a maximum and a sum each: all four groups
    check(&p, "Parts(37), 2 at a time");
    // which are one line of machine code for a row, with masks for its last two elements
    for isa in [Isa::Avx512, Isa::Avx2] {
        assert_ne!(rows_are_code(&p, isa), Some(false), "{isa:?}");
    }

    // the sum of squares of everything, whose last block is short
    let all = Ty::new(Dt::F32, &[b * n]);
    let mut p = Program::default();
    let x = p.arg(whole);
    let all_of = p.view(x, View::identity(&[b * n]));
    let y = p.push(map(Op::Mul, 2), &[Use::plain(all_of), Use::plain(all_of)], &[all]);
    let fold = Kind::Reduce { op: Fold::Sum, first: 0, count: 1 };
    p.outs = vec![p.push(fold, &[Use::plain(y)], &[Ty::new(Dt::F32, &[])])];
    check(&p, "Blocks(1, 4810), 1 at a time");

    // and of each of three outer products, which are maps
    let (b, m, n) = (3, 71, 140);
    let mut p = Program::default();
    let x = p.arg(Ty::new(Dt::F32, &[b * (m + n)]));
    let piece = |offset, dims: [usize; 3], strides: [i64; 3]| View {
        offset,
        strides: strides.into_iter().collect(),
        ..View::identity(&dims)
    };
    let column = p.through(x, piece(0, [b, m, 1], [m as i64, 1, 1]));
    let row = p.through(x, piece((b * m) as i64, [b, 1, n], [n as i64, 1, 1]));
    let spec = crate::DotSpec::for_sizes(n, 1, Dt::F32);
    let product = p.push(Kind::Dot(spec), &[column, row], &[Ty::new(Dt::F32, &[b, m, n])]);
    let square = || map(Op::Mul, 2);
    let y = p.push(square(), &[Use::plain(product), Use::plain(product)], &[Ty::new(Dt::F32, &[b, m, n])]);
    let fold = Kind::Reduce { op: Fold::Sum, first: 1, count: 2 };
    p.outs = vec![p.push(fold, &[Use::plain(y)], &[Ty::new(Dt::F32, &[b])])];
    check(&p, "Blocks(3, 9940), 1 at a time");

    // a block with an element that machine code leaves out is done by steps, the ones around it are not (their rows are whole rounds)
    let all = Ty::new(Dt::F32, &[3, 9984]);
    let mut p = Program::default();
    let x = p.arg(all.clone());
    let wave = p.push(map(Op::Math(crate::M::Sin), 1), &[Use::plain(x)], std::slice::from_ref(&all));
    let y = p.push(square(), &[Use::plain(wave), Use::plain(wave)], &[all]);
    let fold = Kind::Reduce { op: Fold::Sum, first: 1, count: 1 };
    p.outs = vec![p.push(fold, &[Use::plain(y)], &[Ty::new(Dt::F32, &[3])])];
    check_on(&p, "Blocks(3, 9984), 1 at a time", |i| if i % 9984 == 5000 { 1e30 } else { (i % 977) as f32 * 0.01 });
}
/// Long rows that are folded block by block: what follows from the fold's result is no part of the loop that makes it.
#[test]
fn results_of_long_rows() {
    use crate::{Dt, Fold, Op, Ty, Use, View};
    for (b, n) in [(2, 2304), (16, 2048), (9, 5120)] {
        let (ty, one) = (Ty::new(Dt::F32, &[b, n]), Ty::new(Dt::F32, &[b]));
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let y = p.push(map(Op::Mul, 2), &[Use::plain(x), Use::plain(x)], std::slice::from_ref(&ty));
        let sum = p.push(Kind::Reduce { op: Fold::Sum, first: 1, count: 1 }, &[Use::plain(y)], &[one]);
        let seen = p.through(sum, View { strides: [1, 0].into_iter().collect(), ..View::splat(&[b, n]) });
        let z = p.push(map(Op::Sub, 2), &[Use::plain(y), seen], std::slice::from_ref(&ty));
        p.outs = vec![p.push(map(Op::Div, 2), &[Use::plain(z), Use::plain(x)], &[ty])];
        check_on(&p, "Parts(", |i| (i * 7919 % 1000) as f32 * 0.01 + 1.0);
    }
}
/// What is folded down the columns is joined row by row, in the order of lanes: with and without folds of the rows, where lanes are missing, in several blocks, and where an element is left to the steps.
#[test]
fn columns_in_strips() {
    use crate::isa::Isa;
    use crate::{Dt, Fold, Op, Ty, Use, View};
    let order = |rows: usize| format!("Parts({rows}), one by one in the order of lanes");
    let fold = |op, first, count| Kind::Reduce { op, first, count };
    // a mean of squares, of so many rows: fewer than lanes, more, and more than a block
    for (n, w, op) in [(40, 33, Fold::Sum), (200, 130, Fold::Max), (4500, 17, Fold::Sum)] {
        let ty = Ty::new(Dt::F32, &[n, w]);
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let y = p.push(map(Op::Mul, 2), &[Use::plain(x), Use::plain(x)], &[ty]);
        p.outs = vec![p.push(fold(op, 0, 1), &[Use::plain(y)], &[Ty::new(Dt::F32, &[w])])];
        check(&p, &order(n));
        for isa in [Isa::Avx512, Isa::Avx2] {
            assert_ne!(rows_are_code(&p, isa), Some(false), "{isa:?}");
        }
    }
    // of the sines of three arrays, of which machine code leaves out some; and of one, together with the rows' sums
    for (a, n, w) in [(3, 70, 48), (1, 170, 48)] {
        let ty = Ty::new(Dt::F32, &[a, n, w]);
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let y = p.push(map(Op::Math(crate::M::Sin), 1), &[Use::plain(x)], std::slice::from_ref(&ty));
        let mut out = p.push(fold(Fold::Sum, 1, 1), &[Use::plain(y)], &[Ty::new(Dt::F32, &[a, w])]);
        if a == 1 {
            let along = p.push(fold(Fold::Sum, 2, 1), &[Use::plain(y)], &[Ty::new(Dt::F32, &[a, n])]);
            let seen = |strides: [i64; 3]| View { strides: strides.into_iter().collect(), ..View::splat(&[a, n, w]) };
            let both = [p.through(out, seen([w as i64, 0, 1])), p.through(along, seen([n as i64, 1, 0]))];
            out = p.push(map(Op::Add, 2), &both, &[ty])
        }
        p.outs = vec![out];
        check_on(&p, &order(a * n), |i| if i % 1234 == 7 { 1e30 } else { (i % 977) as f32 * 0.01 });
        for isa in [Isa::Avx512, Isa::Avx2] {
            assert_ne!(rows_are_code(&p, isa), Some(false), "{isa:?}");
        }
    }
}
/// Rows that are too long for a straight line have loops: whole turns, turns and what is left over, rows with an element that is left to the steps, two folds in one loop, and values between loops.
#[test]
fn rows_in_loops() {
    use crate::isa::Isa;
    use crate::{Dt, Fold, Op, Ty, Use, View};
    for (rows, n) in [(7, 1025), (5, 2048), (6, 2100), (3, 4096)] {
        let (ty, one) = (Ty::new(Dt::F32, &[rows, n]), Ty::new(Dt::F32, &[rows]));
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let fold = |op| Kind::Reduce { op, first: 1, count: 1 };
        let all = std::slice::from_ref(&ty);
        let seen = |p: &mut Program, v| {
            p.through(v, View { strides: [1, 0].into_iter().collect(), ..View::splat(&[rows, n]) })
        };
        let most = p.push(fold(Fold::Max), &[Use::plain(x)], std::slice::from_ref(&one));
        let least = p.push(fold(Fold::Min), &[Use::plain(x)], std::slice::from_ref(&one));
        let (most, least) = (seen(&mut p, most), seen(&mut p, least));
        let y = p.push(map(Op::Sub, 2), &[Use::plain(x), most], all);
        let wave = p.push(map(Op::Math(crate::M::Sin), 1), &[Use::plain(y)], all);
        let sum = p.push(fold(Fold::Sum), &[Use::plain(wave)], std::slice::from_ref(&one));
        let sum = seen(&mut p, sum);
        let z = p.push(map(Op::Div, 2), &[Use::plain(wave), sum], all);
        p.outs = vec![p.push(map(Op::Max, 2), &[Use::plain(z), least], all)];
        check_on(&p, "Parts(", |i| if i == 3 * n / 2 { 1e30 } else { (i * 7919 % 1000) as f32 * 0.01 });
        for isa in [Isa::Avx512, Isa::Avx2] {
            assert_ne!(rows_are_code(&p, isa), Some(false), "{isa:?}");
        }
    }
}
/// Maps write the pieces of a concatenation where they belong, row by row.
#[test]
fn pieces_of_rows() {
    use crate::{Dt, Op, Ty, Use};
    for (rows, n) in [(3, 128), (40, 200)] {
        let ty = Ty::new(Dt::F32, &[rows, n]);
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let twice = p.push(map(Op::Add, 2), &[Use::plain(x), Use::plain(x)], std::slice::from_ref(&ty));
        let square = p.push(map(Op::Mul, 2), &[Use::plain(x), Use::plain(x)], std::slice::from_ref(&ty));
        let both = [twice, square, x].map(Use::plain);
        p.outs = vec![p.push(Kind::Concat { dim: 1 }, &both, &[Ty::new(Dt::F32, &[rows, 3 * n])])];
        check_on(&p, &format!("1 pieces in {rows} rows"), |i| i as f32);
    }
}
/// An array with a known value around it is a view, which maps read as it lies.
#[test]
fn padded_arrays() {
    use crate::{Body, Dt, Guard, Op, Ty, Use, View};
    for (lo, around) in [(0, 0.0), (3, 1.5), (-2, 0.0)] {
        let (rows, n) = (9, 300);
        let ty = Ty::new(Dt::F32, &[rows, n]);
        let mut p = Program::default();
        let x = p.arg(Ty::new(Dt::F32, &[rows, 290]));
        let guards = [Guard { dim: 1, lo, hi: lo + 290, step: 1 }].into_iter().collect();
        let view = View { guards, strides: [290, 1].into_iter().collect(), ..View::splat(&ty.dims) };
        let holds = View { guards: view.guards.clone(), ..View::splat(&ty.dims) };
        let (yes, around) = (p.constant(Dt::Bool, [1, 0]), p.constant(Dt::F32, [(around as f32).to_bits().into(), 0]));
        let around = p.through(around, View::splat(&ty.dims));
        let (holds, inside) = (p.view(yes, holds), p.view(x, view));
        let mut body = Body::default();
        let [q, y, z] = [body.input(0, Dt::Bool), body.input(1, Dt::F32), body.input(2, Dt::F32)];
        let y = body.select(Dt::F32, q, y, z);
        body.outs.push(y);
        let uses = [Use::plain(holds), Use::plain(inside), around];
        let padded = p.push(Kind::Map(body.into()), &uses, std::slice::from_ref(&ty));
        p.outs = vec![p.push(map(Op::Mul, 2), &[Use::plain(padded), Use::plain(padded)], &[ty])];
        check_on(&p, "1 kernels on 2700 elements", |i| i as f32);
    }
}
/// Two ends that change places are read where they lie.
#[test]
fn rotations() {
    use crate::{Dt, Op, Ty, Use, View};
    for (dims, dim, by) in [([9, 300], 1, 1), ([9, 300], 1, 299), ([40, 200], 0, 3), ([1, 9000], 1, 4000)] {
        let ty = Ty::new(Dt::F32, &dims);
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let ends = [(dims[dim] - by, by), (0, dims[dim] - by)].map(|(first, count)| {
            let mut end = View::identity(&dims);
            end.offset = first as i64 * end.strides[dim];
            end.dims[dim] = count;
            Use::plain(p.view(x, end))
        });
        let turned = p.push(Kind::Concat { dim: dim as u32 }, &ends, std::slice::from_ref(&ty));
        p.outs = vec![p.push(map(Op::Sub, 2), &[Use::plain(x), Use::plain(turned)], std::slice::from_ref(&ty))];
        check_on(&p, &format!("1 groups; bytes: arguments {0}, outputs {0}", ty.bytes()), |i| (i * i % 97) as f32);
    }
}
/// Coordinates of points, each computed from all of them: one map, whose results come between each other.
#[test]
fn pieces_of_points() {
    use crate::{Dt, Op, Ty, Use, View};
    let n = 1000;
    let (ty, one) = (Ty::new(Dt::F32, &[n, 3]), Ty::new(Dt::F32, &[n, 1]));
    let mut p = Program::default();
    let x = p.arg(ty.clone());
    let of = |p: &mut Program, k: i64| {
        let view = View { offset: k, strides: [3, 1].into_iter().collect(), ..View::splat(&one.dims) };
        p.through(x, view)
    };
    let pieces = [0, 1, 2].map(|k| {
        let uses = [of(&mut p, k), of(&mut p, (k + 1) % 3)];
        Use::plain(p.push(map(Op::Mul, 2), &uses, std::slice::from_ref(&one)))
    });
    p.outs = vec![p.push(Kind::Concat { dim: 1 }, &pieces, &[ty])];
    check_on(&p, "3 kernels on 1000 elements, 512 at a time, 3 columns, 3 through views", |i| (i % 101) as f32);
}
/// Are the rows of a strip machine code, if the instruction set is there?
fn rows_are_code(p: &Program, isa: crate::isa::Isa) -> Option<bool> {
    use super::super::{Sizes, When};
    if !isa.available() {
        return None;
    }
    let machine = When::Always;
    let options =
        Options { isa, machine, strips: Sizes { least: 1, strip: 4000, ..Sizes::default() }, ..Options::default() };
    let inspected = Inspected::compile_with(p, options).expect("a valid program");
    let all = (0..inspected.report().groups.len()).flat_map(|g| inspected.assembly(g));
    Some(all.into_iter().any(|a| a.step.contains("as machine code for each") && a.code.is_ok()))
}
/// A map of one operation.
fn map(op: crate::Op, n: u32) -> Kind {
    let mut body = crate::Body::default();
    let ins: Vec<u32> = (0..n).map(|k| body.input(k, crate::Dt::F32)).collect();
    let y = body.push(op, crate::Dt::F32, ins[0], *ins.get(1).unwrap_or(&0), 0);
    body.outs.push(y);
    Kind::Map(body.into())
}
/// Runs a program of one argument and one result in small strips, and compares the result with the reference.
fn check(p: &Program, strips: &str) {
    check_on(p, strips, |i| (i * 7919 % 1000) as f32 * 0.01)
}
/// The same, with these elements.
fn check_on(p: &Program, strips: &str, x: impl Fn(usize) -> f32) {
    use super::super::{Sizes, When};
    let bytes: Vec<u8> = (0..p.args[0].len()).flat_map(|i| x(i).to_le_bytes()).collect();
    let want = crate::reference::evaluate(p, std::slice::from_ref(&bytes)).expect("a valid program");
    for isa in crate::isa::Isa::ALL.into_iter().filter(|i| i.available()) {
        for machine in [When::Always, When::Never] {
            let options = Options {
                isa,
                machine,
                strips: Sizes { least: 1, strip: 4000, ..Sizes::default() },
                ..Options::default()
            };
            let inspected = Inspected::compile_with(p, options).unwrap();
            let text = inspected.report().text();
            assert!(text.contains(strips), "{text}");
            // a distance that is as large as a label's address is no label
            let codes =
                (0..inspected.report().groups.len()).flat_map(|g| inspected.assembly(g)).filter_map(|a| a.code.ok());
            codes.for_each(|code| assert!(!code.contains("+l"), "{code}"));
            let held = held(p, std::slice::from_ref(&bytes));
            let outs = inspected.run(&operands(p, std::slice::from_ref(&bytes), &held)).0;
            let got = match &outs[0] {
                Output::Buffer(b) => b.as_bytes().to_vec(),
                Output::Bits(b) => b.to_le_bytes()[..4].to_vec(),
                Output::Arg(_) => panic!("something is computed"),
            };
            assert_eq!(got, want[0], "{isa:?} {machine:?}");
        }
    }
}

#[test]
fn as_text() {
    use crate::{Dt, Fold, Op, Ty, Use, View};
    let mut p = Program::default();
    let x = p.arg(Ty::new(Dt::F32, &[64, 100]));
    let m = p.push(Kind::Reduce { op: Fold::Max, first: 1, count: 1 }, &[Use::plain(x)], &[Ty::new(Dt::F32, &[64])]);
    let wide = View { strides: [1, 0].into_iter().collect(), ..View::identity(&[64, 100]) };
    let b = p.through(m, wide);
    let ty = Ty::new(Dt::F32, &[64, 100]);
    let d = p.push(map(Op::Sub, 2), &[Use::plain(x), b], std::slice::from_ref(&ty));
    let e = p.push(map(Op::Math(crate::M::Exp), 1), &[Use::plain(d)], &[ty]);
    p.outs = vec![e];
    let options = Options { isa: crate::isa::Isa::Portable, ..Options::default() };
    let text = Inspected::compile_with(&p, options).expect("a valid program").report().text();
    let want = "\
2 groups; bytes: arguments 25600, outputs 25600, aliased 0, temporary 4480, peak 55680
0 reduce: %0 -> %1
    6336 flops, 0 transcendentals, 25600 bytes read, 256 written, 4480 in use
    %1: f32[64] = reduce max dims=1..2 %0
    | slot 0: 256 bytes
    | 64 folds of 100 slices of 1 elements from arg 0 to slot 0
1 map: %0 %1 -> %3
    6400 flops, 6400 transcendentals, 25856 bytes read, 25600 written, 30080 in use
    %2: f32[64,100] = map (%0, %1[i,0j]) { sub a b }
    %3: f32[64,100] = map (%2) { exp a }
    | slot 1: 25600 bytes
    | 2 kernels on 6400 elements, 512 at a time, 2 columns, 1 through views
    | free slot 0
";
    assert_eq!(text, want);
}

/// An array of one element and that element as a scalar are both results: the scalar is read after the array was given away, or before.
#[test]
fn one_element_as_an_array_and_as_a_scalar() {
    use crate::{Dt, Fold, Ty, Use, View};
    for first in [false, true] {
        let mut p = Program::default();
        let x = p.arg(Ty::new(Dt::F32, &[1]));
        let y = p.push(map(crate::Op::Neg, 1), &[Use::plain(x)], &[Ty::new(Dt::F32, &[1])]);
        let seen = p.view(y, View::identity(&[]));
        let fold = Kind::Reduce { op: Fold::Sum, first: 0, count: 1 };
        let sum = p.push(fold, &[Use::plain(y)], &[Ty::new(Dt::F32, &[])]);
        p.outs = if first { vec![seen, y, sum] } else { vec![y, seen, sum, y] };
        let args = [3f32.to_le_bytes().to_vec()];
        let want = crate::reference::evaluate(&p, &args).expect("a valid program");
        let e = Executable::compile_with(&p, Options::default()).expect("a valid program");
        for (got, want) in fuzz::run(&e, &p, &args).iter().zip(&want) {
            assert_eq!(got, want)
        }
    }
}
