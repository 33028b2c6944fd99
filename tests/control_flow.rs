//! Branches and loops under every transformation, against the same program without them.

mod common;

use common::told;
use cotangent::prelude::*;
use cotangent::{Vmap, hessian, jacfwd, jacrev, jvp, lax, linearize, make_jaxpr, np, vjp, vmap, vmap_axes};

fn close(a: &Array, b: &Array) {
    assert_eq!((a.shape(), a.dtype()), (b.shape(), b.dtype()));
    let (x, y) = (a.astype(DType::Float64).to_vec::<f64>(), b.astype(DType::Float64).to_vec::<f64>());
    for (x, y) in x.iter().zip(&y) {
        assert!((x - y).abs() <= 1e-5 * y.abs().max(1.0), "{a}\n{b}");
    }
}
fn same(a: &Array, b: &Array) {
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}

/// All ways to differentiate and map `f`, against those of `plain`, which computes the same without control flow.
fn agrees(
    f: impl Fn(&Array) -> Array + Send + Sync + Copy,
    plain: impl Fn(&Array) -> Array + Send + Sync + Copy,
    x: &Array,
) {
    close(&f(x), &plain(x));
    same(&jit(f)(x), &f(x));
    let (loss, plain_loss) = (|x: &Array| f(x).sin().sum(), |x: &Array| plain(x).sin().sum());
    let g = grad(loss)(x);
    close(&g, &grad(plain_loss)(x));
    close(&jit(grad(loss))(x), &g);
    close(&grad(jit(loss))(x), &g);
    let dx = x.cos();
    let (_, dy) = jvp(f, (x,), (&dx,));
    let (_, want) = jvp(plain, (x,), (&dx,));
    close(&dy, &want);
    let (_, push) = linearize(jit(f), (x,));
    close(&push.call((&dx,)), &want);
    close(&jit(jacfwd(f))(x), &jacrev(plain)(x));
    close(&jacrev(f)(x), &jacrev(plain)(x));
    close(&hessian(loss)(x), &hessian(plain_loss)(x));
    close(&jit(hessian(jit(loss)))(x), &hessian(plain_loss)(x));
    let xs = cotangent::prim::stack(&[x, &(x * 0.5), &(x - 1.0)], 0);
    close(&vmap(f)(&xs), &vmap(plain)(&xs));
    close(&jit(vmap(grad(loss)))(&xs), &vmap(grad(plain_loss))(&xs));
    close(&grad(|xs: &Array| vmap(loss)(xs).sum())(&xs), &vmap(grad(plain_loss))(&xs));
}

fn vector() -> Array {
    array![0.5, -1.5, 2.0, 0.25]
}

/// One of two arrays, by a scalar.
fn either(p: &Array, yes: &Array, no: &Array) -> Array {
    cotangent::prim::select_n(&cotangent::prim::broadcast_in_dim(p, yes.shape(), &[]), &[no, yes])
}

#[test]
fn branches() {
    for x in [vector(), -vector()] {
        agrees(
            |x| lax::cond(&x.sum().gt(0.0), |x: &Array| x.sin() * 2.0, |x| x.powi(2) + 1.0, x),
            |x| either(&x.sum().gt(0.0), &(x.sin() * 2.0), &(x.powi(2) + 1.0)),
            &x,
        );
        // captured values, containers, a result that does not depend on the operand, branches in branches
        agrees(
            |x| {
                let (y, z) = (x.cos(), x.exp());
                let inner = |t: &(Array, Vec<Array>)| {
                    lax::cond(&t.0.gt(1.0), |t: &(Array, Vec<Array>)| &t.1[0] * &y, |t| &t.1[0] * &t.1[0] + &z, t)
                };
                lax::cond(&x.sum().gt(0.0), inner, |_| z.clone(), &(x.sum(), vec![x.clone()]))
            },
            |x| {
                let (y, z) = (x.cos(), x.exp());
                either(&x.sum().gt(0.0), &either(&x.sum().gt(1.0), &(x * y), &(x * x + &z)), &z)
            },
            &x,
        );
        for i in [-3, 0, 1, 2, 9] {
            let k = i.clamp(0, 2);
            agrees(
                |x| lax::switch(&array(i), &[&|x: &Array| x + 1.0, &|x: &Array| x * x, &|x: &Array| x.sin()], x),
                |x| [x + 1.0, x * x, x.sin()][k as usize].clone(),
                &x,
            )
        }
    }
}

