"""``compress-compare gate``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import project as projects
from ..errors import InvalidValue, StorageError
from . import files
from .output import cell, echo_table, plain

if TYPE_CHECKING:
    from ..comparisons.gate.report import GateReport

CODES = {"pass": 0, "fail": 3, "undecided": 4}
FORMATS = ("table", "json", "junit", "markdown")


@click.command()
@click.argument("project")
@click.argument("model")
@click.option("--base", help="What the model must not fall behind; default: the root of its lineage.")
@click.option("--rules", help="The YAML file with the rules; default: those that the project keeps.")
@click.option("--keep", is_flag=True, help="Keep the rules of --rules in the project first.")
@click.option(
    "--undecided",
    type=click.Choice(tuple(CODES)),
    default="undecided",
    show_default=True,
    help="How a gate without enough data counts.",
)
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="table", show_default=True, help="What to print."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("-o", "--output", help="Write that to this file, and print the table.")
def gate(project: str, model: str, *, base: str | None, keep: bool, **options: str | None) -> None:
    """Hold MODEL of PROJECT against the rules of a release. Exit code 0: passed, 3: failed, 4: not enough data."""
    counts = str(options["undecided"])
    try:
        path = None if options["rules"] is None else Path(options["rules"])
        with projects.open(project, create=False, read_only=not keep) as opened:
            if keep:
                opened.keep_gate_rules(_read(path))
            report = opened.gate(model, base=base, rules=path)
    except StorageError as error:
        click.echo(" ".join(filter(None, (error.title, error.detail, error.hint))), err=True)
        sys.exit(1)
    format_ = "json" if options["as_json"] else str(options["format_"])
    if options["output"]:
        files.write(Path(options["output"]), _text(report, format_, undecided=counts).encode())
        format_ = "table"
    if format_ == "table":
        _show(report, undecided=counts)
    else:
        click.echo(_text(report, format_, undecided=counts), nl=False)
    outcome = counts if report.outcome == "undecided" else report.outcome
    sys.exit(CODES[outcome])


def _read(path: Path | None) -> str:
    from ..comparisons.gate import rules

    if path is None:
        raise InvalidValue("gate.keep", "--keep needs the --rules that are to be kept.")
    return rules.read(path)


def _text(report: GateReport, format_: str, *, undecided: str) -> str:
    if format_ == "junit":
        return report.junit(undecided=undecided)
    if format_ == "markdown":
        return report.markdown()
    if format_ == "json":
        return json.dumps(plain(report.as_dict()), ensure_ascii=False, indent=2, allow_nan=False) + "\n"
    lines = [f"{check.rule.text}\t{check.shown}\t{check.outcome}\t{check.reason}" for check in report.checks]
    return "\n".join([*lines, report.outcome, ""])


def _show(report: GateReport, *, undecided: str) -> None:
    from ..comparisons.gate.report import WORDS

    rows = [[check.rule.text, check.shown or None, WORDS[check.outcome], check.reason] for check in report.checks]
    echo_table(["rule", "found", "outcome", "why"], rows)
    counted = ""
    if report.outcome == "undecided" and undecided != "undecided":
        counted = f", which counts as a {undecided}"
    click.echo(f"{cell(report.model)} against {cell(report.base)}: {WORDS[report.outcome]}{counted}")
