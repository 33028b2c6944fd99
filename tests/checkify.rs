//! Checks, raised and gathered, under every transformation.

mod common;

use common::told;
use cotangent::checkify::{CheckSet, Checkify, Failure};
use cotangent::debug::{self, capture};
use cotangent::prelude::*;
use cotangent::{check, checkify, custom_jvp, custom_vjp, jvp, lax, make_jaxpr, vmap, vmap_axes};

/// Where the check in the next function stands.
const LINE: u32 = line!() + 2;
fn positive_log(x: &Array) -> Array {
    check!(x.gt(0), "x must be positive, got {x:.1}");
    x.log()
}
fn text(f: Failure) -> String {
    f.get().unwrap_or("fine".into())
}

#[test]
fn a_check_that_nobody_gathers_ends_the_run() {
    let (good, bad) = (array(2.0), array(-2.0));
    let words = ["x must be positive, got -2.0"];
    let turns = |x: &Array| lax::fori_loop(0, 2, |_, y| positive_log(y) + 2.0, x);
    let branch = |x: &Array| lax::cond(&x.lt(5), positive_log, |x| x.clone(), x);
    for x in [&good, &bad] {
        let runs: [(&str, &dyn Fn() -> Array); 9] = [
            ("eager", &|| positive_log(x)),
            ("jit", &|| jit(positive_log)(x)),
            ("grad", &|| grad(positive_log)(x)),
            ("jit grad", &|| jit(grad(positive_log))(x)),
            ("grad jit", &|| grad(jit(positive_log))(x)),
            ("jvp", &|| jvp(positive_log, (x,), (x,)).1),
            ("scan", &|| jit(turns)(x)),
            ("cond", &|| jit(grad(branch))(x)),
            ("in a map, shared", &|| vmap(|y: &Array| y + positive_log(x))(&array![1., 2.]).sum()),
        ];
        for (what, run) in runs {
            match x.to_f64() > 0.0 {
                true => assert!(run().to_f64().is_finite(), "{what}"),
                false => told(ErrorKind::Failed, &words, run),
            }
        }
    }
    let xs = array![[1., 2.], [3., -4.]];
    let nested = |xs: &Array| vmap(|x: &Array| vmap(positive_log)(x))(xs);
    told(ErrorKind::Failed, &["at mapped index (1, 1): x must be positive, got -4.0"], || nested(&xs));
    told(ErrorKind::Failed, &["at mapped index (1, 1): x must be positive, got -4.0"], || jit(nested)(&xs));
    told(ErrorKind::Shape, &["check: the condition must be one truth value (dtype bool), it has type bool[2]"], || {
        let x = array![1., 2.];
        check!(x.gt(0), "both")
    });
}

#[test]
fn a_failure_is_a_value() {
    let f = checkify(positive_log);
    let (failure, y) = f(&array(-2.0));
    assert_eq!((failure.get().unwrap().as_str(), y.to_f64().is_nan()), ("x must be positive, got -2.0", true));
    let e = failure.result().unwrap_err();
    assert_eq!((e.kind(), e.message()), (ErrorKind::Failed, "x must be positive, got -2.0"));
    assert_eq!(e.location().unwrap().line(), LINE);
    told(ErrorKind::Failed, &["x must be positive", &format!("checkify.rs:{LINE}")], || failure.throw());
    let (failure, y) = f(&array(1.0));
    assert_eq!((failure.get(), y.to_f64()), (None, 0.0));
    failure.throw();
    assert!(failure.result().is_ok());
    assert_eq!(
        format!("{failure:?} {:?}", f(&array(-1.0)).0),
        "Failure(None) Failure(Some(\"x must be positive, got -1.0\"))"
    );
    // it may be looked at where it is traced, as an array
    let worst = |x: &Array| {
        let (failure, y) = checkify(positive_log)(x);
        lax::cond(&failure.failed(), |y| y * 0.0 - 1.0, |y| y.clone(), &y.abs().sqrt())
    };
    assert!(jit(worst)(&array(-3.0)).to_f64().is_nan());
    assert_eq!(jit(worst)(&array(1.0)).to_f64(), 0.0);
    told(ErrorKind::Concrete, &["Failure::get"], || {
        jit(|x: &Array| {
            let (failure, y) = checkify(positive_log)(x);
            failure.get();
            y
        })(&array(1.0))
    });
}

