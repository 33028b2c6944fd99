//! What the tracing core promises: nesting without confusion, state that survives panics, leaks that are errors, threads that do not
//! disturb one another, programs of any length.

use cotangent::prelude::*;
use cotangent::{hessian, jacfwd, jacrev, jvp, linear_transpose, linearize, make_jaxpr, prim, vjp, vmap, vmap_axes};
use std::sync::Mutex;

fn value(x: &Array) -> f64 {
    x.to_f64()
}

#[test]
fn nested_derivatives_do_not_confuse_perturbations() {
    // d/dx (x * d/dy (x * y)) = 2x
    let f = |x: &Array| x * grad(|y: &Array| x * y)(&array(2.0));
    assert_eq!(value(&grad(f)(&array(3.0))), 6.0);
    // d/dx (x * d/dy (x + y)) = 1
    let f = |x: &Array| x * grad(|y: &Array| x + y)(&array(1.0));
    assert_eq!(value(&grad(f)(&array(1.0))), 1.0);
    // the same in forward mode, and mixed
    let (_, dy) =
        jvp(|x: &Array| x * jvp(|y: &Array| x * y, (&array(2.0),), (&array(1.0),)).1, (&array(3.0),), (&array(1.0),));
    assert_eq!(value(&dy), 6.0);
    let (_, dy) = jvp(|x: &Array| x * grad(|y: &Array| x * y)(&array(2.0)), (&array(3.0),), (&array(1.0),));
    assert_eq!(value(&dy), 6.0);
    let f = |x: &Array| x * jvp(|y: &Array| x * y, (&array(2.0),), (&array(1.0),)).1;
    assert_eq!(value(&grad(f)(&array(3.0))), 6.0);
}

#[test]
fn five_derivatives_of_tanh() {
    let mut f: Box<dyn Fn(&Array) -> Array + Send + Sync> = Box::new(|x: &Array| x.tanh());
    let t = 0.3f64.tanh();
    let u = 1.0 - t * t;
    let exact = [
        u,
        -2.0 * t * u,
        u * (6.0 * t * t - 2.0),
        u * (16.0 * t - 24.0 * t * t * t),
        u * (16.0 - 120.0 * t * t + 120.0 * t.powi(4)),
    ];
    for want in exact {
        f = grad(f);
        let x = Array::from_slice(&[0.3f64], &[]);
        let got = f(&x).item::<f64>();
        assert!((got - want).abs() < 1e-12 * want.abs().max(1.0), "{got} {want}");
        assert_eq!(jit(&f)(&x).item::<f64>(), got, "jit gives the same bits");
    }
}

/// A function with a little of everything, and ways to differentiate it twice.
fn sample(x: &Array) -> Array {
    (x.sin() * x).sum() * x.powi(3).sum()
}
#[test]
fn second_derivatives_agree_however_they_are_taken() {
    let x = Array::from_slice(&[0.5f64, -1.25, 2.0], &[3]);
    let h = hessian(sample)(&x);
    let close = |a: &Array| {
        let (a, b) = (a.to_vec::<f64>(), h.to_vec::<f64>());
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} {b}")
        }
    };
    close(&jacfwd(jacfwd(sample))(&x));
    close(&jacrev(jacrev(sample))(&x));
    close(&jacrev(jacfwd(sample))(&x));
    close(&jacfwd(grad(sample))(&x));
    close(&jacrev(grad(sample))(&x));
    close(&jit(hessian(sample))(&x));
    close(&hessian(jit(sample))(&x));
    close(&jit(jacfwd(jit(grad(jit(sample)))))(&x));
}

#[test]
fn jit_never_changes_the_bits() {
    let x = Array::from_slice(&[0.5f32, -1.25, 2.0, 0.1, 3.3, -0.7], &[2, 3]);
    let f = |x: &Array| ((x.sin() + 1.5) * x.exp() / (x * x + 0.3)).tanh().sum();
    let bits = |x: &Array| x.to_vec::<f32>().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&f(&x)), bits(&jit(f)(&x)));
    assert_eq!(bits(&grad(f)(&x)), bits(&jit(grad(f))(&x)));
    assert_eq!(bits(&vmap(grad(f))(&x)), bits(&jit(vmap(grad(f)))(&x)));
    assert_eq!(bits(&vmap(jit(grad(f)))(&x)), bits(&vmap(grad(jit(f)))(&x)));
}

