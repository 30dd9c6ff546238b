"""The wheel in an empty environment, without PyTorch and with Node out of reach: import, list, compare, serve, look."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.serving import serving
from tests.e2e.walking import model_map
from tests.e2e.watching import Watched
from tests.packaging.conftest import ROOT, run

EXPERIMENTS = {
    "metrics": [{"name": "Accuracy", "min": 0.0, "max": 1.0, "primary": True, "format": ".1%"}],
    "operations": [{"name": "train", "parameters": ["epochs"]}, {"name": "magnitude prune", "parameters": ["amount"]}],
    "models": [
        {
            "id": "cnn",
            "base": None,
            "operation": {"name": "train", "parameters": {"epochs": 3}},
            "tag": "",
            "metrics": {"Accuracy": 0.981},
        },
        *(
            {
                "id": f"cnn-p{percent}",
                "base": "cnn",
                "operation": {"name": "magnitude prune", "parameters": {"amount": percent / 100}},
                "tag": "",
                "metrics": {"Accuracy": 0.98 - percent / 1000},
            }
            for percent in (50, 75, 90)
        ),
    ],
}


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a virtual environment that holds the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    constraints = ROOT / "requirements" / "constraints.txt"
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-compile", "--constraint", constraints, wheel)
    return folder / "bin"


@pytest.fixture(scope="session")
def project(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    (folder / "experiments.json").write_text(json.dumps(EXPERIMENTS))
    tool(environment, "import", "compress-and-compare", folder / "experiments.json", folder / "project")
    return folder / "project"


def tool(environment: Path, *arguments: object) -> str:
    return run(environment / "compress-compare", *arguments, cwd=environment, PATH=str(environment), PYTHONPATH="")


def test_neither_torch_nor_node_are_there(environment: Path) -> None:
    found = "import importlib.util, shutil; print(importlib.util.find_spec('torch'), shutil.which('node'))"
    assert run(environment / "python", "-c", found, PATH=str(environment), PYTHONPATH="").split() == ["None", "None"]


def test_help_names_every_command(environment: Path) -> None:
    text = tool(environment, "--help")
    for command in ("demo", "serve", "ls", "show", "compare", "import"):
        assert f"  {command} " in text


def test_reading_commands(environment: Path, project: Path) -> None:
    listed = json.loads(tool(environment, "ls", project, "--json"))
    assert [model["id"] for model in listed["models"]] == ["cnn", "cnn-p50", "cnn-p75", "cnn-p90"]
    shown = json.loads(tool(environment, "show", project, "cnn-p75", "--json"))
    assert shown["parameters"] == {"amount": 0.75}
    compared = json.loads(tool(environment, "compare", project, "cnn-p50", "cnn-p75", "cnn-p90", "--json"))
    assert compared["rows"] == {"cnn-p50": [0.5], "cnn-p75": [0.75], "cnn-p90": [0.9]}


def test_what_needs_torch_says_so(environment: Path) -> None:
    done = subprocess.run(
        [environment / "compress-compare", "demo", "digits", "--no-serve"],
        capture_output=True,
        text=True,
        cwd=environment,
    )
    assert done.returncode == 2
    assert "compress-compare[" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_page_opens(environment: Path, project: Path, browser: Browser) -> None:
    with serving([str(environment / "compress-compare")], project, PATH=str(environment), PYTHONPATH="") as address:
        page = browser.new_page()
        watched = Watched(page)
        page.goto(address)
        model_map(page).press("Home")
        expect(page.get_by_role("treeitem")).to_contain_text("cnn")
        assert watched.problems == []
        page.close()