#[test]
fn through_every_transformation() {
    let (good, bad) = (array(2.0), array(-2.0));
    let want = "x must be positive, got -2.0";
    let twice = |x: &Array| jit(positive_log)(x) * jit(positive_log)(&(x - 1.0));
    for (x, want) in [(&good, "fine"), (&bad, want)] {
        assert_eq!(text(checkify(positive_log)(x).0), want);
        assert_eq!(text(jit(checkify(positive_log))(x).0), want);
        assert_eq!(text(checkify(jit(positive_log))(x).0), want);
        assert_eq!(text(checkify(twice)(x).0), want);
        assert_eq!(text(jit(checkify(twice))(x).0), want);
        assert_eq!(text(checkify(grad(positive_log))(x).0), want);
        assert_eq!(text(checkify(jit(grad(jit(positive_log))))(x).0), want);
        assert_eq!(text(jit(checkify(grad(grad(twice))))(x).0), want);
        assert_eq!(text(checkify(|x: &Array| jvp(twice, (x,), (x,)))(x).0), want);
    }
    // derivatives of the checked function are those of the function
    let loss = |x: &Array| checkify(twice)(x).1;
    assert_eq!(grad(loss)(&good).to_string(), grad(twice)(&good).to_string());
    assert_eq!(jit(grad(loss))(&good).to_string(), grad(twice)(&good).to_string());
    let with_failure = |x: &Array| {
        let (failure, y) = checkify(twice)(x);
        (y, failure)
    };
    let (failure, g) = {
        let (g, failure) = grad(with_failure)(&bad);
        (failure, g)
    };
    assert_eq!((text(failure), g.dtype()), (want.to_string(), DType::Float32));
}

#[test]
fn lanes() {
    let xs = array![1., -2., -3.];
    let inside = checkify(vmap(positive_log));
    assert_eq!(text(inside(&xs).0), "at mapped index 1: x must be positive, got -2.0");
    assert_eq!(text(jit(inside)(&xs).0), "at mapped index 1: x must be positive, got -2.0");
    let outside = vmap(checkify(positive_log));
    let want = "at mapped index 1: x must be positive, got -2.0\nat mapped index 2: x must be positive, got -3.0";
    assert_eq!(text(outside(&xs).0), want);
    assert_eq!(text(jit(outside)(&xs).0), want);
    assert_eq!(text(vmap(checkify(jit(positive_log)))(&xs).0), want);
    assert_eq!(text(vmap(checkify(grad(positive_log)))(&xs).0), want);
    assert_eq!(text(vmap(checkify(positive_log))(&array![1., 2.]).0), "fine");
    // several maps, of which one shares the value
    let xy = |x: &Array, y: &Array| {
        check!((x * y).gt(0), "{x:.0} and {y:.0}");
        x + y
    };
    let table = |x: &Array, y: &Array| vmap_axes(|x: &Array| vmap_axes(xy, (None, 0), 0)(x, y), (0,), 0)(x);
    let (x, y) = (array![1., 2.], array![3., 4., -5.]);
    assert_eq!(text(checkify(table)(&x, &y).0), "at mapped index (0, 2): 1 and -5");
    assert_eq!(text(jit(checkify(table))(&x, &y).0), "at mapped index (0, 2): 1 and -5");
    assert_eq!(text(checkify(table)(&array![1., -2.], &array![3., 4.]).0), "at mapped index (1, 0): -2 and 3");
    assert_eq!(text(checkify(vmap(positive_log))(&Array::from_slice::<f32>(&[], &[0])).0), "fine");
}

