//! What was emitted is what can run: every instruction decodes, belongs to the instruction set, and jumps to where one begins. (What it computes is
//! compared with the reference by `tests/fuzz.rs` and `tests/turns.rs`.)

use super::*;
use crate::exec::report::Inspected;
use crate::exec::{Options, Sizes};
use crate::{Body, Dt, Executable, Kind, Op, Program, ScalarLoop, Ty, Use, fuzz};
use iced_x86::{CpuidFeature as Has, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use std::collections::HashSet;

/// Everything that was compiled so far, but for what [`frames_are_as_large_as_the_stack_allows`] asks for beyond that.
fn all() -> Vec<(Lanes, Loop, Option<Code>)> {
    let known = KNOWN.lock().unwrap();
    let known = known.iter().flatten().filter(|((ir, ..), _)| ir.insts.len() < TOO_MANY);
    known.map(|((_, l, kind), c)| (*l, *kind, *c)).collect()
}
fn decode(code: &'static [u8]) -> Vec<Instruction> {
    Decoder::with_ip(64, code, 0, DecoderOptions::NONE).into_iter().collect()
}

#[test]
fn every_instruction_decodes_and_stays_inside() {
    for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|i| i.available()) {
        for seed in 0..400 {
            let (p, args) = fuzz::case(seed);
            let options = Options { isa, fuse: true, in_place: 1, machine: When::Always, ..Options::default() };
            let e = Executable::compile_with(&p, options).expect("a fuzz case is valid");
            fuzz::run(&e, &p, &args);
        }
        // loops over rows and their folds come of strips
        for seed in 0..1500 {
            let (p, args) = fuzz::whole(seed);
            let strips = Sizes {
                least: 1,
                strip: if seed % 2 == 0 { 3000 } else { 1 << 20 },
                line: if seed % 4 < 2 { 32 } else { 1024 },
            };
            let e = Executable::compile_with(&p, Options { isa, machine: When::Always, strips, ..Options::default() });
            fuzz::run(&e.expect("a fuzz case is valid"), &p, &args);
        }
    }
    let all = all();
    let made: Vec<_> = all.iter().filter_map(|(l, kind, c)| c.map(|c| (l, kind, c))).collect();
    if Isa::Avx2.available() && cfg!(target_os = "linux") {
        // those with strides may have more of them than there are registers
        let maps = |k: &Loop| matches!(k, Loop::Map | Loop::Twice);
        let (asked, got) = (all.iter().filter(|a| maps(&a.1)).count(), made.iter().filter(|m| maps(m.1)).count());
        assert!(got > 100 && got == asked, "{got} of {asked} have code");
        let some = |is: fn(&Loop) -> bool| made.iter().filter(|m| is(m.1)).count();
        let (rows, folds) = (some(|k| *k == Loop::Rows), some(|k| matches!(k, Loop::Folds { .. })));
        assert!(rows > 20 && folds > 4, "{rows} loops over rows, {folds} with folds");
        // rows whose tails need masks that are vectors
        let masked = |code: &&Code| {
            let any = |bytes| {
                decode(bytes).iter().any(|i| matches!(i.mnemonic(), Mnemonic::Vmaskmovps | Mnemonic::Vmaskmovpd))
            };
            code.bytes().any(any)
        };
        let tails = made.iter().map(|m| &m.2).filter(masked).count();
        assert!(tails > 10, "{tails} with tails");
    }
    for (l, kind, code) in made {
        code.bytes().for_each(|bytes| check(l, kind, bytes))
    }
}
/// Every instruction is one, of the level, and stays inside.
fn check(l: &Lanes, kind: &Loop, code: &'static [u8]) {
    let avx2 = HashSet::from([
        Has::INTEL386,
        Has::INTEL8086,
        Has::X64,
        Has::AVX,
        Has::AVX2,
        Has::FMA,
        Has::F16C,
        Has::BMI2,
        Has::MULTIBYTENOP,
    ]);
    let mut avx512 = avx2.clone();
    avx512.extend([Has::AVX512F, Has::AVX512VL, Has::AVX512DQ, Has::AVX512BW, Has::AVX512CD]);
    let text = decode(code);
    let starts: HashSet<u64> = text.iter().map(|i| i.ip()).collect();
    assert_eq!(text.iter().map(|i| i.len()).sum::<usize>(), code.len());
    assert_eq!(text.last().unwrap().mnemonic(), Mnemonic::Ret);
    let pointers = [Register::RDI, Register::RCX, Register::RBX, Register::RSP, Register::RBP, Register::RIP];
    for i in &text {
        let told = || format!("{l:?} {kind:?}: {i} at {:#x}", i.ip());
        assert!(!i.is_invalid(), "{}", told());
        let has = if l.evex { &avx512 } else { &avx2 };
        assert!(i.cpuid_features().iter().all(|f| has.contains(f)), "{} needs {:?}", told(), i.cpuid_features());
        match i.flow_control() {
            FlowControl::Next => {}
            FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch => {
                assert!(starts.contains(&i.near_branch_target()), "{}", told())
            }
            FlowControl::Return => assert_eq!(i.ip(), text.last().unwrap().ip()),
            _ => panic!("{}", told()),
        }
        if (0..i.op_count()).any(|k| i.op_kind(k) == OpKind::Memory) {
            let base = i.memory_base();
            let lea = matches!(i.mnemonic(), Mnemonic::Lea | Mnemonic::Nop);
            assert!(lea || pointers.contains(&base) || (Register::R8..=Register::R15).contains(&base), "{}", told());
            // elements are counted, and rows, whose number times a stride has a register of its own
            let strides = [Register::RBX, Register::R8, Register::R9, Register::R10, Register::R11];
            let strided = !matches!(kind, Loop::Map | Loop::Twice) && strides.contains(&i.memory_index());
            let counts = [Register::None, Register::RAX, Register::RDX].contains(&i.memory_index());
            assert!(counts || strided || lea, "{}", told());
        }
    }
}

