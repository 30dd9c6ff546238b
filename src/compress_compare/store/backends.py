"""Which database and which place for files a project has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StoreError
from . import location
from .address import ServerAddress, cache, of_directory
from .artifacts import Artifacts
from .database import Database
from .storage import ProjectStorage, writable

if TYPE_CHECKING:
    from .postgres import ServerDatabase


@dataclass(frozen=True)
class Backends:
    """What a project is made of.

    Args:
        directory: what this machine keeps of it; all of it for an ordinary project.
        storage: that directory, and whether it may be written.
        database: the records.
        artifacts: the stored files.
        address: where it is, if it is on a database server.
    """

    directory: Path
    storage: ProjectStorage
    database: Database
    artifacts: Artifacts
    address: ServerAddress | None = None


def opened(place: Path | ServerAddress, *, read_only: bool = False, create: bool = True) -> Backends:
    """Open a project in a directory, or one on a database server.

    Raises:
        StoreError: ``store.*`` if it is damaged, of a newer version or cannot be reached.
    """
    address = place if isinstance(place, ServerAddress) else of_directory(place)
    if address is not None:
        return _on_server(address, read_only=read_only, create=create)
    directory = Path(place)  # type: ignore[arg-type]
    storage = ProjectStorage(directory, read_only=read_only or not writable(directory, location.DATABASE))
    found = database(directory, storage)
    return Backends(directory, storage, found, Artifacts(storage))


def database(directory: Path, storage: ProjectStorage | None = None) -> Database:
    """The records alone of the project in a directory."""
    address = of_directory(directory)
    if address is not None:
        from .postgres import ServerDatabase

        return ServerDatabase(address, storage or ProjectStorage(directory), create=False)
    from .embedded import EmbeddedDatabase

    return EmbeddedDatabase(directory / location.DATABASE, storage)


def _on_server(address: ServerAddress, *, read_only: bool, create: bool) -> Backends:
    from .postgres import ServerDatabase

    directory = address.remember()
    storage = ProjectStorage(directory, read_only=read_only)
    records = ServerDatabase(address, storage, create=create and not read_only)
    try:
        artifacts = _artifacts(records, address, storage)
    except BaseException:
        records.close()
        raise
    return Backends(directory, storage, records, artifacts, address)


def _artifacts(records: ServerDatabase, address: ServerAddress, storage: ProjectStorage) -> Artifacts:
    """The stored files of one project, apart from those of others in the same place.

    Raises:
        StoreError: ``objects.no_folder`` if they lie in a folder that is not to be seen from this machine.
    """
    place = records.artifacts
    if place.startswith("s3://"):
        from .bucket import BucketObjects

        return Artifacts(storage, BucketObjects(f"{place}/{address.project}", cache()))
    shared = Path(place) / address.project
    if not records.is_new and not (shared / location.OBJECTS).is_dir():
        raise StoreError(
            "objects.no_folder",
            f"The folder with the files of the project {address.project!r} is not there.",
            detail=place,
            hint="Mount it on this machine at the same place.",
        )
    return Artifacts(ProjectStorage(shared, read_only=storage.read_only))
