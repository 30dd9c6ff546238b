"""Stored files in a folder, as they are, as a note of where they are, or as parts of others."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import InvalidValue, StoreError
from ..readers.partial import File
from ..readers.regular import open_regular, unreadable
from . import elsewhere, location, shared
from .files import write_atomically
from .objects import Objects, StoredObject, age, compare, missing, size
from .storage import ProjectStorage
from .variants import Variants


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
        self._variants = Variants(self)

    def put(self, digest: str, staged: Path, *, whole: Any = None, like: Sequence[str] = ()) -> bool:
        """Move a staged file to its place. What is damaged there is replaced."""
        target, parts = self.place(digest), self.beside(digest, shared.SUFFIX)
        if whole is not None and (_unchanged(target, whole) or _unchanged(parts, whole)):
            return False
        new = not any(one.exists() for one in (target, parts, self.beside(digest, elsewhere.SUFFIX)))
        self._give_place(target)
        found = self._variants.parts(staged, like) if new else []
        if found:
            self._variants.write(staged, parts, parts=found)
            staged.unlink()
        else:
            staged.replace(target)
            parts.unlink(missing_ok=True)
        self._storage.let_read(parts if found else target)
        return new

    def sources(self, digests: Collection[str]) -> set[str]:
        """The files that hold parts of these."""
        wanted, found = set(digests), set[str]()
        for path in self.root.glob(f"??/*{shared.SUFFIX}"):
            digest = path.name.removesuffix(shared.SUFFIX)
            if digest in wanted:
                found |= self._variants.sources(digest)
        return found

    def refer(self, digest: str, pointer: Path) -> bool:
        """Move the note to its place, unless the file or a note of where it is are there and right."""
        with suppress(StoreError, InvalidValue):
            self.path(digest)
            return False
        target = self.beside(digest, elsewhere.SUFFIX)
        new = not target.exists()
        self._give_place(self.place(digest))
        pointer.replace(target)
        self._storage.let_read(target)
        return new

    def there(self, digest: str, num_bytes: int) -> os.stat_result | None:
        """The state of what is there already, if it is what it should be; a read of the whole file."""
        with suppress(OSError, InvalidValue), open_regular(self.place(digest)) as file:
            status = os.fstat(file.fileno())
            if status.st_size == num_bytes and hashlib.file_digest(file, "sha256").hexdigest() == digest:
                return status
        parts = self.beside(digest, shared.SUFFIX)
        with suppress(OSError, InvalidValue, StoreError):
            status = parts.stat()
            self._variants.check(digest)
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
        if self._variants.has(digest):
            return self._variants.path(digest)
        referred = self._pointers.followed(self.beside(digest, elsewhere.SUFFIX), digest)
        if referred is None:
            raise missing(digest)
        return referred

    def _is_in_parts(self, digest: str) -> bool:
        try:
            return not self.place(digest).exists() and self._variants.has(digest)
        except PermissionError as error:
            raise unreadable(self.place(digest), error) from error

    def opened(self, digest: str) -> File:
        """Where the file lies, or its parts."""
        if self._is_in_parts(digest):
            return self._variants.opened(digest)
        return self.path(digest)

    def verify(self, digest: str) -> Path:
        """Where the file lies, after a look at all of it.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
            InvalidValue: ``input.permission``.
        """
        path = self.path(digest)
        if path != self.place(digest):
            if self._variants.has(digest):
                return self._variants.verify(digest)
            return self._pointers.followed(self.beside(digest, elsewhere.SUFFIX), digest, anew=True) or path
        with open_regular(path) as file:
            compare(digest, hashlib.file_digest(file, "sha256").hexdigest())
        return path

    def check(self, digest: str) -> None:
        """Read all of it, past the copies of this user."""
        if self._is_in_parts(digest):
            self._variants.check(digest)
        else:
            self.verify(digest)

    def get_range(self, digest: str, *, start: int, stop: int) -> bytes:
        """Some bytes of a file."""
        if self._is_in_parts(digest):
            return self._variants.read(digest, start, stop=stop)
        with open_regular(self.path(digest)) as file:
            file.seek(start)
            return file.read(stop - start)

    def listed(self) -> Iterator[StoredObject]:
        """All that lies in the folders of objects, whatever it is."""
        for folder in sorted(self.root.iterdir()) if self.root.is_dir() else ():
            if folder.is_dir() and not folder.is_symlink():
                for path in sorted(folder.iterdir()):
                    name = path.name.removesuffix(elsewhere.SUFFIX).removesuffix(shared.SUFFIX)
                    yield StoredObject(f"{folder.name}/{name}", size(path), age(path))

    def delete(self, name: str) -> None:
        """Remove a file, or what else stands there."""
        path = self.root / name if "/" in name else self.place(name)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
            for suffix in (elsewhere.SUFFIX, shared.SUFFIX):
                path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)

    def keep(self, name: str, content: bytes) -> None:
        """Write a file."""
        path = self._storage.root / name
        self._storage.make_folders(path.parent)
        write_atomically(path, content)
        self._storage.let_read(path)

    def kept(self, name: str) -> bytes | None:
        """Read a file."""
        path = self._storage.root / name
        return path.read_bytes() if path.exists() else None

    def kept_names(self, folder: str) -> list[str]:
        """The names of the files; links do not count."""
        place = self._storage.root / folder
        found = place.iterdir() if place.is_dir() else ()
        return sorted(f"{folder}/{path.name}" for path in found if path.is_file() and not path.is_symlink())

    def _give_place(self, target: Path) -> None:
        """Make room for an object: the folder is there, and no other folder has its name."""
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            self._storage.let_read(target.parent)
        if target.is_dir() and not target.is_symlink():
            target.rename(target.with_name(f"{target.name}.damaged-{secrets.token_hex(4)}"))

    def settle(self, digests: list[str]) -> None:
        """Make the renames durable."""
        parents = sorted({self.place(digest).parent for digest in digests})
        for parent in parents:
            self._storage.sync_directory(parent)
        if parents:
            self._storage.sync_directory(self.root)

    def close(self) -> None:
        """Let go of copies of this user."""
        self._variants.close()

    def place(self, digest: str) -> Path:
        """Where a file of this content belongs."""
        return self.root / digest[:2] / digest

    def sync(self, descriptor: int) -> None:
        """Make an open file durable."""
        self._storage.sync(descriptor)

    def beside(self, digest: str, suffix: str) -> Path:
        """Where a file belongs that stands for one of this content."""
        return self.root / digest[:2] / f"{digest}{suffix}"


def _unchanged(path: Path, then: os.stat_result) -> bool:
    try:
        now = path.stat()
    except OSError:
        return False
    return (now.st_ino, now.st_size, now.st_mtime_ns) == (then.st_ino, then.st_size, then.st_mtime_ns)
