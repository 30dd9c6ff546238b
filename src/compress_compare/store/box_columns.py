"""Columns of boxes: what a detector was to find, or found, in each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from ..analysis.behaviors.boxes import SCORE
from ..errors import InvalidValue

CORNERS = ("x0", "y0", "x1", "y1")
BOX = pa.struct([("class", pa.string()), *((name, pa.float32()) for name in CORNERS), ("score", pa.float32())])
MAX_BOXES = 10_000
"""In one image."""


def are_boxes(values: Any) -> bool:
    """Whether the first instance that has something has a list of mappings with a ``box``."""
    if isinstance(values, np.ndarray | pa.Array | pa.ChunkedArray) or hasattr(values, "detach"):
        return False
    first = next((row for row in values if isinstance(row, list | tuple) and row), None)
    return first is not None and isinstance(first[0], Mapping) and "box" in first[0]


def box_column(values: Sequence[Any]) -> pa.Array:
    """``[N]`` lists of boxes.

    Args:
        values: for each instance a list of ``{"class": name, "box": [left, top, right, bottom], "score": s}`` in
            pixels, the score being 1 where there is none; ``None`` where nothing is known.

    Raises:
        InvalidValue: ``data.box`` naming the first that is no box.
    """
    return pa.array([None if row is None else _boxes(row, i) for i, row in enumerate(values)], pa.list_(BOX))


def classes_in(column: pa.Array) -> pa.Array:
    """The classes in each image, each once and sorted, of boxes that count as detections."""
    rows = column.to_pylist()
    sets = [None if row is None else sorted({box["class"] for box in row if box["score"] >= SCORE}) for row in rows]
    return pa.array(sets, pa.list_(pa.string()))


def _boxes(row: Any, position: int) -> list[dict[str, Any]]:
    if not isinstance(row, list | tuple) or len(row) > MAX_BOXES:
        detail = f"Instance {position} has a {type(row).__name__}; it takes a list of at most {MAX_BOXES:,} boxes."
        raise InvalidValue("data.box", "The boxes are not a list for each instance.", detail=detail)
    return [_box(one, position) for one in row]


def _box(one: Any, position: int) -> dict[str, Any]:
    try:
        corners = [float(value) for value in one["box"]]
        score = float(one.get("score", 1.0))
        named = one["class"]
        whole = isinstance(named, str | int | np.integer) and not isinstance(named, bool)
        left, top, right, bottom = corners
        fits = whole and np.isfinite([*corners, score]).all() and left <= right and top <= bottom and 0 <= score <= 1
    except (TypeError, KeyError, ValueError, AttributeError):
        fits = False
    if not fits:
        raise InvalidValue(
            "data.box",
            "What is given as a box is none.",
            detail=f"Instance {position}: {one!r}"[:200],
            hint='A box is {"class": "dog", "box": [left, top, right, bottom]}, with a "score" of 0 to 1 if found.',
        )
    return dict(chain([("class", str(named))], zip(CORNERS, corners, strict=True), [("score", score)]))
