"""How well the language model reads text that it never saw, and what it writes."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from ...analysis.inference.ratio import ratio
from ...evaluation.forward import observing
from ...records import Metric, MetricValue
from .data import words

BITS_PER_BYTE = Metric(
    "Bits per Byte",
    unit="bit",
    format=".3f",
    higher_is_better=False,
    primary=True,
    min=0,
    description="−log₂ of the probability of the held-out text, over its bytes.",
)
PERPLEXITY = Metric(
    "Perplexity",
    format=".4s",
    higher_is_better=False,
    min=1,
    description="exp of the mean negative log-likelihood per piece of the held-out text.",
)
AGREEMENT = Metric(
    "Top-1 Agreement",
    format=".1%",
    higher_is_better=True,
    primary=True,
    min=0,
    max=1,
    description="Share of places where the most probable next piece is the one of the uncompressed model.",
)
KL = Metric(
    "KL from Base",
    unit="nat",
    format=".3f",
    higher_is_better=False,
    min=0,
    description="Mean over places of KL(uncompressed model ‖ model) of the next piece.",
)
KNOWN_WORDS = Metric(
    "Known Words",
    format=".1%",
    higher_is_better=True,
    min=0,
    max=1,
    description="Share of the written words of three letters and more that the training text has.",
)
REPETITION = Metric(
    "Repetition",
    format=".1%",
    higher_is_better=False,
    min=0,
    max=1,
    description="Share of neighboring pairs of written words that came before in the same text.",
)
METRICS = (BITS_PER_BYTE, PERPLEXITY, AGREEMENT, KL, KNOWN_WORDS, REPETITION)
_SHORTEST = 3


@dataclass(frozen=True)
class Reading:
    """What a model expects at every place of texts of equal length.

    Args:
        log_probabilities: of every piece, in nats, ``(texts, places, vocabulary)`` float32.
        losses: −log probability of the piece that stands there, ``(texts, places)`` float64.
    """

    log_probabilities: np.ndarray
    losses: np.ndarray


def read(model: nn.Module, texts: Tensor) -> Reading:
    """Have a model read ``(texts, places + 1)`` pieces."""
    with observing(model):
        logs = np.concatenate([model(part[:, :-1]).log_softmax(-1).numpy() for part in torch.split(texts, 64)])
    wanted = texts[:, 1:].numpy()[:, :, None]
    losses = -np.take_along_axis(logs, wanted, 2)[:, :, 0].astype(np.float64)
    return Reading(logs, losses)


def divergence(base: Reading, model: Reading) -> np.ndarray:
    """KL(base ‖ model) in nats, ``(texts, places)`` float64."""
    gained = base.log_probabilities - model.log_probabilities
    found = (np.exp(base.log_probabilities) * gained).sum(2, dtype=np.float64)
    positive: np.ndarray = np.maximum(found, 0)
    return positive


def agreement(base: Reading, model: Reading) -> np.ndarray:
    """Where both expect the same piece most, ``(texts, places)`` bool."""
    same: np.ndarray = base.log_probabilities.argmax(2) == model.log_probabilities.argmax(2)
    return same


def bits_per_byte(losses: np.ndarray, sizes: np.ndarray) -> MetricValue:
    """Over all texts, with the standard error of a ratio of sums whose parts are the texts.

    Args:
        losses: in nats, ``(texts, places)``.
        sizes: bytes of the texts, ``(texts,)``.
    """
    value, error = ratio(losses.sum(1) / math.log(2), sizes)
    return MetricValue(value, count=len(losses), standard_error=error if len(losses) > 1 else None)


def perplexity(losses: np.ndarray) -> MetricValue:
    """Per piece; the standard error takes texts as independent, not places."""
    mean = mean_of(losses.mean(1))
    value = math.exp(min(mean.value, 700))
    error = None if mean.standard_error is None else value * mean.standard_error
    return MetricValue(value, count=mean.count, standard_error=error)


def mean_of(values: np.ndarray) -> MetricValue:
    """The mean of one number per text; texts without one are left out."""
    known = values[np.isfinite(values)]
    if not len(known):
        return MetricValue(math.nan, count=0)
    error = float(known.std(ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else None
    return MetricValue(float(known.mean()), count=len(known), standard_error=error)


def known_words(text: str, vocabulary: frozenset[str]) -> float:
    """Share of the words of three letters and more that a vocabulary has; NaN without any such word."""
    long = [word for word in words(text) if len(word) >= _SHORTEST]
    return sum(word in vocabulary for word in long) / len(long) if long else math.nan


def repetition(text: str) -> float:
    """Share of neighboring pairs of words that came before; 0 for fewer than two pairs."""
    pairs = Counter(pairwise(words(text)))
    return 1 - len(pairs) / pairs.total() if pairs else 0.0
