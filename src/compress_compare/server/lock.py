"""One server per project: a second one is told which process has it."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import StoreError
from ..store import location


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Be the only server of the project in ``directory``.

    The system's own file lock decides, so a killed server leaves nothing stale and a recycled process id deceives
    nobody; the process id and the start time in the file are for people.

    Raises:
        StoreError: ``server.running``, at once, if another process serves it.
    """
    try:
        descriptor = os.open(directory / location.SERVER_LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT):
            raise
        yield  # nothing can be written there, so nobody disturbs another
        return
    try:
        if not _locked(descriptor):
            raise _running(directory.resolve().name, os.read(descriptor, 200))
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"pid": os.getpid(), "started": time.time()}).encode())
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _running(name: str, content: bytes) -> StoreError:
    try:
        who = f"process {int(json.loads(content)['pid'])}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return StoreError(
        "server.running",
        f"The project {name!r} is already served by {who}.",
        hint="Open the address that it printed, or stop it first.",
    )
