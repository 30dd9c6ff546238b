"""Masks: intersection over union against torchmetrics and by hand, and what counts for nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.analysis.behaviors import masks
from compress_compare.analysis.behaviors.frame import Frame
from compress_compare.analysis.behaviors.segmentation import corpus, mean_iou, pixel_accuracy
from compress_compare.errors import InvalidValue, NotFound

from . import frames

VOID = masks.VOID
# By hand: the label has 8 pixels of class 0, 4 of class 1, and 4 that are void.
LABEL = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, VOID, VOID], [0, 0, VOID, VOID]])
BASE = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 2, 2]])
# Two pixels of class 1 are called 0, one of class 0 is called 2; what is said of void pixels does not matter.
SMALL = np.array([[0, 0, 1, 1], [2, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]])
NAMES = ["road", "car", "tree"]


@pytest.fixture
def project(tmp_path: Path) -> cc.Project:
    project = cc.open(tmp_path / "p")
    project.log_model("base")
    project.log_model("small", base="base", operation=cc.Operation("quantize", bits=4))
    only_void = np.full((2, 3), 255)
    project.log_dataset(
        "street", ids=["a", "void", "none"], masks=[np.where(LABEL < 0, 255, LABEL), only_void, None], void=255
    )
    for model, mask in (("base", BASE), ("small", SMALL)):
        project.log_outputs(
            model, "street", ids=["none", "a", "void"], masks=[None, mask, only_void % 2], classes=NAMES
        )
    return project


def test_numbers_of_an_image_are_those_counted_by_hand(project: cc.Project) -> None:
    found = project.behaviors("base", "small", "street", metric="mean_iou")
    assert found.metrics == ["mean_iou", "pixel_accuracy", "pixel_agreement"]
    rows = {row["id"]: row for row in found.instances().to_pylist()}
    # Class 0: 7 shared of 8 + 9 - 7; class 1: 2 of 4 + 2 - 2; class 2, which only the answer has: 0 of 1.
    assert rows["a"]["mean_iou[small]"] == pytest.approx((7 / 10 + 2 / 4 + 0) / 3)
    assert rows["a"]["mean_iou[base]"] == 1
    assert "mask" not in rows["a"] and "label" not in rows["a"]
    assert found.using("pixel_accuracy").instances().to_pylist()[0]["pixel_accuracy[small]"] == pytest.approx(9 / 12)
    agreement = found.using("pixel_agreement").instances().to_pylist()[0]
    assert agreement["pixel_agreement[small]"] == pytest.approx(9 / 12) and agreement["pixel_agreement[base]"] == 1


def test_an_image_of_void_alone_has_no_number_and_is_not_compared(project: cc.Project) -> None:
    for metric in ("mean_iou", "pixel_accuracy", "pixel_agreement"):
        found = project.behaviors("base", "small", "street", metric=metric)
        rows = {row["id"]: row for row in found.instances().to_pylist()}
        assert rows["void"][f"{metric}[small]"] is None and rows["none"][f"{metric}[small]"] is None
        (summary,) = found.summary.to_pylist()
        assert (summary["count"], summary["nonfinite"]) == (1, 0)
        counts = [(sum(row["counts"]), row["nan"], row["missing"]) for row in found.histograms().to_pylist()]
        assert counts == [(1, 0, 2), (1, 0, 2)]


def test_classes_over_all_images(project: cc.Project) -> None:
    found = project.behaviors("base", "small", "street", metric="mean_iou").segmentation.to_pylist()
    assert [row["class"] for row in found] == [None, *NAMES]
    whole, road, car, tree = found
    assert (road["iou"], road["base_iou"], road["num_pixels"]) == (pytest.approx(7 / 10), 1, 8)
    assert (car["iou"], car["difference"], car["lost"], car["won"]) == (0.5, -0.5, 2, 0)
    assert (tree["iou"], tree["base_iou"], tree["difference"], tree["num_pixels"]) == (0, None, None, 0)
    assert whole["iou"] == pytest.approx(0.4) and whole["base_iou"] == 1
    assert (whole["lost"], whole["won"], whole["num_pixels"]) == (3, 0, 12)


def test_many_images_are_scored_as_by_torchmetrics() -> None:
    torch = pytest.importorskip("torch")
    from torchmetrics.functional.classification import multiclass_jaccard_index

    random = np.random.default_rng(0)
    shapes = [(int(h), int(w)) for h, w in random.integers(3, 12, (30, 2))]
    labels = [random.integers(0, 5, shape) for shape in shapes]
    for label in labels:
        label[random.random(label.shape) < 0.1] = VOID
    answers = [
        [np.where(random.random(one.shape) < share, one, random.integers(0, 5, one.shape)) for one in labels]
        for share in (0.8, 0.6)
    ]
    answers = [[np.where(one == VOID, 0, one) for one in masks_] for masks_ in answers]
    ids = np.arange(30)
    order = random.permutation(30)
    given = {
        "base": frames.outputs(ids, masks=answers[0]),
        "small": frames.outputs(ids[order], masks=[answers[1][at] for at in order]),
    }
    frame = Frame(frames.dataset(ids, masks=labels), given)
    flat = torch.cat([torch.as_tensor(one).flatten() for one in labels])
    rows = corpus(frame).to_pylist()
    for name, side in (("base_iou", answers[0]), ("iou", answers[1])):
        told = torch.cat([torch.as_tensor(one).flatten() for one in side])
        each = multiclass_jaccard_index(told, flat, 5, average="none", ignore_index=VOID).tolist()
        assert [row[name] for row in rows] == pytest.approx([float(np.mean(each)), *each], abs=1e-6)
    assert rows[0]["ci_low"] < rows[0]["difference"] < rows[0]["ci_high"] < 0
    for at, (label, answer) in enumerate(zip(labels, answers[1], strict=True)):
        there = np.union1d(label[label >= 0], answer[label >= 0])
        every = multiclass_jaccard_index(
            torch.as_tensor(answer)[None], torch.as_tensor(label)[None], 5, average="none", ignore_index=VOID
        )
        assert mean_iou(frame)["small"][at] == pytest.approx(float(every[torch.as_tensor(there)].mean()), abs=1e-6)
        assert pixel_accuracy(frame)["small"][at] == pytest.approx((label == answer)[label >= 0].mean())


def test_the_masks_of_an_image_come_back(project: cc.Project) -> None:
    found = project.behaviors("base", "small", "street", metric="mean_iou")
    seen = found.masks("a")
    assert list(seen) == ["", "base", "small"]
    for name, mask in (("", LABEL), ("base", BASE), ("small", SMALL)):
        assert np.array_equal(seen[name], mask)
    assert found.masks("none") == {}
    assert found.mask_classes == dict(enumerate(NAMES))
    with pytest.raises(NotFound):
        found.masks("nobody")


def test_an_answer_that_leaves_a_pixel_void_has_it_wrong() -> None:
    label, answer = np.array([[0, 0, 1, 1]]), np.array([[0, VOID, 1, 1]])
    found = Frame(frames.dataset([1], masks=[label]), {"m": frames.outputs([1], masks=[answer])})
    assert mean_iou(found)["m"].tolist() == [0.75] and pixel_accuracy(found)["m"].tolist() == [0.75]


def test_masks_of_different_sizes_are_not_laid_over_one_another() -> None:
    found = Frame(
        frames.dataset([7, 8], masks=[np.zeros((2, 3)), np.zeros((2, 2))]),
        {"m": frames.outputs([7, 8], masks=[np.zeros((3, 2)), np.zeros((2, 2))])},
    )
    with pytest.raises(InvalidValue, match="different sizes") as caught:
        mean_iou(found)
    assert "2 x 3 and 3 x 2" in caught.value.detail


def test_runs_are_as_long_as_they_can_be() -> None:
    mask = np.array([[3, 3, 0], [0, 0, 3]], np.int32)
    classes, lengths = masks.run_lengths(mask)
    assert (classes.tolist(), lengths.tolist()) == ([3, 0, 3], [2, 3, 1])


def test_without_masks_there_are_none(tmp_path: Path) -> None:
    with cc.open(tmp_path / "p") as project:
        project.log_model("base")
        project.log_model("small", base="base", operation=cc.Operation("prune"))
        project.log_dataset("d", ids=[1, 2], labels=[0, 1])
        for model in ("base", "small"):
            project.log_outputs(model, "d", ids=[1, 2], predictions=[0, 1])
        found = project.behaviors("base", "small", "d")
        assert found.masks(1) == {} and found.mask_classes == {}
        with pytest.raises(InvalidValue, match="does not apply") as caught:
            found.using("mean_iou")
        assert "masks=" in caught.value.detail


def test_an_image_without_an_answer_has_no_value_and_is_not_compared(tmp_path: Path) -> None:
    label = np.array([[0, 1], [1, 1]])
    with cc.open(tmp_path / "p") as project:
        project.log_model("base")
        project.log_model("small", base="base", operation=cc.Operation("prune"))
        project.log_dataset("d", ids=["both", "base alone"], masks=[label, label])
        project.log_outputs("base", "d", ids=["both", "base alone"], masks=[label, label])
        project.log_outputs("small", "d", ids=["both", "base alone"], masks=[label, None])
        found = project.behaviors("base", ["small"], "d", "mean_iou")
        (row,) = found.summary.to_pylist()
        assert (row["count"], row["value"], row["difference"]) == (1, 1.0, 0.0)
        values = {one["id"]: one["mean_iou[small]"] for one in found.instances().to_pylist()}
        assert values == {"both": 1.0, "base alone": None}


def test_a_mask_may_have_just_as_many_pixels_as_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = masks.PixelMasks.read(frames.dataset([1], masks=[np.ones((2, 3))]).read("mask")["mask"].combine_chunks())
    monkeypatch.setattr(masks, "MAX_PIXELS", 6)
    mask = found.pixels(0)
    assert mask is not None and mask.tolist() == [[1, 1, 1], [1, 1, 1]]
    monkeypatch.setattr(masks, "MAX_PIXELS", 5)
    with pytest.raises(InvalidValue) as caught:
        found.pixels(0)
    assert (caught.value.code, "has 6 pixels; the limit is 5" in str(caught.value)) == ("data.mask", True)


def test_without_a_seed_the_draws_are_those_of_seed_zero() -> None:
    random = np.random.default_rng(4)
    labels = [random.integers(0, 3, (5, 5)) for _ in range(12)]
    answers = [np.where(random.random((5, 5)) < 0.7, one, 0) for one in labels]
    given = {"base": frames.outputs(range(12), masks=labels), "small": frames.outputs(range(12), masks=answers)}
    frame = Frame(frames.dataset(range(12), masks=labels), given)
    drawn = corpus(frame, resamples=20)
    assert drawn.equals(corpus(frame, resamples=20, seed=0))
    assert not drawn.equals(corpus(frame, resamples=20, seed=1))
