//! Operations that are defined outside of the library: on the host and by composition, with rules and without, and what is said of rules that are wrong.

mod common;

use common::{close, same, told};
use cotangent::extend::testing::{Checks, check};
use cotangent::extend::{Lanes, Operand, Operation, Value, bind, bind1, front};
use cotangent::prelude::*;
use cotangent::{Aval, CheckGrads, Vmap, jvp, lax, linear_transpose, make_jaxpr, vmap};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

fn nums(x: &[f64]) -> Array {
    array(x.to_vec())
}
fn float64(x: &[&Aval]) -> Result<Vec<Aval>, String> {
    match x.iter().find(|a| a.dtype != DType::Float64) {
        Some(a) => Err(format!("takes elements of type float64, got {a}")),
        None => Ok(vec![Aval::new(DType::Float64, &x[0].shape)]),
    }
}
fn each(x: &Array, f: impl Fn(f64) -> f64) -> Vec<Array> {
    vec![Array::from_slice(&x.to_vec::<f64>().into_iter().map(f).collect::<Vec<f64>>(), x.shape())]
}

static RUNS: AtomicUsize = AtomicUsize::new(0);

/// scale sin(x) by the host, with its derivative.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sine {
    scale: i32,
}
impl Operation for Sine {
    fn name(&self) -> &'static str {
        "host_sine"
    }
    fn params(&self) -> Vec<(&'static str, String)> {
        vec![("scale", self.scale.to_string())]
    }
    fn value(&self) -> Value<Sine> {
        Value::Host(|this, x| {
            RUNS.fetch_add(1, Relaxed);
            each(x[0], |x| this.scale as f64 * x.sin())
        })
    }
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        float64(x)
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Vec<Option<Array>> {
        vec![dx[0].map(|d| self.scale as f64 * x[0].cos() * d)]
    }
}
fn sine(x: &Array) -> Array {
    bind1(&Sine { scale: 3 }, &[x])
}

/// x y + z, x - y by operations of the library, and no rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Composed;
impl Operation for Composed {
    fn name(&self) -> &'static str {
        "composed"
    }
    fn value(&self) -> Value<Composed> {
        Value::Composition(|_, x| vec![&x[0] * &x[1] + sine(&x[2]), &x[0] - &x[1]])
    }
}

/// The sums so far, by the host: linear, with its transpose, and a rule for many lanes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sums {
    backwards: bool,
}
impl Operation for Sums {
    fn name(&self) -> &'static str {
        "sums"
    }
    fn value(&self) -> Value<Sums> {
        Value::Host(|this, x| {
            let n = *x[0].shape().last().expect("an axis");
            let mut y = x[0].with_slice(|x: &[f64]| x.to_vec());
            for row in y.chunks_mut(n) {
                for i in 1..n {
                    let (to, from) = if this.backwards { (n - 1 - i, n - i) } else { (i, i - 1) };
                    row[to] += row[from]
                }
            }
            vec![Array::from_slice(&y, x[0].shape())]
        })
    }
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        float64(x)
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Vec<Option<Array>> {
        vec![dx[0].map(|d| bind1(self, &[d]))]
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, x: &[Operand], ct: &[Option<Array>]) -> Vec<Option<Array>> {
        assert!(x[0].is_linear() && x[0].aval().dtype == DType::Float64);
        vec![ct[0].as_ref().map(|ct| bind1(&Sums { backwards: !self.backwards }, &[ct]))]
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
        vec![(bind1(self, &[&front(x[0], dims[0])]), Some(0))]
    }
}
fn sums(x: &Array) -> Array {
    bind1(&Sums { backwards: false }, &[x])
}

#[test]
fn every_promise_holds() {
    let (x, y, z) = (nums(&[0.5, -1.0, 2.0]), nums(&[2.0, 3.0, -0.5]), nums(&[1.0, 0.0, 0.25]));
    let args = [x.clone(), y, z];
    check(|x| vec![sine(&x[0])], &args[..1]).expect("a host function without a batch rule");
    check(|x| bind(&Composed, &[&x[0], &x[1], &x[2]]), &args).expect("a composition");
    check(|x| vec![sums(&x[0])], &args[..1]).expect("a linear host function");
    check(|x| vec![sums(&(sine(&x[0]) * &x[1])), lax::cond(&x[0].sum().gt(0.0), sine, sums, &x[1])], &args)
        .expect("all together");
    // in a loop, where the host runs in each turn
    let turns = |x: &[Array]| vec![lax::fori_loop(0, 3, |_, c: &Array| sine(c) * 0.3 + sums(c) * 0.1, &x[0])];
    check(turns, &args[..1]).expect("a loop");
    let until = lax::while_loop(|c: &Array| c.abs().sum().lt(10.0), |c| sums(c) + 1.0, &x);
    assert!(until.abs().sum().to_f64() >= 10.0);
}

