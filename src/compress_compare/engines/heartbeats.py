"""What a worker says of itself while it runs, in a file of its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .base import HEARTBEAT, Running


def status_in(folder: Path, *, waiting: str = "") -> Running:
    """How far the work in a folder says that it is; ``waiting`` as long as it says nothing."""
    found = heartbeat_in(folder)
    return Running(float(found["progress"]), str(found["message"])) if found else Running(0.0, waiting)


def process_in(folder: Path) -> str:
    """The identity of the process that does the work in a folder; empty before it has said so."""
    return str(heartbeat_in(folder).get("process", ""))


def heartbeat_in(folder: Path) -> Mapping[str, Any]:
    """What the worker in a folder last said of itself; empty before it has."""
    try:
        found: Mapping[str, Any] = json.loads((folder / HEARTBEAT).read_bytes())
    except (OSError, ValueError):
        return {}
    return found
