"""How far a request is that is being answered."""

from __future__ import annotations

from ...page.wire.base import Watched
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["watches"])


@router.get("/watches/{name}")
@needs("read")
def watch(here: Here, name: str) -> Watched | None:
    """What is done for a request that named itself in the header ``X-Watch``, and how far; null for one answered."""
    found = here.watches.get(name)
    return None if found is None else Watched(what=found.what, done=found.done, total=found.total)


@router.delete("/watches/{name}", status_code=204)
@needs("read")
def cancel(here: Here, name: str) -> None:
    """End a request at its next step. One that has been answered stays answered."""
    here.watches.cancel(name)
