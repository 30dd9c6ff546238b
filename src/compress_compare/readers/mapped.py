"""A file in memory that is not loaded: the system brings in what is read, and can be told to forget it."""

from __future__ import annotations

import mmap
import threading
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from ..analysis.layers.values import Array, Values
from ..errors import UserError
from .dtypes import DTYPES, table, unpacked
from .partial import PartialFile


class Mapped:
    """The bytes of an open regular file, read-only; they stay reachable after the file is closed.

    Args:
        file: that is open.
        partial: brings bytes into it, if it is not whole.
    """

    def __init__(self, file: BinaryIO, partial: PartialFile | None = None) -> None:
        self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._bytes: Array = np.frombuffer(self._map, np.uint8)
        self._partial = partial

    @property
    def is_partial(self) -> bool:
        """Whether some of them may not be here."""
        return self._partial is not None

    @property
    def bytes(self) -> Array:
        """All of them."""
        if self._partial is not None:
            self._partial.need(0, len(self._bytes))
        return self._bytes

    def values(self, dtype: str, shape: tuple[int, ...], *, start: int, num_bytes: int) -> Values | None:
        """The numbers of a tensor; ``None`` for a format that cannot be read as real numbers."""
        later = None if self._partial is None else Later(self._partial, start, start + num_bytes)
        if later is not None and DTYPES[dtype].readable and DTYPES[dtype].bits == 4:
            later.bring()  # they are taken apart here
        found = self.of(self._bytes[start : start + num_bytes], dtype, shape=shape)
        if found is None or later is None:
            return found
        return LaterValues.of_values(found, later)

    @staticmethod
    def of(part: Array, dtype: str, *, shape: tuple[int, ...]) -> Values | None:
        """The numbers that lie in some bytes; ``None`` as in ``values``."""
        kind = DTYPES[dtype]
        if not kind.readable:
            return None
        # bytes that start on no boundary stay where they are, too: their pieces are copied when they are read
        raw = unpacked(part) if kind.bits == 4 else part.view(kind.storage)
        return Values(shape, dtype, raw, table(dtype), part.nbytes)

    def forget(self) -> None:
        """Give back the memory of what has been read; reading it again brings it back."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


@dataclass(frozen=True)
class Later:
    """Bytes of a file that may not be here yet.

    Args:
        file: that they are in.
        start: where they begin.
        stop: where they end.
    """

    file: PartialFile
    start: int
    stop: int

    def bring(self) -> None:
        """Have them here."""
        self.file.need(self.start, self.stop)


class LaterValues(Values):
    """Numbers that are brought here when somebody looks at them, whoever it is: ``raw`` is never read before."""

    _later: Later | None = None

    @classmethod
    def of_values(cls, values: Values, later: Later) -> LaterValues:
        """The same numbers, which are not here yet."""
        made = cls(values.shape, values.dtype, values.raw, values.table, values.num_bytes)
        object.__setattr__(made, "_later", later)
        return made

    @property
    def later(self) -> Later | None:
        """Where they are, if nobody has looked at them yet."""
        return self._later

    def _looked_at(self) -> Array:
        if self._later is not None:
            self._later.bring()
            object.__setattr__(self, "_later", None)
        found: Array = self.__dict__["_raw"]
        return found

    def _set(self, raw: Any) -> None:
        self.__dict__["_raw"] = raw

    raw = property(_looked_at, _set)


STREAMS = 4
"""Files that are brought ahead at once."""


@contextmanager
def ahead(values: Iterable[Values | None]) -> Iterator[None]:
    """Bring numbers that will be looked at while others are worked on, some files at once; what is left at the end
    stays."""
    spans: dict[PartialFile, list[tuple[int, int]]] = defaultdict(list)
    for one in values:
        if isinstance(one, LaterValues) and one.later is not None:
            spans[one.later.file].append((one.later.start, one.later.stop))
    waiting = deque(spans.items())
    over = threading.Event()

    def run() -> None:
        with suppress(IndexError, UserError, OSError):  # whoever looks at them asks again, and is told
            while not over.is_set():
                file, wanted = waiting.popleft()
                file.stream(wanted, is_wanted=lambda: not over.is_set())

    for _ in range(min(STREAMS, len(spans))):
        threading.Thread(target=run, daemon=True).start()
    try:
        yield
    finally:
        over.set()
