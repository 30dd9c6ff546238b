"""Masks, which give every pixel of an image a class: as runs of equal pixels, laid over one another, and counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import InvalidValue

Classes = NDArray[np.int32]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

VOID = -100
"""The class of pixels that count for nothing, as torch's losses have it."""
MAX_PIXELS = 40_000_000
"""Of one mask."""


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

    def where(self, images: Flags) -> PixelMasks:
        """The masks of some of the images, the others as if they had none."""
        kept = images[self.image]
        heights, widths = np.where(images, self.heights, 0), np.where(images, self.widths, 0)
        return PixelMasks(heights, widths, self.image[kept], self.classes[kept], self.lengths[kept])

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


@dataclass(frozen=True)
class Overlay:
    """Runs in which several masks of an image are constant.

    Args:
        image: int64 ``[pieces]``, ascending.
        classes: int32 ``[masks, pieces]``.
        count: int64 ``[pieces]``, in pixels.
    """

    image: Counts
    classes: Classes
    count: Counts


def overlay(*masks: PixelMasks) -> Overlay:
    """Lay masks of the same images over one another; only images that have all of them are in it.

    Raises:
        InvalidValue: ``behaviors.not_comparable`` for masks of one image whose sizes differ.
    """
    known = np.logical_and.reduce([one.known for one in masks])
    chosen = [one.where(known) for one in masks]
    first = chosen[0]
    for one in chosen[1:]:
        differ = np.flatnonzero((one.heights != first.heights) | (one.widths != first.widths))
        if len(differ):
            place = differ[0]
            sizes = [f"{int(each.heights[place]):,} x {int(each.widths[place]):,}" for each in (first, one)]
            raise InvalidValue(
                "behaviors.not_comparable",
                "PixelMasks of one image have different sizes: they are not compared.",
                detail=f"Image {int(place)}: {sizes[0]} and {sizes[1]} pixels.",
            )
    ends = [np.cumsum(one.lengths) for one in chosen]
    every = np.unique(np.concatenate(ends))
    places = [np.searchsorted(end, every, side="left") for end in ends]
    classes = np.stack([one.classes[place] for one, place in zip(chosen, places, strict=True)])
    return Overlay(first.image[places[0]], classes, np.diff(every, prepend=0))


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
    pieces = overlay(label, answer)
    counted = pieces.classes[0] >= 0
    image, count = pieces.image[counted], pieces.count[counted]
    wanted, given = pieces.classes[:, counted].astype(np.int64)
    size = int(max(wanted.max(initial=0), given.max(initial=0))) + 1
    answered = given >= 0
    keys = np.concatenate([image * size + wanted, (image * size + given)[answered]])
    distinct, places = np.unique(keys, return_inverse=True)
    of_label, of_answer = places[: len(image)], places[len(image) :]
    right = wanted == given

    def total(cell: Counts, pixels: Counts) -> NDArray[np.float64]:
        return summed(cell, pixels, size=len(distinct))

    return Cells(
        distinct // size,
        distinct % size,
        total(of_label[right], count[right]),
        total(of_label, count),
        total(of_answer, count[answered]),
    )


def summed(places: NDArray[np.int64], values: Counts | NDArray[np.float64], *, size: int) -> NDArray[np.float64]:
    """Sums of the values at each place, float64 ``[size]``."""
    return np.bincount(places, weights=values, minlength=size).astype(np.float64)
