"""Datasets and outputs as one table, and back to the arguments of the calls that log them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from ..store.instance_tables import CLASSES, PREPROCESSING, has_masks

PAYLOAD = {"image": "images", "audio": "audio", "text": "texts", "tokens": "tokens", "boxes": "boxes"}


def dataset_arguments(table: pa.Table) -> dict[str, Any]:
    """The arguments of ``log_dataset`` that make this table."""
    found: dict[str, Any] = {"ids": _column(table, "id")}
    if "label" in table.column_names:
        found["labels"] = _values(table, "label")
    for name, argument in PAYLOAD.items():
        if name in table.column_names:
            found[argument] = _values(table, name) if name == "text" else table[name].to_pylist()
    taken = ["id", "label", *PAYLOAD]
    if has_masks(table.schema):
        found["masks"] = table["mask"]
        taken.append("mask")
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
        if field.name == "id":
            continue
        if field.name == "prediction":
            found["predictions"] = _values(table, "prediction")
        elif field.name == "text":
            found["texts"] = _column(table, "text")
        elif field.name == "boxes":
            found["boxes"] = table["boxes"].to_pylist()
        elif field.name == "mask" and has_masks(table.schema):
            found["masks"] = table["mask"]
        elif pa.types.is_fixed_size_list(field.type):
            values = table[field.name].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            kinds["vectors"][field.name] = np.reshape(values, (-1, field.type.list_size))
        elif pa.types.is_list(field.type):
            kinds["tokens"][field.name] = table[field.name].to_pylist()
        else:
            kinds["metrics"][field.name] = _column(table, field.name)
    return {**found, **{name: columns for name, columns in kinds.items() if columns}}


def _values(table: pa.Table, name: str) -> Any:
    """A column of values, or of lists where the values are sets of labels."""
    return table[name].to_pylist() if pa.types.is_list(table[name].type) else _column(table, name)


def _column(table: pa.Table, name: str) -> pa.Array:
    found = table[name]
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found
