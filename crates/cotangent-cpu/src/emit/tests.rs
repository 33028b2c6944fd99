//! How much of what programs do has machine code.

use super::*;
use crate::exec::Options;
use crate::fuzz;

#[test]
fn random_programs_become_machine_code() {
    for isa in [Isa::Avx2, Isa::Avx512].into_iter().filter(|i| i.available()) {
        for seed in 0..400 {
            let (p, args) = fuzz::case(seed);
            let options = Options { isa, fuse: true, in_place: 1, machine: When::Always };
            let e = crate::Executable::compile_with(&p, options).expect("a fuzz case is valid");
            fuzz::run(&e, &p, &args);
        }
    }
    let known = KNOWN.lock().unwrap();
    let all: Vec<_> = known.iter().flatten().collect();
    let made = all.iter().filter(|(_, c)| c.is_some()).count();
    eprintln!("{made} of {}", all.len());
}
