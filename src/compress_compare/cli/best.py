"""``compress-compare best``."""

from __future__ import annotations

import json

import click

from .. import project as projects
from ..analysis.ask.selecting import ModelColumns
from ..comparisons import ask
from ..errors import InvalidValue, NotFound
from .output import cell, echo_json, echo_models, json_option

bounds_options = (
    click.option("--min", "low", multiple=True, help="METRIC=BOUND: leave out models below; repeatable."),
    click.option(
        "--max", "high", multiple=True, help="METRIC=BOUND: leave out models above, e.g. 'Packed Size=300 kB'."
    ),
    click.option("--where", help="Only models that meet this condition; see ls."),
)

LISTED = 5
"""How many models of a tie are named at most."""


@click.command()
@click.argument("project")
@click.option("--by", help="The metric to be best in; default: the first primary one that has no bound.")
@bounds_options[0]
@bounds_options[1]
@bounds_options[2]
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="How many models to print.")
@json_option
def best(project: str, by: str | None, *, low: tuple[str, ...], high: tuple[str, ...], **options: object) -> None:
    """Name the best model of PROJECT by one metric, among those within the bounds."""
    bounds, where = given(low, high), options["where"]
    with projects.open(project, create=False) as opened:
        known = ask.columns(opened)
        name = known.named(by) if by else _objective(known, bounds)
        found = ask.best(opened, name, bounds=bounds, where=where if isinstance(where, str) else None)
    rows = found.slice(0, int(str(options["top"]))).to_pylist()
    if not rows:
        hint = "Loosen a bound, name another metric with --by, or see what there is: compress-compare ls PROJECT"
        raise NotFound("ask.none", f"No model within the bounds has a value of {name!r}.", hint=hint)
    values = zip(found["id"].to_pylist(), found[name].to_pylist(), strict=True)
    tied = [id for id, value in list(values)[len(rows) :] if value == rows[-1][name]]
    if tied:
        more = f" and {len(tied) - LISTED} more" if len(tied) > LISTED else ""
        said = f"{', '.join(map(cell, tied[:LISTED]))}{more}"
        click.echo(f"note: {said} {'has' if len(tied) == 1 else 'have'} the same {name}.", err=True)
    if options["as_json"]:
        for row in rows:
            row["parameters"] = json.loads(row["parameters"])
        echo_json({"by": name, "within": len(found), "models": rows, "tied": tied})
        return
    bounded = [known.named(each) for each in (*(bounds.low or {}), *(bounds.high or {}))]
    echo_models(rows, list(dict.fromkeys(["id", name, *bounded, "operation", "parameters"])), metrics=known.metrics)


def given(low: tuple[str, ...], high: tuple[str, ...]) -> ask.Bounds:
    """Bounds as the options give them.

    Raises:
        InvalidValue: ``ask.bound`` for one without an equals sign.
    """
    return ask.Bounds(_pairs(low), _pairs(high))


def _pairs(options: tuple[str, ...]) -> dict[str, str | float]:
    found: dict[str, str | float] = {}
    for text in options:
        name, sign, bound = text.rpartition("=")
        if not sign:
            raise InvalidValue(
                "ask.bound", f"{text[:80]!r} is not METRIC=BOUND.", hint="For example: 'Packed Size=300 kB'."
            )
        found[name.strip()] = bound.strip()
    return found


def _objective(known: ModelColumns, bounds: ask.Bounds) -> str:
    bounded = {known.named(name) for name in (*(bounds.low or {}), *(bounds.high or {}))}
    for name, metric in known.metrics.items():
        if metric.primary and metric.higher_is_better is not None and name not in bounded:
            return name
    raise InvalidValue(
        "ask.objective", "There is no primary metric left to be best in.", hint="Name one with --by METRIC."
    )
