"""Writes of several threads in one transaction: one of them does what the others ask for, and all wait for one sync."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from ..errors import StorageError, StoreError, UserError

MOST = 64
"""Calls of one transaction."""


@dataclass
class _Call:
    work: Callable[[], Any]
    context: contextvars.Context
    turn: threading.Event = field(default_factory=threading.Event)
    is_done: bool = False
    answer: Any = None
    error: BaseException | None = None

    def run(self) -> None:
        """Do it as the thread that asked for it would; what is refused is told to that thread alone."""
        self.answer, self.error = None, None
        try:
            self.answer = self.context.run(self.work)
        except (StoreError, StorageError):
            raise
        except UserError as error:
            self.error = error


class Together:
    """Does what threads ask for, several at once.

    Args:
        transaction: begins one, waits for other writers, and commits at the end. What is asked for begins another
            inside of it, of which nothing stays if it is refused.
    """

    def __init__(self, transaction: Callable[[], AbstractContextManager[Any]]) -> None:
        self._transaction = transaction
        self._lock = threading.Lock()
        self._waiting: deque[_Call] = deque()
        self._is_led = False

    def do(self, work: Callable[[], Any]) -> Any:
        """Do something, with what other threads ask for meanwhile, and return what it returns once that is committed.

        It may be done twice, the second time after nothing of the first has stayed or all of it has.

        Raises:
            BaseException: what it raises, or what the transaction does.
        """
        call = _Call(work, contextvars.copy_context())
        with self._lock:
            self._waiting.append(call)
            leads, self._is_led = not self._is_led, True
        if not leads:
            call.turn.wait()
        if not call.is_done:
            self._lead()
        if call.error is not None:
            raise call.error
        return call.answer

    def _lead(self) -> None:
        """Do what waits, this thread's own first, and wake whoever leads next."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            self._commit(batch)
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._is_led = following is not None
            for one in batch:
                one.is_done = True
                one.turn.set()
            if following is not None:
                following.turn.set()

    def _commit(self, calls: Sequence[_Call]) -> None:
        """One transaction of all; if something fails that is no refusal, one for each."""
        try:
            with self._transaction():
                for one in calls:
                    one.run()
        except (StoreError, StorageError) as error:
            for one in calls:
                one.error = error
        except BaseException as error:
            if len(calls) == 1:
                calls[0].error = error
                return
            for one in calls:
                self._commit([one])
