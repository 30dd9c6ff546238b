"""The projects of a server for several: found in a directory, and opened when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI

from .. import project as projects
from ..errors import Conflict, InvalidValue, NotFound, UserError
from ..page.wire.projects import ProjectEntry
from ..project import Project
from ..store import location
from ..store.store import Store
from .context import AppContext
from .lock import claimed


class ManyProjects(Protocol):
    """Where several projects are."""

    def names(self) -> list[str]:
        """The names of the projects, sorted."""

    def open(self, name: str, stack: ExitStack) -> Project:
        """Open a project; what must be done when it is closed goes on the stack."""

    def create(self, name: str) -> None:
        """Make a project."""

    def entry(self, name: str) -> ProjectEntry:
        """What the list of projects says of one."""


class Directory:
    """A directory with a project in each of its folders.

    Args:
        path: of the directory.

    Raises:
        NotFound: ``projects.unknown`` if there is no such directory.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).expanduser().resolve()
        if not self._path.is_dir():
            raise NotFound(
                "projects.unknown", f"There is no directory {str(path)!r}.", hint="Name one that has projects in it."
            )
        if location.is_project(self._path):
            hint = "Serve it without --projects, or name the directory above it."
            raise InvalidValue("projects.is_project", f"{self._path.name!r} is a project itself.", hint=hint)

    def names(self) -> list[str]:
        """The names of the folders that are projects, sorted."""
        return location.projects_in(self._path)

    def open(self, name: str, stack: ExitStack) -> Project:
        """Open a project, and be its only server."""
        path = self._path / name
        project = stack.enter_context(projects.open(path, create=False))
        stack.enter_context(claimed(path))
        return project

    def create(self, name: str) -> None:
        """Make a project in a folder of that name."""
        projects.open(self._path / location.folder_name(name)).close()

    def entry(self, name: str) -> ProjectEntry:
        """How many models it has, and when it changed."""
        try:
            with Store.open(self._path / name, create=False, read_only=True) as store:
                found = store.summary()
        except UserError as error:
            return ProjectEntry(name=name, num_models=0, num_archived=0, changed_at=None, problem=error.title)
        return ProjectEntry(
            name=name,
            num_models=found.num_models,
            num_archived=found.num_archived,
            changed_at=found.changed_at,
            problem=None,
        )


class OpenProjects:
    """The projects that are served, each with its own application.

    Args:
        place: where they are.
        make: makes the application of a project.
    """

    def __init__(self, place: ManyProjects, make: Callable[[Project], FastAPI]) -> None:
        self._place = place
        self._make = make
        self._lock = threading.Lock()
        self._open: dict[str, tuple[FastAPI, ExitStack]] = {}
        self._closed = False

    def listed(self) -> list[ProjectEntry]:
        """All projects, by name."""
        return [self._place.entry(name) for name in self._place.names()]

    def create(self, name: str) -> ProjectEntry:
        """Make a project.

        Raises:
            Conflict: ``project.exists``.
            InvalidValue: ``project.name``.
        """
        with self._lock:
            if name in self._place.names():
                raise Conflict("project.exists", f"There is a project {name[:80]!r} already.")
            self._place.create(name)
        return self._place.entry(name)

    def app(self, name: str) -> FastAPI:
        """The application of a project, opened if it is not yet.

        Raises:
            NotFound: ``project.unknown``.
            StoreError: ``server.running`` if another process serves it, ``store.*`` if it cannot be read.
        """
        with self._lock:
            if name not in self._open:
                if self._closed or name not in self._place.names():
                    raise NotFound(
                        "project.unknown", f"There is no project {name[:80]!r} here.", hint="Open the list of projects."
                    )
                with ExitStack() as stack:
                    app = self._make(self._place.open(name, stack))
                    context: AppContext = app.state.context
                    context.start()
                    self._open[name] = app, stack.pop_all()
            return self._open[name][0]

    def end_streams(self) -> None:
        """End the endless responses: the server stops."""
        for app, _ in list(self._open.values()):
            app.state.context.feed.close()

    def close(self) -> None:
        """End all work, and release all projects."""
        with self._lock:
            self._closed = True
            for app, stack in self._open.values():
                app.state.context.stop()
                stack.close()
            self._open.clear()
