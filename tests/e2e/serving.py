"""The real server, started as a person starts it."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TOOL = (sys.executable, "-c", "from compress_compare.cli import main; main()")
START_SECONDS = 180


@contextmanager
def serving(tool: Sequence[str], project: Path, **environment: str) -> Iterator[str]:
    """Serve ``project`` on a free port and give the address that was printed, token included."""
    process = subprocess.Popen(
        [*tool, "serve", str(project), "--no-browser", "--port", "0"],
        env={**os.environ, **environment},
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None and process.stderr is not None
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        ready, _, _ = select.select([process.stdout], [], [], 0.2)
        line = process.stdout.readline() if ready else ""
        if found := re.search(r"http://\S+", line):
            return found.group()
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}: {process.stderr.read()}")
    raise AssertionError("the server printed no address")
