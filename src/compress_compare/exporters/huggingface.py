"""Hugging Face: a folder for each model with its card and ``.eval_results``; ``importers.huggingface`` reads them back.

Weights are not in it: ``compress-compare ship`` writes them, and a card of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from ..records import Metric, Model
from ..records.own_key import KEY
from ..store.merging import contents
from ..store.store import Store
from . import card
from .beside import carried, columns, definitions

EVAL_RESULTS = ".eval_results/compress_compare.yaml"
_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]+")
MAX_FOLDER = 100


def folders(store: Store) -> dict[str, bytes]:
    """The files by their paths: ``cnn-w4/README.md``, ``cnn-w4/.eval_results/compress_compare.yaml``."""
    held, metrics = contents.of(store), store.metrics()
    found: dict[str, bytes] = {}
    taken: set[str] = set()
    rows = store.overview().to_pylist()
    measured = columns(rows, metrics)
    for row in rows:
        model = store.model(row["id"])
        folder = _folder(model.id, taken)
        front = card.head(store, model, tags=["compress-compare"], base=model.base)
        whole = carried(row, held, measured=measured)
        front[KEY] = {**whole, "definitions": definitions(whole, metrics)}
        found[f"{folder}/README.md"] = card.written(front, list(_page(store, model))).encode()
        results = list(evaluated(model, metrics))
        if results:
            found[f"{folder}/{EVAL_RESULTS}"] = yaml.safe_dump(results, sort_keys=False, allow_unicode=True).encode()
    return found


def evaluated(model: Model, metrics: list[Metric]) -> Iterator[dict[str, Any]]:
    """Entries of ``.eval_results``: finite values over all examples whose dataset is known. The format has no unit, so
    that a note says it.

    Args:
        model: that was measured.
        metrics: the definitions of the project.
    """
    units = {metric.name: metric.unit for metric in metrics}
    for name, values in model.metrics.items():
        for value in values:
            if value.slice is None and value.device is None and value.kind == "number" and value.dataset:
                unit = f" in {units[name]}" if units.get(name) else " (a pure number, not per cent)"
                yield {
                    "dataset": {"id": value.dataset, "task_id": card.key(name)},
                    "value": value.value,
                    "notes": f"{name}{unit}",
                }


def _page(store: Store, model: Model) -> Iterator[str]:
    yield f"# {card.plain(model.id)}"
    yield f"A model of the project *{card.plain(store.name)}*."
    yield "## How it was made\n" + "\n".join(card.steps(model))
    results = card.results(store, model)
    if results:
        yield f"## Results\n{results}"
    if model.note:
        yield "## Note\n" + "\n".join(card.plain(line) for line in model.note.splitlines())


def _folder(id: str, taken: set[str]) -> str:
    """A name for a folder on any system that no other model has."""
    plain = _UNUSUAL.sub("-", id).strip(".-")[:MAX_FOLDER] or "model"
    name, number = plain, 2
    while name.lower() in taken:
        name, number = f"{plain}-{number}", number + 1
    taken.add(name.lower())
    return name
