"""Language models, token by token: log-probability, perplexity, divergence, any number per token that was logged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import InvalidValue
from ..inference.normal import Z
from ..inference.ratio import ratio
from . import joined
from .frame import LOG_PROBABILITY, Frame
from .joined import Floats

_AT_ONCE = 1 << 20


def log_probability(frame: Frame) -> dict[str, Floats]:
    """Mean natural log-probability of the tokens."""
    return means(frame, LOG_PROBABILITY)


def nll(frame: Frame) -> dict[str, Floats]:
    """Mean of −ln of the probability of the tokens, in nats per token."""
    return {model: -values for model, values in log_probability(frame).items()}


def perplexity(frame: Frame) -> dict[str, Floats]:
    """exp of ``nll``, of each instance for itself."""
    with np.errstate(over="ignore"):
        return {model: np.exp(values) for model, values in nll(frame).items()}


def kl_per_token(base: Any, model: Any) -> Floats:
    """KL(base ‖ model) of the next token at each place of a text, in nats, to be logged as ``tokens``.

    Args:
        base: the base's logits or natural log-probabilities, ``[places, vocabulary]``; an array or a tensor.
        model: the model's, of the same shape.

    Returns:
        float64 ``[places]``; infinite where the model rules out what the base holds possible, NaN where one has NaN.

    Raises:
        InvalidValue: ``behaviors.logits`` for other shapes.
    """
    first, second = _logits(base), _logits(model)
    if first.ndim != 2 or first.shape != second.shape or not first.shape[1]:
        raise InvalidValue(
            "behaviors.logits",
            "The divergence per token needs the logits of base and model, both [places, vocabulary].",
            detail=f"Found the shapes {list(first.shape)} and {list(second.shape)}.",
        )
    found = np.empty(len(first))
    step = max(1, _AT_ONCE // first.shape[1])
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        found[part] = _divergence(_log_softmax(first[part]), _log_softmax(second[part]))
    return found


def _logits(given: Any) -> np.ndarray:
    # tensors in half precision are no arrays
    try:
        found = np.asarray(given.detach().float().cpu() if hasattr(given, "detach") else given)
    except ValueError as error:
        raise InvalidValue("behaviors.logits", "Logits are an array of numbers.", detail=f"{error}"[:200]) from error
    if found.dtype.kind not in "fiu":
        raise InvalidValue("behaviors.logits", "Logits are an array of numbers.", detail=f"Found {found.dtype}.")
    return found


def _log_softmax(logits: np.ndarray) -> Floats:
    """Of log-probabilities, themselves."""
    wide = logits.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        wide -= wide.max(axis=1, keepdims=True)
        wide -= np.log(np.exp(wide).sum(axis=1, keepdims=True))
    return wide


def _divergence(base: Floats, model: Floats) -> Floats:
    shares = np.exp(base)
    with np.errstate(invalid="ignore"):
        terms = shares * (base - model)
    terms[shares == 0] = 0
    unknown = np.isnan(base).any(axis=1) | np.isnan(model).any(axis=1)
    return np.where(unknown, np.nan, np.maximum(terms.sum(axis=1), 0))


def means(frame: Frame, name: str) -> dict[str, Floats]:
    """The mean of a number per token over the tokens of each instance that have one."""
    found = {}
    for model in frame.outputs:
        sums, counts = _sums(frame, model, name)
        with np.errstate(invalid="ignore", divide="ignore"):
            found[model] = np.where(counts > 0, sums / counts, np.nan)
    return found


def corpus(frame: Frame) -> pa.Table:
    """The perplexity over all tokens together, of the instances that base and model both answered.

    Returns:
        ``model, tokens, perplexity, base_perplexity, ratio, ci_low, ci_high``: model over base with a 95% interval,
        that of a ratio estimator whose clusters are the instances, since tokens of one text are not independent
        (Cochran 1977, chapter 6).
    """
    base_sums, base_counts = _sums(frame, frame.base, LOG_PROBABILITY)
    rows = []
    for model in frame.models:
        sums, counts = _sums(frame, model, LOG_PROBABILITY)
        used = np.isfinite(sums) & np.isfinite(base_sums) & (counts > 0) & (counts == base_counts)
        rows.append({"model": model, **_ratio(-base_sums[used], -sums[used], counts[used])})
    return pa.Table.from_pylist(rows)


def _ratio(base: Floats, model: Floats, counts: Floats) -> Mapping[str, float | int | None]:
    tokens = int(counts.sum())
    if not tokens:
        names = ("perplexity", "base_perplexity", "ratio", "ci_low", "ci_high")
        return {"tokens": 0, **dict.fromkeys(names)}
    mean, error = ratio(model - base, counts)
    low, high = np.exp(mean - Z * error), np.exp(mean + Z * error)
    return {
        "tokens": tokens,
        "perplexity": float(np.exp(model.sum() / tokens)),
        "base_perplexity": float(np.exp(base.sum() / tokens)),
        "ratio": float(np.exp(mean)),
        "ci_low": None if np.isnan(low) else float(low),
        "ci_high": None if np.isnan(high) else float(high),
    }


def _sums(frame: Frame, model: str, name: str) -> tuple[Floats, Floats]:
    """Per instance the sum of a number over its tokens, and how many have one; NaN and 0 where there is no answer."""
    lists = frame.answers(model, name)
    values = pc.list_flatten(lists).to_numpy(zero_copy_only=False).astype(np.float64)
    parents = pc.list_parent_indices(lists).to_numpy()
    known = ~np.isnan(values)
    sums: Floats = np.bincount(parents[known], values[known], minlength=len(lists)).astype(np.float64)
    counts: Floats = np.bincount(parents[known], minlength=len(lists)).astype(np.float64)
    sums[~np.asarray(lists.is_valid())] = np.nan
    return sums, counts


def of_instance(frame: Frame, place: int) -> dict[str, dict[str, list[float | None]]]:
    """By measure and model, the number of each token of the instance at a place."""
    return {
        name: {model: frame.answers(model, name)[place].as_py() or [] for model in frame.outputs}
        for name in frame.token_names()
    }


def text(tokens: pa.ChunkedArray) -> pa.Array:
    """Tokens as running text."""
    return pc.binary_join(joined.combined(tokens), "")
