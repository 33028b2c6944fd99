//! Random programs: the engine against the reference, bit for bit, on every instruction set, fused and not.
//!
//! `COTANGENT_FUZZ=first..end` chooses the seeds.

use cotangent_cpu::exec::Options;
use cotangent_cpu::isa::Isa;
use cotangent_cpu::*;

/// A value in memory, by the convention of `run`.
enum Held {
    Bits(u64),
    Buffer(Buffer),
}
fn hold(ty: &Ty, bytes: &[u8]) -> Held {
    if ty.dims.is_empty() && bytes.len() <= 8 {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        Held::Bits(u64::from_le_bytes(word))
    } else {
        Held::Buffer(Buffer::from_bytes(bytes))
    }
}
fn bytes_of(o: &Output, ty: &Ty, args: &[Vec<u8>]) -> Vec<u8> {
    match o {
        Output::Bits(b) => {
            let n = ty.bytes();
            assert!(n == 8 || b >> (8 * n) == 0, "bits above a scalar of {n} bytes: {b:x}");
            b.to_le_bytes()[..n].to_vec()
        }
        Output::Buffer(b) => b.as_bytes().to_vec(),
        Output::Arg(i) => args[*i as usize].clone(),
    }
}

fn compare(seed: u64) -> Result<(), String> {
    let (p, args) = fuzz::case(seed);
    let want = reference::evaluate(&p, &args).expect("a fuzz case is valid");
    let held: Vec<Held> = p.args.iter().zip(&args).map(|(ty, b)| hold(ty, b)).collect();
    let operands: Vec<Operand> = held
        .iter()
        .map(|h| match h {
            Held::Bits(b) => Operand::Bits(*b),
            Held::Buffer(b) => Operand::Buffer(b),
        })
        .collect();
    for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
        for (fuse, in_place) in [(true, 1), (true, usize::MAX), (false, 1)] {
            let e = Executable::compile_with(&p, Options { isa, fuse, in_place })?;
            let got = e.run(&operands);
            for (k, (o, v)) in got.iter().zip(&p.outs).enumerate() {
                let ty = p.ty(*v);
                fuzz::same(ty.dt, &bytes_of(o, ty, &args), &want[k]).map_err(|e| {
                    format!("seed {seed}, {isa:?}, fuse {fuse}, in place from {in_place}, result {k} ({ty}): {e}\n{p}")
                })?;
            }
        }
    }
    for (h, (ty, b)) in held.iter().zip(p.args.iter().zip(&args)) {
        if let Held::Buffer(h) = h {
            assert_eq!(h.as_bytes(), b, "seed {seed}: an argument {ty} was changed");
        }
    }
    Ok(())
}

#[test]
fn engine_and_reference_agree() {
    let (first, end) = match std::env::var("COTANGENT_FUZZ") {
        Ok(range) => {
            let (a, b) = range.split_once("..").expect("first..end");
            (a.parse().unwrap(), b.parse().unwrap())
        }
        Err(_) => (0, 3000),
    };
    let failures: Vec<String> = (first..end).filter_map(|seed| compare(seed).err()).collect();
    assert!(
        failures.is_empty(),
        "{} failures, among them\n{}",
        failures.len(),
        failures[..failures.len().min(3)].join("\n")
    );
}
