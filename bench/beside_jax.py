#!/usr/bin/env python3
"""Cotangent beside JAX: runs both benchmarks in turn on the same core and prints one table.

    cargo build --release -p cotangent-bench
    python bench/beside_jax.py --only eager --only call --rounds 3 --markdown table.md

A round runs one and then the other, so that a busy machine disturbs both alike; of all rounds the least figure counts
(--by median: the least of the rounds' medians; --by cpu_us: of processor time, which a crowded machine disturbs least). The ratio is
JAX's figure divided by ours: above 1 we are faster, or smaller. JAX is needed by the interpreter that is named with --python only.

With --check nothing is measured. JAX's results are written down (or read from the file that --results names), ours are computed from
the same inputs and compared, and whatever differs, or has not been compared, makes the program fail.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import math
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
# What belongs together in the last table: a title, the ratio that is aimed at, and names and metrics. The first row that fits counts.
GROUPS = (
    ("start-up", 300, ("startup.*/wall",)),
    ("eager derivatives", 500, ("eager.*grad*", "eager.vg_*")),
    ("eager", 50, ("eager.*",)),
    ("compile (traced, lowered, compiled)", 100, ("compile.*/total",)),
    ("call", 15, ("call.*",)),
    ("kernels: elementwise, reductions", 2,
     ("kernel.chain*", "kernel.add1*", "kernel.unary*", "kernel.sum*", "kernel.mean*", "kernel.logsumexp*", "kernel.layernorm*",
      "kernel.outer_sum*", "kernel.concat3*")),
    ("kernels: sort, cumsum, gradients of conv, transpose, softmax", 4,
     ("kernel.sort*", "kernel.argsort*", "kernel.cumsum*", "kernel.conv.grad*", "kernel.transpose*", "kernel.softmax*")),
    ("kernels: matrix products", 1.15, ("kernel.matmul*", "kernel.batched_matmul*", "kernel.matvec*")),
    ("kernels: others", None, ("kernel.*",)),
    ("train: MLP", 1.2, ("train.mlp*",)),
    ("train: CNN", 4, ("train.cnn*",)),
    ("train: transformer", 2.5, ("train.transformer*",)),
    ("train: recurrent", 2, ("train.lstm*", "train.rnn*")),
    ("train: logistic", 4, ("train.logistic*",)),
    ("train: linear regression", None, ("train.linreg*",)),
    ("transform", 4, ("transform.*",)),
    ("random", 8, ("random.*",)),
    ("memory of a first run", None, ("memory.*",)),
    *((f"programs: {name}", None, (f"program.{name}.*",))
      for name in ("rows", "grids", "order", "types", "functions", "small", "layers", "loops", "applied")),
)
# Beside those: all of these together.
TOGETHER = (("train, all", 2, ("train.*",)), ("programs, all", None, ("program.*",)))
# A row of a group below this is marked.
FLOOR = 0.9
BY = {"min": "Best sample", "median": "Least median", "cpu_us": "Least processor time per call (wall time where it is not known)"}


def parse_args():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("--only", action="append", default=[], metavar="NAME",
                   help="a name, a prefix or a glob; may be repeated")
    p.add_argument("--threads", choices=("1", "all"), default="1")
    p.add_argument("--cpu", type=int, default=None, help="the CPU for both, with --threads 1")
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--by", choices=("min", "median", "cpu_us"), default="min",
                   help="cpu_us: processor time per call, where a line has it; else min")
    p.add_argument("--min-sample", type=float, default=0.05)
    p.add_argument("--budget", type=float, default=1.5)
    p.add_argument("--python", default=sys.executable, help="the interpreter that has JAX")
    p.add_argument("--baseline", default=os.path.join(HERE, "jax_programs.py"))
    p.add_argument("--bench", default=None, help="our binary (default: the release build)")
    p.add_argument("--ours", action="append", default=[], metavar="JSONL",
                   help="lines measured before instead of running ours; may be repeated")
    p.add_argument("--jax", action="append", default=[], metavar="JSONL",
                   help="lines measured before instead of running JAX; may be repeated")
    p.add_argument("--check", action="store_true", help="compare results instead of times")
    p.add_argument("--results", metavar="JSONL", default=None,
                   help="with --check: JAX's results as jax_results.py wrote them (bench/jax_results.jsonl has those of 0.10.2)")
    p.add_argument("--markdown", metavar="FILE", default=None, help="write the table there too")
    return p.parse_args()


def our_binary():
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    return os.path.join(target, "release", "cotangent-bench")


def selected(name, patterns):
    return not patterns or any(name.startswith(p) or fnmatch.fnmatch(name, p) for p in patterns)


def baseline_groups(args):
    """The baseline selects whole workloads. Which ones may hold what is asked for?"""
    if not args.only:
        return []
    names = subprocess.run([args.python, args.baseline, "--list"], check=True, capture_output=True,
                           text=True).stdout.split()
    groups = [n for n in names if selected(n, args.only)]
    for pattern in args.only:
        if any(selected(n, [pattern]) for n in names):
            continue
        head = pattern.split(".")[0].split("*")[0]
        near = [n for n in names if pattern.startswith(n)] or [n for n in names if n.split(".")[0] == head]
        groups += near
    return sorted(set(groups))


def run(command, lines):
    """Runs a benchmark that appends its lines to a file of its own, and adds them to `lines`."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.jsonl")
        done = subprocess.run(command + ["--json", out], stdout=subprocess.PIPE, text=True)
        read(out, lines)
        # broken workloads are told on standard output only
        for line in done.stdout.splitlines():
            if '"error"' in line:
                print(line, file=sys.stderr)


