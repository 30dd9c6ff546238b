"""A process that has imported what takes long, and the channel to it: it forks another for each piece of work.

Its side is ``forked``.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing import connection
from typing import Any

CAN_FORK = sys.platform == "linux"
"""Elsewhere a process that has loaded the system's libraries cannot be forked safely."""
ONE_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false", "OPENBLAS_NUM_THREADS": "1"}
"""For the process that forks: what its libraries would otherwise start a thread for when they are loaded."""
PATIENCE_S = 120.0
"""For its imports, after which it is done without."""
FORK = "--fork"
"""What the module is told, and the number of its side of the channel."""
_LONGEST = 1 << 16


class Forker:
    """The process, and this side of the channel.

    Args:
        module: that it runs; it ends with ``forked.forked``.
        environment: all of it.
    """

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self.is_ready = False
        self._owner, self._since = os.getpid(), time.monotonic()
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", module, FORK, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**environment, **ONE_THREAD},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def ask(self, said: Mapping[str, Any], streams: Sequence[int]) -> None:
        """Ask for a fork with a name, a current folder, an environment and whatever else it needs.

        Args:
            said: ``name``, ``cwd``, ``environment`` and more.
            streams: its standard input, output and error.

        Raises:
            OSError: it has ended.
        """
        socket.send_fds(self.channel, [json.dumps(said).encode()], list(streams))

    def heard(self, *, waits: float = 0.0) -> Mapping[str, Any]:
        """What it says next: ``ready`` once; ``name`` and ``pid`` of a fork; ``ended`` and ``code`` of one.

        Args:
            waits: so many seconds.

        Returns:
            Nothing where it has said nothing yet.

        Raises:
            EOFError: it has ended.
        """
        if not connection.wait([self.channel], waits):
            return {}
        try:
            message = self.channel.recv(_LONGEST)
        except OSError as error:
            raise EOFError from error
        if not message:
            raise EOFError
        said: Mapping[str, Any] = json.loads(message)
        self.is_ready = self.is_ready or bool(said.get("ready"))
        return said

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
        """Kill it, but not in a fork of the process that started it; its forks go on."""
        self.channel.close()
        if self._owner == os.getpid():
            self._process.kill()
            self._process.wait()


class Spare:
    """The process that was used last, for the next: importing torch takes longer than many a piece of work.

    Args:
        module: that it runs.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._forker: Forker | None = None
        self._lock = threading.Lock()
        atexit.register(self.end)

    def take(self, environment: Mapping[str, str]) -> Forker:
        """The one that is kept, if it has this environment and is alive; else a new one."""
        with self._lock:
            found, self._forker = self._forker, None
        if found is not None and found.environment == environment and found.is_at_hand:
            return found
        if found is not None:
            found.end()
        return Forker(self._module, environment)

    def keep(self, forker: Forker) -> None:
        """Keep one that has no fork."""
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