#[test]
fn loops_and_branches() {
    let turns = |xs: &Array| {
        let turn = |c: &Array, x: &Array| {
            check!(x.gt(0), "element {x:.0}");
            check!(c.lt(10), "carry {c:.0} at {x:.0}");
            (c + x, c * x)
        };
        lax::scan(turn, &array(0.0), xs).0
    };
    for (xs, want) in [
        (array![1., 2., 3.], "fine"),
        (array![1., -2., -3.], "element -2"),
        (array![6., 7., -3.], "element -3"),
        (array![6., 7., 3.], "carry 13 at 3"),
    ] {
        assert_eq!(text(checkify(turns)(&xs).0), want);
        assert_eq!(text(jit(checkify(turns))(&xs).0), want);
        assert_eq!(text(checkify(jit(turns))(&xs).0), want);
        assert_eq!(text(checkify(grad(turns))(&xs).0), want);
        assert_eq!(text(jit(checkify(jit(grad(turns))))(&xs).0), want);
        let (failure, sum) = checkify(turns)(&xs);
        assert_eq!((sum.to_f64(), failure.get().is_some()), (xs.sum().to_f64(), want != "fine"));
        assert_eq!(grad(|xs: &Array| checkify(turns)(xs).1)(&xs).to_string(), "[1. 1. 1.]");
    }
    let branch = |x: &Array| {
        let yes = |x: &Array| {
            check!(x.lt(9), "large: {x:.0}");
            x.sin()
        };
        let no = |x: &Array| {
            check!(x.gt(-9), "small: {x:.0}");
            check!((x + 1.0).abs().gt(0), "{x:.0} of {:.0}", x + 1.0);
            -x
        };
        lax::cond(&x.gt(0), yes, no, x)
    };
    for (x, want) in [(1.0, "fine"), (10.0, "large: 10"), (-3.0, "fine"), (-10.0, "small: -10"), (-1.0, "-1 of 0")] {
        let x = array(x);
        assert_eq!(text(checkify(branch)(&x).0), want);
        assert_eq!(text(jit(checkify(branch))(&x).0), want);
        assert_eq!(text(checkify(jit(grad(branch)))(&x).0), want);
        assert_eq!(text(jit(checkify(grad(branch)))(&x).0), want);
    }
    // each lane fails in the branch that it takes
    let xs = array![1., -10., 10.];
    let want = "at mapped index 1: small: -10\nat mapped index 2: large: 10";
    assert_eq!(text(vmap(checkify(branch))(&xs).0), want);
    assert_eq!(text(jit(vmap(checkify(jit(branch))))(&xs).0), want);
    assert_eq!(text(checkify(vmap(branch))(&xs).0), "small: -10");
    assert_eq!(text(checkify(vmap(branch))(&array![1., -3., 2.]).0), "fine");

    let doubled = |x: &Array| {
        let more = |x: &Array| {
            check!(x.lt(30), "asked about {x:.0}");
            x.lt(20)
        };
        let body = |x: &Array| {
            check!((x - 6.0).abs().gt(0), "turn with {x:.0}");
            x * 2.0
        };
        lax::while_loop(more, body, x)
    };
    for (x, want) in [(1.25, "fine"), (3.0, "turn with 6"), (17.0, "asked about 34"), (40.0, "asked about 40")] {
        let x = array(x);
        assert_eq!(text(checkify(doubled)(&x).0), want);
        assert_eq!(text(jit(checkify(doubled))(&x).0), want);
        assert_eq!(text(checkify(jit(doubled))(&x).0), want);
        assert_eq!(text(checkify(grad(doubled))(&x).0), want);
        assert_eq!(text(jit(checkify(jit(grad(doubled))))(&x).0), want);
    }
    let xs = array![1.25, 3., 17.];
    let want = "at mapped index 1: turn with 6\nat mapped index 2: asked about 34";
    assert_eq!(text(vmap(checkify(doubled))(&xs).0), want);
    assert_eq!(text(vmap(checkify(grad(doubled)))(&xs).0), want);
    assert_eq!(text(jit(vmap(checkify(grad(jit(doubled)))))(&xs).0), want);
    assert_eq!(text(checkify(vmap(doubled))(&xs).0), "turn with 6");
    assert_eq!(text(jit(checkify(vmap(doubled)))(&xs).0), "turn with 6");
    assert_eq!(text(checkify(jit(vmap(doubled)))(&array![1.25, 2.5]).0), "fine");
}

