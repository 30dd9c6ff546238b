"""Two copies of a project with 10,000 models and 20 metrics each that diverged by 20 models, merged; and its archive.

Run: python benchmarks/merge.py [number of models]
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import compress_compare as cc

METRICS = 20
BATCH = 500
OWN = 10
LIMIT_S = 20


def rows(names):
    values = np.random.default_rng(0).random((len(names), METRICS))
    for i, name in enumerate(names):
        yield {
            "id": name,
            "base": None if name == "model-0" else f"model-{(i - 1) // 5 if i else 0}",
            "operation": cc.Operation("magnitude prune", amount=i / len(names)),
            "metrics": {f"metric {j}": values[i, j] for j in range(METRICS)},
        }


def timed(what, work, limit=None):
    start = time.perf_counter()
    found = work()
    took = time.perf_counter() - start
    print(f"{what}: {took:.1f} s" + (f" (limit {limit} s)" if limit else ""))
    return found


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    print(f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "theirs"
        listed = list(rows([f"model-{i}" for i in range(count)]))
        with cc.open(ours) as project:
            for start in range(0, count, BATCH):
                project.log_models(listed[start : start + BATCH])
        shutil.copytree(ours, theirs)
        for place in (ours, theirs):
            with cc.open(place) as project:
                project.log_models(rows([f"{place.name}-{i}" for i in range(OWN)]))
                project.set_note("model-1", f"seen at {place.name}")
        with cc.open(ours) as project:
            report = timed(
                f"merge of two copies of {count:,}", lambda: project.merge(theirs, on_conflict="both"), LIMIT_S
            )
            assert (len(project), report.added["models"], len(report.conflicts)) == (count + 2 * OWN, OWN, 1)
            size = timed("pack", lambda: project.pack(Path(folder) / "x.ccz"))
            print(f"archive: {size / 1e6:.1f} MB")
        timed("unpack", lambda: cc.unpack(Path(folder) / "x.ccz", Path(folder) / "copy").close())


if __name__ == "__main__":
    main()
