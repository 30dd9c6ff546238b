"""``compress-compare reality``."""

from __future__ import annotations

import sys
from typing import Any

import click

from .. import project as projects
from ..analysis.quantities import writing
from ..engines import measuring
from ..engines.local import LocalEngine
from ..evaluation import metrics
from ..records import Job
from .output import cell, echo_json, echo_table, job_line, json_option
from .progress import StepProgress
from .trust import asking, trust_option

SHOWN = (
    ("sparsity", "sparsity", metrics.SPARSITY),
    ("stored", "stored_bytes", metrics.MODEL_SIZE),
    ("gzip", "gzip_bytes", metrics.GZIP_SIZE),
    ("packed", "packed_bytes", metrics.PACKED_SIZE),
    ("MACs", "macs", metrics.MACS),
    ("memory", "peak_memory_bytes", metrics.PEAK_MEMORY),
    ("PyTorch", "latency_s", metrics.LATENCY),
    ("IQR", "latency_iqr_s", metrics.LATENCY_IQR),
    ("ONNX Runtime", "onnx_latency_s", metrics.ONNX_LATENCY),
    ("IQR", "onnx_latency_iqr_s", metrics.ONNX_LATENCY_IQR),
)
"""Title, column, and the metric in whose format it is printed."""


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
    titles = [title for title, _, _ in SHOWN]
    told = [[writing.written(row[name], metric) for _, name, metric in SHOWN] for row in rows]
    shown = [[row["model"], row["bits"], *each] for row, each in zip(rows, told, strict=True)]
    echo_table(["model", "bits", *titles], shown, numbers=titles)
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
