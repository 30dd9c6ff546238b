"""Model Optimizer: the state of AutoQuantize's search, the score of each group of layers in each format.

The file is a pickle in an archive of ``torch.save``. It is read as data: nothing of it is made or run.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidValue
from ..readers import pickled
from ..records import Metric, MetricValue, Operation
from . import layers
from .base import Imported, Importer
from .files import head
from .numbers import clean_name, number
from .places import Place, other_format

WHAT = "a search of Model Optimizer's AutoQuantize"
STATS = "candidate_stats"
UNQUANTIZED = "NONE"
MAX_PICKLE = 50_000_000
METHODS = {
    "gradient": ("estimated rise of the loss", ""),
    "kl_div": ("summed KL divergence", "nat"),
}
"""What a score is, and its unit, by the method of the search."""


def recognizes(path: Path) -> str | None:
    """An archive of ``torch.save`` with the statistics of candidates."""
    if not path.is_file() or head(path, 2) != b"PK":
        return None
    try:
        content = _pickle(path)
    except (ValueError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return None
    return "the state of a search by Model Optimizer's AutoQuantize" if STATS.encode() in content else None


def _pickle(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        found = [one for one in archive.infolist() if one.filename.rpartition("/")[2] == "data.pkl"]
        if len(found) != 1 or found[0].file_size > MAX_PICKLE:
            raise ValueError("no pickle of a size that such a state has")
        return archive.read(found[0])


def read(place: Place) -> Imported:
    """Read a search: a metric for each format, with a value for each group of layers that share one.

    Raises:
        InvalidValue: ``import.*``.
    """
    state = _state(place)
    said = str(state.get("method"))
    what, unit = METHODS.get(said, (f"score by {said[:40]}", ""))
    imported = Imported()
    scores: dict[str, list[tuple[str, float]]] = {}
    for group, format, score in _scores(state[STATS], imported):
        scores.setdefault(format, []).append((group, score))
    if not scores:
        raise other_format(place, WHAT, expected="It has no score of a layer.")
    metrics: dict[str, list[MetricValue]] = {}
    for format, values in scores.items():
        metric = Metric(clean_name(f"{what} with {format}"), unit=unit, higher_is_better=False)
        reason = "the search keeps this score low"
        metrics[metric.name] = layers.add(imported, metric, values=values, reason=reason)
    imported.models.append({"id": layers.model_name(place.path), "operation": _operation(state), "metrics": metrics})
    imported.notices.append(
        "AutoQuantize lets no format score worse than one of fewer bits; equal scores in a group may come from that."
    )
    return imported


def _state(place: Place) -> Mapping[str, Any]:
    size = place.path.stat().st_size
    if size == 0:
        raise InvalidValue("import.empty_file", f"{place.name!r} is empty (0 bytes).", hint="Check the download.")
    try:
        state = pickled.contents(io.BytesIO(_pickle(place.path)))
    except (ValueError, OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        expected = "Expected a whole file that AutoQuantize's checkpoint=… or torch.save wrote."
        raise other_format(place, WHAT, expected=expected) from error
    if not isinstance(state, Mapping) or not isinstance(state.get(STATS), Mapping):
        raise other_format(place, WHAT, expected=f"Expected a mapping with {STATS!r}.")
    return state


def _scores(stats: Mapping[Any, Any], imported: Imported) -> Iterator[tuple[str, str, float]]:
    """Group of layers, format and score of each that is quantized."""
    for key, found in stats.items():
        name = str(key).removesuffix(".quant_recipe")
        formats, scores = (found.get("formats"), found.get("scores")) if isinstance(found, Mapping) else (None, None)
        if not isinstance(formats, list) or not isinstance(scores, list) or len(formats) != len(scores):
            imported.warnings.append(f"Layer {name!r:.200}: it has no score for each format; it is left out.")
            continue
        members = found.get("module_names")
        others = [str(one) for one in members if str(one) != name] if isinstance(members, list) else []
        group = ", ".join([name, *(one.rpartition(".")[2] for one in others)])
        for format, written in zip(formats, scores, strict=True):
            label, score = _label(format), number(written)
            if label == UNQUANTIZED:
                continue
            if score is None:
                imported.warnings.append(f"Layer {name!r:.200}: its score with {label!r:.80} is no number.")
                continue
            yield group, label, score


def _label(format: Any) -> str:
    """The name of a format without its effective bits; older states have texts, newer ones objects."""
    written = getattr(format, "_str_repr", None) if isinstance(format, pickled.Unmade) else format
    return str(written).partition("(")[0].strip()


def _operation(state: Mapping[str, Any]) -> Operation:
    """What the search decided, if it had when the file was written."""
    best = state.get("best")
    constraints = best.get("constraints") if isinstance(best, Mapping) else None
    bits = number(constraints.get("effective_bits")) if isinstance(constraints, Mapping) else None
    said = {"method": str(state.get("method"))} if state.get("method") else {}
    return Operation("auto quantize", **said, **({} if bits is None else {"effective_bits": bits}))


IMPORTER = Importer(read, "states of Model Optimizer's AutoQuantize", recognizes=recognizes)
