"""Checks of ``interop`` with Weights & Biases: its offline runs, and its public client before a server of ours."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.interop_tool import tool
from compress_compare import importers
from tests.importers.wandb_answers import Answers, Run, serving

WRITE = """
import json, os, sys
os.environ.update(WANDB_MODE="offline", WANDB_DIR=sys.argv[1], WANDB_SILENT="true", WANDB_ERROR_REPORTING="false")
import wandb
class Used:
    # A client that is offline refuses `use_artifact`; one that is online passes this on, and its log gets the record.
    id, type, metadata = "QXJ0aWZhY3Q6MQ==", "model", {}

for name, base, accuracy in json.loads(sys.argv[2]):
    by_artifact = name in ("net-0", "net-1")
    config = {"operation": "prune", "amount": accuracy, **({} if by_artifact else {"base": base})}
    run = wandb.init(project="nets", name=name, config=config)
    run.log({"accuracy": 0.0, "loss": 1.0})
    run.log({"accuracy": accuracy, "loss": float("inf") if accuracy > 0.4 else float("nan")})
    if name == "net-1":
        run.log({"answers": wandb.Table(columns=["id", "label", "prediction"], data=[[1, 0, 0], [2, 1, 0]])})
    if name == "net-0":
        artifact = wandb.Artifact("weights", type="model")
        with artifact.new_file("w.bin") as file:
            file.write("w")
        run.log_artifact(artifact)
    if name == "net-1":
        Used.name = "weights:v0"
        run._interface.publish_use_artifact(Used())
    run.finish()
"""
ASK = """
import json, sys
from compress_compare import importers
read = importers.load("wandb", sys.argv[1])
print("FOUND" + json.dumps([[m["id"], m["base"], m["metrics"]["accuracy"], str(m["metrics"]["loss"])]
                            for m in read.models]))
"""


def wandb(python: str, folder: Path, runs: list[tuple[str, str | None, float]]) -> None:
    """Runs that the tool logged offline, and runs that its client gets from a server: the last value of each metric."""
    expected = [[name, base, accuracy, "inf" if accuracy > 0.4 else "nan"] for name, base, accuracy in runs]
    (folder / "wandb").mkdir()
    tool(python, WRITE, str(folder), json.dumps(runs))
    read = importers.load(importers.recognize(folder / "wandb").source, folder / "wandb")
    found = [[m["id"], m["base"], m["metrics"]["accuracy"], str(m["metrics"]["loss"])] for m in read.models]
    agree = sum(one in found for one in expected)
    print(f"wandb, offline: {agree} of {len(expected)} runs as it wrote them, {len(read.outputs)} table of answers")
    words = {"inf": "Infinity", "nan": "NaN"}
    served = [
        Run(name, name, {"operation": "prune"}, {"accuracy": accuracy, "loss": words[loss]}, uses=base)
        for name, base, accuracy, loss in expected
    ]
    with serving(Answers(served, page=7)) as address:
        settings = {"WANDB_API_KEY": "0" * 40, "HOME": str(folder)}
        printed = tool(python, ASK, f"{address}/team/digits", **settings)
    found = json.loads(printed.rpartition("FOUND")[2])
    print(f"wandb, its client: {sum(one in found for one in expected)} of {len(expected)} runs as the server has them")
