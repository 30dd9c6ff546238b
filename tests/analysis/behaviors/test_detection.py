"""Boxes: matching and average precision against pycocotools 2.0.11, counts against what a person counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.analysis.behaviors import boxes as geometry
from compress_compare.analysis.behaviors import detection
from compress_compare.errors import InvalidValue

# image, class, left, top, width, height, and the score of a box
OBJECTS = [
    *([0, 1, 37, 41, 27, 20], [0, 1, 0, 29, 26, 10], [0, 1, 15, 59, 17, 18], [1, 1, 27, 12, 26, 11]),
    *([1, 1, 58, 27, 25, 28], [2, 1, 22, 29, 8, 21], [2, 1, 30, 56, 26, 23], [3, 0, 41, 21, 22, 21]),
    *([3, 1, 22, 48, 16, 16], [4, 0, 9, 33, 17, 15], [4, 0, 12, 0, 22, 8], [4, 1, 5, 39, 19, 10]),
    *([5, 1, 57, 34, 14, 11], [5, 0, 11, 14, 20, 9], [5, 0, 58, 38, 20, 20], [6, 0, 28, 45, 20, 18]),
    *([6, 1, 1, 54, 10, 17], [7, 1, 54, 31, 19, 24], [8, 0, 48, 38, 11, 26], [8, 0, 58, 0, 27, 21]),
    *([9, 0, 56, 51, 20, 29], [10, 1, 57, 31, 27, 27], [10, 0, 22, 24, 23, 28], [10, 1, 44, 15, 25, 25]),
    [11, 1, 12, 17, 28, 25],
]
BOXES = [
    *([0, 1, 34, 40, 25, 23, 0.9], [0, 1, 2, 28, 25, 8, 0.7], [0, 1, 15, 62, 19, 20, 0.7], [1, 1, 28, 12, 23, 8, 0.5]),
    *(
        [1, 1, 59, 25, 25, 27, 0.3],
        [1, 1, 5, 11, 29, 23, 0.2],
        [2, 1, 22, 27, 11, 24, 0.2],
        [2, 1, 30, 53, 24, 23, 0.7],
    ),
    *(
        [3, 0, 38, 22, 21, 19, 0.2],
        [3, 1, 25, 48, 17, 16, 0.6],
        [4, 0, 11, 30, 16, 18, 0.9],
        [5, 0, 57, 36, 18, 21, 0.1],
    ),
    *([6, 0, 25, 42, 22, 17, 0.8], [6, 1, 3, 53, 7, 17, 0.4], [6, 1, 52, 3, 20, 14, 0.8], [7, 1, 57, 30, 22, 23, 0.1]),
    *(
        [8, 0, 60, -3, 29, 19, 0.3],
        [8, 0, 54, 21, 10, 11, 0.4],
        [9, 0, 53, 54, 18, 29, 0.2],
        [10, 1, 59, 33, 26, 30, 0.8],
    ),
    *([10, 0, 19, 22, 23, 28, 0.9], [10, 1, 45, 12, 26, 28, 0.9], [10, 0, 37, 23, 24, 12, 0.1]),
    [11, 1, 14, 18, 31, 25, 0.2],
]
# COCOeval(iouType="bbox") on these: mean over the 101 levels of recall, at an overlap of 0.5 and over all ten.
AP50 = [0.6448019801980198, 0.7872787278727854]
AP = [0.19385313531353127, 0.26258786592944955]


def logged(rows: list[list[Any]], *, images: int = 12) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = [[] for _ in range(images)]
    for image, label, x, y, width, height, *score in rows:
        box = {"class": "ab"[label], "box": [x, y, x + width, y + height]}
        found[image].append({**box, "score": score[0]} if score else box)
    return found


@pytest.fixture
def project(tmp_path: Path) -> cc.Project:
    project = cc.open(tmp_path / "p")
    project.log_model("base")
    project.log_model("small", base="base", operation=cc.Operation("quantize", bits=8))
    project.log_dataset("street", ids=range(12), labels=logged(OBJECTS))
    perfect = logged([[*row, 1.0] for row in OBJECTS])
    project.log_outputs("base", "street", ids=range(12), predictions=perfect)
    project.log_outputs("small", "street", ids=range(12), predictions=logged(BOXES))
    return project


def test_average_precision_is_that_of_cocos_own_code(project: cc.Project) -> None:
    found = project.behaviors("base", ["small"], "street", "detection_f1").detection.to_pylist()
    whole, *classes = found
    assert [row["class"] for row in classes] == ["a", "b"]
    assert [row["ap50"] for row in classes] == pytest.approx(AP50, abs=1e-6)
    assert [row["ap"] for row in classes] == pytest.approx(AP, abs=1e-6)
    assert (whole["class"], whole["num_objects"]) == (None, len(OBJECTS))
    assert whole["ap50"] == pytest.approx(np.mean(AP50), abs=1e-6)
    assert whole["base_ap50"] == pytest.approx(1.0)
    assert whole["difference"] == pytest.approx(np.mean(AP50) - 1, abs=1e-6)
    assert whole["ci_low"] < whole["difference"] < whole["ci_high"] < 0
    # Of the 25 objects, eight have a sure box that overlaps them by half (the one of image 1 by 0.62).
    assert (whole["lost"], whole["won"]) == (25 - sure_hits(), 0)


def sure_hits() -> int:
    """Counted box by box with plain numbers."""
    hits = 0
    for image, label, x, y, w, h in OBJECTS:
        for other, named, left, top, width, height, score in BOXES:
            if (image, label) != (other, named) or score < 0.5:
                continue
            across = min(x + w, left + width) - max(x, left)
            down = min(y + h, top + height) - max(y, top)
            shared = max(across, 0) * max(down, 0)
            hits += shared / (w * h + width * height - shared) >= 0.5
    return hits


def test_two_dogs_are_not_one(tmp_path: Path) -> None:
    dog = {"class": "dog", "box": [0, 0, 8, 8]}
    other = {"class": "dog", "box": [20, 20, 30, 30]}
    with cc.open(tmp_path / "p") as project:
        project.log_model("base")
        project.log_model("small", base="base", operation=cc.Operation("prune"))
        project.log_dataset("dogs", ids=["two", "none"], boxes=[[dog, other], []])
        project.log_outputs("base", "dogs", ids=["two", "none"], boxes=[[dog, other], []])
        project.log_outputs("small", "dogs", ids=["two", "none"], boxes=[[dog], [{**other, "score": 0.9}]])
        found = project.behaviors("base", ["small"], "dogs", "missed_objects")
        rows = {row["id"]: row for row in found.instances().to_pylist()}
        assert [rows[id]["missed_objects[small]"] for id in ("two", "none")] == [1, 0]
        assert [rows[id]["missed_objects[base]"] for id in ("two", "none")] == [0, 0]
        extra = found.using("false_positives").instances().to_pylist()
        assert [row["false_positives[small]"] for row in extra] == [0, 1]
        recall = found.using("detection_recall").instances().to_pylist()
        assert recall[0]["detection_recall[small]"] == 0.5 and np.isnan(recall[1]["detection_recall[small]"])
        f1 = found.using("detection_f1").instances().to_pylist()
        assert f1[0]["detection_f1[small]"] == pytest.approx(2 / 3)
        assert [row["detection_f1[base]"] for row in f1] == [1, 1]
        seen = found.boxes("two")
        assert [one["right"] for one in seen[""]] == [True, True]
        assert [one["right"] for one in seen["small"]] == [True]
        assert [one["right"] for one in found.boxes("none")["small"]] == [False]
        whole = found.detection.to_pylist()[0]
        # The sure box is right, so precision is 1 up to a recall of one half: 51 of the 101 levels.
        assert (whole["ap"], whole["ap50"]) == (pytest.approx(51 / 101), pytest.approx(51 / 101))
        assert (whole["base_ap"], whole["lost"], whole["won"]) == (1, 1, 0)


def test_of_four_boxes_one_finds_an_object(tmp_path: Path) -> None:
    with cc.open(tmp_path / "p") as project:
        project.log_model("base")
        project.log_model("small", base="base", operation=cc.Operation("prune"))
        there = {"class": "dog", "box": [0, 0, 10, 10]}
        project.log_dataset("d", ids=["i", "empty"], labels=[[there, {**there, "box": [50, 50, 60, 60]}], []])
        project.log_outputs("base", "d", ids=["i", "empty"], predictions=[[{**there, "score": 0.9}], []])
        boxes = [{"class": "dog", "box": [20 * i, 0, 20 * i + 10, 10], "score": 0.9} for i in range(4)]
        project.log_outputs("small", "d", ids=["i", "empty"], predictions=[boxes, boxes[:1]])
        expected = {
            "detection_precision": [0.25, 0.0],
            "detection_recall": [0.5, None],
            "detection_f1": [2 / (2 + 3 + 1), 0.0],
            "missed_objects": [1, 0],
            "false_positives": [3, 1],
        }
        for metric, values in expected.items():
            rows = project.behaviors("base", ["small"], "d", metric).instances().to_pylist()
            found = {row["id"]: row[f"{metric}[small]"] for row in rows}
            for id, value in zip(("i", "empty"), values, strict=True):
                assert found[id] == pytest.approx(np.nan if value is None else value, nan_ok=True), (metric, id)


def test_an_image_that_a_model_did_not_see_is_compared_by_no_number(project: cc.Project) -> None:
    project.log_model("half", base="base", operation=cc.Operation("prune"))
    project.log_outputs("half", "street", ids=range(6), predictions=logged(BOXES)[:6])
    found = project.behaviors("base", ["half"], "street", "detection_f1")
    assert found.summary.to_pylist()[0]["count"] == 6
    seen = sum(row[0] < 6 for row in OBJECTS)
    assert found.detection.to_pylist()[0]["num_objects"] == seen


@pytest.mark.parametrize(
    "box",
    [
        {"class": "dog", "box": [4, 0, 1, 8]},
        {"class": "dog", "box": [0, 0, 1]},
        {"class": "dog", "box": [0, 0, float("nan"), 1]},
        {"class": 1.5, "box": [0, 0, 1, 1]},
        {"class": "dog", "box": [0, 0, 1, 1], "score": 7},
        {"box": [0, 0, 1, 1]},
        "dog",
    ],
)
def test_what_is_no_box_is_refused_and_named(tmp_path: Path, box: Any) -> None:
    with cc.open(tmp_path / "p") as project:
        with pytest.raises(InvalidValue, match="box") as caught:
            project.log_dataset("d", ids=[0], boxes=[[box]])
        assert caught.value.code == "data.box" and "Instance 0" in caught.value.detail
        assert project.datasets() == []


def test_boxes_overlap_as_areas_do() -> None:
    unit = np.array([[0.0, 0, 2, 2]])
    others = np.array([[0.0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6], [1, 1, 1, 1]])
    assert geometry.overlaps(unit, others).tolist() == [[1, pytest.approx(1 / 7), 0, 0]]
    point = np.array([[1.0, 1, 1, 1]])
    assert geometry.overlaps(point, point).tolist() == [[0]]


def test_without_a_seed_the_draws_are_those_of_seed_zero(project: cc.Project) -> None:
    frame = project.behaviors("base", ["small"], "street", "detection_f1")._frame
    drawn = detection.corpus(frame, resamples=20)
    assert drawn.equals(detection.corpus(frame, resamples=20, seed=0))
    assert not drawn.equals(detection.corpus(frame, resamples=20, seed=1))


def test_the_interval_over_classes_is_that_of_their_means_in_each_resample() -> None:
    def row(count: int, ap: float | None, resampled: list[float]) -> detection._Row:
        numbers = dict.fromkeys(("ap", "base_ap", "ap50", "base_ap50", "difference"), ap)
        return detection._Row({"num_objects": count, **numbers, "lost": 2, "won": 1}, np.array(resampled))

    nan = np.nan
    rows = [row(3, 0.5, [0.25, nan, nan, 0.5]), row(1, 0.25, [0.75, nan, 0.5, 1.0]), row(0, None, [nan] * 4)]
    found = detection._mean(rows)
    # of the four draws the second has no object of any class
    low, high = np.quantile([0.5, 0.5, 0.75], [0.025, 0.975])
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((low, high))
    assert (found["num_objects"], found["ap"], found["difference"]) == (4, 0.375, 0.375)
    assert (found["lost"], found["won"]) == (6, 3)
    nothing = detection._mean(rows[2:])
    assert [nothing[name] for name in ("num_objects", "ap", "ci_low", "ci_high")] == [0, None, None, None]


def matched_by_hand(image: int, boxes: list[list[Any]], objects: list[list[Any]]) -> tuple[list[bool], list[bool]]:
    """Which boxes are right and which objects found: the surest first, each takes the free object it overlaps most."""
    ours, theirs = ([row for row in rows if row[0] == image] for rows in (boxes, objects))
    right, seen = [False] * len(ours), [False] * len(theirs)
    for at in sorted((at for at, box in enumerate(ours) if box[6] >= 0.5), key=lambda at: -float(ours[at][6])):
        _, label, left, top, width, height, _ = ours[at]
        best = (0.5, -1)
        for place, (_, named, x, y, w, h, *_) in enumerate(theirs):
            shared = max(min(x + w, left + width) - max(x, left), 0) * max(min(y + h, top + height) - max(y, top), 0)
            if named == label and not seen[place] and shared / (w * h + width * height - shared) >= best[0]:
                best = (shared / (w * h + width * height - shared), place)
        if best[1] >= 0:
            right[at] = seen[best[1]] = True
    return right, seen


@pytest.mark.parametrize("base", ["base", "small"])
def test_the_boxes_of_an_image_are_right_where_a_person_would_match_them(project: cc.Project, base: str) -> None:
    """Class by class, and only boxes with a score of a half."""
    model = "small" if base == "base" else "base"
    frame = project.behaviors(base, [model], "street", "detection_f1")._frame
    boxes = {"base": [[*row, 1.0] for row in OBJECTS], "small": BOXES}
    for image in range(12):
        found = detection.of_instance(frame, image)
        assert list(found) == ["", base, model]
        for name in (base, model):
            right, seen = matched_by_hand(image, boxes[name], OBJECTS)
            assert [one["right"] for one in found[name]] == right
            scores = [row[6] for row in boxes[name] if row[0] == image]
            assert [one["score"] for one in found[name]] == pytest.approx(scores, rel=1e-6)
            if name == base:
                assert [one["right"] for one in found[""]] == seen
        corners = [[x, y, x + w, y + h] for at, _, x, y, w, h in OBJECTS if at == image]
        assert [one["box"] for one in found[""]] == corners
