"""One process of many that use a project at once: run by ``test_many_processes``.

Usage: python crowd.py PROJECT write|read|checkpoint NAME UNTIL [MODELS]. It goes on until the file UNTIL is there, or,
for a writer, has logged its models, and prints what it did as JSON.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from pathlib import Path

import compress_compare as cc
from compress_compare.errors import UserError

STARTED_BY = os.getppid()


def going(until: Path) -> bool:
    """Whether nobody has ended it yet, and whoever started it lives."""
    return not until.exists() and os.getppid() == STARTED_BY


def write(project: cc.Project, name: str, until: Path, models: int) -> dict[str, object]:
    """Log one model after another, each in its own transaction."""
    done, longest, errors = 0, 0.0, []
    while done < models and going(until):
        start = time.monotonic()
        try:
            prune = cc.Operation("prune", writer=name, number=done)
            project.log_model(f"{name}-{done}", base="root", operation=prune, metrics={"Accuracy": done / 1e6})
        except UserError as error:
            errors.append(error.code)
            break
        longest = max(longest, time.monotonic() - start)
        done += 1
    return {"done": done, "longest": longest, "errors": errors}


def read(project: cc.Project, until: Path) -> dict[str, object]:
    """Read the table again and again: it never gets shorter, and each model that is there has its metric."""
    done, before, errors = 0, 0, []
    while going(until):
        table = project.models()
        missing = table["Accuracy"].null_count
        if len(table) < before or missing:
            errors.append(f"{before} models, then {len(table)}, {missing} without a metric")
        before, done = len(table), done + 1
        time.sleep(0.01)
    return {"done": done, "errors": errors}


def checkpoint(path: Path, until: Path) -> dict[str, object]:
    """Make SQLite move its log into the database, as often as it can."""
    done = 0
    connection = sqlite3.connect(path / "compress-compare.db", timeout=10)
    while going(until):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        done += 1
        time.sleep(0.05)
    connection.close()
    return {"done": done, "errors": []}


def main(path: Path, what: str, name: str, until: Path, models: int) -> None:
    """Do it, and print what was done."""
    if what == "checkpoint":
        found = checkpoint(path, until)
    else:
        with cc.open(path) as project:
            found = write(project, name, until, models) if what == "write" else read(project, until)
    sys.stdout.write(json.dumps({"name": name, "what": what} | found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]), int(sys.argv[5]))
