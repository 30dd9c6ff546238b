"""Weights in PyTorch files in several parts, as huggingface_hub writes them, are read like the one file they were."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.errors import InvalidValue

torch = pytest.importorskip("torch")
hub = pytest.importorskip("huggingface_hub")
INDEX = "pytorch_model.bin.index.json"


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    torch.manual_seed(0)
    return {f"layers.{place}.weight": torch.randn(32, 16) for place in range(5)} | {"bias": torch.randn(16).bfloat16()}


@pytest.fixture
def folder(tmp_path: Path, weights: dict[str, Any]) -> Path:
    place = tmp_path / "model"
    place.mkdir()
    hub.save_torch_state_dict(weights, place, max_shard_size=5000, safe_serialization=False)
    (place / "config.json").write_text('{"model_type": "tiny"}')
    assert len(list(place.glob("pytorch_model-*-of-*.bin"))) > 2
    return place


def test_they_are_logged_with_what_lies_beside_them(tmp_path: Path, folder: Path, weights: dict[str, Any]) -> None:
    with cc.open(tmp_path / "p") as project:
        project.log_model("m", checkpoint=folder)
        found = project.load_checkpoint("m")
        assert set(found) == set(weights)
        assert all(torch.equal(found[name], tensor) for name, tensor in weights.items())
        project.log_model("one", base="m", checkpoint=weights)
        (row,) = project.layers("m", ["one"], "weights").table.to_pylist()[:1]
        assert row["sqnr_db"] == np.inf
        before = project.history()
        project.log_model("m", checkpoint=folder)
        assert project.history() == before
        with pytest.raises(InvalidValue, match="is converted when it is logged"):
            project.log_model("there", checkpoint=cc.Reference(folder))


def test_they_are_compared_as_files(tmp_path: Path, folder: Path, weights: dict[str, Any]) -> None:
    torch.save({name: 2 * tensor for name, tensor in weights.items()}, tmp_path / "twice.bin")
    done = CliRunner().invoke(cli, ["diff", str(folder), str(tmp_path / "twice.bin"), "--json"], catch_exceptions=False)
    assert done.exit_code in (0, 1), done.output
    rows = json.loads(done.stdout)["models"][0]["rows"]
    assert {row["module"] for row in rows if row["sqnr_db"] is not None} >= {"layers.0", "layers.4"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda folder: next(folder.glob("*-00002-*.bin")).unlink(), "model.shard_missing"),
        (lambda folder: (folder / INDEX).write_text("{"), "model.bad_index"),
        (lambda folder: (folder / INDEX).write_text('{"weight_map": {}}'), "model.bad_index"),
        (lambda folder: (folder / INDEX).write_text('{"weight_map": {"a": "../secret.bin"}}'), "model.bad_index"),
        (lambda folder: (folder / INDEX).write_text('{"weight_map": {"a": 3}}'), "model.bad_index"),
        (lambda folder: next(folder.glob("*-00002-*.bin")).write_bytes(b"no"), None),
        (lambda folder: shutil.copy(next(folder.glob("*-00001-*")), next(folder.glob("*-00002-*"))), None),
    ],
)
def test_what_is_not_whole_is_refused_and_leaves_nothing(
    tmp_path: Path, folder: Path, change: Callable[[Path], object], code: str | None
) -> None:
    change(folder)
    with cc.open(tmp_path / "p") as project:
        with pytest.raises(InvalidValue) as refused:
            project.log_model("m", checkpoint=folder)
        assert refused.value.code == (code or refused.value.code)
        assert "m" not in project and project.garbage().count == 0
