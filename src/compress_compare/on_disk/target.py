"""Writing safetensors files whose tensors are not known beforehand: the header is written last, in a space kept for it.

A header may be filled up with spaces, so it need only be known how long it can become. Tensors are written by a thread
while the next ones are made.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from ..readers.dtypes import DTYPES
from ..readers.safetensors_header import PREFIX
from .source import NAMES
from .uncached import BLOCK, UncachedFile

_ALIGNED = 8
_ENTRY = 1_000
"""Bytes of a header per tensor, what is noted about how it is stored included; names come on top."""
_WAITING = 1 << 26
"""Bytes that may wait to be written; a tensor that is larger waits alone."""


class TargetFile:
    """One safetensors file that is being written.

    Args:
        path: must not exist.
        names: of the tensors that it may get, for the space of the header; a third is kept for others.
    """

    def __init__(self, path: Path, names: list[str]) -> None:
        self.path = path
        self._room = 65_536 + 2 * sum(_ENTRY + 4 * len(name.encode()) for name in names)
        self._room += -(PREFIX + self._room) % BLOCK
        self._file = UncachedFile(path, PREFIX + self._room)
        self._late: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115
        self._writer = ThreadPoolExecutor(1)
        self._waiting: deque[tuple[Future[None], int]] = deque()
        """What is being written, and up to where the file goes then."""
        self._later: list[tuple[str, str, tuple[int, ...], int, int]] = []
        self.entries: dict[str, Any] = {}
        self.num_bytes = 0

    def add(self, name: str, values: Tensor) -> None:
        """Write a tensor, whose values must stay as they are until `wait`."""
        flat = values.contiguous().reshape(-1)
        self.add_bytes(name, NAMES[values.dtype], shape=tuple(values.shape), content=_bytes(flat))

    def add_bytes(self, name: str, dtype: str, *, shape: tuple[int, ...], content: memoryview) -> None:
        """Write a tensor that is given as bytes.

        What would leave the next tensor on no boundary is kept for the end, where the widest numbers come first.
        """
        if len(content) % _ALIGNED:
            start = self._late.seek(0, os.SEEK_END)
            self._late.write(content)
            self._later.append((name, dtype, shape, start, len(content)))
            return
        self._write(name, dtype, shape, content)

    def _write(self, name: str, dtype: str, shape: tuple[int, ...], content: memoryview) -> None:
        end = self.num_bytes + len(content)
        self.wait(end - _WAITING)
        self._waiting.append((self._writer.submit(self._file.write, content), end))
        self.entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [self.num_bytes, end]}
        self.num_bytes = end

    def wait(self, end: int) -> None:
        """Wait until the first so many bytes of tensors are written, so that their memory may change."""
        while self._waiting and self._waiting[0][1] <= end:
            self._waiting.popleft()[0].result()

    def __enter__(self) -> TargetFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.shutdown(cancel_futures=True)
        self._late.close()
        self._file.close()

    def close(self, metadata: Mapping[str, str]) -> None:
        """Write what was kept for the end and the header, and see to it that all is on the disk."""
        for name, dtype, shape, start, size in sorted(self._later, key=lambda one: -DTYPES[one[1]].bits):
            self._late.seek(start)
            self._write(name, dtype, shape, memoryview(self._late.read(size)))
        self._late.close()
        self.wait(self.num_bytes)
        said = json.dumps({"__metadata__": dict(metadata), **self.entries}, separators=(",", ":")).encode()
        assert len(said) <= self._room  # noqa: S101
        self._file.finish(struct.pack("<Q", self._room) + said.ljust(self._room))


def _bytes(flat: Tensor) -> memoryview:
    content: Any = flat.view(torch.uint8).numpy() if flat.numel() else b""
    return memoryview(content)
