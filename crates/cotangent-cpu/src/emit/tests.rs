//! What was emitted is what can run: every instruction decodes, belongs to the instruction set, and jumps to where one begins. (What it computes is
//! compared with the reference by `tests/fuzz.rs` and `tests/turns.rs`.)

use super::*;
use crate::exec::Options;
use crate::{Body, Dt, Executable, Kind, Op, Program, ScalarLoop, Ty, Use, fuzz};
use iced_x86::{CpuidFeature as Has, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register};
use std::collections::HashSet;

/// Everything that was compiled so far.
fn all() -> Vec<(Lanes, Loop, Option<Code>)> {
    let known = KNOWN.lock().unwrap();
    known.iter().flatten().map(|((_, l, kind), c)| (*l, *kind, *c)).collect()
}
fn decode(code: &Code) -> Vec<Instruction> {
    Decoder::with_ip(64, code.bytes(), 0, DecoderOptions::NONE).into_iter().collect()
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
    }
    let all = all();
    let made: Vec<_> = all.iter().filter_map(|(l, kind, c)| c.map(|c| (l, kind, c))).collect();
    if Isa::Avx2.available() && cfg!(target_os = "linux") {
        assert!(made.len() > 100 && made.len() > all.len() * 9 / 10, "{} of {} have code", made.len(), all.len());
    }
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
    for (l, kind, code) in made {
        let text = decode(&code);
        let starts: HashSet<u64> = text.iter().map(|i| i.ip()).collect();
        assert_eq!(text.iter().map(|i| i.len()).sum::<usize>(), code.text);
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
                assert!(
                    lea || pointers.contains(&base) || (Register::R8..=Register::R15).contains(&base),
                    "{}",
                    told()
                );
                assert!(
                    [Register::None, Register::RAX, Register::RDX].contains(&i.memory_index()),
                    "only elements are counted: {}",
                    told()
                );
            }
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
        for seed in 0..300 {
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
