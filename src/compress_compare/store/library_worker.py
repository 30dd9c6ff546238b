"""Converts one checkpoint of Keras or Core ML to safetensors, in a process of its own with limits:
``python -m compress_compare.store.library_worker PATH NAME TARGET``.

The answer, one JSON object, goes to standard output.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ..readers import coreml, keras
from .serialized import serialized
from .worker import ROOM, answer, bound_memory, confine

MAX_FILES = 256
GROWTH = 16
"""Times the size of a file that its weights may have as floats: two bits as 32."""


def main() -> None:
    """Convert; the answer is empty, or the fields of the error."""
    path, name, target = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    size = sum(each.stat().st_size for each in path.rglob("*")) if path.is_dir() else path.stat().st_size
    room = 2 * GROWTH * size + ROOM
    confine(max_files=MAX_FILES, max_written=GROWTH * size + ROOM)
    bound_memory(room, name)

    def convert() -> dict[str, Any]:
        found, beside = coreml.load(path, name) if path.is_dir() else keras.load(path, name)
        target.write_bytes(serialized(found, beside))
        return {}

    answer(name, convert, room=room)


if __name__ == "__main__":
    main()
