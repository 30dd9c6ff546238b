"""ONNX Runtime: what its ``qdq_loss_debug`` finds about activations and weights, kept as JSON.

``compute_activation_error`` gives two ratios for each tensor: ``qdq_err``, of the tensor before and after it is
quantized, and ``xmodel_err``, of the tensor in the whole float model and in the quantized one. ``compute_weight_error``
gives one for each weight. Both are signal-to-noise ratios in dB unless the user brought another function.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..records import Metric, MetricValue, Operation
from . import aimet, layers
from .base import Imported, Importer
from .files import head
from .numbers import number
from .places import Place, json_document, other_format

WHAT = "errors of ONNX Runtime's quantization"
ACTIVATIONS = {"qdq_err": "SQNR of activations when quantized", "xmodel_err": "SQNR of activations between the models"}
WEIGHTS = "SQNR of weights when quantized"
_STARTS = re.compile(rb"\s*\{\s*\"[^\"]*\"\s*:\s*\{\s*\"(qdq_err|xmodel_err)\"\s*:")


def recognizes(path: Path) -> str | None:
    """An object by tensor whose first entry has ``qdq_err`` or ``xmodel_err``. Weights alone look like any numbers."""
    is_one = path.is_file() and _STARTS.match(head(path))
    return "qdq_err of ONNX Runtime's compute_activation_error" if is_one else None


def read(place: Place) -> Imported:
    """Read the errors of activations or of weights, as slices of one model.

    Raises:
        InvalidValue: ``import.*``.
    """
    document = json_document(place.path)
    if not isinstance(document, Mapping) or not document or aimet.recognizes(place.path):
        raise other_format(place, WHAT, expected="Expected an object by tensor.")
    listed = [(tensor, name, value) for tensor, entry in document.items() for name, value in _entries(place, entry)]
    if len({name == WEIGHTS for _, name, _ in listed}) > 1:
        raise other_format(place, WHAT, expected="Expected activations or weights, and it mixes them.")
    imported = Imported()
    found: dict[str, list[tuple[str, float]]] = {}
    for tensor, name, written in listed:
        value = number(written)
        if value is None:
            imported.warnings.append(f"Tensor {tensor!r:.200}: {name} is no number; it counts as missing.")
        else:
            found.setdefault(name, []).append((tensor, value))
    if not found:
        raise other_format(place, WHAT, expected="It has no number of a tensor.")
    metrics: dict[str, list[MetricValue]] = {}
    for name, values in found.items():
        metric = Metric(name, unit="dB", higher_is_better=True)
        metrics[name] = layers.add(imported, metric, values=values, reason="ONNX Runtime measures so by default")
    model = {"id": layers.model_name(place.path), "operation": Operation("quantize"), "metrics": metrics}
    imported.models.append(model)
    imported.notices.append(
        "The file does not say by which function errors were computed: ONNX Runtime's own, in dB, is assumed. "
        "If it was another, say its unit and direction."
    )
    return imported


def _entries(place: Place, entry: Any) -> list[tuple[str, Any]]:
    """Names of metrics and values of one tensor."""
    if isinstance(entry, Mapping) and entry and entry.keys() <= ACTIVATIONS.keys():
        return [(ACTIVATIONS[key], value) for key, value in entry.items()]
    if entry is None or number(entry) is not None:
        return [(WEIGHTS, entry)]
    raise other_format(place, WHAT, expected="Expected qdq_err for each activation, or a number for each weight.")


IMPORTER = Importer(read, "errors of ONNX Runtime's quantization", recognizes=recognizes)
