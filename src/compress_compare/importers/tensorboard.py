"""TensorBoard: folders of event files. A folder is a run and a model; one that only has hyper-parameters is part of the
run above it.

Event files are records of a length, a message of Protocol Buffers and checksums.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidValue
from ..readers.protobuf import Message, WireError
from .base import Imported, Importer
from .files import below
from .numbers import number
from .places import MAX_BYTES, Place, other_format
from .runs import TrackedRun, flat, imported_from

PATTERN = "*tfevents*"
WHAT = "a log of TensorBoard"
HPARAMS = "hparams"
FAILED = 2
MAX_RECORD = 64_000_000


@dataclass
class _Events:
    """What the event files of one folder say."""

    scalars: dict[str, tuple[int, float]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    failed: bool = False


def recognizes(path: Path) -> str | None:
    """A folder with event files, or one of them."""
    return "event files of TensorBoard" if below(path, PATTERN) else None


def read(place: Place) -> Imported:
    """Read the runs of a folder. The last value of a scalar by its step counts.

    Raises:
        InvalidValue: ``import.*``.
    """
    files = [place.path] if place.path.is_file() else below(place.path, PATTERN)
    top = place.path.parent if place.path.is_file() else place.path
    if not files:
        raise other_format(place, WHAT, expected="There is no event file in it.")
    warnings: list[str] = []
    found: dict[Path, _Events] = {}
    for path in place.each(files):
        _take_in(found.setdefault(path.parent, _Events()), path, warnings)
    for folder in sorted(found, reverse=True):
        if found[folder].settings and folder.parent in found and folder != top:
            above, own = found[folder.parent], found.pop(folder)
            above.settings |= own.settings
            above.failed = above.failed or own.failed
            above.scalars = {**own.scalars, **above.scalars}
        elif folder.parent in found and folder != top and (curve := _curve(folder, found[folder])):
            found[folder.parent].scalars.update({curve: next(iter(found.pop(folder).scalars.values()))})
    runs = []
    for folder, events in sorted(found.items()):
        name = folder.relative_to(top).as_posix() if folder != top else folder.resolve().name
        if events.failed:
            warnings.append(f"Run {name!r} has failed; it is left out.")
            continue
        run = TrackedRun(key=name, name=name, facts=flat(events.settings, "config") if events.settings else {})
        run.metrics = {tag: value for tag, (_, value) in events.scalars.items()}
        runs.append(run)
    imported = imported_from(runs)
    imported.warnings[:0] = warnings
    return imported


def _curve(folder: Path, events: _Events) -> str:
    """The name of the one scalar in a folder that ``add_scalars`` made for it, ``TAG_CURVE``; else nothing."""
    (tag, *others) = events.scalars or ("",)
    start = f"{tag.replace('/', '_')}_"
    return f"{tag}/{folder.name.removeprefix(start)}" if tag and not others and folder.name.startswith(start) else ""


def _take_in(events: _Events, path: Path, warnings: list[str]) -> None:
    count = 0
    try:
        for record in _records(path, warnings):
            count += 1
            step, summary = 0, None
            for place, value in _fields(record):
                if place == 2 and isinstance(value, int):
                    step = value - (1 << 64) if value >> 63 else value
                elif place == 5:
                    summary = value
            for place, value in _fields(summary) if summary is not None else ():
                if place == 1:
                    _value(events, value, step)
    except WireError as error:
        raise InvalidValue("import.format", f"{path.name!r} is not {WHAT}.", detail=f"{error}.") from error
    if not count:
        raise InvalidValue("import.format", f"{path.name!r} is not {WHAT}.", detail="It holds no whole record.")


def _records(path: Path, warnings: list[str]) -> Iterator[bytes]:
    if path.stat().st_size > MAX_BYTES:
        raise InvalidValue("import.too_large", f"{path.name!r} is too large; the limit is {MAX_BYTES:,} bytes.")
    content, at = path.read_bytes(), 0
    while at < len(content):
        size = int.from_bytes(content[at : at + 8], "little")
        end = at + 12 + size
        if size > MAX_RECORD or end + 4 > len(content):
            warnings.append(f"{path.name!r} is cut or damaged at byte {at:,}; what is after it is left out.")
            return
        yield content[at + 12 : end]
        at = end + 4


def _fields(message: bytes) -> list[tuple[int, Any]]:
    fields = Message(np.frombuffer(message, np.uint8)).fields()
    return [(place, value if isinstance(value, int) else value.tobytes()) for place, value in fields]


def _value(events: _Events, message: bytes, step: int) -> None:
    """A value of a summary: a tag with a number, or the hyper-parameters of the run."""
    tag, found = "", None
    for place, value in _fields(message):
        if place == 1 and isinstance(value, bytes):
            tag = value.decode("utf-8", "replace")
        elif place == 2 and isinstance(value, bytes) and len(value) == 4:
            found = struct.unpack("<f", value)[0]
        elif place == 8 and isinstance(value, bytes):
            found = _tensor(value)
        elif place == 9 and isinstance(value, bytes):
            _plugin(events, value)
    if tag and found is not None and not tag.startswith("_hparams_") and step >= events.scalars.get(tag, (step,))[0]:
        events.scalars[tag] = step, found


def _tensor(message: bytes) -> float | None:
    """The number of a tensor of one element, as TensorFlow 2 writes a scalar; others are no metrics."""
    kinds = {1: "<f", 2: "<d"}
    kind, content = 0, b""
    for place, value in _fields(message):
        if place == 1 and isinstance(value, int):
            kind = value
        elif place in (4, 5, 6) and isinstance(value, bytes):
            content = value
    if kind not in kinds or len(content) != struct.calcsize(kinds[kind]):
        return None
    return number(struct.unpack(kinds[kind], content)[0])


def _plugin(events: _Events, metadata: bytes) -> None:
    data = next((value for place, value in _fields(metadata) if place == 1 and isinstance(value, bytes)), b"")
    parts = {place: value for place, value in _fields(data) if isinstance(value, bytes)}
    if parts.get(1) != HPARAMS.encode() or 2 not in parts:
        return
    for place, value in _fields(parts[2]):
        if place == 3 and isinstance(value, bytes):
            events.settings |= dict(_settings(value))
        elif place == 4 and isinstance(value, bytes):
            events.failed = (1, FAILED) in _fields(value)


def _settings(start: bytes) -> Iterator[tuple[str, Any]]:
    """The hyper-parameters at the start of a session: a map of texts to values."""
    for place, entry in _fields(start):
        if place != 1 or not isinstance(entry, bytes):
            continue
        parts: Mapping[int, Any] = dict(_fields(entry))
        name = parts.get(1, b"")
        for kind, value in _fields(parts[2]) if isinstance(parts.get(2), bytes) else ():
            if kind == 2 and isinstance(value, bytes) and len(value) == 8:
                whole = struct.unpack("<d", value)[0]
                yield name.decode("utf-8", "replace"), int(whole) if whole.is_integer() else whole
            elif kind == 3 and isinstance(value, bytes):
                yield name.decode("utf-8", "replace"), value.decode("utf-8", "replace")
            elif kind == 4:
                yield name.decode("utf-8", "replace"), bool(value)


IMPORTER = Importer(
    read, "folders of event files of TensorBoard", takes=frozenset({"file", "folder"}), recognizes=recognizes
)
