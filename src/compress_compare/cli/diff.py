"""``compress-compare diff``."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..analysis.reality import size
from ..comparisons.files import FileDifference, differences
from .output import cell, echo_json, echo_table, json_option

SHOWN = ("tensor", "paired by", "SQNR dB", "relative error", "new zeros", "format", "bits", "in the file")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--top", type=click.IntRange(min=0), default=20, show_default=True, help="How many tensors to list.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    help="Of a PyTorch file with several networks, the key of the one that is meant; once for all paths, or for each.",
)
@json_option
def diff(paths: tuple[Path, ...], *, top: int, keys: tuple[str, ...], as_json: bool) -> None:
    """Compare checkpoints, files or folders of any format, with the first of PATHS, without a project.

    Print what was claimed and what is missing, then the tensors that changed most and the suspects.
    """
    with tempfile.TemporaryDirectory(prefix="compress-compare-") as scratch:
        found = differences(paths, Path(scratch), keys=keys)
    if as_json:
        echo_json({"base": str(paths[0]), "models": [_plain(one) for one in found]})
        return
    for one in found:
        _show(one, top)


def _plain(one: FileDifference) -> dict[str, Any]:
    left_out = ("histogram", "histogram_low", "histogram_high", "model")
    rows = [{name: value for name, value in row.items() if name not in left_out} for row in one.rows]
    return {**asdict(one), "rows": rows}


def _show(one: FileDifference, top: int) -> None:
    whole = one.rows[0] if one.rows else {}
    click.echo(f"{cell(one.model)}: {_headline(whole)}")
    for line in (one.claim, one.missing, *(f"{note}." for note in one.notes)):
        if line:
            click.echo(f"  {cell(line)}")
    tensors = sorted((row for row in one.rows if row["parameter"] is not None), key=_worst)
    listed = [row for row in tensors if row["relative_error"] != 0][:top]
    if listed:
        click.echo()
        echo_table(SHOWN, [_row(row) for row in listed])
    if len(tensors) > len(listed):
        click.echo(f"  … and {len(tensors) - len(listed):,} more.")
    if one.suspects:
        click.echo()
        echo_table(["suspect", "reason"], [[row["module"], row["reason"]] for row in one.suspects])
    click.echo()


def _headline(whole: Mapping[str, Any]) -> str:
    if not whole:
        return "no tensor has a counterpart."
    error, compared = (
        whole["sqnr_db"],
        f"{whole['num_tensors_compared']:,} of {whole['num_tensors']:,} tensors compared",
    )
    if error is None:
        lost = "what was lost is not known"
    elif math.isinf(error):
        lost = "no number that was compared differs"
    else:
        lost = f"{error:.2f} dB"
    stored = "" if whole["file_bytes"] is None else f", {size(whole['file_bytes'])} in the file"
    return f"{compared}, {lost}{stored}."


def _worst(row: Mapping[str, Any]) -> float:
    error = row["relative_error"]
    return -math.inf if error is None else -error


def _row(row: Mapping[str, Any]) -> Sequence[Any]:
    name = ".".join(filter(None, (row["module"], row["parameter"])))
    stored = None if row["file_bytes"] is None else size(row["file_bytes"])
    values = (
        row["alignment"],
        row["sqnr_db"],
        row["relative_error"],
        row["zero_model_only"],
        row["dtype"],
        row["bits"],
    )
    return (name, *values, stored)
