"""Trackio: the SQLite file of a project, in which a run is a model. The last value of a metric by step counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .base import Imported, Importer
from .files import below
from .numbers import number
from .places import Place, other_format, text
from .runs import TrackedRun, flat, imported_from
from .sqlite import OtherDatabase, is_database, opened, tables

TABLES = {"metrics", "configs"}
COLUMNS = {"run_name", "step", "metrics", "timestamp"}


def recognizes(path: Path) -> str | None:
    """A database with Trackio's tables, or a folder with one."""
    found = _databases(path)
    return "a SQLite database with the tables of Trackio" if found else None


def read(place: Place) -> Imported:
    """Read the runs of every project in a file or folder.

    Raises:
        InvalidValue: ``import.*``.
    """
    found = _databases(place.path)
    if not found and place.path.is_file():
        if not is_database(place.path):
            text(place.path)
        with opened(place.path):
            raise other_format(place, "a project of Trackio", expected="It lacks the tables metrics and configs.")
    if not found:
        raise other_format(place, "a project of Trackio", expected="There is no database of Trackio in it.")
    runs: list[TrackedRun] = []
    warnings: list[str] = []
    for path in place.each(found):
        with opened(path) as database:
            runs += _runs(database, warnings)
    imported = imported_from(runs)
    imported.warnings[:0] = warnings
    return imported


def _databases(path: Path) -> list[Path]:
    found = [path] if path.is_file() else below(path, "*.db", depth=2)
    return [one for one in found if _is_trackio(one)]


def _is_trackio(path: Path) -> bool:
    # A store of MLflow has a table of metrics, too.
    names = tables(path)
    return names >= TABLES and "runs" not in names and "experiments" not in names


def _runs(database: OtherDatabase, warnings: list[str]) -> list[TrackedRun]:
    key = "run_id" if "run_id" in database.columns("metrics") else "run_name"
    configs = {}
    if "config" in database.columns("configs"):
        query = f"SELECT {key}, run_name, config FROM configs ORDER BY id"  # noqa: S608
        configs = {run: (name, _object(text, warnings, name)) for run, name, text in database.rows(query)}
    runs = {run: _run(run, name, config) for run, (name, config) in configs.items()}
    query = f"SELECT {key}, run_name, metrics FROM metrics ORDER BY step, id"  # noqa: S608
    for run, name, logged in database.rows(query):
        one = runs.setdefault(run, _run(run, name, {}))
        for metric, value in _object(logged, warnings, name).items():
            found = number(value)
            if found is not None:
                one.metrics[metric] = found
    return list(runs.values())


def _run(key: str, name: str, config: dict[str, Any]) -> TrackedRun:
    own = {field: value for field, value in config.items() if not field.startswith("_")}
    facts = flat(own, "config") if own else {}
    group = config.get("_Group")
    return TrackedRun(key=str(key), name=name, facts=facts, tags=(str(group),) if group else ())


def _object(written: Any, warnings: list[str], name: str) -> dict[str, Any]:
    try:
        found = json.loads(written)
    except (ValueError, TypeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        warnings.append(f"Run {name!r}: an entry is not a JSON object; it is left out.")
        return {}
    return found


IMPORTER = Importer(read, "SQLite files of Trackio", takes=frozenset({"file", "folder"}), recognizes=recognizes)
