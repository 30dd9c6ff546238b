"""A file of which only the parts that are read are on this machine, such as one in an object store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from io import BufferedReader
from pathlib import Path


class PartialFile(ABC):
    """A file whose bytes are brought here when they are asked for.

    Args:
        name: how messages call it.
        num_bytes: of the whole file.
    """

    def __init__(self, name: str, num_bytes: int) -> None:
        self.name = name
        self.num_bytes = num_bytes

    @abstractmethod
    def need(self, start: int, stop: int) -> None:
        """Bring these bytes here; the others may be zeros in the file that ``open`` opens."""

    def stream(self, spans: Sequence[tuple[int, int]], *, is_wanted: Callable[[], bool]) -> None:
        """Bring these bytes, which will be needed soon, as long as they are wanted."""
        for start, stop in spans:
            if is_wanted():
                self.need(start, stop)

    @abstractmethod
    def open(self) -> BufferedReader:
        """A file of the whole length that holds what has been brought so far, and later what comes; to be closed."""

    @abstractmethod
    def whole(self) -> Path:
        """Where the whole file lies, once all of it is here and was compared with its hash."""


File = Path | PartialFile
"""What readers of large files take."""


def whole(file: File) -> Path:
    """Where a file lies with all its bytes."""
    return file if isinstance(file, Path) else file.whole()
