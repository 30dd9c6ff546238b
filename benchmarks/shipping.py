"""What every format makes of every kind of model: bytes claimed and shipped, agreement and latency, or a refusal.

Claim: every model of the contract is shipped and proved or refused by name, and a 2-bit DKM ResNet-20 ships in at most
1.15 times its packed size in at least one format.
Run from the repository root: ``python benchmarks/shipping.py``. Formats whose libraries are not installed are left out
and named. Ends with exit code 1 when a limit is missed. The table is that of docs/shipping.md.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import warnings
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

import compress_compare as cc
from compress_compare import shipping
from compress_compare.errors import MissingExtra, UserError
from compress_compare.operations import DKMPalettize
from compress_compare.recipes import Task
from tests.shipping.networks import ResNet20, logged, pairs

MOST = 1.15
"""Shipped bytes over packed bytes of the ResNet-20."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formats", nargs="*", default=list(shipping.FORMATS))
    parser.add_argument("--only", nargs="*", default=[], help="parts of 'network|way'")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    broken = 0
    missing: dict[str, str] = {}
    print("| model | format | claimed B | shipped B | ratio | largest difference | agreement | ms |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, cc.open(Path(folder) / "project") as project:
        place = Path(folder)
        cases = [(name, way) for name, way in pairs() if wanted(f"{name}|{way}", arguments.only)]
        for name, way in cases:
            id, task = logged(project, name, way)
            for format in arguments.formats:
                row, failed = shipped(project, id, task, place=place, format=format, missing=missing)
                broken += failed
                print(f"| {name}, {way} | {format} | {row} |", flush=True)
        small = [] if arguments.only else [resnet20(project, place, format=format) for format in arguments.formats]
    for format, why in missing.items():
        print(f"{format} was left out: {why}")
    ratios = [ratio for ratio in small if ratio is not None]
    met = bool(arguments.only) or min(ratios, default=9.9) <= MOST
    print(f"limits: {broken} not proved; ResNet-20 at most {MOST} in a format: {'kept' if met else 'missed'}")
    return int(bool(broken) or not met)


def shipped(
    project: cc.Project, id: str, task: Task, *, place: Path, format: str, missing: dict[str, str]
) -> tuple[str, bool]:
    target = place / f"{len(list(place.iterdir()))}-{format}"
    try:
        found = project.ship(id, target, format=format, sample=24, task=task)
    except MissingExtra as error:
        missing[format] = error.title
        return "– | – | – | – | – | – (not installed)", False
    except UserError as error:
        return f"– | – | – | – | – | {error.title}", error.code != "ship.cannot_hold"
    claimed, proof = found.claimed_bytes or 0, found.proof
    agreement = "–" if proof.agreement is None else f"{proof.agreement:.1%}"
    time = "–" if found.latency is None else f"{found.latency.value * 1e3:.2g}"
    gap = f"{proof.relative_difference:.1e}" if proof.relative_difference else "0"
    ratio = f"{found.num_bytes / claimed:.2f}" if claimed else "–"
    return f"{claimed:,} | {found.num_bytes:,} | {ratio} | {gap} | {agreement} | {time}", False


def resnet20(project: cc.Project, place: Path, *, format: str) -> float | None:
    name = "ResNet-20, 2-bit DKM"
    torch.manual_seed(0)
    net = ResNet20().eval()
    batches = [(torch.randn(16, 3, 32, 32), torch.randint(0, 10, (16,))) for _ in range(2)]
    task = Task(lambda: net, lambda _: {}, batches=batches)
    if name not in project:
        project.log_model("ResNet-20", checkpoint=net)
        operation = DKMPalettize(bits=2, epochs=1)
        project.log_model(name, base="ResNet-20", operation=operation, checkpoint=operation(net, data=batches))
    row, _ = shipped(project, name, task, place=place, format=format, missing={})
    print(f"| {name} | {format} | {row} |", flush=True)
    cells = row.split(" | ")
    return None if cells[2] == "–" else float(cells[2])


def wanted(name: str, parts: list[str]) -> bool:
    return not parts or any(part in name for part in parts)


if __name__ == "__main__":
    sys.exit(main())
