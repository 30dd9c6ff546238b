"""Datasets and outputs as one table, and back to the arguments of the calls that log them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from ..store.box_columns import BOX, CORNERS, box_column, classes_in
from ..store.instance_tables import CLASSES, MASKS, PREPROCESSING, has_masks

PAYLOAD = {"image": "images", "audio": "audio", "text": "texts", "tokens": "tokens"}
ARGUMENTS = {"mask": "masks", "object_masks": "object_masks"}


def dataset_arguments(table: pa.Table) -> dict[str, Any]:
    """The arguments of ``log_dataset`` that make this table."""
    found: dict[str, Any] = {"ids": _column(table, "id")}
    if "label" in table.column_names and not _follows(table, "label"):
        found["labels"] = _values(table, "label")
    for name, argument in PAYLOAD.items():
        if name in table.column_names:
            found[argument] = _values(table, name) if name == "text" else table[name].to_pylist()
    if "boxes" in table.column_names:
        found["boxes"] = _boxes(table)
    masks = [name for name in MASKS if has_masks(table.schema, name)]
    found |= {ARGUMENTS[name]: table[name] for name in masks}
    taken = ["id", "label", "boxes", *PAYLOAD, *masks]
    rest = [name for name in table.column_names if name not in taken]
    return {**found, "metadata": {name: _column(table, name) for name in rest} or None}


def output_arguments(table: pa.Table) -> dict[str, Any]:
    """The arguments of ``log_outputs`` that make this table."""
    found: dict[str, Any] = {"ids": _column(table, "id")}
    facts = table.schema.metadata or {}
    for fact, argument in ((PREPROCESSING, "preprocessing"), (CLASSES, "classes")):
        if fact in facts:
            found[argument] = json.loads(facts[fact])
    kinds: dict[str, dict[str, Any]] = {"vectors": {}, "tokens": {}, "metrics": {}}
    for field in table.schema:
        if field.name == "id" or _follows(table, field.name):
            continue
        if field.name == "prediction":
            found["predictions"] = _values(table, "prediction")
        elif field.name == "text":
            found["texts"] = _column(table, "text")
        elif field.name == "boxes":
            found["boxes"] = _boxes(table)
        elif field.name in MASKS and has_masks(table.schema, field.name):
            found[ARGUMENTS[field.name]] = table[field.name]
        elif pa.types.is_fixed_size_list(field.type):
            values = table[field.name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            kinds["vectors"][field.name] = np.reshape(values, (-1, field.type.list_size))
        elif pa.types.is_list(field.type):
            kinds["tokens"][field.name] = table[field.name].to_pylist()
        else:
            kinds["metrics"][field.name] = _column(table, field.name)
    return {**found, **{name: columns for name, columns in kinds.items() if columns}}


def _has_boxes(table: pa.Table) -> bool:
    return "boxes" in table.column_names and bool(table["boxes"].type == pa.list_(BOX))


def _follows(table: pa.Table, name: str) -> bool:
    """Whether labels or predictions are those that follow from the boxes; the types of empty sets would be lost."""
    if name not in ("label", "prediction") or not _has_boxes(table):
        return False
    return bool(table[name].combine_chunks().equals(classes_in(box_column(_boxes(table)))))


def _boxes(table: pa.Table) -> list[Any]:
    """Boxes as they are logged; what is none is refused where it is logged."""
    rows = list(table["boxes"].to_pylist())
    if not _has_boxes(table):
        return rows
    each: list[Any] = []
    for row in rows:
        boxes = [{**(box or {}), "box": [(box or {}).get(corner) for corner in CORNERS]} for box in row or []]
        each.append(None if row is None else boxes)
    return each


def _values(table: pa.Table, name: str) -> Any:
    """A column of values, or of lists where the values are sets of labels."""
    return table[name].to_pylist() if pa.types.is_list(table[name].type) else _column(table, name)


def _column(table: pa.Table, name: str) -> pa.Array:
    found = table[name]
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
