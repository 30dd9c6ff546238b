"""Columns of masks: the class of every pixel of an image, as runs of equal pixels, which are the same wherever made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import checks
from ..analysis.behaviors.masks import MAX_PIXELS, VOID, Classes, PixelMasks, run_lengths
from ..errors import InvalidValue

MASK = pa.struct(
    [
        ("height", pa.int32()),
        ("width", pa.int32()),
        ("classes", pa.list_(pa.int32())),
        ("lengths", pa.list_(pa.int32())),
    ]
)
MAX_CLASS = 65_535


def are_masks(values: Any) -> bool:
    """Whether the values are an array [images, height, width], or the first that is there is one [height, width]."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return bool(values.type == MASK)
    if hasattr(values, "ndim"):
        return int(values.ndim) == 3
    return isinstance(values, list) and getattr(next((one for one in values if one is not None), None), "ndim", 0) == 2


def mask_column(values: Any, *, void: int | None = None, names: Sequence[Any] | None = None) -> pa.Array:
    """``[N]`` masks.

    Args:
        values: for each instance the class of each pixel, ``[height, width]`` whole numbers from 0, or −100 where it
            counts for nothing; ``None`` where nothing is known. A column that was made here is checked again.
        void: a further number that counts for nothing.
        names: of the classes, if they are known.

    Raises:
        InvalidValue: ``data.mask`` or ``data.too_large`` naming the first mask that is none.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray) and values.type == MASK:
        return _checked(values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values, names)
    if void is not None and (isinstance(void, bool) or not isinstance(void, int | np.integer)):
        raise InvalidValue("data.mask", "The void class must be a whole number.", detail=f"Found {void!r:.80}.")
    masks = [None if one is None else _mask(one, i, void=void) for i, one in enumerate(_each(values))]
    runs = [None if one is None else run_lengths(one) for one in masks]
    shapes = [(0, 0) if one is None else one.shape for one in masks]
    empty = np.zeros(0, np.int32)
    ends = np.cumsum([0, *(0 if one is None else len(one[0]) for one in runs)])
    if ends[-1] > np.iinfo(np.int32).max:
        raise InvalidValue("data.too_large", "The masks have too many runs of equal pixels for one dataset.")
    offsets = pa.array(ends, pa.int32())
    parts = [np.concatenate([empty, *(one[at] for one in runs if one is not None)]) for at in (0, 1)]
    lists = [pa.ListArray.from_arrays(offsets, pa.array(part, pa.int32())) for part in parts]
    sides = [pa.array([shape[at] for shape in shapes], pa.int32()) for at in (0, 1)]
    missing = pa.array([one is None for one in masks], pa.bool_())
    found = pa.StructArray.from_arrays([*sides, *lists], fields=list(MASK), mask=missing)
    return _checked(found, names)


def check_label(table: pa.Table, label: pa.Table, *, names: Sequence[Any] | None) -> None:
    """Refuse masks of other sizes than those of the label, and fewer names than the label has classes.

    Args:
        table: has ``id`` and ``mask`` of the answers; all ids are in the dataset.
        label: has ``id`` and ``mask`` of the dataset.
        names: of the classes, if they are known.

    Raises:
        InvalidValue: ``data.mask``.
    """
    check_sizes(table, label, column="mask")
    _check_names(pc.list_flatten(pc.struct_field(label["mask"], "classes")), names, what="The labels have")


def check_sizes(table: pa.Table, label: pa.Table, *, column: str) -> None:
    """Refuse masks whose height or width is not that of the label's, where both are known.

    Args:
        table: has ``id`` and masks of the answers; all ids are in the dataset.
        label: has ``id`` and masks of the dataset.
        column: which masks; they have a ``height`` and a ``width``, 0 where it is not known.

    Raises:
        InvalidValue: ``data.mask``.
    """
    place = pc.index_in(table["id"], label["id"].combine_chunks())
    sizes = []
    for masks in (table[column], label[column].take(place)):
        height, width = (pc.struct_field(masks, side).fill_null(0).to_pylist() for side in ("height", "width"))
        sizes.append(list(zip(height, width, strict=True)))
    for id, ours, theirs in zip(table["id"].to_pylist(), *sizes, strict=True):
        if 0 not in (*ours, *theirs) and ours != theirs:
            raise InvalidValue(
                "data.mask",
                f"The mask of {id!r:.80} has another size than that of its label.",
                detail=f"It is {ours[0]:,} x {ours[1]:,}; the label is {theirs[0]:,} x {theirs[1]:,}.",
                hint="Scale the answers of the model to the size of the label, as torch's interpolate does.",
            )


def parts(column: pa.Array) -> list[np.ndarray[Any, Any]]:
    """What a fingerprint is made of."""
    height, width, classes, lengths = column.flatten()
    found = [height.fill_null(0), width.fill_null(0), pc.list_value_length(classes).fill_null(0)]
    return [one.to_numpy(zero_copy_only=False) for one in (*found, pc.list_flatten(classes), pc.list_flatten(lengths))]


def _each(values: Any) -> list[Any]:
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    if isinstance(values, np.ndarray) and values.ndim != 3 and values.dtype != object:
        raise InvalidValue("data.mask", f"Masks are [images, height, width]; the shape is {values.shape}.")
    return checks.items(values, "The masks")


def _mask(mask: Any, position: int, *, void: int | None) -> Classes:
    if hasattr(mask, "detach"):
        mask = mask.detach().cpu().numpy()
    try:
        array = np.asarray(mask)
    except ValueError as error:
        raise _refused(position, "its lines have different lengths") from error
    if array.ndim != 2 or 0 in array.shape:
        raise _refused(position, f"its shape is {array.shape}")
    if array.size > MAX_PIXELS:
        raise InvalidValue(
            "data.too_large",
            f"Mask {position} has too many pixels.",
            detail=f"It is {array.shape[0]:,} x {array.shape[1]:,}; the limit is {MAX_PIXELS:,} pixels.",
        )
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and np.array_equal(array, np.rint(array))):
        raise _refused(position, "it has numbers that are not whole")
    if array.dtype.kind not in "biuf":
        raise _refused(position, f"it holds {array.dtype}")
    if void is not None:
        array = np.where(array == void, VOID, array.astype(np.int64))
    low, high = int(array.min()), int(array.max())
    if low < VOID or high > MAX_CLASS:
        raise _refused(position, f"it has the class {low if low < VOID else high}")
    return np.ascontiguousarray(array, dtype=np.int32)


def _checked(column: pa.Array, names: Sequence[Any] | None) -> pa.Array:
    """The column, if its runs fill masks of bearable size and its classes are some."""
    found = PixelMasks.read(column)
    large = np.flatnonzero(found.heights * found.widths > MAX_PIXELS)
    if len(large):
        raise InvalidValue(
            "data.too_large", f"Mask {large[0]} has too many pixels.", detail=f"The limit is {MAX_PIXELS:,}."
        )
    empty = np.flatnonzero(np.asarray(column.is_valid()) & ~found.known)
    if len(empty):
        raise _refused(int(empty[0]), "it has no pixels")
    if ((np.diff(found.classes) == 0) & (np.diff(found.image) == 0)).any():
        raise InvalidValue("data.mask", "The runs of a mask are not as long as they can be.")
    wrong = np.flatnonzero(((found.classes < 0) & (found.classes != VOID)) | (found.classes > MAX_CLASS))
    if len(wrong):
        raise _refused(int(found.image[wrong[0]]), f"it has the class {found.classes[wrong[0]]}")
    _check_names(pa.array(found.classes), names, what="The masks have")
    return column


def _check_names(classes: pa.Array | pa.ChunkedArray, names: Sequence[Any] | None, *, what: str) -> None:
    largest = pc.max(classes).as_py()
    if names is not None and largest is not None and largest >= len(names):
        raise InvalidValue(
            "data.mask",
            f"{what} the class {largest}, but there are {len(names):,} names of classes.",
            hint="Class 0 has the first name.",
        )


def _refused(position: int, found: str) -> InvalidValue:
    return InvalidValue(
        "data.mask",
        f"Mask {position} is not a mask: {found}.",
        hint=f"A mask is [height, width] whole numbers: the classes, from 0 to {MAX_CLASS:,}, and {VOID} or the void "
        "class where a pixel counts for nothing.",
    )
