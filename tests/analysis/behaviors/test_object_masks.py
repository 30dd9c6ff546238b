"""Masks of objects: overlaps and average precision beside pycocotools on data made at random, and by hand."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import compress_compare as cc
from compress_compare.analysis.behaviors.boxes import SCORE
from compress_compare.analysis.behaviors.object_masks import ObjectMasks, counts_of, pixels
from compress_compare.store.object_mask_columns import object_mask_column

SIZE = (24, 32)
IMAGES = 30
Found = list[dict[str, Any]]


def mask_of(random: np.random.Generator) -> Any:
    """A disk, often with a hole, or nothing at all."""
    down, across = np.mgrid[: SIZE[0], : SIZE[1]]
    center, radius = random.uniform((4, 4), (SIZE[0] - 4, SIZE[1] - 4)), random.uniform(3, 8)
    distance = np.hypot(down - center[0], across - center[1])
    return (distance <= radius) & (distance >= random.choice([-1, radius / 2]))


def moved(mask: Any, random: np.random.Generator) -> Any:
    return np.roll(mask, random.integers(-1, 2, 2), (0, 1)) & (random.random(mask.shape) < 0.97)


def entry(label: str, mask: Any, score: float = 1.0) -> dict[str, Any]:
    """A box that says nothing of the mask: matching by boxes would pair other objects."""
    return {"class": label, "box": [0, 0, 1, 1], "mask": mask, "score": float(np.float32(score))}


def made(seed: int) -> tuple[list[Found], list[Found], list[Found]]:
    """Objects, what the base finds, and what a model finds."""
    random = np.random.default_rng(seed)
    objects = [
        [entry(random.choice(["a", "b"]), mask_of(random)) for _ in range(random.integers(0, 5))] for _ in range(IMAGES)
    ]

    def found(kept: float) -> list[Found]:
        each: list[Found] = []
        for image in objects:
            boxes = [
                entry(one["class"], moved(one["mask"], random), random.random())
                for one in image
                if random.random() < kept
            ]
            extra = [entry("b", mask_of(random), random.random()) for _ in range(random.integers(0, 3))]
            each.append([*boxes, *extra])
        return each

    return objects, found(0.9), found(0.7)


def wanted(objects: list[Found], detected: list[Found]) -> tuple[dict[str, tuple[float, float]], list[set[int]]]:
    """By pycocotools: average precision by class over all overlaps and at 0.5, and by image which objects are found by
    sure boxes."""
    coco = pytest.importorskip("pycocotools.coco")
    coded = pytest.importorskip("pycocotools.mask")
    evaluation = pytest.importorskip("pycocotools.cocoeval")

    def entries(images: list[Found], least: float) -> Found:
        rows: Found = []
        for image, each in enumerate(images):
            for one in each:
                if one["score"] >= least:
                    rle = coded.encode(np.asfortranarray(one["mask"].astype(np.uint8)))
                    known = {
                        "id": len(rows) + 1,
                        "image_id": image,
                        "category_id": "ab".index(one["class"]),
                        "iscrowd": 0,
                    }
                    rows.append({**known, "segmentation": rle, "area": float(coded.area(rle)), "score": one["score"]})
        return rows

    def evaluated(least: float) -> Any:
        truth = coco.COCO()
        truth.dataset = {
            "images": [{"id": i, "height": SIZE[0], "width": SIZE[1]} for i in range(IMAGES)],
            "categories": [{"id": 0}, {"id": 1}],
            "annotations": entries(objects, 0.0),
        }
        truth.createIndex()
        run = evaluation.COCOeval(truth, truth.loadRes(entries(detected, least)), "segm")
        run.evaluate()
        run.accumulate()
        return run

    with contextlib.redirect_stdout(io.StringIO()):
        precision = evaluated(0.0).eval["precision"]  # [overlaps, levels of recall, classes, sizes, most boxes]
        sure = evaluated(SCORE)
    by_class = {
        name: (precision[:, :, k, 0, -1].mean(), precision[0, :, k, 0, -1].mean()) for k, name in enumerate("ab")
    }
    ids: list[set[int]] = [set() for _ in range(IMAGES)]
    for one in sure.evalImgs:
        if one is not None and one["aRng"] == sure.params.areaRng[0]:
            matched = np.array(one["gtMatches"][0]) > 0
            ids[one["image_id"]] |= set(np.array(one["gtIds"])[matched].tolist())
    return by_class, ids


@pytest.mark.parametrize("seed", range(4))
def test_numbers_are_those_of_pycocotools(tmp_path: Path, seed: int) -> None:
    objects, base, small = made(seed)
    with cc.open(tmp_path / "p") as project:
        project.log_model("base")
        project.log_model("small", base="base", operation=cc.Operation("prune"))
        ids = range(IMAGES)
        project.log_dataset("d", ids=ids, labels=objects)
        project.log_outputs("base", "d", ids=ids, predictions=base)
        project.log_outputs("small", "d", ids=ids, predictions=small)
        found = project.behaviors("base", "small", "d", "missed_objects")
        whole, *rows = found.detection.to_pylist()
        missed = found.instances(limit=IMAGES).to_pylist()
    (theirs, seen), (ours, kept) = wanted(objects, base), wanted(objects, small)
    assert [row["class"] for row in rows] == ["a", "b"] and {row["overlap_of"] for row in (whole, *rows)} == {"masks"}
    for row in rows:
        assert (row["ap"], row["ap50"]) == pytest.approx(ours[row["class"]], abs=1e-12)
        assert (row["base_ap"], row["base_ap50"]) == pytest.approx(theirs[row["class"]], abs=1e-12)
        assert 0 < row["ap"] < 1
    assert whole["lost"] == sum(len(one - other) for one, other in zip(seen, kept, strict=True)) > 0
    assert whole["won"] == sum(len(other - one) for one, other in zip(seen, kept, strict=True))
    for image, row in enumerate(missed):
        assert row["missed_objects[small]"] == len(objects[image]) - len(kept[image])
        assert row["missed_objects[base]"] == len(objects[image]) - len(seen[image])


def test_overlaps_are_exactly_those_of_pycocotools() -> None:
    coded = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    for height, width in ((1, 1), (1, 9), (7, 1), (20, 30)):
        masks = np.stack([random.random((height, width)) < share for share in (0, 0.1, 0.5, 0.9, 1)])
        column = object_mask_column([masks, None, masks[::-1]], boxes=boxes([5, 0, 5]))
        every = ObjectMasks.read(column)
        rles = [coded.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in masks]
        found = every.overlaps(every, of=(np.arange(5), np.arange(9, 4, -1)))
        assert np.array_equal(found, coded.iou(rles, rles, [0] * 5))
        assert np.array_equal(every.areas[:5], coded.area(rles))


def boxes(numbers: list[int]) -> Any:
    return pa.array([[{"class": "a"}] * number for number in numbers])


@pytest.mark.parametrize("step", [1, 2, 5])
def test_pixels_come_back(step: int) -> None:
    random = np.random.default_rng(step)
    for share in (0, 0.3, 1):
        mask = random.random((7, 11)) < share
        rle = ObjectMasks.read(object_mask_column([[mask]], boxes=boxes([1]))).rle(0)
        assert rle == {"size": [7, 11], "counts": counts_of(mask).tolist()}
        assert np.array_equal(pixels(rle, step=step), mask[::step, ::step])


def test_masks_decide_and_not_boxes(tmp_path: Path) -> None:
    left, right = np.zeros((2, 4, 4), bool)
    left[:, :2], right[:, 2:] = True, True
    whole = {"class": "dog", "box": [0, 0, 4, 4]}
    with cc.open(tmp_path / "p") as project:
        for model in ("base", "small", "boxes"):
            project.log_model(model)
        project.log_dataset("d", ids=["a", "b"], boxes=[[whole], [whole]], object_masks=[[left], [left]])
        project.log_outputs("base", "d", ids=["a", "b"], boxes=[[whole], [whole]], object_masks=[[left], [left]])
        project.log_outputs("small", "d", ids=["a", "b"], boxes=[[whole], [whole]], object_masks=[[right], None])
        project.log_outputs("boxes", "d", ids=["a", "b"], boxes=[[whole], [whole]])
        found = project.behaviors("base", "small", "d", "missed_objects")
        rows = found.instances().to_pylist()
        # The mask of the model is beside that of the object; an image without masks has no number, not a missed object.
        assert [row["missed_objects[small]"] for row in rows] == [1, pytest.approx(np.nan, nan_ok=True)]
        assert (
            found.detection.to_pylist()[0] | {"lost": 1, "won": 0, "num_objects": 1, "ap50": 0}
            == found.detection.to_pylist()[0]
        )
        assert found.meaning.endswith("not of their boxes.")
        (shown,) = found.boxes("a")["small"]
        assert (shown["right"], shown["mask"]) == (False, {"size": [4, 4], "counts": [8, 8]})
        # One of the models has no masks: boxes are compared, for all of them.
        by_boxes = project.behaviors("base", ["small", "boxes"], "d", "missed_objects")
        assert by_boxes.detection.to_pylist()[0]["overlap_of"] == "boxes" and "not of" not in by_boxes.meaning
        assert [row["missed_objects[small]"] for row in by_boxes.instances().to_pylist()] == [0, 0]
        assert "mask" not in by_boxes.boxes("a")["small"][0]
        assert "object_masks" not in found.columns
