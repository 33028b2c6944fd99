//! Convolutions and windows against plain loops, lane by lane, and where JAX's choices are particular.

use cotangent::lax::{ConvGeneralDilated, Precision, ReduceWindow, conv_general_dilated, conv_transpose};
use cotangent::prelude::*;
use cotangent::{Vmap, catch, lax, make_jaxpr, np, prim, random, vjp, vmap};

fn sample(shape: &[usize], seed: usize) -> Array {
    let n: usize = shape.iter().product();
    let data: Vec<f64> = (0..n).map(|i| ((i * 7 + seed * 5) % 23) as f64 * 0.125 - 1.25).collect();
    Array::from_slice(&data, shape)
}

/// A convolution of NHWC with HWIO, as it is defined.
fn by_loops(x: &Array, w: &Array, c: &Sizes) -> Vec<f64> {
    let (xs, ws) = (x.shape(), w.shape());
    let (xv, wv) = (x.to_vec::<f64>(), w.to_vec::<f64>());
    let [h, v] = c.windows(x, w);
    let mut y = vec![];
    let depth = xs[3] / c.groups;
    for n in 0..xs[0] {
        for (i, j) in (0..h * v).map(|p| (p / v, p % v)) {
            for o in 0..ws[3] {
                let group = o / (ws[3] / c.groups);
                let mut sum = 0.0;
                for (a, b) in (0..ws[0] * ws[1]).map(|k| (k / ws[1], k % ws[1])) {
                    let place = |i: usize, a: usize, n: usize, pad: (i64, i64)| {
                        let q = (i * c.stride + a * c.dilation) as i64 - pad.0;
                        let base = c.base as i64;
                        (q >= 0 && q % base == 0 && q / base < n as i64).then(|| (q / base) as usize)
                    };
                    let (Some(r), Some(s)) = (place(i, a, xs[1], c.pads[0]), place(j, b, xs[2], c.pads[1])) else {
                        continue;
                    };
                    for k in 0..depth {
                        let left = xv[((n * xs[1] + r) * xs[2] + s) * xs[3] + group * depth + k];
                        sum += left * wv[((a * ws[1] + b) * ws[2] + k) * ws[3] + o];
                    }
                }
                y.push(sum)
            }
        }
    }
    y
}
/// The same for both dimensions, but for the padding.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    stride: usize,
    dilation: usize,
    base: usize,
    groups: usize,
    pads: [(i64, i64); 2],
}
impl Sizes {
    fn windows(&self, x: &Array, w: &Array) -> [usize; 2] {
        [0, 1].map(|d| {
            let places = ((x.shape()[d + 1] - 1) * self.base + 1) as i64 + self.pads[d].0 + self.pads[d].1;
            let reach = ((w.shape()[d] - 1) * self.dilation + 1) as i64;
            if places < reach { 0 } else { ((places - reach) as usize) / self.stride + 1 }
        })
    }
    fn conv(&self) -> ConvGeneralDilated {
        ConvGeneralDilated::new(&[self.stride; 2], self.pads)
            .lhs_dilation(&[self.base; 2])
            .rhs_dilation(&[self.dilation; 2])
            .feature_group_count(self.groups)
            .dimension_numbers(("NHWC", "HWIO", "NHWC"))
    }
}

fn close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{a} against {b}");
    }
}

#[test]
fn a_convolution_is_its_loops() {
    for k in 0..36 {
        let c = Sizes {
            stride: 1 + k % 2,
            dilation: 1 + k / 2 % 2,
            base: 1 + k / 4 % 3,
            groups: 1 + k / 12 % 2,
            pads: [(k as i64 % 3 - 1, 1), (2, k as i64 % 2)],
        };
        let (x, w) = (sample(&[2, 6, 5, 4], 1), sample(&[3, 2, 4 / c.groups, 6], 2));
        let y = c.conv().run(&x, &w);
        let [h, v] = c.windows(&x, &w);
        assert_eq!(y.shape(), [2, h, v, 6], "{c:?}");
        close(&y.to_vec::<f64>(), &by_loops(&x, &w, &c));
        // both derivatives are transposes: <ct, conv(dx, w)> = <back(ct), dx>
        let ct = sample(y.shape(), 3);
        let (dx, dw) = (sample(x.shape(), 4), sample(w.shape(), 5));
        let (bx, bw) = vjp(|x: &Array, w: &Array| c.conv().run(x, w), (&x, &w)).1.call(&ct);
        let dot = |a: &Array, b: &Array| (a * b).sum().item::<f64>();
        close(&[dot(&bx, &dx), dot(&bw, &dw)], &[dot(&ct, &c.conv().run(&dx, &w)), dot(&ct, &c.conv().run(&x, &dw))]);
    }
}

