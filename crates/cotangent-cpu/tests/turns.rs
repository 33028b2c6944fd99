//! Loops over scalars against the scalar reference, turn by turn, on random programs: sums, differences and products in all orders, which the register
//! machine merges by twos, and other operations among them.

use cotangent_cpu::exec::{Options, When};
use cotangent_cpu::isa::Isa;
use cotangent_cpu::reference::evaluate;
use cotangent_cpu::*;

/// A small generator: splitmix64.
struct Random(u64);
impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn number(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}
fn bits(dt: Dt, x: f64) -> u64 {
    match dt {
        Dt::F64 => x.to_bits(),
        Dt::F32 => (x as f32).to_bits().into(),
        _ => (x * 40.0) as i64 as u64 & u64::MAX >> (64 - 8 * dt.size()),
    }
}
fn bytes(dt: Dt, word: u64) -> Vec<u8> {
    word.to_le_bytes()[..dt.size()].to_vec()
}

/// A program of `args` scalars and `outs` results: of floats or integers, with comparisons and selections, and functions that are rarely wrong.
fn program(r: &mut Random, dt: Dt, args: usize, outs: usize) -> Program {
    let ty = Ty::new(dt, &[]);
    let mut p = Program::default();
    let mut values: Vec<ValId> = (0..args).map(|_| p.arg(ty.clone())).collect();
    values.push(p.constant(dt, [bits(dt, r.number()), 0]));
    let float = dt.is_float();
    for _ in 0..2 + r.below(25) {
        let op = match (float, r.below(16)) {
            (_, 0..4) => Op::Add,
            (_, 4..7) => Op::Sub,
            (_, 7..10) => Op::Mul,
            (_, 10) => Op::Max,
            (_, 11) => Op::Neg,
            (_, 12) => Op::MulAdd,
            (_, 13) => Op::Lt,
            (true, 14) => [Op::Div, Op::Math(M::Sin), Op::Math(M::Exp), Op::Math(M::Tanh), Op::Floor][r.below(5)],
            (true, _) => Op::Min,
            (false, 14) => [Op::Shl, Op::Shr, Op::ShrLogical, Op::Abs, Op::Sign][r.below(5)],
            (false, _) => Op::Xor,
        };
        let pick: Vec<ValId> = (0..op.arity()).map(|_| values[r.below(values.len())]).collect();
        let mut b = Body::default();
        let ins: Vec<u32> = (0..pick.len()).map(|k| b.input(k as u32, dt)).collect();
        let y = match ins[..] {
            [x] => b.un(op, dt, x),
            [x, y] if op == Op::Lt => {
                let below = b.cmp(op, x, y);
                b.select(dt, below, y, x)
            }
            [x, y] => b.bin(op, dt, x, y),
            _ => b.push(op, dt, ins[0], ins[1], ins[2]),
        };
        b.outs.push(y);
        let uses: Vec<Use> = pick.into_iter().map(Use::plain).collect();
        values.push(p.push(Kind::Map(b.into()), &uses, std::slice::from_ref(&ty)))
    }
    p.outs = (0..outs).map(|_| values[values.len() - 1 - r.below(values.len().min(6))]).collect();
    p
}
/// The same bits; one NaN is as good as another.
#[track_caller]
fn same(dt: Dt, got: &[u8], want: &[u8], what: &str) {
    let nan = |b: &[u8]| match dt {
        Dt::F64 => f64::from_le_bytes(b.try_into().unwrap()).is_nan(),
        _ if !dt.is_float() => false,
        _ => f32::from_le_bytes(b.try_into().unwrap()).is_nan(),
    };
    assert!(got == want || nan(got) && nan(want), "{what}: {got:?} {want:?}")
}

