"""Shares of counts, and their bootstrap over images: how often each is drawn, and percentiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .student import Floats

RESAMPLES = 400
"""Of the images, for an interval."""


def drawn(known: NDArray[np.bool_], resamples: int, *, draws: np.random.Generator) -> NDArray[np.int64]:
    """How often each image is drawn, int64 ``[resamples, images]``; those that are not known never are."""
    places = np.flatnonzero(known)
    found = np.zeros((resamples, len(known)), np.int64)
    if len(places):
        found[:, places] = draws.multinomial(len(places), np.full(len(places), 1 / len(places)), size=resamples)
    return found


def limits(values: Floats) -> dict[str, float | None]:
    """The 95% interval ``ci_low, ci_high`` of the values of the resamples, NaN left out; none from fewer than two."""
    known = values[~np.isnan(values)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) > 1 else (np.nan, np.nan)
    return {"ci_low": known_or_none(low), "ci_high": known_or_none(high)}


def share(part: Floats, whole: Floats) -> Floats:
    """Part of the whole, place by place; NaN where the whole is 0."""
    found: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return found


def known_or_none(value: Any) -> float | None:
    """A number, ``None`` for NaN."""
    return None if np.isnan(value) else float(value)