#[test]
fn only_the_branch_that_is_chosen_runs() {
    // the other one would be infinite, and its derivative no number
    let f = |x: &Array| lax::cond(&x.gt(0.0), |x: &Array| x.log(), |x| x * 0.0, x);
    let g = grad(jit(f));
    assert_eq!((g(&array(-1.0)).to_f64(), g(&array(0.0)).to_f64(), g(&array(2.0)).to_f64()), (0.0, 0.0, 0.5));
    assert_eq!(jit(grad(f))(&array(0.0)).to_f64(), 0.0);
}

#[test]
fn loops() {
    let x = vector();
    // over elements, with a captured value, forwards and backwards
    for reverse in [false, true] {
        agrees(
            |x| {
                let w = x.exp().sum();
                let step = |c: &Array, x: &Array| (c.sin() * &w + x, c * x);
                let (last, all) = lax::Scan::new().reverse(reverse).run(step, &array(0.5), x);
                all * last
            },
            |x| {
                let w = x.exp().sum();
                let (mut c, mut all) = (array(0.5), vec![array(0.0); 4]);
                for i in 0..4 {
                    let i = if reverse { 3 - i } else { i };
                    let x = cotangent::prim::slice_in_dim(x, i, i + 1, 1, 0).reshape(&[]);
                    all[i] = &c * &x;
                    c = c.sin() * &w + x
                }
                cotangent::prim::stack(&all.iter().collect::<Vec<_>>(), 0) * c
            },
            &x,
        )
    }
    // a carry of containers, of which a part begins not to depend on x, a counter, and no elements
    agrees(
        |x| {
            let step = |i: &Array, c: &(Array, Vec<Array>)| (&c.0 + &c.1[0] * i, vec![(&c.1[0] * x).tanh()]);
            let c = lax::fori_loop(2, 6, step, &(x * 0.0, vec![array![1., 1., 1., 1.]]));
            c.0 + &c.1[0]
        },
        |x| {
            let (mut a, mut b) = (x * 0.0, array![1., 1., 1., 1.]);
            for i in 2..6 {
                a += &b * i;
                b = (b * x).tanh()
            }
            a + b
        },
        &x,
    );
    agrees(|x| lax::map(|x: &Array| x.sin() * x, x), |x| x.sin() * x, &x);
    // a loop in a loop, with a branch inside
    agrees(
        |x| {
            let row = |c: &Array, a: &Array| {
                let (sum, _) = lax::scan(
                    |s: &Array, b: &Array| (lax::cond(&b.gt(0.0), |s: &Array| s + a * b, |s| s * b, s), ()),
                    c,
                    x,
                );
                (sum.sin(), sum)
            };
            lax::scan(row, &array(0.1), x).1
        },
        |x| {
            let at = |i: usize| cotangent::prim::slice_in_dim(x, i, i + 1, 1, 0).reshape(&[]);
            let (mut c, mut all) = (array(0.1), vec![]);
            for i in 0..4 {
                for j in 0..4 {
                    c = either(&at(j).gt(0.0), &(&c + at(i) * at(j)), &(&c * at(j)))
                }
                all.push(c.clone());
                c = c.sin()
            }
            cotangent::prim::stack(&all.iter().collect::<Vec<_>>(), 0)
        },
        &x,
    );
}

