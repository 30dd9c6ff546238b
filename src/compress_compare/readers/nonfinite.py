"""Which tensors of a checkpoint hold NaN or infinity: said when it is taken in, and not refused."""

from __future__ import annotations

import warnings

import numpy as np

from ..analysis.layers.statistics import pieces
from ..analysis.layers.values import Values
from .safetensors_header import shown
from .weights import FORGET_EVERY, Weights

LISTED = 10


class NonfiniteWarning(UserWarning):
    """A checkpoint holds numbers that are not finite."""


def warn(weights: Weights, name: str) -> None:
    """Warn with ``NonfiniteWarning``, naming the tensors, where there are any.

    Args:
        weights: of the checkpoint.
        name: how the warning calls it.
    """
    found, read = [], 0
    for key, stored in weights.tensors.items():
        if stored.values and _has_nonfinite(stored.values):
            found.append(key)
        read += stored.num_bytes
        if read > FORGET_EVERY:
            weights.forget()
            read = 0
    weights.forget()
    if found:
        more = f" and {len(found) - LISTED:,} more" if len(found) > LISTED else ""
        warnings.warn(
            f"model.nonfinite: {len(found):,} of {len(weights.tensors):,} tensors of {name!a} hold NaN or infinity: "
            f"{', '.join(map(shown, found[:LISTED]))}{more}.",
            NonfiniteWarning,
            stacklevel=2,
        )


def _has_nonfinite(values: Values) -> bool:
    if values.table is not None and np.isfinite(values.table).all():
        return False
    return not all(np.isfinite(values.numbers(*span)).all() for span in pieces(values.count))
