"""Adding an operation is one file and one line: shown in a copy of the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = '''"""Halving: every weight becomes half of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from .base import BaseOperation, function, operation
from .types import Context

if TYPE_CHECKING:
    from torch import nn


@operation
class Halve(BaseOperation):
    """Divide every weight by two."""

    name: ClassVar[str] = "halve"
    main: ClassVar[tuple[str, ...]] = ("times",)

    times: Annotated[int, Field(ge=1, le=8)] = 1
    """How often."""

    def apply(self, model: nn.Module, _context: Context, /) -> nn.Module:
        """Divide by 2 to the power of times."""
        for parameter in model.parameters():
            parameter.data.div_(2**self.times)
        return model


halve = function(Halve)
'''
LINE = "from .halve import Halve as Halve, halve as halve\n"
BEFORE = "from .iterative_prune import"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The package, its script and its page of operations with one file and one line more."""
    shutil.copytree(
        ROOT / "src" / "compress_compare",
        tmp_path / "src" / "compress_compare",
        ignore=shutil.ignore_patterns("__pycache__", "static"),
    )
    for name in ("docs", "scripts"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "docs" / "operations.md", tmp_path / "docs")
    shutil.copy(ROOT / "scripts" / "operation-docs", tmp_path / "scripts")
    folder = tmp_path / "src" / "compress_compare" / "operations"
    (folder / "halve.py").write_text(FILE, encoding="utf-8")
    listing = (folder / "__init__.py").read_text(encoding="utf-8")
    assert listing.count(BEFORE) == 1
    (folder / "__init__.py").write_text(listing.replace(BEFORE, LINE + BEFORE), encoding="utf-8")
    return tmp_path


def run(copy: Path, *command: str, code: int = 0) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout + done.stderr


def test_one_file_and_one_line_make_an_operation(copy: Path) -> None:
    script = (
        "import torch\n"
        "from compress_compare import operations, records\n"
        "assert operations.OPERATIONS['halve'] is operations.get('halve') is operations.Halve\n"
        "model = torch.nn.Linear(2, 2)\n"
        "half = operations.halve(model, times=2)\n"
        "assert torch.equal(half.weight, model.weight / 4)\n"
        "assert operations.from_record(records.Operation('halve', times=2)) == operations.Halve(times=2)\n"
        "print(operations.__file__)\n"
    )
    assert run(copy, "-c", script).startswith(str(copy))
    cli = ("-c", "from compress_compare.cli import main; main()")
    listed = json.loads(run(copy, *cli, "operations", "halve", "--json"))["operations"]
    assert [(one["name"], one["summary"]) for one in listed] == [("halve", "Divide every weight by two.")]
    assert "halve" in run(copy, *cli, "operations")
    assert "run scripts/operation-docs" in run(copy, "scripts/operation-docs", "--check", code=1)
    run(copy, "scripts/operation-docs")
    run(copy, "scripts/operation-docs", "--check")
    before = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").splitlines()
    after = (copy / "docs" / "operations.md").read_text(encoding="utf-8").splitlines()
    assert "- `times`, a whole number from 1 to 8; default 1. How often." in after
    assert "## halve" in after and set(before) < set(after)
