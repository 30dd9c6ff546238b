"""The pydoc demo from nothing, and again: time, number of models, and whether the story comes out of the numbers.

Claim: at least 40 models in at most 480 s on two free cores, training of the base in at most 240 s of one thread; a
second run makes nothing; 10 % pruned with its norms the model is clearly worse, restoring the norms brings back most of
it and more than restoring the queries or the second half, and the layers name norms first. Run from the repository
root: ``python benchmarks/pydoc_demo.py``, or ``… runs/pydoc`` for a project that is there already, which is then only
read. Ends with exit code 1 when a part of the claim is off.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from compress_compare.demos.pydoc import run_pydoc
from compress_compare.project import Project
from compress_compare.project import open as open_project

LIMIT_S, TRAINING_S, MODELS = 480, 240, 40


def main() -> int:
    if len(sys.argv) > 1:
        with open_project(sys.argv[1], create=False) as project:
            return int(not story(project))
    started: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        with run_pydoc(folder, progress=lambda index, *_: started.setdefault(index, time.perf_counter())) as project:
            count = len(project)
        took, training = max(started.values()) - started[0], started[1] - started[0]
        begin = time.perf_counter()
        with run_pydoc(Path(folder)) as project:
            again, count_again = time.perf_counter() - begin, len(project)
            told = story(project)
    print(f"first run {took:.0f} s = {took / LIMIT_S:.2f} of the limit of {LIMIT_S} s")
    print(f"training {training:.0f} s = {training / TRAINING_S:.2f} of the limit of {TRAINING_S} s")
    print(f"second run {again:.1f} s; {count_again} models then; {count} models (at least {MODELS})")
    kept = took <= LIMIT_S and training <= TRAINING_S and count >= MODELS and count_again == count
    return int(not (kept and told))


def story(project: Project) -> bool:
    """Print the table of models and the suspects; whether they say what the claim says."""
    rows = {row["id"]: row for row in project.models().to_pylist()}
    print(f"{'model':<28}{'bits/byte':>10}{'agreement':>11}{'KL':>8}{'known words':>13}{'packed B':>11}")
    for id, row in rows.items():
        measured = f"{row['Bits per Byte']:>10.3f}{row['Top-1 Agreement']:>11.1%}{row['KL from Base']:>8.3f}"
        print(f"{id:<28}{measured}{row['Known Words']:>13.1%}{row['Packed Size']:>11,.0f}")
    suspects = project.layers("lm", "lm-all10").suspects.to_pylist()
    for row in suspects[:3]:
        print(f"{row['module']}: {row['reason']}")
    for row in project.effects("Bits per Byte").to_pylist():
        if row["parameter"] is None and (row["condition"] is None or row["operation"] == "restore"):
            interval = (
                "" if row["ci_low"] is None else f" ({row['ci_low']:.2f} to {row['ci_high']:.2f}, {row['interval']})"
            )
            name = f"{row['operation']} {row['condition'] or ''}"
            print(f"{name:<45}{row['pairs']:>4} pairs {row['mean']:+.2f}{interval}")
    lost = {id: row["Bits per Byte"] - rows["lm"]["Bits per Byte"] for id, row in rows.items()}
    repaired = lost["lm-all10-norms"] < 0.25 * lost["lm-all10"]
    most = lost["lm-all10-norms"] < min(lost["lm-all10-queries"], lost["lm-all10-half"])
    return repaired and most and "norm" in suspects[0]["module"]


if __name__ == "__main__":
    sys.exit(main())
