"""Columns of masks of objects, one for each box: arrays or COCO's run lengths (RLE), stored as runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .. import checks
from ..analysis.behaviors.masks import MAX_PIXELS
from ..analysis.behaviors.object_masks import ObjectMasks, counts_of
from ..errors import InvalidValue

OBJECT_MASKS = pa.struct(
    [("height", pa.int32()), ("width", pa.int32()), ("counts", pa.list_(pa.list_(pa.int32())))],
)
"""Of one image; ``counts`` has the runs of each mask, column by column, outside and inside by turns."""
INSIDE = 0.5
"""From this probability on a pixel is inside an object."""
_LONGEST = 7
"""Characters of one run in COCO's string, of five bits each."""

Counts = NDArray[np.int64]
Size = tuple[int, int]


def carried(rows: Sequence[Any]) -> list[Any] | None:
    """The masks that boxes have as ``"mask"``, for each image; ``None`` if no box has one.

    Raises:
        InvalidValue: ``data.mask`` where only some boxes of an image have one.
    """
    each = [None if row is None else [box["mask"] for box in row if box.get("mask") is not None] for row in rows]
    if not any(each):
        return None
    for position, (masks, row) in enumerate(zip(each, rows, strict=True)):
        if masks and len(masks) != len(row):
            raise _refused(f"Of the {len(row):,} boxes of instance {position}, only {len(masks):,} have a mask.")
    return [masks if masks or not row else None for masks, row in zip(each, rows, strict=True)]


