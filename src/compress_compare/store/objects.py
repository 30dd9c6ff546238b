"""Where stored files lie: a small interface, and the one that is a folder.

A file is named by the SHA-256 of its content and never changes. Putting it again changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InvalidValue, StoreError
from ..readers.partial import File
from ..readers.regular import open_regular, unreadable
from . import elsewhere, location
from .files import write_atomically
from .storage import ProjectStorage

REPAIR = "Log the same again, or look for a copy with: compress-compare doctor PROJECT --repair --from FOLDER"


@dataclass(frozen=True)
class StoredObject:
    """What lies there under one name.

    Args:
        name: the SHA-256 of its content, or what else stands there.
        num_bytes: of it.
        age: seconds since it was last written.
    """

    name: str
    num_bytes: int
    age: float


class Objects(ABC):
    """The stored files of one project."""

    early = False
    """Whether files are brought there before the lock of writers is taken, since that takes time."""

    refers = False
    """Whether files may stay where they are."""

    @abstractmethod
    def put(self, digest: str, staged: Path, *, whole: Any = None) -> bool:
        """Have a file with this content there; returns whether it was not there before.

        Args:
            digest: SHA-256 of its content.
            staged: where it lies now; it may be moved.
            whole: what ``there`` has said about the one that is there already.
        """

    def refer(self, digest: str, pointer: Path) -> bool:
        """Have a note there of where a file with this content is; returns whether nothing was there before.

        Args:
            digest: SHA-256 of its content.
            pointer: the note, which is moved.

        Raises:
            InvalidValue: ``checkpoint.reference`` where files must be copied.
        """
        raise elsewhere.refused(f"{pointer.name} {digest}")

    @abstractmethod
    def there(self, digest: str, num_bytes: int) -> Any:
        """Something true if what is there under this name is what it should be, to be given to ``put``."""

    @abstractmethod
    def path(self, digest: str) -> Path:
        """Where the whole file lies on this machine.

        Raises:
            StoreError: ``artifact.missing``.
        """

    @abstractmethod
    def opened(self, digest: str) -> File:
        """The file, to be read piece by piece."""

    @abstractmethod
    def verify(self, digest: str) -> Path:
        """Like ``path``, after reading the whole file and comparing its hash.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
        """

    @abstractmethod
    def check(self, digest: str) -> None:
        """Pass if what is stored, not a copy of it on this machine, is what it was."""

    @abstractmethod
    def get_range(self, digest: str, *, start: int, stop: int) -> bytes:
        """Some bytes of a file."""

    @abstractmethod
    def listed(self) -> Iterator[StoredObject]:
        """All that lies there."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove what lies there under a name; nothing if nothing does."""

    @abstractmethod
    def keep(self, name: str, content: bytes) -> None:
        """Keep the result of a job under a folder and a name, in the place of one that is there."""

    @abstractmethod
    def kept(self, name: str) -> bytes | None:
        """What is kept under a name."""

    @abstractmethod
    def kept_names(self, folder: str) -> list[str]:
        """All names below a folder under which something is kept, sorted."""

    @abstractmethod
    def settle(self, digests: list[str]) -> None:
        """Make what was put there durable."""

    @abstractmethod
    def close(self) -> None:
        """Release what is kept open."""


