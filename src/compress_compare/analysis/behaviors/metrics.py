"""Per-instance metrics by name: what each needs, which direction is better, and how it is computed for many models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ...errors import InvalidValue
from . import against_base, label_sets, own, texts, tokens
from .frame import LOG_PROBABILITY, LOGITS, PROBABILITIES, Frame
from .joined import Floats

LABELS, CLASSES, NUMBERS, TEXTS = "labels", "classes", "numbers", "texts"
VECTORS, SETS, TOKENS = "vectors", "sets", "tokens"

_MISSING = {
    LABELS: "labels: log the dataset with labels=…",
    CLASSES: "predictions that are classes (integers or strings)",
    NUMBERS: "predictions that are numbers",
    TEXTS: "predictions or texts that are strings",
    PROBABILITIES: f"vectors named {PROBABILITIES!r} or {LOGITS!r} of every model",
    SETS: "labels and predictions that are sets, as lists",
    TOKENS: f"numbers per token named {LOG_PROBABILITY!r} of every model: tokens=…",
    VECTORS: "vectors of every model, or predictions that are numbers",
}


@dataclass(frozen=True)
class InstanceMetric:
    """A number per instance.

    Args:
        compute: from the frame to one float64 ``[instances]`` per model, the base included; NaN where a model lacks
            the instance.
        higher_is_better: the direction; ``None`` where there is none.
        needs: what must have been logged.
        meaning: one sentence.
    """

    compute: Callable[[Frame], Mapping[str, Floats]]
    higher_is_better: bool | None
    needs: tuple[str, ...]
    meaning: str


def builtin() -> dict[str, InstanceMetric]:
    """All metrics that need nothing but outputs, in the order in which they are offered."""
    label_probability, vectors = (LABELS, CLASSES, PROBABILITIES), (VECTORS,)
    return {
        "correct": InstanceMetric(own.correct, True, (LABELS, CLASSES), "1 where the prediction is the label, else 0."),
        "true_probability": InstanceMetric(own.true_probability, True, label_probability, "Probability of the label."),
        "base_probability": InstanceMetric(
            own.base_probability, True, (CLASSES, PROBABILITIES), "Probability of what the base predicts."
        ),
        "confidence": InstanceMetric(
            own.confidence, None, (CLASSES, PROBABILITIES), "Probability of the own prediction."
        ),
        "margin": InstanceMetric(
            own.margin, True, label_probability, "Probability of the label minus the largest of the others."
        ),
        "nll": InstanceMetric(own.nll, False, label_probability, "−ln of the probability of the label, in nats."),
        "kl_divergence": InstanceMetric(
            against_base.kl_divergence, False, (PROBABILITIES,), "KL divergence of base ‖ model, in nats."
        ),
        "js_divergence": InstanceMetric(
            against_base.js_divergence, False, (PROBABILITIES,), "Jensen–Shannon divergence, in nats."
        ),
        "total_variation": InstanceMetric(
            against_base.total_variation, False, (PROBABILITIES,), "Half the sum of absolute differences."
        ),
        "mse": InstanceMetric(
            against_base.mse, False, vectors, "Mean squared difference from the base over the vector."
        ),
        "difference": InstanceMetric(against_base.difference, None, vectors, "Model minus base."),
        "absolute_difference": InstanceMetric(against_base.absolute_difference, False, vectors, "|model minus base|."),
        "ratio": InstanceMetric(against_base.ratio, None, vectors, "Model divided by base."),
        "cosine": InstanceMetric(against_base.cosine, True, vectors, "Cosine similarity to the base's vector."),
        "error": InstanceMetric(own.error, None, (LABELS, NUMBERS), "Prediction minus label."),
        "absolute_error": InstanceMetric(own.absolute_error, False, (LABELS, NUMBERS), "|prediction minus label|."),
        "squared_error": InstanceMetric(own.squared_error, False, (LABELS, NUMBERS), "(prediction minus label)²."),
        "exact_match": InstanceMetric(
            texts.exact_match, True, (LABELS, TEXTS), "1 where the normalized texts are equal."
        ),
        "token_f1": InstanceMetric(texts.token_f1, True, (LABELS, TEXTS), "F1 of the normalized words."),
        "edit_distance": InstanceMetric(
            texts.edit_distance, False, (LABELS, TEXTS), "Word edits to the label over the longer length, 0 to 1."
        ),
        "jaccard": InstanceMetric(label_sets.jaccard, True, (SETS,), "Labels in both sets over labels in either."),
        "label_f1": InstanceMetric(label_sets.label_f1, True, (SETS,), "F1 of the predicted labels."),
        "hamming": InstanceMetric(
            label_sets.hamming, False, (SETS,), "Share of all labels that are given or left out wrongly."
        ),
        LOG_PROBABILITY: InstanceMetric(
            tokens.log_probability, True, (TOKENS,), "Mean natural log-probability of the tokens."
        ),
        "perplexity": InstanceMetric(
            tokens.perplexity, False, (TOKENS,), "exp of the mean loss of the instance’s tokens."
        ),
    }


def _of_tokens() -> dict[str, InstanceMetric]:
    """What a metric means for language models."""
    return {
        "nll": InstanceMetric(tokens.nll, False, (TOKENS,), "Mean of −ln of the probability of the tokens, in nats.")
    }


def available(frame: Frame) -> list[str]:
    """Names of the metrics that what was logged allows."""

    def allowed() -> list[str]:
        known = [*builtin().items(), *_of_tokens().items()]
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
    known = builtin().get(name)
    if known is not None and not (lacking := _lacks(frame, known)):
        return known
    of_tokens = _of_tokens().get(name)
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
        VECTORS: bool(vectors) or (frame.is_numeric and frame.has_predictions),
    }


def values(frame: Frame, name: str, *, metric: InstanceMetric) -> Mapping[str, Floats]:
    """The metric of every model, worked out once."""
    return frame.keep(("metric", name), lambda: metric.compute(frame))
