"""A gate over HTTP: rules, and what came of each."""

from __future__ import annotations

from ...comparisons.gate.report import GateReport
from .base import Answer, Ask, Json, Number, number


class GateAsk(Ask):
    """A model, what it must not fall behind (the root of its lineage if null), and the rules as YAML."""

    model: str
    base: str | None = None
    rules: str


class GateRulesText(Ask):
    """The rules of the project's gate as YAML; an empty text keeps none."""

    rules: str


class GateRulesAnswer(Answer):
    """The rules that the project keeps; null if it keeps none."""

    rules: str | None


class GateCheckAnswer(Answer):
    """One rule and what came of it: pass, fail or undecided; the number, its interval and the bound, and in words."""

    rule: str
    kind: str
    outcome: str
    value: Number | None
    low: Number | None
    high: Number | None
    limit: Number
    count: int | None
    method: str | None
    shown: str
    reason: str
    line: int | None
    details: list[dict[str, Json]]


class GateAnswer(Answer):
    """All checks of a model, as `compress-compare gate --json` prints them."""

    model: str
    base: str
    outcome: str
    checks: list[GateCheckAnswer]


def gate(report: GateReport) -> GateAnswer:
    """What a gate found."""
    checks = [GateCheckAnswer.model_validate(_plain(check.as_dict())) for check in report.checks]
    return GateAnswer(model=report.model, base=report.base, outcome=report.outcome, checks=checks)


def _plain(row: dict[str, Json]) -> dict[str, Json]:
    plain = {name: number(value) if isinstance(value, float) else value for name, value in row.items()}
    details = plain.get("details")
    return plain | {"details": [_plain(each) for each in details]} if isinstance(details, list) else plain
