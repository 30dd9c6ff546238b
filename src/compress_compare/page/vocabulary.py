"""The measures of Layers and the metrics of Behaviors as the page imports them: TypeScript from their definitions.

`python -m compress_compare.page.vocabulary` prints it; `npm run types` keeps `ui/src/api/vocabulary.gen.ts` up to date.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pyarrow as pa

from ..analysis.behaviors.boxes import SCORE
from ..analysis.behaviors.definition import InstanceMetric
from ..analysis.behaviors.metrics import BUILTIN
from ..analysis.layers import activations, measures
from ..analysis.layers.measures import MEASURES, LayerMeasure

SCHEMAS = {
    "sparsity": measures.SPARSITY,
    "weights": measures.WEIGHTS,
    "storage": measures.STORAGE,
    "activations": activations.SCHEMA,
}
"""What the rows of each mode of Layers hold."""


def typescript() -> str:
    """The source of a module of constants."""
    constants: dict[str, Any] = {
        "LAYER_MEASURES": {mode: [_measure(one) for one in ones] for mode, ones in MEASURES.items()},
        "LAYER_NUMBERS": {mode: _numbers(schema) for mode, schema in SCHEMAS.items()},
        "INSTANCE_METRICS": {name: _metric(name, metric) for name, metric in BUILTIN.items()},
        "SURE_SCORE": SCORE,
    }
    lines = ["/** Generated from the definitions of the server by `npm run types`. Do not edit. */"]
    for name, content in constants.items():
        lines.append(f"export const {name} = {json.dumps(content, ensure_ascii=False, indent=2)} as const;")
    return "\n".join(lines) + "\n"


def _measure(one: LayerMeasure) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "meaning": one.meaning,
        "column": one.read_from,
        "shareOf": one.share_of,
        "unit": one.unit,
        "format": one.format,
        "higher_is_better": one.higher_is_better,
        "min": one.low,
        "max": one.high,
        "log": one.log,
        "compares": one.compares,
        "loss": one.loss,
        "counts": one.counts,
    }


def _numbers(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if pa.types.is_integer(field.type) or pa.types.is_floating(field.type)]


def _metric(name: str, metric: InstanceMetric) -> dict[str, Any]:
    return {
        "title": metric.title or name,
        "meaning": metric.meaning,
        "unit": metric.unit,
        "format": metric.format,
        "min": metric.low,
        "max": metric.high,
        "againstBase": metric.against_base,
        "yesNo": metric.yes_no,
    }


def main() -> None:
    """Write the module to the standard output."""
    sys.stdout.write(typescript())


if __name__ == "__main__":
    main()
