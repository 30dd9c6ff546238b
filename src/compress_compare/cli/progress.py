"""A progress bar for a run of many steps: one line that is redrawn on a terminal, one line per step elsewhere."""

from __future__ import annotations

import time
from typing import TextIO

import click

WIDTH = 24


class StepProgress:
    """Call it with the index of the step that begins, how many there are, and what the step is."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._started = time.monotonic()

    def __enter__(self) -> StepProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            click.echo("", file=self._stream)

    def __call__(self, index: int, total: int, description: str) -> None:
        """Show that step ``index`` of ``total`` begins; ``index == total`` means all are done."""
        done = WIDTH * index // max(total, 1)
        bar = "█" * done + "░" * (WIDTH - done)
        elapsed = time.monotonic() - self._started
        left = f", {elapsed / index * (total - index):.0f} s left" if 0 < index < total else ""
        line = f"{bar} {index}/{total}  {description}  ({elapsed:.0f} s{left})"
        click.echo(f"\r\x1b[K{line}" if self._live else line, file=self._stream, nl=not self._live)
