//! Arrays over the memory of others: nothing is copied, nobody writes to it, and it is given back once, after the last handle.

mod common;

use common::same;
use cotangent::io::dlpack::{Tensor, export, import, import_owned};
use cotangent::{lax, prelude::*};
use cotangent_cpu::{Dt, bytes_of};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Elements of which the test keeps a handle, too, so that it sees what becomes of them; where in them the loan begins; and how often one was given back.
struct Owner<T>(Arc<Vec<T>>, usize, Arc<AtomicUsize>);
impl<T> Drop for Owner<T> {
    fn drop(&mut self) {
        self.2.fetch_add(1, SeqCst);
    }
}
/// The elements from `from` bytes on, and the number of loans that were given back.
fn lent<T: cotangent_cpu::Element>(
    dt: Dt,
    shape: &[usize],
    all: &Arc<Vec<T>>,
    from: usize,
) -> (Tensor, Arc<AtomicUsize>) {
    let back = Arc::new(AtomicUsize::new(0));
    let tensor = Tensor::lend(dt, shape, 0, Owner(all.clone(), from, back.clone()), |o| &bytes_of(&o.0[..])[o.1..]);
    (tensor, back)
}
fn address(x: &Array) -> usize {
    x.with_slice(|s: &[f32]| s.as_ptr() as usize)
}
fn waves(n: usize) -> Arc<Vec<f32>> {
    Arc::new((0..n).map(|i| (i as f32 * 0.7).sin()).collect())
}

#[test]
fn the_memory_is_the_lenders_until_the_last_handle_is_dropped() {
    let all = waves(6);
    let (tensor, back) = lent(Dt::F32, &[2, 3], &all, 0);
    let x = import_owned(tensor).unwrap();
    assert_eq!((address(&x), x.shape(), x.dtype()), (all.as_ptr() as usize, &[2, 3][..], DType::Float32));
    same("the elements", &x, &Array::from_slice(&all, &[2, 3]));
    // whatever shares the memory keeps it
    let (copy, row) = (x.clone(), x.reshape(&[6]));
    assert_eq!(address(&row), all.as_ptr() as usize);
    let again = import_owned(export(&row).unwrap()).unwrap();
    assert_eq!(address(&again), all.as_ptr() as usize);
    drop((x, copy, row));
    assert_eq!(back.load(SeqCst), 0);
    std::thread::spawn(move || drop(again)).join().unwrap();
    assert_eq!((back.load(SeqCst), Arc::strong_count(&all)), (1, 1));
    // a function that was compiled keeps what it captured
    let (tensor, back) = lent(Dt::F32, &[6], &all, 0);
    let x = import_owned(tensor).unwrap();
    let f = jit(move |y: &Array| &x * y);
    assert_eq!(f(&array(2.0)).to_vec::<f32>()[5], all[5] * 2.0);
    assert_eq!(back.load(SeqCst), 0);
    drop(f);
    assert_eq!(back.load(SeqCst), 1);
}

#[test]
fn nobody_writes_to_it() {
    // large enough for results to be made in the memory of arguments that are given away
    let all = waves(1 << 18);
    let before = all.to_vec();
    let take = || {
        let (tensor, back) = lent(Dt::F32, &[1 << 18], &all, 0);
        (import_owned(tensor).unwrap(), back)
    };
    let told = |what: &str, y: &Array, at: usize, want: f32, back: Arc<AtomicUsize>| {
        assert_eq!(y.with_slice(|y: &[f32]| y[at]), want, "{what}");
        assert!(**all == before, "{what} wrote to the lender's memory");
        assert_eq!(back.load(SeqCst), 1, "{what} gave it back");
    };
    let (x, back) = take();
    told("a result", &jit(|x: Array| x * 2.0 + 1.0)(x), 9, before[9] * 2.0 + 1.0, back);
    let (x, back) = take();
    told("a box", &x.into_at(3..5).set(array![7., 8.]), 4, 8.0, back);
    let (x, back) = take();
    told("an update", &jit(|x: Array| x.into_at(3..5).set(array![7., 8.]))(x), 4, 8.0, back);
    let (x, back) = take();
    told("positions", &jit(|x: Array| x.into_at(array![5, 6]).add(1.0))(x), 6, before[6] + 1.0, back);
    let (x, back) = take();
    let loops = jit(|x: Array| lax::fori_loop(0, 3, |i: &Array, x: &Array| x.at(i).set(9.0), &x));
    told("a loop", &loops(x), 2, 9.0, back);
    let (x, back) = take();
    let y = lax::fori_loop(0, 3, |i: &Array, x: &Array| x.at(i).set(9.0), &x);
    drop(x);
    told("a loop of the host", &y, 2, 9.0, back);
    let (mut x, back) = take();
    x += 1.0;
    told("an assignment", &x, 7, before[7] + 1.0, back);
    // results that are the argument itself
    let (x, back) = take();
    let y = jit(|x: Array| x.reshape(&[512, 512]))(x);
    assert_eq!((address(&y), back.load(SeqCst)), (all.as_ptr() as usize, 0));
    let y = jit(|x: Array| x + 1.0)(y);
    told("a sum", &y, 0, before[0] + 1.0, back);
}

