"""Masks of objects as columns beside boxes: what is taken, what is refused in one sentence, and that they come back."""

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
from compress_compare.store import instance_tables, object_mask_columns
from compress_compare.store.object_mask_columns import OBJECT_MASKS, object_mask_column

pytestmark = pytest.mark.usefixtures("each_backend")

MASK = np.array([[False, True, True], [False, False, True]])
# Column by column: two outside, one inside, one outside, two inside.
COUNTS = [2, 1, 1, 2]
RLE = {"size": [2, 3], "counts": COUNTS}
FINGERPRINT = "b54b0e62ee6690ed2ade54ca3a54b0371cd87999ac3a785eb977dc826b1c0ebf"
"""Of the same boxes, as it was before boxes could have masks."""
TYPE = pa.list_(pa.struct([("class", pa.string())]))
DOG = {"class": "dog", "box": [1.0, 0.0, 3.0, 2.0]}


def boxes(*numbers: int | None) -> pa.Array:
    return pa.array([None if number is None else [{"class": "dog"}] * number for number in numbers], TYPE)


@pytest.mark.parametrize(
    "given",
    [
        np.stack([MASK, MASK]),
        np.stack([MASK, MASK])[:, None],
        np.stack([MASK, MASK]).astype(np.uint8),
        np.where(np.stack([MASK, MASK]), 0.5, 0.49),
        torch.as_tensor(np.stack([MASK, MASK])),
        [MASK, MASK.tolist()],
        [torch.as_tensor(MASK)[None], RLE],
        [RLE, {"size": (2, 3), "counts": np.array(COUNTS)}],
        [RLE, {"size": [2, 3], "counts": "2111"}],
        [{"size": [2, 3], "counts": b"2111"}, {"size": [2, 3], "counts": [2, 1, 0, 0, 1, 1, 0, 1]}],
    ],
)
def test_masks_of_any_library_are_taken(given: Any) -> None:
    column = object_mask_column([given, None, []], boxes=boxes(2, 1, 0))
    assert column.to_pylist() == [
        {"height": 2, "width": 3, "counts": [COUNTS, COUNTS]},
        None,
        {"height": 0, "width": 0, "counts": []},
    ]


def test_strings_are_those_of_pycocotools() -> None:
    coded = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    for size in ((1, 1), (3, 5), (40, 60), (300, 1)):
        masks = [random.random(size) < share for share in (0, 0.02, 0.5, 0.98, 1)]
        written = [coded.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in masks]
        texts = [{**one, "counts": one["counts"].decode()} for one in written]
        columns = [object_mask_column([given], boxes=boxes(5)) for given in (masks, written, texts)]
        assert columns[0].equals(columns[1]) and columns[0].equals(columns[2])


@pytest.mark.parametrize(
    ("given", "number", "said"),
    [
        (MASK[None], 2, "Instance 0 has 1 masks of objects and 2 boxes"),
        (np.zeros((0, 2, 3), bool), 1, "has 0 masks of objects and 1 boxes"),
        (MASK[None], None, "has 1 masks of objects and 0 boxes"),
        (MASK, 1, r"are \(2, 3\); they are \[boxes, height, width\]"),
        ([MASK[0]], 1, r"Mask 0 of instance 0 is bool of the shape \(3,\)"),
        ([MASK, MASK.T], 2, "have different sizes: 2 x 3 and 3 x 2"),
        ([MASK * 2], 1, "numbers other than 0 and 1"),
        ([MASK + 0.5], 1, "not from 0 to 1"),
        ([np.full((2, 3), np.nan)], 1, "not from 0 to 1"),
        ([np.array([["a"]])], 1, "is <U1"),
        ([[[0, 1], [1]]], 1, "lines of different lengths"),
        ("abc", 3, "are a str"),
        ([{"counts": COUNTS}], 1, "no size"),
        ([{"size": [2], "counts": COUNTS}], 1, "no size"),
        ([{"size": [0, 3], "counts": []}], 1, "is of 0 x 3 pixels"),
        ([{"size": [2, 3], "counts": [[0, 0, 1, 1]]}], 1, "no list of whole numbers"),
        ([{"size": [2, 3], "counts": [2.0, 4.0]}], 1, "no list of whole numbers"),
        ([{"size": [2, 3], "counts": [2**70]}], 1, "no list of whole numbers"),
        ([{"size": [2, 3], "counts": [2, 1, 1, 3]}], 1, "Mask 0 of instance 0 is damaged"),
        ([{"size": [2, 3], "counts": [7, -1]}], 1, "is damaged"),
        ([{"size": [2, 3], "counts": []}], 1, "is damaged"),
        ([{"size": [2, 3], "counts": "2113"}], 1, "is damaged"),
        ([{"size": [2, 3], "counts": "211"}], 1, "is damaged"),
        ([{"size": [2, 3], "counts": "211P"}], 1, "is damaged"),
        ([{"size": [2, 3], "counts": "21 11"}], 1, "is damaged"),
        ([{"size": [2, 3], "counts": "é"}], 1, "is damaged"),
        ([{"size": [2, 3], "counts": "o" * 20 + "0"}], 1, "is damaged"),
        ([{"size": [2, 3], "counts": ""}], 1, "is damaged"),
    ],
)
def test_what_does_not_fit_is_refused(given: Any, number: int | None, said: str) -> None:
    with pytest.raises(InvalidValue, match=said) as caught:
        object_mask_column([given], boxes=boxes(number))
    assert caught.value.code == "data.mask"


