"""What every importer returns, and how that gets into a project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue, NotFound
from ..records import Metric

if TYPE_CHECKING:
    from ..store.store import Store

MAX_BYTES = 200_000_000


@dataclass
class Imported:
    """What was read: metric definitions, models as ``log_model`` takes them (in any order), and what was odd."""

    metrics: list[Metric] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """What came in."""

    num_models: int
    warnings: Sequence[str]


def write(imported: Imported, project: Store) -> Report:
    """Log everything in one transaction. Metrics that the project defines already keep their definition.

    Models in a cycle are left out; a model whose base is missing becomes a root. Both are warned about.
    """
    warnings = list(imported.warnings)
    models = ordered(imported.models, warnings)
    with project.batch():
        known = {metric.name for metric in project.metrics()}
        for metric in imported.metrics:
            if metric.name not in known:
                project.define_metric(**{name: getattr(metric, name) for name in Metric.__dataclass_fields__})
        project.log_models(models)
    return Report(len(models), warnings)


def direct(imported: Imported, *, higher: Iterable[str] = (), lower: Iterable[str] = ()) -> None:
    """Say which direction of some metrics is better.

    Raises:
        NotFound: ``metric.unknown`` if the file has no such metric.
    """
    directions = {**dict.fromkeys(higher, True), **dict.fromkeys(lower, False)}
    unknown = set(directions) - {metric.name for metric in imported.metrics}
    if unknown:
        names = ", ".join(metric.name for metric in imported.metrics)
        raise NotFound("metric.unknown", f"The file has no metric {min(unknown)!r}.", hint=f"It has: {names}.")
    imported.metrics = [
        replace(metric, higher_is_better=directions.get(metric.name, metric.higher_is_better))
        for metric in imported.metrics
    ]
    undirected = [repr(metric.name) for metric in imported.metrics if metric.higher_is_better is None]
    if undirected:
        imported.warnings.append(
            f"The file does not say whether higher or lower is better for {', '.join(undirected)}; "
            "say it with --higher-is-better NAME or --lower-is-better NAME."
        )


def ordered(models: Iterable[Mapping[str, Any]], warnings: list[str]) -> list[dict[str, Any]]:
    """The models with every base before its children; what cannot be placed is told in ``warnings``."""
    by_id: dict[str, dict[str, Any]] = {}
    for model in models:
        if model["id"] in by_id:
            warnings.append(f"Model {model['id']!r}: the id is used twice; the second is left out.")
        else:
            by_id[model["id"]] = dict(model)
    cyclic = {id for id in by_id if _in_cycle(id, by_id)}
    for id in cyclic:
        warnings.append(f"Model {id!r}: it is its own ancestor; it is left out.")
        del by_id[id]
    for id, model in by_id.items():
        if model.get("base") is not None and model["base"] not in by_id:
            warnings.append(f"Model {id!r}: its base {model['base']!r} is missing; it becomes a root.")
            model["base"] = None
    children: dict[str | None, list[str]] = {}
    for id, model in by_id.items():
        children.setdefault(model.get("base"), []).append(id)
    placed: list[dict[str, Any]] = []
    waiting = children.get(None, [])[::-1]
    while waiting:
        id = waiting.pop()
        placed.append(by_id[id])
        waiting.extend(children.get(id, [])[::-1])
    return placed


def _in_cycle(id: str, by_id: Mapping[str, Mapping[str, Any]]) -> bool:
    slow = fast = id
    while True:
        for _ in range(2):
            base = by_id.get(fast, {}).get("base")
            if base is None:
                return False
            fast = base
            if fast == id:
                return True
        slow = by_id[slow]["base"]
        if slow == fast:
            return False


def read_json(path: Path) -> Any:
    """The JSON document in a file; NaN and Infinity are accepted.

    Raises:
        NotFound: ``import.no_file``.
        InvalidValue: ``import.empty_file``, ``import.not_json`` with the position, ``import.too_large``.
    """
    if not path.is_file():
        raise NotFound("import.no_file", f"There is no file {str(path)!r}.", hint="Check the path.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InvalidValue("import.too_large", f"{path.name!r} has {size:,} bytes; the limit is {MAX_BYTES:,}.")
    if size == 0:
        raise InvalidValue("import.empty_file", f"{path.name!r} is empty (0 bytes).", hint="Check the download.")
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        cut = error.pos >= len(error.doc.rstrip()) - 1
        raise InvalidValue(
            "import.not_json",
            f"{path.name!r} {'ends too early' if cut else 'is not valid JSON'}.",
            detail=f"Line {error.lineno}, column {error.colno}: {error.msg}.",
            hint="Check that the file is complete." if cut else "Correct that place and import again.",
        ) from error
    except (UnicodeDecodeError, RecursionError) as error:
        cause = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "is nested too deeply"
        raise InvalidValue("import.not_json", f"{path.name!r} {cause}.", hint="Export it again.") from error
