"""Comparing 1,000,000 instances × 5 models × 10 classes, and 50,000 × 5 × 100 with KL divergence, against a plain loop.

Run: python benchmarks/behaviors.py [share of the instances, e.g. 0.1]

Every first view opens the project anew and reads from disk. The peer is a loop over instances in plain Python, as the
research system has it: KL divergence, flips and means, timed on some of the instances and scaled up.
"""

import json
import math
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

import compress_compare as cc
from compress_compare.analysis.behaviors import metrics
from compress_compare.page import answers
from compress_compare.page.wire import behaviors

MODELS = 5
LOOPED = 2_000
FIRST_LIMIT, KL_LIMIT, NEXT_LIMIT, BRUSH_LIMIT, ANSWER_LIMIT = 3.0, 0.8, 0.3, 0.05, 300_000


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def fill(path, count, classes):
    """A base and five noisier and noisier models; one of them logs its answers in another order."""
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, count)
    logits = random.normal(size=(count, classes)).astype(np.float32)
    logits[np.arange(count), labels] += 3
    metadata = {"writer": random.integers(0, 12, count), "ink": random.random(count)}
    with cc.open(path) as project:
        project.log_dataset("data", ids=np.arange(count), labels=labels, metadata=metadata)
        for model in range(MODELS + 1):
            noise = random.normal(size=(count, classes)).astype(np.float32)
            given = softmax(logits + 0.3 * model * noise)
            rows = random.permutation(count) if model == 3 else np.arange(count)
            project.log_model(f"m{model}")
            vectors = {"probabilities": given[rows]}
            project.log_outputs(f"m{model}", "data", ids=rows, predictions=given[rows].argmax(1), vectors=vectors)


def plain_loop(project, count):
    """Seconds that a loop over instances and models takes for what ``summary`` says of KL divergence."""
    rows = {
        f"m{model}": {row["id"]: row for row in project.outputs(f"m{model}", "data").slice(0, LOOPED).to_pylist()}
        for model in (0, 1, 2, 4, 5)
    }
    labels = dict(enumerate(project.instances("data")["label"].slice(0, LOOPED).to_pylist()))
    start = time.perf_counter()
    done = 0
    for model in list(rows)[1:]:
        total, flips = 0.0, 0
        for id, base in rows["m0"].items():
            other = rows[model][id]
            pairs = zip(base["probabilities"], other["probabilities"], strict=True)
            total += sum(p * math.log(p / q) for p, q in pairs if p > 0)
            flips += (base["prediction"] == labels[id]) != (other["prediction"] == labels[id])
            done += 1
    return (time.perf_counter() - start) / done * count * MODELS


def first_view(path, metric):
    """Seconds until a freshly opened project has its summary and histograms, and the comparison."""
    start = time.perf_counter()
    project = cc.open(path)
    found = project.behaviors("m0", [f"m{model}" for model in range(1, MODELS + 1)], "data", metric)
    body = behaviors.BehaviorsAsk(base="m0", models=found.models, dataset="data", metric=metric)
    answer = answers.behaviors(found, body)
    seconds = time.perf_counter() - start
    project.close()
    return seconds, found, len(json.dumps(answer.model_dump()))


def asks(metric):
    """What a person does next, each for the first time."""
    brush = [(f"{metric}[m1]", ">", 0.02), (f"{metric}[m3]", "<", 0.9)]
    return {
        "classes": lambda found: found.groups,
        "changes of prediction": lambda found: found.changes,
        "slice values": lambda found: found.using(by="writer").groups,
        "two slice columns": lambda found: found.using(by=["writer", "label"]).groups,
        "sort": lambda found: found.instances(f"-{metric}[m2]"),
        "sort and filter": lambda found: found.instances(f"-{metric}[m2]", {"changed": True, "label": 3}),
        "scroll": lambda found: found.instances(f"-{metric}[m2]", {"changed": True, "label": 3}, offset=500),
        "brush": lambda found: found.histograms(where=brush),
        "exemplars": lambda found: found.exemplars(),
    }


def seconds_of(question):
    start = time.perf_counter()
    question()
    return time.perf_counter() - start


def report(what, seconds, limit):
    print(f"{what:32s}{seconds * 1e3:10,.0f} ms   {seconds / limit:6.2f} × the limit of {limit * 1e3:,.0f} ms")


def run(path, count, *, classes, metric, limit):
    fill(path, count, classes)
    print(f"\n{count:,} instances × {MODELS} models × {classes} classes, {metric}")
    seconds, found, size = min((first_view(path, metric) for _ in range(3)), key=lambda one: one[0])
    report("first view, cold", seconds, limit)
    print(f"{'its answer':32s}{size / 1e3:10,.0f} kB   {size / ANSWER_LIMIT:6.2f} × the limit of 300 kB")
    for what, question in asks(metric).items():
        report(
            what,
            seconds_of(partial(question, found)),
            BRUSH_LIMIT if what == "brush" and count <= 50_000 else NEXT_LIMIT,
        )
    if metric == "kl_divergence":
        with cc.open(path) as project:
            loop = plain_loop(project, count)
        alone = min(
            seconds_of(lambda: metrics.find(found._frame, metric, directions={}).compute(found._frame))
            for _ in range(5)
        )
        print(f"{'plain loop over loaded data':32s}{loop * 1e3:10,.0f} ms   {loop / seconds:6.1f} × the first view")
        print(f"{'the same here':32s}{alone * 1e3:10,.0f} ms   the loop takes {loop / alone:.0f} × as long")


def main():
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        big, small = int(1_000_000 * share), int(50_000 * share)
        run(directory / "big", big, classes=10, metric="correct", limit=FIRST_LIMIT)
        run(directory / "kl", small, classes=100, metric="kl_divergence", limit=KL_LIMIT)
        run(directory / "big kl", big, classes=10, metric="kl_divergence", limit=FIRST_LIMIT)
    print(f"\npeak memory of all of this: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:,.0f} MB")


if __name__ == "__main__":
    main()