@pytest.mark.parametrize(
    "given",
    [
        [np.broadcast_to(np.False_, (50_000, 50_000))],
        [{"size": [50_000, 50_000], "counts": [2_500_000_000]}],
        np.zeros((0, 50_000, 50_000), bool),
    ],
)
def test_an_absurd_size_is_refused(given: Any) -> None:
    with pytest.raises(InvalidValue, match="too many pixels") as caught:
        object_mask_column([given], boxes=boxes(len(given)))
    assert caught.value.code == "data.too_large"


@pytest.mark.parametrize(
    "change",
    [
        {"counts": [[2, 1, 1]]},
        {"counts": [[2, 1, 1, 3]]},
        {"counts": [[7, -3, 1, 1]]},
        {"counts": [[2, 1, 0, 1, 2]]},
        {"counts": [[]]},
        {"counts": [None]},
        {"counts": None},
        {"height": 3},
        {"height": None},
        {"counts": [COUNTS, COUNTS]},
    ],
)
def test_a_table_that_was_sent_is_not_believed(change: dict[str, Any]) -> None:
    whole = {"height": 2, "width": 3, "counts": [COUNTS]}
    assert object_mask_column(pa.array([whole], OBJECT_MASKS), boxes=boxes(1))
    with pytest.raises(InvalidValue) as caught:
        object_mask_column(pa.array([{**whole, **change}], OBJECT_MASKS), boxes=boxes(1))
    assert caught.value.code == "data.mask"
    with pytest.raises(InvalidValue, match="too many pixels"):
        object_mask_column(pa.array([{**whole, "height": 60_000, "width": 60_000}], OBJECT_MASKS), boxes=boxes(1))


def table(rows: Any, **given: Any) -> pa.Table:
    payload = instance_tables.PayloadColumns(boxes=rows, **given)
    return instance_tables.dataset_table(range(1, len(rows) + 1), payload=payload)


def test_boxes_may_carry_them() -> None:
    beside = table([[DOG, DOG], [], None], object_masks=[[MASK, ~MASK], [], None])
    assert table([[{**DOG, "mask": MASK}, {**DOG, "mask": ~MASK}], [], None]).equals(beside)
    as_labels = instance_tables.dataset_table([1], labels=[[{**DOG, "mask": RLE}]])
    assert as_labels.column_names == ["id", "label", "boxes", "object_masks"]
    as_predictions = instance_tables.outputs_table([1, 2], [[{**DOG, "mask": RLE}], [DOG]])
    assert as_predictions["object_masks"].to_pylist()[1] is None
    with pytest.raises(InvalidValue, match="Of the 2 boxes of instance 1, only 1 have a mask"):
        table([[], [{**DOG, "mask": MASK}, DOG]])
    with pytest.raises(InvalidValue, match="twice"):
        table([[{**DOG, "mask": MASK}]], object_masks=[[MASK]])
    with pytest.raises(InvalidValue, match="need boxes"):
        instance_tables.outputs_table([1], ["dog"], answers=instance_tables.OutputColumns(object_masks=[[MASK]]))
    with pytest.raises(InvalidValue, match="masks of 1 instances, and boxes of 2"):
        table([[DOG], [DOG]], object_masks=[[MASK]])


