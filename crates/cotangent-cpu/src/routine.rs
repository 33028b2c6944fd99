//! Routines of libraries: what the engine runs without knowing what it is.
//!
//! A factorization of a matrix or a Fourier transform is no loop that the engine could write down, and its rounding errors are the affair of who
//! wrote it. So a program may name a [`Routine`]: a table of functions, in another crate, that checks types and computes. The engine lays operands
//! out densely, makes memory for the results, and calls. It names no linear algebra.
//!
//! **What a routine promises.** Its results depend on the parameters, the extents of a matrix and the matrix alone: not on the others in the
//! batch, on where memory lies, or on what ran before. So the scalar reference is the routine itself, and what it computes is tested
//! against definitions where it lives. (Its bits may depend on the processor.)

use crate::float::Arithmetic;
use crate::{Buffer, Dims, Dt, Ty};
use num_complex::Complex;
use smallvec::SmallVec;
use std::hash::{Hash, Hasher};

/// A routine of a library. It is a `static`: two routines are the same if they are at the same place.
pub struct Routine {
    /// What a program's text calls it.
    pub name: &'static str,
    /// Are these the types of operands and results, without batch dimensions, that it has for these parameters? The error says what is wrong.
    pub check: fn(&[i64], &[Ty], &[Ty]) -> Result<(), String>,
    /// Does it work in place? Then the first result has the type of the first operand and holds its elements when the routine begins, and the operand
    /// itself is not passed.
    pub in_place: bool,
    /// Computes all matrices of a batch, one after the other.
    pub run: fn(&mut Call),
}

/// A call of a routine: a kind of node.
#[derive(Clone)]
pub struct Lib {
    /// Which one.
    pub routine: &'static Routine,
    /// Its parameters.
    pub params: SmallVec<[i64; 4]>,
    /// How many leading dimensions of every operand and result number the matrices of a batch.
    pub batch: u32,
}
impl PartialEq for Lib {
    fn eq(&self, other: &Lib) -> bool {
        std::ptr::eq(self.routine, other.routine) && self.params == other.params && self.batch == other.batch
    }
}
impl Eq for Lib {}
impl Hash for Lib {
    fn hash<H: Hasher>(&self, h: &mut H) {
        std::ptr::from_ref(self.routine).hash(h);
        (&self.params, self.batch).hash(h)
    }
}
impl std::fmt::Debug for Lib {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{:?}/{}", self.routine.name, &self.params[..], self.batch)
    }
}
impl Lib {
    /// Runs the routine, in the arithmetic that libraries were written for.
    pub(crate) fn run(&self, call: &mut Call) {
        let _arithmetic = Arithmetic::ieee();
        (self.routine.run)(call)
    }
    /// Checks the types of operands and results.
    pub(crate) fn check(&self, operands: &[Ty], results: &[Ty]) -> Result<(), String> {
        let batch = self.batch as usize;
        let Some(first) = results.first() else { return Err("no results".into()) };
        for ty in operands.iter().chain(results) {
            if ty.dims.len() < batch || first.dims.len() < batch || ty.dims[..batch] != first.dims[..batch] {
                return Err(format!("{ty} and {first} do not have {batch} batch dimensions in common"));
            }
        }
        if self.routine.in_place && operands.first() != Some(first) {
            return Err(format!("works in place, but the result {first} has another type than the first operand"));
        }
        (self.routine.check)(&self.params, &self.cores(operands), &self.cores(results))
    }
    /// What the routine makes of one matrix, given as bytes.
    pub(crate) fn matrix(&self, operands: &[(Ty, Vec<u8>)], results: &[Ty]) -> Vec<Vec<u8>> {
        let over = self.routine.in_place as usize;
        let memory = |b: &Buffer| Memory { ptr: b.ptr(), len: b.len() };
        let mut ins: Vec<Buffer> = operands.iter().map(|(_, bytes)| Buffer::from_bytes(bytes)).collect();
        let mut outs: Vec<Buffer> = ins.drain(..over).collect();
        outs.extend(results[over..].iter().map(|ty| Buffer::zeroed(ty.bytes())));
        let mut from: Vec<(Ty, Memory)> =
            operands[..over].iter().map(|(ty, _)| (ty.clone(), Memory { ptr: std::ptr::null_mut(), len: 0 })).collect();
        from.extend(operands[over..].iter().zip(&ins).map(|((ty, _), b)| (ty.clone(), memory(b))));
        let to: Vec<(Ty, Memory)> = results.iter().zip(&outs).map(|(ty, b)| (ty.clone(), memory(b))).collect();
        // SAFETY: every buffer has the bytes of its type and is used here alone.
        let mut call = unsafe { Call::new(&self.params, 1, &from, &to) };
        self.run(&mut call);
        outs.iter().map(|b| b.as_bytes().to_vec()).collect()
    }
    /// The types of one matrix each.
    pub(crate) fn cores(&self, tys: &[Ty]) -> Vec<Ty> {
        tys.iter().map(|ty| Ty::new(ty.dt, &ty.dims[self.batch as usize..])).collect()
    }
}

