//! Executables against results worked out by hand or by plain loops.

use cotangent_cpu::*;

fn f32s(o: &Output) -> Vec<f32> {
    match o {
        Output::Buffer(b) => b.as_slice::<f32>().to_vec(),
        Output::Bits(b) => vec![f32::from_bits(*b as u32)],
        Output::Arg(i) => panic!("argument {i}"),
    }
}
fn ramp(n: usize) -> Buffer {
    Buffer::from_slice(&(0..n).map(|i| i as f32 * 0.37 - 3.0).collect::<Vec<_>>())
}

fn add_body() -> Body {
    let mut b = Body::default();
    let (x, y) = (b.input(0, Dt::F32), b.input(1, Dt::F32));
    let z = b.bin(Op::Add, Dt::F32, x, y);
    b.outs.push(z);
    b
}

#[test]
fn adds_arrays_and_scalars() {
    for n in [0, 1, 7, 512, 513, 5000] {
        let ty = Ty::new(Dt::F32, &[n]);
        let mut p = Program::default();
        let (x, y, s) = (p.arg(ty.clone()), p.arg(ty.clone()), p.arg(Ty::new(Dt::F32, &[])));
        let splat = p.through(s, View::splat(&[n]));
        let z = p.push(Kind::Map(add_body().into()), &[Use::plain(x), splat], std::slice::from_ref(&ty));
        let w = p.push(Kind::Map(add_body().into()), &[Use::plain(z), Use::plain(y)], &[ty]);
        p.outs = vec![w, z, x];
        let e = Executable::compile(&p).unwrap();
        let (a, b) = (ramp(n), ramp(n));
        let r = e.run(&[Operand::Buffer(&a), Operand::Buffer(&b), Operand::Bits(2.5f32.to_bits() as u64)]);
        for i in 0..n {
            let x = a.as_slice::<f32>()[i];
            assert_eq!(f32s(&r[1])[i], x + 2.5);
            assert_eq!(f32s(&r[0])[i], x + 2.5 + x);
        }
        assert!(matches!(r[2], Output::Arg(0)));
    }
}

/// What a caller gives away is where the result lies, if there is no other reader; it is copied nowhere.
#[test]
fn memory_that_is_given_away_is_used() {
    let n = 100_000;
    let ty = Ty::new(Dt::F32, &[n]);
    let mut p = Program::default();
    let (x, y) = (p.arg(ty.clone()), p.arg(ty.clone()));
    let z = p.push(Kind::Map(add_body().into()), &[Use::plain(x), Use::plain(y)], std::slice::from_ref(&ty));
    p.outs = vec![z, y];
    let e = Executable::compile(&p).unwrap();
    // the second one is a result itself
    assert_eq!(e.wants(), [0]);
    let y = ramp(n);
    let plain = e.run(&[Operand::Buffer(&ramp(n)), Operand::Buffer(&y)]);
    let mut given = [ramp(n)];
    let at = given[0].as_bytes().as_ptr();
    let r = e.run_giving(&[Operand::Given(0), Operand::Buffer(&y)], &mut given);
    assert!(given[0].is_empty());
    assert_eq!(f32s(&r[0]), f32s(&plain[0]));
    assert!(matches!(&r[0], Output::Buffer(b) if b.as_bytes().as_ptr() == at));
    assert!(matches!(r[1], Output::Arg(1)));
    let wrong = |args: &[Operand], mut given: Vec<Buffer>| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| e.run_giving(args, &mut given))).is_err()
    };
    assert!(wrong(&[Operand::Given(0), Operand::Given(0)], vec![ramp(n)]));
    assert!(wrong(&[Operand::Given(1), Operand::Buffer(&y)], vec![ramp(n)]));
    assert!(wrong(&[Operand::Given(0), Operand::Buffer(&y)], vec![ramp(n - 1)]));
}

