"""Boxes around objects: which boxes of a model find which objects, and the average precision that follows.

As COCO evaluates (Lin et al., "Microsoft COCO: Common Objects in Context", 2014, and its reference code): in each
image, the boxes of a class, surest first and at most 100, each take the free object of that class which they overlap
most, if the intersection over union reaches a threshold. Where boxes and objects have masks, it is that of the masks.
Crowds and sizes of objects are not told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .object_masks import ObjectMasks

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

SCORE = 0.5
"""From this score on a box counts as a detection, where single images and objects are counted."""
OVERLAP = 0.5
"""Intersection over union from which on a box finds an object, where single images and objects are counted."""
THRESHOLDS = np.round(np.arange(0.5, 1.0, 0.05), 2)
MOST_BOXES = 100
_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Boxes:
    """The boxes of all images, one after the other.

    Args:
        image: int64 ``[boxes]``, ascending: the place of the image.
        label: int64 ``[boxes]``, the place of the class.
        corners: float64 ``[boxes, 4]``: left, top, right, bottom.
        score: float64 ``[boxes]``; 1 for objects, and for boxes without a score.
        masks: of all boxes of the model, if they have some.
        mask: int64 ``[boxes]``, the place of each box's mask in them.
    """

    image: Places
    label: Places
    corners: Floats
    score: Floats
    masks: ObjectMasks | None = None
    mask: Places | None = None

    def __len__(self) -> int:
        return len(self.image)

    def where(self, chosen: Flags | Places | slice) -> Boxes:
        """Some of the boxes, by their places or by a yes or no for each."""
        mask = None if self.mask is None else self.mask[chosen]
        return Boxes(self.image[chosen], self.label[chosen], self.corners[chosen], self.score[chosen], self.masks, mask)

    def overlaps(self, objects: Boxes) -> Floats:
        """Intersection over union of the boxes with objects of the same image, of their masks if both have them.

        Returns:
            float64 ``[boxes, objects]``.
        """
        if self.masks is None or self.mask is None or objects.masks is None or objects.mask is None:
            return overlaps(self.corners, objects.corners)
        return self.masks.overlaps(objects.masks, of=(self.mask, objects.mask))


@dataclass(frozen=True)
class Matches:
    """Which boxes of one class are right, surest first.

    Args:
        image: int64 ``[boxes]``, of each box.
        right: bool ``[thresholds, boxes]``.
        found: bool ``[objects]``: the objects that some box finds at the first threshold, in their order.
        objects: int64 ``[objects]``, the image of each object.
    """

    image: Places
    right: Flags
    found: Flags
    objects: Places


def overlaps(boxes: Floats, objects: Floats) -> Floats:
    """Intersection over union ``[boxes, objects]`` of corners ``[·, 4]``; 0 where both are without area."""
    low = np.maximum(boxes[:, None, :2], objects[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], objects[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    total = _areas(boxes)[:, None] + _areas(objects)[None, :] - shared
    found: Floats = np.divide(shared, total, out=np.zeros_like(shared), where=total > 0)
    return found


def match(boxes: Boxes, objects: Boxes, *, label: int, thresholds: Sequence[float] | Floats = THRESHOLDS) -> Matches:
    """Pair the boxes of one class with its objects, at each threshold of overlap."""
    ours, theirs = boxes.where(boxes.label == label), objects.where(objects.label == label)
    found = np.zeros(len(theirs), bool)
    images, scores, rights = [], [], []
    starts = np.searchsorted(theirs.image, ours.image, "left")
    ends = np.searchsorted(theirs.image, ours.image, "right")
    for image in np.unique(ours.image):
        mine = _run(ours.image, image)
        mine = mine[np.argsort(-ours.score[mine], kind="stable")][:MOST_BOXES]
        first, last = int(starts[mine[0]]), int(ends[mine[0]])
        overlap = ours.where(mine).overlaps(theirs.where(slice(first, last)))
        taken = [_assigned(overlap, float(threshold)) for threshold in thresholds]
        found[first:last] |= np.isin(np.arange(last - first), taken[0])
        images.append(np.full(len(mine), image))
        scores.append(ours.score[mine])
        rights.append(np.stack([one >= 0 for one in taken]))
    if not images:
        return Matches(np.zeros(0, np.int64), np.zeros((len(thresholds), 0), bool), found, theirs.image)
    order = np.argsort(-np.concatenate(scores), kind="mergesort")
    right = np.concatenate(rights, axis=1)[:, order]
    return Matches(np.concatenate(images)[order].astype(np.int64), right, found, theirs.image)


def average_precision(matches: Matches, weights: NDArray[np.int64] | None = None) -> Floats:
    """Average precision at each threshold, from 101 levels of recall; NaN without objects.

    Args:
        matches: of one class.
        weights: int64 ``[images]``, how often each image counts: a resample of them.
    """
    count = len(matches.objects) if weights is None else int(weights[matches.objects].sum())
    if not count:
        return np.full(len(matches.right), np.nan)
    times = np.ones(len(matches.image)) if weights is None else weights[matches.image].astype(float)
    right = np.cumsum(matches.right * times, axis=1)
    all_boxes = np.cumsum(times)
    found = []
    for row in right:
        precision = np.divide(row, all_boxes, out=np.zeros_like(row), where=all_boxes > 0)
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        place = np.searchsorted(row / count, _RECALLS, side="left")
        found.append(np.append(envelope, 0.0)[np.minimum(place, len(envelope))].mean())
    return np.array(found)


def _areas(corners: Floats) -> Floats:
    areas: Floats = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    return areas


def _run(sorted_images: Places, image: int) -> Places:
    low, high = np.searchsorted(sorted_images, [image, image + 1])
    return np.arange(low, high)


def _assigned(overlap: Floats, threshold: float) -> Places:
    """The object that each box takes, −1 for none; of equal overlaps the last, as the reference code has it."""
    taken = np.full(len(overlap), -1, np.int64)
    free = np.ones(overlap.shape[1], bool)
    for box, row in enumerate(overlap):
        if not free.any():
            break
        best = np.where(free, row, -1.0)
        place = len(best) - 1 - int(np.argmax(best[::-1]))
        if best[place] >= min(threshold, 1 - 1e-10):
            taken[box], free[place] = place, False
    return taken
