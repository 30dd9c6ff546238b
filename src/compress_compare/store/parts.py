"""A file of which parts are here, as something that Arrow can read."""

from __future__ import annotations

import io

from ..readers.partial import PartialFile


class PartReader(io.RawIOBase):
    """Reads a file that is elsewhere; only what is read is brought.

    Args:
        file: to read.
    """

    def __init__(self, file: PartialFile) -> None:
        super().__init__()
        self._file = file
        self._open = file.open()
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.num_bytes}[whence]
        self._at = max(0, start + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes, all of them that there are."""
        left = max(self._file.num_bytes - self._at, 0)
        count = left if size is None or size < 0 else min(size, left)
        if not count:
            return b""
        self._file.need(self._at, self._at + count)
        self._open.seek(self._at)
        found = self._open.read(count)
        self._at += len(found)
        return found

    def close(self) -> None:
        """Release the file."""
        if not self.closed:
            self._open.close()
        super().close()
