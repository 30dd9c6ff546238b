"""Which tasks of which projects the user of this machine lets run. Kept with the user, never in a project.

A project is data, and data can come from anyone. What it names to be run is run only after its user has seen it: each
task of each project once, as long as the project stays where it is and the task what it is.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import Untrusted
from ..records import TaskPath
from .files import lock, write_atomically
from .user_folders import settings

FILE = "trusted-tasks.json"

logger = logging.getLogger(__name__)


class Trust:
    """What a user lets run.

    Args:
        folder: where that is kept; that of this user's settings if not given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or settings()
        self._now: set[str] = set()

    def allows(self, project: Path, task: TaskPath) -> bool:
        """Whether a task of a project may run."""
        mark = _mark(project, task)
        return mark in self._now or mark in self._kept()

    def allow(self, project: Path, task: TaskPath) -> None:
        """Let a task of a project run from now on. Where that cannot be kept, it holds for this process."""
        mark = _mark(project, task)
        if self.allows(project, task):
            return
        self._now.add(mark)
        try:
            self._keep(mark, {"project": str(project), "task": task.path, "options": dict(task.options)})
        except OSError as error:
            logger.warning("%s cannot be written (%s): what may run is asked again", FILE, error.strerror)

    def check(self, project: Path, task: TaskPath) -> None:
        """Pass if a task of a project may run.

        Raises:
            Untrusted: ``task.untrusted``, with what would run.
        """
        if not self.allows(project, task):
            raise Untrusted(
                "task.untrusted",
                "This project asks to run code that you have not allowed on this machine.",
                detail=described(task),
                hint="Allow it only if you know where the project comes from: on the page, or with --trust.",
                task={"path": task.path, "options": dict(task.options), "folders": list(task.folders)},
            )

    def _kept(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            found = json.loads((self._folder / FILE).read_bytes())
            if isinstance(found, dict):
                return found
        return {}

    def _keep(self, mark: str, what: dict[str, Any]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._folder / f"{FILE}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(descriptor, wait=True)
            since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            content = json.dumps({**self._kept(), mark: {**what, "since": since}}, indent=1)
            write_atomically(self._folder / FILE, content.encode())
        finally:
            os.close(descriptor)


def described(task: TaskPath) -> str:
    """What a task would run, in words."""
    options = f" with options {json.dumps(dict(task.options))}" if task.options else ""
    places = f", looked for in {', '.join(map(ascii, task.folders))}" if task.folders else ""
    return f"It would run {task.path}{options}{places}."


def _mark(project: Path, task: TaskPath) -> str:
    content = [str(project.resolve()), task.path, dict(task.options), list(task.folders)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