#[test]
fn they_compute_what_they_say() {
    let x = nums(&[0.5, -1.0, 2.0]);
    close("host", &sine(&x), &(x.sin() * 3.0), 1e-15);
    close("grad", &grad(|x: &Array| sine(x).sum())(&x), &(x.cos() * 3.0), 1e-15);
    assert_eq!(sums(&x).to_vec::<f64>(), [0.5, -0.5, 1.5]);
    assert_eq!(
        grad(|x: &Array| (sums(x) * nums(&[1.0, 10.0, 100.0])).sum())(&x).to_vec::<f64>(),
        [111.0, 110.0, 100.0]
    );
    let back = linear_transpose(sums, (&x,));
    assert_eq!(back(&nums(&[1.0, 10.0, 100.0])).0.to_vec::<f64>(), [111.0, 110.0, 100.0]);
    // many lanes, shared and mapped, along any axis, and over a named one
    let many = cotangent::prim::stack(&[&x, &(&x * 2.0)], 1);
    same(
        "lanes",
        &cotangent::vmap_axes(sums, (1,), 1)(&many),
        &cotangent::prim::stack(&[&sums(&x), &sums(&(&x * 2.0))], 1),
    );
    let named = Vmap::new().axis_name("i").of(|x: &Array| lax::psum(sine(x), "i"));
    close("named", &named(&x), &nums(&[sine(&x).sum().to_f64(); 3]), 1e-15);
    // a host function runs once for each evaluation, and not while it is staged
    let f = jit(sine);
    let before = RUNS.load(Relaxed);
    let text = make_jaxpr(sine, (&x,)).to_string();
    assert_eq!(text, "{ lambda ; a:f64[3]. let b:f64[3] = host_sine[scale=3] a in (b,) }");
    assert_eq!(cotangent::eval_shape(sine, (&x,))[0].shape, [3]);
    let staged = RUNS.load(Relaxed);
    f(&x);
    // other tests run at the same time: only here is it counted that none ran
    assert!(staged >= before && RUNS.load(Relaxed) > staged);
    // elsewhere, too
    std::thread::scope(|s| {
        let (f, x) = (&f, &x);
        let there = s.spawn(move || f(x)).join().expect("it does not panic");
        same("another thread", &there, &sine(x))
    });
}

/// x less the mean of all lanes, by operations of the library.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Centered;
impl Operation for Centered {
    fn name(&self) -> &'static str {
        "centered"
    }
    fn value(&self) -> Value<Centered> {
        Value::Composition(|_, x| vec![(&x[0] - lax::pmean(&x[0], "batch")).powi(2)])
    }
}

#[test]
fn compositions_communicate() {
    let plain = |x: &Array| (x - lax::pmean(x, "batch")).powi(2);
    let own = |x: &Array| bind1(&Centered, &[x]);
    let over = |f: fn(&Array) -> Array| move |x: &Array| Vmap::new().axis_name("batch").of(f)(x).sin();
    let x = nums(&[1.0, 2.0, 6.0]);
    let (f, g) = (over(own), over(plain));
    same("value", &f(&x), &g(&x));
    same("jit", &jit(f)(&x), &g(&x));
    let want = grad(|x: &Array| g(x).sum())(&x);
    for (what, got) in [
        ("grad", grad(|x: &Array| f(x).sum())(&x)),
        ("jit of grad", jit(grad(|x: &Array| f(x).sum()))(&x)),
        ("grad of jit", grad(jit(|x: &Array| f(x).sum()))(&x)),
        ("of a loop", grad(|x: &Array| lax::fori_loop(0, 1, |_, x: &Array| f(x), x).sum())(&x)),
    ] {
        close(what, &got, &want, 1e-12)
    }
    // the same name for another axis, and no axis of the name
    let inner = Vmap::new().axis_name("other").of(move |x: &Array| f(x));
    same("nested", &inner(&cotangent::prim::stack(&[&x, &x], 0)), &cotangent::prim::stack(&[&g(&x), &g(&x)], 0));
    told(ErrorKind::Axis, &["batch", "bound"], || own(&x));
}

