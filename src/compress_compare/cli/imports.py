"""``compress-compare import``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from .. import importers
from .. import project as projects
from ..errors import NotFound
from ..importers.preview import ImportPreview
from .output import cell, echo_json, echo_table, json_option

_T = TypeVar("_T")
SHOWN = 60
"""Models of a preview for people."""


@click.command("import", epilog=f"Built in: {', '.join(importers.IMPORTERS)}. Others: see the command plugins.")
@click.argument("places", nargs=-1, required=True, metavar="[SOURCE] PATH [PATH …] PROJECT")
@click.option(
    "--higher-is-better", "higher", multiple=True, metavar="METRIC", help="Higher values of this metric are better."
)
@click.option(
    "--lower-is-better", "lower", multiple=True, metavar="METRIC", help="Lower values of this metric are better."
)
@click.option(
    "--unit", "units", type=(str, str), multiple=True, metavar="METRIC UNIT", help="What a metric is measured in."
)
@click.option("--base-from", metavar="WHERE", help="What names the base, e.g. tag:base or config.base.")
@click.option("--operation-from", metavar="WHERE", help="What names the operation, e.g. config.method.")
@click.option("--base-pattern", metavar="REGEX", help="Takes the base from the name, e.g. '^(?P<base>.+)-w[0-9]+$'.")
@click.option("--mapping", metavar="FILE", help="YAML that says what the columns of a table are.")
@click.option("--write-mapping", metavar="FILE", help="Write what the columns of a table are taken for, to change it.")
@click.option(
    "--new-versions", is_flag=True, help="Log data that differs from PROJECT's under its name as a new version, NAME@2."
)
@click.option("--dry-run", is_flag=True, help="Show what would come in, and change nothing.")
@json_option
def import_(places: tuple[str, ...], higher: tuple[str, ...], lower: tuple[str, ...], **options: Any) -> None:
    """Import the experiments in each PATH, a file, folder or URL that another tool wrote, into PROJECT.

    The tool is recognized if SOURCE does not name it. All of it comes in or nothing.
    """
    source, paths, project, reason = _understood(places)
    rules = importers.Rules(options["base_from"], options["operation_from"], options["base_pattern"])
    mapping = importers.text(Path(options["mapping"])) if options["mapping"] else None
    how = importers.ImportHow(rules, mapping, higher, lower, dict(options["units"]), options["new_versions"])
    read = _read(source, paths, project, how=how)
    if options["write_mapping"]:
        _write_mapping(read, Path(options["write_mapping"]))
    recognized = {"source": source, "recognized_by": reason}
    if options["dry_run"]:
        _show(_previewed(read, project), recognized, as_json=options["as_json"])
        return
    with projects.open(project) as opened:
        report = importers.write(read, opened, new_versions=how.new_versions)
        if options["mapping"]:
            opened.keep_table_mapping(read.columns, read.mapping)
    if options["as_json"]:
        echo_json({**recognized, **asdict(report)})
        return
    if reason:
        click.echo(f"Recognized as {source}: {reason}.")
    for warning in report.warnings:
        click.echo(f"warning: {warning}", err=True)
    answers = report.num_datasets or report.num_outputs
    more = f", {report.num_datasets:,} datasets and {report.num_outputs:,} sets of outputs" if answers else ""
    known = report.num_models - report.num_new_models
    there = f" ({known:,} of them were there, with {report.num_new_values:,} new values)" if known else ""
    click.echo(f"Imported {report.num_models:,} models{more} into {project}{there}.")


def _read(source: str, paths: Sequence[str], project: str, *, how: importers.ImportHow) -> importers.Imported:
    """What is to be imported: a table by the mapping in a file, or by the one that the project has kept for it."""
    found = _from(project, lambda opened: importers.read(source, paths, how=how, project=opened))
    return importers.read(source, paths, how=how, project=None) if found is None else found


def _from(project: str, ask: Callable[[projects.Project], _T]) -> _T | None:
    """What a project says, if it is there."""
    try:
        with projects.open(project, create=False, read_only=True) as opened:
            return ask(opened)
    except NotFound as error:
        if error.code != "project.unknown":
            raise
    return None


def _write_mapping(read: importers.Imported, path: Path) -> None:
    if not read.mapping:
        raise click.UsageError("Only a table has a mapping to write.")
    path.write_text(read.mapping, encoding="utf-8")


def _understood(places: Sequence[str]) -> tuple[str, list[str], str, str | None]:
    """Source, paths and project of the arguments, and by what the source was recognized."""
    if len(places) < 2:
        raise click.UsageError("Give what to import and the project to import it into.")
    *paths, project = places
    if len(paths) > 1 and (paths[0] in importers.available() or not Path(paths[0]).exists()):
        return paths[0], paths[1:], project, None
    found = [importers.recognize(path) for path in paths]
    others = {one.source for one in found}
    if len(others) > 1:
        raise click.UsageError(f"The paths are of several tools ({', '.join(sorted(others))}): import them one by one.")
    return found[0].source, paths, project, found[0].reason


def _previewed(read: importers.Imported, project: str) -> ImportPreview:
    return _from(project, lambda opened: importers.preview(read, opened)) or importers.preview(read)


def _show(preview: ImportPreview, recognized: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        echo_json({**recognized, **preview.document()})
        return
    if recognized["recognized_by"]:
        click.echo(f"Recognized as {recognized['source']}: {recognized['recognized_by']}.")
    new = sum(model.is_new for model in preview.models)
    click.echo(f"\nModels: {len(preview.models):,}, of which {new:,} are new")
    for model in preview.models[:SHOWN]:
        parameters = ", ".join(f"{name}={value!r}" for name, value in model.parameters.items())
        made = f"  {cell(model.operation)}({cell(parameters)[:160]})" if model.operation else ""
        there = "" if model.is_new else "  (there)"
        unmeasured = "" if model.metrics else "  not measured"
        click.echo(f"  {'  ' * min(model.depth, 20)}{cell(model.id)}{made}{unmeasured}{there}")
    if len(preview.models) > SHOWN:
        click.echo(f"  … and {len(preview.models) - SHOWN:,} more")
    click.echo(f"\nMetrics: {len(preview.metrics):,}")
    echo_table(["metric", "unit", "better", "models", "not finite", "from", "to", "why"], _metric_rows(preview))
    for title, rows in (("Datasets", preview.datasets), ("Outputs", preview.outputs)):
        if rows:
            click.echo(f"\n{title}:")
            for row in rows[:SHOWN]:
                click.echo(f"  {', '.join(cell(value) for value in row[:-1])}: {row[-1]:,} instances")
    if preview.corrections or preview.num_new_values:
        click.echo(f"\nNew values of models that are there: {preview.num_new_values:,}")
    for one in preview.corrections[:SHOWN]:
        click.echo(f"  would change {cell(one.metric)} of {cell(one.model)}: {cell(one.reason)}")
    for notice in preview.notices:
        click.echo(f"note: {cell(notice)}")
    for warning in preview.warnings:
        click.echo(f"warning: {cell(warning)}")
    click.echo("\nNothing was imported.")


def _metric_rows(preview: ImportPreview) -> list[list[Any]]:
    better = {True: "higher", False: "lower", None: None}
    return [
        [
            *(one.metric.name, one.metric.unit, better[one.metric.higher_is_better], one.values),
            *(one.not_finite, one.low, one.high, one.reason),
        ]
        for one in preview.metrics
    ]
