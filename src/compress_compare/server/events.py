"""News of the project as server-sent events: one poller of the revision, any number of readers up to a limit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from anyio import to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..errors import UserError
from ..page.wire.project import JobsNews, RevisionNews
from ..store.store import Store

POLL_S = 0.25
LISTEN_S = 1.0
"""How long a project on a database server is listened to before it is looked at all the same."""
HEARTBEAT_S = 15.0
STALLED_S = 10.0
"""How long a client may leave a message unread before its stream ends."""
MAX_STREAMS = 200

logger = logging.getLogger(__name__)


class TooManyStreams(UserError):
    """All event streams are taken."""

    status = 503


class Feed:
    """The latest revision, watched while anyone reads. Readers see the newest state, not every step toward it.

    Args:
        project: whose revision is polled.
        poll: seconds between two looks.
        heartbeat: seconds after which a quiet stream shows that it is alive.
        max_streams: how many may read at once.
        jobs: the revision of the jobs, polled with that of the project; a change of it alone is an event of its own.
    """

    def __init__(
        self,
        project: Store,
        *,
        poll: float = POLL_S,
        heartbeat: float = HEARTBEAT_S,
        max_streams: int = MAX_STREAMS,
        jobs: Callable[[], int] | None = None,
    ) -> None:
        self._project = project
        self._jobs = jobs
        self._poll = poll
        self._heartbeat = heartbeat
        self._max_streams = max_streams
        self._state: tuple[int, int, int] | None = None
        self._changed = asyncio.Event()
        self._generation = 0
        self._closed = False
        self._streams = 0
        self._poller: asyncio.Task[None] | None = None

    @property
    def num_streams(self) -> int:
        """How many are reading now."""
        return self._streams

    def end_streams(self) -> None:
        """End the streams that are open; new ones may begin."""
        self._generation += 1
        self._announce()

    def close(self) -> None:
        """End all streams for good: the server stops."""
        self._closed = True
        self.end_streams()

    @contextlib.asynccontextmanager
    async def join(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """The messages for one reader.

        Raises:
            TooManyStreams: ``events.too_many`` if the limit is reached, ``events.closed`` while the server stops.
        """
        if self._closed:
            raise TooManyStreams("events.closed", "The server is stopping.")
        if self._streams >= self._max_streams:
            raise TooManyStreams(
                "events.too_many", f"There are {self._streams} event streams already.", hint="Close other pages."
            )
        self._streams += 1
        if self._poller is None:
            self._poller = asyncio.create_task(self._watch())
        try:
            yield self._messages(self._generation)
        finally:
            self._streams -= 1
            if self._streams == 0 and self._poller is not None:
                self._poller.cancel()
                self._poller, self._state = None, None

    async def _messages(self, generation: int) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        seen: tuple[int, int, int] | None = None
        while generation == self._generation:
            changed = self._changed
            if self._state is not None and self._state != seen:
                before, seen = seen, self._state
                if before is None or before[:2] != seen[:2]:
                    yield _message(*seen[:2])
                if before is not None and before[2] != seen[2]:
                    yield _jobs_message(seen[2])
                continue
            try:
                async with asyncio.timeout(self._heartbeat):
                    await changed.wait()
            except TimeoutError:
                yield b": alive\n\n"

    async def _watch(self) -> None:
        while True:
            try:
                state: tuple[int, int, int] | None = await to_thread.run_sync(self._look)
            except Exception as error:  # a project that cannot be read now may be readable again at the next look
                logger.warning("cannot read the revision: %s", type(error).__name__)
                state = self._state
            if state != self._state:
                self._state = state
                self._announce()
            await self._pause()

    async def _pause(self) -> None:
        """Wait for the time of the next look; a database server says when there is something new."""
        if self._project.address is None:
            await asyncio.sleep(self._poll)
        else:
            await to_thread.run_sync(self._project.wait_for_change, LISTEN_S, abandon_on_cancel=True)

    def _look(self) -> tuple[int, int, int]:
        revision = self._project.revision()
        jobs = self._jobs() if self._jobs is not None else 0
        if self._state is not None and self._state[0] == revision:
            return (*self._state[:2], jobs)
        return revision, len(self._project), jobs

    def _announce(self) -> None:
        """Wake all readers; those who come later wait on the next event."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


class EventStream(Response):
    """The response that carries a feed until the client leaves, stalls, or the feed ends."""

    media_type = "text/event-stream"

    def __init__(self, feed: Feed) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed = feed

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until there is a reason to stop."""
        async with self._feed.join() as messages:
            sending = asyncio.create_task(self._send(messages, send))
            leaving = asyncio.create_task(_gone(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                leaving.cancel()
                sending.cancel()
                await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send(self, messages: AsyncIterator[bytes], send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with contextlib.suppress(TimeoutError):
            async for message in messages:
                async with asyncio.timeout(STALLED_S):
                    await send({"type": "http.response.body", "body": message, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _message(revision: int, models: int) -> bytes:
    data = RevisionNews(revision=revision, models=models).model_dump_json()
    return f"event: revision\nid: {revision}\ndata: {data}\n\n".encode()


def _jobs_message(revision: int) -> bytes:
    return f"event: jobs\ndata: {JobsNews(revision=revision).model_dump_json()}\n\n".encode()
