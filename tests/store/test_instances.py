"""Evaluation data and outputs, joined by id."""

import io

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

import compress_compare as cc
from compress_compare.errors import Conflict, InvalidValue, NotFound

pytestmark = pytest.mark.usefixtures("each_backend")

IDS = [3, 1, 2]


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        opened.log_model("m")
        yield opened


def log(project, name="d", **changes):
    given = {"ids": IDS, "labels": [0, 1, 0], "images": np.zeros((3, 8, 8), np.uint8)} | changes
    return project.log_dataset(name, **given)


def test_a_dataset_comes_back_as_logged(project):
    images = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    dataset = log(project, images=images, metadata=pd.DataFrame({"ink": [0.1, 0.2, 0.3], "writer": ["a", "b", "a"]}))
    assert (dataset.num_instances, dataset.columns) == (3, ("id", "label", "image", "ink", "writer"))
    found = project.instances("d").to_pylist()
    assert [row["id"] for row in found] == IDS
    assert [row["writer"] for row in found] == ["a", "b", "a"]
    for row, image in zip(found, images, strict=True):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(row["image"]))), image)


def test_the_fingerprint_ignores_order_and_metadata_but_not_content(project):
    same = log(project, "a").fingerprint
    assert log(project, "b", ids=[1, 2, 3], labels=[1, 0, 0]).fingerprint == same
    assert log(project, "c", metadata={"ink": [1, 2, 3]}).fingerprint == same
    others = [
        log(project, "d", labels=[0, 1, 1]),
        log(project, "e", ids=[3, 1, 4]),
        log(project, "f", images=np.ones((3, 8, 8), np.uint8)),
        log(project, "g", ids=["3", "1", "2"]),
    ]
    assert len({same, *(other.fingerprint for other in others)}) == 5


@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 8, 1), (3, 1, 8, 8), (3, 8, 8, 3), (3, 3, 8, 8), (3, 8, 8, 4)])
def test_images_may_have_any_usual_shape(project, shape):
    log(project, images=np.random.default_rng(0).random(shape))
    assert Image.open(io.BytesIO(project.instances("d")["image"][0].as_py())).size == (8, 8)


def test_outputs_may_come_in_any_order_and_be_a_subset(project):
    log(project)
    probabilities = np.array([[0.25, 0.75], [1.0, 0.0]])
    project.log_outputs("m", "d", ids=[2, 3], predictions=[1, 0], vectors={"probabilities": probabilities})
    assert project.outputs("m", "d").to_pylist() == [
        {"id": 2, "prediction": 1, "probabilities": [0.25, 0.75]},
        {"id": 3, "prediction": 0, "probabilities": [1.0, 0.0]},
    ]
    assert project.model("m").datasets == ("d",)


def test_logging_the_same_again_is_quiet_and_other_content_is_refused(project):
    for _ in range(2):
        log(project)
        project.log_outputs("m", "d", ids=IDS, predictions=[0, 1, 0], metrics={"loss": [0.1, np.nan, np.inf]})
    with pytest.raises(Conflict, match="other content"):
        log(project, labels=[1, 1, 1])
    with pytest.raises(Conflict, match="other outputs"):
        project.log_outputs("m", "d", ids=IDS, predictions=[1, 1, 0])


def test_other_content_is_a_new_version_beside_the_old_if_it_is_asked_for(project):
    project.log_dataset("d@3", ids=[7])
    first = log(project, new_version=True)
    second, third = (log(project, labels=[1, 1, last], new_version=True) for last in (0, 1))
    assert [(one.name, one.family, one.version) for one in (first, second, third)] == [
        ("d", None, 1),
        ("d@2", "d", 2),
        ("d@4", "d", 4),
    ]
    assert project.datasets()[1:] == [first, second, third]
    assert log(project, labels=[1, 1, 0], new_version=True) == log(project, "d@2", labels=[1, 1, 0]) == second
    assert log(project, "d@4", labels=[1, 1, 0], new_version=True) == second
    for name in ("d", "d@4"):  # else outputs would go to data that they are not of
        with pytest.raises(Conflict, match=f"Dataset '{name}' is already logged with other content"):
            log(project, name, labels=[1, 1, 0])
    project.log_outputs("m", "d@2", ids=IDS, predictions=[1, 1, 0])
    assert project.answered("d") == []
    assert project.answered("d@2") == ["m"]
    assert log(project, "d@2", labels=[0, 0, 0], new_version=True).name == "d@5"


