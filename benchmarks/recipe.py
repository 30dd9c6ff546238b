"""A recipe of 60 models of the digits network with one worker and with two: time, and the same models.

Claim: two local workers are at least 1.7 times as fast as one on a machine with two free cores, the models and all
their numbers but time are the same, and a second run makes nothing. Run from the repository root, with the machine to
itself: ``python benchmarks/recipe.py``. Ends with exit code 1 when a part of the claim is off.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import compress_compare as cc
from compress_compare.engines import LocalEngine
from compress_compare.engines.run import RunReport, run_recipe
from compress_compare.recipes import Recipe, loads

FACTOR, MODELS = 1.7, 60
RECIPE = """
task: compress_compare.demos.digits:task
base: {id: cnn, train: {epochs: 10}}
steps:
  - magnitude prune: {amount: [0.5, 0.6, 0.7, 0.8, 0.9]}
    then:
      - finetune: {epochs: [2, 4, 6]}
        then:
          - quantize: {bits: [8, 4]}
  - quantize: {bits: [8, 4, 3, 2]}
  - palettize: {bits: [4, 3, 2, 1]}
  - random prune: {amount: 0.5}
"""


def main() -> int:
    recipe = loads(RECIPE)
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        two, two_s = timed(Path(folder) / "two", recipe, workers=2)
        again, again_s = timed(Path(folder) / "two", recipe, workers=2)
        one, one_s = timed(Path(folder) / "one", recipe, workers=1)
        same = content(Path(folder) / "one") == content(Path(folder) / "two")
    print(f"one worker {one_s:.0f} s, two workers {two_s:.0f} s: {one_s / two_s:.2f} times as fast (at least {FACTOR})")
    print(
        f"{len(one.made)} and {len(two.made)} models made ({MODELS} wanted), {len(one.failed) + len(two.failed)} failed"
    )
    print(
        f"again {again_s:.1f} s, {len(again.made)} models made; the same models and numbers: {'yes' if same else 'no'}"
    )
    kept = one_s / two_s >= FACTOR and len(one.made) == len(two.made) == MODELS and not again.made and same
    return 0 if kept else 1


def timed(path: Path, recipe: Recipe, *, workers: int) -> tuple[RunReport, float]:
    cc.open(path).close()
    start = time.perf_counter()
    report = run_recipe(path, recipe, engine=LocalEngine(workers))
    return report, time.perf_counter() - start


def content(path: Path) -> list[object]:
    """Everything about every model but the time it takes and when it was made."""
    with cc.open(path) as project:
        models = [project.model(id) for id in sorted(project.models()["id"].to_pylist())]
    return [
        (m.id, m.base, m.operation, m.checkpoint, {k: v for k, v in m.metrics.items() if not k.startswith("Latency")})
        for m in models
    ]


if __name__ == "__main__":
    sys.exit(main())
