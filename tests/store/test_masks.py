"""Masks as columns: what is taken, what is refused in one sentence, and that they come back from everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

import compress_compare as cc
from compress_compare.errors import Conflict, InvalidValue
from compress_compare.remote import tables
from compress_compare.store import instance_tables, mask_columns

pytestmark = pytest.mark.usefixtures("each_backend")

MASK = np.array([[0, 1, 1], [2, -100, 0]])


def masks_of(project: cc.Project) -> dict[str, Any]:
    return project.behaviors("base", "small", "d", metric="mean_iou").masks(1)


def fill(project: cc.Project) -> None:
    project.log_model("base")
    project.log_model("small", base="base", operation=cc.Operation("prune"))
    project.log_dataset("d", ids=[1, 2], masks=[MASK, None])
    project.log_outputs("base", "d", ids=[1, 2], masks=[abs(MASK) % 3, np.zeros((3, 2))])
    project.log_outputs("small", "d", ids=[2, 1], masks=[np.zeros((3, 2)), np.ones((2, 3))])


@pytest.mark.parametrize(
    "given",
    [
        [MASK, MASK],
        np.stack([MASK, MASK]),
        np.stack([MASK, MASK]).astype(float),
        np.stack([MASK, MASK]).astype(np.int8),
        torch.as_tensor(np.stack([MASK, MASK])),
        [torch.as_tensor(MASK), MASK.tolist()],
    ],
)
def test_arrays_of_any_library_are_taken(given: Any) -> None:
    column = mask_columns.mask_column(given)
    assert column.to_pylist()[1] == {
        "height": 2,
        "width": 3,
        "classes": [0, 1, 2, -100, 0],
        "lengths": [1, 2, 1, 1, 1],
    }
    assert column[0] == column[1]


def test_a_void_class_is_kept_as_void() -> None:
    stated = mask_columns.mask_column([np.where(MASK < 0, 255, MASK).astype(np.uint8)], void=255)
    assert stated.equals(mask_columns.mask_column([MASK]))


def test_yes_and_no_are_two_classes() -> None:
    assert mask_columns.mask_column([MASK > 0])[0].as_py()["classes"] == [0, 1, 0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([MASK, MASK + 0.5], "Mask 1 is not a mask: it has numbers that are not whole"),
        ([np.full((2, 2), np.nan)], "not whole"),
        ([MASK - 1], "the class -101"),
        ([np.array([[-1, 0]])], "the class -1"),
        ([np.array([[70_000]])], "the class 70000"),
        ([np.array([["a"]])], "it holds <U1"),
        ([[[1, 2], [3]]], "different lengths"),
        ([np.zeros(4)], r"its shape is \(4,\)"),
        ([np.zeros((0, 4))], "its shape is"),
        (np.zeros((2, 2)), "Masks are"),
        ("abc", "must be a list"),
    ],
)
def test_what_is_no_mask_is_refused(given: Any, said: str) -> None:
    with pytest.raises(InvalidValue, match=said):
        mask_columns.mask_column(given)


def test_a_million_pixels_are_fine_and_an_absurd_size_is_not() -> None:
    noise = np.random.default_rng(0).integers(0, 20, (1000, 1000))
    assert mask_columns.mask_column([noise]).nbytes < 9_000_000
    huge = np.broadcast_to(np.uint8(0), (50_000, 50_000))
    with pytest.raises(InvalidValue, match="too many pixels") as caught:
        mask_columns.mask_column([huge])
    assert caught.value.code == "data.too_large"


def test_names_are_enough_for_all_classes(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="the class 2, but there are 2 names"):
        mask_columns.mask_column([MASK], names=["a", "b"])
    with cc.open(tmp_path / "p") as project:
        fill(project)
        project.log_model("other")
        with pytest.raises(InvalidValue, match="The labels have the class 2, but there are 2 names"):
            project.log_outputs("other", "d", ids=[1], masks=[np.zeros((2, 3))], classes=["a", "b"])


def test_the_size_is_that_of_the_label(tmp_path: Path) -> None:
    with cc.open(tmp_path / "p") as project:
        fill(project)
        project.log_model("other")
        with pytest.raises(InvalidValue, match="another size") as caught:
            project.log_outputs("other", "d", ids=[2, 1], masks=[np.zeros((5, 5)), np.zeros((3, 2))])
        assert caught.value.code == "data.mask" and "3 x 2; the label is 2 x 3" in caught.value.detail


def test_masks_are_given_once() -> None:
    given = instance_tables.PayloadColumns(masks=[MASK])
    with pytest.raises(InvalidValue, match="twice"):
        instance_tables.dataset_table([1], labels=[MASK], payload=given)


def test_void_is_a_number() -> None:
    with pytest.raises(InvalidValue, match="void class"):
        mask_columns.mask_column([MASK], void="sky")  # type: ignore[arg-type]


def test_labels_and_predictions_may_be_masks() -> None:
    as_masks = instance_tables.dataset_table([1], payload=instance_tables.PayloadColumns(masks=[MASK]))
    assert instance_tables.dataset_table([1], labels=[MASK]).equals(as_masks)
    assert instance_tables.dataset_table([1], labels=torch.as_tensor(MASK)[None]).equals(as_masks)
    assert instance_tables.outputs_table([1], np.stack([MASK])).column_names == ["id", "mask"]


def test_the_fingerprint_is_of_the_pixels() -> None:
    def printed(*masks: Any, ids: Any = (1, 2)) -> str:
        given = instance_tables.PayloadColumns(masks=list(masks))
        return instance_tables.fingerprint(instance_tables.dataset_table(ids, payload=given))

    first = printed(MASK, None)
    assert first == printed(None, MASK, ids=(2, 1))
    assert len({first, printed(None, MASK), printed(MASK, MASK), printed(MASK.T, None), printed(abs(MASK), None)}) == 5


def test_metadata_of_that_name_stay_what_they_were() -> None:
    plain = instance_tables.dataset_table([1, 2])
    named = instance_tables.dataset_table([1, 2], metadata={"mask": ["yes", "no"]})
    assert instance_tables.fingerprint(named) == instance_tables.fingerprint(plain)
    assert tables.dataset_arguments(named)["metadata"]["mask"].to_pylist() == ["yes", "no"]


def test_the_same_again_changes_nothing_and_others_are_refused(tmp_path: Path) -> None:
    with cc.open(tmp_path / "p") as project:
        fill(project)
        before = project.revision
        project.log_outputs("small", "d", ids=[2, 1], masks=[np.zeros((3, 2)), np.ones((2, 3))])
        project.log_dataset("d", ids=[1, 2], masks=[MASK, None])
        assert project.revision == before
        with pytest.raises(Conflict):
            project.log_outputs("small", "d", ids=[2, 1], masks=[np.ones((3, 2)), np.ones((2, 3))])


def test_an_archive_holds_them(tmp_path: Path) -> None:
    with cc.open(tmp_path / "p") as project:
        fill(project)
        wanted = masks_of(project)
        project.pack(tmp_path / "p.ccz")
    with cc.unpack(tmp_path / "p.ccz", tmp_path / "q") as other:
        found = masks_of(other)
    assert list(found) == list(wanted) == ["", "base", "small"]
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_what_is_sent_makes_the_same_table() -> None:
    payload = instance_tables.PayloadColumns(masks=[MASK, None])
    data = instance_tables.dataset_table([1, 2], payload=payload)
    arguments = tables.dataset_arguments(data)
    again = instance_tables.dataset_table(
        arguments["ids"],
        payload=instance_tables.PayloadColumns(masks=arguments["masks"]),
        metadata=arguments["metadata"],
    )
    assert again.equals(data)
    outputs = instance_tables.outputs_table([1], None, answers=instance_tables.OutputColumns(masks=[MASK]))
    answers = tables.output_arguments(outputs)
    ids = answers.pop("ids")
    assert instance_tables.outputs_table(ids, None, answers=instance_tables.OutputColumns(**answers)).equals(outputs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lengths": [1, 2]}, "do not fill it"),
        ({"lengths": [1, 2, 1, 1, 2]}, "do not fill it"),
        ({"lengths": [7, -4, 1, 1, 1]}, "do not fill it"),
        ({"classes": [0, 1, 2, -3, 0]}, "the class -3"),
        ({"classes": [0, 1, 2, 70_000, 0]}, "the class 70000"),
        ({"classes": [0, 0, 2, 3, 0]}, "as long as they can be"),
        ({"height": 60_000, "width": 30_000, "classes": [0], "lengths": [1_800_000_000]}, "too many pixels"),
        ({"height": 0, "width": 0, "classes": [], "lengths": []}, "it has no pixels"),
    ],
)
def test_a_table_that_was_sent_is_not_believed(change: dict[str, Any], said: str) -> None:
    whole = mask_columns.mask_column([MASK])[0].as_py()
    with pytest.raises(InvalidValue, match=said):
        mask_columns.mask_column(pa.array([{**whole, **change}], mask_columns.MASK))
