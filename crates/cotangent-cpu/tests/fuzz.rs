//! Random programs: the engine against the reference, bit for bit, on every instruction set, fused and not.
//!
//! `COTANGENT_FUZZ=first..end` chooses the seeds.

use cotangent_cpu::exec::{Options, Sizes, When};
use cotangent_cpu::isa::Isa;
use cotangent_cpu::*;

fn compare(seed: u64) -> Result<(), String> {
    let (p, args) = fuzz::case(seed);
    let want = reference::evaluate(&p, &args).expect("a fuzz case is valid");
    for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
        let (all, none) = (When::Always, When::Never);
        // no strips, or some for whatever can be in one
        let (far, near) = (
            Sizes { least: usize::MAX, strip: 1, line: 1024 },
            Sizes { least: 1, strip: 64, line: if seed.is_multiple_of(2) { 32 } else { 1024 } },
        );
        for (fuse, in_place, machine, strips) in [
            (true, 1, none, far),
            (true, usize::MAX, none, near),
            (false, 1, none, near),
            (true, 1, all, far),
            (true, usize::MAX, all, near),
            (false, 1, all, near),
        ] {
            let e =
                Executable::compile_with(&p, Options { isa, fuse, in_place, machine, strips, ..Options::default() })?;
            let got = fuzz::run(&e, &p, &args);
            for (k, v) in p.outs.iter().enumerate() {
                let ty = p.ty(*v);
                fuzz::same(ty.dt, &got[k], &want[k]).map_err(|e| {
                    format!("seed {seed}, {isa:?}, fuse {fuse}, in place from {in_place}, machine code {machine:?}, {strips:?}, result {k} ({ty}): {e}\n{p}")
                })?;
            }
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
