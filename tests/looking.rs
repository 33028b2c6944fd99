//! What can be seen of a function on its way to the machine: texts, costs, memory, times, pages, files, and why it is staged again.

use cotangent::prelude::*;
use cotangent::stages::{Text, lower};
use cotangent::{checkpoint, debug, lax, vmap};
use std::sync::atomic::{AtomicUsize, Ordering};

fn softmax(x: &Array) -> Array {
    let e = (x - cotangent::prim::broadcast_in_dim(&cotangent::prim::reduce_max(x, &[1]), x.shape(), &[0])).exp();
    let s = cotangent::prim::reduce_sum(&e, &[1]);
    e.clone() / cotangent::prim::broadcast_in_dim(&s, x.shape(), &[0])
}
fn table() -> Array {
    Array::from_slice(&(0..640).map(|i| (i % 7) as f32).collect::<Vec<_>>(), &[64, 10])
}

#[test]
fn a_compiled_function_gives_the_same_bits_and_may_be_transformed() {
    let x = table();
    let compiled = lower(softmax, (&x,)).compile();
    assert_eq!(compiled.call((&x,)).to_vec::<f32>(), softmax(&x).to_vec::<f32>());
    let (y, profile) = compiled.profile((&x,));
    assert_eq!(y.to_vec::<f32>(), softmax(&x).to_vec::<f32>());
    assert!(profile.in_steps() <= profile.total() && !profile.in_steps().is_zero());
    // under other transformations it is the function that it was made of
    let f = |x: &Array| (compiled.call((x,)) * x).sum();
    let want = grad(|x: &Array| (jit(softmax)(x) * x).sum())(&x);
    assert_eq!(grad(f)(&x).to_vec::<f32>(), want.to_vec::<f32>());
    let xs = Array::from_slice(&(0..1280).map(|i| (i % 11) as f32).collect::<Vec<_>>(), &[2, 64, 10]);
    assert_eq!(vmap(|x: &Array| compiled.call((x,)))(&xs).to_vec::<f32>(), vmap(softmax)(&xs).to_vec::<f32>());
    // what a function captures goes with it
    let w = array(vec![2f32; 10]);
    let captured = lower(|x: &Array| x * &w, (&x,)).compile();
    assert_eq!(captured.call((&x,)).to_vec::<f32>()[..3], [0.0, 2.0, 4.0]);
}

#[test]
fn a_compiled_function_refuses_other_arguments() {
    let compiled = lower(|x: &Array, y: &Vec<Array>| x + &y[0], (&array![1., 2.], &vec![array(1.0)])).compile();
    let two = [array(1.0), array(2.0)].to_vec();
    let told = |x: &Array, y: &Vec<Array>| {
        let e = catch(|| compiled.call((x, y))).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Structure);
        assert!(e.location().unwrap().file().ends_with("looking.rs"));
        e.message().to_string()
    };
    let text = told(&array![1., 2., 3.], &two[..1].to_vec());
    assert!(text.ends_with("argument [0]: shape (2,) when it was lowered, (3,) now"), "{text}");
    let text = told(&array![1., 2.], &two);
    assert!(text.contains("argument [1]:") && text.contains("when it was lowered"), "{text}");
    let text = told(&array![1, 2], &two[..1].to_vec());
    assert!(text.ends_with("argument [0]: element type float32 when it was lowered, int32 now"), "{text}");
}

#[test]
fn texts() {
    let x = table();
    let lowered = lower(softmax, (&x,));
    assert_eq!(lowered.as_text(Text::Jaxpr), cotangent::make_jaxpr(softmax, (&x,)).to_string());
    let program = lowered.as_text(Text::Program);
    assert!(
        program.starts_with("program(%0: f32[64,10]) -> ") && program.contains("reduce max dims=1..2 %0"),
        "{program}"
    );
    assert_eq!(lowered.out_info()[0].shape, [64, 10]);
    let steps = lowered.compile().as_text();
    // the difference, the exponential: one group; each line of the function is named
    for text in [
        "softmax, compiled for ",
        "reduce: %0 -> %1",
        "| 64 folds of ",
        "for b:f32[64] = reduce_max[axes=(1,)",
        "looking.rs:9:",
    ] {
        assert!(steps.contains(text), "{text} in\n{steps}");
    }
    let group = steps.split("\n1 map:").nth(1).expect("a second group").split("\n2 ").next().unwrap();
    assert!(group.contains("= sub a c") && group.contains("= exp d"), "{group}\nof\n{steps}");
}

