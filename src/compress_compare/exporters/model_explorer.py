"""Layers as node data for Model Explorer: one number per weight tensor, to be laid over the graph of a network.

The format is that of ``GraphNodeData`` in the package ai-edge-model-explorer: values by node, and a gradient from the
smallest to the largest. Each tensor stands under two names: its own, which is the name of the tensor in ONNX and LiteRT
graphs, and that of the placeholder which ``torch.export`` makes of it (``p_layer1_0_weight``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import InvalidValue, NotFound

SHARES = {"zeros": "num_zeros", "new_zeros": "zero_model_only", "filled_zeros": "zero_base_only"}
"""Shares of a tensor's elements, by the column that counts them."""
DEFAULTS = {"sparsity": "zeros", "weights": "sqnr_db", "storage": "bits"}
LOW, HIGH = "#f5e9c8", "#1f3a8a"


def overlay(table: pa.Table, *, model: str, measure: str) -> bytes:
    """The node data of one model, as the bytes of a JSON file.

    Args:
        table: of ``project.layers``: rows with ``module, parameter, model`` and numbers.
        model: whose rows.
        measure: a column of numbers, or ``zeros``, ``new_zeros``, ``filled_zeros`` as shares.

    Raises:
        InvalidValue: ``layers.measure``, listing those that the table has.
        NotFound: ``model.unknown`` if the table has no row of the model.
    """
    rows = table.filter(pc.and_(pc.equal(table["model"], model), pc.is_valid(table["parameter"])))
    if not len(rows):
        raise NotFound("model.unknown", f"There are no layers of {model[:80]!r} in this comparison.")
    names = [
        f"{module}.{parameter}" if module else parameter
        for module, parameter in zip(rows["module"].to_pylist(), rows["parameter"].to_pylist(), strict=True)
    ]
    values = zip(names, _values(rows, measure), strict=True)
    results = {
        key: {"value": value}
        for name, value in values
        if value is not None and math.isfinite(value)
        for key in (name, placeholder(name))
    }
    gradient = [
        {"stop": 0, "bgColor": LOW, "textColor": "#000000"},
        {"stop": 1, "bgColor": HIGH, "textColor": "#ffffff"},
    ]
    found = {"name": f"{model}: {measure}", "results": results, "gradient": gradient}
    return json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False).encode()


def placeholder(name: str) -> str:
    """What ``torch.export`` calls the input that a parameter becomes."""
    return "p_" + name.replace(".", "_").lower()


def _values(rows: pa.Table, measure: str) -> Sequence[float | None]:
    known = [*(name for name, column in SHARES.items() if column in rows.column_names), *_numbers(rows)]
    if measure not in known:
        hint = f"Choose one of: {', '.join(known)}."
        raise InvalidValue("layers.measure", f"There is no measure {measure[:80]!r} here.", hint=hint)
    if measure in SHARES:
        whole = rows["num_parameters"].to_pylist()
        parts = rows[SHARES[measure]].to_pylist()
        return [part / all if part is not None and all else None for part, all in zip(parts, whole, strict=True)]
    found: Sequence[float | None] = rows[measure].to_pylist()
    return found


def _numbers(rows: pa.Table) -> list[str]:
    kinds = ((field.name, field.type) for field in rows.schema)
    return [name for name, kind in kinds if pa.types.is_floating(kind) or pa.types.is_integer(kind)]
