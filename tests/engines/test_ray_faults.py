"""What befalls a Ray cluster is said, and nothing is lost; each fault in a cluster of its own."""

from pathlib import Path

import pytest

from .conftest import isolated

FAULTS = {
    "head": ({}, " here"),
    "full": ({"RAY_local_fs_capacity_threshold": "0.0001"}, "and 2 models made beside them"),
    "memory": (
        {"RAY_memory_usage_threshold": "0.01", "RAY_memory_monitor_refresh_ms": "100"},
        "out_of_memory, and 2 models made here",
    ),
}
pytestmark = pytest.mark.usefixtures("ray_possible")


@pytest.mark.parametrize("fault", FAULTS)
def test_f19_a_fault_of_the_cluster_is_said_and_nothing_is_lost(tmp_path, fault):
    environment, end = FAULTS[fault]
    script = Path(__file__).parent / "ray_faults.py"
    done = isolated(str(script), fault, str(tmp_path), cluster=tmp_path, **environment)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].endswith(end)
