//! Solutions of equations under every transformation, against solvers that are differentiated step by step.

mod common;

use common::{close, same, told};
use cotangent::jaxpr::Loaded;
use cotangent::prelude::*;
use cotangent::{check_grads, hessian, jacfwd, jacrev, jvp, lax, make_jaxpr, prim, vmap, vmap_axes};
use std::sync::atomic::{AtomicUsize, Ordering};

type Pair = (Array, Array);

fn nums(x: &[f64], shape: &[usize]) -> Array {
    Array::from_slice(x, shape)
}
fn num(x: f64) -> Array {
    nums(&[x], &[])
}
fn matrix() -> Array {
    nums(&[5.0, 1.0, -0.5, 0.75, 4.0, 1.0, 0.25, -1.0, 6.0], &[3, 3])
}
fn vector() -> Array {
    nums(&[1.0, -2.0, 3.0], &[3])
}
/// Jacobi's iteration, so many steps: to be differentiated step by step.
fn jacobi(a: &Array, b: &Array) -> Array {
    let eye = nums(&[1., 0., 0., 0., 1., 0., 0., 0., 1.], &[3, 3]);
    let diagonal = (a * eye).dot(&nums(&[1.; 3], &[3]));
    lax::fori_loop(0, 80, |_, x: &Array| x + (b - a.dot(x)) / &diagonal, &(b * 0.0))
}
/// The same until it is exact, by a loop that has no reverse mode under `jit`.
fn until_solved(f: &dyn Fn(&Array) -> Array, b: &Array) -> Array {
    // the maps here have diagonals near 5
    let step = |x: &Array| x + (b - f(x)) / 5.0;
    lax::while_loop(|x: &Array| (b - f(x)).abs().sum().gt(1e-14), step, &(b * 0.0))
}
/// Conjugate gradients for a symmetric positive map, and the number of steps.
fn conjugate_gradients(f: &dyn Fn(&Array) -> Array, b: &Array) -> (Array, Array) {
    let start = (b * 0.0, b.clone(), b.clone(), array(0));
    let dot = |x: &Array, y: &Array| (x * y).sum();
    let (x, _, _, steps) = lax::while_loop(
        |(_, r, _, n): &(Array, Array, Array, Array)| prim::and(&dot(r, r).gt(1e-28), &n.lt(20)),
        |(x, r, p, n)| {
            let fp = f(p);
            let alpha = dot(r, r) / dot(p, &fp);
            let next = r - &alpha * fp;
            let p_next = &next + dot(&next, &next) / dot(r, r) * p;
            (x + &alpha * p, next, p_next, n + 1)
        },
        &start,
    );
    (x, steps)
}
fn solved(a: &Array, b: &Array) -> Array {
    lax::custom_linear_solve(|x: &Array| a.dot(x), b, until_solved, until_solved)
}
fn symmetric(a: &Array, b: &Array) -> Array {
    let map = |x: &Array| a.dot(x) + a.t().dot(x);
    lax::LinearSolve::new(map, |f: &dyn Fn(&Array) -> Array, b: &Array| conjugate_gradients(f, b).0).symmetric().run(b)
}

