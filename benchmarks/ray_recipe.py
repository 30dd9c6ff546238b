"""The recipe of 60 models on a real Ray cluster of two nodes on loopback, one of which is killed on the way.

Claim: all 60 models are made, with the ids, checkpoints and numbers (but times) of the local engine. Needs Ray, and the
right to make a network namespace: Ray's daemons listen on every interface, so the cluster gets a network of its own.
Run from the repository root: ``python benchmarks/ray_recipe.py [FOLDER]``; the local run is made once per folder. Ends
with exit code 1 when a part of the claim is off.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from recipe import MODELS, RECIPE, content

import compress_compare as cc
from compress_compare.engines import LocalEngine
from compress_compare.engines.run import run_recipe
from compress_compare.recipes import loads

ROOT = Path(__file__).resolve().parent.parent
CLUSTER = ROOT / "tests" / "engines" / "ray_cluster.py"
INSIDE = "--on-the-cluster"
WORKERS, KILLED_AT = 2, 20


def main() -> int:
    if sys.argv[1:2] == [INSIDE]:
        return on_the_cluster(Path(sys.argv[2]))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else temporary).resolve()
        cc.open(folder / "plain").close()
        start = time.perf_counter()
        local = run_recipe(folder / "plain", loads(RECIPE), engine=LocalEngine(WORKERS))
        print(f"local engine: {len(local.made)} models made in {time.perf_counter() - start:.0f} s", flush=True)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
        command = [sys.executable, str(CLUSTER), str(folder), __file__, INSIDE, str(folder)]
        done = subprocess.run(["unshare", "--net", *command], cwd=ROOT, env=environment, check=False)
        same = content(folder / "ray") == content(folder / "plain")
        count = len(content(folder / "ray"))
    print(f"{count} models ({MODELS} wanted), equal to those of the local engine: {'yes' if same else 'no'}")
    return 0 if done.returncode == 0 and same and count == MODELS else 1


def on_the_cluster(folder: Path) -> int:
    """Run it there, and kill the second node when a third is made."""
    from compress_compare.engines.ray import RayEngine

    project = folder / "ray"
    cc.open(project).close()

    def kill() -> None:
        while True:
            with cc.open(project) as opened:
                if len(opened) >= KILLED_AT:
                    break
            time.sleep(0.5)
        os.killpg(int(os.environ["RAY_SECOND_NODE"]), signal.SIGKILL)
        print(f"the second node was killed when {KILLED_AT} models were there", flush=True)

    engine = RayEngine(WORKERS, address=os.environ["RAY_CLUSTER_OF_TESTS"])
    threading.Thread(target=kill, daemon=True).start()
    start = time.perf_counter()
    report = run_recipe(project, loads(RECIPE), engine=engine)
    print(f"Ray: {len(report.made)} models made in {time.perf_counter() - start:.0f} s, {len(report.failed)} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