/// Pieces of a concatenation are made where they belong.
#[test]
fn pieces_are_made_in_place() {
    let n = 1000;
    let ty = Ty::new(Dt::F32, &[n]);
    let mut p = Program::default();
    let x = p.arg(ty.clone());
    let mut twice =
        |x| p.push(Kind::Map(add_body().into()), &[Use::plain(x), Use::plain(x)], std::slice::from_ref(&ty));
    let (a, b) = (twice(x), twice(x));
    let c = twice(a);
    let all = Ty::new(Dt::F32, &[4 * n]);
    let whole = p.push(Kind::Concat { dim: 0 }, &[a, x, c, b].map(Use::plain), &[all]);
    p.outs = vec![whole];
    let text = report::Inspected::compile(&p).unwrap().report().text();
    assert!(text.contains("1 pieces in 1 rows"), "only the argument is copied:\n{text}");
    let r = f32s(&Executable::compile(&p).unwrap().run(&[Operand::Buffer(&ramp(n))])[0]);
    for (k, by) in [2.0, 1.0, 4.0, 2.0].into_iter().enumerate() {
        assert!((0..n).all(|i| r[k * n + i] == by * (i as f32 * 0.37 - 3.0)), "piece {k}")
    }
}

/// One constant for maps of several lengths, below and above a block, alone and among others.
#[test]
fn adds_a_constant_to_arrays_of_many_lengths() {
    let lengths = [0, 1, 8, 3, 512, 513, 2000];
    let mut p = Program::default();
    let one = p.constant(Dt::F32, [1.0f32.to_bits() as u64, 0]);
    for n in lengths {
        let ty = Ty::new(Dt::F32, &[n]);
        let x = p.arg(ty.clone());
        let splat = p.through(one, View::splat(&[n]));
        let y = p.push(Kind::Map(add_body().into()), &[Use::plain(x), splat], &[ty]);
        p.outs.push(y);
    }
    let all = Executable::compile(&p).unwrap();
    let given = lengths.map(ramp);
    let got = all.run(&given.each_ref().map(Operand::Buffer));
    for (x, y) in given.iter().zip(&got) {
        let want: Vec<f32> = x.as_slice::<f32>().iter().map(|x| x + 1.0).collect();
        assert_eq!(f32s(y), want);
        let ty = Ty::new(Dt::F32, &[want.len()]);
        let mut p = Program::default();
        let (a, one) = (p.arg(ty.clone()), p.constant(Dt::F32, [1.0f32.to_bits() as u64, 0]));
        let splat = p.through(one, View::splat(&[want.len()]));
        let b = p.push(Kind::Map(add_body().into()), &[Use::plain(a), splat], &[ty]);
        p.outs = vec![b];
        assert_eq!(f32s(&Executable::compile(&p).unwrap().run(&[Operand::Buffer(x)])[0]), want);
    }
}

/// The tree of `Reduce`, as it is defined.
fn tree(x: &[f32]) -> f32 {
    let mut blocks: Vec<f32> = x
        .chunks(BLOCK)
        .map(|b| {
            if b.len() <= 8 {
                return b.iter().copied().reduce(|a, x| a + x).expect("a block has elements");
            }
            let mut lane = [-0.0f32; 64];
            for (k, v) in b.iter().enumerate() {
                lane[k % 64] += v;
            }
            let mut h = 32;
            while h > 0 {
                for i in 0..h {
                    lane[i] += lane[i + h];
                }
                h /= 2;
            }
            lane[0]
        })
        .collect();
    while blocks.len() > 1 {
        blocks = blocks.chunks(2).map(|c| if c.len() == 2 { c[0] + c[1] } else { c[0] }).collect();
    }
    blocks.first().copied().unwrap_or(0.0)
}

