"""Workers that are forked from one process against workers that import torch themselves: processor time of a recipe.

Claim: a recipe of small steps takes at most half the processor time with the same models and numbers. Run from the
repository root: ``python benchmarks/forks.py``. Ends with exit code 1 when a part of the claim is off.
"""

from __future__ import annotations

import os
import resource
import tempfile
from pathlib import Path

from recipe import content

import compress_compare as cc
from compress_compare.engines import LocalEngine
from compress_compare.engines.run import run_recipe
from compress_compare.recipes import Recipe, loads

RATIO, TIMES = 0.5, 2
RECIPE = """
task: compress_compare.demos.digits:task
base: {id: cnn, train: {epochs: 1}}
steps:
  - magnitude prune: {amount: [0.5, 0.6, 0.7, 0.8, 0.9]}
  - quantize: {bits: [8, 4, 3, 2]}
  - palettize: {bits: [4, 3, 2, 1]}
"""


def main() -> int:
    recipe = loads(RECIPE)
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    found: dict[bool, list[float]] = {True: [], False: []}
    contents = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(TIMES):
            for forks in (True, False):
                path = Path(folder) / f"{forks}{turn}"
                found[forks].append(processor_time(path, recipe, forks=forks))
                contents.append(content(path))
    forked, spawned = min(found[True]), min(found[False])
    same = all(one == contents[0] for one in contents)
    print(
        f"{len(contents[0])} models: {forked:.1f} s forked, {spawned:.1f} s not, {forked / spawned:.2f} of it "
        f"(at most {RATIO}), the best of {TIMES}; the same models and numbers: {'yes' if same else 'no'}"
    )
    return 0 if same and forked <= RATIO * spawned else 1


def processor_time(path: Path, recipe: Recipe, *, forks: bool) -> float:
    """Seconds of all workers and of what starts them."""
    cc.open(path).close()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = run_recipe(path, recipe, engine=LocalEngine(1, forks=forks))
    assert not report.failed, report.failed
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
