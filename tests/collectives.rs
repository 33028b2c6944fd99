//! Communication between the lanes of a map. Expected texts are what JAX 0.10.2 prints for the same program under its `vmap`.

mod common;

use common::{close, same};
use cotangent::prelude::*;
use cotangent::{ARG0, ARG1, Grad, Vmap, jvp, lax, vjp, vmap};

fn over(name: &str) -> Vmap {
    Vmap::new().axis_name(name)
}
/// What a map with an axis i makes of x.
fn mapped(f: impl Fn(&Array) -> Array + Send + Sync, x: &Array) -> String {
    let eager = over("i").of(&f)(x);
    // staged inside and outside it is the same
    same("jit inside", &over("i").of(jit(&f))(x), &eager);
    same("jit outside", &jit(over("i").of(&f))(x), &eager);
    lines(&eager)
}
/// Without empty lines.
fn lines(x: &Array) -> String {
    x.to_string().lines().filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n")
}
fn x() -> Array {
    array![[1., 2., 4.], [3., -1., 0.5], [2.5, 7., -3.]]
}
fn count(shape: &[usize]) -> Array {
    let n: usize = shape.iter().product();
    Array::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<_>>(), shape)
}
const AROUND: [(usize, usize); 3] = [(0, 1), (1, 2), (2, 0)];

#[test]
fn folds() {
    assert_eq!(mapped(|x| lax::psum(x, "i"), &x()), "[[6.5 8.  1.5]\n [6.5 8.  1.5]\n [6.5 8.  1.5]]");
    assert_eq!(mapped(|x| lax::pmax(x, "i"), &x()), "[[3. 7. 4.]\n [3. 7. 4.]\n [3. 7. 4.]]");
    assert_eq!(mapped(|x| lax::pmin(x, "i"), &x()), "[[ 1. -1. -3.]\n [ 1. -1. -3.]\n [ 1. -1. -3.]]");
    let b = array![[true, false], [true, true]];
    assert_eq!(mapped(|x| lax::psum(x, "i"), &b), "[[2 1]\n [2 1]]");
    assert_eq!(mapped(|x| lax::pmax(x, "i"), &b), "[[ True  True]\n [ True  True]]");
    assert_eq!(mapped(|x| lax::pmin(x, "i"), &b), "[[ True False]\n [ True False]]");
    assert_eq!(mapped(|x| lax::pmean(x, "i"), &array![1, 2, 4]), "[2.3333333 2.3333333 2.3333333]");
}

#[test]
fn moves() {
    assert_eq!(
        mapped(|x| lax::ppermute(x, "i", &AROUND), &x()),
        "[[ 2.5  7.  -3. ]\n [ 1.   2.   4. ]\n [ 3.  -1.   0.5]]"
    );
    // who receives nothing has zeros
    assert_eq!(mapped(|x| lax::ppermute(x, "i", &[(0, 1)]), &array![1., 2., 3.]), "[0. 1. 0.]");
    let all = "[[[ 1.   2.   4. ]\n  [ 3.  -1.   0.5]\n  [ 2.5  7.  -3. ]]";
    assert!(mapped(|x| lax::all_gather(x, "i", 0), &x()).starts_with(all));
    let side = "[[[ 1.   3.   2.5]\n  [ 2.  -1.   7. ]\n  [ 4.   0.5 -3. ]]";
    assert!(mapped(|x| lax::all_gather(x, "i", 1), &x()).starts_with(side));
    assert_eq!(
        mapped(|x| lax::all_to_all(x, "i", 0, 0), &x()),
        "[[ 1.   3.   2.5]\n [ 2.  -1.   7. ]\n [ 4.   0.5 -3. ]]"
    );
    let y = count(&[3, 2, 3]);
    assert_eq!(
        mapped(|x| lax::all_to_all(x, "i", 1, 0), &y),
        "[[[ 0.  3.]\n  [ 6.  9.]\n  [12. 15.]]\n [[ 1.  4.]\n  [ 7. 10.]\n  [13. 16.]]\n [[ 2.  5.]\n  [ 8. 11.]\n  [14. 17.]]]"
    );
    assert_eq!(
        mapped(|x| lax::all_to_all(x, "i", 1, 1), &y),
        "[[[ 0.  6. 12.]\n  [ 3.  9. 15.]]\n [[ 1.  7. 13.]\n  [ 4. 10. 16.]]\n [[ 2.  8. 14.]\n  [ 5. 11. 17.]]]"
    );
    assert_eq!(mapped(|x| lax::psum_scatter(x, "i", 0), &x()), "[6.5 8.  1.5]");
    assert_eq!(mapped(|x| lax::psum_scatter(x, "i", 1), &y), "[[18. 27.]\n [21. 30.]\n [24. 33.]]");
    assert_eq!(mapped(|_| lax::axis_index("i"), &x()), "[0 1 2]");
    assert_eq!(mapped(|x| x * lax::axis_size("i"), &array![1., 2.]), "[2. 4.]");
}

