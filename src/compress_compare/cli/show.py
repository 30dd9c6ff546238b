"""``compress-compare show``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import click

from .. import project as projects
from ..analysis.quantities import writing
from ..analysis.quantities.metrics import metrics_of
from ..errors import InvalidValue
from ..records import Metric, Model, Operation
from .output import cell, echo_json, echo_table, json_option


@click.command()
@click.argument("project")
@click.argument("model")
@json_option
def show(project: str, model: str, as_json: bool) -> None:
    """Show everything about one MODEL of PROJECT."""
    with projects.open(project, create=False) as opened:
        found = opened.model(model)
        metrics = {metric.name: metric for metric in opened.metrics()}
        covered = _coverage(opened, found)
        (checked,) = opened.reality(model).to_pylist()
    if as_json:
        echo_json({**document(found), "coverage": covered, "reality": checked})
        return
    click.echo(cell(found.id))
    for step in found.lineage:
        click.echo(f"  {cell(step.model)}  {cell(_operation(step.operation))}")
    _echo_metrics(found, metrics)
    for label, text in (("tags", ", ".join(found.tags)), ("note", found.note), ("datasets", ", ".join(found.datasets))):
        if text:
            click.echo(f"{label}: {cell(text)}")
    for line in _logged(found):
        click.echo(line)
    click.echo(f"reality check: {checked['reason']}")
    if covered is not None:
        counts = ", ".join(f"{count} {status}" for status, count in covered["tensors"].items())
        click.echo(f"tensors, against {cell(found.base or '')}: {counts}")
        for status in ("skipped", "unexpected"):
            for name in covered[status]:
                click.echo(f"  {status}: {cell(name)}")
    if found.checkpoint is not None:
        for file in found.checkpoint.files:
            click.echo(f"{cell(file.name)}: {found.checkpoint.format}, {file.num_bytes:,} bytes, SHA-256 {file.sha256}")


def _echo_metrics(model: Model, metrics: Mapping[str, Metric]) -> None:
    """The values, with those columns that say something about any of them."""
    values = [(name, one) for name, found in model.metrics.items() for one in found]
    if not values:
        return
    said = [
        label for label in ("slice", "device", "dataset", "protocol") if any(getattr(one, label) for _, one in values)
    ]
    corrected = {name: change for change in reversed(model.corrections) for name in change.new}
    rows = [
        [
            name,
            *(one.protocol_json if label == "protocol" else getattr(one, label) for label in said),
            writing.written(one.value, metrics[name]),
        ]
        for name, one in values
    ]
    click.echo()
    echo_table(["metric", *said, "value"], rows, numbers=["value"])
    for name, metric in metrics_of(corrected, metrics.values()).items():
        change = corrected[name]
        why = f": {change.reason}" if change.reason else ""
        old = change.old.get(name)
        was = writing.written(old, metric) if isinstance(old, int | float) else cell(old)
        click.echo(f"corrected: {cell(name)} was {was}, on {change.at[:10]}{cell(why)}")


def _logged(model: Model) -> Iterator[str]:
    """Lines about who logged a model, and what it is among those like it."""
    if model.replicate is not None:
        yield f"replicate: {cell(model.replicate)}"
    if model.archived_at is not None:
        yield f"archived: on {model.archived_at[:10]}"
    origin = model.origin
    if origin is None:
        return
    dirty = " with changes" if origin.dirty else ""
    commit = f", commit {origin.commit[:12]}{dirty}" if origin.commit else ""
    user = f"{origin.user} ({origin.token})" if origin.token else origin.user
    packages = ", ".join(f"{name} {version}" for name, version in origin.packages.items())
    yield cell(f"logged: {model.created_at[:19]} by {user} on {origin.host}{commit}")
    yield cell(f"  with {packages}" + (f"; {origin.command}" if origin.command else ""))


def _coverage(project: projects.Project, model: Model) -> dict[str, Any] | None:
    """How many tensors have each status against the base, and those to look at by name; null without tensors."""
    if model.base is None or model.checkpoint is None or project.model(model.base).checkpoint is None:
        return None
    from ..analysis.coverage import summary

    try:
        table = project.coverage(model.base, model.id)
    except InvalidValue:
        return None
    rows = table.select(["tensor", "status"]).to_pylist()
    named = {status: [row["tensor"] for row in rows if row["status"] == status] for status in ("skipped", "unexpected")}
    return {"tensors": summary(table.arrow), **named}


def document(model: Model) -> dict[str, Any]:
    """A model as JSON data."""
    return {
        "id": model.id,
        "base": model.base,
        "operation": model.operation.name if model.operation else None,
        "parameters": dict(model.operation.parameters) if model.operation else {},
        "step": model.step,
        "created_at": model.created_at,
        "lineage": [
            {
                "model": step.model,
                "operation": step.operation.name if step.operation else None,
                "parameters": dict(step.operation.parameters) if step.operation else {},
            }
            for step in model.lineage
        ],
        "references": [asdict(reference) for reference in model.references],
        "tags": list(model.tags),
        "note": model.note,
        "metrics": [{"name": name, **asdict(value)} for name, values in model.metrics.items() for value in values],
        "checkpoint": model.checkpoint
        and {
            "format": model.checkpoint.format,
            "num_bytes": model.checkpoint.num_bytes,
            "files": [asdict(file) for file in model.checkpoint.files],
        },
        "datasets": list(model.datasets),
        "replicate": model.replicate,
        "archived_at": model.archived_at,
        "origin": model.origin and asdict(model.origin),
        "corrections": [asdict(change) for change in model.corrections],
    }


def _operation(operation: Operation | None) -> str:
    if operation is None:
        return "(root)"
    return " ".join([operation.name, *(f"{name}={value}" for name, value in operation.parameters.items())])
