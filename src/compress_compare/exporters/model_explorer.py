"""Layers as node data for Model Explorer: one number per weight tensor, to be laid over the graph of a network.

The format is that of ``GraphNodeData`` in the package ai-edge-model-explorer: values by node, and a gradient from the
smallest to the largest. Each tensor stands under two names: its own, which is the name of the tensor in ONNX and LiteRT
graphs, and that of the placeholder which ``torch.export`` makes of it (``p_layer1_0_weight``).
"""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..analysis.layers.exported import placeholder
from ..analysis.layers.measures import MEASURES, read
from ..errors import InvalidValue, NotFound

LOW, HIGH = "#f5e9c8", "#1f3a8a"


def overlay(table: pa.Table, *, model: str, measure: str) -> bytes:
    """The node data of one model, as the bytes of a JSON file.

    Args:
        table: of ``project.layers``: rows with ``module, parameter, model`` and numbers.
        model: whose rows.
        measure: a column of numbers, or a measure that is a share, such as ``zeros`` of the layer's weights.

    Raises:
        InvalidValue: ``layers.measure``, listing those that the table has.
        NotFound: ``model.unknown`` if the table has no row of the model.
    """
    found = node_data(table, model=model, measure=measure)
    return json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False).encode()


def node_data(table: pa.Table, *, model: str, measure: str) -> dict[str, Any]:
    """What ``overlay`` writes, as JSON data. Activations belong to modules: they stand at their tensor ``weight``.

    Raises:
        InvalidValue, NotFound: as ``overlay`` does.
    """
    every = table.filter(pc.equal(table["model"], model))
    if not len(every):
        raise NotFound("model.unknown", f"There are no layers of {model[:80]!r} in this comparison.")
    numbers = _values(every, measure)
    tensors = pc.is_valid(every["parameter"])
    shown = tensors if pc.any(tensors).as_py() else _modules(every)
    rows, values = every.filter(shown), numbers.filter(shown).to_pylist()
    names = [
        f"{module}.{parameter or 'weight'}" if module else parameter or "weight"
        for module, parameter in zip(rows["module"].to_pylist(), rows["parameter"].to_pylist(), strict=True)
    ]
    results = {
        key: {"value": value}
        for name, value in zip(names, values, strict=True)
        if value is not None and math.isfinite(value)
        for key in (name, placeholder(name))
    }
    gradient = [
        {"stop": 0, "bgColor": LOW, "textColor": "#000000"},
        {"stop": 1, "bgColor": HIGH, "textColor": "#ffffff"},
    ]
    return {"name": f"{model}: {measure}", "results": results, "gradient": gradient}


def _values(rows: pa.Table, measure: str) -> pa.ChunkedArray:
    """A measure of every row of one model: a share as a share, anything else as its column has it."""
    numbers = _numbers(rows)
    shares = {one.id: one for ones in MEASURES.values() for one in ones if one.share_of and one.read_from in numbers}
    if measure in shares:
        return read(rows, shares[measure])
    if measure not in numbers:
        hint = f"Choose one of: {', '.join([*shares, *numbers])}."
        raise InvalidValue("layers.measure", f"There is no measure {measure[:80]!r} here.", hint=hint)
    return rows[measure]


def _modules(rows: pa.Table) -> pa.ChunkedArray:
    """The rows of modules, without the whole network where it has any: no tensor is the whole's."""
    inner = pc.not_equal(rows["module"], "")
    return inner if pc.any(inner).as_py() else pc.is_valid(rows["model"])


def _numbers(rows: pa.Table) -> list[str]:
    kinds = ((field.name, field.type) for field in rows.schema)
    return [name for name, kind in kinds if pa.types.is_floating(kind) or pa.types.is_integer(kind)]