#[test]
fn sums_every_axis_by_the_tree() {
    for dims in [[3, 5, 4], [1, 300, 1], [2, 9000, 3], [40, 70, 1], [1, 5000, 33], [5, 1, 7], [2, 0, 3], [1, 100, 1500]]
    {
        let x = ramp(dims.iter().product());
        for (first, count) in [(0, 1), (1, 1), (2, 1), (0, 2), (1, 2), (0, 3)] {
            let mut p = Program::default();
            let a = p.arg(Ty::new(Dt::F32, &dims));
            let rest: Vec<usize> =
                dims.iter().enumerate().filter(|(d, _)| *d < first || *d >= first + count).map(|d| *d.1).collect();
            let kind = Kind::Reduce { op: Fold::Sum, first: first as u32, count: count as u32 };
            let s = p.push(kind, &[Use::plain(a)], &[Ty::new(Dt::F32, &rest)]);
            p.outs = vec![s];
            let r = Executable::compile(&p).unwrap().run(&[Operand::Buffer(&x)]);
            let n: usize = dims[first..first + count].iter().product();
            let inner: usize = dims[first + count..].iter().product();
            let outer: usize = dims[..first].iter().product();
            // a sum of one element is that element
            let got = if let Output::Arg(0) = r[0] { x.as_slice::<f32>().to_vec() } else { f32s(&r[0]) };
            assert_eq!(got.len(), outer * inner);
            for o in 0..outer {
                for i in 0..inner {
                    let line: Vec<f32> = (0..n).map(|k| x.as_slice::<f32>()[(o * n + k) * inner + i]).collect();
                    assert_eq!(got[o * inner + i].to_bits(), tree(&line).to_bits(), "{dims:?} {first} {count}");
                }
            }
        }
    }
}