/// What all lanes share takes part as if each lane had a copy.
#[test]
fn shared_values() {
    let two = array(2.0);
    assert_eq!(mapped(|x| x * lax::psum(1, "i"), &x()), "[[ 3.   6.  12. ]\n [ 9.  -3.   1.5]\n [ 7.5 21.  -9. ]]");
    assert_eq!(mapped(|x| x + lax::psum(0.5, "i"), &array![1., 2.]), "[2. 3.]");
    assert_eq!(mapped(|x| x + lax::pmax(&two, "i") + lax::pmin(1, "i"), &array![1., 2.]), "[4. 5.]");
    assert_eq!(mapped(|x| x + lax::pmean(&two, "i"), &array![1., 2.]), "[3. 4.]");
    assert_eq!(mapped(|x| x * 0.0 + lax::all_gather(&two, "i", 0), &x()), "[[2. 2. 2.]\n [2. 2. 2.]\n [2. 2. 2.]]");
    assert_eq!(
        mapped(|x| x + lax::ppermute(&two, "i", &AROUND), &x()),
        "[[ 3.   4.   6. ]\n [ 5.   1.   2.5]\n [ 4.5  9.  -1. ]]"
    );
    let v = array![1., 2., 3.];
    assert_eq!(
        mapped(|x| x + lax::psum_scatter(&v, "i", 0), &x()),
        "[[ 4.   5.   7. ]\n [ 9.   5.   6.5]\n [11.5 16.   6. ]]"
    );
    assert_eq!(mapped(|x| x * 0.0 + lax::all_to_all(&v, "i", 0, 0), &x()), "[[1. 1. 1.]\n [2. 2. 2.]\n [3. 3. 3.]]");
    // also where nothing at all is mapped
    let n = over("i").axis_size(4).in_axes((None,)).of(|x: &Array| lax::psum(x, "i"))(&two);
    assert_eq!(n.to_string(), "[8. 8. 8. 8.]");
}

#[test]
fn gradients() {
    let of = |f: fn(&Array) -> Array, x: &Array| mapped(move |x| grad(f)(x), x);
    let v = array![1., 3., 2.5];
    // the sum of all shares is 1, however it is written
    let zeros = array![0., 0., 0.];
    close("share", &over("i").of(grad(|x: &Array| x / lax::psum(x, "i")))(&v), &zeros, 1e-7);
    close("share", &over("i").of(grad(|x: &Array| x / lax::all_gather(x, "i", 0).sum()))(&v), &zeros, 1e-7);
    assert_eq!(of(|x| (lax::all_gather(x, "i", 0) * array![1., 2., 3.] * x).sum(), &v), "[21.  27.5 34. ]");
    assert_eq!(
        of(|x| (lax::all_to_all(x, "i", 0, 0) * x).sum(), &x()),
        "[[ 2.  6.  5.]\n [ 4. -2. 14.]\n [ 8.  1. -6.]]"
    );
    assert_eq!(
        of(|x| lax::psum_scatter(&(x * x), "i", 0) * x.sum(), &x()),
        "[[ 30.25  26.25  68.25]\n [ 96.    49.    60.5 ]\n [ 60.25  60.25 -13.75]]"
    );
    let mean = over("i").of(grad(|x: &Array| x * lax::pmean(x.powi(2), "i")))(&v);
    close("pmean", &mean, &array![9.75, 18.416666, 16.25], 1e-6);
    assert_eq!(of(|x| lax::ppermute(x, "i", &AROUND) * x.powi(2), &v), "[14.   12.25 16.  ]");
    let y = count(&[3, 2, 3]);
    assert_eq!(
        of(|x| (lax::psum_scatter(&x.powi(2), "i", 1) * x.sum()).sum(), &y),
        "[[[ 495.  597.  843.]\n  [ 585.  903. 1365.]]\n [[ 771. 1305. 1983.]\n  [ 861. 1611. 2505.]]\n [[1059. 2025. 3135.]\n  [1149. 2331. 3657.]]]"
    );
    // twice
    assert_eq!(of(|x| grad(|x: &Array| x.powi(2) * lax::psum(x.powi(3), "i"))(x), &v), "[ 321.25 1023.25  818.5 ]");
    let tangent = |x: &Array| jvp(|x: &Array| x * lax::psum(x * x, "i"), (x,), (&Array::from_slice(&[1f32], &[]),)).1;
    assert_eq!(mapped(tangent, &v), "[29.25 55.25 48.75]");
    // an extreme has no derivative
    let e = catch(|| over("i").of(grad(|x: &Array| lax::pmax(x, "i")))(&v)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::NotDifferentiable);
}

