//! Differences, statistics and counts of the table.

use super::Row;
use cotangent::np::{self, Bincount, Bins, Cov, Diff, Gradient, Histogram, Interp, Overlap, Trapezoid};
use cotangent::prelude::*;

fn three((a, b, c): (Array, Array, Array)) -> Vec<Array> {
    vec![a, b, c]
}
fn two((a, b): (Array, Array)) -> Vec<Array> {
    vec![a, b]
}

pub const ROWS: &[Row] = &[
    ("diff", |x| vec![np::diff(&x[0])]),
    ("diff_n", |x| vec![Diff::new().n(2).axis(0).prepend(1.5).of(&x[0])]),
    ("diff_both", |x| vec![Diff::new().axis(0).prepend(&x[1]).append(&x[2]).of(&x[0])]),
    ("diff_far", |x| vec![Diff::new().n(5).of(&x[0])]),
    ("ediff1d", |x| vec![np::ediff1d(&x[0], Some(&x[1]), Some(&x[2]))]),
    ("gradient", |x| np::gradient(&x[0])),
    ("gradient_spacing", |x| vec![Gradient::new().spacing(0.5).along(&x[0], 1)]),
    ("gradient_places", |x| Gradient::new().spacing(2.0).spacing(&x[1]).of(&x[0])),
    ("trapezoid", |x| vec![np::trapezoid(&x[0])]),
    ("trapezoid_dx", |x| vec![Trapezoid::new().dx(0.25).axis(0).of(&x[0])]),
    ("trapezoid_x", |x| vec![Trapezoid::new().x(&x[1]).axis(-2).of(&x[0])]),
    ("convolve_full", |x| vec![np::convolve(&x[0], &x[1], Overlap::Full)]),
    ("convolve_same", |x| vec![np::convolve(&x[0], &x[1], Overlap::Same)]),
    ("convolve_valid", |x| vec![np::convolve(&x[0], &x[1], Overlap::Valid)]),
    ("correlate_full", |x| vec![np::correlate(&x[0], &x[1], Overlap::Full)]),
    ("correlate_same", |x| vec![np::correlate(&x[0], &x[1], Overlap::Same)]),
    ("correlate_valid", |x| vec![np::correlate(&x[0], &x[1], Overlap::Valid)]),
    ("interp", |x| vec![np::interp(&x[0], &x[1], &x[2])]),
    ("interp_beyond", |x| vec![Interp::new().extrapolate_left().right(7.0).of(&x[0], &x[1], &x[2])]),
    ("interp_period", |x| vec![Interp::new().period(5.0).of(&x[0], &x[1], &x[2])]),
    ("interp_flat", |x| vec![np::interp(&x[0], &x[1], &x[2])]),
    ("cov", |x| vec![np::cov(&x[0])]),
    ("cov_options", |x| vec![Cov::new().columns().ddof(0.0).of(&x[0])]),
    ("cov_bias", |x| vec![Cov::new().bias().of(&x[0])]),
    ("cov_fweights", |x| vec![Cov::new().fweights(&x[1]).of(&x[0])]),
    ("cov_weights", |x| vec![Cov::new().fweights(&x[1]).aweights(&x[2]).of(&x[0])]),
    ("cov_both", |x| vec![Cov::new().of_both(&x[0], &x[1])]),
    ("corrcoef", |x| vec![np::corrcoef(&x[0])]),
    ("corrcoef_both", |x| vec![Cov::new().columns().corrcoef_both(&x[0], &x[1])]),
    ("bincount", |x| vec![np::bincount(&x[0])]),
    ("bincount_weights", |x| vec![Bincount::new().weights(&x[1]).minlength(10).of(&x[0])]),
    ("bincount_length", |x| vec![Bincount::new().weights(&x[1]).length(5).of(&x[0])]),
    ("digitize", |x| vec![np::digitize(&x[0], &x[1], false)]),
    ("digitize_right", |x| vec![np::digitize(&x[0], &x[1], true)]),
    ("histogram", |x| two(np::histogram(&x[0], 5))),
    ("histogram_range", |x| two(Histogram::new(4).range(-1.0, 2.0).weights(&x[1]).density().of(&x[0]))),
    ("histogram_edges", |x| two(np::histogram(&x[0], &x[1]))),
    ("histogram_bin_edges", |x| vec![np::histogram_bin_edges(&x[0], 3)]),
    ("histogram2d", |x| three(np::histogram2d(&x[0], &x[1], 3))),
    ("histogram2d_each", |x| {
        let bins = Histogram::each([Bins::from(2), Bins::from(&x[2])]).range(-2.0, 2.0).whole_range().density();
        three(bins.of_points(&x[0], &x[1]))
    }),
    ("histogramdd", |x| {
        let (counts, edges) = Histogram::new(2).weights(&x[1]).of_rows(&x[0]);
        [vec![counts], edges].concat()
    }),
];

#[test]
fn what_does_not_fit_is_refused() {
    use super::common::told;
    let (x, y) = (array![1., 2., 3.], array![1., 2.]);
    told(ErrorKind::Shape, &["diff: axis 1 is out of bounds"], || Diff::new().axis(1).of(&x));
    told(ErrorKind::Shape, &["gradient: needs two samples"], || np::gradient(&array![1.]));
    told(ErrorKind::Shape, &["2 spacings for 1 dimensions"], || Gradient::new().spacing(1).spacing(2).of(&x));
    told(ErrorKind::Shape, &["places of shape (2,)"], || Gradient::new().spacing(&y).of(&x));
    told(ErrorKind::Shape, &["interp: samples of shapes (3,) and (2,)"], || np::interp(&x, &x, &y));
    told(ErrorKind::Shape, &["convolve: needs sequences"], || np::convolve(&x, &array(1.0), Overlap::Full));
    told(ErrorKind::Shape, &["cov: fweights int32[2] for 3 observations"], || {
        Cov::new().fweights(&array![1, 2]).of(&x)
    });
    told(ErrorKind::Type, &["fweights", "no float32"], || Cov::new().fweights(&x).of(&x));
    told(ErrorKind::Shape, &["histogram: weights of shape (2,)"], || Histogram::new(2).weights(&y).of(&x));
    told(ErrorKind::Concrete, &["bincount", "length"], || jit(|x: &Array| np::bincount(x))(&array![1, 2]));
}
