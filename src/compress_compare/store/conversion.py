"""Files of PyTorch, Keras and Core ML, and folders of torch.distributed.checkpoint, become safetensors once, when they
are logged; only a worker process with limits opens them."""

from __future__ import annotations

import importlib.util
import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidValue, MissingExtra
from ..readers import coreml
from ..readers.regular import open_regular
from ..readers.safetensors_header import check_start
from . import dcp
from .converter import output


class LeftOutWarning(UserWarning):
    """A PyTorch file held more than weights, and the rest was not taken."""


TIMEOUT_S = 1800
TORCH_SUFFIXES = (".pt", ".pth", ".bin", ".ckpt")
KERAS = ".weights.h5"
COREML = ".mlpackage"
KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG")
"""What a worker sees of the environment; no token and no password is among it."""


def convert(path: Path, target: Path, *, key: str = "") -> None:
    """Write the tensors of a file of PyTorch or Keras, or of a folder of those, to ``target``, a safetensors file.

    Args:
        path: of the file, of a Core ML package, or of a folder of ``torch.distributed.checkpoint``.
        target: of the file that is written.
        key: under which the file has the network that is meant; empty for the one that it has.

    Raises:
        MissingExtra: without torch, h5py or coremltools, whichever reads it.
        InvalidValue: ``model.*`` with what is wrong with the file.
    """
    library, extra, worker = _reader(path)
    if importlib.util.find_spec(library) is None:
        raise MissingExtra(library, purpose=f"Reading {path.name!r}", extra=extra)
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"OMP_NUM_THREADS": "1", "HDF5_PLUGIN_PATH": "::"}
    arguments = [str(path.resolve()), path.name, str(target), key]
    try:
        answer = json.loads(
            output(
                f"compress_compare.store.{worker}",
                arguments,
                cwd=target.parent,
                environment=environment,
                timeout_s=TIMEOUT_S,
            )
        )
    except (TimeoutError, ValueError) as error:
        raise InvalidValue(
            "model.conversion_failed",
            f"The worker that reads {path.name!a} ended without a result.",
            detail=f"It was given {TIMEOUT_S:,} s." if isinstance(error, TimeoutError) else "",
            hint="Load it yourself and pass the state dict, or save it as a safetensors file.",
        ) from error
    if "code" not in answer:
        _say_left_out(answer, path.name)
        return
    raise InvalidValue(answer["code"], answer["title"], detail=answer["detail"], hint=answer["hint"])


def is_converted(path: Path) -> bool:
    """Whether a file or folder is one of those that a worker converts."""
    name = path.name.lower()
    if dcp.is_folder(path):
        return True
    return path.suffix.lower() in TORCH_SUFFIXES or name.endswith(KERAS) or (path.is_dir() and name.endswith(COREML))


def _reader(path: Path) -> tuple[str, str, str]:
    """What reads a file, the extra that brings it, and the worker that does it; after a look at the file."""
    if dcp.is_folder(path):
        dcp.check(path)
        return "torch", "torch", "torch_worker"
    if path.is_dir():
        coreml.check(path)
        return "coremltools", "coreml", "library_worker"
    with open_regular(path) as file:
        start = file.read(512)
    if path.name.lower().endswith(KERAS):
        check_start(start, path.stat().st_size, name=path.name)
        if start[:8] != b"\x89HDF\r\n\x1a\n":
            raise InvalidValue(
                "model.not_a_checkpoint", f"{path.name!a} is not an HDF5 file.", detail=f"It starts with {start[:8]!a}."
            )
        return "h5py", "keras", "library_worker"
    return "torch", "torch", "torch_worker"


def _say_left_out(answer: Mapping[str, Any], name: str) -> None:
    """Warn with ``LeftOutWarning`` about what was no tensor, apart from numbers and texts beside the weights."""
    listed, count = answer.get("left_out", []), answer.get("num_left_out", 0)
    if count:
        more = f" and {count - len(listed):,} more" if count > len(listed) else ""
        warnings.warn(
            f"model.left_out: of {name!a} the weights were taken; left out were {'; '.join(listed)}{more}.",
            LeftOutWarning,
            stacklevel=2,
        )