/// `f` and `plain` under the same transformations.
fn agree(
    f: impl Fn(&Array, &Array) -> Array + Send + Sync + Copy,
    plain: impl Fn(&Array, &Array) -> Array + Send + Sync + Copy,
    a: &Array,
    b: &Array,
) {
    let near = |what: &str, got: &Array, want: &Array| close(what, got, want, 1e-9);
    near("value", &f(a, b), &plain(a, b));
    same("jit", &jit(f)(a, b), &f(a, b));
    let (loss, plain_loss) =
        (move |a: &Array, b: &Array| f(a, b).sin().sum(), move |a: &Array, b: &Array| plain(a, b).sin().sum());
    let both = (ARG0, ARG1);
    let want = grad_argnums(plain_loss, both)(a, b);
    for (what, got) in [
        ("grad", grad_argnums(loss, both)(a, b)),
        ("jit of grad", jit(grad_argnums(loss, both))(a, b)),
        ("grad of jit", grad_argnums(jit(loss), both)(a, b)),
    ] {
        near(what, &got.0, &want.0);
        near(what, &got.1, &want.1);
    }
    let (da, db) = (a.cos(), b.cos());
    near("jvp", &jvp(f, (a, b), (&da, &db)).1, &jvp(plain, (a, b), (&da, &db)).1);
    near("jacfwd", &jit(jacfwd(f))(a, b), &jacfwd(plain)(a, b));
    near("jacrev", &jacrev(f)(a, b), &jacfwd(plain)(a, b));
    near("hessian", &hessian(loss)(a, b), &hessian(plain_loss)(a, b));
    let reverse = grad(|a: &Array| grad(loss)(a, b).sin().sum())(a);
    near("grad of grad", &reverse, &grad(|a: &Array| grad(plain_loss)(a, b).sin().sum())(a));
    let (many_a, many_b) = (prim::stack(&[a, &(a + 0.25)], 0), prim::stack(&[b, &(b * 2.0)], 1));
    near("vmap", &vmap_axes(f, (0, 1), 0)(&many_a, &many_b), &vmap_axes(plain, (0, 1), 0)(&many_a, &many_b));
    near("lanes of b", &vmap(|b: &Array| f(a, b))(&many_b.t()), &vmap(|b: &Array| plain(a, b))(&many_b.t()));
    near("lanes of a", &vmap(|a: &Array| f(a, b))(&many_a), &vmap(|a: &Array| plain(a, b))(&many_a));
    let of_lanes = |f: &dyn Fn(&Array) -> Array| f(&many_a);
    near(
        "vmap of grad",
        &of_lanes(&|x| jit(vmap(grad(|a: &Array| loss(a, b))))(x)),
        &of_lanes(&|x| vmap(grad(|a: &Array| plain_loss(a, b)))(x)),
    );
    near(
        "grad of vmap",
        &grad(|x: &Array| vmap(|a: &Array| loss(a, b))(x).sum())(&many_a),
        &vmap(grad(|a: &Array| plain_loss(a, b)))(&many_a),
    );
}

#[test]
fn linear_equations() {
    agree(solved, jacobi, &matrix(), &vector());
    agree(symmetric, |a, b| jacobi(&(a + a.t()), b), &matrix(), &vector());
    check_grads(solved, (&matrix(), &vector()), 3);
    check_grads(symmetric, (&matrix(), &vector()), 2);
}

#[test]
fn what_only_the_solver_knows_has_no_derivative() {
    // the map is x -> a x; the solver uses a number of its own
    let f = |a: &Array, c: &Array| lax::custom_linear_solve(|x: &Array| a * x, &num(6.0), |_, b| b / c, |_, b| b / c);
    let (da, dc) = grad_argnums(f, (ARG0, ARG1))(&num(2.0), &num(2.0));
    assert_eq!((da.to_f64(), dc.to_f64()), (-1.5, 0.0));
    assert_eq!(jvp(f, (&num(2.0), &num(2.0)), (&num(1.0), &num(1.0))).1.to_f64(), -1.5);
}

