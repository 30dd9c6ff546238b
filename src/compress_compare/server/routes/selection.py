"""What differs within a selection of models."""

from __future__ import annotations

from ...analysis.selection import variables
from ...page.wire.selection import SelectionAnswer, SelectionAsk
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["selection"])


@router.post("/selection")
@needs("read")
def selection(here: Here, ask: SelectionAsk) -> SelectionAnswer:
    """The experimental variables of the selected models, each model's values, and how to chart them."""
    found = variables.selection(here.snapshots.latest().graph, ask.models)
    return SelectionAnswer.model_validate(found, from_attributes=True)
