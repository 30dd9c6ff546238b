"""What a request can reach: the project and what the application keeps beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from ..page.payloads import Payloads
from ..page.recent import RecentBehaviors
from ..page.snapshot import Snapshots
from ..project import Project
from .archives import Archives
from .events import Feed
from .jobs import JobQueue
from .keys import Keys
from .progress import Watches
from .uploads import Uploads


@dataclass(frozen=True)
class AppContext:
    """Made once per application; a route asks for it as a parameter of type `Here`."""

    project: Project
    snapshots: Snapshots
    feed: Feed
    keys: Keys
    comparisons: RecentBehaviors
    payloads: Payloads
    work: JobQueue
    watches: Watches
    uploads: Uploads
    archives: Archives
    import_from: frozenset[str]

    def start(self) -> None:
        """Go on with what earlier servers left."""
        self.work.recover()

    def stop(self) -> None:
        """End all work, and remove what was sent for it or made of it. The event loop closes the feed, before this."""
        self.work.close()
        self.uploads.close()
        self.archives.close()


async def _context(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


Here = Annotated[AppContext, Depends(_context)]