/// One value that all lanes share is counted once: there JAX's vmap counts it once for each lane, JAX's typed maps do not.
#[test]
fn sums_are_counted_once() {
    let v = array![1., 3., 2.5];
    let of = |f: fn(&Array) -> Array| mapped(move |x| grad(f)(x), &v);
    assert_eq!(of(|x| lax::psum(x * x, "i")), "[2. 6. 5.]");
    assert_eq!(of(|x| lax::pmean(x * x, "i")), "[0.6666667 2.        1.6666667]");
    // staged: whether cotangents differ is known only where the map is applied
    assert_eq!(of(|x| jit(|x: &Array| lax::psum(x * x, "i"))(x)), "[2. 6. 5.]");
    assert_eq!(of(|x| x * jit(|x: &Array| lax::psum(x, "i"))(x)), "[13. 13. 13.]");
    assert_eq!(of(|x| x * lax::psum(x, "i")), "[13. 13. 13.]");
    // the derivative of a multiple
    let shared = over("i").in_axes((None, 0)).of(grad(|w: &Array, x: &Array| lax::psum(w * w, "i") * x));
    assert_eq!(shared(&array(2.0), &v).to_string(), "[12. 36. 30.]");
    // explicitly: the same value in every lane is a loss in every lane
    assert_eq!(of(|x| lax::pvary(&lax::psum(x * x, "i"), "i")), "[ 6. 18. 15.]");
}

#[test]
fn reduced_gradients_are_those_of_the_whole_batch() {
    let w = Array::from_slice(&(0..12).map(|i| (i as f64 * 0.37).sin()).collect::<Vec<_>>(), &[3, 4]);
    let x = Array::from_slice(&(0..6).map(|i| (i as f64 * 0.71).cos()).collect::<Vec<_>>(), &[2, 3]);
    let f = |w: &Array, x: &Array| x.matmul(w).sin().sum();
    let (dw, dx) = cotangent::grad_argnums(f, (ARG0, ARG1))(&w, &x);
    let in_map = || over("batch").in_axes((None, 0)).out_axes((None, 0));
    let reduced = || Grad::new().reduce_axes(["batch"]);
    // each lane's own loss; the loss of all lanes; both staged
    let check = |what: &str, (gw, gx): (Array, Array)| {
        close(what, &gw, &dw, 1e-12);
        close(what, &gx, &dx, 1e-12)
    };
    check("own loss", in_map().of(reduced().argnums(f, (ARG0, ARG1)))(&w, &x));
    check("own loss, staged", in_map().of(reduced().argnums(jit(f), (ARG0, ARG1)))(&w, &x));
    let total = |w: &Array, x: &Array| lax::psum(f(w, x), "batch");
    check("summed loss", in_map().of(reduced().argnums(total, (ARG0, ARG1)))(&w, &x));
    check("summed loss, staged", in_map().of(jit(reduced().argnums(jit(total), (ARG0, ARG1))))(&w, &x));
    // without it the gradient of what the lanes share is each example's, and is not one value
    let e = catch(|| in_map().of(cotangent::grad_argnums(f, (ARG0, ARG1)))(&w, &x)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Axis);
    assert!(e.message().contains("differs from lane to lane"), "{e}");
    let per_example = over("batch").in_axes((None, 0)).of(grad(f))(&w, &x);
    close("sum of the examples'", &cotangent::prim::reduce_sum(&per_example, &[0]), &dw, 1e-12);
    // an axis that is not bound is an error
    let e = catch(|| reduced().grad(f)(&w, &x)).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Axis);
}

