"""F18: behind a broken network nothing is lost, nothing is done twice, and what cannot be sent waits and comes later.

``benchmarks/faults.py F18`` does it ten times each.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.remote.project import OfflineWarning
from compress_compare.server.app import Reach
from compress_compare.server.places import public_url
from compress_compare.server.projects import Directory
from tests.server.running import running

from .bad_network import BadNetwork, between

MODELS = 12
WEIGHTS = np.arange(60_000, dtype=np.float32)
Trouble = Callable[[BadNetwork, int], None]


def cut(network: BadNetwork, number: int) -> None:
    network.cut = 3 <= number < 7


def half_open(network: BadNetwork, number: int) -> None:
    network.half_open = number == 4


def resets(network: BadNetwork, number: int) -> None:
    network.reset = 0.05 if number else 0.0


def slow_answers(network: BadNetwork, number: int) -> None:
    network.delay = 0.1 if number < 4 else 0.0


def narrow(network: BadNetwork, number: int) -> None:
    network.rate = 200_000 if number == 2 else 0


TROUBLES: dict[str, Trouble] = {each.__name__: each for each in (cut, half_open, resets, slow_answers, narrow)}


def check_bad_network(folder: Path, trouble: Trouble, *, seed: int = 0, patience: float = 2.0) -> int:
    """Log models while the network is in trouble; returns how many connections were reset."""
    (folder / "runs").mkdir()
    with between(0, seed=seed) as network:
        reach = Reach(public=[public_url(f"http://localhost:{network.port}")])
        with running(Directory(folder / "runs"), static=folder, reach=reach) as server:
            network.target = server.port
            with cc.open(f"http://localhost:{network.port}/p/net", token=server.token) as project:
                project._connection.patience = patience
                project._connection._client.timeout = project._connection._httpx.Timeout(patience)
                project.log_model("root", operation=cc.Operation("train"))
                _log_all(project, network, trouble)
                network.cut, network.half_open, network.reset, network.delay, network.rate = False, False, 0.0, 0.0, 0
                project.sync()
                assert project.sync() == 0
        with cc.open(folder / "runs" / "net") as stored:
            _check(stored)
    return network.resets


def _log_all(project: cc.Project, network: BadNetwork, trouble: Trouble) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OfflineWarning)
        for number in range(MODELS):
            trouble(network, number)
            prune = cc.Operation("prune", number=number)
            weights = {"w": WEIGHTS + np.float32(number)}
            project.log_model(
                f"m{number}", base="root", operation=prune, metrics={"Loss": number / 10}, checkpoint=weights
            )
            project.set_note(f"m{number}", f"note {number}")


def _check(stored: cc.Project) -> None:
    """Each model once and in order, with its number, its weights, and its note written once."""
    ids = [f"m{number}" for number in range(MODELS)]
    assert stored.models()["id"].to_pylist() == ["root", *ids]
    assert stored.models()["Loss"].to_pylist() == [None, *(number / 10 for number in range(MODELS))]
    notes = [change.new["note"] for change in stored.history()]
    assert notes == [f"note {number}" for number in reversed(range(MODELS))]
    for number, id in enumerate(ids):
        assert np.array_equal(np.asarray(stored.load_checkpoint(id)["w"]), WEIGHTS + np.float32(number))
    assert stored.damage() == []


@pytest.mark.parametrize("trouble", TROUBLES)
def test_f18_every_point_comes_exactly_once(tmp_path: Path, trouble: str) -> None:
    made = check_bad_network(tmp_path, TROUBLES[trouble])
    assert made > 0 or trouble != "resets"
