"""The projects of a server for several: in a directory or a database, and opened when they are first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI

from .. import project as projects
from ..errors import Conflict, InvalidValue, NotFound, UserError
from ..page.wire.projects import ProjectEntry
from ..project import Project
from ..store import address, location, postgres_projects
from ..store.store import Store
from ..store.summary import Summary
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

    def entries(self) -> list[ProjectEntry]:
        """What the list of projects says, by name."""


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

    def entries(self) -> list[ProjectEntry]:
        """How many models each has, and when it changed."""
        return [self._entry(name) for name in self.names()]

    def _entry(self, name: str) -> ProjectEntry:
        try:
            with Store.open(self._path / name, create=False, read_only=True) as store:
                return _entry(name, store.summary())
        except UserError as error:
            return _entry(name, error)


class InDatabase:
    """A database on PostgreSQL with several projects in it.

    Args:
        location: of the database: ``postgresql+psycopg://user@host/database``.
        artifacts: where the files of projects that are made here go: ``s3://bucket/prefix`` or a folder.

    Raises:
        InvalidValue: ``project.url``, ``project.artifacts``, ``projects.is_project``.
        StoreError: ``store.*`` if the database cannot be reached.
    """

    def __init__(self, location: str, artifacts: str | None = None) -> None:
        self._address = address.parsed(location, artifacts)
        if "project=" in location.partition("?")[2]:
            hint = "Serve it without --projects, or leave ?project=… out."
            raise InvalidValue("projects.is_project", "This address names one project.", hint=hint)
        postgres_projects.names(self._address)

    def names(self) -> list[str]:
        """The names of the projects that this user of the database may see, sorted."""
        return postgres_projects.names(self._address)

    def open(self, name: str, stack: ExitStack) -> Project:
        """Open a project. Other servers may serve it too: its jobs say whose they are."""
        place = replace(self._address.of(name), artifacts=None)
        return stack.enter_context(projects.open(place.location, create=False))

    def create(self, name: str) -> None:
        """Make a project with its files below the place for those of all."""
        projects.open(self._address.of(name).location, artifacts=self._address.artifacts).close()

    def entries(self) -> list[ProjectEntry]:
        """How many models each has, and when it changed."""
        return [_entry(name, found) for name, found in postgres_projects.summaries(self._address).items()]


def place_of(location: str, artifacts: str | None = None) -> ManyProjects:
    """Where several projects are, as a person names it: a directory, or a database.

    Raises:
        NotFound, InvalidValue, StoreError: as `Directory` and `InDatabase`.
    """
    if address.is_server(location):
        return InDatabase(location, artifacts)
    if artifacts is not None:
        said = "Projects in a directory keep their files in it."
        raise InvalidValue("project.artifacts", said, hint="Leave --artifacts out.")
    return Directory(location)


def _entry(name: str, found: Summary | UserError) -> ProjectEntry:
    if isinstance(found, UserError):
        return ProjectEntry(name=name, num_models=0, num_archived=0, changed_at=None, problem=found.title)
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
        return self._place.entries()

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
        return _entry(name, Summary(0, 0, None))

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
