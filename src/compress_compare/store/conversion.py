"""PyTorch files become safetensors once, when they are logged; only a worker process with limits opens them."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import InvalidValue, MissingExtra
from ..readers.regular import open_regular


class LeftOutWarning(UserWarning):
    """A PyTorch file held more than weights, and the rest was not taken."""


TIMEOUT_S = 1800
KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG")
"""What a worker sees of the environment; no token and no password is among it."""


def convert(path: Path, target: Path, *, key: str = "") -> None:
    """Write the tensors of a PyTorch file to ``target``, a safetensors file.

    Args:
        path: of the file.
        target: of the file that is written.
        key: under which the file has the network that is meant; empty for the one that it has.

    Raises:
        MissingExtra: without torch.
        InvalidValue: ``model.*`` with what is wrong with the file.
    """
    open_regular(path).close()
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra("torch", purpose=f"Reading {path.name!r}", extra="torch")
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    command = [sys.executable, "-P", "-W", "ignore", "-m", "compress_compare.store.torch_worker"]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, str(path.resolve()), path.name, str(target), key],
            capture_output=True,
            check=False,
            cwd=target.parent,
            env={**environment, "OMP_NUM_THREADS": "1", "HOME": str(target.parent)},
            stdin=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise InvalidValue(
            "model.conversion_failed",
            f"The worker that reads {path.name!a} ended without a result.",
            detail=f"It was given {TIMEOUT_S:,} s." if isinstance(error, subprocess.TimeoutExpired) else "",
            hint="Load it yourself and pass the state dict, or save it as a safetensors file.",
        ) from error
    if "code" not in answer:
        _say_left_out(answer, path.name)
        return
    raise InvalidValue(answer["code"], answer["title"], detail=answer["detail"], hint=answer["hint"])


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
