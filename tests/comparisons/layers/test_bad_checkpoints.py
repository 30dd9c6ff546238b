"""Layers of checkpoints that are odd, or no longer what was logged: an answer or a sentence, and never a wait."""

import json
import os

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue, StoreError

save_file = pytest.importorskip("safetensors.numpy").save_file

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
HOSTILE = "../../etc/passwd\u202e<img onerror=alert(1)>"


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def logged(project, folder):
    """A base, and a model of two shards; where the second shard lies in the project."""
    folder.mkdir()
    save_file({"a.w": np.ones((3, 2), np.float32)}, folder / SHARDS[0])
    save_file({"b.w": np.full((2, 2), 2, np.float32)}, folder / SHARDS[1])
    places = {"a.w": SHARDS[0], "b.w": SHARDS[1]}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    project.log_model("base", checkpoint={"a.w": np.ones((3, 2), np.float32), "b.w": np.ones((2, 2), np.float32)})
    project.log_model("model", base="base", operation=cc.Operation("double"), checkpoint=folder)
    digest = next(file.sha256 for file in project.model("model").checkpoint.files if file.name == SHARDS[1])
    return project.path / "objects" / digest[:2] / digest


def other_bytes(path):
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def cut(path):
    path.write_bytes(path.read_bytes()[:-4])


def directory(path):
    path.unlink()
    path.mkdir()


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def loop(path):
    path.unlink()
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        (other_bytes, "artifact.hash_mismatch"),
        (cut, "artifact.hash_mismatch"),
        (os.unlink, "artifact.missing"),
        (directory, "artifact.missing"),
        (pipe, "artifact.missing"),
        (device, "artifact.missing"),
        (loop, "artifact.missing"),
    ],
)
def test_a_shard_that_is_no_longer_what_was_logged(project, tmp_path, harm, code):
    harm(logged(project, tmp_path / "shards"))
    for what in ("sparsity", "weights", "storage"):
        with pytest.raises(StoreError) as caught:
            project.layers("base", ["model"], what)
        assert caught.value.code == code
        assert caught.value.hint.startswith("Log the same again, or look for a copy with: compress-compare doctor")
    with pytest.raises(StoreError):
        project.layers("model", ["base"])


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become somebody who may not read it")
def test_b20_a_shard_that_may_not_be_read(project, tmp_path):
    path = logged(project, tmp_path / "shards")
    other_bytes(path)
    path.chmod(0)
    for folder in (path.parent, path.parent.parent, project.path, tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(InvalidValue) as caught:
            project.layers("base", ["model"])
    finally:
        os.seteuid(0)
    assert caught.value.code == "input.permission"


def test_b15_a_hostile_name_is_a_row_like_any_other(project):
    base = {f"{HOSTILE}.w": np.ones((2, 2), np.float32), "..b": np.ones(2, np.float32), "c.w": np.ones(3, np.float32)}
    project.log_model("base", checkpoint=base)
    project.log_model("model", base="base", checkpoint={name: 2 * array for name, array in base.items()})
    for what in ("sparsity", "weights", "storage"):
        rows = {
            (row["module"], row["parameter"]): row for row in project.layers("base", ["model"], what).table.to_pylist()
        }
        assert rows["", None]["num_parameters"] == 9
        assert rows[HOSTILE, "w"]["num_parameters"] == rows[HOSTILE, None]["num_parameters"] == 4
        assert rows[".", "b"]["num_parameters"] == 2
    assert project.tensor("base", "model", name=f"{HOSTILE}.w").channels["relative_change"].to_pylist() == [1, 1]


def test_b16_empty_tensors_beside_others(project):
    base = {"e.w": np.zeros((0, 7), np.float32), "f.w": np.zeros((3, 0), np.float32), "g.w": np.ones(2, np.float32)}
    project.log_model("base", checkpoint=base)
    for what in ("sparsity", "weights", "storage"):
        rows = {
            (row["module"], row["parameter"]): row for row in project.layers("base", ["base"], what).table.to_pylist()
        }
        assert [rows[module, "w"]["num_parameters"] for module in "efg"] == [0, 0, 2]
        assert rows["", None]["num_parameters"] == 2
    weights = project.layers("base", ["base"]).table.to_pylist()
    assert {row["num_channels"] for row in weights if row["module"] == "f"} == {3}


def test_b18_what_is_not_finite_is_counted_and_blamed(project):
    base = {"a.w": np.ones((2, 3), np.float32), "b.w": np.ones((2, 3), np.float32)}
    model = {"a.w": base["a.w"], "b.w": np.array([[1, np.nan, 1], [1, 1, -np.inf]], np.float32)}
    project.log_model("base", checkpoint=base)
    project.log_model("model", base="base", checkpoint=model)
    found = project.layers("base", ["model"])
    whole = found.table.to_pylist()[0]
    assert (whole["num_nonfinite"], whole["num_parameters"]) == (2, 12)
    (suspect,) = found.suspects.to_pylist()
    assert (suspect["module"], "2 of 6 values are NaN or infinite" in suspect["reason"]) == ("b", True)
