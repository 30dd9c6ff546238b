"""Starting worker processes: each by itself, or forked from one that has imported torch already."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from . import processes

CAN_FORK = sys.platform == "linux"
"""Elsewhere a process that has loaded the system's libraries cannot be forked safely."""
ONE_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "OPENBLAS_NUM_THREADS": "1"}
"""For the process that forks: what its libraries would otherwise start a thread for when they are loaded."""
PATIENCE_S = 120.0
"""For its imports, after which workers are spawned."""
_LONGEST = 1 << 16


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


class _Forker:
    """A process that has imported torch and forks workers, and the channel to it.

    Args:
        environment: all of it.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.is_ready = False
        self._owner, self._since = os.getpid(), time.monotonic()
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", processes.LAUNCHER, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, **ONE_THREAD},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    @property
    def is_slow(self) -> bool:
        """Whether its imports take too long."""
        return not self.is_ready and time.monotonic() - self._since > PATIENCE_S

    @property
    def is_at_hand(self) -> bool:
        """Whether it waits for work of this process: it ends when it had none for a while."""
        if self._owner != os.getpid():
            return False
        try:
            self.channel.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def end(self) -> None:
        """Kill it, but not in a fork of the process that started it; the workers that it forked go on."""
        self.channel.close()
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()


class _Spare:
    """The process that the last launcher had, for the next one: importing torch takes longer than many a step."""

    def __init__(self) -> None:
        self._forker: _Forker | None = None
        self._lock = threading.Lock()
        atexit.register(self.end)

    def take(self, environment: Mapping[str, str]) -> _Forker:
        """The one that is kept, if it has this environment and is alive; else a new one."""
        with self._lock:
            found, self._forker = self._forker, None
        if found is not None and found.environment == environment and found.is_at_hand:
            return found
        if found is not None:
            found.end()
        return _Forker(environment)

    def keep(self, forker: _Forker) -> None:
        """Keep one that has no worker."""
        with self._lock:
            before, self._forker = self._forker, forker
        if before is not None:
            before.end()

    def end(self) -> None:
        """End the one that is kept."""
        with self._lock:
            found, self._forker = self._forker, None
        if found is not None:
            found.end()


SPARE = _Spare()


class Launcher:
    """Starts workers; where that is possible, by forking a process that has imported torch.

    Args:
        forks: whether to fork. A single piece of work gains nothing from it.
    """

    def __init__(self, *, forks: bool) -> None:
        self._forks = forks and CAN_FORK
        self._forker: _Forker | None = None
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
            "folder": str(started.folder),
            "cwd": str(started.cwd),
            "environment": dict(started.environment),
        }
        try:
            socket.send_fds(self._channel(environment), [json.dumps(said).encode()], list(started.streams))
        except OSError:
            self._lost()

    def look(self) -> None:
        """Take in what has become of the workers."""
        while self._forker is not None:
            try:
                message = self._forker.channel.recv(_LONGEST, socket.MSG_DONTWAIT)
            except BlockingIOError:
                if not self._is_slow():
                    return
                message = b""
            except OSError:
                message = b""
            if message:
                self._hear(json.loads(message))
            else:
                self._lost()

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

    def _channel(self, environment: Mapping[str, str]) -> socket.socket:
        if self._forker is None:
            self._forker = SPARE.take(environment)
        return self._forker.channel

    def _is_slow(self) -> bool:
        """Whether workers have waited too long for a process that cannot import."""
        waiting = any(one.pid is None for one in self._started.values())
        return self._forker is not None and self._forker.is_slow and waiting

    def _hear(self, said: Mapping[str, Any]) -> None:
        if "ready" in said:
            self._forks = said["ready"]
            if self._forker is not None:
                self._forker.is_ready = self._forks
        elif "pid" in said:
            self._started[said["folder"]].begun(said["pid"])
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
