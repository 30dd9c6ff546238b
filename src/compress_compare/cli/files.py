"""Writing files that a command was asked for."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
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


def write_folder(path: Path, contents: Mapping[str, bytes]) -> None:
    """Write a folder whole or not at all. It must not be there, or be empty.

    Args:
        path: of the folder.
        contents: of each file, by its path in the folder.

    Raises:
        InvalidValue: ``output.not_written`` with the reason of the system; ``output.exists``.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        title = f"{str(path)!r} is there and is not an empty folder."
        raise InvalidValue("output.exists", title, hint="Choose another place, or remove it.")
    try:
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
        try:
            for name, content in contents.items():
                file = temporary / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            temporary.chmod(0o755)
            temporary.replace(path)
        except BaseException:
            shutil.rmtree(temporary)
            raise
    except OSError as error:
        raise InvalidValue(
            "output.not_written", f"{str(path)!r} cannot be written: {error.strerror}.", hint="Choose another place."
        ) from error
