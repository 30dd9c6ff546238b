"""Runs exactly one step, in a process of its own: ``python -m compress_compare.engines.worker FOLDER``.

The folder has ``step.json``: ``kind`` (``prepare`` or ``operation``), ``project`` (its directory), ``task``, and what
the kind needs. Progress goes to ``heartbeat.json``, how it ended to ``result.json``, always in one piece. What the step
makes goes into the project itself in one transaction, so that a model is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..store.files import write_atomically
from .base import HEARTBEAT, RESULT, STEP
from .processes import identity, resident, virtual

BEAT_S = 1.0
ROOM = 256 << 20
"""Bytes of address space beyond the limit that need no memory: stacks and arenas."""


def main() -> None:
    """Do the step; the exit code is 0 when ``result.json`` says how it ended."""
    run(Path(sys.argv[1]))


def run(folder: Path) -> None:
    """Do the step in a folder, in this process and to its end."""
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    heart = Heart(folder / HEARTBEAT)
    step = json.loads((folder / STEP).read_bytes())
    result = perform(step, heart.beat)
    result["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    write_atomically(folder / RESULT, json.dumps(result).encode())


def perform(step: Mapping[str, Any], progress: Callable[[float, str], None]) -> dict[str, Any]:
    """Do a step and say how it went."""
    try:
        from . import steps

        message = steps.KINDS[step["kind"]](step, steps.Call(progress, lambda: limit_memory(step["memory"])))
    except UserError as error:
        return failed(error.code, _fields(error))
    except Exception as error:
        traceback.print_exc()
        if _is_memory(error):
            return failed("out_of_memory", {})
        title = f"The step raised {type(error).__name__}: {error}"[:300]
        hint = "The log has the traceback."
        return failed("raised", {"code": "job.raised", "title": title, "detail": "", "hint": hint})
    return {"state": "done", "message": message}


def failed(reason: str, error: Mapping[str, str]) -> dict[str, Any]:
    """The result of a step that failed."""
    return {"state": "failed", "reason": reason, "error": dict(error)}


def limit_memory(limit: int | None) -> None:
    """Let allocations beyond ``limit`` bytes fail, counted from what is resident now: libraries are loaded.

    A system that has no such limit leaves it to the supervisor, which looks at what is resident.
    """
    if limit is not None:
        room = max(limit - resident(os.getpid()), 0) + ROOM
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (virtual() + room,) * 2)


class Heart:
    """Writes a sign of life every second: which process it is of, the share done, and a line of text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = {"process": identity(os.getpid())}
        self._status = {"progress": 0.0, "message": "starting"}
        self._write()
        threading.Thread(target=self._run, daemon=True).start()

    def beat(self, share: float, text: str) -> None:
        """What goes on; shown at the next beat."""
        self._status = {"progress": min(max(share, 0.0), 1.0), "message": text[:200]}

    def _run(self) -> None:
        wait = threading.Event()
        while not wait.wait(BEAT_S):
            self._write()

    def _write(self) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps({**self._status, **self._process}))
        temporary.replace(self._path)


def _end_with_supervisor() -> None:
    """The supervisor holds the other end of standard input; when it is gone, so is this whole group."""
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def _fields(error: UserError) -> dict[str, str]:
    return {"code": error.code, "title": error.title, "detail": error.detail, "hint": error.hint}


def _is_memory(error: BaseException) -> bool:
    words = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory", "bad_alloc")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


if __name__ == "__main__":
    main()