#[test]
fn the_first_in_the_order_of_the_program() {
    let f = |x: &Array| {
        check!(x.lt(3), "one {x:.0}");
        let y = jit(|x: &Array| {
            check!(x.lt(2), "two {x:.0}");
            x * 2.0
        })(x);
        check!(y.lt(2), "three {y:.0} {x:.0}");
        check!(x.lt(0), "four");
        y
    };
    for (x, want) in [(5.0, "one 5"), (2.0, "two 2"), (1.0, "three 2 1"), (0.0, "four"), (-1.0, "fine")] {
        let x = array(x);
        assert_eq!(text(checkify(f)(&x).0), want);
        assert_eq!(text(jit(checkify(f))(&x).0), want);
    }
    assert_eq!(
        text(vmap(checkify(f))(&array![-1., 1., 5.]).0),
        "at mapped index 1: three 2 1\nat mapped index 2: one 5"
    );
    // what is printed is printed still, and once
    let (_, lines) = capture(|| {
        jit(checkify(|x: &Array| {
            debug::print!("x {x}");
            positive_log(x)
        }))(&array(1.0))
    });
    assert_eq!(lines, ["x 1.0"]);
}

#[test]
fn functions_with_rules() {
    let f = custom_jvp(|x: &Array| positive_log(x) * 2.0, |(x,), (dx,)| (positive_log(&x) * 2.0, dx * 10.0));
    let g = custom_vjp(|x: &Array| positive_log(x) * 2.0, |(x,)| (positive_log(&x) * 2.0, ()), |(), ct| (ct * 10.0,));
    let (good, bad) = (array(2.0), array(-2.0));
    for h in [&f, &g] {
        for (x, want) in [(&good, "fine"), (&bad, "x must be positive, got -2.0")] {
            assert_eq!(text(checkify(h)(x).0), want);
            assert_eq!(text(jit(checkify(h))(x).0), want);
            assert_eq!(text(checkify(jit(h))(x).0), want);
            assert_eq!(text(checkify(grad(h))(x).0), want);
            assert_eq!(text(checkify(jit(grad(h)))(x).0), want);
        }
        assert_eq!(text(vmap(checkify(h))(&array![1., -2.]).0), "at mapped index 1: x must be positive, got -2.0");
        // the rule stays the function's
        assert_eq!(grad(|x: &Array| checkify(h)(x).1)(&good).to_f64(), 10.0);
        assert_eq!(jit(grad(|x: &Array| checkify(jit(h))(x).1))(&good).to_f64(), 10.0);
        assert_eq!(checkify(h)(&good).1.to_string(), (good.log() * 2.0).to_string());
    }
}