#[test]
fn loops_over_lanes() {
    // what is mapped: the elements along another axis, the first carry, a captured value, or nothing but the last
    let f = |c: &Array, xs: &Array, w: &Array| lax::scan(|c: &Array, x: &Array| (c * w + x, c.sin()), c, xs);
    let (c, xs, w) = (array![0.1, 0.2], array![[1., 2.], [3., 4.], [5., 6.]], array![0.5, -0.5]);
    let pick = |a: &Array, i: usize, dim: usize| {
        let one = cotangent::prim::slice_in_dim(a, i, i + 1, 1, dim);
        let left: Vec<usize> = a.shape().iter().enumerate().filter(|(d, _)| *d != dim).map(|(_, n)| *n).collect();
        one.reshape(&left)
    };
    let (last, all) = vmap_axes(f, (0, 1, 0), 0)(&c, &xs, &w);
    let (last_w, all_w) = vmap_axes(f, (None, None, 0), (0, 1))(&array(0.3), &array![1., 2., 3.], &w);
    for i in 0..2 {
        let (l, a) = f(&pick(&c, i, 0), &pick(&xs, i, 1), &pick(&w, i, 0));
        close(&pick(&last, i, 0), &l);
        close(&pick(&all, i, 0), &a);
        let (l, a) = f(&array(0.3), &array![1., 2., 3.], &pick(&w, i, 0));
        close(&pick(&last_w, i, 0), &l);
        close(&pick(&all_w, i, 1), &a);
    }
    // lanes talk to each other inside a loop
    let f = |x: &Array| lax::fori_loop(0, 3, |_, c: &Array| c + lax::pmean(c, "i"), x);
    let talk = Vmap::new().axis_name("i").of(f);
    assert_eq!(talk(&array![1., 3.]).to_string(), "[15. 17.]");
    // a predicate for each lane
    let each = vmap(|x: &Array| lax::cond(&x.gt(0.0), |x: &Array| x * 2.0, |x| x - 1.0, x));
    assert_eq!(each(&array![1., -1., 3.]).to_string(), "[ 2. -2.  6.]");
}

#[test]
fn many_turns_cost_what_one_does_to_stage() {
    let f = |x: &Array| lax::fori_loop(0, 100_000, |_, c: &Array| c * 0.5 + x, x);
    assert_eq!(make_jaxpr(f, (&array(1.0),)).len(), 1);
    assert!((f(&array(1.0)).to_f64() - 2.0).abs() < 1e-6);
    let g = |x: &Array| lax::fori_loop(0, 2000, |_, c: &Array| (c * x).sin() + x, x);
    close(&grad(g)(&array(0.3)), &jacfwd(g)(&array(0.3)));
    // nothing to do
    let none = lax::fori_loop(3, 3, |_, c: &Array| c * 2.0, &array(5.0));
    let (c, ys) = lax::scan(|c: &Array, x: &Array| (c + x, c.clone()), &array(1.5), &array(Vec::<f32>::new()));
    assert_eq!((none.to_f64(), c.to_f64(), ys.shape()), (5.0, 1.5, &[0][..]));
}

#[test]
fn as_long_as() {
    // Newton's method; the number of turns depends on the value, and what is captured moves
    let root = |a: &Array| {
        let (_, x) = lax::while_loop(
            |c: &(Array, Array)| (&c.1 * &c.1 - a).abs().gt(a * 1e-6),
            |c| (&c.0 + 1, 0.5 * (&c.1 + a / &c.1)),
            &(array(0), a * 0.0 + 4.0),
        );
        x
    };
    for a in [2f64, 9.0, 30.0] {
        let (x, a) = (a.sqrt(), array(a));
        let near = |y: &Array, want: f64| assert!((y.to_f64() - want).abs() < 1e-5 * want.abs().max(1.0), "{y} {want}");
        near(&root(&a), x);
        same(&jit(root)(&a), &root(&a));
        near(&grad(root)(&a), 0.5 / x);
        near(&jvp(root, (&a,), (&array(2.0),)).1, 1.0 / x);
        near(&jit(jacfwd(root))(&a), 0.5 / x);
        near(&grad(grad(root))(&a), -0.25 / (x * x * x));
        near(&jacfwd(jacfwd(root))(&a), -0.25 / (x * x * x));
        near(&jacfwd(grad(root))(&a), -0.25 / (x * x * x));
    }
    // lanes that stop at different times, forwards and backwards, and with what only some of them have
    let xs = array![2., 9., 30.];
    let alone = |f: &dyn Fn(&Array) -> Array| {
        let each: Vec<Array> = [2.0, 9.0, 30.0].iter().map(|a| f(&array(*a)).astype(DType::Float32)).collect();
        cotangent::prim::stack(&each.iter().collect::<Vec<_>>(), 0)
    };
    close(&vmap(root)(&xs), &alone(&root));
    close(&jit(vmap(root))(&xs), &alone(&root));
    close(&vmap(jacfwd(root))(&xs), &alone(&jacfwd(root)));
    close(&grad(|xs: &Array| vmap(root)(xs).sum())(&xs), &alone(&grad(root)));
    let doubled = |x: &Array, n: &Array| {
        lax::while_loop(|c: &(Array, Array)| c.1.gt(0), |c| (&c.0 * 2.0, &c.1 - 1), &(x.clone(), n.clone())).0
    };
    assert_eq!(vmap_axes(doubled, (None, 0), 0)(&array(1.0), &array![3, 0, 5]).to_string(), "[ 8.  1. 32.]");
    assert_eq!(vmap_axes(doubled, (0, None), 0)(&array![1., 2.], &array(3)).to_string(), "[ 8. 16.]");
}

