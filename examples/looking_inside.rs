//! What becomes of a training step: its equations, the groups that they run in, operations, bytes, memory, and the time of each.
//!
//! The step is that of a small network. The program prints what it costs and where its time goes, and writes a page with all of it to
//! `target/examples-output/looking_inside.html`, which any browser shows. Then it makes the two mistakes for which functions are staged again and again, and lets the
//! library say so.
//!
//!     cargo run --release --example looking_inside
//!
//! The program checks that the compiled and the profiled step give the bits of the plain one, that the products of matrices are as many operations as one counts by
//! hand, and that each mistake is named.

use cotangent::debug;
use cotangent::prelude::*;
use cotangent::prim::{broadcast_in_dim, exp, log, reduce_max, reduce_sum};
use cotangent::random;
use cotangent::stages::lower;
use std::error::Error;
use std::path::Path;

/// Examples, inputs, hidden units, classes.
const SIZES: [usize; 4] = [256, 64, 128, 10];

/// Two layers.
#[derive(Pytree, Clone)]
struct Model {
    w1: Array,
    b1: Array,
    w2: Array,
    b2: Array,
}

/// The mean of the losses: minus the logarithm of the probability of the right class.
fn loss(m: &Model, x: &Array, y: &Array) -> Array {
    let hidden = (x.matmul(&m.w1) + &m.b1).tanh();
    let scores = hidden.matmul(&m.w2) + &m.b2;
    let top = stop_gradient(&reduce_max(&scores, &[1]));
    let scores = &scores - broadcast_in_dim(&top, scores.shape(), &[0]);
    let total = log(&reduce_sum(&exp(&scores), &[1]));
    (total - reduce_sum(&(&scores * y), &[1])).mean()
}
/// A step of gradient descent, and the loss before it.
fn step(m: &Model, x: &Array, y: &Array) -> (Array, Model) {
    let (l, g) = value_and_grad(loss)(m, x, y);
    (l, tree::map2(m, &g, |p, g| p - 0.1 * g))
}

fn main() -> Result<(), Box<dyn Error>> {
    let [n, inputs, hidden, classes] = SIZES;
    let [k1, k2, k3] = random::key(0).split();
    let m = Model {
        w1: random::normal(k1, &[inputs, hidden]) * 0.1,
        b1: array(vec![0f32; hidden]),
        w2: random::normal(k2, &[hidden, classes]) * 0.1,
        b2: array(vec![0f32; classes]),
    };
    let x = random::normal(k3, &[n, inputs]);
    let right: Vec<f32> = (0..n * classes).map(|i| (i / classes % classes == i % classes) as u8 as f32).collect();
    let y = Array::from_slice(&right, &[n, classes]);

    let lowered = lower(step, (&m, &x, &y));
    let compiled = lowered.compile();
    let (cost, memory) = (compiled.cost_analysis(), compiled.memory_analysis());
    // forwards two products, backwards three: nobody asks for the derivative with respect to x
    let products = 2 * n * hidden * (2 * inputs + 3 * classes);
    println!(
        "{} flops, of which {products} in products of matrices; {} transcendentals",
        cost.flops, cost.transcendentals
    );
    println!(
        "{} bytes read and written; operation by operation it would be {}",
        cost.bytes_accessed,
        lowered.cost_analysis().bytes_accessed
    );
    println!("{} bytes of temporary memory, {} at the peak", memory.temporary_bytes, memory.peak_bytes);
    assert!((products as u64) < cost.flops && cost.flops < products as u64 * 11 / 10);
    assert!(cost.bytes_accessed < lowered.cost_analysis().bytes_accessed && cost.complete && memory.complete);

    let plain = tree::leaves(&step(&m, &x, &y));
    let _warm = compiled.profile((&m, &x, &y));
    let (out, profile) = compiled.profile((&m, &x, &y));
    for (a, b) in plain.iter().zip(tree::leaves(&out)) {
        assert_eq!(a.to_vec::<f32>(), b.to_vec::<f32>())
    }
    print!("{profile}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/examples-output");
    std::fs::create_dir_all(&folder)?;
    let page = folder.join("looking_inside.html");
    std::fs::write(&page, profile.to_html())?;
    println!("written: {}", page.display());

    // the last batch is shorter than the others; and a number that changes is captured
    let fast = jit(loss);
    let (_, misses) = debug::cache_misses(|| {
        let part = |a: &Array, k: usize| cotangent::prim::slice(a, &[0, 0], &[k, a.shape()[1]], None);
        let of = |k: usize| fast(&m, &part(&x, k), &part(&y, k));
        let losses = [of(n), of(100)];
        let rates = [0.1, 0.05].map(|rate| jit(move |p: &Array, g: &Array| p - rate * g)(&m.b2, &m.b2));
        (losses, rates)
    });
    for miss in &misses {
        println!("{miss}")
    }
    assert_eq!(
        misses[0].reasons,
        ["argument [1]: shape (256, 64) before, (100, 64) now", "argument [2]: shape (256, 10) before, (100, 10) now"]
    );
    assert!(misses[1].reasons[0].contains("belongs among the arguments") && misses.len() == 2);
    Ok(())
}