#[test]
fn what_is_looked_for_without_being_asked() {
    let all = Checkify::new().checks(CheckSet::ALL);
    let run = |set: CheckSet, f: fn(&Array) -> Array, x: &Array| {
        let eager = text(Checkify::new().checks(set).of(f)(x).0);
        assert_eq!(text(jit(Checkify::new().checks(set).of(f))(x).0), eager);
        assert_eq!(text(Checkify::new().checks(set).of(jit(f))(x).0), eager);
        eager
    };
    let x = array![1., 0., -1.];
    assert_eq!(run(CheckSet::NAN, |x| x.log().sin(), &x), "log makes a NaN");
    assert_eq!(run(CheckSet::DIV, |x| x.log().sin(), &x), "fine");
    assert_eq!(run(CheckSet::DIV, |x| 1.0 / x, &x), "division by zero");
    assert_eq!(run(CheckSet::ALL, |x| x / x, &x), "division by zero");
    assert_eq!(run(CheckSet::NAN, |x| x / x, &x), "div makes a NaN");
    assert_eq!(run(CheckSet::FLOAT, |x| grad(|x: &Array| x.sqrt().sum())(&x.abs()), &x), "division by zero");
    let ints = |x: &Array| x.astype(DType::Int32) % (x.astype(DType::Int32));
    assert_eq!(run(CheckSet::DIV, ints, &x), "division by zero");
    assert_eq!(run(CheckSet::NAN | CheckSet::INDEX, |x| 1.0 / x, &x), "fine");
    // data with a NaN is not made
    assert_eq!(run(CheckSet::ALL, |x| x * 2.0, &array![f32::NAN]), "fine");
    // the user's checks only where they are asked for
    assert_eq!(text(Checkify::new().checks(CheckSet::AUTOMATIC).of(positive_log)(&array(0.0)).0), "fine");
    assert_eq!(text(all.of(positive_log)(&array(-1.0)).0), "x must be positive, got -1.0");
    assert_eq!(
        text(Checkify::new().checks(CheckSet::AUTOMATIC).of(jit(positive_log))(&array(-1.0)).0),
        "log makes a NaN"
    );
    // inside of loops and branches
    let turns = |xs: &Array| lax::scan(|c: &Array, x: &Array| (c + 1.0 / x, ()), &array(0.0), xs).0;
    assert_eq!(run(CheckSet::DIV, turns, &x), "division by zero");
    let branch = |x: &Array| lax::cond(&x.sum().gt(0), |x| x.log(), |x| 1.0 / x, x);
    assert_eq!(run(CheckSet::FLOAT, branch, &x), "division by zero");
    // lanes that decide for themselves: an error in the branch that none takes is none
    let parted = |x: &Array| vmap(|x: &Array| lax::cond(&x.gt(0), |x| 1.0 / x, |x| x.clone(), x))(x);
    assert_eq!(run(CheckSet::FLOAT, parted, &x), "fine");
    let parted = |x: &Array| vmap(|x: &Array| lax::cond(&x.gt(0), |x| x.clone(), |x| 1.0 / x, x))(x);
    assert_eq!(run(CheckSet::DIV, parted, &x), "division by zero");
    let root = |x: &Array| lax::while_loop(|y: &Array| (y * y - x).abs().gt(1e-3), |y| 0.5 * (y + x / y), &(x * 1.0));
    assert_eq!(run(CheckSet::ALL, root, &array(2.0)), "fine");
    assert_eq!(text(all.of(jit(grad(root)))(&array(2.0)).0), "fine");
    assert_eq!(text(jit(all.of(vmap(grad(root))))(&array![2., 3.]).0), "fine");
    let lanes = |x: &Array| vmap(|x: &Array| 1.0 / x)(x);
    assert_eq!(run(CheckSet::FLOAT, lanes, &x), "division by zero");
    assert_eq!(text(vmap(all.of(|x: &Array| 1.0 / x))(&x).0), "at mapped index 1: division by zero");
}

#[test]
fn indices() {
    use cotangent::prim;
    let index = Checkify::new().checks(CheckSet::INDEX);
    let x = array![1., 2., 3.];
    let taken = |x: &Array, i: &Array| prim::dynamic_slice(x, &[i], &[2]);
    let int = |i: i32| array(i).astype(DType::Int32);
    let want = "dynamic_slice: index 2 is out of bounds for axis 0 of float32[3]: from 0 to 1 is inside";
    assert_eq!(text(index.of(taken)(&x, &int(2)).0), want);
    assert_eq!(text(jit(index.of(taken))(&x, &int(2)).0), want);
    assert_eq!(text(index.of(taken)(&x, &int(1)).0), "fine");
    assert_eq!(text(index.of(taken)(&x, &int(-1)).0), want.replace("index 2", "index -1"));
    let put = |x: &Array, i: &Array| prim::dynamic_update_slice(x, &array![7., 8.], &[i]);
    assert_eq!(text(index.of(put)(&x, &int(3)).0), want.replace("slice", "update_slice").replace("index 2", "index 3"));
    let dims = prim::GatherDimensionNumbers::new(&[], &[0], &[0]);
    let gathered =
        move |x: &Array, i: &Array| prim::gather(x, &i.reshape(&[i.size(), 1]), &dims, &[1], &Default::default());
    let i = |i: &[i32]| Array::from_slice(i, &[i.len()]);
    let want = "gather: index 5 is out of bounds for axis 0 of float32[3]: from 0 to 2 is inside";
    assert_eq!(text(index.of(&gathered)(&x, &i(&[0, 5, 7])).0), want);
    assert_eq!(text(jit(index.of(&gathered))(&x, &i(&[0, 5, 7])).0), want);
    assert_eq!(text(index.of(&gathered)(&x, &i(&[0, 2, 1])).0), "fine");
    assert_eq!(text(index.of(&gathered)(&x, &i(&[])).0), "fine");
    let dims = prim::ScatterDimensionNumbers::new(&[], &[0], &[0]);
    let added = move |x: &Array, i: &Array| {
        prim::scatter_add(x, &i.reshape(&[i.size(), 1]), &array![1., 2.], &dims, &Default::default())
    };
    assert_eq!(
        text(index.of(&added)(&x, &i(&[0, 3])).0),
        "scatter-add: index 3 is out of bounds for axis 0 of float32[3]: from 0 to 2 is inside"
    );
    assert_eq!(text(index.of(&added)(&x, &i(&[0, 2])).0), "fine");
}

