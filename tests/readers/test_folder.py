"""Folders with shards: complete, incomplete, and those that lead elsewhere."""

import json

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.readers import folder

save_file = pytest.importorskip("safetensors.numpy").save_file
ONE, TWO = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.fixture
def model(tmp_path):
    place = tmp_path / "model"
    place.mkdir()
    save_file({"a": np.ones(3, np.float32)}, place / ONE)
    save_file({"b": np.zeros(2, np.float32)}, place / TWO)
    index(place, {"a": ONE, "b": TWO})
    (place / "config.json").write_text("{}")
    return place


def index(place, map_of):
    (place / folder.INDEX).write_text(json.dumps({"metadata": {}, "weight_map": map_of}))


def files(place):
    return {path.name: path for path in place.iterdir()}


def refused(tmp_path, place):
    with cc.open(tmp_path / "project") as project:
        with pytest.raises(InvalidValue) as caught:
            project.log_model("m", checkpoint=place)
        assert len(project) == 0
    return caught.value


def test_shards_are_one_model(tmp_path, model):
    assert sorted(folder.read(files(model)).tensors) == ["a", "b"]
    with cc.open(tmp_path / "project") as project:
        project.log_model("m", checkpoint=model)
        assert sorted(project.load_checkpoint("m")) == ["a", "b"]


def test_b19_a_missing_shard(tmp_path, model):
    (model / TWO).unlink()
    error = refused(tmp_path, model)
    assert (error.code, error.title) == ("model.shard_missing", f"The shard {TWO!r} is missing.")


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/x.safetensors", "..\\x.safetensors", "C:\\x", "a/../b"])
def test_b19_a_shard_elsewhere(tmp_path, model, name):
    index(model, {"a": ONE, "b": name})
    assert refused(tmp_path, model).code == "path.outside_folder"


def test_b19_a_shard_that_is_a_link_out(tmp_path, model):
    (model / TWO).rename(tmp_path / "x.safetensors")
    (model / TWO).symlink_to(tmp_path / "x.safetensors")
    assert refused(tmp_path, model).code == "path.outside_folder"


def test_b19_a_tensor_in_two_shards(tmp_path, model):
    save_file({"a": np.ones(3, np.float32)}, model / TWO)
    assert refused(tmp_path, model).code == "model.duplicate_tensor"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"weight_map": []}', '{"weight_map": {"a": 3}}', "[" * 100_000])
def test_a_broken_index(tmp_path, model, text):
    (model / folder.INDEX).write_text(text)
    assert refused(tmp_path, model).code == "model.bad_index"


def test_a_damaged_shard(tmp_path, model):
    (model / ONE).write_bytes((model / ONE).read_bytes()[:-4])
    assert refused(tmp_path, model).code == "model.truncated"


def test_without_an_index_the_one_file_counts(tmp_path, model):
    (model / folder.INDEX).unlink()
    assert sorted(folder.read(files(model)).tensors) == ["a", "b"]
    save_file({"c": np.ones(1, np.float32)}, model / folder.SINGLE)
    assert sorted(folder.read(files(model)).tensors) == ["c"]


def test_a_folder_without_weights(tmp_path):
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path, tmp_path / "empty").code == "model.not_a_checkpoint"
