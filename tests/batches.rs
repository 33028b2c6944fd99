//! Batches of examples: which rows they have, in which order, and that a thread ahead changes nothing.

mod common;

use common::{nth, same, told};
use cotangent::data::{Batches, rows};
use cotangent::prelude::*;
use cotangent::random::{self, key};
use std::collections::BTreeMap;

fn examples(n: usize) -> (Array, BTreeMap<String, Array>) {
    let x: Vec<f32> = (0..2 * n).map(|x| x as f32).collect();
    let y: Vec<i8> = (0..n).map(|x| x as i8).collect();
    let flags: Vec<bool> = (0..n).map(|x| x % 2 == 0).collect();
    let more = [("flag".to_string(), array(flags)), ("y".to_string(), array(y).reshape(&[n, 1]))];
    (array(x).reshape(&[n, 2]), more.into())
}

#[test]
fn every_example_once_and_its_parts_together() {
    for n in [0, 1, 7, 8] {
        for drop_last in [false, true] {
            for ahead in [0, 1, 3] {
                let b = Batches::new(4).shuffle(key(5)).prefetch(ahead);
                let epoch = if drop_last { b.drop_last() } else { b }.of(&examples(n));
                let expected = if drop_last { n / 4 } else { n.div_ceil(4) };
                assert_eq!(epoch.len(), expected);
                let mut seen = vec![];
                for (x, more) in epoch {
                    assert!(x.shape()[0] == 4 || !drop_last && x.shape()[0] == n % 4);
                    for i in 0..x.shape()[0] {
                        let y = nth(&more["y"], i).item::<i8>();
                        assert_eq!(nth(&x, i).to_vec::<f32>(), [2.0 * y as f32, 2.0 * y as f32 + 1.0]);
                        assert_eq!(nth(&more["flag"], i).item::<bool>(), y % 2 == 0);
                        seen.push(y as i32)
                    }
                }
                let order = random::permutation(key(5), n as i64).to_vec::<i32>();
                assert_eq!(seen, order[..if drop_last { n / 4 * 4 } else { n }], "n {n}, {ahead} ahead");
            }
        }
    }
    let straight: Vec<Array> = Batches::new(3).prefetch(2).of(&array![1, 2, 3, 4]).collect();
    assert_eq!(straight.iter().map(|x| x.to_string()).collect::<Vec<_>>(), ["[1 2 3]", "[4]"]);
}

#[test]
fn an_epoch_may_be_left_early() {
    for taken in [0, 1, 2] {
        let epoch = Batches::new(1).prefetch(2).of(&examples(100));
        assert_eq!(epoch.take(taken).count(), taken);
    }
    // a thread has no current transformation; values of one that computes can be used
    let g = grad(|w: &Array| {
        let mut sum = w * 0.0;
        for x in Batches::new(2).prefetch(1).of(&array![1., 2., 3.]) {
            sum += (w * x).sum()
        }
        sum
    });
    assert_eq!(g(&array(1.0)).to_f64(), 6.0);
}

#[test]
fn mistakes_are_told() {
    told(ErrorKind::Value, &["at least one example"], || Batches::new(0));
    told(ErrorKind::Shape, &["data: the examples[1] have type int32[3]; their first extent is 2"], || {
        Batches::new(1).of(&(array![1, 2], array![1, 2, 3]))
    });
    told(ErrorKind::Shape, &["float32[]"], || Batches::new(1).of(&array(1.0)));
    told(ErrorKind::Structure, &["no array"], || Batches::new(1).of(&()));
    told(ErrorKind::Concrete, &["abstract"], || jit(|x: &Array| Batches::new(1).of(x).next().unwrap())(&array![1.]));
    told(ErrorKind::Value, &["no example 2"], || rows(&array![1, 2], &[2]));
    same("rows", &rows(&array![[1, 2], [3, 4]], &[1]), &array![[3, 4]]);
    same("no rows", &rows(&array![[1, 2], [3, 4]], &[]), &Array::from_slice::<i32>(&[], &[0, 2]));
}
