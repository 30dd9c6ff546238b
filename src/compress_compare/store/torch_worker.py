"""Converts one PyTorch file to safetensors, in a process of its own with limits:
``python -m compress_compare.store.torch_worker FILE NAME TARGET``.

The file is looked through before it is loaded, and loaded without code (``weights_only=True``). What comes out must be
of exactly the types that a state dict is made of. The answer, one JSON object, goes to standard output.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ..errors import InvalidValue, UserError
from ..readers import sparse
from ..readers.safetensors_header import shown
from ..readers.torch_scan import scan
from .checkpoints import serialize

ROOM = 2 << 30
MAX_SECONDS = 1200
LOOK_S = 0.02
MAX_FILES = 128
STATES = ("state_dict", "model_state_dict", "model", "module", "net", "params")
"""Under which keys training scripts keep the weights."""

PLAIN = (str, int, float, bool, type(None))


def main() -> None:
    """Convert; the answer is ``{}`` or the fields of the error."""
    path, name, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    size = path.stat().st_size
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, MAX_SECONDS),
        (resource.RLIMIT_NOFILE, MAX_FILES),
        (resource.RLIMIT_FSIZE, size + sparse.MAX_DENSE_BYTES),
    ):
        resource.setrlimit(limit, (value, value))
    try:
        scan(path, name)
        target.write_bytes(serialize(_loaded(path, name, size=size), {}))
        answer: dict[str, str] = {}
    except UserError as error:
        answer = {"code": error.code, "title": error.title, "detail": error.detail, "hint": error.hint}
    except MemoryError:
        answer = _too_large(name)
    sys.stdout.write(json.dumps(answer))


def _too_large(name: str) -> dict[str, str]:
    return {
        "code": "model.expansion_limit",
        "title": f"{name!a} takes far more memory than its size.",
        "detail": f"The limit is three times the file and {ROOM:,} bytes.",
        "hint": "",
    }


def end_above(limit: int, name: str) -> None:
    """End this process with the answer that ``name`` is too large once more than ``limit`` bytes are resident.

    It runs beside the conversion, for systems that do not hold a process to a limit of address space.
    """
    process = psutil.Process()
    while process.memory_info().rss <= limit:
        time.sleep(LOOK_S)
    sys.stdout.write(json.dumps(_too_large(name)))
    sys.stdout.flush()
    os._exit(0)


def _loaded(path: Path, name: str, *, size: int) -> Mapping[str, Any]:
    """The state dict in the file."""
    import torch

    used, room = psutil.Process().memory_info(), 3 * size + ROOM
    with suppress(OSError, ValueError):  # a system that has no such limit is watched
        resource.setrlimit(resource.RLIMIT_AS, (used.vms + room,) * 2)
    threading.Thread(target=end_above, args=(used.rss + room, name), daemon=True).start()
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (MemoryError, UserError):
        raise
    except Exception as error:
        if "allocate memory" in str(error):
            raise MemoryError from error
        raise InvalidValue(
            "model.not_a_checkpoint",
            f"{name!a} is not a state dict that PyTorch can read.",
            hint="Save model.state_dict() again, or better a safetensors file.",
        ) from error
    _check_types(loaded, name)
    return _tensors(loaded, name)


def _check_types(loaded: Any, name: str) -> None:
    """Exactly these types, wherever they are; every object is looked at once, however often it is referred to."""
    import torch

    seen: set[int] = set()
    left: list[tuple[str, Any]] = [("", loaded)]
    while left:
        key, value = left.pop()
        if id(value) in seen or type(value) in PLAIN:
            continue
        seen.add(id(value))
        if type(value) in (torch.Tensor, torch.nn.Parameter, torch.Size, torch.dtype, torch.device):
            continue
        if not _is_container(value):
            raise InvalidValue(
                "model.unsupported_objects",
                f"{name!a} holds more than tensors, numbers and texts.",
                detail=f"Key {shown(key)} is {type(value).__module__}.{type(value).__qualname__}.",
                hint="Save the tensors alone, or better a safetensors file.",
            )
        left.extend(_items(value, key))


def _is_container(value: Any) -> bool:
    from collections import OrderedDict

    return type(value) in (dict, OrderedDict, list, tuple)


def _items(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        return ((str(inner), each) for inner, each in value.items())
    return ((key, each) for each in value)


def _tensors(loaded: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(loaded, dict):
        raise InvalidValue("model.not_a_checkpoint", f"{name!a} holds {type(loaded).__name__}, not a state dict.")
    for key in STATES:
        if isinstance(loaded.get(key), dict):
            loaded = loaded[key]
            break
    return {key: sparse.dense(key, value) if hasattr(value, "layout") else value for key, value in loaded.items()}


if __name__ == "__main__":
    main()
