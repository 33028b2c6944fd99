//! Loops over arrays against the scalar reference, turn by turn, on random programs.

use cotangent_cpu::exec::{Options, When};
use cotangent_cpu::fuzz::Rng;
use cotangent_cpu::isa::Isa;
use cotangent_cpu::reference::evaluate;
use cotangent_cpu::*;

/// The program with its arguments in this order.
fn ordered(p: &Program, order: &[usize]) -> Program {
    let mut p = p.clone();
    p.args = order.iter().map(|i| p.args[*i].clone()).collect();
    for node in &mut p.nodes {
        if let Kind::Arg(i) = &mut node.kind {
            *i = order.iter().position(|o| *o == *i as usize).unwrap() as u32
        }
    }
    p
}
fn bits(ty: &Ty) -> bool {
    ty.dims.is_empty() && ty.bytes() <= 8
}
fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |w, b| w << 8 | *b as u64)
}

#[test]
fn turns_are_those_of_the_reference() {
    let (mut arrays, mut turned) = (0, 0);
    for seed in 0..4000 {
        let mut r = Rng(seed);
        let (p, args) = fuzz::case_within(seed, [10, 70, 700][seed as usize % 3]);
        // each argument is a constant, carried, or has a row for each turn
        let mut roles: [Vec<usize>; 3] = Default::default();
        (0..args.len()).for_each(|i| roles[r.below(3)].push(i));
        let [consts, carried, rows] = &roles;
        let mut p = ordered(&p, &roles.concat());
        let of_type = |p: &Program, ty: &Ty| (0..p.vals.len() as u32).filter(|v| p.ty(*v) == ty).collect::<Vec<_>>();
        let mut outs = vec![];
        for k in consts.len()..consts.len() + carried.len() {
            let all = of_type(&p, &p.args[k].clone());
            // most often something that is computed
            let late = all.len() - 1 - r.below(all.len().min(3));
            outs.push(all[late])
        }
        let read = p.readers();
        let some: Vec<ValId> = (0..p.vals.len() as u32).filter(|v| read[*v as usize] > 0).collect();
        outs.extend((0..r.below(3)).map(|_| some[r.below(some.len())]));
        p.outs = outs;
        let isa = Isa::ALL[r.below(3)];
        let isa = if isa.available() { isa } else { Isa::Portable };
        let (machine, fuse) = ([When::Pays, When::Always, When::Never][r.below(3)], r.below(4) > 0);
        let in_place = [1, 1 << 18][r.below(2)];
        let owned = if r.below(2) == 0 { (consts.len(), consts.len() + carried.len()) } else { (0, 0) };
        let Ok(body) =
            Executable::compile_with(&p, Options { isa, machine, fuse, in_place, owned, ..Options::default() })
        else {
            panic!("seed {seed}\n{p}")
        };
        let (n, reverse) = (r.below(5), r.below(2) == 0);
        let row = |i: usize, turn: usize, ty: &Ty| {
            let mut row = args[i].clone();
            let by = turn * ty.dt.size() % row.len().max(1);
            row.rotate_left(by);
            row
        };
        let held: Vec<Buffer> = args.iter().map(|a| Buffer::from_bytes(a)).collect();
        let types: Vec<&Ty> = p.args.iter().collect();
        let operand = |i: usize, ty: &Ty| match bits(ty) {
            true => Operand::Bits(word(&args[i])),
            false => Operand::Buffer(&held[i]),
        };
        let operands = |of: &[usize], first: usize| -> Vec<Operand> {
            of.iter().zip(first..).map(|(i, k)| operand(*i, types[k])).collect()
        };
        let first = consts.len() + carried.len();
        let each: Vec<Vec<Vec<u8>>> =
            rows.iter().zip(first..).map(|(i, k)| (0..n).map(|t| row(*i, t, types[k])).collect()).collect();
        let flat: Vec<Vec<u8>> = each.iter().map(|x| x.concat()).collect();
        let xs: Vec<Rows> = (each.iter().zip(&flat).enumerate())
            .map(|(k, (each, flat))| match k % 2 {
                0 => Rows::Along(flat),
                _ => Rows::Each(each.iter().map(|x| &x[..]).collect()),
            })
            .collect();
        let (c, k) = (operands(consts, 0), operands(carried, consts.len()));
        let arrays_loop =
            ArrayLoop { cond: None, body: &body, consts: &c, carry: &k, length: Some(n), reverse, xs: &xs };
        let Some(Turned { carry, turns, ys }) = arrays_loop.run() else {
            assert!(body.is_scalar());
            continue;
        };
        arrays += 1;
        turned += turns;
        assert_eq!(turns, n);
        for (h, a) in held.iter().zip(&args) {
            assert_eq!(h.as_bytes(), a, "seed {seed}: an argument was changed")
        }
        let mut want: Vec<Vec<u8>> = carried.iter().map(|i| args[*i].clone()).collect();
        let first: Vec<Vec<u8>> = want.clone();
        for turn in 0..n {
            let at = if reverse { n - 1 - turn } else { turn };
            let now: Vec<Vec<u8>> =
                consts.iter().map(|i| args[*i].clone()).chain(want).chain(each.iter().map(|x| x[at].clone())).collect();
            let mut outs = evaluate(&p, &now).unwrap();
            for ((y, w), v) in ys.iter().zip(outs.split_off(carried.len())).zip(&p.outs[carried.len()..]) {
                let got = &y.as_bytes()[at * w.len()..(at + 1) * w.len()];
                fuzz::same(p.ty(*v).dt, got, &w).unwrap_or_else(|e| panic!("seed {seed}, turn {turn}: {e}\n{p}"))
            }
            want = outs
        }
        for ((c, w), v) in carry.iter().zip(&want).zip(&p.outs) {
            let got = match c {
                Output::Bits(b) => b.to_le_bytes()[..w.len()].to_vec(),
                Output::Buffer(b) => b.as_bytes().to_vec(),
                Output::Arg(i) => first[*i as usize].clone(),
            };
            fuzz::same(p.ty(*v).dt, &got, w).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{p}"))
        }
    }
    assert!(arrays > 3000 && turned > 5000, "{arrays} {turned}")
}

