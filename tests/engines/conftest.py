"""Work for engines, and projects for supervisors."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import compress_compare as cc
from compress_compare.engines import Limits, LocalEngine, Outcome, Queue, Supervisor, Work
from compress_compare.engines.heartbeats import process_in
from compress_compare.engines.local import PREFIX

from . import slurm_cluster as slurm

HERE = str(Path(__file__).parent)
ROOT = Path(__file__).parent.parent.parent
CLUSTER_S = 900
"""After which what runs in a cluster is given up, on the slowest machine."""
CLUSTER = os.environ.get("RAY_CLUSTER_OF_TESTS")
"""Set where `test_ray` runs the contract once more, inside a network of its own."""


def _spawned(limits):
    return LocalEngine(2, limits, forks=False)


def _forked(limits):
    return LocalEngine(2, limits)


def _ray(limits):
    from compress_compare.engines.ray import RayEngine

    return RayEngine(2, limits, address=CLUSTER)


def _slurm(limits):
    from compress_compare.engines.slurm import SlurmEngine

    return SlurmEngine(2, limits)


ENGINES = {"ray": _ray} if CLUSTER else {"spawned": _spawned, "forked": _forked, "slurm": _slurm}
"""How each engine is made; every one passes the contract."""


def misbehaving(folder: Path, trouble: str) -> Work:
    """Work whose task does something bad before torch is imported."""
    task = {"path": "trouble:task", "options": {"trouble": trouble, "folder": str(folder)}, "folders": [HERE]}
    request = {"kind": "operation", "project": str(folder), "task": task, "model": "m", "base": None}
    return Work(trouble, folder / "job", {**request, "operation": None, "references": {}})


def drive(engine, id: str, seconds: float = 120) -> Outcome:
    """Poll until it has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = engine.poll(id)
        if isinstance(status, Outcome):
            return status
        time.sleep(0.02)
    raise AssertionError(f"{id} has not ended after {seconds} s: {status}")


def worker_of(work: Work) -> str:
    """The identity of the process that does the work."""
    path = work.folder / "heartbeat.json"
    until(path.exists)
    return json.loads(path.read_text())["process"]


def process_of(handle: str) -> str:
    """The identity of the process that a handle of the local engine leads to, once it runs."""
    folder = Path(handle.removeprefix(PREFIX))
    until(lambda: process_in(folder))
    return process_in(folder)


def until(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def isolated(*command, cluster, **environment):
    """Run Python in a network of its own that has a loopback device alone, with a cluster of Ray in it."""
    paths = os.pathsep.join(str(path) for path in (ROOT / "src", ROOT))
    return subprocess.run(
        ["unshare", "--net", sys.executable, str(ROOT / "tests/engines/ray_cluster.py"), str(cluster), *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=CLUSTER_S,
        check=False,
    )


@pytest.fixture(scope="session")
def ray_possible():
    """Skip where there is no Ray, or no network of its own for a cluster, whose daemons listen everywhere."""
    pytest.importorskip("ray", reason="Ray is not installed")
    try:
        tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare here, and Ray's daemons would listen on every interface")
    if tried.returncode:
        pytest.skip(f"no network namespace can be made here ({tried.stderr.strip()})")


@pytest.fixture(scope="session")
def connected():
    """The one connection to the cluster, which engines that find it leave open: what runs there need not start anew."""
    first = _ray(None) if CLUSTER else None
    yield
    if first:
        first.close()


@pytest.fixture(scope="session")
def slurm_cluster():
    """The environment of a SLURM cluster, one for this process of the tests."""
    pytest.importorskip("submitit", reason="submitit is not installed")
    with slurm.cluster() as environment:
        yield environment


@pytest.fixture
def on_slurm(slurm_cluster, monkeypatch):
    """The test runs as on a login node of the cluster."""
    for name, value in slurm_cluster.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=ENGINES)
def make_engine(request, connected):
    """Makes engines of each kind, and ends them."""
    if request.param == "slurm":
        request.getfixturevalue("on_slurm")
    made = []

    def make(limits=None):
        made.append(ENGINES[request.param](limits or Limits(grace=0.5, heartbeat=20)))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


@pytest.fixture
def supervised(project):
    """A queue of the project and a supervisor of it with an engine of two workers."""
    queue = Queue(project.path)
    supervisor = Supervisor(queue, LocalEngine(2, Limits(grace=0.5)))
    yield queue, supervisor
    supervisor.close()
    queue.close()
