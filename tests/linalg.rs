//! Linear algebra and Fourier transforms: values and derivatives against those of JAX in float64, and what the documents promise in the odd cases.
#![cfg(feature = "linalg")]
// numbers as they were recorded
#![allow(clippy::excessive_precision, clippy::approx_constant)]

mod common;

use common::{close, numbers, told};
use cotangent::np::linalg::{self, Degenerate, Eigh, Norm, Order, SolveTriangular, Svd, Transpose, Triangle};
use cotangent::np::{self, fft};
use cotangent::prelude::*;
use cotangent::{check_grads, prim, vmap};

fn nums(x: &[f64], shape: &[usize]) -> Array {
    Array::from_slice(x, shape)
}
fn a() -> Array {
    nums(&[4., 1., -0.5, 2., 0.75, 3., 1., -1., 0.25, -1., 5., 0.5, 1., 2., -2., 6.], &[4, 4])
}
fn b() -> Array {
    nums(&[1., 2., 0., -1., 3., 0.5, -2., 1.], &[4, 2])
}
fn wide() -> Array {
    nums(&[1., -2., 0.5, 3., 2., 1., -1., 0.25], &[2, 4])
}
/// Of rank 3.
fn singular() -> Array {
    nums(&[1., 2., 3., 4., 2., 4., 6., 8., 1., 0., 1., 0., 0., 1., 0., 2.], &[4, 4])
}
fn z() -> Array {
    prim::complex(&a(), &(a().t() * 0.5))
}
/// Compares real numbers, or the parts of complex ones, with recorded ones.
#[track_caller]
fn is(what: &str, found: &Array, want: &[f64]) {
    let parts: Vec<f64> = match found.dtype().is_complex() {
        true => {
            numbers(&prim::real(found)).into_iter().zip(numbers(&prim::imag(found))).flat_map(|(x, y)| [x, y]).collect()
        }
        false => numbers(found),
    };
    assert_eq!(parts.len(), want.len(), "{what}: {found}");
    let scale = want.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    for (x, y) in parts.iter().zip(want) {
        assert!((x - y).abs() <= 1e-11 * scale, "{what}: {parts:?} instead of {want:?}");
    }
}
fn identity(n: usize) -> Array {
    linalg::matrix_power(&nums(&vec![0.0; n * n], &[n, n]), 0)
}

