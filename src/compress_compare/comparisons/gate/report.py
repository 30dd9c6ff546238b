"""What a gate found, as data, as JUnit XML for a build server and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from ...analysis.gate.verdicts import GateEstimate, GateOutcome
from ...table import Table
from .rules import GateRule

WORDS: Mapping[GateOutcome, str] = {"pass": "pass", "fail": "fail", "undecided": "not enough data"}
SCHEMA = pa.schema(
    [
        ("rule", pa.string()),
        ("kind", pa.string()),
        ("outcome", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("limit", pa.float64()),
        ("count", pa.int64()),
        ("method", pa.string()),
        ("shown", pa.string()),
        ("reason", pa.string()),
        ("line", pa.int64()),
    ]
)


@dataclass(frozen=True)
class GateCheck:
    """One rule and what came of it.

    Args:
        rule: the rule.
        outcome: ``pass``, ``fail`` or ``undecided``.
        limit: the bound as a number.
        estimate: what was held against it; ``None`` where there is no number.
        shown: the same in words, in the metric's format.
        reason: why it is so, where the numbers do not say it.
        details: of rules about groups, a row for each.
    """

    rule: GateRule
    outcome: GateOutcome
    limit: float
    estimate: GateEstimate | None = None
    shown: str = ""
    reason: str = ""
    details: tuple[Mapping[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        found = self.estimate
        return {
            "rule": self.rule.text,
            "kind": self.rule.kind,
            "outcome": self.outcome,
            "value": found and found.value,
            "low": found and found.low,
            "high": found and found.high,
            "limit": self.limit,
            "count": found and found.count,
            "method": found and found.method,
            "shown": self.shown,
            "reason": self.reason,
            "line": self.rule.place.line,
            "details": [dict(row) for row in self.details],
        }


@dataclass(frozen=True)
class GateReport:
    """All checks of a model.

    Args:
        model: id.
        base: id of what it was compared with.
        checks: in the order of the rules.
        outcome: ``fail`` if one failed, else ``undecided`` if one is, else ``pass``.
    """

    model: str
    base: str
    checks: tuple[GateCheck, ...]
    outcome: GateOutcome

    @property
    def passed(self) -> bool:
        """Whether every rule passed."""
        return self.outcome == "pass"

    @property
    def table(self) -> Table:
        """One row per check: ``rule, kind, outcome, value, low, high, limit, count, method, shown, reason, line``."""
        rows = [{name: row[name] for name in SCHEMA.names} for row in (check.as_dict() for check in self.checks)]
        return Table(pa.Table.from_pylist(rows, schema=SCHEMA))

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        checks = [check.as_dict() for check in self.checks]
        return {"model": self.model, "base": self.base, "outcome": self.outcome, "checks": checks}

    def markdown(self) -> str:
        """As a comment on a pull request."""
        lines = [
            f"### {_escaped(self.model)} against {_escaped(self.base)}: {WORDS[self.outcome]}",
            "",
            "| rule | found | outcome | why |",
            "|---|---|---|---|",
        ]
        for check in self.checks:
            cells = (check.rule.text, check.shown or "–", WORDS[check.outcome], check.reason)
            lines.append(f"| {' | '.join(map(_escaped, cells))} |")
        return "\n".join([*lines, ""])

    def junit(self, *, undecided: str = "undecided") -> str:
        """As JUnit XML: a failed rule is a failure, one without enough data an error.

        Args:
            undecided: what ``fail`` turns such an error into, a failure, and ``pass`` into a skipped test.
        """
        kinds = {"fail": "failure", "undecided": {"fail": "failure", "pass": "skipped"}.get(undecided, "error")}
        found = [kinds.get(check.outcome) for check in self.checks]
        counts = {
            "tests": str(len(found)),
            "failures": str(found.count("failure")),
            "errors": str(found.count("error")),
            "skipped": str(found.count("skipped")),
        }
        suite = ElementTree.Element("testsuite", {"name": _printable(f"gate {self.model}"), **counts})
        for check, kind in zip(self.checks, found, strict=True):
            case = ElementTree.SubElement(
                suite, "testcase", {"classname": _printable(f"gate.{self.model}"), "name": _printable(check.rule.text)}
            )
            said = _printable(" ".join(filter(None, (check.shown, check.reason))))
            if kind is not None:
                ElementTree.SubElement(case, kind, {"message": said}).text = said
            elif said:
                ElementTree.SubElement(case, "system-out").text = said
        ElementTree.indent(suite)
        return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """Without characters that XML cannot hold."""
    return "".join(c if c.isprintable() else " " for c in text)


def _escaped(text: str) -> str:
    return _printable(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
