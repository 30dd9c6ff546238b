"""What the workers that convert a checkpoint share: limits, and one JSON object on standard output as the answer."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from ..errors import UserError

ROOM = 2 << 30
"""Bytes that a worker may have whatever the size of the file."""
MAX_SECONDS = 1200
LOOK_S = 0.02


def confine(*, max_files: int, max_written: int) -> None:
    """Hold this process to a time, and to so many open files and bytes of one that it writes."""
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, MAX_SECONDS),
        (resource.RLIMIT_NOFILE, max_files),
        (resource.RLIMIT_FSIZE, max_written),
    ):
        resource.setrlimit(limit, (value, value))


def bound_memory(room: int, name: str) -> None:
    """Let this process have so many bytes more than now; libraries that it still loads map some beyond."""
    used = psutil.Process().memory_info()
    with suppress(OSError, ValueError):  # a system that has no such limit is watched
        resource.setrlimit(resource.RLIMIT_AS, (used.vms + room + ROOM,) * 2)
    threading.Thread(target=end_above, args=(used.rss + room, name), kwargs={"room": room}, daemon=True).start()


def end_above(limit: int, name: str, *, room: int) -> None:
    """End this process with the answer that ``name`` is too large once more than ``limit`` bytes are resident."""
    process = psutil.Process()
    while process.memory_info().rss <= limit:
        time.sleep(LOOK_S)
    sys.stdout.write(json.dumps(too_large(name, room)))
    sys.stdout.flush()
    os._exit(0)


def answer(name: str, convert: Callable[[], dict[str, Any]], *, room: int) -> None:
    """Write what a conversion gives, or the fields of its error."""
    try:
        said = convert()
    except UserError as error:
        said = {"code": error.code, "title": error.title, "detail": error.detail, "hint": error.hint}
    except MemoryError:
        said = too_large(name, room)
    sys.stdout.write(json.dumps(said))


def too_large(name: str, room: int) -> dict[str, str]:
    """The answer for a file that takes more memory than ``room`` bytes."""
    return {
        "code": "model.expansion_limit",
        "title": f"{name!a} takes far more memory than its size.",
        "detail": f"The limit is {room:,} bytes.",
        "hint": "",
    }
