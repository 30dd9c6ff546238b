"""Columns of Arrow tables from lists and NumPy arrays.

``pyarrow.array`` does the same, but imports pandas first, where that is installed, to see whether it was given any of
its types; so does ``to_numpy``, but not ``to_pylist``. That takes longer than all that ``compress-compare ls`` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def texts(values: Iterable[str | None]) -> pa.StringArray:
    """A column of texts; None is missing. One of two gigabytes and more is a ``pyarrow.ArrowCapacityError``."""
    given = list(values)
    encoded = [b"" if value is None else value.encode() for value in given]
    present = np.fromiter((value is not None for value in given), np.bool_, count=len(given))
    offsets = _offsets(encoded)
    buffers = [_validity(present), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(given), buffers)


def lists_of_texts(values: Iterable[Sequence[str]]) -> pa.ListArray:
    """A column of lists of texts."""
    given = list(values)
    inner = texts(text for value in given for text in value)
    return pa.Array.from_buffers(
        pa.list_(pa.string()), len(given), [None, pa.py_buffer(_offsets(given))], children=[inner]
    )


def numbers(values: NDArray[Any], *, missing: NDArray[np.bool_] | np.bool_ | None = None) -> pa.Array:
    """A column of integers or floats of the type of ``values`` [N]; NaN is a value.

    Args:
        values: the numbers.
        missing: which of them are missing.
    """
    flat = np.ascontiguousarray(values)
    validity = None if missing is None else _validity(~np.broadcast_to(missing, flat.shape))
    return pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), len(flat), [validity, pa.py_buffer(flat)])


def _offsets(values: Sequence[Sequence[Any]]) -> NDArray[np.int32]:
    ends = np.fromiter(accumulate(map(len, values), initial=0), np.int64, count=len(values) + 1)
    if ends[-1] > np.iinfo(np.int32).max:
        raise pa.ArrowCapacityError(f"a column of {ends[-1]:,} bytes is too long")
    return ends.astype(np.int32)


def _validity(present: NDArray[np.bool_]) -> pa.Buffer | None:
    return None if present.all() else pa.py_buffer(np.packbits(present, bitorder="little"))