def read(path, lines):
    if os.path.exists(path):
        with open(path) as fh:
            lines += [json.loads(line) for line in fh if line.strip()]


def best(lines, by):
    """(name, metric) to the least figure and its unit, in order of appearance; and why others were skipped."""
    figures, skipped = {}, {}
    for r in lines:
        if "skipped" in r:
            skipped[r["name"]] = r["skipped"]
        elif "metric" in r:
            key = (r["name"], r["metric"])
            old = figures.get(key)
            value = r.get(by, r["min"])
            if old is None or value < old[0]:
                figures[key] = (value, r["unit"])
    return figures, skipped


def shown(value, unit):
    if unit == "us":
        for limit, factor, name in ((1e3, 1, "us"), (1e6, 1e-3, "ms"), (math.inf, 1e-6, "s")):
            if value < limit:
                return f"{value * factor:.3g} {name}"
    return f"{value:.4g} {unit}"


def times(ratio):
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def belongs(name, metric, patterns):
    def fits(pattern):
        want, _, which = pattern.partition("/")
        return fnmatch.fnmatchcase(name, want) and which in ("", metric)
    return any(map(fits, patterns))


def table(ours, jax):
    """Rows, and the geometric means by group: title, number of rows, mean, aim, the names of rows below the floor."""
    rows, ratios = [], []
    for key, (value, unit) in ours.items():
        name, metric = key
        if key not in jax:
            rows.append((name, metric, shown(value, unit), "", ""))
            continue
        theirs, their_unit = jax[key]
        if unit != their_unit:
            raise SystemExit(f"{name}: {metric} is in {unit} here and in {their_unit} there")
        ratio = theirs / value if value > 0 else math.inf
        rows.append((name, metric, shown(value, unit), shown(theirs, unit), times(ratio)))
        if 0 < ratio < math.inf:
            ratios.append((name, metric, ratio))
    groups = {g[0]: [] for g in GROUPS + TOGETHER}
    for r in ratios:
        title = next((g[0] for g in GROUPS if belongs(*r[:2], g[2])), None)
        for t in [title] + [g[0] for g in TOGETHER if belongs(*r[:2], g[2])]:
            if t:
                groups[t].append(r)
    means = [(title, len(g), mean([r[2] for r in g]), aim, [r[0] for r in g if r[2] < FLOOR])
             for title, aim, _ in GROUPS + TOGETHER if (g := groups[title])]
    return rows, means


def columns(head, rows):
    widths = [max(len(str(r[i])) for r in [head] + rows) for i in range(len(head))]
    for r in [head] + rows:
        cells = [str(c).ljust(w) if i < 2 and not str(c).isdigit() else str(c).rjust(w) for i, (c, w) in enumerate(zip(r, widths))]
        yield "  ".join(cells).rstrip()


