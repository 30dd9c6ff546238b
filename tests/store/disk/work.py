"""A process that changes a project and says after each change what has to be there: run by ``test_power_loss``.

Usage: python work.py ROOT SEED CHANGES
"""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np

import compress_compare as cc

State = dict[str, Any]


def observed(project: cc.Project) -> State:
    """Each model with its metric and the sum of its weights, the notes, and how many examples there are."""
    models: State = {}
    for id in project.models()["id"].to_pylist():
        model = project.model(id)
        weights = project.load_checkpoint(id)["w"]
        models[id] = [model.metrics["Accuracy"][0].value, float(np.asarray(weights).sum(dtype=np.float64)), model.note]
    return {"models": models, "datasets": {one.name: one.num_instances for one in project.datasets()}}


def main(root: Path, seed: int, changes: int) -> None:
    """Make a project below ``root`` and change it."""
    draw, state = random.Random(seed), State(models={}, datasets={})
    said = os.open(root / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    project = cc.open(root / "project")
    project.define_metric("Accuracy", primary=True)

    def log(number: int) -> None:
        weights = np.random.default_rng(number).normal(size=(40, 40 + number)).astype(np.float32)
        base = draw.choice(sorted(state["models"])) if state["models"] else None
        operation = None if base is None else cc.Operation("prune", amount=number)
        id = f"m{number}"
        project.log_model(
            id, base=base, operation=operation, metrics={"Accuracy": number / 100}, checkpoint={"w": weights}
        )
        state["models"][id] = [number / 100, float(weights.sum(dtype=np.float64)), ""]

    def correct(number: int) -> None:
        id = draw.choice(sorted(state["models"]))
        project.correct(id, {"Accuracy": 0.5 + number / 1000}, reason="a typo")
        state["models"][id][0] = 0.5 + number / 1000

    def note(number: int) -> None:
        id = draw.choice(sorted(state["models"]))
        project.set_note(id, f"note {number}")
        state["models"][id][2] = f"note {number}"

    def rename(number: int) -> None:
        id = draw.choice(sorted(state["models"]))
        project.rename(id, f"r{number}")
        state["models"][f"r{number}"] = state["models"].pop(id)

    def data(number: int) -> None:
        project.log_dataset(f"d{number}", ids=[f"{i}" for i in range(number)], labels=list(range(number)))
        state["datasets"][f"d{number}"] = number

    for number in range(1, changes + 1):
        change = log if len(state["models"]) < 3 else draw.choice([log, log, correct, note, rename, data])
        change(number)
        os.write(said, json.dumps(state).encode() + b"\n")
    project.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