#[test]
fn nested_axes() {
    let z = count(&[2, 3, 2]);
    let of = |f: fn(&Array) -> Array| {
        let eager = over("i").of(over("j").of(f))(&z);
        same("jit between", &over("i").of(jit(over("j").of(jit(f))))(&z), &eager);
        eager
    };
    let text = |f: fn(&Array) -> Array| lines(&of(f));
    assert_eq!(
        text(|x| lax::psum(x, ["i", "j"])),
        "[[[30. 36.]\n  [30. 36.]\n  [30. 36.]]\n [[30. 36.]\n  [30. 36.]\n  [30. 36.]]]"
    );
    same("one after the other", &of(|x| lax::psum(x, ["i", "j"])), &of(|x| lax::psum(lax::psum(x, "i"), "j")));
    assert!(text(|x| lax::pmax(x, ["j", "i"])).starts_with("[[[10. 11.]"));
    let gathered = text(|x| lax::all_gather(x, "i", 0));
    assert!(
        gathered.starts_with("[[[[ 0.  1.]\n   [ 6.  7.]]\n  [[ 2.  3.]\n   [ 8.  9.]]\n  [[ 4.  5.]\n   [10. 11.]]]"),
        "{gathered}"
    );
    let twice = of(|x| lax::all_gather(&lax::all_gather(x, "i", 0), "j", 1));
    assert_eq!(twice.shape(), [2, 3, 2, 3, 2]);
    same("every lane has all", &common::nth(&common::nth(&twice, 1), 2), &z);
    assert_eq!(text(|x| lax::psum_scatter(x, "i", 0)), "[[ 6. 10. 14.]\n [ 8. 12. 16.]]");
    assert_eq!(
        text(|x| lax::all_to_all(x, "i", 0, 0)),
        "[[[ 0.  6.]\n  [ 2.  8.]\n  [ 4. 10.]]\n [[ 1.  7.]\n  [ 3.  9.]\n  [ 5. 11.]]]"
    );
    assert_eq!(
        text(|x| lax::ppermute(x, "j", &AROUND)),
        "[[[ 4.  5.]\n  [ 0.  1.]\n  [ 2.  3.]]\n [[10. 11.]\n  [ 6.  7.]\n  [ 8.  9.]]]"
    );
    assert_eq!(text(|_| lax::axis_index("i") * 10 + lax::axis_index("j")), "[[ 0  1  2]\n [10 11 12]]");
    assert!(text(|x| grad(|x: &Array| (x * lax::psum(x, ["i", "j"])).sum())(x)).starts_with("[[[60. 72.]"));
    // lanes along other dimensions
    let placed =
        over("i").in_axes((2,)).of(over("j").in_axes((1,)).out_axes(1).of(|x: &Array| lax::all_gather(x, "i", 1)))(&z);
    assert_eq!(
        lines(&placed),
        "[[[[ 0.  1.]\n   [ 2.  3.]\n   [ 4.  5.]]\n  [[ 6.  7.]\n   [ 8.  9.]\n   [10. 11.]]]\n [[[ 0.  1.]\n   [ 2.  3.]\n   [ 4.  5.]]\n  [[ 6.  7.]\n   [ 8.  9.]\n   [10. 11.]]]]"
    );
    // a name that is bound twice means the inner map, and the outer one again behind it
    let shadowed = over("i").of(|x: &Array| {
        let inner = over("i").of(|x: &Array| lax::psum(x, "i"))(x);
        inner + lax::psum(x, "i") * 100.0
    })(&array![[1., 2.], [3., 4.]]);
    assert_eq!(shadowed.to_string(), "[[403. 603.]\n [407. 607.]]");
    // an unnamed map does not matter
    let plain = over("i").of(vmap(|x: &Array| lax::psum(x, "i")))(&array![[1., 2.], [3., 4.]]);
    assert_eq!(plain.to_string(), "[[4. 6.]\n [4. 6.]]");
}

