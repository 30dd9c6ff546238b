"""MLflow: a tracking store in a SQLite file, which MLflow's own client and page open; ``importers.mlflow`` reads it.

It is written by MLflow itself (the extra ``mlflow``), so that it has the tables of the version that is installed. A
model is a finished run: its base is the parent run, its operation and parameters are parameters, its note the
description.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ..errors import MissingExtra
from ..records.own_key import DEFINITIONS, KEY
from ..store.merging import contents
from ..store.store import Store
from .beside import carried, columns, definition, in_parts

MAX_PARAMETER = 6000
BATCH = 100
"""What one call of MLflow takes of parameters and of tags."""
_UNUSUAL = re.compile(r"[^\w./ :-]+")


def database(store: Store) -> bytes:
    """The file.

    Raises:
        MissingExtra: ``extra.missing`` without MLflow.
    """
    held, metrics = contents.of(store), store.metrics()
    rows = store.overview().to_pylist()
    measured = columns(rows, metrics)
    keys = _keys([*measured, *(metric.name for metric in metrics if metric.name not in measured)])
    with _quiet() as library, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mlflow.db"
        tracking = library.store(f"sqlite:///{path}", "mlflow-artifacts:/")
        listed = {"definitions": [definition(metric) for metric in metrics], "keys": keys}
        tags = [library.experiment_tag(name, part) for name, part in in_parts(DEFINITIONS, listed).items()]
        experiment = tracking.create_experiment(store.name[:500], tags=tags)
        runs: dict[str, str] = {}
        for row in rows:
            created = datetime.fromisoformat(held.models[row["id"]]["created_at"])
            tagged = {**_tags(row, runs), **in_parts(KEY, carried(row, held, measured=measured))}
            note = "".join(one["text"] for one in held.parts["notes"].get(row["id"], {}).values())
            if note:
                tagged["mlflow.note.content"] = note[:8000]
            values = {keys[column]: row[column] for column in measured if row[column] is not None}
            run = _Run(row, round(created.timestamp() * 1000), tagged, values)
            runs[row["id"]] = _logged(library, tracking, experiment, run)
        return path.read_bytes()


@dataclass(frozen=True)
class _Run:
    """What is to be logged of one model.

    Args:
        row: of the overview.
        time: when it was made, in ms since 1970.
        tags: by name.
        metrics: by a name that MLflow takes.
    """

    row: Mapping[str, Any]
    time: int
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def _logged(library: SimpleNamespace, tracking: Any, experiment: str, run: _Run) -> str:
    """Log one run; returns its id."""
    begun = tracking.create_run(experiment, "compress-compare", run.time, [], run.row["id"])
    key: str = begun.info.run_id
    parameters = {} if run.row["operation"] is None else {"operation": run.row["operation"]}
    for name, value in json.loads(run.row["parameters"]).items():
        plain = _UNUSUAL.sub("_", name)[:250]
        written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        parameters.setdefault(plain, written[:MAX_PARAMETER])
    params = [library.param(name, value) for name, value in parameters.items()]
    tags = [library.tag(name, value) for name, value in run.tags.items()]
    metrics = [library.metric(name, value, run.time, 0) for name, value in run.metrics.items()]
    for at in range(0, max(len(params), len(tags), len(metrics), 1), BATCH):
        tracking.log_batch(key, metrics[at : at + BATCH], params[at : at + BATCH], tags[at : at + BATCH])
    tracking.update_run_info(key, library.finished, run.time, None)
    return key


def _tags(row: Mapping[str, Any], runs: Mapping[str, str]) -> dict[str, str]:
    """The parent, and the tags of the model: ``stage=candidate`` is a tag of MLflow with that value."""
    found = {}
    if row["base"] in runs:
        found["mlflow.parentRunId"] = runs[row["base"]]
    for tag in row["tags"]:
        name, _, value = tag.partition("=")
        plain = _UNUSUAL.sub("_", name).strip()[:250]
        if plain and not plain.startswith(("mlflow.", KEY)):
            found[plain] = value or "true"
    return found


def _keys(names: Sequence[str]) -> dict[str, str]:
    """Names that MLflow takes, by the names of the metrics."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = _UNUSUAL.sub("_", name).strip("/. ")[:200] or "metric"
        key, number = plain, 2
        while key in taken or os.path.normpath(key) != key:
            key, number = f"{plain.replace('/', '_')}_{number}", number + 1
        taken.add(key)
        found[name] = key
    return found


def _library() -> SimpleNamespace:
    """What is needed of MLflow, loaded only here. It would tell its makers about its use."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        from mlflow import entities
        from mlflow.store.tracking import sqlalchemy_store
    except ImportError as error:
        raise MissingExtra("MLflow", purpose="Writing a store of MLflow", extra="mlflow") from error
    return SimpleNamespace(
        store=sqlalchemy_store.SqlAlchemyStore,
        param=entities.Param,
        tag=entities.RunTag,
        experiment_tag=entities.ExperimentTag,
        metric=entities.Metric,
        finished=entities.RunStatus.FINISHED,
    )


@contextmanager
def _quiet() -> Iterator[SimpleNamespace]:
    """MLflow, which logs every table that it makes, and uses what is about to change in SQLAlchemy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        library = _library()
        loggers = [logging.getLogger(name) for name in ("alembic", "mlflow")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield library
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