#[test]
fn trees_of_unknowns_and_what_solvers_return_beside() {
    let steps = AtomicUsize::new(0);
    // [[a, 1], [2, 3]] as two unknowns
    let f = |a: &Array, b: &Pair| {
        let map = |x: &Pair| (a * &x.0 + &x.1, 2.0 * &x.0 + 3.0 * &x.1);
        let solve = |transposed: bool| {
            let steps = &steps;
            move |_: &dyn Fn(&Pair) -> Pair, b: &Pair| {
                steps.fetch_add(1, Ordering::Relaxed);
                let (p, q) = if transposed { (2.0, 1.0) } else { (1.0, 2.0) };
                let det = 3.0 * a - 2.0;
                ((3.0 * &b.0 - p * &b.1) / &det, (a * &b.1 - q * &b.0) / det)
            }
        };
        let with_count = |f: &dyn Fn(&Pair) -> Pair, b: &Pair| (solve(false)(f, b), (array(17), a * 2.0));
        lax::LinearSolve::with_aux(map, with_count).transpose_solve(solve(true)).run_aux(b)
    };
    let b = (num(1.0), num(4.0));
    let plain = |a: &Array, b: &Pair| {
        let det = 3.0 * a - 2.0;
        ((3.0 * &b.0 - &b.1) / &det, (a * &b.1 - 2.0 * &b.0) / det)
    };
    let a = num(4.0);
    let (x, (count, twice)) = f(&a, &b);
    assert_eq!((x.0.to_f64(), x.1.to_f64(), count.to_f64(), twice.to_f64()), (-0.1, 1.4, 17.0, 8.0));
    assert_eq!(steps.load(Ordering::Relaxed), 2); // once each, to be staged
    let loss = |x: &Pair| &x.0 * &x.1 + x.0.sin();
    let got = grad_argnums(|a: &Array, b: &Pair| loss(&f(a, b).0), (ARG0, ARG1))(&a, &b);
    let want = grad_argnums(|a: &Array, b: &Pair| loss(&plain(a, b)), (ARG0, ARG1))(&a, &b);
    tree::zip(&got, &want).expect("one structure").iter().for_each(|(g, w)| close("grad", g, w, 1e-12));
    // beside the solution there is no derivative, in either mode
    assert_eq!(grad(|a: &Array| f(a, &b).1.1)(&a).to_f64(), 0.0);
    assert_eq!(jvp(|a: &Array| f(a, &b).1.1, (&a,), (&num(1.0),)).1.to_f64(), 0.0);
    let lanes = vmap(|a: &Array| f(a, &b))(&nums(&[4.0, 2.0], &[2]));
    assert_eq!((lanes.1.0.to_vec::<i32>(), lanes.1.1.to_vec::<f64>()), (vec![17; 2], vec![8.0, 4.0]));
    let (_, steps) = lax::LinearSolve::with_aux(|x: &Array| matrix().dot(x) + matrix().t().dot(x), conjugate_gradients)
        .symmetric()
        .run_aux(&vector());
    assert!((3..=4).contains(&steps.item::<i32>()), "{steps}");
}

/// The cube root, by Newton's method.
fn cube_root(a: &Array) -> Array {
    lax::custom_root(
        |x: &Array| x.powi(3) - a,
        &num(1.0),
        |f, x| lax::while_loop(|x: &Array| f(x).abs().gt(1e-13), |x| x - f(x) / (3.0 * x.powi(2)), x),
        |g, y| y / g(&num(1.0)),
    )
}

#[test]
fn roots() {
    let a = num(8.0);
    let near = |what: &str, got: Array, want: f64| close(what, &got, &num(want), 1e-12);
    near("value", cube_root(&a), 2.0);
    // a^(1/3) and its derivatives
    near("grad", grad(cube_root)(&a), 1.0 / 12.0);
    near("jit of grad", jit(grad(cube_root))(&a), 1.0 / 12.0);
    near("grad of jit", grad(jit(cube_root))(&a), 1.0 / 12.0);
    near("jvp", jvp(cube_root, (&a,), (&num(3.0),)).1, 0.25);
    near("grad of grad", grad(grad(cube_root))(&a), -1.0 / 144.0);
    near("hessian", jit(hessian(cube_root))(&a), -1.0 / 144.0);
    near("third", grad(grad(grad(jit(cube_root))))(&a), 10.0 / 27.0 / 8f64.powf(8.0 / 3.0));
    let many = nums(&[1.0, 8.0, 27.0], &[3]);
    close("vmap", &vmap(cube_root)(&many), &nums(&[1.0, 2.0, 3.0], &[3]), 1e-12);
    close("vmap of grad", &vmap(grad(cube_root))(&many), &nums(&[1.0 / 3.0, 1.0 / 12.0, 1.0 / 27.0], &[3]), 1e-12);
    close(
        "grad of vmap",
        &jit(grad(|x: &Array| vmap(cube_root)(x).sum()))(&many),
        &vmap(grad(cube_root))(&many),
        1e-12,
    );
    check_grads(cube_root, (&a,), 3);
}

