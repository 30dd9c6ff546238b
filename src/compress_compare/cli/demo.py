"""``compress-compare demo``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .progress import StepProgress


@click.command()
@click.argument("name", type=click.Choice(["digits", "pydoc"]), default="digits")
@click.option("--path", help="Directory of the project; default: runs/NAME.")
@click.option("--seed", default=0, show_default=True, help="Seed of everything random.")
@click.option("--no-serve", is_flag=True, help="Exit after the run instead of opening the page.")
@click.option("--port", type=int, help="Port of the page.")
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.pass_context
def demo(
    context: click.Context, name: str, path: str | None, seed: int, no_serve: bool, port: int | None, no_browser: bool
) -> None:
    """Make a demonstration project from real data, then serve it."""
    from ..demos import digits, pydoc

    location = Path(path or f"runs/{name}")
    shipped = None
    with StepProgress(sys.stderr) as progress:
        if name == "digits":
            made = digits.run_digits(location, seed=seed, progress=progress, onnx=True)
            shipped = digits.ship_digits(made, location.with_name(f"{location.name}-shipped"))
        else:
            made = pydoc.run_pydoc(location, seed=seed, progress=progress)
    made.close()
    if shipped is not None:
        click.echo(
            f"Shipped {shipped.model} with its card to {shipped.directory}: {shipped.num_bytes:,} bytes.", err=True
        )
    if not no_serve:
        from .serve import serve

        context.invoke(serve, project=str(location), port=port, no_browser=no_browser)
