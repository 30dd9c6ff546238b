"""What every format makes of every kind of model: bytes claimed and shipped, agreement and latency, or a refusal.

Claim: every model of the contract is shipped and proved or refused by name, and a 2-bit DKM ResNet-20 ships in at most
1.15 times its packed size in at least one format.
Run from the repository root: ``python benchmarks/shipping.py``. Formats whose libraries are not installed are left out
and named. Ends with exit code 1 when a limit is missed. The table is that of docs/shipping.md.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from shipping_table import Table, begin

import compress_compare as cc
from compress_compare.operations import DKMPalettize
from compress_compare.recipes import Task
from tests.shipping.networks import ResNet20, logged, pairs

MOST = 1.15
"""Shipped bytes over packed bytes of the ResNet-20."""


def main() -> int:
    parser = begin(__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="parts of 'network|way', or 'large' for the ResNet-20")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, cc.open(Path(folder) / "project") as project:
        table, ratios = Table(Path(folder), given.formats, sample=24), list[float]()
        for name, way in pairs():
            if wanted(f"{name}|{way}", given.only):
                id, task = logged(project, name, way)
                table.rows(project, id, task, label=f"{name}, {way}")
        large = wanted("large", given.only)
        if large:
            ratios = resnet20(project, table)
    table.end()
    met = not large or min(ratios, default=9.9) <= MOST
    print(f"limits: ResNet-20 at most {MOST} in a format: {'kept' if met else 'missed'}")
    return int(bool(table.broken) or not met)


def resnet20(project: cc.Project, table: Table) -> list[float]:
    name = "ResNet-20, 2-bit DKM"
    torch.manual_seed(0)
    net = ResNet20().eval()
    batches = [(torch.randn(16, 3, 32, 32), torch.randint(0, 10, (16,))) for _ in range(2)]
    task = Task(lambda: net, lambda _: {}, batches=batches)
    project.log_model("ResNet-20", checkpoint=net)
    operation = DKMPalettize(bits=2, epochs=1)
    project.log_model(name, base="ResNet-20", operation=operation, checkpoint=operation(net, data=batches))
    return table.rows(project, name, task, label=name)


def wanted(name: str, parts: list[str]) -> bool:
    return not parts or any(part in name for part in parts)


if __name__ == "__main__":
    sys.exit(main())
