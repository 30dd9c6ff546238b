"""Files that stay where they are: instead of a copy, the project keeps where the file is and the hash of its content.

Such a note is a small file beside the place where a copy would be, ``objects/ab/abcd….at``. It is never believed: each
process reads the file whole once and compares its hash, and again after every change of the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import InvalidValue, StoreError
from ..readers.regular import open_regular

SUFFIX = ".at"
MOST_BYTES = 1 << 16
HINT = (
    "Put it back, log it from its new place with cc.Reference(path), or find a copy with: compress-compare doctor "
    "PROJECT --repair --from FOLDER"
)


@dataclass(frozen=True)
class FileReference:
    """Weights that stay where they are: the project keeps their place and their hash, and no copy.

    The weights must not move or change afterwards; if they did, whatever needs them says so. Archives and backups hold
    a copy. Small files beside the weights, such as ``config.json``, are copied.

    Args:
        path: of a file or a Hugging Face folder in a format that is stored as it is, such as safetensors or GGUF.
    """

    path: str | Path


Reference = FileReference
"""What users call it."""


def place(weights: object) -> object:
    """What was given as weights; of a reference, the path that it names."""
    return weights.path if isinstance(weights, FileReference) else weights


def refused(detail: str) -> InvalidValue:
    """The error of a project whose files are not in a folder that all its readers see."""
    return InvalidValue(
        "checkpoint.reference",
        "This project keeps its files elsewhere, so weights cannot stay where they are.",
        detail=detail,
        hint="Pass the path itself: then they are copied.",
    )


class Pointers:
    """The notes in a folder of objects, and which of the files that they name this process has compared."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str, int, int, int]] = set()

    def followed(self, pointer: Path, digest: str, *, anew: bool = False) -> Path | None:
        """Where the file is that a note names; ``None`` if there is no note.

        Args:
            pointer: the note.
            digest: SHA-256 of what the file must hold.
            anew: whether to read it again though it was compared.

        Raises:
            StoreError: ``artifact.reference_gone``, ``artifact.reference_changed``.
        """
        path = _named(pointer)
        if path is None:
            return None
        try:
            with open_regular(path) as file:
                status = os.fstat(file.fileno())
                state = (digest, str(path), status.st_size, status.st_mtime_ns, status.st_ino)
                if anew or state not in self._seen:
                    self._compare(digest, hashlib.file_digest(file, "sha256").hexdigest(), path)
                    self._seen.add(state)
        except InvalidValue as error:
            title = "Weights that were left where they were logged from are not there any more."
            raise StoreError("artifact.reference_gone", title, detail=f"{path}: {error.title}", hint=HINT) from error
        return path

    @staticmethod
    def _compare(digest: str, actual: str, path: Path) -> None:
        if actual != digest:
            title = "Weights that were left where they were logged from have changed since."
            raise StoreError("artifact.reference_changed", title, detail=str(path), hint=HINT)


def content(path: Path) -> bytes:
    """The note for a file."""
    return json.dumps({"path": str(path.absolute())}, ensure_ascii=False).encode()


def _named(pointer: Path) -> Path | None:
    """What a note names; ``None`` if there is none, or it cannot be read."""
    try:
        with open_regular(pointer) as file:
            path = json.loads(file.read(MOST_BYTES))["path"]
    except (InvalidValue, OSError, ValueError, KeyError, TypeError):
        return None
    return Path(path) if isinstance(path, str) and "\0" not in path and Path(path).is_absolute() else None
