"""``compress-compare export``."""

from __future__ import annotations

from pathlib import Path

import click

from .. import exporters
from .. import project as projects
from . import files


@click.command()
@click.argument("project")
@click.option("-o", "--output", required=True, help="The file or folder to write; its ending decides the format.")
@click.option(
    "--format", "format_", help="The format, if the ending does not decide it; see the command plugins for more."
)
def export(project: str, output: str, format_: str | None) -> None:
    """Write all models of PROJECT with their metrics to a file or folder that other tools open.

    The ending decides: .json (experiments), .csv or .parquet (a table), .db (MLflow), .footprint.json (Olive),
    .wandb.csv (Weights & Biases). A folder of model cards needs --format huggingface.
    """
    path = Path(output)
    exporter = exporters.choose(path, format_)
    with projects.open(project, create=False) as opened:
        content = exporter.write(opened)
        if isinstance(content, bytes):
            files.write(path, content)
        else:
            files.write_folder(path, content)
        click.echo(f"Wrote {len(opened):,} models to {output}.")
        left = exporters.left_out(opened)
    if left:
        click.echo(f"Not in it: {', '.join(left)}. The command pack writes all of a project.")
