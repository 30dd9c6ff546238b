"""One piece of work on a node of a cluster with the project's folder: ``python -m compress_compare.engines.node``.

It runs the worker as the local engine does, ends it when a file says so, and writes what has become of it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..store import address
from ..store.files import write_atomically
from ..store.location import JOBS
from .base import Limits, Outcome, Work
from .local import LocalEngine

MODULE = __name__
WORK = "node.json"
CANCEL = "cancel"
OUTCOME = "outcome.json"
LOOK_S = 0.1


def prepare(work: Work, limits: Limits) -> None:
    """Write down what a node is to do, where it will find it."""
    work.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (CANCEL, OUTCOME):
        (work.folder / name).unlink(missing_ok=True)
    said = {"id": work.id, "request": dict(work.request), "limits": asdict(limits)}
    write_atomically(work.folder / WORK, json.dumps(said).encode())


def shared(work: Work) -> str | None:
    """The address of the project of a piece of work, without its password, if any machine can reach it there."""
    found = address.of_directory(Path(str(work.request["project"])))
    return None if found is None else found.shown


def moved(work: Work, location: str) -> Work:
    """The same work on this machine, where nothing of the project is but what its database and object store have.

    The password and the keys are those that this machine has.
    """
    directory = address.parsed(location).remember()
    return Work(work.id, directory / JOBS / work.id, {**work.request, "project": str(directory)})


def outcome_in(folder: Path) -> Outcome | None:
    """What has become of the work in a folder, once that is known."""
    try:
        found: Mapping[str, Any] = json.loads((folder / OUTCOME).read_bytes())
    except (OSError, ValueError):
        return None
    return Outcome(**found)


def run(folder: Path) -> Outcome:
    """Do the work in a folder."""
    said = json.loads((folder / WORK).read_bytes())
    engine = LocalEngine(1, Limits(**said["limits"]), forks=False)
    engine.submit(Work(said["id"], folder, said["request"]))
    try:
        while True:
            status = engine.poll(said["id"])
            if isinstance(status, Outcome):
                return status
            if (folder / CANCEL).exists():
                engine.cancel(said["id"])
            time.sleep(LOOK_S)
    finally:
        engine.close()


def main() -> None:
    """Do the work in the folder that the command line names."""
    folder = Path(sys.argv[1])
    write_atomically(folder / OUTCOME, json.dumps(asdict(run(folder))).encode())


if __name__ == "__main__":
    main()
