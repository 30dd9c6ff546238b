"""A search from the command line, whose models a worker really makes; going on adds nothing that is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("optuna", reason="the extra search is not installed")

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import InvalidValue, NotFound

TASK = Path(__file__).parent.parent / "plans" / "accuracy_task.py"
RECIPE = """
task: accuracy_task:task
base: net
steps:
  - quantize: {bits: [8, 4]}
"""


def run(recipe: Path, *arguments: str) -> dict[str, object]:
    command = ["search", str(recipe), "--project", str(recipe.parent / "net"), "--json", *arguments]
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_search_makes_what_it_may_and_goes_on_where_it_ended(tmp_path: Path) -> None:
    shutil.copy(TASK, tmp_path)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    asked = ["--objective", "Accuracy", "--objective", "Packed Size", "--workers", "1"]
    first = run(recipe, *asked, "--models", "1")
    assert first["candidates"] == 2 and first["stopped"] == "1 models were made"
    rest = run(recipe, *asked, "--budget", "Packed Size=1 MB")
    assert rest["stopped"] == "all models of the recipe are there"
    made = [*first["made"], *rest["made"]]  # type: ignore[misc]
    assert sorted(made) == ["net-quantize-4", "net-quantize-8"]
    with cc.open(tmp_path / "net") as project:
        frontier = set(project.frontier("Packed Size", "Accuracy"))
        assert len(project) == 3
    assert {row["id"] for row in rest["frontier"]} >= frontier - {"net"}  # type: ignore[index,union-attr]

    with pytest.raises(NotFound, match="no metric 'Speed'"):
        run(recipe, "--objective", "Speed")
    with pytest.raises(InvalidValue, match="is not a budget"):
        run(recipe, *asked, "--budget", "small")
