//! Two rounds in one: the same program for the lanes of a round and for those of the next, instruction by instruction in turns.
//!
//! A processor overlaps rounds by itself as far as its window of some hundred instructions reaches. Where results wait for each other longer than that,
//! two independent chains beside each other take little more time than one.

use super::ir::{I, Inst, Ir, Store, Ty};
use super::select::Lanes;

/// The most instructions.
const MOST: usize = 4096;

/// Is it faster this way? With AVX-512 it is from a tenth to a third where this says so, and some hundredths slower elsewhere. Processors that have AVX2 alone look
/// less far ahead, and constants cost them more: there almost everything gains that does not wait for memory anyway.
pub fn pays(ir: &Ir, l: Lanes) -> bool {
    let n = ir.insts.iter().filter(|i| i.operands().1 > 0).count();
    // cycles on the longest way through the program, and of those for each instruction: with less, chains lie beside each other already
    let (long, waits) = if l.evex { (160, 2) } else { (40, 0) };
    n <= MOST && longest(ir) >= long.max(waits * n)
}
/// About how many cycles the longest chain of instructions takes that wait for each other.
fn longest(ir: &Ir) -> usize {
    let mut ends: Vec<usize> = Vec::with_capacity(ir.insts.len());
    for i in &ir.insts {
        let (ops, n) = i.operands();
        let start = ops[..n].iter().map(|v| ends[*v as usize]).max().unwrap_or(0);
        ends.push(start + cycles(i))
    }
    ends.into_iter().max().unwrap_or(0)
}
fn cycles(i: &Inst) -> usize {
    match i.i {
        I::Load(_) | I::Pair(..) | I::Splat(_) | I::Index | I::Carry | I::Const => 0,
        I::Div | I::Sqrt => {
            if i.ty == Ty::W64 {
                20
            } else {
                14
            }
        }
        I::IMul | I::MulHigh(_) => 10,
        I::Round(_) | I::Half => 8,
        I::MulHalves | I::Wide | I::Narrow => 5,
        I::Add | I::Sub | I::Mul | I::Fma | I::Min | I::Max | I::ToFloat(_) | I::ToInt(_) | I::Cmp(_) => 4,
        I::IEq | I::ILt(_) | I::Clz | I::Extend(_) | I::Low => 3,
        _ => 1,
    }
}

/// The program for twice as many lanes, `n` in a register; and of each instruction, which one of the program it is.
pub fn twice(ir: &Ir, n: usize) -> (Ir, Vec<u32>) {
    let (mut insts, mut origin): (Vec<Inst>, Vec<u32>) = Default::default();
    let mut at: [Vec<u32>; 2] = Default::default();
    for (p, i) in ir.insts.iter().enumerate() {
        let mut push = |inst: Inst| {
            origin.push(p as u32);
            insts.push(inst);
            insts.len() as u32 - 1
        };
        if matches!(i.i, I::Const | I::Splat(_) | I::Index) {
            let one = push(*i);
            at[0].push(one);
            at[1].push(match i.i {
                I::Index => {
                    let more = push(Inst { i: I::Const, ty: i.ty, a: n as u32, b: 0, c: 0 });
                    push(Inst { i: I::IAdd, ty: i.ty, a: one, b: more, c: 0 })
                }
                _ => one,
            });
            continue;
        }
        let operands = i.operands().1;
        for (k, at) in at.iter_mut().enumerate() {
            let mut inst = *i;
            for x in [&mut inst.a, &mut inst.b, &mut inst.c].into_iter().take(operands) {
                *x = at[*x as usize]
            }
            match i.i {
                I::Load(mem) => inst.b += (k * n * mem.size()) as u32,
                I::Pair(mem, _) => inst.b += (k * n * 2 * mem.size()) as u32,
                _ => {}
            }
            at.push(push(inst))
        }
    }
    let store = |s: &Store, k: usize| {
        let each = s.mem.size() * if s.beside.is_some() { 2 } else { 1 };
        let of = |v: u32| at[k][v as usize];
        Store { at: s.at + (k * n * each) as u32, val: of(s.val), beside: s.beside.map(of), ..*s }
    };
    let stores = ir.stores.iter().flat_map(|s| [store(s, 0), store(s, 1)]).collect();
    debug_assert!(ir.carries.is_empty() && ir.strides.is_empty(), "a map");
    (Ir { insts, stores, ..Ir::default() }, origin)
}