#[test]
fn what_lies_otherwise_is_copied_and_given_back() {
    let all = waves(7);
    // four bytes behind an aligned place
    let (tensor, back) = lent(Dt::F32, &[6], &all, 4);
    let x = import_owned(tensor).unwrap();
    assert_eq!((x.to_vec::<f32>(), back.load(SeqCst)), (all[1..].to_vec(), 1));
    assert_ne!(address(&x), &raw const all[1] as usize);
    // eight are enough
    let (tensor, back) = lent(Dt::F32, &[5], &all, 8);
    let x = import_owned(tensor).unwrap();
    assert_eq!((address(&x), back.load(SeqCst)), (&raw const all[2] as usize, 0));
    assert_eq!(jit(|x: &Array| x.sum())(&x).to_f64() as f32, Array::from_slice(&all[2..], &[5]).sum().item::<f32>());
    drop(x);
    assert_eq!(back.load(SeqCst), 1);
    // no elements, and one
    let (tensor, back) = lent(Dt::F32, &[0, 3], &waves(0), 0);
    assert_eq!((import_owned(tensor).unwrap().shape(), back.load(SeqCst)), (&[0, 3][..], 1));
    let (tensor, back) = lent(Dt::F32, &[], &waves(1), 0);
    assert_eq!((import_owned(tensor).unwrap().to_f64(), back.load(SeqCst)), (0.0, 1));
    // truth values of others are not 0 or not
    for (bytes, gone) in [(vec![0u8, 1, 1], 0), (vec![0, 2, 255], 1)] {
        let (tensor, back) = lent(Dt::Bool, &[3], &Arc::new(bytes), 0);
        let x = import_owned(tensor).unwrap();
        assert_eq!((x.to_string(), back.load(SeqCst)), ("[False  True  True]".to_string(), gone));
    }
    // borrowed: the loan goes on
    let (tensor, back) = lent(Dt::F32, &[7], &all, 0);
    let x = import(&tensor).unwrap();
    assert_ne!(address(&x), all.as_ptr() as usize);
    assert_eq!(back.load(SeqCst), 0);
}

#[test]
fn every_type_comes_in_where_it_is() {
    let all: Arc<Vec<u64>> = Arc::new((0..16).map(|i| i * 0x0123_4567_89ab_cdef).collect());
    for dt in
        [Dt::I8, Dt::I16, Dt::I32, Dt::I64, Dt::U8, Dt::U16, Dt::U32, Dt::U64, Dt::F16, Dt::Bf16, Dt::F32, Dt::F64]
            .into_iter()
            .chain([Dt::C64, Dt::C128])
    {
        let n = 128 / dt.size();
        let (tensor, back) = lent(dt, &[n], &all, 0);
        let want = import(&tensor).unwrap();
        let x = import_owned(tensor).unwrap();
        assert_eq!(back.load(SeqCst), 0, "{dt:?} was copied");
        same("elements", &x, &want);
        // operations read it there
        let flip = |x: &Array| x.i(s(..).step(-1));
        same("turned round", &jit(flip)(&x), &flip(&want));
        drop(x);
        assert_eq!(back.load(SeqCst), 1)
    }
}

#[test]
fn large_vectors_come_in_as_they_are() {
    let n = 1 << 18;
    let numbers: Vec<f32> = waves(n).to_vec();
    let at = numbers.as_ptr() as usize;
    let x = Array::from_vec(numbers, &[1 << 9, 1 << 9]);
    assert_eq!((address(&x), x.shape()), (at, &[512, 512][..]));
    // this one asks for a copy
    let numbers: Vec<f32> = waves(n).to_vec();
    let at = numbers.as_ptr() as usize;
    assert_ne!(address(&array(numbers)), at);
    // few, or with much room to spare
    let few = vec![1f32; 1000];
    let at = few.as_ptr() as usize;
    assert_ne!(address(&Array::from_vec(few, &[10, 100])), at);
    let mut roomy: Vec<f32> = Vec::with_capacity(2 * n);
    roomy.extend(waves(n).iter());
    let at = roomy.as_ptr() as usize;
    assert_ne!(address(&Array::from_vec(roomy, &[n])), at);
    let told = catch(|| Array::from_vec(vec![0u8; 1 << 21], &[3, 5])).unwrap_err();
    assert!(told.to_string().contains("do not fill the shape (3, 5)"), "{told}");
    let truth = Array::from_vec(vec![true; 1 << 20], &[1 << 20]);
    assert_eq!(truth.dtype(), DType::Bool);
    assert!(truth.all().to_bool());
}
