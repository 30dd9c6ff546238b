"""Masks, which give every pixel of an image a class: as runs of equal pixels, and counted beside one another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ... import progress
from ...errors import InvalidValue

Classes = NDArray[np.int32]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

VOID = -100
"""The class of pixels that count for nothing, as torch's losses have it."""
MAX_PIXELS = 40_000_000
"""Of one mask."""
STEP = 16
"""Images between two looks at whether the answer is still wanted."""


def run_lengths(classes: Classes) -> tuple[Classes, NDArray[np.int32]]:
    """The runs of equal pixels of a mask ``[height, width]``, line by line, each as long as it can be.

    Returns:
        The class and the number of pixels of each run, ``[runs]``.
    """
    flat = classes.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    return flat[starts], np.diff(np.append(starts, flat.size)).astype(np.int32)


@dataclass(frozen=True)
class PixelMasks:
    """The masks of all images, run by run.

    Args:
        heights: int64 ``[images]``, 0 where an image has no mask.
        widths: int64 ``[images]``.
        image: int64 ``[runs]``, ascending: the place of the image.
        classes: int32 ``[runs]``.
        lengths: int64 ``[runs]``, in pixels.
    """

    heights: Counts
    widths: Counts
    image: Counts
    classes: Classes
    lengths: Counts

    @classmethod
    def read(cls, column: pa.Array) -> PixelMasks:
        """The masks of a column as the store has them.

        Raises:
            InvalidValue: ``data.mask`` if the runs of a mask do not fill it.
        """
        heights, widths, classes, lengths = column.flatten()
        high, wide = (one.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64) for one in (heights, widths))
        pixels = pc.list_flatten(lengths).to_numpy(zero_copy_only=False).astype(np.int64)
        image = pc.list_parent_indices(lengths).to_numpy(zero_copy_only=False).astype(np.int64)
        found = pc.list_flatten(classes).to_numpy(zero_copy_only=False)
        filled = np.bincount(image, weights=pixels, minlength=len(column))
        if len(found) != len(pixels) or (pixels < 1).any() or not np.array_equal(filled, high * wide):
            raise InvalidValue("data.mask", "A stored mask is damaged: its runs do not fill it.")
        return cls(high, wide, image, found, pixels)

    @property
    def known(self) -> Flags:
        """``[images]``: whether the image has a mask."""
        known: Flags = self.heights > 0
        return known

    def pixels(self, place: int) -> Classes | None:
        """The mask of one image, int32 ``[height, width]``; ``None`` if it has none.

        Raises:
            InvalidValue: ``data.mask`` for one of more pixels than a mask may have.
        """
        height, width = int(self.heights[place]), int(self.widths[place])
        if not height:
            return None
        if height * width > MAX_PIXELS:
            found = f"A stored mask has {height * width:,} pixels; the limit is {MAX_PIXELS:,}."
            raise InvalidValue("data.mask", found)
        low, high = np.searchsorted(self.image, [place, place + 1])
        mask: Classes = np.repeat(self.classes[low:high], self.lengths[low:high]).reshape(height, width)
        return mask


def together(*masks: PixelMasks) -> Iterator[tuple[int, list[Classes]]]:
    """The masks of each image that has all of them: the place of the image, and the class of each pixel, line by line.

    Pixels that are void in the first, the label, are left out.

    Raises:
        InvalidValue: ``behaviors.not_comparable`` for masks of one image whose sizes differ.
    """
    for place in np.flatnonzero(np.logical_and.reduce([one.known for one in masks])).tolist():
        if place % STEP == 0:
            progress.step("Comparing masks", place, total=len(masks[0].heights))
        found = [one.pixels(place) for one in masks]
        whole = [mask for mask in found if mask is not None]
        sizes = [f"{mask.shape[0]:,} x {mask.shape[1]:,}" for mask in whole]
        if len(set(sizes)) > 1:
            raise InvalidValue(
                "behaviors.not_comparable",
                "Masks of one image have different sizes: they are not compared.",
                detail=f"Image {place}: {' and '.join(dict.fromkeys(sizes))} pixels.",
            )
        counted = whole[0] >= 0
        yield place, [mask[counted] for mask in whole]


@dataclass(frozen=True)
class Cells:
    """The pixels of each image and class that the label or the answer has there; void pixels of the label left out.

    Args:
        image: int64 ``[cells]``, ascending.
        label: int64 ``[cells]``, the class.
        shared: float64 ``[cells]``, pixels of the class in label and answer.
        wanted: float64 ``[cells]``, pixels of the class in the label.
        given: float64 ``[cells]``, pixels of the class in the answer.
    """

    image: Counts
    label: Counts
    shared: NDArray[np.float64]
    wanted: NDArray[np.float64]
    given: NDArray[np.float64]

    @property
    def union(self) -> NDArray[np.float64]:
        """float64 ``[cells]``, pixels of the class in label or answer."""
        return self.wanted + self.given - self.shared


def cells(label: PixelMasks, answer: PixelMasks) -> Cells:
    """Count the pixels of label and answer by image and class."""
    images, classes, counts = [], [], []
    for place, (wanted, given) in together(label, answer):
        size = 1 + int(max(wanted.max(initial=0), given.max(initial=0)))
        each = (wanted[wanted == given], wanted, given[given >= 0])
        found = np.stack([np.bincount(pixels, minlength=size) for pixels in each])
        there = np.flatnonzero(found[1] + found[2])
        images.append(np.full(len(there), place, np.int64))
        classes.append(there.astype(np.int64))
        counts.append(found[:, there].astype(np.float64))
    empty = np.zeros(0, np.int64)
    shared, wholly, told = np.concatenate([np.zeros((3, 0)), *counts], axis=1)
    return Cells(np.concatenate([empty, *images]), np.concatenate([empty, *classes]), shared, wholly, told)


def summed(places: NDArray[np.int64], values: Counts | NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """Sums of the values at each place, float64 ``[size]``."""
    return np.bincount(places, weights=values, minlength=size).astype(np.float64)
