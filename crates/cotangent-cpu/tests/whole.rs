//! Whole random programs, and programs of programs: loops within loops, branches, results that become operands. The engine in every way that it can run them (interpreted, as
//! machine code, with and without strips, on one thread and on three) against the reference, bit for bit.
//!
//! `COTANGENT_FUZZ=first..end` chooses the seeds.

use cotangent_cpu::exec::{Options, Sizes, When};
use cotangent_cpu::fuzz::Rng;
use cotangent_cpu::isa::Isa;
use cotangent_cpu::reference::evaluate;
use cotangent_cpu::*;
use std::sync::Mutex;

/// The number of threads is the process's.
static THREADS: Mutex<()> = Mutex::new(());

fn seeds(few: u64) -> std::ops::Range<u64> {
    match std::env::var("COTANGENT_FUZZ") {
        Ok(range) => {
            let (a, b) = range.split_once("..").expect("first..end");
            a.parse().unwrap()..b.parse().unwrap()
        }
        Err(_) => 0..few,
    }
}
/// Tries all of them; what fails is told at once to whoever wants to see it (`--nocapture`), and in the end.
fn try_all(few: u64, one: impl Fn(u64) -> Result<(), String>) {
    let failed = |seed| {
        let e = caught(|| one(seed)).err().map(|e| format!("seed {seed}: {e}"));
        e.inspect(|e| eprintln!("{e}"))
    };
    let failures: Vec<String> = seeds(few).filter_map(failed).collect();
    let some = failures[..failures.len().min(3)].join("\n");
    assert!(failures.is_empty(), "{} failures, among them\n{some}", failures.len());
}
/// What a panic said.
fn caught<R>(f: impl FnOnce() -> Result<R, String>) -> Result<R, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).unwrap_or_else(|e| {
        let text = e.downcast_ref::<String>().cloned().or(e.downcast_ref::<&str>().map(|s| s.to_string()));
        Err(format!("a panic: {}", text.unwrap_or_default()))
    })
}

/// The longest rows that are straight lines of machine code, by seed: longer ones are loops.
fn line(seed: u64) -> usize {
    if seed.is_multiple_of(2) { 32 } else { 1024 }
}
/// Ways to run a program, with the number of threads.
fn ways(line: usize) -> Vec<(Options, usize)> {
    let (all, none) = (When::Always, When::Never);
    let (far, near) = (Sizes { least: usize::MAX, strip: 1, line }, Sizes { least: 1, strip: 64, line });
    let wide = Sizes { least: 1, strip: 3000, line };
    let mut ways = vec![];
    for isa in Isa::ALL.into_iter().filter(|i| i.available()) {
        for (machine, strips, in_place, threads) in [
            (none, far, 1, 1),
            (none, near, usize::MAX, 3),
            (all, far, 1, 3),
            (all, near, 1, 1),
            (all, wide, 1, 3),
            (When::Pays, Sizes::default(), 64, 1),
        ] {
            if isa == Isa::Portable && machine != none {
                continue;
            }
            ways.push((Options { isa, machine, strips, in_place, ..Options::default() }, threads))
        }
    }
    ways
}

fn program(seed: u64) -> Result<(), String> {
    let (p, args) = fuzz::whole(seed);
    let want = evaluate(&p, &args).map_err(|e| format!("{e}\n{p}"))?;
    for (options, threads) in ways(line(seed)) {
        pool::set_threads(threads);
        let e = Executable::compile_with(&p, options)?;
        // again, with machine code that came late and memory that was used
        for _ in 0..2 {
            let got = fuzz::run(&e, &p, &args);
            for (k, v) in p.outs.iter().enumerate() {
                let ty = p.ty(*v);
                fuzz::same(ty.dt, &got[k], &want[k])
                    .map_err(|e| format!("{options:?}, {threads} threads, result {k} ({ty}): {e}\n{p}"))?;
            }
        }
    }
    Ok(())
}

#[test]
fn whole_programs_are_those_of_the_reference() {
    let _one = THREADS.lock().unwrap_or_else(|e| e.into_inner());
    pool::share_everything(true);
    try_all(300, program)
}

/// A program from a state to the next, and what else it takes. Its arguments: constants, then the state.
struct Step {
    p: Program,
    consts: Vec<Vec<u8>>,
    /// Further results.
    more: usize,
}
/// What happens to the state.
enum Act {
    /// A program, once.
    Once(Step),
    /// A program, so many times; as one loop of the engine. It may write over the state.
    Turns(Step, usize, bool),
    /// All of these, so many times.
    Loop(Vec<Act>, usize),
    /// One of these, by the lowest bit of the state.
    Either(Vec<Act>, Vec<Act>),
}
type State = Vec<Vec<u8>>;