#[test]
fn determinants() {
    is("det", &linalg::det(&a()), &[385.1249999999999]);
    is("det", &linalg::det(&z()), &[3.722656249999976, 448.50000000000006]);
    let (sign, log) = linalg::slogdet(&-a());
    is("slogdet", &np::multiply(&array(vec![1.0f64, 1.0]), &prim::stack(&[&sign, &log], 0)), &[1.0, 5.953567956916832]);
    let (sign, log) = linalg::slogdet(&z());
    is("sign", &sign, &[0.008299950997572143, 0.9999655548134831]);
    is("log", &log, &[6.105943127278617]);
    is(
        "its derivative",
        &grad(linalg::det)(&a()),
        &[
            108.0,
            -27.75,
            -9.749999999999998,
            -11.999999999999996,
            -11.5,
            113.50000000000001,
            25.999999999999993,
            -27.25,
            -1.9999999999999984,
            -13.750000000000002,
            71.49999999999999,
            28.749999999999993,
            -37.75,
            29.312499999999996,
            1.624999999999999,
            61.24999999999999,
        ],
    );
    is(
        "where the matrix is singular",
        &grad(linalg::det)(&singular()),
        &[0.0, 8.0, 0.0, -4.0, 0.0, -4.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    );
    is("and the value there", &linalg::det(&singular()), &[0.0]);
    let (sign, log) = linalg::slogdet(&singular());
    assert_eq!((sign.to_f64(), log.to_f64()), (0.0, f64::NEG_INFINITY));
    for n in 1..4 {
        let part = prim::slice(&a(), &[0, 0], &[n, n], None);
        check_grads(linalg::det, (&part,), 2);
        check_grads(|x: &Array| linalg::slogdet(x).1, (&part,), 2);
    }
    check_grads(linalg::det, (&a(),), 2);
    check_grads(|x: &Array| linalg::slogdet(x).1, (&a(),), 2);
    let batch = prim::stack(&[&a(), &singular()], 0);
    is("a batch", &linalg::det(&batch), &[385.125, 0.0]);
    close("lanes", &vmap(linalg::det)(&batch), &linalg::det(&batch), 1e-12);
    assert_eq!(linalg::det(&nums(&[], &[0, 0])).to_f64(), 1.0);
}

#[test]
fn equations() {
    let x = linalg::solve(&a(), &b());
    close("A X", &a().dot(&x), &b(), 1e-13);
    close("inverse", &linalg::inv(&a()).dot(&a()), &identity(4), 1e-13);
    let v = nums(&[1., 2., 3., 4.], &[4]);
    close("a vector", &a().dot(&linalg::solve(&a(), &v)), &v, 1e-13);
    check_grads(|a: &Array, b: &Array| linalg::solve(a, b), (&a(), &b()), 2);
    check_grads(|a: &Array, b: &Array| linalg::solve(a, b), (&a(), &v), 2);
    check_grads(linalg::inv, (&a(),), 2);
    let f = linalg::lu_factor(&a());
    close("factors", &linalg::lu_solve(&f, &b(), Transpose::No), &x, 1e-13);
    close("transposed", &a().t().dot(&linalg::lu_solve(&f, &b(), Transpose::Yes)), &b(), 1e-13);
    let f = linalg::lu_factor(&z());
    let h = prim::conj(&z().t());
    let zb = prim::complex(&b(), &(b() * 2.0));
    close("conjugated", &h.dot(&linalg::lu_solve(&f, &zb, Transpose::Conjugate)), &zb, 1e-13);
    let (p, l, u) = linalg::lu(&z());
    close("P L U", &p.dot(&l).dot(&u), &z(), 1e-13);
    let (p, l, u) = linalg::lu(&wide().t());
    close("P L U of more rows", &p.dot(&l).dot(&u), &wide().t(), 1e-13);
    let spd = a().dot(&a().t());
    let c = linalg::cho_factor(&spd);
    close("Cholesky", &spd.dot(&linalg::cho_solve(&c, &v)), &v, 1e-12);
    let lower = SolveTriangular::new().lower().unit_diagonal().transpose(Transpose::Yes).of(&a(), &v);
    let triangle = nums(&[1., 0.75, 0.25, 1., 0., 1., -1., 2., 0., 0., 1., -2., 0., 0., 0., 1.], &[4, 4]);
    close("triangle", &triangle.dot(&lower), &v, 1e-13);
    let many = prim::stack(&[&a(), &(a() * 2.0)], 0);
    let each = linalg::solve(&many, &b());
    assert_eq!(each.shape(), [2, 4, 2]);
    close("batches broadcast", &(each.sum() * 1.0), &(x.sum() * 1.5), 1e-12);
    close("lanes", &vmap(|a: &Array| linalg::solve(a, &b()))(&many), &each, 1e-12);
    close("jit", &jit(|a: &Array| linalg::solve(a, &b()))(&a()), &x, 1e-15);
    let found = linalg::lstsq(&b(), &nums(&[4., 0.75, 0.25, 1.], &[4]), None);
    is("least squares", &found.x, &[0.05425219941348966, 1.3269794721407635]);
    // where singular values are equal: columns of one length at right angles, and without full rank
    let least = |a: &Array, b: &Array| linalg::lstsq(a, b, None).x;
    for a in [nums(&[1., 1., 1., -1., 1., 1., 1., -1.], &[4, 2]), nums(&[1., 1., 1., 1., 2., -2., 1., 0.], &[2, 4])] {
        let b = nums(&[4., 0.75, 0.25, 1.], &[4]).i(..a.shape()[0]);
        cotangent::check_grads(least, (&a, &b), 2);
    }
    let (x, y) = (nums(&[-1., -0.5, 0.5, 1.], &[4]), nums(&[1., 0., 2., 3.], &[4]));
    cotangent::check_grads(|x: &Array, y: &Array| cotangent::np::polyfit(x, y, 1), (&x, &y), 2);
    is("residual", &found.residuals, &[6.3623533724340176]);
    is("values", &found.singular_values, &[3.778914200487842, 2.443318944663454]);
    assert_eq!(found.rank.to_string(), "2");
    is(
        "pseudoinverse",
        &linalg::pinv(&wide(), None),
        &[
            0.06443438914027147,
            0.32723981900452487,
            -0.14334841628959274,
            0.1708597285067874,
            0.03800904977375565,
            -0.1665158371040724,
            0.20995475113122167,
            0.03257918552036202,
        ],
    );
    is(
        "its derivative",
        &grad(|a: &Array| (linalg::pinv(a, None) * b()).sum())(&wide()),
        &[
            -0.02974536966892574,
            -0.13623072418664645,
            0.29313535758891085,
            -0.04927859789930592,
            -0.026866870047705764,
            -0.17837813312585743,
            0.18540226449089903,
            -0.061708155033680705,
        ],
    );
    close("tall", &linalg::pinv(&wide().t(), None), &linalg::pinv(&wide(), None).t(), 1e-13);
    check_grads(|a: &Array| linalg::pinv(a, None), (&wide().t(),), 1);
}

#[test]
fn functions_of_matrices() {
    is(
        "exp",
        &linalg::expm(&(a() / 2.0)),
        &[
            10.73320161946852,
            8.506480136323106,
            -6.402873217404662,
            10.97627591749642,
            1.4846880383923182,
            2.6359263775974062,
            4.98982047411249,
            -2.5546705260848643,
            1.6531747172398228,
            -1.3616313482126452,
            8.909381562518517,
            5.4199944631482815,
            7.548658517807586,
            13.632702241919588,
            -12.87533770933094,
            18.487853043281724,
        ],
    );
    is(
        "exp of a large one",
        &linalg::expm(&(a() * 3.0)),
        &[
            31404089.358140938,
            47850193.50826779,
            -39689424.00721386,
            33202170.62638343,
            3826436.19792473,
            5982235.622192945,
            -5041691.915979185,
            5271255.295580381,
            21921853.321969755,
            33807608.423592284,
            -28322361.53584035,
            24246811.08455637,
            33150975.109420493,
            50284614.84972855,
            -41532552.64136226,
            34184882.35193594,
        ],
    );
    is(
        "its derivative",
        &grad(|x: &Array| (linalg::expm(x) * a()).sum())(&(a() / 4.0)),
        &[
            14.899066332019558,
            3.5999619003116465,
            -1.1125537847642017,
            13.427853360164695,
            6.162505656632445,
            8.397688948521793,
            -1.7877104815102063,
            6.917078326221802,
            -3.701344111021371,
            -0.8287395045047541,
            19.175368246264387,
            -10.830479783432144,
            13.954212774152413,
            2.9104949754161256,
            -5.5762716529620135,
            33.25056552801956,
        ],
    );
    for scale in [0.001, 0.02, 0.1, 0.2, 1.0] {
        let x = a() * scale;
        close("exp(-A) exp(A)", &linalg::expm(&x).dot(&linalg::expm(&-&x)), &identity(4), 1e-11);
    }
    let single = linalg::expm(&(a() / 2.0).astype(DType::Float32));
    close("32 bits", &single.astype(DType::Float64), &linalg::expm(&(a() / 2.0)), 1e-4);
    let batch = prim::stack(&[&(a() * 0.01), &a()], 0);
    close(
        "a batch",
        &prim::slice_in_dim(&linalg::expm(&batch), 1, 2, 1, 0).reshape(&[4, 4]),
        &linalg::expm(&a()),
        1e-12,
    );
    assert!(linalg::expm(&(a() * 1e9)).sum().to_f64().is_nan());
    is(
        "power",
        &linalg::matrix_power(&a(), -3),
        &[
            0.02594585994526114,
            -0.0030033786745496368,
            -0.005054992746869828,
            -0.01628981996582812,
            -0.01889500364375265,
            0.02153285425181376,
            -0.0016421475357396654,
            0.016931942368407296,
            -0.008185202248957852,
            0.01174590830175885,
            0.005624885149628626,
            0.005729688957587764,
            -0.002501849819592041,
            -0.007117654332954982,
            0.008001464324080085,
            0.002860432185183683,
        ],
    );
    let integers = array![[1, 1], [1, 0]];
    assert_eq!(linalg::matrix_power(&integers, 10).to_string(), "[[89 55]\n [55 34]]");
    assert_eq!(linalg::matrix_power(&integers, 0).dtype(), DType::Int32);
    let v = nums(&[1., 2., 3., 4.], &[4]);
    let product = linalg::multi_dot(&[&v, &a(), &b(), &wide(), &v]);
    close("products", &product, &v.dot(&a()).dot(&b()).dot(&wide()).dot(&v), 1e-12);
    assert_eq!(linalg::matrix_rank(&singular(), None).to_string(), "3");
    assert_eq!(linalg::matrix_rank(&array![0, 0, 2], None).to_string(), "1");
}

#[test]
fn eigenvalues_and_singular_values() {
    let e = linalg::eigh(&a());
    let symmetric = (a() + a().t()) / 2.0;
    close("V diag(w) V^T", &(&e.vectors * &e.values).dot(&e.vectors.t()), &symmetric, 1e-13);
    is(
        "derivative of a value",
        &grad(|a: &Array| nth(&linalg::eigvalsh(a), 1))(&a()),
        &[
            0.37361113064456947,
            0.32887737827156105,
            -0.13281151819502293,
            -0.3289781518566452,
            0.32887737827156105,
            0.28949975272999157,
            -0.11690953594687757,
            -0.28958846034532504,
            -0.13281151819502293,
            -0.11690953594687757,
            0.047211921483269366,
            0.11694535900387776,
            -0.3289781518566452,
            -0.28958846034532504,
            0.11694535900387776,
            0.28967719514217055,
        ],
    );
    let lower = Eigh::new().triangle(Triangle::Lower).of(&np::multiply(&symmetric, &mask(true))).values;
    close("a triangle", &lower, &e.values, 1e-13);
    let upper = Eigh::new().triangle(Triangle::Upper).of(&np::multiply(&symmetric, &mask(false))).values;
    close("the other", &upper, &e.values, 1e-13);
    let s = Svd::new().thin().of(&wide());
    close("U diag(s) V^T", &(&s.u * &s.s).dot(&s.vh), &wide(), 1e-13);
    let all = linalg::svd(&wide());
    assert_eq!(all.vh.shape(), [4, 4]);
    let weights = nums(&[1., 3.], &[2]);
    let f = |a: &Array| {
        let u = Svd::new().thin().of(a).u;
        let first = prim::slice(&u, &[0, 0], &[2, 1], None).reshape(&[2]);
        (&first * &first).dot(&weights)
    };
    is(
        "derivative of a vector",
        &grad(f)(&wide()),
        &[
            0.028763043366032547,
            0.016646328247270813,
            -0.015287444308718087,
            0.0009908528718613602,
            0.016646328247270813,
            -0.02876304336603256,
            0.00651131887223178,
            0.04472992964402701,
        ],
    );
    let cubes = |a: &Array| (prim::real(&linalg::eigvals(a))).powi(3).sum();
    is(
        "derivative of general values",
        &grad(cubes)(&a()),
        &[
            69.69201794505415,
            33.40521451005489,
            39.08989102150723,
            30.40665247407607,
            48.57207770153538,
            62.56121420809049,
            28.55286762504067,
            46.50859164729988,
            -29.12866140269817,
            -15.877244042426092,
            28.627178508286487,
            -38.13256071053664,
            45.52668102197643,
            -15.404562149294321,
            9.73956188890197,
            93.787666312461,
        ],
    );
    let e = linalg::eig(&a());
    let zero = a() * 0.0;
    let complex = prim::complex(&a(), &zero);
    close("A V", &complex.dot(&e.vectors), &(&e.vectors * &e.values), 1e-12);
    told(ErrorKind::NotDifferentiable, &["eig", "vector_derivatives"], || {
        grad(|a: &Array| prim::real(&linalg::eig(a).vectors).sum())(&a())
    });
    told(ErrorKind::NotDifferentiable, &["svd", "full_matrices"], || grad(|a: &Array| linalg::svd(a).u.sum())(&wide()));
}

/// A function of the space that belongs to equal values has a derivative; JAX has none.
#[test]
fn equal_values() {
    let equal = nums(&[2., 0., 0., 0., 2., 0., 0., 0., 5.], &[3, 3]);
    let direction = nums(&[1., 0.5, -1., 0.5, 0., 2., -1., 2., 3.], &[3, 3]);
    let w = nums(&[1., 2., 0., 2., -1., 1., 0., 1., 2.], &[3, 3]);
    // the projector onto the space of the first two
    let projector = |how: Degenerate| {
        let w = w.clone();
        move |a: &Array| {
            let v = prim::slice(&Eigh::new().degenerate(how).of(a).vectors, &[0, 0], &[3, 2], None);
            (v.dot(&v.t()) * &w).sum()
        }
    };
    check_grads(projector(Degenerate::Zero), (&equal,), 1);
    let exact = |i: usize, j: usize| w.to_vec::<f64>()[3 * i + j] / (2.0 - 5.0);
    let want = [0., 0., exact(0, 2), 0., 0., exact(1, 2), exact(2, 0), exact(2, 1), 0.];
    is("the exact derivative", &grad(projector(Degenerate::Zero))(&equal), &want);
    assert!(grad(projector(Degenerate::NotANumber))(&equal).sum().to_f64().is_nan());
    // the trace of the exponential: equal weights
    let trace = |a: &Array| {
        let e = Eigh::new().degenerate(Degenerate::Zero).of(a);
        (&e.vectors * e.values.exp()).dot(&e.vectors.t()).trace()
    };
    close("a trace", &grad(trace)(&equal), &linalg::expm(&equal), 1e-11);
    let values = |a: &Array| linalg::eigvalsh(&(a + &direction * 0.0)).powi(2).sum();
    close("values alone", &grad(values)(&equal), &(&equal * 2.0), 1e-12);
    // the nearest rotation turns with what is not symmetric
    let w = nums(&[1., 2., 0., -3., -1., 1., 4., 0.5, 2.], &[3, 3]);
    let polar = |a: &Array| {
        let s = Svd::new().thin().degenerate(Degenerate::Zero).of(a);
        (s.u.dot(&s.vh) * &w).sum()
    };
    close("the nearest rotation", &grad(polar)(&(identity(3) * 2.0)), &((&w - w.t()) / 4.0), 1e-12);
    let sums = nums(&[4., 4., 7., 4., 4., 7., 7., 7., 10.], &[3, 3]);
    close("of two equal values", &grad(polar)(&equal), &((&w - w.t()) / sums), 1e-12);
    check_grads(polar, (&(identity(3) * 2.0),), 1);
    close(
        "singular values alone",
        &grad(|a: &Array| linalg::svdvals(a).powi(2).sum())(&identity(3)),
        &(identity(3) * 2.0),
        1e-12,
    );
}

#[test]
fn norms() {
    let t = wide();
    is("norm 1", &Norm::new().order(1).of(&t), &[3.25]);
    is("norm -1", &Norm::new().order(-1).of(&t), &[1.5]);
    is("norm 2", &Norm::new().order(2).of(&t), &[3.7759272349817725]);
    is("norm -2", &Norm::new().order(-2).of(&t), &[2.4606652588523517]);
    is("norm inf", &Norm::new().order(f64::INFINITY).of(&t), &[6.5]);
    is("norm -inf", &Norm::new().order(f64::NEG_INFINITY).of(&t), &[4.25]);
    is("norm nuc", &Norm::new().order(Order::Nuclear).of(&t), &[6.236592493834124]);
    is("norm fro", &Norm::new().order(Order::Frobenius).of(&t), &[4.5069390943299865]);
    is("norms 0", &Norm::new().order(0).axis(-1).of(&t), &[4.0, 4.0]);
    is("norms 1", &Norm::new().order(1).axis(-1).of(&t), &[6.5, 4.25]);
    is("norms 2", &Norm::new().order(2).axis(-1).of(&t), &[3.774917217635375, 2.462214450449026]);
    is("norms 3", &Norm::new().order(3).axis(-1).of(&t), &[3.305744509228972, 2.155556207511917]);
    is("norms 0.5", &Norm::new().order(0.5).axis(-1).of(&t), &[23.55521153060657, 15.321067811865474]);
    is("norms inf", &Norm::new().order(f64::INFINITY).axis(-1).of(&t), &[3.0, 2.0]);
    is("norms -inf", &Norm::new().order(f64::NEG_INFINITY).axis(-1).of(&t), &[0.5, 0.25]);
    is("norm", &linalg::norm(&t), &[4.5069390943299865]);
    assert_eq!(Norm::new().axis(0).keepdims().of(&t).shape(), [1, 4]);
    assert_eq!(Norm::new().order(1).axes(1, 0).of(&t).to_f64(), 6.5);
    assert_eq!(Norm::new().order(1).of(&nums(&[], &[2, 0])).to_f64(), 0.0);
    assert!(grad(linalg::norm)(&array(vec![0.0, 0.0])).sum().to_f64().is_nan());
    is("cond", &linalg::cond(&a()), &[2.797090992631057]);
    is("cond 1", &linalg::cond_order(&a(), 1), &[4.3969490425186635]);
    is("cond -2", &linalg::cond_order(&a(), -2), &[0.35751428989421596]);
    assert_eq!(linalg::cond_order(&nums(&[1., 2., 2., 4.], &[2, 2]), 1).to_f64(), f64::INFINITY);
    told(ErrorKind::Value, &["norm", "7"], || Norm::new().order(7).of(&t));
    told(ErrorKind::Shape, &["norm", "axis 2"], || Norm::new().axis(2).of(&t));
}

#[test]
fn fourier_transforms() {
    let x = nums(&[1., 2., -1., 0.5, 3., -2.], &[6]);
    let part = |from: usize, to: usize| prim::slice_in_dim(&x, from, to, 1, 0);
    let with = |norm| fft::Options::new().norm(norm);
    use fft::Norm::{Backward, Forward, Ortho};
    is(
        "fft",
        &with(Backward).fft(&x),
        &[3.5, 0.0, -0.5, 0.0, 0.5, -6.928203230275509, 2.5, 0.0, 0.5, 6.928203230275509, -0.4999999999999998, 0.0],
    );
    is(
        "irfft",
        &with(Backward).irfft(&prim::complex(&part(0, 4), &part(2, 6))),
        &[
            0.5833333333333333,
            -0.4270296377485117,
            0.8050211698203654,
            -0.9166666666666666,
            -0.6383545031536988,
            1.5936963044151782,
        ],
    );
    is("hfft", &with(Backward).hfft(&prim::complex(&part(0, 3), &part(3, 6))), &[4.0, 8.0, -4.0, -4.0]);
    is(
        "ihfft",
        &with(Backward).ihfft(&x),
        &[
            0.5833333333333333,
            0.0,
            -0.08333333333333329,
            -0.0,
            0.08333333333333329,
            1.1547005383792515,
            0.41666666666666663,
            0.0,
        ],
    );
    is(
        "fft",
        &with(Ortho).fft(&x),
        &[
            1.4288690166235207,
            0.0,
            -0.20412414523193154,
            0.0,
            0.20412414523193154,
            -2.8284271247461903,
            1.0206207261596576,
            0.0,
            0.20412414523193154,
            2.8284271247461903,
            -0.20412414523193145,
            0.0,
        ],
    );
    is(
        "irfft",
        &with(Ortho).irfft(&prim::complex(&part(0, 4), &part(2, 6))),
        &[
            1.4288690166235203,
            -1.0460047175293956,
            1.9718910981982998,
            -2.2453655975512463,
            -1.5636428077344369,
            3.903742750776436,
        ],
    );
    is("hfft", &with(Ortho).hfft(&prim::complex(&part(0, 3), &part(3, 6))), &[2.0, 4.0, -2.0, -2.0]);
    is(
        "ihfft",
        &with(Ortho).ihfft(&x),
        &[
            1.4288690166235203,
            0.0,
            -0.2041241452319314,
            -0.0,
            0.2041241452319314,
            2.82842712474619,
            1.0206207261596574,
            0.0,
        ],
    );
    is(
        "fft",
        &with(Forward).fft(&x),
        &[
            0.5833333333333333,
            0.0,
            -0.08333333333333333,
            0.0,
            0.08333333333333333,
            -1.1547005383792515,
            0.41666666666666663,
            0.0,
            0.08333333333333333,
            1.1547005383792515,
            -0.08333333333333329,
            0.0,
        ],
    );
    is(
        "irfft",
        &with(Forward).irfft(&prim::complex(&part(0, 4), &part(2, 6))),
        &[3.4999999999999996, -2.5621778264910704, 4.830127018922193, -5.5, -3.8301270189221928, 9.56217782649107],
    );
    is("hfft", &with(Forward).hfft(&prim::complex(&part(0, 3), &part(3, 6))), &[1.0, 2.0, -1.0, -1.0]);
    is(
        "ihfft",
        &with(Forward).ihfft(&x),
        &[3.5, 0.0, -0.4999999999999998, -0.0, 0.4999999999999998, 6.928203230275509, 2.5, 0.0],
    );
    is(
        "longer",
        &fft::Options::new().lengths(&[8]).fft(&x),
        &[
            3.5,
            0.0,
            0.47487373415291634,
            -2.1819805153394642,
            5.0,
            0.5,
            -4.474873734152917,
            -4.181980515339465,
            2.5,
            0.0,
            -4.474873734152917,
            4.181980515339465,
            5.0,
            -0.5,
            0.47487373415291634,
            2.1819805153394642,
        ],
    );
    is("shorter", &fft::Options::new().lengths(&[4]).rfft(&x), &[2.5, 0.0, 2.0, -1.5, -2.5, 0.0]);
    is(
        "an axis",
        &fft::Options::new().axes(&[0]).fft(&wide()),
        &[3.0, 0.0, -1.0, 0.0, -0.5, 0.0, 3.25, 0.0, -1.0, 0.0, -3.0, 0.0, 1.5, 0.0, 2.75, 0.0],
    );
    is(
        "lengths",
        &fft::Options::new().lengths(&[2, 5]).irfftn(&wide()),
        &[
            0.0,
            0.31909830056250527,
            0.4309016994374948,
            0.4309016994374948,
            0.31909830056250527,
            -0.4,
            -0.5281152949374527,
            0.47811529493745275,
            0.47811529493745275,
            -0.5281152949374527,
        ],
    );
    is(
        "odd",
        &fft::Options::new().lengths(&[5]).irfft(&part(0, 3)),
        &[0.6000000000000001, 0.770820393249937, -0.5708203932499369, -0.5708203932499369, 0.770820393249937],
    );
    let four = prim::iota(DType::Float64, &[16], 0).reshape(&[2, 2, 2, 2]);
    is(
        "four dimensions",
        &prim::slice_in_dim(&fft::fftn(&four).reshape(&[16]), 0, 4, 1, 0),
        &[120.0, 0.0, -8.0, 0.0, -16.0, 0.0, 0.0, 0.0],
    );
    close("and back", &prim::real(&fft::ifftn(&fft::fftn(&four))), &four, 1e-13);
    close("two", &fft::irfft2(&fft::rfft2(&wide())), &wide(), 1e-13);
    close("all", &fft::irfftn(&fft::rfftn(&four)), &four, 1e-13);
    close("complex", &prim::real(&fft::ifft2(&fft::fft2(&wide()))), &wide(), 1e-13);
    is("frequencies", &fft::fftfreq(5, nums(&[0.5], &[])), &[0.0, 0.4, 0.8, -0.8, -0.4]);
    is("frequencies", &fft::rfftfreq(5, nums(&[0.5], &[])), &[0.0, 0.4, 0.8]);
    is("shift", &fft::fftshift(&wide(), None), &[-1.0, 0.25, 2.0, 1.0, 0.5, 3.0, 1.0, -2.0]);
    is("shift", &fft::ifftshift(&part(0, 5), None), &[-1.0, 0.5, 3.0, 1.0, 2.0]);
    close("back", &fft::ifftshift(&fft::fftshift(&x, Some(&[-1])), None), &x, 0.0);
    check_grads(|x: &Array| (prim::real(&fft::fft(x)), prim::imag(&fft::rfft(x))), (&x,), 2);
    check_grads(|x: &Array| fft::irfft(&fft::rfft(&(x * x))), (&x,), 2);
    let batch = prim::stack(&[&x, &(&x * 2.0)], 1);
    let lanes = cotangent::vmap_axes(|x: &Array| prim::imag(&fft::rfft(x)), (1,), 1)(&batch);
    close("lanes", &lanes, &prim::imag(&fft::Options::new().axes(&[0]).rfft(&batch)), 1e-13);
    told(ErrorKind::Type, &["rfft", "real"], || fft::rfft(&fft::fft(&x)));
    told(ErrorKind::Shape, &["fft", "axis 1"], || fft::Options::new().axes(&[1]).fft(&x));
    told(ErrorKind::Value, &["fft", "at least 1"], || fft::Options::new().lengths(&[0]).fft(&x));
}

#[test]
fn matrices_that_do_not_fit() {
    told(ErrorKind::Shape, &["cholesky", "square"], || linalg::cholesky(&wide()));
    told(ErrorKind::Shape, &["solve", "(2, 4)", "(4, 4)"], || linalg::solve(&a(), &wide()));
    told(ErrorKind::Shape, &["inv", "matrices"], || linalg::inv(&array(1.0)));
    told(ErrorKind::Shape, &["multi_dot", "operands 0 and 1"], || linalg::multi_dot(&[&a(), &wide()]));
    told(ErrorKind::Type, &["lu", "float16"], || prim::lu(&a().astype(DType::Float16)));
    let bad = linalg::cholesky(&nums(&[1., 2., 2., 1.], &[2, 2]));
    assert!(numbers(&bad).iter().zip([true, false, true, true]).all(|(x, nan)| x.is_nan() == nan), "{bad}");
    let none = linalg::solve(&nums(&[0., 0., 0., 0.], &[2, 2]), &nums(&[1., 1.], &[2]));
    assert!(!none.sum().to_f64().is_finite());
    let nan = linalg::eigvalsh(&nums(&[f64::NAN, 0., 0., 1.], &[2, 2]));
    assert!(numbers(&nan).iter().all(|x| x.is_nan()));
    let integers = linalg::inv(&array![[2, 0], [0, 4]]);
    assert_eq!(integers.dtype(), DType::Float32);
}

fn nth(x: &Array, i: usize) -> Array {
    prim::slice_in_dim(x, i, i + 1, 1, 0).sum()
}
/// Ones on and below the diagonal, or on and above it.
fn mask(lower: bool) -> Array {
    let keep = |k: usize| if lower { k % 4 <= k / 4 } else { k % 4 >= k / 4 };
    nums(&(0..16).map(|k| keep(k) as u8 as f64).collect::<Vec<_>>(), &[4, 4])
}
