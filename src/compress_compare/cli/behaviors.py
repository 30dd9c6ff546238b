"""``compress-compare behaviors``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .. import project as projects
from ..analysis.quantities import writing
from ..comparisons.behaviors import PARTS, Behaviors
from ..errors import InvalidValue
from ..exporters import tables
from ..records import Metric
from . import files
from .output import echo_json, echo_table, json_option

SHOWN = ("model", "group", "count", "value", "difference", "ci_low", "ci_high", "agreement")
CHANGES = ("difference", "ci_low", "ci_high")
AGREEMENT = Metric("agreement", format=".1%", min=0, max=1)
FLIPS = ("right_to_wrong", "wrong_to_right", "wrong_to_wrong")
ADJUSTED, TITLE = "mcnemar_p_adjusted", "McNemar p (Holm)"
"""The one p-value of a model: adjusted for the number of models, as on the page and in the report."""


@click.command()
@click.argument("project")
@click.argument("models", nargs=-1, required=True)
@click.option("--base", help="The model that the others are compared with; default: the first of MODELS.")
@click.option("--dataset", help="The dataset of the predictions; not needed if there is only one.")
@click.option("--metric", default="correct", show_default=True, help="A per-instance metric.")
@click.option("--by", multiple=True, help="Group by this metadata column instead of the class; can be given twice.")
@click.option(
    "--bootstrap", type=click.IntRange(min=100), help="Add paired bootstrap intervals from this number of resamples."
)
@click.option(
    "-o", "--output", help="Instead, write a table to this file; its ending, .csv or .parquet, decides the format."
)
@click.option("--part", type=click.Choice(PARTS), default="instances", show_default=True, help="The table to write.")
@json_option
def behaviors(project: str, models: tuple[str, ...], *, base: str | None, as_json: bool, **options: Any) -> None:
    """Compare the predictions of MODELS of PROJECT with those of a base: flips, classes, instances."""
    by = options["by"]
    with projects.open(project, create=False) as opened:
        data = options["dataset"] or _only([one.name for one in opened.datasets()])
        found = opened.behaviors(base or models[0], models, data, options["metric"], by or None)
        if options["output"]:
            _write(found, options["part"], Path(options["output"]))
            return
        drawn = found.bootstrap(options["bootstrap"]) if options["bootstrap"] else None
        if as_json:
            extra = {} if drawn is None else {"bootstrap": drawn.to_pylist()}
            echo_json({"dataset": data, **_document(found), **extra})
            return
        _echo(found.summary.to_pylist(), _format(found))
        if drawn is not None:
            click.echo()
            echo_table(drawn.column_names, [list(row.values()) for row in drawn.to_pylist()])
        if by:
            click.echo()
            _echo(found.groups.to_pylist(), _format(found))


def _write(found: Behaviors, part: str, path: Path) -> None:
    kinds: dict[str, tables.Format] = {".csv": "csv", ".parquet": "parquet"}
    if path.suffix.lower() not in kinds:
        hint = "End it in .csv or .parquet."
        raise InvalidValue("export.unknown_format", f"The name {path.name!r} does not say which format.", hint=hint)
    table = found.part(part)
    files.write(path, tables.written(table.arrow, kinds[path.suffix.lower()]))
    click.echo(f"Wrote {len(table):,} rows of {part} to {path}.")


def _document(found: Behaviors) -> dict[str, Any]:
    return {
        "base": found.base,
        "models": found.models,
        "metric": found.metric,
        "metrics": found.metrics,
        "num_instances": found.num_instances,
        "summary": found.summary.to_pylist(),
        "groups": found.groups.to_pylist() if found.can_group else None,
        "changes": found.changes.to_pylist() if found.has_classes else None,
    }


def _format(found: Behaviors) -> Metric:
    """How values of the metric are written."""
    known = found.definition
    return Metric(found.metric, unit=known.unit, format=known.format, min=known.low, max=known.high)


def _plain(value: Any) -> Any:
    return value


def _echo(rows: list[dict[str, Any]], metric: Metric) -> None:
    known = (*SHOWN, *FLIPS, ADJUSTED)
    names = [name for name in known if name in rows[0] and any(row[name] is not None for row in rows)]
    titles = [TITLE if name == ADJUSTED else name for name in names]
    told: dict[str, Callable[[Any], Any]] = {
        "value": lambda value: writing.written(value, metric),
        "agreement": lambda value: writing.written(value, AGREEMENT),
        **dict.fromkeys(CHANGES, lambda value: writing.written_difference(value, metric)),
    }
    shown = [[told.get(name, _plain)(row[name]) for name in names] for row in rows]
    echo_table(titles, shown, numbers=told)


def _only(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    raise InvalidValue(
        "dataset.missing",
        "Name the dataset." if names else "There is no dataset in this project.",
        hint=f"Add --dataset and one of: {', '.join(names)}." if names else "Log one with project.log_dataset().",
    )
