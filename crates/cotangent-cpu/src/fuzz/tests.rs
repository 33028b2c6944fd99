//! The generator makes valid programs, of every kind, and not only trivial ones.

use super::*;
use crate::reference::evaluate;
use std::collections::HashMap;

#[test]
fn programs_are_valid_and_of_every_kind() {
    let mut kinds: HashMap<&str, usize> = HashMap::new();
    let (mut elements, mut nans) = (0, 0);
    for seed in 0..2000 {
        let (p, args) = case(seed);
        if let Err(e) = p.check() {
            panic!("seed {seed}: {e}\n{p}");
        }
        let outs = evaluate(&p, &args).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{p}"));
        for node in &p.nodes {
            *kinds.entry(node.kind.name()).or_default() += 1;
        }
        for (o, bytes) in p.outs.iter().zip(&outs) {
            let ty = p.ty(*o);
            assert_eq!(bytes.len(), ty.bytes(), "seed {seed}");
            same(ty.dt, bytes, bytes).unwrap();
            if ty.dt == Dt::F32 {
                let floats = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
                elements += bytes.len() / 4;
                nans += floats.filter(|x| x.is_nan()).count();
            }
        }
    }
    for kind in [
        "arg",
        "const",
        "map",
        "view",
        "reduce",
        "argreduce",
        "prefix",
        "gather",
        "scatter",
        "dynslice",
        "update",
        "concat",
        "dot",
    ] {
        assert!(kinds.get(kind).is_some_and(|n| *n >= 50), "{kind}: {kinds:?}");
    }
    assert!(nans > 1000 && nans < elements / 4, "{nans} NaNs of {elements}");
}

#[test]
fn a_seed_is_a_program() {
    for seed in [0, 1, 77] {
        assert_eq!(case(seed), case(seed));
    }
    assert_ne!(case(1), case(2));
}

#[test]
fn differences_are_told() {
    let bytes = |x: &[f32]| x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>();
    let a = bytes(&[1.0, f32::NAN, 0.0, 2.0]);
    assert_eq!(same(Dt::F32, &a, &bytes(&[1.0, -f32::NAN, 0.0, 2.0])), Ok(()));
    let e = same(Dt::F32, &a, &bytes(&[1.0, f32::NAN, -0.0, 3.0])).unwrap_err();
    assert_eq!(e, "element 2: 0.0 (0x0) against -0.0 (0x80000000); 2 of 4 numbers differ");
    let e = same(Dt::C64, &a, &bytes(&[1.0, 2.0, 0.0, 2.0])).unwrap_err();
    assert!(e.starts_with("element 0, imaginary part: NaN"), "{e}");
    assert!(same(Dt::F32, &a, &a[4..]).is_err());
    assert!(same(Dt::I32, &[1, 0, 0, 0], &[1, 0, 0, 1]).is_err());
}
