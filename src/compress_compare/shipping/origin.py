"""Where a shipped file comes from, as one JSON object that stands in its own metadata under ``compress_compare``."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib import metadata
from typing import Any

from ..analysis.inference.normal import Z
from ..readers.origin import SCHEMA
from ..records import MetricValue, Model
from ..store.store import Store

PACKAGES = ("compress-compare", "numpy", "torch")


def origin(store: Store, model: Model, *, format: str) -> dict[str, Any]:
    """What a file says of itself. The fields are described in ``docs/shipping.md``.

    Args:
        store: the project of the model.
        model: that is shipped.
        format: the name of the format.
    """
    root = store.model(model.lineage[0].model)
    base = store.model(model.base) if model.base is not None else None
    return {
        "schema": SCHEMA,
        "project": store.name,
        "model": model.id,
        "files": _files(model),
        "base": None if base is None else {"model": base.id, "files": _files(base)},
        "root": {"model": root.id, "files": _files(root)},
        "lineage": [
            {
                "model": step.model,
                "operation": step.operation.name if step.operation else None,
                "parameters": dict(step.operation.parameters) if step.operation else {},
            }
            for step in model.lineage
        ],
        "metrics": list(_metrics(store, model)),
        "format": format,
        "versions": versions(),
    }


def text(said: Any) -> str:
    """As it stands in metadata: JSON without characters that some formats refuse."""
    return json.dumps(said, ensure_ascii=True, separators=(",", ":"))


def versions() -> dict[str, str]:
    """Of what wrote the file."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _files(model: Model) -> dict[str, str]:
    return {file.name: file.sha256 for file in model.checkpoint.files} if model.checkpoint else {}


def _metrics(store: Store, model: Model) -> Iterable[dict[str, Any]]:
    """The finite values over all examples, with what each depends on and a 95% interval where there is an error."""
    units = {metric.name: metric.unit for metric in store.metrics()}
    for name, values in model.metrics.items():
        for value in values:
            if value.slice is None and value.kind == "number":
                yield {"name": name} | ({"unit": units[name]} if units.get(name) else {}) | _value(value)


def _value(value: MetricValue) -> dict[str, Any]:
    found = {key: each for key, each in asdict(value).items() if each not in (None, "") and key != "slice"}
    if value.standard_error:
        half = Z * value.standard_error
        found["interval"] = [value.value - half, value.value + half]
    return found
