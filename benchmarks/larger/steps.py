"""What the larger runs share: a step of a tree, and the figures that are told of a project."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compress_compare.operations import BaseOperation
from compress_compare.project import Project


@dataclass(frozen=True)
class Step:
    """A model: an operation on another one; the base of a root is None, and it is given."""

    id: str
    base: str | None
    operation: BaseOperation | None


def table(project: Project, names: Sequence[str]) -> None:
    """Every model with some metrics."""
    print(f"{'model':<28}" + "".join(f"{name:>24}" for name in names))
    for row in project.models().to_pylist():
        print(f"{row['id']:<28}" + "".join(f"{_number(row.get(name)):>24}" for name in names))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def against(project: Project, pairs: Iterable[tuple[str, str]], dataset: str, *, metric: str) -> None:
    """The paired difference of each (base, model) with its interval, and how often the answer changed."""
    print(f"{dataset}, {metric}: model − base, 95 % interval, paired")
    for base, model in pairs:
        (row,) = project.behaviors(base, model, dataset, metric=metric).summary.to_pylist()
        interval = f"{row['difference']:+.4f} ({row['ci_low']:+.4f} to {row['ci_high']:+.4f})"
        tie = "tie" if row["ci_low"] <= 0 <= row["ci_high"] else ""
        changed = "" if row["agreement"] is None else f"{1 - row['agreement']:.1%} of answers changed"
        print(f"  {model} against {base}: {interval} {tie} {changed}")


def effects(project: Project, metric: str) -> None:
    """What each operation does on average."""
    print(f"effects on {metric}")
    for row in project.effects(metric, listed=0).to_pylist():
        if row["parameter"] is None and row["ci_low"] is not None and row["pairs"] >= 3:
            name = f"{row['operation']} {row['condition'] or ''}"
            interval = f"{row['mean']:+.3f} ({row['ci_low']:+.3f} to {row['ci_high']:+.3f}, {row['interval']})"
            print(f"  {name:<50}{row['pairs']:>4} pairs {interval}")
