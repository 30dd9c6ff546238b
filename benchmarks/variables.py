"""How long it takes to say what differs between models, and how many random selections can be charted.

Run: python benchmarks/variables.py [experiment.json]
The limits: 50 ms for 100 models of a project of 10,000; 95 % of selections of 2 to 8 models within three encodings.
"""

import json
import random
import sys
import time
from itertools import product
from pathlib import Path

from compress_compare.analysis.lineage import Graph
from compress_compare.analysis.selection.variables import selection
from compress_compare.records import Operation

LIMIT_MS = 50
GRAPH_LIMIT_MS = 200
SHARE = 0.95
DRAWS = 2_000
RUNS = 9

PRUNE = [Operation(f"{kind} prune", amount=a) for kind, a in product(("magnitude", "gradient"), (0.3, 0.5, 0.75, 0.9))]
AFTER = [Operation("calibrate"), *(Operation("train", epochs=epochs) for epochs in (1, 10, 30))]
QUANTIZE = [Operation("quantize", bits=bits, scheme=scheme) for bits, scheme in product((8, 4), ("sym", "asym"))]
CLUSTER = [Operation("palettize", bits=bits) for bits in (2, 4)]
ANY = [*PRUNE, *AFTER, *QUANTIZE, *CLUSTER]


def random_tree(size, branches, roots=1, seed=0):
    """Every model has ``branches`` children made by any operation."""
    draw = random.Random(seed)
    nodes = [(f"root {i}", None, Operation("train", epochs=90)) for i in range(roots)]
    for i in range(roots, size):
        nodes.append((f"m{i}", nodes[(i - roots) // branches][0], draw.choice(ANY)))
    return Graph.from_models(nodes)


def grid(*levels):
    """Every combination of one operation of each level, with all models on the way."""
    nodes = [("root", None, Operation("train", epochs=90))]
    layer = nodes
    for level in levels:
        layer = [(f"{base}/{i}", base, operation) for base, _, _ in layer for i, operation in enumerate(level)]
        nodes = nodes + layer
    return Graph.from_models(nodes)


def iterations():
    """To three amounts in one to four rounds of pruning and training."""
    nodes = {"root": ("root", None, Operation("train", epochs=90))}
    for amount, rounds in product((0.5, 0.75, 0.9), (1, 2, 3, 4)):
        base = "root"
        for i in range(1, rounds + 1):
            for operation in (Operation("prune", amount=round(amount * i / rounds, 3)), Operation("train", epochs=5)):
                id = f"{base}/{operation.name} {operation.parameters_json}"
                nodes[id] = (id, base, operation)
                base = id
    return Graph.from_models(nodes.values())


def experiment(path):
    models = json.loads(Path(path).read_text())["models"]
    return Graph.from_models(
        (model["id"], model.get("base"), Operation(model["operation"]["name"], **model["operation"]["parameters"]))
        for model in models
    )


def share_charted(graph):
    draw = random.Random(0)
    charted = sum(
        selection(graph, draw.sample(graph.ids, draw.randint(2, min(8, len(graph))))).chart.x is not None
        for _ in range(DRAWS)
    )
    return charted / DRAWS


def best_ms(function):
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times), sorted(times)[RUNS // 2]


def main():
    trees = {
        "random, 5 steps deep": random_tree(364, 3),
        "random, 9 steps deep": random_tree(1_023, 2),
        "random, three roots": random_tree(2_000, 4, roots=3),
        "grid of 5 steps": grid(PRUNE[:6], AFTER, QUANTIZE, AFTER[1:3], CLUSTER),
        "iterative and one-shot": iterations(),
    }
    if len(sys.argv) > 1:
        trees = {Path(sys.argv[1]).name: experiment(sys.argv[1])} | trees
    for name, graph in trees.items():
        share = share_charted(graph)
        print(f"charted of {DRAWS:,} selections, {name} ({len(graph):,} models): {share:.1%}, limit {SHARE:.0%}")
    for name, graph in {"random": random_tree(10_000, 4), "grid": grid(PRUNE, AFTER, QUANTIZE, AFTER, ANY)}.items():
        nodes = [(id, graph.base(id), graph.operation(id)) for id in graph.ids]
        best, median = best_ms(lambda nodes=nodes: Graph.from_models(nodes))
        print(
            f"graph of {len(graph):,} models: best {best:.1f} ms, median {median:.1f}: "
            f"{best / GRAPH_LIMIT_MS:.2f} × limit"
        )
        for count in (8, 100, 1_000):
            ids = random.Random(count).sample(graph.ids, count)
            best, median = best_ms(lambda ids=ids, graph=graph: selection(graph, ids))
            ratio = f": {best / LIMIT_MS:.2f} × limit" if count <= 100 else ""
            print(f"{count:,} models of {len(graph):,}, {name}: best {best:.1f} ms, median {median:.1f}{ratio}")


if __name__ == "__main__":
    main()