#[test]
fn weak_types_give_way() {
    let strong = array(vec![1f32, 2.]);
    let (c, _) = lax::scan(|c: &Array, x: &Array| (c + x, ()), &array(0.0), &strong);
    assert_eq!(format!("{c:?}"), "Array(3., dtype=float32)");
    let (c, _) = lax::scan(|c: &Array, x: &Array| (c + x, ()), &array(0), &strong);
    assert_eq!(format!("{c:?}"), "Array(3., dtype=float32)");
    let (c, _) = lax::scan(|c: &Array, _: &Array| (c * 0.0 + 1.0, ()), &array(vec![2f64]), &strong);
    assert_eq!(c.dtype(), DType::Float64);
    let y = lax::cond(&array(true), |_: &Array| array(1), |x| x.clone(), &array(vec![1f32]).reshape(&[]));
    assert_eq!((y.dtype(), y.to_f64()), (DType::Float32, 1.0));
}

#[test]
fn integers_and_keys_are_carried() {
    use cotangent::random::{self, Key};
    let walk = |key: Key| {
        let (keys, rest) = {
            let [a, b] = key.split();
            (a, b)
        };
        let step = |c: &(Array, Array), x: &Array| ((&c.0 + 1, &c.1 + x), &c.0 * 2);
        let steps = random::normal(keys, &[5]);
        let (c, ys) = lax::scan(step, &(array(0), random::uniform(rest, &[])), &steps);
        (c.0, c.1, ys)
    };
    let (n, _, ys) = walk(random::key(1));
    assert_eq!((n.to_f64(), ys.to_string()), (5.0, "[0 2 4 6 8]".to_string()));
    let step = |i: &Array, c: &(Array, Array)| (&c.0 * &c.1, &c.1 + i);
    let (_, pull) = vjp(|x: &Array| lax::fori_loop(0, 3, step, &(x.clone(), array(1))).0, (&array(2.0),));
    assert_eq!(pull.call(&array(1.0)).0.to_f64(), 2.0);
}

#[test]
fn programs_print_as_jax_prints_them() {
    let j = make_jaxpr(|x: &Array| lax::fori_loop(0, 5, |i, c: &Array| c * 2 + i, x), (&array(1.0),));
    assert_eq!(
        j.to_string(),
        "\
{ lambda ; a:f32[]. let
    _:i32[] b:f32[] = scan[
      jaxpr={ lambda ; c:i32[] d:f32[]. let
          e:i32[] = add c 1:i32[]
          f:f32[] = mul d 2.0:f32[]
          g:f32[] = convert_element_type[new_dtype=float32 weak_type=True] c
          h:f32[] = add f g
        in (e, h) }
      length=5
      num_carry=2
      num_consts=0
      reverse=False
      unroll=1
    ] 0:i32[] a
  in (b,) }"
    );
    let j =
        make_jaxpr(|p: &Array, x: &Array| lax::cond(p, |x: &Array| x + 1, |x| x * 2, x), (&array(true), &array(1.0)));
    assert_eq!(
        j.to_string(),
        "\
{ lambda ; a:bool[] b:f32[]. let
    c:i32[] = convert_element_type[new_dtype=int32 weak_type=False] a
    d:f32[] = cond[
      branches=(
        { lambda ; e:f32[]. let f:f32[] = mul e 2.0:f32[] in (f,) }
        { lambda ; g:f32[]. let h:f32[] = add g 1.0:f32[] in (h,) }
      )
    ] c b
  in (d,) }"
    );
}

