"""Named views of the page."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from ...page.wire.project import View, Views, ViewSave
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["views"])


@router.get("/views")
@needs("read")
def views(here: Here) -> Views:
    """All saved views, by name."""
    return Views(views=[View(name=name, address=address) for name, address in here.project.views().items()])


@router.post("/views")
@needs("log")
def save_view(here: Here, view: ViewSave) -> Views:
    """Keep a view under a name and give all of them."""
    here.project.save_view(view.name, view.address)
    return views(here)


@router.delete("/views")
@needs("log")
def delete_view(here: Here, name: Annotated[str, Query(description="The view's name.")]) -> Views:
    """Forget a view and give the others."""
    here.project.delete_view(name)
    return views(here)