def test_a_new_version_is_in_the_history_and_can_be_taken_back_while_nobody_has_answered_it(project):
    log(project)
    second = log(project, labels=[1, 1, 1], new_version=True)
    (made,) = project.history()
    assert (made.action, made.models, made.new) == ("new dataset version", (), {"dataset": "d@2", "examples": 3})
    project.log_outputs("m", second.name, ids=IDS, predictions=[1, 1, 0])
    with pytest.raises(Conflict, match="1 models have outputs on it"):
        project.undo()
    project.delete("m")
    project.purge()
    project.undo(made.number)
    assert [one.name for one in project.datasets()] == ["d"]
    assert project.damage() == []


def test_equal_content_in_other_bytes_is_the_same(project, monkeypatch):
    log(project)
    project.log_outputs("m", "d", ids=IDS, predictions=[0, 1, 0])
    write = pq.write_table
    monkeypatch.setattr(pq, "write_table", lambda *given, **options: write(*given, **options | {"compression": "gzip"}))
    log(project)
    project.log_outputs("m", "d", ids=IDS, predictions=[0, 1, 0])
    with pytest.raises(Conflict):
        project.log_outputs("m", "d", ids=IDS, predictions=[0, 1, 1])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ids": [1, 1, 2]}, "data.duplicate_ids"),
        ({"ids": [1, None, 2]}, "data.ids"),
        ({"ids": [1.5, 2.5, 3.5]}, "data.ids"),
        ({"ids": [], "labels": [], "images": None}, "data.empty"),
        ({"labels": [0, 1]}, "data.length"),
        ({"labels": [[0], [1], [2]], "images": np.zeros((3, 0, 8))}, "data.image"),
        ({"labels": [0, "a", 1]}, "data.type"),
        ({"images": np.full((3, 8, 8), 7.5)}, "data.image"),
        ({"images": np.full((3, 8, 8), 300)}, "data.image"),
        ({"images": np.zeros((3, 8, 8, 7))}, "data.image"),
        ({"metadata": {"label": [1, 2, 3]}}, "data.column"),
        ({"texts": [1, 2, 3]}, "data.type"),
    ],
)
def test_bad_data_gets_one_sentence(project, changes, code):
    with pytest.raises(InvalidValue) as caught:
        log(project, **changes)
    assert caught.value.code == code
    assert project.datasets() == []


def png():
    buffer = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "damaged",
    [b"", bytes(100), b"<svg onload=alert(1)/>", png()[:40], png().replace(b"IDAT", b"IDAX"), png()[:-20] + bytes(20)],
    ids=["empty", "zeros", "svg", "cut", "renamed", "overwritten"],
)
def test_damaged_images_are_refused_by_their_place(project, damaged):
    with pytest.raises(InvalidValue, match="Image 1 is no image file, or a damaged one") as caught:
        log(project, images=[png(), damaged, png()])
    assert caught.value.code == "data.image" and "None" in caught.value.hint
    assert project.datasets() == []
    log(project, images=[png(), None, png()])
    assert [image is None for image in project.instances("d")["image"].to_pylist()] == [False, True, False]


def test_ten_megabytes_of_text_in_one_instance_are_kept_whole(project):
    long = "word " * 2_000_000
    project.log_dataset("long", ids=[1, 2], texts=[long, "short"])
    assert project.instances("long")["text"].to_pylist() == [long, "short"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ids": [1, 2, 9]}, "data.unknown_ids"),
        ({"ids": ["a", "b", "c"]}, "data.unknown_ids"),
        ({"ids": [1, 2, 2]}, "data.duplicate_ids"),
        ({"predictions": [1, 2]}, "data.length"),
        ({"vectors": {"probabilities": [[1, 0], [1, 0]]}}, "data.length"),
        ({"vectors": {"probabilities": ["a", "b", "c"]}}, "data.type"),
        ({"vectors": {"probabilities": [1, 2, 3]}}, "data.shape"),
        ({"vectors": {"prediction": np.zeros((3, 2))}}, "data.column"),
        ({"metrics": {"loss": ["a", "b", "c"]}}, "data.type"),
    ],
)
def test_bad_outputs_get_one_sentence(project, changes, code):
    log(project)
    with pytest.raises(InvalidValue) as caught:
        project.log_outputs("m", "d", **{"ids": IDS, "predictions": [0, 1, 0]} | changes)
    assert caught.value.code == code
    assert project.model("m").datasets == ()


def test_what_is_not_there_is_named(project):
    with pytest.raises(NotFound, match="no dataset 'd'"):
        project.log_outputs("m", "d", ids=[1], predictions=[1])
    log(project)
    with pytest.raises(NotFound, match="no model 'x'"):
        project.log_outputs("x", "d", ids=[1], predictions=[1])
    with pytest.raises(NotFound, match="no outputs on dataset 'd'"):
        project.outputs("m", "d")
