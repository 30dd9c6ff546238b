"""Writing files so that a crash leaves either the old or the new content, and locking between processes."""

from __future__ import annotations

import os
import secrets
import sys
from contextlib import suppress
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Make renames inside ``directory`` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace ``path`` by ``content``: temporary file, fsync, rename, fsync of the folder."""
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def held(path: Path) -> int:
    """Lock a file or a folder that nobody else has; returns the descriptor whose end is the end of the lock."""
    descriptor = try_lock(path)
    if descriptor is None:
        raise BlockingIOError(f"{path.name} is in use")
    return descriptor


def try_lock(path: Path) -> int | None:
    """Lock a file or a folder against every other holder; ``None``, at once, if another one has it.

    The system releases the lock when the process dies.
    """
    descriptor = os.open(path, os.O_RDONLY)
    if not lock(descriptor, wait=False):
        os.close(descriptor)
        return None
    return descriptor


def lock(descriptor: int, *, wait: bool) -> bool:
    """Lock an open file or folder; returns whether that went well, always if it may wait."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True
