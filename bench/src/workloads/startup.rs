//! From the start of a process to its end: nothing, and five steps of gradient descent.

use crate::measure::{Bench, median, short};
use crate::models::{mse_loss, scalar};
use crate::process::{report_of_child, wall_of_child};
use cotangent::prelude::*;
use serde_json::{Map, Value, json};

/// Five steps towards a line, each printed: a linear regression of four points.
pub fn descend(staged: bool) -> Value {
    let (x, y) = (array![1., 2., 3., 4.], array![3., 5., 7., 9.]);
    let mut params = (scalar(0.0), scalar(0.0));
    let eager = value_and_grad(mse_loss);
    let both = if staged { jit(eager) } else { eager };
    let mut last = Value::Null;
    for i in 0..5 {
        let (loss, grads) = both(&params, &x, &y);
        params = tree::map2(&params, &grads, |p, g| p - 0.05 * g);
        last = json!(loss.to_f64());
        println!("Step {}: w={:.3}, b={:.3}, loss={loss:.4}", i + 1, params.0, params.1)
    }
    json!({"loss": last})
}

/// How often a process is started, after once for the caches of the operating system.
const TIMES: usize = 25;

fn measured(b: &mut Bench, name: &str, program: &str) {
    let all = || -> Result<_, String> {
        wall_of_child(program)?;
        let walls = (0..TIMES).map(|_| wall_of_child(program)).collect::<Result<Vec<_>, _>>()?;
        let used = (0..TIMES).map(|_| report_of_child(program)).collect::<Result<Vec<_>, _>>()?;
        Ok((walls, used))
    };
    let loss = || {
        let told = report_of_child(program).unwrap_or_default();
        told["loss"].as_f64().map(|x| scalar(x as f32)).into_iter().collect()
    };
    if b.args.repeat.is_some() || b.args.check.is_some() && (program == "process" || b.compares(name, loss)) {
        return;
    }
    match all() {
        Err(why) => b.fail(name, &why),
        Ok((walls, used)) => {
            let column = |key: &str| used.iter().filter_map(|u| u[key].as_f64()).collect::<Vec<_>>();
            let (cpu, rss) = (column("cpu_s"), column("peak_rss"));
            let mut info = Map::new();
            if !cpu.is_empty() {
                info.insert("cpu_ms".into(), short(median(&cpu) * 1e3));
            }
            b.emit(name, "wall", &walls.iter().map(|s| s * 1e3).collect::<Vec<_>>(), "ms", info);
            if rss.is_empty() {
                b.skip(name, "the peak of resident memory is not known on this system")
            } else {
                b.emit(name, "peak_rss", &rss, "MiB", Map::new())
            }
        }
    }
}

/// A process that does nothing: what the others cost beyond it is the library's.
pub fn process(b: &mut Bench) {
    measured(b, "startup.process", "process")
}
pub fn seed_eager(b: &mut Bench) {
    measured(b, "startup.seed_eager", "seed_eager")
}
pub fn seed_jit(b: &mut Bench) {
    measured(b, "startup.seed_jit", "seed_jit")
}
