//! Random programs in memory between pages that nobody may touch: arguments, results, and all memory in which the engine works.
//!
//! A crash names the seed. Whatever is read beyond its end would go unseen otherwise, since what is read there is masked away.

use super::{case, run, same, whole};
use crate::buffer::guard::{Side, within};
use crate::exec::{Options, Sizes, When};
use crate::isa::Isa;
use crate::reference::evaluate;
use crate::{Executable, Program};

fn compare(seed: u64, what: &str, p: &Program, args: &[Vec<u8>]) {
    let want = evaluate(p, args).expect("a fuzz case is valid");
    for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
        let (far, near) = (
            Sizes { least: usize::MAX, strip: 1, line: 1024 },
            Sizes { least: 1, strip: 64, line: if seed.is_multiple_of(2) { 32 } else { 1024 } },
        );
        for (fuse, in_place, machine, strips) in [
            (true, 1, When::Always, far),
            (true, usize::MAX, When::Always, near),
            (true, 1, When::Never, near),
            (false, 1, When::Never, far),
        ] {
            let options = Options { isa, fuse, in_place, machine, strips, ..Options::default() };
            let e = Executable::compile_with(p, options).expect("a fuzz case is valid");
            // what is made once and stays is not guarded
            run(&e, p, args);
            for side in [Side::End, Side::Start] {
                let note = format!(
                    "{what} {seed}, {isa:?}, fuse {fuse}, in place from {in_place}, machine code {machine:?}, {strips:?}, {side:?}"
                );
                let got = within(side, &note, || run(&e, p, args));
                for (k, v) in p.outs.iter().enumerate() {
                    same(p.ty(*v).dt, &got[k], &want[k]).unwrap_or_else(|e| panic!("{note}, result {k}: {e}\n{p}"))
                }
            }
        }
    }
}

fn seeds() -> std::ops::Range<u64> {
    match std::env::var("COTANGENT_FUZZ") {
        Ok(range) => {
            let (a, b) = range.split_once("..").expect("first..end");
            a.parse().unwrap()..b.parse().unwrap()
        }
        Err(_) => 0..250,
    }
}

#[test]
fn nothing_is_touched_beyond_its_ends() {
    for seed in seeds() {
        let (p, args) = case(seed);
        compare(seed, "seed", &p, &args);
    }
}

#[test]
fn whole_programs_touch_nothing_beyond_their_ends() {
    let all = seeds();
    for seed in all.start..all.start + (all.end - all.start) / 8 {
        let (p, args) = whole(seed);
        compare(seed, "whole program", &p, &args);
    }
}
