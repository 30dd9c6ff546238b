"""Weights & Biases: the ``.wandb`` file of an offline run, read directly, or the runs of a project on a server.

The file is a log in blocks of 32 KiB (the layout of LevelDB's logs) of messages of Protocol Buffers. A run that exited
with 0 is a model; the summary has its metrics, and the configuration what it was made from.
"""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidValue, UserError
from ..readers.protobuf import Message, WireError
from . import wandb_server
from .base import Imported, Importer
from .files import below, head
from .numbers import clean_name, number
from .places import MAX_BYTES, Place, json_document, other_format
from .runs import TrackedRun, flat, imported_from
from .wandb_artifacts import LOGGED, USED, RunArtifacts

START = b":W&B"
BLOCK = 32_768
HEADER = 7
"""Bytes before the first record, and of each record: a checksum, a length and a kind."""
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
SUMMARY, CONFIG, RUN, EXIT = 3, 5, 17, 18
"""Numbers of the fields of a record."""
MAX_ROWS = 100_000
WHAT = "an offline run of Weights & Biases"


def recognizes(path: Path) -> str | None:
    """A file that begins as W&B's logs do, or a folder with one."""
    files = _files(path)
    return "the log of an offline run of Weights & Biases" if any(head(one, 4) == START for one in files) else None


def _files(path: Path) -> list[Path]:
    return below(path, "*.wandb") if path.is_dir() else [path]


def read(place: Place) -> Imported:
    """Read a run, all runs in a folder, or all of a project on a server.

    Raises:
        InvalidValue: ``import.*``.
    """
    if place.kind == "url":
        return _served(place)
    runs: list[tuple[TrackedRun, Path]] = []
    artifacts = RunArtifacts()
    warnings: list[str] = []
    for path in place.each(_files(place.path)):
        if head(path, len(START)) != START:
            raise other_format(place, WHAT, expected=f"{path.name!r} does not begin with ':W&B'.")
        run = _run(path, artifacts, warnings)
        if run is not None:
            runs.append((run, path))
    if not runs and not warnings:
        raise other_format(place, WHAT, expected="There is no .wandb file in it.")
    notices = list(artifacts.relate([run for run, _ in runs]))
    imported = imported_from([run for run, _ in runs])
    imported.warnings[:0] = warnings
    imported.notices += notices
    for run, path in runs:
        _tables(imported, run, path.parent / "files")
    return imported


def _served(place: Place) -> Imported:
    """The runs of a project on a server."""
    found: list[tuple[TrackedRun, Any]] = []
    warnings: list[str] = []
    for run, source, share in wandb_server.runs(place.address):
        name = run.name or run.id
        place.progress(share, f"reading {name}")
        if run.state != "finished":
            warnings.append(f"Run {name!r} ({run.id[:8]}) is {run.state}, not finished; it is left out.")
            continue
        own = {field: value for field, value in run.config.items() if not field.startswith("_")}
        one = TrackedRun(key=run.id, name=name, base=source, facts=flat(own, "config") if own else {})
        one.facts |= {"tag:group": run.group} if run.group else {}
        one.tags, one.note = tuple(tag for tag in run.tags if tag), run.notes or ""
        one.metrics = dict(_numbers(run.summary_metrics))
        found.append((one, run))
    imported = imported_from([one for one, _ in found])
    imported.warnings[:0] = warnings
    for one, run in found:
        with tempfile.TemporaryDirectory() as folder:
            imported.warnings += wandb_server.tables(run, run.summary_metrics, folder=Path(folder))
            _tables(imported, one, Path(folder))
    return imported


def _records(content: bytes, path: Path, warnings: list[str]) -> Iterator[bytes]:
    """The messages of a log; it is read up to where it is cut or damaged."""
    at, parts = HEADER, b""
    while at + HEADER <= len(content):
        left = BLOCK - at % BLOCK
        if left < HEADER:
            at += left
            continue
        checksum = int.from_bytes(content[at : at + 4], "little")
        size, kind = int.from_bytes(content[at + 4 : at + 6], "little"), content[at + 6]
        data = content[at + HEADER : at + HEADER + size]
        if kind == 0 and size == 0:
            at += left
            continue
        if len(data) < size or size > left - HEADER or zlib.crc32(data, zlib.crc32(bytes([kind]))) != checksum:
            warnings.append(f"{path.name!r} is cut or damaged at byte {at:,}; what is after it is left out.")
            return
        at += HEADER + size
        parts = data if kind in (FULL, FIRST) else parts + data
        if kind in (FULL, LAST):
            yield parts


def _fields(message: bytes) -> list[tuple[int, Any]]:
    fields = Message(np.frombuffer(message, np.uint8)).fields()
    return [(number, value if isinstance(value, int) else value.tobytes()) for number, value in fields]


