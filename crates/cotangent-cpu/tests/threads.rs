//! Results do not depend on how many threads share the work.

use cotangent_cpu::exec::{Options, When};
use cotangent_cpu::*;

/// Rows of an array by themselves, by a column, by a row and turned around, and by their index: a few operations in one group.
fn program(rows: usize, cols: usize) -> Program {
    let ty = Ty::new(Dt::F32, &[rows, cols]);
    let mut p = Program::default();
    let x = p.arg(ty.clone());
    let row = p.arg(Ty::new(Dt::F32, &[cols]));
    let column = p.arg(Ty::new(Dt::F32, &[rows]));
    let one = p.arg(Ty::new(Dt::F32, &[]));
    let n = cols as i64;
    let view = |offset: i64, strides: [i64; 2]| View {
        dims: Dims::from_slice(&[rows, cols]),
        offset,
        strides: strides.into_iter().collect(),
        guards: Default::default(),
        fill: [0; 2],
    };
    let uses = [
        Use::plain(x),
        p.through(row, view(0, [0, 1])),
        p.through(column, view(0, [1, 0])),
        p.through(one, view(0, [0, 0])),
        p.through(x, view(rows as i64 * n - 1, [-n, -1])),
    ];
    let mut b = Body::default();
    let ins: Vec<u32> = (0..5).map(|k| b.input(k, Dt::F32)).collect();
    let i = b.index(1, Dt::I32);
    let i = b.un(Op::Cast, Dt::F32, i);
    let mut y = b.un(Op::Math(M::Sin), Dt::F32, ins[0]);
    for k in &ins[1..] {
        let z = b.bin(Op::Mul, Dt::F32, y, *k);
        y = b.bin(Op::Add, Dt::F32, z, i)
    }
    let z = b.bin(Op::Div, Dt::F32, y, ins[0]);
    b.outs.extend([y, z]);
    let v = p.push(Kind::Map(b.into()), &uses, &[ty.clone(), ty]);
    p.outs = vec![v, v + 1];
    p
}

#[test]
fn maps_are_the_same_on_any_number_of_threads() {
    // the second has rows that are no multiple of anything, and some sines of huge numbers
    for (rows, cols) in [(300, 1024), (4000, 7), (1, 200_000), (70_000, 3)] {
        let p = program(rows, cols);
        let number = |k: usize| if k % 1013 == 5 { 3e9 } else { (k % 997) as f32 / 77.0 - 5.0 };
        let array = |n: usize, at: usize| {
            let bytes: Vec<u8> = (0..n).flat_map(|k| number(k + at).to_le_bytes()).collect();
            Buffer::from_bytes(&bytes)
        };
        let (x, row, column) = (array(rows * cols, 0), array(cols, 1), array(rows, 2));
        let args = [
            Operand::Buffer(&x),
            Operand::Buffer(&row),
            Operand::Buffer(&column),
            Operand::Bits(1.5f32.to_bits() as u64),
        ];
        for machine in [When::Always, When::Never] {
            let e = Executable::compile_with(&p, Options { machine, ..Options::default() }).unwrap();
            let run = || -> Vec<Vec<u8>> {
                let bytes = |o: Output| match o {
                    Output::Buffer(b) => b.as_bytes().to_vec(),
                    _ => unreachable!("results are arrays"),
                };
                e.run(&args).into_iter().map(bytes).collect()
            };
            pool::set_threads(1);
            let want = run();
            for threads in [2, 3, 7] {
                pool::set_threads(threads);
                assert!(run() == want, "{rows} x {cols}, {machine:?}, {threads} threads")
            }
        }
    }
}

