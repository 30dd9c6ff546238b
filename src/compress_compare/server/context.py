"""What a request can reach: the project and what the application keeps beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from ..project import Project
from .comparisons import Comparisons
from .events import Feed
from .keys import Keys
from .payloads import Payloads
from .snapshot import Snapshots
from .watches import Watches
from .work import Work


@dataclass(frozen=True)
class Context:
    """Made once per application; a route asks for it as a parameter of type `Here`."""

    project: Project
    snapshots: Snapshots
    feed: Feed
    keys: Keys
    comparisons: Comparisons
    payloads: Payloads
    work: Work
    watches: Watches


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