#[test]
fn programs_that_are_equal_are_compiled_once() {
    let of = |scale: i32| move |x: &Array| bind1(&Sine { scale }, &[x]) + 1.0;
    let x = nums(&[0.5]);
    let (a, b, c) = (make_jaxpr(of(2), (&x,)), make_jaxpr(of(2), (&x,)), make_jaxpr(of(4), (&x,)));
    assert!(a == b && a.content_hash() == b.content_hash() && a != c);
    assert_eq!(jit(of(4))(&x).to_f64(), 4.0 * 0.5f64.sin() + 1.0);
    assert_eq!(jit(of(2))(&x).to_f64(), 2.0 * 0.5f64.sin() + 1.0);
}

/// Rules that do what they are told, mostly wrong. The first operand is doubled.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Wrong {
    /// Which rule is wrong.
    rule: &'static str,
    host: bool,
}
impl Operation for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }
    fn value(&self) -> Value<Wrong> {
        if self.host {
            return Value::Host(|this, x| match this.rule {
                "few" => vec![],
                "host" => vec![array(1.0)],
                _ => each(x[0], |x| 2.0 * x),
            });
        }
        Value::Composition(|_, x| vec![&x[0] * 2.0])
    }
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        let shape = if self.rule == "types" { &[7][..] } else { &x[0].shape };
        Ok(vec![Aval::new(x[0].dtype, shape)])
    }
    fn jvp(&self, _: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Vec<Option<Array>> {
        match self.rule {
            "jvp" => vec![dx[0].map(|d| d * 3.0)],
            "jvp shape" => vec![dx[0].map(|d| d.sum())],
            "jvp count" => vec![],
            "not linear" => vec![dx[0].map(|d| d * d)],
            _ => vec![dx[0].map(|d| bind1(self, &[d]))],
        }
    }
    fn linear_in(&self, _: &[bool]) -> bool {
        true
    }
    fn transpose(&self, _: &[Operand], ct: &[Option<Array>]) -> Vec<Option<Array>> {
        let factor = if self.rule == "transpose" { 5.0 } else { 2.0 };
        if self.rule == "transpose shape" {
            return vec![ct[0].as_ref().map(|ct| ct.sum())];
        }
        vec![ct[0].as_ref().map(|ct| ct * factor)]
    }
    fn batch(&self, _: &Lanes, x: &[&Array], dims: &[Option<usize>]) -> Vec<(Array, Option<usize>)> {
        match self.rule {
            "batch" => vec![(x[0] * 4.0, dims[0])],
            "batch axis" => vec![(x[0] * 2.0, Some(9))],
            _ => vec![(bind1(self, &[x[0]]), dims[0])],
        }
    }
}

#[test]
fn rules_that_are_wrong_are_found() {
    let x = nums(&[0.5, -1.0]);
    for host in [false, true] {
        let of = |rule: &'static str| {
            let op = Wrong { rule, host };
            move |x: &[Array]| vec![bind1(&op, &[&x[0]])]
        };
        check(of(""), std::slice::from_ref(&x)).expect("nothing is wrong");
        for (rule, words) in [
            ("jvp", "JVP tangent"),
            ("transpose", "not the transpose"),
            ("batch", "lanes of [true]"),
            ("not linear", "not linear"),
            ("jvp shape", "the jvp rule has type float64[]"),
            ("jvp count", "the jvp rule returns 0 values"),
            ("transpose shape", "the transpose rule has type float64[]"),
            ("batch axis", "3 lanes lie along dimension 9"),
        ] {
            let e = check(of(rule), std::slice::from_ref(&x)).expect_err(rule);
            assert_eq!(e.kind(), ErrorKind::Check);
            assert!(e.to_string().contains(words), "{words} in {e}");
        }
        // without derivatives, nothing of them is found
        Checks::new().order(0).run(of("jvp"), std::slice::from_ref(&x)).expect("no derivative is asked for");
    }
    use ErrorKind::*;
    let run = |rule: &'static str, host: bool| move || bind1(&Wrong { rule, host }, &[&nums(&[0.5, -1.0])]);
    told(Type, &["wrong", "the host function returns float32[]", "float64[2]"], run("host", true));
    told(Type, &["wrong", "the host function returns ", "float64[2]"], run("few", true));
    told(Type, &["wrong", "float64[7] by its type rule", "are float64[2]"], run("types", false));
    told(Type, &["host_sine", "takes elements of type float64", "float32[1]"], || sine(&array![1.0]));
    told(Type, &["host_sine", "float32[1]"], || make_jaxpr(sine, (&array![1.0],)));
}

