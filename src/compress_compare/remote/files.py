"""The stored files of a project on a server: brought here when they are read, and kept by their hash."""

from __future__ import annotations

from pathlib import Path

from ..errors import StoreError
from ..store import user_folders
from ..store.directory import DirectoryObjects
from ..store.storage import ProjectStorage
from .connection import Connection


class ToServer(DirectoryObjects):
    """Files on their way to a server, which does not see those that stay where they are."""

    refers = False


class RemoteObjects(ToServer):
    """The objects of a project on a server, with copies of those that were read.

    Args:
        storage: a folder of this user, for the copies.
        connection: to the server.
    """

    def __init__(self, storage: ProjectStorage, connection: Connection) -> None:
        super().__init__(storage)
        self._connection = connection

    def path(self, digest: str) -> Path:
        """Where a copy of the object lies, which is brought here if there is none.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
        """
        path = self.place(digest)
        if not path.is_file():
            self._connection.fetch(digest, path)
        return path

    def verify(self, digest: str) -> Path:
        """Like ``path``; a copy that has changed is brought here again."""
        self.path(digest)
        try:
            return super().verify(digest)
        except StoreError:
            self.place(digest).unlink(missing_ok=True)
            self.path(digest)
            return super().verify(digest)


def cache() -> Path:
    """The folder of files that were read from servers, of this user."""
    return user_folders.cache() / "servers"
