"""One project, three people, on the command line: a typo, two copies, a metric that came later, a folder that cannot be
written, and a build server that asks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import compress_compare as cc
from tests.cli.test_evaluate import RECIPE, TASK

TOOL = (sys.executable, "-c", "from compress_compare.cli import main; main()")


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    (tmp_path / "gained_task.py").write_text(TASK.format(more="", metrics="", data=""))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def ran(desk: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run([*TOOL, *arguments], cwd=desk, capture_output=True, text=True)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout


def listed(desk: Path, *more: str) -> list[str]:
    return [row["id"] for row in json.loads(ran(desk, "ls", "ada", "--json", *more))["models"]]


def test_a_week_of_one_project(desk: Path) -> None:
    ran(desk, "run", "recipe.yaml", "--project", "ada")
    light, heavy = sorted(set(listed(desk)) - {"net"})
    # Ada types a number, and mends it.
    with cc.open(desk / "ada") as project:
        project.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, min=0, max=1)
        project.log_metrics(heavy, {"Top-1 Accuracy": 0.39})
        project.log_metrics(light, {"Top-1 Accuracy": 0.91})
    ran(desk, "correct", "ada", heavy, "Top-1 Accuracy=0.93", "--reason", "a typo")
    assert "corrected: Top-1 Accuracy was 39.0%" in ran(desk, "show", "ada", heavy)
    # Bo worked on a copy; the two come together, and where they differ somebody decides.
    ran(desk, "pack", "ada", "-o", "bo.ccz")
    ran(desk, "unpack", "bo.ccz", "bo")
    (desk / "recipe.yaml").write_text(RECIPE.replace("0.5]", "0.75]"))
    ran(desk, "run", "recipe.yaml", "--project", "bo")
    ran(desk, "correct", "bo", heavy, "Top-1 Accuracy=0.94")
    ran(desk, "merge", "ada", "bo", code=2)
    assert len(listed(desk)) == 3
    ran(desk, "merge", "ada", "bo", "--on-conflict", "ours")
    assert len(listed(desk)) == 4
    # The task measures something more now; models that are there get it, too.
    gained = {
        "more": ', "Packed Size": 4 * int((model.weight != 0).sum())',
        "metrics": ', Metric("Packed Size", unit="B")',
    }
    (desk / "gained_task.py").write_text(TASK.format(**gained, data=""))
    ran(desk, "evaluate", "ada", "--metrics", "Packed Size")
    assert listed(desk, "--where", '"Packed Size" <= 16 B', "--sort", "Packed Size")[1:] == [heavy]
    assert (
        json.loads(ran(desk, "best", "ada", "--by", "Top-1 Accuracy", "--max", "Packed Size=16 B", "--json"))["models"][
            0
        ]["id"]
        == heavy
    )
    # Cy may only read, and asks what the build server asks.
    (desk / "gate.yaml").write_text("rules:\n  - {metric: Packed Size, max: 16 B}\n")
    everything = sorted((desk / "ada").rglob("*"))
    folders = [desk / "ada", *(path for path in everything if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        for model, code in ((heavy, 0), (light, 3)):
            ran(desk, "gate", "ada", model, "--base", "net", "--rules", "gate.yaml", code=code)
        assert "a typo" in ran(desk, "history", "ada")
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert sorted((desk / "ada").rglob("*")) == everything
