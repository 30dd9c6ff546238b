"""Why a selection cannot be charted, and which part of it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...records import JSON
from .candidates import Kind

MAX_ENCODINGS = 3
"""Channels of a chart: x, color and small multiples."""


@dataclass(frozen=True)
class Variable:
    """Something that differs.

    Args:
        name: e.g. ``amount``, ``train 2``, ``operation``.
        kind: ``parameter``, ``presence``, ``operation``, ``sequence`` or ``root``.
        values: at least two, in order; ``None`` first, where it does not apply. Lists are JSON text.
    """

    name: str
    kind: Kind
    values: tuple[JSON, ...]


@dataclass(frozen=True)
class Suggestion:
    """How to make models comparable: keep those that have these values.

    Args:
        keep: pairs of variable name and value.
        models: the selected ids that have them.
    """

    keep: tuple[tuple[str, JSON], ...]
    models: tuple[str, ...]


def suggest(variables: Sequence[Variable], codes: NDArray[np.int32], *, models: Sequence[str]) -> Suggestion | None:
    """The fewest conditions found, up to three, that leave at most three variables, and of those the most models.

    Args:
        variables: what differs.
        codes: int32 ``[variables, models]``, index of the value that each model has.
        models: ids.
    """
    kept = np.ones(len(models), dtype=np.bool_)
    keep: list[tuple[str, JSON]] = []
    while _num_differing(codes[:, kept]) > MAX_ENCODINGS:
        parts = [(i, code, kept & (codes[i] == code)) for i, v in enumerate(variables) for code in range(len(v.values))]
        parts = [part for part in parts if 1 < part[2].sum() < kept.sum()]
        if len(keep) == MAX_ENCODINGS or not parts:
            return None
        i, code, kept = min(parts, key=lambda p: (max(_num_differing(codes[:, p[2]]), MAX_ENCODINGS), -p[2].sum()))
        keep.append((variables[i].name, variables[i].values[code]))
    chosen = sorted(model for model, is_kept in zip(models, kept, strict=True) if is_kept)
    return Suggestion(tuple(keep), tuple(chosen)) if keep else None


def _num_differing(codes: NDArray[np.int32]) -> int:
    return int((codes != codes[:, :1]).any(axis=1).sum())


def why_no_chart(num_models: int, variables: Sequence[Variable], *, suggestion: Suggestion | None) -> str:
    """One or two sentences."""
    if num_models < 2:
        return "Select two or more models to see what differs between them."
    if not variables:
        return "The selected models have the same lineage: they are replicates of one another."
    sentence = f"{len(variables)} variables differ and a chart can show {MAX_ENCODINGS}."
    if suggestion is None:
        return f"{sentence} Select models that have more of their steps in common."
    kept = " and ".join(f"{name} = {_text(value)}" for name, value in suggestion.keep)
    return f"{sentence} Keep those with {kept} ({len(suggestion.models)} of {num_models} models) to compare them."


def _text(value: JSON) -> str:
    return str(value).lower() if isinstance(value, bool) else "none" if value is None else str(value)