def check(args):
    """Are our results the baseline's? Returns an exit status."""
    only = [x for p in args.only for x in ("--only", p)]
    with tempfile.TemporaryDirectory() as folder:
        results = args.results
        if results is None:
            results = os.path.join(folder, "results.jsonl")
            groups = [x for g in baseline_groups(args) for x in ("--only", g)]
            subprocess.run([args.python, os.path.join(HERE, "jax_results.py"), "--json", results] + groups, check=True,
                           stderr=subprocess.DEVNULL)
        done = subprocess.run([args.bench or our_binary(), "--threads", args.threads, "--check", results] + only,
                              stdout=subprocess.PIPE, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    fine = [(r["name"], f"{r['distance']:.1e}", f"{r['allowed']:.0e}") for r in lines if "distance" in r]
    print("\n".join(columns(("name", "distance", "allowed"), fine)))
    for kind, title in (("skipped", "not there"), ("unchecked", "not compared"), ("error", "WRONG")):
        told = [f"  {r['name']}: {r[kind]}" for r in lines if kind in r]
        if told:
            print(f"\n{title}:\n" + "\n".join(told))
    wrong = done.returncode != 0 or any("error" in r for r in lines)
    print(f"\n{len(fine)} results agree with the baseline's" + (", and not all is well" if wrong else ""))
    return 1 if wrong or not fine else 0


def main():
    args = parse_args()
    if args.check:
        return check(args)
    ours, jax = [], []
    for path in args.ours:
        read(path, ours)
    for path in args.jax:
        read(path, jax)
    common = ["--threads", args.threads, "--min-sample", str(args.min_sample), "--budget", str(args.budget)]
    if args.cpu is not None:
        common += ["--cpu", str(args.cpu)]
    only = [x for p in args.only for x in ("--only", p)]
    groups = [] if args.jax else baseline_groups(args)
    if args.only and not groups and not args.jax:
        print("the baseline has nothing of that name", file=sys.stderr)
    for i in range(args.rounds):
        if not args.ours:
            run([args.bench or our_binary()] + common + only, ours)
        if not args.jax and (groups or not args.only):
            run([args.python, args.baseline] + common + [x for g in groups for x in ("--only", g)], jax)
        print(f"round {i + 1} of {args.rounds} is done", file=sys.stderr)
        if args.ours and args.jax:
            break
    ours, skipped = best([r for r in ours if selected(r["name"], args.only) or "skipped" in r], args.by)
    jax, _ = best(jax, args.by)
    rows, means = table(ours, jax)
    missing = [k for k in jax if k not in ours and selected(k[0], args.only)]

    head = ("name", "metric", "ours", "JAX", "ratio")
    mean_head = ("group", "rows", "geometric mean of the ratios", "aim", f"below {FLOOR}")
    mean_rows = [(g, str(n), times(m), "" if aim is None else f"{aim:g}", ", ".join(low)) for g, n, m, aim, low in means]
    print("\n".join(columns(head, rows)) + "\n\n" + "\n".join(columns(mean_head[:4], [r[:4] for r in mean_rows])))
    low = [f"  {r[0]}: {r[4]}" for r in mean_rows if r[4]]
    if low:
        print(f"\nbelow {FLOOR}:\n" + "\n".join(low))
    notes = [f"{n}: {why}" for n, why in skipped.items()]
    notes += [f"{n}: {m} is measured by the baseline only" for n, m in missing if n not in skipped]
    if notes:
        print("\nnot compared:\n  " + "\n  ".join(notes))
    if args.markdown:
        def line(cells):
            return "| " + " | ".join(cells) + " |\n"

        with open(args.markdown, "w") as fh:
            fh.write(f"Threads: {args.threads}. {BY[args.by]} of "
                     f"{max(args.rounds, len(args.ours), len(args.jax))} rounds. "
                     "The ratio is JAX's figure divided by ours.\n\n")
            fh.write(line(head) + "|---|---|---:|---:|---:|\n" + "".join(map(line, rows)) + "\n")
            fh.write(line(mean_head) + "|---|---:|---:|---:|---|\n" + "".join(map(line, mean_rows)))
            if notes:
                fh.write("\nNot compared:\n\n" + "".join(f"- {n}\n" for n in notes))


if __name__ == "__main__":
    sys.exit(main())