#[test]
fn roots_of_several_unknowns() {
    // x = tanh(a x + b), by turns; the linearised equation is solved as a linear equation
    fn fixpoint(a: &Array, b: &Array, guess: &Array) -> (Array, Array) {
        lax::custom_root_aux(
            |x: &Array| x - (a.dot(x) + b).tanh(),
            guess,
            |f, x| {
                let start = (x.clone(), array(0));
                lax::while_loop(
                    |(x, n)| prim::and(&f(x).abs().sum().gt(1e-14), &n.lt(1000)),
                    |(x, n)| (x - f(x), n + 1),
                    &start,
                )
            },
            |g, y| lax::custom_linear_solve(g, y, iterated, iterated),
        )
    }
    /// For maps that are near the identity.
    fn iterated(f: &dyn Fn(&Array) -> Array, b: &Array) -> Array {
        lax::while_loop(|x: &Array| (b - f(x)).abs().sum().gt(1e-14), |x| x + b - f(x), &(b * 0.0))
    }
    let plain = |a: &Array, b: &Array| lax::fori_loop(0, 200, |_, x: &Array| (a.dot(x) + b).tanh(), &vector());
    agree(|a, b| fixpoint(&(a * 0.1), b, &vector()).0, |a, b| plain(&(a * 0.1), b), &matrix(), &vector());
    let a = matrix() * 0.1;
    let (_, steps) = fixpoint(&a, &vector(), &vector());
    assert!((2..1000).contains(&steps.item::<i32>()), "{steps}");
    // where it begins does not matter
    let by_guess = grad(|x: &Array| fixpoint(&a, &vector(), x).0.sum())(&vector());
    assert_eq!(by_guess.to_vec::<f64>(), [0.0; 3]);
}

#[test]
fn programs_print() {
    let half = |b: &Array| lax::LinearSolve::new(|x: &Array| 2.0 * x, |_, b: &Array| b / 2.0).run(b);
    // JAX's text, but for the lines inside of the tuple, which JAX does not indent
    let want = "{ lambda ; a:f64[2]. let
    b:f64[2] = custom_linear_solve[
      const_lengths=_LinearSolveTuple(matvec=0, vecmat=0, solve=0, transpose_solve=0)
      jaxprs=_LinearSolveTuple(
        matvec={ lambda ; c:f64[2]. let d:f64[2] = mul 2.0:f64[] c in (d,) }
        vecmat=None
        solve={ lambda ; e:f64[2]. let f:f64[2] = div e 2.0:f64[] in (f,) }
        transpose_solve=None
      )
    ] a
  in (b,) }";
    assert_eq!(make_jaxpr(half, (&nums(&[1.0, 2.0], &[2]),)).to_string(), want);
    let text = make_jaxpr(solved, (&matrix(), &vector())).to_string();
    assert!(text.contains("(matvec=1, vecmat=1, solve=1, transpose_solve=1)"), "{text}");
    let text = make_jaxpr(cube_root, (&num(8.0),)).to_string();
    for words in [
        "custom_jvp_call[\n      name=_custom_root\n",
        "jvp=_root_jvp\n",
        "symbolic_zeros=False\n",
        "] a a a 1.0:f64[]",
    ] {
        assert!(text.contains(words), "{words} in {text}")
    }
}

#[test]
fn mistakes() {
    use ErrorKind::*;
    let b = vector();
    let id = |_: &dyn Fn(&Array) -> Array, b: &Array| b.clone();
    let solve = |map: fn(&Array) -> Array| move || lax::custom_linear_solve(map, &vector(), id, id);
    told(Shape, &["custom_linear_solve", "matvec returns float64[]", "float64[3]"], solve(|x| x.sum()));
    told(Type, &["custom_linear_solve", "matvec returns bool[3]", "float64[3]"], solve(|x| x.lt(0.0)));
    told(NotLinear, &["custom_linear_solve", "matvec is not linear", "sin"], solve(|x| x.sin()));
    told(Shape, &["custom_linear_solve", "solve returns float64[]"], || {
        lax::custom_linear_solve(|x: &Array| x * 2.0, &b, |_, b| b.sum(), id)
    });
    told(Structure, &["custom_linear_solve", "transpose_solve", "structure"], || {
        let twice = |_: &dyn Fn(&Vec<Array>) -> Vec<Array>, b: &Vec<Array>| [b.clone(), b.clone()].concat();
        lax::custom_linear_solve(|x: &Vec<Array>| x.clone(), &vec![b.clone()], |_, b| b.clone(), twice)
    });
    told(Type, &["custom_linear_solve", "b has type int32[2]"], || {
        lax::custom_linear_solve(|x: &Array| x * 2, &array![1, 2], id, id)
    });
    // forward mode needs no transpose, reverse mode does
    let one_way = |b: &Array| lax::LinearSolve::new(|x: &Array| 2.0 * x, |_, b: &Array| b / 2.0).run(b);
    assert_eq!(jvp(one_way, (&b,), (&b,)).1.to_vec::<f64>(), [0.5, -1.0, 1.5]);
    told(NotDifferentiable, &["custom_linear_solve", "transpose_solve", "symmetric"], || {
        grad(|b: &Array| one_way(b).sum())(&b)
    });
    told(Shape, &["custom_root", "f returns float64[]", "float64[3]"], || {
        lax::custom_root(|x: &Array| x.sum(), &b, id, id)
    });
    told(Shape, &["custom_root", "solve returns float64[]"], || {
        lax::custom_root(|x: &Array| x.clone(), &b, |_, x| x.sum(), id)
    });
    told(Shape, &["custom_root", "tangent_solve returns float64[]"], || {
        lax::custom_root(|x: &Array| x.clone(), &b, id, |_, x| x.sum())
    });
    told(Type, &["custom_root", "initial guess", "int32[]"], || {
        lax::custom_root(|x: &Array| x.clone(), &array(1), id, id)
    });
}