#[test]
fn a_condition_ends_the_loop() {
    // adds the constant to an array, and one to a number, as long as that is below a limit; and gives each array away
    let (array, number) = (Ty::new(Dt::F32, &[3]), Ty::new(Dt::I32, &[]));
    let map = |p: &mut Program, op: Op, out: Dt, from: Dt, x: [Use; 2], dims: &[usize]| {
        let mut b = Body::default();
        let (i, k) = (b.input(0, from), b.input(1, from));
        let y = b.bin(op, out, i, k);
        b.outs.push(y);
        p.push(Kind::Map(b.into()), &x, &[Ty::new(out, dims)])
    };
    let mut p = Program::default();
    let (step, x, i) = (p.arg(array.clone()), p.arg(array.clone()), p.arg(number.clone()));
    let one = p.constant(Dt::I32, [1, 0]);
    let y = map(&mut p, Op::Add, Dt::F32, Dt::F32, [step, x].map(Use::plain), &[3]);
    let j = map(&mut p, Op::Add, Dt::I32, Dt::I32, [i, one].map(Use::plain), &[]);
    p.outs = vec![y, j, y];
    let body = Executable::compile(&p).unwrap();
    let mut p = Program::default();
    let (limit, _, i) = (p.arg(number.clone()), p.arg(array), p.arg(number));
    p.outs = vec![map(&mut p, Op::Lt, Dt::Bool, Dt::I32, [i, limit].map(Use::plain), &[])];
    let cond = Executable::compile(&p).unwrap();
    for limit in [0, 1, 7, 16, 17, 100] {
        let (step, x) = (Buffer::from_slice(&[1f32, 2.0, 0.5]), Buffer::from_slice(&[0f32, 1.0, 2.0]));
        let turned = ArrayLoop {
            cond: Some((&cond, &[Operand::Bits(limit)])),
            body: &body,
            consts: &[Operand::Buffer(&step)],
            carry: &[Operand::Buffer(&x), Operand::Bits(0)],
            length: None,
            reverse: false,
            xs: &[],
        }
        .run()
        .unwrap();
        assert_eq!(turned.turns, limit as usize);
        assert!(matches!(turned.carry[1], Output::Bits(n) if n == limit));
        let after = |t: usize| [t as f32, 1.0 + 2.0 * t as f32, 2.0 + 0.5 * t as f32];
        match &turned.carry[0] {
            Output::Buffer(b) => assert_eq!(b.as_slice::<f32>(), after(limit as usize)),
            other => assert!(limit == 0 && matches!(other, Output::Arg(0))),
        }
        let rows: Vec<f32> = (1..=limit as usize).flat_map(after).collect();
        assert_eq!(turned.ys[0].as_slice::<f32>(), rows)
    }
}

