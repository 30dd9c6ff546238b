"""Jobs of whole models: shipping one into the project's own folder, and importing what another tool wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import Conflict
from ..recipes.serial import task_to_data
from ..shipping.registry import choose
from ..store import jobs, location, models
from .queue import Queue
from .tasks import known_task, root_of

LONGEST = 100
"""Characters of a folder's name."""


def submit_ship(queue: Queue, model: str, *, format: str, sample: int | None) -> str:
    """Queue the shipping of a model; returns the id of the job.

    Args:
        queue: of the project.
        model: id.
        format: one of ``shipping.FORMATS``, or of another package.
        sample: on how many examples it is run; 0 compares the numbers alone, and runs nothing of the project.

    Raises:
        NotFound: ``model.unknown``.
        InvalidValue: ``ship.unknown_format``.
        Untrusted: ``task.untrusted``.
    """
    chosen = choose(format)
    with queue.database.write(counter="jobs") as connection:
        models.one(connection, model)
        task = None
        if sample != 0 or chosen.needs_network:
            try:
                task = known_task(connection, root_of(connection, model))
            except Conflict:
                task = None  # the numbers alone are compared
        if task is not None:
            queue.trust.check(queue.directory, task)
        request = {
            "kind": "ship",
            "project": str(queue.directory),
            "task": None if task is None else task_to_data(task),
            "model": model,
            "format": chosen.name,
            "sample": sample,
        }
        draft = jobs.Draft("ship", request, f"ship {model} as {chosen.name}", model)
        (job,) = jobs.create(connection, [draft], owner=queue.owner)
    return job


def submit_import(queue: Queue, title: str, *, source: str, paths: Sequence[str], how: Mapping[str, Any]) -> str:
    """Queue an import; returns the id of the job.

    It reads files by path, so it runs only for who has asked for it: a project that comes with such a job cannot have
    it run.

    Args:
        queue: of the project.
        title: of the job.
        source: name of the importer.
        paths: files or folders.
        how: rules, mapping, directions and units, as ``importers.asked`` takes them.
    """
    request = {
        "kind": "import",
        "project": str(queue.directory),
        "task": None,
        "source": source,
        "paths": list(paths),
        "how": dict(how),
    }
    with queue.database.write(counter="jobs") as connection:
        (job,) = jobs.create(connection, [jobs.Draft("import", request, title)], owner=queue.owner)
        queue.asked.add(job)
    return job


def ship_folder(project: Path, model: str, *, format: str) -> Path:
    """A new folder inside of the project for a model that is shipped."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{model}-{format}").strip(".-")[:LONGEST] or "model"
    parent, place = project / location.SHIPPED, 1
    found = parent / name
    while found.exists():
        place += 1
        found = parent / f"{name}-{place}"
    return found