#[test]
fn a_pullback_is_called_many_times_or_once() {
    let (y, pull) = vjp(|x: &Array, y: &Array| (x * y, x.sin()), (&array(2.0), &array(3.0)));
    assert_eq!(value(&y.0), 6.0);
    let first = pull.call(&(array(1.0), array(0.0)));
    let second = pull.call(&(array(10.0), array(0.0)));
    assert_eq!((value(&first.0), value(&second.0)), (3.0, 30.0));
    let last = pull.call_once(&(array(1.0), array(0.0)));
    assert_eq!(value(&last.1), 2.0);
    // on another thread
    let (_, pull) = vjp(|x: &Array| x * x, (&array(2.0),));
    let dx = std::thread::spawn(move || pull.call(&array(1.0)).0.to_f64()).join().unwrap();
    assert_eq!(dx, 4.0);
}

#[test]
fn linear_functions() {
    let (y, push) = linearize(|x: &Array| x.powi(2), (&array(3.0),));
    assert_eq!((value(&y), value(&push.call((&array(1.0),))), value(&push.call((&array(0.5),)))), (9.0, 6.0, 3.0));
    let back = linear_transpose(|x: &Array, y: &Array| 2.0 * x + 3.0 * y, (&array(0.0), &array(0.0)));
    let (dx, dy) = back(&array(1.0));
    assert_eq!((value(&dx), value(&dy)), (2.0, 3.0));
    let e = catch(|| linear_transpose(|x: &Array| x * x, (&array(0.0),))).err().expect("it is not linear");
    assert_eq!(e.kind(), ErrorKind::NotLinear);
    assert!(e.to_string().contains("mul") && e.to_string().contains("tests/core.rs"), "{e}");
}

#[test]
fn host_control_flow_works_under_differentiation() {
    let f = |x: &Array| {
        let mut y = x.clone();
        while y.to_f64() < 100.0 {
            y = if y.to_f64() > 10.0 { &y * &y } else { &y * x };
        }
        y
    };
    // 3, 9, 27, 729: (x^3)^2
    assert_eq!(value(&grad(f)(&array(3.0))), 6.0 * 243.0);
    assert_eq!(value(&jvp(f, (&array(3.0),), (&array(1.0),)).1), 6.0 * 243.0);
    let e = catch(|| jit(f)(&array(3.0))).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Concrete);
    assert!(e.message().contains("argument 0"), "{e}");
    let e = catch(|| vmap(f)(&array![1., 2.])).unwrap_err();
    assert!(e.message().contains("under vmap"), "{e}");
}

#[test]
fn a_leaked_tracer_is_an_error_with_the_line_where_it_was_made() {
    static KEPT: Mutex<Option<Array>> = Mutex::new(None);
    let leak = |x: &Array| {
        let y = x.sin();
        *KEPT.lock().unwrap() = Some(y.clone());
        y.sum()
    };
    let ways: [(&str, Box<dyn Fn()>); 3] = [
        ("grad", Box::new(move || drop(grad(leak)(&array(1.0))))),
        ("jit", Box::new(move || drop(jit(leak)(&array(1.0))))),
        ("vmap", Box::new(move || drop(vmap(leak)(&array![1., 2.])))),
    ];
    for (name, run) in &ways {
        run();
        let kept = KEPT.lock().unwrap().take().unwrap();
        let uses: [(&str, Box<dyn Fn() -> Array + '_>); 4] = [
            ("plain", Box::new(|| &kept + 1.0)),
            ("grad", Box::new(|| grad(|x: &Array| x * &kept)(&array(1.0)))),
            ("jit", Box::new(|| jit(|x: &Array| x * &kept)(&array(1.0)))),
            ("vmap", Box::new(|| vmap(|x: &Array| x * &kept)(&array![1., 2.]))),
        ];
        for (inside, using) in &uses {
            let e = match catch(using) {
                Err(e) => e,
                Ok(y) => panic!("{name}, used in {inside}: {y:?}"),
            };
            assert_eq!(e.kind(), ErrorKind::Leak, "{name}, used in {inside}: {e}");
            assert!(e.message().contains("tests/core.rs:"), "{e}");
        }
    }
    // on a thread where its trace is not current
    let f = |x: &Array| std::thread::scope(|s| s.spawn(|| catch(|| x + 1.0)).join().unwrap()).unwrap_err().kind();
    grad(|x: &Array| {
        assert_eq!(f(x), ErrorKind::Leak);
        x.clone()
    })(&array(1.0));
}

#[test]
fn a_panic_inside_leaves_no_state_behind() {
    let bad = |x: &Array| -> Array {
        if x.ndim() == 0 {
            panic!("mine")
        }
        x.sum()
    };
    let ways: [Box<dyn Fn() + Sync>; 6] = [
        Box::new(|| drop(grad(bad)(&array(1.0)))),
        Box::new(|| drop(jit(bad)(&array(1.0)))),
        Box::new(|| drop(vmap(bad)(&array![1., 2.]))),
        Box::new(|| drop(jvp(bad, (&array(1.0),), (&array(1.0),)))),
        Box::new(|| drop(jacfwd(|x: &Array| bad(&x.sum()))(&array![1., 2.]))),
        Box::new(|| drop(grad(|x: &Array| jit(grad(bad))(x))(&array(1.0)))),
    ];
    for run in &ways {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
        assert_eq!(*caught.downcast_ref::<&str>().unwrap(), "mine", "a panic of the user's passes through");
        assert_eq!(value(&grad(|x: &Array| x.powi(2))(&array(3.0))), 6.0);
        assert_eq!(value(&(array(1.0) + 2.0)), 3.0);
    }
    // inside another transformation, which goes on
    let f = |x: &Array| {
        let e = catch(|| grad(|y: &Array| x * y)(&array![1., 2.])).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Shape);
        x * x
    };
    assert_eq!(value(&grad(f)(&array(3.0))), 6.0);
    assert_eq!(value(&jit(grad(f))(&array(3.0))), 6.0);
}

