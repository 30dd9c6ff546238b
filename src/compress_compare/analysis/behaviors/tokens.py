"""Language models, token by token: log-probability, perplexity, and any number per token that was logged."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import joined
from .frame import LOG_PROBABILITY, Frame
from .joined import Floats

_Z = NormalDist().inv_cdf(0.975)


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
        ``model, tokens, perplexity, base_perplexity, ratio, ci_low, ci_high``: model over base with a 95 % interval,
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
    tokens, texts = int(counts.sum()), len(counts)
    if not tokens:
        names = ("perplexity", "base_perplexity", "ratio", "ci_low", "ci_high")
        return {"tokens": 0, **dict.fromkeys(names)}
    change = model - base
    mean = change.sum() / tokens
    residuals = change - mean * counts
    error = np.sqrt(texts / (texts - 1) * (residuals**2).sum()) / tokens if texts > 1 else np.nan
    low, high = np.exp(mean - _Z * error), np.exp(mean + _Z * error)
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
