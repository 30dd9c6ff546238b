"""The engine on a real Ray cluster of two nodes, in a network namespace of its own: its daemons listen everywhere."""

from pathlib import Path

import pytest

from .conftest import isolated

HERE = Path(__file__).parent
pytestmark = pytest.mark.usefixtures("ray_possible")


def test_every_engine_s_contract_holds_on_ray_and_another_version_is_refused(tmp_path):
    """In one cluster. The version comes first: it takes a process that is not connected yet."""
    files = ("tests/engines/ray_version.py", "tests/engines/test_contract.py")
    done = isolated("-m", "pytest", "-q", "-x", *files, cluster=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " skipped" not in done.stdout


def test_a_recipe_goes_on_when_a_node_is_killed(tmp_path):
    done = isolated(str(HERE / "ray_recipe.py"), str(tmp_path), cluster=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == "5 models, equal to those of the local engine"
