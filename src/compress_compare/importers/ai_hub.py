"""Qualcomm AI Hub Models: ``perf.yaml``, latency and memory of a model by device and runtime.

A model of several components, which run one after another, takes the sum of their times; memory is that of the largest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..records import Metric, MetricValue
from . import layers
from .base import Imported, Importer
from .files import head, yaml_document
from .numbers import clean_name, number
from .places import Place, other_format

WHAT = "a perf.yaml of AI Hub Models"
MIB = 2**20
LATENCY, MEMORY = (
    Metric("latency", unit="s", higher_is_better=False),
    Metric("peak memory", unit="B", higher_is_better=False),
)


@dataclass(frozen=True)
class _Measured:
    component: str
    precision: str
    device: str
    seconds: float
    memory: float | None


def recognizes(path: Path) -> str | None:
    """YAML with ``performance_metrics`` by model or precision."""
    start = head(path, 200_000) if path.suffix in (".yaml", ".yml") and path.is_file() else b""
    return "perf.yaml of AI Hub Models" if b"performance_metrics:" in start else None


def read(place: Place) -> Imported:
    """Read the measurements of a model; a precision is a model of its own.

    Raises:
        InvalidValue: ``import.*``.
    """
    document = yaml_document(place.path)
    if not isinstance(document, Mapping) or not ("precisions" in document or "models" in document):
        raise other_format(place, WHAT, expected="Expected precisions or models.")
    measured = list(_newer(document) if "precisions" in document else _older(document))
    if not measured:
        raise other_format(place, WHAT, expected="It holds no measurement.")
    imported = Imported(
        [LATENCY, MEMORY], reasons={"latency": "AI Hub measures so", "peak memory": "AI Hub measures so"}
    )
    name = layers.model_name(place.path, "perf")
    components = sorted({one.component for one in measured if one.component})
    if len(components) > 1:
        imported.notices.append(f"The times of {', '.join(components)} add up; a device that lacks one is left out.")
    for precision in dict.fromkeys(one.precision for one in measured):
        own = [one for one in measured if one.precision == precision]
        times: list[MetricValue] = []
        memories: list[MetricValue] = []
        for device in dict.fromkeys(one.device for one in own):
            parts = [one for one in own if one.device == device]
            if len(parts) < len({one.component for one in own}):
                imported.warnings.append(f"{device}: a component was not measured; the device is left out.")
                continue
            times.append(MetricValue(sum(one.seconds for one in parts), device=device))
            known = [one.memory for one in parts if one.memory is not None]
            if len(known) == len(parts):
                memories.append(MetricValue(max(known), device=device))
        id = clean_name(f"{name} {precision}" if precision else name)
        metrics = {"latency": times, **({"peak memory": memories} if memories else {})}
        imported.models.append({"id": id, "metrics": metrics})
    return imported


def _newer(document: Mapping[str, Any]) -> Iterator[_Measured]:
    """Precision → component → device → runtime."""
    for precision, entry in _items(document.get("precisions")):
        for component, details in _items(entry.get("components")):
            for device, runtimes in _items(details.get("performance_metrics")):
                for runtime, found in _items(runtimes):
                    time = number(found.get("inference_time_milliseconds"))
                    memory = found.get("estimated_peak_memory_range_mb")
                    if time is not None:
                        largest = number(memory.get("max")) if isinstance(memory, Mapping) else None
                        where = clean_name(f"{device}, {runtime}")
                        size = None if largest is None else largest * MIB
                        yield _Measured(component, precision, where, time / 1000, size)


def _older(document: Mapping[str, Any]) -> Iterator[_Measured]:
    """A list of components, each with a list of devices, each with runtimes; times in µs, memory in bytes."""
    for model in document.get("models") or []:
        entries = model.get("performance_metrics") if isinstance(model, Mapping) else None
        for entry in entries if isinstance(entries, list) else ():
            info = entry.get("reference_device_info") if isinstance(entry, Mapping) else None
            device = info.get("name") if isinstance(info, Mapping) else None
            for runtime, found in _items(entry):
                time = number(found.get("inference_time"))
                memory = found.get("estimated_peak_memory_range")
                if time is not None:
                    largest = number(memory.get("max")) if isinstance(memory, Mapping) else None
                    where = clean_name(f"{device}, {runtime}" if device else runtime)
                    yield _Measured(str(model.get("name") or ""), "", where, time / 1e6, largest)


def _items(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, entry in value.items() if isinstance(value, Mapping) else ():
        if isinstance(entry, Mapping):
            yield str(key), entry


IMPORTER = Importer(read, "perf.yaml of Qualcomm AI Hub Models", recognizes=recognizes)
