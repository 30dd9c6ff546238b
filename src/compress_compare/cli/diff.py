"""``compress-compare diff``."""

from __future__ import annotations

import datetime
import math
import tempfile
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from .. import project as projects
from ..analysis.reality import size
from ..comparisons.files import FileDifference, differences, keys_of, names_of
from ..errors import InvalidValue
from . import files
from .output import cell, echo_json, echo_table, json_option

MOST_CHARACTERS = 200
MOST_SHOWN = 25
"""Checkpoints that the page of layers shows at once."""

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
@click.option("--html", type=click.Path(path_type=Path), help="Write the page of layers to this one file, too.")
@click.option("--serve", is_flag=True, help="Show the page of layers in the browser instead, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), help="Of --serve. Default: 8787 or the next free one.")
@click.option("--no-browser", is_flag=True, help="Of --serve: print the address without opening a browser.")
@json_option
def diff(paths: tuple[Path, ...], *, top: int, keys: tuple[str, ...], as_json: bool, **page: Any) -> None:
    """Compare checkpoints, files or folders of any format, with the first of PATHS, without a project.

    Print what was claimed and what is missing, then the tensors that changed most and the suspects. No project is kept:
    --html and --serve copy the checkpoints to a temporary folder (TMPDIR says where), which is removed at the end.
    """
    with tempfile.TemporaryDirectory(prefix="compress-compare-") as scratch:
        if page["serve"]:
            _serve(paths, Path(scratch), keys=keys, page=page)
            return
        found = differences(paths, Path(scratch), keys=keys)
        if page["html"]:
            _write(paths, Path(scratch), keys=keys, target=page["html"], found=found)
    if as_json:
        echo_json({"base": str(paths[0]), "models": [_plain(one) for one in found]})
        return
    for one in found:
        _show(one, top)


def _serve(paths: Sequence[Path], scratch: Path, *, keys: Sequence[str], page: Mapping[str, Any]) -> None:
    from ..server.serving import ServerOptions, serve

    names = _log(paths, scratch / "diff", keys=keys)
    view = "#/layers?" + "&".join(f"sel={quote(name, safe='')}" for name in names)
    browser = not page["no_browser"]
    serve(scratch / "diff", port=page["port"], open_browser=browser, announce=click.echo, options=ServerOptions(view))


def _write(
    paths: Sequence[Path], scratch: Path, *, keys: Sequence[str], target: Path, found: Sequence[FileDifference]
) -> None:
    from ..report import compared

    names = _log(paths, scratch / "diff", keys=keys)
    said = {name: _sentences(one) for name, one in zip(names[1:], found, strict=True)}
    with projects.open(scratch / "diff", create=False) as project:
        text = compared(project, names, said=said, now=datetime.datetime.now(datetime.UTC).date())
    files.write(target, text.encode())
    click.echo(f"Wrote {target} ({len(text.encode()) / 1e6:.1f} MB).", err=True)


def _log(paths: Sequence[Path], folder: Path, *, keys: Sequence[str]) -> list[str]:
    """Log the checkpoints to a project, the first as the base of the others; returns what they are called."""
    if not 2 <= len(paths) <= MOST_SHOWN:
        title = f"The page of layers compares from 2 to {MOST_SHOWN} checkpoints, and {len(paths)} are named."
        raise InvalidValue("diff.paths", title)
    names = [_called(name, at) for at, name in enumerate(names_of(paths))]
    with projects.open(folder) as project:
        for at, (name, path, key) in enumerate(zip(names, paths, keys_of(paths, keys), strict=True)):
            project.log_model(name, base=names[0] if at else None, checkpoint=path, key=key)
    return names


def _called(name: str, at: int) -> str:
    """A path as the name of a model: what a name may not hold is left out."""
    kept = "".join(one for one in unicodedata.normalize("NFC", name) if one.isprintable())[-MOST_CHARACTERS:]
    return kept if kept == name else f"{at}: {kept}"


def _sentences(one: FileDifference) -> list[str]:
    """What is said of a checkpoint: what was claimed against what is found, then what was compared and is missing."""
    whole = one.rows[0] if one.rows else {}
    said = [one.claim, _headline(whole), one.missing, *(f"{note}." for note in one.notes)]
    return [sentence[0].upper() + sentence[1:] for sentence in said if sentence]


def _plain(one: FileDifference) -> dict[str, Any]:
    left_out = ("histogram", "histogram_low", "histogram_high", "model")
    rows = [{name: value for name, value in row.items() if name not in left_out} for row in one.rows]
    return {**asdict(one), "rows": rows}


def _show(one: FileDifference, top: int) -> None:
    first, *others = _sentences(one)
    click.echo(f"{cell(one.model)}: {cell(first)}")
    for line in others:
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
    elif math.isnan(error):
        lost = "what was lost has no number, since some of the weights are NaN or infinite"
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
