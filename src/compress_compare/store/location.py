"""Where a project lies, and whether it may be opened or created there."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InvalidValue, NotFound, StoreError
from . import access
from .storage import ProjectStorage

DATABASE = "compress-compare.db"
WRITER_LOCK = "writer.lock"
SERVER_LOCK = "server.lock"
OBJECTS = "objects"
STAGING = "staging"
JOBS = "jobs"
ACTIVATIONS = "activations"
SENSITIVITIES = "sensitivities"
SHIPPED = "shipped"
OURS = {
    DATABASE,
    f"{DATABASE}-wal",
    f"{DATABASE}-shm",
    *(WRITER_LOCK, SERVER_LOCK, OBJECTS, STAGING, JOBS, ACTIVATIONS, SENSITIVITIES, SHIPPED),
}
"""All that stands in the directory of a project."""
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def prepare(location: str | Path, create: bool, *, group_readable: bool = False) -> Path:
    """The project's directory as an absolute path, made if it may be.

    Args:
        location: of the directory.
        create: whether it may be made.
        group_readable: whether the group of a new one may read it.

    Raises:
        NotFound: ``project.unknown`` if there is none and ``create`` is false.
        InvalidValue: ``project.path``, ``project.not_a_directory``, ``project.not_empty`` or ``project.url``;
            ``project.private`` if one that is there was not made for its group to read; ``project.unreadable``.
        StoreError: ``store.corrupt`` if files of a project are there without its database.
    """
    if not isinstance(location, str | Path) or not str(location):
        raise InvalidValue("project.path", "A project is opened by its path.", detail=f"Found {location!r:.64}.")
    if "://" in str(location):
        raise InvalidValue(
            "project.url",
            "A project is a directory, or a database on PostgreSQL.",
            detail=f"Found {str(location).split('://')[0][:40]}://…",
            hint="Write it as postgresql+psycopg://user@host:5432/database?project=NAME",
        )
    directory = _absolute(location)
    if directory.exists() and not directory.is_dir():
        raise InvalidValue("project.not_a_directory", f"{directory.name!r} is a file; a project is a directory.")
    if _has_database(directory):
        _check_database(directory / DATABASE)
        if group_readable and not access.is_group_readable(directory):
            title = f"The project {directory.name!r} is there, and its owner alone may read it."
            raise InvalidValue("project.private", title, hint=f"Let its group read it: {access.command(directory)}")
        return directory
    found = set(_names(directory)) if directory.exists() else set()
    if OBJECTS in found and any((directory / OBJECTS).iterdir()):
        raise StoreError(
            "store.corrupt",
            f"The project {directory.name!r} has files but its database {DATABASE} is missing.",
            hint="Restore the database from a backup; nothing was created.",
        )
    if not create:
        raise NotFound(
            "project.unknown",
            f"There is no project in {str(location)!r}.",
            hint="Make one with compress-compare demo, import, or cc.open(path) in Python.",
        )
    if found - OURS:
        raise InvalidValue(
            "project.not_empty",
            f"The directory {directory.name!r} holds other files and is not a project.",
            detail=f"For example {min(found - OURS)!r}.",
            hint="Choose an empty or new directory.",
        )
    storage = ProjectStorage(directory)
    with storage.told():
        storage.make_folders(directory)
        if group_readable:
            access.let_group_read(directory)
    return directory


def is_project(directory: Path) -> bool:
    """Whether there is the database of a project in a directory."""
    return (directory / DATABASE).is_file()


def projects_in(directory: Path) -> list[str]:
    """The names of the folders of a directory that are projects, sorted; links are not followed."""
    try:
        return sorted(path.name for path in directory.iterdir() if is_project(path) and not path.is_symlink())
    except OSError as error:
        title = f"The directory {directory.name!r} of the projects cannot be read."
        raise StoreError("projects.unreadable", title, detail=error.strerror or "") from error


def folder_name(name: str) -> str:
    """Return ``name`` if a folder with a project in it may be called so by somebody else than this user.

    Raises:
        InvalidValue: ``project.name``.
    """
    if not _FOLDER.fullmatch(name):
        raise InvalidValue(
            "project.name",
            "A project made over HTTP is named by 1 to 100 letters, digits, dots, dashes and underscores.",
            detail=f"Found {name[:80]!a}; the first one is a letter or a digit.",
        )
    return name


def _absolute(location: str | Path) -> Path:
    try:
        directory = Path(location).expanduser().resolve()
        directory.exists()
    except (OSError, ValueError, RuntimeError) as error:
        raise InvalidValue(
            "project.path",
            "This path cannot be opened.",
            detail=f"{str(location)[:80]!a}: {getattr(error, 'strerror', None) or error}.",
            hint="Name a directory.",
        ) from error
    return directory


def _has_database(directory: Path) -> bool:
    try:
        return (directory / DATABASE).exists()
    except PermissionError:
        raise _closed(directory) from None


def _names(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.iterdir()]
    except PermissionError:
        raise _closed(directory) from None


def _closed(directory: Path) -> InvalidValue:
    hint = f"Ask its owner, who can let the group of the directory read it: {access.command(directory)}"
    return InvalidValue("project.unreadable", f"You may not read the directory {directory.name!r}.", hint=hint)


def _check_database(path: Path) -> None:
    """An empty file beside artifacts is damage, never a fresh start.

    The file is not opened here: closing it would release the locks that SQLite holds on it for other connections of
    this process (POSIX locks belong to process and file), and another process could then overwrite its log.
    """
    if path.stat().st_size == 0 and not _is_fresh(path.parent):
        raise StoreError(
            "store.corrupt",
            "The project database is not a SQLite database.",
            detail=f"{path.name} is empty (0 bytes).",
            hint="Restore it from a backup; the files in objects/ are untouched.",
        )


def _is_fresh(directory: Path) -> bool:
    objects = directory / OBJECTS
    return not (objects.exists() and any(objects.iterdir()))
