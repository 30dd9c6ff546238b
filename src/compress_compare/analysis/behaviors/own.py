"""Metrics of each model for itself: right or wrong, how sure, how far from the label."""

from __future__ import annotations

import numpy as np

from . import blocks
from .frame import LABEL, Frame
from .joined import Codes, Floats


def correct(frame: Frame) -> dict[str, Floats]:
    """1 where the prediction is the label, 0 where it is not, NaN where either is missing."""
    labels = frame.labels()
    found = {}
    for model in frame.outputs:
        predictions = frame.predictions(model)
        right = (predictions == labels).astype(np.float64)
        right[(predictions < 0) | (labels < 0)] = np.nan
        found[model] = right
    return found


def true_probability(frame: Frame) -> dict[str, Floats]:
    """Probability of the label."""
    return _picked(frame, dict.fromkeys(frame.outputs, frame.labels()))


def base_probability(frame: Frame) -> dict[str, Floats]:
    """Probability of the base's prediction."""
    return _picked(frame, dict.fromkeys(frame.outputs, frame.predictions(frame.base)))


def confidence(frame: Frame) -> dict[str, Floats]:
    """Probability of the model's own prediction."""
    return _picked(frame, {model: frame.predictions(model) for model in frame.outputs})


def nll(frame: Frame) -> dict[str, Floats]:
    """−ln of the probability of the label, in nats; infinite where that is 0."""
    with np.errstate(divide="ignore"):
        return {model: -np.log(values) for model, values in true_probability(frame).items()}


def margin(frame: Frame) -> dict[str, Floats]:
    """Probability of the label minus the largest of the others, from −1 to 1; positive where the model is right."""
    columns = _columns(frame, frame.labels())
    vectors = blocks.probabilities(frame)

    def work(block: slice) -> dict[str, Floats]:
        found = {}
        for model, of_model in vectors.items():
            rows, chosen = of_model.rows(block), columns[block]
            blocks.check_probabilities(rows, model)
            places = np.arange(len(rows)), np.maximum(chosen, 0)
            label = np.where(chosen < 0, np.nan, rows[places])
            rows[places] = -np.inf
            found[model] = label - rows.max(axis=1)
        return found

    return blocks.each(vectors, work)


def error(frame: Frame) -> dict[str, Floats]:
    """Prediction − label, of numbers."""
    column = frame.column(LABEL)
    labels = np.asarray(column.cast("float64").to_numpy(), dtype=np.float64)
    return {model: frame.numbers(model) - labels for model in frame.outputs}


def absolute_error(frame: Frame) -> dict[str, Floats]:
    """|prediction − label|."""
    return {model: np.abs(values) for model, values in error(frame).items()}


def squared_error(frame: Frame) -> dict[str, Floats]:
    """(prediction − label)²."""
    return {model: values**2 for model, values in error(frame).items()}


def _columns(frame: Frame, classes: Codes) -> Codes:
    """The element of the probability vector that each instance's class is, −1 for none."""
    places = np.append(frame.class_columns(), np.int32(-1))
    return places[classes]


def _picked(frame: Frame, classes: dict[str, Codes]) -> dict[str, Floats]:
    """One element of each probability vector: that of the given class."""
    vectors = blocks.probabilities(frame)
    columns = {model: _columns(frame, chosen) for model, chosen in classes.items()}

    def work(block: slice) -> dict[str, Floats]:
        found = {}
        for model, of_model in vectors.items():
            rows, chosen = of_model.rows(block), columns[model][block]
            blocks.check_probabilities(rows, model)
            picked = rows[np.arange(len(rows)), np.maximum(chosen, 0)]
            found[model] = np.where(chosen < 0, np.nan, picked)
        return found

    return blocks.each(vectors, work)
