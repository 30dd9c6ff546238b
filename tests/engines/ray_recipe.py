"""A recipe of five steps on the cluster, one of whose nodes is killed on the way, and the same one on this machine."""

import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil

import compress_compare as cc
from compress_compare.engines.local import LocalEngine
from compress_compare.engines.ray import RayEngine
from compress_compare.engines.run import run_recipe
from compress_compare.recipes import loads

HERE = Path(__file__).resolve().parent
SECOND_NODE = int(os.environ["RAY_SECOND_NODE"])
RECIPE = """
task: line_task:task
options: {seconds: 1.0}
base: net
steps:
  - magnitude prune: {amount: [0.2, 0.4, 0.6, 0.8]}
"""


def metrics(folder):
    with cc.open(folder) as project:
        return {row["id"]: row["Zeros"] for row in project.models().to_pylist()}


def runs_on_second_node(project):
    """Whether a worker of a step descends from what was started as the second node."""
    for path in project.glob("jobs/*/heartbeat.json"):
        with suppress(OSError, ValueError, psutil.Error):
            worker = psutil.Process(int(json.loads(path.read_bytes())["process"].split(":")[0]))
            if SECOND_NODE in {process.pid for process in worker.parents()}:
                return True
    return False


def main():
    folder = Path(sys.argv[1])
    recipe = loads(RECIPE, folders=(str(HERE),))

    killed = []

    def kill():
        while not metrics(folder / "ray") or not runs_on_second_node(folder / "ray"):
            time.sleep(0.1)
        os.killpg(SECOND_NODE, signal.SIGKILL)
        killed.append(SECOND_NODE)

    for name in ("local", "ray"):
        cc.open(folder / name).close()
    threading.Thread(target=kill, daemon=True).start()
    report = run_recipe(folder / "ray", recipe, engine=RayEngine(4, address=os.environ["RAY_CLUSTER_OF_TESTS"]))
    assert killed and not report.failed, report.failed
    run_recipe(folder / "local", recipe, engine=LocalEngine(2))
    assert metrics(folder / "ray") == metrics(folder / "local")
    sys.stdout.write(f"{len(metrics(folder / 'ray'))} models, equal to those of the local engine\n")


if __name__ == "__main__":
    main()