def test_boxes_without_them_are_what_they_were() -> None:
    plain = table([[DOG]])
    assert plain.column_names == ["id", "label", "boxes"]
    assert instance_tables.fingerprint(plain) == FINGERPRINT
    named = instance_tables.dataset_table([1], labels=[[DOG]], metadata={"object_masks": ["yes"]})
    assert instance_tables.fingerprint(named) == FINGERPRINT
    assert tables.dataset_arguments(named)["metadata"]["object_masks"].to_pylist() == ["yes"]


def test_the_fingerprint_is_of_the_pixels() -> None:
    def printed(*masks: Any) -> str:
        return instance_tables.fingerprint(table([[DOG], [DOG]], object_masks=list(masks)))

    found = [printed([MASK], None), printed(None, [MASK]), printed([MASK], [MASK]), printed([~MASK], None)]
    assert len({*found, instance_tables.fingerprint(table([[DOG], [DOG]]))}) == 5
    assert found[0] == printed([RLE], None)


def fill(project: cc.Project) -> None:
    project.log_model("base")
    project.log_model("small", base="base", operation=cc.Operation("prune"))
    project.log_dataset("d", ids=[1, 2], boxes=[[DOG], []], object_masks=[[MASK], []])
    project.log_outputs("base", "d", ids=[1, 2], boxes=[[DOG], []], object_masks=[[MASK], []])
    project.log_outputs("small", "d", ids=[2, 1], boxes=[[DOG], [DOG]], object_masks=[[MASK.T], [~MASK]])


def found_in(project: cc.Project) -> Any:
    return project.behaviors("base", "small", "d", metric="detection_f1").boxes(1)


def test_the_same_again_changes_nothing_and_others_are_refused(tmp_path: Path) -> None:
    with cc.open(tmp_path / "p") as project:
        fill(project)
        before = project.revision
        fill(project)
        assert project.revision == before
        with pytest.raises(Conflict):
            project.log_outputs("small", "d", ids=[1], boxes=[[DOG]], object_masks=[[MASK]])
        assert project.correct_outputs("small", "d", ids=[1], boxes=[[DOG]], object_masks=[[RLE]])
        assert found_in(project)["small"][0]["mask"] == RLE


def test_the_size_is_that_of_the_label(tmp_path: Path) -> None:
    with cc.open(tmp_path / "p") as project:
        fill(project)
        project.log_model("other")
        with pytest.raises(InvalidValue, match="another size") as caught:
            project.log_outputs("other", "d", ids=[2, 1], boxes=[[], [DOG]], object_masks=[[], [MASK.T]])
        assert caught.value.code == "data.mask" and "3 x 2; the label is 2 x 3" in caught.value.detail


def test_an_archive_holds_them(tmp_path: Path) -> None:
    with cc.open(tmp_path / "p") as project:
        fill(project)
        wanted = found_in(project)
        project.pack(tmp_path / "p.ccz")
    with cc.unpack(tmp_path / "p.ccz", tmp_path / "q") as other:
        assert found_in(other) == wanted
    assert wanted[""][0]["mask"] == RLE and wanted["small"][0]["mask"]["counts"] == [0, *COUNTS]


def test_what_is_sent_makes_the_same_table() -> None:
    rows = [[{**DOG, "mask": MASK, "score": 0.3}], [], None]
    data = instance_tables.dataset_table([1, 2, 3], labels=rows)
    arguments = tables.dataset_arguments(data)
    names = ("boxes", "object_masks")
    payload = instance_tables.PayloadColumns(**{name: arguments[name] for name in names})
    assert instance_tables.dataset_table(
        arguments["ids"], labels=arguments.get("labels"), payload=payload, metadata=arguments["metadata"]
    ).equals(data)
    outputs = instance_tables.outputs_table([1, 2, 3], rows)
    answers = tables.output_arguments(outputs)
    ids, predictions = answers.pop("ids"), answers.pop("predictions", None)
    columns = instance_tables.OutputColumns(**answers)
    assert instance_tables.outputs_table(ids, predictions, answers=columns).equals(outputs)


def test_a_mask_takes_few_bytes() -> None:
    down, across = np.mgrid[:480, :640]
    disk = np.hypot(down - 240, across - 320) < 100
    assert object_mask_columns.object_mask_column([[disk] * 10], boxes=boxes(10)).nbytes < 20_000
