"""The queue of a project: what is to be run, by whom, and what has become of it. Every call is one transaction."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import records
from ..errors import Conflict, NotFound
from ..recipes.plan import KnownModel, Planned, RecipePlan, plan
from ..recipes.recipe import Recipe
from ..recipes.serial import record_to_data, task_from_data, task_to_data, to_data
from ..records import TaskPath
from ..store import backends, jobs, location, models, tasks
from ..store.database import Connection
from ..store.storage import ProjectStorage
from ..store.trust import Trust
from . import log, processes
from .base import LOG
from .one_step import one_step
from .tasks import AskedTask, known_task, root_of, root_or, task_of

TAIL = 64_000
ANOTHER_ID = "Choose another id."


ID = re.compile(r"[0-9a-f-]{8,64}")
"""What the names of our jobs look like."""
OWNER_PARTS = 4
"""Of the name of a supervisor: process, its start, something random, and its machine."""


class Queue:
    """Submits, cancels and repeats jobs of the project in ``directory``, on behalf of one supervisor.

    Args:
        directory: of the project.
        owner: the supervisor that is to run them; a new name for this process if not given.
        storage: the place of the project, if it is known already.
    """

    def __init__(self, directory: Path, owner: str | None = None, *, storage: ProjectStorage | None = None) -> None:
        self.directory = directory.resolve()
        self.trust = Trust()
        self.owner = owner or f"{processes.identity(os.getpid())}:{secrets.token_hex(4)}:{socket.gethostname()}"
        self.asked: set[str] = set()
        """Jobs that read files by path, and that were asked for in this process."""
        self.database = backends.database(self.directory, storage)

    def close(self) -> None:
        """Release the database."""
        self.database.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Make all changes inside in one transaction."""
        with self.database.write(counter="jobs"):
            yield

    def folder(self, id: str) -> Path:
        """The folder of a job that exists.

        Raises:
            NotFound: ``job.unknown`` for a name that we did not give: a project is data, and its names are no paths.
        """
        if not ID.fullmatch(id):
            raise NotFound("job.unknown", f"There is no job {id[:40]!r}.")
        return self.directory / location.JOBS / id

    def submit_recipe(self, recipe: Recipe, *, trusted: bool) -> str:
        """Queue a recipe; returns the id of its job.

        Args:
            recipe: what to make.
            trusted: whether it comes from the user's own program. If so, its task is recorded as that of its root;
                if not, only the task recorded there is ever imported.

        Raises:
            ConfigError: ``config.*``.
            Conflict: ``config.other_base``, ``config.other_task`` or ``config.no_task``.
        """
        if trusted and recipe.task is not None:
            self.trust.allow(self.directory, recipe.task)
        with self.database.write(counter="jobs") as connection:
            planned = plan(recipe, known(connection))
            task = task_of(connection, recipe, trusted=trusted)
            self.trust.check(self.directory, task)
            content = to_data(Recipe(task, recipe.base, recipe.made_by, recipe.steps))
            request = {"kind": "prepare", "project": self._project(), "task": content["task"], "recipe": content}
            title = f"{len(planned.models)} models from {recipe.base}"
            (id,) = jobs.create(connection, [jobs.Draft("recipe", request, title)], owner=self.owner)
        return id

    def submit_operation(
        self,
        base: str,
        operation: records.Operation,
        *,
        id: str | None = None,
        references: Mapping[str, str] | None = None,
    ) -> str:
        """Queue one operation on a model that is there; returns the id of the job.

        Args:
            base: id of the model.
            operation: to apply; its parameters are checked.
            id: of the new model; readable if not given.
            references: further models by role.

        Raises:
            NotFound: ``model.unknown``, ``operation.unknown``.
            InvalidValue: ``parameter.*``.
            Conflict: ``config.no_task`` or ``model.exists``.
        """
        with self.database.write(counter="jobs") as connection:
            planned, task = one_step(connection, base, operation=operation, id=id, references=references or {})
            if planned.done:
                raise Conflict("model.exists", f"There is a model {planned.id[:80]!r} already.", hint=ANOTHER_ID)
            self.trust.check(self.directory, task)
            draft = self._draft(planned, task_to_data(task), None)
            (job,) = jobs.create(connection, [draft], owner=self.owner)
        return job

    def submit_activations(self, base: str, models: Sequence[str], *, examples: int) -> str:
        """Queue a comparison of activations on examples of the models' task; returns the id of the job.

        Args:
            base: id of the model that the others are compared with.
            models: ids.
            examples: how many to take of the task's batches.

        Raises:
            NotFound: ``model.unknown``.
            Conflict: ``config.no_task``, or ``layers.other_task`` for models of different origins.
        """
        with self.database.write(counter="jobs") as connection:
            ids = list(dict.fromkeys([base, *models]))
            roots = {root_of(connection, id) for id in ids}
            if len(roots) > 1:
                raise Conflict(
                    "layers.other_task",
                    "These models come from different networks, so they do not share their inputs.",
                    hint="Compare models that were made from one.",
                )
            task = known_task(connection, roots.pop())
            self.trust.check(self.directory, task)
            request = {
                "kind": "activations",
                "project": self._project(),
                "task": task_to_data(task),
                "base": base,
                "references": {id: id for id in ids},
                "examples": examples,
            }
            title = f"activations of {len(ids) - 1 or 1} models on {examples:,} examples"
            (job,) = jobs.create(connection, [jobs.Draft("operation", request, title)], owner=self.owner)
        return job

    def plan_operation(
        self,
        base: str,
        operation: records.Operation,
        *,
        id: str | None = None,
        references: Mapping[str, str] | None = None,
    ) -> Planned:
        """What `submit_operation` would make, or its error; a model that exists is `done`, and nothing is queued."""
        with self.database.read() as connection:
            return one_step(connection, base, operation=operation, id=id, references=references or {})[0]

    def plan_recipe(self, recipe: Recipe) -> tuple[RecipePlan, Recipe]:
        """What `submit_recipe` would make of a recipe that is not trusted, and the recipe with the recorded task."""
        with self.database.read() as connection:
            planned = plan(recipe, known(connection))
            task = task_of(connection, recipe, trusted=False)
        return planned, Recipe(task, recipe.base, recipe.made_by, recipe.steps)

    def submit_parts(self, parent: str, plan: RecipePlan, *, task: Mapping[str, Any]) -> int:
        """Queue what remains of a recipe; returns how many models that is."""
        drafts = [self._draft(planned, task, parent) for planned in plan.remaining]
        with self.database.write(counter="jobs") as connection:
            jobs.create(connection, drafts, owner=self.owner)
        return len(drafts)

    def update(self, id: str, **changes: Any) -> None:
        """Change a job that has not ended; one that has ended meanwhile stays as it is."""
        with self.database.write(counter="jobs") as connection:
            if jobs.one(connection, id).state not in jobs.ENDED:
                jobs.update(connection, id, **changes)

    def cancel(self, ids: Sequence[str]) -> list[records.Job]:
        """Cancel jobs and their parts.

        Raises:
            NotFound: ``job.unknown``.
            Conflict: ``state.ended``.
        """
        with self.database.write(counter="jobs") as connection:
            return [jobs.cancel(connection, id) for id in ids]

    def retry(self, id: str) -> records.Job:
        """Queue a job again that ended without success.

        Raises:
            NotFound: ``job.unknown``.
            Conflict: ``state.*``.
            Untrusted: ``task.untrusted``.
        """
        with self.database.write(counter="jobs") as connection:
            self.check(json.loads(jobs.request(connection, id)), id=id)
            return jobs.retry(connection, id, owner=self.owner)

    def adopt(self, ids: Sequence[str]) -> None:
        """Take over jobs whose supervisor is gone."""
        if ids:
            with self.database.write(counter="jobs") as connection:
                jobs.adopt(connection, ids, owner=self.owner)

    def job(self, id: str) -> records.Job:
        """One job.

        Raises:
            NotFound: ``job.unknown``.
        """
        with self.database.read() as connection:
            return jobs.one(connection, id)

    def log(self, id: str, *, limit: int = TAIL) -> tuple[str, int]:
        """The end of what a job printed, and how many bytes that was in all."""
        return log.tail(self.folder(self.job(id).id) / LOG, limit=limit)

    def revision(self) -> int:
        """A number that grows with every change to a job by any process."""
        with self.database.read() as connection:
            return jobs.revision(connection)

    def roots(self) -> list[str]:
        """The roots whose task is known."""
        with self.database.read() as connection:
            return tasks.roots(connection)

    def lives(self, owner: str) -> bool:
        """Whether a supervisor still runs, here or, where the database can tell, on another machine."""
        process, _, host = owner.rpartition(":")
        if owner.count(":") == OWNER_PARTS - 1 and host != socket.gethostname():
            pid = process.partition(":")[0]
            connected = self.database.is_connected(int(pid), host) if pid.isdigit() else None
            if connected is not None:
                return connected
        return processes.alive(":".join(owner.split(":")[:2]))

    def unfinished(self, *, mine: bool) -> list[jobs.JobEntry]:
        """The jobs that wait or run, in the order of queueing: those of this owner, or all."""
        with self.database.read() as connection:
            return jobs.entries(connection, states=("queued", "running"), owner=self.owner if mine else None)

    def made_elsewhere(self) -> set[str]:
        """The models that other supervisors of this project are making now."""
        with self.database.read() as connection:
            return self._made_elsewhere(connection)

    def claim(self, entry: jobs.JobEntry) -> bool:
        """Begin a job that still waits, unless another supervisor is making its model; returns whether it has begun."""
        with self.database.write(counter="jobs") as connection:
            free = entry.kind != "operation" or entry.model not in self._made_elsewhere(connection)
            free = free and jobs.one(connection, entry.id).state == "queued"
            if free:
                jobs.update(connection, entry.id, state="running", message="starting")
        return free

    def _made_elsewhere(self, connection: Connection) -> set[str]:
        found = jobs.running_elsewhere(connection, owner=self.owner)
        alive = {owner for owner in {owner for _, owner in found} if self.lives(owner)}
        return {model for model, owner in found if owner in alive}

    def parts(self, id: str) -> dict[str, int]:
        """State → how many parts of a job are in it."""
        with self.database.read() as connection:
            return jobs.states_of_parts(connection, id)

    def part_jobs(self, id: str) -> list[records.Job]:
        """The parts of a job, newest first."""
        with self.database.read() as connection:
            return [job for job in jobs.listed(connection) if job.parent == id]

    def task(self, recipe: Recipe) -> TaskPath:
        """The task that a recipe of the user's own would run with; nothing is recorded.

        Raises:
            Conflict: ``config.no_task``.
        """
        with self.database.read() as connection:
            return recipe.task or known_task(connection, root_or(connection, recipe.base))

    def known(self) -> list[KnownModel]:
        """The models of the project."""
        with self.database.read() as connection:
            return known(connection)

    def there(self, ids: Sequence[str]) -> set[str]:
        """Which of the ids are models."""
        with self.database.read() as connection:
            return {row.id for row in models.by_ids(connection, set(ids))}

    def check(self, request: Mapping[str, Any], *, id: str | None = None) -> None:
        """Pass if what a job asks for may run here.

        Args:
            request: of the job.
            id: of the job, if it has one yet.

        Raises:
            Untrusted: ``task.untrusted``.
            Conflict: ``job.asked_elsewhere`` for one that reads files by path and was not asked
                for in this process.
        """
        if request.get("kind") == "import" and id not in self.asked:
            raise Conflict(
                "job.asked_elsewhere",
                "This import reads files of this machine, and was asked for before the server was started.",
                hint="Start it again from the page or with compress-compare import.",
            )
        if request["task"] is not None:
            self.trust.check(self.directory, task_from_data(request["task"]))

    def tasks(self) -> list[AskedTask]:
        """The recorded tasks, and whether each may run on this machine."""
        with self.database.read() as connection:
            found = [(root, known_task(connection, root)) for root in tasks.roots(connection)]
        return [AskedTask(root, task, self.trust.allows(self.directory, task)) for root, task in found]

    def allow(self, task: TaskPath) -> None:
        """Let a task run on this machine, if the project still has the one that the user has seen.

        Raises:
            Conflict: ``task.changed``.
        """
        if task not in [asked.task for asked in self.tasks()]:
            raise Conflict("task.changed", "The project has no such task by now.", hint="Look at what it asks again.")
        self.trust.allow(self.directory, task)

    def _draft(self, planned: Planned, task: Mapping[str, Any], parent: str | None) -> jobs.Draft:
        request = {
            "kind": "operation",
            "project": self._project(),
            "task": dict(task),
            "model": planned.id,
            "base": planned.base,
            "operation": record_to_data(planned.operation),
            "references": dict(planned.references),
        }
        return jobs.Draft("operation", request, describe(planned.operation), planned.id, parent)

    def _project(self) -> str:
        return str(self.directory)


def describe(operation: records.Operation | None) -> str:
    """``magnitude prune amount=0.5``."""
    if operation is None:
        return "log the network of the task"
    return " ".join([operation.name, *(f"{name}={json.dumps(value)}" for name, value in operation.parameters.items())])


def known(connection: Connection) -> list[KnownModel]:
    """The models of a project, each after its base, as plans take them."""
    listed = models.nodes(connection, archived=True)
    id_of = {node[0]: node[1] for node in listed}
    references: dict[str, list[tuple[str, str]]] = {}
    for id, reference in models.references(connection, archived=True):
        references.setdefault(id, []).append((reference.role, reference.model))
    return [
        KnownModel(
            id,
            None if base is None else id_of[base],
            models.operation(name, parameters),
            tuple(references.get(id, ())),
        )
        for _, id, base, name, parameters, _ in listed
    ]
