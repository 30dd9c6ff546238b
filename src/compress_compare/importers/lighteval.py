"""Lighteval: ``results_*.json``, one file for each run of a model; its details in Parquet are not read.

A metric is named by task and metric. The number of documents and the few-shot examples are those of the task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..records import Metric, MetricValue
from . import metric_names
from .base import Imported, Importer
from .files import below, head
from .numbers import clean_name, number, plain, whole
from .places import Place, json_document, other_format

WHAT = "results of Lighteval"
ERROR = "_stderr"
ALL = "all"
"""The mean over all tasks, which is no measurement of its own."""


def recognizes(path: Path) -> str | None:
    """A file of results, or a folder with one."""
    files = below(path, "results_*.json") if path.is_dir() else [path]
    return "results of Lighteval, with config_general" if any(map(_is_results, files)) else None


def _is_results(path: Path) -> bool:
    start = head(path)
    return b'"config_general"' in start and (b'"lighteval_sha"' in start or b'"num_fewshot_seeds"' in start)


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [one for one in below(path, "results_*.json") if _is_results(one)]


def read(place: Place) -> Imported:
    """Read a file of results, or all of them below a folder; of one model and task the latest file counts.

    Raises:
        InvalidValue: ``import.*``.
    """
    return together([place])


def together(places: Sequence[Place]) -> Imported:
    """Read files and folders of results as one: a model that was asked other tasks in another run is the same."""
    place = places[0]
    files = [file for one in places for file in _files(one.path)]
    imported = Imported()
    models: dict[str, dict[str, Any]] = {}
    for path in place.each(files):
        document = json_document(path)
        general = document.get("config_general") if isinstance(document, Mapping) else None
        if not isinstance(general, Mapping) or not isinstance(document.get("results"), Mapping):
            raise other_format(place, WHAT, expected="Expected config_general and results by task.")
        id = _name(general, path)
        model = models.setdefault(id, {"id": id, "metrics": {}})
        for task, values in document["results"].items():
            if task != ALL and isinstance(values, Mapping):
                for metric, value in _measured(imported, document, (str(task), values)):
                    model["metrics"][metric] = value
    if not models:
        raise other_format(place, WHAT, expected="There is no results_*.json of it in this folder.")
    imported.models += list(models.values())
    return imported


def _name(general: Mapping[str, Any], path: Path) -> str:
    config = general.get("model_config")
    inner = config.get("model_name") or config.get("pretrained") if isinstance(config, Mapping) else None
    name = str(general.get("model_name") or inner or path.parent.name).rstrip("/")
    return clean_name(name.rpartition("/")[2] if name.startswith((".", "/")) else name)


def _measured(
    imported: Imported, document: Mapping[str, Any], entry: tuple[str, Mapping[str, Any]]
) -> Iterator[tuple[str, MetricValue]]:
    """The metrics of one task: ``leaderboard|arc:challenge|0`` is of the suite leaderboard, asked with 0 examples."""
    key, values = entry
    parts = key.split("|")
    task = "|".join(parts[:2]) if len(parts) > 2 else key
    shots = parts[2] if len(parts) > 2 and parts[2].isdecimal() else None
    config = _of(document, "config_tasks", key, task)
    general = document["config_general"]
    count = whole(config.get("effective_num_docs"))
    protocol = {
        "harness": f"lighteval {str(general.get('lighteval_sha') or '')[:12]}".strip(),
        "version": _version(document, key),
        "few-shot": None if shots is None else int(shots),
        "limit": general.get("max_samples"),
    }
    said = plain(protocol)
    directions = _directions(config)
    for name, value in values.items():
        if str(name).endswith(ERROR):
            continue
        found, error = number(value), number(values.get(f"{name}{ERROR}"))
        if found is None:
            imported.warnings.append(f"{task} {name} is no number ({value!r:.40}); it counts as missing.")
            continue
        metric = clean_name(f"{task} {name}")
        _define(imported, metric, str(name), (directions, found))
        yield (
            metric,
            MetricValue(
                found,
                dataset=clean_name(task),
                count=count,
                standard_error=error if error is not None and 0 <= error < float("inf") else None,
                protocol=said,
            ),
        )


def _of(document: Mapping[str, Any], part: str, *keys: str) -> Mapping[str, Any]:
    found = document.get(part)
    entries = (found.get(key) for key in keys) if isinstance(found, Mapping) else ()
    return next((one for one in entries if isinstance(one, Mapping)), {})


def _version(document: Mapping[str, Any], key: str) -> Any:
    found = document.get("versions")
    return found.get(key) if isinstance(found, Mapping) else None


def _directions(config: Mapping[str, Any]) -> dict[str, bool]:
    """What the task's own metrics say of their direction; one metric may have several numbers."""
    found: dict[str, bool] = {}
    listed = config.get("metrics") or config.get("metric")
    for one in listed if isinstance(listed, list) else ():
        better = one.get("higher_is_better") if isinstance(one, Mapping) else None
        if isinstance(better, Mapping):
            found |= {str(name): said for name, said in better.items() if isinstance(said, bool)}
        elif isinstance(better, bool):
            names = one.get("metric_name")
            found |= dict.fromkeys(map(str, names if isinstance(names, list) else [names]), better)
    return found


def _define(imported: Imported, metric: str, name: str, said: tuple[Mapping[str, bool], float]) -> None:
    directions, value = said
    if metric in {one.name for one in imported.metrics}:
        return
    guess, reason = metric_names.described(name, [value])
    better = directions.get(name, guess.higher_is_better)
    imported.metrics.append(Metric(metric, unit=guess.unit, format=guess.format, higher_is_better=better))
    imported.reasons[metric] = "the task says higher_is_better" if name in directions else reason


IMPORTER = Importer(
    read,
    "results of Lighteval",
    takes=frozenset({"file", "folder"}),
    recognizes=recognizes,
    together=together,
)
