//! Searching and sets of the table.

use super::Row;
use cotangent::np::{self, Nonzero, Sets, Unique, UniqueAll};
use cotangent::prelude::*;

fn whole(u: UniqueAll) -> Vec<Array> {
    vec![u.values, u.indices, u.inverse_indices, u.counts]
}
fn indices((values, x, y): (Array, Array, Array)) -> Vec<Array> {
    vec![values, x, y]
}
macro_rules! sets { ($($f:ident $size:literal $few:literal $least:literal)*; $($name:literal |$x:ident| $body:expr;)*) => {
    &[
        $(
            (stringify!($f), |x| vec![np::$f(&x[0], &x[1])]),
            ($size, |x| vec![Sets::new().size(6).fill_value(9).$f(&x[0], &x[1])]),
            ($few, |x| vec![Sets::new().size(2).$f(&x[0], &x[1])]),
            ($least, |x| vec![Sets::new().size(7).$f(&x[0], &x[1])]),
        )*
        $(($name, |$x| $body),)*
    ]
} }

pub const ROWS: &[Row] = sets! {
    union1d "union1d_size" "union1d_few" "union1d_least"
    intersect1d "intersect1d_size" "intersect1d_few" "intersect1d_least"
    setdiff1d "setdiff1d_size" "setdiff1d_few" "setdiff1d_least"
    setxor1d "setxor1d_size" "setxor1d_few" "setxor1d_least";
    "unique" |x| whole(Unique::new().all(&x[0]));
    "unique_rows" |x| whole(Unique::new().axis(0).all(&x[0]));
    "unique_columns" |x| whole(Unique::new().axis(1).all(&x[0]));
    "unique_size" |x| whole(Unique::new().size(4).fill_value(9).all(&x[0]));
    "unique_few" |x| whole(Unique::new().size(2).all(&x[0]));
    "unique_more" |x| whole(Unique::new().size(6).all(&x[0]));
    "unique_rows_size" |x| whole(Unique::new().size(3).axis(0).fill_value(-1).all(&x[0]));
    "unique_all" |x| whole(np::unique_all(&x[0]));
    "setdiff1d_unique" |x| vec![Sets::new().assume_unique().setdiff1d(&x[0], &x[1])];
    "setdiff1d_unique_size" |x| vec![Sets::new().assume_unique().size(4).fill_value(-1).setdiff1d(&x[0], &x[1])];
    "intersect1d_indices" |x| indices(Sets::new().intersect1d_indices(&x[0], &x[1]));
    "intersect1d_indices_size" |x| indices(Sets::new().size(4).intersect1d_indices(&x[0], &x[1]));
    "isin" |x| vec![np::isin(&x[0], &x[1])];
    "nonzero" |x| np::nonzero(&x[0]);
    "nonzero_size" |x| Nonzero::new().size(6).fill_value(-1).of(&x[0]);
    "nonzero_few" |x| Nonzero::new().size(2).of(&x[0]);
    "nonzero_fills" |x| Nonzero::new().size(5).fill_values(&[7, 9]).of(&x[0]);
    "flatnonzero" |x| vec![np::flatnonzero(&x[0])];
    "flatnonzero_size" |x| vec![Nonzero::new().size(9).flat(&x[0])];
    "argwhere" |x| vec![np::argwhere(&x[0])];
    "argwhere_size" |x| vec![Nonzero::new().size(6).fill_value(-3).argwhere(&x[0])];
    "extract" |x| vec![np::extract(&x[0].gt(1), &x[0])];
    "extract_size" |x| vec![np::extract_size(&x[0].gt(1), &x[0], 5, -1)];
    "select" |x| vec![np::select(&[&x[0].gt(2), &x[0].gt(0)], &[&x[1], &(&x[0] * 10)], 0.5)];
    "piecewise" |x| {
        let x = &x[0];
        vec![np::piecewise(x, &[&x.lt(0.2), &x.gt(0.5)], &[&|x| -x * x, &np::sin, &|x| x * 3.0])]
    };
    "piecewise_int" |x| {
        let x = &x[0];
        vec![np::piecewise(x, &[&x.gt(0), &x.gt(1)], &[&|x| x + 0.5, &|x| x * 2])]
    };
    "lexsort" |x| vec![np::lexsort(&[&x[1], &x[0]], -1)];
    "lexsort_0" |x| vec![np::lexsort(&[&x[1], &x[0]], 0)];
    "top_k" |x| { let (v, i) = np::top_k(&x[0], 2, -1); vec![v, i] };
};

/// Any order is right that has the element in its place, what is not greater before it, and what is not less behind.
#[test]
fn partitions_are_partitions() {
    let x = array![[5., 1., 4., 1., f32::NAN], [0., -3., 9., 2., 2.]];
    for (kth, place) in [(0, 0), (2, 2), (-2, 3)] {
        let y = np::partition(&x, kth, 1);
        let order = np::argpartition(&x, kth, -1).to_vec::<i32>();
        let (y, x) = (y.to_vec::<f32>(), x.to_vec::<f32>());
        for row in 0..2 {
            let line = &y[5 * row..5 * row + 5];
            // NaN is greater than all numbers
            let above = |v: &f32| v.is_nan() && !line[place].is_nan() || *v > line[place];
            let below = |v: &f32| line[place].is_nan() && !v.is_nan() || *v < line[place];
            assert!(!line[..place].iter().any(above) && !line[place..].iter().any(below));
            let same = |k: usize| x[5 * row + order[5 * row + k] as usize].to_bits() == line[k].to_bits();
            assert!((0..5).all(same));
        }
    }
}

#[test]
fn programs_say_how_many() {
    use super::common::told;
    let x = array![3, 0, 3];
    told(ErrorKind::Concrete, &["nonzero", "option `size`"], || jit(|x: &Array| np::nonzero(x))(&x));
    told(ErrorKind::Concrete, &["unique", "option `size`"], || jit(|x: &Array| np::unique(x))(&x));
    told(ErrorKind::Concrete, &["setdiff1d"], || jit(|x: &Array| np::setdiff1d(x, x))(&x));
    told(ErrorKind::Shape, &["nonzero: a scalar has no indices"], || np::nonzero(&array(1)));
    told(ErrorKind::Shape, &["2 fill values for 1 dimensions"], || Nonzero::new().size(2).fill_values(&[1, 2]).of(&x));
    told(ErrorKind::Value, &["unique: there is no value to fill"], || {
        Unique::new().size(2).values(&array(Vec::<f32>::new()))
    });
    told(ErrorKind::Value, &["select: 1 conditions and 2 choices"], || np::select(&[&x], &[&x, &x], 0));
    told(ErrorKind::Value, &["piecewise: 3 functions for 1 conditions"], || {
        np::piecewise(&x, &[&x.gt(1)], &[&|x| -x, &|x| -x, &|x| -x])
    });
    told(ErrorKind::Value, &["lexsort: there is no key"], || np::lexsort(&[], 0));
    told(ErrorKind::Shape, &["partition: no element 3 among 3"], || np::partition(&x, 3, 0));
    told(ErrorKind::Value, &["extract: the condition is true at 3"], || np::extract(&array![0, 0, 0, 1], &x));
    // values are known while a derivative is taken
    let g = grad(|x: &Array| np::extract(&x.gt(1.), x).sum());
    assert_eq!(g(&array![0.5, 2., 3.]).to_string(), "[0. 1. 1.]");
    let first = grad(|x: &Array| np::unique(x).max());
    assert_eq!(first(&array![2., 5., 5.]).to_string(), "[0. 1. 0.]");
}