/// A loss beside its gradient: the product forwards is computed once, and the one backwards. Behind a checkpoint it is computed again.
#[test]
fn what_is_computed_twice() {
    let (w, x) =
        (array(vec![0.5f64; 6]).reshape(&[3, 2]), array((0..12).map(f64::from).collect::<Vec<_>>()).reshape(&[4, 3]));
    let loss = |w: &Array, x: &Array| x.matmul(w).tanh().sum();
    let both = move |w: &Array, x: &Array| (loss(w, x), grad(loss)(w, x));
    let products = |text: String| text.lines().filter(|l| l.contains(" dot: ")).count();
    let compiled = lower(both, (&w, &x)).compile();
    assert_eq!(products(compiled.as_text()), 2, "{}", compiled.as_text());
    let ((a, b), (c, d)) = (compiled.call((&w, &x)), both(&w, &x));
    assert_eq!((a.to_vec::<f64>(), b.to_vec::<f64>()), (c.to_vec::<f64>(), d.to_vec::<f64>()));
    let layers = |w: &Array, x: &Array| (0..4).fold(x.clone(), |x, _| x.matmul(w).tanh());
    let (square, x) = (array(vec![0.5f64; 64]).reshape(&[8, 8]), array(vec![0.1f64; 800]).reshape(&[100, 8]));
    let plain = lower(value_and_grad(move |w: &Array, x: &Array| layers(w, &layers(w, x)).sum()), (&square, &x));
    // eight products forwards, eight for the weights, and seven for what comes before
    assert_eq!(products(plain.compile().as_text()), 23);
    let again = checkpoint(layers);
    let f = move |w: &Array, x: &Array| again(w, &again(w, x)).sum();
    let segments = lower(value_and_grad(f), (&square, &x)).compile();
    // and all eight forwards again
    assert_eq!(products(segments.as_text()), 31);
}