/// One staged function in maps of different names and sizes.
#[test]
fn staged_functions_know_their_axes() {
    let mean = jit(|x: &Array| lax::pmean(x, "i"));
    let center = |x: &Array| x - mean(x);
    assert_eq!(over("i").of(center)(&array![1., 2., 6.]).to_string(), "[-2. -1.  3.]");
    assert_eq!(over("i").of(center)(&array![1., 3.]).to_string(), "[-1.  1.]");
    let e = catch(|| over("k").of(center)(&array![1., 3.])).unwrap_err();
    assert!(e.message().contains("pmean: unbound axis name: i (bound here: k)"), "{e}");
    let nested = over("k").of(over("i").of(center))(&array![[1., 3.], [5., 6.]]);
    assert_eq!(nested.to_string(), "[[-1.   1. ]\n [-0.5  0.5]]");
}

#[test]
fn transposes_are_inverses() {
    // the pullback of a move is the inverse move; of a gather the scattered sum
    let ct = |f: fn(&Array) -> Array, x: &Array, ct: &Array| {
        over("i").of(move |x: &Array, c: &Array| vjp(f, (x,)).1.call(c).0)(x, ct)
    };
    let run = |f: fn(&Array) -> Array, x: &Array| over("i").of(f)(x);
    let c = x() * 2.0;
    same(
        "ppermute",
        &ct(|x| lax::ppermute(x, "i", &AROUND), &x(), &c),
        &run(|c| lax::ppermute(c, "i", &[(1, 0), (2, 1), (0, 2)]), &c),
    );
    let (y, d) = (count(&[3, 2, 3]), count(&[3, 3, 2]));
    same("all_to_all", &ct(|x| lax::all_to_all(x, "i", 1, 0), &y, &d), &run(|c| lax::all_to_all(c, "i", 0, 1), &d));
    let big = count(&[3, 2, 3]);
    same(
        "all_gather",
        &ct(|x| lax::all_gather(x, "i", 1), &count(&[3, 2]), &big),
        &run(|c| lax::psum_scatter(c, "i", 1), &big),
    );
    same(
        "psum_scatter",
        &ct(|x| lax::psum_scatter(x, "i", 1), &big, &count(&[3, 2])),
        &run(|c| lax::all_gather(c, "i", 1), &count(&[3, 2])),
    );
}

#[test]
fn mistakes_name_the_axis() {
    let text = |f: &dyn Fn() -> Array| catch(f).unwrap_err().message().to_string();
    let v = array![1., 2., 3.];
    assert!(text(&|| lax::axis_index("i")).contains("axis_index: unbound axis name: i (no axis is bound here)"));
    assert!(
        text(&|| over("j").of(|x: &Array| lax::ppermute(x, "i", &[]))(&v))
            .contains("ppermute: unbound axis name: i (bound here: j)")
    );
    assert!(text(&|| over("i").of(|x: &Array| lax::psum(x, ["i", "i"]))(&v)).contains("psum: axis i is named twice"));
    assert!(
        text(&|| over("i").of(|x: &Array| lax::psum_scatter(x, "i", 0))(&count(&[3, 2])))
            .contains("must have an extent of 3 lanes")
    );
    assert!(
        text(&|| over("i").of(|x: &Array| lax::ppermute(x, "i", &[(0, 1), (2, 1)]))(&v))
            .contains("is no permutation of 3 lanes")
    );
    assert!(
        text(&|| over("i").of(|x: &Array| lax::all_gather(x, "i", 2))(&v)).contains("dimension 2 is out of bounds")
    );
    // what is carried out of the map has no lanes to talk to
    let kept = std::sync::Mutex::new(None);
    over("i").of(|x: &Array| {
        let (y, back) = vjp(|x: &Array| lax::psum(x, "i"), (x,));
        *kept.lock().unwrap() = Some(back);
        y
    })(&v);
    let back = kept.into_inner().unwrap().unwrap();
    let e = catch(|| back.call(&Array::from_slice(&[1f32], &[]))).expect_err("no lanes");
    assert!(e.message().contains("unbound axis name: ('i',)"), "{e}");
}
