"""What may not be compared, and why: differing data, kinds of answers, sets of classes or sizes of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from ...errors import InvalidValue
from .frame import LABEL, PREDICTION, Frame

ENOUGH = 10
"""Predictions from which a model shows what it can predict."""


def check_kinds(frame: Frame) -> None:
    """Refuse predictions of one kind beside labels or predictions of another, and vectors of differing size.

    Raises:
        InvalidValue: ``behaviors.not_comparable``, naming which model and what differs.
    """
    for fact in ("preprocessing", "classes"):
        _check_fact(frame, fact)
    base = frame.outputs[frame.base].schema
    kinds = {model: _kind_of(table.schema) for model, table in frame.outputs.items()}
    for model, kind in kinds.items():
        if kind != kinds[frame.base]:
            raise _refusal(
                f"Models {frame.base!r} and {model!r} give different kinds of predictions",
                f"{kinds[frame.base]} and {kind}",
            )
    if frame.has_labels and frame.has_predictions:
        label = _kind(frame.dataset.schema.field(LABEL).type)
        if label != kinds[frame.base] and {"strings", "sets of labels"} & {label, kinds[frame.base]}:
            raise _refusal("Labels and predictions are of different kinds", f"{label} and {kinds[frame.base]}")
    for name in frame.vector_names():
        sizes = {model: table.schema.field(name).type.list_size for model, table in frame.outputs.items()}
        for model, size in sizes.items():
            if size != base.field(name).type.list_size:
                raise _refusal(
                    f"Models {frame.base!r} and {model!r} have {name} of different size",
                    f"{sizes[frame.base]} and {size}",
                )


def check_label_sets(frame: Frame) -> None:
    """Refuse a model that predicts none of the classes that occur as labels, though it answered ten instances or more.

    Free text is let pass: labels of which most occur once are no set of classes.

    Raises:
        InvalidValue: ``behaviors.not_comparable``.
    """
    labels, size = frame.labels(), len(frame.classes())
    as_label = np.bincount(labels + 1, minlength=size + 1)[1:]
    if 2 * np.count_nonzero(as_label) > as_label.sum():
        return
    for model in frame.outputs:
        predicted = np.bincount(frame.predictions(model) + 1, minlength=size + 1)[1:]
        if predicted.sum() >= ENOUGH and not (as_label * predicted).any():
            examples = [frame.classes()[int(np.argmax(counts))].as_py() for counts in (predicted, as_label)]
            raise _refusal(
                f"Model {model!r:.80} predicts none of the labels of the dataset",
                f"predictions such as {examples[0]!r:.40}, labels such as {examples[1]!r:.40}",
            )


def _check_fact(frame: Frame, fact: str) -> None:
    """What was logged of how answers came about is the same; a model that says nothing is let pass."""
    known = {model: found for model in frame.outputs if (found := frame.fact(model, fact.encode())) is not None}
    first = next(iter(known), "")
    for model, found in known.items():
        if found != known[first]:
            what = "preprocessing" if fact == "preprocessing" else "sets of classes"
            raise _refusal(
                f"Models {first!r:.80} and {model!r:.80} have different {what}",
                f"{_differing(known[first], found)}",
            )


def _differing(first: Any, second: Any) -> str:
    """Only what differs of two mappings or lists of equal length; else both, cut."""
    if isinstance(first, dict) and isinstance(second, dict):
        names = [name for name in {**first, **second} if first.get(name) != second.get(name)]
        return "; ".join(f"{name}: {first.get(name)!r:.60} and {second.get(name)!r:.60}" for name in names[:5])
    if isinstance(first, list) and isinstance(second, list):
        only = [[name for name in one if name not in other] for one, other in ((first, second), (second, first))]
        if any(only):
            return f"only in the first {only[0][:5]!r:.80}, only in the second {only[1][:5]!r:.80}"
        return "the same names in another order"
    return f"{first!r:.80} and {second!r:.80}"


def _kind_of(schema: pa.Schema) -> str:
    return _kind(schema.field(PREDICTION).type) if PREDICTION in schema.names else "none"


def _kind(type: pa.DataType) -> str:
    if pa.types.is_boolean(type) or pa.types.is_integer(type):
        return "integers"
    if pa.types.is_floating(type):
        return "numbers"
    if pa.types.is_list(type):
        return "sets of labels"
    return "strings" if pa.types.is_string(type) else str(type)


def _refusal(title: str, detail: str) -> InvalidValue:
    return InvalidValue(
        "behaviors.not_comparable",
        f"{title}: they are not compared.",
        detail=f"Found {detail}.",
        hint="Compare models that answered the same task on the same dataset.",
    )