#[test]
fn threads_do_not_disturb_one_another() {
    let shared = jit(grad(|x: &Array| (x.sin() * x).sum()));
    let x = array![0.5, 1.5, -2.0];
    let want = shared(&x).to_vec::<f32>();
    std::thread::scope(|s| {
        for k in 0..4 {
            let (shared, x, want) = (&shared, &x, &want);
            s.spawn(move || {
                for i in 0..50 {
                    assert_eq!(&shared(x).to_vec::<f32>(), want);
                    let n = (k * 50 + i) as f64;
                    assert_eq!(grad(|y: &Array| y * y * n)(&array(1.0)).to_f64(), 2.0 * n);
                    let y = vmap_axes(|a: &Array, b: &Array| a * b, (0, None), 0)(x, &array(n));
                    assert_eq!(y.shape(), [3]);
                }
            });
        }
    });
}

/// In a thread with a small stack: nothing here recurses on the length of a program.
fn small_stack(f: impl FnOnce() + Send) {
    std::thread::scope(|s| {
        std::thread::Builder::new().stack_size(2 << 20).spawn_scoped(s, f).unwrap().join().unwrap();
    })
}
/// Operations in the chain: what is not linear in their number does not end.
const LONG: usize = 1_000_000;

#[test]
fn a_long_chain_is_traced_differentiated_run_printed_and_dropped() {
    small_stack(|| {
        let chain = |x: &Array| {
            let mut y = x.clone();
            for _ in 0..LONG {
                y = y.sin()
            }
            y
        };
        let x = array(0.5);
        let eager = grad(chain)(&x).to_f64();
        assert!(eager > 0.0);
        let j = make_jaxpr(chain, (&x,));
        assert_eq!(j.len(), LONG);
        assert!(j.to_string().len() > 10 * LONG);
        assert_eq!(jit(chain)(&x).to_f64(), chain(&x).to_f64());
        assert_eq!(jit(grad(chain))(&x).to_f64(), eager);
        drop(j);
    })
}

