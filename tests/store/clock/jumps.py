"""A process whose clock jumps while it uses a project: run by ``test_clocks``.

Usage: python jumps.py FOLDER BEFORE AFTER, in seconds that the clock is off before and after the jump. Prints what it
found as JSON.
"""

from __future__ import annotations

import ctypes
import datetime
import json
import sys
import time
from pathlib import Path

import numpy as np

import compress_compare as cc
from compress_compare.errors import StoreError
from compress_compare.server.lock import claimed
from compress_compare.server.tokens import Tokens
from compress_compare.store import jobs


def main(folder: Path, before: int, after: int) -> None:
    """Log on both sides of the jump, with a job, a lock and a token across it."""
    shim = ctypes.CDLL(None)
    shim.clock_shift.argtypes = [ctypes.c_long]
    shim.clock_shift(before)
    year = datetime.datetime.now(datetime.UTC).year
    project = cc.open(folder / "project")
    project.define_metric("Accuracy", primary=True)
    tokens = Tokens(folder / "settings")
    token = tokens.create("lasting", "log")
    start = time.monotonic()
    with claimed(folder / "project"):
        for number in range(4):
            if number == 2:
                with project._database.write() as connection:
                    draft = jobs.Draft(kind="recipe", title="A recipe", request={})
                    (job,) = jobs.create(connection, [draft], owner="1:1.0")
                    jobs.update(connection, job, state="running")
                shim.clock_shift(after)
            weights = {"w": np.full(9, number, np.float32)}
            project.log_model(f"m{number}", metrics={"Accuracy": number / 10}, checkpoint=weights)
            project.set_note(f"m{number}", f"note {number}")
        with project._database.write() as connection:
            done = jobs.update(connection, job, state="failed")
        try:
            with claimed(folder / "project"):
                held = False
        except StoreError as error:
            held = error.code == "server.running"
    found = {
        "year": year,
        "passed": time.monotonic() - start,
        "models": project.models()["id"].to_pylist(),
        "history": [one.new["note"] for one in project.history()],
        "started": done.started_at,
        "finished": done.finished_at,
        "held": held,
        "token": tokens.find(token).name,
        "damage": project.damage(),
        "weights": [float(project.load_checkpoint(f"m{i}")["w"][0]) for i in range(4)],
    }
    project.close()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