#[test]
fn turns_are_those_of_the_reference() {
    for seed in 0..6000 {
        let mut r = Random(seed);
        let dt = [Dt::F32, Dt::F64, Dt::F32, Dt::F64, Dt::I32, Dt::I64, Dt::U8, Dt::I16][r.below(8)];
        // now and then more goes from turn to turn than there are registers beside
        let many = if seed % 10 == 0 { 22 } else { 3 };
        let (nc, nk, nx, ny, n) = (r.below(3), 1 + r.below(many), r.below(3), r.below(3), r.below(6));
        let p = program(&mut r, dt, nc + nk + nx, nk + ny);
        let isa = Isa::ALL[r.below(3)];
        let isa = if isa.available() { isa } else { Isa::Portable };
        let machine = [When::Pays, When::Never][r.below(2)];
        let body = Executable::compile_with(&p, Options { isa, machine, ..Options::default() }).unwrap();
        assert!(body.is_scalar());
        let mut word = |k: usize| (0..k).map(|_| bits(dt, r.number())).collect::<Vec<u64>>();
        let (consts, first) = (word(nc), word(nk));
        let xs: Vec<Vec<u8>> = (0..nx).map(|_| word(n).iter().flat_map(|w| bytes(dt, *w)).collect()).collect();
        let reverse = seed % 3 == 0;
        let elements: Vec<(&[u8], usize, usize)> = xs.iter().map(|x| (&x[..], dt.size(), 1)).collect();
        let turns = ScalarLoop {
            cond: None,
            body: &body,
            consts: &consts,
            length: Some(n),
            reverse,
            xs: &elements,
            ys: &vec![1; ny],
        };
        let mut carry = first.clone();
        let (turned, ys) = turns.run(&mut carry);
        assert_eq!((turned, ys.len()), (n, ny));

        let mut want: Vec<Vec<u8>> = first.iter().map(|w| bytes(dt, *w)).collect();
        for turn in 0..n {
            let i = if reverse { n - 1 - turn } else { turn };
            let at = |x: &Vec<u8>| x[i * dt.size()..(i + 1) * dt.size()].to_vec();
            let args: Vec<Vec<u8>> =
                consts.iter().map(|w| bytes(dt, *w)).chain(want).chain(xs.iter().map(at)).collect();
            let mut outs = evaluate(&p, &args).unwrap();
            for (y, w) in ys.iter().zip(outs.split_off(nk)) {
                same(dt, &at(y), &w, &format!("seed {seed}\n{p}"))
            }
            want = outs
        }
        for (c, w) in carry.iter().zip(&want) {
            same(dt, &bytes(dt, *c), w, &format!("seed {seed}\n{p}"))
        }
    }
}

#[test]
fn a_condition_ends_the_loop() {
    let ty = Ty::new(Dt::I32, &[]);
    let program = |op: Op, out: Dt| {
        let mut p = Program::default();
        let (x, y) = (p.arg(ty.clone()), p.arg(ty.clone()));
        let mut b = Body::default();
        let (i, k) = (b.input(0, Dt::I32), b.input(1, Dt::I32));
        let z = b.bin(op, out, i, k);
        b.outs.push(z);
        p.outs = vec![p.push(Kind::Map(b.into()), &[Use::plain(y), Use::plain(x)], &[Ty::new(out, &[])])];
        Executable::compile(&p).unwrap()
    };
    // below the constant; plus the constant
    let (below, plus) = (program(Op::Lt, Dt::Bool), program(Op::Add, Dt::I32));
    for (limit, turns) in [(10, 4), (0, 0), (1, 1), (9, 3)] {
        let cond = Some((&below, &[limit][..]));
        let mut carry = [0];
        let l = ScalarLoop { cond, body: &plus, consts: &[3], length: None, reverse: false, xs: &[], ys: &[] };
        assert_eq!((l.run(&mut carry).0, carry), (turns, [3 * turns as u64]));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let ty = Ty::new(Dt::F32, &[]);
    let mut p = Program::default();
    let x = p.arg(ty);
    p.outs = vec![x];
    let body = Executable::compile(&p).unwrap();
    let run = |consts: &[u64], length: Option<usize>, xs: &[(&[u8], usize, usize)], ys: &[usize], carry: usize| {
        let l = ScalarLoop { cond: None, body: &body, consts, length, reverse: false, xs, ys };
        std::panic::catch_unwind(|| l.run(&mut vec![0; carry])).is_err()
    };
    assert!(!run(&[], Some(3), &[], &[], 1));
    assert!(!run(&[], Some(3), &[(&[0; 12], 4, 1)], &[1], 0));
    assert!(run(&[1], Some(3), &[], &[], 1));
    assert!(run(&[], Some(3), &[], &[], 2));
    assert!(run(&[], Some(3), &[], &[1], 1));
    assert!(run(&[], None, &[], &[], 1));
    assert!(run(&[], Some(3), &[(&[0; 8], 4, 1)], &[1], 0));
    assert!(run(&[], Some(3), &[(&[0; 12], 4, 2)], &[1], 0));
}
