"""Computes the quality of a classifier: accuracy, in all and per class, and negative log-likelihood."""

from __future__ import annotations

import math

import numpy as np

from ..records import MetricValue


def predictions(logits: np.ndarray) -> np.ndarray:
    """Return the class with the highest score for each row of ``(instances, classes)``; −1 where a score is NaN."""
    return np.where(np.isnan(logits).any(axis=1), -1, np.argmax(logits, axis=1))


def log_probabilities(logits: np.ndarray) -> np.ndarray:
    """Return the row-wise log-softmax of ``(instances, classes)``, in nats."""
    with np.errstate(invalid="ignore"):
        shifted = logits - logits.max(axis=1, keepdims=True)
    logs: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def accuracy(logits: np.ndarray, labels: np.ndarray) -> list[MetricValue]:
    """Return the accuracy over all instances, then that of each class that occurs, as a slice with its name.

    The standard error is that of a binomial share, √(p(1 − p)/n). A row with NaN counts as wrong.

    Args:
        logits: scores, ``(instances, classes)``.
        labels: index of the correct class, ``(instances,)``.
    """
    right = predictions(logits) == labels
    classes = np.unique(labels)
    return [_share(right, None), *(_share(right[labels == label], str(label)) for label in classes)]


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray) -> MetricValue:
    """Return the mean of −log p(label) in nats: infinite if a label has probability zero, NaN if a score is NaN.

    The standard error is the sample deviation over √n. It is absent for fewer than two instances or infinite values.
    """
    losses = -log_probabilities(logits)[np.arange(len(labels)), labels]
    count = len(losses)
    value = float(losses.mean()) if count else math.nan
    known = count > 1 and math.isfinite(value)
    return MetricValue(
        value, count=count, standard_error=float(losses.std(ddof=1)) / math.sqrt(count) if known else None
    )


def _share(right: np.ndarray, slice_name: str | None) -> MetricValue:
    count = len(right)
    if not count:
        return MetricValue(math.nan, slice=slice_name, count=0)
    share = float(right.mean())
    return MetricValue(share, slice=slice_name, count=count, standard_error=math.sqrt(share * (1 - share) / count))
