"""F13: many processes write and read one project while its log is moved into the database: nobody is refused, and all
that was acknowledged is there. ``benchmarks/faults.py F13`` does it with 32 writers and 20 readers for ten minutes."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import compress_compare as cc

ROOT = Path(__file__).parent.parent.parent
NO_END = 1_000_000
MARGIN_S = 120


@dataclass(frozen=True)
class Crowd:
    """How many there are of each kind, and when it ends.

    Args:
        writers: processes that log models.
        readers: processes that read the table of models.
        models: of each writer; 0 for no end but the time.
        seconds: after which all end.
    """

    writers: int
    readers: int
    models: int = 0
    seconds: float = 300


def check_crowd(folder: Path, crowd: Crowd) -> tuple[int, float]:
    """Let them loose on a new project. Returns the number of models, and the longest wait of a writer in seconds."""
    path, until = folder / "project", folder / "until"
    with cc.open(path) as project:
        project.define_metric("Accuracy", primary=True)
        project.log_model("root", metrics={"Accuracy": 0.5})
    kinds = ["write"] * crowd.writers + ["read"] * crowd.readers + ["checkpoint"]
    arguments = [(kind, f"{kind}{i}", str(until), str(crowd.models or NO_END)) for i, kind in enumerate(kinds)]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.store.crowd", str(path), *each], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for each in arguments
    ]
    writers = started[: crowd.writers]
    with suppress(subprocess.TimeoutExpired):
        for one in writers:
            one.wait(crowd.seconds if crowd.models or one is writers[0] else 0)
    until.touch()
    said = [json.loads(one.communicate(timeout=MARGIN_S)[0]) for one in started]
    assert [one for one in said if one["errors"]] == []
    assert all(one["done"] for one in said), said
    with cc.open(path) as project:
        ids = set(project.models()["id"].to_pylist())
        assert project.damage() == []
    sent = {f"{one['name']}-{i}" for one in said if one["what"] == "write" for i in range(one["done"])}
    assert ids == sent | {"root"}
    return len(sent), max(one["longest"] for one in said if one["what"] == "write")


def test_f13_writers_readers_and_checkpoints_at_once(tmp_path: Path) -> None:
    logged, _ = check_crowd(tmp_path, Crowd(writers=3, readers=2, models=25))
    assert logged == 75
