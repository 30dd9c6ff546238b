"""``compress-compare ship``."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import click

from .. import project as projects
from ..shipping import Shipped
from .output import cell, echo_json, json_option
from .trust import asking, trust_option


@click.command()
@click.argument("project")
@click.argument("model")
@click.argument("directory")
@click.option("--format", default="packed", show_default=True, help="The format; an unknown one lists all.")
@click.option(
    "--sample", type=int, help="Examples that it is run on; default: 256. With 0, the numbers alone are compared."
)
@click.option("--rules", type=Path, help="A YAML file with the rules of a release, whose verdict the card gives.")
@trust_option
@json_option
def ship(project: str, model: str, directory: str, *, trust: bool, as_json: bool, **options: Any) -> None:
    """Write MODEL of PROJECT into DIRECTORY, read it back, and hold it against the model.

    Files that do not agree with the model are removed. The result is logged as a child of the model.
    """
    location = Path(project)

    def done() -> Shipped:
        with projects.open(location, create=False) as opened, redirect_stdout(sys.stderr):
            return opened.ship(model, directory, **options)

    shipped = asking(location, done, trust=trust)
    if as_json:
        echo_json(shipped.as_json())
        return
    for line in _lines(shipped):
        click.echo(line)


def _lines(shipped: Shipped) -> list[str]:
    proof = shipped.proof
    claimed = "" if shipped.claimed_bytes is None else f", {shipped.claimed_bytes:,} claimed"
    exact = "equal to the model's" if not proof.max_difference else f"within {proof.relative_difference:.1e}"
    lines = [
        f"Shipped {cell(shipped.model)} as {shipped.format} to {shipped.directory}.",
        f"Weights: {shipped.num_bytes:,} bytes{claimed}.",
        f"Numbers of {proof.tensors:,} tensors: {exact}.",
    ]
    if proof.agreement is None:
        lines.append("It was not run.")
    else:
        lines.append(
            f"Predictions on {proof.on}: {proof.agreement:.2%} agree, {proof.flips:,} flips, with {proof.runtime}."
        )
    if shipped.latency is not None:
        lines.append(f"One example takes {shipped.latency.value * 1e3:.3g} ms on {shipped.latency.device}.")
    lines += [f"Not packed: {cell(note)}" for note in shipped.notes]
    if shipped.child is not None:
        lines.append(f"Logged as {cell(shipped.child)}.")
    return lines
