"""Converts one PyTorch file, or folder of torch.distributed.checkpoint, to safetensors, in a process of its own with
limits: ``python -m compress_compare.store.torch_worker PATH NAME TARGET [KEY]``, or forked for each file from
``python -m compress_compare.store.torch_worker --fork FD``.

The file is looked through before it is loaded, and loaded without code: what is no tensor, number, text or container
of them is not made (see ``inert``). The tensors are taken; what else there was is listed. The answer, one JSON object,
goes to standard output.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidValue, UserError
from ..readers import sparse
from ..readers.pickle_stack import Filled
from ..readers.safetensors_header import shown
from ..readers.torch_scan import scan
from . import dcp, inert, plain
from .forked import forked
from .forker import FORK
from .serialized import serialized
from .worker import ROOM, answer, bound_memory, confine

MAX_FILES = 128
MAX_LISTED = 20
STATES = ("state_dict", "model_state_dict", "model", "module", "net", "params")
"""Under which keys training scripts keep the weights."""

WAYS_OUT = "Pass the module or its state dict itself as the checkpoint, or a safetensors file."


def main() -> None:
    """Convert the file that the command line names, or that a fork is asked for."""
    if sys.argv[1] != FORK:
        convert_file()
        return
    said = forked(int(sys.argv[2]), _import)
    if said is not None:
        sys.argv[1:] = said["arguments"]
        convert_file()


def _import() -> None:
    warnings.simplefilter("ignore")
    import torch  # noqa: F401


def convert_file() -> None:
    """Convert; the answer is what was left out, or the fields of the error."""
    path, name, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    key = sys.argv[4] if len(sys.argv) > 4 else ""
    size = sum(each.stat().st_size for each in path.iterdir()) if path.is_dir() else path.stat().st_size
    room = 3 * size + ROOM
    confine(max_files=MAX_FILES, max_written=size + sparse.MAX_DENSE_BYTES)

    def convert() -> dict[str, Any]:
        pieces = _pieces(path, name, room=room) if path.is_dir() else None
        loaded = _loaded(path, name, room=room, names=scan(path, name)) if pieces is None else pieces.content
        found, left = _tensors(loaded, name, key=key)
        found = found if pieces is None else pieces.filled(found)
        target.write_bytes(serialized(plain.plain(found), {}))
        return {"left_out": left[:MAX_LISTED], "num_left_out": len(left)}

    answer(name, convert, room=room)


def _loaded(path: Path, name: str, *, room: int, names: Mapping[str, Filled]) -> Any:
    """What the file holds."""
    import torch  # noqa: F401

    bound_memory(room, name)
    try:
        return inert.load(path, names)
    except (MemoryError, UserError):
        raise
    except Exception as error:
        if "allocate memory" in str(error):
            raise MemoryError from error
        raise InvalidValue(
            "model.not_a_checkpoint",
            f"{name!a} is not a state dict that PyTorch can read.",
            hint=WAYS_OUT,
        ) from error


def _pieces(path: Path, name: str, *, room: int) -> dcp.DistributedFolder:
    """What a folder holds, without the numbers."""
    import torch  # noqa: F401

    bound_memory(room, name)
    return dcp.DistributedFolder(path, name)


def _tensors(loaded: Any, name: str, *, key: str = "") -> tuple[dict[str, Any], list[str]]:
    """The tensors of the state dict in what was loaded, and what was left out, each as ``key: what it is``."""
    if not isinstance(loaded, dict):
        kind = loaded.made_of if isinstance(loaded, inert.Inert) else type(loaded).__name__
        raise InvalidValue("model.not_a_checkpoint", f"{name!a} holds {kind}, not a state dict.", hint=WAYS_OUT)
    state, key = _state(loaded, name) if not key else (_chosen(loaded, name, key=key), key)
    found: dict[str, Any] = {}
    others = [each for each in _candidates(loaded) if each != key] if key else []
    left = [f"{each}: another network, which key={each!r} takes" for each in others]
    left += [f"{where}: {kind}" for where, kind in inert.inert({k: v for k, v in loaded.items() if k != key})]
    for own, value in state.items():
        if hasattr(value, "parts"):
            found |= _parts(str(own), value.parts, type(value).made_of)
        elif _is_tensor(value) or str(own).endswith(plain.PACKED):
            found[str(own)] = value
        else:
            kind = value.made_of if isinstance(value, inert.Inert) else type(value).__name__
            left.append(f"{f'{key}.' if key else ''}{own}: {kind}")
    return found, left


def _is_tensor(value: Any) -> bool:
    import torch

    return type(value) in (torch.Tensor, torch.nn.Parameter)


def _state(loaded: dict[Any, Any], name: str) -> tuple[dict[Any, Any], str]:
    """The dictionary of tensors in what was loaded, and the key under which it is; empty for the whole."""
    for key in STATES:
        if isinstance(loaded.get(key), dict) and _holds_tensors(loaded[key]):
            return loaded[key], key
    if _holds_tensors(loaded):
        return loaded, ""
    inside = _candidates(loaded)
    if len(inside) == 1:
        return loaded[inside[0]], str(inside[0])
    if not inside:
        keys = ", ".join(shown(str(key)) for key in list(loaded)[:8])
        raise InvalidValue(
            "model.no_tensors",
            f"{name!a} holds no tensor by name.",
            detail=f"Its keys are {keys}." if keys else "",
            hint=WAYS_OUT,
        )
    listed = ", ".join(shown(str(key)) for key in inside[:8])
    raise InvalidValue(
        "model.several_networks",
        f"{name!a} holds {len(inside):,} networks, and which one is meant is not known.",
        detail=f"They are {listed}.",
        hint=f"Choose one with key={str(inside[0])!a:.80}, or --key {str(inside[0])!a:.80} on the command line.",
    )


def _candidates(loaded: dict[Any, Any]) -> list[Any]:
    """The keys under which there are networks."""
    return [key for key, value in loaded.items() if isinstance(value, dict) and _holds_tensors(value)]


def _chosen(loaded: dict[Any, Any], name: str, *, key: str) -> dict[Any, Any]:
    """The network under a key."""
    found = loaded.get(key)
    if isinstance(found, dict) and _holds_tensors(found):
        return found
    listed = ", ".join(shown(str(each)) for each in _candidates(loaded)[:8])
    raise InvalidValue(
        "model.key",
        f"{name!a} holds no network under the key {shown(key)}.",
        detail=f"There are networks under {listed}." if listed else "It holds networks under no key.",
        hint="Choose one of these keys, or none for a file that is one network.",
    )


def _holds_tensors(state: dict[Any, Any]) -> bool:
    """Whether most that a dictionary holds are tensors by name."""
    count = sum(
        isinstance(key, str) and (_is_tensor(value) or hasattr(value, "parts") or key.endswith(plain.PACKED))
        for key, value in state.items()
    )
    return count > 0 and 2 * count >= len(state)


def _parts(name: str, tensors: dict[str, Any], kind: str) -> dict[str, Any]:
    """Codes and scales under the names by which they are read."""
    start, dot, last = name.rpartition(".")
    if not set(tensors) <= plain.PARTS or "qdata" not in tensors:
        raise InvalidValue(
            "model.unsupported_tensor",
            f"Tensor {shown(name)} is a {kind:.120}, which is not read from a PyTorch file.",
            hint="Pass the module itself as the checkpoint, where its class is installed; its numbers are then taken.",
        )
    return {f"{start}{dot}_{last}_{part}": tensor for part, tensor in tensors.items()}


if __name__ == "__main__":
    main()