/// All groups of random programs as text: every jump and constant has its name, what is stored is said, and where there is no code there is a reason.
#[cfg(feature = "assembly")]
#[test]
fn machine_code_can_be_read() {
    use crate::report::Inspected;
    let (mut made, mut none) = (0, std::collections::BTreeMap::new());
    for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|i| i.available()) {
        for seed in 0..1500 {
            let (p, _) = fuzz::case(seed);
            let options = Options { isa, machine: When::Always, ..Options::default() };
            let e = Inspected::compile_with(&p, options).expect("a fuzz case is valid");
            for a in (0..e.report().groups.len()).flat_map(|k| e.assembly(k)) {
                let text = match a.code {
                    Ok(text) => text,
                    Err(why) => {
                        *none.entry(why).or_insert(0) += 1;
                        continue;
                    }
                };
                made += 1;
                assert!(text.contains("\n    ret\n") && text.contains("; -> "), "seed {seed}\n{text}");
                assert!(!text.contains("rip+") && !text.contains("(bad)"), "seed {seed}\n{text}");
                for l in text.lines().filter(|l| l.starts_with("    j")) {
                    let label = l.split_whitespace().nth(1).expect("a target");
                    assert!(text.contains(&format!("\n{label}:\n")), "seed {seed}: {l}\n{text}");
                }
            }
        }
    }
    assert!(made > 300 || !Isa::Avx2.available() || !cfg!(target_os = "linux"), "{made}, and {none:#?}");
    println!("{made} with machine code; {none:#?}");
}