#[test]
fn products_are_added_to_the_carry() {
    // c + transpose(b a) for a carried c
    let (m, n) = (5, 70);
    for (k, dt) in [(1, Dt::F32), (2, Dt::F32), (33, Dt::F64), (256, Dt::F32), (257, Dt::F32)] {
        let mut p = Program::default();
        let a = p.arg(Ty::new(dt, &[1, m, k]));
        let (c, b) = (p.arg(Ty::new(dt, &[n, m])), p.arg(Ty::new(dt, &[1, k, n])));
        let spec = DotSpec::for_sizes(n, k, dt);
        let product = p.push(Kind::Dot(spec), &[a, b].map(Use::plain), &[Ty::new(dt, &[1, m, n])]);
        let flat = p.view(product, View::identity(&[m, n]));
        let turned = p.view(flat, View { strides: [1, n as i64].into_iter().collect(), ..View::splat(&[n, m]) });
        let mut body = Body::default();
        let (x, y) = (body.input(0, dt), body.input(1, dt));
        let sum = body.bin(Op::Add, dt, x, y);
        body.outs.push(sum);
        let next = p.push(Kind::Map(body.into()), &[c, turned].map(Use::plain), &[Ty::new(dt, &[n, m])]);
        p.outs = vec![next];
        p.check().unwrap();
        let body = Executable::body(&p, 1..2);
        assert_eq!(body.is_some(), (2..=256).contains(&k), "{k}");
        let body = body.unwrap_or_else(|| Executable::compile(&p).unwrap());
        let mut r = Rng(k as u64);
        let mut numbers = |len: usize| -> Vec<u8> {
            let number = |r: &mut Rng| r.below(2001) as f64 / 1000.0 - 1.0;
            let all = (0..len).map(|_| number(&mut r));
            match dt {
                Dt::F32 => all.flat_map(|x| (x as f32).to_le_bytes()).collect(),
                _ => all.flat_map(f64::to_le_bytes).collect(),
            }
        };
        let (a, first) = (numbers(m * k), numbers(n * m));
        let rows: Vec<Vec<u8>> = (0..3).map(|_| numbers(k * n)).collect();
        let mut want = first.clone();
        for row in &rows {
            want = evaluate(&p, &[a.clone(), want, row.clone()]).unwrap().remove(0)
        }
        let [a, first] = [&a, &first].map(|x| Buffer::from_bytes(x));
        let run = || {
            ArrayLoop {
                cond: None,
                body: &body,
                consts: &[Operand::Buffer(&a)],
                carry: &[Operand::Buffer(&first)],
                length: Some(3),
                reverse: false,
                xs: &[Rows::Each(rows.iter().map(|x| &x[..]).collect())],
            }
            .run()
            .unwrap()
        };
        // twice: the first carry is still what it was
        for _ in 0..2 {
            let Output::Buffer(got) = &run().carry[0] else { panic!("a new array") };
            fuzz::same(dt, got.as_bytes(), &want).unwrap_or_else(|e| panic!("{k}: {e}"))
        }
    }
}

