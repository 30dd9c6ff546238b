"""Runs the workers that read files for us.

Where that is possible, one that needs torch is forked from a process that has imported it and is kept for a while: the
import takes longer than most files do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path
from typing import Any

from .forker import CAN_FORK, PATIENCE_S, Forker, Spare

TORCH = "compress_compare.store.torch_worker"
SPARE = Spare(TORCH)
PIECE = 1 << 16


def output(
    worker: str, arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], timeout_s: float
) -> bytes:
    """What a worker writes to its standard output.

    Args:
        worker: its module.
        arguments: after its name.
        cwd: its current folder, and its home.
        environment: the rest of what it sees.
        timeout_s: after which it is killed.

    Raises:
        TimeoutError: it was killed.
    """
    if CAN_FORK and worker == TORCH:
        said = _of_fork(arguments, cwd=cwd, environment=environment, timeout_s=timeout_s)
        if said is not None:
            return said
    try:
        return subprocess.run(  # noqa: S603
            [sys.executable, "-P", "-W", "ignore", "-m", worker, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            cwd=cwd,
            env={**environment, "HOME": str(cwd)},
            timeout=timeout_s,
        ).stdout
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error


def _of_fork(arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], timeout_s: float) -> bytes | None:
    """The same of a fork; nothing where none is to be had."""
    forker = SPARE.take(environment)
    said = {"name": "", "arguments": list(arguments), "cwd": str(cwd), "environment": {**environment, "HOME": str(cwd)}}
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb", buffering=0) as answers, Path(os.devnull).open("r+b", buffering=0) as null:
        try:
            forker.ask(said, (null.fileno(), theirs, null.fileno()))
            pid = _begun(forker)
        except (OSError, EOFError):
            pid = None
        finally:
            os.close(theirs)
        found = None if pid is None else _said(forker, answers.fileno(), timeout_s=timeout_s)
    if found is None:
        forker.end()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            raise TimeoutError
        return None
    SPARE.keep(forker)
    return found


def _begun(forker: Forker) -> int | None:
    """The fork's process; nothing where it cannot be forked, or not in time.

    Raises:
        EOFError: who forks has ended.
    """
    deadline = time.monotonic() + PATIENCE_S
    while (left := deadline - time.monotonic()) > 0:
        said = forker.heard(waits=left)
        if said.get("ready") is False:
            return None
        if "pid" in said:
            return int(said["pid"])
    return None


def _said(forker: Forker, answers: int, *, timeout_s: float) -> bytes | None:
    """What a fork writes until it ends; nothing where it does not in time."""
    said, deadline = b"", time.monotonic() + timeout_s
    streams: list[Any] = [answers, forker.channel]
    while streams and (left := deadline - time.monotonic()) > 0:
        for stream in connection.wait(streams, left):
            if stream == answers:
                piece = os.read(answers, PIECE)
                said += piece
                ends = not piece
            else:
                ends = _has_ended(forker)
            if ends:
                streams.remove(stream)
    return None if streams else said


def _has_ended(forker: Forker) -> bool:
    try:
        return "ended" in forker.heard()
    except EOFError:
        return True