/// Numbers of a type at which something may go wrong, as bits.
fn special(dt: Dt) -> Vec<u64> {
    let (size, top) = (dt.size(), 8 * dt.size() - 1);
    let mut words = vec![];
    if dt.is_float() {
        let digits = match dt {
            Dt::Bf16 => 7,
            Dt::F16 => 10,
            Dt::F32 => 23,
            _ => 52,
        };
        let infinity = (1u64 << top) - (1u64 << digits);
        let one = crate::reference::scalar(Op::Cast, dt, Dt::F64, 1f64.to_bits(), 0, 0);
        let (least, half) = (1 << digits, 1 << (digits - 1));
        words.extend([0, 1, 7, least - 1, least, least + 1, 2 * least, infinity - 1, infinity, infinity + half]);
        words.extend([one, one + 1, one - 1, one / 2, one + 3 * least, one + 9 * half, 3 * half / 2]);
        words.extend([one - (one >> 3), one + (one >> 3), infinity - (infinity >> 4)]);
    } else {
        let mut far = 0x9e37_79b9_7f4a_7c15u64;
        words.extend([0, 1, 2, 3, 7, 10, 100, (1 << top) - 1, (1 << top) - 2, 3000, 6143]);
        words.extend((0..12).map(|k| {
            far = far.wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(29);
            far >> (k * 5)
        }));
        words.extend([1 << (top - 1), (1 << (top - 1)) + 1, (1 << top) / 3]);
    }
    // the same with another sign, and what lies around them
    words.extend(words.clone().iter().map(|w| w | 1 << top));
    words.extend(words.clone().iter().filter(|_| !dt.is_float()).map(|w| w.wrapping_neg()));
    words.iter().map(|w| w & u64::MAX >> (64 - 8 * size)).collect()
}
/// Every function and operation on special numbers of every kind, in all ways to compute it: a selection that a compiler moves in front of a conversion shows here, and
/// a quotient that is one too large.
#[test]
fn special_numbers_are_the_same_everywhere() {
    let (mut failures, mut tried) = (vec![], 0);
    for dt in Dt::ALL.into_iter().filter(|dt| *dt != Dt::Bool && !dt.is_complex()) {
        let words = special(dt);
        // all pairs
        let n = words.len();
        let bytes = |f: &dyn Fn(usize) -> u64| -> Vec<u8> {
            (0..n * n).flat_map(|i| f(i).to_le_bytes()[..dt.size()].to_vec()).collect()
        };
        let args = [bytes(&|i| words[i / n]), bytes(&|i| words[i % n])];
        let ops = [Op::Sign, Op::RoundAway, Op::Sqrt, Op::Div, Op::Rem, Op::Max, Op::Min, Op::Mul];
        let more = [Op::NextAfter, Op::PopCount, Op::Clz, Op::Shl, Op::Shr, Op::Lt];
        let ops = crate::M::ALL.into_iter().map(Op::Math).chain(ops).chain(more);
        for op in ops.filter(|op| op.takes(dt, if *op == Op::Lt { Dt::Bool } else { dt })) {
            let out = if op == Op::Lt { Dt::Bool } else { dt };
            let ty = Ty::new(dt, &[n * n]);
            let mut p = Program::default();
            let uses = [p.arg(ty.clone()), p.arg(ty)].map(Use::plain);
            let mut b = Body::default();
            let (x, y) = (b.input(0, dt), b.input(1, dt));
            let z = b.push(op, out, x, if op.arity() > 1 { y } else { 0 }, 0);
            b.outs.push(z);
            p.outs = vec![p.push(Kind::Map(b.into()), &uses, &[Ty::new(out, &[n * n])])];
            let want = crate::reference::evaluate(&p, &args).expect("a valid program");
            tried += 1;
            for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
                for machine in [When::Always, When::Never] {
                    let e = Executable::compile_with(&p, Options { isa, machine, ..Options::default() }).unwrap();
                    let got = fuzz::run(&e, &p, &args);
                    if let Err(e) = fuzz::same(out, &got[0], &want[0]) {
                        failures.push(format!("{op:?} of {dt}, {isa:?}, machine code {machine:?}: {e}"))
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(tried > 150, "{tried}");
}

/// Quotients and remainders by constants, next to multiples of them, where a quotient that is not exact goes wrong.
#[test]
fn quotients_by_constants_are_exact() {
    let signed = |dt: Dt, w: u64| (w << (64 - 8 * dt.size())) as i64 >> (64 - 8 * dt.size());
    let mut failures = vec![];
    for dt in Dt::ALL.into_iter().filter(|dt| dt.is_int() && *dt != Dt::Bool) {
        let all = u64::MAX >> (64 - 8 * dt.size());
        let number = |w: u64| if dt.is_signed() { signed(dt, w) as i128 } else { w as i128 };
        let mut divisors: Vec<u64> =
            [1, 2, 3, 5, 7, 10, 100, 127, 255, 641, 1000, 46341, 65535, 65537, 999_999_937].to_vec();
        divisors.extend([all, all - 1, all / 2, all / 2 + 1, all / 2 + 2, all / 3, all / 10 + 1]);
        divisors.extend(divisors.clone().iter().map(|d| d.wrapping_neg()));
        divisors.iter_mut().for_each(|d| *d &= all);
        divisors.sort_unstable();
        divisors.dedup();
        for d in divisors.into_iter().chain([0]) {
            // the last multiples on both ends, and some between
            let by = number(d).unsigned_abs().max(1);
            let last = (if dt.is_signed() { all / 2 } else { all }) as u128 / by;
            let factors = (0..40u128).flat_map(|k| [k, last.saturating_sub(k), last / 40 * k, last >> k]);
            let near = |m: u128| [-1i128, 0, 1].map(|e| m as i128 + e);
            let some = factors.flat_map(|k| near(k * by)).flat_map(|x| [x as u64 & all, (-x) as u64 & all]);
            let words: Vec<u64> = some.chain(special(dt)).collect();
            let args = [words.iter().flat_map(|w| w.to_le_bytes()[..dt.size()].to_vec()).collect::<Vec<u8>>()];
            let ty = Ty::new(dt, &[words.len()]);
            let mut p = Program::default();
            let x = Use::plain(p.arg(ty.clone()));
            let mut b = Body::default();
            let (x_, d_) = (b.input(0, dt), b.bits(dt, d));
            let outs = [b.bin(Op::Div, dt, x_, d_), b.bin(Op::Rem, dt, x_, d_)];
            b.outs.extend(outs);
            let first = p.push(Kind::Map(b.into()), &[x], &[ty.clone(), ty]);
            p.outs = vec![first, first + 1];
            let want = crate::reference::evaluate(&p, &args).expect("a valid program");
            for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|i| i.available()) {
                let e = Executable::compile_with(&p, Options { isa, machine: When::Always, ..Options::default() });
                let got = fuzz::run(&e.unwrap(), &p, &args);
                for (what, (got, want)) in ["quotient", "remainder"].iter().zip(got.iter().zip(&want)) {
                    if let Err(e) = fuzz::same(dt, got, want) {
                        failures.push(format!("{what} of {dt} by {}, {isa:?}: {e}", number(d)))
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Bytes over constants are quotients to the last bit.
#[test]
fn bytes_over_constants() {
    let mut failures = vec![];
    let mut quick = 0;
    for dt in [Dt::U8, Dt::I8] {
        for d in [255f32, 127.5, 3.0, -7.0, 58.395, 0.1, 1e-3, 256.0, -1.0, 0.0, 1e-40, 1e38, f32::INFINITY, f32::NAN] {
            let bytes: Vec<u8> = (0..=255).chain(0..9).collect();
            let mut p = Program::default();
            let x = Use::plain(p.arg(Ty::new(dt, &[bytes.len()])));
            let mut b = Body::default();
            let x_ = b.input(0, dt);
            let (a, d_) = (b.un(Op::Cast, Dt::F32, x_), b.bits(Dt::F32, d.to_bits() as u64));
            let y = b.bin(Op::Div, Dt::F32, a, d_);
            b.outs.push(y);
            p.outs = vec![p.push(Kind::Map(b.into()), &[x], &[Ty::new(Dt::F32, &[bytes.len()])])];
            let want = crate::reference::evaluate(&p, std::slice::from_ref(&bytes)).expect("a valid program");
            for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|i| i.available()) {
                let options = Options { isa, machine: When::Always, ..Options::default() };
                let e = Executable::compile_with(&p, options).unwrap();
                if let Err(e) = fuzz::same(Dt::F32, &fuzz::run(&e, &p, std::slice::from_ref(&bytes))[0], &want[0]) {
                    failures.push(format!("{dt} over {d}, {isa:?}: {e}"))
                }
                let text = Inspected::compile_with(&p, options).unwrap().assembly(0);
                quick += text.iter().all(|a| a.code.as_ref().is_ok_and(|c| !c.contains("vdivps"))) as usize
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(quick > 0 || !Isa::Avx2.available(), "none of them is a product");
}

/// Numbers of a type around every power of two, at every bit where another type may be rounded.
fn near_powers(dt: Dt) -> Vec<u64> {
    let top = 8 * dt.size() - 1;
    let digits = match dt {
        Dt::Bf16 => 7,
        Dt::F16 => 10,
        Dt::F32 => 23,
        Dt::F64 => 52,
        _ => top,
    };
    let around = |k: usize| [1u64 << k, (1 << k) + 1, (1 << k) - 1, 3 << k >> 1, (5 << k >> 2) + 1];
    let mut words = vec![];
    if dt.is_float() {
        let all = 1u64 << (top - digits);
        let middle = all / 2 - 1;
        for e in (0..all).filter(|e| e.abs_diff(middle) < 160 || *e < 2 || *e >= all - 2) {
            let fractions = (0..digits).step_by(1 + digits / 30).flat_map(around).chain([0]);
            words.extend(fractions.map(|f| e << digits | f & ((1 << digits) - 1)))
        }
    } else {
        for k in 0..=top {
            words.extend((0..k).flat_map(around).map(|low| (1 << k) + low))
        }
        words.extend([0, 1])
    }
    let minus = |w: &u64| if dt.is_float() { w | 1 << top } else { w.wrapping_neg() };
    words.extend(words.clone().iter().map(minus));
    words.iter().map(|w| w & u64::MAX >> (63 - top)).collect()
}
/// Every conversion, in all ways to compute it.
#[test]
fn conversions_are_the_same_everywhere() {
    let mut failures = vec![];
    let real = || Dt::ALL.into_iter().filter(|dt| !dt.is_complex());
    for (from, to) in real().flat_map(|from| real().map(move |to| (from, to))).filter(|(from, to)| from != to) {
        let words = if from == Dt::Bool { vec![0, 1] } else { near_powers(from) };
        let args = [words.iter().flat_map(|w| w.to_le_bytes()[..from.size()].to_vec()).collect::<Vec<u8>>()];
        let mut p = Program::default();
        let x = Use::plain(p.arg(Ty::new(from, &[words.len()])));
        let mut b = Body::default();
        let x_ = b.input(0, from);
        let y = b.push(Op::Cast, to, x_, 0, 0);
        b.outs.push(y);
        p.outs = vec![p.push(Kind::Map(b.into()), &[x], &[Ty::new(to, &[words.len()])])];
        let want = crate::reference::evaluate(&p, &args).expect("a valid program");
        for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
            for machine in [When::Always, When::Never] {
                let e = Executable::compile_with(&p, Options { isa, machine, ..Options::default() }).unwrap();
                let got = fuzz::run(&e, &p, &args);
                if let Err(e) = fuzz::same(to, &got[0], &want[0]) {
                    failures.push(format!("{from} to {to}, {isa:?}, machine code {machine:?}: {e}"))
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// With AVX-512 a function alone is one round: processors overlap such rounds by themselves. With AVX2 it is two.
#[test]
fn functions_alone_are_one_round() {
    let mut two = HashSet::new();
    for (m, dt) in crate::M::ALL.into_iter().flat_map(|m| [(m, Dt::F32), (m, Dt::F64)]) {
        for isa in [Isa::Avx2, Isa::Avx512] {
            let line = |call| translate::Line { size: dt.size(), call };
            let mut lines = vec![line(None), line(None)];
            lines.push(line(Some((crate::exec::what::What::Op(Op::Math(m), dt), [0, 1, 0]))));
            let mut t = translate::Translate::new(isa);
            t.program(&lines, |_| true, |i| Some(translate::Source::Stream(i as u32, 0).into())).expect("machine code");
            let stores = vec![t.store(2, 2, 0).expect("a store")];
            let ir = Ir { insts: t.build.finish(), stores, ..Ir::default() };
            if twice::pays(&ir, lanes(isa, &ir, false).expect("machine code")) {
                two.insert((format!("{m:?} {dt}"), isa));
            }
        }
    }
    println!("{two:?}");
    for one in ["Exp f32", "Log f32", "Sin f32", "Tanh f32", "Exp f64"] {
        let is_two = |isa| two.contains(&(one.to_owned(), isa));
        assert_eq!([Isa::Avx2, Isa::Avx512].map(is_two), [true, false], "{one}")
    }
}

/// Every second element, from the first or the second on, and parts of complex numbers, with the rest of each pair there or not.
#[test]
fn every_second_element() {
    for dt in [Dt::F32, Dt::F64, Dt::I32, Dt::C64, Dt::C128] {
        let part = if dt.is_complex() { dt.part() } else { dt };
        for (n, first, behind) in (1..40).flat_map(|n| [(n, 0, 0), (n, 0, 1), (n, 1, 0), (n, 1, 1)]) {
            let complex = dt.is_complex();
            let all = if complex { n } else { first + 2 * n - 1 + behind };
            let ty = Ty::new(dt, &[all]);
            let bytes: Vec<u8> = (0..all * dt.size() / part.size())
                .flat_map(|i| match part {
                    Dt::F64 => (i as f64 + 0.5).to_le_bytes().to_vec(),
                    Dt::I32 => (i as i32).to_le_bytes().to_vec(),
                    _ => (i as f32 + 0.5).to_le_bytes().to_vec(),
                })
                .collect();
            let mut p = Program::default();
            let x = p.arg(ty);
            let mut b = Body::default();
            let x_ = b.input(0, part);
            let y = b.bin(Op::Add, part, x_, x_);
            let z = b.bin(Op::Mul, part, y, x_);
            b.outs = vec![z];
            let mut uses = vec![];
            if complex {
                uses.extend([crate::Part::Re, crate::Part::Im].map(|part| Use { part, ..Use::plain(x) }))
            } else {
                let v = crate::View {
                    offset: first as i64,
                    strides: smallvec::smallvec![2],
                    ..crate::View::identity(&[n])
                };
                uses.push(p.through(x, v))
            }
            p.outs = uses.iter().map(|u| p.push(Kind::Map(b.clone().into()), &[*u], &[Ty::new(part, &[n])])).collect();
            p.check().unwrap();
            let want = crate::reference::evaluate(&p, std::slice::from_ref(&bytes)).unwrap();
            for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|i| i.available()) {
                let e =
                    Executable::compile_with(&p, Options { isa, machine: When::Always, ..Options::default() }).unwrap();
                let got = fuzz::run(&e, &p, std::slice::from_ref(&bytes));
                for (got, want) in got.iter().zip(&want) {
                    fuzz::same(part, got, want).unwrap_or_else(|e| panic!("{dt}, {n} from {first}, {isa:?}: {e}"))
                }
            }
        }
    }
}

/// Long chains have two rounds in one, and give the same for all numbers of elements, also where a round is left to the interpreter.
#[test]
fn two_rounds_in_one() {
    let chain = |dt: Dt, n: usize| {
        let mut p = Program::default();
        let (x, k) = (p.arg(Ty::new(dt, &[n])), p.arg(Ty::new(dt, &[])));
        let mut b = Body::default();
        let (x_, k_) = (b.input(0, dt), b.input(1, dt));
        let mut y = b.bin(Op::Mul, dt, x_, k_);
        // an index, so that the second round has its own
        let index = b.index(0, Dt::I32);
        let index = b.push(Op::Cast, dt, index, 0, 0);
        for _ in 0..4 {
            let e = b.un(Op::Math(crate::M::Exp), dt, y);
            let s = b.un(Op::Math(crate::M::Sin), dt, e);
            y = b.bin(Op::Mul, dt, s, index)
        }
        let z = b.cmp(Op::Lt, x_, y);
        b.outs = vec![y, z];
        p.views.push(crate::View::splat(&[n]));
        let uses = [Use::plain(x), Use { view: Some(0), ..Use::plain(k) }];
        let first = p.push(Kind::Map(b.into()), &uses, &[Ty::new(dt, &[n]), Ty::new(Dt::Bool, &[n])]);
        p.outs = vec![first, first + 1];
        p
    };
    for dt in [Dt::F32, Dt::F64, Dt::F16] {
        for n in (1..70).chain([200]) {
            let p = chain(dt, n);
            let word = |i: usize| {
                // one in fifty is large: its sine is rare
                let x = if i % 50 == 49 { 11.0 } else { (i as f64 * 0.7).sin() };
                crate::reference::scalar(Op::Cast, dt, Dt::F64, x.to_bits(), 0, 0).to_le_bytes()[..dt.size()].to_vec()
            };
            let args = [(0..n).flat_map(word).collect(), word(1)];
            let want = crate::reference::evaluate(&p, &args).expect("a valid program");
            for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|i| i.available()) {
                let e = Executable::compile_with(&p, Options { isa, machine: When::Always, ..Options::default() });
                let got = fuzz::run(&e.unwrap(), &p, &args);
                for (k, dt) in [dt, Dt::Bool].into_iter().enumerate() {
                    if let Err(e) = fuzz::same(dt, &got[k], &want[k]) {
                        panic!("{dt}, {n} elements, {isa:?}, result {k}: {e}")
                    }
                }
            }
        }
    }
    if Isa::Avx2.available() && cfg!(target_os = "linux") {
        let all = all();
        let two: Vec<_> = all.iter().filter_map(|(l, k, c)| c.filter(|c| c.two.is_some()).map(|c| (l, k, c))).collect();
        assert!(two.len() >= 3 && two.iter().all(|t| *t.1 == Loop::Map), "{}", two.len());
        for (l, kind, code) in two {
            code.bytes().for_each(|bytes| check(l, kind, bytes))
        }
    }
}

#[test]
fn a_loop_of_scalars_is_machine_code() {
    if !Isa::Avx2.available() || !cfg!(target_os = "linux") {
        return;
    }
    let ty = Ty::new(Dt::F64, &[]);
    let mut p = Program::default();
    let x = p.arg(ty.clone());
    let mut b = Body::default();
    let a = b.input(0, Dt::F64);
    let half = b.num(Dt::F64, 0.625);
    let y = b.bin(Op::Mul, Dt::F64, a, half);
    b.outs.push(y);
    p.outs = vec![p.push(Kind::Map(b.into()), &[Use::plain(x)], &[ty])];
    let options = Options { isa: Isa::Avx2, machine: When::Always, ..Options::default() };
    let body = Executable::compile_with(&p, options).unwrap();
    let turns = ScalarLoop { cond: None, body: &body, consts: &[], length: Some(10), reverse: false, xs: &[], ys: &[] };
    let mut carry = [1f64.to_bits()];
    assert_eq!(turns.run(&mut carry).0, 10);
    assert_eq!(f64::from_bits(carry[0]), 0.625f64.powi(10));
    assert!(all().iter().any(|(_, kind, c)| matches!(kind, Loop::Turns { .. }) && c.is_some()));
}

/// A sum of differences, all of which are wanted again behind it: most are in the frame.
fn many(n: usize) -> Program {
    let mut p = Program::default();
    let ty = Ty::new(Dt::F32, &[640]);
    let (x, y) = (p.arg(ty.clone()), p.arg(ty.clone()));
    let mut body = Body::default();
    let [a, b] = [body.input(0, Dt::F32), body.input(1, Dt::F32)];
    let mut last = a;
    let all: Vec<u32> = (0..n)
        .map(|_| {
            last = body.bin(Op::Sub, Dt::F32, b, last);
            last
        })
        .collect();
    let sum = all.into_iter().rev().reduce(|s, v| body.bin(Op::Add, Dt::F32, s, v)).expect("some");
    body.outs.push(sum);
    let sum = p.push(Kind::Map(body.into()), &[Use::plain(x), Use::plain(y)], &[ty]);
    p.outs.push(sum);
    p
}
/// As many values as no frame has room for.
const TOO_MANY: usize = 20_000;
#[test]
fn frames_are_as_large_as_the_stack_allows() {
    let bytes = |k: usize| -> Vec<u8> { (0..640).flat_map(|i| ((i * k) as f32 / 64.0).to_le_bytes()).collect() };
    let args = vec![bytes(3), bytes(7)];
    // most of a page, pages, and more than a stack has
    for (n, code) in [(40, true), (60, true), (1000, true), (6000, true), (TOO_MANY, false)] {
        let p = many(n);
        let want = crate::reference::evaluate(&p, &args).unwrap();
        for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|i| i.available()) {
            let e = Executable::compile_with(&p, Options { isa, machine: When::Always, ..Options::default() }).unwrap();
            let got = std::thread::scope(|s| s.spawn(|| fuzz::run(&e, &p, &args)).join().unwrap());
            assert_eq!(got[0], want[0], "{n} values, {isa:?}");
            let options = Options { isa, machine: When::Always, ..Options::default() };
            let seen = Inspected::compile_with(&p, options).unwrap().assembly(0).remove(0).code;
            assert!(!cfg!(target_os = "linux") || seen.is_ok() == code, "{n} values, {isa:?}: {:?}", seen.err());
        }
    }
}
