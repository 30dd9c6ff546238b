"""What models claim beside what they cost."""

from __future__ import annotations

from ...page.wire.reality import RealityAnswer, RealityAsk, RealityRow
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["reality"])


@router.post("/reality")
@needs("read")
def reality(here: Here, ask: RealityAsk) -> RealityAnswer:
    """Bytes, work, memory and time of models against their roots, whether that is as claimed, and why not."""
    roots = set(here.work.roots())
    rows = here.project.reality(ask.models).to_pylist()
    return RealityAnswer(models=[RealityRow(**row, measurable=row["root"] in roots) for row in rows])
