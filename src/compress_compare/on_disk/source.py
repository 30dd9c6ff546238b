"""The tensors of a checkpoint folder, mapped into memory one file at a time. Needs torch."""

from __future__ import annotations

import mmap
import os
import shutil
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidValue
from ..readers import folder as folders
from ..readers import safetensors
from ..readers.regular import open_regular
from ..readers.safetensors_header import Header, HeaderEntry, read_header

FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
"""The number formats that operations work on, as safetensors names them."""
NAMES = {dtype: name for name, dtype in FLOATS.items()}
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".onnx", ".h5", ".msgpack", ".tflite")
"""Endings of files that hold weights, which are not copied to the new folder as they are."""


class Shard:
    """One safetensors file. What is changed in memory never reaches it."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        with open_regular(path) as file:
            self.header: Header = read_header(file, path.name)
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)

    def tensor(self, name: str) -> Tensor:
        """A floating-point tensor; its memory is that of the map until :meth:`forget`."""
        entry = self.header.entries[name]
        dtype = FLOATS[entry.dtype]
        count = entry.num_bytes // dtype.itemsize
        if not count:
            return torch.empty(entry.shape, dtype=dtype)
        if entry.start % dtype.itemsize:
            return torch.frombuffer(bytearray(self.content(entry)), dtype=dtype).reshape(entry.shape)
        return torch.frombuffer(self._map, dtype=dtype, count=count, offset=entry.start).reshape(entry.shape)

    def read(self, name: str, place: Tensor) -> Tensor:
        """A floating-point tensor in a place of as many bytes.

        Raises:
            InvalidValue: ``model.truncated``.
        """
        entry = self.header.entries[name]
        content: Any = place.numpy()
        if not hasattr(os, "preadv"):
            content[:] = np.frombuffer(self.content(entry), np.uint8)
        elif not _filled(self._file, memoryview(content), entry.start):
            title = f"The file {self.name!a} became shorter while it was read."
            raise InvalidValue(
                "model.truncated", title, hint="Copy the checkpoint once more, and apply the operation again."
            )
        return place.view(FLOATS[entry.dtype]).view(entry.shape)

    def content(self, entry: HeaderEntry) -> memoryview:
        """The bytes of a tensor."""
        return memoryview(self._map)[entry.start : entry.start + entry.num_bytes]

    def forget(self) -> None:
        """Give back the memory of all tensors; changes that were made in it are undone."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def _filled(file: int, content: memoryview, start: int) -> bool:
    """Read into memory, for a third of what mapped pages cost; whether the file has so much."""
    while len(content):
        count = os.preadv(file, [content], start)
        if not count:
            return False
        content, start = content[count:], start + count
    return True


class SourceFolder:
    """A model folder: its shards, what its files say, and the files beside the weights.

    Raises:
        InvalidValue: ``input.not_found`` for what is no folder, and all of ``readers.folder``.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            title = f"There is no folder {str(path)!a}."
            raise InvalidValue("input.not_found", title, hint="Name a folder that holds safetensors files.")
        files = {each.name: each for each in sorted(path.iterdir()) if each.is_file()}
        folders.check(files, path)
        self.path = path
        self.shards = [Shard(files[name]) for name in folders.shards(files)]
        self.of = {name: shard for shard in self.shards for name in shard.header.entries}
        self.notes = _notes(self.shards)
        self.config = folders.config(files)
        self.sharded = folders.INDEX in files

    def copy_others(self, target: Path) -> tuple[str, ...]:
        """Copy the configuration, the tokenizer and whatever else is not weights; the names of what was left out."""
        left = []
        for each in sorted(self.path.iterdir()):
            if each.is_symlink() and not each.resolve().is_relative_to(self.path.resolve()):
                left.append(each.name)
            elif each.is_dir():
                left.append(f"{each.name}/")
            elif each.name in {shard.name for shard in self.shards} or each.name == folders.INDEX:
                continue
            elif each.name.endswith(WEIGHTS) or each.name.endswith(".index.json") or not each.is_file():
                left.append(each.name)
            else:
                shutil.copyfile(each, target / each.name)
        return tuple(left)


def _notes(shards: list[Shard]) -> dict[str, Any]:
    """What this tool left in the headers, those of all shards together."""
    found: dict[str, Any] = {}
    for shard in shards:
        found = folders.joined(found, safetensors.notes(shard.header))
    return found


def metadata(shard: Shard) -> Mapping[str, str]:
    """The free text of a file, without what this tool left in it."""
    return {key: text for key, text in shard.header.metadata.items() if key != safetensors.HEADER_KEY}
