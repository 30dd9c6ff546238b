"""MLflow: a tracking store in a SQLite file, or the folder of a file store, read directly.

A run is a model. Runs that were deleted, failed or are not finished are none. The last value of a metric by its step
counts; what the database holds as the largest number of double precision is an infinity.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .base import Imported, Importer
from .files import below, yaml_document
from .numbers import number, scalar
from .places import Place, other_format, text
from .runs import TrackedRun, imported_from
from .sqlite import OtherDatabase, is_database, opened, tables

TABLES = {"runs", "metrics", "params", "tags", "experiments"}
STATES = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
MAX_METRIC_BYTES = 200_000


def recognizes(path: Path) -> str | None:
    """A database with MLflow's tables, or a folder of experiments with ``meta.yaml``."""
    if path.is_file():
        return "a SQLite database with the tables of MLflow" if tables(path) >= TABLES else None
    if _experiments(path):
        return "a folder of experiments with meta.yaml, as MLflow keeps them"
    return "a folder with a database of MLflow" if _databases(path) else None


def read(place: Place) -> Imported:
    """Read all runs of all experiments that were not deleted.

    Raises:
        InvalidValue: ``import.*``.
    """
    path = place.path
    files = [path] if path.is_file() else _databases(path)
    if path.is_file() and not is_database(path):
        text(path)
        raise other_format(place, "a store of MLflow", expected="Expected a SQLite database.")
    runs: list[TrackedRun] = []
    left_out: list[str] = []
    for file in files:
        with opened(file) as database:
            if not database.tables >= TABLES:
                missing = ", ".join(sorted(TABLES - database.tables))
                raise other_format(place, "a store of MLflow", expected=f"It has no table {missing}.")
            runs += _stored(database, left_out)
    if path.is_dir():
        runs += _filed(path, left_out)
        if not files and not _experiments(path):
            raise other_format(place, "a store of MLflow", expected="Expected experiments with meta.yaml.")
    imported = imported_from(runs)
    imported.warnings[:0] = left_out
    return imported


def _databases(folder: Path) -> list[Path]:
    return [path for path in below(folder, "*.db", "*.sqlite", depth=1) if tables(path) >= TABLES]


def _experiments(folder: Path) -> list[Path]:
    return [path.parent for path in below(folder, "meta.yaml", depth=3) if "experiment_id" in text(path)[:4000]]


def _stored(database: OtherDatabase, left_out: list[str]) -> list[TrackedRun]:
    experiments = dict(database.rows("SELECT experiment_id, name FROM experiments WHERE lifecycle_stage = 'active'"))
    facts: dict[str, dict[str, Any]] = defaultdict(dict)
    for run, key, value in database.rows("SELECT run_uuid, key, value FROM params"):
        facts[run][f"param.{key}"] = scalar(value)
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    for run, key, value in database.rows("SELECT run_uuid, key, value FROM tags"):
        tags[run][key] = value or ""
    metrics: dict[str, dict[str, float]] = defaultdict(dict)
    latest = "latest_metrics" if "latest_metrics" in database.tables else "metrics"
    # The largest step comes last, and the latest of several values of one step.
    query = f"SELECT run_uuid, key, value, is_nan FROM {latest} ORDER BY step, timestamp, value"  # noqa: S608
    for run, key, value, is_nan in database.rows(query):
        found = math.nan if is_nan else number(value)
        if found is not None:
            metrics[run][key] = found
    models = _logged_models(database)
    runs = []
    query = "SELECT run_uuid, name, status, lifecycle_stage, experiment_id FROM runs ORDER BY start_time, run_uuid"
    for key, name, status, stage, experiment in database.rows(query):
        if experiment not in experiments or stage != "active":
            left_out.append(f"Run {name!r} ({key[:8]}) was deleted; it is left out.")
        elif status != "FINISHED":
            left_out.append(f"Run {name!r} ({key[:8]}) is {str(status).lower()}, not finished; it is left out.")
        else:
            run = _run(key, name, {**facts[key], "experiment": experiments[experiment]}, tags=tags[key])
            run.metrics = _measured(metrics[key])
            run.base = run.base or models.inputs.get(key)
            run.aliases = models.of_run.get(key, ())
            runs.append(run)
    return runs


