"""A recipe of eight steps on the cluster, one of whose nodes is killed on the way, and the same one on this machine."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import compress_compare as cc
from compress_compare.engines.local import LocalEngine
from compress_compare.engines.ray import RayEngine
from compress_compare.engines.run import run_recipe
from compress_compare.recipes import loads

HERE = Path(__file__).resolve().parent
RECIPE = """
task: line_task:task
options: {seconds: 1.0}
base: net
steps:
  - magnitude prune: {amount: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]}
"""


def metrics(folder):
    with cc.open(folder) as project:
        return {row["id"]: row["Zeros"] for row in project.models().to_pylist()}


def main():
    folder = Path(sys.argv[1])
    recipe = loads(RECIPE, folders=(str(HERE),))

    def kill():
        while not (folder / "ray").exists() or len(metrics(folder / "ray")) < 2:
            time.sleep(0.2)
        os.killpg(int(os.environ["RAY_SECOND_NODE"]), signal.SIGKILL)

    for name in ("local", "ray"):
        cc.open(folder / name).close()
    threading.Thread(target=kill, daemon=True).start()
    report = run_recipe(folder / "ray", recipe, engine=RayEngine(4, address=os.environ["RAY_CLUSTER_OF_TESTS"]))
    assert not report.failed, report.failed
    run_recipe(folder / "local", recipe, engine=LocalEngine(2))
    assert metrics(folder / "ray") == metrics(folder / "local")
    sys.stdout.write(f"{len(metrics(folder / 'ray'))} models, equal to those of the local engine\n")


if __name__ == "__main__":
    main()
