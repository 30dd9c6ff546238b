"""Where stored files lie: a small interface.

A file is named by the SHA-256 of its content and never changes. Putting it again changes nothing.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..readers.partial import File
from . import elsewhere

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
    def put(self, digest: str, staged: Path, *, whole: Any = None, like: Sequence[str] = ()) -> bool:
        """Have a file with this content there; returns whether it was not there before.

        Args:
            digest: SHA-256 of its content.
            staged: where it lies now; it may be moved.
            whole: what ``there`` has said about the one that is there already.
            like: files that may hold some of the same tensors, which need not be stored again.
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

    def sources(self, digests: Collection[str]) -> set[str]:  # noqa: ARG002
        """The files that hold parts of these, and must stay as long as they do."""
        return set()

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

    def unfinished(self) -> Iterator[StoredObject]:
        """What was begun there and is not finished, under names for ``abandon``."""
        return iter(())

    def abandon(self, name: str) -> None:
        """Remove one of these."""
        raise KeyError(name)

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
