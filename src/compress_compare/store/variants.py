"""The files of a folder of objects of which other files hold some parts: written, read, and checked."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from ..readers.partial import File
from ..readers.regular import open_regular
from . import shared
from .address import cache
from .cache import Cache
from .objects import compare, missing
from .shared import FilePart, PartLayout

DEEPEST = 8
"""How often a part may lead on to another file; ours lead on once."""


class VariantFolder(Protocol):
    """What is used of a folder of objects."""

    def place(self, digest: str) -> Path:
        """Where a whole file belongs."""

    def beside(self, digest: str, suffix: str) -> Path:
        """Where what stands for it belongs."""

    def opened(self, digest: str) -> File:
        """The file, to be read piece by piece."""

    def sync(self, descriptor: int) -> None:
        """Make an open file durable."""


class Variants:
    """Files that share tensors with others.

    Args:
        objects: the folder; of it, ``place`` and ``beside`` are used.
    """

    def __init__(self, objects: VariantFolder) -> None:
        self._objects = objects
        self._layouts: dict[tuple[str, int, int], PartLayout] = {}
        self._believed: set[tuple[str, int, int]] = set()
        self._cache: Cache | None = None
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None

    def has(self, digest: str) -> bool:
        """Whether a file is stored in parts."""
        return self._objects.beside(digest, shared.SUFFIX).is_file()

    def parts(self, staged: Path, like: Sequence[str]) -> list[FilePart]:
        """The parts of a staged file, where others that are stored here hold enough of it; none otherwise."""
        stored = [one for one in dict.fromkeys(like) if self._objects.place(one).is_file() or self.has(one)]
        if not stored or staged.stat().st_size < shared.LEAST_SAVED:
            return []
        files = [(one, self._objects.opened(one)) for one in stored]
        found = shared.found(staged, files, read=lambda digest, start, stop: self.read(digest, start, stop=stop))
        return [each for part in found for each in self._direct(part)]

    def write(self, staged: Path, target: Path, *, parts: Sequence[FilePart]) -> None:
        """Write a file of parts in the folder of what is staged, and move it to its place."""
        made = staged.with_name(f"{staged.name}{shared.SUFFIX}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            shared.write(staged, file, parts=parts)
            file.flush()
            self._objects.sync(file.fileno())
        made.replace(target)

    def sources(self, digest: str) -> set[str]:
        """The files that hold parts of one."""
        return {part.source for part in self._layout(digest).parts} - {""}

    def read(self, digest: str, start: int, *, stop: int) -> bytes:
        """Some bytes of a file.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
        """
        return b"".join(self._pieces(digest, start, stop))

    def path(self, digest: str) -> Path:
        """A whole copy of this user, compared with its hash; made if there is none, or if it is damaged."""
        return self._copies.verified(digest) or self._copies.part(digest, self._layout(digest).num_bytes).whole()

    def opened(self, digest: str) -> File:
        """The whole copy of this user, or one that takes the parts that are read.

        Raises:
            StoreError: ``artifact.hash_mismatch`` if a file that was touched since has changed.
        """
        found = self._copies.path(digest)
        if found is not None:
            return found
        state = self._state(digest)
        if state not in self._believed:
            sources = [self._stored(source) for source in self.sources(digest)]
            if any(max(one.stat().st_mtime_ns, one.stat().st_ctime_ns) > state[1] for one in sources):
                self.check(digest)
            self._believed.add(state)
        return self._copies.part(digest, self._layout(digest).num_bytes)

    def verify(self, digest: str) -> Path:
        """The same."""
        return self.path(digest)

    def check(self, digest: str) -> None:
        """Read all of it from where its parts are.

        Raises:
            StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
        """
        found = hashlib.sha256()
        for piece in self._pieces(digest, 0, self._layout(digest).num_bytes):
            found.update(piece)
        compare(digest, found.hexdigest())

    def close(self) -> None:
        """Let go of parts; whole copies stay for the next."""
        if self._cache is not None:
            self._cache.close()
        if self._own_folder is not None:
            self._own_folder.cleanup()
        self._cache = self._own_folder = None

    def _direct(self, part: FilePart) -> Iterator[FilePart]:
        """The same bytes in the files that hold them themselves, by their places in the whole files."""
        if not part.source or self._objects.place(part.source).is_file():
            yield part
            return
        for at, one in self._layout(part.source).between(part.start, part.start + part.num_bytes):
            yield one if one.source else FilePart(part.source, at, one.num_bytes)

    def _pieces(self, digest: str, start: int, stop: int, *, depth: int = 0) -> Iterator[bytes]:
        whole = self._objects.place(digest)
        if whole.is_file():
            yield from _blocks(whole, start, stop)
            return
        if not self.has(digest) or depth > DEEPEST:
            raise missing(digest)
        found = self._layout(digest)
        for _, part in found.between(start, stop):
            if part.source:
                yield from self._pieces(part.source, part.start, part.start + part.num_bytes, depth=depth + 1)
            else:
                begin = found.start + part.start
                yield from _blocks(self._objects.beside(digest, shared.SUFFIX), begin, begin + part.num_bytes)

    def _stored(self, digest: str) -> Path:
        """What holds the bytes of a file.

        Raises:
            StoreError: ``artifact.missing``.
        """
        for path in (self._objects.place(digest), self._objects.beside(digest, shared.SUFFIX)):
            if path.is_file():
                return path
        raise missing(digest)

    def _state(self, digest: str) -> tuple[str, int, int]:
        status = self._objects.beside(digest, shared.SUFFIX).stat()
        return digest, status.st_mtime_ns, status.st_size

    def _layout(self, digest: str) -> PartLayout:
        state = self._state(digest)
        if state not in self._layouts:
            self._layouts[state] = shared.layout(self._objects.beside(digest, shared.SUFFIX))
        return self._layouts[state]

    @property
    def _copies(self) -> Cache:
        if self._cache is None:
            folder = cache()
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                usable = os.access(folder, os.W_OK)
            except OSError:
                usable = False
            if not usable:
                self._own_folder = tempfile.TemporaryDirectory(prefix="compress-compare-")
                folder = Path(self._own_folder.name)
            self._cache = Cache(folder, self._pieces)
        return self._cache


def _blocks(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with open_regular(path) as file:
        file.seek(start)
        while start < stop and (block := file.read(min(shared.CHUNK, stop - start))):
            yield block
            start += len(block)
