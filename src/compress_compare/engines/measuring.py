"""Measures what is not known yet of models that are there: what they cost, or what their task says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from .. import records
from ..errors import InvalidValue
from ..recipes.serial import task_to_data
from ..store import jobs, models
from ..store.database import Connection
from .base import Engine
from .queue import Queue
from .supervisor import Supervisor
from .tasks import known_task

LACKING = "its models cannot be measured"
Progress = Callable[[int, int, str], None]
"""(percent done, 100, what happens) → nothing."""


def submit(queue: Queue, ids: Sequence[str], *, metrics: Sequence[str] | None = None) -> str:
    """Queue measuring what models cost, and their root, which they are judged by; returns the id of the job.

    Args:
        queue: of the project.
        ids: models of one root, whose task says how to build them.
        metrics: measure these metrics of the task instead, of these models alone; all that the task has, and their
            answers, for none.

    Raises:
        NotFound: ``model.unknown``.
        InvalidValue: ``measure.models`` for no model, or models of several roots.
        Conflict: ``config.no_task``.
        Untrusted: ``task.untrusted``.
    """
    with queue.database.write(counter="jobs") as connection:
        roots = _roots(connection, ids)
        if len(roots) != 1:
            title = f"Models of one root are measured together; these have {len(roots)}."
            raise InvalidValue("measure.models", title, hint="Measure those of each root by themselves.")
        (root,) = roots
        kind = "measure" if metrics is None else "evaluate"
        wanted = list(dict.fromkeys([root, *ids] if metrics is None else ids))
        task = known_task(connection, root, lacking=LACKING)
        queue.trust.check(queue.directory, task)
        request = {
            "kind": kind,
            "project": str(queue.directory),
            "task": task_to_data(task),
            "models": wanted,
            "metrics": list(metrics or ()),
        }
        one = ids[0] if len(set(ids)) == 1 else None
        title = f"{kind} {one or f'{len(wanted)} models'}"
        (job,) = jobs.create(connection, [jobs.Draft(kind, request, title, one)], owner=queue.owner)
    return job


def measure(
    directory: Path,
    ids: Sequence[str],
    *,
    engine: Engine,
    metrics: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[records.Job]:
    """Measure models in workers of this process, and wait for them; returns the jobs, one for each root.

    Args:
        directory: of the project.
        ids: models.
        metrics: see `submit`.
        engine: what runs the measurement; ended afterwards. One worker at a time disturbs no other's times.
        progress: called when something has changed.

    Raises:
        NotFound, Conflict, Untrusted: see `submit`.
    """

    def started(queue: Queue) -> list[str]:
        with queue.database.read() as connection:
            roots = _roots(connection, ids)
            for root in roots:
                queue.trust.check(queue.directory, known_task(connection, root, lacking=LACKING))
        return [submit(queue, of_root, metrics=metrics) for of_root in roots.values()]

    return finished(directory, started, engine=engine, progress=progress)


def finished(
    directory: Path, start: Callable[[Queue], list[str]], *, engine: Engine, progress: Progress | None = None
) -> list[records.Job]:
    """Start jobs in workers of this process, and wait for them; returns the jobs as they ended.

    Args:
        directory: of the project.
        start: queues the jobs and returns their ids.
        engine: what runs them; ended afterwards.
        progress: called when something has changed.
    """
    queue = Queue(directory)
    supervisor = Supervisor(queue, engine)
    try:
        supervisor.recover()
        ids = start(queue)
        supervisor.run(_watch(queue, ids, progress) if progress else None)
        return [queue.job(id) for id in ids]
    finally:
        supervisor.close()
        queue.close()


def _watch(queue: Queue, ids: Sequence[str], progress: Progress) -> Callable[[], None]:
    shown: list[tuple[int, str]] = [(-1, "")]

    def look() -> None:
        found = [queue.job(id) for id in ids]
        share = sum(1.0 if job.state in jobs.ENDED else job.progress for job in found) / max(len(found), 1)
        now = (round(100 * share), ", ".join(job.message for job in found if job.state == "running"))
        if now != shown[0]:
            shown[0] = now
            progress(now[0], 100, now[1])

    return look


def _roots(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    """Root → the models of it."""
    found: dict[str, list[str]] = {}
    for id in ids:
        root = models.lineage(connection, models.one(connection, id))[0].id
        found.setdefault(root, []).append(id)
    return found
