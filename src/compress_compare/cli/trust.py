"""Asking whether what a project names may run on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from ..engines.queue import Queue
from ..errors import Untrusted
from ..records import TaskPath

Result = TypeVar("Result")

trust_option = click.option(
    "--trust", is_flag=True, help="Let what the project names run on this machine, now and later, without being asked."
)


def asking(directory: Path, action: Callable[[], Result], *, trust: bool) -> Result:
    """Do what may need to run code that a project names: after asking, where a terminal can be asked.

    Args:
        directory: of the project.
        action: what to do; done again from its beginning after an answer.
        trust: whether the answer is yes already.

    Raises:
        Untrusted: ``task.untrusted`` if the answer is no, or nobody can be asked.
    """
    while True:
        try:
            return action()
        except Untrusted as error:
            if not trust and not _says_yes(error):
                raise
            task = error.task
            queue = Queue(directory)
            try:
                queue.allow(TaskPath(task["path"], task["options"], tuple(task["folders"])))
            finally:
                queue.close()


def _says_yes(error: Untrusted) -> bool:
    if not sys.stdin.isatty():
        return False
    click.echo(f"{error.title}\n{error.detail}", err=True)
    return click.confirm("Run it, and do not ask again for this project?", default=False, err=True)
