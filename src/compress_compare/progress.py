"""Long computations that somebody watches: how far they are, and whether they are still wanted.

Who computes calls ``step`` now and then; who wants to know runs it ``under`` a watch. Without one a step does nothing,
so that code which computes need not be told who asks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from .errors import Conflict

Item = TypeVar("Item")

WORK_S, REST_S = 0.05, 0.001
"""Seconds of work after which other threads get their turn, and how long it lasts. Who calls NumPy often gives up the
interpreter's lock and takes it back before a waiting thread wakes, so that nobody could be told how far it is."""


class Cancelled(Conflict):
    """Whoever watched does not want the answer any more."""


@dataclass
class Watch:
    """How far a computation is.

    Args:
        what: it does now, e.g. ``Reading m1``.
        done: steps of this.
        total: steps of this; 0 while it is not known.
        cancelled: whether its next step should be its last.
        rested: when other threads last had their turn, on the monotonic clock.
    """

    what: str = ""
    done: int = 0
    total: int = 0
    cancelled: bool = False
    rested: float = 0.0


_current: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextmanager
def under(watch: Watch) -> Iterator[None]:
    """Report what is computed inside to ``watch``, in this thread and in those that copy its context."""
    token = _current.set(watch)
    try:
        yield
    finally:
        _current.reset(token)


def step(what: str, done: int = 0, *, total: int = 0) -> None:
    """Say what is done now and how far it is.

    Raises:
        Cancelled: ``watch.cancelled``.
    """
    watch = _current.get()
    if watch is None:
        return
    if watch.cancelled:
        raise Cancelled("watch.cancelled", "The comparison was cancelled.", hint="Ask again to start over.")
    watch.what, watch.done, watch.total = what, done, total
    if time.monotonic() - watch.rested > WORK_S:
        time.sleep(REST_S)
        watch.rested = time.monotonic()


def steps(what: str, items: Iterable[Item], *, sizes: Sequence[int]) -> Iterator[Item]:
    """The items, with a step before each is waited for.

    Args:
        what: is done with them.
        items: as many as sizes.
        sizes: what each counts for.

    Raises:
        Cancelled: ``watch.cancelled``.
    """
    remaining, done, total = iter(items), 0, sum(sizes)
    for size in sizes:
        step(what, done, total=total)
        yield next(remaining)
        done += size
    step(what, done, total=total)
