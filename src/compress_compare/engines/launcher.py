"""Forks workers from one process that has imported what they need: ``python -m compress_compare.engines.launcher FD``.

Importing torch takes longer than many a step. The process has one thread, so that forking it is safe, and runs nothing
of a user. It ends with the engine that started it, or when there was nothing to do for a while.
"""

from __future__ import annotations

import gc
import json
import os
import select
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from . import worker

IDLE_S = 60.0
LOOK_S = 0.02
"""Between two looks at workers that run."""
LONGEST = 1 << 18
"""Bytes of a message: a folder, a current folder and an environment."""


def main() -> None:
    """Import, say so, and fork a worker for each message; in the worker, do its step."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    _import()
    alone = psutil.Process().num_threads() == 1
    channel.send(json.dumps({"ready": alone}).encode())
    gc.freeze()
    folder = _forked(channel) if alone else None
    if folder is not None:
        worker.run(folder)


def _import() -> None:
    """What steps import; each of them is there or is not needed."""
    from . import steps  # noqa: F401

    with suppress(ImportError):
        import torch  # noqa: F401

        from .. import evaluation, operations  # noqa: F401
        from ..evaluation import evaluate  # noqa: F401
        from ..recipes import rebuild  # noqa: F401


def _forked(channel: socket.socket) -> Path | None:
    """Fork until nobody asks any more. Return the folder in each worker, and nothing in the end in this process."""
    running: set[int] = set()
    while True:
        asked, _, _ = select.select([channel], [], [], LOOK_S if running else IDLE_S)
        if asked:
            message, files, _, _ = socket.recv_fds(channel, LONGEST, 2)
            if not message:
                return None
            said = json.loads(message)
            pid = _fork(channel, said, files=files)
            if pid == 0:
                return Path(said["folder"])
            running.add(pid)
            channel.send(json.dumps({"folder": said["folder"], "pid": pid}).encode())
        elif not running:
            return None
        for pid in list(running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                running.remove(pid)
                channel.send(json.dumps({"ended": pid, "code": os.waitstatus_to_exitcode(status)}).encode())


def _fork(channel: socket.socket, said: dict[str, Any], *, files: list[int]) -> int:
    """A worker in a session of its own; return only once it leads one, so that its group can be killed."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        os.write(told, b"1")
        channel.close()
        for place, file in enumerate((files[0], files[1], files[1])):
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


if __name__ == "__main__":
    main()