/// Types whose elements a routine can have as a slice.
pub trait Plain: Copy + private::Sealed + 'static {
    /// As the engine calls it.
    const DT: Dt;
}
mod private {
    pub trait Sealed {}
}
macro_rules! plain { ($($t:ty => $dt:ident),*) => { $(
    impl private::Sealed for $t {}
    impl Plain for $t {
        const DT: Dt = Dt::$dt;
    }
)* } }
plain! { f32 => F32, f64 => F64, Complex<f32> => C64, Complex<f64> => C128, i32 => I32 }

/// Memory of an operand or a result.
#[derive(Clone, Copy)]
pub(crate) struct Memory {
    /// The start: aligned for elements of the type, and so many bytes as the type has in all matrices.
    pub(crate) ptr: *mut u8,
    /// Bytes.
    pub(crate) len: usize,
}

/// What a routine is called with.
pub struct Call<'a> {
    /// Its parameters.
    pub params: &'a [i64],
    /// How many matrices there are.
    pub count: usize,
    ins: &'a [(Ty, Memory)],
    /// A result is taken once.
    outs: SmallVec<[(&'a Ty, Option<Memory>); 4]>,
}
impl<'a> Call<'a> {
    /// # Safety
    /// The memory has the types, in so many matrices, and is initialized; that of results overlaps nothing, and nobody else uses it for `'a`.
    pub(crate) unsafe fn new(
        params: &'a [i64],
        count: usize,
        ins: &'a [(Ty, Memory)],
        outs: &'a [(Ty, Memory)],
    ) -> Call<'a> {
        Call { params, count, ins, outs: outs.iter().map(|(ty, m)| (ty, Some(*m))).collect() }
    }
    /// The extents of an operand, without the batch.
    pub fn dims(&self, operand: usize) -> &'a Dims {
        &self.ins[operand].0.dims
    }
    /// The element type of an operand.
    pub fn dt(&self, operand: usize) -> Dt {
        self.ins[operand].0.dt
    }
    /// The extents of a result, without the batch.
    pub fn out_dims(&self, result: usize) -> &'a Dims {
        &self.outs[result].0.dims
    }
    /// How many results there are.
    pub fn results(&self) -> usize {
        self.outs.len()
    }
    /// The elements of an operand: of all matrices, in row-major order. (Of the first operand of a routine that works in place: none.)
    ///
    /// # Panics
    /// If they are of another type.
    pub fn input<T: Plain>(&self, operand: usize) -> &'a [T] {
        let (ty, m) = &self.ins[operand];
        assert!(ty.dt == T::DT, "operand {operand} has elements of type {}, not {}", ty.dt, T::DT);
        if m.len == 0 {
            return &[];
        }
        // SAFETY: `new` was told that the memory has this type and is not written for `'a`; any bits are a value of a plain type.
        unsafe { std::slice::from_raw_parts(m.ptr.cast(), m.len / size_of::<T>()) }
    }
    /// The elements of a result, to be written. They are zero, or those of the first operand if the routine works in place.
    ///
    /// # Panics
    /// If they are of another type, or if they were asked for before.
    pub fn output<T: Plain>(&mut self, result: usize) -> &'a mut [T] {
        let (ty, m) = &mut self.outs[result];
        assert!(ty.dt == T::DT, "result {result} has elements of type {}, not {}", ty.dt, T::DT);
        let m = m.take().expect("a result is taken once");
        if m.len == 0 {
            return &mut [];
        }
        // SAFETY: `new` was told that the memory has this type and belongs to nobody else for `'a`, and it is given out once.
        unsafe { std::slice::from_raw_parts_mut(m.ptr.cast(), m.len / size_of::<T>()) }
    }
}