#[test]
fn programs() {
    let j = make_jaxpr(positive_log, (&array(1.0),));
    assert_eq!(
        j.to_string(),
        "{ lambda ; a:f32[]. let\n    b:bool[] = gt a 0.0:f32[]\n    check[fmt=x must be positive, got {:.1}] b a\n    c:f32[] = log a\n  in (c,) }"
    );
    let j = make_jaxpr(checkify(positive_log), (&array(1.0),));
    assert_eq!(
        j.to_string(),
        "{ lambda ; a:f32[]. let\n    b:bool[] = gt a 0.0:f32[]\n    c:f32[] = convert_element_type[new_dtype=float32 weak_type=False] a\n    d:i32[] = select_n b 0:i32[] -1:i32[]\n    e:f32[] = log a\n  in (d, c, e) }"
    );
    j.check().unwrap();
}

/// Operations that hold programs and have rules of their own keep them; what goes wrong in them is found all the same.
#[test]
fn operations_with_rules() {
    let all = Checkify::new().checks(CheckSet::ALL);
    let solve = |a: &Array| lax::custom_linear_solve(|x: &Array| a * x, &array(6.0), |_, b| b / a, |_, b| b / a);
    for x in [array(2.0), array(0.0)] {
        let want = if x.to_f64() == 0.0 { "division by zero" } else { "fine" };
        assert_eq!(text(all.of(solve)(&x).0), want);
        assert_eq!(text(jit(all.of(solve))(&x).0), want);
        assert_eq!(text(all.of(jit(grad(solve)))(&x).0), want);
    }
    assert_eq!(grad(|a: &Array| all.of(solve)(a).1)(&array(2.0)).to_f64(), -1.5);
    let again = cotangent::checkpoint(|x: &Array| positive_log(&positive_log(x)));
    assert_eq!(text(checkify(&again)(&array(-2.0)).0), "x must be positive, got -2.0");
    assert_eq!(text(jit(checkify(grad(&again)))(&array(0.5)).0), "x must be positive, got -0.7");
    assert_eq!(
        jit(grad(|x: &Array| checkify(&again)(x).1))(&array(3.0)).to_string(),
        grad(&again)(&array(3.0)).to_string()
    );
    // a check of what an effect leaves
    let f = custom_jvp(
        |x: &Array| {
            let y = jit(|x: &Array| {
                debug::print!("{x}");
                x * 2.0
            })(x);
            check!(y.lt(3), "{y:.0}");
            y
        },
        |(x,), (dx,)| (x * 2.0, dx * 2.0),
    );
    assert_eq!(text(jit(checkify(&f))(&array(2.0)).0), "4");
    assert_eq!(text(jit(checkify(grad(&f)))(&array(2.0)).0), "fine");
    assert_eq!(jit(grad(|x: &Array| checkify(&f)(x).1))(&array(2.0)).to_f64(), 2.0);
    // host code
    let host = |x: &Array| debug::pure_callback(|x: Array| x * f32::NAN, x, x);
    assert_eq!(text(jit(all.of(host))(&array(1.0)).0), "pure_callback makes a NaN");
}
