"""``compress-compare reality``."""

from __future__ import annotations

import sys
from typing import Any

import click

from .. import project as projects
from ..engines import measuring
from ..engines.local import LocalEngine
from ..records import Job
from .output import cell, echo_json, echo_table, job_line, json_option
from .progress import StepProgress
from .trust import asking, trust_option

SHOWN = (
    ("model", "model"),
    ("sparsity", "sparsity"),
    ("bits", "bits"),
    ("stored B", "stored_bytes"),
    ("gzip B", "gzip_bytes"),
    ("packed B", "packed_bytes"),
    ("MACs", "macs"),
    ("memory B", "peak_memory_bytes"),
    ("PyTorch s", "latency_s"),
    ("IQR", "latency_iqr_s"),
    ("ONNX Runtime s", "onnx_latency_s"),
    ("IQR", "onnx_latency_iqr_s"),
)


@click.command()
@click.argument("project")
@click.argument("models", nargs=-1)
@click.option("--measure", is_flag=True, help="First measure the missing values by running the models.")
@trust_option
@json_option
def reality(project: str, models: tuple[str, ...], measure: bool, trust: bool, as_json: bool) -> None:
    """Compare what MODELS of PROJECT claim with what they cost, and say why the two differ; default: all models."""
    with projects.open(project, create=False) as opened:
        rows, failed = opened.reality(models or None).to_pylist(), False
        if measure:
            failed = _measure(opened, [row["model"] for row in rows if row["missing"]], trust=trust)
            rows = opened.reality(models or None).to_pylist()
    if as_json:
        echo_json({"models": rows})
    else:
        _show(rows)
    if failed:
        sys.exit(1)


def _show(rows: list[dict[str, Any]]) -> None:
    echo_table([title for title, _ in SHOWN], [[row[name] for _, name in SHOWN] for row in rows])
    click.echo()
    for row in rows:
        click.echo(f"{cell(row['model'])}: {row['reason']}")
    for device in dict.fromkeys(row[name] for row in rows for name in ("latency_device", "onnx_latency_device")):
        if device is not None:
            click.echo(f"times: {cell(device)}")
    _say_missing(rows)


def _measure(project: projects.Project, ids: list[str], *, trust: bool) -> bool:
    """Whether something could not be measured."""

    def measured() -> list[Job]:
        with StepProgress(sys.stderr) as progress:
            return measuring.measure(project.path, ids, engine=LocalEngine(1), progress=progress)

    jobs = asking(project.path, measured, trust=trust)
    for job in jobs:
        click.echo(job_line(job), err=True)
    return any(job.state != "done" for job in jobs)


def _say_missing(rows: list[dict[str, Any]]) -> None:
    incomplete = [row for row in rows if row["missing"]]
    if incomplete:
        names = dict.fromkeys(name for row in incomplete for name in row["missing"])
        click.echo(f"Not known of {len(incomplete)} of {len(rows)} models: {', '.join(names)}. Measure with --measure.")
