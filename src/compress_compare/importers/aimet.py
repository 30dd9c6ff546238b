"""AIMET: what its QuantAnalyzer writes about each layer, and encodings of versions 0.6.1 and 1.0.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..records import Metric, MetricValue, Operation
from . import layers
from .base import Imported, Importer
from .files import below, head
from .numbers import number, whole
from .places import Place, json_document, other_format

SCORES = {
    "per_layer_quant_enabled": "score with only this layer quantized",
    "per_layer_quant_disabled": "score with all but this layer quantized",
    "per_layer_mse_loss": "mse of the layer's output",
}
GENERIC = (*SCORES, "model", "encodings")
WHAT = "a result of AIMET"


def recognizes(path: Path) -> str | None:
    """The files of QuantAnalyzer by their names, or encodings."""
    if path.is_dir():
        return "per_layer_*.json of AIMET's QuantAnalyzer" if _scores(path) else None
    if path.stem in SCORES and path.suffix == ".json":
        return "per_layer_*.json of AIMET's QuantAnalyzer"
    start = head(path, 100_000)
    return "encodings of AIMET" if b'"param_encodings"' in start or b'"activation_encodings"' in start else None


def _scores(folder: Path) -> list[Path]:
    return below(folder, *(f"{name}.json" for name in SCORES), depth=2)


def read(place: Place) -> Imported:
    """Read the results of an analysis, or the encodings of a model.

    Raises:
        InvalidValue: ``import.*``.
    """
    imported = Imported()
    files = _scores(place.path) if place.path.is_dir() else [place.path]
    if not files:
        raise other_format(place, WHAT, expected="There is no per_layer_*.json in it.")
    metrics: dict[str, list[MetricValue]] = {}
    operation = None
    for path in files:
        document = json_document(path)
        if not isinstance(document, Mapping) or not document:
            raise other_format(place, WHAT, expected=f"Expected an object in {path.name!r}.")
        if path.stem in SCORES:
            metrics[SCORES[path.stem]] = _layers(imported, place, path, document)
        elif "param_encodings" in document or "activation_encodings" in document:
            operation = _encodings(imported, metrics, document)
        else:
            raise other_format(place, WHAT, expected="Expected numbers by layer, or encodings.")
    name = layers.model_name(place.path, *GENERIC)
    imported.models.append({"id": name, "operation": operation, "metrics": metrics})
    if operation is None:
        imported.notices.append(
            "The scores of the whole model are in no file of QuantAnalyzer; only its layers come in."
        )
    return imported


def _layers(imported: Imported, place: Place, path: Path, document: Mapping[str, Any]) -> list[MetricValue]:
    found = {name: number(value) for name, value in document.items()}
    if any(value is None for value in found.values()):
        raise other_format(place, WHAT, expected=f"Expected a number for each layer in {path.name!r}.")
    name = SCORES[path.stem]
    metric = Metric(name, higher_is_better=False if name.startswith("mse") else None)
    reason = "an error: lower is better" if name.startswith("mse") else "what was measured is not in the file"
    values = ((layer, value) for layer, value in found.items() if value is not None)
    return layers.add(imported, metric, values=values, reason=reason)


def _encodings(imported: Imported, metrics: dict[str, list[MetricValue]], document: Mapping[str, Any]) -> Operation:
    settings: dict[str, Any] = {}
    for key, short in (("param_encodings", "weight"), ("activation_encodings", "activation")):
        bits = dict(_bits(document.get(key)))
        if bits:
            name = f"{short} bits"
            metric = Metric(name, unit="bit", higher_is_better=False)
            metrics[name] = layers.add(imported, metric, values=bits.items(), reason="the encodings say so")
            (common, *others) = {whole(one) for one in bits.values()}
            if common is not None and not others:
                settings[f"{short}_bits"] = common
    return Operation("quantize", **settings)


def _bits(encodings: Any) -> Iterator[tuple[str, float]]:
    """Name and bits of each tensor. Version 0.6.1 has a list per name, 1.0.0 a list of entries with names."""
    if isinstance(encodings, list):
        named = [(one.get("name"), one) for one in encodings if isinstance(one, Mapping)]
    elif isinstance(encodings, Mapping):
        listed = encodings.items()
        named = [(name, one[0] if isinstance(one, list) and one else one) for name, one in listed]
    else:
        return
    for name, one in named:
        # Activations of version 0.6.1 name inputs and outputs of a layer.
        inner = one
        while isinstance(inner, Mapping) and not {"bitwidth", "bw"} & set(inner) and inner:
            inner = next(iter(inner.values()))
            inner = inner[0] if isinstance(inner, list) and inner else inner
        bits = number(inner.get("bitwidth", inner.get("bw"))) if isinstance(inner, Mapping) else None
        if bits is not None:
            yield str(name), bits


IMPORTER = Importer(
    read, "results of AIMET's QuantAnalyzer, and encodings", takes=frozenset({"file", "folder"}), recognizes=recognizes
)
