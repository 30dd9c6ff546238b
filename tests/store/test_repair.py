"""Damaged files: what is logged again is there again, and copies at hand are used."""

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import Conflict, NotFound, StoreError

from . import stored

pytestmark = pytest.mark.usefixtures("each_backend")
WEIGHTS = {"w": np.arange(5_000, dtype="f4")}


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        opened.log_model("m", checkpoint=WEIGHTS)
        yield opened


@pytest.mark.parametrize("id", ["m", "another"])
def test_weights_that_were_damaged_are_there_again_after_logging_them_again(project, id):
    stored.change(project, *stored.contents(project))
    with pytest.raises(StoreError, match="has changed"):
        project.load_checkpoint("m")
    project.log_model(id, checkpoint=WEIGHTS)
    for one in ("m", id):
        assert np.array_equal(np.asarray(project.load_checkpoint(one)["w"]), WEIGHTS["w"])
    assert project.damage() == []


def test_damaged_data_and_outputs_are_there_again_after_logging_them_again(project):
    def log():
        project.log_dataset("d", ids=[1, 2], labels=["a", "b"])
        project.log_outputs("m", "d", ids=[1, 2], predictions=["a", "a"])

    log()
    for digest in stored.contents(project):
        stored.replace(project, digest, b"")
    assert len(project.damage()) == 3
    log()
    project.log_model("m", checkpoint=WEIGHTS)
    assert project.damage() == []


def test_copies_put_damaged_files_right(project, tmp_path):
    ((digest, content),) = stored.contents(project).items()
    (tmp_path / "backup" / "deep").mkdir(parents=True)
    (tmp_path / "backup" / "deep" / "weights").write_bytes(content)
    stored.change(project, digest)
    assert project.repair() == []
    assert project.repair([tmp_path / "backup"]) == ["model.safetensors of m"]
    assert project.damage() == []
    assert project.repair([tmp_path / "backup"]) == []


def counting(project, backend):
    """What is stored, but for what the next look for garbage removes: it was sent to a bucket before its row."""
    if backend == "server":
        project.purge()
    return stored.contents(project)


def test_a_refused_model_leaves_nothing_that_counts(project, each_backend):
    before = stored.contents(project)
    with pytest.raises(NotFound):
        project.log_model("x", base="nope", operation=cc.Operation("o"), checkpoint={"w": np.ones(3, "f4")})
    with pytest.raises(Conflict):
        project.log_model("m", checkpoint={"w": np.ones(4, "f4")})
    with pytest.raises(NotFound):
        project.log_models(
            [{"id": "y", "checkpoint": {"w": np.ones(5, "f4")}}, {"id": "z", "references": {"teacher": "nope"}}]
        )
    assert counting(project, each_backend) == before
    assert list((project.path / "staging").iterdir()) == []


def test_a_batch_that_fails_leaves_nothing_that_counts(project, each_backend):
    before = stored.contents(project)
    with pytest.raises(RuntimeError, match="stop"), project.batch():
        project.log_model("x", checkpoint={"w": np.ones(3, "f4")})
        raise RuntimeError("stop")
    assert counting(project, each_backend) == before
    assert "x" not in project


def test_what_is_refused_inside_a_batch_leaves_the_rest_of_it(project, each_backend):
    with project.batch():
        project.log_model("x", checkpoint={"w": np.ones(3, "f4")})
        with pytest.raises(NotFound):
            project.log_model("y", checkpoint={"w": np.ones(4, "f4")}, references={"teacher": "nope"})
        project.log_model("z", checkpoint={"w": np.ones(5, "f4")})
    assert [id in project for id in ("x", "y", "z")] == [True, False, True]
    assert len(counting(project, each_backend)) == 3
    assert project.damage() == []


def table(project):
    """The name and the content of the only table."""
    ((digest, content),) = ((name, one) for name, one in stored.contents(project).items() if one[:4] == b"PAR1")
    return digest, bytearray(content)


@pytest.mark.parametrize("place", [0.1, 0.5, 0.99999])
def test_a_damaged_table_is_told_by_its_hash(project, place):
    ids = np.arange(3_000)
    project.log_dataset("d", ids=ids, labels=ids % 7, texts=[f"text {i}" for i in ids])
    digest, content = table(project)
    content[int(place * len(content))] ^= 255
    stored.replace(project, digest, bytes(content))
    with pytest.raises(StoreError) as caught:
        project.instances("d")
    assert caught.value.code == "artifact.hash_mismatch"


def test_a_table_that_is_cut_is_told_by_its_hash(project):
    project.log_dataset("d", ids=[1, 2, 3])
    digest, content = table(project)
    for length in (0, 3, 100):
        stored.replace(project, digest, bytes(content[:length]))
        with pytest.raises(StoreError) as caught:
            project.instances("d")
        assert caught.value.code == "artifact.hash_mismatch"


def test_without_the_comparison_of_hashes_other_weights_are_believed(project, monkeypatch):
    stored.change(project, *stored.contents(project))
    with pytest.raises(StoreError, match="changed"):
        project.load_checkpoint("m")
    for module in ("directory", "cache"):
        monkeypatch.setattr(f"compress_compare.store.{module}.compare", lambda digest, actual: None)
    assert not np.array_equal(np.asarray(project.load_checkpoint("m")["w"]), WEIGHTS["w"])
