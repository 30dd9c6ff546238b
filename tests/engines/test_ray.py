"""The engine on a real Ray cluster of two nodes, in a network namespace of its own: its daemons listen everywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SECONDS = 900


def isolated(*command, cluster, **environment):
    """Run Python in a network of its own that has a loopback device alone, with a cluster in it."""
    paths = os.pathsep.join(str(path) for path in (ROOT / "src", ROOT))
    return subprocess.run(
        ["unshare", "--net", sys.executable, str(HERE / "ray_cluster.py"), str(cluster), *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.fixture(scope="module", autouse=True)
def possible():
    pytest.importorskip("ray", reason="Ray is not installed")
    try:
        tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare here, and Ray's daemons would listen on every interface")
    if tried.returncode:
        pytest.skip(f"no network namespace can be made here ({tried.stderr.strip()})")


def test_every_engine_s_contract_holds_on_ray(tmp_path):
    done = isolated("-m", "pytest", "-q", "-x", "tests/engines/test_contract.py", cluster=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " skipped" not in done.stdout


def test_a_recipe_goes_on_when_a_node_is_killed(tmp_path):
    done = isolated(str(HERE / "ray_recipe.py"), str(tmp_path), cluster=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "8 models, equal to those of the local engine"


FAULTS = {
    "head": ({}, " here"),
    "full": ({"RAY_local_fs_capacity_threshold": "0.0001"}, "and 4 models made beside them"),
    "version": ({}, "refused with both versions named, and joined with the right one"),
    "memory": (
        {"RAY_memory_usage_threshold": "0.01", "RAY_memory_monitor_refresh_ms": "100"},
        "out_of_memory, and 4 models made here",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_f19_a_fault_of_the_cluster_is_said_and_nothing_is_lost(tmp_path, fault):
    environment, end = FAULTS[fault]
    done = isolated(str(HERE / "ray_faults.py"), fault, str(tmp_path), cluster=tmp_path, **environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].endswith(end)
