"""Weights of variants: tensors that another stored file holds already are not stored again.

Such a file lies as ``objects/ab/abcd….parts``: the bytes that are its own, and where the others are. A part names the
place in the whole file that has it, however that is stored, so either can be replaced by a whole copy at any time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .. import late
from ..errors import InvalidValue, StoreError
from ..readers.partial import File
from ..readers.regular import open_regular

if TYPE_CHECKING:
    from ..readers import safetensors
else:
    (safetensors,) = late.modules("compress_compare.readers", "safetensors")

SUFFIX = ".parts"
PREFIX = 8
CHUNK = 1 << 20
MOST_LAYOUT = 100_000_000
DIGEST = re.compile(r"[0-9a-f]{64}")

LEAST_TENSOR = 1 << 12
LEAST_SAVED = 1 << 20
"""Bytes below which a copy is simpler than looking elsewhere."""

START = 64
"""Bytes by which a tensor is looked for, before all of them are compared."""

Read = Callable[[str, int, int], bytes]
"""Some bytes of a stored file: its SHA-256, from one place to another."""


@dataclass(frozen=True)
class FilePart:
    """Some bytes of a file.

    Args:
        source: SHA-256 of the file that has them, empty for those in the file of parts itself.
        start: where they begin there.
        num_bytes: how many.
    """

    source: str
    start: int
    num_bytes: int


@dataclass(frozen=True)
class PartLayout:
    """Where the bytes of a file are.

    Args:
        num_bytes: of the whole file.
        parts: in their order.
        own: SHA-256 of the bytes that lie here.
        start: where these begin in the file of parts.
    """

    num_bytes: int
    parts: tuple[FilePart, ...]
    own: str
    start: int

    def between(self, start: int, stop: int) -> Iterator[tuple[int, FilePart]]:
        """The parts that make up the bytes from one place to another, cut to them, each behind its place."""
        at = 0
        for part in self.parts:
            first, last = max(start, at), min(stop, at + part.num_bytes)
            if first < last:
                yield first, FilePart(part.source, part.start + first - at, last - first)
            at += part.num_bytes


def layout(path: Path, *, checked: bool = False) -> PartLayout:
    """Read where the bytes of a file are.

    Args:
        path: of the file of parts.
        checked: whether its own bytes were compared with their hash before.

    Raises:
        StoreError: ``artifact.hash_mismatch`` if it is damaged.
    """
    with open_regular(path) as file:
        try:
            length = int.from_bytes(file.read(PREFIX), "little")
            said = json.loads(file.read(length)) if length <= MOST_LAYOUT else {}
            parts = tuple(FilePart(*_fields(one)) for one in said["parts"])
            found = PartLayout(sum(part.num_bytes for part in parts), parts, said["own"], PREFIX + length)
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(path) from error
        if not checked and hashlib.file_digest(file, "sha256").hexdigest() != found.own:
            raise _damaged(path)
    return found


def write(staged: Path, target: BinaryIO, *, parts: Sequence[FilePart]) -> None:
    """Write a file of parts.

    Args:
        staged: the whole file.
        target: where to.
        parts: of the whole file, in their order; those with an empty source begin where they do in it.
    """
    own, at = hashlib.sha256(), 0
    listed = []
    for part in parts:
        listed.append([part.source, part.start if part.source else at, part.num_bytes])
        at += 0 if part.source else part.num_bytes
    with staged.open("rb") as file:
        for block in _own(file, parts):
            own.update(block)
        content = json.dumps({"own": own.hexdigest(), "parts": listed}, separators=(",", ":")).encode()
        target.write(len(content).to_bytes(PREFIX, "little") + content)
        for block in _own(file, parts):
            target.write(block)


def found(staged: Path, like: Sequence[tuple[str, File]], *, read: Read) -> list[FilePart]:
    """The parts of a safetensors file, of which some are in other files.

    Args:
        staged: the file.
        like: files that may hold the same tensors, by SHA-256; the first that has one is taken.
        read: reads them.

    Returns:
        Nothing if too little is found elsewhere to be worth it, or a file cannot be read.
    """
    try:
        entries = sorted(safetensors.check(staged).entries.values(), key=lambda entry: entry.start)
        known = _starts(like, read, sizes={entry.num_bytes for entry in entries if entry.num_bytes >= LEAST_TENSOR})
    except (InvalidValue, StoreError):
        return []
    parts, at, saved = list[FilePart](), 0, 0
    with staged.open("rb") as file:
        for entry in entries:
            file.seek(entry.start)
            for digest, start in known.get((entry.num_bytes, file.read(START)), ()):
                if _equal(file, entry.start, read=partial(read, digest), part=(start, entry.num_bytes)):
                    parts += [FilePart("", at, entry.start - at), FilePart(digest, start, entry.num_bytes)]
                    at, saved = entry.start + entry.num_bytes, saved + entry.num_bytes
                    break
    if saved < LEAST_SAVED:
        return []
    return [part for part in (*parts, FilePart("", at, staged.stat().st_size - at)) if part.num_bytes]


def _starts(
    like: Sequence[tuple[str, File]], read: Read, *, sizes: set[int]
) -> dict[tuple[int, bytes], list[tuple[str, int]]]:
    """Where tensors of these sizes begin, by size and first bytes."""
    known: dict[tuple[int, bytes], list[tuple[str, int]]] = {}
    for digest, file in like:
        for entry in safetensors.check(file).entries.values():
            if entry.num_bytes in sizes:
                start = read(digest, entry.start, entry.start + START)
                known.setdefault((entry.num_bytes, start), []).append((digest, entry.start))
    return known


def _equal(file: BinaryIO, at: int, *, read: Callable[[int, int], bytes], part: tuple[int, int]) -> bool:
    start, num_bytes = part
    file.seek(at)
    for done in range(0, num_bytes, CHUNK):
        count = min(CHUNK, num_bytes - done)
        if file.read(count) != read(start + done, start + done + count):
            return False
    return True


def _own(file: BinaryIO, parts: Sequence[FilePart]) -> Iterator[bytes]:
    at = 0
    for part in parts:
        if not part.source:
            file.seek(at)
            for done in range(0, part.num_bytes, CHUNK):
                yield file.read(min(CHUNK, part.num_bytes - done))
        at += part.num_bytes


def _fields(one: object) -> tuple[str, int, int]:
    """The fields of a part, as they may be; nobody is believed."""
    if not isinstance(one, list) or len(one) != 3:
        raise ValueError
    source, start, num_bytes = one
    if not isinstance(source, str) or (source and not DIGEST.fullmatch(source)):
        raise ValueError
    if type(start) is not int or type(num_bytes) is not int or start < 0 or num_bytes <= 0:
        raise ValueError
    return source, start, num_bytes


def _damaged(path: Path) -> StoreError:
    return StoreError(
        "artifact.hash_mismatch",
        "A stored file has changed since it was logged.",
        detail=f"objects/{path.parent.name}/{path.name}",
        hint="Log it again, or look for a copy with: compress-compare doctor PROJECT --repair --from FOLDER",
    )