class _LoggedModels:
    """The models that runs have logged, and which run took which other run's model in."""

    def __init__(self, of_run: Mapping[str, tuple[str, ...]], inputs: Mapping[str, str]) -> None:
        self.of_run = of_run
        self.inputs = inputs


def _logged_models(database: OtherDatabase) -> _LoggedModels:
    of_run: dict[str, tuple[str, ...]] = {}
    source: dict[str, str] = {}
    if "logged_models" in database.tables:
        query = "SELECT model_id, source_run_id FROM logged_models WHERE source_run_id IS NOT NULL"
        for model, run in database.rows(query):
            of_run[run] = (*of_run.get(run, ()), model)
            source[model] = run
    inputs = {}
    if source and "inputs" in database.tables:
        query = "SELECT source_id, destination_id FROM inputs WHERE source_type = ? AND destination_type = ?"
        for run, model in database.rows(query, "RUN_INPUT", "MODEL_INPUT"):
            if source.get(model, run) != run:
                inputs[run] = source[model]
    return _LoggedModels(of_run, inputs)


def _measured(metrics: Mapping[str, float]) -> dict[str, Any]:
    return {key: value for key, value in metrics.items() if not key.startswith("system/")}


def _run(key: str, name: str | None, facts: Mapping[str, Any], *, tags: Mapping[str, str]) -> TrackedRun:
    own = {tag: value for tag, value in tags.items() if not tag.startswith("mlflow.")}
    return TrackedRun(
        key=key,
        name=name or tags.get("mlflow.runName") or key,
        base=tags.get("mlflow.parentRunId"),
        facts={**facts, **{f"tag:{tag}": value for tag, value in tags.items()}},
        tags=tuple(f"{tag}={value}" for tag, value in sorted(own.items()) if value),
        note=tags.get("mlflow.note.content", ""),
    )


def _filed(folder: Path, left_out: list[str]) -> list[TrackedRun]:
    runs: list[tuple[int, str, TrackedRun]] = []
    for meta in below(folder, "meta.yaml"):
        described = yaml_document(meta)
        if not isinstance(described, Mapping) or not described.get("run_id", described.get("run_uuid")):
            continue
        key = str(described.get("run_id") or described["run_uuid"])
        name = described.get("run_name") or described.get("name")
        status = STATES.get(described.get("status"), str(described.get("status")))  # type: ignore[arg-type]
        if described.get("lifecycle_stage") != "active" or ".trash" in meta.parts:
            left_out.append(f"Run {name!r} ({key[:8]}) was deleted; it is left out.")
            continue
        if status != "FINISHED":
            left_out.append(f"Run {name!r} ({key[:8]}) is {status.lower()}, not finished; it is left out.")
            continue
        values = {f"param.{one}": scalar(value) for one, value in _texts(meta.parent / "params")}
        run = _run(key, name, values, tags=dict(_texts(meta.parent / "tags")))
        run.metrics = _measured(_last(meta.parent / "metrics", left_out))
        runs.append((int(described.get("start_time") or 0), key, run))
    return [run for _, _, run in sorted(runs, key=lambda one: one[:2])]


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in below(folder, "*"):
        yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8", errors="replace")[:8000]


def _last(folder: Path, left_out: list[str]) -> dict[str, float]:
    """The last value by step of each metric: lines of time, value and step."""
    found: dict[str, float] = {}
    for path in below(folder, "*"):
        best: tuple[int, int] | None = None
        key = path.relative_to(folder).as_posix()
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            parts = line.split()
            try:
                place = (int(parts[2]) if len(parts) > 2 else 0, int(parts[0]))
                value = number(float(parts[1]))
            except (ValueError, IndexError):
                left_out.append(f"Metric {key!r}: a line is not time, value and step; it is left out.")
                continue
            if value is not None and (best is None or place >= best):
                best, found[key] = place, value
    return found


IMPORTER = Importer(
    read,
    "stores of MLflow: a SQLite file or the folder of a file store",
    takes=frozenset({"file", "folder"}),
    recognizes=recognizes,
)
