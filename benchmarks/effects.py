"""Matched-pair effects of a project of 10,000 models with 20 metrics, against the limit of two seconds.

Run: python benchmarks/effects.py
"""

import random
import time
from itertools import product

import numpy as np

from compress_compare.analysis.effects.effects import effects
from compress_compare.analysis.frontier import frontier
from compress_compare.analysis.lineage import Graph
from compress_compare.records import Operation

LIMIT_S = 2.0
METRICS = 20
RUNS = 5

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


if __name__ == "__main__":
    main()