#[test]
fn bounds_that_the_run_knows() {
    let power = |x: &Array, n: &Array| lax::fori_loop(0, n, |_, y: &Array| y * x, &(0.0 * x + 1.0));
    let sum = |from: &Array, to: &Array| lax::fori_loop(from, to, |i, y: &Array| y + i, &array(0));
    let x = array(vec![2f64, 3.0]);
    let at = |n: i32| array(n);
    for n in [0, 1, 4] {
        let slope = x.powi((n - 1).max(0)) * n;
        close(&jit(power)(&x, &at(n)), &x.powi(n));
        close(&grad(|x: &Array, n: &Array| jit(power)(x, n).sum())(&x, &at(n)), &slope);
        close(&jit(grad(|x: &Array, n: &Array| power(x, n).sum()))(&x, &at(n)), &slope);
    }
    assert_eq!(jit(sum)(&at(3), &at(6)).to_f64(), 12.0);
    assert_eq!(jit(sum)(&at(6), &at(3)).to_f64(), 0.0);
    assert_eq!(jit(sum)(&array(-2i64), &array(2)).to_f64(), -2.0);
    // each lane takes its own number of turns
    let (xs, ns) = (array(vec![2f64, 3.0, 5.0]), array![3, 0, 1]);
    close(&vmap(power)(&xs, &ns), &array(vec![8f64, 1.0, 5.0]));
    close(&vmap(grad(power))(&xs, &ns), &array(vec![12f64, 0.0, 1.0]));
    close(&jit(vmap(grad(power)))(&xs, &ns), &array(vec![12f64, 0.0, 1.0]));
    told(ErrorKind::Type, &["fori_loop", "float32[]"], || lax::fori_loop(0, array(1.5), |_, y: &Array| y + 1.0, &x));
    told(ErrorKind::Shape, &["fori_loop", "int32[3]"], || lax::fori_loop(0, &ns, |_, y: &Array| y + 1.0, &x));
}

#[test]
fn elements_that_choose() {
    let x = Array::from_slice(&[-1.0f64, 0.0, 4.0, 0.25, -3.0, 1.0], &[2, 3]);
    let root = |x: &Array| lax::select_fn(&x.gt(0.0), |x: &Array| x.sqrt(), |x| x * 2.0, x);
    let want = Array::from_slice(&[-2.0f64, 0.0, 2.0, 0.5, -6.0, 1.0], &[2, 3]);
    let slope = Array::from_slice(&[2.0f64, 2.0, 0.25, 1.0, 2.0, 0.5], &[2, 3]);
    let total = |x: &Array| root(x).sum();
    close(&root(&x), &want);
    same(&jit(root)(&x), &root(&x));
    close(&grad(total)(&x), &slope);
    close(&jit(grad(total))(&x), &slope);
    close(&vmap(root)(&x), &want);
    close(&jvp(root, (&x,), (&x,)).1, &(&slope * &x));
    close(
        &hessian(|x: &Array| lax::select_fn(&x.gt(0.0), |x: &Array| x.powi(3), |x| 0.0 * x, x).sum())(&array(vec![
            -1f64, 2.0,
        ])),
        &Array::from_slice(&[0.0f64, 0.0, 0.0, 12.0], &[2, 2]),
    );
    // rows that choose, by what is captured, among containers
    let scale = array(2f64);
    let rows = |m: &Array, x: &Array| {
        lax::select_fn(
            m,
            |(x, y): &(Array, Array)| (x.sum() * &scale, y.clone()),
            |(x, _)| (x.sum(), x.clone()),
            &(x.clone(), x * 10.0),
        )
    };
    let (sums, kept) = rows(&array![true, false], &x);
    close(&sums, &array(vec![6f64, -1.75]));
    close(&kept, &Array::from_slice(&[-10.0f64, 0.0, 40.0, 0.25, -3.0, 1.0], &[2, 3]));
    told(ErrorKind::Shape, &["select_fn", "float64[2,3]", "bool[3]"], || rows(&array![true, false, true], &x));
    // the select form has what the other function does at these elements
    let trapped = |x: &Array| {
        Vmap::new().select(true).of(|x: &Array| lax::cond(&x.gt(0.0), |x| x.log(), |x| 0.0 * x, x))(x).sum()
    };
    let free = |x: &Array| vmap(|x: &Array| lax::cond(&x.gt(0.0), |x| x.log(), |x| 0.0 * x, x))(x).sum();
    let at = array(vec![0f64, 2.0]);
    assert!(grad(trapped)(&at).to_vec::<f64>()[0].is_nan());
    close(&grad(free)(&at), &array(vec![0f64, 0.5]));
    // reverse mode through loops has no such form, and needs none
    let grown = |x: &Array| lax::while_loop(|c: &Array| c.lt(10.0), |c| c * 2.0, x);
    close(&Vmap::new().select(true).of(grad(grown))(&array(vec![1f64, 20.0])), &array(vec![16f64, 1.0]));
}