fn step(seed: u64, types: &[Ty]) -> Step {
    let (mut p, mut args, more) = fuzz::over(seed, types);
    let (n, all) = (types.len(), p.args.len());
    let order: Vec<usize> = (n..all).chain(0..n).collect();
    p.args = order.iter().map(|i| p.args[*i].clone()).collect();
    for node in &mut p.nodes {
        if let Kind::Arg(i) = &mut node.kind {
            *i = order.iter().position(|o| *o == *i as usize).unwrap() as u32
        }
    }
    Step { p, consts: args.split_off(n), more }
}
fn acts(r: &mut Rng, types: &[Ty], depth: usize, left: &mut usize) -> Vec<Act> {
    let n = 1 + r.below(3);
    (0..n)
        .map(|_| {
            *left = left.saturating_sub(1);
            let seed = r.below(usize::MAX) as u64;
            let deep = depth < 3 && *left > 0;
            match r.below(6) {
                0 | 1 => Act::Once(step(seed, types)),
                4 if deep => Act::Loop(acts(r, types, depth + 1, left), r.below(4)),
                5 if deep => Act::Either(acts(r, types, depth + 1, left), acts(r, types, depth + 1, left)),
                _ => Act::Turns(step(seed, types), r.below(5), r.below(2) == 0),
            }
        })
        .collect()
}
/// Which way to go; not by the bits of a NaN, which nobody promises.
fn odd(state: &State, types: &[Ty]) -> bool {
    let Some((bytes, ty)) = state.iter().zip(types).find(|(s, _)| !s.is_empty()) else { return false };
    let (part, word) = (ty.dt.part(), |b: &[u8]| b.iter().rev().fold(0, |w, b| w << 8 | *b as u64));
    let x = word(&bytes[..part.size()]);
    let nan = part.is_float() && reference::scalar(Op::Ne, Dt::Bool, part, x, x, 0) != 0;
    !nan && x & 1 == 1
}

/// By the reference. Results beside the state are collected.
fn refer(
    acts: &[Act],
    types: &[Ty],
    state: &mut State,
    beside: &mut Vec<(Dt, Vec<u8>)>,
    texts: &mut Vec<String>,
) -> Result<(), String> {
    for act in acts {
        let mut once = |s: &Step| -> Result<(), String> {
            let args: Vec<Vec<u8>> = s.consts.iter().chain(state.iter()).cloned().collect();
            let mut outs = evaluate(&s.p, &args)?;
            let types = s.p.outs[state.len()..].iter().map(|v| s.p.ty(*v).dt);
            beside.extend(types.zip(outs.split_off(state.len())));
            *state = outs;
            if texts.len() < 20 {
                texts.push(s.p.to_string())
            }
            Ok(())
        };
        match act {
            Act::Once(s) => once(s)?,
            Act::Turns(s, n, _) => {
                for _ in 0..*n {
                    once(s)?
                }
            }
            Act::Loop(inner, n) => {
                for _ in 0..*n {
                    refer(inner, types, state, beside, texts)?
                }
            }
            Act::Either(yes, no) => refer(if odd(state, types) { yes } else { no }, types, state, beside, texts)?,
        }
    }
    Ok(())
}

/// The state as the engine has it: what a run left is what the next one takes.
#[derive(Clone)]
enum Held {
    Bits(u64, usize),
    Buffer(std::sync::Arc<Buffer>),
}
impl Held {
    fn new(ty: &Ty, bytes: &[u8]) -> Held {
        match ty.dims.is_empty() && ty.bytes() <= 8 {
            true => Held::Bits(bytes.iter().rev().fold(0, |w, b| w << 8 | *b as u64), ty.bytes()),
            false => Held::Buffer(Buffer::from_bytes(bytes).into()),
        }
    }
    fn bytes(&self) -> Vec<u8> {
        match self {
            Held::Bits(b, n) => b.to_le_bytes()[..*n].to_vec(),
            Held::Buffer(b) => b.as_bytes().to_vec(),
        }
    }
    fn operand(&self) -> Operand<'_> {
        match self {
            Held::Bits(b, _) => Operand::Bits(*b),
            Held::Buffer(b) => Operand::Buffer(b),
        }
    }
    /// A result, which may be one of these operands.
    fn of(out: Output, ty: &Ty, args: &[Held]) -> Held {
        match out {
            Output::Bits(b) => Held::Bits(b, ty.bytes()),
            Output::Buffer(b) => Held::Buffer(b.into()),
            Output::Arg(i) => args[i as usize].clone(),
        }
    }
}

