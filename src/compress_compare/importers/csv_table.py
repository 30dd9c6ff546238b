"""Any table: CSV, Parquet, JSON lines. A mapping, proposed or given by the user, says what its columns are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..errors import InvalidValue, UserError
from ..records import Metric, MetricValue, Operation
from . import table_instances
from .base import Imported, Importer
from .files import head
from .mapping import MetricColumn, TableMapping, from_plain, propose, to_yaml
from .numbers import clean_name, dictionary, is_missing, metric_name, number, parsed, scalar
from .places import Place
from .runs import flat
from .tables import PARQUET, ReadTable, read_table

ENDINGS = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")
MAPPING = "mapping"
"""Name of the option that has the mapping as plain data."""


def recognizes(path: Path) -> str | None:
    """A file that ends as tables do, or begins as Parquet does."""
    if not path.is_file():
        return None
    if head(path, 4) == PARQUET:
        return "a table in Parquet"
    return f"a table, as its name ends with {path.suffix}" if path.suffix.lower() in ENDINGS else None


def read(place: Place) -> Imported:
    """Read a table by the mapping in the options, or by a proposed one, which ``notices`` tell.

    Raises:
        InvalidValue: ``import.*``.
    """
    table = read_table(place.path)
    reasons: dict[str, str] = {}
    if place.options.get(MAPPING) is not None:
        mapping, preset = from_plain(place.options[MAPPING], "The mapping"), ""
        missing = sorted(mapping.columns() - set(table.columns))
        if missing:
            title = f"{place.name!r} has no column {missing[0]!r}."
            raise InvalidValue("import.mapping", title, hint=f"It has {', '.join(table.columns)[:300]}.")
    else:
        mapping, reasons, preset = propose(table)
    imported = Imported(mapping=to_yaml(mapping), columns=tuple(table.columns))
    _told(imported, table, mapping, preset)
    _define(imported, mapping, reasons)
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for position, row in enumerate(table.rows, 2):
        if mapping.state and str(row.get(mapping.state)).lower() != "finished":
            state = row.get(mapping.state)
            imported.warnings.append(f"Row {position:,} is {state!r}, not finished; it is left out.")
            continue
        entries.setdefault(_id(place, mapping, row, position, imported), []).append(row)
    entries.pop("", None)
    of_models = replace(mapping, metrics={}) if mapping.instance else mapping
    for id, rows in entries.items():
        imported.models.append(_model(imported, table, of_models, (id, rows)))
    if mapping.instance:
        table_instances.add(imported, table, mapping=mapping, rows=entries)
    bases = {model["base"] for model in imported.models if model["base"]}
    imported.named = sorted(bases - set(entries))
    return imported


def _id(place: Place, mapping: TableMapping, row: Mapping[str, Any], position: int, imported: Imported) -> str:
    if not mapping.id:
        stem = place.path.stem
        return clean_name(place.path.resolve().parent.name if stem == "results" else stem)
    parts = [str(row[name]) for name in mapping.id if not is_missing(row.get(name))]
    if not parts:
        imported.warnings.append(f"Row {position:,} names no model; it is left out.")
        return ""
    return clean_name("-".join(parts))


def _told(imported: Imported, table: ReadTable, mapping: TableMapping, preset: str) -> None:
    if preset:
        imported.notices.append(f"The columns are those of {preset}.")
    if table.decimal_comma:
        imported.notices.append("The table writes a comma for the decimal point.")
    named = "-".join(mapping.id) or "the file"
    if mapping.instance:
        imported.notices.append(f"A row is what a model answered to the instance in {mapping.instance}.")
    imported.notices.append(
        f"A model is named by {named}" + (f", its base by {mapping.base}." if mapping.base else ".")
    )
    ignored = [name for name in table.columns if name not in mapping.columns()]
    if ignored:
        imported.notices.append(f"Columns that are not understood and left out: {', '.join(ignored)[:300]}.")


def _define(imported: Imported, mapping: TableMapping, reasons: Mapping[str, str]) -> None:
    for column, said in mapping.metrics.items():
        name = metric_name(said.name or column)
        imported.metrics.append(Metric(name, unit=said.unit, higher_is_better=said.higher_is_better))
        imported.reasons[name] = reasons.get(column, "the mapping says so")


def _model(
    imported: Imported, table: ReadTable, mapping: TableMapping, entry: tuple[str, list[Mapping[str, Any]]]
) -> dict[str, Any]:
    id, rows = entry
    if mapping.best:
        rows = [_best(imported, table, mapping, entry)]
    first = rows[0]
    found = [cell for name in mapping.parameters if isinstance(cell := dictionary(first.get(name)), Mapping)]
    if found:  # what it says of base and operation is found by the rules
        imported.facts[id] = {key: one for cell in found for key, one in flat(cell, "config").items() if "." in key}
    base = str(first[mapping.base]) if mapping.base and not is_missing(first.get(mapping.base)) else None
    metrics: dict[str, list[MetricValue]] = {}
    for row in rows:
        for column, said in mapping.metrics.items():
            value = _value(imported, table, said, (id, column, row.get(column)))
            if value is not None:
                _place(imported, metrics, _measured(mapping, said, row, value), (id, metric_name(said.name or column)))
    tags = [
        tag
        for name in mapping.tags
        if not is_missing(first.get(name))
        for tag in str(first[name]).split(",")
        if tag.strip()
    ]
    return {
        "id": id,
        "base": clean_name(base) if base and clean_name(base) != id else None,
        "operation": _operation(imported, mapping, first, id),
        "metrics": metrics,
        "tags": tuple(clean_name(tag) for tag in tags),
        "note": "" if is_missing(first.get(mapping.note)) else str(first[mapping.note])[:100_000],
    }


def _best(
    imported: Imported, table: ReadTable, mapping: TableMapping, entry: tuple[str, list[Mapping[str, Any]]]
) -> Mapping[str, Any]:
    id, rows = entry

    def value(row: Mapping[str, Any]) -> float:
        found = _number(table, row.get(mapping.best))
        return -float("inf") if found is None or found != found else float(found)

    best = max(rows, key=value)
    position, last = rows.index(best) + 1, rows[-1]
    imported.notices.append(
        f"Model {id!r}: row {position} of {len(rows)} is taken, the best by {mapping.best} ({best[mapping.best]}); "
        f"the last has {last[mapping.best]}."
    )
    return best


def _place(
    imported: Imported, metrics: dict[str, list[MetricValue]], value: MetricValue, where: tuple[str, str]
) -> None:
    """Note a value. The same again is one; another one for the same data, device and protocol is told."""
    id, name = where
    values = metrics.setdefault(name, [])
    for old in values:
        if (old.device, old.dataset, old.protocol_json) == (value.device, value.dataset, value.protocol_json):
            if old.value != value.value and not (old.value != old.value and value.value != value.value):
                imported.warnings.append(f"Model {id!r} has several values of {name}; the first row is taken.")
            return
    values.append(value)


def _measured(mapping: TableMapping, said: MetricColumn, row: Mapping[str, Any], value: float) -> MetricValue:
    dataset = row.get(mapping.dataset) if mapping.dataset else None
    device = row.get(mapping.device) if mapping.device else mapping.device_name or None
    protocol = {name: scalar(row[name]) for name in mapping.protocol if not is_missing(row.get(name))}
    return MetricValue(
        value,
        dataset=None if is_missing(dataset) else clean_name(dataset),
        device=None if is_missing(device) or not said.setting else clean_name(device),
        protocol=protocol if protocol and said.setting else None,
    )


def _number(table: ReadTable, cell: Any) -> Decimal | float | None:
    if isinstance(cell, str):
        found = parsed(cell, decimal_comma=table.decimal_comma)
        return None if found is None else found[0]
    return number(cell)


def _value(imported: Imported, table: ReadTable, said: MetricColumn, where: tuple[str, str, Any]) -> float | None:
    id, column, cell = where
    if is_missing(cell):
        return None
    found = _number(table, cell)
    percent = isinstance(cell, str) and cell.endswith("%")
    if found is None or (percent and said.unit != "%"):
        why = "is per cent in a column that is not" if found is not None else "is no number"
        imported.warnings.append(f"Model {id!r}: {column} {why} ({cell!r:.40}); it counts as missing.")
        return None
    if isinstance(found, Decimal):
        return number(float(found * Decimal(str(said.scale))))
    return found * said.scale


def _operation(imported: Imported, mapping: TableMapping, row: Mapping[str, Any], id: str) -> Operation | None:
    named = row.get(mapping.operation) if mapping.operation else None
    if is_missing(named):
        return None
    parameters: dict[str, Any] = {}
    for name in mapping.parameters:
        cell = row.get(name)
        if is_missing(cell):
            continue
        value = dictionary(cell)
        if isinstance(value, Mapping):
            parameters |= {key.partition(".")[2]: one for key, one in flat(value, "p").items() if "." in key}
        else:
            parameters[name.removeprefix("config.")] = scalar(value)
    try:
        return Operation(clean_name(named), **parameters)
    except UserError as error:
        imported.warnings.append(f"Model {id!r}: the parameters of its operation are left out. {error}")
        return Operation(clean_name(named))


IMPORTER = Importer(read, "any table: CSV, Parquet or JSON lines, with a mapping of its columns", recognizes=recognizes)