/// What a function of a large array reads piece by piece comes back piece by piece: the same numbers as when each piece is made as
/// large as the array and added, under every transformation.
#[test]
fn cotangents_of_pieces_of_a_large_array() {
    let (rows, columns) = (70, 80);
    let x =
        Array::from_slice(&(0..rows * columns).map(|i| (i % 97) as f32 / 8.0).collect::<Vec<_>>(), &[rows, columns]);
    let f = |x: &Array| {
        let mut sum = array(0.0);
        for i in 0..20usize {
            // boxes that overlap, columns, whole rows, strides, and positions beyond the end, which are clamped
            sum += (prim::slice(x, &[i, 2 * i], &[i + 7, 2 * i + 5], None).powi(2) * (i + 1)).sum();
            sum += prim::slice(x, &[0, i], &[rows, i + 1], None).sin().sum();
            sum += prim::slice(x, &[3 * i, 0], &[3 * i + 2, columns], None).sum() * 0.5;
            sum += prim::slice(x, &[i, 0], &[i + 9, 9], Some(&[4, 2])).sum();
            let at = array(i as i32 * 5 - 4);
            sum += prim::dynamic_slice(x, &[&at, &at], &[3, 2]).powi(3).sum();
        }
        sum
    };
    let g = grad(f)(&x);
    let mut want = vec![0f64; rows * columns];
    let value = |r: usize, c: usize| ((r * columns + c) % 97) as f64 / 8.0;
    for i in 0..20usize {
        let mut each = |rs: std::ops::Range<usize>, cs: std::ops::Range<usize>, d: &dyn Fn(f64) -> f64| {
            for r in rs {
                for c in cs.clone() {
                    want[r * columns + c] += d(value(r, c))
                }
            }
        };
        each(i..i + 7, 2 * i..2 * i + 5, &|x| 2.0 * x * (i + 1) as f64);
        each(0..rows, i..i + 1, &|x| x.cos());
        each(3 * i..3 * i + 2, 0..columns, &|_| 0.5);
        for r in (i..i + 9).step_by(4) {
            for c in (0..9).step_by(2) {
                each(r..r + 1, c..c + 1, &|_| 1.0)
            }
        }
        let at = (5 * i).saturating_sub(4);
        let (r, c) = (at.min(rows - 3), at.min(columns - 2));
        each(r..r + 3, c..c + 2, &|x| 3.0 * x * x);
    }
    for (g, want) in g.to_vec::<f32>().iter().zip(&want) {
        assert!((*g as f64 - want).abs() <= 1e-4 * want.abs().max(1.0), "{g} {want}");
    }
    let same = |a: &Array, b: &Array| assert!(a.to_vec::<f32>() == b.to_vec::<f32>());
    same(&jit(grad(f))(&x), &g);
    same(&grad(jit(f))(&x), &g);
    let both = vmap(grad(f))(&prim::stack(&[&x, &x], 0));
    same(&prim::slice_in_dim(&both, 1, 2, 1, 0).reshape(&[rows, columns]), &g);
    // a value that somebody else holds is not written to
    let (_, pull) = vjp(|x: &Array| (x.clone(), prim::slice(x, &[0, 0], &[2, 2], None)), (&x,));
    let ones = Array::from_slice(&vec![1f32; rows * columns], &[rows, columns]);
    let (dx,) = pull.call(&(ones.clone(), array![[1., 1.], [1., 1.]]));
    assert_eq!((dx.sum().to_f64(), ones.sum().to_f64()), (5604.0, 5600.0));
}

/// What comes by value may be written over, but only if nobody else has it.
#[test]
fn arguments_by_value_are_given_away() {
    let n = 100_000;
    let start = || Array::from_slice(&(0..n).map(|i| i as f32).collect::<Vec<_>>(), &[n]);
    let step = jit(|(p, k): (Array, Vec<Array>), g: &Array| (&p - 2.0 * g, vec![&k[0] + g, p]));
    let g = &array(1.5f32);
    let kept = start();
    let mut state = (kept.clone(), vec![start()]);
    for turn in 0..4 {
        let before = (state.0.clone(), state.1[0].clone());
        let (p, k) = step(state, g);
        for (i, x) in p.to_vec::<f32>().iter().enumerate().step_by(997) {
            assert_eq!(*x, i as f32 - 3.0 * (turn + 1) as f32)
        }
        for (i, x) in k[0].to_vec::<f32>().iter().enumerate().step_by(997) {
            assert_eq!(*x, i as f32 + 1.5 * (turn + 1) as f32)
        }
        assert_eq!(k[1].to_vec::<f32>(), before.0.to_vec::<f32>(), "a result that is an argument");
        assert_eq!(before.1.to_vec::<f32>()[7], 7.0 + 1.5 * turn as f32, "another handle");
        drop((before, k[1].clone()));
        state = (p, vec![k[0].clone()]);
    }
    assert_eq!(kept.to_vec::<f32>(), start().to_vec::<f32>());
    // written over in place: the update of one element of a large array that nobody else has
    let put = jit(|x: Array, v: &Array| x.at(3).set(v));
    let mut x = start();
    for turn in 0..3 {
        x = put(x, &array(turn as f32));
        assert_eq!((x.to_vec::<f32>()[3], x.to_vec::<f32>()[4]), (turn as f32, 4.0));
    }
}