#[test]
fn what_leaves_the_loop_is_the_same() {
    let (mut constants, mut products) = (0, 0);
    for seed in 0..8_000 {
        let mut r = Rng(seed);
        let (p, args) = fuzz::case_within(seed, [20, 300][seed as usize % 2]);
        let mut roles: [Vec<usize>; 3] = Default::default();
        (0..args.len()).for_each(|i| roles[r.below(3)].push(i));
        let [consts, carried, rows] = &roles;
        let p = ordered(&p, &roles.concat());
        let n = 3;
        let Some(h) = hoist(&p, consts.len(), carried.len(), [Some(n), None][r.below(4) / 3]) else { continue };
        for p in [&h.before, &h.body] {
            p.check().unwrap_or_else(|e| panic!("seed {seed}: {e}\n{p}"))
        }
        constants += h.constants;
        products += h.before.outs.len() - h.constants;
        let given = |i: &usize| args[*i].clone();
        let row = |i: usize, turn: usize| {
            let mut row = args[i].clone();
            let size = p.args[consts.len() + carried.len() + rows.iter().position(|k| *k == i).unwrap()].dt.size();
            let by = turn * size % row.len().max(1);
            row.rotate_left(by);
            row
        };
        let all = |i: &usize| (0..n).flat_map(|t| row(*i, t)).collect();
        let mut before: Vec<Vec<u8>> = consts.iter().map(given).collect();
        if h.before.outs.len() > h.constants {
            before.extend(rows.iter().map(all))
        }
        let made = evaluate(&h.before, &before).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{p}\n{}", h.before));
        for turn in 0..n {
            let now = |i: &usize| row(*i, turn);
            let plain: Vec<Vec<u8>> = consts.iter().chain(carried).map(given).chain(rows.iter().map(now)).collect();
            let piece = |x: &Vec<u8>| x[turn * x.len() / n..(turn + 1) * x.len() / n].to_vec();
            let further: Vec<Vec<u8>> = consts
                .iter()
                .map(given)
                .chain(made[..h.constants].iter().cloned())
                .chain(carried.iter().map(given))
                .chain(rows.iter().map(now))
                .chain(made[h.constants..].iter().map(piece))
                .collect();
            let (want, got) = (evaluate(&p, &plain).unwrap(), evaluate(&h.body, &further).unwrap());
            for ((w, g), v) in want.iter().zip(&got).zip(&p.outs) {
                fuzz::same(p.ty(*v).dt, g, w)
                    .unwrap_or_else(|e| panic!("seed {seed}, turn {turn}: {e}\n{p}\n{}", h.body))
            }
        }
    }
    assert!(constants > 1000 && products > 0, "{constants} {products}")
}

#[test]
fn rows_are_multiplied_all_at_once() {
    // carry + row * transpose(weights), for vectors and for matrices
    let turns = 4;
    for (m, k, n) in [(1, 8, 5), (3, 16, 7), (2, 300, 1), (5, 64, 1), (1, 200, 1), (32, 40, 24), (2, 7, 3)] {
        let (w, c, x) = (Ty::new(Dt::F32, &[n, k]), Ty::new(Dt::F32, &[m, n]), Ty::new(Dt::F32, &[m, k]));
        let mut p = Program::default();
        let [wv, cv, xv] = [&w, &c, &x].map(|ty| p.arg(ty.clone()));
        let a = View { strides: [0, k as i64, 1].into_iter().collect(), ..View::splat(&[1, m, k]) };
        let b = View { strides: [0, 1, k as i64].into_iter().collect(), ..View::splat(&[1, k, n]) };
        let uses = [p.through(xv, a), p.through(wv, b)];
        let spec = DotSpec::for_sizes(n, k, Dt::F32);
        let product = p.push(Kind::Dot(spec), &uses, &[Ty::new(Dt::F32, &[1, m, n])]);
        let product = p.view(product, View::identity(&[m, n]));
        let mut body = Body::default();
        let (s, t) = (body.input(0, Dt::F32), body.input(1, Dt::F32));
        let sum = body.bin(Op::Add, Dt::F32, s, t);
        body.outs.push(sum);
        p.outs = vec![p.push(Kind::Map(body.into()), &[cv, product].map(Use::plain), std::slice::from_ref(&c))];
        assert!(hoist(&p, 1, 1, None).is_none() && hoist(&p, 1, 1, Some(1)).is_none());
        let hoisted = hoist(&p, 1, 1, Some(turns));
        assert_eq!(hoisted.is_some(), k >= 8);
        let Some(h) = hoisted else { continue };
        assert_eq!((h.constants, h.before.outs.len(), h.body.args.len()), (0, 1, 4));
        let mut r = Rng(k as u64);
        let mut numbers = |len: usize| (0..len).map(|_| r.below(2001) as f32 / 1000.0 - 1.0).collect::<Vec<f32>>();
        let [weights, first, rows] = [n * k, m * n, turns * m * k].map(|len| Buffer::from_slice(&numbers(len)));
        let before = Executable::compile(&h.before).unwrap();
        let made = before.run(&[Operand::Buffer(&weights), Operand::Buffer(&rows)]);
        let Output::Buffer(further) = &made[0] else { panic!("an array") };
        let of = |p: &Program, further: &[&[u8]]| {
            let xs: Vec<Rows> =
                std::iter::once(Rows::Along(rows.as_bytes())).chain(further.iter().map(|b| Rows::Along(b))).collect();
            let turned = ArrayLoop {
                cond: None,
                body: &Executable::compile(p).unwrap(),
                consts: &[Operand::Buffer(&weights)],
                carry: &[Operand::Buffer(&first)],
                length: Some(turns),
                reverse: true,
                xs: &xs,
            };
            let Output::Buffer(b) = turned.run().unwrap().carry.remove(0) else { panic!("an array") };
            b.as_bytes().to_vec()
        };
        assert_eq!(of(&h.body, &[further.as_bytes()]), of(&p, &[]), "{m} {k} {n}")
    }
}

