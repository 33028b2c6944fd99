//! The step that calls a routine of a library.

use super::build::Place;
use super::run::Frame;
use crate::routine::Memory;
use crate::{Call, Lib, Ty};
use smallvec::SmallVec;

/// A call: types of one matrix each, and where everything lies.
pub struct LibStep {
    pub lib: Lib,
    pub count: usize,
    /// Types and bytes of operands and results.
    ins: Vec<(Ty, usize)>,
    outs: Vec<Ty>,
    from: SmallVec<[(Place, isize); 4]>,
    to: SmallVec<[(Place, usize); 4]>,
}

impl LibStep {
    /// `from` are the operands, without the first one if the routine works in place, `to` the results with their bytes.
    pub fn new(
        lib: &Lib,
        operands: &[Ty],
        results: &[Ty],
        from: SmallVec<[(Place, isize); 4]>,
        to: SmallVec<[(Place, usize); 4]>,
    ) -> LibStep {
        let count = results[0].dims[..lib.batch as usize].iter().product();
        let ins = lib.cores(operands).into_iter().zip(operands).map(|(core, ty)| (core, ty.bytes())).collect();
        LibStep { lib: lib.clone(), count, ins, outs: lib.cores(results), from, to }
    }

    /// # Safety
    /// The frame belongs to the program.
    pub unsafe fn run(&self, frame: &Frame) {
        let over = self.lib.routine.in_place as usize;
        let nothing = Memory { ptr: std::ptr::null_mut(), len: 0 };
        let ins: SmallVec<[(Ty, Memory); 4]> = self
            .ins
            .iter()
            .enumerate()
            .map(|(k, (ty, len))| {
                let m = match k.checked_sub(over) {
                    Some(k) => Memory { ptr: frame.spot(self.from[k]), len: *len },
                    None => nothing,
                };
                (ty.clone(), m)
            })
            .collect();
        let outs: SmallVec<[(Ty, Memory); 4]> = self
            .outs
            .iter()
            .zip(&self.to)
            .map(|(ty, (place, len))| (ty.clone(), Memory { ptr: frame.at(*place), len: *len }))
            .collect();
        for (_, m) in &outs[over..] {
            // SAFETY: the place of a result has the bytes of its type.
            unsafe { m.ptr.write_bytes(0, m.len) };
        }
        // SAFETY: operands are dense and were made before; places of results are their own, and an operand that is written over is not passed.
        let mut call = unsafe { Call::new(&self.lib.params, self.count, &ins, &outs) };
        self.lib.run(&mut call)
    }
}
