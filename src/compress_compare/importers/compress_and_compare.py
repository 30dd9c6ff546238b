"""The experiment file of the research system Compress and Compare (IEEE VIS 2024).

``{"operations": [{"name", "parameters"}], "metrics": [{"name", "primary", "format", "unit", "min", "max"}],
"models": [{"id", "base", "operation": {"name", "parameters"}, "metrics": {name: number}, "tag"}]}``

The format does not say which direction of a metric is better; such metrics come in without a direction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidValue, UserError
from ..records import Metric, MetricValue, Operation, check_name
from .base import Imported, Importer
from .files import head
from .places import Place, json_document, other_format

SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
WHAT = "an experiment file of Compress and Compare"


def read(place: Place) -> Imported:
    """Read an experiment file; entries that make no sense are left out and told in ``warnings``.

    Raises:
        InvalidValue: ``import.*`` if the file as a whole is not of this format.
    """
    document = json_document(place.path)
    if not isinstance(document, Mapping) or not isinstance(document.get("models"), list):
        raise other_format(place, WHAT, expected="Expected an object with a list named 'models'.")
    imported = Imported()
    declared = _operations(document.get("operations"), imported)
    read_metrics(document.get("metrics"), imported)
    for position, entry in enumerate(document["models"]):
        try:
            imported.models.append(read_model(entry, imported, declared=declared, position=position))
        except UserError as error:
            imported.warnings.append(f"{_label(entry, position)}: {error} It is left out.")
    return imported


def _label(entry: object, position: int) -> str:
    id = entry.get("id") if isinstance(entry, Mapping) else None
    return f"Model {id!r:.80}" if isinstance(id, str) else f"Entry {position} of 'models'"


def _operations(entries: object, imported: Imported) -> dict[str, set[str]]:
    declared: dict[str, set[str]] = {}
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            parameters = entry.get("parameters") or []
            declared[entry["name"]] = {str(name) for name in parameters}
        else:
            imported.warnings.append(f"An entry of 'operations' has no name: {entry!r:.80}.")
    return declared


def read_metrics(entries: object, imported: Imported) -> None:
    """Read definitions of metrics; those that make no sense are left out and told in ``warnings``."""
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, Mapping):
            imported.warnings.append(f"An entry of 'metrics' is not an object: {entry!r:.80}.")
            continue
        given = {name: entry[name] for name in Metric.__dataclass_fields__ if entry.get(name) is not None}
        try:
            imported.metrics.append(Metric(**{**given, "name": entry.get("name", "")}))
        except (UserError, TypeError) as error:
            imported.warnings.append(f"Metric {entry.get('name')!r:.80}: {error} Its definition is left out.")


def read_model(
    entry: object, imported: Imported, *, declared: Mapping[str, set[str]], position: int = 0
) -> dict[str, Any]:
    """Read an entry of ``models`` as arguments of ``log_model``.

    Args:
        entry: as JSON data.
        imported: gets a warning for each part that is left out.
        declared: the names of the parameters of each operation.
        position: of the entry; names it where it has no id.

    Raises:
        UserError: if it is no model.
    """
    if not isinstance(entry, Mapping):
        raise InvalidValue("import.model", "It is not an object.")
    label = _label(entry, position)
    id = check_name(entry.get("id"), "model id")
    base = entry.get("base")
    if base is not None:
        check_name(base, "model id")
    tag = entry.get("tag")
    tags = entry.get("tags") if isinstance(entry.get("tags"), list) else [tag]
    beside = {name: entry[name] for name in ("note", "replicate") if isinstance(entry.get(name), str) and entry[name]}
    return {
        "id": id,
        "base": base,
        "operation": _operation(entry.get("operation"), label, declared, imported),
        "metrics": {
            **_values(entry.get("metrics"), label, imported),
            **_measured(entry.get("values"), label, imported),
        },
        "tags": tuple(each for each in tags or () if isinstance(each, str) and each),
        **beside,
        **_references(entry.get("references"), label, imported),
    }


def _measured(entries: object, label: str, imported: Imported) -> dict[str, list[MetricValue]]:
    """What our own files say of values beyond the format: slices, devices, counts, NaN and infinities as text."""
    found: dict[str, list[MetricValue]] = {}
    for entry in entries if isinstance(entries, list) else []:
        try:
            given = {name: entry[name] for name in MetricValue.__dataclass_fields__ if name in entry}
            if given.get("value") in SPECIAL:
                given["value"] = SPECIAL[given["value"]]
            found.setdefault(check_name(entry["metric"], "metric name"), []).append(MetricValue(**given))
        except (UserError, TypeError, KeyError) as error:
            imported.warnings.append(f"{label}: a value cannot be read ({error!s:.80}) and is left out.")
    return found


def _references(entries: object, label: str, imported: Imported) -> dict[str, dict[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for entry in entries if isinstance(entries, list) else []:
        try:
            found.setdefault(str(entry["role"]), []).append(check_name(entry["model"], "model id"))
        except (UserError, TypeError, KeyError) as error:
            imported.warnings.append(f"{label}: a reference cannot be read ({error!s:.80}) and is left out.")
    return {"references": found} if found else {}


def _operation(entry: object, label: str, declared: Mapping[str, set[str]], imported: Imported) -> Operation | None:
    if entry is None:
        return None
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise InvalidValue("import.operation", "Its operation has no name.")
    name, parameters = entry["name"], entry.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise InvalidValue("import.operation", f"The parameters of its operation {name!r} are not an object.")
    if name not in declared:
        imported.warnings.append(f"{label}: the operation {name!r} is not declared in 'operations'.")
    elif undeclared := set(parameters) - declared[name]:
        imported.warnings.append(f"{label}: {name!r} has undeclared parameters {', '.join(sorted(undeclared))}.")
    return Operation(name, **parameters)


def _values(entry: object, label: str, imported: Imported) -> dict[str, float | None]:
    if entry is None:
        return {}
    if not isinstance(entry, Mapping):
        raise InvalidValue("import.metrics", "Its metrics are not an object.")
    values: dict[str, float | None] = {}
    for name, value in entry.items():
        if value is None:
            imported.warnings.append(f"{label}: metric {name!r} is null and counts as missing.")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            imported.warnings.append(f"{label}: metric {name!r} is not a number ({value!r:.40}) and counts as missing.")
        else:
            values[name] = float(value) if abs(value) < 10**308 else math.inf if value > 0 else -math.inf
            if not math.isfinite(values[name] or 0.0):
                imported.warnings.append(f"{label}: metric {name!r} is {value}; it is kept as that.")
    return values


def recognizes(path: Path) -> str | None:
    """An object that begins with operations, metrics or models."""
    start = head(path).lstrip(b"\xef\xbb\xbf \r\n\t")
    named = any(start.startswith(b"{") and f'"{name}"'.encode() in start[:60] for name in ("operations", "models"))
    return "a JSON object with operations, metrics and models" if named else None


IMPORTER = Importer(
    read,
    "the experiment file of the research system Compress and Compare (IEEE VIS 2024)",
    recognizes=recognizes,
)