#[test]
fn mistakes() {
    use ErrorKind::*;
    let x = vector();
    told(Shape, &["cond", "scalar", "bool[4]"], || lax::cond(&x.gt(0.0), |x: &Array| x.clone(), |x| -x, &x));
    told(Shape, &["cond", "result", "float32[]", "float32[4]"], || {
        lax::cond(&array(true), |x: &Array| x.clone(), |x| x.sum(), &x)
    });
    told(Type, &["cond", "result [1]", "int32[4]", "float32[4]"], || {
        let no = |x: &Array| (x.clone(), x.astype(DType::Int32));
        lax::cond(&array(true), |x: &Array| (x.clone(), x.clone()), no, &x)
    });
    told(Structure, &["cond", "length 1", "length 2"], || {
        lax::cond(&array(true), |x: &Array| vec![x.clone()], |x| vec![x.clone(), x.clone()], &x)
    });
    told(Type, &["switch", "integer", "float32"], || lax::switch(&array(0.5), &[&|x: &Array| x.clone()], &x));
    told(Value, &["switch", "no branch"], || lax::switch::<Array, Array>(&array(0), &[], &x));
    told(Shape, &["scan", "carry", "enters as float32[]", "leaves as float32[4]", "tests/control_flow.rs"], || {
        lax::scan(|c: &Array, _: &Array| (c + &x, ()), &array(0.0), &x)
    });
    told(Type, &["scan", "carry [1]", "int32[]", "float32[]"], || {
        let init = (array(0.0), array(0).astype(DType::Int32));
        lax::scan(|c: &(Array, Array), x: &Array| ((c.0.clone(), &c.1 + x), ()), &init, &x)
    });
    told(Structure, &["scan", "structure", "length 1", "length 2"], || {
        lax::scan(|c: &Vec<Array>, _: &Array| (vec![c[0].clone(), c[0].clone()], ()), &vec![array(0.0)], &x)
    });
    told(Shape, &["scan", "different lengths", "[0]", "float32[4]", "[1]", "float32[2]"], || {
        lax::scan(|c: &Array, _: &(Array, Array)| (c.clone(), ()), &array(0.0), &(x.clone(), array![1., 2.]))
    });
    told(Shape, &["scan", "length"], || lax::scan(|c: &Array, _: &()| (c.clone(), ()), &array(0.0), &()));
    told(Shape, &["scan", "axis 0", "float32[]"], || {
        lax::scan(|c: &Array, _: &Array| (c.clone(), ()), &array(0.0), &array(1.0))
    });
    told(Type, &["while_loop", "condition", "float32[]"], || {
        lax::while_loop(|c: &Array| c.clone(), |c| c - 1.0, &array(3.0))
    });
    told(Shape, &["while_loop", "condition", "bool[4]"], || lax::while_loop(|c: &Array| c.gt(0), |c| c - 1.0, &x));
    told(Shape, &["while_loop", "carry", "float32[4]", "float32[]"], || {
        lax::while_loop(|c: &Array| c.sum().gt(0), |c| c.sum(), &x)
    });
    told(Concrete, &["to_bool", "select"], || {
        lax::fori_loop(0, 3, |_, c: &Array| if c.to_bool() { c.clone() } else { -c }, &array(1.0))
    });
}

