"""Comparing 10,000,000 instances × 3 models by their predictions: the first view, and what is asked afterwards.

Claim: the first view takes at most 8 s, each question at most 1 s, and the process holds at most 2 GB. The measuring
process opens a project that another one has written. Run from the repository root:
``python benchmarks/behaviors_large.py [instances]``.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import behaviors
import numpy as np

import compress_compare as cc

MODELS = 3
FIRST_LIMIT, NEXT_LIMIT, LIMIT_MB = 8.0, 1.0, 2_000


def fill(path, count):
    """A base and three worse and worse models; the last logs its answers in another order."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, count)
    metadata = {"writer": random.integers(0, 12, count), "ink": random.random(count)}
    with cc.open(path) as project:
        project.log_dataset("data", ids=np.arange(count), labels=labels, metadata=metadata)
        for model in range(MODELS + 1):
            right = random.random(count) < 0.9 - 0.05 * model
            given = np.where(right, labels, random.integers(0, 10, count))
            rows = random.permutation(count) if model == MODELS else np.arange(count)
            project.log_model(f"m{model}")
            project.log_outputs(f"m{model}", "data", ids=rows, predictions=given[rows])


def held():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def said(what, seconds, limit):
    print(f"{what:24s}{seconds:8.2f} s   {seconds / limit:5.2f} × the limit of {limit:.0f} s   {held():7,.0f} MB")


def measure(path):
    behaviors.MODELS = MODELS
    print(f"load {os.getloadavg()[0]:.1f}")
    seconds, found, _ = behaviors.first_view(path, "correct")
    said("first view, cold", seconds, FIRST_LIMIT)
    asks = {what: ask for what, ask in behaviors.asks("correct").items() if what != "brush"}
    for what, ask in asks.items():
        start = time.perf_counter()
        partial(ask, found)()
        said(what, time.perf_counter() - start, NEXT_LIMIT)
    print(f"held at most {held():,.0f} MB, {held() / LIMIT_MB:.2f} × the limit of {LIMIT_MB:,} MB")


def main():
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder) / "project", count)
        print(f"{count:,} instances × {MODELS} models")
        sys.stdout.flush()
        subprocess.run([sys.executable, __file__, "--measure", str(Path(folder) / "project")], check=True)


if __name__ == "__main__":
    main()
