"""MLflow: a tracking store in a SQLite file, or the folder of a file store, read directly, or a tracking server.

A run is a model. Runs that were deleted, failed or are not finished are none. The last value of a metric by its step
counts; what the database holds as the largest number of double precision is an infinity.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..records.own_key import DEFINITIONS, KEY
from . import beside, mlflow_server
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
    found = _Found()
    if place.kind == "url":
        for experiment, run, source in mlflow_server.runs(place.address):
            _served(experiment, run, source=source, found=found)
        return found.imported()
    path = place.path
    files = [path] if path.is_file() else _databases(path)
    if path.is_file() and not is_database(path):
        text(path)
        raise other_format(place, "a store of MLflow", expected="Expected a SQLite database.")
    for file in place.each(files):
        with opened(file) as database:
            if not database.tables >= TABLES:
                missing = ", ".join(sorted(TABLES - database.tables))
                raise other_format(place, "a store of MLflow", expected=f"It has no table {missing}.")
            _stored(database, found)
    if path.is_dir():
        found.runs += _filed(path, found.left_out)
        if not files and not _experiments(path):
            raise other_format(place, "a store of MLflow", expected="Expected experiments with meta.yaml.")
    return found.imported()


class _Found:
    """What was read so far: runs, sentences on those that are left out, and what our exporter has put beside them."""

    def __init__(self) -> None:
        self.runs: list[TrackedRun] = []
        self.left_out: list[str] = []
        self.documents: dict[str, object] = {}
        self.definitions: list[object] = []

    def add(self, run: TrackedRun, *, tags: Mapping[str, str], names: Mapping[str, str]) -> None:
        """Add a run; one that our exporter wrote is called like its model.

        Args:
            run: as MLflow says.
            tags: of the run.
            names: of metrics, by what they are called in MLflow.
        """
        document = beside.from_parts(KEY, tags)
        if isinstance(document, Mapping) and isinstance(document.get("id"), str):
            run.name = document["id"]
            run.metrics = {names.get(key, key): value for key, value in run.metrics.items()}
            self.documents[run.name] = document
        self.runs.append(run)

    def imported(self) -> Imported:
        """All of it as models."""
        imported = Imported()
        for definitions in self.definitions:
            beside.define(imported, definitions)
        imported.join(imported_from(self.runs))
        imported.warnings[:0] = self.left_out
        beside.restore(imported, self.documents)
        return imported


def _databases(folder: Path) -> list[Path]:
    return [path for path in below(folder, "*.db", "*.sqlite", depth=1) if tables(path) >= TABLES]


def _experiments(folder: Path) -> list[Path]:
    return [path.parent for path in below(folder, "meta.yaml", depth=3) if "experiment_id" in text(path)[:4000]]


def _stored(database: OtherDatabase, found: _Found) -> None:
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
        plain = math.nan if is_nan else number(value)
        if plain is not None:
            metrics[run][key] = plain
    models = _logged_models(database)
    names = _names(database, found)
    query = "SELECT run_uuid, name, status, lifecycle_stage, experiment_id FROM runs ORDER BY start_time, run_uuid"
    for key, name, status, stage, experiment in database.rows(query):
        if experiment not in experiments or stage != "active":
            found.left_out.append(f"Run {name!r} ({key[:8]}) was deleted; it is left out.")
        elif status != "FINISHED":
            found.left_out.append(f"Run {name!r} ({key[:8]}) is {str(status).lower()}, not finished; it is left out.")
        else:
            run = _run(key, name, {**facts[key], "experiment": experiments[experiment]}, tags=tags[key])
            run.metrics = _measured(metrics[key])
            run.base = run.base or models.inputs.get(key)
            run.aliases = models.of_run.get(key, ())
            found.add(run, tags=tags[key], names=names.get(experiment, {}))


def _names(database: OtherDatabase, found: _Found) -> dict[Any, dict[str, str]]:
    """For each experiment that our exporter has written: what its metrics are called in MLflow → their names."""
    if "experiment_tags" not in database.tables:
        return {}
    tags: dict[Any, dict[str, str]] = defaultdict(dict)
    for experiment, key, value in database.rows("SELECT experiment_id, key, value FROM experiment_tags"):
        tags[experiment][key] = value or ""
    names: dict[Any, dict[str, str]] = {}
    for experiment, own in tags.items():
        names[experiment] = _keys(own, found)
    return names


def _keys(tags: Mapping[str, str], found: _Found) -> dict[str, str]:
    """What the metrics of an experiment of ours are called in MLflow → their names; its definitions are kept."""
    described = beside.from_parts(DEFINITIONS, tags)
    keys = described.get("keys") if isinstance(described, Mapping) else None
    if not isinstance(described, Mapping) or not isinstance(keys, Mapping):
        return {}
    definitions = described.get("definitions")
    if definitions not in found.definitions:
        found.definitions.append(definitions)
    return {str(key): str(name) for name, key in keys.items()}


def _served(experiment: Any, run: Any, *, source: str | None, found: _Found) -> None:
    """Add a run as MLflow's client gives it."""
    info, data = run.info, run.data
    if info.lifecycle_stage != "active":
        found.left_out.append(f"Run {info.run_name!r} ({info.run_id[:8]}) was deleted; it is left out.")
        return
    if info.status != "FINISHED":
        state = str(info.status).lower()
        found.left_out.append(f"Run {info.run_name!r} ({info.run_id[:8]}) is {state}, not finished; it is left out.")
        return
    facts = {f"param.{key}": scalar(value) for key, value in data.params.items()}
    one = _run(info.run_id, info.run_name, {**facts, "experiment": experiment.name}, tags=data.tags)
    one.base = source
    values = {key: number(value) for key, value in data.metrics.items()}
    one.metrics = _measured({key: value for key, value in values.items() if value is not None})
    found.add(one, tags=data.tags, names=_keys(experiment.tags, found))


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
    own = {tag: value for tag, value in tags.items() if not tag.startswith(("mlflow.", f"{KEY}."))}
    return TrackedRun(
        key=key,
        name=name or tags.get("mlflow.runName") or key,
        base=tags.get("mlflow.parentRunId"),
        facts={**facts, **{f"tag:{tag}": value for tag, value in tags.items() if not tag.startswith(f"{KEY}.")}},
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
    "stores of MLflow: a SQLite file, the folder of a file store, or the address of a tracking server",
    takes=frozenset({"file", "folder", "url"}),
    recognizes=recognizes,
    knows=mlflow_server.knows,
)