/// By the engine.
fn engine(
    acts: &[Act],
    types: &[Ty],
    options: Options,
    state: &mut Vec<Held>,
    beside: &mut State,
) -> Result<(), String> {
    for act in acts {
        match act {
            Act::Once(s) => once(s, options, state, beside)?,
            Act::Turns(s, n, owned) => {
                let (nc, nk) = (s.consts.len(), state.len());
                let owned = if *owned { (nc, nc + nk) } else { (0, 0) };
                let body = Executable::compile_with(&s.p, Options { owned, ..options })?;
                let consts: Vec<Held> = s.consts.iter().zip(&s.p.args).map(|(c, ty)| Held::new(ty, c)).collect();
                let before = state.clone();
                let turned = ArrayLoop {
                    cond: None,
                    body: &body,
                    consts: &consts.iter().map(Held::operand).collect::<Vec<_>>(),
                    carry: &before.iter().map(Held::operand).collect::<Vec<_>>(),
                    length: Some(*n),
                    reverse: false,
                    xs: &[],
                }
                .run();
                let Some(Turned { carry, turns, ys }) = turned else {
                    // a program of scalars is for another loop
                    for _ in 0..*n {
                        once(s, options, state, beside)?
                    }
                    continue;
                };
                if turns != *n {
                    return Err(format!("{turns} turns instead of {n}"));
                }
                for t in 0..*n {
                    for (y, v) in ys.iter().zip(&s.p.outs[nk..]) {
                        let bytes = s.p.ty(*v).bytes();
                        beside.push(y.as_bytes()[t * bytes..(t + 1) * bytes].to_vec())
                    }
                }
                let types = s.p.outs.iter().map(|v| s.p.ty(*v));
                *state = carry.into_iter().zip(types).map(|(o, ty)| Held::of(o, ty, &before)).collect();
                for (c, h) in s.consts.iter().zip(&consts) {
                    if *c != h.bytes() {
                        return Err("a constant was changed".into());
                    }
                }
            }
            Act::Loop(inner, n) => {
                for _ in 0..*n {
                    engine(inner, types, options, state, beside)?
                }
            }
            Act::Either(yes, no) => {
                let now = state.iter().map(Held::bytes).collect();
                engine(if odd(&now, types) { yes } else { no }, types, options, state, beside)?
            }
        }
    }
    Ok(())
}
fn once(s: &Step, options: Options, state: &mut Vec<Held>, beside: &mut State) -> Result<(), String> {
    let e = Executable::compile_with(&s.p, options)?;
    let held: Vec<Held> =
        s.consts.iter().zip(&s.p.args).map(|(c, ty)| Held::new(ty, c)).chain(state.iter().cloned()).collect();
    let outs = e.run(&held.iter().map(Held::operand).collect::<Vec<_>>());
    let types = s.p.outs.iter().map(|v| s.p.ty(*v));
    let mut all: Vec<Held> = outs.into_iter().zip(types).map(|(o, ty)| Held::of(o, ty, &held)).collect();
    assert_eq!(all.len(), state.len() + s.more);
    beside.extend(all.split_off(state.len()).iter().map(Held::bytes));
    *state = all;
    Ok(())
}

fn programs(seed: u64) -> Result<(), String> {
    let mut r = Rng(seed);
    let dts = [Dt::F32, Dt::F32, Dt::F64, Dt::I32, Dt::F16, Dt::C64, Dt::U8];
    let (a, b) = ([1, 2, 3, 8, 17][r.below(5)], [1, 5, 8, 16, 33][r.below(5)]);
    let shapes = [vec![a, b], vec![b], vec![], vec![a, b], vec![b, a]];
    let types: Vec<Ty> =
        (0..1 + r.below(4)).map(|_| Ty::new(dts[r.below(7)], &shapes[r.below(shapes.len())])).collect();
    let first: State = fuzz::over(seed, &types).1.into_iter().take(types.len()).collect();
    let all = acts(&mut r, &types, 0, &mut 8);
    let (mut want, mut beside, mut texts) = (first.clone(), vec![], vec![]);
    refer(&all, &types, &mut want, &mut beside, &mut texts)?;
    let ways = ways(line(seed));
    // two of the ways, each time others
    for k in 0..2 {
        let (options, threads) = ways[(seed as usize * 5 + k * 7) % ways.len()];
        pool::set_threads(threads);
        let start: Vec<Held> = types.iter().zip(&first).map(|(ty, b)| Held::new(ty, b)).collect();
        let (mut state, mut got) = (start.clone(), vec![]);
        engine(&all, &types, options, &mut state, &mut got)?;
        let told = |what: String| format!("{options:?}, {threads} threads: {what}\n{}", texts.join("\n"));
        if got.len() != beside.len() {
            return Err(told(format!("{} results instead of {}", got.len(), beside.len())));
        }
        for (h, b) in start.iter().zip(&first) {
            if h.bytes() != *b {
                return Err(told("an argument was changed".into()));
            }
        }
        for ((h, w), ty) in state.iter().zip(&want).zip(&types) {
            fuzz::same(ty.dt, &h.bytes(), w).map_err(&told)?
        }
        for (k, (g, (dt, w))) in got.iter().zip(&beside).enumerate() {
            fuzz::same(*dt, g, w).map_err(|e| told(format!("further result {k}: {e}")))?
        }
    }
    Ok(())
}
#[test]
fn programs_of_programs_are_those_of_the_reference() {
    let _one = THREADS.lock().unwrap_or_else(|e| e.into_inner());
    pool::share_everything(true);
    try_all(300, programs)
}
