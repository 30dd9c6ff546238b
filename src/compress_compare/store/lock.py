"""One writer at a time over all threads and processes, with an end to waiting and a name for who is waited for."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StoreError
from .files import lock


class WriterLock:
    """A lock on a file that the system releases when its holder dies, and in which the holder leaves its process id.

    Waiting is left to the system, in a thread, since only the system wakes those who wait in their order. A thread that
    nobody waits for any more is taken up again by the next who asks.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: _Waiting | None = None

    @contextmanager
    def held(self, timeout: float) -> Iterator[None]:
        """Hold the lock. Not for two threads at a time.

        Raises:
            StoreError: ``store.busy`` after so many seconds, naming the holder.
        """
        descriptor = self._acquire(timeout)
        try:
            with suppress(OSError):  # for people alone, and a full disk has no room for it
                content = json.dumps({"pid": os.getpid()}).encode()
                os.ftruncate(descriptor, os.pwrite(descriptor, content, 0))
            yield
        finally:
            os.close(descriptor)

    def holder(self) -> str:
        """Who holds it, or held it last, in words."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            return f"process {int(json.loads(self._path.read_bytes())['pid'])}"
        return "another process"

    def _acquire(self, timeout: float) -> int:
        waiting, self._waiting = self._waiting, None
        if waiting is None or not waiting.resume():
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if lock(descriptor, wait=False):
                return descriptor
            waiting = _Waiting(descriptor)
        found = waiting.result(timeout)
        if found is None:
            self._waiting = waiting
            raise busy(self.holder(), timeout)
        return found


def busy(holder: str, waited: float) -> StoreError:
    """The error for a writer that has waited long enough."""
    return StoreError(
        "store.busy",
        f"The project is being written by {holder}.",
        detail=f"Waited {waited:g} s for it to finish.",
        hint="Try again when it is done, or end it; reading goes on meanwhile.",
    )


class _Waiting:
    """A thread that waits for a lock. It gives the lock up at once if it comes when nobody waits for it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._condition = threading.Condition()
        self._wanted, self._locked = True, False
        threading.Thread(target=self._wait, name="writer lock", daemon=True).start()

    def resume(self) -> bool:
        """Wait again; returns whether it is not too late for that."""
        with self._condition:
            self._wanted = self._descriptor >= 0
            return self._wanted

    def result(self, timeout: float) -> int | None:
        """The descriptor with the lock on it, or ``None`` if it did not come in time."""
        with self._condition:
            if self._condition.wait_for(lambda: self._locked, timeout):
                return self._descriptor
            self._wanted = False
            return None

    def _wait(self) -> None:
        lock(self._descriptor, wait=True)
        with self._condition:
            if self._wanted:
                self._locked = True
                self._condition.notify()
            else:
                os.close(self._descriptor)
                self._descriptor = -1
