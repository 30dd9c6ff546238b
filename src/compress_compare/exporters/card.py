"""What a model card says, as the Hugging Face Hub reads it: the head of a ``README.md``, and pieces of its page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from ..analysis.inference.normal import Z
from ..records import MetricValue, Model
from ..store.store import Store

RELATIONS = {
    "finetune": "finetune", "train": "finetune", "calibrate": "finetune", "distill": "finetune", "merge": "merge",
}  # fmt: skip
"""What the Hub calls the step from a base to a model; everything else here makes a model smaller: ``quantized``."""


def head(store: Store, model: Model, *, tags: Sequence[str], base: str | None) -> dict[str, Any]:
    """The metadata of a card: tags, ``base_model`` with its relation, and ``model-index``.

    Args:
        store: the project.
        model: that the card is about.
        tags: of the card.
        base: what ``base_model`` names: the root of the model or its direct base; ``None`` for a root.
    """
    found: dict[str, Any] = {"tags": list(tags)}
    if base is not None:
        found["base_model"] = base
        found["base_model_relation"] = _relation(model, base)
    results = list(_indexed(store, model))
    if results:
        found["model-index"] = [{"name": model.id, "results": results}]
    return found


def written(front: dict[str, Any], parts: Sequence[str]) -> str:
    """The text of ``README.md``: what ``head`` gave, and the parts of its page."""
    said = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    return "\n\n".join([f"---\n{said}---", *parts]) + "\n"


def steps(model: Model) -> Iterator[str]:
    """How it was made: a numbered line for each step from the root."""
    for number, step in enumerate(model.lineage, 1):
        said = "the root" if step.operation is None else f"{plain(step.operation.name)}"
        parameters = step.operation.parameters if step.operation else {}
        listed = ", ".join(f"{plain(str(key))} = {plain(str(value))}" for key, value in parameters.items())
        yield f"{number}. {plain(step.model)}: {said}{f' ({listed})' if listed else ''}"


def results(store: Store, model: Model) -> str:
    """A table of its numbers over all examples, with a 95% interval where there is an error; empty without any."""
    rows = list(_rows(store, model))
    header = "| metric | value | 95% interval | examples | device |\n|---|---:|---|---:|---|\n"
    return header + "\n".join(rows) if rows else ""


def plain(text: str) -> str:
    """A name as text of Markdown, on one line, without any mark-up of its own."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|" else c for c in line)


def key(name: str) -> str:
    """A name as the Hub writes keys: small letters and digits, joined by underscores."""
    return "_".join("".join(c if c.isalnum() else " " for c in name.lower()).split()) or "metric"


def number(value: float) -> str:
    """A value with four significant digits; whole and with commas from a thousand on."""
    return f"{value:,.0f}" if abs(value) >= 1000 and math.isfinite(value) else f"{value:.4g}"


def _relation(model: Model, base: str) -> str:
    """One word for all steps between the base that is named and the model."""
    ids = [step.model for step in model.lineage]
    taken = model.lineage[ids.index(base) + 1 :] if base in ids else model.lineage[-1:]
    shrinking = [step.operation.name for step in taken if step.operation and step.operation.name not in RELATIONS]
    return "quantized" if shrinking or model.operation is None else RELATIONS[model.operation.name]


def _indexed(store: Store, model: Model) -> Iterator[dict[str, Any]]:
    """The results of ``model-index``, one for each dataset."""
    by_dataset: dict[str, list[dict[str, Any]]] = {}
    usual = model.datasets[0] if model.datasets else store.name
    for name, value in _overall(model):
        if value.device is None:
            entry = {"type": key(name), "name": name, "value": value.value}
            by_dataset.setdefault(value.dataset or usual, []).append(entry)
    for dataset, metrics in by_dataset.items():
        yield {"task": {"type": "other"}, "dataset": {"name": dataset, "type": "custom"}, "metrics": metrics}


def _overall(model: Model) -> Iterator[tuple[str, MetricValue]]:
    for name, values in model.metrics.items():
        for value in values:
            if value.slice is None and value.kind == "number":
                yield name, value


def _rows(store: Store, model: Model) -> Iterator[str]:
    known = {metric.name: metric for metric in store.metrics()}
    for name, value in _overall(model):
        unit = known[name].unit if name in known else ""
        interval = ""
        if value.standard_error:
            half = Z * value.standard_error
            interval = f"{number(value.value - half)} to {number(value.value + half)}"
        count = "" if value.count is None else f"{value.count:,}"
        shown = f"{number(value.value)}{f' {unit}' if unit else ''}"
        yield f"| {plain(name)} | {shown} | {interval} | {count} | {plain(value.device or '')} |"
