"""What the two benchmarks of shipping share: how they begin, a row of the table, and how they end."""

from __future__ import annotations

import argparse
import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

import compress_compare as cc
from compress_compare import shipping
from compress_compare.errors import MissingExtra, UserError
from compress_compare.recipes import Task


@dataclass
class Table:
    """The table as it is printed, and what became of the models.

    Args:
        place: a folder for what is shipped.
        formats: their names, in order.
        sample: examples that each is run on.
    """

    place: Path
    formats: Sequence[str]
    sample: int | None = None
    missing: dict[str, str] = field(default_factory=dict)
    broken: int = 0

    def __post_init__(self) -> None:
        print("| model | format | claimed B | shipped B | ratio | largest difference | agreement | ms |")
        print("|---|---|---:|---:|---:|---:|---:|---:|")

    def rows(self, project: cc.Project, id: str, task: Task, *, label: str) -> list[float]:
        """Ship a model in each format, print a row each, and return the ratios of shipped to claimed bytes."""
        ratios = []
        for format in self.formats:
            row, ratio = self._shipped(project, id, task, format=format)
            ratios += [] if ratio is None else [ratio]
            print(f"| {label} | {format} | {row} |", flush=True)
        return ratios

    def _shipped(self, project: cc.Project, id: str, task: Task, *, format: str) -> tuple[str, float | None]:
        target = self.place / f"{len(list(self.place.iterdir()))}-{format}"
        try:
            found = project.ship(id, target, format=format, sample=self.sample, task=task)
        except MissingExtra as error:
            self.missing[format] = error.title
            return "– | – | – | – | – | – (not installed)", None
        except UserError as error:
            self.broken += error.code != "ship.cannot_hold"
            return f"– | – | – | – | – | {error.title}", None
        claimed, proof = found.claimed_bytes or 0, found.proof
        agreement = "–" if proof.agreement is None else f"{proof.agreement:.1%}"
        time = "–" if found.latency is None else f"{found.latency.value * 1e3:.2g}"
        gap = f"{proof.relative_difference:.1e}" if proof.relative_difference else "0"
        ratio = found.num_bytes / claimed if claimed else None
        shown = "–" if ratio is None else f"{ratio:.2f}"
        return f"{claimed:,} | {found.num_bytes:,} | {shown} | {gap} | {agreement} | {time}", ratio

    def end(self) -> None:
        """Say what was left out, and how many were neither proved nor refused."""
        for format, why in self.missing.items():
            print(f"{format} was left out: {why}")
        print(f"limits: {self.broken} neither proved nor refused")


def begin(doc: str | None) -> argparse.ArgumentParser:
    """A parser with the option for formats, after PyTorch was told to be quiet and to use one thread."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--formats", nargs="*", default=list(shipping.FORMATS))
    return parser
