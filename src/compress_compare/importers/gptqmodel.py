"""GPTQModel: ``quant_log.csv``, the error of each module that was quantized.

Some versions write six names above five values: the number of samples has a name but no value.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ..records import Metric, MetricValue, Operation
from . import layers
from .base import Imported, Importer
from .files import head
from .numbers import number, parsed
from .places import Place, other_format, text

WHAT = "a quant_log.csv of GPTQModel"
SAMPLES = "samples"
METRICS = {
    "loss": Metric("quantization loss", higher_is_better=False),
    "time": Metric("quantization time", unit="s", higher_is_better=False),
    "damp": Metric("damping"),
}


def recognizes(path: Path) -> str | None:
    """A table whose header begins with layer, module and loss."""
    names = _names(head(path, 200).decode("utf-8", "replace").splitlines()[:1]) if path.is_file() else []
    return "quant_log.csv of GPTQModel" if names[:3] == ["layer", "module", "loss"] else None


def _names(lines: list[str]) -> list[str]:
    return [name.strip().lower() for name in lines[0].split(",")] if lines else []


def read(place: Place) -> Imported:
    """Read the log; layer and module name a slice.

    Raises:
        InvalidValue: ``import.*``.
    """
    content = text(place.path)
    names = _names(content.splitlines()[:1])
    if names[:3] != ["layer", "module", "loss"]:
        raise other_format(place, WHAT, expected="Expected columns layer, module and loss.")
    rows = [row for row in csv.reader(io.StringIO(content, newline="")) if row][1:]
    shifted = bool(rows) and all(len(row) == len(names) - 1 for row in rows) and SAMPLES in names
    if shifted:
        names.remove(SAMPLES)
    imported = Imported()
    if shifted:
        imported.notices.append("The header names the number of samples, and no row has it.")
    found: dict[str, list[tuple[str, float]]] = {}
    for position, row in enumerate(rows, 2):
        cells = dict(zip(names, (cell.strip() for cell in row), strict=False))
        if len(row) != len(names):
            imported.warnings.append(f"Row {position:,} has {len(row)} values for {len(names)} names; it is left out.")
            continue
        for name in METRICS:
            exact = parsed(cells.get(name, ""))
            value = None if exact is None else number(float(exact[0]))
            if value is not None:
                found.setdefault(name, []).append((f"{cells['layer']} {cells['module']}", value))
    if not found:
        raise other_format(place, WHAT, expected="It has no row with a number.")
    metrics: dict[str, list[MetricValue]] = {}
    for name, values in found.items():
        metric = METRICS[name]
        metrics[metric.name] = layers.add(imported, metric, values=values, reason="GPTQModel measures so")
    id = layers.model_name(place.path, "quant_log")
    imported.models.append({"id": id, "operation": Operation("gptq quantize"), "metrics": metrics})
    return imported


IMPORTER = Importer(read, "quant_log.csv of GPTQModel", recognizes=recognizes)
