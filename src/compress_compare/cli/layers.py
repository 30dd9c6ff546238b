"""``compress-compare layers``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .. import project as projects
from ..analysis.layers import tree
from ..analysis.layers.measures import MEASURES, columns
from ..comparisons.layers import activation_answers
from ..comparisons.layers.compare import Layers
from ..errors import InvalidValue
from ..exporters import model_explorer
from . import files
from .output import cell, echo_json, echo_table, json_option

SHOWN = {
    "sparsity": columns("sparsity"),
    "weights": columns("weights"),
    "storage": ["dtype", "scheme", "bits", "group_size", *columns("storage")],
    "activations": columns("activations"),
}
"""Columns that a terminal has room for."""


@click.command()
@click.argument("project")
@click.argument("models", nargs=-1, required=True)
@click.option("--base", help="The model that the others are compared with; default: the first of MODELS.")
@click.option("--what", type=click.Choice(list(SHOWN)), default="weights", show_default=True, help="What to compare.")
@click.option(
    "--examples",
    type=click.IntRange(1, 100_000),
    default=activation_answers.EXAMPLES,
    show_default=True,
    help="For activations, on how many examples the page has compared them.",
)
@click.option("--depth", type=click.IntRange(min=0), help="Only modules down to this depth, without their tensors.")
@click.option("--overlay", help="Instead, write one model's numbers to this file as node data for Model Explorer.")
@click.option("--measure", help="The measure to write there; default: the first of the mode.")
@click.option(
    "--align",
    multiple=True,
    metavar="BASE=MODEL",
    help="Compare this tensor of the base with that tensor of the models.",
)
@json_option
def layers(project: str, models: tuple[str, ...], *, base: str | None, as_json: bool, **options: Any) -> None:
    """Compare the layers of MODELS of PROJECT with those of a base, and list the suspects."""
    others = [id for id in models if id != base] if base else list(models[1:] or models)
    others, what, depth = others or [models[0]], options["what"], options["depth"]
    with projects.open(project, create=False) as opened:
        if what == "activations":
            found = activation_answers.kept(opened, base or models[0], models=others, examples=options["examples"])
        else:
            found = opened.layers(base or models[0], others, what, alignment=_alignment(options["align"]))
        if options["overlay"]:
            _write_overlay(found, others, options["overlay"], measure=options["measure"])
            return
        rows = [row for row in found.table.to_pylist() if _is_shown(row, depth)]
        suspects = found.suspects.to_pylist()
    if as_json:
        echo_json({"base": found.base, "what": what, "table": rows, "suspects": suspects, "notes": found.notes})
        return
    for model, said in found.notes.items():
        click.echo(f"{cell(model)}: {'; '.join(map(cell, said))}.")
    names = ["module", "parameter", "model", "num_parameters", *SHOWN[what]]
    if what in ("weights", "sparsity") and found.notes:
        names += ["num_tensors", "num_tensors_compared", "share_compared"]
    echo_table(names, [[row[name] for name in names] for row in rows])
    if suspects:
        click.echo()
        echo_table(["suspect", "model", "reason"], [[row["module"], row["model"], row["reason"]] for row in suspects])


def _alignment(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if not all(first and second for first, _, second in pairs):
        said = "--align takes the name of a tensor of the base, =, and the name of one of the models."
        raise InvalidValue("layers.alignment", said, hint="For example: --align fc.weight=head.weight")
    return {first: second for first, _, second in pairs}


def _write_overlay(found: Layers, models: Sequence[str], path: str, *, measure: str | None) -> None:
    if len(models) > 1:
        raise InvalidValue("layers.overlay", "An overlay is of one model.", hint="Name a base and one model.")
    chosen = measure or MEASURES[found.what][0].id
    files.write(Path(path), model_explorer.overlay(found.table.arrow, model=models[0], measure=chosen))
    click.echo(f"Wrote {chosen} of {models[0]} to {path}.")


def _is_shown(row: dict[str, Any], depth: int | None) -> bool:
    if depth is None:
        return True
    return row["parameter"] is None and tree.depth(row["module"]) <= depth