/// By the host, without a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Bare;
impl Operation for Bare {
    fn name(&self) -> &'static str {
        "bare"
    }
    fn value(&self) -> Value<Bare> {
        Value::Host(|_, x| each(x[0], f64::floor))
    }
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        float64(x)
    }
}

#[test]
fn without_a_rule_there_is_no_derivative() {
    let f = |x: &Array| bind1(&Bare, &[x]);
    let x = nums(&[1.5, -1.5]);
    for e in [
        catch(|| grad(|x: &Array| f(x).sum())(&x)).expect_err("no rule"),
        catch(|| jvp(f, (&x,), (&x,)).1).expect_err("no rule"),
    ] {
        assert_eq!(e.kind(), ErrorKind::NotDifferentiable);
        assert!(e.to_string().contains("bare runs on the host and has no jvp rule"), "{e}");
    }
    Checks::new().order(0).run(|x| vec![f(&x[0])], std::slice::from_ref(&x)).expect("the rest");
    assert_eq!(vmap(f)(&x).to_vec::<f64>(), [1.0, -2.0]);
    // what does not move needs none
    assert_eq!(grad(|y: &Array| (f(&x) * y).sum())(&x).to_vec::<f64>(), [1.0, -2.0]);
    CheckGrads::new().check(|y: &Array| f(&x) * y, (&x,), 2).expect("right derivatives");
}

/// Counts how often it ran, and gives its operand back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Counted {
    effect: bool,
}
static COUNTED: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];
impl Operation for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }
    fn value(&self) -> Value<Counted> {
        Value::Host(|this, x| {
            COUNTED[this.effect as usize].fetch_add(1, Relaxed);
            vec![x[0].clone()]
        })
    }
    fn types(&self, x: &[&Aval]) -> Result<Vec<Aval>, String> {
        Ok(vec![x[0].clone()])
    }
    fn effect(&self) -> bool {
        self.effect
    }
}

#[test]
fn an_effect_is_not_dropped() {
    let f = |effect: bool| {
        move |x: &Array| {
            bind1(&Counted { effect }, &[x]);
            x + 1.0
        }
    };
    let runs = || COUNTED.each_ref().map(|c| c.load(Relaxed));
    jit(f(false))(&array(1.0));
    assert_eq!(runs(), [0, 0]);
    jit(f(true))(&array(1.0));
    assert_eq!(runs(), [0, 1]);
    jit(|x: &Array| lax::fori_loop(0, 3, |_, x: &Array| f(true)(x), x))(&array(1.0));
    assert_eq!(runs(), [0, 4]);
}

/// The cube, whose derivative is what a loop differentiates that looks at it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Cube;
impl Operation for Cube {
    fn name(&self) -> &'static str {
        "cube"
    }
    fn value(&self) -> Value<Cube> {
        Value::Composition(|_, x| vec![&x[0] * &x[0] * &x[0]])
    }
    fn jvp(&self, x: &[&Array], dx: &[Option<&Array>], _: &[Array]) -> Vec<Option<Array>> {
        let one = x[0] * 0.0 + 1.0;
        // a constant has a slope that is zero, and this one enters the loop
        let (y, dy) = jvp(|x: &Array| x * 0.0 + 1.0, (x[0],), (&one,));
        let (_, none) = jvp(|_: &Array| one.clone(), (x[0],), (&one,));
        let turn = |(n, y, dy): &(Array, Array, Array)| {
            let (y, dy) = jvp(|y: &Array, x: &Array| y * x, (y, x[0]), (dy, &one));
            (n + 1, y, dy)
        };
        let more = |(n, _, dy): &(Array, Array, Array)| n.lt(3) & dy.gt(-1e9);
        let end = lax::while_loop(more, turn, &(array(0), y, dy + none));
        vec![dx[0].map(|d| d * &end.2)]
    }
}
#[test]
fn a_rule_may_differentiate_a_loop() {
    let f = |x: &Array| bind1(&Cube, &[x]);
    let x = array(2f64).astype(DType::Float64);
    assert_eq!(jvp(f, (&x,), (&(&x * 0.0 + 1.0),)).1.to_f64(), 12.0);
    assert_eq!(grad(f)(&x).to_f64(), 12.0);
    assert_eq!(jit(grad(f))(&x).to_f64(), 12.0);
    assert_eq!(grad(grad(f))(&x).to_f64(), 12.0);
}
