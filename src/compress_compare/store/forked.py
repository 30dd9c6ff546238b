"""The side of the process that forks: ``forker`` starts it, and says what is to be done.

It has one thread, so that forking it is safe, and runs nothing of a user. It ends with the process that started it, or
when there was nothing to do for a while.
"""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

IDLE_S = 60.0
LOOK_S = 0.02
"""Between two looks at forks that run."""
LONGEST = 1 << 18
"""Bytes of a message: what is to be done, a current folder and an environment."""


def forked(number: int, prepare: Callable[[], None]) -> dict[str, Any] | None:
    """Prepare, say so, and fork for each message until nobody asks any more.

    Args:
        number: of this side of the channel.
        prepare: imports what the forks need.

    Returns:
        In each fork, what it was asked; in this process nothing, in the end.
    """
    channel = socket.socket(fileno=number)
    prepare()
    alone = psutil.Process().num_threads() == 1
    channel.send(json.dumps({"ready": alone}).encode())
    gc.freeze()
    return _fork_each(channel) if alone else None


def _fork_each(channel: socket.socket) -> dict[str, Any] | None:
    running: set[int] = set()
    while True:
        asked, _, _ = select.select([channel], [], [], LOOK_S if running else IDLE_S)
        if asked:
            message, files, _, _ = socket.recv_fds(channel, LONGEST, 3)
            if not message:
                return None
            said: dict[str, Any] = json.loads(message)
            pid = _fork(channel, said, files=files)
            if pid == 0:
                return said
            running.add(pid)
            channel.send(json.dumps({"name": said["name"], "pid": pid}).encode())
        elif not running:
            return None
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                running.remove(pid)
                channel.send(json.dumps({"ended": pid, "code": os.waitstatus_to_exitcode(status)}).encode())


def _fork(channel: socket.socket, said: dict[str, Any], *, files: list[int]) -> int:
    """Fork into a session of its own; return only once it leads one, so that its group can be killed."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.write(told, b"1")
        channel.close()
        for place, file in enumerate(files):
            os.dup2(file, place)
        os.environ.clear()
        os.environ.update(said["environment"])
        with suppress(OSError):
            os.chdir(said["cwd"])
        _reseed()
    for file in (*files, ready, told) if pid == 0 else (*files, told):
        os.close(file)
    if pid:
        os.read(ready, 1)
        os.close(ready)
    return pid


def _reseed() -> None:
    """What draws from the system when it is imported would draw the same numbers in each worker."""
    if "numpy" in sys.modules:
        import numpy as np

        np.random.seed(int.from_bytes(os.urandom(4)))