/// Folds, choices and sums of the chosen, of windows that overlap along the first dimension or do not.
#[test]
fn windows_are_the_same_on_any_number_of_threads() {
    let dims = [23usize, 40, 40, 24];
    let numbers = |n: usize, by: usize| -> Vec<u8> {
        (0..n).flat_map(|k| (((k * by) % 1009) as f32 / 9.0 - 50.0).to_le_bytes()).collect()
    };
    for (size, stride) in [(1, 1), (3, 1), (2, 2), (3, 5)] {
        let slide = |size, stride| Slide { size, stride, dilation: 1, base: 1, lo: 0 };
        let slides = [slide(size, stride), slide(2, 2), slide(3, 2), Slide::UNIT];
        let windows: Vec<usize> = slides.iter().zip(&dims).map(|(s, n)| (n - s.size) / s.stride + 1).collect();
        let (all, few) = (Ty::new(Dt::F32, &dims), Ty::new(Dt::F32, &windows));
        let mut p = Program::default();
        let (x, y, z) = (p.arg(all.clone()), p.arg(all.clone()), p.arg(few.clone()));
        let slides = std::sync::Arc::new(slides.to_vec().into());
        let uses = [Use::plain(x), Use::plain(y)];
        let fold = Kind::Window { op: Fold::Sum, slides: std::sync::Arc::clone(&slides) };
        let fold = p.push(fold, &uses[..1], std::slice::from_ref(&few));
        let pick = Kind::WindowPick { max: true, slides: std::sync::Arc::clone(&slides) };
        let pick = p.push(pick, &uses, std::slice::from_ref(&few));
        let put = p.push(Kind::WindowPut { max: false, slides }, &[Use::plain(z), uses[1]], std::slice::from_ref(&all));
        p.outs = vec![fold, pick, put];
        let e = Executable::compile(&p).unwrap();
        let args = [numbers(all.len(), 7), numbers(all.len(), 31), numbers(few.len(), 5)];
        let buffers = args.each_ref().map(|a| Buffer::from_bytes(a));
        let operands = buffers.each_ref().map(Operand::Buffer);
        let want = reference::evaluate(&p, &args).unwrap();
        for threads in [1, 2, 3, 7] {
            pool::set_threads(threads);
            for (k, (got, want)) in e.run(&operands).into_iter().zip(&want).enumerate() {
                let Output::Buffer(got) = got else { unreachable!("results are arrays") };
                assert!(got.as_bytes() == want, "windows of {size} by {stride}, result {k}, {threads} threads")
            }
        }
    }
}

/// Sums down the columns and along the rows of what is computed: threads take parts of the columns' trees. Of three arrays with a block, and one with several.
#[test]
fn columns_are_the_same_on_any_number_of_threads() {
    for (a, n, w) in [(3, 300, 256), (1, 5000, 272)] {
        let (all, columns, rows) = (Ty::new(Dt::F32, &[a, n, w]), Ty::new(Dt::F32, &[a, w]), Ty::new(Dt::F32, &[a, n]));
        let mut p = Program::default();
        let x = p.arg(all.clone());
        let mut b = Body::default();
        let y = b.input(0, Dt::F32);
        let y = b.un(Op::Math(M::Sin), Dt::F32, y);
        b.outs.push(y);
        let y = p.push(Kind::Map(b.into()), &[Use::plain(x)], &[all]);
        let fold = |first| Kind::Reduce { op: Fold::Sum, first, count: 1 };
        let down = p.push(fold(1), &[Use::plain(y)], &[columns]);
        p.outs = vec![down, p.push(fold(2), &[Use::plain(y)], &[rows])];
        let number = |k: usize| if k % 10_007 == 5 { 3e9 } else { (k % 997) as f32 / 77.0 - 5.0 };
        let bytes: Vec<u8> = (0..a * n * w).flat_map(|k| number(k).to_le_bytes()).collect();
        let want = reference::evaluate(&p, std::slice::from_ref(&bytes)).unwrap();
        let x = Buffer::from_bytes(&bytes);
        for machine in [When::Always, When::Never] {
            let e = Executable::compile_with(&p, Options { machine, ..Options::default() }).unwrap();
            for threads in [1, 2, 3, 7] {
                pool::set_threads(threads);
                for (got, want) in e.run(&[Operand::Buffer(&x)]).into_iter().zip(&want) {
                    let Output::Buffer(got) = got else { unreachable!("results are arrays") };
                    assert!(got.as_bytes() == &want[..], "{a} x {n} x {w}, {machine:?}, {threads} threads")
                }
            }
        }
    }
}
