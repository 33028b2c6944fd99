//! Routines of libraries that move elements, and random calls of them.

use super::Fuzz;
use crate::{Call, Dt, Kind, Lib, Plain, Routine, Ty};
use num_complex::Complex;
use smallvec::SmallVec;

/// Calls a function for the types that routines take.
macro_rules! by_type {
    ($dt:expr, $f:ident($call:expr)) => {
        match $dt {
            Dt::F32 => $f::<f32>($call),
            Dt::F64 => $f::<f64>($call),
            Dt::C64 => $f::<Complex<f32>>($call),
            Dt::C128 => $f::<Complex<f64>>($call),
            _ => $f::<i32>($call),
        }
    };
}
/// The types.
const TYPES: [Dt; 5] = [Dt::F32, Dt::F64, Dt::C64, Dt::C128, Dt::I32];

fn is_matrix(ty: Option<&Ty>) -> bool {
    ty.is_some_and(|ty| ty.dims.len() == 2 && TYPES.contains(&ty.dt))
}
/// The transpose of a matrix, and for each row its number plus the parameter.
static MIRROR: Routine = Routine {
    name: "mirror",
    check: |params, ins, outs| {
        let fits = params.len() == 1 && ins.len() == 1 && is_matrix(ins.first()) && {
            let (m, n) = (ins[0].dims[0], ins[0].dims[1]);
            *outs == [Ty::new(ins[0].dt, &[n, m]), Ty::new(Dt::I32, &[m])]
        };
        if fits { Ok(()) } else { Err(format!("mirror of {ins:?} to {outs:?}")) }
    },
    in_place: false,
    run: |call| by_type!(call.dt(0), mirror(call)),
};
fn mirror<T: Plain>(call: &mut Call) {
    let (m, n) = (call.dims(0)[0], call.dims(0)[1]);
    let first = call.params[0] as i32;
    let (x, y, rows) = (call.input::<T>(0), call.output::<T>(0), call.output::<i32>(1));
    for k in 0..call.count {
        for i in 0..m {
            rows[k * m + i] = first.wrapping_add(i as i32);
            for j in 0..n {
                y[(k * n + j) * m + i] = x[(k * m + i) * n + j];
            }
        }
    }
}
/// The rows of a matrix in the opposite order, in place. It also takes a number of other operands, which do not matter.
static TURN: Routine = Routine {
    name: "turn",
    check: |_, ins, outs| {
        let fits = is_matrix(ins.first()) && outs.len() == 1 && ins[0] == outs[0];
        if fits { Ok(()) } else { Err(format!("turn of {ins:?} to {outs:?}")) }
    },
    in_place: true,
    run: |call| by_type!(call.dt(0), turn(call)),
};
fn turn<T: Plain>(call: &mut Call) {
    let (m, n) = (call.dims(0)[0], call.dims(0)[1]);
    let x = call.output::<T>(0);
    for matrix in x.chunks_exact_mut((m * n).max(1)) {
        for i in 0..m / 2 {
            for j in 0..n {
                matrix.swap(i * n + j, (m - 1 - i) * n + j);
            }
        }
    }
}

impl Fuzz {
    /// A call of a routine.
    pub(super) fn library(&mut self) {
        let dt = self.dt_where(|dt| TYPES.contains(&dt));
        let rank = 2 + self.r.below(3);
        let most = self.room();
        let dims = self.dims_within(rank, most);
        let x = self.operand(dt, &dims);
        self.spend(2 * dims.iter().product::<usize>());
        let batch = rank - 2;
        let lib = |routine, params: &[i64]| {
            Kind::Lib(Box::new(Lib { routine, params: SmallVec::from_slice(params), batch: batch as u32 }))
        };
        if self.r.once_in(2) {
            let mut turned = dims.clone();
            turned.swap(rank - 2, rank - 1);
            let kind = lib(&MIRROR, &[self.r.below(100) as i64]);
            self.p.push(kind, &[x], &[Ty::new(dt, &turned), Ty::new(Dt::I32, &dims[..rank - 1])]);
            return;
        }
        // sometimes the matrix once more, which must not be written over then
        let mut uses = vec![x];
        if self.r.once_in(3) {
            uses.push(x);
        }
        self.p.push(lib(&TURN, &[]), &uses, &[Ty::new(dt, &dims)]);
    }
}
