"""What changed for single instances, classes and slices."""

from __future__ import annotations

from .. import answers
from ..context import Here
from ..router import API, Router, needs_token
from ..wire_behaviors import Behaviors, BehaviorsAsk

router = Router(prefix=API, tags=["behaviors"])


@router.post("/behaviors")
@needs_token
def behaviors(here: Here, ask: BehaviorsAsk) -> Behaviors:
    """A base against models on a dataset by a per-instance metric: the parts that are asked for, the others null."""
    found = here.comparisons.get(ask.base, ask.models, dataset=ask.dataset, metric=ask.metric, by=ask.by)
    return answers.behaviors(found, ask)
