"""Distances between two vectors per instance, for whole blocks. Logarithms are natural: divergences are in nats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .joined import Floats

Singles = NDArray[np.float32]

_TINY = np.finfo(np.float64).tiny


def kl_divergence(base: Floats, model: Floats) -> Floats:
    """Kullback–Leibler divergence KL(base ‖ model) in nats of ``[rows, classes]`` probabilities.

    Infinite where the model gives no probability to what the base holds possible.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(model)
    return kl_from(negative_entropy(base), base, logs=logs)


def kl_from(negative_entropies: Floats, base: Floats, *, logs: Floats) -> Floats:
    """``kl_divergence`` with the base's share worked out before, once for all models, and the model's logarithms."""
    with np.errstate(invalid="ignore"):
        found = negative_entropies - np.einsum("ij,ij->i", base, logs)
    unsure = np.flatnonzero(np.isnan(found))
    if len(unsure):
        found[unsure] = _careful_kl(base[unsure], logs[unsure])
    return np.asarray(np.maximum(found, 0))


def single_logs(probabilities: Singles) -> Singles:
    """ln p in single precision, finite where p is 0; a row with NaN is NaN in its first element."""
    logs = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    logs[np.isnan(logs).any(axis=1), 0] = np.nan
    return logs


def single_kl(base: Singles, base_logs: Singles, *, rows: Singles, out: Singles) -> Floats:
    """``kl_divergence`` in single precision, of a base whose logarithms are known; ``out`` is written over."""
    with np.errstate(divide="ignore", invalid="ignore"):
        np.log(rows, out=out)
        np.subtract(base_logs, out, out=out)
        found = np.einsum("ij,ij->i", base, out).astype(np.float64)
    unsure = np.flatnonzero(np.isnan(found))
    if len(unsure):
        doubles = rows[unsure].astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            found[unsure] = _careful_kl(base[unsure].astype(np.float64), np.log(doubles))
    return np.asarray(np.maximum(found, 0))


def _careful_kl(base: Floats, logs: Floats) -> Floats:
    """With 0 · ln 0 = 0; NaN only where an input is NaN."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = base * (np.log(base) - logs)
    terms[base == 0] = 0
    terms[np.isnan(logs) | np.isnan(base)] = np.nan
    return np.asarray(terms.sum(axis=1))


def negative_entropy(probabilities: Floats) -> Floats:
    """Σ p ln p per row, with 0 · ln 0 = 0."""
    return np.asarray(np.einsum("ij,ij->i", probabilities, np.log(np.maximum(probabilities, _TINY))))


def js_divergence(base: Floats, model: Floats) -> Floats:
    """Jensen–Shannon divergence in nats, from 0 to ln 2 (Lin 1991)."""
    middle = negative_entropy((base + model) / 2)
    return np.maximum((negative_entropy(base) + negative_entropy(model)) / 2 - middle, 0)


def total_variation(base: Floats, model: Floats) -> Floats:
    """Half the sum of absolute differences, from 0 to 1 for probabilities."""
    return np.asarray(np.abs(base - model).sum(axis=1) / 2)


def mse(base: Floats, model: Floats) -> Floats:
    """Mean over the elements of the squared difference."""
    change = model - base
    return np.asarray(np.einsum("ij,ij->i", change, change) / change.shape[1])


def cosine(base: Floats, model: Floats) -> Floats:
    """Cosine similarity; NaN where a vector is zero."""
    inner = np.einsum("ij,ij->i", base, model)
    squares = np.einsum("ij,ij->i", base, base) * np.einsum("ij,ij->i", model, model)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.clip(inner / np.sqrt(squares), -1, 1))


def mean_difference(base: Floats, model: Floats) -> Floats:
    """Mean over the elements of model − base."""
    return np.asarray((model - base).mean(axis=1))


def mean_ratio(base: Floats, model: Floats) -> Floats:
    """Mean over the elements of model ÷ base."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((model / base).mean(axis=1))
