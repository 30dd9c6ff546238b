"""The page inside a notebook: no server and no network, so that it also works where the notebook runs elsewhere."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import InvalidValue
from ..store.store import Store
from . import shown

PAGES = ("overview", "models", "behaviors", "layers", "damage", "candidates", "plan", "experiments")
"""What a file can show: the pages, the damage matrix of layers, and candidates side by side."""


@dataclass(frozen=True)
class NotebookPage:
    """What a notebook shows as the output of a cell.

    Args:
        text: a whole HTML file.
        height: of the frame, in pixels.
    """

    text: str = field(repr=False)
    height: int

    def _repr_html_(self) -> str:
        # The sandbox keeps what is shown from reaching the notebook that shows it.
        return (
            f'<iframe srcdoc="{html.escape(self.text)}" sandbox="allow-scripts allow-downloads" '
            f'style="width: 100%; height: {self.height}px; border: 0" title="Compress and Compare"></iframe>'
        )


def show(project: Store, models: Sequence[str] = (), *, page: str = "overview", height: int = 720) -> NotebookPage:
    """A page of a project as it is now, with these models selected.

    Args:
        project: what to show.
        models: ids.
        page: one of `PAGES`.
        height: of the frame, in pixels.

    Raises:
        NotFound: ``model.unknown``.
        InvalidValue: ``show.page``; ``layers.no_checkpoint`` where the layers of a model are not known.
    """
    if page not in PAGES:
        raise InvalidValue(
            "show.page",
            f"There is no page {page!r} to show; there are {', '.join(PAGES)}.",
            hint="Name one of them.",
        )
    return NotebookPage(shown(project, models, page=page), height)
