"""Printing: one JSON document, or a table for people."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any

import click

from ..analysis.quantities import writing
from ..records import Job, Metric

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")


def echo_json(document: Any) -> None:
    """Print ``document`` as JSON; NaN and infinities as the strings ``NaN``, ``Infinity``, ``-Infinity``."""
    click.echo(json.dumps(plain(document), ensure_ascii=False, indent=2, allow_nan=False))


@contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """What is printed inside goes to stderr, whether Python prints it or a library below, so that stdout is ours."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def plain(value: Any) -> Any:
    """``value`` with floats that JSON cannot hold replaced by strings."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def echo_table(header: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: Collection[str] = ()) -> None:
    """Print aligned columns; numbers to the right, and the columns that ``numbers`` names."""
    cells = [[cell(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(header), *cells]) for i in range(len(header))]
    numeric = [
        header[i] in numbers or (bool(rows) and all(isinstance(row[i], int | float | None) for row in rows))
        for i in range(len(header))
    ]
    for line in [list(header), *cells]:
        padded = (
            text.rjust(w) if right else text.ljust(w) for text, w, right in zip(line, widths, numeric, strict=True)
        )
        click.echo("  ".join(padded).rstrip())


def cell(value: Any) -> str:
    """One value as a person reads it: a dash for missing, four significant digits, control characters made visible."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value))


def job_line(job: Job) -> str:
    """How a job ended, with what went wrong."""
    detail = (job.error or {}).get("detail")
    return cell(f"{job.state}: {job.message}{f' {detail}' if detail else ''}")


def echo_models(rows: Sequence[Mapping[str, Any]], names: Sequence[str], *, metrics: Mapping[str, Metric]) -> None:
    """Print columns of models, each value in its metric's own format and unit.

    Args:
        rows: by column.
        names: the columns to print.
        metrics: by column, the metric that its numbers are of.
    """
    shown = [
        [writing.written(row[name], metrics[name]) if name in metrics else row[name] for name in names] for row in rows
    ]
    echo_table(
        names, [[", ".join(each) if isinstance(each, list) else each for each in row] for row in shown], numbers=metrics
    )
