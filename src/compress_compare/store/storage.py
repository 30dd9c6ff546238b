"""What the place of a project says when it is asked for more: full, failing, or not to be written, in sentences."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageError, StoreError
from . import access

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)
RESERVE = 1 << 20
"""Bytes that a small write can take with all that the database and the file system add."""


class ProjectStorage:
    """The place of one project, and whether it can still be believed.

    After a failed fsync nobody knows what is on the disk, and asking again may answer "done" without anything being
    written. So there is no second try: nothing more is written until the project is opened again.

    Args:
        root: of the project.
        read_only: whether it was opened for reading alone.
    """

    def __init__(self, root: Path, *, read_only: bool = False) -> None:
        self.root = root
        self.read_only = read_only
        self._failed = False

    def check(self) -> None:
        """Pass if it may be written.

        Raises:
            StoreError: ``store.read_only``.
            StorageError: ``storage.sync_failed``.
        """
        if self._failed:
            raise self.sync_failed()
        if self.read_only:
            raise not_writable(self.root)

    @contextmanager
    def told(self, *, needed: int = RESERVE) -> Iterator[None]:
        """Turn what the system raises inside into sentences.

        Args:
            needed: bytes that are about to be written.

        Raises:
            StorageError: ``storage.full``, ``storage.failed``, ``storage.too_many_files``.
            StoreError: ``store.read_only``.
        """
        try:
            yield
        except OSError as error:
            raise self.failure(error.errno, error, needed=needed) from error

    def failure(self, number: int | None, error: Exception, *, needed: int = RESERVE) -> Exception:
        """The sentence for an error number of the system, or the error itself if it is of another kind."""
        if number in FULL:
            return self.full(needed)
        if number in NOT_WRITABLE:
            return not_writable(self.root)
        if number in (errno.EMFILE, errno.ENFILE):
            return StorageError(
                "storage.too_many_files",
                "No more files can be opened by this process.",
                hint="Close some, or allow more with: ulimit -n 1024",
            )
        if number == errno.EIO:
            return StorageError(
                "storage.failed",
                "The disk of this project fails.",
                detail=os.strerror(errno.EIO),
                hint="Copy the project to another disk.",
            )
        return error

    def sync(self, descriptor: int) -> None:
        """Make a file durable.

        Raises:
            StorageError: ``storage.sync_failed``; nothing is written afterwards.
        """
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno in FULL:
                raise
            raise self.sync_failed() from error

    def sync_directory(self, directory: Path) -> None:
        """Make renames inside a folder durable."""
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            self.sync(descriptor)
        finally:
            os.close(descriptor)

    def make_folders(self, folder: Path) -> None:
        """Make a folder, private, and those above it, so that a power loss does not take them away.

        Raises:
            StorageError: ``storage.sync_failed``.
        """
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for one in missing:
            if self.root in one.parents:
                self.let_read(one)
        for one in missing:
            with suppress(PermissionError):  # a folder that may not be listed cannot be synced
                self.sync_directory(one.parent)

    def let_read(self, path: Path) -> None:
        """Let everybody read a file or folder of the project who may read the project."""
        if access.is_group_readable(self.root):
            access.let_group_read(path)

    def sync_failed(self) -> StorageError:
        """Remember that a sync failed; returns the error that says so."""
        self._failed = True
        return SyncFailed(
            "storage.sync_failed",
            "The system could not make what was written last durable, so nothing more is written.",
            hint="Look after the disk, then open the project again; what was acknowledged before is there.",
        )

    def full(self, needed: int) -> StorageError:
        """The error for a disk, a quota or a limit that leaves no room."""
        return StorageError(
            "storage.full",
            f"There is no room to write to the project {self.root.name!r}.",
            detail=f"Needed are about {needed:,} bytes; free are {self.free():,}.",
            hint="Free some space, then do it again; what is stored is whole and can be read.",
        )

    def free(self) -> int:
        """Bytes that can still be written there, as far as the system says."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return 0


class SyncFailed(StorageError):
    """Whether something was written is not known."""

    status = 503


def not_writable(root: Path) -> StoreError:
    """The error for a write to what can only be read."""
    return StoreError(
        "store.read_only",
        f"The project {root.name!r} can only be read here.",
        hint="Open it where you may write, or copy it to a folder of your own.",
    )


def writable(root: Path, *names: str) -> bool:
    """Whether a folder and those of these files in it that exist can be written."""
    paths = [root, *(root / name for name in names if (root / name).exists())]
    return all(os.access(path, os.W_OK) for path in paths)
