"""Runs the jobs of a project: feeds an engine from the queue, in order, and records what becomes of each.

The state of a job belongs to its supervisor. When a supervisor dies, its workers die with it, and whoever comes next
records what it left behind as ``interrupted``.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidValue, UserError
from ..recipes.plan import plan
from ..recipes.serial import from_data, task_from_data
from ..store.jobs import ENDED, JobEntry
from . import steering
from .base import THERE, Engine, Outcome, Running, Work
from .local import read_result
from .queue import Queue

TICK_S = 0.05
REPORT_S = 1.0
"""Progress is written at most this often."""

MANY = ("recipe", steering.KIND)
"""Kinds of jobs that have parts: one for each model."""

logger = logging.getLogger(__name__)


@dataclass
class _Active:
    entry: JobEntry
    shown: Running
    at: float


class Supervisor:
    """Runs what its queue holds.

    Args:
        queue: of the project; what others have queued there is left to them while they live.
        engine: what runs the work.
    """

    def __init__(self, queue: Queue, engine: Engine) -> None:
        self.queue = queue
        self.engine = engine
        self._active: dict[str, _Active] = {}
        self._wake = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None

    def recover(self, *, adopt: bool = False) -> int:
        """Record the jobs of dead supervisors as what they are, and end what still runs of them; returns how many.

        Args:
            adopt: whether to go on with those that had not begun, in their order, as if they had been queued here.
        """
        left = [entry for entry in self.queue.unfinished(mine=False) if not self.queue.lives(entry.owner)]
        adopted = _waiting(left) if adopt else []
        ended = [entry for entry in left if entry not in adopted]
        for entry in ended:
            self.engine.reap(entry.handle)
        self._abandon(ended)
        self.queue.adopt([entry.id for entry in adopted])
        return len(left)

    def tick(self) -> bool:
        """Look at everything once; returns whether anything of this queue is unfinished."""
        for id in list(self._active):
            self._look(id)
        entries = self.queue.unfinished(mine=True)
        for entry in entries:
            if entry.cancel and entry.id in self._active:
                self.engine.cancel(entry.id)
        if len(self._active) < self.engine.slots:
            self._start(entries)
        self._settle(entries)
        return bool(entries) or bool(self._active)

    def run(self, watch: Callable[[], None] | None = None) -> None:
        """Work in this thread until nothing is left.

        Args:
            watch: called after every look.
        """
        while self.tick():
            if watch is not None:
                watch()
            time.sleep(TICK_S)

    def start(self) -> None:
        """Work in a thread until `close`; call it again when there is something new to do."""
        self._wake.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End all work; what has not ended is recorded as interrupted."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self.engine.close()
        self._abandon(self.queue.unfinished(mine=True))
        self._active.clear()

    def _run(self) -> None:
        busy = True
        while not self._closing:
            self._wake.wait(TICK_S if busy else None)
            self._wake.clear()
            try:
                busy = not self._closing and self.tick()
            except Exception as error:  # a project that cannot be read now may be readable at the next look
                logger.warning("the supervisor failed: %s: %s", type(error).__name__, error)
                time.sleep(REPORT_S)
                busy = True

    def _abandon(self, left: list[JobEntry]) -> None:
        """Record jobs whose supervisor is gone: as done if their worker got that far."""
        if not left:
            return
        with self.queue.batch():
            for entry in left:
                started = entry.kind not in MANY and entry.state == "running"
                result = self._result(entry) if started else None
                done = result is not None and result.get("state") == "done"
                message = "logged" if done else "its supervisor ended"
                self.queue.update(entry.id, state="done" if done else "interrupted", message=message)

    def _result(self, entry: JobEntry) -> dict[str, Any] | None:
        try:
            return read_result(self.queue.folder(entry.id))
        except UserError:
            return None

    def _look(self, id: str) -> None:
        active = self._active[id]
        status = self.engine.poll(id)
        if isinstance(status, Outcome):
            del self._active[id]
            self._ended(active.entry, status)
        elif status != active.shown and time.monotonic() - active.at > REPORT_S:
            active.shown, active.at = status, time.monotonic()
            if active.entry.kind not in MANY:
                self.queue.update(id, progress=status.progress, message=status.message)

    def _ended(self, entry: JobEntry, outcome: Outcome) -> None:
        if entry.kind in MANY and outcome.state == "done":
            self._expand(entry)
            return
        progress = {"progress": 1.0} if outcome.state == "done" else {}
        message = outcome.message or (outcome.error or {}).get("title", "")
        self.queue.update(
            entry.id, state=outcome.state, reason=outcome.reason, error=outcome.error, message=message, **progress
        )

    def _expand(self, entry: JobEntry) -> None:
        """The project is prepared: queue the models that are missing."""
        if entry.kind == steering.KIND:
            self._go_on(entry)
            return
        request = json.loads(entry.request)
        try:
            planned = plan(from_data(request["recipe"]), self.queue.known())
        except UserError as error:
            self._fail(entry, error)
            return
        total = len(planned.models)
        count = self.queue.submit_parts(entry.id, planned, task=request["task"])
        changes = {} if count else {"state": "done", "progress": 1.0}
        self.queue.update(entry.id, message=f"{total - count} of {total} models are there already", **changes)

    def _go_on(self, entry: JobEntry) -> None:
        """The models that a search asked for are made, or were not: queue the next ones, until it ends."""
        try:
            turn = steering.turn(self.queue, entry.id, request=entry.request, batch=self.engine.slots)
        except UserError as error:
            self._fail(entry, error)
            return
        count = 0
        if turn.plan is not None:
            task = json.loads(entry.request)["task"]
            count = self.queue.submit_parts(entry.id, turn.plan, task=task)
        changes = {} if count else {"state": "done", "progress": 1.0}
        self.queue.update(entry.id, **{"progress": turn.share, "message": turn.message, **changes})

    def _start(self, entries: list[JobEntry]) -> None:
        """Start the first jobs that wait for nothing."""
        queued = [entry for entry in entries if entry.state == "queued"]
        needs: dict[str, set[str]] = {}
        for entry in queued:
            try:
                needs[entry.id] = _needs(entry)
            except UserError as error:
                self._fail(entry, error)
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                title = "What this job is to do cannot be read."
                self._fail(entry, InvalidValue("job.unreadable", title, detail=type(error).__name__))
        queued = [entry for entry in queued if entry.id in needs]
        if not queued:
            return
        there = self.queue.there([id for needed in needs.values() for id in needed])
        coming = {entry.model for entry in entries if entry.kind == "operation"}
        elsewhere = self.queue.made_elsewhere()
        for entry in queued:
            missing = needs[entry.id] - there
            if missing and not missing & coming:
                self._give_up(entry, min(missing))
                coming.discard(entry.model)
            elif not missing and len(self._active) < self.engine.slots:
                self._begin(entry, elsewhere)

    def _begin(self, entry: JobEntry, elsewhere: Collection[str]) -> None:
        """Start a job, unless its model is there by now, or another supervisor is making it: it waits for that one."""
        model = entry.model if entry.kind == "operation" else None
        if model is not None and self.queue.there([model]):
            self.queue.update(entry.id, state="done", progress=1.0, message=THERE)
        elif model not in elsewhere:
            self._submit(entry)

    def _submit(self, entry: JobEntry) -> None:
        request = {**json.loads(entry.request), "project": str(self.queue.directory)}
        try:
            self.queue.check(request, id=entry.id)
            work = Work(entry.id, self.queue.folder(entry.id), request)
            if not self.queue.claim(entry):
                return
            handle = self.engine.submit(work)
        except OSError as error:
            self.queue.update(
                entry.id, state="failed", reason="not_started", message=f"{type(error).__name__}: {error}"
            )
            return
        except UserError as error:
            self._fail(entry, error)
            return
        status = Running(0.0, "starting")
        self._active[entry.id] = _Active(entry, status, time.monotonic())
        self.queue.update(entry.id, handle=handle)

    def _fail(self, entry: JobEntry, error: UserError) -> None:
        fields = {"code": error.code, "title": error.title, "detail": error.detail, "hint": error.hint}
        self.queue.update(entry.id, state="failed", reason=error.code, error=fields, message=error.title)

    def _give_up(self, entry: JobEntry, missing: str) -> None:
        title = f"The model {missing[:80]!r}, which it starts from, was not made."
        error = {"code": "job.base_failed", "title": title, "detail": "", "hint": "Retry the job that makes it first."}
        self.queue.update(entry.id, state="failed", reason="base_failed", error=error, message=title)

    def _settle(self, entries: list[JobEntry]) -> None:
        """Bring the recipes up to date with their parts."""
        for entry in entries:
            if entry.kind not in MANY or entry.state != "running" or entry.id in self._active:
                continue
            states = self.queue.parts(entry.id)
            total, ended = sum(states.values()), sum(states.get(state, 0) for state in ENDED)
            if not total:
                continue
            if entry.cancel and states.get("queued"):
                self.queue.cancel([entry.id])
            elif ended < total and entry.kind == "recipe":
                self._report(entry.id, ended / total, f"{ended} of {total} models")
            elif ended == total:
                self._finish(entry, states, total)

    def _report(self, id: str, progress: float, message: str) -> None:
        if self.queue.job(id).message != message:
            self.queue.update(id, progress=progress, message=message)

    def _finish(self, entry: JobEntry, states: dict[str, int], total: int) -> None:
        done = states.get("done", 0)
        message = f"{done} of {total} models"
        if entry.cancel:
            self.queue.update(entry.id, state="cancelled", progress=done / total, message=message)
        elif entry.kind == steering.KIND:
            self._go_on(entry)
        elif done < total:
            reason = f"{total - done} of {total} models were not made"
            self.queue.update(entry.id, state="failed", progress=done / total, reason="parts_failed", message=reason)
        else:
            self.queue.update(entry.id, state="done", progress=1.0, message=message)


def _waiting(left: list[JobEntry]) -> list[JobEntry]:
    """What had not begun: jobs that were queued, and the recipes that they are parts of."""
    queued = [entry for entry in left if entry.state == "queued"]
    parents = {entry.parent for entry in queued}
    return [entry for entry in left if entry.state == "queued" or entry.id in parents]


def _needs(entry: JobEntry) -> set[str]:
    """Ids of the models that a job starts from. What it says is data, and may be of any form."""
    request = json.loads(entry.request)
    if request["task"] is not None:
        task_from_data(request["task"])
    if entry.kind != "operation":
        return set()
    return {str(id) for id in (request["base"], *request["references"].values()) if id is not None}