#[test]
fn a_transposed_constant_is_turned_once() {
    // carry * transpose(weights) in every turn, of one matrix or of one for each product, also behind a view
    for (batch, own, m, k, n, behind) in [
        (1, true, 4, 40, 40, false),
        (3, true, 2, 33, 33, true),
        (3, false, 5, 64, 64, false),
        (1, true, 4, 9, 9, false),
    ] {
        let copies = if own { batch } else { 1 };
        let (w, c) = (Ty::new(Dt::F32, &[copies, n, k]), Ty::new(Dt::F32, &[batch, m, k]));
        let mut p = Program::default();
        let [wv, cv] = [&w, &c].map(|ty| p.arg(ty.clone()));
        let across = |own: bool, dims: &[usize]| {
            let strides = [if own { (n * k) as i64 } else { 0 }, 1, k as i64].into_iter().collect();
            View { strides, ..View::splat(dims) }
        };
        let b = if behind {
            Use::plain(p.view(wv, across(own, &[batch, k, n])))
        } else {
            p.through(wv, across(own, &[batch, k, n]))
        };
        let product =
            p.push(Kind::Dot(DotSpec::for_sizes(n, k, Dt::F32)), &[Use::plain(cv), b], std::slice::from_ref(&c));
        p.outs = vec![product];
        let hoisted = hoist(&p, 1, 1, None);
        assert_eq!(hoisted.is_some(), k * n > 1000, "{k} {n}");
        let Some(h) = hoisted else { continue };
        assert_eq!((h.constants, h.before.outs.len(), h.body.args.len()), (1, 1, 3));
        assert_eq!(h.before.ty(h.before.outs[0]).dims[..], [copies, k, n]);
        let mut r = Rng(k as u64);
        let mut numbers = |len: usize| (0..len).map(|_| r.below(2001) as f32 / 1000.0 - 1.0).collect::<Vec<f32>>();
        let [weights, first] = [w.len(), c.len()].map(|len| Buffer::from_slice(&numbers(len)));
        let made = Executable::compile(&h.before).unwrap().run(&[Operand::Buffer(&weights)]);
        let Output::Buffer(turned) = &made[0] else { panic!("an array") };
        let of = |p: &Program, consts: &[Operand]| {
            let body = &Executable::compile(p).unwrap();
            let carry = &[Operand::Buffer(&first)];
            let turned = ArrayLoop { cond: None, body, consts, carry, length: Some(3), reverse: false, xs: &[] };
            let Output::Buffer(b) = turned.run().unwrap().carry.remove(0) else { panic!("an array") };
            b.as_bytes().to_vec()
        };
        let (w, t) = (Operand::Buffer(&weights), Operand::Buffer(turned));
        assert_eq!(of(&h.body, &[w, t]), of(&p, &[w]), "{batch} {m} {k} {n}")
    }
}

