"""Converts one checkpoint of Keras or Core ML to safetensors, in a process of its own with limits:
``python -m compress_compare.store.other_worker PATH NAME TARGET``.

The answer, one JSON object, goes to standard output.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from ..errors import UserError
from . import coreml_package, keras_file
from .checkpoints import serialize
from .torch_worker import MAX_SECONDS, ROOM, end_above, too_large

MAX_FILES = 256
GROWTH = 16
"""Times the size of a file that its weights may have as floats: two bits as 32."""


def main() -> None:
    """Convert; the answer is empty, or the fields of the error."""
    path, name, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    size = sum(each.stat().st_size for each in path.rglob("*")) if path.is_dir() else path.stat().st_size
    limits = (resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, MAX_SECONDS), (resource.RLIMIT_NOFILE, MAX_FILES)
    for limit, value in (*limits, (resource.RLIMIT_FSIZE, GROWTH * size + ROOM)):
        resource.setrlimit(limit, (value, value))
    used, room = psutil.Process().memory_info(), 2 * GROWTH * size + ROOM
    with suppress(OSError, ValueError):  # a system that has no such limit is watched
        resource.setrlimit(resource.RLIMIT_AS, (used.vms + room + ROOM,) * 2)
    threading.Thread(target=end_above, args=(used.rss + room, name), daemon=True).start()
    answer: dict[str, Any] = {}
    try:
        found, beside = coreml_package.load(path, name) if path.is_dir() else keras_file.load(path, name)
        target.write_bytes(serialize(found, beside))
    except UserError as error:
        answer = {"code": error.code, "title": error.title, "detail": error.detail, "hint": error.hint}
    except MemoryError:
        answer = too_large(name)
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
