"""Optuna: studies in a SQLite file or in a journal of JSON lines. A trial that is complete is a model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InvalidValue
from ..records import Metric, Operation
from . import metric_names
from .base import Imported, Importer
from .files import head, json_lines
from .numbers import clean_name, number, scalar, whole
from .places import Place, other_format, text
from .rules import OPERATIONS
from .runs import TrackedRun, imported_from
from .sqlite import OtherDatabase, is_database, opened, tables

TABLES = {"studies", "trials", "trial_params", "trial_values", "study_directions"}
WHAT = "a storage of Optuna"
COMPLETE = 1
STATES = ("running", "complete", "pruned", "failed", "waiting")
MAXIMIZE = 2


@dataclass
class _Trial:
    number: int
    state: int = 0
    values: list[Any] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Study:
    name: str
    directions: list[int]
    attributes: dict[str, Any] = field(default_factory=dict)
    metric_names: list[str] = field(default_factory=list)
    trials: list[_Trial] = field(default_factory=list)


def recognizes(path: Path) -> str | None:
    """A database with Optuna's tables, or a journal."""
    if not path.is_file():
        return None
    if tables(path) >= TABLES:
        return "a SQLite database with the tables of Optuna"
    start = head(path, 400)
    return "a journal of Optuna" if start.startswith(b'{"op_code":') and b"worker_id" in start else None


def read(place: Place) -> Imported:
    """Read all studies.

    Raises:
        InvalidValue: ``import.*``.
    """
    if is_database(place.path):
        with opened(place.path) as database:
            if not database.tables >= TABLES:
                missing = ", ".join(sorted(TABLES - database.tables))
                raise other_format(place, WHAT, expected=f"It has no table {missing}.")
            studies = _stored(database)
    else:
        text(place.path)
        studies = _journal(place)
    warnings: list[str] = []
    runs = [run for study in studies for run in _runs(study, warnings)]
    imported = imported_from(runs)
    imported.warnings[:0] = warnings
    _define(imported, studies)
    return imported


def _names(study: _Study) -> list[str]:
    if study.metric_names:
        return [clean_name(name) for name in study.metric_names]
    value = f"{study.name} value"
    count = len(study.directions)
    return [clean_name(value if count == 1 else f"{value} {position}") for position in range(count)]


def _runs(study: _Study, warnings: list[str]) -> list[TrackedRun]:
    runs, left_out = [], dict.fromkeys(STATES, 0)
    names = _names(study)
    for trial in study.trials:
        if trial.state != COMPLETE:
            left_out[STATES[trial.state] if 0 <= trial.state < len(STATES) else "running"] += 1
            continue
        run = TrackedRun(key=f"{study.name}/{trial.number}", name=f"{study.name}-{trial.number}")
        for name, value in trial.params.items():
            run.facts[f"param.{name}"] = scalar(value)
        for name, value in {**study.attributes, **trial.attributes}.items():
            run.facts[f"tag:{name}"] = value
        if not any(name.lower() in OPERATIONS for name in (*trial.params, *study.attributes, *trial.attributes)):
            settings = {clean_name(name): scalar(value) for name, value in trial.params.items()}
            run.operation = Operation(clean_name(study.name), **settings)
        for name, value in zip(names, trial.values, strict=False):
            found = number(value)
            if found is not None:
                run.metrics[name] = found
        for name, value in trial.attributes.items():
            found = None if isinstance(value, str) else number(value)
            if found is not None and clean_name(name) not in run.metrics:
                run.metrics[clean_name(name)] = found
        runs.append(run)
    told = ", ".join(f"{count:,} {state}" for state, count in left_out.items() if count)
    if told:
        warnings.append(f"Study {study.name!r}: trials that are not complete are left out ({told}).")
    return runs


def _define(imported: Imported, studies: list[_Study]) -> None:
    """The direction of an objective is the study's; one name that is minimized here and maximized there has none."""
    said: dict[str, set[bool]] = {}
    for study in studies:
        for name, direction in zip(_names(study), study.directions, strict=False):
            said.setdefault(name, set()).add(direction == MAXIMIZE)
    for position, metric in enumerate(imported.metrics):
        if metric.name in said:
            directions = said[metric.name]
            higher = next(iter(directions)) if len(directions) == 1 else None
            guess, _ = metric_names.described(metric.name)
            imported.metrics[position] = Metric(metric.name, unit=guess.unit, higher_is_better=higher)
            imported.reasons[metric.name] = "the direction is that of the study"


