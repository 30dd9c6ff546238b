"""The package of docs/extending.md, built and installed as a user would, and used wherever an operation can be."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from compress_compare.operations import BaseOperation

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "extending.md"
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
TOOL = ("-c", "from compress_compare.cli import main; main()")
RECIPE = """
task: line_task:task
base: net
steps:
  - threshold prune: {deviations: [0.5, 1.0]}
"""
FORM = """
import sys
import compress_compare as cc
from tests.server.running import running
with cc.open(sys.argv[1]) as project, running(project) as server, server.client(headers=server.bearer) as client:
    forms = client.get("/api/v1/operations").json()["operations"]
(form,) = [form for form in forms if form["name"] == "threshold prune"]
assert (form["data"], form["roles"], form["main"]) == ("none", [], ["deviations"])
assert form["lowers"] == "non-zero weights"
assert form["description"].startswith("Set the weights to zero that are smaller than")
schema = form["parameters"]["properties"]["deviations"]
assert (schema["minimum"], schema["maximum"], schema["default"]) == (0, 10, 0.5)
assert schema["description"] == "Weights of smaller magnitude than this number of standard deviations become zero."
"""
COVERAGE = """
import sys
import compress_compare as cc
with cc.open(sys.argv[1]) as project:
    table = project.coverage("net", "net-threshold-prune-0.5")
    before, after = (project.load_checkpoint(id) for id in ("net", "net-threshold-prune-0.5"))
rows = {row["tensor"]: (row["status"], row["expected"]) for row in table.to_pylist()}
assert rows == {
    "0.weight": ("changed", True), "0.bias": ("unchanged", False),
    "2.weight": ("changed", True), "2.bias": ("unchanged", False),
}, rows
for name in ("0.weight", "2.weight"):
    small = abs(before[name]) < 0.5 * before[name].numpy().std(ddof=1)
    assert (after[name][small] == 0).all() and (after[name][~small] == before[name][~small]).all()
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with that of the documentation in it."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    files = FILE.findall(PAGE.read_text(encoding="utf-8"))
    assert [name for name, _ in files] == ["pyproject.toml", "threshold_prune.py"]
    for name, content in files:
        (source / name).write_text(content, encoding="utf-8")
    flags = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--target", str(site))
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, str(source)], check=True)
    return site


def run(site: Path, *arguments: str, cwd: Path = ROOT, code: int = 0) -> str:
    paths = [str(site), str(ROOT / "src"), str(ROOT)]
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def test_every_field_of_the_base_class_is_explained() -> None:
    fields = [name for name, kind in vars(BaseOperation)["__annotations__"].items() if "ClassVar" in str(kind)]
    assert {"name", "main", "data_requirement", "roles", "lowers", "keeps_shapes"} <= set(fields)
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    for name in fields:
        assert name in rows, f"docs/extending.md does not explain {name}"
        if hasattr(BaseOperation, name):
            default = getattr(BaseOperation, name)
            assert rows[name] == (f'`"{default}"`' if isinstance(default, str) else f"`{default}`")


def test_the_command_line_lists_and_explains_it(site: Path) -> None:
    listed = json.loads(run(site, *TOOL, "operations", "--json"))["operations"]
    assert [(one["package"], one["main"]) for one in listed if one["name"] == "threshold prune"] == [
        ("threshold-prune 0.3.0", ["deviations"])
    ]
    told = run(site, *TOOL, "operations", "threshold_prune")
    assert "It comes with threshold-prune 0.3.0." in told
    assert "deviations: a number from 0 to 10; default 0.5" in told


def test_a_recipe_runs_it_and_coverage_knows_it(site: Path, tmp_path: Path) -> None:
    for name in ("line_task.py", "trouble.py"):
        (tmp_path / name).symlink_to(ROOT / "tests" / "engines" / name)
    (tmp_path / "line.yaml").write_text(RECIPE, encoding="utf-8")
    done = json.loads(run(site, *TOOL, "run", "line.yaml", "--project", "p", "--json", cwd=tmp_path))
    assert done["made"] == ["net", "net-threshold-prune-0.5", "net-threshold-prune-1"]
    run(site, "-c", COVERAGE, str(tmp_path / "p"))
    run(site, "-c", FORM, str(tmp_path / "p"))
    (tmp_path / "line.yaml").write_text(RECIPE.replace("1.0", "11"), encoding="utf-8")
    told = run(site, *TOOL, "run", "line.yaml", "--project", "p", cwd=tmp_path, code=2)
    assert "Line 5, steps[0].threshold prune.deviations" in told and "from 0 to 10" in told


def test_it_keeps_the_contract_of_all_operations(site: Path) -> None:
    contract = "tests/operations/test_contract.py"
    told = run(site, "-m", "pytest", contract, "-k", "threshold and prune", "-q", "-p", "no:cacheprovider")
    assert "." in told and "F" not in told


def test_without_the_package_there_is_no_such_operation() -> None:
    done = subprocess.run(
        [sys.executable, *TOOL, "operations", "threshold prune"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "operation.unknown" in done.stderr