#[test]
fn machine_code_as_text() {
    let x = table();
    let f = |x: &Array| (x * 2.5 - 1.0).exp().sum();
    let compiled = lower(f, (&x,)).compile();
    let text = compiled.as_assembly();
    // a fold has none of its own
    assert!(text.contains("compiled with the engine"), "{text}");
    assert!(compiled.to_html().contains("<details><summary>Machine code of 0 map</summary>"));
    let there = cfg!(all(feature = "assembly", target_arch = "x86_64", target_os = "linux"))
        && std::env::var_os("COTANGENT_JIT").is_none()
        && text.contains("elements a round");
    if !there {
        return assert!(text.contains("no machine code") || text.contains("without the feature"), "{text}");
    }
    for part in
        [" for Avx", "; pointer of %0", "; %0\n", "; mul f32\n", "; exp f32\n", "; -> %", "= 2.5", "ret\n", "jb l"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    // every jump goes to a label, and every constant is there
    let words = |l: &str| l.split([' ', '[', ']', ',', '+']).map(str::to_string).collect::<Vec<_>>();
    for l in text.lines().filter(|l| l.trim_start().starts_with('j') || l.contains("[c")) {
        let name = words(l.split(';').next().unwrap()).into_iter().find(|w| {
            let number = w.trim_start_matches(['l', 'c']);
            number.len() + 1 == w.len() && number.parse::<usize>().is_ok()
        });
        let name = name.unwrap_or_else(|| panic!("{l}"));
        assert!(text.contains(&format!("      {name}:")), "{name} in\n{text}");
    }
    // programs inside of others have some, too
    let turned = |x: &Array| lax::fori_loop(0, 3, |_, c: &Array| (c * 2.5 - 1.0).exp(), x);
    assert!(lower(turned, (&x,)).compile().as_assembly().contains("; exp f32\n"));
}

#[test]
fn machine_code_of_loops() {
    let there = cfg!(all(feature = "assembly", target_arch = "x86_64", target_os = "linux"))
        && lower(|x: &Array| x.exp(), (&table(),)).compile().as_assembly().contains("elements a round");
    // a loop of scalars with elements that come in and go out, and one with a condition
    let scanned = |c: &Array, x: &Array| lax::scan(|c: &Array, x: &Array| (c * 0.5 + x, c.sin()), c, x);
    let (c, x) = (Array::from(1f32), Array::from_slice(&[1f32; 10], &[10]));
    let text = lower(scanned, (&c, &x)).compile().as_assembly();
    let whole = text.split("all turns:").nth(1).unwrap_or_else(|| panic!("{text}"));
    if !there {
        return assert!(whole.contains("no machine code") || whole.contains("without the feature"), "{text}");
    }
    for part in [
        "one turn a round",
        "; pointer of the carry",
        "; xs 0\n",
        "; -> ys 0\n",
        "; to the next turn\n",
        "= 0.5",
        "ret\n",
    ] {
        assert!(whole.contains(part), "{part} in\n{text}");
    }
    let turned = |c: &Array| lax::while_loop(|c: &Array| c.lt(100.), |c: &Array| c * 1.5, c);
    let compiled = lower(turned, (&c,)).compile();
    let text = compiled.as_assembly();
    for part in ["all turns:", "; lt f32\n", "; mul f32\n", "1.5"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(compiled.to_html().contains("<summary>Machine code of all turns</summary>"));
    // rows are no scalars: in registers as their elements, where there are few
    let rows = |x: &Array| lax::fori_loop(0, 3, |_, c: &Array| c * 2.5 - 1.0, x);
    assert!(lower(rows, (&Array::from_slice(&[1f32; 3], &[3]),)).compile().as_assembly().contains("all turns:"));
    assert!(!lower(rows, (&table(),)).compile().as_assembly().contains("all turns:"));
}

#[test]
fn costs_by_hand() {
    let x = table();
    // max: 9 of each of 64 rows; sub, div: 640 each; sum: 9 * 64; exp: 640
    let lowered = lower(softmax, (&x,));
    let c = lowered.cost_analysis();
    assert_eq!((c.flops, c.transcendentals, c.complete), (2 * 576 + 2 * 640, 640, true));
    let fused = lowered.compile().cost_analysis();
    assert_eq!((fused.flops, fused.transcendentals), (c.flops, c.transcendentals));
    // max: reads x, writes 64; sub and exp in one: reads x and 64, writes 640; sum: reads 640, writes 64; div: reads 640 and 64, writes 640
    assert_eq!(fused.bytes_accessed, 4 * ((640 + 64) + (640 + 64 + 640) + (640 + 64) + (640 + 64 + 640)));
    assert!(c.bytes_accessed > fused.bytes_accessed);
    let (a, b) = (Array::from_slice(&[1.0f64; 6], &[2, 3]), Array::from_slice(&[1.0f64; 12], &[3, 4]));
    assert_eq!(lower(|a: &Array, b: &Array| a.matmul(b), (&a, &b)).cost_analysis().flops, 2 * 2 * 3 * 4);
    let z = cotangent::prim::complex(&a, &a);
    assert_eq!(lower(|z: &Array| z * z, (&z,)).cost_analysis().flops, 6 * 6);
    // integers and comparisons are no arithmetic of floats
    assert_eq!(lower(|n: &Array| (n + n).gt(3), (&array![1, 2, 3],)).cost_analysis().flops, 0);
}

#[test]
fn costs_of_control_flow() {
    let x = array(vec![1.0f64; 100]);
    let turns = |n: usize| {
        lower(move |x: &Array| lax::fori_loop(0, n as i32, |_, c: &Array| c.sin(), x), (&x,)).compile().cost_analysis()
    };
    assert_eq!((turns(7).transcendentals, turns(7).complete), (700, true));
    let until = |x: &Array| lax::while_loop(|c: &Array| c.sum().gt(1.0), |c| c.sin(), x);
    let c = lower(until, (&x,)).compile().cost_analysis();
    assert_eq!((c.transcendentals, c.complete), (100, false));
    let branches = |x: &Array| lax::cond(&x.sum().gt(0.0), |x: &Array| x.sin().cos(), |x: &Array| x.sin(), x);
    let c = lower(branches, (&x,)).compile();
    assert_eq!((c.cost_analysis().transcendentals, c.cost_analysis().complete), (200, false));
    let text = c.as_text();
    assert!(text.contains("part 1: ") && text.contains("cond") && text.contains("branches[1]:"), "{text}");
    let (y, profile) = c.profile((&x,));
    assert_eq!(y.to_vec::<f64>(), branches(&x).to_vec::<f64>());
    // the branch that was not taken has no time
    let table = profile.to_string();
    let timed = |l: &str| l.contains(" us ") || l.contains(" ns ");
    let of = |k: usize| {
        table
            .split(&format!("branches[{k}] of cond"))
            .nth(1)
            .expect("a branch")
            .lines()
            .nth(1)
            .expect("a row")
            .to_string()
    };
    assert!(!timed(&of(0)) && timed(&of(1)), "{table}");
}

#[test]
fn memory_of_a_program() {
    let x = Array::from_slice(&vec![1.0f32; 1 << 18], &[512, 512]);
    let f = |x: &Array| (x.matmul(x).sin().matmul(x), x.clone(), x.sum());
    let m = lower(f, (&x,)).compile().memory_analysis();
    let whole = 1 << 20;
    assert_eq!((m.argument_bytes, m.output_bytes, m.alias_bytes, m.complete), (whole, whole + 4, whole, true));
    // one value between the products, which is changed in place
    assert!(m.temporary_bytes >= whole && m.temporary_bytes < whole + whole / 4, "{m:?}");
    assert!(m.peak_bytes >= 3 * whole && m.peak_bytes < 3 * whole + whole / 4, "{m:?}");
    // with control flow: a value that waits for the loop to end is counted
    let waits = |x: &Array| {
        let y = x.sin();
        lax::fori_loop(0, 3, |_, c: &Array| c.cos(), x) + y
    };
    let m = lower(waits, (&x,)).compile().memory_analysis();
    assert!(!m.complete && m.peak_bytes >= 3 * whole, "{m:?}");
}

#[test]
fn pages_are_whole() {
    let x = table();
    let f = |x: &Array, y: &Array| lax::fori_loop(0, 3, |_, c: &Array| softmax(c) * y, x).sum();
    let compiled = lower(value_and_grad(f), (&x, &x)).compile();
    let (_, profile) = compiled.profile((&x, &x));
    for (page, timed) in [(compiled.to_html(), false), (profile.to_html(), true)] {
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
        // nothing from elsewhere
        for word in ["http://", "https://", "src=", "href=", "@import", "url("] {
            let found = page.replace("http://www.w3.org/2000/svg", "").contains(word);
            assert!(!found, "{word}");
        }
        balanced(&page);
        assert!(page.contains("let e = (x - cotangent::prim::broadcast_in_dim"), "the user's line");
        assert!(page.contains("looking.rs:9:"));
        assert_eq!(page.contains("time of the run"), timed);
        // each equation of a compiled part has a line to where it runs, or is pale
        for g in page.split("<g class=\"e\">").skip(1) {
            let g = g.split("</g>").next().unwrap();
            assert!(g.contains("<path") != g.contains("class=\"pale\""), "{g}");
        }
        assert!(page.matches("<g class=\"k\">").count() > 4);
    }
}
/// Every tag is closed, in the right order.
fn balanced(page: &str) {
    let mut open = vec![];
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.split_whitespace().next().unwrap().trim_end_matches('/');
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None if tag.starts_with('!') || tag.ends_with('/') || name == "meta" => {}
            None => open.push(name.to_string()),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn misses_name_what_differs() {
    #[derive(Pytree, Clone)]
    struct Point {
        at: Vec<Array>,
        mass: Array,
    }
    let f = jit(|p: &Point, n: Static<usize>| p.at[0].sum() * &p.mass * n.0 as f64);
    let p = Point { at: vec![array![1f32, 2f32]], mass: Array::from_slice(&[1f32], &[]) };
    let other = |change: &dyn Fn(&mut Point)| {
        let mut p = p.clone();
        change(&mut p);
        p
    };
    let cases: [(Point, usize, &[&str]); 4] = [
        (p.clone(), 2, &["1", "2"]),
        (other(&|p| p.at[0] = array![1f32]), 1, &["argument [0].at[0]: shape (2,) before, (1,) now"]),
        (
            other(&|p| p.mass = Array::from_slice(&[1f64], &[])),
            1,
            &["argument [0].mass: element type float32 before, float64 now"],
        ),
        (other(&|p| p.at.push(array(1.0))), 1, &["argument [0].at", "before"]),
    ];
    for (q, n, want) in cases {
        let (_, misses) = debug::cache_misses(|| [f(&p, Static(1)), f(&q, Static(n))]);
        assert_eq!(misses.len(), 1, "{want:?}");
        assert!(misses[0].at.file().ends_with("looking.rs") && misses[0].reasons.len() == 1, "{}", misses[0]);
        want.iter().for_each(|w| assert!(misses[0].reasons[0].contains(w), "{w} in {}", misses[0]));
        // it is known now
        assert!(debug::cache_misses(|| f(&q, Static(n))).1.is_empty());
    }
}

#[test]
fn misses_of_weak_types_and_axes() {
    let f = jit(|x: &Array| x * 2);
    let (_, misses) = debug::cache_misses(|| [f(&array(1.0)), f(&array(vec![1.0f32]).sum())]);
    assert_eq!(misses[0].reasons, ["argument [0]: type weak, as that of a number, before, strong now"]);
    let g = jit(|x: &Array| x.sin());
    let mapped = |name: &str| cotangent::Vmap::new().axis_name(name).of(|x: &Array| g(x))(&array![1., 2.]);
    let (_, misses) = debug::cache_misses(|| [g(&array(vec![1.0f32]).sum()), mapped("i")]);
    assert!(misses[0].reasons.iter().any(|r| r == "named axes: none before, i of 2 lanes now"), "{}", misses[0]);
}

#[test]
fn misses_of_functions_that_are_made_again() {
    let x = array![1., 2.];
    let made = |by: Option<f64>| match by {
        Some(by) => jit(move |x: &Array| (x.sin() * by).sum())(&x),
        None => x.clone(),
    };
    let (_, misses) = debug::cache_misses(|| [made(Some(2.0)), made(Some(2.0)), made(Some(3.0))]);
    assert_eq!(misses.len(), 2);
    assert!(misses[0].reasons[0].ends_with("(its program is the same and is not compiled again)"), "{}", misses[0]);
    let told = &misses[1].reasons[0];
    assert!(told.contains("mul b 2.0:f32[] before, mul b 3.0:f32[] now; a number that a function captures"), "{told}");
    assert!(told.contains("looking.rs"), "{told}");
    // printed instead, and only where somebody asks
    let (_, lines) = debug::capture(|| debug::explain_cache_misses(|| [made(Some(4.0)), made(Some(5.0))]));
    assert!(lines.len() == 1 && lines[0].starts_with("jit(<lambda>) at "), "{lines:?}");
    assert!(debug::capture(|| [made(Some(6.0)), made(Some(7.0))]).1.is_empty());
}

/// Runs this test's own binary with the variable set, for one test that does nothing elsewhere.
fn with_dump(folder: &std::path::Path) -> std::process::Output {
    let me = std::env::current_exe().expect("a test binary");
    let mut run = std::process::Command::new(me);
    run.args(["--exact", "dumped_here", "--nocapture"]).env("COTANGENT_DUMP", folder).env("LOOKING_DUMPED", "1");
    run.output().expect("it runs")
}
static FRESH: AtomicUsize = AtomicUsize::new(0);
fn fresh(name: &str) -> std::path::PathBuf {
    let n = FRESH.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("cotangent-{name}-{}-{n}", std::process::id()))
}

#[test]
fn dumped_here() {
    if std::env::var_os("LOOKING_DUMPED").is_none() {
        return;
    }
    let x = table();
    let f = jit(softmax);
    let y = [f(&x), f(&x), jit(softmax)(&x)];
    fn turned(x: &Array) -> Array {
        lax::fori_loop(0, 3, |_, c: &Array| softmax(c), x)
    }
    assert_eq!(jit(turned)(&x).shape(), x.shape());
    assert_eq!(y[0].to_vec::<f32>(), y[2].to_vec::<f32>());
}

#[test]
fn everything_is_dumped_where_the_variable_says() {
    let folder = fresh("dump");
    let out = with_dump(&folder);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let of =
        |stem: &str| ["assembly.txt", "html", "jaxpr.txt", "program.txt", "steps.txt"].map(|e| format!("{stem}.{e}"));
    let want: Vec<String> = [of("0001-softmax"), of("0002-turned")].concat();
    assert_eq!(names, want);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file");
    assert!(read("0001-softmax.jaxpr.txt").starts_with("{ lambda ; a:f32[64,10]. let"));
    assert!(read("0001-softmax.program.txt").contains("reduce max"));
    assert!(read("0001-softmax.steps.txt").contains("groups; bytes: "));
    assert!(read("0001-softmax.assembly.txt").contains("machine code"));
    balanced(&read("0002-turned.html"));
    std::fs::remove_dir_all(folder).expect("it is removed")
}

#[test]
fn a_dump_that_cannot_be_written_is_a_warning() {
    // a file is no folder
    let file = fresh("file");
    std::fs::write(&file, "").expect("a file");
    let out = with_dump(&file);
    let err = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{err}");
    assert_eq!(
        err.lines().filter(|l| l.starts_with("warning: COTANGENT_DUMP: nothing is written to ")).count(),
        1,
        "{err}"
    );
    std::fs::remove_file(file).expect("it is removed")
}

/// Samples of every primitive, and their derivatives: whatever they lower to can be looked at, and runs with a clock to the same bits.
#[test]
fn every_primitive_can_be_looked_at() {
    let bits = |y: &[Array]| y.iter().map(|y| format!("{y:?}")).collect::<Vec<_>>();
    let mut driven = 0;
    for (family, cases) in cotangent::prim::cases() {
        for case in cases {
            let what = format!("{family}, {}", case.name);
            let value = |x: &Vec<Array>| (case.run)(x);
            let moving: Vec<usize> = (0..case.args.len()).filter(|i| case.args[*i].dtype() == DType::Float64).collect();
            let back = |x: &Vec<Array>| {
                let part = |m: &Vec<Array>| {
                    let mut x = x.to_vec();
                    moving.iter().zip(m).for_each(|(i, a)| x[*i] = a.clone());
                    let y = (case.run)(&x);
                    y.into_iter().filter(|y| y.dtype().is_float()).fold(array(0.0), |s, y| s + y.sum())
                };
                grad(part)(&moving.iter().map(|i| x[*i].clone()).collect())
            };
            let functions: [&(dyn Fn(&Vec<Array>) -> Vec<Array> + Send + Sync); 2] = [&value, &back];
            for f in functions {
                // host code that has no derivative, and what is linear in nothing
                let Ok(lowered) = catch(|| lower(f, (&case.args,))) else { continue };
                assert!(lowered.as_text(Text::Program).len() > 10, "{what}");
                let compiled = lowered.compile();
                let want = bits(&jit(f)(&case.args));
                let (y, profile) = compiled.profile((&case.args,));
                assert_eq!(bits(&y), want, "{what}");
                let (page, m, c) = (profile.to_html(), compiled.memory_analysis(), compiled.cost_analysis());
                balanced(&page);
                assert!(
                    m.peak_bytes >= m.argument_bytes + m.output_bytes && m.peak_bytes >= m.temporary_bytes,
                    "{what}: {m:?}"
                );
                assert!(c.complete == m.complete || c.complete, "{what}");
                assert!(compiled.as_text().contains("compiled for ") && !profile.to_string().is_empty(), "{what}");
                driven += !m.complete as usize;
            }
        }
    }
    assert!(driven > 20, "{driven}");
}