def _stored(database: OtherDatabase) -> list[_Study]:
    studies = {key: _Study(name, []) for key, name in database.rows("SELECT study_id, study_name FROM studies")}
    for key, direction in database.rows("SELECT study_id, direction FROM study_directions ORDER BY objective"):
        studies[key].directions.append(MAXIMIZE if direction == "MAXIMIZE" else 1)
    for key, name, value in database.rows("SELECT study_id, key, value_json FROM study_user_attributes"):
        studies[key].attributes[name] = _json(value)
    for key, value in database.rows(
        "SELECT study_id, value_json FROM study_system_attributes WHERE key = 'study:metric_names'"
    ):
        found = _json(value)
        studies[key].metric_names = [str(name) for name in found] if isinstance(found, list) else []
    trials: dict[int, _Trial] = {}
    states = {"RUNNING": 0, "COMPLETE": 1, "PRUNED": 2, "FAIL": 3, "WAITING": 4}
    for key, study, position, state in database.rows(
        "SELECT trial_id, study_id, number, state FROM trials ORDER BY study_id, number"
    ):
        trials[key] = _Trial(position, states.get(state, 0))
        studies[study].trials.append(trials[key])
    kind = "value_type" if "value_type" in database.columns("trial_values") else "'FINITE'"
    special = {"INF_POS": math.inf, "INF_NEG": -math.inf}
    query = f"SELECT trial_id, value, {kind} FROM trial_values ORDER BY objective"  # noqa: S608
    for key, value, name in database.rows(query):
        trials[key].values.append(special.get(name, value))
    for key, name, value, distribution in database.rows(
        "SELECT trial_id, param_name, param_value, distribution_json FROM trial_params ORDER BY param_id"
    ):
        trials[key].params[name] = _external(value, distribution)
    for key, name, value in database.rows("SELECT trial_id, key, value_json FROM trial_user_attributes"):
        trials[key].attributes[name] = _json(value)
    return list(studies.values())


def _journal(place: Place) -> list[_Study]:
    studies: list[_Study | None] = []
    trials: list[_Trial] = []
    for line, entry in json_lines(place.path):
        if not isinstance(entry, Mapping) or "op_code" not in entry:
            raise other_format(place, WHAT, expected=f"Line {line:,} has no op_code.")
        try:
            _apply(entry, studies, trials)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            title = f"{place.name!r}: line {line:,} is no entry of a journal of Optuna."
            raise InvalidValue("import.format", title, detail=f"{type(error).__name__}: {error}"[:200]) from error
    return [study for study in studies if study is not None]


def _apply(entry: Mapping[str, Any], studies: list[_Study | None], trials: list[_Trial]) -> None:
    code = entry["op_code"]
    if code == 0:
        studies.append(_Study(str(entry["study_name"]), list(entry["directions"])))
    elif code == 1:
        studies[entry["study_id"]] = None
    elif code in (2, 3) and (study := studies[entry["study_id"]]) is not None:
        if code == 2:
            study.attributes.update(entry["user_attr"])
        elif "study:metric_names" in entry["system_attr"]:
            study.metric_names = [str(name) for name in entry["system_attr"]["study:metric_names"]]
    elif code == 4:
        study = studies[entry["study_id"]]
        trial = _Trial(0 if study is None else len(study.trials), int(entry.get("state", 0)))
        trial.values = list(entry.get("values") or [entry[name] for name in ("value",) if entry.get(name) is not None])
        trial.attributes = dict(entry.get("user_attrs") or {})
        for name, value in (entry.get("params") or {}).items():
            trial.params[name] = _external(value, (entry.get("distributions") or {}).get(name))
        trials.append(trial)
        if study is not None:
            study.trials.append(trial)
    elif code == 5:
        value = _external(entry["param_value_internal"], entry["distribution"])
        trials[entry["trial_id"]].params[str(entry["param_name"])] = value
    elif code == 6:
        trial = trials[entry["trial_id"]]
        trial.state = int(entry["state"])
        trial.values = list(entry.get("values") or trial.values)
    elif code == 8:
        trials[entry["trial_id"]].attributes.update(entry["user_attr"])


def _external(value: Any, distribution: Any) -> Any:
    """A parameter as the program saw it: Optuna stores the position of a choice, and whole numbers with a point."""
    described = _json(distribution)
    if not isinstance(described, Mapping):
        return value
    attributes = described.get("attributes") or {}
    choices = attributes.get("choices")
    if isinstance(choices, list):
        return choices[int(value)] if 0 <= int(value) < len(choices) else value
    found = whole(abs(value)) if str(described.get("name")).startswith("Int") and not isinstance(value, str) else None
    return value if found is None else found if value >= 0 else -found


def _json(written: Any) -> Any:
    try:
        return json.loads(written)
    except (ValueError, TypeError, RecursionError):
        return written


IMPORTER = Importer(read, "studies of Optuna: a SQLite file or a journal", recognizes=recognizes)
