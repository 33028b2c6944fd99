#!/usr/bin/env python3
"""What the workloads of jax_baseline.py and jax_programs.py compute: one JSON line for each measurement, with a digest of its result.

    python jax_results.py --json expected.jsonl             # all of them
    python jax_results.py --only kernel --json some.jsonl   # a subset, by the baseline's names

Nothing is measured: the baseline's own functions run with a recorder in the place of its stop watch, so that the inputs and the
programs are those that it measures. Both sides make their inputs by NumPy's generator. `cotangent-bench --check FILE`
computes the same and compares.

A digest says of each leaf of the result (in the order of jax.tree.leaves) its type and shape, the sum and the Euclidean norm of its
elements, and some elements, evenly spaced from the first to the last. Complex numbers are pairs of real ones, keys their words.
Of a training step it takes the loss and its gradient, and the loss after one step; of programs that run in a process of their own,
what they compute or print.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys

import jax_baseline as baseline
import jax_programs  # noqa: F401: its programs are workloads, too

SAMPLES = 8
# Vectors that may have either sign: of these the absolute values are taken.
SIGNLESS = ("kernel.svd.256", "kernel.eigh.256")


def digest(leaf):
    import jax
    import numpy as np
    if isinstance(leaf, jax.Array) and jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    a = np.asarray(leaf)
    out = {"dtype": str(a.dtype), "shape": list(a.shape)}
    a = a.ravel()
    if np.iscomplexobj(a):
        a = np.stack([a.real, a.imag], -1).ravel()
    wide = a.astype("float64")
    k = min(SAMPLES, a.size)
    at = [i * (a.size - 1) // max(k - 1, 1) for i in range(k)]
    short = lambda x: float(f"{x:.12g}")
    out.update(sum=short(wide.sum()), norm=short(np.linalg.norm(wide)), at=[short(wide[i]) for i in at])
    return out


class Recorder(baseline.Bench):
    """Calls once what would be measured, and writes down what comes out."""

    def time(self, name, call, **_):
        self.record(name, call())

    def emit(self, *_, **__):
        pass

    def record(self, name, result):
        if name.startswith("numpy."):  # measured beside JAX, but not JAX
            return
        import jax
        leaves = jax.tree.leaves(jax.block_until_ready(result))
        if name in SIGNLESS:
            leaves = list(map(abs, leaves))
        leaves = [digest(x) for x in leaves]
        self.out.write(json.dumps({"name": name, "leaves": leaves}) + "\n")
        self.out.flush()


def sgd(loss, lr=1e-3):
    """The baseline's step, which also says what its loss is."""
    step = plain_sgd(loss, lr)
    step.loss = loss
    return step


def train(b, name, step, params, batch, **_):
    import jax
    value, grads = jax.jit(jax.value_and_grad(step.loss))(params, *batch)
    after = jax.jit(step.loss)(jax.jit(step)(params, *batch)[0], *batch)
    b.record(name, (value, grads, after))


plain_sgd = baseline.sgd
baseline.sgd = sgd
baseline.train = train


def compiled(b, key):
    import jax
    fun, args = baseline.compile_programs()[key]
    b.record("compile." + key, jax.jit(fun)(*args))


def started(b, name, code):
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    if done.stdout.strip():
        import numpy as np
        b.record(name, np.float32(done.stdout))


def first_run(b, which):
    """The baseline waits for the result of its program, and for nothing later."""
    import jax
    wait, waited = jax.block_until_ready, []
    try:
        jax.block_until_ready = lambda x: (waited.append(x), wait(x))[1]
        with contextlib.redirect_stdout(io.StringIO()):
            baseline.memory_child(which)
    finally:
        jax.block_until_ready = wait
    b.record("memory." + which, waited[-1])


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("--only", action="append", default=[], metavar="NAME")
    p.add_argument("--json", required=True, metavar="OUT", help="appends the lines to OUT")
    args = p.parse_args()
    args.threads = "all"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    recorder, programs = Recorder(args), dict(baseline.STARTUP)
    for name, workload in baseline.WORKLOADS:
        if not baseline.selected(name, args.only):
            continue
        group, _, rest = name.partition(".")
        if group == "startup":
            started(recorder, name, programs[name])
        elif group == "compile":
            compiled(recorder, rest)
        elif group == "memory":
            first_run(recorder, rest)
        elif name != "kernel.numpy_matmul":  # that is not JAX
            workload(recorder)
        print(name, file=sys.stderr)


if __name__ == "__main__":
    main()
