"""A copy of a whole project as it is at one moment, taken while others read and write it, and checked on the way."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidValue, StoreError
from ..readers.regular import open_regular
from . import location, verify
from .artifacts import Artifacts
from .database import Database
from .objects import REPAIR
from .storage import ProjectStorage

CHUNK = 1 << 20


@dataclass(frozen=True)
class Backup:
    """What was copied.

    Args:
        path: the new directory, a project like any other.
        num_files: stored files, each content once.
        num_bytes: of these and the database.
    """

    path: Path
    num_files: int
    num_bytes: int


def backup(database: Database, artifacts: Artifacts, *, target: Path) -> Backup:
    """Copy a project into a new directory.

    The copy gets its name when it is whole and on the disk; what is interrupted leaves no directory of that name.
    Logs of jobs are not copied.

    Args:
        database: of the project.
        artifacts: of the project.
        target: must not exist, or be an empty directory.

    Raises:
        InvalidValue: ``backup.exists``, ``backup.place``.
        StoreError: ``artifact.*`` if a stored file is damaged, ``storage.*`` if there is no room.
    """
    target = target.absolute()
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise InvalidValue("backup.exists", f"{target.name!r} exists already.", hint="Name a new directory.")
    if not target.parent.is_dir():
        raise InvalidValue("backup.place", f"There is no folder {target.parent.name!r} to put the backup in.")
    storage = ProjectStorage(target.parent)
    with storage.told():
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        with database.read() as connection, storage.told():
            database.copy(connection, partial / location.DATABASE)
            digests = sorted({digest for _, digest in verify.named(connection)})
        size = (partial / location.DATABASE).stat().st_size
        for digest in digests:
            size += _copy(artifacts.path(digest), partial / location.OBJECTS / digest[:2] / digest, storage=storage)
        with storage.told():
            for folder in sorted({path.parent for path in partial.rglob("*")}, reverse=True):
                storage.sync_directory(folder)
            if target.exists():
                target.rmdir()
            partial.rename(target)
            storage.sync_directory(target.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return Backup(target, len(digests), size)


def _copy(source: Path, target: Path, *, storage: ProjectStorage) -> int:
    """Copy an object and compare it with its name; returns its size in bytes."""
    digest, size = hashlib.sha256(), 0
    with open_regular(source) as file, storage.told(needed=source.stat().st_size):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with target.open("xb") as copy:
            while block := file.read(CHUNK):
                digest.update(block)
                size += copy.write(block)
            copy.flush()
            storage.sync(copy.fileno())
    target.chmod(source.stat().st_mode & 0o777)
    if digest.hexdigest() != target.name:
        raise StoreError(
            "artifact.hash_mismatch",
            "A stored file has changed since it was logged, so the project was not copied.",
            detail=f"objects/{target.name[:2]}/{target.name}",
            hint=REPAIR,
        )
    return size
