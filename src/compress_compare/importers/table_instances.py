"""Tables with a row for each instance: what models answered, and numbers for each answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .base import Imported
from .mapping import TableMapping
from .numbers import clean_name, is_missing, metric_name, number, parsed
from .tables import ReadTable

MAX_TEXT = 10_000
MAX_LABEL = 1000
Row = Mapping[str, Any]


def add(imported: Imported, table: ReadTable, *, mapping: TableMapping, rows: Mapping[str, Sequence[Row]]) -> None:
    """Give the import a dataset for each name in the column of datasets, or one named like the file, and the outputs.

    Args:
        imported: gets datasets, outputs and warnings.
        table: that was read.
        mapping: with the column ``instance``.
        rows: of each model, by its id.
    """
    datasets: dict[str, dict[str, Row]] = {}
    answered: dict[tuple[str, str], dict[str, Row]] = {}
    for model, listed in rows.items():
        twice = 0
        for row in listed:
            if is_missing(row.get(mapping.instance)):
                twice += 1
                continue
            named = row.get(mapping.dataset) if mapping.dataset else None
            dataset = clean_name(table.name.rpartition(".")[0] or table.name if is_missing(named) else named)
            id = str(row[mapping.instance])
            answers = answered.setdefault((model, dataset), {})
            twice += id in answers
            answers.setdefault(id, row)
            known = datasets.setdefault(dataset, {}).setdefault(id, row)
            if mapping.label and str(known.get(mapping.label)) != str(row.get(mapping.label)):
                imported.warnings.append(f"{dataset}: {id!r} has two labels; the first is taken.")
        if twice:
            imported.warnings.append(
                f"Model {model!r}: {twice:,} rows name no instance or one twice; they are left out."
            )
    cells = [row.get(name) for row in table.rows for name in (mapping.label, mapping.prediction) if name]
    whole = all(_whole(cell) is not None for cell in cells if not is_missing(cell))
    for name, known in datasets.items():
        imported.datasets.append(_dataset(name, known, mapping, whole=whole))
    for (model, dataset), answers in answered.items():
        imported.outputs.append({"model": model, "dataset": dataset, **_outputs(table, mapping, answers, whole=whole)})


def _dataset(name: str, rows: Mapping[str, Row], mapping: TableMapping, *, whole: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "ids": list(rows)}
    labels = [_answer(row.get(mapping.label), whole=whole) for row in rows.values()] if mapping.label else []
    if labels and all(label is not None for label in labels):
        found["labels"] = labels
    if mapping.text:
        found["texts"] = [str(row.get(mapping.text) or "")[:MAX_TEXT] for row in rows.values()]
    return found


def _outputs(table: ReadTable, mapping: TableMapping, rows: Mapping[str, Row], *, whole: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"ids": list(rows)}
    if mapping.prediction:
        answers = [_answer(row.get(mapping.prediction), whole=whole) for row in rows.values()]
        # Numbers cannot be missing among whole ones; an answer that is not there is an empty text.
        found["predictions"] = answers if None not in answers else ["" if one is None else str(one) for one in answers]
    metrics = {}
    for column, said in mapping.metrics.items():
        values = [_number(table, row.get(column), said.scale) for row in rows.values()]
        if any(value is not None for value in values):
            metrics[metric_name(said.name or column)] = values
    return {**found, **({"metrics": metrics} if metrics else {})}


def _answer(cell: Any, *, whole: bool) -> Any:
    if is_missing(cell):
        return None
    return _whole(cell) if whole else str(cell)[:MAX_LABEL]


def _whole(cell: Any) -> int | None:
    """A class by its number."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int):
        return cell
    return int(cell) if isinstance(cell, str) and cell.removeprefix("-").isdecimal() and len(cell) < 10 else None


def _number(table: ReadTable, cell: Any, scale: float) -> float | None:
    if isinstance(cell, str):
        found = parsed(cell, decimal_comma=table.decimal_comma)
        return None if found is None else float(found[0]) * scale
    if isinstance(cell, bool):
        return float(cell)
    plain = number(cell)
    return None if plain is None else plain * scale