#[test]
fn recorded_equations() {
    let float = r#"{"dtype": "float64", "shape": [2], "weak": false}"#;
    let var = |id: usize| format!(r#"{{"id": {id}, "aval": {float}}}"#);
    let one = |prim: &str, consts: usize| {
        let (ins, args): (Vec<String>, Vec<String>) =
            (0..consts + 1).map(|i| (var(i), format!(r#"{{"var": {i}}}"#))).unzip();
        let args =
            if prim == "mul" { args.join(", ") } else { args.iter().rev().cloned().collect::<Vec<_>>().join(", ") };
        format!(
            r#"{{"jaxpr": {{"in": [{}], "consts": [], "eqns": [{{"prim": "{prim}", "params": {{}}, "in": [{args}],
                "out": [{}]}}], "out": [{{"var": 9}}]}}}}"#,
            ins.join(", "),
            var(9)
        )
    };
    let text = |vecmat: &str, lengths: &str| {
        let (map, solve) = (one("mul", 1), one("div", 1));
        format!(
            r#"{{"jaxpr": {{"in": [{a}, {b}], "consts": [], "eqns": [{{"prim": "custom_linear_solve", "params": {{
                "const_lengths": {{{lengths}}},
                "jaxprs": {{"matvec": {map}, "vecmat": {vecmat}, "solve": {solve}, "transpose_solve": {solve}}}}},
                "in": [{{"var": 0}}, {{"var": 0}}, {{"var": 0}}, {{"var": 0}}, {{"var": 1}}], "out": [{c}]}}], "out": [{{"var": 2}}]}}}}"#,
            a = var(0),
            b = var(1),
            c = var(2)
        )
    };
    let each = r#""matvec": 1, "vecmat": 1, "solve": 1, "transpose_solve": 1"#;
    let program = Loaded::parse(&text(&one("mul", 1), each)).expect("a program");
    let f = |a: &Array, b: &Array| program.call(&[a.clone(), b.clone()]).remove(0);
    let (a, b) = (nums(&[2.0, 4.0], &[2]), nums(&[3.0, 5.0], &[2]));
    assert_eq!(f(&a, &b).to_vec::<f64>(), [1.5, 1.25]);
    let (da, db) = grad_argnums(|a: &Array, b: &Array| f(a, b).sum(), (ARG0, ARG1))(&a, &b);
    assert_eq!((da.to_vec::<f64>(), db.to_vec::<f64>()), (vec![-0.75, -0.3125], vec![0.5, 0.25]));
    assert_eq!(vmap(f)(&prim::stack(&[&a, &b], 0), &prim::stack(&[&b, &a], 0)).shape(), [2, 2]);
    for (bad, words) in [
        (text(&one("neg", 0), each), "vecmat"),
        (text("null", r#""matvec": 1, "vecmat": 0, "solve": 7, "transpose_solve": 1"#), "solve"),
        (text(&one("mul", 1), r#""matvec": 1, "vecmat": 1, "solve": 1"#), "transpose_solve"),
    ] {
        let e = Loaded::parse(&bad).err().expect("an error");
        assert_eq!(e.kind(), ErrorKind::Program, "{e}");
        assert!(e.to_string().contains(words), "{words} in {e}")
    }
}
