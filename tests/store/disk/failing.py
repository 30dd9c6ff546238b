"""A process whose disk fails at one call after the other while it logs a model: run by ``test_power_loss``.

Usage: python failing.py ROOT KIND ERRNO FIRST STEP. It prints what became of each of the calls FIRST, FIRST + STEP, …
until one is too late to matter, as JSON lines.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np

import compress_compare as cc
from compress_compare.errors import UserError
from tests.store.disk.work import observed

WEIGHTS = {"w": np.ones((30, 30), np.float32)}


def log(project: cc.Project, id: str) -> str:
    """Log a model; returns "" or the code of the error."""
    try:
        project.log_model(
            id, base="net", operation=cc.Operation("prune"), metrics={"Accuracy": 0.5}, checkpoint=WEIGHTS
        )
    except UserError as error:
        return error.code
    return ""


def attempt(path: Path, kind: str, *, at: int, number: int) -> None:
    """In a child process: the call ``at`` fails; then another model is logged on a disk that works."""
    shim = ctypes.CDLL(None)
    with cc.open(path) as project:
        shim.disk_fail(kind.encode(), at, number)
        code = log(project, "first")
        calls = shim.disk_calls()
        shim.disk_fail(b"", 0, 0)
        later = log(project, "second")
    staged = [str(one.relative_to(path)) for one in (path / "staging").rglob("*")]
    with cc.open(path) as project:
        found = {"models": sorted(observed(project)["models"]), "damage": project.damage()}
    said = {"at": at, "calls": calls, "code": code, "later": later, "staged": staged, **found}
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


def main(root: Path, kind: str, number: int, first: int, step: int) -> None:
    """Let each call fail in a copy of the project and in a process of its own, which share what is imported."""
    with cc.open(root / "made") as project:
        project.define_metric("Accuracy", primary=True)
        project.log_model("net", metrics={"Accuracy": 0.9}, checkpoint={"w": np.zeros((30, 30), np.float32)})
    at, late = first, False
    while not late:
        path = root / f"{kind}-{at}"
        shutil.copytree(root / "made", path)
        reading, writing = os.pipe()
        if not (child := os.fork()):
            os.dup2(writing, 1)
            attempt(path, kind, at=at, number=number)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as said:
            line = said.read()
        os.waitpid(child, 0)
        sys.stdout.write(line or f"{json.dumps({'at': at, 'calls': at, 'code': 'the process died'})}\n")
        sys.stdout.flush()
        late = bool(line) and json.loads(line)["calls"] < at
        at += step
        shutil.rmtree(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *(int(one) for one in sys.argv[3:6]))
