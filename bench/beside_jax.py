#!/usr/bin/env python3
"""Cotangent beside JAX: runs both benchmarks in turn on the same core and prints one table.

    cargo build --release -p cotangent-bench
    python bench/beside_jax.py --only eager --only call --rounds 3 --markdown table.md

A round runs one and then the other, so that a busy machine disturbs both alike; of all rounds the least figure counts
(--by median: the least of the rounds' medians; --by cpu_us: of processor time, which a crowded machine disturbs least). The ratio is JAX's figure divided by ours: above 1 we are faster, or
smaller. JAX is needed by the interpreter that is named with --python only.
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
    p.add_argument("--baseline", default=os.path.join(HERE, "jax_baseline.py"))
    p.add_argument("--bench", default=None, help="our binary (default: the release build)")
    p.add_argument("--ours", action="append", default=[], metavar="JSONL",
                   help="lines measured before instead of running ours; may be repeated")
    p.add_argument("--jax", action="append", default=[], metavar="JSONL",
                   help="lines measured before instead of running JAX; may be repeated")
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


def table(ours, jax):
    """Rows, and the geometric means by group."""
    rows, groups = [], {}
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
            groups.setdefault(name.split(".")[0], []).append(ratio)
    means = [(g, len(r), mean(r)) for g, r in groups.items()]
    if groups:
        everything = [x for r in groups.values() for x in r]
        means.append(("all", len(everything), mean(everything)))
    return rows, means


def columns(head, rows):
    widths = [max(len(str(r[i])) for r in [head] + rows) for i in range(len(head))]
    for r in [head] + rows:
        cells = [str(c).ljust(w) if i < 2 else str(c).rjust(w) for i, (c, w) in enumerate(zip(r, widths))]
        yield "  ".join(cells).rstrip()


def main():
    args = parse_args()
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
    mean_head = ("group", "rows", "geometric mean of the ratios")
    mean_rows = [(g, str(n), times(m)) for g, n, m in means]
    print("\n".join(columns(head, rows)) + "\n\n" + "\n".join(columns(mean_head, mean_rows)))
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
            fh.write(line(mean_head) + "|---|---:|---:|\n" + "".join(map(line, mean_rows)))
            if notes:
                fh.write("\nNot compared:\n\n" + "".join(f"- {n}\n" for n in notes))


if __name__ == "__main__":
    main()
