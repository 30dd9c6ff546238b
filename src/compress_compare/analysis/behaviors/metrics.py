"""Per-instance metrics by name: what each needs, which direction is better, and how it is computed for many models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...errors import InvalidValue
from . import against_base, label_sets, own, texts, tokens
from .definition import (
    BOXES,
    CLASSES,
    FRACTION,
    LABELS,
    MASKS,
    NUMBERS,
    SETS,
    TEXTS,
    TOKENS,
    VECTORS,
    InstanceMetric,
)
from .frame import LOG_PROBABILITY, LOGITS, PROBABILITIES, Frame
from .image_metrics import OF_IMAGES
from .joined import Floats

_MISSING = {
    LABELS: "labels: log the dataset with labels=…",
    CLASSES: "predictions that are classes (integers or strings)",
    NUMBERS: "predictions that are numbers",
    TEXTS: "predictions or texts that are strings",
    PROBABILITIES: f"vectors named {PROBABILITIES!r} or {LOGITS!r} of every model",
    SETS: "labels and predictions that are sets, as lists",
    TOKENS: f"numbers per token named {LOG_PROBABILITY!r} of every model: tokens=…",
    BOXES: "boxes: labels and predictions that are lists of {class, box}",
    MASKS: "masks: of the dataset and of every model, masks=…",
    VECTORS: "vectors of every model, or predictions that are numbers",
}
_BY_MASKS = "Overlaps are those of the masks of objects, not of their boxes."

_ON_LABEL, _ON_VECTORS = (LABELS, CLASSES, PROBABILITIES), (VECTORS,)
BUILTIN = {
    "correct": InstanceMetric(
        own.correct,
        True,
        (LABELS, CLASSES),
        "1 where the prediction is the label, else 0.",
        title="Accuracy",
        **FRACTION,
        yes_no=True,
    ),
    "true_probability": InstanceMetric(
        own.true_probability, True, _ON_LABEL, "Probability of the label.", title="Probability of the label", **FRACTION
    ),
    "base_probability": InstanceMetric(
        own.base_probability,
        True,
        (CLASSES, PROBABILITIES),
        "Probability of what the base predicts.",
        title="Probability of the base’s prediction",
        **FRACTION,
    ),
    "confidence": InstanceMetric(
        own.confidence,
        None,
        (CLASSES, PROBABILITIES),
        "Probability of the own prediction.",
        title="Confidence",
        **FRACTION,
    ),
    "margin": InstanceMetric(
        own.margin,
        True,
        _ON_LABEL,
        "Probability of the label minus the largest of the others.",
        title="Margin",
        format=".3f",
        low=-1,
        high=1,
    ),
    "nll": InstanceMetric(
        own.nll,
        False,
        _ON_LABEL,
        "−ln of the probability of the label; with tokens, the mean of −ln of their probabilities.",
        title="Loss (NLL)",
        format=".3~f",
        unit="nats",
        low=0,
    ),
    "kl_divergence": InstanceMetric(
        against_base.kl_divergence,
        False,
        (PROBABILITIES,),
        "KL divergence of base ‖ model; infinite where the model gives no probability to what the base holds possible.",
        title="KL divergence",
        format=".3~f",
        unit="nats",
        low=0,
        against_base=True,
    ),
    "js_divergence": InstanceMetric(
        against_base.js_divergence,
        False,
        (PROBABILITIES,),
        "Jensen–Shannon divergence, 0 to ln 2.",
        title="JS divergence",
        format=".3~f",
        unit="nats",
        low=0,
        against_base=True,
    ),
    "total_variation": InstanceMetric(
        against_base.total_variation,
        False,
        (PROBABILITIES,),
        "Half the sum of absolute differences of the probabilities.",
        title="Total variation",
        **FRACTION,
        against_base=True,
    ),
    "mse": InstanceMetric(
        against_base.mse,
        False,
        _ON_VECTORS,
        "Mean squared difference from the base over the elements of the vector.",
        title="Squared difference",
        low=0,
        against_base=True,
    ),
    "difference": InstanceMetric(
        against_base.difference,
        None,
        _ON_VECTORS,
        "Model minus base: of numeric predictions, else of `base_probability`, else the mean over the vectors.",
        title="Difference from base",
        against_base=True,
    ),
    "absolute_difference": InstanceMetric(
        against_base.absolute_difference,
        False,
        _ON_VECTORS,
        "The absolute value of `difference`.",
        title="Absolute difference",
        low=0,
        against_base=True,
    ),
    "ratio": InstanceMetric(
        against_base.ratio,
        None,
        _ON_VECTORS,
        "Model divided by base, of the same numbers as `difference`.",
        title="Ratio to base",
        low=0,
        against_base=True,
    ),
    "cosine": InstanceMetric(
        against_base.cosine,
        True,
        _ON_VECTORS,
        "Cosine similarity to the base's vector: embeddings, else probabilities, logits or any others.",
        title="Cosine similarity",
        format=".4f",
        against_base=True,
    ),
    "error": InstanceMetric(own.error, None, (LABELS, NUMBERS), "Prediction minus label.", title="Error"),
    "absolute_error": InstanceMetric(
        own.absolute_error, False, (LABELS, NUMBERS), "|prediction minus label|.", title="Absolute error", low=0
    ),
    "squared_error": InstanceMetric(
        own.squared_error, False, (LABELS, NUMBERS), "(prediction minus label)².", title="Squared error", low=0
    ),
    "exact_match": InstanceMetric(
        texts.exact_match,
        True,
        (LABELS, TEXTS),
        "1 where the texts are equal after SQuAD's normalization, else 0.",
        title="Exact match",
        **FRACTION,
        yes_no=True,
    ),
    "token_f1": InstanceMetric(
        texts.token_f1,
        True,
        (LABELS, TEXTS),
        "F1 of the words, after the same normalization.",
        title="Word F1",
        **FRACTION,
    ),
    "edit_distance": InstanceMetric(
        texts.edit_distance,
        False,
        (LABELS, TEXTS),
        "Word edits to the label over the longer length, 0 to 1.",
        title="Edit distance",
        **FRACTION,
    ),
    "jaccard": InstanceMetric(
        label_sets.jaccard,
        True,
        (SETS,),
        "Labels in both sets over labels in either.",
        title="Overlap of labels (Jaccard)",
        **FRACTION,
    ),
    "label_f1": InstanceMetric(
        label_sets.label_f1, True, (SETS,), "F1 of the predicted labels.", title="F1 of labels", **FRACTION
    ),
    "hamming": InstanceMetric(
        label_sets.hamming,
        False,
        (SETS,),
        "Share of all labels that are given or left out wrongly.",
        title="Labels that differ (Hamming)",
        **FRACTION,
    ),
    **OF_IMAGES,
    LOG_PROBABILITY: InstanceMetric(
        tokens.log_probability,
        True,
        (TOKENS,),
        "Mean natural log-probability of the tokens.",
        title="Log-probability per token",
        format=".3~f",
        unit="nats",
        high=0,
    ),
    "perplexity": InstanceMetric(
        tokens.perplexity,
        False,
        (TOKENS,),
        "exp of the mean loss of the instance’s tokens.",
        title="Perplexity",
        format=".3~f",
        low=1,
    ),
}
"""All metrics that need nothing but outputs, in the order in which they are offered."""
_OF_TOKENS = {
    "nll": replace(BUILTIN["nll"], compute=tokens.nll, needs=(TOKENS,)),
}
"""What a metric means for language models."""


def available(frame: Frame) -> list[str]:
    """Names of the metrics that what was logged allows."""

    def allowed() -> list[str]:
        known = [*BUILTIN.items(), *_OF_TOKENS.items()]
        names = [name for name, metric in known if not _lacks(frame, metric)]
        return list(dict.fromkeys([*names, *frame.logged_names(), *frame.token_names()]))

    return frame.keep(("available",), allowed)


def find(frame: Frame, name: str, *, directions: Mapping[str, bool | None]) -> InstanceMetric:
    """The metric of that name; a logged one hides none of ours.

    Args:
        frame: what it is asked of.
        name: of the metric.
        directions: of logged metrics, by name: whether higher is better.

    Raises:
        InvalidValue: ``behaviors.metric`` naming what is missing, and the metrics that are available.
    """
    known = BUILTIN.get(name)
    if known is not None and not (lacking := _lacks(frame, known)):
        by_masks = BOXES in known.needs and frame.has_object_masks
        return replace(known, meaning=f"{known.meaning} {_BY_MASKS}") if by_masks else known
    of_tokens = _OF_TOKENS.get(name)
    if of_tokens is not None and not _lacks(frame, of_tokens):
        return of_tokens
    if name in frame.token_names():
        higher_is_better = directions.get(name, known.higher_is_better if known else None)
        return InstanceMetric(
            lambda given: tokens.means(given, name), higher_is_better, (), "Mean over the tokens, as logged."
        )
    if name in frame.logged_names():

        def compute(given: Frame) -> dict[str, Floats]:
            return {model: given.logged(model, name) for model in given.outputs}

        return InstanceMetric(compute, directions.get(name), (), "As logged.")
    hint = f"Available: {', '.join(available(frame)) or 'none'}."
    if known is None:
        raise InvalidValue("behaviors.metric", f"There is no per-instance metric {name[:80]!r} here.", hint=hint)
    detail = f"It needs {'; and '.join(_MISSING[need] for need in lacking)}."
    raise InvalidValue("behaviors.metric", f"The metric {name!r} does not apply.", detail=detail, hint=hint)


def _lacks(frame: Frame, metric: InstanceMetric) -> list[str]:
    has = frame.keep(("has",), lambda: _has(frame))
    return [need for need in metric.needs if not has[need]]


def _has(frame: Frame) -> dict[str, bool]:
    vectors = frame.vector_names()
    return {
        LABELS: frame.has_labels,
        CLASSES: not frame.is_numeric,
        NUMBERS: frame.is_numeric and frame.has_predictions,
        SETS: frame.has_sets,
        TOKENS: LOG_PROBABILITY in frame.token_names(),
        TEXTS: texts.are_texts(frame),
        PROBABILITIES: (PROBABILITIES in vectors or LOGITS in vectors) and not frame.has_sets,
        BOXES: frame.has_boxes,
        MASKS: frame.has_masks,
        VECTORS: bool(vectors) or (frame.is_numeric and frame.has_predictions),
    }


def values(frame: Frame, name: str, *, metric: InstanceMetric) -> Mapping[str, Floats]:
    """The metric of every model, worked out once."""
    return frame.keep(("metric", name), lambda: metric.compute(frame))
