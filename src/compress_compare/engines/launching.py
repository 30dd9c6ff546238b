"""Starting worker processes: each by itself, or forked from one that has imported torch already."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ..store.forker import CAN_FORK, Forker, Spare
from . import processes


class Started:
    """A worker process, and this side of its standard streams.

    ``streams`` is the other side, as long as no process has it.

    Args:
        folder: of its work.
        cwd: its current folder.
        environment: all of it.
    """

    def __init__(self, folder: Path, *, cwd: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.cwd, self.environment = folder, cwd, environment
        self.pid: int | None = None
        self._code: int | None = None
        self._popen: subprocess.Popen[bytes] | None = None
        self._signal: int | None = None
        theirs_in, ours_in = os.pipe()
        ours_out, theirs_out = os.pipe()
        self.streams = (theirs_in, theirs_out)
        self.stdin: BinaryIO = os.fdopen(ours_in, "wb", buffering=0)
        self.stdout: BinaryIO = os.fdopen(ours_out, "rb")

    def spawn(self) -> None:
        """Start it as a process of its own."""
        self._popen = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", processes.WORKER, str(self.folder)],
            stdin=self.streams[0],
            stdout=self.streams[1],
            stderr=subprocess.STDOUT,
            cwd=self.cwd,
            env=dict(self.environment),
            start_new_session=True,
        )
        self.begun(self._popen.pid)

    def begun(self, pid: int) -> None:
        """It runs as this process, which holds the other side of its streams by now."""
        self.pid = pid
        self._let_go()
        if self._signal is not None:
            self.kill(self._signal)

    def ended(self, code: int) -> None:
        """It has ended with this code, below zero by a signal, or will never start."""
        self._code = code
        if self.pid is None:
            self._let_go()

    def poll(self) -> int | None:
        """The code with which it ended; nothing while it runs."""
        return self._popen.poll() if self._popen is not None else self._code

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send its group a signal, at the latest when it starts."""
        if self.pid is None:
            self._signal = number
        else:
            processes.kill_group(self.pid, number)

    @property
    def runs(self) -> bool:
        """Whether it has begun and not ended."""
        return self.pid is not None and self.poll() is None

    def _let_go(self) -> None:
        for file in self.streams:
            os.close(file)


SPARE = Spare(processes.LAUNCHER)


class Launcher:
    """Starts workers; where that is possible, by forking a process that has imported torch.

    Args:
        forks: whether to fork. A single piece of work gains nothing from it.
    """

    def __init__(self, *, forks: bool) -> None:
        self._forks = forks and CAN_FORK
        self._forker: Forker | None = None
        self._started: dict[str, Started] = {}

    def start(self, started: Started, *, environment: Mapping[str, str]) -> None:
        """Start a worker, or ask for it: it may get its process later.

        Args:
            started: the worker.
            environment: of the process that forks it.
        """
        if not self._forks:
            started.spawn()
            return
        self._started[str(started.folder)] = started
        said = {
            "name": str(started.folder),
            "cwd": str(started.cwd),
            "environment": dict(started.environment),
        }
        try:
            self._ready_to_ask(environment).ask(said, (*started.streams, started.streams[1]))
        except OSError:
            self._lost()

    def look(self) -> None:
        """Take in what has become of the workers."""
        while self._forker is not None:
            try:
                said = self._forker.heard()
            except EOFError:
                self._lost()
                return
            if not said:
                if self._is_slow():
                    self._lost()
                return
            self._hear(said)

    def close(self) -> None:
        """Do not wait for workers any more. A process that has none is kept for the next launcher."""
        if self._forker is not None and self._forker.is_ready and not self._started:
            SPARE.keep(self._forker)
            self._forker = None
        self._end()
        for one in self._started.values():
            one.ended(-signal.SIGKILL)
        self._started.clear()

    def _end(self) -> None:
        if self._forker is not None:
            self._forker.end()
            self._forker = None

    def _ready_to_ask(self, environment: Mapping[str, str]) -> Forker:
        if self._forker is None:
            self._forker = SPARE.take(environment)
        return self._forker

    def _is_slow(self) -> bool:
        """Whether workers have waited too long for a process that cannot import."""
        waiting = any(one.pid is None for one in self._started.values())
        return self._forker is not None and self._forker.is_slow and waiting

    def _hear(self, said: Mapping[str, Any]) -> None:
        if "ready" in said:
            self._forks = said["ready"]
        elif "pid" in said:
            self._started[said["name"]].begun(said["pid"])
        elif "ended" in said:
            for folder, started in list(self._started.items()):
                if started.pid == said["ended"]:
                    started.ended(said["code"])
                    del self._started[folder]

    def _lost(self) -> None:
        """Its process has ended: workers that it has not started are spawned, and the others are ended."""
        self._end()
        started, self._started = self._started, {}
        for one in started.values():
            if one.pid is None:
                one.spawn()
            else:
                one.kill()
                one.ended(-signal.SIGKILL)