fn panic_of(f: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let e = std::panic::catch_unwind(f).expect_err("this must panic");
    e.downcast_ref::<String>().cloned().or_else(|| e.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default()
}

#[test]
fn operands_that_do_not_fit_are_refused() {
    let ty = Ty::new(Dt::F32, &[4]);
    let mut p = Program::default();
    let (x, s) = (p.arg(ty.clone()), p.arg(Ty::new(Dt::F32, &[])));
    let splat = p.through(s, View::splat(&[4]));
    let z = p.push(Kind::Map(add_body().into()), &[Use::plain(x), splat], &[ty]);
    p.outs = vec![z];
    let e = Executable::compile(&p).unwrap();
    let (four, five) = (ramp(4), ramp(5));
    let bits = Operand::Bits(0);
    let run = |args: &[Operand]| panic_of(std::panic::AssertUnwindSafe(|| drop(e.run(args))));
    assert_eq!(run(&[]), "0 operands for a program of 2 arguments");
    assert_eq!(run(&[bits, bits]), "operand 0 is bits, but argument 0 is a buffer of 16 bytes");
    assert_eq!(
        run(&[Operand::Buffer(&four), Operand::Buffer(&four)]),
        "operand 1 is a buffer of 16 bytes, but argument 1 travels as bits"
    );
    assert_eq!(run(&[Operand::Buffer(&five), bits]), "operand 0 is a buffer of 20 bytes, but argument 0 has 16");
    assert_eq!(f32s(&e.run(&[Operand::Buffer(&four), bits])[0]), four.as_slice::<f32>());
}

#[test]
fn a_wrong_program_is_an_error() {
    let mut p = Program::default();
    p.arg(Ty::new(Dt::F32, &[4]));
    p.outs = vec![7];
    assert!(Executable::compile(&p).err().unwrap().contains("result 0 is %7"));
}

#[test]
fn any_byte_but_zero_is_true() {
    let ty = Ty::new(Dt::Bool, &[4]);
    let mut p = Program::default();
    let (x, s) = (p.arg(ty.clone()), p.arg(Ty::new(Dt::Bool, &[])));
    let mut b = Body::default();
    let v = b.input(0, Dt::Bool);
    let n = b.un(Op::Not, Dt::Bool, v);
    b.outs.push(n);
    let body: std::sync::Arc<Body> = b.into();
    let not = p.push(Kind::Map(body.clone()), &[Use::plain(x)], &[ty]);
    let not_s = p.push(Kind::Map(body), &[Use::plain(s)], &[Ty::new(Dt::Bool, &[])]);
    let any = p.push(Kind::Reduce { op: Fold::Or, first: 0, count: 1 }, &[Use::plain(x)], &[Ty::new(Dt::Bool, &[])]);
    // Also behind what only moves bytes.
    let twice = p.push(Kind::Concat { dim: 0 }, &[Use::plain(x), Use::plain(x)], &[Ty::new(Dt::Bool, &[8])]);
    let rest = p.through(twice, View { offset: 1, ..View::identity(&[3]) });
    let all = p.push(Kind::Reduce { op: Fold::And, first: 0, count: 1 }, &[rest], &[Ty::new(Dt::Bool, &[])]);
    p.outs = vec![not, not_s, any, twice, all];
    let e = Executable::compile(&p).unwrap();
    let r = e.run(&[Operand::Buffer(&Buffer::from_bytes(&[0, 1, 2, 255])), Operand::Bits(0x300)]);
    assert!(matches!(&r[3], Output::Buffer(b) if b.as_bytes() == [0, 1, 1, 1, 0, 1, 1, 1]));
    assert!(matches!(&r[4], Output::Bits(1)));
    assert!(matches!(&r[0], Output::Buffer(b) if b.as_bytes() == [1, 0, 0, 0]));
    assert!(matches!((&r[1], &r[2]), (Output::Bits(1), Output::Bits(1))));
}

/// Around the ends of groups and blocks, in lines, columns and rows, on every level.
#[test]
fn prefixes_are_those_of_the_reference() {
    let lengths = [0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 1000, 1023, 1024, 1025, 1039, 1040, 1041, 2047, 2049, 3100];
    let floats = [Dt::F32, Dt::F64];
    let types = [[Dt::I8, Dt::U8], [Dt::I16, Dt::U16], [Dt::I32, Dt::U32], [Dt::I64, Dt::U64], floats];
    let folds = [Fold::Sum, Fold::Prod, Fold::Max, Fold::Min];
    for (n, dt) in lengths.into_iter().flat_map(|n| types.as_flattened().iter().map(move |dt| (n, *dt))) {
        for (dims, op) in [[n, 1], [n, 3], [3, n]].into_iter().flat_map(|d| folds.map(|op| (d, op))) {
            let ty = Ty::new(dt, &dims);
            let mut p = Program::default();
            let x = p.arg(ty.clone());
            let dim = (dims[0] == 3 && n != 3) as u32;
            for reverse in [false, true] {
                let kind = Kind::Prefix { op, dim, reverse };
                let y = p.push(kind, &[Use::plain(x)], std::slice::from_ref(&ty));
                p.outs.push(y)
            }
            // near one, so that products stay numbers; extremes see zeros of both signs, subnormal numbers, and what is no number
            let near = |i: usize| 1.0 + ((i * i) as f64 * 0.37).sin() * 0.1;
            let word = |i: usize| match (op, i % 701) {
                (Fold::Sum | Fold::Prod, _) => near(i),
                (_, 0..9) => 0.0,
                (_, 9..15) => -0.0,
                (_, 15..18) => {
                    if dt == Dt::F32 {
                        1e-40
                    } else {
                        1e-310
                    }
                }
                (_, 690) => f64::INFINITY,
                (_, 691) => f64::NEG_INFINITY,
                (_, 700) => f64::NAN,
                _ => (near(i) - 1.0) * i as f64,
            };
            let bytes = |i: usize| match dt {
                Dt::F32 => (word(i) as f32).to_le_bytes().to_vec(),
                Dt::F64 => word(i).to_le_bytes().to_vec(),
                // small types see all of their bits
                _ if dt.size() == 8 => ((word(i) * 1e15) as i64).wrapping_mul(7).to_le_bytes().to_vec(),
                _ if dt.size() == 4 => ((word(i) * 1e7) as i32).wrapping_mul(7).to_le_bytes().to_vec(),
                _ => ((word(i) * 50.0) as i32).wrapping_mul(7).to_le_bytes()[..dt.size()].to_vec(),
            };
            let args: [Vec<u8>; 1] = [(0..ty.len()).flat_map(bytes).collect()];
            let want = reference::evaluate(&p, &args).expect("a valid program");
            for isa in isa::Isa::ALL.into_iter().filter(|i| i.available()) {
                let e = Executable::compile_with(&p, exec::Options { isa, ..Default::default() }).unwrap();
                let got = fuzz::run(&e, &p, &args);
                assert!(got == want, "{op:?} of {dt}, {dims:?}, {isa:?}");
            }
        }
    }
}

#[test]
fn one_executable_runs_in_many_threads() {
    let ty = Ty::new(Dt::F32, &[300]);
    let mut p = Program::default();
    let x = p.arg(ty.clone());
    let y = p.push(Kind::Map(add_body().into()), &[Use::plain(x), Use::plain(x)], std::slice::from_ref(&ty));
    let s = p.push(Kind::Prefix { op: Fold::Sum, dim: 0, reverse: true }, &[Use::plain(y)], &[ty]);
    let t = p.push(Kind::Reduce { op: Fold::Sum, first: 0, count: 1 }, &[Use::plain(s)], &[Ty::new(Dt::F32, &[])]);
    p.outs = vec![s, t];
    let e = Executable::compile(&p).unwrap();
    let all: Vec<(Vec<f32>, Vec<f32>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let a = ramp(300);
                    let mut last = None;
                    for _ in 0..200 {
                        let r = e.run(&[Operand::Buffer(&a)]);
                        let r = (f32s(&r[0]), f32s(&r[1]));
                        assert!(last.is_none_or(|l| l == r));
                        last = Some(r);
                    }
                    last.unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(all.iter().all(|r| *r == all[0]));
    let want: f32 = ramp(300).as_slice::<f32>().iter().enumerate().map(|(i, x)| 2.0 * x * (i + 1) as f32).sum();
    assert!((all[0].1[0] / want - 1.0).abs() < 1e-4);
}

#[test]
fn results_of_another_thread_may_be_dropped_here() {
    let ty = Ty::new(Dt::F32, &[1000]);
    let mut p = Program::default();
    let x = p.arg(ty.clone());
    let y = p.push(Kind::Map(add_body().into()), &[Use::plain(x), Use::plain(x)], &[ty]);
    p.outs = vec![y];
    let e = Executable::compile(&p).unwrap();
    let r: Vec<Outputs> = (0..8)
        .map(|_| std::thread::scope(|s| s.spawn(|| e.run(&[Operand::Buffer(&ramp(1000))])).join().unwrap()))
        .collect();
    assert!(r.iter().all(|r| f32s(&r[0]) == f32s(&e.run(&[Operand::Buffer(&ramp(1000))])[0])));
}

/// A million nodes: no recursion, nothing quadratic. Scalars, arrays, arrays with a view between any two, and a sum of everything.
#[test]
fn a_million_nodes() {
    const N: usize = 1_000_000;
    for (dims, turn) in [(&[][..], false), (&[3][..], false), (&[3][..], true)] {
        let ty = Ty::new(Dt::F32, dims);
        let n = if turn { N / 2 } else { N };
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let (body, mut v): (std::sync::Arc<Body>, _) = (add_body().into(), x);
        let mut reverse = View::identity(dims);
        if turn {
            (reverse.offset, reverse.strides[0]) = (2, -1);
        }
        for i in 0..n {
            let before = if turn && i % 2 == 1 { p.view(v, reverse.clone()) } else { v };
            v = p.push(Kind::Map(body.clone()), &[Use::plain(before), Use::plain(x)], std::slice::from_ref(&ty));
        }
        p.outs = vec![v];
        let e = Executable::compile(&p).unwrap();
        let one = Buffer::from_slice(&[1.0f32; 3]);
        let r = match dims {
            [] => e.run(&[Operand::Bits(1.0f32.to_bits() as u64)]),
            _ => e.run(&[Operand::Buffer(&one)]),
        };
        assert!(f32s(&r[0]).iter().all(|x| *x == (n + 1) as f32));
    }
}

#[test]
fn nothing_leaks() {
    // Which thread takes a chunk, and with it memory, depends on who is free.
    pool::set_threads(1);
    let ty = Ty::new(Dt::F32, &[100_000]);
    let mut p = Program::default();
    let x = p.arg(ty.clone());
    let mut v = x;
    for _ in 0..5 {
        let y = p.push(Kind::Map(add_body().into()), &[Use::plain(v), Use::plain(x)], std::slice::from_ref(&ty));
        v = p.push(Kind::Prefix { op: Fold::Max, dim: 0, reverse: false }, &[Use::plain(y)], std::slice::from_ref(&ty));
    }
    p.outs = vec![v, v];
    let e = Executable::compile(&p).unwrap();
    let a = ramp(100_000);
    let run = || drop(e.run(&[Operand::Buffer(&a)]));
    run();
    let held = buffer::held().0;
    for _ in 0..50 {
        run();
    }
    assert_eq!(buffer::held().0, held, "every run must use the memory of the one before");
    // Two results and as many intermediate values as are alive at once, not ten.
    assert!(held <= 4 * 500_000 + 100_000, "{held}");
}

#[test]
fn what_stands_behind_a_fence_is_not_computed_early() {
    const N: usize = 20_000;
    const LAYERS: usize = 12;
    let ty = Ty::new(Dt::F32, &[N]);
    let program = |fences: bool| {
        let mut p = Program::default();
        let map = |p: &mut Program, op, x, y| {
            let mut body = Body::default();
            let [a, b] = [body.input(0, Dt::F32), body.input(1, Dt::F32)];
            let made = body.bin(op, Dt::F32, a, b);
            body.outs.push(made);
            p.push(Kind::Map(body.into()), &[Use::plain(x), Use::plain(y)], std::slice::from_ref(&ty))
        };
        let add = |p: &mut Program, x, y| map(p, Op::Add, x, y);
        let top = |p: &mut Program, x| {
            let kind = Kind::Prefix { op: Fold::Max, dim: 0, reverse: false };
            p.push(kind, &[Use::plain(x)], std::slice::from_ref(&ty))
        };
        let x = p.arg(ty.clone());
        let mut v = vec![x];
        for k in 0..LAYERS {
            let y = top(&mut p, v[k]);
            v.push(add(&mut p, v[k], y));
        }
        let mut back = x;
        for k in (1..=LAYERS).rev() {
            if fences {
                p.fence();
                p.fence();
            }
            // what could be merged with the map that makes the layer, and costs too much to be computed again
            let again = map(&mut p, Op::Div, v[k], v[k]);
            let sum = add(&mut p, v[k], back);
            let sum = add(&mut p, again, sum);
            back = top(&mut p, sum);
        }
        p.outs = vec![back];
        p
    };
    let a = ramp(N);
    let run = |p: &Program| {
        let e = Executable::compile(p).unwrap();
        std::thread::scope(|s| {
            let measured = s.spawn(|| {
                let r = f32s(&e.run(&[Operand::Buffer(&a)])[0]);
                (r, buffer::held().0)
            });
            measured.join().unwrap()
        })
    };
    let (with, without) = (program(true), program(false));
    assert_eq!(with.fences.len(), LAYERS, "two fences in one place are one");
    assert_eq!(with.to_string().matches("  fence\n").count(), LAYERS);
    let ((fenced, least), (merged, most)) = (run(&with), run(&without));
    assert_eq!(fenced, merged);
    // with fences there are the layers and three more; without, twice as many
    assert!(least <= (LAYERS + 4) * 5 * N, "{least}");
    assert!(most >= (2 * LAYERS - 2) * 4 * N, "{most}");
    let wrong = Program { fences: vec![3, 2], ..with };
    assert!(wrong.check().unwrap_err().contains("fences"));
}
