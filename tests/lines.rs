//! Errors about shapes name the line of the user's call, whatever closures stand between it and the place that found them.

use cotangent::np::{self, BitOrder, Diagonal, Overlap, Side, fft, linalg};
use cotangent::prelude::*;
use cotangent::random::{self, Draw, key};
use cotangent::{lax, nn, special, stats};

/// Each call is wrong, in a file that this one is.
macro_rules! wrong { (|$($x:ident)*| $($call:expr;)*) => { wrong!(@ [$($x)*] $($call;)*) };
    (@ $x:tt $($call:expr;)*) => { &[$((stringify!($call), wrong!(# $x $call))),*] };
    (# [$($x:ident)*] $call:expr) => { |[$($x),*]: [&Array; 5]| { let _ = ($($x),*); let _ = $call; } };
}
type Row = (&'static str, fn([&Array; 5]));

/// Of a matrix of two rows and three columns, vectors of three and of two, a scalar, and an array of three dimensions.
#[rustfmt::skip]
const CALLS: &[Row] = wrong! {
    |m v w c t|
    np::expand_dims(m, &[7]); np::squeeze_axes(m, &[0]); np::reshape(m, &[4, -1]); np::permute_dims(m, &[0, 0]); np::swapaxes(m, 0, 5);
    np::moveaxis(m, &[0], &[4]); np::rollaxis(m, 5, 0); np::flip_axes(m, &[3]); np::fliplr(v); np::flipud(c); np::rot90(v, 1, (0, 1));
    np::roll_axes(m, &[1, 2], &[0]); np::roll_by(m, v, 0); np::repeat(m, 2, Some(4)); np::repeat_each(m, w, Some(1), None);
    np::broadcast_arrays(&[m, w]); np::broadcast_shapes(&[&[2], &[3]]); np::broadcast_to(m, &[3, 2]); np::packbits(&m.astype(DType::Uint8), Some(3), BitOrder::Big);
    np::bincount(m); np::histogram2d(v, w, 3); np::histogramdd(v, 3); np::full(&[3], w); np::tril(v, 0).i((0, 0, 0)); np::triu(c, 0);
    np::diag_indices_from(m); np::tril_indices_from(v, 0); np::triu_indices_from(v, 0); np::vander(m, 3, true); np::ix_(&[m]); np::meshgrid(&[m]);
    Diagonal::new().axes(0, 7).of(m); np::diagonal(v); np::trace(v); np::diag(t, 0); np::fill_diagonal(v, 1.0); np::diff(c); np::gradient(&array![[1.]]);
    np::convolve(m, v, Overlap::Full); np::correlate(v, m, Overlap::Same); np::interp(v, v, w); np::einsum("ij,j->i", &[m, w]); np::einsum("ij->ijk", &[m]);
    np::einsum("ij", &[m, m]); np::einsum_path("ij,jk", &[&[2, 3], &[2, 3]]);
    np::add(m, w); np::maximum(m, w); np::power(m, w); np::divide(m, w); np::remainder(m, w); np::arctan2(m, w); np::hypot(m, w); np::logaddexp(m, w); np::where_(&m.gt(0), v, w);
    np::copysign(m, w); np::heaviside(m, w); np::fmod(m, w); np::divmod(m, w); np::floor_divide(m, w); np::isclose(m, w); np::allclose(m, w); np::clip(m, w, 5.0);
    np::logical_and(m, w); np::equal(m, w); np::less(m, w); np::nextafter(m, w); np::float_power(m, w); np::ldexp(m, &w.astype(DType::Int32)); np::fmax(m, w);
    np::bitwise_and(&m.astype(DType::Int32), &w.astype(DType::Int32)); np::gcd(&m.astype(DType::Int32), &w.astype(DType::Int32));
    np::unwrap(c); np::concatenate(&[m, v], 0); np::stack(&[m, v], 0); np::vstack(&[v, w]); np::hstack(&[m, v]); np::dstack(&[m, v]); np::column_stack(&[v, w]);
    np::unstack(m, 5); np::split(m, 2, 1); np::array_split(m, 2, 4); np::hsplit(m, 2); np::vsplit(v, 2); np::dsplit(m, 1); np::append(m, v, Some(0)); np::insert(m, 1, w, Some(0));
    np::delete(m, 9, Some(1)); np::dot(m, w); np::matmul(m, w); np::vdot(v, w); np::inner(m, w); np::tensordot(m, m, 1); np::tensordot(m, m, (5, 0)); np::vecdot(v, w, -1);
    np::matvec(m, w); np::vecmat(v, m); np::cross(w, &array![1., 2., 3., 4.]); np::cross(c, v); np::sort(m, 4); np::argsort(m, 4); np::sort_complex(c); np::searchsorted(m, v, Side::Left);
    np::partition(m, 9, 0); np::argpartition(m, 9, 0); np::lexsort(&[v, w], 0); np::top_k(m, 9, 0); np::pad(m, [(1, 1), (1, 1), (1, 1)]); np::polyval(m, w).i((0, 0, 0, 0));
    np::polyadd(m, v); np::polymul(m, v); np::polydiv(m, v); np::polyder(m, 1); np::polyint(m, 1, 0.0); np::roots(m); np::polyfit(v, w, 1); np::polyfit(m, v, 1);
    np::quantile(m, t); np::over(5).sum(m); np::over([0, 0]).mean(m); np::over(3).max(m); np::over(2).argmax(m); np::over(2).var(m); np::over(2).nanmean(m); np::over(4).median(m);
    np::over(0).where_(&w.gt(0)).sum(m); np::over(0).weights(t).average(m); np::cumsum(m, 4); np::cumprod(m, 4); np::nonzero(c); np::extract_size(&v.gt(0), w, 2, 0.0);
    np::select(&[&m.gt(0)], &[w], 0.0); np::piecewise(m, &[&w.gt(0)], &[&|x| x * 2.0]); np::Unique::new().axis(7).all(m); np::cov(t); np::corrcoef(t);
    np::Cov::new().of_both(v, w); np::take(m, &array![0], Some(4)); np::take(m, &array![9], Some(0)); np::take_along_axis(m, &array![0], Some(0)); np::put_along_axis(m, &array![0], 1.0, Some(0));
    np::compress(&v.gt(0), m, Some(5)); np::choose(&array![0, 1], &[v, m], None); np::apply_along_axis(|x| x.sum(), 5, m);
    np::apply_over_axes(|x, a| np::over(a).keepdims().sum(x), m, &[6]); np::vectorize("(n),(n)->()", |x: &[Array]| vec![x[0].dot(&x[1])])(&[v, w]); m.i(9); m.i((0, 0, 0)); m.at(9).set(1.0); m.at(0).set(w);
    m.at((0, 0, 0)).add(1.0); m + w; m.dot(w); m.reshape(&[5]); m.astype(DType::Key);
    linalg::cholesky(m); linalg::eigh(m); linalg::eig(v); linalg::svd(v); linalg::qr(v); linalg::lu(v); linalg::slogdet(m); linalg::det(m); linalg::inv(m); linalg::solve(m, w);
    linalg::solve(&np::eye(2, 2, 0), v); linalg::lstsq(m, v, None); linalg::pinv(v, None); linalg::matrix_power(m, 2); linalg::multi_dot(&[m, m]); linalg::expm(m); linalg::norm(m).i(0);
    linalg::Norm::new().order(3).of(m); linalg::Norm::new().axis(4).of(m); linalg::Norm::new().axes(0, 0).of(m); linalg::vector_norm_over(m, &[3], 2, false); linalg::matrix_norm(v, 1); linalg::cond(v);
    linalg::tensorinv(m, 1); linalg::tensorsolve(m, v, &[]); linalg::solve_triangular(m, w); linalg::matrix_rank(t, None).i((0, 0));
    fft::fft(c); fft::fft2(v); fft::rfft(c); fft::fftshift(m, Some(&[4])); fft::Options::new().axes(&[4]).fftn(m); fft::Options::new().axes(&[0, 0]).fftn(m);
    nn::softmax(m, 4); nn::log_softmax(m, 4); nn::LogSumExp::new().axis(4).of(m); nn::standardize(m, 4); nn::glu(m, -1); nn::glu(m, 5); nn::dot_product_attention(m, m, m); nn::one_hot(array![1], 3).i((5, 0));
    nn::scaled_matmul(m, m, m, m); nn::elu(m, w); nn::initializers::glorot_normal().init(key(0), &[3]); nn::initializers::orthogonal(1.0, -1).init(key(0), &[3]);
    nn::initializers::delta_orthogonal(1.0, -1).init(key(0), &[3]); nn::initializers::he_normal().in_axis(&[5]).init(key(0), &[3, 3]);
    special::betaln(m, w); special::gammainc(m, w); special::comb(m, w); special::betainc(m, m, w); special::xlogy(m, w); special::rel_entr(m, w); special::kl_div(m, w); special::zeta(m, w);
    special::beta(m, w); special::poch(m, w); special::boxcox(m, w); special::boxcox1p(m, w); special::expn(&array![1, 2], m); special::polygamma(&array![1, 2], m); special::hyp1f1(m, m, w);
    special::hyp2f1(m, m, m, w); special::owens_t(m, w); special::sph_harm_y(&array![1, 2, 1], &array![0, 1, 1], w, w, None);
    stats::norm::logpdf(m, w, 1.0); stats::beta::pdf(m, w, 1.0, 0.0, 1.0); stats::gamma::cdf(m, w, 0.0, 1.0); stats::poisson::pmf(m, w, 0.0); stats::t::logpdf(m, w, 0.0, 1.0);
    stats::multivariate_normal::logpdf(v, w, &np::eye(3, 3, 0)); stats::multivariate_normal::logpdf(v, v, m); stats::truncnorm::pdf(m, w, 1.0, 0.0, 1.0);
    random::normal(random::split_array(key(0), &[2]), &[3]); random::gamma(key(0), w, &[3]); random::beta(key(0), w, 1.0, &[3]); random::poisson(key(0), w, &[3]); random::bernoulli(key(0), w, &[3]);
    random::uniform_in(key(0), &[3], DType::Float32, w, 1.0); random::randint(key(0), &[3], 0, array![1, 2]); random::permutation(key(0), array(1.5)); random::choice(key(0), 0, &[2]);
    random::Choice::new().axis(5).of(key(0), m, &[2]); random::categorical(key(0), c); random::Permutation::new().axis(4).of(key(0), m); random::dirichlet(key(0), m, &[5]); random::multivariate_normal(key(0), v, m, &[]);
    random::triangular(key(0), w, 1.0, 2.0, &[3]); random::binomial(key(0), w, 0.5, &[3]); random::multinomial(key(0), 3, m, &[5]); Draw::new().ball(key(0), 2, w, &[3]); random::truncated_normal(key(0), w, 1.0, &[3]);
    lax::ReduceWindow::new(&[2]).max(m); lax::ReduceWindow::new(&[2]).padding("SAME").sum(m); lax::conv(m, m, &[1], "SAME"); lax::top_k(v, 9, 0); lax::sort(&[v, w], 0, 1); lax::random_gamma_grad(m, w);
    lax::scan(|c: &Array, x: &Array| (c + x, c.clone()), c, &(v.clone(), w.clone()).0.i(0)); lax::map(|x: &Array| x.clone(), c);
};

#[test]
fn errors_name_the_line_of_the_call() {
    let m = &array![[1., 2., 3.], [4., 5., 6.]];
    let (v, w, c, t) = (&array![1., 2., 3.], &array![1., 2.], &array(1.0), &np::zeros(&[2, 3, 4]));
    let mut wrong = vec![];
    for (text, call) in CALLS {
        match catch(|| call([m, v, w, c, t])) {
            Ok(()) => wrong.push(format!("{text}: no error")),
            Err(e) if e.to_string().contains("tests/lines.rs:") => {}
            Err(e) => wrong.push(format!("{text}: {e}")),
        }
    }
    assert!(wrong.is_empty(), "{} of {} calls:\n{}", wrong.len(), CALLS.len(), wrong.join("\n"));
}