def _run(path: Path, artifacts: RunArtifacts, warnings: list[str]) -> TrackedRun | None:
    if path.stat().st_size > MAX_BYTES:
        raise InvalidValue("import.too_large", f"{path.name!r} is too large; the limit is {MAX_BYTES:,} bytes.")
    described: dict[int, list[bytes]] = {}
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    logged: list[tuple[int, dict[int, Any]]] = []
    code: int | None = None
    try:
        for record in _records(path.read_bytes(), path, warnings):
            for kind, value in _fields(record):
                if kind == RUN:
                    described = _grouped(value)
                    for update in described.get(4, []):
                        _update(config, update)
                elif kind == CONFIG:
                    _update(config, value)
                elif kind == SUMMARY:
                    _update(summary, value)
                elif kind in (LOGGED, USED):
                    logged.append((kind, dict(_fields(value))))
                elif kind == EXIT:
                    code = next((found for field, found in _fields(value) if field == 1), 0)
    except WireError as error:
        raise InvalidValue("import.format", f"{path.name!r} is not {WHAT}.", detail=f"{error}.") from error
    key = _text(described, 1) or path.stem.removeprefix("run-")
    name = _text(described, 8) or key
    artifacts.add(key, logged)
    if code != 0:
        state = "has no end" if code is None else f"ended with code {code}"
        warnings.append(f"Run {name!r} ({key[:8]}) {state}; it is left out.")
        return None
    tags = [one.decode("utf-8", "replace") for one in described.get(10, [])]
    own = {field: value for field, value in config.items() if not field.startswith("_")}
    run = TrackedRun(key=key, name=name, facts=flat(own, "config") if own else {}, note=_text(described, 9))
    run.facts |= {f"tag:{field}": value for field, value in (("group", _text(described, 6)),) if value}
    run.tags = tuple(tag for tag in tags if tag)
    run.metrics = dict(_numbers(summary))
    return run


def _grouped(message: bytes) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    for field, value in _fields(message):
        if isinstance(value, bytes):
            found.setdefault(field, []).append(value)
    return found


def _text(fields: Mapping[int, list[bytes]], field: int) -> str:
    return fields[field][0].decode("utf-8", "replace") if field in fields else ""


def _update(into: dict[str, Any], message: bytes) -> None:
    """Apply a record of changed items: a key, or the parts of a nested one, and a value in JSON."""
    for field, item in _fields(message):
        if not isinstance(item, bytes):
            continue
        parts = _grouped(item)
        names = [_text(parts, 1)] if 1 in parts else [one.decode("utf-8", "replace") for one in parts.get(2, [])]
        key = ".".join(names)
        if field == 2:
            into.pop(key, None)
        elif field == 1 and key:
            try:
                into[key] = json.loads(_text(parts, 16) or "null")
            except (ValueError, RecursionError):
                into[key] = _text(parts, 16)


def _numbers(summary: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    media = tuple(name.removesuffix("_type") for name in summary if name.endswith("._type"))
    for name, value in summary.items():
        if name.startswith(("_", *media)):
            continue
        if isinstance(value, Mapping):
            if "_type" not in value and prefix.count(".") < 4:
                yield from _numbers(value, f"{prefix}{name}.")
        else:
            found = number(value)
            if found is not None:
                yield f"{prefix}{name}", found


def _tables(imported: Imported, run: TrackedRun, folder: Path) -> None:
    """Tables with columns ``id`` and ``prediction`` are what the run's model answered."""
    latest: dict[str, tuple[int, Path]] = {}
    for path in below(folder, "*.table.json"):
        name, _, rest = path.name.removesuffix(".table.json").rpartition("_")[0].rpartition("_")
        step = int(rest) if rest.isdecimal() else 0
        if name and step >= latest.get(name, (-1, path))[0]:
            latest[name] = step, path
    for name, (_, path) in latest.items():
        try:
            table = json_document(path)
        except UserError as error:
            imported.warnings.append(f"Run {run.name!r}: {error}")
            continue
        columns = table.get("columns") if isinstance(table, Mapping) else None
        rows = table.get("data") if isinstance(table, Mapping) else None
        if not isinstance(columns, list) or not isinstance(rows, list) or not _is_answers(columns, rows):
            imported.notices.append(f"Run {run.name!r}: the table {name!r} has no id and prediction; it is left out.")
            continue
        values = {str(column): [row[at] for row in rows] for at, column in enumerate(columns)}
        _answered(imported, imported.keys[run.key], clean_name(name), values)


def _is_answers(columns: list[Any], rows: list[Any]) -> bool:
    named = {"id", "prediction"} <= set(map(str, columns)) and 0 < len(rows) <= MAX_ROWS
    return named and all(isinstance(row, list) and len(row) == len(columns) for row in rows)


def _answered(imported: Imported, model: str, name: str, values: Mapping[str, list[Any]]) -> None:
    given = {"name": name, "ids": values["id"], **({"labels": values["label"]} if "label" in values else {})}
    known = next((one for one in imported.datasets if one["name"] == name), None)
    if known is None:
        imported.datasets.append(given)
    elif known != given:
        imported.warnings.append(f"Model {model!r}: its table {name!r} has other examples; it is left out.")
        return
    answers = {"model": model, "dataset": name, "ids": values["id"], "predictions": values["prediction"]}
    imported.outputs.append(answers)


IMPORTER = Importer(
    read,
    "runs of Weights & Biases: those that were logged offline, or a project on its server",
    takes=frozenset({"file", "folder", "url"}),
    recognizes=recognizes,
    knows=wandb_server.knows,
)
