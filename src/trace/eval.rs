//! No transformation: compute. An eager operation is a one-equation program, lowered like any other and remembered by primitive
//! and types, so that eager and staged programs run the same code.

use super::*;
use crate::aval::{Shape, same_shape};
use crate::backend::Compiled;
use crate::debug::watch;
use cotangent_cpu::Buffer;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock, RwLock};

pub(crate) fn process(prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Outs {
    if watch::on() {
        return watched(prim, args, loc);
    }
    compute(prim, args, loc)
}
#[cold]
fn watched(prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Outs {
    let outs = compute(prim, args, loc);
    // the operations of a program are looked at one by one
    if prim.opaque() {
        watch::look(prim, args, &outs, loc)
    }
    outs
}
#[inline]
fn compute(prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Outs {
    if let Some(programs) = prim.higher() {
        return programs.run(args, loc);
    }
    let mut key = Fx(0);
    prim.hash_dyn(&mut key);
    let types = scalar_types(args);
    key.write_u64(types);
    if types == 0 {
        for a in args {
            let a = match &a.0 {
                Repr::Tracer(n) => stray(n, Some(loc)),
                _ => a.aval(),
            };
            key.write_u64(a.dtype as u64 | (a.weak as u64) << 8 | (a.shape.len() as u64) << 16);
            for d in &a.shape {
                key.write_u64(*d as u64)
            }
        }
    }
    let key = key.finish();
    let run = |compiled: &Compiled| match taken(args) {
        Some(x) => compiled.run_giving(std::iter::once(x).chain(args[1..].iter().map(|a| (*a).clone())).collect(), &[]),
        None => compiled.run(args),
    };
    RECENT.with(|recent| {
        let slot = key as usize % SLOTS;
        {
            let recent = recent.borrow();
            if let Some(e) = &recent[slot]
                && e.is(key, types, prim, args)
            {
                return run(&e.compiled);
            }
        }
        if let Some(y) = prim.exchange(args, loc) {
            return y;
        }
        let e = find(key, types, prim, args, loc);
        let compiled = e.compiled.clone();
        recent.borrow_mut()[slot] = Some(e);
        run(&compiled)
    })
}

thread_local! {
    /// The memory of an array that [`giving`] gives away.
    static GIVEN: RefCell<Option<Buffer>> = const { RefCell::new(None) };
}
/// Calls `f`, which binds one operation, with an array as its first operand of which that is the last use: if nobody else has a handle to it, and nothing is traced, the
/// operation may write its result into the array's memory. What `f` is given has the array's type, and its elements only for that operation.
pub(crate) fn giving(mut x: Array, f: impl FnOnce(&Array) -> Array) -> Array {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            GIVEN.take();
        }
    }
    if !evaluating() || watch::on() || x.size() == 0 {
        return f(&x);
    }
    let Some(buffer) = x.give_up() else { return f(&x) };
    GIVEN.set(Some(buffer));
    let _reset = Reset;
    f(&x)
}
/// The first operand with its memory, if it was given away.
#[inline]
fn taken(args: &[&Array]) -> Option<Array> {
    let x = args.first()?;
    let empty = |b: &Buffer| b.is_empty() && x.size() > 0;
    if !x.buffer().is_some_and(empty) {
        return None;
    }
    GIVEN.take().map(|buffer| Array::from_buffer(x.aval().clone(), buffer))
}

/// A lowered operation for operands of certain types.
struct Entry {
    key: u64,
    /// As [`scalar_types`] has it.
    types: u64,
    prim: Box<dyn Primitive>,
    avals: SmallVec<[(crate::dtype::DType, bool, Shape); 2]>,
    compiled: Arc<Compiled>,
}
impl Entry {
    #[inline]
    fn is(&self, key: u64, types: u64, prim: &dyn Primitive, args: &[&Array]) -> bool {
        let same = || {
            self.avals.len() == args.len()
                && self.avals.iter().zip(args).all(|(e, a)| {
                    let a = a.aval();
                    a.dtype == e.0 && a.weak == e.1 && same_shape(&a.shape, &e.2)
                })
        };
        self.key == key && self.types == types && (types != 0 || same()) && self.prim.eq_dyn(prim)
    }
}
/// The types of up to four scalars in one word, which says everything about them. 0 for other operands.
#[inline]
fn scalar_types(args: &[&Array]) -> u64 {
    let mut word = 0;
    for a in args {
        match &a.0 {
            Repr::Scalar(s) if args.len() <= 4 => word = word << 16 | 0x8000 | (s.weak as u64) << 8 | s.dtype as u64,
            _ => return 0,
        }
    }
    word
}

const SLOTS: usize = 512;
thread_local! {
    /// What this thread used lately, by the low bits of the key.
    static RECENT: RefCell<[Option<Arc<Entry>>; SLOTS]> = const { RefCell::new([const { None }; SLOTS]) };
}
/// What the process has lowered. Emptied when it grows large: programs come and go, and a lowering costs microseconds.
static ALL: LazyLock<RwLock<HashMap<u64, Vec<Arc<Entry>>>>> = LazyLock::new(Default::default);
const LIMIT: usize = 1 << 14;

#[cold]
#[inline(never)]
fn find(key: u64, types: u64, prim: &dyn Primitive, args: &[&Array], loc: Loc) -> Arc<Entry> {
    let read = ALL.read().unwrap_or_else(|e| e.into_inner());
    if let Some(e) = read.get(&key).and_then(|es| es.iter().find(|e| e.is(key, types, prim, args))) {
        return e.clone();
    }
    drop(read);
    let avals: Vec<&Aval> = args.iter().map(|a| a.aval()).collect();
    let outs = result_types(prim, &avals, args, loc);
    let compiled = Arc::new(crate::backend::compile_one(prim, &avals, &outs, loc));
    let entry = Arc::new(Entry {
        key,
        types,
        prim: prim.boxed(),
        avals: avals.iter().map(|a| (a.dtype, a.weak, a.shape.clone())).collect(),
        compiled,
    });
    let mut all = ALL.write().unwrap_or_else(|e| e.into_inner());
    if all.len() >= LIMIT {
        all.clear()
    }
    all.entry(key).or_default().push(entry.clone());
    entry
}

/// Forgets it, and what this thread used lately.
pub(crate) fn forget() {
    ALL.write().unwrap_or_else(|e| e.into_inner()).clear();
    RECENT.with(|recent| recent.borrow_mut().fill(None))
}

/// A multiply-and-rotate hash: keys are short and nobody attacks them.
#[derive(Default)]
pub(crate) struct Fx(pub u64);
impl Hasher for Fx {
    #[inline]
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
    fn write(&mut self, bytes: &[u8]) {
        for c in bytes.chunks(8) {
            let mut w = [0; 8];
            w[..c.len()].copy_from_slice(c);
            self.write_u64(u64::from_le_bytes(w))
        }
    }
    #[inline]
    fn write_u8(&mut self, v: u8) {
        self.write_u64(v as u64)
    }
    #[inline]
    fn write_u32(&mut self, v: u32) {
        self.write_u64(v as u64)
    }
    #[inline]
    fn write_usize(&mut self, v: usize) {
        self.write_u64(v as u64)
    }
    #[inline]
    fn write_u64(&mut self, v: u64) {
        self.0 = (self.0.rotate_left(5) ^ v).wrapping_mul(0x517c_c1b7_2722_0a95)
    }
}
/// A hasher for types, whose ids are hashes already.
pub(crate) fn type_hash<T: Any>(h: &mut dyn Hasher) {
    let mut h = h;
    TypeId::of::<T>().hash(&mut h)
}
