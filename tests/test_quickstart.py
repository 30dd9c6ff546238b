"""The quick start, read from top to bottom and done as it is written, in a copy of the source tree.

The environment of the tests stands in for what `make` and pip would load: it is there already when they look.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import venv
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import httpx
import pytest

import compress_compare as cc

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "quickstart.md"
FENCE = re.compile(r"^```(sh|python run)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = ("node_modules", ".*", "runs", "docs", "tests", "benchmarks", "build", "dist", "__pycache__")
SERVES = ("make demo", "compress-compare serve runs/mine")
LIMIT_S = 600
"""A busy machine may take so long; nothing is measured here."""


def steps() -> list[tuple[str, str]]:
    """(language, text) in order: a line of shell each, or snippets of Python that follow one another as one script."""
    found = []
    for language, parts in groupby(FENCE.findall(PAGE.read_text(encoding="utf-8")), key=lambda part: part[0]):
        texts = [text for _, text in parts]
        found += [(language, line) for text in texts for line in text.splitlines()] if language == "sh" else []
        found += [(language, "".join(texts))] if language != "sh" else []
    return found


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The source tree with a `.venv` that is ready: the environment that runs the tests."""
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(*LEFT_OUT))
    page = Path("src", "compress_compare", "server", "static")
    shutil.copytree(ROOT / page, clone / page, dirs_exist_ok=True)
    (clone / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        (clone / ".venv" / part.name).symlink_to(part) if part.name != ".ready" else None
    (clone / ".venv" / ".ready").touch()
    return clone


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """The environment variables of a person in a virtual environment that has the requirements but not the tool."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=False)
    pip = folder / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\nexec {folder / "bin" / "python"} -m pip "$@"\n')
    pip.chmod(0o755)
    inner = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
    Path(inner, "requirements.pth").write_text(sysconfig.get_path("purelib"))
    # Both "0" mean yes: they are the values of what the options without "no" would set.
    pip_quickly = {"PIP_NO_BUILD_ISOLATION": "0", "PIP_NO_COMPILE": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")}
    return {**kept, **pip_quickly, "BROWSER": "true", "PATH": path, "OMP_NUM_THREADS": "1"}


def do(command: list[str], cwd: Path, environment: dict[str, str]) -> tuple[str, str | None]:
    """What was printed until the end, or until an address was; and what stands at that address."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=cwd, env=environment, text=True, start_new_session=True, **pipes)
    clock = threading.Timer(LIMIT_S, end, [process])
    clock.start()
    printed, page = "", None
    try:
        for line in lines(process):
            printed += line
            if found := re.search(r"http://127\.\S+|http://localhost\S+", line):
                page = httpx.get(found.group(), follow_redirects=True).raise_for_status().text
                end(process)
        assert page is not None or process.wait() == 0, f"{command}: exit {process.returncode}\n{printed[-4000:]}"
    finally:
        clock.cancel()
        end(process)
        process.communicate()
    return printed, page


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    yield from process.stdout


def end(process: subprocess.Popen[str]) -> None:
    """End a command and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        return


def test_the_quick_start_works_as_written(clone: Path, shell: dict[str, str]) -> None:
    served, printed = {}, {}
    for language, text in steps():
        command = ["bash", "-ec", text] if language == "sh" else ["python", "-W", "ignore::ResourceWarning", "-c", text]
        printed[text], page = do(command, clone, shell)
        if page is not None:
            served[text.split("#")[0].strip()] = page
    assert tuple(served) == SERVES
    assert all('<div id="app">' in page for page in served.values())
    (script,) = (text for language, text in steps() if language != "sh")
    accuracy, differs, frontier = printed[script].splitlines()
    assert (accuracy, frontier) == ("0.972", "['cnn-p90', 'cnn-p50', 'cnn']")
    assert "name='amount'" in differs
    listed = [line.split()[0] for line in printed["compress-compare ls runs/mine"].splitlines() if line]
    assert [word for word in listed if word.startswith("cnn")] == ["cnn", "cnn-p50", "cnn-p90"]
    assert "amount" in printed["compress-compare compare runs/mine cnn-p50 cnn-p90"]
    installed = shutil.which("compress-compare", path=shell["PATH"])
    assert installed is not None
    assert Path(installed).is_relative_to(clone.parent)
    with cc.open(clone / "runs" / "digits", create=False) as demo:
        assert len(demo) > 40