/// Each lane has the bits that it has alone.
#[test]
fn lanes_are_convolutions() {
    type Letters = (&'static str, &'static str, &'static str);
    let letters: [Letters; 2] = [("NHC", "HIO", "NHC"), ("HCN", "OHI", "CNH")];
    for ((features, batch), letters) in [(1, 1), (2, 1), (1, 2)].into_iter().flat_map(|g| letters.map(|l| (g, l))) {
        let f = move |x: &Array, w: &Array| {
            let conv = ConvGeneralDilated::new(&[1], "SAME").dimension_numbers(letters);
            conv.feature_group_count(features).batch_group_count(batch).run(x, w)
        };
        // the operands of a lane have this order: N, H, C and H, I, O
        let order = |from: &str, to: &str| to.chars().map(|c| from.find(c).unwrap()).collect::<Vec<_>>();
        let (x, w) = (sample(&[3, 4, 5, 4], 1), sample(&[3, 2, 4 / features, 4], 2));
        let one = |i: usize, a: &Array, from: &str, to: &str| {
            let lane = prim::reshape(&prim::slice_in_dim(a, i, i + 1, 1, 0), &a.shape()[1..]);
            prim::transpose(&lane, &order(from, to))
        };
        let (xs, ws): (Vec<Array>, Vec<Array>) =
            (0..3).map(|i| (one(i, &x, "NHC", letters.0), one(i, &w, "HIO", letters.1))).unzip();
        for at in 0..4i32 {
            let (lhs, rhs) = (
                prim::stack(&xs.iter().collect::<Vec<_>>(), at as usize),
                prim::stack(&ws.iter().collect::<Vec<_>>(), 3 - at as usize),
            );
            let lane = |y: &Array, i: usize| {
                prim::reshape(&prim::slice_in_dim(y, i, i + 1, 1, 0), &y.shape()[1..]).to_vec::<f64>()
            };
            let both = Vmap::new().in_axes((at, 3 - at)).of(f)(&lhs, &rhs);
            let left = Vmap::new().in_axes((at, None)).of(f)(&lhs, &ws[0]);
            let right = Vmap::new().in_axes((None, 3 - at)).of(f)(&xs[0], &rhs);
            for i in 0..3 {
                assert_eq!(lane(&both, i), f(&xs[i], &ws[i]).to_vec::<f64>());
                assert_eq!(lane(&left, i), f(&xs[i], &ws[0]).to_vec::<f64>());
                assert_eq!(lane(&right, i), f(&xs[0], &ws[i]).to_vec::<f64>());
            }
        }
    }
}

#[test]
fn a_transposed_convolution_is_a_gradient() {
    for (strides, padding) in [([2, 2], "VALID"), ([2, 1], "SAME"), ([3, 2], "SAME")] {
        let (x, w) = (sample(&[1, 6, 6, 2], 1), sample(&[3, 2, 2, 3], 2));
        let conv = ConvGeneralDilated::new(&strides, padding).dimension_numbers(("NHWC", "HWIO", "NHWC"));
        let (y, back) = vjp(|x: &Array| conv.run(x, &w), (&x,));
        let ct = sample(y.shape(), 3);
        let want = back.call(&ct).0;
        let got = conv_transpose(&ct, &w, &strides, padding, true);
        if got.shape() == want.shape() {
            close(&got.to_vec::<f64>(), &want.to_vec::<f64>());
        } else {
            // as many as a stride leaves: what was cut off is not made up
            assert!(got.shape()[1] <= want.shape()[1] && got.shape()[2] <= want.shape()[2], "{:?}", got.shape());
        }
    }
}

#[test]
fn errors_say_what_does_not_fit() {
    let (x, w) = (sample(&[1, 2, 5], 1), sample(&[3, 2, 2], 2));
    let text = |f: &dyn Fn() -> Array| catch(f).unwrap_err().to_string();
    let says = |f: &dyn Fn() -> Array, what: &str| {
        let text = text(f);
        assert!(text.contains(what), "{text}");
    };
    says(&|| conv_general_dilated(&x, &sample(&[3, 2], 1), &[1], "SAME"), "the same number of dimensions");
    says(
        &|| conv_general_dilated(&x, &sample(&[3, 1, 2], 1), &[1], "SAME"),
        "2 channels of float64[1,2,5] in 1 groups",
    );
    let wanted = "window strides (1, 1) must be 1 positive numbers, one for each spatial dimension of float64[1,2,5]";
    says(&|| conv_general_dilated(&x, &w, &[1, 1], [(0, 0)]), wanted);
    says(&|| conv_general_dilated(&x, &w, &[0], [(0, 0)]), "window strides (0,)");
    says(&|| conv_general_dilated(&x, &w, &[1], [(-3, -3)]), "cuts off more than there is");
    says(&|| conv_general_dilated(&x, &w, &[1], "MOST"), "is none of \"SAME\"");
    says(&|| conv_general_dilated(&x, &w.astype(DType::Float32), &[1], "SAME"), "one element type");
    says(
        &|| ConvGeneralDilated::new(&[1], "SAME").feature_group_count(2).batch_group_count(2).run(&x, &w),
        "one of them 1",
    );
    says(&|| ConvGeneralDilated::new(&[1], "SAME").lhs_dilation(&[2]).run(&x, &w), "conv_transpose takes names");
    let letters = |l: (&'static str, &'static str, &'static str)| {
        move || ConvGeneralDilated::new(&[1], "SAME").dimension_numbers(l).run(&array![1.], &array![1.])
    };
    says(&letters(("NCH", "OIW", "NCH")), "different spatial letters");
    says(&letters(("NCC", "OIW", "NCH")), "exactly once");
    says(&|| ReduceWindow::new(&[2]).max(&x), "window dimensions (2,) must be 3 positive numbers");
    says(&|| ReduceWindow::new(&[1, 0, 1]).sum(&x), "window dimensions (1, 0, 1)");
    says(&|| ReduceWindow::new(&[1, 1, 2]).run(&x, &array![1.], |a, b| a + b), "no scalar of the type");
}

#[test]
fn programs_print_as_those_of_jax() {
    let x = Array::from_slice(&[0f32; 50], &[1, 2, 5, 5]);
    let w = Array::from_slice(&[0f32; 54], &[3, 2, 3, 3]);
    let text = make_jaxpr(|x: &Array, w: &Array| lax::conv(x, w, &[1, 1], "SAME"), (&x, &w)).to_string();
    for line in [
        "dimension_numbers=ConvDimensionNumbers(lhs_spec=(0, 1, 2, 3), rhs_spec=(0, 1, 2, 3), out_spec=(0, 1, 2, 3))",
        "padding=((1, 1), (1, 1))",
        "window_strides=(1, 1)",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let pool = ReduceWindow::new(&[1, 2]).window_strides(&[1, 2]);
    let slope = make_jaxpr(grad(|x: &Array| pool.max(x).sum()), (&array![[1., 2.]],)).to_string();
    assert!(slope.contains("select_and_scatter_add[") && slope.contains("select_prim=ge"), "{slope}");
}

/// The first of equal elements has the derivative; a NaN gives way to what comes after it, in derivatives; padding may win.
#[test]
fn which_element_has_the_derivative_of_a_maximum() {
    let pool = |n: usize| ReduceWindow::new(&[n]).window_strides(&[n]);
    let slope = |w: &ReduceWindow, x: &Array| grad(|x: &Array| w.max(x).sum())(x).to_vec::<f32>();
    assert_eq!(slope(&pool(3), &array![2., 2., 1., 0., 5., 5.]), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let nan = f32::NAN;
    assert_eq!(slope(&pool(3), &array![9., nan, 1.]), [0.0, 0.0, 1.0]);
    let low = f32::NEG_INFINITY;
    let padded = ReduceWindow::new(&[2]).padding([(1, 0)]);
    assert_eq!(slope(&padded, &array![low, 1.]), [0.0, 1.0]);
    // windows that overlap, and lanes
    assert_eq!(slope(&ReduceWindow::new(&[2]), &array![1., 3., 2., 0.]), [0.0, 2.0, 1.0, 0.0]);
    let rows = array![[1., 3., 2.], [5., 4., 4.]];
    let each = vmap(grad(|x: &Array| ReduceWindow::new(&[2]).max(x).sum()))(&rows);
    assert_eq!(each.to_vec::<f32>(), [0.0, 2.0, 0.0, 1.0, 1.0, 0.0]);
    // JAX has no reverse mode for dilated windows
    assert_eq!(slope(&ReduceWindow::new(&[2]).window_dilation(&[2]), &array![1., 3., 2., 0.]), [0.0, 1.0, 1.0, 0.0]);
}

/// How far numbers are from those of `exact`, of the greatest of these.
fn error(x: &Array, exact: &Array) -> f64 {
    let (x, exact) = (x.to_vec::<f32>(), exact.to_vec::<f64>());
    let most = exact.iter().fold(0.0f64, |m, e| m.max(e.abs()));
    x.iter().zip(&exact).fold(0.0f64, |m, (x, e)| m.max((*x as f64 - e).abs())) / most
}

/// Filters of three by three elements go through tiles: the convolution and both gradients are as close to those in double precision as sums one after the other.
#[test]
fn tiles_are_as_precise_as_sums() {
    let normal = |shape: &[usize], seed: u64| random::normal_dtype(random::key(seed), shape, DType::Float64);
    let (x, w) = (normal(&[3, 13, 16, 24], 1), normal(&[3, 3, 24, 40], 2));
    for letters in [("NHWC", "HWIO", "NHWC"), ("NCHW", "OIHW", "NCHW")] {
        let conv = ConvGeneralDilated::new(&[1, 1], "SAME").dimension_numbers(("NHWC", "HWIO", "NHWC"));
        let turned = |x: &Array, to: &str| match to {
            "NCHW" => prim::transpose(x, &[0, 3, 1, 2]),
            "OIHW" => prim::transpose(x, &[3, 2, 0, 1]),
            _ => x.clone(),
        };
        let (x, w) = (turned(&x, letters.0), turned(&w, letters.1));
        let ct = turned(&normal(&[3, 13, 16, 40], 3), letters.2);
        let all = |precision, x: &Array, w: &Array, ct: &Array| {
            let conv = conv.clone().dimension_numbers(letters).precision(precision);
            let (y, back) = vjp(|x: &Array, w: &Array| conv.run(x, w), (x, w));
            let (dx, dw) = back.call(ct);
            [y, dx, dw]
        };
        let exact = all(Precision::Default, &x, &w, &ct);
        let single = [&x, &w, &ct].map(|a| a.astype(DType::Float32));
        let [x, w, ct] = &single;
        let (tiles, sums) = (all(Precision::Default, x, w, ct), all(Precision::Highest, x, w, ct));
        for i in 0..3 {
            let (tiled, summed) = (error(&tiles[i], &exact[i]), error(&sums[i], &exact[i]));
            assert!(tiled < 1e-6 && summed < 1e-6, "{letters:?}, {i}: {tiled:e} and {summed:e}");
            assert_ne!(tiles[i].to_vec::<f32>(), sums[i].to_vec::<f32>(), "{letters:?}, {i}: there were no tiles");
        }
        // the same bits in a compiled function, and for each member of a batch alone
        let compiled = jit(|x: &Array, w: &Array, ct: &Array| all(Precision::Default, x, w, ct))(x, w, ct);
        for (a, b) in compiled.iter().zip(&tiles) {
            assert_eq!(a.to_vec::<f32>(), b.to_vec::<f32>());
        }
        let one = |x: &Array| np::squeeze(&conv.clone().dimension_numbers(letters).run(&np::expand_dims(x, &[0]), w));
        assert_eq!(vmap(one)(x).to_vec::<f32>(), tiles[0].to_vec::<f32>());
    }
}

/// Small integers are exact however they are summed.
#[test]
fn integers_are_exact_in_tiles() {
    let whole = |shape: &[usize]| {
        np::remainder(&np::arange(shape.iter().product::<usize>() as f32), &array(7.0f32)).reshape(shape) - 3.0
    };
    let (x, w) = (whole(&[2, 9, 8, 16]), whole(&[3, 3, 16, 17]));
    let conv = ConvGeneralDilated::new(&[1, 1], [(1, 1), (2, 1)]).dimension_numbers(("NHWC", "HWIO", "NHWC"));
    let sums = conv.clone().precision(Precision::Highest).run(&x, &w);
    assert_eq!(conv.run(&x, &w).to_vec::<f32>(), sums.to_vec::<f32>());
}
