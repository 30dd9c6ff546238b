"""Metrics of each model against the base, instance by instance. The base's own value is that of no change."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import blocks, distances, own
from .frame import EMBEDDINGS, LOGITS, PROBABILITIES, Frame
from .joined import Floats, Vectors

MANY = 4_000_000
"""Probabilities of one model from which logarithms are taken in single precision, in which they are logged."""


def kl_divergence(frame: Frame) -> dict[str, Floats]:
    """KL(base ‖ model) in nats; infinite where the model rules out what the base does not.

    Of more than four million probabilities per model, it is within 1e-6 nats of the double-precision value.
    """
    vectors = blocks.probabilities(frame)
    if vectors[frame.base].matrix.size > MANY and not vectors[frame.base].logits:
        return _fast_kl(frame, vectors)

    def work(block: slice) -> dict[str, Floats]:
        base = vectors[frame.base].rows(block)
        blocks.check_probabilities(base, frame.base)
        entropies = distances.negative_entropy(base)
        found = {frame.base: np.where(np.isnan(entropies), np.nan, 0.0)}
        buffer = np.empty_like(base)
        for model in frame.models:
            rows = vectors[model].rows(block, buffer)
            blocks.check_probabilities(rows, model)
            with np.errstate(divide="ignore", invalid="ignore"):
                np.log(rows, out=rows)
            found[model] = distances.kl_from(entropies, base, logs=rows)
        return found

    return blocks.each(vectors, work)


def _fast_kl(frame: Frame, vectors: dict[str, Vectors]) -> dict[str, Floats]:
    """Single precision; what comes out as no number is done again in double precision."""

    def work(block: slice) -> dict[str, Floats]:
        base = vectors[frame.base].matrix[block]
        blocks.check_probabilities(base, frame.base)
        before = distances.single_logs(base)
        found = {frame.base: np.where(np.isnan(before[:, 0]), np.nan, 0.0)}
        buffer = np.empty_like(base)
        for model in frame.models:
            rows = vectors[model].matrix[block]
            blocks.check_probabilities(rows, model)
            found[model] = distances.single_kl(base, before, rows=rows, out=buffer)
        return found

    return blocks.each(vectors, work)


def js_divergence(frame: Frame) -> dict[str, Floats]:
    """Jensen–Shannon divergence in nats."""
    return _compared(frame, blocks.probabilities(frame), compare=distances.js_divergence)


def total_variation(frame: Frame) -> dict[str, Floats]:
    """Half the sum of absolute differences of the probabilities."""
    return _compared(frame, blocks.probabilities(frame), compare=distances.total_variation)


def mse(frame: Frame) -> dict[str, Floats]:
    """Mean squared difference over the elements of the vector; of numeric predictions, the squared difference."""
    if frame.is_numeric and not frame.vector_names():
        return {model: change**2 for model, change in difference(frame).items()}
    return _compared(frame, _vectors(frame, PROBABILITIES), compare=distances.mse)


def cosine(frame: Frame) -> dict[str, Floats]:
    """Cosine similarity of the vectors, of embeddings if there are any; of numeric predictions, 1 for the same sign."""
    if not frame.vector_names():
        return {model: np.sign(values) for model, values in ratio(frame).items()}
    return _compared(frame, _vectors(frame, EMBEDDINGS), compare=distances.cosine)


def difference(frame: Frame) -> dict[str, Floats]:
    """Model − base: of numeric predictions; or else of the probability of the base's prediction; or else of vectors.

    Of other vectors than probabilities it is the mean over the elements.
    """
    return _scalars(frame, lambda base, model: model - base, distances.mean_difference)


def absolute_difference(frame: Frame) -> dict[str, Floats]:
    """|difference|."""
    return {model: np.abs(values) for model, values in difference(frame).items()}


def ratio(frame: Frame) -> dict[str, Floats]:
    """Model ÷ base, of what ``difference`` is about; not finite where the base has 0."""
    return _scalars(frame, _divided, distances.mean_ratio)


Compare = Callable[[Floats, Floats], Floats]


def _scalars(frame: Frame, of_numbers: Compare, of_vectors: Compare) -> dict[str, Floats]:
    if frame.is_numeric and frame.has_predictions:
        numbers = {model: frame.numbers(model) for model in frame.outputs}
    elif not frame.is_numeric and not frame.has_sets and {PROBABILITIES, LOGITS} & set(frame.vector_names()):
        numbers = own.base_probability(frame)
    else:
        return _compared(frame, _vectors(frame, EMBEDDINGS), compare=of_vectors)
    return {model: of_numbers(numbers[frame.base], values) for model, values in numbers.items()}


def _divided(base: Floats, model: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(model / base)


def _vectors(frame: Frame, preferred: str) -> dict[str, Vectors]:
    """The preferred vectors, or probabilities, logits, embeddings, any others, in this order."""
    names = frame.vector_names()
    order = [preferred, PROBABILITIES, LOGITS, EMBEDDINGS, *names]
    name = next(name for name in order if name in names)
    return blocks.vectors(frame, name)


def _compared(frame: Frame, vectors: dict[str, Vectors], *, compare: Compare) -> dict[str, Floats]:
    are_probabilities = vectors.keys() and compare in (distances.js_divergence, distances.total_variation)

    def work(block: slice) -> dict[str, Floats]:
        base = vectors[frame.base].rows(block)
        found = {}
        for model, of_model in vectors.items():
            rows = of_model.rows(block)
            if are_probabilities:
                blocks.check_probabilities(rows, model)
            found[model] = compare(base, rows)
        return found

    return blocks.each(vectors, work)
