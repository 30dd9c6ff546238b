"""The oldest versions that are safe to use, and what is wrong with older ones."""

from __future__ import annotations

import platform
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

Version = tuple[int, ...]
Status = Literal["ok", "warn", "missing"]


@dataclass(frozen=True)
class Floor:
    """What must be at least of a version: one per release line; versions above the highest line are good.

    Args:
        name: of the program or library.
        lines: the oldest safe version of each release line that is still served.
        reason: what older versions do.
        extra: the extra of this package that brings it; empty where it is always needed.
    """

    name: str
    lines: tuple[Version, ...]
    reason: str
    extra: str = ""


@dataclass(frozen=True)
class VersionFinding:
    """How one of them stands on this machine."""

    name: str
    found: str | None
    needed: str
    status: Status
    reason: str


FLOORS = (
    Floor("Python", ((3, 11, 13), (3, 12, 11), (3, 13, 4)), "archives can write outside their folder (CVE-2025-4517)"),
    Floor(
        "SQLite",
        ((3, 44, 6), (3, 50, 7), (3, 51, 3)),
        "two processes that write at once can damage the log; one writing process is safe",
    ),
    Floor("starlette", ((0, 49, 1),), "one request can occupy the server for long (CVE-2025-62727)"),
    Floor("pyarrow", ((14, 0, 1),), "a hostile Parquet file can run code (CVE-2023-47248)"),
    Floor("torch", ((2, 10, 1),), "loading weights_only can be escaped from", "torch"),
    Floor("onnx", ((1, 21, 0),), "external data can lie outside the model's folder", "onnx"),
    Floor("onnxruntime", ((1, 20),), "models of current exporters do not load", "onnx"),
    Floor("ray", ((2, 40),), "its interface differs", "ray"),
)


def check(floors: Iterable[Floor] = FLOORS) -> list[VersionFinding]:
    """Hold what is installed here against the floors."""
    return [_finding(floor, installed(floor.name)) for floor in floors]


def installed(name: str) -> str | None:
    """The version of a program or library here; ``None`` if it is not installed."""
    if name == "Python":
        return platform.python_version()
    if name == "SQLite":
        return sqlite3.sqlite_version
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def is_safe(version: str, lines: Iterable[Version]) -> bool:
    """Whether a version is at or above the floor of its release line, which its first two numbers name."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", re.split(r"[+a-z]", version, maxsplit=1)[0]))
    ordered = sorted(lines)
    same = [line for line in ordered if line[:2] == numbers[:2]]
    return numbers >= (same[0] if same else ordered[-1])


def _finding(floor: Floor, found: str | None) -> VersionFinding:
    needed = " or ".join(_spelled(floor.lines))
    if found is None:
        reason = f"for what needs it: pip install 'compress-compare[{floor.extra}]'" if floor.extra else floor.reason
        return VersionFinding(floor.name, None, needed, "missing", reason)
    safe = is_safe(found, floor.lines)
    return VersionFinding(floor.name, found, needed, "ok" if safe else "warn", "" if safe else floor.reason)


def _spelled(lines: Iterable[Version]) -> Iterator[str]:
    return (".".join(map(str, line)) for line in sorted(lines))
