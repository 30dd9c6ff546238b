"""Whether a model may be released, by rules, and the rules that the project keeps."""

from __future__ import annotations

from ...comparisons.gate import rules
from ...page.wire import gate as wire
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["gate"])


@router.post("/gate")
@needs("read")
def gate(here: Here, ask: wire.GateAsk) -> wire.GateAnswer:
    """Hold a model against rules: each passes, fails or is undecided."""
    return wire.gate(here.project.gate(ask.model, base=ask.base, rules=rules.loads(ask.rules)))


@router.get("/gate/rules")
@needs("read")
def kept_rules(here: Here) -> wire.GateRulesAnswer:
    """The rules that the project keeps."""
    return wire.GateRulesAnswer(rules=here.project.gate_rules())


@router.post("/gate/rules")
@needs("log")
def keep_rules(here: Here, ask: wire.GateRulesText) -> wire.GateRulesAnswer:
    """Keep rules with the project, in the place of those before."""
    here.project.keep_gate_rules(ask.rules)
    return kept_rules(here)
