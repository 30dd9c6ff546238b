"""Olive: ``footprint.json``, one entry for each model that a pass has made.

A model without metrics was not measured, or its evaluation failed; it comes in as that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..records import Metric, Operation
from ..records.own_key import DEFINITIONS, KEY
from . import beside, metric_names
from .base import Imported, Importer
from .files import below, head
from .numbers import clean_name, number, scalar
from .places import Place, json_document, other_format
from .runs import define

WHAT = "a footprint of Olive"
UNITS = {"latency": "ms", "throughput": "1/s", "size-bytes": "B"}
"""What Olive measures in, by the beginning of a metric's name: it writes no unit."""


def recognizes(path: Path) -> str | None:
    """A footprint, or a folder with one."""
    found = below(path, "*footprint*.json", depth=3) if path.is_dir() else [path]
    return "a footprint of Olive, with parent_model_id and from_pass" if any(map(_is_footprint, found)) else None


def _is_footprint(path: Path) -> bool:
    start = head(path)
    return b'"parent_model_id"' in start and b'"from_pass"' in start


def read(place: Place) -> Imported:
    """Read a footprint, or every one in a folder.

    Raises:
        InvalidValue: ``import.*``.
    """
    files = [place.path] if place.path.is_file() else below(place.path, "*footprint*.json", depth=3)
    if not files:
        raise other_format(place, WHAT, expected="There is no footprint.json in it.")
    imported = Imported()
    nodes: dict[str, Mapping[str, Any]] = {}
    for file in place.each(files):
        document = json_document(file)
        # Older files are a text of JSON in JSON.
        if isinstance(document, str):
            document = _inner(document)
        listed = list(document.values()) if isinstance(document, Mapping) else document
        if not isinstance(listed, list) or not all(_is_node(node) for node in listed) or not listed:
            raise other_format(place, WHAT, expected="Expected models with model_id and parent_model_id.")
        nodes.update({str(node["model_id"]): node for node in listed})
    directions: dict[str, bool] = {}
    documents: dict[str, object] = {}
    for key, node in nodes.items():
        attributes = _attributes(node)
        beside.define(imported, attributes.get(DEFINITIONS))
        model = _model(key, node, directions, imported)
        if KEY in attributes:
            documents[model["id"]] = attributes[KEY]
        imported.models.append(model)
    if not documents:
        _vary(imported)
    _define(imported, directions)
    beside.restore(imported, documents)
    if not documents:
        _unmeasured(imported, nodes)
    return imported


def _is_node(node: object) -> bool:
    if not isinstance(node, Mapping) or not isinstance(node.get("model_id"), str):
        return False
    return "parent_model_id" in node and isinstance(node["parent_model_id"], str | None)


def _inner(written: str) -> object:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def _config(node: Mapping[str, Any]) -> Mapping[str, Any]:
    # Version 0.12 writes model_config, later ones model_config_data.
    found = node.get("model_config_data") or node.get("model_config")
    return found if isinstance(found, Mapping) else {}


def _attributes(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where our exporter puts what Olive has no place for."""
    config = _config(node).get("config")
    found = config.get("model_attributes") if isinstance(config, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _model(key: str, node: Mapping[str, Any], directions: dict[str, bool], imported: Imported) -> dict[str, Any]:
    base, made_by = node.get("parent_model_id"), node.get("from_pass")
    settings = node.get("pass_run_config") or {}
    parameters = {
        name: scalar(value)
        for name, value in (settings.items() if isinstance(settings, Mapping) else ())
        if value is not None
    }
    kind = _config(node).get("type")
    metrics = node.get("metrics") or {}
    values = metrics.get("value", metrics) if isinstance(metrics, Mapping) else {}
    measured = {}
    for name, entry in values.items() if isinstance(values, Mapping) else ():
        found = number(entry.get("value") if isinstance(entry, Mapping) else entry)
        if found is None:
            imported.warnings.append(f"Model {key!r}: metric {name!r} is no number; it counts as missing.")
            continue
        measured[clean_name(name)] = found
        if isinstance(entry, Mapping) and isinstance(entry.get("higher_is_better"), bool):
            directions[clean_name(name)] = entry["higher_is_better"]
    return {
        "id": clean_name(key),
        "base": None if base is None else clean_name(base),
        "operation": Operation(clean_name(made_by), **parameters) if made_by else None,
        "metrics": measured,
        "tags": (clean_name(kind),) if isinstance(kind, str) else (),
    }


def _vary(imported: Imported) -> None:
    """Of a pass that made several models only the parameters that tell two of them apart are kept."""
    passes: dict[str, list[dict[str, Any]]] = {}
    for model in imported.models:
        if model["operation"] is not None:
            passes.setdefault(model["operation"].name, []).append(model)
    for name, models in passes.items():
        settings = [model["operation"].parameters for model in models]
        fixed = {key for key, value in settings[0].items() if all(one.get(key) == value for one in settings)}
        if len(models) > 1 and fixed:
            for model, one in zip(models, settings, strict=True):
                varying = {key: value for key, value in one.items() if key not in fixed}
                model["operation"] = Operation(name, **varying)
            imported.notices.append(
                f"Equal in all models of {name}, and therefore no parameter: {', '.join(sorted(fixed))[:200]}."
            )


def _define(imported: Imported, directions: Mapping[str, bool]) -> None:
    known = {metric.name for metric in imported.metrics}
    for name, higher in directions.items():
        if name in known:
            continue
        guess, _ = metric_names.described(name)
        unit = next((unit for start, unit in UNITS.items() if name.startswith(start)), guess.unit)
        imported.metrics.append(Metric(name, unit=unit, higher_is_better=higher))
        imported.reasons[name] = "the direction is Olive's higher_is_better" + ("; Olive measures so" if unit else "")
    define(imported)


def _unmeasured(imported: Imported, nodes: Mapping[str, Mapping[str, Any]]) -> None:
    parents = {node.get("parent_model_id") for node in nodes.values()}
    leaves = [key for key, node in nodes.items() if key not in parents and not node.get("metrics")]
    between = [key for key, node in nodes.items() if key in parents and not node.get("metrics")]
    if leaves:
        imported.warnings.append(
            f"{len(leaves):,} models at the end of a chain of passes have no metric: their evaluation failed or was "
            f"not asked for, e.g. {leaves[0]!r}."
        )
    if between:
        imported.notices.append(f"{len(between):,} models between passes were not measured, e.g. {between[0]!r}.")


IMPORTER = Importer(read, "footprints of Olive", takes=frozenset({"file", "folder"}), recognizes=recognizes)
