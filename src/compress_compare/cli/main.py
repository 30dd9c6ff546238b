"""``compress-compare``: the group of commands, and how errors are told."""

from __future__ import annotations

import gc
import logging
import sys

import click

from .. import late
from ..errors import StorageError, UserError

COMMANDS = {
    "demo": ("demo", "Make a demonstration project from real data, then serve it."),
    "serve": ("serve", "Show PROJECT in the browser, on this machine only, until Ctrl-C."),
    "token": ("token", "Make, list and revoke the tokens by which others use your servers."),
    "sync": ("sync", "Send what was logged to projects on servers that could not be reached."),
    "run": ("run", "Make the models of the file RECIPE that the project lacks."),
    "ls": ("ls", "List the models of PROJECT with their primary metrics."),
    "show": ("show", "Show everything about one MODEL of PROJECT."),
    "compare": ("compare", "Show what differs between MODELS of PROJECT, and compare their primary metrics."),
    "diff": (
        "diff",
        "Compare checkpoints, files or folders of any format, with the first of PATHS, without a project.",
    ),
    "whence": ("whence", "Say which model of which project FILE, a checkpoint or a folder of one, is."),
    "effects": (
        "effects",
        "List the effect of each operation and parameter change on each metric, from matched pairs of PROJECT.",
    ),
    "frontier": ("frontier", "List the Pareto-optimal models of PROJECT by two metrics."),
    "best": ("best", "Name the best model of PROJECT by one metric, among those within the bounds."),
    "gate": (
        "gate",
        "Hold MODEL of PROJECT against the rules of a release.",
    ),
    "behaviors": (
        "behaviors",
        "Compare the predictions of MODELS of PROJECT with those of a base: flips, classes, instances.",
    ),
    "layers": ("layers", "Compare the layers of MODELS of PROJECT with those of a base, and list the suspects."),
    "sensitivity": (
        "sensitivity",
        "Measure how much MODEL of PROJECT loses when one layer at a time is compressed, and keep it in the project.",
    ),
    "plan": (
        "plan",
        "Choose a level for each layer of MODEL of PROJECT, so that a budget is met and the least is lost.",
    ),
    "search": (
        "search",
        "Make those models of the file RECIPE that an optimizer asks for, until their frontier stays as it is.",
    ),
    "reality": (
        "reality",
        "Compare what MODELS of PROJECT claim with what they cost, and say why the two differ; default: all models.",
    ),
    "evaluate": (
        "evaluate",
        "Measure what the task of PROJECT measures and its models lack; what was measured before stays.",
    ),
    "import": (
        "imports",
        "Import the experiments in each PATH, a file, folder or URL that another tool wrote, into PROJECT.",
    ),
    "export": (
        "export",
        "Write all models of PROJECT with their metrics to a file or folder that other tools open.",
    ),
    "ship": ("ship", "Write MODEL of PROJECT into DIRECTORY, read it back, and hold it against the model."),
    "pack": ("archive", "Write all of PROJECT to one file."),
    "unpack": ("archive", "Make PROJECT, a directory that is not there yet, of an ARCHIVE."),
    "merge": ("archive", "Bring what OTHER, a project or an archive, has into PROJECT: all of it, or nothing."),
    "mcp": (
        "mcp",
        "Offer PROJECT to an agent as tools of the Model Context Protocol, over stdin and stdout; read-only.",
    ),
    "report": ("report", "Write a report on models of PROJECT: one HTML file that needs no server and no network."),
    "operations": (
        "operations",
        "List the compression operations, those of other packages too, or explain the one called NAME.",
    ),
    "apply": ("apply", "Apply OPERATION to a checkpoint folder, tensor by tensor, without loading it whole."),
    "plugins": (
        "plugins",
        "List the operations, importers, exporters and formats of other packages, with the errors of those that fail.",
    ),
    "backup": (
        "backup",
        "Copy PROJECT as it is at this moment to a new DIRECTORY, while others may read and write it.",
    ),
    "doctor": (
        "doctor",
        "List the installed versions and those that are too old, and check whether every file of PROJECT is intact.",
    ),
    "purge": (
        "purge",
        "Give the space of deleted models of PROJECT back, and of files that killed processes have left.",
    ),
    "delete": ("changes", "Delete MODEL of PROJECT."),
    "restore": ("changes", "Put the deleted MODEL of PROJECT back, with all that was deleted together with it."),
    "rename": ("changes", "Call MODEL of PROJECT NEW from now on."),
    "set-base": ("changes", "Say that MODEL of PROJECT came from BASE."),
    "archive": ("changes", "Hide MODEL of PROJECT from all lists and charts; its numbers stay."),
    "correct": ("changes", "Replace wrong metric values of MODEL of PROJECT."),
    "history": (
        "changes",
        "Show what was changed in PROJECT after it was logged, or about one MODEL, the newest first.",
    ),
    "undo": ("changes", "Take back the last change of PROJECT, or the one with a NUMBER of the history."),
}

TALKATIVE = ("torchao", "torch.utils._pytree")
"""Loggers that warn of what nobody can act on whenever torchao is imported."""
"""Each command with its module and its first sentence: what `--help` lists without importing any of them."""


class Commands(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported; ``None`` where there is none."""
        return command(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands with their first sentences."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])


def command(name: str) -> click.Command:
    """The command of that name, imported."""
    module, _ = COMMANDS[name]
    collected = gc.isenabled()
    gc.disable()  # while modules are imported there is no garbage, and looking for it takes a tenth of the time
    try:
        found: click.Command = late.attribute(
            f"{__package__}.{module}", "import_" if name == "import" else name.replace("-", "_")
        )
    finally:
        if collected:
            gc.enable()
    return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="compress-compare")
def cli() -> None:
    """Run, track and compare neural network compression experiments."""


def main() -> None:
    """Run the command; an error ends with three lines: the error, its place and what to do.

    The exit code is 2 for invalid input, and 3 if the disk is full or fails.
    """
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        cli(standalone_mode=True)
    except UserError as error:
        for line in (f"{error.code}: {error.title}", error.detail, error.hint):
            if line:
                click.echo(line, err=True)
        sys.exit(3 if isinstance(error, StorageError) else 2)
