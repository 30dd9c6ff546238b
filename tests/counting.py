"""Bounds that do not depend on how busy the machine is: how many lines of the package are run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import compress_compare

PACKAGE = str(Path(compress_compare.__file__).parent)


class TooMuchWork(AssertionError):
    """More lines were run than a test allows."""


@contextmanager
def at_most(lines: int) -> Iterator[None]:
    """Fail when more than so many lines of the package are run inside, in this thread."""
    left = lines

    def count(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if event == "call" and not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            left -= 1
            if left < 0:
                raise TooMuchWork(f"more than {lines:,} lines were run")
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)