#[test]
fn rows_that_are_repeated_are_copied_once() {
    // carry + row, in every turn, for the rows of a matrix: short rows, and long ones, are read where they are
    for (m, n, copied) in [(16, 128, true), (40, 100, true), (600, 2, false), (4, 600, false), (300, 128, false)] {
        let (b, c) = (Ty::new(Dt::F32, &[n]), Ty::new(Dt::F32, &[m, n]));
        let mut p = Program::default();
        let [bv, cv] = [&b, &c].map(|ty| p.arg(ty.clone()));
        let rows = View { strides: [0, 1].into_iter().collect(), ..View::splat(&[m, n]) };
        let uses = [Use::plain(cv), p.through(bv, rows)];
        let mut body = Body::default();
        let (s, t) = (body.input(0, Dt::F32), body.input(1, Dt::F32));
        let sum = body.bin(Op::Add, Dt::F32, s, t);
        body.outs.push(sum);
        p.outs = vec![p.push(Kind::Map(body.into()), &uses, std::slice::from_ref(&c))];
        let hoisted = hoist(&p, 1, 1, None);
        assert_eq!(hoisted.is_some(), copied, "{m} {n}");
        let Some(h) = hoisted else { continue };
        let bytes = |len: usize| (0..len).flat_map(|i| (i as f32 / 7.0).to_ne_bytes()).collect::<Vec<u8>>();
        let (row, first) = (bytes(n), bytes(m * n));
        let made = evaluate(&h.before, std::slice::from_ref(&row)).unwrap();
        assert_eq!(made, [row.repeat(m)]);
        let got = evaluate(&h.body, &[row.clone(), made[0].clone(), first.clone()]).unwrap();
        assert_eq!(got, evaluate(&p, &[row, first]).unwrap(), "{m} {n}")
    }
}

#[test]
fn the_first_carry_stays_as_it_was() {
    // x[i] = 1 as long as i is below a limit
    let (array, number) = (Ty::new(Dt::F32, &[6]), Ty::new(Dt::I32, &[]));
    let mut p = Program::default();
    let (x, i) = (p.arg(array.clone()), p.arg(number.clone()));
    let one = p.constant(Dt::F32, [1f32.to_bits() as u64, 0]);
    let piece = p.through(one, View::splat(&[1]));
    let y = p.push(Kind::Update, &[Use::plain(x), piece, Use::plain(i)], std::slice::from_ref(&array));
    let map = |p: &mut Program, op: Op, dt: Dt, x: [ValId; 2]| {
        let mut b = Body::default();
        let (a, c) = (b.input(0, Dt::I32), b.input(1, Dt::I32));
        let y = b.bin(op, dt, a, c);
        b.outs.push(y);
        p.push(Kind::Map(b.into()), &x.map(Use::plain), &[Ty::new(dt, &[])])
    };
    let step = p.constant(Dt::I32, [1, 0]);
    let j = map(&mut p, Op::Add, Dt::I32, [i, step]);
    p.outs = vec![y, j];
    let body = Executable::body(&p, 0..2).expect("it writes over the carry");
    let mut p = Program::default();
    let (limit, _, i) = (p.arg(number.clone()), p.arg(array), p.arg(number));
    p.outs = vec![map(&mut p, Op::Lt, Dt::Bool, [i, limit])];
    let cond = Executable::compile(&p).unwrap();
    for (limit, length) in [(0, None), (3, None), (6, None), (0, Some(0)), (6, Some(4))] {
        let x = Buffer::from_slice(&[0f32; 6]);
        let turned = ArrayLoop {
            cond: Some((&cond, &[Operand::Bits(limit)])),
            body: &body,
            consts: &[],
            carry: &[Operand::Buffer(&x), Operand::Bits(0)],
            length,
            reverse: false,
            xs: &[],
        }
        .run()
        .unwrap();
        let turns = length.unwrap_or(6).min(limit as usize);
        assert_eq!((turned.turns, x.as_slice::<f32>()), (turns, &[0f32; 6][..]));
        match &turned.carry[0] {
            Output::Buffer(b) => {
                assert_eq!(b.as_slice::<f32>(), (0..6).map(|k| (k < turns) as i32 as f32).collect::<Vec<_>>())
            }
            other => assert!(turns == 0 && matches!(other, Output::Arg(0))),
        }
    }
}
