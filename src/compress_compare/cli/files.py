"""Writing files that a command was asked for."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ..errors import InvalidValue


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, in place of one that is there.

    Raises:
        InvalidValue: ``output.not_written`` with the reason of the system.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise
    except OSError as error:
        raise InvalidValue(
            "output.not_written", f"{str(path)!r} cannot be written: {error.strerror}.", hint="Choose another place."
        ) from error
