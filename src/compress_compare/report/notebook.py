"""The page inside a notebook: no server and no network, so that it also works where the notebook runs elsewhere."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..store.store import Store
from . import overview


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


def show(project: Store, models: Sequence[str] = (), *, height: int = 720) -> NotebookPage:
    """The overview of a project as it is now, with these models selected.

    Args:
        project: what to show.
        models: ids.
        height: of the frame, in pixels.

    Raises:
        NotFound: ``model.unknown``.
    """
    return NotebookPage(overview(project, models), height)
