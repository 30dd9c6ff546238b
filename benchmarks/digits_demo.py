"""The digits demo from nothing, and again: time, number of models, accuracy of the base, the same numbers every time.

Claim: at least 40 models in at most 120 s, a base of at least 97 % test accuracy, nothing made twice, and every number
but time is bitwise the same in a second project. Run from the repository root: ``python benchmarks/digits_demo.py``.
Prints the table of models; ends with exit code 1 when a part of the claim is off. Timed without the start of Python.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from compress_compare.demos.digits import run_digits
from compress_compare.project import Project

LIMIT_S, MODELS, ACCURACY = 120, 40, 0.97
DATASET = "digits-test"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        first, first_s = timed(lambda: run_digits(Path(folder) / "first"))
        again, again_s = timed(lambda: run_digits(Path(folder) / "first"))
        other, _ = timed(lambda: run_digits(Path(folder) / "other"))
        table(first)
        accuracy = first.model("cnn").metrics["Top-1 Accuracy"][0].value
        count, count_again, same = len(first), len(again), content(first) == content(other)
        for project in (first, again, other):
            project.close()
    print(f"first run {first_s:.1f} s = {first_s / LIMIT_S:.2f} of the limit of {LIMIT_S} s")
    print(f"second run {again_s:.2f} s = {again_s / first_s:.3f} of the first; {count_again} models then")
    print(f"{count} models (at least {MODELS}); base accuracy {accuracy:.2%} (at least {ACCURACY:.0%})")
    print(f"bitwise the same in another project: {'yes' if same else 'no'}")
    kept = first_s <= LIMIT_S and count >= MODELS and accuracy >= ACCURACY and same and count_again == count
    return 0 if kept else 1


def timed(run: Callable[[], Project]) -> tuple[Project, float]:
    start = time.perf_counter()
    return run(), time.perf_counter() - start


def content(project: Project) -> list[object]:
    """Everything about every model but the time it takes."""
    return [
        (
            id,
            {name: values for name, values in project.model(id).metrics.items() if not name.startswith("Latency")},
            project.model(id).checkpoint,
            project.outputs(id, DATASET).to_pylist(),
        )
        for id in project.models()["id"].to_pylist()
    ]


def table(project: Project) -> None:
    print(f"{'model':<32}{'accuracy %':>11}{'sparsity %':>11}{'packed B':>10}{'latency ms':>11}")
    for row in project.models().to_pylist():
        accuracy, sparsity = 100 * row["Top-1 Accuracy"], 100 * row["Sparsity"]
        packed, latency = row["Packed Size"], 1000 * row["Latency"]
        print(f"{row['id']:<32}{accuracy:>11.1f}{sparsity:>11.1f}{packed:>10,.0f}{latency:>11.3f}")


if __name__ == "__main__":
    sys.exit(main())
