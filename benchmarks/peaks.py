"""The most memory that a process holds while something goes on."""

from __future__ import annotations

import threading

import psutil

EVERY_S = 0.002


class Peak:
    """Looks again and again at what is resident, from the start of a ``with`` block to its end.

    Args:
        pid: of the process; this one if not given.
    """

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.start = self.most = self._resident()

    @property
    def above(self) -> int:
        """Bytes of the most over those at the start."""
        return self.most - self.start

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.most = max(self.most, self._resident())

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            self.most = max(self.most, self._resident())

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)