/// Lanes that stop one after the other, some at once, some late, one never begins: together as each by itself. Those with short programs keep their places until half of them have
/// stopped; a product of matrices is long enough for them to be parted at once.
#[test]
fn lanes_that_stop_at_different_times() {
    fn short(x: &Array) -> (Array, Array) {
        let step = |(x, n): &(Array, Array)| (x * 0.5 + x.sin() * 0.125, n + 1);
        lax::while_loop(|(x, _): &(Array, Array)| x.gt(1.0), step, &(x.clone(), array(0)))
    }
    fn long(x: &Array) -> (Array, Array) {
        let m = 0.5 * np::identity(20);
        let step = |(v, n): &(Array, Array)| (m.matmul(v), n + 1);
        let (v, n) = lax::while_loop(|(v, _): &(Array, Array)| v.i(3).gt(1.0), step, &(x * np::ones(&[20]), array(0)));
        (v.i(3), n)
    }
    let all: Vec<f32> = (0..97).map(|i| ((i * 31 % 97) as f32).powi(3) * 0.01).collect();
    for (what, f) in [("short", short as fn(&Array) -> (Array, Array)), ("long", long)] {
        for n in [1, 2, 3, 40, 97] {
            let x = Array::from_slice(&all[..n], &[n]);
            let each: Vec<(Array, Array)> = (0..n).map(|k| f(&x.i(k))).collect();
            let want = |k: fn(&(Array, Array)) -> &Array| np::stack(&each.iter().map(k).collect::<Vec<_>>(), 0);
            let want = (want(|y| &y.0), want(|y| &y.1));
            let turns: std::collections::HashSet<i32> = want.1.to_vec::<i32>().into_iter().collect();
            assert!(n < 40 || turns.len() > 8 && turns.contains(&0), "{what}: {turns:?}");
            for (x, n) in [vmap(f)(&x), jit(vmap(f))(&x), jit(vmap(jit(f)))(&x)] {
                same(&x, &want.0);
                same(&n, &want.1)
            }
            // and their derivatives
            let slope =
                |f: fn(&Array) -> (Array, Array)| move |x: &Array| jvp(|x: &Array| f(x).0, (x,), (&array(1f32),)).1;
            let each: Vec<Array> = (0..n).map(|k| slope(f)(&x.i(k))).collect();
            same(&vmap(slope(f))(&x), &np::stack(&each.iter().collect::<Vec<_>>(), 0))
        }
    }
}
/// Branches that lanes choose for themselves, short ones for all and long ones for those that want them. No derivative comes from the other branch.
#[test]
fn branches_of_lanes() {
    let x = array![4., -1., 0., 9., f32::NAN];
    let root = |x: &Array| lax::cond(&x.gt(0.0), |x: &Array| x.sqrt(), |x| x * 0.5, x);
    same(&vmap(root)(&x).i(..4), &array![2., -0.5, 0., 3.]);
    same(&vmap(grad(root))(&x).i(..4), &array![0.25, 0.5, 0.5, 1.0 / 6.0]);
    same(&jit(vmap(grad(root)))(&x), &vmap(grad(root))(&x));
    let which = array![0, 1, 2, 3, -1];
    let f = |k: &Array, x: &Array| lax::switch(k, &[&|x: &Array| x + 1.0, &|x: &Array| x * 2.0, &|x: &Array| -x], x);
    same(&vmap(f)(&which, &x).i(..4), &array![5., -2., -0., -9.]);
    same(&jit(vmap(f))(&which, &x), &vmap(f)(&which, &x))
}
/// Each lane draws until it has what it wants, with a key of its own in the carry.
#[test]
fn lanes_with_keys() {
    use cotangent::random::{self, Key};
    let draw = |k: &Key| {
        let step = |(k, _): &(Key, Array)| {
            let (k, now) = random::clone(k).split2();
            (k, random::uniform(now, &[]))
        };
        lax::while_loop(|(_, x): &(Key, Array)| x.lt(0.8), step, &(random::clone(k), array(0f32))).1
    };
    let keys = random::split_array(random::key(5), &[30]);
    let all = vmap(draw)(&keys);
    same(&jit(vmap(draw))(&keys), &all);
    let each: Vec<Array> = random::split(random::key(5), 30).iter().map(draw).collect();
    same(&all, &np::stack(&each.iter().collect::<Vec<_>>(), 0));
    assert!(all.to_vec::<f32>().iter().all(|x| *x >= 0.8))
}