def object_mask_column(values: Any, *, boxes: pa.Array) -> pa.Array:
    """``[N]`` images with a mask for each box.

    Args:
        values: for each instance a mask for each of its boxes, in their order: an array ``[boxes, height, width]`` of
            yes and no, 0 and 1 or probabilities, or a list of such arrays ``[height, width]`` or of mappings with
            ``size`` and ``counts``, as pycocotools writes them, compressed or not; ``None`` where nothing is known. A
            column that was made here is checked again.
        boxes: ``[N]`` lists of boxes.

    Raises:
        InvalidValue: ``data.mask`` or ``data.too_large`` naming the first that does not fit.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray) and values.type == OBJECT_MASKS:
        column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    else:
        rows = checks.items(values, "The masks of objects")
        column = _column([None if row is None else _image(row, position) for position, row in enumerate(rows)])
    _check(column, boxes)
    return column


def parts(column: pa.Array) -> list[np.ndarray[Any, Any]]:
    """What a fingerprint is made of."""
    height, width, each = column.flatten()
    lists = pc.list_flatten(each)
    found = [height.fill_null(0), width.fill_null(0), pc.list_value_length(each).fill_null(0)]
    found += [pc.list_value_length(lists), pc.list_flatten(lists)]
    return [one.to_numpy(zero_copy_only=False) for one in found]


def _column(images: Sequence[tuple[Size, list[Counts]] | None]) -> pa.Array:
    masks = [mask for image in images if image is not None for mask in image[1]]
    ends = np.cumsum([0, *(len(mask) for mask in masks)])
    if ends[-1] > np.iinfo(np.int32).max:
        raise InvalidValue("data.too_large", "The masks of objects have too many runs of pixels for one dataset.")
    counts = pa.array(np.concatenate([np.zeros(0, np.int64), *masks]), pa.int32())
    runs = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), counts)
    number = np.cumsum([0, *(0 if image is None else len(image[1]) for image in images)])
    lists = pa.ListArray.from_arrays(pa.array(number, pa.int32()), runs)
    sides = [pa.array([0 if image is None else image[0][at] for image in images], pa.int32()) for at in (0, 1)]
    missing = pa.array([image is None for image in images], pa.bool_())
    return pa.StructArray.from_arrays([*sides, lists], fields=list(OBJECT_MASKS), mask=missing)


def _image(row: Any, position: int) -> tuple[Size, list[Counts]]:
    """Height and width of an image, 0 where there is no mask to tell, and the runs of each mask."""
    if hasattr(row, "detach"):
        row = row.detach().cpu().numpy()
    if isinstance(row, np.ndarray) and row.dtype != object:
        row = row[:, 0] if row.ndim == 4 and row.shape[1] == 1 else row
        if row.ndim != 3:
            raise _refused(f"The masks of instance {position} are {row.shape}; they are [boxes, height, width].")
        if len(row) == 0:
            _check_size(row.shape[1:], f"The mask of instance {position}")
            return (row.shape[1], row.shape[2]), []
    elif not isinstance(row, list | tuple | np.ndarray):
        raise _refused(f"The masks of instance {position} are a {type(row).__name__}, not an array or a list.")
    found = [_mask(one, f"Mask {place} of instance {position}") for place, one in enumerate(row)]
    sizes = {size for size, _ in found}
    if len(sizes) > 1:
        said = " and ".join(f"{height:,} x {width:,}" for height, width in sorted(sizes)[:2])
        raise _refused(f"The masks of instance {position} have different sizes: {said}.")
    return (sizes.pop() if sizes else (0, 0)), [counts for _, counts in found]


def _mask(mask: Any, what: str) -> tuple[Size, Counts]:
    if isinstance(mask, Mapping):
        return _coded(mask, what)
    if hasattr(mask, "detach"):
        mask = mask.detach().cpu().numpy()
    try:
        array = np.asarray(mask)
    except ValueError as error:
        raise _refused(f"{what} has lines of different lengths.") from error
    array = array[0] if array.ndim == 3 and len(array) == 1 else array
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "biuf":
        raise _refused(f"{what} is {array.dtype} of the shape {array.shape}; it is [height, width] of yes and no.")
    _check_size(array.shape, what)
    if array.dtype.kind == "f" and not ((array >= 0) & (array <= 1)).all():
        raise _refused(f"{what} has numbers that are not from 0 to 1.")
    if array.dtype.kind in "iu" and not ((array == 0) | (array == 1)).all():
        raise _refused(f"{what} has numbers other than 0 and 1.")
    return (array.shape[0], array.shape[1]), counts_of(array >= INSIDE).astype(np.int64)


def _coded(mask: Mapping[str, Any], what: str) -> tuple[Size, Counts]:
    """A mask that is written as COCO does."""
    try:
        height, width = (int(side) for side in mask["size"])
        counts = mask["counts"]
    except (TypeError, KeyError, ValueError) as error:
        raise _refused(f"{what} has no size (height, width) and counts.") from error
    if height < 1 or width < 1:
        raise _refused(f"{what} is of {height:,} x {width:,} pixels.")
    _check_size((height, width), what)
    if isinstance(counts, str | bytes):
        runs = _decompressed(counts if isinstance(counts, bytes) else counts.encode("utf-8"), what)
    else:
        runs = np.asarray(counts)
        if runs.ndim != 1 or (runs.dtype.kind not in "iu" and runs.size):
            raise _refused(f"{what} has counts that are no list of whole numbers.")
    if len(runs) == 0 or (runs < 0).any() or (runs > height * width).any() or int(runs.sum()) != height * width:
        found = f"Its runs do not fill {height:,} x {width:,} pixels."
        raise InvalidValue("data.mask", f"{what} is damaged.", detail=found, hint=_HINT)
    return (height, width), _merged(runs.astype(np.int64))


def _decompressed(text: bytes, what: str) -> Counts:
    """The runs that COCO's string holds: five bits a character, the lowest first, then whether more follow; from the
    fourth run on, minus the run before the last."""
    codes = np.frombuffer(text, np.uint8).astype(np.int64) - 48
    more = codes & 32 > 0
    first = np.flatnonzero(np.concatenate([[True], ~more[:-1]]))[: len(codes)]
    length = np.diff(np.append(first, len(codes)))
    if len(codes) == 0 or more[-1] or (codes < 0).any() or (codes > 63).any() or length.max() > _LONGEST:
        raise InvalidValue("data.mask", f"{what} is damaged.", detail="Its counts are no string of COCO.", hint=_HINT)
    place = np.arange(len(codes)) - np.repeat(first, length)
    runs = np.add.reduceat((codes & 31) << (5 * place), first)
    negative = codes[first + length - 1] & 16 > 0
    runs[negative] -= 1 << (5 * length[negative])
    for turn in (1, 2):
        runs[turn::2] = np.cumsum(runs[turn::2])
    found: Counts = runs
    return found


def _merged(runs: Counts) -> Counts:
    """Runs as long as they can be: only the first may be empty."""
    inside = np.arange(len(runs)) % 2 == 1
    inside, runs = inside[runs > 0], runs[runs > 0]
    first = np.flatnonzero(np.concatenate([[True], inside[1:] != inside[:-1]]))
    return np.concatenate([np.zeros(int(inside[0]), np.int64), np.add.reduceat(runs, first)])


def _check(column: pa.Array, boxes: pa.Array) -> None:
    """Refuse masks that are not as many as boxes, too large or damaged."""
    if len(column) != len(boxes):
        raise _refused(f"There are masks of {len(column):,} instances, and boxes of {len(boxes):,}.")
    number = pc.list_value_length(pc.struct_field(column, "counts"))
    if number.null_count != column.null_count:
        raise InvalidValue("data.mask", "A mask of an object is damaged: it has no runs.")
    there = pc.list_value_length(boxes).fill_null(0)
    wrong = pc.fill_null(pc.not_equal(number, there), False)
    if pc.any(wrong).as_py():
        place = pc.index(wrong, True).as_py()
        raise _refused(
            f"Instance {place} has {number[place].as_py():,} masks of objects and {there[place].as_py():,} boxes."
        )
    sides = (pc.struct_field(column, side).fill_null(0).to_pylist() for side in ("height", "width"))
    for size in zip(*sides, strict=True):
        _check_size(size, "A mask of an object")
    ObjectMasks.read(column)


def _check_size(size: Sequence[int], what: str) -> None:
    if size[0] * size[1] > MAX_PIXELS or min(size) < 0:
        found = f"It is {size[0]:,} x {size[1]:,}; the limit is {MAX_PIXELS:,} pixels."
        raise InvalidValue("data.too_large", f"{what} has too many pixels.", detail=found)


_HINT = "pycocotools.mask.encode writes such masks; COCO.annToRLE makes one of a polygon."


def _refused(said: str) -> InvalidValue:
    hint = "Each box has one mask: an array [height, width] of yes and no, or COCO's run lengths (size and counts)."
    return InvalidValue("data.mask", said, hint=hint)
