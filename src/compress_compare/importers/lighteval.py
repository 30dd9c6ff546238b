"""Lighteval: ``results_*.json``, one file for each run of a model, and what it answered in ``details`` beside them.

A metric is named by task and metric. The number of documents and the few-shot examples are those of the task;
``lighteval_details`` reads what a model answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from ..records import Metric, MetricValue
from . import lighteval_details, metric_names
from .base import Imported, Importer, Variant, plain_arguments
from .files import below, head
from .lm_eval_samples import Documents, add_rows
from .numbers import clean_name, number, plain, whole
from .places import Place, json_document, other_format

WHAT = "results of Lighteval"
ERROR = "_stderr"
ALL = "all"
"""The mean over all tasks, which is no measurement of its own."""
DEPTH = 20
"""Of folders: results lie below the whole path of a model that is on this machine."""
ARGUMENTS = ("dtype", "revision", "subfolder", "quantization", "model_loading_kwargs", "override_chat_template")
"""What tells a model from others of its name; where and how fast it was run does not."""
_KEY = re.compile(r"(?P<task>.+?)\|(?P<shots>\d{1,5})(\|\d+)?")


def recognizes(path: Path) -> str | None:
    """A file of results, or a folder with one."""
    files = below(path, "results_*.json", depth=DEPTH) if path.is_dir() else [path]
    return "results of Lighteval, with config_general" if any(map(_is_results, files)) else None


def _is_results(path: Path) -> bool:
    start = head(path)
    return b'"config_general"' in start and (b'"lighteval_sha"' in start or b'"num_fewshot_seeds"' in start)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [one for one in below(path, "results_*.json", depth=DEPTH) if _is_results(one)]


def read(place: Place) -> Imported:
    """Read a file of results, or all of them below a folder; of one model and task the latest file counts.

    Raises:
        InvalidValue: ``import.*``.
    """
    return together([place])


def together(places: Sequence[Place]) -> Imported:
    """Read files and folders of results as one: a model that was asked other tasks in another run is the same."""
    files = [(file, one.path) for one in places for file in _files(one.path)]
    imported = Imported()
    models: dict[str, dict[str, Any]] = {}
    tasks: dict[str, Documents] = {}
    first: dict[str, dict[str, Any]] = {}
    roots = dict(files)
    for path in places[0].each([file for file, _ in files]):
        document = json_document(path)
        general = document.get("config_general") if isinstance(document, Mapping) else None
        if not isinstance(general, Mapping) or not isinstance(document.get("results"), Mapping):
            raise other_format(places[0], WHAT, expected="Expected config_general and results by task.")
        variant = Variant(_name(general, path), _arguments(general))
        id = variant.called(first.setdefault(variant.name, plain_arguments(variant.arguments)))
        imported.variants[id] = variant
        model = models.setdefault(id, {"id": id, "base": _base(general), "metrics": {}})
        for task, values in document["results"].items():
            if task == ALL or not isinstance(values, Mapping):
                continue
            count = _answers(imported, tasks, document, (path, roots[path], str(task), id))
            for metric, value in _measured(imported, document, (str(task), values)):
                known = count if value.count is None else value.count
                model["metrics"][metric] = replace(value, count=known)
    for documents in tasks.values():
        documents.finish(imported)
    if not models:
        raise other_format(places[0], WHAT, expected="There is no results_*.json of it in this folder.")
    imported.models += list(models.values())
    return imported


def _answers(
    imported: Imported, tasks: dict[str, Documents], document: Mapping[str, Any], which: tuple[Path, Path, str, str]
) -> int | None:
    """Take in what a model answered in a task, if it was kept: the number of documents."""
    path, root, key, model = which
    details = lighteval_details.details_of(path, root=root, task=key) if root.is_dir() else None
    if details is None:
        return None
    rows = (row for _, row in lighteval_details.rows(details))
    start = next(rows, None)
    if start is None:
        return None
    task, _ = _task(key)
    known = tasks.setdefault(task, Documents(clean_name(task), lighteval_details.kind_of(start)))
    count = add_rows(known, chain([start], rows), file=details.name, model=model, imported=imported)
    directions = _directions(_of(document, "config_tasks", key, task))
    for name in known.metrics:
        _define(imported, clean_name(f"{task} {name}"), name, (directions, 0.0))
    return count


def _arguments(general: Mapping[str, Any]) -> dict[str, Any]:
    config = general.get("model_config")
    said = config if isinstance(config, Mapping) else {}
    return {name: said[name] for name in ARGUMENTS if said.get(name) not in (None, "", "main", {})}


def _base(general: Mapping[str, Any]) -> str | None:
    """The model that an adapter was trained on."""
    config = general.get("model_config")
    found = config.get("base_model") if isinstance(config, Mapping) else None
    return _short(found) if isinstance(found, str) and found else None


def _name(general: Mapping[str, Any], path: Path) -> str:
    config = general.get("model_config")
    inner = config.get("model_name") or config.get("pretrained") if isinstance(config, Mapping) else None
    return _short(str(general.get("model_name") or inner or path.parent.name))


def _short(name: str) -> str:
    """The name of a hub as it is, the last part of a path of this machine."""
    name = name.rstrip("/")
    return clean_name(name.rpartition("/")[2] if name.startswith((".", "/")) else name)


def _measured(
    imported: Imported, document: Mapping[str, Any], entry: tuple[str, Mapping[str, Any]]
) -> Iterator[tuple[str, MetricValue]]:
    """The metrics of one task: ``leaderboard|arc:challenge|0`` is of the suite leaderboard, asked with 0 examples."""
    key, values = entry
    task, shots = _task(key)
    config = _of(document, "config_tasks", key, task)
    general = document["config_general"]
    count = whole(config.get("effective_num_docs"))
    version = _version(document, key)
    protocol = {
        "harness": f"lighteval {str(general.get('lighteval_sha') or '')[:12].strip('?')}".strip(),
        "version": config.get("version") if version is None else version,
        "few-shot": shots,
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


def _task(key: str) -> tuple[str, int | None]:
    """Name of a task and its few-shot examples: of ``leaderboard|arc:challenge|0|0``, or of ``arc:challenge|0``."""
    found = _KEY.fullmatch(key)
    return (found["task"], int(found["shots"])) if found else (key, None)


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
