"""llama.cpp: the JSON of llama-bench, and what llama-perplexity prints about perplexity and KL divergence.

A throughput is a mean of repetitions, and the deviation that the tool writes is that of one of them: the standard error
is smaller by the root of their number. What llama-perplexity writes after ± is a standard error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..records import Metric, MetricValue
from .base import Imported, Importer
from .files import head, json_lines
from .numbers import clean_name, number
from .places import Place, json_document, other_format, text

SETTINGS = ("n_batch", "n_ubatch", "n_threads", "n_gpu_layers", "type_k", "type_v", "flash_attn")
WHAT = "what llama-bench or llama-perplexity writes"
_NUMBER = r"(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|-?nan|-?inf)"
_LINE = re.compile(rf"^\s*([^:]{{2,60}}?)\s*:\s*{_NUMBER}\s*(%)?(?:\s*±\s*{_NUMBER})?\s*(%)?\s*$", re.IGNORECASE)
_FINAL = re.compile(rf"Final estimate: PPL = {_NUMBER} \+/- {_NUMBER}", re.IGNORECASE)
_NAMES = {
    "Mean PPL(Q)": ("perplexity", "", False),
    "Mean PPL(base)": ("perplexity of the base", "", None),
    "Cor(ln(PPL(Q)), ln(PPL(base)))": ("correlation of ln perplexity with the base", "%", True),
    "Mean ln(PPL(Q)/PPL(base))": ("ln perplexity ratio", "", False),
    "Mean PPL(Q)/PPL(base)": ("perplexity ratio", "", False),
    "Mean PPL(Q)-PPL(base)": ("perplexity difference", "", False),
    "RMS Δp": ("token probability change, RMS", "%", False),
    "Same top p": ("same top token", "%", True),
}


def recognizes(path: Path) -> str | None:
    """A list of JSON objects with ``avg_ts``, or the statistics of llama-perplexity."""
    start = head(path) if path.is_file() else b""
    if b'"model_filename"' in start and (b'"avg_ts"' in start or b'"n_prompt"' in start):
        return "the JSON of llama-bench"
    found = any(one in start for one in (b"Mean PPL(Q)", b"KL divergence statistics", b"Final estimate: PPL"))
    return "the statistics that llama-perplexity prints" if found else None


def read(place: Place) -> Imported:
    """Read the file of a benchmark or of an evaluation.

    Raises:
        InvalidValue: ``import.*``.
    """
    content = text(place.path)
    imported = Imported()
    if content.lstrip().startswith(("[", "{")):
        for entry in _entries(place.path, content):
            if not isinstance(entry, Mapping) or "model_filename" not in entry or number(entry.get("avg_ts")) is None:
                raise other_format(place, WHAT, expected="Expected objects with model_filename and avg_ts.")
            _benchmark(imported, entry)
    else:
        _statistics(imported, place, content)
    if not imported.models:
        raise other_format(place, WHAT, expected="It holds no measurement.")
    return imported


def _entries(path: Path, content: str) -> Iterator[Any]:
    if content.lstrip().startswith("{"):
        yield from (entry for _, entry in json_lines(path))
        return
    document = json_document(path)
    yield from document if isinstance(document, list) else [document]


def _define(imported: Imported, name: str, unit: str, higher: bool | None) -> None:
    if name not in {metric.name for metric in imported.metrics}:
        imported.metrics.append(Metric(name, unit=unit, higher_is_better=higher))
        imported.reasons[name] = "llama.cpp measures so"


def _model(imported: Imported, id: str, tag: str = "") -> dict[str, Any]:
    known = next((model for model in imported.models if model["id"] == id), None)
    if known is None:
        known = {"id": id, "metrics": {}, "tags": (tag,) if tag else ()}
        imported.models.append(known)
    return known


def _benchmark(imported: Imported, entry: Mapping[str, Any]) -> None:
    file = str(entry["model_filename"]).replace("\\", "/").rpartition("/")[2]
    kind = str(entry.get("model_type") or "")
    model = _model(imported, clean_name(file.removesuffix(".gguf")), clean_name(kind) if kind else "")
    parts = [
        (f"prompt of {entry.get('n_prompt')}", entry.get("n_prompt")),
        (f"{entry.get('n_gen')} generated", entry.get("n_gen")),
    ]
    name = "throughput, " + " and ".join(words for words, count in parts if count)
    if entry.get("n_depth"):
        name += f" after {entry['n_depth']}"
    samples = entry.get("samples_ts")
    count = len(samples) if isinstance(samples, list) and samples else None
    deviation = number(entry.get("stddev_ts"))
    device = [str(entry[one]) for one in ("gpu_info", "backends") if entry.get(one)]
    if not entry.get("gpu_info") and entry.get("cpu_info"):
        device = [str(entry["cpu_info"]), *device]
    value = MetricValue(
        number(entry["avg_ts"]) or 0.0,
        device=clean_name(", ".join(device)) if device else None,
        count=count,
        standard_error=deviation / math.sqrt(count) if deviation is not None and count and deviation >= 0 else None,
        protocol={
            "harness": f"llama-bench {entry.get('build_commit', '')} ({entry.get('build_number', '')})",
            **{one: entry[one] for one in SETTINGS if isinstance(entry.get(one), str | int)},
        },
    )
    _define(imported, name, "tokens/s", True)
    model["metrics"].setdefault(name, []).append(value)
    for field, metric, unit in (("model_size", "model size", "B"), ("model_n_params", "number of parameters", "")):
        size = number(entry.get(field))
        if size is not None:
            _define(imported, metric, unit, False)
            model["metrics"][metric] = MetricValue(size)


def _statistics(imported: Imported, place: Place, content: str) -> None:
    metrics: dict[str, MetricValue] = {}
    section = ""
    for line in content.splitlines():
        if line.startswith("====="):
            section = line.strip("= ")
        final = _FINAL.search(line)
        if final:
            _define(imported, "perplexity", "", False)
            metrics.setdefault("perplexity", _measured(final[1], final[2]))
            continue
        found = _LINE.match(line)
        named = None if found is None else _named(" ".join(found[1].split()), section)
        if found is None or named is None:
            continue
        name, unit, higher = named
        _define(imported, name, unit, higher)
        value = _measured(found[2], found[4])
        if name in metrics and metrics[name] != value:
            imported.warnings.append(f"{place.name!r}: {name} stands twice with different values; the first is taken.")
        metrics.setdefault(name, value)
    if not metrics:
        raise other_format(place, WHAT, expected="It holds no line of its statistics.")
    model = _model(imported, clean_name(Path(place.name).stem))
    model["metrics"] = metrics


def _measured(value: str, error: str | None) -> MetricValue:
    try:
        return MetricValue(float(value), standard_error=None if error is None else float(error))
    except (UserError, ValueError):
        return MetricValue(float(value))


def _named(label: str, section: str) -> tuple[str, str, bool | None] | None:
    """Name, unit and direction of a line."""
    if label in _NAMES:
        return _NAMES[label]
    which, _, what = label.rpartition(" ")
    if what == "KLD":
        return f"KL divergence, {which.lower()}", "nat", False
    if what == "Δp" and "probability" in section:
        return f"token probability change, {which.lower()}", "%", None
    return None


IMPORTER = Importer(read, "what llama-bench and llama-perplexity of llama.cpp write", recognizes=recognizes)
