"""Matched-pair effects of 10,000 models with 20 metrics, against the limit of two seconds.

Then those of a stored project of 5,000 models with 10 metrics, asked for at once, against one call for each metric.

Run: python benchmarks/effects.py
"""

import random
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np

import compress_compare as cc
from compress_compare.analysis.effects.effects import effects
from compress_compare.analysis.frontier import frontier
from compress_compare.analysis.lineage import Graph
from compress_compare.records import Operation

LIMIT_S = 2.0
METRICS = 20
RUNS = 5
STORED_MODELS, STORED_METRICS = 5_000, 10

PRUNE = [Operation(f"{kind} prune", amount=a) for kind, a in product(("magnitude", "gradient"), (0.3, 0.5, 0.75, 0.9))]
AFTER = [Operation("calibrate"), *(Operation("train", epochs=epochs) for epochs in (1, 10, 30))]
QUANTIZE = [Operation("quantize", bits=bits, scheme=scheme) for bits, scheme in product((8, 4), ("sym", "asym"))]
ANY = [*PRUNE, *AFTER, *QUANTIZE]


def random_tree(size, branches):
    draw = random.Random(0)
    nodes = [("m0", None, Operation("train", epochs=90))]
    nodes += [(f"m{i}", f"m{(i - 1) // branches}", draw.choice(ANY)) for i in range(1, size)]
    return Graph.from_models(nodes)


def grid(*levels):
    nodes = [("root", None, Operation("train", epochs=90))]
    layer = nodes
    for level in levels:
        layer = [(f"{base}/{i}", base, operation) for base, _, _ in layer for i, operation in enumerate(level)]
        nodes = nodes + layer
    return Graph.from_models(nodes)


def all_amounts_differ(size):
    nodes = [("m0", None, Operation("train", epochs=90))]
    nodes += [(f"m{i}", f"m{(i - 1) // 5}", Operation("prune", amount=i / size)) for i in range(1, size)]
    return Graph.from_models(nodes)


def stored(folder):
    """A project with the random tree and a number for each metric of each model."""
    draw = random.Random(1)
    project = cc.open(Path(folder) / "project")
    names = [f"metric {i}" for i in range(STORED_METRICS)]
    tree = random.Random(0)
    rows = [{"id": "m0", "operation": Operation("train", epochs=90)}]
    for i in range(1, STORED_MODELS):
        rows.append({"id": f"m{i}", "base": f"m{(i - 1) // 4}", "operation": tree.choice(ANY)})
    for row in rows:
        row["metrics"] = {name: draw.gauss(0, 1) for name in names}
    with project.batch():
        for name in names:
            project.define_metric(name, higher_is_better=True)
        project.log_models(rows)
    return project, names


def best_of(runs, call):
    """The shortest of some runs in seconds, and what the last one gave."""
    walls = []
    for _ in range(runs):
        start = time.perf_counter()
        found = call()
        walls.append(time.perf_counter() - start)
    return min(walls), found


def once_against_each():
    """All metrics in one call, as the report asks, against a call for each."""
    with tempfile.TemporaryDirectory() as folder:
        project, names = stored(folder)
        with project:
            once, together = best_of(3, project.effects)
            each, apart = best_of(3, lambda: [row for name in names for row in project.effects(name).to_pylist()])
        assert len(together) == len(apart)
    print(
        f"effects of a stored project ({STORED_MODELS:,} models × {STORED_METRICS} metrics): {len(together):,} rows, "
        f"asked once {once:.2f} s, once for each metric {each:.2f} s: {once / each:.2f} × one call per metric"
    )


def main():
    projects = {
        "random": random_tree(10_000, 4),
        "grid": grid(PRUNE, AFTER, QUANTIZE, AFTER, ANY),
        "every amount its own": all_amounts_differ(10_000),
    }
    for name, graph in projects.items():
        values = np.random.default_rng(0).normal(size=(METRICS, len(graph)))
        metrics = {f"metric {i}": np.ma.array(column) for i, column in enumerate(values)}
        walls, cpus = [], []
        for _ in range(RUNS):
            wall, cpu = time.perf_counter(), time.process_time()
            table = effects(graph, metrics)
            walls.append(time.perf_counter() - wall)
            cpus.append(time.process_time() - cpu)
        best, median = min(walls), sorted(walls)[RUNS // 2]
        print(
            f"effects, {name} ({len(graph):,} models × {METRICS} metrics): {len(table):,} rows, best {best:.2f} s, "
            f"median {median:.2f} s, processor {min(cpus):.2f} s: {best / LIMIT_S:.2f} × limit"
        )
    x, y = np.random.default_rng(0).normal(size=(2, 1_000_000))
    start = time.perf_counter()
    found = frontier(x, y, x_higher_is_better=True, y_higher_is_better=False)
    print(f"frontier of {len(x):,} points: {len(found)} optimal, {time.perf_counter() - start:.2f} s")
    once_against_each()


if __name__ == "__main__":
    main()
