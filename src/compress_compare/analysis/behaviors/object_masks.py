"""Masks of objects, one for each box: runs of pixels column by column, as COCO writes them, and how much they overlap.

A mask is what pycocotools calls an uncompressed RLE: the lengths of runs outside and inside the object by turns, the
first one outside, over the pixels of the first column from the top, then of the second, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import InvalidValue

Places = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ObjectMasks:
    """The masks of all objects, or of all boxes of a model, in their order.

    Args:
        heights: int64 ``[masks]``, of the image, in pixels.
        widths: int64 ``[masks]``.
        first: int64 ``[masks + 1]``: the place of each mask's first run in ``starts``, and the number of all runs.
        starts: int64 ``[runs]``: the first pixel of each run inside the object, counted column by column.
        ends: int64 ``[runs]``: the pixel behind the last one of the run.
    """

    heights: Places
    widths: Places
    first: Places
    starts: Places
    ends: Places

    @classmethod
    def read(cls, column: pa.Array) -> ObjectMasks:
        """The masks of a column as the store has them: for each image its size and the runs of each mask.

        Raises:
            InvalidValue: ``data.mask`` for a mask whose runs do not fill its image, or are not as long as they can be.
        """
        each = pc.struct_field(column, "counts")
        number = pc.list_value_length(each).fill_null(0).to_numpy(zero_copy_only=False)
        sides = (pc.struct_field(column, side).fill_null(0).to_numpy(zero_copy_only=False) for side in SIDES)
        heights, widths = (np.repeat(side.astype(np.int64), number) for side in sides)
        lists = pc.list_flatten(each)
        of_mask = pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False)
        counts = pc.list_flatten(lists).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        before = np.concatenate([[0], np.cumsum(of_mask)]).astype(np.int64)
        mask = np.repeat(np.arange(len(of_mask)), of_mask)
        turn = np.arange(len(counts)) - before[mask]
        filled = np.concatenate([[0], np.cumsum(counts)])
        whole = np.array_equal(filled[before[1:]] - filled[before[:-1]], heights * widths) and bool((of_mask > 0).all())
        if not whole or (counts < 0).any() or ((counts == 0) & (turn > 0)).any():
            raise InvalidValue("data.mask", "A mask of an object is damaged: its runs do not fill its image.")
        ends = filled[1:] - filled[before[mask]]
        inside = turn % 2 == 1
        first = np.concatenate([[0], np.cumsum(of_mask // 2)]).astype(np.int64)
        return cls(heights, widths, first, (ends - counts)[inside], ends[inside])

    def __len__(self) -> int:
        return len(self.heights)

    @cached_property
    def areas(self) -> Floats:
        """float64 ``[masks]``, pixels inside each object."""
        inside = np.concatenate([[0], np.cumsum(self.ends - self.starts)])
        areas: Floats = (inside[self.first[1:]] - inside[self.first[:-1]]).astype(np.float64)
        return areas

    def rle(self, place: int) -> dict[str, Any]:
        """One mask as COCO writes it: ``size`` (height, width) and ``counts``, not compressed."""
        height, width = int(self.heights[place]), int(self.widths[place])
        runs = slice(*self.first[place : place + 2])
        edges = np.stack([self.starts[runs], self.ends[runs]], axis=1).ravel()
        counts = np.diff(np.concatenate([[0], edges, [height * width]]))
        kept = counts[:-1] if counts[-1] == 0 else counts
        return {"size": [height, width], "counts": kept.tolist()}

    def overlaps(self, objects: ObjectMasks, *, of: tuple[Places, Places]) -> Floats:
        """Intersection over union of some masks with some of ``objects``; 0 where both are without pixels.

        Args:
            objects: of images of the same sizes.
            of: int64 ``[masks]``, places in these masks, and int64 ``[objects]``, places in ``objects``.

        Returns:
            float64 ``[masks, objects]``.
        """
        mine, theirs = of
        number = np.diff(objects.first)[theirs]
        owner = np.repeat(np.arange(len(theirs)), number)
        runs = np.arange(len(owner)) + np.repeat(objects.first[theirs] - np.cumsum(number) + number, number)
        starts, ends = objects.starts[runs], objects.ends[runs]
        shared = np.zeros((len(mine), len(theirs)))
        for row, place in enumerate(mine):
            edges, inside = self._inside(place)
            if len(edges):
                covered = np.interp(ends, edges, inside) - np.interp(starts, edges, inside)
                shared[row] = np.bincount(owner, weights=covered, minlength=len(theirs))
        total = self.areas[mine][:, None] + objects.areas[theirs][None, :] - shared
        found: Floats = np.divide(shared, total, out=np.zeros_like(shared), where=total > 0)
        return found

    def _inside(self, place: int) -> tuple[Floats, Floats]:
        """The pixels at which runs inside the object start and end, and how many are inside up to there."""
        runs = slice(*self.first[place : place + 2])
        starts, ends = self.starts[runs].astype(np.float64), self.ends[runs].astype(np.float64)
        inside = np.cumsum(ends - starts)
        up_to = np.stack([inside - (ends - starts), inside], axis=1).ravel()
        return np.stack([starts, ends], axis=1).ravel(), up_to


SIDES = ("height", "width")


def pixels(mask: Mapping[str, Any], *, step: int = 1) -> NDArray[np.bool_]:
    """The pixels of a mask as COCO writes it, bool ``[height, width]``, or of every ``step``-th line and column."""
    height, width = mask["size"]
    edges = np.cumsum(mask["counts"])
    columns, rows = np.arange(0, width, step), np.arange(0, height, step)
    runs = np.searchsorted(edges, columns[None, :] * height + rows[:, None], side="right")
    inside: NDArray[np.bool_] = runs % 2 == 1
    return inside


def counts_of(inside: NDArray[np.bool_]) -> NDArray[np.int32]:
    """The runs of pixels outside and inside of bool ``[height, width]``, column by column, the first one outside."""
    flat = inside.ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0] if flat[:1].any() else [], changes, [flat.size]])
    return np.diff(edges, prepend=0).astype(np.int32)
