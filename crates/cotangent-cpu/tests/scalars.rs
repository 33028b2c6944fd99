//! Programs over elements against the programs that they are made of, bit for bit.

use cotangent_cpu::exec::{Options, When};
use cotangent_cpu::isa::Isa;
use cotangent_cpu::reference::evaluate;
use cotangent_cpu::*;
use std::collections::HashMap;

/// What `p` computes as what its elements are.
fn apart(tys: &[&Ty], values: &[Vec<u8>]) -> Vec<Vec<u8>> {
    tys.iter().zip(values).flat_map(|(ty, v)| v.chunks(ty.dt.size()).map(<[u8]>::to_vec)).collect()
}

#[test]
fn elements_are_those_of_the_arrays() {
    let (mut made, mut kinds) = (0, HashMap::<&str, usize>::new());
    for seed in 0..24_000 {
        let (p, args) = fuzz::case_within(seed, [6, 20, 70][seed as usize % 3]);
        let Some(s) = elements(&p) else { continue };
        s.check().unwrap_or_else(|e| panic!("seed {seed}: {e}\n{p}\n{s}"));
        made += 1;
        for node in &p.nodes {
            *kinds.entry(node.kind.name()).or_default() += 1
        }
        let of = |p: &Program, vals: &[ValId]| vals.iter().map(|v| p.ty(*v).clone()).collect::<Vec<_>>();
        let outs = of(&p, &p.outs);
        let scalar_args = apart(&p.args.iter().collect::<Vec<_>>(), &args);
        let want = apart(&outs.iter().collect::<Vec<_>>(), &evaluate(&p, &args).unwrap());
        let got = evaluate(&s, &scalar_args).unwrap();
        // the engine's scalars, too
        let isa = Isa::ALL[seed as usize / 3 % 3];
        let isa = if isa.available() { isa } else { Isa::Portable };
        let run = |machine| {
            let e = Executable::compile_with(&s, Options { isa, machine, ..Options::default() }).unwrap();
            assert!(e.is_scalar(), "seed {seed}\n{s}");
            fuzz::run(&e, &s, &scalar_args)
        };
        let run = run(When::Never);
        assert_eq!((got.len(), run.len()), (want.len(), want.len()), "seed {seed}");
        for (k, v) in s.outs.iter().enumerate() {
            for got in [&got, &run] {
                fuzz::same(s.ty(*v).dt, &got[k], &want[k])
                    .unwrap_or_else(|e| panic!("seed {seed}, element {k}: {e}\n{p}\n{s}"))
            }
        }
    }
    assert!(made > 2000, "{made}");
    for kind in ["map", "view", "reduce", "prefix", "dynslice", "update", "concat", "dot"] {
        assert!(kinds.get(kind).is_some_and(|n| *n >= 20), "{kind}: {kinds:?}")
    }
}

#[test]
fn large_programs_stay_as_they_are() {
    let program = |n: usize| {
        let ty = Ty::new(Dt::F32, &[n]);
        let mut p = Program::default();
        let x = p.arg(ty.clone());
        let mut b = Body::default();
        let v = b.input(0, Dt::F32);
        let y = b.bin(Op::Mul, Dt::F32, v, v);
        b.outs.push(y);
        p.outs = vec![p.push(Kind::Map(b.into()), &[Use::plain(x)], &[ty])];
        p
    };
    assert_eq!(scalars(&program(4)).map(|s| (s.args.len(), s.outs.len())), Some((4, 4)));
    assert!(scalars(&program(1000)).is_none());
}
