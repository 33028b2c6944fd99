//! The engine on arguments and results as bytes.

use crate::{Buffer, Executable, Operand, Output, Outputs, Program, Ty};

/// Runs an executable of this program on arguments in the form of [`crate::reference::evaluate`], and gives results in that form.
///
/// # Panics
/// If a scalar result has bits above its bytes, an argument was changed, or results differ when the memory of arguments is given away.
pub fn run(e: &Executable, p: &Program, args: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let bytes = |outs: Outputs| -> Vec<Vec<u8>> {
        let each = outs.iter().zip(&p.outs).map(|(o, v)| match o {
            Output::Bits(b) => {
                let n = p.ty(*v).bytes();
                assert!(n == 8 || b >> (8 * n) == 0, "bits above a scalar of {n} bytes: {b:x}");
                b.to_le_bytes()[..n].to_vec()
            }
            Output::Buffer(b) => b.as_bytes().to_vec(),
            Output::Arg(i) => args[*i as usize].clone(),
        });
        each.collect()
    };
    run_operands(&p.args, args, |operands| {
        let made = bytes(e.run(operands));
        if !e.wants().is_empty() {
            let (mut operands, mut given) = (operands.to_vec(), vec![]);
            for i in e.wants() {
                operands[*i as usize] = Operand::Given(given.len());
                given.push(Buffer::from_bytes(&args[*i as usize]))
            }
            let again = bytes(e.run_giving(&operands, &mut given));
            for ((again, made), v) in again.iter().zip(&made).zip(&p.outs) {
                let equal = super::same(p.ty(*v).dt, again, made);
                assert!(equal.is_ok(), "with arguments given away: {}", equal.unwrap_err());
            }
            assert!(given.iter().all(Buffer::is_empty), "memory that was wanted is used");
        }
        made
    })
}

/// Calls `f` with arguments of these types, given as bytes, and looks that they are the same afterwards.
///
/// # Panics
/// If an argument was changed.
pub fn run_operands<R>(types: &[Ty], args: &[Vec<u8>], f: impl FnOnce(&[Operand]) -> R) -> R {
    let bits = |ty: &Ty| ty.dims.is_empty() && ty.bytes() <= 8;
    let held: Vec<Buffer> = args.iter().map(|a| Buffer::from_bytes(a)).collect();
    let operands: Vec<Operand> = (0..args.len())
        .map(|i| match bits(&types[i]) {
            true => Operand::Bits(args[i].iter().rev().fold(0, |w, b| w << 8 | *b as u64)),
            false => Operand::Buffer(&held[i]),
        })
        .collect();
    let r = f(&operands);
    for (h, a) in held.iter().zip(args) {
        assert_eq!(h.as_bytes(), a, "an argument was changed");
    }
    r
}
