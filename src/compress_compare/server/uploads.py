"""Files that a page sends to be imported: kept in a folder of their own until the server ends."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
import threading
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path

from ..errors import Conflict, InvalidValue, NotFound, TooLarge

MAX_BYTES = 500_000_000
MAX_FILES = 20_000
MAX_PART = 255
MAX_DEPTH = 32
ID = re.compile(r"[0-9a-f]{32}")


@dataclass
class SentFiles:
    """What was sent under one name so far."""

    folder: Path
    num_files: int = 0
    num_bytes: int = 0


class Uploads:
    """Takes files in pieces. Nothing that a client says leads outside of the folder of its upload."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._root: Path | None = None
        self._known: dict[str, SentFiles] = {}

    def put(self, id: str | None, path: str, *, offset: int, content: str) -> str:
        """Add a piece of a file; returns the id of the upload.

        Args:
            id: of the upload; a new one if not given.
            path: of the file, with ``/`` between its parts.
            offset: bytes of the file that were sent before.
            content: the piece, base64.

        Raises:
            InvalidValue: ``upload.path``, ``upload.content``.
            NotFound: ``upload.unknown``.
            Conflict: ``upload.offset`` if it does not continue what is there.
            TooLarge: ``upload.too_large``, ``upload.too_many``.
        """
        parts = _parts(path)
        try:
            piece = b64decode(content, validate=True)
        except ValueError:  # binascii.Error, or characters that are not ASCII
            raise InvalidValue("upload.content", "The content of a file must be base64.") from None
        with self._lock:
            if id is None:
                id = secrets.token_hex(16)
                self._known[id] = SentFiles(self._new(id))
            upload = self._of(id)
            if upload.num_bytes + len(piece) > MAX_BYTES:
                hint = "Give the path of the folder instead: the server reads it where it is."
                raise TooLarge("upload.too_large", f"An import takes {MAX_BYTES:,} bytes at most.", hint=hint)
            target = upload.folder.joinpath(*parts)
            size = target.stat().st_size if target.is_file() else 0
            if offset != size:
                raise Conflict("upload.offset", f"The file has {size:,} bytes, not {offset:,}.", hint="Send it again.")
            if not target.exists():
                if upload.num_files >= MAX_FILES:
                    raise TooLarge("upload.too_many", f"An import takes {MAX_FILES:,} files at most.")
                upload.num_files += 1
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("ab") as file:
                    file.write(piece)
            except OSError as error:
                detail = type(error).__name__
                raise InvalidValue("upload.path", f"There cannot be a file {path[:80]!r}.", detail=detail) from None
            upload.num_bytes += len(piece)
        return id

    def place(self, id: str) -> Path:
        """The file or folder that was sent: the one at the top, or else all of them.

        Raises:
            NotFound: ``upload.unknown``.
        """
        with self._lock:
            folder = self._of(id).folder
        top = list(folder.iterdir())
        return top[0] if len(top) == 1 else folder

    def close(self) -> None:
        """Remove everything."""
        with self._lock:
            if self._root is not None:
                shutil.rmtree(self._root, ignore_errors=True)
            self._root = None
            self._known.clear()

    def _new(self, id: str) -> Path:
        if self._root is None:
            self._root = Path(tempfile.mkdtemp(prefix="compress-compare-"))
        folder = self._root / id
        folder.mkdir()
        return folder

    def _of(self, id: str) -> SentFiles:
        if not ID.fullmatch(id) or id not in self._known:
            raise NotFound(
                "upload.unknown", "The files of this import are not there any more.", hint="Drop them again."
            )
        return self._known[id]


def _parts(path: str) -> list[str]:
    parts = path.split("/")
    wrong = any(part in ("", ".", "..") or len(part.encode()) > MAX_PART or not part.isprintable() for part in parts)
    if wrong or len(parts) > MAX_DEPTH or "\\" in path:
        raise InvalidValue("upload.path", f"{path[:80]!r} is not the path of a file below a folder.")
    return parts
