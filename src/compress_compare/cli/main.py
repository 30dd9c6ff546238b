"""``compress-compare``: the group of commands, and how errors are told."""

from __future__ import annotations

import sys

import click

from ..errors import StorageError, UserError
from . import behaviors as behaviors_command
from . import compare, demo, diff, doctor, export, frontier, imports, ls, purge, serve, show
from . import effects as effects_command
from . import layers as layers_command
from . import operations as operations_command
from . import plugins as plugins_command
from . import reality as reality_command
from . import report as report_command
from . import run as run_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="compress-compare")
def cli() -> None:
    """Run, track and compare neural network compression experiments."""


for command in (
    demo.demo,
    serve.serve,
    run_command.run,
    ls.ls,
    show.show,
    compare.compare,
    diff.diff,
    effects_command.effects,
    frontier.frontier,
    behaviors_command.behaviors,
    layers_command.layers,
    reality_command.reality,
    imports.import_,
    export.export,
    report_command.report,
    operations_command.operations,
    plugins_command.plugins,
    doctor.doctor,
    purge.purge,
):
    cli.add_command(command)


def main() -> None:
    """Run the command; an error ends with three lines: the error, its place and what to do.

    The exit code is 2 for invalid input, and 3 if the disk is full or fails.
    """
    try:
        cli(standalone_mode=True)
    except UserError as error:
        for line in (f"{error.code}: {error.title}", error.detail, error.hint):
            if line:
                click.echo(line, err=True)
        sys.exit(3 if isinstance(error, StorageError) else 2)