/// `to[i][j] = from[j][i]` for `m` rows of `n` elements in `to`. Rows begin so many elements from each other there and in `from`.
///
/// # Panics
/// If one of them has fewer elements.
pub fn transpose<T: Plain>((to, row): (&mut [T], usize), (from, stride): (&[T], usize), m: usize, n: usize) {
    if m == 0 || n == 0 {
        return;
    }
    assert!((m - 1) * row + n <= to.len() && (n - 1) * stride + m <= from.len(), "{m} by {n} elements are there");
    let size = size_of::<T>();
    let words = |p: *const T| p.addr().is_multiple_of(size.min(8));
    if !words(to.as_ptr()) || !words(from.as_ptr()) {
        // pairs that lie between words
        return (0..m).for_each(|i| (0..n).for_each(|j| to[i * row + j] = from[j * stride + i]));
    }
    // SAFETY: the elements exist, and are plain data that lies as words of their size do.
    unsafe {
        let (to, from) = (to.as_mut_ptr().cast(), from.as_ptr().cast());
        crate::exec::access::transpose(to, row * size, from, (stride * size) as isize, m, n, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Executable, Kind, Operand, Output, Program, Use};
    use smallvec::smallvec;

    /// The sum of a vector, and the vector itself, in place.
    static SUM: Routine = Routine {
        name: "sum",
        check: |params, ins, outs| {
            let ok = params.is_empty() && ins.len() == 1 && ins[0].dims.len() == 1 && outs.len() == 2;
            if ok && outs[1] == Ty::new(Dt::F32, &[]) { Ok(()) } else { Err("no vector".into()) }
        },
        in_place: true,
        run: |call| {
            assert!(call.input::<f32>(0).is_empty(), "the operand is in the result");
            let (n, count) = (call.dims(0)[0], call.count);
            let (x, sums) = (call.output::<f32>(0), call.output::<f32>(1));
            for k in 0..count {
                assert_eq!(sums[k], 0.0);
                sums[k] = x[k * n..(k + 1) * n].iter().sum();
                x[k * n] += 100.0;
            }
        },
    };
    fn program(batch: u32, dims: &[usize]) -> (Program, u32) {
        let mut p = Program::default();
        let x = p.arg(Ty::new(Dt::F32, dims));
        let lib = Lib { routine: &SUM, params: smallvec![], batch };
        let outs = [Ty::new(Dt::F32, dims), Ty::new(Dt::F32, &dims[..batch as usize])];
        let y = p.push(Kind::Lib(Box::new(lib)), &[Use::plain(x)], &outs);
        (p, y)
    }

    #[test]
    fn results_of_a_batch_and_of_one() {
        for (batch, dims, want) in [(1, &[2, 3][..], &[6.0f32, 15.0][..]), (0, &[3][..], &[6.0][..])] {
            let (mut p, y) = program(batch, dims);
            p.outs = vec![y, y + 1, 0];
            let x: Vec<f32> = (1..=dims.iter().product::<usize>()).map(|i| i as f32).collect();
            let argument = Buffer::from_slice(&x);
            let outs = Executable::compile(&p).unwrap().run(&[Operand::Buffer(&argument)]);
            let Output::Buffer(first) = &outs[0] else { panic!("a buffer") };
            assert_eq!(first.as_slice::<f32>()[0], 101.0);
            match &outs[1] {
                Output::Buffer(b) => assert_eq!(b.as_slice::<f32>(), want),
                Output::Bits(b) => assert_eq!([f32::from_bits(*b as u32)], want),
                Output::Arg(_) => panic!("not an argument"),
            }
            assert_eq!(argument.as_slice::<f32>(), x, "the argument stays as it was");
            // nobody reads the vector
            p.outs = vec![y + 1];
            Executable::compile(&p).unwrap().run(&[Operand::Buffer(&argument)]);
        }
    }

    #[test]
    fn calls_that_do_not_fit() {
        let error = |p: &Program| p.check().unwrap_err();
        let (mut p, y) = program(1, &[2, 3]);
        p.check().unwrap();
        p.vals[y as usize + 1].ty = Ty::new(Dt::F32, &[3]);
        assert!(error(&p).contains("batch dimensions in common"), "{}", error(&p));
        let (mut p, y) = program(1, &[2, 3]);
        p.vals[y as usize].ty = Ty::new(Dt::F64, &[2, 3]);
        assert!(error(&p).contains("in place"), "{}", error(&p));
        let (mut p, _) = program(1, &[2, 3]);
        let Kind::Lib(lib) = &mut p.nodes[1].kind else { panic!("a call") };
        lib.params.push(1);
        assert!(error(&p).contains("no vector"), "{}", error(&p));
        let Kind::Lib(lib) = &mut p.nodes[1].kind else { panic!("a call") };
        lib.batch = u32::MAX;
        assert!(error(&p).contains("batch dimensions"), "{}", error(&p));
    }

    #[test]
    #[should_panic(expected = "elements of type f64, not f32")]
    fn elements_of_another_type() {
        let ins = [(Ty::new(Dt::F64, &[]), Memory { ptr: std::ptr::null_mut(), len: 0 })];
        // SAFETY: there is nothing in it.
        let call = unsafe { Call::new(&[], 0, &ins, &[]) };
        call.input::<f32>(0);
    }

    #[test]
    fn matrices_are_turned() {
        fn turned<T: Plain + PartialEq + std::fmt::Debug>(number: fn(usize) -> T) {
            for (m, n) in [(0, 3), (1, 1), (5, 3), (16, 33), (40, 17)] {
                for more in [0, 1, 3] {
                    let from: Vec<T> = (0..n * (m + more)).map(number).collect();
                    let mut to = vec![number(7); m * (n + more)];
                    transpose((&mut to, n + more), (&from, m + more), m, n);
                    for i in 0..m {
                        for j in 0..n + more {
                            let want = if j < n { from[j * (m + more) + i] } else { number(7) };
                            assert_eq!(to[i * (n + more) + j], want, "{m} by {n}, {more} between, at {i}, {j}")
                        }
                    }
                }
            }
        }
        turned(|i| i as f32);
        turned(|i| i as f64);
        turned(|i| num_complex::Complex::new(i as f32, 1.0));
        turned(|i| num_complex::Complex::new(i as f64, -1.0));
    }
    #[test]
    #[should_panic(expected = "3 by 3 elements")]
    fn what_is_not_there_is_not_turned() {
        transpose((&mut [0f32; 8], 3), (&[0f32; 9], 3), 3, 3)
    }
}
