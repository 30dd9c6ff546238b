"""Boxes and objects matched and counted by hand; all of it together is compared with COCO's code in test_detection."""

from __future__ import annotations

import numpy as np
import pytest

from compress_compare.analysis.behaviors import boxes as geometry
from compress_compare.analysis.behaviors.boxes import Boxes, Matches


def boxes(*rows: tuple[int, int, float, float], score: tuple[float, ...] = ()) -> Boxes:
    """Boxes from the left to the right end and of height one: image, class, left, right."""
    corners = np.array([[left, 0, right, 1] for *_, left, right in rows], float).reshape(-1, 4)
    places = [np.array([row[at] for row in rows], np.int64) for at in (0, 1)]
    return Boxes(*places, corners, np.array(score or [1.0] * len(rows)))


def test_overlaps_of_rectangles() -> None:
    ours = np.array([[0.0, 0, 4, 4], [0, 0, 4, 2], [-2, -2, 2, 2]])
    theirs = np.array([[2.0, 0, 6, 4], [0, 0, 2, 2], [4, 0, 8, 4], [1, 1, 1, 3]])
    # shared 8, 4, 0, 0 of 24, 16, 32, 16; 4, 4, 0, 0 of 20, 8, 24, 8; 0, 4, 0, 0 of 32, 16, 32, 16
    assert geometry.overlaps(ours, theirs) == pytest.approx(
        np.array([[1 / 3, 1 / 4, 0, 0], [1 / 5, 1 / 2, 0, 0], [0, 1 / 4, 0, 0]])
    )
    assert geometry.overlaps(ours[:0], theirs).shape == (0, 4)


@pytest.mark.parametrize(("right", "is_right"), [(2.0, True), (2.01, False), (0.5, True), (0.49, False)])
def test_a_box_finds_what_it_overlaps_by_half(right: float, is_right: bool) -> None:
    found = geometry.match(boxes((0, 0, 0, right)), boxes((0, 0, 0, 1)), label=0, thresholds=[0.5])
    assert (found.right.tolist(), found.found.tolist()) == ([[is_right]], [is_right])


def test_a_threshold_of_one_is_reached_by_the_same_box() -> None:
    found = geometry.match(boxes((0, 0, 0, 1)), boxes((0, 0, 0, 1)), label=0, thresholds=[1.0, 0.5])
    assert found.right.tolist() == [[True], [True]]
    nearly = geometry.match(boxes((0, 0, 0, 1 - 1e-11)), boxes((0, 0, 0, 1)), label=0, thresholds=[1.0])
    assert nearly.right.tolist() == [[True]]
    less = geometry.match(boxes((0, 0, 0, 1 - 1e-9)), boxes((0, 0, 0, 1)), label=0, thresholds=[1.0])
    assert less.right.tolist() == [[False]]


def test_the_surest_box_takes_the_object_that_it_overlaps_most() -> None:
    objects = boxes((0, 0, 0, 10), (0, 0, 4, 14))
    # the first overlaps 9/10 and 5/14; the second, less sure, 7/12 and 8/11; the third all of the first object and 6/14
    ours = boxes((0, 0, 0, 9), (0, 0, 3, 12), (0, 0, 0, 10), score=(0.9, 0.8, 0.7))
    found = geometry.match(ours, objects, label=0, thresholds=[0.5, 0.75, 0.95])
    assert found.right.tolist() == [[True, True, False], [True, False, False], [False, False, True]]
    assert found.found.tolist() == [True, True]


def test_of_equal_overlaps_the_last_object_is_taken() -> None:
    objects = boxes((0, 0, 0, 1), (0, 0, 0, 1), (0, 0, 5, 6))
    found = geometry.match(boxes((0, 0, 0, 1)), objects, label=0, thresholds=[0.5])
    assert found.found.tolist() == [False, True, False]


def test_images_and_classes_are_kept_apart_and_the_surest_of_all_images_comes_first() -> None:
    objects = boxes((0, 0, 0, 1), (0, 1, 0, 1), (2, 0, 0, 1))
    ours = boxes((0, 0, 0, 1), (0, 1, 0, 1), (1, 0, 0, 1), (2, 0, 5, 6), (2, 0, 0, 1), score=(0.5, 0.9, 0.7, 0.8, 0.6))
    found = geometry.match(ours, objects, label=0, thresholds=[0.5])
    assert found.image.tolist() == [2, 1, 2, 0]
    assert found.right.tolist() == [[False, False, True, True]]
    assert (found.found.tolist(), found.objects.tolist()) == ([True, True], [0, 2])
    none = geometry.match(ours, objects, label=5)
    assert (none.image.size, none.right.shape, none.found.size, none.objects.size) == (0, (10, 0), 0, 0)
    missed = geometry.match(ours.where(np.zeros(5, bool)), objects, label=0, thresholds=[0.5])
    assert (missed.right.shape, missed.found.tolist(), missed.objects.tolist()) == ((1, 0), [False, False], [0, 2])


@pytest.mark.parametrize(("count", "is_found"), [(99, True), (100, False)])
def test_at_most_a_hundred_boxes_of_an_image_and_class_count(count: int, is_found: bool) -> None:
    ours = boxes(*[(0, 0, 5, 6)] * count, (0, 0, 0, 1), score=(*[0.9] * count, 0.8))
    found = geometry.match(ours, boxes((0, 0, 0, 1)), label=0, thresholds=[0.5])
    assert (found.right.shape, found.found.tolist()) == ((1, 100), [is_found])


def matches(right: list[list[bool]], images: list[int], *, objects: list[int]) -> Matches:
    return Matches(np.array(images), np.array(right), np.zeros(len(objects), bool), np.array(objects))


def test_average_precision_of_hits_and_misses() -> None:
    # right, wrong, right of two objects: precision 1 up to a recall of 0.5 (51 levels), then 2/3 (50 levels)
    found = geometry.average_precision(matches([[True, False, True], [False, False, True]], [0, 1, 1], objects=[0, 1]))
    assert found == pytest.approx([(51 + 50 * 2 / 3) / 101, 51 / 3 / 101])
    assert geometry.average_precision(matches([[True]], [0], objects=[0, 0, 0])) == pytest.approx([34 / 101])
    assert np.isnan(geometry.average_precision(matches([[False], [False]], [0], objects=[]))).all()
    assert geometry.average_precision(matches([[False]], [0], objects=[0])) == [0]
    assert geometry.average_precision(
        Matches(np.zeros(0, int), np.zeros((1, 0), bool), np.zeros(1), np.zeros(1, int))
    ) == [0]


def test_images_that_are_drawn_twice_count_twice() -> None:
    right, images, objects = [[True, False, True]], [0, 1, 2], [0, 1, 2, 2]
    weights = np.array([2, 1, 0])
    plain = matches([[True, True, False]], [0, 0, 1], objects=[0, 0, 1])
    weighted = geometry.average_precision(matches(right, images, objects=objects), weights)
    assert weighted == pytest.approx(geometry.average_precision(plain))
    assert np.isnan(geometry.average_precision(matches(right, images, objects=[1]), np.array([1, 0, 1]))).all()
