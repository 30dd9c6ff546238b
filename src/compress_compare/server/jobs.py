"""The jobs of the served project: a queue, and a supervisor in a thread that runs what is asked for here."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from ..engines import forecast, measuring, processes, releasing, sensing, steering
from ..engines.base import Engine, Limits
from ..engines.local import LocalEngine
from ..engines.queue import Queue
from ..engines.space import SearchQuestion
from ..engines.supervisor import Supervisor
from ..engines.tasks import AskedTask
from ..importers.asked import ImportHow
from ..project import Project
from ..recipes import Planned, RecipePlan, loads
from ..recipes.levels import DEFAULT_LEVELS
from ..recipes.levels import levels as read_levels
from ..recipes.serial import to_data
from ..records import Job, Operation, TaskPath

WORKERS = 2
MEMORY_SHARE = 0.8
"""Of the machine's memory, for all workers together."""


class JobQueue:
    """Starts jobs of a project, and ends with the server. No torch is imported here: workers do that.

    Args:
        project: whose jobs.
        engine: what runs them; processes of this machine if not given.
    """

    def __init__(self, project: Project, engine: Engine | None = None) -> None:
        self._project = project
        self._queue = Queue(project.path, storage=project.storage)
        self._supervisor = Supervisor(self._queue, engine or _processes())
        self._lock = threading.Lock()
        self._closed = False

    def recover(self) -> None:
        """Record what earlier servers and runs left running, and go on with what they left waiting."""
        if self._project.storage.read_only:
            return
        self._supervisor.recover(adopt=True)
        if self._queue.unfinished(mine=True):
            self._supervisor.start()

    def revision(self) -> int:
        """A number that grows with every change to a job by any process."""
        return self._queue.revision()

    def apply(
        self, model: str, operation: Operation, *, id: str | None = None, references: Mapping[str, str] | None = None
    ) -> Job:
        """Queue an operation on a model."""
        return self._started(self._queue.submit_operation(model, operation, id=id, references=references))

    def activations(self, base: str, models: Sequence[str], *, examples: int) -> Job:
        """Queue a comparison of activations on examples of the task that is recorded for these models."""
        return self._started(self._queue.submit_activations(base, models, examples=examples))

    def recipe(self, text: str) -> Job:
        """Queue a recipe that came over HTTP: only the task that is recorded for its root is ever imported."""
        return self._started(self._queue.submit_recipe(loads(text), trusted=False))

    def search(self, text: str, asked: SearchQuestion) -> Job:
        """Queue a search among the models of a recipe that came over HTTP."""
        self._project.storage.check()
        return self._started(steering.submit(self._queue, loads(text), asked=asked))

    def ship(self, model: str, format: str, *, sample: int | None) -> Job:
        """Queue the shipping of a model into the project's own folder."""
        return self._started(releasing.submit_ship(self._queue, model, format=format, sample=sample))

    def bring(self, title: str, *, source: str, paths: Sequence[str], how: ImportHow) -> Job:
        """Queue an import."""
        self._project.storage.check()
        found = releasing.submit_import(self._queue, title, source=source, paths=paths, how=how.plain())
        return self._started(found)

    def measure(self, models: Sequence[str]) -> Job:
        """Queue the measurement of models of one root."""
        return self._started(measuring.submit(self._queue, models))

    def evaluate(self, models: Sequence[str], *, metrics: Sequence[str]) -> Job:
        """Queue the evaluation of models of one root on what their task measures."""
        return self._started(measuring.submit(self._queue, models, metrics=metrics))

    def sensitivity(self, model: str, *, levels: Sequence[str], metric: str | None) -> Job:
        """Queue the measurement of what a model loses layer by layer."""
        asked = sensing.SensitivityQuestion(model, read_levels(levels or DEFAULT_LEVELS), metric)
        return self._started(sensing.submit(self._queue, asked))

    def plan_operation(
        self, model: str, operation: Operation, *, id: str | None = None, references: Mapping[str, str] | None = None
    ) -> Planned:
        """What `apply` would make, or its error."""
        return self._queue.plan_operation(model, operation, id=id, references=references)

    def plan_recipe(self, text: str) -> RecipePlan:
        """What `recipe` would make, or its error."""
        return self._queue.plan_recipe(loads(text))[0]

    def sizes(self, text: str) -> dict[str, int | None]:
        """Id → predicted bytes of what a recipe would make, found out in a process of its own, which has torch."""
        self._project.storage.check()
        recipe = self._queue.plan_recipe(loads(text))[1]
        self._queue.check(to_data(recipe))
        return forecast.sizes(self._project.path, recipe)

    def tasks(self) -> list[AskedTask]:
        """The tasks that the project names, and whether each may run."""
        return self._queue.tasks()

    def allow(self, task: TaskPath) -> None:
        """Let a task of the project run on this machine."""
        self._queue.allow(task)

    def cancel(self, ids: Sequence[str]) -> list[Job]:
        """Cancel jobs, whoever runs them."""
        return self._queue.cancel(ids)

    def retry(self, id: str) -> Job:
        """Run a job again, here."""
        return self._started(self._queue.retry(id).id)

    def log(self, id: str, *, limit: int) -> tuple[str, int]:
        """The end of what a job printed, and its length in all."""
        return self._queue.log(id, limit=limit)

    def roots(self) -> list[str]:
        """The roots whose task is known."""
        return self._queue.roots()

    def close(self) -> None:
        """End all work of this server."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._supervisor.close()
                self._queue.close()

    def _started(self, id: str) -> Job:
        with self._lock:
            if not self._closed:
                self._supervisor.start()
        return self._queue.job(id)


def _processes() -> LocalEngine:
    """Workers that cannot take the memory that the server and the rest of the machine need."""
    return LocalEngine(WORKERS, Limits(memory=int(MEMORY_SHARE * processes.total_memory() / WORKERS)))
