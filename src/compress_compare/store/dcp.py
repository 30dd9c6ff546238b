"""Checkpoints of torch.distributed.checkpoint: a folder of ``.metadata`` and ``.distcp`` files, read in a worker.

``.metadata`` is a pickle that says of which pieces each tensor consists and where they lie; each piece is what
``torch.save`` writes of one tensor. None of the pickle's objects is made, and each piece is looked through before it is
loaded, so that no code of the folder runs. Tensors of DTensor and FSDP lie in pieces of all ranks and are put together
here. Source: ``torch.distributed.checkpoint`` (``metadata``, ``filesystem``), PyTorch 2.13.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from ..errors import InvalidValue
from ..readers import pickled, regular
from ..readers.regular import open_regular
from ..readers.safetensors_header import shown
from ..readers.torch_scan import MAX_PICKLE, scan, scanned
from . import inert

METADATA = ".metadata"
ENDING = ".distcp"
DAMAGED = (ValueError, TypeError, AttributeError, KeyError, IndexError)


def is_folder(path: Path) -> bool:
    """Whether a folder is such a checkpoint."""
    return path.is_dir() and (path / METADATA).is_file()


def check(path: Path) -> None:
    """Check that a folder holds files of its own alone.

    Raises:
        InvalidValue: ``path.outside_folder``.
    """
    regular.check_inside(path)


class Other(inert.Inert):
    """Stands for what is no tensor."""

    made_of = "no tensor"


class DistributedFolder:
    """The tensors of such a folder.

    Args:
        path: of the folder.
        name: how messages call it.

    Raises:
        InvalidValue: ``model.*`` with what is wrong with the folder.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path, self._name = path, name
        scan(path / METADATA, METADATA)
        with open_regular(path / METADATA) as file:
            content = file.read(MAX_PICKLE + 1)
        if len(content) > MAX_PICKLE:
            raise InvalidValue(
                "model.header_too_large", f"{METADATA} of {name!a} is larger than {MAX_PICKLE:,} bytes.",
                hint="Save the model alone, without its optimizer.",
            )  # fmt: skip
        try:
            said = pickled.contents(io.BytesIO(content))
            self._places: dict[str, list[tuple[Any, Any]]] = {}
            for index, info in said.storage_data.items():
                self._places.setdefault(index.fqn, []).append((_size(getattr(index, "offset", None)), info))
            paths = getattr(said, "planner_data", None)
            self.content = self._nested(said.state_dict_metadata, paths if isinstance(paths, dict) else {})
        except DAMAGED as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from error

    def _nested(self, listed: Mapping[str, Any], paths: Mapping[str, Any]) -> dict[Any, Any]:
        """What was saved, in its own nesting: tensors without numbers, and stand-ins for other objects."""
        import torch

        found: dict[Any, Any] = {}
        for name, one in listed.items():
            *outer, last = paths.get(name) or (name,)
            properties = getattr(one, "properties", None)
            if properties is None:
                if not outer:
                    found[last] = Other()
                continue
            place = found
            for part in outer:
                place = place.setdefault(part, {})
            # no storage: its size is checked once its pieces are counted
            place[last] = torch.empty(_size(one.size), dtype=_dtype(properties.state[0].name), device="meta")
            place[last].fqn = name
        return found

    def filled(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """Some of the tensors, with their numbers."""
        return {name: self._filled(tensor) for name, tensor in tensors.items()}

    def _filled(self, tensor: Any) -> Any:
        import torch

        places = self._places.get(tensor.fqn, [])
        needed = tensor.numel() * tensor.element_size()
        if needed > sum(int(info.length) for _, info in places):
            raise self._damaged(f"Tensor {shown(tensor.fqn)} needs {needed:,} bytes, and its pieces have fewer.")
        whole = torch.zeros(tensor.shape, dtype=tensor.dtype)
        count = 0
        for offset, info in places:
            piece = self._piece(tensor.fqn, info)
            starts = offset or (0,) * piece.dim()
            span = tuple(slice(start, start + size) for start, size in zip(starts, piece.shape, strict=False))
            if len(starts) != piece.dim() or whole[span].shape != piece.shape:
                raise self._damaged(f"A piece of tensor {shown(tensor.fqn)} does not fit it.")
            whole[span] = piece
            count += piece.numel()
        if count != tensor.numel():
            raise self._damaged(
                f"The pieces of tensor {shown(tensor.fqn)} hold {count:,} of {tensor.numel():,} values."
            )
        return whole

    def _piece(self, fqn: str, info: Any) -> Any:
        import torch

        file, name = self._file(str(info.relative_path)), str(info.relative_path)
        if getattr(info, "transform_descriptors", None):
            raise InvalidValue(
                "model.unsupported_format", f"The tensors of {self._name!a} are compressed in their files.",
                hint="Load the checkpoint and pass the state dict, or save it without extensions.",
            )  # fmt: skip
        with open_regular(file) as opened:
            opened.seek(int(info.offset))
            content = opened.read(int(info.length))
        if len(content) < int(info.length):
            raise InvalidValue(
                "model.truncated", f"{name!a} of {self._name!a} is cut off.",
                detail=f"Tensor {shown(fqn)} ends beyond the file.", hint="Check the download.",
            )  # fmt: skip
        names = scanned(io.BytesIO(content), len(content), name=name)
        try:
            found = inert.load(io.BytesIO(content), names)
        except Exception as error:
            raise self._damaged(f"Tensor {shown(fqn)} in {name!a} cannot be read.") from error
        if type(found) is not torch.Tensor or found.layout != torch.strided:
            raise InvalidValue(
                "model.unsupported_tensor", f"Tensor {shown(fqn)} is no plain tensor, and is not read from a folder.",
                hint="Load the checkpoint and pass the module itself.",
            )  # fmt: skip
        return found

    def _file(self, name: str) -> Path:
        if PurePosixPath(name).name != name or PureWindowsPath(name).name != name:
            raise InvalidValue("path.outside_folder", f"{name!a:.200} lies outside the folder {self._name!a}.")
        if not (self._path / name).exists():
            raise InvalidValue(
                "model.shard_missing", f"The file {name!a} of {self._name!a} is missing.",
                detail=f"{METADATA} names it.", hint="Copy the files of all ranks into the same folder.",
            )  # fmt: skip
        return self._path / name

    def _damaged(self, detail: str) -> InvalidValue:
        return InvalidValue(
            "model.truncated", f"{self._name!a} is no whole checkpoint of torch.distributed.checkpoint.",
            detail=detail[:300], hint="Check the download, or save it again with torch.distributed.checkpoint.save.",
        )  # fmt: skip


def _size(said: Any) -> tuple[int, ...]:
    """Of a ``torch.Size``; empty for none."""
    found = tuple(said.given[0]) if said is not None else ()
    if not all(type(each) is int and 0 <= each < 1 << 62 for each in found):
        raise ValueError("a size is none")
    return found


def _dtype(name: str) -> Any:
    import torch

    found = getattr(torch, name.removeprefix("torch."), None)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"{name[:80]} is no number format")
    return found
