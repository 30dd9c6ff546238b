"""Opening what a user named: regular files only, and never a wait on a pipe or a device."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from ..errors import InvalidValue

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading; the caller closes it.

    Raises:
        InvalidValue: ``input.not_found``, ``input.not_regular_file`` or ``input.permission``.
    """
    try:
        _check(path, path.stat())
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise unreadable(path, error) from error
    file = os.fdopen(descriptor, "rb")
    try:
        _check(path, os.fstat(descriptor))
    except InvalidValue:
        file.close()
        raise
    return file


def check_inside(folder: Path) -> None:
    """Check that a folder holds regular files of its own alone.

    Raises:
        InvalidValue: ``path.outside_folder``.
    """
    inside = folder.resolve()
    for each in folder.rglob("*"):
        if each.is_symlink() or not (each.is_dir() or each.is_file()) or not each.resolve().is_relative_to(inside):
            raise InvalidValue("path.outside_folder", f"{each.name!a:.200} is no file of {folder.name!a} itself.")


def unreadable(path: Path, error: Exception) -> InvalidValue:
    """The sentence for a file that the system does not open."""
    number = error.errno if isinstance(error, OSError) else errno.ENOENT
    if number in (errno.EACCES, errno.EPERM):
        return InvalidValue(
            "input.permission",
            f"The file {path.name!a} may not be read.",
            hint="Give yourself permission to read it, or copy it.",
        )
    if number == errno.ELOOP:
        return InvalidValue("input.not_regular_file", f"{path.name!a} is a link that leads back to itself.")
    if number in (errno.ENXIO, errno.ENODEV):
        return InvalidValue("input.not_regular_file", f"{path.name!a} is not a regular file.")
    return InvalidValue("input.not_found", f"There is no file {path.name!a}.", hint="Check the path.")


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for test, name in _KINDS if test(status.st_mode)), "something else")
        raise InvalidValue(
            "input.not_regular_file", f"{path.name!a} is {kind}, not a file.", hint="Name the checkpoint file itself."
        )