class DirectoryObjects(Objects):
    """Stored files in a folder: ``objects/ab/abcd…``.

    Args:
        storage: of the folder.
    """

    refers = True

    def __init__(self, storage: ProjectStorage) -> None:
        self._storage = storage
        self.root = storage.root / location.OBJECTS
        self._pointers = elsewhere.Pointers()

    def put(self, digest: str, staged: Path, *, whole: Any = None) -> bool:
        """Move a staged file to its place. What is damaged there is replaced."""
        target = self.place(digest)
        if whole is not None and _unchanged(target, whole):
            return False
        new = not target.exists() and not self._pointer(digest).exists()
        _give_place(target)
        staged.replace(target)
        return new

    def refer(self, digest: str, pointer: Path) -> bool:
        """Move the note to its place, unless the file or a note of where it is are there and right."""
        with suppress(StoreError, InvalidValue):
            self.path(digest)
            return False
        target = self._pointer(digest)
        new = not target.exists()
        _give_place(self.place(digest))
        pointer.replace(target)
        return new

    def there(self, digest: str, num_bytes: int) -> os.stat_result | None:
        """The state of what is there already, if it is what it should be; a read of the whole file."""
        with suppress(OSError, InvalidValue), open_regular(self.place(digest)) as file:
            status = os.fstat(file.fileno())
            if status.st_size == num_bytes and hashlib.file_digest(file, "sha256").hexdigest() == digest:
                return status
        return None

    def path(self, digest: str) -> Path:
        """Where the file lies.

        Raises:
            StoreError: ``artifact.missing`` if it is not there, or something else than a file is.
            InvalidValue: ``input.permission``.
        """
        path = self.place(digest)
        try:
            found = path.is_file()
        except PermissionError as error:
            raise unreadable(path, error) from error
        if found:
            return path
        referred = self._pointers.followed(self._pointer(digest), digest)
        if referred is None:
            raise missing(digest)
        return referred

    def opened(self, digest: str) -> Path:
        """Where the file lies."""
        return self.path(digest)

    def verify(self, digest: str) -> Path:
        """Where the file lies, after a look at all of it.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
            InvalidValue: ``input.permission``.
        """
        path = self.path(digest)
        if path != self.place(digest):
            return self._pointers.followed(self._pointer(digest), digest, anew=True) or path
        with open_regular(path) as file:
            compare(digest, hashlib.file_digest(file, "sha256").hexdigest())
        return path

    def check(self, digest: str) -> None:
        """Read all of it."""
        self.verify(digest)

    def get_range(self, digest: str, *, start: int, stop: int) -> bytes:
        """Some bytes of a file."""
        with open_regular(self.path(digest)) as file:
            file.seek(start)
            return file.read(stop - start)

    def listed(self) -> Iterator[StoredObject]:
        """All that lies in the folders of objects, whatever it is."""
        for folder in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            if folder.is_dir() and not folder.is_symlink():
                for path in sorted(folder.iterdir()):
                    name = path.name.removesuffix(elsewhere.SUFFIX)
                    yield StoredObject(f"{folder.name}/{name}", size(path), age(path))

    def delete(self, name: str) -> None:
        """Remove a file, or what else stands there."""
        path = self.root / name if "/" in name else self.place(name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
            path.with_name(f"{path.name}{elsewhere.SUFFIX}").unlink(missing_ok=True)

    def keep(self, name: str, content: bytes) -> None:
        """Write a file."""
        path = self._storage.root / name
        self._storage.make_folders(path.parent)
        write_atomically(path, content)

    def kept(self, name: str) -> bytes | None:
        """Read a file."""
        path = self._storage.root / name
        return path.read_bytes() if path.exists() else None

    def kept_names(self, folder: str) -> list[str]:
        """The names of the files; links do not count."""
        place = self._storage.root / folder
        found = place.iterdir() if place.is_dir() else ()
        return sorted(f"{folder}/{path.name}" for path in found if path.is_file() and not path.is_symlink())

    def settle(self, digests: list[str]) -> None:
        """Make the renames durable."""
        parents = sorted({self.place(digest).parent for digest in digests})
        for parent in parents:
            self._storage.sync_directory(parent)
        if parents:
            self._storage.sync_directory(self.root)

    def close(self) -> None:
        """Nothing is kept open."""

    def place(self, digest: str) -> Path:
        """Where a file of this content belongs."""
        return self.root / digest[:2] / digest

    def _pointer(self, digest: str) -> Path:
        """Where the note belongs that says where a file of this content is."""
        return self.root / digest[:2] / f"{digest}{elsewhere.SUFFIX}"


def missing(digest: str) -> StoreError:
    """The error for a file that is not there."""
    return StoreError(
        "artifact.missing",
        "A file of this project is missing from its artifact store.",
        detail=f"objects/{digest[:2]}/{digest}",
        hint=REPAIR,
    )


def compare(digest: str, actual: str) -> None:
    """Pass if two hashes are equal.

    Raises:
        StoreError: ``artifact.hash_mismatch``.
    """
    if actual != digest:
        raise StoreError(
            "artifact.hash_mismatch",
            "A stored file has changed since it was logged.",
            detail=f"Expected SHA-256 {digest}, found {actual}.",
            hint=REPAIR,
        )


def age(path: Path) -> float:
    """Seconds since something was last written."""
    with suppress(OSError):
        return time.time() - path.lstat().st_mtime
    return 0.0


def size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    total = 0
    with suppress(OSError):
        total += path.lstat().st_size if not path.is_dir() else 0
    for folder, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total


def _unchanged(path: Path, then: os.stat_result) -> bool:
    try:
        now = path.stat()
    except OSError:
        return False
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (then.st_ino, then.st_size, then.st_mtime_ns)


def _give_place(target: Path) -> None:
    """Make room for an object: the folder is there, and no other folder has its name."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        target.rename(target.with_name(f"{target.name}.damaged-{secrets.token_hex(4)}"))
