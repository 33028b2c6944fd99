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
